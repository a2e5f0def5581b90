// Objectives in R^p: what is refused and how it is told, the differences of gradients in place of a Hessian, quadratic terms.

import { describe, expect, it } from "vitest";
import { DivergenceError, linearObjective, type Objective, SpecError, stream } from "../../src/index";
import { hessianVectorOf, readObjective } from "../../src/model/objective";

// ℓ_q(x) = (x₀² x₁ − q)²/2: a function of degree 6, so that no difference is exact
const curved: Objective = {
  dimension: 2,
  terms: 3,
  weights: [1, 2, 1],
  gradient(q, [a, b], out) {
    const r = a! * a! * b! - q;
    out[0] = 2 * r * a! * b!;
    out[1] = r * a! * a!;
  },
  value: (q, [a, b]) => (a! * a! * b! - q) ** 2 / 2,
};

describe("a user's objective", () => {
  it("has the weighted mean of its terms' gradients and values", () => {
    const sum = readObjective(curved);
    const x = Float64Array.of(1.5, -0.7);
    const [mean, own, all] = [new Float64Array(2), new Float64Array(2), new Float64Array(6)];
    sum.mean(x, mean);
    // by hand: x₀²x₁ = −1.575, the mean of q is 1, so E r = −2.575
    expect(mean[0]).toBeCloseTo(2 * -2.575 * 1.5 * -0.7, 14);
    expect(mean[1]).toBeCloseTo(-2.575 * 2.25, 14);
    sum.gradients(x, all, own);
    expect(own).toEqual(mean);
    sum.gradient(2, x, own);
    expect(Array.from(own)).toEqual(Array.from(all.subarray(4)));
    expect(sum.value!(x)).toBeCloseTo((0.25 * 1.575 ** 2 + 0.5 * 2.575 ** 2 + 0.25 * 3.575 ** 2) / 2, 14);
  });

  it("has ∇²L v by differences, to 1e-8 of its size", () => {
    const sum = readObjective(curved);
    const product = hessianVectorOf(sum);
    const out = new Float64Array(2);
    for (let k = 0; k < 20; k++) {
      const [a, b, v0, v1] = stream(5).normals(4, { step: k }) as unknown as [number, number, number, number];
      const r = a * a * b - 1;
      const exact = [
        (2 * r * b + 4 * a * a * b * b) * v0 + (2 * r * a + 2 * a * a * a * b) * v1,
        (2 * r * a + 2 * a * a * a * b) * v0 + a * a * a * a * v1,
      ];
      const size = 1 + Math.hypot(...exact);
      product(Float64Array.of(a, b), Float64Array.of(v0, v1), out);
      // truncation is h²/6 of fourth derivatives, some 100 here, at h = (1 + |x|)/2¹⁷: 1e-8 for |x| of 3; round-off is 1e-10
      expect(Math.hypot(out[0]! - exact[0]!, out[1]! - exact[1]!)).toBeLessThan(1e-8 * size);
    }
    product(Float64Array.of(1, 1), new Float64Array(2), out);
    expect(Array.from(out)).toEqual([0, 0]);
  });

  it.each<[string, Partial<Objective> | null, RegExp]>([
    ["nothing", null, /^objective: expected an objective/],
    ["no dimension", { dimension: 0 }, /^objective\.dimension: .*found 0/],
    ["half a dimension", { dimension: 1.5 }, /^objective\.dimension/],
    ["no terms", { terms: Number.NaN }, /^objective\.terms: .*found NaN/],
    ["too many terms", { terms: 1e9 }, /^objective\.terms/],
    ["no gradient", { gradient: undefined as never }, /^objective\.gradient: expected a function/],
    ["a Hessian that is a number", { hessianVector: 1 as never }, /^objective\.hessianVector/],
    ["weights of another length", { weights: [1, 1] }, /^objective\.weights: expected 3 numbers/],
    ["a negative weight", { weights: [1, -1, 1] }, /^objective\.weights\[1\]: .*found -1/],
    ["weights that are 0", { weights: [0, 0, 0] }, /^objective\.weights/],
    ["a weight that is no number", { weights: [1, Number.NaN, 1] }, /^objective\.weights\[1\]: .*found NaN/],
    ["an infinite weight", { weights: [1, Infinity, 1] }, /^objective\.weights\[1\]: .*found Infinity/],
  ])("with %s is refused by its path", (_, change, message) => {
    const broken = change === null ? (null as unknown as Objective) : { ...curved, ...change };
    expect(() => readObjective(broken)).toThrow(SpecError);
    expect(() => readObjective(broken)).toThrow(message);
  });

  it("whose gradient is not finite is told with the term, the point and the remedy", () => {
    const broken = readObjective({ ...curved, gradient: (q, x, out) => void out.fill(q === 1 ? 1 / (x[0]! - 1) : 0) });
    const out = new Float64Array(2);
    expect(() => broken.mean(Float64Array.of(1, 2), out)).toThrow(SpecError);
    expect(() => broken.mean(Float64Array.of(1, 2), out)).toThrow(
      "objective.gradient(1, x)[0]: expected a finite number at x = [1, 2], found Infinity",
    );
  });

  it("whose gradient forgets a number, or adds to what was there, is found out", () => {
    const out = new Float64Array(2);
    const forgets = readObjective({ ...curved, gradient: (_, x, to) => void (to[0] = x[0]!) });
    expect(() => forgets.mean(Float64Array.of(1, 2), out)).toThrow("gradient(0, x)[1]");
    const adds = readObjective({ ...curved, gradient: (_, x, to) => x.forEach((v, i) => void (to[i]! += v)) });
    expect(() => adds.mean(Float64Array.of(1, 2), out)).toThrow("do not add to them");
    // a gradient that is returned, as many libraries have it, is not written
    const returns = readObjective({ ...curved, gradient: ((_: number, x: Float64Array) => x) as never });
    expect(() => returns.mean(Float64Array.of(1, 2), out)).toThrow("has to write all numbers of `out`");
  });

  it("far outside of all bounds has diverged, and is not called broken", () => {
    const sum = readObjective(curved);
    expect(() => sum.mean(Float64Array.of(1e80, 1e80), new Float64Array(2))).toThrow(DivergenceError);
  });
});

describe("quadratic terms", () => {
  it("have the gradients A_q x − b_q, the Hessian Σ m_q A_q and the values ½ xᵀA_q x − b_qᵀx", async () => {
    const objective = await linearObjective({
      matrices: [
        [
          [2, 1],
          [1, 3],
        ],
        [
          [-1, 0],
          [0, 4],
        ],
      ],
      vectors: [
        [1, 0],
        [0, -2],
      ],
      weights: [3, 1],
    });
    const x = Float64Array.of(0.5, -1);
    const out = new Float64Array(2);
    objective.gradient(0, x, out);
    expect(Array.from(out)).toEqual([-1, -2.5]);
    objective.gradient(1, x, out);
    expect(Array.from(out)).toEqual([-0.5, -2]);
    objective.hessianVector!(x, Float64Array.of(1, 1), out);
    expect(Array.from(out)).toEqual([2, 4]);
    // differences of a linear function are exact: what is left is round-off of ∇L, a few ulps over h = 1.6e-5
    const { hessianVector: _, ...plain } = objective;
    const differences = new Float64Array(2);
    hessianVectorOf(readObjective(plain))(x, Float64Array.of(1, 1), differences);
    expect(Math.abs(differences[0]! - 2) + Math.abs(differences[1]! - 4)).toBeLessThan(1e-10);
    // ½(½ − 1 + 3) − ½ and ½(−¼ + 4) − 2
    expect(objective.value!(0, x)).toBeCloseTo(0.5 * (0.5 - 1 + 3) - 0.5, 14);
    expect(objective.value!(1, x)).toBeCloseTo(0.5 * (-0.25 + 4) - 2, 14);
  });

  it.each<[string, object, RegExp]>([
    [
      "that are not symmetric",
      {
        matrices: [
          [
            [1, 2],
            [3, 4],
          ],
        ],
      },
      /^problem\.matrices\[0\]\[1\]\[0\]: expected 2/,
    ],
    ["that are not square", { matrices: [[[1, 2]]] }, /^problem\.matrices: expected shape \[Q, p, p\]/],
    [
      "of too few axes",
      {
        matrices: [
          [1, 2],
          [3, 4],
        ],
      },
      /^problem\.matrices/,
    ],
    ["none at all", { matrices: [] }, /^problem\.matrices/],
    ["with a NaN", { matrices: [[[Number.NaN]]] }, /^problem\.matrices\[0\]\[0\]\[0\]: .*NaN/],
    [
      "with vectors of another length",
      { matrices: [[[1]]], vectors: [[1, 2]] },
      /^problem\.vectors: expected shape \[1, 1\]/,
    ],
    [
      "with weights of another length",
      { matrices: [[[1]]], weights: [1, 2] },
      /^problem\.weights: expected shape \[1\]/,
    ],
    ["with a misspelt field", { matrices: [[[1]]], vector: [[1]] }, /^problem\.vector.*Did you mean "vectors"/],
  ])("%s are refused by their path", async (_, problem, message) => {
    await expect(linearObjective(problem as never)).rejects.toThrow(SpecError);
    await expect(linearObjective(problem as never)).rejects.toThrow(message);
  });
});
