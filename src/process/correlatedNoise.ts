// Particles driven by correlated Brownian motions, after Rotskoff and Vanden-Eijnden.                             theory §8
//
//   dθ_i = v̄(θ_i; ρ_N) dt + √α dB_i,   d[B_i, B_j] = A(θ_i, θ_j; ρ_N) dt,   α = ε/B
//   θ ← θ + dt v̄ + √(α dt) F ζ,   F Fᵀ = A of all parameters at once,   ζ ~ N(0, I)
//
// The law as a process is that of `modifiedFlow`, whose Q Brownian motions make the same covariance without forming it: a step
// here costs (ND)² Q products for A, then its factorisation, against NDQ there.

import { PURPOSE_FACTOR } from "../../assembly/layout";
import { high } from "../engine/draws";
import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { copyNetwork, type NetworkBlock } from "../model/blocks";
import { writeDescent } from "./descent";
import { type CovarianceFactor, eigenFactor, pivotedCholesky, rowProducts } from "./factorisation";
import { gradientNoise } from "./noiseCovariance";
import type { Simulation } from "./process";
import type { CorrelatedNoiseProcess } from "./schema";
import { type Stepper, stepped } from "./steps";

type Factorise = (matrix: Float64Array, n: number) => CovarianceFactor;

/** Allocates the network and its start, and returns the simulation at time 0. */
export async function start(process: CorrelatedNoiseProcess, engine: Engine): Promise<Simulation> {
  const { timeStep, factorisation } = process;
  const factorise: Factorise =
    factorisation === "eigen" ? await eigenFactor() : (matrix, n) => pivotedCholesky(matrix, n);
  return stepped(process, engine, { source: { kind: "full" }, timeStep }, (memory, network) =>
    correlatedStepper(process, engine, memory, network, factorise),
  );
}

/** Share of the trace of A that a factor may leave out before it is said. */
const NEGLIGIBLE = 1e-8;

function correlatedStepper(
  process: CorrelatedNoiseProcess,
  engine: Engine,
  memory: Memory,
  network: NetworkBlock,
  factorise: Factorise,
): Stepper {
  const { problem, neurons, stepSize, batchSize, timeStep, seed, replica } = process;
  const { normals_f64, velocity_f64, accumulate_f64, importTheta_f64 } = engine.kernels;
  const n = network.length;
  const mean = writeDescent(memory, engine, problem, network, { neurons, source: { kind: "full" }, seed, replica });
  const noise = gradientNoise(memory, engine, problem, network, neurons);
  const kick = copyNetwork(memory, network);
  const numbers = memory.reserve("f64", n);
  const covariance = new Float64Array(n * n);
  const scale = Math.sqrt((stepSize / batchSize) * timeStep);
  let worst = { share: NEGLIGIBLE, negative: 0, time: 0 };

  function step(which: NetworkBlock, k: number): boolean {
    mean.use(which);
    if (!mean.refresh() || !Number.isFinite(velocity_f64(mean.plan))) return false;
    const rows = noise.at(which);
    if (rows === null) return false;
    rowProducts(rows, n, noise.atoms, covariance);
    let trace = 0;
    for (let i = 0; i < n; i++) trace += covariance[i * n + i]!;
    if (!Number.isFinite(trace)) return false;
    const factor = factorise(covariance, n);
    if (factor.left > worst.share * trace) {
      worst = { share: factor.left / trace, negative: factor.negative / trace, time: k * timeStep };
    }
    normals_f64(numbers, n, seed | 0, high(seed), PURPOSE_FACTOR, replica | 0, k | 0, high(k), 0);
    const zeta = memory.f64(numbers, n).slice();
    const moves = new Float64Array(n);
    factor.multiply(zeta, scale, moves);
    memory.f64(numbers, n).set(moves);
    importTheta_f64(kick.block, numbers);
    accumulate_f64(which.weights, timeStep, mean.velocity, network.bytes);
    accumulate_f64(which.weights, 1, kick.weights, network.bytes);
    return true;
  }

  return {
    blockSteps: 1,
    unchecked: true,
    run(which, first, count) {
      for (let k = 0; k < count; k++) if (!step(which, first + k)) return k;
      return count;
    },
    warning() {
      const { share, negative, time } = worst;
      if (share <= NEGLIGIBLE) return null;
      return (
        `The factor of the noise's covariance leaves out up to ${share.toPrecision(2)} of its trace (at t = ${time}` +
        `${negative < 0 ? `, ${(-negative).toPrecision(2)} of it as negative entries taken as 0` : ""}): ` +
        "gradients are too small or too unlike in size for double precision."
      );
    },
  };
}
