// A linear complementarity problem over positive semidefinite matrices, of the few eigenvectors at the edge of stability.
//
//   X ⪰ 0,   S = 𝓑X − Q ⪰ 0,   ⟨X, S⟩ = 0        the minimum of ½⟨X, 𝓑X⟩ − ⟨Q, X⟩ over X ⪰ 0, 𝓑 symmetric and positive
//
// One number has a closed form. Beyond, projected gradients with Nesterov's momentum, restarted where it leads uphill; a scaling
// X_ij = Z_ij / (d_i d_j) that makes the diagonal of 𝓑 one keeps them few.

import { symmetricEigen } from "../../model/symmetricEigen";

/** Iterations at most; some tens are usual. */
const MOST_ITERATIONS = 4000;

/** Change of X in an iteration, of its size, at which it stands. */
const TOLERANCE = 1e-11;

/**
 * The X of the problem.
 *
 * @param B  𝓑, [k, k, k, k]: (𝓑X)_ij = Σ_lm B_ijlm X_lm, with B_ijij > 0
 * @param Q  [k, k], symmetric
 * @param k  number of eigenvectors
 * @returns X, [k, k]
 */
export function complementary(B: Float64Array, Q: Float64Array, k: number): Float64Array {
  if (k === 1) return Float64Array.of(Math.max(0, Q[0]! / B[0]!));
  const n = k * k;
  const d = Float64Array.from({ length: k }, (_, i) => Math.sqrt(Math.sqrt(B[(i * k + i) * (n + 1)]!)));
  const pair = Float64Array.from({ length: n }, (_, a) => d[Math.floor(a / k)]! * d[a % k]!);
  const operator = Float64Array.from({ length: n * n }, (_, at) => {
    return B[at]! / (pair[Math.floor(at / n)]! * pair[at % n]!);
  });
  const q = Q.map((value, a) => value / pair[a]!);
  const { values } = symmetricEigen(operator, n);
  const step = 1 / values[n - 1]!;

  let x: Float64Array = new Float64Array(n);
  let y = x;
  let momentum = 1;
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const moved = new Float64Array(n);
    for (let a = 0; a < n; a++) {
      let slope = -q[a]!;
      for (let b = 0; b < n; b++) slope += operator[a * n + b]! * y[b]!;
      moved[a] = y[a]! - step * slope;
    }
    const next = positivePart(moved, k);
    let change = 0;
    let size = 0;
    let uphill = 0;
    for (let a = 0; a < n; a++) {
      const by = next[a]! - x[a]!;
      change = Math.max(change, Math.abs(by));
      size = Math.max(size, Math.abs(next[a]!));
      uphill += (y[a]! - next[a]!) * by;
    }
    const grown = uphill > 0 ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const share = uphill > 0 ? 0 : (momentum - 1) / grown;
    const from = x;
    y = next.map((value, a) => value + share * (value - from[a]!));
    x = next;
    momentum = grown;
    if (change <= TOLERANCE * size || size === 0) break;
  }
  return x.map((value, a) => value / pair[a]!);
}

// The nearest positive semidefinite matrix.
function positivePart(matrix: Float64Array, k: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, k);
  const out = new Float64Array(k * k);
  for (let v = 0; v < k; v++) {
    if (!(values[v]! > 0)) continue;
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) out[i * k + j]! += values[v]! * vectors[i * k + v]! * vectors[j * k + v]!;
    }
  }
  return out;
}
