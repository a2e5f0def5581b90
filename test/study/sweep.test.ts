// Sweeps in memory, in Node and in Chromium: which points there are, what the tables hold, what is refused. Folders and kills
// are in test/node/.

import { describe, expect, it } from "vitest";
import {
  anisotropicGaussians,
  DivergenceError,
  ensemble,
  gaussian,
  histogram,
  quantiles,
  radialFlow,
  ridge,
  risk,
  SpecError,
  type SweepOptions,
  sgd,
  solve,
  square,
  sweep,
  tanh,
} from "../../src/index";

const problem = {
  law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const process = sgd(problem, { neurons: 20, stepSize: 0.01, seed: 1 });
const base = { process, times: [0, 0.104, 0.5] };
const observe = { risk: risk(), radius: quantiles("r1", [0.25, 0.75]) };

/** The cells of a column. */
const column = (table: { columns: { name: string }[]; rows: unknown[][] }, name: string) => {
  const j = table.columns.findIndex((one) => one.name === name);
  expect(j, name).toBeGreaterThanOrEqual(0);
  return table.rows.map((row) => row[j]);
};

describe("points", () => {
  const valuesOf = async (vary: SweepOptions["vary"]) => {
    const { points } = await sweep({ base, times: [0], vary, workers: 0 });
    return points.map(({ values }) => Object.values(values));
  };

  it("of an object are its product, the last field fastest", async () => {
    expect(await valuesOf({ "process.neurons": [5, 10], "process.stepSize": [0.1, 0.2, 0.3] })).toEqual([
      [5, 0.1],
      [5, 0.2],
      [5, 0.3],
      [10, 0.1],
      [10, 0.2],
      [10, 0.3],
    ]);
  });

  it("tie fields that share an entry", async () => {
    const tied = {
      "process.neurons, process.stepSize": [
        [5, 0.2],
        [10, 0.1],
      ],
      "process.seed": [1, 2],
    };
    expect(await valuesOf(tied)).toEqual([
      [5, 0.2, 1],
      [5, 0.2, 2],
      [10, 0.1, 1],
      [10, 0.1, 2],
    ]);
  });

  it("of a list are the list", async () => {
    const list = [
      { "process.neurons": 5, "process.stepSize": 0.2 },
      { "process.stepSize": 0.1, "process.neurons": 50 },
    ];
    expect(await valuesOf(list)).toEqual([
      [5, 0.2],
      [50, 0.1],
    ]);
  });

  it("reach any field, in lists and of whole parts, the whole before its parts", async () => {
    const units = [ridge(tanh()), ridge(square())];
    const { points } = await sweep({
      base,
      vary: {
        "process.problem.start.radius": [1, 2],
        "process.problem.unit": units,
        "times[1]": [0.2, 0.3],
        "observe.risk.points": [100],
      },
      observe,
      workers: 0,
    });
    expect(points).toHaveLength(8);
    expect(points[3]!.run.process.problem).toMatchObject({ start: { radius: 1 }, unit: units[1] });
    expect(Array.from(points[3]!.times)).toEqual([0, 0.3, 0.5]);
    const whole = await sweep({
      base,
      vary: { "process.neurons": [3, 4], process: [process, { ...process, seed: 9 }] },
      workers: 0,
    });
    expect(whole.points.map(({ run }) => run.process)).toMatchObject([
      { neurons: 3, seed: 1 },
      { neurons: 3, seed: 9 },
      { neurons: 4, seed: 1 },
      { neurons: 4, seed: 9 },
    ]);
  });

  it("take typed arrays", async () => {
    const vary = { times: [Float64Array.of(0, 0.1), Float64Array.of(0, 0.2)] };
    const { table } = await sweep({ base: { process }, vary, workers: 0 });
    expect(column(table, "times")).toEqual(["[0,0.1]", "[0,0.1]", "[0,0.2]", "[0,0.2]"]);
    const { points } = await sweep({ base, times: Float64Array.of(0.3), vary: { "process.seed": [1] }, workers: 0 });
    expect(Array.from(points[0]!.run.times)).toEqual([0.3]);
  });

  it("leave the base as it was", async () => {
    const text = JSON.stringify(base);
    await sweep({ base, vary: { "process.problem.law.delta": [0.1, 0.2] }, workers: 0 });
    expect(JSON.stringify(base)).toBe(text);
  });
});

describe("a sweep", () => {
  it.each([0, 2])("runs each point as an ensemble does (%i workers)", async (workers) => {
    const study = await sweep({ base, observe, vary: { "process.neurons": [5, 20] }, replicas: 3, workers });
    for (const [i, neurons] of [5, 20].entries()) {
      const alone = await ensemble({ ...process, neurons }, { times: base.times, observe, replicas: 3, workers: 0 });
      expect(study.points[i]).toEqual({
        values: { "process.neurons": neurons },
        times: Float64Array.from(base.times),
        run: alone,
      });
    }
    expect(study).toMatchObject({ computed: 6, found: 0, warnings: [] });
  });

  it("has a row a point and time, with mean and standard error of every component", async () => {
    const study = await sweep({
      base: { ...base, observe },
      vary: { "process.neurons": [5, 20] },
      replicas: 3,
      workers: 0,
    });
    const { table, points } = study;
    expect(table.columns.map(({ name }) => name)).toEqual([
      "point",
      "process.neurons",
      "time",
      "reached",
      "risk.mean",
      "risk.standardError",
      "radius[0].mean",
      "radius[0].standardError",
      "radius[1].mean",
      "radius[1].standardError",
      "replicas",
    ]);
    expect(column(table, "point")).toEqual([0, 0, 0, 1, 1, 1]);
    expect(column(table, "process.neurons")).toEqual([5, 5, 5, 20, 20, 20]);
    expect(column(table, "time")).toEqual([0, 0.104, 0.5, 0, 0.104, 0.5]);
    expect(column(table, "reached")).toEqual([0, 0.1, 0.5, 0, 0.1, 0.5]);
    expect(column(table, "replicas")).toEqual([3, 3, 3, 3, 3, 3]);
    const { radius } = points[1]!.run.observables;
    expect(column(table, "radius[1].mean").slice(3)).toEqual([1, 3, 5].map((k) => radius!.mean[k]));
    expect(column(table, "radius[1].standardError").slice(3)).toEqual([1, 3, 5].map((k) => radius!.standardError[k]));
  });

  it("has a row a point, replica and time, with every value", async () => {
    const { replicas, points } = await sweep({
      base,
      observe: { risk: risk({ method: "sample", points: 100 }), r: quantiles("r1", [0.5]) },
      vary: { "process.neurons": [5, 20] },
      replicas: 2,
      workers: 0,
    });
    expect(replicas.columns.map(({ name }) => name)).toEqual([
      "point",
      "process.neurons",
      "replica",
      "time",
      "reached",
      "risk.value",
      "risk.standardError",
      "r[0].value",
    ]);
    expect(column(replicas, "replica")).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    const values = points.flatMap(({ run }) => run.observables.r!.replicas.flatMap((one) => Array.from(one)));
    expect(column(replicas, "r[0].value")).toEqual(values);
    for (const error of column(replicas, "risk.standardError")) expect(error).toBeGreaterThan(0);
  });

  it("of one replica has no standard error, and a point no components that only others have", async () => {
    const { table } = await sweep({
      base,
      times: [0.5],
      observe: { law: histogram("r1", [0, 1, 2]) },
      vary: {
        "observe.law.edges": [
          [0, 1, 2],
          [0, 1, 2, 3],
        ],
      },
      workers: 0,
    });
    expect(column(table, "law[0].standardError")).toEqual([null, null]);
    expect(column(table, "law[2].mean")[0]).toBeNull();
    expect(column(table, "law[2].mean")[1]).toBeTypeOf("number");
    expect(column(table, "observe.law.edges")).toEqual(["[0,1,2]", "[0,1,2,3]"]);
  });

  it("names the types of varied fields: numbers, words, truth values, anything else as JSON", async () => {
    const types = async (field: string, values: unknown[]) => {
      const { table } = await sweep({ base, times: [0], vary: { [field]: values }, workers: 0 });
      return [table.columns[1]!.type, ...column(table, field)];
    };
    expect(await types("process.neurons", [5, 6])).toEqual(["number", 5, 6]);
    expect(await types("process.precision", ["f32", "f64"])).toEqual(["text", "f32", "f64"]);
    expect(await types("process.problem.law.rotation", ["identity", { seed: 3 }])).toEqual([
      "text",
      "identity",
      '{"seed":3}',
    ]);
    const flow = { process: radialFlow(problem, { particles: 20 }), times: [0] };
    const { table } = await sweep({ base: flow, vary: { "process.degree": [null, 10] }, workers: 0 });
    expect([table.columns[1]!.type, ...column(table, "process.degree")]).toEqual(["number", null, 10]);
  });

  it("runs a deterministic process once a point", async () => {
    const flow = radialFlow(problem, { particles: 20 });
    const { points } = await sweep({
      base: { process: flow, times: [0.3] },
      vary: { "process.particles": [20, 40] },
      workers: 0,
    });
    const alone = await solve({ ...flow, particles: 40 }, { times: [0.3] });
    expect(points[1]!.run.observables.risk!.mean).toEqual(alone.observables.risk!.values);
  });

  it("makes a run once that stands at two points", async () => {
    const { computed, points } = await sweep({ base, vary: { "process.replica": [0, 1] }, replicas: 2, workers: 0 });
    expect(computed).toBe(3);
    expect(points[0]!.run.observables.risk!.replicas[1]).toEqual(points[1]!.run.observables.risk!.replicas[0]);
  });

  it("tells how far it is, up to all of it", async () => {
    const seen: number[] = [];
    await sweep({
      base,
      vary: { "process.neurons": [5, 20] },
      replicas: 2,
      workers: 2,
      onProgress: ({ fraction, finished, runs }) => {
        expect(runs).toBe(4);
        expect(finished).toBeLessThanOrEqual(4);
        seen.push(fraction);
      },
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("carries where it comes from", async () => {
    const one = await sweep({ base, vary: { "process.neurons": [5] }, workers: 0 });
    expect(one.table.notes).toEqual({ ...one.provenance });
    expect(one.provenance.spec).toMatch(/^[0-9a-f]{64}$/);
    const other = await sweep({ base, vary: { "process.neurons": [6] }, workers: 0 });
    expect(other.provenance.spec).not.toBe(one.provenance.spec);
  });
});

describe("stops", () => {
  const long = { process: sgd(problem, { neurons: 400, stepSize: 1e-5, seed: 1 }), times: [1000] };
  it.each([0, 2])("with the signal's reason (%i workers)", async (workers) => {
    const controller = new AbortController();
    const running = sweep({
      base: long,
      vary: { "process.seed": [1, 2, 3] },
      workers,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(running).rejects.toThrow("enough");
    await expect(sweep({ base, vary: { "process.seed": [1] }, signal: controller.signal })).rejects.toThrow("enough");
  });

  it.each([0, 2])("at a divergence, and names its point and replica (%i workers)", async (workers) => {
    const wild = sgd({ ...problem, unit: ridge(square()) }, { neurons: 5, stepSize: 1e-3, seed: 1 });
    const vary = { "process.stepSize": [1e-3, 4] };
    const error = await sweep({ base: { process: wild, times: [4000] }, vary, workers }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as Error).message).toMatch(
      /diverged at step \d+ .*\(Point 2 of 2: process\.stepSize = 4; replica 0\.\)$/,
    );
  });
});

describe("refuses, before anything runs", () => {
  it.each<[string, RegExp, Partial<SweepOptions>]>([
    ["process.neurons", /Point 2 of 2: process\.neurons = 0\./, { vary: { "process.neurons": [5, 0] } }],
    ["process.neurnos", /Did you mean "neurons"\?.* Point 1 of 1/, { vary: { "process.neurnos": [5] } }],
    [
      "process.problem.law.delta",
      /Point 3 of 4/,
      { vary: { "process.problem.law.delta": [0.1, 2], "process.seed": [1, 2] } },
    ],
    ["vary.process.nowhere.x", /no process\.nowhere/, { vary: { "process.nowhere.x": [1] } }],
    ["vary.times[7]", /no times\[7\]/, { vary: { "times[7]": [1] } }],
    ["vary.replicas", /under process, times or observe/, { vary: { replicas: [1, 2] } }],
    ["vary.process..seed", /place in the run file/, { vary: { "process..seed": [1, 2] } }],
    ["vary.process.seed", /named once/, { vary: { "process.seed": [1], "process.seed, process.neurons": [[1, 2]] } }],
    ["vary", /Points 1 and 2 are the same run/, { vary: { "process.seed": [1, 1] } }],
    ["vary", /at most 1000000 points/, { vary: { "process.seed": Array(2000), "process.neurons": Array(2000) } }],
    ["vary", /one field or more/, { vary: {} }],
    ["vary", /or a list of points/, { vary: undefined as never }],
    ["vary.process.seed", /a list of values/, { vary: { "process.seed": 3 as never } }],
    ["vary.process.seed", /a list of values/, { vary: { "process.seed": [] } }],
    [
      "vary.process.seed, process.neurons[1]",
      /a list of 2 values/,
      { vary: { "process.seed, process.neurons": [[1, 2], [1]] } },
    ],
    ["vary", /1 to 1000000 points/, { vary: [] }],
    ["vary[0]", /the values of one or more fields/, { vary: [{}] }],
    ["vary[1]", /as in the first point/, { vary: [{ "process.seed": 1 }, { "process.neurons": 1 }] }],
    ["observe.f", /plain specification/, { observe: { f: () => 1 } }],
    ["vary", /same statistics at every point, risk/, { vary: { observe: [{ risk: risk() }, { r: risk() }] } }],
    ["times[1]", /Point 1 of 1/, { times: [1, 0.5] }],
    ["replicas", /an integer from 1/, { replicas: 0 }],
    [
      "replicas",
      /deterministic/,
      { base: { process: radialFlow(problem) }, times: [1], replicas: 2, vary: { "process.degree": [9] } },
    ],
    ["process.replica", /leaves room/, { replicas: 2, vary: { "process.replica": [2 ** 32 - 1] } }],
    ["base", /run at every point/, { base: null as never }],
    ["compareWith", /runs one process/, { base: { ...base, compareWith: process } as never }],
    ["workers", /an integer from 0 to 1024/, { workers: -1 }],
    ["backend", /simd/, { backend: "gpu" as never }],
  ])("%s: %s", async (path, message, options) => {
    const error = await sweep({ base, vary: { "process.seed": [1] }, ...options }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
    expect((error as SpecError).message).toMatch(message);
  });
});
