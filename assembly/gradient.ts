// Forward and backward over many neurons × many examples: what every process of theory §2 is made of.
//
//   f(x_q) = c + Σ_i m_i a_i σ(⟨w_i,x_q⟩ + b_i)                                     forward: predictions, K numbers an example
//   c_q    = scale · m_q r_q,   r = −∂ℓ/∂f                                           weigh: data weights
//   G_i    = Σ_q c_q · ∇_θ σ*(x_q; θ_i)                                              backward: as many numbers as the state
//
// Examples go in chunks of BATCH_CHUNK, neurons in panels of 32 bytes; within a chunk a panel's pre-activations, values and
// slopes stand in the first cache:
//
//   scratch   example q ── 32 bytes: one number a neuron of the panel
//
// and every sum is one product, out[m] = Σ_j P[j] X[j][m], of 32-byte rows P with numbers X laid out four m at a time:
//
//   h    = Σ_j W[j] x_q[j]      P = weights,  X = inputs by example        ∂a_k = Σ_q σ_q c_qk    P = values,  X = weights by output
//   s_q  = Σ_k a_k c_qk         P = outputs,  X = weights by example       ∂w_j = Σ_q D_q x_q[j]  P = D = σ' s, X = inputs by coordinate
//
// Pre-activations are computed twice, in forward and in backward: storing them costs more than they do.

import { activate } from "./activation";
import {
  BATCH_CHUNK,
  BATCH_COLUMNS,
  BATCH_COUNT,
  BATCH_LABELS,
  BATCH_MASSES,
  BATCH_PREDICTIONS,
  BATCH_ROOM,
  BATCH_SCRATCH,
  BATCH_SUMS,
  BATCH_TILES,
  BATCH_WEIGHT_COLUMNS,
  BATCH_WEIGHT_TILES,
  BATCH_WEIGHTS,
  LOGISTIC_LOSS,
  NET_ACTIVATION,
  NET_AFFINE,
  NET_BIAS,
  NET_BYTES,
  NET_HELD,
  NET_MASK,
  NET_MASSES,
  NET_NEURONS,
  NET_OUTPUT,
  NET_OUTPUTS,
  NET_ROWS,
  NET_TRAIN,
  NET_WEIGHTS,
  PANEL,
  SQUARED,
  TILE,
} from "./layout";
import { exp, log, log1pExp, logistic, Unfused } from "./math";
import { laneSum, madd, pointer, slot } from "./vector";

/** Bytes of one of the four parts of the scratch. */
export const PART: usize = <usize>BATCH_CHUNK * PANEL;

/** out[m] (+)= Σ_j P[j] X[j][m], m = 0 … width − 1 ≤ 4; rows of P and `out` are PANEL bytes, X steps by TILE numbers. */
export function product<T>(rows: usize, count: i32, x: usize, out: usize, width: i32, add: boolean): void {
  if (width === 4) {
    product4<T>(rows, count, x, out, add);
    return;
  }
  if (width & 2) {
    product2<T>(rows, count, x, out, add);
    out += 2 * PANEL;
    x += 2 * sizeof<T>();
  }
  if (width & 1) product1<T>(rows, count, x, out, add);
}

function product4<T>(rows: usize, count: i32, x: usize, out: usize, add: boolean): void {
  const size = sizeof<T>();
  const zero = v128.splat<T>(<T>0);
  let a0 = add ? v128.load(out) : zero;
  let a1 = add ? v128.load(out, 16) : zero;
  let b0 = add ? v128.load(out, PANEL) : zero;
  let b1 = add ? v128.load(out, PANEL + 16) : zero;
  let c0 = add ? v128.load(out, 2 * PANEL) : zero;
  let c1 = add ? v128.load(out, 2 * PANEL + 16) : zero;
  let d0 = add ? v128.load(out, 3 * PANEL) : zero;
  let d1 = add ? v128.load(out, 3 * PANEL + 16) : zero;
  const end = rows + <usize>count * PANEL;
  while (rows < end) {
    const p0 = v128.load(rows);
    const p1 = v128.load(rows, 16);
    let t = v128.load_splat<T>(x);
    a0 = madd<T>(p0, t, a0);
    a1 = madd<T>(p1, t, a1);
    t = v128.load_splat<T>(x + size);
    b0 = madd<T>(p0, t, b0);
    b1 = madd<T>(p1, t, b1);
    t = v128.load_splat<T>(x + 2 * size);
    c0 = madd<T>(p0, t, c0);
    c1 = madd<T>(p1, t, c1);
    t = v128.load_splat<T>(x + 3 * size);
    d0 = madd<T>(p0, t, d0);
    d1 = madd<T>(p1, t, d1);
    rows += PANEL;
    x += TILE * size;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, b0, PANEL);
  v128.store(out, b1, PANEL + 16);
  v128.store(out, c0, 2 * PANEL);
  v128.store(out, c1, 2 * PANEL + 16);
  v128.store(out, d0, 3 * PANEL);
  v128.store(out, d1, 3 * PANEL + 16);
}

function product2<T>(rows: usize, count: i32, x: usize, out: usize, add: boolean): void {
  const size = sizeof<T>();
  const zero = v128.splat<T>(<T>0);
  let a0 = add ? v128.load(out) : zero;
  let a1 = add ? v128.load(out, 16) : zero;
  let b0 = add ? v128.load(out, PANEL) : zero;
  let b1 = add ? v128.load(out, PANEL + 16) : zero;
  const end = rows + <usize>count * PANEL;
  while (rows < end) {
    const p0 = v128.load(rows);
    const p1 = v128.load(rows, 16);
    let t = v128.load_splat<T>(x);
    a0 = madd<T>(p0, t, a0);
    a1 = madd<T>(p1, t, a1);
    t = v128.load_splat<T>(x + size);
    b0 = madd<T>(p0, t, b0);
    b1 = madd<T>(p1, t, b1);
    rows += PANEL;
    x += TILE * size;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, b0, PANEL);
  v128.store(out, b1, PANEL + 16);
}

// Even and odd rows apart: two chains of additions a vector would wait for themselves.
function product1<T>(rows: usize, count: i32, x: usize, out: usize, add: boolean): void {
  const zero = v128.splat<T>(<T>0);
  let a0 = add ? v128.load(out) : zero;
  let a1 = add ? v128.load(out, 16) : zero;
  let b0 = zero;
  let b1 = zero;
  const step = TILE * sizeof<T>();
  const end = rows + <usize>(count & ~1) * PANEL;
  while (rows < end) {
    let t = v128.load_splat<T>(x);
    a0 = madd<T>(v128.load(rows), t, a0);
    a1 = madd<T>(v128.load(rows, 16), t, a1);
    t = v128.load_splat<T>(x + step);
    b0 = madd<T>(v128.load(rows, PANEL), t, b0);
    b1 = madd<T>(v128.load(rows, PANEL + 16), t, b1);
    rows += 2 * PANEL;
    x += 2 * step;
  }
  if (count & 1) {
    const t = v128.load_splat<T>(x);
    a0 = madd<T>(v128.load(rows), t, a0);
    a1 = madd<T>(v128.load(rows, 16), t, a1);
  }
  v128.store(out, v128.add<T>(a0, b0));
  v128.store(out, v128.add<T>(a1, b1), 16);
}

/** Panels of a network. */
export function panelsOf<T>(network: usize): i32 {
  return (slot(network, NET_NEURONS) * <i32>sizeof<T>() + PANEL - 1) / PANEL;
}

/** ⟨w,x_q⟩ (+ b) of one panel on the examples from … from + count − 1. */
export function preactivatePanel<T>(network: usize, batch: usize, panel: i32, from: i32, count: i32, out: usize): void {
  const rows = slot(network, NET_ROWS);
  const weights = pointer(network, NET_WEIGHTS) + <usize>panel * rows * PANEL;
  const tileBytes = <usize>rows * TILE * sizeof<T>();
  let tile = pointer(batch, BATCH_TILES) + <usize>(from / TILE) * tileBytes;
  for (let q = 0; q < count; q += TILE) {
    product<T>(weights, rows, tile, out, min(TILE, count - q), false);
    tile += tileBytes;
    out += TILE * PANEL;
  }
}

/** Values and slopes of one panel on the examples from … from + count − 1. */
export function respondPanel<T>(network: usize, batch: usize, panel: i32, from: i32, count: i32): void {
  const scratch = pointer(batch, BATCH_SCRATCH);
  preactivatePanel<T>(network, batch, panel, from, count, scratch);
  const lanes = PANEL / <i32>sizeof<T>();
  activate<T>(pointer(network, NET_ACTIVATION), scratch, scratch + PART, scratch + 2 * PART, count * lanes);
}

/** Packs `count` inputs (f64 rows of d numbers) from example `at` on; an affine unit's inputs gain a last 1. */
export function packInputs<T>(network: usize, batch: usize, inputs: usize, at: i32, count: i32): void {
  const size = sizeof<T>();
  const rows = slot(network, NET_ROWS);
  const d = rows - slot(network, NET_AFFINE);
  const room = <usize>slot(batch, BATCH_ROOM);
  const tiles = pointer(batch, BATCH_TILES);
  const columns = pointer(batch, BATCH_COLUMNS);
  for (let e = 0; e < count; e++) {
    const q = at + e;
    const x = inputs + ((<usize>e * d) << 3);
    const tile = tiles + (<usize>(q / TILE) * rows * TILE + (q % TILE)) * size;
    for (let j = 0; j < rows; j++) {
      const value = j < d ? <T>load<f64>(x + ((<usize>j) << 3)) : <T>1;
      store<T>(tile + <usize>j * TILE * size, value);
      store<T>(columns + ((<usize>(j / TILE) * room + q) * TILE + (j % TILE)) * size, value);
    }
  }
}

/** Predictions f of all examples of a batch, rows of K f64. */
export function forward<T>(network: usize, batch: usize): void {
  const panels = panelsOf<T>(network);
  const n = slot(batch, BATCH_COUNT);
  const K = slot(network, NET_OUTPUTS);
  const affine = slot(network, NET_AFFINE);
  const output = pointer(network, NET_OUTPUT);
  const masses = pointer(network, NET_MASSES);
  const bias = pointer(network, NET_BIAS);
  const sums = pointer(batch, BATCH_SUMS);
  const values = pointer(batch, BATCH_SCRATCH) + PART;
  const f = pointer(batch, BATCH_PREDICTIONS);
  for (let from = 0; from < n; from += BATCH_CHUNK) {
    const count = min(BATCH_CHUNK, n - from);
    memory.fill(sums, 0, <usize>count * K * 16);
    for (let p = 0; p < panels; p++) {
      respondPanel<T>(network, batch, p, from, count);
      const mass = masses + <usize>p * PANEL;
      const m0 = v128.load(mass);
      const m1 = v128.load(mass, 16);
      let a = output + <usize>p * K * PANEL;
      let k = 0;
      for (; k + 1 < K; k += 2, a += 2 * PANEL) {
        sumTwo<T>(
          v128.mul<T>(m0, v128.load(a)),
          v128.mul<T>(m1, v128.load(a, 16)),
          v128.mul<T>(m0, v128.load(a, PANEL)),
          v128.mul<T>(m1, v128.load(a, PANEL + 16)),
          values,
          count,
          sums + <usize>k * 16,
          <usize>K * 16,
        );
      }
      if (k < K) {
        const a0 = affine ? v128.mul<T>(m0, v128.load(a)) : m0;
        const a1 = affine ? v128.mul<T>(m1, v128.load(a, 16)) : m1;
        sumOne<T>(a0, a1, values, count, sums + <usize>k * 16, <usize>K * 16);
      }
    }
    foldSums<T>(sums, bias, count, K, f + ((<usize>from * K) << 3));
  }
}

/** Rows of K f64 from their sums by lanes, the output bias added where there is one. */
export function foldSums<T>(sums: usize, bias: usize, count: i32, K: i32, out: usize): void {
  for (let q = 0; q < count; q++) {
    for (let k = 0; k < K; k++) {
      const c = bias ? <f64>load<T>(bias + <usize>k * sizeof<T>()) : 0;
      store<f64>(out, c + <f64>laneSum<T>(v128.load(sums)));
      sums += 16;
      out += 8;
    }
  }
}

/** sums += a u over the neurons of a panel, in lanes; a row of sums is `step` bytes. */
export function sumOne<T>(a0: v128, a1: v128, values: usize, count: i32, sums: usize, step: usize): void {
  const end = values + <usize>count * PANEL;
  for (; values < end; values += PANEL, sums += step) {
    v128.store(sums, madd<T>(a1, v128.load(values, 16), madd<T>(a0, v128.load(values), v128.load(sums))));
  }
}

function sumTwo<T>(a0: v128, a1: v128, b0: v128, b1: v128, values: usize, count: i32, sums: usize, step: usize): void {
  const end = values + <usize>count * PANEL;
  for (; values < end; values += PANEL, sums += step) {
    const v0 = v128.load(values);
    const v1 = v128.load(values, 16);
    v128.store(sums, madd<T>(a1, v1, madd<T>(a0, v0, v128.load(sums))));
    v128.store(sums, madd<T>(b1, v1, madd<T>(b0, v0, v128.load(sums, 16))), 16);
  }
}

function scalar(v: v128): f64 {
  return f64x2.extract_lane(v, 0);
}

/** Data weights c_q = scale · m_q r_q from predictions and labels; returns Σ_q m_q ℓ_q. */
export function weigh(batch: usize, outputs: i32, loss: i32, scale: f64): f64 {
  const n = slot(batch, BATCH_COUNT);
  const masses = pointer(batch, BATCH_MASSES);
  let f = pointer(batch, BATCH_PREDICTIONS);
  let y = pointer(batch, BATCH_LABELS);
  let c = pointer(batch, BATCH_WEIGHTS);
  const row = (<usize>outputs) << 3;
  let total: f64 = 0;
  for (let q = 0; q < n; q++) {
    const mass = load<f64>(masses + ((<usize>q) << 3));
    const weight = scale * mass;
    let energy: f64 = 0;
    if (loss === SQUARED) {
      for (let k: usize = 0; k < row; k += 8) {
        const r = load<f64>(y + k) - load<f64>(f + k);
        energy += r * r;
        store<f64>(c + k, weight * r);
      }
      energy *= 0.5;
    } else if (loss === LOGISTIC_LOSS) {
      const label = load<f64>(y);
      const t = f64x2.splat(-label * load<f64>(f));
      energy = scalar(log1pExp<f64, Unfused>(t));
      store<f64>(c, weight * label * scalar(logistic<f64, Unfused>(t)));
    } else {
      energy = weighClasses(f, y, c, row, weight);
    }
    total += mass * energy;
    f += row;
    y += row;
    c += row;
  }
  return total;
}

// ℓ = log Σ e^{f_k} − Σ y_k f_k, r = y − softmax(f), with the largest f taken out first
function weighClasses(f: usize, y: usize, c: usize, row: usize, weight: f64): f64 {
  let most = load<f64>(f);
  for (let k: usize = 8; k < row; k += 8) most = max(most, load<f64>(f + k));
  let total: f64 = 0;
  let inner: f64 = 0;
  for (let k: usize = 0; k < row; k += 8) {
    const t = load<f64>(f + k) - most;
    const e = scalar(exp<f64, Unfused>(f64x2.splat(t)));
    total += e;
    inner += load<f64>(y + k) * t;
    store<f64>(c + k, e);
  }
  for (let k: usize = 0; k < row; k += 8) store<f64>(c + k, weight * (load<f64>(y + k) - load<f64>(c + k) / total));
  return scalar(log<f64>(f64x2.splat(total))) - inner;
}

/** Packs the data weights of a batch. */
export function packWeights<T>(batch: usize, K: i32, n: i32): void {
  const tiles = pointer(batch, BATCH_WEIGHT_TILES);
  const columns = pointer(batch, BATCH_WEIGHT_COLUMNS);
  packRows<T>(pointer(batch, BATCH_WEIGHTS), K, n, tiles, columns, <usize>slot(batch, BATCH_ROOM));
}

/** Packs n f64 rows of K by example (tiles × K × TILE) and by output (tiles × room × TILE), zeros up to a whole tile. */
export function packRows<T>(c: usize, K: i32, n: i32, tiles: usize, columns: usize, room: usize): void {
  const size = sizeof<T>();
  const places = (n + TILE - 1) & ~(TILE - 1);
  for (let q = 0; q < places; q++) {
    const tile = tiles + (<usize>(q / TILE) * K * TILE + (q % TILE)) * size;
    for (let k = 0; k < K; k++) {
      const value = q < n ? <T>load<f64>(c + ((<usize>q * K + k) << 3)) : <T>0;
      store<T>(tile + <usize>k * TILE * size, value);
      store<T>(columns + ((<usize>(k / TILE) * room + q) * TILE + (k % TILE)) * size, value);
    }
  }
}

/** Gradient G = Σ_q c_q · ∇σ*(x_q; θ_i) of the whole state: weights, output coefficients, output bias. */
export function backward<T>(network: usize, batch: usize, gradient: usize): void {
  const size = sizeof<T>();
  const panels = panelsOf<T>(network);
  const n = slot(batch, BATCH_COUNT);
  const K = slot(network, NET_OUTPUTS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const train = affine !== 0 && slot(network, NET_TRAIN) !== 0;
  const bias = pointer(network, NET_BIAS);
  const mask = pointer(network, NET_MASK);
  const room = <usize>slot(batch, BATCH_ROOM);
  const scratch = pointer(batch, BATCH_SCRATCH);
  const values = scratch + PART;
  const slopes = scratch + 2 * PART;
  const factors = scratch + 3 * PART;
  const columns = pointer(batch, BATCH_COLUMNS);
  const weightTiles = pointer(batch, BATCH_WEIGHT_TILES);
  const weightColumns = pointer(batch, BATCH_WEIGHT_COLUMNS);
  const outputGradient = gradient + (output - weights);
  packWeights<T>(batch, K, n);
  memory.fill(gradient, 0, slot(network, NET_BYTES));
  for (let from = 0; from < n; from += BATCH_CHUNK) {
    const count = min(BATCH_CHUNK, n - from);
    for (let p = 0; p < panels; p++) {
      respondPanel<T>(network, batch, p, from, count);
      const a = affine ? output + <usize>p * K * PANEL : mask + <usize>p * PANEL;
      weighPanel<T>(a, K, weightTiles + <usize>(from / TILE) * K * TILE * size, factors, count, false);
      multiply<T>(slopes, factors, slopes, count);
      for (let j = 0; j < rows; j += TILE) {
        const x = columns + (<usize>(j / TILE) * room + from) * TILE * size;
        product<T>(slopes, count, x, gradient + (<usize>p * rows + j) * PANEL, min(TILE, rows - j), true);
      }
      if (train) {
        for (let k = 0; k < K; k += TILE) {
          const c = weightColumns + (<usize>(k / TILE) * room + from) * TILE * size;
          product<T>(values, count, c, outputGradient + (<usize>p * K + k) * PANEL, min(TILE, K - k), true);
        }
      }
    }
  }
  if (train) maskOutputs<T>(network, outputGradient);
  holdBiases<T>(network, gradient);
  if (bias) sumRows<T>(pointer(batch, BATCH_WEIGHTS), n, K, gradient + (bias - weights));
}

/** Σ_q c_q of n f64 rows of K: the part of the output bias. */
export function sumRows<T>(c: usize, n: i32, K: i32, out: usize): void {
  for (let k = 0; k < K; k++) {
    let sum: f64 = 0;
    for (let q = 0; q < n; q++) sum += load<f64>(c + ((<usize>q * K + k) << 3));
    store<T>(out + <usize>k * sizeof<T>(), <T>sum);
  }
}

/** Zero for the biases b of all neurons, the last row of each panel, where they are kept. */
export function holdBiases<T>(network: usize, out: usize): void {
  if (!slot(network, NET_HELD)) return;
  const panels = panelsOf<T>(network);
  const rows = <usize>slot(network, NET_ROWS);
  for (let p = 0; p < panels; p++) memory.fill(out + ((<usize>p + 1) * rows - 1) * PANEL, 0, PANEL);
}

/** out = u v over `count` rows of a panel. */
export function multiply<T>(u: usize, v: usize, out: usize, count: i32): void {
  const end = u + <usize>count * PANEL;
  for (; u < end; u += PANEL, v += PANEL, out += PANEL) {
    v128.store(out, v128.mul<T>(v128.load(u), v128.load(v)));
    v128.store(out, v128.mul<T>(v128.load(u, 16), v128.load(v, 16)), 16);
  }
}

/** Zero where there is no neuron: units beyond N have a = 0 and w = 0, but σ(0) need not be 0. */
export function maskOutputs<T>(network: usize, rows: usize): void {
  const panels = panelsOf<T>(network);
  const K = slot(network, NET_OUTPUTS);
  const last = pointer(network, NET_MASK) + <usize>(panels - 1) * PANEL;
  let row = rows + <usize>(panels - 1) * K * PANEL;
  for (let k = 0; k < K; k++, row += PANEL) {
    v128.store(row, v128.mul<T>(v128.load(row), v128.load(last)));
    v128.store(row, v128.mul<T>(v128.load(row, 16), v128.load(last, 16)), 16);
  }
}

/** Σ_q c_q · σ*(x_q; θ_i) of every neuron i: minus the potential Ψ; N numbers T at `out`, room for whole panels. */
export function potential<T>(network: usize, batch: usize, out: usize): void {
  const size = sizeof<T>();
  const panels = panelsOf<T>(network);
  const n = slot(batch, BATCH_COUNT);
  const K = slot(network, NET_OUTPUTS);
  const affine = slot(network, NET_AFFINE);
  const output = pointer(network, NET_OUTPUT);
  const scratch = pointer(batch, BATCH_SCRATCH);
  const values = scratch + PART;
  const factors = scratch + 3 * PART;
  const tiles = pointer(batch, BATCH_WEIGHT_TILES);
  const columns = pointer(batch, BATCH_WEIGHT_COLUMNS);
  packWeights<T>(batch, K, n);
  memory.fill(out, 0, <usize>panels * PANEL);
  for (let from = 0; from < n; from += BATCH_CHUNK) {
    const count = min(BATCH_CHUNK, n - from);
    for (let p = 0; p < panels; p++) {
      respondPanel<T>(network, batch, p, from, count);
      const sum = out + <usize>p * PANEL;
      if (affine) {
        const a = output + <usize>p * K * PANEL;
        weighPanel<T>(a, K, tiles + <usize>(from / TILE) * K * TILE * size, factors, count, false);
        addDot<T>(values, factors, count, sum);
      } else {
        product1<T>(values, count, columns + <usize>from * TILE * size, sum, true);
      }
    }
  }
}

/** s_q (+)= Σ_k a_k c_qk of one panel on `count` examples, whose weights stand in tiles. */
export function weighPanel<T>(a: usize, K: i32, tile: usize, out: usize, count: i32, add: boolean): void {
  const tileBytes = <usize>K * TILE * sizeof<T>();
  for (let q = 0; q < count; q += TILE) {
    product<T>(a, K, tile, out, min(TILE, count - q), add);
    tile += tileBytes;
    out += TILE * PANEL;
  }
}

/** out += Σ_q u_q v_q, lane by lane. */
function addDot<T>(u: usize, v: usize, count: i32, out: usize): void {
  let s0 = v128.load(out);
  let s1 = v128.load(out, 16);
  const end = u + <usize>count * PANEL;
  for (; u < end; u += PANEL, v += PANEL) {
    s0 = madd<T>(v128.load(u), v128.load(v), s0);
    s1 = madd<T>(v128.load(u, 16), v128.load(v, 16), s1);
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
}
