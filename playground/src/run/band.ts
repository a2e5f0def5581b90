// The band in which the network's risk lies, over its starts and its data.
//
//   SGD on a finite law with smooth units    the library's prediction bands: quantiles of an ensemble of modified flows
//   all else                                 quantiles of replicas of the network itself, one after the other, sent as they sharpen
//
// Of R replicas the least and the largest hold the next run with probability (R − 1)/(R + 1): until there are enough for the level that is
// wanted, the band is theirs and says so.

import { type Process, parseProcess, predictionBands, SpecError } from "meanfield";
import { pause } from "../../../src/engine/pause";
import { riskWork } from "../../../src/measure/risk";
import { riskOf } from "../experiment";
import { openCourse } from "./course";
import type { RiskBand, Run } from "./protocol";

/** Probability that is wanted, and the replicas that reach it: more would take the visitor longer than the band is worth. */
const LEVEL = 0.9;
const REPLICAS = 19;

const PERCENT = Math.round(100 * LEVEL);

/** Replicas from here on are the band's own, so far apart that their legs do not meet. */
const OWN = 1_000_000;
const APART = 1_000;

/** Modified flows of a prediction band. */
const ENSEMBLE = 100;

/**
 * Finds the band.
 *
 * @param run     the run; its limit plays no part
 * @param times   ascending
 * @param onBand  called with each better band; `done` with the last
 * @param signal  stops it
 * @throws {SpecError} where the run has nothing random
 */
export async function findBand(
  run: Run,
  times: Float64Array,
  onBand: (band: RiskBand, done: boolean) => void,
  signal?: AbortSignal,
): Promise<void> {
  const network = parseProcess(run.network);
  if (!("replica" in network)) {
    throw new SpecError(
      "process.kind",
      network.kind,
      "a process with random numbers",
      "Without them all runs are the same, and there is no band.",
    );
  }
  const predicted = await prediction(network, run, times, signal);
  if (predicted) onBand(predicted, true);
  else await replicas(network, run, times, onBand, signal);
}

async function prediction(
  network: Process,
  run: Run,
  times: Float64Array,
  signal?: AbortSignal,
): Promise<RiskBand | null> {
  if (network.kind !== "sgd" || network.problem.law.kind !== "dataset" || run.changes.length > 0) return null;
  if (network.temperature > 0 || network.momentum > 0 || network.schedule.kind !== "constant" || !network.replacement)
    return null;
  const { problem, neurons, stepSize, batchSize, seed } = network;
  const d = problem.law.kind === "dataset" ? problem.law.x.shape[1]! : 1;
  try {
    const { risk } = await predictionBands(problem, {
      neurons,
      stepSize,
      batchSize,
      seed,
      times: Float64Array.from(times),
      x: [Array.from({ length: d }, () => 0)],
      level: LEVEL,
      ensemble: ENSEMBLE,
      // the bands of f(x) are not shown: their part is kept small
      pairs: 1,
      spreadParticles: 16,
      workers: 0,
      signal,
    });
    const { lower, upper, method } = risk!;
    return { level: LEVEL, times, lower, upper, name: `${PERCENT} % band`, method };
  } catch (error) {
    // a kinked unit, an output bias: what the fluctuation is not defined for, replicas have all the same
    if (error instanceof SpecError) return null;
    throw error;
  }
}

async function replicas(
  network: Process & { replica: number },
  run: Run,
  times: Float64Array,
  onBand: (band: RiskBand, done: boolean) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { method, points, seed } = riskOf(network);
  const curves: Float64Array[] = [];
  for (let r = 0; r < REPLICAS; r++) {
    const course = await openCourse(
      { ...network, replica: network.replica + OWN + APART * r } as Process,
      run.changes,
      true,
    );
    try {
      const risks = new Float64Array(times.length);
      for (let i = 0; i < times.length; i++) {
        await course.advance(times[i]!, { signal });
        const { process, engine } = course.simulation;
        const degree = null;
        const work = riskWork(course.measure(), process.problem, engine, { method, points, seed, degree });
        for (let began = performance.now(); ; ) {
          const { done, value } = work.next();
          if (done) {
            risks[i] = value.value;
            break;
          }
          if (performance.now() - began < 10) continue;
          await pause();
          signal?.throwIfAborted();
          began = performance.now();
        }
      }
      curves.push(risks);
    } finally {
      course.free();
    }
    if (curves.length > 1) onBand(bandOf(curves, times), curves.length === REPLICAS);
  }
}

/** The band of some curves. */
export function bandOf(curves: readonly Float64Array[], times: Float64Array): RiskBand {
  const R = curves.length;
  const level = Math.min(LEVEL, (R - 1) / (R + 1));
  const at = (p: number) =>
    Float64Array.from(times, (_, i) =>
      quantileOfNext(
        curves.map((curve) => curve[i]!),
        p,
      ),
    );
  return {
    level,
    times,
    lower: at((1 - level) / 2),
    upper: at((1 + level) / 2),
    // a level that grows as runs are added would read like progress
    name: R < REPLICAS ? `range of ${R} of ${REPLICAS} runs` : `range of ${R} runs (${PERCENT} %)`,
    method: `least and largest of ${R} runs with other starts and other data, between which the next lies with a probability of ${Math.round(100 * level)} %`,
  };
}

// The value below which the next of such numbers falls with probability p: order statistic p (R + 1).
function quantileOfNext(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(Math.max(p * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const low = Math.floor(at + 1e-9);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + Math.max(0, at - low) * (sorted[high]! - sorted[low]!);
}
