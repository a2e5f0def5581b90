// Tables and datasets read from CSV, Parquet and npz, as other programs write them. What is refused is in badFiles.test.ts.

import { csvParseRows } from "d3-dsv";
import fc from "fast-check";
import { gzipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer/src/write.js";
import { describe, expect, it } from "vitest";
import {
  type DataTable,
  dataset,
  datasetFromFile,
  datasetFromNpz,
  datasetFromTable,
  readDataFile,
  tableFromCsv,
  tableFromParquet,
  tableToCsv,
  tableToParquet,
  tensorsToNpz,
} from "../../src/index";

const bits = (rows: readonly (readonly unknown[])[]) =>
  rows.map((row) => row.map((cell) => (Object.is(cell, -0) ? "−0" : cell)));

const cell = fc.oneof(fc.double(), fc.constantFrom(0, -0, null));
const numbers = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 8 })).chain(([width, length]) =>
  fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: length, maxLength: length }).map(
    (rows): DataTable => ({
      columns: Array.from({ length: width }, (_, j) => ({ name: `x${j}`, type: "number" })),
      rows,
      notes: { source: "ε → 0" },
    }),
  ),
);

describe("a table of numbers", () => {
  it("comes back from CSV with every bit, without its notes", async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (table) => {
        const again = await tableFromCsv(await tableToCsv(table));
        expect(again.columns).toEqual(table.columns);
        expect(bits(again.rows)).toEqual(bits(table.rows));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("comes back from Parquet with every bit and with its notes", async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (table) => {
        const again = await tableFromParquet(await tableToParquet(table));
        expect({ ...again, rows: bits(again.rows) }).toEqual({ ...table, rows: bits(table.rows) });
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

describe("CSV", () => {
  it("of any texts is split as another reader splits it", async () => {
    const field = fc.string({ unit: fc.constantFrom("a", '"', ",", ";", "\n", " ", "é"), maxLength: 5 });
    const rows = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(rows, async (cells) => {
        const columns = ["p", "q"].map((name) => ({ name, type: "text" as const }));
        const text = await tableToCsv({ columns, rows: cells, notes: {} });
        const again = await tableFromCsv(text);
        const [, ...expected] = csvParseRows(text);
        const read = again.rows.map((row) => row.map((one) => one ?? ""));
        // a column of blanks alone has no type, and reads as numbers that are missing
        expect(read.map((row) => row.map((one) => String(one).trim()))).toEqual(
          expected.map((row) => row.map((one) => one.trim())),
        );
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  const expected = [
    [1, 2],
    [3, -0.5],
  ];
  it.each([
    ["lines that end in CRLF", "x,y\r\n1,2\r\n3,-.5\r\n"],
    ["lines that end in CR", "x,y\r1,2\r3,-5e-1"],
    ["a mark of the order of bytes", "\ufeffx,y\n1,2\n3,-0.5"],
    ["semicolons", "x;y\n1;2\n3;-0.5\n"],
    ["tabs", "x\ty\n1\t2\n3\t-0.5\n"],
    ["quotes about everything", '"x","y"\n"1","2"\n"3","-0.5"\n'],
    ["blanks about numbers and names, and blank lines", "x, y\n 1, 2\n\n3 ,\t-0.5\n\n"],
  ])("with %s", async (_, text) => {
    const { columns, rows } = await tableFromCsv(text);
    expect(columns).toEqual([
      { name: "x", type: "number" },
      { name: "y", type: "number" },
    ]);
    expect(rows).toEqual(expected);
  });

  it("tells numbers, booleans and texts apart, a column at a time", async () => {
    const { columns, rows } = await tableFromCsv('n,b,t\n1e3,true,1\n-inf,False,"a, ""b"""\nNaN,,\n');
    expect(columns.map(({ type }) => type)).toEqual(["number", "boolean", "text"]);
    expect(rows).toEqual([
      [1000, true, "1"],
      [-Infinity, false, 'a, "b"'],
      [Number.NaN, null, null],
    ]);
  });

  it("without names is read where that is said", async () => {
    const { columns, rows } = await tableFromCsv("1,2\n3,4\n", { header: false });
    expect(columns.map(({ name }) => name)).toEqual(["column1", "column2"]);
    expect(rows).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("of one column may have empty fields", async () => {
    expect((await tableFromCsv("x\n1\n\n2\n\n")).rows).toEqual([[1], [null], [2], [null]]);
  });
});

describe("Parquet of another program", () => {
  it("may have floats, integers of 64 bits, missing values and compression", async () => {
    const columnData = [
      { name: "f", data: [1.5, -0], type: "FLOAT" as const },
      { name: "i", data: [2n ** 53n - 1n, -3n], type: "INT64" as const },
      { name: "t", data: ["a", null], type: "STRING" as const },
      { name: "b", data: [true, null], type: "BOOLEAN" as const },
      { name: "h", data: [0.5, 2], type: "FLOAT16" as const },
    ];
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData }));
    const { columns, rows } = await tableFromParquet(bytes);
    expect(columns.map(({ type }) => type)).toEqual(["number", "number", "text", "boolean", "number"]);
    const expected = [
      [1.5, 2 ** 53 - 1, "a", true, 0.5],
      ["−0", -3, null, null, 2],
    ];
    expect(bits(rows)).toEqual(expected);
    const compressors = { GZIP: (raw: Uint8Array) => gzipSync(raw) };
    const packed = new Uint8Array(parquetWriteBuffer({ columnData, codec: "GZIP", compressors }));
    expect(bits((await tableFromParquet(packed)).rows)).toEqual(expected);
  });
});

/** A struct in Thrift's compact protocol: fields by ascending ids; numbers are i32, bigints i64, texts binary, lists of one type. */
type Thrift = number | bigint | string | Thrift[] | Fields;
interface Fields {
  [id: number]: Thrift;
}

function thrift(value: Thrift): number[] {
  const varint = (x: bigint): number[] => (x < 128n ? [Number(x)] : [Number(x & 127n) | 128, ...varint(x >> 7n)]);
  if (typeof value === "number") return thrift(BigInt(value));
  if (typeof value === "bigint") return varint(value < 0n ? -2n * value - 1n : 2n * value);
  if (typeof value === "string") return [...varint(BigInt(value.length)), ...new TextEncoder().encode(value)];
  const typeOf = (x: Thrift) =>
    typeof x === "number" ? 5 : typeof x === "bigint" ? 6 : typeof x === "string" ? 8 : Array.isArray(x) ? 9 : 12;
  if (Array.isArray(value)) return [(value.length << 4) | typeOf(value[0]!), ...value.flatMap(thrift)];
  let last = 0;
  const fields = Object.entries(value).flatMap(([id, x]) => {
    const delta = Number(id) - last;
    last = Number(id);
    return [(delta << 4) | typeOf(x), ...thrift(x)];
  });
  return [...fields, 0];
}

describe("Parquet with pages of version 1, a dictionary and missing values, as pandas writes it", () => {
  // 10 values, the second missing: levels in 2 groups of 8 bits; indices: a run of four 0, then 1 0 1 0 1 in a group
  const dictionary = [...new Uint8Array(Float64Array.of(1.5, -0).buffer)];
  const file = (levels: number[], indices: number[]) => {
    const content = [levels.length, 0, 0, 0, ...levels, 1, ...indices];
    const first = [...thrift({ 1: 2, 2: 16, 3: 16, 7: { 1: 2, 2: 0 } }), ...dictionary];
    const header = { 1: 0, 2: content.length, 3: content.length, 5: { 1: 10, 2: 8, 3: 3, 4: 3 } };
    const chunk = [...first, ...thrift(header), ...content];
    const size = BigInt(chunk.length);
    const meta: Thrift = {
      1: 5,
      2: [8],
      3: ["x"],
      4: 0,
      5: 10n,
      6: size,
      7: size,
      9: BigInt(4 + first.length),
      11: 4n,
    };
    const schema: Thrift = [
      { 4: "schema", 5: 1 },
      { 1: 5, 3: 1, 4: "x" },
    ];
    const end = thrift({ 1: 1, 2: schema, 3: 10n, 4: [{ 1: [{ 2: 4n, 3: meta }], 2: size, 3: 10n }] });
    const mark = [...new TextEncoder().encode("PAR1")];
    return Uint8Array.from([...mark, ...chunk, ...end, end.length, 0, 0, 0, ...mark]);
  };

  it("is read", async () => {
    const { rows } = await tableFromParquet(file([5, 0b11111101, 0b11], [8, 0, 3, 0b10101]));
    expect(bits(rows)).toEqual([1.5, null, 1.5, 1.5, 1.5, "−0", 1.5, "−0", 1.5, "−0"].map((x) => [x]));
  });

  it.each([
    ["levels", [0xfe, 0xff, 0xff, 0xff, 0x0f, 1], [8, 0, 3, 0b10101]],
    ["indices", [5, 0b11111101, 0b11], [0xfe, 0xff, 0xff, 0xff, 0x07, 0]],
    ["groups that count backwards", [5, 0b11111101, 0b11], [0xff, 0xff, 0xff, 0xff, 0x0f, 0]],
  ])("with %s that would fill the memory, or never end, is refused", async (_, levels, indices) => {
    const error = await tableFromParquet(file(levels, indices)).catch((found: unknown) => found);
    expect(error).toMatchObject({ name: "SpecError", path: "parquet", found: "a run that is longer than its page" });
  });
});

describe("a dataset", () => {
  const law = dataset({
    x: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    y: [1, -1, 1],
  });

  it("is a table whose column y has the labels, or another that is named", async () => {
    const text = "x0,y,x1\n1,1,2\n3,-1,4\n5,1,6\n";
    expect(await datasetFromTable(await tableFromCsv(text))).toEqual(law);
    const other = await tableFromCsv(text.replace("y", "z"));
    expect(await datasetFromTable(other, { labels: "z" })).toEqual(law);
    expect((await datasetFromTable(other, { labels: "z", inputs: ["x1"] })).x.data).toEqual(Float64Array.of(2, 4, 6));
    expect((await datasetFromTable(other, { labels: ["z", "x0"] })).y.shape).toEqual([3, 2]);
  });

  it("may have several outputs, weights and classes", async () => {
    const table = await tableFromCsv("y0,x,y1,w\n1,0,2,1\n3,1,4,3\n");
    const found = await datasetFromTable(table, { weights: "w" });
    expect(found.y).toMatchObject({ shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) });
    expect(found.weights!.data).toEqual(Float64Array.of(0.25, 0.75));
    expect(found.x.data).toEqual(Float64Array.of(0, 1));
    const classes = await tableFromCsv("x,class\n0.1,0\n0.2,2\n0.3,1\n");
    expect((await datasetFromTable(classes, { classes: 3 })).y.data).toEqual(Float64Array.of(0, 2, 1));
    expect((await datasetFromTable(classes, { classes: true })).y.data).toEqual(Float64Array.of(0, 2, 1));
  });

  it("is an npz of x and y, of any numbers", async () => {
    const x = new Float32Array([1, 2, 3, 4, 5, 6]);
    const bytes = await tensorsToNpz({ X: { dtype: "f32", shape: [3, 2], data: x }, label: Int32Array.of(1, -1, 1) });
    expect(await datasetFromNpz(bytes)).toEqual(law);
    const other = await tensorsToNpz({ a: law.x, b: law.y, w: [1, 1, 2] });
    expect((await datasetFromNpz(other, { x: "a", y: "b", weights: "w" })).weights!.data[2]).toBe(0.5);
  });

  it("is read from a file, whatever the file is called", async () => {
    const encode = (text: string) => new TextEncoder().encode(text);
    const csv = await readDataFile("a.npz", encode("x0,x1,y\n1,2,1\n3,4,-1\n5,6,1\n"));
    expect(csv).toMatchObject({ kind: "table", format: "csv", name: "a.npz" });
    expect(await datasetFromFile(csv)).toEqual(law);
    const npz = await readDataFile("b.csv", await tensorsToNpz({ x: law.x, y: law.y }));
    expect(npz).toMatchObject({ kind: "arrays", arrays: [{ name: "x", descr: "<f8", shape: [3, 2] }, { name: "y" }] });
    expect(await datasetFromFile(npz)).toEqual(law);
    const table = await tableFromCsv("x0,x1,y\n1,2,1\n3,4,-1\n5,6,1\n");
    const parquet = await readDataFile("c", await tableToParquet(table));
    expect(await datasetFromFile(parquet)).toEqual(law);
    const utf16 = Uint8Array.from("\ufeffx\ty\n1\t2", (c) => c.charCodeAt(0));
    const wide = new Uint8Array(new Uint16Array(Array.from("\ufeffx\ty\n1\t2", (c) => c.charCodeAt(0))).buffer);
    expect(utf16.length * 2).toBe(wide.length);
    expect(await readDataFile("d.txt", wide)).toMatchObject({ kind: "table", table: { rows: [[1, 2]] } });
  });
});
