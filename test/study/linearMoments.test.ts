// Moments of SGD on quadratic terms and of the flows in its place: against all paths, against closed forms, against the reference
// values of the sign noise X ← X − ε (1 + aθ) X (test/reference/flows.json). Nothing is sampled here.

import { describe, expect, it } from "vitest";
import { exp } from "../../src/engine/math";
import { linearMoments, linearObjective, rate, SpecError } from "../../src/index";
import { limitingOrder } from "../../src/study/objective/order";
import reference from "../reference/flows.json";

const { signNoise } = reference;
const a = 2;
/** θ = ±1 with probability ½ each */
const sign = { matrices: [[[1 + a]], [[1 - a]]] };
const pair = [[1], [-1]];
/** E X Y at t = 1 */
async function product(method: "sgd" | "gradientFlow" | "smf", order: 1 | 2, stepSize: number): Promise<number> {
  const options = { method, ...(method !== "sgd" && { order }), stepSize, times: [1], starts: pair };
  return (await linearMoments(sign, options)).products[1]!;
}

const plane = {
  matrices: [
    [
      [2, 0.5],
      [0.5, 1],
    ],
    [
      [0.3, -1],
      [-1, 0.7],
    ],
    [
      [1, 0],
      [0, -0.5],
    ],
  ],
  vectors: [
    [1, -1],
    [0.5, 2],
    [-2, 0],
  ],
  weights: [0.5, 0.2, 0.3],
};

describe("SGD's moments", () => {
  it.each([1, 2])("are those of all paths, with batches of %d", async (batchSize) => {
    // every sequence of draws with its probability: 3⁴ of 4 steps of one example, 9³ of 3 steps of two
    const steps = batchSize === 1 ? 4 : 3;
    const eta = 0.3;
    const starts = [
      [1, -0.5],
      [0.2, 2],
    ];
    const objective = await linearObjective(plane);
    const mean = new Float64Array(4);
    const second = new Float64Array(16);
    const slope = new Float64Array(2);
    const walk = (points: Float64Array[], step: number, probability: number): void => {
      if (step === steps) {
        points.forEach((x, s) => {
          x.forEach((value, i) => void (mean[s * 2 + i]! += probability * value));
          points.forEach((y, r) => {
            for (let i = 0; i < 2; i++) {
              for (let j = 0; j < 2; j++) second[((s * 2 + r) * 2 + i) * 2 + j]! += probability * x[i]! * y[j]!;
            }
          });
        });
        return;
      }
      const draws = batchSize === 1 ? [[0], [1], [2]] : [0, 1, 2].flatMap((q) => [0, 1, 2].map((r) => [q, r]));
      for (const drawn of draws) {
        const chance = drawn.reduce((total, q) => total * plane.weights[q]!, probability);
        const moved = points.map((x) => {
          const next = x.slice();
          for (const q of drawn) {
            objective.gradient(q, x, slope);
            for (let i = 0; i < 2; i++) next[i]! -= (eta / batchSize) * slope[i]!;
          }
          return next;
        });
        walk(moved, step + 1, chance);
      }
    };
    walk(
      starts.map((x) => Float64Array.from(x)),
      0,
      1,
    );
    const found = await linearMoments(plane, { method: "sgd", stepSize: eta, batchSize, times: [steps * eta], starts });
    // sums of a few hundred numbers of size 10
    found.means.forEach((value, i) => void expect(value).toBeCloseTo(mean[i]!, 12));
    found.products.forEach((value, i) => void expect(value).toBeCloseTo(second[i]!, 11));
  });

  it.each(signNoise.eps.map((eps, e) => [eps, signNoise.sgd[e]!]))(
    "of the sign noise are the closed form and the reference value at ε = %d",
    async (eps, value) => {
      const n = Math.round(1 / eps);
      const found = await product("sgd", 1, eps);
      expect(found / -(((1 - eps) ** 2 + (eps * a) ** 2) ** n)).toBeCloseTo(1, 13);
      // the reference has ten digits
      expect(Math.abs(found - value)).toBeLessThan(5.1e-11);
    },
  );

  it("are asked for at rounded times, and at 0 are the starts", async () => {
    const found = await linearMoments(sign, { method: "sgd", stepSize: 0.1, times: [0, 0.26], starts: pair });
    expect(Array.from(found.times)).toEqual([0, 3 * 0.1]);
    expect(Array.from(found.means.subarray(0, 2))).toEqual([1, -1]);
    expect(Array.from(found.products.subarray(0, 4))).toEqual([1, -1, -1, 1]);
    expect(found.means[2]).toBeCloseTo(0.9 ** 3, 14);
  });
});

describe("the flows' moments", () => {
  it.each([1, 2] as const)("of additive noise are Ornstein and Uhlenbeck's, in order %d", async (order) => {
    // ℓ_q = c x²/2 ∓ s x: dX = −c' X dt + √(η/B) s dW, c' = c (1 + ηc/2) in order 2
    const [c, s, eta, batchSize, x, y] = [0.8, 1.5, 0.1, 4, 2, -1];
    const rate = order === 1 ? c : c * (1 + (eta * c) / 2);
    const found = await linearMoments(
      { matrices: [[[c]], [[c]]], vectors: [[s], [-s]] },
      { method: "smf", order, stepSize: eta, batchSize, times: [0.5, 2], starts: [[x], [y]] },
    );
    [0.5, 2].forEach((t, k) => {
      const decay = exp(-2 * rate * t);
      const noise = ((eta / batchSize) * s * s * (1 - decay)) / (2 * rate);
      expect(found.means[2 * k]).toBeCloseTo(x * exp(-rate * t), 13);
      expect(found.products[4 * k]).toBeCloseTo(x * x * decay + noise, 13);
      expect(found.products[4 * k + 1]).toBeCloseTo(x * y * decay + noise, 13);
    });
  });

  it("of one point are the same for the flow and the equation: their generators agree", async () => {
    const options = { order: 2, stepSize: 0.2, times: [1.5], starts: [[1, -0.5]] } as const;
    const flow = await linearMoments(plane, { ...options, method: "smf" });
    expect(await linearMoments(plane, { ...options, method: "sme" })).toEqual(flow);
  });

  it("of two points are those of one where both start together", async () => {
    const options = { method: "smf", order: 2, stepSize: 0.2, times: [1.5] } as const;
    const one = await linearMoments(plane, { ...options, starts: [[1, -0.5]] });
    const two = await linearMoments(plane, {
      ...options,
      starts: [
        [1, -0.5],
        [1, -0.5],
      ],
    });
    expect(two.products.subarray(4, 8)).toEqual(one.products);
  });

  it("without noise are the products of the means", async () => {
    const starts = [
      [1, -0.5],
      [0.2, 2],
    ];
    const { means, products } = await linearMoments(plane, {
      method: "gradientFlow",
      order: 2,
      stepSize: 0.2,
      times: [1.5],
      starts,
    });
    for (let e = 0; e < 16; e++) {
      const [s, r, i, j] = [e >> 3, (e >> 2) & 1, (e >> 1) & 1, e & 1];
      expect(products[e]).toBeCloseTo(means[s * 2 + i]! * means[r * 2 + j]!, 13);
    }
  });

  it.each(signNoise.eps.map((eps, e) => [eps, signNoise.smfError[e]!, signNoise.smeError[e]!]))(
    "of the sign noise are the closed forms, and their errors those of the reference, at ε = %d",
    async (eps, smfError, smeError) => {
      const sgd = await product("sgd", 1, eps);
      const smf = await product("smf", 2, eps);
      expect(smf / -exp(-2 - eps + eps * a * a)).toBeCloseTo(1, 13);
      expect(await product("smf", 1, eps)).toBeCloseTo(-exp(-2 + eps * a * a), 13);
      // the reference has three digits
      expect(Math.abs(smf - sgd) / smfError).toBeCloseTo(1, 2);
      const sme = -exp(-2 - eps - eps * a * a);
      expect(Math.abs(sme - sgd) / smeError).toBeCloseTo(1, 2);
    },
  );
});

describe("the sign noise's weak orders, from exact errors", () => {
  const sizes = [0.05, 0.025, 0.0125, 0.00625];
  // E X Y of the stochastic modified equation: Σ(x)^{1/2} = a|x|, so that |X||Y| = −X Y has the wrong sign
  const sme = (eps: number) => -exp(-2 - eps - eps * a * a);
  it.each<[string, number, (eps: number) => Promise<number> | number]>([
    ["gradient flow", 1, (eps) => product("gradientFlow", 1, eps)],
    ["modified flow of order 1", 1, (eps) => product("smf", 1, eps)],
    ["modified flow of order 2", 2, (eps) => product("smf", 2, eps)],
    ["modified equation of order 2", 1, sme],
  ])("of the %s is %d, within an interval of 0.05", async (_, expected, moment) => {
    const errors: number[][] = [];
    for (const eps of sizes) errors.push([(await moment(eps)) - (await product("sgd", 1, eps))]);
    const order = limitingOrder(sizes, errors, { level: 0.95, expected }, rate)!;
    expect(order.agrees, JSON.stringify(order)).toBe(true);
    expect(order.interval[1] - order.interval[0]).toBeLessThan(0.1);
    // as they stand, over a factor of 8 in η, the next power is seen
    const plain = rate(
      sizes,
      errors.map(([error]) => Math.abs(error!)),
    );
    expect(Math.abs(plain.exponent - expected)).toBeLessThan(0.15);
    expect(plain.interval![0]).toBeLessThan(expected + 0.02);
    expect(plain.interval![1]).toBeGreaterThan(expected - 0.02);
  });

  it("an order that is not the expected one is found as it is, and does not agree", () => {
    // f = 8 e(η/2) − e(η) of e = η is 3 η
    const order = limitingOrder(
      sizes,
      sizes.map((eta) => [eta]),
      { level: 0.95, expected: 2 },
      rate,
    )!;
    expect(order.value).toBeCloseTo(1, 12);
    expect(order.agrees).toBe(false);
  });

  it("errors that are not told from 0, or three step sizes, give no order", () => {
    const options = { level: 0.95, expected: 2 };
    expect(limitingOrder([0.4, 0.2, 0.1], [[0.16], [0.04], [0.01]], options, rate)).toBe(null);
    expect(limitingOrder([0.4, 0.2, 0.1, 0.05], [[0.16], [0.04], [0.01], [0.0025]], options, rate)).not.toBe(null);
    expect(
      limitingOrder(
        [0.8, 0.4, 0.2, 0.1],
        [
          [0.64, 0.64],
          [0.16, 0.16],
          [0.04, 0.04],
          [0.01, -0.01],
        ],
        options,
        rate,
      ),
    ).toBe(null);
  });

  it("replicas widen the interval by what they leave open", () => {
    const noise = [-1, 1, 0.5, -0.5];
    const noisy = sizes.map((eta, e) => noise.map((_, r) => eta * eta * (1 + 0.01 * noise[(r + e) % 4]!)));
    const order = limitingOrder(sizes, noisy, { level: 0.95, expected: 2 }, rate)!;
    const exact = limitingOrder(
      sizes,
      sizes.map((eta) => [eta * eta]),
      { level: 0.95, expected: 2 },
      rate,
    )!;
    expect(exact.value).toBeCloseTo(2, 12);
    expect(exact.interval[1] - exact.interval[0]).toBeLessThan(1e-10);
    // a slope's error is some 0.01 √2/(2 log 2) · t/√4 = 0.02 for one f, and an f's relative error is three times an e's
    expect(order.interval[1] - order.interval[0]).toBeGreaterThan(0.02);
    expect(order.agrees).toBe(true);
  });
});

describe("wrong use", () => {
  const good = { method: "smf", order: 2, stepSize: 0.1, times: [1], starts: [[1]] } as const;
  it.each<[string, object, RegExp]>([
    ["an unknown method", { method: "adam" }, /^method: expected "sgd" or/],
    ["a third order", { order: 3 }, /^order: expected 1 or 2/],
    ["a step size of 0", { stepSize: 0 }, /^stepSize/],
    ["a step size that is no number", { stepSize: Number.NaN }, /^stepSize/],
    ["an infinite step size", { stepSize: Infinity }, /^stepSize/],
    ["half an example", { batchSize: 0.5 }, /^batchSize/],
    ["no times", { times: [] }, /^times/],
    ["a negative time", { times: [-1] }, /^times\[0\]/],
    ["no starts", { starts: [] }, /^starts: expected a list of points/],
    ["a start of another length", { starts: [[1, 2]] }, /^starts\[0\]: expected 1 numbers/],
    ["a start that is no number", { starts: [[Number.NaN]] }, /^starts\[0\]\[0\]: .*NaN/],
    ["two starts of the equation", { method: "sme", starts: pair }, /^starts: .*Sample them with objectivePaths/],
    ["a misspelt option", { batch: 2 }, /^options\.batch: .*the fields are method/],
    ["times beyond reach", { times: [1e12] }, /^times: expected a time of at most/],
  ])("%s is refused by its path", async (_, change, message) => {
    const options = { ...good, ...change } as never;
    await expect(linearMoments(sign, options)).rejects.toThrow(SpecError);
    await expect(linearMoments(sign, options)).rejects.toThrow(message);
  });
});
