// Plain twin of assembly/network.ts: parameters in rows (w, then b), a apart.

import { NET_AFFINE, NET_NEURONS, NET_OUTPUT, NET_ROWS, NET_WEIGHTS } from "../../../assembly/layout";
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
    d: rows - affine,
    weights: u32[at + 2 * NET_WEIGHTS]! / size,
    output: u32[at + 2 * NET_OUTPUT]! / size,
  };
}

/** Fills the rows from θ. */
export function importTheta(heap: Heap, numbers: Numbers, network: number, theta: number): void {
  const { n, rows, affine, d, weights, output } = networkLayout(heap, numbers, network);
  let p = theta >> 3;
  for (let i = 0; i < n; i++) {
    if (affine) {
      numbers[output + i] = heap.f64[p++]!;
      numbers[weights + i * rows + d] = heap.f64[p++]!;
    }
    for (let j = 0; j < d; j++) numbers[weights + i * rows + j] = heap.f64[p++]!;
  }
}

/** Writes θ from the rows. */
export function exportTheta(heap: Heap, numbers: Numbers, network: number, theta: number): void {
  const { n, rows, affine, d, weights, output } = networkLayout(heap, numbers, network);
  let p = theta >> 3;
  for (let i = 0; i < n; i++) {
    if (affine) {
      heap.f64[p++] = numbers[output + i]!;
      heap.f64[p++] = numbers[weights + i * rows + d]!;
    }
    for (let j = 0; j < d; j++) heap.f64[p++] = numbers[weights + i * rows + j]!;
  }
}
