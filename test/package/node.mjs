// In Node: the main thread, a worker thread, and an ensemble on the worker as a file.

import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { use } from "./use.js";

if (isMainThread) {
  const here = await use();
  const file = await use({ worker: import.meta.resolve("meanfield/worker") });
  const thread = await new Promise((done, failed) => {
    const worker = new Worker(new URL(import.meta.url));
    worker.once("message", done);
    worker.once("error", failed);
  });
  console.log(JSON.stringify({ here, file, thread }));
} else {
  parentPort.postMessage(await use());
}
