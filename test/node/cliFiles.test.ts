// Files of the wrong kind on the command line: the message says what is wrong, where, and what to do; nothing is written. And data files
// beside a specification, conversions, and specifications to begin with.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compactJson, starters } from "../../src/cli/starters";
import {
  parseRunSpec,
  tableFromCsv,
  tableToParquet,
  tensorsFromNpz,
  tensorsToNpz,
  trajectoryFromJson,
  trajectoryFromNpz,
} from "../../src/index";
import { pack } from "../../src/process/checkpoint";
import { command, spec, testFolder } from "./commandLine";

const { place, put, remove } = testFolder();
afterAll(remove);

const bytes = (...values: (string | number)[]) =>
  new Uint8Array(
    Buffer.concat(values.map((value) => (typeof value === "string" ? Buffer.from(value) : Buffer.of(value)))),
  );
const points = {
  columns: ["a", "b", "y"].map((name) => ({ name, type: "number" as const })),
  rows: [[1, 2, 3]],
  notes: {},
};
const json = JSON.stringify(spec, null, 2);
// the line on which a text first has a word
const lineOf = (word: string) => json.slice(0, json.indexOf(word)).split("\n").length;

describe("a file that is no specification", () => {
  const cases: [what: string, content: () => unknown, says: RegExp][] = [
    ["nothing", () => "", /found "an empty file"/],
    ["blanks", () => " \n\n", /found "an empty file"/],
    ["a CSV", () => "a,b,y\n1,2,3\n4,5,6\n", /found "a table \(CSV\)".*--data/],
    ["a CSV of numbers", () => "1;2;3\n4;5;6\n", /found "a table \(CSV\)".*--data/],
    ["an npz", () => tensorsToNpz({ x: [[1, 2]], y: [1] }), /found "arrays \(npz\)".*--data/],
    ["a Parquet file", () => tableToParquet(points), /found "a table \(Parquet\)".*--data/],
    ["a PNG", () => bytes(0x89, "PNG\r\n", 0x1a, "\n", 0, 0, 0, 13), /found "a PNG picture"/],
    [
      "an SVG",
      () => '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>',
      /found "a picture \(SVG\)"/,
    ],
    ["a page", () => "<!doctype html><title>404</title>", /markup/],
    ["random bytes", () => deflateSync(Buffer.from(json)), /found "/],
    ["UTF-16", () => new Uint8Array(Buffer.from(`\ufeff${json}`, "utf16le")), /UTF-16.*UTF-8/],
    ["a saved state", () => pack({ kind: "run", backend: "js", spec: "" }, new Uint8Array(8)), /found "a saved state"/],
    ["YAML", () => "process:\n  kind: sgd\n", /found "process:".*meanfield new/],
    [
      "JSON cut short",
      () => json.slice(0, 200),
      new RegExp(
        `line ${json.slice(0, 200).split("\n").length}, column \\d+: expected JSON, found "the end of the file"`,
      ),
    ],
    [
      "JSON with a comma too many",
      () => json.replace('"seed": 1', '"seed": 1,'),
      new RegExp(`line ${lineOf('"seed"') + 1}, column 3: expected JSON, found "}`),
    ],
    [
      "JSON with a comment",
      () => json.replace('"kind": "sgd"', '"kind": "sgd" // mine'),
      /line 4, column 19: .*found "\/\/ mine/,
    ],
    ["JSON with single quotes", () => "{ 'version': 1 }", /line 1, column 3: .*found "'version'/],
    ["a list", () => "[1, 2]", /found "a list"/],
    ["a number", () => "42", /the value 42/],
    [
      "a specification of a later version",
      () => ({ ...spec, version: 2, novelty: {} }),
      /^meanfield: version: .*found 2\. A later meanfield/,
    ],
    ["one without a version", () => ({ ...spec, version: undefined }), /^meanfield: version: expected 1/],
    ["a process alone", () => spec.process, /a process \(sgd\).*"process": …/],
    ["a trajectory", () => ({ version: 1, kind: "trajectory" }), /a recorded run \(trajectory\).*spec\.json/],
    ["a table", () => ({ version: 1, kind: "table", columns: [], rows: [], notes: {} }), /a table of results/],
    [
      "the numbers of a figure",
      () => ({ figure: "barron", findings: [] }),
      /the numbers of a figure.*meanfield figure/,
    ],
    ["a sweep", () => ({ ...spec, vary: { "process.neurons": [1, 2] } }), /^meanfield: vary: .*meanfield sweep/],
    ["one with a misspelt field", () => ({ ...spec, proces: 1 }), /^meanfield: proces: .*The fields are/],
  ];
  it.each(cases)("%s: 2, what it is, where, what to do; nothing is written", async (_, content, says) => {
    const made = await content();
    const file = put("wrong.json", made as string | Uint8Array | object);
    const { code, out, err } = await command(["run", file, "--out", place("none")]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(says);
    expect(err).not.toMatch(/\n\s+at /);
    // one message, and where to read on
    expect(err.length).toBeLessThan(600);
    expect(existsSync(place("none"))).toBe(false);
  });

  it("a folder, or a file that is not there, by its name", async () => {
    mkdirSync(place("folder"), { recursive: true });
    expect((await command(["run", place("folder"), "--out", place("none")])).err).toContain("is a folder");
    put("folder/spec.json", spec);
    expect((await command(["run", place("folder")])).err).toContain(`${place("folder")}/spec.json`);
    const missing = await command(["sweep", place("nowhere.json"), "--out", place("none")]);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining("no such file") });
    expect(existsSync(place("none"))).toBe(false);
  });

  it("is named as standard input where it comes from there", async () => {
    const { err } = await command(["run", "-", "--out", place("none")], { input: "{" });
    expect(err).toMatch(/standard input, line 1, column 2: expected JSON/);
  });

  it("begins with the mark of UTF-8: that is none", async () => {
    expect((await command(["run", "--out", "-"], { input: `\ufeff${json}` })).code).toBe(0);
  });
});

describe("--data", () => {
  const dataset = starters["dataset"]!.spec;
  const file = put("dataset.json", { ...dataset, times: [0, 1], compareWith: null });
  const run = (...args: string[]) => command(["run", file, "--out", "-", ...args]);

  it("takes the place of the law, of both problems, and stands in the folder's specification", async () => {
    const csv = put("points.csv", "a,b,y\n1,2,0.5\n-1,0.5,1\n0,1,-1\n");
    const both = put("both.json", { ...dataset, times: [0, 1] });
    const { code, err } = await command(["run", both, "--data", csv, "--out", place("data")]);
    expect(code).toBe(0);
    expect(err).toContain(`Data: 3 examples of 2 inputs from ${csv}; labels: y; inputs: a, b.`);
    const kept = parseRunSpec(JSON.parse(readFileSync(place("data", "spec.json"), "utf8")));
    for (const { problem } of [kept.process, kept.compareWith!]) {
      expect(problem.law).toMatchObject({ kind: "dataset", x: { shape: [3, 2] } });
    }
    // the folder says it all: without the data it is the same run
    const again = await command(["run", place("data", "spec.json"), "--out", place("data")]);
    expect(again.err).toContain("finished: nothing was done");
  });

  it("reads CSV, Parquet and npz to the same run, with columns and arrays by name", async () => {
    const csv = put("named.csv", "t,u,v\n0.5,1,2\n1,-1,0.5\n");
    const first = await run("--data", csv, "--labels", "t", "--inputs", "u,v");
    expect(first.code).toBe(0);
    expect(first.err).toContain("; labels: t; inputs: u, v.");
    const npz = put(
      "named.npz",
      await tensorsToNpz({
        inputs: [
          [1, 2],
          [-1, 0.5],
        ],
        t: [0.5, 1],
      }),
    );
    const second = await run("--data", npz, "--labels", "t", "--inputs", "inputs");
    expect(second.out).toBe(first.out);
    expect(second.err).toContain("; labels: t; inputs: inputs.");
    const parquet = put("named.parquet", await tableToParquet(await tableFromCsv(readFileSync(csv, "utf8"))));
    expect((await run("--data", parquet, "--labels", "t")).out).toBe(first.out);
  });

  it.each<[string, string, string[], RegExp]>([
    ["a missing value", "a,b,y\n1,2,3\n4,,6\n", [], /wrong\.csv, line 3, column "b"/],
    ["a word", "a,b,y\n1,2,3\n4,five,6\n", [], /wrong\.csv, line 3, column "b".*five/],
    [
      "a missing value in words",
      "a,b,y\n1,2,3\n4,NA,6\n",
      [],
      /line 3, column "b".*"NA".*fill it in, or leave the row/,
    ],
    ["no names above the columns", "1,2\n3,4\n", [], /wrong\.csv, line 1.*Put names above the numbers/],
    ["no labels", "a,b\n1,2\n", [], /wrong\.csv.*labels/],
    ["another column of labels", "a,b,y\n1,2,3\n", ["--labels", "kind"], /column "kind"/],
    ["a specification", json, [], /wrong\.csv.*a run file/],
    ["nothing", "", [], /wrong\.csv.*an empty file/],
  ])("with %s: 2, the place in the file, nothing written", async (_, content, args, says) => {
    const wrong = put("wrong.csv", content);
    const { code, out, err } = await command(["run", file, "--data", wrong, ...args, "--out", place("none")]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(says);
    expect(existsSync(place("none"))).toBe(false);
  });

  it("for a limit of Gaussians alone: 2, and the way out", async () => {
    const csv = put("small.csv", "t,y\n1,2\n-1,0.5\n");
    const { process } = dataset as { process: object };
    const radial = put("radial.json", {
      ...dataset,
      process,
      compareWith: { ...(starters["sgd-vs-radial"]!.spec["compareWith"] as object) },
    });
    const starter = put("starter.json", starters["sgd-vs-radial"]!.spec);
    for (const source of [radial, starter]) {
      const { code, out, err } = await command(["run", source, "--data", csv, "--out", place("none")]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(/compareWith.*npx meanfield new dataset, or take gradientFlow as compareWith/);
    }
    expect((await run("--data", csv)).err).toContain(`2 examples of 1 input from ${csv}; labels: y; inputs: t.`);
  });

  it("a file that is not there: the hint is of data, not of specifications", async () => {
    const { code, err } = await run("--data", place("none.csv"));
    expect(code).toBe(2);
    expect(err).toMatch(/none\.csv cannot be read: there is no such file\. --data takes/);
    expect(err).not.toContain("meanfield new");
  });

  it("--labels without it is a wrong command line", async () => {
    expect(await run("--labels", "y")).toMatchObject({ code: 2, err: expect.stringContaining("--data") });
  });
});

describe("meanfield convert", () => {
  let trajectory: string;
  beforeAll(async () => {
    trajectory = put("trajectory.json", (await command(["run", "--out", "-"], { input: json })).out);
  });
  const convert = (...args: string[]) => command(["convert", ...args]);

  it.each(["npz", "parquet", "json"])("takes a run to %s and back, to the same bits", async (format) => {
    expect((await convert(trajectory, place(`run.${format}`))).code).toBe(0);
    expect((await convert(place(`run.${format}`), place(`back.json`))).code).toBe(0);
    const read = (file: string) => trajectoryFromJson(JSON.parse(readFileSync(file, "utf8")));
    expect(read(place("back.json"))).toEqual(read(trajectory));
  });

  it("writes to standard output what it writes to a file, and reads standard input", async () => {
    await convert(trajectory, place("run.npz"));
    const piped = await command(["convert", "-", "-", "--to", "npz"], { input: readFileSync(trajectory, "utf8") });
    expect(piped.code).toBe(0);
    expect(Buffer.from(piped.bytes).equals(readFileSync(place("run.npz")))).toBe(true);
    expect((await trajectoryFromNpz(piped.bytes)).observables["risk"]!.values).toHaveLength(3);
  });

  it("writes a row a time as CSV, with numbers that read back", async () => {
    const { out } = await convert(trajectory, "-", "--to", "csv");
    const table = await tableFromCsv(out);
    const run = trajectoryFromJson(JSON.parse(readFileSync(trajectory, "utf8")));
    const j = table.columns.findIndex(({ name }) => name === "risk");
    expect(table.rows.map((row) => row[j])).toEqual([...run.observables["risk"]!.values]);
  });

  it("gives of an ensemble means and errors, in npz every replica", async () => {
    const out = (
      await command(["run", "--out", "-", "--workers", "0"], { input: JSON.stringify({ ...spec, replicas: 3 }) })
    ).out;
    const file = put("ensemble.json", out);
    const { bytes: npz } = await convert(file, "-", "--to", "npz");
    const arrays = await tensorsFromNpz(npz);
    expect(arrays["risk.replicas"]!.shape).toEqual([3, 3]);
    expect(arrays["law.mean"]!.shape).toEqual([3, 4]);
    const csv = await tableFromCsv((await convert(file, "-", "--to", "csv")).out);
    const j = csv.columns.findIndex(({ name }) => name === "risk.mean");
    expect(csv.rows.map((row) => row[j])).toEqual([...arrays["risk.mean"]!.data]);
  });

  it("takes tables and arrays to each other", async () => {
    const csv = put("table.csv", "a,b\n1,2\n3,\n");
    await convert(csv, place("table.npz"));
    const arrays = await tensorsFromNpz(new Uint8Array(readFileSync(place("table.npz"))));
    expect(Array.from(arrays["b"]!.data)).toEqual([2, Number.NaN]);
    const both = put(
      "both.npz",
      await tensorsToNpz({
        x: [
          [1, 2],
          [3, 4],
        ],
        y: [5, 6],
      }),
    );
    expect((await convert(both, "-", "--to", "csv")).out).toBe("x0,x1,y\n1,2,5\n3,4,6\n");
  });

  it.each<[string, () => Promise<string[]> | string[], RegExp]>([
    ["no words", () => [], /From which file/],
    ["an unknown ending", () => [trajectory, place("out.txt")], /ends in none of/],
    ["no format for -", () => [trajectory, "-"], /--to npz, csv/],
    ["an unknown format", () => [trajectory, "-", "--to", "xlsx"], /--to: expected one of npz/],
    ["a specification", () => [put("s.json", spec), place("out.csv")], /a run file/],
    ["a picture", () => [put("p.png", bytes(0x89, "PNG\r\n")), place("out.csv")], /p\.png.*PNG/],
    ["texts to npz", () => [put("t.csv", "name,x\nann,1\n"), place("out.npz")], /column "name"/],
    [
      "arrays of different lengths to a table",
      async () => [put("d.npz", await tensorsToNpz({ x: [1, 2], y: [1] })), place("out.csv")],
      /x \[2\], y \[1\]/,
    ],
  ])("with %s: 2, and nothing is written", async (_, args, says) => {
    const before = readdirSync(place(".")).filter((name) => name.startsWith("out."));
    const { code, out, err } = await convert(...(await args()));
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(says);
    expect(readdirSync(place(".")).filter((name) => name.startsWith("out."))).toEqual(before);
  });
});

describe("meanfield new", () => {
  it("lists what there is to begin with", async () => {
    const { code, out } = await command(["new"]);
    expect(code).toBe(0);
    for (const name of Object.keys(starters)) expect(out).toMatch(new RegExp(`^${name} +\\S`, "m"));
    expect(await command(["new", "nothing"])).toMatchObject({ code: 2, err: expect.stringContaining("sgd-vs-radial") });
  });

  it.each(Object.keys(starters))("%s prints a specification alone, which runs as it is", async (name) => {
    const { out, err } = await command(["new", name]);
    expect(err).toContain("spec.json");
    const printed = JSON.parse(out);
    expect(printed).toEqual(starters[name]!.spec);
    // shorter and smaller here, the same in kind
    const quick = JSON.parse(out.replaceAll(/"neurons": \d+/g, '"neurons": 10'));
    quick.times = [0, 0.02];
    if ("vary" in quick) quick.vary = { "process.neurons": [5, 10] };
    const verb = "vary" in quick ? "sweep" : "run";
    const { code } = await command([verb, "--out", "-", "--workers", "0"], { input: JSON.stringify(quick) });
    expect(code).toBe(0);
  });

  it("keeps on a line what fits there", () => {
    const text = compactJson({ a: [1, 2], b: Array.from({ length: 60 }, (_, i) => i), c: {} });
    expect(JSON.parse(text).b).toHaveLength(60);
    expect(text).toContain('  "a": [1, 2],\n');
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(text.split("\n").length).toBeLessThan(12);
  });
});
