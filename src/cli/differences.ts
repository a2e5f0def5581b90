// How two documents of JSON differ, field by field.

import { isRecord } from "../model/spec";

/** A place where two documents differ, and what each has there, as short text. */
export interface Difference {
  path: string;
  first: string;
  second: string;
}

/**
 * The places where two values of JSON differ, the outermost that tell them apart.
 *
 * @param first   one of them
 * @param second  the other
 */
export function differences(first: unknown, second: unknown, path = ""): Difference[] {
  if (isRecord(first) && isRecord(second)) {
    const names = [...new Set([...Object.keys(first), ...Object.keys(second)])].sort();
    return names.flatMap((name) => differences(first[name], second[name], path === "" ? name : `${path}.${name}`));
  }
  if (JSON.stringify(first) === JSON.stringify(second)) return [];
  return [{ path, first: short(first), second: short(second) }];
}

function short(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
