// The radial mean-field flow ∂_t ρ̄ = ∇·(ρ̄ ∇Ψ̄) as a process: characteristics or finite volumes.         theory §5, §13
//
// Both solvers choose their own steps, never clipped to the times asked for: the state is the end of the last whole step,
// and a time inside a step is reached on a copy.

import type { Engine } from "../engine/engine";
import { CheckpointError, SpecError } from "../engine/errors";
import { specHash } from "../io/canonical";
import { grid, type Measure, particles } from "../measure/measure";
import type { AnisotropicGaussians } from "../model/law";
import { type RadialOperator, radialOperator } from "../model/radial";
import { type DrawnStart, reducedCoordinates, startLaws, startQuadrature } from "../model/radialStart";
import { pack, unpack } from "./checkpoint";
import { CHUNK_MILLISECONDS, inTurn, pause, type Simulation, type Watch } from "./process";
import { Characteristics } from "./radial/characteristics";
import { type GridFlag, RadialGrid, wallFor } from "./radial/grid";
import type { RadialFlowProcess } from "./schema";

/** A saved solver; notes are what it has warned of. */
type SolverState = { time: number; step: number; accepted: number; values: Float64Array; notes?: readonly GridFlag[] };

/** What both solvers are to this process. */
export interface RadialSolver {
  /** End of the last whole step. */
  readonly time: number;
  /** Whole steps taken. */
  readonly accepted: number;
  /** Makes at most `limit` trial steps, none beyond t; true when no other whole step fits. */
  advance(t: number, limit: number): boolean;
  /** The numbers of the law at t, from a copy; after `advance(t)` is through. */
  at(t: number): Float64Array;
  save(): SolverState;
  restore(state: SolverState): void;
  /** Gives memory back, where there is any. */
  free?(): void;
}

/** Default error of a step and of the series. */
const TOLERANCE = 1e-7;

/** Default number of characteristics, of one radius (quantiles of figure 1 to 1e-5) and of more coordinates. */
const PARTICLES = 3000;
const PARTICLES_OF_MANY = 2000;

/** Default number of cells along the radius, or along each of two. */
const CELLS = 2048;
const CELLS_OF_TWO = 256;

/** Sets the law at time 0 and returns the simulation. */
export function start(process: RadialFlowProcess, engine: Engine): Simulation {
  const { problem, tolerance, degree } = process;
  const law = problem.law as AnisotropicGaussians;
  const operator = radialOperator(law, problem.unit, { degree, tolerance: tolerance ?? TOLERANCE });
  const { solver, measure, warnings } =
    process.method === "grid" ? cells(process, operator, engine) : characteristics(process, operator);
  const cut =
    operator.remainder > (tolerance ?? TOLERANCE)
      ? [
          `The Hermite series of degree ${operator.degree} can leave ${operator.remainder.toExponential(1)} of the risk out; ` +
            "a higher degree leaves less.",
        ]
      : [];

  const identity = { kind: "radialFlow", backend: engine.backend, spec: specHash(process) };
  let time = 0;
  let values: Float64Array | null = null;
  let freed = false;
  const alive = () => {
    if (freed) throw new TypeError("This simulation was freed.");
  };

  return {
    process,
    engine,
    get warnings() {
      return [...cut, ...warnings()];
    },
    get time() {
      return time;
    },
    get step() {
      return solver.accepted;
    },
    advance: inTurn(async (t: number, { signal, onProgress }: Watch = {}) => {
      alive();
      if (!(t >= time)) {
        throw new SpecError("t", t, `a time not before the time reached, ${time}`, "Start again to go back.");
      }
      signal?.throwIfAborted();
      if (t === time) return;
      values = null;
      let began = performance.now();
      while (!solver.advance(t, 1)) {
        if (performance.now() - began < CHUNK_MILLISECONDS) continue;
        time = Math.max(time, solver.time);
        onProgress?.(time);
        await pause();
        alive();
        signal?.throwIfAborted();
        began = performance.now();
      }
      time = t;
      onProgress?.(time);
    }),
    measure() {
      alive();
      values ??= solver.at(time);
      return measure(values);
    },
    save() {
      alive();
      const { time: reached, step, accepted, values: state, notes = [] } = solver.save();
      const payload = new Uint8Array((3 + state.length) * 8);
      const view = new DataView(payload.buffer);
      [time, reached, step, ...state].forEach((x, i) => void view.setFloat64(8 * i, x, true));
      return pack({ ...identity, accepted, notes }, payload);
    },
    restore(bytes) {
      alive();
      const { header, payload } = unpack(bytes, identity);
      const size = solver.save().values.length;
      if (payload.length !== 8 * (3 + size)) throw new CheckpointError("The saved state has the wrong length.");
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      const numbers = Float64Array.from({ length: 3 + size }, (_, i) => view.getFloat64(8 * i, true));
      time = numbers[0]!;
      values = null;
      solver.restore({
        time: numbers[1]!,
        step: numbers[2]!,
        accepted: Number(header.accepted),
        values: numbers.subarray(3),
        notes: header.notes as GridFlag[],
      });
    },
    free() {
      freed = true;
      solver.free?.();
    },
  };
}

type Parts = { solver: RadialSolver; measure(values: Float64Array): Measure; warnings(): string[] };

function characteristics(process: RadialFlowProcess, operator: RadialOperator): Parts {
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
  const frozen = operator.coordinates.map((name) => name === "a" && unit.kind === "affine" && !unit.trainOutput);
  const solver = new Characteristics(operator, points, weights, tolerance ?? TOLERANCE, {
    frozen,
    ...(maxStep !== null && { maxStep }),
  });
  const shape: [number, number] = [weights.length, dims];
  return {
    solver,
    measure: (values) => particles({ coordinates: "radial", shape, values: values.slice(), weights: weights.slice() }),
    warnings: () => [],
  };
}

function cells(process: RadialFlowProcess, operator: RadialOperator, engine: Engine): Parts {
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
