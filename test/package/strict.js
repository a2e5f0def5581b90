// Under a content-security policy that forbids inline workers: the inline one is refused with a way out, the file runs.

import { use } from "./use.js";

const refused = use().then(
  () => "nothing",
  (error) => String(error),
);
globalThis.results = (async () => ({
  refused: await refused,
  here: await use({ worker: "/worker.js" }).catch((error) => ({ error: String(error?.stack ?? error) })),
}))();
