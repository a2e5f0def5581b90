// Inner products ⟨w_i, Σ_c w_j⟩ of all neurons in the metrics of a law's Gaussian components, sharing what they can.
//
// Each Σ_c is a sum of blocks, Σ_c = Σ_k λ_ck E_k E_kᵀ. Diagonal factors: a block is the columns on which every component has
// its own constant, so both signs of anisotropic Gaussians cost one product. Other factors: a block is one factor.

import type { GaussianComponent } from "./law";

/** One block of the metrics: rows E_kᵀ w. */
export type MetricBlock = {
  /** Length of a row. */
  readonly width: number;
  /** Columns of w that are the block, or null where it has a factor. */
  readonly columns: Int32Array | null;
  /** [d, d] row-major, x = factor · g, or null. */
  readonly factor: Float64Array | null;
};

/** The metrics of a law. */
export type Metric = {
  readonly dimension: number;
  readonly blocks: readonly MetricBlock[];
  /** λ_ck, [components][blocks] */
  readonly scales: readonly Float64Array[];
};

/**
 * The blocks of a law's metrics.
 *
 * @param components  the Gaussian components, all diagonal or none
 * @param d           length of w
 */
export function metricOf(components: readonly GaussianComponent[], d: number): Metric {
  const diagonals = components.map(({ diagonal }) => diagonal);
  if (diagonals.every((x) => x !== null)) {
    const columns = new Map<string, number[]>();
    for (let k = 0; k < d; k++) {
      const key = diagonals.map((x) => x[k]).join();
      const list = columns.get(key);
      if (list) list.push(k);
      else columns.set(key, [k]);
    }
    if (columns.size <= 2 * components.length) {
      const lists = [...columns.values()];
      return {
        dimension: d,
        blocks: lists.map((list) => ({ width: list.length, columns: Int32Array.from(list), factor: null })),
        scales: diagonals.map((x) => Float64Array.from(lists, (list) => x[list[0]!]! * x[list[0]!]!)),
      };
    }
  }
  const factors: Float64Array[] = [];
  const places = components.map(({ diagonal, factor }) => {
    const f = factor ?? diagonalMatrix(diagonal!);
    const at = factors.findIndex((other) => other.every((x, i) => x === f[i]));
    return at >= 0 ? at : factors.push(f) - 1;
  });
  return {
    dimension: d,
    blocks: factors.map((factor) => ({ width: d, columns: null, factor })),
    scales: places.map((place) => Float64Array.from(factors, (_, k) => (k === place ? 1 : 0))),
  };
}

/**
 * Writes the rows E_kᵀ w_i of one block.
 *
 * @param weights  n rows of length d
 * @param out      n rows of the block's width
 */
export function blockRows(
  { width, columns, factor }: MetricBlock,
  weights: Float64Array,
  n: number,
  out: Float64Array,
) {
  const d = n > 0 ? weights.length / n : 0;
  if (columns) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < width; k++) out[i * width + k] = weights[i * d + columns[k]!]!;
    }
    return;
  }
  out.fill(0, 0, n * width);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < d; k++) {
      const w = weights[i * d + k]!;
      if (w !== 0) for (let j = 0; j < width; j++) out[i * width + j]! += w * factor![k * width + j]!;
    }
  }
}

/**
 * Adds E_k g, the way back of a block: out is a row of length d.
 *
 * @param from  where the row g starts in rows
 * @param at    where the row of length d starts in out
 */
export function addBlock(
  { width, columns, factor }: MetricBlock,
  rows: Float64Array,
  from: number,
  out: Float64Array,
  at: number,
): void {
  if (columns) {
    for (let k = 0; k < width; k++) out[at + columns[k]!]! += rows[from + k]!;
    return;
  }
  for (let i = 0; i < width; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += factor![i * width + j]! * rows[from + j]!;
    out[at + i]! += sum;
  }
}

/**
 * Adds scale · |row|² of each row; with the λ of a component, over its blocks, the squared norms s_i².
 *
 * @param out  n numbers
 */
export function addSquares(rows: Float64Array, n: number, width: number, scale: number, out: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = i * width; k < (i + 1) * width; k++) sum += rows[k]! * rows[k]!;
    out[i]! += scale * sum;
  }
}

/** Gram matrix of rows [i0, i1) against all rows j ≥ i0 (rounded down to even), two by two; `out` is (i1 − i0) × n. */
export function gramTile(
  rows: Float64Array,
  n: number,
  width: number,
  i0: number,
  i1: number,
  out: Float64Array,
): void {
  for (let i = i0; i < i1; i += 2) {
    const a = i * width;
    const b = (i + 1 < i1 ? i + 1 : i) * width;
    const outA = (i - i0) * n;
    const outB = i + 1 < i1 ? outA + n : outA;
    for (let j = i - (i % 2); j < n; j += 2) {
      const p = j * width;
      const q = (j + 1 < n ? j + 1 : j) * width;
      let ap = 0;
      let aq = 0;
      let bp = 0;
      let bq = 0;
      for (let k = 0; k < width; k++) {
        const xa = rows[a + k]!;
        const xb = rows[b + k]!;
        const xp = rows[p + k]!;
        const xq = rows[q + k]!;
        ap += xa * xp;
        aq += xa * xq;
        bp += xb * xp;
        bq += xb * xq;
      }
      out[outA + j] = ap;
      out[outB + j] = bp;
      if (j + 1 < n) {
        out[outA + j + 1] = aq;
        out[outB + j + 1] = bq;
      }
    }
  }
}

/** Σ_k λ_k gram_k, entry by entry. */
export function combine(gram: readonly Float64Array[], scales: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let k = 0; k < gram.length; k++) {
    const scale = scales[k]!;
    const tile = gram[k]!;
    if (scale !== 0) for (let at = 0; at < out.length; at++) out[at]! += scale * tile[at]!;
  }
}

/**
 * The shifts b_i + ⟨w_i, mean⟩.
 *
 * @param biases   n biases, or null for none
 * @param weights  n rows of length d
 * @param out      n numbers
 */
export function shifts(
  biases: Float64Array | null,
  weights: Float64Array,
  n: number,
  mean: Float64Array | null,
  out: Float64Array,
): void {
  const d = n > 0 ? weights.length / n : 0;
  for (let i = 0; i < n; i++) {
    let shift = biases ? biases[i]! : 0;
    if (mean) for (let k = 0; k < d; k++) shift += weights[i * d + k]! * mean[k]!;
    out[i] = shift;
  }
}

function diagonalMatrix(diagonal: Float64Array): Float64Array {
  const d = diagonal.length;
  const out = new Float64Array(d * d);
  for (let k = 0; k < d; k++) out[k * (d + 1)] = diagonal[k]!;
  return out;
}
