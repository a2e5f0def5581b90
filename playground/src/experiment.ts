// What stands on the page: a problem by name with its numbers, a process, a limit, a time. It is what the URL holds, and makes
// the specifications that are run.

import {
  type Activation,
  adam,
  affine,
  anisotropicGaussians,
  fokkerPlanck,
  gaussian,
  gradientDescent,
  gradientFlow,
  langevin,
  modifiedFlow,
  nonlinear,
  type Observable,
  type ProblemInput,
  type Process,
  parseProcess,
  piecewiseLinear,
  quadratic,
  type RunSpecInput,
  radialFlow,
  ridge,
  risk,
  SpecError,
  sgd,
  tanh,
  teacher,
} from "meanfield";
import { peaks } from "../../src/model/peaks";
import { quadrature } from "../../src/model/quadrature";
import { sineNetwork } from "../../src/study/figures/sineNetwork";
import type { Change, Run } from "./run/protocol";

/** Problems by name. "file" is a run file or a dataset that was dropped on the page, which no URL holds. */
export type ProblemName = "gaussians" | "teacher" | "peaks" | "sine" | "file";

/** Processes that the page offers for the network. */
export type NetworkKind = "sgd" | "gradientDescent" | "adam" | "langevin";

/** Limits that can be laid over it; not each goes with each problem: `limitsFor`. */
export type LimitKind = "none" | "radialFlow" | "gradientFlow" | "nonlinear" | "modifiedFlow" | "fokkerPlanck";

/** The state of the page, plain JSON. */
export interface Experiment {
  problem: ProblemName;
  network: NetworkKind;
  limit: LimitKind;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** B */
  batchSize: number;
  /** τ */
  temperature: number;
  /** κ, the deviation of the start is κ/√d */
  radius: number;
  seed: number;
  /** d, s_0 and Δ of "gaussians"; d of "teacher" */
  dimension: number;
  signal: number;
  delta: number;
  /** "figure1" or "figure2", the seeds' piecewise-linear units, or an activation of the library by its kind */
  activation: string;
  precision: "f32" | "f64";
  time: number;
  changes: Change[];
  /** pictures that are shown, and the coordinates of the cloud; null: the problem's own */
  pictures: ("law" | "cloud" | "risk" | "decision" | "sharpness")[] | null;
  x: string | null;
  y: string | null;
  band: boolean;
  /** stop of the tour, 0 before it; null: no tour */
  tour: number | null;
}

/** What was dropped on the page. */
export type Dropped =
  | { kind: "dataset"; name: string; law: ProblemInput["law"]; rows: number }
  | { kind: "run"; name: string; run: RunSpecInput };

/** Activations by the names that `Experiment` has for them. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  figure1: piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
  figure2: piecewiseLinear([
    [0, -2.5],
    [0.5, -4],
    [1.5, 7.5],
  ]),
  relu: { kind: "relu" },
  leakyRelu: { kind: "leakyRelu", slope: 0.1 },
  truncatedRelu: { kind: "truncatedRelu" },
  tanh: { kind: "tanh" },
  erf: { kind: "erf" },
  logistic: { kind: "logistic" },
  softplus: { kind: "softplus" },
  silu: { kind: "silu" },
  cosine: { kind: "cosine" },
};

const GAUSSIANS: Experiment = {
  problem: "gaussians",
  network: "sgd",
  limit: "radialFlow",
  neurons: 800,
  stepSize: 1e-4,
  batchSize: 1,
  temperature: 0,
  radius: 0.8,
  seed: 1,
  dimension: 40,
  signal: 40,
  delta: 0.8,
  activation: "figure1",
  precision: "f64",
  time: 0,
  changes: [],
  pictures: null,
  x: null,
  y: null,
  band: false,
  tour: null,
};

const DEFAULTS: Record<ProblemName, Partial<Experiment>> = {
  gaussians: {},
  teacher: { limit: "gradientFlow", neurons: 128, stepSize: 0.01, radius: 1.5, dimension: 10, activation: "tanh" },
  peaks: { limit: "gradientFlow", neurons: 128, stepSize: 0.5, batchSize: 20, radius: 1.5, activation: "relu" },
  // a step of 1.5 times 2/λ_max at the gradient flow's end: it comes to the edge of stability on its way
  sine: {
    network: "gradientDescent",
    limit: "gradientFlow",
    neurons: 32,
    stepSize: 1.1,
    radius: 1,
    activation: "tanh",
  },
  file: { limit: "gradientFlow", neurons: 200, stepSize: 0.05, batchSize: 8, radius: 1, activation: "tanh" },
};

/** What stands on the page where nothing else is said. */
export function defaults(problem: ProblemName): Experiment {
  return { ...GAUSSIANS, problem, ...DEFAULTS[problem], changes: [] };
}

/** A choice, whether it goes with the rest, and a sentence: what it is, or why it does not. */
export interface Choice<K> {
  kind: K;
  fits: boolean;
  reason: string;
}

/** What each limit is, in a sentence. */
export const LIMITS: Record<LimitKind, string> = {
  none: "The network alone.",
  radialFlow: "The mean-field limit N → ∞, ε → 0 in the radii of the weights.",
  gradientFlow: "The same neurons from the same start as ε → 0, along the gradient over all examples.",
  nonlinear: "The same neurons, each in the field of the limit N → ∞ and not of the others.",
  modifiedFlow: "A stochastic differential equation with the noise of SGD's gradients: SGD to first order in ε.",
  fokkerPlanck: "The mean-field limit with noise τ: the law of the weights as a density on a grid.",
};

/** The limits, with those that do not go with the experiment and the reason in a sentence. */
export function limitsFor(experiment: Experiment, dropped: Dropped | null): Choice<LimitKind>[] {
  let network: Process | null = null;
  let wrong = "";
  try {
    network = networkOf(experiment, dropped);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    wrong = error.message;
  }
  return (Object.keys(LIMITS) as LimitKind[]).map((kind) => {
    if (kind === "none") return { kind, fits: true, reason: LIMITS.none };
    const reason = network ? whyNot(kind, network, experiment, dropped) : wrong;
    return { kind, fits: reason === null, reason: reason ?? LIMITS[kind] };
  });
}

/** The network and its limit as they are run. */
export function runOf(experiment: Experiment, dropped: Dropped | null): Run {
  const network = networkOf(experiment, dropped);
  const { limit: kind, changes } = experiment;
  if (kind === "none") return { network, limit: null, changes };
  const reason = whyNot(kind, network, experiment, dropped);
  if (reason !== null) throw new SpecError("limit", kind, "a limit that goes with this run", reason);
  return { network, limit: limitOf(kind, network, experiment, dropped), changes };
}

/** The risk as it is recorded of a process: exact wherever that is quick enough to be watched. */
export function riskOf(process: Process): Extract<Observable, { kind: "risk" }> {
  // exact it is a sum over pairs of neurons, by quadrature where they are nearly parallel: in few dimensions most are
  const { law } = process.problem;
  const parallel = law.kind === "teacher" || (law.kind === "anisotropicGaussians" && Number(law.dimension) < 8);
  return risk(parallel ? { method: "sample", points: 4096 } : {}) as Extract<Observable, { kind: "risk" }>;
}

function networkOf(experiment: Experiment, dropped: Dropped | null): Process {
  const { problem: name, network: kind, neurons, stepSize, batchSize, temperature, precision, seed } = experiment;
  if (name === "file" && dropped?.kind === "run") return editedRun(experiment, dropped.run.process);
  const problem = problemOf(experiment, dropped);
  const common = { neurons, stepSize, precision, seed };
  const sampled = problem.law.kind !== "dataset";
  const points = sampled ? { points: POINTS } : {};
  switch (kind) {
    case "sgd":
      return sgd(problem, { ...common, batchSize, temperature });
    case "gradientDescent":
      return gradientDescent(problem, { ...common, ...points });
    case "adam":
      return adam(problem, { ...common, gradient: "batch", batchSize });
    case "langevin":
      return langevin(
        { ...problem, confinement: quadratic(CONFINEMENT) },
        {
          ...common,
          temperature,
          ...(sampled ? { gradient: "batch", batchSize } : { gradient: "full" }),
        },
      );
    default:
      throw new SpecError("network", kind, '"sgd", "gradientDescent", "adam" or "langevin"');
  }
}

/** λ of U = λ|θ|²/2 under Langevin dynamics: without it the noise would carry the neurons off, and no law were at rest. */
const CONFINEMENT = 0.05;

/** Sobol points that stand for a sampled law where a gradient is taken over all of it. */
const POINTS = 512;

function problemOf(experiment: Experiment, dropped: Dropped | null): ProblemInput {
  const { problem: name, dimension, signal, delta, radius, seed } = experiment;
  const activation = ACTIVATIONS[experiment.activation];
  if (!activation) {
    throw new SpecError("activation", experiment.activation, `one of ${Object.keys(ACTIVATIONS).join(", ")}`);
  }
  if (!(radius > 0)) throw new SpecError("radius", radius, "a positive number");
  const normal = (deviation: number) => ({ mean: 0, deviation });
  const start = (d: number, b: number) => gaussian({ w: normal(radius / Math.sqrt(d)), a: normal(1), b: normal(b) });
  switch (name) {
    case "gaussians":
      return {
        law: anisotropicGaussians({ dimension, signal, delta }),
        unit: ridge(activation),
        start: gaussian({ radius }),
      };
    case "teacher":
      return {
        law: teacher({ dimension, neurons: 4, activation: tanh(), noise: 0.1, seed: 0 }),
        unit: affine(activation),
        start: start(dimension, 0.1),
      };
    case "peaks":
      return {
        law: peaks({ perClass: 60, seed }),
        unit: affine(activation, { outputs: 5 }),
        start: start(2, 2),
        loss: "crossEntropy",
      };
    case "sine":
      return { ...sineNetwork(), unit: affine(activation), start: start(1, 1) };
    case "file": {
      if (dropped?.kind !== "dataset") {
        throw new SpecError("problem", "file", "a file", "Drop a dataset or a run file on the page.");
      }
      const { law } = dropped;
      const { x, y } = law as {
        x: { shape: readonly number[] };
        y: { shape: readonly number[]; data: ArrayLike<number> };
      };
      const classes = classesOf(y);
      const outputs = classes ?? y.shape[1] ?? 1;
      return {
        law,
        unit: affine(activation, { outputs }),
        start: start(x.shape[1]!, 1),
        ...(classes !== null && { loss: "crossEntropy" as const }),
      };
    }
    default:
      throw new SpecError("problem", name, "gaussians, teacher, peaks, sine or file");
  }
}

// Labels 0 … K − 1 that all occur, K ≤ 32, are classes; anything else is a number to be hit.
function classesOf({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): number | null {
  if ((shape[1] ?? 1) !== 1) return null;
  const found = new Set(Array.from(data));
  const K = found.size;
  return K >= 2 && K <= 32 && Array.from({ length: K }, (_, k) => k).every((k) => found.has(k)) ? K : null;
}

// A run file with what was changed on the page; what was not is taken as it stands.
function editedRun(experiment: Experiment, given: unknown): Process {
  const process = parseProcess(given);
  const edited: Record<string, unknown> = { ...process };
  for (const name of ["neurons", "stepSize", "batchSize", "temperature", "precision", "seed"] as const) {
    if (name in process && edited[name] !== experiment[name]) {
      edited[name] = experiment[name];
      // they follow the step
      if (name === "stepSize" && "noiseStep" in process) Object.assign(edited, { timeStep: null, noiseStep: null });
    }
  }
  const { start } = process.problem;
  if (start.kind === "gaussian" && start.radius !== experiment.radius) {
    edited["problem"] = { ...process.problem, start: { ...start, radius: experiment.radius } };
  }
  return parseProcess(edited);
}

function limitOf(kind: LimitKind, network: Process, experiment: Experiment, dropped: Dropped | null): Process {
  const given = experiment.problem === "file" && dropped?.kind === "run" ? dropped.run.compareWith : null;
  if (given && given.kind === kind) {
    const same = parseProcess(given, "compareWith");
    // the noise that was moved on the page is that of both
    return "temperature" in same && "temperature" in network
      ? parseProcess({ ...same, temperature: network.temperature }, "compareWith")
      : same;
  }
  const { problem } = network;
  const { neurons, seed, replica, stepSize, batchSize, temperature } = {
    neurons: 1,
    seed: 0,
    replica: 0,
    batchSize: 1,
    temperature: 0,
    ...network,
  } as { neurons: number; seed: number; replica: number; stepSize: number; batchSize: number; temperature: number };
  const finite = problem.law.kind === "dataset" || problem.law.kind === "none";
  const points = finite ? {} : { points: POINTS };
  // adaptive steps crawl where kinks meet examples
  const kinked = problem.unit.activation.kind.match(/relu|piecewise/i) !== null;
  const method = kinked && stepSize ? { method: "rungeKutta" as const, timeStep: stepSize } : { tolerance: 1e-5 };
  switch (kind) {
    case "radialFlow":
      // 512 move in a few milliseconds, and the risk is right to 1e-4
      return radialFlow(problem, problem.start.kind === "particles" ? {} : { particles: 512 });
    case "gradientFlow":
      return gradientFlow(problem, { neurons, seed, replica, ...points, ...method });
    case "nonlinear": {
      const limit =
        problem.law.kind === "anisotropicGaussians"
          ? radialFlow(problem, { particles: 512 })
          : gradientFlow(problem, { neurons: 2 * neurons, seed: seed + 1, ...points, ...method });
      return nonlinear(problem, { neurons, seed, replica, limit });
    }
    case "modifiedFlow":
      return modifiedFlow(problem, { neurons, stepSize, batchSize, seed, replica, ...points });
    case "fokkerPlanck": {
      // a grid of one parameter is fine at once; of two, a step has to stay below some milliseconds
      const one = "dimension" in problem.law && problem.law.dimension === 1;
      const law = finite ? problem.law : quadrature(problem.law, { points: one ? 64 : 12, rule: "gauss" });
      const single = (law as { x: { shape: readonly number[] } }).x?.shape[1] === 1;
      return fokkerPlanck({ ...problem, law }, { temperature, cells: single ? 256 : 40 });
    }
    case "none":
      throw new SpecError("limit", kind, "a limit");
  }
}

// Why a limit does not go with a network, in a sentence; null where it does.
function whyNot(kind: LimitKind, network: Process, experiment: Experiment, dropped: Dropped | null): string | null {
  const { problem } = network;
  const temperature = "temperature" in network ? network.temperature : 0;
  if (network.kind === "adam") return "Adam divides each gradient by its size: it follows none of these limits.";
  if (kind === "fokkerPlanck") {
    if (temperature === 0) return "Without noise, τ = 0, there is no Fokker–Planck equation: the law moves as a flow.";
  } else if (temperature > 0) {
    return "This limit has no noise; with τ > 0 it is the Fokker–Planck equation that the network follows.";
  }
  if (kind === "radialFlow" && problem.law.kind !== "anisotropicGaussians") {
    return "Only for the anisotropic Gaussians do the radii of the weights move by themselves.";
  }
  if ((kind === "gradientFlow" || kind === "modifiedFlow") && problem.law.kind === "anisotropicGaussians") {
    return "On this law the gradient of N neurons takes all pairs of them at each step, too slow to be watched; the radial flow is the limit of both.";
  }
  if (kind === "modifiedFlow" && network.kind !== "sgd") {
    return "The modified flow has the noise of SGD's examples, which this process does not draw.";
  }
  if (kind === "modifiedFlow" && "momentum" in network && network.momentum > 0) {
    return "The modified flow is that of SGD without momentum.";
  }
  if (kind !== "radialFlow" && kind !== "fokkerPlanck" && !("neurons" in network)) {
    return "What runs has no neurons that this limit could start from.";
  }
  try {
    limitOf(kind, network, experiment, dropped);
    return null;
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}
