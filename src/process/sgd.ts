// Stochastic gradient descent, θ ← θ + ε (r ∇σ* − ∇U) + √(2τε) g, with fresh examples or those of a finite law.   theory §3, §7
//
// One output without noise, confinement and output bias takes the time-blocked kernel of assembly/sgd.ts; the rest the general
// steps of assembly/descent.ts, and of update.ts where there is momentum. The choice is by the specification alone.

import {
  PANEL,
  SGD_BATCH,
  SGD_EXAMPLE,
  SGD_GRAM,
  SGD_INPUTS,
  SGD_LABELS,
  SGD_LAW,
  SGD_LOSS,
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
import type { Memory } from "../engine/memory";
import { lossKinds, type NetworkBlock, writeLaw } from "../model/blocks";
import { outputsOf } from "../model/unit";
import type { Simulation } from "./process";
import type { SgdProcess } from "./schema";
import { type Stepper, stepped } from "./steps";

/** Allocates a network and its start, and returns the simulation at step 0. */
export async function start(process: SgdProcess, engine: Engine): Promise<Simulation> {
  const { problem, batchSize, replacement, temperature, momentum, precision } = process;
  const source = { kind: "batch", batchSize, replacement } as const;
  if (momentum > 0) {
    const { heavyBall, updated } = await import("./update");
    return updated(process, engine, source, heavyBall(engine, precision, momentum));
  }
  const { unit, confinement } = problem;
  const blocked =
    outputsOf(unit) === 1 &&
    temperature === 0 &&
    confinement === null &&
    !(unit.kind === "affine" && (unit.outputBias || !unit.trainBias)) &&
    problem.law.kind !== "none";
  return stepped(
    process,
    engine,
    { source, temperature },
    blocked ? (memory, network, rates) => blockedStepper(process, engine, memory, network, rates) : undefined,
  );
}

function blockedStepper(
  process: SgdProcess,
  engine: Engine,
  memory: Memory,
  network: NetworkBlock,
  rates: number,
): Stepper {
  const { problem, neurons, batchSize, precision, seed, replica } = process;
  const size = precision === "f32" ? 4 : 8;
  const { rows } = network;
  const stride = Math.ceil((neurons * size) / PANEL) * PANEL;
  const blockSteps = Math.max(1, Math.floor(TILE / batchSize));
  const tiles = Math.ceil((blockSteps * batchSize) / TILE);
  const plan = memory.block(SGD_SLOTS);
  const set = (slot: number, value: number) => memory.setInteger(plan, slot, value);
  set(SGD_LAW, writeLaw(memory, problem, process.replacement));
  set(SGD_LOSS, lossKinds[problem.loss]);
  set(SGD_BATCH, batchSize);
  set(SGD_STEPS, blockSteps);
  set(SGD_INPUTS, memory.allocate(2 * tiles * rows * TILE * size));
  set(SGD_SCALED, memory.allocate(tiles * rows * TILE * size));
  set(SGD_LABELS, memory.allocate(2 * tiles * TILE * 8));
  set(SGD_PRE, memory.allocate(tiles * TILE * stride));
  set(SGD_SLOPES, memory.allocate(tiles * TILE * stride));
  set(SGD_VALUES, memory.allocate(2 * stride + 1024));
  set(SGD_GRAM, memory.allocate((TILE * TILE + 2 * TILE) * size));
  set(SGD_STEP_SIZES, rates);
  set(SGD_SEED_LOW, seed | 0);
  set(SGD_SEED_HIGH, Math.floor(seed / 4294967296));
  set(SGD_REPLICA, replica | 0);
  set(SGD_EXAMPLE, memory.reserve(precision, rows));
  set(SGD_RESIDUALS, memory.allocate(tiles * TILE * 8));
  const sgd = engine.kernels[`sgd_${precision}`];
  return {
    blockSteps,
    unchecked: false,
    run(which, first, count) {
      set(SGD_NETWORK, which.block);
      return sgd(plan, first, count);
    },
  };
}
