// The dial between the lazy and the mean-field limit: one network, one start, output scales α.             theory §9; docs/lazy.md
//
//   f(x) = (α/N) Σ_i σ*(x; θ_i),  α = N^(1−γ):  N^−γ Σ σ*,  γ = ½ the neural tangent kernel's scaling, γ = 1 the mean-field one
//
// In the lazy time s = α² t the function moves at the same speed for every α, and α stands in the particles' velocity alone:
//
//   df(x)/ds = Σ_q m_q K(x, x_q) r_q,   K(x, x') = (1/N) Σ_i ∇σ*(x; θ_i)·∇σ*(x'; θ_i),   dθ_i/ds = (1/α) Σ_q m_q r_q ∇σ*(x_q; θ_i)
//
// The linearised network keeps K at its start; it is stepped as the network is, so what lies between the two is the motion of K.

import { loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { pause } from "../engine/pause";
import { tangentGram } from "../kernel/tangentGram";
import type { Particles } from "../measure/measure";
import { networkPredictions } from "../measure/predictions";
import { scaled } from "../model/activation";
import { type Loss, labelRows, lossOf } from "../model/labels";
import { startParticles } from "../model/particles";
import type { Problem, ProblemInput } from "../model/problem";
import { particles } from "../model/start";
import { type Tensor, tensor } from "../model/tensor";
import { isTrained, outputsOf } from "../model/unit";
import {
  type GradientDescentProcess,
  type GradientFlowProcess,
  gradientDescent,
  gradientFlow,
} from "../process/schema";
import { networkMeasure } from "../process/steps";
import { linearisedDynamics } from "./lazy/linearised";
import { type LazyDialOptions, type LazyPlan, readPlan, type Setting } from "./lazy/options";
import { open } from "./open";

export type { LazyDialOptions } from "./lazy/options";

/** One number at each time, over replicas. */
export interface LazyStatistic {
  /** [T] */
  mean: Float64Array;
  /** [T]; NaN for one replica */
  standardError: Float64Array;
  /** [T] each */
  replicas: Float64Array[];
}

/** A network of one width and one output scale. */
export interface LazyPoint {
  /** N */
  neurons: number;
  /** γ, where it was given */
  exponent: number | null;
  /** α */
  scale: number;
  /** Of replica 0: an ordinary process, in its own time t = s/α². */
  process: GradientDescentProcess | GradientFlowProcess;
  /** F = E ℓ on the data: half the mean square for the squared loss. */
  loss: LazyStatistic;
  /** |K_s − K_0|_F / |K_0|_F of the tangent kernel on the data. */
  kernelDrift: LazyStatistic;
  /** |θ_s − θ_0| / |θ_0| over all trained parameters of the neurons. */
  relativeMovement: LazyStatistic;
  /** (N⁻¹ Σ_i |θ_i(s) − θ_i(0)|²)^½; times √N it is |θ_s − θ_0|. */
  neuronMovement: LazyStatistic;
  /** Kernel–target alignment yᵀKy / (|K|_F |y|²), examples weighed by their masses; 1 where K = yyᵀ. */
  alignment: LazyStatistic;
  /** (Σ_q m_q |f(x_q) − f_lin(x_q)|²)^½, f_lin the network linearised at its start. */
  linearGap: LazyStatistic;
  /** The same at the further inputs, root mean square; null without any. */
  linearGapAtX: LazyStatistic | null;
  /** f and f_lin at the further inputs, [T, n, K] a replica; null without any. */
  predictions: Float64Array[] | null;
  linearised: Float64Array[] | null;
  /** The network of each replica at each time, where they were to be kept. */
  measures: Particles[][] | null;
}

/** Networks over the dial. */
export interface LazyDial {
  /** Lazy times reached. */
  times: Float64Array;
  /** One a width and scale: all scales of the first width, then of the next. */
  points: LazyPoint[];
  warnings: string[];
}

const STATISTICS = [
  "loss",
  "kernelDrift",
  "relativeMovement",
  "neuronMovement",
  "alignment",
  "linearGap",
  "linearGapAtX",
] as const;

type Name = (typeof STATISTICS)[number];

/** @see onDemand.ts */
export async function lazyDial(input: ProblemInput, options: LazyDialOptions): Promise<LazyDial> {
  const plan = readPlan(input, options);
  const { times, replicas, signal, settings } = plan;
  const work = settings.reduce((sum, { neurons }) => sum + neurons * replicas, 0);
  let done = 0;
  const warnings = new Set<string>();
  const points: LazyPoint[] = [];
  for (const setting of settings) {
    const runs: Run[] = [];
    for (let r = 0; r < replicas; r++) {
      signal?.throwIfAborted();
      const run = await runOne(plan, setting, plan.replica + r, (fraction) =>
        options.onProgress?.({ fraction: Math.min(1, (done + fraction * setting.neurons) / work) }),
      );
      for (const warning of run.warnings) warnings.add(warning);
      done += setting.neurons;
      runs.push(run);
      await pause();
    }
    points.push(pointOf(plan, setting, runs));
  }
  return { times, points, warnings: [...warnings] };

  function pointOf({ inputs }: LazyPlan, { neurons, exponent, scale }: Setting, runs: Run[]): LazyPoint {
    const statistic = (name: Name): LazyStatistic => overReplicas(runs.map(({ values }) => values[name]));
    return {
      neurons,
      exponent,
      scale,
      process: runs[0]!.process,
      loss: statistic("loss"),
      kernelDrift: statistic("kernelDrift"),
      relativeMovement: statistic("relativeMovement"),
      neuronMovement: statistic("neuronMovement"),
      alignment: statistic("alignment"),
      linearGap: statistic("linearGap"),
      linearGapAtX: inputs && statistic("linearGapAtX"),
      predictions: inputs && runs.map(({ predictions }) => predictions),
      linearised: inputs && runs.map(({ linearised }) => linearised),
      measures: options.keep === "measures" ? runs.map(({ measures }) => measures) : null,
    };
  }
}

interface Run {
  process: GradientDescentProcess | GradientFlowProcess;
  values: Record<Name, Float64Array>;
  predictions: Float64Array;
  linearised: Float64Array;
  measures: Particles[];
  warnings: readonly string[];
}

async function runOne(
  plan: LazyPlan,
  setting: Setting,
  replica: number,
  progressed: (fraction: number) => void,
): Promise<Run> {
  const { problem, times, counts, inputs, keep, signal } = plan;
  const { scale } = setting;
  const { law, loss, unit } = problem;
  const K = outputsOf(unit);
  const Q = law.x.shape[0]!;
  const rows = Q * K;
  const masses = law.weights?.data ?? new Float64Array(Q).fill(1 / Q);
  const labels = labelRows(law.y.data, Q, K, loss);
  // the atoms, then the further inputs
  const further = inputs ? inputs.shape[0]! : 0;
  const all = inputs ? stacked(law.x, inputs) : law.x;
  const { process, times: own, first, predict } = await begun(plan, setting, replica, all);
  // in lazy time the kernel is that of the network in units of α²
  const kernelOf = async (measure: Particles, at: Tensor): Promise<Float64Array> => {
    const { values } = await tangentGram(process.problem, measure, at, law.x, { signal, backend: plan.backend });
    return values.map((value) => value / (scale * scale));
  };
  const simulation = await open(process, plan);
  try {
    const begin = predict(first);
    const wide = await kernelOf(first, all);
    const kernel = wide.slice(0, rows * rows);
    const size = norm(kernel);
    const lines = await linearisedDynamics(
      { kernel: wide, start: begin, labels, masses, loss, outputs: K },
      times,
      counts && { stepSize: plan.stepSize!, counts },
      signal,
    );
    if (!lines.every((f) => f.every(Number.isFinite))) {
      throw new SpecError("stepSize", plan.stepSize, "a step at which the linearised network is stable", SMALLER);
    }

    const values = Object.fromEntries(
      STATISTICS.map((name) => [name, new Float64Array(times.length)]),
    ) as Run["values"];
    const predictions = new Float64Array(times.length * further * K);
    const linearised = new Float64Array(times.length * further * K);
    const measures: Particles[] = [];
    for (let i = 0; i < times.length; i++) {
      await simulation.advance(own[i]!, {
        signal,
        onProgress: (t) => progressed(t / own[times.length - 1]!),
      });
      const measure = simulation.measure() as Particles;
      const f = predict(measure);
      const line = lines[i]!;
      const now = await kernelOf(measure, law.x);
      const { moved, whole } = movement(problem, first, measure);
      values.loss[i] = meanLoss(loss, f, labels, masses, K);
      values.kernelDrift[i] = distance(now, kernel) / size;
      values.relativeMovement[i] = moved / whole;
      values.neuronMovement[i] = moved / Math.sqrt(setting.neurons);
      values.alignment[i] = alignmentOf(now, labels, masses, K);
      values.linearGap[i] = rootMeanSquare(f, line, 0, Q, K, masses);
      values.linearGapAtX[i] = rootMeanSquare(f, line, Q, further, K, null);
      predictions.set(f.subarray(rows), i * further * K);
      linearised.set(line.subarray(rows), i * further * K);
      if (keep) measures.push(measure);
    }
    return { process, values, predictions, linearised, measures, warnings: simulation.warnings };
  } finally {
    simulation.free();
  }
}

const SMALLER =
  "Take a smaller one: below 2 over the largest eigenvalue of K times the masses, and well below for other losses.";

// The process of one replica, in its own time, and its network at time 0; with f_0 at all inputs where the start is centred.
async function begun(plan: LazyPlan, { neurons, scale }: Setting, replica: number, all: Tensor<"f64">): Promise<Begun> {
  const { seed, counts, times, stepSize, tolerance } = plan;
  const key = { seed, replica };
  const problem = dialled(plan.problem, scale);
  const { law, unit } = problem;
  const theta = plan.start === "paired" ? pairs(problem, neurons, key) : startParticles(problem, neurons, key);
  const D = theta.length / neurons;
  const first = networkMeasure(problem, neurons, joined(theta, new Float64Array(outputsOf(unit))));
  const engine = await loadEngine(plan);
  const predict = (network: Particles): Float64Array =>
    networkPredictions(network, problem, engine, all.data, all.shape[0]!);
  const offset = plan.start === "centred" ? predict(first) : null;
  const started: Problem = {
    ...problem,
    ...(offset && { law: { ...law, y: shifted(law.y, offset) } }),
    ...(plan.start === "paired" && { start: particles(tensor(theta, [neurons, D])) }),
  };
  const square = scale * scale;
  const own = (s: number) => s / square;
  return {
    process: counts
      ? gradientDescent(started, { neurons, stepSize: own(stepSize!), ...key })
      : gradientFlow(started, { neurons, tolerance: tolerance ?? 1e-8 / Math.max(1, scale), ...key }),
    times: counts ? counts.map((k) => k * own(stepSize!)) : times.map(own),
    first,
    predict: (network) => (offset ? predict(network).map((value, i) => value - offset[i]!) : predict(network)),
  };
}

interface Begun {
  process: GradientDescentProcess | GradientFlowProcess;
  times: Float64Array;
  first: Particles;
  predict: (network: Particles) => Float64Array;
}

function shifted(y: Tensor<"f64">, by: Float64Array): Tensor<"f64"> {
  return tensor(
    y.data.map((value, i) => value + by[i]!),
    y.shape,
  ) as Tensor<"f64">;
}

// A factor 1 is left out, so that the mean-field end is the very process a user would write.
function dialled<P extends Problem>(problem: P, scale: number): P {
  if (scale === 1) return problem;
  const { unit } = problem;
  return { ...problem, unit: { ...unit, activation: scaled(unit.activation, scale) } };
}

// Neighbours are twins (a, b, w), (−a, b, w): in the kernels' order of sums their outputs cancel exactly.
function pairs(problem: Problem, neurons: number, key: { seed: number; replica: number }): Float64Array {
  const half = startParticles(problem, neurons / 2, key);
  const D = (2 * half.length) / neurons;
  const K = outputsOf(problem.unit);
  const theta = new Float64Array(neurons * D);
  for (let i = 0; i < neurons / 2; i++) {
    const row = half.subarray(i * D, (i + 1) * D);
    theta.set(row, 2 * i * D);
    theta.set(row, (2 * i + 1) * D);
    for (let k = 0; k < K; k++) theta[(2 * i + 1) * D + k] = -row[k]!;
  }
  return theta;
}

function movement(problem: Problem, before: Particles, after: Particles): { moved: number; whole: number } {
  const [N, D] = before.shape;
  let moved = 0;
  let whole = 0;
  for (let j = 0; j < D; j++) {
    if (!isTrained(problem.unit, j)) continue;
    for (let at = j; at < N * D; at += D) {
      const gap = after.values[at]! - before.values[at]!;
      moved += gap * gap;
      whole += before.values[at]! * before.values[at]!;
    }
  }
  return { moved: Math.sqrt(moved), whole: Math.sqrt(whole) };
}

function meanLoss(loss: Loss, f: Float64Array, labels: Float64Array, masses: Float64Array, K: number): number {
  let sum = 0;
  for (let q = 0; q < masses.length; q++) sum += masses[q]! * lossOf(loss, f, labels, K, q * K);
  return sum;
}

function alignmentOf(kernel: Float64Array, labels: Float64Array, masses: Float64Array, K: number): number {
  const n = labels.length;
  const mass = (i: number) => masses[(i / K) | 0]!;
  let form = 0;
  let square = 0;
  let target = 0;
  for (let i = 0; i < n; i++) {
    target += mass(i) * labels[i]! * labels[i]!;
    for (let j = 0; j < n; j++) {
      const k = kernel[i * n + j]!;
      form += mass(i) * mass(j) * labels[i]! * k * labels[j]!;
      square += mass(i) * mass(j) * k * k;
    }
  }
  return form / (Math.sqrt(square) * target);
}

function rootMeanSquare(
  f: Float64Array,
  other: Float64Array,
  from: number,
  count: number,
  K: number,
  masses: Float64Array | null,
): number {
  let sum = 0;
  for (let i = from * K; i < (from + count) * K; i++) {
    const gap = f[i]! - other[i]!;
    sum += (masses ? masses[(i / K) | 0]! : 1 / count) * gap * gap;
  }
  return Math.sqrt(sum);
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) * (a[i]! - b[i]!);
  return Math.sqrt(sum);
}

function norm(a: Float64Array): number {
  let sum = 0;
  for (const value of a) sum += value * value;
  return Math.sqrt(sum);
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function stacked(a: Tensor<"f64">, b: Tensor<"f64">): Tensor<"f64"> {
  return tensor(joined(a.data, b.data), [a.shape[0]! + b.shape[0]!, a.shape[1]!]) as Tensor<"f64">;
}

function overReplicas(replicas: Float64Array[]): LazyStatistic {
  const n = replicas.length;
  const mean = replicas[0]!.map((_, i) => replicas.reduce((sum, one) => sum + one[i]!, 0) / n);
  const standardError = mean.map((centre, i) => {
    const squares = replicas.reduce((sum, one) => sum + (one[i]! - centre) * (one[i]! - centre), 0);
    return Math.sqrt(squares / ((n - 1) * n));
  });
  return { mean, standardError, replicas };
}
