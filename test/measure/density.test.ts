import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { normalCdf } from "../../src/engine/math";
import { densityEstimate, histogram, silvermanBandwidth } from "../../src/measure/density";
import type { Marginal } from "../../src/measure/measure";

const points = (values: number[], weights: number[] | null = null) => {
  return {
    kind: "particles" as const,
    values: Float64Array.from(values),
    weights: weights && Float64Array.from(weights),
  };
};
const cells = (edges: number[], masses: number[]): Marginal => {
  return { kind: "grid", edges: Float64Array.from(edges), masses: Float64Array.from(masses) };
};
const lattice = (from: number, to: number, count: number): number[] => {
  return Array.from({ length: count }, (_, i) => from + ((i + 0.5) * (to - from)) / count);
};

describe("a histogram", () => {
  it("counts a particle on an edge in the bin that begins there, and the last edge in the last bin", () => {
    const { masses, density, outside } = histogram(points([0, 1, 1, 2]), { edges: [0, 1, 2] });
    expect([...masses]).toEqual([0.25, 0.75]);
    expect([...density]).toEqual([0.25, 0.75]);
    expect(outside).toBe(0);
  });

  it("says what mass lies outside of it", () => {
    expect(histogram(points([-1, 0.5, 3, 3]), { edges: [0, 1] }).outside).toBe(0.75);
  });

  it("spans the law with forty bins by default", () => {
    const { edges, masses } = histogram(points([2, 7, 4]));
    expect([edges[0], edges[40], edges.length]).toEqual([2, 7, 41]);
    expect(masses.reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 14);
  });

  it("of a law at one point has its mass in one bin", () => {
    expect(histogram(points([3, 3]), { bins: 5 }).masses[2]).toBe(1);
  });

  it("of a grid shares the mass of a cell by length", () => {
    const { masses } = histogram(cells([0, 2, 4], [0.8, 0.2]), { edges: [0, 1, 3, 4] });
    [0.4, 0.5, 0.1].forEach((mass, i) => void expect(masses[i]).toBeCloseTo(mass, 14));
  });

  it.each([{ bins: 0 }, { bins: 1.5 }, { from: 2, to: 1 }, { edges: [1, 1] }, { edges: [0, Number.NaN] }])(
    "with %o is a SpecError",
    (options) => {
      expect(() => histogram(points([0, 1]), options)).toThrow(SpecError);
    },
  );
});

describe("a kernel estimate", () => {
  // φ(0)/h of one particle: 1/(h √(2π))
  it("of one particle is the kernel", () => {
    const [at] = densityEstimate(points([2]), [2], { bandwidth: 0.5 });
    expect(at).toBeCloseTo(1 / (0.5 * Math.sqrt(2 * Math.PI)), 14);
  });

  // The midpoint rule on a smooth function that vanishes at both ends is exact to round-off here.
  it("integrates to 1, on the half line when it is reflected", () => {
    const law = points([0.1, 0.2, 0.7], [0.5, 0.25, 0.25]);
    const line = densityEstimate(law, lattice(-5, 6, 4400), { bandwidth: 0.3 });
    expect(line.reduce((sum, p) => sum + p / 400, 0)).toBeCloseTo(1, 12);
    // reflection makes the slope at 0 vanish, so the midpoint rule stays exact
    const half = densityEstimate(law, lattice(0, 6, 2400), { bandwidth: 0.3, reflect: true });
    expect(half.reduce((sum, p) => sum + p / 400, 0)).toBeCloseTo(1, 12);
    expect(densityEstimate(law, [-0.1], { bandwidth: 0.3, reflect: true })[0]).toBe(0);
  });

  // uniform on [0, 1] convolved with N(0, h²): Φ(x/h) − Φ((x − 1)/h)
  it("of a grid is the convolution, and its own density without a bandwidth", () => {
    const law = cells([0, 0.25, 1], [0.25, 0.75]);
    for (const x of [-0.3, 0.1, 0.5, 1.2]) {
      const expected = normalCdf(x / 0.2) - normalCdf((x - 1) / 0.2);
      expect(densityEstimate(law, [x], { bandwidth: 0.2 })[0]).toBeCloseTo(expected, 14);
    }
    expect([...densityEstimate(cells([0, 1, 3], [0.5, 0.5]), [-1, 0, 1, 3, 4], { reflect: true })]).toEqual([
      0, 0.5, 0.25, 0.25, 0,
    ]);
  });

  // 0.9 · min(s, IQR/1.34) · n^(−1/5); s² = 8.25 for 1 … 10, Hazen's quartiles are 3 and 8
  it("takes Silverman's bandwidth", () => {
    const law = points([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const h = 0.9 * Math.min(Math.sqrt(8.25), 5 / 1.34) * 10 ** -0.2;
    expect(silvermanBandwidth(law)).toBeCloseTo(h, 13);
    expect(densityEstimate(law, [5])).toEqual(densityEstimate(law, [5], { bandwidth: silvermanBandwidth(law) }));
    const weighted = points([...law.values], new Array(10).fill(0.1));
    expect(silvermanBandwidth(weighted)).toBeCloseTo(h, 12);
  });

  it("of particles that all agree, or with a bandwidth that is none, is a SpecError", () => {
    expect(() => densityEstimate(points([1, 1]), [1])).toThrow(SpecError);
    for (const bandwidth of [-1, 0, Number.NaN]) {
      expect(() => densityEstimate(points([1, 2]), [1], { bandwidth })).toThrow(SpecError);
    }
  });
});
