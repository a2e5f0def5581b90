import type { Engine } from "../engine/engine";
import type { Simulation } from "./process";
import type { CorrelatedNoiseProcess } from "./schema";

/** To be built. */
export async function start(_process: CorrelatedNoiseProcess, _engine: Engine): Promise<Simulation> {
  throw new Error("to be built");
}
