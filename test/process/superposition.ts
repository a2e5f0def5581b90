// The SMFE of one parameter by superposition, as plain as can be: the oracle of the grid's tests.
//
// A fine partition of the start is carried along by X = θ + Σ_q m_q s_q (r_q x_q σ'(x_q θ) − d_q λ θ): its edges are particles, and
// between two of them the mass stays what it was and lies evenly. Mathematics of the platform, no table, no kernel.

import { stream } from "../../src/random/stream";

/** A problem of one parameter with σ = tanh and the confinement λθ²/2. */
export interface Line {
  x: number[];
  y: number[];
  /** m_q, sum 1 */
  masses: number[];
  /** d_q, mean 1 */
  decays: number[];
  lambda: number;
  loss: "squared" | "logistic";
}

/** The data noise by its definition, ΔB_q/√m_q − Σ_p √m_p ΔB_p over step k: purpose 12 of docs/streams.md. */
export function noiseOf({ masses }: Line, dt: number, seed: number, replica = 0): (k: number) => Float64Array {
  const normals = stream(seed, { purpose: 12, replica });
  const roots = masses.map(Math.sqrt);
  return (k) => {
    const B = normals.normals(masses.length, { step: k }).map((g) => Math.sqrt(dt) * g);
    const mean = B.reduce((sum, b, q) => sum + roots[q]! * b, 0);
    return B.map((b, q) => b / roots[q]! - mean);
  };
}

/** r = −∂ℓ/∂f and −∂²ℓ/∂f². */
export function residual(loss: Line["loss"], f: number, y: number): [number, number] {
  if (loss === "squared") return [y - f, -1];
  const p = 1 / (1 + Math.exp(y * f));
  return [y * p, -p * (1 - p)];
}

/**
 * Carries a partition along.
 *
 * @param start    edges and masses of the start
 * @param options  dt, steps, and the factor √α of the noise
 */
export function superposition(
  line: Line,
  start: { edges: Float64Array; masses: Float64Array },
  options: { dt: number; steps: number; level: number; noise: (k: number) => Float64Array },
): { kind: "grid"; edges: Float64Array; masses: Float64Array } {
  const { x, y, masses: m, decays, lambda, loss } = line;
  const { dt, steps, level, noise } = options;
  const X = start.edges.slice();
  for (let k = 0; k < steps; k++) {
    const factors = noise(k);
    const s = m.map((mass, q) => mass * (dt + level * factors[q]!));
    const c = x.map((input, q) => {
      const f = start.masses.reduce((sum, w, i) => sum + w * Math.tanh((input * (X[i]! + X[i + 1]!)) / 2), 0);
      return s[q]! * residual(loss, f, y[q]!)[0];
    });
    const pull = s.reduce((sum, share, q) => sum + share * decays[q]!, 0);
    X.forEach((w, j) => {
      const moved = x.reduce((sum, input, q) => sum + c[q]! * input * (1 - Math.tanh(input * w) ** 2), w);
      X[j] = moved - pull * lambda * w;
    });
  }
  return { kind: "grid", edges: X, masses: start.masses };
}

/** ∫φ dη of tangent particles: weights ω, masses w, displacements b. */
export interface Tangent {
  theta: Float64Array;
  masses: Float64Array;
  weights: Float64Array;
  displacements: Float64Array;
}

/**
 * Carries tangent particles along: dη = −∂(v̄η + ⟨δv̄/δμ, η⟩μ⁰)dt − √(nα) ∂(∫Gμ⁰W) by weights that stay and displacements that grow.
 *
 * @param start    positions, masses and weights
 * @param options  as of `superposition`; level: √(nα)
 */
export function tangentParticles(
  line: Line,
  start: Pick<Tangent, "theta" | "masses" | "weights">,
  options: { dt: number; steps: number; level: number; noise: (k: number) => Float64Array },
): Tangent {
  const { x, y, masses: m, decays, lambda, loss } = line;
  const { dt, steps, level, noise } = options;
  const { masses, weights } = start;
  const theta = start.theta.slice();
  const b = new Float64Array(theta.length);
  for (let k = 0; k < steps; k++) {
    const kicks = noise(k).map((factor) => level * factor);
    const f = new Float64Array(x.length);
    const change = new Float64Array(x.length);
    theta.forEach((w, i) => {
      x.forEach((input, q) => {
        const t = Math.tanh(input * w);
        f[q]! += masses[i]! * t;
        change[q]! += weights[i]! * t + masses[i]! * b[i]! * input * (1 - t * t);
      });
    });
    const r = x.map((_, q) => residual(loss, f[q]!, y[q]!));
    const pull = kicks.reduce((sum, kick, q) => sum + m[q]! * kick * decays[q]!, 0);
    theta.forEach((w, i) => {
      let moved = w - dt * lambda * w;
      let slope = 1 - dt * lambda;
      let shift = -pull * lambda * w;
      x.forEach((input, q) => {
        const t = Math.tanh(input * w);
        const first = m[q]! * input * (1 - t * t);
        moved += dt * r[q]![0] * first;
        slope += dt * r[q]![0] * first * input * -2 * t;
        shift += (r[q]![0] * kicks[q]! + dt * r[q]![1] * change[q]!) * first;
      });
      b[i] = slope * b[i]! + shift;
      theta[i] = moved;
    });
  }
  return { theta, masses, weights, displacements: b };
}
