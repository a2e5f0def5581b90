// Nonlinear dynamics (ND): particles that move in the field of the limit, θ_i' = −∇Ψ(θ_i; ρ_t).                   theory §2, §6
//
//   limit                         the particles are
//   a larger particle system      neurons of mass 0 in it
//   the radial flow, characteristics   characteristics of mass 0
//   the radial flow, grid         moved by Heun's rule between the grid's own steps, in the field at both ends
//
// In the radial flow the field points along P_V w and P_V^⊥ w, so a particle keeps its two directions and only its radii move.

import type { Engine } from "../engine/engine";
import { particles } from "../measure/measure";
import { reducedPoints } from "../measure/radialPredictions";
import { type AnisotropicGaussians, lawDimension, rotationMatrix } from "../model/law";
import { startParticles } from "../model/particles";
import type { Problem } from "../model/problem";
import type { RadialOperator } from "../model/radial";
import { reducedCoordinates } from "../model/radialStart";
import { parameterDimension, weightOffset } from "../model/unit";
import { flowing, type Solver, type SolverState } from "./flow";
import { particleSolver } from "./particleSolver";
import type { Simulation } from "./process";
import { characteristicsOf, gridOf, operatorOf } from "./radial/solvers";
import type { GradientFlowProcess, NonlinearProcess, RadialFlowProcess } from "./schema";
import { networkMeasure } from "./steps";

/** Draws the particles and the limit's start, and returns the simulation at time 0. */
export async function start(process: NonlinearProcess, engine: Engine): Promise<Simulation> {
  const { problem, neurons, seed, replica, limit } = process;
  const theta = startParticles(problem, neurons, { seed, replica });
  return limit.kind === "gradientFlow"
    ? amongParticles(process, limit, engine, theta)
    : inRadialFlow(process, limit, engine, theta);
}

async function amongParticles(
  process: NonlinearProcess,
  limit: GradientFlowProcess,
  engine: Engine,
  theta: Float64Array,
): Promise<Simulation> {
  const { neurons, problem } = process;
  const many = limit.neurons;
  const reference = startParticles(limit.problem, many, { seed: limit.seed, replica: limit.replica });
  const all = new Float64Array(reference.length + theta.length);
  all.set(reference);
  all.set(theta, reference.length);
  const masses = new Float64Array(many + neurons).fill(1 / many, 0, many);
  const { solver, method } = await particleSolver(limit, engine, all, masses);
  return flowing(process, engine, solver, {
    method: `field of ${many} particles; ${method}`,
    measure: (values) => networkMeasure(problem, neurons, values.subarray(reference.length)),
    warnings: () => [],
  });
}

function inRadialFlow(
  process: NonlinearProcess,
  limit: RadialFlowProcess,
  engine: Engine,
  theta: Float64Array,
): Simulation {
  const { problem, neurons } = process;
  const law = problem.law as AnisotropicGaussians;
  const operator = operatorOf(limit);
  const reduced = reducedCoordinates(law, problem.unit, theta);
  const rebuild = directions(problem, theta, reduced, operator.coordinates.length);
  const measure = (radial: Float64Array) =>
    particles({ coordinates: "theta", shape: [neurons, theta.length / neurons], values: rebuild(radial) });
  if (limit.method === "characteristics") {
    const { solver, count } = characteristicsOf(limit, operator, reduced);
    const first = (count - neurons) * operator.coordinates.length;
    return flowing(process, engine, solver, {
      method: `field of the radial flow, ${count - neurons} characteristics`,
      measure: (values) => measure(values.subarray(first)),
      warnings: () => [],
    });
  }
  const { solver: grid, measure: lawOf, warnings } = gridOf(limit, operator, engine);
  const field = (masses: Float64Array) => reducedPoints(lawOf(masses), problem);
  const solver = new GridDriven(grid, operator, field, reduced);
  return flowing(process, engine, solver, {
    method: "field of the radial flow on its grid",
    measure: (values) => measure(values.subarray(values.length - reduced.length)),
    warnings,
  });
}

/** Particles between the steps of a grid: Heun's rule, of the grid's own order. */
class GridDriven implements Solver {
  readonly #particles: Float64Array;
  readonly #n: number;
  readonly #dims: number;

  constructor(
    readonly grid: Solver,
    readonly operator: RadialOperator,
    readonly law: (masses: Float64Array) => { values: Float64Array; weights: Float64Array; count: number },
    start: Float64Array,
  ) {
    this.#particles = start.slice();
    this.#dims = operator.coordinates.length;
    this.#n = start.length / this.#dims;
  }

  get time(): number {
    return this.grid.time;
  }

  get accepted(): number {
    return this.grid.accepted;
  }

  advance(t: number, limit: number): boolean {
    for (let trials = 0; trials < limit; trials++) {
      const before = this.grid.save();
      const through = this.grid.advance(t, 1);
      if (this.grid.time > before.time) {
        const h = this.grid.time - before.time;
        this.#particles.set(this.#heun(this.#particles, before.values, this.grid.save().values, h));
      }
      if (through) return true;
    }
    return false;
  }

  at(t: number): Float64Array {
    const masses = this.grid.at(t);
    const moved = this.#heun(this.#particles, this.grid.save().values, masses, t - this.time);
    return joined(masses, moved);
  }

  save(): SolverState {
    const state = this.grid.save();
    return { ...state, values: joined(state.values, this.#particles) };
  }

  restore(state: SolverState): void {
    const size = this.#particles.length;
    this.#particles.set(state.values.subarray(state.values.length - size));
    this.grid.restore({ ...state, values: state.values.slice(0, state.values.length - size) });
  }

  free(): void {
    this.grid.free?.();
  }

  #heun(from: Float64Array, before: Float64Array, after: Float64Array, h: number): Float64Array {
    if (h === 0) return from.slice();
    const first = this.#velocity(from, before);
    const middle = from.map((x, i) => x + h * first[i]!);
    this.#fold(middle);
    const second = this.#velocity(middle, after);
    const to = from.map((x, i) => x + (h / 2) * (first[i]! + second[i]!));
    this.#fold(to);
    return to;
  }

  #velocity(at: Float64Array, masses: Float64Array): Float64Array {
    const { operator } = this;
    const { values, weights, count } = this.law(masses);
    const C = new Float64Array(operator.rank);
    const cells = new Float64Array(count * operator.stride);
    operator.evaluate(values, count, cells);
    operator.moments(values, cells, weights, count, C);
    const features = new Float64Array(this.#n * operator.stride);
    const out = new Float64Array(at.length);
    operator.evaluate(at, this.#n, features);
    operator.gradient(at, features, C, this.#n, out);
    return out.map((slope) => -slope);
  }

  // radii stay where Ψ is defined: stopped at a cone tip, reflected where Ψ is even
  #fold(values: Float64Array): void {
    for (let i = 0; i < values.length; i++) {
      const name = this.operator.coordinates[i % this.#dims]!;
      if ((name === "r1" || name === "r2") && values[i]! < 0) values[i] = this.operator.coneTip ? 0 : -values[i]!;
    }
  }
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** θ from reduced coordinates: each part of w keeps the direction it started with. */
function directions(
  problem: Problem,
  theta: Float64Array,
  reduced: Float64Array,
  dims: number,
): (radial: Float64Array) => Float64Array {
  const law = problem.law as AnisotropicGaussians;
  const d = lawDimension(law);
  const D = parameterDimension(problem.unit, d);
  const offset = weightOffset(problem.unit);
  const n = theta.length / D;
  const axes = dims - offset;
  // P_V w of each particle; the other part is the rest of w
  const inner = new Float64Array(axes === 2 ? n * d : 0);
  if (axes === 2) {
    const q = law.rotation === "identity" ? null : rotationMatrix(d, law.rotation.seed);
    for (let i = 0; i < n; i++) {
      const w = theta.subarray(i * D + offset, (i + 1) * D);
      for (let k = 0; k < law.signal; k++) {
        if (!q) {
          inner[i * d + k] = w[k]!;
          continue;
        }
        let along = 0;
        for (let j = 0; j < d; j++) along += q[j * d + k]! * w[j]!;
        for (let j = 0; j < d; j++) inner[i * d + j] = inner[i * d + j]! + along * q[j * d + k]!;
      }
    }
  }
  const ratio = (now: number, before: number) => (before > 0 ? now / before : 0);
  return (radial) => {
    const out = new Float64Array(theta.length);
    for (let i = 0; i < n; i++) {
      const row = i * dims;
      for (let j = 0; j < offset; j++) out[i * D + j] = radial[row + j]!;
      const first = ratio(radial[row + offset]!, reduced[row + offset]!);
      const second = axes === 2 ? ratio(radial[row + offset + 1]!, reduced[row + offset + 1]!) : first;
      for (let j = 0; j < d; j++) {
        const w = theta[i * D + offset + j]!;
        const part = axes === 2 ? inner[i * d + j]! : w;
        // w itself where no radius has moved, to the bit
        out[i * D + offset + j] = w + ((first - 1) * part + (second - 1) * (w - part));
      }
    }
    return out;
  };
}
