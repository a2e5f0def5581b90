// The plain build: every kernel in TypeScript, over one growing buffer. Oracle of the tests, fallback where WebAssembly
// SIMD is missing, and the baseline of the benchmarks.

import type { Kernels } from "../kernels";
import type { AddressSpace } from "../memory";
import { activate } from "./activation";
import { Heap } from "./heap";
import { lawKernels } from "./law";
import { exportTheta, importTheta } from "./network";
import { predict } from "./predict";
import { randomKernels } from "./random";
import { sgd } from "./sgd";
import { stencil } from "./stencil";

/** A new plain build with a heap of its own. */
export function plainBuild(): { kernels: Kernels; space: AddressSpace } {
  const heap = new Heap();
  const random = randomKernels(heap);
  const example = lawKernels(heap, random);
  const single = (bytes: number) => bytes / 4;
  const double = (bytes: number) => bytes / 8;
  const kernels: Kernels = {
    ...random,
    activate_f32: (block, h, value, slope, count) =>
      activate(heap, heap.f32, block, single(h), single(value), single(slope), count),
    activate_f64: (block, h, value, slope, count) =>
      activate(heap, heap.f64, block, double(h), double(value), double(slope), count),
    example_f32: (law, x, low, high, replica, e) => example(heap.f32, law, single(x), low, high, replica, e),
    example_f64: (law, x, low, high, replica, e) => example(heap.f64, law, double(x), low, high, replica, e),
    importTheta_f32: (network, theta) => importTheta(heap, heap.f32, network, theta),
    importTheta_f64: (network, theta) => importTheta(heap, heap.f64, network, theta),
    exportTheta_f32: (network, theta) => exportTheta(heap, heap.f32, network, theta),
    exportTheta_f64: (network, theta) => exportTheta(heap, heap.f64, network, theta),
    predict_f32: (network, inputs, count, out, scratch) =>
      predict(heap, heap.f32, network, inputs, count, out, scratch),
    predict_f64: (network, inputs, count, out, scratch) =>
      predict(heap, heap.f64, network, inputs, count, out, scratch),
    sgd_f32: (plan, first, steps) => sgd(heap, heap.f32, example, plan, first, steps),
    sgd_f64: (plan, first, steps) => sgd(heap, heap.f64, example, plan, first, steps),
    stencil_f32: (u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch) =>
      stencil(heap.f32, u / 4, u0 / 4, psi / 4, out / 4, n1, n2, stride / 4, k1, k2, alpha, beta, scratch / 4),
    stencil_f64: (u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch) =>
      stencil(heap.f64, u / 8, u0 / 8, psi / 8, out / 8, n1, n2, stride / 8, k1, k2, alpha, beta, scratch / 8),
  };
  return { kernels, space: heap };
}
