// Matrices of kernels, G_ij = k(x_i, y_j), tile by tile.                                                              theory §9
//
// Inputs are transformed so that every kernel is a function of products of them (assembly/matrix/layout.ts): radial ones are centred and
// divided by the length scale; of the others u is x̃ = (√v_w x, √v_b) divided by its length s, so that c = ⟨u, u'⟩ is a correlation, or for erf
// by √(s² + ½), so that E erf erf' = (2/π) arcsin c. With σ = m t + δ t₊, J = m(m + δ) + δ² (π − arccos c)/2π and B = δ²/2π,
//
//   E σσ' = s s' (c J + B √(1 − c²)),   E σ'σ' = J,        of erf   E σ'σ' = 4/(π √((1 + 2s²)(1 + 2s'²)) √(1 − c²)).

import {
  GRAM_LAW,
  GRAM_LEFT,
  GRAM_MIRROR,
  GRAM_NEAR,
  GRAM_PARAMETERS,
  GRAM_PARAMETERS64,
  GRAM_RIGHT,
  GRAM_SLOTS,
  GRAM_STRIDE,
  GRAM_TILE,
  LAW_ARCSINE,
  LAW_ARCSINE_SLOPES,
  LAW_CONE,
  LAW_MATERN_1,
  LAW_MATERN_3,
  LAW_MATERN_5,
  LAW_RBF,
  LAW_WEDGE,
  PARAMETERS,
  SIDE_COUNT,
  SIDE_DEPTH,
  SIDE_INPUTS,
  SIDE_PANELS,
  SIDE_RESTS,
  SIDE_SIZES,
  SIDE_SIZES64,
  SIDE_SLOTS,
} from "../../assembly/matrix/layout";
import { SpecError } from "../engine/errors";
import type { Memory, Precision } from "../engine/memory";
import { withPauses } from "../engine/pause";
import { unscaled } from "../model/activation";
import type { TensorLike } from "../model/tensor";
import type { Kernel, NngpKernel, NtkKernel } from "./kernel";
import { limitGram, type Rows } from "./limits";
import { loadMatrixEngine, type MatrixEngine } from "./matrix/engine";
import {
  checkInputs,
  type GramOptions,
  lanesOf,
  type Matrix,
  type Numbers,
  readRows,
  room,
  Tile,
  tileSide,
  whole,
} from "./matrix/tiles";
import { wedgeCoefficients } from "./matrix/wedge";
import { parseKernel } from "./schema";

export type { GramOptions, Matrix, Numbers } from "./matrix/tiles";

/** As in onDemand.ts. */
export async function gram<P extends Precision = "f64">(
  kernel: Kernel,
  x: TensorLike,
  y: TensorLike | null = null,
  options: GramOptions<P> = {},
): Promise<Matrix<P>> {
  const spec = parseKernel(kernel);
  const left = readRows(x, "x");
  const right = y === null ? null : readRows(y, "y", left.dimension);
  const form = formOf(spec, left.dimension);
  const { precision = "f64" as P, signal } = options;
  if (form) checkInputs([left, right ?? left]);
  const values = room(left.count, (right ?? left).count, options);
  if (form) {
    const engine = await loadMatrixEngine(options.backend);
    const memory = engine.memory();
    const inner = precision === "f32" && cancels(form, [left, right ?? left]) ? "f64" : precision;
    try {
      await withPauses(tiles(engine, memory, inner, form, left, right, values), signal);
    } finally {
      memory.free();
    }
  } else {
    values.set(await withPauses(limitGram({ trainBias: false, ...(spec as WideKernel) }, left, right), signal));
  }
  return { shape: [left.count, (right ?? left).count], values };
}

type WideKernel = NngpKernel | NtkKernel;

/** A kernel as a law of products of transformed inputs. */
interface Form {
  law: number;
  parameters: number[];
  /** Those for f32, where they are others. */
  single?: number[];
  /** Factor of x, and the further coordinate that x̃ has. */
  factor: number;
  bias: number;
  /** k(0, 0) and k(0, x), where an input has no direction and the law another value than the kernel. */
  zero?: { both: number; one: number };
  /** About by how much round-off of c is larger in k(x, x), by |x|², where ⟨x, x'⟩ is found by taking v_b from a correlation. */
  amplification?: (square: number) => number;
}

/** The form of a kernel, or null where it has none. */
function formOf(kernel: Kernel, d: number): Form | null {
  switch (kernel.kind) {
    case "rbf":
      return { law: LAW_RBF, parameters: [], factor: 1 / kernel.lengthScale, bias: 0 };
    case "matern": {
      const law = { 0.5: LAW_MATERN_1, 1.5: LAW_MATERN_3, 2.5: LAW_MATERN_5 }[kernel.smoothness];
      return { law, parameters: [], factor: Math.sqrt(2 * kernel.smoothness) / kernel.lengthScale, bias: 0 };
    }
    case "arcCosine": {
      const share = 1 / Math.PI;
      const law = kernel.degree === 0 ? coneLaw(0, share, 0, 0, 1) : coneLaw(0, share, 1, share, 0);
      return { ...law, factor: 1, bias: 0 };
    }
    case "erf":
      return {
        law: LAW_ARCSINE,
        parameters: [2 / Math.PI],
        factor: Math.sqrt(kernel.weightVariance),
        bias: Math.sqrt(kernel.biasVariance),
      };
    default:
      return wideForm(kernel, d);
  }
}

/** J (a c s s' + q) + b s s' √(1 − c²), J = A + B (π − arccos c); where q = 0 by one polynomial. */
function coneLaw(A: number, B: number, a: number, b: number, q: number): Pick<Form, "law" | "parameters" | "single"> {
  if (q !== 0) return { law: LAW_CONE, parameters: [A, B, a, b, q] };
  const half = (Math.PI / 2) * B;
  const line = [a * A + a * half, a * half];
  const [parameters, single] = (["f64", "f32"] as const).map((precision) => [
    ...line,
    ...wedgeCoefficients(a * B, b, precision),
  ]) as [number[], number[]];
  return { law: LAW_WEDGE, parameters, single };
}

function wideForm(kernel: WideKernel, d: number): Form | null {
  const { weightVariance, biasVariance, outputVariance } = kernel;
  const { factor: alpha, activation } = unscaled(kernel.activation);
  const transform = { factor: Math.sqrt(weightVariance / d), bias: Math.sqrt(biasVariance) };
  // ⟨x, x'⟩ = (κ − v_b) d/v_w, so Θ = α² [E σσ' + (stretch κ + shift) E σ'σ']
  const trained = kernel.kind === "ntk";
  const square = alpha * alpha;
  const value = square * (trained ? 1 : outputVariance);
  const stretch = trained ? (square * outputVariance * d) / weightVariance : 0;
  const one = trained && kernel.trainBias ? 1 : 0;
  const shift = square * outputVariance * one - stretch * biasVariance;
  const added = square * outputVariance;
  const amplification = (xx: number) => {
    const kappa = (weightVariance * xx) / d + biasVariance;
    return (stretch * kappa) / (value * kappa + added * (xx + one));
  };
  const biased = trained && biasVariance > 0 && outputVariance > 0 ? { amplification } : {};
  if (activation.kind === "erf") {
    const share = 4 / Math.PI;
    if (!trained) return { law: LAW_ARCSINE, parameters: [value * (2 / Math.PI)], ...transform };
    const parameters = [value * (2 / Math.PI), (stretch * share) / 2, shift * share];
    return { law: LAW_ARCSINE_SLOPES, parameters, ...transform, ...biased };
  }
  if (activation.kind !== "relu" && activation.kind !== "leakyRelu") return null;
  const m = activation.kind === "relu" ? 0 : activation.slope;
  const delta = 1 - m;
  const bend = (delta * delta) / (2 * Math.PI);
  const law = coneLaw(m * (m + delta), bend, value + stretch, value * bend, shift);
  // σ'(0) is the slope on the left
  return {
    ...law,
    ...transform,
    ...biased,
    zero: { both: shift * m * m, one: shift * m * (m + delta / 2) },
  };
}

/** Whether f32 would lose more than a digit in k(x, x) of some input. */
function cancels({ amplification }: Form, sides: readonly Rows[]): boolean {
  if (!amplification) return false;
  return sides.some(({ values, count, dimension }) => {
    for (let i = 0; i < count; i++) {
      let square = 0;
      for (let k = i * dimension; k < (i + 1) * dimension; k++) square += values[k]! * values[k]!;
      if (!(amplification(square) <= 8)) return true;
    }
    return false;
  });
}

/** Largest side of a tile. */
const SIDE = 256;

function* tiles(
  engine: MatrixEngine,
  memory: Memory,
  precision: Precision,
  form: Form,
  x: Rows,
  y: Rows | null,
  out: Numbers,
): Generator<void, void, void> {
  const centre = form.law < LAW_CONE ? centreOf(x) : null;
  const left = writeSide(engine, memory, precision, form, x, centre, "x");
  const right = y ? writeSide(engine, memory, precision, form, y, centre, "y") : left;
  const n = x.count;
  const m = (y ?? x).count;
  const side = tileSide(SIDE, Math.max(n, m), x.dimension + 20);
  // not a power of 2, which would put a column of the tile into one place of the cache
  const stride = side + 16;
  const tile = new Tile(memory, precision, memory.reserve(precision, side * stride), stride);
  const mirror = y ? null : new Tile(memory, precision, memory.reserve(precision, side * stride), stride);
  const plan = memory.block(GRAM_SLOTS);
  const padded = (parameters: number[]) => Float64Array.from({ length: PARAMETERS }, (_, k) => parameters[k] ?? 0);
  const double = padded(form.parameters);
  const own = precision === "f32" && form.single ? padded(form.single) : double;
  memory.setInteger(plan, GRAM_LAW, form.law);
  memory.setInteger(plan, GRAM_LEFT, left.block);
  memory.setInteger(plan, GRAM_RIGHT, right.block);
  memory.setInteger(plan, GRAM_TILE, tile.address);
  memory.setInteger(plan, GRAM_MIRROR, mirror?.address ?? 0);
  memory.setInteger(plan, GRAM_STRIDE, stride);
  memory.setInteger(plan, GRAM_PARAMETERS, memory.put(precision, own));
  memory.setInteger(plan, GRAM_PARAMETERS64, memory.put("f64", double));
  memory.setReal(plan, GRAM_NEAR, isFar(form.law, precision, left, right) ? Infinity : nearOf(form.law, precision));
  const kernel = engine.kernels[`gram_${precision}`];
  for (let i = 0; i < n; i += side) {
    const rows = Math.min(side, n - i);
    for (let j = y ? 0 : i; j < m; j += side) {
      const columns = Math.min(side, m - j);
      const diagonal = !y && i === j;
      kernel(plan, i, rows, j, columns, diagonal);
      tile.place(rows, columns, out, i * m + j, m);
      if (mirror && !diagonal) mirror.place(columns, rows, out, j * m + i, m);
      yield;
    }
  }
  if (form.zero) placeZeros(form.zero, left.zeros, right.zeros, m, out);
}

/**
 * Where products lose too many digits. Of a radial law it is the product of value and |u|² + |u'|², whose round-off is that of the exponent:
 * what is left is about 1e-6 in f32 and 1e-12 in f64. Of an angle it is the gap 1 − |c|: an error δ of c is one of δ/√(2 gap) of the angle, and
 * in the slopes of erf one of δ/2gap of the factor 1/√(1 − c²).
 */
function nearOf(law: number, precision: Precision): number {
  const single = precision === "f32";
  if (law < LAW_CONE) return single ? 4 : 2048;
  if (law === LAW_ARCSINE_SLOPES) return single ? 1 / 16 : 1 / 1024;
  return single ? 1 / 256 : 1 / 65536;
}

/** Whether a radial law has no pair that products lose digits of, as |u|² + |u'|² is nowhere large; its loop then looks for none. */
function isFar(law: number, precision: Precision, left: Side, right: Side): boolean {
  return law < LAW_CONE && law !== LAW_MATERN_1 && left.largest + right.largest <= nearOf(law, precision);
}

function centreOf({ values, count, dimension }: Rows): Float64Array {
  const centre = new Float64Array(dimension);
  for (let i = 0, at = 0; i < count; i++) {
    for (let k = 0; k < dimension; k++, at++) centre[k]! += values[at]!;
  }
  for (let k = 0; k < dimension; k++) centre[k]! /= count;
  return centre;
}

/** One side of a matrix in kernel memory. */
interface Side {
  block: number;
  /** largest |u|²/2 of a radial law */
  largest: number;
  /** inputs that are 0 */
  zeros: number[];
}

function writeSide(
  engine: MatrixEngine,
  memory: Memory,
  precision: Precision,
  form: Form,
  { values, count, dimension }: Rows,
  centre: Float64Array | null,
  path: string,
): Side {
  const depth = form.bias > 0 ? dimension + 1 : dimension;
  const block = memory.block(SIDE_SLOTS);
  const place = (slot: number, length: number) => {
    const at = memory.reserve("f64", length);
    memory.setInteger(block, slot, at);
    return at;
  };
  const lanes = lanesOf(precision);
  const padded = whole(count, lanes);
  const places = [
    [place(SIDE_INPUTS, count * depth), count * depth],
    [place(SIDE_SIZES64, padded), padded],
    [place(SIDE_RESTS, count), count],
  ] as const;
  const panels = memory.reserve(precision, padded * depth);
  memory.setInteger(block, SIDE_PANELS, panels);
  // views are good until the next allocation
  const [inputs, sizes, rests] = places.map(([at, length]) => memory.f64(at, length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const packed = memory.view(precision, panels, padded * depth);
  const zeros: number[] = [];
  const { factor, bias } = form;
  const origin = centre ?? new Float64Array(dimension);
  let longest = 0;
  const most = precision === "f32" ? 1e18 : 1e150;
  for (let i = 0; i < count; i++) {
    const at = i * depth;
    const from = i * dimension;
    let sum = 0;
    for (let k = 0; k < dimension; k++) {
      const u = (values[from + k]! - origin[k]!) * factor;
      inputs[at + k] = u;
      sum += u * u;
    }
    if (bias > 0) {
      inputs[at + dimension] = bias;
      sum += bias * bias;
    }
    const s = sum > 1e-200 && sum < 1e200 ? Math.sqrt(sum) : lengthOf(inputs, at, depth);
    if (!(s <= most)) {
      const units = centre ? "length scales from the mean of x" : "standard deviations of ⟨w, x⟩ + b";
      const remedy = precision === "f32" ? "Take precision f64, or smaller inputs." : "Take smaller inputs.";
      throw new SpecError(`${path}[${i}]`, s, `an input at most ${most} ${units} long`, remedy);
    }
    longest = Math.max(longest, s);
    let inverse = 1;
    if (!centre) {
      if (form.law === LAW_CONE || form.law === LAW_WEDGE) {
        sizes[i] = s;
        rests[i] = s === 0 ? 1 : 0;
        if (s === 0) zeros.push(i);
        else if (s > 1e-150) inverse = 1 / s;
        else for (let k = at; k < at + depth; k++) inputs[k]! /= s;
      } else {
        const q = 1 + 2 * s * s;
        const root = Math.sqrt(q);
        sizes[i] = 1 / root;
        rests[i] = 1 / q;
        inverse = Math.SQRT2 / root;
      }
    }
    let to = Math.floor(i / lanes) * depth * lanes + (i % lanes);
    for (let k = at; k < at + depth; k++, to += lanes) {
      const u = inputs[k]! * inverse;
      inputs[k] = u;
      packed[to] = u;
    }
  }
  const copied = precision === "f32" ? new Float32Array(sizes) : sizes.slice();
  memory.setInteger(block, SIDE_COUNT, count);
  memory.setInteger(block, SIDE_DEPTH, depth);
  memory.setInteger(block, SIDE_SIZES, memory.put(precision, copied));
  if (centre) engine.kernels[`sizes_${precision}`](block, memory.allocate(128));
  return { block, largest: 0.5 * longest * longest, zeros };
}

/** |u| of the coordinates from a place on, by way of the largest, as squares may overflow or underflow. */
function lengthOf(u: Float64Array, from: number, depth: number): number {
  let most = 0;
  for (let k = from; k < from + depth; k++) most = Math.max(most, Math.abs(u[k]!));
  if (most === 0) return 0;
  let sum = 0;
  for (let k = from; k < from + depth; k++) sum += (u[k]! / most) * (u[k]! / most);
  return most * Math.sqrt(sum);
}

function placeZeros(
  zero: { both: number; one: number },
  rows: readonly number[],
  columns: readonly number[],
  width: number,
  out: Numbers,
): void {
  for (const i of rows) out.fill(zero.one, i * width, (i + 1) * width);
  for (const j of columns) for (let at = j; at < out.length; at += width) out[at] = zero.one;
  for (const i of rows) for (const j of columns) out[i * width + j] = zero.both;
}
