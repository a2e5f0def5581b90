// The figures of theory §8 show what they claim, at their defaults, but for those of weakErrors.test.ts: about two minutes on two cores.
//
// The bounds stand in the figures (`findings`): slopes of the theorems inside 95 % intervals, or near them where steps and sizes are
// finite. With a fixed seed a run gives the same bits each time, so there are no false alarms. What depends on the clock,
// the costs in `rve-cost`, is told by the figure and not tested.

import { showFigures } from "./showFigure";

showFigures(["w2-rate", "clt-rate", "law-of-sgd", "rve-cost", "prediction-bands"]);
