// Symmetric square roots of covariances: closed forms for p = 1 and 2, eigenvalues beyond; what is done to those that are none.

import { describe, expect, it } from "vitest";
import { stream } from "../../src/index";
import { covarianceRoot } from "../../src/study/objective/covarianceRoot";

// B Bᵀ of normals, of a given rank
function covariance(p: number, rank: number, step: number): Float64Array {
  const b = stream(8).normals(p * rank, { step });
  const result = new Float64Array(p * p);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      for (let k = 0; k < rank; k++) result[i * p + j]! += b[i * rank + k]! * b[j * rank + k]!;
    }
  }
  return result;
}

function square(root: Float64Array, p: number): Float64Array {
  const result = new Float64Array(p * p);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) for (let k = 0; k < p; k++) result[i * p + j]! += root[i * p + k]! * root[k * p + j]!;
  }
  return result;
}

describe("the root of a covariance", () => {
  it.each(
    [1, 2, 3, 6].flatMap((p) => [
      [p, p],
      [p, 1],
      [p, 0],
    ]),
  )("of %d rows and rank %d is symmetric, positive, and squares to it", async (p, rank) => {
    const { root, seen } = await covarianceRoot(p!);
    const out = new Float64Array(p! * p!);
    for (let step = 0; step < 50; step++) {
      const sigma = covariance(p!, rank!, step);
      root(sigma, out);
      const again = square(out, p!);
      const size = 1e-300 + Math.max(...sigma.map(Math.abs));
      // eigenvalues to round-off: a zero one is off by 1e-16 of the largest, its root by 1e-8, and the square by 1e-16
      for (let e = 0; e < sigma.length; e++) expect(Math.abs(again[e]! - sigma[e]!) / size).toBeLessThan(2e-14 * p!);
      for (let i = 0; i < p!; i++) {
        expect(out[i * p! + i]).toBeGreaterThanOrEqual(0);
        for (let j = 0; j < i; j++)
          expect(Math.abs(out[i * p! + j]! - out[j * p! + i]!) / Math.sqrt(size)).toBeLessThan(1e-14);
      }
    }
    expect(seen).toEqual({ roots: 50, clipped: 0, worst: 0 });
  });

  it.each([1, 2, 3])("of %d rows with a negative eigenvalue takes that as 0, and counts it", async (p) => {
    const { root, seen } = await covarianceRoot(p);
    const out = new Float64Array(p * p);
    // eigenvalues 4 (twice for p = 3) and −1 along (cos, sin)
    const [c, s] = [0.6, 0.8];
    const sigma =
      p === 1
        ? [-1]
        : p === 2
          ? [4 - 5 * c * c, -5 * c * s, -5 * c * s, 4 - 5 * s * s]
          : [4 - 5 * c * c, -5 * c * s, 0, -5 * c * s, 4 - 5 * s * s, 0, 0, 0, 4];
    root(Float64Array.from(sigma), out);
    const expected =
      p === 1
        ? [0]
        : p === 2
          ? [2 - 2 * c * c, -2 * c * s, -2 * c * s, 2 - 2 * s * s]
          : [2 - 2 * c * c, -2 * c * s, 0, -2 * c * s, 2 - 2 * s * s, 0, 0, 0, 2];
    expected.forEach((value, e) => void expect(out[e]).toBeCloseTo(value, 14));
    expect(seen.roots).toBe(1);
    expect(seen.clipped).toBe(1);
    expect(seen.worst).toBeCloseTo(p === 1 ? -1 : -0.25, 14);
    root(new Float64Array(p * p), out);
    expect(seen.clipped).toBe(1);
  });
});
