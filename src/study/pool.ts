// Workers that solve: threads in Node, web workers in a browser, from an inline source that no bundler has to know of.
// The compiled kernels are sent over, so a worker compiles nothing.

import workerpool from "workerpool";
import type { Backend } from "../engine/kernels";
import { nodeModule } from "../engine/node";
import { compiledModule } from "../engine/wasm";
import type { Trajectory } from "./solve";
import { reviveError, type Task, type WorkerMessage, type WorkerResult } from "./worker";

/** A pool of workers. */
export interface WorkerPool {
  /** Runs one task on the next free worker. */
  run(task: Task, signal: AbortSignal | undefined, onProgress: (fraction: number) => void): Promise<Trajectory>;
  /** Ends the workers. */
  close(): Promise<void>;
}

type Script = { address: string; release?: () => void };

/**
 * Starts a pool of workers that run one build of the kernels.
 *
 * @param size    number of workers
 * @param custom  address of `meanfield/worker`, in place of the inline source
 */
export async function startPool(size: number, backend: Backend, custom?: string | URL): Promise<WorkerPool> {
  const module = backend === "js" ? null : await compiledModule(backend);
  const inNode = nodeModule("node:os") !== undefined;
  const script =
    custom === undefined ? await inlineScript(inNode) : { address: inNode ? filePath(custom) : String(custom) };
  const pool = workerpool.pool(script.address, {
    minWorkers: size,
    maxWorkers: size,
    workerType: inNode ? "thread" : "web",
    workerTerminateTimeout: 100,
    ...(inNode && custom === undefined ? { workerThreadOpts: { eval: true } } : {}),
  });
  return {
    run(task, signal, onProgress) {
      // a native promise over the pool's own; an abort rejects it at once, and closing the pool ends the worker
      return new Promise<Trajectory>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => reject(signal!.reason);
        signal?.addEventListener("abort", stop, { once: true });
        const settle = () => signal?.removeEventListener("abort", stop);
        pool
          .exec("solve", [{ ...task, backend, module }], {
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
              reject(lost(error, inNode));
            },
          );
      });
    },
    async close() {
      await pool.terminate(true);
      script.release?.();
    },
  };
}

// What a task throws comes back as its result; what is rejected here is the worker's own end.
function lost(error: unknown, inNode: boolean): Error {
  const text = error instanceof Error ? error.message : String(error);
  const remedy = inNode
    ? ""
    : " Where the page's content-security policy forbids inline workers, pass the address of meanfield/worker as the option worker.";
  return new Error(`A worker could not start, or was lost: ${text}.${remedy}`, { cause: error });
}

async function inlineScript(inNode: boolean): Promise<Script> {
  const { source } = await import("../generated/worker");
  if (inNode) return { address: source };
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return { address, release: () => URL.revokeObjectURL(address) };
}

// Node's threads take a path where a browser's workers take an address.
function filePath(address: string | URL): string {
  const text = String(address);
  return text.startsWith("file:") ? nodeModule("node:url")!.fileURLToPath(text) : text;
}
