// Processes that go in steps of size ε: the state is θ after a whole number of steps, and t = kε.                  theory §2
//
// `stepped` is the part they share: chunks of at most 10 ms, a last good state for what diverges, saving and restoring. Steps come
// in blocks (of one step, but for the time-blocked SGD): a block is only ever run from its beginning, and a time within one is
// reached on a copy, so the bits at step k do not depend on which times were asked for.

import { DESCENT_STEP_SIZES } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import { pow } from "../engine/math";
import type { Memory, Precision } from "../engine/memory";
import { type Particles, particles } from "../measure/measure";
import { type NetworkBlock, viewNetwork, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import { startParticles } from "../model/particles";
import { isLocalProblem, type Problem } from "../model/problem";
import type { Tensor } from "../model/tensor";
import { outputsOf, parameterDimension } from "../model/unit";
import { pack, unpack } from "./checkpoint";
import { CALL_STEPS, type Descent, type GradientSource, writeDescent } from "./descent";
import { CHUNK_MILLISECONDS, identityOf, inTurn, pause, type Simulation, type Watch } from "./process";
import type { Process, Schedule } from "./schema";

/** What processes in steps have in common. */
export interface SteppedProcess {
  kind: Process["kind"];
  problem: Problem;
  neurons: number;
  stepSize: number;
  /** constant if left out */
  schedule?: Schedule;
  /** f64 if left out */
  precision?: Precision;
  seed: number;
  replica: number;
}

/** How steps are taken. */
export interface Stepper {
  /** Steps a block. */
  blockSteps: number;
  /** How drift and noise are found, in words, where the descent does not say it. */
  method?: string;
  /** Whether the state may stop being finite without being noticed, so that it has to be looked at. */
  unchecked: boolean;
  /** Runs `count` steps from step `first` on, of a network or its copy; step sizes stand in memory. Returns how many were done. */
  run(network: NetworkBlock, first: number, count: number): number;
  /** What the user should know of the steps so far, in a sentence. */
  warning?(): string | null;
  /** What step k of size ε adds to the state along the velocity, as many bytes; ε times the velocity if left out. */
  change?(network: NetworkBlock, k: number, stepSize: number): Float32Array;
}

/** What steps of a process need beside it. */
export interface SteppedOptions {
  source: GradientSource;
  temperature?: number;
  timeStep?: number;
  carried?: Tensor<"f64"> | null;
  /** Arrays of the state's shape that stand behind it, 0 at the start: steps change them, and they are saved with it. */
  moments?: number;
}

type BuildStepper = (
  memory: Memory,
  network: NetworkBlock,
  rates: number,
  masses: Float64Array | null,
  descent: Descent | null,
) => Stepper;

/** ξ(t) of a schedule; the step size at step k is ε ξ(kε). */
export function scheduleFactor(schedule: Schedule, t: number): number {
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "power":
      return pow(1 + t / schedule.offset, -schedule.exponent);
    case "piecewise": {
      let factor = 1;
      for (let i = 0; i < schedule.times.length && schedule.times[i]! <= t; i++) factor = schedule.factors[i]!;
      return factor;
    }
  }
}

/** The steps of assembly/descent.ts. */
export function descentStepper(engine: Engine, descent: Descent, precision: Precision): Stepper {
  const descend = engine.kernels[`descend_${precision}`];
  return {
    blockSteps: 1,
    unchecked: true,
    run(network, first, count) {
      descent.use(network);
      if (!descent.drifts) return descend(descent.plan, first, count);
      // one step at a time, because the drift is computed here
      return descent.refresh() ? descend(descent.plan, first, 1) : 0;
    },
  };
}

/**
 * Allocates a network and its start, and returns the simulation at step 0.
 *
 * @param options  source: where gradients come from; timeStep: length of a step, where it is not ε; carried: [n, D], points that move
 *                 with the N neurons and have no mass; moments: arrays that go with the state (0)
 * @param build    the steps, given the memory, the network, the step sizes, the masses of its neurons (null: 1/N each), and the
 *                 descent where there are moments; those of the descent if left out
 */
export function stepped(
  process: SteppedProcess & Process,
  engine: Engine,
  options: SteppedOptions,
  build?: BuildStepper,
): Simulation {
  const memory = engine.memory();
  try {
    return begin(process, engine, memory, options, build);
  } catch (error) {
    memory.free();
    throw error;
  }
}

function begin(
  process: SteppedProcess & Process,
  engine: Engine,
  memory: Memory,
  options: SteppedOptions,
  build: BuildStepper | undefined,
): Simulation {
  const { problem, precision = "f64", seed, replica, schedule = { kind: "constant" } } = process;
  const { timeStep: stepSize = process.stepSize, carried = null, moments = 0 } = options;
  const neurons = process.neurons + (carried?.shape[0] ?? 0);
  const masses = carried && new Float64Array(neurons).fill(1 / process.neurons, 0, process.neurons);
  const dimension = lawDimension(problem.law);
  const importTheta = engine.kernels[`importTheta_${precision}`];
  const exportTheta = engine.kernels[`exportTheta_${precision}`];
  const identity = identityOf(process, engine);

  const plain = writeNetwork(memory, problem.unit, dimension, neurons, precision, masses);
  const stateBytes = plain.bytes * (1 + moments);
  const network = moments > 0 ? viewNetwork(memory, plain, memory.allocate(stateBytes)) : plain;
  const copy = viewNetwork(memory, plain, memory.allocate(stateBytes));
  const parameters = parameterDimension(problem.unit, dimension);
  const theta = memory.allocate(network.length * 8);
  // the descent serves the f32 warning even where other steps are taken
  const descent =
    build && precision === "f64" && moments === 0
      ? null
      : writeDescent(memory, engine, problem, network, { ...options, neurons, seed, replica, masses });
  const rates = memory.allocate(CALL_STEPS * 8);
  if (descent) memory.setInteger(descent.plan, DESCENT_STEP_SIZES, rates);
  const stepper = build ? build(memory, network, rates, masses, descent) : descentStepper(engine, descent!, precision);
  const { blockSteps } = stepper;

  memory.f64(theta, neurons * parameters).set(startParticles(problem, process.neurons, { seed, replica }));
  if (carried) memory.f64(theta, neurons * parameters).set(carried.data, process.neurons * parameters);
  importTheta(network.block, theta);

  // whole blocks done in `network`; steps done in all, the rest of them in `copy`
  let blockStep = 0;
  let step = 0;
  let freed = false;
  let speed = 0;
  const warnings: string[] = [];
  const alive = () => {
    if (freed) throw new TypeError("This simulation was freed.");
  };

  const constant = schedule.kind === "constant";
  if (constant) memory.f64(rates, CALL_STEPS).fill(stepSize);
  const rateAt = (k: number) => stepSize * scheduleFactor(schedule, k * stepSize);

  function run(which: NetworkBlock, first: number, count: number): number {
    for (let done = 0; done < count; ) {
      const now = Math.min(count - done, CALL_STEPS);
      if (!constant) {
        const sizes = memory.f64(rates, now);
        for (let k = 0; k < now; k++) sizes[k] = rateAt(first + done + k);
      }
      const steps = stepper.run(which, first + done, now);
      if (steps === 0) return done;
      done += steps;
      if (steps < now && !descent?.drifts) return done;
    }
    if (stepper.unchecked && !allFinite(which)) return 0;
    return count;
  }

  function allFinite(which: NetworkBlock): boolean {
    return memory.view(precision, which.weights, stateBytes / (precision === "f32" ? 4 : 8)).every(Number.isFinite);
  }

  function diverged(at: number): never {
    // functions of the user's cannot be saved
    const snapshot = isLocalProblem(problem) ? null : simulation.save();
    throw new DivergenceError(
      process.kind,
      at,
      at * stepSize,
      `the state is no longer finite. The ${stepSize === process.stepSize ? "step size" : "time step"} ${stepSize} is too large for this problem; take a smaller one.`,
      snapshot,
    );
  }

  function finishBlock(): void {
    const rest = step - blockStep;
    if (rest === 0) return;
    memory.u8(copy.weights, stateBytes).set(memory.u8(network.weights, stateBytes));
    const done = run(copy, blockStep, rest);
    if (done < rest) {
      const bad = blockStep + done;
      step = blockStep;
      diverged(bad);
    }
  }

  function publicTheta(): Float64Array {
    exportTheta(step === blockStep ? network.block : copy.block, theta);
    return memory.f64(theta, network.length).slice();
  }

  function lossWarning(): string | null {
    if (precision === "f64" || !descent) return null;
    const share = lostShare(memory, engine, descent, stepper, step === blockStep ? network : copy, step, rateAt(step));
    if (share <= 0.1) return null;
    return (
      `f32 loses ${(100 * share).toFixed(0)} % of the updates: they are below half a unit in the last place of the ` +
      `weights at step size ${stepSize}. Use precision f64, or a larger step.`
    );
  }

  const simulation: Simulation = {
    process,
    engine,
    warnings,
    ...((stepper.method ?? (!build && descent?.method)) && { method: stepper.method ?? descent!.method }),
    get time() {
      return step * stepSize;
    },
    get step() {
      return step;
    },
    advance: inTurn(async (t: number, { signal, onProgress }: Watch = {}) => {
      alive();
      const target = Math.round(t / stepSize);
      if (!(target >= step)) {
        throw new SpecError(
          "t",
          t,
          `a time not before the time reached, ${step * stepSize}`,
          "Start again to go back.",
        );
      }
      const examples = options.source.kind === "batch" ? options.source.batchSize : 1;
      if (target * examples > Number.MAX_SAFE_INTEGER) {
        throw new SpecError("t", t, `a time of at most 2^53 examples, ${Number.MAX_SAFE_INTEGER / examples} steps`);
      }
      signal?.throwIfAborted();
      if (target === step) return;
      const last = target - (target % blockSteps);
      while (blockStep < last) {
        if (step > blockStep) step = blockStep;
        // the size of a call is for the clock alone: results do not depend on it
        const wanted = speed > 0 ? Math.floor((CHUNK_MILLISECONDS * speed) / blockSteps) : 1;
        const most = Math.floor(CALL_STEPS / blockSteps);
        const count = Math.min(Math.max(1, Math.min(wanted, most)) * blockSteps, last - blockStep);
        const began = performance.now();
        memory.u8(copy.weights, stateBytes).set(memory.u8(network.weights, stateBytes));
        const done = run(network, blockStep, count);
        if (done < count) {
          const bad = blockStep + done;
          memory.u8(network.weights, stateBytes).set(memory.u8(copy.weights, stateBytes));
          step = blockStep;
          diverged(bad);
        }
        blockStep += count;
        step = blockStep;
        const elapsed = performance.now() - began;
        speed = elapsed > 0.05 ? count / elapsed : Math.max(speed, count / 0.05);
        onProgress?.(step * stepSize);
        await pause();
        if (freed) throw new TypeError("This simulation was freed while it ran.");
        signal?.throwIfAborted();
      }
      step = target;
      finishBlock();
      onProgress?.(step * stepSize);
      const warning = stepper.warning?.() ?? lossWarning();
      if (warning) warnings.splice(0, warnings.length, warning);
    }),
    measure() {
      alive();
      return networkMeasure(problem, neurons, publicTheta(), masses);
    },
    save() {
      alive();
      return pack({ ...identity(), step, blockStep }, memory.u8(network.weights, stateBytes).slice());
    },
    restore(bytes) {
      alive();
      const { header, payload } = unpack(bytes, identity());
      if (payload.length !== stateBytes) throw new CheckpointError("The saved state has the wrong length.");
      memory.u8(network.weights, stateBytes).set(payload);
      blockStep = Number(header["blockStep"]);
      step = Number(header["step"]);
      finishBlock();
    },
    free() {
      freed = true;
      memory.free();
    },
  };
  return simulation;
}

/**
 * A network's numbers as a measure.
 *
 * @param theta  N rows of θ, and the output bias after them where the unit has one
 */
export function networkMeasure(
  problem: Problem,
  neurons: number,
  theta: Float64Array,
  weights: Float64Array | null = null,
): Particles {
  const D = parameterDimension(problem.unit, lawDimension(problem.law));
  const hasBias = problem.unit.kind === "affine" && problem.unit.outputBias;
  return particles({
    coordinates: "theta",
    shape: [neurons, D],
    values: theta.slice(0, neurons * D),
    weights,
    outputBias: hasBias ? theta.slice(neurons * D, neurons * D + outputsOf(problem.unit)) : null,
  });
}

// Share of non-zero updates that are below half a unit in the last place of the weight they are added to, on the batch that
// comes next.
function lostShare(
  memory: Memory,
  engine: Engine,
  descent: Descent,
  stepper: Stepper,
  network: NetworkBlock,
  step: number,
  rate: number,
): number {
  descent.use(network);
  descent.refresh();
  if (descent.drawn) engine.kernels.drawBatch_f32(descent.plan, step * descent.drawn);
  engine.kernels.velocity_f32(descent.plan);
  const added = stepper.change?.(network, step, rate);
  const state = memory.f32(network.weights, network.bytes / 4);
  const velocity = memory.f32(descent.velocity, network.bytes / 4);
  let updates = 0;
  let lost = 0;
  for (let i = 0; i < state.length; i++) {
    const update = added ? added[i]! : rate * velocity[i]!;
    // what a parameter that nothing drives still moves by, of a step with a memory, is meant to fade
    if (velocity[i] === 0 || update === 0 || !Number.isFinite(update)) continue;
    updates++;
    if (Math.fround(state[i]! + update) === state[i]) lost++;
  }
  return updates > 0 ? lost / updates : 0;
}
