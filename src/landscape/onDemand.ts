// The landscape of the energy about a network: what pages ask for is loaded when it is called.                             theory §11

import { loadEngine } from "../engine/engine";
import type { Backend } from "../engine/kernels";
import { withPauses } from "../engine/pause";
import type { Measure, Particles } from "../measure/measure";
import type { Potential } from "../model/potential";
import type { ProblemInput } from "../model/problem";
import type { DenseSpectrum } from "./denseSpectrum";
import type { GibbsMasses, GibbsOptions } from "./gibbsMasses";
import type { GradientNoise, NoiseOptions } from "./gradientNoise";
import type { InformationOptions, InformationSharpness } from "./informationSharpness";
import type { Eigenvalues, LanczosOptions } from "./lanczos";
import type { Landscape, LandscapeOptions } from "./landscape";
import type { LinearFlow, LinearFlowOptions } from "./linearFlow";
import type { ModifiedLoss, ModifiedLossOptions } from "./modifiedLoss";
import type { Operator } from "./operator";
import type { DensityOptions, SpectralDensity } from "./spectralDensity";
import type { Trace, TraceOptions } from "./trace";

/**
 * The landscape of the energy E = Σ_q m_q ℓ_q + ∫U dρ about a network: gradient, Hessian–vector and Jacobian–vector products, exactly.
 *
 * Coordinates are x = (√w_i θ_i, c), w_i a neuron's weight: the flow of the library's time is x' = −∇E(x) in them, so that the Hessian is the
 * operator −Dv̄ of the linearised flow, N ∂²E/∂θ² for N equal weights, GD(ε) is stable where ε λ_max < 2, and J Jᵀ is the tangent kernel.
 * What is not trained is no coordinate. Where σ is piecewise linear its σ'' counts as 0, which it is almost everywhere.
 *
 * @param problem  a finite law, unit, loss and confinement; its start is not used
 * @param measure  a network, or weighted particles
 * @param options  precision ("f64"); scales: s of the coordinates s√w θ, D numbers or one a parameter; backend
 * @returns a handle in kernel memory: call `free()` when it has done
 * @throws {SpecError} where the law is not finite, the measure is no network of the problem's units, or U is a function of yours
 * @see theory §11; docs/landscape.md
 */
export async function landscapeOf(
  problem: ProblemInput,
  measure: Measure,
  options: LandscapeOptions & { backend?: Backend } = {},
): Promise<Landscape> {
  const [engine, { landscape }] = await Promise.all([loadEngine(options), import("./landscape")]);
  return landscape(problem, measure, engine, options);
}

/**
 * Largest or smallest eigenvalues of a symmetric operator, by Lanczos' method with full reorthogonalisation and thick restarts.
 * Eigenvalues that occur several times are found that often: fresh directions look for what one start vector cannot see.
 *
 * @param operator  { size, apply(v, out) }: a landscape's hessian, `matrixOperator(values)`, or yours
 * @param options   count: from each end (1); end: "largest" (default), "smallest" or "both"; tolerance: of the residuals, of the largest
 *                  |λ| (1e-10); products: most of them (1000 + 50 an eigenvalue); basis: vectors kept; vectors (false); seed (0); signal, onProgress
 * @returns values from the end inward, residuals |Av − λv| by a product of their own, which of them converged, products made
 * @throws {SpecError} with the path of the wrong option, or where a product is not finite or the operator not symmetric
 * @see Wu, Simon, SIAM J. Matrix Anal. Appl. 22 (2000) 602; docs/landscape.md
 */
export async function lanczos(operator: Operator, options: LanczosOptions = {}): Promise<Eigenvalues> {
  return withPauses((await import("./lanczos")).lanczos(operator, options), options.signal);
}

/**
 * λ_max of the Hessian about a network, in the units of `landscapeOf`: GD of step size ε is stable where ε λ_max < 2.
 *
 * @param problem  as in `landscapeOf`
 * @param measure  a network, or weighted particles
 * @param options  tolerance: of its residual, of the largest |λ| (1e-6); backend; signal
 * @returns value; residual, within which an eigenvalue lies; converged; products
 * @throws {SpecError} as `landscapeOf`
 */
export async function sharpnessOf(
  problem: ProblemInput,
  measure: Measure,
  options: { tolerance?: number; backend?: Backend; signal?: AbortSignal } = {},
): Promise<{ value: number; residual: number; converged: boolean; products: number }> {
  const [engine, { sharpness }] = await Promise.all([loadEngine(options), import("./sharpness")]);
  return withPauses(sharpness(problem, measure, engine, options), options.signal);
}

/**
 * All eigenvalues of a small symmetric operator, from its matrix.
 *
 * @param operator  of size 1024 at most, which takes a few seconds
 * @param options   vectors (false); signal
 * @returns values, descending; vectors, a row each
 * @throws {SpecError} where it is larger: lanczos has the ends of such a spectrum, spectralDensity the whole
 */
export async function denseSpectrum(
  operator: Operator,
  options: { vectors?: boolean; signal?: AbortSignal } = {},
): Promise<DenseSpectrum> {
  return withPauses((await import("./denseSpectrum")).denseSpectrum(operator, options), options.signal);
}

/**
 * The law of a symmetric operator's eigenvalues by stochastic Lanczos quadrature: from each of some random directions the quadrature of
 * vᵀ f(A) v, whose mean is (1/p) Tr f(A). It has each eigenvalue as a Gaussian of the width.
 *
 * @param operator  { size, apply(v, out) }
 * @param options   probes: directions (10); steps of each (80); points: how many, or which (200 over the spectrum); width: of the Gaussians
 *                  (1/100 of the range); seed (0); signal, onProgress
 * @returns the density at the points, of mass 1, with standard errors; the quadratures of the probes, for `spectralMean`
 * @throws {SpecError} with the path of the wrong option
 * @see Ubaru, Chen, Saad, SIAM J. Matrix Anal. Appl. 38 (2017) 1075; docs/landscape.md
 */
export async function spectralDensity(operator: Operator, options: DensityOptions = {}): Promise<SpectralDensity> {
  return withPauses((await import("./spectralDensity")).spectralDensity(operator, options), options.signal);
}

/**
 * (1/p) Tr f(A), with its standard error, from a spectral density: f(λ) = λ^k gives moments, an indicator a share of eigenvalues.
 *
 * @param density  of `spectralDensity`
 * @param fn       f
 */
export async function spectralMean(
  density: Pick<SpectralDensity, "probes">,
  fn: (eigenvalue: number) => number,
): Promise<{ value: number; standardError: number }> {
  return (await import("./spectralDensity")).spectralMean(density, fn);
}

/**
 * The trace of a symmetric operator by Hutch++: exact on the range of a sketch, so exact for a rank below a third of the products.
 *
 * @param operator  { size, apply(v, out) }
 * @param options   products: with the operator (90; p or more make it exact); seed (0); signal
 * @returns value, standardError, method and the products made
 * @throws {SpecError} with the path of the wrong option
 * @see Meyer, Musco, Musco, Woodruff, SOSA 2021; theory §11
 */
export async function traceOf(operator: Operator, options: TraceOptions = {}): Promise<Trace> {
  return withPauses((await import("./trace")).trace(operator, options), options.signal);
}

/**
 * The covariance C of SGD's gradient noise about a network, by the Gram matrix of the examples, and how it is aligned with the Hessian H:
 * the cosine Tr(HC)/(‖H‖_F ‖C‖_F), and the share of Tr C in the top eigenvectors of H. Coordinates are those of `landscapeOf`, in which a step
 * of SGD has noise of covariance ε² C.
 *
 * @param problem  a finite law of 1024 examples at most, unit, loss and confinement
 * @param measure  a network, or weighted particles
 * @param options  batchSize: B (1); replacement (true); count: eigenvalues and eigenvectors (10); signal, backend
 * @throws {SpecError} as `landscapeOf`, or with the path of the wrong option
 * @see theory §1, §11; docs/landscape.md
 */
export async function gradientNoise(
  problem: ProblemInput,
  measure: Measure,
  options: NoiseOptions & { backend?: Backend } = {},
): Promise<GradientNoise> {
  const [engine, found] = await Promise.all([loadEngine(options), import("./gradientNoise")]);
  return withPauses(found.gradientNoise(problem, measure, engine, options), options.signal);
}

/**
 * Information-geometric sharpness, IGS = Σ_q m_q ∇ℓ_qᵀ F† ∇ℓ_q with F = Σ_q m_q J_qᵀJ_q: unlike λ_max it is the same in all coordinates θ' = Dθ, and for
 * the two networks of `reluRescaled`. Where all nK rows of J are independent, as they mostly are for p ≥ nK, it is Σ|r_q|², the loss and no
 * more (`isLoss`).
 *
 * @param problem  a finite law, unit and loss; the confinement is not in it
 * @param measure  a network, or weighted particles
 * @param options  method: "qr" or "dual"; cutoff: of singular values; scales; signal, backend
 * @returns value, with Σ|r_q|², rank, cut-off and what lies on both sides of it
 * @throws {SpecError} as `landscapeOf`, or where there are more examples than its matrices hold
 * @see theory §11; docs/landscape.md
 */
export async function informationSharpness(
  problem: ProblemInput,
  measure: Measure,
  options: InformationOptions & { backend?: Backend } = {},
): Promise<InformationSharpness> {
  const [engine, found] = await Promise.all([loadEngine(options), import("./informationSharpness")]);
  return withPauses(found.informationSharpness(problem, measure, engine, options), options.signal);
}

/**
 * A symmetric matrix as an operator.
 *
 * @param values  [p, p], row-major
 * @throws {SpecError} where they are no square, not finite, or not symmetric to round-off
 */
export async function matrixOperator(values: ArrayLike<number>): Promise<Operator> {
  return (await import("./operator")).matrixOperator(values);
}

/**
 * A network with its parameters multiplied by a diagonal, θ' = Dθ.
 *
 * @param measure  a network, or weighted particles
 * @param scales   D numbers, the same for each neuron, N D, or N D + K with the output bias
 * @throws {SpecError} where there are not as many, or one is 0 or not finite
 */
export async function rescaled(measure: Measure, scales: ArrayLike<number>): Promise<Particles> {
  return (await import("./rescaled")).rescaled(measure, scales);
}

/**
 * The same function by other parameters: a → a/c, (b, w) → c (b, w) of each neuron, for a positively homogeneous σ.
 *
 * @param problem  its unit is affine with relu, leakyRelu or identity
 * @param measure  a network of it
 * @param factors  c > 0, one for all neurons or one each
 * @throws {SpecError} where σ is not homogeneous, or a factor is not positive
 * @see theory §11
 */
export async function reluRescaled(
  problem: ProblemInput,
  measure: Measure,
  factors: number | ArrayLike<number>,
): Promise<Particles> {
  return (await import("./rescaled")).reluRescaled(problem, measure, factors);
}

/**
 * The diagonal D of `reluRescaled`, N D numbers (and K ones for the output bias): since f(Dθ) = f(θ) for all θ, derivatives at Dθ are those at
 * θ in the coordinates Dθ, H(Dθ) = D⁻¹ H(θ) D⁻¹, which is `landscapeOf(problem, measure, { scales: D })`.
 *
 * @param problem  as in `reluRescaled`
 * @param measure  as in `reluRescaled`
 * @param factors  as in `reluRescaled`
 */
export async function reluScales(
  problem: ProblemInput,
  measure: Measure,
  factors: number | ArrayLike<number>,
): Promise<Float64Array> {
  return (await import("./rescaled")).reluScales(problem, measure, factors);
}

/**
 * The modified loss at a network: the one whose gradient flow follows the steps of GD to second order in ε, L + (ε/4)|∇L|²; or, of SGD
 * without replacement, the mean over the orders of an epoch, with (ε/4) E|∇L̂ − ∇L|² more, L̂ the loss of one batch. The mean of SGD with
 * independent draws follows that of GD. Its flow is `gradientFlow(problem, { correction: { stepSize, sampling, batchSize } })`.
 *
 * @param problem  a finite law, unit, loss and confinement; its start is not used
 * @param measure  a network, or weighted particles
 * @param options  stepSize: ε; sampling: "full" (default) or "withoutReplacement"; batchSize: B, a divisor of the number of examples (1)
 * @returns value and its parts: loss, gradientPenalty, noisePenalty; |∇L|² as squaredGradient and E|∇L̂ − ∇L|² as gradientVariance, in the
 *          library's time, so that |∇L|² = ∫|v̄|² dρ is −dL/dt along the gradient flow
 * @throws {SpecError} where the law is not finite, the measure is no network of the problem's units, or an epoch has no whole batches
 * @see Barrett, Dherin, ICLR 2021; Smith, Dherin, Barrett, De, ICLR 2021; theory §11; docs/finiteSteps.md
 */
export async function modifiedLoss(
  problem: ProblemInput,
  measure: Measure,
  options: ModifiedLossOptions,
): Promise<ModifiedLoss> {
  return (await import("./modifiedLoss")).modifiedLoss(problem, measure, options);
}

/**
 * The gradient flow of a linear model, L = ½|Aθ − b|² ("half") or |Aθ − b|² ("whole"), exactly by the singular values of A, beside the ridge
 * path θ_λ = argmin |Aθ − b|² + λ|θ − θ_0|²: solutions and filters of both, the minimiser nearest to the start, the gap between the flow at t
 * and ridge at λ = 1/t, and expected errors under a model of the data, with the best time and the best λ.
 *
 * @param options  A: [n, p]; b: [n]; start: θ_0, [p] (0); convention; cutoff: singular values at or below this part of the largest count as
 *                 0 (2^−52 max(n, p))
 * @returns rank, condition number, singular values, and functions `flow(t)`, `ridge(λ)`, `descent(k, η)`, `gap()`, `risks(…)`, `terms()`
 * @throws {SpecError} with the path of what is wrong, or where n p min(n, p) > 2^28: the decomposition takes up to some ten seconds,
 *                    and nothing can interrupt it
 * @example (await linearFlow({ A: [[1, 2, 0], [0, 1, 1]], b: [1, 2], convention: "half" })).flow(1)
 * @see Ali, Kolter, Tibshirani, AISTATS 2019; theory §10; docs/regularisation.md
 */
export async function linearFlow(options: LinearFlowOptions): Promise<LinearFlow> {
  return (await import("./linearFlow")).linearFlow(options);
}

/**
 * Masses of boxes under Gibbs' law exp(−U/τ)/Z on the line or in the plane, by Gauss's rule on panels that are halved until nothing changes.
 *
 * @param potential  U; `localPotential` will do, of which the gradient is not used
 * @param options    temperature: τ; domain: [from, to], or one such pair a coordinate, beyond which there is no mass; boxes: as in
 *                   `boxMasses`; tolerance: of the masses (1e-12); signal: stops it
 * @returns masses of the boxes; logPartition: log Z; error: the last change; converged: whether it is below the tolerance
 * @throws {SpecError} with the path of what is wrong
 * @example await gibbsMasses(quadratic(4), { temperature: 0.5, domain: [-5, 5], boxes: [[null, 0], [-1, 1]] })
 * @see theory §10; docs/regularisation.md
 */
export async function gibbsMasses(
  potential: Potential,
  options: GibbsOptions & { signal?: AbortSignal },
): Promise<GibbsMasses> {
  const { gibbsMasses: work } = await import("./gibbsMasses");
  return withPauses(work(potential, options), options?.signal);
}
