// Plain twin of assembly/activation.ts: σ and σ' over a row of numbers.

import {
  ACTIVATION_COUNT,
  ACTIVATION_DATA,
  ACTIVATION_FACTOR,
  ACTIVATION_KIND,
  ACTIVATION_P0,
  ACTIVATION_P1,
  COSINE,
  ERF,
  IDENTITY,
  LEAKY_RELU,
  LOGISTIC,
  PIECEWISE_LINEAR,
  RELU,
  SILU,
  SOFTPLUS,
  SQUARE,
  TABLE,
  TANH,
} from "../../../assembly/layout";
import { cos, erf, exp, expm1, log1pExp, logistic, sin, tanh } from "../math";
import type { Heap, Numbers } from "./heap";

/** σ and σ' of `count` numbers; indices are in elements of `numbers`, the heap's view of one precision. */
export function activate(
  heap: Heap,
  numbers: Numbers,
  block: number,
  h: number,
  value: number,
  slope: number,
  count: number,
): void {
  activateUnscaled(heap, numbers, block, h, value, slope, count);
  scale(heap, numbers, block, value, count);
  scale(heap, numbers, block, slope, count);
}

// the factor of a scaled activation
function scale(heap: Heap, numbers: Numbers, block: number, row: number, count: number): void {
  const factor = heap.f64[(block >> 3) + ACTIVATION_FACTOR]!;
  if (factor === 1) return;
  const k = numbers.BYTES_PER_ELEMENT === 4 ? Math.fround(factor) : factor;
  for (let i = row; i < row + count; i++) numbers[i] = k * numbers[i]!;
}

function activateUnscaled(
  heap: Heap,
  numbers: Numbers,
  block: number,
  h: number,
  value: number,
  slope: number,
  count: number,
): void {
  const at = block >> 2;
  const kind = heap.i32[at + 2 * ACTIVATION_KIND];
  const p0 = heap.f64[(block >> 3) + ACTIVATION_P0]!;
  const p1 = heap.f64[(block >> 3) + ACTIVATION_P1]!;
  const data = heap.u32[at + 2 * ACTIVATION_DATA]! / numbers.BYTES_PER_ELEMENT;
  const pieces = heap.i32[at + 2 * ACTIVATION_COUNT]!;
  switch (kind) {
    case RELU:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[value + i] = Math.max(t, 0);
        numbers[slope + i] = t > 0 ? 1 : 0;
      }
      return;
    case LEAKY_RELU:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        const k = t > 0 ? 1 : p0;
        numbers[value + i] = t * k;
        numbers[slope + i] = k;
      }
      return;
    case PIECEWISE_LINEAR:
      piecewiseLinear(numbers, p0, pieces, data, h, value, slope, count);
      return;
    case TABLE:
      table(numbers, p0, p1, pieces, data, h, value, slope, count);
      return;
    case TANH:
      for (let i = 0; i < count; i++) {
        const y = tanh(numbers[h + i]!);
        numbers[value + i] = y;
        numbers[slope + i] = 1 - y * y;
      }
      return;
    case ERF:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[value + i] = erf(t);
        numbers[slope + i] = 1.1283791670955126 * exp(-(t * t));
      }
      return;
    case LOGISTIC:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        const y = logistic(t + t);
        numbers[value + i] = y;
        numbers[slope + i] = 2 * (y * (1 - y));
      }
      return;
    case SOFTPLUS:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[value + i] = log1pExp(t);
        numbers[slope + i] = logistic(t);
      }
      return;
    case SILU:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        const y = logistic(t);
        const ty = t * y;
        numbers[value + i] = ty;
        numbers[slope + i] = y + ty * (1 - y);
      }
      return;
    case COSINE:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[value + i] = cos(t);
        numbers[slope + i] = -sin(t);
      }
      return;
    case IDENTITY:
      for (let i = 0; i < count; i++) {
        numbers[value + i] = numbers[h + i]!;
        numbers[slope + i] = 1;
      }
      return;
    case SQUARE:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[value + i] = t * t;
        numbers[slope + i] = t + t;
      }
      return;
  }
}

/** σ, σ' and σ'' of `count` numbers, the first two as `activate` has them. */
export function activateSecond(
  heap: Heap,
  numbers: Numbers,
  block: number,
  h: number,
  value: number,
  slope: number,
  second: number,
  count: number,
): void {
  activateSecondUnscaled(heap, numbers, block, h, value, slope, second, count);
  for (const row of [value, slope, second]) scale(heap, numbers, block, row, count);
}

function activateSecondUnscaled(
  heap: Heap,
  numbers: Numbers,
  block: number,
  h: number,
  value: number,
  slope: number,
  second: number,
  count: number,
): void {
  const at = block >> 2;
  const kind = heap.i32[at + 2 * ACTIVATION_KIND];
  if (kind === TANH) {
    tanhCurve(numbers, h, value, slope, second, count);
    return;
  }
  activateUnscaled(heap, numbers, block, h, value, slope, count);
  switch (kind) {
    case TABLE: {
      const first = heap.f64[(block >> 3) + ACTIVATION_P0]!;
      const step = heap.f64[(block >> 3) + ACTIVATION_P1]!;
      const data = heap.u32[at + 2 * ACTIVATION_DATA]! / numbers.BYTES_PER_ELEMENT;
      tableSecond(numbers, first, step, heap.i32[at + 2 * ACTIVATION_COUNT]!, data, h, second, count);
      return;
    }
    case ERF:
      for (let i = 0; i < count; i++) numbers[second + i] = -2 * (numbers[h + i]! * numbers[slope + i]!);
      return;
    case LOGISTIC:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[second + i] = -(tanh(t) * sech2(t));
      }
      return;
    case SOFTPLUS:
      for (let i = 0; i < count; i++) numbers[second + i] = 0.25 * sech2(0.5 * numbers[h + i]!);
      return;
    case SILU:
      for (let i = 0; i < count; i++) {
        const t = numbers[h + i]!;
        numbers[second + i] = 0.25 * sech2(0.5 * t) * (2 - t * tanh(0.5 * t));
      }
      return;
    case COSINE:
      for (let i = 0; i < count; i++) numbers[second + i] = -numbers[value + i]!;
      return;
    case SQUARE:
      numbers.fill(2, second, second + count);
      return;
    default:
      numbers.fill(0, second, second + count);
  }
}

/** Whether σ'' is anywhere but 0. */
export function isCurved(heap: Heap, block: number): boolean {
  const kind = heap.i32[(block >> 2) + 2 * ACTIVATION_KIND]!;
  return kind !== RELU && kind !== LEAKY_RELU && kind !== PIECEWISE_LINEAR && kind !== IDENTITY;
}

/** Where sech² is about to underflow. */
const SECH_END = 352;

// σ, σ' and σ'' from one exponential, e^(2|t|) − 1.
function tanhCurve(numbers: Numbers, h: number, value: number, slope: number, second: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const t = numbers[h + i]!;
    const size = Math.abs(t);
    const e = expm1(2 * Math.min(size, SECH_END));
    const a = e / (e + 2);
    const y = t < 0 || Object.is(t, -0) ? -a : a;
    numbers[value + i] = y;
    numbers[slope + i] = 1 - y * y;
    numbers[second + i] = size >= SECH_END ? 0 : -2 * (y * ((2 / (e + 2)) * (1 + a)));
  }
}

// 1 − tanh² t, in the tails too.
function sech2(t: number): number {
  const size = Math.abs(t);
  if (size >= SECH_END) return 0;
  const e = expm1(2 * size);
  return (2 / (e + 2)) * (1 + e / (e + 2));
}

function piecewiseLinear(
  numbers: Numbers,
  left: number,
  pieces: number,
  data: number,
  h: number,
  value: number,
  slope: number,
  count: number,
): void {
  for (let k = 0; k < pieces; k++) {
    const from = numbers[data + 3 * k]!;
    const to = numbers[data + 3 * k + 1]!;
    const steep = numbers[data + 3 * k + 2]!;
    for (let i = 0; i < count; i++) {
      const t = numbers[h + i]!;
      const here = t > from && t <= to ? steep : 0;
      const base = k === 0 ? left : numbers[value + i]!;
      const gain = t > from ? (t < to ? (t - from) * steep : (to - from) * steep) : (t - t) * steep;
      numbers[slope + i] = k === 0 ? here : numbers[slope + i]! + here;
      numbers[value + i] = base + gain;
    }
  }
}

function table(
  numbers: Numbers,
  first: number,
  step: number,
  intervals: number,
  data: number,
  h: number,
  value: number,
  slope: number,
  count: number,
): void {
  const inverse = 1 / step;
  for (let i = 0; i < count; i++) {
    const t = numbers[h + i]!;
    const u = (t - first) * inverse;
    if (!(u > 0)) {
      const m = numbers[data + 1]!;
      numbers[value + i] = numbers[data]! + m * (t - first);
      numbers[slope + i] = m;
    } else if (u >= intervals) {
      const end = data + 2 * intervals;
      const m = numbers[end + 1]!;
      numbers[value + i] = numbers[end]! + m * (t - (first + step * intervals));
      numbers[slope + i] = m;
    } else {
      const k = Math.floor(u);
      const p = data + 2 * k;
      const s = u - k;
      const y0 = numbers[p]!;
      const m0 = numbers[p + 1]! * step;
      const y1 = numbers[p + 2]!;
      const m1 = numbers[p + 3]! * step;
      const c2 = 3 * (y1 - y0) - 2 * m0 - m1;
      const c3 = 2 * (y0 - y1) + m0 + m1;
      numbers[value + i] = y0 + s * (m0 + s * (c2 + s * c3));
      numbers[slope + i] = (m0 + s * (2 * c2 + s * (3 * c3))) * inverse;
    }
  }
}

function tableSecond(
  numbers: Numbers,
  first: number,
  step: number,
  intervals: number,
  data: number,
  h: number,
  second: number,
  count: number,
): void {
  const inverse = 1 / step;
  for (let i = 0; i < count; i++) {
    const u = (numbers[h + i]! - first) * inverse;
    if (!(u > 0 && u < intervals)) {
      numbers[second + i] = 0;
      continue;
    }
    const k = Math.floor(u);
    const p = data + 2 * k;
    const rise = numbers[p + 2]! - numbers[p]!;
    const m0 = numbers[p + 1]! * step;
    const m1 = numbers[p + 3]! * step;
    const c2 = 3 * rise - 2 * m0 - m1;
    const c3 = m0 + m1 - 2 * rise;
    numbers[second + i] = (2 * c2 + 6 * c3 * (u - k)) * inverse * inverse;
  }
}
