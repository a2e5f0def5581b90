// What a file is, by its content, whatever it is called: one reader for the page and for the command line.

import { SpecError } from "../engine/errors";
import type { Measure } from "../measure/measure";
import type { Dataset } from "../model/law";
import { isRecord } from "../model/spec";
import type { Ensemble } from "../study/ensemble";
import type { Trajectory } from "../study/solve";
import { MOST_TEXT, tableFromCsv } from "./csv";
import { type ArrayNames, datasetFromNpz, datasetFromTable, type TableColumns } from "./datasets";
import { parseJsonText } from "./jsonPlace";
import { MARKER, readMarker } from "./marker";
import { measureFromJson } from "./measure";
import { markerOf, measureFromTable, measureOfEntries } from "./measureFiles";
import { isNpy } from "./npy";
import { npzEntries } from "./npz";
import { isParquet, tableFromParquet } from "./parquet";
import { inPlace, sizeInWords } from "./place";
import type { parseRunSpec, RunSpec } from "./spec";
import type { DataTable, tableFromJson } from "./table";
import type { ensembleFromJson } from "./trajectory";
import { type FromJson, trajectoryFromTable, trajectoryOfEntries } from "./trajectoryFiles";
import { isZip } from "./zip";

/** What stands in a file. */
export type DataFile = { name: string } & (
  | { kind: "spec"; spec: RunSpec }
  | { kind: "trajectory"; trajectory: Trajectory }
  | { kind: "ensemble"; ensemble: Ensemble }
  | { kind: "measure"; measure: Measure }
  /** of CSV, Parquet or JSON */
  | { kind: "table"; format: "csv" | "parquet" | "json"; table: DataTable }
  /** an npz of other arrays: their names, NumPy's names of their elements, and their shapes */
  | { kind: "arrays"; arrays: { name: string; descr: string; shape: number[] }[]; bytes: Uint8Array }
);

/** What reads JSON, handed over: imported here, every page would carry it. */
export interface JsonReaders {
  parseRunSpec: typeof parseRunSpec;
  tableFromJson: typeof tableFromJson;
  ensembleFromJson: typeof ensembleFromJson;
  trajectoryFromJson: FromJson;
}

/** See onDemand.ts. */
export async function readDataFile(name: string, bytes: Uint8Array, readers: JsonReaders): Promise<DataFile> {
  return inPlace(name, async () => ({ name, ...(await read(bytes, readers)) }) as DataFile);
}

/** See onDemand.ts. */
export async function datasetFromFile(file: DataFile, options: TableColumns & ArrayNames = {}): Promise<Dataset> {
  return inPlace(file.name, () => {
    if (file.kind === "table") return datasetFromTable(file.table, options);
    if (file.kind === "arrays") return datasetFromNpz(file.bytes, options);
    throw new SpecError("file", WORDS[file.kind], "examples: a table (CSV, Parquet), or an npz of x and y");
  });
}

const WORDS = {
  spec: "a run file",
  trajectory: "a recorded run",
  ensemble: "a recorded ensemble",
  measure: "a measure",
};

type Content = DataFile extends infer F ? (F extends DataFile ? Omit<F, "name"> : never) : never;

const KNOWN =
  "a run file, a recorded run, an ensemble or a measure (JSON, npz), or a table (CSV, Parquet, JSON), or arrays (npz)";

async function read(bytes: Uint8Array, readers: JsonReaders): Promise<Content> {
  if (bytes.length === 0) throw new SpecError("file", "an empty file", KNOWN);
  if (isZip(bytes)) return readNpz(bytes, readers);
  if (isParquet(bytes)) return readTable(await tableFromParquet(bytes), "parquet", readers);
  if (isNpy(bytes)) {
    throw new SpecError(
      "file",
      "one array of NumPy (.npy)",
      "arrays with names (.npz)",
      "Save it by numpy.savez(file, x=…, y=…).",
    );
  }
  const seems = seemsToBe(bytes);
  if (seems) throw new SpecError("file", seems, KNOWN);
  if (bytes.length > 2 * MOST_TEXT) {
    const expected = `a text of at most ${sizeInWords(MOST_TEXT)}`;
    throw new SpecError(
      "file",
      sizeInWords(bytes.length),
      expected,
      "It is held in memory, ten times over: save arrays as npz.",
    );
  }
  const text = textOf(bytes);
  if (/^\s*[{[]/.test(text)) return readJson(text, readers);
  if (/^\s*<(!|\?|[a-z])/i.test(text))
    throw new SpecError("file", "a page of HTML or XML", KNOWN, "Was the download an error page?");
  return { kind: "table", format: "csv", table: tableFromCsv(text) };
}

function readNpz(bytes: Uint8Array, { trajectoryFromJson }: JsonReaders): Content {
  const entries = npzEntries(bytes);
  const marker = markerOf(entries);
  if (marker?.kind === "trajectory") {
    return { kind: "trajectory", trajectory: trajectoryOfEntries(entries, trajectoryFromJson) };
  }
  if (marker) return { kind: "measure", measure: measureOfEntries(entries) };
  return { kind: "arrays", arrays: entries.map(({ name, descr, shape }) => ({ name, descr, shape })), bytes };
}

// A table that says of itself what it is, by its note.
function readTable(table: DataTable, format: "parquet" | "json", { trajectoryFromJson }: JsonReaders): Content {
  const text = table.notes[MARKER];
  if (text === undefined) return { kind: "table", format, table };
  const { kind } = readMarker(text, `note ${MARKER}`);
  if (kind === "trajectory") return { kind, trajectory: trajectoryFromTable(table, trajectoryFromJson) };
  return { kind: "measure", measure: measureFromTable(table) };
}

function readJson(text: string, readers: JsonReaders): Content {
  const json = parseJsonText(text);
  if (Array.isArray(json))
    throw new SpecError("file", "a list in JSON", KNOWN, "Examples are read from CSV, Parquet or npz.");
  const { kind, version } = json as Record<string, unknown>;
  if (kind === "trajectory") return { kind, trajectory: readers.trajectoryFromJson(json) };
  if (kind === "ensemble") return { kind, ensemble: readers.ensembleFromJson(json) };
  if (kind === "table") return readTable(readers.tableFromJson(text), "json", readers);
  if (kind === "particles" || kind === "grid" || kind === "fluctuation")
    return { kind: "measure", measure: measureFromJson(json) };
  if (isRecord(json) && ("process" in json || (version !== undefined && kind === undefined))) {
    return { kind: "spec", spec: readers.parseRunSpec(json) };
  }
  if (isRecord(json) && "problem" in json) {
    const remedy = "Put it in a run file: { version: 1, process: …, times: […] }.";
    throw new SpecError("file", `a process of kind ${JSON.stringify(kind)} by itself`, KNOWN, remedy);
  }
  const found =
    kind === undefined
      ? `JSON with the fields ${Object.keys(json as object).join(", ")}`
      : `JSON of kind ${JSON.stringify(kind)}`;
  throw new SpecError("file", found, KNOWN);
}

// What people drop by mistake, by the bytes that each begins with.
const OTHERS: readonly [readonly number[], string][] = [
  [[0x89, 0x50, 0x4e, 0x47], "a PNG picture"],
  [[0xff, 0xd8, 0xff], "a JPEG picture"],
  [[0x47, 0x49, 0x46, 0x38], "a GIF picture"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF document"],
  [[0x1f, 0x8b], "a gzip archive: unpack it first"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file: save its arrays as npz"],
  [[0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], "an Arrow or Feather file: save it as Parquet"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook: save it as CSV"],
  [[0x4d, 0x41, 0x54, 0x4c, 0x41, 0x42], "a MATLAB file: save its arrays as npz"],
  [[0x80, 0x02], "a Python pickle: save its arrays as npz"],
  [[0x80, 0x03], "a Python pickle: save its arrays as npz"],
  [[0x80, 0x04], "a Python pickle: save its arrays as npz"],
  [[0x80, 0x05], "a Python pickle: save its arrays as npz"],
];

function seemsToBe(bytes: Uint8Array): string | null {
  return OTHERS.find(([start]) => start.every((byte, i) => bytes[i] === byte))?.[1] ?? null;
}

function textOf(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  let text: string;
  try {
    // the mark of the order of bytes is taken away
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new SpecError(
      "file",
      "bytes that are no text in UTF-8",
      KNOWN,
      "A CSV of another encoding: save it as UTF-8.",
    );
  }
  if (text.includes("\0")) throw new SpecError("file", "bytes that are no text", KNOWN);
  return text;
}
