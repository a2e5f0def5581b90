// Where the command line writes what: standard output has results alone, standard error the rest, as much as is asked for; exit codes.

import { existsSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { Stop } from "../../src/cli/terminal";
import { ensembleFromJson, tableFromJson, trajectoryFromJson } from "../../src/index";
import { command, problem, spec, testFolder } from "./commandLine";

const { place, put, remove } = testFolder();
afterAll(remove);
const file = put("spec.json", spec);

describe("standard output", () => {
  it("of run --out - is the recorded run alone; table and notes stand on standard error, nothing is written", async () => {
    const { code, out, err } = await command(["run", file, "--out", "-"]);
    expect(code).toBe(0);
    const run = trajectoryFromJson(JSON.parse(out));
    expect(run).toMatchObject({ status: "done", process: { neurons: 10 } });
    expect(err).toMatch(/ t +risk\n/);
    expect(existsSync("-")).toBe(false);
    const folder = await command(["run", file, "--out", place("same")]);
    expect(folder.code).toBe(0);
    expect(err).toContain(folder.out);
  });

  it("of run --out - has a line for the run and one for what it is compared with, and ensembles too", async () => {
    const both = { ...spec, replicas: 2, compareWith: { kind: "radialFlow", problem } };
    const { code, out } = await command(["run", "--out", "-", "--workers", "0"], { input: JSON.stringify(both) });
    expect(code).toBe(0);
    const [first, second, rest] = out.split("\n");
    expect(ensembleFromJson(JSON.parse(first!)).replicas).toBe(2);
    expect(trajectoryFromJson(JSON.parse(second!)).process.kind).toBe("radialFlow");
    expect(rest).toBe("");
  });

  it("of sweep --out - is the table", async () => {
    const input = JSON.stringify({ ...spec, vary: { "process.neurons": [5, 10] } });
    const { code, out, err } = await command(["sweep", "-", "--out", "-", "--workers", "0"], { input });
    expect(code).toBe(0);
    expect(tableFromJson(out).rows).toHaveLength(6);
    expect(err).toContain("Runs made: 2, found: 0.");
  });

  it("of a run that diverges has what was recorded until then; the exit code says the rest", async () => {
    const unit = { kind: "ridge", activation: { kind: "square" } };
    const process = { ...spec.process, problem: { ...problem, unit }, stepSize: 5 };
    const input = JSON.stringify({ ...spec, process, times: [0, 5000] });
    const { code, out, err } = await command(["run", "--out", "-", "--json"], { input });
    expect(code).toBe(3);
    expect(trajectoryFromJson(JSON.parse(out))).toMatchObject({ status: "aborted", times: Float64Array.of(0) });
    expect(JSON.parse(err.trim()).error).toMatchObject({ name: "DivergenceError", exitCode: 3 });
  });
});

describe("standard input", () => {
  it("is read where something is piped in and no file is named, and with -", async () => {
    const input = JSON.stringify(spec);
    const piped = await command(["run", "--out", "-"], { input });
    expect(piped.code).toBe(0);
    expect((await command(["run", "-", "--out", "-"], { input })).out).toBe(piped.out);
    expect((await command(["run", "-", "--out", "-"], { input: new TextEncoder().encode(input) })).out).toBe(piped.out);
  });

  it("that is a terminal, or empty, is no specification", async () => {
    expect(await command(["run"])).toMatchObject({ code: 2, err: expect.stringContaining("Which specification?") });
    const empty = await command(["run"], { input: "" });
    expect(empty).toMatchObject({ code: 2, err: expect.stringContaining("Standard input is empty") });
  });
});

describe("--json", () => {
  it("of run says what was made, where, and the table", async () => {
    const { code, out } = await command(["run", file, "--out", place("json"), "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      command: "run",
      backend: "simd",
      status: "done",
      folder: place("json"),
      warnings: [],
    });
    expect(report.written).toContain(place("json", "trajectory.json"));
    expect(report.table.columns.map(({ name }: { name: string }) => name)).toEqual(["t", "risk"]);
    expect(report.table.rows).toHaveLength(3);
  });

  it("of sweep, and of the lists, is JSON", async () => {
    const sweep = put("sweep.json", { ...spec, vary: { "process.neurons": [5, 10] } });
    const { out } = await command(["sweep", sweep, "--out", place("sweep"), "--workers", "0", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ command: "sweep", computed: 2, found: 0, status: "done" });
    const figures = JSON.parse((await command(["figure", "--list", "--json"])).out);
    expect(figures.find(({ name }: { name: string }) => name === "barron")).toHaveProperty("claim");
    expect(JSON.parse((await command(["new", "--json"])).out)[0]).toHaveProperty("about");
  });

  it("makes of an error the last line of standard error, with name, message, path and exit code", async () => {
    const wrong = put("wrong.json", { ...spec, process: { ...spec.process, neurons: 0 } });
    const { code, out, err } = await command(["run", wrong, "--out", place("none"), "--json"]);
    expect([code, out]).toEqual([2, ""]);
    const { error } = JSON.parse(err.trimEnd().split("\n").at(-1)!);
    expect(error).toMatchObject({ name: "SpecError", path: "process.neurons", exitCode: 2 });
    expect(error.message).toContain("process.neurons");
    const usage = JSON.parse((await command(["run", file, "--speed", "9", "--json"])).err);
    expect(usage.error).toMatchObject({ name: "UsageError", exitCode: 2 });
  });
});

describe("--quiet and --verbose", () => {
  it("quiet leaves the result alone; verbose says build, hash, method and times", async () => {
    const quiet = await command(["run", file, "--out", place("quiet"), "--quiet"]);
    expect([quiet.code, quiet.err]).toEqual([0, ""]);
    const loud = await command(["run", file, "--out", place("loud"), "--verbose"]);
    expect(loud.out).toBe(quiet.out);
    expect(loud.err).toMatch(/build of the kernels: simd/);
    expect(loud.err).toMatch(/SHA-256 [0-9a-f]{64}/);
    expect(loud.err).toMatch(/run: [\d.]+ s; risk by \w+/);
    const failing = await command(["run", "nowhere.json", "-q"]);
    expect(failing.err).toContain("nowhere.json");
  });

  it("do not go together", async () => {
    expect(await command(["run", file, "-q", "-v"])).toMatchObject({ code: 2, out: "" });
  });
});

describe("exit codes", () => {
  it("4 is a saved state that cannot be used; it is left as it is, and --restart begins anew", async () => {
    const stop = new AbortController();
    stop.abort(new Stop(143));
    const out = place("damaged");
    expect(await command(["run", file, "--out", out], { stop })).toMatchObject({ code: 143 });
    const state = place("damaged", "checkpoint", "run.state");
    writeFileSync(state, "half a state");
    const { code, err } = await command(["run", file, "--out", out]);
    expect(code).toBe(4);
    expect(err).toContain("--restart");
    expect(existsSync(state)).toBe(true);
    expect((await command(["run", file, "--out", out, "--restart"])).code).toBe(0);
  });

  it("1 is a file that cannot be written", async () => {
    put("file", "");
    const { code, err } = await command(["run", file, "--out", place("file", "below")]);
    expect(code).toBe(1);
    expect(err).toContain("ENOTDIR");
    expect(await command(["run", file, "--out", place("file")])).toMatchObject({ code: 2 });
  });
});
