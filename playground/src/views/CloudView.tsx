// The cloud of the neurons, drawn from frames.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { Frame } from "../run/protocol";
import { cloudSummary, cloudTitle, drawCloud } from "./cloud";
import { cloudKey } from "./keys";
import { Canvas, Figure, useSummary } from "./stage";

/**
 * Parameters of the neurons in two coordinates over the density of the limit.
 *
 * @param props.frame  frames; `cloud` of them is drawn, nothing where it is null
 */
export function CloudView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  const known = useComputed(() => (frame.value?.cloud?.density ?? null) !== null).value;
  const summary = useSummary(frame, ({ cloud }) => (cloud ? cloudSummary(cloud) : ""));
  return (
    <Figure name="cloud" title={cloudTitle(known)} entries={cloudKey(known)} summary={summary}>
      <Canvas
        frame={frame}
        draw={(pen, size, { cloud }, theme) => {
          if (cloud) drawCloud(pen, { x: 0, y: 0, ...size }, cloud, theme);
        }}
      />
    </Figure>
  );
}
