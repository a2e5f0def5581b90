// The figures of theory §9 show what they claim, at their defaults: about half a minute. With a fixed seed a run gives the same bits each time, so
// there are no false alarms; the bounds stand in the findings: slopes of the theory inside 95 % intervals, or near them where widths are finite.

import { showFigures } from "./showFigure";

showFigures(["ntk-spectrum", "hessian-norm", "kernel-drift"]);
