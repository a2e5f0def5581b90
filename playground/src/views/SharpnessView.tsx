// The sharpness against 2/ε over time, drawn from frames.

import type { ReadonlySignal } from "@preact/signals";
import type { Frame } from "../run/protocol";
import { CurveView } from "./CurveView";
import type { Curves } from "./curves";
import { readable } from "./names";

const SERIES = [
  { field: "sharpness", of: "network", label: "λ_max" },
  { field: "edge", of: "muted", dash: [5, 4], label: "2/ε" },
] as const;

/**
 * Largest eigenvalue of the Hessian beside 2/ε, above which a step of gradient descent overshoots.
 *
 * @param props.frame  frames; their records are kept by `curvesOf(frame)`
 */
export function SharpnessView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  return (
    <CurveView
      frame={frame}
      name="sharpness"
      title="Sharpness and 2/ε"
      axis="sharpness λ_max"
      series={SERIES}
      words={sharpnessWords}
    />
  );
}

/** Sharpness at one record, in words. */
export function sharpnessWords(curves: Curves, index: number): string {
  const [sharpness, edge] = [curves.values("sharpness")[index]!, curves.values("edge")[index]!];
  const where = Number.isNaN(sharpness) ? "" : sharpness > edge ? ", above" : ", below";
  return `At t = ${readable(curves.times[index]!)} the sharpness is ${readable(sharpness)}${where} 2/ε = ${readable(edge)}.`;
}
