// What the network says over a square of inputs, drawn from frames.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Frame } from "../run/protocol";
import { decisionKind, decisionSummary, drawDecision } from "./decision";
import type { Entry } from "./legend";
import { MARKS } from "./pen";
import { Canvas, Figure, useSummary } from "./stage";

/**
 * Classes, or f(x), over a square of two-dimensional inputs, with the examples; the limit's border on it, and the limit beside it
 * where there is room.
 *
 * @param props.frame  frames; `decision` of them is drawn, nothing where it is null
 */
export function DecisionView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  // one text, so that the key changes when one of these does and not with each frame
  const form = useComputed(() => {
    const decision = frame.value?.decision;
    return decision ? `${decisionKind(decision)} ${decision.outputs} ${decision.limit !== null}` : "";
  });
  const [kind = "", outputs = "", withLimit = ""] = form.value.split(" ");
  const reach = useRef(0);
  const summary = useSummary(frame, ({ decision }) => (decision ? decisionSummary(decision) : ""));
  return (
    <Figure
      name="decision"
      title={kind === "number" ? "The learnt function" : "Decision boundary"}
      entries={entriesOf(kind, Number(outputs), withLimit === "true")}
      summary={summary}
    >
      <Canvas
        frame={frame}
        draw={(pen, size, { decision, restart }, theme) => {
          if (!decision) return;
          const before = restart ? 0 : reach.current;
          reach.current = drawDecision(pen, { x: 0, y: 0, ...size }, decision, theme, before);
        }}
      />
    </Figure>
  );
}

function entriesOf(kind: string, outputs: number, withLimit: boolean): Entry[] {
  const entries: Entry[] = [];
  if (kind === "classes") {
    for (let c = 0; c < outputs; c++) {
      entries.push({ glyph: "mark", of: `hue${c % 6}`, mark: MARKS[c % MARKS.length]!, label: `class ${c}` });
    }
  } else if (kind === "sign") {
    entries.push({ glyph: "mark", of: "low", mark: "disc", label: "y = −1" });
    entries.push({ glyph: "mark", of: "high", mark: "square", label: "y = +1" });
    entries.push({ glyph: "line", of: "ink", label: "f = 0, network" });
  } else if (kind === "number") {
    entries.push({ glyph: "signed", of: "low", label: "f(x) below and above 0" });
    entries.push({ glyph: "line", of: "ink", label: "levels, network" });
  }
  if (withLimit) {
    const of = kind === "classes" ? "ink" : "limit";
    entries.push({ glyph: "line", of, label: kind === "number" ? "levels, limit" : "border of the limit" });
  }
  return entries;
}
