// The run file.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { specHash } from "../../src/io/canonical";
import { parseRunSpec, runSpecToJson } from "../../src/io/spec";
import { erf, tabulate, tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { localPotential, quadratic, separable } from "../../src/model/potential";
import { potentialProblem } from "../../src/model/problem";
import { densityStart, gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import {
  adam,
  correlatedNoise,
  fluctuations,
  fokkerPlanck,
  gradientDescent,
  gradientFlow,
  langevin,
  modifiedFlow,
  nonlinear,
  type Process,
  parseProcess,
  radialFlow,
  sgd,
  smfeGrid,
} from "../../src/process/schema";
import { moments, type Observables, quantiles, risk } from "../../src/study/observables";

const problem = {
  law: anisotropicGaussians({ dimension: 4, signal: 4, delta: 0.5 }),
  unit: ridge(erf()),
  start: gaussian({ radius: 1 }),
};
const process = sgd(problem, { neurons: 6, stepSize: 0.01 });
const file = (fields: object) => JSON.parse(JSON.stringify({ version: 1, process, times: [0, 1], ...fields }));

function pathOf(json: unknown): string {
  try {
    parseRunSpec(json);
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).path;
  }
  throw new Error("The file was accepted.");
}

describe("a run file", () => {
  it("fills in what is left out", () => {
    expect(parseRunSpec(file({}))).toEqual({
      version: 1,
      process,
      times: [0, 1],
      observe: { risk: risk() },
      replicas: 1,
      compareWith: null,
    });
  });

  it("takes times spaced evenly on a logarithmic axis", () => {
    const { times } = parseRunSpec(file({ times: { kind: "logSpaced", from: 0.01, to: 1, count: 3 } }));
    expect(times[0]).toBe(0.01);
    // exp and log are exact to 1 ulp, so that the middle is off by a few
    expect(times[1]).toBeCloseTo(0.1, 14);
    expect(times[2]).toBe(1);
  });

  it("comes back from its own text", () => {
    const text = runSpecToJson({
      process,
      times: Float64Array.of(0, 0.5),
      observe: { r: quantiles("r1", [0.5]) },
      replicas: 3,
      compareWith: radialFlow(problem),
    });
    expect(runSpecToJson(parseRunSpec(JSON.parse(text)))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({ version: 1, replicas: 3, times: [0, 0.5] });
  });

  it("carries arrays as text, which come back", () => {
    const law = dataset({
      x: [
        [1, 2],
        [3, 4],
      ],
      y: [1, -1],
    });
    const text = runSpecToJson({ process: sgd({ ...problem, law }, { neurons: 2, stepSize: 0.1 }), times: [1] });
    const again = parseRunSpec(JSON.parse(text)).process.problem.law;
    expect(again.kind === "dataset" && Array.from(again.x.data)).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, object]>([
    ["version", { version: 3 }],
    ["process", { process: null }],
    [
      "process.problem.law.delta",
      { process: { ...process, problem: { ...problem, law: { ...problem.law, delta: -1 } } } },
    ],
    ["times[1]", { times: [1, 1] }],
    ["times", { times: { from: 1 } }],
    ["times.to", { times: { kind: "logSpaced", from: 1, to: 0.5, count: 3 } }],
    ["observe.r.levels[0]", { observe: { r: { kind: "quantiles", coordinate: "r1", levels: [2] } } }],
    ["replicas", { replicas: 0 }],
    ["replicas", { process: radialFlow(problem), replicas: 2 }],
    ["compareWith.neurons", { compareWith: { ...process, neurons: 0 } }],
    ["replica", { replica: 2 }],
  ])("with a wrong %s names it", (path, fields) => {
    expect(pathOf(file(fields))).toBe(path);
  });

  it("takes replicas of every process that has them", () => {
    const flow = gradientFlow({ ...problem, law: dataset({ x: [[1, 2]], y: [1] }) }, { neurons: 2, gradient: "full" });
    expect(parseRunSpec(file({ process: flow, replicas: 3 })).replicas).toBe(3);
  });

  it("cannot hold a function, and says which", () => {
    expect(() => runSpecToJson({ process, times: [1], observe: { mine: () => 1 } })).toThrow(/observe\.mine/);
    const confinement = localPotential(
      () => 0,
      (theta) => theta,
    );
    const local = gradientFlow({ ...problem, confinement }, { neurons: 2 });
    expect(() => runSpecToJson({ process: local, times: [1] })).toThrow(/process\.problem\.confinement.*tabulate/);
    expect(() => runSpecToJson({ process, times: [1], compareWith: local })).toThrow(
      /compareWith\.problem\.confinement.*tabulate/,
    );
  });

  const finite = dataset({ x: [[1], [-1]], y: [1, -1] });
  const line = { ...problem, law: finite };
  const classes = {
    law: dataset({
      x: [[1], [0]],
      y: [
        [0.3, 0.7],
        [1, 0],
      ],
      weights: [1, 2],
    }),
    unit: affine(tanh(), { outputs: 2, outputBias: true, trainOutput: false }),
    start: gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 }, b: 0.5 }),
    loss: "crossEntropy" as const,
    confinement: separable(
      tabulate((t) => (t * t - 1) ** 2, { from: -3, to: 3, points: 9 }),
      { weight: 0.1 },
    ),
  };
  const density = densityStart({ edges: [[-2, 0, 1]], masses: [1, 3] });
  const options = { neurons: 5, stepSize: 0.1 };

  it.each<[string, Process]>([
    ["sgd", sgd(classes, { ...options, temperature: 0.1, batchSize: 3, precision: "f32", seed: 7, replica: 2 })],
    [
      "gradientDescent",
      gradientDescent({ ...line, loss: "logistic", confinement: quadratic(1, { center: 2 }) }, options),
    ],
    ["gradientDescent of a law", gradientDescent(problem, { ...options, points: 99 })],
    [
      "langevin",
      langevin({ ...line, start: density }, { ...options, temperature: 0, gradient: "batch", batchSize: 2 }),
    ],
    [
      "langevin in a potential",
      langevin(potentialProblem(quadratic(1), { dimension: 1, start: density }), { ...options, temperature: 1 }),
    ],
    ["gradientFlow", gradientFlow(classes, { neurons: 2, method: "rungeKutta", timeStep: 0.1 })],
    [
      "gradientFlow, adaptive",
      gradientFlow(problem, {
        neurons: 2,
        tolerance: 1e-5,
        seed: 3,
        schedule: { kind: "power", exponent: 1, offset: 2 },
      }),
    ],
    [
      "gradientFlow of a modified loss",
      gradientFlow(
        { ...line, unit: affine(tanh()) },
        { neurons: 2, correction: { stepSize: 0.1, sampling: "withoutReplacement" } },
      ),
    ],
    ["nonlinear", nonlinear(classes, { neurons: 2, limit: gradientFlow(classes, { neurons: 9, seed: 1 }) })],
    [
      "nonlinear in the radial flow",
      nonlinear(problem, { neurons: 2, limit: radialFlow(problem, { method: "grid", cells: 32 }) }),
    ],
    [
      "fokkerPlanck",
      fokkerPlanck(
        { ...line, start: density, loss: "logistic" },
        { temperature: 0.1, box: [-3, 3], cells: 50, timeStep: 0.01 },
      ),
    ],
    [
      "smfeGrid",
      smfeGrid(
        { ...line, start: density },
        {
          stepSize: 0.1,
          batchSize: 3,
          timeStep: 0.02,
          noiseStep: 0.01,
          gradientNoise: false,
          box: [-3, 3],
          cells: 50,
          seed: 4,
        },
      ),
    ],
    [
      "modifiedFlow, with carried points",
      modifiedFlow(
        {
          ...line,
          law: dataset({ x: [[1], [2]], y: [1, -1], decay: [1, 3] }),
          start: density,
          confinement: quadratic(1),
        },
        { ...options, batchSize: 3, timeStep: 0.1, noiseStep: 0.05, method: "heun", carried: [[0.5], [2]] },
      ),
    ],
    ["fluctuations", fluctuations(classes, { ...options, particles: 9, initialNoise: "sample", gradientNoise: false })],
    ["adam", adam(classes, { ...options, beta1: 0.5, stabiliser: 1e-3, gradient: "batch", batchSize: 2 })],
    ["sgd with momentum", sgd(classes, { ...options, momentum: 0.5 })],
    [
      "correlatedNoise",
      correlatedNoise(classes, { ...options, batchSize: 2, timeStep: 0.05, factorisation: "eigen", seed: 5 }),
    ],
    [
      "fokkerPlanck in two",
      fokkerPlanck(potentialProblem(quadratic(1), { dimension: 2, start: gaussian({ radius: 1 }) }), {
        temperature: 1,
        box: [
          [-3, 3],
          [-4, 4],
        ],
      }),
    ],
  ])("holds %s: it comes back as it was, from its text too", (_, one) => {
    // a fluctuation has no risk
    const first: Observables = one.kind === "fluctuations" ? {} : { risk: risk() };
    const text = runSpecToJson({ process: one, times: [0, 1], observe: { ...first, right: moments("w0") } });
    const again = parseRunSpec(JSON.parse(text));
    expect(again.process).toEqual(one);
    expect(specHash(again.process)).toBe(specHash(one));
    expect(runSpecToJson(again)).toBe(text);
    expect(parseProcess(JSON.parse(JSON.stringify(one)))).toEqual(one);
    expect(parseProcess(structuredClone(one))).toEqual(one);
  });

  it("is an object", () => {
    expect(pathOf([1])).toBe("spec");
  });
});
