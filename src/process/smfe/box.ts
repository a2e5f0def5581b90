// Cells for a law that moves: the default box holds what the mean flow and the gradient noise make of the start.   docs/smfeGrid.md

import { DivergenceError, SpecError } from "../../engine/errors";
import { type Cells, cellsOf, equalEdges } from "../../measure/cells";
import { activationFunctions } from "../../model/activation";
import type { Dataset } from "../../model/law";
import { potentialFunctions } from "../../model/potential";
import type { Problem } from "../../model/problem";
import { type DensityStart, startBox, startMasses } from "../fokkerPlanck/discretise";
import { OdeSolver } from "../ode";
import { type LineModel, lineModel } from "./model";

/** Default number of cells. */
export const CELLS = 1024;

/** Share of the start outside the box above which it is refused. */
const MOST_OUTSIDE = 1e-3;

/** Share of the start outside the box above which it is named. */
const OUTSIDE = 1e-9;

/** A problem on cells. */
export interface LineProblem {
  cells: Cells;
  model: LineModel;
  /** of the start, sum 1 */
  masses: Float64Array;
  /** what the user should know of the box */
  warnings: string[];
}

/**
 * Puts a problem of one parameter on cells.
 *
 * @param spec   cells and box, or null for the defaults
 * @param level  α of the noise, 0 for none
 * @throws {SpecError} where the box leaves the start out, or where none can be chosen
 */
export function onLine(
  spec: { problem: Problem; cells: number | null; box: readonly [number, number] | null },
  level: number,
): LineProblem {
  const { problem } = spec;
  const start = problem.start as DensityStart;
  const [from, to] = spec.box ?? boxFor(problem, start, level);
  const cells = cellsOf([equalEdges(from, to, spec.cells ?? CELLS)]);
  const { masses, outside } = startMasses(start, 1, cells);
  if (!(outside <= MOST_OUTSIDE)) {
    const share = `${(100 * outside).toPrecision(2)} % of the start`;
    throw new SpecError("process.box", [from, to], `a box that holds the start; ${share} lies outside`);
  }
  const warnings =
    outside > OUTSIDE ? [`${outside.toExponential(1)} of the start lies outside the box and was left out.`] : [];
  return { cells, model: lineModel(problem, cells), masses, warnings };
}

/** Horizon of the flow that places the walls, its particles, tolerance, and the most trial steps it may take. */
const TIME = 20;
const PARTICLES = 32;
const TOLERANCE = 1e-3;
const TRIALS = 20000;

/** Deviations of the gathered noise, and share of the length, that are left free at each wall. */
const DEVIATIONS = 6;
const ROOM = 0.05;

/** How many times longer than the start's the box may become. */
const LONGEST = 30;

/**
 * The default box. Flows on a line keep the order of points, so the law stays between the images of the start's two ends. They move
 * in the field of a few particles; along each the variance V of the gathered noise is that of the linearised equation,
 * V' = 2 v̄' V + α A.
 */
function boxFor(problem: Problem, start: DensityStart, level: number): [number, number] {
  const [from, to] = startBox(start, 1)[0]!;
  const coarse = cellsOf([equalEdges(from, to, PARTICLES)]);
  const { masses } = startMasses(start, 1, coarse);
  const state = new Float64Array(PARTICLES + 4);
  state.set(coarse.middles[0]!);
  // the ends, and V of each
  state.set([from, to], PARTICLES);
  const velocity = velocityOf(problem, masses);
  const apart = 1e-5 * (to - from);
  const solver = new OdeSolver(
    "smfeGrid",
    state,
    (_, values, out) => {
      const { at, covariance } = velocity(values);
      for (let i = 0; i < PARTICLES + 2; i++) out[i] = at(values[i]!);
      for (let i = 0; i < 2; i++) {
        const end = values[PARTICLES + i]!;
        const slope = (at(end + apart) - at(end - apart)) / (2 * apart);
        out[PARTICLES + 2 + i] = 2 * slope * values[PARTICLES + 2 + i]! + level * covariance(end);
      }
      return out.every(Number.isFinite);
    },
    { kind: "dormandPrince", tolerance: TOLERANCE },
  );
  let low = from;
  let high = to;
  try {
    for (let trials = 0; !solver.advance(TIME, 1); trials++) {
      const { values } = solver;
      const reach = (i: number): number => DEVIATIONS * Math.sqrt(Math.max(0, values[PARTICLES + 2 + i]!));
      low = Math.min(low, values[PARTICLES]! - reach(0));
      high = Math.max(high, values[PARTICLES + 1]! + reach(1));
      if (trials > TRIALS || !(high - low <= LONGEST * (to - from))) throw noBox(TIME);
    }
  } catch (error) {
    if (error instanceof DivergenceError) throw noBox(error.time);
    throw error;
  }
  const room = ROOM * (high - low);
  return [low - room, high + room];
}

function noBox(time: number): SpecError {
  return new SpecError(
    "process.box",
    null,
    `a box [from, to], as the flow takes the start far away (by t = ${time.toPrecision(3)})`,
    "Walls without flux hold the law in the box; a warning says when they do.",
  );
}

// v̄ and A of the law of weighted particles, as functions of w.
function velocityOf(
  problem: Problem,
  weights: Float64Array,
): (points: Float64Array) => { at(w: number): number; covariance(w: number): number } {
  const law = problem.law as Dataset;
  const x = law.x.data;
  const { value, derivative } = activationFunctions(problem.unit.activation);
  const { gradient } = potentialFunctions(problem.confinement);
  const theta = new Float64Array(1);
  const slope = new Float64Array(1);
  const pull = (w: number): number => {
    theta[0] = w;
    gradient(theta, slope);
    return slope[0]!;
  };
  // residuals do not need cells
  const { masses, decays, residual } = lineModel({ ...problem, confinement: null }, cellsOf([equalEdges(0, 1, 1)]));
  const residuals = new Float64Array(x.length);
  return (points) => {
    residuals.forEach((_, q) => {
      let f = 0;
      for (let i = 0; i < weights.length; i++) f += weights[i]! * value(x[q]! * points[i]!);
      residuals[q] = residual(q, f);
    });
    const at = (w: number): number => {
      let sum = -pull(w);
      for (let q = 0; q < x.length; q++) sum += masses[q]! * residuals[q]! * x[q]! * derivative(x[q]! * w);
      return sum;
    };
    const covariance = (w: number): number => {
      const mean = at(w);
      const force = pull(w);
      let sum = 0;
      for (let q = 0; q < x.length; q++) {
        const G = residuals[q]! * x[q]! * derivative(x[q]! * w) - decays[q]! * force - mean;
        sum += masses[q]! * G * G;
      }
      return sum;
    };
    return { at, covariance };
  };
}
