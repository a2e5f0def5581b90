// Extreme eigenvalues of a symmetric operator by Lanczos' method, thick-restarted, with full reorthogonalisation.      theory §11
//
//   A V = V T + w e_jᵀ,   T = Vᵀ A V,   T y = θ y:   A (V y) − θ V y = w y_j
//
// T is taken from products with all of V, so that a restart, which keeps some Ritz vectors V y, needs nothing of its own. One start
// vector sees an eigenvalue once, however often it is one: when all that were asked for have converged, a fresh random direction
// beside them looks for what they left out, until it finds nothing.

import { PURPOSE_PROBE } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import type { Work } from "../measure/cells";
import { symmetricEigen } from "../model/symmetricEigen";
import { add, dot, normalise, orthogonalise } from "../model/vectors";
import { stream } from "../random/stream";
import { checkOperator, type Operator, product } from "./operator";
import { checkInteger, checkTolerance } from "./options";

/** Of `lanczos`. */
export interface LanczosOptions {
  /** how many eigenvalues, of each end (1) */
  count?: number;
  /** which end; "both" gives the largest and then the smallest ("largest") */
  end?: "largest" | "smallest" | "both";
  /** residual at which a pair counts as converged, of the largest |λ| seen (1e-10) */
  tolerance?: number;
  /** most products with the operator, those for the residuals not counted (1000 + 50 an eigenvalue) */
  products?: number;
  /** vectors kept at once, p numbers each (4 an eigenvalue and 60 more) */
  basis?: number;
  /** whether to return eigenvectors (false) */
  vectors?: boolean;
  /** of the start (0) */
  seed?: number;
  signal?: AbortSignal;
  /** called now and then with the products done, the most there may be, and how many pairs have converged */
  onProgress?: (progress: { products: number; most: number; converged: number }) => void;
}

/** Numbers of vectors that are kept unless fewer do not do: 1 GiB. */
const KEPT = 2 ** 27;

/** Eigenvalues, from the end inward; of both ends the largest ones first. */
export interface Eigenvalues {
  /** [count], or [2 count] of both ends: Rayleigh quotients of the vectors found */
  values: Float64Array;
  /** |A v − λ v| of each, |v| = 1, from one more product each: some eigenvalue lies within this of λ */
  residuals: Float64Array;
  /** whether each residual is within the tolerance */
  converged: boolean[];
  /** [count, p], a row a vector, where they were asked for */
  vectors: Float64Array | null;
  /** products with the operator until the end, those for the residuals among them */
  products: number;
  /** largest |λ| seen, which the tolerance is of */
  scale: number;
}

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* lanczos(operator: Operator, options: LanczosOptions = {}): Work<Eigenvalues> {
  const p = checkOperator(operator).size;
  const { count = 1, end = "largest", tolerance = 1e-10, vectors = false, seed = 0, onProgress } = options;
  if (end !== "largest" && end !== "smallest" && end !== "both") {
    throw new SpecError("end", end, '"largest", "smallest" or "both"');
  }
  const most = end === "both" ? Math.floor(p / 2) : p;
  checkInteger("count", count, 1, most, `of ${p} eigenvalues${end === "both" ? ", half from each end" : ""}`);
  checkTolerance("tolerance", tolerance);
  const ends = end === "both" ? 2 : 1;
  const wanted = ends * count;
  const room = Math.max(2 * wanted + 10, Math.floor(KEPT / p));
  const basis = Math.min(p, options.basis ?? Math.min(4 * wanted + 60, room));
  checkInteger("basis", basis, Math.min(p, wanted + 4), p, "vectors kept at once, some more than eigenvalues");
  const limit = options.products ?? 1000 + 50 * wanted;
  checkInteger("products", limit, Math.min(p, wanted + 1), 1e9, "products, more than eigenvalues");
  const random = stream(seed, { purpose: PURPOSE_PROBE });

  const T = new Float64Array(basis * basis);
  let V: Float64Array[] = [];
  let next: Float64Array | null = null;
  let coupling = new Float64Array(basis);
  let done = 0;
  let scale = 0;
  let draws = 0;

  const fresh = (beside: readonly Float64Array[]): Float64Array => {
    for (;;) {
      const v = random.normals(p, { step: draws++ });
      normalise(v);
      orthogonalise(v, beside);
      // what is left of it is far above round-off, or it is drawn again
      if (normalise(v) > 1e-8) return v;
    }
  };
  // places of Ritz values that stand first from each end, in T's ascending order
  const first = (j: number, each: number): number[] => {
    const some = Math.min(j, each);
    const top = Array.from({ length: some }, (_, i) => j - 1 - i);
    const bottom = Array.from({ length: some }, (_, i) => i);
    if (end === "largest") return top;
    if (end === "smallest") return bottom;
    return [...top, ...bottom.slice(0, Math.min(some, j - some))];
  };
  const combine = (y: Float64Array, j: number, k: number): Float64Array => {
    const out = new Float64Array(p);
    for (let i = 0; i < j; i++) add(out, y[i * j + k]!, V[i]!);
    return out;
  };
  const restart = (kept: readonly number[], eigen: { values: Float64Array; vectors: Float64Array }): void => {
    const j = V.length;
    V = kept.map((k) => combine(eigen.vectors, j, k));
    T.fill(0);
    kept.forEach((k, i) => void (T[i * basis + i] = eigen.values[k]!));
  };

  let checkAt = Math.min(basis, wanted + 2);
  let before: number[] | null = null;
  let result: { places: number[]; vectors: Float64Array } | null = null;
  while (result === null) {
    // one more vector, and its products with all
    const v: Float64Array = next ?? fresh(V);
    if (next === null) coupling = new Float64Array(basis);
    V.push(v);
    const j = V.length;
    const w = new Float64Array(p);
    product(operator, v, w);
    done++;
    const size = Math.sqrt(dot(w, w));
    scale = Math.max(scale, Math.abs(dot(v, w)));
    const parts = new Float64Array(j);
    orthogonalise(w, V, parts);
    for (let i = 0; i < j; i++) T[i * basis + j - 1] = T[(j - 1) * basis + i] = parts[i]!;
    for (let i = 0; i + 1 < j; i++) {
      if (Math.abs(parts[i]! - coupling[i]!) <= 1e-3 * size + tolerance * scale) continue;
      throw new SpecError("operator", "an operator whose products ⟨u, Av⟩ and ⟨v, Au⟩ differ", "a symmetric operator");
    }
    coupling = new Float64Array(basis);
    const beta = normalise(w);
    // the vectors span an invariant space, and w is round-off: another direction, or all of R^p
    const closed = j === p || beta <= 1e-14 * Math.max(size, scale);
    next = closed ? null : w;
    if (next !== null) coupling[j - 1] = beta;

    if (j === p || j === basis || j >= checkAt || done >= limit) {
      checkAt = j + Math.max(2, j >> 3);
      const eigen = symmetricEigen(T, j, basis);
      scale = Math.max(scale, Math.abs(eigen.values[0]!), Math.abs(eigen.values[j - 1]!));
      const residual = (k: number) => (closed ? 0 : beta * Math.abs(eigen.vectors[(j - 1) * j + k]!));
      const places = first(j, count);
      // half of it, as what was left out at a restart is not in the estimate
      const settles = (k: number) => residual(k) <= 0.5 * tolerance * scale;
      const settled = places.filter(settles).length;
      onProgress?.({ products: done, most: limit, converged: j === p ? wanted : settled });
      if (j === p || done >= limit) {
        result = { places, vectors: eigen.vectors };
      } else if (settled === wanted && j > wanted) {
        const found = places.map((k) => eigen.values[k]!);
        const last = before;
        const same = last?.every((value, i) => Math.abs(value - found[i]!) <= 2 * tolerance * scale) ?? count === 1;
        // the next one is known as well, so that it does not belong before the last
        const beyond = first(j, count + 1).every(settles);
        if (same && (count === 1 || beyond)) {
          result = { places, vectors: eigen.vectors };
        } else if (!same) {
          before = found;
          restart(places, eigen);
          next = null;
          checkAt = Math.min(basis, wanted + 2);
        }
      }
      if (result === null && V.length === basis) {
        const kept = first(j, Math.ceil((wanted + Math.floor(0.4 * (basis - wanted))) / ends));
        const row = Float64Array.from(kept, (k) => eigen.vectors[(j - 1) * j + k]!);
        restart(kept, eigen);
        if (next !== null) {
          coupling = new Float64Array(basis);
          row.forEach((y, i) => void (coupling[i] = beta * y));
        }
        checkAt = Math.min(basis, V.length + Math.max(2, (basis - V.length) >> 1));
      }
    }
    yield undefined;
  }

  const { places, vectors: y } = result;
  const j = V.length;
  const pairs = places.length;
  const found = { values: new Float64Array(pairs), residuals: new Float64Array(pairs) };
  const all = new Float64Array(vectors ? pairs * p : 0);
  const w = new Float64Array(p);
  for (const [at, k] of places.entries()) {
    const v = combine(y, j, k);
    normalise(v);
    product(operator, v, w);
    done++;
    const value = dot(v, w);
    add(w, -value, v);
    found.values[at] = value;
    found.residuals[at] = Math.sqrt(dot(w, w));
    if (vectors) all.set(v, at * p);
    yield undefined;
  }
  const converged = Array.from(found.residuals, (r) => r <= tolerance * scale);
  onProgress?.({ products: done, most: limit, converged: converged.filter(Boolean).length });
  return { ...found, converged, vectors: vectors ? all : null, products: done, scale };
}
