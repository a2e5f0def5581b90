// Specifications of the fluctuating limits: modified flows, correlated noise, the SMFE on a grid, the CLT.        theory §8

import { SpecError } from "../engine/errors";
import { isSmooth } from "../model/activation";
import { type Dataset, isInfinite, lawDimension } from "../model/law";
import { type Problem, problemSchema } from "../model/problem";
import {
  array,
  choice,
  either,
  exactly,
  flag,
  integer,
  kind,
  object,
  optional,
  orNull,
  refined,
  type Schema,
  seed,
} from "../model/spec";
import type { Tensor } from "../model/tensor";
import { outputsOf, parameterDimension } from "../model/unit";
import { lawPoints, populationAtoms } from "./populationRule";
import {
  type Correction,
  checkBatch,
  checkGradient,
  checkMemory,
  checkNetworkMemory,
  checkParticles,
  defaultGradient,
  examplesOf,
  positive,
  random,
  replica,
  type Schedule,
  schedule,
  walls,
  withGradient,
} from "./schemaParts";

/** The stochastic modified flow of SGD, by superposition, as plain JSON. */
export interface ModifiedFlowProcess {
  kind: "modifiedFlow";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε of the SGD that is modelled */
  stepSize: number;
  /** B of the SGD that is modelled; the noise has level α = ε/B */
  batchSize: number;
  /** 1; or 2, whose drift is corrected by −(ε/2) Dv̄[v̄] */
  order: 1 | 2;
  /** scheme in time */
  method: "eulerMaruyama" | "heun";
  /** dt */
  timeStep: number;
  /** step of the Brownian motions, of which a time step is a whole number */
  noiseStep: number;
  /** further points u that the flow X(u, t) carries along, of no mass: [n, D] */
  carried: Tensor<"f64"> | null;
  /** v̄ over all atoms of a finite law, or over the law itself */
  gradient: "full" | "population";
  /** of a quadrature of the law */
  points: number | null;
  /** of a sampled law: fresh examples a step that make the noise; null on a finite law */
  examples: number | null;
  schedule: Schedule;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

/** Particles driven by correlated Brownian motions, as plain JSON. */
export interface CorrelatedNoiseProcess {
  kind: "correlatedNoise";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** B; α = ε/B */
  batchSize: number;
  /** dt */
  timeStep: number;
  /** of the covariance of all particles' noise */
  factorisation: "pivotedCholesky" | "eigen";
  seed: number;
  replica: number;
}

/** The stochastic mean-field equation of one parameter on a grid, as plain JSON; null is the solver's own choice. */
export interface SmfeGridProcess {
  kind: "smfeGrid";
  problem: Problem;
  /** ε */
  stepSize: number;
  /** B; α = ε/B */
  batchSize: number;
  /** false leaves the noise out: the mean-field limit itself */
  gradientNoise: boolean;
  cells: number | null;
  /** walls */
  box: [number, number] | null;
  /** dt */
  timeStep: number;
  /** step of the Brownian motions, of which a time step is a whole number */
  noiseStep: number;
  seed: number;
  replica: number;
}

/** The fluctuation η of SGD about its mean-field limit, as plain JSON; null is the solver's own choice. */
export interface FluctuationsProcess {
  kind: "fluctuations";
  problem: Problem;
  /** n of η = √n (μ^n − μ⁰) */
  neurons: number;
  /** ε */
  stepSize: number;
  /** B; α = ε/B */
  batchSize: number;
  /** tangent particles, or a grid of one parameter */
  method: "particles" | "grid";
  /** particles of μ⁰ */
  particles: number | null;
  /** of a Gaussian start: Sobol points, or the start's own draws with a seed of their own */
  reference: "quadrature" | "sample";
  /** grid: cells */
  cells: number | null;
  /** grid: walls */
  box: [number, number] | null;
  /** η_0: that of independent neurons, Gaussian; that of the n neurons which an SGD of the same seed starts from; or none */
  initialNoise: "gaussian" | "sample" | "none";
  /** whether the noise of the gradients drives η */
  gradientNoise: boolean;
  /** of a quadrature of a sampled law */
  points: number | null;
  /** dt */
  timeStep: number;
  /** step of the Brownian motions, of which a time step is a whole number */
  noiseStep: number;
  seed: number;
  replica: number;
}

const stepsOf = {
  stepSize: positive,
  batchSize: optional(integer(1, 2 ** 20), 1),
};
const timeStep = { timeStep: orNull(positive), noiseStep: orNull(positive) };
const order: Schema<1 | 2> = either<1 | 2>("1 or 2", (x) =>
  x === 1 ? exactly(1, "1") : x === 2 ? exactly(2, "2") : null,
);
/** Schema of a modified flow. */
export const modifiedFlowSchema: Schema<ModifiedFlowProcess> = refined(
  object("a modified flow", {
    kind: kind("modifiedFlow"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    ...stepsOf,
    order: optional(order, 1),
    method: optional(choice("eulerMaruyama", "heun"), "eulerMaruyama"),
    ...timeStep,
    carried: orNull(array("points, [n, D]", 2)),
    gradient: optional(choice("full", "population")),
    points: orNull(integer(1, 2 ** 24)),
    examples: orNull(integer(1, 2 ** 20)),
    schedule: optional(schedule, { kind: "constant" }),
    ...random,
  }),
  (process): ModifiedFlowProcess => {
    const { problem, carried } = process;
    const gradient = process.gradient ?? defaultGradient(problem);
    checkExamples(problem);
    checkParticles(process);
    checkGradient({ ...process, gradient });
    const finite = problem.law.kind === "dataset";
    if (finite && process.examples !== null) {
      throw new SpecError("examples", process.examples, "nothing, as the atoms of a finite law make the noise");
    }
    const D = parameterDimension(problem.unit, lawDimension(problem.law));
    if (carried && carried.shape[1] !== D) {
      throw new SpecError("carried", carried.shape, `shape [n, ${D}], a row θ a point`);
    }
    if (process.order === 2) checkSecondOrder({ ...process, gradient });
    const steps = withSteps(process);
    if (!finite && steps.noiseStep !== steps.timeStep) {
      throw new SpecError(
        "noiseStep",
        steps.noiseStep,
        `the time step ${steps.timeStep}, as a sampled law has no Brownian motions of atoms`,
        "quadrature(law, { points }) makes the law finite.",
      );
    }
    const examples = finite ? null : (process.examples ?? 64);
    const count = examplesOf({ ...process, gradient });
    checkNetworkMemory(
      { ...process, neurons: process.neurons + (carried?.shape[0] ?? 0) },
      { ...count, count: count.count + (examples ?? 0) },
    );
    return withGradient({ ...steps, examples }, gradient) as ModifiedFlowProcess;
  },
);

/** Schema of particles with correlated noise. */
export const correlatedNoiseSchema: Schema<CorrelatedNoiseProcess> = refined(
  object("particles with correlated noise", {
    kind: kind("correlatedNoise"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    ...stepsOf,
    timeStep: orNull(positive),
    factorisation: optional(choice("pivotedCholesky", "eigen"), "pivotedCholesky"),
    seed: optional(seed, 0),
    replica,
  }),
  (process): CorrelatedNoiseProcess => {
    const { problem, neurons, stepSize } = process;
    const { law, unit } = problem;
    checkParticles(process);
    checkFinite(problem);
    const size = neurons * parameterDimension(unit, lawDimension(law));
    if (size > MOST_CORRELATED) {
      throw new SpecError(
        "neurons",
        neurons,
        `at most ${MOST_CORRELATED} parameters in all, not ${size}: their covariance is factorised at each step`,
        "modifiedFlow has the same law at a cost linear in the neurons.",
      );
    }
    // the covariance, with three more of its size for its eigenvectors; the gradients of all examples, and the factor
    const matrices = process.factorisation === "eigen" ? 4 : 1;
    const examples = law.kind === "dataset" ? law.x.shape[0]! : 0;
    checkMemory([
      { path: "neurons", found: neurons, bytes: 8 * matrices * size * size },
      { path: "problem.law.x", found: examples, bytes: 8 * examples * (2 * size + 4 * lawDimension(law)) },
    ]);
    return { ...process, timeStep: process.timeStep ?? stepSize };
  },
);

/** Schema of the SMFE on a grid. */
export const smfeGridSchema: Schema<SmfeGridProcess> = refined(
  object("the stochastic mean-field equation on a grid", {
    kind: kind("smfeGrid"),
    problem: problemSchema,
    ...stepsOf,
    gradientNoise: optional(flag, true),
    cells: orNull(integer(8, 2 ** 20)),
    box: orNull(walls),
    ...timeStep,
    seed: optional(seed, 0),
    replica,
  }),
  (process): SmfeGridProcess => {
    checkOneParameter(process.problem, "modifiedFlow takes any dimension, with particles.");
    checkLineMemory(process.cells, process.problem);
    return withSteps(process);
  },
);

/** Schema of the fluctuation. */
export const fluctuationsSchema: Schema<FluctuationsProcess> = refined(
  object("a fluctuation", {
    kind: kind("fluctuations"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    ...stepsOf,
    method: optional(choice("particles", "grid"), "particles"),
    particles: orNull(integer(1, 2 ** 24)),
    reference: optional(choice("quadrature", "sample"), "quadrature"),
    cells: orNull(integer(8, 2 ** 20)),
    box: orNull(walls),
    initialNoise: orNull(choice("gaussian", "sample", "none")),
    gradientNoise: optional(flag, true),
    points: orNull(integer(1, 2 ** 24)),
    ...timeStep,
    seed: optional(seed, 0),
    replica,
  }),
  (process): FluctuationsProcess => {
    const { problem, method } = process;
    checkExamples(problem);
    checkSmooth(problem);
    if (isInfinite(problem.law)) checkParticles(process);
    if (problem.law.kind === "dataset" && process.points !== null) {
      throw new SpecError("points", process.points, "nothing, as the law is finite");
    }
    const foreign = method === "grid" ? (["particles"] as const) : (["cells", "box"] as const);
    for (const name of foreign) {
      if (process[name] !== null) throw new SpecError(name, process[name], `nothing, as the method is "${method}"`);
    }
    if (method === "grid") {
      checkOneParameter(problem, 'The method "particles" takes any dimension.');
      checkLineMemory(process.cells, problem);
      if (process.initialNoise === "sample") {
        throw new SpecError("initialNoise", "sample", '"gaussian" or "none" on a grid', 'Take the method "particles".');
      }
    }
    if (method === "particles") checkTangentMemory(process);
    // SGD from given particles starts from them all
    const initialNoise = process.initialNoise ?? (problem.start.kind === "particles" ? "none" : "gaussian");
    return withSteps({ ...process, initialNoise });
  },
);

/** Parameters of all particles together whose covariance is factorised at each step. */
const MOST_CORRELATED = 16000;

// dt = ε and noise steps of dt where nothing is said.
function withSteps<P extends { stepSize: number; timeStep: number | null; noiseStep: number | null }>(
  process: P,
): P & { timeStep: number; noiseStep: number } {
  const timeStep = process.timeStep ?? process.stepSize;
  const noiseStep = process.noiseStep ?? timeStep;
  const ratio = timeStep / noiseStep;
  if (!(Math.abs(ratio - Math.round(ratio)) <= 1e-9 * ratio) || Math.round(ratio) < 1) {
    throw new SpecError("noiseStep", noiseStep, `a whole part of the time step ${timeStep}`);
  }
  return { ...process, timeStep, noiseStep };
}

function checkExamples({ law }: Problem): void {
  if (law.kind === "none") {
    throw new SpecError("problem.law.kind", "none", "a law with examples, whose gradients fluctuate");
  }
}

function checkFinite({ law }: Problem): void {
  if (law.kind === "dataset") return;
  throw new SpecError(
    "problem.law.kind",
    law.kind,
    '"dataset", a finite law',
    "quadrature(law, { points }) makes it finite.",
  );
}

function checkOneParameter(problem: Problem, remedy: string): void {
  const { unit, law, start } = problem;
  checkFinite(problem);
  if (unit.kind !== "ridge") throw new SpecError("problem.unit.kind", unit.kind, '"ridge", of one weight', remedy);
  const d = lawDimension(law);
  if (d !== 1) throw new SpecError("problem.law.x", d, `inputs of length 1, as a neuron has one parameter`, remedy);
  const point = start.kind === "normal" && (typeof start.w === "number" || start.w.deviation === 0);
  if (point || start.kind === "particles" || start.kind === "radii") {
    const density = "densityStart({ edges, masses }) takes any density.";
    throw new SpecError("problem.start.kind", start.kind, "a start with a density", density);
  }
}

// Tables of σ and σ' of every example, and a dozen fields.
function checkLineMemory(cells: number | null, { law }: Problem): void {
  const examples = law.kind === "dataset" ? law.x.shape[0]! : 0;
  checkMemory([{ path: "cells", found: cells, bytes: 8 * (cells ?? 1024) * (2 * examples + 16) }]);
}

// θ and b of the particles, and of neurons that are carried along, over the atoms of the law or of its quadrature.
function checkTangentMemory(process: {
  problem: Problem;
  neurons: number;
  particles: number | null;
  initialNoise: string | null;
  points: number | null;
}): void {
  const { problem, neurons, particles, initialNoise, points } = process;
  const { law, start } = problem;
  const sampled = initialNoise === "sample";
  if (sampled) checkParticles(process);
  const base = start.kind === "particles" ? start.theta.shape[0]! : (particles ?? 4096);
  const count =
    law.kind === "dataset" ? law.x.shape[0]! : populationAtoms(problem, lawPoints(lawDimension(law), points));
  const d = lawDimension(law);
  const numbers = (base + (sampled ? neurons : 0)) * (parameterDimension(problem.unit, d) + 2);
  checkMemory([
    // θ, b, their velocities, what is written and read of them
    {
      ...(sampled && neurons > base ? { path: "neurons", found: neurons } : { path: "particles", found: base }),
      bytes: 64 * numbers,
    },
    {
      path: points === null ? "problem.law" : "points",
      found: count,
      bytes: 8 * count * (3 * d + 8 * outputsOf(problem.unit)),
    },
  ]);
}

function checkSmooth({ unit, confinement }: Problem): void {
  if (!isSmooth(unit.activation)) {
    throw new SpecError(
      "problem.unit.activation",
      unit.activation.kind,
      "an activation with a second derivative",
      "softplus() is a smooth relu; tabulate(fn, …) takes any function.",
    );
  }
  if (confinement?.kind === "function") {
    throw new SpecError(
      "problem.confinement",
      "functions",
      "quadratic(…) or separable(…), whose second derivative is known",
    );
  }
  if (confinement?.kind === "separable" && !isSmooth(confinement.function)) {
    throw new SpecError(
      "problem.confinement.function",
      confinement.function.kind,
      "a function with a second derivative",
    );
  }
}

/** Schema of a correction. */
export const correctionSchema: Schema<Correction> = object("a correction { stepSize, sampling, batchSize }", {
  stepSize: positive,
  sampling: optional(choice("full", "withoutReplacement"), "full"),
  batchSize: optional(integer(1, 2 ** 20), 1),
});

/** Some seconds an evaluation. */
const MOST_PRODUCTS = 2 ** 29;

/** Checks that a gradient flow can be corrected; paths are relative to the process. */
export function checkCorrection(
  process: { problem: Problem; neurons: number; gradient: string; points: number | null; schedule: Schedule },
  correction: Correction,
): void {
  checkExamples(process.problem);
  checkSecondOrder(process);
  checkSampling(process.problem, correction, "correction", process.neurons);
}

/**
 * Checks that examples can be drawn as a modified loss says.
 *
 * @param path     where the correction stands
 * @param neurons  that meet all examples at each evaluation
 */
export function checkSampling(
  problem: Problem,
  { sampling, batchSize }: Correction,
  path: string,
  neurons: number,
): void {
  if (sampling === "full") {
    if (batchSize === 1) return;
    throw new SpecError(`${path}.batchSize`, batchSize, 'nothing, as the sampling is "full"');
  }
  checkFinite(problem);
  const { x, decay } = problem.law as Dataset;
  const [n, d] = x.shape as [number, number];
  // a pair of neuron and example costs d multiplications twice, and as much as some eight more
  if (neurons * n * (d + 8) > MOST_PRODUCTS) {
    const expected = `fewer pairs of neurons and examples than ${neurons} × ${n}, as they are summed without kernels`;
    throw new SpecError(path, sampling, expected, 'The sampling "full" has kernels.');
  }
  if (n % batchSize !== 0) {
    throw new SpecError(`${path}.batchSize`, batchSize, `a divisor of the ${n} examples of an epoch`);
  }
  checkBatch({ problem, batchSize, replacement: false });
  if (decay) throw new SpecError("problem.law.decay", decay.data, "nothing, as examples go without replacement");
}

function checkSecondOrder(process: {
  problem: Problem;
  gradient: string;
  points: number | null;
  schedule: Schedule;
}): void {
  checkSmooth(process.problem);
  if (process.schedule.kind !== "constant") {
    throw new SpecError("schedule", process.schedule.kind, '"constant", as the order is 2');
  }
  if (process.gradient === "population" && process.points === null) {
    throw new SpecError("points", null, "points of a quadrature of the law, as the order is 2");
  }
}
