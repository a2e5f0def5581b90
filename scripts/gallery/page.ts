// docs/gallery.md, and the short list that the command line shows, from the records.

import { families } from "../../src/study/figures/families";
import type { Finding } from "../../src/study/figures/figure";
import type { FigureRecord } from "./record";

/** Size of a picture in the page, of its own. */
const SHARE = 0.55;

/**
 * The gallery as Markdown that GitHub and VitePress read alike.
 *
 * @param records  of all figures, in any order
 */
export function galleryPage(records: readonly FigureRecord[]): string {
  const byName = new Map(records.map((record) => [record.name, record]));
  const findings = records.flatMap((record) => record.findings).filter(({ timed }) => !timed);
  const met = findings.filter((one) => one.met).length;
  const minutes = Math.round(records.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
  const head = `<!-- Written by \`npm run gallery\` from docs/figures/*.json. -->

# Gallery

Every named figure at its defaults: what it claims, what was expected and what was measured. ${met} of the ${findings.length} findings of
${records.length} figures are met; to run them all takes about ${minutes} minutes of one core.

\`npx meanfield figure NAME\` runs one and writes its pictures and numbers to \`out/\`, \`npx meanfield figure --list\` lists them. A
specification gives the same bits on every machine with one build of the kernels, here \`simd\`; what depends on the clock says so.
\`npm run gallery\` makes this page, with \`-- --check\` it runs the figures again and compares.
`.split("\n");
  const contents = families.flatMap(({ title, figures }) => [
    `- [${title}](#${slug(title)})`,
    ...Object.keys(figures).map((name) => `  - [${name}](#${name}): ${text(byName.get(name)!.title)}`),
  ]);
  const body = families.flatMap(({ title, figures }) => [
    "",
    `## ${title}`,
    ...Object.entries(figures).flatMap(([name, from]) => entry(byName.get(name)!, from)),
  ]);
  return [...head, ...contents, ...body, ""].join("\n");
}

function entry(record: FigureRecord, { source, note }: { source: string; note: string }): string[] {
  const { name, title, claim, command, findings, pictures, seconds } = record;
  // the sizes keep the places of pictures that are not yet there
  const images = pictures.map(({ file, title: alt, width, height }) => {
    const size = `width="${Math.round(SHARE * width)}" height="${Math.round(SHARE * height)}"`;
    return `<a href="./figures/${file}"><img src="./figures/${file}" alt="${quoted(alt)}" ${size} loading="lazy"></a>`;
  });
  return [
    "",
    `### ${name}`,
    "",
    `**${text(title)}.** ${text(claim)}`,
    "",
    ...images,
    "",
    "| expected | measured | |",
    "|---|---|---|",
    ...findings.map((one) => `| ${text(one.expected)} | ${text(one.measured)} | ${verdict(one)} |`),
    "",
    `\`${command}\`, about ${roughly(seconds)} of one core. After ${text(source)}; more in [${note.split("#")[0]}](${note}). All numbers:`,
    `[${name}.json](./figures/${name}.json).`,
  ];
}

function verdict({ met, timed }: Finding): string {
  const said = met === null ? "left to the eye" : met ? "met" : "**not met**";
  return timed ? `${said}; depends on the clock` : said;
}

function roughly(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

// What Markdown, its tables, HTML or a search for links would take for their own. A _ between letters is none of these.
function text(plain: string): string {
  return plain
    .replace(/[|*`~[\]\\]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("\\](", "&#93;(");
}

// The same for an attribute.
function quoted(plain: string): string {
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** The anchor of a heading of letters, digits and blanks. */
function slug(heading: string): string {
  return heading.toLowerCase().replaceAll(" ", "-");
}

/**
 * The module of the command line that says what the figures measured.
 *
 * @param records  of all figures, in their order
 */
export function measuredModule(records: readonly FigureRecord[]): string {
  const entries = records.map(({ name, seconds, findings }) => {
    const tested = findings.filter(({ met, timed }) => met !== null && !timed);
    const { expected = "", measured = "" } = tested[0] ?? {};
    const short = { seconds, met: tested.filter(({ met }) => met).length, of: tested.length, expected, measured };
    return `  ${JSON.stringify(name)}: ${JSON.stringify(short)},\n`;
  });
  return `// Written by \`npm run gallery\` from docs/figures/*.json: what the figures measured at their defaults when they last ran.

/** What a figure measured. */
export interface Measured {
  /** Of one core. */
  seconds: number;
  /** How many findings are met, and of how many. */
  met: number;
  of: number;
  /** The first of them. */
  expected: string;
  measured: string;
}

/** By name. */
export const measured: Record<string, Measured> = {
${entries.join("")}};
`;
}
