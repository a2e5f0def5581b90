// The two tables of a sweep: means and standard errors, and every replica.

import { canonicalJson } from "../io/canonical";
import type { Cell, Column, DataTable } from "../io/table";
import type { Ensemble } from "./ensemble";
import type { Observed } from "./observables";
import type { Trajectory } from "./solve";

/** One point, as far as tables go. */
export interface Tabled {
  values: Record<string, unknown>;
  times: Float64Array;
  run: Ensemble;
  /** Its replicas, in their order. */
  replicas: readonly Trajectory[];
}

/**
 * A row a point and time: `point`, the varied fields, `time` asked for, `reached`, `NAME.mean` and `NAME.standardError` of
 * each statistic (`NAME[i].mean` of its component i), and the number of `replicas`. With one replica there is no standard
 * error; a point has none of the components that only other points have.
 */
export function meanTable(fields: readonly string[], points: readonly Tabled[], notes: DataTable["notes"]): DataTable {
  const parts = componentsOf(points.map(({ run }) => run.observables));
  const measured = parts.flatMap(({ label }) => [`${label}.mean`, `${label}.standardError`]);
  const rows = points.flatMap(({ values, times, run }, p) =>
    Array.from(times, (time, i) => [
      p,
      ...fields.map((field) => values[field]),
      time,
      run.times[i]!,
      ...parts.flatMap((part): Cell[] => {
        const one = run.observables[part.name]!;
        const at = part.place(one.shape, i);
        if (at === null) return [null, null];
        return [one.mean[at]!, run.replicas > 1 ? one.standardError[at]! : null];
      }),
      run.replicas,
    ]),
  );
  const columns = [integer("point"), ...fields, number("time"), number("reached"), ...measured.map(number)];
  return assemble([...columns, integer("replicas")], rows, notes);
}

/**
 * A row a point, replica and time: `point`, the varied fields, `replica`, counted from 0, `time`, `reached`, `NAME.value` of
 * each statistic, and `NAME.standardError` of those that were sampled.
 */
export function replicaTable(
  fields: readonly string[],
  points: readonly Tabled[],
  notes: DataTable["notes"],
): DataTable {
  const parts = componentsOf(points.flatMap(({ replicas }) => replicas.map(({ observables }) => observables)));
  const sampled = new Set<string>();
  for (const { replicas } of points) {
    for (const { observables } of replicas) {
      for (const [name, one] of Object.entries(observables)) if (one.standardError) sampled.add(name);
    }
  }
  const measured = parts.flatMap(({ name, label }) =>
    sampled.has(name) ? [`${label}.value`, `${label}.standardError`] : [`${label}.value`],
  );
  const rows = points.flatMap(({ values, times, replicas }, p) =>
    replicas.flatMap((run, replica) =>
      Array.from(times, (time, i) => [
        p,
        ...fields.map((field) => values[field]),
        replica,
        time,
        run.times[i]!,
        ...parts.flatMap((part): Cell[] => {
          const one: Observed = run.observables[part.name]!;
          const at = part.place(one.shape, i);
          const cells = [at === null ? null : one.values[at]!];
          return sampled.has(part.name) ? [...cells, at === null ? null : (one.standardError?.[at] ?? null)] : cells;
        }),
      ]),
    ),
  );
  const columns = [integer("point"), ...fields, integer("replica"), number("time"), number("reached")];
  return assemble([...columns, ...measured.map(number)], rows, notes);
}

/** One number a time of a statistic. */
interface Component {
  name: string;
  /** `risk`, or `radius[2]`. */
  label: string;
  /** Where it stands among the values, at the i-th time; null in a shape that does not have it. */
  place(shape: readonly number[], i: number): number | null;
}

// All components that any of the runs has, in the order of their names and indices.
function componentsOf(runs: readonly Record<string, { shape: number[] }>[]): Component[] {
  return Object.keys(runs[0]!).flatMap((name) => {
    const shapes = new Map(runs.map((run) => [run[name]!.shape.slice(1).join(), run[name]!.shape.slice(1)]));
    const indices = new Map([...shapes.values()].flatMap(indicesOf).map((index) => [index.join(), index]));
    return [...indices.values()].map((index) => ({
      name,
      label: name + index.map((k) => `[${k}]`).join(""),
      place([, ...shape]: readonly number[], i: number) {
        if (shape.length !== index.length || index.some((k, axis) => k >= shape[axis]!)) return null;
        return index.reduce((at, k, axis) => at * shape[axis]! + k, i);
      },
    }));
  });
}

function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (before, length) => before.flatMap((index) => Array.from({ length }, (_, k) => [...index, k])),
    [[]],
  );
}

function integer(name: string): Column {
  return { name, type: "integer" };
}

function number(name: string): Column {
  return { name, type: "number" };
}

// A varied field is a column of numbers, texts or booleans where all its values are; else of texts: words as they are, the
// rest as canonical JSON.
function assemble(
  columns: readonly (Column | string)[],
  rows: readonly unknown[][],
  notes: DataTable["notes"],
): DataTable {
  const typed = columns.map((column, j): Column => {
    if (typeof column !== "string") return column;
    const kinds = new Set(
      rows
        .map((row) => row[j])
        .filter((value) => value !== null)
        .map((value) => typeof value),
    );
    const [only] = kinds.size === 1 ? kinds : [];
    return { name: column, type: only === "number" || only === "boolean" ? only : "text" };
  });
  const cell = (value: unknown, j: number): Cell => {
    if (value === null || typeof columns[j] !== "string") return value as Cell;
    if (typed[j]!.type !== "text" || typeof value === "string") return value as Cell;
    return canonicalJson(value);
  };
  return { columns: typed, rows: rows.map((row) => row.map(cell)), notes };
}
