// The figures by the theory that they belong to: where each statement is from, and where it is derived.

/** Where a figure's statement comes from. */
export interface Source {
  /** Chapter of the theory, and the paper or lecture, where there is one. */
  source: string;
  /** Page of docs/, and place there, that derives it or has its numbers. */
  note: string;
}

/** Figures of one chapter, in the order in which they are to be read. */
export interface Family {
  title: string;
  /** By name. */
  figures: Record<string, Source>;
}

const landscapes = "Mei, Montanari, Nguyen 2018";
const dimensionFree = "Mei, Misiakiewicz, Montanari 2019";
const langevin = "Hu, Ren, Šiška, Szpruch 2021";
const modified = "Gess, Kassing, Konarovskyi 2024";
const conservative = "Gess, Gvalani, Konarovskyi 2022";
const regularised = "Ali, Kolter, Tibshirani 2019";

/** All figures, each in one family. */
export const families: readonly Family[] = [
  {
    title: "SGD and its mean-field limit",
    figures: {
      "radial-density": { source: `theory §5; ${landscapes}, figure 1`, note: "radial.md" },
      "two-starts": { source: `theory §5, §13; ${landscapes}, figure 2`, note: "radial.md" },
      "relu-statistics": { source: `theory §5; ${landscapes}, figure 3`, note: "radial.md" },
      "dimension-free": { source: `theory §5; ${dimensionFree}`, note: "radial.md" },
      "dimension-free-bounds": {
        source: `theory §6; ${dimensionFree}`,
        note: "coupling.md#measured-what-the-dimension-does",
      },
      "four-gaps": { source: `theory §6; ${dimensionFree}`, note: "coupling.md#measured-the-four-gaps" },
      "rates-in-n-and-step": { source: `theory §3; ${conservative}`, note: "coupling.md" },
      barron: { source: "theory §3; Barron 1993", note: "barron.md#statement" },
    },
  },
  {
    title: "Mean-field Langevin dynamics",
    figures: {
      "free-energy": { source: `theory §7; ${langevin}, theorem 3`, note: "langevin.md#free-energy" },
      "w2-decay": { source: `theory §7; ${langevin}, theorem 5`, note: "langevin.md#w2-decay" },
      stability: { source: `theory §7; ${langevin}`, note: "langevin.md#stability" },
      hwi: { source: `theory §7; ${langevin}`, note: "langevin.md#hwi" },
      "particle-approximation": {
        source: `theory §7; ${langevin}, theorem 6`,
        note: "langevin.md#particle-approximation",
      },
      "gamma-limit": { source: `theory §7; ${langevin}`, note: "temperature.md" },
      "excess-risk": { source: `theory §7; ${landscapes}`, note: "temperature.md" },
      "feynman-kac": { source: `theory §7; Szpruch's lecture on ${langevin}`, note: "conventions.md" },
    },
  },
  {
    title: "Fluctuations",
    figures: {
      "w2-rate": { source: `theory §8; ${conservative}`, note: "superposition.md" },
      "clt-rate": { source: `theory §8; ${conservative}`, note: "superposition.md" },
      "law-of-sgd": { source: `theory §8; ${conservative}`, note: "superposition.md" },
      "weak-orders": { source: `theory §8; ${modified}`, note: "modifiedFlows.md#weak-errors" },
      "two-point-failure": { source: `theory §8; ${modified}`, note: "modifiedFlows.md#order-2-at-several-points" },
      "rve-cost": { source: "theory §8; Rotskoff, Vanden-Eijnden 2022", note: "superposition.md" },
      "prediction-bands": {
        source: "theory §8; Sirignano, Spiliopoulos 2020",
        note: "fluctuations.md#prediction-bands",
      },
    },
  },
  {
    title: "Kernels",
    figures: {
      "ntk-spectrum": { source: "theory §9; Jacot, Gabriel, Hongler 2018", note: "lazy.md#width-at-the-start" },
      "hessian-norm": { source: "theory §9; Ruthotto's lecture, 2025", note: "lazy.md#width-at-the-start" },
      "kernel-drift": { source: "theory §9; Chizat, Oyallon, Bach 2019", note: "lazy.md#the-dial" },
    },
  },
  {
    title: "Gradient flow as a regulariser",
    figures: {
      "ridge-path": { source: `theory §10; ${regularised}`, note: "regularisation.md#the-flow-and-the-ridge-path" },
      "sgf-mean": {
        source: "theory §10; Ali, Dobriban, Tibshirani 2020",
        note: "regularisation.md#stochastic-gradient-flow",
      },
      "gibbs-basins": { source: "theory §10; Ruthotto's lecture, 2025", note: "regularisation.md" },
    },
  },
  {
    title: "Landscape and finite steps",
    figures: {
      "sharpness-invariance": {
        source: "theory §11; Ruthotto's lecture, 2025",
        note: "landscape.md#information-geometric-sharpness",
      },
      "edge-of-stability": {
        source: "theory §11; Cohen et al. 2021, 2025",
        note: "edgeOfStability.md#the-edge-of-stability",
      },
      catapult: { source: "theory §11; Lewkowycz et al. 2020", note: "edgeOfStability.md#the-catapult" },
      "batch-sharpness": {
        source: "theory §11; Keskar et al. 2017",
        note: "edgeOfStability.md#small-and-large-batches",
      },
      "backward-error": {
        source: "theory §11; Barrett, Dherin 2021; Smith et al. 2021",
        note: "finiteSteps.md#backward-error-of-gd",
      },
      "robbins-monro": {
        source: "theory §11; Robbins, Monro 1951; Polyak, Juditsky 1992",
        note: "finiteSteps.md#falling-steps",
      },
      "sweet-spot": { source: "theory §11; Smith et al. 2021", note: "finiteSteps.md#the-sweet-spot" },
    },
  },
  {
    title: "Classification",
    figures: {
      peaks: { source: "theory §12; Ruthotto's lecture, 2025", note: "classification.md" },
      "peaks-mean-field": {
        source: "theory §12; Ruthotto's lecture, 2025",
        note: "classification.md#the-mean-field-network",
      },
      "double-descent": { source: "theory §12; Ruthotto's lecture, 2025", note: "classification.md#double-descent" },
    },
  },
];
