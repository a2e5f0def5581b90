// The noise of SGD's gradient about a network, by the Gram matrix of the examples.                                    theory §1, §11
//
//   C = (s/B) Σ_q m_q (g_q − ḡ)(g_q − ḡ)ᵀ = (s/B) Hᵀ H,   H = (√m_q (g_q − ḡ)) a row an example:   the eigenvalues of C are those of (s/B) H Hᵀ
//
// s = 1 where the batch is drawn with replacement, (n − B)/(n − 1) where it is not. In the coordinates of the landscape SGD is
// x ← x − ε g with noise of covariance ε² C; C = √w A √w with the A of `noiseCovariance`, where B = 1.

import { PURPOSE_PROBE } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Work } from "../measure/cells";
import type { Measure } from "../measure/measure";
import { type ProblemInput, parseProblem } from "../model/problem";
import { symmetricEigen } from "../model/symmetricEigen";
import { add, dot } from "../model/vectors";
import { rowProducts } from "../process/factorisation";
import { checkMemory } from "../process/schemaParts";
import { stream } from "../random/stream";
import { MOST_DENSE } from "./denseSpectrum";
import { lanczos } from "./lanczos";
import { type Landscape, landscape, landscapeParts } from "./landscape";
import { product } from "./operator";
import { checkInteger } from "./options";

/** Of `gradientNoise`. */
export interface NoiseOptions {
  /** B, examples a step (1) */
  batchSize?: number;
  /** whether a batch is drawn with replacement (true) */
  replacement?: boolean;
  /** eigenvectors of the Hessian, and eigenvalues of C, that are asked for (10, at most p and n) */
  count?: number;
  signal?: AbortSignal;
}

/** The covariance C of the gradient noise, in the coordinates of `landscapeOf`. */
export interface GradientNoise {
  /** Tr C */
  trace: number;
  /** the largest eigenvalues of C, descending */
  values: Float64Array;
  /** how many of its eigenvalues are above round-off; at most n − 1 */
  rank: number;
  /** ‖C‖_F */
  norm: number;
  /** Tr(HC)/(‖H‖_F ‖C‖_F), in [−1, 1]: the cosine between H and C; NaN where one of them is 0 */
  alignment: number;
  /** its standard error, where ‖H‖_F was sampled; 0 where it is exact */
  alignmentError: number;
  /** Tr(HC): the noise of a step of size ε adds (ε²/2) Tr(HC) to the energy, to second order */
  hessianTrace: number;
  /** ‖H‖_F */
  hessianNorm: number;
  /** the largest eigenvalues of H, descending */
  hessianValues: Float64Array;
  /** share of Tr C in the eigenvectors of the largest 1, 2, … eigenvalues of H; 0 where C is 0 */
  shares: Float64Array;
  /** whether those eigenvectors have converged */
  converged: boolean;
}

/** Products that the norm of a Hessian takes at most: as many coordinates are exact. */
const NORM_PRODUCTS = 1024;
const NORM_PROBES = 64;

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* gradientNoise(
  input: ProblemInput,
  measure: Measure,
  engine: Engine,
  options: NoiseOptions = {},
): Work<GradientNoise> {
  const problem = parseProblem(input);
  const { law } = landscapeParts(problem, measure);
  const n = law.x.shape[0]!;
  const { batchSize = 1, replacement = true } = options;
  if (typeof replacement !== "boolean") throw new SpecError("replacement", replacement, "true or false");
  checkInteger("batchSize", batchSize, 1, replacement ? 1e9 : n, "examples a step");
  if (!replacement && law.weights !== null) {
    throw new SpecError("replacement", false, "true, as the examples have weights");
  }
  if (n > MOST_DENSE) {
    const remedy =
      "traceOf and lanczos take the operator v ↦ Σ m_q (g_q − ḡ)⟨g_q − ḡ, v⟩ of landscapeOf's exampleGradient.";
    throw new SpecError(
      "problem.law.x",
      law.x.shape,
      `at most ${MOST_DENSE} examples, as the Gram matrix is dense`,
      remedy,
    );
  }
  const about = landscape(problem, measure, engine);
  try {
    const p = about.size;
    const count = options.count ?? Math.min(10, p, n);
    checkInteger("count", count, 1, Math.min(p, n), "eigenvalues");
    checkMemory([{ path: "problem.law.x", found: law.x.shape, bytes: 8 * n * (p + n) }]);
    const factor = (replacement ? 1 : n === 1 ? 0 : (n - batchSize) / (n - 1)) / batchSize;
    const rows = yield* centredGradients(about, problem.confinement && law.decay ? law.decay.data : null);
    const gram = new Float64Array(n * n);
    rowProducts(rows, n, p, gram);
    yield undefined;
    const { values: ascending } = symmetricEigen(gram, n);
    const all = ascending.reverse().map((value) => Math.max(0, value));
    const rank = all.filter((value) => value > 8 * n * Number.EPSILON * all[0]!).length;
    let trace = 0;
    for (let q = 0; q < n; q++) trace += gram[q * n + q]!;
    const norm = Math.sqrt(dot(gram, gram));

    const w = new Float64Array(p);
    let hessianTrace = 0;
    for (let q = 0; q < n; q++) {
      const g = rows.subarray(q * p, (q + 1) * p);
      product(about.hessian, g, w);
      hessianTrace += dot(g, w);
      yield undefined;
    }
    const frobenius = yield* hessianNorm(about);
    const top = yield* lanczos(about.hessian, { count, vectors: true });
    const shares = new Float64Array(count);
    for (let k = 0, sum = 0; k < count; k++) {
      const v = top.vectors!.subarray(k * p, (k + 1) * p);
      for (let q = 0; q < n; q++) {
        const along = dot(rows.subarray(q * p, (q + 1) * p), v);
        sum += along * along;
      }
      shares[k] = trace > 0 ? sum / trace : 0;
    }
    const alignment = hessianTrace / (frobenius.value * norm);
    return {
      trace: factor * trace,
      values: all.subarray(0, count).map((value) => factor * value),
      rank: factor > 0 ? rank : 0,
      norm: factor * norm,
      alignment,
      alignmentError: Math.abs(alignment) * frobenius.relativeError,
      hessianTrace: factor * hessianTrace,
      hessianNorm: frobenius.value,
      hessianValues: top.values,
      shares,
      converged: top.converged.every(Boolean),
    };
  } finally {
    about.free();
  }
}

// √m_q (g_q − ḡ), a row an example; where examples have shares of the confinement, (decay_q − 1) ∇U is in g_q − ḡ too.
function* centredGradients(about: Landscape, decays: Float64Array | null): Work<Float64Array> {
  const { examples: n, size: p, masses } = about;
  const rows = new Float64Array(n * p);
  const mean = new Float64Array(p);
  for (let q = 0; q < n; q++) {
    const g = about.exampleGradient(q);
    rows.set(g, q * p);
    add(mean, masses[q]!, g);
    yield undefined;
  }
  const pull = about.gradient();
  add(pull, -1, mean);
  for (let q = 0; q < n; q++) {
    const row = rows.subarray(q * p, (q + 1) * p);
    add(row, -1, mean);
    if (decays) add(row, decays[q]! - 1, pull);
    const root = Math.sqrt(masses[q]!);
    for (let j = 0; j < p; j++) row[j]! *= root;
  }
  return rows;
}

// ‖H‖_F, from all columns, or from E|Hz|² for normal z.
function* hessianNorm(about: Landscape): Work<{ value: number; relativeError: number }> {
  const { size: p, hessian } = about;
  const w = new Float64Array(p);
  if (p <= NORM_PRODUCTS) {
    const e = new Float64Array(p);
    let sum = 0;
    for (let i = 0; i < p; i++) {
      e[i] = 1;
      product(hessian, e, w);
      e[i] = 0;
      sum += dot(w, w);
      yield undefined;
    }
    return { value: Math.sqrt(sum), relativeError: 0 };
  }
  const random = stream(0, { purpose: PURPOSE_PROBE, replica: 3 });
  const each = new Float64Array(NORM_PROBES);
  for (let probe = 0; probe < NORM_PROBES; probe++) {
    product(hessian, random.normals(p, { step: probe }), w);
    each[probe] = dot(w, w);
    yield undefined;
  }
  const mean = each.reduce((sum, x) => sum + x, 0) / NORM_PROBES;
  const spread = each.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (NORM_PROBES - 1);
  return { value: Math.sqrt(mean), relativeError: Math.sqrt(spread / NORM_PROBES) / mean / 2 };
}
