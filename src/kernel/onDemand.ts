// Kernels, loaded when they are called.

import { loadEngine } from "../engine/engine";
import type { Precision } from "../engine/memory";
import type { Measure } from "../measure/measure";
import type { ProblemInput } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import type { GaussNewtonOptions, GaussNewtonStep } from "./gaussNewton";
import type { GramOptions, Matrix } from "./gram";
import type { Kernel } from "./kernel";
import type { KernelMatrix } from "./matrixInput";
import type { KernelRegression, RegressionOptions } from "./regression";

/**
 * The matrix k(x_i, y_j) of a kernel.
 *
 * @param kernel   `rbf`, `matern`, `arcCosine`, `erfKernel`, `nngp` or `ntk`
 * @param x        [n, d], an input a row
 * @param y        [m, d]; left out or null: x again, and the matrix is symmetric to the bit
 * @param options  precision ("f64"); out: the array that is filled, n·m numbers of the precision; backend; signal: stops it
 * @returns shape [n, m] and values, row-major
 * @throws {SpecError} with the path of what is wrong; of a matrix of more than 2 GiB before anything is allocated
 * @example const { values } = await gram(ntk(relu()), [[1, 0], [0.6, 0.8]]);
 * @see theory §9
 */
export async function gram<P extends Precision = "f64">(
  kernel: Kernel,
  x: TensorLike,
  y?: TensorLike | null,
  options?: GramOptions<P>,
): Promise<Matrix<P>> {
  return (await import("./gram")).gram(kernel, x, y, options);
}

/**
 * The matrix of a network's tangent kernel ∫ ∇_θ σ*(x; θ)·∇_θ σ*(x'; θ) ρ(dθ), over the parameters that are trained, and 1 more for an output
 * bias: df/dt = Σ_q m_q K r_q. For f = N^{−½} Σ a σ(⟨w, x⟩) it is J Jᵀ. The Jacobian is never formed.
 *
 * @param problem  unit and dimension
 * @param measure  particles θ
 * @param x        [n, d], an input a row
 * @param y        [m, d]; left out or null: x again, and the matrix is symmetric to the bit
 * @param options  as of `gram`; out has nK·mK numbers
 * @returns shape [nK, mK], rows (q, k) of output k at input q
 * @throws {SpecError} with the path of what is wrong
 * @see theory §9
 */
export async function tangentGram<P extends Precision = "f64">(
  problem: ProblemInput,
  measure: Measure,
  x: TensorLike,
  y?: TensorLike | null,
  options?: GramOptions<P>,
): Promise<Matrix<P>> {
  return (await import("./tangentGram")).tangentGram(problem, measure, x, y, options);
}

/**
 * Kernel regression f(x) = f_0(x) + k(x, X)(K + λI)⁻¹(Y − f_0(X)): its values at new inputs, each point as the others predict it, and the
 * gradient flow on ½ Σ_q |f(x_q) − y_q|² that has it as its end, exactly at every time.
 *
 * @param kernel   a kernel, or the matrix K of `gram`, `tangentGram` or your own: [n, n], or [nK, nK] for outputs that are not independent
 * @param options  x: X, [n, d], of a kernel; y: Y, [n] or [n, K]; start: f_0(X) (0); jitter: λ, in units of the kernel (0), or
 *                 "smallest": 0, or the least power of ten that makes K + λI regular where K is not; method: "cholesky" (default, up to 4000
 *                 rows) or "cg" (up to 16384), with tolerance (1e-10) and iterations (2000); signal, onProgress
 * @returns coefficients α, fitted, jitter, residual, condition and conditionMethod, and predict, leaveOneOut, flow
 * @throws {SpecError} with the path of what is wrong; of a K that is numerically singular, with the least jitter that is enough
 * @example const { predict, condition } = await kernelRegression(ntk(relu()), { x: [[1, 0], [0.6, 0.8]], y: [1, -1] });
 * @see theory §9; docs/kernels.md
 */
export async function kernelRegression(
  kernel: Kernel | KernelMatrix,
  options: RegressionOptions,
): Promise<KernelRegression> {
  return (await import("./regression")).kernelRegression(kernel, options);
}

/**
 * The Gauss–Newton step of least norm, δθ = Jᵀ(J Jᵀ)⁺(Y − f(X)), by the tangent kernel of the examples: it moves the linearisation of a
 * network onto its labels, or as near to them as it goes.
 *
 * @param problem  a finite law, a unit, the squared loss, no confinement; its start is not used
 * @param measure  N neurons, or weighted particles: the norm weighs them by their masses
 * @param options  step: how much of it is taken (1); cutoff: of the eigenvalues of J Jᵀ, relative (1e-12); jitter: λ in J Jᵀ + λI (0); backend;
 *                 signal
 * @returns measure: the network after it; norm and euclideanNorm; rank of rows, at a cutoff; residual of the linear system; lossBefore,
 *          lossAfter, linearisedLoss; coefficients
 * @throws {SpecError} with the path of what is wrong; of more than 4000 rows, examples times outputs, or 700 where some depend on others
 * @see theory §9; docs/kernels.md
 */
export async function gaussNewtonStep(
  problem: ProblemInput,
  measure: Measure,
  options: GaussNewtonOptions = {},
): Promise<GaussNewtonStep> {
  const [engine, found] = await Promise.all([loadEngine({ backend: options?.backend }), import("./gaussNewton")]);
  return found.gaussNewtonStep(problem, measure, engine, options);
}
