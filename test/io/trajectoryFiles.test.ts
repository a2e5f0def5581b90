// Recorded runs in npz and in tables: they come back with every bit, whatever was recorded.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  affine,
  anisotropicGaussians,
  type DataTable,
  dataset,
  fluctuations,
  fokkerPlanck,
  gaussian,
  langevin,
  type Observed,
  type Process,
  parameters,
  quadratic,
  quantiles,
  radialFlow,
  readDataFile,
  ridge,
  risk,
  sgd,
  solve,
  type Trajectory,
  tableFromCsv,
  tableFromJson,
  tableFromParquet,
  tableToCsv,
  tableToJson,
  tableToParquet,
  tanh,
  tensorsFromNpz,
  trajectoryFromNpz,
  trajectoryFromTable,
  trajectoryToNpz,
  trajectoryToTable,
} from "../../src/index";

const problem = {
  law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const process = sgd(problem, { neurons: 6, stepSize: 0.01, seed: 5 });
const observe = {
  risk: risk({ method: "sample", points: 50 }),
  radius: quantiles("r1", [0.25, 0.75]),
  parameters: parameters([0, 1]),
};

let run: Trajectory;
beforeAll(async () => {
  run = await solve(process, { times: [0, 0.1, 0.3], observe, keep: "measures" });
});

const throughCsv = async (table: DataTable) => tableFromCsv(await tableToCsv(table));
const throughParquet = async (table: DataTable) => tableFromParquet(await tableToParquet(table));

describe("a recorded run", () => {
  it("comes back from npz, measures included", async () => {
    expect(run.observables["risk"]!.standardError).toHaveLength(3);
    expect(await trajectoryFromNpz(await trajectoryToNpz(run))).toStrictEqual(run);
  });

  it("comes back from Parquet and from JSON with its notes, without measures", async () => {
    const table = await trajectoryToTable(run);
    const without = { ...run, measures: null };
    expect(await trajectoryFromTable(await throughParquet(table))).toStrictEqual(without);
    expect(await trajectoryFromTable(tableFromJson(tableToJson(table)))).toStrictEqual(without);
  });

  it("comes back from CSV where the process is given; what stood in notes is unknown", async () => {
    const table = await throughCsv(await trajectoryToTable(run));
    const again = await trajectoryFromTable(table, { process });
    expect(again.times).toStrictEqual(run.times);
    expect(again.process).toStrictEqual(run.process);
    for (const [name, { shape, values, standardError }] of Object.entries(run.observables)) {
      expect(again.observables[name]).toStrictEqual({ shape, values, ...(standardError && { standardError }) });
    }
    expect(again.provenance).toMatchObject({ spec: run.provenance.spec, backend: "unknown" });
    await expect(trajectoryFromTable(table)).rejects.toMatchObject({ path: "process" });
  });

  it("has arrays and columns of the names of its statistics", async () => {
    const { columns } = await trajectoryToTable(run);
    const head = ["time", "risk", "risk.standardError", "radius[0]", "radius[1]", "parameters[0][0]"];
    expect(columns.map(({ name }) => name).slice(0, 6)).toEqual(head);
    const arrays = await tensorsFromNpz(await trajectoryToNpz(run), {
      arrays: ["times", "parameters", "measures.values"],
    });
    expect(Object.values(arrays).map(({ shape }) => shape)).toEqual([[3], [3, 2, 4], [3, 6, 4]]);
  });

  it("is known by its content", async () => {
    const npz = await readDataFile("run", await trajectoryToNpz(run));
    expect(npz).toStrictEqual({ name: "run", kind: "trajectory", trajectory: run });
    const parquet = await readDataFile("run", await tableToParquet(await trajectoryToTable(run)));
    expect(parquet).toMatchObject({ kind: "trajectory", trajectory: { measures: null } });
  });
});

describe("runs of every form of measure come back from npz", () => {
  const classes = {
    law: dataset({ x: [[1], [0], [-1]], y: [0, 1, 2] }),
    unit: affine(tanh(), { outputs: 3, outputBias: true }),
    start: gaussian({ radius: 1 }),
    loss: "crossEntropy" as const,
    confinement: quadratic(0.01),
  };
  const signs = {
    ...classes,
    law: dataset({ x: [[1], [-1]], y: [1, -1] }),
    unit: ridge(tanh()),
    loss: "logistic" as const,
  };
  const plain = { ...signs, loss: "squared" as const, confinement: null };
  it.each<[string, Process]>([
    ["particles with an output bias", langevin(classes, { neurons: 4, stepSize: 0.1, temperature: 0.1 })],
    ["states of 32 bits", sgd(problem, { neurons: 4, stepSize: 0.1, precision: "f32" })],
    ["a density in one parameter", fokkerPlanck(signs, { temperature: 0.2, cells: 16, box: [-6, 6] })],
    ["radii, with weights", radialFlow(problem, { particles: 9 })],
    ["fluctuations", fluctuations(plain, { neurons: 20, stepSize: 0.1, particles: 9, seed: 1 })],
  ])("%s", async (_, one) => {
    const found = await solve(one, { times: [0, 0.2], keep: "measures" });
    expect(await trajectoryFromNpz(await trajectoryToNpz(found))).toStrictEqual(found);
  });
});

describe("whatever was recorded", () => {
  const value = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity));
  const name = fc.oneof(
    fc.constantFrom("times", "time", "meanfield", "risk", "risk.standardError", "measures.values", "a", "a[0]", ""),
    fc.string({ unit: "grapheme", maxLength: 4 }).filter((text) => text.trim() === text),
  );
  const recorded = (T: number): fc.Arbitrary<Observed> =>
    fc
      .tuple(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }), fc.boolean(), fc.option(fc.constant("exact")))
      .chain(([tail, sampled, method]) => {
        const shape = [T, ...tail];
        const count = shape.reduce((product, n) => product * n, 1);
        const values = fc.array(value, { minLength: count, maxLength: count }).map((x) => Float64Array.from(x));
        return fc.tuple(values, values).map(([mean, error]) => ({
          shape,
          values: mean,
          ...(sampled && { standardError: error }),
          ...(method !== null && { method }),
        }));
      });
  const any = fc
    .array(fc.double({ min: 0, noNaN: true }), { maxLength: 3 })
    .chain((times) =>
      fc.tuple(fc.constant(times), fc.dictionary(name, recorded(times.length), { maxKeys: 4, noNullPrototype: true })),
    )
    .map(
      ([times, observables]): Trajectory => ({
        ...run,
        times: Float64Array.from(times),
        observables,
        measures: null,
        warnings: ["ε → 0"],
        status: "aborted",
      }),
    );

  it("comes back from npz, and from Parquet", async () => {
    await fc.assert(
      fc.asyncProperty(any, async (odd) => {
        expect(await trajectoryFromNpz(await trajectoryToNpz(odd))).toStrictEqual(odd);
        const table = await trajectoryToTable(odd);
        expect(await trajectoryFromTable(await throughParquet(table))).toStrictEqual(odd);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it("may be measures of several shapes", async () => {
    const [first, second, third] = run.measures!;
    if (first!.kind !== "particles") throw new Error("particles are expected");
    const odd: Trajectory = {
      ...run,
      measures: [first!, { ...first!, shape: [3, 8] }, { ...first!, coordinates: "radial" }],
    };
    expect(await trajectoryFromNpz(await trajectoryToNpz(odd))).toStrictEqual(odd);
    expect([second, third].every((one) => one !== undefined)).toBe(true);
  });
});
