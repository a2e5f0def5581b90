// The modified flow by superposition: one step against the equation written out, its noise, its schemes' orders, its drift of
// order 2, carried points, and wrong use. Its law against SGD's is in linearModel.test.ts and correlatedNoise.test.ts.
//
// Level: the z-tests of the sampled law stand at 5 standard errors, 6e-7 each, forty in all.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { cosine, relu, softplus, tanh } from "../../src/model/activation";
import { dataset, teacher } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";
import { quadratic, separable } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian, particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, outputsOf, ridge, type Unit } from "../../src/model/unit";
import { gradientDescent, gradientFlow, modifiedFlow, type Process, sgd } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { open } from "../../src/study/open";
import { rate } from "../../src/study/rate";
import { plainVelocities } from "./plainNetwork";

const DATA_NOISE = 12;
const Q = 67;
const d = 3;

function problemOf(unit: Unit, loss: Problem["loss"], confinement: Problem["confinement"] = null): Problem {
  const K = outputsOf(unit);
  const g = stream(11).normals(Q * (d + K + 2));
  const x = Array.from({ length: Q }, (_, q) => Array.from({ length: d }, (_, j) => g[q * d + j]!));
  const labels = Array.from({ length: Q }, (_, q) => Array.from({ length: K }, (_, k) => g[Q * d + q * K + k]!));
  const y =
    loss === "squared"
      ? labels
      : loss === "logistic"
        ? labels.map(([t]) => (t! > 0 ? 1 : -1))
        : labels.map((row) => row.indexOf(Math.max(...row)));
  const weights = Array.from({ length: Q }, (_, q) => (q === 5 ? 0 : 1 + g[Q * (d + K) + q]! ** 2));
  const decay = confinement ? Array.from({ length: Q }, (_, q) => 1 + g[Q * (d + K + 1) + q]!) : null;
  const spread = { mean: 0.3, deviation: 1 };
  return parseProblem({
    law: dataset({ x, y, weights, decay }),
    unit,
    loss,
    confinement,
    start: unit.kind === "ridge" ? gaussian({ radius: 1 }) : gaussian({ radius: 1, a: spread, b: spread }),
  });
}

const problems: [string, Problem][] = [
  ["ridge tanh, squared, random decay", problemOf(ridge(tanh()), "squared", quadratic(0.3, { center: 0.1 }))],
  ["affine softplus, logistic", problemOf(affine(softplus()), "logistic")],
  [
    "affine tanh, 3 outputs, bias, cross-entropy, separable confinement",
    problemOf(affine(tanh(), { outputs: 3, outputBias: true }), "crossEntropy", separable(cosine(), { weight: 0.2 })),
  ],
  ["affine tanh, 2 fixed outputs, squared", problemOf(affine(tanh(), { outputs: 2, trainOutput: false }), "squared")],
];

const lengthOf = (problem: Problem) => (problem.unit.kind === "ridge" ? d : outputsOf(problem.unit) + 1 + d);

/** θ, and the output bias after it. */
async function stateAt(process: Process, t: number): Promise<Float64Array> {
  const simulation = await open(process);
  try {
    await simulation.advance(t);
    const measure = simulation.measure();
    if (measure.kind !== "particles") throw new TypeError("particles");
    return Float64Array.from([...measure.values, ...(measure.outputBias ?? [])]);
  } finally {
    simulation.free();
  }
}

const gapOf = (a: Float64Array, b: Float64Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
};

describe("one step on a finite law", () => {
  const N = 9;
  const stepSize = 0.4;
  const batchSize = 3;
  const timeStep = 0.1;

  // round-off of sums over 67 examples
  it.each(problems)("is the equation written out, carried points too: %s", async (_, problem) => {
    const D = lengthOf(problem);
    const carried = stream(4).normals(2 * D);
    const run = await stateAt(
      modifiedFlow(problem, {
        neurons: N,
        stepSize,
        batchSize,
        timeStep,
        noiseStep: 0.05,
        seed: 8,
        replica: 2,
        carried: tensor(carried, [2, D]),
      }),
      timeStep,
    );
    const start = new Float64Array(run.length);
    start.set(startParticles(problem, N, { seed: 8, replica: 2 }));
    start.set(carried, N * D);
    const { velocity, masses, confinement } = plainVelocities(problem, start, N);
    const noise = stream(8, { purpose: DATA_NOISE, replica: 2 });
    const first = noise.normals(Q, { step: 0 });
    const second = noise.normals(Q, { step: 1 });
    const dB = first.map((g, q) => Math.sqrt(0.05) * (g + second[q]!));
    const alpha = stepSize / batchSize;
    const total = dB.reduce((sum, x, q) => sum + Math.sqrt(masses[q]!) * x, 0);
    const decay = problem.law.kind === "dataset" ? problem.law.decay?.data : undefined;
    const expected = start.slice();
    for (let q = 0; q < Q; q++) {
      const m = masses[q]!;
      const weight = m * timeStep + Math.sqrt(alpha) * (Math.sqrt(m) * dB[q]! - m * total);
      for (let i = 0; i < run.length; i++) {
        expected[i]! += weight * (velocity[q]![i]! + (decay?.[q] ?? 1) * confinement[i]!);
      }
    }
    // without decays the confinement has no noise: Σ_q weight_q = h
    expect(gapOf(run, expected)).toBeLessThan(1e-13);
  });

  it("leaves the bits of the neurons alone when points are carried, and moves a point as the neuron that starts there", async () => {
    const problem = problems[1]![1];
    const D = lengthOf(problem);
    const options = { neurons: N, stepSize, method: "heun", order: 2, seed: 3 } as const;
    const plain = await stateAt(modifiedFlow(problem, options), 2);
    const start = startParticles(problem, N, { seed: 3, replica: 0 });
    const carried = tensor(start.slice(4 * D, 5 * D), [1, D]);
    const run = await stateAt(modifiedFlow(problem, { ...options, carried }), 2);
    expect(run.slice(0, N * D)).toEqual(plain);
    expect(run.slice(N * D)).toEqual(plain.slice(4 * D, 5 * D));
  });
});

describe("the drift of order 2", () => {
  // −(ε/2) h Dv̄[v̄], v̄ written out; differences of step 1e-3, extrapolated once, are good to 1e-11
  it.each(problems)("is −(ε/2) Dv̄[v̄]: %s", async (_, problem) => {
    const N = 9;
    const stepSize = 0.2;
    const timeStep = 0.1;
    const options = { neurons: N, stepSize, timeStep, seed: 1 };
    const one = await stateAt(modifiedFlow(problem, { ...options, order: 1 }), timeStep);
    const two = await stateAt(modifiedFlow(problem, { ...options, order: 2 }), timeStep);
    const start = new Float64Array(one.length);
    start.set(startParticles(problem, N, { seed: 1, replica: 0 }));
    const mean = (theta: Float64Array) => {
      const { velocity, masses, confinement } = plainVelocities(problem, theta, N);
      return theta.map((_, i) => velocity.reduce((sum, v, q) => sum + masses[q]! * v[i]!, confinement[i]!));
    };
    const v = mean(start);
    const along = (s: number) => mean(start.map((x, i) => x + s * v[i]!));
    const slope = (s: number) => {
      const [ahead, behind] = [along(s), along(-s)];
      return ahead.map((x, i) => (x - behind[i]!) / (2 * s));
    };
    const [coarse, fine] = [slope(2e-3), slope(1e-3)];
    const derivative = fine.map((x, i) => (4 * x - coarse[i]!) / 3);
    const correction = two.map((x, i) => (x - one[i]!) / ((-stepSize / 2) * timeStep));
    expect(gapOf(correction, derivative)).toBeLessThan(1e-9);
    expect(derivative.some((x) => Math.abs(x) > 0.01)).toBe(true);
  });

  // one atom has no noise, so SGD is gradient descent; Heun's steps of ε/16 are off by less than a hundredth of the gap
  it("takes the flow from O(ε) to O(ε²) of gradient descent", async () => {
    const problem = parseProblem({
      law: dataset({ x: [[1, -0.5]], y: [2] }),
      unit: affine(tanh()),
      start: gaussian({ radius: 1, a: { mean: 1, deviation: 0.5 } }),
    });
    const sizes = [0.2, 0.1, 0.05, 0.025];
    for (const order of [1, 2] as const) {
      const gaps: number[] = [];
      for (const stepSize of sizes) {
        const timeStep = stepSize / 16;
        const flow = await stateAt(
          modifiedFlow(problem, { neurons: 5, stepSize, timeStep, order, method: "heun", seed: 2 }),
          2,
        );
        gaps.push(gapOf(flow, await stateAt(gradientDescent(problem, { neurons: 5, stepSize, seed: 2 }), 2)));
      }
      const last = Math.log2(gaps[2]! / gaps[3]!);
      expect(last).toBeGreaterThan(order - 0.15);
      expect(last).toBeLessThan(order + 0.15);
    }
  });
});

describe("the schemes", () => {
  const problem = problems[0]![1];
  const quiet = { neurons: 9, stepSize: 1e-30, seed: 4 };

  it.each([
    ["eulerMaruyama", 1],
    ["heun", 2],
  ] as const)("%s has order %i where there is no noise", async (method, order) => {
    const exact = await stateAt(gradientFlow(problem, { neurons: 9, seed: 4, tolerance: 1e-12 }), 1);
    const gaps: number[] = [];
    for (const timeStep of [0.1, 0.05, 0.025]) {
      gaps.push(gapOf(await stateAt(modifiedFlow(problem, { ...quiet, timeStep, method }), 1), exact));
    }
    expect(Math.log2(gaps[1]! / gaps[2]!)).toBeGreaterThan(order - 0.1);
    expect(Math.log2(gaps[1]! / gaps[2]!)).toBeLessThan(order + 0.1);
  });

  // root mean square over 64 noises, against steps of 1/1024, which are off by a tenth of the finest gap squared; α = ¼ and stays
  it.each(["eulerMaruyama", "heun"] as const)("%s converges strongly, at order ½ at least", async (method) => {
    const noiseStep = 1 / 1024;
    const steps = [1 / 16, 1 / 32, 1 / 64, 1 / 128];
    const squares = steps.map(() => [] as number[]);
    for (let replica = 0; replica < 64; replica++) {
      const at = (timeStep: number) =>
        stateAt(
          modifiedFlow(problem, { neurons: 3, stepSize: 0.25, timeStep, noiseStep, method, seed: 5, replica }),
          0.5,
        );
      const exact = await at(noiseStep);
      for (const [i, timeStep] of steps.entries()) {
        squares[i]!.push((await at(timeStep)).reduce((sum, x, j) => sum + (x - exact[j]!) ** 2, 0));
      }
    }
    const errors = squares.map((all) => Math.sqrt(all.reduce((sum, x) => sum + x, 0) / all.length));
    const { exponent } = rate(steps, errors);
    expect(exponent).toBeGreaterThan(0.45);
    expect(exponent).toBeLessThan(1.1);
  });
});

describe("a sampled law", () => {
  const problem = parseProblem({
    law: teacher({ dimension: 2, neurons: 3, activation: tanh(), noise: 0.3 }),
    unit: affine(tanh()),
    start: gaussian({ radius: 1, a: { mean: 0.5, deviation: 1 } }),
    confinement: quadratic(0.1),
  });
  const start = startParticles(problem, 4, { seed: 6, replica: 0 });
  // the same start in all replicas, whose noises differ
  const fixed = parseProblem({ ...problem, start: particles(tensor(start, [4, 4])) });

  async function steps(make: (replica: number) => Process, count: number): Promise<Float64Array[]> {
    const all: Float64Array[] = [];
    for (let replica = 0; replica < count; replica++) {
      all.push((await stateAt(make(replica), 0.2)).map((x, i) => x - start[i]!));
    }
    return all;
  }

  // moments of 600 steps of each; a variance of these nearly normal numbers has relative error √(κ/n), κ < 4 measured below 3.5
  it("has SGD's mean and variance over a step of ε", async () => {
    const n = 600;
    const sgdSteps = await steps((replica) => sgd(fixed, { neurons: 4, stepSize: 0.2, batchSize: 2, replica }), n);
    const flowSteps = await steps(
      (replica) => modifiedFlow(fixed, { neurons: 4, stepSize: 0.2, batchSize: 2, points: 900, examples: 3, replica }),
      n,
    );
    for (let j = 0; j < start.length; j++) {
      const of = (all: Float64Array[]) => {
        const mean = all.reduce((sum, x) => sum + x[j]!, 0) / n;
        const variance = all.reduce((sum, x) => sum + (x[j]! - mean) ** 2, 0) / (n - 1);
        const fourth = all.reduce((sum, x) => sum + (x[j]! - mean) ** 4, 0) / n;
        return { mean, variance, error: Math.sqrt((fourth - variance * variance) / n) };
      };
      const [a, b] = [of(sgdSteps), of(flowSteps)];
      expect(Math.abs(a.mean - b.mean)).toBeLessThan(5 * Math.sqrt((a.variance + b.variance) / n));
      expect(Math.abs(a.variance - b.variance)).toBeLessThan(5 * Math.hypot(a.error, b.error));
    }
  });

  it("has no noise where α is 0, whichever examples it draws", async () => {
    const options = { neurons: 4, stepSize: 1e-30, timeStep: 0.1, points: 4096 };
    const flow = await stateAt(modifiedFlow(problem, { ...options, seed: 6 }), 1);
    const gd = await stateAt(gradientDescent(problem, { neurons: 4, stepSize: 0.1, points: 4096, seed: 6 }), 1);
    expect(gapOf(flow, gd)).toBeLessThan(1e-12);
  });
});

describe("wrong use", () => {
  const problem = problems[0]![1];
  const sampled = {
    law: teacher({ dimension: 2, neurons: 1, activation: tanh() }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 1 }),
  };
  const one = { neurons: 2, stepSize: 0.1 };
  it.each([
    [
      "a noise step that is no part of the time step",
      () => modifiedFlow(problem, { ...one, noiseStep: 0.03 }),
      "process.noiseStep",
    ],
    ["a longer noise step", () => modifiedFlow(problem, { ...one, noiseStep: 0.2 }), "process.noiseStep"],
    ["finer noise of a sampled law", () => modifiedFlow(sampled, { ...one, noiseStep: 0.05 }), "process.noiseStep"],
    ["examples of a finite law", () => modifiedFlow(problem, { ...one, examples: 4 }), "process.examples"],
    ["carried points of another length", () => modifiedFlow(problem, { ...one, carried: [[1, 2]] }), "process.carried"],
    ["no carried points", () => modifiedFlow(problem, { ...one, carried: [] }), "process.carried"],
    [
      "carried points that are no numbers",
      () => modifiedFlow(problem, { ...one, carried: [[1, 2, Number.NaN]] }),
      "process.carried",
    ],
    ["order 3", () => modifiedFlow(problem, { ...one, order: 3 as never }), "process.order"],
    [
      "order 2 of an activation with kinks",
      () => modifiedFlow({ ...sampled, unit: ridge(relu()) }, { ...one, order: 2, points: 64 }),
      "process.problem.unit.activation",
    ],
    ["order 2 of an exact population gradient", () => modifiedFlow(sampled, { ...one, order: 2 }), "process.points"],
    [
      "order 2 with a schedule",
      () => modifiedFlow(problem, { ...one, order: 2, schedule: { kind: "power", exponent: 1, offset: 1 } }),
      "process.schedule",
    ],
    ["a time step of 0", () => modifiedFlow(problem, { ...one, timeStep: 0 }), "process.timeStep"],
    ["an infinite step size", () => modifiedFlow(problem, { ...one, stepSize: Infinity }), "process.stepSize"],
  ])("%s is a SpecError with its path", (_, make, path) => {
    let error: unknown;
    try {
      make();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path.startsWith(path)).toBe(true);
  });

  it("a divergence says the time step is too long", async () => {
    const wild = parseProblem({
      ...problem,
      unit: ridge(tanh()),
      confinement: quadratic(100),
      law: { ...problem.law },
    });
    const simulation = await open(modifiedFlow(wild, { neurons: 3, stepSize: 0.01, timeStep: 10 }), {
      backend: (await loadEngine()).backend,
    });
    await expect(simulation.advance(1e4)).rejects.toThrow(/The time step 10 is too large/);
    simulation.free();
  });
});
