// What the studies of an objective are asked for, checked: which dynamics, from where, to when, in which steps.      theory §8

import { SpecError } from "../../engine/errors";
import { isRecord } from "../../model/spec";

/** SGD, or a flow in its place: the gradient flow, the stochastic modified flow, the stochastic modified equation. */
export type Method = "sgd" | "gradientFlow" | "smf" | "sme";

/** How a stochastic differential equation is put into steps. */
export type Scheme = "splitting" | "eulerMaruyama";

export const METHODS = ["sgd", "gradientFlow", "smf", "sme"] as const;
export const SCHEMES = ["splitting", "eulerMaruyama"] as const;

/** A whole number in a range. */
export function readInteger(value: unknown, path: string, from: number, to: number): number {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return value as number;
  throw new SpecError(path, value, `an integer from ${from} to ${to}`);
}

/** A number above 0, and not too large to count with. */
export function readPositive(value: unknown, path: string): number {
  if (typeof value === "number" && value > 0 && value <= 1e100) return value;
  throw new SpecError(path, value, "a positive number");
}

/** One of a few words. */
export function readChoice<const W extends string>(value: unknown, path: string, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  throw new SpecError(path, value, words.map((word) => `"${word}"`).join(" or "));
}

/** 1 or 2. */
export function readOrder(value: unknown, path: string): 1 | 2 {
  if (value === 1 || value === 2) return value;
  throw new SpecError(path, value, "1 or 2");
}

/**
 * Points of R^p, row by row.
 *
 * @param value      a list of one point or more
 * @param dimension  p
 * @returns [S, p]
 */
export function readStarts(value: unknown, dimension: number, path = "starts"): Float64Array {
  if (!Array.isArray(value) || value.length === 0) throw new SpecError(path, value, "a list of points, one or more");
  const starts = new Float64Array(value.length * dimension);
  value.forEach((point: unknown, s) => {
    const length = typeof point === "object" && point !== null ? (point as ArrayLike<number>).length : undefined;
    if (length !== dimension) throw new SpecError(`${path}[${s}]`, point, `${dimension} numbers, as the objective has`);
    for (let i = 0; i < dimension; i++) {
      const x = (point as ArrayLike<unknown>)[i];
      if (typeof x !== "number" || !(Math.abs(x) <= 1e50)) {
        throw new SpecError(`${path}[${s}][${i}]`, x, "a finite number, at most 1e50 in size");
      }
      starts[s * dimension + i] = x;
    }
  });
  return starts;
}

/** Options that are an object without fields of other names. */
export function readFields<O extends object>(options: O, path: string, names: readonly (keyof O & string)[]): O {
  if (!isRecord(options)) throw new SpecError(path, options, "options");
  const stray = Object.keys(options).find((key) => !names.includes(key as keyof O & string));
  if (stray === undefined) return options;
  throw new SpecError(
    `${path}.${stray}`,
    options[stray as keyof O],
    `no such field; the fields are ${names.join(", ")}`,
  );
}
