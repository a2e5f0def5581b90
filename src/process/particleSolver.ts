// The solver of a gradient flow of particles: their velocity through the kernels, stepped by ode.ts.                theory §2
//
// With masses of the neurons other than 1/N it serves the nonlinear dynamics too: a neuron of mass 0 moves in the field of the
// others and they do not feel it.

import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { viewNetwork, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import { parameterDimension } from "../model/unit";
import { type GradientSource, gradientSource, writeDescent } from "./descent";
import { OdeSolver, type Velocity } from "./ode";
import type { GradientFlowProcess } from "./schema";
import { scheduleFactor } from "./steps";

/** Default error of a step. */
const TOLERANCE = 1e-8;

/** The solver of a gradient flow from given particles, and how its gradient is found. */
export async function particleSolver(
  process: GradientFlowProcess,
  engine: Engine,
  theta: Float64Array,
  masses: Float64Array | null,
): Promise<{ solver: OdeSolver & { free(): void }; method: string }> {
  const { schedule } = process;
  const source = await gradientSource(process);
  const corrected = process.correction ? await import("./correction") : null;
  const memory = engine.memory();
  try {
    const found = particleVelocity(process, source, engine, memory, theta.length, masses);
    const { method, length, network, descent } = found;
    const drift = corrected?.correctionDrift(
      memory,
      engine,
      process.problem,
      network,
      descent,
      masses,
      process.correction!,
    );
    const velocity: typeof found.velocity = drift
      ? (state, out) => found.velocity(state, out) && drift.addTo(state, out)
      : found.velocity;
    const values = new Float64Array(length);
    values.set(theta);
    const timed: Velocity =
      schedule.kind === "constant"
        ? (_, state, out) => velocity(state, out)
        : (t, state, out) => {
            const finite = velocity(state, out);
            const factor = scheduleFactor(schedule, t);
            for (let i = 0; i < out.length; i++) out[i] = factor * out[i]!;
            return finite;
          };
    const solver = new OdeSolver(
      process.kind,
      values,
      timed,
      process.method === "dormandPrince"
        ? { kind: "dormandPrince", tolerance: process.tolerance ?? TOLERANCE }
        : { kind: "rungeKutta", timeStep: process.timeStep! },
    );
    const { stepSize, sampling } = process.correction ?? {};
    return {
      solver: Object.assign(solver, { free: () => memory.free() }),
      method: drift ? `${method}; of the modified loss of steps ${stepSize}, ${sampling}` : method,
    };
  } catch (error) {
    memory.free();
    throw error;
  }
}

/** v(θ) of all particles through the kernels, in the order of θ. */
function particleVelocity(
  process: GradientFlowProcess,
  source: GradientSource,
  engine: Engine,
  memory: Memory,
  numbers: number,
  masses: Float64Array | null,
) {
  const { problem } = process;
  const d = lawDimension(problem.law);
  const neurons = numbers / parameterDimension(problem.unit, d);
  const network = writeNetwork(memory, problem.unit, d, neurons, "f64", masses);
  const descent = writeDescent(memory, engine, problem, network, {
    neurons,
    source,
    seed: process.seed,
    replica: process.replica,
    masses,
  });
  const result = viewNetwork(memory, network, descent.velocity).block;
  const theta = memory.reserve("f64", network.length);
  const { importTheta_f64, exportTheta_f64, velocity_f64 } = engine.kernels;
  const velocity = (state: Float64Array, out: Float64Array): boolean => {
    memory.f64(theta, network.length).set(state);
    importTheta_f64(network.block, theta);
    if (!descent.refresh()) return false;
    const energy = velocity_f64(descent.plan);
    exportTheta_f64(result, theta);
    out.set(memory.f64(theta, network.length));
    return Number.isFinite(energy) && out.every(Number.isFinite);
  };
  return { velocity, method: descent.method, length: network.length, network, descent };
}
