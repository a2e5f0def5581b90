// Plain twin of assembly/tangent.ts: a neuron at a time over a chunk of examples, as in the twin of the gradient.

import { BATCH_CHUNK, BATCH_TANGENT_SCRATCH, NET_BYTES, TILE } from "../../../assembly/layout";
import { activate, activateSecond, isCurved } from "./activation";
import { holdBiases, layout, preActivations } from "./gradient";
import type { Heap, Numbers } from "./heap";

/** δf of all examples of a batch along a direction, f64 rows of K at `out`. */
export function tangentForward(
  heap: Heap,
  numbers: Numbers,
  network: number,
  direction: number,
  batch: number,
  out: number,
): void {
  const at = layout(heap, numbers, network, batch);
  const { n, rows, affine, K, weights, output, activation, train, masses, count, tiles, h, values, slopes } = at;
  const u = layout(heap, numbers, direction, batch);
  const turns = affine === 1 && train;
  const { f64 } = heap;
  const f = out >> 3;
  for (let q = 0; q < count; q++) for (let k = 0; k < K; k++) f64[f + q * K + k] = u.bias ? numbers[u.bias + k]! : 0;
  for (let from = 0; from < count; from += BATCH_CHUNK) {
    const here = Math.min(BATCH_CHUNK, count - from);
    const tile = tiles + from * rows;
    const first = f + from * K;
    for (let i = 0; i < n; i++) {
      preActivations(numbers, weights + i * rows, rows, tile, h, here);
      activate(heap, numbers, activation, h, values, slopes, here);
      preActivations(numbers, u.weights + i * rows, rows, tile, h, here);
      const mass = numbers[masses + i]!;
      for (let k = 0; k < K; k++) {
        const a = affine ? mass * numbers[output + i * K + k]! : mass;
        if (turns) {
          const b = mass * numbers[u.output + i * K + k]!;
          for (let q = 0, to = first + k; q < here; q++, to += K) {
            f64[to] = f64[to]! + (a * (numbers[slopes + q]! * numbers[h + q]!) + b * numbers[values + q]!);
          }
        } else {
          for (let q = 0, to = first + k; q < here; q++, to += K) {
            f64[to] = f64[to]! + a * (numbers[slopes + q]! * numbers[h + q]!);
          }
        }
      }
    }
  }
}

/** T of the whole state; δc are f64 rows of K at `tangentWeights`. */
export function tangentBackward(
  heap: Heap,
  numbers: Numbers,
  network: number,
  direction: number,
  batch: number,
  tangentWeights: number,
  out: number,
): void {
  const at = layout(heap, numbers, network, batch);
  const { n, rows, affine, K, weights, output, activation, train, bias, count, tiles, c, h, values, slopes } = at;
  const u = layout(heap, numbers, direction, batch);
  const trains = affine === 1 && train;
  const curved = isCurved(heap, activation);
  const { f64, u32 } = heap;
  const size = numbers.BYTES_PER_ELEMENT;
  const seconds = u32[(batch >> 2) + 2 * BATCH_TANGENT_SCRATCH]! / size;
  const dc = tangentWeights >> 3;
  const to = out / size;
  numbers.fill(0, to, to + u32[(network >> 2) + 2 * NET_BYTES]! / size);
  for (let from = 0; from < count; from += BATCH_CHUNK) {
    const here = Math.min(BATCH_CHUNK, count - from);
    const whole = Math.ceil(here / TILE) * TILE;
    const first = from * K;
    for (let i = 0; i < n; i++) {
      preActivations(numbers, weights + i * rows, rows, tiles + from * rows, h, here);
      activateSecond(heap, numbers, activation, h, values, slopes, seconds, here);
      preActivations(numbers, u.weights + i * rows, rows, tiles + from * rows, h, here);
      for (let q = 0; q < here; q++) {
        const slope = numbers[slopes + q]!;
        const dh = numbers[h + q]!;
        numbers[slopes + q] = slope * dh;
        if (slope === 0 && !curved) {
          numbers[seconds + q] = 0;
          continue;
        }
        const row = first + q * K;
        let s = 0;
        let ds = 0;
        if (!affine) {
          s = f64[c + row]!;
          ds = f64[dc + row]!;
        } else {
          for (let k = 0; k < K; k++) {
            const a = numbers[output + i * K + k]!;
            s += a * f64[c + row + k]!;
            ds += a * f64[dc + row + k]!;
            if (trains) ds += numbers[u.output + i * K + k]! * f64[c + row + k]!;
          }
        }
        numbers[seconds + q] = numbers[seconds + q]! * (dh * s) + slope * ds;
      }
      if (trains) {
        for (let k = 0; k < K; k++) {
          let sum = 0;
          for (let q = 0, row = first + k; q < here; q++, row += K) {
            sum += f64[dc + row]! * numbers[values + q]! + f64[c + row]! * numbers[slopes + q]!;
          }
          const place = to + (output - weights) + i * K + k;
          numbers[place] = numbers[place]! + sum;
        }
      }
      for (let q = here; q < whole; q++) numbers[seconds + q] = 0;
      let tile = tiles + from * rows;
      const row = to + i * rows;
      for (let q = seconds; q < seconds + whole; q += TILE, tile += rows * TILE) {
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
  holdBiases(heap, numbers, network, out);
  if (bias) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let q = 0; q < count; q++) sum += f64[dc + q * K + k]!;
      numbers[to + (bias - weights) + k] = sum;
    }
  }
}
