// The two factorisations that data laws need; matrices are row-major.

/**
 * An orthogonal matrix of Haar's law from independent normals: Q of their QR factorisation with R_kk > 0.
 *
 * @param normals    [d, d] independent standard normals
 * @param dimension  d
 * @see Stewart, SIAM J. Numer. Anal. 17 (1980), 403–409; Mezzadri, Notices AMS 54 (2007), 592–604
 */
export function haarOrthogonal(normals: Float64Array, dimension: number): Float64Array {
  const d = dimension;
  // Row j holds column j of the matrix that is reflected; from entry k on, row k is then the unit vector v_k of
  // H_k = I − 2 v_k v_kᵀ.
  const columns = transpose(normals, d);
  const signs = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    const column = columns.subarray(k * d + k, (k + 1) * d);
    const length = Math.sqrt(dot(column, column));
    const r = column[0]! > 0 ? -length : length;
    signs[k] = r < 0 ? -1 : 1;
    column[0]! -= r;
    scale(column, 1 / Math.sqrt(dot(column, column)));
    for (let j = k + 1; j < d; j++) reflect(columns.subarray(j * d + k, (j + 1) * d), column);
  }
  // Column j of Q = H_0 H_1 … is sign_j H_0 … H_j e_j: the later reflections leave e_j alone.
  const q = new Float64Array(d * d);
  for (let j = 0; j < d; j++) {
    q[j * d + j] = signs[j]!;
    for (let k = j; k >= 0; k--) {
      reflect(q.subarray(j * d + k, (j + 1) * d), columns.subarray(k * d + k, (k + 1) * d));
    }
  }
  return transpose(q, d);
}

/**
 * A factor F with F Fᵀ = A for a symmetric positive semidefinite A, by Cholesky's method with diagonal pivoting, or null
 * when A has a negative direction beyond round-off, 8 d 2^−52 of its largest diagonal entry.
 *
 * @param matrix     A, [d, d], symmetric
 * @param dimension  d
 * @see Higham, Accuracy and Stability of Numerical Algorithms, section 10.3
 */
export function semidefiniteFactor(matrix: Float64Array, dimension: number): Float64Array | null {
  const d = dimension;
  const rest = matrix.slice();
  const factor = new Float64Array(d * d);
  const done = new Uint8Array(d);
  let largest = 0;
  for (let i = 0; i < d; i++) largest = Math.max(largest, rest[i * d + i]!);
  const tolerance = 8 * d * Number.EPSILON * largest;
  for (let k = 0; k < d; k++) {
    let pivot = -1;
    for (let i = 0; i < d; i++) {
      if (done[i] === 0 && (pivot < 0 || rest[i * d + i]! > rest[pivot * d + pivot]!)) pivot = i;
    }
    const square = rest[pivot * d + pivot]!;
    if (square <= tolerance) return isNegligible(rest, done, d, tolerance) ? factor : null;
    done[pivot] = 1;
    const root = Math.sqrt(square);
    factor[pivot * d + k] = root;
    for (let i = 0; i < d; i++) if (done[i] === 0) factor[i * d + k] = rest[i * d + pivot]! / root;
    for (let i = 0; i < d; i++) {
      if (done[i] !== 0) continue;
      const f = factor[i * d + k]!;
      for (let j = 0; j < d; j++) if (done[j] === 0) rest[i * d + j]! -= f * factor[j * d + k]!;
    }
  }
  return factor;
}

// What is left of a semidefinite matrix has |A_ij| ≤ √(A_ii A_jj), so all of it is as small as its diagonal.
function isNegligible(rest: Float64Array, done: Uint8Array, d: number, tolerance: number): boolean {
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      if (done[i] === 0 && done[j] === 0 && Math.abs(rest[i * d + j]!) > tolerance) return false;
    }
  }
  return true;
}

function transpose(matrix: Float64Array, d: number): Float64Array {
  const result = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) result[j * d + i] = matrix[i * d + j]!;
  return result;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

function scale(x: Float64Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i]! *= factor;
}

function reflect(x: Float64Array, v: Float64Array): void {
  const twice = 2 * dot(x, v);
  for (let i = 0; i < x.length; i++) x[i]! -= twice * v[i]!;
}
