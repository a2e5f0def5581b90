// The stochastic modified flow of SGD, the stochastic mean-field equation (SMFE) by superposition.                theory §2, §8
//
//   dX = v̄(X; μ) dt + √α ∫ G(X, μ, z) W(dz, dt),   μ_t = μ_0 ∘ X_t⁻¹,   α = ε/B
//
//   finite law     θ_i += Σ_q m_q s_q r_q · ∇σ*(x_q; θ_i),   s_q = h + √α (ΔB_q/√m_q − Σ_p √m_p ΔB_p)
//   sampled law    θ_i += h v̄(θ_i) + √(αh/B') Σ_b ξ_b (v(θ_i; z_b) − v̄(θ_i)),   B' fresh examples z_b, ξ_b ~ N(0, 1)
//
// In time, with a(θ) = h v̄(θ) and g(θ) the noise of a step (Itô):
//
//   eulerMaruyama   θ' = θ + a(θ) + g(θ)
//   heun            θ' = θ + ½ (a(θ) + a(θ + a(θ) + g(θ))) + ½ (g(θ) + g(θ + a(θ)))
//
// Of order 2 the drift is v̄ − (ε/2) Dv̄[v̄], the velocity of the modified energy E + (ε/4) ∫|v̄|² dμ, by linearised.ts.
// Heun's noise is taken at both ends of the drift, not of the noise: that would add a drift of Stratonovich's.

import { PURPOSE_MULTIPLIER } from "../../assembly/layout";
import { high } from "../engine/draws";
import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { copyNetwork, type NetworkBlock, viewNetwork } from "../model/blocks";
import { dataNoise, massesOf } from "./dataNoise";
import { type Descent, type GradientSource, gradientSource, writeDescent } from "./descent";
import { linearisation } from "./linearised";
import type { Simulation } from "./process";
import type { ModifiedFlowProcess } from "./schema";
import { type Stepper, scheduleFactor, stepped } from "./steps";

/** Allocates the network, its carried points and their start, and returns the simulation at time 0. */
export async function start(process: ModifiedFlowProcess, engine: Engine): Promise<Simulation> {
  const { timeStep } = process;
  const source = await gradientSource(process);
  return stepped(process, engine, { source, timeStep, carried: process.carried }, (memory, network, _, masses) =>
    flowStepper({ process, engine, memory, network, source, masses }),
  );
}

/** What the parts of a step are made in. */
interface Setting {
  process: ModifiedFlowProcess;
  engine: Engine;
  memory: Memory;
  network: NetworkBlock;
  /** Where v̄ comes from. */
  source: GradientSource;
  /** Of the neurons in f; null is 1/N each. */
  masses: Float64Array | null;
}

/** Adds parts of a step at one state to another: `drift` times a(θ), `noise` times g(θ). */
interface Increments {
  /** Where drift and noise come from, in words. */
  method: string;
  /** Draws the noise of step k. */
  draw(k: number): void;
  /** to += drift · a(from) + noise · g(from); false where it is not finite. */
  add(from: NetworkBlock, to: NetworkBlock, drift: number, noise: number): boolean;
}

function flowStepper(setting: Setting): Stepper {
  const { process, memory, network } = setting;
  const increments = process.problem.law.kind === "dataset" ? atomIncrements(setting) : exampleIncrements(setting);
  const correct = process.order === 2 ? correction(setting) : null;
  const add = (from: NetworkBlock, to: NetworkBlock, drift: number, noise: number): boolean => {
    if (correct && drift !== 0 && !correct.at(from)) return false;
    if (!increments.add(from, to, drift, noise)) return false;
    correct?.addTo(to, drift);
    return true;
  };
  const { bytes } = network;
  const begin = copyNetwork(memory, network);
  const other = copyNetwork(memory, network);
  const copy = (from: NetworkBlock, to: NetworkBlock) =>
    void memory.u8(to.weights, bytes).set(memory.u8(from.weights, bytes));
  const step =
    process.method === "eulerMaruyama"
      ? (which: NetworkBlock) => add(which, which, 1, 1)
      : (which: NetworkBlock) => {
          copy(which, begin);
          copy(which, other);
          if (!add(begin, other, 1, 0) || !add(begin, which, 0.5, 0.5)) return false;
          return add(other, which, 0, 0.5) && add(begin, other, 0, 1) && add(other, which, 0.5, 0);
        };
  return {
    blockSteps: 1,
    method: increments.method,
    unchecked: true,
    run(which, first, count) {
      for (let k = 0; k < count; k++) {
        increments.draw(first + k);
        if (!step(which)) return k;
      }
      return count;
    },
  };
}

// A finite law: drift and noise stand in the data weights, so that both cost one forward and one backward.
function atomIncrements(setting: Setting): Increments {
  const { process, engine, memory } = setting;
  const { problem, timeStep, schedule } = process;
  if (problem.law.kind !== "dataset") throw new TypeError("a finite law");
  const data = evaluation(setting);
  const weights = massesOf(problem.law);
  const decay = problem.law.decay?.data ?? null;
  const noise = dataNoise(engine, memory, weights, process);
  const level = Math.sqrt(process.stepSize / process.batchSize);
  const factors = new Float64Array(weights.length);
  let drawn: Float64Array = factors;
  let scale = 1;
  return {
    method: `${data.descent.method}, with a Brownian motion each`,
    draw(k) {
      drawn = noise.factors(k);
      scale = scheduleFactor(schedule, k * timeStep);
    },
    add(from, to, drift, fluctuation) {
      const a = drift * scale * timeStep;
      const g = fluctuation * scale * level;
      let confinement = 0;
      for (let q = 0; q < factors.length; q++) {
        factors[q] = a + g * drawn[q]!;
        if (decay) confinement += weights[q]! * decay[q]! * factors[q]!;
      }
      data.descent.scale(factors, decay ? confinement : a);
      if (!data.at(from, a)) return false;
      data.addTo(to, 1);
      return true;
    },
  };
}

// A sampled law: the noise of fresh examples is centred with v̄ itself, which has a backward of its own.
function exampleIncrements(setting: Setting): Increments {
  const { process, engine, memory } = setting;
  const { problem, timeStep, schedule, seed, replica, precision, examples } = process;
  const count = examples!;
  const fresh = evaluation({ ...setting, source: { kind: "batch", batchSize: count, replacement: true } });
  const mean = evaluation({ ...setting, process: { ...process, problem: { ...problem, confinement: null } } });
  const level = Math.sqrt((process.stepSize / process.batchSize) * timeStep);
  const draws = memory.reserve("f64", count);
  const factors = new Float64Array(count);
  const { normals_f64, [`drawBatch_${precision}` as const]: drawBatch } = engine.kernels;
  let xi: Float64Array = factors;
  let sum = 0;
  let scale = 1;
  return {
    method: `${mean.descent.method}; noise of ${count} fresh examples a step`,
    draw(k) {
      normals_f64(draws, count, seed | 0, high(seed), PURPOSE_MULTIPLIER, replica | 0, k | 0, high(k), 0);
      xi = memory.f64(draws, count).slice();
      sum = xi.reduce((total, x) => total + x, 0) / Math.sqrt(count);
      drawBatch(fresh.descent.plan, k * count);
      scale = scheduleFactor(schedule, k * timeStep);
    },
    add(from, to, drift, fluctuation) {
      const a = drift * scale * timeStep;
      const g = fluctuation * scale * level;
      for (let b = 0; b < count; b++) factors[b] = g * Math.sqrt(count) * xi[b]!;
      fresh.descent.scale(factors, a);
      if (!fresh.at(from, a) || !mean.at(from, 1)) return false;
      fresh.addTo(to, 1);
      mean.addTo(to, a - g * sum);
      return true;
    },
  };
}

/** The drift of order 2. */
interface Correction {
  /** Computes it at a state; false where the loss is not finite. */
  at(state: NetworkBlock): boolean;
  /** state += factor · (its part of a step) */
  addTo(state: NetworkBlock, factor: number): void;
}

function correction(setting: Setting): Correction {
  const { process, engine, memory, network } = setting;
  const { problem, precision, stepSize, timeStep } = process;
  const mean = evaluation(setting);
  const { batch, atoms, velocity } = mean.descent;
  const { derivative } = linearisation(memory, engine, problem, network, batch!, atoms);
  const direction = viewNetwork(memory, network, velocity);
  const turned = memory.allocate(network.bytes);
  const accumulate = engine.kernels[`accumulate_${precision}`];
  return {
    at(state) {
      if (!mean.at(state, 1)) return false;
      derivative(state, direction, turned);
      return true;
    },
    addTo: (state, factor) => {
      if (factor !== 0) accumulate(state.weights, (-stepSize / 2) * timeStep * factor, turned, network.bytes);
    },
  };
}

interface Evaluation {
  descent: Descent;
  /** The velocity at a state, its drift times `drift`; false where the loss is not finite. */
  at(state: NetworkBlock, drift: number): boolean;
  /** state += factor · velocity */
  addTo(state: NetworkBlock, factor: number): void;
}

function evaluation({ process, engine, memory, network, source, masses }: Setting): Evaluation {
  const { problem, neurons, carried, precision, seed, replica } = process;
  const all = neurons + (carried?.shape[0] ?? 0);
  const descent = writeDescent(memory, engine, problem, network, {
    source,
    masses,
    neurons: all,
    seed,
    replica,
  });
  const { [`velocity_${precision}` as const]: velocity, [`accumulate_${precision}` as const]: accumulate } =
    engine.kernels;
  return {
    descent,
    at(state, drift) {
      descent.use(state);
      return descent.refresh(drift) && Number.isFinite(velocity(descent.plan));
    },
    addTo: (state, factor) => accumulate(state.weights, factor, descent.velocity, network.bytes),
  };
}
