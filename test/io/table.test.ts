// Tables on file: every number comes back with its bits, from each of the three forms; Parquet is read by another reader.

import { csvParseRows } from "d3-dsv";
import fc from "fast-check";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import {
  type Cell,
  type DataTable,
  SpecError,
  tableFromJson,
  tableToCsv,
  tableToJson,
  tableToParquet,
} from "../../src/index";

const table: DataTable = {
  columns: [
    { name: "point", type: "integer" },
    { name: "process.neurons", type: "number" },
    { name: "process.problem.unit", type: "text" },
    { name: "radius[0].mean", type: "number" },
    { name: "process.replacement", type: "boolean" },
  ],
  rows: [
    [0, 100, "relu", 0.1, true],
    [1, 1e21, 'a "quoted", one', -0, false],
    [2, 5e-324, "two\nlines", Number.NaN, null],
    [3, null, null, Infinity, true],
    [-(2 ** 31), 0.30000000000000004, "ε → 0", -Infinity, false],
    [2 ** 31 - 1, Number.MAX_VALUE, "x", 0, true],
  ],
  notes: { version: "0.1.0", conventions: "t = kε" },
};

const bits = (rows: readonly (readonly unknown[])[]) =>
  rows.map((row) => row.map((cell) => (Object.is(cell, -0) ? "−0" : cell)));

/** Cells of CSV, by the type of their columns. */
function fromCsv(text: string, { columns }: DataTable): Cell[][] {
  const [head, ...rows] = csvParseRows(text);
  expect(head).toEqual(columns.map(({ name }) => name));
  return rows.map((row) =>
    row.map((cell, j) => {
      if (cell === "") return null;
      const { type } = columns[j]!;
      return type === "text" ? cell : type === "boolean" ? cell === "true" : Number(cell);
    }),
  );
}

async function fromParquet(bytes: Uint8Array, { columns }: DataTable): Promise<Cell[][]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const rows = await parquetReadObjects({ file });
  return rows.map((row) => columns.map(({ name }) => row[name]));
}

describe("a table", () => {
  it("comes back from JSON with its notes", () => {
    const again = tableFromJson(tableToJson(table));
    expect(again).toEqual(table);
    expect(bits(again.rows)).toEqual(bits(table.rows));
    // anybody's reader takes it too
    expect(JSON.parse(tableToJson(table)).rows[2]).toEqual([2, 5e-324, "two\nlines", "NaN", null]);
  });

  it("comes back from CSV", async () => {
    const text = await tableToCsv(table);
    expect(text.split("\n")[0]).toBe("point,process.neurons,process.problem.unit,radius[0].mean,process.replacement");
    expect(text.endsWith("\n")).toBe(true);
    expect(bits(fromCsv(text, table))).toEqual(bits(table.rows));
  });

  it("comes back from Parquet, with its notes as metadata and a type a column", async () => {
    const bytes = await tableToParquet(table);
    expect(bits(await fromParquet(bytes, table))).toEqual(bits(table.rows));
    const { schema, key_value_metadata: notes } = parquetMetadata(bytes.buffer as ArrayBuffer);
    expect(schema.slice(1).map(({ type }) => type)).toEqual(["INT32", "DOUBLE", "BYTE_ARRAY", "DOUBLE", "BOOLEAN"]);
    expect(notes).toEqual([
      { key: "version", value: "0.1.0" },
      { key: "conventions", value: "t = kε" },
    ]);
  });

  it("of any doubles comes back from all three with the same bits", async () => {
    const cell = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, null));
    const rows = fc.array(fc.tuple(cell, cell), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(rows, async (cells) => {
        const columns = ["x", "y"].map((name) => ({ name, type: "number" as const }));
        const any: DataTable = { columns, rows: cells, notes: {} };
        const expected = bits(cells);
        expect(bits(tableFromJson(tableToJson(any)).rows)).toEqual(expected);
        expect(bits(fromCsv(await tableToCsv(any), any))).toEqual(expected);
        expect(bits(await fromParquet(await tableToParquet(any), any))).toEqual(expected);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("of more rows than a Parquet row group keeps signs of zero, which a dictionary would lose", async () => {
    const columns = [{ name: "x", type: "number" as const }];
    const many = {
      columns,
      rows: Array.from({ length: 2500 }, (_, i) => [[0, -0, Number.NaN, null][i % 4]!]),
      notes: {},
    };
    expect(bits(await fromParquet(await tableToParquet(many), many))).toEqual(bits(many.rows));
  });

  it("without rows is a head", async () => {
    const empty = { ...table, rows: [] };
    expect(tableFromJson(tableToJson(empty))).toEqual(empty);
    expect((await tableToCsv(empty)).trim().split("\n")).toHaveLength(1);
    expect(await fromParquet(await tableToParquet(empty), empty)).toEqual([]);
  });
});

describe("what is no table is refused by its place", () => {
  const one = { columns: [{ name: "x", type: "number" as const }], rows: [[1]], notes: {} };
  it.each<[string, unknown]>([
    ["rows[0][0]", { ...one, rows: [["1"]] }],
    ["rows[0]", { ...one, rows: [[1, 2]] }],
    ["rows[0][0]", { ...one, columns: [{ name: "x", type: "integer" }], rows: [[0.5]] }],
    ["rows[0][0]", { ...one, columns: [{ name: "x", type: "integer" }], rows: [[2 ** 31]] }],
    ["columns[1].name", { ...one, columns: [...one.columns, ...one.columns], rows: [] }],
    ["columns[0].type", { ...one, columns: [{ name: "x", type: "date" }] }],
    ["notes", { ...one, notes: { a: 1 } }],
  ])("%s", async (path, wrong) => {
    const errors = [
      (() => {
        try {
          return tableToJson(wrong as DataTable);
        } catch (error) {
          return error;
        }
      })(),
      await tableToCsv(wrong as DataTable).catch((error: unknown) => error),
      await tableToParquet(wrong as DataTable).catch((error: unknown) => error),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe(path);
    }
  });

  it.each([
    ["", "table"],
    ["[]", "table"],
    ['{ "kind": "table", "version": 2 }', "version"],
    ['{ "kind": "table", "version": 1, "columns": {} }', "columns"],
    ['{ "kind": "table", "version": 1, "columns": [], "rows": 0 }', "rows"],
    ['{ "kind": "table", "version": 1, "columns": [], "rows": [3], "notes": {} }', "rows[0]"],
  ])("the file %s", (text, path) => {
    expect(() => tableFromJson(text)).toThrow(expect.objectContaining({ name: "SpecError", path }));
  });
});
