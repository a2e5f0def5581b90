// Covariances by the adjoint equation against the linear equation written out: a matrix of all weights and displacements that is
// carried forward in time, its entries by differences of a plain network.

import { describe, expect, test } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { DivergenceError, SpecError } from "../../src/engine/errors";
import { cosine, identity, relu, square, tanh } from "../../src/model/activation";
import { dataset, mixture } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../../src/model/problem";
import { gaussian, particles } from "../../src/model/start";
import { startQuadrature } from "../../src/model/startQuadrature";
import { tensor } from "../../src/model/tensor";
import { affine, outputsOf, parameterDimension, ridge, type Unit } from "../../src/model/unit";
import { adjointCovariances } from "../../src/process/adjoint";
import { predictionObservables } from "../../src/process/linearObservables";
import { finiteProblem, writeMeanField } from "../../src/process/meanField";
import { fluctuations } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { ensemble } from "../../src/study/ensemble";
import { fluctuationCovariance } from "../../src/study/fluctuationCovariance";
import { moments, predictions, risk } from "../../src/study/observables";
import { linearModelMoments } from "../../src/study/onDemand";
import { plainVelocities } from "../process/plainNetwork";

const normals = (index: number, n: number) => stream(3).normals(n, { step: index });

interface Case {
  unit: Unit;
  d: number;
  loss: Problem["loss"];
  decay: boolean;
  confined: boolean;
}

const M = 5;
const Q = 4;

function problemOf({ unit, d, loss, decay, confined }: Case): ProblemInput {
  const K = outputsOf(unit);
  const D = parameterDimension(unit, d);
  const y =
    loss === "squared"
      ? normals(1, Q * K)
      : loss === "logistic"
        ? Float64Array.of(1, -1, 1, 1)
        : Float64Array.of(0, 1, 2, 1);
  return {
    law: dataset({
      x: tensor(normals(0, Q * d), [Q, d]),
      y: loss === "squared" && K > 1 ? tensor(y, [Q, K]) : y,
      weights: [0.1, 0.4, 0.3, 0.2],
      ...(decay && { decay: [0.2, 1, 0.5, 2.5] }),
    }),
    unit,
    loss,
    start: particles(
      tensor(
        normals(2, M * D).map((g) => 0.8 * g),
        [M, D],
      ),
    ),
    confinement: confined ? quadratic(0.3, { center: 0.2 }) : null,
  };
}

const cases: [string, Case][] = [
  ["ridge units", { unit: ridge(cosine()), d: 2, loss: "squared", decay: false, confined: false }],
  ["ridge units, logistic", { unit: ridge(tanh()), d: 3, loss: "logistic", decay: true, confined: true }],
  [
    "affine units, an output bias",
    { unit: affine(tanh(), { outputBias: true }), d: 2, loss: "squared", decay: true, confined: true },
  ],
  [
    "affine units, fixed outputs",
    { unit: affine(tanh(), { trainOutput: false }), d: 1, loss: "squared", decay: true, confined: true },
  ],
  [
    "three outputs, cross-entropy",
    { unit: affine(tanh(), { outputs: 3, outputBias: true }), d: 2, loss: "crossEntropy", decay: true, confined: true },
  ],
];

describe("the adjoint equation gives what the forward one does", () => {
  test.each(cases)("%s", async (_, setting) => {
    const input = problemOf(setting);
    const problem = parseProblem(input);
    const { unit, d } = setting;
    const K = outputsOf(unit);
    const D = parameterDimension(unit, d);
    const hasBias = unit.kind === "affine" && unit.outputBias;
    const length = M * D + (hasBias ? K : 0);
    const law = problem.law as Extract<Problem["law"], { kind: "dataset" }>;
    const decays = law.decay?.data ?? new Float64Array(Q).fill(1);
    const inputs = normals(5, 2 * d);
    // f by the residuals of the squared loss at labels 0, of a problem on these inputs with an output bias
    const probe = {
      ...problem,
      loss: "squared" as const,
      law: dataset({ x: tensor(inputs, [2, d]), y: K === 1 ? [0, 0] : tensor(new Float64Array(2 * K), [2, K]) }),
    };
    const f = (theta: Float64Array, w: Float64Array): Float64Array => {
      if (hasBias) {
        const { velocity } = plainVelocities(probe, theta, w);
        return Float64Array.from(velocity.flatMap((v) => Array.from(v.subarray(M * D), (r) => -r)));
      }
      const out = new Float64Array(2 * K);
      const s = unit.activation.kind === "cosine" ? Math.cos : Math.tanh;
      for (let q = 0; q < 2; q++) {
        for (let i = 0; i < M; i++) {
          const row = theta.subarray(i * D, (i + 1) * D);
          let h = unit.kind === "ridge" ? 0 : row[1]!;
          for (let j = 0; j < d; j++) h += row[D - d + j]! * inputs[q * d + j]!;
          out[q]! += w[i]! * s(h) * (unit.kind === "ridge" ? 1 : row[0]!);
        }
      }
      return out;
    };
    // E w_0, E w_0², and E of the product of the last two coordinates
    const last = (theta: Float64Array, i: number, j: number) => theta[i * D + j]!;
    const means = (theta: Float64Array, w: Float64Array) =>
      w.reduce(
        (sum, m, i) => {
          const c = last(theta, i, D - d);
          return [
            sum[0]! + m * c,
            sum[1]! + m * c * c,
            sum[2]! + m * last(theta, i, D - 1) * last(theta, i, Math.max(0, D - 2)),
          ];
        },
        [0, 0, 0],
      );
    const observe = (theta: Float64Array, w: Float64Array) => Float64Array.of(...f(theta, w), ...means(theta, w));
    const velocity = (theta: Float64Array, w: Float64Array): Float64Array => {
      const { velocity: v, masses, confinement } = plainVelocities(problem, theta, w);
      return theta.map((_, i) => v.reduce((sum, one, q) => sum + masses[q]! * one[i]!, confinement[i]!));
    };

    const neurons = 50;
    const stepSize = 0.1;
    const steps = [2, 6];
    const observed = await fluctuationCovariance(input, {
      neurons,
      stepSize,
      batchSize: 2,
      times: steps.map((k) => k * stepSize),
      initialNoise: "gaussian",
      observe: {
        f: predictions(tensor(inputs, [2, d])),
        w: moments("w0"),
        product: {
          value: (theta) => theta[D - 1]! * theta[Math.max(0, D - 2)]!,
          gradient(theta, out) {
            out.fill(0);
            if (D === 1) out[0] = 2 * theta[0]!;
            else [out[D - 1], out[D - 2]] = [theta[D - 2]!, theta[D - 1]!];
          },
        },
      },
    });

    // z = (ω, b, γ), about θ and w = 1/M
    const w = new Float64Array(M).fill(1 / M);
    const theta = new Float64Array(length);
    theta.set((problem.start as { theta: { data: Float64Array } }).theta.data);
    const size = M + length;
    const derivative = (of: (theta: Float64Array, w: Float64Array) => Float64Array, column: number): Float64Array => {
      const at = (h: number): Float64Array => {
        const [t, m] = [theta.slice(), w.slice()];
        if (column < M) m[column]! += h;
        else t[column - M]! += h;
        return of(t, m);
      };
      const central = (h: number) => {
        const [right, left] = [at(h), at(-h)];
        return right.map((x, i) => (x - left[i]!) / (2 * h));
      };
      // extrapolated once: 1e-12, and round-off over the step
      const [fine, coarse] = [central(5e-4), central(1e-3)];
      return fine.map((x, i) => (4 * x - coarse[i]!) / 3);
    };
    const sandwich = (A: Float64Array[], C: number[][]): number[][] => {
      // rows of A by column
      const rows = A[0]!.length;
      const AC = Array.from({ length: rows }, (_, i) =>
        Array.from({ length: size }, (_, j) => A.reduce((sum, a, k) => sum + a[i]! * C[k]![j]!, 0)),
      );
      return AC.map((row) => Array.from({ length: rows }, (_, j) => A.reduce((sum, a, k) => sum + row[k]! * a[j]!, 0)));
    };
    const zero = () => Array.from({ length: size }, () => new Array<number>(size).fill(0));
    let initial = zero().map((row, i) =>
      row.map((_, j) => (i < M && j < M ? (i === j ? w[i]! : 0) - w[i]! * w[j]! : 0)),
    );
    let gradient = zero();
    for (let k = 0; k <= 6; k++) {
      const t = steps.indexOf(k);
      if (t >= 0) {
        const L = Array.from({ length: size }, (_, column) => derivative(observe, column));
        const n = L[0]!.length;
        const values = observe(theta, w);
        for (const [part, C] of [
          ["initial", initial],
          ["gradient", gradient],
        ] as const) {
          const expected = sandwich(L, C);
          for (let a = 0; a < n; a++) {
            expect(observed.mean.values[t * n + a]!).toBeCloseTo(values[a]!, 12);
            for (let b = 0; b < n; b++) {
              const scale = Math.sqrt(expected[a]![a]! * expected[b]![b]!) + 1e-12;
              // differences leave 1e-10 of each entry of the matrices
              expect(Math.abs(observed[part].values[(t * n + a) * n + b]! - expected[a]![b]!) / scale).toBeLessThan(
                1e-8,
              );
            }
          }
        }
      }
      const A = Array.from({ length: size }, (_, column) => {
        const slope = derivative(velocity, column);
        const out = new Float64Array(size);
        out[column] = 1;
        for (let i = 0; i < length; i++) out[M + i]! += stepSize * slope[i]!;
        return out;
      });
      const { velocity: v, masses, confinement } = plainVelocities(problem, theta, w);
      const kicks = v.map((one, q) => one.map((x, i) => x + decays[q]! * confinement[i]!));
      const mean = theta.map((_, i) => kicks.reduce((sum, one, q) => sum + masses[q]! * one[i]!, 0));
      const level = ((neurons * stepSize) / 2) * stepSize;
      initial = sandwich(A, initial);
      gradient = sandwich(A, gradient);
      for (let i = 0; i < length; i++) {
        for (let j = 0; j < length; j++) {
          let sum = 0;
          for (let q = 0; q < Q; q++) sum += masses[q]! * (kicks[q]![i]! - mean[i]!) * (kicks[q]![j]! - mean[j]!);
          gradient[M + i]![M + j]! += level * sum;
        }
      }
      const step = velocity(theta, w);
      for (let i = 0; i < length; i++) theta[i]! += stepSize * step[i]!;
    }
  });
});

// docs/linearModel.md: Var Z ← (1 − h T̄)² Var Z + nαh Var_q(p − T M), found there by itself.
describe("of the linear model it has the variance of the mean, exactly", () => {
  const linear = {
    law: dataset({ x: [[1.2], [0.3], [-1]], y: [1, -2, 0.5], weights: [0.3, 0.5, 0.2], decay: [2, 0.5, 0.75] }),
    unit: ridge(identity()),
    start: gaussian({ w: { mean: -0.3, deviation: 1.1 } }),
    confinement: quadratic(0.8, { center: 0.4 }),
  };
  const times = [0, 0.5, 2];
  test.each([
    ["steps of ε", { timeStep: 0.1 }],
    ["finer ones", { timeStep: 0.02 }],
    ["the start alone", { gradientNoise: false }],
    ["the gradients alone", { initialNoise: "none" as const }],
  ])("%s", async (_, options) => {
    const setting = { neurons: 50, stepSize: 0.1, batchSize: 4, ...options };
    const found = await fluctuationCovariance(linear, {
      ...setting,
      times,
      particles: 40,
      observe: { w: moments("w0", 1), f: predictions([[2]]) },
    });
    const expected = await linearModelMoments(fluctuations(linear, setting), times);
    times.forEach((t, i) => {
      const variance = 50 * expected.meanVariance[i]!;
      // sums of 40 particles and up to 100 steps of round-off
      expect(Math.abs(found.mean.values[2 * i]! - expected.mean[i]!), `mean at ${t}`).toBeLessThan(1e-12);
      expect(Math.abs(found.covariance.values[4 * i]! - variance)).toBeLessThan(1e-12);
      expect(Math.abs(found.covariance.values[4 * i + 3]! - 4 * variance)).toBeLessThan(1e-11);
      expect(Math.abs(found.covariance.values[4 * i + 1]! - 2 * variance)).toBeLessThan(1e-11);
    });
  });
});

const smooth = {
  law: dataset({ x: [[-1.5], [-0.6], [0.2], [0.9], [1.6]], y: [-0.8, -0.9, 0.4, 1, 0.6] }),
  unit: affine(tanh()),
  start: gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 }, b: 0 }),
};

test("replicas of the fluctuation have it", async () => {
  // chi-square of 800 replicas, √(2/800) = 5 %: 4.5 of them leave 7e-6 of a false alarm, times 8 numbers
  const replicas = 800;
  const options = { neurons: 40, stepSize: 0.05, particles: 64 };
  const observe = { f: predictions([[-1], [0.3], [1.2]]), w: moments("w0", 1) };
  const times = [0.25, 1];
  const exact = await fluctuationCovariance(smooth, { ...options, times, observe });
  const runs = await ensemble(fluctuations(smooth, { ...options, seed: 12 }), { replicas, times, observe, workers: 0 });
  times.forEach((_, t) => {
    for (let a = 0; a < 4; a++) {
      const value = (run: number) =>
        a < 3 ? runs.observables["f"]!.replicas[run]![3 * t + a]! : runs.observables["w"]!.replicas[run]![t]!;
      let squares = 0;
      for (let run = 0; run < replicas; run++) squares += value(run) ** 2 / replicas;
      const variance = exact.covariance.values[16 * t + 5 * a]!;
      expect(Math.abs(squares / variance - 1)).toBeLessThan(4.5 * Math.sqrt(2 / replicas));
    }
  });
}, 60_000);

test("states of μ⁰ kept in parts give the same bits as all of them", async () => {
  const engine = await loadEngine();
  const { problem } = finiteProblem(parseProblem(smooth), null);
  const base = startQuadrature(problem, 100);
  const found = await Promise.all(
    [undefined, 0].map(async (kept) => {
      const memory = engine.memory();
      const field = writeMeanField(memory, engine, problem, base);
      const x = Float64Array.of(-1, 0.3);
      const observables = predictionObservables(memory, engine, field.network, x, 2);
      const covariances = await adjointCovariances(memory, engine, field, observables, {
        timeStep: 0.05,
        steps: [0, 3, 10, 23],
        every: 1,
        masses: base.masses,
        level: 1,
        initial: true,
        ...(kept !== undefined && { kept }),
        rest: async () => {},
      });
      memory.free();
      return covariances;
    }),
  );
  expect(found[1]).toEqual(found[0]);
});

test("several steps at once leave an error of second order, at times that are no multiples of them too", async () => {
  const options = { neurons: 100, stepSize: 0.01, batchSize: 2, times: [0.37, 1.6], particles: 64 };
  const observe = { f: predictions([[-1], [0.3]]), a: moments("a") };
  const [exact, coarse, finer] = await Promise.all(
    [1, 27, 9].map((every) =>
      fluctuationCovariance({ ...smooth, confinement: quadratic(0.5) }, { ...options, observe, every }),
    ),
  );
  expect(coarse!.mean).toEqual(exact!.mean);
  for (const part of ["initial", "gradient"] as const) {
    const gap = (found: typeof exact) =>
      Math.sqrt(
        found!.covariance.values.reduce(
          (sum, _, i) => sum + (found![part].values[i]! - exact![part].values[i]!) ** 2,
          0,
        ),
      );
    // a factor of 9; the steps that are left over and the third order are a part of it
    expect(gap(coarse) / gap(finer)).toBeGreaterThan(6);
    expect(gap(coarse) / gap(finer)).toBeLessThan(14);
    expect(
      gap(finer) / gap({ ...exact!, [part]: { shape: [], values: exact![part].values.map(() => 0) } }),
    ).toBeLessThan(1e-3);
  }
});

test("times that a sampled law's quadrature resolves give what a finer one gives", async () => {
  const law = mixture([
    {
      weight: 0.5,
      mean: [1, 0],
      covariance: [
        [1, 0.3],
        [0.3, 0.5],
      ],
      label: 1,
    },
    {
      weight: 0.5,
      mean: [-1, 0.5],
      covariance: [
        [0.5, 0],
        [0, 1],
      ],
      label: -1,
    },
  ]);
  const problem = { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }), loss: "logistic" as const };
  const options = {
    neurons: 100,
    stepSize: 0.1,
    times: [1],
    observe: {
      f: predictions([
        [1, 1],
        [-1, 0],
      ]),
    },
  };
  const [coarse, fine] = [
    await fluctuationCovariance(problem, { ...options, particles: 100, points: 100 }),
    await fluctuationCovariance(problem, { ...options, particles: 256, points: 400 }),
  ];
  expect(fine.provenance.method).toMatch(/Gauss quadrature, \d+ particles; Gauss quadrature of the law, 800 atoms/);
  // analytic units: ten points an axis leave a per cent
  const scale = fine.covariance.values[0]!;
  fine.covariance.values.forEach((value, i) => {
    expect(Math.abs(coarse.covariance.values[i]! - value) / scale).toBeLessThan(0.02);
  });
});

describe("what is wrong is told with its path", () => {
  const options = { neurons: 40, stepSize: 0.05, times: [1], observe: { f: predictions([[1]]) } };
  const bad: [string, object, RegExp][] = [
    ["no observables", { observe: {} }, /observe/],
    ["one that is not linear", { observe: { r: risk() } }, /observe\.r\.kind/],
    ["a coordinate that is not there", { observe: { m: moments("w7") } }, /observe\.m\.coordinate/],
    ["a radius, whose square is no coordinate", { observe: { m: moments("r") } }, /observe\.m\.coordinate/],
    ["inputs of another dimension", { observe: { f: predictions([[1, 2]]) } }, /observe\.f\.x/],
    ["no neurons", { neurons: 0 }, /neurons/],
    ["a step of nothing", { stepSize: 0 }, /stepSize/],
    ["NaN", { stepSize: Number.NaN }, /stepSize/],
    ["no times", { times: [] }, /times/],
    ["a negative time", { times: [-1] }, /times/],
    ["infinite time", { times: [Infinity] }, /times/],
    ["a sample's noise", { initialNoise: "sample" }, /initialNoise/],
    ["too many particles", { particles: 2 ** 24 }, /particles/],
    ["too many steps for memory", { particles: 2 ** 20, times: [1e9] }, /times/],
    ["no steps at once", { every: 0 }, /every/],
    ["an unknown field", { colour: "red" }, /colour/],
  ];
  test.each(bad)("%s", async (_, wrong, path) => {
    const failure = await fluctuationCovariance(smooth, { ...options, ...wrong }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SpecError);
    expect((failure as Error).message).toMatch(path);
  });

  test("a unit with a kink", async () => {
    const kinked = { ...smooth, unit: affine(relu()) };
    await expect(fluctuationCovariance(kinked, options)).rejects.toThrow(/problem\.unit\.activation/);
  });

  test("an abort, with its reason", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    const long = { ...options, particles: 2048, times: [20], signal: controller.signal, onProgress };
    await expect(fluctuationCovariance(smooth, long)).rejects.toThrow("enough");
  });

  test("a limit that diverges, with the time", async () => {
    const failure = await fluctuationCovariance(
      { ...smooth, unit: ridge(square()), start: gaussian({ radius: 1 }) },
      { ...options, stepSize: 5, times: [500] },
    ).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DivergenceError);
    expect((failure as DivergenceError).time).toBeGreaterThan(0);
  });
});
