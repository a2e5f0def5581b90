// How far apart two runs are: gaps of what both recorded, and distances of the laws where both kept them.

import { SpecError } from "../engine/errors";
import { w1, w2 } from "../measure/distance";
import { coordinate } from "../measure/measure";
import { radialAxes } from "../model/problem";
import type { Ensemble } from "./ensemble";
import type { Trajectory } from "./solve";

/** The gap of one statistic between two runs. */
export interface Gap {
  /** First run minus second at each common time; row-major, time first. */
  difference: Float64Array;
  /** Standard error of the difference where a run is an ensemble or was sampled; null where both are exact. */
  standardError: Float64Array | null;
  /** Largest absolute difference over all times and components. */
  sup: number;
  /** Time at which it is reached. */
  at: number;
}

/** What two runs are apart. */
export interface Comparison {
  /** The common times, those of the first run. */
  times: Float64Array;
  /** Largest difference of two paired times; where it is not 0, that shift is part of the gaps. */
  shift: number;
  /** Gap of the risk, where both recorded it under that name. */
  risk: Gap;
  /** Gap of every statistic that both recorded, by name. */
  gaps: Record<string, Gap>;
  /** Wasserstein distances of the radii's laws at each time, where both kept their measures. */
  distances: Record<string, { w1: Float64Array; w2: Float64Array }>;
}

/**
 * Compares two runs of one problem: SGD with a limit, a limit solved in two ways, an ensemble with either.
 *
 * Times are paired in order; a pair may differ by a step of rounding, as SGD's times are multiples of ε. Solve the second run at the
 * `times` of the first, and it does not.
 *
 * @throws {SpecError} where the runs have other times, or no statistic in common
 */
export function compare(a: Trajectory | Ensemble, b: Trajectory | Ensemble): Comparison {
  if (a.times.length !== b.times.length) {
    throw new SpecError(
      "times",
      `${a.times.length} and ${b.times.length} times`,
      "two runs recorded at the same times",
    );
  }
  const slack = Math.max(stepOf(a), stepOf(b));
  let shift = 0;
  a.times.forEach((t, i) => {
    const other = b.times[i]!;
    const roundOff = 1e-12 * Math.abs(t);
    const apart = Math.abs(t - other);
    if (apart > slack + roundOff) {
      throw new SpecError(`times[${i}]`, `${t} and ${other}`, "two runs recorded at the same times");
    }
    if (apart > roundOff) shift = Math.max(shift, apart);
  });
  const gaps: Record<string, Gap> = {};
  for (const name of Object.keys(a.observables)) {
    const first = series(a, name);
    const second = series(b, name);
    if (second && first && second.values.length === first.values.length) gaps[name] = gap(first, second, a.times);
  }
  if (Object.keys(gaps).length === 0) {
    throw new SpecError("observables", Object.keys(a.observables), "runs with a statistic in common");
  }
  return {
    times: a.times,
    shift,
    get risk() {
      if (!gaps["risk"]) throw new SpecError("observables.risk", undefined, "two runs that recorded their risk");
      return gaps["risk"];
    },
    gaps,
    distances: distances(a, b),
  };
}

function stepOf(run: Trajectory | Ensemble): number {
  const { process } = run;
  if ("timeStep" in process && "stepSize" in process) return process.timeStep / 2;
  return "stepSize" in process ? process.stepSize / 2 : 0;
}

function series(run: Trajectory | Ensemble, name: string) {
  const one = run.observables[name];
  if (!one) return null;
  if ("mean" in one) return { values: one.mean, standardError: one.replicas.length > 1 ? one.standardError : null };
  return { values: one.values, standardError: one.standardError ?? null };
}

type Series = { values: Float64Array; standardError: Float64Array | null };

function gap(a: Series, b: Series, times: Float64Array): Gap {
  const difference = a.values.map((value, i) => value - b.values[i]!);
  const errorOf = (one: Series, i: number): number => one.standardError?.[i] ?? 0;
  const standardError =
    a.standardError || b.standardError
      ? difference.map((_, i) => Math.sqrt(errorOf(a, i) * errorOf(a, i) + errorOf(b, i) * errorOf(b, i)))
      : null;
  let worst = 0;
  difference.forEach((value, i) => {
    if (!(Math.abs(value) <= Math.abs(difference[worst]!))) worst = i;
  });
  const width = difference.length / times.length;
  return { difference, standardError, sup: Math.abs(difference[worst]!), at: times[Math.floor(worst / width)]! };
}

function distances(a: Trajectory | Ensemble, b: Trajectory | Ensemble): Comparison["distances"] {
  if (!("measures" in a && "measures" in b) || !a.measures || !b.measures) return {};
  const { problem } = a.process;
  if (problem.law.kind !== "anisotropicGaussians") return {};
  const names = radialAxes(problem.law) === 1 ? ["r1"] : ["r1", "r2"];
  return Object.fromEntries(
    names.map((name) => {
      const pairs = a.measures!.map((measure, i) => [
        coordinate(measure, name, problem),
        coordinate(b.measures![i]!, name, b.process.problem),
      ]);
      return [
        name,
        {
          w1: Float64Array.from(pairs, ([x, y]) => w1(x!, y!)),
          w2: Float64Array.from(pairs, ([x, y]) => w2(x!, y!)),
        },
      ];
    }),
  );
}
