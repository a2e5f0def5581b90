// The declarations, as a strict user's compiler sees them, in modules of both kinds.

import { type Ensemble, ensemble, type Process, type Provenance, parseProcess, solve, version } from "meanfield";

export async function text(): Promise<string> {
  const process: Process = parseProcess({});
  const run = await solve(process, { times: [1] });
  const provenance: Provenance = run.provenance;
  const together: Ensemble = await ensemble(process, { times: [1], replicas: 2 });

  // @ts-expect-error times are needed
  solve(process, {});
  return `${version} ${provenance.spec} ${together.replicas}`;
}
