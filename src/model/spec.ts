// The words that all spec schemas are written in, and the one place where a failed check becomes a SpecError.

import * as v from "valibot";
import { SpecError } from "../engine/errors";
import { readTensor, type Tensor, toF64 } from "./tensor";

/** A schema that takes anything and gives a T. */
export type Schema<T> = v.GenericSchema<unknown, T>;

type Entries = Record<string, Schema<unknown>>;
type Fields<E extends Entries> = { [K in keyof E]: v.InferOutput<E[K]> };

/**
 * The value as its schema normalises it.
 *
 * @param schema  a schema made of the words of this file
 * @param value   anything
 * @param path    where the value stands, as in `problem.law`
 * @throws {SpecError} with the path of the wrong field, what was found and what was expected
 */
export function parseSpec<T>(schema: Schema<T>, value: unknown, path: string): T {
  const result = v.safeParse(schema, value, { abortPipeEarly: true });
  if (result.success) return result.output;
  // A misspelt field is reported before the missing one that it stands for.
  const issue = result.issues.find((one) => one.expected === "never") ?? result.issues[0];
  const items = issue.path ?? [];
  const where = items.reduce((at, item) => join(at, item.key as string | number), path);
  const found = issue.expected === "never" ? items[items.length - 1]!.value : issue.input;
  const [expected, remedy] = issue.message.split("\n");
  throw new SpecError(where, found, expected!, remedy);
}

/**
 * A number that passes a test, at most 1e100 in size; negative zero becomes zero, as in JSON.
 *
 * @param expected  the test in words, as in `a positive number`
 * @param test      tells whether a finite number is accepted
 */
export function number(expected: string, test: (x: number) => boolean = () => true): Schema<number> {
  return v.pipe(
    v.custom<number>(
      (x) => isMeasurable(x) && test(x),
      ({ input }) =>
        typeof input === "number" && Math.abs(input) > HUGE ? `${expected}, at most 1e100 in size` : expected,
    ),
    v.transform((x) => x + 0),
  );
}

/**
 * An integer in [from, to].
 *
 * @param from  smallest accepted
 * @param to    largest accepted
 */
export function integer(from: number, to: number): Schema<number> {
  return number(`an integer from ${from} to ${to}`, (x) => Number.isInteger(x) && x >= from && x <= to);
}

/** A seed: an integer in [0, 2^53). */
export const seed = number("an integer from 0 to 2^53 − 1", (x) => Number.isSafeInteger(x) && x >= 0);

/**
 * A word that passes a test.
 *
 * @param expected  the test in words
 * @param test      tells whether a string is accepted
 */
export function text(expected: string, test: (x: string) => boolean): Schema<string> {
  return v.custom<string>((x) => typeof x === "string" && test(x), expected);
}

/**
 * A function, which no file can hold.
 *
 * @param expected  what it is, in words
 */
export function callable<F extends (...args: never[]) => unknown>(expected: string): Schema<F> {
  return v.custom<F>((x) => typeof x === "function", expected);
}

/** True or false. */
export const flag: Schema<boolean> = v.custom<boolean>((x) => typeof x === "boolean", "true or false");

/**
 * One value and no other.
 *
 * @param value     the value
 * @param expected  the same in words
 */
export function exactly<const T extends string | number | boolean | null>(value: T, expected: string): Schema<T> {
  return v.custom<T>((x) => x === value, expected);
}

/**
 * One of a few words.
 *
 * @param words  the words
 */
export function choice<const W extends string>(...words: W[]): Schema<W> {
  const known = words.map((word) => `"${word}"`).join(" or ");
  return v.custom<W>((x) => words.includes(x as W), known);
}

/**
 * A field that may be left out.
 *
 * @param schema    what it is when it is there
 * @param fallback  what it is when it is not
 */
export function optional<T, const D extends T | undefined = undefined>(
  schema: Schema<T>,
  fallback?: D,
): Schema<T | (D extends undefined ? undefined : T)> {
  return Object.assign(v.optional(schema, fallback), { message: messageOf(schema) }) as never;
}

/**
 * A plain object with exactly these fields.
 *
 * @param expected  what it is, in words
 * @param entries   schemas of its fields
 */
export function object<const E extends Entries>(expected: string, entries: E): Schema<Fields<E>> {
  const keys = Object.keys(entries);
  const fields = v.strictObject(entries, (issue) => {
    const key = issue.path![0].key as string;
    if (issue.expected !== "never") return messageOf(entries[key]);
    return `no such field\nDid you mean ${quote(closest(key, keys))}? The fields are ${keys.join(", ")}.`;
  });
  return v.pipe(record(expected), fields as never) as never;
}

/**
 * A field that names which one of several objects is meant.
 *
 * @param word  the name
 */
export function kind<const K extends string>(word: K): Schema<K> {
  return exactly(word, quote(word));
}

/**
 * One of several objects, told apart by their field `kind`.
 *
 * @param expected  what it is, in words
 * @param options   the objects by kind
 * @param table     how a user's function becomes a spec (optional)
 */
export function oneOf<const O extends Entries>(
  expected: string,
  options: O,
  table?: string,
): Schema<v.InferOutput<O[keyof O]>> {
  const kinds = Object.keys(options);
  const message = (issue: { input: unknown }): string =>
    typeof issue.input === "function" && table ? `${expected}\n${table}` : expected;
  return v.pipe(
    record(message),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      if (Object.hasOwn(options, input.kind as string)) return;
      const near = typeof input.kind === "string" ? `\nDid you mean ${quote(closest(input.kind, kinds))}?` : "";
      addIssue({
        input: input.kind,
        message: `${expected} of a known kind (${kinds.join(", ")})${near}`,
        path: [{ type: "object", origin: "value", input, key: "kind", value: input.kind }],
      });
    }),
    v.lazy((input) => options[(input as { kind: string }).kind]!) as never,
  ) as never;
}

/**
 * A list of things of one kind.
 *
 * @param expected  what it is, in words
 * @param item      schema of one of them
 * @param from      smallest length
 */
export function list<T>(expected: string, item: Schema<T>, from = 1): Schema<T[]> {
  return v.pipe(
    v.custom<unknown[]>((x) => Array.isArray(x) && x.length >= from, expected),
    v.array(item),
  );
}

/**
 * Something that is written in one of several ways.
 *
 * @param expected  what it is, in words
 * @param pick      the schema for an input, or null when it is none of them
 */
export function either<T>(expected: string, pick: (input: unknown) => Schema<T> | null): Schema<T> {
  return v.pipe(
    v.custom<unknown>((input) => pick(input) !== null, expected),
    v.lazy((input) => pick(input)!),
  );
}

/**
 * Something or null; null when it is left out.
 *
 * @param schema  what it is when it is there
 */
export function orNull<T>(schema: Schema<T>): Schema<T | null> {
  const nothing = exactly(null, "null");
  const pick = (input: unknown): Schema<T | null> => (input === null ? nothing : schema);
  return optional(either<T | null>(messageOf(schema), pick), null) as Schema<T | null>;
}

/**
 * A schema and a step after it, which returns the normalised value or throws a SpecError with a path relative to it.
 *
 * @param schema  what the value is before the step
 * @param step    takes the value so far
 */
export function refined<T, U>(schema: Schema<T>, step: (value: T) => U): Schema<U> {
  const transform = v.rawTransform<T, U>(({ dataset, addIssue, NEVER }) => {
    try {
      return step(dataset.value);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const { path: key, found, expected, remedy } = error;
      const input = dataset.value as Record<string, unknown>;
      addIssue({
        message: remedy ? `${expected}\n${remedy}` : expected,
        input: found,
        path: key ? [{ type: "object", origin: "value", input, key, value: found }] : undefined,
      });
      return NEVER;
    }
  });
  return Object.assign(v.pipe(schema, transform), { message: messageOf(schema) });
}

/**
 * A tensor of finite numbers, kept in f64.
 *
 * @param expected  what it is, in words
 * @param ranks     the accepted numbers of axes
 */
export function array(expected: string, ...ranks: number[]): Schema<Tensor<"f64">> {
  const anything = v.custom<unknown>(() => true, expected);
  return refined(anything, (value): Tensor<"f64"> => {
    if (typeof value !== "object" || value === null) throw new SpecError("", value, expected);
    const read = toF64(readTensor(value, "", { largest: HUGE }));
    if (!ranks.includes(read.shape.length)) throw new SpecError("", value, expected);
    return read;
  });
}

/**
 * A path one field or index further on.
 *
 * @param path  where the parent stands; may be empty
 * @param key   field, index, or a relative path
 */
export function join(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (path === "" || key.startsWith("[") || key.startsWith("."))
    return path + key.slice(path === "" && key[0] === "." ? 1 : 0);
  return `${path}.${key}`;
}

// Squares of larger numbers overflow, and no model means them.
const HUGE = 1e100;

function isMeasurable(x: unknown): x is number {
  return typeof x === "number" && Math.abs(x) <= HUGE;
}

/** Whether a value is an object with named fields: no list, no typed array. */
export function isRecord(x: unknown): x is Record<string, unknown> {
  return typeof x === "object" && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x);
}

function record(message: string | ((issue: { input: unknown }) => string)) {
  return v.custom<Record<string, unknown>>(isRecord, message);
}

// What a schema expects, in words; every word of this file keeps it in `message`.
function messageOf(schema: Schema<unknown> | undefined): string {
  const { message } = schema as unknown as { message: string | ((issue: { input: unknown }) => string) };
  return typeof message === "function" ? message({ input: undefined }) : message;
}

function quote(word: string): string {
  return `"${word}"`;
}

/** The word among those known that is the fewest single-letter edits (Levenshtein) away. */
export function closest(word: string, known: readonly string[]): string {
  const edits = (other: string): number => {
    let row = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (let i = 1; i <= word.length; i++) {
      const next = [i];
      for (let j = 1; j <= other.length; j++) {
        const swap = row[j - 1]! + (word[i - 1] === other[j - 1] ? 0 : 1);
        next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
      }
      row = next;
    }
    return row[other.length]!;
  };
  return known.reduce((best, one) => (edits(one) < edits(best) ? one : best));
}
