// A model in kernel memory: writes activations, laws and networks into the blocks of assembly/layout.ts.

import {
  ACTIVATION_COUNT,
  ACTIVATION_DATA,
  ACTIVATION_FACTOR,
  ACTIVATION_KIND,
  ACTIVATION_P0,
  ACTIVATION_P1,
  ACTIVATION_SLOTS,
  BATCH_CHUNK,
  BATCH_COLUMNS,
  BATCH_COUNT,
  BATCH_LABELS,
  BATCH_MASSES,
  BATCH_PREDICTIONS,
  BATCH_ROOM,
  BATCH_SCRATCH,
  BATCH_SLOTS,
  BATCH_SUMS,
  BATCH_TANGENT_COLUMNS,
  BATCH_TANGENT_SCRATCH,
  BATCH_TANGENT_TILES,
  BATCH_TILES,
  BATCH_WEIGHT_COLUMNS,
  BATCH_WEIGHT_TILES,
  BATCH_WEIGHTS,
  COSINE,
  CROSS_ENTROPY,
  ERF,
  FINITE,
  IDENTITY,
  LAW_COUNT,
  LAW_DECAYS,
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
  LAW_SLOTS,
  LAW_TEACHER_ACTIVATION,
  LAW_TEACHER_COEFFICIENTS,
  LAW_TEACHER_NEURONS,
  LAW_TEACHER_WEIGHTS,
  LAW_THRESHOLDS,
  LEAKY_RELU,
  LOGISTIC,
  LOGISTIC_LOSS,
  MIXTURE,
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
  NET_SLOTS,
  NET_TRAIN,
  NET_WEIGHTS,
  PANEL,
  PIECEWISE_LINEAR,
  RELU,
  SILU,
  SOFTPLUS,
  SQUARE,
  SQUARED,
  TABLE,
  TANH,
  TEACHER,
  TILE,
} from "../../assembly/layout";
import type { Memory, Precision } from "../engine/memory";
import { type Activation, unscaled } from "./activation";
import { type Loss, labelRows } from "./labels";
import { gaussianComponents, type Law, lawDimension, teacherNetwork } from "./law";
import { outputsOf, type Unit } from "./unit";

const plainKinds = {
  relu: RELU,
  leakyRelu: LEAKY_RELU,
  tanh: TANH,
  erf: ERF,
  logistic: LOGISTIC,
  softplus: SOFTPLUS,
  silu: SILU,
  cosine: COSINE,
  identity: IDENTITY,
  square: SQUARE,
} as const;

/** Writes an activation's block, its tables in the precision of the kernel that will read them; returns its address. */
export function writeActivation(memory: Memory, scaledActivation: Activation, precision: Precision): number {
  const block = memory.block(ACTIVATION_SLOTS);
  const { factor, activation } = unscaled(scaledActivation);
  memory.setReal(block, ACTIVATION_FACTOR, factor);
  switch (activation.kind) {
    case "truncatedRelu":
    case "piecewiseLinear": {
      const knots =
        activation.kind === "truncatedRelu"
          ? [
              [0, 0],
              [1, 1],
            ]
          : activation.knots;
      const pieces: number[] = [];
      for (let k = 0; k + 1 < knots.length; k++) {
        const [from, y0] = knots[k]!;
        const [to, y1] = knots[k + 1]!;
        pieces.push(from!, to!, (y1! - y0!) / (to! - from!));
      }
      memory.setInteger(block, ACTIVATION_KIND, PIECEWISE_LINEAR);
      memory.setInteger(block, ACTIVATION_COUNT, knots.length - 1);
      memory.setReal(block, ACTIVATION_P0, knots[0]![1]!);
      memory.setInteger(block, ACTIVATION_DATA, memory.put(precision, pieces));
      return block;
    }
    case "table": {
      const { from, to, values, slopes } = activation;
      const intervals = values.data.length - 1;
      const points = Array.from(values.data, (value, i) => [value, slopes.data[i]!]).flat();
      memory.setInteger(block, ACTIVATION_KIND, TABLE);
      memory.setInteger(block, ACTIVATION_COUNT, intervals);
      memory.setReal(block, ACTIVATION_P0, from);
      memory.setReal(block, ACTIVATION_P1, (to - from) / intervals);
      memory.setInteger(block, ACTIVATION_DATA, memory.put(precision, points));
      return block;
    }
    default:
      memory.setInteger(block, ACTIVATION_KIND, plainKinds[activation.kind]);
      if (activation.kind === "leakyRelu") memory.setReal(block, ACTIVATION_P0, activation.slope);
      return block;
  }
}

/** u32 thresholds of weights that sum to 1: atom c is drawn where a word is below thresholds[c]. */
function thresholds(weights: ArrayLike<number>): Uint32Array {
  const out = new Uint32Array(weights.length);
  let sum = 0;
  for (let c = 0; c < weights.length; c++) {
    sum += weights[c]!;
    out[c] = Math.min(4294967295, Math.round(sum * 4294967296));
  }
  return out;
}

/**
 * Writes a law's block; returns its address.
 *
 * @param problem      the law, and the unit and loss that say how its labels are read; a bare law has squared loss and one output
 * @param replacement  whether atoms of a finite law are drawn with replacement, or in the order of a fresh permutation
 *                     an epoch
 */
export function writeLaw(memory: Memory, problem: { law: Law; unit?: Unit; loss?: Loss }, replacement = true): number {
  const { law, unit, loss = "squared" } = problem;
  const K = unit ? outputsOf(unit) : 1;
  const d = lawDimension(law);
  const putLabels = (labels: ArrayLike<number>, count: number) =>
    memory.setInteger(block, LAW_LABELS, memory.put("f64", labelRows(labels, count, K, loss)));
  const block = memory.block(LAW_SLOTS);
  memory.setInteger(block, LAW_DIMENSION, d);
  memory.setInteger(block, LAW_OUTPUTS, K);
  memory.setReal(block, LAW_EPOCH, -1);
  const putThresholds = (weights: ArrayLike<number>) => {
    const pointer = memory.allocate(4 * weights.length);
    memory.u32(pointer, weights.length).set(thresholds(weights));
    memory.setInteger(block, LAW_THRESHOLDS, pointer);
    memory.setInteger(block, LAW_COUNT, weights.length);
  };
  let scratch = Math.max(d, 8);
  if (law.kind === "dataset") {
    const n = law.x.shape[0]!;
    memory.setInteger(block, LAW_KIND, FINITE);
    putThresholds(law.weights ? law.weights.data : new Float64Array(n).fill(1 / n));
    memory.setInteger(block, LAW_INPUTS, memory.put("f64", law.x.data));
    putLabels(law.y.data, n);
    if (law.decay) memory.setInteger(block, LAW_DECAYS, memory.put("f64", law.decay.data));
    if (!replacement) memory.setInteger(block, LAW_ORDER, memory.allocate(4 * n));
  } else if (law.kind === "teacher") {
    const { a, w } = teacherNetwork(law);
    scratch = Math.max(scratch, law.neurons + 1);
    memory.setInteger(block, LAW_KIND, TEACHER);
    memory.setInteger(block, LAW_TEACHER_NEURONS, law.neurons);
    memory.setInteger(block, LAW_TEACHER_ACTIVATION, writeActivation(memory, law.activation, "f64"));
    memory.setInteger(block, LAW_TEACHER_WEIGHTS, memory.put("f64", w));
    memory.setInteger(block, LAW_TEACHER_COEFFICIENTS, memory.put("f64", a));
    memory.setReal(block, LAW_NOISE, law.noise);
    memory.setInteger(block, LAW_SCRATCH2, memory.reserve("f64", 2 * (law.neurons + 1)));
  } else {
    const components = gaussianComponents(law);
    memory.setInteger(block, LAW_KIND, MIXTURE);
    putThresholds(components.map((c) => c.weight));
    putLabels(
      components.map((c) => c.label),
      components.length,
    );
    const rows = (pick: (c: (typeof components)[number]) => Float64Array | null, slotIndex: number) => {
      if (components.some((c) => pick(c) === null)) return;
      const width = pick(components[0]!)!.length;
      const all = new Float64Array(components.length * width);
      components.forEach((c, i) => {
        all.set(pick(c)!, i * width);
      });
      memory.setInteger(block, slotIndex, memory.put("f64", all));
    };
    rows((c) => c.diagonal, LAW_DIAGONALS);
    rows((c) => c.factor, LAW_FACTORS);
    rows((c) => c.mean, LAW_MEANS);
  }
  memory.setInteger(block, LAW_SCRATCH, memory.reserve("f64", scratch));
  return block;
}

/** A network in kernel memory. */
export interface NetworkBlock {
  /** Address of the block. */
  block: number;
  /** Address and bytes of the state: weights, output coefficients, output bias, in one run. */
  weights: number;
  bytes: number;
  /** Bytes of the weights, and of the output coefficients behind them. */
  weightBytes: number;
  outputBytes: number;
  /** Rows of a panel: d, and one more for the bias b of an affine unit. */
  rows: number;
  /** Outputs K. */
  outputs: number;
  /** Numbers of θ: N times the parameters of a neuron, and K more where there is an output bias. */
  length: number;
  precision: Precision;
}

/**
 * Writes a network's block, with room for its state.
 *
 * @param masses  of the neurons in f; 1/N each if left out
 */
export function writeNetwork(
  memory: Memory,
  unit: Unit,
  dimension: number,
  neurons: number,
  precision: Precision,
  masses: ArrayLike<number> | null = null,
): NetworkBlock {
  const size = precision === "f32" ? 4 : 8;
  const affine = unit.kind === "affine" ? 1 : 0;
  const outputs = outputsOf(unit);
  const hasBias = unit.kind === "affine" && unit.outputBias;
  const rows = dimension + affine;
  const lanes = PANEL / size;
  const panels = Math.ceil(neurons / lanes);
  const weightBytes = panels * rows * PANEL;
  const outputBytes = affine * panels * outputs * PANEL;
  const bytes = weightBytes + outputBytes + (hasBias ? Math.ceil((outputs * size) / PANEL) * PANEL : 0);
  const weights = memory.allocate(bytes);
  const block = memory.block(NET_SLOTS);
  memory.setInteger(block, NET_NEURONS, neurons);
  memory.setInteger(block, NET_ROWS, rows);
  memory.setInteger(block, NET_ACTIVATION, writeActivation(memory, unit.activation, precision));
  memory.setInteger(block, NET_AFFINE, affine);
  memory.setInteger(block, NET_TRAIN, unit.kind === "affine" && unit.trainOutput ? 1 : 0);
  memory.setInteger(block, NET_HELD, unit.kind === "affine" && !unit.trainBias ? 1 : 0);
  memory.setInteger(block, NET_OUTPUTS, outputs);
  memory.setInteger(block, NET_BYTES, bytes);
  memory.setInteger(block, NET_MASSES, memory.put(precision, masses ?? new Float64Array(neurons).fill(1 / neurons)));
  memory.setInteger(block, NET_MASK, memory.put(precision, new Float64Array(neurons).fill(1)));
  pointNetwork(memory, block, weights, { weightBytes, outputBytes, bytes });
  const length = neurons * (rows + affine * outputs) + (hasBias ? outputs : 0);
  return { block, weights, bytes, weightBytes, outputBytes, rows, outputs, length, precision };
}

function pointNetwork(
  memory: Memory,
  block: number,
  state: number,
  parts: { weightBytes: number; outputBytes: number; bytes: number },
): void {
  const { weightBytes, outputBytes, bytes } = parts;
  memory.setInteger(block, NET_WEIGHTS, state);
  memory.setInteger(block, NET_OUTPUT, outputBytes > 0 ? state + weightBytes : 0);
  memory.setInteger(block, NET_BIAS, bytes > weightBytes + outputBytes ? state + weightBytes + outputBytes : 0);
}

/** A second block of the same network, with room for a state of its own. */
export function copyNetwork(memory: Memory, network: NetworkBlock): NetworkBlock {
  return viewNetwork(memory, network, memory.allocate(network.bytes));
}

/** A second block of the same network whose state is the bytes at an address: a velocity, for one. */
export function viewNetwork(memory: Memory, network: NetworkBlock, weights: number): NetworkBlock {
  const block = memory.block(NET_SLOTS);
  memory.u8(block, NET_SLOTS * 8).set(memory.u8(network.block, NET_SLOTS * 8));
  for (const slot of [NET_WEIGHTS, NET_OUTPUT, NET_BIAS]) {
    const pointer = memory.u32(network.block + slot * 8, 1)[0]!;
    memory.setInteger(block, slot, pointer === 0 ? 0 : pointer - network.weights + weights);
  }
  return { ...network, block, weights };
}

/** A batch of examples in kernel memory. */
export interface BatchBlock {
  block: number;
  /** Examples it has room for. */
  room: number;
  /** Addresses of f64 rows of K: labels, predictions, data weights; and of the masses. */
  labels: number;
  predictions: number;
  weights: number;
  masses: number;
}

/** Writes a batch's block, with room for `count` examples of a network; masses are 1/count. */
export function writeBatch(memory: Memory, network: NetworkBlock, count: number): BatchBlock {
  const { rows, outputs, precision } = network;
  const room = Math.ceil(count / BATCH_CHUNK) * BATCH_CHUNK;
  const whole = (n: number) => Math.ceil(n / TILE) * TILE;
  const block = memory.block(BATCH_SLOTS);
  const set = (slot: number, pointer: number) => {
    memory.setInteger(block, slot, pointer);
    return pointer;
  };
  set(BATCH_COUNT, count);
  set(BATCH_ROOM, room);
  set(BATCH_TILES, memory.reserve(precision, room * rows));
  set(BATCH_COLUMNS, memory.reserve(precision, room * whole(rows)));
  set(BATCH_WEIGHT_TILES, memory.reserve(precision, room * outputs));
  set(BATCH_WEIGHT_COLUMNS, memory.reserve(precision, room * whole(outputs)));
  set(BATCH_SCRATCH, memory.allocate(4 * BATCH_CHUNK * PANEL));
  set(BATCH_SUMS, memory.allocate(BATCH_CHUNK * outputs * 16));
  const masses = memory.put("f64", new Float64Array(count).fill(1 / count));
  return {
    block,
    room,
    labels: set(BATCH_LABELS, memory.reserve("f64", room * outputs)),
    predictions: set(BATCH_PREDICTIONS, memory.reserve("f64", room * outputs)),
    weights: set(BATCH_WEIGHTS, memory.reserve("f64", room * outputs)),
    masses: set(BATCH_MASSES, masses),
  };
}

/** What the linearisation of a network needs beside a batch. */
export interface TangentBlock {
  /** Addresses of f64 rows of K: δf, and the tangent δc of the data weights; as many rows as the batch has room for. */
  predictions: number;
  weights: number;
}

/**
 * Gives a batch what `tangentBackward` needs: scratch, and room for the tangent of its data weights. An example costs K + 4⌈K/4⌉
 * numbers of the precision and 2K doubles.
 */
export function writeTangent(memory: Memory, network: NetworkBlock, batch: BatchBlock): TangentBlock {
  const { outputs, precision } = network;
  const { block, room } = batch;
  const whole = Math.ceil(outputs / TILE) * TILE;
  memory.setInteger(block, BATCH_TANGENT_SCRATCH, memory.allocate(2 * BATCH_CHUNK * PANEL));
  memory.setInteger(block, BATCH_TANGENT_TILES, memory.reserve(precision, room * outputs));
  memory.setInteger(block, BATCH_TANGENT_COLUMNS, memory.reserve(precision, room * whole));
  return {
    predictions: memory.reserve("f64", room * outputs),
    weights: memory.reserve("f64", room * outputs),
  };
}

/** Sets how many examples of a batch there are, at most its room. */
export function setBatchCount(memory: Memory, batch: BatchBlock, count: number): void {
  memory.setInteger(batch.block, BATCH_COUNT, count);
}

/** The constant of a loss. */
export const lossKinds = { squared: SQUARED, logistic: LOGISTIC_LOSS, crossEntropy: CROSS_ENTROPY } as const;
