// A box in one or two parameters, cut into cells: the places at which laws, potentials and features of a grid stand.
//
//   axis 0   rows     θ_1    edges[0], rows + 1 of them
//   axis 1   columns  θ_2    edges[1]; one column where there is one parameter
//
// Fields of one number a cell are row-major: cell (i, j) is at i · columns + j, and its value is that at the cell's middle.

import { log } from "../engine/math";

export { finish } from "../engine/pause";

/** Cells of a box. */
export interface Cells {
  /** [n + 1] ascending edges of each axis, one or two axes */
  edges: readonly Float64Array[];
  /** [n] middles of the cells of each axis */
  middles: readonly Float64Array[];
  /** [n] lengths of the cells of each axis */
  lengths: readonly Float64Array[];
  /** their logarithms */
  logLengths: readonly Float64Array[];
  rows: number;
  columns: number;
  /** rows · columns */
  size: number;
}

/** Work in pieces of a few milliseconds at most: it yields between them, so that a page stays alive and can stop it. */
export type Work<T> = Generator<void, T, void>;

/** Cells that are worked on between two yields: about a millisecond of the dearest loop. */
export const PIECE = 8192;

/**
 * Cells between edges.
 *
 * @param edges  one or two ascending arrays
 */
export function cellsOf(edges: readonly Float64Array[]): Cells {
  const between = (pick: (from: number, to: number) => number) =>
    edges.map((axis) => axis.subarray(1).map((to, i) => pick(axis[i]!, to)));
  const rows = edges[0]!.length - 1;
  const columns = edges.length === 2 ? edges[1]!.length - 1 : 1;
  const lengths = between((from, to) => to - from);
  return {
    edges,
    middles: between((from, to) => (from + to) / 2),
    lengths,
    logLengths: lengths.map((axis) => axis.map(log)),
    rows,
    columns,
    size: rows * columns,
  };
}

/**
 * Edges of n equal cells.
 *
 * @param from  first edge
 * @param to    last edge
 * @param n     cells
 */
export function equalEdges(from: number, to: number, n: number): Float64Array {
  // from both ends, so that a box symmetric about 0 has symmetric cells to the bit
  return Float64Array.from({ length: n + 1 }, (_, i) => (from * (n - i) + to * i) / n);
}

/**
 * A function of θ at the middles of the cells.
 *
 * @param cells  the cells
 * @param value  called with one row of parameters, whose array is used again
 */
export function atMiddles(cells: Cells, value: (theta: Float64Array) => number): Float64Array {
  const { middles, rows, columns } = cells;
  const theta = new Float64Array(middles.length);
  const out = new Float64Array(cells.size);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      theta[0] = middles[0]![i]!;
      if (middles.length === 2) theta[1] = middles[1]![j]!;
      out[i * columns + j] = value(theta);
    }
  }
  return out;
}

/** A sum with its rounding errors carried along (Neumaier): right to an ulp or two of the largest partial sum. */
export class Sum {
  #sum = 0;
  #lost = 0;
  /** Adds a number. */
  add(x: number): void {
    const next = this.#sum + x;
    this.#lost += Math.abs(this.#sum) >= Math.abs(x) ? this.#sum - next + x : x - next + this.#sum;
    this.#sum = next;
  }
  get value(): number {
    return this.#sum + this.#lost;
  }
}
