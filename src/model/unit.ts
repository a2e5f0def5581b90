// Units σ*(x; θ): what one neuron gives, and which parameters it has.                             theory §1, §3

import { type Activation, activationSchema } from "./activation";
import { flag, integer, kind, object, oneOf, optional, parseSpec, type Schema } from "./spec";

/**
 * A unit, as plain JSON: `ridge` is σ(⟨w,x⟩) with θ = w, `affine` is a σ(⟨w,x⟩ + b) with a ∈ R^K, θ = (a_1 … a_K, b, w).
 * An output bias c ∈ R^K is a parameter of the network, not of its neurons: f = c + ∫ σ* dρ.
 */
export type Unit =
  | { kind: "ridge"; activation: Activation }
  | {
      kind: "affine";
      activation: Activation;
      outputs: number;
      outputBias: boolean;
      trainOutput: boolean;
      trainBias: boolean;
    };

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
 * The unit a σ(⟨w,x⟩ + b), θ = (a_1 … a_K, b, w).
 *
 * @param activation  σ
 * @param options     outputs: K (1); outputBias: whether the network has a bias c ∈ R^K, which starts at 0 and is trained
 *                    (false); trainOutput, trainBias: whether a and b move (true); a b that does not starts at 0 unless the start
 *                    says otherwise, so `trainBias: false` is the unit a σ(⟨w,x⟩)
 * @throws {SpecError} with the path of the wrong field
 * @see theory §3
 */
export function affine(
  activation: Activation,
  options: { outputs?: number; outputBias?: boolean; trainOutput?: boolean; trainBias?: boolean } = {},
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
 * Number of parameters that stand before w in θ: 0 for ridge, K + 1 for affine (a_1 … a_K, b).
 *
 * @param unit  the unit
 */
export function weightOffset(unit: Unit): number {
  return unit.kind === "ridge" ? 0 : unit.outputs + 1;
}

/**
 * Number K of outputs.
 *
 * @param unit  the unit
 */
export function outputsOf(unit: Unit): number {
  return unit.kind === "ridge" ? 1 : unit.outputs;
}

/**
 * Whether parameter j of a neuron's θ moves.
 *
 * @param unit  the unit
 * @param j     its place in θ = (a_1 … a_K, b, w_1 … w_d)
 */
export function isTrained(unit: Unit, j: number): boolean {
  if (unit.kind === "ridge" || j > unit.outputs) return true;
  return j === unit.outputs ? unit.trainBias : unit.trainOutput;
}

/**
 * Names of the parameters that stand before w in θ: none for ridge; a (or a0 … for K outputs) and b for affine.
 *
 * @param unit  the unit
 */
export function outerNames(unit: Unit): string[] {
  if (unit.kind === "ridge") return [];
  return unit.outputs === 1 ? ["a", "b"] : [...Array.from({ length: unit.outputs }, (_, k) => `a${k}`), "b"];
}

/** Most outputs a network may have. */
const MOST_OUTPUTS = 1024;

/** Schema of a unit. */
export const unitSchema: Schema<Unit> = oneOf(
  "a unit",
  {
    ridge: object("a ridge unit", { kind: kind("ridge"), activation: activationSchema }),
    affine: object("an affine unit", {
      kind: kind("affine"),
      activation: activationSchema,
      outputs: optional(integer(1, MOST_OUTPUTS), 1),
      outputBias: optional(flag, false),
      trainOutput: optional(flag, true),
      trainBias: optional(flag, true),
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
