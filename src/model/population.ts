// The mean velocity of a network on Gaussian inputs, exactly: v̄(θ_i) = E (y − f(x)) ∇_θ σ*(x; θ_i) = −∇Ψ(θ_i).
//                                                                                              theory §1, §5, §13
// Where it comes from: the sums of residualSums.ts over pairs of neurons. Derivation and checks: docs/population.md.

import { SpecError } from "../engine/errors";
import { activationFunctions } from "./activation";
import type { Loss } from "./labels";
import {
  anisotropicGaussians,
  type GaussianComponent,
  gaussianComponents,
  isInfinite,
  type Law,
  lawDimension,
  rotationMatrix,
  teacherNetwork,
} from "./law";
import { type GaussianSources, type ResidualSums, residualSums } from "./residualSums";
import { parameterDimension, type Unit, weightOffset } from "./unit";

/** What a population field needs of a problem. */
export type PopulationProblem = { law: Law; unit: Unit; loss?: Loss };

/** What stands beside the particles of a network. */
export interface PopulationOptions {
  /** n masses m_j of the particles in f (1/n each); a particle of mass 0 feels the others, and they do not feel it */
  weights?: Float64Array | null;
  /** c of f = c + Σ_j m_j σ*(x; θ_j) (0) */
  outputBias?: number;
}

/** The mean velocity and the potential of a network, as functions of its particles. */
export interface PopulationField {
  /** D, length of a row of θ. */
  readonly parameters: number;
  /**
   * How pairs of neurons are evaluated. `closed form`: all of them; `series`: Mehler's, cut where the rest is below 1e-12 of
   * the largest second moments, and nearly parallel pairs in closed form or by quadrature; `quadrature`: an activation that
   * is a table, whose Hermite coefficients are quadratures, good to Δ³ σ⁗ for a spacing Δ.
   */
  readonly method: "closed form" | "series" | "quadrature";
  /** What the last evaluation took: the highest order of the series, and the pairs that were too nearly parallel for it. */
  readonly last: { degree: number; parallelPairs: number };
  /**
   * Writes v̄(θ_i) = −∇Ψ(θ_i; ρ).
   *
   * @param theta    n rows of length D: (a, b, w) of an affine unit, w of a ridge unit
   * @param n        particles
   * @param out      as theta; 0 in the places of what is not trained
   * @param options  masses and output bias
   * @returns E(y − f), the velocity of the output bias
   */
  velocity(theta: Float64Array, n: number, out: Float64Array, options?: PopulationOptions): number;
  /**
   * Writes Ψ(θ_i; ρ) = E σ*(x; θ_i) (f(x) − y).
   *
   * @param out  n numbers
   * @returns E(y − f)
   */
  potential(theta: Float64Array, n: number, out: Float64Array, options?: PopulationOptions): number;
  /** Writes both at the cost of one. */
  both(
    theta: Float64Array,
    n: number,
    velocity: Float64Array,
    potential: Float64Array,
    options?: PopulationOptions,
  ): number;
}

/**
 * The population field of a problem: squared loss, one output, Gaussian inputs.
 *
 * At a kink that a unit of w = 0 meets (s = 0, b at a knot) Ψ has a cone; there the velocity is the limit s → 0 of its smooth
 * part, and the direction that is not defined gets none.
 *
 * @param problem  law: anisotropic Gaussians of finite dimension, a mixture, or a teacher (the noise of its labels has mean 0
 *                 and does not matter); unit
 * @throws {SpecError} where there is no exact gradient, with the remedy
 * @see R. Price, IRE Trans. Inf. Theory 4 (1958) 69; theory §13
 */
export function populationField(problem: PopulationProblem): PopulationField {
  return fieldOf(gaussianSources(problem), problem.unit);
}

/**
 * V(θ) = −E ⟨y, σ*(x; θ)⟩.
 *
 * @param problem  law: Gaussian, a teacher, or a dataset; unit
 * @param theta    one neuron, a row of length D
 * @throws {SpecError} where the law has no examples, or none in finite dimension
 * @see theory §1
 */
export function externalPotential(problem: PopulationProblem, theta: Float64Array): number {
  checkRow(problem, theta, "theta");
  const { law, unit } = problem;
  if (law.kind !== "dataset") {
    const out = new Float64Array(1);
    populationField(problem).potential(theta, 1, out, { weights: new Float64Array(1) });
    return out[0]!;
  }
  const outputs = unit.kind === "ridge" ? 1 : unit.outputs;
  if ((law.y.shape[1] ?? 1) !== outputs) {
    throw new SpecError("problem.law.y", law.y.shape, `${outputs} values an example, as the unit has outputs`);
  }
  const sigma = hiddenValues(law, unit, theta);
  let sum = 0;
  for (let q = 0; q < sigma.length; q++) {
    let along = 0;
    for (let k = 0; k < outputs; k++) along += law.y.data[q * outputs + k]! * (unit.kind === "ridge" ? 1 : theta[k]!);
    sum -= massOf(law, q) * along * sigma[q]!;
  }
  return sum;
}

/**
 * U(θ, θ') = E ⟨σ*(x; θ), σ*(x; θ')⟩.
 *
 * @param problem  law: Gaussian, a teacher, or a dataset; unit
 * @param theta    one neuron, a row of length D
 * @param other    another one
 * @throws {SpecError} where the law has no examples, or none in finite dimension
 * @see theory §1
 */
export function interaction(problem: PopulationProblem, theta: Float64Array, other: Float64Array): number {
  checkRow(problem, theta, "theta");
  checkRow(problem, other, "other");
  const { law, unit } = problem;
  if (law.kind !== "dataset") {
    // without labels Ψ of a neuron of mass 0 beside one of mass 1 is U
    const { components, frame } = gaussianSources(problem);
    const unlabelled = components.map((component) => ({ ...component, label: 0 }));
    const out = new Float64Array(2);
    const pair = Float64Array.from([...theta, ...other]);
    fieldOf({ components: unlabelled, frame, teacher: null }, unit).potential(pair, 2, out, {
      weights: Float64Array.of(0, 1),
    });
    return out[0]!;
  }
  let along = 1;
  if (unit.kind === "affine") {
    along = 0;
    for (let k = 0; k < unit.outputs; k++) along += theta[k]! * other[k]!;
  }
  const first = hiddenValues(law, unit, theta);
  const second = hiddenValues(law, unit, other);
  let sum = 0;
  for (let q = 0; q < first.length; q++) sum += massOf(law, q) * first[q]! * second[q]!;
  return along * sum;
}

function fieldOf({ components, frame, teacher }: Sources, unit: Unit): PopulationField {
  const d = components.length > 0 ? dimensionOf(components[0]!) : 0;
  const D = parameterDimension(unit, d);
  const offset = weightOffset(unit);
  const sums = residualSums({ components, teacher, dimension: d }, unit.activation, unit.kind === "ridge");
  const network = { n: 0, alphas: EMPTY, biases: EMPTY, weights: EMPTY };

  const load = (theta: Float64Array, n: number, masses: Float64Array | null): void => {
    if (network.n !== n) {
      Object.assign(network, {
        n,
        alphas: new Float64Array(n),
        biases: new Float64Array(n),
        weights: new Float64Array(n * d),
      });
    }
    const { alphas, biases, weights } = network;
    for (let i = 0; i < n; i++) {
      const row = i * D;
      const mass = masses ? masses[i]! : 1 / n;
      alphas[i] = offset > 0 ? mass * theta[row]! : mass;
      biases[i] = offset > 0 ? theta[row + 1]! : 0;
      if (!frame) for (let k = 0; k < d; k++) weights[i * d + k] = theta[row + offset + k]!;
      else turn(frame, d, theta, row + offset, weights, i * d);
    }
  };

  const evaluate = (
    theta: Float64Array,
    n: number,
    velocity: Float64Array | null,
    potential: Float64Array | null,
    { weights = null, outputBias = 0 }: PopulationOptions,
  ): number => {
    load(theta, n, weights);
    const found = sums.evaluate(network, outputBias, velocity !== null);
    for (let i = 0; i < n; i++) {
      const a = offset > 0 ? theta[i * D]! : 1;
      if (potential) potential[i] = a * found.value[i]!;
      if (velocity) writeVelocity(found, i, a, velocity);
    }
    return found.residual;
  };

  const writeVelocity = ({ value, slope, gradient }: ResidualSums, i: number, a: number, out: Float64Array): void => {
    const row = i * D;
    if (unit.kind === "affine") {
      out[row] = unit.trainOutput ? -value[i]! : 0;
      out[row + 1] = unit.trainBias ? -a * slope[i]! : 0;
    }
    if (!frame) for (let k = 0; k < d; k++) out[row + offset + k] = -a * gradient[i * d + k]!;
    else turnBack(frame, d, gradient, i * d, -a, out, row + offset);
  };

  return {
    parameters: D,
    method: sums.method,
    last: sums.last,
    velocity: (theta, n, out, options = {}) => evaluate(theta, n, out, null, options),
    potential: (theta, n, out, options = {}) => evaluate(theta, n, null, out, options),
    both: (theta, n, velocity, potential, options = {}) => evaluate(theta, n, velocity, potential, options),
  };
}

const EMPTY = new Float64Array(0);

/** The Gaussian components of a law in the frame in which they are simple: x = Q z, and w enters as Qᵀw. */
type Sources = Omit<GaussianSources, "dimension"> & { frame: Float64Array | null };

function gaussianSources({ law, unit, loss = "squared" }: PopulationProblem): Sources {
  if (loss !== "squared") {
    throw new SpecError(
      "problem.loss",
      loss,
      '"squared", whose population gradient is known',
      'Take gradient: "batch", or "full" on quadrature(law, …).',
    );
  }
  if (unit.kind === "affine" && unit.outputs !== 1) {
    throw new SpecError("problem.unit.outputs", unit.outputs, "1, as a label of a Gaussian law is one number");
  }
  if (isInfinite(law)) {
    throw new SpecError(
      "problem.law.dimension",
      "infinite",
      "a finite dimension",
      "At d = ∞ there are no examples: radialFlow has the limit.",
    );
  }
  switch (law.kind) {
    case "anisotropicGaussians": {
      const { dimension, signal, delta, rotation } = law;
      const frame = rotation === "identity" ? null : rotationMatrix(dimension as number, rotation.seed);
      const upright = frame ? anisotropicGaussians({ dimension, signal, delta }) : law;
      return { components: gaussianComponents(upright), frame, teacher: null };
    }
    case "mixture":
      return { components: gaussianComponents(law), frame: null, teacher: null };
    case "teacher": {
      const { a, w } = teacherNetwork(law);
      const standard = {
        weight: 1,
        label: 0,
        mean: null,
        diagonal: new Float64Array(law.dimension).fill(1),
        factor: null,
      };
      // y − f = −(f − f*) + noise: the teacher's neurons join the network's with the opposite sign, and the label is 0
      const alphas = a.map((x) => -x / law.neurons);
      return { components: [standard], frame: null, teacher: { activation: law.activation, alphas, weights: w } };
    }
    case "dataset":
      throw new SpecError(
        "problem.law.kind",
        law.kind,
        "Gaussian inputs, which a population gradient takes its expectations over",
        'The mean over a finite law is gradient: "full".',
      );
    case "none":
      throw new SpecError(
        "problem.law.kind",
        law.kind,
        "a law of examples",
        "Without examples F = 0, and the confinement is all the gradient there is.",
      );
  }
}

function dimensionOf({ diagonal, factor }: GaussianComponent): number {
  return diagonal ? diagonal.length : Math.round(Math.sqrt(factor!.length));
}

/** out = Qᵀ w. */
function turn(q: Float64Array, d: number, w: Float64Array, from: number, out: Float64Array, at: number): void {
  out.fill(0, at, at + d);
  for (let i = 0; i < d; i++) {
    const x = w[from + i]!;
    for (let j = 0; j < d; j++) out[at + j]! += q[i * d + j]! * x;
  }
}

/** out = scale · Q g. */
function turnBack(
  q: Float64Array,
  d: number,
  g: Float64Array,
  from: number,
  scale: number,
  out: Float64Array,
  at: number,
): void {
  for (let i = 0; i < d; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += q[i * d + j]! * g[from + j]!;
    out[at + i] = scale * sum;
  }
}

function checkRow({ law, unit }: PopulationProblem, theta: Float64Array, path: string): void {
  if (isInfinite(law)) return;
  const D = parameterDimension(unit, lawDimension(law));
  if (theta.length !== D) throw new SpecError(path, theta, `a row of ${D} parameters`);
}

type Finite = Extract<Law, { kind: "dataset" }>;

function massOf({ weights, x }: Finite, q: number): number {
  return weights ? weights.data[q]! : 1 / x.shape[0]!;
}

/** σ(⟨w, x_q⟩ + b) at every atom. */
function hiddenValues({ x }: Finite, unit: Unit, theta: Float64Array): Float64Array {
  const [n, d] = x.shape as [number, number];
  const { value } = activationFunctions(unit.activation);
  const offset = weightOffset(unit);
  return Float64Array.from({ length: n }, (_, q) => {
    let h = offset > 0 ? theta[offset - 1]! : 0;
    for (let k = 0; k < d; k++) h += theta[offset + k]! * x.data[q * d + k]!;
    return value(h);
  });
}
