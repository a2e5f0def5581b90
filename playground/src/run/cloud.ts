// Neurons as points in two coordinates, over the masses that the limit has in cells.

import { coordinate, type Marginal, type Measure, type Problem } from "meanfield";
import { extentOf, isRadius, limitMarginal } from "./law";
import type { CloudPicture } from "./protocol";
import type { Range, Ranges } from "./ranges";

/** Neurons that are shown at most. */
const MOST_POINTS = 4096;
const COLUMNS = 96;
const ROWS = 72;

/** A measure and what it solves. */
export interface Shown {
  measure: Measure;
  problem: Problem;
}

/** The picture of two coordinates. */
export function cloudPicture(
  names: { x: string; y: string },
  network: Shown,
  limit: Shown | null,
  ranges: Ranges,
): CloudPicture {
  const at = (name: string) => valuesOf(coordinate(network.measure, name, network.problem));
  const xs = at(names.x);
  const ys = names.y === names.x ? xs : at(names.y);
  const n = Math.min(MOST_POINTS, xs.length);
  const points = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    points[2 * i] = xs[i]!;
    points[2 * i + 1] = ys[i]!;
  }
  const of = limit && { x: limitMarginal(limit, names.x), y: limitMarginal(limit, names.y) };
  const range = (name: string, own: Float64Array, other: Marginal | null) => {
    const [low, high] = extentOf({ kind: "particles", values: own, weights: null });
    const [least, most] = other ? extentOf(other) : [low, high];
    return ranges.of(name, Math.min(low, least), Math.max(high, most), isRadius(name));
  };
  const x = range(names.x, xs, of?.x ?? null);
  const y = range(names.y, ys, of?.y ?? null);
  return {
    x: { name: names.x, ...x },
    y: { name: names.y, ...y },
    points,
    density: of?.x && of.y ? densityOf(of.x, of.y, x, y) : null,
  };
}

function valuesOf(law: Marginal): Float64Array {
  return law.kind === "particles" ? law.values : law.edges;
}

function densityOf(a: Marginal, b: Marginal, x: Range, y: Range): CloudPicture["density"] {
  if (a.kind !== "particles" || b.kind !== "particles") return null;
  const masses = new Float32Array(COLUMNS * ROWS);
  const [sx, sy] = [COLUMNS / (x.to - x.from), ROWS / (y.to - y.from)];
  const n = a.values.length;
  for (let i = 0; i < n; i++) {
    const column = Math.min(COLUMNS - 1, Math.max(0, Math.floor((a.values[i]! - x.from) * sx)));
    const row = Math.min(ROWS - 1, Math.max(0, Math.floor((b.values[i]! - y.from) * sy)));
    masses[row * COLUMNS + column]! += a.weights ? a.weights[i]! : 1 / n;
  }
  return { columns: COLUMNS, rows: ROWS, masses };
}
