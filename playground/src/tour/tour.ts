// Going through the tour: a stop sets the page up and runs to its end; its move breaks the claim. Stops count from 1, as links have them.

import { type Dropped, defaults, type Experiment } from "../experiment";
import { experiment, load, pause, pauseAt, play, setRate } from "../state/store";
import { stops } from "./stops";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The stop of that number, from 1; undefined where there is none. */
export function stopAt(number: number | null) {
  return number === null ? undefined : stops[Math.max(1, number) - 1];
}

/** What a link to a stop runs, where it is none of the page's problems. */
export function fileOfLink(hash: string): Dropped | null {
  const number = /(?:^#?|&)tour=(\d+)/.exec(hash)?.[1];
  const stop = stopAt(number === undefined ? null : Number(number));
  return stop?.file && /(?:^#?|&)problem=file(?:&|$)/.test(hash) ? stop.file(stop.setting.temperature ?? 0) : null;
}

/** The stop that a link with nothing else, `#tour=6`, leads to. */
export function stopOfLink(hash: string): { experiment: Experiment; file: Dropped | null } | null {
  const number = Number(/^#?tour=(\d+)$/.exec(hash)?.[1] ?? 0);
  const stop = number >= 1 && number <= stops.length ? stopAt(number) : undefined;
  return stop ? { experiment: settingOf(number), file: stop.file?.(settingOf(number).temperature) ?? null } : null;
}

/** Sets a stop up and plays it, unless the visitor wants little to move. */
export function goTo(number: number): void {
  if (stopAt(number)) run(settingOf(number), number);
}

/** The setting of the stop once more. */
export function showAgain(): void {
  const { tour } = experiment.peek();
  if (tour !== null) goTo(tour);
}

/** The stop's own move, from the start. */
export function breakIt(): void {
  const { tour } = experiment.peek();
  const stop = stopAt(tour);
  if (stop) run({ ...defaults(stop.setting.problem), ...stop.setting, ...stop.broken, tour }, tour!);
}

/** Ends the tour; the run stays. */
export function closeTour(): void {
  pauseAt.value = null;
  experiment.value = { ...experiment.peek(), tour: null };
}

function settingOf(number: number): Experiment {
  const { setting } = stopAt(number)!;
  return { ...defaults(setting.problem), ...setting, tour: number };
}

function run(next: Experiment, number: number): void {
  const { until, rate } = stopAt(number)!;
  pause();
  load(next, stopAt(number)!.file?.(next.temperature) ?? null);
  setRate(rate);
  pauseAt.value = until;
  if (!still.matches) play();
}
