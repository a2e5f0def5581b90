// The sharpness λ_max of a network: the largest eigenvalue of the Hessian in the library's time.                            theory §11

import type { Engine } from "../engine/engine";
import type { Work } from "../measure/cells";
import type { Measure } from "../measure/measure";
import type { ProblemInput } from "../model/problem";
import { lanczos } from "./lanczos";
import { landscape } from "./landscape";

/** λ_max, and how well it is known. */
export interface Sharpness {
  value: number;
  /** |Hv − λv|, within which an eigenvalue lies */
  residual: number;
  converged: boolean;
  /** products with H */
  products: number;
}

/** See `sharpnessOf` in src/landscape/onDemand.ts. */
export function* sharpness(
  problem: ProblemInput,
  measure: Measure,
  engine: Engine,
  { tolerance = 1e-6 }: { tolerance?: number | undefined } = {},
): Work<Sharpness> {
  const about = landscape(problem, measure, engine);
  try {
    const { values, residuals, converged, products } = yield* lanczos(about.hessian, { tolerance });
    return { value: values[0]!, residual: residuals[0]!, converged: converged[0]!, products };
  } finally {
    about.free();
  }
}
