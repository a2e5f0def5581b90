// What figures of rates have in common: a fitted power law as a curve, its slope in words, and lines to compare it with.

import { log, pow } from "../../engine/math";
import type { Rate } from "../rate";
import { say } from "./figure";
import type { RateCurve, Reference } from "./picture";

/**
 * A slope with its interval, as it stands under a curve's name.
 *
 * @param rate  the fit
 */
export function slopeText({ exponent, interval }: Rate): string {
  return `slope ${hundredths(exponent)}${interval ? ` [${interval.map(hundredths).join(", ")}]` : ""}`;
}

/**
 * A curve of means ± standard errors over replicas, with its fitted line.
 *
 * @param parts  label; x; replicas: for each x the values of all replicas; rate: the fit, null for none; fitted: smallest and
 *               largest x of the fit, all of x if left out; hue
 */
export function rateCurve(parts: {
  label: string;
  x: readonly number[];
  replicas: readonly ArrayLike<number>[];
  rate: Rate | null;
  fitted?: readonly number[];
  hue?: number;
}): RateCurve {
  const { label, x, replicas, rate, hue } = parts;
  const points = replicas.map((values) => meanAndError(values));
  const alone = points.some(({ error }) => error === null);
  const fitted = parts.fitted ?? x;
  const ends = [Math.min(...fitted), Math.max(...fitted)];
  return {
    label,
    slope: rate ? slopeText(rate) : "",
    points: {
      x: [...x],
      y: points.map(({ mean }) => mean),
      low: alone ? null : points.map(({ mean, error }) => mean - error!),
      high: alone ? null : points.map(({ mean, error }) => mean + error!),
    },
    fit: rate && { x: ends, y: ends.map((end) => rate.constant * pow(end, rate.exponent)) },
    ...(hue !== undefined && { hue }),
  };
}

/**
 * A power law to compare with, as a line between two x.
 *
 * @param label     its name
 * @param ends      smallest and largest x
 * @param exponent  the theorem's
 * @param constant  y = constant · x^exponent
 */
export function powerLaw(label: string, ends: readonly number[], exponent: number, constant: number): Reference {
  return { label, x: [...ends], y: ends.map((x) => constant * pow(x, exponent)) };
}

/**
 * The exponent of √(log N/N), the theorem's bound on errors in N, between the ends of a range.
 *
 * @param neurons  N, above 1
 */
export function boundExponent(neurons: readonly number[]): number {
  const [from, to] = [Math.min(...neurons), Math.max(...neurons)];
  return 0.5 * (log(log(to) / log(from)) / log(to / from) - 1);
}

/** Mean of replicas, and its standard error; null for one. */
export function meanAndError(values: ArrayLike<number>): { mean: number; error: number | null } {
  const n = values.length;
  let sum = 0;
  for (let k = 0; k < n; k++) sum += values[k]!;
  const mean = sum / n;
  if (n < 2) return { mean, error: null };
  let squares = 0;
  for (let k = 0; k < n; k++) squares += (values[k]! - mean) * (values[k]! - mean);
  return { mean, error: Math.sqrt(squares / (n * (n - 1))) };
}

/** A slope in a sentence: the number and its interval. */
export function saySlope({ exponent, interval }: Rate): string {
  return interval ? `${say(exponent)} (${interval.map(say).join(" to ")})` : say(exponent);
}

function hundredths(x: number): string {
  return x.toFixed(2).replace("-", "−");
}
