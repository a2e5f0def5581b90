// Linear terms, seen from their minimum: SGD's mean and covariance there.                                 docs/finiteSteps.md
//
//   x_k = θ* + z,   z ← z − ε (A_q z − g_q),   g_q = b_q − A_q θ*,   Σ_q m_q g_q = 0,   H = Σ_q m_q A_q
//
// With mean m and covariance Σ of z the noise of one draw has the covariance
//
//   C(m, Σ) = Σ_q m_q [(A_q − H) m − g_q] [·]ᵀ + Σ_q m_q (A_q − H) Σ (A_q − H)

import { SpecError } from "../../engine/errors";
import { unscaled } from "../../model/activation";
import { type LinearProblem, type LinearTerms, readLinear } from "../../model/linearObjective";
import { type ProblemInput, parseProblem } from "../../model/problem";
import { isRecord } from "../../model/spec";
import { type Eigen, symmetricEigen } from "../../model/symmetricEigen";
import { tensor } from "../../model/tensor";

/** Linear terms about their minimum. */
export interface Regression {
  /** p */
  dimension: number;
  /** θ* */
  minimum: Float64Array;
  /** H, [p, p], and its eigenvalues */
  hessian: Float64Array;
  eigen: Eigen;
  /** out = C(m, Σ), [p, p] */
  noise(mean: Float64Array, covariance: Float64Array, out: Float64Array): void;
}

/** Most parameters: the covariances are dense. */
const MOST = 256;

/**
 * Linear terms about their minimum.
 *
 * @param problem  { matrices, vectors, weights }; or a problem of ridge(identity()) units on a finite law, whose mean weight Σ w_i/N moves as
 *                 one regression of x onto y
 * @throws {SpecError} where the Hessian of the mean is not positive definite, or with the path of the wrong field
 */
export function regressionOf(problem: LinearProblem | ProblemInput): Regression {
  const terms = readLinear(isRecord(problem) && "law" in problem ? leastSquares(problem) : problem);
  const { dimension: p, terms: Q, matrices, vectors, weights } = terms;
  if (p > MOST) throw new SpecError("problem", p, `at most ${MOST} parameters, as their covariance is dense`);
  const hessian = new Float64Array(p * p);
  const slope = new Float64Array(p);
  for (let q = 0; q < Q; q++) {
    for (let at = 0; at < p * p; at++) hessian[at]! += weights[q]! * matrices[q * p * p + at]!;
    for (let i = 0; i < p; i++) slope[i]! += weights[q]! * vectors[q * p + i]!;
  }
  const eigen = symmetricEigen(hessian, p);
  const [least, most] = [eigen.values[0]!, eigen.values[p - 1]!];
  if (!(least > 1e-12 * Math.abs(most))) {
    const found = `eigenvalues from ${Number(least.toPrecision(4))} to ${Number(most.toPrecision(4))}`;
    const remedy = "A little ridge, λ I in each matrix or quadratic(λ) as confinement, makes it so.";
    throw new SpecError(
      "problem.matrices",
      found,
      "a mean with positive eigenvalues, so that there is one minimum",
      remedy,
    );
  }
  const minimum = new Float64Array(p);
  for (let k = 0; k < p; k++) {
    let along = 0;
    for (let i = 0; i < p; i++) along += eigen.vectors[i * p + k]! * slope[i]!;
    for (let i = 0; i < p; i++) minimum[i]! += (along / eigen.values[k]!) * eigen.vectors[i * p + k]!;
  }
  return { dimension: p, minimum, hessian, eigen, noise: noiseOf(terms, hessian, minimum) };
}

function noiseOf(
  { dimension: p, terms: Q, matrices, vectors, weights }: LinearTerms,
  hessian: Float64Array,
  minimum: Float64Array,
) {
  // A_q − H, and g_q
  const turns = Float64Array.from(matrices, (a, at) => a - hessian[at % (p * p)]!);
  const kicks = vectors.slice();
  for (let q = 0; q < Q; q++) {
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < p; j++) kicks[q * p + i]! -= matrices[(q * p + i) * p + j]! * minimum[j]!;
    }
  }
  const alike = turns.every((a) => a === 0);
  const push = new Float64Array(p);
  const half = new Float64Array(p * p);
  return (mean: Float64Array, covariance: Float64Array, out: Float64Array): void => {
    out.fill(0);
    for (let q = 0; q < Q; q++) {
      const at = q * p * p;
      for (let i = 0; i < p; i++) {
        let sum = -kicks[q * p + i]!;
        for (let j = 0; j < p; j++) sum += turns[at + i * p + j]! * mean[j]!;
        push[i] = sum;
      }
      const mass = weights[q]!;
      for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) out[i * p + j]! += mass * push[i]! * push[j]!;
      if (alike) continue;
      multiply(turns.subarray(at, at + p * p), covariance, p, half);
      for (let i = 0; i < p; i++) {
        for (let j = 0; j < p; j++) {
          let sum = 0;
          for (let l = 0; l < p; l++) sum += half[i * p + l]! * turns[at + j * p + l]!;
          out[i * p + j]! += mass * sum;
        }
      }
    }
  };
}

/** out = a b, [p, p] */
export function multiply(a: Float64Array, b: Float64Array, p: number, out: Float64Array): void {
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < p; j++) {
      let sum = 0;
      for (let l = 0; l < p; l++) sum += a[i * p + l]! * b[l * p + j]!;
      out[i * p + j] = sum;
    }
  }
}

// ½ (y − α⟨w, x⟩)² + (λ/2)|w − c|²: A_q = α² x xᵀ + λ, b_q = α y x + λ c
function leastSquares(input: ProblemInput): LinearProblem {
  const { law, unit, loss, confinement } = parseProblem(input);
  const { factor, activation } = unscaled(unit.activation);
  if (law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset", a finite law', remedy);
  }
  if (unit.kind !== "ridge" || activation.kind !== "identity") {
    throw new SpecError("problem.unit", unit.kind, "ridge(identity()), a linear regression");
  }
  if (loss !== "squared") throw new SpecError("problem.loss", loss, '"squared", as steps are linear');
  if (confinement !== null && confinement.kind !== "quadratic") {
    throw new SpecError("problem.confinement", confinement.kind, "null or quadratic(…), as steps are linear");
  }
  const [Q, d] = law.x.shape as [number, number];
  const matrices = new Float64Array(Q * d * d);
  const vectors = new Float64Array(Q * d);
  for (let q = 0; q < Q; q++) {
    const x = law.x.data.subarray(q * d, (q + 1) * d);
    const pull = confinement ? confinement.weight * (law.decay?.data[q] ?? 1) : 0;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++)
        matrices[(q * d + i) * d + j] = factor * factor * x[i]! * x[j]! + (i === j ? pull : 0);
      vectors[q * d + i] = factor * law.y.data[q]! * x[i]! + pull * (confinement?.center ?? 0);
    }
  }
  return {
    matrices: tensor(matrices, [Q, d, d]),
    vectors: tensor(vectors, [Q, d]),
    weights: law.weights,
  };
}
