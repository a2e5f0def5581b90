// The kernels that TypeScript calls (src/engine/kernels.ts types them by hand): one line a precision.

import { activate } from "./activation";
import { example } from "./law";
import { exportTheta, importTheta } from "./network";
import { predict } from "./predict";
import { sgd } from "./sgd";
import { stencil } from "./stencil";

export { normals_f32, normals_f64, philox, uniforms_f32, uniforms_f64, words } from "./random";

export function activate_f32(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activate<f32>(block, h, value, slope, count);
}
export function activate_f64(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activate<f64>(block, h, value, slope, count);
}
export function example_f32(law: usize, x: usize, low: u32, high: u32, replica: u32, e: f64): f64 {
  return example<f32>(law, x, low, high, replica, <u64>e);
}
export function example_f64(law: usize, x: usize, low: u32, high: u32, replica: u32, e: f64): f64 {
  return example<f64>(law, x, low, high, replica, <u64>e);
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
export function predict_f32(network: usize, inputs: usize, count: i32, out: usize, scratch: usize): void {
  predict<f32>(network, inputs, count, out, scratch);
}
export function predict_f64(network: usize, inputs: usize, count: i32, out: usize, scratch: usize): void {
  predict<f64>(network, inputs, count, out, scratch);
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
