// `meanfield doctor`: what this machine can do, and whether it computes right.

import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { Backend } from "../engine/kernels";
import { version } from "../version";
import { options } from "./commands";
import { parseOptions } from "./options";
import { type BuildReport, KNOWN, testBuilds, testWorker } from "./selfTest";
import { EXIT, type Terminal, UsageError } from "./terminal";
import { voiceOf } from "./voice";

/** One thing that was looked at. */
export interface Check {
  /** Where it stands in the report. */
  part: "builds" | "threads" | "memory" | "files" | "self-test";
  name: string;
  /** Whether it is as it should be; null where there is no should. */
  ok: boolean | null;
  /** What was found, in words. */
  found: string;
  /** What to do, where it is not as it should be. */
  remedy?: string;
}

/**
 * Runs the command.
 *
 * @param args      after `doctor`
 * @param terminal  streams and the signal that stops
 * @param known     the answers that are to be found
 * @returns the exit code: 1 where something is wrong
 */
export async function doctor(args: readonly string[], terminal: Terminal, known = KNOWN): Promise<number> {
  const { values, words } = parseOptions(args, options.doctor);
  if (words.length > 0) throw new UsageError(`doctor takes no words, found ${words.join(" ")}.`);
  const voice = voiceOf(terminal, values);
  voice.detail("Running a short SGD by every build, and on a worker thread.");
  const builds = await testBuilds();
  const chosen: Backend = builds.find(({ backend }) => backend === "simd")!.runs ? "simd" : "js";
  const checks = [
    ...builds.map((build) => buildCheck(build, chosen)),
    ...(await threadChecks()),
    ...memoryChecks(),
    await folderCheck(),
    ...answerChecks(builds, known),
  ];
  const wrong = checks.filter(({ ok }) => ok === false);
  const head = `meanfield ${version}, Node ${process.version}, ${platform()} ${arch()}`;
  voice.result(reportText(head, checks), () => ({
    command: "doctor",
    version,
    node: process.version,
    platform: platform(),
    arch: arch(),
    chosen,
    ok: wrong.length === 0,
    checks,
    builds,
  }));
  return wrong.length === 0 ? EXIT.ok : EXIT.failure;
}

function buildCheck({ backend, runs, why }: BuildReport, chosen: Backend): Check {
  const about = {
    simd: "WebAssembly with SIMD",
    relaxed: `WebAssembly with relaxed SIMD${runs ? "" : ", from Node 22 on"}; only by --backend relaxed, as its bits depend on the processor`,
    js: "plain JavaScript; where there is no SIMD, or by --backend js",
  }[backend];
  const found = `${runs ? "runs" : "does not run"}: ${about}${backend === chosen ? "; chosen where none is asked for" : ""}`;
  if (runs || backend === "relaxed") return { part: "builds", name: backend, ok: runs ? true : null, found };
  return {
    part: "builds",
    name: backend,
    ok: false,
    found,
    remedy:
      `${why ?? ""} Runs are several times slower; use Node 20.16 or later on a processor with SIMD, and no --jitless.`.trim(),
  };
}

async function threadChecks(): Promise<Check[]> {
  const cores = availableParallelism();
  const checks: Check[] = [
    {
      part: "threads",
      name: "cores",
      ok: null,
      found: `${cores} of ${cpus().length} may be used; replicas run on as many worker threads`,
    },
  ];
  try {
    const { same, seconds } = await testWorker();
    checks.push({
      part: "threads",
      name: "worker threads",
      ok: same,
      found: `start; a run there took ${seconds.toFixed(2)} s${same ? ", to the same bits" : ", and came to other bits than here"}`,
      ...(!same && { remedy: "Use --workers 0, and report it: this must not be." }),
    });
  } catch (error) {
    const found = `do not start: ${(error as Error).message}`;
    checks.push({ part: "threads", name: "worker threads", ok: false, found, remedy: "Use --workers 0." });
  }
  const shared = typeof SharedArrayBuffer === "function";
  const found = shared ? "there; nothing here needs it" : "not there; nothing here needs it";
  return [...checks, { part: "threads", name: "SharedArrayBuffer", ok: null, found }];
}

const MB = 2 ** 20;

function memoryChecks(): Check[] {
  const heap = getHeapStatistics().heap_size_limit;
  const limit = process.constrainedMemory?.() ?? 0;
  const limited = limit > 0 && limit < totalmem();
  const available = process.availableMemory?.() ?? totalmem();
  const low = available < 256 * MB;
  return [
    {
      part: "memory",
      name: "available",
      ok: !low,
      found: `${size(available)} of ${size(limited ? limit : totalmem())}${limited ? " that this process may have" : ""}`,
      ...(low && { remedy: "Use --workers 1 or 0: every worker thread takes some 50 MB besides its networks." }),
    },
    {
      part: "memory",
      name: "JavaScript",
      ok: null,
      found: `at most ${size(heap)}; node --max-old-space-size=… raises it`,
    },
    { part: "memory", name: "kernels", ok: null, found: "at most 4 GB a thread: the addresses of WebAssembly" },
  ];
}

async function folderCheck(): Promise<Check> {
  const folder = process.cwd();
  const ok = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  const found = `${folder} ${ok ? "can" : "cannot"} be written to`;
  return { part: "files", name: "this folder", ok, found, ...(!ok && { remedy: "Give another one by --out." }) };
}

/** The answers of the builds beside those that every machine must find. */
export function answerChecks(builds: readonly BuildReport[], known: typeof KNOWN): Check[] {
  const run = builds.filter(({ runs }) => runs);
  const mend =
    "Install the package again (npm ci); if it stays, report it with the output of npx meanfield doctor --json.";
  const check = (name: string, wrong: readonly BuildReport[], right: string): Check => ({
    part: "self-test",
    name,
    ok: wrong.length === 0,
    found:
      wrong.length === 0 ? right : `not those of the reference by ${wrong.map(({ backend }) => backend).join(", ")}`,
    ...(wrong.length > 0 && { remedy: mend }),
  });
  const streams = run.filter(({ philox, normals }) => philox !== known.philox || normals !== known.normals);
  const bits = run.filter(({ backend, sgd }) => known.sgd[backend] !== undefined && sgd !== known.sgd[backend]);
  // a hundred steps of round-off among numbers of order one
  const far = run.filter(({ difference }) => !(difference! < 1e-12));
  const checks = [
    check("random streams", streams, `those of the reference, by ${run.map(({ backend }) => backend).join(", ")}`),
    check("SGD, 100 steps", bits, "the bits of the reference, in each build"),
    check("builds agree", far, `to ${Math.max(...run.map(({ difference }) => difference!)).toExponential(0)}`),
  ];
  const rate = (name: Backend) => run.find(({ backend }) => backend === name)?.stepsPerSecond;
  const plain = rate("js");
  const fast = rate("simd");
  if (plain && fast) {
    const slow = fast < plain;
    checks.push({
      part: "self-test",
      name: "speed",
      ok: !slow,
      found: `simd makes ${(fast / plain).toFixed(1)} times as many steps as js (800 neurons, d = 40, f64: ${(1e6 / fast).toFixed(1)} µs a step)`,
      ...(slow && {
        remedy: "The machine is busy, or WebAssembly is interpreted here: try again, or use --backend js.",
      }),
    });
  }
  return checks;
}

function reportText(head: string, checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = [head];
  let part = "";
  for (const check of checks) {
    if (check.part !== part) lines.push("", `${check.part}`);
    part = check.part;
    const mark = check.ok === null ? "  " : check.ok ? "OK" : "!!";
    lines.push(`  ${mark}  ${check.name.padEnd(width)}  ${check.found}`);
    if (check.remedy) lines.push(`      ${"".padEnd(width)}  ${check.remedy}`);
  }
  const wrong = checks.filter(({ ok }) => ok === false).map(({ name }) => name);
  lines.push("", wrong.length === 0 ? "All is well." : `Something is wrong: ${wrong.join(", ")}.`);
  return `${lines.join("\n")}\n`;
}

function size(bytes: number): string {
  return bytes >= 1024 * MB ? `${(bytes / 1024 / MB).toFixed(1)} GB` : `${Math.round(bytes / MB)} MB`;
}
