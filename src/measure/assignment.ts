// Assignments of least cost, and W2 between laws of equally many points of equal weight by one.
//
//   W2² = min_π n⁻¹ Σ_i |x_i − y_{π(i)}|²,    π over all permutations

import { munkres } from "munkres";
import { SpecError } from "../engine/errors";
import type { Measure } from "./measure";
import { pointsOf, requireSameSpace, type WeightedPoints } from "./weightedPoints";

/** A distance that one-to-one pairs reach. */
export interface Assignment {
  distance: number;
  /** the pairs: i of the first with permutation[i] of the second */
  permutation: Int32Array;
}

/** Larger matrices would take minutes that nothing can interrupt. */
export const MOST_ASSIGNED = 4000;

/** As `w2Assignment` of src/measure/onDemand.ts. */
export function w2Assignment(a: Measure, b: Measure): Assignment {
  const first = pointsOf(a, "a");
  const second = pointsOf(b, "b");
  requireSameSpace(first, second, "b");
  return assignPoints(first, second, "b");
}

/**
 * W2 of two laws in one space by assignment.
 *
 * @param path  where the second one stands
 * @throws {SpecError} where weights or numbers differ, or there are too many points
 */
export function assignPoints(first: WeightedPoints, second: WeightedPoints, path: string): Assignment {
  for (const [law, place] of [
    [first, path === "b" ? "a" : path],
    [second, path],
  ] as const) {
    const bad = law.weights.findIndex((w) => !(Math.abs(w * law.count - 1) < 1e-9));
    if (bad >= 0) throw new SpecError(`${place}.weights[${bad}]`, law.weights[bad], "equal weights", UNEQUAL);
  }
  const n = first.count;
  if (second.count !== n) {
    throw new SpecError(`${path}.shape`, `${second.count} points`, `${n} points, as the other has`, UNEQUAL);
  }
  const permutation = first.dimension === 1 ? sorted(first.values, second.values) : assignedTo(first, second, path);
  return { distance: Math.sqrt(meanSquare(first, second, permutation)), permutation };
}

const UNEQUAL = "sinkhorn and slicedW2 take laws of any weights and numbers of points.";

/**
 * The permutation of least cost.
 *
 * @param cost  n rows of n numbers
 */
export function leastCost(cost: Float64Array[]): Int32Array {
  const permutation = new Int32Array(cost.length);
  for (const [i, j] of munkres(cost)) permutation[i] = j;
  return permutation;
}

// Places and sizes of the two clouds do not change which permutation is best, −Σ ⟨x_i, y_π(i)⟩ is all that counts; but from clouds
// that lie on each other the search has less to do, by a factor of forty for 2000 points three widths apart.
function assignedTo(first: WeightedPoints, second: WeightedPoints, path: string): Int32Array {
  const { count: n, dimension } = first;
  if (n > MOST_ASSIGNED) {
    const remedy = "The search takes n³ operations; slicedW2 takes any number, or compare fewer particles.";
    throw new SpecError(`${path}.shape`, `${n} points`, `at most ${MOST_ASSIGNED} points`, remedy);
  }
  const x = standardised(first);
  const y = standardised(second);
  const cost = Array.from({ length: n }, (_, i) => {
    const row = new Float64Array(n);
    for (let j = 0; j < n; j++) row[j] = squareBetween(x, y, i, j, dimension);
    return row;
  });
  return leastCost(cost);
}

function standardised({ count, dimension, values }: WeightedPoints): Float64Array {
  const out = values.slice();
  let largest = 0;
  for (let k = 0; k < dimension; k++) {
    let mean = 0;
    for (let i = 0; i < count; i++) mean += values[i * dimension + k]! / count;
    for (let i = 0; i < count; i++) {
      out[i * dimension + k]! -= mean;
      largest = Math.max(largest, Math.abs(out[i * dimension + k]!));
    }
  }
  if (largest === 0) return out;
  let squares = 0;
  for (const z of out) squares += (z / largest) * (z / largest);
  const scale = 1 / (largest * Math.sqrt(squares / count));
  return scale < Infinity ? out.map((z) => z * scale) : out;
}

function sorted(x: Float64Array, y: Float64Array): Int32Array {
  const order = (values: Float64Array) => Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const to = order(y);
  const permutation = new Int32Array(x.length);
  order(x).forEach((i, rank) => {
    permutation[i] = to[rank]!;
  });
  return permutation;
}

function meanSquare(x: WeightedPoints, y: WeightedPoints, permutation: Int32Array): number {
  let sum = 0;
  permutation.forEach((j, i) => {
    sum += squareBetween(x.values, y.values, i, j, x.dimension);
  });
  return sum / permutation.length;
}

/** |x_i − y_j|² of rows. */
export function squareBetween(x: Float64Array, y: Float64Array, i: number, j: number, dimension: number): number {
  let square = 0;
  for (let k = 0; k < dimension; k++) {
    const z = x[i * dimension + k]! - y[j * dimension + k]!;
    square += z * z;
  }
  return square;
}
