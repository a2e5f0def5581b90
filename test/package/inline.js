// Under a content-security policy that allows workers from blobs: nothing has to be said.

import { use } from "./use.js";

globalThis.results = (async () => ({
  here: await use().catch((error) => ({ error: String(error?.stack ?? error) })),
}))();
