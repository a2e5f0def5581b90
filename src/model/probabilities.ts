// Weights as probabilities.

import { SpecError } from "../engine/errors";

/**
 * Non-negative weights divided by their sum, unless it is 1 to round-off already: reading a spec again then gives the same bits.
 *
 * @param weights  any list of numbers
 * @param path     where they stand, for the error
 * @throws {SpecError} where one is negative, or all are 0
 */
export function probabilities(weights: Float64Array | number[], path: string): Float64Array {
  const bad = weights.findIndex((weight) => weight < 0);
  if (bad >= 0) throw new SpecError(`${path}[${bad}]`, weights[bad], "a non-negative number");
  const sum = exactSum(weights);
  if (sum <= 0) throw new SpecError(path, weights, "weights of which at least one is positive");
  const isNormalised = Math.abs(sum - 1) <= 4 * Number.EPSILON;
  return Float64Array.from(weights, (weight) => (isNormalised ? weight : weight / sum));
}

// Neumaier's sum, whose error does not grow with the length.
function exactSum(terms: Float64Array | number[]): number {
  let sum = 0;
  let lost = 0;
  for (const term of terms) {
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
  }
  return sum + lost;
}
