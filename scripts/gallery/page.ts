// docs/gallery.md, and the short list that the command line shows, from the records.

import { families } from "../../src/study/figures/families";
import type { Finding } from "../../src/study/figures/figure";
import type { FigureRecord } from "./record";

/**
 * The gallery as Markdown that GitHub and VitePress read alike.
 *
 * @param records  of all figures, in any order
 */
export function galleryPage(records: readonly FigureRecord[]): string {
  const byName = new Map(records.map((record) => [record.name, record]));
  const tested = records.flatMap(({ findings }) => findings).filter(({ timed }) => !timed);
  const met = tested.filter((one) => one.met);
  const seconds = records.reduce((sum, record) => sum + record.seconds, 0);
  const head = [
    "<!-- Written by `npm run gallery` from docs/figures/*.json. -->",
    "",
    "# Gallery",
    "",
    `Every named figure at its defaults: what it claims, what was expected and what was measured. ${records.length} figures have`,
    `${tested.length} findings, of which ${met.length} are met${met.length < tested.length ? " and the others are left to the eye or not" : ""}; all together take about`,
    `${Math.round(seconds / 60)} minutes of one core. \`npx meanfield figure NAME\` runs one and writes its pictures and numbers to \`out/\`; \`--list\` lists`,
    "them. For a given build of the kernels the numbers are the same bits on every machine, but for those that depend on the clock;",
    "these are of the `simd` build. `npm run gallery` runs all and writes this page; with `-- --check` it runs them anew and compares.",
    "",
  ];
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
  const images = pictures.map(
    (picture) =>
      `<a href="./figures/${picture.file}"><img src="./figures/${picture.file}" alt="${text(picture.title)}" width="440" loading="lazy"></a>`,
  );
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

// What Markdown, its tables, HTML or the pages' links would take for their own.
function text(plain: string): string {
  return plain.replace(/[&<>|*_`[\]"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
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
    const short = { seconds, met: tested.filter(({ met }) => met).length, of: tested.length };
    return `  ${JSON.stringify(name)}: ${JSON.stringify({ ...short, first: tested[0]?.measured ?? "" })},\n`;
  });
  return `// Written by \`npm run gallery\` from docs/figures/*.json: what the figures measured at their defaults when they last ran.

/** By name: seconds of one core, how many findings are met of how many, and what the first of them measured. */
export const measured: Record<string, { seconds: number; met: number; of: number; first: string }> = {
${entries.join("")}};
`;
}
