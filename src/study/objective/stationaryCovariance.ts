// The stationary covariance of SGD with a constant step at a minimum, and its limit for small steps.                docs/finiteSteps.md
//
//   H Σ + Σ H − ε H Σ H = (ε/B) C(Σ),   C(Σ) = C + Σ_q m_q (A_q − H) Σ (A_q − H),   C = Σ_q m_q g_q g_qᵀ
//
// The right side is positive and grows with Σ, so that the solutions Σ_{n+1} of the equation with C(Σ_n), from Σ_0 = 0, ascend to Σ where
// there is one. In the eigenvectors of H each is a division by λ_i + λ_j − ε λ_i λ_j.

import { SpecError } from "../../engine/errors";
import type { LinearProblem } from "../../model/linearObjective";
import type { ProblemInput } from "../../model/problem";
import { isRecord } from "../../model/spec";
import { type Eigen, symmetricEigen } from "../../model/symmetricEigen";
import { readTensor, type TensorLike, toF64 } from "../../model/tensor";
import { readFields, readInteger, readPositive } from "./options";
import { multiply, regressionOf } from "./regression";

/** A minimum of a smooth loss, to second order. */
export interface QuadraticMinimum {
  /** H, symmetric and positive definite: [p, p] */
  hessian: TensorLike;
  /** C, covariance of the gradient of one example there: [p, p] */
  noise: TensorLike;
}

/** What `stationaryCovariance` is asked for. */
export interface StationaryOptions {
  /** ε */
  stepSize: number;
  /** B (1) */
  batchSize?: number;
}

/** The fluctuation of SGD about a minimum. */
export interface StationaryCovariance {
  /** θ*; null where only the Hessian is known */
  minimum: Float64Array | null;
  /** Σ, [p, p] row-major: of linear terms exactly, with the noise that grows with the distance to θ* */
  covariance: Float64Array;
  /** The solution of HΣ + ΣH − εHΣH = (ε/B) C, with the noise at θ* everywhere: [p, p] */
  additive: Float64Array;
  /** Σ/ε as ε → 0, which solves HΣ + ΣH = C/B: [p, p]. It is the covariance of ε_k^{−1/2}(θ_k − θ*) along steps that fall slower than 1/k */
  limit: Float64Array;
}

/** See the function of the same name in src/study/onDemand.ts. */
export function stationaryCovariance(
  problem: LinearProblem | ProblemInput | QuadraticMinimum,
  options: StationaryOptions,
): StationaryCovariance {
  readFields(options, "options", ["stepSize", "batchSize"]);
  const stepSize = readPositive(options.stepSize, "stepSize");
  const batchSize = readInteger(options.batchSize ?? 1, "batchSize", 1, 2 ** 20);
  const found = isLocal(problem) ? minimumOf(problem) : regressionOf(problem);
  const { dimension: p, eigen, minimum, noise } = found;
  const fastest = eigen.values[p - 1]!;
  if (!(stepSize * fastest < 2)) {
    throw new SpecError("stepSize", stepSize, `below 2/λ_max = ${2 / fastest}, as steps are unstable beyond`);
  }
  const solve = (right: Float64Array, step: number): Float64Array =>
    inEigenvectors(eigen, right, (i, j) => {
      const [a, b] = [eigen.values[i]!, eigen.values[j]!];
      return 1 / (batchSize * (a + b - step * a * b));
    });
  const centre = new Float64Array(p);
  const right = new Float64Array(p * p);
  noise(centre, new Float64Array(p * p), right);
  const limit = solve(right, 0);
  const additive = solve(right, stepSize).map((value) => stepSize * value);
  let covariance = additive;
  for (let n = 0; ; n++) {
    noise(centre, covariance, right);
    const next = solve(right, stepSize).map((value) => stepSize * value);
    const [far, size] = [distance(next, covariance), distance(next, null)];
    covariance = next;
    if (far <= 1e-15 * size) break;
    if (n === MOST_ROUNDS || !(size < 1e100)) {
      const remedy = "The noise grows with the distance to the minimum; smaller steps or larger batches have one.";
      throw new SpecError("stepSize", stepSize, "a step with a stationary law of finite variance", remedy);
    }
  }
  return { minimum, covariance, additive, limit };
}

const MOST_ROUNDS = 20000;

// Σ_k of the covariance is S F ∘ (S^T C S) S^T
function inEigenvectors(
  { vectors }: Eigen,
  matrix: Float64Array,
  factor: (i: number, j: number) => number,
): Float64Array {
  const p = Math.round(Math.sqrt(matrix.length));
  const turned = new Float64Array(p * p);
  for (let i = 0; i < p; i++) for (let k = 0; k < p; k++) turned[k * p + i] = vectors[i * p + k]!;
  const [half, whole] = [new Float64Array(p * p), new Float64Array(p * p)];
  multiply(turned, matrix, p, half);
  multiply(half, vectors, p, whole);
  for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) whole[i * p + j]! *= factor(i, j);
  multiply(vectors, whole, p, half);
  multiply(half, turned, p, whole);
  return whole;
}

function isLocal(problem: LinearProblem | ProblemInput | QuadraticMinimum): problem is QuadraticMinimum {
  return isRecord(problem) && "hessian" in problem;
}

function minimumOf({ hessian, noise }: QuadraticMinimum) {
  const read = (value: TensorLike, path: string) => toF64(readTensor(value, path));
  const h = read(hessian, "problem.hessian");
  const p = h.shape[0]!;
  if (h.shape.length !== 2 || p === 0 || h.shape[1] !== p) {
    throw new SpecError("problem.hessian", h.shape, "shape [p, p]");
  }
  const c = read(noise, "problem.noise");
  if (c.shape.length !== 2 || c.shape[0] !== p || c.shape[1] !== p) {
    throw new SpecError("problem.noise", c.shape, `shape [${p}, ${p}], as the Hessian has`);
  }
  const eigen = symmetricEigen(h.data, p);
  if (!(eigen.values[0]! > 1e-12 * Math.abs(eigen.values[p - 1]!))) {
    const remedy = "Where directions are flat there is no stationary law; project them out.";
    throw new SpecError("problem.hessian", eigen.values[0], "positive eigenvalues", remedy);
  }
  return {
    dimension: p,
    minimum: null,
    eigen,
    noise: (_: Float64Array, __: Float64Array, out: Float64Array) => out.set(c.data),
  };
}

function distance(a: Float64Array, b: Float64Array | null): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - (b ? b[i]! : 0)));
  return most;
}
