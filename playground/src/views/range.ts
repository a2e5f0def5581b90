// What of curves and bands has to be seen.

import type { RiskBand } from "../run/protocol";
import type { Curves, Field } from "./curves";

/**
 * Lowest and highest value of some columns, and of the band up to the last time.
 *
 * @param curves  records
 * @param fields  columns
 * @param band    of the risk; null: none
 * @returns [Infinity, −Infinity] where nothing is known
 */
export function extent(curves: Curves, fields: readonly Field[], band: RiskBand | null): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const field of fields) {
    const values = curves.values(field);
    for (let i = 0; i < curves.length; i++) {
      const value = values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const last = curves.length > 0 ? curves.times[curves.length - 1]! : 0;
  if (band) {
    for (let i = 0; i < band.times.length && band.times[i]! <= last; i++) {
      if (band.lower[i]! < low) low = band.lower[i]!;
      if (band.upper[i]! > high) high = band.upper[i]!;
    }
  }
  return [low, high];
}

/** First time after 0, where a logarithmic axis can begin; 1 where there is none. */
export function firstPositive(curves: Curves): number {
  for (let i = 0; i < curves.length; i++) if (curves.times[i]! > 0) return curves.times[i]!;
  return 1;
}

/**
 * Outline of a band as pixels, there along its upper end and back along its lower.
 *
 * @param band  ends at times in order
 * @param from  time at which the axis begins
 * @param atX   pixel of a time from there on
 * @param atY   pixel of a value
 */
export function bandOutline(
  { times, lower, upper }: RiskBand,
  from: number,
  atX: (time: number) => number,
  atY: (value: number) => number,
): Float32Array {
  const found: number[] = [];
  const start = between(times, lower, from);
  const begins = Number.isFinite(start);
  const there = (i: number) => times[i]! > from && Number.isFinite(lower[i]!) && Number.isFinite(upper[i]!);
  if (begins) found.push(atX(from), atY(between(times, upper, from)));
  for (let i = 0; i < times.length; i++) if (there(i)) found.push(atX(times[i]!), atY(upper[i]!));
  for (let i = times.length - 1; i >= 0; i--) if (there(i)) found.push(atX(times[i]!), atY(lower[i]!));
  if (begins) found.push(atX(from), atY(start));
  return Float32Array.from(found);
}

/**
 * Value of a piecewise-linear curve.
 *
 * @param times   in order
 * @param values  at them
 * @param time    where
 * @returns NaN outside
 */
export function between(times: Float64Array, values: Float64Array, time: number): number {
  let [low, high] = [0, times.length - 1];
  if (high < 0 || time < times[low]! || time > times[high]!) return Number.NaN;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle;
    else high = middle;
  }
  const share = high === low ? 0 : (time - times[low]!) / (times[high]! - times[low]!);
  return values[low]! + share * (values[high]! - values[low]!);
}
