// Laws of a radius at several times: the network's histogram under the density of its limit, a panel for each time.

import * as Plot from "@observablehq/plot";
import type { DensityPicture, Series } from "../study/figures/picture";
import { hue, INK, QUIET } from "./palette";
import { panelOptions } from "./panel";
import { svg } from "./svg";

const BARS = hue(5);
const WIDTH = 330;

/**
 * Densities at several times, small multiples over one radius axis; each panel has its own height.
 *
 * @param picture  panels with a histogram (heights are densities) and a density
 * @returns an SVG document
 */
export function densityPlot(picture: DensityPicture): string {
  const columns = Math.min(3, picture.panels.length);
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: [
      { glyph: "bars", color: BARS, label: picture.key.histogram },
      { glyph: "line", color: INK, label: picture.key.density },
    ],
    columns,
    panels: picture.panels.map(({ title, histogram, density }) => {
      const top = height(histogram?.heights ?? [], density);
      const marks: Plot.Markish[] = [];
      if (histogram) {
        const { edges, heights } = histogram;
        const outline = steps(edges, heights);
        marks.push(
          Plot.areaY(outline.x, { x: outline.x, y1: 0, y2: outline.y, fill: BARS, fillOpacity: 0.35, clip: true }),
        );
        marks.push(Plot.line(outline.x, { x: outline.x, y: outline.y, stroke: BARS, strokeWidth: 0.8, clip: true }));
      }
      if (density) {
        const line = thinned(density, top);
        marks.push(Plot.line(line.x, { x: line.x, y: line.y, stroke: INK, strokeWidth: 1.6, clip: true }));
        const peak = Math.max(...density.y);
        if (peak > top) {
          const at = density.x[density.y.indexOf(peak)]!;
          marks.push(
            Plot.text([`peak ${peak.toPrecision(2)} at r = ${at.toPrecision(2)}`], {
              x: [at],
              y: [top],
              dx: 6,
              dy: 8,
              textAnchor: "start",
              fontSize: 10.5,
              fill: QUIET,
            }),
          );
        }
      }
      return panelOptions({
        width: WIDTH,
        height: 230,
        title,
        x: picture.x,
        y: { label: picture.y, scale: "linear", domain: [0, top] },
        curves: [],
        right: 16,
        marks,
      });
    }),
  });
}

// A peak more than half as high again as the bars is cut off, and says so.
function height(heights: number[], density: Series | null): number {
  const bars = Math.max(0, ...heights);
  const peak = density ? Math.max(...density.y) : 0;
  if (bars === 0) return 1.08 * peak || 1;
  return 1.08 * (peak > 1.5 * bars ? 1.2 * bars : Math.max(bars, peak));
}

function steps(edges: number[], heights: number[]): Series {
  const x: number[] = [edges[0]!];
  const y: number[] = [0];
  heights.forEach((h, i) => {
    x.push(edges[i]!, edges[i + 1]!);
    y.push(h, h);
  });
  return { x: [...x, edges[edges.length - 1]!], y: [...y, 0] };
}

// Of a long line, points that the eye cannot tell from a straight line are left out.
function thinned({ x, y }: Series, top: number): Series {
  if (x.length < 400) return { x, y };
  const wide = x[x.length - 1]! - x[0]!;
  const keep: number[] = [0];
  const walk = (from: number, to: number): void => {
    let worst = 0;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const u = (x[i]! - x[from]!) / (x[to]! - x[from]!);
      const off = Math.abs(y[i]! - (y[from]! + u * (y[to]! - y[from]!))) / top;
      if (off > worst) {
        worst = off;
        at = i;
      }
    }
    if (at < 0 || (worst < 1e-3 && x[to]! - x[from]! < wide / 4)) return;
    walk(from, at);
    keep.push(at);
    walk(at, to);
  };
  walk(0, x.length - 1);
  keep.push(x.length - 1);
  return { x: keep.map((i) => x[i]!), y: keep.map((i) => y[i]!) };
}
