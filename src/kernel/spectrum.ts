// Eigenvalues of a dense kernel matrix, by ml-matrix, and what of them is round-off.

import { SpecError } from "../engine/errors";
import { entryRoundOff } from "./cholesky";

/** A = Σ_i λ_i v_i v_iᵀ. */
export interface Spectrum {
  /** λ_i, descending; round-off below 0 is 0 */
  values: Float64Array;
  /** v_i, a row each: [n, n] */
  vectors: Float64Array;
  /** eigenvalues at or below this count as 0 */
  cutoff: number;
  /** those above it */
  rank: number;
}

/** Most rows: some two seconds of one core. */
export const MOST_SPECTRUM_ROWS = 700;

/**
 * All eigenvalues and eigenvectors of a positive semidefinite matrix, about 10 n³ multiplications that nothing interrupts.
 *
 * @param matrix   A, [n, n], symmetric
 * @param options  cutoff: relative to λ_max (n 2^−52, of a matrix in f32 √n 2^−23); path: of the matrix; remedy: where there are too many rows
 * @throws {SpecError} where there are more than 700 rows, or an eigenvalue is negative beyond the cut-off
 */
export async function spectrum(
  matrix: Float64Array,
  n: number,
  options: { cutoff?: number | undefined; isSingle?: boolean; path: string; remedy: string },
): Promise<Spectrum> {
  const { isSingle = false, path, remedy } = options;
  checkSpectrumRows(n, path, remedy);
  const roundOff = isSingle ? entryRoundOff(n, true) : n * Number.EPSILON;
  const { symmetricEigen } = await import("../model/symmetricEigen");
  const eigen = symmetricEigen(matrix, n);
  const values = eigen.values.reverse();
  const largest = Math.max(0, values[0]!);
  const lowest = values[n - 1]!;
  if (lowest < -8 * roundOff * largest || (largest === 0 && lowest < 0)) {
    throw new SpecError(path, `an eigenvalue ${lowest}`, "a positive semidefinite matrix, as those of kernels are");
  }
  const cutoff = largest * Math.max(roundOff, options.cutoff ?? 0);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) vectors[i * n + j] = eigen.vectors[j * n + n - 1 - i]!;
  return { values: values.map((x) => Math.max(0, x)), vectors, cutoff, rank: values.filter((x) => x > cutoff).length };
}

/** @throws {SpecError} where a matrix has too many rows for all of its eigenvalues */
export function checkSpectrumRows(n: number, path: string, remedy: string): void {
  if (n > MOST_SPECTRUM_ROWS) {
    const expected = `at most ${MOST_SPECTRUM_ROWS} rows, as all eigenvalues of more take minutes`;
    throw new SpecError(path, `${n} rows`, expected, remedy);
  }
}
