// Entropic transport in the logarithmic domain, and its divergence without bias.
//
//   OT_ε(a, b) = min_π ∫ |x − y|² dπ + ε KL(π | a ⊗ b) = max_{f,g} ∫ f da + ∫ g db − ε ∬ (e^{(f + g − |x − y|²)/ε} − 1) da db
//   S_ε(a, b) = OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b)
//
// S_ε ≥ 0, and 0 only if a = b; it tends to W2² as ε → 0 and to the square of the distance of the means as ε → ∞. One pass over
// the plan gives both f ← ½ (f + T g) and g ← ½ (g + T f), which keep f = g where a = b, so that nothing is left of the bias there.
// Feydy, Séjourné, Vialard, Amari, Trouvé, Peyré, AISTATS 2019.

import { SpecError } from "../engine/errors";
import { exp, log } from "../engine/math";
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
  /** largest of the three plans: Σ_i |mass of row i − a_i|, columns likewise */
  marginalError: number;
  /** passes over the plans, all three together */
  iterations: number;
  /** whether the marginal error came below the tolerance */
  converged: boolean;
}

/** How entropic transport is solved. */
export interface SinkhornOptions {
  /** ε, in units of a squared distance */
  regularisation: number;
  /** the most passes for each of the three plans */
  iterations?: number;
  /** of the marginal error */
  tolerance?: number;
}

/** Entries of a cost matrix, 256 MB. */
const MOST_PAIRS = 1 << 25;

/** ε falls by this factor from the largest cost on: a rough solution of each is where the next one starts. */
const FALL = 4;

/** Passes at each larger ε, and the marginal error that is enough there. */
const ROUGH = { passes: 20, error: 0.01 };

/** Pairs between two yields. */
const PIECE = 1 << 16;

/** As `sinkhorn` of src/measure/onDemand.ts. */
export function* sinkhorn(a: Measure, b: Measure, options: SinkhornOptions): Work<SinkhornDivergence> {
  const { regularisation, iterations = 2000, tolerance = 1e-6 } = options ?? {};
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
  const plans: Solution[] = [];
  for (const [x, y] of [
    [first, second],
    [first, first],
    [second, second],
  ] as const) {
    plans.push(yield* solve(x, y, { regularisation, iterations, tolerance }));
  }
  const [cross, own, other] = plans as [Solution, Solution, Solution];
  const marginalError = Math.max(...plans.map(({ error }) => error));
  return {
    // no plan knows its own value better than to the error of its marginals, so a divergence below 0 is 0
    divergence: Math.max(0, cross.value - own.value / 2 - other.value / 2),
    transport: cross.value,
    marginalError,
    iterations: plans.reduce((sum, { passes }) => sum + passes, 0),
    converged: marginalError <= tolerance,
  };
}

interface Solution {
  value: number;
  error: number;
  passes: number;
}

function* solve(
  x: WeightedPoints,
  y: WeightedPoints,
  { regularisation, iterations, tolerance }: Required<SinkhornOptions>,
): Work<Solution> {
  const plan = new Plan(x, y);
  let passes = 0;
  for (let epsilon = plan.largest; epsilon > FALL * regularisation; epsilon /= FALL) {
    for (let k = 0; k < ROUGH.passes && passes < iterations; k++) {
      yield* plan.pass(epsilon);
      passes++;
      if (plan.error <= ROUGH.error) break;
      plan.move(epsilon);
    }
  }
  for (;;) {
    yield* plan.pass(regularisation);
    passes++;
    if (plan.error <= tolerance || passes >= iterations) break;
    plan.move(regularisation);
  }
  return { value: plan.value(regularisation), error: plan.error, passes };
}

class Plan {
  /** largest cost */
  readonly largest: number;
  /** Σ |row masses − a| + Σ |column masses − b| of the last pass */
  error = Infinity;
  readonly #cost: Float64Array;
  readonly #f: Float64Array;
  readonly #g: Float64Array;
  /** masses of rows over a, of columns over b; then their logarithms */
  readonly #rows: Float64Array;
  readonly #columns: Float64Array;

  constructor(
    readonly x: WeightedPoints,
    readonly y: WeightedPoints,
  ) {
    const n = x.count;
    const m = y.count;
    const cost = new Float64Array(n * m);
    let largest = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        const square = squareBetween(x.values, y.values, i, j, x.dimension);
        cost[i * m + j] = square;
        if (square > largest) largest = square;
      }
    }
    this.largest = largest;
    this.#cost = cost;
    this.#f = new Float64Array(n);
    this.#g = new Float64Array(m);
    this.#rows = new Float64Array(n);
    this.#columns = new Float64Array(m);
  }

  /** Masses of rows and columns of the plan a b e^{(f + g − C)/ε}. */
  *pass(epsilon: number): Work<void> {
    const { count: n, weights: a } = this.x;
    const { count: m, weights: b } = this.y;
    const cost = this.#cost;
    const f = this.#f;
    const g = this.#g;
    const rows = this.#rows;
    const columns = this.#columns;
    const scale = 1 / epsilon;
    columns.fill(0);
    let done = 0;
    for (let i = 0; i < n; i++) {
      const fi = f[i]!;
      const ai = a[i]!;
      let row = 0;
      for (let j = 0, at = i * m; j < m; j++, at++) {
        const u = (fi + g[j]! - cost[at]!) * scale;
        if (u < NOTHING) continue;
        const e = exp(u);
        row += b[j]! * e;
        columns[j]! += ai * e;
      }
      rows[i] = row;
      if ((done += m) < PIECE) continue;
      done = 0;
      yield;
    }
    let error = 0;
    for (let i = 0; i < n; i++) error += a[i]! * Math.abs(rows[i]! - 1);
    for (let j = 0; j < m; j++) error += b[j]! * Math.abs(columns[j]! - 1);
    this.error = error;
    for (let i = 0; i < n; i++) {
      rows[i] = logMass(rows[i]!, b, (j) => (f[i]! + g[j]! - cost[i * m + j]!) * scale);
    }
    for (let j = 0; j < m; j++) {
      columns[j] = logMass(columns[j]!, a, (i) => (f[i]! + g[j]! - cost[i * m + j]!) * scale);
    }
  }

  /** f ← ½ (f + T g), g ← ½ (g + T f) by the last pass: T g = f − ε log(mass of the row / a). */
  move(epsilon: number): void {
    const half = epsilon / 2;
    for (let i = 0; i < this.#f.length; i++) this.#f[i]! -= half * this.#rows[i]!;
    for (let j = 0; j < this.#g.length; j++) this.#g[j]! -= half * this.#columns[j]!;
  }

  /** The mean of the dual values at (T g, g) and (f, T f), whose plans have mass 1. */
  value(epsilon: number): number {
    const { weights: a } = this.x;
    const { weights: b } = this.y;
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i]! * (this.#f[i]! - (epsilon / 2) * this.#rows[i]!);
    for (let j = 0; j < b.length; j++) sum += b[j]! * (this.#g[j]! - (epsilon / 2) * this.#columns[j]!);
    return sum;
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
