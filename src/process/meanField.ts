// The mean-field limit μ⁰ of SGD as weighted particles on a finite law, with the linearisation of its velocity.             theory §8
//
//   θ_i' = v̄(θ_i; μ⁰),   μ⁰ = Σ_i w_i δ_{θ_i}
//
// The particles are a quadrature of the start, and the law is one of the problem's, so that neither has a sampling error.

import type { Engine } from "../engine/engine";
import { DivergenceError } from "../engine/errors";
import type { Memory } from "../engine/memory";
import { lossKinds, type NetworkBlock, viewNetwork, writeNetwork } from "../model/blocks";
import { type Dataset, dataset, lawDimension, noExamples } from "../model/law";
import { startParticles } from "../model/particles";
import type { Problem } from "../model/problem";
import { quadrature } from "../model/quadrature";
import { type StartRule, startQuadrature } from "../model/startQuadrature";
import { tensor } from "../model/tensor";
import { massesOf } from "./dataNoise";
import { writeDescent } from "./descent";
import { type Linearisation, linearisation } from "./linearised";
import type { LinearObservables } from "./linearObservables";
import { lawPoints, quadratureRule } from "./populationRule";

/** A problem whose law is finite. */
export type FiniteProblem = Problem & { law: Dataset };

/**
 * A problem on a finite law: itself, or on a quadrature of its law.
 *
 * A teacher's noise of standard deviation s is kept for the squared loss: each point has the labels y ± s, half its mass each, which is
 * the covariance of the gradients exactly, as they are linear in y.
 *
 * @param points  of the quadrature; null for as many as `lawPoints` says
 */
export function finiteProblem(problem: Problem, points: number | null): { problem: FiniteProblem; method: string } {
  const { law } = problem;
  if (law.kind === "dataset") return { problem: { ...problem, law }, method: `all ${law.x.shape[0]} atoms` };
  const d = lawDimension(law);
  const rule = quadratureRule(d, lawPoints(d, points));
  const means = quadrature(law, rule);
  const atoms = law.kind === "teacher" && law.noise > 0 ? withNoise(means, law.noise) : means;
  const how = rule.rule === "gauss" ? "Gauss quadrature" : "Sobol points";
  return { problem: { ...problem, law: atoms }, method: `${how} of the law, ${atoms.x.shape[0]} atoms` };
}

function withNoise(means: Dataset, deviation: number): Dataset {
  const [n, d] = means.x.shape as [number, number];
  const masses = massesOf(means);
  const twice = <T>(pick: (q: number, side: number) => T): T[] =>
    Array.from({ length: 2 * n }, (_, i) => pick(i >> 1, i % 2 === 0 ? -1 : 1));
  const x = new Float64Array(2 * n * d);
  for (let i = 0; i < 2 * n; i++) x.set(means.x.data.subarray((i >> 1) * d, ((i >> 1) + 1) * d), i * d);
  return dataset({
    x: tensor(x, [2 * n, d]),
    y: twice((q, side) => means.y.data[q]! + side * deviation),
    weights: twice((q) => masses[q]! / 2),
  });
}

/** Which particles stand for μ⁰. */
export interface Reference {
  /** null for as many as a step can afford */
  particles: number | null;
  reference: "quadrature" | "sample";
  seed: number;
}

/** Particles times atoms that a step takes at most where no number of particles is given. */
const AFFORDABLE = 2 ** 22;

/**
 * The particles of μ⁰ at time 0.
 *
 * Those drawn have a replica to themselves, the last one, so that they are not the neurons that SGD of the same seed starts from.
 */
export function startOfMeanField(problem: FiniteProblem, { particles, reference, seed }: Reference): StartRule {
  let count = particles ?? 4096;
  if (particles === null) while (count > 512 && count * problem.law.x.shape[0]! > AFFORDABLE) count /= 2;
  if (reference === "quadrature" || problem.start.kind === "particles") return startQuadrature(problem, count);
  return {
    theta: startParticles(problem, count, { seed, replica: 2 ** 32 - 1 }),
    masses: new Float64Array(count).fill(1 / count),
    method: `${count} particles drawn from the start`,
  };
}

/** μ⁰ in kernel memory, at any state of its network. */
export interface MeanField {
  network: NetworkBlock;
  /** Q and K */
  atoms: number;
  outputs: number;
  /** m_q */
  masses: Float64Array;
  /** Σ m_q decay_q = 1; null where the confinement is the same in every example's step, or there is none. */
  decays: Float64Array | null;
  linearised: Linearisation;
  /** Address of the batch, and of the rows f_q and c_q = m_q r_q in it, which `velocity` and `weigh` fill. */
  batch: number;
  predictions: number;
  weights: number;
  /** v̄ of all points of a state, by address; null where the loss is not finite. */
  velocity(state: NetworkBlock): number | null;
  /** f and c alone; false where the loss is not finite. */
  weigh(state: NetworkBlock): boolean;
  /** −∇U of all points of a state, as a direction; where there are decays. */
  pull(state: NetworkBlock): NetworkBlock;
}

/**
 * Writes μ⁰ into kernel memory.
 *
 * @param start   points θ, [M, D], and their masses; a point of mass 0 is carried along
 */
export function writeMeanField(
  memory: Memory,
  engine: Engine,
  problem: FiniteProblem,
  start: { theta: Float64Array; masses: Float64Array },
): MeanField {
  const { law, confinement } = problem;
  const d = lawDimension(law);
  const points = start.masses.length;
  const network = writeNetwork(memory, problem.unit, d, points, "f64", start.masses);
  const theta = new Float64Array(network.length);
  theta.set(start.theta);
  engine.kernels.importTheta_f64(network.block, memory.put("f64", theta));
  const options = { neurons: points, source: { kind: "full" } as const, seed: 0, replica: 0 };
  const descent = writeDescent(memory, engine, problem, network, options);
  const batch = descent.batch!;
  const decays = confinement && law.decay ? law.decay.data : null;
  const free = { ...problem, law: noExamples(d) };
  const confined = decays && writeDescent(memory, engine, free, network, options);
  const pull = confined && viewNetwork(memory, network, confined.velocity);
  const { forward_f64, weigh, velocity_f64 } = engine.kernels;
  const { outputs } = network;
  return {
    network,
    atoms: descent.atoms,
    outputs,
    masses: massesOf(law),
    decays,
    linearised: linearisation(memory, engine, problem, network, batch, descent.atoms),
    batch: batch.block,
    predictions: batch.predictions,
    weights: batch.weights,
    velocity(state) {
      descent.use(state);
      return Number.isFinite(velocity_f64(descent.plan)) ? descent.velocity : null;
    },
    weigh(state) {
      forward_f64(state.block, batch.block);
      return Number.isFinite(weigh(batch.block, outputs, lossKinds[problem.loss], 1));
    },
    pull(state) {
      confined!.use(state);
      velocity_f64(confined!.plan);
      return pull!;
    },
  };
}

/**
 * Values of linear observables along μ⁰, [T, n].
 *
 * @param options  timeStep: dt; steps: k of each time, ascending; rest: called after each step with the share done, may wait or throw
 * @throws {DivergenceError} where μ⁰ is no longer finite
 */
export async function meanFieldValues(
  engine: Engine,
  field: MeanField,
  observables: LinearObservables,
  options: { timeStep: number; steps: readonly number[]; rest(fraction: number): Promise<void> },
): Promise<Float64Array> {
  const { timeStep, steps, rest } = options;
  const { network } = field;
  const last = steps[steps.length - 1]!;
  const values = new Float64Array(steps.length * observables.size);
  let t = 0;
  for (let k = 0; ; k++) {
    while (steps[t] === k) values.set(observables.values(network), observables.size * t++);
    if (k === last) return values;
    const velocity = field.velocity(network);
    if (velocity === null) throw limitLost(k, timeStep);
    engine.kernels.accumulate_f64(network.weights, timeStep, velocity, network.bytes);
    await rest((k + 1) / last);
  }
}

/** The error of a limit that is lost at step k. */
export function limitLost(k: number, timeStep: number, snapshot: Uint8Array | null = null): DivergenceError {
  const reason = "the mean-field limit is no longer finite. Take a smaller timeStep.";
  return new DivergenceError("fluctuations", k, k * timeStep, reason, snapshot);
}
