// The kernels that TypeScript calls (src/engine/kernels.ts types them by hand): one line a precision.

import { activate, activateSecond } from "./activation";
import { accumulate, descend, drawBatch, velocity } from "./descent";
import { backward, forward, holdBiases, packInputs, potential } from "./gradient";
import { example } from "./law";
import { adam, heavyBall } from "./moments";
import { exportTheta, importTheta } from "./network";
import { sgd } from "./sgd";
import { stencil } from "./stencil";
import { tangentBackward, tangentForward } from "./tangent";

export { weigh } from "./gradient";
export { normals_f32, normals_f64, philox, uniforms_f32, uniforms_f64, words } from "./random";

export function activate_f32(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activate<f32>(block, h, value, slope, count);
}
export function activate_f64(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activate<f64>(block, h, value, slope, count);
}
export function activateSecond_f32(
  block: usize,
  h: usize,
  value: usize,
  slope: usize,
  second: usize,
  count: i32,
): void {
  activateSecond<f32>(block, h, value, slope, second, count);
}
export function activateSecond_f64(
  block: usize,
  h: usize,
  value: usize,
  slope: usize,
  second: usize,
  count: i32,
): void {
  activateSecond<f64>(block, h, value, slope, second, count);
}
export function example_f32(law: usize, x: usize, y: usize, low: u32, high: u32, replica: u32, e: f64): void {
  example<f32>(law, x, y, low, high, replica, <u64>e);
}
export function example_f64(law: usize, x: usize, y: usize, low: u32, high: u32, replica: u32, e: f64): void {
  example<f64>(law, x, y, low, high, replica, <u64>e);
}
export function importTheta_f32(network: usize, theta: usize): void {
  importTheta<f32>(network, theta);
}
export function importTheta_f64(network: usize, theta: usize): void {
  importTheta<f64>(network, theta);
}
export function exportTheta_f32(network: usize, theta: usize): void {
  exportTheta<f32>(network, theta);
}
export function exportTheta_f64(network: usize, theta: usize): void {
  exportTheta<f64>(network, theta);
}
export function packInputs_f32(network: usize, batch: usize, inputs: usize, at: i32, count: i32): void {
  packInputs<f32>(network, batch, inputs, at, count);
}
export function packInputs_f64(network: usize, batch: usize, inputs: usize, at: i32, count: i32): void {
  packInputs<f64>(network, batch, inputs, at, count);
}
export function forward_f32(network: usize, batch: usize): void {
  forward<f32>(network, batch);
}
export function forward_f64(network: usize, batch: usize): void {
  forward<f64>(network, batch);
}
export function backward_f32(network: usize, batch: usize, gradient: usize): void {
  backward<f32>(network, batch, gradient);
}
export function backward_f64(network: usize, batch: usize, gradient: usize): void {
  backward<f64>(network, batch, gradient);
}
export function potential_f32(network: usize, batch: usize, out: usize): void {
  potential<f32>(network, batch, out);
}
export function potential_f64(network: usize, batch: usize, out: usize): void {
  potential<f64>(network, batch, out);
}
export function tangentForward_f32(network: usize, direction: usize, batch: usize, out: usize): void {
  tangentForward<f32>(network, direction, batch, out);
}
export function tangentForward_f64(network: usize, direction: usize, batch: usize, out: usize): void {
  tangentForward<f64>(network, direction, batch, out);
}
export function holdBiases_f32(network: usize, out: usize): void {
  holdBiases<f32>(network, out);
}
export function holdBiases_f64(network: usize, out: usize): void {
  holdBiases<f64>(network, out);
}
export function tangentBackward_f32(
  network: usize,
  direction: usize,
  batch: usize,
  tangentWeights: usize,
  out: usize,
): void {
  tangentBackward<f32>(network, direction, batch, tangentWeights, out);
}
export function tangentBackward_f64(
  network: usize,
  direction: usize,
  batch: usize,
  tangentWeights: usize,
  out: usize,
): void {
  tangentBackward<f64>(network, direction, batch, tangentWeights, out);
}
export function accumulate_f32(x: usize, factor: f64, y: usize, bytes: usize): void {
  accumulate<f32>(x, factor, y, bytes);
}
export function accumulate_f64(x: usize, factor: f64, y: usize, bytes: usize): void {
  accumulate<f64>(x, factor, y, bytes);
}
export function heavyBall_f32(x: usize, u: usize, g: usize, bytes: usize, step: f64, momentum: f64): void {
  heavyBall<f32>(x, u, g, bytes, step, momentum);
}
export function heavyBall_f64(x: usize, u: usize, g: usize, bytes: usize, step: f64, momentum: f64): void {
  heavyBall<f64>(x, u, g, bytes, step, momentum);
}
export function adam_f32(
  x: usize,
  m: usize,
  s: usize,
  g: usize,
  bytes: usize,
  beta1: f64,
  beta2: f64,
  rate: f64,
  correction: f64,
  stabiliser: f64,
): void {
  adam<f32>(x, m, s, g, bytes, beta1, beta2, rate, correction, stabiliser);
}
export function adam_f64(
  x: usize,
  m: usize,
  s: usize,
  g: usize,
  bytes: usize,
  beta1: f64,
  beta2: f64,
  rate: f64,
  correction: f64,
  stabiliser: f64,
): void {
  adam<f64>(x, m, s, g, bytes, beta1, beta2, rate, correction, stabiliser);
}
export function drawBatch_f32(plan: usize, first: f64): void {
  drawBatch<f32>(plan, <u64>first);
}
export function drawBatch_f64(plan: usize, first: f64): void {
  drawBatch<f64>(plan, <u64>first);
}
export function velocity_f32(plan: usize): f64 {
  return velocity<f32>(plan);
}
export function velocity_f64(plan: usize): f64 {
  return velocity<f64>(plan);
}
export function descend_f32(plan: usize, first: f64, steps: i32): i32 {
  return descend<f32>(plan, first, steps);
}
export function descend_f64(plan: usize, first: f64, steps: i32): i32 {
  return descend<f64>(plan, first, steps);
}
export function sgd_f32(plan: usize, first: f64, steps: i32): i32 {
  return sgd<f32>(plan, first, steps);
}
export function sgd_f64(plan: usize, first: f64, steps: i32): i32 {
  return sgd<f64>(plan, first, steps);
}
export function stencil_f32(
  u: usize,
  u0: usize,
  psi: usize,
  out: usize,
  n1: i32,
  n2: i32,
  stride: usize,
  k1: f64,
  k2: f64,
  alpha: f64,
  beta: f64,
  scratch: usize,
): void {
  stencil<f32>(u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch);
}
export function stencil_f64(
  u: usize,
  u0: usize,
  psi: usize,
  out: usize,
  n1: i32,
  n2: i32,
  stride: usize,
  k1: f64,
  k2: f64,
  alpha: f64,
  beta: f64,
  scratch: usize,
): void {
  stencil<f64>(u, u0, psi, out, n1, n2, stride, k1, k2, alpha, beta, scratch);
}
