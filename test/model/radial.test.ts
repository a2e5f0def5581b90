import { describe, expect, test } from "vitest";
import { type Activation, erf, piecewiseLinear, relu, silu, tanh, truncatedRelu } from "../../src/model/activation";
import { hermiteCoefficients } from "../../src/model/hermite";
import { type RadialLaw, type RadialOperator, radialOperator, sphereMoments } from "../../src/model/radial";
import { radialPotentialByQuadrature, radialPrediction } from "../../src/model/radialQuadrature";
import { affine as affineUnit, ridge, type Unit } from "../../src/model/unit";
import reference from "../reference/kernels.json";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);

const laws: [string, RadialLaw][] = [
  ["s0 = d = 12", { dimension: 12, signal: 12, delta: 0.8 }],
  ["s0 = 9, d = 40", { dimension: 40, signal: 9, delta: 0.5 }],
  ["s0 = d = ∞", { dimension: "infinite", signal: 1, delta: 0.8 }],
  ["γ = 0.2, d = ∞", { dimension: "infinite", signal: 0.2, delta: 0.5 }],
];

// Six weighted particles of the operator's coordinates, away from special places.
function sample(operator: RadialOperator) {
  const values: number[] = [];
  for (let i = 0; i < 6; i++) {
    for (const name of operator.coordinates) {
      if (name === "a") values.push(0.4 + 0.3 * i);
      else if (name === "b") values.push(0.5 - 0.23 * i);
      else values.push(name === "r1" ? 0.2 + 0.31 * i : 1.9 - 0.27 * i);
    }
  }
  const weights = Float64Array.of(0.1, 0.2, 0.3, 0.15, 0.05, 0.2);
  return { values: Float64Array.from(values), weights };
}

function potentialAt(operator: RadialOperator, C: Float64Array, point: Float64Array): number {
  const features = new Float64Array(operator.stride);
  const out = new Float64Array(1);
  operator.evaluate(point, 1, features);
  operator.potential(point, features, C, 1, out);
  return out[0]!;
}

function momentsOf(operator: RadialOperator, values: Float64Array, weights: Float64Array) {
  const features = new Float64Array(weights.length * operator.stride);
  const C = new Float64Array(operator.rank);
  operator.evaluate(values, weights.length, features);
  operator.moments(values, features, weights, weights.length, C);
  return { features, C };
}

const units: [string, (activation: Activation) => Unit][] = [
  ["ridge", ridge],
  ["affine", affineUnit],
];

describe.each(laws)("%s", (_, law) => {
  describe.each(units)("%s units", (_, unitOf) => {
    test.each([
      ["figure 1", figureOne],
      ["relu", relu()],
      ["silu", silu()],
    ])("potential and risk are the direct quadrature's (%s)", (_, activation) => {
      const unit = unitOf(activation);
      const operator = radialOperator(law, unit, { degree: 24 });
      const { values, weights } = sample(operator);
      const { features, C } = momentsOf(operator, values, weights);
      const potential = new Float64Array(weights.length);
      operator.potential(values, features, C, weights.length, potential);
      const smooth = activation.kind === "silu";
      const direct = radialPotentialByQuadrature(law, unit, { values, weights }, values, smooth ? 28 : 48);
      // the series leaves m_26 = 9e-8 in 9 dimensions times what σ has beyond, a few units; the quadrature 3e-6 for silu
      const tolerance = smooth ? 4e-6 : 1e-6;
      potential.forEach((x, i) => void expect(Math.abs(x - direct.potential[i]!)).toBeLessThan(tolerance));
      expect(Math.abs(operator.risk(C) - direct.risk)).toBeLessThan(tolerance);
    });

    test.each([
      ["figure 1", figureOne],
      ["figure 2", figureTwo],
      ["tanh", tanh()],
    ])("the gradient is the derivative of the potential (%s)", (_, activation) => {
      const operator = radialOperator(law, unitOf(activation), { degree: 10 });
      const { values, weights } = sample(operator);
      const { features, C } = momentsOf(operator, values, weights);
      const gradient = new Float64Array(values.length);
      operator.gradient(values, features, C, weights.length, gradient);
      const dims = operator.coordinates.length;
      const h = 1e-4;
      for (let i = 0; i < values.length; i++) {
        const point = values.slice(i - (i % dims), i - (i % dims) + dims);
        const moved = (step: number) => {
          const copy = point.slice();
          copy[i % dims]! += step;
          return potentialAt(operator, C, copy);
        };
        const slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
        // fourth-order differences: h⁴ and round-off 1e-15/h
        expect(Math.abs(gradient[i]! - slope)).toBeLessThan(1e-9);
      }
    });

    test("the potential is half the derivative of the risk in the weights", () => {
      const operator = radialOperator(law, unitOf(figureOne), { degree: 8 });
      const { values, weights } = sample(operator);
      const { features, C } = momentsOf(operator, values, weights);
      const potential = new Float64Array(weights.length);
      operator.potential(values, features, C, weights.length, potential);
      weights.forEach((_, i) => {
        const risk = (step: number) => {
          const moved = weights.slice();
          moved[i]! += step;
          return operator.risk(momentsOf(operator, values, moved).C);
        };
        // the risk is quadratic in the weights, so central differences are exact
        expect(potential[i]).toBeCloseTo((risk(0.1) - risk(-0.1)) / 0.4, 12);
      });
    });

    test("the table of a grid holds the same features", () => {
      const operator = radialOperator(law, unitOf(figureOne), { degree: 8 });
      const { values, weights } = sample(operator);
      const { features, C } = momentsOf(operator, values, weights);
      const table = new Float64Array(weights.length * operator.rank);
      operator.table(features, weights.length, table);
      const dims = operator.coordinates.length;
      for (let c = 0; c < operator.rank; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          const a = operator.coordinates[0] === "a" ? values[i * dims]! : 1;
          sum += weights[i]! * a * table[i * operator.rank + c]!;
        }
        expect(sum).toBeCloseTo(C[c]!, 13);
      }
    });
  });
});

test("the affine relu potentials of the reference are those of the operator", () => {
  const { neuron1, V1 } = reference.reluPotentials;
  const operator = radialOperator({ dimension: 4, signal: 2, delta: 0.5 }, affineUnit(relu()));
  const zero = new Float64Array(operator.rank);
  const [w1, w2, w3, w4] = neuron1.w as [number, number, number, number];
  const at = (b: number) => Float64Array.of(neuron1.a, b, Math.hypot(w1, w2), Math.hypot(w3, w4));
  expect(potentialAt(operator, zero, at(0))).toBeCloseTo(V1, 10);
  expect(potentialAt(operator, zero, at(0.3))).toBeCloseTo(reference.reluPotentials["V1WithBias0.3"], 10);
});

test("the default degree leaves less than its tolerance, and says what it leaves where it cannot", () => {
  expect(radialOperator({ dimension: 40, signal: 40, delta: 0.8 }, ridge(figureOne)).remainder).toBeLessThan(1e-7);
  expect(radialOperator({ dimension: 320, signal: 60, delta: 0.5 }, ridge(figureOne)).remainder).toBeLessThan(1e-7);
  const hard = radialOperator({ dimension: 4, signal: 2, delta: 0.5 }, ridge(figureOne));
  expect(hard.degree).toBe(24);
  expect(hard.remainder).toBeGreaterThan(1e-7);
});

test("sphere moments are 1, 1/d, 3/(d(d+2)), and 1 on S⁰", () => {
  sphereMoments(5, 4).forEach((m, i) => void expect(m).toBeCloseTo([1, 1 / 5, 3 / 35][i]!, 15));
  expect(Array.from(sphereMoments(1, 6))).toEqual([1, 1, 1, 1]);
});

describe("infinite dimension", () => {
  // theory §5, figure 4: inf R over single points, and the start's risk of the theorem.
  const unit = ridge(truncatedRelu());
  const risk = (operator: RadialOperator, r1: number, r2: number) =>
    operator.risk(momentsOf(operator, Float64Array.of(r1, r2), Float64Array.of(1)).C);

  test.each([
    [0.5, 0.87206],
    [0.8, 0.76601],
  ])("the best single point of the truncated relu has the paper's risk at Δ = %f", (delta, expected) => {
    const operator = radialOperator({ dimension: "infinite", signal: 0.5, delta }, unit);
    let [best, r1, r2, step] = [Infinity, 1, 1, 0.5];
    while (step > 1e-6) {
      const before = best;
      for (const [p, q] of [
        [r1, r2],
        [r1 + step, r2],
        [Math.max(0, r1 - step), r2],
        [r1, r2 + step],
        [r1, Math.max(0, r2 - step)],
        [r1 + step, r2 + step],
        [Math.max(0, r1 - step), Math.max(0, r2 - step)],
      ] as const) {
        const R = risk(operator, p, q);
        if (R < best) [best, r1, r2] = [R, p, q];
      }
      if (best === before) step /= 2;
    }
    expect(Math.abs(best - expected)).toBeLessThan(6e-6);
  });

  test("the start κ = 0.1 of figure 4 has risk 0.994", () => {
    const operator = radialOperator({ dimension: "infinite", signal: 0.2, delta: 0.5 }, unit);
    expect(risk(operator, 0.1 * Math.sqrt(0.2), 0.1 * Math.sqrt(0.8))).toBeCloseTo(0.994, 3);
  });

  test("is the limit of finite dimensions at rate 1/d", () => {
    const limit = radialOperator({ dimension: "infinite", signal: 0.25, delta: 0.5 }, ridge(figureOne));
    const { values, weights } = sample(limit);
    const target = limit.risk(momentsOf(limit, values, weights).C);
    const gap = (d: number) => {
      const operator = radialOperator({ dimension: d, signal: d / 4, delta: 0.5 }, ridge(figureOne));
      return operator.risk(momentsOf(operator, values, weights).C) - target;
    };
    expect(gap(4000) / gap(8000)).toBeCloseTo(2, 2);
  });
});

describe("the tip r = 0", () => {
  test("of a kinked unit has the one-sided slope", () => {
    const operator = radialOperator({ dimension: 20, signal: 20, delta: 0.5 }, ridge(figureTwo), { degree: 10 });
    expect(operator.coneTip).toBe(true);
    const { C } = momentsOf(operator, Float64Array.of(0.3, 0.8), Float64Array.of(0.5, 0.5));
    const features = new Float64Array(operator.stride);
    const gradient = new Float64Array(1);
    operator.evaluate(Float64Array.of(0), 1, features);
    operator.gradient(Float64Array.of(0), features, C, 1, gradient);
    const h = 1e-6;
    const slope = (potentialAt(operator, C, Float64Array.of(h)) - potentialAt(operator, C, Float64Array.of(0))) / h;
    expect(gradient[0]).toBeCloseTo(slope, 5);
    expect(Math.abs(slope)).toBeGreaterThan(0.1);
  });

  test("is flat for a smooth unit and for kinks elsewhere", () => {
    for (const activation of [tanh(), erf(), figureOne]) {
      const operator = radialOperator({ dimension: 40, signal: 9, delta: 0.5 }, ridge(activation));
      expect(operator.coneTip).toBe(false);
      const { C } = momentsOf(operator, Float64Array.of(0.3, 0.8), Float64Array.of(1));
      const features = new Float64Array(operator.stride);
      const gradient = new Float64Array(2);
      operator.evaluate(new Float64Array(2), 1, features);
      operator.gradient(new Float64Array(2), features, C, 1, gradient);
      expect(Math.hypot(gradient[0]!, gradient[1]!)).toBeLessThan(1e-15);
    }
  });

  test("of two radii leads down the steepest direction, or nowhere when it attracts", () => {
    const operator = radialOperator({ dimension: 40, signal: 9, delta: 0.5 }, ridge(figureTwo));
    const gradientAt = (C: Float64Array, point: Float64Array) => {
      const features = new Float64Array(operator.stride);
      const gradient = new Float64Array(2);
      operator.evaluate(point, 1, features);
      operator.gradient(point, features, C, 1, gradient);
      return gradient;
    };
    // all mass at the tip: f = σ(0) = −2.5, and Ψ grows in every direction
    const collapsed = momentsOf(operator, new Float64Array(2), Float64Array.of(1)).C;
    expect(Array.from(gradientAt(collapsed, new Float64Array(2)))).toEqual([0, 0]);
    // all mass far out: f > 1, and it shrinks
    const spread = momentsOf(operator, Float64Array.of(6, 6), Float64Array.of(1)).C;
    const gradient = gradientAt(spread, new Float64Array(2));
    const length = Math.hypot(gradient[0]!, gradient[1]!);
    expect(length).toBeGreaterThan(0.1);
    const h = 1e-7;
    const moved = Float64Array.of((-h * gradient[0]!) / length, (-h * gradient[1]!) / length);
    const fall = (potentialAt(operator, spread, moved) - potentialAt(operator, spread, new Float64Array(2))) / h;
    expect(fall).toBeCloseTo(-length, 4);
  });
});

describe("predictions", () => {
  test("average to the linear moment of the operator over the inputs", () => {
    // E_s f(s) of the + sign is C_0 of the + sign; χ_12 by 400 equal probabilities would do, a point law of x does exactly:
    // at d = ∞ the input norms are 1 ± Δ, and f = C_0.
    const law = { dimension: "infinite", signal: 0.2, delta: 0.5 } as const;
    const operator = radialOperator(law, ridge(tanh()));
    const shifted = radialOperator(law, ridge(silu()));
    for (const [op, activation] of [
      [operator, tanh()],
      [shifted, silu()],
    ] as const) {
      const { values, weights } = sample(op);
      const { C } = momentsOf(op, values, weights);
      const f = radialPrediction(law, ridge(activation), { values, weights }, Float64Array.of(1.5, 1, 0.5, 1));
      expect(f[0]).toBeCloseTo(C[0]!, 12);
      expect(f[1]).toBeCloseTo(C[1]!, 12);
    }
  });

  test("on the real line (d = 1) are the mean of σ(±r|x|)", () => {
    const law = { dimension: 1, signal: 1, delta: 0.5 };
    const points = { values: Float64Array.of(0.7, 1.3), weights: Float64Array.of(0.25, 0.75) };
    const f = radialPrediction(law, ridge(relu()), points, Float64Array.of(2));
    expect(f[0]).toBeCloseTo(0.25 * 0.7 + 0.75 * 1.3, 14);
  });

  test("in high dimension approach the Gaussian average", () => {
    const d = 100_000;
    const law = { dimension: d, signal: d, delta: 0.5 };
    const points = { values: Float64Array.of(1.3), weights: Float64Array.of(1) };
    const f = radialPrediction(law, ridge(erf()), points, Float64Array.of(Math.sqrt(d)));
    expect(f[0]).toBeCloseTo(hermiteCoefficients(erf(), 0, 1.3)[0]!, 5);
  });
});
