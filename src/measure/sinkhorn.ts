// Entropic transport in the logarithmic domain, and its divergence without bias.
//
//   OT_ε(a, b) = min_π ∫ |x − y|² dπ + ε KL(π | a ⊗ b) = max_{f,g} ∫ f da + ∫ g db − ε ∬ (e^{(f + g − |x − y|²)/ε} − 1) da db
//   S_ε(a, b) = OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b)
//
// S_ε ≥ 0, and 0 only if a = b; it tends to W2² as ε → 0 and to the square of the distance of the means as ε → ∞.
// Feydy, Séjourné, Vialard, Amari, Trouvé, Peyré, AISTATS 2019.

import { SpecError } from "../engine/errors";
import { exp, expm1, log } from "../engine/math";
import { squareBetween } from "./assignment";
import type { Work } from "./cells";
import type { Measure } from "./measure";
import { pointsOf, requireSameSpace, supported, type WeightedPoints } from "./weightedPoints";

/** An entropic divergence and how far it was carried. */
export interface SinkhornDivergence {
  /** S_ε, a squared distance */
  divergence: number;
  /** OT_ε(a, b), from below */
  transport: number;
  /** of the worst of the three plans: Σ |its marginal − the law|, where the other marginal is exact */
  marginalError: number;
  /** of the plan that took most */
  iterations: number;
  /** whether the marginal error came below the tolerance */
  converged: boolean;
}

/** How entropic transport is solved. */
export interface SinkhornOptions {
  /** ε, in units of a squared distance */
  regularisation: number;
  /** the most for each of the three plans */
  iterations?: number;
  /** of the marginal error */
  tolerance?: number;
}

/** Entries of a cost matrix, 256 MB. */
const MOST_PAIRS = 1 << 25;

/** ε falls by this factor from the largest cost on: a rough solution of each is where the next one starts. */
const FALL = 4;

/** Iterations at each larger ε, and the marginal error that is enough there. */
const ROUGH = { iterations: 20, error: 0.01 };

/** Plain iterations, from whose rate the factor of the following ones is found. */
const PLAIN = 8;

/** Iterations with a factor before the first judgement, as their error grows at first, and between judgements. */
const SETTLING = 12;
const LEAPS = 40;

/** Growth of the error at which they are undone. */
const ASTRAY = 50;

const LARGEST_RATE = 0.9999;

/** Pairs between two yields. */
const PIECE = 1 << 16;

/** As `sinkhorn` of src/measure/onDemand.ts. */
export function* sinkhorn(a: Measure, b: Measure, options: SinkhornOptions): Work<SinkhornDivergence> {
  const { regularisation, iterations = 1000, tolerance = 1e-6 } = options ?? {};
  if (!(Number.isFinite(regularisation) && regularisation > 0)) {
    const remedy = "A hundredth of a typical squared distance is close to W2².";
    throw new SpecError("regularisation", regularisation, "a positive number, in units of a squared distance", remedy);
  }
  if (!(Number.isInteger(iterations) && iterations > 0)) {
    throw new SpecError("iterations", iterations, "a positive integer");
  }
  if (!(Number.isFinite(tolerance) && tolerance > 0)) throw new SpecError("tolerance", tolerance, "a positive number");
  const first = supported(pointsOf(a, "a"));
  const second = supported(pointsOf(b, "b"));
  requireSameSpace(first, second, "b");
  for (const [law, path] of [
    [first, "a"],
    [second, "b"],
  ] as const) {
    if (law.count * Math.max(first.count, second.count) <= MOST_PAIRS) continue;
    const most = Math.floor(Math.sqrt(MOST_PAIRS));
    const remedy = "slicedW2 takes any number of points.";
    throw new SpecError(`${path}.shape`, `${law.count} points`, `at most ${most} points`, remedy);
  }
  const limits = { regularisation, iterations, tolerance };
  const own = yield* solve(first, first, limits);
  const isSame = equal(first.values, second.values) && equal(first.weights, second.weights);
  const other = isSame ? own : yield* solve(second, second, limits);
  const cross = isSame ? own : yield* solve(first, second, limits);
  const plans = [own, other, cross];
  const marginalError = Math.max(...plans.map(({ error }) => error));
  return {
    // dual values err by second order in the error of the marginals, so a divergence below 0 is 0
    divergence: Math.max(0, cross.value - own.value / 2 - other.value / 2),
    transport: cross.value,
    marginalError,
    iterations: Math.max(...plans.map((plan) => plan.iterations)),
    converged: marginalError <= tolerance,
  };
}

function equal(x: Float64Array, y: Float64Array): boolean {
  return x.length === y.length && x.every((z, i) => z === y[i]);
}

interface Solution {
  value: number;
  error: number;
  iterations: number;
}

function* solve(
  x: WeightedPoints,
  y: WeightedPoints,
  { regularisation, iterations, tolerance }: Required<SinkhornOptions>,
): Work<Solution> {
  const plan = new Plan(x, y);
  let done = 0;
  for (let epsilon = plan.largest; epsilon > FALL * regularisation; epsilon /= FALL) {
    for (let k = 0; k < ROUGH.iterations && done < iterations - 1; k++) {
      done++;
      if ((yield* plan.iterate(epsilon, 1)) <= ROUGH.error) break;
    }
  }
  const pace = new Pace();
  for (let before = Infinity; ; ) {
    done++;
    // a result is judged by a plain iteration, which leaves one marginal exact
    const isPlain = before <= tolerance || done === iterations;
    const error = yield* plan.iterate(regularisation, isPlain ? 1 : pace.factor);
    if (done === iterations || (isPlain && error <= tolerance)) {
      return { value: plan.value(), error, iterations: done };
    }
    pace.see(error, plan);
    before = error;
  }
}

/**
 * The factor of over-relaxation, from the rate q at which plain iterations converge: 2/(1 + √(1 − q)), which near the solution takes
 * √(1 − q) in place of 1 − q of their number. Where leaps do not help, or lead away, plain iterations have their turn again.
 *
 * Lehmann, von Renesse, Sambale, Uschmajew, Optim. Lett. 16 (2022).
 */
class Pace {
  factor = 1;
  #count = 0;
  #before = Infinity;
  #began = Infinity;
  #kept: Float64Array[] = [];

  see(error: number, plan: Plan): void {
    this.#count++;
    const isLeaping = this.factor > 1;
    if (!isLeaping && this.#count >= PLAIN) {
      this.factor = 2 / (1 + Math.sqrt(1 - Math.min(LARGEST_RATE, error / this.#before)));
      this.#kept = plan.potentials;
      this.#began = error;
      this.#count = -SETTLING;
    } else if (isLeaping && !(error <= ASTRAY * this.#began)) {
      plan.potentials = this.#kept;
      this.factor = 1;
      this.#count = 0;
    } else if (isLeaping && (this.#count === 0 || this.#count === LEAPS)) {
      if (this.#count === LEAPS && error > 0.1 * this.#began) this.factor = 1;
      this.#began = error;
      this.#kept = plan.potentials;
      this.#count = 0;
    }
    this.#before = error;
  }
}

/** A plan a b e^{(f + g − C)/ε} by its potentials; between a law and itself f = g. */
class Plan {
  /** largest cost */
  readonly largest: number;
  readonly #cost: Float64Array[];
  #f: Float64Array;
  #g: Float64Array;
  readonly #masses: Float64Array;

  constructor(
    readonly x: WeightedPoints,
    readonly y: WeightedPoints,
  ) {
    let largest = 0;
    this.#cost = Array.from({ length: x.count }, (_, i) => {
      const row = new Float64Array(y.count);
      for (let j = 0; j < y.count; j++) {
        row[j] = squareBetween(x.values, y.values, i, j, x.dimension);
        largest = Math.max(largest, row[j]!);
      }
      return row;
    });
    this.largest = largest;
    this.#f = new Float64Array(x.count);
    this.#g = x === y ? this.#f : new Float64Array(y.count);
    this.#masses = new Float64Array(Math.max(x.count, y.count));
  }

  get potentials(): Float64Array[] {
    return [this.#f.slice(), this.#g.slice()];
  }

  set potentials([f, g]: Float64Array[]) {
    this.#f = f!.slice();
    this.#g = this.x === this.y ? this.#f : g!.slice();
  }

  /**
   * f ← f + ω (T g − f), T g = f − ε log(mass of the row / a), then the same for g; between a law and itself f ← ½ (f + T f), which
   * converges at once, as T − 1 has its eigenvalues in [−2, −1] there.
   *
   * @param factor  ω
   * @returns the error of the marginal that was looked at last: with ω = 1 that of b, where that of a is exact
   */
  *iterate(epsilon: number, factor: number): Work<number> {
    const { x, y } = this;
    const rows = yield* this.#rows(epsilon);
    if (x === y) return relax(this.#f, rows, x.weights, epsilon / 2);
    relax(this.#f, rows, x.weights, factor * epsilon);
    return relax(this.#g, yield* this.#columns(epsilon), y.weights, factor * epsilon);
  }

  /** The dual value after an iteration with ω = 1, whose plan has mass 1. */
  value(): number {
    let sum = 0;
    this.#f.forEach((f, i) => {
      sum += this.x.weights[i]! * f;
    });
    this.#g.forEach((g, j) => {
      sum += this.y.weights[j]! * g;
    });
    return sum;
  }

  // masses of the rows over a
  *#rows(epsilon: number): Work<Float64Array> {
    const { x, y } = this;
    let done = 0;
    for (let i = 0; i < x.count; i++) {
      const mass = rowMass(this.#f[i]!, this.#g, this.#cost[i]!, 1 / epsilon, y.weights);
      const u = (j: number) => (this.#f[i]! + this.#g[j]! - this.#cost[i]![j]!) / epsilon;
      this.#masses[i] = logMass(mass, y.weights, u);
      if ((done += y.count) < PIECE) continue;
      done = 0;
      yield;
    }
    return this.#masses;
  }

  // masses of the columns over b
  *#columns(epsilon: number): Work<Float64Array> {
    const { x, y } = this;
    const masses = this.#masses.fill(0);
    let done = 0;
    for (let i = 0; i < x.count; i++) {
      addRow(this.#f[i]!, this.#g, this.#cost[i]!, 1 / epsilon, x.weights[i]!, masses);
      if ((done += y.count) < PIECE) continue;
      done = 0;
      yield;
    }
    for (let j = 0; j < y.count; j++) {
      const u = (i: number) => (this.#f[i]! + this.#g[j]! - this.#cost[i]![j]!) / epsilon;
      masses[j] = logMass(masses[j]!, x.weights, u);
    }
    return masses;
  }
}

// Takes a share of the logarithms of masses from a potential; returns Σ weight · |mass − 1|.
function relax(potential: Float64Array, logMasses: Float64Array, weights: Float64Array, share: number): number {
  let error = 0;
  for (let i = 0; i < potential.length; i++) {
    error += weights[i]! * Math.abs(expm1(logMasses[i]!));
    potential[i]! -= share * logMasses[i]!;
  }
  return error;
}

function rowMass(fi: number, g: Float64Array, cost: Float64Array, scale: number, weights: Float64Array): number {
  let mass = 0;
  for (let j = 0; j < g.length; j++) {
    const u = (fi + g[j]! - cost[j]!) * scale;
    if (u > NOTHING) mass += weights[j]! * exp(u);
  }
  return mass;
}

function addRow(fi: number, g: Float64Array, cost: Float64Array, scale: number, ai: number, out: Float64Array): void {
  for (let j = 0; j < g.length; j++) {
    const u = (fi + g[j]! - cost[j]!) * scale;
    if (u > NOTHING) out[j]! += ai * exp(u);
  }
}

/** Exponents below this are left out of a mass that is about 1: 10^−26 of it each. */
const NOTHING = -60;

// log of a mass; where it left the range, as at potentials that are far from right, by the sum with its largest term taken out.
function logMass(mass: number, weights: Float64Array, u: (k: number) => number): number {
  if (mass > 1e-12 && mass < 1e300) return log(mass);
  let largest = -Infinity;
  for (let k = 0; k < weights.length; k++) largest = Math.max(largest, u(k));
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k]! * exp(u(k) - largest);
  return largest + log(sum);
}
