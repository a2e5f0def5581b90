// The solvers of the radial flow: characteristics, or finite volumes.                                              theory §5, §13

import type { Engine } from "../../engine/engine";
import { grid, type Measure, particles } from "../../measure/measure";
import type { AnisotropicGaussians } from "../../model/law";
import { type RadialOperator, radialOperator } from "../../model/radial";
import { type DrawnStart, reducedCoordinates, startLaws, startQuadrature } from "../../model/radialStart";
import { isTrained } from "../../model/unit";
import type { Solver } from "../flow";
import type { RadialFlowProcess } from "../schema";
import { Characteristics } from "./characteristics";
import { RadialGrid, wallFor } from "./grid";

/** Default error of a step and of the series. */
export const TOLERANCE = 1e-7;

/** Default number of characteristics, of one radius (quantiles of figure 1 to 1e-5) and of more coordinates. */
const PARTICLES = 3000;
const PARTICLES_OF_MANY = 2000;

/** Default number of cells along the radius, or along each of two. */
const CELLS = 2048;
const CELLS_OF_TWO = 256;

type Parts = { solver: Solver; measure(values: Float64Array): Measure; warnings(): string[] };

/** The radial operator of a flow. */
export function operatorOf({ problem, tolerance, degree }: RadialFlowProcess): RadialOperator {
  const law = problem.law as AnisotropicGaussians;
  return radialOperator(law, problem.unit, { degree, tolerance: tolerance ?? TOLERANCE });
}

/**
 * The flow by characteristics.
 *
 * @param passengers  reduced coordinates of particles that the flow carries and does not feel: of mass 0, after its own
 */
export function characteristicsOf(
  process: RadialFlowProcess,
  operator: RadialOperator,
  passengers: Float64Array = new Float64Array(0),
): Parts & { count: number } {
  const { problem, tolerance, maxStep } = process;
  const { start, unit } = problem;
  const law = problem.law as AnisotropicGaussians;
  const dims = operator.coordinates.length;
  let points: Float64Array;
  let weights: Float64Array;
  if (start.kind === "particles") {
    points = reducedCoordinates(law, unit, start.theta.data);
    weights = new Float64Array(points.length / dims).fill(dims / points.length);
  } else {
    const laws = startLaws(law, start as DrawnStart, operator.coordinates);
    ({ points, weights } = startQuadrature(laws, process.particles ?? (dims === 1 ? PARTICLES : PARTICLES_OF_MANY)));
  }
  if (passengers.length > 0) {
    points = joined(points, passengers);
    weights = joined(weights, new Float64Array(passengers.length / dims));
  }
  const frozen = operator.coordinates.map((_, j) => !isTrained(unit, j));
  const solver = new Characteristics(operator, points, weights, tolerance ?? TOLERANCE, {
    frozen,
    ...(maxStep !== null && { maxStep }),
  });
  const shape: [number, number] = [weights.length, dims];
  return {
    solver,
    measure: (values) => particles({ coordinates: "radial", shape, values: values.slice(), weights: weights.slice() }),
    warnings: () => [],
    count: weights.length,
  };
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** The flow on a grid. */
export function gridOf(process: RadialFlowProcess, operator: RadialOperator, engine: Engine): Parts {
  const { problem, maxStep } = process;
  const { start } = problem;
  // the specification was checked: a drawn start with a density (schema.ts)
  const laws = startLaws(problem.law as AnisotropicGaussians, start as DrawnStart, operator.coordinates);
  const side = process.cells ?? (laws.length === 1 ? CELLS : CELLS_OF_TWO);
  const rMax = process.rMax ?? wallFor(operator, laws);
  const solver = new RadialGrid(engine, operator, laws, side, rMax, maxStep === null ? {} : { maxStep });
  const edges = laws.map(() => solver.edges);
  return {
    solver,
    measure: (values) => grid({ edges: edges.map((axis) => axis.slice()), masses: values.slice() }),
    warnings: () =>
      solver.flags.map(({ kind, time, share }) =>
        kind === "wall"
          ? `Mass ${share.toExponential(1)} stands at the outer wall r = ${rMax} since t = ${time.toPrecision(3)}; take a larger rMax.`
          : `The density is no longer resolved since t = ${time.toPrecision(3)}: ${Math.round(100 * share)} % of the mass is ` +
            "where it changes by a factor 3 from cell to cell. Take more cells, or characteristics.",
      ),
  };
}
