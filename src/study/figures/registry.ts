// The figures by name; each is loaded when it is run.

import { SpecError } from "../../engine/errors";
import type { Figure } from "./figure";

const loaders = {
  "radial-density": async () => (await import("./radialDensity")).radialDensity,
  "two-starts": async () => (await import("./twoStarts")).twoStarts,
  "relu-statistics": async () => (await import("./reluStatistics")).reluStatistics,
  "dimension-free": async () => (await import("./dimensionFree")).dimensionFree,
  "dimension-free-bounds": async () => (await import("./dimensionFreeBounds")).dimensionFreeBounds,
  "four-gaps": async () => (await import("./fourGaps")).fourGaps,
  "rates-in-n-and-step": async () => (await import("./ratesInNAndStep")).ratesInNAndStep,
  barron: async () => (await import("./barron")).barron,
  "feynman-kac": async () => (await import("./feynmanKac")).feynmanKac,
  "gamma-limit": async () => (await import("./gammaLimit")).gammaLimit,
  "excess-risk": async () => (await import("./excessRisk")).excessRisk,
  "free-energy": async () => (await import("./freeEnergy")).freeEnergy,
  "w2-decay": async () => (await import("./w2Decay")).w2Decay,
  stability: async () => (await import("./stability")).stability,
  hwi: async () => (await import("./hwi")).hwi,
  "particle-approximation": async () => (await import("./particleApproximation")).particleApproximation,
  "w2-rate": async () => (await import("./w2Rate")).w2Rate,
  "clt-rate": async () => (await import("./cltRate")).cltRate,
  "law-of-sgd": async () => (await import("./lawOfSgd")).lawOfSgd,
  "weak-orders": async () => (await import("./weakOrders")).weakOrders,
  "two-point-failure": async () => (await import("./twoPointFailure")).twoPointFailure,
  "rve-cost": async () => (await import("./rveCost")).rveCost,
  "prediction-bands": async () => (await import("./predictionBands")).predictionBands,
  "ntk-spectrum": async () => (await import("./ntkSpectrum")).ntkSpectrum,
  "hessian-norm": async () => (await import("./hessianNorm")).hessianNormFigure,
  "kernel-drift": async () => (await import("./kernelDrift")).kernelDrift,
  "ridge-path": async () => (await import("./ridgePath")).ridgePath,
  "sgf-mean": async () => (await import("./sgfMean")).sgfMean,
  "gibbs-basins": async () => (await import("./gibbsBasins")).gibbsBasins,
  "sharpness-invariance": async () => (await import("./sharpnessInvariance")).sharpnessInvariance,
  "edge-of-stability": async () => (await import("./edgeOfStability")).edgeOfStability,
  catapult: async () => (await import("./catapult")).catapult,
  "batch-sharpness": async () => (await import("./batchSharpness")).batchSharpness,
  "backward-error": async () => (await import("./backwardError")).backwardError,
  "robbins-monro": async () => (await import("./robbinsMonro")).robbinsMonro,
  "sweet-spot": async () => (await import("./sweetSpot")).sweetSpot,
  peaks: async () => (await import("./peaks")).peaksFigure,
  "peaks-mean-field": async () => (await import("./peaksMeanField")).peaksMeanField,
  "double-descent": async () => (await import("./doubleDescent")).doubleDescent,
} satisfies Record<string, () => Promise<Figure>>;

/** Names of the figures, in the order of theory §5, §6, §3, §7, §8 and §9 to §12. */
export const figureNames = Object.keys(loaders);

/**
 * The figure of a name.
 *
 * @param name  as in `radial-density`
 * @throws {SpecError} where there is none
 */
export async function loadFigure(name: string): Promise<Figure> {
  if (!Object.hasOwn(loaders, name)) throw new SpecError("figure", name, `one of ${figureNames.join(", ")}`);
  return loaders[name as keyof typeof loaders]();
}
