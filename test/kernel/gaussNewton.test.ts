// The Gauss–Newton step of least norm against the singular value decomposition of an explicit Jacobian, by differences of plain predictions.

import { Matrix as Dense, SVD } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { gaussNewtonStep, tangentGram } from "../../src/kernel/onDemand";
import { type Particles, particles } from "../../src/measure/measure";
import { predictionsOf } from "../../src/measure/predictions";
import { type Activation, activationFunctions, relu, scaled, tanh } from "../../src/model/activation";
import { dataset, mixture } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import type { Tensor } from "../../src/model/tensor";
import { affine, isTrained, outputsOf, ridge, type Unit } from "../../src/model/unit";
import { normalsOf } from "../../src/random/stream";

const normals = (count: number, seed: number) =>
  Float64Array.from(normalsOf({ seed, replica: 0, purpose: 1 }, { step: 0, from: 0, count }));
const rows = (values: Float64Array, width: number) =>
  Array.from({ length: values.length / width }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));

function problemOf(unit: Unit, n: number, d: number, weights?: number[]): Problem {
  const K = outputsOf(unit);
  const y = K === 1 ? Array.from(normals(n, 2)) : rows(normals(n * K, 2), K);
  return parseProblem({
    law: dataset({ x: rows(normals(n * d, 1), d), y, ...(weights && { weights }) }),
    unit,
    start: gaussian({ radius: 1 }),
  });
}

function networkOf(unit: Unit, N: number, d: number, weights: Float64Array | null = null): Particles {
  const K = outputsOf(unit);
  const D = unit.kind === "ridge" ? d : K + 1 + d;
  const outputBias = unit.kind === "affine" && unit.outputBias ? normals(K, 4) : null;
  return particles({ coordinates: "theta", shape: [N, D], values: normals(N * D, 3), weights, outputBias });
}

/** All trained numbers of a network in coordinates whose Euclidean norm is the step's, √m θ and c. */
function coordinates(problem: Problem, network: Particles) {
  const [N, D] = network.shape;
  const places: { at: number; root: number }[] = [];
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < D; j++) {
      if (isTrained(problem.unit, j)) places.push({ at: i * D + j, root: Math.sqrt(network.weights?.[i] ?? 1 / N) });
    }
  }
  network.outputBias?.forEach((_, k) => void places.push({ at: N * D + k, root: 1 }));
  return places;
}

/** J in these coordinates, written out. */
function jacobian(problem: Problem, network: Particles): Dense {
  const law = problem.law as { x: Tensor<"f64"> };
  const { unit } = problem;
  const [n, d] = law.x.shape as [number, number];
  const [N, D] = network.shape;
  const K = outputsOf(unit);
  const { value, derivative } = activationFunctions(unit.activation);
  const places = coordinates(problem, network);
  const J = Dense.zeros(n * K, places.length);
  for (let q = 0; q < n; q++) {
    const x = law.x.data.subarray(q * d, (q + 1) * d);
    places.forEach(({ at, root }, column) => {
      for (let k = 0; k < K; k++) {
        if (at >= N * D) {
          J.set(q * K + k, column, at - N * D === k ? 1 : 0);
          continue;
        }
        const theta = network.values.subarray(Math.floor(at / D) * D, Math.floor(at / D) * D + D);
        const j = at % D;
        let h = unit.kind === "ridge" ? 0 : theta[K]!;
        for (let l = 0; l < d; l++) h += theta[D - d + l]! * x[l]!;
        const a = unit.kind === "ridge" ? 1 : theta[k]!;
        let slope: number;
        if (unit.kind === "affine" && j < K) slope = j === k ? value(h) : 0;
        else slope = a * derivative(h) * (unit.kind === "affine" && j === K ? 1 : x[j - (D - d)]!);
        J.set(q * K + k, column, root * slope);
      }
    });
  }
  return J;
}

async function predict(problem: Problem, network: Particles): Promise<Float64Array> {
  return predictionsOf(network, problem, await loadEngine(), (problem.law as { x: Tensor<"f64"> }).x).values;
}

/** The step in these coordinates. */
function stepTaken(problem: Problem, before: Particles, after: Particles): number[] {
  const all = [...after.values, ...(after.outputBias ?? [])];
  const old = [...before.values, ...(before.outputBias ?? [])];
  return coordinates(problem, before).map(({ at, root }) => root * (all[at]! - old[at]!));
}

/** J⁺ R by singular values above a share of the largest, for rows weighed by `weights`. */
function leastNorm(J: Dense, R: number[], weights: number[], share: number): { step: number[]; rank: number } {
  const W = Dense.diag(weights.map(Math.sqrt));
  const { leftSingularVectors: U, rightSingularVectors: V, diagonal } = new SVD(W.mmul(J), { autoTranspose: true });
  const b = W.mmul(Dense.columnVector(R));
  const kept = diagonal.filter((s) => s > share * diagonal[0]!);
  const step = kept.reduce(
    (sum, s, i) => Dense.add(sum, V.getColumnVector(i).mul(U.getColumnVector(i).transpose().mmul(b).get(0, 0) / s)),
    Dense.zeros(J.columns, 1),
  );
  return { step: step.to1DArray(), rank: kept.length };
}

const units: [string, Unit][] = [
  ["ridge", ridge(tanh())],
  ["affine", affine(tanh())],
  ["two outputs and their bias", affine(tanh(), { outputs: 2, outputBias: true })],
  ["fixed outputs", affine(tanh(), { trainOutput: false })],
  ["fixed hidden biases, relu", affine(relu(), { trainBias: false })],
  ["scaled", affine(scaled(tanh(), 5), { outputs: 2 })],
];

describe("the step is J⁺(Y − f)", () => {
  test.each(units)("%s", async (_, unit) => {
    for (const weights of [null, normals(12, 9).map((w) => w * w)]) {
      const problem = problemOf(unit, 7, 4);
      const network = networkOf(unit, 12, 4, weights);
      const labels = (problem.law as { y: Tensor<"f64"> }).y.data;
      const f = await predict(problem, network);
      const R = Array.from(labels, (y, i) => y - f[i]!);
      const J = jacobian(problem, network);
      const expected = leastNorm(J, R, new Array(R.length).fill(1), 1e-6);
      const found = await gaussNewtonStep(problem, network);
      expect(found).toMatchObject({ rank: expected.rank, rows: R.length });
      expect(found.rank).toBe(R.length);
      // J has condition 1e2, its square 1e4
      const taken = stepTaken(problem, network, found.measure);
      const size = Math.sqrt(expected.step.reduce((sum, u) => sum + u * u, 0));
      taken.forEach((u, i) => void expect(Math.abs(u - expected.step[i]!)).toBeLessThan(1e-9 * size));
      expect(found.norm / size).toBeCloseTo(1, 10);
      // the linearised model fits exactly, by the explicit J too
      J.mmul(Dense.columnVector(taken))
        .to1DArray()
        .forEach((value, i) => void expect(value).toBeCloseTo(R[i]!, 8));
      expect(found.residual).toBeLessThan(1e-9);
      expect(found.linearisedLoss).toBeLessThan(1e-18 * found.lossBefore);
      expect(found.lossBefore).toBeCloseTo((0.5 * R.reduce((sum, r) => sum + r * r, 0)) / 7, 12);
      const after = await predict(problem, found.measure);
      const left = labels.reduce((sum, y, i) => sum + (y - after[i]!) * (y - after[i]!), 0);
      expect(found.lossAfter).toBeCloseTo((0.5 * left) / 7, 12);
    }
  });

  test("every other exact step is longer, and the norm is √(Rᵀ K⁻¹ R)", async () => {
    const unit = affine(tanh());
    const problem = problemOf(unit, 5, 3);
    const network = networkOf(unit, 10, 3);
    const { norm, euclideanNorm, coefficients, measure } = await gaussNewtonStep(problem, network);
    const J = jacobian(problem, network);
    const step = stepTaken(problem, network, measure);
    const length = (u: number[]) => Math.sqrt(u.reduce((sum, x) => sum + x * x, 0));
    expect(norm).toBeCloseTo(length(step), 10);
    // equal masses 1/N
    expect(euclideanNorm).toBeCloseTo(Math.sqrt(10) * norm, 10);
    const { values: K } = await tangentGram(problem, network, (problem.law as { x: Tensor<"f64"> }).x);
    let square = 0;
    for (let p = 0; p < 5; p++)
      for (let q = 0; q < 5; q++) square += coefficients[p]! * K[p * 5 + q]! * coefficients[q]!;
    expect(norm * norm).toBeCloseTo(square, 10);
    // a direction of J's null space, any one: I − J⁺J applied to a vector
    const any = Array.from(normals(step.length, 30));
    const image = J.mmul(Dense.columnVector(any)).to1DArray();
    const within = leastNorm(J, image, new Array(5).fill(1), 1e-9).step;
    const other = step.map((u, i) => u + any[i]! - within[i]!);
    J.mmul(Dense.columnVector(other))
      .to1DArray()
      .forEach((value, q) => {
        expect(value).toBeCloseTo(J.mmul(Dense.columnVector(step)).get(q, 0), 8);
      });
    expect(length(other)).toBeGreaterThan(1.1 * length(step));
  });
});

describe("Jacobians of deficient rank", () => {
  test("repeated inputs with two labels go to the mean of their masses, at the rank that is left", async () => {
    const x = [
      [1, 0],
      [0.5, -1],
      [1, 0],
    ];
    const law = dataset({ x, y: [1, -1, 2], weights: [0.2, 0.2, 0.6] });
    const problem = parseProblem({ law, unit: affine(tanh()), start: gaussian({ radius: 1 }) });
    const network = networkOf(problem.unit, 20, 2);
    const found = await gaussNewtonStep(problem, network);
    expect(found).toMatchObject({ rank: 2, rows: 3 });
    const J = jacobian(problem, network);
    const f = await predict(problem, network);
    const moved = J.mmul(Dense.columnVector(stepTaken(problem, network, found.measure))).to1DArray();
    [1.75, -1, 1.75].forEach((value, q) => void expect(f[q]! + moved[q]!).toBeCloseTo(value, 9));
    // what is left: ½ (0.2 · 0.75² + 0.6 · 0.25²)
    expect(found.linearisedLoss).toBeCloseTo(0.075, 10);
    expect(found.residual).toBeCloseTo(Math.sqrt(0.075 / found.lossBefore), 10);
  });

  test("more examples than parameters: least squares, as singular values have it", async () => {
    const unit = ridge(tanh());
    const weights = Array.from(normals(20, 6), (w) => w * w);
    const problem = problemOf(unit, 20, 2, weights);
    const network = networkOf(unit, 4, 2);
    const labels = (problem.law as { y: Tensor<"f64"> }).y.data;
    const f = await predict(problem, network);
    const masses = (problem.law as { weights: Tensor<"f64"> }).weights.data;
    const { step, rank } = leastNorm(
      jacobian(problem, network),
      Array.from(labels, (y, i) => y - f[i]!),
      Array.from(masses),
      1e-6,
    );
    const found = await gaussNewtonStep(problem, network);
    expect(rank).toBe(8);
    expect(found.rank).toBe(8);
    expect(found.residual).toBeGreaterThan(0.1);
    stepTaken(problem, network, found.measure).forEach((u, i) => void expect(u).toBeCloseTo(step[i]!, 7));
    // a higher cut-off leaves fewer modes, of a shorter step
    const cut = await gaussNewtonStep(problem, network, { cutoff: 0.05 });
    expect(cut.rank).toBeLessThan(8);
    expect(cut.norm).toBeLessThan(found.norm);
    const damped = await gaussNewtonStep(problem, network, { jitter: 0.1 });
    expect(damped.norm).toBeLessThan(found.norm);
  });

  test("examples without mass are fitted by nobody", async () => {
    const unit = affine(tanh());
    const problem = problemOf(unit, 4, 3, [1, 0, 1, 1]);
    const network = networkOf(unit, 10, 3);
    const found = await gaussNewtonStep(problem, network);
    expect(found.rows).toBe(3);
    expect(found.coefficients.length).toBe(3);
    expect(found.residual).toBeLessThan(1e-10);
  });
});

describe("along the step", () => {
  const unit = affine(scaled(tanh(), Math.sqrt(400)), { trainBias: false });

  test("a wide network in the tangent scaling is nearly linear: one step fits to O(1/N), and its length is O(1)", async () => {
    const problem = problemOf(unit, 6, 3);
    const network = networkOf(unit, 400, 3);
    const found = await gaussNewtonStep(problem, network);
    // α = √N here: the loss after it falls like ‖∇²f‖² = O(1/N) of the loss
    expect(found.lossAfter).toBeLessThan(0.02 * found.lossBefore);
    expect(found.euclideanNorm).toBeGreaterThan(0.3);
    expect(found.euclideanNorm).toBeLessThan(10);
    const half = await gaussNewtonStep(problem, network, { step: 0.5 });
    half.measure.values.forEach((value, i) => {
      expect(value).toBeCloseTo((network.values[i]! + found.measure.values[i]!) / 2, 12);
    });
    expect(half.norm).toBe(found.norm);
    const again = await gaussNewtonStep(problem, found.measure);
    expect(again.lossAfter).toBeLessThan(1e-2 * again.lossBefore);
  });

  test("the js build gives the same", async () => {
    const problem = problemOf(unit, 6, 3);
    const network = networkOf(unit, 40, 3);
    const [one, two] = [
      await gaussNewtonStep(problem, network),
      await gaussNewtonStep(problem, network, { backend: "js" }),
    ];
    two.measure.values.forEach((value, i) => void expect(value).toBeCloseTo(one.measure.values[i]!, 9));
  });
});

describe("bad input", () => {
  const law = dataset({ x: [[0], [1]], y: [1, -1] });
  const start = gaussian({ radius: 1 });
  const activation: Activation = tanh();
  const unit = ridge(activation);
  const network = networkOf(unit, 5, 1);
  const cases: [string, () => Promise<unknown>][] = [
    [
      "problem.law.kind",
      () =>
        gaussNewtonStep(
          { law: mixture([{ weight: 1, mean: [0], covariance: [[1]], label: 1 }]), unit, start },
          network,
        ),
    ],
    ["problem.loss", () => gaussNewtonStep({ law, unit, start, loss: "logistic" }, network)],
    ["problem.confinement", () => gaussNewtonStep({ law, unit, start, confinement: quadratic(1) }, network)],
    ["measure.shape", () => gaussNewtonStep({ law, unit, start }, networkOf(unit, 5, 2))],
    [
      "measure.coordinates",
      () =>
        gaussNewtonStep(
          { law, unit, start },
          particles({ coordinates: "radial", shape: [2, 1], values: Float64Array.of(1, 2) }),
        ),
    ],
    ["options.step", () => gaussNewtonStep({ law, unit, start }, network, { step: NaN })],
    ["options.cutoff", () => gaussNewtonStep({ law, unit, start }, network, { cutoff: 1 })],
    ["options.jitter", () => gaussNewtonStep({ law, unit, start }, network, { jitter: -1 })],
    ["options.lambda", () => gaussNewtonStep({ law, unit, start }, network, { lambda: 1 } as never)],
    ["options", () => gaussNewtonStep({ law, unit, start }, network, 3 as never)],
    ["problem.law.y[1]", () => gaussNewtonStep({ law: { ...law, y: [1, NaN] }, unit, start } as never, network)],
  ];
  test.each(cases)("is named: %s", async (path, call) => {
    const error = await call().then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  test("too many rows, and too many for a pseudo-inverse, are refused with another way", async () => {
    const line = (n: number) => dataset({ x: Array.from({ length: n }, (_, i) => [i / n]), y: new Float64Array(n) });
    await expect(gaussNewtonStep({ law: line(4001), unit, start }, network)).rejects.toThrow(/gradientFlow/);
    // five neurons of one weight: rank 5
    await expect(gaussNewtonStep({ law: line(701), unit, start }, network)).rejects.toThrow(/wider network/);
  });
});
