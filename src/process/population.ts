// The gradient of E over the law itself: exact where there is a formula, a quadrature of the law elsewhere.          theory §7

import { type Dataset, lawDimension } from "../model/law";
import { populationField } from "../model/population";
import type { Problem } from "../model/problem";
import { quadrature } from "../model/quadrature";
import { hasExactGradient, quadratureRule } from "./populationRule";

/** How a population gradient is found: atoms of a quadrature, or the exact velocity of all neurons. */
export type PopulationGradient =
  | { method: string; atoms: Dataset; velocity: null }
  | { method: string; atoms: null; velocity: (theta: Float64Array, out: Float64Array) => void };

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
  const { law, unit } = problem;
  if (hasExactGradient(problem, points)) {
    const field = populationField({ law, unit });
    const D = field.parameters;
    const hasBias = unit.kind === "affine" && unit.outputBias;
    return {
      method: `exact by ${field.method}`,
      atoms: null,
      velocity(theta, out) {
        const n = Math.floor(theta.length / D);
        const outputBias = hasBias ? theta[n * D]! : 0;
        const slope = field.velocity(theta.subarray(0, n * D), n, out, { weights: masses, outputBias });
        if (hasBias) out[n * D] = slope;
      },
    };
  }
  const rule = quadratureRule(lawDimension(law), points);
  const atoms = quadrature(law, rule);
  return {
    method: `by ${rule.rule === "gauss" ? "Gauss quadrature" : "Sobol points"}, ${atoms.x.shape[0]} atoms`,
    atoms,
    velocity: null,
  };
}
