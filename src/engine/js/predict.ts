// Plain twin of assembly/predict.ts: predictions of a network at given inputs.

import { NET_ACTIVATION } from "../../../assembly/layout";
import { activate } from "./activation";
import type { Heap, Numbers } from "./heap";
import { networkLayout } from "./network";

/** Writes f at `count` inputs; `scratch` has room for three rows of neurons. */
export function predict(
  heap: Heap,
  numbers: Numbers,
  network: number,
  inputs: number,
  count: number,
  out: number,
  scratch: number,
): void {
  const { n, rows, affine, d, weights, output } = networkLayout(heap, numbers, network);
  const { f64, u32 } = heap;
  const activation = u32[(network >> 2) + 2 * NET_ACTIVATION]!;
  const h = scratch / numbers.BYTES_PER_ELEMENT;
  for (let q = 0; q < count; q++) {
    const x = (inputs >> 3) + q * d;
    for (let i = 0; i < n; i++) {
      const row = weights + i * rows;
      let sum = 0;
      for (let j = 0; j < d; j++) sum += numbers[row + j]! * f64[x + j]!;
      numbers[h + i] = affine ? sum + numbers[row + d]! : sum;
    }
    activate(heap, numbers, activation, h, h + n, h + 2 * n, n);
    let total = 0;
    for (let i = 0; i < n; i++) total += (affine ? numbers[output + i]! : 1) * numbers[h + n + i]!;
    f64[(out >> 3) + q] = total / n;
  }
}
