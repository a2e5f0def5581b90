// The gallery's work: which figures to run, in processes of their own, and what to do with what they yield.

import { fork } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { deserialize } from "node:v8";
import { duration } from "../../src/cli/progress";
import { figureNames } from "../../src/study/figures/registry";
import { differences, faults } from "./checks";
import { galleryPage, measuredModule } from "./page";
import { type Outcome, readRecords, recordOf, recordText } from "./record";

/** What scripts/gallery.mjs hands over. */
interface Code {
  /** Hashes of the sources of each figure, in the order of their names. */
  keys: string[];
  /** Path of the bundle of run.ts. */
  program: string;
}

const RUNS = "out/gallery";

/**
 * Runs the command.
 *
 * @returns the exit code: 1 where something is not as it should be
 */
export async function gallery(args: string[], code: Code): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      jobs: { type: "string" },
      check: { type: "boolean" },
      seconds: { type: "string" },
      again: { type: "boolean" },
      keep: { type: "boolean" },
    },
  });
  if (code.keys.length !== figureNames.length) throw new Error("The registry of figures imports more than figures.");
  const cores = os.availableParallelism();
  const jobs = positive("jobs", values.jobs) ?? cores;
  const names = values.only?.split(",") ?? figureNames;
  for (const name of names) if (!figureNames.includes(name)) throw new Error(`--only: there is no figure ${name}`);
  mkdirSync(RUNS, { recursive: true });
  const runner = new Runner(code, jobs, Math.max(1, Math.floor(cores / jobs)));
  return values.check
    ? check(names, runner, positive("seconds", values.seconds) ?? Number.POSITIVE_INFINITY)
    : write(names, runner, { again: values.again ?? false, keep: values.keep ?? false });
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 1)) throw new Error(`--${name}: found ${text}, expected a number from 1`);
  return value;
}

// Runs what has not been run from these sources, the longest first, so that no long one is left alone at the end; all pictures are
// drawn anew.
async function write(
  names: readonly string[],
  runner: Runner,
  { again, keep }: { again: boolean; keep: boolean },
): Promise<number> {
  const records = readRecords();
  const putAway = (outcome: Outcome) => {
    const { record, files } = recordOf(outcome);
    const before = records.get(record.name);
    // what a machine's mood changes is no reason for a new record
    if (before && Math.abs(Math.log(before.seconds / record.seconds)) < Math.log(1.5)) record.seconds = before.seconds;
    for (const [file, text] of files) writeFileSync(`docs/figures/${file}`, text);
    writeFileSync(`docs/figures/${record.name}.json`, recordText(record));
    records.set(record.name, record);
  };
  const todo: string[] = [];
  for (const name of names) {
    const file = again ? undefined : keep ? newestRun(name) : runner.fileOf(name);
    if (file !== undefined && existsSync(file)) putAway(outcomeIn(file));
    else todo.push(name);
  }
  const order = [...todo].sort((a, b) => (records.get(b)?.seconds ?? 60) - (records.get(a)?.seconds ?? 60));
  const failed: string[] = [];
  await runner.all(order, async (name) => {
    const error = await runner.run(name, runner.fileOf(name));
    if (error) failed.push(`${name}: ${error}`);
    else putAway(outcomeIn(runner.fileOf(name)));
  });
  if (figureNames.every((name) => records.has(name))) {
    const all = figureNames.map((name) => records.get(name)!);
    writeFileSync("docs/gallery.md", galleryPage(all));
    writeFileSync("src/cli/measured.ts", measuredModule(all));
  }
  return summary(`${names.length} figures`, [...failed, ...(await faults())]);
}

async function check(names: readonly string[], runner: Runner, seconds: number): Promise<number> {
  const records = readRecords();
  const found = await faults();
  // the page and the records count as one
  const apart = found.length > 0 ? 1 : 0;
  const order = names.filter((name) => records.has(name));
  const expected = (name: string) => records.get(name)!.seconds;
  order.sort((a, b) => expected(a) - expected(b));
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let recorded = 0;
  let passed = 0;
  let failed = 0;
  const left: string[] = [];
  await runner.all(order, async (name) => {
    // how many times as long as recorded it takes here, with what runs beside it
    const scale = recorded > 0 ? (elapsed() * runner.jobs) / (recorded + 1) : 1;
    const ends = elapsed() + expected(name) * Math.max(scale, 0.2);
    if (ends > seconds && passed + failed > 0) {
      left.push(name);
      return;
    }
    const file = `${RUNS}/${name}.check.${process.pid}`;
    const error = await runner.run(name, file);
    recorded += expected(name);
    const differing = error
      ? [`${name}: ${error}`]
      : differences(records.get(name)!, recordOf(outcomeIn(file)).record).map((one) => `${name}: ${one}`);
    rmSync(file, { force: true });
    if (differing.length === 0) passed += 1;
    else failed += 1;
    found.push(...differing);
  });
  const report = process.env["TEST_REPORT"];
  if (report) {
    writeFileSync(report, JSON.stringify({ numPassedTests: passed + 1 - apart, numFailedTests: failed + apart }));
  }
  if (left.length > 0) console.log(`No time for ${left.join(", ")}.`);
  return summary(`${passed + failed} of ${order.length} figures ran again in ${duration(1000 * elapsed())}`, found);
}

function summary(what: string, found: readonly string[]): number {
  for (const one of found) console.log(`✗ ${one}`);
  console.log(`${what}; ${found.length === 0 ? "all as it should be" : `${found.length} not as it should be`}.`);
  return found.length === 0 ? 0 : 1;
}

// Of any sources.
function newestRun(name: string): string | undefined {
  const runs = readdirSync(RUNS).filter(
    (file) => file.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(file.slice(name.length + 1)),
  );
  const time = (file: string) => statSync(`${RUNS}/${file}`).mtimeMs;
  const [newest] = runs.sort((a, b) => time(b) - time(a));
  return newest && `${RUNS}/${newest}`;
}

function outcomeIn(file: string): Outcome {
  return deserialize(readFileSync(file)) as Outcome;
}

/** Runs figures, so many at once, and says how far they are. */
class Runner {
  readonly #under = new Map<string, number>();
  #shown = 0;
  #done = 0;

  constructor(
    readonly code: Code,
    readonly jobs: number,
    readonly workers: number,
  ) {}

  /** Where the run of a figure is put away. */
  fileOf(name: string): string {
    return `${RUNS}/${name}-${this.code.keys[figureNames.indexOf(name)]}`;
  }

  /** Does something with all names in their order, so many at once. */
  async all(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
    const queue = [...names];
    const lane = async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        await act(name);
      }
    };
    await Promise.all(Array.from({ length: this.jobs }, lane));
  }

  /** Runs one; returns what went wrong, if something did. */
  async run(name: string, file: string): Promise<string | null> {
    const began = performance.now();
    this.#under.set(name, 0);
    // one worker is the process itself
    const child = fork(this.code.program, [name, String(this.workers === 1 ? 0 : this.workers), file], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
    });
    let errors = "";
    child.stderr!.on("data", (text) => (errors += text));
    child.on("message", ({ fraction }: { fraction: number }) => this.#show(name, fraction));
    const stop = () => child.kill();
    process.once("exit", stop);
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    process.off("exit", stop);
    this.#under.delete(name);
    if (status !== 0) return `it ended with ${status}: ${errors.trim()}`;
    const { seconds } = outcomeIn(file);
    this.#done += 1;
    process.stderr.write(
      `${this.#done}. ${name}: ${duration(performance.now() - began)}, ${seconds.toPrecision(2)} s of one core\n`,
    );
    return null;
  }

  #show(name: string, fraction: number): void {
    this.#under.set(name, fraction);
    const now = performance.now();
    if (now - this.#shown < 15_000) return;
    this.#shown = now;
    const shares = [...this.#under].map(([one, share]) => `${one} ${Math.round(100 * share)} %`);
    process.stderr.write(`   ${shares.join(", ")}\n`);
  }
}
