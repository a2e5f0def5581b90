// Plain twin of assembly/gradient.ts, written as a good JavaScript programmer would: a neuron at a time over a chunk of examples,
// four examples at a time so that a weight is loaded once for four products, and flat units (σ' = 0) skipped in the update.

import {
  BATCH_CHUNK,
  BATCH_COUNT,
  BATCH_LABELS,
  BATCH_MASSES,
  BATCH_PREDICTIONS,
  BATCH_SCRATCH,
  BATCH_TILES,
  BATCH_WEIGHTS,
  CROSS_ENTROPY,
  LOGISTIC_LOSS,
  NET_ACTIVATION,
  NET_BIAS,
  NET_BYTES,
  NET_HELD,
  NET_MASSES,
  NET_TRAIN,
  SQUARED,
  TILE,
} from "../../../assembly/layout";
import { exp, log, log1pExp, logistic } from "../math";
import { activate } from "./activation";
import type { Heap, Numbers } from "./heap";
import { networkLayout } from "./network";

/** Addresses (in elements) and sizes that both sweeps read. */
export function layout(heap: Heap, numbers: Numbers, network: number, batch: number) {
  const { u32 } = heap;
  const size = numbers.BYTES_PER_ELEMENT;
  const net = network >> 2;
  const at = batch >> 2;
  const scratch = u32[at + 2 * BATCH_SCRATCH]! / size;
  const room = (BATCH_CHUNK * 32) / size;
  return {
    ...networkLayout(heap, numbers, network),
    activation: u32[net + 2 * NET_ACTIVATION]!,
    train: u32[net + 2 * NET_TRAIN] !== 0,
    bias: u32[net + 2 * NET_BIAS]! / size,
    masses: u32[net + 2 * NET_MASSES]! / size,
    count: u32[at + 2 * BATCH_COUNT]!,
    tiles: u32[at + 2 * BATCH_TILES]! / size,
    f: u32[at + 2 * BATCH_PREDICTIONS]! >> 3,
    c: u32[at + 2 * BATCH_WEIGHTS]! >> 3,
    h: scratch,
    values: scratch + room,
    slopes: scratch + 2 * room,
  };
}

/** Packs `count` inputs from example `at` on, four to a tile. */
export function packInputs(
  heap: Heap,
  numbers: Numbers,
  network: number,
  batch: number,
  inputs: number,
  at: number,
  count: number,
): void {
  const { rows, d, tiles } = layout(heap, numbers, network, batch);
  for (let e = 0; e < count; e++) {
    const q = at + e;
    const x = (inputs >> 3) + e * d;
    const tile = tiles + Math.floor(q / TILE) * rows * TILE + (q % TILE);
    for (let j = 0; j < rows; j++) numbers[tile + j * TILE] = j < d ? heap.f64[x + j]! : 1;
  }
}

/** h of one neuron on `count` examples, whole tiles. */
export function preActivations(
  numbers: Numbers,
  row: number,
  rows: number,
  tile: number,
  h: number,
  count: number,
): void {
  for (let q = 0; q < count; q += TILE) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = row; j < row + rows; j++, tile += TILE) {
      const w = numbers[j]!;
      s0 += w * numbers[tile]!;
      s1 += w * numbers[tile + 1]!;
      s2 += w * numbers[tile + 2]!;
      s3 += w * numbers[tile + 3]!;
    }
    numbers[h + q] = s0;
    numbers[h + q + 1] = s1;
    numbers[h + q + 2] = s2;
    numbers[h + q + 3] = s3;
  }
}

/** Predictions f of all examples of a batch, rows of K f64. */
export function forward(heap: Heap, numbers: Numbers, network: number, batch: number): void {
  const { n, rows, affine, K, weights, output, activation, bias, masses, count, tiles, f, h, values, slopes } = layout(
    heap,
    numbers,
    network,
    batch,
  );
  const { f64 } = heap;
  for (let q = 0; q < count; q++) for (let k = 0; k < K; k++) f64[f + q * K + k] = bias ? numbers[bias + k]! : 0;
  for (let from = 0; from < count; from += BATCH_CHUNK) {
    const here = Math.min(BATCH_CHUNK, count - from);
    const first = f + from * K;
    for (let i = 0; i < n; i++) {
      preActivations(numbers, weights + i * rows, rows, tiles + from * rows, h, here);
      activate(heap, numbers, activation, h, values, slopes, here);
      const mass = numbers[masses + i]!;
      if (K === 1) {
        const a = affine ? mass * numbers[output + i]! : mass;
        for (let q = 0; q < here; q++) f64[first + q] = f64[first + q]! + a * numbers[values + q]!;
        continue;
      }
      for (let k = 0; k < K; k++) {
        const a = mass * numbers[output + i * K + k]!;
        for (let q = 0, at = first + k; q < here; q++, at += K) f64[at] = f64[at]! + a * numbers[values + q]!;
      }
    }
  }
}

/** Data weights c_q = scale · m_q r_q from predictions and labels; returns Σ_q m_q ℓ_q. */
export function weigh(heap: Heap, batch: number, outputs: number, loss: number, scale: number): number {
  const { u32, f64 } = heap;
  const at = batch >> 2;
  const n = u32[at + 2 * BATCH_COUNT]!;
  const masses = u32[at + 2 * BATCH_MASSES]! >> 3;
  let f = u32[at + 2 * BATCH_PREDICTIONS]! >> 3;
  let y = u32[at + 2 * BATCH_LABELS]! >> 3;
  let c = u32[at + 2 * BATCH_WEIGHTS]! >> 3;
  let total = 0;
  for (let q = 0; q < n; q++) {
    const mass = f64[masses + q]!;
    const weight = scale * mass;
    let energy = 0;
    if (loss === SQUARED) {
      for (let k = 0; k < outputs; k++) {
        const r = f64[y + k]! - f64[f + k]!;
        energy += r * r;
        f64[c + k] = weight * r;
      }
      energy *= 0.5;
    } else if (loss === LOGISTIC_LOSS) {
      const t = -f64[y]! * f64[f]!;
      energy = log1pExp(t);
      f64[c] = weight * f64[y]! * logistic(t);
    } else if (loss === CROSS_ENTROPY) {
      let most = f64[f]!;
      for (let k = 1; k < outputs; k++) most = Math.max(most, f64[f + k]!);
      let sum = 0;
      let inner = 0;
      for (let k = 0; k < outputs; k++) {
        const t = f64[f + k]! - most;
        const e = exp(t);
        sum += e;
        inner += f64[y + k]! * t;
        f64[c + k] = e;
      }
      for (let k = 0; k < outputs; k++) f64[c + k] = weight * (f64[y + k]! - f64[c + k]! / sum);
      energy = log(sum) - inner;
    }
    total += mass * energy;
    f += outputs;
    y += outputs;
    c += outputs;
  }
  return total;
}

/** Gradient Σ_q c_q · ∇σ*(x_q; θ_i) of the whole state. */
export function backward(heap: Heap, numbers: Numbers, network: number, batch: number, gradient: number): void {
  const { n, rows, affine, K, weights, output, activation, train, bias, count, tiles, c, h, values, slopes } = layout(
    heap,
    numbers,
    network,
    batch,
  );
  const { f64 } = heap;
  const to = gradient / numbers.BYTES_PER_ELEMENT;
  const bytes = heap.u32[(network >> 2) + 2 * NET_BYTES]!;
  numbers.fill(0, to, to + bytes / numbers.BYTES_PER_ELEMENT);
  const trains = affine === 1 && train;
  for (let from = 0; from < count; from += BATCH_CHUNK) {
    const here = Math.min(BATCH_CHUNK, count - from);
    const whole = Math.ceil(here / TILE) * TILE;
    const first = c + from * K;
    for (let i = 0; i < n; i++) {
      preActivations(numbers, weights + i * rows, rows, tiles + from * rows, h, here);
      activate(heap, numbers, activation, h, values, slopes, here);
      if (trains) {
        for (let k = 0; k < K; k++) {
          let sum = 0;
          for (let q = 0, at = first + k; q < here; q++, at += K) sum += f64[at]! * numbers[values + q]!;
          const place = to + (output - weights) + i * K + k;
          numbers[place] = numbers[place]! + sum;
        }
      }
      for (let q = 0; q < here; q++) {
        const slope = numbers[slopes + q]!;
        if (slope === 0) continue;
        if (!affine) {
          numbers[slopes + q] = slope * f64[first + q]!;
          continue;
        }
        let s = 0;
        for (let k = 0, at = first + q * K; k < K; k++) s += numbers[output + i * K + k]! * f64[at + k]!;
        numbers[slopes + q] = slope * s;
      }
      for (let q = here; q < whole; q++) numbers[slopes + q] = 0;
      let tile = tiles + from * rows;
      const row = to + i * rows;
      for (let q = slopes; q < slopes + whole; q += TILE, tile += rows * TILE) {
        const d0 = numbers[q]!;
        const d1 = numbers[q + 1]!;
        const d2 = numbers[q + 2]!;
        const d3 = numbers[q + 3]!;
        if (d0 === 0 && d1 === 0 && d2 === 0 && d3 === 0) continue;
        for (let j = row, x = tile; j < row + rows; j++, x += TILE) {
          numbers[j] =
            numbers[j]! + (d0 * numbers[x]! + d1 * numbers[x + 1]! + (d2 * numbers[x + 2]! + d3 * numbers[x + 3]!));
        }
      }
    }
  }
  holdBiases(heap, numbers, network, gradient);
  if (bias) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let q = 0; q < count; q++) sum += f64[c + q * K + k]!;
      numbers[to + (bias - weights) + k] = sum;
    }
  }
}

/** Zero for the biases b of all neurons where they are kept. */
export function holdBiases(heap: Heap, numbers: Numbers, network: number, out: number): void {
  if (heap.u32[(network >> 2) + 2 * NET_HELD] === 0) return;
  const { n, rows } = networkLayout(heap, numbers, network);
  const to = out / numbers.BYTES_PER_ELEMENT;
  for (let i = 1; i <= n; i++) numbers[to + i * rows - 1] = 0;
}

/** Σ_q c_q · σ*(x_q; θ_i) of every neuron. */
export function potential(heap: Heap, numbers: Numbers, network: number, batch: number, out: number): void {
  const { n, rows, affine, K, weights, output, activation, count, tiles, c, h, values, slopes } = layout(
    heap,
    numbers,
    network,
    batch,
  );
  const { f64 } = heap;
  const to = out / numbers.BYTES_PER_ELEMENT;
  numbers.fill(0, to, to + n);
  for (let from = 0; from < count; from += BATCH_CHUNK) {
    const here = Math.min(BATCH_CHUNK, count - from);
    const first = c + from * K;
    for (let i = 0; i < n; i++) {
      preActivations(numbers, weights + i * rows, rows, tiles + from * rows, h, here);
      activate(heap, numbers, activation, h, values, slopes, here);
      let total = 0;
      for (let k = 0; k < K; k++) {
        let sum = 0;
        for (let q = 0, at = first + k; q < here; q++, at += K) sum += f64[at]! * numbers[values + q]!;
        total += affine ? numbers[output + i * K + k]! * sum : sum;
      }
      numbers[to + i] = numbers[to + i]! + total;
    }
  }
}
