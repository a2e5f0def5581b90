// Axes of a picture: names, ticks, grid, and how values become pixels.

import { tickFormat, ticks } from "../../../src/plot/ticks";
import type { Box, Pen } from "./pen";
import type { Theme } from "./theme";

/** An axis: its name with its unit, and its ends. */
export interface AxisSpec {
  name: string;
  from: number;
  to: number;
  log?: boolean;
}

/** Where values stand. */
export interface Plane {
  /** inside the axes */
  box: Box;
  x(value: number): number;
  y(value: number): number;
}

const MARGIN = { left: 46, right: 14, top: 24, bottom: 38 };

/**
 * Pixels of values of one axis.
 *
 * @param axis  its ends; positive where it is logarithmic
 * @param from  pixel of its lower end
 * @param to    pixel of its upper end
 * @returns NaN where a logarithmic axis has no place for a value
 */
export function placeOn(axis: AxisSpec, from: number, to: number): (value: number) => number {
  if (!axis.log) {
    const slope = (to - from) / (axis.to - axis.from || 1);
    return (value) => from + slope * (value - axis.from);
  }
  const low = Math.log(axis.from);
  const slope = (to - from) / (Math.log(axis.to) - low || 1);
  return (value) => (value > 0 ? from + slope * (Math.log(value) - low) : Number.NaN);
}

/**
 * The plane between two axes.
 *
 * @param outer  the whole picture
 * @param x      axis to the right
 * @param y      axis upwards
 */
export function plane(outer: Box, x: AxisSpec, y: AxisSpec): Plane {
  const box = {
    x: outer.x + MARGIN.left,
    y: outer.y + MARGIN.top,
    width: Math.max(1, outer.width - MARGIN.left - MARGIN.right),
    height: Math.max(1, outer.height - MARGIN.top - MARGIN.bottom),
  };
  return {
    box,
    x: placeOn(x, box.x, box.x + box.width),
    y: placeOn(y, box.y + box.height, box.y),
  };
}

const line = new Float32Array(4);

/** Draws grid, ticks, names; `grid` (true) lines go across at the ticks of y. */
export function drawAxes(
  pen: Pen,
  { box, x: atX, y: atY }: Plane,
  x: AxisSpec,
  y: AxisSpec,
  theme: Theme,
  grid = true,
): void {
  const bottom = box.y + box.height;
  const stroke = { colour: theme.line, width: 1 };
  const across = (x1: number, y1: number, x2: number, y2: number) => {
    line[0] = x1;
    line[1] = y1;
    line[2] = x2;
    line[3] = y2;
    pen.lines(line, 4, stroke);
  };
  const rows = ticksOf(y, box.height / 42);
  for (let i = 0; i < rows.at.length; i++) {
    const py = atY(rows.at[i]!);
    if (grid) across(box.x, crisp(py), box.x + box.width, crisp(py));
    else across(box.x - 4, crisp(py), box.x, crisp(py));
    pen.text(rows.texts[i]!, box.x - 7, py, { colour: theme.ink, size: 11, align: "end", from: "middle" });
  }
  const columns = ticksOf(x, box.width / 64);
  for (let i = 0; i < columns.at.length; i++) {
    const px = atX(columns.at[i]!);
    across(crisp(px), bottom, crisp(px), bottom + 4);
    pen.text(columns.texts[i]!, px, bottom + 16, { colour: theme.ink, size: 11, align: "middle" });
  }
  stroke.colour = theme.muted;
  across(box.x, crisp(bottom), box.x + box.width, crisp(bottom));
  if (!grid) across(crisp(box.x), box.y, crisp(box.x), bottom);
  pen.text(x.name, box.x + box.width, bottom + 32, { colour: theme.muted, align: "end" });
  pen.text(y.name, box.x - MARGIN.left + 4, box.y - 11, { colour: theme.muted });
}

interface Ticks {
  at: number[];
  texts: string[];
}

// axes seldom change from one frame to the next
const known = new Map<string, Ticks>();

function ticksOf({ from, to, log }: AxisSpec, room: number): Ticks {
  const count = Math.max(2, Math.min(8, Math.floor(room)));
  const key = `${from} ${to} ${log ? "log" : count}`;
  let found = known.get(key);
  if (!found) {
    const scale = log ? "log" : "linear";
    const at = ticks([from, to], scale, count);
    const every = log ? Math.ceil(at.length / (2 * count)) : 1;
    const kept = at.filter((_, i) => i % every === 0);
    found = { at: kept, texts: kept.map(tickFormat([from, to], scale, count)) };
    if (known.size > 200) known.clear();
    known.set(key, found);
  }
  return found;
}

function crisp(pixel: number): number {
  return Math.round(pixel - 0.5) + 0.5;
}

/**
 * The upper end of an axis from 0 that moves in steps: it grows at once and shrinks late, so that a picture does not tremble.
 *
 * @param before  upper end until now; 0 at first
 * @param wanted  what has to be seen
 */
export function steadyTop(before: number, wanted: number): number {
  if (!(wanted > 0)) return before > 0 ? before : 1;
  if (wanted <= before && wanted >= 0.6 * before) return before;
  // up to the next of 24 steps a decade, about a tenth each
  return 10 ** (Math.ceil(24 * Math.log10(1.04 * wanted)) / 24);
}

/**
 * Ends of an axis that move in steps, as `steadyTop` does, of values that may lie on both sides of 0. Values that come near 0, from
 * above, show it.
 *
 * @param before  ends until now; null at first
 * @param low     what has to be seen
 * @param high    what has to be seen
 */
export function steadyRange(before: readonly [number, number] | null, low: number, high: number): [number, number] {
  if (!(low <= high)) return before ? [...before] : [0, 1];
  const bottom = low >= 0 && low < 0.35 * high ? 0 : low;
  const wide = high - bottom || Math.abs(high) || 1;
  if (before && before[0] <= bottom && before[1] >= high && wide >= 0.6 * (before[1] - before[0])) return [...before];
  // to the next 20th of a power of two as wide as the values
  const step = 2 ** Math.ceil(Math.log2(wide)) / 20;
  const down = bottom === 0 ? 0 : Math.floor((bottom - 0.2 * step) / step) * step;
  return [down, Math.ceil((high + 0.2 * step) / step) * step];
}
