// Eigenvalues and eigenvectors of a small symmetric matrix, by ml-matrix: Householder's tridiagonal form and implicit QL.

import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Eigenvalues, ascending, with their vectors. */
export interface Eigen {
  values: Float64Array;
  /** Component i of vector k at i n + k, [n, n]: a vector a column. */
  vectors: Float64Array;
}

/**
 * The eigenvalues and orthonormal eigenvectors of a symmetric matrix; errors are some round-offs of its norm.
 *
 * @param matrix  row i from i · stride on
 * @param n       rows
 * @param stride  numbers from row to row (n)
 */
export function symmetricEigen(matrix: Float64Array, n: number, stride = n): Eigen {
  const rows = new Matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) rows.set(i, j, (matrix[i * stride + j]! + matrix[j * stride + i]!) / 2);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(rows, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[a]! - realEigenvalues[b]!);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) order.forEach((k, at) => void (vectors[i * n + at] = eigenvectorMatrix.get(i, k)));
  return { values: Float64Array.from(order, (k) => realEigenvalues[k]!), vectors };
}
