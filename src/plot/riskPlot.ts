// Risk against time, with the gap between the network and its limit in a panel below.

import type { RiskPicture } from "../study/figures/picture";
import { hue } from "./palette";
import { keyEntries, labelWidth, panelOptions } from "./panel";
import { svg } from "./svg";

const WIDTH = 720;

/**
 * Risk against time: the network's mean with its spread as dots and a band, its limit as a line.
 *
 * @param picture  curves, levels, and the gap (network − limit) if it is to be shown
 * @returns an SVG document
 */
export function riskPlot(picture: RiskPicture): string {
  const { curves, levels, gap } = picture;
  const right = labelWidth(curves);
  const x = { ...picture.x, domain: picture.x.domain ?? ends(picture) };
  const panels = [
    panelOptions({
      width: WIDTH,
      height: gap ? 330 : 380,
      x,
      y: picture.y,
      curves,
      levels,
      right,
      withoutXLabel: gap !== null,
    }),
  ];
  if (gap) {
    panels.push(
      panelOptions({
        width: WIDTH,
        height: 200,
        x,
        y: { label: gap.label, scale: "linear" },
        curves: gap.curves.map(({ series, hue: number }, i) => ({
          label: "",
          network: series,
          limit: null,
          hue: number ?? i,
        })),
        levels: [{ y: 0, label: "" }],
        right,
      }),
    );
  }
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: keyEntries(picture.key, hue(curves[0]?.hue ?? 0)),
    panels,
  });
}

function ends({ curves, x }: RiskPicture): [number, number] {
  const all = curves
    .flatMap(({ network, limit }) => [...(network?.x ?? []), ...(limit?.x ?? [])])
    .filter((t) => x.scale === "linear" || t > 0);
  return all.length > 0 ? [Math.min(...all), Math.max(...all)] : [0.1, 1];
}
