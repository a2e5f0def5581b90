// The declarations, as a strict user's compiler sees them.

import { type Ensemble, ensemble, type Process, type Provenance, parseProcess, solve, version } from "meanfield";

const process: Process = parseProcess({});
const run = await solve(process, { times: [1] });
const provenance: Provenance = run.provenance;
const together: Ensemble = await ensemble(process, { times: [1], replicas: 2 });
export const text: string = `${version} ${provenance.spec} ${together.replicas}`;

// @ts-expect-error times are needed
solve(process, {});
