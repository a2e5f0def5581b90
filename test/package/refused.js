// Under a content-security policy without 'wasm-unsafe-eval': who asks for no build gets an error, who asks for the plain one runs,
// on a worker too.

import { ensemble, gram, loadEngine, rbf, solve } from "meanfield";
import { network, times } from "./use.js";

const refusal = (promise) => promise.then(() => "nothing was refused", String);
const options = { times, backend: "js" };
globalThis.results = (async () => ({
  solve: await refusal(solve(network, { times })),
  engine: await refusal(loadEngine({ backend: "relaxed" })),
  ensemble: await refusal(ensemble(network, { times, replicas: 1, worker: "/worker.js" })),
  gram: await refusal(gram(rbf(1), [[0], [1]])),
  plain: {
    sgd: (await solve(network, options)).observables.risk.values.at(-1),
    replica: (await ensemble(network, { ...options, replicas: 1, worker: "/worker.js" })).observables.risk.mean.at(-1),
  },
}))();
