// What a figure is: a named experiment that says what should be seen, runs, and says what was seen.

import { SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import type { EnsembleObserved } from "../ensemble";
import type { Picture, SpreadSeries } from "./picture";

/** How a figure is to be run. */
export interface FigureOptions {
  /** The finer, longer form. */
  full?: boolean;
  /** Seed of every run of SGD (1). */
  seed?: number;
  /** Replicas of every run of SGD; each figure has its own default. */
  replicas?: number | undefined;
  /** Worker threads; the number of cores if left out. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called as it goes on: the share done, and what is under way. */
  onProgress?: ((progress: { fraction: number; phase: string }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
  /** In Node: a folder where replicas are saved from time to time, and go on from what is there. */
  checkpoint?: string | undefined;
}

/** A table of results; `timed` is a column that depends on the clock, so that no two runs agree on it. */
export interface Table {
  columns: { name: string; digits: number; timed?: true }[];
  /** A row a time (or a setting); null where there is no number. */
  rows: (number | string | null)[][];
}

/** One thing that was expected, and what was measured. */
export interface Finding {
  expected: string;
  measured: string;
  /** Whether they agree; null where it is left to the eye. */
  met: boolean | null;
  /** True where it depends on the clock, so that no test asks for it. */
  timed?: true;
}

/** What a figure yields. */
export interface FigureResult {
  table: Table;
  /** `timed` is one that depends on the clock. */
  pictures: { file: string; picture: Picture; timed?: true }[];
  findings: Finding[];
  /** What the user should know of the runs, in sentences. */
  warnings: string[];
  /** All of it as plain JSON: parameters, specifications, series. */
  data: Record<string, unknown>;
}

/** A figure. */
export interface Figure {
  /** Name on the command line. */
  name: string;
  title: string;
  /** What is run and what the user should see, in sentences. */
  claim: string;
  /**
   * Runs it.
   *
   * @throws {SpecError} where an option is wrong
   */
  run(options?: FigureOptions): Promise<FigureResult>;
}

/** The options with their defaults filled in. */
export function readOptions(
  options: FigureOptions,
  replicas: number,
): Required<Pick<FigureOptions, "full" | "seed">> & {
  replicas: number;
} {
  const { full = false, seed = 1 } = options;
  const asked = options.replicas ?? replicas;
  if (!Number.isInteger(asked) || asked < 1 || asked > 10000) {
    throw new SpecError("replicas", asked, "an integer from 1 to 10000");
  }
  if (!Number.isSafeInteger(seed) || seed < 0) throw new SpecError("seed", seed, "an integer from 0 to 2^53 − 1");
  return { full, seed, replicas: asked };
}

/**
 * Splits the progress of a figure among its phases.
 *
 * @param onProgress  takes the whole
 * @param shares      of the work, one a phase
 * @returns a function (phase, fraction of it) to be called in each phase, in order
 */
export function phases(
  onProgress: FigureOptions["onProgress"],
  shares: readonly number[],
): (phase: number, name: string, fraction: number) => void {
  const total = shares.reduce((a, b) => a + b, 0);
  return (phase, name, fraction) => {
    const before = shares.slice(0, phase).reduce((a, b) => a + b, 0);
    onProgress?.({ fraction: (before + fraction * shares[phase]!) / total, phase: name });
  };
}

/** Mean ± standard error of a statistic over replicas, one component of it, against time. */
export function meanSeries(times: Float64Array, observed: EnsembleObserved, component = 0): SpreadSeries {
  const width = observed.mean.length / times.length;
  const mean = Array.from(times, (_, i) => observed.mean[i * width + component]!);
  const error = Array.from(times, (_, i) => observed.standardError[i * width + component]!);
  const alone = error.some((e) => !Number.isFinite(e));
  return {
    x: Array.from(times),
    y: mean,
    low: alone ? null : mean.map((m, i) => m - error[i]!),
    high: alone ? null : mean.map((m, i) => m + error[i]!),
  };
}

/**
 * Times for a table and a smooth line, as multiples of a step size: those that SGD reaches exactly.
 *
 * @param named     times that must be there
 * @param others    further times; those within a few per cent of a named one are left out
 * @param stepSize  ε
 */
export function mergedTimes(named: readonly number[], others: ArrayLike<number>, stepSize: number): Float64Array {
  const far = Array.from(others).filter((t) => named.every((one) => Math.abs(t - one) > 0.07 * t));
  const steps = new Set([...named, ...far].map((t) => Math.round(t / stepSize)));
  return Float64Array.from(
    [...steps].sort((a, b) => a - b),
    (k) => k * stepSize,
  );
}

/** Index of the time nearest to t. */
export function nearest(times: Float64Array, t: number): number {
  let best = 0;
  times.forEach((time, i) => {
    if (Math.abs(time - t) < Math.abs(times[best]! - t)) best = i;
  });
  return best;
}

/** A number in a sentence: three significant digits. */
export function say(x: number): string {
  return Number(x.toPrecision(3)).toString().replace("-", "−").replace("e−", "e-");
}

/** The number, or null where it is none: JSON has no word for NaN. */
export function finiteOrNull(x: number): number | null {
  return Number.isFinite(x) ? x : null;
}
