// Energy distances, and the two-sample test by permutations that they give.
//
//   E²(a, b) = 2 E|X − Y| − E|X − X'| − E|Y − Y'|,    X, X' ~ a and Y, Y' ~ b independent;    in one dimension 2 ∫ (F − G)² dx
//
// Székely, Rizzo, J. Stat. Plan. Inference 143 (2013).

import { PURPOSE_PERMUTATION } from "../../assembly/layout";
import { checkKey } from "../engine/draws";
import { SpecError } from "../engine/errors";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";
import { type Stream, stream } from "../random/stream";
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
  const test = new Partitions(distances, n, m);
  const draws = stream(key.seed, { purpose: PURPOSE_PERMUTATION });
  const statistic = test.statistics([test.own])[0]!;
  // sums in another order differ in their last digits: as large is what is larger but for those
  const atLeast = statistic * (1 - 1e-12);
  let extreme = 1;
  for (let first = 0; first < permutations; first += TOGETHER) {
    const count = Math.min(TOGETHER, permutations - first);
    const parts = Array.from({ length: count }, (_, k) => test.shuffled(draws, first + k));
    for (const one of test.statistics(parts)) if (one >= atLeast) extreme++;
    yield;
  }
  return { statistic, pValue: extreme / (1 + permutations), permutations };
}

/** Permutations that share a pass over the distances, of which a row then stays in the cache. */
const TOGETHER = 16;

/** Ways of parting n + m rows, and the statistic of each. */
class Partitions {
  /** the rows of the smaller sample */
  readonly own: Int32Array;
  readonly #all: number;
  readonly #sums: Float64Array;
  #total = 0;

  constructor(
    readonly distances: Float64Array,
    n: number,
    m: number,
  ) {
    const all = n + m;
    this.#all = all;
    this.own = n <= m ? range(0, n) : range(n, m);
    this.#sums = new Float64Array(all);
    for (let i = 0; i < all; i++) {
      let sum = 0;
      for (let j = 0; j < all; j++) sum += distances[i * all + j]!;
      this.#sums[i] = sum;
      this.#total += sum;
    }
  }

  /** As many rows as the smaller sample has, at random, in ascending order. */
  shuffled(draws: Stream, step: number): Int32Array {
    const all = this.#all;
    const count = this.own.length;
    const u = draws.uniforms(count, { step });
    const order = range(0, all);
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(u[i]! * (all - i));
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order.slice(0, count).sort();
  }

  /** n m / (n + m) E² of each; sums within the smaller sample and of its rows give all three means. */
  statistics(parts: readonly Int32Array[]): Float64Array {
    const all = this.#all;
    const small = this.own.length;
    const large = all - small;
    const within = new Float64Array(parts.length);
    const places = new Int32Array(parts.length);
    for (let i = 0; i < all; i++) {
      for (let p = 0; p < parts.length; p++) {
        const rows = parts[p]!;
        const place = places[p]!;
        if (rows[place] !== i) continue;
        within[p]! += sumOf(this.distances, i * all, rows, place);
        places[p] = place + 1;
      }
    }
    return within.map((half, p) => {
      let out = 0;
      for (const i of parts[p]!) out += this.#sums[i]!;
      const inner = 2 * half;
      const across = out - inner;
      const rest = this.#total - inner - 2 * across;
      return ((small * large) / all) * ((2 * across) / (small * large) - inner / small / small - rest / large / large);
    });
  }
}

function range(from: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => from + i);
}

// Four sums side by side, as one alone waits for each addition.
function sumOf(distances: Float64Array, row: number, places: Int32Array, count: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let j = 0;
  for (; j + 3 < count; j += 4) {
    s0 += distances[row + places[j]!]!;
    s1 += distances[row + places[j + 1]!]!;
    s2 += distances[row + places[j + 2]!]!;
    s3 += distances[row + places[j + 3]!]!;
  }
  for (; j < count; j++) s0 += distances[row + places[j]!]!;
  return s0 + s1 + (s2 + s3);
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
