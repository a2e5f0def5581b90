// Tables from Parquet files, by hyparquet.

import { gunzipSync } from "fflate";
import { parquetMetadata, parquetRead } from "hyparquet";
import type { FileMetaData, SchemaElement } from "hyparquet/src/types.js";
import { SpecError } from "../engine/errors";
import { checkPages } from "./parquetPages";
import { cellPlace, sizeInWords } from "./place";
import type { Cell, Column, DataTable } from "./table";

/** Most cells of a table: each takes some 16 bytes of memory. */
const MOST_CELLS = 5e7;
/** Most bytes of the columns when they are unpacked. */
const MOST_UNPACKED = 2 ** 30;

/** Whether bytes begin as a Parquet file does. */
export function isParquet(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x41 && bytes[2] === 0x52 && bytes[3] === 0x31;
}

/** See onDemand.ts. */
export async function tableFromParquet(bytes: Uint8Array): Promise<DataTable> {
  if (!isParquet(bytes)) throw new SpecError("parquet", "other bytes", "a Parquet file, which begins with PAR1");
  const metadata = guarded(() => parquetMetadata(bytes));
  const columns = columnsOf(metadata);
  checkSize(metadata, columns.length, bytes.length);
  const table: DataTable = {
    columns: columns.map(({ name, type }) => ({ name, type })),
    rows: [],
    notes: notesOf(metadata),
  };
  const found = await rowsOf(bytes, metadata);
  for (const row of found) {
    const i = table.rows.length;
    table.rows.push(columns.map((column, j) => cellOf(row[j], () => cellPlace(table, i, column.name))));
  }
  columns.forEach(({ name, type }, j) => {
    if (type === "text") return;
    const bad = table.rows.findIndex(
      (row) => row[j] !== null && typeof row[j] !== (type === "boolean" ? type : "number"),
    );
    if (bad >= 0) throw new SpecError(cellPlace(table, bad, name), table.rows[bad]![j], `a ${type}`, DAMAGED);
  });
  return table;
}

const DAMAGED = "The file is damaged.";

async function rowsOf(bytes: Uint8Array, metadata: FileMetaData): Promise<unknown[][]> {
  const file = {
    byteLength: bytes.length,
    slice: (from: number, to?: number) => bytes.slice(from, to).buffer as ArrayBuffer,
  };
  const compressors = { GZIP: (packed: Uint8Array) => gunzipSync(packed) };
  let rows: unknown[][] = [];
  try {
    checkPages(bytes, metadata, compressors);
    await parquetRead({
      file,
      metadata,
      compressors,
      geoparquet: false,
      onComplete: (found) => {
        rows = found;
      },
    });
  } catch (error) {
    throw broken(error);
  }
  const expected = Number(metadata.num_rows);
  if (rows.length !== expected)
    throw new SpecError("parquet", `${rows.length} rows`, `${expected}, as its end says`, DAMAGED);
  return rows;
}

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw broken(error);
  }
}

function broken(error: unknown): SpecError {
  const text = (error as Error).message;
  const codec = /unsupported compression codec: (\w+)/.exec(text)?.[1];
  return codec
    ? new SpecError(
        "parquet",
        `compression ${codec}`,
        "SNAPPY, GZIP or none",
        "Write it again with compression='snappy'.",
      )
    : new SpecError("parquet", text, "a whole Parquet file", "The file is cut or damaged.");
}

function columnsOf({ schema, row_groups: groups }: FileMetaData): Column[] {
  const elements = schema.slice(1);
  const nested = elements.find((element) => element.num_children || element.repetition_type === "REPEATED");
  if (nested) {
    const expected = "a number, a text or a boolean in each row";
    throw new SpecError(
      `column ${JSON.stringify(nested.name)}`,
      "lists or groups",
      expected,
      "Save each part as a column of its own.",
    );
  }
  for (const { columns } of groups) {
    if (
      columns.length !== elements.length ||
      columns.some(({ meta_data: part }) => part?.path_in_schema.length !== 1)
    ) {
      throw new SpecError(
        "parquet",
        `${columns.length} columns in a row group`,
        `${elements.length}, as the schema says`,
        DAMAGED,
      );
    }
  }
  return elements.map((element, j) => {
    const place = `column ${JSON.stringify(element.name)}`;
    if (elements.findIndex(({ name }) => name === element.name) !== j) {
      throw new SpecError(place, "two columns of that name", "a name of its own");
    }
    return { name: element.name, type: typeOf(element, place) };
  });
}

const SMALL = ["INT_8", "INT_16", "INT_32", "UINT_8", "UINT_16"];

function typeOf(element: SchemaElement, place: string): Column["type"] {
  const { type, converted_type: converted, logical_type: logical } = element;
  const meaning = logical?.type ?? converted;
  switch (type) {
    case "BOOLEAN":
      return "boolean";
    case "DOUBLE":
    case "FLOAT":
      return "number";
    case "INT32":
      if (meaning === undefined || SMALL.includes(converted!)) return "integer";
      if (meaning === "UINT_32" || meaning === "INTEGER") return converted === "UINT_32" ? "number" : "integer";
      break;
    case "INT64":
      if (meaning === undefined || meaning === "INT_64" || meaning === "UINT_64" || meaning === "INTEGER")
        return "number";
      break;
    case "BYTE_ARRAY":
      if (meaning === "UTF8" || meaning === "STRING" || meaning === "ENUM") return "text";
      break;
    case "FIXED_LEN_BYTE_ARRAY":
      if (meaning === "FLOAT16") return "number";
      break;
  }
  const found = meaning === undefined ? `${type}` : `${meaning} (${type})`;
  const remedy = /DECIMAL/.test(found)
    ? "Decimals are not binary numbers: cast the column to DOUBLE, or to texts."
    : /TIME|DATE|INT96/.test(found)
      ? "Save dates and times as numbers, as in seconds since the first."
      : undefined;
  throw new SpecError(place, found, "numbers (DOUBLE, FLOAT, FLOAT16, integers), texts (STRING) or BOOLEAN", remedy);
}

function checkSize({ num_rows, row_groups: groups }: FileMetaData, columns: number, size: number): void {
  const rows = Number(num_rows);
  const unpacked = groups.flatMap((group) =>
    group.columns.map((one) => Number(one.meta_data!.total_uncompressed_size)),
  );
  const bytes = unpacked.reduce((sum, one) => sum + one, 0);
  const counts = groups.map((group) => Number(group.num_rows));
  const areWhole = groups.every((group, i) => {
    return counts[i]! >= 0 && group.columns.every((one) => Number(one.meta_data!.num_values) === counts[i]);
  });
  if (!areWhole || counts.reduce((sum, one) => sum + one, 0) !== rows || unpacked.some((one) => !(one >= 0))) {
    throw new SpecError("parquet", `${rows} rows in ${sizeInWords(size)}`, "sizes that fit the file", DAMAGED);
  }
  if (rows * Math.max(1, columns) > MOST_CELLS || bytes > MOST_UNPACKED) {
    const found = `${rows} rows of ${columns} columns, ${sizeInWords(bytes)}`;
    const expected = `at most ${MOST_CELLS} cells and ${sizeInWords(MOST_UNPACKED)}`;
    throw new SpecError(
      "parquet",
      found,
      expected,
      `In memory a cell takes some 16 bytes: save a part, or arrays as npz.`,
    );
  }
}

function notesOf({ key_value_metadata: notes }: FileMetaData): Record<string, string> {
  return Object.fromEntries((notes ?? []).map(({ key, value }) => [key, value ?? ""]));
}

function cellOf(value: unknown, place: () => string): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") {
    if (Number.isSafeInteger(Number(value))) return Number(value);
    throw new SpecError(place(), value, "an integer of size below 2^53", "Save the column as DOUBLE, or as texts.");
  }
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  throw new SpecError(place(), value, "a number, a text or a boolean", DAMAGED);
}
