// The radial operator of rotation-invariant laws of neurons, in low-rank form.               theory §5, §13
//
// Law: y = ±1 with probability ½, x ~ N(0, (1±Δ)² on s0 directions, 1 on the other d − s0). A law of neurons that is
// invariant under rotations of either block is fixed by its image in the reduced coordinates (a, b, r1, r2), and with
// τ = 1±Δ, s² = τ²r1² + r2², x = τr1/s, y = r2/s and c_k(s, b) of hermite.ts
//
//   R = ½ Σ_± [1 ∓ 2 C_00^± + Σ_kj w_kj (C_kj^±)²],        C_kj^± = ∫ a c_k(s, b) x^j y^{k−j} dρ̄,   k and j even,
//   Ψ = ½ Σ_± a [∓ c_0 + Σ_kj w_kj C_kj^± c_k x^j y^{k−j}],   w_kj = binom(k, j) m_j^{(s0)} m_{k−j}^{(d−s0)},
//
// m_k^{(d)} = E u_1^k on S^{d−1}. One radius (s0 = d) is x = 1, y = 0; d = ∞ keeps k = 0 alone. Derivation: docs/radial.md.

import { type Activation, piecewiseLinearForm, unscaled } from "./activation";
import {
  type HermiteExpansion,
  hermiteCoefficients,
  hermiteExpansion,
  secondMoment,
  tabulatedExpansion,
  tabulatedPlane,
} from "./hermite";

/** One reduced coordinate of a neuron: output weight, bias, |P_V w| and |P_V^⊥ w|. */
export type RadialCoordinate = "a" | "b" | "r1" | "r2";

/** What the operator needs to know of `anisotropicGaussians`. */
export type RadialLaw = {
  /** Input dimension d, or `infinite`. */
  readonly dimension: number | "infinite";
  /** Dimension s0 of the signal block; its share γ of d, in (0, 1], when the dimension is infinite. */
  readonly signal: number;
  /** Δ of the standard deviations 1 ± Δ on the signal block. */
  readonly delta: number;
};

/** What the operator needs to know of a unit. */
export type RadialUnit = { readonly kind: "ridge" | "affine"; readonly activation: Activation };

/**
 * Potential, risk and their derivatives on weighted points in reduced coordinates; all arrays are flat and row-major.
 * Cost O(points · rank). Usage: `evaluate` the features once, then `moments` C, then `risk(C)`, `potential`, `gradient`.
 */
export type RadialOperator = {
  /** Names of the coordinates of a point, in order. */
  readonly coordinates: readonly RadialCoordinate[];
  /** Highest Hermite order K kept (0 at d = ∞). */
  readonly degree: number;
  /** Length of C: Hermite moments of both signs. */
  readonly rank: number;
  /** Bound on what the orders beyond K add to R, for norms up to 8: sup_s Eσ² − Σ_{k≤K} c_k² times the largest m_{K+2}. */
  readonly remainder: number;
  /** Numbers of feature storage per point. */
  readonly stride: number;
  /** Whether Ψ has a cone tip at r = 0 (a kink of σ exactly at 0, ridge units). */
  readonly coneTip: boolean;
  /** Fills `features` (n × stride) at n points (n × coordinates). */
  evaluate(points: Float64Array, n: number, features: Float64Array): void;
  /** C = Σ_i weights_i a_i φ(point_i) from features; `weights` sum to 1. */
  moments(points: Float64Array, features: Float64Array, weights: Float64Array, n: number, C: Float64Array): void;
  /** Risk R = E|y − f|² from C. */
  risk(C: Float64Array): number;
  /** Size of the last order kept in R times the ratio to the next: an estimate of the truncation error at this C. */
  truncation(C: Float64Array): number;
  /** Ψ at n points, Ψ = ½ δR/δρ. */
  potential(points: Float64Array, features: Float64Array, C: Float64Array, n: number, out: Float64Array): void;
  /** ∇Ψ with respect to the reduced coordinates at n points, n × coordinates. At the tip r = 0 it is one-sided. */
  gradient(points: Float64Array, features: Float64Array, C: Float64Array, n: number, out: Float64Array): void;
  /** The ±  features φ at n points in order of C (no factor a), n × rank: what a grid stores. */
  table(features: Float64Array, n: number, out: Float64Array): void;
  /** Weight of C_i² in R, length rank: R = 1 + Σ_i (weight_i C_i² − 2 linear_i C_i). */
  readonly weights: Float64Array;
  /** Coefficient of the linear part of R, length rank: ½ for the first moment of the + sign, −½ for that of the −. */
  readonly linear: Float64Array;
};

/** Highest degree chosen without being asked for. */
const LAST_DEGREE = 24;

/**
 * The even moments m_0, m_2, …, m_degree of one coordinate of a uniform point on S^{d−1}.
 *
 * @param dimension  d ≥ 1
 * @param degree     even
 * @returns m_{2i} at i
 */
export function sphereMoments(dimension: number, degree: number): Float64Array {
  const m = new Float64Array(degree / 2 + 1);
  m[0] = 1;
  for (let i = 0; i < degree / 2; i++) m[i + 1] = (m[i]! * (2 * i + 1)) / (dimension + 2 * i);
  return m;
}

/**
 * The radial operator of a law and a unit.
 *
 * @param law      anisotropic Gaussians; γ = signal when the dimension is infinite
 * @param unit     ridge: coordinates (r1[, r2]); affine: (a, b, r1[, r2]); r2 is left out when s0 = d
 * @param options  degree: highest Hermite order, rounded up to even; or tolerance (1e-7): the orders left out change R by
 *                 less than this for norms up to 8, if 24 orders are enough for that (`remainder` says)
 * @see theory §13; docs/radial.md
 */
export function radialOperator(
  law: RadialLaw,
  unit: RadialUnit,
  options: { degree?: number | null; tolerance?: number } = {},
): RadialOperator {
  const infinite = law.dimension === "infinite";
  const signal = law.signal;
  const rest = infinite ? 1 - signal : (law.dimension as number) - signal;
  const slowest = infinite ? 0 : rest > 0 ? Math.min(signal, rest) : signal;
  const { degree, remainder } = chooseDegree(law, unit.activation, slowest, options);
  return rest > 0 ? twoRadii(law, unit, degree, remainder) : oneRadius(law, unit, degree, remainder);
}

/** Smallest even degree whose remainder is below the tolerance, or the degree asked for, with its remainder. */
function chooseDegree(
  law: RadialLaw,
  activation: Activation,
  dimension: number,
  { degree, tolerance = 1e-7 }: { degree?: number | null; tolerance?: number },
): { degree: number; remainder: number } {
  if (dimension === 0) return { degree: 0, remainder: 0 };
  const asked = degree === undefined || degree === null ? null : 2 * Math.ceil(degree / 2);
  const last = asked ?? LAST_DEGREE;
  const m = sphereMoments(dimension, last + 2);
  const square = secondMoment(activation);
  const tails = new Float64Array(last + 1);
  for (const norm of [0.25, 0.5, 1, 2, 4, 8]) {
    for (const tau of [1 + law.delta, 1 - law.delta, 1]) {
      const s = Math.abs(tau) * norm;
      const c = hermiteCoefficients(activation, last, s);
      let left = square(s, 0);
      for (let k = 0; k <= last; k++) {
        left -= c[k]! * c[k]!;
        tails[k] = Math.max(tails[k]!, left);
      }
    }
  }
  for (let k = asked ?? 2; k <= last; k += 2) {
    const remainder = m[k / 2 + 1]! * Math.max(tails[k]!, 0);
    if (k === last || remainder <= tolerance) return { degree: k, remainder };
  }
  throw new Error("unreachable");
}

/** Shared numbers of both shapes: signs, and the factor √((k+1)(k+2)) of ∂_s c_k. */
function ladder(degree: number): Float64Array {
  const up = new Float64Array(degree / 2 + 1);
  for (let i = 0; i <= degree / 2; i++) up[i] = Math.sqrt((2 * i + 1) * (2 * i + 2));
  return up;
}

/**
 * Ridge units have b = 0 throughout, so a table in s replaces closed form and quadrature; affine units with an
 * analytic σ take one in (s, b). (The kinks of a table's own second derivative are finer than such a grid.)
 */
function fastExpansion({ kind, activation }: RadialUnit, degree: number): HermiteExpansion {
  let made = expansions.get(activation);
  if (!made) expansions.set(activation, (made = new Map()));
  const key = `${kind} ${degree}`;
  let expansion = made.get(key);
  if (!expansion) made.set(key, (expansion = makeExpansion(kind, activation, degree)));
  return expansion;
}

// Tables are shared by the operators of one activation object: every risk along a run makes an operator.
const expansions = new WeakMap<Activation, Map<string, HermiteExpansion>>();

function makeExpansion(kind: RadialUnit["kind"], activation: Activation, degree: number): HermiteExpansion {
  const form = piecewiseLinearForm(activation);
  if (kind === "affine") {
    const expansion = hermiteExpansion(activation, degree, "all");
    const quick = form || ["square", "cosine", "table"].includes(unscaled(activation).activation.kind);
    return quick ? expansion : tabulatedPlane(expansion);
  }
  const knots = Array.from(form?.knots ?? [], Math.abs).filter((knot) => knot > 0);
  return tabulatedExpansion(hermiteExpansion(activation, degree, "even"), Math.min(1, ...knots));
}

function hasConeTip(unit: RadialUnit): boolean {
  const form = piecewiseLinearForm(unit.activation);
  return unit.kind === "ridge" && form !== null && form.knots.includes(0);
}

/** s0 = d. Features of a point: for each sign s, then the expansion; C: for each sign C_0, C_2, …, C_K. */
function oneRadius(law: RadialLaw, unit: RadialUnit, degree: number, remainder: number): RadialOperator {
  const affine = unit.kind === "affine";
  const expansion = fastExpansion(unit, degree);
  const step = affine ? 1 : 2;
  const orders = degree / 2 + 1;
  const block = 1 + expansion.size;
  const stride = 2 * block;
  const rank = 2 * orders;
  const dims = affine ? 3 : 1;
  const taus = [1 + law.delta, Math.abs(1 - law.delta)];
  const m = law.dimension === "infinite" ? Float64Array.of(1) : sphereMoments(law.dimension, degree);
  const up = ladder(degree);
  const weights = new Float64Array(rank);
  for (let i = 0; i < rank; i++) weights[i] = 0.5 * m[i % orders]!;
  const linear = new Float64Array(rank);
  linear[0] = 0.5;
  linear[orders] = -0.5;
  const force = new Float64Array(rank);
  const prepare = (C: Float64Array): void => {
    for (let i = 0; i < rank; i++) force[i] = weights[i]! * C[i]! - linear[i]!;
  };

  return {
    coordinates: affine ? ["a", "b", "r1"] : ["r1"],
    degree,
    rank,
    remainder,
    stride,
    coneTip: hasConeTip(unit),
    weights,
    linear,
    evaluate(points, n, features) {
      for (let i = 0; i < n; i++) {
        const b = affine ? points[i * dims + 1]! : 0;
        const r = points[i * dims + dims - 1]!;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const s = taus[sign]! * r;
          features[at] = s;
          expansion.evaluate(s, b, features, at + 1);
        }
      }
    },
    moments(points, features, mass, n, C) {
      C.fill(0);
      for (let i = 0; i < n; i++) {
        const p = affine ? mass[i]! * points[i * dims]! : mass[i]!;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const c = sign * orders;
          const ps = p * features[at]!;
          C[c]! += p * features[at + 1]!;
          for (let o = 1; o < orders; o++) C[c + o]! += ps * features[at + 1 + (o * 2) / step]!;
        }
      }
    },
    risk: (C) => quadraticRisk(C, weights, linear),
    truncation: (C) =>
      degree === 0
        ? 0
        : (weights[orders - 1]! * (square(C[orders - 1]!) + square(C[rank - 1]!)) * (degree + 1)) /
          ((law.dimension as number) + degree),
    potential(points, features, C, n, out) {
      prepare(C);
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const c = sign * orders;
          let tail = 0;
          for (let o = 1; o < orders; o++) tail += force[c + o]! * features[at + 1 + (o * 2) / step]!;
          sum += force[c]! * features[at + 1]! + tail * features[at]!;
        }
        out[i] = affine ? points[i * dims]! * sum : sum;
      }
    },
    gradient(points, features, C, n, out) {
      prepare(C);
      for (let i = 0; i < n; i++) {
        let dr = 0;
        let db = 0;
        let value = 0;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block + 1;
          const c = sign * orders;
          let slope = 0;
          for (let o = 0; o < orders; o++) {
            const next = features[at + ((o + 1) * 2) / step]!;
            slope += force[c + o]! * (up[o]! * next + (o > 0 ? 2 * o * features[at + (o * 2) / step]! : 0));
          }
          dr += taus[sign]! * slope;
          if (!affine) continue;
          let tail = 0;
          for (let o = 0; o < orders; o++) {
            if (o > 0) tail += force[c + o]! * features[at + 2 * o]!;
            db += force[c + o]! * Math.sqrt(2 * o + 1) * features[at + 2 * o + 1]!;
          }
          value += force[c]! * features[at]! + tail * features[at - 1]!;
        }
        if (affine) {
          const a = points[i * dims]!;
          out[i * dims] = value;
          out[i * dims + 1] = a * db;
          out[i * dims + 2] = a * dr;
        } else out[i] = dr;
      }
    },
    table(features, n, out) {
      for (let i = 0; i < n; i++) {
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const row = i * rank + sign * orders;
          out[row] = features[at + 1]!;
          for (let o = 1; o < orders; o++) out[row + o] = features[at]! * features[at + 1 + (o * 2) / step]!;
        }
      }
    },
  };
}

/**
 * s0 < d. Features of a point: for each sign s, x, y, then the expansion. C: for each sign and k = 0, 2, …, K the moments
 * j = 0, 2, …, k. Gradients, with h_k = √((k+1)(k+2)) g_{k+2}:
 *   ∂_{r1} c_k x^j y^l = τ (h_k x^{j+1} y^l + j g_k x^{j−1} y^l),   ∂_{r2} c_k x^j y^l = h_k x^j y^{l+1} + l g_k x^j y^{l−1}.
 */
function twoRadii(law: RadialLaw, unit: RadialUnit, degree: number, remainder: number): RadialOperator {
  const affine = unit.kind === "affine";
  const expansion = fastExpansion(unit, degree);
  const step = affine ? 1 : 2;
  const orders = degree / 2 + 1;
  const block = 3 + expansion.size;
  const stride = 2 * block;
  const half = (orders * (orders + 1)) / 2;
  const rank = 2 * half;
  const dims = affine ? 4 : 2;
  const taus = [1 + law.delta, Math.abs(1 - law.delta)];
  const up = ladder(degree);
  const weights = new Float64Array(rank);
  const dimension = law.dimension === "infinite" ? 1 : law.dimension;
  const signal = law.dimension === "infinite" ? 1 : law.signal;
  const m1 = sphereMoments(signal, degree);
  const m2 = sphereMoments(Math.max(1, dimension - signal), degree);
  for (let o = 0, at = 0; o < orders; o++) {
    for (let j = 0; j <= o; j++, at++) {
      weights[at] = weights[half + at] = 0.5 * binomial(2 * o, 2 * j) * m1[j]! * m2[o - j]!;
    }
  }
  const linear = new Float64Array(rank);
  linear[0] = 0.5;
  linear[half] = -0.5;
  const force = new Float64Array(rank);
  const prepare = (C: Float64Array): void => {
    for (let i = 0; i < rank; i++) force[i] = weights[i]! * C[i]! - linear[i]!;
  };
  const X = new Float64Array(orders);
  const Y = new Float64Array(orders);
  const powers = (x: number, y: number): void => {
    X[0] = Y[0] = 1;
    for (let o = 1; o < orders; o++) {
      X[o] = X[o - 1]! * x * x;
      Y[o] = Y[o - 1]! * y * y;
    }
  };
  const polynomial = (start: number, o: number): number => {
    let sum = 0;
    for (let j = 0; j <= o; j++) sum += force[start + j]! * X[j]! * Y[o - j]!;
    return sum;
  };

  // Directional derivative of Ψ/a at r = 0 along angles of the quarter circle; the flow leaves along the steepest.
  const tip = (features: Float64Array, row: number, sense: number, out: Float64Array, at: number): void => {
    let steepest = 0;
    out[at] = out[at + 1] = 0;
    for (let angle = 0; angle <= TIP_ANGLES; angle++) {
      // Points of the quarter circle in its rational parametrisation, which needs no sine.
      const u = angle / TIP_ANGLES;
      const e1 = (1 - u * u) / (1 + u * u);
      const e2 = (2 * u) / (1 + u * u);
      let slope = 0;
      for (let sign = 0; sign < 2; sign++) {
        const f = row + sign * block + 3;
        const s = Math.sqrt(taus[sign]! * taus[sign]! * e1 * e1 + e2 * e2);
        if (s === 0) continue;
        powers((taus[sign]! * e1) / s, e2 / s);
        slope += s * Math.SQRT2 * features[f + 2 / step]! * force[sign * half]!;
        for (let o = 1, start = sign * half + 1; o < orders; start += o + 1, o++) {
          slope += s * features[f + (2 * o) / step]! * polynomial(start, o);
        }
      }
      if (sense * slope < steepest) {
        steepest = sense * slope;
        out[at] = slope * e1;
        out[at + 1] = slope * e2;
      }
    }
  };

  return {
    coordinates: affine ? ["a", "b", "r1", "r2"] : ["r1", "r2"],
    degree,
    rank,
    remainder,
    stride,
    coneTip: hasConeTip(unit),
    weights,
    linear,
    evaluate(points, n, features) {
      for (let i = 0; i < n; i++) {
        const p = i * dims;
        const b = affine ? points[p + 1]! : 0;
        const r1 = points[p + dims - 2]!;
        const r2 = points[p + dims - 1]!;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const s1 = taus[sign]! * r1;
          const s = Math.sqrt(s1 * s1 + r2 * r2);
          features[at] = s;
          features[at + 1] = s > 0 ? s1 / s : 1;
          features[at + 2] = s > 0 ? r2 / s : 0;
          expansion.evaluate(s, b, features, at + 3);
        }
      }
    },
    moments(points, features, mass, n, C) {
      C.fill(0);
      for (let i = 0; i < n; i++) {
        const p = affine ? mass[i]! * points[i * dims]! : mass[i]!;
        if (p === 0) continue;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          powers(features[at + 1]!, features[at + 2]!);
          const ps = p * features[at]!;
          let c = sign * half;
          C[c++]! += p * features[at + 3]!;
          for (let o = 1; o < orders; o++) {
            const pc = ps * features[at + 3 + (2 * o) / step]!;
            for (let j = 0; j <= o; j++) C[c++]! += pc * X[j]! * Y[o - j]!;
          }
        }
      }
    },
    risk: (C) => quadraticRisk(C, weights, linear),
    truncation(C) {
      if (degree === 0) return 0;
      let sum = 0;
      for (let sign = 0; sign < 2; sign++) {
        for (let i = sign * half + half - orders; i < (sign + 1) * half; i++) sum += weights[i]! * square(C[i]!);
      }
      return (sum * (degree + 1)) / (Math.min(signal, dimension - signal) + degree);
    },
    potential(points, features, C, n, out) {
      prepare(C);
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          powers(features[at + 1]!, features[at + 2]!);
          let tail = 0;
          for (let o = 1, start = sign * half + 1; o < orders; start += o + 1, o++) {
            tail += features[at + 3 + (2 * o) / step]! * polynomial(start, o);
          }
          sum += force[sign * half]! * features[at + 3]! + tail * features[at]!;
        }
        out[i] = affine ? points[i * dims]! * sum : sum;
      }
    },
    gradient(points, features, C, n, out) {
      prepare(C);
      for (let i = 0; i < n; i++) {
        let d1 = 0;
        let d2 = 0;
        let db = 0;
        let value = 0;
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          const x = features[at + 1]!;
          const y = features[at + 2]!;
          powers(x, y);
          const f = at + 3;
          const first = force[sign * half]!;
          let radial = up[0]! * features[f + 2 / step]! * first;
          let along1 = 0;
          let along2 = 0;
          let tail = 0;
          let bias = affine ? features[f + 1]! * first : 0;
          for (let o = 1, start = sign * half + 1; o < orders; start += o + 1, o++) {
            const g = features[f + (2 * o) / step]!;
            let p = 0;
            let q1 = 0;
            let q2 = 0;
            for (let j = 0; j <= o; j++) {
              const w = force[start + j]!;
              p += w * X[j]! * Y[o - j]!;
              if (j > 0) q1 += 2 * j * w * X[j - 1]! * Y[o - j]!;
              if (j < o) q2 += 2 * (o - j) * w * X[j]! * Y[o - j - 1]!;
            }
            radial += up[o]! * features[f + (2 * o + 2) / step]! * p;
            along1 += g * q1;
            along2 += g * q2;
            if (affine) {
              tail += g * p;
              bias += Math.sqrt(2 * o + 1) * features[f + 2 * o + 1]! * p;
            }
          }
          d1 += taus[sign]! * x * (radial + along1);
          d2 += y * (radial + along2);
          db += bias;
          value += first * features[f]! + tail * features[at]!;
        }
        const p = i * dims;
        const r = p + dims - 2;
        if (points[r] === 0 && points[r + 1] === 0)
          tip(features, i * stride, affine && points[p]! < 0 ? -1 : 1, out, r);
        else {
          out[r] = d1;
          out[r + 1] = d2;
        }
        if (affine) {
          const a = points[p]!;
          out[p] = value;
          out[p + 1] = a * db;
          out[r]! *= a;
          out[r + 1]! *= a;
        }
      }
    },
    table(features, n, out) {
      for (let i = 0; i < n; i++) {
        for (let sign = 0; sign < 2; sign++) {
          const at = i * stride + sign * block;
          powers(features[at + 1]!, features[at + 2]!);
          let c = i * rank + sign * half;
          out[c++] = features[at + 3]!;
          for (let o = 1; o < orders; o++) {
            const feature = features[at]! * features[at + 3 + (2 * o) / step]!;
            for (let j = 0; j <= o; j++) out[c++] = feature * X[j]! * Y[o - j]!;
          }
        }
      }
    },
  };
}

const TIP_ANGLES = 16;

/** R = 1 + Σ_i C_i (weight_i C_i − 2 linear_i). */
function quadraticRisk(C: Float64Array, weights: Float64Array, linear: Float64Array): number {
  let risk = 1;
  for (let i = 0; i < C.length; i++) risk += C[i]! * (weights[i]! * C[i]! - 2 * linear[i]!);
  return risk;
}

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return Math.round(value);
}

function square(x: number): number {
  return x * x;
}
