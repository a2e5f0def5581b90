// Weak errors: how far E φ of a flow is from E φ of SGD at a fixed time, against the step size.       theory §8; docs/modifiedFlows.md
//
//   e(η) = E φ(X_T) − E φ(x_{T/η}) ~ C η^p
//
// Both means are taken of φ minus a martingale whose mean is 0: with the value function v_k of the chain (valueFunction.ts)
//
//   φ(x_n) − Σ_k [ ∇v_k(y_k)·δ_k + ½ (δ_k δ_kᵀ − Cov δ_k) : ∇²v_k(y_k) ],
//
// whose mean is E φ for any v, and whose variance is that of what v_k leaves: O(η⁴) or less with polynomials of degree 3, where φ itself
// has O(η).

import { checkKey } from "../../engine/draws";
import { SpecError } from "../../engine/errors";
import { CHUNK_MILLISECONDS, pause } from "../../engine/pause";
import { type FiniteSum, type Objective, readObjective } from "../../model/objective";
import type { rate as fit, Rate } from "../rate";
import { type Chain, chainOf, type Dynamics } from "./chain";
import {
  readChoice,
  readFields,
  readInteger,
  readOrder,
  readPositive,
  readStarts,
  SCHEMES,
  type Scheme,
} from "./options";
import { limitingOrder, ofOneSign, type WeakOrder } from "./order";
import { fitValues, meanCurvature, monomialCount, quadraticForm, type ValueFunctions } from "./valueFunction";
import { addNoise, checkState, located, rootWarnings } from "./walk";

/** A flow that is compared with SGD. */
export interface ComparedFlow {
  method: "gradientFlow" | "smf" | "sme";
  /** Of its drift (1). */
  order?: 1 | 2;
  /** ("splitting") */
  scheme?: Scheme;
}

/** What `weakErrors` is asked for. */
export interface WeakErrorOptions {
  /** φ of the points at time T, one a start; of one start it is a one-point statistic, of two a two-point one. L of the first if left out. */
  statistic?: (points: readonly Float64Array[]) => number;
  /** Points of R^p; they move under one noise. */
  starts: readonly ArrayLike<number>[];
  /** T, a whole number of steps of each size. */
  time: number;
  /** η, two or more */
  stepSizes: readonly number[];
  /** B (1) */
  batchSize?: number;
  methods: readonly ComparedFlow[];
  /** Time steps of the flows in a step of SGD, η/h (2). */
  timeSteps?: number;
  /** Paths of SGD and of each flow at each η (2000). */
  replicas?: number;
  /** Of the polynomials of the control variate; 0 for none. The largest up to 4 with no more than 200 monomials, if left out. */
  degree?: number;
  /** Of the intervals (0.95). */
  level?: number;
  seed?: number;
  signal?: AbortSignal | undefined;
  /** Called as the work goes on, with the share done. */
  onProgress?: ((progress: { fraction: number; phase: string }) => void) | undefined;
}

/** A mean over paths. */
export interface Estimate {
  mean: number;
  /** 0 for the gradient flow */
  standardError: number;
  /** standard deviation of φ along a path */
  deviation: number;
  /** standard deviation of what is averaged: φ minus its control variate */
  residual: number;
}

/** A flow's weak errors. */
export interface FlowErrors {
  flow: Required<ComparedFlow>;
  /** E φ, an estimate an η */
  means: Estimate[];
  /** E φ(flow) − E φ(SGD), and its standard error, an entry an η */
  errors: { value: number; standardError: number }[];
  /** The same over each of sixteen blocks of paths: [η][block]. */
  blocks: number[][];
  /** The exponent of the errors in η as they stand, from the blocks; null where one is not told from 0 in every block. */
  rate: Rate | null;
  /** The weak order: the exponent as η falls to 0, by errors without their next power of η. Null with fewer than four η. */
  order: WeakOrder | null;
}

/** Weak errors of flows at several step sizes. */
export interface WeakErrors {
  time: number;
  stepSizes: Float64Array;
  /** E φ of SGD, an estimate an η */
  sgd: Estimate[];
  methods: FlowErrors[];
  /** Degree of the control variate's polynomials. */
  degree: number;
  warnings: string[];
}

const FIELDS = [
  "statistic",
  "starts",
  "time",
  "stepSizes",
  "batchSize",
  "methods",
  "timeSteps",
  "replicas",
  "degree",
  "level",
  "seed",
  "signal",
  "onProgress",
] as const;

/** Blocks of paths, of which the interval of an order is made. */
const BLOCKS = 16;
/** Most monomials that are taken without being asked for. */
const MOST_MONOMIALS = 200;

/** See the function of the same name in src/study/onDemand.ts, which hands `rate` over. */
export async function weakErrors(
  objective: Objective,
  options: WeakErrorOptions,
  rate: typeof fit,
): Promise<WeakErrors> {
  const sum = readObjective(objective);
  const { stepSizes, time, flows, starts, timeSteps, level, batchSize, ...common } = readOptions(sum, options);
  const points = starts.length / sum.dimension;
  const runs = stepSizes.flatMap((stepSize) => {
    const steps = Math.round(time / stepSize);
    const of = { stepSize, batchSize };
    const plain: Dynamics = { ...of, method: "sgd", order: 1, scheme: "eulerMaruyama", timeStep: stepSize };
    return [
      { steps, dynamics: plain },
      ...flows.map((flow) => ({
        steps: steps * timeSteps,
        dynamics: { ...of, ...flow, timeStep: stepSize / timeSteps } as Dynamics,
      })),
    ];
  });
  const breathe = breather(
    options,
    runs.map(({ steps }) => steps),
  );
  options.signal?.throwIfAborted();

  const warnings = new Set<string>();
  const samples: Sample[] = [];
  for (const { steps, dynamics } of runs) {
    const chain = await chainOf(sum, dynamics, points, common.seed);
    const { method, stepSize } = dynamics;
    const pause = breathe(samples.length, `${method}, η = ${stepSize}`);
    samples.push(await sample({ ...common, chain, starts, steps, breathe: pause }));
    for (const warning of rootWarnings(chain)) warnings.add(warning);
  }

  const sgd = stepSizes.map((_, e) => samples[e * (flows.length + 1)]!);
  return {
    time,
    stepSizes: Float64Array.from(stepSizes),
    sgd: sgd.map(({ estimate }) => estimate),
    methods: flows.map((flow, f): FlowErrors => {
      const own = stepSizes.map((_, e) => samples[e * (flows.length + 1) + 1 + f]!);
      const blocks = own.map(({ blocks }, e) => blocks.map((mean, b) => mean - sgd[e]!.blocks[b]!));
      const expected = expectedOrder(flow, points);
      const sizes = ofOneSign(blocks);
      return {
        flow,
        means: own.map(({ estimate }) => estimate),
        errors: own.map(({ estimate }, e) => difference(estimate, sgd[e]!.estimate)),
        blocks,
        rate: sizes && rate(stepSizes, sizes, { level, expected }),
        order: limitingOrder(stepSizes, blocks, { level, expected }, rate),
      };
    }),
    degree: common.degree,
    warnings: [...warnings],
  };
}

interface Sample {
  estimate: Estimate;
  /** Means over each block of paths. */
  blocks: number[];
}

interface SampleOptions {
  chain: Chain;
  starts: Float64Array;
  steps: number;
  statistic: (x: Float64Array) => number;
  degree: number;
  replicas: number;
  /** Lets others have their turn; takes the share done. */
  breathe: (fraction: number) => Promise<void>;
}

async function sample(options: SampleOptions): Promise<Sample> {
  const { chain, starts, steps, statistic, degree, replicas, breathe } = options;
  const random = chain.sources > 0;
  const values =
    random && degree > 0 ? await fitValues(chain, starts, steps, degree, statistic, () => breathe(0)) : null;
  const walk = walker(chain, starts, steps, statistic, values);
  if (!random) {
    const { value } = walk(0);
    const estimate = { mean: value, standardError: 0, deviation: 0, residual: 0 };
    return { estimate, blocks: new Array<number>(BLOCKS).fill(value) };
  }
  const plain = new Float64Array(replicas);
  const kept = new Float64Array(replicas);
  for (let r = 0; r < replicas; r++) {
    const { value, control } = walk(r);
    plain[r] = value;
    kept[r] = value - control;
    await breathe(r / replicas);
  }
  const { mean, deviation: residual } = spreadOf(kept);
  const estimate = {
    mean,
    standardError: residual / Math.sqrt(replicas),
    deviation: spreadOf(plain).deviation,
    residual,
  };
  const end = (b: number) => Math.floor((b * replicas) / BLOCKS);
  const blocks = Array.from({ length: BLOCKS }, (_, b) => spreadOf(kept.subarray(end(b), end(b + 1))).mean);
  return { estimate, blocks };
}

// φ at the end of a path, and the martingale along it.
function walker(
  chain: Chain,
  starts: Float64Array,
  steps: number,
  statistic: (x: Float64Array) => number,
  values: ValueFunctions | null,
): (replica: number) => { value: number; control: number } {
  const m = chain.size;
  const [x, y, z, delta, gradient] = Array.from({ length: 5 }, () => new Float64Array(m)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const hessian = new Float64Array(m * m);
  const noise = new Float64Array(chain.sources * m);
  const weights = new Float64Array(chain.sources);
  return (replica) => {
    const draw = chain.draws(replica);
    let control = 0;
    let k = 0;
    try {
      for (; k < steps; k++) {
        if (k === 0) chain.first(starts, y, noise);
        else chain.next(z, y, noise);
        draw(k, weights);
        addNoise(y, noise, weights, z);
        checkState(z);
        if (!values) continue;
        values.at(k, y, gradient, hessian);
        for (let i = 0; i < m; i++) {
          delta[i] = z[i]! - y[i]!;
          control += gradient[i]! * delta[i]!;
        }
        control += (quadraticForm(hessian, delta, 0, m) - meanCurvature(chain, noise, hessian)) / 2;
      }
      chain.last(z, x);
    } catch (error) {
      throw located(error, chain, k);
    }
    return { value: statistic(x), control };
  };
}

function spreadOf(values: Float64Array): { mean: number; deviation: number } {
  let mean = 0;
  for (const value of values) mean += value;
  mean /= values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

function difference(here: Estimate, there: Estimate): { value: number; standardError: number } {
  const variance = here.standardError * here.standardError + there.standardError * there.standardError;
  return { value: here.mean - there.mean, standardError: Math.sqrt(variance) };
}

// One-point statistics of both stochastic flows are of their drift's order; the cross-covariance of the equation is wrong.
function expectedOrder({ method, order }: { method: ComparedFlow["method"]; order: 1 | 2 }, points: number): number {
  return order === 2 && (method === "smf" || (method === "sme" && points === 1)) ? 2 : 1;
}

function breather(options: WeakErrorOptions, shares: readonly number[]) {
  const { signal, onProgress } = options;
  const whole = shares.reduce((a, b) => a + b, 0);
  let began = performance.now();
  return (run: number, phase: string) => {
    const before = shares.slice(0, run).reduce((a, b) => a + b, 0);
    return async (fraction: number): Promise<void> => {
      if (performance.now() - began < CHUNK_MILLISECONDS) return;
      onProgress?.({ fraction: (before + fraction * shares[run]!) / whole, phase });
      await pause();
      signal?.throwIfAborted();
      began = performance.now();
    };
  };
}

function readOptions(sum: FiniteSum, options: WeakErrorOptions) {
  readFields(options, "options", FIELDS);
  const p = sum.dimension;
  const starts = readStarts(options.starts, p);
  const time = readPositive(options.time, "time");
  const timeSteps = readInteger(options.timeSteps ?? 2, "timeSteps", 1, 2 ** 20);
  const { stepSizes, methods, level = 0.95 } = options;
  if (!Array.isArray(stepSizes) || new Set(stepSizes).size < 2) {
    throw new SpecError("stepSizes", stepSizes, "two different step sizes or more");
  }
  stepSizes.forEach((eta, e) => {
    readPositive(eta, `stepSizes[${e}]`);
    const steps = time / eta;
    if (Math.round(steps) >= 1 && Math.abs(steps - Math.round(steps)) <= 1e-9 * steps && steps <= 2 ** 26) return;
    throw new SpecError(`stepSizes[${e}]`, eta, `a step of which the time ${time} is a whole number, at most 2^26`);
  });
  if (!Array.isArray(methods) || methods.length === 0) {
    throw new SpecError("methods", methods, "a list of flows { method, order }, one or more");
  }
  const flows = methods.map((flow: ComparedFlow, f) => {
    readFields(flow, `methods[${f}]`, ["method", "order", "scheme"]);
    return {
      method: readChoice(flow.method, `methods[${f}].method`, ["gradientFlow", "smf", "sme"]),
      order: readOrder(flow.order ?? 1, `methods[${f}].order`),
      scheme: readChoice(flow.scheme ?? "splitting", `methods[${f}].scheme`, SCHEMES),
    };
  });
  const replicas = readInteger(options.replicas ?? 2000, "replicas", 2 * BLOCKS, 2 ** 31);
  if (!(level > 0 && level < 1)) throw new SpecError("level", level, "a probability in (0, 1)");
  const { seed } = checkKey({ seed: options.seed ?? 0, purpose: 0, replica: 0 });
  return {
    stepSizes: [...stepSizes] as number[],
    time,
    flows,
    starts,
    timeSteps,
    replicas,
    level,
    seed,
    batchSize: readInteger(options.batchSize ?? 1, "batchSize", 1, 2 ** 20),
    degree: readInteger(options.degree ?? largestDegree(starts.length), "degree", 0, 8),
    statistic: readStatistic(sum, options.statistic, starts.length / p),
  };
}

function largestDegree(m: number): number {
  let degree = 4;
  while (degree > 1 && monomialCount(m, degree) > MOST_MONOMIALS) degree--;
  return monomialCount(m, degree) <= MOST_MONOMIALS ? degree : 0;
}

function readStatistic(
  sum: FiniteSum,
  statistic: WeakErrorOptions["statistic"],
  points: number,
): (x: Float64Array) => number {
  const p = sum.dimension;
  if (statistic === undefined && sum.value === null) {
    throw new SpecError("statistic", statistic, "a function of the points, as the objective has no values");
  }
  if (statistic !== undefined && typeof statistic !== "function") {
    throw new SpecError("statistic", statistic, "a function of the points");
  }
  return (x) => {
    const value = statistic
      ? statistic(Array.from({ length: points }, (_, s) => x.slice(s * p, (s + 1) * p)))
      : sum.value!(x.subarray(0, p));
    if (Number.isFinite(value)) return value;
    throw new SpecError("statistic(points)", value, "a finite number");
  };
}
