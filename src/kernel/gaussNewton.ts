// The Gauss–Newton step of least norm, in dual form: what moves a network's linearisation onto its labels.                  theory §9
//
//   R = Y − f(X),   K α = R with K = J Jᵀ the tangent kernel,   δθ_i = Σ_q α_q · ∇σ*(x_q; θ_i),   δc = Σ_q α_q
//
// Of all u with J u = R, J u = Σ_i m_i ∇σ*(x; θ_i)·u_i + u_c, it has the least Σ_i m_i |u_i|² + |u_c|², m_i the mass of neuron i; for equal masses and
// no output bias that is the least Euclidean norm. Where K is singular, it has the least norm of those with the least Σ_q m_q |R_q − (J u)_q|²:
// with W = diag(√m_q), α = W (W K W)⁺ W R.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { withPauses } from "../engine/pause";
import { asParticles, type Measure, type Particles, particles } from "../measure/measure";
import { checkNetwork, loadNetwork, MOST_EXAMPLES, networkPredictions } from "../measure/predictions";
import { viewNetwork, writeBatch } from "../model/blocks";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import { isRecord } from "../model/spec";
import { outputsOf } from "../model/unit";
import { dot } from "../model/vectors";
import { massesOf } from "../process/dataNoise";
import { cholesky } from "./cholesky";
import { MOST_SPECTRUM_ROWS, spectrum } from "./spectrum";
import { tangentGram } from "./tangentGram";

/** How the step is found. */
export interface GaussNewtonOptions {
  /** how much of the step is taken (1) */
  step?: number;
  /** eigenvalues of K at or below this times the largest count as 0 (1e-12) */
  cutoff?: number;
  /** λ ≥ 0: K + λI in place of K, which damps the step (0) */
  jitter?: number;
  backend?: Backend;
  signal?: AbortSignal;
}

/** A Gauss–Newton step and what it did. */
export interface GaussNewtonStep {
  /** the network after it */
  measure: Particles;
  /** α, [n, K] */
  coefficients: Float64Array;
  /** (Σ_i m_i |δθ_i|² + |δc|²)^½ of the whole step, which is the least */
  norm: number;
  /** (Σ_i |δθ_i|² + |δc|²)^½ of the whole step: for f = N^{−½} Σ a σ(⟨w, x⟩) it is O(1) as N grows */
  euclideanNorm: number;
  /** eigenvalues of K above the cut-off, of nK; all of them where there are more than 700 rows */
  rank: number;
  /** nK, of the examples of positive mass */
  rows: number;
  /** the cut-off, in units of K; 0 where there are more than 700 rows */
  cutoff: number;
  /** ‖R − Jδθ‖/‖R‖, in the norm of the examples' masses: 0 but for round-off where J has rank nK */
  residual: number;
  /** ½ Σ_q m_q |r_q|² before the step, after it, and of the linearisation after the whole step */
  lossBefore: number;
  lossAfter: number;
  linearisedLoss: number;
}

/** Most rows of K: Cholesky's method takes five seconds of one core there. */
const MOST_ROWS = 4000;

/** As in onDemand.ts. */
export async function gaussNewtonStep(
  input: ProblemInput,
  measure: Measure,
  engine: Engine,
  options: GaussNewtonOptions = {},
): Promise<GaussNewtonStep> {
  const { step, cutoff, jitter, signal } = readOptions(options);
  const problem = parseProblem(input);
  const network = networkOf(problem, measure);
  const { x, labels, masses, count, dimension } = examplesOf(problem);
  const K = outputsOf(problem.unit);
  const rows = count * K;
  if (rows > MOST_ROWS || count > MOST_EXAMPLES) {
    const remedy =
      "Take fewer examples; gradientFlow has no matrix, and follows the same linearisation where it is lazy.";
    throw new SpecError(
      "problem.law",
      `${rows} rows of the Jacobian`,
      `at most ${MOST_ROWS}, examples times outputs`,
      remedy,
    );
  }
  const before = networkPredictions(network, problem, engine, x, count);
  const residuals = labels.map((y, i) => y - before[i]!);
  const kernel = await tangentGram(problem, network, { dtype: "f64", shape: [count, dimension], data: x }, null, {
    backend: engine.backend,
    ...(signal && { signal }),
  });
  // W of mean square 1, so that equal masses leave K as it is
  const roots = Float64Array.from({ length: rows }, (_, i) => Math.sqrt(masses[Math.floor(i / K)]! * count));
  const weighted = kernel.values;
  for (let i = 0; i < rows; i++) for (let j = 0; j < rows; j++) weighted[i * rows + j]! *= roots[i]! * roots[j]!;
  const right = residuals.map((r, i) => r * roots[i]!);
  const found = await pseudoInverse(weighted, rows, right, { cutoff, jitter, signal });
  const coefficients = found.solution.map((a, i) => a * roots[i]!);
  const { direction, image } = alongGradients(problem, network, engine, { x, count, coefficients });

  const [N, D] = network.shape;
  const values = network.values.map((value, i) => value + step * direction[i]!);
  const turned = direction.subarray(N * D);
  const isBiased = problem.unit.kind === "affine" && problem.unit.outputBias;
  const outputBias = isBiased ? turned.map((c, k) => (network.outputBias?.[k] ?? 0) + step * c) : null;
  const moved = particles({ ...network, values, outputBias });
  const after = networkPredictions(moved, problem, engine, x, count);
  let norm = dot(turned, turned);
  let square = norm;
  for (let i = 0; i < N; i++) {
    const row = direction.subarray(i * D, (i + 1) * D);
    const length = dot(row, row);
    square += length;
    norm += (network.weights?.[i] ?? 1 / N) * length;
  }
  const lossOf = (r: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += 0.5 * masses[Math.floor(i / K)]! * r(i) * r(i);
    return sum;
  };
  const lossBefore = lossOf((i) => residuals[i]!);
  const linearisedLoss = lossOf((i) => residuals[i]! - image[i]!);
  return {
    measure: moved,
    coefficients,
    norm: Math.sqrt(norm),
    euclideanNorm: Math.sqrt(square),
    rank: found.rank,
    rows,
    cutoff: found.cutoff,
    residual: lossBefore === 0 ? 0 : Math.sqrt(linearisedLoss / lossBefore),
    lossBefore,
    lossAfter: lossOf((i) => labels[i]! - after[i]!),
    linearisedLoss,
  };
}

const FIELDS = ["step", "cutoff", "jitter", "backend", "signal"];

function readOptions(options: GaussNewtonOptions) {
  if (!isRecord(options)) throw new SpecError("options", options, `{ ${FIELDS.join(", ")} }`);
  for (const field of Object.keys(options)) {
    if (!FIELDS.includes(field)) {
      throw new SpecError(
        `options.${field}`,
        options[field as never],
        "no such field",
        `The fields are ${FIELDS.join(", ")}.`,
      );
    }
  }
  const { step = 1, cutoff = 1e-12, jitter = 0, signal } = options as GaussNewtonOptions;
  if (!Number.isFinite(step)) throw new SpecError("options.step", step, "a finite number");
  if (!(cutoff >= 0 && cutoff < 1)) throw new SpecError("options.cutoff", cutoff, "a number from 0 to below 1");
  if (!(jitter >= 0 && jitter < Infinity)) throw new SpecError("options.jitter", jitter, "a number, 0 or more");
  return { step, cutoff, jitter, signal };
}

function networkOf(problem: Problem, measure: Measure): Particles {
  if (problem.loss !== "squared") {
    throw new SpecError("problem.loss", problem.loss, '"squared", whose labels a linearisation can fit');
  }
  if (problem.confinement !== null) {
    throw new SpecError("problem.confinement", problem.confinement.kind, "null, as the step fits the examples alone");
  }
  const network = asParticles(measure);
  if (network.coordinates !== "theta") {
    throw new SpecError("measure.coordinates", network.coordinates, '"theta"', "A law of radii has no neurons.");
  }
  checkNetwork(network, problem);
  return network;
}

/** The atoms of positive mass; the others are fitted by nobody. */
function examplesOf(problem: Problem) {
  const { law } = problem;
  if (law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes one.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset": a finite law', remedy);
  }
  const [n, d] = law.x.shape as [number, number];
  const K = outputsOf(problem.unit);
  const all = massesOf(law);
  const kept = Array.from({ length: n }, (_, q) => q).filter((q) => all[q]! > 0);
  const x = new Float64Array(kept.length * d);
  const labels = new Float64Array(kept.length * K);
  kept.forEach((q, i) => {
    x.set(law.x.data.subarray(q * d, (q + 1) * d), i * d);
    labels.set(law.y.data.subarray(q * K, (q + 1) * K), i * K);
  });
  return { x, labels, masses: Float64Array.from(kept, (q) => all[q]!), count: kept.length, dimension: d };
}

async function pseudoInverse(
  matrix: Float64Array,
  n: number,
  right: Float64Array,
  options: { cutoff: number; jitter: number; signal: AbortSignal | undefined },
): Promise<{ solution: Float64Array; rank: number; cutoff: number }> {
  const { jitter, signal } = options;
  const solution = new Float64Array(n);
  if (n > MOST_SPECTRUM_ROWS) {
    const factor = await withPauses(cholesky(matrix, n, jitter), signal);
    if (!factor) {
      const found = `${n} rows, of which some depend on others`;
      const expected = `rows of full rank, or at most ${MOST_SPECTRUM_ROWS} for a pseudo-inverse`;
      throw new SpecError("problem.law", found, expected, "Take a jitter, fewer examples or a wider network.");
    }
    solution.set(right);
    factor.solve(solution);
    return { solution, rank: n, cutoff: 0 };
  }
  const { values, vectors, cutoff, rank } = await spectrum(matrix, n, {
    cutoff: options.cutoff,
    path: "problem.law",
    remedy: "Take fewer examples.",
  });
  for (let i = 0; i < n && values[i]! > cutoff; i++) {
    const mode = vectors.subarray(i * n, (i + 1) * n);
    const weight = dot(mode, right) / (values[i]! + jitter);
    for (let j = 0; j < n; j++) solution[j]! += weight * mode[j]!;
  }
  return { solution, rank, cutoff };
}

/** δ = Σ_q α_q · ∇σ* of all neurons, and of the output bias behind them; and J δ at the examples. */
function alongGradients(
  problem: Problem,
  network: Particles,
  engine: Engine,
  { x, count, coefficients }: { x: Float64Array; count: number; coefficients: Float64Array },
): { direction: Float64Array; image: Float64Array } {
  const { kernels } = engine;
  const memory = engine.memory();
  try {
    const net = loadNetwork(memory, engine, problem, network);
    const batch = writeBatch(memory, net, count);
    kernels.packInputs_f64(net.block, batch.block, memory.put("f64", x), 0, count);
    memory.f64(batch.weights, coefficients.length).set(coefficients);
    const turn = viewNetwork(memory, net, memory.allocate(net.bytes));
    kernels.backward_f64(net.block, batch.block, turn.weights);
    const theta = memory.reserve("f64", net.length);
    kernels.exportTheta_f64(turn.block, theta);
    const image = memory.reserve("f64", batch.room * net.outputs);
    kernels.tangentForward_f64(net.block, turn.block, batch.block, image);
    return {
      direction: memory.f64(theta, net.length).slice(),
      image: memory.f64(image, coefficients.length).slice(),
    };
  } finally {
    memory.free();
  }
}
