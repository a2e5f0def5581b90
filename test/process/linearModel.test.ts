// The linear mean-field model: its moment equations against all outcomes of the noise enumerated, and runs of SGD and of the flows
// against the moment equations (docs/linearModel.md). The runs are few here; test/slow/linearModel.test.ts has a hundred times more.
//
// Level: 5 standard errors, 6e-7 each for means of nearly normal numbers, of which there are about 150.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { identity, tanh } from "../../src/model/activation";
import { dataset, teacher } from "../../src/model/law";
import { quadratic, separable } from "../../src/model/potential";
import { parseProblem } from "../../src/model/problem";
import { densityStart, gaussian, particles, radii } from "../../src/model/start";
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
  type Process,
  sgd,
  smfeGrid,
} from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { linearModelMoments } from "../../src/study/linearModel";
import { open } from "../../src/study/open";
import { enumeratedFlow, enumeratedSgd, models, problemOf } from "./linearModel";
import { fluctuationScoresOf, pairing, runs, scoresOf, stateAt } from "./linearModelRuns";

const names = Object.keys(models);

// sums of a few thousand terms of order 1
const ROUND_OFF = 1e-12;

function expectMoments(found: ReturnType<typeof linearModelMoments>, i: number, expected: number[]) {
  const all = [found.mean, found.meanVariance, found.variance, found.covariance].map((values) => values[i]!);
  if (Number.isNaN(all[3])) all.pop();
  all.forEach((value, k) => void expect(Math.abs(value - expected[k]!)).toBeLessThan(ROUND_OFF));
}

describe("the moment equations", () => {
  it.each(names)("of SGD are those of all sequences of draws: %s", (name) => {
    const model = models[name]!;
    const problem = problemOf(model);
    for (const [neurons, batchSize, steps] of [
      [2, 1, 5],
      [5, 2, 3],
      [1, 1, 4],
    ] as const) {
      const stepSize = 0.4;
      const process = sgd(problem, { neurons, stepSize, batchSize });
      const times = Array.from({ length: steps + 1 }, (_, k) => k * stepSize);
      const found = linearModelMoments(process, times);
      for (let k = 0; k <= steps; k++) {
        expectMoments(found, k, enumeratedSgd(model, { neurons, stepSize, batchSize, steps: k }));
      }
    }
  });

  // increments of order 1 and 2 alone count, so three nodes of Gauss–Hermite's rule for each Brownian increment are exact
  it.each(names)("of the flows' schemes are those of all increments: %s", (name) => {
    const model = models[name]!;
    const problem = problemOf(model);
    const steps = model.x.length === 2 ? 3 : 2;
    for (const order of [1, 2] as const) {
      for (const method of ["eulerMaruyama", "heun"] as const) {
        const options = { neurons: 3, stepSize: 0.5, batchSize: 2, timeStep: 0.3 };
        const found = linearModelMoments(
          modifiedFlow(problem, { ...options, order, method }),
          Array.from({ length: steps + 1 }, (_, k) => 0.3 * k),
        );
        for (let k = 0; k <= steps; k++) {
          expectMoments(found, k, enumeratedFlow(model, { ...options, order, method, steps: k }));
        }
      }
    }
  });

  it.each(names)("of the equation in time are the limit of small steps: %s", (name) => {
    const problem = problemOf(models[name]!);
    const time = 1.5;
    for (const order of [1, 2] as const) {
      const at = (timeStep: number) =>
        linearModelMoments(modifiedFlow(problem, { neurons: 4, stepSize: 0.3, timeStep, order, method: "heun" }), [
          time,
        ]);
      const exact = linearModelMoments(
        modifiedFlow(problem, { neurons: 4, stepSize: 0.3, timeStep: time, order }),
        [time],
        { continuous: true },
      );
      // Richardson's extrapolation of steps 1/2000 and 1/1000, off by their cubes
      const [coarse, fine] = [at(time / 1000), at(time / 2000)];
      for (const key of ["mean", "meanVariance", "variance", "covariance"] as const) {
        const first = 2 * fine[key][0]! - coarse[key][0]!;
        expect(Math.abs(first - exact[key][0]!)).toBeLessThan(2e-6);
      }
    }
  });

  // docs/superposition.md: O(h) for Euler–Maruyama, O(h² + α² h) for Heun; local exponents of the variance at steps of 1/256 and
  // 1/512, where the next power of h changes them by a few hundredths
  it.each([
    ["Euler–Maruyama at fixed α", "eulerMaruyama", () => 0.3, 1],
    ["Heun at fixed α", "heun", () => 0.3, 1],
    ["Euler–Maruyama at α = h", "eulerMaruyama", (h: number) => h, 1],
    ["Heun at α = h", "heun", (h: number) => h, 2],
  ] as const)("say that the schemes have the weak orders they state: %s", (_, method, level, order) => {
    const problem = problemOf(models[names[0]!]!);
    const errors = [1 / 256, 1 / 512].map((timeStep) => {
      const flow = modifiedFlow(problem, { neurons: 4, stepSize: level(timeStep), timeStep, method });
      const [steps, limit] = [linearModelMoments(flow, [1]), linearModelMoments(flow, [1], { continuous: true })];
      return Math.abs(steps.variance[0]! - limit.variance[0]!);
    });
    expect(Math.abs(Math.log2(errors[0]! / errors[1]!) - order)).toBeLessThan(0.1);
  });

  it("say by which order in ε the flows are off SGD: none in their own steps of ε, one and two in continuous time", () => {
    const problem = problemOf(models[names[1]!]!);
    const options = { neurons: 10, batchSize: 2 };
    for (const order of [1, 2] as const) {
      const gaps = [0.002, 0.001].map((stepSize) => {
        const steps = linearModelMoments(sgd(problem, { ...options, stepSize }), [1]);
        const flow = modifiedFlow(problem, { ...options, stepSize, order });
        const limit = linearModelMoments(flow, [1], { continuous: true });
        if (order === 1) expect({ ...linearModelMoments(flow, [1]) }).toEqual({ ...steps });
        return (["mean", "meanVariance", "variance"] as const).map((key) => limit[key][0]! - steps[key][0]!);
      });
      for (let k = 0; k < 3; k++) {
        // the last halving, of an error ε^order (1 + O(ε))
        const seen = Math.log2(gaps[0]![k]! / gaps[1]![k]!);
        expect(Math.abs(seen - order)).toBeLessThan(0.05);
      }
    }
  });

  it("of the fluctuation are the limit of many particles, off by one order in 1/n + α", () => {
    const problem = problemOf(models[names[1]!]!);
    const gaps = [100, 200, 400].map((neurons) => {
      const options = { neurons, stepSize: 1 / neurons };
      const flow = linearModelMoments(modifiedFlow(problem, options), [1], { continuous: true });
      const limit = linearModelMoments(fluctuations(problem, options), [1], { continuous: true });
      expect(Math.abs(limit.mean[0]! - flow.mean[0]!)).toBeLessThan(ROUND_OFF);
      return [
        neurons * (flow.meanVariance[0]! - limit.meanVariance[0]!),
        neurons * (flow.covariance[0]! - limit.covariance[0]!),
      ];
    });
    for (const k of [0, 1]) {
      expect(gaps[1]![k]! / gaps[2]![k]!).toBeGreaterThan(1.95);
      expect(gaps[1]![k]! / gaps[2]![k]!).toBeLessThan(2.05);
    }
  });

  it("take a schedule, a temperature, and a start that is a density", () => {
    const problem = problemOf(models[names[0]!]!);
    const schedule = { kind: "piecewise" as const, times: [0.2], factors: [0.5] };
    const scheduled = linearModelMoments(sgd(problem, { neurons: 3, stepSize: 0.1, schedule }), [0.4]);
    const halved = parseProblem({ ...problem, start: gaussian({ w: { mean: 0.2, deviation: 0 } }) });
    // two steps of 0.1 and then two of 0.05, the mean of which are those of two runs joined
    const first = linearModelMoments(sgd(problem, { neurons: 3, stepSize: 0.1 }), [0.2]).mean[0]!;
    const rest = parseProblem({ ...halved, start: gaussian({ w: { mean: first, deviation: 0 } }) });
    const second = linearModelMoments(sgd(rest, { neurons: 3, stepSize: 0.05 }), [0.1]).mean[0]!;
    expect(scheduled.mean[0]).toBeCloseTo(second, 14);

    // no examples' noise: N independent Ornstein–Uhlenbeck processes about a common mean
    const one = parseProblem({
      law: dataset({ x: [[0.5]], y: [1] }),
      unit: ridge(identity()),
      start: gaussian({ w: 0 }),
      confinement: quadratic(1),
    });
    const noisy = linearModelMoments(langevin(one, { neurons: 4, stepSize: 0.1, temperature: 0.3 }), [0.1]);
    expect(noisy.variance[0]).toBeCloseTo(0.06, 15);
    expect(noisy.covariance[0]).toBeCloseTo(0, 15);
    expect(noisy.meanVariance[0]).toBeCloseTo(0.015, 15);

    const flat = parseProblem({ ...one, start: densityStart({ edges: [[-1, 0, 2]], masses: [1, 3] }) });
    const start = linearModelMoments(gradientFlow(flat, { neurons: 4 }), [0]);
    // ∫x, ∫x² of a density ¼ on [−1, 0] and ⅜ on [0, 2]: 5/8 and 13/12
    expect(start.mean[0]).toBeCloseTo(5 / 8, 15);
    expect(start.variance[0]).toBeCloseTo(13 / 12 - 25 / 64, 14);
  });
});

describe("runs without noise", () => {
  const [one] = Object.values(models);
  const quiet = parseProblem({ ...problemOf({ ...one!, start: { mean: 0.4, deviation: 0 } }) });
  // round-off of ten steps
  it("of gradient descent, its flow, and SGD on one example go where E X goes", async () => {
    for (const process of [
      gradientDescent(quiet, { neurons: 3, stepSize: 0.1 }),
      gradientFlow(quiet, { neurons: 3, tolerance: 1e-12 }),
    ]) {
      const { mean, variance } = linearModelMoments(process, [1]);
      const [state] = await stateAt(process, [1]);
      for (const x of state!) expect(Math.abs(x - mean[0]!)).toBeLessThan(1e-10);
      expect(variance[0]).toBe(0);
    }
    const single = parseProblem({ ...quiet, law: dataset({ x: [[0.7]], y: [2] }), confinement: quadratic(0.5) });
    for (const process of [
      sgd(single, { neurons: 3, stepSize: 0.1, batchSize: 2 }),
      modifiedFlow(single, { neurons: 3, stepSize: 0.1, order: 2, method: "heun" }),
      correlatedNoise(single, { neurons: 3, stepSize: 0.1 }),
    ]) {
      const [state] = await stateAt(process, [1]);
      const { mean } = linearModelMoments(process, [1]);
      for (const x of state!) expect(Math.abs(x - mean[0]!)).toBeLessThan(1e-13);
    }
  });

  // D_i ← (1 − ελ̄) D_i, and λ̄ here is 0.8
  it("keep the particles' places about their mean but for the decay", async () => {
    const problem = parseProblem({ ...problemOf(models[names[1]!]!), confinement: quadratic(0.8) });
    const [begin, end] = await stateAt(gradientDescent(problem, { neurons: 5, stepSize: 0.1, seed: 3 }), [0, 1]);
    const about = (state: Float64Array) => {
      const mean = state.reduce((sum, x) => sum + x, 0) / 5;
      return state.map((x) => x - mean);
    };
    const factor = 0.92 ** 10;
    about(begin!).forEach((x, i) => void expect(about(end!)[i]! / x).toBeCloseTo(factor, 12));
  });
});

describe("the noise of a run, step by step", () => {
  const model = models[names[1]!]!;
  const problem = problemOf(model);
  const { x, y, masses, decays, lambda, center } = model;
  const decay = decays!.map((share) => lambda * share);
  const push = x.map((value, q) => value * y[q]! + decay[q]! * center);
  const pull = x.map((value, q) => value * value + decay[q]!);
  const mean = (values: number[]) => values.reduce((sum, value, q) => sum + masses[q]! * value, 0);
  const steps = 6;
  const timeStep = 0.2;
  const times = Array.from({ length: steps + 1 }, (_, k) => k * timeStep);
  // ΔB_q/√m_q − Σ √m_p ΔB_p of step k
  const noiseOf = (k: number, seed: number) => {
    const dB = stream(seed, { purpose: 12 })
      .normals(2, { step: k })
      .map((g) => Math.sqrt(timeStep) * g);
    const total = dB.reduce((sum, b, q) => sum + Math.sqrt(masses[q]!) * b, 0);
    return Array.from(dB, (b, q) => b / Math.sqrt(masses[q]!) - total);
  };

  // round-off of sums over 40 particles
  it("moves the mean of the modified flow by the model's own equation", async () => {
    const process = modifiedFlow(problem, { neurons: 40, stepSize: 0.3, timeStep, seed: 5 });
    const states = await stateAt(process, times);
    const means = states.map((state) => state.reduce((sum, one) => sum + one, 0) / 40);
    for (let k = 0; k < steps; k++) {
      const noise = noiseOf(k, 5);
      const kicks = push.map((p, q) => (p - pull[q]! * means[k]!) * (timeStep + Math.sqrt(0.3) * noise[q]!));
      expect(Math.abs(means[k + 1]! - means[k]! - mean(kicks))).toBeLessThan(1e-13);
    }
  });

  it("moves ⟨η, x⟩ and the displacements of the fluctuation by theirs", async () => {
    const n = 30;
    const process = fluctuations(problem, { neurons: n, stepSize: 0.3, timeStep, particles: 40, seed: 5 });
    const simulation = await open(process);
    const seen = [];
    for (const time of times) {
      await simulation.advance(time);
      const eta = simulation.measure();
      if (eta.kind !== "fluctuation") throw new TypeError("fluctuation");
      seen.push({ eta, Z: pairing(eta) });
    }
    simulation.free();
    const { mean: M, variance: S } = linearModelMoments(process, times);
    const level = Math.sqrt(n * 0.3);
    for (let k = 0; k < steps; k++) {
      const noise = noiseOf(k, 5);
      const [now, next] = [seen[k]!, seen[k + 1]!];
      const { base } = now.eta;
      const at = base.values.reduce((sum, one, i) => sum + base.weights![i]! * one, 0);
      // Sobol or Gauss points of the start have its mean exactly
      expect(Math.abs(at - M[k]!)).toBeLessThan(1e-12);
      const kicks = push.map((p, q) => -timeStep * pull[q]! * now.Z + level * noise[q]! * (p - pull[q]! * at));
      expect(Math.abs(next.Z - now.Z - mean(kicks))).toBeLessThan(1e-12);
      next.eta.displacements.forEach((b, i) => {
        const [before, place] = [now.eta.displacements[i]!, base.values[i]!];
        const moves = x.map(
          (value, q) =>
            timeStep * (-decay[q]! * before - value * value * now.Z) +
            level * noise[q]! * (push[q]! - value * value * at - decay[q]! * place),
        );
        expect(Math.abs(b - before - mean(moves))).toBeLessThan(1e-12);
      });
    }
    expect(S[0]).toBeGreaterThan(0.9);
  });
});

describe("the fluctuation has the variance of the equations, at 5 standard errors", () => {
  it.each(names)("%s", async (name) => {
    const scores = await fluctuationScoresOf(problemOf(models[name]!), [0, 0.5, 1.5], 200);
    for (const score of scores) expect(Math.abs(score)).toBeLessThan(5);
  });
});

describe("runs with noise have the moments of the equations, at 5 standard errors", () => {
  const REPLICAS = 400;
  const times = [0.5, 1.5];
  it.each(names.flatMap((name) => runs.map(([run, make]) => [name, run, make] as const)))(
    "%s: %s",
    async (name, _, make) => {
      const problem = problemOf(models[name]!);
      const scores = await scoresOf((replica) => make(problem, replica), times, REPLICAS);
      for (const score of scores) expect(Math.abs(score)).toBeLessThan(5);
    },
  );
});

describe("wrong use", () => {
  const problem = problemOf(models[names[1]!]!);
  const one = { neurons: 2, stepSize: 0.1 };
  const wide = { law: dataset({ x: [[1, 2]], y: [1] }), unit: ridge(identity()), start: gaussian({ radius: 1 }) };
  const cases: [string, () => unknown, string][] = [
    ["another unit", () => sgd({ ...problem, unit: ridge(tanh()) }, one), "process.problem.unit"],
    ["output weights", () => sgd({ ...problem, unit: affine(identity()) }, one), "process.problem.unit"],
    ["two inputs", () => sgd(wide, one), "process.problem.law.x"],
    [
      "a sampled law",
      () => sgd({ ...wide, law: teacher({ dimension: 1, neurons: 1, activation: tanh() }) }, one),
      "process.problem.law.kind",
    ],
    [
      "another loss",
      () => sgd({ ...wide, law: dataset({ x: [[1]], y: [1] }), loss: "logistic" }, one),
      "process.problem.loss",
    ],
    [
      "another confinement",
      () => sgd({ ...problem, confinement: separable(tanh()) }, one),
      "process.problem.confinement.kind",
    ],
    ["given particles", () => sgd({ ...problem, start: particles([[1], [2]]) }, one), "process.problem.start.kind"],
    ["radii", () => sgd({ ...problem, start: radii({ r1: 1 }) }, one), "process.problem.start.kind"],
    [
      "epochs",
      () => sgd({ ...problem, law: dataset({ x: [[1]], y: [1] }), confinement: null }, { ...one, replacement: false }),
      "process.replacement",
    ],
    ["momentum", () => gradientDescent(problem, { ...one, momentum: 0.5 }), "process.momentum"],
    ["Adam", () => adam(problem, one), "process.kind"],
    ["a density", () => fokkerPlanck(problem, { temperature: 1 }), "process.kind"],
    [
      "a flow with a schedule",
      () => gradientFlow(problem, { neurons: 2, schedule: { kind: "power", exponent: 1, offset: 1 } }),
      "process.kind",
    ],
  ];
  it.each(cases)("%s is a SpecError with its path", (_, make, path) => {
    const error = caught(() => linearModelMoments(make() as Process, [1]));
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  it.each([
    ["SGD in continuous time", [1], { continuous: true }, "options.continuous"],
    ["descending times", [1, 0.5], {}, "times[1]"],
    ["a time of NaN", [Number.NaN], {}, "times[0]"],
    ["no times", [], {}, "times"],
  ])("%s is a SpecError with its path", (_, times, options, path) => {
    const error = caught(() => linearModelMoments(sgd(problem, one), times, options));
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  it("a law on a grid is one of infinitely many particles, which its moments follow", async () => {
    const process = smfeGrid(problem, { stepSize: 0.1, cells: 400, gradientNoise: false });
    const { mean, variance, meanVariance } = linearModelMoments(process, [1]);
    const simulation = await open(process);
    await simulation.advance(1);
    const measure = simulation.measure();
    simulation.free();
    if (measure.kind !== "grid") throw new TypeError("grid");
    const { masses, edges } = measure;
    const middle = (i: number) => (edges[0]![i]! + edges[0]![i + 1]!) / 2;
    const first = masses.reduce((sum, mass, i) => sum + mass * middle(i), 0);
    const second = masses.reduce((sum, mass, i) => sum + mass * (middle(i) - first) ** 2, 0);
    expect(meanVariance[0]).toBe(0);
    // cells of a fortieth of the deviation
    expect(first).toBeCloseTo(mean[0]!, 3);
    expect(second).toBeCloseTo(variance[0]!, 2);
  });
});

function caught(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return null;
}
