// A run that is killed, in a process of its own: no file is ever half there, and the same command ends with the bits of an unbroken run.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtins } from "../../scripts/builtins.mjs";
import { trajectoryFromJson } from "../../src/index";
import { problem, spec, testFolder } from "./commandLine";

const { place, put, remove } = testFolder();
const children: ChildProcess[] = [];
// below the packages that draw, which stay outside the bundle
const cli = `build/cli-${process.pid}`;
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(cli, { recursive: true, force: true });
  remove();
});

beforeAll(async () => {
  await build({
    entryPoints: ["src/cli/main.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    splitting: true,
    outdir: cli,
    outExtension: { ".js": ".mjs" },
    external: ["@observablehq/plot", "linkedom"],
    plugins: [builtins],
    logLevel: "silent",
  });
}, 60_000);

interface Started {
  child: ChildProcess;
  /** What it wrote to standard error until now. */
  notes: () => string;
  ended: Promise<{ code: number | null; out: string }>;
}

function start(args: string[]): Started {
  const child = spawn(process.execPath, [`${cli}/main.mjs`, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let out = "";
  let err = "";
  child.stdout!.on("data", (part) => void (out += part));
  child.stderr!.on("data", (part) => void (err += part));
  return { child, notes: () => err, ended: new Promise((done) => child.on("close", (code) => done({ code, out }))) };
}

// names of the files in a folder, each of which is whole
const wholeFiles = (folder: string) => {
  const there = existsSync(place(folder)) ? readdirSync(place(folder)) : [];
  for (const name of there.filter((one) => one.endsWith(".json")))
    JSON.parse(readFileSync(place(folder, name), "utf8"));
  for (const name of there.filter((one) => one.endsWith(".svg"))) {
    expect(readFileSync(place(folder, name), "utf8").trimEnd().endsWith("</svg>"), name).toBe(true);
  }
  return there;
};

it("killed at its beginning, then between its two runs, then stopped by SIGTERM, it goes on each time to the same bits", async () => {
  // each of the two takes half a second or more
  const long = {
    ...spec,
    process: { ...spec.process, problem, neurons: 200, stepSize: 0.001 },
    times: [0, 20, 40],
  };
  const file = put("long.json", { ...long, compareWith: { ...long.process, seed: 2 } });
  const run = (folder: string) => start(["run", file, "--out", place(folder)]);
  const whole = await run("whole").ended;
  expect(whole.code).toBe(0);

  const stops: [at: (notes: string) => boolean, signal: NodeJS.Signals, code: number | null][] = [
    [() => existsSync(place("killed", "checkpoint", "begun.json")), "SIGKILL", null],
    [() => existsSync(place("killed", "trajectory.json")), "SIGKILL", null],
    [(notes) => notes.includes("Going on"), "SIGTERM", 143],
  ];
  for (const [isThere, signal, code] of stops) {
    const { child, notes, ended } = run("killed");
    while (!isThere(notes()) && child.exitCode === null) await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => setTimeout(done, 20));
    child.kill(signal);
    expect((await ended).code, `${signal}: ${notes()}`).toBe(code);
    if (code !== null) expect(notes()).toContain(`go on with: npx meanfield run ${file} --out ${place("killed")}`);
    wholeFiles("killed");
    expect(existsSync(place("killed", "compareWith.json"))).toBe(false);
  }
  expect(wholeFiles("killed")).toContain("trajectory.json");

  expect(await run("killed").ended).toMatchObject({ code: 0, out: whole.out });
  expect(readdirSync(place("killed")).sort()).toEqual(readdirSync(place("whole")).sort());
  for (const name of wholeFiles("whole")) {
    expect(readFileSync(place("killed", name), "utf8"), name).toBe(readFileSync(place("whole", name), "utf8"));
  }
  expect(trajectoryFromJson(JSON.parse(readFileSync(place("killed", "trajectory.json"), "utf8"))).status).toBe("done");
});
