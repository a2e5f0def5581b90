// A problem: what is learned, by which units, from where.                                      theory §1, §3–§5, §7

import { SpecError } from "../engine/errors";
import { identity } from "./activation";
import { checkLabels, type Loss } from "./labels";
import { isInfinite, type Law, lawDimension, lawSchema } from "./law";
import { isLocalPotential, type Potential, potentialSchema } from "./potential";
import { choice, object, optional, orNull, parseSpec, refined, type Schema } from "./spec";
import { type RadiusLaw, type Start, startSchema } from "./start";
import { outerNames, parameterDimension, ridge, type Unit, unitSchema } from "./unit";

/** A learning problem, as plain JSON. */
export interface Problem {
  law: Law;
  unit: Unit;
  start: Start;
  /** squared: R = E|y − f|², E = R/2; logistic: E log(1 + e^{−yf}), y = ±1; crossEntropy: −E Σ_k y_k log softmax(f)_k */
  loss: Loss;
  /** U, added to the energy: every θ_i feels −∇U (not the output bias); null is U = 0 */
  confinement: Potential | null;
}

/** A problem as a user writes it: `loss` and `confinement` may be left out. */
export type ProblemInput = Omit<Problem, "loss" | "confinement"> & { loss?: Loss; confinement?: Potential | null };

/**
 * How many of the radii (r1, r2) a law tells apart: 2 for anisotropic Gaussians whose signal space is not all of R^d.
 *
 * @param law  the law
 */
export function radialAxes(law: Law): 1 | 2 {
  if (law.kind !== "anisotropicGaussians") return 1;
  return law.signal === (law.dimension === "infinite" ? 1 : law.dimension) ? 1 : 2;
}

/**
 * A problem without examples, F = 0: parameters θ ∈ R^d that move in a potential alone.
 *
 * @param potential  V, the confinement
 * @param options    dimension: d; start: of θ = w
 * @throws {SpecError} with the path of the wrong field
 * @see theory §7, "single-potential Langevin": Gibbs' law exp(−V/τ)
 */
export function potentialProblem(potential: Potential, options: { dimension: number; start: Start }): Problem {
  const { dimension, start } = options;
  return parseProblem({ law: { kind: "none", dimension }, unit: ridge(identity()), start, confinement: potential });
}

/** Schema of a problem; its parts are checked one by one and then against each other. */
export const problemSchema: Schema<Problem> = refined(
  object("a problem { law, unit, start }", {
    law: lawSchema,
    unit: unitSchema,
    start: startSchema,
    loss: optional(choice("squared", "logistic", "crossEntropy"), "squared"),
    confinement: orNull(potentialSchema),
  }),
  (problem): Problem => {
    checkLabels(problem);
    checkDecay(problem);
    return { ...problem, start: fittedStart(problem) };
  },
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

/** Whether a problem holds functions, so that its specification cannot leave this thread. */
export function isLocalProblem(problem: Problem): boolean {
  return isLocalPotential(problem.confinement);
}

/**
 * Checks that a problem is plain JSON, so that it can be written and sent.
 *
 * @param path    where the problem stands
 * @param reason  why it has to be, as in `because it goes to a worker`
 * @param remedy  what else there is, in a sentence
 * @throws {SpecError} naming the part that is functions
 */
export function checkPlain(problem: Problem, path: string, reason: string, remedy = ""): void {
  if (!isLocalProblem(problem)) return;
  const plain = "separable(tabulate(fn, { from, to, points })) is plain.";
  const expected = `a potential that is plain JSON, ${reason}`;
  throw new SpecError(`${path}.confinement`, "functions", expected, `${plain}${remedy ? ` ${remedy}` : ""}`);
}

function checkDecay({ law, confinement }: Problem): void {
  if (law.kind !== "dataset" || law.decay === undefined) return;
  if (confinement !== null && confinement.kind !== "function") return;
  throw new SpecError(
    "confinement",
    confinement === null ? null : "functions",
    "quadratic(…) or separable(…), as law.decay says how much of it each example has",
  );
}

function fittedStart({ law, unit, start }: Problem): Start {
  if (start.kind === "particles" || start.kind === "grid") {
    const path = start.kind === "particles" ? "start.theta" : "start.edges";
    const shape = start.kind === "particles" ? start.theta.shape : start.edges.map(({ data }) => data.length);
    if (isInfinite(law)) throw new SpecError(path, shape, "radii or a Gaussian start, as the dimension is infinite");
    const d = lawDimension(law);
    const D = parameterDimension(unit, d);
    if (start.kind === "particles" && shape[1] !== D) {
      const row = unit.kind === "ridge" ? "w" : `(${outerNames(unit).join(", ")}, w)`;
      throw new SpecError(path, shape, `shape [N, ${D}], rows ${row} for inputs of length ${d}`);
    }
    if (start.kind === "grid" && shape.length !== D) {
      throw new SpecError(path, shape, `${D} lists of edges, one a parameter of a neuron`);
    }
    return start;
  }
  if (start.kind === "radii") checkRadii(start.r2, law);
  if (start.kind === "normal" && isInfinite(law)) {
    throw new SpecError("start.w", start.w, "nothing but a radius, as the dimension is infinite");
  }
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
