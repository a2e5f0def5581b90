// Gauss rules: Legendre on [0, 1] and Hermite for the standard normal law.

import { cos, exp } from "../engine/math";
import type { Rule } from "./hermite";

/**
 * Gauss–Legendre rule of n points on [0, 1], by Newton on the Legendre polynomial P_n: exact for polynomials of degree 2n − 1.
 *
 * @param n  points
 */
export function gaussLegendre(n: number): Rule {
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

/**
 * Gauss–Hermite rule of n points for E F(G), G standard normal: exact for polynomials of degree 2n − 1. Its nodes are the
 * roots of He_n, which lie between those of He_{n−1}: bisection there, then Newton; weights 1/Σ_{k<n} h_k².
 *
 * @param n  points, at most 256
 */
export function gaussHermite(n: number): Rule {
  let roots = new Float64Array(0);
  for (let k = 1; k <= n; k++) {
    // all roots of He_k are within 2√k
    const reach = 2 * Math.sqrt(k);
    const next = new Float64Array(k);
    for (let i = 0; 2 * i + 1 < k; i++) {
      const left = i === 0 ? -reach : roots[i - 1]!;
      next[i] = rootBetween(k, left, roots[i]!);
      next[k - 1 - i] = -next[i]!;
    }
    roots = next;
  }
  const weights = roots.map((x) => {
    const scaled = new Float64Array(n);
    hermiteFunctions(x, scaled);
    let sum = 0;
    for (const h of scaled) sum += h * h;
    return exp(-0.5 * x * x) / sum;
  });
  return { nodes: roots, weights };
}

/** e^{−x²/4} h_k(x), k = 0 … n − 1, with h_k = He_k/√k!: of the size of 1 where h_k alone overflows. */
function hermiteFunctions(x: number, out: Float64Array): void {
  let before = 0;
  let current = exp(-0.25 * x * x);
  for (let k = 0; k < out.length; k++) {
    out[k] = current;
    const next = (x * current - Math.sqrt(k) * before) / Math.sqrt(k + 1);
    before = current;
    current = next;
  }
}

function rootBetween(n: number, left: number, right: number): number {
  const h = new Float64Array(n + 1);
  const at = (x: number) => {
    hermiteFunctions(x, h);
    return h[n]!;
  };
  let [low, high] = [left, right];
  const rising = at(high) > 0;
  for (let step = 0; step < 30; step++) {
    const middle = 0.5 * (low + high);
    if (at(middle) > 0 === rising) high = middle;
    else low = middle;
  }
  let x = 0.5 * (low + high);
  // h_n' = √n h_{n−1}, up to the damping factor, which cancels at a root
  for (let step = 0; step < 3; step++) x -= at(x) / (Math.sqrt(n) * h[n - 1]!);
  return x;
}
