// Information-geometric sharpness: the gradients of the examples in the metric of the Fisher–Gauss–Newton matrix.           theory §11
//
//   IGS(θ) = Σ_q m_q ∇ℓ_qᵀ F† ∇ℓ_q,   F = Σ_q m_q J_qᵀ J_q = J̃ᵀJ̃,   J̃ = (√m_q J_q):
//   IGS(θ) = Σ_q r_qᵀ P_qq r_q,   P = J̃ (J̃ᵀJ̃)† J̃ᵀ, the projector of R^{nK} onto the range of J̃
//
// P knows the range of J̃ alone, so IGS is the same in the coordinates θ' = Dθ, J̃' = J̃ D⁻¹; and where J̃ has all its nK rows independent, P
// is the identity and IGS is Σ|r_q|², the loss and no more.
//
// Columns of J̃ are divided by their lengths before anything is decided: rank and cut-off do not feel a diagonal D either.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Work } from "../measure/cells";
import type { Measure } from "../measure/measure";
import type { ProblemInput } from "../model/problem";
import { symmetricEigen } from "../model/symmetricEigen";
import { add, dot, norm, normalise, orthogonalise } from "../model/vectors";
import { checkMemory } from "../process/schemaParts";
import { MOST_DENSE } from "./denseSpectrum";
import { type Landscape, type LandscapeOptions, landscape } from "./landscape";

/** Of `informationSharpness`. */
export interface InformationOptions {
  /**
   * "qr", orthogonal columns of J̃ by pivoting, or "dual", eigenvectors of the Gram matrix J̃J̃ᵀ of the examples, which needs no room for J̃ but
   * sees singular values above 10⁻⁷ of the largest only; "qr" where it takes some seconds at most, unless it is said
   */
  method?: "qr" | "dual";
  /**
   * what counts as 0, as a part of the largest: a pivot of J̃ with columns of length 1 for "qr" (1e-8), the root of an eigenvalue of the Gram
   * matrix for "dual" (1e-6)
   */
  cutoff?: number;
  /** s of the coordinates s√w θ, as in `landscapeOf`: IGS does not feel them */
  scales?: LandscapeOptions["scales"];
  signal?: AbortSignal;
}

/** IGS, and what it was found with. */
export interface InformationSharpness {
  value: number;
  /** Σ_q |r_q|², which IGS is where the rank is nK, and never exceeds */
  residuals: number;
  /** of J̃, of which there are rows nK and columns p that are not 0 */
  rank: number;
  rows: number;
  columns: number;
  /** below which a pivot, or the root of an eigenvalue, counted as 0, as a part of the largest */
  cutoff: number;
  /**
   * the smallest that counted, and the largest that did not (0 where there is none), as parts of the largest: round-off in the value is about
   * 2^−52 over the first, over its square for "dual"
   */
  smallestKept: number;
  largestDropped: number;
  /** whether all nK rows are independent: then IGS is the loss and no more */
  isLoss: boolean;
  method: "qr" | "dual";
}

/** Multiplications that the pivoted columns take in some seconds. */
const QR_WORK = 4e9;

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* informationSharpness(
  problem: ProblemInput,
  measure: Measure,
  engine: Engine,
  options: InformationOptions = {},
): Work<InformationSharpness> {
  const { scales, cutoff } = options;
  if (options.method !== undefined && options.method !== "qr" && options.method !== "dual") {
    throw new SpecError("method", options.method, '"qr" or "dual"');
  }
  if (cutoff !== undefined && !(cutoff > 0 && cutoff < 1)) {
    throw new SpecError("cutoff", cutoff, "a number between 0 and 1");
  }
  const about = landscape(problem, measure, engine, scales === undefined ? {} : { scales });
  try {
    const rows = about.examples * about.outputs;
    const p = about.size;
    const work = 4 * rows * p * Math.min(rows, p);
    const method = options.method ?? (work <= QR_WORK && rows * p <= 2 ** 25 ? "qr" : "dual");
    const fewer = "Take fewer examples: a weighted dataset, or a part of it.";
    if (method === "dual" && rows > MOST_DENSE) {
      const expected = `at most ${MOST_DENSE} rows of J, examples times outputs, for the dual route, as its matrix is dense`;
      throw new SpecError("problem.law.x", [about.examples, about.outputs], expected, fewer);
    }
    checkMemory([
      { path: "problem.law.x", found: rows, bytes: 8 * (method === "qr" ? rows * p * 2 : rows * rows * 3) },
    ]);
    const r = about.residuals;
    const found = method === "qr" ? yield* pivotedRange(about, cutoff) : yield* gramRange(about, cutoff);
    let value = 0;
    const K = about.outputs;
    const along = new Float64Array(about.examples);
    for (const u of found.basis) {
      along.fill(0);
      for (let i = 0; i < rows; i++) along[Math.floor(i / K)]! += u[i]! * r[i]!;
      value += dot(along, along);
    }
    const { basis, ...rest } = found;
    const rank = basis.length;
    // atoms of no mass have no row that counts
    const counted = about.masses.reduce((sum, m) => sum + (m > 0 ? K : 0), 0);
    let residuals = 0;
    for (let i = 0; i < rows; i++) if (about.masses[Math.floor(i / K)]! > 0) residuals += r[i]! * r[i]!;
    return { value, residuals, rank, rows: counted, ...rest, isLoss: rank === counted, method };
  } finally {
    about.free();
  }
}

interface Range {
  /** orthonormal, of nK numbers each */
  basis: Float64Array[];
  columns: number;
  cutoff: number;
  smallestKept: number;
  largestDropped: number;
}

// Gram–Schmidt with column pivoting, twice for each column that is taken.
function* pivotedRange(about: Landscape, given: number | undefined): Work<Range> {
  const { examples: n, outputs: K, size: p, masses } = about;
  const rows = n * K;
  const all = new Float64Array(rows * p);
  for (let q = 0; q < n; q++) {
    const J = about.exampleJacobian(q);
    const root = Math.sqrt(masses[q]!);
    for (let k = 0; k < K; k++) {
      for (let j = 0; j < p; j++) all[j * rows + q * K + k] = root * J[k * p + j]!;
    }
    yield undefined;
  }
  const left: Float64Array[] = [];
  for (let j = 0; j < p; j++) {
    const column = all.subarray(j * rows, (j + 1) * rows);
    if (normalise(column) > 0) left.push(column);
  }
  const columns = left.length;
  const cutoff = given ?? 1e-8;
  const basis: Float64Array[] = [];
  const sizes = new Float64Array(columns).fill(1);
  let smallestKept = 0;
  let largestDropped = 0;
  while (left.length > 0) {
    let pivot = 0;
    for (let j = 1; j < left.length; j++) if (sizes[j]! > sizes[pivot]!) pivot = j;
    const column = left[pivot]!;
    const length = norm(column);
    if (basis.length === rows || length <= cutoff) {
      largestDropped = Math.max(0, length);
      break;
    }
    left[pivot] = left[left.length - 1]!;
    sizes[pivot] = sizes[left.length - 1]!;
    left.pop();
    smallestKept = length;
    normalise(column);
    // the parts that round-off left count for columns that are nearly dependent
    orthogonalise(column, basis);
    normalise(column);
    basis.push(column);
    for (let j = 0; j < left.length; j++) {
      add(left[j]!, -dot(column, left[j]!), column);
      sizes[j] = norm(left[j]!);
    }
    yield undefined;
  }
  if (basis.length === rows) largestDropped = 0;
  return { basis, columns, cutoff, smallestKept, largestDropped };
}

// Eigenvectors of J̃ S² J̃ᵀ, from products with J and Jᵀ alone.
function* gramRange(about: Landscape, given: number | undefined): Work<Range> {
  const { examples: n, outputs: K, size: p, masses } = about;
  const rows = n * K;
  const squares = new Float64Array(p);
  const roots = Float64Array.from({ length: rows }, (_, i) => Math.sqrt(masses[Math.floor(i / K)]!));
  for (let q = 0; q < n; q++) {
    const J = about.exampleJacobian(q);
    for (let k = 0; k < K; k++) for (let j = 0; j < p; j++) squares[j]! += masses[q]! * J[k * p + j]! * J[k * p + j]!;
    yield undefined;
  }
  let columns = 0;
  for (let j = 0; j < p; j++) {
    if (squares[j]! > 0) columns++;
    squares[j] = squares[j]! > 0 ? 1 / squares[j]! : 0;
  }
  const gram = new Float64Array(rows * rows);
  const c = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    c[i] = roots[i]!;
    const pulled = about.jacobianTransposed(c);
    c[i] = 0;
    for (let j = 0; j < p; j++) pulled[j]! *= squares[j]!;
    about.jacobian(pulled).forEach((x, at) => void (gram[i * rows + at] = roots[at]! * x));
    yield undefined;
  }
  const { values, vectors } = symmetricEigen(gram, rows);
  const largest = values[rows - 1]!;
  const cutoff = given ?? 1e-6;
  const part = (k: number) => Math.sqrt(Math.max(0, values[k]!) / largest);
  const basis: Float64Array[] = [];
  let k = rows - 1;
  for (; k >= 0 && largest > 0 && part(k) > cutoff; k--) {
    basis.push(Float64Array.from({ length: rows }, (_, i) => vectors[i * rows + k]!));
  }
  const smallestKept = basis.length > 0 ? part(k + 1) : 0;
  const largestDropped = k >= 0 && largest > 0 ? part(k) : 0;
  return { basis, columns, cutoff, smallestKept, largestDropped };
}
