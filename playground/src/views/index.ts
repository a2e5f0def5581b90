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
// Pictures are drawn at once when `frame` is set, and only where they are in sight: set it in an animation frame, once.

import "uplot/dist/uPlot.min.css";
import "./views.css";

export { CloudView } from "./CloudView";
export { curvesOf } from "./curves";
export { DecisionView } from "./DecisionView";
export { LawView } from "./LawView";
export { RiskView } from "./RiskView";
export { SharpnessView } from "./SharpnessView";
