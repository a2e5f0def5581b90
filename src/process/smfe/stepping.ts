// The simulation around fields of cells that go in steps of one length: t = k dt, and the law at t is that after round(t/dt) steps.

import type { Engine } from "../../engine/engine";
import { CheckpointError, SpecError } from "../../engine/errors";
import type { Work } from "../../measure/cells";
import type { Measure } from "../../measure/measure";
import { isLocalProblem } from "../../model/problem";
import { pack, unpack } from "../checkpoint";
import { CHUNK_MILLISECONDS, identityOf, inTurn, pause, type Simulation, type Watch } from "../process";
import type { Process } from "../schema";

/** Fields that go in steps. */
export interface FieldSteps {
  readonly step: number;
  /** One step; the state changes at its end only. */
  advance(): Work<void>;
  /** The state: fields whose lengths never change. */
  fields(): readonly Float64Array[];
  /** What a saved state holds besides the fields, as plain JSON. */
  marks(): object;
  /** Takes fields and marks of a saved state. */
  restore(fields: readonly Float64Array[], marks: unknown): void;
  measure(): Measure;
  warnings(): string[];
  free(): void;
}

/**
 * The simulation of fields.
 *
 * @param timeStep  dt
 * @param build     the fields, given what a divergence of theirs carries: the last good state
 */
export function fieldSimulation(
  process: Process,
  engine: Engine,
  timeStep: number,
  build: (snapshot: () => Uint8Array | null) => FieldSteps,
): Simulation {
  const identity = identityOf(process, engine);
  // functions of the user's cannot be saved
  const state = build(() => (isLocalProblem(process.problem) ? null : save()));
  let freed = false;
  const alive = () => {
    if (freed) throw new TypeError("This simulation was freed.");
  };

  function save(): Uint8Array {
    const fields = state.fields();
    const payload = new Uint8Array(8 * fields.reduce((sum, field) => sum + field.length, 0));
    const view = new DataView(payload.buffer);
    let at = 0;
    for (const field of fields) for (const x of field) view.setFloat64(8 * at++, x, true);
    return pack({ ...identity(), ...state.marks() }, payload);
  }

  return {
    process,
    engine,
    get warnings() {
      return state.warnings();
    },
    get time() {
      return state.step * timeStep;
    },
    get step() {
      return state.step;
    },
    advance: inTurn(async (t: number, { signal, onProgress }: Watch = {}) => {
      alive();
      const target = Math.round(t / timeStep);
      if (!(target >= state.step)) {
        const reached = `a time not before the time reached, ${state.step * timeStep}`;
        throw new SpecError("t", t, reached, "Start again to go back.");
      }
      if (target > Number.MAX_SAFE_INTEGER) {
        throw new SpecError("t", t, `a time of at most 2^53 steps, ${Number.MAX_SAFE_INTEGER * timeStep}`);
      }
      signal?.throwIfAborted();
      let began = performance.now();
      while (state.step < target) {
        const work = state.advance();
        while (!work.next().done) {
          if (performance.now() - began < CHUNK_MILLISECONDS) continue;
          onProgress?.(state.step * timeStep);
          await pause();
          alive();
          // a step that is left half done has changed nothing
          signal?.throwIfAborted();
          began = performance.now();
        }
      }
      onProgress?.(state.step * timeStep);
    }),
    measure() {
      alive();
      return state.measure();
    },
    save() {
      alive();
      return save();
    },
    restore(bytes) {
      alive();
      const { header, payload } = unpack(bytes, identity());
      const fields = state.fields().map((field) => new Float64Array(field.length));
      if (payload.length !== 8 * fields.reduce((sum, field) => sum + field.length, 0)) {
        throw new CheckpointError("The saved state has the wrong length.");
      }
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      let at = 0;
      for (const field of fields) for (let i = 0; i < field.length; i++) field[i] = view.getFloat64(8 * at++, true);
      state.restore(fields, header);
    },
    free() {
      freed = true;
      state.free();
    },
  };
}
