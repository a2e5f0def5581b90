// The one driver of all processes: advances to each time, records statistics, watches, saves, stops.

import { DivergenceError, SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { specHash } from "../io/canonical";
import type { Measure } from "../measure/measure";
import { checkPlain, isLocalProblem } from "../model/problem";
import type { Simulation, Watch } from "../process/process";
import { type Process, parseProcess, parseTimes } from "../process/schema";
import { version } from "../version";
import { checkObservables } from "./checkObservables";
import type { Checkpointing, Keeper, RunRecord } from "./checkpoint";
import { collect, defaultObservables, type Observables, type Observed, observe, parseObservables } from "./observables";
import { open } from "./open";

/** What `solve` is asked for. */
export interface SolveOptions {
  /** Times t ≥ 0 at which the measure is recorded, increasing; for SGD t = kε, and the step is round(t/ε). */
  times: ArrayLike<number>;
  /** Statistics by name; `{ risk: risk() }` if left out (of a fluctuation, moments). */
  observe?: Observables | undefined;
  /** `measures` keeps the law itself at each time too. */
  keep?: "observables" | "measures" | undefined;
  /** Stops the run; what was recorded until then is returned with status `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called between chunks, every few milliseconds. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Saves the run from time to time and goes on from a saved one: a file path in Node, or functions. */
  checkpoint?: Checkpointing | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** How far a run is. */
export interface Progress {
  /** Time reached. */
  time: number;
  /** Last time asked for. */
  end: number;
  /** Share of the time that is done, 0 … 1. */
  fraction: number;
}

/** Where a result comes from. */
export interface Provenance {
  /** Version of the library. */
  version: string;
  /** Build of the kernels. */
  backend: Backend;
  /** SHA-256 of the canonical specification; "local" where it holds functions. */
  spec: string;
  /** What time and scaling mean here, in words. */
  conventions: string;
  /** How the gradient was found, in words, where there is a choice. */
  method?: string;
}

/** A recorded run. */
export interface Trajectory {
  /** The specification that was run. */
  process: Process;
  /** Times reached: those asked for, for SGD rounded to multiples of ε. */
  times: Float64Array;
  /** What was observed, by name. */
  observables: Record<string, Observed>;
  /** The measures, where they were to be kept. */
  measures: Measure[] | null;
  /** `aborted` where the signal stopped the run; then there are fewer times than asked for. */
  status: "done" | "aborted";
  /** What the user should know of the run, in sentences. */
  warnings: string[];
  provenance: Provenance;
}

/**
 * Runs a process and records statistics of its measure.
 *
 * @param process  a process specification
 * @param options  times, and what to do at them
 * @throws {SpecError} before anything is allocated
 * @throws {DivergenceError} whose `run` is the trajectory so far
 */
export async function solve(process: Process, options: SolveOptions): Promise<Trajectory> {
  const times = parseTimes(options.times);
  const spec = parseProcess(process);
  const observables = parseObservables(options.observe ?? defaultObservables(spec));
  const keep = options.keep ?? "observables";
  if (keep !== "observables" && keep !== "measures") {
    throw new SpecError("keep", keep, '"observables" or "measures"');
  }
  const { signal, onProgress } = options;
  // loaded where a run is saved: most are not
  const saving = options.checkpoint === undefined ? null : await import("./checkpoint");
  const plan = saving?.parseCheckpointing(options.checkpoint!);
  checkObservables(observables, spec);
  if (plan !== undefined) checkPlain(spec.problem, "process.problem", "because the run is saved");
  const simulation = await open(spec, options);
  try {
    return await record(simulation, times, observables, keep === "measures", signal, onProgress, async (run) =>
      saving && plan ? saving.openCheckpoint(plan, simulation, times, observables, run) : null,
    );
  } finally {
    simulation.free();
  }
}

async function record(
  simulation: Simulation,
  times: Float64Array,
  observables: Observables,
  keepMeasures: boolean,
  signal: AbortSignal | undefined,
  onProgress: SolveOptions["onProgress"],
  openKeeper: (record: RunRecord) => Promise<Keeper | null>,
): Promise<Trajectory> {
  const end = times[times.length - 1]!;
  const record: RunRecord = { reached: [], rows: [], measures: keepMeasures ? [] : null };

  const trajectory = (status: Trajectory["status"]): Trajectory => ({
    process: simulation.process,
    times: Float64Array.from(record.reached),
    observables: collect(observables, record.rows),
    measures: record.measures,
    status,
    warnings: [...simulation.warnings, ...sameSteps(record.reached)],
    provenance: provenance(simulation),
  });

  const keeper = await openKeeper(record);
  const watch: Watch = {
    signal,
    onProgress(time) {
      keeper?.tick();
      onProgress?.({ time, end, fraction: end > 0 ? Math.min(1, time / end) : 1 });
    },
  };
  try {
    for (let i = record.reached.length; i < times.length; i++) {
      await simulation.advance(times[i]!, watch);
      const measure = simulation.measure();
      const row = await observe(observables, measure, simulation);
      record.reached.push(simulation.time);
      record.rows.push(row);
      record.measures?.push(measure);
    }
  } catch (error) {
    await keeper?.settle();
    if (signal?.aborted && error === signal.reason) {
      await keeper?.write();
      return trajectory("aborted");
    }
    if (error instanceof DivergenceError) error.run = trajectory("aborted");
    throw error;
  }
  await keeper?.write();
  return trajectory("done");
}

// Asked times are rounded to steps: two of them on one step are one time.
function sameSteps(reached: readonly number[]): string[] {
  const t = reached.find((time, i) => i > 0 && time === reached[i - 1]);
  return t === undefined
    ? []
    : [`Two of the times asked for fall on one step, at t = ${t}: times further apart than ε differ.`];
}

function provenance(simulation: Simulation): Provenance {
  return {
    version,
    backend: simulation.engine.backend,
    spec: hashOrLocal(simulation.process),
    conventions: conventions(simulation.process),
    ...(simulation.method !== undefined && { method: simulation.method }),
  };
}

// A specification that holds functions of the user's has no hash.
function hashOrLocal(process: Process): string {
  return isLocalProblem(process.problem) ? "local" : specHash(process);
}

function conventions(process: Process): string {
  const step = "f is the mean over neurons (scaling 1/N); the step is θ += ε r ∇σ*, r = −∂ℓ/∂f";
  const energy =
    process.problem.loss === "squared" ? "the flow is that of E = R/2, R = E|y − f|²" : "the flow is that of F = E ℓ";
  const common = `${step}, so ${energy}`;
  const draws = "seed" in process ? `; seed ${process.seed}, replica ${process.replica}` : "";
  const precision = "precision" in process ? `, precision ${process.precision}` : "";
  const noise = "temperature" in process ? `; noise √(2τε) g, τ = ${process.temperature}` : "";
  if (process.kind === "fokkerPlanck") {
    return `time is that of noisy SGD, t = kε; ${energy}; the free energy is F + ∫U dm + τ∫ m log m, τ = ${process.temperature}; densities are with respect to dw.`;
  }
  if ("timeStep" in process && "stepSize" in process) {
    const level = process.stepSize / process.batchSize;
    return `time is that of SGD, t = kε, in steps of ${process.timeStep}; ${common}; noise of level α = ε/B = ${level}${draws}${precision}.`;
  }
  if (process.kind === "adam") {
    return `time t = kε after k steps of size ε; f is the mean over neurons (scaling 1/N); a step is Adam's along r ∇σ*, r = −∂ℓ/∂f${draws}${precision}.`;
  }
  const momentum =
    "momentum" in process && process.momentum > 0 ? `; momentum μ = ${process.momentum}, 1/(1 − μ) as fast` : "";
  if ("stepSize" in process)
    return `time t = kε after k steps of size ε; ${common}${momentum}${noise}${draws}${precision}.`;
  const densities = process.kind === "radialFlow" ? "; densities are with respect to dr1 dr2" : "";
  return `time is that of SGD, t = kε; ${common}${noise}${draws}${densities}.`;
}
