// An experiment as a run file of the command line, and a run file as an experiment.

import { canonicalJson, type Process, parseProcess, type RunSpecInput, SpecError } from "meanfield";
import {
  ACTIVATIONS,
  type Dropped,
  defaults,
  type Experiment,
  LIMITS,
  type LimitKind,
  type NetworkKind,
  riskOf,
  runOf,
} from "./experiment";

/** Times of a run file. */
const TIMES = 11;

/**
 * The run file of an experiment for the command line: the values that hold now, from the start, with the limit to compare with; a run file has
 * no changes on the way.
 *
 * @param time  until when; the experiment's own where it is left out
 */
export function runSpecOf(experiment: Experiment, dropped: Dropped | null, time = experiment.time): RunSpecInput {
  const present = Object.assign({}, experiment, ...experiment.changes.map(({ set }) => set), {
    changes: [],
  }) as Experiment;
  const { network, limit } = runOf(present, dropped);
  return {
    process: network,
    times: recordTimes(network, time),
    observe: { risk: riskOf(network) },
    compareWith: limit,
  };
}

// From 0 to the end, evenly as far as the steps allow. Each is a step's own time, so that the limit, which has none, is asked for the
// very times that the network reaches: what lay between them would be read as a gap.
function recordTimes(network: Process, end: number): number[] {
  const even = Array.from({ length: TIMES }, (_, k) => Number(((k * end) / (TIMES - 1)).toPrecision(12)));
  if (!("stepSize" in network) || "timeStep" in network) return [...new Set(even)];
  const { stepSize } = network;
  const last = Math.round(end / stepSize);
  // of a run of fewer steps than that, its end
  if (last < TIMES - 1) return [...new Set([0, last * stepSize])];
  return [...new Set(even.map((t) => Math.round(t / stepSize)))].map((k) => k * stepSize);
}

/** Steps that opening a file may take before anything is shown. */
const MOST_STEPS = 500_000;

/**
 * A run file as an experiment: one of the page's problems where it is exactly that, else "file".
 *
 * @returns dropped: null where no file is needed to run it
 */
export function experimentOf(run: RunSpecInput, name: string): { experiment: Experiment; dropped: Dropped | null } {
  const process = parseProcess(run.process);
  const limit = run.compareWith ? parseProcess(run.compareWith, "compareWith") : null;
  const fields: Partial<Experiment> = {};
  for (const field of ["neurons", "stepSize", "batchSize", "temperature", "precision", "seed"] as const) {
    if (field in process) Object.assign(fields, { [field]: process[field as never] });
  }
  const end =
    Array.isArray(run.times) || ArrayBuffer.isView(run.times) ? Array.from(run.times as ArrayLike<number>).at(-1) : 0;
  if (end && fields.stepSize && end / fields.stepSize <= MOST_STEPS) fields.time = end;
  const kinds: readonly string[] = Object.keys(LIMITS);
  if (!limit || kinds.includes(limit.kind)) fields.limit = (limit?.kind ?? "none") as LimitKind;
  if (NETWORKS.includes(process.kind as NetworkKind)) {
    for (const problem of ["gaussians", "teacher", "peaks", "sine"] as const) {
      const guess = { ...defaults(problem), ...fields, network: process.kind as NetworkKind, ...shapeOf(process) };
      if (fields.limit !== undefined && isExactly(guess, process, limit)) return { experiment: guess, dropped: null };
    }
  }
  const { start } = process.problem;
  const radius = start.kind === "gaussian" ? start.radius : 1;
  const experiment = { ...defaults("file"), limit: "none" as const, ...fields, radius };
  return { experiment, dropped: { kind: "run", name, run } };
}

const NETWORKS: readonly NetworkKind[] = ["sgd", "gradientDescent", "adam", "langevin"];

// Numbers of a preset that stand in the problem of a process.
function shapeOf({ problem: { law, unit, start } }: Process): Partial<Experiment> {
  const shape: Partial<Experiment> = {};
  const text = canonicalJson(unit.activation);
  const activation = Object.keys(ACTIVATIONS).find((name) => canonicalJson(ACTIVATIONS[name]) === text);
  if (activation) shape.activation = activation;
  if (law.kind === "anisotropicGaussians" && law.dimension !== "infinite") {
    Object.assign(shape, { dimension: law.dimension, signal: law.signal, delta: law.delta });
  } else if (law.kind === "teacher") shape.dimension = law.dimension;
  if (start.kind === "gaussian") shape.radius = start.radius;
  if (start.kind === "normal" && typeof start.w !== "number") {
    const d = law.kind === "dataset" ? law.x.shape[1]! : (law as { dimension: number }).dimension;
    // the decimal that the page had, of which the deviation is κ/√d
    shape.radius = Number((start.w.deviation * Math.sqrt(d)).toPrecision(14));
  }
  return shape;
}

function isExactly(experiment: Experiment, process: Process, limit: Process | null): boolean {
  try {
    const run = runOf(experiment, null);
    return canonicalJson(run.network) === canonicalJson(process) && canonicalJson(run.limit) === canonicalJson(limit);
  } catch (error) {
    if (error instanceof SpecError) return false;
    throw error;
  }
}
