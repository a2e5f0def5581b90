// Units σ*(x; θ): what one neuron gives, and which parameters it has.                             theory §1, §3

import { type Activation, activationSchema } from "./activation";
import { exactly, flag, kind, object, oneOf, optional, parseSpec, type Schema } from "./spec";

/** A unit, as plain JSON: `ridge` is σ(⟨w,x⟩) with θ = w, `affine` is a σ(⟨w,x⟩ + b) with θ = (a, b, w). */
export type Unit =
  | { kind: "ridge"; activation: Activation }
  | { kind: "affine"; activation: Activation; outputs: 1; outputBias: false; trainOutput: boolean };

/**
 * The unit σ(⟨w,x⟩), θ = w.
 *
 * @param activation  σ
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, section 2; theory §1
 */
export function ridge(activation: Activation): Unit {
  return parseUnit({ kind: "ridge", activation });
}

/**
 * The unit a σ(⟨w,x⟩ + b), θ = (a, b, w).
 *
 * @param activation  σ
 * @param options     trainOutput: whether a moves (true); outputs: 1 and outputBias: false are the only ones there are
 * @throws {SpecError} with the path of the wrong field
 * @see theory §3
 */
export function affine(
  activation: Activation,
  options: { outputs?: 1; outputBias?: false; trainOutput?: boolean } = {},
): Unit {
  return parseUnit({ kind: "affine", activation, ...options });
}

/**
 * Number D of parameters of one neuron.
 *
 * @param unit       the unit
 * @param dimension  d, length of an input
 */
export function parameterDimension(unit: Unit, dimension: number): number {
  return weightOffset(unit) + dimension;
}

/**
 * Number of parameters that stand before w in θ: 0 for ridge, 2 for affine (a, b).
 *
 * @param unit  the unit
 */
export function weightOffset(unit: Unit): number {
  return unit.kind === "ridge" ? 0 : 2;
}

const one = exactly(1, "1, the only number of outputs there is");
const off = exactly(false, "false, for there is no output bias");

/** Schema of a unit. */
export const unitSchema: Schema<Unit> = oneOf(
  "a unit",
  {
    ridge: object("a ridge unit", { kind: kind("ridge"), activation: activationSchema }),
    affine: object("an affine unit", {
      kind: kind("affine"),
      activation: activationSchema,
      outputs: optional(one, 1),
      outputBias: optional(off, false),
      trainOutput: optional(flag, true),
    }),
  },
  "A unit is ridge(activation) or affine(activation); your own activation is tabulate(fn, { from, to, points }).",
);

/**
 * A unit, checked and normalised.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseUnit(value: unknown, path = "unit"): Unit {
  return parseSpec(unitSchema, value, path);
}
