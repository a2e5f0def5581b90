// Measures in npz and in tables: any of them comes back with every bit, through bytes and text.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  affine,
  anisotropicGaussians,
  type DataTable,
  dataset,
  gaussian,
  type Measure,
  measureFromNpz,
  measureFromTable,
  measureToNpz,
  measureToTable,
  ridge,
  tableFromCsv,
  tableFromJson,
  tableFromParquet,
  tableToCsv,
  tableToJson,
  tableToParquet,
  tanh,
  tensorsFromNpz,
  tensorsToNpz,
} from "../../src/index";
import { fluctuation } from "../../src/measure/fluctuation";
import { grid, particles } from "../../src/measure/measure";

const finite = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 5e-324, 1 / 3));
const list = (length: number) =>
  fc.array(finite, { minLength: length, maxLength: length }).map((x) => Float64Array.from(x));
const weights = (length: number) =>
  fc.array(fc.double({ min: 1e-3, max: 1, noNaN: true }), { minLength: length, maxLength: length }).map((x) => {
    const sum = x.reduce((total, one) => total + one, 0);
    return Float64Array.from(x, (one) => one / sum);
  });
const size = fc.integer({ min: 1, max: 5 });
const bias = (K: number) => (K === 0 ? fc.constant(null) : list(K));

const cloud = (coordinates: "theta" | "radial", K: number) =>
  fc
    .tuple(size, coordinates === "radial" ? fc.integer({ min: 1, max: 4 }) : size)
    .chain(([n, width]) =>
      fc
        .record({ values: list(n * width), weights: fc.option(weights(n)), outputBias: bias(K) })
        .map((parts) => particles({ coordinates, shape: [n, width], ...parts })),
    );
const anyCloud = fc
  .tuple(fc.constantFrom("theta" as const, "radial" as const), fc.integer({ min: 0, max: 3 }))
  .chain(([coordinates, K]) => cloud(coordinates, K));

const edges = (coordinates: "theta" | "radial") =>
  fc
    .uniqueArray(fc.double({ min: coordinates === "radial" ? 0 : -1e3, max: 1e3, noNaN: true }), {
      minLength: 2,
      maxLength: 6,
      comparator: (a, b) => a === b,
    })
    .map((x) => Float64Array.from(x).sort());
const anyGrid = fc.constantFrom("theta" as const, "radial" as const).chain((coordinates) =>
  fc.array(edges(coordinates), { minLength: 1, maxLength: 2 }).chain((axes) => {
    const cells = axes.reduce((product, axis) => product * (axis.length - 1), 1);
    return weights(cells).map((masses) => grid({ coordinates, edges: axes, masses }));
  }),
);

const anyFluctuation = fc
  .integer({ min: 0, max: 2 })
  .chain((K) =>
    cloud("theta", K).chain((base) =>
      fc
        .record({ weights: list(base.shape[0]), displacements: list(base.values.length), outputBias: bias(K) })
        .map((parts) => fluctuation({ base, ...parts })),
    ),
  );

const anyMeasure: fc.Arbitrary<Measure> = fc.oneof(anyCloud, anyGrid, anyFluctuation);

const throughCsv = async (table: DataTable) => tableFromCsv(await tableToCsv(table));
const throughParquet = async (table: DataTable) => tableFromParquet(await tableToParquet(table));

describe("any measure comes back with every bit", () => {
  it("from npz", async () => {
    await fc.assert(
      fc.asyncProperty(anyMeasure, async (measure) => {
        // toStrictEqual tells −0 from 0
        expect(await measureFromNpz(await measureToNpz(measure))).toStrictEqual(measure);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("from CSV, which keeps no notes, where the coordinates are said", async () => {
    await fc.assert(
      fc.asyncProperty(anyMeasure, async (measure) => {
        const { coordinates } = measure;
        const table = await throughCsv(await measureToTable(measure));
        expect(await measureFromTable(table, { coordinates })).toStrictEqual(measure);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("from Parquet and from JSON", async () => {
    await fc.assert(
      fc.asyncProperty(anyMeasure, async (measure) => {
        const table = await measureToTable(measure);
        expect(await measureFromTable(await throughParquet(table))).toStrictEqual(measure);
        expect(await measureFromTable(tableFromJson(tableToJson(table)))).toStrictEqual(measure);
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

describe("arrays and columns have the names of the library", () => {
  const problem = (K: number) => ({
    law: K === 2 ? dataset({ x: [[0, 1]], y: [[1, 2]] }) : anisotropicGaussians({ dimension: 2, delta: 0.5 }),
    unit: K === 0 ? ridge(tanh()) : affine(tanh(), { outputs: K, outputBias: true }),
    start: gaussian({ radius: 1 }),
  });
  const names = async (measure: Measure, K?: number) =>
    (await measureToTable(measure, K === undefined ? {} : { problem: problem(K) })).columns.map(({ name }) => name);
  const points = (width: number, coordinates: "theta" | "radial", biases: number) =>
    particles({
      coordinates,
      shape: [2, width],
      values: Float64Array.from({ length: 2 * width }, (_, i) => i),
      weights: Float64Array.of(0.25, 0.75),
      outputBias: biases > 0 ? new Float64Array(biases) : null,
    });

  it("in a table", async () => {
    expect(await names(points(2, "theta", 0), 0)).toEqual(["w0", "w1", "weight"]);
    expect(await names(points(4, "theta", 1), 1)).toEqual(["a", "b", "w0", "w1", "weight", "outputBias0"]);
    expect((await names(points(5, "theta", 2), 2)).slice(0, 4)).toEqual(["a0", "a1", "b", "w0"]);
    expect(await names(points(2, "theta", 0))).toEqual(["theta0", "theta1", "weight"]);
    expect(await names(points(2, "radial", 0))).toEqual(["r1", "r2", "weight"]);
    expect(await names(points(3, "radial", 1), 1)).toEqual(["a", "b", "r1", "weight", "outputBias0"]);
    const cells = grid({ edges: [Float64Array.of(0, 1, 2), Float64Array.of(0, 1)], masses: Float64Array.of(0.5, 0.5) });
    expect(await names(cells)).toEqual(["r1.from", "r1.to", "r2.from", "r2.to", "mass"]);
    const eta = fluctuation({
      base: points(2, "theta", 0),
      weights: Float64Array.of(1, -1),
      displacements: new Float64Array(4),
    });
    expect(await names(eta, 0)).toEqual(["w0", "w1", "weight", "omega", "b.w0", "b.w1"]);
  });

  it("a measure of another problem is refused", async () => {
    await expect(names(points(2, "theta", 0), 1)).rejects.toMatchObject({ path: "problem" });
  });

  it("in an npz, whose arrays another program may have made", async () => {
    const arrays = await tensorsFromNpz(await measureToNpz(points(2, "theta", 1)), {
      arrays: ["values", "weights", "outputBias"],
    });
    expect(arrays["values"]!.shape).toEqual([2, 2]);
    expect(await measureFromNpz(await tensorsToNpz(arrays))).toStrictEqual(points(2, "theta", 1));
    const radial = await measureFromNpz(await tensorsToNpz({ values: arrays["values"]! }), { coordinates: "radial" });
    expect(radial).toMatchObject({ coordinates: "radial", weights: null });
  });
});
