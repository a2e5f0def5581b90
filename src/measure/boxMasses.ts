// Masses that a law has in boxes of its coordinates, as in the basins of minima.                                       theory §10

import { SpecError } from "../engine/errors";
import { lawOf, type Measure } from "./measure";
import { checkedMeasure } from "./weightedPoints";

/** Ends of a box along one coordinate; null is no end. */
export type Ends = readonly [number | null, number | null];

/** A box: its ends along each coordinate, or along the only one. */
export type Box = Ends | readonly Ends[];

/**
 * Boxes, checked.
 *
 * @param value      a list of one box or more
 * @param dimension  number of coordinates
 * @param path       where it stands
 * @returns for each box and coordinate [from, to], from < to, with infinities where there is no end
 * @throws {SpecError} with the path of what is wrong
 */
export function readBoxes(value: unknown, dimension: number, path = "boxes"): [number, number][][] {
  if (!Array.isArray(value) || value.length === 0) throw new SpecError(path, value, "a list of boxes, one or more");
  return value.map((box: unknown, k) => {
    const here = `${path}[${k}]`;
    const flat = dimension === 1 && Array.isArray(box) && !box.some(Array.isArray);
    const ends = flat ? [box] : box;
    if (!Array.isArray(ends) || ends.length !== dimension) {
      const expected = dimension === 1 ? "[from, to]" : `${dimension} pairs [from, to], one a coordinate`;
      throw new SpecError(here, box, expected);
    }
    return ends.map((pair: unknown, j) => readEnds(pair, flat ? here : `${here}[${j}]`));
  });
}

function readEnds(pair: unknown, path: string): [number, number] {
  if (!Array.isArray(pair) || pair.length !== 2) throw new SpecError(path, pair, "[from, to], null for no end");
  const [from, to] = pair.map((x, i) => {
    if (x === null) return i === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (typeof x !== "number" || Number.isNaN(x))
      throw new SpecError(`${path}[${i}]`, x, "a number, or null for no end");
    return x;
  }) as [number, number];
  if (!(from < to)) throw new SpecError(path, pair, "[from, to] with from < to");
  return [from, to];
}

/** See the function of the same name in src/measure/onDemand.ts. */
export function boxMasses(measure: Measure, boxes: readonly Box[]): Float64Array {
  const law = lawOf(checkedMeasure(measure, "measure"));
  if (law.kind === "particles") {
    const [n, width] = law.shape;
    const asked = readBoxes(boxes, width);
    const sums = new Float64Array(asked.length);
    let total = 0;
    for (let i = 0; i < n; i++) {
      const mass = law.weights === null ? 1 : law.weights[i]!;
      total += mass;
      asked.forEach((ends, k) => {
        if (ends.every(([from, to], j) => law.values[i * width + j]! >= from && law.values[i * width + j]! < to)) {
          sums[k]! += mass;
        }
      });
    }
    return sums.map((sum) => sum / total);
  }
  const asked = readBoxes(boxes, law.edges.length);
  const total = law.masses.reduce((sum, mass) => sum + mass, 0);
  const columns = law.edges.length === 1 ? 1 : law.edges[1]!.length - 1;
  return Float64Array.from(asked, (ends) => {
    const [first, second] = ends.map((pair, j) => shares(law.edges[j]!, pair));
    let sum = 0;
    for (let i = 0; i < first!.length; i++) {
      if (first![i] === 0) continue;
      for (let j = 0; j < columns; j++) sum += law.masses[i * columns + j]! * first![i]! * (second ? second[j]! : 1);
    }
    return sum / total;
  });
}

// The part of each cell of an axis that lies between two ends.
function shares(edges: Float64Array, [from, to]: [number, number]): Float64Array {
  return Float64Array.from({ length: edges.length - 1 }, (_, i) => {
    const [a, b] = [edges[i]!, edges[i + 1]!];
    return Math.max(0, Math.min(b, to) - Math.max(a, from)) / (b - a);
  });
}
