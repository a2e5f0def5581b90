import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalCdf } from "../../src/engine/math";
import { kolmogorov, w1, w2 } from "../../src/measure/distance";
import type { Marginal } from "../../src/measure/measure";

const points = (values: number[], weights: number[] | null = null): Marginal => {
  return { kind: "particles", values: Float64Array.from(values), weights: weights && Float64Array.from(weights) };
};
const cells = (edges: number[], masses: number[]): Marginal => {
  return { kind: "grid", edges: Float64Array.from(edges), masses: Float64Array.from(masses) };
};
const uniform = (from: number, to: number): Marginal => cells([from, to], [1]);

// A normal law as masses of cells of width h over ±8 deviations.
function normal(mean: number, deviation: number, h = 0.01): Marginal {
  const count = Math.round((16 * deviation) / h);
  const edges = Array.from({ length: count + 1 }, (_, i) => mean - 8 * deviation + i * h);
  const cdf = edges.map((x) => normalCdf((x - mean) / deviation));
  return cells(
    edges,
    cdf.slice(1).map((p, i) => p - cdf[i]!),
  );
}

// An independent route: F by its definition, with a scan.
function cdf(law: Marginal, x: number): number {
  if (law.kind === "particles") {
    const weight = (i: number): number => law.weights?.[i] ?? 1;
    let below = 0;
    let all = 0;
    law.values.forEach((value, i) => {
      all += weight(i);
      if (value <= x) below += weight(i);
    });
    return below / all;
  }
  let below = 0;
  law.masses.forEach((mass, i) => {
    const share = (x - law.edges[i]!) / (law.edges[i + 1]! - law.edges[i]!);
    below += mass * Math.min(1, Math.max(0, share));
  });
  return below / law.masses.reduce((sum, mass) => sum + mass, 0);
}

const breakpoints = (law: Marginal): number[] => [...(law.kind === "particles" ? law.values : law.edges)];

// W1 = ∫ |F − G| dx. Between neighbouring breakpoints F − G is linear; its zero splits the interval.
function w1ByDistributions(a: Marginal, b: Marginal): number {
  const xs = [...new Set([...breakpoints(a), ...breakpoints(b)])].sort((x, y) => x - y);
  let sum = 0;
  for (let i = 1; i < xs.length; i++) {
    const [from, to] = [xs[i - 1]!, xs[i]!];
    const width = to - from;
    // two inner points give the line: no jump lies inside
    const early = cdf(a, from + width / 4) - cdf(b, from + width / 4);
    const late = cdf(a, from + (3 * width) / 4) - cdf(b, from + (3 * width) / 4);
    const left = early - (late - early) / 2;
    const right = late + (late - early) / 2;
    const size = Math.abs(left) + Math.abs(right);
    sum += width * (left * right >= 0 ? size / 2 : (left * left + right * right) / (2 * size));
  }
  return sum;
}

const number = fc.integer({ min: -40, max: 40 }).map((k) => k / 8);
const weight = fc.integer({ min: 0, max: 9 });
const samples = fc.array(number, { minLength: 1, maxLength: 12 }).map((values) => points(values));
const weighted = fc
  .array(fc.tuple(number, weight), { minLength: 1, maxLength: 12 })
  .filter((pairs) => pairs.some(([, w]) => w > 0))
  .map((pairs) =>
    points(
      pairs.map(([x]) => x),
      pairs.map(([, w]) => w),
    ),
  );
const grids = fc
  .tuple(number, fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), weight), { minLength: 1, maxLength: 9 }))
  .filter(([, pairs]) => pairs.some(([, w]) => w > 0))
  .map(([start, pairs]) => {
    const edges = [start];
    for (const [width] of pairs) edges.push(edges[edges.length - 1]! + width / 8);
    const total = pairs.reduce((sum, [, w]) => sum + w, 0);
    return cells(
      edges,
      pairs.map(([, w]) => w / total),
    );
  });
const laws = fc.oneof(samples, weighted, grids);

describe("closed forms", () => {
  it.each([
    ["a shift of a uniform law by 0.3", uniform(0, 1), uniform(0.3, 1.3), 0.3, 0.3, 0.3],
    [
      "uniform laws of lengths 1 and 2: ∫u du, (∫u² du)^½",
      uniform(0, 1),
      uniform(0, 2),
      1 / 2,
      Math.sqrt(1 / 3),
      1 / 2,
    ],
    ["a uniform law and the point at its end", uniform(0, 1), points([0]), 1 / 2, Math.sqrt(1 / 3), 1],
    ["a uniform law and the point in its middle", uniform(0, 1), points([0.5]), 1 / 4, Math.sqrt(1 / 12), 1 / 2],
    ["two points and one", points([0, 2]), points([1]), 1, 1, 1 / 2],
    ["weights 1/4, 3/4 against equal ones", points([0, 1], [1, 3]), points([0, 1]), 1 / 4, 1 / 2, 1 / 4],
    ["the same particles, one of them split in two", points([0, 1], [1, 2]), points([1, 0, 1]), 0, 0, 0],
    [
      "a grid with an empty cell",
      cells([0, 1, 2, 3], [0.5, 0, 0.5]),
      points([0.5, 2.5]),
      1 / 4,
      Math.sqrt(1 / 12),
      1 / 4,
    ],
  ])("%s", (_, a, b, first, second, sup) => {
    // sums of a few exact terms: round-off of a few 2^−53
    expect(w1(a, b)).toBeCloseTo(first, 14);
    expect(w2(a, b)).toBeCloseTo(second, 7);
    expect(w2(a, b) ** 2).toBeCloseTo(second ** 2, 14);
    expect(kolmogorov(a, b)).toBeCloseTo(sup, 14);
  });

  // W2² = (m − m')² + (s − s')², W1 = |m − m'| when s = s'; mass spread in cells of width h adds less than h²/12.
  it("normal laws", () => {
    expect(w2(normal(1, 1), normal(1.5, 0.6))).toBeCloseTo(Math.sqrt(0.25 + 0.16), 4);
    expect(w1(normal(1, 1), normal(1.7, 1))).toBeCloseTo(0.7, 10);
    // the largest gap of shifted normal laws is in the middle: 2Φ(0.35) − 1
    expect(kolmogorov(normal(0, 1), normal(0.7, 1))).toBeCloseTo(2 * normalCdf(0.35) - 1, 8);
  });
});

describe("any two laws", () => {
  const assertion = (property: fc.IPropertyWithHooks<[Marginal, Marginal]>, seed: number): void => {
    fc.assert(property, { seed, numRuns: 400 });
  };

  it("W1 is ∫|F − G| dx, by scanning both distribution functions", () => {
    assertion(
      fc.property(laws, laws, (a, b) => {
        expect(Math.abs(w1(a, b) - w1ByDistributions(a, b))).toBeLessThan(1e-12);
      }),
      11,
    );
  });

  it("W1 and W2 of equal numbers of particles compare the sorted particles", () => {
    const pair = fc.integer({ min: 1, max: 30 }).chain((n) => {
      const list = fc.array(number, { minLength: n, maxLength: n });
      return fc.tuple(list, list);
    });
    fc.assert(
      fc.property(pair, ([x, y]) => {
        const gaps = [...x].sort((s, t) => s - t).map((s, i) => Math.abs(s - [...y].sort((p, q) => p - q)[i]!));
        const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
        const square = gaps.reduce((sum, gap) => sum + gap * gap, 0) / gaps.length;
        expect(w1(points(x), points(y))).toBeCloseTo(mean, 12);
        expect(w2(points(x), points(y)) ** 2).toBeCloseTo(square, 11);
      }),
      { seed: 12, numRuns: 200 },
    );
  });

  // A uniform law in n equal cells against its n quantile particles: W2² is the variance within cells, h²/12.
  it("W2 of a grid and the middles of its cells is h/√12", () => {
    const n = 50;
    const edges = Array.from({ length: n + 1 }, (_, i) => i / n);
    const middles = points(edges.slice(1).map((x) => x - 0.5 / n));
    expect(w2(cells(edges, new Array(n).fill(1 / n)), middles)).toBeCloseTo(1 / n / Math.sqrt(12), 12);
  });

  // Masses are multiples of 1/40, so between multiples of 1/40 the integrand is quadratic in u and two Gauss points are exact.
  it("W2² is ∫(F⁻¹ − G⁻¹)² du, by bisection of F and Gauss points", () => {
    const fortieths = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 40, maxLength: 40 }).map((picks) => {
      return Array.from({ length: 6 }, (_, j) => picks.filter((pick) => pick === j).length / 40);
    });
    const aligned = fc.tuple(fc.array(number, { minLength: 6, maxLength: 6 }), fortieths, fc.boolean());
    const law = aligned.map(([values, masses, isGrid]) => {
      if (!isGrid) return points(values, masses);
      const edges = [0];
      for (const value of values) edges.push(edges[edges.length - 1]! + 0.1 + Math.abs(value));
      return cells(edges, masses);
    });
    const inverse = (of: Marginal, u: number): number => {
      let [lo, hi] = [-10, 60];
      for (let k = 0; k < 56; k++) {
        const middle = (lo + hi) / 2;
        if (cdf(of, middle) >= u) hi = middle;
        else lo = middle;
      }
      return hi;
    };
    assertion(
      fc.property(law, law, (a, b) => {
        let sum = 0;
        for (let i = 0; i < 40; i++) {
          for (const point of [0.5 - Math.sqrt(1 / 12), 0.5 + Math.sqrt(1 / 12)]) {
            const gap = inverse(a, (i + point) / 40) - inverse(b, (i + point) / 40);
            sum += (gap * gap) / 80;
          }
        }
        // gaps are below 60, bisection and the scan of F leave 1e-13 · 60 on each
        expect(Math.abs(w2(a, b) ** 2 - sum)).toBeLessThan(1e-9);
      }),
      13,
    );
  });

  it("Kolmogorov's distance is the largest gap at, before and between the breakpoints", () => {
    assertion(
      fc.property(laws, laws, (a, b) => {
        const gap = (x: number): number => Math.abs(cdf(a, x) - cdf(b, x));
        const xs = [...breakpoints(a), ...breakpoints(b)];
        const largest = Math.max(...xs.map(gap), ...xs.map((x) => gap(x - 1e-9)), ...xs.map((x) => gap(x + 0.01)));
        expect(Math.abs(kolmogorov(a, b) - largest)).toBeLessThan(1e-7);
      }),
      14,
    );
  });

  it("W1 ≤ W2, both are symmetric, zero on the diagonal and obey the triangle inequality", () => {
    fc.assert(
      fc.property(laws, laws, laws, (a, b, c) => {
        expect(w1(a, b)).toBeLessThanOrEqual(w2(a, b) + 1e-12);
        for (const distance of [w1, w2, kolmogorov]) {
          expect(distance(a, a)).toBe(0);
          expect(Math.abs(distance(a, b) - distance(b, a))).toBeLessThan(1e-14);
          expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c) + 1e-12);
        }
      }),
      { seed: 15, numRuns: 200 },
    );
  });
});
