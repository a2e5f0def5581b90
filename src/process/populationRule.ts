// How the gradient over a law itself is found, told by the specification alone.                                  theory §7

import { pow } from "../engine/math";
import { type Law, lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import { MOST_ON_AN_AXIS, quadratureAtoms } from "../model/quadratureSize";
import { outputsOf } from "../model/unit";

/** Points of a quadrature where nothing is said: Sobol points, or Gauss's rule where its product has no more. */
const POINTS = 4096;

/**
 * Whether the gradient over a Gaussian law is exact: of the squared loss of one output, where no quadrature is asked for.
 *
 * @param points  of a quadrature, or null
 */
export function hasExactGradient({ unit, loss }: Problem, points: number | null): boolean {
  return points === null && loss === "squared" && outputsOf(unit) === 1;
}

/**
 * The quadrature of a law: Gauss's product rule where it has five points or more along each axis within the number asked for,
 * else Sobol points.
 *
 * @param dimension  d
 * @param points     in all; 4096 if null
 */
export function quadratureRule(dimension: number, points: number | null): { points: number; rule: "gauss" | "sobol" } {
  const most = points ?? POINTS;
  let side = 1;
  while (side < MOST_ON_AN_AXIS && pow(side + 1, dimension) <= most) side++;
  return side >= 5 ? { points: side, rule: "gauss" } : { points: most, rule: "sobol" };
}

/**
 * Points of a quadrature of a law where the linearisation takes one and nothing is said: fewer than for a gradient alone, where Gauss's
 * rule of five or more on an axis does with 1024.
 */
export function lawPoints(dimension: number, points: number | null): number {
  return points ?? (pow(5, dimension) <= 1024 ? 1024 : POINTS);
}

/**
 * Atoms that a population gradient is summed over; 0 where it is exact.
 *
 * @throws {SpecError} where they are too many, with a path relative to the process
 */
export function populationAtoms(problem: Problem, points: number | null): number {
  if (hasExactGradient(problem, points)) return 0;
  const { law } = problem;
  const d = lawDimension(law);
  const paths = {
    points: "points",
    dimension: law.kind === "mixture" ? "problem.law.components" : "problem.law.dimension",
  };
  const atoms = (rule: { points: number; rule: "gauss" | "sobol" }) =>
    quadratureAtoms(rule, d, componentsOf(law), paths);
  // the bound of Sobol points holds for Gauss's rule too, which has no more atoms
  atoms({ points: points ?? POINTS, rule: "sobol" });
  return atoms(quadratureRule(d, points));
}

function componentsOf(law: Law): number {
  if (law.kind === "mixture") return law.components.filter(({ weight }) => weight > 0).length;
  return law.kind === "anisotropicGaussians" ? 2 : 1;
}
