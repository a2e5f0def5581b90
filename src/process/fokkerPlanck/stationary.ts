// The stationary law m* ∝ exp(−(δF/δm(m*) + U)/τ) on cells: a fixed point of m ↦ P = Ψ(m) + U ↦ e^{−P/τ}/Z.      theory §7
//
// Damped: P ← P + ω (Ψ(m) + U − P), m ∝ e^{−P/τ}, which is mirror descent on 𝓕 with steps ω/τ. For convex F it lowers 𝓕
// as soon as ω is small enough, about τ over the strength of the interaction. Without a damping of the user's, ω is halved
// where 𝓕 or the residual rises and grows by a tenth where not.
//
// Residual: the first-order condition is that μ = Ψ(m) + U + τ log m is constant. As τ log m = −P − const exactly, μ is
// Ψ(m) + U − P, without a logarithm of tiny masses; reported is its standard deviation under m over τ.

import { DivergenceError } from "../../engine/errors";
import { exp } from "../../engine/math";
import type { CellEnergy } from "../../measure/cellEnergy";
import { type Cells, Sum, type Work } from "../../measure/cells";
import { cellFreeEnergy, type FreeEnergy } from "../../measure/freeEnergy";

/** A law that satisfies its first-order condition. */
export interface StationaryCells {
  /** of the cells, sum 1 */
  masses: Float64Array;
  /** standard deviation of δ𝓕/δm under m, over τ; 0 for the exact law */
  residual: number;
  /** evaluations of δF/δm */
  iterations: number;
  freeEnergy: FreeEnergy;
}

/** Past steps that the acceleration looks at. */
const MEMORY = 6;

/** Round-off of a free energy, relative to the sum of the sizes of its terms. */
const ROUNDING = 4e-15;

/**
 * Discrete Gibbs' law e^{−P/τ}/Z on equal cells.
 *
 * @param potential    P at the cells
 * @param temperature  τ > 0
 * @param out          written over
 */
export function gibbsMasses(
  potential: Float64Array,
  temperature: number,
  out = new Float64Array(potential.length),
): Float64Array {
  let lowest = Infinity;
  for (let i = 0; i < potential.length; i++) lowest = Math.min(lowest, potential[i]!);
  const sum = new Sum();
  for (let i = 0; i < potential.length; i++) {
    out[i] = exp((lowest - potential[i]!) / temperature);
    sum.add(out[i]!);
  }
  const total = sum.value;
  for (let i = 0; i < potential.length; i++) out[i]! /= total;
  return out;
}

/**
 * Solves for the stationary law.
 *
 * @param spec     equal cells, F, U at the cells, τ, and the law to begin with
 * @param options  damping: share of the old potential that is kept in an iteration, in [0, 1), null to let it be chosen;
 *                 tolerance of the residual; iterations: the most that are made
 * @throws {DivergenceError} where the residual stays above the tolerance
 */
export function* stationaryCells(
  spec: {
    cells: Cells;
    energy: CellEnergy;
    confinement: Float64Array;
    temperature: number;
    masses: Float64Array;
  },
  options: { damping: number | null; tolerance: number; iterations: number },
): Work<StationaryCells> {
  const { cells, energy, confinement, temperature } = spec;
  const { damping, tolerance, iterations } = options;
  const size = cells.size;
  const field = () => new Float64Array(size);
  const evaluate = function* (potential: Float64Array): Work<Iterate> {
    const masses = gibbsMasses(potential, temperature);
    yield undefined;
    const residual = field();
    const F = yield* energy.evaluate(masses, residual);
    for (let i = 0; i < size; i++) residual[i]! += confinement[i]! - potential[i]!;
    centre(residual, masses);
    const freeEnergy = yield* cellFreeEnergy(masses, cells, F, confinement, temperature);
    return {
      potential,
      masses,
      residual,
      norm: Math.sqrt(product(masses, residual, residual)) / temperature,
      freeEnergy,
    };
  };
  const first = field();
  yield* energy.evaluate(spec.masses, first);
  for (let i = 0; i < size; i++) first[i]! += confinement[i]!;
  let now = yield* evaluate(first);
  let share = damping === null ? 1 : 1 - damping;
  const past: Difference[] = [];
  let count = 2;
  let gain = 0;
  for (let accelerated = false; !(now.norm <= Math.max(tolerance, (1 + gain) * noise(now, temperature))); ) {
    if (count >= iterations) throw notConverged(now.norm, count, damping);
    const trial = now.potential.map((P, i) => P + share * now.residual[i]!);
    accelerated = damping === null && past.length > 0;
    if (accelerated) extrapolate(trial, now, past, share);
    const next = yield* evaluate(trial);
    count++;
    if (damping === null) {
      const rounding = ROUNDING * Math.max(now.freeEnergy.magnitude, next.freeEnergy.magnitude);
      const fall = now.freeEnergy.value - next.freeEnergy.value;
      if (!(fall > rounding || (fall >= -rounding && next.norm < now.norm))) {
        if (accelerated) past.length = 0;
        else share /= 2;
        if (share < 1e-12) throw notConverged(now.norm, count, damping);
        continue;
      }
      if (!accelerated) share = Math.min(1, 1.2 * share);
      const step = {
        potential: next.potential.map((P, i) => P - now.potential[i]!),
        residual: next.residual.map((r, i) => r - now.residual[i]!),
      };
      past.push(step);
      if (next.norm > 1e-6) gain = Math.max(gain, stretch(step, next.masses));
      if (past.length > MEMORY) past.shift();
    }
    now = next;
  }
  return { masses: now.masses, residual: now.norm, iterations: count, freeEnergy: now.freeEnergy };
}

/** A potential P, the law e^{−P/τ}/Z, and Ψ(m) + U − P less its mean under that law. */
interface Iterate {
  potential: Float64Array;
  masses: Float64Array;
  residual: Float64Array;
  /** standard deviation of the residual under the law, over τ */
  norm: number;
  freeEnergy: FreeEnergy;
}

/** From one iterate to the next. */
interface Difference {
  potential: Float64Array;
  residual: Float64Array;
}

// Round-off of (P − min P)/τ where there is mass; the next potential has it times the gain of the map P ↦ Ψ + U.
function noise({ potential }: Iterate, temperature: number): number {
  const lowest = potential.reduce((low, P) => Math.min(low, P), Infinity);
  return (4 * Number.EPSILON * (Math.abs(lowest) + 40 * temperature)) / temperature;
}

// How much longer a difference of potentials becomes by the map, in the mean square under a law.
function stretch({ potential, residual }: Difference, masses: Float64Array): number {
  const before = potential.slice();
  const after = potential.map((P, i) => P + residual[i]!);
  centre(before, masses);
  centre(after, masses);
  return Math.sqrt(product(masses, after, after) / product(masses, before, before));
}

// Anderson's acceleration: the combination of the past steps that leaves the smallest residual under the law is taken first.
function extrapolate(trial: Float64Array, now: Iterate, past: readonly Difference[], share: number): void {
  const { masses, residual } = now;
  const n = past.length;
  const gram = new Float64Array(n * n);
  const right = new Float64Array(n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b <= a; b++) {
      gram[a * n + b] = gram[b * n + a] = product(masses, past[a]!.residual, past[b]!.residual);
    }
    right[a] = product(masses, past[a]!.residual, residual);
  }
  const weights = solveSemidefinite(gram, right, n);
  for (let a = 0; a < n; a++) {
    const { potential, residual } = past[a]!;
    const w = weights[a]!;
    if (w !== 0) for (let i = 0; i < trial.length; i++) trial[i]! -= w * (potential[i]! + share * residual[i]!);
  }
}

// Least squares by Cholesky's factors of the normal equations, scaled; newest step first, and those that add nothing left out.
function solveSemidefinite(gram: Float64Array, right: Float64Array, n: number): Float64Array {
  const order = Array.from({ length: n }, (_, a) => n - 1 - a);
  const kept: number[] = [];
  const factor: number[][] = [];
  for (const a of order) {
    const row: number[] = [];
    for (const [r, b] of kept.entries()) {
      let x = gram[a * n + b]!;
      for (let k = 0; k < r; k++) x -= row[k]! * factor[r]![k]!;
      row.push(x / factor[r]![r]!);
    }
    const pivot = row.reduce((rest, x) => rest - x * x, gram[a * n + a]!);
    if (!(pivot > 1e-12 * gram[a * n + a]!)) continue;
    row.push(Math.sqrt(pivot));
    kept.push(a);
    factor.push(row);
  }
  const y: number[] = [];
  kept.forEach((a, r) => {
    let x = right[a]!;
    for (let k = 0; k < r; k++) x -= factor[r]![k]! * y[k]!;
    y.push(x / factor[r]![r]!);
  });
  const weights = new Float64Array(n);
  for (let r = kept.length - 1; r >= 0; r--) {
    let x = y[r]!;
    for (let k = r + 1; k < kept.length; k++) x -= factor[k]![r]! * weights[kept[k]!]!;
    weights[kept[r]!] = x / factor[r]![r]!;
  }
  return weights;
}

function centre(values: Float64Array, masses: Float64Array): void {
  const mean = new Sum();
  for (let i = 0; i < masses.length; i++) mean.add(masses[i]! * values[i]!);
  const shift = mean.value;
  for (let i = 0; i < masses.length; i++) values[i]! -= shift;
}

function product(masses: Float64Array, a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < masses.length; i++) sum += masses[i]! * a[i]! * b[i]!;
  return sum;
}

function notConverged(residual: number, iterations: number, damping: number | null): DivergenceError {
  const remedy =
    damping === null
      ? "allow more iterations, or a larger tolerance or temperature"
      : `take more damping than ${damping}, or leave it out`;
  const reason = `the fixed point of the stationary law has not converged, its residual is ${residual.toExponential(1)}; ${remedy}`;
  return new DivergenceError("stationaryLaw", iterations, Infinity, reason);
}
