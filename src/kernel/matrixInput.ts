// Matrices and labels as a user gives them, checked.

import { SpecError } from "../engine/errors";
import { readTensor, type Tensor, type TensorLike, toF64 } from "../model/tensor";
import type { Matrix } from "./gram";

/** A matrix of kernel values: that of `gram` or `tangentGram`, a tensor, or lists. */
export type KernelMatrix = Matrix<"f32" | "f64"> | TensorLike;

/** A matrix in f64, a copy. */
export interface Entries {
  values: Float64Array;
  rows: number;
  columns: number;
  /** Whether it was in f32, so that its entries are known to seven digits. */
  isSingle: boolean;
}

/** Whether a value is a matrix of `gram`. */
function isGram(value: unknown): value is Matrix {
  return typeof value === "object" && value !== null && "values" in value && "shape" in value;
}

/**
 * A matrix of finite numbers.
 *
 * @throws {SpecError} where it is none, with the path of what is wrong
 */
export function readMatrix(value: KernelMatrix, path: string): Entries {
  const read = isGram(value)
    ? readTensor(
        { dtype: value.values instanceof Float32Array ? "f32" : "f64", shape: value.shape, data: value.values },
        path,
      )
    : readTensor(value, path);
  if (read.shape.length !== 2) {
    throw new SpecError(path, read.shape, "a matrix: rows of numbers, or the result of gram or tangentGram");
  }
  const [rows, columns] = read.shape as [number, number];
  return { values: Float64Array.from(read.data), rows, columns, isSingle: read.dtype === "f32" };
}

/**
 * Checks that a square matrix is symmetric, with no negative diagonal entry.
 *
 * @throws {SpecError} with the place where it is not
 */
export function checkSymmetric({ values, rows, isSingle }: Entries, path: string): void {
  const tolerance = isSingle ? 1e-5 : 1e-10;
  for (let i = 0; i < rows; i++) {
    const own = values[i * rows + i]!;
    if (own < 0) throw new SpecError(`${path}[${i}][${i}]`, own, "a number that is not negative, as kernels have");
    for (let j = 0; j < i; j++) {
      const [a, b] = [values[i * rows + j]!, values[j * rows + i]!];
      const size = Math.sqrt(own * values[j * rows + j]!) + Math.abs(a) + Math.abs(b);
      if (Math.abs(a - b) > tolerance * size) {
        throw new SpecError(`${path}[${i}][${j}]`, a, `${b}, the entry on the other side of the diagonal`);
      }
    }
  }
}

/**
 * Labels: [n], or [n, K].
 *
 * @param shape  what they have to be, if that is known
 * @throws {SpecError} where they are not finite or of another shape
 */
export function readLabels(value: TensorLike, path: string, shape?: readonly number[]): Tensor<"f64"> {
  const read = toF64(readTensor(value, path, { largest: 1e100 }));
  const fits = shape
    ? read.shape.length === shape.length && read.shape.every((n, axis) => n === shape[axis])
    : read.shape.length <= 2;
  if (!fits) {
    throw new SpecError(path, read.shape, shape ? `shape [${shape.join(", ")}]` : "shape [n], or [n, K] for K outputs");
  }
  return read;
}
