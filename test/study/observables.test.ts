// Statistics of the measures of every process: their shapes, and that one which a process does not have is named before it runs.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  accuracy,
  affine,
  anisotropicGaussians,
  dataset,
  density,
  ensemble,
  entropy,
  fluctuations,
  fokkerPlanck,
  freeEnergy,
  gaussian,
  gradientFlow,
  histogram,
  langevin,
  loadEngine,
  modifiedFlow,
  moments,
  nonlinear,
  type Observable,
  type Observables,
  type Process,
  parameters,
  parseRunSpec,
  potentialProblem,
  predictions,
  quadratic,
  quantiles,
  radialFlow,
  ridge,
  risk,
  sgd,
  solve,
  tanh,
} from "../../src/index";
import { trajectoryFromJson, trajectoryToJson } from "../../src/io/trajectory";
import { accuracyOf } from "../../src/measure/accuracy";
import { checkObservables } from "../../src/study/checkObservables";

const x = [
  [1, 0],
  [0, 1],
  [-1, 1],
  [-1, -1],
];
const start = gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 } });
const classes = {
  law: dataset({ x, y: [0, 1, 2, 2] }),
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start,
  loss: "crossEntropy" as const,
};
const signs = {
  law: dataset({ x, y: [1, 1, -1, -1] }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
  loss: "logistic" as const,
};
const gaussians = {
  law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const network = sgd(classes, { neurons: 30, stepSize: 0.05, seed: 2 });

describe("statistics of a network of three outputs", () => {
  it("predictions have the shape [n, 3], coordinates are a0, a1, a2, b, w0, w1, and the accuracy is a number", async () => {
    const observe = {
      risk: risk(),
      right: accuracy(),
      f: predictions(x),
      a2: moments("a2", 1),
      b: quantiles("b", [0.5]),
      own: (measure: { kind: string }) => (measure.kind === "particles" ? 1 : 0),
    };
    const run = await solve(network, { times: [0, 20], observe, keep: "measures" });
    const { f, right, a2 } = run.observables;
    expect(f!.shape).toEqual([2, 4, 3]);
    expect(right).toMatchObject({ shape: [2], method: "exact" });
    expect(right!.standardError).toBeUndefined();
    // right where the largest of the predictions is the label's
    for (const time of [0, 1]) {
      const rows = x.map((_, q) => Array.from(f!.values.slice(12 * time + 3 * q, 12 * time + 3 * q + 3)));
      const share = rows.filter((row, q) => row.indexOf(Math.max(...row)) === [0, 1, 2, 2][q]).length / 4;
      expect(right!.values[time]).toBe(share);
    }
    expect(right!.values[1]).toBe(1);
    const last = run.measures![1]!;
    if (last.kind !== "particles") throw new Error("a network");
    let mean = 0;
    for (let i = 0; i < 30; i++) mean += last.values[6 * i + 2]! / 30;
    expect(a2!.values[1]).toBeCloseTo(mean, 14);
    expect(last.outputBias).toHaveLength(3);
    const { own: _, ...plain } = run.observables;
    const whole = { ...run, observables: plain };
    expect(trajectoryFromJson(JSON.parse(JSON.stringify(trajectoryToJson(whole))))).toEqual(whole);
  });

  it("travel to workers and come back with their shapes", async () => {
    const options = { times: [0, 1], replicas: 2, observe: { f: predictions(x), right: accuracy() } };
    const [here, there] = await Promise.all([
      ensemble(network, { ...options, workers: 0 }),
      ensemble(network, { ...options, workers: 1 }),
    ]);
    expect(there.observables).toEqual(here.observables);
    expect(there.observables.f!.shape).toEqual([2, 4, 3]);
  });

  it("of one output stay lists", async () => {
    const run = await solve(sgd(signs, { neurons: 5, stepSize: 0.1 }), { times: [1], observe: { f: predictions(x) } });
    expect(run.observables.f!.shape).toEqual([1, 4]);
  });
});

describe("parameters of particles by number", () => {
  it("are rows of the measure, and the points that a flow carries stand behind the neurons", async () => {
    const carried = [[2, 3, 4, 5, 6, 7]];
    const flow = modifiedFlow(classes, { neurons: 4, stepSize: 0.1, carried });
    const run = await solve(flow, { times: [0, 0.1], observe: { X: parameters([4, 1]) }, keep: "measures" });
    const { shape, values } = run.observables["X"]!;
    expect(shape).toEqual([2, 2, 6]);
    expect(Array.from(values.slice(0, 6))).toEqual(carried[0]);
    for (const [t, measure] of run.measures!.entries()) {
      if (measure.kind !== "particles") throw new TypeError("particles");
      expect(values.slice(12 * t, 12 * t + 6)).toEqual(measure.values.slice(24, 30));
      expect(values.slice(12 * t + 6, 12 * t + 12)).toEqual(measure.values.slice(6, 12));
    }
  });

  it.each([
    ["a number beyond the particles", () => sgd(classes, { neurons: 4, stepSize: 0.1 }), [0, 4]],
    ["a grid", () => fokkerPlanck(signs, { temperature: 1 }), [0]],
  ])("of %s are refused", async (_, make, rows) => {
    await expect(solve(make(), { times: [0], observe: { X: parameters(rows) } })).rejects.toThrow(/observe.X.rows\[/);
  });
});

describe("a fluctuation", () => {
  const process = fluctuations(classes, { neurons: 4, stepSize: 0.1, particles: 8 });
  it("has predictions and moments, and by default those of its first coordinate", async () => {
    const run = await solve(process, { times: [0, 0.1], observe: { f: predictions(x), b: moments("b") } });
    expect(run.observables["f"]!.shape).toEqual([2, 4, 3]);
    expect(run.observables["b"]!.shape).toEqual([2, 2]);
    expect(Object.keys((await solve(process, { times: [0.1] })).observables)).toEqual(["a0"]);
    const back = trajectoryFromJson(JSON.parse(JSON.stringify(trajectoryToJson(run))));
    expect(back.observables["f"]!.values).toEqual(run.observables["f"]!.values);
  });

  it("has no risk, which is said", async () => {
    await expect(solve(process, { times: [0], observe: { risk: risk() } })).rejects.toThrow(/predictions.*moments/);
  });
});

describe("what a process does not have is named before it runs", () => {
  const cloud = langevin(potentialProblem(quadratic(1), { dimension: 2, start: gaussian({ radius: 1 }) }), {
    neurons: 5,
    stepSize: 0.1,
    temperature: 1,
  });
  const grid = fokkerPlanck(signs, { temperature: 0.1, cells: 8, box: [-4, 4] });
  const flow = gradientFlow(signs, { neurons: 5 });
  const radial = radialFlow(gaussians);
  const infinite = radialFlow({
    ...gaussians,
    law: anisotropicGaussians({ dimension: "infinite", signal: 0.5, delta: 0.5 }),
  });
  const followers = nonlinear(signs, { neurons: 3, limit: gradientFlow(signs, { neurons: 9, seed: 1 }) });

  it.each<[string, Process, Observable]>([
    ["coordinate", network, moments("a")],
    ["coordinate", network, quantiles("w2", [0.5])],
    ["coordinate", network, histogram("a3", [0, 1])],
    ["coordinate", flow, moments("r2")],
    ["coordinate", cloud, moments("b")],
    ["coordinate", radial, moments("w0")],
    ["coordinate", grid, density("r", [1])],
    ["coordinate", followers, moments("a0")],
    ["x", flow, predictions([[1, 2, 3]])],
    ["x", infinite, predictions([[1]])],
    ["method", flow, risk({ method: "series" })],
    ["method", sgd({ ...gaussians, loss: "logistic" }, { neurons: 2, stepSize: 1 }), risk({ method: "series" })],
    ["method", infinite, risk({ method: "sample" })],
    ["kind", infinite, accuracy()],
    ["kind", radial, accuracy()],
    ["kind", cloud, accuracy()],
    [
      "kind",
      sgd({ ...signs, loss: "squared", law: dataset({ x, y: [1, 2, 3, 4] }) }, { neurons: 2, stepSize: 1 }),
      accuracy(),
    ],
    ["kind", flow, freeEnergy()],
    ["kind", radial, entropy()],
  ])("%s", async (field, process, observable) => {
    const error = (await solve(process, { times: [1], observe: { mine: observable } }).catch(
      (e: unknown) => e,
    )) as SpecError;
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(`observe.mine.${field}`);
    const json = JSON.parse(JSON.stringify({ version: 1, process, times: [1], observe: { mine: observable } }));
    expect(() => parseRunSpec(json)).toThrow(`observe.mine.${field}`);
  });

  it("in a run file, of the process that it is compared with too", () => {
    const json = { version: 1, process: sgd(gaussians, { neurons: 2, stepSize: 1 }), times: [1] };
    const observe = { mine: moments("w0") };
    expect(parseRunSpec(JSON.parse(JSON.stringify({ ...json, observe }))).observe).toEqual(observe);
    expect(() => parseRunSpec(JSON.parse(JSON.stringify({ ...json, observe, compareWith: radial })))).toThrow(
      /observe\.mine\.coordinate: .*r1, r2, r/,
    );
  });

  // what is let through is there when it is measured
  it.each<[string, Process, Observables]>([
    [
      "network",
      network,
      { a0: moments("a0"), r: moments("r"), r1: moments("r1"), f: predictions(x), right: accuracy() },
    ],
    ["radii", radial, { r: moments("r"), r1: quantiles("r1", [0.5]), r2: density("r2", [1]) }],
    ["radii on a grid", radialFlow(gaussians, { method: "grid", cells: 16 }), { r: moments("r"), r2: moments("r2") }],
    [
      "grid",
      grid,
      { w0: moments("w0"), w1: histogram("w1", [-1, 0, 1]), f: predictions(x), free: freeEnergy(), right: accuracy() },
    ],
    ["cloud", cloud, { w0: moments("w0"), r: moments("r"), risk: risk() }],
    ["followers", followers, { w1: moments("w1"), right: accuracy(), risk: risk() }],
  ])("and what it has is recorded: %s", async (_, process, observe) => {
    expect(() => checkObservables(observe, process)).not.toThrow();
    const run = await solve(process, { times: [0, 0.1], observe });
    for (const name of Object.keys(observe)) expect(run.observables[name]!.values.every(Number.isFinite)).toBe(true);
  });
});

describe("accuracy on other examples than the problem's", () => {
  const test = dataset({ x: x.map(([s, t]) => [s! + 0.1, t!]), y: [0, 1, 2, 1], weights: [1, 2, 3, 4] });
  const process = sgd(classes, { neurons: 20, stepSize: 0.1, seed: 2 });

  it("is that of the same measure for a problem that has them, and goes to workers and files", async () => {
    const observe = { right: accuracy({ law: test }), own: accuracy() };
    const options = { times: [0, 1, 3], observe };
    const run = await solve(process, { ...options, keep: "measures" });
    const engine = await loadEngine();
    run.measures!.forEach((measure, i) => {
      const other = accuracyOf(measure, { ...process.problem, law: test }, engine, { points: 2, seed: 0 });
      expect(run.observables["right"]!.values[i]).toBe(other.value);
      expect(run.observables["own"]!.values[i]).toBe(
        accuracyOf(measure, process.problem, engine, { points: 2, seed: 0 }).value,
      );
    });
    const both = await ensemble(process, { ...options, replicas: 1, workers: 1 });
    expect(both.observables["right"]!.replicas[0]).toEqual(run.observables["right"]!.values);
    const file = JSON.parse(JSON.stringify(trajectoryToJson(run)));
    expect(trajectoryFromJson(file).observables["right"]!.observable).toEqual(observe.right);
  });

  it.each<[string, Observable, string]>([
    ["inputs of another length", accuracy({ law: dataset({ x: [[1]], y: [0] }) }), "observe.right.law"],
    ["a class out of range", accuracy({ law: dataset({ x, y: [0, 1, 2, 3] }) }), "observe.right.law.y[3]"],
    ["rows of two probabilities", accuracy({ law: dataset({ x: [[1, 1]], y: [[0.5, 0.5]] }) }), "observe.right.law"],
    ["signs", accuracy({ law: anisotropicGaussians({ dimension: 2, delta: 0.5 }) }), "observe.right.law"],
  ])("with %s is a SpecError before the run", (_, right, path) => {
    try {
      checkObservables({ right }, process);
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe(path);
      return;
    }
    throw new Error("went through");
  });
});
