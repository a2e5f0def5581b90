// The entropy of a law on the line from a sample of it, without bins: Kozachenko and Leonenko's estimator.        theory §7
//
//   ∫ m log m ≈ ψ(k) − ψ(n) − n⁻¹ Σ_i log(2 d_i),   d_i the distance of sample i from its k-th neighbour
//
// It has no bias for a law that is even over such distances; what is left falls faster than the scatter, 1/√n.

import { SpecError } from "../engine/errors";
import { log } from "../engine/math";

/**
 * ∫ m log m of a law on the line, the negative of its entropy, from a sample.
 *
 * @param values   n independent draws, or particles, of equal weight
 * @param options  neighbours: k, fewer scatter more and more blur (4)
 * @returns Infinity where k + 1 values are equal, as of a law without a density
 * @throws {SpecError} where k is no positive integer below n
 * @see Kozachenko, Leonenko, Problems of Information Transmission 23 (1987)
 */
export function sampleEntropy(values: Float64Array, options: { neighbours?: number } = {}): number {
  const { neighbours: k = 4 } = options;
  const n = values.length;
  if (!(Number.isInteger(k) && k >= 1)) throw new SpecError("neighbours", k, "a positive integer");
  if (n <= k) throw new SpecError("values", n, `more than ${k} numbers`);
  const sorted = values.slice().sort();
  let logs = 0;
  for (let i = 0; i < n; i++) {
    // the k + 1 values around it that lie closest reach from i − left to i − left + k
    let distance = Infinity;
    for (let left = Math.max(0, i + k - (n - 1)); left <= Math.min(k, i); left++) {
      distance = Math.min(distance, Math.max(sorted[i]! - sorted[i - left]!, sorted[i - left + k]! - sorted[i]!));
    }
    logs += log(2 * distance);
  }
  // ψ(n) − ψ(k)
  let harmonic = 0;
  for (let j = n - 1; j >= k; j--) harmonic += 1 / j;
  return -harmonic - logs / n;
}
