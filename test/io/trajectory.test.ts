// Files of recorded runs. Not covered here: checkpoints (test/study), which are binary and have a checksum of their own.

import { beforeAll, describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { measureFromJson, measureToJson } from "../../src/io/measure";
import { ensembleFromJson, ensembleToJson, trajectoryFromJson, trajectoryToJson } from "../../src/io/trajectory";
import { grid, type Measure, particles } from "../../src/measure/measure";
import { erf, tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { localPotential, quadratic } from "../../src/model/potential";
import { potentialProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import {
  fokkerPlanck,
  gradientFlow,
  langevin,
  nonlinear,
  type Process,
  radialFlow,
  sgd,
} from "../../src/process/schema";
import { type Ensemble, ensemble } from "../../src/study/ensemble";
import { quantiles, risk } from "../../src/study/observables";
import { solve, type Trajectory } from "../../src/study/solve";

const process = sgd(
  {
    law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }),
    unit: ridge(erf()),
    start: gaussian({ radius: 1 }),
  },
  { neurons: 6, stepSize: 0.01, seed: 5 },
);
const options = { times: [0, 0.1, 0.3], observe: { risk: risk(), radius: quantiles("r1", [0.25, 0.75]) } };

let run: Trajectory;
let one: Ensemble;
let two: Ensemble;

beforeAll(async () => {
  run = await solve(process, { ...options, keep: "measures" });
  one = await ensemble(process, { ...options, replicas: 1, workers: 0 });
  two = await ensemble(process, { ...options, replicas: 2, workers: 0 });
});

const throughText = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

type Keys = (string | number)[];

/** The error that reading a file gives in which one field is another value; undefined takes it away. */
function errorOf(read: (json: unknown) => unknown, json: unknown, keys: Keys, value: unknown): SpecError {
  const file = throughText(json);
  const last = keys[keys.length - 1]!;
  const parent = keys.slice(0, -1).reduce((at, key) => (at as Record<Keys[number], unknown>)[key], file);
  Object.assign(parent as object, { [last]: value });
  try {
    read(throughText(file));
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return error as SpecError;
  }
  throw new Error("The damaged file was read.");
}

describe("a recorded run on file", () => {
  it("comes back with every bit, measures included", () => {
    expect(trajectoryFromJson(throughText(trajectoryToJson(run)))).toEqual(run);
  });

  it("names its version, its kind and its specification", () => {
    expect(trajectoryToJson(run)).toMatchObject({
      version: 1,
      kind: "trajectory",
      process: { kind: "sgd", neurons: 6 },
    });
  });

  it("may have recorded nothing, as after an early abort", () => {
    const empty: Trajectory = {
      ...run,
      times: new Float64Array(0),
      observables: { risk: { shape: [0], values: new Float64Array(0) } },
      measures: [],
      status: "aborted",
    };
    expect(trajectoryFromJson(throughText(trajectoryToJson(empty)))).toEqual(empty);
  });

  it("holds NaN and infinities, for which JSON has no words", () => {
    const values = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0);
    const odd: Trajectory = { ...run, observables: { risk: { shape: [3], values } } };
    expect(trajectoryFromJson(throughText(trajectoryToJson(odd))).observables.risk!.values).toEqual(values);
  });

  it("of a later version is refused, with the remedy", () => {
    const error = errorOf(trajectoryFromJson, trajectoryToJson(run), ["version"], 2);
    expect(error.path).toBe("version");
    expect(error.message).toContain("update the library");
  });

  it.each<[string, Keys, unknown]>([
    ["version", ["version"], undefined],
    ["kind", ["kind"], "ensemble"],
    ["process.neurons", ["process", "neurons"], -1],
    ["times.data", ["times", "data"], "AAAA"],
    ["observables.risk.values.shape", ["observables", "risk", "values", "shape"], [1, 3]],
    ["observables.radius.values.data", ["observables", "radius", "values", "data"], "!"],
    ["measures", ["measures"], []],
    ["measures[1].kind", ["measures", 1, "kind"], "cloud"],
    ["measures[2].values.dtype", ["measures", 2, "values", "dtype"], "f16"],
    ["status", ["status"], "fine"],
    ["warnings", ["warnings"], undefined],
    ["provenance.spec", ["provenance", "spec"], undefined],
  ])("that is damaged at %s says so", (path, keys, value) => {
    expect(errorOf(trajectoryFromJson, trajectoryToJson(run), keys, value).path).toBe(path);
  });
});

describe("runs of every form of measure on file", () => {
  const classes = {
    law: dataset({ x: [[1], [0], [-1]], y: [0, 1, 2] }),
    unit: affine(tanh(), { outputs: 3, outputBias: true }),
    start: gaussian({ radius: 1 }),
    loss: "crossEntropy" as const,
    confinement: quadratic(0.01),
  };
  const confined = potentialProblem(quadratic(1), { dimension: 2, start: gaussian({ radius: 1 }) });
  const signs = {
    ...classes,
    law: dataset({ x: [[1], [-1]], y: [1, -1] }),
    unit: ridge(tanh()),
    loss: "logistic" as const,
  };

  // what the measure is, and how the gradient was found
  it.each<[string, Process, RegExp | null]>([
    [
      "particles with an output bias",
      langevin(classes, { neurons: 4, stepSize: 0.1, temperature: 0.1 }),
      /^full: all 3 atoms$/,
    ],
    ["a density in one parameter", fokkerPlanck(signs, { temperature: 0.2, cells: 16, box: [-6, 6] }), null],
    ["a density in two parameters", fokkerPlanck(confined, { temperature: 0.5, cells: 8, box: [-6, 6] }), null],
    [
      "particles among particles",
      nonlinear(signs, { neurons: 2, limit: gradientFlow(signs, { neurons: 9, seed: 1 }) }),
      /^field of 9 particles; full/,
    ],
    [
      "radii",
      radialFlow(
        { ...signs, law: anisotropicGaussians({ dimension: 4, delta: 0.5 }), loss: "squared", confinement: null },
        { particles: 9 },
      ),
      null,
    ],
  ])("%s come back with every bit, and with their method", async (name, one, method) => {
    const found = await solve(one, { times: [0, 0.2], keep: "measures" });
    expect(trajectoryFromJson(throughText(trajectoryToJson(found)))).toEqual(found);
    if (method) expect(found.provenance.method).toMatch(method);
    const [first, last] = found.measures!;
    if (name.includes("bias") && last!.kind === "particles") {
      expect(last!.outputBias).toHaveLength(3);
      expect(last!.outputBias).not.toEqual(new Float64Array(3));
    }
    if (name.includes("density")) expect(first).toMatchObject({ kind: "grid", coordinates: "theta" });
    if (!("replica" in one)) return;
    const both = await ensemble(one, { times: [0, 0.2], replicas: 2, workers: 0 });
    expect(ensembleFromJson(throughText(ensembleToJson(both)))).toEqual(both);
    expect(both.provenance.method).toBe(found.provenance.method);
  });

  it("a method that is no text is named", () => {
    expect(errorOf(trajectoryFromJson, trajectoryToJson(run), ["provenance", "method"], 3).path).toBe(
      "provenance.method",
    );
  });

  it("a run with a potential of one's own cannot be written, and its field is named", async () => {
    const local = {
      ...confined,
      confinement: localPotential(
        () => 0,
        (theta) => theta,
      ),
    };
    const found = await solve(langevin(local, { neurons: 2, stepSize: 0.1, temperature: 1 }), { times: [0.2] });
    expect(found.provenance.spec).toBe("local");
    expect(() => trajectoryToJson(found)).toThrow(/process\.problem\.confinement\.(value|gradient): .*a function/);
  });
});

describe("an ensemble on file", () => {
  it("comes back with every bit; of one replica the standard error is NaN and stays it", () => {
    expect(ensembleFromJson(throughText(ensembleToJson(two)))).toEqual(two);
    const again = ensembleFromJson(throughText(ensembleToJson(one)));
    expect(again).toEqual(one);
    expect(again.observables.risk!.standardError[0]).toBeNaN();
  });

  it.each<[string, Keys, unknown]>([
    ["replicas", ["replicas"], 0],
    ["observables.risk.replicas", ["observables", "risk", "replicas"], []],
    ["observables.risk.standardError", ["observables", "risk", "standardError"], [1]],
    ["observables.radius.quantiles.values", ["observables", "radius", "quantiles", "values"], []],
  ])("that is damaged at %s says so", (path, keys, value) => {
    expect(errorOf(ensembleFromJson, ensembleToJson(two), keys, value).path).toBe(path);
  });
});

describe("a measure on file", () => {
  const cloud = particles({
    coordinates: "radial",
    shape: [3, 2],
    values: Float64Array.of(0.1, 1, 0.2, 2, 1 / 3, 3),
    weights: Float64Array.of(0.25, 0.25, 0.5),
  });
  const cells = grid({ edges: [Float64Array.of(0, 0.5, 1), Float64Array.of(0, 2)], masses: Float64Array.of(0.1, 0.9) });
  const biased = particles({ ...cloud, coordinates: "theta", outputBias: Float64Array.of(-1 / 3, 0) });
  const plane = grid({
    coordinates: "theta",
    edges: [Float64Array.of(-2, -1 / 3, 1), Float64Array.of(-1, 2)],
    masses: Float64Array.of(0.3, 0.7),
  });

  it("comes back with every bit", () => {
    for (const measure of [cloud, { ...cloud, weights: null }, cells, biased, plane]) {
      expect(measureFromJson(throughText(measureToJson(measure)))).toEqual(measure);
    }
  });

  it.each<[string, Measure, Keys, unknown]>([
    ["measure.kind", cloud, ["kind"], undefined],
    ["measure.weights[1]", cloud, ["weights"], [1, -1, 1]],
    ["measure.coordinates", cloud, ["coordinates"], "polar"],
    ["measure.edges", cells, ["edges"], 7],
    ["measure.masses", cells, ["masses"], [1]],
    ["measure.edges[0][0]", plane, ["coordinates"], "radial"],
    ["measure.edges[0][2]", plane, ["edges", 0], [-2, 1, 1]],
    ["measure.coordinates", plane, ["coordinates"], "polar"],
    ["measure.outputBias[1]", biased, ["outputBias"], { dtype: "f64", shape: [2], data: "AAAAAAAAAAAAAAAAAADwfw==" }],
    ["measure.outputBias", biased, ["outputBias"], "none"],
  ])("that is damaged at %s says so", (path, measure, keys, value) => {
    expect(errorOf(measureFromJson, measureToJson(measure), keys, value).path).toBe(path);
  });
});
