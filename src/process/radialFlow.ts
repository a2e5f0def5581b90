// The radial mean-field flow ∂_t ρ̄ = ∇·(ρ̄ ∇Ψ̄) as a process: characteristics or finite volumes.         theory §5, §13

import type { Engine } from "../engine/engine";
import { flowing } from "./flow";
import type { Simulation } from "./process";
import { characteristicsOf, gridOf, operatorOf, TOLERANCE } from "./radial/solvers";
import type { RadialFlowProcess } from "./schema";

/** Sets the law at time 0 and returns the simulation. */
export function start(process: RadialFlowProcess, engine: Engine): Simulation {
  const { tolerance } = process;
  const operator = operatorOf(process);
  const { solver, measure, warnings } =
    process.method === "grid" ? gridOf(process, operator, engine) : characteristicsOf(process, operator);
  const cut =
    operator.remainder > (tolerance ?? TOLERANCE)
      ? [
          `The Hermite series of degree ${operator.degree} can leave ${operator.remainder.toExponential(1)} of the risk out; ` +
            "a higher degree leaves less.",
        ]
      : [];
  return flowing(process, engine, solver, { measure, warnings: () => [...cut, ...warnings()] });
}
