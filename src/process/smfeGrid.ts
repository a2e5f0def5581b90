import type { Engine } from "../engine/engine";
import type { Simulation } from "./process";
import type { SmfeGridProcess } from "./schema";

/** To be built. */
export async function start(_process: SmfeGridProcess, _engine: Engine): Promise<Simulation> {
  throw new Error("to be built");
}
