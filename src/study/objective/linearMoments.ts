// First and second moments of SGD on quadratic terms, exactly, and of the flows in its place: the oracle of weak errors.
//                                                                                            theory §8; docs/modifiedFlows.md
//   x ← x − η (A_q x − b_q),   m_s = E x_s,   P_sr = E x_s x_rᵀ,   s and r two starts under one noise
//
//   SGD    m ← m − η(Ā m − b̄),   P ← P − η(Ḡ + Ḡ') + η² (S/B + (1 − 1/B) S̄)
//   flows  m' = −(1 + (η/2)Ā)(Ā m − b̄),   P' = the same twice + (η/B)(S − S̄)
//
// with S = E Σ_q m_q (A_q x_s − b_q)(A_q x_r − b_q)ᵀ and S̄ the same of the means Ā, b̄: both are linear in (1, m, P).

import { SpecError } from "../../engine/errors";
import { type LinearProblem, type LinearTerms, readLinear } from "../../model/linearObjective";
import { parseTimes } from "../../process/schema";
import {
  METHODS,
  type Method,
  readChoice,
  readFields,
  readInteger,
  readOrder,
  readPositive,
  readStarts,
} from "./options";

/** What `linearMoments` is asked for. */
export interface MomentOptions {
  method: Method;
  /** Of the flows' drift (1). */
  order?: 1 | 2;
  /** η */
  stepSize: number;
  /** B (1) */
  batchSize?: number;
  /** Ascending; for SGD each is rounded to whole steps. */
  times: ArrayLike<number>;
  /** Points of R^p under one noise. */
  starts: readonly ArrayLike<number>[];
}

/** Moments at several times. */
export interface LinearMoments {
  times: Float64Array;
  /** E x_s: [times, starts, p] */
  means: Float64Array;
  /** E x_s x_rᵀ: [times, starts, starts, p, p] */
  products: Float64Array;
}

/** See the function of the same name in src/study/onDemand.ts. */
export function linearMoments(problem: LinearProblem, options: MomentOptions): LinearMoments {
  const terms = readLinear(problem);
  readFields(options, "options", ["method", "order", "stepSize", "batchSize", "times", "starts"]);
  const p = terms.dimension;
  const method = readChoice(options.method, "method", METHODS);
  const order = readOrder(options.order ?? 1, "order");
  const stepSize = readPositive(options.stepSize, "stepSize");
  const batchSize = readInteger(options.batchSize ?? 1, "batchSize", 1, 2 ** 20);
  const asked = parseTimes(Array.isArray(options.times) ? options.times : Float64Array.from(options.times ?? []));
  const starts = readStarts(options.starts, p);
  const S = starts.length / p;
  if (method === "sme" && S > 1) {
    throw new SpecError(
      "starts",
      `${S} points`,
      "one point, as the two-point moments of the stochastic modified equation are not closed",
      "Sample them with objectivePaths.",
    );
  }
  const state = startState(starts, p);
  const means = new Float64Array(asked.length * S * p);
  const products = new Float64Array(asked.length * S * S * p * p);
  const keep = (t: number) => {
    means.set(state.subarray(1, 1 + S * p), t * S * p);
    products.set(state.subarray(1 + S * p), t * S * S * p * p);
  };
  const push = generatorOf(terms, S, { method, order, stepSize, batchSize });
  if (method === "sgd") {
    const steps = asked.map((t) => Math.round(t / stepSize));
    let k = 0;
    const change = new Float64Array(state.length);
    steps.forEach((end, t) => {
      for (; k < end; k++) {
        push(state, change);
        for (let i = 0; i < state.length; i++) state[i]! += change[i]!;
      }
      keep(t);
    });
    return { times: steps.map((n) => n * stepSize), means, products };
  }
  const speed = speedOf(terms, { order, stepSize, batchSize });
  asked.forEach((t, i) => {
    exponential(push, state, t - (i === 0 ? 0 : asked[i - 1]!), speed);
    keep(i);
  });
  return { times: asked, means, products };
}

// (1, m_1 … m_S, P_11, P_12 …)
function startState(starts: Float64Array, p: number): Float64Array {
  const S = starts.length / p;
  const state = new Float64Array(1 + S * p + S * S * p * p);
  state[0] = 1;
  state.set(starts, 1);
  for (let s = 0, at = 1 + S * p; s < S; s++) {
    for (let r = 0; r < S; r++) {
      for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) state[at++] = starts[s * p + i]! * starts[r * p + j]!;
    }
  }
  return state;
}

// The change of the moments by a step of SGD, or their time derivative along a flow: linear in the state.
function generatorOf(
  { dimension: p, terms: Q, matrices, vectors, weights }: LinearTerms,
  S: number,
  dynamics: { method: Method; order: 1 | 2; stepSize: number; batchSize: number },
): (state: Float64Array, out: Float64Array) => void {
  const { method, order, stepSize: eta, batchSize: B } = dynamics;
  const mean = { matrix: new Float64Array(p * p), vector: new Float64Array(p) };
  for (let q = 0; q < Q; q++) {
    for (let at = 0; at < p * p; at++) mean.matrix[at]! += weights[q]! * matrices[q * p * p + at]!;
    for (let i = 0; i < p; i++) mean.vector[i]! += weights[q]! * vectors[q * p + i]!;
  }
  const sgd = method === "sgd";
  // the drift is −(C x − d)
  const drift = sgd ? scaled(mean, eta) : order === 2 ? corrected(mean, eta) : mean;
  const noise = method === "gradientFlow" ? 0 : sgd ? (eta * eta) / B : eta / B;
  const square = sgd ? eta * eta * (1 - 1 / B) : -noise;
  const term = (q: number) => ({
    matrix: matrices.subarray(q * p * p, (q + 1) * p * p),
    vector: vectors.subarray(q * p, (q + 1) * p),
  });
  return (state, out) => {
    const one = state[0]!;
    out.fill(0);
    for (let s = 0; s < S; s++) {
      const m = state.subarray(1 + s * p, 1 + (s + 1) * p);
      for (let i = 0; i < p; i++) {
        let sum = -drift.vector[i]! * one;
        for (let j = 0; j < p; j++) sum += drift.matrix[i * p + j]! * m[j]!;
        out[1 + s * p + i] = -sum;
      }
    }
    for (let s = 0; s < S; s++) {
      for (let r = 0; r < S; r++) {
        const at = 1 + S * p + (s * S + r) * p * p;
        const left = state.subarray(1 + s * p, 1 + (s + 1) * p);
        const right = state.subarray(1 + r * p, 1 + (r + 1) * p);
        const product = state.subarray(at, at + p * p);
        const to = out.subarray(at, at + p * p);
        addDrift(drift, left, right, product, to);
        if (noise !== 0)
          for (let q = 0; q < Q; q++) addProduct(term(q), one, left, right, product, noise * weights[q]!, to);
        if (square !== 0) addProduct(mean, one, left, right, product, square, to);
      }
    }
  };
}

interface Affine {
  /** [p, p] */
  matrix: Float64Array;
  /** [p] */
  vector: Float64Array;
}

function scaled({ matrix, vector }: Affine, by: number): Affine {
  return { matrix: matrix.map((a) => by * a), vector: vector.map((b) => by * b) };
}

// (1 + (η/2) Ā)(Ā x − b̄)
function corrected({ matrix, vector }: Affine, eta: number): Affine {
  const p = vector.length;
  const result = { matrix: matrix.slice(), vector: vector.slice() };
  for (let i = 0; i < p; i++) {
    for (let l = 0; l < p; l++) {
      const factor = (eta / 2) * matrix[i * p + l]!;
      for (let j = 0; j < p; j++) result.matrix[i * p + j]! += factor * matrix[l * p + j]!;
      result.vector[i]! += factor * vector[l]!;
    }
  }
  return result;
}

// E[−(C x − d) yᵀ − x (C y − d)ᵀ]
function addDrift(
  { matrix, vector }: Affine,
  x: Float64Array,
  y: Float64Array,
  xy: Float64Array,
  out: Float64Array,
): void {
  const p = x.length;
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      let sum = vector[i]! * y[j]! + x[i]! * vector[j]!;
      for (let l = 0; l < p; l++) sum -= matrix[i * p + l]! * xy[l * p + j]! + xy[i * p + l]! * matrix[j * p + l]!;
      out[i * p + j]! += sum;
    }
  }
}

// factor · E (A x − b)(A y − b)ᵀ; `one` is E 1, as a term of a series has other moments than a law
function addProduct(
  { matrix, vector }: Affine,
  one: number,
  x: Float64Array,
  y: Float64Array,
  xy: Float64Array,
  factor: number,
  out: Float64Array,
): void {
  const p = x.length;
  const ax = new Float64Array(p);
  const ay = new Float64Array(p);
  const axy = new Float64Array(p * p);
  for (let i = 0; i < p; i++) {
    for (let l = 0; l < p; l++) {
      ax[i]! += matrix[i * p + l]! * x[l]!;
      ay[i]! += matrix[i * p + l]! * y[l]!;
      for (let j = 0; j < p; j++) axy[i * p + j]! += matrix[i * p + l]! * xy[l * p + j]!;
    }
  }
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      let sum = one * vector[i]! * vector[j]! - ax[i]! * vector[j]! - vector[i]! * ay[j]!;
      for (let l = 0; l < p; l++) sum += axy[i * p + l]! * matrix[j * p + l]!;
      out[i * p + j]! += factor * sum;
    }
  }
}

// A bound on the size of the generator, for the length of the exponential's parts.
function speedOf(
  { dimension: p, terms: Q, matrices, vectors, weights }: LinearTerms,
  { order, stepSize: eta, batchSize }: { order: 1 | 2; stepSize: number; batchSize: number },
): number {
  let first = 0;
  let second = 0;
  for (let q = 0; q < Q; q++) {
    let squares = 0;
    for (let at = 0; at < p * p; at++) squares += matrices[q * p * p + at]! * matrices[q * p * p + at]!;
    for (let i = 0; i < p; i++) squares += vectors[q * p + i]! * vectors[q * p + i]!;
    first += weights[q]! * Math.sqrt(squares);
    second += weights[q]! * squares;
  }
  return 2 * first + (order === 2 ? eta * first * first : 0) + (4 * eta * second) / batchSize;
}

const TAYLOR = 30;

// exp(tM) applied to the state: Taylor's series over parts of length at most 1/‖M‖, where 30 terms leave 1e-32.
function exponential(
  apply: (state: Float64Array, out: Float64Array) => void,
  state: Float64Array,
  time: number,
  speed: number,
): void {
  const parts = Math.max(1, Math.ceil(time * speed));
  if (!(parts <= 1e7)) {
    throw new SpecError("times", time, `a time of at most ${1e7 / speed}, as moments change at the rate ${speed}`);
  }
  const h = time / parts;
  const [term, next] = [state.slice(), new Float64Array(state.length)];
  for (let part = 0; part < parts; part++) {
    term.set(state);
    for (let n = 1; n <= TAYLOR; n++) {
      apply(term, next);
      for (let i = 0; i < state.length; i++) {
        term[i] = (h / n) * next[i]!;
        state[i]! += term[i]!;
      }
    }
  }
}
