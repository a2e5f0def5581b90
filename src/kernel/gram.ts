// Matrices of kernels, G_ij = k(x_i, y_j).                                                                              theory §9

import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { atan, exp } from "../engine/math";
import type { Precision } from "../engine/memory";
import { withPauses } from "../engine/pause";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";
import type { Kernel } from "./kernel";
import { limitGram, type Rows } from "./limits";
import { parseKernel } from "./schema";

/** Numbers of a precision. */
export type Numbers<P extends Precision = Precision> = P extends "f32" ? Float32Array : Float64Array;

/** A matrix, row-major. */
export interface Matrix<P extends Precision = Precision> {
  /** [rows, columns] */
  shape: [number, number];
  values: Numbers<P>;
}

/** How a matrix of a kernel is computed. */
export interface GramOptions<P extends Precision = "f64"> {
  /** f64 unless it says f32 */
  precision?: P;
  /** build of the kernels: simd where it runs, else js; relaxed by name */
  backend?: Backend;
  /** stops it between two pieces of at most 10 ms */
  signal?: AbortSignal;
  /** array of the precision that the values are written to; a new one unless it is given */
  out?: Numbers<P>;
}

/** Most bytes of a matrix. */
export const MOST_BYTES = 2147483648;

/** As in onDemand.ts. */
export async function gram<P extends Precision = "f64">(
  kernel: Kernel,
  x: TensorLike,
  y: TensorLike | null = null,
  options: GramOptions<P> = {},
): Promise<Matrix<P>> {
  const spec = parseKernel(kernel);
  const left = readRows(x, "x");
  const right = y === null ? null : readRows(y, "y", left.dimension);
  const values = room(left.count, (right ?? left).count, options);
  if (spec.kind === "nngp" || spec.kind === "ntk") {
    values.set(await withPauses(limitGram({ trainBias: false, ...spec }, left, right), options.signal));
  } else {
    await withPauses(direct(spec, left, right ?? left, values), options.signal);
  }
  return { shape: [left.count, (right ?? left).count], values };
}

/**
 * Inputs as rows.
 *
 * @param value      [n, d]
 * @param path       where they stand
 * @param dimension  what d has to be
 * @throws {SpecError} where they are no such array of finite numbers
 */
export function readRows(value: TensorLike, path: string, dimension?: number): Rows {
  const { shape, data } = toF64(readTensor(value, path, { largest: 1e100 }));
  if (shape.length !== 2 || (dimension !== undefined && shape[1] !== dimension)) {
    throw new SpecError(path, shape, `inputs of shape [n, ${dimension ?? "d"}]`, "Inputs in one dimension are [n, 1].");
  }
  return { values: data, count: shape[0]!, dimension: shape[1]! };
}

/** The array for a matrix of a precision: the caller's, if it fits, or a new one. */
export function room<P extends Precision>(rows: number, columns: number, options: GramOptions<P>): Numbers<P> {
  const { precision = "f64", out } = options;
  if (precision !== "f32" && precision !== "f64") throw new SpecError("options.precision", precision, '"f32" or "f64"');
  const kind = precision === "f32" ? Float32Array : Float64Array;
  const bytes = rows * columns * kind.BYTES_PER_ELEMENT;
  if (bytes > MOST_BYTES) {
    throw new SpecError(
      "x",
      [rows, columns],
      `a matrix of at most 2 GiB; this one has ${(bytes / 2 ** 30).toFixed(1)}`,
    );
  }
  if (out === undefined) return new kind(rows * columns) as Numbers<P>;
  if (!(out instanceof kind) || out.length !== rows * columns) {
    throw new SpecError("options.out", out, `a ${kind.name} of ${rows * columns} numbers`);
  }
  return out;
}

function* direct(
  kernel: Exclude<Kernel, { kind: "nngp" | "ntk" }>,
  x: Rows,
  y: Rows,
  out: Float32Array | Float64Array,
): Generator<void, void, void> {
  const d = x.dimension;
  for (let i = 0; i < x.count; i++) {
    for (let j = 0; j < y.count; j++) {
      let xx = 0;
      let xy = 0;
      let yy = 0;
      let apart = 0;
      for (let k = 0; k < d; k++) {
        const a = x.values[i * d + k]!;
        const b = y.values[j * d + k]!;
        xx += a * a;
        xy += a * b;
        yy += b * b;
        apart += (a - b) * (a - b);
      }
      out[i * y.count + j] = value(kernel, xx, xy, yy, apart);
    }
    yield;
  }
}

function value(
  kernel: Exclude<Kernel, { kind: "nngp" | "ntk" }>,
  xx: number,
  xy: number,
  yy: number,
  apart: number,
): number {
  switch (kernel.kind) {
    case "rbf":
      return exp(-apart / (2 * kernel.lengthScale * kernel.lengthScale));
    case "matern": {
      const t = (Math.sqrt(2 * kernel.smoothness) * Math.sqrt(apart)) / kernel.lengthScale;
      const polynomial = kernel.smoothness === 0.5 ? 1 : kernel.smoothness === 1.5 ? 1 + t : 1 + t + (t * t) / 3;
      return polynomial * exp(-t);
    }
    case "arcCosine": {
      const size = Math.sqrt(xx * yy);
      const sine = Math.sqrt(Math.max(0, xx * yy - xy * xy));
      const theta = size === 0 ? Math.PI / 2 : angle(sine, xy);
      return (kernel.degree === 0 ? Math.PI - theta : sine + (Math.PI - theta) * xy) / Math.PI;
    }
    case "erf": {
      const { weightVariance: v, biasVariance: b } = kernel;
      const c = 2 * (v * xy + b);
      const rest = Math.sqrt((1 + 2 * (v * xx + b)) * (1 + 2 * (v * yy + b)) - c * c);
      return (2 / Math.PI) * atan(c / rest);
    }
  }
}

function angle(sine: number, cosine: number): number {
  if (cosine > 0) return atan(sine / cosine);
  return cosine < 0 ? Math.PI + atan(sine / cosine) : Math.PI / 2;
}
