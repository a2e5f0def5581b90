// Bands in which SGD of N neurons and step ε will lie, from its mean-field limit and the fluctuation about it.   docs/fluctuations.md
//
//   f(x) of SGD ≈ f(x; μ⁰_t) ± z √(Var⟨η_t, σ*(x; ·)⟩ / N),   z = Φ⁻¹((1 + level)/2)
//
// The bias of the risk, of order 1/N, is as large as its spread: its band is that of an ensemble of modified flows.

import { type Engine, loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { normalQuantile } from "../engine/math";
import { type Dataset, dataset, lawDimension } from "../model/law";
import type { ProblemInput } from "../model/problem";
import { type Tensor, type TensorLike, tensor } from "../model/tensor";
import { outputsOf } from "../model/unit";
import { massesOf } from "../process/dataNoise";
import { linearisationErrors } from "../process/linearisationError";
import { predictionObservables } from "../process/linearObservables";
import {
  type FiniteProblem,
  finiteProblem,
  meanFieldValues,
  startOfMeanField,
  writeMeanField,
} from "../process/meanField";
import { CHUNK_MILLISECONDS, pause } from "../process/process";
import { type FluctuationsProcess, modifiedFlow, parseProcess, parseTimes } from "../process/schema";
import { version } from "../version";
import type { ensemble as replicate } from "./ensemble";
import { type CovarianceOptions, fluctuationCovariance } from "./fluctuationCovariance";
import { predictions, risk } from "./observables";

/** What bands are asked for. */
export interface BandOptions extends Omit<CovarianceOptions, "observe" | "onProgress"> {
  /** [n, d], an input a row */
  x: TensorLike;
  /** Probability of a band, at each input and time (0.95). */
  level?: number;
  /** Replicas of the modified flow that the band of the risk is taken from (400); 0 for none. */
  ensemble?: number;
  /** Antithetic pairs that the linearisation is checked on (8). */
  pairs?: number;
  /** Particles of μ⁰ for the variances (512, or as many as for the centre where these are fewer). */
  spreadParticles?: number;
  /** Worker threads of the ensemble, as for `ensemble`. */
  workers?: number | undefined;
  /** Called every few milliseconds with the share done, and what is under way. */
  onProgress?: ((progress: { fraction: number; phase: string }) => void) | undefined;
}

/** Bands at one time: numbers of the shape [n], or [n, K]. */
export interface Band {
  /** Standard deviation of f(x) of SGD. */
  deviation: Float64Array;
  lower: Float64Array;
  upper: Float64Array;
}

/** Bands of SGD. */
export interface PredictionBands {
  /** The fluctuation that they are made of. */
  process: FluctuationsProcess;
  level: number;
  times: Float64Array;
  x: Tensor<"f64">;
  /** f(x; μ⁰_t), [T, n] or [T, n, K]. */
  centre: { shape: number[]; values: Float64Array };
  /** One a time; null where the linearisation does not hold any more. */
  bands: (Band | null)[];
  /** ν at the times: the linearisation's error over its size, the larger of that at the data and that at x. */
  linearisationError: Float64Array;
  /** Time from which ν is above ¼, and there are no bands; null where it never is. */
  refusedFrom: number | null;
  /** The risk of SGD: median and quantiles of an ensemble, at the times; null where none was asked for. */
  risk: { median: Float64Array; lower: Float64Array; upper: Float64Array; replicas: number; method: string } | null;
  /** What the user should know, in sentences. */
  warnings: string[];
  provenance: { version: string; backend: Backend; method: string };
}

/** ν above which a band is refused: up to there its coverage is within 3 % of a level of 95 % (docs/fluctuations.md). */
const MOST_ERROR = 0.25;

/** Replicas from here on are the bands' own: no SGD of the same seed shares its neurons or noise with them. */
const OWN_REPLICAS = 2 ** 31;

/** Particles of the check at most: ν is wanted to a tenth of itself. */
const MOST_CHECKED = 256;

/** Steps of the check and of the adjoint equation at most, where a step of theirs may be several of the limit's. */
const MOST_STEPS = 200;

/** See the function of the same name in onDemand.ts, which hands `ensemble` over. */
export async function predictionBands(
  input: ProblemInput,
  options: BandOptions,
  ensemble: typeof replicate,
): Promise<PredictionBands> {
  const { x, level = 0.95, pairs = 8, workers, onProgress, signal, backend, ...rest } = options ?? {};
  const { ensemble: replicas = 400, spreadParticles = 512, times: asked, every: together, ...named } = rest;
  if (!(level > 0 && level < 1)) throw new SpecError("level", level, "a probability between 0 and 1");
  for (const [name, count] of Object.entries({ pairs, spreadParticles, every: together ?? 1 })) {
    if (!Number.isInteger(count) || count < 1 || count > 2 ** 20) {
      throw new SpecError(name, count, "an integer from 1 to 1048576");
    }
  }
  const fewest = Math.ceil(2 / (1 - level) - 1 - 1e-9);
  if (replicas !== 0 && (!Number.isInteger(replicas) || replicas < fewest)) {
    throw new SpecError(
      "ensemble",
      replicas,
      `0, or an integer of at least ${fewest}, for quantiles at the level ${level}`,
    );
  }
  if (workers !== undefined && (!Number.isInteger(workers) || workers < 0 || workers > 1024)) {
    throw new SpecError("workers", workers, "an integer from 0 to 1024");
  }
  const times = parseTimes(asked);
  const observe = { f: predictions(x) };
  const inputs = (observe.f as { x: Tensor<"f64"> }).x;
  const spec = { kind: "fluctuations", problem: input, ...named, method: "particles" };
  const process = parseProcess(spec) as FluctuationsProcess;
  const { problem, neurons, stepSize, batchSize } = process;
  const d = lawDimension(problem.law);
  if (inputs.shape[1] !== d) {
    throw new SpecError("x", inputs.shape, `inputs of shape [n, ${d}], as the law's dimension is ${d}`);
  }
  const steps = Math.round(times[times.length - 1]! / process.timeStep);
  const every = together ?? Math.max(1, Math.floor(steps / MOST_STEPS));
  const flow = modifiedFlow(input, { neurons, stepSize, batchSize, seed: process.seed, replica: OWN_REPLICAS });
  const shares = [0.3, 0.2, 0.3, replicas > 0 ? 0.3 : 0];
  const told = (phase: number, name: string) => (fraction: number) => {
    const before = shares.slice(0, phase).reduce((a, b) => a + b, 0);
    const all = shares.reduce((a, b) => a + b, 0);
    onProgress?.({ fraction: (before + fraction * shares[phase]!) / all, phase: name });
  };
  const engine = await loadEngine({ backend });
  const particles = Math.min(process.particles ?? spreadParticles, spreadParticles);

  const centre = await centreOf(process, engine, inputs, times, watched(signal, told(0, "mean-field limit")));
  const checkedStep = Math.max(1, Math.floor(steps / MOST_STEPS)) * process.timeStep;
  const { refusedFrom, linearisationError } = await checked(
    { ...process, particles, timeStep: checkedStep, noiseStep: checkedStep },
    engine,
    inputs,
    centre.times,
    { pairs, rest: watched(signal, told(1, "check of the linearisation")) },
  );
  const kept = centre.times.filter((t) => refusedFrom === null || t < refusedFrom);
  const spreading = told(2, "its fluctuation");
  const covariance =
    kept.length > 0
      ? await fluctuationCovariance(input, {
          ...named,
          particles,
          times: kept,
          observe,
          every,
          backend,
          signal,
          onProgress: ({ fraction }) => spreading(fraction),
        })
      : null;

  const T = times.length;
  const K = outputsOf(problem.unit);
  const n = inputs.shape[0]! * K;
  const z = normalQuantile((1 + level) / 2);
  const bands = Array.from({ length: T }, (_, t): Band | null => {
    if (t >= kept.length) return null;
    const deviation = Float64Array.from({ length: n }, (_, c) =>
      Math.sqrt(Math.max(0, covariance!.covariance.values[(t * n + c) * n + c]!) / neurons),
    );
    const around = (sign: number) => deviation.map((s, c) => centre.values[t * n + c]! + sign * z * s);
    return { deviation, lower: around(-1), upper: around(1) };
  });
  const warnings =
    refusedFrom === null
      ? []
      : [
          `From t = ${refusedFrom} on the linearisation does not hold for N = ${neurons}: it is off by more than a quarter of its size. There are no bands of f(x) from there; more neurons, a smaller step or larger batches keep it longer.`,
        ];

  let spread: PredictionBands["risk"] = null;
  if (replicas > 0) {
    const risks = told(3, "ensemble of modified flows");
    const runs = await ensemble(flow, {
      replicas,
      times,
      observe: { risk: risk() },
      workers,
      backend,
      signal,
      onProgress: ({ fraction }) => risks(fraction),
    });
    warnings.push(...runs.warnings);
    const values = runs.observables["risk"]!.replicas;
    const at = (p: number) =>
      Float64Array.from({ length: T }, (_, t) =>
        quantileOfNext(
          values.map((one) => one[t]!),
          p,
        ),
      );
    spread = {
      median: at(0.5),
      lower: at((1 - level) / 2),
      upper: at((1 + level) / 2),
      replicas,
      method: `quantiles of ${replicas} modified flows (SMFE by superposition) of ${neurons} neurons, which carry the bias of order 1/N`,
    };
  }
  return {
    process,
    level,
    times: centre.times,
    x: inputs,
    centre: { shape: [T, inputs.shape[0]!, ...(K > 1 ? [K] : [])], values: centre.values },
    bands,
    linearisationError,
    refusedFrom,
    risk: spread,
    warnings,
    provenance: { version, backend: engine.backend, method: centre.method },
  };
}

/** The value below which the next of such numbers falls with probability p: order statistic p (n + 1). */
function quantileOfNext(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.min(Math.max(p * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const low = Math.floor(at + 1e-9);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + Math.max(0, at - low) * (sorted[high]! - sorted[low]!);
}

/** Waits and tells every few milliseconds; throws the signal's reason. */
function watched(
  signal: AbortSignal | undefined,
  tell: (fraction: number) => void,
): (fraction: number) => Promise<void> {
  let began = performance.now();
  return async (fraction) => {
    if (performance.now() - began < CHUNK_MILLISECONDS) return;
    tell(fraction);
    await pause();
    signal?.throwIfAborted();
    began = performance.now();
  };
}

async function centreOf(
  process: FluctuationsProcess,
  engine: Engine,
  inputs: Tensor<"f64">,
  times: Float64Array,
  rest: (fraction: number) => Promise<void>,
): Promise<{ times: Float64Array; values: Float64Array; method: string }> {
  const { timeStep } = process;
  const { problem, method } = finiteProblem(process.problem, process.points);
  const base = startOfMeanField(problem, process);
  const steps = Array.from(times, (t) => Math.round(t / timeStep));
  const memory = engine.memory();
  try {
    const field = writeMeanField(memory, engine, problem, base);
    const observables = predictionObservables(memory, engine, field.network, inputs.data, inputs.shape[0]!);
    const values = await meanFieldValues(engine, field, observables, { timeStep, steps, rest });
    return { times: Float64Array.from(steps, (k) => k * timeStep), values, method: `${base.method}; ${method}` };
  } finally {
    memory.free();
  }
}

async function checked(
  process: FluctuationsProcess,
  engine: Engine,
  inputs: Tensor<"f64">,
  times: Float64Array,
  options: { pairs: number; rest(fraction: number): Promise<void> },
): Promise<{ linearisationError: Float64Array; refusedFrom: number | null }> {
  const finite = finiteProblem(process.problem, process.points).problem;
  const base = startOfMeanField(finite, { ...process, particles: Math.min(process.particles!, MOST_CHECKED) });
  const steps = Array.from(times, (t) => Math.round(t / process.timeStep));
  const own = { ...process, replica: OWN_REPLICAS };
  const errors = await linearisationErrors(engine, withInputs(finite, inputs), base, own, {
    ...options,
    inputs: inputs.shape[0]!,
    steps: steps[steps.length - 1]!,
  });
  const worst = errors.data.map((error, k) => Math.max(error, errors.inputs[k]!));
  const first = worst.findIndex((error) => error > MOST_ERROR);
  return {
    linearisationError: Float64Array.from(steps, (k) => worst[k]!),
    refusedFrom: first < 0 ? null : first * process.timeStep,
  };
}

// The inputs behind the atoms, as atoms of no mass.
function withInputs(problem: FiniteProblem, inputs: Tensor<"f64">): FiniteProblem {
  const { law } = problem;
  const [Q, d] = law.x.shape as [number, number];
  const n = inputs.shape[0]!;
  const width = law.y.data.length / Q;
  const label = law.y.data.subarray(0, width);
  const behind = (values: Float64Array, rest: Float64Array): Float64Array => {
    const all = new Float64Array(values.length + rest.length);
    all.set(values);
    all.set(rest, values.length);
    return all;
  };
  const y = behind(
    law.y.data,
    Float64Array.from({ length: n * width }, (_, i) => label[i % width]!),
  );
  const extended: Dataset = dataset({
    x: tensor(behind(law.x.data, inputs.data), [Q + n, d]),
    y: tensor(y, law.y.shape.length === 1 ? [Q + n] : [Q + n, width]),
    weights: behind(massesOf(law), new Float64Array(n)),
    ...(law.decay && { decay: behind(law.decay.data, new Float64Array(n).fill(1)) }),
  });
  return { ...problem, law: extended };
}
