// The specification that a command is given: a file or standard input; of anything else it says what it seems to be.

import { readFile } from "node:fs/promises";
import { SpecError } from "../engine/errors";
import { parseJsonText } from "../io/jsonPlace";
import { readDataFile } from "../io/onDemand";
import { inPlace } from "../io/place";
import { isRecord } from "../model/spec";
import { type Terminal, UsageError } from "./terminal";
import { exists } from "./whole";

/** A specification as it was found. */
export interface Source {
  json: unknown;
  /** The file's name, or "standard input". */
  name: string;
}

/**
 * The one specification that a command line names, parsed as JSON.
 *
 * @param words     of the command line: a file, "-" for standard input, or nothing where something is piped in
 * @param terminal  where standard input is
 * @throws {UsageError} where there is not one, or it cannot be read
 * @throws {SpecError} where it is no JSON (with line and column), or that of something else
 */
export async function readSource(words: readonly string[], terminal: Terminal): Promise<Source> {
  const [word] = words;
  if (words.length > 1) throw new UsageError(`One specification at a time, found ${words.join(" ")}.`);
  if (word === undefined && !terminal.piped) throw new UsageError("Which specification?");
  const piped = word === undefined || word === "-";
  const name = piped ? "standard input" : word;
  const content = piped ? await terminal.input() : await readBytes(word);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  if (bytes.length === 0 && word === undefined) {
    throw new UsageError("Which specification? Standard input is empty.");
  }
  return { json: await specJson(bytes, name), name };
}

/**
 * The bytes of a file.
 *
 * @param file    its name
 * @param remedy  where there is no such file
 * @throws {UsageError} where it cannot be read
 */
export async function readBytes(file: string, remedy = NEW): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EISDIR") {
      const spec = `${file.replace(/\/$/, "")}/spec.json`;
      const hint = (await exists(spec)) ? ` The specification in it is ${spec}.` : "";
      throw new UsageError(`${file} is a folder, not a file.${hint}`);
    }
    if (code === "ENOENT") {
      throw new UsageError(`${file} cannot be read: there is no such file. ${remedy}`);
    }
    throw new UsageError(`${file} cannot be read: ${message}.`);
  }
}

/**
 * The JSON of a run file.
 *
 * @param bytes  of the file
 * @param name   of the file, for the error
 * @throws {SpecError} where they are something else, saying what they seem to be
 */
export async function specJson(bytes: Uint8Array, name: string): Promise<unknown> {
  const wanted = "a specification in JSON";
  const binary = await binaryKind(bytes);
  if (binary) throw new SpecError(name, binary.what, wanted, binary.remedy);
  // Windows' editors begin UTF-8 with a mark
  const text = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  const other = textKind(text);
  if (other) throw new SpecError(name, other.what, wanted, other.remedy);
  const json = await inPlace(name, () => parseJsonText(text));
  const seems = jsonKind(json);
  if (seems) throw new SpecError(name, seems.what, wanted, seems.remedy);
  return json;
}

interface Kind {
  what: string;
  remedy?: string;
}

const NEW = "npx meanfield new writes a first specification.";
const asData = "Data go with a specification: npx meanfield run spec.json --data FILE.";

async function binaryKind(bytes: Uint8Array): Promise<Kind | null> {
  if (bytes.length === 0) return { what: "an empty file" };
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { what: "text in UTF-16", remedy: "Save it as UTF-8." };
  }
  if (isText(bytes)) return null;
  if (new TextDecoder().decode(bytes.subarray(0, 7)) === "MFSTATE") {
    return { what: "a saved state", remedy: "It goes on by the command that made it, given again." };
  }
  try {
    const { kind } = await readDataFile("file", bytes);
    return {
      what: kind === "table" ? "a table (Parquet)" : `${kind === "arrays" ? "arrays" : `a ${kind}`} (npz)`,
      remedy: asData,
    };
  } catch (error) {
    const found = error instanceof SpecError && typeof error.found === "string" ? error.found : null;
    return { what: found ?? "a binary file" };
  }
}

function isText(bytes: Uint8Array): boolean {
  try {
    return !new TextDecoder("utf-8", { fatal: true }).decode(bytes).includes("\0");
  } catch {
    return false;
  }
}

function textKind(text: string): Kind | null {
  const start = text.trimStart();
  if (start === "") return { what: "an empty file" };
  if (start.startsWith("<"))
    return { what: /<svg\b/.test(start.slice(0, 1000)) ? "a picture (SVG)" : "markup (HTML or XML)" };
  if (/^[{["\d-]/.test(start) && !isCsv(start)) return null;
  if (isCsv(start)) return { what: "a table (CSV)", remedy: asData };
  return {
    what: start.split("\n")[0]!.slice(0, 60),
    remedy: "A run file begins with {; npx meanfield new writes a first one.",
  };
}

// Two lines with as many commas (tabs, semicolons) each, and no brace.
function isCsv(text: string): boolean {
  const lines = text.slice(0, 10_000).split(/\r?\n/, 2);
  const marks = lines.map((line) => line.replace(/"[^"]*"/g, "").match(/[,;\t]/g)?.length ?? 0);
  return lines.length === 2 && marks[0]! > 0 && marks[0] === marks[1] && !/^[{[]/.test(text);
}

function jsonKind(json: unknown): Kind | null {
  if (!isRecord(json)) return { what: Array.isArray(json) ? "a list" : `the value ${JSON.stringify(json)}` };
  const { kind } = json;
  if (kind === "trajectory" || kind === "ensemble") {
    return {
      what: `a recorded run (${kind})`,
      remedy: "The spec.json beside it says what was run; npx meanfield convert reads it.",
    };
  }
  if (kind === "sweepRun")
    return { what: "a finished run of a sweep", remedy: "The sweep.json above it says what is swept." };
  if (kind === "table") return { what: "a table of results" };
  if ("figure" in json && "findings" in json)
    return { what: "the numbers of a figure", remedy: "npx meanfield figure draws it." };
  if (typeof kind === "string" && "problem" in json && !("process" in json)) {
    return {
      what: `a process (${kind})`,
      remedy: 'Put it into a run file: { "version": 1, "process": …, "times": [0, 1] }.',
    };
  }
  return null;
}
