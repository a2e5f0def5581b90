// `meanfield run`: runs a specification, saves it on the way, writes what it recorded and pictures of it.

import { access, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { DivergenceError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { parseRunSpec, type RunSpec, runSpecToJson } from "../io/spec";
import { ensembleToJson, trajectoryToJson } from "../io/trajectory";
import { draw } from "../plot/plot";
import type { Process } from "../process/schema";
import { type Ensemble, ensemble } from "../study/ensemble";
import { solve, type Trajectory } from "../study/solve";
import { integerOption, parseOptions } from "./options";
import { duration, progressLine } from "./progress";
import { runPictures, runTable } from "./results";
import { readSource } from "./source";
import { tableText } from "./table";
import { Interrupted, type Terminal, UsageError } from "./terminal";

/**
 * Runs the command.
 *
 * @param args      after `run`
 * @param terminal  streams and the signal that stops
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, {
    out: "string",
    resume: "boolean",
    restart: "boolean",
    workers: "string",
    backend: "string",
  });
  if (values.resume && values.restart) throw new UsageError("--resume or --restart, not both.");
  const spec = parseRunSpec(await readSource(words, terminal));
  const folder = values.out ?? "out";
  const checkpoint = path.join(folder, "checkpoint");

  const saved = await exists(checkpoint);
  if (values.resume && !saved) throw new UsageError(`There is no checkpoint in ${folder} to resume from.`);
  if (saved && values.restart) await rm(checkpoint, { recursive: true });
  else if (saved && !values.resume) {
    throw new UsageError(
      `${folder} holds the checkpoint of an interrupted run: go on with --resume, or start again with --restart.`,
    );
  }
  await mkdir(checkpoint, { recursive: true });
  const written: string[] = [];
  const write = async (file: string, text: string) => {
    written.push(path.join(folder, file));
    await writeFile(path.join(folder, file), text);
  };
  await write("spec.json", runSpecToJson(spec));

  const settings = {
    spec,
    checkpoint,
    workers: integerOption("workers", values.workers, 0, 1024),
    backend: values.backend as Backend | undefined,
    signal: terminal.signal,
  };
  const line = progressLine(terminal.err, terminal.rewrites);
  const began = performance.now();
  let main: Trajectory | Ensemble;
  let other: Trajectory | Ensemble | null;
  try {
    // the second run is the limit most of the time, which costs little
    const share = spec.compareWith ? 0.95 : 1;
    main = await record(spec.process, "run", settings, (fraction) =>
      line.update(share * fraction, nameOf(spec.process, spec.replicas)),
    );
    other = spec.compareWith
      ? await record(spec.compareWith, "compareWith", settings, (fraction) =>
          line.update(share + (1 - share) * fraction, nameOf(spec.compareWith!, 1)),
        )
      : null;
  } catch (error) {
    line.end();
    if (terminal.signal.aborted) {
      const source = words[0] === "-" ? path.join(folder, "spec.json") : words[0]!;
      const out = values.out === undefined ? "" : ` --out ${folder}`;
      throw new Interrupted(
        `interrupted after ${duration(performance.now() - began)}; go on with: meanfield run ${source}${out} --resume`,
      );
    }
    if (error instanceof DivergenceError && error.run) {
      await write("trajectory.json", text(error.run as Trajectory));
      terminal.err(`Written until then: ${written.join(", ")}\n`);
    }
    throw error;
  }
  line.end();

  terminal.out(tableText(runTable(main, other)));
  for (const warning of new Set([...main.warnings, ...(other?.warnings ?? [])])) terminal.err(`warning: ${warning}\n`);
  await write("trajectory.json", text(main));
  if (other) await write("compareWith.json", text(other));
  for (const { file, picture } of runPictures(main, other, spec.observe)) await write(file, draw(picture));
  await rm(checkpoint, { recursive: true });
  terminal.err(`${duration(performance.now() - began)}. Written: ${written.join(", ")}\n`);
}

interface Settings {
  spec: RunSpec;
  checkpoint: string;
  workers: number | undefined;
  backend: Backend | undefined;
  signal: AbortSignal;
}

async function record(
  process: Process,
  name: string,
  { spec, checkpoint, workers, backend, signal }: Settings,
  onFraction: (fraction: number) => void,
): Promise<Trajectory | Ensemble> {
  const options = {
    times: spec.times,
    observe: spec.observe,
    backend,
    signal,
    onProgress: ({ fraction }: { fraction: number }) => onFraction(fraction),
  };
  if (name === "run" && spec.replicas > 1) {
    return ensemble(process, { ...options, replicas: spec.replicas, workers, checkpoint });
  }
  const run = await solve(process, { ...options, checkpoint: path.join(checkpoint, `${name}.state`) });
  signal.throwIfAborted();
  return run;
}

function text(run: Trajectory | Ensemble): string {
  return `${JSON.stringify("replicas" in run ? ensembleToJson(run) : trajectoryToJson(run), null, 1)}\n`;
}

function nameOf(process: Process, replicas: number): string {
  return replicas > 1 ? `${process.kind}, ${replicas} replicas` : process.kind;
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
