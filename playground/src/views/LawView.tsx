// The law of one coordinate, drawn from frames.

import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Frame } from "../run/protocol";
import { drawLaw, lawSummary } from "./law";
import type { Entry } from "./legend";
import { Canvas, Figure, useSummary } from "./stage";
import { pageTheme } from "./theme";

const BARS: Entry = { glyph: "bars", of: "network", label: "network" };
const LINE: Entry = { glyph: "line", of: "limit", label: "limit" };

/**
 * Histogram of the network under the density of its limit.
 *
 * @param props.frame  frames; `law` of them is drawn, nothing where it is null
 */
export function LawView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  const theme = pageTheme();
  const top = useRef({ name: "", height: 0 });
  const summary = useSummary(frame, ({ law }) => (law ? lawSummary(law) : ""));
  return (
    <Figure name="law" title="Law of one coordinate" entries={[BARS, LINE]} summary={summary}>
      <Canvas
        draw={(pen, size) => {
          const { value } = frame;
          const colours = theme.value;
          if (!value?.law) return;
          const { name } = value.law;
          const before = value.restart || top.current.name !== name ? 0 : top.current.height;
          top.current = { name, height: drawLaw(pen, { x: 0, y: 0, ...size }, value.law, colours, before) };
        }}
      />
    </Figure>
  );
}
