// Modified losses: the loss whose gradient flow goes through the steps of GD, or through the mean of SGD's epochs, to second order.
//                                                                                     theory §11; docs/finiteSteps.md
//   GD, full                      L + (ε/4) |∇L|²
//   SGD without replacement       L + (ε/4) |∇L|² + (ε/4) E|∇L̂ − ∇L|²,   E|∇L̂ − ∇L|² = (n − B)/(B (n − 1)) (Σ_q m_q |∇ℓ_q|² − |∇L|²)
//
// Gradients are those of the library's time: |∇L|² = Σ_i m_i |v̄(θ_i)|² + |v̄_c|², v̄ the velocity of neuron i and v̄_c that of the output
// bias. For N neurons of equal weight it is N times the squared norm of ∂L/∂Θ.

import { type Engine, loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { asParticles, type Measure } from "../measure/measure";
import { checkNetwork, loadNetwork } from "../measure/predictions";
import { viewNetwork } from "../model/blocks";
import { potentialFunctions } from "../model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import { parseSpec } from "../model/spec";
import { batchShare } from "../process/correction";
import { writeDescent } from "../process/descent";
import { exampleGradients } from "../process/exampleGradients";
import { checkSampling, correctionSchema } from "../process/fluctuationSchema";
import type { Correction } from "../process/schemaParts";

/** Which steps a modified loss is of. */
export type ModifiedLossOptions = Partial<Correction> & {
  stepSize: number;
  /** Build of the kernels. */
  backend?: Backend | undefined;
};

/** A modified loss and its parts. */
export interface ModifiedLoss {
  /** loss + gradientPenalty + noisePenalty */
  value: number;
  /** L: the energy F + ∫U, F = R/2 for the squared loss */
  loss: number;
  /** (ε/4) |∇L|² */
  gradientPenalty: number;
  /** (ε/4) E|∇L̂ − ∇L|², of SGD without replacement; 0 of GD */
  noisePenalty: number;
  /** |∇L|², which is −dL/dt along the gradient flow */
  squaredGradient: number;
  /** E|∇L̂ − ∇L|² over a batch's draws; 0 of GD */
  gradientVariance: number;
}

/** See the function of the same name in src/landscape/onDemand.ts. */
export async function modifiedLoss(
  problem: ProblemInput,
  measure: Measure,
  { backend, ...options }: ModifiedLossOptions,
): Promise<ModifiedLoss> {
  const checked = parseProblem(problem);
  const correction = parseSpec(correctionSchema, options, "options");
  if (checked.law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", checked.law.kind, '"dataset", a finite law', remedy);
  }
  checkSampling(checked, correction, "options", asParticles(measure).shape[0]);
  const parts = partsOf(checked, measure, correction, await loadEngine({ backend }));
  const gradientPenalty = (correction.stepSize / 4) * parts.squaredGradient;
  const noisePenalty = (correction.stepSize / 4) * parts.gradientVariance;
  return { value: parts.loss + gradientPenalty + noisePenalty, gradientPenalty, noisePenalty, ...parts };
}

function partsOf(
  problem: Problem,
  measure: Measure,
  correction: Correction,
  engine: Engine,
): Pick<ModifiedLoss, "loss" | "squaredGradient" | "gradientVariance"> {
  if (problem.law.kind !== "dataset") throw new TypeError("a finite law");
  const law = asParticles(measure);
  checkNetwork(law, problem);
  const [N, D] = law.shape;
  const memory = engine.memory();
  try {
    const network = loadNetwork(memory, engine, problem, law);
    const theta = memory.reserve("f64", network.length);
    const { exportTheta_f64, velocity_f64 } = engine.kernels;
    // F and ⟨v̄, v̄⟩, with the confinement or without
    const at = (of: Problem): { energy: number; square: number } => {
      const descent = writeDescent(memory, engine, of, network, {
        neurons: N,
        source: { kind: "full" },
        masses: law.weights,
        seed: 0,
        replica: 0,
      });
      descent.refresh();
      const energy = velocity_f64(descent.plan);
      exportTheta_f64(viewNetwork(memory, network, descent.velocity).block, theta);
      const v = memory.f64(theta, network.length);
      let sum = 0;
      for (let i = 0; i < N; i++) {
        let square = 0;
        for (let j = i * D; j < (i + 1) * D; j++) square += v[j]! * v[j]!;
        sum += (law.weights?.[i] ?? 1 / N) * square;
      }
      for (let k = N * D; k < v.length; k++) sum += v[k]! * v[k]!;
      return { energy, square: sum };
    };
    const { energy, square: squaredGradient } = at(problem);
    let loss = energy;
    if (problem.confinement) {
      const { value } = potentialFunctions(problem.confinement);
      for (let i = 0; i < N; i++) {
        loss += (law.weights?.[i] ?? 1 / N) * value(law.values.subarray(i * D, (i + 1) * D));
      }
    }
    const share = batchShare(correction, problem.law.x.shape[0]!);
    if (share === 0) return { loss, squaredGradient, gradientVariance: 0 };
    const state = new Float64Array(network.length);
    state.set(law.values);
    if (law.outputBias) state.set(law.outputBias, law.values.length);
    const own = exampleGradients(memory, engine, problem, network, law.weights).at(state);
    const mean = problem.confinement ? at({ ...problem, confinement: null }).square : squaredGradient;
    return { loss, squaredGradient, gradientVariance: share * Math.max(0, own - mean) };
  } finally {
    memory.free();
  }
}
