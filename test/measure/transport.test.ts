// Transport distances: by assignment against all permutations, sliced against closed forms, entropic against Gaussians, limits and
// assignments. Not covered: more than some hundred points, but for the refusals.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { w1, w2 } from "../../src/measure/distance";
import { fluctuation } from "../../src/measure/fluctuation";
import { grid, type Marginal, type Measure, type Particles, particles } from "../../src/measure/measure";
import {
  energyDistance,
  energyTest,
  ensembleDistance,
  negativeSobolev,
  sinkhorn,
  slicedW2,
  w2Assignment,
  wasserstein,
} from "../../src/measure/onDemand";
import { tensor } from "../../src/model/tensor";
import { stream } from "../../src/random/stream";

const points = (rows: number[][], weights?: number[]): Particles =>
  particles({
    coordinates: "theta",
    shape: [rows.length, rows[0]!.length],
    values: Float64Array.from(rows.flat()),
    weights: weights ? Float64Array.from(weights) : null,
  });
const cloud = (n: number, D: number, seed: number): Particles =>
  particles({ coordinates: "theta", shape: [n, D], values: stream(seed).normals(n * D) });
const mapped = (a: Particles, f: (row: number[]) => number[]): Particles => {
  const [n, D] = a.shape;
  return points(Array.from({ length: n }, (_, i) => f(Array.from(a.values.subarray(i * D, (i + 1) * D)))));
};
const line = (values: ArrayLike<number>): Marginal => ({
  kind: "particles",
  values: Float64Array.from(values),
  weights: null,
});

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((short) =>
    Array.from({ length: n }, (_, at) => [...short.slice(0, at), n - 1, ...short.slice(at)]),
  );
}

/** min over all permutations of the mean of cost(i, π(i)). */
function leastMean(n: number, cost: (i: number, j: number) => number): number {
  let least = Infinity;
  for (const permutation of permutations(n)) {
    least = Math.min(
      least,
      permutation.reduce((sum, j, i) => sum + cost(i, j) / n, 0),
    );
  }
  return least;
}

const row = (a: Particles, i: number) => Array.from(a.values.subarray(i * a.shape[1], (i + 1) * a.shape[1]));
const square = (x: number[], y: number[]) => x.reduce((sum, z, k) => sum + (z - y[k]!) ** 2, 0);

describe("W2 by assignment", () => {
  const number = fc.integer({ min: -30, max: 30 }).map((k) => k / 8);
  const pair = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 })).chain(([n, D]) => {
    const rows = fc.array(fc.array(number, { minLength: D, maxLength: D }), { minLength: n, maxLength: n });
    return fc.tuple(
      rows.map((x) => points(x)),
      rows.map((x) => points(x)),
    );
  });

  it("is the least of all permutations", async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([a, b]) => {
        const { distance, permutation } = await w2Assignment(a, b);
        const n = a.shape[0];
        const cost = (i: number, j: number) => square(row(a, i), row(b, j));
        expect(distance ** 2).toBeCloseTo(leastMean(n, cost), 11);
        expect([...permutation].sort((x, y) => x - y)).toEqual(Array.from({ length: n }, (_, i) => i));
        const reached = permutation.reduce((sum, j, i) => sum + cost(i, j) / n, 0);
        expect(distance ** 2).toBeCloseTo(reached, 11);
      }),
      { seed: 1, numRuns: 120 },
    );
  });

  it("is the least of all 5040 permutations of seven points", async () => {
    const [a, b] = [cloud(7, 4, 1), cloud(7, 4, 2)];
    const least = leastMean(7, (i, j) => square(row(a, i), row(b, j)));
    expect((await w2Assignment(a, b)).distance ** 2).toBeCloseTo(least, 12);
  });

  it("is w2 on the line, for more points than any matrix of costs could have", async () => {
    const [a, b] = [cloud(20000, 1, 3), cloud(20000, 1, 4)];
    expect((await w2Assignment(a, b)).distance).toBeCloseTo(w2(line(a.values), line(b.values)), 13);
  });

  // A gradient of a convex function is the optimal map (Brenier), of any points: x ↦ m + A x, A symmetric and positive.
  it("finds affine maps of symmetric positive matrices, however far and large", async () => {
    const a = cloud(150, 2, 5);
    for (const [m, scale] of [
      [0, 1],
      [1e3, 1],
      [0, 1e3],
      [-5, 1e-3],
    ] as const) {
      const b = mapped(a, ([x, y]) => [m + scale * (2 * x! + 0.5 * y!), scale * (0.5 * x! + y!)]);
      const { distance, permutation } = await w2Assignment(a, b);
      expect([...permutation]).toEqual(Array.from({ length: 150 }, (_, i) => i));
      const mean = Array.from({ length: 150 }, (_, i) => square(row(a, i), row(b, i))).reduce((s, x) => s + x / 150, 0);
      expect(Math.abs(distance / Math.sqrt(mean) - 1)).toBeLessThan(1e-13);
    }
  });

  // W2² of N(0, I) and N(m, s² I) is |m|² + D (s − 1)², here 11. Its standard error is 0.7, nearly all from that of the means,
  // 2 |m| √(5/400); the bounds are 4.3 of them, once in 10^4. (The pairing's own bias, of order log n/n, is small beside it.)
  it("of samples of two Gaussians comes to theirs", async () => {
    const other = mapped(cloud(400, 2, 7), ([x, y]) => [3 + 2 * x!, 2 * y!]);
    const { distance } = await w2Assignment(cloud(400, 2, 6), other);
    expect(distance ** 2).toBeGreaterThan(11 - 3);
    expect(distance ** 2).toBeLessThan(11 + 3);
  });

  it("takes points that coincide, one point, and points at 10^150", async () => {
    expect(
      (
        await w2Assignment(
          points([
            [1, 2],
            [1, 2],
          ]),
          points([
            [1, 2],
            [1, 2],
          ]),
        )
      ).distance,
    ).toBe(0);
    expect((await w2Assignment(points([[0, 0]]), points([[3, 4]]))).distance).toBe(5);
    const far = points([
      [1e150, 0],
      [-1e150, 0],
    ]);
    expect((await w2Assignment(far, far)).distance).toBe(0);
  });

  it.each<[string, Measure, Measure, string, RegExp]>([
    ["unequal weights", points([[0], [1]], [0.3, 0.7]), points([[0], [1]]), "a.weights[0]", /equal weights.*sinkhorn/],
    ["unequal weights of b", points([[0], [1]]), points([[0], [1]], [0.5, 0.500001]), "b.weights[0]", /sinkhorn/],
    ["another number", cloud(3, 2, 1), cloud(4, 2, 1), "b.shape", /3 points.*found.*4 points.*sinkhorn/],
    ["too many", cloud(4001, 2, 1), cloud(4001, 2, 2), "b.shape", /at most 4000 points.*4001 points.*slicedW2/],
    [
      "a grid",
      grid({ coordinates: "theta", edges: [Float64Array.of(0, 1, 2)], masses: Float64Array.of(0.2, 0.8) }),
      points([[0], [1]]),
      "a.weights[0]",
      /equal weights/,
    ],
  ])("refuses %s", async (_, a, b, path, text) => {
    const error = await w2Assignment(a, b).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
    expect(error.message).toMatch(text);
  });
});

describe("sliced W2", () => {
  it("is W2 on the line, exactly, weights and cells included", async () => {
    const a = points([[0], [2], [5]], [0.2, 0.5, 0.3]);
    const b = cloud(40, 1, 8);
    const law: Marginal = { kind: "particles", values: a.values, weights: a.weights };
    const found = await slicedW2(a, b);
    expect(found).toEqual({ distance: w2(law, line(b.values)), standardError: null, method: "exact" });
    const cells = grid({ coordinates: "theta", edges: [Float64Array.of(0, 1)], masses: Float64Array.of(1) });
    // ∫ u² du of a uniform law and the point at its end
    expect((await slicedW2(cells, points([[0]]))).distance).toBeCloseTo(Math.sqrt(1 / 3), 14);
  });

  // Projections of a law shifted by m are shifted by ⟨u, m⟩, of mean square |m|²/D; those of a law scaled by s are scaled. The error is
  // judged by its own standard errors: 4.5 of them, once in 10^5.
  it.each([2, 5])("of a shift m is |m|/√D, D = %d", async (D) => {
    const a = cloud(50, D, 9);
    const b = mapped(a, (x) => x.map((z, k) => z + (k === 0 ? 3 : -1)));
    const { distance, standardError, method } = await slicedW2(a, b, { directions: 2000, seed: 3 });
    expect(method).toBe("sample");
    expect(standardError!).toBeLessThan(0.03);
    expect(Math.abs(distance - Math.sqrt((9 + (D - 1)) / D))).toBeLessThan(4.5 * standardError!);
  });

  // E⟨u, z⟩² = |z|²/D: for a law scaled about 0 by s it is (s − 1)² times its mean square over D
  it("of a scaled law, with weights", async () => {
    const rows = [
      [1, 0, 0],
      [0, 2, 0],
      [1, 1, 1],
      [-3, 0, 1],
    ];
    const weights = [0.1, 0.2, 0.3, 0.4];
    const moment = rows.reduce((sum, x, i) => sum + weights[i]! * square(x, [0, 0, 0]), 0);
    const a = points(rows, weights);
    const b = points(
      rows.map((x) => x.map((z) => 3 * z)),
      weights,
    );
    const { distance, standardError } = await slicedW2(a, b, { directions: 2000, seed: 4 });
    expect(Math.abs(distance - 2 * Math.sqrt(moment / 3))).toBeLessThan(4.5 * standardError!);
  });

  // 200 seeds, the shift of which the mean is known: the mean of z² is 1 ± √(2/200), 4.5 of which is once in 10^5
  it("has the standard error it says", async () => {
    const a = points([[0, 0, 0]]);
    const b = points([[1, 2, 2]]);
    let sum = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { distance, standardError } = await slicedW2(a, b, { directions: 100, seed });
      sum += ((distance - Math.sqrt(3)) / standardError!) ** 2 / 200;
    }
    expect(Math.abs(sum - 1)).toBeLessThan(0.45);
  });

  it("the same seed has the same directions, another one others", async () => {
    const [a, b] = [cloud(10, 2, 10), cloud(11, 2, 11)];
    expect(await slicedW2(a, b, { seed: 5 })).toEqual(await slicedW2(a, b, { seed: 5 }));
    expect(await slicedW2(a, b, { seed: 6 })).not.toEqual(await slicedW2(a, b, { seed: 5 }));
    expect(await slicedW2(a, a)).toEqual({ distance: 0, standardError: 0, method: "sample" });
  });

  it.each<[string, object, string]>([
    ["one direction", { directions: 1 }, "directions"],
    ["half a direction", { directions: 2.5 }, "directions"],
    ["no seed", { seed: -1 }, "seed"],
    ["a seed that is NaN", { seed: Number.NaN }, "seed"],
  ])("refuses %s", async (_, options, path) => {
    const error = await slicedW2(cloud(3, 2, 1), cloud(3, 2, 2), options).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });
});

describe("sinkhorn", () => {
  const normal = (mean: number, deviation: number, cells = 160) => {
    const half = 7 * deviation;
    const edges = Float64Array.from({ length: cells + 1 }, (_, i) => mean - half + (2 * half * i) / cells);
    const masses = edges.subarray(1).map((e) => Math.exp(-((e - half / cells - mean) ** 2) / (2 * deviation ** 2)));
    return grid({ coordinates: "theta", edges: [edges], masses });
  };

  // Janati, Muzellec, Peyré, Cuturi, NeurIPS 2020, Theorem 1, with ε = 2σ²: OT of N(m, A) and N(m', B) is |m − m'|² + A + B − D
  // + σ² (1 − log 2σ²) + σ² log(D + σ²), D² = 4AB + σ⁴. Sums over equidistant points are exact for Gaussians to e^{−2π²(s/h)²}; cut off
  // are tails of 10^−12.
  it.each([0.05, 0.4, 3])("of two normal laws, ε = %d", async (epsilon) => {
    const entropic = (gap: number, A: number, B: number): number => {
      const s = epsilon / 2;
      const D = Math.sqrt(4 * A * B + s * s);
      return gap * gap + A + B - D + s * (1 - Math.log(2 * s)) + s * Math.log(D + s);
    };
    const { transport, divergence, marginalError, converged } = await sinkhorn(normal(0, 1), normal(0.8, 0.6), {
      regularisation: epsilon,
      tolerance: 1e-9,
    });
    expect(converged).toBe(true);
    expect(marginalError).toBeLessThan(1e-9);
    const exact = entropic(0.8, 1, 0.36);
    expect(Math.abs(transport - exact)).toBeLessThan(1e-9);
    expect(Math.abs(divergence - (exact - entropic(0, 1, 1) / 2 - entropic(0, 0.36, 0.36) / 2))).toBeLessThan(1e-9);
  });

  it("tends to W2² as ε falls: the gap falls at least like ε", async () => {
    const [a, b] = [cloud(30, 2, 12), cloud(30, 2, 13)];
    const exact = (await w2Assignment(a, b)).distance ** 2;
    const gaps: number[] = [];
    for (const regularisation of [1, 0.1, 0.01, 0.001]) {
      const found = await sinkhorn(a, b, { regularisation, iterations: 5000 });
      expect(found.converged).toBe(true);
      gaps.push(Math.abs(found.divergence - exact));
    }
    expect(gaps[3]!).toBeLessThan(1e-4 * exact);
    for (let k = 1; k < 4; k++) expect(gaps[k]!).toBeLessThan(gaps[k - 1]! / 5);
  });

  it("takes weights: as W2 of as many copies of each point", async () => {
    const rows = [
      [0, 0],
      [1, 0],
      [0, 2],
      [3, 1],
    ];
    const counts = [3, 1, 4, 2];
    const b = cloud(10, 2, 14);
    const copies = points(rows.flatMap((x, i) => Array.from({ length: counts[i]! }, () => x)));
    const exact = (await w2Assignment(copies, b)).distance ** 2;
    const { divergence, converged } = await sinkhorn(points(rows, counts), b, {
      regularisation: 0.002,
      iterations: 5000,
    });
    expect(converged).toBe(true);
    // what entropy leaves at small ε is of its order
    expect(Math.abs(divergence - exact)).toBeLessThan(0.002);
  });

  // The gap is a quarter of what is left of the cost's fourth powers over ε: 10^3/10^6
  it("tends to the square of the distance of the means as ε grows", async () => {
    const [a, b] = [cloud(20, 3, 15), cloud(25, 3, 16)];
    const mean = (c: Particles) => [0, 1, 2].map((k) => Array.from(c.values).filter((_, at) => at % 3 === k));
    const gap = square(
      mean(a).map((x) => x.reduce((s, z) => s + z, 0) / 20),
      mean(b).map((x) => x.reduce((s, z) => s + z, 0) / 25),
    );
    const { divergence } = await sinkhorn(a, b, { regularisation: 1e6 });
    expect(Math.abs(divergence - gap)).toBeLessThan(1e-3);
  });

  it("is 0 between equal laws, symmetric, and not negative", async () => {
    const [a, b] = [cloud(40, 2, 17), cloud(50, 2, 18)];
    expect((await sinkhorn(a, { ...a, values: a.values.slice() }, { regularisation: 0.1 })).divergence).toBe(0);
    const [there, back] = [
      await sinkhorn(a, b, { regularisation: 0.1 }),
      await sinkhorn(b, a, { regularisation: 0.1 }),
    ];
    // a dual value is right to about the marginal error times ε
    expect(Math.abs(there.divergence - back.divergence)).toBeLessThan(1e-7);
    expect(there.divergence).toBeGreaterThan(0);
    // the same law in another order
    const order = points(Array.from({ length: 40 }, (_, i) => row(a, 39 - i)));
    expect((await sinkhorn(a, order, { regularisation: 0.1, tolerance: 1e-9 })).divergence).toBeLessThan(1e-9);
  });

  it("of two points is the square of their distance, at any ε", async () => {
    for (const regularisation of [1e-6, 1, 1e6]) {
      const found = await sinkhorn(points([[0, 0]]), points([[3, 4]]), { regularisation });
      expect(found.divergence).toBeCloseTo(25, 8);
      expect(found.converged).toBe(true);
    }
  });

  it("says when it has not converged, and its result is finite then", async () => {
    const [a, b] = [cloud(30, 2, 19), cloud(30, 2, 20)];
    for (const iterations of [1, 2, 7, 40]) {
      const found = await sinkhorn(a, b, { regularisation: 1e-4, iterations });
      expect(found.converged).toBe(false);
      expect(found.iterations).toBe(iterations);
      expect(found.marginalError).toBeGreaterThan(1e-6);
      for (const value of [found.divergence, found.transport]) expect(Number.isFinite(value)).toBe(true);
    }
  });

  it("holds through clusters, far outliers and weights of 10^−200", async () => {
    const cases = [
      [
        points(
          [
            [0, 0],
            [1e4, 0],
          ],
          [0.5, 0.5],
        ),
        points(
          [
            [0, 1],
            [1e4, 1],
          ],
          [0.4, 0.6],
        ),
        1,
      ],
      [
        points(
          [
            [0, 0],
            [5, 0],
          ],
          [1, 1e-200],
        ),
        points(
          [
            [1, 0],
            [9, 0],
          ],
          [1e-200, 1],
        ),
        0.1,
      ],
      [
        points([
          [0, 0],
          [0, 0],
          [0, 0],
        ]),
        points([[0, 0]]),
        0.1,
      ],
      [points([[0], [1e-9]]), points([[1e-9], [2e-9]]), 1e-20],
    ] as const;
    // plans by hand: 0.1 goes from 0 to 10^4; all goes from 0 to 9; nothing moves; everything moves by 10^−9
    const exact = [1 + 0.1 * 1e8, 81, 0, 1e-18];
    for (const [k, [a, b, regularisation]] of cases.entries()) {
      const found = await sinkhorn(a, b, { regularisation, iterations: 20000 });
      expect(found.converged, `${k}`).toBe(true);
      expect(Math.abs(found.divergence - exact[k]!)).toBeLessThanOrEqual(2 * regularisation);
    }
  });

  it.each<[string, object | undefined, string]>([
    ["no options", undefined, "regularisation"],
    ["no regularisation", {}, "regularisation"],
    ["ε = 0", { regularisation: 0 }, "regularisation"],
    ["ε = NaN", { regularisation: Number.NaN }, "regularisation"],
    ["ε = ∞", { regularisation: Infinity }, "regularisation"],
    ["no iterations", { regularisation: 1, iterations: 0 }, "iterations"],
    ["endless iterations", { regularisation: 1, iterations: Infinity }, "iterations"],
    ["no tolerance", { regularisation: 1, tolerance: 0 }, "tolerance"],
  ])("refuses %s", async (_, options, path) => {
    const error = await sinkhorn(cloud(3, 2, 1), cloud(4, 2, 2), options as never).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });

  it("refuses what would not fit in memory, and stops when asked to", async () => {
    await expect(sinkhorn(cloud(6000, 2, 1), cloud(3, 2, 1), { regularisation: 1 })).rejects.toThrow(/a\.shape.*6000/);
    await expect(sinkhorn(cloud(3, 2, 1), cloud(6000, 2, 1), { regularisation: 1 })).rejects.toThrow(/b\.shape.*6000/);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 20);
    const options = { regularisation: 1e-5, iterations: 1e6, signal: controller.signal };
    await expect(sinkhorn(cloud(900, 2, 1), cloud(900, 2, 2), options)).rejects.toThrow("enough");
  });
});

describe("W_p between samples of a number", () => {
  const list = fc.array(
    fc.integer({ min: -40, max: 40 }).map((k) => k / 8),
    { minLength: 1, maxLength: 9 },
  );

  it("of orders 1 and 2 is w1 and w2", async () => {
    await fc.assert(
      fc.asyncProperty(list, list, async (a, b) => {
        expect(await wasserstein(a, b, { order: 1 })).toBeCloseTo(w1(line(a), line(b)), 12);
        expect(await wasserstein(a, b)).toBeCloseTo(w2(line(a), line(b)), 7);
      }),
      { seed: 21, numRuns: 200 },
    );
  });

  it("of any order compares sorted copies", async () => {
    await fc.assert(
      fc.asyncProperty(list, list, fc.constantFrom(1, 1.5, 3, 7), async (a, b, p) => {
        const copies = (x: number[], n: number) => [...x].sort((s, t) => s - t).flatMap((z) => Array(n).fill(z));
        const [x, y] = [copies(a, b.length), copies(b, a.length)];
        const mean = x.reduce((sum, z, i) => sum + Math.abs(z - y[i]!) ** p / x.length, 0);
        expect(await wasserstein(a, b, { order: p })).toBeCloseTo(mean ** (1 / p), 10);
        const largest = Math.max(...x.map((z, i) => Math.abs(z - y[i]!)));
        expect(await wasserstein(a, b, { order: Infinity })).toBe(largest);
      }),
      { seed: 22, numRuns: 200 },
    );
  });

  it("holds at orders and sizes that leave the range of numbers", async () => {
    expect(await wasserstein([0, 0], [3, 3], { order: 5000 })).toBeCloseTo(3, 12);
    expect(await wasserstein([1e150], [-1e150], { order: 9 })).toBeCloseTo(2e150, -137);
    expect(await wasserstein(Float64Array.of(1), [1])).toBe(0);
  });

  it.each<[string, unknown, unknown, object, string]>([
    ["an empty sample", [], [1], {}, "samplesA"],
    ["no sample", undefined, [1], {}, "samplesA"],
    ["a NaN", [1], [0, Number.NaN], {}, "samplesB[1]"],
    ["rows", [[1, 2]], [1], {}, "samplesA"],
    ["order 0.9", [1], [1], { order: 0.9 }, "order"],
    ["order NaN", [1], [1], { order: Number.NaN }, "order"],
  ])("refuses %s", async (_, a, b, options, path) => {
    const error = await wasserstein(a as never, b as never, options).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });
});

describe("ensembles of measures", () => {
  const ensemble = (sizes: number[], D: number, seed: number) => sizes.map((n, r) => cloud(n, D, seed + r));

  it.each([1, 2, 3.5])("is the least mean of the powers of order %d, over all permutations", async (order) => {
    const [a, b] = [ensemble([8, 8, 8, 8, 8], 2, 100), ensemble([8, 8, 8, 8, 8], 2, 200)];
    const ground = await Promise.all(
      a.map((x) => Promise.all(b.map(async (y) => (await w2Assignment(x, y)).distance))),
    );
    const { distance, permutation } = await ensembleDistance(a, b, { order });
    expect(distance).toBeCloseTo(leastMean(5, (i, j) => ground[i]![j]! ** order) ** (1 / order), 12);
    const reached = permutation.reduce((sum, j, i) => sum + ground[i]![j]! ** order / 5, 0);
    expect(distance).toBeCloseTo(reached ** (1 / order), 12);
  });

  it("of one measure each it is the ground distance, whichever that is", async () => {
    const [a, b] = [cloud(9, 2, 300), cloud(9, 2, 301)];
    const of = async (ground: Parameters<typeof ensembleDistance>[2]) =>
      (await ensembleDistance([a], [b], ground)).distance;
    expect(await of({})).toBeCloseTo((await w2Assignment(a, b)).distance, 13);
    const sliced = { directions: 50, seed: 2 };
    expect(await of({ ground: { kind: "slicedW2", ...sliced } })).toBeCloseTo(
      (await slicedW2(a, b, sliced)).distance,
      13,
    );
    const sobolev = await negativeSobolev(a, b, { order: 1.5 });
    expect(await of({ ground: { kind: "negativeSobolev", order: 1.5 } })).toBeCloseTo(sobolev, 13);
  });

  it("on the line takes any numbers of points, weights and cells", async () => {
    const [a, b] = [ensemble([5, 9], 1, 310), ensemble([7, 3], 1, 320)];
    const ground = a.map((x) => b.map((y) => w2(line(x.values), line(y.values)) ** 2));
    const { distance } = await ensembleDistance(a, b);
    expect(distance).toBeCloseTo(Math.sqrt(leastMean(2, (i, j) => ground[i]![j]!)), 12);
    const cells = grid({ coordinates: "theta", edges: [Float64Array.of(0, 1)], masses: Float64Array.of(1) });
    expect((await ensembleDistance([cells], [points([[0]])])).distance).toBeCloseTo(Math.sqrt(1 / 3), 14);
  });

  it("finds an ensemble in another order, fluctuations too", async () => {
    const a = ensemble([6, 6, 6, 6], 2, 330);
    const shuffled = [2, 0, 3, 1].map((r) => a[r]!);
    expect(await ensembleDistance(a, shuffled)).toEqual({ distance: 0, permutation: Int32Array.of(1, 3, 0, 2) });
    const etas = a.map((base, r) => ({
      kind: "fluctuation" as const,
      coordinates: "theta" as const,
      base: a[0]!,
      weights: base.values.subarray(0, 6).slice(),
      displacements: stream(r).normals(12),
      outputBias: null,
    }));
    const found = await ensembleDistance(etas, [etas[1]!, etas[3]!, etas[0]!, etas[2]!], {
      ground: { kind: "negativeSobolev", order: 3 },
    });
    expect([...found.permutation]).toEqual([2, 0, 3, 1]);
    // what cancels leaves 10^−8 of a norm
    expect(found.distance).toBeLessThan(1e-6);
  });

  const a = ensemble([4, 4], 2, 340);
  it.each<[string, unknown, unknown, object, string]>([
    ["no ensemble", [], [], {}, "a"],
    ["an empty second one", a, [], {}, "b"],
    ["a measure", a[0], a, {}, "a"],
    ["other sizes", a, [a[0]], {}, "b"],
    ["another dimension inside", a, [a[0], cloud(4, 3, 1)], {}, "b[1].shape"],
    ["another number of points", a, [a[0], cloud(5, 2, 1)], {}, "b[1].shape"],
    ["radii among parameters", [a[0], { ...a[1], coordinates: "radial" }], a, {}, "a[1].coordinates"],
    ["a NaN inside", a, [a[0], { ...a[1], values: new Float64Array(8).fill(Number.NaN) }], {}, "b[1].values[0]"],
    ["an unknown ground", a, a, { ground: { kind: "w3" } }, "ground.kind"],
    ["no ground", a, a, { ground: null }, "ground.kind"],
    ["too small an order of the norm", a, a, { ground: { kind: "negativeSobolev", order: 1 } }, "order"],
    ["no directions", a, a, { ground: { kind: "slicedW2", directions: 0 } }, "directions"],
    ["order 0", a, a, { order: 0 }, "order"],
    ["infinite order", a, a, { order: Infinity }, "order"],
  ])("refuses %s", async (_, first, second, options, path) => {
    const error = await ensembleDistance(first as never, second as never, options as never).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });
});

// Found in Node 20, and the same in Chromium: nothing of an engine's own is in them.
it("gives the same bits everywhere", async () => {
  const [a, b] = [cloud(60, 2, 400), cloud(60, 2, 401)];
  const eta = fluctuation({ base: a, weights: stream(402).normals(60), displacements: stream(403).normals(120) });
  const entropic = await sinkhorn(a, b, { regularisation: 0.1 });
  expect([
    await negativeSobolev(a, b, { order: 1.7 }),
    await negativeSobolev(eta, null, { order: 3.2 }),
    (await w2Assignment(a, b)).distance,
    (await slicedW2(a, b)).distance,
    entropic.divergence,
    entropic.marginalError,
    await energyDistance(a, b),
    (await energyTest(tensor(a.values, [60, 2]), tensor(b.values, [60, 2]))).statistic,
    await wasserstein(a.values, b.values, { order: 2.5 }),
    (await ensembleDistance([a, b], [b, cloud(60, 2, 404)], { order: 3 })).distance,
  ]).toEqual([
    0.04791346106065446, 0.7229348119038078, 0.5505388414533775, 0.2671359588645973, 0.27541308264502035,
    9.858887274597865e-7, 0.23017209268593214, 1.58937576754262, 0.20351029296708492, 0.40800623153061466,
  ]);
});

describe("laws that are none, or of different spaces, are refused by name", () => {
  const a = cloud(4, 2, 1);
  const eta = {
    kind: "fluctuation",
    coordinates: "theta",
    base: a,
    weights: new Float64Array(4),
    displacements: new Float64Array(8),
    outputBias: null,
  };
  const distances: [string, (x: never, y: never) => Promise<unknown>][] = [
    ["w2Assignment", w2Assignment],
    ["slicedW2", slicedW2],
    ["sinkhorn", (x, y) => sinkhorn(x, y, { regularisation: 1 })],
    ["negativeSobolev", (x, y) => negativeSobolev(x, y, { order: 3 })],
  ];
  const wrong: [string, unknown, string][] = [
    ["undefined", undefined, "b"],
    ["a number", 3, "b"],
    ["a NaN", { ...a, values: new Float64Array(8).fill(Number.NaN) }, "b.values[0]"],
    ["no points", { ...a, shape: [0, 2], values: new Float64Array(0) }, "b.shape"],
    ["too few numbers", { ...a, values: new Float64Array(7) }, "b.values"],
    ["weights of NaN", { ...a, weights: new Float64Array(4).fill(Number.NaN) }, "b.weights[0]"],
    ["weights without mass", { ...a, weights: new Float64Array(4) }, "b.weights"],
    ["another dimension", cloud(4, 3, 1), "b.shape"],
    ["radii", { ...a, coordinates: "radial" }, "b.coordinates"],
    ["a fluctuation", eta, "b.kind"],
  ];
  it.each(distances.flatMap(([name, f]) => wrong.map(([what, b, path]) => ({ name, what, f, b, path }))))(
    "$name of $what",
    async ({ name, f, b, path }) => {
      if (name === "negativeSobolev" && path === "b.kind") return;
      const error = (await f(a as never, b as never).catch((e) => e)) as SpecError;
      expect(error).toBeInstanceOf(SpecError);
      expect(error.path).toBe(path);
    },
  );
});
