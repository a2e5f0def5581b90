// The weak order p of errors e(η) = C η^p + D η^{p+1} + …: with the next power taken off, as η is not small enough to leave it out.
//
//   f(η) = (ρ^{p+1} e(η/ρ) − e(η)) / (ρ − 1) = C η^p + O(η^{p+2}),   ρ the ratio of neighbouring step sizes
//
// An order q other than p stays q: f is then a multiple of η^q, but for q = p + 1, which f has not.

import { pow } from "../../engine/math";
import { type Rate, rate } from "../rate";

/**
 * The order of errors at several step sizes, by `rate`: from replicas, or from the scatter about the line where that tells less.
 *
 * @param stepSizes  η, two or more
 * @param replicas   errors, for each η as many as there are replicas, all of one sign; one for exact errors
 * @param options    level of the interval; expected: the order of a theorem
 * @returns null where an error is not told from 0 in every replica
 */
export function orderOf(
  stepSizes: readonly number[],
  replicas: readonly (readonly number[])[],
  options: { level: number; expected: number },
): Rate | null {
  const told = replicas.every((row) => row.every((error) => error > 0) || row.every((error) => error < 0));
  if (!told) return null;
  const sizes = replicas.map((row) => row.map(Math.abs));
  const scatter = rate(
    stepSizes,
    sizes.map((row) => row.reduce((a, b) => a + b, 0) / row.length),
    options,
  );
  if (replicas[0]!.length < 2) return scatter;
  const sampled = rate(stepSizes, sizes, options);
  return width(scatter) > width(sampled) ? scatter : sampled;
}

/**
 * The same with the next power of η taken off.
 *
 * @param stepSizes  η, three or more different ones
 */
export function limitingOrder(
  stepSizes: readonly number[],
  replicas: readonly (readonly number[])[],
  options: { level: number; expected: number },
): Rate | null {
  const order = stepSizes.map((_, e) => e).sort((a, b) => stepSizes[b]! - stepSizes[a]!);
  const sizes = order.map((e) => stepSizes[e]!);
  if (sizes.length < 3) return null;
  const corrected = sizes.slice(1).map((small, e) => {
    const ratio = sizes[e]! / small;
    const factor = pow(ratio, options.expected + 1);
    const [coarse, fine] = [replicas[order[e]!]!, replicas[order[e + 1]!]!];
    return fine.map((error, r) => (factor * error - coarse[r]!) / (ratio - 1));
  });
  return orderOf(sizes.slice(0, -1), corrected, options);
}

function width({ interval }: Rate): number {
  return interval ? interval[1] - interval[0] : Infinity;
}
