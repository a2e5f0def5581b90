// What few pages ask of measures, loaded when it is called: statistics of a density, and distances.

import { withPauses } from "../engine/pause";
import type { Problem } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import type { Assignment } from "./assignment";
import type { Box } from "./boxMasses";
import type { EnergyTest, EnergyTestOptions } from "./energy";
import type { EnsembleDistanceOptions } from "./ensembleDistance";
import type { FreeEnergy } from "./freeEnergy";
import type { Measure } from "./measure";
import type { SignedMeasure } from "./signed";
import type { SinkhornDivergence, SinkhornOptions } from "./sinkhorn";
import type { SlicedDistance, SlicedOptions } from "./slicedW2";

/**
 * The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a density of the parameters, and its parts.
 *
 * @param measure      a grid of one or two parameters
 * @param problem      whose energy and confinement
 * @param temperature  τ
 * @throws {SpecError} where the measure has no density
 * @see theory §7
 */
export async function freeEnergyOf(measure: Measure, problem: Problem, temperature: number): Promise<FreeEnergy> {
  return (await import("./freeEnergy")).freeEnergyOf(measure, problem, temperature);
}

/**
 * The dissipation ∫|∇(Ψ + U) + τ∇log m|² dm, which is −d𝓕/dt along the flow; infinite where an empty cell lies
 * beside a full one.
 *
 * @param measure      a grid of one or two parameters
 * @param problem      whose energy and confinement
 * @param temperature  τ
 * @throws {SpecError} where the measure has no density
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP 57 (2021), Theorem 3; theory §7
 */
export async function dissipationOf(measure: Measure, problem: Problem, temperature: number): Promise<number> {
  return (await import("./freeEnergy")).dissipationOf(measure, problem, temperature);
}

/**
 * ∫ m log m of a density of the parameters, the negative of Boltzmann's entropy.
 *
 * @param measure  a grid of one or two parameters
 * @throws {SpecError} where the measure has no density
 */
export async function entropyOf(measure: Measure): Promise<number> {
  return (await import("./freeEnergy")).entropyOf(measure);
}

/**
 * The norm of H^{−j}(R^D), ‖η‖² = ∫ |η̂|² (1 + |ξ|²)^{−j} dξ = ∬ k(x − y) η(dx) η(dy), of a measure or of a difference: an exact sum over
 * pairs of points with the Bessel-potential kernel k. Laws have it for j > D/2, fluctuations that carry displacements for
 * j > D/2 + 1. A grid counts with the middles of its cells.
 *
 * @param a        a law, a fluctuation, or a sum [{ factor, measure }, …] of such
 * @param b        what is taken away from it, or null
 * @param options  order: j, any number that is large enough; signal: stops it
 * @returns ‖a − b‖; differences below 10^−8 of the norm of a point mass are lost in round-off
 * @throws {SpecError} with the path of what is wrong
 * @example await negativeSobolev([{ factor: Math.sqrt(n), measure: network }, { factor: -Math.sqrt(n), measure: limit }], eta, { order: 4 })
 * @see theory §8; docs/distances.md
 */
export async function negativeSobolev(
  a: SignedMeasure,
  b: SignedMeasure | null,
  options: { order: number; signal?: AbortSignal },
): Promise<number> {
  const { negativeSobolev: work } = await import("./negativeSobolev");
  return withPauses(work(a, b, options), options?.signal);
}

/**
 * W2 between two laws of equally many points of equal weight, (min over permutations of the mean of |x_i − y_π(i)|²)^½, exactly. It takes
 * n³ operations: 0.2 s for n = 1000, more where the clouds have different shapes, and nothing can interrupt it.
 *
 * @param a  particles
 * @param b  as many particles
 * @returns distance, and permutation: the pairs of points that reach it
 * @throws {SpecError} where weights or numbers differ, or there are more than 4000 points (any number in one dimension)
 * @see docs/distances.md
 */
export async function w2Assignment(a: Measure, b: Measure): Promise<Assignment> {
  return (await import("./assignment")).w2Assignment(a, b);
}

/**
 * The sliced distance (∫ W2²(⟨u, ·⟩_# a, ⟨u, ·⟩_# b) du)^½ over the unit sphere of total mass 1, by random directions; exact in one
 * dimension, where it is W2. Between laws that are shifted by m it is |m|/√D.
 *
 * @param a        a law of any weights
 * @param b        another one
 * @param options  directions (256); seed (0): the same seed has the same directions; signal: stops it
 * @returns distance, standardError (of the directions; null where it is exact), method
 * @throws {SpecError} with the path of what is wrong
 * @see Bonneel, Rabin, Peyré, Pfister, J. Math. Imaging Vis. 51 (2015); docs/distances.md
 */
export async function slicedW2(
  a: Measure,
  b: Measure,
  options: SlicedOptions & { signal?: AbortSignal } = {},
): Promise<SlicedDistance> {
  const { slicedW2: work } = await import("./slicedW2");
  return withPauses(work(a, b, options), options.signal);
}

/**
 * The debiased divergence S_ε of entropic transport with the cost |x − y|², between laws of any weights and numbers of points. It is 0
 * between equal laws, W2² as ε → 0, and the square of the distance of the means as ε → ∞.
 *
 * @param a        a law
 * @param b        another one
 * @param options  regularisation: ε, in units of a squared distance; iterations: the most for each of three plans (1000); tolerance: of
 *                 the marginal error (1e-6); signal: stops it
 * @returns divergence; transport: OT_ε(a, b); marginalError; iterations; converged: look at it, the result is given either way
 * @throws {SpecError} with the path of what is wrong
 * @see Feydy et al., AISTATS 2019; docs/distances.md
 */
export async function sinkhorn(
  a: Measure,
  b: Measure,
  options: SinkhornOptions & { signal?: AbortSignal },
): Promise<SinkhornDivergence> {
  const { sinkhorn: work } = await import("./sinkhorn");
  return withPauses(work(a, b, options), options?.signal);
}

/**
 * The energy distance (2 E|X − Y| − E|X − X'| − E|Y − Y'|)^½, exactly: (2 ∫ (F − G)² dx)^½ in one dimension, a sum over pairs in more.
 *
 * @param a        a law
 * @param b        another one
 * @param options  signal: stops it
 * @throws {SpecError} with the path of what is wrong
 * @see Székely, Rizzo, J. Stat. Plan. Inference 143 (2013); docs/distances.md
 */
export async function energyDistance(a: Measure, b: Measure, options: { signal?: AbortSignal } = {}): Promise<number> {
  const { energyDistance: work } = await import("./energy");
  return withPauses(work(a, b), options.signal);
}

/**
 * Whether two samples are of one law: the test by permutations of their energy distance. It is exact at any sample size where rows are
 * independent, and sees every difference of laws as samples grow.
 *
 * @param samplesA  [n, p], a row a sample; numbers for p = 1
 * @param samplesB  [m, p]
 * @param options   permutations (999): the least p-value is 1/1000; seed (0); standardise: whether columns are divided by their standard
 *                  deviation in both samples together, for columns of different units (false); signal: stops it
 * @returns statistic: nm/(n + m) times the squared energy distance; pValue; permutations
 * @throws {SpecError} with the path of what is wrong
 * @see docs/distances.md
 */
export async function energyTest(
  samplesA: TensorLike,
  samplesB: TensorLike,
  options: EnergyTestOptions & { signal?: AbortSignal } = {},
): Promise<EnergyTest> {
  const { energyTest: work } = await import("./energy");
  return withPauses(work(samplesA, samplesB, options), options.signal);
}

/**
 * The Wasserstein distance of order p between two samples of a number, as of an observable over replicas: quantiles are paired, so the
 * sizes may differ. Of laws of one coordinate there are `w1` and `w2`.
 *
 * @param samplesA  numbers
 * @param samplesB  numbers
 * @param options   order: p, 1 or more, or Infinity (2)
 * @throws {SpecError} with the path of what is wrong
 * @see docs/distances.md
 */
export async function wasserstein(
  samplesA: TensorLike,
  samplesB: TensorLike,
  options: { order?: number } = {},
): Promise<number> {
  return (await import("./wasserstein")).wasserstein(samplesA, samplesB, options);
}

/**
 * The Wasserstein distance between two ensembles of measures, of the laws that random measures have: (min over permutations of the mean
 * of dist(a_r, b_π(r))^p)^{1/p}. Two ensembles of one law are apart by what sampling makes of them: compare with that.
 *
 * @param a        measures, as many as b has
 * @param b        measures
 * @param options  order: p, 1 or more (2); ground: dist, { kind: "w2" } (the default; exact, in more than one dimension an assignment for
 *                 each pair), { kind: "slicedW2", directions, seed } or { kind: "negativeSobolev", order }, which takes fluctuations
 *                 too; signal: stops it
 * @returns distance, and permutation: the pairs of measures that reach it
 * @throws {SpecError} where an ensemble is empty or sizes differ, or with the path of what is wrong
 * @see theory §8; docs/distances.md
 */
export async function ensembleDistance(
  a: readonly Measure[],
  b: readonly Measure[],
  options: EnsembleDistanceOptions & { signal?: AbortSignal } = {},
): Promise<Assignment> {
  const { ensembleDistance: work } = await import("./ensembleDistance");
  return withPauses(work(a, b, options), options.signal);
}

/**
 * Masses that a law has in boxes of its coordinates, as in half-lines about minima. A particle on a wall belongs to the box above it; a
 * cell of a grid to each box by its share.
 *
 * @param measure  particles or a grid
 * @param boxes    each [from, to] along each coordinate of a row, or [from, to] alone where there is one; null is no end
 * @throws {SpecError} with the path of what is wrong
 * @example await boxMasses(measure, [[null, 0], [0, null]])
 */
export async function boxMasses(measure: Measure, boxes: readonly Box[]): Promise<Float64Array> {
  return (await import("./boxMasses")).boxMasses(measure, boxes);
}
