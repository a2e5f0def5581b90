// Sample paths of SGD on an objective and of the flows in its place, from several starts with common noise.           theory §8

import { checkKey } from "../../engine/draws";
import { SpecError } from "../../engine/errors";
import { CHUNK_MILLISECONDS, pause } from "../../engine/pause";
import { type Objective, readObjective } from "../../model/objective";
import { parseTimes } from "../../process/schema";
import { type Chain, chainOf } from "./chain";
import {
  METHODS,
  type Method,
  readChoice,
  readFields,
  readInteger,
  readOrder,
  readPositive,
  readStarts,
  SCHEMES,
  type Scheme,
} from "./options";
import { addNoise, checkState, located, rootWarnings } from "./walk";

/** What `objectivePaths` is asked for. */
export interface PathOptions {
  /** Which dynamics. */
  method: Method;
  /** Of the flows' drift: 1 is −∇L, 2 is −∇(L + (η/4)|∇L|²) (1). */
  order?: 1 | 2;
  /** η of SGD; time goes on by η a step. */
  stepSize: number;
  /** B (1) */
  batchSize?: number;
  /** Ascending; each is rounded to whole steps. */
  times: ArrayLike<number>;
  /** h of the flows (η) */
  timeStep?: number;
  /** Of the flows ("splitting"). */
  scheme?: Scheme;
  /** Points of R^p; all of a replica move under one noise. */
  starts: readonly ArrayLike<number>[];
  /** How many (1), from `replica` (0) on. */
  replicas?: number;
  replica?: number;
  seed?: number;
  signal?: AbortSignal | undefined;
  /** Called as the work goes on, with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
}

/** Sample paths. */
export interface ObjectivePaths {
  /** The times reached. */
  times: Float64Array;
  /** States at these times: [times, replicas, starts, p], row-major. */
  states: { shape: [number, number, number, number]; values: Float64Array };
  /** What the user should know of the run, in sentences. */
  warnings: string[];
}

const FIELDS = [
  "method",
  "order",
  "stepSize",
  "batchSize",
  "times",
  "timeStep",
  "scheme",
  "starts",
  "replicas",
  "replica",
  "seed",
  "signal",
  "onProgress",
] as const;

/** Most numbers of all states. */
const MOST_NUMBERS = 2 ** 27;

/** See the function of the same name in src/study/onDemand.ts. */
export async function objectivePaths(objective: Objective, options: PathOptions): Promise<ObjectivePaths> {
  const sum = readObjective(objective);
  readFields(options, "options", FIELDS);
  const p = sum.dimension;
  const method = readChoice(options.method, "method", METHODS);
  const stepSize = readPositive(options.stepSize, "stepSize");
  if (method === "sgd") {
    for (const name of ["order", "timeStep", "scheme"] as const) {
      if (options[name] !== undefined) throw new SpecError(name, options[name], "nothing, as SGD has none");
    }
  }
  const order = readOrder(options.order ?? 1, "order");
  const batchSize = readInteger(options.batchSize ?? 1, "batchSize", 1, 2 ** 20);
  const timeStep = method === "sgd" ? stepSize : readPositive(options.timeStep ?? stepSize, "timeStep");
  const scheme = readChoice(options.scheme ?? "splitting", "scheme", SCHEMES);
  const asked = parseTimes(Array.isArray(options.times) ? options.times : Float64Array.from(options.times ?? []));
  const starts = readStarts(options.starts, p);
  const replicas = readInteger(options.replicas ?? 1, "replicas", 1, 2 ** 31);
  const { seed, replica: from } = checkKey({ seed: options.seed ?? 0, purpose: 0, replica: options.replica ?? 0 });
  readInteger(from + replicas - 1, "replica", 0, 2 ** 32 - 1);
  const S = starts.length / p;
  const numbers = asked.length * replicas * starts.length;
  if (numbers > MOST_NUMBERS) {
    throw new SpecError(
      "replicas",
      replicas,
      `at most ${Math.floor((replicas * MOST_NUMBERS) / numbers)} at so many times`,
    );
  }
  const { signal, onProgress } = options;
  signal?.throwIfAborted();

  const steps = asked.map((t) => Math.round(t / timeStep));
  if (!(steps[steps.length - 1]! <= Number.MAX_SAFE_INTEGER)) {
    throw new SpecError("times", asked[asked.length - 1], "a time of at most 2^53 steps");
  }
  const chain = await chainOf(sum, { method, order, stepSize, batchSize, timeStep, scheme }, S, seed);
  const values = new Float64Array(numbers);
  const walk = chain.hop ? hopper(chain, starts) : walker(chain, starts);
  const independent = chain.sources > 0 ? replicas : 1;
  let began = performance.now();
  for (let r = 0; r < independent; r++) {
    for (const found of walk(from + r, steps)) {
      if (found) values.set(found[1], (found[0] * replicas + r) * starts.length);
      if (performance.now() - began < CHUNK_MILLISECONDS) continue;
      onProgress?.({ fraction: r / independent });
      await pause();
      signal?.throwIfAborted();
      began = performance.now();
    }
  }
  for (let t = 0; t < steps.length; t++) {
    const row = t * replicas * starts.length;
    for (let r = independent; r < replicas; r++) values.copyWithin(row + r * starts.length, row, row + starts.length);
  }
  return {
    times: Float64Array.from(steps, (k) => k * timeStep),
    states: { shape: [steps.length, replicas, S, p], values },
    warnings: rootWarnings(chain),
  };
}

// States at the steps asked for, with their index; null now and then between them, so that others have their turn.
type Walk = (replica: number, steps: Float64Array) => Generator<[number, Float64Array] | null>;

/** Steps between two looks at the clock. */
const STRETCH = 128;

function walker(chain: Chain, starts: Float64Array): Walk {
  const [x, y, z] = [0, 1, 2].map(() => new Float64Array(chain.size)) as [Float64Array, Float64Array, Float64Array];
  const noise = new Float64Array(chain.sources * chain.size);
  const weights = new Float64Array(chain.sources);
  return function* (replica, steps) {
    const draw = chain.draws(replica);
    let k = 0;
    try {
      for (const [t, end] of steps.entries()) {
        for (; k < end; k++) {
          if (k === 0) chain.first(starts, y, noise);
          else chain.next(z, y, noise);
          draw(k, weights);
          addNoise(y, noise, weights, z);
          checkState(z);
          if (k % STRETCH === STRETCH - 1) yield null;
        }
        if (k === 0) x.set(starts);
        else chain.last(z, x);
        yield [t, x];
      }
    } catch (error) {
      throw located(error, chain, k);
    }
  };
}

function hopper(chain: Chain, starts: Float64Array): Walk {
  const x = new Float64Array(chain.size);
  return function* (replica, steps) {
    const hop = chain.hop!(replica);
    x.set(starts);
    let k = 0;
    try {
      for (const [t, end] of steps.entries()) {
        for (; k < end; k++) {
          hop(k, x);
          checkState(x);
          if (k % STRETCH === STRETCH - 1) yield null;
        }
        yield [t, x];
      }
    } catch (error) {
      throw located(error, chain, k);
    }
  };
}
