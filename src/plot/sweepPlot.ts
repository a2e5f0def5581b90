// Results of a sweep against one of its parameters, a panel for each setting of another.

import * as Plot from "@observablehq/plot";
import type { SweepPicture } from "../study/figures/picture";
import { hue, INK } from "./palette";
import { keyEntries, panelOptions } from "./panel";
import { svg } from "./svg";

/**
 * A sweep: a curve for each value of a parameter, named at its end.
 *
 * @param picture  panels of curves; all panels share the ends of the y axis where the picture gives them
 * @returns an SVG document
 */
export function sweepPlot(picture: SweepPicture): string {
  const columns = picture.panels.length === 1 ? 1 : picture.panels.length % 3 === 0 ? 3 : 2;
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: [
      ...keyEntries(picture.key, hue(0), "joined"),
      ...(picture.panels.some(({ limit }) => limit)
        ? [{ glyph: "line", color: INK, label: picture.limit } as const]
        : []),
    ],
    columns,
    panels: picture.panels.map(({ title, curves, levels, limit }) =>
      panelOptions({
        width: columns === 1 ? 720 : columns === 2 ? 480 : 400,
        height: 320,
        title,
        x: picture.x,
        y: picture.y,
        curves: curves.map(({ label, series }) => ({ label, network: series, limit: null })),
        levels,
        joined: true,
        marks: limit ? [Plot.line(limit.x, { x: limit.x, y: limit.y, stroke: INK, strokeWidth: 2.4, clip: true })] : [],
      }),
    ),
  });
}
