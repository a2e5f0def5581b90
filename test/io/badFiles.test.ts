// Files that are wrong: each is a SpecError that names the file and the place, and says what was found and expected. Broken ones of every
// kind, cut, flipped or random, are never anything else than a SpecError or a valid result.

import fc from "fast-check";
import { type Zippable, zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer/src/write.js";
import { describe, expect, it } from "vitest";
import {
  anisotropicGaussians,
  datasetFromFile,
  gaussian,
  measureFromNpz,
  measureFromTable,
  measureToNpz,
  measureToTable,
  particleMeasure,
  readDataFile,
  ridge,
  runSpecToJson,
  SpecError,
  sgd,
  solve,
  type Tensor,
  tableFromCsv,
  tableFromParquet,
  tableToParquet,
  tanh,
  tensorsToNpz,
  trajectoryFromNpz,
  trajectoryFromTable,
  trajectoryToJson,
  trajectoryToNpz,
  trajectoryToTable,
} from "../../src/index";
import { npyBytes } from "../../src/io/npy";

const encode = (text: string) => new TextEncoder().encode(text);
const zeros = (...shape: number[]): Tensor => {
  const count = shape.reduce((product, n) => product * n, 1);
  return { dtype: "f64", shape, data: new Float64Array(count) };
};

/** An npy file by hand. */
const npy = (descr: string, shape: string, elements: ArrayLike<number>) => {
  const header = encode(`{'descr': ${descr}, 'fortran_order': False, 'shape': (${shape}), }\n`);
  return Uint8Array.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length,
    0,
    ...header,
    ...Array.from(elements),
  ]);
};
const npz = (files: Zippable) => zipSync(files, { level: 0 });
const one = { "y.npy": npyBytes({ dtype: "f64", shape: [2], data: Float64Array.of(1, -1) }) };
const withX = (descr: string, shape: string, elements: ArrayLike<number>) =>
  npz({ "x.npy": npy(descr, shape, elements), ...one });
const parquet = (columnData: Parameters<typeof parquetWriteBuffer>[0]["columnData"]) =>
  new Uint8Array(parquetWriteBuffer({ columnData }));

async function errorOf(work: () => Promise<unknown>): Promise<SpecError> {
  const error = await work().then(
    () => new Error("It was read."),
    (found: unknown) => found,
  );
  expect(error).toBeInstanceOf(SpecError);
  return error as SpecError;
}

const asDataset = async (bytes: Uint8Array, options = {}) => datasetFromFile(await readDataFile("f", bytes), options);

const process = sgd(
  { law: anisotropicGaussians({ dimension: 2, delta: 0.5 }), unit: ridge(tanh()), start: gaussian({ radius: 1 }) },
  { neurons: 3, stepSize: 0.1 },
);
const spec = runSpecToJson({ process, times: [0, 0.1] });
const run = await solve(process, { times: [0, 0.1], keep: "measures" });
const cloud = particleMeasure({ coordinates: "theta", shape: [2, 2], values: Float64Array.of(1, 2, 3, 4) });

const mixed = await tableFromCsv('x,t,y\n1,"a, ""b""",2\n-0.5,c,1e-3\n3,,NaN\n');
/** A file of each kind. */
const good = {
  csv: encode('x,t,y\n1,"a, ""b""",2\r\n-0.5,c,1e-3\n'),
  npz: await trajectoryToNpz(run),
  measure: await measureToNpz(cloud),
  packed: zipSync({
    "x.npy": npyBytes({ dtype: "f64", shape: [50, 2], data: new Float64Array(100).fill(0.1) }),
    ...one,
  }),
  parquet: await tableToParquet(mixed),
  run: await tableToParquet(await trajectoryToTable(run)),
  doubles: parquet([{ name: "x", data: Array.from({ length: 50 }, (_, i) => i / 7), type: "DOUBLE" }]),
  spec: encode(spec),
  json: encode(JSON.stringify(trajectoryToJson(run))),
};

const cutOff = good.parquet.slice(0, -9);

describe("CSV that is wrong", () => {
  // path, what is found, a word of the remedy or of what is expected
  it.each<[string, string, string, unknown, RegExp]>([
    ["a missing value", "x,y\n1,1\n,2\n", 'f, line 3, column "x"', "nothing", /missing/],
    ["a missing label", "x,y\n1,1\n2,\n", 'f, line 3, column "y"', "nothing", /missing/],
    ["NaN for what is missing", "x,y\n1,1\nnan,2\n", 'f, line 3, column "x"', Number.NaN, /finite/],
    ["a word for what is missing", "x,y\n1,1\nNA,2\n", 'f, line 3, column "x"', "NA", /a number/],
    ["words among the labels", "x,class\n1,setosa\n2,virginica\n", 'f, line 2, column "class"', "setosa", /a number/],
    ["a row that is too short", "x,y\n1,1\n2\n", "f, line 3", "1 fields", /2, as line 1 has/],
    [
      "a row that is too long, after a text of two lines",
      't,y\n"a\nb",1\n2,3,4\n',
      "f, line 4",
      "3 fields",
      /2, as line/,
    ],
    ["no header", "1,2\n3,4\n", "f, line 1", "1,2", /names above the numbers/],
    ["a name twice", "x,x,y\n1,2,3\n", "f, line 1, column 2", "x", /column 1 has it/],
    ["no name", ",x,y\n0,1,2\n", "f, line 1, column 1", "nothing", /index=False/],
    ["decimal commas", "x;y\n1,5;2\n", 'f, line 2, column "x"', "1,5", /with a point/],
    ["blanks between columns", "x y\n1 2\n", "f, columns", ["x y"], /one of the names y, label/],
    ["no labels", "u,v\n1,2\n", "f, columns", ["u", "v"], /Say which column/],
    ["no rows", "x,y\n", "f, rows", "no rows", /at least one example/],
    ["labels alone", "y\n1\n", "f, columns", ["y"], /inputs beside/],
    ["a quote that is left open", 'x,y\n1,2\n"3,4\n', "f, line 3", '"3,4\n', /never closed/],
    ["a quote within quotes", 'x,y\n"a"b,2\n', "f, line 2", "b,2\n", /written twice/],
    ["a number too large", "x,y\n1e999,1\n", 'f, line 2, column "x"', Infinity, /finite/],
  ])("%s", async (_, text, path, found, says) => {
    const error = await errorOf(() => asDataset(encode(text)));
    expect({ path: error.path, found: error.found }).toEqual({ path, found });
    expect(error.message).toMatch(says);
  });

  it.each<[string, string, object, string, unknown, RegExp]>([
    [
      "a class that is no integer",
      "x,y\n1,0\n2,0.5\n",
      { classes: true },
      'f, line 3, column "y"',
      0.5,
      /Number the classes/,
    ],
    ["labels ±1 as classes", "x,y\n1,1\n2,-1\n", { classes: 2 }, 'f, line 3, column "y"', -1, /logistic/],
    ["a class beyond the last", "x,y\n1,0\n2,2\n", { classes: 2 }, 'f, line 3, column "y"', 2, /from 0 to 1/],
    [
      "a class without examples",
      "x,y\n1,0\n2,2\n",
      { classes: 3 },
      'f, column "y"',
      "no example of class 1",
      /without a gap/,
    ],
    ["classes from 1 on", "x,y\n1,1\n2,2\n", { classes: true }, 'f, column "y"', "no example of class 0", /subtract 1/],
    ["a column that is not there", "x,y\n1,2\n", { labels: "z" }, 'f, column "z"', ["x", "y"], /a column of this name/],
    ["an input as label", "x,y\n1,2\n", { inputs: ["y"] }, 'f, column "y"', "an input and a label", /one of both/],
    ["weights below 0", "x,y,w\n1,2,-1\n1,2,1\n", { weights: "w" }, 'f, column "w"[0]', -1, /non-negative/],
  ])("%s", async (_, text, options, path, found, says) => {
    const error = await errorOf(() => asDataset(encode(text), options));
    expect({ path: error.path, found: error.found }).toEqual({ path, found });
    expect(error.message).toMatch(says);
  });
});

describe("an npz that is wrong", () => {
  const big = new Uint8Array(8 * 4);
  const deflated = zipSync({ "x.npy": npyBytes({ dtype: "f64", shape: [99], data: new Float64Array(99) }) });
  // a bomb: the directory says 4 kB are 3 GB
  const bomb = deflated.slice();
  new DataView(bomb.buffer).setUint32(bomb.length - 22 - 46 - 5 + 24, 3e9, true);
  const flipped = npz(one);
  flipped[140] = flipped[140]! ^ 1;
  const sealed = npz(one);
  sealed[sealed.length - 22 - 46 - 5 + 8] = 1;

  it.each<[string, Uint8Array, string, unknown, RegExp]>([
    [
      "x of one axis",
      withX("'<f8'", "2,", new Uint8Array(16)),
      'f, array "x"',
      "shape (2,)",
      /shape \(n, d\).*\[:, None\]/,
    ],
    ["x of three axes", withX("'<f8'", "2, 2, 1", big), 'f, array "x"', "shape (2, 2, 1)", /reshape/],
    ["x without rows", withX("'<f8'", "0, 2", []), 'f, array "x"', "shape (0, 2)", /a row an example/],
    ["labels of another number", withX("'<f8'", "4, 1", big), 'f, array "y"', "shape (2,)", /shape \(4,\) or \(4, K\)/],
    ["no x", npz(one), 'f, array "x" or array "X"', '"y"', /one of these names/],
    [
      "objects",
      withX("'|O'", "2,2", [0x80, 4, 0x2e]),
      'f, array "x"',
      "Python objects, which are pickled",
      /dtype=float/,
    ],
    ["complex numbers", withX("'<c16'", "2, 1", big), 'f, array "x"', "complex numbers (<c16)", /x\.real/],
    ["dates", withX("'<M8[ns]'", "2, 1", new Uint8Array(16)), 'f, array "x"', "dates or times (<M8[ns])", /timedelta/],
    ["byte strings", withX("'|S4'", "2, 1", new Uint8Array(8)), 'f, array "x"', "byte strings (|S4)", /astype\(str\)/],
    [
      "records",
      withX("[('a', '<f8')]", "2, 1", new Uint8Array(16)),
      'f, array "x"',
      "a structured array",
      /of its own/,
    ],
    ["long doubles", withX("'<f16'", "2, 1", big), 'f, array "x"', "<f16", /astype\(float\)/],
    ["texts", withX("'<U1'", "2, 1", new Uint8Array(8)), 'f, array "x"', "texts (<U1)", /numbers/],
    [
      "integers that no float has",
      withX("'<i8'", "2, 1", [1, 0, 0, 0, 0, 0, 0x20, 0, ...new Uint8Array(8)]),
      'f, array "x"[0]',
      2n ** 53n + 1n,
      /below 2\^53/,
    ],
    [
      "NaN",
      withX("'<f8'", "2, 1", [0, 0, 0, 0, 0, 0, 0xf8, 0x7f, ...new Uint8Array(8)]),
      'f, array "x"[0, 0]',
      Number.NaN,
      /finite/,
    ],
    ["fewer numbers than its shape", withX("'<f8'", "2, 1", [0]), 'f, array "x"', "1 bytes", /16 bytes, as the shape/],
    [
      "a header that is cut",
      npz({ "x.npy": npy("'<f8'", "2,", []).slice(0, 30), ...one }),
      'f, array "x"',
      "30 bytes",
      /a whole header/,
    ],
    [
      "a header of other words",
      withX("3", "2, 1", []),
      'f, array "x"',
      expect.stringContaining("'descr': 3"),
      /descr, fortran/,
    ],
    [
      "a later format",
      npz({ "x.npy": npy("'<f8'", "2,", []).fill(9, 6, 7), ...one }),
      'f, array "x"',
      "version 9",
      /version 1, 2 or 3/,
    ],
    [
      "another file in it",
      npz({ ...one, "readme.txt": encode("hello") }),
      "f, npz",
      'a file "readme.txt" in it',
      /arrays of NumPy/,
    ],
    [
      "something else by the name of an array",
      npz({ "x.npy": encode("hello"), ...one }),
      'f, array "x"',
      "other bytes",
      /\.npy/,
    ],
    ["its end cut off", npz(one).slice(0, -30), "f, npz", expect.stringContaining("bytes"), /cut/],
    ["its start cut off", npz(one).slice(50), "f, file", expect.anything(), /./],
    ["a bit flipped", flipped, 'f, array "y.npy"', "a wrong checksum", /damaged/],
    ["a password", sealed, 'f, array "y.npy"', "an encrypted file", /without password/],
    [
      "more content than there can be",
      bomb,
      'f, array "x.npy"',
      expect.stringContaining("3000000000 bytes"),
      /damaged/,
    ],
  ])("%s", async (_, bytes, path, found, says) => {
    const error = await errorOf(() => asDataset(bytes));
    expect({ path: error.path, found: error.found }).toEqual({ path, found });
    expect(error.message).toMatch(says);
  });

  it("that would fill the memory is refused before it is unpacked", async () => {
    // 60 kB that say they are 40 MB, 30 times by a directory that names the one file so often
    const noise = Uint8Array.from({ length: 60_000 }, (_, i) => (i * i * 2654435761) >>> 13);
    const single = zipSync({ "x.npy": noise }, { level: 1 });
    const end = single.length - 22;
    const from = new DataView(single.buffer).getUint32(end + 16, true);
    const entry = single.subarray(from, end);
    const entries = Array.from({ length: 30 }, (_, i) => {
      const copy = entry.slice();
      copy[46] = 97 + i;
      new DataView(copy.buffer).setUint32(24, 4e7, true);
      return copy;
    });
    const many = new Uint8Array([
      ...single.subarray(0, from),
      ...entries.flatMap((bytes) => [...bytes]),
      ...single.subarray(end),
    ]);
    new DataView(many.buffer).setUint16(many.length - 22 + 10, 30, true);
    const error = await errorOf(() => readDataFile("f", many));
    expect(error).toMatchObject({ path: "f, npz", found: "1.2 GB" });
    expect(error.message).toMatch(/at most 1\.07 GB .* memory/);
  });

  it("as a measure or a run names what is missing", async () => {
    const flat = await tensorsToNpz({ values: zeros(3) });
    expect(await errorOf(() => measureFromNpz(flat))).toMatchObject({ path: 'array "values"', found: "shape (3,)" });
    const heavy = await tensorsToNpz({ values: zeros(3, 2), weights: [0.5, 0.5] });
    expect(await errorOf(() => measureFromNpz(heavy))).toMatchObject({
      path: 'array "weights"',
      expected: "shape (3,)",
    });
    const negative = await tensorsToNpz({ values: zeros(2, 2), weights: [2, -1] });
    expect((await errorOf(() => measureFromNpz(negative))).path).toBe('array "weights"[1]');
    const edges = await tensorsToNpz({ edges0: [0, 1, 1], masses: [1, 1] });
    expect((await errorOf(() => measureFromNpz(edges, { coordinates: "radial" }))).path).toBe('array "edges0"[2]');
    expect((await errorOf(() => trajectoryFromNpz(flat))).path).toBe('array "meanfield"');
    const marker = (text: string) =>
      npz({ "meanfield.npy": npyBytes({ dtype: "text", shape: [], data: [text] }), ...one });
    expect((await errorOf(() => readDataFile("f", marker("{")))).path).toBe('f, array "meanfield"');
    const later = await errorOf(() => readDataFile("f", marker('{ "version": 2, "kind": "trajectory" }')));
    expect(later.path).toBe("f, version");
    expect(later.message).toContain("update the library");
    const bare = marker('{ "version": 1, "kind": "trajectory" }');
    expect((await errorOf(() => readDataFile("f", bare))).path).toContain("times");
  });
});

describe("a table that is wrong", () => {
  it("as a measure names row and column", async () => {
    const table = await measureToTable(cloud);
    const holes = {
      ...table,
      rows: [
        [1, null],
        [3, 4],
      ],
    };
    expect(await errorOf(() => measureFromTable(holes))).toMatchObject({
      path: 'row 1, column "theta1"',
      found: "nothing",
    });
    const cells = await tableFromCsv("r1.from,r1.to,mass\n0,1,0.5\n2,3,0.5\n");
    expect(await errorOf(() => measureFromTable(cells))).toMatchObject({ path: 'line 2, column "r1.to"', found: 1 });
    const biased = await tableFromCsv("r1,outputBias0\n1,2\n1,3\n");
    expect((await errorOf(() => measureFromTable(biased))).path).toBe('line 3, column "outputBias0"');
    expect((await errorOf(async () => measureFromTable(await tableFromCsv("weight\n1\n")))).path).toBe("columns");
    const heavy = await tableFromCsv("r1,r2,weight\n1,2,1\n1,2,-1\n");
    expect((await errorOf(() => measureFromTable(heavy))).path).toBe('column "weight"[1]');
  });

  it("as a run names the column", async () => {
    const table = await trajectoryToTable(run);
    const other = { ...table, columns: table.columns.map((column) => ({ ...column, name: `my ${column.name}` })) };
    expect((await errorOf(() => trajectoryFromTable(other))).path).toBe('column "time"');
    const csv = await tableFromCsv("time,risk\n0,1\n1,\n");
    expect((await errorOf(() => trajectoryFromTable(csv, { process }))).path).toBe('line 3, column "risk"');
    const gap = await tableFromCsv("time,radius[1]\n0,1\n");
    expect((await errorOf(() => trajectoryFromTable(gap, { process }))).path).toMatch(/radius/);
  });

  it.each<[string, Uint8Array, string, RegExp]>([
    [
      "dates",
      parquet([{ name: "t", data: [new Date(0)], type: "TIMESTAMP" }]),
      'f, column "t"',
      /TIMESTAMP.*as numbers/,
    ],
    ["structures", parquet([{ name: "j", data: [{ a: 1 }], type: "JSON" }]), 'f, column "j"', /JSON/],
    [
      "integers that no float has",
      parquet([{ name: "i", data: [1n, 2n ** 60n], type: "INT64" }]),
      'f, row 2, column "i"',
      /2\^53.*DOUBLE/,
    ],
    ["a Parquet file cut off", cutOff, "f, parquet", /cut or damaged/],
  ])("a Parquet file of %s", async (_, bytes, path, says) => {
    const error = await errorOf(() => readDataFile("f", bytes));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(says);
  });
});

describe("a file of another kind", () => {
  it.each<[string, Uint8Array | string, RegExp]>([
    ["nothing", "", /an empty file/],
    ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /a PNG picture/],
    ["a packed file", Uint8Array.of(0x1f, 0x8b, 8, 0), /gzip.*unpack/],
    ["a pickle", Uint8Array.of(0x80, 4, 0x95, 0), /pickle.*npz/],
    ["one array", npyBytes({ dtype: "f64", shape: [1], data: Float64Array.of(1) }), /\.npy.*numpy\.savez/],
    ["bytes", Uint8Array.of(1, 2, 0, 255), /no text/],
    ["a text of another encoding", Uint8Array.from("x,y\ncafé,1", (c) => c.charCodeAt(0)), /UTF-8/],
    ["a page", "<!doctype html><title>404</title>", /HTML/],
    ["JSON that is cut", '{ "version": 1,', /JSON/],
    ["a list", "[1, 2]", /a list in JSON/],
    ["another JSON", '{ "hello": 1 }', /fields hello/],
    ["a JSON of another kind", '{ "version": 1, "kind": "sweep" }', /of kind .*sweep/],
    ["a process by itself", JSON.stringify(process), /run file/],
    [
      "a spec of a later version",
      spec.replace('"version": 1', '"version": 2'),
      /version: .*found 2.*update the library/,
    ],
    ["a spec with a wrong field", spec.replace('"neurons": 3', '"neurons": -3'), /f, process\.neurons: .*found -3/],
    [
      "a run of a later version",
      JSON.stringify({ ...(trajectoryToJson(run) as object), version: 9 }),
      /update the library/,
    ],
  ])("%s", async (_, content, says) => {
    const error = await errorOf(() => readDataFile("f", typeof content === "string" ? encode(content) : content));
    expect(error.path.startsWith("f, ")).toBe(true);
    expect(error.message).toMatch(says);
  });

  it("as examples is refused by its kind", async () => {
    const file = await readDataFile("f", encode(spec));
    expect(await errorOf(() => datasetFromFile(file))).toMatchObject({ path: "f, file", found: "a run file" });
  });
});

describe("broken files are errors or are read", () => {
  async function tried(bytes: Uint8Array): Promise<void> {
    try {
      const file = await readDataFile("f", bytes);
      if (file.kind === "table" || file.kind === "arrays") await datasetFromFile(file);
      if (file.kind === "table") await measureFromTable(file.table);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
    }
    // these are for files of one kind, and meet the others too
    for (const read of [tableFromParquet, measureFromNpz, trajectoryFromNpz]) {
      await read(bytes).catch((error: unknown) => {
        if (!(error instanceof SpecError)) throw error;
      });
    }
  }

  it("random bytes, behind the beginnings of each kind", async () => {
    const start = fc.constantFrom(
      [],
      [0x50, 0x4b, 3, 4],
      [0x50, 0x41, 0x52, 0x31],
      [...encode("{")],
      [...encode("x,y\n")],
    );
    const bytes = fc.tuple(start, fc.uint8Array({ maxLength: 200 })).map(([a, b]) => Uint8Array.from([...a, ...b]));
    await fc.assert(fc.asyncProperty(bytes, tried), { seed: 1, numRuns: 500 });
  });

  it.each(Object.keys(good) as (keyof typeof good)[])("%s, cut or flipped anywhere", async (kind) => {
    const whole = good[kind];
    const place = fc.integer({ min: 0, max: whole.length - 1 });
    const flips = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });
    const broken = fc.oneof(
      place.map((end) => whole.slice(0, end)),
      flips.map((list) => {
        const copy = whole.slice();
        for (const [at, mask] of list) copy[at] = copy[at]! ^ mask;
        return copy;
      }),
    );
    await fc.assert(fc.asyncProperty(broken, tried), { seed: 1, numRuns: 300 });
  });
});
