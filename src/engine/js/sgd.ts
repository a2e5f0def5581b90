// Plain twin of assembly/sgd.ts, written as a good JavaScript programmer would: rows instead of panels, four examples at a
// time so that a weight is loaded once for four products, and flat units (σ' = 0) skipped in the update.

import {
  LAW_DIMENSION,
  LOGISTIC_LOSS,
  NET_ACTIVATION,
  NET_AFFINE,
  NET_NEURONS,
  NET_OUTPUT,
  NET_ROWS,
  NET_TRAIN,
  NET_WEIGHTS,
  SGD_BATCH,
  SGD_EXAMPLE,
  SGD_GRAM,
  SGD_INPUTS,
  SGD_LABELS,
  SGD_LAW,
  SGD_LOSS,
  SGD_NETWORK,
  SGD_PRE,
  SGD_REPLICA,
  SGD_RESIDUALS,
  SGD_SEED_HIGH,
  SGD_SEED_LOW,
  SGD_SLOPES,
  SGD_STEP_SIZES,
  SGD_STEPS,
  SGD_VALUES,
  TILE,
} from "../../../assembly/layout";
import { logistic } from "../math";
import { activate } from "./activation";
import type { Heap, Numbers } from "./heap";
import type { ExampleSource } from "./law";

// pre[q][i] = Σ_j W[i][j] x_q[j] for the four examples of a tile
function forward(
  numbers: Numbers,
  weights: number,
  neurons: number,
  rows: number,
  inputs: number,
  pre: number,
  stride: number,
): void {
  for (let i = 0; i < neurons; i++) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let x = inputs;
    const row = weights + i * rows;
    for (let j = row; j < row + rows; j++, x += TILE) {
      const w = numbers[j]!;
      s0 += w * numbers[x]!;
      s1 += w * numbers[x + 1]!;
      s2 += w * numbers[x + 2]!;
      s3 += w * numbers[x + 3]!;
    }
    numbers[pre + i] = s0;
    numbers[pre + stride + i] = s1;
    numbers[pre + 2 * stride + i] = s2;
    numbers[pre + 3 * stride + i] = s3;
  }
}

// W[i][j] += Σ_q k_q D[q][i] x_q[j] over a tile, all four at one read of the weights; units that are flat on it are skipped
function backward(
  numbers: Numbers,
  weights: number,
  neurons: number,
  rows: number,
  inputs: number,
  slopes: number,
  stride: number,
  factors: Float64Array,
  first: number,
  count: number,
): void {
  const k0 = factors[first]!;
  const k1 = count > 1 ? factors[first + 1]! : 0;
  const k2 = count > 2 ? factors[first + 2]! : 0;
  const k3 = count > 3 ? factors[first + 3]! : 0;
  for (let i = 0; i < neurons; i++) {
    const slope = slopes + i;
    const a = k0 * numbers[slope]!;
    const b = k1 * numbers[slope + stride]!;
    const c = k2 * numbers[slope + 2 * stride]!;
    const d = k3 * numbers[slope + 3 * stride]!;
    if (a === 0 && b === 0 && c === 0 && d === 0) continue;
    let x = inputs;
    const row = weights + i * rows;
    for (let j = row; j < row + rows; j++, x += TILE) {
      numbers[j] = numbers[j]! + (a * numbers[x]! + b * numbers[x + 1]! + (c * numbers[x + 2]! + d * numbers[x + 3]!));
    }
  }
}

/** Runs `steps` steps; see assembly/sgd.ts for the recursion and the blocks. */
export function sgd(
  heap: Heap,
  numbers: Numbers,
  example: ExampleSource,
  plan: number,
  first: number,
  steps: number,
): number {
  const { i32, u32, f64 } = heap;
  const size = numbers.BYTES_PER_ELEMENT;
  const at = plan >> 2;
  const network = u32[at + 2 * SGD_NETWORK]! >> 2;
  const law = u32[at + 2 * SGD_LAW]!;
  const d = u32[(law >> 2) + 2 * LAW_DIMENSION]!;
  const neurons = u32[network + 2 * NET_NEURONS]!;
  const rows = u32[network + 2 * NET_ROWS]!;
  const affine = i32[network + 2 * NET_AFFINE] !== 0;
  const train = affine && i32[network + 2 * NET_TRAIN] !== 0;
  const weights = u32[network + 2 * NET_WEIGHTS]! / size;
  const output = u32[network + 2 * NET_OUTPUT]! / size;
  const activation = u32[network + 2 * NET_ACTIVATION]!;
  const loss = u32[at + 2 * SGD_LOSS];
  const batch = u32[at + 2 * SGD_BATCH]!;
  const blockSteps = u32[at + 2 * SGD_STEPS]!;
  const low = u32[at + 2 * SGD_SEED_LOW]!;
  const high = u32[at + 2 * SGD_SEED_HIGH]!;
  const replica = u32[at + 2 * SGD_REPLICA]!;
  const inputs = u32[at + 2 * SGD_INPUTS]! / size;
  const labels = u32[at + 2 * SGD_LABELS]! >> 3;
  const pre = u32[at + 2 * SGD_PRE]! / size;
  const slopes = u32[at + 2 * SGD_SLOPES]! / size;
  const values = u32[at + 2 * SGD_VALUES]! / size;
  const gram = u32[at + 2 * SGD_GRAM]! / size;
  const residuals = u32[at + 2 * SGD_RESIDUALS]! >> 3;
  const stepSizes = u32[at + 2 * SGD_STEP_SIZES]! >> 3;
  const scratch = u32[at + 2 * SGD_EXAMPLE]! / size;
  // a panel's worth of neurons, as the other builds count it
  const stride = Math.ceil((neurons * size) / 32) * (32 / size);
  const change = values + stride;

  for (let done = 0; done < steps; ) {
    const now = Math.min(blockSteps, steps - done);
    const count = now * batch;
    const places = Math.ceil(count / TILE) * TILE;
    for (let q = 0; q < places; q++) {
      const tile = inputs + Math.floor(q / TILE) * rows * TILE + (q % TILE);
      if (q < count) {
        example(numbers, law, scratch, labels + q, low, high, replica, (first + done) * batch + q);
        for (let j = 0; j < d; j++) numbers[tile + j * TILE] = numbers[scratch + j]!;
        if (rows > d) numbers[tile + d * TILE] = 1;
      } else {
        for (let j = 0; j < rows; j++) numbers[tile + j * TILE] = 0;
      }
    }
    for (let q = 0; q < places; q += TILE) {
      forward(numbers, weights, neurons, rows, inputs + q * rows, pre + q * stride, stride);
    }
    if (now > 1) {
      for (let l = 0; l < TILE; l++) {
        for (let q = 0; q < TILE; q++) {
          let sum = 0;
          for (let j = 0; j < rows; j++) sum += numbers[inputs + j * TILE + l]! * numbers[inputs + j * TILE + q]!;
          numbers[gram + l * TILE + q] = sum;
        }
      }
    }
    for (let k = 0; k < now; k++) {
      const rate = f64[stepSizes + done + k]! / batch;
      const earlier = k * batch;
      if (train) numbers.fill(0, change, change + stride);
      for (let b = 0; b < batch; b++) {
        const q = earlier + b;
        const h = pre + q * stride;
        const slope = slopes + q * stride;
        for (let l = 0; l < earlier; l++) {
          const g = f64[residuals + l]! * numbers[gram + l * TILE + q]!;
          const from = slopes + l * stride;
          for (let i = 0; i < neurons; i++) numbers[h + i] = numbers[h + i]! + g * numbers[from + i]!;
        }
        activate(heap, numbers, activation, h, values, slope, neurons);
        let total = 0;
        if (affine) {
          for (let i = 0; i < neurons; i++) {
            const a = numbers[output + i]!;
            total += a * numbers[values + i]!;
            numbers[slope + i] = a * numbers[slope + i]!;
          }
        } else {
          for (let i = 0; i < neurons; i++) total += numbers[values + i]!;
        }
        const label = f64[labels + q]!;
        const f = total / neurons;
        const residual = loss === LOGISTIC_LOSS ? label * (Number.isFinite(f) ? logistic(-label * f) : f) : label - f;
        if (!(Math.abs(residual) < Infinity)) return done + k;
        const weight = rate * residual;
        f64[residuals + q] = weight;
        if (train) {
          for (let i = 0; i < neurons; i++) numbers[change + i] = numbers[change + i]! + weight * numbers[values + i]!;
        }
      }
      if (train) for (let i = 0; i < neurons; i++) numbers[output + i] = numbers[output + i]! + numbers[change + i]!;
    }
    for (let q = 0; q < count; q += TILE) {
      backward(
        numbers,
        weights,
        neurons,
        rows,
        inputs + q * rows,
        slopes + q * stride,
        stride,
        f64,
        residuals + q,
        Math.min(TILE, count - q),
      );
    }
    done += now;
  }
  return steps;
}
