// Barron's theorem: a target f(x) = ∫ e^{i⟨w,x⟩} F(w) dw on |x| ≤ r as a mean of sigmoidal units.   theory §3; docs/barron.md
//
//   f(x) − f(0) = v E[o' 1{o (⟨ŵ,x⟩/r − s) > 0}],   (w, s) ~ |w||F(w)| |sin(r|w|s + φ)| / norm,   s in [−1, 1]
//
// with o = sgn s, o' = −o sgn sin(r|w|s + φ), F = |F| e^{iφ} and v ≤ Δ = 2r ∫|w||F|. N draws of (w, s) are a network of N
// steps, its risk at most v²/N in the mean; a step is the limit of the logistic unit as its gain grows.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { cos, exp, lgamma, log, sin } from "../engine/math";
import { type Particles, particles } from "../measure/measure";
import { logistic } from "../model/activation";
import { noExamples } from "../model/law";
import { type Problem, parseProblem } from "../model/problem";
import { gaussian } from "../model/start";
import { affine } from "../model/unit";
import { type Stream, stream } from "../random/stream";

/** One wave c cos(⟨w,x⟩ + φ). */
export interface Wave {
  amplitude: number;
  /** w, of length d */
  frequency: readonly number[];
  phase: number;
}

/** A target whose ∫|w||F(w)| dw is known. */
export interface BarronTarget {
  dimension: number;
  /** ∫|w||F(w)| dw */
  moment: number;
  /** f at `count` inputs, row-major. */
  values(inputs: Float64Array, count: number): Float64Array;
  /** Standard normals and uniforms that a draw of (w, φ) takes. */
  draws: { normals: number; uniforms: number };
  /**
   * A draw from |w||F(w)| / moment: the direction ŵ into `direction`; returns |w| and φ.
   */
  draw(normals: Float64Array, uniforms: Float64Array, direction: Float64Array): { length: number; phase: number };
  /** E h(|w|, φ) under that law. */
  expectation(h: (length: number, phase: number) => number): number;
}

/**
 * A sum of waves, f(x) = Σ c_k cos(⟨w_k,x⟩ + φ_k): ∫|w||F| = Σ |c_k||w_k|.
 *
 * @param waves  of one length d, with frequencies of which no two are equal or opposite, none 0
 * @throws {SpecError} with the path of the wrong wave
 */
export function waveTarget(waves: readonly Wave[]): BarronTarget {
  if (waves.length === 0) throw new SpecError("waves", waves, "at least one wave");
  const d = waves[0]!.frequency.length;
  const norms = waves.map(({ frequency }, k) => {
    const norm = euclidean(frequency);
    if (frequency.length !== d || !(norm > 0 && Number.isFinite(norm))) {
      throw new SpecError(`waves[${k}].frequency`, frequency, `${d} finite numbers, not all 0`);
    }
    return norm;
  });
  const shares = waves.map(({ amplitude }, k) => Math.abs(amplitude) * norms[k]!);
  const moment = shares.reduce((a, b) => a + b, 0);
  if (!(moment > 0 && Number.isFinite(moment))) throw new SpecError("waves", waves, "amplitudes that are not all 0");
  // a negative amplitude is half a turn of the phase
  const phases = waves.map(({ amplitude, phase }) => (amplitude < 0 ? phase + Math.PI : phase));
  return {
    dimension: d,
    moment,
    draws: { normals: 0, uniforms: 1 },
    values: (inputs, count) =>
      Float64Array.from({ length: count }, (_, q) => {
        let sum = 0;
        for (const { amplitude, frequency, phase } of waves) {
          let angle = phase;
          for (let j = 0; j < d; j++) angle += frequency[j]! * inputs[q * d + j]!;
          sum += amplitude * cos(angle);
        }
        return sum;
      }),
    draw(_, [u], direction) {
      let left = u! * moment;
      let k = 0;
      while (k < waves.length - 1 && left > shares[k]!) left -= shares[k++]!;
      for (let j = 0; j < d; j++) direction[j] = waves[k]!.frequency[j]! / norms[k]!;
      return { length: norms[k]!, phase: phases[k]! };
    },
    expectation: (h) => shares.reduce((sum, share, k) => sum + (share / moment) * h(norms[k]!, phases[k]!), 0),
  };
}

/**
 * A Gaussian bump, f(x) = exp(−|x|²/(2ℓ²)): F is the density of N(0, I/ℓ²), ∫|w||F| = √2 Γ((d+1)/2) / (Γ(d/2) ℓ).
 *
 * @param options  dimension: d; length: ℓ
 * @throws {SpecError} where one is wrong
 */
export function gaussianTarget(options: { dimension: number; length: number }): BarronTarget {
  const { dimension: d, length } = options;
  if (!(Number.isInteger(d) && d >= 1)) throw new SpecError("dimension", d, "a positive integer");
  if (!(length > 0 && Number.isFinite(length))) throw new SpecError("length", length, "a positive number");
  const mean = Math.SQRT2 * exp(lgamma((d + 1) / 2) - lgamma(d / 2));
  return {
    dimension: d,
    moment: mean / length,
    draws: { normals: d + 1, uniforms: 0 },
    values: (inputs, count) =>
      Float64Array.from({ length: count }, (_, q) => {
        let sum = 0;
        for (let j = 0; j < d; j++) sum += inputs[q * d + j]! * inputs[q * d + j]!;
        return exp(-sum / (2 * length * length));
      }),
    // ℓ|w| has the law χ_{d+1}, the norm of d + 1 normals, whatever the direction of the first d
    draw(normals, _, direction) {
      let square = 0;
      for (let j = 0; j < d; j++) square += normals[j]! * normals[j]!;
      const norm = Math.sqrt(square);
      for (let j = 0; j < d; j++) direction[j] = normals[j]! / norm;
      return { length: Math.sqrt(square + normals[d]! * normals[d]!) / length, phase: 0 };
    },
    expectation(h) {
      // Simpson's rule on χ_{d+1}, to 9 standard deviations
      const middle = Math.sqrt(d);
      const from = Math.max(0, middle - 9);
      const nodes = 1024;
      const step = (middle + 9 - from) / nodes;
      let sum = 0;
      let total = 0;
      for (let k = 1; k <= nodes; k++) {
        const rho = from + k * step;
        const weight = (k % 2 === 1 ? 4 : 2) * exp(d * log(rho / middle) - (rho * rho - d) / 2);
        sum += weight * h(rho / length, 0);
        total += weight;
      }
      return sum / total;
    },
  };
}

/** Barron's bound Δ² on N · inf R: Δ = 2r ∫|w||F(w)| dw. */
export function barronBound(target: BarronTarget, radius: number): number {
  const delta = 2 * radius * target.moment;
  return delta * delta;
}

/**
 * The size v of every unit's coefficient, v = Δ E ½∫|sin(r|w|s + φ)| ds ≤ Δ over s in [−1, 1].
 *
 * @param target  the target
 * @param radius  r
 */
export function barronVariation(target: BarronTarget, radius: number): number {
  const mean = target.expectation((length, phase) => {
    const omega = radius * length;
    return (absoluteSine(omega + phase) - absoluteSine(phase - omega)) / (2 * omega);
  });
  return 2 * radius * target.moment * mean;
}

/**
 * N times the mean risk of a network of N steps drawn from Barron's law, inputs uniform in the ball: the variance of one
 * step, v² P(it is on) − E(f − f(0))².
 *
 * @param target      the target
 * @param radius      r
 * @param meanSquare  E(f(x) − f(0))² over the ball
 */
export function stepVariance(target: BarronTarget, radius: number, meanSquare: number): number {
  const d = target.dimension;
  // P(z > s), z = ⟨ŵ, x⟩/r of density ∝ (1 − z²)^{(d−1)/2}, at the middles of cells of [0, 1]
  const cells = 1000;
  const middles = Array.from({ length: cells }, (_, k) => (k + 0.5) / cells);
  const density = middles.map((z) => exp(((d - 1) / 2) * log(1 - z * z)));
  const total = 2 * density.reduce((a, b) => a + b, 0);
  let above = 0.5;
  const tail = density.map((p) => {
    above -= p / total;
    return above + p / total / 2;
  });
  const on = target.expectation((length, phase) => {
    const omega = radius * length;
    let sum = 0;
    middles.forEach((s, k) => {
      sum += (Math.abs(sin(omega * s + phase)) + Math.abs(sin(phase - omega * s))) * tail[k]!;
    });
    return sum / (2 * cells);
  });
  return barronVariation(target, radius) * 2 * radius * target.moment * on - meanSquare;
}

/**
 * Draws a network of N logistic units and the constant f(0) from Barron's law.
 *
 * Neuron i of N = 100 is neuron i of N = 200. Of the stream, step 0 gives the normals and step 1 the uniforms of the
 * candidates (w, s), which are kept with probability |sin(r|w|s + φ)|.
 *
 * @param target   the target
 * @param options  radius: r, inputs have |x| ≤ r; neurons: N; gain: of the sigmoid, σ(gain (⟨ŵ,x⟩/r − s)) in place of the
 *                 step (200); seed; replica (0)
 * @param engine   draws the normals
 * @returns the network, rows (a, b, w), and a problem that names its unit
 * @throws {SpecError} with the path of the wrong option
 * @see Barron, IEEE Transactions on Information Theory 39 (1993) 930, theorem 1; docs/barron.md
 */
export function barronNetwork(
  target: BarronTarget,
  options: { radius: number; neurons: number; gain?: number; seed: number; replica?: number },
  engine: Engine,
): { network: Particles; problem: Problem } {
  const { radius, neurons, gain = 200, seed, replica = 0 } = options;
  if (!(radius > 0 && Number.isFinite(radius))) throw new SpecError("radius", radius, "a positive number");
  if (!(Number.isInteger(neurons) && neurons >= 1)) throw new SpecError("neurons", neurons, "a positive integer");
  if (!(gain > 0 && Number.isFinite(gain))) throw new SpecError("gain", gain, "a positive number");
  const { dimension: d } = target;
  const size = barronVariation(target, radius);
  const theta = new Float64Array(neurons * (d + 2));
  const direction = new Float64Array(d);
  const next = candidates(target, stream(seed, { replica }), engine);
  // the library's logistic function is 1/(1 + e^{−2t})
  const slope = gain / 2;
  for (let i = 0; i < neurons; ) {
    const { normals, uniforms } = next();
    const { length, phase } = target.draw(normals, uniforms.subarray(2), direction);
    const s = 2 * uniforms[0]! - 1;
    const rise = sin(radius * length * s + phase);
    if (uniforms[1]! >= Math.abs(rise)) continue;
    const side = s < 0 ? -1 : 1;
    const row = theta.subarray(i * (d + 2), (i + 1) * (d + 2));
    row[0] = rise < 0 ? side * size : -side * size;
    row[1] = -slope * side * s;
    for (let j = 0; j < d; j++) row[2 + j] = (slope * side * direction[j]!) / radius;
    i++;
  }
  const network = particles({
    coordinates: "theta",
    shape: [neurons, d + 2],
    values: theta,
    outputBias: target.values(new Float64Array(d), 1),
  });
  const problem = parseProblem({
    law: noExamples(d),
    unit: affine(logistic(), { outputBias: true }),
    start: gaussian({ radius: 1 }),
  });
  return { network, problem };
}

/**
 * Points uniform in the ball of radius r in R^d: the first d coordinates of a uniform point of the sphere in R^{d+2}.
 *
 * @param key     stream: its normals of step 0 are taken
 * @param engine  draws them
 * @returns count × d numbers, row-major
 */
export function ballPoints(
  key: { seed: number; replica: number },
  options: { dimension: number; radius: number; count: number },
  engine: Engine,
): Float64Array {
  const { dimension: d, radius, count } = options;
  const g = engine.normals({ ...key, purpose: 0 }, count * (d + 2));
  const points = new Float64Array(count * d);
  for (let q = 0; q < count; q++) {
    const scale = radius / euclidean(g.subarray(q * (d + 2), (q + 1) * (d + 2)));
    for (let j = 0; j < d; j++) points[q * d + j] = scale * g[q * (d + 2) + j]!;
  }
  return points;
}

// Candidates one after the other: theirs are the draws of their number, made a few hundred at a time.
function candidates(target: BarronTarget, source: Stream, engine: Engine) {
  const { normals: m, uniforms: u } = { normals: target.draws.normals, uniforms: target.draws.uniforms + 2 };
  const room = 512;
  let normals: Float64Array = new Float64Array(0);
  let uniforms: Float64Array = new Float64Array(0);
  let number = 0;
  return () => {
    const k = number % room;
    if (k === 0) {
      normals = engine.normals(source, room * m, { step: 0, from: number * m });
      uniforms = source.uniforms(room * u, { step: 1, from: number * u });
    }
    number++;
    return { normals: normals.subarray(k * m, (k + 1) * m), uniforms: uniforms.subarray(k * u, (k + 1) * u) };
  };
}

/** ∫_0^t |sin|. */
function absoluteSine(t: number): number {
  const turns = Math.floor(t / Math.PI);
  return 2 * turns + 1 - cos(t - turns * Math.PI);
}

function euclidean(x: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += x[j]! * x[j]!;
  return Math.sqrt(sum);
}
