import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { grid, type Marginal, particles } from "../../src/measure/measure";
import { mean, moments, variance } from "../../src/measure/moments";

describe("moments", () => {
  // E u^k = 1/(k + 1) on [0, 1], whatever the cells are
  it("of a uniform law on any grid are 1/(k + 1)", () => {
    const edges = Float64Array.of(0, 0.1, 0.35, 0.7, 1);
    const law: Marginal = { kind: "grid", edges, masses: Float64Array.of(0.1, 0.25, 0.35, 0.3) };
    moments(law, 6).forEach((value, k) => void expect(value).toBeCloseTo(1 / (k + 2), 14));
  });

  // round-off of 1e16 · 2^−53 = 1 would swamp 1/12, if the variance were E x² − (E x)²
  it("keep a small variance far from zero", () => {
    const law: Marginal = { kind: "grid", edges: Float64Array.of(1e8, 1e8 + 1), masses: Float64Array.of(1) };
    expect(variance(law)).toBeCloseTo(1 / 12, 6);
    const pair: Marginal = { kind: "particles", values: Float64Array.of(1e8, 1e8 + 2), weights: null };
    expect(variance(pair)).toBe(1);
  });

  it("of particles weigh them", () => {
    const law: Marginal = { kind: "particles", values: Float64Array.of(1, -3), weights: Float64Array.of(0.75, 0.25) };
    expect([...moments(law, 3)]).toEqual([0, 3, -6]);
    expect(mean(law)).toBe(0);
    expect(variance(law)).toBe(3);
  });

  it("of a measure are those of each coordinate, a row each", () => {
    const values = Float64Array.of(1, 10, 3, 30);
    const measure = particles({ coordinates: "radial", shape: [2, 2], values });
    expect([...moments(measure, 2)]).toEqual([2, 5, 20, 500]);
    const cells = grid({ edges: [Float64Array.of(0, 1, 2), Float64Array.of(0, 2)], masses: Float64Array.of(0.5, 0.5) });
    expect([...moments(cells, 1)]).toEqual([1, 1]);
  });

  it("of an order that is no positive integer are a SpecError", () => {
    const law: Marginal = { kind: "particles", values: Float64Array.of(1), weights: null };
    for (const order of [0, -1, 1.5, Number.NaN]) expect(() => moments(law, order)).toThrow(SpecError);
  });
});
