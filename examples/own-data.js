// The user's own examples and the user's own activation, in several passes; what the network predicts in the end.

import { affine, dataset, gaussian, predictions, risk, sgd, solve, tabulate } from "meanfield";

// y = |x| at 41 points, inputs of dimension 1
const x = Array.from({ length: 41 }, (_, i) => [(i - 20) / 10]);
const y = x.map(([t]) => Math.abs(t));

const problem = {
  law: dataset({ x, y }),
  unit: affine(tabulate((t) => t / (1 + Math.abs(t)), { from: -8, to: 8, points: 801 })),
  start: gaussian({ radius: 2, a: { mean: 0, deviation: 2 }, b: { mean: 0, deviation: 1 } }),
};
const spec = sgd(problem, { neurons: 200, stepSize: 0.02, batchSize: 4, replacement: false, seed: 3 });

const stop = new AbortController();
const run = await solve(spec, {
  times: [0, 10, 100, 1000],
  observe: { risk: risk(), f: predictions([[-1], [0], [1]]) },
  signal: stop.signal,
  onProgress: ({ time }) => time > 5000 && stop.abort(),
});
console.log(run.status, Array.from(run.observables.risk.values, (value) => value.toFixed(4)).join(" "));
console.log(Array.from(run.observables.f.values.slice(-3), (value) => value.toFixed(2)).join(" "));
// → done 1.3509 0.2826 0.0157 0.0002
// → 1.00 0.08 1.00
