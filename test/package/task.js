// The app's own web worker. In Firefox without workers of its own: version 153 now and then stops the thread of a worker for good while
// those that it has started end, whatever they run.

import { use } from "./use.js";

use({ workers: navigator.userAgent.includes("Firefox") ? 0 : 2 }).then(
  (result) => postMessage(result),
  (error) => postMessage({ error: String(error?.stack ?? error) }),
);
