// The page's end of the worker: requests with answers are promises, frames are handed on at the display's pace.

import type { BandRequest, BandResponse, Change, Failure, Frame, Look, Request, Response, Run } from "../run/protocol";

/** What `open` answers. */
export type Opened = Extract<Response, { type: "opened" }>;
/** What `exportAs` answers. */
export type Exported = Extract<Response, { type: "exported" }>;
/** What can be exported by the worker. */
export type ExportKind = Extract<Request, { type: "export" }>["what"];

/** A failure that the worker reported. */
export class RunFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
    this.name = failure.name;
  }
}

/** The worker that runs. */
export interface Client {
  /** Begins a run and goes to `until`; the run before stays where this one cannot be opened. */
  open(run: Run, until: number, look: Look): Promise<Opened>;
  /** From the state reached on these values hold; answers all changes so far. */
  change(set: Change["set"]): Promise<Change[]>;
  exportAs(what: ExportKind): Promise<Exported>;
  send(request: Extract<Request, { type: "play" | "pause" | "step" | "rewind" | "seek" | "look" | "close" }>): void;
}

/**
 * Starts the worker.
 *
 * @param onFrame    called in an animation frame, once a frame; the worker makes the next one meanwhile
 * @param onFailure  whatever failed that no promise waits for
 */
export function startClient(onFrame: (frame: Frame) => void, onFailure: (failure: Failure) => void): Client {
  const worker = new Worker(new URL("../run/worker.ts", import.meta.url), { type: "module", name: "run" });
  const waiting = new Map<number, { resolve: (response: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  // frames of the run before may still wait for their animation frame when another has been opened
  let runs = 0;

  const post = (request: Request) => worker.postMessage(request);
  const ask = <T extends Response>(request: (id: number) => Request) =>
    new Promise<T>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      post(request(id));
    });
  const settle = (id: number) => {
    const one = waiting.get(id);
    waiting.delete(id);
    return one;
  };

  worker.addEventListener("message", ({ data }: MessageEvent<Response>) => {
    if (data.type === "frame") {
      const run = runs;
      requestAnimationFrame(() => {
        // first, so that the worker works while the page draws
        post({ type: "drawn" });
        if (run === runs) onFrame(data.frame);
      });
    } else if (data.type === "failed") {
      const one = data.id === null ? undefined : settle(data.id);
      if (one) one.reject(new RunFailure(data.error));
      else onFailure(data.error);
    } else {
      if (data.type === "opened") runs += 1;
      settle(data.id)?.resolve(data as never);
    }
  });
  worker.addEventListener("error", (event) => {
    const error = { name: "Error", message: event.message || "The worker could not be loaded.", path: null };
    for (const { reject } of waiting.values()) reject(new RunFailure(error));
    waiting.clear();
    onFailure(error);
  });

  return {
    open: (run, until, look) => ask<Opened>((id) => ({ type: "open", id, run, until, look })),
    change: async (set) =>
      (await ask<Extract<Response, { type: "changed" }>>((id) => ({ type: "change", id, change: set }))).changes,
    exportAs: (what) => ask<Exported>((id) => ({ type: "export", id, what })),
    send: post,
  };
}

/**
 * Asks a second worker for the band of the risk, again and again while it sharpens. The worker ends with `stop`, so that a question
 * that nobody asks any more costs nothing.
 *
 * @returns stop
 */
export function startBand(run: Run, times: Float64Array, onBand: (response: BandResponse) => void): () => void {
  const worker = new Worker(new URL("../run/bandWorker.ts", import.meta.url), { type: "module", name: "band" });
  worker.addEventListener("message", ({ data }: MessageEvent<BandResponse>) => onBand(data));
  worker.addEventListener("error", (event) => {
    const message = event.message || "The worker of the band could not be loaded.";
    onBand({ type: "failed", id: 1, error: { name: "Error", message, path: null } });
  });
  const request: BandRequest = { type: "band", id: 1, run, times };
  worker.postMessage(request);
  return () => worker.terminate();
}
