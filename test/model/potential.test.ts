// Potentials and their gradients against formulas and differences. That the kernels have the same is in
// test/process/gradient.test.ts.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { cosine, erf, logistic, silu, softplus, square, tabulate, tanh } from "../../src/model/activation";
import {
  isLocalPotential,
  localPotential,
  type Potential,
  parsePotential,
  potentialFunctions,
  quadratic,
  separable,
} from "../../src/model/potential";
import { stream } from "../../src/random/stream";

const theta = Float64Array.of(0.3, -1.2, 2);

function gradientOf(potential: Potential | null, at = theta): Float64Array {
  const out = new Float64Array(at.length).fill(7);
  potentialFunctions(potential).gradient(at, out);
  return out;
}

describe("a potential", () => {
  it("quadratic is (weight/2) Σ (θ_j − center)²", () => {
    const potential = quadratic(3, { center: 0.5 });
    // (0.04 + 2.89 + 2.25) · 3/2
    expect(potentialFunctions(potential).value(theta)).toBeCloseTo(7.77, 14);
    Array.from(gradientOf(potential)).forEach((slope, j) => {
      expect(slope).toBeCloseTo(3 * (theta[j]! - 0.5), 14);
    });
    expect(quadratic(1)).toEqual({ kind: "quadratic", weight: 1, center: 0 });
  });

  it("separable is weight · Σ u(θ_j), of any activation", () => {
    const potential = separable(square(), { weight: 2 });
    expect(potentialFunctions(potential).value(theta)).toBeCloseTo(2 * (0.09 + 1.44 + 4), 14);
    expect(Array.from(gradientOf(potential))).toEqual([1.2, -4.8, 8]);
    expect(separable(square())).toMatchObject({ weight: 1 });
  });

  it("separable of a table is the function tabulated, to the error of cubic Hermite pieces", () => {
    // h⁴/384 max |u⁗| = 24 h⁴/384 = 6e-12 and, of the slope, h³ √3/216 · 24 = 3e-8 at h = 6/2000 · 1.8; twice that is allowed
    const well = tabulate((x) => (x * x - 1) ** 2, { from: -3, to: 3, points: 2001 });
    const { value } = potentialFunctions(separable(well));
    const g = stream(2)
      .normals(30)
      .filter((x) => Math.abs(x) < 2.9);
    for (const x of g) {
      expect(Math.abs(value(Float64Array.of(x)) - (x * x - 1) ** 2)).toBeLessThan(1.2e-11);
      const slope = gradientOf(separable(well), Float64Array.of(x))[0]!;
      expect(Math.abs(slope - 4 * x * (x * x - 1))).toBeLessThan(6e-8);
    }
  });

  it("has the gradient of its value", () => {
    const all = [cosine(), erf(), logistic(), silu(), softplus(), tanh()].map((u) => separable(u, { weight: 0.7 }));
    for (const potential of [...all, quadratic(2, { center: -1 })]) {
      const { value } = potentialFunctions(potential);
      const slope = gradientOf(potential);
      for (let j = 0; j < 3; j++) {
        const at = (t: number) => value(theta.map((x, k) => (k === j ? x + t : x)));
        const [coarse, fine] = [0.02, 0.01].map((h) => (at(h) - at(-h)) / (2 * h)) as [number, number];
        // one extrapolation: the error left is h⁴ times a fifth derivative, 4e-8 of a size below 10
        expect(Math.abs(slope[j]! - (4 * fine - coarse) / 3)).toBeLessThan(1e-7);
      }
    }
  });

  it("null is 0", () => {
    expect(potentialFunctions(null).value(theta)).toBe(0);
    expect(gradientOf(null)).toEqual(new Float64Array(3));
  });

  it("of one's own is called as it is, and a gradient of another length is named", () => {
    const own = localPotential(
      (at) => at[0]! * at[1]!,
      (at) => [at[1]!, at[0]!, 0],
    );
    expect(potentialFunctions(own).value(theta)).toBeCloseTo(-0.36, 14);
    expect(Array.from(gradientOf(own))).toEqual([-1.2, 0.3, 0]);
    expect(isLocalPotential(own)).toBe(true);
    expect(isLocalPotential(quadratic(1))).toBe(false);
    const short = localPotential(
      () => 0,
      () => [1],
    );
    expect(() => gradientOf(short)).toThrow(/potential\.gradient: expected 3 numbers/);
    expect(() => gradientOf(localPotential(() => 0, (() => undefined) as never))).toThrow(SpecError);
  });

  it("comes back from JSON", () => {
    const all = [
      quadratic(0.1),
      quadratic(2, { center: -3 }),
      separable(tanh(), { weight: 0.5 }),
      separable(tabulate(Math.sin, { from: 0, to: 1, points: 9 })),
    ];
    for (const potential of all) expect(parsePotential(JSON.parse(JSON.stringify(potential)))).toEqual(potential);
  });
});

describe("a potential that is none is a SpecError that names the field", () => {
  it.each<[string, unknown, RegExp]>([
    ["potential.weight", { kind: "quadratic", weight: -1 }, /non-negative/],
    ["potential.weight", { kind: "quadratic" }, /non-negative/],
    ["potential.center", { kind: "quadratic", weight: 1, center: Number.NaN }, /finite/],
    ["potential.centre", { kind: "quadratic", weight: 1, centre: 1 }, /center/],
    ["potential.function", { kind: "separable", function: Math.abs }, /tabulate/],
    ["potential.function", { kind: "separable" }, /activation/],
    ["potential.value", { kind: "function", gradient: () => [] }, /function of θ/],
    ["potential.gradient", { kind: "function", value: () => 0, gradient: 3 }, /function of θ/],
    ["potential.kind", { kind: "quadric", weight: 1 }, /quadratic/],
    ["potential", (x: number) => x * x, /localPotential/],
    ["potential", 3, /potential/],
  ])("%s", (path, value, words) => {
    let error: unknown;
    try {
      parsePotential(value);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
    expect((error as SpecError).message).toMatch(words);
  });
});
