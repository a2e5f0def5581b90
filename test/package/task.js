// The app's own web worker.

import { use } from "./use.js";

use().then(
  (result) => postMessage(result),
  (error) => postMessage({ error: String(error?.stack ?? error) }),
);
