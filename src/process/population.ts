// The gradient of E over the law itself: exact where there is a formula, a quadrature of the law elsewhere.          theory §7

import type { Dataset } from "../model/law";
import type { Problem } from "../model/problem";

/** How a population gradient is found: atoms of a quadrature, or the exact velocity of all neurons. */
export type PopulationGradient =
  | { method: string; atoms: Dataset; velocity: null }
  | { method: string; atoms: null; velocity: (theta: Float64Array, out: Float64Array) => void };

/** Points of a quadrature where nothing is said: Sobol points, or Gauss's rule where its product has no more. */
const POINTS = 4096;

/**
 * The population gradient of a problem.
 *
 * @param points  of a quadrature; null takes the exact gradient where there is one
 * @param masses  of the neurons in f; 1/N each if null
 */
export function populationVelocity(
  problem: Problem,
  points: number | null,
  masses: Float64Array | null,
): PopulationGradient {
  throw new Error(`not yet ${problem.law.kind} ${points ?? POINTS} ${masses}`);
}
