// The worker as a file whose place the bundler finds, as it does for the app's own.

import { use } from "./use.js";

globalThis.results = use({ worker: new URL("meanfield/worker", import.meta.url) }).then(
  (here) => ({ here }),
  (error) => ({ here: { error: String(error?.stack ?? error) } }),
);
