// The network that the studies of sharpness run: y = sin 2x at 16 points, 32 tanh neurons, a normal start.
//
// It is small enough for λ_max at every step, and its gradient flow sharpens by a factor of three.

import { sin } from "../../engine/math";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";

/** N */
export const SINE_NEURONS = 32;

const EXAMPLES = 16;

/**
 * The problem.
 *
 * @param error  of the labels, ± in turn (0)
 */
export function sineNetwork(error = 0): ProblemInput {
  const normal = { mean: 0, deviation: 1 };
  const x = Array.from({ length: EXAMPLES }, (_, q) => -2 + (4 * q) / (EXAMPLES - 1));
  return {
    law: dataset({ x: x.map((one) => [one]), y: x.map((one, q) => sin(2 * one) + (q % 2 === 0 ? error : -error)) }),
    unit: affine(tanh()),
    start: gaussian({ w: normal, a: normal, b: normal }),
  };
}
