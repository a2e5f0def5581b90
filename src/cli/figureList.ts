// `meanfield figure --list`: the figures by family, with what they took and found when the gallery was made.

import { families } from "../study/figures/families";
import { loadFigure } from "../study/figures/registry";
import { measured } from "./measured";
import { wrapped } from "./wrapped";

/** A figure as the list has it. */
export interface ListedFigure {
  name: string;
  family: string;
  title: string;
  claim: string;
  /** Chapter of the theory, and the paper or lecture. */
  source: string;
  /** Of one core; null where the gallery has not been made since the figure is there, as the others. */
  seconds: number | null;
  /** Findings that are met, and of how many. */
  met: number | null;
  of: number | null;
  /** What the first finding measured. */
  measured: string | null;
}

/** All figures, in the order of their families. */
export function listedFigures(): Promise<ListedFigure[]> {
  const named = families.flatMap(({ title: family, figures }) =>
    Object.entries(figures).map(([name, { source }]) => ({ name, family, source })),
  );
  return Promise.all(
    named.map(async ({ name, family, source }) => {
      const { title, claim } = await loadFigure(name);
      const { seconds = null, met = null, of = null, first = null } = measured[name] ?? {};
      return { name, family, title, claim, source, seconds, met, of, measured: first };
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
    : "\nThe time is of one core, and after it stands how many findings are met of how many, at the defaults. With --verbose: claims, sources, measured numbers.\n";
  return `${headed.join("\n")}${note}`;
}

function brief(figure: ListedFigure, width: number): string {
  return `  ${figure.name.padEnd(width)}  ${timeOf(figure).padStart(6)}  ${scoreOf(figure).padStart(5)}  ${figure.title}\n`;
}

function full(figure: ListedFigure): string {
  const { name, title, claim, source, measured: found, of } = figure;
  const score = of === null ? "not measured yet" : `${timeOf(figure)} of one core, ${scoreOf(figure)} findings met`;
  const first = found ? wrapped(`Measured first: ${found}.`, "  ") : "";
  return `${name}\n${wrapped(`${title}.`, "  ")}${wrapped(claim, "  ")}${first}  ${score}; ${source}\n\n`;
}

function timeOf({ seconds }: ListedFigure): string {
  if (seconds === null) return "–";
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

function scoreOf({ met, of }: ListedFigure): string {
  return of === null ? "–" : `${met}/${of}`;
}
