// Plain twin of assembly/descent.ts: steps of any process that moves a network by its data weights.

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
  NET_BYTES,
  NET_HELD,
  NET_OUTPUTS,
  NET_TRAIN,
  NET_WEIGHTS,
  PURPOSE_DIFFUSION,
} from "../../../assembly/layout";
import type { Kernels } from "../kernels";
import { activate } from "./activation";
import { backward, forward, holdBiases, packInputs, weigh } from "./gradient";
import type { Heap, Numbers } from "./heap";
import type { ExampleSource } from "./law";
import { networkLayout } from "./network";

const HALF = 4294967296;

/** x ← x + factor · y, over `bytes` bytes. */
export function accumulate(numbers: Numbers, x: number, factor: number, y: number, bytes: number): void {
  const size = numbers.BYTES_PER_ELEMENT;
  const k = size === 4 ? Math.fround(factor) : factor;
  for (let i = x / size, j = y / size; i < (x + bytes) / size; i++, j++) numbers[i] = numbers[i]! + k * numbers[j]!;
}

/** Draws a batch of examples from number `first` on. */
export function drawBatch(heap: Heap, numbers: Numbers, example: ExampleSource, plan: number, first: number): void {
  const { u32 } = heap;
  const at = plan >> 2;
  const size = numbers.BYTES_PER_ELEMENT;
  const law = u32[at + 2 * DESCENT_LAW]!;
  const batch = u32[at + 2 * DESCENT_BATCH]!;
  const network = u32[at + 2 * DESCENT_NETWORK]!;
  const x = u32[at + 2 * DESCENT_EXAMPLE]!;
  const d = u32[(law >> 2) + 2 * LAW_DIMENSION]!;
  const labels = u32[(batch >> 2) + 2 * BATCH_LABELS]! >> 3;
  const K = u32[(network >> 2) + 2 * NET_OUTPUTS]!;
  const n = u32[(batch >> 2) + 2 * BATCH_COUNT]!;
  const [low, high, replica] = [DESCENT_SEED_LOW, DESCENT_SEED_HIGH, DESCENT_REPLICA].map((s) => u32[at + 2 * s]!);
  const decays = u32[(law >> 2) + 2 * LAW_DECAYS]! >> 3;
  let decay = 0;
  for (let q = 0; q < n; q++) {
    example(numbers, law, x / size, labels + q * K, low!, high!, replica!, first + q);
    if (decays) decay += heap.f64[decays + u32[(law >> 2) + 2 * LAW_CHOSEN]!]!;
    if (size === 4) for (let j = d - 1; j >= 0; j--) heap.f64[(x >> 3) + j] = numbers[x / size + j]!;
    packInputs(heap, numbers, network, batch, x, q, 1);
  }
  if (decays) heap.f64[(plan >> 3) + DESCENT_DECAY] = decay / n;
}

// c_q ← s_q c_q
function scaleWeights({ u32, f64 }: Heap, batch: number, K: number, factors: number): void {
  const n = u32[(batch >> 2) + 2 * BATCH_COUNT]!;
  const c = u32[(batch >> 2) + 2 * BATCH_WEIGHTS]! >> 3;
  for (let q = 0; q < n; q++) {
    const s = f64[(factors >> 3) + q]!;
    for (let k = 0; k < K; k++) f64[c + q * K + k] = s * f64[c + q * K + k]!;
  }
}

// out −= ∇U(θ) over `count` numbers from `at` on
function confine(heap: Heap, numbers: Numbers, plan: number, at: number, out: number, count: number): void {
  const { u32, f64 } = heap;
  const weight = f64[(plan >> 3) + DESCENT_WEIGHT]! * f64[(plan >> 3) + DESCENT_DECAY]!;
  if (u32[(plan >> 2) + 2 * DESCENT_CONFINEMENT] === 1) {
    const center = f64[(plan >> 3) + DESCENT_CENTER]!;
    for (let i = 0; i < count; i++) numbers[out + i] = numbers[out + i]! - weight * (numbers[at + i]! - center);
    return;
  }
  const network = u32[(plan >> 2) + 2 * DESCENT_NETWORK]!;
  const bytes = u32[(network >> 2) + 2 * NET_BYTES]!;
  const value = (u32[(plan >> 2) + 2 * DESCENT_GRADIENT]! + bytes) / numbers.BYTES_PER_ELEMENT;
  const room = 1024 / numbers.BYTES_PER_ELEMENT;
  const block = u32[(plan >> 2) + 2 * DESCENT_FUNCTION]!;
  for (let from = 0; from < count; from += room) {
    const here = Math.min(room, count - from);
    activate(heap, numbers, block, at + from, value, value + room, here);
    for (let i = 0; i < here; i++) {
      numbers[out + from + i] = numbers[out + from + i]! - weight * numbers[value + room + i]!;
    }
  }
}

/** The velocity of the state; returns Σ_q m_q ℓ_q. */
export function velocity(heap: Heap, numbers: Numbers, plan: number): number {
  const { u32 } = heap;
  const at = plan >> 2;
  const size = numbers.BYTES_PER_ELEMENT;
  const network = u32[at + 2 * DESCENT_NETWORK]!;
  const batch = u32[at + 2 * DESCENT_BATCH]!;
  const gradient = u32[at + 2 * DESCENT_GRADIENT]!;
  const drift = u32[at + 2 * DESCENT_DRIFT]!;
  const bytes = u32[(network >> 2) + 2 * NET_BYTES]!;
  const { n, rows, weights, output, K } = networkLayout(heap, numbers, network);
  const out = gradient / size;
  let energy = 0;
  if (batch) {
    forward(heap, numbers, network, batch);
    energy = weigh(heap, batch, K, u32[at + 2 * DESCENT_LOSS]!, 1);
    const factors = u32[at + 2 * DESCENT_FACTORS]!;
    if (factors) scaleWeights(heap, batch, K, factors);
    backward(heap, numbers, network, batch, gradient);
  } else {
    numbers.fill(0, out, out + bytes / size);
  }
  if (u32[at + 2 * DESCENT_CONFINEMENT] !== 0) {
    confine(heap, numbers, plan, weights, out, n * rows);
    holdBiases(heap, numbers, network, gradient);
    if (u32[(network >> 2) + 2 * NET_TRAIN] !== 0) {
      confine(heap, numbers, plan, output, out + (output - weights), n * K);
    }
  }
  if (drift) accumulate(numbers, gradient, 1, drift, bytes);
  return energy;
}

function diffuse(
  heap: Heap,
  numbers: Numbers,
  random: Pick<Kernels, "normals_f32" | "normals_f64">,
  plan: number,
  scale: number,
  k: number,
): void {
  const { u32 } = heap;
  const at = plan >> 2;
  const network = u32[at + 2 * DESCENT_NETWORK]!;
  const { n, rows, d, affine, weights, output, K: outputs } = networkLayout(heap, numbers, network);
  const K = affine ? outputs : 0;
  const train = u32[(network >> 2) + 2 * NET_TRAIN] !== 0;
  const held = u32[(network >> 2) + 2 * NET_HELD] !== 0;
  const size = numbers.BYTES_PER_ELEMENT;
  const g = u32[at + 2 * DESCENT_NORMALS]!;
  const [low, high, replica] = [DESCENT_SEED_LOW, DESCENT_SEED_HIGH, DESCENT_REPLICA].map((s) => u32[at + 2 * s]!);
  const normals = size === 4 ? random.normals_f32 : random.normals_f64;
  const factor = size === 4 ? Math.fround(scale) : scale;
  const D = rows + K;
  for (let i = 0; i < n; i++) {
    normals(g, D, low!, high!, PURPOSE_DIFFUSION, replica!, k >>> 0, Math.floor(k / HALF), i * D);
    let from = g / size;
    const add = (place: number) => {
      numbers[place] = numbers[place]! + factor * numbers[from++]!;
    };
    if (train) for (let j = 0; j < K; j++) add(output + i * K + j);
    else from += K;
    if (affine && !held) add(weights + i * rows + d);
    else from += affine;
    for (let j = 0; j < d; j++) add(weights + i * rows + j);
  }
}

/** Runs steps; see assembly/descent.ts. */
export function descend(
  heap: Heap,
  numbers: Numbers,
  example: ExampleSource,
  random: Pick<Kernels, "normals_f32" | "normals_f64">,
  plan: number,
  first: number,
  steps: number,
): number {
  const { u32, f64 } = heap;
  const at = plan >> 2;
  const network = u32[at + 2 * DESCENT_NETWORK]!;
  const batch = u32[at + 2 * DESCENT_BATCH]!;
  const law = u32[at + 2 * DESCENT_LAW]!;
  const gradient = u32[at + 2 * DESCENT_GRADIENT]!;
  const stepSizes = u32[at + 2 * DESCENT_STEP_SIZES]! >> 3;
  const temperature = f64[(plan >> 3) + DESCENT_TEMPERATURE]!;
  const bytes = u32[(network >> 2) + 2 * NET_BYTES]!;
  const state = u32[(network >> 2) + 2 * NET_WEIGHTS]!;
  for (let s = 0; s < steps; s++) {
    const step = f64[stepSizes + s]!;
    if (law) drawBatch(heap, numbers, example, plan, (first + s) * u32[(batch >> 2) + 2 * BATCH_COUNT]!);
    if (!(Math.abs(velocity(heap, numbers, plan)) < Infinity)) return s;
    accumulate(numbers, state, step, gradient, bytes);
    if (temperature > 0) diffuse(heap, numbers, random, plan, Math.sqrt(2 * temperature * step), first + s);
  }
  return steps;
}
