// The promise of a sweep's folder, under the worst of ends: `meanfield sweep` of 200 points in a process of its own, killed by
// SIGKILL somewhere in the middle, started again, and compared with one that nobody killed.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtins } from "../../scripts/builtins.mjs";

const POINTS = 200;
const spec = {
  version: 1,
  process: {
    kind: "sgd",
    problem: {
      law: { kind: "anisotropicGaussians", dimension: 4, delta: 0.5 },
      unit: { kind: "ridge", activation: { kind: "tanh" } },
      start: { kind: "gaussian", radius: 1 },
    },
    neurons: 5,
    stepSize: 0.01,
  },
  times: [0, 0.5],
  observe: { risk: { kind: "risk" }, radius: { kind: "quantiles", coordinate: "r1", levels: [0.5] } },
  vary: {
    "process.problem.law.delta": Array.from({ length: 20 }, (_, i) => (i + 1) / 40),
    "process.seed": Array.from({ length: POINTS / 20 }, (_, i) => i),
  },
};
const tables = ["table", "replicas"].flatMap((name) => ["json", "csv", "parquet"].map((form) => `${name}.${form}`));

const folder = mkdtempSync(path.join(tmpdir(), "meanfield-killed-"));
const place = (...parts: string[]) => path.join(folder, ...parts);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the command in a process of its own. */
function start(
  out: string,
  workers: number,
): { child: ChildProcess; ended: Promise<{ code: number | null; err: string }> } {
  const args = [
    place("cli", "main.mjs"),
    "sweep",
    place("spec.json"),
    "--out",
    place(out),
    "--workers",
    String(workers),
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr!.on("data", (part) => void (err += part));
  return { child, ended: new Promise((done) => child.on("close", (code) => done({ code, err }))) };
}

/** Finished runs in a folder: name, time of the last change, and the file's own number, which a new file would not have. */
function finished(out: string): Map<string, string> {
  let names: string[] = [];
  try {
    names = readdirSync(place(out, "runs")).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  } catch {
    // not made yet
  }
  return new Map(
    names.map((name) => {
      const { ino, mtimeMs } = statSync(place(out, "runs", name));
      return [name, `${ino} ${mtimeMs}`];
    }),
  );
}

let whole: Map<string, Buffer>;
beforeAll(async () => {
  writeFileSync(place("spec.json"), JSON.stringify(spec));
  await build({
    entryPoints: ["src/cli/main.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    splitting: true,
    outdir: place("cli"),
    outExtension: { ".js": ".mjs" },
    // loaded by the commands that draw
    external: ["@observablehq/plot", "linkedom"],
    plugins: [builtins],
    logLevel: "silent",
  });
  expect((await start("whole", 1).ended).code).toBe(0);
  whole = new Map(tables.map((name) => [name, readFileSync(place("whole", name))]));
  expect(finished("whole").size).toBe(POINTS);
}, 120_000);

it("a sweep that was killed half-way and started again makes no run twice and ends with the same tables, byte for byte", async () => {
  let trial = 0;
  // how far it may go before the first kill and before the second, and the workers of each of the three starts
  const plan = fc.record({
    kills: fc.array(fc.integer({ min: 1, max: POINTS / 2 }), { minLength: 1, maxLength: 2 }),
    workers: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ kills, workers }) => {
      const out = `killed${trial++}`;
      for (const [i, after] of kills.entries()) {
        const before = finished(out).size;
        const { child, ended } = start(out, workers[i]!);
        while (finished(out).size < before + after && child.exitCode === null) {
          await new Promise((done) => setTimeout(done, 1));
        }
        child.kill("SIGKILL");
        expect((await ended).code, "it was still running").toBeNull();
      }
      const kept = finished(out);
      expect(kept.size).toBeGreaterThanOrEqual(1);
      expect(kept.size).toBeLessThan(POINTS);
      expect(readdirSync(place(out)).filter((name) => tables.includes(name))).toEqual([]);

      const { code, err } = await start(out, workers[2]!).ended;
      expect(code).toBe(0);
      expect(err).toContain(`Runs made: ${POINTS - kept.size}, found: ${kept.size}`);
      const now = finished(out);
      expect([...now.keys()].sort()).toEqual([...finished("whole").keys()].sort());
      for (const [name, file] of kept) expect(now.get(name), "a finished run was written again").toBe(file);
      for (const [name, bytes] of whole) expect(readFileSync(place(out, name)).equals(bytes), name).toBe(true);
      expect(readdirSync(place(out, "runs"))).toHaveLength(POINTS);
    }),
    { seed: 1, numRuns: 8, endOnFailure: true },
  );
}, 600_000);
