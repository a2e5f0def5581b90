// SGD on an objective and the flows in its place, as Markov chains of one form: a deterministic map, then centred noise that is
// added at one point.                                                                      theory §8; docs/modifiedFlows.md
//
//   y_0 = first(x),   z_k = y_k + δ_k,   y_{k+1} = next(z_k),   x(t_n) = last(z_{n−1}),   δ_k = Σ_j w_j F_j
//
//   SGD               next(z) = z − η∇L(z)     F_q = −η G_q(z)                w_q = n_q/B − m_q, n_q draws of term q among B
//   Euler–Maruyama    next(z) = z + h b(z)     F_q = −√(αh) G_q(z)            w_q = √m_q ξ_q
//   splitting         next = Φ_h, first = last = Φ_{h/2}    F_q = −√(αh) G_q(y)   the same
//
// Φ is the flow of the drift b = −∇L − ((η/2) ∇²L ∇L), a step of the classical Runge–Kutta rule, and α = η/B. The stochastic modified
// equation has the columns of √(αh) Σ^{1/2} for F_j, and w_j = ξ_j. All starts feel the same w.

import { PURPOSE_OBJECTIVE } from "../../../assembly/layout";
import { type FiniteSum, hessianVectorOf } from "../../model/objective";
import { type Stream, stream } from "../../random/stream";
import { type CovarianceRoot, covarianceRoot } from "./covarianceRoot";
import type { Method, Scheme } from "./options";

/** Which dynamics on an objective. */
export interface Dynamics {
  method: Method;
  /** of the drift; SGD has none */
  order: 1 | 2;
  /** η */
  stepSize: number;
  /** B */
  batchSize: number;
  /** h; η for SGD */
  timeStep: number;
  scheme: Scheme;
}

/** The dynamics of S points of R^p with common noise; states are S rows of p numbers. */
export interface Chain {
  dynamics: Dynamics;
  /** S·p */
  size: number;
  /** J, the number of noise sources; 0 without noise */
  sources: number;
  /** μ_j: the covariance of δ is `spread` · Σ_j μ_j F_j F_jᵀ */
  variances: Float64Array;
  spread: number;
  /** From the state at time 0: y, and F into `noise`, [J, S·p]. */
  first(x: Float64Array, y: Float64Array, noise: Float64Array): void;
  /** From a state after its noise: y and F of the next step. */
  next(z: Float64Array, y: Float64Array, noise: Float64Array): void;
  /** The state at the end of the step whose noise led to z. */
  last(z: Float64Array, x: Float64Array): void;
  /** The weights w of a step of a replica: J numbers. */
  draws(replica: number): (k: number, weights: Float64Array) => void;
  /** S·p normals of a replica that no step takes. */
  spare(replica: number): Float64Array;
  /** SGD: a step in place that takes no more gradients than it draws; null elsewhere. */
  hop: ((replica: number) => (k: number, x: Float64Array) => void) | null;
  /** Roots of Σ; null where none are taken. */
  roots: CovarianceRoot | null;
}

/** Indices of the draws of a step: examples of SGD from 0 on, normals of the terms, normals of R^p, spare ones. */
const TERM_NORMALS = 2 ** 24;
const SPACE_NORMALS = 2 ** 25;
const SPARE_NORMALS = 2 ** 26;

/**
 * The chain of a dynamics.
 *
 * @param sum     the objective
 * @param starts  S, how many points move together
 * @param seed    of all draws
 */
export async function chainOf(sum: FiniteSum, dynamics: Dynamics, starts: number, seed: number): Promise<Chain> {
  const { method, scheme, timeStep: h, stepSize, batchSize } = dynamics;
  const { dimension: p, terms: Q, weights: masses } = sum;
  const size = starts * p;
  const alpha = stepSize / batchSize;
  const [point, moved] = [new Float64Array(p), new Float64Array(p)];
  const take = (x: Float64Array, s: number) => {
    for (let i = 0; i < p; i++) point[i] = x[s * p + i]!;
  };
  const give = (s: number, out: Float64Array) => {
    for (let i = 0; i < p; i++) out[s * p + i] = moved[i]!;
  };

  const drift = driftOf(sum, dynamics);
  const gradients = new Float64Array(Q * p);
  const mean = new Float64Array(p);
  const roots = method === "sme" ? await covarianceRoot(p) : null;
  const covariance = new Float64Array(p * p);
  const root = new Float64Array(p * p);
  const sources = method === "gradientFlow" ? 0 : method === "sme" ? p : Q;

  // F at the points of x; leaves ∇L of the last of them in `mean`
  const scale = method === "sgd" ? -stepSize : -Math.sqrt(alpha * h);
  function noiseAt(x: Float64Array, s: number, noise: Float64Array): void {
    sum.gradients(x, gradients, mean);
    const at = s * p;
    if (!roots) {
      for (let q = 0; q < Q; q++) {
        for (let i = 0; i < p; i++) noise[q * size + at + i] = scale * (gradients[q * p + i]! - mean[i]!);
      }
      return;
    }
    if (sum.covariance) sum.covariance(x, covariance);
    else covarianceOf(gradients, mean, masses, covariance);
    roots.root(covariance, root);
    for (let j = 0; j < p; j++) for (let i = 0; i < p; i++) noise[j * size + at + i] = -scale * root[j * p + i]!;
  }

  const euler = (z: Float64Array, y: Float64Array, noise: Float64Array): void => {
    for (let s = 0; s < starts; s++) {
      take(z, s);
      if (sources > 0) noiseAt(point, s, noise);
      if (method === "sgd") {
        for (let i = 0; i < p; i++) moved[i] = point[i]! - stepSize * mean[i]!;
      } else {
        drift(point, moved);
        for (let i = 0; i < p; i++) moved[i] = point[i]! + h * moved[i]!;
      }
      give(s, y);
    }
  };
  const flow = rungeKutta(drift, p);
  const split = (time: number) => (z: Float64Array, y: Float64Array, noise: Float64Array) => {
    for (let s = 0; s < starts; s++) {
      take(z, s);
      flow(point, time, moved);
      if (sources > 0) noiseAt(moved, s, noise);
      give(s, y);
    }
  };
  const steps = method === "sgd" || scheme === "eulerMaruyama" ? "euler" : "split";
  return {
    dynamics,
    size,
    sources,
    variances: method === "sme" ? new Float64Array(p).fill(1) : masses,
    spread: method === "sgd" ? 1 / batchSize : 1,
    first: steps === "euler" ? euler : split(h / 2),
    next: steps === "euler" ? euler : split(h),
    last(z, x) {
      if (steps === "euler") return void x.set(z);
      for (let s = 0; s < starts; s++) {
        take(z, s);
        flow(point, h / 2, moved);
        give(s, x);
      }
    },
    draws: drawsOf(method, masses, batchSize, seed),
    spare: (replica) => keyed(seed, replica).normals(size, { step: 0, from: SPARE_NORMALS }),
    hop: method === "sgd" ? (replica) => hopOf(sum, dynamics, starts, keyed(seed, replica)) : null,
    roots,
  };
}

function keyed(seed: number, replica: number): Stream {
  return stream(seed, { purpose: PURPOSE_OBJECTIVE, replica });
}

// b(x) = −∇L, and −(η/2) ∇²L ∇L more in order 2
function driftOf(sum: FiniteSum, { order, stepSize }: Dynamics): (x: Float64Array, out: Float64Array) => void {
  const p = sum.dimension;
  if (order === 1) {
    return (x, out) => {
      sum.mean(x, out);
      for (let i = 0; i < p; i++) out[i] = -out[i]!;
    };
  }
  const slope = new Float64Array(p);
  const hessianVector = hessianVectorOf(sum);
  return (x, out) => {
    sum.mean(x, slope);
    hessianVector(x, slope, out);
    for (let i = 0; i < p; i++) out[i] = -slope[i]! - (stepSize / 2) * out[i]!;
  };
}

// A step of length h along the drift.
function rungeKutta(drift: (x: Float64Array, out: Float64Array) => void, p: number) {
  const [k1, k2, k3, k4, at] = Array.from({ length: 5 }, () => new Float64Array(p)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  return (x: Float64Array, h: number, out: Float64Array): void => {
    drift(x, k1);
    for (let i = 0; i < p; i++) at[i] = x[i]! + (h / 2) * k1[i]!;
    drift(at, k2);
    for (let i = 0; i < p; i++) at[i] = x[i]! + (h / 2) * k2[i]!;
    drift(at, k3);
    for (let i = 0; i < p; i++) at[i] = x[i]! + h * k3[i]!;
    drift(at, k4);
    for (let i = 0; i < p; i++) out[i] = x[i]! + (h / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!);
  };
}

// Σ = Σ_q m_q G_q G_qᵀ
function covarianceOf(gradients: Float64Array, mean: Float64Array, masses: Float64Array, out: Float64Array): void {
  const p = mean.length;
  out.fill(0);
  for (let q = 0; q < masses.length; q++) {
    for (let i = 0; i < p; i++) {
      const left = masses[q]! * (gradients[q * p + i]! - mean[i]!);
      for (let j = 0; j <= i; j++) out[i * p + j]! += left * (gradients[q * p + j]! - mean[j]!);
    }
  }
  for (let i = 0; i < p; i++) for (let j = i + 1; j < p; j++) out[i * p + j] = out[j * p + i]!;
}

function drawsOf(method: Method, masses: Float64Array, batchSize: number, seed: number): Chain["draws"] {
  if (method === "gradientFlow") return () => () => {};
  if (method === "sme") {
    return (replica) => {
      const source = keyed(seed, replica);
      return (k, weights) => void source.normalsInto(weights, { step: k, from: SPACE_NORMALS });
    };
  }
  if (method === "smf") {
    const roots = masses.map(Math.sqrt);
    return (replica) => {
      const source = keyed(seed, replica);
      return (k, weights) => {
        source.normalsInto(weights, { step: k, from: TERM_NORMALS });
        for (let q = 0; q < weights.length; q++) weights[q]! *= roots[q]!;
      };
    };
  }
  const pick = picker(masses);
  const uniforms = new Float64Array(batchSize);
  return (replica) => {
    const source = keyed(seed, replica);
    return (k, weights) => {
      source.uniformsInto(uniforms, { step: k });
      for (let q = 0; q < weights.length; q++) weights[q] = -masses[q]!;
      for (const u of uniforms) weights[pick(u)]! += 1 / batchSize;
    };
  };
}

// x ← x − (η/B) Σ_b ∇ℓ_{q_b}(x), at all starts with the same draws
function hopOf(sum: FiniteSum, { stepSize, batchSize }: Dynamics, starts: number, source: Stream) {
  const p = sum.dimension;
  const pick = picker(sum.weights);
  const uniforms = new Float64Array(batchSize);
  const slope = new Float64Array(p);
  const total = new Float64Array(p);
  return (k: number, x: Float64Array): void => {
    source.uniformsInto(uniforms, { step: k });
    for (let s = 0; s < starts; s++) {
      const point = x.subarray(s * p, (s + 1) * p);
      total.fill(0);
      for (const u of uniforms) {
        sum.gradient(pick(u), point, slope);
        for (let i = 0; i < p; i++) total[i]! += slope[i]!;
      }
      for (let i = 0; i < p; i++) point[i]! -= (stepSize / batchSize) * total[i]!;
    }
  };
}

/** The term that a uniform number falls to: the first with m_0 + … + m_q above it. */
function picker(masses: Float64Array): (u: number) => number {
  const ends = new Float64Array(masses.length);
  let total = 0;
  let last = 0;
  for (let q = 0; q < masses.length; q++) {
    total += masses[q]!;
    ends[q] = total;
    if (masses[q]! > 0) last = q;
  }
  return (u) => {
    let low = 0;
    for (let high = last; low < high; ) {
      const middle = (low + high) >> 1;
      if (ends[middle]! > u) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
