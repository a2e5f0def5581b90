// Steps whose update has a memory: the velocity of a descent moves the state by its moments.                       theory §12
//
//   heavy ball   u ← μ u + g,                                  θ ← θ + ε u
//   Adam         m ← β1 m + (1 − β1) g,  s ← β2 s + (1 − β2) g²,   θ ← θ + ε m̂ / (√ŝ + ε̂),   m̂ = m/(1 − β1^k), ŝ = s/(1 − β2^k)
//
// The moments stand behind the state and are saved with it; k is the number of the step, so nothing else has to be.

import type { Engine } from "../engine/engine";
import type { Memory, Precision } from "../engine/memory";
import type { NetworkBlock } from "../model/blocks";
import type { Descent, GradientSource } from "./descent";
import type { Simulation } from "./process";
import type { Process } from "./schema";
import { type SteppedProcess, type Stepper, stepped } from "./steps";

/** How the velocity moves a state. */
export interface Update {
  /** Arrays of the state's shape that go with it. */
  moments: number;
  /**
   * Moves a state in step k = 0, 1, … of size ε.
   *
   * @param theta     address of the state; `bytes` behind it stands its first moment, and so on
   * @param velocity  address of g
   */
  apply(theta: number, velocity: number, bytes: number, k: number, stepSize: number): void;
}

/** Polyak's heavy ball. */
export function heavyBall({ kernels }: Engine, precision: Precision, momentum: number): Update {
  const step = kernels[`heavyBall_${precision}`];
  return {
    moments: 1,
    apply: (theta, velocity, bytes, _, stepSize) => step(theta, theta + bytes, velocity, bytes, stepSize, momentum),
  };
}

/** Adam. */
export function adamUpdate(
  { kernels }: Engine,
  precision: Precision,
  options: { beta1: number; beta2: number; stabiliser: number },
): Update {
  const { beta1, beta2, stabiliser } = options;
  const step = kernels[`adam_${precision}`];
  return {
    moments: 2,
    apply(theta, velocity, bytes, k, stepSize) {
      const rate = stepSize / (1 - power(beta1, k + 1));
      const correction = 1 / Math.sqrt(1 - power(beta2, k + 1));
      step(theta, theta + bytes, theta + 2 * bytes, velocity, bytes, beta1, beta2, rate, correction, stabiliser);
    },
  };
}

/** The simulation at step 0 of a process whose velocity moves the state by another update; see `stepped`. */
export function updated(
  process: SteppedProcess & Process,
  engine: Engine,
  source: GradientSource,
  update: Update,
): Simulation {
  const { precision = "f64" } = process;
  return stepped(process, engine, { source, moments: update.moments }, (memory, _, rates, __, descent) =>
    updateStepper(engine, memory, precision, rates, descent!, update),
  );
}

function updateStepper(
  engine: Engine,
  memory: Memory,
  precision: Precision,
  rates: number,
  descent: Descent,
  update: Update,
): Stepper {
  const { [`drawBatch_${precision}` as const]: draw, [`velocity_${precision}` as const]: velocity } = engine.kernels;
  const { plan, drawn } = descent;
  return {
    blockSteps: 1,
    method: descent.method,
    unchecked: true,
    run(network, first, count) {
      const sizes = memory.f64(rates, count).slice();
      descent.use(network);
      for (let k = 0; k < count; k++) {
        if (!descent.refresh()) return k;
        if (drawn > 0) draw(plan, (first + k) * drawn);
        if (!(Math.abs(velocity(plan)) < Infinity)) return k;
        update.apply(network.weights, descent.velocity, network.bytes, first + k, sizes[k]!);
      }
      return count;
    },
    change(network, k, stepSize) {
      const scratch = engine.memory();
      try {
        return changeFrom(scratch, memory, network, (state) =>
          update.apply(state, descent.velocity, network.bytes, k, stepSize),
        );
      } finally {
        scratch.free();
      }
    },
  };

  // what an update makes of a state of zeros with the same moments
  function changeFrom(
    scratch: Memory,
    from: Memory,
    { weights, bytes }: NetworkBlock,
    apply: (state: number) => void,
  ): Float32Array {
    const all = bytes * (1 + update.moments);
    const state = scratch.allocate(all);
    scratch.u8(state + bytes, all - bytes).set(from.u8(weights + bytes, all - bytes));
    apply(state);
    return scratch.f32(state, bytes / 4).slice();
  }
}

// b^k for whole k > 0, by repeated squaring
function power(b: number, k: number): number {
  let result = 1;
  for (let square = b; k > 0; k = Math.floor(k / 2), square *= square) if (k % 2 === 1) result *= square;
  return result;
}
