// For measuring: with ?frames in the address, intervals between frames of the display while a run plays.

import { playing } from "./store";

declare global {
  interface Window {
    /** milliseconds between frames of the display while playing */
    playgroundFrames?: number[];
  }
}

/** Records until the page is left. */
export function recordFrames(): void {
  const intervals: number[] = [];
  window.playgroundFrames = intervals;
  let last: number | null = null;
  const look = (now: number) => {
    if (playing.peek()) {
      if (last !== null) intervals.push(now - last);
      last = now;
    } else last = null;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
