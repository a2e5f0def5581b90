// The accuracy of any measure: the share of examples that it puts into their class.                              theory §12
//
//   labels                          class of f                              loss
//   ±1                              its sign                                logistic, squared
//   0 … K−1, or probabilities       the largest of f_1 … f_K                crossEntropy

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { labelRows } from "../model/labels";
import { lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import { tensor } from "../model/tensor";
import { outputsOf } from "../model/unit";
import { checkAccuracy, RADIAL } from "./classes";
import type { Measure } from "./measure";
import { predictionsOf } from "./predictions";
import { meanOf, testSample } from "./testSample";

/** An accuracy and how it was found. */
export interface Accuracy {
  /** In [0, 1]. */
  value: number;
  /** Standard error, where it was sampled; null where it is exact. */
  standardError: number | null;
  method: "exact" | "sample";
}

/**
 * The share of examples that a measure classifies right: exactly over the atoms of a finite law, over fresh examples elsewhere. A
 * label that is probabilities counts with that of the class chosen; a tie chooses none.
 *
 * @param options  points: examples of a sample; seed: of the sample
 * @throws {SpecError} as `checkAccuracy`, and for a law of the radii
 */
export function accuracyOf(
  measure: Measure,
  problem: Problem,
  engine: Engine,
  options: { points: number; seed: number },
): Accuracy {
  checkAccuracy(problem);
  if (measure.coordinates === "radial") throw new SpecError("measure.coordinates", "radial", '"theta"', RADIAL);
  const { law, unit, loss } = problem;
  if (law.kind !== "dataset") {
    const { x, labels } = testSample(problem, engine, options);
    return { ...meanOf(sharesAt(measure, problem, engine, x, labels)), method: "sample" };
  }
  const n = law.x.shape[0]!;
  const labels = labelRows(law.y.data, n, outputsOf(unit), loss);
  let value = 0;
  sharesAt(measure, problem, engine, law.x.data, labels).forEach((share, q) => {
    value += law.weights ? law.weights.data[q]! * share : share;
  });
  // n ones are 1 to the last bit
  return { value: law.weights ? value : value / n, standardError: null, method: "exact" };
}

// 1 where the class is right, 0 where it is wrong, its probability where the label is probabilities
function sharesAt(
  measure: Measure,
  problem: Problem,
  engine: Engine,
  x: Float64Array,
  labels: Float64Array,
): Float64Array {
  const d = lawDimension(problem.law);
  const n = x.length / d;
  const f = predictionsOf(measure, problem, engine, tensor(x, [n, d])).values;
  const K = outputsOf(problem.unit);
  return Float64Array.from({ length: n }, (_, q) => {
    if (problem.loss !== "crossEntropy") return labels[q]! * f[q]! > 0 ? 1 : 0;
    let best = q * K;
    let isTied = false;
    for (let k = best + 1; k < (q + 1) * K; k++) {
      if (f[k]! > f[best]!) {
        best = k;
        isTied = false;
      } else if (f[k] === f[best]) isTied = true;
    }
    return isTied ? 0 : labels[best]!;
  });
}
