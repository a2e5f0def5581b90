// `meanfield figure --list`: the figures by family, with what they took and found when the gallery was made.

import { families } from "../study/figures/families";
import { loadFigure } from "../study/figures/registry";
import { type Measured, measured } from "./measured";
import { wrapped } from "./wrapped";

/** A figure as the list has it. */
export interface ListedFigure {
  name: string;
  family: string;
  title: string;
  claim: string;
  /** Chapter of the theory, and the paper or lecture. */
  source: string;
  /** What it measured at its defaults; null where the gallery was not made since the figure is there. */
  measured: Measured | null;
}

/** All figures, in the order of their families. */
export function listedFigures(): Promise<ListedFigure[]> {
  const named = families.flatMap(({ title: family, figures }) =>
    Object.entries(figures).map(([name, { source }]) => ({ name, family, source })),
  );
  return Promise.all(
    named.map(async ({ name, family, source }) => {
      const { title, claim } = await loadFigure(name);
      return { name, family, title, claim, source, measured: measured[name] ?? null };
    }),
  );
}

/**
 * The list as text.
 *
 * @param figures  as listed
 * @param verbose  with claim, source and measured numbers; a line a figure otherwise
 */
export function figureListText(figures: readonly ListedFigure[], verbose: boolean): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  const headed = families.map(({ title: family }) => {
    const own = figures.filter((figure) => figure.family === family);
    return `${family}\n\n${own.map((figure) => (verbose ? full(figure) : brief(figure, width))).join("")}`;
  });
  const note = verbose
    ? ""
    : "\nThe time is of one core, and after it stands how many findings are met of how many, at the defaults. With --verbose: claims, measured numbers, sources.\n";
  return `${headed.join("\n")}${note}`;
}

function brief({ name, title, measured: found }: ListedFigure, width: number): string {
  const [time, score] = found ? [timeOf(found), scoreOf(found)] : ["–", "–"];
  return `  ${name.padEnd(width)}  ${time.padStart(6)}  ${score.padStart(5)}  ${title}\n`;
}

function full({ name, title, claim, source, measured: found }: ListedFigure): string {
  const numbers = found
    ? `${wrapped(`Expected: ${found.expected}.`, "  ")}${wrapped(`Measured: ${found.measured}.`, "  ")}  ${scoreOf(found)} findings met, in about ${timeOf(found)} of one core. `
    : "  ";
  return `${name}\n${wrapped(`${title}.`, "  ")}${wrapped(claim, "  ")}${numbers}After ${source}.\n\n`;
}

function timeOf({ seconds }: Measured): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function scoreOf({ met, of }: Measured): string {
  return `${met}/${of}`;
}
