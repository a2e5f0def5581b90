// The sliced Wasserstein distance: the mean of W2² over projections onto lines.
//
//   SW2²(a, b) = ∫ W2²(⟨u, ·⟩_# a, ⟨u, ·⟩_# b) du    over the unit sphere, of total mass 1

import { PURPOSE_PROJECTION } from "../../assembly/layout";
import { checkKey } from "../engine/draws";
import { SpecError } from "../engine/errors";
import { normalsOf } from "../random/stream";
import type { Work } from "./cells";
import { w2 } from "./distance";
import { type Measure, marginal } from "./measure";
import { checkedMeasure, columnsOf, pointsOf, requireSameSpace, type WeightedPoints } from "./weightedPoints";

/** A sliced distance and how it was found. */
export interface SlicedDistance {
  distance: number;
  /** of the distance, from the spread over directions; null where it is exact */
  standardError: number | null;
  method: "exact" | "sample";
}

/** How directions are drawn. */
export interface SlicedOptions {
  /** how many */
  directions?: number;
  seed?: number;
}

/** As `slicedW2` of src/measure/onDemand.ts. */
export function* slicedW2(a: Measure, b: Measure, options: SlicedOptions = {}): Work<SlicedDistance> {
  const checked = checkDirections(options);
  const first = pointsOf(a, "a");
  const second = pointsOf(b, "b");
  requireSameSpace(first, second, "b");
  if (first.dimension === 1) {
    // cells of a grid are taken as they are, not as points
    const line = (measure: Measure, path: string) => marginal(checkedMeasure(measure, path), 0);
    return { distance: w2(line(a, "a"), line(b, "b")), standardError: null, method: "exact" };
  }
  return yield* slices(first, second, checked);
}

/** The same of points of two or more coordinates. */
export function* slices(
  first: WeightedPoints,
  second: WeightedPoints,
  { directions, seed }: Required<SlicedOptions>,
): Work<SlicedDistance> {
  const D = first.dimension;
  const columns = [columnsOf(first), columnsOf(second)];
  const laws = [first, second];
  const squares = new Float64Array(directions);
  for (let step = 0; step < directions; step++) {
    const u = direction(seed, step, D);
    const [p, q] = laws.map(({ count, weights }, side) => ({
      kind: "particles" as const,
      values: projected(columns[side]!, u, count),
      weights: weights.every((w) => w === weights[0]) ? null : weights,
    }));
    const distance = w2(p!, q!);
    squares[step] = distance * distance;
    yield;
  }
  let mean = 0;
  for (const square of squares) mean += square / directions;
  let spread = 0;
  for (const square of squares) spread += (square - mean) * (square - mean);
  const distance = Math.sqrt(mean);
  const error = Math.sqrt(spread / (directions - 1) / directions);
  return { distance, standardError: distance > 0 ? error / (2 * distance) : 0, method: "sample" };
}

/** Directions and seed, checked. */
export function checkDirections({ directions = 256, seed = 0 }: SlicedOptions): Required<SlicedOptions> {
  if (!(Number.isInteger(directions) && directions >= 2 && directions <= 1e6)) {
    throw new SpecError("directions", directions, "an integer from 2 to 10^6");
  }
  checkKey({ seed, purpose: PURPOSE_PROJECTION, replica: 0 });
  return { directions, seed };
}

function direction(seed: number, step: number, D: number): Float64Array {
  const u = normalsOf({ seed, purpose: PURPOSE_PROJECTION, replica: 0 }, { step, from: 0, count: D });
  let square = 0;
  for (const x of u) square += x * x;
  const length = Math.sqrt(square);
  return u.map((x) => x / length);
}

function projected(columns: readonly Float64Array[], u: Float64Array, count: number): Float64Array {
  const out = new Float64Array(count);
  columns.forEach((column, k) => {
    const share = u[k]!;
    for (let i = 0; i < count; i++) out[i]! += share * column[i]!;
  });
  return out;
}
