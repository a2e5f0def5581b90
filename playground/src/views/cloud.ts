// The cloud of the neurons in two coordinates over the density of their limit.

import type { CloudPicture } from "../run/protocol";
import { type AxisSpec, drawAxes, plane } from "./axes";
import { ramp } from "./colours";
import { coordinateName, projectionNote, readableMean } from "./names";
import type { Box, Pen } from "./pen";
import type { Theme } from "./theme";

const COLOURS = 64;

// from paper to an orange that points of the network's blue still stand out from
const THROUGH = { light: ["#fbe0c8", "#f3b27c", "#e3843a"], dark: ["#432813", "#8a4a14", "#c9762b"] };

/**
 * Colours of a density, from nothing to its peak, even to the eye.
 *
 * @param theme  whose paper is the colour of nothing
 * @returns [4·64] red, green, blue, 255 in turn
 */
export function heat(theme: Theme): Uint8ClampedArray {
  return ramp([theme.paper, ...THROUGH[theme.dark ? "dark" : "light"]], COLOURS);
}

/**
 * Numbers of colours of masses: as their square root, so that tails are seen; row 0 at the top.
 *
 * @param masses   [rows · columns], row 0 at the bottom
 * @param columns  of the grid
 * @param into     [rows · columns], is overwritten
 */
export function shade(masses: Float32Array, columns: number, into: Uint8Array): void {
  let peak = 0;
  for (const mass of masses) if (mass > peak) peak = mass;
  const rows = masses.length / columns;
  const scale = peak > 0 ? 1 / peak : 0;
  for (let row = 0; row < rows; row++) {
    const from = (rows - 1 - row) * columns;
    for (let column = 0; column < columns; column++) {
      const share = Math.max(0, masses[from + column]! * scale);
      into[row * columns + column] = Math.round((COLOURS - 1) * Math.sqrt(share));
    }
  }
}

const palettes = new WeakMap<Theme, Uint8ClampedArray>();
let colours = new Uint8Array(0);
let places = new Float32Array(8192);

/**
 * Draws the cloud.
 *
 * @param pen      to draw with
 * @param outer    the whole picture
 * @param picture  points and density
 * @param theme    colours
 */
export function drawCloud(pen: Pen, outer: Box, picture: CloudPicture, theme: Theme): void {
  const x: AxisSpec = { ...picture.x, name: coordinateName(picture.x.name) };
  const y: AxisSpec = { ...picture.y, name: coordinateName(picture.y.name) };
  const at = plane(outer, x, y);
  const { points, density } = picture;
  if (density) {
    let palette = palettes.get(theme);
    if (!palette) palettes.set(theme, (palette = heat(theme)));
    const { columns, rows, masses } = density;
    if (colours.length !== masses.length) colours = new Uint8Array(masses.length);
    shade(masses, columns, colours);
    pen.cells(at.box, { columns, rows, colours, palette, smooth: true });
  }
  if (places.length < points.length) places = new Float32Array(points.length);
  const { box } = at;
  const across = box.width / (x.to - x.from);
  const up = box.height / (y.to - y.from);
  for (let i = 0; i < points.length; i += 2) {
    places[i] = box.x + (points[i]! - x.from) * across;
    places[i + 1] = box.y + box.height - (points[i + 1]! - y.from) * up;
  }
  const size = points.length > 3000 ? 2.5 : 4;
  pen.within(box, () => pen.marks(places, points.length, "disc", size, theme.network, theme.paper));
  drawAxes(pen, at, x, y, theme, false);
}

/** What the picture is called. */
export function cloudTitle(withLimit: boolean): string {
  return withLimit ? "Neurons over the limit’s density" : "Neurons";
}

/** The picture in words. */
export function cloudSummary({ x, y, points, density }: CloudPicture): string {
  const count = points.length / 2;
  const mean = [0, 0];
  let outside = 0;
  for (let i = 0; i < points.length; i += 2) {
    const [u, v] = [points[i]!, points[i + 1]!];
    mean[0]! += u / count;
    mean[1]! += v / count;
    if (!(u >= x.from && u <= x.to && v >= y.from && v <= y.to)) outside++;
  }
  const [first, second] = [coordinateName(x.name), coordinateName(y.name)];
  const [mean0, mean1] = [readableMean(mean[0]!, x.to - x.from), readableMean(mean[1]!, y.to - y.from)];
  let words = `${count} neurons, mean of ${first} ${mean0}, of ${second} ${mean1}`;
  if (outside > 0) words += `; ${outside} outside the picture`;
  if (density) {
    const [u, v] = middle(density, x, y);
    words += `; the limit's means are ${readableMean(u, x.to - x.from)} and ${readableMean(v, y.to - y.from)}`;
  }
  return `${words}.${projectionNote(x.name, y.name)}`;
}

function middle(
  { columns, rows, masses }: NonNullable<CloudPicture["density"]>,
  x: CloudPicture["x"],
  y: CloudPicture["y"],
): [number, number] {
  let [mass, u, v] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const m = masses[row * columns + column]!;
      mass += m;
      u += m * (column + 0.5);
      v += m * (row + 0.5);
    }
  }
  return [x.from + ((x.to - x.from) * u) / (mass * columns), y.from + ((y.to - y.from) * v) / (mass * rows)];
}
