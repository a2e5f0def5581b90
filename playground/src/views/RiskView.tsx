// The risk of the network and of its limit against time, drawn from frames.

import type { ReadonlySignal } from "@preact/signals";
import type { Frame, RiskBand } from "../run/protocol";
import { CurveView } from "./CurveView";
import { RISK } from "./curvePicture";
import type { Curves } from "./curves";
import { readable } from "./names";

/**
 * Risk of network and limit against time, with the band in which the network's is expected.
 *
 * @param props.frame  frames; their records are kept by `curvesOf(frame)`
 * @param props.band     of the risk; null or left out: none
 * @param props.awaited  whether a band is being computed, and nothing of it is there yet
 */
export function RiskView(props: {
  frame: ReadonlySignal<Frame | null>;
  band?: ReadonlySignal<RiskBand | null>;
  awaited?: ReadonlySignal<boolean>;
}) {
  return <CurveView {...props} name="risk" kind={RISK} words={riskWords} />;
}

/** Risks at one record, in words. */
export function riskWords(curves: Curves, index: number): string {
  const [risk, limit] = [curves.values("risk")[index]!, curves.values("limitRisk")[index]!];
  const words = `At t = ${readable(curves.times[index]!)} the network's risk is ${readable(risk)}`;
  return Number.isNaN(limit) ? `${words}.` : `${words}, the limit's ${readable(limit)}.`;
}
