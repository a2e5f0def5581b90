// The user's own examples, from tables and arrays on file.

import { SpecError } from "../engine/errors";
import { type Dataset, dataset } from "../model/law";
import { type Tensor, tensor, toF64 } from "../model/tensor";
import { noNumber, numberFrom } from "./csv";
import { arrayNamed, npzEntries, numbersIn, placeOf } from "./npz";
import { cellPlace } from "./place";
import type { DataTable } from "./table";

/** Which columns of a table are what. */
export interface TableColumns {
  /** columns that are the input, in their order (default: all that are nothing else) */
  inputs?: readonly string[];
  /** column of labels, or several for as many outputs (default: y, label, labels, class or target; or y0, y1, …) */
  labels?: string | readonly string[];
  /** column of weights (default: none) */
  weights?: string;
  /** labels are classes 0, 1, …, K − 1: how many there are, or true to count them (default: labels are any numbers) */
  classes?: number | true;
}

/** Which arrays of an npz are what. */
export interface ArrayNames {
  /** array [n, d] of inputs (default: x, or X) */
  x?: string;
  /** array [n] or [n, K] of labels (default: y, Y, label or labels) */
  y?: string;
  /** array [n] of weights (default: none) */
  weights?: string;
  /** as for tables */
  classes?: number | true;
}

const LABELS = ["y", "label", "labels", "class", "target"];
const X_ARRAYS = ["x", "X"];
const Y_ARRAYS = ["y", "Y", "label", "labels"];

/**
 * Which columns of a table, or arrays of an npz, become labels, inputs and weights: those named, or else those guessed.
 *
 * @param from     a table, or the arrays of an npz
 * @param options  as for `datasetFromTable` and `datasetFromNpz`
 * @returns names by role, without a role that nothing has
 * @throws {SpecError} where nothing has a name that would do
 */
export function namesTaken(
  from: DataTable | readonly { name: string }[],
  options: TableColumns & ArrayNames,
): Record<string, readonly string[]> {
  const weights: Record<string, string[]> = options.weights === undefined ? {} : { weights: [options.weights] };
  if ("columns" in from) {
    const { labels, inputs } = columnsTaken(from, options);
    return { labels, inputs, ...weights };
  }
  const found = (named: string | undefined, guesses: readonly string[]) =>
    arrayNamed(from, named === undefined ? guesses : [named]).name;
  return { labels: [found(options.y, Y_ARRAYS)], inputs: [found(options.x, X_ARRAYS)], ...weights };
}

function columnsTaken(table: DataTable, options: TableColumns) {
  const names = table.columns.map(({ name }) => name);
  const labels = options.labels === undefined ? guessedLabels(names) : [options.labels].flat();
  const weights = options.weights === undefined ? [] : [options.weights];
  const inputs = options.inputs ?? names.filter((name) => !labels.includes(name) && !weights.includes(name));
  return { names, labels, weights, inputs };
}

/** See onDemand.ts. */
export function datasetFromTable(table: DataTable, options: TableColumns = {}): Dataset {
  const { names, labels, weights, inputs } = columnsTaken(table, options);
  if (inputs.length === 0) throw new SpecError("columns", names, "at least one column of inputs beside the labels");
  const twice = inputs.find((name) => labels.includes(name));
  if (twice !== undefined) throw new SpecError(columnPlace(twice), "an input and a label", "one of both");
  if (table.rows.length === 0) throw new SpecError("rows", "no rows", "at least one example");
  const x = columnsOf(table, inputs);
  const y = columnsOf(table, labels);
  if (options.classes !== undefined) {
    if (labels.length > 1) throw new SpecError("labels", labels, "one column, as labels are classes");
    checkClasses(y.data, options.classes, columnPlace(labels[0]!), (row) => cellPlace(table, row, labels[0]!));
  }
  const masses = weights.length > 0 ? columnsOf(table, weights) : null;
  return law(x, labels.length === 1 ? flat(y) : y, masses && flat(masses), columnPlace(weights[0] ?? ""));
}

/** See onDemand.ts. */
export function datasetFromNpz(bytes: Uint8Array, options: ArrayNames = {}): Dataset {
  const entries = npzEntries(bytes);
  const first = arrayNamed(entries, options.x === undefined ? X_ARRAYS : [options.x]);
  const second = arrayNamed(entries, options.y === undefined ? Y_ARRAYS : [options.y]);
  const [n, d] = first.shape;
  if (first.shape.length !== 2 || n === 0 || d === 0) {
    const remedy =
      first.shape.length === 1
        ? `Inputs of one number each have shape (n, 1): ${first.name}[:, None].`
        : first.shape.length > 2
          ? `${first.name}.reshape(len(${first.name}), -1) has a row an example.`
          : undefined;
    throw new SpecError(placeOf(first.name), shapeOf(first.shape), "shape (n, d): a row an example", remedy);
  }
  const { shape } = second;
  if ((shape.length !== 1 && shape.length !== 2) || shape[0] !== n || shape[1] === 0) {
    throw new SpecError(
      placeOf(second.name),
      shapeOf(shape),
      `shape (${n},) or (${n}, K): a label for each row of ${first.name}`,
    );
  }
  const third = options.weights === undefined ? null : arrayNamed(entries, [options.weights]);
  if (third && (third.shape.length !== 1 || third.shape[0] !== n)) {
    throw new SpecError(
      placeOf(third.name),
      shapeOf(third.shape),
      `shape (${n},): a weight for each row of ${first.name}`,
    );
  }
  const x = finite(numbersIn(first), first.name);
  const y = finite(numbersIn(second), second.name);
  if (options.classes !== undefined) {
    if ((shape[1] ?? 1) > 1)
      throw new SpecError(placeOf(second.name), shapeOf(shape), `shape (${n},), as labels are classes`);
    checkClasses(y.data, options.classes, placeOf(second.name), (i) => `${placeOf(second.name)}[${i}]`);
  }
  return law(x, y, third && finite(numbersIn(third), third.name), placeOf(third?.name ?? ""));
}

// The law checks weights once more, by the place they have in a specification.
function law(x: Tensor<"f64">, y: Tensor<"f64">, weights: Tensor<"f64"> | null, place: string): Dataset {
  try {
    return dataset({ x, y, weights });
  } catch (error) {
    if (!(error instanceof SpecError) || !error.path.startsWith("law.weights")) throw error;
    throw new SpecError(place + error.path.slice("law.weights".length), error.found, error.expected, error.remedy);
  }
}

function guessedLabels(names: readonly string[]): string[] {
  const found = LABELS.find((name) => names.includes(name));
  if (found !== undefined) return [found];
  const numbered: string[] = [];
  while (names.includes(`y${numbered.length}`)) numbered.push(`y${numbered.length}`);
  if (numbered.length > 0) return numbered;
  throw new SpecError(
    "columns",
    names,
    `one of the names ${LABELS.join(", ")}`,
    "Say which column has the labels, { labels: … }, or call it y.",
  );
}

function columnsOf(table: DataTable, names: readonly string[]): Tensor<"f64"> {
  const at = names.map((name) => {
    const j = table.columns.findIndex((column) => column.name === name);
    if (j >= 0) return j;
    const there = table.columns.map((column) => column.name);
    throw new SpecError(columnPlace(name), there, "a column of this name");
  });
  const data = new Float64Array(table.rows.length * names.length);
  table.rows.forEach((row, i) => {
    at.forEach((j, k) => {
      const cell = row[j]!;
      if (typeof cell !== "number" && typeof cell !== "boolean") {
        // one word makes a column of texts: it is the word that is wrong, not the numbers above it
        const word = table.rows.findIndex((other) => !(typeof other[j] === "string" && numberFrom(other[j]) !== null));
        throw noNumber(table, Math.max(word, i), names[k]!, table.rows[Math.max(word, i)]![j]!);
      }
      if (!Number.isFinite(Number(cell))) {
        const remedy = "A value is missing or too large: fill it in, or leave the row or the column out.";
        throw new SpecError(cellPlace(table, i, names[k]!), cell, "a finite number", remedy);
      }
      data[i * names.length + k] = Number(cell);
    });
  });
  return toF64(tensor(data, [table.rows.length, names.length]));
}

function checkClasses(
  labels: Float64Array,
  classes: number | true,
  place: string,
  placeOfRow: (row: number) => string,
): void {
  const bad = labels.findIndex((y) => !Number.isInteger(y) || y < 0);
  const remedy = 'Number the classes 0, 1, …; labels ±1 are no classes but those of the loss "logistic".';
  if (bad >= 0) throw new SpecError(placeOfRow(bad), labels[bad], "a class, an integer from 0 on", remedy);
  const most = labels.reduce((max, y) => Math.max(max, y), 0);
  const count = classes === true ? most + 1 : classes;
  if (!Number.isInteger(count) || count < 2) throw new SpecError("classes", classes, "true, or an integer from 2 on");
  const large = labels.findIndex((y) => y >= count);
  if (large >= 0) throw new SpecError(placeOfRow(large), labels[large], `a class, an integer from 0 to ${count - 1}`);
  const present = new Set(labels);
  for (let k = 0; k < count; k++) {
    if (present.has(k)) continue;
    const why = k === 0 && classes === true ? "Classes count from 0: subtract 1." : "Number the classes without a gap.";
    throw new SpecError(place, `no example of class ${k}`, `examples of each class 0 … ${count - 1}`, why);
  }
}

function finite(values: Tensor, name: string): Tensor<"f64"> {
  const bad = values.data.findIndex((x: number) => !Number.isFinite(x));
  if (bad >= 0) {
    const columns = values.shape[1];
    const index = columns === undefined ? `${bad}` : `${Math.floor(bad / columns)}, ${bad % columns}`;
    throw new SpecError(
      `${placeOf(name)}[${index}]`,
      values.data[bad],
      "a finite number",
      "Leave the row out, or fill it in.",
    );
  }
  return toF64(values);
}

function flat(y: Tensor<"f64">): Tensor<"f64"> {
  return toF64(tensor(y.data));
}

function shapeOf(shape: readonly number[]): string {
  return `shape (${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

function columnPlace(name: string): string {
  return `column ${JSON.stringify(name)}`;
}
