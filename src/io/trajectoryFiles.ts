// Recorded runs as arrays with names (npz), and as tables with a row a time.
//
//   npz    times [T]; NAME and NAME.standardError [T, …]; measures.values [T, N, D] … where all are of one shape, else measures.0.values …
//   table  time; NAME or NAME[i][j]; NAME.standardError; no measures
//
// The specification, provenance and so on stand in the text that marker.ts speaks of; CSV has none.

import { SpecError } from "../engine/errors";
import type { Measure } from "../measure/measure";
import type { Tensor } from "../model/tensor";
import { type Process, parseProcess } from "../process/schema";
import type { Observed } from "../study/observables";
import type { Provenance, Trajectory } from "../study/solve";
import { canonicalJson, specHash } from "./canonical";
import { noNumber } from "./csv";
import { MARKER, markerText, readMarker } from "./marker";
import { numbersToJson, readList, readRecord } from "./measure";
import { arraysOf, entryNumbers, type Form, formOf, markerOf, measureOf, textArray } from "./measureFiles";
import type { NpyArray } from "./npy";
import { type NpzEntry, npzBytes, npzEntries, placeOf } from "./npz";
import type { DataTable } from "./table";
import type { trajectoryFromJson } from "./trajectory";

/** See onDemand.ts. */
export function trajectoryToNpz(run: Trajectory): Uint8Array {
  const arrays: [string, NpyArray][] = [["times", numbers(run.times, [run.times.length])]];
  const measures = run.measures && measuresToArrays(run.measures);
  const taken = new Set(["times", MARKER, ...(measures?.arrays ?? []).map(([name]) => name)]);
  const place = (wanted: string, one: Observed, data: Float64Array): string => {
    let name = wanted;
    while (taken.has(name)) name += "_";
    taken.add(name);
    arrays.push([name, numbers(data, one.shape)]);
    return name;
  };
  const observables = Object.entries(run.observables).map(([name, one]) => {
    const array = place(name, one, one.values);
    const error = one.standardError && place(`${name}.standardError`, one, one.standardError);
    return [name, { ...aboutObserved(one), array, ...(error !== undefined && { standardError: error }) }];
  });
  const marker = { ...about(run), observables: Object.fromEntries(observables), measures: measures?.note ?? null };
  return npzBytes(
    Object.fromEntries([...arrays, ...(measures?.arrays ?? []), [MARKER, textArray(markerText(marker))]] as [
      string,
      NpyArray,
    ][]),
  );
}

/** `trajectoryFromJson`, handed over: imported here, every page would carry it. */
export type FromJson = typeof trajectoryFromJson;

/** See onDemand.ts. */
export function trajectoryFromNpz(bytes: Uint8Array, fromJson: FromJson): Trajectory {
  return trajectoryOfEntries(npzEntries(bytes), fromJson);
}

/** The same, of an npz whose directory has been read. */
export function trajectoryOfEntries(entries: readonly NpzEntry[], fromJson: FromJson): Trajectory {
  const marker = markerOf(entries);
  if (marker === null) {
    const names = entries.map(({ name }) => name);
    throw new SpecError(
      placeOf(MARKER),
      names,
      "an array of this name, which says what was run",
      "Is it an npz of another program?",
    );
  }
  checkKind(marker);
  const take = (name: unknown, path: string): Tensor => {
    const found = typeof name === "string" ? entryNumbers(entries, name) : null;
    if (found === null) throw new SpecError(path, name, "the name of an array of numbers in the file");
    return found;
  };
  const times = take("times", placeOf("times"));
  if (times.shape.length !== 1)
    throw new SpecError(placeOf("times"), `shape (${times.shape.join(", ")})`, "shape (T,)");
  const T = times.data.length;
  const observables = Object.entries(readRecord(marker.observables, "observables", "statistics by name")).map(
    ([name, one]) => {
      const path = `observables.${name}`;
      const { array, standardError, ...rest } = readRecord(one, path, "a recorded statistic");
      const values = take(array, `${path}.array`);
      checkShape(values, [T, ...values.shape.slice(1)], array as string);
      if (standardError === undefined) return [name, { ...rest, values: tensorJson(values) }];
      const error = take(standardError, `${path}.standardError`);
      checkShape(error, values.shape, standardError as string);
      return [name, { ...rest, values: tensorJson(values), standardError: tensorJson(error) }];
    },
  );
  const run = fromJson({
    ...marker,
    times: tensorJson(times),
    observables: Object.fromEntries(observables),
    measures: null,
  });
  const measures = marker.measures === null ? null : readMeasures(marker.measures, entries, T);
  return { ...run, measures };
}

/** See onDemand.ts. */
export function trajectoryToTable(run: Trajectory): DataTable {
  const parts = Object.entries(run.observables).map(([name, one]) => ({
    name,
    shape: one.shape.slice(1),
    sampled: !!one.standardError,
  }));
  const labels = columnNames(parts);
  const rows = Array.from(run.times, (time, i) => [
    time,
    ...Object.values(run.observables).flatMap(({ shape, values, standardError }) => {
      const width = shape.slice(1).reduce((product, n) => product * n, 1);
      const row = (data: Float64Array) => Array.from(data.subarray(i * width, (i + 1) * width));
      return [...row(values), ...(standardError ? row(standardError) : [])];
    }),
  ]);
  const observables = Object.entries(run.observables).map(([name, one]) => {
    return [name, { ...aboutObserved(one), shape: one.shape.slice(1), sampled: !!one.standardError }];
  });
  return {
    columns: labels.map((name) => ({ name, type: "number" })),
    rows,
    notes: { [MARKER]: markerText({ ...about(run), observables: Object.fromEntries(observables), measures: null }) },
  };
}

/** See onDemand.ts. */
export function trajectoryFromTable(
  table: DataTable,
  fromJson: FromJson,
  options: { process?: Process } = {},
): Trajectory {
  const text = table.notes[MARKER];
  const marker = text === undefined ? bareMarker(table, options.process) : readMarker(text, `note ${MARKER}`);
  checkKind(marker);
  const parts = Object.entries(readRecord(marker.observables, "observables", "statistics by name")).map(
    ([name, one]) => {
      const path = `observables.${name}`;
      const { shape, sampled, ...rest } = readRecord(one, path, "a recorded statistic");
      const lengths = readList(shape, `${path}.shape`) as number[];
      const count = lengths.reduce((product, n) => product * n, 1);
      if (!lengths.every((n) => Number.isInteger(n) && n >= 0) || count > table.columns.length) {
        throw new SpecError(
          `${path}.shape`,
          lengths,
          `lengths of which there are columns, ${table.columns.length} in all`,
        );
      }
      return { name, shape: lengths, sampled: sampled === true, rest };
    },
  );
  const labels = columnNames(parts);
  const names = table.columns.map(({ name }) => name);
  const places = new Map(names.map((name, j) => [name, j]));
  const missing = labels.find((label) => !places.has(label));
  if (missing !== undefined) throw new SpecError(`column ${JSON.stringify(missing)}`, names, "a column of this name");
  const wanted = new Set(labels);
  const stray = names.find((name) => !wanted.has(name));
  if (stray !== undefined) throw new SpecError(`column ${JSON.stringify(stray)}`, "a column more", labels.join(", "));
  const T = table.rows.length;
  let next = 0;
  const take = (shape: readonly number[]) => {
    const width = shape.reduce((product, n) => product * n, 1);
    const data = new Float64Array(T * width);
    for (let k = 0; k < width; k++, next++) {
      const j = places.get(labels[next]!)!;
      table.rows.forEach((row, i) => {
        const cell = row[j]!;
        if (typeof cell !== "number") throw noNumber(table, i, names[j]!, cell);
        data[i * width + k] = cell;
      });
    }
    return numbersToJson(data, [T, ...shape]);
  };
  const times = take([]);
  const observables = parts.map(({ name, shape, sampled, rest }) => {
    return [name, { ...rest, values: take(shape), ...(sampled && { standardError: take(shape) }) }];
  });
  return fromJson({ ...marker, times, observables: Object.fromEntries(observables), measures: null });
}

function about(run: Trajectory): Record<string, unknown> {
  const { status, warnings, provenance } = run;
  return {
    kind: "trajectory",
    process: JSON.parse(canonicalJson(run.process, "process")),
    status,
    warnings,
    provenance,
  };
}

function aboutObserved({ observable, method }: Observed): Record<string, unknown> {
  return {
    ...(observable && { observable: JSON.parse(canonicalJson(observable)) }),
    ...(method !== undefined && { method }),
  };
}

function checkKind(marker: Record<string, unknown>): void {
  if (marker.kind !== "trajectory") throw new SpecError("kind", marker.kind, '"trajectory", a recorded run');
}

// Arrays of all measures at once where they are of one form and shape, which is the rule.
function measuresToArrays(measures: readonly Measure[]): { note: unknown; arrays: [string, NpyArray][] } {
  const parts = measures.map(arraysOf);
  const forms = measures.map(formOf);
  const shapesOf = (one: Record<string, Tensor>) =>
    JSON.stringify(Object.entries(one).map(([name, { shape }]) => [name, shape]));
  const isOne = parts.every((one, i) => {
    return shapesOf(one) === shapesOf(parts[0]!) && JSON.stringify(forms[i]) === JSON.stringify(forms[0]);
  });
  if (!isOne || measures.length === 0) {
    const arrays = parts.flatMap((one, i) =>
      Object.entries(one).map(([name, array]) => [`measures.${i}.${name}`, array]),
    );
    return { note: forms, arrays: arrays as [string, NpyArray][] };
  }
  const arrays = Object.entries(parts[0]!).map(([name, first]): [string, NpyArray] => {
    const data = new Float64Array(measures.length * first.data.length);
    parts.forEach((one, i) => void data.set(one[name]!.data, i * first.data.length));
    return [`measures.${name}`, numbers(data, [measures.length, ...first.shape])];
  });
  return { note: forms[0], arrays };
}

function readMeasures(note: unknown, entries: readonly NpzEntry[], T: number): Measure[] {
  if (Array.isArray(note)) {
    if (note.length !== T) throw new SpecError("measures", `${note.length} measures`, `${T}, one a time`);
    return note.map((form, i) => {
      const prefix = `measures.${i}.`;
      const fields = readRecord(form, `measures[${i}]`, "kind and coordinates of a measure") as unknown as Form;
      return measureOf(
        fields,
        (name) => entryNumbers(entries, prefix + name),
        (name) => placeOf(prefix + name),
      );
    });
  }
  const form = readRecord(note, "measures", "kind and coordinates of the measures") as unknown as Form;
  const arrays = new Map<string, Tensor | null>();
  const all = (name: string): Tensor | null => {
    if (!arrays.has(name)) {
      const found = entryNumbers(entries, `measures.${name}`);
      if (found) checkShape(found, [T, ...found.shape.slice(1)], `measures.${name}`);
      arrays.set(name, found);
    }
    return arrays.get(name)!;
  };
  return Array.from({ length: T }, (_, i) => {
    const get = (name: string): Tensor | null => {
      const found = all(name);
      if (found === null) return null;
      const size = found.data.length / T;
      return { ...found, shape: found.shape.slice(1), data: found.data.subarray(i * size, (i + 1) * size) } as Tensor;
    };
    return measureOf(form, get, (name) => `${placeOf(`measures.${name}`)}[${i}]`);
  });
}

interface Part {
  name: string;
  shape: readonly number[];
  sampled: boolean;
}

// `time`, then `risk`, `radius[0]` …, and with them `.standardError`; a name that is taken has a line below it.
function columnNames(parts: readonly Part[]): string[] {
  const names = new Set(["time"]);
  const add = (wanted: string): void => {
    let name = wanted;
    while (names.has(name)) name += "_";
    names.add(name);
  };
  for (const { name, shape, sampled } of parts) {
    // of several axes one may be empty, and the ones before it as long as they like
    const axes = shape.includes(0) ? [0] : shape;
    const indices = axes.reduce<string[]>(
      (before, length) => before.flatMap((index) => Array.from({ length }, (_, k) => `${index}[${k}]`)),
      [""],
    );
    for (const index of indices) add(name + index);
    if (sampled) for (const index of indices) add(`${name}${index}.standardError`);
  }
  return [...names];
}

// What a table without notes tells by the names of its columns alone.
function bareMarker(table: DataTable, process: Process | undefined): Record<string, unknown> {
  if (process === undefined) {
    const remedy = "CSV has no notes: give what was run, { process }, or keep the run as Parquet, npz or JSON.";
    throw new SpecError("process", undefined, "the process that was run", remedy);
  }
  const names = table.columns.map(({ name }) => name);
  if (!names.includes("time")) throw new SpecError('column "time"', names, "a column of this name");
  const parts = new Map<string, { shape: number[]; sampled: boolean }>();
  for (const name of names.filter((one) => one !== "time")) {
    const [, label, index, error] = /^(.*?)((?:\[\d+\])*)(\.standardError)?$/s.exec(name)!;
    const indices = Array.from(index!.matchAll(/\d+/g), ([k]) => Number(k));
    const part = parts.get(label!) ?? { shape: indices.map(() => 0), sampled: false };
    if (part.shape.length !== indices.length)
      throw new SpecError(`column ${JSON.stringify(name)}`, index, "as many indices as the columns before");
    parts.set(label!, {
      shape: part.shape.map((n, axis) => Math.max(n, indices[axis]! + 1)),
      sampled: part.sampled || error !== undefined,
    });
  }
  const spec = parseProcess(process);
  const json = canonicalJson(spec, "process");
  const unknown = "unknown" as Provenance["backend"];
  const provenance: Provenance = { version: unknown, backend: unknown, spec: specHash(spec), conventions: unknown };
  const fields = { kind: "trajectory", status: "done", warnings: [], provenance };
  return { version: 1, ...fields, process: JSON.parse(json), observables: Object.fromEntries(parts) };
}

function checkShape(array: Tensor, shape: readonly number[], name: string): void {
  if (JSON.stringify(array.shape) === JSON.stringify(shape)) return;
  throw new SpecError(placeOf(name), `shape (${array.shape.join(", ")})`, `shape (${shape.join(", ")})`);
}

function numbers(data: Float64Array, shape: readonly number[]): Tensor<"f64"> {
  return { dtype: "f64", shape: [...shape], data };
}

// As trajectoryFromJson reads it: in memory where there is something.
function tensorJson(array: Tensor): unknown {
  return array.data.length > 0 ? array : numbersToJson(new Float64Array(0), array.shape);
}
