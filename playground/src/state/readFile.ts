// What a file is, told by its contents, and what the page makes of it.

import type { Dropped } from "../experiment";

/** What to run, if there is something to run in it, and what to say. */
export interface Understood {
  dropped: Dropped | null;
  message: string;
}

/**
 * Reads a file.
 *
 * @throws {SpecError} whose path names the place in the file
 */
export async function understand(name: string, _bytes: Uint8Array): Promise<Understood> {
  throw new Error(`${name} cannot be read yet`);
}
