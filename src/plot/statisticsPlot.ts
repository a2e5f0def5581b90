// Several quantities against time, a panel each.

import type { StatisticsPicture } from "../study/figures/picture";
import { hue, QUIET } from "./palette";
import { keyEntries, panelOptions } from "./panel";
import { svg } from "./svg";

/**
 * Statistics against time: the network's as dots, those of its limit as lines.
 *
 * @param picture  panels of curves
 * @returns an SVG document
 */
export function statisticsPlot(picture: StatisticsPicture): string {
  const { reference, ...key } = picture.key;
  const columns = picture.panels.length === 1 ? 1 : 2;
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: [
      ...keyEntries(key, hue(0)),
      ...(reference ? [{ glyph: "dashes", color: QUIET, label: reference } as const] : []),
    ],
    columns,
    panels: picture.panels.map(({ title, y, curves, levels, references }) =>
      panelOptions({
        width: columns === 1 ? 720 : 470,
        height: 300,
        title,
        x: picture.x,
        y,
        curves,
        levels,
        references,
      }),
    ),
  });
}
