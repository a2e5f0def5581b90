// The drift that turns a gradient flow into the flow of a modified loss: what the steps of GD, or of SGD without replacement, add to it.
//                                                                                                    docs/finiteSteps.md
//   full                  −(ε/2) Dv̄[v̄]                                                     of L + (ε/4)|∇L|²
//   without replacement   −(ε/2) (Dv̄[v̄] + φ (Σ_q m_q Dd_q[d_q] − Dd̄[d̄]))                   of L + (ε/4)(|∇L|² + E|∇L̂ − ∇L|²)
//
// d_q is the velocity that example q gives, without the confinement, d̄ its mean, and φ = (n − B)/(B (n − 1)).

import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { type NetworkBlock, viewNetwork } from "../model/blocks";
import type { Problem } from "../model/problem";
import { type Descent, writeDescent } from "./descent";
import { exampleGradients } from "./exampleGradients";
import { linearisation } from "./linearised";
import type { Correction } from "./schemaParts";

/** The drift of a modified loss at a state. */
export interface CorrectionDrift {
  /**
   * out += the drift; the velocity of the state was evaluated just before. False where it is not finite.
   *
   * @param theta  the state, as `exportTheta` gives it
   */
  addTo(theta: Float64Array, out: Float64Array): boolean;
}

/** Share of the variance of one example's gradient that a batch of B of n without replacement has. */
export function batchShare({ sampling, batchSize }: Correction, n: number): number {
  return sampling === "full" || n === 1 ? 0 : (n - batchSize) / (batchSize * (n - 1));
}

/**
 * The drift of a modified loss.
 *
 * @param descent  of the network, over the atoms of a finite law or of a quadrature
 * @param masses   of the neurons in f; 1/N each if null
 */
export function correctionDrift(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  descent: Descent,
  masses: Float64Array | null,
  correction: Correction,
): CorrectionDrift {
  const { stepSize } = correction;
  const turned = memory.allocate(network.bytes);
  const result = viewNetwork(memory, network, turned).block;
  const theta = memory.reserve("f64", network.length);
  const { exportTheta_f64, velocity_f64 } = engine.kernels;
  const turnOf = (of: Problem, by: Descent) => {
    const { derivative } = linearisation(memory, engine, of, network, by.batch!, by.atoms);
    const direction = viewNetwork(memory, network, by.velocity);
    return (out: Float64Array, factor: number) => {
      derivative(network, direction, turned);
      exportTheta_f64(result, theta);
      const turn = memory.f64(theta, network.length);
      for (let i = 0; i < out.length; i++) out[i]! += factor * turn[i]!;
    };
  };
  const mean = turnOf(problem, descent);
  const { law } = problem;
  const share = law.kind === "dataset" ? batchShare(correction, law.x.shape[0]!) : 0;
  if (share === 0) {
    return {
      addTo(_, out) {
        mean(out, -stepSize / 2);
        return out.every(Number.isFinite);
      },
    };
  }
  const examples = exampleGradients(memory, engine, problem, network, masses);
  const push = new Float64Array(network.length);
  // Dd̄[d̄] is Dv̄[v̄] where nothing confines
  const free = problem.confinement ? { ...problem, confinement: null } : null;
  const neurons = network.length;
  const data = free
    ? writeDescent(memory, engine, free, network, { neurons, source: { kind: "full" }, masses, seed: 0, replica: 0 })
    : null;
  const dataTurn = data && turnOf(free!, data);
  return {
    addTo(state, out) {
      mean(out, (-stepSize / 2) * (data ? 1 : 1 - share));
      if (data && dataTurn) {
        if (!Number.isFinite(velocity_f64(data.plan))) return false;
        dataTurn(out, (stepSize / 2) * share);
      }
      examples.at(state, push);
      for (let i = 0; i < out.length; i++) out[i]! -= (stepSize / 2) * share * push[i]!;
      return out.every(Number.isFinite);
    },
  };
}
