// Moments of N interacting particles of the linear mean-field model, exactly and at a cost that does not depend on N.
//                                                                                                docs/linearModel.md
//   V_q(X_i) = x_q (y_q − x_q m̄) − λ_q (X_i − c),   m̄ = N⁻¹ Σ X_j,   X_i = m̄ + D_i
//
// With p_q = x_q y_q + λ_q c and T_q = x_q² + λ_q a step moves m̄ by a mean of p_q − T_q m̄ and D_i by one of −λ_q D_i over the same
// draws. So M = E m̄, V = Var m̄ and S = E Σ D_i²/(N − 1) close, each with the noise of a step linear in the state:
//
//   M ← M + h b(M),   V ← (1 + h b')² V + ν (Var_q(p − T M) + Var_q(T) V),   S ← (1 − h λ')² S + ν Var_q(λ) S
//
// and E X_i = M, Var X_i = V + (1 − 1/N) S, Cov(X_i, X_j) = V − S/N.

import { SpecError } from "../engine/errors";
import { exp, expm1 } from "../engine/math";
import { type Dataset, lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import type { Start } from "../model/start";
import { massesOf } from "../process/dataNoise";
import { type Process, parseProcess, parseTimes, type Schedule } from "../process/schema";
import { scheduleFactor } from "../process/steps";

/** How moments are found. */
export interface LinearModelOptions {
  /** Of the flow in continuous time (true), not of its steps (false, the default). */
  continuous?: boolean;
}

/** Moments of the particles at several times, [times] each. */
export interface LinearModelMoments {
  /** Times reached: whole numbers of steps. */
  times: Float64Array;
  /** E X_i, which is E m̄ */
  mean: Float64Array;
  /** Var m̄ */
  meanVariance: Float64Array;
  /** Var X_i */
  variance: Float64Array;
  /** Cov(X_i, X_j) of two particles; NaN where there is one */
  covariance: Float64Array;
}

/** See the function of the same name in src/study/onDemand.ts. */
export function linearModelMoments(
  process: Process,
  times: ArrayLike<number>,
  options: LinearModelOptions = {},
): LinearModelMoments {
  const dynamics = dynamicsOf(parseProcess(process), options.continuous ?? false);
  const { model, neurons: N } = dynamics;
  const asked = parseTimes(Array.from(times));
  const reached = asked.slice();
  // where nothing of the start is random, its particles are apart as those of a quadrature are, with no covariance
  const share = dynamics.sampled ? 1 / N : 0;
  const state: State = { M: model.mean, V: model.variance * share, S: model.variance };
  const moments = {
    times: reached,
    mean: asked.slice(),
    meanVariance: asked.slice(),
    variance: asked.slice(),
    covariance: asked.slice(),
  };
  let done = 0;
  asked.forEach((time, i) => {
    let { M, V, S } = state;
    if (dynamics.step) {
      const { size, move } = dynamics.step;
      const last = Math.round(time / size);
      for (; done < last; done++) move(state, done);
      ({ M, V, S } = state);
      reached[i] = last * size;
    } else ({ M, V, S } = dynamics.flow!(state, time));
    moments.mean[i] = M;
    moments.meanVariance[i] = V;
    moments.variance[i] = V + (1 - share) * S;
    moments.covariance[i] = N === 1 ? Number.NaN : V - S * share;
  });
  return moments;
}

interface State {
  M: number;
  V: number;
  S: number;
}

/** Moments over the atoms. */
interface LinearModel {
  /** of the start */
  mean: number;
  variance: number;
  /** mean of p_q, T_q and λ_q */
  push: number;
  pull: number;
  decay: number;
  /** Var p, Cov(p, T), Var T and Var λ over the atoms */
  pushVariance: number;
  covariance: number;
  pullVariance: number;
  decayVariance: number;
}

interface Dynamics {
  model: LinearModel;
  /** N, infinite for a law that is no sample */
  neurons: number;
  /** Whether the start fluctuates as N independent particles do. */
  sampled: boolean;
  /** Steps, or the flow from the start to a time. */
  step: { size: number; move(state: State, k: number): void } | null;
  flow: ((start: State, time: number) => State) | null;
}

function dynamicsOf(process: Process, continuous: boolean): Dynamics {
  switch (process.kind) {
    case "sgd":
    case "gradientDescent":
    case "langevin": {
      if (continuous) {
        throw new SpecError("options.continuous", true, `false, as ${process.kind} goes in steps`);
      }
      if ("gradient" in process && process.gradient === "population") break;
      if ("replacement" in process && !process.replacement) {
        throw new SpecError("process.replacement", false, "true, as the draws of an epoch depend on each other");
      }
      if ("momentum" in process && process.momentum > 0) {
        throw new SpecError(
          "process.momentum",
          process.momentum,
          "0, as moments are those of a process without memory",
        );
      }
      const { stepSize, schedule, neurons } = process;
      const drawn = process.kind === "sgd" || (process.kind === "langevin" && process.gradient === "batch");
      const noise = drawn ? (stepSize * stepSize) / process.batchSize : 0;
      const temperature = "temperature" in process ? process.temperature : 0;
      return inSteps(process.problem, neurons, { size: stepSize, noise, temperature, schedule });
    }
    case "gradientFlow":
      if (process.correction) {
        throw new SpecError(
          "process.correction",
          process.correction,
          "none, as moments are those of the flow of the loss",
        );
      }
      if (process.schedule.kind !== "constant") break;
      return inTime(process.problem, process.neurons, { noise: 0 });
    case "smfeGrid":
    case "fluctuations": {
      const { problem, stepSize, batchSize, timeStep, gradientNoise } = process;
      const linear = process.kind === "fluctuations";
      const level = gradientNoise ? stepSize / batchSize : 0;
      const found = continuous
        ? inTime(problem, linear ? process.neurons : Infinity, { noise: level, linear })
        : inSteps(problem, linear ? process.neurons : Infinity, {
            size: timeStep,
            noise: level * timeStep,
            schedule: { kind: "constant" },
            linear,
          });
      return { ...found, sampled: linear && process.initialNoise !== "none" };
    }
    case "modifiedFlow":
    case "correlatedNoise": {
      const { stepSize, batchSize, timeStep, neurons } = process;
      const { order, method, schedule } =
        process.kind === "modifiedFlow"
          ? process
          : ({ order: 1, method: "eulerMaruyama", schedule: { kind: "constant" } } as const);
      const corrected = order === 2 ? stepSize : 0;
      const level = stepSize / batchSize;
      if (!continuous) {
        const noise = level * timeStep;
        return inSteps(process.problem, neurons, {
          size: timeStep,
          noise,
          corrected,
          schedule,
          heun: method === "heun",
        });
      }
      if (schedule.kind !== "constant") break;
      return inTime(process.problem, neurons, { noise: level, corrected });
    }
  }
  throw new SpecError(
    "process.kind",
    process.kind,
    "sgd, gradientDescent, langevin, modifiedFlow, correlatedNoise, smfeGrid or fluctuations; in continuous time, gradientFlow " +
      "too, and a constant schedule",
  );
}

function inSteps(
  problem: Problem,
  neurons: number,
  scheme: {
    size: number;
    /** of the mean over a step's draws, in place of the variance over the atoms */
    noise: number;
    temperature?: number;
    corrected?: number;
    schedule: Schedule;
    heun?: boolean;
    /** whether the noise feels M alone, and not the fluctuations about it */
    linear?: boolean;
  },
): Dynamics {
  const model = linearModelOf(problem);
  const { size, noise, temperature = 0, corrected = 0, schedule, heun = false, linear = false } = scheme;
  const { pullVariance, decayVariance } = linear ? { pullVariance: 0, decayVariance: 0 } : model;
  const { push, pull, decay } = correctedDrift(model, corrected);
  // variance over the atoms of (first p − second T)
  const spread = (first: number, second: number) =>
    first * first * model.pushVariance - 2 * first * second * model.covariance + second * second * model.pullVariance;
  const move = (state: State, k: number) => {
    const { M, V, S } = state;
    const factor = scheduleFactor(schedule, k * size);
    const h = factor * size;
    const nu = factor * factor * noise;
    // Heun's rule: its mean step is that of order 2, and its noise is taken after half a step of Euler's
    const half = heun ? 0.5 : 0;
    const [along, across] = [h * pull, h * decay];
    state.M = M + (1 - half * along) * h * (push - pull * M);
    const kept = 1 - along * (1 - half * along);
    const after = 1 - 2 * half * along;
    state.V =
      kept * kept * V +
      nu * (spread(1 - half * along, after * M + half * h * push) + after * after * pullVariance * V) +
      (2 * temperature * h) / neurons;
    const keptApart = 1 - across * (1 - half * across);
    const afterApart = 1 - 2 * half * across;
    state.S = (keptApart * keptApart + nu * afterApart * afterApart * decayVariance) * S + 2 * temperature * h;
  };
  return { model, neurons, sampled: true, step: { size, move }, flow: null };
}

function inTime(
  problem: Problem,
  neurons: number,
  { noise: alpha, corrected = 0, linear = false }: { noise: number; corrected?: number; linear?: boolean },
): Dynamics {
  const model = linearModelOf(problem);
  const { push, pull, decay } = correctedDrift(model, corrected);
  const { pushVariance, covariance, pullVariance, decayVariance } = model;
  return {
    model,
    neurons,
    sampled: true,
    step: null,
    flow({ M, V, S }, t) {
      // M − rest falls like e^{−pull t}; where nothing pulls, nothing pushes either
      const rest = pull === 0 ? M : push / pull;
      const gap = M - rest;
      const rate = 2 * pull - (linear ? 0 : alpha * pullVariance);
      const atRest = pushVariance - 2 * covariance * rest + pullVariance * rest * rest;
      const first = 2 * gap * (pullVariance * rest - covariance);
      const second = pullVariance * gap * gap;
      const kicks = atRest * felt(0, rate, t) + first * felt(pull, rate, t) + second * felt(2 * pull, rate, t);
      return {
        M: rest + gap * exp(-pull * t),
        V: exp(-rate * t) * V + alpha * kicks,
        S: exp(((linear ? 0 : alpha * decayVariance) - 2 * decay) * t) * S,
      };
    },
  };
}

// ∫₀ᵗ e^{−r(t − s)} e^{−ps} ds
function felt(p: number, r: number, t: number): number {
  const gap = r - p;
  return exp(-p * t) * (gap === 0 ? t : -expm1(-gap * t) / gap);
}

// −(ε/2) Dv̄[v̄] makes b(M) = (1 + (ε/2) T̄)(p̄ − T̄ M), and −λ̄ (1 + (ε/2) λ̄) of D
function correctedDrift({ push, pull, decay }: LinearModel, corrected: number) {
  const factor = 1 + (corrected / 2) * pull;
  return { push: factor * push, pull: factor * pull, decay: (1 + (corrected / 2) * decay) * decay };
}

function linearModelOf(problem: Problem): LinearModel {
  const { law, unit, loss, confinement, start } = problem;
  if (unit.kind !== "ridge" || unit.activation.kind !== "identity") {
    const found = unit.kind === "ridge" ? unit.activation.kind : unit.kind;
    throw new SpecError("process.problem.unit", found, "ridge(identity())", "linearMoments has any quadratic terms.");
  }
  if (law.kind !== "dataset") throw new SpecError("process.problem.law.kind", law.kind, '"dataset", a finite law');
  if (lawDimension(law) !== 1) {
    const remedy = "linearMoments has any quadratic terms.";
    throw new SpecError("process.problem.law.x", lawDimension(law), "inputs of length 1", remedy);
  }
  if (loss !== "squared") throw new SpecError("process.problem.loss", loss, '"squared", which makes steps linear');
  if (confinement !== null && confinement.kind !== "quadratic") {
    throw new SpecError("process.problem.confinement.kind", confinement.kind, '"quadratic", or none');
  }
  const weight = confinement?.weight ?? 0;
  const center = confinement?.kind === "quadratic" ? confinement.center : 0;
  const masses = massesOf(law);
  const atoms = Array.from(masses, (mass, q) => {
    const x = law.x.data[q]!;
    const lambda = weight * decayOf(law, q);
    return { mass, push: x * law.y.data[q]! + lambda * center, pull: x * x + lambda, decay: lambda };
  });
  type Name = "push" | "pull" | "decay";
  const mean = (name: Name) => atoms.reduce((sum, atom) => sum + atom.mass * atom[name], 0);
  const means = { push: mean("push"), pull: mean("pull"), decay: mean("decay") };
  const covariance = (a: Name, b: Name) =>
    atoms.reduce((sum, atom) => sum + atom.mass * (atom[a] - means[a]) * (atom[b] - means[b]), 0);
  return {
    ...momentsOf(start),
    ...means,
    pushVariance: covariance("push", "push"),
    covariance: covariance("push", "pull"),
    pullVariance: covariance("pull", "pull"),
    decayVariance: covariance("decay", "decay"),
  };
}

function decayOf({ decay }: Dataset, q: number): number {
  return decay?.data[q] ?? 1;
}

function momentsOf(start: Start): { mean: number; variance: number } {
  switch (start.kind) {
    case "gaussian":
      return { mean: 0, variance: start.radius * start.radius };
    case "normal": {
      const { mean, deviation } = typeof start.w === "number" ? { mean: start.w, deviation: 0 } : start.w;
      return { mean, variance: deviation * deviation };
    }
    case "grid": {
      const edges = start.edges[0]!.data;
      const masses = start.masses.data;
      const middle = (i: number) => (edges[i]! + edges[i + 1]!) / 2;
      const mean = masses.reduce((sum, mass, i) => sum + mass * middle(i), 0);
      const variance = masses.reduce((sum, mass, i) => {
        const width = edges[i + 1]! - edges[i]!;
        return sum + mass * ((middle(i) - mean) * (middle(i) - mean) + (width * width) / 12);
      }, 0);
      return { mean, variance };
    }
    default:
      throw new SpecError(
        "process.problem.start.kind",
        start.kind,
        '"gaussian", "normal" or "grid": independent particles of one law',
        "linearMoments has any starts.",
      );
  }
}
