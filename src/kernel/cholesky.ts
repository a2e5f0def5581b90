// Cholesky's factorisation A + λI = L Lᵀ of a dense symmetric matrix, by panels of columns, and what follows from L: solutions, blocks of
// the inverse, and the condition number by Lanczos' method.
//
// A stays in the upper triangle and L is written below it, so that a matrix of n² numbers holds both.

import { dot, normalise, orthogonalise } from "../model/vectors";

/** A factorised matrix. */
export interface Cholesky {
  /** rows n */
  size: number;
  /** λ */
  jitter: number;
  /** (A + λI) x, written to `out`; x and out are [n] */
  multiply(x: Float64Array, out: Float64Array): void;
  /** Solves (A + λI) x = b in place, [n]. */
  solve(b: Float64Array): void;
  /** The blocks of (A + λI)⁻¹ for rows 0 … width − 1, width … 2 width − 1, …: [n/width, width, width]. */
  inverseBlocks(width: number): Generator<void, Float64Array, void>;
}

/** Columns of a panel. */
const PANEL = 64;

/** Numbers of a row that are summed at a time: a panel of them stays in cache while all rows go by. */
const CHUNK = 512;

/**
 * The factorisation, n³/6 multiplications.
 *
 * @param values   A, [n, n], row-major and symmetric; its lower triangle is overwritten
 * @param n        rows
 * @param jitter   λ
 * @param options  onFraction: is told how much of the work is done, from 0 to 1; roundOff: of a pivot, relative to the largest diagonal
 *                 entry (8 n 2^−52)
 * @returns null where a pivot is no larger than its round-off: A + λI is numerically singular
 */
export function* cholesky(
  values: Float64Array,
  n: number,
  jitter: number,
  {
    onFraction,
    roundOff = entryRoundOff(n, false),
  }: { onFraction?: (fraction: number) => void; roundOff?: number } = {},
): Generator<void, Cholesky | null, void> {
  const diagonal = new Float64Array(n);
  let largest = 0;
  for (let i = 0; i < n; i++) {
    diagonal[i] = values[i * n + i]! + jitter;
    largest = Math.max(largest, diagonal[i]!);
    for (let j = 0; j < i; j++) values[i * n + j] = values[j * n + i]!;
  }
  const least = roundOff * largest;
  // 1/L_jj, as the diagonal keeps A
  const inverse = new Float64Array(n);
  const panel = new Float64Array(PANEL);
  for (let from = 0; from < n; from += PANEL) {
    const to = Math.min(n, from + PANEL);
    for (let first = 0; first < from; first += CHUNK) {
      const last = Math.min(from, first + CHUNK);
      for (let i = from; i < n; i += 4) {
        subtractProducts(values, n, i, Math.min(n, i + 4), from, to, first, last, diagonal);
        if ((i - from) % 64 === 0) yield;
      }
    }
    for (let j = from; j < to; j++) {
      for (let k = from; k < j; k++) panel[k - from] = values[j * n + k]!;
      let pivot = diagonal[j]!;
      for (let k = 0; k < j - from; k++) pivot -= panel[k]! * panel[k]!;
      if (!(pivot > least)) return null;
      inverse[j] = 1 / Math.sqrt(pivot);
      for (let i = j + 1; i < n; i++) {
        let sum = values[i * n + j]!;
        const row = i * n + from;
        for (let k = 0; k < j - from; k++) sum -= values[row + k]! * panel[k]!;
        values[i * n + j] = sum * inverse[j]!;
      }
      if (j % 8 === 0) yield;
    }
    const left = (n - to) / n;
    onFraction?.(1 - left * left * left);
  }
  return {
    size: n,
    jitter,
    multiply(x, out) {
      for (let i = 0; i < n; i++) out[i] = (values[i * n + i]! + jitter) * x[i]!;
      for (let i = 0; i < n; i++) {
        let sum = 0;
        const xi = x[i]!;
        const row = i * n;
        for (let j = i + 1; j < n; j++) {
          sum += values[row + j]! * x[j]!;
          out[j]! += values[row + j]! * xi;
        }
        out[i]! += sum;
      }
    },
    solve(b) {
      for (let i = 0; i < n; i++) {
        let sum = b[i]!;
        const row = i * n;
        for (let k = 0; k < i; k++) sum -= values[row + k]! * b[k]!;
        b[i] = sum * inverse[i]!;
      }
      for (let i = n - 1; i >= 0; i--) {
        const x = b[i]! * inverse[i]!;
        b[i] = x;
        const row = i * n;
        for (let k = 0; k < i; k++) b[k]! -= values[row + k]! * x;
      }
    },
    inverseBlocks: (width) => inverseBlocks(values, n, inverse, width),
  };
}

/** A_ij −= Σ_{first ≤ k < last} L_ik L_jk for up to four rows i and the columns j < to of a panel; of A_ii in `diagonal`. */
function subtractProducts(
  values: Float64Array,
  n: number,
  i: number,
  end: number,
  from: number,
  to: number,
  first: number,
  last: number,
  diagonal: Float64Array,
): void {
  let j = from;
  // whole tiles below the diagonal
  if (end === i + 4 && i >= to) {
    const [a, b, c, d] = [i * n, i * n + n, i * n + 2 * n, i * n + 3 * n];
    for (; j + 2 <= to; j += 2) {
      const [p, q] = [j * n, j * n + n];
      let a0 = 0;
      let a1 = 0;
      let b0 = 0;
      let b1 = 0;
      let c0 = 0;
      let c1 = 0;
      let d0 = 0;
      let d1 = 0;
      for (let k = first; k < last; k++) {
        const x = values[p + k]!;
        const y = values[q + k]!;
        const va = values[a + k]!;
        const vb = values[b + k]!;
        const vc = values[c + k]!;
        const vd = values[d + k]!;
        a0 += va * x;
        a1 += va * y;
        b0 += vb * x;
        b1 += vb * y;
        c0 += vc * x;
        c1 += vc * y;
        d0 += vd * x;
        d1 += vd * y;
      }
      values[a + j]! -= a0;
      values[a + j + 1]! -= a1;
      values[b + j]! -= b0;
      values[b + j + 1]! -= b1;
      values[c + j]! -= c0;
      values[c + j + 1]! -= c1;
      values[d + j]! -= d0;
      values[d + j + 1]! -= d1;
    }
  }
  for (let row = i; row < end; row++) {
    for (let column = j; column < to && column <= row; column++) {
      let sum = 0;
      for (let k = first; k < last; k++) sum += values[row * n + k]! * values[column * n + k]!;
      if (row === column) diagonal[row]! -= sum;
      else values[row * n + column]! -= sum;
    }
  }
}

/** Of L⁻¹ row by row, with (A⁻¹)_ij = Σ_k (L⁻¹)_ki (L⁻¹)_kj. */
function* inverseBlocks(
  values: Float64Array,
  n: number,
  inverse: Float64Array,
  width: number,
): Generator<void, Float64Array, void> {
  const blocks = new Float64Array(n * width);
  const rows: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(i + 1);
    const at = i * n;
    let k = 0;
    for (; k + 4 <= i; k += 4) {
      const [r0, r1, r2, r3] = [rows[k]!, rows[k + 1]!, rows[k + 2]!, rows[k + 3]!];
      const [l0, l1, l2, l3] = [values[at + k]!, values[at + k + 1]!, values[at + k + 2]!, values[at + k + 3]!];
      for (let j = 0; j <= k; j++) row[j]! -= l0 * r0[j]! + l1 * r1[j]! + l2 * r2[j]! + l3 * r3[j]!;
      row[k + 1]! -= l1 * r1[k + 1]! + l2 * r2[k + 1]! + l3 * r3[k + 1]!;
      row[k + 2]! -= l2 * r2[k + 2]! + l3 * r3[k + 2]!;
      row[k + 3]! -= l3 * r3[k + 3]!;
    }
    for (; k < i; k++) {
      const other = rows[k]!;
      const l = values[at + k]!;
      for (let j = 0; j <= k; j++) row[j]! -= l * other[j]!;
    }
    row[i] = 1;
    for (let j = 0; j <= i; j++) row[j]! *= inverse[i]!;
    rows.push(row);
    for (let q = 0; q <= i; q += width) {
      const end = Math.min(width, i + 1 - q);
      for (let a = 0; a < end; a++) {
        for (let b = 0; b < end; b++) blocks[(q + a) * width + b]! += row[q + a]! * row[q + b]!;
      }
    }
    if (i % 4 === 0) yield;
  }
  return blocks;
}

/** 2^−23, the spacing of f32 at 1. */
export const SINGLE_EPSILON = 1.1920928955078125e-7;

/** What rounding of its entries does to a kernel matrix, relative to its largest diagonal entry: of n² independent errors, √n of one. */
export function entryRoundOff(n: number, isSingle: boolean): number {
  return isSingle ? Math.sqrt(n) * SINGLE_EPSILON : 8 * n * Number.EPSILON;
}

/** Steps of Lanczos' method for an extreme eigenvalue: of a matrix of so few rows it is exact, to round-off. */
export const LANCZOS_STEPS = 60;

/**
 * λ_max/λ_min of a factorised matrix by Lanczos' method with full reorthogonalisation, on the matrix and on its inverse. Both are reached from
 * below, so it is a lower bound; it is sharp where the extreme eigenvalues stand apart, and within a few per cent elsewhere.
 */
export function* conditionEstimate(factor: Cholesky): Generator<void, number, void> {
  const { size } = factor;
  const largest = yield* extreme(size, (x, out) => factor.multiply(x, out));
  const ofInverse = yield* extreme(size, (x, out) => {
    out.set(x);
    factor.solve(out);
  });
  return largest * ofInverse;
}

type Apply = (x: Float64Array, out: Float64Array) => void;

function* extreme(n: number, apply: Apply): Generator<void, number, void> {
  const basis: Float64Array[] = [];
  const alpha: number[] = [];
  const beta: number[] = [];
  // any start that no eigenvector is orthogonal to will do: equidistributed numbers
  let x = Float64Array.from({ length: n }, (_, i) => ((i * 0.6180339887498949) % 1) - 0.4);
  normalise(x);
  for (let step = 0; step < Math.min(LANCZOS_STEPS, n); step++) {
    basis.push(x);
    const next = new Float64Array(n);
    apply(x, next);
    yield;
    alpha.push(dot(x, next));
    orthogonalise(next, basis);
    const left = normalise(next);
    if (!(left > 1e-14 * Math.abs(alpha[0]!))) break;
    beta.push(left);
    x = next;
  }
  return largestEigenvalue(alpha, beta);
}

/** Of a symmetric tridiagonal matrix, by bisection on the signs of its pivots. */
function largestEigenvalue(alpha: readonly number[], beta: readonly number[]): number {
  let low = Math.max(...alpha);
  let high = low;
  alpha.forEach((a, i) => {
    high = Math.max(high, a + (i > 0 ? beta[i - 1]! : 0) + (i + 1 < alpha.length ? beta[i]! : 0));
  });
  for (let step = 0; step < 100 && high > low; step++) {
    const middle = low + 0.5 * (high - low);
    if (middle === low || middle === high) break;
    if (isAbove(middle, alpha, beta)) high = middle;
    else low = middle;
  }
  return high;
}

function isAbove(x: number, alpha: readonly number[], beta: readonly number[]): boolean {
  let pivot = 1;
  for (let i = 0; i < alpha.length; i++) {
    pivot = x - alpha[i]! - (i > 0 ? (beta[i - 1]! * beta[i - 1]!) / pivot : 0);
    if (!(pivot > 0)) return false;
  }
  return true;
}
