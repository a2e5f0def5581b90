// Laws P of an example z = (x, y), and what the samplers and the exact formulas need to know of them.   theory §4

import { PURPOSE_ROTATION, PURPOSE_TEACHER } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { normalsOf } from "../random/stream";
import { type Activation, activationSchema } from "./activation";
import { haarOrthogonal, semidefiniteFactor } from "./matrices";
import { probabilities } from "./probabilities";
import {
  array,
  either,
  exactly,
  integer,
  isRecord,
  kind,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  parseSpec,
  refined,
  type Schema,
  seed,
} from "./spec";
import { type Tensor, type TensorLike, tensor } from "./tensor";

/** The identity, or an orthogonal matrix drawn from Haar's law by this seed. */
export type Rotation = "identity" | { seed: number };

/** y = ±1 with probability ½, x ~ N(0, Q diag((1 ± Δ)² I_{s0}, I_{d−s0}) Qᵀ). */
export interface AnisotropicGaussians {
  kind: "anisotropicGaussians";
  /** d */
  dimension: number | "infinite";
  /** s0; the fraction γ = s0/d in (0, 1] when d is infinite */
  signal: number;
  /** Δ in [0, 1) */
  delta: number;
  /** Q */
  rotation: Rotation;
}

/** n examples with masses; null means equal ones. */
export interface Dataset {
  kind: "dataset";
  /** [n, d] */
  x: Tensor<"f64">;
  /** [n], or [n, K] for K > 1 outputs: values, or probabilities of K classes */
  y: Tensor<"f64">;
  /** [n], sum 1 */
  weights: Tensor<"f64"> | null;
  /** [n], mean 1: an example's step has decay_q ∇U of the confinement in it; left out where all are 1 */
  decay?: Tensor<"f64">;
}

/** x ~ N(0, I_d), y = mean_j a_j σ(⟨w_j, x⟩) + noise · g; a and w are `teacherNetwork(law)`. */
export interface Teacher {
  kind: "teacher";
  dimension: number;
  neurons: number;
  activation: Activation;
  /** standard deviation of the label noise */
  noise: number;
  seed: number;
}

/** One part of a mixture: x ~ N(mean, covariance), y = label. */
export interface MixtureComponent {
  /** probability; they sum to 1 */
  weight: number;
  /** [d] */
  mean: Tensor<"f64">;
  /** [d, d], symmetric positive semidefinite */
  covariance: Tensor<"f64">;
  label: number;
}

/** Gaussians with a label each. */
export interface Mixture {
  kind: "mixture";
  components: MixtureComponent[];
}

/** No examples at all: E = 0, and the parameters w ∈ R^d feel their confinement alone. */
export interface NoLaw {
  kind: "none";
  dimension: number;
}

/** The law of an example (x, y), as plain JSON. */
export type Law = AnisotropicGaussians | Dataset | Teacher | Mixture | NoLaw;

/**
 * One Gaussian part of a law: x = mean + factor · g with g ~ N(0, I_d), y = label. All parts of a law have the same form:
 * a mean or none, a diagonal or a factor.
 */
export interface GaussianComponent {
  /** probability */
  weight: number;
  label: number;
  /** [d], or null when it is 0 */
  mean: Float64Array | null;
  /** [d] standard deviations, where the factor is diagonal; otherwise null */
  diagonal: Float64Array | null;
  /** [d, d] row-major, where the factor is not diagonal; otherwise null */
  factor: Float64Array | null;
}

/**
 * Two centred Gaussians that differ by their variance on a signal space of dimension s0.
 *
 * @param options  dimension: d, or "infinite"; signal: s0 (default d), or the fraction s0/d when d is infinite (default 1);
 *                 delta: Δ in [0, 1), standard deviations 1 ± Δ on the signal space; rotation: Q, "identity" (default: the
 *                 signal space is the first s0 coordinates) or { seed }, drawn from Haar's law
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Montanari, Nguyen, PNAS 2018, section "Centered anisotropic Gaussians"; theory §4
 */
export function anisotropicGaussians(options: {
  dimension: number | "infinite";
  signal?: number;
  delta: number;
  rotation?: Rotation;
}): AnisotropicGaussians {
  return parseLaw({ kind: "anisotropicGaussians", ...options }) as AnisotropicGaussians;
}

/**
 * A finite law: the user's own examples.
 *
 * @param options  x: [n, d]; y: [n] (values, labels ±1 or classes 0, 1 …) or [n, K] (K values, or probabilities of K
 *                 classes); weights: [n], non-negative, divided by their sum (default: equal); decay: [n], how much of the
 *                 problem's confinement is in the step of each example, divided by their mean (default: equal): it makes the
 *                 confinement random in SGD and its fluctuating limits, and changes no mean
 * @throws {SpecError} with the path of the wrong field
 * @example dataset({ x: [[0, 1], [1, 0], [1, 1]], y: [1, -1, 1] })
 * @see theory §4
 */
export function dataset(options: {
  x: TensorLike;
  y: TensorLike;
  weights?: TensorLike | null;
  decay?: TensorLike | null;
}): Dataset {
  return parseLaw({ kind: "dataset", ...options }) as Dataset;
}

/**
 * Gaussian inputs that a fixed network labels, with noise.
 *
 * @param options  dimension: d; neurons: width of the teacher; activation: σ; noise: standard deviation of the label noise
 *                 (0); seed: draws the teacher (0)
 * @throws {SpecError} with the path of the wrong field
 * @see teacherNetwork for the teacher's weights; theory §4
 */
export function teacher(options: {
  dimension: number;
  neurons: number;
  activation: Activation;
  noise?: number;
  seed?: number;
}): Teacher {
  return parseLaw({ kind: "teacher", ...options }) as Teacher;
}

/**
 * Gaussians with a label each.
 *
 * @param components  weight: non-negative, divided by their sum; mean: [d]; covariance: [d, d], symmetric positive
 *                    semidefinite; label: y
 * @throws {SpecError} with the path of the wrong field
 * @see theory §4
 */
export function mixture(
  components: readonly { weight: number; mean: TensorLike; covariance: TensorLike; label: number }[],
): Mixture {
  return parseLaw({ kind: "mixture", components }) as Mixture;
}

/**
 * No examples, so that E = 0: parameters in R^d that move in their confinement alone.
 *
 * @param dimension  d
 * @throws {SpecError} with the path of the wrong field
 * @see potentialProblem; theory §7
 */
export function noExamples(dimension: number): NoLaw {
  return parseLaw({ kind: "none", dimension }) as NoLaw;
}

/**
 * Whether inputs have infinite dimension, so that there are no examples, only the limit.
 *
 * @param law  the law
 */
export function isInfinite(law: Law): boolean {
  return law.kind === "anisotropicGaussians" && law.dimension === "infinite";
}

/**
 * Length d of an input.
 *
 * @param law  the law
 * @throws {SpecError} when it is infinite
 */
export function lawDimension(law: Law): number {
  if (law.kind === "dataset") return law.x.shape[1]!;
  if (law.kind === "mixture") return law.components[0]!.mean.data.length;
  if (law.dimension === "infinite") throw new SpecError("law.dimension", "infinite", "a finite dimension");
  return law.dimension;
}

/**
 * Whether a law is made of Gaussians with a label each, so that `gaussianComponents` has them.
 *
 * @param law  the law
 */
export function isGaussian(law: Law): boolean {
  return law.kind === "mixture" || (law.kind === "anisotropicGaussians" && law.dimension !== "infinite");
}

/**
 * The Gaussian parts of a law, each with its label.
 *
 * @param law  anisotropic Gaussians of finite dimension, or a mixture
 * @throws {SpecError} when the law is another one
 */
export function gaussianComponents(law: Law): GaussianComponent[] {
  if (law.kind === "mixture") return mixtureComponents(law.components);
  if (law.kind !== "anisotropicGaussians" || law.dimension === "infinite") {
    throw new SpecError("law", law, "a mixture, or anisotropic Gaussians of finite dimension");
  }
  const { dimension: d, signal, delta, rotation } = law;
  const q = rotation === "identity" ? null : rotationMatrix(d, rotation.seed);
  return [1, -1].map((label) => {
    const diagonal = new Float64Array(d).fill(1).fill(1 + label * delta, 0, signal);
    const factor = q?.map((entry, at) => entry * diagonal[at % d]!) ?? null;
    return { weight: 0.5, label, mean: null, diagonal: factor ? null : diagonal, factor };
  });
}

/**
 * The orthogonal matrix Q that a seed stands for, of Haar's law; [d, d] row-major, x = Q z.
 *
 * @param dimension  d
 * @param seed       of the stream, purpose "rotation", replica 0
 */
export function rotationMatrix(dimension: number, seed: number): Float64Array {
  const stream = { seed, purpose: PURPOSE_ROTATION, replica: 0 };
  return haarOrthogonal(normalsOf(stream, { step: 0, from: 0, count: dimension * dimension }), dimension);
}

/**
 * The weights of a teacher: w_j ~ N(0, I_d/d), so that |w_j| is about 1 and ⟨w_j, x⟩ about standard normal, and a_j = 1
 * for even j, −1 for odd j.
 *
 * @param law  the teacher
 * @returns a: [neurons]; w: [neurons, d] row-major
 */
export function teacherNetwork(law: Teacher): { a: Float64Array; w: Float64Array } {
  const stream = { seed: law.seed, purpose: PURPOSE_TEACHER, replica: 0 };
  const normals = normalsOf(stream, { step: 0, from: 0, count: law.neurons * law.dimension });
  const root = Math.sqrt(law.dimension);
  return {
    a: Float64Array.from({ length: law.neurons }, (_, j) => (j % 2 === 0 ? 1 : -1)),
    w: normals.map((g: number) => g / root),
  };
}

const DIMENSIONS = 1048576;
const finiteDimension = integer(1, DIMENSIONS);

const anisotropicGaussiansSchema = refined(
  object("anisotropic Gaussians", {
    kind: kind("anisotropicGaussians"),
    dimension: either<number | "infinite">(`an integer from 1 to ${DIMENSIONS}, or "infinite"`, (x) =>
      x === "infinite" ? exactly("infinite", '"infinite"') : typeof x === "number" ? finiteDimension : null,
    ),
    signal: optional(number("a positive number", (x) => x > 0)),
    delta: number("a number in [0, 1)", (x) => x >= 0 && x < 1),
    rotation: optional(
      either<Rotation>('"identity" or { seed }', (x) =>
        x === "identity" ? exactly("identity", '"identity"') : isRecord(x) ? object("a rotation", { seed }) : null,
      ),
      "identity",
    ),
  }),
  (law): AnisotropicGaussians => {
    const { kind, dimension: d, delta, rotation } = law;
    const signal = law.signal ?? (d === "infinite" ? 1 : d);
    if (d === "infinite") {
      if (signal > 1) throw new SpecError("signal", signal, "a fraction in (0, 1], as the dimension is infinite");
      if (rotation !== "identity") {
        throw new SpecError("rotation", rotation, '"identity", as the dimension is infinite');
      }
    } else if (!Number.isInteger(signal) || signal > d) {
      throw new SpecError("signal", signal, `an integer from 1 to the dimension ${d}`);
    }
    return { kind, dimension: d, signal, delta, rotation };
  },
);

const datasetSchema = refined(
  object("a dataset", {
    kind: kind("dataset"),
    x: array("an array of shape [n, d]", 2),
    y: array("an array of shape [n] or [n, K]", 1, 2),
    weights: orNull(array("an array of shape [n], or null", 1)),
    decay: orNull(array("an array of shape [n], or null", 1)),
  }),
  ({ kind, x, y, weights, decay }): Dataset => {
    const n = x.shape[0]!;
    if (y.shape[0] !== n) {
      throw new SpecError("y", y.shape, `shape [${n}], a label for each row of x`);
    }
    const masses = weights && probabilities(weights.data, "weights");
    if (weights && weights.data.length !== n) {
      throw new SpecError("weights", weights.shape, `shape [${n}], a weight for each row of x`);
    }
    const equal = masses?.every((mass) => mass === masses[0]) ?? true;
    const relative = decay && meanOne(decay, masses, n);
    return {
      kind,
      x,
      y: y.shape[1] === 1 ? flat(y) : y,
      weights: equal ? null : (tensor(masses!) as Tensor<"f64">),
      ...(relative?.some((factor) => factor !== 1) && { decay: tensor(relative) as Tensor<"f64"> }),
    };
  },
);

const teacherSchema = object("a teacher", {
  kind: kind("teacher"),
  dimension: finiteDimension,
  neurons: integer(1, 1048576),
  activation: activationSchema,
  noise: optional(
    number("a non-negative number", (x) => x >= 0),
    0,
  ),
  seed: optional(seed, 0),
});

const componentSchema = refined(
  object("a component { weight, mean, covariance, label }", {
    weight: number("a non-negative number", (x) => x >= 0),
    mean: array("an array of shape [d]", 1),
    covariance: array("an array of shape [d, d]", 2),
    label: number("a finite number"),
  }),
  (component): MixtureComponent => {
    const d = component.mean.data.length;
    const { shape, data } = component.covariance;
    if (shape[0] !== d || shape[1] !== d) {
      throw new SpecError("covariance", shape, `shape [${d}, ${d}], as the mean has length ${d}`);
    }
    const covariance = symmetric(data, d);
    if (semidefiniteFactor(covariance, d) === null) {
      throw new SpecError("covariance", data, "a positive semidefinite matrix", "It has a negative eigenvalue.");
    }
    return { ...component, covariance: tensor(covariance, shape) as Tensor<"f64"> };
  },
);

const mixtureSchema = refined(
  object("a mixture", {
    kind: kind("mixture"),
    components: list("a list of components { weight, mean, covariance, label }", componentSchema),
  }),
  ({ kind, components }): Mixture => {
    const d = components[0]!.mean.data.length;
    components.forEach(({ mean }, i) => {
      if (mean.data.length !== d) {
        throw new SpecError(`components[${i}].mean`, mean.shape, `shape [${d}], as the first component has`);
      }
    });
    const weights = probabilities(
      components.map(({ weight }) => weight),
      "components",
    );
    return { kind, components: components.map((component, i) => ({ ...component, weight: weights[i]! })) };
  },
);

/** Schema of a law. */
export const lawSchema: Schema<Law> = oneOf(
  "a law",
  {
    anisotropicGaussians: anisotropicGaussiansSchema,
    dataset: datasetSchema,
    teacher: teacherSchema,
    mixture: mixtureSchema,
    none: object("no examples", { kind: kind("none"), dimension: finiteDimension }),
  },
  "Put the examples of your own sampler in dataset({ x, y }).",
);

/**
 * A law, checked and normalised.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseLaw(value: unknown, path = "law"): Law {
  return parseSpec(lawSchema, value, path);
}

function mixtureComponents(components: readonly MixtureComponent[]): GaussianComponent[] {
  const d = components[0]!.mean.data.length;
  const isCentred = components.every(({ mean }) => mean.data.every((entry) => entry === 0));
  const isDiagonal = components.every(({ covariance }) =>
    covariance.data.every((entry, at) => entry === 0 || at % (d + 1) === 0),
  );
  return components.map(({ weight, label, mean, covariance }) => ({
    weight,
    label,
    mean: isCentred ? null : mean.data.slice(),
    diagonal: isDiagonal
      ? Float64Array.from({ length: d }, (_, i) => Math.sqrt(Math.max(0, covariance.data[i * (d + 1)]!)))
      : null,
    factor: isDiagonal ? null : semidefiniteFactor(covariance.data, d)!,
  }));
}

// Decays divided by their mean; decays of mean 1 keep their bits.
function meanOne(decay: Tensor<"f64">, masses: Float64Array | null, n: number): Float64Array {
  const { data, shape } = decay;
  if (data.length !== n) throw new SpecError("decay", shape, `shape [${n}], a decay for each row of x`);
  let mean = 0;
  for (let q = 0; q < n; q++) mean += data[q]! * (masses ? masses[q]! : 1 / n);
  if (!(Math.abs(mean) > 1e-12 * data.reduce((most, x) => Math.max(most, Math.abs(x)), 0))) {
    throw new SpecError("decay", mean, "decays whose mean is not 0", "The confinement of the problem is their mean.");
  }
  return Math.abs(mean - 1) < 1e-12 ? data : data.map((x) => x / mean);
}

function flat(y: Tensor<"f64">): Tensor<"f64"> {
  return tensor(y.data) as Tensor<"f64">;
}

// The mean of A and Aᵀ, where they differ by round-off only.
function symmetric(a: Float64Array, d: number): Float64Array {
  const result = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const here = a[i * d + j]!;
      const there = a[j * d + i]!;
      if (Math.abs(here - there) > 1e-12 * Math.max(Math.abs(here), Math.abs(there))) {
        throw new SpecError(
          `covariance[${i}][${j}]`,
          here,
          `${there}, as in row ${j}, column ${i}: a symmetric matrix`,
        );
      }
      result[i * d + j] = here === there ? here : (here + there) / 2;
    }
  }
  return result;
}
