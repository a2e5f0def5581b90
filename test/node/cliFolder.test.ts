// Folders that have a part of what a command makes are completed, to the bits of an unbroken run; those of another run are left alone.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeWhole } from "../../src/cli/whole";
import { trajectoryFromJson } from "../../src/index";
import { command, problem, spec, testFolder } from "./commandLine";

const { place, put, remove } = testFolder();
afterAll(remove);

const both = { ...spec, compareWith: { kind: "radialFlow", problem } };
const file = put("both.json", both);
const files = ["compareWith.json", "density.svg", "risk.svg", "spec.json", "trajectory.json"];
const text = (...parts: string[]) => readFileSync(place(...parts), "utf8");
const contents = (folder: string) =>
  Object.fromEntries(
    readdirSync(place(folder))
      .sort()
      .map((name) => [name, text(folder, name)]),
  );
const run = (folder: string, ...more: string[]) => command(["run", file, "--out", place(folder), ...more]);

let whole: Record<string, string>;
let table: string;
beforeAll(async () => {
  const { code, out } = await run("whole");
  expect(code).toBe(0);
  table = out;
  whole = contents("whole");
  expect(Object.keys(whole)).toEqual(files);
});

describe("meanfield run, given again", () => {
  it("on a finished folder says so, prints the same table and touches no file", async () => {
    const before = files.map((name) => statSync(place("whole", name)).mtimeMs);
    const again = await run("whole");
    expect(again).toMatchObject({ code: 0, out: table });
    expect(again.err).toContain("finished: nothing was done");
    expect(files.map((name) => statSync(place("whole", name)).mtimeMs)).toEqual(before);
    expect(await run("whole", "--resume")).toMatchObject({ code: 0, out: table });
  });

  it.each([
    [["risk.svg"]],
    [["density.svg", "risk.svg"]],
    [["compareWith.json"]],
    [["trajectory.json", "risk.svg"]],
    [["trajectory.json", "compareWith.json"]],
  ])("makes what is missing, and that alone: %j", async (missing) => {
    cpSync(place("whole"), place("part"), { recursive: true, preserveTimestamps: true });
    for (const name of missing) rmSync(place("part", name));
    const kept = files.filter((name) => name.endsWith(".json") && !missing.includes(name));
    const before = kept.map((name) => statSync(place("part", name)).mtimeMs);
    const { code, out } = await run("part");
    expect([code, out]).toEqual([0, table]);
    expect(contents("part")).toEqual(whole);
    expect(kept.map((name) => statSync(place("part", name)).mtimeMs)).toEqual(before);
    rmSync(place("part"), { recursive: true });
  });

  it("compares at the times that the steps of SGD reached, alone and after the first run was found", async () => {
    const source = put("offSteps.json", {
      ...both,
      process: { ...spec.process, stepSize: 0.05 },
      times: [0, 0.12, 0.33, 0.49],
    });
    const compared = (...more: string[]) => command(["run", source, "--out", place("offSteps"), ...more]);
    const timesIn = (name: string) => Array.from(trajectoryFromJson(JSON.parse(text("offSteps", name))).times);
    expect((await compared()).code).toBe(0);
    expect(timesIn("trajectory.json")).toEqual([0, 2, 7, 10].map((k) => k * 0.05));
    expect(timesIn("compareWith.json")).toEqual(timesIn("trajectory.json"));
    const first = text("offSteps", "compareWith.json");
    rmSync(place("offSteps", "compareWith.json"));
    expect((await compared()).code).toBe(0);
    expect(text("offSteps", "compareWith.json")).toBe(first);
  });

  it("says of a network that it is compared with how wide it is", async () => {
    const limit = { kind: "gradientFlow", problem, neurons: 20, seed: 2, gradient: "population" };
    const source = put("wide.json", { ...spec, observe: { risk: { kind: "risk" } }, compareWith: limit });
    const { code, out, err } = await command(["run", source, "--out", place("wide")]);
    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(out).toContain("risk (gradientFlow, N = 20)");
    expect(table).toContain("risk (radialFlow)");
  });

  it("makes a file again that was cut short, and says which", async () => {
    cpSync(place("whole"), place("cut"), { recursive: true });
    writeFileSync(place("cut", "trajectory.json"), whole["trajectory.json"]!.slice(0, 300));
    const { code, err } = await run("cut");
    expect(code).toBe(0);
    expect(err).toMatch(/warning: .*trajectory\.json could not be read, and is made again/);
    expect(contents("cut")).toEqual(whole);
  });

  it("takes away the halves that a kill left", async () => {
    cpSync(place("whole"), place("halves"), { recursive: true });
    rmSync(place("halves", "trajectory.json"));
    for (const name of ["trajectory.json.part", "risk.svg.part"]) writeFileSync(place("halves", name), "half");
    expect((await run("halves")).code).toBe(0);
    expect(contents("halves")).toEqual(whole);
  });

  it("goes on in the middle of an ensemble, with what its replicas have saved", async () => {
    const long = { ...spec, process: { ...spec.process, neurons: 60 }, times: [0, 20, 40, 60], replicas: 3 };
    const source = put("long.json", long);
    expect((await command(["run", source, "--out", place("unbroken"), "--workers", "0"])).code).toBe(0);
    const stop = new AbortController();
    const broken = command(["run", source, "--out", place("broken"), "--workers", "0"], { stop });
    const states = () =>
      existsSync(place("broken", "checkpoint"))
        ? readdirSync(place("broken", "checkpoint")).filter((name) => name.endsWith(".state")).length
        : 0;
    await vi.waitUntil(() => states() > 0, { interval: 1 });
    stop.abort(new Error("Interrupted."));
    expect(await broken).toMatchObject({ code: 130, out: "" });
    expect(states()).toBeGreaterThan(0);
    const resumed = await command(["run", source, "--out", place("broken"), "--workers", "0"]);
    expect(resumed.code).toBe(0);
    expect(resumed.err).toContain("Going on");
    expect(contents("broken")).toEqual(contents("unbroken"));
  });

  it("leaves the specification as the user wrote it, where that is the folder's", async () => {
    const own = JSON.stringify(both, null, 7);
    cpSync(place("whole"), place("own"), { recursive: true });
    writeFileSync(place("own", "spec.json"), own);
    rmSync(place("own", "trajectory.json"));
    expect((await command(["run", place("own", "spec.json"), "--out", place("own")])).code).toBe(0);
    expect(text("own", "spec.json")).toBe(own);
    expect(text("own", "trajectory.json")).toBe(whole["trajectory.json"]);
  });
});

describe("a folder that has something else", () => {
  const untouched = async (folder: string, args: string[], message: RegExp) => {
    const before = contents(folder);
    const { code, out, err } = await command([...args, "--out", place(folder)]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err).toContain("--restart");
    expect(contents(folder)).toEqual(before);
  };

  it("is left alone, and the fields that differ are named", async () => {
    const other = put("other.json", { ...both, process: { ...both.process, seed: 2 }, times: [0, 0.1, 0.3] });
    await untouched(
      "whole",
      ["run", other],
      /another run: process\.seed is 1 there and 2 here, times is .* there and .* here/,
    );
  });

  it("is left alone where it was made by another build", async () => {
    await untouched("whole", ["run", file, "--backend", "js"], /build simd; this is .* build js/);
  });

  it("is left alone where its spec.json is something else, or is gone", async () => {
    cpSync(place("whole"), place("strange"), { recursive: true });
    writeFileSync(place("strange", "spec.json"), '{ "my": "notes" }');
    await untouched("strange", ["run", file], /a spec\.json that is no run file/);
    rmSync(place("strange", "spec.json"));
    await untouched("strange", ["run", file], /no spec\.json/);
  });

  it("is replaced by --restart, and nothing of the other run is left", async () => {
    cpSync(place("whole"), place("again"), { recursive: true });
    writeFileSync(place("again", "notes.txt"), "mine");
    const alone = put("alone.json", {
      ...spec,
      observe: { radius: { kind: "quantiles", coordinate: "r1", levels: [0.5] } },
    });
    const { code } = await command(["run", alone, "--out", place("again"), "--restart"]);
    expect(code).toBe(0);
    expect(readdirSync(place("again")).sort()).toEqual(["notes.txt", "spec.json", "statistics.svg", "trajectory.json"]);
  });

  it("--resume wants something to go on with", async () => {
    expect(await run("nowhere", "--resume")).toMatchObject({ code: 2, err: expect.stringContaining("nothing in") });
    expect(existsSync(place("nowhere"))).toBe(false);
  });
});

describe("a file", () => {
  it("is there as it was or as it will be, at any moment, and a failure leaves what was there", async () => {
    const target = put("large", "old");
    const large = "new".repeat(5e6);
    let writing = true;
    const done = writeWhole(target, large).finally(() => {
      writing = false;
    });
    const seen = new Set<number>();
    while (writing) seen.add((await stat(target)).size);
    await done;
    expect([...seen].filter((size) => size !== 3 && size !== large.length)).toEqual([]);
    mkdirSync(place("taken"));
    await expect(writeWhole(place("taken"), "x")).rejects.toThrow();
    expect(readdirSync(place(".")).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

describe("meanfield figure, given again", () => {
  // the quickest of them
  const figure = (folder: string, ...more: string[]) =>
    command(["figure", "sharpness-invariance", "--out", place(folder), ...more]);

  it("says that it is done; makes a picture that is missing; refuses another build", async () => {
    const first = await figure("figure");
    expect(first.code).toBe(0);
    const made = contents("figure");
    const again = await figure("figure");
    expect(again).toMatchObject({ code: 0, out: first.out });
    expect(again.err).toContain("nothing was done");
    const picture = Object.keys(made).find((name) => name.endsWith(".svg"))!;
    rmSync(place("figure", picture));
    expect((await figure("figure")).code).toBe(0);
    expect(contents("figure")).toEqual(made);
    const other = await figure("figure", "--backend", "js");
    expect(other).toMatchObject({
      code: 2,
      err: expect.stringMatching(/options\.backend is "simd" there and "js" here.*--restart/),
    });
    expect(contents("figure")).toEqual(made);
    // and of standard output: the numbers alone
    const piped = await command(["figure", "sharpness-invariance", "--out", "-"]);
    expect(piped.code).toBe(0);
    expect(JSON.parse(piped.out)).toEqual(JSON.parse(made["sharpness-invariance.json"]!));
  });
});
