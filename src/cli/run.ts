// `meanfield run`: runs a specification, saves it on the way, writes what it recorded and pictures of it. Given again on the same
// folder it does what is still to be done.

import path from "node:path";
import { loadEngine } from "../engine/engine";
import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { specHash } from "../io/canonical";
import { parseRunSpec, type RunSpec } from "../io/spec";
import { isRecord } from "../model/spec";
import type { Process } from "../process/schema";
import { ensemble } from "../study/ensemble";
import { solve, type Trajectory } from "../study/solve";
import { version } from "../version";
import { options } from "./commands";
import { withData } from "./data";
import { integerOption, parseOptions, shellLine } from "./options";
import { duration } from "./progress";
import { runPictures, runTable } from "./results";
import { openRunFolder, type Run, type RunFolder, runText } from "./runFolder";
import { readSource } from "./source";
import { tableText } from "./table";
import { Interrupted, type Terminal, UsageError } from "./terminal";
import { type Voice, voiceOf } from "./voice";

/**
 * Runs the command.
 *
 * @param args      after `run`
 * @param terminal  streams and the signal that stops
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, options.run);
  if (values.resume && values.restart) throw new UsageError("--resume or --restart, not both.");
  const voice = voiceOf(terminal, values);
  const workers = integerOption("workers", values.workers, 0, 1024);
  const out = values.out ?? "out";
  const source = await readSource(words, terminal);
  const { json, said } = await withData(source.json, values);
  if (isRecord(json) && "vary" in json) {
    throw new SpecError("vary", json.vary, "no such field", "This is a sweep: npx meanfield sweep runs it.");
  }
  const spec = parseRunSpec(json);
  const { backend } = await loadEngine({ backend: values.backend });
  voice.detail(`meanfield ${version}, Node ${process.version}; build of the kernels: ${backend}`);
  voice.detail(`specification: ${source.name}, SHA-256 ${specHash(spec)}`);
  if (said) voice.note(`Data: ${said}.`);
  voice.detail(`process: ${nameOf(spec.process, spec.replicas)}, SHA-256 ${specHash(spec.process)}`);

  const settings: Settings = { spec, workers, backend, signal: terminal.signal, voice, checkpoint: null };
  if (out === "-") {
    if (values.resume || values.restart) throw new UsageError("--out - keeps nothing to resume or restart.");
    await toStandardOutput(settings, terminal);
    return;
  }
  const folder = await openRunFolder(out, spec, backend, values.restart ?? false);
  if (values.resume && !folder.begun) throw new UsageError(`There is nothing in ${out} to resume.`);
  const again = [
    "npx",
    "meanfield",
    "run",
    // what was piped in, or has data beside it, stands whole in the folder
    words[0] === undefined || words[0] === "-" || said ? path.join(out, "spec.json") : words[0],
    ...(values.out === undefined ? [] : ["--out", out]),
    ...(values.workers === undefined ? [] : ["--workers", values.workers]),
    ...(values.backend === undefined ? [] : ["--backend", values.backend]),
  ];
  await toFolder({ ...settings, checkpoint: folder.checkpoint }, folder, out, shellLine(again));
}

interface Settings {
  spec: RunSpec;
  /** Folder where states are saved; null saves none. */
  checkpoint: string | null;
  workers: number | undefined;
  backend: Backend;
  signal: AbortSignal;
  voice: Voice;
}

// One document a line: the run, then what it is compared with.
async function toStandardOutput(settings: Settings, terminal: Terminal): Promise<void> {
  const { spec, voice } = settings;
  const began = performance.now();
  let main: Run;
  let other: Run | null;
  try {
    main = await record("run", settings, spec.times);
    other = spec.compareWith ? await record("compareWith", settings, timesOf(main, spec)) : null;
  } catch (error) {
    if (error instanceof DivergenceError && error.run) terminal.out(runText(error.run as Trajectory));
    throw error;
  }
  terminal.out(runText(main) + (other ? runText(other) : ""));
  voice.note(tableText(runTable(main, other)).trimEnd());
  warn(main, other, voice);
  voice.note(`${duration(performance.now() - began)}.`);
}

async function toFolder(settings: Settings, folder: RunFolder, out: string, again: string): Promise<void> {
  const { spec, signal, voice } = settings;
  const began = performance.now();
  let main = await folder.read("trajectory.json", spec.process, spec.replicas);
  let other = spec.compareWith ? await folder.read("compareWith.json", spec.compareWith, 1) : null;
  const finished = main !== null && (spec.compareWith === null || other !== null);
  for (const damage of folder.damages) voice.note(`warning: ${damage}`);
  if (!finished) {
    if (folder.begun) voice.note(`Going on with what is in ${out}.`);
    await folder.begin();
    try {
      if (!main) {
        main = await record("run", settings, spec.times);
        await folder.put("trajectory.json", runText(main, 1));
      }
      if (spec.compareWith && !other) {
        other = await record("compareWith", settings, timesOf(main, spec));
        await folder.put("compareWith.json", runText(other, 1));
      }
    } catch (error) {
      if (signal.aborted) {
        throw new Interrupted(`interrupted after ${duration(performance.now() - began)}; go on with: ${again}`);
      }
      if (error instanceof CheckpointError) {
        error.message += ` It is in ${settings.checkpoint}, and was left as it is; --restart throws it away and begins anew.`;
      }
      if (error instanceof DivergenceError && error.run) {
        await folder.put("trajectory.json", runText(error.run as Trajectory, 1));
        await folder.close();
        voice.note(`Written until then: ${folder.written.join(", ")}`);
      }
      throw error;
    }
  }

  for (const { file, picture } of runPictures(main!, other, spec.observe)) {
    if (finished && (await folder.has(file))) continue;
    const { draw } = await import("../plot/plot");
    await folder.put(file, draw(picture));
  }
  await folder.close();
  const table = runTable(main!, other);
  voice.result(tableText(table), () => summary(out, folder, settings, main!, other));
  warn(main!, other, voice);
  if (folder.written.length > 0) {
    voice.note(`${duration(performance.now() - began)}. Written: ${folder.written.join(", ")}`);
  } else {
    voice.note(`${out} has this run, finished: nothing was done. --restart runs it again.`);
  }
}

function summary(out: string, folder: RunFolder, { backend }: Settings, main: Run, other: Run | null): unknown {
  return {
    command: "run",
    version,
    backend,
    spec: main.provenance.spec,
    folder: out,
    written: folder.written,
    status: "done",
    warnings: warningsOf(main, other),
    table: runTable(main, other),
  };
}

function warn(main: Run, other: Run | null, voice: Voice): void {
  for (const warning of warningsOf(main, other)) voice.note(`warning: ${warning}`);
}

function warningsOf(main: Run, other: Run | null): string[] {
  return [...new Set([...main.warnings, ...(other?.warnings ?? [])])];
}

// Those that the run reached, which for SGD are multiples of ε: rows are compared at one time. Where two of them fell on one
// step, those that were asked for.
function timesOf(main: Run, spec: RunSpec): ArrayLike<number> {
  const { times } = main;
  return times.every((t, i) => i === 0 || t > times[i - 1]!) ? times : spec.times;
}

async function record(name: "run" | "compareWith", settings: Settings, times: ArrayLike<number>): Promise<Run> {
  const { spec, checkpoint, workers, backend, signal, voice } = settings;
  const process = name === "run" ? spec.process : spec.compareWith!;
  const replicas = name === "run" ? spec.replicas : 1;
  const line = voice.progress();
  const began = performance.now();
  const common = {
    times,
    observe: spec.observe,
    backend,
    signal,
    onProgress: ({ fraction }: { fraction: number }) => line.update(fraction, nameOf(process, replicas)),
  };
  if (checkpoint !== null) voice.detail(`${name}: saved every 30 s in ${checkpoint}`);
  let run: Run;
  try {
    if (replicas > 1) {
      run = await ensemble(process, { ...common, replicas, workers, ...(checkpoint !== null && { checkpoint }) });
    } else {
      const file = checkpoint === null ? undefined : path.join(checkpoint, `${name}.state`);
      run = await solve(process, { ...common, checkpoint: file });
      signal.throwIfAborted();
    }
  } finally {
    line.end();
  }
  const methods = Object.entries(run.observables).flatMap(([key, { method }]) =>
    method ? [`${key} by ${method}`] : [],
  );
  const how = [...(run.provenance.method ? [run.provenance.method] : []), ...methods].join(", ");
  voice.detail(`${name}: ${((performance.now() - began) / 1000).toFixed(2)} s${how === "" ? "" : `; ${how}`}`);
  voice.detail(`${name}: ${run.provenance.conventions}`);
  return run;
}

function nameOf(process: Process, replicas: number): string {
  return replicas > 1 ? `${process.kind}, ${replicas} replicas` : process.kind;
}
