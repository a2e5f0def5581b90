// The experiment in the address: written as it changes, read when the page opens and when the address is changed by hand, by a link, or by
// back and forward.

import { effect, untracked } from "@preact/signals";
import { type Dropped, defaults, type Experiment } from "../experiment";
import { fileOfLink, stopOfLink } from "../tour/tour";
import { notify } from "./notices";
import { dropped, experiment, linked, load, playing, time } from "./store";
import { experimentFromHash, experimentToHash } from "./url";

/** Between two writings; browsers limit them. */
const PAUSE = 400;

let written = "";
let timer = 0;

/** Reads the address, and keeps it in step from then on. */
export function beginLinks(): { experiment: Experiment; file: Dropped | null } {
  const first = read();
  effect(() => {
    experiment.value;
    // while it plays the time is written at the pace of the timer alone
    if (!playing.value) time.value;
    untracked(later);
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === written) return;
    const { experiment: next, file } = read();
    load(next, file);
  });
  return first;
}

/** The address of this state. */
export function address(): string {
  return `${location.href.split("#")[0]}${experimentToHash(linked())}`;
}

function read(): { experiment: Experiment; file: Dropped | null } {
  if (location.hash.length < 2) return { experiment: defaults("gaussians"), file: dropped.peek() };
  const stop = stopOfLink(location.hash);
  if (stop) return stop;
  const file = fileOfLink(location.hash) ?? dropped.peek();
  const { experiment: found, notices } = experimentFromHash(location.hash, file !== null);
  // no warning of the run, which the next run would take away
  for (const text of notices) notify("information", text);
  return { experiment: found, file };
}

function later(): void {
  if (timer !== 0) return;
  timer = window.setTimeout(() => {
    timer = 0;
    written = experimentToHash(linked());
    if (written !== location.hash)
      history.replaceState(
        history.state,
        "",
        written === "" || written === "#" ? location.pathname + location.search : written,
      );
  }, PAUSE);
}
