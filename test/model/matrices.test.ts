import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haarOrthogonal, semidefiniteFactor } from "../../src/model/matrices";

// F Fᵀ or any product A Bᵀ of row-major d × d matrices.
function timesTransposed(a: Float64Array, b: Float64Array, d: number): Float64Array {
  return Float64Array.from({ length: d * d }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += a[Math.floor(at / d) * d + k]! * b[(at % d) * d + k]!;
    return sum;
  });
}

const largestGap = (a: Float64Array, b: Float64Array): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
const unit = (d: number): Float64Array => Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
const entries = (length: number) =>
  fc.float64Array({ min: -1, max: 1, noNaN: true, minLength: length, maxLength: length });

// A matrix whose entries look random; nothing here depends on their law.
function scattered(d: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: d * d }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

describe("the orthogonal matrix", () => {
  it("is orthogonal to round-off, d · 2^−53", () => {
    for (const d of [1, 2, 3, 7, 40, 101]) {
      const q = haarOrthogonal(scattered(d), d);
      expect(largestGap(timesTransposed(q, q, d), unit(d))).toBeLessThan(d * 1e-15);
    }
  });

  // The QR factorisation with R_kk > 0 is unique: R = Qᵀ A must be upper triangular with a positive diagonal. It is that
  // sign that makes the law Haar's.
  it("is Q of the QR factorisation with a positive diagonal in R", () => {
    for (const d of [1, 2, 5, 30]) {
      const a = scattered(d);
      const q = haarOrthogonal(a, d);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          let r = 0;
          for (let k = 0; k < d; k++) r += q[k * d + i]! * a[k * d + j]!;
          if (j === i) expect(r).toBeGreaterThan(0);
          else expect(Math.abs(r)).toBeLessThan(1e-13);
        }
      }
    }
  });

  // By hand: the first column of [[3, 0], [4, 1]] is (3, 4)/5, the second (−4, 3)/5.
  it("of a 2 × 2 matrix is the one found by hand", () => {
    const q = haarOrthogonal(Float64Array.of(3, 0, 4, 1), 2);
    expect(largestGap(q, Float64Array.of(0.6, -0.8, 0.8, 0.6))).toBeLessThan(1e-15);
  });
});

describe("the factor of a covariance", () => {
  it("gives the matrix back, of any rank", () => {
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 7 }))
      .chain(([d, rank]) => fc.tuple(fc.constant(d), entries(d * Math.max(1, Math.min(d, rank)))));
    fc.assert(
      fc.property(cases, ([d, data]) => {
        const rank = data.length / d;
        const a = new Float64Array(d * d);
        for (let i = 0; i < d; i++) {
          for (let j = 0; j < d; j++) {
            for (let k = 0; k < rank; k++) a[i * d + j]! += data[i * rank + k]! * data[j * rank + k]!;
          }
        }
        const factor = semidefiniteFactor(a, d);
        expect(factor).not.toBeNull();
        // round-off and the cut-off of the pivots: d² · 8 d 2^−52 of the largest entry, at most 7
        expect(largestGap(timesTransposed(factor!, factor!, d), a)).toBeLessThan(1e-12);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("of zero is zero", () => {
    expect([...semidefiniteFactor(new Float64Array(4), 2)!]).toEqual([0, 0, 0, 0]);
  });

  // eigenvalues by hand: 1 ± 2, ±1, −1, 1 − 1e-6 · …
  it.each([
    ["[[1, 2], [2, 1]]", [1, 2, 2, 1]],
    ["[[0, 1], [1, 0]]", [0, 1, 1, 0]],
    ["[[-1, 0], [0, -1]]", [-1, 0, 0, -1]],
    ["[[1, 0], [0, -1e-6]]", [1, 0, 0, -1e-6]],
    ["[[1, 1 + 1e-9], [1 + 1e-9, 1]]", [1, 1 + 1e-9, 1 + 1e-9, 1]],
  ])("of %s does not exist: it has a negative eigenvalue", (_, matrix) => {
    expect(semidefiniteFactor(Float64Array.from(matrix), 2)).toBeNull();
  });
});
