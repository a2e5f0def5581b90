// A model in kernel memory: writes activations, laws and networks into the blocks of assembly/layout.ts.

import {
  ACTIVATION_COUNT,
  ACTIVATION_DATA,
  ACTIVATION_KIND,
  ACTIVATION_P0,
  ACTIVATION_P1,
  ACTIVATION_SLOTS,
  COSINE,
  ERF,
  FINITE,
  IDENTITY,
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
  MIXTURE,
  NET_ACTIVATION,
  NET_AFFINE,
  NET_NEURONS,
  NET_OUTPUT,
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
  TABLE,
  TANH,
  TEACHER,
} from "../../assembly/layout";
import type { Memory, Precision } from "../engine/memory";
import type { Activation } from "./activation";
import { gaussianComponents, type Law, lawDimension, teacherNetwork } from "./law";
import type { Unit } from "./unit";

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
export function writeActivation(memory: Memory, activation: Activation, precision: Precision): number {
  const block = memory.block(ACTIVATION_SLOTS);
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
 * @param replacement  whether atoms of a finite law are drawn with replacement, or in the order of a fresh permutation
 *                     an epoch
 */
export function writeLaw(memory: Memory, law: Law, replacement = true): number {
  const d = lawDimension(law);
  const block = memory.block(LAW_SLOTS);
  memory.setInteger(block, LAW_DIMENSION, d);
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
    memory.setInteger(block, LAW_LABELS, memory.put("f64", law.y.data));
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
    memory.setInteger(
      block,
      LAW_LABELS,
      memory.put(
        "f64",
        components.map((c) => c.label),
      ),
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
  /** Address and bytes of the weights, and of the output coefficients that follow them. */
  weights: number;
  bytes: number;
  /** Parameters a neuron: d, or d + 2 for an affine unit. */
  parameters: number;
}

/** Writes a network's block, with room for its weights and output coefficients in one run of bytes. */
export function writeNetwork(
  memory: Memory,
  unit: Unit,
  dimension: number,
  neurons: number,
  precision: Precision,
): NetworkBlock {
  const affine = unit.kind === "affine" ? 1 : 0;
  const rows = dimension + affine;
  const lanes = PANEL / (precision === "f32" ? 4 : 8);
  const panels = Math.ceil(neurons / lanes);
  const weightBytes = panels * rows * PANEL;
  const bytes = weightBytes + (affine ? panels * PANEL : 0);
  const weights = memory.allocate(bytes);
  const block = memory.block(NET_SLOTS);
  memory.setInteger(block, NET_NEURONS, neurons);
  memory.setInteger(block, NET_ROWS, rows);
  memory.setInteger(block, NET_ACTIVATION, writeActivation(memory, unit.activation, precision));
  memory.setInteger(block, NET_AFFINE, affine);
  memory.setInteger(block, NET_TRAIN, unit.kind === "affine" && unit.trainOutput ? 1 : 0);
  memory.setInteger(block, NET_WEIGHTS, weights);
  memory.setInteger(block, NET_OUTPUT, affine ? weights + weightBytes : 0);
  return { block, weights, bytes, parameters: dimension + 2 * affine };
}
