// Potentials U(θ) that confine parameters, or stand alone: the λU_reg of noisy SGD and Langevin.             theory §7

import { SpecError } from "../engine/errors";
import { type Activation, activationFunctions, activationSchema } from "./activation";
import { callable, isRecord, kind, number, object, oneOf, optional, parseSpec, type Schema } from "./spec";

/**
 * A potential. `quadratic` is (weight/2) Σ_j (θ_j − center)², `separable` is weight · Σ_j u(θ_j) for a function u of one
 * variable (any activation, or `tabulate(fn, …)`). `function` is the user's own, of all of θ; it stays in this thread: it cannot
 * be written, hashed or sent to a worker.
 */
export type Potential =
  | { kind: "quadratic"; weight: number; center: number }
  | { kind: "separable"; weight: number; function: Activation }
  | LocalPotential;

/** A potential as functions of θ ∈ R^D. */
export interface LocalPotential {
  kind: "function";
  value: (theta: Float64Array) => number;
  /** Returns ∇U(θ), D numbers. */
  gradient: (theta: Float64Array) => ArrayLike<number>;
}

/**
 * The potential (weight/2) |θ − center|², of every parameter of a neuron.
 *
 * @param weight   λ ≥ 0
 * @param options  center: of every coordinate (0)
 * @throws {SpecError} with the path of the wrong field
 * @see theory §7
 */
export function quadratic(weight: number, options: { center?: number } = {}): Potential {
  return parsePotential({ kind: "quadratic", weight, ...options });
}

/**
 * The potential weight · Σ_j u(θ_j).
 *
 * @param u        a function of one variable, as a specification: any activation, or `tabulate(fn, { from, to, points })`
 * @param options  weight: λ ≥ 0 (1)
 * @throws {SpecError} with the path of the wrong field
 * @example separable(tabulate((x) => (x * x - 1) ** 2, { from: -3, to: 3, points: 2001 }))
 */
export function separable(u: Activation, options: { weight?: number } = {}): Potential {
  return parsePotential({ kind: "separable", function: u, ...options });
}

/**
 * A potential of your own, of all of θ, for use in this thread only.
 *
 * @param value     U(θ)
 * @param gradient  ∇U(θ), D numbers
 */
export function localPotential(
  value: (theta: Float64Array) => number,
  gradient: (theta: Float64Array) => ArrayLike<number>,
): Potential {
  return parsePotential({ kind: "function", value, gradient });
}

const weight = number("a non-negative number", (x) => x >= 0);

/** Schema of a potential. */
export const potentialSchema: Schema<Potential> = oneOf(
  "a potential",
  {
    quadratic: object("a quadratic potential", {
      kind: kind("quadratic"),
      weight,
      center: optional(number("a finite number"), 0),
    }),
    separable: object("a separable potential", {
      kind: kind("separable"),
      weight: optional(weight, 1),
      function: activationSchema,
    }),
    function: object("a potential { value, gradient }", {
      kind: kind("function"),
      value: callable<LocalPotential["value"]>("a function of θ"),
      gradient: callable<LocalPotential["gradient"]>("a function of θ"),
    }),
  },
  "A potential is quadratic(weight), separable(tabulate(fn, { from, to, points })), or localPotential(value, gradient).",
) as Schema<Potential>;

/**
 * A potential, checked and normalised.
 *
 * @throws {SpecError} with the path of the wrong field
 */
export function parsePotential(value: unknown, path = "potential"): Potential {
  return parseSpec(potentialSchema, value, path);
}

/** Whether a potential is functions, so that its specification cannot leave this thread. */
export function isLocalPotential(value: unknown): value is LocalPotential {
  return isRecord(value) && value["kind"] === "function";
}

/** U and ∇U, ready to be called. */
export interface PotentialFunctions {
  /** U(θ), D numbers in. */
  value(theta: Float64Array): number;
  /** Writes ∇U(θ) over `out`. */
  gradient(theta: Float64Array, out: Float64Array): void;
}

/**
 * U and ∇U of a potential; null is U = 0.
 *
 * @param potential  the potential
 * @throws {SpecError} by `gradient`, where a local potential returns another number of numbers than θ has
 */
export function potentialFunctions(potential: Potential | null): PotentialFunctions {
  if (potential === null) return { value: () => 0, gradient: (_, out) => void out.fill(0) };
  switch (potential.kind) {
    case "quadratic": {
      const { weight, center } = potential;
      return {
        value: (theta) => (weight / 2) * theta.reduce((sum, x) => sum + (x - center) * (x - center), 0),
        gradient: (theta, out) => theta.forEach((x, j) => void (out[j] = weight * (x - center))),
      };
    }
    case "separable": {
      const { weight } = potential;
      const u = activationFunctions(potential.function);
      return {
        value: (theta) => weight * theta.reduce((sum, x) => sum + u.value(x), 0),
        gradient: (theta, out) => theta.forEach((x, j) => void (out[j] = weight * u.derivative(x))),
      };
    }
    case "function":
      return {
        value: (theta) => potential.value(theta),
        gradient(theta, out) {
          const slope = potential.gradient(theta);
          if (slope?.length !== theta.length) {
            throw new SpecError("potential.gradient", slope, `${theta.length} numbers, as θ has`);
          }
          out.set(slope);
        },
      };
  }
}
