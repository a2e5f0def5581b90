// What the gallery keeps of a figure, in docs/figures/<name>.json beside its pictures: plain JSON, the same for the same sources on every
// machine but for what depends on the clock.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { draw } from "../../src/plot/plot";
import type { FigureResult, Finding, Table } from "../../src/study/figures/figure";
import { version } from "../../src/version";

/** What a run of a figure has put away. */
export interface Outcome {
  name: string;
  title: string;
  claim: string;
  result: FigureResult;
  /** Of all threads together, as processors count them. */
  seconds: number;
}

/** A picture of the record. */
export interface RecordedPicture {
  /** In docs/figures. */
  file: string;
  title: string;
  /** In pixels. */
  width: number;
  height: number;
  /** SHA-256 of the file, in hexadecimal. */
  sha256: string;
  /** Where it depends on the clock. */
  timed?: true;
}

/** The record of a figure. */
export interface FigureRecord {
  name: string;
  title: string;
  claim: string;
  command: string;
  version: string;
  build: "simd";
  options: { full: false; seed: 1 };
  /** Of one core, to two digits: it depends on the machine. */
  seconds: number;
  findings: Finding[];
  warnings: string[];
  table: Table;
  pictures: RecordedPicture[];
}

// Pictures that stand for their figure, and are called by its name alone, where there are several.
const leading: Record<string, string> = {
  "radial-density": "density.svg",
  "four-gaps": "finite.svg",
  "kernel-drift": "widths.svg",
  "sgf-mean": "mean.svg",
  "gibbs-basins": "masses.svg",
  "batch-sharpness": "batches.svg",
  "robbins-monro": "moments.svg",
};

/**
 * The record of what a run has put away, and its pictures.
 *
 * @returns the record, and the text of each picture by its file in docs/figures
 */
export function recordOf(outcome: Outcome): { record: FigureRecord; files: Map<string, string> } {
  const { name, title, claim, result, seconds } = outcome;
  const files = new Map<string, string>();
  const pictures = result.pictures.map(({ file, picture, timed }) => {
    const alone = result.pictures.length === 1 || leading[name] === file;
    const text = draw(picture);
    const place = alone ? `${name}.svg` : `${name}-${file}`;
    files.set(place, text);
    const [, width, height] = /<svg[^>]*? viewBox="0 0 (\S+) (\S+)"/.exec(text)!;
    const size = { width: Number(width), height: Number(height) };
    return {
      file: place,
      title: picture.title,
      ...size,
      sha256: createHash("sha256").update(text).digest("hex"),
      timed,
    };
  });
  const record: FigureRecord = {
    name,
    title,
    claim,
    command: `npx meanfield figure ${name}`,
    version,
    build: "simd",
    options: { full: false, seed: 1 },
    seconds: Number(seconds.toPrecision(2)),
    findings: result.findings,
    warnings: result.warnings,
    table: result.table,
    pictures: [
      ...pictures.filter(({ file }) => file === `${name}.svg`),
      ...pictures.filter(({ file }) => file !== `${name}.svg`),
    ],
  };
  return { record: JSON.parse(JSON.stringify(record)), files };
}

/**
 * The records that stand in a folder, by name.
 *
 * @param folder  docs/figures
 */
export function readRecords(folder = "docs/figures"): Map<string, FigureRecord> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const records = files.map((file) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as FigureRecord);
  return new Map(records.map((record) => [record.name, record]));
}

/** The record as text: JSON with a row of the table a line. */
export function recordText(record: FigureRecord): string {
  const rows = record.table.rows.map((row) => `   ${JSON.stringify(row)}`).join(",\n");
  const text = JSON.stringify({ ...record, table: { ...record.table, rows: [] } }, null, 1);
  return `${text.replace('"rows": []', () => `"rows": [\n${rows}\n  ]`)}\n`;
}
