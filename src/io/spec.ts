// The run file: one JSON that the command line runs, a page opens and a queue carries.

import { SpecError } from "../engine/errors";
import { checkPlain } from "../model/problem";
import { closest } from "../model/spec";
import { type Process, parseProcess, parseTimes } from "../process/schema";
import { checkObservables } from "../study/checkObservables";
import { defaultObservables, isLocal, type Observable, type Observables, parseObservables } from "../study/observables";
import { logSpaced } from "../study/times";
import { canonicalJson } from "./canonical";
import { readRecord } from "./measure";
import { checkVersion, FILE_VERSION } from "./trajectory";

/** What a run file says: a process, what is recorded of it and when, how often, and what it is compared with. */
export interface RunSpec {
  version: typeof FILE_VERSION;
  process: Process;
  /** Times at which statistics are recorded, ascending. */
  times: number[];
  /** Statistics by name. */
  observe: Record<string, Observable>;
  /** Number of replicas; 1 is a single run. */
  replicas: number;
  /** Another process on the same problem, run to the same times; null for none. */
  compareWith: Process | null;
}

/** A run file as a user writes it: what has a default may be left out. */
export interface RunSpecInput {
  process: Process;
  times: ArrayLike<number> | { kind: "logSpaced"; from: number; to: number; count: number };
  observe?: Observables;
  replicas?: number;
  compareWith?: Process | null;
}

const FIELDS = ["version", "process", "times", "observe", "replicas", "compareWith"];

/**
 * A run file, checked and normalised.
 *
 * @param json  { version: 1, process, times, observe, replicas, compareWith }: times is a list, or
 *              { kind: "logSpaced", from, to, count }; observe is { risk: { kind: "risk" } }, replicas is 1 and
 *              compareWith is null where they are left out
 * @throws {SpecError} with the path of the wrong field, as in `process.problem.law.delta`
 */
export function parseRunSpec(json: unknown): RunSpec {
  const fields = readRecord(json, "spec", `a run file, { version: ${FILE_VERSION}, process, times, … }`);
  checkVersion(fields.version);
  const stray = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (stray !== undefined) {
    throw new SpecError(
      stray,
      fields[stray],
      "no such field",
      `Did you mean "${closest(stray, FIELDS)}"? The fields are ${FIELDS.join(", ")}.`,
    );
  }
  const process = parseProcess(fields.process);
  checkPlain(process.problem, "process.problem", "because it goes to a file");
  const replicas = fields.replicas ?? 1;
  if (!Number.isInteger(replicas) || (replicas as number) < 1 || (replicas as number) > 1e6) {
    throw new SpecError("replicas", replicas, "an integer from 1 to 1000000");
  }
  if (!("replica" in process) && replicas !== 1) {
    throw new SpecError("replicas", replicas, "1, as this process is deterministic");
  }
  const observe = parseObservables(fields.observe ?? defaultObservables(process));
  for (const [name, one] of Object.entries(observe)) {
    if (isLocal(one)) throw new SpecError(`observe.${name}`, one, "a plain specification, because it goes to a file");
  }
  checkObservables(observe, process);
  const other = fields.compareWith ?? null;
  const compareWith = other === null ? null : parseProcess(other, "compareWith");
  // both runs record the same statistics
  if (compareWith) checkPlain(compareWith.problem, "compareWith.problem", "because it goes to a file");
  if (compareWith) checkObservables(observe, compareWith);
  return {
    version: FILE_VERSION,
    process,
    times: readTimes(fields.times),
    observe: observe as Record<string, Observable>,
    replicas: replicas as number,
    compareWith,
  };
}

/**
 * The text of a run file.
 *
 * @param spec  what is to be run
 * @throws {SpecError} where it cannot be run, or holds a function
 */
export function runSpecToJson(spec: RunSpecInput): string {
  const { process, times, observe, replicas, compareWith } = spec;
  const list = ArrayBuffer.isView(times) ? Array.from(times as ArrayLike<number>) : times;
  const fields = { process, times: list, observe, replicas, compareWith };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return `${JSON.stringify(JSON.parse(canonicalJson(parseRunSpec({ version: FILE_VERSION, ...given }))), null, 2)}\n`;
}

function readTimes(json: unknown): number[] {
  if (typeof json !== "object" || json === null || Array.isArray(json) || ArrayBuffer.isView(json)) {
    return Array.from(parseTimes(json));
  }
  const { kind, from, to, count } = json as Record<string, unknown>;
  if (kind !== "logSpaced") {
    throw new SpecError("times", json, 'a list of times, or { kind: "logSpaced", from, to, count }');
  }
  try {
    return Array.from(logSpaced(from as number, to as number, count as number));
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(`times.${error.path}`, error.found, error.expected, error.remedy);
  }
}
