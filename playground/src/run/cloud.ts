// Neurons as points in two coordinates, over the masses that the limit has in cells.

import { coordinate, type Marginal, type Measure, type Problem } from "meanfield";
import { densityOf } from "./density";
import { extentOf, isRadius, limitMarginal, shownName } from "./law";
import type { CloudPicture } from "./protocol";
import type { Ranges } from "./ranges";

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
  // the law of a process on a grid has no neurons
  const n = network.measure.kind === "particles" ? Math.min(MOST_POINTS, xs.length) : 0;
  const points = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    points[2 * i] = xs[i]!;
    points[2 * i + 1] = ys[i]!;
  }
  const behind = limit ?? (network.measure.kind === "grid" ? network : null);
  const of = { x: limitMarginal(behind, names.x), y: limitMarginal(behind, names.y) };
  const range = (name: string, own: Float64Array, other: Marginal | null) => {
    const [low, high] = extentOf({ kind: "particles", values: own, weights: null });
    const [least, most] = other ? extentOf(other) : [low, high];
    return ranges.of(name, Math.min(low, least), Math.max(high, most), isRadius(name));
  };
  const x = range(names.x, xs, of.x);
  const y = range(names.y, ys, of.y);
  const masses =
    behind && densityOf(behind, { name: names.x, ...x, cells: COLUMNS }, { name: names.y, ...y, cells: ROWS });
  return {
    x: { name: shownName(names.x, network.problem), ...x },
    y: { name: shownName(names.y, network.problem), ...y },
    points,
    density: masses && { columns: COLUMNS, rows: ROWS, masses },
  };
}

function valuesOf(law: Marginal): Float64Array {
  return law.kind === "particles" ? law.values : law.edges;
}
