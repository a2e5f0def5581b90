// Where in a file something is wrong: the paths of errors name the file, the line or row, the column, the array.

import { SpecError } from "../engine/errors";
import type { DataTable } from "./table";

/**
 * What `read` gives; its errors name the place before their own path.
 *
 * @param place  of what is read, as the name of a file
 * @param read   reads it
 * @throws {SpecError} also where something else than a SpecError was thrown: a file that breaks a reader is a wrong file
 */
export async function inPlace<T>(place: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw placed(error, place);
  }
}

function placed(error: unknown, place: string): unknown {
  if (error instanceof SpecError) {
    return new SpecError(`${place}, ${error.path}`, error.found, error.expected, error.remedy);
  }
  return new SpecError(place, (error as Error)?.message ?? error, "a file that can be read", "It may be damaged.");
}

const lines = new WeakMap<DataTable, readonly number[]>();

/** Remembers at which lines of a text the rows of a table stand, counted from 1. */
export function rememberLines(table: DataTable, places: readonly number[]): void {
  lines.set(table, places);
}

/**
 * The place of a cell in words, as `line 7, column "x"`; rows of a table that was no text are counted from 1.
 *
 * @param table   the table
 * @param row     counted from 0
 * @param column  its name
 */
export function cellPlace(table: DataTable, row: number, column: string): string {
  const line = lines.get(table)?.[row];
  return `${line === undefined ? `row ${row + 1}` : `line ${line}`}, column ${JSON.stringify(column)}`;
}

/**
 * A size in words, as in "1.1 GB".
 *
 * @param bytes  how many
 */
export function sizeInWords(bytes: number): string {
  if (bytes < 1e3) return `${bytes} bytes`;
  const [unit, name] = bytes < 1e6 ? [1e3, "kB"] : bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}
