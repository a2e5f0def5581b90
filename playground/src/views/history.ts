// The records of the frames that the page has seen.

import { effect, type ReadonlySignal } from "@preact/signals";
import type { Frame } from "../run/protocol";
import { Curves } from "./curves";

const known = new WeakMap<ReadonlySignal<Frame | null>, Curves>();

/**
 * The records of all frames that a signal has had, from the first call on: call it where the signal is made, so that nothing is
 * lost while no curve is shown.
 *
 * @param frame  the frames; set once a frame
 */
export function curvesOf(frame: ReadonlySignal<Frame | null>): Curves {
  let curves = known.get(frame);
  if (!curves) {
    const made = new Curves();
    known.set(frame, (curves = made));
    effect(() => made.take(frame.value));
  }
  return curves;
}
