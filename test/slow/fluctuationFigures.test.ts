// The figures of theory §8 show what they claim, at their defaults: about three minutes on two cores.
//
// The bounds stand in the figures (`findings`): slopes of the theorems inside 95 % intervals, or near them where steps and sizes are
// finite. With a fixed seed a run gives the same bits each time, so there are no false alarms. What depends on the clock,
// the costs in `rve-cost`, is told by the figure and not tested.

import { figureNames } from "../../src/study/figures/registry";
import { showFigures } from "./showFigure";

showFigures(figureNames.slice(figureNames.indexOf("w2-rate"), figureNames.indexOf("prediction-bands") + 1));
