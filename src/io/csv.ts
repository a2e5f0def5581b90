// Tables from CSV (RFC 4180). Read by hand, as d3-dsv, which writes it, says neither lines nor where a quote was left open.

import { SpecError } from "../engine/errors";
import { cellPlace, rememberLines, sizeInWords } from "./place";
import type { Cell, Column, DataTable } from "./table";

/** Most bytes of a text: its cells take some ten times as much memory. */
export const MOST_TEXT = 2 ** 28;

/** See onDemand.ts. */
export function tableFromCsv(text: string, options: { header?: boolean } = {}): DataTable {
  if (text.length > MOST_TEXT) {
    const remedy = "Its cells would take ten times as much memory: save it as npz or Parquet, or a part of it.";
    throw new SpecError("csv", sizeInWords(text.length), `at most ${sizeInWords(MOST_TEXT)}`, remedy);
  }
  const { header = true } = options;
  const content = text.startsWith("\ufeff") ? text.slice(1) : text;
  const { rows, lines } = records(content, separatorOf(content));
  if (rows.length === 0) throw new SpecError("line 1", "an empty file", "names of columns, then a row a line");
  const names = header ? namesOf(rows[0]!) : rows[0]!.map((_, j) => `column${j + 1}`);
  const first = header ? 1 : 0;
  const isBlank = (row: readonly string[]) => names.length > 1 && row.length === 1 && row[0]!.trim() === "";
  const kept = rows.map((_, i) => i).filter((i) => i >= first && !isBlank(rows[i]!));
  for (const i of kept) {
    if (rows[i]!.length === names.length) continue;
    const expected = `${names.length}, as line 1 has`;
    throw new SpecError(
      `line ${lines[i]}`,
      `${rows[i]!.length} fields`,
      expected,
      "Texts with separators in them stand in quotes.",
    );
  }
  const columns = names.map((name, j) => ({ name, type: typeOf(kept, (i) => rows[i]![j]!) }));
  const table: DataTable = {
    columns,
    rows: kept.map((i) => rows[i]!.map((field, j) => cellOf(field, columns[j]!.type))),
    notes: {},
  };
  rememberLines(
    table,
    kept.map((i) => lines[i]!),
  );
  return table;
}

/**
 * A number as texts have it: decimals, NaN, and infinities as JavaScript and Python write them; null where it is none.
 *
 * @param text  blanks around the number do not count
 */
export function numberFrom(text: string): number | null {
  const trimmed = text.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed);
  const [, sign, word] = /^([+-]?)(nan|inf|infinity)$/i.exec(trimmed) ?? [];
  if (word === undefined) return null;
  if (word.toLowerCase() === "nan") return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * The error of a cell that has to be a number.
 *
 * @param table   the table
 * @param row     counted from 0
 * @param column  its name
 * @param cell    what stands there
 */
export function noNumber(table: DataTable, row: number, column: string, cell: Cell): SpecError {
  const place = cellPlace(table, row, column);
  const missing = "A value is missing: fill it in, or leave the row or the column out.";
  if (cell === null) return new SpecError(place, "nothing", "a number", missing);
  // as R, pandas and SQL write it
  if (typeof cell === "string" && /^\s*(n\/?a|<na>|null|none|missing|\?|[-.])\s*$/i.test(cell)) {
    return new SpecError(place, cell, "a number", missing);
  }
  const remedy =
    typeof cell === "string" && /^\s*[+-]?\d+,\d+\s*$/.test(cell)
      ? "Write decimals with a point."
      : typeof cell === "string" && /^\s*([+-]?[\d.]+(e[+-]?\d+)?\s+)+[+-]?[\d.]+/i.test(cell)
        ? "Separate columns by commas, semicolons or tabs, as in numpy.savetxt(…, delimiter=',')."
        : undefined;
  return new SpecError(place, cell, "a number", remedy);
}

interface Records {
  rows: string[][];
  /** line at which each begins, counted from 1 */
  lines: number[];
}

function records(text: string, separator: string): Records {
  const rows: string[][] = [];
  const lines: number[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    lines.push(line);
    for (let isLast = false; !isLast; ) {
      let field: string;
      if (text[at] === '"') {
        const close = closingQuote(text, at, line);
        field = text.slice(at + 1, close).replaceAll('""', '"');
        line += field.split("\n").length - 1;
        at = close + 1;
        if (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") {
          const expected = "a separator or the end of the line after a closing quote";
          throw new SpecError(
            `line ${line}`,
            text.slice(at, at + 20),
            expected,
            "A quote within quotes is written twice.",
          );
        }
      } else {
        let end = at;
        while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end++;
        field = text.slice(at, end);
        at = end;
      }
      row.push(field);
      isLast = text[at] !== separator;
      // a line break is \n, \r\n or \r
      at += isLast && text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    }
    line++;
    rows.push(row);
  }
  return { rows, lines };
}

function closingQuote(text: string, from: number, line: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  throw new SpecError(
    `line ${line}`,
    text.slice(from, from + 20),
    "a closing quote",
    "The quote that opens here is never closed.",
  );
}

// Comma, semicolon or tab: what the first line has most of, outside quotes.
function separatorOf(text: string): string {
  const counts = new Map([",", ";", "\t"].map((one) => [one, 0]));
  let isQuoted = false;
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (character === "\n" || character === "\r") break;
    if (counts.has(character)) counts.set(character, counts.get(character)! + 1);
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

function namesOf(fields: readonly string[]): string[] {
  const names = fields.map((field) => field.trim());
  if (names.every((name) => numberFrom(name) !== null)) {
    const remedy =
      "Put names above the numbers, as in x0,x1,y; tableFromCsv of the library also takes { header: false }.";
    throw new SpecError("line 1", fields.join(","), "names of the columns", remedy);
  }
  names.forEach((name, j) => {
    if (name === "") {
      const remedy = j === 0 ? "pandas writes its index so: use to_csv(…, index=False)." : undefined;
      throw new SpecError(`line 1, column ${j + 1}`, "nothing", "a name", remedy);
    }
    const before = names.indexOf(name);
    if (before !== j)
      throw new SpecError(`line 1, column ${j + 1}`, name, `a name of its own, as column ${before + 1} has it`);
  });
  return names;
}

function typeOf(kept: readonly number[], field: (i: number) => string): Column["type"] {
  let isNumber = true;
  let isBoolean = true;
  let hasValues = false;
  for (const i of kept) {
    const text = field(i);
    if (text.trim() === "") continue;
    hasValues = true;
    isNumber &&= numberFrom(text) !== null;
    isBoolean &&= BOOLEANS.has(text.trim());
    if (!isNumber && !isBoolean) return "text";
  }
  return hasValues && isBoolean ? "boolean" : "number";
}

const BOOLEANS = new Map([
  ["true", true],
  ["false", false],
  ["True", true],
  ["False", false],
]);

function cellOf(field: string, type: Column["type"]): Cell {
  if (type === "text") return field === "" ? null : field;
  const trimmed = field.trim();
  if (trimmed === "") return null;
  return type === "boolean" ? BOOLEANS.get(trimmed)! : numberFrom(trimmed);
}
