// The examples' own gradients, squared, and the derivative of that: what sampling without replacement adds to the drift.
//                                                                                                    docs/finiteSteps.md
//   d_q(θ_i) = r_q · ∇σ*(x_q; θ_i),   ⟨u, v⟩ = Σ_i m_i u(θ_i)·v(θ_i) + u_c v_c,   c the output bias
//
//   S = Σ_q m_q ⟨d_q, d_q⟩,   Σ_q m_q Dd_q[d_q] = ½ ∇S   in the metric ⟨·,·⟩, as each Dd_q is symmetric in it
//
// An example's d_q is of rank one in the neuron: with h = ⟨w_i, x_q⟩ + b_i, s = σ(h) and κ = r·a_i it is (r s, κ s', κ s' x_q), and with
// δh = κ s' (1 + |x_q|²), δf = Σ_i m_i (s² r + a_i s' δh) + r and g = ℓ''δf
//
//   Dd_q[d_q](θ_i) = (r s' δh − g s, ω, ω x_q),   ω = |r|² s s' + κ s'' δh − (g·a_i) s',   −g for c
//
// so that a sweep over all pairs of example and neuron is enough, where a Hessian product an example would take Q of them.

import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { type NetworkBlock, writeActivation } from "../model/blocks";
import { labelRows } from "../model/labels";
import type { Dataset } from "../model/law";
import type { Problem } from "../model/problem";
import { residual } from "../model/residual";
import { isTrained, outputsOf, parameterDimension, weightOffset } from "../model/unit";
import { massesOf } from "./dataNoise";
import { lossBends } from "./linearised";

/** Squares of the examples' gradients at states of a network. */
export interface ExampleGradients {
  /**
   * S at a state.
   *
   * @param theta  rows θ_i, and the output bias after them
   * @param push   takes Σ_q m_q Dd_q[d_q], as long as θ
   */
  at(theta: Float64Array, push?: Float64Array): number;
}

/**
 * The examples' gradients of a finite law, without the confinement.
 *
 * @param problem  its law is finite; for `push` its activation is smooth
 * @param network  of the problem, in f64: its neurons are counted, its state is not used
 * @param masses   of the neurons in f; 1/N each if null
 */
export function exampleGradients(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  masses: Float64Array | null,
): ExampleGradients {
  const { unit, loss } = problem;
  const law = problem.law as Dataset;
  const [Q, d] = law.x.shape as [number, number];
  const K = outputsOf(unit);
  const D = parameterDimension(unit, d);
  const offset = weightOffset(unit);
  const affine = unit.kind === "affine";
  const trainsOutput = affine && isTrained(unit, 0);
  const trainsBias = affine && isTrained(unit, K);
  const biased = affine && unit.outputBias;
  const N = (network.length - (biased ? K : 0)) / D;
  const inputs = law.x.data;
  const labels = labelRows(law.y.data, Q, K, loss);
  const weights = massesOf(law);
  const activation = writeActivation(memory, unit.activation, "f64");
  const [hAt, sAt, slopeAt, secondAt] = [0, 1, 2, 3].map(() => memory.reserve("f64", N)) as [
    number,
    number,
    number,
    number,
  ];
  const bend = lossBends[loss];
  const one = Float64Array.of(1);
  const [f, r, turn, g] = [0, 1, 2, 3].map(() => new Float64Array(K)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const kappa = new Float64Array(N);
  const share = masses ?? new Float64Array(N).fill(1 / N);
  // a of all neurons, 1 for ridge units
  const outer = new Float64Array(N * K).fill(1);

  return {
    at(theta, push) {
      push?.fill(0);
      if (affine) for (let i = 0; i < N; i++) for (let k = 0; k < K; k++) outer[i * K + k] = theta[i * D + k]!;
      let squares = 0;
      for (let q = 0; q < Q; q++) {
        const mass = weights[q]!;
        if (mass === 0) continue;
        const x = q * d;
        let square = trainsBias ? 1 : 0;
        for (let j = 0; j < d; j++) square += inputs[x + j]! * inputs[x + j]!;
        const h = memory.f64(hAt, N);
        for (let i = 0; i < N; i++) {
          const row = i * D + offset;
          let sum = affine ? theta[row - 1]! : 0;
          for (let j = 0; j < d; j++) sum += theta[row + j]! * inputs[x + j]!;
          h[i] = sum;
        }
        engine.kernels.activateSecond_f64(activation, hAt, sAt, slopeAt, secondAt, N);
        const s = memory.f64(sAt, N);
        const slope = memory.f64(slopeAt, N);
        const second = memory.f64(secondAt, N);

        for (let k = 0; k < K; k++) f[k] = biased ? theta[N * D + k]! : 0;
        for (let i = 0; i < N; i++) {
          for (let k = 0; k < K; k++) f[k]! += share[i]! * outer[i * K + k]! * s[i]!;
        }
        const y = labels.subarray(q * K, (q + 1) * K);
        residual(loss, f, y, K, 0, r);
        let rr = 0;
        for (let k = 0; k < K; k++) rr += r[k]! * r[k]!;

        let own = biased ? rr : 0;
        turn.fill(0);
        if (biased) turn.set(r);
        for (let i = 0; i < N; i++) {
          let along = 0;
          for (let k = 0; k < K; k++) along += r[k]! * outer[i * K + k]!;
          kappa[i] = along;
          const lift = along * slope[i]!;
          const output = trainsOutput ? s[i]! * s[i]! : 0;
          own += share[i]! * (output * rr + lift * lift * square);
          const response = slope[i]! * lift * square;
          for (let k = 0; k < K; k++) turn[k]! += share[i]! * (output * r[k]! + outer[i * K + k]! * response);
        }
        squares += mass * own;
        if (!push) continue;

        // −g
        bend(g, turn, f, y, one, K);
        for (let i = 0; i < N; i++) {
          const row = i * D;
          const dh = kappa[i]! * slope[i]! * square;
          let omega = kappa[i]! * second[i]! * dh + (trainsOutput ? rr * s[i]! * slope[i]! : 0);
          for (let k = 0; k < K; k++) omega += g[k]! * outer[i * K + k]! * slope[i]!;
          if (trainsOutput)
            for (let k = 0; k < K; k++) push[row + k]! += mass * (r[k]! * slope[i]! * dh + g[k]! * s[i]!);
          if (trainsBias) push[row + K]! += mass * omega;
          for (let j = 0; j < d; j++) push[row + offset + j]! += mass * omega * inputs[x + j]!;
        }
        if (biased) for (let k = 0; k < K; k++) push[N * D + k]! += mass * g[k]!;
      }
      return squares;
    },
  };
}
