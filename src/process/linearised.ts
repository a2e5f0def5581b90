// The derivative of the velocity of all neurons along a direction: the linearisation of every process of theory §2.        theory §8
//
//   Dv̄[u](θ_i) = Σ_q m_q [ r_q · ∇²σ*(x_q; θ_i) u_i − (ℓ''_q δf_q) · ∇σ*(x_q; θ_i) ] − ∇²U(θ_i) u_i,    δf_q = Σ_j m_j ∇σ*(x_q; θ_j)·u_j
//
// ℓ'' is the second derivative of the loss in f: 1 for the squared one, s(1 − s) for the logistic one with s = 1/(1 + e^{−yf}), and
// diag(p) − ppᵀ for cross-entropy with p = softmax(f). Dv̄ is symmetric in the inner product that weighs neuron i by its mass.

import type { Engine } from "../engine/engine";
import { exp } from "../engine/math";
import type { Memory } from "../engine/memory";
import { type BatchBlock, type NetworkBlock, type TangentBlock, writeActivation, writeTangent } from "../model/blocks";
import type { Problem } from "../model/problem";

/** The linearisation of a velocity at states of a network, over the atoms of a batch. */
export interface Linearisation {
  /** Addresses of δf and of the tangent δc of the data weights, f64 rows of K. */
  tangent: TangentBlock;
  /** δf of a direction, n rows of K: a view of kernel memory, good until the next call. */
  responses(state: NetworkBlock, direction: NetworkBlock): Float64Array;
  /**
   * Writes δc_q = −m_q ℓ''_q δf_q from the δf that stand in memory; the predictions of the state stand in the batch (after `velocity`
   * or `forward`).
   */
  bend(): void;
  /**
   * Dv̄[u] from the δc that stand in memory, at address `out`, as many bytes as the state; the batch's data weights are m_q r_q (after
   * `velocity` without factors, or `weigh`).
   */
  push(state: NetworkBlock, direction: NetworkBlock, out: number): void;
  /** All three: Dv̄[u] of the state whose velocity was evaluated last. */
  derivative(state: NetworkBlock, direction: NetworkBlock, out: number): void;
}

/**
 * The linearisation of a problem's velocity.
 *
 * @param batch  the atoms of a finite law, or of a quadrature, with their masses
 */
export function linearisation(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  batch: BatchBlock,
  atoms: number,
): Linearisation {
  const { precision, outputs: K } = network;
  const tangent = writeTangent(memory, network, batch);
  const {
    [`tangentForward_${precision}` as const]: tangentForward,
    [`tangentBackward_${precision}` as const]: tangentBackward,
    [`holdBiases_${precision}` as const]: holdBiases,
  } = engine.kernels;
  const bendLoss = lossBends[problem.loss];
  const bendPotential = potentialCurvature(memory, engine, problem, network);
  const rows = atoms * K;
  const linearised: Linearisation = {
    tangent,
    responses(state, direction) {
      tangentForward(state.block, direction.block, batch.block, tangent.predictions);
      return memory.f64(tangent.predictions, rows);
    },
    bend() {
      bendLoss(
        memory.f64(tangent.weights, rows),
        memory.f64(tangent.predictions, rows),
        memory.f64(batch.predictions, rows),
        memory.f64(batch.labels, rows),
        memory.f64(batch.masses, atoms),
        K,
      );
    },
    push(state, direction, out) {
      tangentBackward(state.block, direction.block, batch.block, tangent.weights, out);
      if (!bendPotential) return;
      bendPotential(state, direction, out);
      holdBiases(state.block, out);
    },
    derivative(state, direction, out) {
      linearised.responses(state, direction);
      linearised.bend();
      linearised.push(state, direction, out);
    },
  };
  return linearised;
}

type Bend = (
  out: Float64Array,
  turn: Float64Array,
  f: Float64Array,
  y: Float64Array,
  masses: Float64Array,
  K: number,
) => void;

/** Writes −m_q ℓ''_q δf_q, of each loss. */
export const lossBends: { [L in Problem["loss"]]: Bend } = {
  squared(out, turn, _f, _y, masses, K) {
    for (let i = 0; i < out.length; i++) out[i] = -masses[(i / K) | 0]! * turn[i]!;
  },
  logistic(out, turn, f, y, masses) {
    for (let q = 0; q < out.length; q++) {
      // e^{−|f|}: s (1 − s) does not feel the sign of y f
      const e = exp(-Math.abs(y[q]! * f[q]!));
      out[q] = (-masses[q]! * y[q]! * y[q]! * turn[q]! * e) / ((1 + e) * (1 + e));
    }
  },
  crossEntropy(out, turn, f, _y, masses, K) {
    const p = new Float64Array(K);
    for (let q = 0; q < masses.length; q++) {
      const at = q * K;
      let most = -Infinity;
      for (let k = 0; k < K; k++) most = Math.max(most, f[at + k]!);
      let total = 0;
      for (let k = 0; k < K; k++) total += p[k] = exp(f[at + k]! - most);
      let mean = 0;
      for (let k = 0; k < K; k++) mean += (p[k]! /= total) * turn[at + k]!;
      for (let k = 0; k < K; k++) out[at + k] = -masses[q]! * p[k]! * (turn[at + k]! - mean);
    }
  },
};

// out −= ∇²U(θ) u over the neurons' parameters; the output bias is not confined.
function potentialCurvature(
  memory: Memory,
  engine: Engine,
  { confinement, unit }: Problem,
  network: NetworkBlock,
): ((state: NetworkBlock, direction: NetworkBlock, out: number) => void) | null {
  if (confinement === null) return null;
  if (confinement.kind === "function") throw new TypeError("a potential whose second derivative is known");
  const { precision } = network;
  const trained = unit.kind === "ridge" || unit.trainOutput;
  const bytes = network.weightBytes + (trained ? network.outputBytes : 0);
  const size = precision === "f32" ? 4 : 8;
  if (confinement.kind === "quadratic") {
    const accumulate = engine.kernels[`accumulate_${precision}`];
    return (_, direction, out) => accumulate(out, -confinement.weight, direction.weights, bytes);
  }
  const u = writeActivation(memory, confinement.function, precision);
  const activateSecond = engine.kernels[`activateSecond_${precision}`];
  const value = memory.allocate(bytes);
  const slope = memory.allocate(bytes);
  const second = memory.allocate(bytes);
  return (state, direction, out) => {
    const count = bytes / size;
    activateSecond(u, state.weights, value, slope, second, count);
    const curvature = memory.view(precision, second, count);
    const turn = memory.view(precision, direction.weights, count);
    const sum = memory.view(precision, out, count);
    // beyond N the direction is 0
    for (let i = 0; i < count; i++) sum[i] = sum[i]! - confinement.weight * curvature[i]! * turn[i]!;
  };
}
