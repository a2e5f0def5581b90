// Exact Gaussian pair expectations and population risks of finite networks, by Mehler's series.            theory §13
//
// For X = s1 G1 + b1, Y = s2 G2 + b2 with E G1 G2 = ρ:  U = E σ1(X) σ2(Y) = Σ_k c_k(s1, b1) c'_k(s2, b2) ρ^k.
// Cut after K, Cauchy–Schwarz bounds the rest by |ρ|^{K+1} √(T_K T'_K), T_K = E σ² − Σ_{k≤K} c_k². Pairs that are too nearly
// parallel for the series go by their pair rule: a closed form or quadrature. Derivations: docs/radial.md.

import { pow } from "../engine/math";
import { finish } from "../engine/pause";
import type { Activation } from "./activation";
import { hermiteExpansion, secondMoment } from "./hermite";
import type { GaussianComponent } from "./law";
import { addSquares, blockRows, combine, gramTile, metricOf, shifts } from "./metric";
import { type PairMethod, pairMethod, VALUE } from "./pairs";

/** Neurons of one activation: f(x) = Σ_i amplitude_i σ(⟨w_i, x⟩ + b_i). */
export type NeuronGroup = {
  readonly activation: Activation;
  /** n numbers: a_i/N for a network of N neurons. */
  readonly amplitudes: Float64Array;
  /** n biases, or null for none. */
  readonly biases: Float64Array | null;
  /** n × d, row-major. */
  readonly weights: Float64Array;
};

/** A risk with what it took. */
export type ExactRisk = {
  /** R = E|y − f(x)|². */
  readonly risk: number;
  /** Bound on its error from cut series, beyond round-off. */
  readonly bound: number;
  /** Highest order of the series used. */
  readonly degree: number;
  /** Pairs that were too nearly parallel for the series. */
  readonly parallelPairs: number;
};

/** Orders of the first series, which serves most pairs, and of the second, which serves the rest up to |ρ| of about 0.95. */
const FIRST_DEGREE = 48;
const SECOND_DEGREE = 480;

/** Rows of the Gram matrix that are formed at a time. */
const TILE = 16;

/** Pairs beyond the first series that are worked on between two yields. */
const FAR_PIECE = 256;

/**
 * E σ1(X) σ2(Y) for jointly Gaussian X ~ N(b1, s1²), Y ~ N(b2, s2²) of correlation ρ, to about 1e-12 of its size.
 *
 * @param first        activation σ1, scale s ≥ 0 and shift b of X
 * @param second       the same of Y
 * @param correlation  ρ in [−1, 1]
 * @see Mehler's formula; R. Price, IRE Trans. Inf. Theory 4 (1958) 69
 */
export function pairExpectation(
  first: { activation: Activation; s: number; b?: number },
  second: { activation: Activation; s: number; b?: number },
  correlation: number,
): number {
  const rho = Math.max(-1, Math.min(1, correlation));
  const { rule, closed } = pairMethod(first.activation, second.activation);
  if (!closed) {
    const [one, two] = [headOf(first), headOf(second)];
    const bound = pow(Math.abs(rho), FIRST_DEGREE + 1) * Math.sqrt(one.tail * two.tail);
    if (bound <= 1e-14 * (Math.abs(one.c[0]! * two.c[0]!) + Math.abs(rho * one.c[1]! * two.c[1]!))) {
      let sum = 0;
      for (let k = FIRST_DEGREE; k >= 0; k--) sum = sum * rho + one.c[k]! * two.c[k]!;
      return sum;
    }
  }
  const pair = new Float64Array(6);
  rule(first.s, first.b ?? 0, second.s, second.b ?? 0, rho < 0 ? -1 : 1, 1 - Math.abs(rho), pair);
  return pair[VALUE]!;
}

/** c_0 … c_48 of a unit and what E σ² leaves beyond them, which is not known below its own round-off. */
function headOf({ activation, s, b = 0 }: { activation: Activation; s: number; b?: number }) {
  const c = new Float64Array(FIRST_DEGREE + 3);
  hermiteExpansion(activation, FIRST_DEGREE).evaluate(s, b, c, 0);
  const total = secondMoment(activation)(s, b);
  let tail = total - c[0]! * c[0]!;
  for (let k = 1; k <= FIRST_DEGREE; k++) {
    c[k]! *= s;
    tail -= c[k]! * c[k]!;
  }
  return { c, tail: Math.max(4 * Number.EPSILON * total, tail) };
}

/**
 * The population risk of a finite network for a mixture of Gaussians, with no test sample:
 * R = Σ_c p_c [y_c² − 2 y_c Σ_i α_i c_0i + Σ_ij α_i α_j U_ij].
 *
 * @param groups      the neurons; more than one group where activations differ (a teacher has amplitudes −a_j/M)
 * @param components  weight p_c, label y_c, mean and covariance factor of each Gaussian
 * @param tolerance   error allowed in each U_ij, relative to the largest E σ²
 */
export function gaussianMixtureRisk(
  groups: readonly NeuronGroup[],
  components: readonly GaussianComponent[],
  tolerance = 1e-11,
): ExactRisk {
  return finish(gaussianMixtureWork(groups, components, tolerance));
}

/** The same in pieces of about a millisecond for a thousand neurons: a page goes on between them. */
export function* gaussianMixtureWork(
  groups: readonly NeuronGroup[],
  components: readonly GaussianComponent[],
  tolerance = 1e-11,
): Generator<void, ExactRisk, void> {
  const n = groups.reduce((sum, { amplitudes }) => sum + amplitudes.length, 0);
  const amplitudes = concatenate(groups.map((group) => group.amplitudes));
  const weights = concatenate(groups.map((group) => group.weights));
  const d = weights.length / n;
  const { blocks, scales } = metricOf(components, d);
  const rows = blocks.map((block) => {
    const out = new Float64Array(n * block.width);
    blockRows(block, weights, n, out);
    return out;
  });
  const rules = pairTable(groups);
  const pair = new Float64Array(6);

  let degree = 0;
  let bound = 0;
  let size = 0;
  for (const x of amplitudes) size += Math.abs(x);
  const series = components.map((component, c) => {
    const centres = shiftsOf(groups, component.mean);
    const squares = new Float64Array(n);
    blocks.forEach(({ width }, k) => void addSquares(rows[k]!, n, width, scales[c]![k]!, squares));
    const norms = squares.map(Math.sqrt);
    const table = seriesTable(groups, norms, centres, FIRST_DEGREE, tolerance);
    const inverse = norms.map((s) => (s > 0 ? 1 / s : 0));
    return { component, centres, norms, inverse, table, far: [] as number[] };
  });

  const gram = blocks.map(() => new Float64Array(TILE * n));
  const mixed = new Float64Array(TILE * n);
  const sums = new Float64Array(components.length);
  for (let i0 = 0; i0 < n; i0 += TILE) {
    const i1 = Math.min(n, i0 + TILE);
    blocks.forEach(({ width }, k) => void gramTile(rows[k]!, n, width, i0, i1, gram[k]!));
    series.forEach((part, c) => {
      combine(gram, scales[c]!, mixed);
      const { coefficients, degrees } = part.table;
      sums[c]! += pairSums(
        mixed,
        n,
        i0,
        i1,
        amplitudes,
        part.inverse,
        coefficients,
        FIRST_DEGREE + 1,
        degrees,
        part.far,
      );
    });
    yield;
  }

  let parallelPairs = 0;
  let risk = 0;
  for (const [c, { component, centres, norms, table, far }] of series.entries()) {
    const { weight, label } = component;
    bound += weight * table.allowed * size * size;
    degree = Math.max(degree, ...table.degrees);
    let mean = 0;
    let diagonal = 0;
    for (let i = 0; i < n; i++) {
      mean += amplitudes[i]! * table.coefficients[i * (FIRST_DEGREE + 1)]!;
      diagonal += amplitudes[i]! * amplitudes[i]! * table.seconds[i]!;
    }
    let offDiagonal = sums[c]!;
    if (far.length > 0) {
      const second = seriesTable(groups, norms, centres, SECOND_DEGREE, tolerance);
      for (let at = 0; at < far.length; at += 3) {
        if (at % (3 * FAR_PIECE) === 0) yield;
        const [i, j, rho] = [far[at]!, far[at + 1]!, far[at + 2]!];
        const order = second.degrees[bin(rho)]!;
        let u: number;
        if (order >= 0) {
          degree = Math.max(degree, order);
          u = dot(second.coefficients, i * (SECOND_DEGREE + 1), j * (SECOND_DEGREE + 1), order, rho);
        } else {
          parallelPairs++;
          const gap = Math.max(0, 1 - Math.abs(rho));
          rules(i, j).rule(norms[i]!, centres[i]!, norms[j]!, centres[j]!, rho < 0 ? -1 : 1, gap, pair);
          u = pair[VALUE]!;
        }
        offDiagonal += amplitudes[i]! * amplitudes[j]! * u;
      }
    }
    risk += weight * (label * label - 2 * label * mean + diagonal + 2 * offDiagonal);
  }
  return { risk, bound, degree, parallelPairs };
}

/** Bins of |ρ| that share a degree. */
const BINS = 256;

function bin(rho: number): number {
  return Math.min(BINS - 1, Math.floor(Math.abs(rho) * BINS));
}

/** Coefficients of all neurons for one component, and the order that each bin of |ρ| needs (−1: more than there are). */
function seriesTable(
  groups: readonly NeuronGroup[],
  norms: Float64Array,
  shifts: Float64Array,
  degree: number,
  tolerance: number,
): { coefficients: Float64Array; seconds: Float64Array; degrees: Int32Array; allowed: number } {
  const n = norms.length;
  const width = degree + 1;
  const coefficients = new Float64Array(n * width);
  const seconds = new Float64Array(n);
  const tails = new Float64Array(width);
  let i = 0;
  let largest = 0;
  for (const { activation, amplitudes } of groups) {
    const expansion = hermiteExpansion(activation, degree);
    const second = secondMoment(activation);
    const row = new Float64Array(expansion.size);
    for (let end = i + amplitudes.length; i < end; i++) {
      const s = norms[i]!;
      expansion.evaluate(s, shifts[i]!, row, 0);
      const total = (seconds[i] = second(s, shifts[i]!));
      largest = Math.max(largest, total);
      let left = total;
      for (let k = 0; k <= degree; k++) {
        const c = (coefficients[i * width + k] = k === 0 ? row[0]! : s * row[k]!);
        left -= c * c;
        if (left > tails[k]!) tails[k] = left;
      }
    }
  }
  const allowed = tolerance * largest;
  const degrees = new Int32Array(BINS).fill(-1);
  let order = 0;
  for (let at = 0; at < BINS; at++) {
    const rho = (at + 1) / BINS;
    while (order <= degree && tails[order]! * pow(rho, order + 1) > allowed) order++;
    if (order > degree) break;
    degrees[at] = order;
  }
  return { coefficients, seconds, degrees, allowed };
}

/**
 * Σ over pairs i in [i0, i1), j > i of α_i α_j Σ_k c_ik c_jk ρ_ij^k; pairs whose bin has no degree are appended to `far` as
 * i, j, ρ. Flat arrays only: `gram` is the tile (i1 − i0) × n, `coefficients` n × width.
 */
export function pairSums(
  gram: Float64Array,
  n: number,
  i0: number,
  i1: number,
  amplitudes: Float64Array,
  inverseNorms: Float64Array,
  coefficients: Float64Array,
  width: number,
  degrees: Int32Array,
  far: number[],
): number {
  let sum = 0;
  for (let i = i0; i < i1; i++) {
    const row = (i - i0) * n;
    const ci = i * width;
    const scale = inverseNorms[i]!;
    let inner = 0;
    for (let j = i + 1; j < n; j++) {
      const rho = gram[row + j]! * scale * inverseNorms[j]!;
      const at = Math.floor(Math.abs(rho) * BINS);
      const order = degrees[at < BINS ? at : BINS - 1]!;
      if (order < 0) {
        far.push(i, j, rho);
        continue;
      }
      inner += amplitudes[j]! * dot(coefficients, ci, j * width, order, rho);
    }
    sum += amplitudes[i]! * inner;
  }
  return sum;
}

/** Σ_{k ≤ order} x_{i+k} x_{j+k} ρ^k by Horner's rule on even and odd orders. */
function dot(x: Float64Array, i: number, j: number, order: number, rho: number): number {
  const square = rho * rho;
  let even = 0;
  let odd = 0;
  let k = order;
  if (k % 2 === 0) {
    even = x[i + k]! * x[j + k]!;
    k--;
  }
  for (; k > 0; k -= 2) {
    odd = odd * square + x[i + k]! * x[j + k]!;
    even = even * square + x[i + k - 1]! * x[j + k - 1]!;
  }
  return even + rho * odd;
}

function shiftsOf(groups: readonly NeuronGroup[], mean: Float64Array | null): Float64Array {
  return concatenate(
    groups.map(({ biases, weights, amplitudes }) => {
      const out = new Float64Array(amplitudes.length);
      shifts(biases, weights, amplitudes.length, mean, out);
      return out;
    }),
  );
}

function concatenate(arrays: readonly Float64Array[]): Float64Array {
  if (arrays.length === 1) return arrays[0]!;
  const out = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

/** The pair rule of any two neurons, one a pair of groups. */
function pairTable(groups: readonly NeuronGroup[]): (i: number, j: number) => PairMethod {
  const made = new Map<number, PairMethod>();
  const groupOf = (i: number): number => {
    let g = 0;
    for (let rest = i; rest >= groups[g]!.amplitudes.length; g++) rest -= groups[g]!.amplitudes.length;
    return g;
  };
  return (i, j) => {
    const [p, q] = [groupOf(i), groupOf(j)];
    const key = p * groups.length + q;
    let pair = made.get(key);
    if (!pair) made.set(key, (pair = pairMethod(groups[p]!.activation, groups[q]!.activation)));
    return pair;
  };
}
