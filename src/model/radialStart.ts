// Starts in reduced coordinates: the laws of a, b, r1, r2 of a new neuron, their quadrature nodes and cell masses.
//
// w ~ N(0, κ²/d I) gives r1 = κ/√d χ_{s0} and r2 = κ/√d χ_{d−s0}, independent; at d = ∞ the points κ√γ and κ√(1−γ).

import { SpecError } from "../engine/errors";
import { exp, lgamma, log, logistic, normalCdf } from "../engine/math";
import { type AnisotropicGaussians, rotationMatrix } from "./law";
import type { RadialCoordinate, RadialLaw } from "./radial";
import type { RadiusLaw, Spread, Start } from "./start";
import { type Unit, weightOffset } from "./unit";

/** A law on the line: a point, or a density of one hump. */
export type AxisLaw = { readonly kind: "point"; readonly value: number } | AxisDensity;

/** A density of one hump on [from, to]. */
export type AxisDensity = {
  readonly kind: "density";
  readonly from: number;
  readonly to: number;
  readonly mode: number;
  /** Standard deviation of the Gaussian that fits the hump at its mode; Infinity for a uniform law. */
  readonly scale: number;
  /** Log of the density up to a constant. */
  logDensity(x: number): number;
  /** Exact probability of [low, high], accurate in the tails. */
  mass(low: number, high: number): number;
};

/** The starts that have a law in reduced coordinates. */
export type DrawnStart = Extract<Start, { kind: "gaussian" | "radii" }>;

/**
 * The reduced coordinates of given neurons: (r1[, r2]) for ridge units, (a, b, r1[, r2]) for affine ones, with
 * r1 = |P_V w|, r2 = |w − P_V w| and V the signal space; r2 is left out when s0 = d.
 *
 * @param law    anisotropic Gaussians in finite dimension
 * @param unit   the unit
 * @param theta  N × D, a neuron a row
 * @returns N × coordinates, row-major
 */
export function reducedCoordinates(law: AnisotropicGaussians, unit: Unit, theta: Float64Array): Float64Array {
  const d = law.dimension as number;
  const offset = weightOffset(unit);
  const count = theta.length / (d + offset);
  const radii = law.signal === d ? 1 : 2;
  // Only the signal space matters: r2² = |w|² − r1² would cancel, so both blocks of Qᵀw are summed.
  const q = law.rotation === "identity" || radii === 1 ? null : rotationMatrix(d, law.rotation.seed);
  const out = new Float64Array(count * (offset + radii));
  const turned = new Float64Array(d);
  for (let i = 0; i < count; i++) {
    const row = theta.subarray(i * (d + offset), (i + 1) * (d + offset));
    const w = row.subarray(offset);
    if (q) {
      turned.fill(0);
      for (let k = 0; k < d; k++) for (let j = 0; j < d; j++) turned[j]! += q[k * d + j]! * w[k]!;
    } else turned.set(w);
    const at = i * (offset + radii);
    for (let c = 0; c < offset; c++) out[at + c] = row[c]!;
    let signal = 0;
    let rest = 0;
    for (let j = 0; j < law.signal; j++) signal += turned[j]! * turned[j]!;
    for (let j = law.signal; j < d; j++) rest += turned[j]! * turned[j]!;
    out[at + offset] = Math.sqrt(signal);
    if (radii === 2) out[at + offset + 1] = Math.sqrt(rest);
  }
  return out;
}

/**
 * The independent laws of the reduced coordinates at the start.
 *
 * @param law          anisotropic Gaussians (dimension, signal)
 * @param start        `gaussian` or `radii`; a defaults to 1, b to 0
 * @param coordinates  the coordinates wanted, in order
 * @throws {SpecError} when r2 is missing
 */
export function startLaws(law: RadialLaw, start: DrawnStart, coordinates: readonly RadialCoordinate[]): AxisLaw[] {
  return coordinates.map((name) => {
    if (name === "a" || name === "b") return spreadLaw(start[name] ?? (name === "a" ? 1 : 0));
    if (start.kind === "radii") {
      const radius = start[name];
      if (radius === null) throw new SpecError("start.r2", radius, "a radius or a law of radii, as s0 < d");
      return radiusLaw(radius);
    }
    if (law.dimension === "infinite") {
      return { kind: "point", value: start.radius * Math.sqrt(name === "r1" ? law.signal : 1 - law.signal) };
    }
    const freedom = name === "r1" ? law.signal : law.dimension - law.signal;
    return chiLaw(freedom, start.radius / Math.sqrt(law.dimension));
  });
}

/**
 * The law of scale · χ with `freedom` degrees of freedom.
 *
 * @param freedom  number of squared normals, ≥ 1
 * @param scale    standard deviation of each
 */
export function chiLaw(freedom: number, scale: number): AxisLaw {
  if (scale === 0) return { kind: "point", value: 0 };
  const half = freedom / 2;
  return {
    kind: "density",
    from: 0,
    to: Infinity,
    mode: scale * Math.sqrt(freedom - 1),
    scale: freedom > 1 ? scale * Math.SQRT1_2 : scale,
    logDensity: (x) => {
      const r = x / scale;
      return (freedom > 1 ? (freedom - 1) * log(r) : 0) - 0.5 * r * r;
    },
    mass: (low, high) => {
      const l = low / scale;
      const u = high / scale;
      const [pl, ql] = incompleteGamma(half, 0.5 * l * l);
      const [pu, qu] = incompleteGamma(half, 0.5 * u * u);
      return pl > 0.5 ? ql - qu : pu - pl;
    },
  };
}

function spreadLaw(spread: Spread): AxisLaw {
  if (typeof spread === "number") return { kind: "point", value: spread };
  return normalLaw(spread.mean, spread.deviation, -Infinity);
}

function radiusLaw(radius: RadiusLaw): AxisLaw {
  if (typeof radius === "number") return { kind: "point", value: radius };
  if ("mean" in radius) return normalLaw(radius.mean, radius.deviation, 0);
  const { from, to } = radius;
  if (from === to) return { kind: "point", value: from };
  return {
    kind: "density",
    from,
    to,
    mode: 0.5 * (from + to),
    scale: Infinity,
    logDensity: () => 0,
    mass: (low, high) => Math.max(0, Math.min(high, to) - Math.max(low, from)) / (to - from),
  };
}

/** The normal law cut to [from, ∞). */
function normalLaw(mean: number, deviation: number, from: number): AxisLaw {
  if (deviation === 0) return { kind: "point", value: mean };
  const kept = normalCdf((mean - from) / deviation);
  return {
    kind: "density",
    from,
    to: Infinity,
    mode: Math.max(mean, from),
    scale: deviation,
    logDensity: (x) => (-0.5 * (x - mean) * (x - mean)) / (deviation * deviation),
    mass: (low, high) => {
      const l = (Math.max(low, from) - mean) / deviation;
      const u = (high - mean) / deviation;
      if (u <= l) return 0;
      return (l > 0 ? normalCdf(-l) - normalCdf(-u) : normalCdf(u) - normalCdf(l)) / kept;
    },
  };
}

// Rules are cut at e^{−32} of the hump: the rest carries about 1e-15.
const CUT = 32;

/**
 * The interval on which a density exceeds e^{−drop} of its maximum.
 *
 * @param law   the density
 * @param drop  drop in log density, 32 where nothing may be lost
 */
export function support(law: AxisDensity, drop = CUT): [number, number] {
  const top = law.logDensity(law.mode);
  const end = (bound: number, direction: number): number => {
    let step = 1e-3 * Math.max(Math.abs(law.mode), 1e-3);
    let inside = law.mode;
    let outside = law.mode;
    for (;;) {
      outside = law.mode + direction * step;
      if (direction * (outside - bound) >= 0) {
        if (Number.isFinite(bound) && (law.logDensity(bound) > top - drop || bound === law.mode)) return bound;
        outside = bound;
        break;
      }
      if (law.logDensity(outside) < top - drop) break;
      inside = outside;
      step *= 2;
    }
    for (let i = 0; i < 60; i++) {
      const middle = 0.5 * (inside + outside);
      if (law.logDensity(middle) > top - drop) inside = middle;
      else outside = middle;
    }
    return inside;
  };
  return [end(law.from, -1), end(law.to, 1)];
}

/**
 * Midpoint rule for a density, with weights that sum to 1. With few nodes (below 100) they are equidistant, cut where both
 * errors balance; with many, equidistant in u of x = mode + 1.5 scale · log(u/(1 − u)), thrice as dense at the mode.
 * Either way the integrand is flat at both ends, so a smooth hump is integrated to more than any power of n, and the
 * running sum of weights (minus half the node's own) is the distribution function to second order.
 *
 * @param law  the law; a point gives one node
 * @param n    number of nodes
 */
export function lawNodes(law: AxisLaw, n: number): { nodes: Float64Array; weights: Float64Array } {
  if (law.kind === "point") return { nodes: Float64Array.of(law.value), weights: Float64Array.of(1) };
  const [from, to] = support(law, Math.min(CUT, 0.5 * Math.PI * n));
  const stretched = n >= 100 && law.scale < Infinity;
  const stretch = 1.5 * law.scale;
  const low = stretched ? logistic((from - law.mode) / stretch) : from;
  const high = stretched ? logistic((to - law.mode) / stretch) : to;
  const top = law.logDensity(law.mode);
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const u = low + ((i + 0.5) * (high - low)) / n;
    nodes[i] = stretched ? law.mode + stretch * log(u / (1 - u)) : u;
    weights[i] = exp(law.logDensity(nodes[i]!) - top) / (stretched ? u * (1 - u) : 1);
    sum += weights[i]!;
  }
  for (let i = 0; i < n; i++) weights[i]! /= sum;
  return { nodes, weights };
}

/**
 * Product rule for independent laws, with about `count` points; corners lighter than the rule's own cut are left out.
 *
 * @param laws   one a coordinate
 * @param count  number of points aimed at
 * @returns points, n × coordinates row-major, and weights that sum to 1
 */
export function startQuadrature(
  laws: readonly AxisLaw[],
  count: number,
): { points: Float64Array; weights: Float64Array } {
  const spread = laws.filter((law) => law.kind === "density").length;
  // Share of a cube that its ball fills, in the number of dimensions that are spread.
  const ball = [1, 1, Math.PI / 4, Math.PI / 6, (Math.PI * Math.PI) / 32][spread]!;
  let perAxis = 1;
  const cube = (side: number) => laws.reduce((size, law) => (law.kind === "density" ? size * side : size), 1);
  while (spread > 0 && ball * cube(perAxis + 1) <= count * (1 + 1e-12)) perAxis++;
  const axes = laws.map((law) => lawNodes(law, Math.max(perAxis, 2)));
  const floors = axes.map(({ weights }) => Math.max(...weights));
  const cut = exp(-Math.min(CUT, 0.5 * Math.PI * perAxis));
  const points: number[] = [];
  const weights: number[] = [];
  const index = laws.map(() => 0);
  for (;;) {
    let weight = 1;
    let relative = 1;
    for (let axis = 0; axis < laws.length; axis++) {
      const w = axes[axis]!.weights[index[axis]!]!;
      weight *= w;
      relative *= w / floors[axis]!;
    }
    if (relative >= cut || spread === 1) {
      for (let axis = 0; axis < laws.length; axis++) points.push(axes[axis]!.nodes[index[axis]!]!);
      weights.push(weight);
    }
    let axis = laws.length - 1;
    while (axis >= 0 && ++index[axis]! === axes[axis]!.nodes.length) index[axis--] = 0;
    if (axis < 0) break;
  }
  const sum = weights.reduce((total, w) => total + w, 0);
  return { points: Float64Array.from(points), weights: Float64Array.from(weights, (w) => w / sum) };
}

/**
 * The regularised incomplete gamma functions [P(a, x), Q(a, x)], P + Q = 1, each with its own relative accuracy.
 *
 * @param a  shape, > 0
 * @param x  ≥ 0
 * @see NIST Digital Library of Mathematical Functions, 8.11.4 (series) and 8.9.2 (continued fraction)
 */
export function incompleteGamma(a: number, x: number): [number, number] {
  if (x <= 0) return [0, 1];
  if (x === Infinity) return [1, 0];
  const front = exp(a * log(x) - x - lgamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= x / (a + n);
      sum += term;
    }
    const p = front * sum;
    return [p, 1 - p];
  }
  // Modified Lentz for 1/(x+1−a− 1(1−a)/(x+3−a− …)).
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < 100_000; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = numerator * d + b;
    if (Math.abs(d) < 1e-300) d = 1e-300;
    c = b + numerator / c;
    if (Math.abs(c) < 1e-300) c = 1e-300;
    d = 1 / d;
    const factor = d * c;
    h *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  const q = front * h;
  return [1 - q, q];
}
