// Examples (x, y) of a data law, drawn by number: example e of a seed is the same in every process, whatever the batch,
// the precision and the order in which examples are asked for.                                              theory §4
//
// Streams (docs/streams.md): component and atom by the first word of (seed, CHOICE, replica) at step e; Gaussian inputs by
// the normals of (seed, INPUT, replica) at step e; label noise by the first normal of (seed, NOISE, replica) at step e;
// the order of epoch p by the words of (seed, ORDER, replica) at step p.

import { activateUnfused } from "./activation";
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
} from "./layout";
import { normals_f32, normals_f64, words } from "./random";
import { pointer, real, slot } from "./vector";

function fillNormals<T>(out: usize, n: i32, low: u32, high: u32, purpose: u32, replica: u32, e: u64): void {
  if (sizeof<T>() === 4) normals_f32(out, n, low, high, purpose, replica, <u32>e, <u32>(e >> 32), 0);
  else normals_f64(out, n, low, high, purpose, replica, <u32>e, <u32>(e >> 32), 0);
}

function choose(law: usize, low: u32, high: u32, replica: u32, e: u64): i32 {
  const scratch = pointer(law, LAW_SCRATCH);
  words(scratch, 1, low, high, PURPOSE_CHOICE, replica, <u32>e, <u32>(e >> 32), 0);
  const word = load<u32>(scratch);
  const thresholds = pointer(law, LAW_THRESHOLDS);
  let from = 0;
  let to = slot(law, LAW_COUNT) - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (word < load<u32>(thresholds + ((<usize>middle) << 2))) to = middle;
    else from = middle + 1;
  }
  return from;
}

// Fisher–Yates from the last place down; place i is exchanged with ⌊w·(i+1)/2^32⌋.
function orderOf(law: usize, low: u32, high: u32, replica: u32, epoch: u64): usize {
  const order = pointer(law, LAW_ORDER);
  if (real(law, LAW_EPOCH) === <f64>epoch) return order;
  const n = slot(law, LAW_COUNT);
  const scratch = pointer(law, LAW_SCRATCH);
  for (let i = 0; i < n; i++) store<i32>(order + ((<usize>i) << 2), i);
  for (let i = n - 1; i > 0; i--) {
    words(scratch, 1, low, high, PURPOSE_ORDER, replica, <u32>epoch, <u32>(epoch >> 32), i);
    const j = <usize>((<u64>load<u32>(scratch) * <u64>(i + 1)) >> 32);
    const a = order + ((<usize>i) << 2);
    const b = order + (j << 2);
    const t = load<i32>(a);
    store<i32>(a, load<i32>(b));
    store<i32>(b, t);
  }
  store<f64>(law + ((<usize>LAW_EPOCH) << 3), <f64>epoch);
  return order;
}

function teacherLabel<T>(law: usize, x: usize, d: i32, low: u32, high: u32, replica: u32, e: u64): f64 {
  const neurons = slot(law, LAW_TEACHER_NEURONS);
  const padded = (neurons + 1) & ~1;
  const h = pointer(law, LAW_SCRATCH);
  const value = pointer(law, LAW_SCRATCH2);
  const weights = pointer(law, LAW_TEACHER_WEIGHTS);
  for (let i = 0; i < neurons; i++) {
    let sum: f64 = 0;
    const w = weights + ((<usize>i * d) << 3);
    for (let j = 0; j < d; j++) sum += load<f64>(w + ((<usize>j) << 3)) * <f64>load<T>(x + <usize>j * sizeof<T>());
    store<f64>(h + ((<usize>i) << 3), sum);
  }
  activateUnfused<f64>(pointer(law, LAW_TEACHER_ACTIVATION), h, value, value + ((<usize>padded) << 3), padded);
  const a = pointer(law, LAW_TEACHER_COEFFICIENTS);
  let f: f64 = 0;
  for (let i = 0; i < neurons; i++) f += load<f64>(a + ((<usize>i) << 3)) * load<f64>(value + ((<usize>i) << 3));
  f /= <f64>neurons;
  const noise = real(law, LAW_NOISE);
  if (noise > 0) {
    normals_f64(h, 1, low, high, PURPOSE_NOISE, replica, <u32>e, <u32>(e >> 32), 0);
    f += noise * load<f64>(h);
  }
  return f;
}

function copyLabel(law: usize, row: i32, y: usize): void {
  const bytes = (<usize>slot(law, LAW_OUTPUTS)) << 3;
  memory.copy(y, pointer(law, LAW_LABELS) + <usize>row * bytes, bytes);
}

/** Writes example e: its input, d numbers at x, and its label, LAW_OUTPUTS f64 at y. */
export function example<T>(law: usize, x: usize, y: usize, low: u32, high: u32, replica: u32, e: u64): void {
  const size = sizeof<T>();
  const kind = slot(law, LAW_KIND);
  const d = slot(law, LAW_DIMENSION);
  if (kind === FINITE) {
    let q: i32;
    if (pointer(law, LAW_ORDER)) {
      const n = <u64>slot(law, LAW_COUNT);
      const order = orderOf(law, low, high, replica, e / n);
      q = load<i32>(order + ((<usize>(e % n)) << 2));
    } else {
      q = choose(law, low, high, replica, e);
    }
    store<i32>(law + ((<usize>LAW_CHOSEN) << 3), q);
    const row = pointer(law, LAW_INPUTS) + ((<usize>q * d) << 3);
    for (let j = 0; j < d; j++) store<T>(x + <usize>j * size, <T>load<f64>(row + ((<usize>j) << 3)));
    copyLabel(law, q, y);
    return;
  }
  fillNormals<T>(x, d, low, high, PURPOSE_INPUT, replica, e);
  if (kind !== MIXTURE) {
    store<f64>(y, teacherLabel<T>(law, x, d, low, high, replica, e));
    return;
  }
  const c = choose(law, low, high, replica, e);
  const factors = pointer(law, LAW_FACTORS);
  const means = pointer(law, LAW_MEANS);
  const diagonals = pointer(law, LAW_DIAGONALS);
  if (diagonals) {
    const row = diagonals + ((<usize>c * d) << 3);
    for (let j = 0; j < d; j++) {
      const p = x + <usize>j * size;
      store<T>(p, <T>load<f64>(row + ((<usize>j) << 3)) * load<T>(p));
    }
  } else if (factors) {
    const g = pointer(law, LAW_SCRATCH);
    for (let j = 0; j < d; j++) store<f64>(g + ((<usize>j) << 3), <f64>load<T>(x + <usize>j * size));
    for (let i = 0; i < d; i++) {
      const row = factors + (((<usize>c * d + i) * d) << 3);
      let sum: f64 = 0;
      for (let j = 0; j < d; j++) sum += load<f64>(row + ((<usize>j) << 3)) * load<f64>(g + ((<usize>j) << 3));
      store<T>(x + <usize>i * size, <T>sum);
    }
  }
  if (means) {
    const row = means + ((<usize>c * d) << 3);
    for (let j = 0; j < d; j++) {
      const p = x + <usize>j * size;
      store<T>(p, load<T>(p) + <T>load<f64>(row + ((<usize>j) << 3)));
    }
  }
  copyLabel(law, c, y);
}
