// What few pages use and is large, loaded when it is called: exact population gradients, and finite laws in place of sampled ones.

import type { Dataset, Law } from "./law";
import type { PeaksOptions } from "./peaks";
import type { PopulationField, PopulationProblem } from "./population";
import type { QuadratureOptions } from "./quadrature";
import type { TensorLike } from "./tensor";

/**
 * A finite law whose means are those of the given one, to the accuracy of the rule: for processes that want the full
 * gradient, and for any loss.
 *
 * Components of a mixture share the points, so labels keep their exact probabilities. A teacher labels its points without
 * noise: the same gradients, and a squared risk that is smaller by noise².
 *
 * @param law      anisotropic Gaussians of finite dimension, a mixture, or a teacher
 * @param options  points, rule: "gauss" (points on each axis) or "sobol" (points in all), seed of the scrambling
 * @throws {SpecError} where a product rule would have too many atoms, or the law has no examples or is finite already
 * @see theory §4
 */
export async function quadrature(law: Law, options: QuadratureOptions): Promise<Dataset> {
  return (await import("./quadrature")).quadrature(law, options);
}

/**
 * MATLAB's peaks as a classification problem: a finite law of points in the square [−3, 3]², uniform within each of the five classes that equal
 * ranges of the function's value make, 0 (lowest) to 4, and as many of each.
 *
 * @param options  perClass: points a class; seed: which points (0), of which a smaller set is the beginning of a larger one; labelNoise:
 *                 probability that a point is given another class, any of the four (0)
 * @returns a dataset: x of shape [5 perClass, 2]; y the classes 0, 1, 2, 3, 4, 0, … in turn, for the loss "crossEntropy" of 5 outputs
 * @throws {SpecError} with the path of the wrong field
 * @see theory §12; docs/classification.md
 */
export async function peaks(options: PeaksOptions): Promise<Dataset> {
  return (await import("./peaks")).peaks(options);
}

/**
 * MATLAB's peaks function and its class, 0 … 4, at points of the plane.
 *
 * @param x  [n, 2], a point a row
 * @throws {SpecError} where points have another dimension
 * @see theory §12
 */
export async function peaksAt(x: TensorLike): Promise<{ values: Float64Array; classes: Float64Array }> {
  return (await import("./peaks")).peaksAt(x);
}

/**
 * The mean velocity v̄ = −∇Ψ and the potential Ψ of a network on Gaussian inputs, exactly, as functions of its particles.
 *
 * @param problem  law: anisotropic Gaussians of finite dimension, a mixture, or a teacher; unit with one output
 * @throws {SpecError} where there is no exact gradient, with the remedy
 * @see theory §13
 */
export async function populationField(problem: PopulationProblem): Promise<PopulationField> {
  return (await import("./population")).populationField(problem);
}

/**
 * V(θ) = −E ⟨y, σ*(x; θ)⟩.
 *
 * @param problem  law: Gaussian, a teacher, or a dataset; unit
 * @param theta    one neuron, a row of length D
 * @throws {SpecError} where the law has no examples, or none in finite dimension
 * @see theory §1
 */
export async function externalPotential(problem: PopulationProblem, theta: Float64Array): Promise<number> {
  return (await import("./population")).externalPotential(problem, theta);
}

/**
 * U(θ, θ') = E ⟨σ*(x; θ), σ*(x; θ')⟩.
 *
 * @param problem  law: Gaussian, a teacher, or a dataset; unit
 * @param theta    one neuron, a row of length D
 * @param other    another one
 * @throws {SpecError} where the law has no examples, or none in finite dimension
 * @see theory §1
 */
export async function interaction(
  problem: PopulationProblem,
  theta: Float64Array,
  other: Float64Array,
): Promise<number> {
  return (await import("./population")).interaction(problem, theta, other);
}
