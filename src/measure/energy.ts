// Energy distances, and the two-sample test by permutations that they give.
//
//   E²(a, b) = 2 E|X − Y| − E|X − X'| − E|Y − Y'|,    X, X' ~ a and Y, Y' ~ b independent;    in one dimension 2 ∫ (F − G)² dx
//
// Székely, Rizzo, J. Stat. Plan. Inference 143 (2013).

import { PURPOSE_PERMUTATION } from "../../assembly/layout";
import { checkKey } from "../engine/draws";
import { SpecError } from "../engine/errors";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";
import { stream } from "../random/stream";
import type { Profile } from "./besselPotential";
import { Sum, type Work } from "./cells";
import { type Marginal, type Measure, marginal } from "./measure";
import { massBelow, massUpTo, quantileFunction } from "./quantiles";
import { pairSum, signedPoints, termsOf } from "./signed";
import { checkedMeasure, pointsOf, requireSameSpace } from "./weightedPoints";

/** As `energyDistance` of src/measure/onDemand.ts. */
export function* energyDistance(a: Measure, b: Measure): Work<number> {
  const first = pointsOf(a, "a");
  const second = pointsOf(b, "b");
  requireSameSpace(first, second, "b");
  if (first.dimension === 1) {
    const [p, q] = [a, b].map((measure, i) => marginal(checkedMeasure(measure, i === 0 ? "a" : "b"), 0));
    return Math.sqrt(2 * squaredGap(p!, q!));
  }
  const terms = [termsOf(a, "a"), termsOf(b, "b", -1)];
  const difference = signedPoints(
    terms.flatMap(({ terms }) => terms),
    terms.flatMap(({ paths }) => paths),
  );
  return Math.sqrt(Math.max(0, yield* pairSum(difference, difference, { complement: distanceItself })));
}

// −|x − y| is positive definite on differences of laws, as −(1 − κ) is.
const distanceItself: Profile = (r, n, out) => {
  for (let i = 0; i < n; i++) out[i] = r[i]!;
};

// ∫ (F − G)² dx: between neighbouring ends of pieces F − G is linear; at them it may jump.
function squaredGap(a: Marginal, b: Marginal): number {
  const [f, g] = [quantileFunction(a), quantileFunction(b)];
  const ends = Float64Array.from([...f.lows, ...f.highs, ...g.lows, ...g.highs]).sort();
  const sum = new Sum();
  for (let k = 1; k < ends.length; k++) {
    const [from, to] = [ends[k - 1]!, ends[k]!];
    if (to === from) continue;
    const early = massUpTo(f, from) - massUpTo(g, from);
    const late = massBelow(f, to) - massBelow(g, to);
    sum.add(((to - from) * (early * early + early * late + late * late)) / 3);
  }
  return sum.value;
}

/** What a two-sample test found. */
export interface EnergyTest {
  /** n m / (n + m) times the squared energy distance of the samples */
  statistic: number;
  /** (1 + permutations whose statistic is as large) / (1 + permutations) */
  pValue: number;
  permutations: number;
}

/** How a two-sample test is made. */
export interface EnergyTestOptions {
  /** how many */
  permutations?: number;
  seed?: number;
  /** whether every column is divided by its standard deviation in both samples together */
  standardise?: boolean;
}

/** Rows of both samples: a matrix of their distances has to be kept. */
const MOST_ROWS = 8000;

/** As `energyTest` of src/measure/onDemand.ts. */
export function* energyTest(
  samplesA: TensorLike,
  samplesB: TensorLike,
  options: EnergyTestOptions = {},
): Work<EnergyTest> {
  const { permutations = 999, seed = 0, standardise = false } = options;
  if (!(Number.isInteger(permutations) && permutations > 0 && permutations <= 1e7)) {
    throw new SpecError("permutations", permutations, "an integer from 1 to 10^7");
  }
  const key = checkKey({ seed, purpose: PURPOSE_PERMUTATION, replica: 0 });
  const a = rowsOf(samplesA, "samplesA");
  const b = rowsOf(samplesB, "samplesB");
  if (a.width !== b.width) {
    throw new SpecError("samplesB", `rows of ${b.width} numbers`, `rows of ${a.width} numbers, as samplesA has`);
  }
  const [n, m] = [a.count, b.count];
  const all = n + m;
  if (all > MOST_ROWS) {
    throw new SpecError("samplesB", `${all} rows in both samples`, `at most ${MOST_ROWS}`, "Take every other row.");
  }
  const columns = Array.from({ length: a.width }, (_, k) => {
    const column = new Float64Array(all);
    for (let i = 0; i < n; i++) column[i] = a.data[i * a.width + k]!;
    for (let j = 0; j < m; j++) column[n + j] = b.data[j * a.width + k]!;
    return standardise ? standardised(column) : column;
  });
  const distances = yield* distancesOf(columns, all);
  const sums = new Float64Array(all);
  for (let i = 0; i < all; i++) {
    for (let j = 0; j < all; j++) sums[i]! += distances[i * all + j]!;
  }
  let total = 0;
  for (const sum of sums) total += sum;
  // sums of distances within the smaller sample and of its rows give all three means
  const [small, large] = n <= m ? [n, m] : [m, n];
  const members = Int32Array.from({ length: small }, (_, i) => (n <= m ? i : n + i));
  const statisticOf = (rows: Int32Array): number => {
    let within = 0;
    let out = 0;
    for (let i = 0; i < small; i++) {
      const row = rows[i]! * all;
      out += sums[rows[i]!]!;
      for (let j = 0; j < i; j++) within += distances[row + rows[j]!]!;
    }
    within *= 2;
    const across = out - within;
    const rest = total - within - 2 * across;
    return ((small * large) / all) * ((2 * across) / (small * large) - within / small / small - rest / large / large);
  };
  const statistic = statisticOf(members);
  // sums in another order differ in their last digits: as large is what is larger but for those
  const atLeast = statistic - 1e-12 * (total / all);
  const draws = stream(key.seed, { purpose: PURPOSE_PERMUTATION });
  const order = Int32Array.from({ length: all }, (_, i) => i);
  const u = new Float64Array(small);
  let extreme = 1;
  let done = 0;
  for (let step = 0; step < permutations; step++) {
    draws.uniformsInto(u, { step });
    // the first rows of a shuffle of whatever order the last one left
    for (let i = 0; i < small; i++) {
      const j = i + Math.floor(u[i]! * (all - i));
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    if (statisticOf(order) >= atLeast) extreme++;
    if ((done += small * small) < 1 << 18) continue;
    done = 0;
    yield;
  }
  return { statistic, pValue: extreme / (1 + permutations), permutations };
}

interface Rows {
  data: Float64Array;
  count: number;
  width: number;
}

function rowsOf(samples: TensorLike, path: string): Rows {
  const { shape, data } = toF64(readTensor(samples, path, { largest: 1e150 }));
  if (shape.length > 2) throw new SpecError(path, `an array of shape [${shape.join(", ")}]`, "rows, an array [n, p]");
  const [count, width = 1] = shape;
  if (count! < 2) throw new SpecError(path, `${count} row`, "two rows or more");
  return { data, count: count!, width };
}

function standardised(column: Float64Array): Float64Array {
  let mean = 0;
  for (const x of column) mean += x / column.length;
  let square = 0;
  for (const x of column) square += ((x - mean) * (x - mean)) / column.length;
  return square > 0 ? column.map((x) => (x - mean) / Math.sqrt(square)) : column;
}

function* distancesOf(columns: readonly Float64Array[], all: number): Work<Float64Array> {
  const distances = new Float64Array(all * all);
  let done = 0;
  for (let i = 0; i < all; i++) {
    for (const column of columns) {
      for (let j = 0; j < i; j++) {
        const z = column[i]! - column[j]!;
        distances[i * all + j]! += z * z;
      }
    }
    for (let j = 0; j < i; j++) {
      const r = Math.sqrt(distances[i * all + j]!);
      distances[i * all + j] = r;
      distances[j * all + i] = r;
    }
    if ((done += i * columns.length) < 1 << 18) continue;
    done = 0;
    yield;
  }
  return distances;
}
