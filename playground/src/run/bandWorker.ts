// The second worker: bands of the risk. A new question stops the one before; the page may end the worker at any time.

import { SpecError } from "meanfield";
import { findBand } from "./band";
import type { BandRequest, BandResponse } from "./protocol";

const scope = self as unknown as {
  postMessage(message: BandResponse): void;
  addEventListener(type: "message", listener: (event: MessageEvent<BandRequest>) => void): void;
};

let asked = new AbortController();

scope.addEventListener("message", async ({ data: { id, run, times } }) => {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  try {
    await findBand(run, times, (band, done) => scope.postMessage({ type: "band", id, band, done }), signal);
  } catch (error) {
    if (signal.aborted) return;
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    const path = error instanceof SpecError ? error.path : null;
    scope.postMessage({ type: "failed", id, error: { name, message, path } });
  }
});
