// How far SGD's fluctuation is from its linearisation, measured on antithetic pairs.                                docs/fluctuations.md
//
//   f±: the nonlinear flow of μ⁰_0 ± η_0/√n under the noise ±W;   f⁰ ± h/√n: what the linearisation says of the same
//
//   ν² = mean |f± − f⁰ ∓ h/√n|² / mean |h|²/n,     over pairs, signs and inputs
//
// Its even part is the bias that the linearisation has not, its odd part the error in the spread.

import type { Engine } from "../engine/engine";
import { DivergenceError } from "../engine/errors";
import { type NetworkBlock, writeNetwork } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { StartRule } from "../model/startQuadrature";
import { dataNoise, massesOf } from "./dataNoise";
import { writeDescent } from "./descent";
import type { FiniteProblem } from "./meanField";
import type { FluctuationsProcess } from "./schema";
import { fluctuationStart, writeTangentParticles } from "./tangentParticles";

/** ν at the end of each step, from 0 on, over the data and over further inputs; infinite from where a run is lost. */
export interface LinearisationErrors {
  data: Float64Array;
  inputs: Float64Array;
}

/**
 * ν after 0, 1, … steps.
 *
 * @param problem  a finite law, with inputs that matter to the user behind its atoms, as atoms of no mass
 * @param base     particles of μ⁰
 * @param process  n, ε, B, dt, which noise, and the seed and first replica of the pairs
 * @param options  inputs: how many of the atoms are further inputs; steps; pairs; rest: called now and then, may wait or throw
 */
export async function linearisationErrors(
  engine: Engine,
  problem: FiniteProblem,
  base: StartRule,
  process: FluctuationsProcess,
  options: { inputs: number; steps: number; pairs: number; rest(fraction: number): Promise<void> },
): Promise<LinearisationErrors> {
  const { inputs, steps, pairs, rest } = options;
  const errors = { data: new Float64Array(steps + 1), inputs: new Float64Array(steps + 1) };
  const sizes = { data: new Float64Array(steps + 1), inputs: new Float64Array(steps + 1) };
  for (let pair = 0; pair < pairs; pair++) {
    const run = antitheticPair(engine, problem, base, { ...process, replica: process.replica + pair });
    try {
      for (let k = 0; k <= steps; k++) {
        const found = run.step(k);
        if (!found) {
          for (const name of ["data", "inputs"] as const) errors[name].fill(Infinity, k);
          break;
        }
        const { error, size, masses, outputs } = found;
        const atoms = masses.length - inputs;
        for (let i = 0; i < error.length; i++) {
          const q = Math.floor(i / outputs);
          const name = q < atoms ? "data" : "inputs";
          const weight = q < atoms ? masses[q]! : 1;
          errors[name][k]! += weight * error[i]!;
          sizes[name][k]! += weight * size[i]!;
        }
        await rest((pair + k / (steps + 1)) / pairs);
      }
    } finally {
      run.free();
    }
  }
  const ratio = (error: Float64Array, size: Float64Array) =>
    // where neither moves the linearisation is exact
    error.map((e, k) => (e === 0 ? 0 : size[k]! > 0 ? Math.sqrt(e / (2 * size[k]!)) : Infinity));
  return { data: ratio(errors.data, sizes.data), inputs: ratio(errors.inputs, sizes.inputs) };
}

interface Pair {
  /** Squares at time k dt, rows of K, then a step on; null where a state is no longer finite. */
  step(k: number): { error: Float64Array; size: Float64Array; masses: Float64Array; outputs: number } | null;
  free(): void;
}

function antitheticPair(engine: Engine, problem: FiniteProblem, base: StartRule, process: FluctuationsProcess): Pair {
  const { neurons, stepSize, batchSize, timeStep, gradientNoise } = process;
  const memory = engine.memory();
  try {
    const masses = massesOf(problem.law);
    const start = fluctuationStart(problem, base, process);
    const root = Math.sqrt(neurons);
    const level = Math.sqrt(stepSize / batchSize);
    const noise = gradientNoise ? dataNoise(engine, memory, masses, process) : null;
    const tangent = writeTangentParticles(memory, engine, problem, start, { timeStep, level: root * level, noise });
    const { network, outputs, predictions } = tangent.field;
    const rows = masses.length * outputs;

    const d = lawDimension(problem.law);
    const points = start.masses.length;
    const sides = [1, -1].map((sign) => {
      const moved = start.masses.map((w, i) => w + (sign * start.weights[i]!) / root);
      const own = writeNetwork(memory, problem.unit, d, points, "f64", moved);
      memory.u8(own.weights, own.bytes).set(memory.u8(network.weights, network.bytes));
      return { sign, state: own };
    });
    const options = { neurons: points, source: { kind: "full" } as const, seed: 0, replica: 0 };
    const descent = writeDescent(memory, engine, problem, network, options);
    const decays = problem.law.decay?.data ?? null;
    const { velocity_f64, accumulate_f64 } = engine.kernels;
    const factors = new Float64Array(masses.length);

    const advance = ({ sign, state }: { sign: number; state: NetworkBlock }, kicks: Float64Array | null): boolean => {
      let confinement = 0;
      for (let q = 0; q < factors.length; q++) {
        factors[q] = timeStep + (kicks ? sign * level * kicks[q]! : 0);
        confinement += masses[q]! * (decays ? decays[q]! : 1) * factors[q]!;
      }
      descent.scale(factors, confinement);
      descent.use(state);
      if (!Number.isFinite(velocity_f64(descent.plan))) return false;
      accumulate_f64(state.weights, 1, descent.velocity, network.bytes);
      return true;
    };

    return {
      step(k) {
        try {
          for (const _ of tangent.advance(k));
        } catch (error) {
          if (error instanceof DivergenceError) return null;
          throw error;
        }
        const centre = memory.f64(predictions, rows).slice();
        const kicks = noise?.factors(k) ?? null;
        const error = new Float64Array(rows);
        const size = new Float64Array(rows);
        for (const side of sides) {
          if (!advance(side, kicks)) return null;
          const f = memory.f64(descent.batch!.predictions, rows);
          for (let i = 0; i < rows; i++) {
            const linear = tangent.responses[i]! / root;
            const gap = f[i]! - centre[i]! - side.sign * linear;
            error[i]! += gap * gap;
            size[i] = linear * linear;
          }
        }
        return { error, size, masses, outputs };
      },
      free: () => memory.free(),
    };
  } catch (error) {
    memory.free();
    throw error;
  }
}
