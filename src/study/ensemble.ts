// Replicas of a process on other cores: independent streams, results in the order of the replicas whatever finished first.

import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { specHash } from "../io/canonical";
import { checkPlain } from "../model/problem";
import { type Process, parseProcess, parseTimes } from "../process/schema";
import { checkObservables } from "./checkObservables";
import {
  defaultObservables,
  isLocal,
  type Observable,
  type Observables,
  type Observed,
  parseObservables,
} from "./observables";
import { readWorkers, runAll } from "./runs";
import type { Provenance, Trajectory } from "./solve";

/** What `ensemble` is asked for. */
export interface EnsembleOptions {
  /** Number of replicas; replica r of the ensemble is the process with its `replica` raised by r. */
  replicas: number;
  /** Times, as for `solve`. */
  times: ArrayLike<number>;
  /** Statistics by name; plain specifications, because they go to workers; `{ risk: risk() }` if left out (of a fluctuation, moments). */
  observe?: Observables | undefined;
  /** Worker threads; 0 runs in this one. The number of cores, at most the replicas, if left out. */
  workers?: number | undefined;
  /** Address of `meanfield/worker`, for pages whose content-security policy forbids inline workers. */
  worker?: string | URL | undefined;
  /** Stops all replicas; the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called as replicas go on, with the mean share done. */
  onProgress?: ((progress: { fraction: number; finished: number; replicas: number }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
  /** In Node: a folder where each replica is saved from time to time, by its specification, and goes on from there. */
  checkpoint?: string | undefined;
}

/** One statistic over replicas. */
export interface EnsembleObserved {
  /** What was asked for; left out where it was a function. */
  observable?: Observable | undefined;
  /** Shape of one replica's values, time first. */
  shape: number[];
  /** Mean over replicas. */
  mean: Float64Array;
  /** Standard error of the mean, from the spread of the replicas; NaN for one replica. */
  standardError: Float64Array;
  /** Quantiles over replicas at 5, 25, 50, 75 and 95 per cent: five arrays of the shape. */
  quantiles: { probabilities: number[]; values: Float64Array[] };
  /** The values of each replica. */
  replicas: Float64Array[];
  /** How each was computed. */
  method?: string | undefined;
}

/** Replicas of a process, put together. */
export interface Ensemble {
  /** The specification of replica 0. */
  process: Process;
  replicas: number;
  times: Float64Array;
  observables: Record<string, EnsembleObserved>;
  warnings: string[];
  provenance: Provenance;
}

/**
 * Runs replicas of a process on worker threads and puts their statistics together.
 *
 * @param process  a process that has a seed
 * @throws {SpecError} where the specification is wrong, or an observable is a function (it cannot travel)
 * @throws {DivergenceError} of the replica that was the first seen to diverge; the others are stopped
 */
export async function ensemble(process: Process, options: EnsembleOptions): Promise<Ensemble> {
  const spec = parseProcess(process);
  const times = parseTimes(options.times);
  const observables = parseObservables(options.observe ?? defaultObservables(spec));
  checkObservables(observables, spec);
  const { replicas, signal } = options;
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 1e6) {
    throw new SpecError("replicas", replicas, "an integer from 1 to 1000000");
  }
  if (!("replica" in spec)) {
    throw new SpecError("process.kind", spec.kind, "a process with a seed", "This one is deterministic: use solve.");
  }
  if (spec.replica + replicas > 4294967296) {
    throw new SpecError("process.replica", spec.replica, "a first replica that leaves room for the others below 2^32");
  }
  const local = Object.keys(observables).find((name) => isLocal(observables[name]!));
  const workers = readWorkers(options.workers, replicas);
  if (local !== undefined && workers > 0) {
    throw new SpecError(
      `observe.${local}`,
      observables[local],
      "a plain specification, because it goes to a worker",
      "Use workers: 0 to observe with a function.",
    );
  }
  const stay = "Use workers: 0 to stay in this thread.";
  if (workers > 0) checkPlain(spec.problem, "process.problem", "because it goes to a worker", stay);
  if (options.checkpoint !== undefined) checkPlain(spec.problem, "process.problem", "because replicas are saved");
  signal?.throwIfAborted();

  const fractions = new Float64Array(replicas);
  let finished = 0;
  const progressed = (r: number, fraction: number) => {
    fractions[r] = fraction;
    options.onProgress?.({ fraction: fractions.reduce((a, b) => a + b, 0) / replicas, finished, replicas });
  };
  const runs: Trajectory[] = new Array(replicas);
  const specOf = (r: number): Process => ({ ...spec, replica: spec.replica + r });
  const { checkpoint } = options;
  const fileOf = (r: number) =>
    checkpoint === undefined ? undefined : `${checkpoint}/${specHash(specOf(r)).slice(0, 16)}.state`;

  const tasks = Array.from({ length: replicas }, (_, r) => ({
    process: specOf(r),
    times,
    observe: observables,
    checkpoint: fileOf(r),
  }));
  await runAll(tasks, {
    workers,
    worker: options.worker,
    backend: options.backend,
    signal,
    onFraction: progressed,
    onRun(r, run) {
      runs[r] = run;
      finished++;
      progressed(r, 1);
    },
  });
  return putTogether(spec, runs);
}

/**
 * Replicas of a process, put together.
 *
 * @param process  the specification of replica 0
 * @param runs     one a replica, in their order, with the same times and observables
 */
export function putTogether(process: Process, runs: readonly Trajectory[]): Ensemble {
  const first = runs[0]!;
  return {
    process,
    replicas: runs.length,
    times: first.times,
    observables: Object.fromEntries(
      Object.keys(first.observables).map((name) => [name, together(runs.map((run) => run.observables[name]!))]),
    ),
    warnings: [...new Set(runs.flatMap((run) => run.warnings))],
    provenance: first.provenance,
  };
}

const PROBABILITIES = [0.05, 0.25, 0.5, 0.75, 0.95];

/**
 * One statistic of all replicas, put together.
 *
 * @param all  one a replica, in their order, of one shape
 */
export function together(all: readonly Observed[]): EnsembleObserved {
  const { observable, shape, method } = all[0]!;
  const size = all[0]!.values.length;
  const n = all.length;
  const mean = new Float64Array(size);
  const standardError = new Float64Array(size);
  const quantiles = PROBABILITIES.map(() => new Float64Array(size));
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (const one of all) sum += one.values[i]!;
    mean[i] = sum / n;
    let squares = 0;
    for (const one of all) squares += (one.values[i]! - mean[i]!) * (one.values[i]! - mean[i]!);
    standardError[i] = n > 1 ? Math.sqrt(squares / (n - 1) / n) : Number.NaN;
    const sorted = all.map((one) => one.values[i]!).sort((a, b) => a - b);
    PROBABILITIES.forEach((p, k) => {
      const at = p * (n - 1);
      const low = Math.floor(at);
      const high = Math.min(low + 1, n - 1);
      quantiles[k]![i] = sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
    });
  }
  return {
    ...(observable ? { observable } : {}),
    shape,
    mean,
    standardError,
    quantiles: { probabilities: PROBABILITIES, values: quantiles },
    replicas: all.map((one) => one.values),
    method,
  };
}
