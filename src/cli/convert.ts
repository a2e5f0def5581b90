// `meanfield convert`: results and data from one form of file to another: JSON, CSV, Parquet, and npz for NumPy.

import { stat } from "node:fs/promises";
import path from "node:path";
import { SpecError } from "../engine/errors";
import type { DataFile } from "../io/files";
import { measureToJson } from "../io/measure";
import {
  measureToNpz,
  measureToTable,
  readDataFile,
  tensorsFromNpz,
  tensorsToNpz,
  trajectoryToNpz,
  trajectoryToTable,
} from "../io/onDemand";
import { runSpecToJson } from "../io/spec";
import { type Cell, type DataTable, tableToCsv, tableToJson, tableToParquet } from "../io/table";
import { ensembleToJson, trajectoryToJson } from "../io/trajectory";
import type { Tensor } from "../model/tensor";
import type { Ensemble } from "../study/ensemble";
import { meanTable } from "../study/sweepTable";
import { options } from "./commands";
import { parseOptions } from "./options";
import { readBytes } from "./source";
import { type Terminal, UsageError } from "./terminal";
import { voiceOf } from "./voice";
import { writeWhole } from "./whole";

type Format = (typeof options.convert.to)[number];

/**
 * Runs the command.
 *
 * @param args      after `convert`
 * @param terminal  streams
 */
export async function convert(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, options.convert);
  const voice = voiceOf(terminal, values);
  const [from, to] = words;
  if (from === undefined || to === undefined || words.length > 2) {
    throw new UsageError(`From which file to which? Found ${words.length === 0 ? "none" : words.join(" ")}.`);
  }
  const format = formatOf(to, values.to);
  if (to !== "-" && (await stat(to).catch(() => null))?.isDirectory())
    throw new UsageError(`${to} is a folder, not a file.`);
  const content = from === "-" ? await terminal.input() : await readBytes(from, "It is what is to be converted.");
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const file = await readDataFile(from === "-" ? "standard input" : from, bytes);
  const made = await contentOf(file, format);
  if (to === "-") {
    terminal.out(made);
    voice.note(`${WORDS[file.kind]}, as ${format}.`);
    return;
  }
  await writeWhole(to, made);
  voice.result("", () => ({ command: "convert", from, kind: file.kind, to, format, written: [to] }));
  voice.note(`${WORDS[file.kind]}, as ${format}. Written: ${to}`);
}

const WORDS: Record<DataFile["kind"], string> = {
  spec: "A run file",
  trajectory: "A recorded run",
  ensemble: "A recorded ensemble",
  measure: "A measure",
  table: "A table",
  arrays: "Arrays",
};

function formatOf(to: string, asked: Format | undefined): Format {
  if (asked !== undefined) return asked;
  if (to === "-") throw new UsageError(`Standard output as what? --to ${options.convert.to.join(", ")}.`);
  const end = path.extname(to).slice(1).toLowerCase();
  const found = options.convert.to.find((format) => format === end);
  if (!found)
    throw new UsageError(`${to} as what? Its name ends in none of .${options.convert.to.join(", .")}; say it by --to.`);
  return found;
}

async function contentOf(file: DataFile, format: Format): Promise<string | Uint8Array> {
  switch (file.kind) {
    case "spec":
      if (format === "json") return runSpecToJson(file.spec);
      throw new SpecError(
        file.name,
        "a run file",
        "results or data",
        "A run file stays JSON; npx meanfield run runs it.",
      );
    case "trajectory":
      if (format === "json") return text(trajectoryToJson(file.trajectory));
      if (format === "npz") return trajectoryToNpz(file.trajectory);
      return tableText(await trajectoryToTable(file.trajectory), format);
    case "ensemble":
      if (format === "json") return text(ensembleToJson(file.ensemble));
      if (format === "npz") return tensorsToNpz(ensembleArrays(file.ensemble));
      return tableText(ensembleTable(file.ensemble), format);
    case "measure":
      if (format === "json") return text(measureToJson(file.measure));
      if (format === "npz") return measureToNpz(file.measure);
      return tableText(await measureToTable(file.measure), format);
    case "table":
      if (format === "npz") return tensorsToNpz(columnArrays(file.table));
      return tableText(file.table, format);
    case "arrays": {
      const arrays = await tensorsFromNpz(file.bytes);
      if (format === "npz") return tensorsToNpz(arrays);
      return tableText(arrayTable(arrays, file.name), format);
    }
  }
}

function text(json: unknown): string {
  return `${JSON.stringify(json, null, 1)}\n`;
}

async function tableText(table: DataTable, format: Exclude<Format, "npz">): Promise<string | Uint8Array> {
  if (format === "csv") return tableToCsv(table);
  return format === "parquet" ? tableToParquet(table) : tableToJson(table);
}

// As the table of a sweep of one point has it.
function ensembleTable(run: Ensemble): DataTable {
  const { version, backend, spec, conventions } = run.provenance;
  const notes = { version, backend, spec, conventions };
  return meanTable([], [{ values: {}, times: run.times, run, replicas: [] }], notes);
}

/** `times`, and NAME.mean, NAME.standardError and NAME.replicas of each statistic, replicas first. */
function ensembleArrays(run: Ensemble): Record<string, Tensor> {
  const arrays: Record<string, Tensor> = { times: array(run.times) };
  for (const [name, { shape, mean, standardError, replicas }] of Object.entries(run.observables)) {
    arrays[`${name}.mean`] = array(mean, shape);
    arrays[`${name}.standardError`] = array(standardError, shape);
    const all = new Float64Array(mean.length * replicas.length);
    replicas.forEach((one, r) => void all.set(one, r * mean.length));
    arrays[`${name}.replicas`] = array(all, [replicas.length, ...shape]);
  }
  return arrays;
}

// A column an array; what is missing is NaN, truth is 0 or 1, and texts have no place.
function columnArrays({ columns, rows }: DataTable): Record<string, Tensor> {
  const arrays: Record<string, Tensor> = {};
  columns.forEach(({ name, type }, j) => {
    if (type === "text")
      throw new SpecError(`column ${JSON.stringify(name)}`, "texts", "numbers", "An npz has numbers only.");
    arrays[name] = array(Float64Array.from(rows, (row) => (row[j] === null ? Number.NaN : Number(row[j]))));
  });
  return arrays;
}

/** Arrays of as many rows each, as columns NAME, or NAME0, NAME1, … where a row has several numbers. */
function arrayTable(arrays: Record<string, Tensor>, name: string): DataTable {
  const all = Object.entries(arrays);
  const rows = all[0]?.[1].shape[0];
  const other = all.find(([, { shape }]) => shape.length === 0 || shape[0] !== rows);
  if (rows === undefined || other) {
    const shapes = all.map(([one, { shape }]) => `${one} [${shape.join(", ")}]`).join(", ");
    throw new SpecError(name, shapes, "arrays with as many rows each", "A table has a row for each.");
  }
  const columns = all.flatMap(([one, { shape, data }]) => {
    const width = shape.slice(1).reduce((product, n) => product * n, 1);
    return Array.from({ length: width }, (_, k) => ({
      name: shape.length === 1 ? one : `${one}${k}`,
      cell: (i: number): Cell => data[i * width + k]!,
    }));
  });
  return {
    columns: columns.map((column) => ({ name: column.name, type: "number" })),
    rows: Array.from({ length: rows }, (_, i) => columns.map(({ cell }) => cell(i))),
    notes: {},
  };
}

// Without a look at the numbers: a standard error may be NaN.
function array(data: Float64Array, shape: readonly number[] = [data.length]): Tensor {
  return { dtype: "f64", shape: [...shape], data };
}
