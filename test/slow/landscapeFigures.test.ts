// The figures of the landscape show what they claim, at their defaults: some minutes on two cores. With a fixed seed a run gives the same bits each time,
// so there are no false alarms; the bounds stand in the findings.

import { showFigures } from "./showFigure";

showFigures([
  "sharpness-invariance",
  "ridge-path",
  "sgf-mean",
  "gibbs-basins",
  "edge-of-stability",
  "catapult",
  "batch-sharpness",
  "backward-error",
  "robbins-monro",
  "sweet-spot",
]);
