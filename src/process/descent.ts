// The descent of a network in kernel memory: where its velocity comes from, written as a plan for the kernels.     theory §2
//
//   θ_i' = Σ_q m_q r_q · ∇σ*(x_q; θ_i) − ∇U(θ_i)         over a drawn batch, over all atoms, or exactly over the law
//
// What the kernels cannot do, the exact population gradient and a potential of the user's own, is a drift that is computed here
// and added by them.

import {
  DESCENT_BATCH,
  DESCENT_CENTER,
  DESCENT_CONFINEMENT,
  DESCENT_DECAY,
  DESCENT_DRIFT,
  DESCENT_EXAMPLE,
  DESCENT_FACTORS,
  DESCENT_FUNCTION,
  DESCENT_GRADIENT,
  DESCENT_LAW,
  DESCENT_LOSS,
  DESCENT_NETWORK,
  DESCENT_NORMALS,
  DESCENT_REPLICA,
  DESCENT_SEED_HIGH,
  DESCENT_SEED_LOW,
  DESCENT_SLOTS,
  DESCENT_STEP_SIZES,
  DESCENT_TEMPERATURE,
  DESCENT_WEIGHT,
} from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import {
  type BatchBlock,
  copyNetwork,
  lossKinds,
  type NetworkBlock,
  writeActivation,
  writeBatch,
  writeLaw,
} from "../model/blocks";
import { labelRows } from "../model/labels";
import { type Dataset, lawDimension } from "../model/law";
import { potentialFunctions } from "../model/potential";
import type { Problem } from "../model/problem";
import { isTrained, parameterDimension } from "../model/unit";
import type { PopulationGradient } from "./population";

/** Where the gradient of E comes from: a batch drawn at each step, all atoms of a finite law, or the law itself. */
export type GradientSource =
  | { kind: "batch"; batchSize: number; replacement: boolean }
  | { kind: "full" }
  | { kind: "population"; find: (problem: Problem, masses: Float64Array | null) => PopulationGradient };

/**
 * The source that a process names; what the population needs is loaded when it is asked for.
 *
 * @param process  gradient, and what belongs to it
 */
export async function gradientSource(process: {
  gradient: "full" | "batch" | "population";
  batchSize?: number;
  replacement?: boolean;
  points: number | null;
}): Promise<GradientSource> {
  const { gradient, batchSize = 1, replacement = true, points } = process;
  if (gradient === "full") return { kind: "full" };
  if (gradient === "batch") return { kind: "batch", batchSize, replacement };
  const { populationVelocity } = await import("./population");
  return { kind: "population", find: (problem, masses) => populationVelocity(problem, points, masses) };
}

/** A descent in kernel memory. */
export interface Descent {
  /** Address of the plan. */
  plan: number;
  /** Address of the velocity, as many bytes as the state. */
  velocity: number;
  /** Batch that stands in memory, or null. */
  batch: BatchBlock | null;
  /** Examples in it, as many as the batch has or as it draws; 0 where there are none. */
  atoms: number;
  /** Examples drawn at each step; 0 where none are. */
  drawn: number;
  /** How the gradient is found, in words. */
  method: string;
  /** Whether each step needs `refresh` before it. */
  drifts: boolean;
  /** Points the plan at a network: the same, or a copy of it. */
  use(network: NetworkBlock): void;
  /** Computes the drift at the state of the network in use, times a factor (1); false where it is not finite. */
  refresh(scale?: number): boolean;
  /** Takes factors s_q of the data weights, and of ∇U, until others come: c_q = m_q r_q s_q. */
  scale(factors: Float64Array, decay: number): void;
}

/** Step sizes that a plan has room for. */
export const CALL_STEPS = 16384;

/**
 * Writes the plan of a descent.
 *
 * @param masses  of the neurons in f, for the exact population gradient; 1/N each if null
 */
export function writeDescent(
  memory: Memory,
  engine: Engine,
  problem: Problem,
  network: NetworkBlock,
  options: {
    neurons: number;
    source: GradientSource;
    temperature?: number;
    seed: number;
    replica: number;
    masses?: Float64Array | null;
  },
): Descent {
  const { neurons, source, temperature = 0, seed, replica, masses = null } = options;
  const { precision } = network;
  const d = lawDimension(problem.law);
  const plan = memory.block(DESCENT_SLOTS);
  const set = (slot: number, value: number) => memory.setInteger(plan, slot, value);
  const velocity = memory.allocate(network.bytes + 2048);
  set(DESCENT_NETWORK, network.block);
  set(DESCENT_LOSS, lossKinds[problem.loss]);
  set(DESCENT_GRADIENT, velocity);
  set(DESCENT_STEP_SIZES, memory.allocate(CALL_STEPS * 8));
  memory.setReal(plan, DESCENT_DECAY, 1);
  memory.setReal(plan, DESCENT_TEMPERATURE, temperature);
  set(DESCENT_SEED_LOW, seed | 0);
  set(DESCENT_SEED_HIGH, Math.floor(seed / 4294967296));
  set(DESCENT_REPLICA, replica | 0);
  set(DESCENT_EXAMPLE, memory.reserve("f64", network.rows));
  const parameters = parameterDimension(problem.unit, d);
  set(DESCENT_NORMALS, memory.reserve(precision, 64 * parameters + 8));
  writeConfinement(memory, plan, problem, precision);

  let batch: BatchBlock | null = null;
  let method = "none: there are no examples";
  let population: ((theta: Float64Array, out: Float64Array) => void) | null = null;
  let atoms = 0;
  const takeAtoms = (finite: Dataset) => {
    atoms = finite.x.shape[0]!;
    batch = writeBatch(memory, network, atoms);
    fillBatch(memory, engine, network, batch, problem, finite);
    set(DESCENT_BATCH, batch.block);
  };
  if (source.kind === "batch" && problem.law.kind !== "none") {
    atoms = source.batchSize;
    batch = writeBatch(memory, network, atoms);
    set(DESCENT_BATCH, batch.block);
    set(DESCENT_LAW, writeLaw(memory, problem, source.replacement));
    method = `batch of ${source.batchSize} a step`;
  } else if (problem.law.kind === "dataset") {
    takeAtoms(problem.law);
    method = `full: all ${problem.law.x.shape[0]} atoms`;
  } else if (problem.law.kind !== "none" && source.kind === "population") {
    const found = source.find(problem, masses);
    method = `population, ${found.method}`;
    if (found.atoms) takeAtoms(found.atoms);
    else population = found.velocity;
  }

  const { confinement } = problem;
  const local = confinement?.kind === "function" ? potentialFunctions(confinement) : null;
  const drifts = population !== null || local !== null;
  let current = network;
  const driftNetwork = drifts ? copyNetwork(memory, network) : null;
  if (driftNetwork) set(DESCENT_DRIFT, driftNetwork.weights);
  let factors = 0;
  const scratch = drifts ? memory.reserve("f64", network.length) : 0;
  const { [`exportTheta_${precision}` as const]: exportTheta, [`importTheta_${precision}` as const]: importTheta } =
    engine.kernels;

  return {
    plan,
    velocity,
    batch,
    atoms,
    drawn: source.kind === "batch" && batch !== null ? source.batchSize : 0,
    method,
    drifts,
    use(other) {
      current = other;
      set(DESCENT_NETWORK, other.block);
    },
    refresh(scale = 1) {
      if (!driftNetwork) return true;
      exportTheta(current.block, scratch);
      const theta = memory.f64(scratch, network.length).slice();
      const drift = new Float64Array(network.length);
      population?.(theta, drift);
      if (local) {
        const slope = new Float64Array(parameters);
        for (let i = 0; i < neurons; i++) {
          local.gradient(theta.subarray(i * parameters, (i + 1) * parameters), slope);
          for (let j = 0; j < parameters; j++) if (isTrained(problem.unit, j)) drift[i * parameters + j]! -= slope[j]!;
        }
      }
      if (scale !== 1) for (let i = 0; i < drift.length; i++) drift[i]! *= scale;
      memory.f64(scratch, network.length).set(drift);
      importTheta(driftNetwork.block, scratch);
      return drift.every(Number.isFinite);
    },
    scale(values, decay) {
      if (factors === 0) {
        factors = memory.reserve("f64", values.length);
        set(DESCENT_FACTORS, factors);
      }
      memory.f64(factors, values.length).set(values);
      memory.setReal(plan, DESCENT_DECAY, decay);
    },
  };
}

/** Fills a batch with the atoms of a finite law: inputs, labels and masses. */
export function fillBatch(
  memory: Memory,
  engine: Engine,
  network: NetworkBlock,
  batch: BatchBlock,
  problem: Problem,
  atoms: Dataset,
): void {
  const n = atoms.x.shape[0]!;
  const temporary = engine.memory();
  try {
    const inputs = temporary.put("f64", atoms.x.data);
    engine.kernels[`packInputs_${network.precision}`](network.block, batch.block, inputs, 0, n);
  } finally {
    temporary.free();
  }
  memory.f64(batch.labels, n * network.outputs).set(labelRows(atoms.y.data, n, network.outputs, problem.loss));
  if (atoms.weights) memory.f64(batch.masses, n).set(atoms.weights.data);
}

function writeConfinement(memory: Memory, plan: number, problem: Problem, precision: "f32" | "f64"): void {
  const { confinement } = problem;
  if (confinement === null || confinement.kind === "function") return;
  memory.setInteger(plan, DESCENT_CONFINEMENT, confinement.kind === "quadratic" ? 1 : 2);
  memory.setReal(plan, DESCENT_WEIGHT, confinement.weight);
  if (confinement.kind === "quadratic") memory.setReal(plan, DESCENT_CENTER, confinement.center);
  else memory.setInteger(plan, DESCENT_FUNCTION, writeActivation(memory, confinement.function, precision));
}
