// Lists of save times.

import { SpecError } from "../engine/errors";
import { exp, log } from "../engine/math";

/**
 * Times spaced evenly on a logarithmic axis.
 *
 * @param from   first time, positive
 * @param to     last time, larger
 * @param count  how many, both ends included
 */
export function logSpaced(from: number, to: number, count: number): Float64Array {
  if (!(from > 0 && Number.isFinite(from))) throw new SpecError("from", from, "a positive number");
  if (!(to > from && Number.isFinite(to))) throw new SpecError("to", to, `a number above ${from}`);
  if (!(Number.isInteger(count) && count >= 2)) throw new SpecError("count", count, "an integer, 2 or more");
  const step = log(to / from) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? to : i === 0 ? from : from * exp(step * i)));
}

/**
 * Times of every so many steps of SGD, from 0 on.
 *
 * @param steps    steps between two times
 * @param options  stepSize: ε; until: last time
 */
export function everySteps(steps: number, options: { stepSize: number; until: number }): Float64Array {
  const { stepSize, until } = options;
  if (!(Number.isInteger(steps) && steps >= 1)) throw new SpecError("steps", steps, "a positive integer");
  if (!(stepSize > 0)) throw new SpecError("stepSize", stepSize, "a positive number");
  if (!(until >= 0 && Number.isFinite(until))) throw new SpecError("until", until, "a number, 0 or more");
  return Float64Array.from(
    { length: Math.floor(until / (steps * stepSize) + 1e-9) + 1 },
    (_, i) => i * steps * stepSize,
  );
}
