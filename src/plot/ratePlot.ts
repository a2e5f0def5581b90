// Errors against what they fall with, on logarithmic axes: measured points, the fitted power law, and the theorem's.

import type { RatePicture } from "../study/figures/picture";
import { hue, QUIET } from "./palette";
import { keyEntries, labelWidth, panelOptions } from "./panel";
import { svg } from "./svg";

const PLOT = 400;

/**
 * Rates: each curve's points with their spread as bars, its fitted line in the same colour, and at its end its name over its
 * slope; the theorem's lines dashed.
 *
 * @param picture  panels of curves
 * @returns an SVG document
 */
export function ratePlot(picture: RatePicture): string {
  const { reference, ...key } = picture.key;
  const columns = picture.panels.length % 3 === 0 && picture.panels.length > 3 ? 3 : Math.min(2, picture.panels.length);
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: [
      ...keyEntries(key, hue(0), "dot", "whisker"),
      ...(reference ? [{ glyph: "dashes", color: QUIET, label: reference } as const] : []),
    ],
    columns,
    panels: picture.panels.map(({ title, x, y, curves, references }) => {
      const named = curves.map(({ label, slope, points, fit, hue: number }, i) => ({
        label,
        note: slope,
        network: points,
        limit: fit,
        hue: number ?? i,
      }));
      return panelOptions({
        width: PLOT + labelWidth([...named, ...references]),
        height: 340,
        title,
        x: { ...x, scale: "log", domain: x.domain ?? roomy(curves.flatMap(({ points }) => points.x)) },
        y: { ...y, scale: "log" },
        curves: named,
        references,
        whiskers: true,
      });
    }),
  });
}

// Points do not stand on the frame.
function roomy(values: number[]): [number, number] {
  const shown = values.filter((x) => x > 0 && Number.isFinite(x));
  return shown.length === 0 ? [0.1, 1] : [Math.min(...shown) / 1.2, Math.max(...shown) * 1.2];
}
