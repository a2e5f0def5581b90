// What the network says over a square of inputs, drawn from frames.

import { type ReadonlySignal, useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Frame } from "../run/protocol";
import { type DecisionKind, decisionKind, decisionSummary, decisionTitle, drawDecision } from "./decision";
import { decisionKey } from "./keys";
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
  const [kind = "", outputs = "", withLimit = ""] = form.value.split(" ") as [DecisionKind | "", string?, string?];
  const reach = useRef(0);
  const summary = useSummary(frame, ({ decision }) => (decision ? decisionSummary(decision) : ""));
  return (
    <Figure
      name="decision"
      title={decisionTitle(kind)}
      entries={kind === "" ? [] : decisionKey(kind, Number(outputs), withLimit === "true")}
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
