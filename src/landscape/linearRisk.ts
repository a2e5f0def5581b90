// Expected errors of the gradient flow stopped at t and of ridge regression of weight λ, b = Aθ* + noise.   theory §10; docs/regularisation.md
//
//   θ̂ − θ* = −Σ_j (1 − φ_j) δ_j v_j − δ_⊥ + Σ_j φ_j (u_jᵀξ/s_j) v_j,   δ = θ* − θ_0,   ξ ~ (0, σ² I)
//
//   E (θ̂ − θ*)ᵀ S (θ̂ − θ*) = [(1 − φ)ᵀ Q (1 − φ) + 2 ℓᵀ(1 − φ) + c] + σ² Σ_j φ_j² M_jj / s_j²,   M_jk = v_jᵀ S v_k,
//   Q_jk = δ_j δ_k M_jk,   ℓ_j = δ_j v_jᵀ S δ_⊥,   c = δ_⊥ᵀ S δ_⊥
//
// the bias² and the variance, with the filters φ of either path. For θ* ~ N(θ_0, ϱ² I) the bias² is averaged: Q = ϱ² diag M,
// ℓ = 0, c = ϱ² (tr S − Σ_j M_jj), and the best ridge weight is λ = σ²/ϱ², whatever S.

import { SpecError } from "../engine/errors";
import { array, either, exactly, number, object, parseSpec, refined, type Schema } from "../model/spec";
import type { TensorLike } from "../model/tensor";
import { extremum } from "./linearSearch";
import { flowFiltersOf, readFactor, ridgeFiltersOf, type Spectrum, spectrumTimes } from "./linearSpectrum";

/** A model of the data that the error is expected under. */
export interface LinearRiskOptions {
  /** θ*, [p]; or { deviation: ϱ }, normal about the start. */
  truth: TensorLike | { deviation: number };
  /** σ, deviation of the noise of each entry of b. */
  noise: number;
  /**
   * S of the error (θ̂ − θ*)ᵀ S (θ̂ − θ*): "design" is AᵀA/n, the prediction at the rows of A (default); "identity" is |θ̂ − θ*|²; or the
   * covariance of fresh rows, [p, p], symmetric.
   */
  covariance?: "design" | "identity" | TensorLike;
}

/** An expected error and its parts. */
export interface LinearRisk {
  /** bias + variance */
  risk: number;
  /** squared */
  bias: number;
  variance: number;
}

/** Expected errors along both paths; the noise of a fresh label, σ², is not in them. */
export interface LinearRisks {
  /** Of the flow at t. */
  flow(time: number): LinearRisk;
  /** Of ridge regression of weight λ. */
  ridge(penalty: number): LinearRisk;
  /** Where each is smallest; Infinity is never stopping, or all penalty. */
  best: { flow: LinearRisk & { time: number }; ridge: LinearRisk & { penalty: number } };
  /** The largest risk(flow at t)/risk(ridge at λ = factor/t) over t ≥ 0 (factor 1), and where. */
  inflation(options?: { factor?: number }): { sup: number; time: number };
}

type Covariance = "design" | "identity" | Float64Array;

interface Parsed {
  truth: Float64Array | { deviation: number };
  noise: number;
  covariance: Covariance;
}

const deviation = object("a deviation { deviation }", { deviation: number("a number, 0 or more", (x) => x >= 0) });
const words = "θ*, an array of p numbers, or { deviation }";
const square = refined(array('"design", "identity" or a matrix of shape [p, p]', 2), ({ data, shape }) => ({
  data,
  shape,
}));

const schema: Schema<{
  truth: { deviation: number } | { data: Float64Array };
  noise: number;
  covariance: "design" | "identity" | { data: Float64Array; shape: number[] };
}> = object("a model of the data { truth, noise, covariance }", {
  truth: either<{ deviation: number } | { data: Float64Array }>(words, (x) =>
    typeof x === "object" && x !== null && "deviation" in x ? deviation : array(words, 1),
  ),
  noise: number("σ, a number, 0 or more", (x) => x >= 0),
  covariance: either<"design" | "identity" | { data: Float64Array; shape: number[] }>(
    '"design", "identity" or a matrix of shape [p, p]',
    (x) =>
      x === "design" || x === "identity" ? exactly(x, `"${x}"`) : typeof x === "object" && x !== null ? square : null,
  ),
});

function read(options: LinearRiskOptions, p: number): Parsed {
  const given = { covariance: "design", ...(options as object) };
  const { truth, noise, covariance } = parseSpec(schema, options === undefined ? options : given, "options");
  if ("data" in truth && truth.data.length !== p) {
    throw new SpecError("options.truth", truth.data.length, `${p} numbers, as θ has`);
  }
  return {
    truth: "data" in truth ? truth.data : truth,
    noise,
    covariance: typeof covariance === "string" ? covariance : checkCovariance(covariance, p),
  };
}

function checkCovariance({ data, shape }: { data: Float64Array; shape: number[] }, p: number): Float64Array {
  const path = "options.covariance";
  if (shape[0] !== p || shape[1] !== p) throw new SpecError(path, shape, `shape [${p}, ${p}]`);
  for (let i = 0; i < p; i++) {
    if (data[i * p + i]! < 0) throw new SpecError(`${path}[${i}][${i}]`, data[i * p + i], "a variance, 0 or more");
    for (let j = 0; j < i; j++) {
      const [a, b] = [data[i * p + j]!, data[j * p + i]!];
      if (Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))) continue;
      throw new SpecError(`${path}[${i}][${j}]`, a, `${b}, as in row ${j}: a symmetric matrix`);
    }
  }
  return data;
}

/** See `LinearFlow.risks`. */
export function linearRisks(spectrum: Spectrum, options: LinearRiskOptions): LinearRisks {
  const { truth, noise, covariance } = read(options, spectrum.p);
  const { rank, squares } = spectrum;
  const { diagonal, cross, linear, constant } = biasOf(spectrum, truth, covariance);
  const scale = diagonalOf(spectrum, covariance).map((m, j) => (noise * noise * m) / squares[j]!);

  const riskOf = (filters: Float64Array): LinearRisk => {
    let [bias, variance] = [constant, 0];
    for (let j = 0; j < rank; j++) {
      const left = 1 - filters[j]!;
      let sum = diagonal[j]! * left + 2 * linear[j]!;
      if (cross) for (let k = 0; k < j; k++) sum += 2 * cross[j * rank + k]! * (1 - filters[k]!);
      bias += left * sum;
      variance += scale[j]! * filters[j]! * filters[j]!;
    }
    // a square, but for round-off
    bias = Math.max(0, bias);
    return { risk: bias + variance, bias, variance };
  };
  const flow = (time: number) => riskOf(flowFiltersOf(spectrum, time));
  const ridge = (penalty: number) => riskOf(ridgeFiltersOf(spectrum, penalty));
  const times = spectrumTimes(spectrum, PER_DECADE);
  const penalties = times.map((_, i) => 1 / times[times.length - 1 - i]!);
  const bestTime = least((t) => flow(t).risk, times, [Number.POSITIVE_INFINITY, 0]);
  const bestPenalty = least((l) => ridge(l).risk, penalties, [0, Number.POSITIVE_INFINITY]);

  return {
    flow: (time) => flow(readAmount(time, "time")),
    ridge: (penalty) => ridge(readAmount(penalty, "penalty")),
    best: {
      flow: { time: bestTime, ...flow(bestTime) },
      ridge: { penalty: bestPenalty, ...ridge(bestPenalty) },
    },
    inflation({ factor: asked = 1 } = {}) {
      const factor = readFactor(asked);
      const ratio = (t: number): number => {
        const [a, b] = [flow(t).risk, ridge(factor / t).risk];
        return a === b ? 1 : a / b;
      };
      const { x, value } = extremum(ratio, times, "largest");
      return value > 1 ? { sup: value, time: x } : { sup: 1, time: 0 };
    },
  };
}

const PER_DECADE = 32;

// Where f is smallest over the grid and the two ends, of which the first is taken where nothing is smaller.
function least(f: (x: number) => number, grid: Float64Array, ends: readonly number[]): number {
  return [...ends, extremum(f, grid, "smallest").x].reduce((best, x) => (f(x) < f(best) ? x : best));
}

function readAmount(x: unknown, name: "time" | "penalty"): number {
  if (typeof x === "number" && x >= 0) return x;
  throw new SpecError(name, x, "a number, 0 or more, or Infinity");
}

interface Bias {
  /** Q_jj */
  diagonal: Float64Array;
  /** Q, [rank, rank]; null where it is diagonal */
  cross: Float64Array | null;
  /** ℓ */
  linear: Float64Array;
  /** c */
  constant: number;
}

function biasOf(spectrum: Spectrum, truth: Parsed["truth"], covariance: Covariance): Bias {
  const { p, rank, right, start } = spectrum;
  const M = diagonalOf(spectrum, covariance);
  const linear = new Float64Array(rank);
  if (!(truth instanceof Float64Array)) {
    const squared = truth.deviation * truth.deviation;
    const along = M.reduce((sum, m) => sum + m, 0);
    const rest = Math.max(0, traceOf(spectrum, covariance) - along);
    return { diagonal: M.map((m) => squared * m), cross: null, linear, constant: squared * rest };
  }
  const across = truth.map((x, i) => x - start[i]!);
  const along = new Float64Array(rank);
  for (let j = 0; j < rank; j++) {
    for (let i = 0; i < p; i++) along[j]! += right[j * p + i]! * (truth[i]! - start[i]!);
    for (let i = 0; i < p; i++) across[i]! -= along[j]! * right[j * p + i]!;
  }
  const diagonal = M.map((m, j) => along[j]! * along[j]! * m);
  if (covariance === "design") return { diagonal, cross: null, linear, constant: 0 };
  if (covariance === "identity") return { diagonal, cross: null, linear, constant: dot(across, across) };
  const cross = new Float64Array(rank * rank);
  const image = new Float64Array(p);
  multiply(covariance, across, image);
  const constant = dot(across, image);
  for (let j = 0; j < rank; j++) {
    const v = right.subarray(j * p, (j + 1) * p);
    linear[j] = along[j]! * dot(v, image);
  }
  for (let j = 0; j < rank; j++) {
    multiply(covariance, right.subarray(j * p, (j + 1) * p), image);
    for (let k = 0; k < j; k++) {
      cross[j * rank + k] = along[j]! * along[k]! * dot(right.subarray(k * p, (k + 1) * p), image);
    }
  }
  return { diagonal, cross, linear, constant };
}

// v_jᵀ S v_j
function diagonalOf({ n, p, rank, squares, right }: Spectrum, covariance: Covariance): Float64Array {
  if (covariance === "design") return squares.map((s2) => s2 / n);
  if (covariance === "identity") return new Float64Array(rank).fill(1);
  const image = new Float64Array(p);
  return Float64Array.from({ length: rank }, (_, j) => {
    const v = right.subarray(j * p, (j + 1) * p);
    multiply(covariance, v, image);
    return dot(v, image);
  });
}

function traceOf({ n, p, squares }: Spectrum, covariance: Covariance): number {
  if (covariance === "design") return squares.reduce((sum, s2) => sum + s2, 0) / n;
  if (covariance === "identity") return p;
  let sum = 0;
  for (let i = 0; i < p; i++) sum += covariance[i * p + i]!;
  return sum;
}

function multiply(matrix: Float64Array, x: Float64Array, out: Float64Array): void {
  const p = x.length;
  for (let i = 0; i < p; i++) {
    let sum = 0;
    for (let j = 0; j < p; j++) sum += matrix[i * p + j]! * x[j]!;
    out[i] = sum;
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
