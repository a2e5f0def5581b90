import { describe, expect, test } from "vitest";
import { type Activation, piecewiseLinear, relu, tanh } from "../../src/model/activation";
import { type RadialLaw, type RadialOperator, type RadialUnit, radialOperator } from "../../src/model/radial";
import { type DrawnStart, lawNodes, startLaws, startQuadrature } from "../../src/model/radialStart";
import { Characteristics } from "../../src/process/radial/characteristics";
import reference from "../reference/radial.json";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const ridge = (activation: Activation): RadialUnit => ({ kind: "ridge", activation });
const affine = (activation: Activation): RadialUnit => ({ kind: "affine", activation });

function flow(
  law: RadialLaw,
  unit: RadialUnit,
  start: DrawnStart,
  count: number,
  tolerance = 1e-7,
  options: { frozen?: boolean[]; maxStep?: number } = {},
) {
  const operator = radialOperator(law, unit);
  const { points, weights } = startQuadrature(startLaws(law, start, operator.coordinates), count);
  return new Characteristics(operator, points, weights, tolerance, options);
}

function riskAt({ operator, weights }: Characteristics, values: Float64Array): number {
  return operator.risk(momentsAt(operator, weights, values));
}

function momentsAt(operator: RadialOperator, weights: Float64Array, values: Float64Array): Float64Array {
  const features = new Float64Array(weights.length * operator.stride);
  const C = new Float64Array(operator.rank);
  operator.evaluate(values, weights.length, features);
  operator.moments(values, features, weights, weights.length, C);
  return C;
}

function mean(values: Float64Array, weights: Float64Array, dims: number, axis: number): number {
  return weights.reduce((sum, w, i) => sum + w * values[i * dims + axis]!, 0);
}

// Characteristics of one radius never cross, so the running weight at a node is the distribution function there.
function quantile(values: Float64Array, weights: Float64Array, p: number): number {
  let below = 0;
  for (let i = 0; i < weights.length; i++) {
    const at = below + weights[i]! / 2;
    if (at >= p) {
      const before = below - weights[i - 1]! / 2;
      return values[i - 1]! + ((values[i]! - values[i - 1]!) * (p - before)) / (at - before);
    }
    below += weights[i]!;
  }
  return NaN;
}

const isotropic = () =>
  flow({ dimension: 40, signal: 40, delta: 0.8 }, ridge(figureOne), { kind: "gaussian", radius: 0.8 }, 3000);
const twoRadii = (count: number) =>
  flow({ dimension: 320, signal: 60, delta: 0.5 }, ridge(figureOne), { kind: "gaussian", radius: 0.8 }, count);

test("figure 1 meets the reference", () => {
  const run = isotropic();
  const { t, risk, meanNorm, q05, q50, q95, tolerance } = reference.isotropic;
  t.forEach((time, k) => {
    run.advance(time);
    const values = run.at(time);
    expect(Math.abs(riskAt(run, values) - risk[k]!)).toBeLessThan(tolerance.risk);
    // the mean is given to 7 digits
    expect(Math.abs(mean(values, run.weights, 1, 0) - meanNorm[k]!)).toBeLessThan(2e-6);
    for (const [p, list] of [
      [0.05, q05],
      [0.5, q50],
      [0.95, q95],
    ] as const) {
      const expected = list[k];
      if (expected !== null && expected !== undefined) {
        expect(Math.abs(quantile(values, run.weights, p) - expected)).toBeLessThan(tolerance.quantile);
      }
    }
  });
});

test("two radii meet the reference, with 250 particles as with 2000", () => {
  const { t, risk, meanR1, meanR2, tolerance } = reference.twoRadii;
  for (const count of [250, 2000]) {
    const run = twoRadii(count);
    t.forEach((time, k) => {
      run.advance(time);
      const values = run.at(time);
      expect(Math.abs(riskAt(run, values) - risk[k]!)).toBeLessThan(tolerance.risk);
      expect(Math.abs(mean(values, run.weights, 2, 0) - meanR1[k]!)).toBeLessThan(tolerance.mean);
      expect(Math.abs(mean(values, run.weights, 2, 1) - meanR2[k]!)).toBeLessThan(tolerance.mean);
    });
  }
});

test("figure 4's flow at d = ∞ ends at the best single point of the truncated relu, risk 0.87206", () => {
  const truncated: Activation = { kind: "truncatedRelu" };
  const run = flow(
    { dimension: "infinite", signal: 0.2, delta: 0.5 },
    ridge(truncated),
    { kind: "gaussian", radius: 0.1 },
    1,
  );
  run.advance(200);
  expect(Math.abs(riskAt(run, run.at(200)) - 0.87206)).toBeLessThan(6e-6);
});

describe("the state", () => {
  test("at t is the same bits whichever times were asked for", () => {
    const [once, often] = [twoRadii(250), twoRadii(250)];
    once.advance(3);
    for (let t = 0.01; t < 3; t += 0.173) {
      often.advance(t);
      often.at(t);
    }
    often.advance(3);
    expect(often.at(3)).toEqual(once.at(3));
    expect(often.accepted).toBe(once.accepted);
  });

  test("goes on to the same bits from a saved one, in pieces or at once", () => {
    for (const make of [
      () => twoRadii(250),
      () =>
        flow({ dimension: 320, signal: 320, delta: 0.5 }, ridge(figureTwo), { kind: "gaussian", radius: 0.25 }, 200),
      () =>
        flow(
          { dimension: 40, signal: 9, delta: 0.4 },
          affine(relu()),
          { kind: "gaussian", radius: 0.8, a: 1, b: { mean: 0.2, deviation: 0.4 } },
          300,
        ),
    ]) {
      const [unbroken, broken, resumed] = [make(), make(), make()];
      unbroken.advance(4);
      broken.advance(0.6);
      broken.at(0.6);
      const state = broken.save();
      state.values = state.values.slice();
      while (!broken.advance(2.3, 1));
      resumed.restore(state);
      while (!resumed.advance(4, 3));
      expect(resumed.at(4)).toEqual(unbroken.at(4));
      expect(resumed.accepted).toBe(unbroken.accepted);
    }
  });

  test("does not move frozen output weights", () => {
    const law = { dimension: 40, signal: 9, delta: 0.4 };
    const start: DrawnStart = { kind: "gaussian", radius: 0.8, a: { mean: 1, deviation: 0.2 }, b: 1 };
    const run = flow(law, affine(relu()), start, 200, 1e-7, { frozen: [true, false, false, false] });
    const before = run.at(0);
    run.advance(2);
    const after = run.at(2);
    for (let i = 0; i < after.length; i += 4) expect(after[i]).toBe(before[i]);
    expect(after[1]).not.toBe(before[1]);
  });
});

describe("the flow lowers the risk", () => {
  test.each([
    ["figure 1", { dimension: 40, signal: 40, delta: 0.8 }, ridge(figureOne), { kind: "gaussian", radius: 0.8 }],
    ["tanh, s0 = 2", { dimension: 6, signal: 2, delta: 0.5 }, affine(tanh()), { kind: "gaussian", radius: 1, b: 0.3 }],
    [
      "relu, d = ∞",
      { dimension: "infinite", signal: 0.3, delta: 0.6 },
      affine(relu()),
      { kind: "gaussian", radius: 1 },
    ],
  ] as [string, RadialLaw, RadialUnit, DrawnStart][])("at every step, by ∫|∇Ψ|² ρ (%s)", (_, law, unit, start) => {
    const run = flow(law, unit, start, 40);
    const { operator, weights } = run;
    const dims = operator.coordinates.length;
    let [risk, time] = [run.risk, 0];
    for (let step = 0; step < 30; step++) {
      while (run.accepted === step) run.advance(1e9, 1);
      const next = run.risk;
      expect(next).toBeLessThan(risk + 1e-10);
      // dR/dt = −2 ∫|∇Ψ|² ρ at the middle of the step; the midpoint rule's error is cubic in the step
      const middle = run.values.slice();
      const h = 1e-3;
      const features = new Float64Array(weights.length * operator.stride);
      const gradient = new Float64Array(middle.length);
      operator.evaluate(middle, weights.length, features);
      const C = momentsAt(operator, weights, middle);
      operator.gradient(middle, features, C, weights.length, gradient);
      let speed = 0;
      gradient.forEach((g, i) => void (speed += weights[Math.floor(i / dims)]! * g * g));
      const moved = (sign: number) =>
        riskAt(
          run,
          middle.map((x, i) => x - sign * h * gradient[i]!),
        );
      const slope = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * h);
      expect(Math.abs(slope + 2 * speed)).toBeLessThan(1e-6 * (1 + speed * speed));
      [risk, time] = [next, run.time];
    }
    expect(time).toBeGreaterThan(0);
  });
});

describe("figure 2, s0 = d = 320", () => {
  const start = (radius: number): DrawnStart => ({ kind: "gaussian", radius });
  const law = { dimension: 320, signal: 320, delta: 0.5 };
  const choices: [number, number | undefined][] = [
    [1e-7, undefined],
    [1e-10, undefined],
    [1e-3, undefined],
    [0.1, undefined],
    [0.1, 10],
    [1e-5, 0.02],
    [1e-7, 1e-3],
  ];

  test.each(choices)(
    "from κ = 0.1 all of it collapses onto r = 0 and stays (tolerance %f, maxStep %s)",
    (tol, maxStep) => {
      const run = flow(law, ridge(figureTwo), start(0.1), 300, tol, maxStep === undefined ? {} : { maxStep });
      for (const t of [0.08, 0.3, 1, 2]) {
        run.advance(t);
        const values = run.at(t);
        expect(values.every((r) => r === 0)).toBe(true);
        // all mass at 0: f = σ(0) = −2.5, R = ½ (3.5² + 1.5²)
        expect(riskAt(run, values)).toBeCloseTo(7.25, 12);
      }
    },
  );

  test("long after, too", () => {
    const run = flow(law, ridge(figureTwo), start(0.1), 300);
    run.advance(1e5);
    expect(run.at(1e5).every((r) => r === 0)).toBe(true);
  });

  test.each(choices.slice(0, 5))(
    "from κ = 0.4 the risk falls by two orders (tolerance %f, maxStep %s)",
    (tol, maxStep) => {
      const run = flow(law, ridge(figureTwo), start(0.4), 300, tol, maxStep === undefined ? {} : { maxStep });
      const first = run.risk;
      run.advance(30);
      expect(riskAt(run, run.at(30))).toBeLessThan(first / 100);
    },
  );

  test("a tip that no longer attracts lets its particles go", () => {
    const operator = radialOperator(law, ridge(figureTwo));
    // a tenth at the tip, the rest far out: f is about 2 on both signs, and the tip pushes outwards
    const run = new Characteristics(operator, Float64Array.of(0, 20), Float64Array.of(0.1, 0.9), 1e-7);
    run.advance(0.01);
    expect(run.at(0.01)[0]).toBeGreaterThan(1e-3);
  });
});

test("two radii collapse onto the tip as one does", () => {
  const run = flow(
    { dimension: 320, signal: 60, delta: 0.5 },
    ridge(figureTwo),
    { kind: "gaussian", radius: 0.1 },
    60,
    1e-4,
  );
  run.advance(0.2);
  const values = run.at(0.2);
  expect(values.every((r) => r === 0)).toBe(true);
  run.advance(50);
  expect(run.at(50).every((r) => r === 0)).toBe(true);
});

describe("start nodes", () => {
  const moment = (rule: { nodes: Float64Array; weights: Float64Array }, power: number) =>
    rule.nodes.reduce((sum, x, i) => sum + rule.weights[i]! * x ** power, 0);
  const law = { dimension: 40, signal: 7, delta: 0.5 };

  test("have the moments of χ: E r1² = κ² s0/d, E r1⁴ = κ⁴ s0(s0+2)/d²", () => {
    for (const n of [16, 40, 100, 1000]) {
      const [r1, r2] = startLaws(law, { kind: "gaussian", radius: 0.8 }, ["r1", "r2"]).map((x) => lawNodes(x, n));
      const digits = n < 30 ? 5 : 9;
      expect(moment(r1!, 2)).toBeCloseTo((0.64 * 7) / 40, digits);
      expect(moment(r1!, 4)).toBeCloseTo((0.64 ** 2 * 7 * 9) / 1600, digits);
      expect(moment(r2!, 2)).toBeCloseTo((0.64 * 33) / 40, digits);
    }
  });

  test("have the moments of normal, cut normal and uniform laws", () => {
    const start: DrawnStart = {
      kind: "radii",
      r1: { from: 0.5, to: 2 },
      r2: { mean: 3, deviation: 0.2 },
      a: { mean: -1, deviation: 0.5 },
    };
    const [a, b, r1, r2] = startLaws(law, start, ["a", "b", "r1", "r2"]).map((x) => lawNodes(x, 400));
    expect(moment(a!, 1)).toBeCloseTo(-1, 12);
    expect(moment(a!, 2)).toBeCloseTo(1.25, 12);
    expect(Array.from(b!.nodes)).toEqual([0]);
    // midpoint rule with ends where the density jumps: h²/24 · 2/1.5 = 1e-6
    expect(moment(r1!, 2)).toBeCloseTo((8 - 0.125) / 4.5, 5);
    expect(moment(r2!, 2)).toBeCloseTo(9.04, 12);
  });

  test("of a product are as many as asked for, with weights that sum to 1", () => {
    for (const count of [1, 10, 1000, 5000]) {
      const { weights } = startQuadrature(
        startLaws(law, { kind: "gaussian", radius: 1, b: { mean: 0, deviation: 1 } }, ["a", "b", "r1", "r2"]),
        count,
      );
      expect(weights.length).toBeLessThanOrEqual(Math.max(8, 1.1 * count));
      expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 13);
    }
  });
});
