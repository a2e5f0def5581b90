// Gradient flow on a linear model as a regulariser, exactly by the singular values of A.        theory §10; docs/regularisation.md
//
//   L = ½|Aθ − b|² or |Aθ − b|²,   A = Σ_j s_j u_j v_jᵀ,   κ = 1 or 2
//
//   θ(t) = θ_0 + Σ_j (1 − e^{−κts_j²}) γ_j v_j,   γ_j = u_jᵀ(b − Aθ_0)/s_j                             gradient flow
//   θ_λ  = θ_0 + Σ_j s_j²/(s_j² + λ) γ_j v_j      minimises |Aθ − b|² + λ|θ − θ_0|²                    ridge regression
//   θ_k  = θ_0 + Σ_j (1 − (1 − ηκs_j²)^k) γ_j v_j                                                      gradient descent
//   θ_∞  = θ_0 + A⁺(b − Aθ_0)                     the minimiser nearest to θ_0

import { SpecError } from "../engine/errors";
import type { LinearProblem } from "../model/linearObjective";
import { array, choice, number, object, optional, orNull, parseSpec, refined, type Schema } from "../model/spec";
import { type TensorLike, tensor } from "../model/tensor";
import { type LinearRiskOptions, type LinearRisks, linearRisks } from "./linearRisk";
import { extremum } from "./linearSearch";
import {
  decomposition,
  flowFiltersOf,
  readFactor,
  ridgeFiltersOf,
  type Spectrum,
  spectrumTimes,
} from "./linearSpectrum";

/** Which loss: "half" is L = ½|Aθ − b|², "whole" is L = |Aθ − b|², on which the flow is twice as fast. */
export type LinearConvention = "half" | "whole";

/** A linear model and where its flow starts. */
export interface LinearFlowOptions {
  /** A: [n, p] */
  A: TensorLike;
  /** b: [n] */
  b: TensorLike;
  /** θ_0: [p] (0) */
  start?: TensorLike | null;
  convention: LinearConvention;
  /** Singular values at or below this part of the largest count as 0 (2^−52 max(n, p)). */
  cutoff?: number | null;
}

/** How far the flow is from the ridge path. */
export interface RidgeGap {
  /** Ascending. */
  times: Float64Array;
  /** |θ(t) − θ_λ| / |θ(t) − θ_0| at λ = factor/t. */
  relative: Float64Array;
  /** The largest of it over all t > 0. */
  sup: number;
  /** Where it is reached; 0 where it is the limit as t → 0. */
  time: number;
}

/** The flow of a linear model; its functions take times in units of dθ/dt = −∇L. */
export interface LinearFlow {
  /** [n, p] */
  shape: [number, number];
  convention: LinearConvention;
  /** All min(n, p) of A, descending. */
  singularValues: Float64Array;
  /** How many count, and the largest that does not by its size: those at or below it are 0. */
  rank: number;
  cutoff: number;
  /** s_1/s_rank, by which the round-off of A and b may be larger in θ_∞; 1 where A is 0. */
  condition: number;
  start: Float64Array;
  /** θ_∞, the minimiser nearest to the start: [p] */
  limit: Float64Array;
  /** A⁺b, the minimiser of least norm; the limit from 0. */
  minimumNorm: Float64Array;
  /** Smallest |Aθ − b|; round-off where b can be fitted. */
  residual: number;
  /** L(θ) */
  loss(theta: ArrayLike<number>): number;
  /** θ(t); at t = Infinity the limit. */
  flow(time: number): Float64Array;
  /** The minimiser of |Aθ − b|² + λ|θ − θ_0|², in either convention; at λ = 0 the limit. */
  ridge(penalty: number): Float64Array;
  /** θ after k steps of gradient descent, θ ← θ − η∇L. */
  descent(steps: number, stepSize: number): Float64Array;
  /** 1 − e^{−κts²} of each singular value that counts. */
  flowFilters(time: number): Float64Array;
  /** s²/(s² + λ) of each. */
  ridgeFilters(penalty: number): Float64Array;
  /**
   * How far θ(t) is from θ_λ at λ = factor/t, relative to how far it has come: the lecture's is factor 1; for "whole" factor ½ is what
   * agrees at small t.
   *
   * @param options  factor (1); times: where it is asked (64 a decade over all that the singular values see)
   */
  gap(options?: { factor?: number; times?: ArrayLike<number> }): RidgeGap;
  /** Expected errors along both paths, where b = Aθ* + noise; see `LinearRiskOptions`. */
  risks(options: LinearRiskOptions): LinearRisks;
  /** The loss as the mean of n terms ℓ_q = (κn/2)(a_qᵀθ − b_q)² but for a constant, for `linearObjective` and `linearMoments`. */
  terms(): LinearProblem;
}

/** Most multiplications of a decomposition, n p min(n, p): some ten seconds. */
const MOST = 2 ** 28;

/** Singular values whose squares are no numbers count as 0. */
const LEAST = 1e-150;

interface Parsed {
  A: Float64Array;
  b: Float64Array;
  start: Float64Array;
  n: number;
  p: number;
  convention: LinearConvention;
  cutoff: number;
}

const schema: Schema<Parsed> = refined(
  object("a linear model { A, b, start, convention }", {
    A: array("a matrix of shape [n, p]", 2),
    b: array("an array of n numbers", 1),
    start: orNull(array("an array of p numbers, or null", 1)),
    convention: choice("half", "whole"),
    cutoff: optional(orNull(number("a number in [0, 1)", (x) => x >= 0 && x < 1)), null),
  }),
  ({ A, b, start, convention, cutoff }): Parsed => {
    const [n, p] = A.shape as [number, number];
    if (b.data.length !== n) throw new SpecError("b", b.data.length, `${n} numbers, one a row of A`);
    if (start && start.data.length !== p) throw new SpecError("start", start.data.length, `${p} numbers, as θ has`);
    if (n * p * Math.min(n, p) > MOST) {
      throw new SpecError(
        "A",
        A.shape,
        `a matrix with n p min(n, p) ≤ 2^28, as its decomposition takes that many multiplications`,
        "gradientFlow with ridge(identity()) units on a dataset follows the same flow without a decomposition.",
      );
    }
    return {
      A: A.data,
      b: b.data,
      start: start ? Float64Array.from(start.data) : new Float64Array(p),
      n,
      p,
      convention,
      cutoff: cutoff ?? Math.max(n, p) * Number.EPSILON,
    };
  },
);

/** See the function of the same name in src/landscape/onDemand.ts. */
export async function linearFlow(options: LinearFlowOptions): Promise<LinearFlow> {
  const { A, b, start, n, p, convention, cutoff: relative } = parseSpec(schema, options, "options");
  const speed = convention === "half" ? 1 : 2;
  const { values, left, right } = await decomposition(A, n, p);
  const cutoff = Math.max(relative * values[0]!, LEAST);
  const rank = values.filter((s) => s > cutoff).length;
  const squares = values.slice(0, rank).map((s) => s * s);

  const residualOf = (theta: ArrayLike<number>): Float64Array => {
    const r = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = b[i]!;
      for (let j = 0; j < p; j++) sum -= A[i * p + j]! * theta[j]!;
      r[i] = sum;
    }
    return r;
  };
  // γ_j of a residual
  const amounts = (residual: Float64Array): Float64Array =>
    Float64Array.from({ length: rank }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += left[j * n + i]! * residual[i]!;
      return sum / values[j]!;
    });
  const point = (from: Float64Array, filters: ArrayLike<number>, gamma: Float64Array): Float64Array => {
    const theta = from.slice();
    for (let j = 0; j < rank; j++) {
      const amount = filters[j]! * gamma[j]!;
      for (let i = 0; i < p; i++) theta[i]! += amount * right[j * p + i]!;
    }
    return theta;
  };

  const gamma = amounts(residualOf(start));
  const all = new Float64Array(rank).fill(1);
  const limit = point(start, all, gamma);
  const spectrum: Spectrum = { n, p, speed, rank, squares, right: right.slice(0, rank * p), start };
  const flowFilters = (time: number) => flowFiltersOf(spectrum, readTime(time));
  const ridgeFilters = (penalty: number) => ridgeFiltersOf(spectrum, readPenalty(penalty));

  return {
    shape: [n, p],
    convention,
    singularValues: values,
    rank,
    cutoff,
    condition: rank === 0 ? 1 : values[0]! / values[rank - 1]!,
    start: start.slice(),
    limit: limit.slice(),
    minimumNorm: point(new Float64Array(p), all, amounts(b)),
    residual: Math.sqrt(squaresOf(residualOf(limit))),
    loss(theta) {
      return (speed / 2) * squaresOf(residualOf(readPoint(theta, p)));
    },
    flow: (time) => point(start, flowFilters(time), gamma),
    ridge: (penalty) => point(start, ridgeFilters(penalty), gamma),
    descent(steps, stepSize) {
      if (!(Number.isInteger(steps) && steps >= 0)) throw new SpecError("steps", steps, "a whole number, 0 or more");
      if (!(stepSize > 0 && stepSize <= 1e100)) throw new SpecError("stepSize", stepSize, "a positive number");
      return point(
        start,
        squares.map((s2) => 1 - integerPower(1 - stepSize * speed * s2, steps)),
        gamma,
      );
    },
    flowFilters,
    ridgeFilters,
    gap: (asked = {}) => gapOf(spectrum, gamma, asked),
    risks: (asked) => linearRisks(spectrum, asked),
    terms: () => termsOf(A, b, n, p, speed),
  };
}

/** A time, or Infinity. */
function readTime(time: unknown): number {
  if (typeof time === "number" && time >= 0) return time;
  throw new SpecError("time", time, "a number, 0 or more, or Infinity");
}

function readPenalty(penalty: unknown): number {
  if (typeof penalty === "number" && penalty >= 0) return penalty;
  throw new SpecError("penalty", penalty, "λ, a number, 0 or more, or Infinity");
}

function readPoint(theta: ArrayLike<number>, p: number): Float64Array {
  const found = typeof theta === "object" && theta !== null ? Float64Array.from(theta) : new Float64Array(0);
  if (found.length === p && found.every((x) => Number.isFinite(x))) return found;
  throw new SpecError("theta", theta, `${p} finite numbers`);
}

const PER_DECADE = 64;

function gapOf(
  spectrum: Spectrum,
  gamma: Float64Array,
  { factor: asked = 1, times: given }: { factor?: number; times?: ArrayLike<number> },
): RidgeGap {
  const factor = readFactor(asked);
  const times = given === undefined ? spectrumTimes(spectrum, PER_DECADE) : Float64Array.from(given);
  times.forEach((t, i) => {
    if (!(t > 0 && t < Number.POSITIVE_INFINITY)) throw new SpecError(`times[${i}]`, t, "a positive number");
  });
  const moved = gamma.some((g) => g !== 0);
  const at = (time: number): number => {
    if (!moved) return 0;
    const [flow, ridge] = [flowFiltersOf(spectrum, time), ridgeFiltersOf(spectrum, factor / time)];
    let [apart, come] = [0, 0];
    for (let j = 0; j < spectrum.rank; j++) {
      const [d, f] = [(flow[j]! - ridge[j]!) * gamma[j]!, flow[j]! * gamma[j]!];
      apart += d * d;
      come += f * f;
    }
    return Math.sqrt(apart / come);
  };
  const top = moved ? extremum(at, spectrumTimes(spectrum, PER_DECADE), "largest") : { x: 0, value: 0 };
  // 1 − e^{−x} and x/(1 + x) with their slopes κ and 1/factor in ts²
  const first = moved ? Math.abs(1 - 1 / (spectrum.speed * factor)) : 0;
  return {
    times,
    relative: times.map(at),
    sup: Math.max(first, top.value),
    time: first >= top.value ? 0 : top.x,
  };
}

function termsOf(A: Float64Array, b: Float64Array, n: number, p: number, speed: number): LinearProblem {
  const matrices = new Float64Array(n * p * p);
  const vectors = new Float64Array(n * p);
  for (let q = 0; q < n; q++) {
    for (let i = 0; i < p; i++) {
      const a = speed * n * A[q * p + i]!;
      vectors[q * p + i] = a * b[q]!;
      for (let j = 0; j < p; j++) matrices[(q * p + i) * p + j] = a * A[q * p + j]!;
    }
  }
  return { matrices: tensor(matrices, [n, p, p]), vectors: tensor(vectors, [n, p]) };
}

function integerPower(base: number, exponent: number): number {
  let result = 1;
  for (let [square, k] = [base, exponent]; k > 0; k = Math.floor(k / 2), square *= square) {
    if (k % 2 === 1) result *= square;
  }
  return result;
}

function squaresOf(x: Float64Array): number {
  let squares = 0;
  for (const one of x) squares += one * one;
  return squares;
}
