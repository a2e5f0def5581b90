// The fluctuation η = lim √n (μ^n − μ⁰) of one parameter on a grid, as a simulation.                              docs/smfeGrid.md

import { PURPOSE_FLUCTUATION } from "../../../assembly/layout";
import type { Engine } from "../../engine/engine";
import { fluctuation } from "../../measure/fluctuation";
import { particles } from "../../measure/measure";
import { stream } from "../../random/stream";
import type { Simulation } from "../process";
import type { FluctuationsProcess } from "../schema";
import { onLine } from "./box";
import { type GridFlow, gridWarning } from "./flow";
import { GridFluctuation, gaussianFluctuation } from "./fluctuation";
import { lineNoise } from "./noise";
import { fieldSimulation } from "./stepping";

/**
 * Sets μ⁰ and η at time 0 and returns the simulation. Its measures are η = Σ_i ω_i δ_{c_i} on the middles c_i of the cells, without
 * displacements.
 *
 * @param process  of method "grid"
 * @throws {SpecError} where the box leaves the start out, or where none can be chosen
 */
export function fluctuationGrid(process: FluctuationsProcess, engine: Engine): Simulation {
  const { stepSize, batchSize, neurons, timeStep, initialNoise, seed, replica } = process;
  const { cells, model, masses, warnings } = onLine(process, 0);
  const n = cells.size;
  const initial =
    initialNoise === "none"
      ? new Float64Array(n)
      : gaussianFluctuation(masses, stream(seed, { purpose: PURPOSE_FLUCTUATION, replica }).normals(n));
  // √(nα)
  const level = Math.sqrt((neurons * stepSize) / batchSize);
  const { noise, free } = lineNoise(process, engine, model.masses, level);
  return fieldSimulation(process, engine, timeStep, (snapshot) => {
    const flow = new GridFluctuation({ name: process.kind, cells, model, masses, timeStep, noise, snapshot }, initial);
    return {
      get step() {
        return flow.step;
      },
      advance: () => flow.advance(),
      fields: () => [flow.base.masses, flow.eta],
      marks: () => flow.base.marks(),
      restore([law, eta], marks) {
        flow.base.restore(law!, marks as ReturnType<GridFlow["marks"]>);
        flow.eta.set(eta!);
      },
      measure: () =>
        fluctuation({
          base: particles({
            coordinates: "theta",
            shape: [n, 1],
            values: cells.middles[0]!.slice(),
            weights: flow.base.masses.slice(),
          }),
          weights: flow.eta.slice(),
          displacements: new Float64Array(n),
        }),
      warnings: () => [...warnings, ...flow.base.flags.map(gridWarning)],
      free,
    };
  });
}
