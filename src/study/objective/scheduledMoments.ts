// Mean and covariance of SGD with falling steps on linear terms, exactly, and of the average of its iterates.        docs/finiteSteps.md
//
//   z = x − θ*:   m ← (1 − ε_k H) m,   Σ ← (1 − ε_k H) Σ (1 − ε_k H) + (ε_k²/B) C(m, Σ),   ε_k = ε ξ(kε)
//
// With S_k = Σ_{j≤k} z_j, Z = Cov(S_k, z_k) and W = Cov S_k: Z ← Z (1 − ε_k H) + Σ and W ← W + Z + Zᵀ − Σ after it, as a step's noise is
// centred given all before.

import { SpecError } from "../../engine/errors";
import { CHUNK_MILLISECONDS, pause } from "../../engine/pause";
import type { LinearProblem } from "../../model/linearObjective";
import type { ProblemInput } from "../../model/problem";
import { parseSpec } from "../../model/spec";
import { parseTimes } from "../../process/schema";
import { type Schedule, schedule as scheduleSchema } from "../../process/schemaParts";
import { scheduleFactor } from "../../process/steps";
import { readFields, readInteger, readPositive, readStarts } from "./options";
import { multiply, regressionOf } from "./regression";

/** What `scheduledMoments` is asked for. */
export interface ScheduledOptions {
  /** ε; step k has the size ε ξ(kε), and time goes on by ε */
  stepSize: number;
  /** ξ (1) */
  schedule?: Schedule;
  /** B (1) */
  batchSize?: number;
  /** Ascending; each is rounded to whole steps. */
  times: ArrayLike<number>;
  /** Where SGD starts: p numbers (0). */
  start?: ArrayLike<number>;
  signal?: AbortSignal | undefined;
  /** Called as the work goes on, with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
}

/** Moments of SGD with falling steps at several times. */
export interface ScheduledMoments {
  /** Times reached: k ε */
  times: Float64Array;
  /** ε_k of the last step taken; that of the first at time 0 */
  stepSizes: Float64Array;
  /** θ* */
  minimum: Float64Array;
  /** E θ_k, [T, p] */
  means: Float64Array;
  /** Cov θ_k, [T, p, p] */
  covariances: Float64Array;
  /** E of (θ_1 + … + θ_k)/k, [T, p], and its covariance, [T, p, p]; those of the start at time 0 */
  averageMeans: Float64Array;
  averageCovariances: Float64Array;
}

/** See the function of the same name in src/study/onDemand.ts. */
export async function scheduledMoments(
  problem: LinearProblem | ProblemInput,
  options: ScheduledOptions,
): Promise<ScheduledMoments> {
  const known = ["stepSize", "schedule", "batchSize", "times", "start", "signal", "onProgress"] as const;
  readFields(options, "options", known);
  const stepSize = readPositive(options.stepSize, "stepSize");
  const batchSize = readInteger(options.batchSize ?? 1, "batchSize", 1, 2 ** 20);
  const schedule = parseSpec(scheduleSchema, options.schedule ?? { kind: "constant" }, "schedule");
  const asked = parseTimes(Array.isArray(options.times) ? options.times : Float64Array.from(options.times ?? []));
  const { dimension: p, minimum, hessian, noise } = regressionOf(problem);
  const start = options.start === undefined ? new Float64Array(p) : readStarts([options.start], p, "start");
  const { signal, onProgress } = options;
  signal?.throwIfAborted();

  const steps = asked.map((t) => Math.round(t / stepSize));
  const last = steps[steps.length - 1]!;
  if (!(last <= Number.MAX_SAFE_INTEGER)) throw new SpecError("times", asked[asked.length - 1], "at most 2^53 steps");
  const T = asked.length;
  const moments: ScheduledMoments = {
    times: steps.map((k) => k * stepSize),
    stepSizes: new Float64Array(T),
    minimum,
    means: new Float64Array(T * p),
    covariances: new Float64Array(T * p * p),
    averageMeans: new Float64Array(T * p),
    averageCovariances: new Float64Array(T * p * p),
  };
  const mean = start.map((x, i) => x - minimum[i]!);
  const sum = new Float64Array(p);
  const [covariance, cross, whole] = [0, 1, 2].map(() => new Float64Array(p * p)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [kick, shrink, half] = [0, 1, 2].map(() => new Float64Array(p * p)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const moved = new Float64Array(p);
  let size = stepSize * scheduleFactor(schedule, 0);
  let k = 0;
  let began = performance.now();
  for (const [t, end] of steps.entries()) {
    for (; k < end; k++) {
      size = stepSize * scheduleFactor(schedule, k * stepSize);
      noise(mean, covariance, kick);
      for (let i = 0; i < p * p; i++) shrink[i] = -size * hessian[i]!;
      for (let i = 0; i < p; i++) shrink[i * p + i]! += 1;
      moved.fill(0);
      for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) moved[i]! += shrink[i * p + j]! * mean[j]!;
      mean.set(moved);
      multiply(shrink, covariance, p, half);
      multiply(half, shrink, p, covariance);
      for (let i = 0; i < p * p; i++) covariance[i]! += ((size * size) / batchSize) * kick[i]!;
      multiply(cross, shrink, p, half);
      for (let i = 0; i < p * p; i++) cross[i] = half[i]! + covariance[i]!;
      for (let i = 0; i < p; i++) {
        sum[i]! += mean[i]!;
        for (let j = 0; j < p; j++) whole[i * p + j]! += cross[i * p + j]! + cross[j * p + i]! - covariance[i * p + j]!;
      }
      if (performance.now() - began < CHUNK_MILLISECONDS) continue;
      onProgress?.({ fraction: last === 0 ? 1 : k / last });
      await pause();
      signal?.throwIfAborted();
      began = performance.now();
    }
    moments.stepSizes[t] = size;
    for (let i = 0; i < p; i++) {
      moments.means[t * p + i] = minimum[i]! + mean[i]!;
      moments.averageMeans[t * p + i] = k === 0 ? start[i]! : minimum[i]! + sum[i]! / k;
    }
    moments.covariances.set(covariance, t * p * p);
    if (k > 0)
      moments.averageCovariances.set(
        whole.map((value) => value / k / k),
        t * p * p,
      );
  }
  return moments;
}
