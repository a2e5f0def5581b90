// Tables of results as JSON, CSV and Parquet. Numbers are exact in each: shortest decimals that read back to the same bits, or
// the bits themselves.
//
//             NaN, ±Infinity             −0    no value
//   JSON      "NaN", "Infinity", …       -0    null         in a column whose type is number
//   CSV       NaN, Infinity, …           -0    empty
//   Parquet   as doubles                 −0    null

/// <reference path="./d3-dsv.d.ts" />
import { SpecError } from "../engine/errors";
import { isRecord } from "../model/spec";

/** One entry of a table; null where there is no value. */
export type Cell = number | string | boolean | null;

/** A column of a table. An `integer` is one of 32 bits with sign. */
export interface Column {
  name: string;
  type: "number" | "integer" | "text" | "boolean";
}

/** A table, as plain data. */
export interface DataTable {
  columns: Column[];
  /** A list of cells a row, one a column. */
  rows: Cell[][];
  /** What is to be known of the whole table, by name. */
  notes: Record<string, string>;
}

const VERSION = 1;

/**
 * A table as the text of a JSON file, a row a line.
 *
 * @param table  columns, rows and notes
 * @returns { version: 1, kind: "table", notes, columns, rows }; what JSON has no number for stands as "NaN", "Infinity" or
 *          "-Infinity" in a column of numbers
 * @throws {SpecError} with the path of a cell that its column does not take
 */
export function tableToJson(table: DataTable): string {
  const { columns, rows, notes } = checkTable(table);
  const head = [`"version": ${VERSION}`, '"kind": "table"', `"notes": ${JSON.stringify(notes)}`];
  const lines = rows.map((row) => `  [${row.map(jsonCell).join(", ")}]`);
  const body = [`"columns": ${JSON.stringify(columns)}`, `"rows": [\n${lines.join(",\n")}\n ]`];
  return `{\n ${[...head, ...body].join(",\n ")}\n}\n`;
}

/**
 * A table from the text of a JSON file.
 *
 * @param text  what `tableToJson` gave
 * @throws {SpecError} with the path of what is damaged or missing
 */
export function tableFromJson(text: string): DataTable {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new SpecError("table", text, "JSON", `${(error as Error).message}.`);
  }
  if (!isRecord(file) || file.kind !== "table") throw new SpecError("table", file, 'a file of kind "table"');
  if (file.version !== VERSION) throw new SpecError("version", file.version, `${VERSION}, which this library reads`);
  const { columns, rows, notes } = file as unknown as DataTable;
  if (!Array.isArray(columns)) throw new SpecError("columns", columns, "a list of columns");
  if (!Array.isArray(rows)) throw new SpecError("rows", rows, "a list of rows");
  const numeric = columns.map((column) => column?.type === "number");
  const cells = rows.map((row) =>
    Array.isArray(row) ? row.map((cell, j) => (numeric[j] && isWord(cell) ? Number(cell) : cell)) : row,
  );
  return checkTable({ columns, rows: cells, notes });
}

/**
 * A table as CSV (RFC 4180) with a head; lines end in \n. The notes are left out.
 *
 * @param table  columns, rows and notes
 * @throws {SpecError} as `tableToJson`
 */
export async function tableToCsv(table: DataTable): Promise<string> {
  const { columns, rows } = checkTable(table);
  const { csvFormatRows } = await import("d3-dsv");
  return `${csvFormatRows([columns.map(({ name }) => name), ...rows.map((row) => row.map(csvCell))])}\n`;
}

/**
 * A table as a Parquet file: numbers as DOUBLE, integers as INT32, texts as UTF8, the notes as its key-value metadata.
 *
 * @param table  columns, rows and notes
 * @throws {SpecError} as `tableToJson`
 */
export async function tableToParquet(table: DataTable): Promise<Uint8Array> {
  const { columns, rows, notes } = checkTable(table);
  const { parquetWriteBuffer } = await import("hyparquet-writer/src/write.js");
  const types = { number: "DOUBLE", integer: "INT32", text: "STRING", boolean: "BOOLEAN" } as const;
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name, type }, j) => ({
      name,
      data: rows.map((row) => row[j]!),
      type: types[type],
      // a dictionary would take −0 for 0
      ...(type === "number" && { encoding: "PLAIN" as const }),
    })),
    kvMetadata: Object.entries(notes).map(([key, value]) => ({ key, value })),
    createdBy: "meanfield",
  });
  return new Uint8Array(buffer);
}

const WORDS = ["NaN", "Infinity", "-Infinity"];

function isWord(cell: unknown): boolean {
  return WORDS.includes(cell as string);
}

// String gives the shortest decimals that read back to the same number, but 0 for −0.
function numberText(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}

function jsonCell(cell: Cell): string {
  if (typeof cell === "number") return Number.isFinite(cell) ? numberText(cell) : `"${cell}"`;
  return JSON.stringify(cell);
}

function csvCell(cell: Cell): string {
  if (cell === null) return "";
  return typeof cell === "number" ? numberText(cell) : String(cell);
}

const accepts: Record<Column["type"], (cell: unknown) => boolean> = {
  number: (cell) => typeof cell === "number",
  integer: (cell) => typeof cell === "number" && (cell | 0) === cell,
  text: (cell) => typeof cell === "string",
  boolean: (cell) => typeof cell === "boolean",
};

function checkTable(table: DataTable): DataTable {
  const { columns, rows, notes } = table;
  columns.forEach(({ name, type }, j) => {
    if (typeof name !== "string") throw new SpecError(`columns[${j}].name`, name, "text");
    if (!Object.hasOwn(accepts, type)) {
      throw new SpecError(`columns[${j}].type`, type, Object.keys(accepts).join(", "));
    }
    if (columns.findIndex((other) => other.name === name) !== j) {
      throw new SpecError(`columns[${j}].name`, name, "a name of its own");
    }
  });
  rows.forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== columns.length) {
      throw new SpecError(`rows[${i}]`, row, `${columns.length} cells, one a column`);
    }
    row.forEach((cell, j) => {
      if (cell !== null && !accepts[columns[j]!.type](cell)) {
        throw new SpecError(`rows[${i}][${j}]`, cell, `null, or a cell of type ${columns[j]!.type}`);
      }
    });
  });
  if (!isRecord(notes) || Object.values(notes).some((note) => typeof note !== "string")) {
    throw new SpecError("notes", notes, "texts by name");
  }
  return table;
}
