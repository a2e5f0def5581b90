// Kernels, loaded when they are called.

import type { Precision } from "../engine/memory";
import type { Measure } from "../measure/measure";
import type { ProblemInput } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import type { GramOptions, Matrix } from "./gram";
import type { Kernel } from "./kernel";

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
