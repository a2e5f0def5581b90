// What an app does with the package: SGD, its limit, an ensemble and a sweep on workers, a few steps of each. Every environment of
// scripts/package.mjs runs this file, and all must come to the same bits.

import {
  anisotropicGaussians,
  compare,
  ensemble,
  gaussian,
  loadEngine,
  piecewiseLinear,
  radialFlow,
  ridge,
  sgd,
  solve,
  sweep,
  tableToCsv,
  tableToParquet,
} from "meanfield";

const problem = {
  law: anisotropicGaussians({ dimension: 40, delta: 0.8 }),
  unit: ridge(
    piecewiseLinear([
      [0.5, -2.5],
      [1.5, 7.5],
    ]),
  ),
  start: gaussian({ radius: 0.8 }),
};
export const times = [0, 0.005, 0.01];
export const network = sgd(problem, { neurons: 50, stepSize: 1e-4, seed: 1 });

/** Risks at the last time; `worker` is the address of meanfield/worker, `workers` how many there are (0: this thread runs all). */
export async function use({ worker, workers = 2 } = {}) {
  const run = await solve(network, { times });
  const plain = await solve(network, { times, backend: "js" });
  const limit = await solve(radialFlow(problem, { particles: 100 }), { times });
  const together = await ensemble(network, { times, replicas: 2, workers, worker });
  const vary = { "process.neurons": [20, 50] };
  const study = await sweep({ base: { process: network, times }, vary, workers, worker });
  const last = times.length - 1;
  return {
    backend: (await loadEngine()).backend,
    sgd: run.observables.risk.values[last],
    plain: plain.observables.risk.values[last],
    flow: limit.observables.risk.values[last],
    ensemble: together.observables.risk.mean[last],
    gap: compare(run, limit).risk.sup,
    swept: study.points[0].run.observables.risk.mean[last],
    csv: await tableToCsv(study.table),
    parquet: (await tableToParquet(study.table)).reduce((sum, byte) => (sum * 31 + byte) % 1000003, 1),
  };
}
