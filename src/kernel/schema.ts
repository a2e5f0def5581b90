// What a kernel has to be, apart from kernel.ts, so that a page has the factories without it.

import { activationSchema } from "../model/activation";
import { flag, kind, number, object, oneOf, optional, parseSpec, type Schema } from "../model/spec";
import type { Kernel } from "./kernel";

const positive = number("a positive number", (x) => x > 0);
const atLeastZero = number("a number, 0 or more", (x) => x >= 0);

const wideNetwork = {
  activation: activationSchema,
  weightVariance: optional(positive, 1),
  biasVariance: optional(atLeastZero, 0),
  outputVariance: optional(atLeastZero, 1),
};

/** Schema of a kernel. */
export const kernelSchema: Schema<Kernel> = oneOf("a kernel", {
  rbf: object("an rbf kernel", { kind: kind("rbf"), lengthScale: positive }),
  matern: object("a Matérn kernel", {
    kind: kind("matern"),
    smoothness: number("0.5, 1.5 or 2.5", (x) => x === 0.5 || x === 1.5 || x === 2.5) as Schema<0.5 | 1.5 | 2.5>,
    lengthScale: positive,
  }),
  arcCosine: object("an arc-cosine kernel", {
    kind: kind("arcCosine"),
    degree: number("0 or 1", (x) => x === 0 || x === 1) as Schema<0 | 1>,
  }),
  erf: object("an erf kernel", {
    kind: kind("erf"),
    weightVariance: optional(positive, 1),
    biasVariance: optional(atLeastZero, 0),
  }),
  nngp: object("an nngp kernel", { kind: kind("nngp"), ...wideNetwork }),
  ntk: object("an ntk kernel", { kind: kind("ntk"), ...wideNetwork, trainBias: optional(flag, false) }),
});

/**
 * A kernel, checked, with every default filled in.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseKernel(value: unknown, path = "kernel"): Kernel {
  return parseSpec(kernelSchema, value, path);
}
