// What the gallery must be: records, pictures and pages that belong together, and figures that find again what is recorded.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { figureNames, loadFigure } from "../../src/study/figures/registry";
import { galleryPage, measuredModule } from "./page";
import { type FigureRecord, readRecords } from "./record";

/**
 * What does not hold together in the repository's files: records, pictures, pages.
 *
 * @returns sentences; none where all is as it should be
 */
export async function faults(): Promise<string[]> {
  const records = readRecords();
  const found: string[] = [];
  for (const name of figureNames) {
    const record = records.get(name);
    if (!record) {
      found.push(`${name} has no record in docs/figures; npm run gallery -- --only ${name} makes it`);
      continue;
    }
    const { title, claim } = await loadFigure(name);
    if (record.title !== title) found.push(`${name}: the title is no longer the recorded one`);
    if (record.claim !== claim) found.push(`${name}: the claim is no longer the recorded one`);
    found.push(...unmetFindings(record));
    for (const { file, sha256 } of record.pictures) {
      if (!existsSync(`docs/figures/${file}`)) found.push(`${name}: docs/figures/${file} is not there`);
      else if (hashOf(`docs/figures/${file}`) !== sha256)
        found.push(`${name}: docs/figures/${file} is not the recorded one`);
    }
  }
  for (const name of records.keys())
    if (!figureNames.includes(name)) found.push(`there is a record of ${name}, which is no figure`);
  found.push(...strayPictures(records), ...missingPictures());
  if (figureNames.every((name) => records.has(name))) {
    const all = figureNames.map((name) => records.get(name)!);
    const pages = [
      ["docs/gallery.md", galleryPage(all)],
      ["src/cli/measured.ts", measuredModule(all)],
    ] as const;
    for (const [file, text] of pages) {
      if (!existsSync(file) || readFileSync(file, "utf8") !== text) found.push(`${file} is not what the records give`);
    }
  }
  return found;
}

/** Findings of a record that are not met, as sentences. */
export function unmetFindings({ name, findings }: FigureRecord): string[] {
  return findings
    .filter(({ met, timed }) => met === false && !timed)
    .map(({ expected, measured }) => `${name}: expected: ${expected}; measured: ${measured}`);
}

// Pictures of docs/ that no figure makes. Other commands' pictures would be named here, with their command.
function strayPictures(records: Map<string, FigureRecord>): string[] {
  const made = new Set(
    [...records.values()].flatMap(({ pictures }) => pictures.map(({ file }) => `docs/figures/${file}`)),
  );
  return filesOf("docs", /\.svg$/)
    .filter((file) => !made.has(file))
    .map((file) => `${file} belongs to no figure`);
}

/** Pictures that pages name and that are not there. */
function missingPictures(): string[] {
  return ["README.md", ...filesOf("docs", /\.md$/)].flatMap((page) => {
    const text = readFileSync(page, "utf8");
    const named = [...text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g), ...text.matchAll(/<img [^>]*src="([^"]+)"/g)];
    return named
      .map(([, target]) => target!)
      .filter(
        (target) =>
          !/^(https?|data):/.test(target) &&
          !existsSync(path.join(target.startsWith("/") ? "docs/public" : path.dirname(page), target)),
      )
      .map((target) => `${page} shows ${target}, which is not there`);
  });
}

function filesOf(folder: string, ending: RegExp): string[] {
  const hidden = /^(\.|api\/)|\/\./;
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.split(path.sep).join("/"))
    .filter((file) => ending.test(file) && !hidden.test(file))
    .map((file) => `${folder}/${file}`);
}

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/**
 * Where a figure that ran again is not what is recorded, what depends on the clock aside.
 *
 * @param recorded  what stands in docs/figures
 * @param anew      of a run
 * @returns sentences; none where they are the same
 */
export function differences(recorded: FigureRecord, anew: FigureRecord): string[] {
  const found: string[] = [];
  const compare = (what: string, before: unknown, now: unknown) => {
    const [was, is] = [JSON.stringify(before), JSON.stringify(now)];
    if (was !== is) found.push(`${what} is ${is}, recorded ${was}`);
  };
  for (const field of ["title", "claim", "build", "options", "warnings"] as const)
    compare(field, recorded[field], anew[field]);
  compare("number of findings", recorded.findings.length, anew.findings.length);
  recorded.findings.forEach((before, i) => {
    const now = anew.findings[i];
    if (!now) return;
    compare(`finding ${i + 1}, what is expected,`, before.expected, now.expected);
    if (before.timed && now.timed) return;
    compare(`finding ${i + 1}, what is measured,`, before.measured, now.measured);
    compare(`finding ${i + 1}, whether it is met,`, before.met, now.met);
  });
  const [before, now] = [recorded.table, anew.table];
  compare("the table's head", before.columns, now.columns);
  compare("the number of rows", before.rows.length, now.rows.length);
  before.rows.forEach((row, i) => {
    row.forEach((value, j) => {
      const column = before.columns[j];
      if (!column?.timed) compare(`row ${i + 1}, ${column?.name},`, value, now.rows[i]?.[j]);
    });
  });
  const pictures = ({ pictures }: FigureRecord) =>
    pictures.map(({ timed, sha256, ...one }) => (timed ? one : { ...one, sha256 }));
  compare("pictures", pictures(recorded), pictures(anew));
  return found;
}
