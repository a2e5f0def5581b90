// Solutions of (K + λI) α = R for a dense kernel matrix: by Cholesky's method, or by conjugate gradients.

import { SpecError } from "../engine/errors";
import { log } from "../engine/math";
import { dot } from "../model/vectors";
import { type Cholesky, cholesky, entryRoundOff } from "./cholesky";

/** α, a column for each of R, and what it took. */
export interface Solved {
  solution: Float64Array[];
  /** λ */
  jitter: number;
  /** null for conjugate gradients */
  factor: Cholesky | null;
  /** of conjugate gradients, the most of any column */
  iterations: number | null;
  converged: boolean;
}

/** Is told how much of the work is done, from 0 to 1. */
type OnFraction = (fraction: number) => void;

/** The last power of ten for a jitter, relative to the largest diagonal entry, that is still one. */
const MOST_JITTER = 1e-2;

/**
 * By Cholesky's method, n³/6 multiplications.
 *
 * @param entries  K, [n, n]; its lower triangle is overwritten
 * @param jitter   λ, or "smallest": 0 where K is regular, else the least power of ten that makes K + λI so
 * @param isSingle  whether entries were rounded to f32
 * @throws {SpecError} where K + λI is numerically singular, with the least jitter that makes it regular
 */
export function* byCholesky(
  entries: Float64Array,
  n: number,
  residuals: readonly Float64Array[],
  jitter: number | "smallest",
  isSingle: boolean,
  onFraction: OnFraction,
): Generator<void, Solved, void> {
  const roundOff = entryRoundOff(n, isSingle);
  let factor = yield* cholesky(entries, n, jitter === "smallest" ? 0 : jitter, { onFraction, roundOff });
  if (!factor) {
    const found = yield* leastJitter(entries, n, roundOff);
    if (jitter !== "smallest") {
      throw new SpecError(
        "options.jitter",
        jitter,
        `a jitter of ${found.jitter} or more, as K + λI is numerically singular`,
        'Points are repeated, or too near each other for this kernel. jitter: "smallest" finds that number itself; for the flow it is no matter.',
      );
    }
    factor = found;
  }
  const solution: Float64Array[] = [];
  for (const r of residuals) {
    const x = r.slice();
    factor.solve(x);
    solution.push(x);
    yield;
  }
  return { solution, jitter: factor.jitter, factor, iterations: null, converged: true };
}

function* leastJitter(entries: Float64Array, n: number, roundOff: number): Generator<void, Cholesky, void> {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, entries[i * n + i]!);
  if (largest === 0) throw new SpecError("kernel", "a matrix of zeros", "a kernel with k(x, x) > 0 for some point");
  let exponent = -320;
  const power = () => Number(`1e${exponent}`);
  while (power() < roundOff * largest) exponent++;
  for (; power() <= MOST_JITTER * largest; exponent++) {
    const factor = yield* cholesky(entries, n, power(), { roundOff });
    if (factor) return factor;
  }
  throw new SpecError(
    "kernel",
    `a matrix that a jitter of ${MOST_JITTER} of its largest diagonal entry leaves with a negative direction`,
    "a positive semidefinite matrix, as those of kernels are",
  );
}

/**
 * By conjugate gradients from 0, n² multiplications an iteration.
 *
 * @param entries   K, [n, n], both triangles; left as it is
 * @param settings  tolerance: of the residual, relative, at which a column is done; iterations: the most of a column
 */
export function* byConjugateGradients(
  entries: Float64Array,
  n: number,
  residuals: readonly Float64Array[],
  settings: { jitter: number | "smallest"; tolerance: number; iterations: number },
  onFraction: OnFraction,
): Generator<void, Solved, void> {
  const { tolerance, iterations } = settings;
  const jitter = settings.jitter as number;
  let most = 0;
  let converged = true;
  const solution: Float64Array[] = [];
  for (const [c, b] of residuals.entries()) {
    const x = new Float64Array(n);
    const r = b.slice();
    const p = b.slice();
    const image = new Float64Array(n);
    let square = dot(r, r);
    const first = square;
    const goal = tolerance * tolerance * first;
    let step = 0;
    for (; step < iterations && square > goal; step++) {
      yield* product(entries, n, jitter, p, image);
      const along = dot(p, image);
      // a direction without curvature: K + λI is singular to round-off
      if (!(along > 0)) break;
      const length = square / along;
      for (let i = 0; i < n; i++) {
        x[i]! += length * p[i]!;
        r[i]! -= length * image[i]!;
      }
      const next = dot(r, r);
      const turn = next / square;
      square = next;
      for (let i = 0; i < n; i++) p[i] = r[i]! + turn * p[i]!;
      const share = square > 0 ? log(square / first) / (2 * log(tolerance)) : 1;
      onFraction((c + Math.max(0, Math.min(1, share))) / residuals.length);
    }
    most = Math.max(most, step);
    converged &&= square <= goal;
    solution.push(x);
  }
  return { solution, jitter, factor: null, iterations: most, converged };
}

/** Multiplications between two pauses: a millisecond. */
const PIECE = 1e6;

function* product(
  entries: Float64Array,
  n: number,
  jitter: number,
  x: Float64Array,
  out: Float64Array,
): Generator<void, void, void> {
  const rows = Math.max(1, Math.floor(PIECE / n));
  for (let i = 0; i < n; i++) {
    let sum = jitter * x[i]!;
    const at = i * n;
    for (let j = 0; j < n; j++) sum += entries[at + j]! * x[j]!;
    out[i] = sum;
    if (i % rows === rows - 1) yield;
  }
}

/** R − (K + λI) α, a column for each of R, and its norm relative to R's. */
export function* remainder(
  entries: Float64Array,
  n: number,
  { solution, jitter, factor }: Solved,
  residuals: readonly Float64Array[],
): Generator<void, { columns: Float64Array[]; relative: number }, void> {
  const columns: Float64Array[] = [];
  let left = 0;
  let all = 0;
  for (const [c, r] of residuals.entries()) {
    const image = new Float64Array(n);
    if (factor) factor.multiply(solution[c]!, image);
    else yield* product(entries, n, jitter, solution[c]!, image);
    for (let i = 0; i < n; i++) image[i] = r[i]! - image[i]!;
    left += dot(image, image);
    all += dot(r, r);
    columns.push(image);
    yield;
  }
  return { columns, relative: all === 0 ? 0 : Math.sqrt(left / all) };
}
