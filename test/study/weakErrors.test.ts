// Weak errors of the flows in place of SGD: against exact moments and against all paths of SGD; the order of the schemes; orders 1 and
// 2 where nothing is linear, of one point and of two; a network; what is refused.
//
// Level: a control variate leaves a mean as it is, so estimates are compared with exact numbers at 3.9 standard errors (two-sided
// 1e-4 each, four of them). Orders are held to 0.1 of the theorem's: the standard errors of what is measured are a few 1e-3 and less,
// and the power of η that is left changes an order by the square of the smallest step.

import { describe, expect, it } from "vitest";
import { log1pExp, logistic } from "../../src/engine/math";
import {
  DivergenceError,
  linearObjective,
  type Objective,
  SpecError,
  type WeakErrorOptions,
  type WeakErrors,
  weakErrors,
} from "../../src/index";
import reference from "../reference/flows.json";

const product = ([x, y]: readonly Float64Array[]): number => x![0]! * y![0]!;

/** Logistic regression of five examples in the plane, with a ridge. */
const regression: Objective = (() => {
  const inputs = [1, 0.5, -0.8, 1.2, 0.6, -1.5, -1.1, -0.4, 1.4, 0.9];
  const labels = [1, -1, 1, 1, -1];
  const margin = (q: number, x: Float64Array) => -labels[q]! * (inputs[2 * q]! * x[0]! + inputs[2 * q + 1]! * x[1]!);
  return {
    dimension: 2,
    terms: 5,
    gradient(q, x, out) {
      const slope = -labels[q]! * logistic(margin(q, x));
      out[0] = slope * inputs[2 * q]! + 0.1 * x[0]!;
      out[1] = slope * inputs[2 * q + 1]! + 0.1 * x[1]!;
    },
    hessianVector(x, v, out) {
      out[0] = 0.1 * v[0]!;
      out[1] = 0.1 * v[1]!;
      for (let q = 0; q < 5; q++) {
        const t = margin(q, x);
        const [a, b] = [inputs[2 * q]!, inputs[2 * q + 1]!];
        const factor = (logistic(t) * logistic(-t) * (a * v[0]! + b * v[1]!)) / 5;
        out[0] += factor * a;
        out[1] += factor * b;
      }
    },
    value: (q, x) => log1pExp(margin(q, x)) + 0.05 * (x[0]! * x[0]! + x[1]! * x[1]!),
  };
})();

/** Phase retrieval: ℓ_q = (⟨a_q, x⟩² − b_q)²/4 is even, so gradients at −x are those at x, turned round. */
const phases: Objective = (() => {
  const rows = [1, 0, 0, 1, 0.8, 0.6, 0.6, -0.8];
  const squares = [1, 0.25, 0.5, 0.9];
  return {
    dimension: 2,
    terms: 4,
    gradient(q, x, out) {
      const u = rows[2 * q]! * x[0]! + rows[2 * q + 1]! * x[1]!;
      const slope = (u * u - squares[q]!) * u;
      out[0] = slope * rows[2 * q]!;
      out[1] = slope * rows[2 * q + 1]!;
    },
  };
})();

function errorsOf(found: WeakErrors, method: string, order: number) {
  return found.methods.find(({ flow }) => flow.method === method && flow.order === order)!;
}

function expectOrder(found: WeakErrors, method: string, order: number, expected: number): void {
  const { order: weak, errors } = errorsOf(found, method, order);
  expect(weak, `${method} ${order}: ${JSON.stringify(errors)}`).not.toBe(null);
  expect(Math.abs(weak!.value - expected), JSON.stringify(weak)).toBeLessThan(0.1);
  expect(weak!.interval[1] - weak!.interval[0]).toBeLessThan(0.7);
}

describe("the sign noise", () => {
  // E X Y is a polynomial of degree 2 of the state at all steps, so that the control variate leaves no variance
  const options: WeakErrorOptions = {
    starts: [[1], [-1]],
    statistic: product,
    time: 1,
    stepSizes: reference.signNoise.eps,
    methods: [
      { method: "smf", order: 2 },
      { method: "sme", order: 2 },
      { method: "smf", order: 2, scheme: "eulerMaruyama" },
    ],
    replicas: 32,
    degree: 2,
  };
  const objective = linearObjective({ matrices: [[[3]], [[-1]]] });

  it("is met to nine digits: SGD's product, and the flows' but for the error of their steps", async () => {
    const found = await weakErrors(await objective, options);
    found.sgd.forEach(({ mean, deviation, residual }, e) => {
      // the reference has ten digits
      expect(Math.abs(mean - reference.signNoise.sgd[e]!)).toBeLessThan(1e-10);
      expect(residual / deviation).toBeLessThan(1e-7);
    });
    reference.signNoise.eps.forEach((_, e) => {
      // α²h is (4ε)²ε/2 of the moment at h = ε/2: some 3 % of the error
      expect(errorsOf(found, "smf", 2).errors[e]!.value / reference.signNoise.smfError[e]!).toBeCloseTo(1, 1);
      expect(errorsOf(found, "sme", 2).errors[e]!.value / reference.signNoise.smeError[e]!).toBeCloseTo(1, 2);
    });
  });

  it("the splitting's steps are off the flow by O(η³) at h ∝ η, Euler and Maruyama's by O(h)", async () => {
    const found = await weakErrors(await objective, options);
    const off = (f: number) =>
      reference.signNoise.eps.map((eps, e) =>
        Math.abs(found.methods[f]!.means[e]!.mean + Math.exp(-2 - eps + 4 * eps)),
      );
    const [splitting, euler] = [off(0), off(2)];
    // ratios tend to 8 and 2; what is next in ε, some 4ε of each, is 0.1 of a power at the last two
    expect(Math.abs(Math.log2(splitting[1]! / splitting[2]!) - 3)).toBeLessThan(0.2);
    expect(Math.abs(Math.log2(euler[1]! / euler[2]!) - 1)).toBeLessThan(0.2);
    // with α fixed both are of order 1, and the splitting is α/2 times as far off: α²h against h
    const fine = await weakErrors(await objective, { ...options, timeSteps: 4 });
    const halved = fine.methods.map(({ means }, f) => [off(f)[0]! / Math.abs(means[0]!.mean + Math.exp(-2 + 0.15))]);
    expect(Math.abs(Math.log2(halved[0]![0]!) - 1)).toBeLessThan(0.2);
    expect(Math.abs(Math.log2(halved[2]![0]!) - 1)).toBeLessThan(0.2);
  });

  it("has no error without noise but the order of Runge and Kutta's rule", async () => {
    const { methods } = await weakErrors(await objective, {
      ...options,
      methods: [{ method: "gradientFlow" }, { method: "gradientFlow", order: 2 }],
    });
    reference.signNoise.eps.forEach((eps, e) => {
      // (h/2)⁵/120 a step, h = ε/2
      expect(methods[0]!.means[e]).toEqual({
        mean: expect.closeTo(-Math.exp(-2), 8),
        standardError: 0,
        deviation: 0,
        residual: 0,
      });
      expect(methods[1]!.means[e]!.mean).toBeCloseTo(-Math.exp(-2 - eps), 8);
    });
  });
});

describe("a control variate", () => {
  // two terms of no symmetry; 2¹² paths of twelve steps
  const bent: Objective = {
    dimension: 2,
    terms: 2,
    weights: [0.3, 0.7],
    gradient(q, x, out) {
      out[0] = x[0]! + 0.5 * x[0]! * x[1]! - (q === 0 ? 2 : -0.6);
      out[1] = 2 * x[1]! + 0.25 * x[0]! * x[0]! + (q === 0 ? x[1]! : 0.3);
    },
  };
  const statistic = ([x]: readonly Float64Array[]) => 1 / (1 + Math.exp(x![0]! - x![1]!));
  const start = [1, -0.5];
  function allPaths(steps: number, eta: number): number {
    const slope = new Float64Array(2);
    const walk = (x: Float64Array, left: number): number => {
      if (left === 0) return statistic([x]);
      let mean = 0;
      for (const [q, mass] of [0.3, 0.7].entries()) {
        bent.gradient(q, x, slope);
        mean += mass * walk(Float64Array.of(x[0]! - eta * slope[0]!, x[1]! - eta * slope[1]!), left - 1);
      }
      return mean;
    };
    return walk(Float64Array.from(start), steps);
  }
  const options: WeakErrorOptions = {
    starts: [start],
    statistic,
    time: 0.6,
    stepSizes: [0.1, 0.05],
    methods: [{ method: "smf" }],
    replicas: 400,
  };

  it("leaves SGD's mean where it is, and of its standard error a hundredth at most", async () => {
    const found = await weakErrors(bent, options);
    expect(found.degree).toBe(4);
    found.sgd.forEach(({ mean, standardError, deviation, residual }, e) => {
      expect(Math.abs(mean - allPaths(e === 0 ? 6 : 12, [0.1, 0.05][e]!)) / standardError).toBeLessThan(3.9);
      expect(residual / deviation).toBeLessThan(0.01);
    });
  });

  it("of a poor fit leaves it too, and without one the sample's own error is left", async () => {
    const poor = await weakErrors(bent, { ...options, degree: 1 });
    const none = await weakErrors(bent, { ...options, degree: 0 });
    const good = await weakErrors(bent, options);
    const far = (a: WeakErrors, e: number) =>
      Math.abs(a.methods[0]!.means[e]!.mean - good.methods[0]!.means[e]!.mean) / a.methods[0]!.means[e]!.standardError;
    expect(Math.abs(poor.sgd[0]!.mean - allPaths(6, 0.1)) / poor.sgd[0]!.standardError).toBeLessThan(3.9);
    expect(far(poor, 0)).toBeLessThan(3.9);
    expect(far(none, 1)).toBeLessThan(3.9);
    expect(none.sgd[0]!.residual).toBe(none.sgd[0]!.deviation);
    expect(poor.sgd[0]!.residual / none.sgd[0]!.residual).toBeLessThan(0.3);
  });
});

describe("weak orders", () => {
  const stepSizes = [0.2, 0.1, 0.05, 0.025];

  it("of one point of a logistic regression are 1 for the gradient flow and the flows of order 1, 2 for those of order 2", async () => {
    const found = await weakErrors(regression, {
      starts: [[1, -1]],
      time: 1,
      stepSizes,
      methods: [
        { method: "gradientFlow" },
        { method: "smf" },
        { method: "smf", order: 2 },
        { method: "sme", order: 2 },
      ],
      replicas: 96,
      seed: 1,
    });
    expectOrder(found, "gradientFlow", 1, 1);
    expectOrder(found, "smf", 1, 1);
    expectOrder(found, "smf", 2, 2);
    expectOrder(found, "sme", 2, 2);
    // the smallest error of order 2 is told from 0 by many standard errors
    const { value, standardError } = errorsOf(found, "smf", 2).errors[3]!;
    expect(Math.abs(value) / standardError).toBeGreaterThan(30);
  });

  it("of two opposite points of phase retrieval are 2 for the flow and 1 for the equation", async () => {
    const found = await weakErrors(phases, {
      starts: [
        [0.9, 0.6],
        [-0.9, -0.6],
      ],
      statistic: product,
      time: 1,
      stepSizes: [0.1, 0.05, 0.025, 0.0125],
      methods: [
        { method: "smf", order: 2 },
        { method: "sme", order: 2 },
      ],
      replicas: 96,
      seed: 1,
    });
    expectOrder(found, "smf", 2, 2);
    expectOrder(found, "sme", 2, 1);
    // its error is order 1 with no small constant: hundreds of times the flow's at the smallest step
    const [smf, sme] = ["smf", "sme"].map((method) => Math.abs(errorsOf(found, method, 2).errors[3]!.value)) as [
      number,
      number,
    ];
    expect(sme / smf).toBeGreaterThan(100);
  });

  it("with batches of four are the same, of a noise with half the amplitude", async () => {
    const found = await weakErrors(regression, {
      starts: [[1, -1]],
      time: 1,
      stepSizes,
      batchSize: 4,
      methods: [{ method: "smf" }, { method: "smf", order: 2 }],
      replicas: 96,
      seed: 1,
    });
    expectOrder(found, "smf", 1, 1);
    expectOrder(found, "smf", 2, 2);
  });
});

describe("what is refused", () => {
  const good: WeakErrorOptions = {
    starts: [[1, -1]],
    time: 1,
    stepSizes: [0.5, 0.25],
    methods: [{ method: "smf" }],
    replicas: 32,
  };
  it.each<[string, object, RegExp]>([
    ["a time that is not a whole number of steps", { stepSizes: [0.5, 0.3] }, /^stepSizes\[1\]: .*found 0\.3/],
    ["one step size", { stepSizes: [0.5] }, /^stepSizes/],
    ["twice the same step size", { stepSizes: [0.5, 0.5] }, /^stepSizes/],
    ["a step size of 0", { stepSizes: [0.5, 0] }, /^stepSizes\[1\]/],
    ["a step beyond the time", { stepSizes: [2, 1] }, /^stepSizes\[0\]/],
    ["a time that is no number", { time: Number.NaN }, /^time/],
    ["no methods", { methods: [] }, /^methods/],
    ["SGD as a method", { methods: [{ method: "sgd" }] }, /^methods\[0\]\.method/],
    ["a third order", { methods: [{ method: "smf", order: 3 }] }, /^methods\[0\]\.order/],
    ["a misspelt scheme", { methods: [{ method: "smf", schema: "splitting" }] }, /^methods\[0\]\.schema/],
    ["too few replicas", { replicas: 8 }, /^replicas/],
    ["a degree of polynomials beyond reach", { degree: 9 }, /^degree/],
    ["a level of 1", { level: 1 }, /^level/],
    ["a statistic that is no function", { statistic: "x" }, /^statistic/],
    ["a statistic that is no number", { statistic: () => Number.NaN }, /^statistic\(points\): .*NaN/],
    ["half a time step", { timeSteps: 0.5 }, /^timeSteps/],
    ["no starts", { starts: [] }, /^starts/],
    ["a negative seed", { seed: -1 }, /^seed/],
    ["a misspelt option", { learningRates: [1] }, /^options\.learningRates/],
  ])("%s, by its path", async (_, change, message) => {
    const options = { ...good, ...change } as never;
    await expect(weakErrors(regression, options)).rejects.toThrow(SpecError);
    await expect(weakErrors(regression, options)).rejects.toThrow(message);
  });

  it("no statistic, where the objective has no values", async () => {
    await expect(weakErrors(phases, good)).rejects.toThrow(/^statistic: .*the objective has no values/);
  });

  it("a step size that diverges, with its step", async () => {
    const objective = await linearObjective({ matrices: [[[300]], [[-100]]] });
    const run = weakErrors(objective, { ...good, starts: [[1]], time: 100 });
    await expect(run).rejects.toThrow(DivergenceError);
    await expect(run).rejects.toThrow(/^sgd diverged at step \d+/);
  });

  it("a run that is stopped, with the signal's reason; progress runs from 0 to 1", async () => {
    const reason = new Error("enough");
    await expect(weakErrors(regression, { ...good, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const seen: number[] = [];
    const run = weakErrors(regression, {
      ...good,
      replicas: 2 ** 20,
      signal: abort.signal,
      onProgress({ fraction }) {
        seen.push(fraction);
        if (seen.length === 5) abort.abort(reason);
      },
    });
    await expect(run).rejects.toBe(reason);
    expect(seen.every((fraction, i) => fraction >= (seen[i - 1] ?? 0) && fraction <= 1)).toBe(true);
  });
});
