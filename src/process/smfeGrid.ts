// The stochastic mean-field equation dμ = (α/2)∂²(Aμ)dt − ∂(v̄μ)dt − √α ∂∫Gμ W(dz, dt) of one parameter on a grid.      theory §8
//
// By conservative remap under the flow of one Itô–Euler step, with the noise of the other processes of its seed. The numerics
// are in smfe/, what they are worth in docs/smfeGrid.md.

import type { Engine } from "../engine/engine";
import { grid } from "../measure/measure";
import type { Simulation } from "./process";
import type { SmfeGridProcess } from "./schema";
import { onLine } from "./smfe/box";
import { GridFlow, gridWarning } from "./smfe/flow";
import { lineNoise } from "./smfe/noise";
import { fieldSimulation } from "./smfe/stepping";

/** Sets the law at time 0 and returns the simulation. */
export function start(process: SmfeGridProcess, engine: Engine): Simulation {
  const { stepSize, batchSize, gradientNoise, timeStep } = process;
  const alpha = gradientNoise ? stepSize / batchSize : 0;
  const { cells, model, masses, warnings } = onLine(process, alpha);
  const { noise, free } = lineNoise(process, engine, model.masses, Math.sqrt(alpha));
  return fieldSimulation(process, engine, timeStep, (snapshot) => {
    const flow = new GridFlow({ name: process.kind, cells, model, masses, timeStep, noise, snapshot });
    return {
      get step() {
        return flow.step;
      },
      advance: () => flow.advance(),
      fields: () => [flow.masses],
      marks: () => flow.marks(),
      restore([law], marks) {
        flow.restore(law!, marks as ReturnType<GridFlow["marks"]>);
      },
      measure: () => grid({ coordinates: "theta", edges: [cells.edges[0]!.slice()], masses: flow.masses.slice() }),
      warnings: () => [...warnings, ...flow.flags.map(gridWarning)],
      free,
    };
  });
}
