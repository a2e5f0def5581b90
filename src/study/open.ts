// Opens a process: checks its specification, loads the build of the kernels, allocates, and sets the state at time 0.

import { loadEngine } from "../engine/engine";
import type { Backend } from "../engine/kernels";
import type { ProcessModule, Simulation } from "../process/process";
import { registry } from "../process/registry";
import { type Process, parseProcess } from "../process/schema";

/**
 * Opens a running process, for pages and embedders that advance it themselves; `solve` is built on it.
 *
 * @param process  a process specification (`sgd(…)`, `radialFlow(…)`, or the same as parsed JSON)
 * @param options.backend  build of the kernels; the best one that runs here if left out
 * @returns a simulation at time 0, to be freed by the caller
 * @throws {SpecError} with the path of the wrong field, before anything is allocated
 */
export async function open(process: Process, options: { backend?: Backend | undefined } = {}): Promise<Simulation> {
  const spec = parseProcess(process);
  const [engine, module] = await Promise.all([loadEngine(options), registry[spec.kind]()]);
  return await (module as ProcessModule).start(spec, engine);
}
