// Particle dynamics (PD): the gradient flow θ_i' = −∇Ψ(θ_i; ρ_N) − ∇U(θ_i) of a network of N neurons.             theory §2, §6

import type { Engine } from "../engine/engine";
import { startParticles } from "../model/particles";
import { flowing } from "./flow";
import { particleSolver } from "./particleSolver";
import type { Simulation } from "./process";
import type { GradientFlowProcess } from "./schema";
import { networkMeasure } from "./steps";

/** Draws the start and returns the simulation at time 0. */
export async function start(process: GradientFlowProcess, engine: Engine): Promise<Simulation> {
  const { problem, neurons, seed, replica } = process;
  const theta = startParticles(problem, neurons, { seed, replica });
  const { solver, method } = await particleSolver(process, engine, theta, null);
  return flowing(process, engine, solver, {
    method,
    measure: (values) => networkMeasure(problem, neurons, values),
    warnings: () => (solver.crawling === null ? [] : [crawling(solver.crawling)]),
  });
}

function crawling(since: number): string {
  return (
    `The steps are very short since t = ${since.toPrecision(3)}: units of a kinked activation slide along a kink at an example, or the ` +
    'problem is stiff. A larger tolerance, or the method "rungeKutta" with a timeStep, goes on.'
  );
}
