// Derivatives of functionals of laws: the functional derivative δF/δm and the intrinsic derivative D_mF = ∇ δF/δm.   theory §7
//
//   d/dh F(m + h(ν − m)) = ∫ δF/δm d(ν − m)            d/dh F((id + hξ)#m) = ∫ ⟨D_mF, ξ⟩ dm            at h = 0
//
//   F                                      δF/δm(m, θ)                                       how
//   problem, finite law: Σ_q m_q ℓ_q       Ψ(θ) + U(θ), Ψ = −Σ_q m_q ⟨r_q, σ*(x_q; θ)⟩        kernels, exact
//   problem, Gaussian law or teacher       the same with Ψ = E (f − y) σ*(x; θ)              model/population.ts
//   Φ(∫ g dm)                              Σ_k ∂Φ/∂v_k g_k(θ)                                the user's functions
//
// δF/δm is known up to a constant; the one here is that of Ψ, which leaves ∫V dm with the derivative V. Its mean under m is
// returned beside it: taken away, it gives the derivative of mean 0 that part of the literature prefers.

import { type Engine, loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { lossKinds, setBatchCount, viewNetwork, writeBatch } from "../model/blocks";
import { labelRows } from "../model/labels";
import { type Dataset, isInfinite, lawDimension } from "../model/law";
import { potentialFunctions } from "../model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import { isRecord } from "../model/spec";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";
import { outputsOf, type Unit } from "../model/unit";
import { asParticles, type Measure, type Particles } from "./measure";
import { checkNetwork, loadNetwork, MOST_EXAMPLES } from "./predictions";
import { riskOf } from "./risk";

/** A functional F(m) = Φ(v), v = ∫ g dm ∈ R^p, as functions of yours. */
export interface FeatureFunctional {
  /** g(θ), p numbers. */
  features: (theta: Float64Array) => ArrayLike<number>;
  /** ∇g(θ), [p, D], row-major. */
  featureGradients: (theta: Float64Array) => ArrayLike<number>;
  /** Φ(v). */
  outer: (v: Float64Array) => number;
  /** ∇Φ(v), p numbers. */
  outerGradient: (v: Float64Array) => ArrayLike<number>;
}

/** A functional of laws: the energy F(m) + ∫U dm of a problem, F = E ℓ (E = R/2 for the squared loss), or one of your own. */
export type Functional = ProblemInput | FeatureFunctional;

/** How a derivative is asked for. */
export interface DerivativeOptions {
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** δF/δm at points. */
export interface FlatDerivative {
  /** [n] */
  values: Float64Array;
  /** ∫ δF/δm dm; `values` less this is the derivative whose mean under m is 0. */
  mean: number;
  /** `exact`, or as the population field of Gaussian inputs was found: `closed form`, `series` or `quadrature`. */
  method: string;
}

/** D_mF at points. */
export interface IntrinsicDerivative {
  /** [n, D] */
  shape: [number, number];
  /** row-major */
  values: Float64Array;
  /** As of `FlatDerivative`. */
  method: string;
}

/**
 * The functional derivative δF/δm(m, θ) at points θ.
 *
 * @param functional  a problem, whose energy is F(m) + ∫U dm with U its confinement; or { features, featureGradients, outer,
 *                    outerGradient }
 * @param measure     m: particles, or a grid in θ, whose cells count with their middles; a problem's is in coordinates "theta"
 * @param points      [n, D], a row θ each
 * @returns n numbers, with the constant of Ψ: ∫V dm has the derivative V; and their mean under m
 * @throws {SpecError} with the path of what is wrong: shapes that do not fit, a functional that returns another number of
 *                     numbers, a problem without an exact energy
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP B 57 (2021), section 2; theory §1, §7
 */
export async function flatDerivative(
  functional: Functional,
  measure: Measure,
  points: TensorLike,
  options: DerivativeOptions = {},
): Promise<FlatDerivative> {
  if (!isProblem(functional)) {
    const { law, rows, n, D } = argumentsOf(measure, points);
    const { means, slope } = outerAt(functional, law);
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) values[i] = dot(slope, featuresAt(functional, row(rows, i, D), slope.length));
    return { values, mean: dot(slope, means), method: "exact" };
  }
  const problem = parseProblem(functional, "functional");
  const { law, rows, n, D } = argumentsOf(measure, points, problem);
  const engine = await loadEngine(options);
  const { potential, mean, method } = await fieldAt(problem, law, rows, n, engine, "potential");
  const { value } = potentialFunctions(problem.confinement);
  for (let i = 0; i < n; i++) potential[i]! += value(row(rows, i, D));
  return { values: potential, mean: mean + confinementOf(problem, law), method };
}

/**
 * The intrinsic derivative D_mF(m, θ) = ∇_θ δF/δm at points θ. Of a problem it is minus the velocity of its processes, with
 * the derivative by a even where the unit does not train it.
 *
 * @param functional  as of `flatDerivative`
 * @param measure     m
 * @param points      [n, D], a row θ each
 * @returns [n, D]
 * @throws {SpecError} as `flatDerivative`
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP B 57 (2021), section 2; theory §2, §7
 */
export async function intrinsicDerivative(
  functional: Functional,
  measure: Measure,
  points: TensorLike,
  options: DerivativeOptions = {},
): Promise<IntrinsicDerivative> {
  if (!isProblem(functional)) {
    const { law, rows, n, D } = argumentsOf(measure, points);
    const { slope } = outerAt(functional, law);
    const values = new Float64Array(n * D);
    for (let i = 0; i < n; i++) {
      const gradients = numbers(
        functional.featureGradients(row(rows, i, D).slice()),
        slope.length * D,
        "functional.featureGradients",
      );
      for (let k = 0; k < slope.length; k++) {
        for (let j = 0; j < D; j++) values[i * D + j]! += slope[k]! * gradients[k * D + j]!;
      }
    }
    return { shape: [n, D], values, method: "exact" };
  }
  const problem = parseProblem(functional, "functional");
  const { law, rows, n, D } = argumentsOf(measure, points, problem);
  const engine = await loadEngine(options);
  const { velocity, method } = await fieldAt(problem, law, rows, n, engine, "velocity");
  const { gradient } = potentialFunctions(problem.confinement);
  const slope = new Float64Array(D);
  for (let i = 0; i < n; i++) {
    gradient(row(rows, i, D), slope);
    for (let j = 0; j < D; j++) velocity[i * D + j] = slope[j]! - velocity[i * D + j]!;
  }
  return { shape: [n, D], values: velocity, method };
}

/**
 * The functional itself: F(m) + ∫U dm of a problem, or Φ(∫ g dm).
 *
 * @param functional  as of `flatDerivative`
 * @param measure     m
 * @throws {SpecError} as `flatDerivative`
 * @see theory §1, §7
 */
export async function energyOf(
  functional: Functional,
  measure: Measure,
  options: DerivativeOptions = {},
): Promise<number> {
  if (!isProblem(functional)) return outerAt(functional, asParticles(measure)).value;
  const problem = parseProblem(functional, "functional");
  const law = networkOf(measure, problem);
  const engine = await loadEngine(options);
  checkEnergy(problem);
  const method = problem.law.kind === "dataset" || problem.law.kind === "none" ? "auto" : "series";
  const { value } = riskOf(law, problem, engine, { method, points: 2, seed: 0, degree: null });
  return (problem.loss === "squared" ? value / 2 : value) + confinementOf(problem, law);
}

function isProblem(functional: Functional): functional is ProblemInput {
  if (!isRecord(functional)) {
    throw new SpecError("functional", functional, "a problem, or { features, featureGradients, outer, outerGradient }");
  }
  if (!("features" in functional)) return true;
  for (const name of ["features", "featureGradients", "outer", "outerGradient"] as const) {
    const found = (functional as Partial<FeatureFunctional>)[name];
    if (typeof found !== "function") throw new SpecError(`functional.${name}`, found, "a function");
  }
  return false;
}

function argumentsOf(measure: Measure, points: TensorLike, problem: Problem | null = null) {
  const law = problem ? networkOf(measure, problem) : asParticles(measure);
  const D = law.shape[1];
  const { shape, data } = toF64(readTensor(points, "points"));
  if (shape.length !== 2 || shape[1] !== D) {
    throw new SpecError("points", shape, `shape [n, ${D}], a row of ${D} parameters each, as the measure has`);
  }
  return { law, rows: data, n: shape[0]!, D };
}

function networkOf(measure: Measure, problem: Problem): Particles {
  if (isInfinite(problem.law)) {
    const remedy = "A law in infinite dimension has radii alone.";
    throw new SpecError("functional.law.dimension", "infinite", "a finite dimension", remedy);
  }
  if (measure.coordinates !== "theta") {
    throw new SpecError(
      "measure.coordinates",
      measure.coordinates,
      '"theta", the coordinates of the parameters themselves',
      "A law of the radii has none; a gradientFlow or nonlinear dynamics of the same problem has.",
    );
  }
  const law = asParticles(measure);
  checkNetwork(law, problem);
  return law;
}

// What an exact energy asks of a problem: examples that can be summed over, or Gaussian inputs and the squared loss.
function checkEnergy({ law, loss }: Problem): void {
  if (law.kind !== "dataset" && law.kind !== "none" && loss !== "squared") {
    throw new SpecError(
      "functional.loss",
      loss,
      '"squared", as the law is sampled and this loss has no exact mean over it',
      "quadrature(law, { points }) makes the law finite.",
    );
  }
}

/** What a law and its examples are at points: −Ψ's slope and Ψ, one of them, and ∫Ψ dm beside Ψ. */
interface Field {
  velocity: Float64Array;
  potential: Float64Array;
  mean: number;
  method: string;
}

const NONE = new Float64Array(0);

async function fieldAt(
  problem: Problem,
  law: Particles,
  rows: Float64Array,
  n: number,
  engine: Engine,
  what: "velocity" | "potential",
): Promise<Field> {
  checkEnergy(problem);
  const trained = { ...problem, unit: allTrained(problem.unit) };
  const wanted = { velocity: what === "velocity" ? rows.length : 0, potential: what === "potential" ? n : 0 };
  const field: Field = {
    velocity: new Float64Array(wanted.velocity),
    potential: new Float64Array(wanted.potential),
    mean: 0,
    method: "exact",
  };
  switch (problem.law.kind) {
    case "none":
      return field;
    case "dataset":
      overAtoms(trained, problem.law, law, rows, n, engine, field);
      return field;
    default:
      await overGaussians(trained, law, rows, n, field);
      return field;
  }
}

// The derivative does not ask what a process moves.
function allTrained(unit: Unit): Unit {
  return unit.kind === "affine" ? { ...unit, trainOutput: true, trainBias: true } : unit;
}

// Predictions of the law and their data weights c_q; then Σ_q c_q · ∇σ*(x_q; θ) at the points, which take the place of neurons.
function overAtoms(
  problem: Problem,
  atoms: Dataset,
  law: Particles,
  rows: Float64Array,
  n: number,
  engine: Engine,
  field: Field,
): void {
  const { kernels } = engine;
  const memory = engine.memory();
  try {
    const K = outputsOf(problem.unit);
    const D = law.shape[1];
    const network = loadNetwork(memory, engine, problem, law);
    const probe = loadNetwork(memory, engine, problem, { ...law, shape: [n, D], values: rows, weights: null });
    const gradient = memory.allocate(probe.bytes);
    const result = viewNetwork(memory, probe, gradient).block;
    const theta = memory.reserve("f64", probe.length);
    const count = atoms.x.shape[0]!;
    const batch = writeBatch(memory, network, Math.min(count, MOST_EXAMPLES));
    const x = memory.put("f64", atoms.x.data);
    const labels = labelRows(atoms.y.data, count, K, problem.loss);
    const d = lawDimension(problem.law);
    for (let from = 0; from < count; from += MOST_EXAMPLES) {
      const here = Math.min(MOST_EXAMPLES, count - from);
      setBatchCount(memory, batch, here);
      kernels.packInputs_f64(network.block, batch.block, x + from * d * 8, 0, here);
      memory.f64(batch.labels, here * K).set(labels.subarray(from * K, (from + here) * K));
      const masses = memory.f64(batch.masses, here);
      if (atoms.weights) masses.set(atoms.weights.data.subarray(from, from + here));
      else masses.fill(1 / count);
      kernels.forward_f64(network.block, batch.block);
      kernels.weigh(batch.block, K, lossKinds[problem.loss], 1);
      const c = memory.f64(batch.weights, here * K);
      const f = memory.f64(batch.predictions, here * K);
      for (let i = 0; i < here * K; i++) field.mean -= c[i]! * (f[i]! - (law.outputBias?.[i % K] ?? 0));
      if (field.potential.length > 0 && problem.unit.kind === "ridge") {
        kernels.potential_f64(probe.block, batch.block, gradient);
        const sums = memory.f64(gradient, n);
        for (let i = 0; i < n; i++) field.potential[i]! -= sums[i]!;
        continue;
      }
      kernels.backward_f64(probe.block, batch.block, gradient);
      kernels.exportTheta_f64(result, theta);
      const slopes = memory.f64(theta, n * D);
      for (let i = 0; i < field.velocity.length; i++) field.velocity[i]! += slopes[i]!;
      // the slope by a_k is Σ_q c_qk σ_q, so that Ψ = −Σ_k a_k times it
      for (let i = 0; i < field.potential.length; i++) {
        for (let k = 0; k < K; k++) field.potential[i]! -= rows[i * D + k]! * slopes[i * D + k]!;
      }
    }
  } finally {
    memory.free();
  }
}

// Points are particles of mass 0, as many at a time as there are others: all at once would cost the square of their number.
async function overGaussians(
  problem: Problem,
  law: Particles,
  rows: Float64Array,
  n: number,
  field: Field,
): Promise<void> {
  const { populationField } = await import("../model/population");
  const population = populationField(problem);
  const [N, D] = law.shape;
  const outputBias = law.outputBias?.[0] ?? 0;
  field.method = population.method;
  const most = Math.max(N, 256);
  for (let from = 0; from < n; from += most) {
    const here = Math.min(most, n - from);
    const theta = new Float64Array((N + here) * D);
    theta.set(law.values);
    theta.set(rows.subarray(from * D, (from + here) * D), N * D);
    const weights = new Float64Array(N + here);
    if (law.weights) weights.set(law.weights);
    else weights.fill(1 / N, 0, N);
    if (field.velocity.length > 0) {
      const out = new Float64Array(theta.length);
      population.velocity(theta, N + here, out, { weights, outputBias });
      field.velocity.set(out.subarray(N * D), from * D);
    } else {
      const out = new Float64Array(N + here);
      population.potential(theta, N + here, out, { weights, outputBias });
      field.potential.set(out.subarray(N), from);
      if (from === 0) field.mean = dot(weights.subarray(0, N), out);
    }
  }
}

function confinementOf({ confinement }: Problem, law: Particles): number {
  if (confinement === null) return 0;
  const { value } = potentialFunctions(confinement);
  const [N, D] = law.shape;
  let sum = 0;
  for (let i = 0; i < N; i++) sum += (law.weights?.[i] ?? 1 / N) * value(row(law.values, i, D));
  return sum;
}

function outerAt(functional: FeatureFunctional, law: Particles) {
  const [N, D] = law.shape;
  let means = NONE;
  for (let i = 0; i < N; i++) {
    const g = featuresAt(functional, row(law.values, i, D), i === 0 ? null : means.length);
    if (i === 0) means = new Float64Array(g.length);
    for (let k = 0; k < means.length; k++) means[k]! += (law.weights?.[i] ?? 1 / N) * g[k]!;
  }
  const value = functional.outer(means.slice());
  if (!Number.isFinite(value))
    throw new SpecError("functional.outer", value, "a function that returns a finite number");
  const slope = numbers(functional.outerGradient(means.slice()), means.length, "functional.outerGradient");
  return { means, value, slope };
}

function featuresAt({ features }: FeatureFunctional, theta: Float64Array, p: number | null): Float64Array {
  const found = features(theta.slice());
  return numbers(found, p ?? Math.max(1, found?.length ?? 0), "functional.features");
}

// What a function of the user's returned, as so many finite numbers.
function numbers(found: ArrayLike<number>, length: number, path: string): Float64Array {
  const isList = (typeof found === "object" && found !== null && found.length === length) === true;
  if (!isList) throw new SpecError(path, found, `a function that returns ${length} numbers`);
  const values = Float64Array.from(found);
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new SpecError(path, found[bad], `a function that returns ${length} finite numbers`);
  return values;
}

function row(values: Float64Array, i: number, D: number): Float64Array {
  return values.subarray(i * D, (i + 1) * D);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
