// What the network says over a square of inputs: classes, or a number, with the examples and the limit's borders.

import { HUES, hue } from "../../../src/plot/palette";
import { ticks } from "../../../src/plot/ticks";
import type { DecisionPicture } from "../run/protocol";
import { type AxisSpec, drawAxes, plane, steadyTop } from "./axes";
import { mix, ramp, rgb } from "./colours";
import { borders, contour } from "./contour";
import { readable } from "./names";
import { type Box, MARKS, type Pen } from "./pen";
import type { Theme } from "./theme";

/** What is said: a class, the sign of a number (labels are ±1), or a number. */
export type DecisionKind = "classes" | "sign" | "number";

/** Which it is. */
export function decisionKind({ outputs, labels }: Pick<DecisionPicture, "outputs" | "labels">): DecisionKind {
  if (outputs > 1) return "classes";
  return labels.length > 0 && labels.every((label) => Math.abs(label) === 1) ? "sign" : "number";
}

/** What the picture is called. */
export function decisionTitle(kind: DecisionKind | ""): string {
  return kind === "number" ? "The learnt function" : "Decision boundary";
}

/** Numbers from low over 0 to high: purple, paper, green, which all kinds of colour vision tell apart. */
export function signedThrough(theme: Theme): [string, string, string] {
  return theme.dark ? ["#b487c4", theme.paper, "#6fbf7e"] : ["#8a4c9b", theme.paper, "#2c8544"];
}

/** Colour of a class, of marks and, paler, of regions. */
export function classColour(index: number): string {
  return hue(index);
}

const SHADES = 63;
const WIDE = 560;

interface Palettes {
  classes: Uint8ClampedArray;
  numbers: Uint8ClampedArray;
}
const palettes = new WeakMap<Theme, Palettes>();

function palettesOf(theme: Theme): Palettes {
  let found = palettes.get(theme);
  if (!found) {
    const classes = new Uint8ClampedArray(4 * HUES.length);
    HUES.forEach((colour, c) => {
      classes.set([...rgb(mix(theme.paper, colour, theme.dark ? 0.5 : 0.36)), 255], 4 * c);
    });
    palettes.set(theme, (found = { classes, numbers: ramp(signedThrough(theme), SHADES) }));
  }
  return found;
}

/**
 * Numbers of colours of a grid; row 0 at the top.
 *
 * @param values  [side²] classes or numbers, row 0 at the bottom
 * @param side    of the grid
 * @param reach   of numbers, that of the last colours; null: values are classes
 * @param into    [side²], is overwritten
 */
export function tint(values: Float32Array, side: number, reach: number | null, into: Uint8Array): void {
  for (let row = 0; row < side; row++) {
    const from = (side - 1 - row) * side;
    for (let column = 0; column < side; column++) {
      const value = values[from + column]!;
      into[row * side + column] = reach === null ? value % HUES.length : shadeOf(value, reach);
    }
  }
}

function shadeOf(value: number, reach: number): number {
  const share = Math.max(-1, Math.min(1, value / reach || 0));
  return Math.round(((SHADES - 1) * (1 + share)) / 2);
}

let colours = new Uint8Array(0);

/**
 * Draws the square; where there is room and a limit, the limit's beside it.
 *
 * @param pen      to draw with
 * @param outer    the whole picture
 * @param picture  grids and examples
 * @param theme    colours
 * @param before   reach of the colours in the picture before (0)
 * @returns reach of the colours
 */
export function drawDecision(pen: Pen, outer: Box, picture: DecisionPicture, theme: Theme, before = 0): number {
  const { from, to, network, limit, labels } = picture;
  const kind = decisionKind(picture);
  let high = 0;
  for (const values of [network, labels, ...(limit ? [limit] : [])]) {
    for (const value of values) if (Math.abs(value) > high) high = Math.abs(value);
  }
  const reach = kind === "classes" ? null : steadyTop(before, high);
  const both = limit !== null && outer.width >= WIDE;
  const room = both ? outer.width / 2 : outer.width;
  const side = Math.min(room - 60, outer.height - 62);
  const x: AxisSpec = { name: "x₁", from: from[0], to: to[0] };
  const y: AxisSpec = { name: "x₂", from: from[1], to: to[1] };
  [network, ...(both ? [limit] : [])].forEach((values, k) => {
    const left = outer.x + k * room + (room - side - 60) / 2;
    const at = plane({ x: left, y: outer.y, width: side + 60, height: side + 62 }, x, y);
    if (colours.length !== values.length) colours = new Uint8Array(values.length);
    tint(values, picture.side, reach, colours);
    const { classes, numbers } = palettesOf(theme);
    pen.cells(at.box, {
      columns: picture.side,
      rows: picture.side,
      colours,
      palette: reach === null ? classes : numbers,
      smooth: reach !== null,
    });
    pen.within(at.box, () => {
      const levels = kind === "number" ? ticks([-reach!, reach!], "linear", 6) : [0];
      const lines = (grid: Float32Array, colour: string, width: number) => {
        if (kind === "classes") outline(pen, at.box, borders(grid, picture.side), picture.side, colour, width);
        else
          for (const level of levels) {
            const heavy = level === 0 ? width : width / 2;
            outline(pen, at.box, contour(grid, picture.side, level), picture.side, colour, heavy);
          }
      };
      if (kind !== "classes") lines(values, theme.ink, 1.6);
      // the limit's orange is also that of a class
      if (limit && k === 0) lines(limit, kind === "classes" ? theme.ink : theme.limit, kind === "classes" ? 1.6 : 2);
      drawExamples(pen, at, picture, kind, reach, theme);
    });
    drawAxes(pen, at, x, y, theme, false);
    if (both) {
      pen.text(k === 0 ? "network" : "limit", at.box.x + side / 2, at.box.y - 8, {
        colour: theme.ink,
        align: "middle",
      });
    }
  });
  return reach ?? 0;
}

function outline(pen: Pen, box: Box, pieces: Float32Array, side: number, colour: string, width: number): void {
  const cell = box.width / side;
  for (let i = 0; i < pieces.length; i += 2) {
    pieces[i] = box.x + cell * pieces[i]!;
    pieces[i + 1] = box.y + box.height - cell * pieces[i + 1]!;
  }
  pen.lines(pieces, pieces.length, { colour, width });
}

function drawExamples(
  pen: Pen,
  at: { x(value: number): number; y(value: number): number },
  { points, labels }: DecisionPicture,
  kind: DecisionKind,
  reach: number | null,
  theme: Theme,
): void {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const group = kind === "number" ? shadeOf(labels[i]!, reach!) : labels[i]!;
    let places = groups.get(group);
    if (!places) groups.set(group, (places = []));
    places.push(at.x(points[2 * i]!), at.y(points[2 * i + 1]!));
  }
  const size = labels.length > 400 ? 4 : 6;
  const [low, , up] = signedThrough(theme);
  const { numbers } = palettesOf(theme);
  for (const [group, places] of groups) {
    const where = Float32Array.from(places);
    if (kind === "classes") {
      pen.marks(where, where.length, MARKS[group % MARKS.length]!, size, classColour(group), theme.paper);
    } else if (kind === "sign") {
      const colour = mix(group < 0 ? low : up, theme.ink, 0.25);
      pen.marks(where, where.length, group < 0 ? "disc" : "square", size, colour, theme.paper);
    } else {
      const [r, g, b] = numbers.subarray(4 * group, 4 * group + 3);
      pen.marks(where, where.length, "disc", size, `rgb(${r},${g},${b})`, theme.ink);
    }
  }
}

/** The picture in words. */
export function decisionSummary(picture: DecisionPicture): string {
  const { network, limit, labels, points, side, from, to } = picture;
  const kind = decisionKind(picture);
  const said = (values: Float32Array, i: number) => (kind === "sign" ? Math.sign(values[i]!) : values[i]!);
  const words: string[] = [];
  if (kind !== "number" && labels.length > 0) {
    let right = 0;
    for (let i = 0; i < labels.length; i++) {
      const cell = (value: number, k: 0 | 1) =>
        Math.max(0, Math.min(side - 1, Math.floor((side * (value - from[k])) / (to[k] - from[k]))));
      const at = cell(points[2 * i + 1]!, 1) * side + cell(points[2 * i]!, 0);
      if (said(network, at) === labels[i]) right++;
    }
    words.push(`${Math.round((100 * right) / labels.length)} % of ${labels.length} examples are on their side`);
  }
  if (limit) {
    let [same, distance] = [0, 0];
    for (let i = 0; i < network.length; i++) {
      if (said(network, i) === said(limit, i)) same++;
      distance += Math.abs(network[i]! - limit[i]!) / network.length;
    }
    words.push(
      kind === "number"
        ? `network and limit differ by ${readable(distance)} on average`
        : `network and limit agree on ${Math.round((100 * same) / network.length)} % of the square`,
    );
  }
  const text = words.join("; ");
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
