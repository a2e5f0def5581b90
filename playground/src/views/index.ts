// The pictures of the page. Each is a whole <figure> with its title (an h3), key and words for screen readers; it fills the width of
// what it is put into.
//
//   const frame = signal<Frame | null>(null);
//   curvesOf(frame);                       // once, where the signal is made: records are kept though no curve is shown
//   <LawView frame={frame} />              // frame.law
//   <CloudView frame={frame} />            // frame.cloud
//   <RiskView frame={frame} band={band} /> // frame.samples; band: signal of RiskBand | null
//   <DecisionView frame={frame} />         // frame.decision
//   <SharpnessView frame={frame} />        // frame.samples
//
// Their style sheets are uplot/dist/uPlot.min.css and views.css; the page's entry imports them, because bundlers drop style sheets
// of modules that they pass through. Pictures are drawn at once when `frame` is set, while the run plays only where they are in
// sight: set it in an animation frame, once.
//
// A picture for a file, made as it is asked for:
//
//   await pictureSvg("risk", { frame: frame.peek()!, curves: curvesOf(frame), band: band.peek(), description: "SGD, N = 800, …" })
//   await picturePng(…)                    // a Blob

import type { PictureKind, PictureState } from "./picture";
import { logTime } from "./timeAxis";

export { CloudView } from "./CloudView";
export { DecisionView } from "./DecisionView";
export { curvesOf } from "./history";
export { LawView } from "./LawView";
export { coordinateName } from "./names";
export { RiskView } from "./RiskView";
export { SharpnessView } from "./SharpnessView";

/** What `pictureSvg` and `picturePng` are made from; the axis of time is as on the page where nothing else is said. */
export type PictureInput = Omit<PictureState, "log"> & { log?: boolean };
export type { PictureKind } from "./picture";

/**
 * A picture that stands alone, as SVG: title, what was run, key and axes; light unless a theme is given.
 *
 * @param which  picture
 * @param input  what it shows
 * @throws {Error} in words where there is nothing to show
 */
export async function pictureSvg(which: PictureKind, input: PictureInput): Promise<string> {
  const { svgOf } = await import("./picture");
  return svgOf(which, { log: logTime.peek(), ...input });
}

/**
 * The same as PNG, of twice its size.
 *
 * @param which  picture
 * @param input  what it shows
 * @throws {Error} in words where there is nothing to show
 */
export async function picturePng(which: PictureKind, input: PictureInput): Promise<Blob> {
  const { pngOf } = await import("./picture");
  return pngOf(which, { log: logTime.peek(), ...input });
}
