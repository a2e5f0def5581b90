// Measures as arrays with names (npz) and as tables, a row a neuron or a cell.
//
//   particles    values [N, D], weights [N], outputBias [K]              a, b, w0 … or r1, r2; weight; outputBias0 …
//   grid         edges0, edges1, masses                                  r1.from, r1.to, r2.from, r2.to, mass
//   fluctuation  base.values …, weights [M], displacements [M, D] …      those of the base; omega; b.w0 …; base.outputBias0 …
//
// What is null is left out. A bias stands in each row of a table, the same, so that CSV, which has no notes, keeps it.

import { SpecError } from "../engine/errors";
import { fluctuation } from "../measure/fluctuation";
import { coordinateNames, grid, type Measure, type Particles, particles } from "../measure/measure";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import type { Tensor } from "../model/tensor";
import { noNumber } from "./csv";
import { MARKER, markerText, readMarker } from "./marker";
import type { NpyArray } from "./npy";
import { arrayNamed, type NpzEntry, npzBytes, npzEntries, numbersIn, placeOf } from "./npz";
import { cellPlace } from "./place";
import type { DataTable } from "./table";

type Numbers = Tensor<"f64">;

/** What a measure is, without its numbers. */
export interface Form {
  kind: Measure["kind"];
  coordinates: Measure["coordinates"];
}

/** What a measure is, without its numbers. */
export function formOf({ kind, coordinates }: Measure): Form {
  return { kind, coordinates };
}

/** The arrays of a measure, by name. */
export function arraysOf(measure: Measure): Record<string, Numbers> {
  if (measure.kind === "grid") {
    const edges = measure.edges.map((axis, i) => [`edges${i}`, numbers(axis)]);
    return {
      ...Object.fromEntries(edges),
      masses: numbers(
        measure.masses,
        measure.edges.map((axis) => axis.length - 1),
      ),
    };
  }
  if (measure.kind === "fluctuation") {
    const { base, weights, displacements, outputBias } = measure;
    const below = Object.entries(arraysOf(base)).map(([name, array]) => [`base.${name}`, array]);
    return {
      ...Object.fromEntries(below),
      weights: numbers(weights),
      displacements: numbers(displacements, base.shape),
      ...(outputBias && { outputBias: numbers(outputBias) }),
    };
  }
  const { values, shape, weights, outputBias } = measure;
  return {
    values: numbers(values, shape),
    ...(weights && { weights: numbers(weights) }),
    ...(outputBias && { outputBias: numbers(outputBias) }),
  };
}

/**
 * A measure from its arrays.
 *
 * @param form   what it is
 * @param get    an array by its name, null where there is none
 * @param place  of an array in words, for errors
 * @throws {SpecError} which names the array that is missing, of a wrong shape, or has a wrong number
 */
export function measureOf(form: Form, get: (name: string) => Tensor | null, place: (name: string) => string): Measure {
  const take = (name: string, ...lengths: (number | null)[]): Numbers => {
    const found = optional(name, ...lengths);
    if (found === null) throw new SpecError(place(name), "no such array", `shape ${shapeInWords(lengths)}`);
    return found;
  };
  const optional = (name: string, ...lengths: (number | null)[]): Numbers | null => {
    const found = get(name);
    if (found === null) return null;
    const fits =
      found.shape.length === lengths.length && lengths.every((n, i) => (n ?? found.shape[i]) === found.shape[i]);
    if (!fits) throw new SpecError(place(name), `shape ${shapeInWords(found.shape)}`, `shape ${shapeInWords(lengths)}`);
    return { dtype: "f64", shape: found.shape, data: Float64Array.from(found.data) };
  };
  const cloud = (prefix: string): Particles => {
    const values = take(`${prefix}values`, null, null);
    return named(prefix, place, () =>
      particles({
        coordinates: form.coordinates,
        shape: values.shape as [number, number],
        values: values.data,
        weights: optional(`${prefix}weights`, values.shape[0]!)?.data ?? null,
        outputBias: optional(`${prefix}outputBias`, null)?.data ?? null,
      }),
    );
  };
  if (form.kind === "particles") return cloud("");
  if (form.kind === "grid") {
    const axes = [take("edges0", null), optional("edges1", null)].filter((axis) => axis !== null);
    const masses = take("masses", ...axes.map((axis) => Math.max(0, axis.data.length - 1)));
    const edges = axes.map((axis) => axis.data);
    return named("", place, () => grid({ coordinates: form.coordinates, edges, masses: masses.data }));
  }
  if (form.kind !== "fluctuation") throw new SpecError("kind", form.kind, '"particles", "grid" or "fluctuation"');
  const base = cloud("base.");
  const [M, D] = base.shape;
  const [weights, displacements] = [take("weights", M), take("displacements", M, D)];
  const outputBias = optional("outputBias", base.outputBias?.length ?? null);
  return named("", place, () =>
    fluctuation({
      base,
      weights: weights.data,
      displacements: displacements.data,
      outputBias: outputBias?.data ?? null,
    }),
  );
}

/** See onDemand.ts. */
export function measureToNpz(measure: Measure): Uint8Array {
  return npzBytes({ ...arraysOf(measure), [MARKER]: textArray(markerText({ ...formOf(measure) })) });
}

/** See onDemand.ts. */
export function measureFromNpz(bytes: Uint8Array, options: { coordinates?: "theta" | "radial" } = {}): Measure {
  return measureOfEntries(npzEntries(bytes), options);
}

/** The same, of an npz whose directory has been read. */
export function measureOfEntries(
  entries: readonly NpzEntry[],
  options: { coordinates?: "theta" | "radial" } = {},
): Measure {
  const form = markerOf(entries) ?? { kind: guessedKind(entries), coordinates: options.coordinates ?? "theta" };
  return measureOf(form as unknown as Form, (name) => entryNumbers(entries, name), placeOf);
}

/** What the marker of an npz says; null where there is none. */
export function markerOf(entries: readonly NpzEntry[]): Record<string, unknown> | null {
  const entry = entries.find(({ name }) => name === MARKER);
  if (!entry) return null;
  const array = entry.read();
  if (array.dtype !== "text" || array.data.length !== 1) {
    throw new SpecError(
      placeOf(MARKER),
      `${entry.descr}, shape ${shapeInWords(entry.shape)}`,
      "one text, what the arrays are",
    );
  }
  return readMarker(array.data[0]!, placeOf(MARKER));
}

/** The numbers of an array; null where there is none of that name. */
export function entryNumbers(entries: readonly NpzEntry[], name: string): Tensor | null {
  return entries.some((entry) => entry.name === name) ? numbersIn(arrayNamed(entries, [name])) : null;
}

/** One text as an array without axes. */
export function textArray(text: string): NpyArray {
  return { dtype: "text", shape: [], data: [text] };
}

/** See onDemand.ts. */
export function measureToTable(measure: Measure, options: { problem?: ProblemInput } = {}): DataTable {
  const names = namesOf(measure, options.problem && parseProblem(options.problem));
  const columns = columnsOf(measure, names);
  const length = columns[0]!.data.length;
  return {
    columns: columns.map(({ name }) => ({ name, type: "number" })),
    rows: Array.from({ length }, (_, i) => columns.map(({ data }) => data[i]!)),
    notes: { [MARKER]: markerText({ ...formOf(measure) }) },
  };
}

/** See onDemand.ts. */
export function measureFromTable(table: DataTable, options: { coordinates?: "theta" | "radial" } = {}): Measure {
  const names = table.columns.map(({ name }) => name);
  const marker = table.notes[MARKER] === undefined ? null : readMarker(table.notes[MARKER], `note ${MARKER}`);
  const radial = names.some((name) => /^r[12](\.from)?$/.test(name));
  const coordinates = options.coordinates ?? (radial ? "radial" : "theta");
  const form = (marker ?? { kind: kindOfNames(names), coordinates }) as unknown as Form;
  if (table.rows.length === 0) throw new SpecError("rows", "no rows", "a row a neuron, or a cell");
  const column = (name: string): Float64Array => {
    const j = names.indexOf(name);
    if (j < 0) throw new SpecError(place(name), names, "a column of this name");
    return Float64Array.from(table.rows, (row, i) => {
      const cell = row[j]!;
      if (typeof cell !== "number") throw noNumber(table, i, name, cell);
      return cell;
    });
  };
  const place = (name: string) => `column ${JSON.stringify(name)}`;
  if (form.kind === "grid") return gridOf(table, form, names, column);
  const arrays = new Map<string, Numbers>();
  const matrix = (list: readonly string[]): Numbers => {
    const parts = list.map(column);
    const data = Float64Array.from(
      { length: table.rows.length * list.length },
      (_, at) => parts[at % list.length]![Math.floor(at / list.length)]!,
    );
    return numbers(data, [table.rows.length, list.length]);
  };
  const bias = (prefix: string, to: string): void => {
    const list: string[] = [];
    while (names.includes(`${prefix}outputBias${list.length}`)) list.push(`${prefix}outputBias${list.length}`);
    const values = list.map((name) => {
      const data = column(name);
      const other = data.findIndex((x) => !Object.is(x, data[0]));
      if (other >= 0)
        throw new SpecError(cellPlace(table, other, name), data[other], `${data[0]}, the same in each row`);
      return data[0]!;
    });
    if (list.length > 0) arrays.set(to, numbers(Float64Array.from(values)));
  };
  const points = names.filter((name) => !/^(weight|omega|(base\.)?outputBias\d+|b\..+)$/.test(name));
  if (points.length === 0)
    throw new SpecError("columns", names, "columns of coordinates, as r1 and r2, or a, b, w0, w1 …");
  const prefix = form.kind === "fluctuation" ? "base." : "";
  arrays.set(`${prefix}values`, matrix(points));
  if (names.includes("weight")) arrays.set(`${prefix}weights`, numbers(column("weight")));
  if (form.kind === "fluctuation") {
    arrays.set("weights", numbers(column("omega")));
    arrays.set("displacements", matrix(points.map((name) => `b.${name}`)));
    bias("base.", "base.outputBias");
  }
  bias("", "outputBias");
  const spoken: Record<string, string> = {
    weights: form.kind === "fluctuation" ? "omega" : "weight",
    "base.weights": "weight",
  };
  return measureOf(
    form,
    (name) => arrays.get(name) ?? null,
    (name) => (spoken[name] ? place(spoken[name]) : `columns of ${name}`),
  );
}

// By names: particles have their points, a fluctuation omega beside them, a grid masses.
function kindOfNames(names: readonly string[]): Measure["kind"] {
  if (names.includes("mass")) return "grid";
  return names.includes("omega") ? "fluctuation" : "particles";
}

function guessedKind(entries: readonly NpzEntry[]): Measure["kind"] {
  const has = (name: string) => entries.some((entry) => entry.name === name);
  if (has("masses")) return "grid";
  return has("base.values") ? "fluctuation" : "particles";
}

interface NamedNumbers {
  name: string;
  data: Float64Array;
}

function columnsOf(measure: Measure, names: readonly string[]): NamedNumbers[] {
  if (measure.kind === "grid") return cellColumns(measure.edges, measure.masses, names);
  const base = measure.kind === "fluctuation" ? measure.base : measure;
  const [n, width] = base.shape;
  const split = (values: Float64Array, prefix = ""): NamedNumbers[] =>
    names.map((name, j) => ({
      name: prefix + name,
      data: Float64Array.from({ length: n }, (_, i) => values[i * width + j]!),
    }));
  const biases = (values: Float64Array | null, prefix = ""): NamedNumbers[] =>
    Array.from(values ?? [], (c, k) => ({ name: `${prefix}outputBias${k}`, data: new Float64Array(n).fill(c) }));
  const points = [...split(base.values), ...(base.weights ? [{ name: "weight", data: base.weights }] : [])];
  if (measure.kind === "particles") return [...points, ...biases(measure.outputBias)];
  return [
    ...points,
    { name: "omega", data: measure.weights },
    ...split(measure.displacements, "b."),
    ...biases(base.outputBias, "base."),
    ...biases(measure.outputBias),
  ];
}

function cellColumns(edges: readonly Float64Array[], masses: Float64Array, names: readonly string[]): NamedNumbers[] {
  // cells are row-major: the last axis runs fastest
  const inner = edges.map((_, axis) => edges.slice(axis + 1).reduce((product, one) => product * (one.length - 1), 1));
  const columns = edges.flatMap((axis, i) => {
    const cell = (at: number) => Math.floor(at / inner[i]!) % (axis.length - 1);
    return [
      { name: `${names[i]}.from`, data: masses.map((_, at) => axis[cell(at)]!) },
      { name: `${names[i]}.to`, data: masses.map((_, at) => axis[cell(at) + 1]!) },
    ];
  });
  return [...columns, { name: "mass", data: masses }];
}

function gridOf(
  table: DataTable,
  form: Form,
  names: readonly string[],
  column: (name: string) => Float64Array,
): Measure {
  const axes = names.filter((name) => name.endsWith(".from")).map((name) => name.slice(0, -".from".length));
  if (axes.length < 1 || axes.length > 2) {
    throw new SpecError(
      "columns",
      names,
      "one or two coordinates of cells, as r1.from, r1.to, r2.from, r2.to, and mass",
    );
  }
  const from = axes.map((name) => column(`${name}.from`));
  const to = axes.map((name) => column(`${name}.to`));
  const n = table.rows.length;
  let inner = n;
  if (axes.length === 2) {
    const next = from[0]!.findIndex((x) => x !== from[0]![0]);
    inner = next < 0 ? n : next;
  }
  // along an axis a cell is the first of each block of rows that share it
  const steps = axes.length === 2 ? [inner, 1] : [1];
  const counts = axes.length === 2 ? [Math.ceil(n / inner), inner] : [n];
  const edges = axes.map((_, i) => {
    const starts = Array.from({ length: counts[i]! }, (__, k) => from[i]![k * steps[i]!]!);
    return Float64Array.of(...starts, to[i]![(counts[i]! - 1) * steps[i]!]!);
  });
  const wanted = cellColumns(edges, new Float64Array(counts.reduce((product, k) => product * k, 1)), axes);
  const expected = "cells side by side, in rows, the last coordinate running fastest";
  if (wanted[0]!.data.length !== n) throw new SpecError("rows", `${n} rows`, `${wanted[0]!.data.length}: ${expected}`);
  wanted.slice(0, -1).forEach(({ name, data }) => {
    const found = column(name);
    const bad = found.findIndex((x, i) => x !== data[i]);
    if (bad >= 0) throw new SpecError(cellPlace(table, bad, name), found[bad], `${data[bad]}: ${expected}`);
  });
  const masses = numbers(column("mass"), counts);
  return measureOf(
    form,
    (name) =>
      name === "masses" ? masses : edges[Number(name.slice(-1))] ? numbers(edges[Number(name.slice(-1))]!) : null,
    (name) => `column ${JSON.stringify(name === "masses" ? "mass" : `${axes[Number(name.slice(-1))]}.from`)}`,
  );
}

function namesOf(measure: Measure, problem: Problem | undefined): string[] {
  const width =
    measure.kind === "grid" ? measure.edges.length : (measure.kind === "fluctuation" ? measure.base : measure).shape[1];
  if (problem) {
    const names = coordinateNames(measure, problem);
    if (names.length === width) return names;
    throw new SpecError("problem", `a problem of ${names.length} coordinates`, `${width}, as the measure has`);
  }
  if (measure.coordinates === "radial" && width <= 2) return ["r1", "r2"].slice(0, width);
  return Array.from({ length: width }, (_, j) => `${measure.coordinates}${j}`);
}

// The constructors of measures speak of measure.…; here each part is an array, or a column, of its own.
function named<T>(prefix: string, place: (name: string) => string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const [, part, index = ""] = /^measure\.([a-zA-Z]+)(.*)$/.exec(error.path) ?? [];
    if (part === undefined) throw error;
    if (part === "coordinates") throw new SpecError(part, error.found, error.expected, error.remedy);
    const [, axis, rest = ""] = /^\[(\d+)\](.*)$/.exec(index) ?? [];
    const where = part === "edges" ? place(`edges${axis ?? 0}`) + rest : place(prefix + part) + index;
    throw new SpecError(where, error.found, error.expected, error.remedy);
  }
}

function numbers(data: Float64Array, shape: readonly number[] = [data.length]): Numbers {
  return { dtype: "f64", shape: [...shape], data };
}

function shapeInWords(lengths: readonly (number | null)[]): string {
  const letters = ["N", "D"];
  return `(${lengths.map((n, i) => n ?? letters[i] ?? "…").join(", ")}${lengths.length === 1 ? "," : ""})`;
}
