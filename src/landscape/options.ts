// Checks of options that the algorithms of this room share.

import { SpecError } from "../engine/errors";

/**
 * @throws {SpecError} unless the value is an integer from `from` to `to`
 */
export function checkInteger(path: string, value: unknown, from: number, to: number, what: string): void {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return;
  throw new SpecError(path, value, `an integer from ${from} to ${to}, ${what}`);
}

/**
 * @throws {SpecError} unless the value is a number in (0, 1)
 */
export function checkTolerance(path: string, value: unknown): void {
  if (typeof value === "number" && value > 0 && value < 1) return;
  throw new SpecError(path, value, "a number between 0 and 1");
}
