// Parameters of a network between their public form and the lane panels of the kernels.
//
//   public   θ_i = (w_1 … w_d) for a ridge unit, (a, b, w_1 … w_d) for an affine one; f64, row-major, N rows
//   panels   see panels.ts; b is row d of a panel, a stands apart; neurons beyond N are zero

import { NET_AFFINE, NET_NEURONS, NET_OUTPUT, NET_ROWS, NET_WEIGHTS, PANEL } from "./layout";
import { pointer, slot } from "./vector";

function weightAddress<T>(weights: usize, rows: i32, i: i32, j: i32): usize {
  const lanes = PANEL / <i32>sizeof<T>();
  return weights + (<usize>(i / lanes) * rows + j) * PANEL + <usize>(i % lanes) * sizeof<T>();
}

/** Fills the panels from θ. */
export function importTheta<T>(network: usize, theta: usize): void {
  const n = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const d = rows - affine;
  for (let i = 0; i < n; i++) {
    if (affine) {
      store<T>(output + <usize>i * sizeof<T>(), <T>load<f64>(theta));
      store<T>(weightAddress<T>(weights, rows, i, d), <T>load<f64>(theta, 8));
      theta += 16;
    }
    for (let j = 0; j < d; j++, theta += 8) store<T>(weightAddress<T>(weights, rows, i, j), <T>load<f64>(theta));
  }
}

/** Writes θ from the panels. */
export function exportTheta<T>(network: usize, theta: usize): void {
  const n = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const d = rows - affine;
  for (let i = 0; i < n; i++) {
    if (affine) {
      store<f64>(theta, <f64>load<T>(output + <usize>i * sizeof<T>()));
      store<f64>(theta, <f64>load<T>(weightAddress<T>(weights, rows, i, d)), 8);
      theta += 16;
    }
    for (let j = 0; j < d; j++, theta += 8) store<f64>(theta, <f64>load<T>(weightAddress<T>(weights, rows, i, j)));
  }
}
