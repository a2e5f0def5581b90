// The figures of weak errors show what they claim, at their defaults: about half a minute on two cores. With a fixed seed a run gives
// the same bits each time, so there are no false alarms.

import { showFigures } from "./showFigure";

showFigures(["weak-orders", "two-point-failure"]);
