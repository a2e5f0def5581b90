// Singular values of a linear model, and the filters that its flow and ridge regression put on them.                  theory §10

import { SpecError } from "../engine/errors";
import { expm1 } from "../engine/math";
import { logGrid } from "./linearSearch";

/** A singular value decomposition, of the part that counts. */
export interface Spectrum {
  n: number;
  p: number;
  /** κ: 1 or 2 */
  speed: number;
  rank: number;
  /** s_j², [rank], descending */
  squares: Float64Array;
  /** v_j, a row each: [rank, p] */
  right: Float64Array;
  start: Float64Array;
}

/** Filters of the flow, 1 − e^{−κts²}: [rank] */
export function flowFiltersOf({ squares, speed }: Spectrum, time: number): Float64Array {
  if (time === Number.POSITIVE_INFINITY) return squares.map(() => 1);
  return squares.map((s2) => -expm1(-speed * time * s2));
}

/** Filters of ridge regression, s²/(s² + λ): [rank] */
export function ridgeFiltersOf({ squares }: Spectrum, penalty: number): Float64Array {
  return squares.map((s2) => s2 / (s2 + penalty));
}

/** The factor of a comparison at λ = factor/t, checked. */
export function readFactor(factor: unknown): number {
  if (typeof factor === "number" && factor > 0 && factor <= 1e100) return factor;
  throw new SpecError("factor", factor, "a positive number: λ = factor/t");
}

/** Times that the singular values see: from where 1 − e^{−κts_1²} is 1e-4 to where e^{−κts_r²} is nothing. */
export function spectrumTimes({ squares, speed, rank }: Spectrum, perDecade: number): Float64Array {
  if (rank === 0) return Float64Array.of(1);
  return logGrid(1e-4 / (speed * squares[0]!), 1e4 / (speed * squares[rank - 1]!), perDecade);
}

/** Singular values, descending, with u_j and v_j as rows, [m, n] and [m, p], m = min(n, p). */
export async function decomposition(
  A: Float64Array,
  n: number,
  p: number,
): Promise<{ values: Float64Array; left: Float64Array; right: Float64Array }> {
  const m = Math.min(n, p);
  if (A.every((a) => a === 0)) {
    return { values: new Float64Array(m), left: new Float64Array(m * n), right: new Float64Array(m * p) };
  }
  const { Matrix, SingularValueDecomposition } = await import("ml-matrix");
  const matrix = new Matrix(n, p);
  for (let i = 0; i < n; i++) for (let j = 0; j < p; j++) matrix.set(i, j, A[i * p + j]!);
  const found = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const { leftSingularVectors: U, rightSingularVectors: V } = found;
  const [left, right] = [new Float64Array(m * n), new Float64Array(m * p)];
  for (let j = 0; j < m; j++) {
    for (let i = 0; i < n; i++) left[j * n + i] = U.get(i, j);
    for (let i = 0; i < p; i++) right[j * p + i] = V.get(i, j);
  }
  return { values: Float64Array.from(found.diagonal).slice(0, m), left, right };
}
