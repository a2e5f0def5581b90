// The spectral density of a symmetric operator by stochastic Lanczos quadrature.                                           theory §11
//
//   (1/p) Tr f(A) = E vᵀ f(A) v,  v uniform on the sphere;   vᵀ f(A) v ≈ Σ_k τ_k² f(θ_k),   T = Y diag(θ) Yᵀ of Lanczos from v,  τ_k = Y_1k
//
// A probe of s steps is exact for polynomials of degree 2s − 1, so what is left is the spread of the probes, which gives the
// standard error.

import { PURPOSE_PROBE } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { exp } from "../engine/math";
import type { Work } from "../measure/cells";
import { symmetricEigen } from "../model/symmetricEigen";
import { dot, normalise, orthogonalise } from "../model/vectors";
import { stream } from "../random/stream";
import { checkOperator, type Operator, product } from "./operator";
import { checkInteger } from "./options";

/** Of `spectralDensity`. */
export interface DensityOptions {
  /** random directions (10) */
  probes?: number;
  /** Lanczos steps of each (80, at most p) */
  steps?: number;
  /** where the density is wanted: how many points over the spectrum (200), or the points */
  points?: number | ArrayLike<number>;
  /** standard deviation of the Gaussian that stands for an eigenvalue (1/100 of the spectrum's range) */
  width?: number;
  /** of the probes (0) */
  seed?: number;
  signal?: AbortSignal;
  /** called after each probe */
  onProgress?: (progress: { probes: number; most: number }) => void;
}

/** A law of eigenvalues, of total mass 1. */
export interface SpectralDensity {
  /** p: times p, numbers of eigenvalues */
  size: number;
  /** the quadrature of each probe: eigenvalues of its T, ascending, and weights of sum 1 */
  probes: { nodes: Float64Array; weights: Float64Array }[];
  points: Float64Array;
  /** at the points, the mean over probes */
  density: Float64Array;
  /** of each, from the spread of the probes; NaN for one probe */
  standardError: Float64Array;
  width: number;
}

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* spectralDensity(operator: Operator, options: DensityOptions = {}): Work<SpectralDensity> {
  const p = checkOperator(operator).size;
  const { probes: count = 10, seed = 0, points: wanted = 200, width: given, onProgress } = options;
  checkInteger("probes", count, 1, 1e6, "random directions");
  const steps = options.steps ?? Math.min(80, p);
  checkInteger("steps", steps, 1, 1e4, "steps of Lanczos' method");
  if (typeof wanted === "number") checkInteger("points", wanted, 2, 1e6, "points of the density");
  else {
    const bad = Array.from(wanted ?? []).findIndex((x) => !Number.isFinite(x));
    if (!(wanted?.length > 0) || bad >= 0) {
      throw new SpecError(
        bad >= 0 ? `points[${bad}]` : "points",
        wanted?.[bad] ?? wanted,
        "finite numbers, one or more",
      );
    }
  }
  if (given !== undefined && !(given > 0 && Number.isFinite(given))) {
    throw new SpecError("width", given, "a positive number");
  }
  const random = stream(seed, { purpose: PURPOSE_PROBE, replica: 1 });
  const probes: SpectralDensity["probes"] = [];
  for (let probe = 0; probe < count; probe++) {
    const v = random.normals(p, { step: probe });
    normalise(v);
    probes.push(yield* quadrature(operator, v, Math.min(steps, p)));
    onProgress?.({ probes: probe + 1, most: count });
  }

  const least = Math.min(...probes.map(({ nodes }) => nodes[0]!));
  const largest = Math.max(...probes.map(({ nodes }) => nodes[nodes.length - 1]!));
  const range = largest - least || Math.abs(largest) || 1;
  const width = given ?? range / 100;
  const points =
    typeof wanted === "number"
      ? Float64Array.from({ length: wanted }, (_, i) => {
          const share = i / (wanted - 1);
          return (1 - share) * (least - 4 * width) + share * (largest + 4 * width);
        })
      : Float64Array.from(wanted);
  const density = new Float64Array(points.length);
  const standardError = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const found = meanOver(probes, (node) => {
      const z = (points[i]! - node) / width;
      return exp((-z * z) / 2) / (width * ROOT_TWO_PI);
    });
    density[i] = found.value;
    standardError[i] = found.standardError;
    if (i % 64 === 63) yield undefined;
  }
  return { size: p, probes, points, density, standardError, width };
}

/** See the function of the same name in src/landscape/onDemand.ts. */
export function spectralMean(
  { probes }: Pick<SpectralDensity, "probes">,
  fn: (eigenvalue: number) => number,
): { value: number; standardError: number } {
  return meanOver(probes, fn);
}

const ROOT_TWO_PI = 2.5066282746310002;

function meanOver(
  probes: SpectralDensity["probes"],
  fn: (eigenvalue: number) => number,
): { value: number; standardError: number } {
  const each = probes.map(({ nodes, weights }) => nodes.reduce((sum, node, k) => sum + weights[k]! * fn(node), 0));
  const value = each.reduce((sum, x) => sum + x, 0) / each.length;
  const spread = each.reduce((sum, x) => sum + (x - value) * (x - value), 0);
  return { value, standardError: Math.sqrt(spread / (each.length - 1) / each.length) };
}

function* quadrature(
  operator: Operator,
  start: Float64Array,
  steps: number,
): Work<{ nodes: Float64Array; weights: Float64Array }> {
  const T = new Float64Array(steps * steps);
  const basis: Float64Array[] = [];
  let v = start;
  let scale = 0;
  for (let j = 0; j < steps; j++) {
    basis.push(v);
    const w = new Float64Array(start.length);
    product(operator, v, w);
    const size = Math.sqrt(dot(w, w));
    scale = Math.max(scale, size);
    T[j * steps + j] = dot(v, w);
    orthogonalise(w, basis);
    const beta = normalise(w);
    yield undefined;
    // the directions that v has a part in are all here
    if (beta <= 1e-14 * scale) break;
    if (j + 1 < steps) T[(j + 1) * steps + j] = T[j * steps + j + 1] = beta;
    v = w;
  }
  const n = basis.length;
  const { values, vectors } = symmetricEigen(T, n, steps);
  return { nodes: values, weights: Float64Array.from({ length: n }, (_, k) => vectors[k]! * vectors[k]!) };
}
