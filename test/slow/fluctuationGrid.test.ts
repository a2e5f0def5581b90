// The fluctuation on a grid against SGD itself: n Var of observables over 1,000 runs of N = 400 neurons and over 4,000 replicas of
// the linear equation. A third of a minute.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import type { Fluctuation } from "../../src/measure/measure";
import { tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { gaussian } from "../../src/model/start";
import { ridge } from "../../src/model/unit";
import { fluctuations, sgd } from "../../src/process/schema";
import { fluctuationGrid } from "../../src/process/smfe/fluctuationGrid";
import { ensemble } from "../../src/study/ensemble";
import { moments, predictions } from "../../src/study/observables";

const NEURONS = 400;
const RUNS = 1000;
const REPLICAS = 4000;
const INPUTS = [0.7, -1.5, 2];
const steps = { neurons: NEURONS, stepSize: 0.02, batchSize: 1 };

describe.each([
  ["squared", [0.6, -0.2, 0.9]],
  ["logistic", [1, -1, 1]],
] as const)("SGD with the %s loss fluctuates as the grid's linear equation says", (loss, y) => {
  const problem = {
    law: dataset({ x: [[1], [-0.5], [2]], y: [...y], weights: [1, 2, 1], decay: [0.4, 1, 1.6] }),
    unit: ridge(tanh()),
    loss,
    start: gaussian({ w: { mean: 0.3, deviation: 0.6 } }),
    confinement: quadratic(0.3),
  };

  it("in the variances of f(x) and of the moments of w", async () => {
    const { observables } = await ensemble(sgd(problem, { ...steps, seed: 31 }), {
      replicas: RUNS,
      times: [1],
      observe: { f: predictions(INPUTS.map((x) => [x])), w: moments("w0", 2) },
    });
    const runs = observables["f"]!.replicas.map((f, r) => [...f, ...observables["w"]!.replicas[r]!]);
    const engine = await loadEngine();
    const phi = [...INPUTS.map((x) => (w: number) => Math.tanh(x * w)), (w: number) => w, (w: number) => w * w];
    const linear: number[][] = [];
    for (let replica = 0; replica < REPLICAS; replica++) {
      const process = fluctuations(problem, { ...steps, method: "grid", cells: 192, box: [-4, 5], seed: 32, replica });
      const simulation = fluctuationGrid(process, engine);
      await simulation.advance(1);
      const { base, weights } = simulation.measure() as Fluctuation;
      linear.push(phi.map((value) => weights.reduce((sum, omega, i) => sum + omega * value(base.values[i]!), 0)));
      simulation.free();
    }
    phi.forEach((_, j) => {
      const ratio = (NEURONS * variance(runs.map((row) => row[j]!))) / variance(linear.map((row) => row[j]!));
      // 4 standard errors of the two variances, 6e-5; what N = 400 leaves beyond the limit is of order 1/N
      expect(Math.abs(ratio - 1)).toBeLessThan(4 * Math.sqrt(2 / RUNS + 2 / REPLICAS));
    });
  });
});

function variance(values: number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
}
