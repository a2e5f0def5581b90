// The sharpness against 2/ε over time, drawn from frames.

import type { ReadonlySignal } from "@preact/signals";
import type { Frame } from "../run/protocol";
import { CurveView } from "./CurveView";
import { SHARPNESS } from "./curvePicture";
import type { Curves } from "./curves";
import { readable } from "./names";

/**
 * Largest eigenvalue of the Hessian beside 2/ε, above which a step of gradient descent overshoots.
 *
 * @param props.frame  frames; their records are kept by `curvesOf(frame)`
 */
export function SharpnessView({ frame }: { frame: ReadonlySignal<Frame | null> }) {
  return <CurveView frame={frame} name="sharpness" kind={SHARPNESS} words={sharpnessWords} />;
}

/** Sharpness at one record, in words. */
export function sharpnessWords(curves: Curves, index: number): string {
  const [sharpness, edge] = [curves.values("sharpness")[index]!, curves.values("edge")[index]!];
  const where = Number.isNaN(sharpness) ? "" : sharpness > edge ? ", above" : ", below";
  return `At t = ${readable(curves.times[index]!)} the sharpness is ${readable(sharpness)}${where} 2/ε = ${readable(edge)}.`;
}
