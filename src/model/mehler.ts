// Exact Gaussian pair expectations and population risks of finite networks, by Mehler's series.            theory §13
//
// For X = s1 G1 + b1, Y = s2 G2 + b2 with E G1 G2 = ρ:  U = E σ1(X) σ2(Y) = Σ_k c_k(s1, b1) c'_k(s2, b2) ρ^k.
// Cut after K, Cauchy–Schwarz bounds the rest by |ρ|^{K+1} √(T_K T'_K), T_K = E σ² − Σ_{k≤K} c_k². Pairs that are too nearly
// parallel for the series go by Price's theorem (piecewise linear) or by quadrature. Derivations: docs/radial.md.

import { cos, exp, pow } from "../engine/math";
import { type Activation, activationFunctions, type PiecewiseLinearForm, piecewiseLinearForm } from "./activation";
import { gaussianRule, hermiteExpansion, quadratureBandwidth, secondMoment } from "./hermite";
import type { GaussianComponent } from "./law";

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
  const rows = [first, second].map(({ activation, s, b = 0 }) => {
    const c = new Float64Array(FIRST_DEGREE + 3);
    hermiteExpansion(activation, FIRST_DEGREE).evaluate(s, b, c, 0);
    let tail = secondMoment(activation)(s, b) - c[0]! * c[0]!;
    for (let k = 1; k <= FIRST_DEGREE; k++) {
      c[k]! *= s;
      tail -= c[k]! * c[k]!;
    }
    return { c, tail: Math.max(0, tail), size: c[0]! * c[0]! + tail };
  });
  const [one, two] = rows as [(typeof rows)[0], (typeof rows)[0]];
  const bound = pow(Math.abs(rho), FIRST_DEGREE + 1) * Math.sqrt(one.tail * two.tail);
  if (bound > 1e-14 * (Math.abs(one.c[0]! * two.c[0]!) + Math.abs(rho * one.c[1]! * two.c[1]!))) {
    return closePair(first.activation, second.activation)(first.s, first.b ?? 0, second.s, second.b ?? 0, rho);
  }
  let sum = 0;
  for (let k = FIRST_DEGREE; k >= 0; k--) sum = sum * rho + one.c[k]! * two.c[k]!;
  return sum;
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
  const n = groups.reduce((sum, { amplitudes }) => sum + amplitudes.length, 0);
  const amplitudes = concatenate(groups.map((group) => group.amplitudes));
  const weights = concatenate(groups.map((group) => group.weights));
  const d = weights.length / n;
  const { blocks, scales } = metricBlocks(weights, n, d, components);
  const close = closeTable(groups);

  let degree = 0;
  let bound = 0;
  let size = 0;
  for (const x of amplitudes) size += Math.abs(x);
  const series = components.map((component, c) => {
    const shifts = shiftsOf(groups, component.mean, d);
    const norms = normsOf(blocks, scales[c]!, n);
    const table = seriesTable(groups, norms, shifts, FIRST_DEGREE, tolerance);
    const inverse = norms.map((s) => (s > 0 ? 1 / s : 0));
    return { component, shifts, norms, inverse, table, far: [] as number[] };
  });

  const gram = blocks.map(() => new Float64Array(TILE * n));
  const mixed = new Float64Array(TILE * n);
  const sums = new Float64Array(components.length);
  for (let i0 = 0; i0 < n; i0 += TILE) {
    const i1 = Math.min(n, i0 + TILE);
    blocks.forEach(({ rows, width }, k) => void gramTile(rows, n, width, i0, i1, gram[k]!));
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
  }

  let parallelPairs = 0;
  let risk = 0;
  series.forEach(({ component, shifts, norms, table, far }, c) => {
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
      const second = seriesTable(groups, norms, shifts, SECOND_DEGREE, tolerance);
      for (let at = 0; at < far.length; at += 3) {
        const [i, j, rho] = [far[at]!, far[at + 1]!, far[at + 2]!];
        const order = second.degrees[bin(rho)]!;
        let u: number;
        if (order >= 0) {
          degree = Math.max(degree, order);
          u = dot(second.coefficients, i * (SECOND_DEGREE + 1), j * (SECOND_DEGREE + 1), order, rho);
        } else {
          parallelPairs++;
          u = close(i, j)(norms[i]!, shifts[i]!, norms[j]!, shifts[j]!, Math.max(-1, Math.min(1, rho)));
        }
        offDiagonal += amplitudes[i]! * amplitudes[j]! * u;
      }
    }
    risk += weight * (label * label - 2 * label * mean + diagonal + 2 * offDiagonal);
  });
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

/** Gram matrix of rows [i0, i1) against all rows j ≥ i0 (rounded down to even), two by two; `out` is (i1 − i0) × n. */
export function gramTile(
  rows: Float64Array,
  n: number,
  width: number,
  i0: number,
  i1: number,
  out: Float64Array,
): void {
  for (let i = i0; i < i1; i += 2) {
    const a = i * width;
    const b = (i + 1 < i1 ? i + 1 : i) * width;
    const outA = (i - i0) * n;
    const outB = i + 1 < i1 ? outA + n : outA;
    for (let j = i - (i % 2); j < n; j += 2) {
      const p = j * width;
      const q = (j + 1 < n ? j + 1 : j) * width;
      let ap = 0;
      let aq = 0;
      let bp = 0;
      let bq = 0;
      for (let k = 0; k < width; k++) {
        const xa = rows[a + k]!;
        const xb = rows[b + k]!;
        const xp = rows[p + k]!;
        const xq = rows[q + k]!;
        ap += xa * xp;
        aq += xa * xq;
        bp += xb * xp;
        bq += xb * xq;
      }
      out[outA + j] = ap;
      out[outB + j] = bp;
      if (j + 1 < n) {
        out[outA + j + 1] = aq;
        out[outB + j + 1] = bq;
      }
    }
  }
}

function combine(gram: readonly Float64Array[], scales: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let k = 0; k < gram.length; k++) {
    const scale = scales[k]!;
    const tile = gram[k]!;
    if (scale !== 0) for (let at = 0; at < out.length; at++) out[at]! += scale * tile[at]!;
  }
}

/**
 * Matrices whose Gram matrices, combined with `scales`, give ⟨w_i, Σ_c w_j⟩. Diagonal factors share them: columns on which
 * every component has its own constant form one block, so both signs of anisotropic Gaussians cost one product.
 */
function metricBlocks(
  weights: Float64Array,
  n: number,
  d: number,
  components: readonly GaussianComponent[],
): { blocks: { rows: Float64Array; width: number }[]; scales: Float64Array[] } {
  const diagonals = components.map(({ diagonal }) => diagonal);
  if (diagonals.every((x) => x !== null)) {
    const columns = new Map<string, number[]>();
    for (let k = 0; k < d; k++) {
      const key = diagonals.map((x) => x![k]).join();
      columns.set(key, [...(columns.get(key) ?? []), k]);
    }
    if (columns.size <= 2 * components.length) {
      const lists = [...columns.values()];
      return {
        blocks: lists.map((list) => ({ rows: pick(weights, n, d, list), width: list.length })),
        scales: diagonals.map((x) => Float64Array.from(lists, (list) => x![list[0]!]! * x![list[0]!]!)),
      };
    }
  }
  return {
    blocks: components.map((component) => ({ rows: whiten(weights, n, d, component), width: d })),
    scales: components.map((_, c) => Float64Array.from(components, (_, k) => (k === c ? 1 : 0))),
  };
}

function pick(weights: Float64Array, n: number, d: number, columns: readonly number[]): Float64Array {
  const width = columns.length;
  const out = new Float64Array(n * width);
  for (let i = 0; i < n; i++) for (let k = 0; k < width; k++) out[i * width + k] = weights[i * d + columns[k]!]!;
  return out;
}

/** Rows Fᵀ w_i, so that their Gram matrix is ⟨w_i, F Fᵀ w_j⟩. */
function whiten(weights: Float64Array, n: number, d: number, { diagonal, factor }: GaussianComponent): Float64Array {
  const out = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < d; k++) {
      const w = weights[i * d + k]!;
      if (diagonal) out[i * d + k] = w * diagonal[k]!;
      else for (let j = 0; j < d; j++) out[i * d + j]! += w * factor![k * d + j]!;
    }
  }
  return out;
}

function normsOf(blocks: readonly { rows: Float64Array; width: number }[], scales: Float64Array, n: number) {
  const norms = new Float64Array(n);
  blocks.forEach(({ rows, width }, k) => {
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let c = i * width; c < (i + 1) * width; c++) sum += rows[c]! * rows[c]!;
      norms[i]! += scales[k]! * sum;
    }
  });
  return norms.map(Math.sqrt);
}

function shiftsOf(groups: readonly NeuronGroup[], mean: Float64Array | null, d: number): Float64Array {
  const all = groups.map(({ biases, weights, amplitudes }) => {
    const shifts = biases ? biases.slice() : new Float64Array(amplitudes.length);
    if (mean) {
      for (let i = 0; i < shifts.length; i++) for (let k = 0; k < d; k++) shifts[i]! += weights[i * d + k]! * mean[k]!;
    }
    return shifts;
  });
  return concatenate(all);
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

type ClosePair = (s1: number, b1: number, s2: number, b2: number, rho: number) => number;

/** The nearly parallel rule of any two neurons, one closure a pair of groups. */
function closeTable(groups: readonly NeuronGroup[]): (i: number, j: number) => ClosePair {
  const made = new Map<number, ClosePair>();
  const groupOf = (i: number): number => {
    let g = 0;
    for (let rest = i; rest >= groups[g]!.amplitudes.length; g++) rest -= groups[g]!.amplitudes.length;
    return g;
  };
  return (i, j) => {
    const [p, q] = [groupOf(i), groupOf(j)];
    const key = p * groups.length + q;
    let pair = made.get(key);
    if (!pair) made.set(key, (pair = closePair(groups[p]!.activation, groups[q]!.activation)));
    return pair;
  };
}

function closePair(first: Activation, second: Activation): ClosePair {
  const one = piecewiseLinearForm(first);
  const two = piecewiseLinearForm(second);
  return one && two ? pricePair(first, one, second, two) : quadraturePair(first, second);
}

/**
 * Price's theorem: U(ρ) = c_0 c'_0 + ρ c_1 c'_1 + ∫_0^ρ (ρ − t) U″(t) dt, U″(t) = Σ_jk δ_j δ'_k s1 s2 φ_2(z_j, z'_k; t),
 * with t = 2u/(1 + u²), in which φ_2 dt is smooth up to |ρ| = 1; panels halve towards |u| = 1, where two close knots make a
 * layer.
 */
function pricePair(
  first: Activation,
  one: PiecewiseLinearForm,
  second: Activation,
  two: PiecewiseLinearForm,
): ClosePair {
  const head = (activation: Activation) => {
    const expansion = hermiteExpansion(activation, 1);
    const row = new Float64Array(expansion.size);
    return (s: number, b: number): [number, number] => {
      expansion.evaluate(s, b, row, 0);
      return [row[0]!, s * row[1]!];
    };
  };
  const [headOne, headTwo] = [head(first), head(second)];
  return (s1, b1, s2, b2, rho) => {
    const [c0, c1] = headOne(s1, b1);
    const [d0, d1] = headTwo(s2, b2);
    let sum = c0 * d0 + rho * c1 * d1;
    if (s1 === 0 || s2 === 0) return sum;
    const end = rho / (1 + Math.sqrt((1 - rho) * (1 + rho)));
    for (let j = 0; j < one.knots.length; j++) {
      for (let k = 0; k < two.knots.length; k++) {
        const z = (one.knots[j]! - b1) / s1;
        const w = (two.knots[k]! - b2) / s2;
        sum += one.jumps[j]! * two.jumps[k]! * s1 * s2 * priceIntegral(z, w, rho, end);
      }
    }
    return sum;
  };
}

/** Panels that halve towards |u| = 1; beyond them the layer is thinner than round-off. */
const PANELS = 40;

/** ∫_0^ρ (ρ − t) φ_2(z, w; t) dt, with `end` the value of u at t = ρ. */
function priceIntegral(z: number, w: number, rho: number, end: number): number {
  const sign = rho < 0 ? -1 : 1;
  const gap = z - sign * w;
  const product = sign * z * w;
  const last = Math.abs(end);
  let sum = 0;
  let from = 0;
  for (let panel = 0; from < last && panel < PANELS; panel++) {
    const to = panel === PANELS - 1 ? last : Math.min(last, 0.5 * (1 + from));
    for (let i = 0; i < GAUSS.nodes.length; i++) {
      const u = from + GAUSS.nodes[i]! * (to - from);
      const t = (2 * u) / (1 + u * u);
      const below = ((1 - u) * (1 - u)) / (1 + u * u);
      const q = ((gap === 0 ? 0 : (0.5 * gap * gap) / below) + product) / (1 + t);
      sum += (GAUSS.weights[i]! * (to - from) * (Math.abs(rho) - t) * exp(-q)) / (Math.PI * (1 + u * u));
    }
    from = to;
  }
  return sum;
}

/** U = E_g σ1(s1 g + b1) E_h σ2(s2 (ρ g + √(1−ρ²) h) + b2) by the trapezoidal rule in both. */
function quadraturePair(first: Activation, second: Activation): ClosePair {
  const f = activationFunctions(first).value;
  const g = activationFunctions(second).value;
  const [bandOne, bandTwo] = [quadratureBandwidth(first), quadratureBandwidth(second)];
  return (s1, b1, s2, b2, rho) => {
    const across = s2 * Math.sqrt((1 - rho) * (1 + rho));
    const outer = gaussianRule(s1 * bandOne + Math.abs(rho) * s2 * bandTwo);
    const inner = gaussianRule(across * bandTwo);
    let sum = 0;
    for (let i = 0; i < outer.nodes.length; i++) {
      const centre = s2 * rho * outer.nodes[i]! + b2;
      let mean = 0;
      for (let j = 0; j < inner.nodes.length; j++) mean += inner.weights[j]! * g(centre + across * inner.nodes[j]!);
      sum += outer.weights[i]! * f(s1 * outer.nodes[i]! + b1) * mean;
    }
    return sum;
  };
}

/** Gauss–Legendre rule of 20 points on [0, 1], by Newton on P_20. */
const GAUSS = gaussLegendre(20);

function gaussLegendre(n: number): { nodes: Float64Array; weights: Float64Array } {
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = -cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let step = 0; step < 12; step++) {
      let p = 1;
      let before = 0;
      for (let k = 0; k < n; k++) {
        const next = ((2 * k + 1) * x * p - k * before) / (k + 1);
        before = p;
        p = next;
      }
      slope = (n * (x * p - before)) / (x * x - 1);
      x -= p / slope;
    }
    nodes[i] = 0.5 * (1 + x);
    weights[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}
