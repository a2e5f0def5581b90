// Plain twin of assembly/law.ts: examples of a data law, drawn by number.

import {
  FINITE,
  LAW_CHOSEN,
  LAW_COUNT,
  LAW_DIAGONALS,
  LAW_DIMENSION,
  LAW_EPOCH,
  LAW_FACTORS,
  LAW_INPUTS,
  LAW_KIND,
  LAW_LABELS,
  LAW_MEANS,
  LAW_NOISE,
  LAW_ORDER,
  LAW_OUTPUTS,
  LAW_SCRATCH,
  LAW_SCRATCH2,
  LAW_TEACHER_ACTIVATION,
  LAW_TEACHER_COEFFICIENTS,
  LAW_TEACHER_NEURONS,
  LAW_TEACHER_WEIGHTS,
  LAW_THRESHOLDS,
  MIXTURE,
  PURPOSE_CHOICE,
  PURPOSE_INPUT,
  PURPOSE_NOISE,
  PURPOSE_ORDER,
} from "../../../assembly/layout";
import { activate } from "./activation";
import type { Heap, Numbers } from "./heap";
import type { RandomKernels } from "./random";

const HALF = 4294967296;

/** Writes one example of a law. */
export type ExampleSource = ReturnType<typeof lawKernels>;

/** The source of examples of one heap, with the stream kernels it draws from. */
export function lawKernels(heap: Heap, random: RandomKernels) {
  function choose(law: number, low: number, high: number, replica: number, e: number): number {
    const u32 = heap.u32;
    const at = law >> 2;
    const scratch = u32[at + 2 * LAW_SCRATCH]!;
    random.words(scratch, 1, low, high, PURPOSE_CHOICE, replica, e >>> 0, Math.floor(e / HALF), 0);
    const word = u32[scratch >> 2]!;
    const thresholds = u32[at + 2 * LAW_THRESHOLDS]! >> 2;
    let from = 0;
    let to = u32[at + 2 * LAW_COUNT]! - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (word < u32[thresholds + middle]!) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  function orderOf(law: number, low: number, high: number, replica: number, epoch: number): number {
    const { u32, i32, f64 } = heap;
    const at = law >> 2;
    const order = u32[at + 2 * LAW_ORDER]! >> 2;
    if (f64[(law >> 3) + LAW_EPOCH] === epoch) return order;
    const n = i32[at + 2 * LAW_COUNT]!;
    const scratch = u32[at + 2 * LAW_SCRATCH]!;
    for (let i = 0; i < n; i++) i32[order + i] = i;
    for (let i = n - 1; i > 0; i--) {
      random.words(scratch, 1, low, high, PURPOSE_ORDER, replica, epoch >>> 0, Math.floor(epoch / HALF), i);
      // the product is below 2^53 as n is below 2^21 (the schema's limit)
      const j = Math.floor((u32[scratch >> 2]! * (i + 1)) / HALF);
      const t = i32[order + i]!;
      i32[order + i] = i32[order + j]!;
      i32[order + j] = t;
    }
    f64[(law >> 3) + LAW_EPOCH] = epoch;
    return order;
  }

  function teacherLabel(
    numbers: Numbers,
    law: number,
    x: number,
    d: number,
    low: number,
    high: number,
    replica: number,
    e: number,
  ): number {
    const { u32, f64 } = heap;
    const at = law >> 2;
    const neurons = u32[at + 2 * LAW_TEACHER_NEURONS]!;
    const padded = (neurons + 1) & ~1;
    const h = u32[at + 2 * LAW_SCRATCH]! >> 3;
    const value = u32[at + 2 * LAW_SCRATCH2]! >> 3;
    const weights = u32[at + 2 * LAW_TEACHER_WEIGHTS]! >> 3;
    for (let i = 0; i < neurons; i++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += f64[weights + i * d + j]! * numbers[x + j]!;
      f64[h + i] = sum;
    }
    activate(heap, f64, u32[at + 2 * LAW_TEACHER_ACTIVATION]!, h, value, value + padded, padded);
    const a = u32[at + 2 * LAW_TEACHER_COEFFICIENTS]! >> 3;
    let f = 0;
    for (let i = 0; i < neurons; i++) f += f64[a + i]! * f64[value + i]!;
    f /= neurons;
    const noise = f64[(law >> 3) + LAW_NOISE]!;
    if (noise > 0) {
      random.normals_f64(h * 8, 1, low, high, PURPOSE_NOISE, replica, e >>> 0, Math.floor(e / HALF), 0);
      f += noise * f64[h]!;
    }
    return f;
  }

  function copyLabel(law: number, row: number, y: number): void {
    const { u32, f64 } = heap;
    const K = u32[(law >> 2) + 2 * LAW_OUTPUTS]!;
    const labels = (u32[(law >> 2) + 2 * LAW_LABELS]! >> 3) + row * K;
    for (let k = 0; k < K; k++) f64[y + k] = f64[labels + k]!;
  }

  /** Writes example e: its input from index x of `numbers` on, its label row from index y of the heap's f64 on. */
  return function example(
    numbers: Numbers,
    law: number,
    x: number,
    y: number,
    low: number,
    high: number,
    replica: number,
    e: number,
  ): void {
    const { u32, i32, f64 } = heap;
    const at = law >> 2;
    const kind = u32[at + 2 * LAW_KIND];
    const d = u32[at + 2 * LAW_DIMENSION]!;
    if (kind === FINITE) {
      let q: number;
      if (u32[at + 2 * LAW_ORDER]) {
        const n = u32[at + 2 * LAW_COUNT]!;
        const order = orderOf(law, low, high, replica, Math.floor(e / n));
        q = i32[order + (e % n)]!;
      } else {
        q = choose(law, low, high, replica, e);
      }
      u32[at + 2 * LAW_CHOSEN] = q;
      const row = (u32[at + 2 * LAW_INPUTS]! >> 3) + q * d;
      for (let j = 0; j < d; j++) numbers[x + j] = f64[row + j]!;
      copyLabel(law, q, y);
      return;
    }
    const normals = numbers.BYTES_PER_ELEMENT === 4 ? random.normals_f32 : random.normals_f64;
    const bytes = x * numbers.BYTES_PER_ELEMENT;
    normals(bytes, d, low, high, PURPOSE_INPUT, replica, e >>> 0, Math.floor(e / HALF), 0);
    if (kind !== MIXTURE) {
      f64[y] = teacherLabel(numbers, law, x, d, low, high, replica, e);
      return;
    }
    const c = choose(law, low, high, replica, e);
    const diagonals = u32[at + 2 * LAW_DIAGONALS]! >> 3;
    const factors = u32[at + 2 * LAW_FACTORS]! >> 3;
    const means = u32[at + 2 * LAW_MEANS]! >> 3;
    if (diagonals) {
      // the kernel multiplies in its own precision: Float32Array rounds the product of two f32 numbers to the same bits
      const single = numbers.BYTES_PER_ELEMENT === 4;
      for (let j = 0; j < d; j++) {
        const s = f64[diagonals + c * d + j]!;
        numbers[x + j] = (single ? Math.fround(s) : s) * numbers[x + j]!;
      }
    } else if (factors) {
      const g = u32[at + 2 * LAW_SCRATCH]! >> 3;
      for (let j = 0; j < d; j++) f64[g + j] = numbers[x + j]!;
      for (let i = 0; i < d; i++) {
        const row = factors + (c * d + i) * d;
        let sum = 0;
        for (let j = 0; j < d; j++) sum += f64[row + j]! * f64[g + j]!;
        numbers[x + i] = sum;
      }
    }
    if (means) {
      const single = numbers.BYTES_PER_ELEMENT === 4;
      for (let j = 0; j < d; j++) {
        const m = f64[means + c * d + j]!;
        numbers[x + j] = numbers[x + j]! + (single ? Math.fround(m) : m);
      }
    }
    copyLabel(law, c, y);
  };
}
