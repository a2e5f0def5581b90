// What all who go along a chain need: the noise added, and what is said where a path leaves all bounds.

import { DivergenceError } from "../../engine/errors";
import { FAR } from "../../model/objective";
import type { Chain } from "./chain";

/** z = y + Σ_j w_j F_j */
export function addNoise(y: Float64Array, noise: Float64Array, weights: Float64Array, z: Float64Array): void {
  const size = y.length;
  for (let i = 0; i < size; i++) z[i] = y[i]!;
  for (let j = 0; j < weights.length; j++) {
    const w = weights[j]!;
    for (let i = 0; i < size; i++) z[i]! += w * noise[j * size + i]!;
  }
}

/**
 * Looks whether a state has left all bounds.
 *
 * @throws {DivergenceError} where it has; `located` gives it its step
 */
export function checkState(z: Float64Array): void {
  for (let i = 0; i < z.length; i++) if (!(Math.abs(z[i]!) <= FAR)) throw new DivergenceError("objective", 0, 0, "");
}

/** An error of step k; a divergence says which step of which dynamics it was. */
export function located(error: unknown, { dynamics }: Chain, k: number): unknown {
  if (!(error instanceof DivergenceError)) return error;
  const { method, stepSize, timeStep } = dynamics;
  const reason = `the state is beyond all bounds. The step size ${stepSize} is too large for this objective; take a smaller one.`;
  return new DivergenceError(method, k + 1, (k + 1) * timeStep, reason);
}

/** What is to be said of the roots of Σ. */
export function rootWarnings({ roots }: Chain): string[] {
  if (!roots || roots.seen.clipped === 0) return [];
  const { roots: taken, clipped, worst } = roots.seen;
  const share = Number(((100 * clipped) / taken).toPrecision(3));
  return [
    `The covariance had negative eigenvalues, down to ${Number(worst.toPrecision(3))} of the largest, in ${share} % of ` +
      "its evaluations. They were taken as 0.",
  ];
}
