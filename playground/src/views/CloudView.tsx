// The cloud of the neurons, drawn from frames.

import type { ReadonlySignal } from "@preact/signals";
import type { Frame } from "../run/protocol";
import { cloudSummary, drawCloud } from "./cloud";
import type { Entry } from "./legend";
import { Canvas, Figure, useSummary } from "./stage";

const ENTRIES: Entry[] = [
  { glyph: "dots", of: "network", label: "neurons" },
  { glyph: "heat", of: "limit", label: "density of the limit, √ scale" },
];

/**
 * Parameters of the neurons in two coordinates over the density of the limit.
 *
 * @param props.frame  frames; `cloud` of them is drawn, nothing where it is null
 */
export function CloudView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  const summary = useSummary(frame, ({ cloud }) => (cloud ? cloudSummary(cloud) : ""));
  return (
    <Figure name="cloud" title="Neurons over the limit’s density" entries={ENTRIES} summary={summary}>
      <Canvas
        frame={frame}
        draw={(pen, size, { cloud }, theme) => {
          if (cloud) drawCloud(pen, { x: 0, y: 0, ...size }, cloud, theme);
        }}
      />
    </Figure>
  );
}
