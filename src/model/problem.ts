// A problem: what is learned, by which units, from where.                                      theory §1, §3–§5

import { SpecError } from "../engine/errors";
import { isInfinite, type Law, lawDimension, lawSchema } from "./law";
import { choice, object, optional, parseSpec, refined, type Schema } from "./spec";
import { type RadiusLaw, type Start, startSchema } from "./start";
import { parameterDimension, type Unit, unitSchema } from "./unit";

/** A learning problem, as plain JSON. */
export interface Problem {
  law: Law;
  unit: Unit;
  start: Start;
  /** R(ρ) = E|y − f(x; ρ)|² */
  loss: "squared";
}

/** A problem as a user writes it: `loss` may be left out. */
export type ProblemInput = Omit<Problem, "loss"> & { loss?: "squared" };

/**
 * How many of the radii (r1, r2) a law tells apart: 2 for anisotropic Gaussians whose signal space is not all of R^d.
 *
 * @param law  the law
 */
export function radialAxes(law: Law): 1 | 2 {
  if (law.kind !== "anisotropicGaussians") return 1;
  return law.signal === (law.dimension === "infinite" ? 1 : law.dimension) ? 1 : 2;
}

/** Schema of a problem; its parts are checked one by one and then against each other. */
export const problemSchema: Schema<Problem> = refined(
  object("a problem { law, unit, start }", {
    law: lawSchema,
    unit: unitSchema,
    start: startSchema,
    loss: optional(choice("squared"), "squared"),
  }),
  (problem): Problem => ({ ...problem, start: fittedStart(problem) }),
);

/**
 * A problem, checked and normalised: defaults are filled in, numbers in lists become tensors.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseProblem(value: unknown, path = "problem"): Problem {
  return parseSpec(problemSchema, value, path);
}

function fittedStart({ law, unit, start }: Problem): Start {
  if (start.kind === "particles") {
    const { shape } = start.theta;
    if (isInfinite(law)) {
      throw new SpecError("start.theta", shape, "radii or a Gaussian start, as the dimension is infinite");
    }
    const d = lawDimension(law);
    const D = parameterDimension(unit, d);
    if (shape[1] !== D) {
      const row = unit.kind === "ridge" ? "w" : "(a, b, w)";
      throw new SpecError("start.theta", shape, `shape [N, ${D}], rows ${row} for inputs of length ${d}`);
    }
    return start;
  }
  if (start.kind === "radii") checkRadii(start.r2, law);
  if (unit.kind === "affine") {
    const { a = 1, b = 0, ...rest } = start;
    return { ...rest, a, b };
  }
  for (const name of ["a", "b"] as const) {
    if (start[name] !== undefined) {
      throw new SpecError(`start.${name}`, start[name], "nothing, as a ridge unit has the weights w alone");
    }
  }
  return start;
}

function checkRadii(r2: RadiusLaw | null, law: Law): void {
  if (radialAxes(law) === 2 && r2 === null) {
    throw new SpecError("start.r2", r2, "the law of the second radius, as the signal space is not the whole space");
  }
  if (radialAxes(law) === 1 && r2 !== null) {
    throw new SpecError("start.r2", r2, "null, as w has one radius here: r1 = |w|");
  }
}
