// The guided tour: a claim, what to see, what to move, and what then happens.

import { useEffect, useRef } from "preact/hooks";
import { experiment } from "../state/store";
import { stops } from "../tour/stops";
import { breakIt, closeTour, goTo, showAgain, stopAt } from "../tour/tour";
import { CloseIcon } from "./icons";

/** The stop that stands, or nothing. */
export function TourPanel() {
  const number = experiment.value.tour;
  const heading = useRef<HTMLHeadingElement>(null);
  const before = useRef(number);
  useEffect(() => {
    // not where the page opens with a stop in its link
    if (number !== null && before.current !== number) heading.current?.focus();
    before.current = number;
  }, [number]);
  const stop = stopAt(number);
  if (!stop) return null;
  const at = stops.indexOf(stop) + 1;
  return (
    <section class="tour" aria-labelledby="tour-heading">
      <p class="where">
        Tour, stop {at} of {stops.length}
      </p>
      <h2 id="tour-heading" tabIndex={-1} ref={heading}>
        {stop.claim}
      </h2>
      <button type="button" class="close" data-testid="tour-close" aria-label="Close the tour" onClick={closeTour}>
        <CloseIcon />
      </button>
      <div class="words">
        <p>
          <b>What to see</b> {stop.see}
        </p>
        <p>
          <b>Break it</b> {stop.move} {stop.consequence}
        </p>
      </div>
      <p class="source">
        {stop.source} <span>{stop.measured}</span>
      </p>
      <div class="ways">
        <button type="button" onClick={showAgain}>
          Show the claim
        </button>
        <button type="button" data-testid="tour-break" onClick={breakIt}>
          {stop.button}
        </button>
        <button type="button" data-testid="tour-prev" disabled={at === 1} onClick={() => goTo(at - 1)}>
          Back
        </button>
        <button
          type="button"
          class="primary"
          data-testid="tour-next"
          onClick={() => (at < stops.length ? goTo(at + 1) : closeTour())}
        >
          {at < stops.length ? "Next" : "Finish"}
        </button>
      </div>
    </section>
  );
}
