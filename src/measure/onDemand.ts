// Statistics of a density that few pages use, loaded when they are called.

import type { Problem } from "../model/problem";
import type { FreeEnergy } from "./freeEnergy";
import type { Measure } from "./measure";

/**
 * The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a density of the parameters, and its parts.
 *
 * @param measure      a grid of one or two parameters
 * @param problem      whose energy and confinement
 * @param temperature  τ
 * @throws {SpecError} where the measure has no density
 * @see theory §7
 */
export async function freeEnergyOf(measure: Measure, problem: Problem, temperature: number): Promise<FreeEnergy> {
  return (await import("./freeEnergy")).freeEnergyOf(measure, problem, temperature);
}

/**
 * The dissipation ∫|∇(Ψ + U) + τ∇log m|² dm, which is −d𝓕/dt along the flow; infinite where an empty cell lies
 * beside a full one.
 *
 * @param measure      a grid of one or two parameters
 * @param problem      whose energy and confinement
 * @param temperature  τ
 * @throws {SpecError} where the measure has no density
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP 57 (2021), Theorem 3; theory §7
 */
export async function dissipationOf(measure: Measure, problem: Problem, temperature: number): Promise<number> {
  return (await import("./freeEnergy")).dissipationOf(measure, problem, temperature);
}

/**
 * ∫ m log m of a density of the parameters, the negative of Boltzmann's entropy.
 *
 * @param measure  a grid of one or two parameters
 * @throws {SpecError} where the measure has no density
 */
export async function entropyOf(measure: Measure): Promise<number> {
  return (await import("./freeEnergy")).entropyOf(measure);
}
