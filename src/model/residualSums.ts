// Sums over pairs of neurons on Gaussian inputs: what the residual f − y does to each of them.              theory §13
//
// In a component of mean m and covariance Σ, h_i = ⟨w_i, x⟩ + b_i = s_i G + β_i, and α_j is the share of neuron j in
// f = c + Σ_j α_j σ(h_j). For each neuron i, summed over components with their probabilities:
//   value     E σ_i (f − y)
//   slope     E σ_i' (f − y) = B_i
//   gradient  E σ_i' (f − y) x = (s_i E σ_i'' (f − y)) Σw_i/s_i + Σ_j α_j E[σ_i' σ_j'] Σw_j + B_i m        (Stein)
//
// Mehler: with Hermite coefficients c_k of σ(sG + β), e_k = √(k+1) g_{k+1} of σ' and √(k+1) e_{k+1} of sσ'' (hermite.ts),
//   Σ_j α_j E F(h_i) σ_j = Σ_k F_ik M_ik,  M_ik = Σ_j α_j c_jk ρ_ij^k,   E σ_i'σ_j' = Σ_k e_ik e_jk ρ_ij^k,
// so each power of ρ serves everything. What is cut after K is bounded by Cauchy–Schwarz through the tails of E σ² and E σ'².

import { log, pow } from "../engine/math";
import { type Activation, piecewiseLinearForm, unscaled } from "./activation";
import { type HermiteExpansion, hermiteExpansion, tabulatedExpansion } from "./hermite";
import type { GaussianComponent } from "./law";
import { addBlock, addSquares, blockRows, combine, gramTile, type Metric, metricOf, shifts } from "./metric";
import {
  FIRST_BEND,
  FIRST_SLOPE,
  type PairMethod,
  pairMethod,
  SECOND_BEND,
  SECOND_SLOPE,
  SLOPES,
  VALUE,
} from "./pairs";

/** Gaussian inputs and what labels them. */
export type GaussianSources = {
  /** Length d of an input. */
  readonly dimension: number;
  readonly components: readonly GaussianComponent[];
  /** Neurons without bias that are in f, and feel nothing: a teacher's with the opposite sign. */
  readonly teacher: {
    readonly activation: Activation;
    readonly alphas: Float64Array;
    readonly weights: Float64Array;
  } | null;
};

/** Neurons: n shares α, n biases, n × d weights; one of share 0 is felt by none. */
export type Neurons = {
  readonly n: number;
  readonly alphas: Float64Array;
  readonly biases: Float64Array;
  readonly weights: Float64Array;
};

/** The sums; the arrays belong to the evaluator and are overwritten by its next call. */
export type ResidualSums = {
  /** [n] */
  readonly value: Float64Array;
  /** [n] */
  readonly slope: Float64Array;
  /** [n, d], meant only where it was asked for */
  readonly gradient: Float64Array;
  /** E(y − f) */
  residual: number;
};

/** What an evaluation took: the highest order of the series, and the pairs that were too nearly parallel for it. */
export type Last = { degree: number; parallelPairs: number };

/** An evaluator of the sums. */
export type ResidualSumsEvaluator = {
  readonly method: "closed form" | "series" | "quadrature";
  readonly last: Readonly<Last>;
  /**
   * @param neurons       the network
   * @param outputBias    c
   * @param wantGradient  whether `gradient` is wanted too
   */
  evaluate(neurons: Neurons, outputBias: number, wantGradient: boolean): ResidualSums;
};

/** Order of the series that serves most pairs. */
const DEGREE = 48;

/** Orders of the longer ones, made for the neurons that need them. */
const LONG_DEGREES = [126, 254, 510, 1022];

/** Error allowed in a pair's expectations, relative to the largest second moments. */
const TOLERANCE = 1e-12;

/** Pairs of hinges up to which the closed form costs less than a longer series. */
const QUICK_HINGES = 4;

/** Rows of the Gram matrix that are formed at a time. */
const TILE = 16;

/** Bins of |ρ| that share an order. */
const BINS = 256;

/**
 * Makes an evaluator; it keeps its arrays from call to call.
 *
 * @param sources     inputs and labels
 * @param activation  σ
 * @param unbiased    whether all biases are 0
 */
export function residualSums(
  sources: GaussianSources,
  activation: Activation,
  unbiased: boolean,
): ResidualSumsEvaluator {
  const { components, teacher, dimension: d } = sources;
  const metric = metricOf(components, d);
  const centred = unbiased && components.every(({ mean }) => mean === null);
  const kinds = [activation, ...(teacher ? [teacher.activation] : [])];
  const methods = kinds.map((first) => kinds.map((second) => pairMethod(first, second, centred)));
  const closed = methods.every((row) => row.every(({ quick }) => quick));
  const polynomial = kinds.every(({ kind }) => kind === "identity" || kind === "square");
  const hasTable = kinds.some(({ kind }) => kind === "table");
  const plan: Plan = {
    ...sources,
    metric,
    kinds,
    methods,
    closed,
    expansions: (degree) => kinds.map((kind) => expansionOf(kind, degree, centred)),
    isLong: methods.some((row) => row.some(isSlow)) || kinds.some(manyHinges),
  };
  const method = closed || polynomial ? "closed form" : hasTable ? "quadrature" : "series";
  const last: Last = { degree: 0, parallelPairs: 0 };
  let room: Room | null = null;
  return {
    method,
    last,
    evaluate(neurons, outputBias, wantGradient) {
      if (room?.n !== neurons.n) room = makeRoom(plan, neurons.n);
      return evaluate(plan, room, neurons, outputBias, wantGradient, last);
    },
  };
}

function isSlow({ closed }: PairMethod): boolean {
  return !closed;
}

function manyHinges(activation: Activation): boolean {
  const hinges = piecewiseLinearForm(activation)?.knots.length ?? 0;
  return hinges * hinges > QUICK_HINGES;
}

function expansionOf(activation: Activation, degree: number, centred: boolean): HermiteExpansion {
  const expansion = hermiteExpansion(activation, degree);
  const isQuick =
    ["square", "cosine"].includes(unscaled(activation).activation.kind) || piecewiseLinearForm(activation) !== null;
  return centred && !isQuick ? tabulatedExpansion(expansion, 1) : expansion;
}

type Plan = GaussianSources & {
  readonly metric: Metric;
  /** σ, and the teacher's. */
  readonly kinds: readonly Activation[];
  /** Pair rules of kinds. */
  readonly methods: readonly (readonly PairMethod[])[];
  /** Whether every pair goes by its rule. */
  readonly closed: boolean;
  /** Whether pairs beyond the first series try a longer one before their rule. */
  readonly isLong: boolean;
  expansions(degree: number): HermiteExpansion[];
};

/** Arrays for n neurons. Rows stand in the order: neurons with a share, the teacher's, neurons without. */
type Room = {
  readonly n: number;
  /** All rows. */
  readonly m: number;
  /** Rows of the network that are in f. */
  active: number;
  /** Rows that are in f, the teacher's last. */
  sources: number;
  /** [n], the row of each neuron. */
  readonly place: Int32Array;
  readonly alphas: Float64Array;
  readonly biases: Float64Array;
  readonly weights: Float64Array;
  /** For each block of the metric [m, width]: rows, α · rows, and Σ_j α_j E[σ'σ'] row_j. */
  readonly rows: Float64Array[];
  readonly weighted: Float64Array[];
  readonly pulls: Float64Array[];
  /** [TILE, m] each: Gram matrices of the blocks, of a component, E σ'σ' of a component, and their sums for the blocks. */
  readonly gram: Float64Array[];
  readonly mixed: Float64Array;
  readonly slopes: Float64Array;
  readonly blended: Float64Array[];
  /** Pairs of a tile that the common series cannot serve. */
  readonly far: { readonly i: Int32Array; readonly j: Int32Array };
  readonly pair: Float64Array;
  readonly parts: Part[];
  readonly expansions: HermiteExpansion[];
  /** Of the longer series, made when first needed. */
  readonly longExpansions: (HermiteExpansion[] | undefined)[];
  readonly sums: ResidualSums;
};

/** What belongs to one Gaussian component. */
type Part = {
  readonly component: GaussianComponent;
  /** λ of the metric's blocks. */
  readonly scales: Float64Array;
  readonly norms: Float64Array;
  readonly inverse: Float64Array;
  readonly shifts: Float64Array;
  /** [m, 6], the pair rule of a neuron with itself. */
  readonly self: Float64Array;
  readonly series: Series;
  readonly long: LongRow[];
  /** Largest E σ², E σ'², s² E σ'². */
  readonly largest: { value: number; slope: number; scaled: number };
  /** [m] each: Σ_j α_j E σ_iσ_j, E σ_i'σ_j, s_i E σ_i''σ_j of the pairs that go by their rule. */
  readonly value: Float64Array;
  readonly slope: Float64Array;
  readonly bend: Float64Array;
};

/** Mehler's series of all rows. */
type Series = {
  readonly degree: number;
  /** degree + 2, length of a row of the arrays. */
  readonly width: number;
  /** c_0 */
  readonly means: Float64Array;
  /** e_k = √(k+1) g_{k+1}, k = 0 … degree + 1 */
  readonly slopes: Float64Array;
  /** α c_k */
  readonly shares: Float64Array;
  /** M_k = Σ_j α_j c_jk ρ^k */
  readonly moments: Float64Array;
  /** Order that each bin of |ρ| needs; −1: more than there are. */
  readonly orders: Int32Array;
};

/** The coefficients e_k of one neuron beyond the common series, as far as they have been needed. */
type LongRow = {
  /** Orders that are there, an index of LONG_DEGREES; −1: none. */
  level: number;
  slopes: Float64Array;
  /** What is left after each order of LONG_DEGREES, relative to the largest. */
  readonly tails: Float64Array;
};

function makeSeries(m: number, degree: number): Series {
  const width = degree + 2;
  const table = () => new Float64Array(m * width);
  const orders = new Int32Array(BINS).fill(-1);
  return { degree, width, means: new Float64Array(m), slopes: table(), shares: table(), moments: table(), orders };
}

function makeRoom(plan: Plan, n: number): Room {
  const { metric, components, teacher, dimension: d } = plan;
  const m = n + (teacher?.alphas.length ?? 0);
  const list = (length = m) => new Float64Array(length);
  const perBlock = (length: (width: number) => number) => metric.blocks.map(({ width }) => list(length(width)));
  const degree = plan.closed ? 0 : DEGREE;
  return {
    n,
    m,
    active: 0,
    sources: 0,
    place: new Int32Array(n),
    alphas: list(),
    biases: list(),
    weights: list(m * d),
    rows: perBlock((width) => m * width),
    weighted: perBlock((width) => m * width),
    pulls: perBlock((width) => m * width),
    gram: perBlock(() => TILE * m),
    mixed: list(TILE * m),
    slopes: list(TILE * m),
    blended: perBlock(() => TILE * m),
    far: { i: new Int32Array(TILE * m), j: new Int32Array(TILE * m) },
    pair: list(6),
    parts: components.map((component, c) => ({
      component,
      scales: metric.scales[c]!,
      norms: list(),
      inverse: list(),
      shifts: list(),
      self: list(6 * m),
      series: makeSeries(m, degree),
      long: plan.isLong ? Array.from({ length: m }, makeLongRow) : [],
      largest: { value: 0, slope: 0, scaled: 0 },
      value: list(),
      slope: list(),
      bend: list(),
    })),
    expansions: plan.expansions(degree),
    longExpansions: [],
    sums: { value: list(n), slope: list(n), gradient: list(n * d), residual: 0 },
  };
}

function makeLongRow(): LongRow {
  return { level: -1, slopes: EMPTY, tails: new Float64Array(LONG_DEGREES.length) };
}

const EMPTY = new Float64Array(0);

function evaluate(
  plan: Plan,
  room: Room,
  neurons: Neurons,
  outputBias: number,
  wantGradient: boolean,
  last: Last,
): ResidualSums {
  last.degree = 0;
  last.parallelPairs = 0;
  placeRows(plan, room, neurons);
  plan.metric.blocks.forEach((block, k) => {
    blockRows(block, room.weights, room.m, room.rows[k]!);
    scaleRows(room.rows[k]!, room.alphas, block.width, room.weighted[k]!);
    room.pulls[k]!.fill(0);
  });
  for (const part of room.parts) fillPart(plan, room, part);
  const { active, sources, m } = room;
  for (let i0 = 0; i0 < active; i0 += TILE) tile(plan, room, i0, Math.min(active, i0 + TILE), i0, wantGradient, last);
  // the teacher's feel nothing, and the active have felt them already
  for (let i0 = active; i0 < sources && sources < m; i0 += TILE) {
    tile(plan, room, i0, Math.min(sources, i0 + TILE), sources, wantGradient, last);
  }
  collect(plan, room, outputBias, wantGradient);
  return room.sums;
}

function placeRows({ teacher, dimension: d }: Plan, room: Room, { n, alphas, biases, weights }: Neurons): void {
  let active = 0;
  for (let i = 0; i < n; i++) if (alphas[i] !== 0) active++;
  room.active = active;
  room.sources = active + (teacher?.alphas.length ?? 0);
  let next = 0;
  let idle = room.sources;
  for (let i = 0; i < n; i++) {
    const at = alphas[i] !== 0 ? next++ : idle++;
    room.place[i] = at;
    room.alphas[at] = alphas[i]!;
    room.biases[at] = biases[i]!;
    for (let k = 0; k < d; k++) room.weights[at * d + k] = weights[i * d + k]!;
  }
  if (teacher) {
    room.alphas.set(teacher.alphas, active);
    room.biases.fill(0, active, room.sources);
    room.weights.set(teacher.weights, active * d);
  }
}

function scaleRows(rows: Float64Array, factors: Float64Array, width: number, out: Float64Array): void {
  for (let i = 0; i < factors.length; i++) {
    for (let k = i * width; k < (i + 1) * width; k++) out[k] = factors[i]! * rows[k]!;
  }
}

/** 0 for a neuron of the network, 1 for a teacher's: its place in the lists of kinds. */
function kindOf({ active, sources }: Room, row: number): number {
  return row >= active && row < sources ? 1 : 0;
}

function fillPart(plan: Plan, room: Room, part: Part): void {
  const { m, weights, biases, rows, pair } = room;
  const { component, scales, norms, inverse, shifts: centres, self } = part;
  norms.fill(0);
  plan.metric.blocks.forEach(({ width }, k) => void addSquares(rows[k]!, m, width, scales[k]!, norms));
  shifts(biases, weights, m, component.mean, centres);
  for (let i = 0; i < m; i++) {
    const s = (norms[i] = Math.sqrt(norms[i]!));
    inverse[i] = s > 0 ? 1 / s : 0;
    const kind = kindOf(room, i);
    plan.methods[kind]![kind]!.rule(s, centres[i]!, s, centres[i]!, 1, 0, pair);
    self.set(pair, 6 * i);
  }
  part.value.fill(0);
  part.slope.fill(0);
  part.bend.fill(0);
  for (const row of part.long) row.level = -1;
  fillSeries(room, part);
  if (!plan.closed) setOrders(part);
}

function fillSeries(room: Room, part: Part): void {
  const { norms, shifts: centres, series } = part;
  const { degree, width, means, slopes, shares, moments } = series;
  const row = new Float64Array(degree + 3);
  for (let i = 0; i < room.m; i++) {
    const s = norms[i]!;
    const alpha = room.alphas[i]!;
    const at = i * width;
    room.expansions[kindOf(room, i)]!.evaluate(s, centres[i]!, row, 0);
    means[i] = row[0]!;
    shares[at] = alpha * row[0]!;
    for (let k = 1; k <= degree; k++) shares[at + k] = alpha * s * row[k]!;
    for (let k = 0; k <= degree + 1; k++) slopes[at + k] = ROOTS[k + 1]! * row[k + 1]!;
  }
  moments.fill(0);
}

/**
 * The order K that each bin of |ρ| needs: |ρ|^{K+1} times the tails after K, with T of E σ², S of E σ'², is at most T for
 * σσ, S for σ'σ', √(ST) for σ'σ, and for sσ''σ, whose terms are √(k+1) e_{k+1} c_k and k c_k² = s² e_{k−1}²,
 * √(S_{K+1} (T_K + s² S_{K−1})).
 */
function setOrders({ norms, self, series, largest }: Part): void {
  const { degree, width, means, slopes, orders } = series;
  const value = new Float64Array(degree + 1);
  const slope = new Float64Array(degree + 2);
  const scaled = new Float64Array(degree + 2);
  largest.value = largest.slope = largest.scaled = 0;
  for (let i = 0; i < norms.length; i++) {
    const square = norms[i]! * norms[i]!;
    let left = self[6 * i + VALUE]! - means[i]! * means[i]!;
    let steep = self[6 * i + SLOPES]!;
    largest.value = Math.max(largest.value, self[6 * i + VALUE]!);
    largest.slope = Math.max(largest.slope, steep);
    largest.scaled = Math.max(largest.scaled, square * steep);
    for (let k = 0; k <= degree + 1; k++) {
      const e = slopes[i * width + k]!;
      if (k <= degree) value[k] = Math.max(value[k]!, left);
      left -= (square * e * e) / (k + 1);
      steep -= e * e;
      slope[k] = Math.max(slope[k]!, steep);
      scaled[k] = Math.max(scaled[k]!, square * steep);
    }
  }
  const tails = value.map((left, k) =>
    relativeTail(left, slope[k]!, slope[k + 1]!, k > 0 ? scaled[k - 1]! : largest.scaled, largest),
  );
  orders.fill(-1);
  let order = 0;
  for (let at = 0; at < BINS; at++) {
    const rho = (at + 1) / BINS;
    while (order <= degree && tails[order]! * pow(rho, order + 1) > TOLERANCE) order++;
    if (order > degree) break;
    orders[at] = order;
  }
}

/** The largest of T_K, S_K and √(S_{K+1} (T_K + s² S_{K−1})), each relative to what it is the tail of. */
function relativeTail(value: number, slope: number, next: number, before: number, largest: Part["largest"]): number {
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  const bend = share(next * (value + before), largest.slope * (largest.value + largest.scaled));
  return Math.max(share(value, largest.value), share(slope, largest.slope), Math.sqrt(bend));
}

/** √k and 1/√k. */
const ROOTS = Float64Array.from({ length: 1026 }, (_, k) => Math.sqrt(k));
const INVERSE_ROOTS = ROOTS.map((root) => (root > 0 ? 1 / root : 0));

/** Pairs of rows i in [i0, i1) and j ≥ from, j > i: their share in every sum. */
function tile(plan: Plan, room: Room, i0: number, i1: number, from: number, wantGradient: boolean, last: Last): void {
  const { m, rows, gram, mixed, slopes, blended, parts, weighted, pulls, active, sources } = room;
  const { blocks } = plan.metric;
  blocks.forEach(({ width }, k) => {
    gramTile(rows[k]!, m, width, i0, i1, gram[k]!);
    blended[k]!.fill(0);
  });
  for (const part of parts) {
    combine(gram, part.scales, mixed);
    slopes.fill(0);
    const count = seriesTile(part.series, mixed, part.inverse, m, i0, i1, from, slopes, room.far, last);
    farTile(plan, room, part, i0, count, last);
    if (wantGradient) {
      for (let k = 0; k < blocks.length; k++) {
        addScaled(slopes, part.component.weight * part.scales[k]!, blended[k]!);
      }
    }
  }
  if (!wantGradient) return;
  blocks.forEach(({ width }, k) => {
    if (from === i0) gather(blended[k]!, m, i0, i1, i0, sources, weighted[k]!, width, pulls[k]!);
    if (from === i0) scatter(blended[k]!, m, i0, i1, i0, active, weighted[k]!, width, pulls[k]!);
    scatter(blended[k]!, m, i0, i1, sources, m, weighted[k]!, width, pulls[k]!);
  });
}

/**
 * Mehler's series of a tile: adds to M_i and M_j, writes E σ_i'σ_j' to `slopes`, lists the pairs whose bin has no order.
 * Even and odd powers run apart, so that neither waits for the other.
 *
 * @returns how many pairs were listed
 */
function seriesTile(
  { width, slopes: e, shares, moments, orders }: Series,
  mixed: Float64Array,
  inverse: Float64Array,
  m: number,
  i0: number,
  i1: number,
  from: number,
  slopes: Float64Array,
  far: Room["far"],
  last: Last,
): number {
  let count = 0;
  let highest = last.degree;
  for (let i = i0; i < i1; i++) {
    const row = (i - i0) * m;
    const pi = i * width;
    const scale = inverse[i]!;
    for (let j = Math.max(from, i + 1); j < m; j++) {
      const rho = mixed[row + j]! * scale * inverse[j]!;
      const at = Math.floor(Math.abs(rho) * BINS);
      const order = orders[at < BINS ? at : BINS - 1]!;
      if (order < 0) {
        far.i[count] = i;
        far.j[count++] = j;
        continue;
      }
      if (order > highest) highest = order;
      slopes[row + j] = addPair(e, shares, moments, pi, j * width, order, rho);
    }
  }
  last.degree = highest;
  return count;
}

/** Adds Σ_k α c_k ρ^k of each row to the moments of the other; gives Σ_k e_k e_k' ρ^k. */
function addPair(
  e: Float64Array,
  shares: Float64Array,
  moments: Float64Array,
  pi: number,
  pj: number,
  order: number,
  rho: number,
): number {
  const square = rho * rho;
  let even = 1;
  let odd = rho;
  let sumEven = 0;
  let sumOdd = 0;
  let k = 0;
  for (; k < order; k += 2) {
    const a = pi + k;
    const b = pj + k;
    sumEven += e[a]! * e[b]! * even;
    sumOdd += e[a + 1]! * e[b + 1]! * odd;
    moments[a]! += shares[b]! * even;
    moments[b]! += shares[a]! * even;
    moments[a + 1]! += shares[b + 1]! * odd;
    moments[b + 1]! += shares[a + 1]! * odd;
    even *= square;
    odd *= square;
  }
  if (k === order) {
    sumEven += e[pi + k]! * e[pj + k]! * even;
    moments[pi + k]! += shares[pj + k]! * even;
    moments[pj + k]! += shares[pi + k]! * even;
  }
  return sumEven + sumOdd;
}

/** The pairs that the common series left: a longer one where that is cheaper, else their rule. */
function farTile(plan: Plan, room: Room, part: Part, i0: number, count: number, last: Last): void {
  const { far, mixed, slopes, m, alphas, pair } = room;
  const { inverse, norms, shifts: centres, value, slope, bend } = part;
  for (let at = 0; at < count; at++) {
    const i = far.i[at]!;
    const j = far.j[at]!;
    const place = (i - i0) * m + j;
    const rho = mixed[place]! * inverse[i]! * inverse[j]!;
    if (!plan.isLong || !longSeries(plan, room, part, i, j, rho, last)) {
      // ρ's round-off moves the angle of parallel rows by 1e-8, and U, which is even in the angle, by 1e-16
      const gap = Math.max(0, 1 - Math.abs(rho));
      const { rule } = plan.methods[kindOf(room, i)]![kindOf(room, j)]!;
      rule(norms[i]!, centres[i]!, norms[j]!, centres[j]!, rho < 0 ? -1 : 1, gap, pair);
      if (!plan.closed) last.parallelPairs++;
    }
    const alphaI = alphas[i]!;
    const alphaJ = alphas[j]!;
    slopes[place] = pair[SLOPES]!;
    value[i]! += alphaJ * pair[VALUE]!;
    value[j]! += alphaI * pair[VALUE]!;
    slope[i]! += alphaJ * pair[FIRST_SLOPE]!;
    slope[j]! += alphaI * pair[SECOND_SLOPE]!;
    bend[i]! += alphaJ * pair[FIRST_BEND]!;
    bend[j]! += alphaI * pair[SECOND_BEND]!;
  }
}

/** Writes the six expectations of a pair by the shortest series that is long enough; false where none is. */
function longSeries(plan: Plan, room: Room, part: Part, i: number, j: number, rho: number, last: Last): boolean {
  const size = Math.abs(rho);
  const one = part.long[i]!;
  const two = part.long[j]!;
  for (let level = 0; level < LONG_DEGREES.length; level++) {
    const degree = LONG_DEGREES[level]!;
    if (one.level < level) fillLongRow(plan, room, part, i, level);
    if (two.level < level) fillLongRow(plan, room, part, j, level);
    if (Math.max(one.tails[level]!, two.tails[level]!) * pow(size, degree + 1) > TOLERANCE) continue;
    const order = size < 1 ? Math.min(degree, Math.ceil(log(TOLERANCE) / log(size))) : degree;
    if (order > last.degree) last.degree = order;
    const { means } = part.series;
    sumLong(one.slopes, two.slopes, means[i]!, means[j]!, part.norms[i]!, part.norms[j]!, order, rho, room.pair);
    return true;
  }
  return false;
}

function fillLongRow(
  plan: Plan,
  room: Room,
  { long, norms, shifts: centres, series, self, largest }: Part,
  i: number,
  level: number,
): void {
  const row = long[i]!;
  const degree = LONG_DEGREES[level]!;
  const expansions = (room.longExpansions[level] ??= plan.expansions(degree));
  if (row.slopes.length < degree + 3) row.slopes = new Float64Array(degree + 3);
  const e = row.slopes;
  const s = norms[i]!;
  expansions[kindOf(room, i)]!.evaluate(s, centres[i]!, e, 0);
  for (let k = 0; k <= degree + 1; k++) e[k] = ROOTS[k + 1]! * e[k + 1]!;
  row.level = level;
  let value = self[6 * i + VALUE]! - series.means[i]! * series.means[i]!;
  let slope = self[6 * i + SLOPES]!;
  let before = slope;
  let at = 0;
  for (let k = 0; k <= degree; k++) {
    const square = e[k]! * e[k]!;
    const next = slope - square;
    if (k === LONG_DEGREES[at]) row.tails[at++] = relativeTail(value, next, next, s * s * before, largest);
    value -= (s * s * square) / (k + 1);
    before = next;
    slope = next;
  }
}

/** Σ over k ≤ order of c c, e e, e c, c e, √(k+1) e_{k+1} c and c √(k+1) e_{k+1}, times ρ^k. */
function sumLong(
  e: Float64Array,
  f: Float64Array,
  meanE: number,
  meanF: number,
  s: number,
  r: number,
  order: number,
  rho: number,
  out: Float64Array,
): void {
  let power = 1;
  let c = meanE;
  let d = meanF;
  let value = 0;
  let slopes = 0;
  let firstSlope = 0;
  let secondSlope = 0;
  let firstBend = 0;
  let secondBend = 0;
  for (let k = 0; k <= order; k++) {
    const ek = e[k]!;
    const fk = f[k]!;
    const cp = c * power;
    const dp = d * power;
    value += cp * d;
    slopes += ek * fk * power;
    firstSlope += ek * dp;
    secondSlope += fk * cp;
    firstBend += ROOTS[k + 1]! * e[k + 1]! * dp;
    secondBend += ROOTS[k + 1]! * f[k + 1]! * cp;
    power *= rho;
    c = s * ek * INVERSE_ROOTS[k + 1]!;
    d = r * fk * INVERSE_ROOTS[k + 1]!;
  }
  out[VALUE] = value;
  out[SLOPES] = slopes;
  out[FIRST_SLOPE] = firstSlope;
  out[SECOND_SLOPE] = secondSlope;
  out[FIRST_BEND] = firstBend;
  out[SECOND_BEND] = secondBend;
}

function addScaled(x: Float64Array, factor: number, out: Float64Array): void {
  if (factor !== 0) for (let at = 0; at < out.length; at++) out[at]! += factor * x[at]!;
}

/** out_i += Σ_{j in [j0, j1)} t_ij source_j for i in [i0, i1), two rows by four columns. */
function gather(
  t: Float64Array,
  m: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  source: Float64Array,
  width: number,
  out: Float64Array,
): void {
  for (let i = i0; i < i1; i += 2) {
    const two = i + 1 < i1;
    const a = (i - i0) * m;
    const b = two ? a + m : a;
    let k = 0;
    for (; k + 4 <= width; k += 4) {
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      let b0 = 0;
      let b1 = 0;
      let b2 = 0;
      let b3 = 0;
      for (let j = j0; j < j1; j++) {
        const ta = t[a + j]!;
        const tb = t[b + j]!;
        const at = j * width + k;
        const x0 = source[at]!;
        const x1 = source[at + 1]!;
        const x2 = source[at + 2]!;
        const x3 = source[at + 3]!;
        a0 += ta * x0;
        a1 += ta * x1;
        a2 += ta * x2;
        a3 += ta * x3;
        b0 += tb * x0;
        b1 += tb * x1;
        b2 += tb * x2;
        b3 += tb * x3;
      }
      const p = i * width + k;
      out[p]! += a0;
      out[p + 1]! += a1;
      out[p + 2]! += a2;
      out[p + 3]! += a3;
      if (!two) continue;
      const q = p + width;
      out[q]! += b0;
      out[q + 1]! += b1;
      out[q + 2]! += b2;
      out[q + 3]! += b3;
    }
    for (; k < width; k++) {
      let sumA = 0;
      let sumB = 0;
      for (let j = j0; j < j1; j++) {
        const x = source[j * width + k]!;
        sumA += t[a + j]! * x;
        sumB += t[b + j]! * x;
      }
      out[i * width + k]! += sumA;
      if (two) out[(i + 1) * width + k]! += sumB;
    }
  }
}

/** out_j += Σ_{i in [i0, i1)} t_ij source_i for j in [j0, j1), four columns at a time. */
function scatter(
  t: Float64Array,
  m: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  source: Float64Array,
  width: number,
  out: Float64Array,
): void {
  for (let j = j0; j < j1; j++) {
    let k = 0;
    for (; k + 4 <= width; k += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let i = i0; i < i1; i++) {
        const x = t[(i - i0) * m + j]!;
        const at = i * width + k;
        s0 += x * source[at]!;
        s1 += x * source[at + 1]!;
        s2 += x * source[at + 2]!;
        s3 += x * source[at + 3]!;
      }
      const p = j * width + k;
      out[p]! += s0;
      out[p + 1]! += s1;
      out[p + 2]! += s2;
      out[p + 3]! += s3;
    }
    for (; k < width; k++) {
      let sum = 0;
      for (let i = i0; i < i1; i++) sum += t[(i - i0) * m + j]! * source[i * width + k]!;
      out[j * width + k]! += sum;
    }
  }
}

/** Σ_k c_k M_k, Σ_k e_k M_k and Σ_k √(k+1) e_{k+1} M_k of a row. */
function contract({ degree, width, means, slopes, moments }: Series, s: number, row: number, out: Float64Array): void {
  const at = row * width;
  let value = means[row]! * moments[at]!;
  let slope = 0;
  let bend = 0;
  for (let k = 0; k <= degree; k++) {
    const moment = moments[at + k]!;
    if (k > 0) value += s * slopes[at + k - 1]! * INVERSE_ROOTS[k]! * moment;
    slope += slopes[at + k]! * moment;
    bend += ROOTS[k + 1]! * slopes[at + k + 1]! * moment;
  }
  out[0]! += value;
  out[1]! += slope;
  out[2]! += bend;
}

function collect(plan: Plan, room: Room, outputBias: number, wantGradient: boolean): void {
  const { n, m, place, alphas, rows, pulls, parts, sums } = room;
  const { dimension: d, metric } = plan;
  const found = new Float64Array(3);
  sums.value.fill(0);
  sums.slope.fill(0);
  sums.gradient.fill(0);
  sums.residual = 0;
  for (const part of parts) {
    const { component, scales, self, series, inverse, norms } = part;
    const p = component.weight;
    const label = component.label - outputBias;
    let mean = 0;
    for (let row = 0; row < m; row++) mean += alphas[row]! * series.means[row]!;
    sums.residual += p * (label - mean);
    for (let i = 0; i < n; i++) {
      const row = place[i]!;
      const alpha = alphas[row]!;
      const own = 6 * row;
      const e = row * series.width;
      found[0] = part.value[row]! + alpha * self[own + VALUE]! - label * series.means[row]!;
      found[1] = part.slope[row]! + alpha * self[own + FIRST_SLOPE]! - label * series.slopes[e]!;
      found[2] = part.bend[row]! + alpha * self[own + FIRST_BEND]! - label * series.slopes[e + 1]!;
      contract(series, norms[row]!, row, found);
      sums.value[i]! += p * found[0]!;
      sums.slope[i]! += p * found[1]!;
      if (!wantGradient) continue;
      const along = p * (found[2]! * inverse[row]! + alpha * self[own + SLOPES]!);
      metric.blocks.forEach(({ width }, k) => {
        const factor = along * scales[k]!;
        for (let l = row * width; l < (row + 1) * width; l++) pulls[k]![l]! += factor * rows[k]![l]!;
      });
      if (component.mean) {
        for (let k = 0; k < d; k++) sums.gradient[i * d + k]! += p * found[1]! * component.mean[k]!;
      }
    }
  }
  if (!wantGradient) return;
  for (let i = 0; i < n; i++) {
    metric.blocks.forEach((block, k) => void addBlock(block, pulls[k]!, place[i]! * block.width, sums.gradient, i * d));
  }
}
