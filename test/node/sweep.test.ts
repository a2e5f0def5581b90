// Sweeps in a folder: what is written, found again and made anew, in this process; and the command line.
// Killing a sweep is test/slow/sweepKilled.test.ts.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { csvParseRows } from "d3-dsv";
import { parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cli } from "../../src/cli/cli";
import {
  anisotropicGaussians,
  CheckpointError,
  gaussian,
  ridge,
  type SweepOptions,
  sgd,
  sweep,
  tableFromJson,
  tanh,
} from "../../src/index";

const problem = {
  law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const base = { process: sgd(problem, { neurons: 20, stepSize: 0.01, seed: 1 }), times: [0, 0.5] };
const vary = { "process.neurons": [5, 10, 20] };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "meanfield-sweep-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (...parts: string[]) => path.join(folder, ...parts);
const tables = ["table", "replicas"].flatMap((name) => ["json", "csv", "parquet"].map((form) => `${name}.${form}`));
const bytesOf = (out: string) => tables.map((name) => readFileSync(place(out, name)).toString("hex"));
const runsIn = (out: string) => readdirSync(place(out, "runs")).sort();
const run = (out: string, more: Partial<SweepOptions> = {}) =>
  sweep({ base, vary, replicas: 2, workers: 0, folder: place(out), ...more });

describe("a folder", () => {
  it("has a file a run, the sweep, and the same tables in three forms", async () => {
    const study = await run("a");
    expect(readdirSync(place("a")).sort()).toEqual([...tables, "runs", "sweep.json"].sort());
    expect(runsIn("a")).toHaveLength(6);
    for (const name of runsIn("a")) expect(name).toMatch(/^[0-9a-f]{64}\.json$/);
    for (const name of ["table", "replicas"] as const) {
      const { columns, rows } = tableFromJson(readFileSync(place("a", `${name}.json`), "utf8"));
      expect({ columns, rows }).toEqual({ columns: study[name].columns, rows: study[name].rows });
      const [head, ...lines] = csvParseRows(readFileSync(place("a", `${name}.csv`), "utf8"));
      expect(head).toEqual(columns.map((column) => column.name));
      expect(lines.map((line) => line.map(Number))).toEqual(rows);
      const file = new Uint8Array(readFileSync(place("a", `${name}.parquet`))).buffer;
      expect((await parquetReadObjects({ file })).map((row) => Object.values(row))).toEqual(rows);
    }
  });

  it("is found again: nothing is run twice, and the tables are the same to the byte", async () => {
    expect(await run("a")).toMatchObject({ computed: 6, found: 0 });
    const before = bytesOf("a");
    const files = runsIn("a").map((name) => statSync(place("a", "runs", name)).mtimeMs);
    for (const workers of [0, 2]) {
      const again = await run("a", { workers });
      expect(again).toMatchObject({ computed: 0, found: 6, warnings: [] });
      expect(bytesOf("a")).toEqual(before);
    }
    expect(runsIn("a").map((name) => statSync(place("a", "runs", name)).mtimeMs)).toEqual(files);
  });

  it("has the same bytes whatever the number of workers", async () => {
    await run("a", { workers: 0 });
    await run("b", { workers: 3 });
    expect(bytesOf("b")).toEqual(bytesOf("a"));
    expect(runsIn("b")).toEqual(runsIn("a"));
  });

  it("serves a larger sweep", async () => {
    await run("a");
    const larger = await run("a", { vary: { "process.neurons": [5, 10, 20, 40] }, replicas: 3 });
    expect(larger).toMatchObject({ computed: 6, found: 6 });
    await run("b", { vary: { "process.neurons": [5, 10, 20, 40] }, replicas: 3 });
    expect(bytesOf("a")).toEqual(bytesOf("b"));
  });

  it("does not mix builds of the kernels, nor times, nor statistics", async () => {
    await run("a", { backend: "simd" });
    expect(await run("a", { backend: "js" })).toMatchObject({ computed: 6, found: 0 });
    expect(await run("a", { times: [0.5] })).toMatchObject({ computed: 6, found: 0 });
    const observe = { risk: { kind: "risk", method: "sample", points: 10, seed: 0 } } as const;
    expect(await run("a", { observe })).toMatchObject({ computed: 6, found: 0 });
    expect(await run("a", { backend: "simd" })).toMatchObject({ computed: 0, found: 6 });
  });

  it("stopped by its signal keeps what was finished, and goes on to the same bytes", async () => {
    await run("whole");
    for (const workers of [0, 2]) {
      const out = `stopped${workers}`;
      const controller = new AbortController();
      const stopped = run(out, {
        workers,
        signal: controller.signal,
        onProgress: ({ finished }) => {
          if (finished >= 2) controller.abort(new Error("enough"));
        },
      });
      await expect(stopped).rejects.toThrow("enough");
      const kept = runsIn(out).filter((name) => name.endsWith(".json")).length;
      expect(kept).toBeGreaterThanOrEqual(2);
      expect(existsSync(place(out, "table.csv"))).toBe(false);
      expect(await run(out)).toMatchObject({ computed: 6 - kept, found: kept });
      expect(bytesOf(out)).toEqual(bytesOf("whole"));
      expect(runsIn(out)).toEqual(runsIn("whole"));
    }
  });

  const damages: [string, (file: string, other: string) => void][] = [
    ["cut short", (file) => writeFileSync(file, readFileSync(file).subarray(0, 500))],
    ["empty", (file) => writeFileSync(file, "")],
    ["of other content", (file) => writeFileSync(file, '{ "hello": 1 }')],
    [
      "with a digit changed",
      (file) => writeFileSync(file, readFileSync(file, "utf8").replace(/"data":"(.)/, '"data":"/')),
    ],
    ["that is another run's", (file, other) => cpSync(other, file)],
  ];
  it.each(damages)("makes a run again whose file is %s, says so, and touches no other", async (_, damage) => {
    await run("a");
    const before = bytesOf("a");
    const [first, second] = runsIn("a").map((name) => place("a", "runs", name));
    const whole = readFileSync(first!, "utf8");
    damage(first!, second!);
    expect(readFileSync(first!, "utf8")).not.toBe(whole);
    const times = runsIn("a").map((name) => statSync(place("a", "runs", name)).mtimeMs);
    const again = await run("a");
    expect(again).toMatchObject({ computed: 1, found: 5 });
    expect(again.warnings.join()).toMatch(
      new RegExp(`^runs/${path.basename(first!)} was damaged, and was made again: `),
    );
    expect(readFileSync(first!, "utf8")).toBe(whole);
    expect(bytesOf("a")).toEqual(before);
    const now = runsIn("a").map((name) => statSync(place("a", "runs", name)).mtimeMs);
    expect(now.slice(1)).toEqual(times.slice(1));
  });

  it.each([0, 2])("names the state of a run under way that is damaged, and leaves it (%i workers)", async (workers) => {
    await run("a");
    const file = place("a", "runs", runsIn("a")[0]!);
    rmSync(file);
    const state = file.replace(".json", ".state");
    writeFileSync(state, "half");
    const error = await run("a", { workers }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toContain(`Without ${state} it starts again.`);
    expect(readFileSync(state, "utf8")).toBe("half");
    rmSync(state);
    expect(await run("a")).toMatchObject({ computed: 1, found: 5 });
  });

  it("goes on in the middle of a run that was under way", async () => {
    const long = { base: { ...base, times: [0, 400] }, vary: { "process.seed": [1] }, replicas: 1 };
    await run("whole", long);
    const controller = new AbortController();
    const seen: number[] = [];
    const stopped = run("a", {
      ...long,
      signal: controller.signal,
      onProgress: ({ fraction }) => {
        if (fraction > 0.3) controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(runsIn("a").join()).toMatch(/^[0-9a-f]{64}\.state$/);
    await run("a", { ...long, onProgress: ({ fraction }) => void seen.push(fraction) });
    expect(seen[0]).toBeGreaterThan(0.3);
    expect(bytesOf("a")).toEqual(bytesOf("whole"));
    expect(runsIn("a")).toEqual(runsIn("whole"));
  });

  it("leaves files of others alone, and takes away what a kill left of its own", async () => {
    await run("a");
    const [first] = runsIn("a");
    const hash = first!.slice(0, 64);
    for (const name of ["notes.txt", "runs/other.json", "runs/other.json.part"])
      writeFileSync(place("a", name), "mine");
    for (const left of ["json.part", "state", "state.part"])
      writeFileSync(place("a", "runs", `${hash}.${left}`), "half");
    await run("a");
    for (const name of ["notes.txt", "runs/other.json", "runs/other.json.part"]) {
      expect(readFileSync(place("a", name), "utf8")).toBe("mine");
    }
    expect(runsIn("a").filter((name) => name.startsWith(hash))).toEqual([first]);
  });

  it("cannot be a file, and a run that cannot be read is an error of the system", async () => {
    writeFileSync(place("file"), "");
    await expect(run("file")).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    await expect(run("a", { folder: "" })).rejects.toMatchObject({ name: "SpecError", path: "folder" });
  });
});

describe("meanfield sweep", () => {
  const spec = { version: 1, ...base, replicas: 2, vary };

  async function command(args: string[], { input = "", stop }: { input?: string; stop?: AbortController } = {}) {
    let out = "";
    let err = "";
    const code = await cli(["sweep", ...args], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      rewrites: false,
      input: async () => input,
      signal: (stop ?? new AbortController()).signal,
    });
    return { code, out, err };
  }
  const specFile = (fields: object = {}) => {
    writeFileSync(place("spec.json"), JSON.stringify({ ...spec, ...fields }));
    return place("spec.json");
  };

  it("prints the table, writes the folder, and found everything the second time", async () => {
    const first = await command([specFile(), "--out", place("a"), "--workers", "0"]);
    expect(first.code).toBe(0);
    const lines = first.out.trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 3 * 2);
    expect(lines[0]).toMatch(/^neurons +t +risk +± s\.e\.$/);
    const study = await run("b");
    expect(Number(lines[6]!.trim().split(/ +/)[2])).toBeCloseTo(study.points[2]!.run.observables.risk!.mean[1]!, 4);
    expect(bytesOf("a")).toEqual(bytesOf("b"));
    expect(first.err).toContain("Runs made: 6, found: 0");
    const second = await command([specFile(), "--out", place("a")]);
    expect([second.code, second.out]).toEqual([0, first.out]);
    expect(second.err).toContain("Runs made: 0, found: 6");
  });

  it("reads standard input, and the sweep.json of a folder gives the same sweep", async () => {
    const { code } = await command(["-", "--out", place("a"), "--workers", "0"], { input: JSON.stringify(spec) });
    expect(code).toBe(0);
    const again = await command([place("a", "sweep.json"), "--out", place("a")]);
    expect(again.err).toContain("Runs made: 0, found: 6");
  });

  it("warns of a damaged run", async () => {
    await command([specFile(), "--out", place("a"), "--workers", "0"]);
    writeFileSync(place("a", "runs", runsIn("a")[0]!), "{");
    const { code, err } = await command([specFile(), "--out", place("a"), "--workers", "0"]);
    expect(code).toBe(0);
    expect(err).toMatch(/warning: runs\/[0-9a-f]{64}\.json was damaged/);
  });

  it("interrupted returns 130, says how to go on, and goes on", async () => {
    const stop = new AbortController();
    // twenty milliseconds a run or more
    const file = specFile({ times: [0, 20], vary: { "process.seed": Array.from({ length: 20 }, (_, i) => i) } });
    const running = command([file, "--out", place("a"), "--workers", "1"], { stop });
    const finished = () =>
      existsSync(place("a", "runs")) ? runsIn("a").filter((name) => name.endsWith(".json")).length : 0;
    await vi.waitUntil(() => finished() > 5, { interval: 2, timeout: 30_000 });
    stop.abort(new Error("Interrupted."));
    const broken = await running;
    expect([broken.code, broken.out]).toEqual([130, ""]);
    expect(broken.err).toMatch(/interrupted after .*, \d+ of 40 runs done; go on with: npx meanfield sweep /);
    expect(broken.err).toContain(`npx meanfield sweep ${file} --out ${place("a")}`);
    const resumed = await command([file, "--out", place("a")]);
    expect(resumed.code).toBe(0);
    const [, made, found] = /Runs made: (\d+), found: (\d+)/.exec(resumed.err)!;
    expect(Number(made) + Number(found)).toBe(40);
    expect(Number(found)).toBeGreaterThan(5);
  });

  it.each<[string, string, string[]]>([
    ["no specification", "Which specification", []],
    ["two of them", "One specification", ["a", "b"]],
    ["one that is not there", "cannot be read", ["nowhere.json"]],
    ["an unknown option", "--speed", ["x", "--speed"]],
    ["no JSON", "JSON", ["-"]],
  ])("%s is a wrong command line: 2, one message", async (_, message, args) => {
    const { code, out, err } = await command(args, { input: "{" });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each<[string, object]>([
    ["vary", { vary: undefined }],
    ["version", { version: 2 }],
    ["process.neurons", { vary: { "process.neurons": [0] } }],
    ["compareWith", { compareWith: base.process }],
    ["no such field", { vari: 1 }],
  ])("a specification that is wrong in %s: 2, and nothing is written", async (message, fields) => {
    const { code, err } = await command([specFile(fields), "--out", place("a")]);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(existsSync(place("a"))).toBe(false);
  });

  it("that diverges returns 3, names the point, and keeps the others", async () => {
    const wild = { ...base.process, problem: { ...problem, unit: { kind: "ridge", activation: { kind: "square" } } } };
    const fields = { process: wild, times: [4000], replicas: 1, vary: { "process.stepSize": [0.001, 4] } };
    const { code, err } = await command([specFile(fields), "--out", place("a"), "--workers", "0"]);
    expect(code).toBe(3);
    expect(err).toMatch(/Point 2 of 2: process\.stepSize = 4/);
    expect(runsIn("a").filter((name) => name.endsWith(".json"))).toHaveLength(1);
  });
});
