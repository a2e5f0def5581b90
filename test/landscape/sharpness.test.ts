// The sharpness of networks along runs: against formulas, and what it says of the stability of gradient descent.

import { describe, expect, it } from "vitest";
import { parseRunSpec, runSpecToJson } from "../../src/io/spec";
import { lanczos, landscapeOf, matrixOperator, sharpnessOf } from "../../src/landscape/onDemand";
import type { Measure, Particles } from "../../src/measure/measure";
import { identity, relu, tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { localPotential, quadratic } from "../../src/model/potential";
import { gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import { fokkerPlanck, gradientDescent, gradientFlow, radialFlow } from "../../src/process/schema";
import { ensemble } from "../../src/study/ensemble";
import { sharpness } from "../../src/study/observables";
import { solve } from "../../src/study/solve";
import { writtenHessian } from "./cases";

// x and labels of the linear network: E = ½ mean (y − x w̄)², λ_max = mean x² = 3.5
const law = dataset({ x: [[1], [2], [-3], [0]], y: [1, -1, 0, 2] });
const linear = { law, unit: ridge(identity()), start: gaussian({ radius: 1 }) };

describe("sharpness", () => {
  it("of a linear network is mean x², wherever it stands, and 2 over it is where gradient descent turns unstable", async () => {
    for (const [stepSize, stable] of [
      [1.99 / 3.5, true],
      [2.01 / 3.5, false],
    ] as const) {
      const process = gradientDescent(linear, { neurons: 6, stepSize, seed: 1 });
      const times = [0, 100 * stepSize, 400 * stepSize];
      const observe = {
        sharp: sharpness(),
        // w̄ settles at Σ m x y / Σ m x² = −1/14
        off: (measure: Measure) => Math.abs((measure as Particles).values.reduce((sum, w) => sum + w / 6, 1 / 14)),
      };
      const run = await solve(process, { times, observe });
      for (const value of run.observables["sharp"]!.values) expect(Math.abs(value - 3.5)).toBeLessThan(1e-12);
      expect(run.observables["sharp"]!.method).toBe("lanczos");
      const [, early, late] = run.observables["off"]!.values;
      // deviations from the minimum are multiplied by 1 − ε λ a step: 0.99^300 and 1.01^300 ≈ 20
      expect(late! < early!).toBe(stable);
    }
  });

  it("along a run is the largest eigenvalue of the Hessian written out", async () => {
    const problem = {
      law,
      unit: affine(tanh()),
      start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
    };
    const process = gradientDescent(problem, { neurons: 5, stepSize: 0.1, seed: 2 });
    const run = await solve(process, {
      times: [0, 1, 10],
      observe: { sharp: sharpness({ tolerance: 1e-10 }) },
      keep: "measures",
    });
    for (const [t, measure] of run.measures!.entries()) {
      const dense = writtenHessian({ problem: process.problem, network: measure as never }, (h) => {
        const s = Math.tanh(h);
        return [s, 1 - s * s, -2 * s * (1 - s * s)];
      });
      const { values } = await lanczos(await matrixOperator(dense), { count: 15 });
      // the residual's bound, of the largest |λ|
      expect(Math.abs(run.observables["sharp"]!.values[t]! - values[0]!)).toBeLessThan(1e-10 * 10);
      expect((await sharpnessOf(problem, measure)).value).toBeCloseTo(values[0]!, 4);
    }
  });

  it("is plain JSON, and the same from a worker", { timeout: 60_000 }, async () => {
    const process = gradientDescent({ ...linear, unit: affine(relu()) }, { neurons: 5, stepSize: 0.1, seed: 2 });
    const observe = { sharp: sharpness({ tolerance: 1e-4 }) };
    const spec = parseRunSpec({ version: 1, process, times: [0, 1], observe });
    expect(parseRunSpec(JSON.parse(runSpecToJson(spec))).observe).toEqual(observe);
    const options = { replicas: 2, times: [0, 1], observe };
    const here = await ensemble(process, { ...options, workers: 0 });
    const there = await ensemble(process, { ...options, workers: 1 });
    expect(there.observables["sharp"]).toEqual(here.observables["sharp"]);
  });

  it("of what has no network, or no Hessian, is refused before the run", async () => {
    const path = "observe.sharp.kind";
    const fails = (process: Parameters<typeof solve>[0]) =>
      expect(solve(process, { times: [1], observe: { sharp: sharpness() } })).rejects.toThrow(
        expect.objectContaining({ name: "SpecError", path }),
      );
    const gaussians = { ...linear, law: anisotropicGaussians({ dimension: 2, signal: 2, delta: 0.5 }) };
    await fails(gradientFlow(gaussians, { neurons: 3 }));
    await fails(radialFlow(gaussians));
    await fails(fokkerPlanck({ ...linear, confinement: quadratic(1) }, { temperature: 0.1, cells: 8, box: [-4, 4] }));
    const confinement = localPotential(
      () => 0,
      () => [0],
    );
    await fails(gradientDescent({ ...linear, confinement }, { neurons: 3, stepSize: 0.1 }));
    expect(() => sharpness({ tolerance: 0 })).toThrow("tolerance");
    expect(() => sharpness({ tolerance: Number.NaN })).toThrow("tolerance");
    const about = await landscapeOf(
      linear,
      (await solve(gradientFlow(linear, { neurons: 3 }), { times: [0], keep: "measures" })).measures![0]!,
    );
    expect(about.size).toBe(3);
    about.free();
  });
});
