// The plain build: every kernel in TypeScript, over one growing buffer. Oracle of the tests, fallback where WebAssembly
// SIMD is missing, and the baseline of the benchmarks.

import type { Kernels } from "../kernels";
import type { AddressSpace } from "../memory";
import { activate, activateSecond } from "./activation";
import { accumulate, descend, drawBatch, velocity } from "./descent";
import { backward, forward, holdBiases, packInputs, potential, weigh } from "./gradient";
import { Heap } from "./heap";
import { lawKernels } from "./law";
import { adam, heavyBall } from "./moments";
import { exportTheta, importTheta } from "./network";
import { randomKernels } from "./random";
import { sgd } from "./sgd";
import { stencil } from "./stencil";
import { tangentBackward, tangentForward } from "./tangent";

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
    activateSecond_f32: (block, h, value, slope, second, count) =>
      activateSecond(heap, heap.f32, block, single(h), single(value), single(slope), single(second), count),
    activateSecond_f64: (block, h, value, slope, second, count) =>
      activateSecond(heap, heap.f64, block, double(h), double(value), double(slope), double(second), count),
    example_f32: (law, x, y, low, high, replica, e) =>
      example(heap.f32, law, single(x), double(y), low, high, replica, e),
    example_f64: (law, x, y, low, high, replica, e) =>
      example(heap.f64, law, double(x), double(y), low, high, replica, e),
    importTheta_f32: (network, theta) => importTheta(heap, heap.f32, network, theta),
    importTheta_f64: (network, theta) => importTheta(heap, heap.f64, network, theta),
    exportTheta_f32: (network, theta) => exportTheta(heap, heap.f32, network, theta),
    exportTheta_f64: (network, theta) => exportTheta(heap, heap.f64, network, theta),
    weigh: (batch, outputs, loss, scale) => weigh(heap, batch, outputs, loss, scale),
    packInputs_f32: (network, batch, inputs, at, count) =>
      packInputs(heap, heap.f32, network, batch, inputs, at, count),
    packInputs_f64: (network, batch, inputs, at, count) =>
      packInputs(heap, heap.f64, network, batch, inputs, at, count),
    forward_f32: (network, batch) => forward(heap, heap.f32, network, batch),
    forward_f64: (network, batch) => forward(heap, heap.f64, network, batch),
    backward_f32: (network, batch, gradient) => backward(heap, heap.f32, network, batch, gradient),
    backward_f64: (network, batch, gradient) => backward(heap, heap.f64, network, batch, gradient),
    potential_f32: (network, batch, out) => potential(heap, heap.f32, network, batch, out),
    potential_f64: (network, batch, out) => potential(heap, heap.f64, network, batch, out),
    tangentForward_f32: (network, direction, batch, out) =>
      tangentForward(heap, heap.f32, network, direction, batch, out),
    tangentForward_f64: (network, direction, batch, out) =>
      tangentForward(heap, heap.f64, network, direction, batch, out),
    holdBiases_f32: (network, out) => holdBiases(heap, heap.f32, network, out),
    holdBiases_f64: (network, out) => holdBiases(heap, heap.f64, network, out),
    tangentBackward_f32: (network, direction, batch, tangentWeights, out) =>
      tangentBackward(heap, heap.f32, network, direction, batch, tangentWeights, out),
    tangentBackward_f64: (network, direction, batch, tangentWeights, out) =>
      tangentBackward(heap, heap.f64, network, direction, batch, tangentWeights, out),
    accumulate_f32: (x, factor, y, bytes) => accumulate(heap.f32, x, factor, y, bytes),
    accumulate_f64: (x, factor, y, bytes) => accumulate(heap.f64, x, factor, y, bytes),
    heavyBall_f32: (x, u, g, bytes, step, momentum) =>
      heavyBall(heap.f32, x / 4, u / 4, g / 4, bytes / 4, step, momentum),
    heavyBall_f64: (x, u, g, bytes, step, momentum) =>
      heavyBall(heap.f64, x / 8, u / 8, g / 8, bytes / 8, step, momentum),
    adam_f32: (x, m, s, g, bytes, ...numbers) => adam(heap.f32, x / 4, m / 4, s / 4, g / 4, bytes / 4, ...numbers),
    adam_f64: (x, m, s, g, bytes, ...numbers) => adam(heap.f64, x / 8, m / 8, s / 8, g / 8, bytes / 8, ...numbers),
    drawBatch_f32: (plan, first) => drawBatch(heap, heap.f32, example, plan, first),
    drawBatch_f64: (plan, first) => drawBatch(heap, heap.f64, example, plan, first),
    velocity_f32: (plan) => velocity(heap, heap.f32, plan),
    velocity_f64: (plan) => velocity(heap, heap.f64, plan),
    descend_f32: (plan, first, steps) => descend(heap, heap.f32, example, random, plan, first, steps),
    descend_f64: (plan, first, steps) => descend(heap, heap.f64, example, random, plan, first, steps),
    sgd_f32: (plan, first, steps) => sgd(heap, heap.f32, example, plan, first, steps),
    sgd_f64: (plan, first, steps) => sgd(heap, heap.f64, example, plan, first, steps),
    stencil_f32: (u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch) =>
      stencil(heap.f32, u / 4, u0 / 4, psi / 4, out / 4, n1, n2, stride / 4, k1, k2, alpha, beta, scratch / 4),
    stencil_f64: (u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch) =>
      stencil(heap.f64, u / 8, u0 / 8, psi / 8, out / 8, n1, n2, stride / 8, k1, k2, alpha, beta, scratch / 8),
  };
  return { kernels, space: heap };
}
