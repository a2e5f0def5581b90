// The value function of a chain as polynomials, one a step, fitted to pilot paths: what a martingale control variate is made of.
//                                                                                            theory §8; docs/modifiedFlows.md
//   v_{n−1}(z) = φ(last(z)),   v_k(z) = E v_{k+1}(y + δ) ≈ v_{k+1}(y) + ½ Cov δ : ∇²v_{k+1}(y),   y = next(z)
//
// Each v_k is the least-squares polynomial of total degree d through these values at the pilots' states z_k. However it fits,
// ∇v_k(y_k)·δ_k + ½ (δ_k δ_kᵀ − Cov δ_k) : ∇²v_k(y_k) has the mean 0 along independent paths: the fit decides the variance alone.

import { SpecError } from "../../engine/errors";
import type { Chain } from "./chain";
import { addNoise, checkState, located } from "./walk";

/** Polynomials of total degree d in m variables, in units of their own. */
interface Basis {
  count: number;
  /** Monomial j > 0 is the monomial lower[j] times variable by[j]. */
  lower: Int32Array;
  by: Int32Array;
  /** ∂_i: the coefficient of monomial `from` counts `times` at monomial `to`. */
  first: Terms[];
  /** ∂_i ∂_l at l (l + 1)/2 + i, i ≤ l */
  second: Terms[];
}

interface Terms {
  from: Int32Array;
  to: Int32Array;
  times: Float64Array;
}

/** The value functions of all steps of a chain. */
export interface ValueFunctions {
  degree: number;
  /** Monomials of a polynomial. */
  count: number;
  /**
   * Of step k at y: returns v_k and writes ∇v_k and ∇²v_k, [m] and [m, m].
   */
  at(k: number, y: Float64Array, gradient: Float64Array, hessian: Float64Array): number;
}

/** Number of monomials of total degree at most d in m variables. */
export function monomialCount(m: number, d: number): number {
  let count = 1;
  for (let e = 1; e <= d; e++) count = (count * (m + e)) / e;
  return Math.round(count);
}

/** Pilot paths are the last replicas of the seed, so that none of them is among those of a study. */
const LAST_REPLICA = 2 ** 32 - 1;
/** Pilots a monomial, and the fewest. */
const PILOTS = 2;
const FEWEST = 40;
/** Most numbers that pilots' states may take. */
const MOST_NUMBERS = 2 ** 25;
/** Pilots start as far from the start, in each coordinate, as the noise of so many of a path's steps takes it: 1/16 of all, or 2. */
const SPREAD = 1 / 16;
/** Ridge of the least squares, relative to the mean square of a monomial: round-off of the normal equations. */
const RIDGE = 1e-12;
/** Smallest unit of a variable, relative to 1 + |centre|. */
const NARROW = 1e-7;

/**
 * Fits the value functions of a chain.
 *
 * @param chain      the dynamics
 * @param starts     its state at time 0
 * @param steps      n, 1 or more
 * @param degree     d, 1 or more
 * @param statistic  φ
 * @param breathe    called now and then
 */
export async function fitValues(
  chain: Chain,
  starts: Float64Array,
  steps: number,
  degree: number,
  statistic: (x: Float64Array) => number,
  breathe: () => Promise<void>,
): Promise<ValueFunctions> {
  const m = chain.size;
  const basis = basisOf(m, degree);
  const pilots = Math.max(FEWEST, PILOTS * basis.count);
  // z, y and Cov δ of each
  const width = m * (2 + m);
  if (steps * (pilots * width + basis.count) > MOST_NUMBERS) {
    throw new SpecError(
      "degree",
      degree,
      `a smaller one: ${pilots} pilot paths of ${steps} steps do not fit in memory`,
    );
  }
  const states = new Float64Array(steps * pilots * m);
  const points = new Float64Array(steps * pilots * m);
  const covariances = new Float64Array(steps * pilots * m * m);
  const of = (all: Float64Array, k: number, i: number, size: number) =>
    all.subarray((k * pilots + i) * size, (k * pilots + i + 1) * size);
  const noise = new Float64Array(chain.sources * m);
  const weights = new Float64Array(chain.sources);
  const spread = deviationsOf(chain, starts, steps);
  for (let i = 0; i < pilots; i++) {
    const draw = chain.draws(LAST_REPLICA - i);
    const from = chain.spare(LAST_REPLICA - i).map((g, at) => starts[at]! + spread[at]! * g);
    for (let k = 0; k < steps; k++) {
      const [y, z] = [of(points, k, i, m), of(states, k, i, m)];
      try {
        if (k === 0) chain.first(from, y, noise);
        else chain.next(of(states, k - 1, i, m), y, noise);
        draw(k, weights);
        addNoise(y, noise, weights, z);
        checkState(z);
      } catch (error) {
        throw located(error, chain, k);
      }
      addCovariance(chain, noise, of(covariances, k, i, m * m));
    }
    await breathe();
  }

  const centres = new Float64Array(steps * m);
  const units = new Float64Array(steps * m);
  const coefficients = new Float64Array(steps * basis.count);
  const powers = new Float64Array(basis.count);
  const values: ValueFunctions = {
    degree,
    count: basis.count,
    at(k, x, gradient, hessian) {
      const unit = units.subarray(k * m, (k + 1) * m);
      const c = coefficients.subarray(k * basis.count, (k + 1) * basis.count);
      evaluate(basis, x, centres.subarray(k * m, (k + 1) * m), unit, powers);
      let value = 0;
      for (let j = 0; j < c.length; j++) value += c[j]! * powers[j]!;
      for (let l = 0; l < m; l++) {
        gradient[l] = contract(basis.first[l]!, c, powers) / unit[l]!;
        for (let i = 0; i <= l; i++) {
          const curvature = contract(basis.second[(l * (l + 1)) / 2 + i]!, c, powers) / (unit[i]! * unit[l]!);
          hessian[i * m + l] = hessian[l * m + i] = curvature;
        }
      }
      return value;
    },
  };

  const x = new Float64Array(m);
  const targets = new Float64Array(pilots);
  const gradient = new Float64Array(m);
  const hessian = new Float64Array(m * m);
  for (let k = steps - 1; k >= 0; k--) {
    for (let i = 0; i < pilots; i++) {
      if (k === steps - 1) {
        chain.last(of(states, k, i, m), x);
        targets[i] = statistic(x);
        continue;
      }
      const covariance = of(covariances, k + 1, i, m * m);
      let curvature = 0;
      targets[i] = values.at(k + 1, of(points, k + 1, i, m), gradient, hessian);
      for (let e = 0; e < hessian.length; e++) curvature += covariance[e]! * hessian[e]!;
      targets[i]! += curvature / 2;
    }
    leastSquares(basis, states.subarray(k * pilots * m, (k + 1) * pilots * m), targets, {
      centre: centres.subarray(k * m, (k + 1) * m),
      unit: units.subarray(k * m, (k + 1) * m),
      coefficients: coefficients.subarray(k * basis.count, (k + 1) * basis.count),
    });
    await breathe();
  }
  return values;
}

// How far apart pilots start, in each coordinate.
function deviationsOf(chain: Chain, starts: Float64Array, steps: number): Float64Array {
  const { size, sources } = chain;
  const noise = new Float64Array(sources * size);
  const covariance = new Float64Array(size * size);
  try {
    chain.first(starts, new Float64Array(size), noise);
  } catch (error) {
    throw located(error, chain, 0);
  }
  addCovariance(chain, noise, covariance);
  return Float64Array.from({ length: size }, (_, i) =>
    Math.sqrt(Math.max(2, SPREAD * steps) * covariance[i * (size + 1)]!),
  );
}

// Cov δ = spread · Σ_j μ_j F_j F_jᵀ
function addCovariance({ size, variances, spread, sources }: Chain, noise: Float64Array, out: Float64Array): void {
  for (let j = 0; j < sources; j++) {
    for (let i = 0; i < size; i++) {
      const left = spread * variances[j]! * noise[j * size + i]!;
      for (let l = 0; l < size; l++) out[i * size + l]! += left * noise[j * size + l]!;
    }
  }
}

/** Cov δ : H = spread · Σ_j μ_j F_jᵀ H F_j */
export function meanCurvature(
  { size, variances, spread, sources }: Chain,
  noise: Float64Array,
  hessian: Float64Array,
): number {
  let total = 0;
  for (let j = 0; j < sources; j++) total += variances[j]! * quadraticForm(hessian, noise, j * size, size);
  return spread * total;
}

/** dᵀ H d of the m numbers of `d` from `at` on. */
export function quadraticForm(hessian: Float64Array, d: Float64Array, at: number, m: number): number {
  let sum = 0;
  for (let i = 0; i < m; i++) {
    let row = 0;
    for (let l = 0; l < m; l++) row += hessian[i * m + l]! * d[at + l]!;
    sum += d[at + i]! * row;
  }
  return sum;
}

function basisOf(m: number, degree: number): Basis {
  const rows: number[][] = [new Array<number>(m).fill(0)];
  const lower = [-1];
  const by = [-1];
  // each monomial once: by the variables in order
  let from = 0;
  for (let e = 1; e <= degree; e++) {
    const to = rows.length;
    for (let j = from; j < to; j++) {
      const last = rows[j]!.findLastIndex((power) => power > 0);
      for (let i = Math.max(last, 0); i < m; i++) {
        rows.push(rows[j]!.map((power, at) => power + (at === i ? 1 : 0)));
        lower.push(j);
        by.push(i);
      }
    }
    from = to;
  }
  const place = new Map(rows.map((row, j) => [row.join(), j]));
  const terms = (variables: readonly number[]): Terms => {
    const found: [number, number, number][] = [];
    rows.forEach((row, j) => {
      const left = [...row];
      let times = 1;
      for (const i of variables) times *= left[i]!--;
      if (times > 0) found.push([j, place.get(left.join())!, times]);
    });
    return {
      from: Int32Array.from(found, ([from]) => from),
      to: Int32Array.from(found, ([, to]) => to),
      times: Float64Array.from(found, ([, , times]) => times),
    };
  };
  return {
    count: rows.length,
    lower: Int32Array.from(lower),
    by: Int32Array.from(by),
    first: Array.from({ length: m }, (_, i) => terms([i])),
    second: Array.from({ length: m }, (_, l) => Array.from({ length: l + 1 }, (_, i) => terms([i, l]))).flat(),
  };
}

function evaluate(
  { count, lower, by }: Basis,
  x: Float64Array,
  centre: Float64Array,
  unit: Float64Array,
  out: Float64Array,
): void {
  out[0] = 1;
  for (let j = 1; j < count; j++) {
    const i = by[j]!;
    out[j] = (out[lower[j]!]! * (x[i]! - centre[i]!)) / unit[i]!;
  }
}

function contract({ from, to, times }: Terms, coefficients: Float64Array, powers: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < from.length; e++) sum += times[e]! * coefficients[from[e]!]! * powers[to[e]!]!;
  return sum;
}

// Least squares by the normal equations; a unit is twice the standard deviation of its variable.
function leastSquares(
  basis: Basis,
  points: Float64Array,
  targets: Float64Array,
  polynomial: { centre: Float64Array; unit: Float64Array; coefficients: Float64Array },
): void {
  const { centre, unit, coefficients } = polynomial;
  const n = targets.length;
  const m = centre.length;
  const M = basis.count;
  for (let i = 0; i < m; i++) {
    let mean = 0;
    for (let r = 0; r < n; r++) mean += points[r * m + i]!;
    mean /= n;
    let squares = 0;
    for (let r = 0; r < n; r++) squares += (points[r * m + i]! - mean) * (points[r * m + i]! - mean);
    centre[i] = mean;
    unit[i] = Math.max(2 * Math.sqrt(squares / n), NARROW * (1 + Math.abs(mean)));
  }
  const normal = new Float64Array(M * M);
  const powers = new Float64Array(M);
  coefficients.fill(0);
  for (let r = 0; r < n; r++) {
    evaluate(basis, points.subarray(r * m, (r + 1) * m), centre, unit, powers);
    for (let j = 0; j < M; j++) {
      const left = powers[j]!;
      coefficients[j]! += left * targets[r]!;
      for (let l = 0; l <= j; l++) normal[j * M + l]! += left * powers[l]!;
    }
  }
  let trace = 0;
  for (let j = 0; j < M; j++) trace += normal[j * M + j]!;
  for (let j = 0; j < M; j++) normal[j * M + j]! += (RIDGE * trace) / M;
  solve(normal, coefficients);
}

// Cholesky in place, with the right side.
function solve(matrix: Float64Array, right: Float64Array): void {
  const M = right.length;
  for (let j = 0; j < M; j++) {
    for (let l = 0; l <= j; l++) {
      let sum = matrix[j * M + l]!;
      for (let i = 0; i < l; i++) sum -= matrix[j * M + i]! * matrix[l * M + i]!;
      if (l < j) matrix[j * M + l] = sum / matrix[l * M + l]!;
      // what round-off has taken is not fitted
      else matrix[j * M + j] = sum > 0 ? Math.sqrt(sum) : Infinity;
    }
  }
  for (let j = 0; j < M; j++) {
    let sum = right[j]!;
    for (let i = 0; i < j; i++) sum -= matrix[j * M + i]! * right[i]!;
    right[j] = sum / matrix[j * M + j]!;
  }
  for (let j = M - 1; j >= 0; j--) {
    let sum = right[j]!;
    for (let i = j + 1; i < M; i++) sum -= matrix[i * M + j]! * right[i]!;
    right[j] = sum / matrix[j * M + j]!;
  }
}
