// Many runs on a few workers: one pool for all of them, each run told of as it ends. Who runs what, and when, is nobody's
// business: a run depends on its specification alone.

import { loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { nodeModule } from "../engine/node";
import { isLocalProblem } from "../model/problem";
import type { WorkerPool } from "./pool";
import { solve, type Trajectory } from "./solve";
import type { Task } from "./worker";

/** How runs are run. */
export interface RunsOptions {
  /** Worker threads; 0 runs in this one. */
  workers: number;
  /** Address of `meanfield/worker`. */
  worker: string | URL | undefined;
  backend: Backend | undefined;
  signal: AbortSignal | undefined;
  /** Called as a run goes on, with the share of it that is done. */
  onFraction(index: number, fraction: number): void;
  /** Called when a run is done; the next one waits for it. */
  onRun(index: number, run: Trajectory): void | Promise<void>;
  /** Called with what a run threw, before all others are stopped. */
  onError?(index: number, error: unknown): void;
}

/**
 * Runs tasks on worker threads, or one after the other in this one.
 *
 * @throws what the first task to fail threw, or the signal's reason; nothing goes on afterwards
 */
export async function runAll(tasks: readonly Task[], options: RunsOptions): Promise<void> {
  const { workers, worker, backend, signal, onFraction, onRun, onError } = options;
  signal?.throwIfAborted();
  if (tasks.length === 0) return;
  let next = 0;
  let failed = false;
  const lane = async (run: (task: Task, index: number) => Promise<Trajectory>) => {
    while (next < tasks.length && !failed) {
      const index = next++;
      try {
        const done = await run(tasks[index]!, index);
        if (done.status === "done") await onRun(index, done);
        signal?.throwIfAborted();
      } catch (error) {
        // what stops the others makes them fail too
        if (!failed) {
          failed = true;
          if (!signal?.aborted) onError?.(index, error);
        }
        throw error;
      }
    }
  };

  if (workers === 0) {
    return lane((task, index) =>
      solve(task.process, {
        times: task.times,
        observe: task.observe,
        keep: task.keep,
        checkpoint: task.checkpoint,
        backend,
        signal,
        onProgress: ({ fraction }) => onFraction(index, fraction),
      }),
    );
  }
  const local = tasks.find(({ process }) => isLocalProblem(process.problem));
  if (local) {
    throw new SpecError(
      "process.problem.confinement",
      local.process.problem.confinement,
      "a potential of plain JSON, because it goes to a worker",
      "Use workers: 0 to run a function of your own, or write it as separable(tabulate(fn, { from, to, points })).",
    );
  }
  const engine = await loadEngine({ backend });
  const { startPool } = await import("./pool");
  const pool: WorkerPool = await startPool(Math.min(workers, tasks.length), engine.backend, worker);
  // twice as many as there are workers, so that none waits while a result is put away
  const lanes = Array.from({ length: Math.min(2 * workers, tasks.length) }, () =>
    lane((task, index) => pool.run(task, signal, (fraction) => onFraction(index, fraction))),
  );
  try {
    await Promise.all(lanes);
  } finally {
    await pool.close();
    await Promise.allSettled(lanes);
  }
}

/** Number of workers, checked; the number of cores, at most the runs, where none is given. */
export function readWorkers(workers: number | undefined, runs: number): number {
  const count = workers ?? Math.min(runs, cores());
  if (!Number.isInteger(count) || count < 0 || count > 1024) {
    throw new SpecError("workers", count, "an integer from 0 to 1024");
  }
  return count;
}

function cores(): number {
  return nodeModule("node:os")?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
