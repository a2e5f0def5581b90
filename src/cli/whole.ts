// Files that are there whole or not at all, whatever ends the process: written beside their place, then renamed.

import { rename, rm, stat, writeFile } from "node:fs/promises";
import { UsageError } from "./terminal";

/** Writes a file, or leaves what was there. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(`${file}.part`, content);
    await rename(`${file}.part`, file);
  } catch (error) {
    await rm(`${file}.part`, { force: true }).catch(() => {});
    throw error;
  }
}

/** Whether there is something of this name. */
export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}

/**
 * Checks that files can go to a folder.
 *
 * @throws {UsageError} where something of this name is there that is none
 */
export async function checkFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => null);
  if (there && !there.isDirectory())
    throw new UsageError(`--out: ${folder} is a file; give a folder, or - for standard output.`);
}
