// Signed points that carry dipoles, Σ ω_i δ_{x_i} − Σ p_i·∇δ_{x_i}, and double sums over them: what norms of kernels are made of.
//
//   ⟨η, φ⟩ = Σ ω_i φ(x_i) + p_i·∇φ(x_i)
//   ∬ κ(|x − y|) η(dx) η'(dy) = Σ_ij ω_i ω_j κ + (ω_i p_j·z − ω_j p_i·z) A + p_i·p_j A − (p_i·z)(p_j·z) B,    z = x_i − y_j
//
// with A = −κ'/r and B = (κ'' − κ'/r)/r². Where the total weights ω(1) are 0 only 1 − κ counts, not κ, so the sum is taken of that:
// it keeps its digits where points are close together.

import { SpecError } from "../engine/errors";
import type { Profile } from "./besselPotential";
import type { Work } from "./cells";
import type { Measure } from "./measure";
import { checkedMeasure, pointsOf, requireSameSpace, type Space } from "./weightedPoints";

/** A measure with a factor, as a part of a sum. */
export interface MeasureTerm {
  /** any number */
  factor: number;
  measure: Measure;
}

/** A measure, or a sum of measures with factors. */
export type SignedMeasure = Measure | readonly MeasureTerm[];

/** Points that carry weights of any sign, and dipoles. */
export interface SignedPoints extends Space {
  count: number;
  /** [dimension][count] */
  columns: Float64Array[];
  /** [count], ω */
  weights: Float64Array;
  /** [dimension][count], p; null where there are none */
  dipoles: Float64Array[] | null;
}

/** Functions of the distance that a double sum takes. */
export interface PairProfiles {
  /** 1 − κ, or any other conditionally positive function that is 0 at 0 */
  complement: Profile;
  /** A, and r² B; for points without dipoles they are not asked for */
  slope?: Profile;
  bend?: Profile;
}

/**
 * A sum of measures as signed points. Measures on the very same points are added point by point, so that what they have in common
 * is taken away exactly; points that carry nothing are left out.
 *
 * @param terms  measures with factors
 * @param paths  where each of them stands
 * @throws {SpecError} with the path of what is wrong
 */
export function signedPoints(terms: readonly MeasureTerm[], paths: readonly string[]): SignedPoints {
  const parts: Part[] = [];
  let space: Space | null = null;
  terms.forEach(({ factor, measure }, i) => {
    const next = partOf(factor, measure, paths[i]!);
    space ??= next;
    requireSameSpace(space, next, paths[i]!);
    const same = parts.find(({ values }) => equal(values, next.values));
    if (!same) parts.push(next);
    else {
      next.weights.forEach((w, at) => void (same.weights[at]! += w));
      next.dipoles.forEach((p, at) => void (same.dipoles[at]! += p));
    }
  });
  return joined(parts, space!);
}

/**
 * The terms of a measure or of a sum, with their paths.
 *
 * @param path    where it stands
 * @param factor  of all of it
 * @throws {SpecError} where a factor is not finite, or the sum is empty
 */
export function termsOf(measure: SignedMeasure, path: string, factor = 1): { terms: MeasureTerm[]; paths: string[] } {
  if (!Array.isArray(measure)) return { terms: [{ factor, measure: measure as Measure }], paths: [path] };
  if (measure.length === 0) throw new SpecError(path, measure, "a measure, or a sum of at least one");
  const terms = measure.map((term: MeasureTerm, i) => {
    if (!Number.isFinite(term?.factor)) {
      throw new SpecError(`${path}[${i}].factor`, term?.factor, "a finite number, beside its measure");
    }
    return { factor: factor * term.factor, measure: term.measure };
  });
  return { terms, paths: terms.map((_, i) => `${path}[${i}].measure`) };
}

interface Part extends Space {
  /** row-major */
  values: Float64Array;
  weights: Float64Array;
  /** row-major */
  dipoles: Float64Array;
}

function partOf(factor: number, measure: Measure, path: string): Part {
  if (measure?.kind !== "fluctuation") {
    const { coordinates, dimension, values, weights } = pointsOf(measure, path);
    return {
      coordinates,
      dimension,
      values,
      weights: weights.map((w) => factor * w),
      dipoles: new Float64Array(values.length),
    };
  }
  const { base, weights, displacements, coordinates } = checkedMeasure(measure, path) as typeof measure;
  const [count, dimension] = base.shape;
  const share = (i: number) => (base.weights ? base.weights[i]! : 1 / count);
  return {
    coordinates,
    dimension,
    values: base.values,
    weights: weights.map((w) => factor * w),
    dipoles: displacements.map((b, at) => factor * share(Math.floor(at / dimension)) * b),
  };
}

function equal(a: Float64Array, b: Float64Array): boolean {
  return a === b || (a.length === b.length && a.every((x, i) => x === b[i]));
}

function joined(parts: readonly Part[], { coordinates, dimension }: Space): SignedPoints {
  const kept: { part: Part; row: number }[] = [];
  let hasDipoles = false;
  for (const part of parts) {
    part.weights.forEach((w, row) => {
      let carries = false;
      for (let k = 0; k < dimension; k++) carries ||= part.dipoles[row * dimension + k] !== 0;
      hasDipoles ||= carries;
      if (carries || w !== 0) kept.push({ part, row });
    });
  }
  const column = (pick: (part: Part) => Float64Array, k: number) =>
    Float64Array.from(kept, ({ part, row }) => pick(part)[row * dimension + k]!);
  const axes = Array.from({ length: dimension }, (_, k) => k);
  return {
    coordinates,
    dimension,
    count: kept.length,
    columns: axes.map((k) => column((part) => part.values, k)),
    weights: Float64Array.from(kept, ({ part, row }) => part.weights[row]!),
    dipoles: hasDipoles ? axes.map((k) => column((part) => part.dipoles, k)) : null,
  };
}

/** Pairs between two yields. */
const PIECE = 1 << 17;

/** Points of a block: what it needs stays in the cache. */
const BLOCK = 512;

/**
 * −∬ (1 − κ)(|x − y|) η(dx) η'(dy) with what dipoles add; plus η(1) η'(1) it is the double integral of κ.
 *
 * @param other     η'; the same object as η for the square, whose pairs are taken once
 * @param profiles  of the kernel
 */
export function* pairSum(eta: SignedPoints, other: SignedPoints, profiles: PairProfiles): Work<number> {
  const rows = new PairRows(eta, other, profiles);
  const isSquare = eta === other;
  let sum = 0;
  let twice = 0;
  let done = 0;
  for (let i = 0; i < eta.count; i++) {
    if (isSquare) {
      sum += rows.sum(i, i, i + 1);
      twice += rows.sum(i, i + 1, other.count);
    } else sum += rows.sum(i, 0, other.count);
    if ((done += other.count * eta.dimension) < PIECE) continue;
    done = 0;
    yield;
  }
  return sum + 2 * twice;
}

/** The total weight η(1). */
export function totalWeight({ weights }: SignedPoints): number {
  return weights.reduce((sum, w) => sum + w, 0);
}

class PairRows {
  readonly #r = new Float64Array(BLOCK);
  readonly #g = new Float64Array(BLOCK);
  readonly #slope = new Float64Array(BLOCK);
  readonly #bend = new Float64Array(BLOCK);
  readonly #mine = new Float64Array(BLOCK);
  readonly #theirs = new Float64Array(BLOCK);
  readonly #dot = new Float64Array(BLOCK);

  constructor(
    readonly a: SignedPoints,
    readonly b: SignedPoints,
    readonly profiles: PairProfiles,
  ) {}

  /** The pairs of point i of a with points from … to of b. */
  sum(i: number, from: number, to: number): number {
    const hasDipoles = this.a.dipoles !== null || this.b.dipoles !== null;
    let sum = 0;
    for (let first = from; first < to; first += BLOCK) {
      const n = Math.min(BLOCK, to - first);
      sum += hasDipoles ? this.#dipoles(i, first, n) : this.#points(i, first, n);
    }
    return sum;
  }

  #points(i: number, first: number, n: number): number {
    const r = this.#r;
    r.fill(0, 0, n);
    for (let k = 0; k < this.a.dimension; k++) {
      const x = this.a.columns[k]![i]!;
      const y = this.b.columns[k]!;
      for (let j = 0; j < n; j++) {
        const z = x - y[first + j]!;
        r[j]! += z * z;
      }
    }
    for (let j = 0; j < n; j++) r[j] = Math.sqrt(r[j]!);
    const g = this.#g;
    this.profiles.complement(r, n, g);
    const weights = this.b.weights;
    let sum = 0;
    for (let j = 0; j < n; j++) sum += weights[first + j]! * g[j]!;
    return -this.a.weights[i]! * sum;
  }

  #dipoles(i: number, first: number, n: number): number {
    const { a, b, profiles } = this;
    const r = this.#r;
    // p_i·z, p_j·z and p_i·p_j
    const mine = this.#mine;
    const theirs = this.#theirs;
    const dot = this.#dot;
    r.fill(0, 0, n);
    mine.fill(0, 0, n);
    theirs.fill(0, 0, n);
    dot.fill(0, 0, n);
    for (let k = 0; k < a.dimension; k++) {
      const x = a.columns[k]![i]!;
      const y = b.columns[k]!;
      const p = a.dipoles ? a.dipoles[k]![i]! : 0;
      const q = b.dipoles?.[k];
      for (let j = 0; j < n; j++) {
        const z = x - y[first + j]!;
        r[j]! += z * z;
        mine[j]! += p * z;
      }
      if (!q) continue;
      for (let j = 0; j < n; j++) {
        const qj = q[first + j]!;
        theirs[j]! += qj * (x - y[first + j]!);
        dot[j]! += p * qj;
      }
    }
    for (let j = 0; j < n; j++) r[j] = Math.sqrt(r[j]!);
    const g = this.#g;
    const slope = this.#slope;
    const bend = this.#bend;
    profiles.complement(r, n, g);
    profiles.slope!(r, n, slope);
    profiles.bend!(r, n, bend);
    const weight = a.weights[i]!;
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const other = b.weights[first + j]!;
      const along = r[j]! > 0 ? (mine[j]! / r[j]!) * (theirs[j]! / r[j]!) * bend[j]! : 0;
      sum += (weight * theirs[j]! - other * mine[j]! + dot[j]!) * slope[j]! - along - weight * other * g[j]!;
    }
    return sum;
  }
}
