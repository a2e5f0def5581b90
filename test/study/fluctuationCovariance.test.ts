// Covariances by the adjoint equation against the linear equation written out: a matrix of all weights and displacements that is
// carried forward in time, its entries by differences of a plain network.

import { describe, expect, test } from "vitest";
import { cosine, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../../src/model/problem";
import { particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, outputsOf, parameterDimension, ridge, type Unit } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import { fluctuationCovariance } from "../../src/study/fluctuationCovariance";
import { moments, predictions } from "../../src/study/observables";
import { plainVelocities } from "../process/plainNetwork";

const normals = (index: number, n: number) => stream(3).normals(n, { step: index });

/** f at inputs, rows of K: minus the residuals of labels 0 of the squared loss. */
function predictionsAt(problem: Problem, x: Float64Array, theta: Float64Array, masses: Float64Array): Float64Array {
  const d = (problem.law as { x: { shape: number[] } }).x.shape[1]!;
  const n = x.length / d;
  const K = outputsOf(problem.unit);
  // the bias of the output moves by r
  const unit = problem.unit.kind === "ridge" ? problem.unit : { ...problem.unit, outputBias: true };
  void unit;
  const out = new Float64Array(n * K);
  return out;
}
void predictionsAt;

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
