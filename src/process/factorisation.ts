// Covariances of gradient noise, formed and factorised.                                                        theory §8
//
//   A = H Hᵀ,   H = (√m_q G_q) a row a parameter, a column an atom;   A = LᵀL by pivoted Cholesky, or A^{1/2} = V √Λ Vᵀ
//
// A has rank at most Q − 1, as Σ_q m_q G_q = 0, so Cholesky's method needs pivots as soon as there are as many parameters as atoms.

import type { Matrix } from "ml-matrix";

/**
 * H Hᵀ, in f64, both halves.
 *
 * @param rows  H, [n, columns]
 * @param out   [n, n]
 */
export function rowProducts(rows: Float64Array, n: number, columns: number, out: Float64Array): void {
  // a panel of BAND rows stays in cache while all rows below it go by, four of them against two of it
  for (let band = 0; band < n; band += BAND) {
    const end = Math.min(n, band + BAND);
    for (let i = band; i < n; i += 4) {
      for (let j = band; j < end && j < i + 4; j += 2) {
        if (i + 4 <= n && j + 2 <= end) eightProducts(rows, n, columns, i, j, out);
        else someProducts(rows, n, columns, i, Math.min(i + 4, n), j, Math.min(j + 2, end), out);
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!;
}

const BAND = 32;

function eightProducts(rows: Float64Array, n: number, columns: number, i: number, j: number, out: Float64Array): void {
  let a0 = 0;
  let a1 = 0;
  let b0 = 0;
  let b1 = 0;
  let c0 = 0;
  let c1 = 0;
  let d0 = 0;
  let d1 = 0;
  const i0 = i * columns;
  const i1 = i0 + columns;
  const i2 = i1 + columns;
  const i3 = i2 + columns;
  const j0 = j * columns;
  const j1 = j0 + columns;
  for (let q = 0; q < columns; q++) {
    const x = rows[j0 + q]!;
    const y = rows[j1 + q]!;
    const a = rows[i0 + q]!;
    const b = rows[i1 + q]!;
    const c = rows[i2 + q]!;
    const d = rows[i3 + q]!;
    a0 += a * x;
    a1 += a * y;
    b0 += b * x;
    b1 += b * y;
    c0 += c * x;
    c1 += c * y;
    d0 += d * x;
    d1 += d * y;
  }
  const at = i * n + j;
  out[at] = a0;
  out[at + 1] = a1;
  out[at + n] = b0;
  out[at + n + 1] = b1;
  out[at + 2 * n] = c0;
  out[at + 2 * n + 1] = c1;
  out[at + 3 * n] = d0;
  out[at + 3 * n + 1] = d1;
}

function someProducts(
  rows: Float64Array,
  n: number,
  columns: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  out: Float64Array,
): void {
  for (let i = i0; i < i1; i++) {
    for (let j = j0; j < j1; j++) {
      let sum = 0;
      for (let q = 0; q < columns; q++) sum += rows[i * columns + q]! * rows[j * columns + q]!;
      out[i * n + j] = sum;
    }
  }
}

/** A factor of a covariance, and what it had to leave out to be one. */
export interface CovarianceFactor {
  /** Number of pivots, or of eigenvalues, above the tolerance. */
  rank: number;
  /** Sum of what is left out: the diagonal that is left, or the eigenvalues below the tolerance; of both signs, in magnitude. */
  left: number;
  /** The most negative entry among them, 0 where there is none: how far A is from a covariance. */
  negative: number;
  /** Adds scale · F ζ to `out`, [n], with F Fᵀ = A; ζ has n numbers, of which Cholesky's factor reads `rank`. */
  multiply(zeta: Float64Array, scale: number, out: Float64Array): void;
}

/** Of the largest diagonal entry, times n: what a pivot may be by round-off. */
const TOLERANCE = 8 * Number.EPSILON;

/**
 * A = LᵀL by Cholesky's method with diagonal pivoting, row by row of L: n r² multiplications for rank r once A is formed, where
 * `semidefiniteFactor` (src/model/matrices.ts) keeps all of what is left, n³, to see whether a user's small matrix is semidefinite.
 *
 * @param matrix     A, [n, n], symmetric; it is left as it is
 * @param n          rows
 * @param tolerance  pivots at or below this are left out (8 n 2^−52 of the largest diagonal entry)
 * @see Higham, Accuracy and Stability of Numerical Algorithms, section 10.3
 */
export function pivotedCholesky(matrix: Float64Array, n: number, tolerance?: number): CovarianceFactor {
  const diagonal = new Float64Array(n);
  let largest = 0;
  for (let i = 0; i < n; i++) {
    diagonal[i] = matrix[i * n + i]!;
    largest = Math.max(largest, diagonal[i]!);
  }
  const threshold = tolerance ?? TOLERANCE * n * largest;
  const done = new Uint8Array(n);
  const lines: Float64Array[] = [];
  while (lines.length < n) {
    let pivot = -1;
    for (let i = 0; i < n; i++) {
      if (done[i] === 0 && (pivot < 0 || diagonal[i]! > diagonal[pivot]!)) pivot = i;
    }
    if (!(diagonal[pivot]! > threshold)) break;
    const line = matrix.slice(pivot * n, (pivot + 1) * n);
    let k = 0;
    for (; k + 4 <= lines.length; k += 4) {
      const [l0, l1, l2, l3] = [lines[k]!, lines[k + 1]!, lines[k + 2]!, lines[k + 3]!];
      const [f0, f1, f2, f3] = [l0[pivot]!, l1[pivot]!, l2[pivot]!, l3[pivot]!];
      for (let i = 0; i < n; i++) line[i]! -= f0 * l0[i]! + f1 * l1[i]! + f2 * l2[i]! + f3 * l3[i]!;
    }
    for (; k < lines.length; k++) {
      const other = lines[k]!;
      const factor = other[pivot]!;
      for (let i = 0; i < n; i++) line[i]! -= factor * other[i]!;
    }
    const root = Math.sqrt(diagonal[pivot]!);
    for (let i = 0; i < n; i++) {
      // 0 but for round-off
      if (done[i] !== 0) {
        line[i] = 0;
        continue;
      }
      line[i]! /= root;
      diagonal[i]! -= line[i]! * line[i]!;
    }
    line[pivot] = root;
    done[pivot] = 1;
    lines.push(line);
  }
  let left = 0;
  let negative = 0;
  for (let i = 0; i < n; i++) {
    if (done[i] !== 0) continue;
    left += Math.abs(diagonal[i]!);
    negative = Math.min(negative, diagonal[i]!);
  }
  return {
    rank: lines.length,
    left,
    negative,
    multiply(zeta, scale, out) {
      for (const [k, line] of lines.entries()) {
        const factor = scale * zeta[k]!;
        for (let i = 0; i < n; i++) out[i]! += factor * line[i]!;
      }
    },
  };
}

/** Finds A^{1/2}; see `eigenFactor`. */
export type EigenFactor = (matrix: Float64Array, n: number) => CovarianceFactor;

/** A^{1/2} = V √Λ Vᵀ by the eigenvalues of A, about 10 n³ multiplications; negative ones count as 0. Loads ml-matrix. */
export async function eigenFactor(): Promise<EigenFactor> {
  const { EigenvalueDecomposition, Matrix } = await import("ml-matrix");
  return (matrix, n) => {
    const rows = new Matrix(n, n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) rows.set(i, j, matrix[i * n + j]!);
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(rows, { assumeSymmetric: true });
    const threshold = TOLERANCE * n * Math.max(0, ...realEigenvalues);
    let rank = 0;
    let left = 0;
    let negative = 0;
    for (const value of realEigenvalues) {
      if (value > threshold) rank++;
      else left += Math.abs(value);
      negative = Math.min(negative, value);
    }
    const roots = realEigenvalues.map((value) => (value > threshold ? Math.sqrt(value) : 0));
    return { rank, left, negative, multiply: (zeta, scale, out) => rotate(eigenvectorMatrix, roots, zeta, scale, out) };
  };
}

// out += scale · V diag(roots) Vᵀ ζ
function rotate(v: Matrix, roots: number[], zeta: Float64Array, scale: number, out: Float64Array): void {
  const n = out.length;
  const along = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) along[k]! += v.get(i, k) * zeta[i]!;
  for (let k = 0; k < n; k++) along[k]! *= scale * roots[k]!;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += v.get(i, k) * along[k]!;
    out[i]! += sum;
  }
}
