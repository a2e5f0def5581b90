// Quadratic terms ℓ_q(x) = ½ xᵀ A_q x − b_qᵀ x: SGD on them is linear, x ← x − η (A_q x − b_q).                        theory §8

import { SpecError } from "../engine/errors";
import type { Objective } from "./objective";
import { probabilities } from "./probabilities";
import { array, object, orNull, parseSpec, refined, type Schema } from "./spec";
import type { Tensor, TensorLike } from "./tensor";

/** Terms ½ xᵀ A_q x − b_qᵀ x. */
export interface LinearProblem {
  /** A_q, symmetric: [Q, p, p] */
  matrices: TensorLike;
  /** b_q: [Q, p] (0) */
  vectors?: TensorLike | null;
  /** m_q: [Q], non-negative, divided by their sum (1/Q each) */
  weights?: TensorLike | null;
}

/** The same, checked. */
export interface LinearTerms {
  dimension: number;
  terms: number;
  /** [Q, p, p] */
  matrices: Float64Array;
  /** [Q, p] */
  vectors: Float64Array;
  /** [Q], sum 1 */
  weights: Float64Array;
}

const schema: Schema<LinearTerms> = refined(
  object("a linear problem { matrices, vectors, weights }", {
    matrices: array("an array of shape [Q, p, p]", 3),
    vectors: orNull(array("an array of shape [Q, p], or null", 2)),
    weights: orNull(array("an array of shape [Q], or null", 1)),
  }),
  ({ matrices, vectors, weights }): LinearTerms => {
    const [Q, p] = matrices.shape as [number, number, number];
    if (Q === 0 || p === 0 || matrices.shape[2] !== p) {
      throw new SpecError("matrices", matrices.shape, "shape [Q, p, p], Q and p 1 or more");
    }
    if (vectors && (vectors.shape[0] !== Q || vectors.shape[1] !== p)) {
      throw new SpecError("vectors", vectors.shape, `shape [${Q}, ${p}], a vector a matrix`);
    }
    if (weights && weights.shape[0] !== Q) {
      throw new SpecError("weights", weights.shape, `shape [${Q}], a weight a matrix`);
    }
    checkSymmetric(matrices, p);
    return {
      dimension: p,
      terms: Q,
      matrices: matrices.data,
      vectors: vectors?.data ?? new Float64Array(Q * p),
      weights: weights ? probabilities(weights.data, "weights") : new Float64Array(Q).fill(1 / Q),
    };
  },
);

/**
 * A linear problem, checked.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function readLinear(value: unknown, path = "problem"): LinearTerms {
  return parseSpec(schema, value, path);
}

/**
 * The objective of quadratic terms.
 *
 * @param problem  A_q, b_q, m_q
 * @throws {SpecError} with the path of the wrong field
 */
export function linearObjective(problem: LinearProblem): Objective {
  const { dimension: p, terms, matrices, vectors, weights } = readLinear(problem);
  const mean = new Float64Array(p * p);
  for (let q = 0; q < terms; q++) {
    for (let at = 0; at < p * p; at++) mean[at]! += weights[q]! * matrices[q * p * p + at]!;
  }
  return {
    dimension: p,
    terms,
    weights,
    gradient(q, x, out) {
      multiply(matrices, q * p * p, x, out);
      for (let i = 0; i < p; i++) out[i]! -= vectors[q * p + i]!;
    },
    hessianVector: (_, v, out) => multiply(mean, 0, v, out),
    value(q, x) {
      let sum = 0;
      for (let i = 0; i < p; i++) {
        let row = 0;
        for (let j = 0; j < p; j++) row += matrices[(q * p + i) * p + j]! * x[j]!;
        sum += x[i]! * (row / 2 - vectors[q * p + i]!);
      }
      return sum;
    },
  };
}

function multiply(matrix: Float64Array, from: number, x: Float64Array, out: Float64Array): void {
  const p = x.length;
  for (let i = 0; i < p; i++) {
    let sum = 0;
    for (let j = 0; j < p; j++) sum += matrix[from + i * p + j]! * x[j]!;
    out[i] = sum;
  }
}

function checkSymmetric({ data, shape }: Tensor<"f64">, p: number): void {
  for (let q = 0; q < shape[0]!; q++) {
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < i; j++) {
        const [here, there] = [data[(q * p + i) * p + j]!, data[(q * p + j) * p + i]!];
        if (Math.abs(here - there) <= 1e-12 * Math.max(Math.abs(here), Math.abs(there))) continue;
        throw new SpecError(`matrices[${q}][${i}][${j}]`, here, `${there}, as in row ${j}: a symmetric matrix`);
      }
    }
  }
}
