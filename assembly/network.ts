// Parameters of a network between their public form and the lane panels of the kernels.
//
//   public   θ_i = (w_1 … w_d) for a ridge unit, (a_1 … a_K, b, w_1 … w_d) for an affine one; f64, row-major, N rows; then
//            the output bias c_1 … c_K, where there is one
//   panels   see panels.ts; b is row d of a panel, a stands apart in panels of K rows; neurons beyond N are zero

import { NET_AFFINE, NET_BIAS, NET_NEURONS, NET_OUTPUT, NET_OUTPUTS, NET_ROWS, NET_WEIGHTS, PANEL } from "./layout";
import { pointer, slot } from "./vector";

function weightAddress<T>(weights: usize, rows: i32, i: i32, j: i32): usize {
  const lanes = PANEL / <i32>sizeof<T>();
  return weights + (<usize>(i / lanes) * rows + j) * PANEL + <usize>(i % lanes) * sizeof<T>();
}

/** Fills the state from θ. */
export function importTheta<T>(network: usize, theta: usize): void {
  const n = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const K = affine ? slot(network, NET_OUTPUTS) : 0;
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const bias = pointer(network, NET_BIAS);
  const d = rows - affine;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < K; k++, theta += 8) store<T>(weightAddress<T>(output, K, i, k), <T>load<f64>(theta));
    if (affine) {
      store<T>(weightAddress<T>(weights, rows, i, d), <T>load<f64>(theta));
      theta += 8;
    }
    for (let j = 0; j < d; j++, theta += 8) store<T>(weightAddress<T>(weights, rows, i, j), <T>load<f64>(theta));
  }
  if (bias) for (let k = 0; k < K; k++, theta += 8) store<T>(bias + <usize>k * sizeof<T>(), <T>load<f64>(theta));
}

/** Writes θ from the state. */
export function exportTheta<T>(network: usize, theta: usize): void {
  const n = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const K = affine ? slot(network, NET_OUTPUTS) : 0;
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const bias = pointer(network, NET_BIAS);
  const d = rows - affine;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < K; k++, theta += 8) store<f64>(theta, <f64>load<T>(weightAddress<T>(output, K, i, k)));
    if (affine) {
      store<f64>(theta, <f64>load<T>(weightAddress<T>(weights, rows, i, d)));
      theta += 8;
    }
    for (let j = 0; j < d; j++, theta += 8) store<f64>(theta, <f64>load<T>(weightAddress<T>(weights, rows, i, j)));
  }
  if (bias) for (let k = 0; k < K; k++, theta += 8) store<f64>(theta, <f64>load<T>(bias + <usize>k * sizeof<T>()));
}
