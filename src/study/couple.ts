// Coupled dynamics: four ways from SGD to its limit, from one start and on one set of data.     theory §6; docs/coupling.md
//
//   limit   ∂_t ρ = ∇·(ρ ∇Ψ(·; ρ))
//   ND      θ_i' = −∇Ψ(θ_i; ρ_t)                 nonlinear dynamics: independent particles in the field of the limit
//   PD      θ_i' = −∇Ψ(θ_i; ρ_N)                 particle dynamics: the gradient flow of the network
//   GD      θ_i ← θ_i − ε ∇Ψ(θ_i; ρ_N)           gradient descent
//   SGD     θ_i ← θ_i + ε v(θ_i; ρ_N, z_k)       one example, or a batch, a step
//
// Neighbours in this list differ in one thing alone: sampling, interaction, the step, the noise of the data.

import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { canonicalJson, specHash } from "../io/canonical";
import type { Particles } from "../measure/measure";
import { checkPlain, isLocalProblem, type Problem, type ProblemInput, parseProblem } from "../model/problem";
import {
  type GradientDescentProcess,
  type GradientFlowProcess,
  type NonlinearProcess,
  type Process,
  parseProcess,
  parseTimes,
  type RadialFlowProcess,
  type Schedule,
  type SgdProcess,
} from "../process/schema";
import { checkObservables } from "./checkObservables";
import { type Ensemble, type EnsembleObserved, putTogether, together } from "./ensemble";
import { isLocal, type Observables, type Observed, parseObservables, risk } from "./observables";
import { readWorkers, runAll } from "./runs";
import type { Provenance, Trajectory } from "./solve";
import type { Task } from "./worker";

/** The four dynamics, from the limit's side to SGD's. */
export const coupledDynamics = ["ND", "PD", "GD", "SGD"] as const;

/** The four gaps between neighbours, in the order in which they lead from the limit to SGD. */
export const coupledGaps = ["limit-ND", "ND-PD", "PD-GD", "GD-SGD"] as const;

/** One of the four dynamics. */
export type CoupledDynamics = (typeof coupledDynamics)[number];

/** One of the four gaps. */
export type CoupledGapName = (typeof coupledGaps)[number];

/** What `couple` is asked for. */
export interface CoupleOptions {
  /** N */
  neurons: number;
  /** ε of GD and SGD */
  stepSize: number;
  /** Times, each rounded to a whole number of steps; all dynamics are compared there. */
  times: ArrayLike<number>;
  /**
   * What ρ_t is: `radialFlow(…)`, or `gradientFlow(…)` of far more neurons. Left out, it is the radial flow where the problem
   * has one, and elsewhere a gradient flow of 16 N neurons, drawn as the last of all replicas of the seed.
   */
  limit?: RadialFlowProcess | GradientFlowProcess | undefined;
  /** Number of replicas (1). */
  replicas?: number | undefined;
  /** Of start and data (0). */
  seed?: number | undefined;
  /** First replica (0). */
  replica?: number | undefined;
  /** Examples a step of SGD (1). */
  batchSize?: number | undefined;
  /** SGD over a finite law: examples drawn independently (true), or each once an epoch. */
  replacement?: boolean | undefined;
  /** ξ (1), of all dynamics. */
  schedule?: Schedule | undefined;
  /** Gradient of PD, GD and a gradient flow as limit, as in `gradientDescent`. */
  gradient?: "full" | "population" | undefined;
  /** Points of a quadrature of the law, as in `gradientDescent`. */
  points?: number | undefined;
  /** Error of a step of PD, and of a gradient flow as limit (1e-8). */
  tolerance?: number | undefined;
  /** Further statistics by name, whose gaps are reported too. The risk is always there, as `risk`. */
  observe?: Observables | undefined;
  /** Worker threads; 0 runs in this one. The number of cores, at most the runs, if left out. */
  workers?: number | undefined;
  /** Address of `meanfield/worker`, for pages whose content-security policy forbids inline workers. */
  worker?: string | URL | undefined;
  /** Stops all runs; the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called as runs go on: the share of all runs that is done, and how many are finished. */
  onProgress?: ((progress: { fraction: number; finished: number; runs: number }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
  /** In Node: a folder where each run is saved from time to time, by its specification, and goes on from there. */
  checkpoint?: string | undefined;
}

/** The gap of one statistic. */
export interface StatisticGap {
  /** First minus second, at each time. */
  difference: EnsembleObserved;
  /** Its size. */
  absolute: EnsembleObserved;
  /** Largest size over all recorded times and components, of each replica: one number. */
  sup: EnsembleObserved;
}

/** The gap of the parameters; the output bias, where there is one, is not among them. */
export interface ParameterGap {
  /** max_i |θ_i − θ_i'|, at each time. */
  largest: EnsembleObserved;
  /** (N⁻¹ Σ_i |θ_i − θ_i'|²)^½, at each time. */
  rootMeanSquare: EnsembleObserved;
  /** Largest over all recorded times, of each replica: one number. */
  sup: { largest: EnsembleObserved; rootMeanSquare: EnsembleObserved };
}

/** How far two neighbours are apart. */
export interface CoupledGap {
  risk: StatisticGap;
  /** All statistics by name, the risk among them. */
  observables: Record<string, StatisticGap>;
  /** null for the limit, which has no particles of its own there. */
  parameters: ParameterGap | null;
}

/** Four dynamics and their limit, and how far each is from the next. */
export interface Coupling {
  /** Times reached, whole numbers of steps. */
  times: Float64Array;
  replicas: number;
  /** ρ_t */
  limit: Trajectory;
  /** What each dynamics was and gave, over replicas. */
  runs: Record<CoupledDynamics, Ensemble>;
  gaps: Record<CoupledGapName, CoupledGap>;
  warnings: string[];
  /** Its `spec` is the hash of the five processes, its `method` how each field was found. */
  provenance: Provenance;
}

/** Neurons of the default limit, a neuron of the dynamics. */
const MANY = 16;

/** Replica of the default limit: the last there is, so that replicas counted up from 0 do not share its draws. */
const LIMIT_REPLICA = 4294967295;

/**
 * Runs nonlinear dynamics, particle dynamics, gradient descent and SGD from the same start and on the same data, beside their
 * limit, and reports how far each is from the next: in risk, in any other statistic, and in the parameters.
 *
 * Replica r of the four has the same N particles at time 0, bit for bit, and its SGD the examples of that replica's streams:
 * each is the very run that `solve` makes of its process. Results do not depend on the number of workers.
 *
 * @param problem  law, unit, start, loss and confinement
 * @param options  neurons: N; stepSize: ε; times; limit: ρ_t; replicas (1), seed, replica (0, 0); batchSize, replacement: of
 *                 SGD (1, true); schedule: ξ (1); gradient, points, tolerance: of PD, GD and the limit; observe; workers,
 *                 signal, onProgress, checkpoint, backend
 * @returns the risk of each at each time, the gaps of neighbours with their largest over the times, mean and standard error
 *          over replicas, and every replica's own numbers
 * @throws {SpecError} with the path of the wrong field, before anything is run
 * @throws {DivergenceError} of the run that was the first seen to diverge, naming it; the others are stopped
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, section 4; theory §6
 */
export async function couple(problem: ProblemInput, options: CoupleOptions): Promise<Coupling> {
  const plan = planCoupling(problem, options);
  const { limit, dynamics, times, observables, replicas } = plan;
  const { signal, onProgress, checkpoint } = options;
  const runs = 1 + coupledDynamics.length * replicas;
  const workers = readWorkers(options.workers, runs);
  const local = Object.keys(observables).find((name) => isLocal(observables[name]!));
  const stay = "Use workers: 0 to stay in this thread.";
  if (workers > 0 && local !== undefined) {
    const expected = "a plain specification, because it goes to a worker";
    throw new SpecError(`observe.${local}`, observables[local], expected, stay);
  }
  if (workers > 0) checkPlain(limit.problem, "problem", "because it goes to a worker", stay);
  if (checkpoint !== undefined) checkPlain(limit.problem, "problem", "because runs are saved");
  signal?.throwIfAborted();

  const task = (process: Process, keep: Task["keep"]): Task => ({
    process,
    times,
    observe: observables,
    keep,
    checkpoint:
      checkpoint === undefined
        ? undefined
        : `${checkpoint}/${specHash({ process, times: Array.from(times), observables, keep }).slice(0, 16)}.state`,
  });
  const tasks = [
    task(limit, "observables"),
    ...Array.from({ length: replicas }, (_, r) =>
      coupledDynamics.map((name) => task(replicaOf(dynamics[name], r), "measures")),
    ).flat(),
  ];
  const fractions = new Float64Array(runs);
  const done: Trajectory[] = new Array(runs);
  const parameters: ParameterGaps[] = new Array(replicas);
  let finished = 0;
  let total = 0;
  const progressed = (i: number, fraction: number) => {
    total += fraction - fractions[i]!;
    fractions[i] = fraction;
    onProgress?.({ fraction: Math.min(1, total / runs), finished, runs });
  };
  const ofReplica = (r: number) => coupledDynamics.map((_, k) => 1 + r * coupledDynamics.length + k);
  await runAll(tasks, {
    workers,
    worker: options.worker,
    backend: options.backend,
    signal,
    onFraction: progressed,
    onRun(i, run) {
      done[i] = run;
      finished++;
      progressed(i, 1);
      if (i === 0) return;
      const r = Math.floor((i - 1) / coupledDynamics.length);
      const own = ofReplica(r).map((k) => done[k]);
      if (!own.every((one) => one !== undefined)) return;
      parameters[r] = parameterGaps(own.map((one) => one.measures as Particles[]));
      // N·D numbers a time, which no one needs any more
      for (const one of own) one.measures = null;
    },
    onError(i, error) {
      if (!(error instanceof Error) || i === 0) return;
      const name = coupledDynamics[(i - 1) % coupledDynamics.length]!;
      error.message = `${error.message} (${name}, replica ${Math.floor((i - 1) / coupledDynamics.length)}.)`;
    },
  });

  const reference = done[0]!;
  const own = (name: CoupledDynamics) =>
    Array.from({ length: replicas }, (_, r) => done[ofReplica(r)[coupledDynamics.indexOf(name)]!]!);
  const ensembles = mapNames(coupledDynamics, (name) => putTogether(dynamics[name], own(name)));
  const sides = [Array.from({ length: replicas }, () => reference), ...coupledDynamics.map(own)];
  return {
    times: reference.times,
    replicas,
    limit: reference,
    runs: ensembles,
    gaps: mapNames(coupledGaps, (_, k) =>
      gapOf(sides[k]!, sides[k + 1]!, k === 0 ? null : parameters.map((gaps) => gaps[k - 1]!)),
    ),
    warnings: [...new Set(done.flatMap((run) => run.warnings))],
    provenance: {
      ...ensembles.SGD.provenance,
      spec: isLocalProblem(limit.problem) ? "local" : specHash({ limit, dynamics, replicas }),
      method: [reference, ...coupledDynamics.map((name) => ensembles[name])]
        .map((run, k) => `${k === 0 ? "limit" : coupledDynamics[k - 1]}: ${run.provenance.method ?? run.process.kind}`)
        .join("; "),
    },
  };
}

interface Plan {
  limit: RadialFlowProcess | GradientFlowProcess;
  /** Replica 0 of each. */
  dynamics: { ND: NonlinearProcess; PD: GradientFlowProcess; GD: GradientDescentProcess; SGD: SgdProcess };
  times: Float64Array;
  observables: Observables;
  replicas: number;
}

function planCoupling(input: ProblemInput, options: CoupleOptions): Plan {
  const problem = parseProblem(input);
  const { neurons, stepSize, batchSize, replacement, schedule, gradient, points, tolerance, replicas = 1 } = options;
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 1e6) {
    throw new SpecError("replicas", replicas, "an integer from 1 to 1000000");
  }
  const observables = parseObservables({ risk: risk(), ...options.observe });
  const asked = observables["risk"]!;
  if (isLocal(asked) || asked.kind !== "risk") {
    throw new SpecError("observe.risk", asked, "risk(…), as the four gaps are those of the risk");
  }
  // paths are those of the options, not of a process that they go into
  const read = (process: unknown) => parseProcess(process, "");
  const draws = { problem, neurons, seed: options.seed, replica: options.replica };
  const SGD = read({ kind: "sgd", ...draws, stepSize, batchSize, replacement, schedule }) as SgdProcess;
  const descent = { ...draws, stepSize, gradient, points, schedule };
  const GD = read({ kind: "gradientDescent", ...descent }) as GradientDescentProcess;
  const flow = { kind: "gradientFlow", ...draws, gradient, points, tolerance, schedule };
  const PD = read(flow) as GradientFlowProcess;
  const { seed, replica } = SGD;
  if (replica + replicas > LIMIT_REPLICA) {
    throw new SpecError("replica", replica, "a first replica that leaves room for the others below 2^32 − 1");
  }
  const limit = options.limit ?? defaultLimit(problem, PD);
  const ND = read({ kind: "nonlinear", problem, neurons, limit, seed, replica }) as NonlinearProcess;
  checkLimit(ND, replicas, SGD.schedule);
  for (const process of [ND.limit, SGD]) checkObservables(observables, process);
  return {
    limit: ND.limit,
    dynamics: { ND, PD, GD, SGD },
    times: stepTimes(parseTimes(options.times), stepSize),
    observables,
    replicas,
  };
}

function defaultLimit(problem: Problem, flow: GradientFlowProcess): RadialFlowProcess | GradientFlowProcess {
  if (problem.start.kind === "particles") {
    throw new SpecError(
      "limit",
      undefined,
      "radialFlow(…) or gradientFlow(…), as the start is given particles and not a law to draw more from",
    );
  }
  if (hasRadialFlow(problem) && flow.schedule.kind === "constant") {
    return parseProcess({ kind: "radialFlow", problem }, "limit") as RadialFlowProcess;
  }
  const process = { ...flow, neurons: MANY * flow.neurons, replica: LIMIT_REPLICA };
  return parseProcess(process, "limit") as GradientFlowProcess;
}

// the specification of a radial flow says itself which problems have one
function hasRadialFlow(problem: Problem): boolean {
  if (problem.law.kind !== "anisotropicGaussians") return false;
  try {
    parseProcess({ kind: "radialFlow", problem });
    return true;
  } catch (error) {
    if (error instanceof SpecError) return false;
    throw error;
  }
}

function checkLimit({ limit, problem, seed, replica }: NonlinearProcess, replicas: number, schedule: Schedule): void {
  const own: Schedule = limit.kind === "gradientFlow" ? limit.schedule : { kind: "constant" };
  if (canonicalJson(own) !== canonicalJson(schedule)) {
    const path = limit.kind === "gradientFlow" ? "limit.schedule" : "schedule";
    const expected = limit.kind === "gradientFlow" ? "the schedule of the dynamics" : "none, as a radial flow has none";
    throw new SpecError(path, limit.kind === "gradientFlow" ? own : schedule, expected);
  }
  if (limit.kind !== "gradientFlow" || limit.problem.start.kind === "particles") return;
  const shares = limit.seed === seed && limit.replica >= replica && limit.replica < replica + replicas;
  if (shares && canonicalJson(limit.problem.start) === canonicalJson(problem.start)) {
    const expected = "another seed: the limit would start with the particles that it is to be compared with";
    throw new SpecError("limit.seed", limit.seed, expected);
  }
}

// GD and SGD know whole steps alone; rounded as they round
function stepTimes(times: Float64Array, stepSize: number): Float64Array {
  const reached = times.map((t) => Math.round(t / stepSize) * stepSize);
  reached.forEach((t, i) => {
    if (i > 0 && t === reached[i - 1]) {
      const expected = `a time in another step of ε = ${stepSize} than the one before`;
      throw new SpecError(`times[${i}]`, times[i], expected);
    }
  });
  return reached;
}

function replicaOf<P extends { replica: number }>(process: P, r: number): P {
  return { ...process, replica: process.replica + r };
}

/** Of one replica and pair of dynamics, at each time. */
type ParameterGaps = { largest: Float64Array; rootMeanSquare: Float64Array }[];

// ND–PD, PD–GD, GD–SGD of one replica
function parameterGaps(measures: readonly Particles[][]): ParameterGaps {
  return measures.slice(1).map((second, k) => {
    const first = measures[k]!;
    const largest = new Float64Array(first.length);
    const rootMeanSquare = new Float64Array(first.length);
    first.forEach(({ shape: [N, D], values: a }, t) => {
      const b = second[t]!.values;
      let most = 0;
      let sum = 0;
      for (let i = 0; i < N; i++) {
        let square = 0;
        for (let j = i * D; j < (i + 1) * D; j++) square += (a[j]! - b[j]!) * (a[j]! - b[j]!);
        most = Math.max(most, square);
        sum += square;
      }
      largest[t] = Math.sqrt(most);
      rootMeanSquare[t] = Math.sqrt(sum / N);
    });
    return { largest, rootMeanSquare };
  });
}

function gapOf(
  first: readonly Trajectory[],
  second: readonly Trajectory[],
  parameters: ParameterGaps | null,
): CoupledGap {
  const observables = Object.fromEntries(
    Object.keys(first[0]!.observables).map((name) => [
      name,
      statisticGap(
        first.map((run) => run.observables[name]!),
        second.map((run) => run.observables[name]!),
      ),
    ]),
  );
  return {
    risk: observables["risk"]!,
    observables,
    parameters: parameters && {
      largest: overTime(parameters.map(({ largest }) => largest)),
      rootMeanSquare: overTime(parameters.map(({ rootMeanSquare }) => rootMeanSquare)),
      sup: {
        largest: supOf(parameters.map(({ largest }) => largest)),
        rootMeanSquare: supOf(parameters.map(({ rootMeanSquare }) => rootMeanSquare)),
      },
    },
  };
}

function statisticGap(first: readonly Observed[], second: readonly Observed[]): StatisticGap {
  const { shape } = first[0]!;
  const differences = first.map(({ values }, r) => values.map((value, i) => value - second[r]!.values[i]!));
  const sizes = differences.map((values) => values.map(Math.abs));
  return {
    difference: together(differences.map((values) => ({ shape, values }))),
    absolute: together(sizes.map((values) => ({ shape, values }))),
    sup: supOf(sizes),
  };
}

function overTime(replicas: readonly Float64Array[]): EnsembleObserved {
  return together(replicas.map((values) => ({ shape: [values.length], values })));
}

function supOf(replicas: readonly Float64Array[]): EnsembleObserved {
  return together(
    replicas.map((values) => ({ shape: [], values: Float64Array.of(values.reduce((a, b) => Math.max(a, b), 0)) })),
  );
}

function mapNames<K extends string, V>(names: readonly K[], make: (name: K, index: number) => V): Record<K, V> {
  return Object.fromEntries(names.map((name, k) => [name, make(name, k)])) as Record<K, V>;
}
