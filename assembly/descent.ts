// Steps of any process that moves a network by its data weights.                                          theory §2, §7
//
//   θ_i ← θ_i + ε_k [ Σ_q m_q r_q · ∇σ*(x_q; θ_i) − ∇U(θ_i) + drift_i ] + √(2τ ε_k) g_i
//
// The batch is drawn anew at each step (SGD, noisy SGD), or stays (GD and Langevin on a finite law). The output bias moves by
// its gradient alone. Draws of neuron i at step k: normals i·D … i·D + D − 1 of (seed, DIFFUSION, replica) at step k, in the
// order of θ_i = (a_1 … a_K, b, w), so neuron i of N = 100 feels the noise of neuron i of N = 200.

import { activate } from "./activation";
import { backward, forward, holdBiases, packInputs, weigh } from "./gradient";
import { example } from "./law";
import {
  BATCH_COUNT,
  BATCH_LABELS,
  BATCH_WEIGHTS,
  DESCENT_BATCH,
  DESCENT_CENTER,
  DESCENT_CONFINEMENT,
  DESCENT_DECAY,
  DESCENT_DRIFT,
  DESCENT_EXAMPLE,
  DESCENT_FACTORS,
  DESCENT_FUNCTION,
  DESCENT_GRADIENT,
  DESCENT_LAW,
  DESCENT_LOSS,
  DESCENT_NETWORK,
  DESCENT_NORMALS,
  DESCENT_REPLICA,
  DESCENT_SEED_HIGH,
  DESCENT_SEED_LOW,
  DESCENT_STEP_SIZES,
  DESCENT_TEMPERATURE,
  DESCENT_WEIGHT,
  LAW_CHOSEN,
  LAW_DECAYS,
  LAW_DIMENSION,
  NET_AFFINE,
  NET_BYTES,
  NET_HELD,
  NET_MASK,
  NET_NEURONS,
  NET_OUTPUT,
  NET_OUTPUTS,
  NET_ROWS,
  NET_TRAIN,
  NET_WEIGHTS,
  PANEL,
  PURPOSE_DIFFUSION,
} from "./layout";
import { normals_f32, normals_f64 } from "./random";
import { madd, pointer, real, slot } from "./vector";

/** Values and slopes of a run of rows: twice this many bytes stand behind the gradient. */
const CHUNK: usize = 1024;

/** x ← x + factor · y, over `bytes` bytes, a multiple of 16. */
export function accumulate<T>(x: usize, factor: f64, y: usize, bytes: usize): void {
  const k = v128.splat<T>(<T>factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(x + i, madd<T>(k, v128.load(y + i), v128.load(x + i)));
}

/** Draws a batch of examples from number `first` on. */
export function drawBatch<T>(plan: usize, first: u64): void {
  const law = pointer(plan, DESCENT_LAW);
  const batch = pointer(plan, DESCENT_BATCH);
  const network = pointer(plan, DESCENT_NETWORK);
  const x = pointer(plan, DESCENT_EXAMPLE);
  const d = slot(law, LAW_DIMENSION);
  const labels = pointer(batch, BATCH_LABELS);
  const row = (<usize>slot(network, NET_OUTPUTS)) << 3;
  const low = <u32>slot(plan, DESCENT_SEED_LOW);
  const high = <u32>slot(plan, DESCENT_SEED_HIGH);
  const replica = <u32>slot(plan, DESCENT_REPLICA);
  const n = slot(batch, BATCH_COUNT);
  const decays = pointer(law, LAW_DECAYS);
  let decay: f64 = 0;
  for (let q = 0; q < n; q++) {
    example<T>(law, x, labels + <usize>q * row, low, high, replica, first + q);
    if (decays) decay += load<f64>(decays + ((<usize>slot(law, LAW_CHOSEN)) << 3));
    // packInputs takes f64: an f32 input, widened from the last number down in its own place
    if (sizeof<T>() === 4) {
      for (let j = d - 1; j >= 0; j--) store<f64>(x + ((<usize>j) << 3), <f64>load<T>(x + ((<usize>j) << 2)));
    }
    packInputs<T>(network, batch, x, q, 1);
  }
  if (decays) store<f64>(plan + ((<usize>DESCENT_DECAY) << 3), decay / <f64>n);
}

// c_q ← s_q c_q
function scaleWeights(batch: usize, K: i32, factors: usize): void {
  const n = slot(batch, BATCH_COUNT);
  let c = pointer(batch, BATCH_WEIGHTS);
  for (let q = 0; q < n; q++) {
    const s = load<f64>(factors + ((<usize>q) << 3));
    for (let k = 0; k < K; k++, c += 8) store<f64>(c, s * load<f64>(c));
  }
}

// out −= ∇U(θ), over rows of panels from `at` on; `mask` (one row a panel) leaves out what is beyond N
function confine<T>(plan: usize, at: usize, out: usize, rows: i32, panels: i32, mask: usize): void {
  const k = v128.splat<T>(<T>(-real(plan, DESCENT_WEIGHT) * real(plan, DESCENT_DECAY)));
  if (slot(plan, DESCENT_CONFINEMENT) === 1) {
    const center = v128.splat<T>(<T>real(plan, DESCENT_CENTER));
    for (let p = 0; p < panels; p++) {
      const m0 = v128.mul<T>(k, v128.load(mask + <usize>p * PANEL));
      const m1 = v128.mul<T>(k, v128.load(mask + <usize>p * PANEL, 16));
      for (let j = 0; j < rows; j++, at += PANEL, out += PANEL) {
        v128.store(out, madd<T>(m0, v128.sub<T>(v128.load(at), center), v128.load(out)));
        v128.store(out, madd<T>(m1, v128.sub<T>(v128.load(at, 16), center), v128.load(out, 16)), 16);
      }
    }
    return;
  }
  const u = pointer(plan, DESCENT_FUNCTION);
  const value = pointer(plan, DESCENT_GRADIENT) + slot(pointer(plan, DESCENT_NETWORK), NET_BYTES);
  const slope = value + CHUNK;
  const most = <i32>(CHUNK / PANEL);
  for (let p = 0; p < panels; p++) {
    const m0 = v128.mul<T>(k, v128.load(mask + <usize>p * PANEL));
    const m1 = v128.mul<T>(k, v128.load(mask + <usize>p * PANEL, 16));
    for (let j = 0; j < rows; j += most) {
      const now = min(most, rows - j);
      activate<T>(u, at, value, slope, now * (PANEL / <i32>sizeof<T>()));
      const end = <usize>now * PANEL;
      for (let i: usize = 0; i < end; i += 32) {
        v128.store(out + i, madd<T>(m0, v128.load(slope + i), v128.load(out + i)));
        v128.store(out + i, madd<T>(m1, v128.load(slope + i, 16), v128.load(out + i, 16)), 16);
      }
      at += end;
      out += end;
    }
  }
}

/** The velocity of the state into DESCENT_GRADIENT: Σ_q m_q s_q r_q · ∇σ* − decay ∇U + drift; returns Σ_q m_q ℓ_q. */
export function velocity<T>(plan: usize): f64 {
  const network = pointer(plan, DESCENT_NETWORK);
  const batch = pointer(plan, DESCENT_BATCH);
  const gradient = pointer(plan, DESCENT_GRADIENT);
  const drift = pointer(plan, DESCENT_DRIFT);
  const weights = pointer(network, NET_WEIGHTS);
  const bytes = <usize>slot(network, NET_BYTES);
  const K = slot(network, NET_OUTPUTS);
  let energy: f64 = 0;
  if (batch) {
    forward<T>(network, batch);
    energy = weigh(batch, K, slot(plan, DESCENT_LOSS), 1);
    const factors = pointer(plan, DESCENT_FACTORS);
    if (factors) scaleWeights(batch, K, factors);
    backward<T>(network, batch, gradient);
  } else {
    memory.fill(gradient, 0, bytes);
  }
  if (slot(plan, DESCENT_CONFINEMENT)) {
    const panels = (slot(network, NET_NEURONS) * <i32>sizeof<T>() + PANEL - 1) / PANEL;
    const mask = pointer(network, NET_MASK);
    confine<T>(plan, weights, gradient, slot(network, NET_ROWS), panels, mask);
    holdBiases<T>(network, gradient);
    if (slot(network, NET_TRAIN)) {
      const output = pointer(network, NET_OUTPUT);
      confine<T>(plan, output, gradient + (output - weights), K, panels, mask);
    }
  }
  if (drift) accumulate<T>(gradient, 1, drift, bytes);
  return energy;
}

function diffuse<T>(plan: usize, scale: f64, k: u64): void {
  const size = sizeof<T>();
  const network = pointer(plan, DESCENT_NETWORK);
  const neurons = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const K = affine ? slot(network, NET_OUTPUTS) : 0;
  const train = slot(network, NET_TRAIN) !== 0;
  const held = slot(network, NET_HELD) !== 0;
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const g = pointer(plan, DESCENT_NORMALS);
  const D = rows + K;
  const lanes = PANEL / <i32>size;
  const low = <u32>slot(plan, DESCENT_SEED_LOW);
  const high = <u32>slot(plan, DESCENT_SEED_HIGH);
  const replica = <u32>slot(plan, DESCENT_REPLICA);
  const factor = <T>scale;
  const group = lanes * 8;
  for (let first = 0; first < neurons; first += group) {
    const here = min(group, neurons - first);
    if (size === 4) normals_f32(g, here * D, low, high, PURPOSE_DIFFUSION, replica, <u32>k, <u32>(k >> 32), first * D);
    else normals_f64(g, here * D, low, high, PURPOSE_DIFFUSION, replica, <u32>k, <u32>(k >> 32), first * D);
    let from = g;
    for (let i = first; i < first + here; i++) {
      const panel = <usize>(i / lanes);
      const lane = <usize>(i % lanes) * size;
      if (train) {
        let to = output + panel * K * PANEL + lane;
        for (let j = 0; j < K; j++, to += PANEL) store<T>(to, load<T>(to) + factor * load<T>(from + <usize>j * size));
      }
      from += <usize>K * size;
      let to = weights + panel * rows * PANEL + lane;
      if (affine) {
        const b = to + <usize>(rows - 1) * PANEL;
        if (!held) store<T>(b, load<T>(b) + factor * load<T>(from));
        from += size;
      }
      for (let j = affine; j < rows; j++, to += PANEL, from += size) store<T>(to, load<T>(to) + factor * load<T>(from));
    }
  }
}

/** Runs steps `first` … `first + steps − 1`; returns how many were done, fewer where a loss was not finite. */
export function descend<T>(plan: usize, first: f64, steps: i32): i32 {
  const network = pointer(plan, DESCENT_NETWORK);
  const batch = pointer(plan, DESCENT_BATCH);
  const law = pointer(plan, DESCENT_LAW);
  const gradient = pointer(plan, DESCENT_GRADIENT);
  const stepSizes = pointer(plan, DESCENT_STEP_SIZES);
  const temperature = real(plan, DESCENT_TEMPERATURE);
  const weights = pointer(network, NET_WEIGHTS);
  const bytes = <usize>slot(network, NET_BYTES);
  for (let s = 0; s < steps; s++) {
    const k = <u64>first + s;
    const step = load<f64>(stepSizes + ((<usize>s) << 3));
    if (law) drawBatch<T>(plan, k * <u64>slot(batch, BATCH_COUNT));
    if (!(abs(velocity<T>(plan)) < Infinity)) return s;
    accumulate<T>(weights, step, gradient, bytes);
    if (temperature > 0) diffuse<T>(plan, Math.sqrt(2 * temperature * step), k);
  }
  return steps;
}
