// Predictions f(x; ρ) = ∫ σ*(x; θ) ρ(dθ) of any measure at given inputs.                                 theory §1, §5

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { setBatchCount, writeBatch, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import type { Tensor } from "../model/tensor";
import { asParticles, type Measure, type Particles } from "./measure";
import { radialPredictions } from "./radialPredictions";

/**
 * Predictions of a measure.
 *
 * @param x  [n, d], an input a row
 * @returns n numbers (n rows of K for K outputs), and how they were computed: `exact` for a network, `quadrature` over directions for a radial law
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
  if (measure.coordinates === "theta") {
    const points = asParticles(measure);
    return { values: networkPredictions(points, problem, engine, x.data, x.shape[0]!), method: "exact" };
  }
  return { values: radialPredictions(measure, problem, x.data, x.shape[0]!), method: "quadrature" };
}

/** Most examples that stand in kernel memory at once. */
const MOST_EXAMPLES = 4096;

/**
 * Predictions of a network, or of weighted particles, at `count` inputs: rows of K, in f64.
 *
 * @param inputs  [count, d], row-major
 */
export function networkPredictions(
  network: Particles,
  problem: Problem,
  engine: Engine,
  inputs: Float64Array,
  count: number,
): Float64Array {
  const [neurons] = network.shape;
  const d = inputs.length / count;
  const memory = engine.memory();
  try {
    const net = writeNetwork(memory, problem.unit, d, neurons, "f64", network.weights);
    const theta = new Float64Array(net.length);
    theta.set(network.values);
    if (network.outputBias) theta.set(network.outputBias, network.values.length);
    engine.kernels.importTheta_f64(net.block, memory.put("f64", theta));
    const batch = writeBatch(memory, net, Math.min(count, MOST_EXAMPLES));
    const x = memory.put("f64", inputs);
    const out = new Float64Array(count * net.outputs);
    for (let from = 0; from < count; from += MOST_EXAMPLES) {
      const here = Math.min(MOST_EXAMPLES, count - from);
      setBatchCount(memory, batch, here);
      engine.kernels.packInputs_f64(net.block, batch.block, x + from * d * 8, 0, here);
      engine.kernels.forward_f64(net.block, batch.block);
      out.set(memory.f64(batch.predictions, here * net.outputs), from * net.outputs);
    }
    return out;
  } finally {
    memory.free();
  }
}
