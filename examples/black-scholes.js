// A Black–Scholes equation of d assets by Feynman–Kac: the price of a basket is the mean of its payoff over geometric Brownian
// factors W, so N of them are a network of ReLU neurons a (⟨w, x⟩ + b)₊ with w = W/d, b = −strike. The library's streams draw
// the factors, its kernels evaluate the network, and the error is that of N draws, whatever d.

import { affine, gaussian, loadEngine, noExamples, particleMeasure, predictionsOf, relu, stream } from "meanfield";

const [strike, volatility, neurons, replicas] = [100, 0.3, 4000, 16];
const engine = await loadEngine();

for (const d of [1, 10, 100]) {
  const problem = { law: noExamples(d), unit: affine(relu()), start: gaussian({ radius: 1 }) };
  const spot = [Array(d).fill(100)];
  const prices = [];
  for (let replica = 0; replica < replicas; replica++) {
    // one Brownian motion is common to all assets, and each has its own: correlation ½
    const g = engine.normals(stream(1, { replica }), neurons * (d + 1));
    const theta = [];
    for (let k = 0; k < neurons; k++) {
      const [common, ...own] = g.subarray(k * (d + 1), (k + 1) * (d + 1));
      const factors = own.map((xi) => Math.exp(volatility * Math.sqrt(0.5) * (common + xi) - volatility ** 2 / 2));
      theta.push(1, -strike, ...factors.map((factor) => factor / d));
    }
    const network = particleMeasure({
      coordinates: "theta",
      shape: [neurons, d + 2],
      values: Float64Array.from(theta),
    });
    prices.push(predictionsOf(network, problem, engine, spot).values[0]);
  }
  const mean = prices.reduce((a, b) => a + b) / replicas;
  const error = Math.sqrt(prices.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (replicas * (replicas - 1)));
  console.log(`d = ${d}: ${mean.toFixed(2)} ± ${error.toFixed(2)}`);
}
// Black's formula gives 11.92 at d = 1
// → d = 1: 11.87 ± 0.10
// → d = 10: 8.84 ± 0.06
// → d = 100: 8.48 ± 0.05
