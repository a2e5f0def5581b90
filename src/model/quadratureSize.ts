// How large a quadrature may be, told before any of it is there.                                                theory §4

import { SpecError } from "../engine/errors";

/** Most atoms of a finite law, and most numbers in its inputs. */
export const MOST_ATOMS = 2 ** 20;
const MOST_NUMBERS = 2 ** 26;

/** Most points of a Gauss–Hermite rule. */
export const MOST_ON_AN_AXIS = 256;

/** Most dimensions that there are direction numbers of Sobol points for. */
export const MOST_DIMENSIONS = 512;

/**
 * The number of atoms of a quadrature.
 *
 * @param rule        `gauss` with so many points on each axis, or `sobol` with so many in all
 * @param dimension   d
 * @param components  of the law, each of which gets all points
 * @param paths       where the points and the dimension stand
 * @throws {SpecError} where they are too many
 */
export function quadratureAtoms(
  { points, rule }: { points: number; rule: "gauss" | "sobol" },
  dimension: number,
  components: number,
  paths: { points: string; dimension: string },
): number {
  if (rule === "sobol") {
    if (dimension > MOST_DIMENSIONS) {
      throw new SpecError(paths.dimension, dimension, `at most ${MOST_DIMENSIONS}, as far as Sobol's points go`);
    }
    const most = Math.floor(Math.min(MOST_ATOMS, MOST_NUMBERS / dimension) / components);
    if (points > most) throw new SpecError(paths.points, points, `at most ${most} in dimension ${dimension}`);
    return points * components;
  }
  let atoms = components;
  for (let axis = 0; axis < dimension && atoms <= MOST_ATOMS; axis++) atoms *= points;
  if (points > 1 && (atoms > MOST_ATOMS || atoms * dimension > MOST_NUMBERS)) {
    throw new SpecError(
      paths.points,
      points,
      `a number whose power ${dimension}, the dimension, is at most ${Math.floor(MOST_ATOMS / components)}`,
      'Take rule: "sobol", whose number of points does not grow with the dimension.',
    );
  }
  if (points > MOST_ON_AN_AXIS) {
    throw new SpecError(paths.points, points, `at most ${MOST_ON_AN_AXIS} on an axis`, "More are not needed.");
  }
  return atoms;
}
