// Command lines, by node:util, with errors that name the option.

import { parseArgs } from "node:util";
import { letters, type OptionKind } from "./commands";
import { UsageError } from "./terminal";

type Kinds = Record<string, OptionKind>;
type Values<K extends Kinds> = {
  [Name in keyof K]?: K[Name] extends "boolean" ? boolean : K[Name] extends readonly (infer Word)[] ? Word : string;
};

/**
 * The options and the words of a command line.
 *
 * @param args   after the command's name
 * @param kinds  which options there are, and whether each takes a value
 * @throws {UsageError} where an option is unknown, has no value, or one that it does not take
 */
export function parseOptions<const K extends Kinds>(
  args: readonly string[],
  kinds: K,
): { values: Values<K>; words: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(
        Object.entries(kinds).map(([name, kind]) => [
          name,
          { type: kind === "boolean" ? "boolean" : "string", ...(letters[name] && { short: letters[name] }) },
        ]),
      ),
      allowPositionals: true,
      strict: true,
    });
    for (const [name, kind] of Object.entries(kinds)) {
      const value = values[name];
      if (typeof kind === "string" || value === undefined || kind.includes(value as string)) continue;
      throw new UsageError(`--${name}: expected one of ${kind.join(", ")}, found "${value}".`);
    }
    return { values: values as Values<K>, words: positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
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

/** A command line that a shell takes as it is. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
