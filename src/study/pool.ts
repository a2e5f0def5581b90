// Workers that solve: threads in Node, web workers in a browser, from an inline source that no bundler has to know of.
// The compiled kernels are sent over, so a worker compiles nothing.

import workerpool from "workerpool";
import type { Backend } from "../engine/kernels";
import { compiledModule } from "../engine/wasm";
import type { Process } from "../process/schema";
import type { Observables } from "./observables";
import type { Trajectory } from "./solve";
import { reviveError, type WorkerMessage, type WorkerResult } from "./worker";

/** A pool of workers. */
export interface WorkerPool {
  /** Solves one process on the next free worker. */
  run(
    process: Process,
    times: Float64Array,
    observe: Observables,
    signal: AbortSignal | undefined,
    onProgress: (fraction: number) => void,
  ): Promise<Trajectory>;
  /** Ends the workers. */
  close(): Promise<void>;
}

/** Starts a pool of workers that run one build of the kernels. */
export async function startPool(size: number, backend: Backend, custom?: string | URL): Promise<WorkerPool> {
  const module = backend === "js" ? null : await compiledModule(backend);
  const { source } = await import("../generated/worker");
  const inNode = typeof process === "object" && process.versions?.node !== undefined;
  const url = inNode || custom !== undefined ? null : URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const pool = workerpool.pool(custom !== undefined ? String(custom) : inNode ? source : url!, {
    minWorkers: size,
    maxWorkers: size,
    workerType: inNode ? "thread" : "web",
    workerTerminateTimeout: 100,
    ...(inNode && custom === undefined ? { workerThreadOpts: { eval: true } } : {}),
  });
  return {
    run(process, times, observe, signal, onProgress) {
      // a native promise over the pool's own; an abort rejects it at once, and closing the pool ends the worker
      return new Promise<Trajectory>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => reject(signal!.reason);
        signal?.addEventListener("abort", stop, { once: true });
        const settle = () => signal?.removeEventListener("abort", stop);
        pool
          .exec("solve", [{ process, times, observe, backend, module }], {
            on: (message: WorkerMessage) => onProgress(message.fraction),
          })
          .then(
            (result: WorkerResult) => {
              settle();
              if ("error" in result) reject(reviveError(result.error));
              else resolve(result.run);
            },
            (error: unknown) => {
              settle();
              reject(error);
            },
          );
      });
    },
    async close() {
      await pool.terminate(true);
      if (url) URL.revokeObjectURL(url);
    },
  };
}
