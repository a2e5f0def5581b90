// Distances of laws on the line, exact for any pair of particles and grids.

import type { Marginal } from "./measure";
import { massBelow, massUpTo, type QuantileFunction, quantileFunction } from "./quantiles";

/**
 * Wasserstein distance of order 1, ∫₀¹ |F⁻¹ − G⁻¹| du.
 *
 * @param a  a law
 * @param b  a law
 */
export function w1(a: Marginal, b: Marginal): number {
  return integrate(a, b, (from, to) => {
    const size = Math.abs(from) + Math.abs(to);
    if (from * to >= 0) return size / 2;
    return (from * from + to * to) / (2 * size);
  });
}

/**
 * Wasserstein distance of order 2, (∫₀¹ (F⁻¹ − G⁻¹)² du)^½.
 *
 * @param a  a law
 * @param b  a law
 */
export function w2(a: Marginal, b: Marginal): number {
  return Math.sqrt(integrate(a, b, (from, to) => (from * from + from * to + to * to) / 3));
}

/**
 * Kolmogorov distance, sup_x |F(x) − G(x)|.
 *
 * @param a  a law
 * @param b  a law
 */
export function kolmogorov(a: Marginal, b: Marginal): number {
  const f = quantileFunction(a);
  const g = quantileFunction(b);
  // Between these points both functions are linear; at them they may jump.
  let largest = 0;
  for (const points of [f.lows, f.highs, g.lows, g.highs]) {
    for (const x of points) {
      largest = Math.max(
        largest,
        Math.abs(massUpTo(f, x) - massUpTo(g, x)),
        Math.abs(massBelow(f, x) - massBelow(g, x)),
      );
    }
  }
  return largest;
}

// ∫₀¹ of a function of F⁻¹ − G⁻¹, which is linear between the levels of both; `mean` takes its values at the two ends.
function integrate(a: Marginal, b: Marginal, mean: (from: number, to: number) => number): number {
  const f = quantileFunction(a);
  const g = quantileFunction(b);
  let sum = 0;
  let from = 0;
  for (let i = 0, j = 0; i < f.lows.length && j < g.lows.length; ) {
    const to = Math.min(f.levels[i + 1]!, g.levels[j + 1]!);
    if (to > from) sum += (to - from) * mean(at(f, i, from) - at(g, j, from), at(f, i, to) - at(g, j, to));
    if (f.levels[i + 1] === to) i++;
    if (g.levels[j + 1] === to) j++;
    from = to;
  }
  return sum;
}

function at({ levels, lows, highs }: QuantileFunction, i: number, u: number): number {
  const lo = lows[i]!;
  if (highs[i] === lo) return lo;
  return lo + ((u - levels[i]!) / (levels[i + 1]! - levels[i]!)) * (highs[i]! - lo);
}
