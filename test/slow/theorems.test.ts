// The figures of theorems show what they claim, at their defaults: all but those of theory §5 and §8, which figures.test.ts and
// fluctuationFigures.test.ts run.
//
// The bounds stand in the figures (`findings`): slopes at least twice their 95 % intervals from the theorem's. With a fixed seed
// a run gives the same bits each time, so there are no false alarms.

import { figureNames } from "../../src/study/figures/registry";
import { showFigures } from "./showFigure";

showFigures(figureNames.slice(4, figureNames.indexOf("w2-rate")));
