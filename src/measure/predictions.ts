// Predictions f(x; ρ) = ∫ σ*(x; θ) ρ(dθ) of any measure at given inputs.                                 theory §1, §5

import { PANEL, TILE } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import type { Tensor } from "../model/tensor";
import type { Measure, Particles } from "./measure";
import { radialPredictions } from "./radialPredictions";

/**
 * Predictions of a measure.
 *
 * @param x  [n, d], an input a row
 * @returns n numbers, and how they were computed: `exact` for a network, `quadrature` over directions for a radial law
 * @throws {SpecError} where the inputs have another dimension than the law
 */
export function predictionsOf(
  measure: Measure,
  problem: Problem,
  engine: Engine,
  x: Tensor<"f64">,
): { values: Float64Array; method: string } {
  const d = lawDimension(problem.law);
  if (x.shape.length !== 2 || x.shape[1] !== d) {
    throw new SpecError("x", x.shape, `inputs of shape [n, ${d}], as the law's dimension is ${d}`);
  }
  if (measure.kind === "particles" && measure.coordinates === "theta") {
    return { values: networkPredictions(measure, problem, engine, x.data, x.shape[0]!), method: "exact" };
  }
  return { values: radialPredictions(measure, problem, x.data, x.shape[0]!), method: "quadrature" };
}

/** Predictions of a network at `count` inputs, row-major; in f64. */
export function networkPredictions(
  network: Particles,
  problem: Problem,
  engine: Engine,
  inputs: Float64Array,
  count: number,
): Float64Array {
  const [neurons, parameters] = network.shape;
  const d = inputs.length / count;
  if (network.weights) {
    throw new SpecError("measure.weights", network.weights, "neurons of equal weight, as a network has them");
  }
  const memory = engine.memory();
  try {
    const { block } = writeNetwork(memory, problem.unit, d, neurons, "f64");
    const theta = memory.put("f64", network.values);
    engine.kernels.importTheta_f64(block, theta);
    const stride = Math.ceil((neurons * 8) / PANEL) * PANEL;
    const scratch = memory.allocate((parameters + 1) * TILE * 8 + (2 * TILE + 2) * stride + 1024);
    const x = memory.put("f64", inputs);
    const out = memory.reserve("f64", count);
    engine.kernels.predict_f64(block, x, count, out, scratch);
    return memory.f64(out, count).slice();
  } finally {
    memory.free();
  }
}
