// The exponent of y ~ C x^p: a straight line through (log x, log y), with an interval from replicas, and a sentence that says
// whether the data reach far enough to call it a rate.
//
//   log ȳ_i = log C + p log x_i,   weights 1/v_i,   v_i the variance of log ȳ_i
//
// Replica r at one x and replica r at another often share their random numbers, as those of a sweep do; they are then
// resampled together (paired), which is right for independent ones too.

import { PURPOSE_RESAMPLING } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { exp, log } from "../engine/math";
import { stream } from "../random/stream";
import { say } from "./figures/figure";
import { studentBound } from "./student";

/** How `rate` is to fit. */
export interface RateOptions {
  /** Probability that the interval is to hold the exponent with, in (0, 1) (0.95). */
  level?: number | undefined;
  /** Bootstrap samples (2000). */
  resamples?: number | undefined;
  /** Seed of the bootstrap (0). */
  seed?: number | undefined;
  /** Whether replica r is resampled at all x at once; true where all x have equally many. Give false for independent ones. */
  paired?: boolean | undefined;
  /** The exponent that a theorem gives. */
  expected?: number | undefined;
}

/** A fitted power law. */
export interface Rate {
  /** p */
  exponent: number;
  /** Where p lies at the level; null where neither replicas nor a third point tell. */
  interval: [number, number] | null;
  level: number;
  /** C, so that the line is C x^p. */
  constant: number;
  /** Root mean square of log y − log C x^p: the relative misfit. */
  residual: number;
  /** Change of the local exponent from the smallest x to the largest, by a parabola; null with fewer than three x. */
  bend: number | null;
  /** Why the exponent may be no rate, in sentences; empty where nothing speaks against it. */
  doubts: string[];
  /** Whether the expected exponent lies in the interval; null where none was given, or where the data cannot tell. */
  agrees: boolean | null;
  /** What was found, in a sentence. */
  verdict: string;
}

/** An interval that reaches further than this to one side tells little: 1/2 and 1 would both lie in it. */
const WIDEST = 0.25;
/** Smallest factor between the ends of x. */
const SHORTEST = 4;
/** A change of the local exponent below this is left alone, however well it is resolved. */
const STRAIGHT = 0.1;
/** Chance that a straight line is called bent. */
const FALSE_ALARM = 0.01;
/** Variances are drawn towards their mean as by so many further replicas: those of a few replicas make poor weights. */
const PRIOR = 10;

/**
 * Fits the exponent of y ~ C x^p on logarithmic axes.
 *
 * With replicas, y_i is their mean; a point counts with the inverse of its squared relative standard error, the variances
 * drawn towards their mean as by ten further replicas; the interval is p ± t s, s the bootstrap's standard error over
 * replicas (scaled by √(R/(R−1)), as a bootstrap of R is too narrow by that) and t Student's with R − 1 degrees of freedom,
 * or Satterthwaite's number where the replicas are not paired. Without replicas all points count alike, and the interval is
 * Student's from their scatter about the line.
 *
 * @param x        at least two different positive numbers
 * @param y        for each x a positive number, or a list of them, one a replica: two or more
 * @param options  level (0.95), resamples (2000), seed (0), paired, expected: the exponent of a theorem
 * @throws {SpecError} where lengths do not fit, or where a number is not positive: the power law is one of sizes
 * @see Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 and 12
 */
export function rate(
  x: ArrayLike<number>,
  y: ArrayLike<number> | readonly ArrayLike<number>[],
  options: RateOptions = {},
): Rate {
  const { level, resamples, seed, expected } = readOptions(options);
  const { xs, replicas } = readData(x, y);
  const places = xs.map((one) => log(one));
  const means = replicas.map(mean);
  const logs = means.map((one) => log(one));
  const spread = replicas.map((all, i) => variance(all, means[i]!) / (means[i]! * means[i]! * all.length));
  const noisy = spread.some((v) => v > 0);
  const fit = contrasts(places, noisy ? weights(replicas, spread) : places.map(() => 1));

  const exponent = apply(fit.slope, logs);
  const intercept = apply(fit.level, logs);
  const residuals = logs.map((value, i) => value - intercept - exponent * places[i]!);
  const range = Math.max(...places) - Math.min(...places);
  const curvature = fit.curvature && apply(fit.curvature, logs);
  const bend = curvature === null ? null : 2 * range * curvature;

  const error = noisy
    ? fromReplicas({ replicas, logs, fit, spread, resamples, seed, paired: readPaired(options.paired, replicas) })
    : fromScatter({ residuals, fit, curvature });
  const reach = error.slope && error.slope.error * studentBound(level, error.slope.freedom);
  const interval: Rate["interval"] = reach === null ? null : [exponent - reach, exponent + reach];
  const bent =
    bend !== null &&
    error.curvature !== null &&
    Math.abs(bend) > STRAIGHT &&
    Math.abs(curvature!) > error.curvature.error * studentBound(1 - FALSE_ALARM, error.curvature.freedom);

  const doubts: string[] = [];
  const different = new Set(xs).size;
  if (different < 3) doubts.push(`${different} different x, where a straight line takes three to be seen`);
  if (range < log(SHORTEST) * (1 - 1e-12)) {
    doubts.push(`x spans a factor of ${say(exp(range))} only, and ${SHORTEST} is the least`);
  }
  if (reach === null) doubts.push("there is no interval without replicas or a third point");
  else if (reach > WIDEST) doubts.push(`the interval reaches ${say(reach)} to either side, and ${WIDEST} is the most`);
  if (bent) {
    doubts.push(
      `the local exponent changes by ${say(bend)} along x, so there is a floor, or the range is not yet asymptotic`,
    );
  }
  const told = expected !== undefined && interval !== null && doubts.length === 0;
  return {
    exponent,
    interval,
    level,
    constant: exp(intercept),
    residual: Math.sqrt(mean(residuals.map((one) => one * one))),
    bend,
    doubts,
    agrees: told ? interval[0] <= expected && expected <= interval[1] : null,
    verdict: sentence(exponent, interval, level, doubts, expected),
  };
}

function sentence(
  exponent: number,
  interval: Rate["interval"],
  level: number,
  doubts: readonly string[],
  expected: number | undefined,
): string {
  const found = interval
    ? `${say(exponent)}, between ${say(interval[0])} and ${say(interval[1])} at ${Number((100 * level).toPrecision(6))} %`
    : say(exponent);
  if (doubts.length > 0) return `Too short to tell: ${doubts.join("; ")}. The fit gives ${found}.`;
  if (expected === undefined || interval === null) return `The exponent is ${found}.`;
  const side = expected < interval[0] ? "below the interval" : expected > interval[1] ? "above the interval" : "inside";
  return `The exponent is ${found}; ${say(expected)} lies ${side}.`;
}

/** Numbers q_i such that Σ q_i log ȳ_i is what they are named after. */
interface Contrasts {
  level: number[];
  slope: number[];
  /** Coefficient of log²x in the parabola. */
  curvature: number[] | null;
}

// Weighted least squares by the orthogonal polynomials 1, u, u² − αu − β of u = log x − its mean.
function contrasts(places: readonly number[], weight: readonly number[]): Contrasts {
  const total = sum(weight);
  const centre = sum(weight.map((w, i) => w * places[i]!)) / total;
  const u = places.map((place) => place - centre);
  const moment = (values: readonly number[]) => sum(weight.map((w, i) => w * values[i]!));
  const square = moment(u.map((v) => v * v));
  const slope = u.map((v, i) => (weight[i]! * v) / square);
  const alpha = moment(u.map((v) => v * v * v)) / square;
  const beta = square / total;
  const q = u.map((v) => v * v - alpha * v - beta);
  return {
    level: weight.map((w, i) => w / total - centre * slope[i]!),
    slope,
    curvature: new Set(places).size < 3 ? null : divided(q, weight, moment(q.map((v) => v * v))),
  };
}

function divided(values: readonly number[], weight: readonly number[], by: number): number[] {
  return values.map((v, i) => (weight[i]! * v) / by);
}

function apply(contrast: readonly number[], logs: readonly number[]): number {
  return sum(contrast.map((c, i) => c * logs[i]!));
}

function weights(replicas: readonly Float64Array[], spread: readonly number[]): number[] {
  const single = spread.map((v, i) => v * replicas[i]!.length);
  const common = mean(single);
  return replicas.map((all, i) => {
    const freedom = all.length - 1;
    return all.length / ((freedom * single[i]! + PRIOR * common) / (freedom + PRIOR));
  });
}

/** A standard error and the degrees of freedom it was estimated from. */
interface Estimated {
  error: number;
  freedom: number;
}

interface Errors {
  slope: Estimated | null;
  curvature: Estimated | null;
}

function fromReplicas(data: {
  replicas: readonly Float64Array[];
  logs: readonly number[];
  fit: Contrasts;
  spread: readonly number[];
  resamples: number;
  seed: number;
  paired: boolean;
}): Errors {
  const { replicas, logs, fit, spread, resamples, seed, paired } = data;
  const words = stream(seed, { purpose: PURPOSE_RESAMPLING });
  const offsets = replicas.map((_, i) => (paired ? 0 : sum(replicas.slice(0, i).map((all) => all.length))));
  const draws = paired ? replicas[0]!.length : sum(replicas.map((all) => all.length));
  const slopes = new Float64Array(resamples);
  const curvatures = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    const chosen = words.words(draws, { step: b });
    const moved = replicas.map((all, i) => {
      const n = all.length;
      let total = 0;
      for (let k = 0; k < n; k++) total += all[Math.floor((chosen[offsets[i]! + k]! * n) / 2 ** 32)]!;
      return Math.sqrt(n / (n - 1)) * (log(total / n) - logs[i]!);
    });
    slopes[b] = apply(fit.slope, moved);
    if (fit.curvature) curvatures[b] = apply(fit.curvature, moved);
  }
  const freedom = (contrast: readonly number[]) =>
    paired ? replicas[0]!.length - 1 : satterthwaite(contrast, spread, replicas);
  const estimate = (values: Float64Array, contrast: readonly number[]): Estimated => ({
    error: Math.sqrt(variance(values, mean(values))),
    freedom: freedom(contrast),
  });
  return {
    slope: estimate(slopes, fit.slope),
    curvature: fit.curvature && estimate(curvatures, fit.curvature),
  };
}

function satterthwaite(
  contrast: readonly number[],
  spread: readonly number[],
  replicas: readonly Float64Array[],
): number {
  const parts = contrast.map((c, i) => c * c * spread[i]!);
  const total = sum(parts);
  return (total * total) / sum(parts.map((part, i) => (part * part) / (replicas[i]!.length - 1)));
}

function fromScatter(data: { residuals: readonly number[]; fit: Contrasts; curvature: number | null }): Errors {
  const { residuals, fit, curvature } = data;
  const n = residuals.length;
  const squares = sum(residuals.map((one) => one * one));
  const norm = (contrast: readonly number[]) => sum(contrast.map((c) => c * c));
  const estimate = (contrast: readonly number[], left: number, freedom: number): Estimated | null =>
    freedom < 1 ? null : { error: Math.sqrt((norm(contrast) * Math.max(left, 0)) / freedom), freedom };
  return {
    slope: estimate(fit.slope, squares, n - 2),
    // what the parabola takes away from the squares is its coefficient squared over the norm of its contrast
    curvature:
      fit.curvature && estimate(fit.curvature, squares - (curvature! * curvature!) / norm(fit.curvature), n - 3),
  };
}

function readOptions(options: RateOptions) {
  const { level = 0.95, resamples = 2000, seed = 0, expected } = options;
  if (!(level > 0 && level < 1)) throw new SpecError("level", level, "a probability in (0, 1)");
  if (!Number.isInteger(resamples) || resamples < 100 || resamples > 1e7) {
    throw new SpecError("resamples", resamples, "an integer from 100 to 10000000");
  }
  if (expected !== undefined && !Number.isFinite(expected)) {
    throw new SpecError("expected", expected, "a finite number");
  }
  return { level, resamples, seed, expected };
}

function readPaired(paired: boolean | undefined, replicas: readonly Float64Array[]): boolean {
  const same = replicas.every((all) => all.length === replicas[0]!.length);
  if (paired === true && !same) {
    throw new SpecError("paired", paired, "false, as the numbers of replicas differ from x to x");
  }
  return paired ?? same;
}

function readData(
  x: ArrayLike<number>,
  y: ArrayLike<number> | readonly ArrayLike<number>[],
): { xs: number[]; replicas: Float64Array[] } {
  const xs = readPositive(x, "x", "A power of x is fitted on a logarithmic axis.");
  if (typeof y !== "object" || y === null) throw new SpecError("y", y, "a list");
  if (y.length !== xs.length) throw new SpecError("y", `${y.length} entries`, `${xs.length}, one for each x`);
  if (new Set(xs).size < 2) throw new SpecError("x", xs, "two different numbers or more");
  const remedy =
    "A power law is one of sizes: take absolute values or mean squares, or take off less where a limit was subtracted.";
  if (typeof y[0] === "number") {
    return { xs, replicas: readPositive(y as ArrayLike<number>, "y", remedy).map((one) => Float64Array.of(one)) };
  }
  const replicas = Array.from(y as readonly ArrayLike<number>[], (all, i) =>
    Float64Array.from(readPositive(all, `y[${i}]`, remedy)),
  );
  const alone = replicas.findIndex((all) => all.length < 2);
  if (alone >= 0 && replicas.some((all) => all.length > 1)) {
    throw new SpecError(
      `y[${alone}]`,
      Array.from(replicas[alone]!),
      "two replicas or more, as other x have them",
      "For one value an x give a list of numbers.",
    );
  }
  return { xs, replicas };
}

function readPositive(values: ArrayLike<number>, path: string, remedy: string): number[] {
  if (typeof values !== "object" || values === null || !(values.length >= 1)) {
    throw new SpecError(path, values, "a list of numbers");
  }
  return Array.from(values, (value, i) => {
    if (typeof value !== "number" || !(value > 0 && value < Infinity)) {
      throw new SpecError(`${path}[${i}]`, value, "a positive number", remedy);
    }
    return value;
  });
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

/** Of a sample, about its mean; 0 for one value. */
function variance(values: ArrayLike<number>, centre: number): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - centre) * (values[i]! - centre);
  return values.length > 1 ? squares / (values.length - 1) : 0;
}
