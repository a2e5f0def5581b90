// Curves against time as a picture of their own: which curves there are, and how they are drawn in a file.

import type { RiskBand } from "../run/protocol";
import { type AxisSpec, drawAxes, plane, steadyRange, steadyTop } from "./axes";
import { type Curves, type Field, polyline } from "./curves";
import type { Box, Pen } from "./pen";
import { bandOutline, extent, firstPositive } from "./range";
import type { Theme } from "./theme";

/** One curve. */
export interface Series {
  field: Field;
  of: "network" | "limit" | "muted";
  dash?: readonly number[];
  label: string;
}

/** What a picture of curves shows. */
export interface CurveKind {
  title: string;
  /** what its symbols stand for */
  about: string;
  /** name of the values' axis, with its unit */
  axis: string;
  series: readonly Series[];
}

/** Risk of network and limit. */
export const RISK: CurveKind = {
  title: "Risk",
  about: "R = E|y − f(x)|², or the expected cross-entropy, of the network’s output f, the mean of its N neurons.",
  axis: "risk",
  series: [
    { field: "risk", of: "network", label: "network" },
    { field: "limitRisk", of: "limit", label: "limit" },
  ],
};

/** Sharpness and where it is too much. */
export const SHARPNESS: CurveKind = {
  title: "Sharpness and 2/ε",
  about:
    "λ_max: the largest eigenvalue of the loss’s Hessian, as a step feels it; above 2/ε a minimum is not stable under steps of size ε.",
  axis: "sharpness λ_max",
  series: [
    { field: "sharpness", of: "network", label: "λ_max" },
    { field: "edge", of: "muted", dash: [5, 4], label: "2/ε" },
  ],
};

/** Name of the axis of time. */
export const TIME = "time t = kε";

/** How much of its colour the band has. */
export const BAND_OPACITY = 0.55;

/**
 * Ends of the axis of time, which moves in steps.
 *
 * @param curves  records
 * @param log     whether it is logarithmic
 * @param before  upper end until now; 0 at first
 */
export function timeEnds(curves: Curves, log: boolean, before: number): [number, number] {
  const last = curves.length > 0 ? curves.times[curves.length - 1]! : 0;
  const until = steadyTop(before, last);
  if (!log) return [Math.min(0, curves.length > 0 ? curves.times[0]! : 0), until];
  const first = firstPositive(curves);
  return [first, Math.max(until, 1.01 * first)];
}

/**
 * Draws curves.
 *
 * @param pen     to draw with
 * @param outer   the whole picture
 * @param curves  records
 * @param kind    which of their columns
 * @param band    of the risk; null: none
 * @param log     whether the axis of time is logarithmic
 * @param theme   colours
 */
export function drawCurves(
  pen: Pen,
  outer: Box,
  curves: Curves,
  kind: CurveKind,
  band: RiskBand | null,
  log: boolean,
  theme: Theme,
): void {
  const [from, to] = timeEnds(curves, log, 0);
  const fields = kind.series.map(({ field }) => field);
  const [low, high] = steadyRange(null, ...extent(curves, fields, band));
  const x: AxisSpec = { name: TIME, from, to, log };
  const y: AxisSpec = { name: kind.axis, from: low, to: high };
  const at = plane(outer, x, y);
  drawAxes(pen, at, x, y, theme);
  pen.within(at.box, () => {
    if (band) {
      const outline = bandOutline(band, from, at.x, at.y);
      pen.area(outline, outline.length, theme.band, BAND_OPACITY);
    }
    for (const { field, of, dash } of kind.series) {
      const { points, length } = polyline(curves.times, curves.values(field), curves.length, at.x, at.y);
      pen.lines(points, length, { colour: theme[of], width: of === "muted" ? 1.25 : 2, ...(dash && { dash }) });
    }
  });
}
