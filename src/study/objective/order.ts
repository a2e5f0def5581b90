// The weak order p of errors e(η) = C η^p + D η^{p+1} + …: with the next power taken off, as η is not small enough to leave it out.
//
//   f(η) = (ρ^{p+1} e(η/ρ) − e(η)) / (ρ − 1) = C η^p + O(η^{p+2}),   ρ the ratio of neighbouring step sizes
//
// An order q other than p stays q: f is then a multiple of η^q, but for q = p + 1, which f has not.

import { log, pow } from "../../engine/math";
import type { rate as fit } from "../rate";

/** The order of errors as η falls to 0. */
export interface WeakOrder {
  /** of f by a straight line on logarithmic axes */
  value: number;
  /**
   * Where the order lies: `value` ± what replicas leave open at the level, and ± twice its distance from the local order of the two
   * smallest η, which is what the power η^{p+2} of the errors can do: along halved η the local order is p + c, p + c/4, p + c/16 …
   */
  interval: [number, number];
  level: number;
  /** that of the theorem */
  expected: number;
  /** Whether the interval holds it. */
  agrees: boolean;
}

/**
 * The order of errors as η falls to 0.
 *
 * @param stepSizes  η, four or more different ones: an exponent and what is left of a further power take three f
 * @param replicas   errors, for each η as many as there are replicas; one for exact errors
 * @param options    level of the interval; expected: p
 * @param rate       the function of that name
 * @returns null where an f is not told from 0 in every replica, or where there are fewer than four η
 */
export function limitingOrder(
  stepSizes: readonly number[],
  replicas: readonly (readonly number[])[],
  options: { level: number; expected: number },
  rate: typeof fit,
): WeakOrder | null {
  const { level, expected } = options;
  const falling = stepSizes.map((_, e) => e).sort((a, b) => stepSizes[b]! - stepSizes[a]!);
  const sizes = falling.map((e) => stepSizes[e]!);
  if (sizes.length < 4) return null;
  const corrected = sizes.slice(1).map((small, e) => {
    const ratio = sizes[e]! / small;
    const factor = pow(ratio, expected + 1);
    const [coarse, fine] = [replicas[falling[e]!]!, replicas[falling[e + 1]!]!];
    return fine.map((error, r) => (factor * error - coarse[r]!) / (ratio - 1));
  });
  const absolute = ofOneSign(corrected);
  if (!absolute) return null;
  const x = sizes.slice(0, -1);
  const means = absolute.map((row) => row.reduce((a, b) => a + b, 0) / row.length);
  const sampled = absolute[0]!.length > 1;
  const { exponent: value, interval } = rate(x, sampled ? absolute : means, { level });
  const last = x.length - 1;
  const local = log(means[last - 1]! / means[last]!) / log(x[last - 1]! / x[last]!);
  const reach = (sampled && interval ? (interval[1] - interval[0]) / 2 : 0) + 2 * Math.abs(value - local);
  return {
    value,
    interval: [value - reach, value + reach],
    level,
    expected,
    agrees: Math.abs(value - expected) <= reach,
  };
}

/** Their sizes, where all errors of each η have one sign; null where some are not told from 0. */
export function ofOneSign(replicas: readonly (readonly number[])[]): number[][] | null {
  const told = replicas.every((row) => row.every((error) => error > 0) || row.every((error) => error < 0));
  return told ? replicas.map((row) => row.map(Math.abs)) : null;
}
