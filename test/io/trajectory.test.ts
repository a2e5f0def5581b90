// Files of recorded runs. Not covered here: checkpoints (test/study), which are binary and have a checksum of their own.

import { beforeAll, describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { measureFromJson, measureToJson } from "../../src/io/measure";
import { ensembleFromJson, ensembleToJson, trajectoryFromJson, trajectoryToJson } from "../../src/io/trajectory";
import { grid, type Measure, particles } from "../../src/measure/measure";
import { erf } from "../../src/model/activation";
import { anisotropicGaussians } from "../../src/model/law";
import { gaussian } from "../../src/model/start";
import { ridge } from "../../src/model/unit";
import { sgd } from "../../src/process/schema";
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

  it("comes back with every bit", () => {
    for (const measure of [cloud, { ...cloud, weights: null }, cells]) {
      expect(measureFromJson(throughText(measureToJson(measure)))).toEqual(measure);
    }
  });

  it.each<[string, Measure, Keys, unknown]>([
    ["measure.kind", cloud, ["kind"], undefined],
    ["measure.weights[1]", cloud, ["weights"], [1, -1, 1]],
    ["measure.coordinates", cloud, ["coordinates"], "polar"],
    ["measure.edges", cells, ["edges"], 7],
    ["measure.masses", cells, ["masses"], [1]],
  ])("that is damaged at %s says so", (path, measure, keys, value) => {
    expect(errorOf(measureFromJson, measureToJson(measure), keys, value).path).toBe(path);
  });
});
