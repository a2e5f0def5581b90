// In a browser: the page, and a web worker as the app's bundler makes it.

import { use } from "./use.js";

async function inWorker() {
  const worker = new Worker(new URL("./task.js", import.meta.url), { type: "module" });
  const result = await new Promise((done, failed) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message }) => failed(new Error(`the worker failed: ${message}`));
  });
  worker.terminate();
  if (result.error) throw new Error(`in the worker: ${result.error}`);
  return result;
}

const settled = (promise) => promise.catch((error) => ({ error: String(error?.stack ?? error) }));

globalThis.results = Promise.all([settled(use()), settled(inWorker())]).then(([here, worker]) => ({ here, worker }));
