// The stationary law of a Fokker–Planck equation, m* ∝ exp(−(δF/δm(m*, ·) + U)/τ).                             theory §7

import { SpecError } from "../engine/errors";
import { withPauses } from "../engine/pause";
import type { FreeEnergy } from "../measure/freeEnergy";
import type { Grid } from "../measure/measure";
import { type FokkerPlanckProcess, parseProcess } from "../process/schema";

/** A stationary law. */
export interface StationaryLaw {
  /** on the grid of the process */
  measure: Grid;
  /** of the first-order condition: the standard deviation of δ𝓕/δm under the law, over τ */
  residual: number;
  /** evaluations of δF/δm that it took */
  iterations: number;
  /** of the law, with its parts */
  freeEnergy: FreeEnergy;
}

/**
 * The stationary law of a Fokker–Planck equation on its grid, by the damped fixed point of m ↦ exp(−(δF/δm(m) + U)/τ)/Z from
 * the start of its problem. For a convex F, as those of the squared and logistic losses, it is the minimiser of the free
 * energy, and the law to which `solve` of the same process tends.
 *
 * @param process  `fokkerPlanck(…)`
 * @param options  damping: share of the old potential kept in an iteration, in [0, 1) (chosen, and accelerated, if left out);
 *                 tolerance: of the residual (1e-12, or round-off where that is more); iterations: the most that are made
 *                 (20000); signal: stops it
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where the iteration does not converge; more damping is the remedy
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP B 57 (2021); theory §7
 */
export async function stationaryLaw(
  process: FokkerPlanckProcess,
  options: { damping?: number; tolerance?: number; iterations?: number; signal?: AbortSignal } = {},
): Promise<StationaryLaw> {
  const spec = parseProcess(process);
  if (spec.kind !== "fokkerPlanck") throw new SpecError("process.kind", spec.kind, '"fokkerPlanck"');
  const { damping = null, tolerance = 1e-12, iterations = 20000, signal } = options;
  if (damping !== null && !(damping >= 0 && damping < 1)) throw new SpecError("damping", damping, "a number in [0, 1)");
  if (!(tolerance > 0)) throw new SpecError("tolerance", tolerance, "a positive number");
  if (!(Number.isInteger(iterations) && iterations > 1)) {
    throw new SpecError("iterations", iterations, "an integer, 2 or more");
  }
  const { stationary } = await import("../process/fokkerPlanck");
  return withPauses(stationary(spec, { damping, tolerance, iterations }), signal);
}
