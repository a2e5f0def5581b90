// Kernel regression f(x) = f_0(x) + k(x, X)(K + λI)⁻¹(Y − f_0(X)), and the gradient flow that has it as its end.              theory §9
//
//   df/dt = −k(·, X)(f(X) − Y), the flow of ½ Σ_q |f(x_q) − y_q|²:   f_t(x) = f_0(x) + k(x, X) K⁻¹(I − e^{−tK})(Y − f_0(X))
//
// Without a point q the regression predicts y_q − [(K + λI)⁻¹]_qq⁻¹ α_q there, α = (K + λI)⁻¹(Y − f_0): so all are left out at the cost of an
// inverse. A kernel of K outputs that are not independent, as a network's own tangent kernel is, is a matrix of nK rows (q, k).

import { SpecError } from "../engine/errors";
import { expm1 } from "../engine/math";
import { withPauses } from "../engine/pause";
import { isRecord } from "../model/spec";
import type { TensorLike } from "../model/tensor";
import { dot } from "../model/vectors";
import { conditionEstimate, LANCZOS_STEPS } from "./cholesky";
import { gram } from "./gram";
import type { Kernel } from "./kernel";
import { readRows } from "./matrix/tiles";
import { checkSymmetric, type Entries, type KernelMatrix, readLabels, readMatrix } from "./matrixInput";
import { parseKernel } from "./schema";
import { byCholesky, byConjugateGradients, remainder } from "./solvers";
import { checkSpectrumRows, spectrum } from "./spectrum";

/** What is regressed, and how. */
export interface RegressionOptions {
  /** X, [n, d]: where the first argument is a kernel, not a matrix */
  x?: TensorLike;
  /** Y, [n] or [n, K] */
  y: TensorLike;
  /** f_0 at X, as y is (0) */
  start?: TensorLike;
  /** λ ≥ 0, in units of the kernel (0); "smallest": 0, or the least power of ten that makes K + λI regular where K is not */
  jitter?: number | "smallest";
  /** "cholesky" (default), up to 4000 rows; "cg", conjugate gradients, up to 16384 */
  method?: "cholesky" | "cg";
  /** of cg: the relative residual it ends at (1e-10) */
  tolerance?: number;
  /** of cg: the most iterations (2000) */
  iterations?: number;
  signal?: AbortSignal;
  /** is told how far the solution of the linear system is, from 0 to 1: it takes seconds from 2000 rows on */
  onProgress?: (progress: { fraction: number }) => void;
}

/** Numbers a point or input, row-major: shape [n, K], or [n] where y is. */
export interface RegressionValues {
  shape: number[];
  values: Float64Array;
}

/** Each point as the others predict it. */
export interface LeaveOneOut extends RegressionValues {
  /** mean of |y − f|² over the points */
  risk: number;
}

/** f along the gradient flow. */
export interface RegressionFlow {
  times: Float64Array;
  /** f_t at X: [T, n, K], [T, n] where y is [n] */
  training: RegressionValues;
  /** f_t at the new inputs; null where none were given */
  predictions: RegressionValues | null;
  /** ½ Σ_q |f_t(x_q) − y_q|², [T] */
  loss: Float64Array;
  /** of K, descending: each is the rate of a mode */
  eigenvalues: Float64Array;
  /** how many are above the cut-off, n 2^−52 of the largest; modes of the others do not move */
  rank: number;
}

/** A kernel regression. */
export interface KernelRegression {
  /** α = (K + λI)⁻¹(Y − f_0), as y is */
  coefficients: RegressionValues;
  /** f at X */
  fitted: RegressionValues;
  /** λ */
  jitter: number;
  /** ‖Y − f_0 − (K + λI)α‖/‖Y − f_0‖, as computed */
  residual: number;
  /** λ_max/λ_min of K + λI; null for cg */
  condition: number | null;
  /** exact up to 60 rows; else estimate: a lower bound by Lanczos' method, mostly within a few per cent; null for cg */
  conditionMethod: "exact" | "estimate" | null;
  /** of cg; null for cholesky */
  iterations: number | null;
  /** of cg: whether the residual came below the tolerance; true for cholesky */
  converged: boolean;
  /**
   * f at new inputs.
   *
   * @param x        [m, d]; where a matrix was given, k(x, X): [m, n], or [mK, nK] for outputs that are not independent
   * @param options  start: f_0 there, [m] or [m, K] as y is (0)
   */
  predict(x: KernelMatrix, options?: { start?: TensorLike; signal?: AbortSignal }): Promise<RegressionValues>;
  /** Each point as the others predict it: n³/6 multiplications more. Not for cg. */
  leaveOneOut(options?: { signal?: AbortSignal }): Promise<LeaveOneOut>;
  /**
   * f_t of the gradient flow on ½ Σ_q |f(x_q) − y_q|², exactly, by the eigenvalues of K: up to 700 rows. The jitter is no part of it.
   *
   * @param times    t ≥ 0, Infinity too
   * @param options  x: new inputs, as of `predict`; start: f_0 there
   */
  flow(
    times: ArrayLike<number>,
    options?: { x?: KernelMatrix; start?: TensorLike; signal?: AbortSignal },
  ): Promise<RegressionFlow>;
}

/** As in onDemand.ts. */
export async function kernelRegression(
  kernel: Kernel | KernelMatrix,
  options: RegressionOptions,
): Promise<KernelRegression> {
  const settings = readOptions(options);
  const { method, jitter: asked, signal } = settings;
  const y = readLabels(options.y, "options.y");
  const [n, K] = [y.shape[0]!, y.shape[1] ?? 1];
  const f0 = startAt(options.start, y.shape, "options.start");
  const { entries, size, isSingle, cross } = await kernelOf(kernel, settings, n, K);
  // outputs that are not independent are one column of nK rows
  const coupled = size > n;
  const columns = coupled ? 1 : K;
  const residuals = split(
    y.data.map((label, i) => label - f0[i]!),
    columns,
  );
  const onFraction = (fraction: number) => void options.onProgress?.({ fraction });
  const solved = await withPauses(
    method === "cg"
      ? byConjugateGradients(entries, size, residuals, settings, onFraction)
      : byCholesky(entries, size, residuals, asked, isSingle, onFraction),
    signal,
  );
  const { solution, factor, jitter } = solved;
  const left = await withPauses(remainder(entries, size, solved, residuals), signal);
  const condition = factor && (await withPauses(conditionEstimate(factor), signal));
  const alpha = joined(solution);
  const missing = joined(left.columns);
  const shaped = (values: Float64Array, ...front: number[]): RegressionValues => ({
    shape: [...front, ...y.shape.slice(1)],
    values,
  });
  const startFor = (start: TensorLike | undefined, count: number) =>
    startAt(start, [count, ...y.shape.slice(1)], "options.start");

  return {
    coefficients: shaped(alpha, n),
    fitted: shaped(
      y.data.map((label, i) => label - jitter * alpha[i]! - missing[i]!),
      n,
    ),
    jitter,
    residual: left.relative,
    condition,
    conditionMethod: factor && (size <= LANCZOS_STEPS ? "exact" : "estimate"),
    iterations: solved.iterations,
    converged: solved.converged,

    async predict(x, { start, signal: stop } = {}) {
      const fresh = await cross(x, "x", stop);
      const values = startFor(start, fresh.count);
      await withPauses(addProducts(fresh.entries, solution, values), stop);
      return shaped(values, fresh.count);
    },

    async leaveOneOut({ signal: stop } = {}) {
      if (!factor) {
        const remedy = "Leave points out one by one instead.";
        throw new SpecError("options.method", "cg", '"cholesky", as this takes the inverse', remedy);
      }
      const blocks = await withPauses(factor.inverseBlocks(coupled ? K : 1), stop);
      const values = y.data.slice();
      let risk = 0;
      for (let q = 0; q < n; q++) {
        const change = alpha.slice(q * K, (q + 1) * K);
        if (coupled) solveSmall(blocks.slice(q * K * K, (q + 1) * K * K), change);
        else for (let k = 0; k < K; k++) change[k]! /= blocks[q]!;
        for (let k = 0; k < K; k++) {
          values[q * K + k]! -= change[k]!;
          risk += change[k]! * change[k]!;
        }
      }
      return { ...shaped(values, n), risk: risk / n };
    },

    async flow(times, { x, start, signal: stop } = {}) {
      const at = readTimes(times);
      const remedy =
        "predict gives the end of the flow; for its course take fewer points, or gradientFlow of a network.";
      checkSpectrumRows(size, "options.y", remedy);
      const fresh = x === undefined ? null : await cross(x, "options.x", stop);
      const base = fresh && startFor(start, fresh.count);
      const square = factor ? upperMirrored(entries, size) : entries;
      const {
        values: rates,
        vectors,
        cutoff,
        rank,
      } = await spectrum(square, size, { isSingle, path: "kernel", remedy });
      const modes = residuals.map((r) => rates.map((_, i) => dot(vectors.subarray(i * size, (i + 1) * size), r)));
      const training = new Float64Array(at.length * n * K);
      const predictions = new Float64Array(fresh ? at.length * base!.length : 0);
      const loss = new Float64Array(at.length);
      const work = function* (): Generator<void, void, void> {
        for (const [i, t] of at.entries()) {
          const learned = rates.map((rate) => (rate > cutoff ? -expm1(-t * rate) : 0));
          const moved = joined(yield* combined(vectors, modes, learned));
          for (let j = 0; j < n * K; j++) {
            const f = f0[j]! + moved[j]!;
            training[i * n * K + j] = f;
            loss[i]! += 0.5 * (y.data[j]! - f) * (y.data[j]! - f);
          }
          if (!fresh) continue;
          const values = predictions.subarray(i * base!.length, (i + 1) * base!.length);
          values.set(base!);
          const shares = learned.map((share, mode) => (share === 0 ? 0 : share / rates[mode]!));
          yield* addProducts(fresh.entries, yield* combined(vectors, modes, shares), values);
        }
      };
      await withPauses(work(), stop);
      return {
        times: at,
        training: shaped(training, at.length, n),
        predictions: fresh && shaped(predictions, at.length, fresh.count),
        loss,
        eigenvalues: rates,
        rank,
      };
    },
  };
}

interface Settings {
  x: TensorLike | undefined;
  method: "cholesky" | "cg";
  jitter: number | "smallest";
  tolerance: number;
  iterations: number;
  signal: AbortSignal | undefined;
}

const FIELDS = ["x", "y", "start", "jitter", "method", "tolerance", "iterations", "signal", "onProgress"];

function readOptions(options: RegressionOptions): Settings {
  if (!isRecord(options)) throw new SpecError("options", options, "{ x, y, start, jitter, method, … }");
  for (const field of Object.keys(options)) {
    if (!FIELDS.includes(field)) {
      throw new SpecError(
        `options.${field}`,
        options[field as never],
        "no such field",
        `The fields are ${FIELDS.join(", ")}.`,
      );
    }
  }
  const { x, method = "cholesky", jitter = 0, tolerance = 1e-10, iterations = 2000, signal } = options;
  if (method !== "cholesky" && method !== "cg") throw new SpecError("options.method", method, '"cholesky" or "cg"');
  const isJitter = (jitter === "smallest" && method === "cholesky") || (jitter as number) >= 0;
  if (!isJitter || jitter === Infinity) {
    const word = method === "cholesky" ? ', or "smallest"' : "; the smallest that works is Cholesky's to find";
    throw new SpecError("options.jitter", jitter, `a number, 0 or more${word}`);
  }
  if (!(tolerance > 0 && tolerance < 1))
    throw new SpecError("options.tolerance", tolerance, "a number between 0 and 1");
  if (!(Number.isInteger(iterations) && iterations > 0)) {
    throw new SpecError("options.iterations", iterations, "a positive integer");
  }
  return { x, method, jitter, tolerance, iterations, signal };
}

/** Most rows: of Cholesky's method some nine seconds of one core with the condition number, of conjugate gradients a matrix of 2 GiB. */
const MOST_ROWS = { cholesky: 4000, cg: 16384 };

function checkRows(size: number, method: "cholesky" | "cg"): void {
  if (size <= MOST_ROWS[method]) return;
  const remedy =
    method === "cholesky"
      ? `Take fewer points, or method: "cg", conjugate gradients, up to ${MOST_ROWS.cg} rows.`
      : "Take fewer points, or the network itself: gradientDescent has no matrix.";
  throw new SpecError("options.y", `${size} rows`, `at most ${MOST_ROWS[method]} rows for method "${method}"`, remedy);
}

/** K, and k(x, X) for new inputs x. */
interface KernelAt {
  /** [size, size] */
  entries: Float64Array;
  size: number;
  isSingle: boolean;
  /** Rows of k(x, X), and to how many inputs they belong. */
  cross(
    x: KernelMatrix,
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<{ entries: Float64Array; count: number }>;
}

async function kernelOf(kernel: Kernel | KernelMatrix, settings: Settings, n: number, K: number): Promise<KernelAt> {
  const { x, method, signal } = settings;
  checkRows(n, method);
  if (isRecord(kernel) && "kind" in kernel) return fromInputs(parseKernel(kernel), x, n, signal);
  if (x !== undefined)
    throw new SpecError("options.x", "inputs", "none, as the first argument is a matrix, not a kernel");
  const matrix = readMatrix(kernel as KernelMatrix, "kernel");
  const { rows: size, columns } = matrix;
  if (size !== columns || (size !== n && size !== n * K)) {
    const rows = K > 1 ? `${n} rows, or ${n * K} for outputs that are not independent` : `${n} rows`;
    throw new SpecError("kernel", [size, columns], `a square matrix of ${rows}, as there are ${n} labels`);
  }
  checkRows(size, method);
  checkSymmetric(matrix, "kernel");
  return {
    entries: matrix.values,
    size,
    isSingle: matrix.isSingle,
    async cross(values, path) {
      const found: Entries = readMatrix(values, path);
      const rows = size > n ? K : 1;
      if (found.columns !== size || found.rows % rows !== 0) {
        throw new SpecError(
          path,
          [found.rows, found.columns],
          `k(x, X), of shape [${rows > 1 ? `${rows}m` : "m"}, ${size}]`,
        );
      }
      return { entries: found.values, count: found.rows / rows };
    },
  };
}

async function fromInputs(
  kernel: Kernel,
  x: TensorLike | undefined,
  n: number,
  signal: AbortSignal | undefined,
): Promise<KernelAt> {
  if (x === undefined) throw new SpecError("options.x", x, "the inputs X of the labels, [n, d]");
  const { count, dimension, values } = readRows(x, "options.x");
  if (count !== n) throw new SpecError("options.x", [count, dimension], `${n} inputs, as there are ${n} labels`);
  const inputs = { dtype: "f64", shape: [count, dimension], data: values } as const;
  const matrix = async (left: TensorLike, right: TensorLike | null, stop: AbortSignal | undefined) =>
    (await gram(kernel, left, right, stop ? { signal: stop } : {})).values;
  return {
    entries: await matrix(tensorOf(inputs), null, signal),
    size: n,
    isSingle: false,
    async cross(fresh, path, stop) {
      const rows = readRows(fresh as TensorLike, path, dimension);
      const left = { dtype: "f64", shape: [rows.count, dimension], data: rows.values } as const;
      return { entries: await matrix(tensorOf(left), tensorOf(inputs), stop), count: rows.count };
    },
  };
}

function tensorOf({ shape, data }: { shape: readonly number[]; data: Float64Array }): TensorLike {
  return { dtype: "f64", shape: [...shape], data };
}

function startAt(start: TensorLike | undefined, shape: readonly number[], path: string): Float64Array {
  if (start === undefined) return new Float64Array(shape.reduce((product, length) => product * length, 1));
  return readLabels(start, path, shape).data.slice();
}

function readTimes(times: ArrayLike<number>): Float64Array {
  const isList = Array.isArray(times) || ArrayBuffer.isView(times);
  if (!isList || times.length === 0) throw new SpecError("times", times, "a list of times, 0 or more");
  const read = Float64Array.from(times as ArrayLike<number>);
  const bad = read.findIndex((t) => !(t >= 0));
  if (bad >= 0) throw new SpecError(`times[${bad}]`, times[bad], "a time, 0 or more; Infinity is the end of the flow");
  return read;
}

/** Columns of rows, and rows of columns. */
function split(values: Float64Array, columns: number): Float64Array[] {
  return Array.from({ length: columns }, (_, c) => values.filter((_, i) => i % columns === c));
}

function joined(columns: readonly Float64Array[]): Float64Array {
  return new Float64Array(columns.length * columns[0]!.length).map(
    (_, i) => columns[i % columns.length]![Math.floor(i / columns.length)]!,
  );
}

/** values += k α, rows of as many numbers as α has columns. */
function* addProducts(
  k: Float64Array,
  alpha: readonly Float64Array[],
  values: Float64Array,
): Generator<void, void, void> {
  const size = alpha[0]!.length;
  for (let row = 0; row * alpha.length < values.length; row++) {
    alpha.forEach((column, c) => {
      values[row * alpha.length + c]! += dot(k.subarray(row * size, (row + 1) * size), column);
    });
    if (row % 64 === 63) yield;
  }
}

/** Σ_i factor_i mode_i v_i, a column for each of the modes'. */
function* combined(
  vectors: Float64Array,
  modes: readonly Float64Array[],
  factors: Float64Array,
): Generator<void, Float64Array[], void> {
  const n = factors.length;
  const out = modes.map(() => new Float64Array(n));
  for (const [c, column] of out.entries()) {
    for (let i = 0; i < n; i++) {
      const weight = factors[i]! * modes[c]![i]!;
      if (weight === 0) continue;
      for (let j = 0; j < n; j++) column[j]! += weight * vectors[i * n + j]!;
    }
    yield;
  }
  return out;
}

/** The matrix whose upper triangle stands above a Cholesky factor. */
function upperMirrored(entries: Float64Array, n: number): Float64Array {
  const out = entries.slice();
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[i * n + j] = entries[j * n + i]!;
  return out;
}

/** Solves A x = b in place for a small positive definite A, [K, K], which is overwritten. */
function solveSmall(A: Float64Array, b: Float64Array): void {
  const K = b.length;
  for (let p = 0; p < K; p++) {
    for (let i = p + 1; i < K; i++) {
      const factor = A[i * K + p]! / A[p * K + p]!;
      for (let j = p; j < K; j++) A[i * K + j]! -= factor * A[p * K + j]!;
      b[i]! -= factor * b[p]!;
    }
  }
  for (let i = K - 1; i >= 0; i--) {
    for (let j = i + 1; j < K; j++) b[i]! -= A[i * K + j]! * b[j]!;
    b[i]! /= A[i * K + i]!;
  }
}
