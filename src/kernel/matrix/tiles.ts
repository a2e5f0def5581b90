// What the matrices share: inputs in panels, tiles of a size that is done in a few milliseconds, and their way into the result.

import { PANEL } from "../../../assembly/layout";
import { SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import type { Memory, Precision } from "../../engine/memory";
import { readTensor, type TensorLike, toF64 } from "../../model/tensor";
import type { Rows } from "../limits";

/** Numbers of a precision. */
export type Numbers<P extends Precision = Precision> = P extends "f32" ? Float32Array : Float64Array;

/** A matrix, row-major. */
export interface Matrix<P extends Precision = Precision> {
  /** [rows, columns] */
  shape: [number, number];
  values: Numbers<P>;
}

/** How a matrix is computed. */
export interface GramOptions<P extends Precision = "f64"> {
  /** f64 unless it says f32 */
  precision?: P;
  /** build of the kernels: simd where it runs, else js; relaxed by name */
  backend?: Backend;
  /** stops it between two pieces of some 10 ms */
  signal?: AbortSignal;
  /** array of the precision that the values are written to; a new one unless it is given */
  out?: Numbers<P>;
}

/** Largest number of an input. */
const LARGEST = 1e100;

/** Most bytes of a matrix, and of its inputs. */
export const MOST_BYTES = 2147483648;

/** Numbers of a panel's row. */
export const lanesOf = (precision: Precision): number => PANEL / bytesOf(precision);

/** Bytes of a number. */
export const bytesOf = (precision: Precision): number => (precision === "f32" ? 4 : 8);

/** n rounded up to a multiple. */
export const whole = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/**
 * Inputs as rows.
 *
 * @param value      [n, d]
 * @param path       where they stand
 * @param dimension  what d has to be
 * @throws {SpecError} where they are no such array of finite numbers
 */
export function readRows(value: TensorLike, path: string, dimension?: number): Rows {
  const { shape, data } = toF64(readTensor(value, path, { finite: false }));
  for (let i = 0; i < data.length; i++) {
    // once more, for the error
    if (!(Math.abs(data[i]!) <= LARGEST)) readTensor(value, path, { largest: LARGEST });
  }
  if (shape.length !== 2 || (dimension !== undefined && shape[1] !== dimension)) {
    const expected = `inputs of shape [n, ${dimension ?? "d"}]`;
    throw new SpecError(path, shape, expected, "Inputs in one dimension are [n, 1].");
  }
  return { values: data, count: shape[0]!, dimension: shape[1]! };
}

/**
 * Checks that the inputs of a matrix fit in memory.
 *
 * @throws {SpecError} where they do not
 */
export function checkInputs(sides: readonly Rows[]): void {
  const numbers = sides.reduce((sum, { count, dimension }) => sum + count * (dimension + 1), 0);
  if (numbers * 16 <= MOST_BYTES) return;
  throw new SpecError("x", numbers, `at most ${MOST_BYTES / 16} numbers of inputs`, "Take fewer inputs at a time.");
}

/**
 * The array for a matrix: the caller's, if it fits, or a new one.
 *
 * @throws {SpecError} where it does not fit, or the matrix is too large
 */
export function room<P extends Precision>(rows: number, columns: number, options: GramOptions<P>): Numbers<P> {
  const { precision = "f64", out } = options;
  if (precision !== "f32" && precision !== "f64") throw new SpecError("options.precision", precision, '"f32" or "f64"');
  const kind = precision === "f32" ? Float32Array : Float64Array;
  const bytes = rows * columns * kind.BYTES_PER_ELEMENT;
  if (bytes > MOST_BYTES) {
    const remedy = "Take fewer inputs, precision f32, or one block of rows after another: gram(kernel, someRows, x).";
    throw new SpecError("x", `${rows} × ${columns}`, "a matrix of at most 2 GiB", remedy);
  }
  if (out === undefined) return new kind(rows * columns) as Numbers<P>;
  if (!(out instanceof kind) || out.length !== rows * columns) {
    throw new SpecError("options.out", out, `a ${kind.name} of ${rows * columns} numbers`);
  }
  return out;
}

/**
 * Side of a square tile of pairs.
 *
 * @param most   largest, a multiple of 8
 * @param count  inputs
 * @param cost   of a pair, in multiply-adds
 */
export function tileSide(most: number, count: number, cost: number): number {
  // some 5 ms of plain JavaScript at most, and tiles of about one size
  const side = Math.min(most, Math.max(8, Math.floor(Math.sqrt(5e6 / cost) / 8) * 8));
  // whole lines of the cache where they are long enough: copies to a place in the middle of one take four times as long
  return whole(Math.ceil(count / Math.ceil(count / side)), side < 64 ? 8 : 32);
}

/**
 * Rows in panels of kernel memory, with zeros beyond the last.
 *
 * @param rows     `depth` numbers a row: an array, or the address of one in f64
 * @param ones     whether a coordinate that is 1 follows them
 */
export function writePanels(
  memory: Memory,
  precision: Precision,
  rows: Float64Array | number,
  count: number,
  depth: number,
  ones = false,
): number {
  const lanes = lanesOf(precision);
  const all = ones ? depth + 1 : depth;
  const panels = memory.reserve(precision, whole(count, lanes) * all);
  const view = memory.view(precision, panels, whole(count, lanes) * all);
  const values = typeof rows === "number" ? memory.f64(rows, count * depth) : rows;
  for (let i = 0; i < count; i++) {
    let at = Math.floor(i / lanes) * all * lanes + (i % lanes);
    for (let k = i * depth; k < (i + 1) * depth; k++, at += lanes) view[at] = values[k]!;
    if (ones) view[at] = 1;
  }
  return panels;
}

/**
 * Views of the rows of tiles, by the memory they stand in and then by place and length. Thousands of them a matrix are what the garbage
 * collector would notice, and the next matrix has its tiles in the same place.
 */
const rowViews = new WeakMap<ArrayBufferLike, Map<string, Numbers[]>>();

/** Tiles whose views are kept. */
const KEPT = 16;

function viewsOf(buffer: ArrayBufferLike, name: string): Numbers[] {
  let kept = rowViews.get(buffer);
  if (!kept) rowViews.set(buffer, (kept = new Map()));
  let views = kept.get(name);
  if (!views) {
    if (kept.size >= KEPT) kept.clear();
    kept.set(name, (views = []));
  }
  return views;
}

/** A tile of kernel memory that is copied to its place in a matrix again and again. */
export class Tile {
  /** @param stride  numbers from a row to the next */
  constructor(
    readonly memory: Memory,
    readonly precision: Precision,
    readonly address: number,
    readonly stride: number,
  ) {}

  /**
   * Copies rows to a matrix of `width` columns.
   *
   * @param at  where the first number goes
   */
  place(rows: number, columns: number, out: Numbers, at: number, width: number): void {
    const { precision, address, stride } = this;
    const view = this.memory.view(precision, address, rows * stride);
    const views = viewsOf(view.buffer, `${precision} ${address} ${stride} ${columns}`);
    for (let r = 0; r < rows; r++) {
      const row = (views[r] ??= view.subarray(r * stride, r * stride + columns));
      out.set(row, at + r * width);
    }
  }

  /** Copies the part of the tile from a row and a column on. */
  placeBlock(
    row: number,
    rows: number,
    column: number,
    columns: number,
    out: Numbers,
    at: number,
    width: number,
  ): void {
    const view = this.memory.view(this.precision, this.address, (row + rows) * this.stride);
    for (let r = 0; r < rows; r++) {
      const from = (row + r) * this.stride + column;
      for (let c = 0; c < columns; c++) out[at + r * width + c] = view[from + c]!;
    }
  }
}
