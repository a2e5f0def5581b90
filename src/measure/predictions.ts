// Predictions f(x; ρ) = ∫ σ*(x; θ) ρ(dθ) of any measure at given inputs.                                 theory §1, §5

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Memory } from "../engine/memory";
import { type NetworkBlock, setBatchCount, viewNetwork, writeBatch, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";
import { outputsOf, parameterDimension } from "../model/unit";
import { asParticles, type Fluctuation, type Measure, type Particles } from "./measure";
import { radialPredictions } from "./radialPredictions";

/**
 * Predictions of a measure; of a fluctuation, how far they are from those of its base, ⟨η, σ*(x; ·)⟩.
 *
 * @param problem  with its defaults filled in, as `simulation.process.problem` or `parseProblem` gives it
 * @param engine   what `loadEngine` gave, or `simulation.engine`
 * @param inputs   [n, d], an input a row
 * @returns n numbers (n rows of K for K outputs), and how they were computed: `exact` for a network, `quadrature` over directions for a radial law
 * @throws {SpecError} where the inputs have another dimension than the law
 */
export function predictionsOf(
  measure: Measure,
  problem: Problem,
  engine: Engine,
  inputs: TensorLike,
): { values: Float64Array; method: string } {
  const x = toF64(readTensor(inputs, "x"));
  const d = lawDimension(problem.law);
  if (x.shape.length !== 2 || x.shape[1] !== d) {
    throw new SpecError("x", x.shape, `inputs of shape [n, ${d}], as the law's dimension is ${d}`);
  }
  if (measure.kind === "fluctuation") {
    return { values: fluctuationPredictions(measure, problem, engine, x.data, x.shape[0]!), method: "exact" };
  }
  if (measure.coordinates === "theta") {
    const points = asParticles(measure);
    checkNetwork(points, problem);
    return { values: networkPredictions(points, problem, engine, x.data, x.shape[0]!), method: "exact" };
  }
  return { values: radialPredictions(measure, problem, x.data, x.shape[0]!), method: "quadrature" };
}

/** Most examples that stand in kernel memory at once. */
export const MOST_EXAMPLES = 4096;

/**
 * Checks that particles are neurons of a problem's units.
 *
 * @throws {SpecError} where a row, or the output bias, has another length
 */
export function checkNetwork(network: Particles, problem: Problem): void {
  const { unit } = problem;
  const D = parameterDimension(unit, lawDimension(problem.law));
  if (network.shape[1] !== D) throw new SpecError("measure.shape", network.shape, `[N, ${D}], as the problem says`);
  if (network.outputBias === null) return;
  const K = outputsOf(unit);
  if (unit.kind === "ridge" || !unit.outputBias) {
    throw new SpecError("measure.outputBias", network.outputBias, "null, as the unit has no output bias");
  }
  if (network.outputBias.length !== K) {
    throw new SpecError("measure.outputBias", network.outputBias, `${K} numbers, one an output`);
  }
}

/** Writes a network, or weighted particles, into kernel memory, in f64; without an output bias it is 0. */
export function loadNetwork(memory: Memory, engine: Engine, problem: Problem, network: Particles): NetworkBlock {
  const d = lawDimension(problem.law);
  const block = writeNetwork(memory, problem.unit, d, network.shape[0], "f64", network.weights);
  const theta = new Float64Array(block.length);
  theta.set(network.values);
  if (network.outputBias) theta.set(network.outputBias, network.values.length);
  engine.kernels.importTheta_f64(block.block, memory.put("f64", theta));
  return block;
}

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
  const d = inputs.length / count;
  const memory = engine.memory();
  try {
    const net = loadNetwork(memory, engine, problem, network);
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

// ⟨η, σ*(x; ·)⟩ and the fluctuation of the output bias: predictions of masses ω, and their derivative along b.
function fluctuationPredictions(
  eta: Fluctuation,
  problem: Problem,
  engine: Engine,
  inputs: Float64Array,
  count: number,
): Float64Array {
  const { base, weights, displacements, outputBias } = eta;
  checkNetwork(base, problem);
  const d = inputs.length / count;
  const memory = engine.memory();
  try {
    const { forward_f64, importTheta_f64, packInputs_f64, tangentForward_f64 } = engine.kernels;
    const network = loadNetwork(memory, engine, problem, base);
    // the same neurons with masses ω, and without the base's bias
    const signed = loadNetwork(memory, engine, problem, { ...base, weights, outputBias: null });
    const direction = viewNetwork(memory, network, memory.allocate(network.bytes));
    const turn = new Float64Array(network.length);
    turn.set(displacements);
    if (outputBias) turn.set(outputBias, displacements.length);
    importTheta_f64(direction.block, memory.put("f64", turn));
    const batch = writeBatch(memory, network, Math.min(count, MOST_EXAMPLES));
    const x = memory.put("f64", inputs);
    const rows = memory.reserve("f64", Math.min(count, MOST_EXAMPLES) * network.outputs);
    const out = new Float64Array(count * network.outputs);
    for (let from = 0; from < count; from += MOST_EXAMPLES) {
      const here = Math.min(MOST_EXAMPLES, count - from);
      setBatchCount(memory, batch, here);
      packInputs_f64(network.block, batch.block, x + from * d * 8, 0, here);
      forward_f64(signed.block, batch.block);
      tangentForward_f64(network.block, direction.block, batch.block, rows);
      const sampled = memory.f64(batch.predictions, here * network.outputs);
      const moved = memory.f64(rows, here * network.outputs);
      for (let i = 0; i < sampled.length; i++) out[from * network.outputs + i] = sampled[i]! + moved[i]!;
    }
    return out;
  } finally {
    memory.free();
  }
}
