// Command lines, by node:util, with errors that name the option.

import { parseArgs } from "node:util";
import { UsageError } from "./terminal";

type Kinds = Record<string, "string" | "boolean">;
type Values<K extends Kinds> = { [Name in keyof K]?: K[Name] extends "boolean" ? boolean : string };

/**
 * The options and the words of a command line.
 *
 * @param args   after the command's name
 * @param kinds  which options there are, and whether each takes a value
 * @throws {UsageError} where an option is unknown, or has no value
 */
export function parseOptions<const K extends Kinds>(
  args: readonly string[],
  kinds: K,
): { values: Values<K>; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(Object.entries(kinds).map(([name, type]) => [name, { type }])),
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Values<K>, words: positionals };
  } catch (error) {
    // its advice on arguments that begin with a dash only confuses
    throw new UsageError(`${(error as Error).message.split(/\.? To specify|\n/)[0]!}.`);
  }
}

/**
 * An option that is a whole number.
 *
 * @throws {UsageError} where it is none
 */
export function integerOption(name: string, text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to) {
    throw new UsageError(`--${name}: expected an integer from ${from} to ${to}, found "${text}".`);
  }
  return value;
}
