// Plain twin of assembly/network.ts: parameters in rows (w, then b), a apart in rows of K, then the output bias.

import {
  NET_AFFINE,
  NET_BIAS,
  NET_NEURONS,
  NET_OUTPUT,
  NET_OUTPUTS,
  NET_ROWS,
  NET_WEIGHTS,
} from "../../../assembly/layout";
import type { Heap, Numbers } from "./heap";

/** Addresses (in elements) and sizes of a network's block. */
export function networkLayout(heap: Heap, numbers: Numbers, network: number) {
  const { u32 } = heap;
  const at = network >> 2;
  const size = numbers.BYTES_PER_ELEMENT;
  const affine = u32[at + 2 * NET_AFFINE]!;
  const rows = u32[at + 2 * NET_ROWS]!;
  return {
    n: u32[at + 2 * NET_NEURONS]!,
    rows,
    affine,
    K: u32[at + 2 * NET_OUTPUTS]!,
    d: rows - affine,
    weights: u32[at + 2 * NET_WEIGHTS]! / size,
    output: u32[at + 2 * NET_OUTPUT]! / size,
  };
}

// The places of the state in the order of θ, each handed to `visit`.
function eachPlace(heap: Heap, numbers: Numbers, network: number, visit: (place: number) => void): void {
  const { n, rows, affine, K, d, weights, output } = networkLayout(heap, numbers, network);
  const bias = heap.u32[(network >> 2) + 2 * NET_BIAS]! / numbers.BYTES_PER_ELEMENT;
  for (let i = 0; i < n; i++) {
    if (affine) {
      for (let k = 0; k < K; k++) visit(output + i * K + k);
      visit(weights + i * rows + d);
    }
    for (let j = 0; j < d; j++) visit(weights + i * rows + j);
  }
  if (bias) for (let k = 0; k < K; k++) visit(bias + k);
}

/** Fills the state from θ. */
export function importTheta(heap: Heap, numbers: Numbers, network: number, theta: number): void {
  let p = theta >> 3;
  eachPlace(heap, numbers, network, (place) => {
    numbers[place] = heap.f64[p++]!;
  });
}

/** Writes θ from the state. */
export function exportTheta(heap: Heap, numbers: Numbers, network: number, theta: number): void {
  let p = theta >> 3;
  eachPlace(heap, numbers, network, (place) => {
    heap.f64[p++] = numbers[place]!;
  });
}
