// Particles with correlated noise: the covariance by three ways, its factors, one step against the equation, its law against that of
// the modified flow, and wrong use.
//
// Level: the energy test stands at 1e-4, thirty z-tests at 5 standard errors, 6e-7 each for normal numbers.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { particles as particleMeasure } from "../../src/measure/measure";
import { energyTest } from "../../src/measure/onDemand";
import { cosine, relu, softplus, tanh } from "../../src/model/activation";
import { dataset, teacher } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";
import { localPotential, quadratic, separable } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian, particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, outputsOf, parameterDimension, ridge, type Unit } from "../../src/model/unit";
import { eigenFactor, pivotedCholesky, rowProducts } from "../../src/process/factorisation";
import { noiseCovariance } from "../../src/process/noiseCovariance";
import {
  type CorrelatedNoiseProcess,
  correlatedNoise,
  gradientDescent,
  modifiedFlow,
  type Process,
  parseProcess,
} from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { open } from "../../src/study/open";
import { plainVelocities } from "./plainNetwork";

const FACTOR = 15;
const d = 2;

interface Options {
  examples: number;
  loss?: Problem["loss"];
  confinement?: Problem["confinement"];
  decays?: boolean;
  weights?: boolean;
}

function problemOf(unit: Unit, options: Options): Problem {
  const { examples: Q, loss = "squared", confinement = null, decays = false, weights = true } = options;
  const K = outputsOf(unit);
  const g = stream(21);
  const rows = Array.from({ length: Q }, (_, q) => Array.from(g.normals(d + K + 2, { step: q })));
  const labels = rows.map((row) => row.slice(d, d + K));
  return parseProblem({
    law: dataset({
      x: rows.map((row) => row.slice(0, d)),
      y:
        loss === "squared"
          ? labels
          : loss === "logistic"
            ? labels.map(([t]) => (t! > 0 ? 1 : -1))
            : labels.map((row) => row.indexOf(Math.max(...row))),
      weights: weights ? rows.map((row, q) => (q === 3 ? 0 : 0.2 + row[d + K]! ** 2)) : null,
      decay: decays ? rows.map((row) => 1 + row[d + K + 1]!) : null,
    }),
    unit,
    loss,
    confinement,
    start: gaussian(unit.kind === "ridge" ? { radius: 1 } : { radius: 1, a: { mean: 0.3, deviation: 1 }, b: 0.2 }),
  });
}

const own = localPotential(
  (theta) => theta.reduce((sum, x) => sum + (x * x * x * x) / 4, 0),
  (theta) => theta.map((x) => x * x * x),
);
const problems: [string, Problem][] = [
  ["ridge tanh, squared", problemOf(ridge(tanh()), { examples: 9 })],
  [
    "ridge relu, logistic, equal masses, random decay",
    problemOf(ridge(relu()), {
      examples: 70,
      loss: "logistic",
      weights: false,
      decays: true,
      confinement: quadratic(0.7),
    }),
  ],
  [
    "affine softplus, squared, bias, a potential of one's own",
    problemOf(affine(softplus(), { outputBias: true }), { examples: 9, confinement: own }),
  ],
  [
    "affine tanh, 3 classes, bias, random decay of a separable potential",
    problemOf(affine(tanh(), { outputs: 3, outputBias: true }), {
      examples: 9,
      loss: "crossEntropy",
      decays: true,
      confinement: separable(cosine(), { weight: 0.4 }),
    }),
  ],
  [
    "affine cosine, 3 fixed outputs, squared, random decay",
    problemOf(affine(cosine(), { outputs: 3, trainOutput: false }), {
      examples: 9,
      decays: true,
      confinement: quadratic(0.5, { center: 1 }),
    }),
  ],
];

/** A network of N neurons, with an output bias where there is one, and all its numbers in a row. */
function networkOf(problem: Problem, N: number) {
  const { unit } = problem;
  const theta = startParticles(problem, N, { seed: 5, replica: 0 });
  const outputBias = unit.kind === "affine" && unit.outputBias ? stream(6).normals(outputsOf(unit)) : null;
  const measure = particleMeasure({
    coordinates: "theta",
    shape: [N, parameterDimension(unit, d)],
    values: theta,
    outputBias,
  });
  return { measure, state: Float64Array.from([...theta, ...(outputBias ?? [])]) };
}

/** √m_q G_q written out, [atoms, parameters], and v̄. */
function plainNoise(problem: Problem, state: Float64Array, N: number) {
  const { velocity, masses, confinement } = plainVelocities(problem, state, N);
  const decay = problem.law.kind === "dataset" ? problem.law.decay?.data : undefined;
  const whole = velocity.map((v, q) => v.map((x, i) => x + (decay?.[q] ?? 1) * confinement[i]!));
  const mean = state.map((_, i) => whole.reduce((sum, v, q) => sum + masses[q]! * v[i]!, 0));
  return { mean, noise: whole.map((v, q) => v.map((x, i) => Math.sqrt(masses[q]!) * (x - mean[i]!))) };
}

function plainCovariance(noise: Float64Array[], n: number): Float64Array {
  const A = new Float64Array(n * n);
  for (const v of noise) for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) A[i * n + j]! += v[i]! * v[j]!;
  return A;
}

const gapOf = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};
const largest = (a: Float64Array) => a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** F Fᵀ of a factor. */
function squareOf(factor: { multiply: (zeta: Float64Array, scale: number, out: Float64Array) => void }, n: number) {
  const columns = Array.from({ length: n }, (_, k) => {
    const out = new Float64Array(n);
    factor.multiply(
      Float64Array.from({ length: n }, (_, i) => (i === k ? 1 : 0)),
      1,
      out,
    );
    return out;
  });
  return plainCovariance(columns, n);
}

async function stateAt(process: Process, t: number): Promise<Float64Array> {
  const simulation = await open(process);
  try {
    await simulation.advance(t);
    return stateOf(simulation.measure());
  } finally {
    simulation.free();
  }
}

function stateOf(measure: Awaited<ReturnType<typeof open>> extends { measure(): infer M } ? M : never): Float64Array {
  if (measure.kind !== "particles") throw new TypeError("particles");
  return Float64Array.from([...measure.values, ...(measure.outputBias ?? [])]);
}

describe("the covariance A = E[G ⊗ G] of all parameters", () => {
  // 2^−52 times the sums' lengths: 1e-14 of the largest entry at 70 examples
  it.each(problems)(
    "is the same from the data weights, from the atoms' gradients, and written out: %s",
    async (_, problem) => {
      const engine = await loadEngine();
      const { measure, state } = networkOf(problem, 7);
      const direct = noiseCovariance(problem, measure, engine);
      const weights = noiseCovariance(problem, measure, engine, { route: "dataWeights" });
      const plain = plainCovariance(plainNoise(problem, state, 7).noise, state.length);
      const size = largest(plain);
      expect(size).toBeGreaterThan(1e-3);
      expect(direct.matrix.shape).toEqual([state.length, state.length]);
      expect(gapOf(direct.matrix.data, weights.matrix.data)).toBeLessThan(1e-14 * size);
      expect(gapOf(direct.matrix.data, plain)).toBeLessThan(1e-14 * size);
    },
  );

  it("weighs the predictions by the particles' masses", async () => {
    const problem = problems[0]![1];
    const theta = startParticles(problem, 3, { seed: 5, replica: 0 });
    const twice = Float64Array.from([...theta, ...theta.slice(0, d)]);
    const equal = particleMeasure({ coordinates: "theta", shape: [4, d], values: twice });
    const weighted = particleMeasure({
      coordinates: "theta",
      shape: [3, d],
      values: theta,
      weights: Float64Array.of(0.5, 0.25, 0.25),
    });
    const engine = await loadEngine();
    const large = noiseCovariance(problem, equal, engine).matrix.data;
    const small = noiseCovariance(problem, weighted, engine).matrix.data;
    const n = 3 * d;
    const block = Float64Array.from({ length: n * n }, (_, k) => large[Math.floor(k / n) * 4 * d + (k % n)]!);
    expect(gapOf(small, block)).toBeLessThan(1e-15);
    expect(large[0]).toBeGreaterThan(0.01);
  });

  // 9 atoms, one of no mass, leave 8 columns whose weighted sum is 0
  it.each([
    [1, 2],
    [3, 6],
    [4, 7],
    [30, 7],
  ])(
    "of %i ridge neurons in two dimensions has rank %i: all of it, or one less than there are atoms",
    async (N, rank) => {
      const problem = problems[0]![1];
      const { measure } = networkOf(problem, N);
      expect(noiseCovariance(problem, measure, await loadEngine()).rank).toBe(rank);
    },
  );

  it.each([
    ["a sampled law", { law: teacher({ dimension: 2, neurons: 1, activation: tanh() }) }, {}, "problem.law.kind"],
    ["particles of another length", {}, { shape: [2, 3], values: new Float64Array(6) }, "measure.shape"],
    ["an output bias that the unit has not", {}, { outputBias: Float64Array.of(1) }, "measure.outputBias"],
    ["neurons that overflow", { unit: ridge(cosine()) }, { values: new Float64Array(4).fill(1e308) }, "measure.values"],
    ["radii", {}, { coordinates: "radial" as const }, "measure.kind"],
  ])("of %s is a SpecError", async (_, problem, measure, path) => {
    const engine = await loadEngine();
    const all = { coordinates: "theta" as const, shape: [2, 2] as const, values: new Float64Array(4), ...measure };
    const error = caught(() =>
      noiseCovariance(
        { ...problems[0]![1], start: gaussian({ radius: 1 }), ...problem },
        particleMeasure(all as never),
        engine,
      ),
    );
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
    expect(
      caught(() => noiseCovariance(problems[0]![1], particleMeasure(all as never), engine, { route: "both" as never })),
    ).toBeInstanceOf(SpecError);
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

describe("factors of a covariance", () => {
  const rowsOf = (n: number, columns: number) => stream(31).normals(n * columns);

  // against sums in another order
  it.each([1, 2, 3, 5, 31, 33, 64, 70])("H Hᵀ of %i rows is all sums of products", (n) => {
    for (const columns of [1, 7]) {
      const rows = rowsOf(n, columns);
      const A = new Float64Array(n * n).fill(Number.NaN);
      rowProducts(rows, n, columns, A);
      const plain = plainCovariance(
        Array.from({ length: columns }, (_, k) => Float64Array.from({ length: n }, (_, i) => rows[i * columns + k]!)),
        n,
      );
      expect(gapOf(A, plain)).toBeLessThan(1e-13);
    }
  });

  const shapes = [
    [1, 1],
    [6, 9],
    [9, 9],
    [40, 9],
    [33, 12],
  ] as const;
  // the remainder of an exact factorisation is round-off of n sums of squares
  it.each(shapes)(
    "F Fᵀ is A for %i parameters and %i columns, and the rank is the smaller of them",
    async (n, columns) => {
      const A = new Float64Array(n * n);
      rowProducts(rowsOf(n, columns), n, columns, A);
      const before = A.slice();
      for (const factorise of [pivotedCholesky, await eigenFactor()]) {
        const factor = factorise(A, n);
        expect(factor.rank).toBe(Math.min(n, columns));
        expect(gapOf(squareOf(factor, n), A)).toBeLessThan(1e-13 * largest(A));
        expect(factor.left).toBeLessThan(1e-13 * n * largest(A));
      }
      expect(A).toEqual(before);
    },
  );

  it("adds scale F ζ to what is there", () => {
    const A = Float64Array.of(4, 2, 2, 5);
    const out = Float64Array.of(1, 1);
    // pivot 5: L = (2/√5, √5), then 4 − 4/5 = 16/5: L = (4/√5, 0)
    pivotedCholesky(A, 2).multiply(Float64Array.of(1, 10), 3, out);
    expect(out[0]).toBeCloseTo(1 + 3 * (2 / Math.sqrt(5) + 40 / Math.sqrt(5)), 13);
    expect(out[1]).toBeCloseTo(1 + 3 * Math.sqrt(5), 13);
  });

  it("of what is no covariance say how far it is from one, and leave the rest", async () => {
    // eigenvalues 3 and −1
    const A = Float64Array.of(1, 2, 2, 1);
    const cholesky = pivotedCholesky(A, 2);
    expect([cholesky.rank, cholesky.left, cholesky.negative]).toEqual([1, 3, -3]);
    const eigen = (await eigenFactor())(A, 2);
    expect(eigen.rank).toBe(1);
    expect(eigen.negative).toBeCloseTo(-1, 14);
    expect(eigen.left).toBeCloseTo(1, 14);
    expect(gapOf(squareOf(eigen, 2), [1.5, 1.5, 1.5, 1.5])).toBeLessThan(1e-14);
  });

  it("of no noise have rank 0", async () => {
    for (const factorise of [pivotedCholesky, await eigenFactor()]) {
      const factor = factorise(new Float64Array(9), 3);
      const out = new Float64Array(3);
      factor.multiply(Float64Array.of(1, 1, 1), 1, out);
      expect([factor.rank, factor.left, ...out]).toEqual([0, 0, 0, 0, 0]);
    }
  });
});

describe("a step", () => {
  const stepSize = 0.6;
  const batchSize = 3;
  const timeStep = 0.05;

  it.each(problems)("is v̄ dt + √(α dt) F ζ: %s", async (_, problem) => {
    const N = 6;
    const options = { neurons: N, stepSize, batchSize, timeStep, seed: 9, replica: 1 };
    for (const factorisation of ["pivotedCholesky", "eigen"] as const) {
      const run = await stateAt(correlatedNoise(problem, { ...options, factorisation }), timeStep);
      const start = new Float64Array(run.length);
      start.set(startParticles(problem, N, { seed: 9, replica: 1 }));
      const { mean, noise } = plainNoise(problem, start, N);
      const n = run.length;
      const A = plainCovariance(noise, n);
      const factorise = factorisation === "eigen" ? await eigenFactor() : pivotedCholesky;
      const zeta = stream(9, { purpose: FACTOR, replica: 1 }).normals(n);
      const expected = start.map((x, i) => x + timeStep * mean[i]!);
      factorise(A, n).multiply(zeta, Math.sqrt((stepSize / batchSize) * timeStep), expected);
      // A's round-off, 1e-16, is 1e-8 in a root of its null space: of eigenvalues below the tolerance none is taken
      expect(gapOf(run, expected)).toBeLessThan(1e-9);
      expect(gapOf(run, start)).toBeGreaterThan(0.01);
    }
  });

  it("is that of gradient descent where there is no noise, to the bit", async () => {
    for (const [, problem] of problems) {
      const quiet = correlatedNoise(problem, { neurons: 5, stepSize: 1e-300, timeStep: 0.1, seed: 2 });
      const gd = gradientDescent(problem, { neurons: 5, stepSize: 0.1, seed: 2 });
      expect(await stateAt(quiet, 1)).toEqual(await stateAt(gd, 1));
    }
  });

  it("does not move outputs that are fixed", async () => {
    const problem = problems[4]![1];
    const run = await stateAt(correlatedNoise(problem, { neurons: 5, stepSize, seed: 2 }), 1.2);
    const start = startParticles(problem, 5, { seed: 2, replica: 0 });
    for (let i = 0; i < 5; i++) for (let k = 0; k < 3; k++) expect(run[i * 6 + k]).toBe(start[i * 6 + k]);
    expect(run).not.toEqual(start);
  });
});

describe("a run", () => {
  const problem = problems[3]![1];
  const process = correlatedNoise(problem, { neurons: 5, stepSize: 0.1, batchSize: 2, seed: 3 });

  it("repeats with its seed, goes on from a saved state to the same bits, and differs for another seed or replica", async () => {
    const whole = await stateAt(process, 1);
    expect(await stateAt(process, 1)).toEqual(whole);
    const first = await open(process);
    const second = await open(process);
    await first.advance(0.3);
    await first.advance(0.6);
    second.restore(first.save());
    expect(second.time).toBeCloseTo(0.6, 14);
    await second.advance(1);
    await first.advance(1);
    expect(stateOf(second.measure())).toEqual(whole);
    expect(stateOf(first.measure())).toEqual(whole);
    first.free();
    second.free();
    expect(await stateAt({ ...process, seed: 4 }, 1)).not.toEqual(whole);
    expect(await stateAt({ ...process, replica: 1 }, 1)).not.toEqual(whole);
  });

  it("runs with more parameters than atoms, and warns of nothing", async () => {
    for (const factorisation of ["pivotedCholesky", "eigen"] as const) {
      const simulation = await open(correlatedNoise(problem, { neurons: 12, stepSize: 0.1, seed: 3, factorisation }));
      await simulation.advance(0.5);
      expect(simulation.warnings).toEqual([]);
      simulation.free();
    }
  });

  // products of such gradients are denormal numbers, of three digits
  it("says how much of the covariance is left out, and when", async () => {
    const tiny = parseProblem({
      law: dataset({ x: [[1e-160], [2.3e-160], [0.7e-160], [1.9e-160]], y: [1, -2, 3, 5] }),
      unit: affine(tanh()),
      start: gaussian({ radius: 1, a: { mean: 0, deviation: 1e-160 } }),
    });
    const simulation = await open(correlatedNoise(tiny, { neurons: 4, stepSize: 0.1 }));
    await simulation.advance(0.3);
    expect(simulation.warnings).toHaveLength(1);
    expect(simulation.warnings[0]).toMatch(/leaves out up to \S+ of its trace \(at t = 0(\.\d+)?[,)]/);
    simulation.free();
  });

  it("that diverges is a DivergenceError with its step", async () => {
    const wild = await open(correlatedNoise(problems[2]![1], { neurons: 3, stepSize: 50, seed: 1 }));
    await expect(wild.advance(5000)).rejects.toMatchObject({ name: "DivergenceError", process: "correlatedNoise" });
    wild.free();
  });

  it("reads its specification back", () => {
    expect(parseProcess(JSON.parse(JSON.stringify(process)))).toEqual(process);
  });
});

describe("wrong use", () => {
  const [, problem] = problems[0]!;
  const one = { neurons: 2, stepSize: 0.1 };
  const sampled = {
    law: teacher({ dimension: 2, neurons: 1, activation: tanh() }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 1 }),
  };
  it.each([
    ["a sampled law", () => correlatedNoise(sampled, one), "process.problem.law.kind"],
    ["too many parameters", () => correlatedNoise(problem, { ...one, neurons: 1e6 }), "process.neurons"],
    [
      "a covariance that does not fit",
      () => correlatedNoise(problem, { ...one, neurons: 5000, factorisation: "eigen" }),
      "process.neurons",
    ],
    ["no neurons", () => correlatedNoise(problem, { ...one, neurons: 0 }), "process.neurons"],
    ["a step of NaN", () => correlatedNoise(problem, { ...one, stepSize: Number.NaN }), "process.stepSize"],
    ["a time step of 0", () => correlatedNoise(problem, { ...one, timeStep: 0 }), "process.timeStep"],
    ["half a batch", () => correlatedNoise(problem, { ...one, batchSize: 0.5 }), "process.batchSize"],
    [
      "another factorisation",
      () => correlatedNoise(problem, { ...one, factorisation: "lu" as never }),
      "process.factorisation",
    ],
    ["a replica of −1", () => correlatedNoise(problem, { ...one, replica: -1 }), "process.replica"],
    ["a noise step", () => correlatedNoise(problem, { ...one, noiseStep: 0.1 } as never), "process.noiseStep"],
  ])("%s is a SpecError with its path", (_, make, path) => {
    const error = caught(make);
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });
});

describe("the law of all parameters after eight steps", () => {
  const affineProblem = problemOf(affine(tanh(), { outputBias: true }), {
    examples: 6,
    decays: true,
    confinement: quadratic(0.3),
  });
  const N = 2;
  const start = startParticles(affineProblem, N, { seed: 1, replica: 0 });
  const fixed = parseProblem({ ...affineProblem, start: particles(tensor(start, [N, 4])) });
  const options = { neurons: N, stepSize: 0.4, batchSize: 1, timeStep: 0.1 };

  async function ensembleOf(make: (replica: number) => Process, replicas: number): Promise<Float64Array[]> {
    const all: Float64Array[] = [];
    for (let replica = 0; replica < replicas; replica++) all.push(await stateAt(make(replica), 0.8));
    return all;
  }
  const noisy = (factorisation: CorrelatedNoiseProcess["factorisation"]) => (replica: number) =>
    correlatedNoise(fixed, { ...options, factorisation, seed: 7, replica });
  const flow = (replica: number) => modifiedFlow(fixed, { ...options, seed: 7, replica });

  it("is that of the modified flow: means and covariances, at 5 standard errors", async () => {
    const n = 600;
    const flows = await ensembleOf(flow, n);
    for (const factorisation of ["pivotedCholesky", "eigen"] as const) {
      const correlated = await ensembleOf(noisy(factorisation), n);
      const D = start.length + 1;
      for (let i = 0; i < D; i++) {
        const first = [flows, correlated].map((all) => momentOf(all, (x) => x[i]!));
        expect(scoreOf(first)).toBeLessThan(5);
        for (let j = 0; j <= i; j++) {
          const [a, b] = [first, [flows, correlated].map((all) => momentOf(all, (x) => x[j]!))];
          const products = [flows, correlated].map((all, k) =>
            momentOf(all, (x) => (x[i]! - a[k]!.mean) * (x[j]! - b[k]!.mean)),
          );
          expect(scoreOf(products)).toBeLessThan(5);
        }
        // the noise is no small part of it
        expect(Math.sqrt(n) * first[0]!.error).toBeGreaterThan(0.05);
      }
    }
  });

  it("is that of the modified flow: energy test at level 1e-4", async () => {
    const n = 200;
    const one = await ensembleOf(flow, n);
    const other = await ensembleOf(noisy("pivotedCholesky"), n);
    const rows = (all: Float64Array[]) => tensor(Float64Array.from(all.flatMap((x) => [...x])), [n, all[0]!.length]);
    const test = (permutations: number, rest: Float64Array[]) =>
      energyTest(rows(one), rows(rest), { permutations, standardise: true });
    expect((await test(19_999, other)).pValue).toBeGreaterThan(1e-4);
    // and another law is seen: noise of a quarter of the variance
    const less = (replica: number) => correlatedNoise(fixed, { ...options, batchSize: 4, seed: 7, replica });
    expect((await test(1999, await ensembleOf(less, n))).pValue).toBeLessThan(2e-3);
  });
});

function momentOf(all: Float64Array[], f: (x: Float64Array) => number): { mean: number; error: number } {
  const values = all.map(f);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (values.length * (values.length - 1))) };
}

function scoreOf([a, b]: { mean: number; error: number }[]): number {
  return Math.abs(a!.mean - b!.mean) / Math.hypot(a!.error, b!.error);
}
