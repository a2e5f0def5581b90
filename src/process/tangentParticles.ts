// The fluctuation η of SGD about its mean-field limit by tangent particles.                                       docs/fluctuations.md
//
//   η = Σ_j ω_j δ_{θ_j} − Σ_j w_j b_j·∇δ_{θ_j},    h_q = ⟨η, σ*(x_q; ·)⟩ = Σ_j ω_j σ*(x_q; θ_j) + Σ_j w_j b_j·∇σ*(x_q; θ_j)
//
//   b_i ← b_i + dt [∇v̄(θ_i) b_i − Σ_q m_q (ℓ''_q h_q)·∇σ*(x_q; θ_i)] + Σ_q m_q ŝ_q (r_q·∇σ*(x_q; θ_i) − d_q ∇U(θ_i))
//   θ_i ← θ_i + dt v̄(θ_i),    ŝ_q = √(nα) (ΔB_q/√m_q − Σ_p √m_p ΔB_p),    ω constant
//
// The bracket and the noise of the examples are one sweep back, of data weights δc_q = m_q (r_q ŝ_q/dt − ℓ''_q h_q).

import { NET_BIAS, NET_MASSES, PURPOSE_FLUCTUATION } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { DivergenceError } from "../engine/errors";
import type { Memory } from "../engine/memory";
import type { Work } from "../measure/cells";
import { type NetworkBlock, viewNetwork } from "../model/blocks";
import { startParticles } from "../model/particles";
import type { StartRule } from "../model/startQuadrature";
import { stream } from "../random/stream";
import type { DataNoise } from "./dataNoise";
import { type FiniteProblem, limitLost, type MeanField, writeMeanField } from "./meanField";
import type { FluctuationsProcess } from "./schema";
import { gaussianFluctuation } from "./smfe/fluctuation";

/** Points of μ⁰, those carried along with it, and η_0 on them. */
export interface FluctuationStart {
  /** [M, D] */
  theta: Float64Array;
  /** [M], sum 1; 0 for a point that is carried along */
  masses: Float64Array;
  /** [M] ω */
  weights: Float64Array;
}

type Seeded = Pick<FluctuationsProcess, "neurons" | "initialNoise" | "seed" | "replica">;

/**
 * η_0 at the particles of μ⁰: Gaussian; or √n (μ^n − μ⁰) of the n neurons that SGD of the same seed starts from, which are carried
 * along. Where the start is given particles, SGD starts from them all, and there is no such fluctuation.
 */
export function fluctuationStart(problem: FiniteProblem, base: StartRule, process: Seeded): FluctuationStart {
  const { neurons: n, initialNoise, seed, replica } = process;
  const { theta, masses } = base;
  const M = masses.length;
  if (initialNoise === "gaussian") {
    const normals = stream(seed, { purpose: PURPOSE_FLUCTUATION, replica }).normals(M);
    return { theta, masses, weights: gaussianFluctuation(masses, normals) };
  }
  if (initialNoise === "sample") {
    const neurons = startParticles(problem, n, { seed, replica });
    if (problem.start.kind !== "particles") {
      const root = Math.sqrt(n);
      return {
        theta: joined(theta, neurons),
        masses: joined(masses, new Float64Array(n)),
        weights: joined(
          masses.map((w) => -root * w),
          new Float64Array(n).fill(1 / root),
        ),
      };
    }
  }
  return { theta, masses, weights: new Float64Array(M) };
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** Tangent particles in kernel memory. */
export interface TangentParticles {
  field: MeanField;
  /** b, and the fluctuation of the output bias: a network of its own. */
  displacement: NetworkBlock;
  /**
   * A step from time k dt, the state changing at its end only.
   *
   * @throws {DivergenceError} where μ⁰ or η is no longer finite
   */
  advance(k: number): Work<void>;
  /** h at the atoms from the last step, before it: Q rows of K. */
  responses: Float64Array;
}

/**
 * Writes tangent particles into kernel memory.
 *
 * @param options  timeStep: dt; level: √(nα); noise: of the atoms, or null; snapshot: what a divergence carries
 */
export function writeTangentParticles(
  memory: Memory,
  engine: Engine,
  problem: FiniteProblem,
  start: FluctuationStart,
  options: { timeStep: number; level: number; noise: DataNoise | null; snapshot?: () => Uint8Array | null },
): TangentParticles {
  const { timeStep, level, noise, snapshot } = options;
  const field = writeMeanField(memory, engine, problem, start);
  const { network, linearised, atoms, outputs: K } = field;
  const { forward_f64, accumulate_f64 } = engine.kernels;
  const rows = atoms * K;
  const displacement = viewNetwork(memory, network, memory.allocate(network.bytes));
  const turned = memory.allocate(network.bytes);
  const signed = start.weights.some((weight) => weight !== 0) ? signedView(memory, network, start.weights) : null;
  const responses = new Float64Array(rows);
  const limit = (k: number): never => {
    throw limitLost(k, timeStep, snapshot?.() ?? null);
  };
  const diverged = (k: number): never => {
    throw new DivergenceError("fluctuations", k, k * timeStep, LINEARISATION_LOST, snapshot?.() ?? null);
  };

  return {
    field,
    displacement,
    responses,
    *advance(k) {
      responses.fill(0);
      if (signed) {
        forward_f64(signed.block, field.batch);
        responses.set(memory.f64(field.predictions, rows));
        yield undefined;
      }
      const velocity = field.velocity(network) ?? limit(k);
      yield undefined;
      const h = linearised.responses(network, displacement);
      for (let i = 0; i < rows; i++) responses[i] = h[i] = h[i]! + responses[i]!;
      if (!responses.every(Number.isFinite)) diverged(k);
      linearised.bend();
      let pulled = 0;
      if (noise) {
        const factors = noise.factors(k);
        const c = memory.f64(field.weights, rows);
        const bent = memory.f64(linearised.tangent.weights, rows);
        for (let i = 0; i < rows; i++) bent[i] = bent[i]! + (level / timeStep) * factors[(i / K) | 0]! * c[i]!;
        const { masses, decays } = field;
        if (decays) for (let q = 0; q < atoms; q++) pulled += level * masses[q]! * decays[q]! * factors[q]!;
      }
      yield undefined;
      linearised.push(network, displacement, turned);
      yield undefined;
      const pull = pulled === 0 ? null : field.pull(network);
      accumulate_f64(displacement.weights, timeStep, turned, network.bytes);
      if (pull) accumulate_f64(displacement.weights, pulled, pull.weights, network.bytes);
      accumulate_f64(network.weights, timeStep, velocity, network.bytes);
      yield undefined;
    },
  };
}

const LINEARISATION_LOST =
  "the linearised fluctuation is no longer finite; it holds before this time only, or needs a smaller timeStep.";

/** The same points with masses ω and without an output bias: its predictions are Σ_j ω_j σ*(x; θ_j). */
export function signedView(memory: Memory, network: NetworkBlock, weights: Float64Array): NetworkBlock {
  const view = viewNetwork(memory, network, network.weights);
  memory.setInteger(view.block, NET_MASSES, memory.put("f64", weights));
  memory.setInteger(view.block, NET_BIAS, 0);
  return view;
}
