// Plain twin of assembly/matrix: the same tiles, four columns at a time, sums in f64 whatever the precision of the panels.

import { PANEL } from "../../../assembly/layout";
import * as layout from "../../../assembly/matrix/layout";
import { activate } from "../../engine/js/activation";
import { Heap, type Numbers } from "../../engine/js/heap";
import { exp } from "../../engine/math";
import type { Build } from "../../engine/wasm";
import { arcsine } from "./arcsine";
import type { MatrixKernels } from "./kernels";

/** A new plain build with a heap of its own. */
export function plainMatrixBuild(): Build<MatrixKernels> {
  const heap = new Heap();
  return {
    space: heap,
    kernels: {
      gram_f32: (plan, i0, rows, j0, columns, diagonal) => gram(heap, heap.f32, plan, i0, rows, j0, columns, diagonal),
      gram_f64: (plan, i0, rows, j0, columns, diagonal) => gram(heap, heap.f64, plan, i0, rows, j0, columns, diagonal),
      sizes_f32: (side) => sizes(heap, heap.f32, side),
      sizes_f64: (side) => sizes(heap, heap.f64, side),
      products_f32: (a, aBytes, b, bBytes, depth, i0, rows, j0, columns, out, stride, upper, add) =>
        products(
          heap.f32,
          a / 4,
          aBytes / 4,
          b / 4,
          bBytes / 4,
          depth,
          i0,
          rows,
          j0,
          columns,
          out / 4,
          stride / 4,
          upper,
          add,
        ),
      products_f64: (a, aBytes, b, bBytes, depth, i0, rows, j0, columns, out, stride, upper, add) =>
        products(
          heap.f64,
          a / 8,
          aBytes / 8,
          b / 8,
          bBytes / 8,
          depth,
          i0,
          rows,
          j0,
          columns,
          out / 8,
          stride / 8,
          upper,
          add,
        ),
      features_f32: (neurons, inputs, panels, coefficients, outputs, values, slopes) =>
        features(heap, heap.f32, neurons, inputs / 4, panels, coefficients / 4, outputs, values / 4, slopes / 4),
      features_f64: (neurons, inputs, panels, coefficients, outputs, values, slopes) =>
        features(heap, heap.f64, neurons, inputs / 8, panels, coefficients / 8, outputs, values / 8, slopes / 8),
      combine_f32: (tangent) => combine(heap, heap.f32, tangent),
      combine_f64: (tangent) => combine(heap, heap.f64, tangent),
    },
  };
}

const integer = (heap: Heap, block: number, slot: number): number => heap.i32[(block >> 2) + 2 * slot]!;
const pointer = (heap: Heap, block: number, slot: number): number => heap.u32[(block >> 2) + 2 * slot]!;
const real = (heap: Heap, block: number, slot: number): number => heap.f64[(block >> 3) + slot]!;

function gram(
  heap: Heap,
  numbers: Numbers,
  plan: number,
  i0: number,
  rows: number,
  j0: number,
  columns: number,
  diagonal: boolean,
): void {
  const bytes = numbers.BYTES_PER_ELEMENT;
  const lanes = PANEL / bytes;
  const left = pointer(heap, plan, layout.GRAM_LEFT);
  const right = pointer(heap, plan, layout.GRAM_RIGHT);
  const law = integer(heap, plan, layout.GRAM_LAW);
  const tile = pointer(heap, plan, layout.GRAM_TILE) / bytes;
  const stride = integer(heap, plan, layout.GRAM_STRIDE);
  const depth = integer(heap, left, layout.SIDE_DEPTH);
  const a = pointer(heap, left, layout.SIDE_PANELS) / bytes;
  const b = pointer(heap, right, layout.SIDE_PANELS) / bytes;
  products(numbers, a, depth * lanes, b, depth * lanes, depth, i0, rows, j0, columns, tile, stride, diagonal, false);
  const mine = pointer(heap, left, layout.SIDE_SIZES) / bytes + i0;
  const other = pointer(heap, right, layout.SIDE_SIZES) / bytes + j0;
  const near = real(heap, plan, layout.GRAM_NEAR);
  const p = heap.f64.subarray(pointer(heap, plan, layout.GRAM_PARAMETERS64) / 8).subarray(0, layout.PARAMETERS);
  for (let r = 0; r < rows; r++) {
    const row = tile + r * stride;
    const size = numbers[mine + r]!;
    for (let c = diagonal ? r : 0; c < columns; c++) {
      const product = numbers[row + c]!;
      if (law < layout.LAW_CONE) {
        const both = size + numbers[other + c]!;
        const half = both - product;
        const value = law === layout.LAW_RBF ? exp(-half) : matern(law, Math.sqrt(2 * Math.max(0, half)));
        const bound = law === layout.LAW_MATERN_1 ? near * Math.sqrt(2 * Math.max(0, half)) : near;
        numbers[row + c] = value * both > bound ? refined(heap, plan, law, i0 + r, j0 + c, p) : value;
      } else {
        const cosine = Math.max(-1, Math.min(1, product));
        const gap = 1 - Math.abs(cosine);
        numbers[row + c] =
          gap < near
            ? refined(heap, plan, law, i0 + r, j0 + c, p)
            : angular(law, p, cosine, gap, size * numbers[other + c]!);
      }
    }
  }
  const mirror = pointer(heap, plan, layout.GRAM_MIRROR) / bytes;
  if (diagonal) transpose(numbers, tile, stride, rows, rows, tile, stride, true);
  else if (mirror) transpose(numbers, tile, stride, rows, columns, mirror, stride, false);
}

function matern(law: number, r: number): number {
  const e = exp(-r);
  if (law === layout.LAW_MATERN_1) return e;
  return law === layout.LAW_MATERN_3 ? e * (1 + r) : e * (1 + r + (r * r) / 3);
}

function angular(law: number, p: Float64Array, cosine: number, gap: number, sizes: number): number {
  if (law === layout.LAW_WEDGE) {
    let series = 0;
    for (let k = layout.WEDGE_TERMS + 1; k > 1; k--) series = series * gap + p[k]!;
    return sizes * (Math.sqrt(gap) * series + p[0]! * cosine + p[1]! * Math.abs(cosine));
  }
  const angle = arcsine(cosine, gap);
  if (law === layout.LAW_ARCSINE) return p[0]! * angle;
  const sine = Math.sqrt(gap * (2 - gap));
  if (law === layout.LAW_ARCSINE_SLOPES) return p[0]! * angle + (p[1]! * cosine + p[2]! * sizes) / sine;
  const both = p[0]! + p[1]! * (Math.PI / 2 + angle);
  return both * (p[2]! * sizes * cosine + p[4]!) + p[3]! * sizes * sine;
}

function refined(heap: Heap, plan: number, law: number, i: number, j: number, p: Float64Array): number {
  const left = pointer(heap, plan, layout.GRAM_LEFT);
  const right = pointer(heap, plan, layout.GRAM_RIGHT);
  const depth = integer(heap, left, layout.SIDE_DEPTH);
  const u = heap.f64;
  const a = pointer(heap, left, layout.SIDE_INPUTS) / 8 + i * depth;
  const b = pointer(heap, right, layout.SIDE_INPUTS) / 8 + j * depth;
  let apart = 0;
  let across = 0;
  for (let k = 0; k < depth; k++) {
    const x = u[a + k]!;
    const y = u[b + k]!;
    apart += (x - y) * (x - y);
    across += (x + y) * (x + y);
  }
  if (law === layout.LAW_RBF) return exp(-0.5 * apart);
  if (law < layout.LAW_CONE) return matern(law, Math.sqrt(apart));
  const ahead = apart <= across;
  const rests =
    u[pointer(heap, left, layout.SIDE_RESTS) / 8 + i]! + u[pointer(heap, right, layout.SIDE_RESTS) / 8 + j]!;
  const gap = Math.min(1, 0.5 * ((ahead ? apart : across) + rests));
  const sizes =
    u[pointer(heap, left, layout.SIDE_SIZES64) / 8 + i]! * u[pointer(heap, right, layout.SIDE_SIZES64) / 8 + j]!;
  return angular(law, p, ahead ? 1 - gap : gap - 1, gap, sizes);
}

function sizes(heap: Heap, numbers: Numbers, side: number): void {
  const bytes = numbers.BYTES_PER_ELEMENT;
  const lanes = PANEL / bytes;
  const n = integer(heap, side, layout.SIDE_COUNT);
  const depth = integer(heap, side, layout.SIDE_DEPTH);
  const panels = pointer(heap, side, layout.SIDE_PANELS) / bytes;
  const out = pointer(heap, side, layout.SIDE_SIZES) / bytes;
  for (let i = 0; i < n; i++) {
    const at = panels + Math.floor(i / lanes) * depth * lanes + (i % lanes);
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += numbers[at + k * lanes]! * numbers[at + k * lanes]!;
    // rounded as the products of a tile are, so that equal inputs are at distance 0
    numbers[out + i] = sum;
    numbers[out + i]! *= 0.5;
  }
}

/** As in assembly/matrix/products.ts; addresses and strides are in elements. */
function products(
  numbers: Numbers,
  left: number,
  leftSize: number,
  right: number,
  rightSize: number,
  depth: number,
  i0: number,
  rows: number,
  j0: number,
  columns: number,
  out: number,
  stride: number,
  upper: boolean,
  add: boolean,
): void {
  const lanes = PANEL / numbers.BYTES_PER_ELEMENT;
  const end = depth * lanes;
  for (let c = 0; c < columns; c += 4) {
    const j = j0 + c;
    const panel = right + Math.floor(j / lanes) * rightSize + (j % lanes);
    const last = upper ? Math.min(rows, c + 4) : rows;
    for (let r = 0; r < last; r++) {
      const i = i0 + r;
      let a = left + Math.floor(i / lanes) * leftSize + (i % lanes);
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let b = panel; b < panel + end; b += lanes, a += lanes) {
        const x = numbers[a]!;
        s0 += x * numbers[b]!;
        s1 += x * numbers[b + 1]!;
        s2 += x * numbers[b + 2]!;
        s3 += x * numbers[b + 3]!;
      }
      const at = out + r * stride + c;
      if (add) {
        s0 += numbers[at]!;
        s1 += numbers[at + 1]!;
        s2 += numbers[at + 2]!;
        s3 += numbers[at + 3]!;
      }
      numbers[at] = s0;
      numbers[at + 1] = s1;
      numbers[at + 2] = s2;
      numbers[at + 3] = s3;
    }
  }
}

function transpose(
  numbers: Numbers,
  from: number,
  stride: number,
  rows: number,
  columns: number,
  to: number,
  toStride: number,
  upper: boolean,
): void {
  for (let r = 0; r < rows; r++) {
    for (let c = upper ? r + 1 : 0; c < columns; c++) numbers[to + c * toStride + r] = numbers[from + r * stride + c]!;
  }
}

function features(
  heap: Heap,
  numbers: Numbers,
  neurons: number,
  inputs: number,
  panels: number,
  coefficients: number,
  outputs: number,
  values: number,
  slopes: number,
): void {
  const bytes = numbers.BYTES_PER_ELEMENT;
  const lanes = PANEL / bytes;
  const count = integer(heap, neurons, layout.NEURONS_COUNT);
  const depth = integer(heap, neurons, layout.NEURONS_DEPTH);
  const weights = pointer(heap, neurons, layout.NEURONS_WEIGHTS) / bytes;
  const roots = pointer(heap, neurons, layout.NEURONS_ROOTS) / bytes;
  const h = pointer(heap, neurons, layout.NEURONS_SCRATCH) / bytes;
  const length = count * lanes;
  const scale = (from: number, factors: number, to: number) => {
    for (let i = 0; i < length; i++) numbers[to + i] = numbers[from + i]! * numbers[factors + Math.floor(i / lanes)]!;
  };
  for (let p = 0; p < panels; p++) {
    const x = inputs + p * depth * lanes;
    products(numbers, weights, depth * lanes, x, 0, depth, 0, count, 0, lanes, h, lanes, false, false);
    const at = values ? values + p * length : h + 2 * length;
    activate(heap, numbers, pointer(heap, neurons, layout.NEURONS_ACTIVATION), h, at, h + length, length);
    if (values) scale(at, roots, at);
    for (let k = 0; k < outputs; k++) scale(h + length, coefficients + k * count, slopes + (k * panels + p) * length);
  }
}

function combine(heap: Heap, numbers: Numbers, tangent: number): void {
  const bytes = numbers.BYTES_PER_ELEMENT;
  const int = (slot: number) => integer(heap, tangent, slot);
  const address = (slot: number) => pointer(heap, tangent, slot) / bytes;
  const left = int(layout.TANGENT_LEFT_OUTPUTS);
  const right = int(layout.TANGENT_RIGHT_OUTPUTS);
  const apart = int(layout.TANGENT_RIGHT_FIRST) - int(layout.TANGENT_LEFT_FIRST);
  const rows = int(layout.TANGENT_ROWS);
  const columns = int(layout.TANGENT_COLUMNS);
  const rowRoom = int(layout.TANGENT_ROW_ROOM);
  const columnRoom = int(layout.TANGENT_COLUMN_ROOM);
  const bias = real(heap, tangent, layout.TANGENT_BIAS);
  const added = real(heap, tangent, layout.TANGENT_OUTPUT_BIAS);
  const values = address(layout.TANGENT_VALUES);
  const slopes = address(layout.TANGENT_SLOPES);
  const sums = address(layout.TANGENT_INNER);
  const stride = int(layout.TANGENT_STRIDE);
  const slopesStride = int(layout.TANGENT_SLOPES_STRIDE);
  const tile = address(layout.TANGENT_TILE);
  const tileStride = int(layout.TANGENT_TILE_STRIDE);
  const upper = int(layout.TANGENT_UPPER) !== 0;
  for (let q = 0; q < rows; q++) {
    for (let k = 0; k < left; k++) {
      const row = k * rowRoom + q;
      for (let p = upper ? q : 0; p < columns; p++) {
        const inner = numbers[sums + q * stride + p]! + bias;
        for (let l = 0; l < right; l++) {
          const column = l * columnRoom + p;
          const at = upper && column < row ? column * slopesStride + row : row * slopesStride + column;
          let value = numbers[slopes + at]! * inner;
          if (k === l + apart) value += (values ? numbers[values + q * stride + p]! : 0) + added;
          numbers[tile + (q * left + k) * tileStride + p * right + l] = value;
        }
      }
    }
  }
  const mirror = address(layout.TANGENT_MIRROR);
  if (upper) transpose(numbers, tile, tileStride, rows * left, rows * left, tile, tileStride, true);
  else if (mirror) {
    const mirrorStride = int(layout.TANGENT_MIRROR_STRIDE);
    transpose(numbers, tile, tileStride, rows * left, columns * right, mirror, mirrorStride, false);
  }
}
