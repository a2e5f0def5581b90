// The probability of a quadrant, P(G > z, H > w) for standard normals of correlation ρ, up to |ρ| = 1.
//
// With Owen's T(h, a) = (1/2π) ∫_0^a e^{−h²(1+x²)/2}/(1+x²) dx, h = −z, k = −w:
//   P = ½Φ(h) + ½Φ(k) − T(h, (k − ρh)/(h r)) − T(k, (h − ρk)/(k r)) − [½ where h and k have opposite signs],  r = √(1 − ρ²).
// |a| > 1 goes to T(ah, 1/a), so what is integrated is smooth, however thin the layer |z − w| ~ r is.

import { atan, exp, normalCdf } from "../engine/math";
import { gaussLegendre } from "./gauss";

/**
 * P(G > z, H > w) for jointly normal G, H of mean 0, variance 1 and correlation ρ = sign (1 − gap), within about 3e-16.
 *
 * @param z     threshold of G
 * @param w     threshold of H
 * @param sign  1 or −1, the sign of ρ
 * @param gap   1 − |ρ|, in [0, 1]: near 0 it says more than ρ
 * @see D. B. Owen, Ann. Math. Statist. 27 (1956) 1075
 */
export function quadrantProbability(z: number, w: number, sign: number, gap: number): number {
  if (sign < 0) return Math.max(0, normalCdf(-z) - positiveQuadrant(-z, w, gap));
  return positiveQuadrant(-z, -w, gap);
}

/** P(G < h, H < k) for ρ = 1 − gap ≥ 0. */
function positiveQuadrant(h: number, k: number, gap: number): number {
  const below = normalCdf(h);
  const left = normalCdf(k);
  if (gap === 0) return Math.min(below, left);
  if (h === 0 && k === 0) return 0.5 - atan(Math.sqrt(gap / (2 - gap))) / Math.PI;
  const r = Math.sqrt(gap * (2 - gap));
  // k − ρh and h − ρk without the cancellation of a ρ near 1
  const across = (k - h + gap * h) / r;
  const along = (h - k + gap * k) / r;
  const opposite = h * k < 0 || (h * k === 0 && h + k < 0) ? 0.5 : 0;
  return Math.max(0, 0.5 * (below + left) - owen(h, across, below) - owen(k, along, left) - opposite);
}

/** T(h, g/h), with Φ(h); 0 counts as +0. */
function owen(h: number, g: number, below: number): number {
  const x = Math.abs(h);
  const y = Math.abs(g);
  let t: number;
  if (y <= x) t = x === 0 ? 0 : owenIntegral(x, y / x);
  else {
    const [p, q] = h < 0 ? [1 - below, below] : [below, 1 - below];
    const under = normalCdf(-y);
    t = 0.5 * (p * under + q * (1 - under)) - owenIntegral(y, x / y);
  }
  return g < 0 !== h < 0 ? -t : t;
}

/** T(h, a) for h ≥ 0 and 0 ≤ a ≤ 1: the poles ±i of the integrand are at least a unit away, and the bell is flatter yet. */
function owenIntegral(h: number, a: number): number {
  const half = 0.5 * h * h;
  if (half > 38 || a === 0) return 0;
  const { nodes, weights } = a <= 0.2 ? SHORT : a <= 0.5 ? MIDDLE : LONG;
  let sum = 0;
  for (let i = 0; i < nodes.length; i++) {
    const x = a * nodes[i]!;
    const u = 1 + x * x;
    sum += (weights[i]! * exp(-half * u)) / u;
  }
  return (sum * a) / (2 * Math.PI);
}

const SHORT = gaussLegendre(7);
const MIDDLE = gaussLegendre(10);
const LONG = gaussLegendre(15);
