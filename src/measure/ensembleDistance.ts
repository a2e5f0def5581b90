// Wasserstein distances between ensembles of measures: of the laws of random measures, by assignment.                  theory §8
//
//   W_p(R⁻¹ Σ_r δ_{a_r}, R⁻¹ Σ_r δ_{b_r})^p = min_π R⁻¹ Σ_r dist(a_r, b_{π(r)})^p

import { SpecError } from "../engine/errors";
import { pow } from "../engine/math";
import { type Assignment, assignPoints, leastCost, MOST_ASSIGNED } from "./assignment";
import type { Work } from "./cells";
import { w2 } from "./distance";
import { type Measure, marginal } from "./measure";
import { sobolevProduct } from "./negativeSobolev";
import { signedPoints, totalWeight } from "./signed";
import { checkDirections, slices } from "./slicedW2";
import { checkedMeasure, pointsOf, requireSameSpace } from "./weightedPoints";

/** The distance of two measures that an ensemble's distance is built on. */
export type GroundDistance =
  | { kind: "w2" }
  | { kind: "slicedW2"; directions?: number; seed?: number }
  | { kind: "negativeSobolev"; order: number };

/** What a distance of ensembles is asked for. */
export interface EnsembleDistanceOptions {
  /** p, 1 or more */
  order?: number;
  ground?: GroundDistance;
}

/** As `ensembleDistance` of src/measure/onDemand.ts. */
export function* ensembleDistance(
  a: readonly Measure[],
  b: readonly Measure[],
  { order = 2, ground = { kind: "w2" } }: EnsembleDistanceOptions = {},
): Work<Assignment> {
  if (!(Number.isFinite(order) && order >= 1)) throw new SpecError("order", order, "a finite number, 1 or more");
  for (const [measures, path] of [
    [a, "a"],
    [b, "b"],
  ] as const) {
    if (!Array.isArray(measures) || measures.length === 0) {
      throw new SpecError(path, measures, "a list of measures that is not empty");
    }
  }
  const n = a.length;
  if (b.length !== n) {
    const remedy = "Ensembles of different sizes have no assignment: leave out the surplus of the larger one.";
    throw new SpecError("b", `${b.length} measures`, `${n} measures, as a has`, remedy);
  }
  if (n > MOST_ASSIGNED) throw new SpecError("a", `${n} measures`, `at most ${MOST_ASSIGNED}`);
  const distance = yield* between(a, b, ground);
  let largest = 0;
  for (const row of distance) for (const d of row) largest = Math.max(largest, d);
  if (largest === 0) return { distance: 0, permutation: Int32Array.from({ length: n }, (_, r) => r) };
  const cost = distance.map((row) => row.map((d) => pow(d / largest, order)));
  const permutation = leastCost(cost);
  let sum = 0;
  permutation.forEach((s, r) => {
    sum += cost[r]![s]! / n;
  });
  return { distance: largest * pow(sum, 1 / order), permutation };
}

// n rows of n ground distances
function* between(a: readonly Measure[], b: readonly Measure[], ground: GroundDistance): Work<Float64Array[]> {
  const kind = ground?.kind;
  if (kind === "negativeSobolev") return yield* sobolevDistances(a, b, ground.order);
  if (kind !== "w2" && kind !== "slicedW2") {
    throw new SpecError("ground.kind", kind, '"w2", "slicedW2" or "negativeSobolev"');
  }
  const options = checkDirections(kind === "slicedW2" ? ground : {});
  const sides = [a, b].map((measures, side) =>
    measures.map((measure, r) => {
      const path = `${"ab"[side]}[${r}]`;
      const points = pointsOf(measure, path);
      const line = points.dimension === 1 ? marginal(checkedMeasure(measure, path), 0) : null;
      return { points, line, path };
    }),
  );
  const [first, second] = sides as [(typeof sides)[0], (typeof sides)[0]];
  for (const { points, path } of [...first, ...second]) requireSameSpace(first[0]!.points, points, path);
  const rows: Float64Array[] = [];
  for (const x of first) {
    const row = new Float64Array(second.length);
    for (const [s, y] of second.entries()) {
      if (x.line && y.line) row[s] = w2(x.line, y.line);
      else if (kind === "w2") row[s] = assignPoints(x.points, y.points, y.path).distance;
      else row[s] = (yield* slices(x.points, y.points, options)).distance;
      yield;
    }
    rows.push(row);
  }
  return rows;
}

// |a_r|² and |b_s|² are found once
function* sobolevDistances(a: readonly Measure[], b: readonly Measure[], order: number): Work<Float64Array[]> {
  const sides = [a, b].map((measures, side) =>
    measures.map((measure, r) => signedPoints([{ factor: 1, measure }], [`${"ab"[side]}[${r}]`])),
  );
  const [first, second] = sides as [(typeof sides)[0], (typeof sides)[0]];
  sides.forEach((side, i) => {
    side.forEach((one, r) => void requireSameSpace(first[0]!, one, `${"ab"[i]}[${r}]`));
  });
  const { pairs, scale } = sobolevProduct([...first, ...second], order);
  const own: Float64Array[] = [];
  for (const side of sides) {
    const squares = new Float64Array(side.length);
    for (const [r, one] of side.entries()) squares[r] = yield* pairs(one, one);
    own.push(squares);
  }
  const rows: Float64Array[] = [];
  for (const [r, x] of first.entries()) {
    const row = new Float64Array(second.length);
    for (const [s, y] of second.entries()) {
      const gap = totalWeight(x) - totalWeight(y);
      const square = gap * gap + own[0]![r]! + own[1]![s]! - 2 * (yield* pairs(x, y));
      row[s] = scale * Math.sqrt(Math.max(0, square));
      yield;
    }
    rows.push(row);
  }
  return rows;
}
