// Predictions f(x_q) = N⁻¹ Σ_i a_i σ(⟨w_i,x_q⟩ + b_i) of a network at given inputs.                        theory §1
//
//   inputs   count rows of d numbers, f64        out   count numbers, f64
//   scratch  inputs of a tile: rows × TILE │ pre: TILE rows of neurons │ slopes: the same │ values: a row │ a chunk

import { NET_AFFINE, NET_NEURONS, NET_ROWS, NET_WEIGHTS, PANEL, TILE } from "./layout";
import { sweep } from "./panels";
import { respond } from "./respond";
import { pointer, slot } from "./vector";

/** Writes f at `count` inputs. */
export function predict<T>(network: usize, inputs: usize, count: i32, out: usize, scratch: usize): void {
  const size = sizeof<T>();
  const neurons = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const d = rows - slot(network, NET_AFFINE);
  const panels = <i32>((neurons * <i32>size + PANEL - 1) / PANEL);
  const stride = <usize>panels * PANEL;
  const tile = scratch;
  const pre = tile + ((<usize>rows * TILE * size + 31) & ~31);
  const slopes = pre + TILE * stride;
  const values = slopes + TILE * stride;
  const chunk = values + stride;
  for (let from = 0; from < count; from += TILE) {
    const here = min(TILE, count - from);
    for (let q = 0; q < TILE; q++) {
      let to = tile + <usize>q * size;
      const x = inputs + ((<usize>(from + q) * d) << 3);
      for (let j = 0; j < d; j++, to += TILE * size)
        store<T>(to, q < here ? <T>load<f64>(x + ((<usize>j) << 3)) : <T>0);
      if (rows > d) store<T>(to, <T>1);
    }
    sweep<T>(pointer(network, NET_WEIGHTS), panels, rows, 0, 0, 0, tile, pre, 1, false);
    for (let q = 0; q < here; q++) {
      const total = respond<T>(network, pre + q * stride, slopes, slopes, values, chunk, stride, chunk, 0);
      store<f64>(out + ((<usize>(from + q)) << 3), <f64>total / <f64>neurons);
    }
  }
}
