// A sweep: a run file at many values of its fields, with replicas, on one pool of workers, into one table. Every finished run
// is kept in a folder under the hash of its specification, so that a sweep which was stopped goes on, and a larger one finds
// what a smaller one has done.

import { loadEngine } from "../engine/engine";
import { CheckpointError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { canonicalJson, specHash } from "../io/canonical";
import type { RunSpecInput } from "../io/spec";
import { type DataTable, tableToCsv, tableToJson, tableToParquet } from "../io/table";
import type { Process } from "../process/schema";
import { version } from "../version";
import { type Ensemble, putTogether } from "./ensemble";
import type { Observables } from "./observables";
import { readWorkers, runAll } from "./runs";
import type { Provenance, Trajectory } from "./solve";
import { openFolder } from "./sweepFolder";
import { describePoint, planSweep, type SweepBase, type SweepPlan, type Vary } from "./sweepPoints";
import { meanTable, replicaTable } from "./sweepTable";
import type { Task } from "./worker";

/** What `sweep` is asked for. */
export interface SweepOptions {
  /** What is run at every point: process, times, observe and replicas, as in a run file. */
  base: SweepBase;
  /**
   * Fields of the run file and their values: an object for a grid, a list for the points themselves. A default that a factory
   * filled in is a value like any other: where `dimension` is varied, `signal` stays what it was made.
   */
  vary: Vary;
  /** Replicas at every point, in place of the base's; 1 where neither says. */
  replicas?: number | undefined;
  /** Times, in place of the base's. */
  times?: RunSpecInput["times"] | undefined;
  /** Statistics by name, in place of the base's; plain specifications. */
  observe?: Observables | undefined;
  /** In Node: where finished runs are kept and found again, and the tables are written. One sweep at a time. */
  folder?: string | undefined;
  /** Worker threads; 0 runs in this one. The number of cores, at most the runs, if left out. */
  workers?: number | undefined;
  /** Address of `meanfield/worker`, for pages whose content-security policy forbids inline workers. */
  worker?: string | URL | undefined;
  /** Stops the sweep; the promise is rejected with the signal's reason, and what was finished stays in the folder. */
  signal?: AbortSignal | undefined;
  /** Called as runs go on: the share of them that is done, and how many are finished. */
  onProgress?: ((progress: SweepProgress) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** How far a sweep is. */
export interface SweepProgress {
  /** Share of all runs that is done, 0 … 1. */
  fraction: number;
  /** Runs that are finished, those of an earlier sweep among them. */
  finished: number;
  /** Runs in all: points times replicas. */
  runs: number;
}

/** One point of a sweep. */
export interface SweepPoint {
  /** Values of the varied fields, by their place in the run file. */
  values: Record<string, unknown>;
  /** Times asked for. */
  times: Float64Array;
  /** Its replicas, put together. */
  run: Ensemble;
}

/** What a sweep gives. */
export interface Sweep {
  points: SweepPoint[];
  /** A row a point and time: the varied fields, mean and standard error of each statistic over replicas. */
  table: DataTable;
  /** A row a point, replica and time: the varied fields and each statistic. */
  replicas: DataTable;
  /** What the user should know of the runs, in sentences. */
  warnings: string[];
  /** Runs that were made now. */
  computed: number;
  /** Runs that were found in the folder. */
  found: number;
  /** Its `spec` is the hash of all points. */
  provenance: Provenance;
}

/** A run of a sweep, and the name that it is kept under. */
interface Job {
  hash: string;
  task: Omit<Task, "checkpoint">;
  /** Where it first stands, in words. */
  where: string;
}

/**
 * Runs a process at many values of its fields and puts the statistics into one table.
 *
 * Results do not depend on the number of workers, the order of the runs or interruptions: with a folder, a sweep that was
 * stopped or killed makes only the runs that are missing, and ends with the same tables, byte for byte. A run's file that is
 * damaged is made again and the warnings say so; no other is touched.
 *
 * @param options  base and vary; replicas, times, observe; folder; workers, signal, onProgress, backend
 * @returns points, tables and raw replicas; in the folder table.json, .csv and .parquet, and replicas.… likewise
 * @throws {SpecError} naming the field and the point, before anything is run
 * @throws {DivergenceError} of the run that was the first seen to diverge, naming its point; finished runs stay
 * @throws {CheckpointError} where the state of a run that was under way is damaged, naming its file
 */
export async function sweep(options: SweepOptions): Promise<Sweep> {
  const { base, vary, replicas, times, observe, signal, onProgress } = options;
  const plan = planSweep(base, { replicas, times, observe }, vary);
  const engine = await loadEngine({ backend: options.backend });
  const { jobs, hashes } = jobsOf(plan, engine.backend);
  const workers = readWorkers(options.workers, jobs.length);
  signal?.throwIfAborted();

  const folder = options.folder === undefined ? null : await openFolder(options.folder);
  const warnings: string[] = [];
  const runs = new Map<string, Trajectory>();
  if (folder) {
    await folder.put("sweep.json", `${JSON.stringify(JSON.parse(canonicalJson(plan.file)), null, 2)}\n`);
    for (const { hash } of jobs) {
      const { run, damage } = await folder.read(hash);
      if (run) runs.set(hash, run);
      if (damage) warnings.push(`${folder.runFile(hash)} was damaged, and was made again: ${damage}.`);
    }
  }
  const found = runs.size;
  const missing = jobs.filter(({ hash }) => !runs.has(hash));
  const fractions = new Float64Array(missing.length);
  let done = found;
  const progressed = (i: number, fraction: number) => {
    done += fraction - fractions[i]!;
    fractions[i] = fraction;
    onProgress?.({ fraction: Math.min(1, done / jobs.length), finished: runs.size, runs: jobs.length });
  };
  await runAll(
    missing.map(({ task, hash }) => ({ ...task, checkpoint: folder?.stateFile(hash) })),
    {
      workers,
      worker: options.worker,
      backend: engine.backend,
      signal,
      onFraction: progressed,
      async onRun(i, run) {
        await folder?.write(missing[i]!.hash, run);
        runs.set(missing[i]!.hash, run);
        progressed(i, 1);
      },
      onError(i, error) {
        if (!(error instanceof Error)) return;
        const { where, hash } = missing[i]!;
        const remedy = error instanceof CheckpointError ? ` Without ${folder?.stateFile(hash)} it starts again.` : "";
        error.message = `${error.message} (${where}.)${remedy}`;
      },
    },
  );

  const points = plan.points.map(({ values, spec }, p) => {
    const own = hashes[p]!.map((hash) => runs.get(hash)!);
    return { values, times: Float64Array.from(spec.times), run: putTogether(spec.process, own), replicas: own };
  });
  const provenance = { ...points[0]!.run.provenance, spec: plan.hash };
  const result: Sweep = {
    points: points.map(({ values, times, run }) => ({ values, times, run })),
    table: meanTable(plan.fields, points, { ...provenance }),
    replicas: replicaTable(plan.fields, points, { ...provenance }),
    warnings: [...new Set([...warnings, ...points.flatMap(({ run }) => run.warnings)])],
    computed: missing.length,
    found,
    provenance,
  };
  if (folder) {
    for (const name of ["table", "replicas"] as const) {
      await folder.put(`${name}.json`, tableToJson(result[name]));
      await folder.put(`${name}.csv`, await tableToCsv(result[name]));
      await folder.put(`${name}.parquet`, await tableToParquet(result[name]));
    }
    await folder.clean(hashes.flat());
  }
  return result;
}

// What a run depends on is what it is named by: the build of the kernels and the library's version among it. Points whose
// replicas overlap, as where `process.replica` is varied, share runs.
function jobsOf(plan: SweepPlan, backend: Backend): { jobs: Job[]; hashes: string[][] } {
  const jobs = new Map<string, Job>();
  const hashes = plan.points.map(({ values, spec }, p) =>
    Array.from({ length: spec.replicas }, (_, r) => {
      const { times, observe } = spec;
      const process: Process =
        "replica" in spec.process ? { ...spec.process, replica: spec.process.replica + r } : spec.process;
      const hash = specHash({ version, backend, process, times, observe });
      const where = `Point ${p + 1} of ${plan.points.length}: ${describePoint(values)}; replica ${r}`;
      if (!jobs.has(hash)) jobs.set(hash, { hash, where, task: { process, times: Float64Array.from(times), observe } });
      return hash;
    }),
  );
  return { jobs: [...jobs.values()], hashes };
}
