// Black–Scholes equations in many dimensions by Feynman–Kac: a price is a wide network of Brownian factors.      theory §7
//
//   ∂_t v + ½ Σ_ij (σσᵀ)_ij x_i x_j ∂_ij v + Σ_i μ_i x_i ∂_i v = 0,  v(T, ·) = g,   v(t, x) = E g(𝒲 ∘ x)
//   𝒲^i = exp((μ_i − ½|σ_i|²)(T − t) + √(T − t) ⟨σ_i, ξ⟩),  ξ ~ N(0, I)
//
// With a payoff of one hidden layer, g(x) = Σ_j α_j relu(⟨γ_j, x⟩ + β_j), the mean over N factors is a network in x of the
// neurons (α_j, β_j, γ_j ∘ 𝒲_k): ReLU affine units, a law m^N of parameters, no matter how many assets. Nothing is
// discounted, as the equation has no term −rv.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { exp, log, normalCdf } from "../engine/math";
import { type Particles, particles } from "../measure/measure";
import { relu } from "../model/activation";
import { noExamples } from "../model/law";
import { type Problem, parseProblem } from "../model/problem";
import { gaussian } from "../model/start";
import { affine } from "../model/unit";

/** The coefficients of a Black–Scholes equation of d assets. */
export interface BlackScholes {
  /** μ, a number an asset */
  drift: readonly number[];
  /** σ, a row an asset, a column a Brownian motion */
  volatility: readonly (readonly number[])[];
}

/** A payoff of one hidden layer of m ReLUs, Σ_j a_j relu(⟨w_j, x⟩ + b_j). */
export interface Payoff {
  /** [m] */
  a: readonly number[];
  /** [m] */
  b: readonly number[];
  /** m rows of d */
  w: readonly (readonly number[])[];
}

/**
 * A call on a basket, g(x) = (⟨c, x⟩ − K)₊.
 *
 * @param options  weights: c, a number an asset; strike: K
 */
export function basketCall(options: { weights: readonly number[]; strike: number }): Payoff {
  return { a: [1], b: [-options.strike], w: [options.weights] };
}

/**
 * Assets of one volatility with one correlation between any two: d + 1 Brownian motions, the first common to all.
 *
 * @param options  assets: d; drift; volatility; correlation: in [0, 1]
 * @throws {SpecError} with the path of the wrong number
 */
export function equicorrelated(options: {
  assets: number;
  drift: number;
  volatility: number;
  correlation: number;
}): BlackScholes {
  const { assets, drift, volatility, correlation } = options;
  if (!(Number.isInteger(assets) && assets >= 1)) throw new SpecError("assets", assets, "a positive integer");
  if (!(correlation >= 0 && correlation <= 1)) throw new SpecError("correlation", correlation, "a number in [0, 1]");
  const common = volatility * Math.sqrt(correlation);
  const own = volatility * Math.sqrt(1 - correlation);
  return {
    drift: Array.from({ length: assets }, () => drift),
    volatility: Array.from({ length: assets }, (_, i) => {
      const row = new Array<number>(assets + 1).fill(0);
      row[0] = common;
      row[i + 1] = own;
      return row;
    }),
  };
}

/**
 * Draws 𝒲_from … 𝒲_{from + count − 1}; draw k is the same whatever else is drawn.
 *
 * @param equation  μ and σ
 * @param options   time: T − t; count; from (0); seed; replica (0)
 * @param engine    draws the normals
 * @returns factors: count × d positive numbers, row-major; means: the geometric mean of each row
 * @throws {SpecError} with the path of the wrong field
 */
export function brownianFactors(
  equation: BlackScholes,
  options: { time: number; count: number; from?: number; seed: number; replica?: number },
  engine: Engine,
): { factors: Float64Array; means: Float64Array } {
  const { drift, volatility } = checked(equation);
  const { time, count, from = 0, seed, replica = 0 } = options;
  if (!(time >= 0 && Number.isFinite(time))) throw new SpecError("time", time, "a number, 0 or more");
  const d = drift.length;
  const motions = volatility[0]!.length;
  const root = Math.sqrt(time);
  // most σ have few entries a row
  const rows = volatility.map((row, i) => {
    const at = row.flatMap((s, j) => (s === 0 ? [] : [j]));
    const square = row.reduce((sum, s) => sum + s * s, 0);
    return { shift: (drift[i]! - square / 2) * time, at, by: at.map((j) => root * row[j]!) };
  });
  const g = engine.normals({ seed, purpose: 0, replica }, count * motions, { from: from * motions });
  const factors = new Float64Array(count * d);
  const means = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    let total = 0;
    for (let i = 0; i < d; i++) {
      const { shift, at, by } = rows[i]!;
      let sum = shift;
      for (let l = 0; l < at.length; l++) sum += by[l]! * g[k * motions + at[l]!]!;
      factors[k * d + i] = exp(sum);
      total += sum;
    }
    means[k] = exp(total / d);
  }
  return { factors, means };
}

/**
 * The network whose predictions at x are the mean of the payoff at 𝒲_k ∘ x.
 *
 * @param payoff   g, with d weights a row
 * @param factors  N × d numbers, row-major
 * @returns N m neurons (a, b, w), and a problem that names their unit
 * @throws {SpecError} where the payoff does not fit
 */
export function priceNetwork(payoff: Payoff, factors: Float64Array): { network: Particles; problem: Problem } {
  const { a, b, w } = payoff;
  const m = a.length;
  const d = w[0]?.length ?? 0;
  if (m === 0 || b.length !== m || w.length !== m || d === 0 || w.some((row) => row.length !== d)) {
    throw new SpecError("payoff", payoff, "a and b of one length m ≥ 1, and m rows w of one length d ≥ 1");
  }
  const N = factors.length / d;
  if (!Number.isInteger(N) || N === 0) throw new SpecError("factors", factors.length, `a multiple of d = ${d} numbers`);
  const theta = new Float64Array(N * m * (d + 2));
  for (let k = 0; k < N; k++) {
    for (let j = 0; j < m; j++) {
      const at = (k * m + j) * (d + 2);
      // the network is the mean over all its neurons, the payoff a sum
      theta[at] = m * a[j]!;
      theta[at + 1] = b[j]!;
      for (let i = 0; i < d; i++) theta[at + 2 + i] = w[j]![i]! * factors[k * d + i]!;
    }
  }
  return {
    network: particles({ coordinates: "theta", shape: [N * m, d + 2], values: theta }),
    problem: parseProblem({
      law: noExamples(d),
      unit: affine(relu()),
      start: gaussian({ radius: 1 }),
    }),
  };
}

/**
 * Black's formula, E (X − K)₊ of a lognormal X.
 *
 * @param options  forward: E X; strike: K; deviation: standard deviation of log X
 */
export function callPrice(options: { forward: number; strike: number; deviation: number }): number {
  const { forward, strike, deviation } = options;
  if (deviation === 0) return Math.max(forward - strike, 0);
  const upper = log(forward / strike) / deviation + deviation / 2;
  return forward * normalCdf(upper) - strike * normalCdf(upper - deviation);
}

/**
 * The geometric mean of d assets, Π x_i^{1/d}: lognormal at T.
 *
 * @param equation  μ and σ
 * @param x         prices at t, positive
 * @param time      T − t
 * @returns its mean and the standard deviation of its logarithm
 */
export function geometricBasket(
  equation: BlackScholes,
  x: ArrayLike<number>,
  time: number,
): { forward: number; deviation: number } {
  const { drift, volatility } = checked(equation);
  const d = drift.length;
  const mean = new Float64Array(volatility[0]!.length);
  let shift = 0;
  for (let i = 0; i < d; i++) {
    let square = 0;
    volatility[i]!.forEach((s, j) => {
      mean[j]! += s / d;
      square += s * s;
    });
    shift += (log(x[i]!) + (drift[i]! - square / 2) * time) / d;
  }
  const variance = time * mean.reduce((sum, s) => sum + s * s, 0);
  return { forward: exp(shift + variance / 2), deviation: Math.sqrt(variance) };
}

function checked(equation: BlackScholes): BlackScholes {
  const { drift, volatility } = equation;
  const motions = volatility[0]?.length ?? 0;
  if (drift.length === 0 || !drift.every(Number.isFinite))
    throw new SpecError("drift", drift, "finite numbers, an asset each");
  if (volatility.length !== drift.length) {
    throw new SpecError("volatility", `${volatility.length} rows`, `${drift.length} rows, one an asset`);
  }
  volatility.forEach((row, i) => {
    if (motions === 0 || row.length !== motions || !row.every(Number.isFinite)) {
      throw new SpecError(`volatility[${i}]`, row, `${Math.max(1, motions)} finite numbers, one a Brownian motion`);
    }
  });
  return equation;
}
