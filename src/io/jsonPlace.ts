// JSON with errors that say where: engines tell the place in words of their own, or not at all.

import { SpecError } from "../engine/errors";

const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w".+-]))/uy;

/**
 * What a text of JSON stands for.
 *
 * @param text  of a file
 * @throws {SpecError} with line and column of the first thing that cannot stand there
 */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { index, line, column } = jsonPlace(text);
    const [rest] = text.slice(index).split("\n");
    const ended = index >= text.trimEnd().length;
    const found = ended ? "the end of the file" : rest!.length > 30 ? `${rest!.slice(0, 30)}…` : rest;
    const reason = (error as Error).message.split(/ (?:in JSON )?at position|, ?"|, \.\.\./)[0]!;
    throw new SpecError(`line ${line}, column ${column}`, found, "JSON", `${reason}.`);
  }
}

/**
 * The place of the first character that cannot stand there, or the end where something is missing.
 *
 * @param text  a text that is no JSON
 * @returns index, line and column, the latter two from 1
 */
export function jsonPlace(text: string): { index: number; line: number; column: number } {
  const index = firstError(text);
  const before = text.slice(0, index);
  const line = before.split("\n").length;
  return { index, line, column: index - before.lastIndexOf("\n") };
}

// Within an object or a list a value, a name, a colon or a comma is awaited; the stack says in which.
function firstError(text: string): number {
  const stack: ("{" | "[")[] = [];
  let awaited: "value" | "valueOrEnd" | "name" | "nameOrEnd" | "colon" | "commaOrEnd" | "nothing" = "value";
  let at = 0;
  const after = () => (stack.length === 0 ? "nothing" : "commaOrEnd");
  while (awaited !== "nothing") {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    const start = at + /^[ \t\r\n]*/.exec(text.slice(at))![0].length;
    if (!found) return start;
    const [, sign, scalar] = found;
    const valueMayStand = awaited === "value" || awaited === "valueOrEnd";
    const top = stack[stack.length - 1];
    const ends = awaited === "commaOrEnd" || awaited === "valueOrEnd" || awaited === "nameOrEnd";
    if (scalar !== undefined && valueMayStand) awaited = after();
    else if (scalar?.startsWith('"') && (awaited === "name" || awaited === "nameOrEnd")) awaited = "colon";
    else if (sign === "{" && valueMayStand) {
      stack.push("{");
      awaited = "nameOrEnd";
    } else if (sign === "[" && valueMayStand) {
      stack.push("[");
      awaited = "valueOrEnd";
    } else if (sign === ":" && awaited === "colon") awaited = "value";
    else if (sign === "," && awaited === "commaOrEnd") awaited = top === "{" ? "name" : "value";
    else if (ends && ((sign === "}" && top === "{") || (sign === "]" && top === "["))) {
      stack.pop();
      awaited = after();
    } else return start;
    at = TOKEN.lastIndex;
  }
  return at + /^[ \t\r\n]*/.exec(text.slice(at))![0].length;
}
