// Masses that a limit has in the cells of two coordinates.
//
//   particles        counted, those of a quadrature smoothed by a cell
//   a grid           its cells' masses spread over those of the picture
//   a radial law     a weight w_j is, given its radius, a coordinate of a uniform direction: density c (1 − w²/r²)^{(D−3)/2} / r on [−r, r]
//                    in D dimensions, and c (1 − (w² + v²)/r²)^{(D−4)/2} / r² of two of them, so that the density is exact

import { coordinate, type Measure, type Problem } from "meanfield";
import type { Shown } from "./cloud";
import { limitMarginal, masses as massesOnLine } from "./law";
import type { Range } from "./ranges";

/** Cells along each radius while directions are put in. */
const RADII = 256;

/** An axis with its cells. */
export interface Axis extends Range {
  name: string;
  cells: number;
}

/**
 * The masses.
 *
 * @returns row-major, a row a cell of y; their sum is 1 where the ranges hold everything; null where the limit has no such coordinates
 */
export function densityOf({ measure, problem }: Shown, x: Axis, y: Axis): Float32Array | null {
  if (measure.kind === "fluctuation") return null;
  if (measure.kind === "grid") return ofGrid(measure, problem, x, y);
  const [a, b] = [limitMarginal({ measure, problem }, x.name), limitMarginal({ measure, problem }, y.name)];
  if (a?.kind === "particles" && b?.kind === "particles") return counted(a.values, b.values, measure.weights, x, y);
  return measure.coordinates === "radial" ? ofDirections({ measure, problem }, x, y) : null;
}

function counted(xs: Float64Array, ys: Float64Array, weights: Float64Array | null, x: Axis, y: Axis): Float32Array {
  const out = new Float32Array(x.cells * y.cells);
  const [sx, sy] = [x.cells / (x.to - x.from), y.cells / (y.to - y.from)];
  const n = xs.length;
  for (let i = 0; i < n; i++) {
    const column = clamp(Math.floor((xs[i]! - x.from) * sx), x.cells);
    const row = clamp(Math.floor((ys[i]! - y.from) * sy), y.cells);
    out[row * x.cells + column]! += weights ? weights[i]! : 1 / n;
  }
  return smoothed(out, x.cells, y.cells, weights ? 2 : 3);
}

function ofGrid(measure: Extract<Measure, { kind: "grid" }>, problem: Problem, x: Axis, y: Axis): Float32Array | null {
  const { edges, masses, coordinates } = measure;
  const names = coordinates === "radial" ? ["r1", "r2"] : ["w0", "w1"];
  const [i, j] = [names.indexOf(x.name), names.indexOf(y.name)];
  if (i < 0 || j < 0 || i >= edges.length || j >= edges.length) {
    return coordinates === "radial" ? ofDirections({ measure, problem }, x, y) : null;
  }
  const [ofX, ofY] = [overlaps(edges[i]!, x), overlaps(edges[j]!, y)];
  const columns = edges.length === 1 ? 1 : edges[1]!.length - 1;
  const out = new Float32Array(x.cells * y.cells);
  masses.forEach((mass, cell) => {
    if (mass < 1e-12) return;
    const place = [Math.floor(cell / columns), cell % columns];
    for (const [row, share] of ofY[place[j]!]!) {
      for (const [column, part] of ofX[place[i]!]!) out[row * x.cells + column]! += mass * share * part;
    }
  });
  return out;
}

// For each cell between edges the cells of an axis that it lies in, and its shares.
function overlaps(edges: Float64Array, { from, to, cells }: Axis): [number, number][][] {
  const width = (to - from) / cells;
  return Array.from({ length: edges.length - 1 }, (_, k) => {
    const [a, b] = [edges[k]!, edges[k + 1]!];
    const [first, last] = [clamp(Math.floor((a - from) / width), cells), clamp(Math.floor((b - from) / width), cells)];
    if (first === last) return [[first, 1]];
    return Array.from({ length: last - first + 1 }, (_, i): [number, number] => {
      const left = from + (first + i) * width;
      return [first + i, Math.max(0, Math.min(b, left + width) - Math.max(a, left)) / (b - a)];
    });
  });
}

// A radial law, and weights among the coordinates.
function ofDirections({ measure, problem }: Shown, x: Axis, y: Axis): Float32Array | null {
  const { law } = problem;
  if (law.kind !== "anisotropicGaussians" || law.dimension === "infinite" || law.rotation !== "identity") return null;
  const d = law.dimension;
  const two = law.signal < d;
  // the space that a coordinate lives in, and its dimension; null for what is neither a radius nor a weight
  const spaceOf = (name: string): { radius: "r1" | "r2"; dimension: number; weight: boolean } | null => {
    if (name === "r1" || (name === "r" && !two)) return { radius: "r1", dimension: law.signal, weight: false };
    if (name === "r2" && two) return { radius: "r2", dimension: d - law.signal, weight: false };
    const weight = /^w(\d+)$/.exec(name);
    if (!weight || Number(weight[1]) >= d) return null;
    return Number(weight[1]) < law.signal
      ? { radius: "r1", dimension: law.signal, weight: true }
      : { radius: "r2", dimension: d - law.signal, weight: true };
  };
  const [a, b] = [spaceOf(x.name), spaceOf(y.name)];
  if (!a || !b) return null;
  const out = new Float32Array(x.cells * y.cells);

  if (a.radius === b.radius) {
    const radii = binned(measure, problem, a.radius);
    if (a.weight && b.weight && x.name !== y.name) {
      if (a.dimension < 4) return null;
      addDiscs(out, radii, a.dimension, x, y);
      return smoothed(out, x.cells, y.cells, 1);
    }
    radii.masses.forEach((mass, k) => {
      if (mass < 1e-9) return;
      const r = (k + 0.5) * radii.width;
      const alongX = a.weight ? shares(r, a.dimension, x) : at(r, x);
      const alongY = b.weight && y.name !== x.name ? shares(r, b.dimension, y) : x.name === y.name ? null : at(r, y);
      alongX.forEach((share, column) => {
        if (share === 0) return;
        // a coordinate against itself lies on the diagonal
        if (alongY === null)
          out[clamp(Math.floor((column / x.cells) * y.cells), y.cells) * x.cells + column]! += mass * share;
        else alongY.forEach((part, row) => void (out[row * x.cells + column]! += mass * share * part));
      });
    });
    return smoothed(out, x.cells, y.cells, 1);
  }

  if (measure.kind !== "particles") return null;
  // one of each space: given both radii they are independent
  const r1 = coordinate(measure, a.radius, problem) as { values: Float64Array; weights: Float64Array | null };
  const r2 = coordinate(measure, b.radius, problem) as { values: Float64Array; weights: Float64Array | null };
  const n = r1.values.length;
  if (a.weight && b.weight) {
    addProducts(out, r1.values, r2.values, measure.weights, [a.dimension, b.dimension], x, y);
    return smoothed(out, x.cells, y.cells, 1);
  }
  for (let i = 0; i < n; i++) {
    const mass = measure.weights ? measure.weights[i]! : 1 / n;
    if (mass < 1e-7) continue;
    const alongX = a.weight ? shares(r1.values[i]!, a.dimension, x) : at(r1.values[i]!, x);
    const alongY = b.weight ? shares(r2.values[i]!, b.dimension, y) : at(r2.values[i]!, y);
    alongX.forEach((share, column) => {
      if (share > 0) alongY.forEach((part, row) => void (out[row * x.cells + column]! += mass * share * part));
    });
  }
  return smoothed(out, x.cells, y.cells, 1);
}

/** Cells along each radius for two weights. */
const PAIRS = 48;

// Two weights, one of each space: radii in cells first, then one coordinate after the other.
function addProducts(
  out: Float32Array,
  r1: Float64Array,
  r2: Float64Array,
  weights: Float64Array | null,
  dimensions: [number, number],
  x: Axis,
  y: Axis,
): void {
  const widths = [r1, r2].map((radii) => (radii.reduce((most, r) => Math.max(most, r), 1e-12) * 1.0001) / PAIRS);
  const joint = new Float64Array(PAIRS * PAIRS);
  for (let i = 0; i < r1.length; i++) {
    const place = Math.floor(r1[i]! / widths[0]!) * PAIRS + Math.floor(r2[i]! / widths[1]!);
    joint[place]! += weights ? weights[i]! : 1 / r1.length;
  }
  const along = (k: number, axis: Axis) =>
    Array.from({ length: PAIRS }, (_, i) => shares((i + 0.5) * widths[k]!, dimensions[k]!, axis));
  const [alongX, alongY] = [along(0, x), along(1, y)];
  for (let i = 0; i < PAIRS; i++) {
    const column = new Float64Array(y.cells);
    let mass = 0;
    for (let j = 0; j < PAIRS; j++) {
      const part = joint[i * PAIRS + j]!;
      if (part < 1e-9) continue;
      mass += part;
      for (let row = 0; row < y.cells; row++) column[row]! += part * alongY[j]![row]!;
    }
    if (mass === 0) continue;
    for (let row = 0; row < y.cells; row++) {
      if (column[row] === 0) continue;
      for (let k = 0; k < x.cells; k++) out[row * x.cells + k]! += column[row]! * alongX[i]![k]!;
    }
  }
}

function binned(measure: Measure, problem: Problem, name: string): { masses: Float64Array; width: number } {
  const law = coordinate(measure, name, problem);
  const most =
    (law.kind === "grid" ? law.edges[law.edges.length - 1]! : law.values.reduce((m, r) => Math.max(m, r), 0)) || 1;
  return { masses: massesOnLine(law, { from: 0, to: most * 1.0001 }, RADII, true), width: (most * 1.0001) / RADII };
}

function at(value: number, { from, to, cells }: Axis): Float64Array {
  const out = new Float64Array(cells);
  out[clamp(Math.floor(((value - from) / (to - from)) * cells), cells)] = 1;
  return out;
}

// Masses that a coordinate of a uniform direction times r has in the cells of an axis.
function shares(r: number, dimension: number, axis: Axis): Float64Array {
  const { from, to, cells } = axis;
  const width = (to - from) / cells;
  // a sphere of next to nothing, or the two points ±r
  if (r < width / 2) return at(0, axis);
  if (dimension === 1) return at(r, axis).map((mass, i) => (mass + at(-r, axis)[i]!) / 2);
  const out = new Float64Array(cells);
  let sum = 0;
  for (let i = 0; i < cells; i++) {
    const u = (from + (i + 0.5) * width) / r;
    if (Math.abs(u) >= 1) continue;
    sum += out[i] = (1 - u * u) ** ((dimension - 3) / 2);
  }
  if (sum === 0) return at(0, axis);
  for (let i = 0; i < cells; i++) out[i]! /= sum;
  return out;
}

/** Values of the profile below. */
const PROFILE = 192;

// The masses of two coordinates of uniform directions times the radii of a law. They depend on the distance from 0 alone: one profile of it
// serves all cells, but for radii of a few cells, of which the middle cell has all.
function addDiscs(
  out: Float32Array,
  { masses, width }: { masses: Float64Array; width: number },
  dimension: number,
  x: Axis,
  y: Axis,
): void {
  const [wx, wy] = [(x.to - x.from) / x.cells, (y.to - y.from) / y.cells];
  const power = (dimension - 4) / 2;
  const most = width * masses.length;
  // where a coordinate has most of its mass: narrow discs are wide spheres of many dimensions
  const narrow = Math.max(wx, wy) * Math.sqrt(dimension) * 0.5;
  const profile = new Float64Array(PROFILE + 1);
  let centre = 0;
  masses.forEach((mass, k) => {
    if (mass < 1e-9) return;
    const r = (k + 0.5) * width;
    if (r < narrow) {
      centre += mass;
      return;
    }
    const height = (mass * (power + 1)) / (Math.PI * r * r);
    for (let i = 0; i <= PROFILE; i++) {
      const u = (i * most) / PROFILE / r;
      if (u >= 1) break;
      profile[i]! += height * (1 - u * u) ** power;
    }
  });
  let sum = 0;
  for (let row = 0; row < y.cells; row++) {
    const v = y.from + (row + 0.5) * wy;
    for (let column = 0; column < x.cells; column++) {
      const u = x.from + (column + 0.5) * wx;
      const place = (Math.sqrt(u * u + v * v) / most) * PROFILE;
      const i = Math.floor(place);
      if (i >= PROFILE) continue;
      sum += out[row * x.cells + column] = profile[i]! + (place - i) * (profile[i + 1]! - profile[i]!);
    }
  }
  if (sum > 0) for (let i = 0; i < out.length; i++) out[i]! *= (1 - centre) / sum;
  const middle = clamp(Math.floor(-y.from / wy), y.cells) * x.cells + clamp(Math.floor(-x.from / wx), x.cells);
  out[middle]! += sum > 0 ? centre : 1;
}

function clamp(i: number, cells: number): number {
  return Math.min(cells - 1, Math.max(0, i));
}

// Means over neighbours, ¼ ½ ¼ in both directions, a number of times; no mass is lost.
function smoothed(masses: Float32Array, columns: number, rows: number, times: number): Float32Array {
  let from = masses;
  for (let k = 0; k < times; k++) {
    for (const [step, length, lines, next] of [
      [1, columns, rows, columns],
      [columns, rows, columns, 1],
    ] as const) {
      const to = new Float32Array(from.length);
      for (let line = 0; line < lines; line++) {
        for (let i = 0; i < length; i++) {
          const here = line * next + i * step;
          const before = i > 0 ? here - step : here;
          const after = i + 1 < length ? here + step : here;
          to[here] = 0.25 * from[before]! + 0.5 * from[here]! + 0.25 * from[after]!;
        }
      }
      from = to;
    }
  }
  return from;
}
