// Small networks on small laws for the tests of the landscape, all of one stream, and their derivatives by extrapolated differences of the
// network written out (test/process/plainNetwork.ts), which knows nothing of the kernels.

import type { Operator } from "../../src/landscape/operator";
import { type Particles, particles } from "../../src/measure/measure";
import type { Loss } from "../../src/model/labels";
import { dataset } from "../../src/model/law";
import type { Potential } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { isTrained, outputsOf, type Unit } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import { plainVelocities } from "../process/plainNetwork";

/** A problem on `n` examples in R^d, and a network of it. */
export interface Case {
  problem: Problem;
  network: Particles;
}

/** What a case is drawn from. */
export interface Shape {
  unit: Unit;
  loss?: Loss;
  confinement?: Potential | null;
  n?: number;
  d?: number;
  N?: number;
  weighted?: boolean;
  /** size of the parameters (0.8) */
  size?: number;
  seed?: number;
}

/** The problem and network of a shape. */
export function drawCase(shape: Shape): Case {
  const {
    unit,
    loss = "squared",
    confinement = null,
    n = 7,
    d = 2,
    N = 5,
    weighted = false,
    size = 0.8,
    seed = 1,
  } = shape;
  const K = outputsOf(unit);
  const normals = (step: number, count: number) => stream(seed).normals(count, { step });
  const x = normals(0, n * d);
  const y = normals(1, n * K);
  const labels =
    loss === "squared"
      ? Array.from({ length: n }, (_, q) => Array.from(y.subarray(q * K, (q + 1) * K)))
      : loss === "logistic"
        ? Array.from(y, Math.sign)
        : Array.from({ length: n }, (_, q) => q % K);
  const law = dataset({
    x: { dtype: "f64", shape: [n, d], data: x },
    y: loss === "squared" && K === 1 ? Array.from(y) : labels,
    ...(weighted && { weights: Array.from({ length: n }, (_, q) => 1 + (q % 3)) }),
  } as Parameters<typeof dataset>[0]);
  const problem = parseProblem({ law, unit, start: gaussian({ radius: 1 }), loss, confinement });
  const D = unit.kind === "ridge" ? d : K + 1 + d;
  const network = particles({
    coordinates: "theta",
    shape: [N, D],
    values: normals(2, N * D).map((v) => size * v),
    weights: weighted ? Float64Array.from({ length: N }, (_, i) => 1 + (i % 3)) : null,
    outputBias: unit.kind === "affine" && unit.outputBias ? normals(3, K).map((v) => 0.3 * v) : null,
  });
  return { problem, network };
}

/** All numbers of a network: rows θ and the output bias behind them. */
export function numbersOf({ values, outputBias }: Particles): Float64Array {
  const out = new Float64Array(values.length + (outputBias?.length ?? 0));
  out.set(values);
  if (outputBias) out.set(outputBias, values.length);
  return out;
}

/** Which numbers of a network are coordinates, and √w of each. */
export function coordinatesOf({ problem, network }: Case): { places: number[]; roots: number[] } {
  const [N, D] = network.shape;
  const places: number[] = [];
  for (let i = 0; i < N; i++) for (let j = 0; j < D; j++) if (isTrained(problem.unit, j)) places.push(i * D + j);
  for (let k = 0; k < (network.outputBias?.length ?? 0); k++) places.push(N * D + k);
  const roots = places.map((at) => {
    if (at >= N * D) return 1;
    return Math.sqrt(network.weights?.[Math.floor(at / D)] ?? 1 / N);
  });
  return { places, roots };
}

/** ∂E/∂x of the network written out, at x(θ) + u. */
export function plainGradient(one: Case, u: Float64Array | null = null): Float64Array {
  const { problem, network } = one;
  const { places, roots } = coordinatesOf(one);
  const theta = numbersOf(network);
  if (u) places.forEach((at, j) => void (theta[at]! += u[j]! / roots[j]!));
  const N = network.shape[0];
  const { velocity, masses, confinement } = plainVelocities(
    problem,
    theta,
    network.weights ?? new Float64Array(N).fill(1 / N),
  );
  return Float64Array.from(places, (at, j) => {
    let sum = confinement[at]!;
    velocity.forEach((v, q) => void (sum += masses[q]! * v[at]!));
    return -roots[j]! * sum;
  });
}

/**
 * The derivative of a function along u at 0, by central differences of steps h, h/2, h/4 and h/8 extrapolated thrice: their error is of order h⁸,
 * and round-off of order 10^−16 / h.
 */
export function extrapolated(f: (u: Float64Array) => Float64Array, u: Float64Array, h = 0.04): Float64Array {
  const central = (step: number) => {
    const ahead = f(u.map((x) => step * x));
    const behind = f(u.map((x) => -step * x));
    return ahead.map((x, i) => (x - behind[i]!) / (2 * step));
  };
  let table = [h, h / 2, h / 4, h / 8].map(central);
  for (let factor = 4; table.length > 1; factor *= 4) {
    table = table.slice(1).map((finer, i) => finer.map((x, j) => (factor * x - table[i]![j]!) / (factor - 1)));
  }
  return table[0]!;
}

/**
 * H of affine units with one output, no output bias and the squared loss on equal masses, entry by entry from its formula,
 * N Σ_q m_q [∂f ∂fᵀ + (f − y) ∂²f].
 *
 * @param sigma  σ, σ' and σ'' of a number
 */
export function writtenHessian(
  { problem, network }: Case,
  sigma: (h: number) => [number, number, number],
): Float64Array {
  const law = problem.law as Extract<Problem["law"], { kind: "dataset" }>;
  const [n, d] = law.x.shape as [number, number];
  const [N, D] = network.shape;
  const p = N * D;
  const out = new Float64Array(p * p);
  for (let q = 0; q < n; q++) {
    const x = [1, ...law.x.data.subarray(q * d, (q + 1) * d)];
    const slope = new Float64Array(p);
    const blocks: { first: number; a: number; s1: number; s2: number }[] = [];
    let f = 0;
    for (let i = 0; i < N; i++) {
      const [a, ...w] = network.values.subarray(i * D, (i + 1) * D) as unknown as [number, ...number[]];
      const [s0, s1, s2] = sigma(w.reduce((sum, v, j) => sum + v * x[j]!, 0));
      f += (a * s0) / N;
      slope[i * D] = s0;
      for (let j = 0; j <= d; j++) slope[i * D + 1 + j] = a * s1 * x[j]!;
      blocks.push({ first: i * D, a, s1, s2 });
    }
    for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) out[i * p + j]! += (slope[i]! * slope[j]!) / (N * n);
    const off = (f - law.y.data[q]!) / n;
    for (const { first, a, s1, s2 } of blocks) {
      for (let j = 0; j <= d; j++) {
        out[first * p + first + 1 + j]! += off * s1 * x[j]!;
        out[(first + 1 + j) * p + first]! += off * s1 * x[j]!;
        for (let k = 0; k <= d; k++) out[(first + 1 + j) * p + first + 1 + k]! += off * a * s2 * x[j]! * x[k]!;
      }
    }
  }
  return out;
}

/** Q diag(values) Qᵀ with Q a product of three reflections, so that the spectrum is known; products take O(p). */
export function withSpectrum(values: ArrayLike<number>): Operator {
  const p = values.length;
  const mirrors = [0, 1, 2].map((step) => {
    const v = stream(5).normals(p, { step });
    const length = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    return v.map((x) => x / length);
  });
  const reflect = (x: Float64Array, v: Float64Array) => {
    const along = 2 * x.reduce((sum, y, i) => sum + y * v[i]!, 0);
    for (let i = 0; i < p; i++) x[i]! -= along * v[i]!;
  };
  return {
    size: p,
    apply(v, out) {
      out.set(v);
      for (const mirror of mirrors) reflect(out, mirror);
      for (let i = 0; i < p; i++) out[i]! *= values[i]!;
      for (const mirror of [...mirrors].reverse()) reflect(out, mirror);
    },
  };
}

/** max |a − b| / max |b| */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(b[i]!));
  }
  return a.length === b.length ? error / size : Number.NaN;
}
