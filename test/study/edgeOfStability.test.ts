// The edge of stability and the central flow (Cohen et al., ICLR 2021 and ICLR 2025), on networks so small that all of it takes seconds.
//
// The problem of the edge is one for all: y = sin 2x at 16 points, 32 tanh neurons, normal start. Its gradient flow sharpens by a
// factor of 2.4 to 4.8. Over seeds 1 … 20 and the ratios 1.2, 1.5 and 2 the mean of ε λ_max was between 1.992 and 2.027; here is seed 1.

import { describe, expect, it } from "vitest";
import { sin } from "../../src/engine/math";
import { relu, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { gaussian } from "../../src/model/start";
import { affine } from "../../src/model/unit";
import { gradientFlow } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { complementary } from "../../src/study/edge/complementarity";
import { edgeOfStability } from "../../src/study/edge/edgeOfStability";
import { risk } from "../../src/study/observables";
import { solve } from "../../src/study/solve";

const normal = { mean: 0, deviation: 1 };
const start = gaussian({ w: normal, a: normal, b: normal });
const grid = Array.from({ length: 16 }, (_, q) => [-2 + (4 * q) / 15]);
const problem = {
  law: dataset({ x: grid, y: grid.map(([x]) => sin(2 * x!)) }),
  unit: affine(tanh()),
  start,
};

describe("gradient descent beyond the flow's stable step", () => {
  it("hovers at ε λ_max = 2 while the loss goes on falling, and a smaller step never comes there", async () => {
    const ratios = [0.7, 1.2, 1.5, 2];
    const { flow, stableStep, runs } = await edgeOfStability(problem, {
      neurons: 32,
      ratios,
      seed: 1,
      every: 3,
      substeps: 0,
    });
    const end = flow.sharpness.length - 1;
    expect(flow.sharpness[end]).toBeGreaterThan(2.5 * flow.sharpness[0]!);
    expect(stableStep).toBe(2 / flow.sharpness[end]!);
    const [small, ...large] = runs;
    expect(runs.map(({ stepSize }) => stepSize / stableStep)).toEqual(ratios.map((ratio) => expect.closeTo(ratio, 12)));
    // the 5 %
    for (const { status, window, loss, verdict } of large) {
      expect(Math.abs(window!.mean / 2 - 1), verdict).toBeLessThan(0.05);
      expect(window!.most).toBeGreaterThan(2);
      expect(status).toBe("edge");
      expect(loss[loss.length - 1]! / loss[0]!).toBeLessThanOrEqual(1e-4);
    }
    // the flow's end is its sharpest point, so 2 × 0.7; GD's own minimum is a few per cent off the flow's
    expect(small!.status).toBe("stable");
    expect(small!.window!.most).toBeLessThan(1.5);
    expect(small!.loss[small!.loss.length - 1]! / small!.loss[0]!).toBeLessThanOrEqual(1e-4);
  });

  it("is what the central flow says on average: loss and squared gradient within 10 %, λ_max not above 2/ε", async () => {
    const { runs } = await edgeOfStability(problem, { neurons: 32, ratios: [1.5], seed: 1, until: 1e-2 });
    const [{ central, averages, stepSize, loss }] = runs as [(typeof runs)[0]];
    expect(averages!.to - averages!.from).toBeGreaterThan(150);
    expect(averages!.central.loss / averages!.descent.loss).toBeCloseTo(1, 1);
    expect(Math.abs(averages!.central.loss / averages!.descent.loss - 1)).toBeLessThan(0.1);
    expect(Math.abs(averages!.central.gradient / averages!.descent.gradient - 1)).toBeLessThan(0.1);
    // first order in the step, corrected by the next one
    expect(Math.max(...central!.sharpness) * stepSize).toBeLessThan(2.01);
    expect(Math.max(...central!.unstable)).toBe(1);
    // most of the loss is the oscillation's: without it the prediction would be several times too small
    const last = Math.min(central!.loss.length, loss.length) - 1;
    expect(central!.averageLoss[last]!).toBeGreaterThan(4 * central!.loss[last]!);
    expect(central!.refused).toBeNull();
  });

  it("has a central flow with two directions where two eigenvalues come to the edge", async () => {
    // one problem for each of two outputs, so that eigenvalues come in pairs
    const x = Array.from({ length: 25 }, (_, q) => [-1 + (q % 5) / 2, -1 + Math.floor(q / 5) / 2]);
    const twice = {
      law: dataset({ x, y: x.map(([u, v]) => [sin(3 * u!), sin(3 * v!)]) }),
      unit: affine(tanh(), { outputs: 2 }),
      start,
    };
    const { runs } = await edgeOfStability(twice, { neurons: 40, ratios: [1.6], seed: 1, until: 3e-4 });
    const [{ central, averages, stepSize }] = runs as [(typeof runs)[0]];
    expect(Math.max(...central!.unstable)).toBe(2);
    expect(Math.max(...central!.sharpness) * stepSize).toBeLessThan(2.01);
    // measured 0.93 and 1.04 at this seed: bursts of two coupled oscillations, a few dozen of them
    expect(Math.abs(averages!.central.loss / averages!.descent.loss - 1)).toBeLessThan(0.15);
    expect(Math.abs(averages!.central.gradient / averages!.descent.gradient - 1)).toBeLessThan(0.15);
  });

  it("diverges as a result, not as an error", async () => {
    const { runs } = await edgeOfStability(problem, { neurons: 8, stepSizes: [200], steps: 300, substeps: 0 });
    expect(runs[0]!.status).toBe("diverged");
    expect(runs[0]!.verdict).toContain("beyond all bounds");
  });
});

describe("the central flow below the edge", () => {
  it("is the gradient flow, to the order of the midpoint rule", async () => {
    const stepSize = 0.25;
    const errors: number[] = [];
    for (const substeps of [2, 4]) {
      const { runs } = await edgeOfStability(problem, {
        neurons: 8,
        stepSizes: [stepSize],
        steps: 12,
        substeps,
        seed: 2,
      });
      const { central } = runs[0]!;
      expect(Math.max(...central!.variance)).toBe(0);
      const times = Array.from(central!.times);
      const exact = await solve(gradientFlow(problem, { neurons: 8, seed: 2 }), { times, observe: { risk: risk() } });
      const gaps = times.map((_, k) => Math.abs(central!.loss[k]! - exact.observables["risk"]!.values[k]! / 2));
      errors.push(Math.max(...gaps));
    }
    // order 2 is a factor of 4; that of the next order leaves it between 3 and 5
    expect(errors[0]!).toBeLessThan(1e-2);
    expect(errors[0]! / errors[1]!).toBeGreaterThan(3);
    expect(errors[0]! / errors[1]!).toBeLessThan(5);
  });
});

describe("the complementarity problem", () => {
  it.each([1, 2, 3, 4])("is solved for %i eigenvectors: X ⪰ 0, S ⪰ 0, ⟨X, S⟩ = 0", (k) => {
    // ⪰ 0 is tested on random directions; the solver stops at a change of 1e-11 of X, some 1e-8 off where it converges slowly
    const n = k * k;
    for (let trial = 0; trial < 5; trial++) {
      const normals = stream(5 + trial).normals(n * 12 + n, { step: k });
      const turn = (i: number, j: number) => {
        const at = 12 * (Math.min(i, j) * k + Math.max(i, j));
        return normals.subarray(at, at + 12).map((x) => (i === j ? 2 * x : x));
      };
      const turns = Array.from({ length: n }, (_, ij) => turn(Math.floor(ij / k), ij % k));
      const B = Float64Array.from({ length: n * n }, (_, at) => {
        const [a, b] = [turns[Math.floor(at / n)]!, turns[at % n]!];
        return a.reduce((sum, x, m) => sum + x * b[m]!, 0) / 2;
      });
      const Q = Float64Array.from({ length: n }, (_, ij) => {
        const [i, j] = [Math.floor(ij / k), ij % k];
        return normals[n * 12 + Math.min(i, j) * k + Math.max(i, j)]! + (i === j && i % 2 === 0 ? 3 : 0);
      });
      const X = complementary(B, Q, k);
      const S = Q.map((q, a) => X.reduce((sum, x, b) => sum + B[a * n + b]! * x, -q));
      expect(Math.max(...X)).toBeGreaterThan(0);
      const product = X.reduce((sum, x, a) => sum + x * S[a]!, 0);
      expect(Math.abs(product)).toBeLessThan(1e-7);
      for (let probe = 0; probe < 50; probe++) {
        const u = stream(100 + probe).normals(k, { step: trial });
        const form = (M: Float64Array) => M.reduce((sum, m, a) => sum + m * u[Math.floor(a / k)]! * u[a % k]!, 0);
        expect(form(X)).toBeGreaterThan(-1e-9);
        expect(form(S)).toBeGreaterThan(-1e-6);
      }
    }
  });

  it("has X = 0 where nothing would pass the edge", () => {
    expect(Array.from(complementary(Float64Array.of(2), Float64Array.of(-1), 1))).toEqual([0]);
    const B = Float64Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? 1 : 0));
    expect(Array.from(complementary(B, Float64Array.of(-1, 0, 0, -2), 2), Math.abs)).toEqual([0, 0, 0, 0]);
  });
});

describe("wrong options", () => {
  const asked = { neurons: 8, stepSizes: [0.1] };
  it.each([
    [{ neurons: 8 }, /^stepSizes: /],
    [{ ...asked, ratios: [1] }, /^stepSizes: /],
    [{ ...asked, stepSizes: [] }, /^stepSizes: /],
    [{ ...asked, stepSizes: [0.1, Number.NaN] }, /^stepSizes\[1\]: /],
    [{ neurons: 8, ratios: [-1] }, /^ratios\[0\]: /],
    [{ ...asked, steps: 0 }, /^steps: /],
    [{ ...asked, every: 1.5 }, /^every: /],
    [{ ...asked, substeps: 1 }, /^substeps: .*2 or more/],
    [{ ...asked, until: 0 }, /^until: /],
    [{ ...asked, neurons: 0 }, /neurons: /],
    [{ ...asked, seed: -1 }, /seed: /],
  ])("%j is refused by its path", async (options, message) => {
    await expect(edgeOfStability(problem, options)).rejects.toThrow(message);
  });

  it("a law that is not finite is refused, with the remedy", async () => {
    const law = { kind: "teacher", dimension: 2, neurons: 2, activation: tanh(), noise: 0, seed: 1 } as const;
    await expect(edgeOfStability({ ...problem, law }, asked)).rejects.toThrow(/law\.kind: .*quadrature/s);
  });

  it("ratios are refused where the gradient flow ends on a plain", async () => {
    // all units are dead, so nothing depends on the parameters
    const dead = { ...problem, unit: affine(relu()), start: gaussian({ w: 0, a: 0, b: -1 }) };
    await expect(edgeOfStability(dead, { neurons: 4, ratios: [1] })).rejects.toThrow(/^ratios: .*stepSizes/s);
  });

  it("stops with the signal's reason", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(edgeOfStability(problem, { ...asked, signal })).rejects.toBe(reason);
  });
});
