// What the worker writes: the run as a trajectory or a table, and the network's neurons.

import type { Request } from "./protocol";
import type { Recorded } from "./session";

/** A file. */
export interface Exported {
  file: string;
  mediaType: string;
  bytes: Uint8Array;
}

/** The file that was asked for. */
export async function exported(
  what: Extract<Request, { type: "export" }>["what"],
  recorded: Recorded,
): Promise<Exported> {
  const { samples } = recorded.sampler;
  throw new Error(`${what} of ${samples.length} records is not there yet`);
}
