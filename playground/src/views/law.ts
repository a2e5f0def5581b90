// The law of one coordinate: the network's histogram as bars under the density of its limit.

import type { LawPicture } from "../run/protocol";
import { type AxisSpec, drawAxes, plane, steadyTop } from "./axes";
import { coordinateName, projectionNote, readable, readableMean } from "./names";
import type { Box, Pen } from "./pen";
import type { Theme } from "./theme";

/**
 * Height that shows all bars, and the line where it is not much higher: a peak more than half as high again as the bars is cut off.
 *
 * @param picture  densities
 */
export function lawHeight({ network, limit }: LawPicture): number {
  const bars = highest(network);
  const line = limit ? highest(limit) : 0;
  if (bars === 0) return line;
  return line > 1.5 * bars ? 1.2 * bars : Math.max(bars, line);
}

function highest(heights: Float32Array): number {
  let found = 0;
  for (const height of heights) if (height > found) found = height;
  return found;
}

/**
 * Draws the law.
 *
 * @param pen      to draw with
 * @param outer    the whole picture
 * @param picture  equal cells
 * @param theme    colours
 * @param before   upper end of the heights in the picture before (0)
 * @returns the upper end of the heights
 */
export function drawLaw(pen: Pen, outer: Box, picture: LawPicture, theme: Theme, before = 0): number {
  const { from, to, network, limit, name } = picture;
  const top = steadyTop(before, lawHeight(picture));
  const x: AxisSpec = { name: coordinateName(name), from, to };
  const y: AxisSpec = { name: "density", from: 0, to: top };
  const at = plane(outer, x, y);
  drawAxes(pen, at, x, y, theme);
  const { box } = at;
  const cells = network.length;
  const step = box.width / cells;
  const floor = box.y + box.height;
  pen.within(box, () => {
    const outline = room(4 * cells + 4);
    let k = 0;
    outline[k++] = box.x;
    outline[k++] = floor;
    for (let i = 0; i < cells; i++) {
      const height = at.y(network[i]!);
      outline[k++] = box.x + i * step;
      outline[k++] = height;
      outline[k++] = box.x + (i + 1) * step;
      outline[k++] = height;
    }
    outline[k++] = box.x + box.width;
    outline[k++] = floor;
    pen.area(outline, k, theme.network, 0.35);
    pen.lines(outline, k, { colour: theme.network, width: 1 });
    if (!limit) return;
    const line = room(2 * limit.length);
    const middle = box.width / limit.length;
    for (let i = 0; i < limit.length; i++) {
      line[2 * i] = box.x + (i + 0.5) * middle;
      line[2 * i + 1] = at.y(limit[i]!);
    }
    pen.lines(line, 2 * limit.length, { colour: theme.limit, width: 2 });
  });
  if (limit) {
    const peak = highest(limit);
    if (peak > top) {
      const where = from + ((limit.indexOf(peak) + 0.5) * (to - from)) / limit.length;
      const px = at.x(where);
      const left = px < box.x + 0.6 * box.width;
      pen.text(`peak ${readable(peak)}`, px + (left ? 6 : -6), box.y + 11, {
        colour: theme.muted,
        size: 11,
        align: left ? "start" : "end",
      });
    }
  }
  return top;
}

let points = new Float32Array(1024);

function room(length: number): Float32Array {
  if (points.length < length) points = new Float32Array(2 * length);
  return points;
}

/** What the picture is called. */
export function lawTitle(name: string | undefined): string {
  return name === undefined ? "Law of a coordinate" : `Law of ${coordinateName(name)}`;
}

/** The picture in words. */
export function lawSummary({ from, to, network, limit, name }: LawPicture): string {
  const [mean, spread] = moments(network, from, to);
  const words = `Law of ${coordinateName(name)}: the network has mean ${readableMean(mean, to - from)} and deviation ${readable(spread)}`;
  if (!limit) return `${words}.${projectionNote(name)}`;
  const [limitMean, limitSpread] = moments(limit, from, to);
  return `${words}; the limit ${readableMean(limitMean, to - from)} and ${readable(limitSpread)}.${projectionNote(name)}`;
}

/**
 * Mean and deviation of a density on equal cells.
 *
 * @param heights  of the density, of any total
 * @param from     lower end of the first cell
 * @param to       upper end of the last
 */
export function moments(heights: Float32Array, from: number, to: number): [mean: number, deviation: number] {
  let [mass, first, second] = [0, 0, 0];
  const width = (to - from) / heights.length;
  for (let i = 0; i < heights.length; i++) {
    const [m, v] = [heights[i]!, from + (i + 0.5) * width];
    mass += m;
    first += m * v;
    second += m * v * v;
  }
  const mean = first / mass;
  return [mean, Math.sqrt(Math.max(0, second / mass - mean * mean))];
}
