// Distribution functions of laws on the line, and their inverses.

import { SpecError } from "../engine/errors";
import type { Marginal } from "./measure";

/**
 * The quantile function in pieces: for levels_i < u ≤ levels_{i+1} it goes linearly from lows_i to highs_i, which are equal
 * for a particle and the edges of a cell for a grid. Pieces without mass are left out.
 */
export interface QuantileFunction {
  /** from 0 to 1, one more than there are pieces */
  levels: Float64Array;
  lows: Float64Array;
  highs: Float64Array;
}

/**
 * The exact quantile function of a law.
 *
 * @param marginal  the law
 */
export function quantileFunction(marginal: Marginal): QuantileFunction {
  if (marginal.kind === "grid") {
    const { edges, masses } = marginal;
    const cells = Array.from(masses.keys()).filter((i) => masses[i]! > 0);
    return {
      levels: cumulated(cells.map((i) => masses[i]!)),
      lows: Float64Array.from(cells, (i) => edges[i]!),
      highs: Float64Array.from(cells, (i) => edges[i + 1]!),
    };
  }
  const { values, weights } = marginal;
  if (weights === null) {
    const n = values.length;
    const sorted = values.slice().sort();
    return { levels: Float64Array.from({ length: n + 1 }, (_, i) => i / n), lows: sorted, highs: sorted };
  }
  const order = Array.from(values.keys()).filter((i) => weights[i]! > 0);
  order.sort((i, j) => values[i]! - values[j]!);
  const sorted = Float64Array.from(order, (i) => values[i]!);
  return { levels: cumulated(order.map((i) => weights[i]!)), lows: sorted, highs: sorted };
}

/**
 * Quantiles of a law. Of a grid they are the exact inverse of its distribution function; of particles they are linear
 * between the middles of the steps (Hazen's rule), and the extreme particles beyond the outermost middles.
 *
 * @param marginal  the law
 * @param levels    probabilities in [0, 1]
 * @throws {SpecError} with the path of the wrong level
 * @see Hyndman and Fan, The American Statistician 50 (1996), definition 5
 */
export function quantiles(marginal: Marginal, levels: ArrayLike<number>): Float64Array {
  const f = quantileFunction(marginal);
  return Float64Array.from(levels, (p, i) => {
    if (!(p >= 0 && p <= 1)) throw new SpecError(`levels[${i}]`, p, "a probability in [0, 1]");
    return marginal.kind === "grid" ? inverse(f, p) : hazen(f, p);
  });
}

/**
 * One quantile of a law, as `quantiles` gives it.
 *
 * @param marginal  the law
 * @param level     probability in [0, 1]
 * @throws {SpecError} when the level is none
 */
export function quantile(marginal: Marginal, level: number): number {
  return quantiles(marginal, [level])[0]!;
}

/**
 * P(X ≤ x) for each x.
 *
 * @param marginal  the law
 * @param points    x
 */
export function distribution(marginal: Marginal, points: ArrayLike<number>): Float64Array {
  const f = quantileFunction(marginal);
  return Float64Array.from(points, (x) => massUpTo(f, x));
}

/**
 * P(X ≤ x).
 *
 * @param f  quantile function of X
 * @param x  a number
 */
export function massUpTo(f: QuantileFunction, x: number): number {
  // The last piece that begins at or below x.
  const i = lastAtMost(f.lows, x, f.lows.length - 1);
  if (i < 0) return 0;
  return x >= f.highs[i]! ? f.levels[i + 1]! : along(f, i, x);
}

/**
 * P(X < x).
 *
 * @param f  quantile function of X
 * @param x  a number
 */
export function massBelow(f: QuantileFunction, x: number): number {
  const i = lastBelow(f.lows, x, f.lows.length - 1);
  if (i < 0) return 0;
  return x >= f.highs[i]! ? f.levels[i + 1]! : along(f, i, x);
}

function along({ levels, lows, highs }: QuantileFunction, i: number, x: number): number {
  return levels[i]! + ((levels[i + 1]! - levels[i]!) * (x - lows[i]!)) / (highs[i]! - lows[i]!);
}

function inverse({ levels, lows, highs }: QuantileFunction, p: number): number {
  const i = Math.max(0, lastBelow(levels, p, lows.length - 1));
  const share = (p - levels[i]!) / (levels[i + 1]! - levels[i]!);
  return lows[i]! + Math.min(1, share) * (highs[i]! - lows[i]!);
}

function hazen({ levels, lows }: QuantileFunction, p: number): number {
  const last = lows.length - 1;
  const middle = (i: number): number => (levels[i]! + levels[i + 1]!) / 2;
  let i = Math.max(0, Math.min(last, lastAtMost(levels, p, last)));
  if (p < middle(i)) i--;
  if (i < 0) return lows[0]!;
  if (i >= last) return lows[last]!;
  const share = (p - middle(i)) / (middle(i + 1) - middle(i));
  return lows[i]! + share * (lows[i + 1]! - lows[i]!);
}

// Index of the last entry at most x among 0 … last of an ascending array, or −1.
function lastAtMost(ascending: Float64Array, x: number, last: number): number {
  let from = -1;
  for (let to = last + 1; to - from > 1; ) {
    const middle = (from + to) >>> 1;
    if (ascending[middle]! <= x) from = middle;
    else to = middle;
  }
  return from;
}

// The same with "less than x".
function lastBelow(ascending: Float64Array, x: number, last: number): number {
  let from = -1;
  for (let to = last + 1; to - from > 1; ) {
    const middle = (from + to) >>> 1;
    if (ascending[middle]! < x) from = middle;
    else to = middle;
  }
  return from;
}

function cumulated(masses: readonly number[]): Float64Array {
  const levels = new Float64Array(masses.length + 1);
  masses.forEach((mass, i) => {
    levels[i + 1] = levels[i]! + mass;
  });
  const total = levels[masses.length]!;
  return levels.map((level) => level / total);
}
