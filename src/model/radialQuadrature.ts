// The radial kernel K(r; s) = E σ(r1 s1 u1 + r2 s2 u2 + b) by direct quadrature: predictions, and the check of the series.
//                                                                                              theory §5
// u1, u2 are one coordinate each of uniform points on S^{s0−1} and S^{d−s0−1}, integrated by the midpoint rule in the polar
// angle, kinks of σ exactly; at d = ∞ they are independent normals and K = E σ(sG + b).

import { cos, exp, log, sin } from "../engine/math";
import { type Activation, activationFunctions, piecewiseLinearForm } from "./activation";
import { hermiteExpansion, type Rule } from "./hermite";
import type { RadialLaw, RadialUnit } from "./radial";
import { chiLaw, lawNodes } from "./radialStart";

/** Points of a law of neurons in reduced coordinates: (r1[, r2]) or (a, b, r1[, r2]), row-major, with weights. */
export type RadialPoints = { readonly values: Float64Array; readonly weights: Float64Array };

/**
 * f(x) = ∫ a K(r; |x1|, |x2|) ρ̄(dr), the prediction of a rotation-invariant law of neurons, at inputs given by their norms.
 *
 * @param law     anisotropic Gaussians (dimension, signal)
 * @param unit    the unit
 * @param points  the law of neurons
 * @param norms   |x1| = |P_V x| and |x2| = |x − P_V x| of each input, in pairs (|x| alone when s0 = d). At d = ∞ they are
 *                |x1|/√s0 and |x2|/√(d − s0)
 * @param nodes   quadrature nodes on each sphere
 * @returns f, one number an input
 */
export function radialPrediction(
  law: RadialLaw,
  unit: RadialUnit,
  points: RadialPoints,
  norms: Float64Array,
  nodes?: number,
): Float64Array {
  const kernel = radialKernel(law, unit, nodes);
  const inputs = kernel.radii === 2 ? norms.length / 2 : norms.length;
  const f = new Float64Array(inputs);
  for (let i = 0; i < inputs; i++) {
    const x1 = norms[i * kernel.radii]!;
    const x2 = kernel.radii === 2 ? norms[2 * i + 1]! : 0;
    for (let p = 0; p < points.weights.length; p++) f[i]! += points.weights[p]! * kernel.at(points.values, p, x1, x2);
  }
  return f;
}

/**
 * Ψ̄(r) = E_{(y,s)} [(f(s) − y) K(r; s)] by product quadrature over s1, s2, u1, u2: independent of the Hermite series, slow,
 * and meant as its check.
 *
 * @param law     anisotropic Gaussians
 * @param unit    the unit
 * @param points  the law of neurons
 * @param at      reduced coordinates of the points where Ψ is wanted, row-major
 * @param nodes   nodes for each of s1, s2, u1, u2
 * @returns Ψ at each point, and the risk R
 */
export function radialPotentialByQuadrature(
  law: RadialLaw,
  unit: RadialUnit,
  points: RadialPoints,
  at: Float64Array,
  nodes = 48,
): { potential: Float64Array; risk: number } {
  const kernel = radialKernel(law, unit, nodes);
  const dims = kernel.radii + (unit.kind === "affine" ? 2 : 0);
  const potential = new Float64Array(at.length / dims);
  const infinite = law.dimension === "infinite";
  const unitRule = { nodes: Float64Array.of(1), weights: Float64Array.of(1) };
  const first = infinite ? unitRule : lawNodes(chiLaw(law.signal, 1), nodes);
  const second =
    infinite || kernel.radii === 1 ? unitRule : lawNodes(chiLaw((law.dimension as number) - law.signal, 1), nodes);
  let risk = 0;
  for (const y of [1, -1]) {
    const tau = 1 + y * law.delta;
    for (let i = 0; i < first.nodes.length; i++) {
      for (let j = 0; j < second.nodes.length; j++) {
        const s1 = tau * first.nodes[i]!;
        const s2 = second.nodes[j]!;
        const mass = 0.5 * first.weights[i]! * second.weights[j]!;
        let f = 0;
        for (let p = 0; p < points.weights.length; p++) f += points.weights[p]! * kernel.at(points.values, p, s1, s2);
        risk += mass * (y - f) * (y - f);
        for (let p = 0; p < potential.length; p++) potential[p]! += mass * (f - y) * kernel.at(at, p, s1, s2);
      }
    }
  }
  return { potential, risk };
}

type Kernel = {
  readonly radii: 1 | 2;
  /** a K(r; s1, s2) of the p-th point of a list. */
  at(values: Float64Array, p: number, s1: number, s2: number): number;
};

function radialKernel(law: RadialLaw, unit: RadialUnit, count = 48): Kernel {
  const infinite = law.dimension === "infinite";
  const radii = law.signal === (infinite ? 1 : law.dimension) ? 1 : 2;
  const offset = unit.kind === "affine" ? 2 : 0;
  const dims = offset + radii;
  const mean = infinite ? gaussianMean(unit.activation) : sphereMean(law, unit.activation, count);
  return {
    radii,
    at(values, p, s1, s2) {
      const row = p * dims;
      const a = offset ? values[row]! : 1;
      const b = offset ? values[row + 1]! : 0;
      return a * mean(values[row + offset]! * s1, radii === 2 ? values[row + offset + 1]! * s2 : 0, b);
    },
  };
}

/** E σ(p1 u1 + p2 u2 + b). */
type Mean = (p1: number, p2: number, b: number) => number;

function gaussianMean(activation: Activation): Mean {
  const expansion = hermiteExpansion(activation, 0, "even");
  const out = new Float64Array(expansion.size);
  return (p1, p2, b) => {
    expansion.evaluate(Math.sqrt(p1 * p1 + p2 * p2), b, out, 0);
    return out[0]!;
  };
}

/** The average over the sphere of larger radius goes inside: there kinks are integrated exactly, or smoothed. */
function sphereMean(law: RadialLaw, activation: Activation, count: number): Mean {
  const rest = (law.dimension as number) - law.signal;
  const first = { rule: sphereRule(law.signal, count), mean: oneSphereMean(law.signal, activation, count) };
  if (rest === 0) return (p1, _, b) => first.mean(p1, b);
  const second = { rule: sphereRule(rest, count), mean: oneSphereMean(rest, activation, count) };
  return (p1, p2, b) => {
    const [outer, p, inner, q] = p1 < p2 ? [first, p1, second, p2] : [second, p2, first, p1];
    const { nodes, weights } = outer.rule;
    let sum = 0;
    for (let i = 0; i < nodes.length; i++) sum += weights[i]! * inner.mean(q, p * nodes[i]! + b);
    return sum;
  };
}

/** E σ(p u + b), u one coordinate of a uniform point on S^{n−1}: by hinges for piecewise linear σ, else by the rule. */
function oneSphereMean(n: number, activation: Activation, count: number): (p: number, b: number) => number {
  const { value } = activationFunctions(activation);
  const form = piecewiseLinearForm(activation);
  if (form && n > 1) {
    const hinge = sphereHinge(n);
    return (p, b) => {
      if (p === 0) return value(b);
      let sum = form.constant + form.slope * b;
      for (let j = 0; j < form.knots.length; j++) sum += form.jumps[j]! * p * hinge((form.knots[j]! - b) / p);
      return sum;
    };
  }
  const { nodes, weights } = sphereRule(n, count);
  return (p, b) => {
    let sum = 0;
    for (let i = 0; i < nodes.length; i++) sum += weights[i]! * value(p * nodes[i]! + b);
    return sum;
  };
}

// sin^{n−2} θ falls below e^{−32} outside this half-width around π/2.
function polarReach(n: number): number {
  return n <= 2 ? Math.PI / 2 : Math.min(Math.PI / 2, 8 / Math.sqrt(n - 2));
}

/** Midpoint rule in the polar angle for one coordinate u = cos θ of a uniform point on S^{n−1}, density ∝ sin^{n−2} θ. */
function sphereRule(n: number, count: number): Rule {
  if (n === 1) return { nodes: Float64Array.of(-1, 1), weights: Float64Array.of(0.5, 0.5) };
  const reach = polarReach(n);
  const nodes = new Float64Array(count);
  const weights = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const angle = reach * ((2 * i + 1) / count - 1);
    nodes[i] = sin(angle);
    weights[i] = n === 2 ? 1 : exp((n - 2) * log(cos(angle)));
    sum += weights[i]!;
  }
  for (let i = 0; i < count; i++) weights[i]! /= sum;
  return { nodes, weights };
}

const HINGE_NODES = 2048;

/**
 * The hinge H(t) = E (u − t)_+ of one coordinate of a uniform point on S^{n−1}, n ≥ 2: H and H' = −P(u > t) at nodes
 * equidistant in the angle, by Simpson's rule, and cubic Hermite between them; within 1e-10 of the coordinate's deviation.
 */
function sphereHinge(n: number): (t: number) => number {
  const reach = polarReach(n);
  const h = (2 * reach) / HINGE_NODES;
  const nodes = new Float64Array(HINGE_NODES + 1);
  const above = new Float64Array(HINGE_NODES + 1);
  const values = new Float64Array(HINGE_NODES + 1);
  const density = (angle: number) => (n === 2 ? 1 : exp((n - 2) * log(Math.max(cos(angle), 1e-300))));
  const at = (i: number) => -reach + i * h;
  for (let i = 0; i <= HINGE_NODES; i++) nodes[i] = sin(at(i));
  for (let i = HINGE_NODES - 1; i >= 0; i--) {
    const [p0, p1, p2] = [density(at(i)), density(at(i + 0.5)), density(at(i + 1))];
    const mass = (h / 6) * (p0 + 4 * p1 + p2);
    const moment = (h / 6) * (p0 * nodes[i]! + 4 * p1 * sin(at(i + 0.5)) + p2 * nodes[i + 1]!);
    above[i] = above[i + 1]! + mass;
    values[i] = values[i + 1]! + moment;
  }
  const total = above[0]!;
  for (let i = 0; i <= HINGE_NODES; i++) {
    above[i]! /= total;
    values[i] = values[i]! / total - nodes[i]! * above[i]!;
  }
  return (t) => {
    if (t >= nodes[HINGE_NODES]!) return 0;
    if (t <= nodes[0]!) return -t;
    let low = 0;
    let high = HINGE_NODES;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (nodes[middle]! <= t) low = middle;
      else high = middle;
    }
    const width = nodes[high]! - nodes[low]!;
    const s = (t - nodes[low]!) / width;
    const rise = values[high]! - values[low]!;
    const left = -width * above[low]! - rise;
    const right = rise + width * above[high]!;
    return values[low]! + s * (rise + (1 - s) * (left * (1 - s) + right * s));
  };
}
