// Fluctuations by tangent particles: what they are the derivative of, what they are the limit of, and what a process owes.
// That SGD fluctuates so is the business of test/slow/fluctuations.test.ts.

import { describe, expect, test } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { CheckpointError, DivergenceError, SpecError } from "../../src/engine/errors";
import type { Fluctuation, Measure } from "../../src/measure/measure";
import { predictionsOf } from "../../src/measure/predictions";
import { cosine, square, tanh } from "../../src/model/activation";
import { dataset, teacher } from "../../src/model/law";
import { quadratic, separable } from "../../src/model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../../src/model/problem";
import { gaussian, particles } from "../../src/model/start";
import { type Tensor, tensor } from "../../src/model/tensor";
import { affine, outputsOf, parameterDimension, ridge, type Unit } from "../../src/model/unit";
import { massesOf } from "../../src/process/dataNoise";
import { finiteProblem } from "../../src/process/meanField";
import { type FluctuationsProcess, fluctuations, modifiedFlow } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { predictions } from "../../src/study/observables";
import { open } from "../../src/study/open";
import { solve } from "../../src/study/solve";
import { plainVelocities } from "./plainNetwork";
import { type Line, noiseOf, tangentParticles } from "./superposition";

const normals = (index: number, n: number) => stream(17).normals(n, { step: index });

/** A fluctuation at a time. */
async function etaAt(process: FluctuationsProcess, t: number): Promise<Fluctuation> {
  const simulation = await open(process);
  await simulation.advance(t);
  const measure = simulation.measure() as Fluctuation;
  simulation.free();
  return measure;
}

describe("of one parameter", () => {
  const line: Line = {
    x: [1, -0.5, 2],
    y: [0.6, -0.2, 0.9],
    masses: [0.25, 0.5, 0.25],
    decays: [0.4, 1, 1.6],
    lambda: 0.4,
    loss: "squared",
  };
  test.each([
    ["squared", line],
    ["logistic", { ...line, y: [1, -1, 1], loss: "logistic" as const }],
  ])("they are the tangent particles written out, to round-off: loss %s", async (_, setting) => {
    const { x, y, masses, decays, loss, lambda } = setting;
    const problem = {
      law: dataset({ x: x.map((input) => [input]), y, weights: masses, decay: decays }),
      unit: ridge(tanh()),
      loss,
      start: gaussian({ w: { mean: 0.3, deviation: 0.6 } }),
      confinement: quadratic(lambda),
    };
    const process = fluctuations(problem, { neurons: 100, stepSize: 0.05, batchSize: 2, seed: 4, particles: 60 });
    const { base, weights } = await etaAt(process, 0);
    const expected = tangentParticles(
      setting,
      { theta: base.values, masses: base.weights!, weights },
      { dt: 0.05, steps: 40, level: Math.sqrt((100 * 0.05) / 2), noise: noiseOf(setting, 0.05, 4) },
    );
    const eta = await etaAt(process, 2);
    expect(eta.weights).toEqual(weights);
    // 40 steps of some 1e-16 each; of numbers of size 1
    expected.theta.forEach((theta, i) => void expect(Math.abs(eta.base.values[i]! - theta)).toBeLessThan(1e-13));
    expected.displacements.forEach((b, i) => void expect(Math.abs(eta.displacements[i]! - b)).toBeLessThan(1e-13));
  });
});

interface Case {
  unit: Unit;
  d: number;
  loss: Problem["loss"];
  confinement: ProblemInput["confinement"];
}

// Nothing of the library but the streams and the plain network: perturb masses by ±s ω and the noise by ±s, and take the difference.
describe("η is the derivative of the nonlinear flow along its start and its noise", () => {
  const [M, Q] = [6, 4];
  test.each<[string, Case]>([
    ["ridge units", { unit: ridge(cosine()), d: 2, loss: "squared", confinement: null }],
    [
      "affine units",
      { unit: affine(tanh(), { outputBias: true }), d: 2, loss: "squared", confinement: quadratic(0.3) },
    ],
    [
      "fixed outputs",
      {
        unit: affine(tanh(), { trainOutput: false }),
        d: 1,
        loss: "logistic",
        confinement: quadratic(0.2, { center: 1 }),
      },
    ],
    [
      "three classes",
      {
        unit: affine(tanh(), { outputs: 3, outputBias: true }),
        d: 2,
        loss: "crossEntropy",
        confinement: separable(cosine(), { weight: 0.3 }),
      },
    ],
  ])("%s", async (_, { unit, d, loss, confinement }) => {
    const D = parameterDimension(unit, d);
    const K = outputsOf(unit);
    const labels = { squared: [0.3, -1, 2, 0.5], logistic: [1, -1, -1, 1], crossEntropy: [2, 0, 1, 2] };
    const input: ProblemInput = {
      law: dataset({
        x: tensor(normals(0, Q * d), [Q, d]),
        y: labels[loss],
        weights: [0.1, 0.4, 0.3, 0.2],
        ...(confinement && { decay: [0.2, 1, 0.5, 2.5] }),
      }),
      unit,
      loss,
      start: particles(
        tensor(
          normals(1, M * D).map((g) => 0.8 * g),
          [M, D],
        ),
      ),
      confinement: confinement ?? null,
    };
    const problem = parseProblem(input);
    const law = problem.law as Extract<Problem["law"], { kind: "dataset" }>;
    const [stepSize, batchSize, neurons, steps, seed] = [0.1, 2, 30, 8, 5];
    const eta = await etaAt(
      fluctuations(input, { neurons, stepSize, batchSize, initialNoise: "gaussian", seed }),
      steps * stepSize,
    );

    const masses = massesOf(law);
    const decays = law.decay?.data ?? new Float64Array(Q).fill(1);
    const level = Math.sqrt((neurons * stepSize) / batchSize);
    const hasBias = unit.kind === "affine" && unit.outputBias;
    const flow = (s: number): Float64Array => {
      const theta = new Float64Array(M * D + (hasBias ? K : 0));
      theta.set((problem.start as { theta: { data: Float64Array } }).theta.data);
      const w = Float64Array.from(eta.weights, (omega) => 1 / M + s * omega);
      for (let k = 0; k < steps; k++) {
        const dB = stream(seed, { purpose: 12 })
          .normals(Q, { step: k })
          .map((g) => Math.sqrt(stepSize) * g);
        const mean = dB.reduce((sum, b, q) => sum + Math.sqrt(masses[q]!) * b, 0);
        const { velocity, confinement: pull } = plainVelocities(problem, theta, w);
        const factor = dB.map((b, q) => stepSize + s * level * (b / Math.sqrt(masses[q]!) - mean));
        for (let i = 0; i < theta.length; i++) {
          for (let q = 0; q < Q; q++) {
            theta[i]! += masses[q]! * factor[q]! * (velocity[q]![i]! + decays[q]! * pull[i]!);
          }
        }
      }
      return theta;
    };
    const central = (s: number) => {
      const [right, left] = [flow(s), flow(-s)];
      return right.map((x, i) => (x - left[i]!) / (2 * s));
    };
    // extrapolated once: the rest is 1e-9 of a size of 1 to 10
    const [fine, coarse] = [central(5e-4), central(1e-3)];
    fine.forEach((x, i) => {
      const expected = (4 * x - coarse[i]!) / 3;
      const found = i < M * D ? eta.displacements[i]! : eta.outputBias![i - M * D]!;
      expect(Math.abs(found - expected)).toBeLessThan(1e-7);
    });
  });
});

describe("η_0", () => {
  const law = dataset({
    x: [
      [1, 0.5],
      [-0.3, 1],
      [0.4, -1],
    ],
    y: [1, 0, -1],
  });
  const problem = { law, unit: affine(tanh()), start: gaussian({ radius: 1, a: { mean: 0.5, deviation: 1 } }) };
  const x = tensor([
    [1, 1],
    [-0.5, 0.2],
  ]) as Tensor<"f64">;

  test("of the neurons that SGD starts from is √n (f_n − f), to round-off", async () => {
    const options = { stepSize: 0.1, seed: 8, replica: 3 };
    const n = 50;
    const eta = fluctuations(problem, { ...options, neurons: n, initialNoise: "sample", particles: 300 });
    const { base } = await etaAt(eta, 0);
    expect(base.shape).toEqual([350, 4]);
    const engine = await loadEngine();
    const f = async (measure: Measure) => predictionsOf(measure, parseProblem(problem), engine, x).values;
    const run = await solve(modifiedFlow(problem, { ...options, neurons: n }), {
      times: [0],
      observe: { f: predictions(x) },
    });
    const mean = await f(base);
    (await f(await etaAt(eta, 0))).forEach((value, i) => {
      const expected = Math.sqrt(n) * (run.observables["f"]!.values[i]! - mean[i]!);
      expect(Math.abs(value - expected)).toBeLessThan(1e-13);
    });
  });

  test("has weights of sum 0; is left out where it is asked to be, and where particles are given", async () => {
    const all = await etaAt(fluctuations(problem, { neurons: 9, stepSize: 0.1 }), 0);
    expect(Math.abs(all.weights.reduce((a, b) => a + b, 0))).toBeLessThan(1e-13);
    expect(all.weights.some((w) => w !== 0)).toBe(true);
    const given = { ...problem, start: particles(tensor(normals(2, 36), [9, 4])) };
    for (const process of [
      fluctuations(problem, { neurons: 9, stepSize: 0.1, initialNoise: "none" }),
      fluctuations(given, { neurons: 9, stepSize: 0.1 }),
      fluctuations(given, { neurons: 9, stepSize: 0.1, initialNoise: "sample" }),
    ]) {
      const { weights } = await etaAt(process, 0);
      expect(weights.every((w) => w === 0)).toBe(true);
    }
    expect(() => fluctuations(given, { neurons: 8, stepSize: 0.1, initialNoise: "sample" })).toThrow(SpecError);
  });
});

test("η is the limit of √n (μ^n − μ⁰) of modified flows of the same start and noise: the distance falls like n^−½", async () => {
  const spec = {
    law: dataset({ x: [[-1.5], [-0.6], [0.2], [0.9], [1.6]], y: [-0.8, -0.9, 0.4, 1, 0.6] }),
    unit: affine(tanh()),
    start: gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 }, b: 0 }),
  };
  const problem = parseProblem(spec);
  const engine = await loadEngine();
  const x = tensor([[-1], [0], [1]]) as Tensor<"f64">;
  const gaps: number[] = [];
  for (const neurons of [100, 1600]) {
    // nα = ½: noise of both kinds
    const options = { neurons, stepSize: 0.05, batchSize: neurons / 10, seed: 6 };
    let squares = 0;
    let sizes = 0;
    for (let replica = 0; replica < 12; replica++) {
      const process = fluctuations(spec, { ...options, replica, particles: 1024, initialNoise: "sample" });
      const eta = await etaAt(process, 1);
      const h = predictionsOf(eta, problem, engine, x).values;
      const centre = predictionsOf(eta.base, problem, engine, x).values;
      const run = await solve(modifiedFlow(spec, { ...options, replica }), {
        times: [1],
        observe: { f: predictions(x) },
      });
      run.observables["f"]!.values.forEach((f, i) => {
        squares += (Math.sqrt(neurons) * (f - centre[i]!) - h[i]!) ** 2;
        sizes += h[i]! * h[i]!;
      });
    }
    gaps.push(Math.sqrt(squares / sizes));
  }
  // n^−½ is a factor of 4; 36 numbers of twelve paths leave a third of it to chance
  expect(gaps[0]! / gaps[1]!).toBeGreaterThan(2.6);
  expect(gaps[1]).toBeLessThan(0.03);
});

describe("a run", () => {
  const problem = {
    law: dataset({
      x: [
        [1, 0.5],
        [-0.3, 1],
        [0.4, -1],
      ],
      y: [1, 0, -1],
    }),
    unit: affine(tanh(), { outputBias: true }),
    start: gaussian({ radius: 1 }),
  };
  const process = fluctuations(problem, {
    neurons: 20,
    stepSize: 0.05,
    seed: 3,
    particles: 64,
    initialNoise: "sample",
  });

  test("goes on from a saved state to the same bits, and refuses another's", async () => {
    const [unbroken, resumed] = [await open(process), await open(process)];
    await unbroken.advance(0.4);
    resumed.restore(unbroken.save());
    expect(resumed.measure()).toEqual(unbroken.measure());
    await unbroken.advance(1.1);
    await resumed.advance(1.1);
    expect(resumed.measure()).toEqual(unbroken.measure());
    const other = await open({ ...process, seed: 4 });
    await other.advance(1.1);
    expect(other.measure()).not.toEqual(unbroken.measure());
    expect(() => other.restore(unbroken.save())).toThrow(CheckpointError);
    for (const one of [unbroken, resumed, other]) one.free();
  });

  test("has displacements of the points that have mass, none of those that are carried", async () => {
    const { base, displacements, outputBias } = await etaAt(process, 1);
    base.weights!.forEach((w, i) => {
      const moved = displacements.subarray(i * 4, i * 4 + 4).some((b) => b !== 0);
      expect(moved).toBe(w > 0);
    });
    expect(outputBias).toHaveLength(1);
    expect(outputBias![0]).not.toBe(0);
  });

  test("that blows up is a divergence, with the time", async () => {
    const wild = { ...problem, law: dataset({ x: [[3, 1]], y: [1] }), unit: ridge(square()) };
    const simulation = await open(fluctuations(wild, { neurons: 10, stepSize: 5, particles: 16 }));
    const failure = await simulation.advance(1e5).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DivergenceError);
    const { step, time } = failure as DivergenceError;
    expect(step).toBeGreaterThan(0);
    expect(time).toBe(5 * step);
    // the last good state can still be read
    expect((simulation.measure() as Fluctuation).displacements.every(Number.isFinite)).toBe(true);
    simulation.free();
  });

  test("of draws has others than SGD of the same seed starts from", async () => {
    const drawn = await etaAt({ ...process, reference: "sample", initialNoise: "sample", particles: 20 }, 0);
    const { values } = drawn.base;
    expect(values.slice(0, 80)).not.toEqual(values.slice(80));
  });
});

test("the noise of a teacher's labels is in the noise of the gradients", () => {
  const law = teacher({ dimension: 2, neurons: 3, activation: tanh(), noise: 0.7, seed: 2 });
  const of = (noise: number) =>
    finiteProblem(parseProblem({ law: { ...law, noise }, unit: ridge(tanh()), start: gaussian({ radius: 1 }) }), 36)
      .problem.law;
  const [clean, noisy] = [of(0), of(0.7)];
  const moment = (one: typeof clean, power: number) =>
    massesOf(one).reduce((sum, m, q) => sum + m * (one.y.data[q]! - 0.3) ** power, 0);
  expect(Math.abs(moment(noisy, 1) - moment(clean, 1))).toBeLessThan(1e-14);
  expect(Math.abs(moment(noisy, 2) - moment(clean, 2) - 0.49)).toBeLessThan(1e-14);
});
