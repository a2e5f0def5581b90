// One door for all pictures.

import type { Picture } from "../study/figures/picture";
import { bandsPlot } from "./bandsPlot";
import { decisionPlot } from "./decisionPlot";
import { densityPlot } from "./densityPlot";
import { ratePlot } from "./ratePlot";
import { riskPlot } from "./riskPlot";
import { statisticsPlot } from "./statisticsPlot";
import { sweepPlot } from "./sweepPlot";

/**
 * Draws a picture.
 *
 * @param picture  plain data
 * @returns an SVG document, self-contained
 */
export function draw(picture: Picture): string {
  switch (picture.kind) {
    case "risk":
      return riskPlot(picture);
    case "density":
      return densityPlot(picture);
    case "statistics":
      return statisticsPlot(picture);
    case "sweep":
      return sweepPlot(picture);
    case "rate":
      return ratePlot(picture);
    case "bands":
      return bandsPlot(picture);
    case "decision":
      return decisionPlot(picture);
  }
}
