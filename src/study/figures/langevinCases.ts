// Mean-field Langevin dynamics of one parameter that several figures share, and what is known of each.          theory §7
//
// 𝓕 = F + ∫U dm + τ∫ m log m is κ-convex along geodesics of W2 with κ = inf U″ − sup|∂²Ψ|, because F is a convex function of
// means (docs/langevin.md). Its flow contracts like e^{−κt}, also where κ < 0, and κ is the constant of the HWI inequality.

import { identity, tabulate, tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { type Potential, quadratic, separable } from "../../model/potential";
import { type Problem, parseProblem, potentialProblem } from "../../model/problem";
import type { Start } from "../../model/start";
import { ridge } from "../../model/unit";

/** A problem of one parameter but for its start, and its constants. */
export interface LangevinCase {
  /** Stands on curves and in tables. */
  name: string;
  /** τ = σ²/2 */
  temperature: number;
  /** Walls of the grid: what is beyond has less mass than round-off. */
  box: [number, number];
  /** κ: 𝓕 is κ-convex along geodesics. */
  convexity: number;
  /** The rate of Theorem 5, (σ²/2)C_U − 6C_F; null where its assumptions fail. */
  theorem: number | null;
  problem(start: Start): Problem;
}

/** σ = 0.8, C_U = 2 and c = 1.5. */
const SIGMA = 0.8;
const CONFINEMENT = 2;
const LABEL = 1.5;
const TAU = (SIGMA * SIGMA) / 2;

/** Rates and stationary law of the Ornstein–Uhlenbeck processes below. */
export const ORNSTEIN_UHLENBECK = {
  /** b = (σ²/2)C_U */
  alone: TAU * CONFINEMENT,
  /** A = 1 + b */
  mean: 1 + TAU * CONFINEMENT,
  variance: 2 * TAU * CONFINEMENT,
  /** C_U */
  slide: CONFINEMENT,
  label: LABEL,
  stationary: { mean: LABEL / (1 + TAU * CONFINEMENT), variance: 1 / CONFINEMENT },
} as const;

/** dX = −[(M − c) + bX] dt + σ dW: F(m) = (M − c)²/2, U = bx²/2. */
export const meanFieldOrnsteinUhlenbeck: LangevinCase = {
  name: "mean-field OU",
  temperature: TAU,
  box: [-6, 7],
  convexity: ORNSTEIN_UHLENBECK.alone,
  theorem: null,
  problem: (start) => oneExample(LABEL, quadratic(ORNSTEIN_UHLENBECK.alone), start),
};

/** dX = −bX dt + σ dW: F = 0. */
export const ornsteinUhlenbeck: LangevinCase = {
  name: "OU, F = 0",
  temperature: TAU,
  box: [-6, 6],
  convexity: ORNSTEIN_UHLENBECK.alone,
  theorem: ORNSTEIN_UHLENBECK.alone,
  problem: (start) => potentialProblem(quadratic(ORNSTEIN_UHLENBECK.alone), { dimension: 1, start }),
};

/** U = (x² − 1)²/4, whose curvature is −1 at 0. */
const WELLS = separable(tabulate((x) => ((x * x - 1) * (x * x - 1)) / 4, { from: -4, to: 4, points: 4001 }));

/** F(m) = (M − ½)²/2 in the two wells. */
export const doubleWell: LangevinCase = {
  name: "double well",
  temperature: 0.1,
  box: [-4, 4],
  convexity: -1,
  theorem: null,
  problem: (start) => oneExample(0.5, WELLS, start),
};

/** F(m) = (0.3M − 0.15)²/2, a tenth of that. */
export const looseDoubleWell: LangevinCase = {
  ...doubleWell,
  name: "loose double well",
  problem: (start) => oneExample(0.15, WELLS, start, 0.3),
};

/** Three examples for units tanh(wx), with labels that a law of two points, 1.5 and −0.5, nearly fits. */
const EXAMPLES = { x: [0.5, 1, 2], y: [0.36, 0.39, 0.3] };

/** Σ_q |x_q|^power (1 + |y_q|)^labels / 3. */
const sumOf = (power: 0 | 1 | 2, labels: 0 | 1): number =>
  EXAMPLES.x.reduce((sum, x, q) => sum + [1, x, x * x][power]! * (1 + labels * Math.abs(EXAMPLES.y[q]!)), 0) / 3;

/** sup|tanh″| */
const CURVATURE = 4 / (3 * Math.sqrt(3));

/** Bound of |∂²Ψ|: |f| < 1. */
const SLOPE = CURVATURE * sumOf(2, 1);

/** L of Theorem 6, sup|δF/δm| + sup|δ²F/δm²| by |f|, |σ*| ≤ 1, for `tanhUnits`. */
export const TANH_BOUND = sumOf(0, 1) + 1;

/** C_F of Assumption 7: Lipschitz in x, in m, and the size of D_mF at 0. */
const LIPSCHITZ = Math.max(SLOPE, sumOf(2, 0), sumOf(1, 1));

/** Regression by units tanh(wx), confined so weakly that 𝓕 is not convex along geodesics. */
export const tanhUnits: LangevinCase = {
  name: "tanh units",
  temperature: 0.3,
  box: [-9, 9],
  convexity: 0.3 - SLOPE,
  theorem: null,
  problem: (start) => regression(0.3, start),
};

/** The same, confined so strongly that Assumption 7 holds. */
export const confinedTanhUnits: LangevinCase = {
  name: "tanh units, confined",
  temperature: 1,
  box: [-3, 3],
  convexity: 12 - SLOPE,
  theorem: 12 - 6 * LIPSCHITZ,
  problem: (start) => regression(12, start),
};

function regression(weight: number, start: Start): Problem {
  const { x, y } = EXAMPLES;
  return parseProblem({
    law: dataset({ x: x.map((one) => [one]), y }),
    unit: ridge(tanh()),
    start,
    confinement: quadratic(weight),
  });
}

function oneExample(label: number, confinement: Potential, start: Start, x = 1): Problem {
  return parseProblem({ law: dataset({ x: [[x]], y: [label] }), unit: ridge(identity()), start, confinement });
}
