// Studies that few pages make, loaded when they are called. What they need of the functions that a page may leave out, `rate` and
// `ensemble`, is handed to them: esbuild keeps in a page what any part imports that is loaded on demand, called or not.

import { loadEngine } from "../engine/engine";
import type { Measure } from "../measure/measure";
import type { LinearProblem } from "../model/linearObjective";
import type { Objective } from "../model/objective";
import type { ProblemInput } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import type { NoiseCovariance, NoiseCovarianceOptions } from "../process/noiseCovariance";
import type { Process } from "../process/schema";
import type { CatapultOptions, CatapultRun, CatapultStart } from "./edge/catapult";
import type { EdgeOfStability, EdgeOptions } from "./edge/edgeOfStability";
import { ensemble } from "./ensemble";
import type { CovarianceOptions, FluctuationCovariance } from "./fluctuationCovariance";
import type { HessianNorms } from "./lazy/hessianNorm";
import type { LazyDial, LazyDialOptions } from "./lazyDial";
import type { LinearModelMoments, LinearModelOptions } from "./linearModel";
import type { LinearMoments, MomentOptions } from "./objective/linearMoments";
import type { NetworkObjective } from "./objective/network";
import type { ObjectivePaths, PathOptions } from "./objective/paths";
import type { ScheduledMoments, ScheduledOptions } from "./objective/scheduledMoments";
import type { QuadraticMinimum, StationaryCovariance, StationaryOptions } from "./objective/stationaryCovariance";
import type { WeakErrorOptions, WeakErrors } from "./objective/weakErrors";
import type { BandOptions, PredictionBands } from "./predictionBands";
import { rate } from "./rate";
import type { WidthOptions, WidthStudy } from "./widthStudy";

/**
 * The objective L(Θ) = N F(Θ) + Σ_i U(θ_i) of a network on a finite law: −∇L is the velocity of all neurons, and SGD on it is `sgd` of
 * the same step size. A point is θ row by row, p = ND numbers, and √N c after them where there is an output bias c.
 *
 * @param problem  a finite law, unit, start, loss and confinement
 * @param neurons  N
 * @throws {SpecError} where the law is not finite, or with the path of the wrong field
 * @see theory §8; docs/modifiedFlows.md
 */
export async function networkObjective(problem: ProblemInput, neurons: number): Promise<NetworkObjective> {
  return (await import("./objective/network")).networkObjective(problem, neurons);
}

/**
 * The objective of quadratic terms ℓ_q(x) = ½ xᵀ A_q x − b_qᵀ x, on which SGD is linear and `linearMoments` exact.
 *
 * @param problem  matrices: A_q, symmetric, [Q, p, p]; vectors: b_q, [Q, p] (0); weights: m_q, [Q] (1/Q each)
 * @throws {SpecError} with the path of the wrong field
 */
export async function linearObjective(problem: LinearProblem): Promise<Objective> {
  return (await import("../model/linearObjective")).linearObjective(problem);
}

/**
 * Sample paths on a finite-sum objective L = Σ_q m_q ℓ_q in R^p, from several starts under one noise, so that multi-point statistics
 * can be asked: of SGD, x ← x − (η/B) Σ_b ∇ℓ_{q_b}(x); of the gradient flow; of the stochastic modified flow (SMF),
 * dX = b(X) dt − √(η/B) Σ_q √m_q (∇ℓ_q − ∇L)(X) dB_q, with a Brownian motion for each term; and of the stochastic modified equation
 * (SME), dX = b(X) dt + √(η/B) Σ(X)^{1/2} dW, with one W in R^p. In order 1 b = −∇L, in order 2 b = −∇(L + (η/4)|∇L|²), whose
 * ∇²L∇L is the user's `hessianVector`, or central differences of ∇L.
 *
 * Schemes, for steps h and α = η/B: "splitting", half a Runge–Kutta step of the drift, the noise, half a step: weak error
 * O(h⁴ + αh² + α²h). "eulerMaruyama": weak error O(h). Both are of Itô's equation.
 *
 * @param objective  dimension: p; terms: Q; weights: m_q; gradient(q, x, out) writes ∇ℓ_q(x); optionally hessianVector(x, v, out),
 *                   covariance(x, out) in place of Σ in the SME, value(q, x)
 * @param options    method; order (1); stepSize: η; batchSize: B (1); times; timeStep: h (η); scheme ("splitting"); starts:
 *                   points of R^p; replicas (1), replica, seed
 * @returns states at the times, [times, replicas, starts, p]
 * @throws {SpecError} with the path of the wrong field, or with the term and point where a gradient is not finite
 * @throws {DivergenceError} where a path leaves all bounds
 * @example await objectivePaths({ dimension: 1, terms: 2, gradient: (q, x, out) => { out[0] = (q ? 3 : -1) * x[0]; } },
 *   { method: "smf", order: 2, stepSize: 0.05, times: [1], starts: [[1], [-1]], replicas: 100, seed: 1 })
 * @see Gess, Kassing, Konarovskyi, J. Mach. Learn. Res. 25 (2024); Li, Tai, E, J. Mach. Learn. Res. 20 (2019); docs/modifiedFlows.md
 */
export async function objectivePaths(objective: Objective, options: PathOptions): Promise<ObjectivePaths> {
  return (await import("./objective/paths")).objectivePaths(objective, options);
}

/**
 * Weak errors E φ(flow) − E φ(SGD) at a time T, of one or several points under one noise, at several step sizes, and their orders.
 *
 * The means are taken with a martingale control variate: the value function of each step as a polynomial, fitted to pilot paths,
 * times the noise of the step less its mean. It leaves the mean as it is, and little of the variance, so that errors of order 2 are
 * seen with a few thousand paths. Standard errors are those of what is left.
 *
 * @param objective  as in `objectivePaths`
 * @param options    statistic: φ(points), a point a start (L of the first); starts; time: T; stepSizes: η, each a whole number of
 *                   times in T; batchSize: B (1); methods: { method, order, scheme } of the flows; timeSteps: of a flow in a step of
 *                   SGD (2); replicas (2000); degree: of the polynomials (up to 4); level: of intervals (0.95); seed
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where a path leaves all bounds
 * @see docs/modifiedFlows.md
 */
export async function weakErrors(objective: Objective, options: WeakErrorOptions): Promise<WeakErrors> {
  return (await import("./objective/weakErrors")).weakErrors(objective, options, rate);
}

/**
 * First and second moments, those of pairs of starts under one noise among them, on quadratic terms: of SGD exactly, by recursion; of
 * the flows by the exponential of their moment equations, to round-off.
 *
 * @param problem  as in `linearObjective`
 * @param options  method; order (1); stepSize: η; batchSize: B (1); times; starts: points of R^p (one for "sme")
 * @returns means E x_s, [times, starts, p]; products E x_s x_rᵀ, [times, starts, starts, p, p]
 * @throws {SpecError} with the path of the wrong field
 * @see docs/modifiedFlows.md
 */
export async function linearMoments(problem: LinearProblem, options: MomentOptions): Promise<LinearMoments> {
  return (await import("./objective/linearMoments")).linearMoments(problem, options);
}

/**
 * The stationary covariance Σ of SGD with a constant step about a minimum: HΣ + ΣH − εHΣH = (ε/B) C, and on linear terms exactly, with the
 * noise that grows with the distance to the minimum; and Σ/ε for small steps, which is the covariance of ε_k^{−1/2}(θ_k − θ*) where ε_k
 * falls slower than 1/k.
 *
 * @param problem  quadratic terms as in `linearObjective`; or a problem of ridge(identity()) units on a finite law, whose mean weight is meant;
 *                 or { hessian, noise }, H and C at a minimum of any smooth loss ([p, p] each)
 * @param options  stepSize: ε; batchSize: B (1), of independent draws
 * @throws {SpecError} where H is not positive definite, or a step has no stationary law
 * @see theory §11; docs/finiteSteps.md
 */
export async function stationaryCovariance(
  problem: LinearProblem | ProblemInput | QuadraticMinimum,
  options: StationaryOptions,
): Promise<StationaryCovariance> {
  return (await import("./objective/stationaryCovariance")).stationaryCovariance(problem, options);
}

/**
 * Mean and covariance of SGD with step sizes ε ξ(kε) on linear terms, exactly, at a cost that does not depend on replicas; and those of the
 * average of its iterates.
 *
 * @param problem  quadratic terms as in `linearObjective`, or a problem of ridge(identity()) units on a finite law, whose mean weight is meant
 * @param options  stepSize: ε; schedule: ξ (1); batchSize: B (1), of independent draws; times; start: p numbers (0); signal, onProgress
 * @throws {SpecError} where H is not positive definite, or with the path of the wrong field
 * @see theory §11; docs/finiteSteps.md
 */
export async function scheduledMoments(
  problem: LinearProblem | ProblemInput,
  options: ScheduledOptions,
): Promise<ScheduledMoments> {
  return (await import("./objective/scheduledMoments")).scheduledMoments(problem, options);
}

/**
 * Mean, variance and two-particle covariance of N interacting particles whose steps are linear, exactly and at a cost that does not
 * depend on N: ridge(identity()) units of one weight on a finite law, so that an example (x, y) moves a particle X_i by
 * x (y − x m̄) − λ_q X_i with m̄ the mean of all.
 *
 * @param process  sgd, gradientDescent, langevin, modifiedFlow, correlatedNoise, smfeGrid or fluctuations, in its steps; gradientFlow
 * @param times    ascending; each is rounded to whole steps
 * @param options  continuous: of the equation, not of its steps in time (false)
 * @returns at each time, E X_i; Var m̄ (of `fluctuations` Var⟨η, x⟩/n); Var X_i; Cov(X_i, X_j) for i ≠ j
 * @throws {SpecError} with the path of what makes the problem another one
 * @see docs/linearModel.md
 */
export async function linearModelMoments(
  process: Process,
  times: ArrayLike<number>,
  options: LinearModelOptions = {},
): Promise<LinearModelMoments> {
  return (await import("./linearModel")).linearModelMoments(process, times, options);
}

/**
 * A = E[G ⊗ G], the covariance of the gradient noise G = v − v̄ that all parameters of a network feel in a step of SGD: one step of size ε
 * and batch B moves them by a noise of covariance (ε²/B) A.
 *
 * @param problem  a finite law, unit, loss and confinement; its start is not used
 * @param measure  N neurons, or weighted particles
 * @param options  route: "particles", over the examples' own gradients (default), or "dataWeights", over unit increments of the
 *                 Brownian motions as `modifiedFlow` applies them; the two agree to round-off
 * @returns matrix: [n, n], n = ND, in the order of the rows of θ, and K more for an output bias; rank: to round-off
 * @throws {SpecError} where the law is not finite, the particles are not the problem's, or the matrix does not fit
 * @see Rotskoff, Vanden-Eijnden, Comm. Pure Appl. Math. 75 (2022); theory §1, §8
 */
export async function noiseCovariance(
  problem: ProblemInput,
  measure: Measure,
  options: NoiseCovarianceOptions = {},
): Promise<NoiseCovariance> {
  const [engine, found] = await Promise.all([loadEngine(), import("../process/noiseCovariance")]);
  return found.noiseCovariance(problem, measure, engine, options);
}

/**
 * The covariance of linear observables of the fluctuation η = √n (μ^n − μ⁰) of SGD in the limit of many neurons, without sampling: by the
 * adjoint of its linear equation, in parts for what the start and what the gradients give. SGD of n neurons has 1/n of it.
 *
 * @param problem  law, a unit with a second derivative, start, loss and confinement
 * @param options  neurons: n; stepSize, batchSize: ε and B (1); times; observe, by name: `predictions(x)`, `moments(name, order)` of a
 *                 coordinate of θ, or a function { value, gradient } of a neuron; particles, reference: which stand for μ⁰; points: of a
 *                 quadrature of a sampled law; timeStep: dt (ε); every: how many steps the adjoint goes back at once (1; more leave
 *                 O((every dt)²)); initialNoise: "gaussian" or "none" (given particles: "none"); gradientNoise (true); signal, onProgress, backend
 * @returns times; observables: where each stands among the n components; mean at μ⁰, [T, n]; covariance, [T, n, n], and its parts
 *          initial and gradient
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where μ⁰ or the linearisation is no longer finite
 * @example await fluctuationCovariance(problem, { neurons: 400, stepSize: 0.01, times: [1], observe: { f: predictions([[0], [1]]) } })
 * @see docs/fluctuations.md; theory §8
 */
export async function fluctuationCovariance(
  problem: ProblemInput,
  options: CovarianceOptions,
): Promise<FluctuationCovariance> {
  return (await import("./fluctuationCovariance")).fluctuationCovariance(problem, options);
}

/**
 * Bands in which SGD of N neurons and step ε will lie: for f(x), its mean-field limit ± quantiles of its Gaussian fluctuation, from one run
 * and its linearisation; for the risk, whose bias is as large as its spread, quantiles of an ensemble of modified flows.
 *
 * The linearisation is checked against nonlinear runs, perturbed by plus and minus the same noise. From the time at which its error is more
 * than a quarter of its size the bands of f(x) are refused: `bands` has null there, and `refusedFrom` the time.
 *
 * @param problem  law, a unit with a second derivative, start, loss and confinement
 * @param options  neurons: N; stepSize, batchSize: ε and B (1); x: inputs, [n, d]; times; level: of a band at each input and time
 *                 (0.95); ensemble: replicas for the risk (400; 0 for no band of it); pairs: of the check (8); spreadParticles: of μ⁰ for the variances
 *                 (512, as per cents do there);
 *                 particles, reference, points, timeStep, every, initialNoise, gradientNoise: as in `fluctuationCovariance`, with
 *                 `every` such that there are some 200 steps at most; seed: of the
 *                 check and the ensemble, whose replicas no SGD of the same seed shares; workers; signal, onProgress, backend
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where μ⁰, the linearisation or a modified flow is no longer finite
 * @example await predictionBands(problem, { neurons: 800, stepSize: 0.01, x: [[-1], [0], [1]], times: [0.5, 1, 2] })
 * @see docs/fluctuations.md; theory §8
 */
export async function predictionBands(problem: ProblemInput, options: BandOptions): Promise<PredictionBands> {
  return (await import("./predictionBands")).predictionBands(problem, options, ensemble);
}

/**
 * The dial between the lazy and the mean-field limit: networks f = N^−γ Σ σ*(x; θ_i), or (α/N) Σ σ*(x; θ_i), from one start for all γ, trained
 * in the lazy time s = α² t, in which f moves at the same speed for every α: γ = ½ is the neural tangent kernel's scaling, γ = 1 the mean-field one.
 *
 * @param problem  a finite law, unit, start and loss; `affine(σ, { trainBias: false })` with `gaussian({ radius: 1, a: { mean: 0,
 *                 deviation: 1 } })` is the network of theory §9
 * @param options  neurons: N, one or several; exponents: γ from ½ to 1, or scales: α; times: s; stepSize: h = α² ε of gradient descent, or
 *                 method: "gradientFlow" with its tolerance; start: "given", "paired" (neurons come with a twin of output −a, so f is 0 at
 *                 time 0) or "centred" (f − f_0 is trained); x: further inputs; replicas (1), seed, replica (0, 0); keep: "measures"; signal,
 *                 onProgress, backend
 * @returns for each N and scale, over replicas and at each time: loss, kernelDrift |K_s − K_0|_F/|K_0|_F, relativeMovement |θ_s − θ_0|/|θ_0|,
 *          neuronMovement (its root mean square a neuron), alignment of the kernel with the labels, linearGap (distance of f from the network
 *          linearised at its start), and at the further inputs predictions and linearised
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where a run diverges
 * @example await lazyDial(problem, { neurons: [64, 256], exponents: [0.5, 0.75, 1], times: [0, 1, 10], stepSize: 0.1, start: "paired", replicas: 8 })
 * @see Chizat, Oyallon, Bach, NeurIPS 2019; docs/lazy.md
 */
export async function lazyDial(problem: ProblemInput, options: LazyDialOptions): Promise<LazyDial> {
  return (await import("./lazyDial")).lazyDial(problem, options);
}

/**
 * Networks f = N^−½ Σ a σ(⟨w, x⟩ + b) of growing width at their start, against the infinitely wide one: the tangent kernel K_N on the data and its
 * eigenvalues, |K_N − Θ|_F/|Θ|_F, |∇²f(x_q)|₂ at each input, and the length of the shortest step δθ* that fits the labels in the linearised network.
 *
 * @param problem  a finite law, an affine unit of one output, a Gaussian start; its f is taken with N^−½ in place of 1/N
 * @param options  neurons: N, a list; replicas (1), seed, replica (0, 0); signal, onProgress, backend
 * @returns limit: Θ, its eigenvalues, and the root mean square of |δθ*| there; points: one a width, with the numbers of each replica
 * @throws {SpecError} with the path of the wrong field
 * @example await widthStudy(problem, { neurons: [64, 256, 1024], replicas: 16 })
 * @see Jacot, Gabriel, Hongler, NeurIPS 2018; docs/lazy.md
 */
export async function widthStudy(problem: ProblemInput, options: WidthOptions): Promise<WidthStudy> {
  return (await import("./widthStudy")).widthStudy(problem, options);
}

/**
 * |∇²f_k(x)|₂, the norm of the Hessian of a network's output, not of its loss, in its parameters θ: exactly, from its blocks, one a neuron. It is that of the
 * mean f = N⁻¹ Σ σ*; √N times it is that of N^−½ Σ σ*, and N times it that in the coordinates of `landscapeOf`. The output bias has no part in it.
 *
 * @param problem  unit and dimension; σ has a second derivative
 * @param measure  a network, or weighted particles
 * @param x        inputs, [n, d]
 * @returns shape [n], or [n, K] for K outputs, and values
 * @throws {SpecError} with the path of what is wrong
 * @see docs/lazy.md
 */
export async function hessianNorm(problem: ProblemInput, measure: Measure, x: TensorLike): Promise<HessianNorms> {
  const [engine, found] = await Promise.all([loadEngine(), import("./lazy/hessianNorm")]);
  return found.hessianNorm(problem, measure, engine, x);
}

/**
 * Gradient descent at the edge of stability: loss, sharpness λ_max and |∇E|² along gradient descent of several steps ε, along the gradient flow
 * from the same start, and along the central flow w' = −∇(E + ½⟨H, Σ⟩), which holds λ_max at 2/ε by the covariance Σ of the oscillation
 * and tells what gradient descent is on average.
 *
 * @param problem  a finite law, unit, start, loss and confinement
 * @param options  neurons: N; stepSizes: ε, or ratios: ε in units of 2/λ_max at the flow's end; steps: most of them (4000); every: steps from
 *                 one look to the next (1); until: share of the start's loss at which all end (1e-4); substeps: of the central flow in a step of
 *                 gradient descent (2), 0 for none; seed, replica; backend, signal, onProgress
 * @returns flow; stableStep: 2/λ_max at its end; runs: one a step size, with status, verdict, and the mean of ε λ_max while the loss is between
 *          1e-1 and 1e-4 of its start
 * @throws {SpecError} with the path of the wrong field
 * @throws {DivergenceError} where the gradient flow leaves all bounds; gradient descent that does is a result
 * @example await edgeOfStability(problem, { neurons: 32, ratios: [0.7, 1.2, 1.5, 2], seed: 1 })
 * @see Cohen et al., ICLR 2021 and ICLR 2025; theory §11; docs/edgeOfStability.md
 */
export async function edgeOfStability(problem: ProblemInput, options: EdgeOptions): Promise<EdgeOfStability> {
  return (await import("./edge/edgeOfStability")).edgeOfStability(problem, options);
}

/**
 * The catapult on f = u·v/√n, L = f²/2, from a tangent kernel λ_0 = (|u|² + |v|²)/n: gradient descent of each rate η, run by the library's own
 * `gradientDescent` with ε = η/n. For large n η λ_0 < 2 is lazy, between 2 and 4 the loss rises to order n and falls to 0 where λ < 2/η, above 4
 * it diverges.
 *
 * @param options  neurons: n; rates: η; prediction: f_0 (1); kernel: λ_0 (2); steps: most of them (2000); backend, signal, onProgress
 * @returns runs: loss and λ along the steps, phase, largest loss and its step, final λ
 * @throws {SpecError} with the path of the wrong field
 * @see Lewkowycz et al. 2020; theory §11; docs/edgeOfStability.md
 */
export async function catapult(options: CatapultOptions): Promise<{ runs: CatapultRun[] }> {
  return (await import("./edge/catapult")).catapult(options);
}

/**
 * The problem of the catapult, f = u·v/√n on one example x = 1, y = 0, for any process: units √n a w, all neurons alike at the start,
 * u_i² + v_i² = λ_0 and u_i v_i = f_0/√n. A rate η of gradient descent on f²/2 is a step ε = η/n.
 *
 * @param options  neurons: n; prediction: f_0 (1), at most λ_0 √n/2 in size; kernel: λ_0 (2)
 * @throws {SpecError} with the path of the wrong field
 */
export async function catapultProblem(options: CatapultStart): Promise<ProblemInput> {
  return (await import("./edge/catapult")).catapultProblem(options);
}
