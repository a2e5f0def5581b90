// A scaled activation ασ is σ with its values and slopes times α, on every way through the library: kernels, exact population
// gradients, Mehler's series, the radial flow. The expected numbers are those of a problem that says the same without a factor.

import { describe, expect, it } from "vitest";
import { type Activation, erf, piecewiseLinear, relu, scaled, silu, tanh, unscaled } from "../../src/model/activation";
import { hermiteCoefficients, secondMoment } from "../../src/model/hermite";
import { anisotropicGaussians, dataset, teacher } from "../../src/model/law";
import { pairMethod } from "../../src/model/pairs";
import { populationField } from "../../src/model/population";
import { gaussian, particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, ridge } from "../../src/model/unit";
import { gradientDescent, radialFlow, sgd } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { risk } from "../../src/study/observables";
import { solve } from "../../src/study/solve";

const KNOTS: [number, number][] = [
  [0.5, -2.5],
  [1.5, 7.5],
];
const FACTOR = 0.5; // a power of two: products with it are exact
const steeper = piecewiseLinear(KNOTS.map(([t, s]) => [t, FACTOR * s]));
const factored = scaled(piecewiseLinear(KNOTS), FACTOR);
const law = anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 });

/** |x − y| relative to the largest |y|. */
function gap(x: ArrayLike<number>, y: ArrayLike<number>): number {
  expect(x.length).toBe(y.length);
  const size = Math.max(...Array.from(y, Math.abs));
  return Math.max(...Array.from(x, (value, i) => Math.abs(value - y[i]!))) / size;
}

describe("a scaled piecewise-linear unit is the unit with steeper pieces", () => {
  const problem = (activation: Activation) => ({ law, unit: ridge(activation), start: gaussian({ radius: 0.8 }) });

  it.each(["simd", "js"] as const)("in SGD, to round-off (%s)", async (backend) => {
    const run = (activation: Activation) =>
      solve(sgd(problem(activation), { neurons: 13, stepSize: 0.01, seed: 3 }), {
        times: [0.5],
        keep: "measures",
        backend,
      });
    const [one, other] = await Promise.all([run(factored), run(steeper)]);
    const values = (run: typeof one) => (run.measures![0] as { values: Float64Array }).values;
    expect(gap(values(one), values(other))).toBeLessThan(1e-12);
    expect(gap(one.observables.risk!.values, other.observables.risk!.values)).toBeLessThan(1e-12);
  });

  it("in the radial flow and its risk, within its tolerance", async () => {
    const run = (activation: Activation) => solve(radialFlow(problem(activation)), { times: [0, 0.5] });
    const [one, other] = await Promise.all([run(factored), run(steeper)]);
    expect(gap(one.observables.risk!.values, other.observables.risk!.values)).toBeLessThan(1e-6);
  });
});

describe("a scaled smooth unit has the f of outputs times α", () => {
  const N = 5;
  const theta = stream(7).normals(N * 8);
  const outputsTimes = (factor: number) => theta.map((value, i) => (i % 8 === 0 ? factor * value : value));

  it.each([tanh(), erf(), silu(), relu()])(
    "%o: its population velocity is that of a ↦ αa, and α times as much for a",
    (σ) => {
      for (const which of [law, teacher({ dimension: 6, neurons: 3, activation: scaled(σ, -2), seed: 1 })]) {
        const velocityOf = (activation: Activation, at: Float64Array) => {
          const out = new Float64Array(at.length);
          populationField({ law: which, unit: affine(activation) }).velocity(at, N, out);
          return out;
        };
        const plain = velocityOf(σ, outputsTimes(3));
        const expected = plain.map((value, i) => (i % 8 === 0 ? 3 * value : value));
        // the series are truncated where their bound is below 1e-9 of the size
        expect(gap(velocityOf(scaled(σ, 3), theta), expected)).toBeLessThan(1e-8);
      }
    },
  );

  it("its risk is exact where that of the plain unit is", async () => {
    const riskOf = async (activation: Activation, at: Float64Array) => {
      const problem = { law, unit: affine(activation), start: particles(tensor(at, [N, 8])) };
      const run = await solve(sgd(problem, { neurons: N, stepSize: 1 }), { times: [0], observe: { risk: risk() } });
      return run.observables.risk!.values[0]!;
    };
    expect(await riskOf(scaled(tanh(), 3), theta)).toBeCloseTo(await riskOf(tanh(), outputsTimes(3)), 9);
  });
});

it("its Hermite coefficients, second moments and pairs are multiplied", () => {
  for (const σ of [tanh(), relu(), piecewiseLinear(KNOTS)]) {
    const plain = hermiteCoefficients(σ, 6, 1.3, 0.2);
    expect(
      gap(
        hermiteCoefficients(scaled(σ, -3), 6, 1.3, 0.2),
        plain.map((c) => -3 * c),
      ),
    ).toBeLessThan(1e-15);
    expect(secondMoment(scaled(σ, -3))(1.3, 0.2)).toBeCloseTo(9 * secondMoment(σ)(1.3, 0.2), 13);
    const pair = (u: Activation, v: Activation) => {
      const out = new Float64Array(6);
      pairMethod(u, v).rule(1.3, 0.2, 0.7, -0.1, 1, 0.4, out);
      return out;
    };
    expect(
      gap(
        pair(scaled(σ, 2), scaled(σ, -3)),
        pair(σ, σ).map((c) => -6 * c),
      ),
    ).toBeLessThan(1e-15);
  }
});

it("factors of factors are multiplied, and 0, NaN and an infinite one are refused", () => {
  expect(scaled(scaled(relu(), 2), 3)).toEqual({ kind: "scaled", factor: 6, activation: relu() });
  expect(unscaled(scaled(tanh(), 2))).toMatchObject({ factor: 2, activation: tanh() });
  for (const factor of [0, Number.NaN, Infinity]) expect(() => scaled(relu(), factor)).toThrow(/activation\.factor/);
  expect(() => scaled("relu" as never, 2)).toThrow(/activation\.activation/);
  const nested = { kind: "scaled", factor: 2, activation: scaled(relu(), 2) };
  expect(() => ridge(nested as never)).toThrow(/activation\.activation\.kind/);
});

describe("trainBias: false", () => {
  it("is gradient descent on a σ(⟨w, x⟩), computed here in a few lines, to round-off", async () => {
    const x = [
      [0.3, -1],
      [1.2, 0.4],
      [-0.5, 0.9],
    ];
    const y = [1, -1, 0.5];
    const start = Float64Array.from({ length: 4 * 4 }, (_, i) => (i % 4 === 1 ? 0 : Math.sin(i + 1)));
    const θ = start.slice();
    for (let step = 0; step < 20; step++) {
      const change = new Float64Array(16);
      x.forEach((input, q) => {
        const pre = (i: number) => θ[4 * i + 2]! * input[0]! + θ[4 * i + 3]! * input[1]!;
        let f = 0;
        for (let i = 0; i < 4; i++) f += (θ[4 * i]! * Math.tanh(pre(i))) / 4;
        const r = (y[q]! - f) / 3;
        for (let i = 0; i < 4; i++) {
          const s = Math.tanh(pre(i));
          change[4 * i]! += r * s;
          for (let j = 0; j < 2; j++) change[4 * i + 2 + j]! += r * θ[4 * i]! * (1 - s * s) * input[j]!;
        }
      });
      change.forEach((value, i) => void (θ[i]! += 0.1 * value));
    }
    const problem = {
      law: dataset({ x, y }),
      unit: affine(tanh(), { trainBias: false }),
      start: particles(tensor(start, [4, 4])),
    };
    for (const process of [
      gradientDescent(problem, { neurons: 4, stepSize: 0.1 }),
      sgd(problem, { neurons: 4, stepSize: 0.1, batchSize: 3, replacement: false }),
    ]) {
      const run = await solve(process, { times: [2], keep: "measures" });
      expect(gap((run.measures![0] as { values: Float64Array }).values, θ)).toBeLessThan(1e-13);
    }
  });

  it("keeps the biases of the start, whatever they are, in the population gradient and under noise and confinement too", async () => {
    const problem = { law, unit: affine(tanh(), { trainBias: false }), start: gaussian({ radius: 1, b: 0.7 }) };
    for (const process of [
      gradientDescent(problem, { neurons: 9, stepSize: 0.1 }),
      sgd(
        { ...problem, confinement: { kind: "quadratic", weight: 1, center: 0 } },
        { neurons: 9, stepSize: 0.1, temperature: 0.1 },
      ),
    ]) {
      const run = await solve(process, { times: [1], keep: "measures" });
      const { values, shape } = run.measures![0] as { values: Float64Array; shape: [number, number] };
      for (let i = 0; i < 9; i++) expect(values[i * shape[1] + 1]).toBe(0.7);
      expect(values[0]).not.toBe(1);
    }
    const flow = await solve(radialFlow(problem), {
      times: [0.5],
      observe: { b: { kind: "moments", coordinate: "b", order: 2 } },
    });
    expect(Array.from(flow.observables.b!.values)).toEqual([0.7, 0.7 * 0.7].map((v) => expect.closeTo(v, 12)));
  });
});
