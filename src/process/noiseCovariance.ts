// Gradient noise of all parameters of a network, an atom at a time, and its covariance.                   theory §1, §2, §8
//
//   G_q = v(·; z_q) − v̄ = r_q · ∇σ*(x_q; ·) − (decay_q − 1) ∇U − mean,   A = Σ_q m_q G_q ⊗ G_q                                   (1)
//   A = Σ_q ∂Δ/∂B_q ⊗ ∂Δ/∂B_q,   Δ = Σ_q c_q · ∇σ*(x_q; ·),   c_q = r_q (√m_q ΔB_q − m_q Σ_p √m_p ΔB_p)                           (2)
//
// A parameter is a number of a row of θ, or of the output bias after all rows. (1) takes a batch of one atom after another, (2) the
// data weights of `modifiedFlow`.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Memory } from "../engine/memory";
import type { Measure } from "../measure/measure";
import { checkNetwork, loadNetwork } from "../measure/predictions";
import { type NetworkBlock, viewNetwork } from "../model/blocks";
import { labelRows } from "../model/labels";
import type { Dataset } from "../model/law";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import type { Tensor } from "../model/tensor";
import { outputsOf } from "../model/unit";
import { massesOf, noiseFactors } from "./dataNoise";
import { writeDescent } from "./descent";
import { pivotedCholesky, rowProducts } from "./factorisation";
import { checkMemory } from "./schemaParts";

/** √m_q G_q at states of a network. */
export interface GradientNoise {
  /** Atoms that have mass: numbers a row. */
  atoms: number;
  /** Rows √m_q G_q, [parameters, atoms], of a state; the same array at each call; null where a loss is not finite. */
  at(state: NetworkBlock): Float64Array | null;
}

/**
 * The gradient noise of a finite law, by batches of one atom.
 *
 * @param problem  its law is finite
 */
export function gradientNoise(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  neurons: number,
): GradientNoise {
  const law = problem.law as Dataset;
  const [Q, d] = law.x.shape as [number, number];
  const masses = massesOf(law);
  const decay = law.decay?.data ?? null;
  const atoms = Array.from(masses.keys()).filter((q) => masses[q]! > 0);
  const one = {
    ...problem,
    law: oneAtom(law),
    confinement: decay ? problem.confinement : null,
  };
  const descent = writeDescent(memory, engine, one, network, {
    neurons,
    source: { kind: "full" },
    seed: 0,
    replica: 0,
  });
  const { plan, batch } = descent;
  const inputs = memory.put("f64", law.x.data);
  const labels = labelRows(law.y.data, Q, network.outputs, problem.loss);
  const velocity = viewNetwork(memory, network, descent.velocity);
  const theta = memory.reserve("f64", network.length);
  const rows = new Float64Array(network.length * atoms.length);
  const mean = new Float64Array(network.length);
  const {
    [`velocity_${network.precision}` as const]: evaluate,
    [`packInputs_${network.precision}` as const]: packInputs,
    [`exportTheta_${network.precision}` as const]: exportTheta,
  } = engine.kernels;
  return {
    atoms: atoms.length,
    at(state) {
      descent.use(state);
      mean.fill(0);
      for (const [column, q] of atoms.entries()) {
        packInputs(network.block, batch!.block, inputs + 8 * d * q, 0, 1);
        const label = labels.subarray(q * network.outputs, (q + 1) * network.outputs);
        memory.f64(batch!.labels, network.outputs).set(label);
        if (decay) descent.scale(Float64Array.of(1), decay[q]! - 1);
        if (!Number.isFinite(evaluate(plan))) return null;
        exportTheta(velocity.block, theta);
        const v = memory.f64(theta, network.length);
        for (let i = 0, at = column; i < v.length; i++, at += atoms.length) {
          mean[i]! += masses[q]! * v[i]!;
          rows[at] = v[i]!;
        }
      }
      const roots = Float64Array.from(atoms, (q) => Math.sqrt(masses[q]!));
      for (let i = 0, at = 0; i < mean.length; i++) {
        for (let k = 0; k < roots.length; k++, at++) rows[at] = roots[k]! * (rows[at]! - mean[i]!);
      }
      return rows;
    },
  };
}

// Its values are overwritten at each atom.
function oneAtom({ x, y }: Dataset): Dataset {
  const first = ({ data, shape: [n, ...width] }: Dataset["x"]): Dataset["x"] => ({
    dtype: "f64",
    shape: [1, ...width],
    data: data.slice(0, data.length / n!),
  });
  return { kind: "dataset", x: first(x), y: first(y), weights: null };
}

/** The covariance of the noise that all parameters of a network feel. */
export interface NoiseCovariance {
  /** A, [n, n], n = ND for N neurons, and K more where there is an output bias */
  matrix: Tensor<"f64">;
  /** Its rank to round-off, at most Q − 1. */
  rank: number;
}

/** How a covariance is found. */
export interface NoiseCovarianceOptions {
  /** "particles", over the atoms' own gradients as in `correlatedNoise` (default), or "dataWeights", over unit increments of the
   *  Brownian motions as `modifiedFlow` applies them */
  route?: "particles" | "dataWeights";
}

/** See the function of the same name in src/study/onDemand.ts. */
export function noiseCovariance(
  input: ProblemInput,
  measure: Measure,
  engine: Engine,
  options: NoiseCovarianceOptions = {},
): NoiseCovariance {
  const problem = parseProblem(input);
  const { route = "particles" } = options;
  const { law } = problem;
  if (route !== "particles" && route !== "dataWeights") {
    throw new SpecError("options.route", route, '"particles" or "dataWeights"');
  }
  if (law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset", a finite law', remedy);
  }
  if (measure.kind !== "particles" || measure.coordinates !== "theta") {
    throw new SpecError("measure.kind", measure.kind, "particles in the parameters θ");
  }
  checkNetwork(measure, problem);
  const [neurons, D] = measure.shape;
  const { unit } = problem;
  const size = neurons * D + (unit.kind === "affine" && unit.outputBias ? outputsOf(unit) : 0);
  checkMemory([
    { path: "measure.shape", found: measure.shape, bytes: 8 * size * size },
    { path: "problem.law.x", found: law.x.shape, bytes: 8 * size * law.x.shape[0]! },
  ]);
  const memory = engine.memory();
  try {
    const network = loadNetwork(memory, engine, problem, measure);
    const rows =
      route === "particles"
        ? gradientNoise(memory, engine, problem, network, neurons).at(network)
        : dataWeightColumns(memory, engine, problem, network, neurons);
    const n = network.length;
    if (rows === null) throw new SpecError("measure.values", "neurons", "a network whose loss is finite");
    const matrix = new Float64Array(n * n);
    rowProducts(rows, n, rows.length / n, matrix);
    return { matrix: { dtype: "f64", shape: [n, n], data: matrix }, rank: pivotedCholesky(matrix, n).rank };
  } finally {
    memory.free();
  }
}

// ∂Δ/∂B_q of all parameters, [parameters, atoms]: a full batch for each unit increment.
function dataWeightColumns(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  neurons: number,
): Float64Array | null {
  const law = problem.law as Dataset;
  const Q = law.x.shape[0]!;
  const masses = massesOf(law);
  const roots = masses.map(Math.sqrt);
  const plain = { ...problem, confinement: problem.confinement?.kind === "function" ? null : problem.confinement };
  const source = { kind: "full" } as const;
  const descent = writeDescent(memory, engine, plain, network, { neurons, source, seed: 0, replica: 0 });
  const velocity = viewNetwork(memory, network, descent.velocity);
  const theta = memory.reserve("f64", network.length);
  const rows = new Float64Array(network.length * Q);
  for (let q = 0; q < Q; q++) {
    const factors = new Float64Array(Q);
    factors[q] = 1;
    noiseFactors(roots, factors);
    const decay = law.decay?.data.reduce((sum, share, p) => sum + masses[p]! * share * factors[p]!, 0) ?? 0;
    descent.scale(factors, decay);
    if (!Number.isFinite(engine.kernels.velocity_f64(descent.plan))) return null;
    engine.kernels.exportTheta_f64(velocity.block, theta);
    memory.f64(theta, network.length).forEach((value, i) => void (rows[i * Q + q] = value));
  }
  return rows;
}
