// Black–Scholes equations by Feynman–Kac: the sampler, the network and the closed forms, each against another. What the error
// does as N and d grow is measured by the figure, in test/slow/figures.test.ts.

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { networkPredictions } from "../../src/measure/predictions";
import {
  type BlackScholes,
  basketCall,
  brownianFactors,
  callPrice,
  equicorrelated,
  geometricBasket,
  priceNetwork,
} from "../../src/study/feynmanKac";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine();
});

const equation: BlackScholes = {
  drift: [0.1, -0.05, 0.02],
  volatility: [
    [0.3, 0, 0.1, 0],
    [0.1, 0.2, 0, 0.05],
    [0, -0.1, 0.25, 0],
  ],
};
const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, x, j) => sum + x * v[j]!, 0);

describe("Black's formula", () => {
  it("is the textbook price, without the discount", () => {
    // spot 100, strike 100, rate 5 %, volatility 20 %, one year: 10.450583572185565, a number of many textbooks
    const found = callPrice({ forward: 100 * Math.exp(0.05), strike: 100, deviation: 0.2 });
    expect(found).toBeCloseTo(10.450583572185565 * Math.exp(0.05), 10);
  });

  it("is the payoff without volatility", () => {
    expect(callPrice({ forward: 110, strike: 100, deviation: 0 })).toBe(10);
    expect(callPrice({ forward: 90, strike: 100, deviation: 0 })).toBe(0);
  });
});

describe("the geometric basket", () => {
  it("solves the equation: its closed form, by central differences", () => {
    const v = (t: number, x: readonly number[]) => callPrice({ ...geometricBasket(equation, x, 1 - t), strike: 1.1 });
    const x = [0.9, 1.2, 1.3];
    const h = 1e-3;
    const moved = (...steps: [number, number][]) => {
      const y = [...x];
      for (const [i, by] of steps) y[i]! += by;
      return v(0.3, y);
    };
    let sum = (v(0.3 + h, x) - v(0.3 - h, x)) / (2 * h);
    let size = Math.abs(sum);
    for (let i = 0; i < 3; i++) {
      sum += (equation.drift[i]! * x[i]! * (moved([i, h]) - moved([i, -h]))) / (2 * h);
      for (let j = 0; j < 3; j++) {
        const mixed =
          (moved([i, h], [j, h]) - moved([i, h], [j, -h]) - moved([i, -h], [j, h]) + moved([i, -h], [j, -h])) /
          (4 * h * h);
        const term = 0.5 * dot(equation.volatility[i]!, equation.volatility[j]!) * x[i]! * x[j]! * mixed;
        sum += term;
        size += Math.abs(term);
      }
    }
    // differences of order h² on a function with derivatives of order 10
    expect(Math.abs(sum)).toBeLessThan(1e-4 * size);
  });
});

describe("the factors", () => {
  const N = 40000;
  const draw = (count: number, from = 0) =>
    brownianFactors(equation, { time: 0.8, count, from, seed: 5, replica: 2 }, engine);

  it("have the means and covariances of their logarithms", () => {
    const logs = draw(N).factors.map(Math.log);
    // 3 means and 6 covariances at 4.5 standard errors: false alarms below 1e-4
    const means = [0, 1, 2].map((i) => {
      let sum = 0;
      for (let k = 0; k < N; k++) sum += logs[3 * k + i]!;
      return sum / N;
    });
    for (let i = 0; i < 3; i++) {
      const square = dot(equation.volatility[i]!, equation.volatility[i]!);
      const expected = 0.8 * (equation.drift[i]! - square / 2);
      expect(Math.abs(means[i]! - expected)).toBeLessThan(4.5 * Math.sqrt((0.8 * square) / N));
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < N; k++) sum += (logs[3 * k + i]! - means[i]!) * (logs[3 * k + j]! - means[j]!);
        const product = dot(equation.volatility[i]!, equation.volatility[j]!);
        const other = dot(equation.volatility[j]!, equation.volatility[j]!);
        const error = 0.8 * Math.sqrt((square * other + product * product) / N);
        expect(Math.abs(sum / N - 0.8 * product)).toBeLessThan(4.5 * error);
      }
    }
  });

  it("are the same numbers however they are asked for, and others for another replica", () => {
    expect(draw(7, 3).factors).toEqual(draw(10).factors.subarray(9));
    expect(draw(7, 3).means).toEqual(draw(10).means.subarray(3));
    const other = brownianFactors(equation, { time: 0.8, count: 10, seed: 5, replica: 3 }, engine);
    expect(other).not.toEqual(draw(10));
  });

  it("come with the geometric means of their rows", () => {
    const { factors, means } = draw(5);
    for (let k = 0; k < 5; k++) {
      expect(means[k]).toBeCloseTo(Math.cbrt(factors[3 * k]! * factors[3 * k + 1]! * factors[3 * k + 2]!), 13);
    }
  });

  it("are 1 at the end", () => {
    const { factors, means } = brownianFactors(equation, { time: 0, count: 2, seed: 1 }, engine);
    expect([...factors, ...means]).toEqual(new Array(8).fill(1));
  });

  it("of assets of one correlation have that correlation", () => {
    const { volatility } = equicorrelated({ assets: 4, drift: 0, volatility: 0.3, correlation: 0.4 });
    for (const [i, row] of volatility.entries()) {
      for (const [j, other] of volatility.entries()) {
        expect(dot(row, other)).toBeCloseTo(i === j ? 0.09 : 0.036, 14);
      }
    }
  });
});

describe("the network", () => {
  const x = Float64Array.of(1, 1.2, 0.8, 0.7, 1, 1.5);

  it("is the mean of a payoff of several units, neuron by neuron", () => {
    const payoff = {
      a: [1, -2, 0.5],
      b: [-0.9, -1, 0.2],
      w: [
        [0.5, 0.3, 0.2],
        [0.2, 0.2, 0.6],
        [-1, 0, 1],
      ],
    };
    const N = 50;
    const { factors } = brownianFactors(equation, { time: 1, count: N, seed: 3 }, engine);
    const { network, problem } = priceNetwork(payoff, factors);
    const found = networkPredictions(network, problem, engine, x, 2);
    for (let q = 0; q < 2; q++) {
      let sum = 0;
      for (let k = 0; k < N; k++) {
        const y = [0, 1, 2].map((i) => factors[3 * k + i]! * x[3 * q + i]!);
        payoff.a.forEach((a, j) => {
          sum += a * Math.max(dot(payoff.w[j]!, y) + payoff.b[j]!, 0);
        });
      }
      expect(found[q]).toBeCloseTo(sum / N, 12);
    }
  });

  it("prices a call on one asset as Black's formula does, and the geometric basket as its closed form", () => {
    const single: BlackScholes = { drift: [0.05], volatility: [[0.3]] };
    const strike = 1;
    for (const one of [
      { equation: single, x: [1.1] },
      { equation, x: [0.9, 1.2, 1.1] },
    ]) {
      const exact = callPrice({ ...geometricBasket(one.equation, one.x, 1), strike });
      // its payoff depends on the geometric mean of x alone
      const level = Float64Array.of(one.x.reduce((a, b) => a * b) ** (1 / one.x.length));
      const prices = Array.from({ length: 40 }, (_, replica) => {
        const { means } = brownianFactors(one.equation, { time: 1, count: 2000, seed: 8, replica }, engine);
        const { network, problem } = priceNetwork(basketCall({ weights: [1], strike }), means);
        return networkPredictions(network, problem, engine, level, 1)[0]!;
      });
      const mean = prices.reduce((a, b) => a + b) / 40;
      const error = Math.sqrt(prices.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / (40 * 39));
      expect(error).toBeLessThan(0.01 * exact);
      // Student's t with 39 degrees of freedom beyond 4.5: 6e-5
      expect(Math.abs(mean - exact)).toBeLessThan(4.5 * error);
    }
  });
});

it("wrong parts are named", () => {
  const factors = (part: Partial<BlackScholes>, time = 1) =>
    brownianFactors({ ...equation, ...part }, { time, count: 1, seed: 1 }, engine);
  expect(() => factors({ drift: [0.1] })).toThrow(/^volatility: /);
  expect(() => factors({ drift: [] })).toThrow(/^drift: /);
  expect(() => factors({ volatility: [[0.1], [0.1, 0.2], [0.1]] })).toThrow(/^volatility\[1\]: /);
  expect(() => factors({}, -1)).toThrow(/^time: /);
  expect(() => priceNetwork({ a: [1], b: [], w: [[1]] }, new Float64Array(3))).toThrow(/^payoff: /);
  expect(() => priceNetwork(basketCall({ weights: [1, 1], strike: 1 }), new Float64Array(3))).toThrow(/^factors: /);
  expect(() => equicorrelated({ assets: 2, drift: 0, volatility: 1, correlation: 2 })).toThrow(SpecError);
  expect(() => equicorrelated({ assets: 0, drift: 0, volatility: 1, correlation: 0 })).toThrow(/^assets: /);
});
