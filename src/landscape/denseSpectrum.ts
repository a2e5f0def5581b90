// All eigenvalues of a small operator, from its matrix.

import { SpecError } from "../engine/errors";
import type { Work } from "../measure/cells";
import { symmetricEigen } from "../model/symmetricEigen";
import { checkOperator, type Operator, product } from "./operator";

/** Most rows that the linear-algebra library's eigenvalues take a few seconds for. */
export const MOST_DENSE = 1024;

/** Eigenvalues, descending. */
export interface DenseSpectrum {
  values: Float64Array;
  /** [p, p], a row a vector, where they were asked for */
  vectors: Float64Array | null;
}

/**
 * An operator's matrix, [p, p], made symmetric.
 *
 * @throws {SpecError} where it is larger than `MOST_DENSE`, naming what else there is
 */
export function* denseMatrix(operator: Operator, remedy: string): Work<Float64Array> {
  const p = checkOperator(operator).size;
  if (p > MOST_DENSE) {
    throw new SpecError("operator.size", p, `at most ${MOST_DENSE}, as eigenvalues of a matrix take p³ steps`, remedy);
  }
  const matrix = new Float64Array(p * p);
  const e = new Float64Array(p);
  for (let i = 0; i < p; i++) {
    e[i] = 1;
    const row = matrix.subarray(i * p, (i + 1) * p);
    product(operator, e, row);
    e[i] = 0;
    yield undefined;
  }
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < i; j++) matrix[i * p + j] = matrix[j * p + i] = (matrix[i * p + j]! + matrix[j * p + i]!) / 2;
  }
  return matrix;
}

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* denseSpectrum(operator: Operator, options: { vectors?: boolean } = {}): Work<DenseSpectrum> {
  const remedy = "lanczos has the ends of the spectrum, spectralDensity the whole of it.";
  const matrix = yield* denseMatrix(operator, remedy);
  const p = operator.size;
  const { values, vectors } = symmetricEigen(matrix, p);
  const rows = options.vectors ? new Float64Array(p * p) : null;
  if (rows) for (let k = 0; k < p; k++) for (let i = 0; i < p; i++) rows[k * p + i] = vectors[i * p + p - 1 - k]!;
  return { values: values.reverse(), vectors: rows };
}
