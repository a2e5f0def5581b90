// The worker's side of an ensemble: solves what it is given, tells how far it is, returns the trajectory.

import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { provideModule } from "../engine/wasm";
import type { Process } from "../process/schema";
import type { Observables } from "./observables";
import { solve, type Trajectory } from "./solve";

/** One run. */
export interface Task {
  process: Process;
  times: Float64Array;
  observe: Observables;
  /** `measures` sends the law itself back too, at each time. */
  keep?: "observables" | "measures" | undefined;
  /** File where it is saved from time to time and goes on from. */
  checkpoint?: string | undefined;
}

/** What a worker is asked. */
export interface WorkerTask extends Task {
  backend: Backend;
  /** The compiled kernels; null for the plain build. */
  module: WebAssembly.Module | null;
}

/** What a worker says on the way. */
export interface WorkerMessage {
  fraction: number;
}

/** An error as plain data. */
export interface ErrorData {
  name: string;
  message: string;
  fields: Record<string, unknown>;
}

/** What a worker returns. */
export type WorkerResult = { run: Trajectory } | { error: ErrorData };

/** Solves one task. */
export async function solveTask(task: WorkerTask, tell: (message: WorkerMessage) => void): Promise<WorkerResult> {
  if (task.module) provideModule(task.backend, task.module);
  try {
    let told = 0;
    const run = await solve(task.process, {
      times: task.times,
      observe: task.observe,
      keep: task.keep,
      backend: task.backend,
      checkpoint: task.checkpoint,
      onProgress({ fraction }) {
        const now = performance.now();
        if (now - told < 50) return;
        told = now;
        tell({ fraction });
      },
    });
    return { run };
  } catch (error) {
    return { error: errorData(error) };
  }
}

function errorData(error: unknown): ErrorData {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const fields: Record<string, unknown> = {};
  if (error instanceof SpecError) Object.assign(fields, { path: error.path, expected: error.expected });
  if (error instanceof DivergenceError) {
    const { process, step, time, snapshot, run } = error;
    Object.assign(fields, { process, step, time, snapshot, run });
  }
  return { name, message, fields };
}

const errors: Record<string, { prototype: Error }> = { SpecError, DivergenceError, CheckpointError };

/** The error that a worker met, of the same class and with the same fields. */
export function reviveError({ name, message, fields }: ErrorData): Error {
  const kind = errors[name];
  if (!kind) return new Error(message);
  return Object.assign(Object.create(kind.prototype) as Error, { name, message, ...fields });
}
