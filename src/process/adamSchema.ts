// Specification of Adam.                                                                                             theory §12

import { SpecError } from "../engine/errors";
import { type Problem, problemSchema } from "../model/problem";
import { integer, kind, number, object, optional, refined, type Schema } from "../model/spec";
import { anyGradient, positive, random, type Schedule, withAnyGradient } from "./schemaParts";

/** Adam, as plain JSON. */
export interface AdamProcess {
  kind: "adam";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** β1, of the mean of the velocity */
  beta1: number;
  /** β2, of the mean of its square */
  beta2: number;
  /** ε̂, added to the root of the mean square */
  stabiliser: number;
  /** over all atoms of a finite law, over a batch drawn at each step, or over the law itself */
  gradient: "full" | "batch" | "population";
  /** of a quadrature of the law; null takes the exact population gradient where there is one */
  points: number | null;
  batchSize: number;
  schedule: Schedule;
  replacement: boolean;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

const decay = number("a number in [0, 1)", (beta) => beta >= 0 && beta < 1);

/** Schema of Adam. */
export const adamSchema: Schema<AdamProcess> = refined(
  object("Adam", {
    kind: kind("adam"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    stepSize: positive,
    beta1: optional(decay, 0.9),
    beta2: optional(decay, 0.999),
    stabiliser: optional(positive, 1e-8),
    ...anyGradient,
    ...random,
  }),
  (process): AdamProcess => {
    // a parameter that nothing moves would be 0/0
    if (process.precision === "f32" && Math.fround(process.stabiliser) === 0) {
      throw new SpecError("stabiliser", process.stabiliser, "a number that is more than 0 in f32, from 1e-45 on");
    }
    return withAnyGradient(process, 2);
  },
);
