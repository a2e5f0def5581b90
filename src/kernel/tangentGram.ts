// The matrix of the empirical tangent kernel of a two-layer network, without its Jacobian.                              theory §9
//
//   K_(q,k)(p,l) = Σ_i m_i [δ_kl σ(h_iq) σ(h_ip) + a_ik a_il σ'(h_iq) σ'(h_ip) (⟨x_q, x_p⟩ + 1_b)] + δ_kl 1_c
//
// h_iq = ⟨w_i, x_q⟩ + b_i; the first term where a is trained, 1_b where b is, 1_c where there is an output bias. A ridge unit has the
// second term alone, with a = 1 and no b. A tile is some inputs and some outputs a side; neurons come a few at a time, and their features √m σ
// and √m a σ' at the inputs of a tile are computed anew for each tile, which costs (2d + a few)/(2 · side) of the products.

import { PANEL } from "../../assembly/layout";
import {
  NEURONS_ACTIVATION,
  NEURONS_COUNT,
  NEURONS_DEPTH,
  NEURONS_ROOTS,
  NEURONS_SCRATCH,
  NEURONS_SLOTS,
  NEURONS_WEIGHTS,
  TANGENT_BIAS,
  TANGENT_COLUMN_ROOM,
  TANGENT_COLUMNS,
  TANGENT_INNER,
  TANGENT_LEFT_FIRST,
  TANGENT_LEFT_OUTPUTS,
  TANGENT_MIRROR,
  TANGENT_MIRROR_STRIDE,
  TANGENT_OUTPUT_BIAS,
  TANGENT_RIGHT_FIRST,
  TANGENT_RIGHT_OUTPUTS,
  TANGENT_ROW_ROOM,
  TANGENT_ROWS,
  TANGENT_SLOPES,
  TANGENT_SLOPES_STRIDE,
  TANGENT_SLOTS,
  TANGENT_STRIDE,
  TANGENT_TILE,
  TANGENT_TILE_STRIDE,
  TANGENT_UPPER,
  TANGENT_VALUES,
} from "../../assembly/matrix/layout";
import { SpecError } from "../engine/errors";
import type { Memory, Precision } from "../engine/memory";
import { withPauses } from "../engine/pause";
import { asParticles, type Measure, type Particles } from "../measure/measure";
import { checkNetwork } from "../measure/predictions";
import { writeActivation } from "../model/blocks";
import { lawDimension } from "../model/law";
import { type ProblemInput, parseProblem } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import { outputsOf, type Unit, weightOffset } from "../model/unit";
import type { Rows } from "./limits";
import { loadMatrixEngine, type MatrixEngine } from "./matrix/engine";
import {
  bytesOf,
  checkInputs,
  type GramOptions,
  lanesOf,
  type Matrix,
  type Numbers,
  readRows,
  room,
  Tile,
  tileSide,
  writePanels,
} from "./matrix/tiles";

/** As in onDemand.ts. */
export async function tangentGram<P extends Precision = "f64">(
  problem: ProblemInput,
  measure: Measure,
  x: TensorLike,
  y: TensorLike | null = null,
  options: GramOptions<P> = {},
): Promise<Matrix<P>> {
  const { precision = "f64" as P, signal } = options;
  const checked = parseProblem(problem);
  const { unit } = checked;
  const network = asParticles(measure);
  if (network.coordinates !== "theta") {
    throw new SpecError("measure.coordinates", network.coordinates, '"theta"', "A law of radii has no neurons.");
  }
  checkNetwork(network, checked);
  const d = lawDimension(checked.law);
  const left = readRows(x, "x", d);
  const right = y === null ? null : readRows(y, "y", d);
  checkInputs([left, right ?? left]);
  const K = outputsOf(unit);
  const shape: [number, number] = [left.count * K, (right ?? left).count * K];
  const values = room(shape[0], shape[1], options);
  const engine = await loadMatrixEngine(options.backend);
  const memory = engine.memory();
  try {
    await withPauses(tiles(engine, memory, precision, unit, network, left, right, values), signal);
  } finally {
    memory.free();
  }
  return { shape, values };
}

/** Most inputs of a tile's side, and most outputs; and neurons at a time. */
const SIDE = 384;
const OUTPUTS = 8;
const NEURONS = 64;

/** Some inputs and some outputs. */
interface Part {
  from: number;
  count: number;
  first: number;
  outputs: number;
}

function* tiles(
  engine: MatrixEngine,
  memory: Memory,
  precision: Precision,
  unit: Unit,
  network: Particles,
  x: Rows,
  y: Rows | null,
  out: Numbers,
): Generator<void, void, void> {
  const K = outputsOf(unit);
  const outputs = Math.min(K, OUTPUTS);
  const count = Math.max(x.count, (y ?? x).count);
  const side = tileSide(Math.max(8, Math.floor(SIDE / outputs / 8) * 8), count, 32 + x.dimension / 4);
  const neurons = writeNeurons(memory, precision, unit, x.dimension, side, outputs);
  const sums = writeSums(memory, precision, unit, side, outputs, y === null);
  const left = writePanels(memory, precision, x.values, x.count, x.dimension, neurons.affine);
  const right = y ? writePanels(memory, precision, y.values, y.count, y.dimension, neurons.affine) : left;
  const rows = partsOf(x.count, side, K, outputs);
  const columns = y ? partsOf(y.count, side, K, outputs) : rows;
  const width = (y ?? x).count * K;
  const inputBytes = (neurons.affine ? x.dimension + 1 : x.dimension) * bytesOf(precision);
  const products = engine.kernels[`products_${precision}`];
  const features = engine.kernels[`features_${precision}`];
  const combine = engine.kernels[`combine_${precision}`];
  const panelsOf = (part: Part) => Math.ceil(part.count / lanesOf(precision));
  for (const [i, mine] of rows.entries()) {
    for (const [j, other] of columns.entries()) {
      if (!y && j < i) continue;
      const diagonal = !y && i === j;
      const here = left + mine.from * inputBytes;
      const there = right + other.from * inputBytes;
      const sameOutputs = mine.first === other.first && sums.values !== 0;
      // panels of whole inputs, so that the outputs of a part follow each other
      const rowRoom = panelsOf(mine) * lanesOf(precision);
      const columnRoom = panelsOf(other) * lanesOf(precision);
      for (let from = 0; from < network.shape[0]; from += NEURONS) {
        neurons.fill(network, from, mine, other);
        const [a, b] = neurons.features;
        const values = (side: Features) => (sameOutputs ? side.values : 0);
        features(neurons.block, here, panelsOf(mine), a.coefficients, mine.outputs, values(a), a.slopes);
        const c = diagonal ? a : b;
        if (!diagonal) {
          features(neurons.block, there, panelsOf(other), b.coefficients, other.outputs, values(b), b.slopes);
        }
        const bytes = NEURONS * PANEL;
        const add = from > 0;
        const stride = sums.stride * bytesOf(precision);
        const wide = sums.slopesStride * bytesOf(precision);
        if (sameOutputs) {
          products(
            a.values,
            bytes,
            c.values,
            bytes,
            NEURONS,
            0,
            mine.count,
            0,
            other.count,
            sums.values,
            stride,
            diagonal,
            add,
          );
          yield;
        }
        const [height, length] = [mine.outputs * rowRoom, other.outputs * columnRoom];
        products(a.slopes, bytes, c.slopes, bytes, NEURONS, 0, height, 0, length, sums.slopes, wide, diagonal, add);
        yield;
      }
      const panelBytes = (inputBytes / bytesOf(precision)) * PANEL;
      const stride = sums.stride * bytesOf(precision);
      products(
        here,
        panelBytes,
        there,
        panelBytes,
        x.dimension,
        0,
        mine.count,
        0,
        other.count,
        sums.inner,
        stride,
        false,
        false,
      );
      sums.describe(mine, other, rowRoom, columnRoom, diagonal, sameOutputs);
      combine(sums.block);
      place(sums.tile, mine, other, K, out, width);
      if (sums.mirror && !diagonal) place(sums.mirror, other, mine, K, out, width);
      yield;
    }
  }
}

/** Parts of n inputs and K outputs: rows (q, k) of the matrix in pieces of whole inputs, or of one input's outputs where K is large. */
function partsOf(n: number, side: number, K: number, outputs: number): Part[] {
  const parts: Part[] = [];
  for (let from = 0; from < n; from += side) {
    for (let first = 0; first < K; first += outputs) {
      parts.push({ from, count: Math.min(side, n - from), first, outputs: Math.min(outputs, K - first) });
    }
  }
  return parts;
}

/** Copies a tile with rows (q, k) of some inputs and outputs to its place. */
function place(tile: Tile, rows: Part, columns: Part, K: number, out: Numbers, width: number): void {
  const at = (q: number, p: number) =>
    ((rows.from + q) * K + rows.first) * width + (columns.from + p) * K + columns.first;
  if (rows.outputs === K && columns.outputs === K) {
    tile.place(rows.count * K, columns.count * K, out, at(0, 0), width);
    return;
  }
  for (let q = 0; q < rows.count; q++) {
    for (let p = 0; p < columns.count; p++) {
      tile.placeBlock(q * rows.outputs, rows.outputs, p * columns.outputs, columns.outputs, out, at(q, p), width);
    }
  }
}

interface Features {
  coefficients: number;
  values: number;
  slopes: number;
}

/** Room for some neurons and their features at the inputs of both sides. */
function writeNeurons(
  memory: Memory,
  precision: Precision,
  unit: Unit,
  d: number,
  side: number,
  outputs: number,
): {
  block: number;
  affine: boolean;
  features: [Features, Features];
  fill(network: Particles, from: number, mine: Part, other: Part): void;
} {
  const affine = unit.kind === "affine";
  const lanes = lanesOf(precision);
  const depth = affine ? d + 1 : d;
  const offset = weightOffset(unit);
  const weights = memory.reserve(precision, NEURONS * depth);
  const roots = memory.reserve(precision, NEURONS);
  const block = memory.block(NEURONS_SLOTS);
  memory.setInteger(block, NEURONS_ACTIVATION, writeActivation(memory, unit.activation, precision));
  memory.setInteger(block, NEURONS_COUNT, NEURONS);
  memory.setInteger(block, NEURONS_DEPTH, depth);
  memory.setInteger(block, NEURONS_WEIGHTS, weights);
  memory.setInteger(block, NEURONS_ROOTS, roots);
  memory.setInteger(block, NEURONS_SCRATCH, memory.allocate(3 * NEURONS * PANEL));
  const panels = side / lanes;
  const room = (): Features => ({
    coefficients: memory.reserve(precision, outputs * NEURONS),
    values: memory.allocate(panels * NEURONS * PANEL),
    slopes: memory.allocate(outputs * panels * NEURONS * PANEL),
  });
  const features: [Features, Features] = [room(), room()];
  return {
    block,
    affine,
    features,
    fill({ shape, values, weights: masses }, from, mine, other) {
      const [N, D] = shape;
      const w = memory.view(precision, weights, NEURONS * depth);
      const m = memory.view(precision, roots, NEURONS);
      for (let i = 0; i < NEURONS; i++) {
        const there = from + i < N;
        const theta = (from + i) * D;
        m[i] = there ? Math.sqrt(masses ? masses[from + i]! : 1 / N) : 0;
        let at = Math.floor(i / lanes) * lanes * depth + (i % lanes);
        for (let k = 0; k < d; k++, at += lanes) w[at] = there ? values[theta + offset + k]! : 0;
        if (affine) w[at] = there ? values[theta + offset - 1]! : 0;
      }
      for (const [part, { coefficients }] of [
        [mine, features[0]],
        [other, features[1]],
      ] as const) {
        const c = memory.view(precision, coefficients, part.outputs * NEURONS);
        for (let k = 0; k < part.outputs; k++) {
          for (let i = 0; i < NEURONS; i++) {
            const a = !affine ? 1 : from + i < N ? values[(from + i) * D + part.first + k]! : 0;
            c[k * NEURONS + i] = m[i]! * a;
          }
        }
      }
    },
  };
}

/** Room for the sums over neurons of a tile, and for the tile. */
function writeSums(
  memory: Memory,
  precision: Precision,
  unit: Unit,
  side: number,
  outputs: number,
  symmetric: boolean,
): {
  block: number;
  /** Σ m σσ', 0 where a is not trained. */
  values: number;
  slopes: number;
  inner: number;
  stride: number;
  slopesStride: number;
  tile: Tile;
  mirror: Tile | null;
  describe(mine: Part, other: Part, rowRoom: number, columnRoom: number, diagonal: boolean, sameOutputs: boolean): void;
} {
  const affine = unit.kind === "affine" ? unit : null;
  const all = side * outputs;
  // no powers of 2, which would put a column into one place of the cache
  const stride = side + 16;
  const slopesStride = all + 16;
  const values = affine?.trainOutput ? memory.reserve(precision, side * stride) : 0;
  const slopes = memory.reserve(precision, all * slopesStride);
  const inner = memory.reserve(precision, side * stride);
  // with one output the tile takes the place of the sums, entry by entry
  const room = (sums: number) => {
    const address = outputs === 1 ? sums : memory.reserve(precision, all * slopesStride);
    return new Tile(memory, precision, address, slopesStride);
  };
  const tile = room(slopes);
  const mirror = symmetric ? room(inner) : null;
  const block = memory.block(TANGENT_SLOTS);
  memory.setInteger(block, TANGENT_SLOPES, slopes);
  memory.setInteger(block, TANGENT_INNER, inner);
  memory.setInteger(block, TANGENT_STRIDE, stride);
  memory.setInteger(block, TANGENT_SLOPES_STRIDE, slopesStride);
  memory.setInteger(block, TANGENT_TILE, tile.address);
  memory.setInteger(block, TANGENT_MIRROR, mirror?.address ?? 0);
  memory.setInteger(block, TANGENT_TILE_STRIDE, slopesStride);
  memory.setInteger(block, TANGENT_MIRROR_STRIDE, slopesStride);
  memory.setReal(block, TANGENT_BIAS, affine?.trainBias ? 1 : 0);
  memory.setReal(block, TANGENT_OUTPUT_BIAS, affine?.outputBias ? 1 : 0);
  return {
    block,
    values,
    slopes,
    inner,
    stride,
    slopesStride,
    tile,
    mirror,
    describe(mine, other, rowRoom, columnRoom, diagonal, sameOutputs) {
      memory.setInteger(block, TANGENT_VALUES, sameOutputs ? values : 0);
      memory.setInteger(block, TANGENT_ROWS, mine.count);
      memory.setInteger(block, TANGENT_COLUMNS, other.count);
      memory.setInteger(block, TANGENT_ROW_ROOM, rowRoom);
      memory.setInteger(block, TANGENT_COLUMN_ROOM, columnRoom);
      memory.setInteger(block, TANGENT_LEFT_OUTPUTS, mine.outputs);
      memory.setInteger(block, TANGENT_RIGHT_OUTPUTS, other.outputs);
      memory.setInteger(block, TANGENT_LEFT_FIRST, mine.first);
      memory.setInteger(block, TANGENT_RIGHT_FIRST, other.first);
      memory.setInteger(block, TANGENT_UPPER, diagonal ? 1 : 0);
    },
  };
}
