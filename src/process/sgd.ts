// One-pass and finite-law stochastic gradient descent, θ_i ← θ_i + (ε/m) Σ_b r_b ∇σ*(x_b; θ_i).      theory §2, §3
//
// The kernel (assembly/sgd.ts) runs whole blocks of steps from absolute multiples of the block's length; a time inside a
// block is reached on a scratch copy, so the bits at step k do not depend on which times were asked for.

import {
  NET_OUTPUT,
  NET_SLOTS,
  NET_WEIGHTS,
  PANEL,
  SGD_BATCH,
  SGD_EXAMPLE,
  SGD_GRAM,
  SGD_INPUTS,
  SGD_LABELS,
  SGD_LAW,
  SGD_NETWORK,
  SGD_PRE,
  SGD_REPLICA,
  SGD_RESIDUALS,
  SGD_SCALED,
  SGD_SEED_HIGH,
  SGD_SEED_LOW,
  SGD_SLOPES,
  SGD_SLOTS,
  SGD_STEP_SIZES,
  SGD_STEPS,
  SGD_VALUES,
  TILE,
} from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import { pow } from "../engine/math";
import type { Memory } from "../engine/memory";
import { specHash } from "../io/canonical";
import { particles } from "../measure/measure";
import { activationFunctions } from "../model/activation";
import { writeLaw, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import { startParticles } from "../model/particles";
import { pack, unpack } from "./checkpoint";
import { CHUNK_MILLISECONDS, inTurn, pause, type Simulation, type Watch } from "./process";
import type { Schedule, SgdProcess } from "./schema";

/** Steps whose step sizes one kernel call may take. */
const CALL_STEPS = 16384;

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

/** Allocates a network and its start, and returns the simulation at step 0. */
export function start(process: SgdProcess, engine: Engine): Simulation {
  const memory = engine.memory();
  try {
    return begin(process, engine, memory);
  } catch (error) {
    memory.free();
    throw error;
  }
}

function begin(process: SgdProcess, engine: Engine, memory: Memory): Simulation {
  const { problem, neurons, stepSize, batchSize, precision, seed, replica, schedule } = process;
  const dimension = lawDimension(problem.law);
  const size = precision === "f32" ? 4 : 8;
  const kernels = engine.kernels;
  const sgd = kernels[`sgd_${precision}`];
  const importTheta = kernels[`importTheta_${precision}`];
  const exportTheta = kernels[`exportTheta_${precision}`];
  const identity = { kind: "sgd", backend: engine.backend, spec: specHash(process) };

  const network = writeNetwork(memory, problem.unit, dimension, neurons, precision);
  const { parameters } = network;
  const rows = parameters - (problem.unit.kind === "affine" ? 1 : 0);
  const stride = Math.ceil((neurons * size) / PANEL) * PANEL;
  const blockSteps = Math.max(1, Math.floor(TILE / batchSize));
  const tiles = Math.ceil((blockSteps * batchSize) / TILE);

  const plan = memory.block(SGD_SLOTS);
  const set = (slot: number, value: number) => memory.setInteger(plan, slot, value);
  set(SGD_NETWORK, network.block);
  set(SGD_LAW, writeLaw(memory, problem.law, process.replacement));
  set(SGD_BATCH, batchSize);
  set(SGD_STEPS, blockSteps);
  set(SGD_INPUTS, memory.allocate(2 * tiles * rows * TILE * size));
  set(SGD_SCALED, memory.allocate(tiles * rows * TILE * size));
  set(SGD_LABELS, memory.allocate(2 * tiles * TILE * 8));
  set(SGD_PRE, memory.allocate(tiles * TILE * stride));
  set(SGD_SLOPES, memory.allocate(tiles * TILE * stride));
  set(SGD_VALUES, memory.allocate(2 * stride + 1024));
  set(SGD_GRAM, memory.allocate((TILE * TILE + 2 * TILE) * size));
  const stepSizes = memory.allocate(CALL_STEPS * 8);
  set(SGD_STEP_SIZES, stepSizes);
  set(SGD_SEED_LOW, seed | 0);
  set(SGD_SEED_HIGH, Math.floor(seed / 4294967296));
  set(SGD_REPLICA, replica | 0);
  set(SGD_EXAMPLE, memory.reserve(precision, rows));
  set(SGD_RESIDUALS, memory.allocate(tiles * TILE * 8));

  // the scratch copy has a block and weights of its own; theta is the public form
  const copy = memory.block(NET_SLOTS);
  const copied = memory.allocate(network.bytes);
  memory.u8(copy, NET_SLOTS * 8).set(memory.u8(network.block, NET_SLOTS * 8));
  memory.setInteger(copy, NET_WEIGHTS, copied);
  const output = memory.i32(network.block + NET_OUTPUT * 8, 1)[0]!;
  memory.setInteger(copy, NET_OUTPUT, output === 0 ? 0 : copied + (output - network.weights));
  const theta = memory.allocate(neurons * parameters * 8);

  memory.f64(theta, neurons * parameters).set(startParticles(problem, neurons, { seed, replica }));
  importTheta(network.block, theta);

  // whole blocks done in `network`; steps done in all, the rest of them in `copy`
  let blockStep = 0;
  let step = 0;
  let freed = false;
  let speed = 0;
  const warnings: string[] = [];
  const loss = precision === "f32" ? updateLoss(process, engine) : null;

  const constant = schedule.kind === "constant";
  if (constant) memory.f64(stepSizes, CALL_STEPS).fill(stepSize);

  function run(first: number, count: number): number {
    if (!constant) {
      const rates = memory.f64(stepSizes, count);
      for (let k = 0; k < count; k++) rates[k] = stepSize * scheduleFactor(schedule, (first + k) * stepSize);
    }
    return sgd(plan, first, count);
  }

  function diverged(at: number, snapshot: Uint8Array): never {
    throw new DivergenceError(
      "sgd",
      at,
      at * stepSize,
      `a residual is no longer finite. The step size ${stepSize} is too large for this problem; take a smaller one.`,
      snapshot,
    );
  }

  function finishBlock(): void {
    const rest = step - blockStep;
    if (rest === 0) return;
    memory.u8(copied, network.bytes).set(memory.u8(network.weights, network.bytes));
    memory.setInteger(plan, SGD_NETWORK, copy);
    const done = run(blockStep, rest);
    memory.setInteger(plan, SGD_NETWORK, network.block);
    if (done < rest) {
      const bad = blockStep + done;
      step = blockStep;
      diverged(bad, simulation.save());
    }
  }

  function publicTheta(): Float64Array {
    if (freed) throw new TypeError("This simulation was freed.");
    exportTheta(step === blockStep ? network.block : copy, theta);
    return memory.f64(theta, neurons * parameters).slice();
  }

  const simulation: Simulation = {
    process,
    engine,
    warnings,
    get time() {
      return step * stepSize;
    },
    get step() {
      return step;
    },
    advance: inTurn(async (t: number, { signal, onProgress }: Watch = {}) => {
      if (freed) throw new TypeError("This simulation was freed.");
      const target = Math.round(t / stepSize);
      if (!(target >= step)) {
        throw new SpecError(
          "t",
          t,
          `a time not before the time reached, ${step * stepSize}`,
          "Start again to go back.",
        );
      }
      if (target * batchSize > Number.MAX_SAFE_INTEGER) {
        throw new SpecError("t", t, `a time of at most 2^53 examples, ${Number.MAX_SAFE_INTEGER / batchSize} steps`);
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
        memory.u8(copied, network.bytes).set(memory.u8(network.weights, network.bytes));
        const done = run(blockStep, count);
        if (done < count) {
          const bad = blockStep + done;
          memory.u8(network.weights, network.bytes).set(memory.u8(copied, network.bytes));
          step = blockStep;
          diverged(bad, simulation.save());
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
      const warning = loss?.(publicTheta(), step);
      if (warning) warnings.splice(0, warnings.length, warning);
    }),
    measure: () => particles({ coordinates: "theta", shape: [neurons, parameters], values: publicTheta() }),
    save() {
      if (freed) throw new TypeError("This simulation was freed.");
      return pack({ ...identity, step, blockStep }, memory.u8(network.weights, network.bytes).slice());
    },
    restore(bytes) {
      if (freed) throw new TypeError("This simulation was freed.");
      const { header, payload } = unpack(bytes, identity);
      if (payload.length !== network.bytes) throw new CheckpointError("The saved state has the wrong length.");
      memory.u8(network.weights, network.bytes).set(payload);
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
 * Share of non-zero updates that an f32 run loses: those below half a unit in the last place of the weight they are added
 * to. Measured on the example that follows each time reached; returns the warning above one in ten.
 */
function updateLoss(process: SgdProcess, engine: Engine): (theta: Float64Array, step: number) => string | null {
  const { problem, neurons, stepSize, batchSize, seed, replica, schedule } = process;
  const d = lawDimension(problem.law);
  const affine = problem.unit.kind === "affine" ? 1 : 0;
  const train = problem.unit.kind === "affine" && problem.unit.trainOutput;
  const parameters = d + 2 * affine;
  const { value, derivative } = activationFunctions(problem.unit.activation);
  let updates = 0;
  let lost = 0;
  const count = (weight: number, change: number) => {
    if (change === 0 || !Number.isFinite(change)) return;
    updates++;
    if (Math.fround(weight + change) === Math.fround(weight)) lost++;
  };
  return (theta, step) => {
    const memory = engine.memory();
    try {
      const law = writeLaw(memory, problem.law, process.replacement);
      const at = memory.reserve("f64", d);
      const y = engine.kernels.example_f64(law, at, seed | 0, Math.floor(seed / 4294967296), replica, step * batchSize);
      const x = memory.f64(at, d).slice();
      const h = new Float64Array(neurons);
      let f = 0;
      for (let i = 0; i < neurons; i++) {
        const row = i * parameters;
        let sum = affine ? theta[row + 1]! : 0;
        for (let j = 0; j < d; j++) sum += theta[row + 2 * affine + j]! * x[j]!;
        h[i] = sum;
        f += (affine ? theta[row]! : 1) * value(sum);
      }
      const rate = ((stepSize * scheduleFactor(schedule, step * stepSize)) / batchSize) * (y - f / neurons);
      for (let i = 0; i < neurons; i++) {
        const row = i * parameters;
        const slope = rate * (affine ? theta[row]! : 1) * derivative(h[i]!);
        if (train) count(theta[row]!, rate * value(h[i]!));
        if (affine) count(theta[row + 1]!, slope);
        for (let j = 0; j < d; j++) count(theta[row + 2 * affine + j]!, slope * x[j]!);
      }
    } finally {
      memory.free();
    }
    const share = updates > 0 ? lost / updates : 0;
    if (share <= 0.1) return null;
    return (
      `f32 loses ${(100 * share).toFixed(0)} % of the updates: they are below half a unit in the last place of the ` +
      `weights at step size ${stepSize}. Use precision f64, or a larger step.`
    );
  };
}
