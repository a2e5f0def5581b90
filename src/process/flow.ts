// Processes in continuous time: a solver that chooses its own steps, and the simulation around it.
//
// Steps are never clipped to the times asked for: the state is the end of the last whole step, and a time inside a step is
// reached on a copy.

import type { Engine } from "../engine/engine";
import { CheckpointError, SpecError } from "../engine/errors";
import type { Measure } from "../measure/measure";
import { pack, unpack } from "./checkpoint";
import { CHUNK_MILLISECONDS, identityOf, inTurn, pause, type Simulation, type Watch } from "./process";
import type { Process } from "./schema";

/** A saved solver; notes are what it has warned of, as plain JSON. */
export type SolverState = {
  time: number;
  step: number;
  accepted: number;
  values: Float64Array;
  notes?: readonly unknown[];
};

/** What every solver in continuous time is to its process. */
export interface Solver {
  /** End of the last whole step. */
  readonly time: number;
  /** Whole steps taken. */
  readonly accepted: number;
  /** Makes at most `limit` trial steps, none beyond t; true when no other whole step fits. */
  advance(t: number, limit: number): boolean;
  /** The numbers of the law at t, from a copy; after `advance(t)` is through. */
  at(t: number): Float64Array;
  save(): SolverState;
  restore(state: SolverState): void;
  /** Gives memory back, where there is any. */
  free?(): void;
}

/**
 * The simulation around a solver.
 *
 * @param parts  measure: the law from the solver's numbers; warnings: what the user should know by now; method: how the field is
 *               found, in words
 */
export function flowing(
  process: Process,
  engine: Engine,
  solver: Solver,
  parts: { measure(values: Float64Array): Measure; warnings(): string[]; method?: string },
): Simulation {
  const identity = identityOf(process, engine);
  let time = 0;
  let values: Float64Array | null = null;
  let freed = false;
  const alive = () => {
    if (freed) throw new TypeError("This simulation was freed.");
  };

  return {
    process,
    engine,
    ...(parts.method !== undefined && { method: parts.method }),
    get warnings() {
      return parts.warnings();
    },
    get time() {
      return time;
    },
    get step() {
      return solver.accepted;
    },
    advance: inTurn(async (t: number, { signal, onProgress }: Watch = {}) => {
      alive();
      if (!(t >= time)) {
        throw new SpecError("t", t, `a time not before the time reached, ${time}`, "Start again to go back.");
      }
      signal?.throwIfAborted();
      if (t === time) return;
      values = null;
      let began = performance.now();
      while (!solver.advance(t, 1)) {
        if (performance.now() - began < CHUNK_MILLISECONDS) continue;
        time = Math.max(time, solver.time);
        onProgress?.(time);
        await pause();
        alive();
        signal?.throwIfAborted();
        began = performance.now();
      }
      time = t;
      onProgress?.(time);
    }),
    measure() {
      alive();
      values ??= solver.at(time);
      return parts.measure(values);
    },
    save() {
      alive();
      const { time: reached, step, accepted, values: state, notes = [] } = solver.save();
      const payload = new Uint8Array((3 + state.length) * 8);
      const view = new DataView(payload.buffer);
      [time, reached, step, ...state].forEach((x, i) => void view.setFloat64(8 * i, x, true));
      return pack({ ...identity(), accepted, notes }, payload);
    },
    restore(bytes) {
      alive();
      const { header, payload } = unpack(bytes, identity());
      const size = solver.save().values.length;
      if (payload.length !== 8 * (3 + size)) throw new CheckpointError("The saved state has the wrong length.");
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      const numbers = Float64Array.from({ length: 3 + size }, (_, i) => view.getFloat64(8 * i, true));
      time = numbers[0]!;
      values = null;
      solver.restore({
        time: numbers[1]!,
        step: numbers[2]!,
        accepted: Number(header.accepted),
        values: numbers.subarray(3),
        notes: header.notes as unknown[],
      });
    },
    free() {
      freed = true;
      solver.free?.();
    },
  };
}
