// Symmetric operators: what the algorithms of this room ask of a Hessian, or of any matrix, is a product with it.

import { SpecError } from "../engine/errors";

/** A symmetric operator on R^p. */
export interface Operator {
  /** p */
  readonly size: number;
  /**
   * Writes its product with v.
   *
   * @param v    p numbers; they are left as they are
   * @param out  p numbers, written over; never v
   */
  apply(v: Float64Array, out: Float64Array): void;
}

/**
 * An operator, checked as far as that costs nothing.
 *
 * @throws {SpecError} where it has no size or no product
 */
export function checkOperator(operator: Operator, path = "operator"): Operator {
  if (typeof operator !== "object" || operator === null || typeof operator.apply !== "function") {
    const remedy = "landscapeOf(problem, measure) has one, hessian; matrixOperator(values) makes one of a matrix.";
    throw new SpecError(path, operator, "an operator { size, apply(v, out) }", remedy);
  }
  const { size } = operator;
  if (!Number.isSafeInteger(size) || size < 1) throw new SpecError(`${path}.size`, size, "a positive integer");
  return operator;
}

/**
 * The product with v, checked to be numbers.
 *
 * @throws {SpecError} where one is not finite
 */
export function product(operator: Operator, v: Float64Array, out: Float64Array): void {
  operator.apply(v, out);
  const bad = out.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new SpecError(`operator.apply(v)[${bad}]`, out[bad], "a finite number");
}

/**
 * A symmetric matrix as an operator.
 *
 * @param values  [p, p], row-major
 * @throws {SpecError} where they are no square, not finite or not symmetric: (i, j) and (j, i) may differ by round-off, 10⁻¹² of the
 *                     largest entry
 */
export function matrixOperator(values: ArrayLike<number>): Operator {
  const n = Math.round(Math.sqrt(values?.length ?? 0));
  if (n < 1 || n * n !== values.length) {
    throw new SpecError("values", values?.length ?? values, "p² numbers, a square matrix row by row");
  }
  const rows = Float64Array.from(values);
  let largest = 0;
  for (let i = 0; i < rows.length; i++) {
    if (!Number.isFinite(rows[i]!)) throw new SpecError(`values[${i}]`, rows[i], "a finite number");
    largest = Math.max(largest, Math.abs(rows[i]!));
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [rows[i * n + j]!, rows[j * n + i]!];
      if (Math.abs(a - b) <= 1e-12 * largest) continue;
      throw new SpecError(`values[${i * n + j}]`, a, `${b}, as at (${j}, ${i}): the matrix is to be symmetric`);
    }
  }
  return {
    size: n,
    apply(v, out) {
      for (let i = 0, at = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++, at++) sum += rows[at]! * v[j]!;
        out[i] = sum;
      }
    },
  };
}
