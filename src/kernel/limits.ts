// The kernels of infinitely wide two-layer networks, f(x) = N^{−1/2} Σ_i a_i σ(⟨w_i, x⟩ + b_i):                       theory §9
//
//   nngp(x, x') = E a² E σ(X)σ(Y),     ntk(x, x') = E σ(X)σ(Y) + (⟨x, x'⟩ [+ 1, b trained]) E a² E σ'(X)σ'(Y)
//
// with a, w, b centred and X = ⟨w, x⟩ + b, Y = ⟨w, x'⟩ + b jointly normal of covariance κ(x, x') = v_w ⟨x, x'⟩/d + v_b. Both are functions of
// s² = κ(x, x), s'² and the correlation ρ: closed for cones m t + δ t₊, erf and cosine, and elsewhere Mehler's series
//
//   E σ(X)σ(Y) = c_0 c_0' + s s' ρ Σ_{k≥1} g_k g_k' ρ^{k−1},     E σ'(X)σ'(Y) = Σ_{k≥1} k g_k g_k' ρ^{k−1}
//
// with g_k = c_k/s of src/model/hermite.ts. Cut after K, Cauchy and Schwarz bound the rests by |ρ|^{K+1} √(T_K T_K') and |ρ|^K √(S_K S_K'),
// T_K = E σ² − Σ_{k≤K} c_k² and S_K = E σ'² − Σ_{k≤K} k g_k². Where no K is enough the pair goes by
// its rule of src/model/pairs.ts: quadrature, or a closed form that is too slow for every pair.

import { SpecError } from "../engine/errors";
import { type Activation, activationFunctions, piecewiseLinearForm, unscaled } from "../model/activation";
import { gaussianRule, hermiteExpansion, quadratureBandwidth } from "../model/hermite";
import { type PairMethod, pairMethod, SLOPES, VALUE } from "../model/pairs";
import type { NtkKernel } from "./kernel";

/** The kernel of a wide network; `trainBias` is of the NTK alone. */
export type LimitKernel = Omit<NtkKernel, "kind"> & { kind: "nngp" | "ntk" };

/** Inputs, row-major. */
export interface Rows {
  values: Float64Array;
  count: number;
  dimension: number;
}

/**
 * The matrix of an infinitely wide network's kernel between the rows of x and of y. Its expectations are within 1e-13 of √(E σ(X)² E σ(Y)²) and
 * √(E σ'(X)² E σ'(Y)²); for a table, whose σ'' jumps, within
 * about the error of its slopes.
 *
 * A row of zeros (where v_b = 0) has X = 0: σ' is taken from the left there, as everywhere in the library.
 *
 * @param x  n rows of d
 * @param y  m rows of d; null: x again, and the matrix is symmetric to the bit
 * @returns [n, m], row-major; yields as it goes
 * @throws {SpecError} where inputs are so large that quadrature would not end, or that numbers overflow
 */
export function* limitGram(kernel: LimitKernel, x: Rows, y: Rows | null = null): Generator<void, Float64Array, void> {
  const n = x.count;
  const m = y ? y.count : n;
  const out = yield* innerProducts(x, y);
  const points = pointsOf(kernel, x, y);
  const expect = yield* expectations(kernel, points, out, n, y ? m : null);
  const pair: Pair = { value: 0, slopes: 0 };
  let work = 0;
  for (let i = 0; i < n; i++) {
    for (let j = y ? 0 : i; j < m; j++) {
      const product = out[i * m + j]!;
      work += expect(i, y ? n + j : j, product, pair);
      const entry =
        kernel.kind === "nngp"
          ? kernel.outputVariance * pair.value
          : pair.value + (product + (kernel.trainBias ? 1 : 0)) * kernel.outputVariance * pair.slopes;
      if (!Number.isFinite(entry)) throw overflow(i, entry);
      out[i * m + j] = entry;
      if (!y) out[j * m + i] = entry;
      if (work < PIECE) continue;
      work = 0;
      yield;
    }
  }
  return out;
}

/** Evaluations of σ between two pauses: up to 300 ns each, some ten milliseconds; one pair of very wide inputs alone may take more. */
const PIECE = 3e4;

interface Pair {
  value: number;
  slopes: number;
}

/** Writes E σσ and E σ'σ' of two points whose inner product is known; returns what it took, in evaluations of σ. */
type Expectations = (i: number, j: number, product: number, out: Pair) => number;

/** ⟨x_i, y_j⟩, [n, m]; the upper half where y is x. */
function* innerProducts(x: Rows, y: Rows | null): Generator<void, Float64Array, void> {
  const right = y ?? x;
  const d = x.dimension;
  const [a, b] = [x.values, right.values];
  const m = right.count;
  const out = new Float64Array(x.count * m);
  for (let i = 0; i < x.count; i++) {
    const row = i * d;
    let j = y ? 0 : i;
    for (; j + 4 <= m; j += 4) {
      const at = j * d;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let k = 0; k < d; k++) {
        const left = a[row + k]!;
        s0 += left * b[at + k]!;
        s1 += left * b[at + d + k]!;
        s2 += left * b[at + 2 * d + k]!;
        s3 += left * b[at + 3 * d + k]!;
      }
      out[i * m + j] = s0;
      out[i * m + j + 1] = s1;
      out[i * m + j + 2] = s2;
      out[i * m + j + 3] = s3;
    }
    for (; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += a[row + k]! * b[j * d + k]!;
      out[i * m + j] = sum;
    }
    yield;
  }
  return out;
}

/** What the expectations know of the inputs: all rows of x, and those of y behind them. */
interface Points {
  count: number;
  /** s */
  scales: Float64Array;
  /** (√(v_w/d) x, √v_b)/s, rows of d + 1; 0 where s = 0 */
  directions: Float64Array;
  width: number;
  /** v_w/d and v_b */
  perProduct: number;
  constant: number;
}

function pointsOf({ weightVariance, biasVariance }: LimitKernel, x: Rows, y: Rows | null): Points {
  const d = x.dimension;
  const count = x.count + (y?.count ?? 0);
  const width = d + 1;
  const scales = new Float64Array(count);
  const directions = new Float64Array(count * width);
  const [gain, shift] = [Math.sqrt(weightVariance / d), Math.sqrt(biasVariance)];
  for (let i = 0; i < count; i++) {
    const [from, row] = i < x.count ? [x, i] : [y!, i - x.count];
    const values = from.values.subarray(row * d, (row + 1) * d);
    let sum = shift * shift;
    for (const v of values) sum += gain * v * (gain * v);
    const s = Math.sqrt(sum);
    scales[i] = s;
    if (!Number.isFinite(s)) throw overflow(row, s);
    if (s === 0) continue;
    for (let k = 0; k < d; k++) directions[i * width + k] = (gain * values[k]!) / s;
    directions[i * width + d] = shift / s;
  }
  return { count, scales, directions, width, perProduct: weightVariance / d, constant: biasVariance };
}

function overflow(row: number, found: number): SpecError {
  return new SpecError(
    `x[${row}]`,
    found,
    "inputs of which squares and kernel values are finite",
    "Scale the inputs down.",
  );
}

/** ρ = κ/(s s'), within [−1, 1]. */
function correlation({ scales, perProduct, constant }: Points, i: number, j: number, product: number): number {
  const rho = (perProduct * product + constant) / scales[i]! / scales[j]!;
  return Math.max(-1, Math.min(1, rho));
}

/** 1 − |ρ|; near |ρ| = 1 by ½|u ∓ u'|² of the directions, which keeps the digits that ρ loses. */
function gapOf({ directions, width }: Points, i: number, j: number, rho: number): number {
  if (i === j) return 0;
  if (Math.abs(rho) < 0.9) return 1 - Math.abs(rho);
  const sign = rho < 0 ? -1 : 1;
  let sum = 0;
  for (let k = 0; k < width; k++) {
    const apart = directions[i * width + k]! - sign * directions[j * width + k]!;
    sum += apart * apart;
  }
  return Math.min(1, 0.5 * sum);
}

/** Frequencies beyond which tables of quadrature rules no longer fit. */
const WIDEST = 1000;

function* expectations(
  { activation }: LimitKernel,
  points: Points,
  products: Float64Array,
  n: number,
  m: number | null,
): Generator<void, Expectations, void> {
  if (unscaled(activation).activation.kind === "square") return squares(unscaled(activation).factor, points);
  const method = pairMethod(activation, activation, true);
  const knots = piecewiseLinearForm(activation)?.knots.length ?? 0;
  const byRule = ruleOf(activation, method, points, knots);
  const isDirect = method.closed && (method.quick || knots === 0);
  if (!method.closed && Math.max(...points.scales) * quadratureBandwidth(activation) > WIDEST) {
    throw tooWide(points, activation);
  }
  const regular = isDirect ? byRule : yield* mehlerSeries(activation, points, byRule, { products, n, m });
  if (points.scales.every((s) => s > 0)) return regular;
  const atZero = constants(activation, points);
  return (i, j, product, out) => {
    if (points.scales[i]! > 0 && points.scales[j]! > 0) return regular(i, j, product, out);
    return atZero(i, j, out);
  };
}

/** E X²Y² = s²s'² + 2κ² and 4 E XY = 4κ. */
function squares(factor: number, { scales, perProduct, constant }: Points): Expectations {
  return (i, j, product, out) => {
    const kappa = perProduct * product + constant;
    const size = scales[i]! * scales[j]!;
    out.value = factor * factor * (size * size + 2 * kappa * kappa);
    out.slopes = factor * factor * 4 * kappa;
    return 1;
  };
}

/** X is 0 with Y any normal: σ(0) E σ(Y) and σ'(0) E σ'(Y). */
function constants(activation: Activation, { count, scales }: Points): (i: number, j: number, out: Pair) => number {
  const { value, derivative } = activationFunctions(activation);
  const expansion = hermiteExpansion(activation, 0);
  const means = new Float64Array(2 * count);
  const row = new Float64Array(expansion.size);
  for (let i = 0; i < count; i++) {
    if (scales[i] === 0) {
      means[2 * i] = value(0);
      means[2 * i + 1] = derivative(0);
    } else {
      expansion.evaluate(scales[i]!, 0, row, 0);
      means.set(row.subarray(0, 2), 2 * i);
    }
  }
  return (i, j, out) => {
    out.value = means[2 * i]! * means[2 * j]!;
    out.slopes = means[2 * i + 1]! * means[2 * j + 1]!;
    return 1;
  };
}

/** Whether two inputs are the same, so that their pair has the bits of the diagonal. */
function isRepeated(points: Points, i: number, j: number, product: number): boolean {
  if (i === j) return true;
  if (points.scales[i] !== points.scales[j]) return false;
  const rho = correlation(points, i, j, product);
  return rho > 0.9 && gapOf(points, i, j, rho) === 0;
}

interface PairByRule extends Expectations {
  /** What a pair will take, in evaluations of σ. */
  work(i: number, j: number, product: number): number;
}

/** A closed form, or quadrature: in the plane, and on the line where one normal number drives both. */
function ruleOf(activation: Activation, { rule, closed }: PairMethod, points: Points, knots: number): PairByRule {
  const { scales } = points;
  const six = new Float64Array(6);
  const bandwidth = closed ? 0 : quadratureBandwidth(activation);
  const line = lineSums(activation, points, bandwidth);
  const work = (i: number, j: number, product: number): number => {
    if (closed) return 10 * (1 + knots * knots);
    const rho = correlation(points, i, j, product);
    const gap = gapOf(points, i, j, rho);
    if (gap === 0) return line.work;
    const outer = gaussianRule((scales[i]! + Math.abs(rho) * scales[j]!) * bandwidth);
    const inner = gaussianRule(scales[j]! * Math.sqrt(gap * (2 - gap)) * bandwidth);
    return outer.nodes.length * inner.nodes.length;
  };
  const evaluate: Expectations = (i, j, product, out) => {
    const rho = correlation(points, i, j, product);
    const gap = gapOf(points, i, j, rho);
    const sign = rho < 0 ? -1 : 1;
    if (closed || gap > 0) {
      rule(scales[i]!, 0, scales[j]!, 0, sign, gap, six);
      out.value = six[VALUE]!;
      out.slopes = six[SLOPES]!;
      return work(i, j, product);
    }
    line.sums(i, j, sign, out);
    return line.work;
  };
  return Object.assign(evaluate, { work });
}

/** Most numbers of rows that are kept: 100 MB. */
const MOST_KEPT = 12500000;

/** E σ(sG)σ(± s'G) and E σ'(sG)σ'(± s'G) as products of rows √w_k σ(s g_k), √w_k σ'(s g_k), made where they are first asked for. */
function lineSums(activation: Activation, { scales }: Points, bandwidth: number) {
  const { value, derivative } = activationFunctions(activation);
  const { nodes, weights } = gaussianRule(2 * Math.max(...scales) * bandwidth);
  const M = nodes.length;
  const roots = weights.map(Math.sqrt);
  const kept = new Map<number, Float64Array>();
  const rowOf = (i: number): Float64Array => {
    const known = kept.get(i);
    if (known) return known;
    const row = new Float64Array(2 * M);
    for (let k = 0; k < M; k++) {
      row[k] = roots[k]! * value(scales[i]! * nodes[k]!);
      row[M + k] = roots[k]! * derivative(scales[i]! * nodes[k]!);
    }
    if ((kept.size + 1) * 2 * M <= MOST_KEPT) kept.set(i, row);
    return row;
  };
  return {
    // products cost a small part of an activation each
    work: Math.ceil(M / 16),
    sums(i: number, j: number, sign: number, out: Pair): void {
      const [a, b] = [rowOf(i), rowOf(j)];
      let values = 0;
      let slopes = 0;
      for (let k = 0; k < M; k++) {
        // nodes are symmetric about 0
        const l = sign > 0 ? k : M - 1 - k;
        values += a[k]! * b[l]!;
        slopes += a[M + k]! * b[M + l]!;
      }
      out.value = values;
      out.slopes = slopes;
    },
  };
}

/** Of √(E σ² E σ'²): what a cut series may leave. */
const TOLERANCE = 1e-13;

/** Orders of the series for most inputs, and for wide or nearly parallel ones. */
const DEGREES = [64, 512];

/** Bins of |ρ| whose pairs share an order. */
const BINS = 256;

/** Evaluations of σ that quadrature may take in all: of 22 to 303 ns each, by activation, so a minute at most. */
const MOST_WORK = 2e8;

/** Mehler's series with, for each pair, the order that its |ρ| and its two scales ask for; by the rule where there is none. */
function* mehlerSeries(
  activation: Activation,
  points: Points,
  byRule: PairByRule,
  { products, n, m }: { products: Float64Array; n: number; m: number | null },
): Generator<void, Expectations, void> {
  const { scales } = points;
  const columns = m ?? n;
  const binOf = (i: number, j: number, product: number): number =>
    Math.min(BINS - 1, Math.floor(Math.abs(correlation(points, i, j, product)) * BINS));
  // all pairs by one series where it is enough
  let series = yield* coefficients(activation, points, DEGREES[0]!);
  let total = 0;
  for (const degree of DEGREES) {
    if (degree > DEGREES[0]!) series = yield* coefficients(activation, points, degree);
    total = 0;
    let isEnough = true;
    for (let i = 0; i < n && (isEnough || degree === DEGREES[DEGREES.length - 1]); i++) {
      for (let j = m === null ? i : 0; j < columns; j++) {
        const other = m === null ? j : n + j;
        if (scales[i] === 0 || scales[other] === 0) continue;
        const product = products[i * columns + j]!;
        if (series.order(i, other, binOf(i, other, product)) >= 0 || isRepeated(points, i, other, product)) continue;
        isEnough = false;
        if (degree < DEGREES[DEGREES.length - 1]!) break;
        total += byRule.work(i, other, product);
        if (total > MOST_WORK) throw tooWide(points, activation);
      }
      yield;
    }
    if (isEnough) break;
  }
  const { order, sums, own } = series;
  return (i, j, product, out) => {
    if (isRepeated(points, i, j, product)) {
      own(i, out);
      return 1;
    }
    const rho = correlation(points, i, j, product);
    const K = order(i, j, Math.min(BINS - 1, Math.floor(Math.abs(rho) * BINS)));
    if (K < 0) return byRule(i, j, product, out);
    sums(i, j, K, rho, out);
    return 1 + K / 8;
  };
}

function tooWide({ scales }: Points, activation: Activation): SpecError {
  return new SpecError(
    "x",
    `preactivations of standard deviation up to ${Math.max(...scales).toPrecision(3)}`,
    `inputs whose Gaussian expectations of ${unscaled(activation).activation.kind} take less than a minute: less wide, or less parallel`,
    "Scale the inputs or weightVariance down, take fewer points, or take erf or a piecewise linear activation: they have closed forms.",
  );
}

interface Series {
  /** The order that a pair needs at a bin of |ρ|; −1: more than there are. */
  order(i: number, j: number, bin: number): number;
  /** Writes E σ(X)² and E σ'(X)² of a point. */
  own(i: number, out: Pair): void;
  /** Writes both sums up to an order. */
  sums(i: number, j: number, order: number, rho: number, out: Pair): void;
}

/** c_0, g_1 … g_degree of every point, and the order that it needs for each bin of |ρ|. */
function* coefficients(activation: Activation, points: Points, degree: number): Generator<void, Series, void> {
  const { count, scales } = points;
  const expansion = hermiteExpansion(activation, degree);
  const width = degree + 1;
  const g = new Float64Array(count * width);
  const orders = new Int16Array(count * BINS);
  const row = new Float64Array(expansion.size);
  const squares = new Float64Array(2 * count);
  const squaresOf = diagonalRule(activation);
  const pair: Pair = { value: 0, slopes: 0 };
  for (let i = 0; i < count; i++) {
    const s = scales[i]!;
    if (s === 0) continue;
    expansion.evaluate(s, 0, row, 0);
    g.set(row.subarray(0, width), i * width);
    squaresOf(s, pair);
    squares[2 * i] = pair.value;
    squares[2 * i + 1] = pair.slopes;
    fillOrders(row, s, degree, pair, orders.subarray(i * BINS, (i + 1) * BINS));
    yield;
  }
  return {
    own(i, out) {
      out.value = squares[2 * i]!;
      out.slopes = squares[2 * i + 1]!;
    },
    order(i, j, bin) {
      const [p, q] = [orders[i * BINS + bin]!, orders[j * BINS + bin]!];
      return p < 0 || q < 0 ? -1 : Math.max(p, q);
    },
    sums(i, j, order, rho, out) {
      const [p, q] = [i * width, j * width];
      let value = 0;
      let slopes = 0;
      for (let k = order; k >= 1; k--) {
        const both = g[p + k]! * g[q + k]!;
        value = value * rho + both;
        slopes = slopes * rho + k * both;
      }
      out.value = g[p]! * g[q]! + scales[i]! * scales[j]! * rho * value;
      out.slopes = slopes;
    },
  };
}

/** E σ(sG)² and E σ'(sG)². */
function diagonalRule(activation: Activation): (s: number, out: Pair) => void {
  const { rule } = pairMethod(activation, activation, true);
  const six = new Float64Array(6);
  return (s, out) => {
    rule(s, 0, s, 0, 1, 0, six);
    out.value = six[VALUE]!;
    out.slopes = six[SLOPES]!;
  };
}

/** The least K for each bin with T_K |ρ|^{K+1} and S_K |ρ|^K below the tolerance, −1 where there is none up to the degree. */
function fillOrders(row: Float64Array, s: number, degree: number, { value, slopes }: Pair, orders: Int16Array): void {
  const tails = new Float64Array(degree + 1);
  let valueLeft = value - row[0]! * row[0]!;
  let slopesLeft = slopes;
  for (let k = 0; k <= degree; k++) {
    if (k > 0) {
      valueLeft -= s * row[k]! * (s * row[k]!);
      slopesLeft -= k * row[k]! * row[k]!;
    }
    // both relative; a difference of sums is not known below their round-off
    const relative = Math.max(value > 0 ? valueLeft / value : 0, slopes > 0 ? slopesLeft / slopes : 0);
    tails[k] = Math.max(ROUND_OFF, relative);
  }
  let k = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const rho = (bin + 1) / BINS;
    // ρ^K, by products as orders only grow with ρ
    let power = 1;
    for (let p = 0; p < k; p++) power *= rho;
    while (k <= degree && tails[k]! * power > TOLERANCE) {
      k++;
      power *= rho;
    }
    if (k > degree) {
      orders.fill(-1, bin);
      return;
    }
    orders[bin] = k;
  }
}

const ROUND_OFF = 64 * Number.EPSILON;
