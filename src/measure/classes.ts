// Whether a problem has classes, so that a measure has an accuracy on it: asked before a run, while what finds it is loaded when it is found.

import { SpecError } from "../engine/errors";
import { isInfinite } from "../model/law";
import type { Problem } from "../model/problem";

/** Why a law of the radii has no accuracy. */
export const RADIAL =
  "A prediction of a law of the radii is an integral over directions, too dear for a sample of them; nonlinear dynamics has particles.";

/**
 * Checks that a problem's labels are classes.
 *
 * @param path  where the problem stands
 * @throws {SpecError} where they are other numbers, where there are no examples, or where their dimension is infinite
 */
export function checkAccuracy({ law, loss }: Problem, path = "problem"): void {
  const isClass = (y: number) => y === 1 || y === -1;
  if (isInfinite(law)) throw new SpecError(`${path}.law.dimension`, "infinite", "a finite dimension, to draw examples");
  if (law.kind === "none") throw new SpecError(`${path}.law.kind`, law.kind, "a law with examples to classify");
  if (loss !== "squared") return;
  const values =
    law.kind === "teacher" ||
    (law.kind === "dataset" && !(law.y.shape.length === 1 && law.y.data.every(isClass))) ||
    (law.kind === "mixture" && !law.components.every(({ label }) => isClass(label)));
  if (values) {
    const expected = '"logistic" or "crossEntropy", or labels ±1, as other numbers are no classes';
    throw new SpecError(`${path}.loss`, loss, expected);
  }
}
