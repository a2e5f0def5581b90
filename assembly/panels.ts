// The two sweeps that every network process is made of, over neurons in lane panels.
//
//   weights  panel p ─┬─ row j = 0…rows−1 ─┬─ 32 bytes: the j-th weights of 8 neurons (f32) or 4 (f64)
//   inputs   tile q  ─┬─ row j            ─┬─ TILE numbers: the j-th coordinates of 4 examples
//   pre      example q ── one number a neuron
//
// forward:  pre[q][i]  = Σ_j W[i][j] x_q[j]                2·N·rows flops an example
// backward: W[i][j]   += Σ_q D[q][i] x_q[j]                2·N·rows flops an example
//
// Where units are flat beyond the knots of a piecewise-linear σ, most slopes D are 0: the sparse form of the backward sweep
// leaves out the examples on which a whole panel is flat. The other form adds 0·x there: the same bits.
//
// A panel of a layer with a few hundred rows stays in the first cache between the two, so `sweep` does both at one read
// of the weights. The sum over rows runs upward from zero, the sum over examples in their order: no result depends on how
// examples are cut into sweeps.

import { PANEL, TILE } from "./layout";
import { madd } from "./vector";

function forwardTile<T>(weights: usize, inputs: usize, pre: usize, stride: usize, rows: i32): void {
  const bytes = sizeof<T>();
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = weights + rows * PANEL;
  while (weights < end) {
    const w0 = v128.load(weights);
    const w1 = v128.load(weights, 16);
    let x = v128.load_splat<T>(inputs);
    a0 = madd<T>(w0, x, a0);
    a1 = madd<T>(w1, x, a1);
    x = v128.load_splat<T>(inputs + bytes);
    b0 = madd<T>(w0, x, b0);
    b1 = madd<T>(w1, x, b1);
    x = v128.load_splat<T>(inputs + 2 * bytes);
    c0 = madd<T>(w0, x, c0);
    c1 = madd<T>(w1, x, c1);
    x = v128.load_splat<T>(inputs + 3 * bytes);
    d0 = madd<T>(w0, x, d0);
    d1 = madd<T>(w1, x, d1);
    weights += PANEL;
    inputs += TILE * bytes;
  }
  v128.store(pre, a0);
  v128.store(pre, a1, 16);
  v128.store(pre + stride, b0);
  v128.store(pre + stride, b1, 16);
  v128.store(pre + 2 * stride, c0);
  v128.store(pre + 2 * stride, c1, 16);
  v128.store(pre + 3 * stride, d0);
  v128.store(pre + 3 * stride, d1, 16);
}

function isActive(slopes: usize): i32 {
  return v128.any_true(v128.or(v128.load(slopes), v128.load(slopes, 16))) ? 1 : 0;
}

function backwardSparse<T>(weights: usize, inputs: usize, slopes: usize, stride: usize, rows: i32): void {
  const active =
    isActive(slopes) |
    (isActive(slopes + stride) << 1) |
    (isActive(slopes + 2 * stride) << 2) |
    (isActive(slopes + 3 * stride) << 3);
  const end = weights + rows * PANEL;
  const size = sizeof<T>();
  const p = <usize>ctz(active);
  const q = <usize>ctz(active & (active - 1));
  switch (popcnt(active)) {
    case 0:
      return;
    case 1:
      backwardOne<T>(weights, end, inputs + p * size, slopes + p * stride);
      return;
    case 2:
      backwardTwo<T>(weights, end, inputs + p * size, inputs + q * size, slopes + p * stride, slopes + q * stride);
      return;
    default:
      backwardTile<T>(weights, inputs, slopes, stride, rows);
  }
}

function backwardOne<T>(weights: usize, end: usize, inputs: usize, slopes: usize): void {
  const a0 = v128.load(slopes);
  const a1 = v128.load(slopes, 16);
  while (weights < end) {
    const x = v128.load_splat<T>(inputs);
    v128.store(weights, madd<T>(a0, x, v128.load(weights)));
    v128.store(weights, madd<T>(a1, x, v128.load(weights, 16)), 16);
    weights += PANEL;
    inputs += TILE * sizeof<T>();
  }
}

function backwardTwo<T>(weights: usize, end: usize, first: usize, second: usize, a: usize, b: usize): void {
  const a0 = v128.load(a);
  const a1 = v128.load(a, 16);
  const b0 = v128.load(b);
  const b1 = v128.load(b, 16);
  while (weights < end) {
    const x = v128.load_splat<T>(first);
    const y = v128.load_splat<T>(second);
    v128.store(weights, madd<T>(b0, y, madd<T>(a0, x, v128.load(weights))));
    v128.store(weights, madd<T>(b1, y, madd<T>(a1, x, v128.load(weights, 16))), 16);
    weights += PANEL;
    first += TILE * sizeof<T>();
    second += TILE * sizeof<T>();
  }
}

function backwardTile<T>(weights: usize, inputs: usize, slopes: usize, stride: usize, rows: i32): void {
  const bytes = sizeof<T>();
  const end = weights + rows * PANEL;
  const a0 = v128.load(slopes);
  const a1 = v128.load(slopes, 16);
  const b0 = v128.load(slopes + stride);
  const b1 = v128.load(slopes + stride, 16);
  const c0 = v128.load(slopes + 2 * stride);
  const c1 = v128.load(slopes + 2 * stride, 16);
  const d0 = v128.load(slopes + 3 * stride);
  const d1 = v128.load(slopes + 3 * stride, 16);
  if (ASC_FEATURE_RELAXED_SIMD) {
    // two rows a turn: V8 of Node 20 does not unroll this loop, and fused it is bound by the instructions of a turn
    const even = end - (rows & 1) * PANEL;
    while (weights < even) {
      let w0 = v128.load(weights);
      let w1 = v128.load(weights, 16);
      let x = v128.load_splat<T>(inputs);
      w0 = madd<T>(a0, x, w0);
      w1 = madd<T>(a1, x, w1);
      x = v128.load_splat<T>(inputs + bytes);
      w0 = madd<T>(b0, x, w0);
      w1 = madd<T>(b1, x, w1);
      x = v128.load_splat<T>(inputs + 2 * bytes);
      w0 = madd<T>(c0, x, w0);
      w1 = madd<T>(c1, x, w1);
      x = v128.load_splat<T>(inputs + 3 * bytes);
      w0 = madd<T>(d0, x, w0);
      w1 = madd<T>(d1, x, w1);
      v128.store(weights, w0);
      v128.store(weights, w1, 16);
      w0 = v128.load(weights, 32);
      w1 = v128.load(weights, 48);
      x = v128.load_splat<T>(inputs + 4 * bytes);
      w0 = madd<T>(a0, x, w0);
      w1 = madd<T>(a1, x, w1);
      x = v128.load_splat<T>(inputs + 5 * bytes);
      w0 = madd<T>(b0, x, w0);
      w1 = madd<T>(b1, x, w1);
      x = v128.load_splat<T>(inputs + 6 * bytes);
      w0 = madd<T>(c0, x, w0);
      w1 = madd<T>(c1, x, w1);
      x = v128.load_splat<T>(inputs + 7 * bytes);
      w0 = madd<T>(d0, x, w0);
      w1 = madd<T>(d1, x, w1);
      v128.store(weights, w0, 32);
      v128.store(weights, w1, 48);
      weights += 2 * PANEL;
      inputs += 2 * TILE * bytes;
    }
  }
  while (weights < end) {
    let w0 = v128.load(weights);
    let w1 = v128.load(weights, 16);
    let x = v128.load_splat<T>(inputs);
    w0 = madd<T>(a0, x, w0);
    w1 = madd<T>(a1, x, w1);
    x = v128.load_splat<T>(inputs + bytes);
    w0 = madd<T>(b0, x, w0);
    w1 = madd<T>(b1, x, w1);
    x = v128.load_splat<T>(inputs + 2 * bytes);
    w0 = madd<T>(c0, x, w0);
    w1 = madd<T>(c1, x, w1);
    x = v128.load_splat<T>(inputs + 3 * bytes);
    w0 = madd<T>(d0, x, w0);
    w1 = madd<T>(d1, x, w1);
    v128.store(weights, w0);
    v128.store(weights, w1, 16);
    weights += PANEL;
    inputs += TILE * bytes;
  }
}

/**
 * For every panel: add the rank-TILE updates of `oldTiles` tiles, then the forward products of `newTiles` tiles.
 * Either count may be 0. `sparse` looks for examples on which a panel is flat, which pays where most units are.
 */
export function sweep<T>(
  weights: usize,
  panels: i32,
  rows: i32,
  oldInputs: usize,
  slopes: usize,
  oldTiles: i32,
  newInputs: usize,
  pre: usize,
  newTiles: i32,
  sparse: boolean,
): void {
  const stride = <usize>panels * PANEL;
  const tileBytes = <usize>rows * TILE * sizeof<T>();
  for (let p = 0; p < panels; p++) {
    const panel = weights + <usize>p * rows * PANEL;
    const column = <usize>p * PANEL;
    for (let t = 0; t < oldTiles; t++) {
      const x = oldInputs + t * tileBytes;
      const tileSlopes = slopes + t * TILE * stride + column;
      if (sparse) backwardSparse<T>(panel, x, tileSlopes, stride, rows);
      else backwardTile<T>(panel, x, tileSlopes, stride, rows);
    }
    for (let t = 0; t < newTiles; t++) {
      forwardTile<T>(panel, newInputs + t * tileBytes, pre + t * TILE * stride + column, stride, rows);
    }
  }
}
