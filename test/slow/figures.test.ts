// The figures of theory §5 show what they claim, at their defaults but for the replicas: about six minutes on two cores.
//
// The bounds stand in the figures (`findings`), from issue and theory: risks within a few standard deviations over seeds of
// what six seeds of an independent prototype gave, W1 of the radii twice what they gave. With a fixed seed a run gives the same
// bits each time, so there are no false alarms.

import { showFigures } from "./showFigure";

showFigures(["radial-density", "two-starts", "relu-statistics", "dimension-free"], { replicas: 2 });
