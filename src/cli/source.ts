// The specification that a command is given.

import { readFile } from "node:fs/promises";
import { SpecError } from "../engine/errors";
import { type Terminal, UsageError } from "./terminal";

/**
 * The one specification that a command line names, parsed as JSON.
 *
 * @param words     of the command line: a file, or "-" for standard input
 * @param terminal  where standard input is
 * @throws {UsageError} where there is not one, or it cannot be read
 * @throws {SpecError} where it is no JSON
 */
export async function readSource(words: readonly string[], terminal: Terminal): Promise<unknown> {
  const [source] = words;
  if (source === undefined) throw new UsageError("Which specification?");
  if (words.length > 1) throw new UsageError(`One specification at a time, found ${words.join(" ")}.`);
  const content =
    source === "-"
      ? await terminal.input()
      : await readFile(source, "utf8").catch((error: Error) => {
          throw new UsageError(`The specification cannot be read: ${error.message}.`);
        });
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new SpecError(source === "-" ? "standard input" : source, content, "JSON", `${(error as Error).message}.`);
  }
}
