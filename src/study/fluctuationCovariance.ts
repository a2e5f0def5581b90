// The covariance of linear observables of SGD in the limit of many neurons, by the adjoint equation: no sampling.  docs/fluctuations.md

import type { Engine } from "../engine/engine";
import { loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import type { Memory } from "../engine/memory";
import { coordinateNames } from "../measure/measure";
import type { NetworkBlock } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { ProblemInput } from "../model/problem";
import { isRecord } from "../model/spec";
import { outputsOf, parameterDimension } from "../model/unit";
import { adjointCovariances, trajectoryBytes } from "../process/adjoint";
import {
  type LinearObservables,
  type LinearStatistic,
  powersOf,
  predictionObservables,
  statisticObservables,
} from "../process/linearObservables";
import { finiteProblem, startOfMeanField, writeMeanField } from "../process/meanField";
import { CHUNK_MILLISECONDS, pause } from "../process/process";
import { type FluctuationsProcess, parseProcess, parseTimes } from "../process/schema";
import { checkMemory } from "../process/schemaParts";
import { version } from "../version";
import { checkObservables } from "./checkObservables";
import { type Observable, parseObservable } from "./observables";

export type { LinearStatistic } from "../process/linearObservables";

/** What a covariance is asked for. */
export interface CovarianceOptions {
  /** n of η = √n (μ^n − μ⁰): the variance of SGD of n neurons is that of η over n. */
  neurons: number;
  /** ε */
  stepSize: number;
  /** B (1) */
  batchSize?: number;
  /** Times t = kε, increasing. */
  times: ArrayLike<number>;
  /** Linear observables by name: `predictions(x)`, `moments(name, order)`, or a function of a neuron with its gradient. */
  observe: Record<string, Observable | LinearStatistic>;
  /** Particles of μ⁰ (as many as a step can afford, at most 4096). */
  particles?: number | null;
  /** Whether they are a quadrature of the start (default) or draws. */
  reference?: "quadrature" | "sample";
  /** Points of a quadrature of a sampled law. */
  points?: number | null;
  /** dt (ε: then SGD's own steps, linearised) */
  timeStep?: number | null;
  /** How many steps the adjoint equation goes back at once (1, exact; more is an error of order (every dt)²). */
  every?: number;
  /** Whether the start has the fluctuation of independent neurons ("gaussian"; "none" where the start is given particles). */
  initialNoise?: "gaussian" | "none";
  /** Whether the noise of the gradients counts (true). */
  gradientNoise?: boolean;
  /** Of draws, where the reference is one (0). */
  seed?: number;
  signal?: AbortSignal | undefined;
  /** Called every few milliseconds with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** Covariances of η against functions of a neuron. */
export interface FluctuationCovariance {
  /** The fluctuation whose covariance it is. */
  process: FluctuationsProcess;
  /** Times reached, multiples of the time step. */
  times: Float64Array;
  /** Where each observable stands among the n components, and its shape. */
  observables: Record<string, { from: number; shape: number[] }>;
  /** Values at μ⁰, [T, n]. */
  mean: { shape: number[]; values: Float64Array };
  /** Cov(⟨η_t, φ_a⟩, ⟨η_t, φ_b⟩), [T, n, n]: the sum of the two below. */
  covariance: { shape: number[]; values: Float64Array };
  /** What the start gives. */
  initial: { shape: number[]; values: Float64Array };
  /** What the noise of the gradients gives. */
  gradient: { shape: number[]; values: Float64Array };
  /** Version, build, and how μ⁰ and the law are made finite, in words. */
  provenance: { version: string; backend: Backend; method: string };
}

/** @see onDemand.ts */
export async function fluctuationCovariance(
  input: ProblemInput,
  options: CovarianceOptions,
): Promise<FluctuationCovariance> {
  const { times: asked, observe, every = 1, signal, onProgress, backend, ...rest } = options ?? {};
  const process = parseProcess({
    kind: "fluctuations",
    problem: input,
    ...rest,
    method: "particles",
  }) as FluctuationsProcess;
  if (process.initialNoise === "sample") {
    throw new SpecError("initialNoise", "sample", '"gaussian" or "none"', "A covariance is that of all samples.");
  }
  if (!Number.isInteger(every) || every < 1) throw new SpecError("every", every, "a positive integer");
  const times = parseTimes(asked);
  const parsed = parseLinear(observe, process);
  const { timeStep, stepSize, batchSize, neurons } = process;
  const steps = Array.from(times, (t) => Math.round(t / timeStep));
  const { problem, method } = finiteProblem(process.problem, process.points);
  const base = startOfMeanField(problem, process);
  const M = base.masses.length;
  const D = parameterDimension(problem.unit, lawDimension(problem.law));
  const components = parsed.reduce((sum, { size }) => sum + size, 0);
  const state = 8 * M * (D + 1);
  checkMemory([
    { path: "observe", found: components, bytes: components * times.length * 2 * state },
    { path: "particles", found: M, bytes: 8 * state },
    { path: "times", found: times[times.length - 1], bytes: trajectoryBytes(steps[steps.length - 1]!, state) },
  ]);
  const engine = await loadEngine({ backend });
  const memory = engine.memory();
  try {
    const field = writeMeanField(memory, engine, problem, base);
    const parts = parsed.map(({ build }) =>
      build(memory, engine, field.network, { masses: base.masses, parameters: D }),
    );
    let began = performance.now();
    const found = await adjointCovariances(memory, engine, field, together(parts), {
      timeStep,
      steps,
      every,
      masses: base.masses,
      level: process.gradientNoise ? (neurons * stepSize) / batchSize : 0,
      initial: process.initialNoise !== "none",
      async rest(fraction) {
        if (performance.now() - began < CHUNK_MILLISECONDS) return;
        onProgress?.({ fraction });
        await pause();
        signal?.throwIfAborted();
        began = performance.now();
      },
    });
    const T = times.length;
    const n = components;
    let from = 0;
    const observables: FluctuationCovariance["observables"] = {};
    for (const { name, size, shape } of parsed) {
      observables[name] = { from, shape };
      from += size;
    }
    return {
      process,
      times: Float64Array.from(steps, (k) => k * timeStep),
      observables,
      mean: { shape: [T, n], values: found.mean },
      covariance: { shape: [T, n, n], values: found.initial.map((x, i) => x + found.gradient[i]!) },
      initial: { shape: [T, n, n], values: found.initial },
      gradient: { shape: [T, n, n], values: found.gradient },
      provenance: { version, backend: engine.backend, method: `${base.method}; ${method}` },
    };
  } finally {
    memory.free();
  }
}

type Build = (
  memory: Memory,
  engine: Engine,
  network: NetworkBlock,
  points: { masses: Float64Array; parameters: number },
) => LinearObservables;

function parseLinear(
  observe: unknown,
  process: FluctuationsProcess,
): { name: string; size: number; shape: number[]; build: Build }[] {
  if (!isRecord(observe) || Object.keys(observe).length === 0) {
    throw new SpecError("observe", observe, "observables by name, as in { f: predictions(x) }");
  }
  const { problem } = process;
  const K = outputsOf(problem.unit);
  return Object.entries(observe).map(([name, one]) => {
    const path = `observe.${name}`;
    if (isStatistic(one)) {
      return {
        name,
        size: 1,
        shape: [],
        build: (memory, engine, network, points) => statisticObservables(memory, engine, network, [one], points),
      };
    }
    const observable = parseObservable(one, path);
    checkObservables({ [name]: observable }, process);
    if (observable.kind === "moments") {
      const column = coordinateNames({ kind: "particles", coordinates: "theta" }, problem).indexOf(
        observable.coordinate,
      );
      const powers = powersOf(column, observable.order);
      return {
        name,
        size: powers.length,
        shape: [powers.length],
        build: (memory, engine, network, points) => statisticObservables(memory, engine, network, powers, points),
      };
    }
    if (observable.kind !== "predictions")
      throw new SpecError(`${path}.kind`, observable.kind, '"predictions" or "moments"');
    const { x } = observable;
    const count = x.shape[0]!;
    return {
      name,
      size: count * K,
      shape: K === 1 ? [count] : [count, K],
      build: (memory, engine, network) => predictionObservables(memory, engine, network, x.data, count),
    };
  });
}

function isStatistic(value: unknown): value is LinearStatistic {
  return isRecord(value) && typeof value["value"] === "function" && typeof value["gradient"] === "function";
}

function together(parts: readonly LinearObservables[]): LinearObservables {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return {
    size,
    values(state) {
      const all = new Float64Array(size);
      let at = 0;
      for (const part of parts) {
        all.set(part.values(state), at);
        at += part.size;
      }
      return all;
    },
    end(state, c, direction, chi) {
      let rest = c;
      for (const part of parts) {
        if (rest < part.size) return part.end(state, rest, direction, chi);
        rest -= part.size;
      }
    },
  };
}
