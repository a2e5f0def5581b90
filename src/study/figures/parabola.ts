// A problem whose infimum and minimisers are known, whatever the temperature: units cos w at the inputs 1 and 2.    theory §7
//
// A law m of w predicts (E cos w, E cos 2w), a point of the convex hull of the parabola y₂ = 2y₁² − 1, |y₁| ≤ 1. The labels are
//
//   outside  (½ + 2A, −½ − A), on the normal of the parabola at cos w = ½: R = 5A²/2 at least, for laws on cos w = ½ alone
//   edge     (½, −½), on the parabola: R = 0 for the same laws, which have no density
//   inside   (1/5, −1/5): R = 0 for laws with a density
//
// In D dimensions the inputs are e_j and 2e_j, j = 1 … D, with the same labels for every j. Then F is the mean over coordinates of
// the energy in one dimension, and with U = τ|w|²/2 the free energy is (1/D) Σ_j [F_1(m_j) + Dτ H(m_j | N(0, 1))]
// for the marginals m_j: the minimiser is a product of D laws, each that of one dimension at the temperature Dτ.

import { log } from "../../engine/math";
import { cosine } from "../../model/activation";
import { dataset } from "../../model/law";
import { quadratic } from "../../model/potential";
import { type Problem, parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { ridge } from "../../model/unit";
import { fokkerPlanck } from "../../process/schema";
import { stationaryLaw } from "../stationaryLaw";

const BEYOND = 0.25;

/** Of the first-order condition; at the lowest temperatures round-off is a tenth of it. */
const TOLERANCE = 1e-5;

/** Where the labels lie. */
export const TARGETS = {
  outside: { labels: [0.5 + 2 * BEYOND, -0.5 - BEYOND], infimum: 2.5 * BEYOND * BEYOND },
  edge: { labels: [0.5, -0.5], infimum: 0 },
  inside: { labels: [0.2, -0.2], infimum: 0 },
} as const;

/** One of them. */
export type Target = keyof typeof TARGETS;

/** The names of all. */
export const TARGET_NAMES = Object.keys(TARGETS) as Target[];

/**
 * The problem with the confinement U = τ|w|²/2.
 *
 * @param target       labels
 * @param dimension    D
 * @param temperature  τ
 */
export function parabolaProblem(target: Target, dimension: number, temperature: number): Problem {
  const inputs = Array.from({ length: 2 * dimension }, (_, q) => {
    const row = new Array<number>(dimension).fill(0);
    row[Math.floor(q / 2)] = 1 + (q % 2);
    return row;
  });
  return parseProblem({
    law: dataset({ x: inputs, y: inputs.map((_, q) => TARGETS[target].labels[q % 2]!) }),
    unit: ridge(cosine()),
    start: gaussian({ radius: Math.sqrt(dimension) }),
    confinement: quadratic(temperature),
  });
}

/**
 * The stationary law m* of a problem in one or two dimensions, on cells of [−7, 7]^D.
 *
 * @param target   labels
 * @param options  dimension: 1 or 2; temperature: τ; cells: along each axis; signal: stops it
 * @returns its risk less the infimum; 𝓕(m*) = F + τ H(m* | N(0, I)) less inf F; the residual of the first-order condition
 */
export async function stationaryExcess(
  target: Target,
  options: { dimension: 1 | 2; temperature: number; cells: number; signal: AbortSignal | undefined },
): Promise<{ risk: number; freeEnergy: number; residual: number }> {
  const { dimension, temperature, cells, signal } = options;
  const problem = parabolaProblem(target, dimension, temperature);
  const box = Array.from({ length: dimension }, (): [number, number] => [-7, 7]);
  const { freeEnergy, residual } = await stationaryLaw(fokkerPlanck(problem, { temperature, cells, box }), {
    tolerance: TOLERANCE,
    ...(signal && { signal }),
  });
  const { infimum } = TARGETS[target];
  const normalisation = (dimension / 2) * log(2 * Math.PI);
  return {
    risk: 2 * freeEnergy.energy - infimum,
    freeEnergy: freeEnergy.value + temperature * normalisation - infimum / 2,
    residual,
  };
}
