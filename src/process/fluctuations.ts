// The fluctuation η = lim √n (μ^n − μ⁰) of SGD about its mean-field limit: the central limit theorem.          docs/fluctuations.md
//
//   dη = −∇·(v̄ η + ⟨δv̄/δμ, η⟩ μ⁰) dt − √(nα) ∇·∫ G μ⁰ W(dz, dt),   Var⟨η_0, φ⟩ = Var_{μ⁰_0} φ,   α = ε/B
//
// by tangent particles, or for one parameter on a grid. With dt = ε a step is SGD's own, linearised about gradient descent on μ⁰.

import type { Engine } from "../engine/engine";
import { fluctuation } from "../measure/fluctuation";
import { lawDimension } from "../model/law";
import { outputsOf, parameterDimension } from "../model/unit";
import { dataNoise, massesOf } from "./dataNoise";
import { finiteProblem, startOfMeanField } from "./meanField";
import type { Simulation } from "./process";
import type { FluctuationsProcess } from "./schema";
import { fieldSimulation } from "./smfe/stepping";
import { networkMeasure } from "./steps";
import { fluctuationStart, writeTangentParticles } from "./tangentParticles";

/** Sets μ⁰ and η at time 0 and returns the simulation. */
export async function start(process: FluctuationsProcess, engine: Engine): Promise<Simulation> {
  if (process.method === "particles") return particleSimulation(process, engine);
  const { fluctuationGrid } = await import("./smfe/fluctuationGrid");
  return fluctuationGrid(process, engine);
}

function particleSimulation(process: FluctuationsProcess, engine: Engine): Simulation {
  const { neurons, stepSize, batchSize, timeStep } = process;
  const { problem, method } = finiteProblem(process.problem, process.points);
  const base = startOfMeanField(problem, process);
  const { theta, masses, weights } = fluctuationStart(problem, base, process);
  const memory = engine.memory();
  try {
    const simulation = fieldSimulation(process, engine, timeStep, (snapshot) => {
      const particles = writeTangentParticles(
        memory,
        engine,
        problem,
        { theta, masses, weights },
        {
          timeStep,
          level: Math.sqrt((neurons * stepSize) / batchSize),
          noise: process.gradientNoise ? dataNoise(engine, memory, massesOf(problem.law), process) : null,
          snapshot,
        },
      );
      const { field, displacement } = particles;
      const { network } = field;
      const numbers = memory.reserve("f64", network.length);
      const read = (block: number) => {
        engine.kernels.exportTheta_f64(block, numbers);
        return memory.f64(numbers, network.length).slice();
      };
      const write = (block: number, values: Float64Array) => {
        memory.f64(numbers, network.length).set(values);
        engine.kernels.importTheta_f64(block, numbers);
      };
      const M = masses.length;
      const D = parameterDimension(problem.unit, lawDimension(problem.law));
      let step = 0;
      return {
        get step() {
          return step;
        },
        *advance() {
          yield* particles.advance(step);
          step++;
        },
        fields: () => [read(network.block), read(displacement.block)],
        marks: () => ({ step }),
        restore([points, moves], marks) {
          write(network.block, points!);
          write(displacement.block, moves!);
          step = Number((marks as { step: number }).step);
        },
        measure() {
          const moves = read(displacement.block);
          const displacements = moves.slice(0, M * D);
          // of points without mass they mean nothing
          for (let i = 0; i < M; i++) if (masses[i] === 0) displacements.fill(0, i * D, (i + 1) * D);
          const law = networkMeasure(problem, M, read(network.block), masses.slice());
          const outputBias = law.outputBias && moves.slice(M * D, M * D + outputsOf(problem.unit));
          return fluctuation({ base: law, weights: weights.slice(), displacements, outputBias });
        },
        warnings: () => [],
        free: () => memory.free(),
      };
    });
    return Object.assign(simulation, { method: `${base.method}; ${method}` });
  } catch (error) {
    memory.free();
    throw error;
  }
}
