// A finite-sum objective on R^p, given by the gradients of its terms.                    theory §8; docs/modifiedFlows.md
//
//   L(x) = Σ_q m_q ℓ_q(x),   G_q = ∇ℓ_q − ∇L,   A(x, y) = Σ_q m_q G_q(x) ⊗ G_q(y),   Σ(x) = A(x, x)

import { DivergenceError, SpecError } from "../engine/errors";
import { probabilities } from "./probabilities";
import { isRecord } from "./spec";

/** An objective L = Σ_q m_q ℓ_q on R^p of the user's own; as it is functions, it stays in this thread. */
export interface Objective {
  /** p */
  dimension: number;
  /** Q */
  terms: number;
  /** m_q: Q non-negative numbers, divided by their sum (1/Q each) */
  weights?: ArrayLike<number> | null;
  /** Writes ∇ℓ_q(x), p numbers, over `out`. */
  gradient(q: number, x: Float64Array, out: Float64Array): void;
  /** Writes ∇²L(x) v over `out`; left out, it is found by differences of ∇L. */
  hessianVector?(x: Float64Array, v: Float64Array, out: Float64Array): void;
  /** Writes a covariance of the noise, [p, p], over `out`, in place of Σ(x) in the stochastic modified equation. */
  covariance?(x: Float64Array, out: Float64Array): void;
  /** ℓ_q(x) */
  value?(q: number, x: Float64Array): number;
}

/** An objective, checked, as those who move on it see it. */
export interface FiniteSum {
  dimension: number;
  terms: number;
  /** m_q, sum 1 */
  weights: Float64Array;
  /** ∇ℓ_q(x) into `out` */
  gradient(q: number, x: Float64Array, out: Float64Array): void;
  /** All ∇ℓ_q(x) into `out`, [Q, p], and ∇L(x) into `mean`. */
  gradients(x: Float64Array, out: Float64Array, mean: Float64Array): void;
  /** ∇L(x) into `out` */
  mean(x: Float64Array, out: Float64Array): void;
  /** ∇²L(x) v into `out`; null where no function of the user's gives it. */
  hessianVector: ((x: Float64Array, v: Float64Array, out: Float64Array) => void) | null;
  /** A covariance in place of Σ(x) into `out`, [p, p]; null where it is Σ. */
  covariance: ((x: Float64Array, out: Float64Array) => void) | null;
  /** L(x); null where the terms have no values. */
  value: ((x: Float64Array) => number) | null;
}

/** Largest p and Q. */
const MOST_PARAMETERS = 2 ** 20;
const MOST_TERMS = 2 ** 20;

/** Size of a coordinate beyond which a state has diverged, and its gradients are not the user's fault. */
export const FAR = 1e50;

/**
 * An objective, checked. Gradients are looked at whenever they are taken: a number that `out` was not given, or that is not
 * finite, is an error at that term and point.
 *
 * @param objective  of the user
 * @param path       where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function readObjective(objective: Objective, path = "objective"): FiniteSum {
  if (!isRecord(objective)) throw new SpecError(path, objective, "an objective { dimension, terms, gradient }");
  const { dimension: p, terms: Q } = objective;
  const integer = (value: unknown, name: string, most: number) => {
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
    throw new SpecError(`${path}.${name}`, value, `an integer from 1 to ${most}`);
  };
  integer(p, "dimension", MOST_PARAMETERS);
  integer(Q, "terms", MOST_TERMS);
  for (const name of ["gradient", "hessianVector", "covariance", "value"] as const) {
    const given = objective[name];
    if (typeof given === "function" || (given === undefined && name !== "gradient")) continue;
    throw new SpecError(`${path}.${name}`, given, "a function");
  }
  const weights = readWeights(objective.weights ?? null, Q, `${path}.weights`);

  const gradient = (q: number, x: Float64Array, out: Float64Array): void => {
    // loops, as calls of fill, set and subarray take longer than gradients of a few numbers do
    for (let i = 0; i < p; i++) out[i] = Number.NaN;
    objective.gradient(q, x, out);
    for (let i = 0; i < p; i++) if (!Number.isFinite(out[i])) refuse(`${path}.gradient(${q}, x)`, x, out, i);
  };
  const scratch = new Float64Array(p);
  const mean = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < p; i++) out[i] = 0;
    for (let q = 0; q < Q; q++) {
      const mass = weights[q]!;
      if (mass === 0) continue;
      gradient(q, x, scratch);
      for (let i = 0; i < p; i++) out[i]! += mass * scratch[i]!;
    }
  };
  const { value } = objective;
  return {
    dimension: p,
    terms: Q,
    weights,
    gradient,
    mean,
    gradients(x, out, average) {
      for (let i = 0; i < p; i++) average[i] = 0;
      for (let q = 0; q < Q; q++) {
        gradient(q, x, scratch);
        const mass = weights[q]!;
        for (let i = 0; i < p; i++) {
          out[q * p + i] = scratch[i]!;
          average[i]! += mass * scratch[i]!;
        }
      }
    },
    hessianVector: objective.hessianVector ? filled(objective, "hessianVector", `${path}.hessianVector(x, v)`) : null,
    covariance: objective.covariance ? filled(objective, "covariance", `${path}.covariance(x)`) : null,
    value: value
      ? (x) => {
          let sum = 0;
          for (let q = 0; q < Q; q++) sum += weights[q]! * value.call(objective, q, x);
          return sum;
        }
      : null,
  };
}

/** Step of the differences, relative to 1 + |x|: near ∛u, where truncation h²/6 and the round-off u/h of ∇L are both some 1e-11. */
const DIFFERENCE = 1 / 131072;

/**
 * v ↦ ∇²L(x) v of an objective: its own, or by central differences of ∇L along v at the distance (1 + |x|)/2¹⁷: good to some ten
 * digits where the scale of x is about 1.
 *
 * @param sum  the objective
 */
export function hessianVectorOf(sum: FiniteSum): (x: Float64Array, v: Float64Array, out: Float64Array) => void {
  if (sum.hessianVector) return sum.hessianVector;
  const p = sum.dimension;
  const [behind, point] = [new Float64Array(p), new Float64Array(p)];
  return (x, v, out) => {
    const length = norm(v);
    if (length === 0) return void out.fill(0);
    const step = (DIFFERENCE * (1 + norm(x))) / length;
    for (let i = 0; i < p; i++) point[i] = x[i]! + step * v[i]!;
    sum.mean(point, out);
    for (let i = 0; i < p; i++) point[i] = x[i]! - step * v[i]!;
    sum.mean(point, behind);
    for (let i = 0; i < p; i++) out[i] = (out[i]! - behind[i]!) / (2 * step);
  };
}

function readWeights(weights: unknown, terms: number, path: string): Float64Array {
  if (weights === null) return new Float64Array(terms).fill(1 / terms);
  const { length } = weights as ArrayLike<unknown>;
  if (typeof weights !== "object" || length !== terms) {
    throw new SpecError(path, weights, `${terms} numbers, one a term`);
  }
  const listed = Array.from(weights as ArrayLike<number>);
  const bad = listed.findIndex((weight) => !Number.isFinite(weight));
  if (bad >= 0) throw new SpecError(`${path}[${bad}]`, listed[bad], "a finite number");
  return probabilities(listed, path);
}

// A function of the user's that is to fill its last argument.
function filled<A extends Float64Array[]>(
  objective: Objective,
  name: "hessianVector" | "covariance",
  path: string,
): (...parts: A) => void {
  const call = objective[name] as unknown as (...parts: Float64Array[]) => void;
  return (...parts) => {
    const out = parts[parts.length - 1]!;
    out.fill(Number.NaN);
    call.apply(objective, parts);
    for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i])) refuse(path, parts[0]!, out, i);
  };
}

function refuse(path: string, x: Float64Array, out: Float64Array, i: number): never {
  if (x.some((value) => !(Math.abs(value) <= FAR))) {
    throw new DivergenceError("objective", 0, 0, "the state is beyond all bounds, and gradients are no numbers there.");
  }
  const shown = Array.from(x.subarray(0, 8), (value) => Number(value.toPrecision(6))).join(", ");
  const point = `x = [${shown}${x.length > 8 ? ", …" : ""}]`;
  throw new SpecError(
    `${path}[${i}]`,
    out[i],
    `a finite number at ${point}`,
    "The function has to write all numbers of `out`, which holds NaN before: set them, do not add to them.",
  );
}

function norm(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
