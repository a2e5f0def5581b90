// Two-layer networks written out, example by example: what the kernels are checked against.                     theory §1, §2

import { exp } from "../../src/engine/math";
import { activationFunctions } from "../../src/model/activation";
import { labelRows } from "../../src/model/labels";
import type { Dataset } from "../../src/model/law";
import { potentialFunctions } from "../../src/model/potential";
import type { Problem } from "../../src/model/problem";
import { outputsOf } from "../../src/model/unit";

/** What one example gives: v(θ; z_q) of all neurons in the order of θ (r · ∇σ*, and r of the output bias). */
export type Velocities = { velocity: Float64Array[]; masses: Float64Array; confinement: Float64Array };

/**
 * The velocity of every atom of a finite law at θ.
 *
 * @param theta    n rows, and the output bias after them where the unit has one
 * @param neurons  how many of the rows have mass, 1/neurons each, and the others are carried; or the masses
 */
export function plainVelocities(problem: Problem, theta: Float64Array, neurons: number | Float64Array): Velocities {
  const { unit, loss, confinement } = problem;
  const law = problem.law as Dataset;
  const [Q, d] = law.x.shape as [number, number];
  const K = outputsOf(unit);
  const D = unit.kind === "ridge" ? d : K + 1 + d;
  const rows = Math.floor(theta.length / D);
  const bias = unit.kind === "affine" && unit.outputBias ? theta.subarray(rows * D) : null;
  const { value, derivative } = activationFunctions(unit.activation);
  const labels = labelRows(law.y.data, Q, K, loss);
  const velocity: Float64Array[] = [];
  for (let q = 0; q < Q; q++) {
    const x = law.x.data.subarray(q * d, (q + 1) * d);
    const y = labels.subarray(q * K, (q + 1) * K);
    const h = (i: number) => {
      const row = theta.subarray(i * D, (i + 1) * D);
      let sum = unit.kind === "ridge" ? 0 : row[K]!;
      for (let j = 0; j < d; j++) sum += row[D - d + j]! * x[j]!;
      return sum;
    };
    const f = Float64Array.from({ length: K }, (_, k) => bias?.[k] ?? 0);
    for (let i = 0; i < (typeof neurons === "number" ? neurons : rows); i++) {
      const sigma = typeof neurons === "number" ? value(h(i)) / neurons : value(h(i)) * neurons[i]!;
      for (let k = 0; k < K; k++) f[k]! += unit.kind === "ridge" ? sigma : theta[i * D + k]! * sigma;
    }
    const r = residual(loss, f, y);
    const v = new Float64Array(theta.length);
    for (let i = 0; i < rows; i++) {
      const slope = derivative(h(i));
      let s = 0;
      for (let k = 0; k < K; k++) s += r[k]! * (unit.kind === "ridge" ? 1 : theta[i * D + k]!);
      for (let j = 0; j < d; j++) v[i * D + D - d + j] = s * slope * x[j]!;
      if (unit.kind === "ridge") continue;
      if (unit.trainBias) v[i * D + K] = s * slope;
      if (unit.trainOutput) for (let k = 0; k < K; k++) v[i * D + k] = r[k]! * value(h(i));
    }
    if (bias) v.set(r, rows * D);
    velocity.push(v);
  }
  const pull = new Float64Array(theta.length);
  const { gradient } = potentialFunctions(confinement);
  for (let i = 0; i < rows; i++) {
    const slope = new Float64Array(D);
    gradient(theta.subarray(i * D, (i + 1) * D), slope);
    if (unit.kind === "affine" && !unit.trainOutput) slope.fill(0, 0, K);
    if (unit.kind === "affine" && !unit.trainBias) slope[K] = 0;
    for (let j = 0; j < D; j++) pull[i * D + j] = -slope[j]!;
  }
  return { velocity, masses: law.weights?.data ?? new Float64Array(Q).fill(1 / Q), confinement: pull };
}

function residual(loss: Problem["loss"], f: Float64Array, y: Float64Array): Float64Array {
  if (loss === "squared") return f.map((x, k) => y[k]! - x);
  if (loss === "logistic") return f.map((x, k) => y[k]! / (1 + exp(y[k]! * x)));
  const total = f.reduce((sum, x) => sum + exp(x), 0);
  return f.map((x, k) => y[k]! - exp(x) / total);
}
