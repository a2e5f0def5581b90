import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import type { Marginal } from "../../src/measure/measure";
import { distribution, quantile, quantiles } from "../../src/measure/quantiles";

const points = (values: number[], weights: number[] | null = null): Marginal => {
  return { kind: "particles", values: Float64Array.from(values), weights: weights && Float64Array.from(weights) };
};
const cells = (edges: number[], masses: number[]): Marginal => {
  return { kind: "grid", edges: Float64Array.from(edges), masses: Float64Array.from(masses) };
};

describe("quantiles of particles", () => {
  // numpy.quantile([1, 2, 4, 8], [0, 0.1, 0.25, 0.5, 0.9, 1], method="hazen") = 1, 1, 1.5, 3, 8, 8
  it("are Hazen's, as NumPy has them", () => {
    const q = quantiles(points([8, 1, 4, 2]), [0, 0.1, 0.25, 0.5, 0.9, 1]);
    expect([...q]).toEqual([1, 1, 1.5, 3, 8, 8]);
  });

  it("with weights are linear between the middles of the steps", () => {
    // levels 0, 1/4, 1: middles 1/8 and 5/8, so the median is 3/4 of the way from 0 to 10
    expect(quantile(points([10, 0], [0.75, 0.25]), 0.5)).toBeCloseTo(7.5, 14);
  });

  it("leave out particles without weight", () => {
    const q = quantiles(points([5, 1, 2], [0, 0.5, 0.5]), [0, 0.5, 1]);
    expect([...q]).toEqual([1, 1.5, 2]);
  });

  it("do not depend on the order of the particles, and equal weights change nothing", () => {
    const levels = [0, 0.05, 0.3, 0.5, 0.77, 1];
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 20 }), (list) => {
        const q = quantiles(points(list), levels);
        expect(quantiles(points([...list].reverse()), levels)).toEqual(q);
        const weighted = quantiles(points(list, new Array(list.length).fill(1 / list.length)), levels);
        for (let i = 0; i < levels.length; i++) expect(weighted[i]).toBeCloseTo(q[i]!, 11);
      }),
      { seed: 1 },
    );
  });
});

describe("quantiles of a grid", () => {
  it("invert the distribution function exactly", () => {
    const law = cells([0, 1, 2, 4], [0.25, 0, 0.75]);
    const levels = [0, 0.1, 0.25, 0.5, 0.85, 1];
    const q = quantiles(law, levels);
    expect([...q].map((x) => Number(x.toFixed(14)))).toEqual([0, 0.4, 1, 2.66666666666667, 3.6, 4]);
    expect([...distribution(law, q)].map((p) => Number(p.toFixed(14)))).toEqual(levels);
  });
});

describe("the distribution function", () => {
  it("jumps at a particle, and counts it", () => {
    const law = points([1, 2, 2, 3]);
    expect([...distribution(law, [0.5, 1, 1.5, 2, 2.5, 3, 9])]).toEqual([0, 0.25, 0.25, 0.75, 0.75, 1, 1]);
  });

  it("is linear in the cells of a grid and flat where they are empty", () => {
    const law = cells([0, 1, 2, 4], [0.25, 0, 0.75]);
    expect([...distribution(law, [-1, 0, 0.5, 1, 1.5, 2, 3, 4, 5])]).toEqual([
      0, 0, 0.125, 0.25, 0.25, 0.25, 0.625, 1, 1,
    ]);
  });
});

it("a level that is no probability is a SpecError that names it", () => {
  for (const bad of [-0.1, 1.1, Number.NaN]) {
    expect(() => quantiles(points([1]), [0.5, bad])).toThrow(SpecError);
    expect(() => quantiles(points([1]), [0.5, bad])).toThrow("levels[1]");
  }
});
