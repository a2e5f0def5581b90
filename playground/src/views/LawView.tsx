// The law of one coordinate, drawn from frames.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Frame } from "../run/protocol";
import { lawKey } from "./keys";
import { drawLaw, lawSummary, lawTitle } from "./law";
import { projectionNote } from "./names";
import { Canvas, Figure, useSummary } from "./stage";

/**
 * Histogram of the network under the density of its limit.
 *
 * @param props.frame  frames; `law` of them is drawn, nothing where it is null
 */
export function LawView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  const title = useComputed(() => lawTitle(frame.value?.law?.name));
  const about = useComputed(() => projectionNote(frame.value?.law?.name ?? "").trim() || undefined).value;
  const known = useComputed(() => (frame.value?.law?.limit ?? null) !== null).value;
  const top = useRef({ name: "", height: 0 });
  const summary = useSummary(frame, ({ law }) => (law ? lawSummary(law) : ""));
  return (
    <Figure name="law" title={title} about={about} entries={lawKey(known)} summary={summary}>
      <Canvas
        frame={frame}
        draw={(pen, size, { law, restart }, theme) => {
          if (!law) return;
          const before = restart || top.current.name !== law.name ? 0 : top.current.height;
          top.current = { name: law.name, height: drawLaw(pen, { x: 0, y: 0, ...size }, law, theme, before) };
        }}
      />
    </Figure>
  );
}
