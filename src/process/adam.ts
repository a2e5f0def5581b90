// Adam on a two-layer network: steps along the mean of the velocity, over the root of the mean of its square.         theory §12
//
//   m ← β1 m + (1 − β1) g_k,   s ← β2 s + (1 − β2) g_k²,   θ ← θ + ε m̂ / (√ŝ + ε̂)        g_k the velocity r ∇σ* − ∇U of step k

import type { Engine } from "../engine/engine";
import type { AdamProcess } from "./adamSchema";
import { gradientSource } from "./descent";
import type { Simulation } from "./process";
import { adamUpdate, updated } from "./update";

/** Allocates a network, its moments and its start, and returns the simulation at step 0. */
export async function start(process: AdamProcess, engine: Engine): Promise<Simulation> {
  return updated(process, engine, await gradientSource(process), adamUpdate(engine, process.precision, process));
}
