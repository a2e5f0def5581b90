// The objective of a network: L(Θ) = N F(Θ) + Σ_i U(θ_i) in R^{ND} on a finite law, so that −∇L is the velocity of all neurons and
// SGD on it is the library's sgd of the same step size.                                   theory §8; docs/modifiedFlows.md
//
//   ℓ_q(Θ) = N ℓ(f(x_q), y_q) + δ_q Σ_i U(θ_i),   −∂ℓ_q/∂θ_i = r_q ∇σ*(x_q; θ_i) − δ_q ∇U(θ_i)
//
// An output bias c moves by ε r_q, without a factor N: as √N c it is a coordinate like the others, and −∇L its velocity.

import { SpecError } from "../../engine/errors";
import { type Particles, particles } from "../../measure/measure";
import { activationFunctions, isSmooth } from "../../model/activation";
import { labelRows, lossOf } from "../../model/labels";
import type { Objective } from "../../model/objective";
import { startParticles } from "../../model/particles";
import { potentialFunctions } from "../../model/potential";
import { type ProblemInput, parseProblem } from "../../model/problem";
import { residual } from "../../model/residual";
import { isTrained, outputsOf, parameterDimension, weightOffset } from "../../model/unit";

/** The objective of a network, and the way between its points and networks. */
export interface NetworkObjective extends Objective {
  /** N */
  neurons: number;
  /** ℓ_q, N times the loss of example q, and its share of the confinement */
  value(q: number, x: Float64Array): number;
  /** Where SGD of a seed and replica starts: [p]. */
  start(options?: { seed?: number; replica?: number }): Float64Array;
  /** The network at a point x: rows θ_i of weight 1/N. */
  network(x: ArrayLike<number>): Particles;
}

/**
 * The objective of a network on a finite law: p = ND numbers θ row by row, and √N c after them where there is an output bias.
 *
 * @param problem  a finite law, unit, start, loss and confinement
 * @param neurons  N
 * @throws {SpecError} where the law is not finite, or with the path of the wrong field
 */
export function networkObjective(problem: ProblemInput, neurons: number): NetworkObjective {
  const { law, unit, loss, confinement, start } = parseProblem(problem);
  if (law.kind !== "dataset") {
    throw new SpecError(
      "problem.law.kind",
      law.kind,
      '"dataset": a finite law',
      "quadrature(law, { points }) makes one.",
    );
  }
  if (!(Number.isInteger(neurons) && neurons >= 1 && neurons <= 65536)) {
    throw new SpecError("neurons", neurons, "an integer from 1 to 65536");
  }
  const [Q, d] = law.x.shape as [number, number];
  const K = outputsOf(unit);
  const D = parameterDimension(unit, d);
  const offset = weightOffset(unit);
  const affine = unit.kind === "affine";
  const trains = affine && unit.trainOutput;
  const biased = affine && unit.outputBias;
  const p = neurons * D + (biased ? K : 0);
  const inputs = law.x.data;
  const labels = labelRows(law.y.data, Q, K, loss);
  const decays = law.decay?.data ?? null;
  const activation = activationFunctions(unit.activation);
  const potential = confinement && potentialFunctions(confinement);
  const root = Math.sqrt(neurons);

  const values = new Float64Array(neurons);
  const slopes = new Float64Array(neurons);
  const f = new Float64Array(K);
  const r = new Float64Array(K);
  const push = new Float64Array(D);

  // σ, σ' and f at example q
  const forward = (q: number, x: Float64Array, withSlopes: boolean): void => {
    for (let k = 0; k < K; k++) f[k] = biased ? x[neurons * D + k]! * root : 0;
    for (let i = 0; i < neurons; i++) {
      const row = i * D + offset;
      let h = affine ? x[row - 1]! : 0;
      for (let j = 0; j < d; j++) h += x[row + j]! * inputs[q * d + j]!;
      const s = activation.value(h);
      values[i] = s;
      if (withSlopes) slopes[i] = activation.derivative(h);
      for (let k = 0; k < K; k++) f[k]! += affine ? x[i * D + k]! * s : s;
    }
    for (let k = 0; k < K; k++) f[k]! /= neurons;
  };

  return {
    dimension: p,
    terms: Q,
    weights: law.weights?.data ?? null,
    neurons,
    gradient(q, x, out) {
      forward(q, x, true);
      residual(loss, f, labels.subarray(q * K, (q + 1) * K), K, 0, r);
      for (let i = 0; i < neurons; i++) {
        const row = i * D;
        let slope = affine ? 0 : -r[0]! * slopes[i]!;
        if (affine) {
          for (let k = 0; k < K; k++) {
            slope -= r[k]! * x[row + k]! * slopes[i]!;
            // what is kept feels no confinement either
            out[row + k] = trains ? -r[k]! * values[i]! : 0;
          }
          out[row + K] = unit.trainBias ? slope : 0;
        }
        for (let j = 0; j < d; j++) out[row + offset + j] = slope * inputs[q * d + j]!;
        if (!potential) continue;
        potential.gradient(x.subarray(row, row + D), push);
        const share = decays ? decays[q]! : 1;
        for (let j = 0; j < D; j++) if (isTrained(unit, j)) out[row + j]! += share * push[j]!;
      }
      if (biased) for (let k = 0; k < K; k++) out[neurons * D + k] = -root * r[k]!;
    },
    ...(!isSmooth(unit.activation) && {
      hessianVector() {
        throw new SpecError(
          "problem.unit.activation",
          unit.activation.kind,
          "a smooth activation, as order 2 takes second derivatives of the unit",
        );
      },
    }),
    value(q, x) {
      forward(q, x, false);
      const y = labels.subarray(q * K, (q + 1) * K);
      let sum = neurons * lossOf(loss, f, y, K);
      if (!potential) return sum;
      const share = decays ? decays[q]! : 1;
      for (let i = 0; i < neurons; i++) sum += share * potential.value(x.subarray(i * D, (i + 1) * D));
      return sum;
    },
    start({ seed = 0, replica = 0 } = {}) {
      const x = new Float64Array(p);
      x.set(startParticles({ law, unit, loss, confinement, start }, neurons, { seed, replica }));
      return x;
    },
    network(x) {
      if (x.length !== p) throw new SpecError("x", `${x.length} numbers`, `${p} numbers, a point of the objective`);
      const all = Float64Array.from(x);
      return particles({
        coordinates: "theta",
        shape: [neurons, D],
        values: all.slice(0, neurons * D),
        weights: null,
        outputBias: biased ? all.slice(neurons * D).map((c) => c / root) : null,
      });
    },
  };
}
