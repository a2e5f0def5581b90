// Bands over the runs that should lie in them, a panel each.

import * as Plot from "@observablehq/plot";
import type { BandsPicture } from "../study/figures/picture";
import { FAINT, hue, QUIET } from "./palette";
import { panelOptions } from "./panel";
import { svg } from "./svg";

/**
 * Bands with their centres, runs as thin lines over them.
 *
 * @param picture  panels
 * @returns an SVG document
 */
export function bandsPlot(picture: BandsPicture): string {
  const { limit, spread, runs, refused } = picture.key;
  const color = hue(0);
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: [
      { glyph: "line", color, label: limit },
      { glyph: "band", color, label: spread },
      { glyph: "line", color: FAINT, label: runs },
      ...(picture.panels.some((panel) => panel.refusedFrom !== null)
        ? [{ glyph: "dashes", color: QUIET, label: refused } as const]
        : []),
    ],
    columns: Math.min(3, picture.panels.length),
    panels: picture.panels.map((panel) => {
      const { title, x, y, band, runs: lines, refusedFrom } = panel;
      const ends = [...band.low, ...band.high, ...lines.y.flat()].filter(Number.isFinite);
      const low = ends.reduce((a, b) => Math.min(a, b), Infinity);
      const high = ends.reduce((a, b) => Math.max(a, b), -Infinity);
      const room = low < high ? 0.05 * (high - low) : 0.5;
      return panelOptions({
        width: 390,
        height: 300,
        title,
        x: { ...x, domain: x.domain ?? [Math.min(...lines.x), Math.max(...lines.x)] },
        y: { ...y, domain: y.domain ?? [low - room, high + room] },
        curves: [{ label: "", network: null, limit: { x: band.x, y: band.y } }],
        marks: [
          Plot.areaY(band.x, { x: band.x, y1: band.low, y2: band.high, fill: color, fillOpacity: 0.25, clip: true }),
          Plot.line(lines.y.flat(), {
            x: lines.y.flatMap((values) => values.map((_, i) => lines.x[i]!)),
            y: lines.y.flat(),
            z: lines.y.flatMap((values, run) => values.map(() => run)),
            stroke: FAINT,
            strokeWidth: 0.6,
            strokeOpacity: 0.5,
            clip: true,
          }),
          Plot.line(band.x, { x: band.x, y: band.low, stroke: color, strokeWidth: 0.8, clip: true }),
          Plot.line(band.x, { x: band.x, y: band.high, stroke: color, strokeWidth: 0.8, clip: true }),
          refusedFrom === null
            ? null
            : Plot.ruleX([refusedFrom], { stroke: QUIET, strokeWidth: 1.4, strokeDasharray: "5 4" }),
        ],
      });
    }),
  });
}
