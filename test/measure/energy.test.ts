// Energy distances against closed forms and plain sums; the two-sample test against enumeration, at its level and in its power. Not
// covered: more rows than some hundred, but for the refusal.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { normalCdf } from "../../src/engine/math";
import { grid, type Measure, type Particles, particles } from "../../src/measure/measure";
import { energyDistance, energyTest } from "../../src/measure/onDemand";
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
const rowsOf = (a: Particles): number[][] =>
  Array.from({ length: a.shape[0] }, (_, i) => Array.from(a.values.subarray(i * a.shape[1], (i + 1) * a.shape[1])));
const between = (x: number[], y: number[]) => Math.sqrt(x.reduce((sum, z, k) => sum + (z - y[k]!) ** 2, 0));

/** 2 E|X − Y| − E|X − X'| − E|Y − Y'| by its definition. */
function plain(a: number[][], v: number[], b: number[][], w: number[]): number {
  const mean = (x: number[][], p: number[], y: number[][], q: number[]) =>
    x.reduce((sum, s, i) => sum + y.reduce((inner, t, j) => inner + p[i]! * q[j]! * between(s, t), 0), 0);
  return 2 * mean(a, v, b, w) - mean(a, v, a, v) - mean(b, w, b, w);
}
const equal = (n: number): number[] => Array(n).fill(1 / n);

describe("the energy distance", () => {
  it("of two points is (2 |x − y|)^½, in any dimension", async () => {
    expect(await energyDistance(points([[0]]), points([[8]]))).toBe(4);
    expect(await energyDistance(points([[1, 2, 3]]), points([[1, 5, 7]]))).toBeCloseTo(Math.sqrt(10), 14);
  });

  const number = fc.integer({ min: -40, max: 40 }).map((k) => k / 8);
  const law = (D: number) =>
    fc
      .array(fc.tuple(fc.array(number, { minLength: D, maxLength: D }), fc.integer({ min: 1, max: 9 })), {
        minLength: 1,
        maxLength: 7,
      })
      .map((pairs) => ({ rows: pairs.map(([x]) => x), weights: pairs.map(([, w]) => w) }));
  it.each([1, 2, 3])("is its definition, with any weights, D = %d", async (D) => {
    await fc.assert(
      fc.asyncProperty(law(D), law(D), async (a, b) => {
        const share = (w: number[]) => w.map((x) => x / w.reduce((s, y) => s + y, 0));
        const found = await energyDistance(points(a.rows, a.weights), points(b.rows, b.weights));
        expect(found ** 2).toBeCloseTo(plain(a.rows, share(a.weights), b.rows, share(b.weights)), 12);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  // ∫ (F − G)² dx = 1/3 of a uniform law on [0, 1] and the point 0, or 1; 1/12 of that in the middle
  it("takes the cells of a grid on the line as they are", async () => {
    const uniform = grid({ coordinates: "theta", edges: [Float64Array.of(0, 0.25, 1)], masses: Float64Array.of(1, 3) });
    expect((await energyDistance(uniform, points([[0]]))) ** 2).toBeCloseTo(2 / 3, 14);
    expect((await energyDistance(points([[1]]), uniform)) ** 2).toBeCloseTo(2 / 3, 14);
    expect((await energyDistance(uniform, points([[0.5]]))) ** 2).toBeCloseTo(1 / 6, 14);
    expect(await energyDistance(uniform, uniform)).toBe(0);
  });

  // E|Z| = s √(2/π) e^{−m²/2s²} + m (2Φ(m/s) − 1) of Z ~ N(m, s²); mass spread in cells of 0.01 is 10^−5 of a law off
  it("of normal laws", async () => {
    const normal = (mean: number, deviation: number) => {
      const edges = Float64Array.from({ length: 1601 }, (_, i) => mean + deviation * (i / 100 - 8));
      const cdf = edges.map((x) => normalCdf((x - mean) / deviation));
      return grid({ coordinates: "theta", edges: [edges], masses: cdf.subarray(1).map((p, i) => p - cdf[i]!) });
    };
    const absolute = (m: number, s: number) =>
      s * Math.sqrt(2 / Math.PI) * Math.exp((-m * m) / (2 * s * s)) + m * (2 * normalCdf(m / s) - 1);
    const exact = 2 * absolute(0.7, Math.sqrt(1.25)) - absolute(0, Math.SQRT2) - absolute(0, Math.sqrt(0.5));
    expect((await energyDistance(normal(0, 1), normal(0.7, 0.5))) ** 2).toBeCloseTo(exact, 5);
  });

  it("is 0 between equal laws, and found where they are close", async () => {
    const a = cloud(60, 3, 1);
    expect(await energyDistance(a, { ...a, values: a.values.slice() })).toBe(0);
    expect(await energyDistance(points([[0, 0]]), points([[0, 2e-30]]))).toBeCloseTo(2e-15, 28);
  });

  it.each<[string, unknown, string]>([
    ["nothing", null, "b"],
    ["a NaN", { ...cloud(2, 2, 1), values: Float64Array.of(0, 0, Number.NaN, 0) }, "b.values[2]"],
    ["another dimension", cloud(2, 1, 1), "b.shape"],
    ["radii", { ...cloud(2, 2, 1), coordinates: "radial" }, "b.coordinates"],
  ])("refuses %s", async (_, b, path) => {
    const error = await energyDistance(cloud(2, 2, 1), b as Measure).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });
});

describe("the two-sample test", () => {
  it("has the statistic nm/(n + m) E², of samples of any sizes", async () => {
    for (const [n, m, D] of [
      [5, 9, 2],
      [9, 5, 2],
      [6, 6, 1],
      [40, 23, 4],
    ] as const) {
      const [a, b] = [cloud(n, D, 2), cloud(m, D, 3)];
      const [x, y] = [rowsOf(a), rowsOf(b)];
      const { statistic, permutations } = await energyTest(tensor(a.values, [n, D]), tensor(b.values, [m, D]));
      expect(statistic).toBeCloseTo(((n * m) / (n + m)) * plain(x, equal(n), y, equal(m)), 11);
      expect(permutations).toBe(999);
    }
  });

  // All 70 ways of parting 8 rows in two fours; of random ones 20000 hit the exact share but for 4 · √(p (1 − p)/20000) < 0.015, once
  // in 10^4.
  it.each([0, 1, 2, 3, 4, 5])("has the p-value of all partitions, rows %d", async (seed) => {
    const all = Array.from(stream(4).normals(16, { step: seed }));
    const rows = Array.from({ length: 8 }, (_, i) => all.slice(2 * i, 2 * i + 2));
    const statistic = (members: number[]) =>
      plain(
        members.map((i) => rows[i]!),
        equal(4),
        rows.filter((_, i) => !members.includes(i)),
        equal(4),
      );
    const found: number[] = [];
    for (let mask = 0; mask < 256; mask++) {
      const members = [0, 1, 2, 3, 4, 5, 6, 7].filter((i) => (mask >> i) & 1);
      if (members.length === 4) found.push(statistic(members));
    }
    expect(found.length).toBe(70);
    const share = found.filter((s) => s >= statistic([0, 1, 2, 3]) - 1e-12).length / 70;
    const { pValue } = await energyTest(rows.slice(0, 4), rows.slice(4), { permutations: 20000, seed });
    expect(Math.abs(pValue - share)).toBeLessThan(0.015);
  });

  // Under the null hypothesis P(p ≤ k/100) = k/100 exactly. Of 400 tests 20 ± 4.4 have p ≤ 0.05 and 200 ± 10 have p ≤ 0.5: beyond four
  // deviations once in 10^4 each.
  it("holds its level", async () => {
    let [few, half] = [0, 0];
    for (let seed = 0; seed < 400; seed++) {
      const x = stream(seed).normals(60, { step: 1 });
      const { pValue } = await energyTest(tensor(x.slice(0, 24), [12, 2]), tensor(x.slice(24), [18, 2]), {
        permutations: 99,
        seed,
      });
      if (pValue <= 0.05) few++;
      if (pValue <= 0.5) half++;
    }
    expect(Math.abs(few - 20)).toBeLessThan(4 * 4.4);
    expect(Math.abs(half - 200)).toBeLessThan(4 * 10);
  });

  // Effects at which it can hardly miss: of 200 other seeds a shift of 1.2 and a scale of a half had the least p-value there is in all,
  // v = u one of at most 0.005 in all. (Smaller effects are missed at times: a shift of 0.6 has the least one in 51 of 60.)
  it("sees a shift, a scale, and a dependence that no column shows by itself", async () => {
    const n = 150;
    const x = stream(6).normals(2 * n);
    const y = stream(7).normals(2 * n);
    const of = async (f: (u: number, v: number) => [number, number]) => {
      const rows = Array.from({ length: n }, (_, i) => f(y[2 * i]!, y[2 * i + 1]!));
      return (await energyTest(tensor(x, [n, 2]), rows)).pValue;
    };
    expect(await of((u, v) => [u + 1.2, v])).toBe(0.001);
    expect(await of((u, v) => [u / 2, v / 2])).toBe(0.001);
    expect(await of((u) => [u, u])).toBeLessThan(0.02);
  });

  it("with columns of very different units needs them standardised", async () => {
    const n = 100;
    const [x, y] = [stream(8).normals(2 * n), stream(9).normals(2 * n)];
    const sample = (z: Float64Array, shift: number) =>
      Array.from({ length: n }, (_, i) => [1e6 * z[2 * i]!, z[2 * i + 1]! + shift]);
    // a shift by two deviations is lost beside 10^6: the p-value is the least one in one case of a thousand
    expect((await energyTest(sample(x, 0), sample(y, 2))).pValue).toBeGreaterThan(0.001);
    expect((await energyTest(sample(x, 0), sample(y, 2), { standardise: true })).pValue).toBe(0.001);
    // and a column that is the same everywhere does no harm
    const constant = [
      [1, 0],
      [1, 2],
      [1, 4],
    ];
    expect((await energyTest(constant, constant, { standardise: true })).pValue).toBe(1);
  });

  it("depends on neither origin nor unit, nor on which sample comes first", async () => {
    const [a, b] = [rowsOf(cloud(12, 2, 10)), rowsOf(cloud(20, 2, 11))];
    const moved = (rows: number[][]) => rows.map((r) => r.map((z) => 1024 * z + 4096));
    const one = await energyTest(a, b);
    const scaled = await energyTest(moved(a), moved(b));
    expect(scaled.statistic / 1024).toBeCloseTo(one.statistic, 9);
    expect(scaled.pValue).toBe(one.pValue);
    expect((await energyTest(b, a)).statistic).toBeCloseTo(one.statistic, 12);
    expect(await energyTest(a, b, { seed: 1 })).not.toEqual(one);
    expect(await energyTest(a, b)).toEqual(one);
  });

  it("of equal samples, and of constants, cannot tell them apart: p = 1", async () => {
    expect((await energyTest([1, 1, 1], [1, 1])).pValue).toBe(1);
    expect((await energyTest([1, 2, 3], [3, 1, 2])).pValue).toBe(1);
  });

  const rows = [
    [1, 2],
    [3, 4],
  ];
  it.each<[string, unknown, unknown, object, string]>([
    ["no sample", undefined, rows, {}, "samplesA"],
    ["an empty sample", [], rows, {}, "samplesA"],
    ["one row", rows, [[1, 2]], {}, "samplesB"],
    [
      "a NaN",
      rows,
      [
        [1, 2],
        [3, Number.NaN],
      ],
      {},
      "samplesB[1][1]",
    ],
    [
      "a number too large",
      rows,
      [
        [1, 2],
        [3, 1e151],
      ],
      {},
      "samplesB[1][1]",
    ],
    ["rows of another length", rows, [[1], [2]], {}, "samplesB"],
    ["ragged rows", [[1, 2], [3]], rows, {}, "samplesA[1]"],
    ["three axes", [rows], [rows], {}, "samplesA"],
    ["too many rows", new Float64Array(8000), [1, 2], {}, "samplesB"],
    ["no permutations", rows, rows, { permutations: 0 }, "permutations"],
    ["half a permutation", rows, rows, { permutations: 1.5 }, "permutations"],
    ["no seed", rows, rows, { seed: -1 }, "seed"],
  ])("refuses %s", async (_, a, b, options, path) => {
    const error = await energyTest(a as never, b as never, options).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });

  it("stops when asked to", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 20);
    const x = stream(12).normals(1000);
    await expect(energyTest(x, x, { permutations: 1e6, signal: controller.signal })).rejects.toThrow("enough");
  });
});
