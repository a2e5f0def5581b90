// Two neurons on a Gaussian input: E σ1(X) σ2(Y) and its derivatives, in closed form where there is one, else by quadrature.
//
// X = s1 G + b1, Y = s2 H + b2, E GH = ρ. By Price's theorem all derivatives of U = E σ1σ2 are such expectations again:
//   ∂U/∂κ = E σ1'σ2' (κ = s1 s2 ρ),  ∂U/∂b1 = E σ1'σ2,  ∂U/∂(s1²) = ½ E σ1''σ2.   Derivations: docs/population.md.

import { atan, cos, erf, exp, log, logistic, normalCdf, normalPdf, sin, tanh } from "../engine/math";
import {
  type Activation,
  activationFunctions,
  type PiecewiseLinearForm,
  type PlainActivation,
  piecewiseLinearForm,
  unscaled,
} from "./activation";
import { gaussHermite } from "./gauss";
import { gaussianRule, quadratureBandwidth, type Rule } from "./hermite";
import { quadrantProbability } from "./quadrant";

/**
 * Writes the six expectations of a pair at the places below. ρ = sign (1 − gap) with gap in [0, 1], which holds what ρ
 * itself loses near ±1.
 */
export type PairRule = (
  s1: number,
  b1: number,
  s2: number,
  b2: number,
  sign: number,
  gap: number,
  out: Float64Array,
) => void;

/** Where a pair rule writes E σ1σ2. */
export const VALUE = 0;
/** E σ1'σ2' */
export const SLOPES = 1;
/** E σ1'σ2 */
export const FIRST_SLOPE = 2;
/** E σ1σ2' */
export const SECOND_SLOPE = 3;
/** s1 E σ1''σ2, finite at s1 = 0 */
export const FIRST_BEND = 4;
/** s2 E σ1σ2'' */
export const SECOND_BEND = 5;

/** How a pair is evaluated: whether that is a closed form, and whether it is cheap enough for every pair. */
export type PairMethod = { readonly rule: PairRule; readonly closed: boolean; readonly quick: boolean };

/**
 * The rule of two activations: closed forms for two piecewise linear ones (quadrant probabilities), two erf, two cosines;
 * the trapezoidal rule in both variables for any other two.
 *
 * @param first    σ1
 * @param second   σ2
 * @param centred  whether b1 = b2 = 0 for every pair
 */
export function pairMethod(first: Activation, second: Activation, centred = false): PairMethod {
  const u = unscaled(first);
  const v = unscaled(second);
  const plain = plainPair(u.activation, v.activation, centred);
  const factor = u.factor * v.factor;
  if (factor === 1) return plain;
  const rule: PairRule = (s1, b1, s2, b2, sign, gap, out) => {
    plain.rule(s1, b1, s2, b2, sign, gap, out);
    for (let i = VALUE; i <= SECOND_BEND; i++) out[i]! *= factor;
  };
  return { ...plain, rule };
}

function plainPair(first: PlainActivation, second: PlainActivation, centred: boolean): PairMethod {
  const one = piecewiseLinearForm(first);
  const two = piecewiseLinearForm(second);
  if (one && two) {
    if (centred && isCone(one) && isCone(two)) return { rule: conePair(one, two), closed: true, quick: true };
    return { rule: piecewiseLinearPair(one, two), closed: true, quick: false };
  }
  if (first.kind === "erf" && second.kind === "erf") return { rule: erfPair, closed: true, quick: centred };
  if (first.kind === "cosine" && second.kind === "cosine") return { rule: cosinePair, closed: true, quick: true };
  return { rule: quadraturePair(first, second), closed: false, quick: false };
}

/** Whether σ(t) = m t + δ t_+. */
function isCone({ constant, knots }: PiecewiseLinearForm): boolean {
  return constant === 0 && knots.length === 1 && knots[0] === 0;
}

/** The arc-cosine kernel and its derivatives: P(G > 0, H > 0) = ½ − θ/2π with cos θ = ρ. */
function conePair(one: PiecewiseLinearForm, two: PiecewiseLinearForm): PairRule {
  const m1 = one.slope;
  const m2 = two.slope;
  const j1 = one.jumps[0]!;
  const j2 = two.jumps[0]!;
  const cross = m1 * m2 + 0.5 * (m1 * j2 + j1 * m2);
  return (s1, _b1, s2, _b2, sign, gap, out) => {
    const rho = sign * (1 - gap);
    const r = Math.sqrt(gap * (2 - gap));
    const half = atan(Math.sqrt(gap / (2 - gap)));
    const both = sign > 0 ? 0.5 - half / Math.PI : half / Math.PI;
    const size = s1 * s2;
    const around = (j1 * j2 * r) / (2 * Math.PI);
    out[VALUE] = size * (rho * (cross + j1 * j2 * both) + around);
    out[SLOPES] = cross + j1 * j2 * both;
    out[FIRST_SLOPE] = s2 * PHI_0 * (m1 * j2 + j1 * (m2 * rho + 0.5 * j2 * (1 + rho)));
    out[SECOND_SLOPE] = s1 * PHI_0 * (m2 * j1 + j2 * (m1 * rho + 0.5 * j1 * (1 + rho)));
    out[FIRST_BEND] = s2 * around;
    out[SECOND_BEND] = s1 * around;
  };
}

const PHI_0 = 0.3989422804014327;

// |z| beyond which φ(z) underflows
const FAR = 40;

/** E H, E H', E H'G of H = Σ_j δ_j (sG + b − κ_j)_+, with z_j, φ(z_j) and κ_j − b of each hinge. */
type Hinges = {
  readonly z: Float64Array;
  readonly phi: Float64Array;
  readonly gap: Float64Array;
  mean: number;
  slope: number;
  bend: number;
};

function hinges({ knots }: PiecewiseLinearForm): Hinges {
  const room = () => new Float64Array(knots.length);
  return { z: room(), phi: room(), gap: room(), mean: 0, slope: 0, bend: 0 };
}

function fillHinges(hinge: Hinges, { knots, jumps }: PiecewiseLinearForm, s: number, b: number): void {
  hinge.mean = hinge.slope = hinge.bend = 0;
  for (let j = 0; j < knots.length; j++) {
    const gap = knots[j]! - b;
    const z = gap === 0 ? 0 : Math.max(-FAR, Math.min(FAR, gap / s));
    const phi = normalPdf(z);
    const above = normalCdf(-z);
    const delta = jumps[j]!;
    hinge.z[j] = z;
    hinge.phi[j] = phi;
    hinge.gap[j] = gap;
    hinge.mean += delta * (s * phi - gap * above);
    hinge.slope += delta * above;
    hinge.bend += delta * phi;
  }
}

/**
 * Sums over pairs of hinges: with P = P(G > z, H > w), A = (z − ρw)/r, B = (w − ρz)/r, r = √(1 − ρ²),
 * E 1 1 = P,  E 1 (Y − κ')_+ = s2 [φ(w) Φ(−A) + ρ φ(z) Φ(−B)] − (κ' − b2) P,  s1 E δ (Y − κ')_+ = φ(z) [s2 r φ(B) − (κ' − b2 − ρ s2 z) Φ(−B)],
 * E (X − κ)_+ (Y − κ')_+ = (s1 s2 ρ + (κ − b1)(κ' − b2)) P − (κ' − b2) s1 φ(z) Φ(−B) − (κ − b1) s2 φ(w) Φ(−A) + s1 s2 r φ(z) φ(B).
 */
function piecewiseLinearPair(one: PiecewiseLinearForm, two: PiecewiseLinearForm): PairRule {
  const first = hinges(one);
  const second = hinges(two);
  return (s1, b1, s2, b2, sign, gap, out) => {
    fillHinges(first, one, s1, b1);
    fillHinges(second, two, s2, b2);
    const rho = sign * (1 - gap);
    const r = Math.sqrt(gap * (2 - gap));
    // the linear parts, whose expectations are c + mb and m
    const m1 = one.slope;
    const m2 = two.slope;
    const line1 = one.constant + m1 * b1;
    const line2 = two.constant + m2 * b2;
    const mean2 = line2 + second.mean;
    const mean1 = line1 + first.mean;
    const size = s1 * s2;
    let value = line1 * mean2 + first.mean * line2 + size * rho * (m1 * (m2 + second.slope) + first.slope * m2);
    let slopes = m1 * (m2 + second.slope) + first.slope * m2;
    let firstSlope = m1 * mean2 + first.slope * line2 + rho * s2 * m2 * first.bend;
    let secondSlope = m2 * mean1 + second.slope * line1 + rho * s1 * m1 * second.bend;
    let firstBend = 0;
    let secondBend = 0;
    for (let j = 0; j < one.knots.length; j++) {
      firstBend += one.jumps[j]! * first.phi[j]! * (line2 + m2 * s2 * rho * first.z[j]!);
    }
    for (let k = 0; k < two.knots.length; k++) {
      secondBend += two.jumps[k]! * second.phi[k]! * (line1 + m1 * s1 * rho * second.z[k]!);
    }
    for (let j = 0; j < one.knots.length; j++) {
      const z = first.z[j]!;
      const phiZ = first.phi[j]!;
      const gapX = first.gap[j]!;
      for (let k = 0; k < two.knots.length; k++) {
        const w = second.z[k]!;
        const phiW = second.phi[k]!;
        const gapY = second.gap[k]!;
        const weight = one.jumps[j]! * two.jumps[k]!;
        const a = quotient(z - sign * w + sign * gap * w, r);
        const b = quotient(w - sign * z + sign * gap * z, r);
        const aboveA = normalCdf(-a);
        const aboveB = normalCdf(-b);
        const both = quadrantProbability(z, w, sign, gap);
        const density = r * normalPdf(b);
        slopes += weight * both;
        firstSlope += weight * (s2 * (phiW * aboveA + rho * phiZ * aboveB) - gapY * both);
        secondSlope += weight * (s1 * (phiZ * aboveB + rho * phiW * aboveA) - gapX * both);
        value +=
          weight *
          ((size * rho + gapX * gapY) * both -
            gapY * s1 * phiZ * aboveB -
            gapX * s2 * phiW * aboveA +
            size * phiZ * density);
        firstBend += weight * phiZ * (s2 * density - (gapY - rho * s2 * z) * aboveB);
        secondBend += weight * phiW * (s1 * r * normalPdf(a) - (gapX - rho * s1 * w) * aboveA);
      }
    }
    out[VALUE] = value;
    out[SLOPES] = slopes;
    out[FIRST_SLOPE] = firstSlope;
    out[SECOND_SLOPE] = secondSlope;
    out[FIRST_BEND] = firstBend;
    out[SECOND_BEND] = secondBend;
  };
}

function quotient(x: number, r: number): number {
  return r > 0 ? Math.max(-FAR, Math.min(FAR, x / r)) : x > 0 ? FAR : x < 0 ? -FAR : 0;
}

/**
 * erf: σ' = (2/√π) e^{−t²} tilts one Gaussian into another. q = 1 + 2s², Δ = q1 q2 − 4κ²:
 * E σ1'σ2' = (4/π) e^{−(q2 b1² − 4κ b1 b2 + q1 b2²)/Δ}/√Δ,  E σ1'σ2 = (2/√(π q1)) e^{−b1²/q1} erf((q1 b2 − 2κ b1)/√(q1 Δ)),
 * E σ1''σ2 = −(2 b1 E σ1'σ2 + 2κ E σ1'σ2')/q1, and E σ1σ2 = (2/π) arctan(2κ/√Δ) for b = 0, else by a quadrant probability.
 */
const erfPair: PairRule = (s1, b1, s2, b2, sign, gap, out) => {
  const kappa = s1 * s2 * sign * (1 - gap);
  const q1 = 1 + 2 * s1 * s1;
  const q2 = 1 + 2 * s2 * s2;
  const delta = 1 + 2 * (s1 * s1 + s2 * s2) + 4 * s1 * s1 * s2 * s2 * gap * (2 - gap);
  const root = Math.sqrt(delta);
  let slopes = 4 / (Math.PI * root);
  let firstSlope = 0;
  let secondSlope = 0;
  let value: number;
  if (b1 === 0 && b2 === 0) value = (2 / Math.PI) * atan((2 * kappa) / root);
  else {
    slopes *= exp(
      -(b1 * b1 + 2 * (s2 * b1) * (s2 * b1) + b2 * b2 + 2 * (s1 * b2) * (s1 * b2) - 4 * kappa * b1 * b2) / delta,
    );
    firstSlope = TWO_OVER_ROOT_PI * erfTilted(b1, q1, (q1 * b2 - 2 * kappa * b1) / root);
    secondSlope = TWO_OVER_ROOT_PI * erfTilted(b2, q2, (q2 * b1 - 2 * kappa * b2) / root);
    const h = (Math.SQRT2 * b1) / Math.sqrt(q1);
    const k = (Math.SQRT2 * b2) / Math.sqrt(q2);
    const correlation = (2 * Math.abs(kappa)) / Math.sqrt(q1 * q2);
    const rest = delta / (q1 * q2 * (1 + correlation));
    // erf = 2Φ(√2 ·) − 1, and E 2Φ(√2 X) − 1 = 2Φ(h) − 1
    value = 4 * quadrantProbability(-h, -k, sign, Math.min(1, rest)) - 2 * (normalCdf(h) + normalCdf(k)) + 1;
  }
  out[VALUE] = value;
  out[SLOPES] = slopes;
  out[FIRST_SLOPE] = firstSlope;
  out[SECOND_SLOPE] = secondSlope;
  out[FIRST_BEND] = (-2 * s1 * (b1 * firstSlope + kappa * slopes)) / q1;
  out[SECOND_BEND] = (-2 * s2 * (b2 * secondSlope + kappa * slopes)) / q2;
};

const TWO_OVER_ROOT_PI = 1.1283791670955126;

function erfTilted(b: number, q: number, along: number): number {
  const root = Math.sqrt(q);
  return (exp((-b * b) / q) * erf(along / root)) / root;
}

/** cos X cos Y = ½ cos(X + Y) + ½ cos(X − Y), and E cos Z = e^{−var Z/2} cos E Z. */
const cosinePair: PairRule = (s1, b1, s2, b2, sign, gap, out) => {
  const apart = s1 - s2;
  // var(X ± Y) = (s1 − s2)² + 2 s1 s2 (1 ± ρ)
  const near = exp(-0.5 * apart * apart - s1 * s2 * gap);
  const far = exp(-0.5 * apart * apart - s1 * s2 * (2 - gap));
  const plus = sign > 0 ? far : near;
  const minus = sign > 0 ? near : far;
  const sum = b1 + b2;
  const difference = b1 - b2;
  const cosSum = plus * cos(sum);
  const cosDifference = minus * cos(difference);
  const sinSum = plus * sin(sum);
  const sinDifference = minus * sin(difference);
  const value = 0.5 * (cosSum + cosDifference);
  out[VALUE] = value;
  out[SLOPES] = 0.5 * (cosDifference - cosSum);
  out[FIRST_SLOPE] = -0.5 * (sinSum + sinDifference);
  out[SECOND_SLOPE] = -0.5 * (sinSum - sinDifference);
  out[FIRST_BEND] = -s1 * value;
  out[SECOND_BEND] = -s2 * value;
};

/**
 * X = s1 g + b1, Y = s2 (ρ g + r h) + b2: the trapezoidal rule in g, and in h that or Gauss's, whichever is shorter. The bends
 * by Stein's identity, s1 E σ1''σ2 = E Gσ1'σ2 − ρ s2 E σ1'σ2', so that σ'' is not needed.
 */
function quadraturePair(first: PlainActivation, second: PlainActivation): PairRule {
  const one = valueAndSlope(first);
  const two = valueAndSlope(second);
  const [bandOne, bandTwo] = [quadratureBandwidth(first), quadratureBandwidth(second)];
  const hasPole = ["tanh", "logistic", "softplus", "silu"].includes(second.kind);
  const here = new Float64Array(2);
  return (s1, b1, s2, b2, sign, gap, out) => {
    const rho = sign * (1 - gap);
    const r = Math.sqrt(gap * (2 - gap));
    const across = s2 * r;
    const outer = gaussianRule(s1 * bandOne + Math.abs(rho) * s2 * bandTwo);
    const inner = hasPole ? innerRule(across * bandTwo) : gaussianRule(across * bandTwo);
    let value = 0;
    let slopes = 0;
    let firstSlope = 0;
    let secondSlope = 0;
    let firstMoment = 0;
    let secondMoment = 0;
    for (let i = 0; i < outer.nodes.length; i++) {
      const g = outer.nodes[i]!;
      const centre = s2 * rho * g + b2;
      let mean = 0;
      let slope = 0;
      let moment = 0;
      for (let j = 0; j < inner.nodes.length; j++) {
        const h = inner.nodes[j]!;
        const weight = inner.weights[j]!;
        two(centre + across * h, here);
        mean += weight * here[0]!;
        slope += weight * here[1]!;
        moment += weight * h * here[1]!;
      }
      one(s1 * g + b1, here);
      const f = outer.weights[i]! * here[0]!;
      const df = outer.weights[i]! * here[1]!;
      value += f * mean;
      slopes += df * slope;
      firstSlope += df * mean;
      secondSlope += f * slope;
      firstMoment += g * df * mean;
      secondMoment += f * (rho * g * slope + r * moment);
    }
    out[VALUE] = value;
    out[SLOPES] = slopes;
    out[FIRST_SLOPE] = firstSlope;
    out[SECOND_SLOPE] = secondSlope;
    out[FIRST_BEND] = firstMoment - rho * s2 * slopes;
    out[SECOND_BEND] = secondMoment - rho * s1 * slopes;
  };
}

/**
 * A rule for E F(h), F with its nearest pole at distance A = 33/bandwidth from the real axis. n points of Gauss's leave
 * e^{−x}, x = 2 ∫_0^A (√(n + t²/4) − t/2) dt (the quotient of the Hermite functions of both kinds at iA), times less than 500.
 */
function innerRule(bandwidth: number): Rule {
  const n = GAUSS_POINTS.find((_, k) => GAUSS_POLES[k]! * bandwidth <= 33);
  if (n === undefined) return gaussianRule(bandwidth);
  let rule = gaussRules.get(n);
  if (!rule) gaussRules.set(n, (rule = gaussHermite(n)));
  return rule;
}

/** Points of the Gauss–Hermite rules that are kept, made when first used. */
const GAUSS_POINTS = [6, 8, 12, 16, 24, 32, 48, 64];
const gaussRules = new Map<number, Rule>();

/** For each of them the A at which x is 39, by bisection. */
const GAUSS_POLES = GAUSS_POINTS.map((n) => {
  let low = 0;
  let high = 1e6;
  for (let step = 0; step < 60; step++) {
    const A = 0.5 * (low + high);
    const u = A / (2 * Math.sqrt(n));
    const v = Math.sqrt(1 + u * u);
    // A √(n + A²/4) − A²/2 without the cancellation
    const x = 2 * n * (u / (u + v) + log(u + v));
    if (x < 39) low = A;
    else high = A;
  }
  return high;
});

/** σ and σ' at t, written to out[0] and out[1]; one transcendental function for both where that is all it takes. */
function valueAndSlope(activation: PlainActivation): (t: number, out: Float64Array) => void {
  switch (activation.kind) {
    case "tanh":
      return (t, out) => {
        const s = tanh(t);
        out[0] = s;
        out[1] = (1 - s) * (1 + s);
      };
    case "logistic":
      return (t, out) => {
        const s = logistic(2 * t);
        out[0] = s;
        out[1] = 2 * s * (1 - s);
      };
    case "silu":
      return (t, out) => {
        const s = logistic(t);
        out[0] = t * s;
        out[1] = s * (1 + t * (1 - s));
      };
    default: {
      const { value, derivative } = activationFunctions(activation);
      return (t, out) => {
        out[0] = value(t);
        out[1] = derivative(t);
      };
    }
  }
}
