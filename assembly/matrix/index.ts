// The kernels of matrices, a module of their own with a memory of its own, loaded when a matrix is asked for: one line a precision.

import { gram, sizes } from "./gram";
import { products } from "./products";
import { combine, features } from "./tangent";

export function gram_f32(plan: usize, i0: i32, rows: i32, j0: i32, columns: i32, diagonal: boolean): void {
  gram<f32>(plan, i0, rows, j0, columns, diagonal);
}
export function gram_f64(plan: usize, i0: i32, rows: i32, j0: i32, columns: i32, diagonal: boolean): void {
  gram<f64>(plan, i0, rows, j0, columns, diagonal);
}
export function sizes_f32(side: usize, scratch: usize): void {
  sizes<f32>(side, scratch);
}
export function sizes_f64(side: usize, scratch: usize): void {
  sizes<f64>(side, scratch);
}
export function features_f32(
  neurons: usize,
  inputs: usize,
  panels: i32,
  coefficients: usize,
  outputs: i32,
  values: usize,
  slopes: usize,
): void {
  features<f32>(neurons, inputs, panels, coefficients, outputs, values, slopes);
}
export function features_f64(
  neurons: usize,
  inputs: usize,
  panels: i32,
  coefficients: usize,
  outputs: i32,
  values: usize,
  slopes: usize,
): void {
  features<f64>(neurons, inputs, panels, coefficients, outputs, values, slopes);
}
export function products_f32(
  left: usize,
  leftBytes: usize,
  right: usize,
  rightBytes: usize,
  depth: i32,
  i0: i32,
  rows: i32,
  j0: i32,
  columns: i32,
  out: usize,
  stride: usize,
  upper: boolean,
  add: boolean,
): void {
  products<f32>(left, leftBytes, right, rightBytes, depth, i0, rows, j0, columns, out, stride, upper, add);
}
export function products_f64(
  left: usize,
  leftBytes: usize,
  right: usize,
  rightBytes: usize,
  depth: i32,
  i0: i32,
  rows: i32,
  j0: i32,
  columns: i32,
  out: usize,
  stride: usize,
  upper: boolean,
  add: boolean,
): void {
  products<f64>(left, leftBytes, right, rightBytes, depth, i0, rows, j0, columns, out, stride, upper, add);
}
export function combine_f32(tangent: usize): void {
  combine<f32>(tangent);
}
export function combine_f64(tangent: usize): void {
  combine<f64>(tangent);
}
