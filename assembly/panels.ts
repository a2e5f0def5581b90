// The two sweeps that every network process is made of, over neurons in lane panels.
//
//   weights  panel p ─┬─ row j = 0…rows−1 ─┬─ 32 bytes: the j-th weights of 8 neurons (f32) or 4 (f64)
//   inputs   tile q  ─┬─ row j            ─┬─ TILE numbers: the j-th coordinates of 4 examples
//   pre      example q ── one number a neuron
//
// forward:  pre[q][i]  = Σ_j W[i][j] x_q[j]                2·N·rows flops an example
// backward: W[i][j]   += Σ_q D[q][i] x_q[j]                2·N·rows flops an example
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

function backwardTile<T>(weights: usize, inputs: usize, slopes: usize, stride: usize, rows: i32): void {
  const bytes = sizeof<T>();
  const a0 = v128.load(slopes);
  const a1 = v128.load(slopes, 16);
  const b0 = v128.load(slopes + stride);
  const b1 = v128.load(slopes + stride, 16);
  const c0 = v128.load(slopes + 2 * stride);
  const c1 = v128.load(slopes + 2 * stride, 16);
  const d0 = v128.load(slopes + 3 * stride);
  const d1 = v128.load(slopes + 3 * stride, 16);
  const end = weights + rows * PANEL;
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
 * Either count may be 0.
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
): void {
  const stride = <usize>panels * PANEL;
  const tileBytes = <usize>rows * TILE * sizeof<T>();
  for (let p = 0; p < panels; p++) {
    const panel = weights + <usize>p * rows * PANEL;
    const column = <usize>p * PANEL;
    for (let t = 0; t < oldTiles; t++) {
      backwardTile<T>(panel, oldInputs + t * tileBytes, slopes + t * TILE * stride + column, stride, rows);
    }
    for (let t = 0; t < newTiles; t++) {
      forwardTile<T>(panel, newInputs + t * tileBytes, pre + t * TILE * stride + column, stride, rows);
    }
  }
}
