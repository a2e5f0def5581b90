// Going through the tour: a stop sets the page up and runs to its end; its move breaks the claim.

import { defaults } from "../experiment";
import { experiment, load, pause, pauseAt, playing, setRate, toggle } from "../state/store";
import { stops } from "./stops";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Sets a stop up and plays it, unless the visitor wants little to move. */
export function goTo(index: number): void {
  const stop = stops[index];
  if (!stop) return;
  run({ ...defaults(stop.setting.problem), ...stop.setting, tour: index, time: 0, changes: [] }, index);
}

/** The setting of the stop once more. */
export function showAgain(): void {
  const { tour } = experiment.peek();
  if (tour !== null) goTo(tour);
}

/** The stop's own move, from the start. */
export function breakIt(): void {
  const { tour } = experiment.peek();
  const stop = tour === null ? undefined : stops[tour];
  if (!stop) return;
  run({ ...defaults(stop.setting.problem), ...stop.setting, ...stop.broken, tour, time: 0, changes: [] }, tour!);
}

/** Ends the tour; the run stays. */
export function closeTour(): void {
  pauseAt.value = null;
  experiment.value = { ...experiment.peek(), tour: null };
}

function run(next: ReturnType<typeof defaults>, index: number): void {
  const { until, rate } = stops[index]!;
  pause();
  load(next, null);
  setRate(rate);
  pauseAt.value = until;
  if (!still.matches && !playing.peek()) toggle();
}
