import type { Engine } from "../engine/engine";
import type { Simulation } from "./process";
import type { FluctuationsProcess } from "./schema";

/** To be built. */
export async function start(_process: FluctuationsProcess, _engine: Engine): Promise<Simulation> {
  throw new Error("to be built");
}
