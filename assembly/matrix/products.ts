// Products of the columns of panels: out[r][c] = Σ_k A[k][r] B[k][c], a tile of four rows by one panel in registers.
//
// Both sides are panels (layout.ts); of the left one four numbers are read one by one. Sums run over DEPTH rows in registers and are then
// added up in memory, so that in f32 long ones do not lose digits; the order depends on neither the tile nor which side is which.

import { PANEL } from "../layout";
import { madd } from "../vector";

/** Rows that are summed in registers. */
const DEPTH = 256;

/** Bytes of left panels that stay in the first cache. */
const CACHED = 16384;

/**
 * Products of `rows` columns of the left panels from i0 on (a multiple of four) with `columns` of the right ones from j0 on (a multiple of
 * a panel's), written to a tile of `stride` bytes a row in whole panels and whole fours of rows.
 *
 * @param leftBytes, rightBytes  of a panel
 * @param upper                  leaves out panels that end before the first of four rows
 * @param add                    adds to the tile
 */
export function products<T>(
  left: usize,
  leftBytes: usize,
  right: usize,
  rightBytes: usize,
  depth: i32,
  i0: i32,
  rows: i32,
  j0: i32,
  columns: i32,
  out: usize,
  stride: usize,
  upper: boolean,
  add: boolean,
): void {
  const size = <i32>sizeof<T>();
  const lanes = PANEL / size;
  for (let k = 0; k < depth; k += DEPTH) {
    const part = min(DEPTH, depth - k);
    const offset = <usize>k * PANEL;
    const block = max(8, (CACHED / (part * size)) & ~7);
    for (let from = 0; from < rows; from += block) {
      const to = min(rows, from + block);
      for (let c = 0; c < columns; c += lanes) {
        const b = right + <usize>((j0 + c) / lanes) * rightBytes + offset;
        const end = upper ? min(to, c + lanes) : to;
        for (let r = from; r < end; r += 4) {
          const i = i0 + r;
          const a = left + <usize>(i / lanes) * leftBytes + offset + <usize>(i % lanes) * size;
          product<T>(a, b, part, out + <usize>r * stride + <usize>c * size, stride, add || k > 0);
        }
      }
    }
  }
}

/** Four rows by one panel. */
export function product<T>(a: usize, b: usize, depth: i32, out: usize, stride: usize, add: boolean): void {
  const size = sizeof<T>();
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = b + <usize>depth * PANEL;
  while (b < end) {
    const w0 = v128.load(b);
    const w1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    a0 = madd<T>(w0, x, a0);
    a1 = madd<T>(w1, x, a1);
    x = v128.load_splat<T>(a + size);
    b0 = madd<T>(w0, x, b0);
    b1 = madd<T>(w1, x, b1);
    x = v128.load_splat<T>(a + 2 * size);
    c0 = madd<T>(w0, x, c0);
    c1 = madd<T>(w1, x, c1);
    x = v128.load_splat<T>(a + 3 * size);
    d0 = madd<T>(w0, x, d0);
    d1 = madd<T>(w1, x, d1);
    a += PANEL;
    b += PANEL;
  }
  if (add) {
    a0 = v128.add<T>(a0, v128.load(out));
    a1 = v128.add<T>(a1, v128.load(out, 16));
    b0 = v128.add<T>(b0, v128.load(out + stride));
    b1 = v128.add<T>(b1, v128.load(out + stride, 16));
    c0 = v128.add<T>(c0, v128.load(out + 2 * stride));
    c1 = v128.add<T>(c1, v128.load(out + 2 * stride, 16));
    d0 = v128.add<T>(d0, v128.load(out + 3 * stride));
    d1 = v128.add<T>(d1, v128.load(out + 3 * stride, 16));
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out + stride, b0);
  v128.store(out + stride, b1, 16);
  v128.store(out + 2 * stride, c0);
  v128.store(out + 2 * stride, c1, 16);
  v128.store(out + 3 * stride, d0);
  v128.store(out + 3 * stride, d1, 16);
}

/** The transpose of a tile, in whole fours of rows and columns. */
export function transpose<T>(from: usize, stride: usize, rows: i32, columns: i32, to: usize, toStride: usize): void {
  const size = sizeof<T>();
  const step = 16 / <i32>size;
  for (let r = 0; r < rows; r += step) {
    for (let c = 0; c < columns; c += step) {
      const at = from + <usize>r * stride + <usize>c * size;
      const place = to + <usize>c * toStride + <usize>r * size;
      const a = v128.load(at);
      const b = v128.load(at + stride);
      if (sizeof<T>() === 8) {
        v128.store(place, v128.shuffle<u64>(a, b, 0, 2));
        v128.store(place + toStride, v128.shuffle<u64>(a, b, 1, 3));
      } else {
        const e = v128.load(at + 2 * stride);
        const f = v128.load(at + 3 * stride);
        const ab0 = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
        const ab1 = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
        const ef0 = v128.shuffle<u32>(e, f, 0, 4, 1, 5);
        const ef1 = v128.shuffle<u32>(e, f, 2, 6, 3, 7);
        v128.store(place, v128.shuffle<u64>(ab0, ef0, 0, 2));
        v128.store(place + toStride, v128.shuffle<u64>(ab0, ef0, 1, 3));
        v128.store(place + 2 * toStride, v128.shuffle<u64>(ab1, ef1, 0, 2));
        v128.store(place + 3 * toStride, v128.shuffle<u64>(ab1, ef1, 1, 3));
      }
    }
  }
}

/** Copies what is above the diagonal of a square tile below it. */
export function reflect<T>(tile: usize, stride: usize, rows: i32): void {
  const size = sizeof<T>();
  for (let r = 1; r < rows; r++) {
    const row = tile + <usize>r * stride;
    let above = tile + <usize>r * size;
    for (let c = 0; c < r; c++, above += stride) store<T>(row + <usize>c * size, load<T>(above));
  }
}
