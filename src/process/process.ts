// What a process is: something that moves a law of parameters in time. One interface for all.

import type { Engine } from "../engine/engine";
import { specHash } from "../io/canonical";
import type { Measure } from "../measure/measure";
import type { Process } from "./schema";

export { CHUNK_MILLISECONDS, pause } from "../engine/pause";

/** How a long advance is watched and stopped. */
export interface Watch {
  /** Stops at the next chunk with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called between chunks with the time reached. */
  onProgress?: ((time: number) => void) | undefined;
}

/** A running process. */
export interface Simulation {
  /** The specification, normalised. */
  readonly process: Process;
  /** Build of the kernels it runs on. */
  readonly engine: Engine;
  /** Time reached, t = kε for SGD. */
  readonly time: number;
  /** Steps done. */
  readonly step: number;
  /** How the gradient is found, in words, where there is a choice. */
  readonly method?: string;
  /** What the user should know of this run, in sentences; grows while it runs. */
  readonly warnings: readonly string[];
  /**
   * Goes on to time t. A call that comes while another is under way waits for its turn.
   *
   * @throws {SpecError} where t lies before the time reached
   * @throws {DivergenceError} where the state is no longer finite
   */
  advance(t: number, watch?: Watch): Promise<void>;
  /** The law of the parameters now; a copy. */
  measure(): Measure;
  /** The state, so that `restore` goes on to the same bits. */
  save(): Uint8Array;
  /**
   * Takes a saved state of the same specification and build.
   *
   * @throws {CheckpointError} where it is damaged, or of another version, build or specification
   */
  restore(bytes: Uint8Array): void;
  /** Gives the memory back; the simulation cannot be used afterwards. May be called twice. */
  free(): void;
}

/** What a process' file exports: `start`, which allocates and sets the state at time 0. */
export interface ProcessModule<P extends Process = Process> {
  start(process: P, engine: Engine): Simulation | Promise<Simulation>;
}

/**
 * What a saved state says of itself, to be asked when one is written or read.
 *
 * @throws {SpecError} where the specification holds functions, which no file can
 */
export function identityOf(process: Process, engine: Engine): () => { kind: string; backend: string; spec: string } {
  let spec: string | null = null;
  return () => {
    spec ??= specHash(process, "process");
    return { kind: process.kind, backend: engine.backend, spec };
  };
}

/** Calls of an advance one after the other, however they were made: two at once would tread on each other's state. */
export function inTurn(advance: Simulation["advance"]): Simulation["advance"] {
  let last: Promise<void> = Promise.resolve();
  return (t, watch) => {
    const next = last.then(() => advance(t, watch));
    last = next.catch(() => {});
    return next;
  };
}
