// The mean-field Ornstein–Uhlenbeck process as a network, and the law of its discrete steps.
//
// dX = −[(M − c) + bX] dt + σ dW, b = τκ, τ = σ²/2, is a network of ridge(identity()) units on one example, x = 1 and y = c, with
// the confinement bθ²/2. A step of size ε is linear and its noise normal, so the law after k steps is known. With p = 1 − εb,
// q = 1 − ε(1 + b), and where the examples' labels scatter by s about c (batches of B):
//
//   x̄ = N⁻¹ Σ θ_i is normal:     M ← q M + εc,   N Var x̄ = S,   S ← q² S + 2τε + ε² N s²/B
//   independent of it are the     (N−1)⁻¹ Σ (θ_i − x̄)² = W χ²_{N−1}/(N−1),   W ← p² W + 2τε

import type { Backend } from "../../src/engine/kernels";
import { identity } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { type Problem, parseProblem, potentialProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { ridge } from "../../src/model/unit";
import type { Process, Schedule } from "../../src/process/schema";
import { scheduleFactor } from "../../src/process/steps";
import { solve } from "../../src/study/solve";
import reference from "../reference/langevin.json";

const { c, kappa, sigma, M0, v0 } = reference.meanFieldOrnsteinUhlenbeck.parameters;

/** τ */
export const tau = (sigma * sigma) / 2;
/** Curvature of the confinement. */
export const b = tau * kappa;

/**
 * The process' problem.
 *
 * @param scatter  s: labels c − s and c + s, or c alone
 * @param law      mean and variance of the start
 */
export function meanField(scatter = 0, { mean = M0, variance = v0 } = {}): Problem {
  return parseProblem({
    law: scatter === 0 ? dataset({ x: [[1]], y: [c] }) : dataset({ x: [[1], [1]], y: [c - scatter, c + scatter] }),
    unit: ridge(identity()),
    start: gaussian({ w: { mean, deviation: Math.sqrt(variance) } }),
    confinement: quadratic(b),
  });
}

/**
 * Its limit's particles less M, for the same start and noise: X̄ = M + Y with dY = −bY dt + σ dW, in the confinement alone; for
 * discrete steps too.
 */
export function uncoupled(): Problem {
  return potentialProblem(quadratic(b), {
    dimension: 1,
    start: gaussian({ w: { mean: 0, deviation: Math.sqrt(v0) } }),
  });
}

/** M, S and W after some steps of size ε ξ(kε); `common` is N s²/B. */
export function discreteLaw(
  steps: number,
  stepSize: number,
  { schedule = { kind: "constant" } as Schedule, common = 0 } = {},
): { M: number; S: number; W: number } {
  let [M, S, W] = [M0, v0, v0];
  for (let k = 0; k < steps; k++) {
    const h = stepSize * scheduleFactor(schedule, k * stepSize);
    const p = 1 - h * b;
    const q = p - h;
    [M, S, W] = [q * M + h * c, q * q * S + 2 * tau * h + common * h * h, p * p * W + 2 * tau * h];
  }
  return { M, S, W };
}

/** θ of all neurons of a process at time t. */
export async function parametersAt(process: Process, t: number, backend: Backend = "simd"): Promise<Float64Array> {
  const run = await solve(process, { times: [t], keep: "measures", observe: {}, backend });
  const measure = run.measures![0]!;
  if (measure.kind !== "particles") throw new Error("a process of particles");
  return measure.values;
}

/** Mean and variance of a sample. */
export function statistics(values: ArrayLike<number>): { mean: number; variance: number } {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i]! / n;
  let variance = 0;
  for (let i = 0; i < n; i++) variance += (values[i]! - mean) ** 2 / (n - 1);
  return { mean, variance };
}

/** The mean square of normals of mean 0, against their variance, in standard errors. */
export function meanSquareScore(values: ArrayLike<number>, variance: number): number {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]! ** 2;
  return (sum / n / variance - 1) / Math.sqrt(2 / n);
}
