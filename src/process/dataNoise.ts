// The Brownian motions of the data, one an atom of a finite law: the noise W(dz, dt) that all neurons share.          theory §2, §8
//
//   s_q = h + √α (ΔB_q/√m_q − Σ_p √m_p ΔB_p)              so that c_q = m_q r_q s_q; the mean of ΔB is taken out, as of SGD's gradient
//
// Increment k of atom q over a noise step is normal q of step k of the stream (seed, DATA_NOISE, replica); a time step is the sum
// of its noise steps. So processes of one seed feel one noise, whatever their time steps and their number of neurons.

import { PURPOSE_DATA_NOISE } from "../../assembly/layout";
import { high } from "../engine/draws";
import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";

/** Which noise, and its steps. */
export interface NoiseKey {
  seed: number;
  replica: number;
  timeStep: number;
  noiseStep: number;
}

/** The noise of a finite law. */
export interface DataNoise {
  /**
   * (ΔB_q/√m_q − Σ_p √m_p ΔB_p) over time step k, Q numbers: what multiplies √α m_q r_q ∇σ*; 0 for an atom of no mass. The array is
   * the same at each call.
   */
  factors(k: number): Float64Array;
}

/**
 * The noise of a finite law.
 *
 * @param memory  where draws are made
 * @param masses  m_q, Q numbers of sum 1
 */
export function dataNoise(engine: Engine, memory: Memory, masses: Float64Array, key: NoiseKey): DataNoise {
  const { seed, replica, timeStep, noiseStep } = key;
  const n = masses.length;
  const perStep = Math.round(timeStep / noiseStep);
  const scale = Math.sqrt(timeStep / perStep);
  const roots = masses.map(Math.sqrt);
  const draws = memory.reserve("f64", n);
  const increments = new Float64Array(n);
  const { normals_f64 } = engine.kernels;
  return {
    factors(k) {
      increments.fill(0);
      for (let i = 0; i < perStep; i++) {
        const step = k * perStep + i;
        normals_f64(draws, n, seed | 0, high(seed), PURPOSE_DATA_NOISE, replica | 0, step | 0, high(step), 0);
        const g = memory.f64(draws, n);
        for (let q = 0; q < n; q++) increments[q]! += g[q]!;
      }
      noiseFactors(roots, increments, scale);
      return increments;
    },
  };
}

/**
 * Increments ΔB_q into the factors scale · (ΔB_q/√m_q − Σ_p √m_p ΔB_p), in place.
 *
 * @param roots  √m_q
 */
export function noiseFactors(roots: Float64Array, increments: Float64Array, scale = 1): void {
  let mean = 0;
  for (let q = 0; q < roots.length; q++) mean += roots[q]! * increments[q]!;
  for (let q = 0; q < roots.length; q++) {
    increments[q] = roots[q]! > 0 ? scale * (increments[q]! / roots[q]! - mean) : 0;
  }
}

/** Masses of a finite law, 1/n each where none are given. */
export function massesOf(law: {
  x: { shape: readonly number[] };
  weights: { data: Float64Array } | null;
}): Float64Array {
  const n = law.x.shape[0]!;
  return law.weights?.data ?? new Float64Array(n).fill(1 / n);
}
