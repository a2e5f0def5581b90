// Free energies of laws on cells, against closed forms of Gaussian laws and against differences.

import { describe, expect, test } from "vitest";
import { normalCdf } from "../../src/engine/math";
import {
  dataset,
  gaussian,
  gridMeasure,
  identity,
  noExamples,
  parseProblem,
  quadratic,
  ridge,
  tanh,
} from "../../src/index";
import { problemEnergy } from "../../src/measure/cellEnergy";
import { atMiddles, cellsOf, equalEdges, finish, Sum } from "../../src/measure/cells";
import { dissipationOf, entropyOf, freeEnergyOf } from "../../src/measure/freeEnergy";
import { marginal } from "../../src/measure/measure";
import { ScharfetterGummel } from "../../src/process/fokkerPlanck/scharfetterGummel";

const total = (m: Float64Array): number => m.reduce((sum, x) => sum + x, 0);

/** Edges that are denser in the middle: x = u + u³/2 of equal u. */
const stretched = (n: number, reach: number): Float64Array => equalEdges(-reach, reach, n).map((u) => u + u ** 3 / 2);

/** Masses of N(mean, deviation²), exact. */
const normal = (edges: Float64Array, mean: number, deviation: number): Float64Array => {
  const u = edges.map((x) => (x - mean) / deviation);
  return u.subarray(1).map((b, i) => (u[i]! > 0 ? normalCdf(-u[i]!) - normalCdf(-b) : normalCdf(b) - normalCdf(u[i]!)));
};

const scaled = (m: Float64Array): Float64Array => m.map((x) => x / total(m));

const orders = (errors: number[]): number[] => errors.slice(1).map((e, i) => Math.log2(errors[i]! / e));

describe("of a Gaussian law N(m, v) with U = κx²/2 and F = (m − c)²/2, on unequal cells", () => {
  const [m, v, kappa, c, tau] = [0.3, 0.49, 1.7, 1.2, 0.4];
  const problem = parseProblem({
    law: dataset({ x: [[1]], y: [c] }),
    unit: ridge(identity()),
    start: gaussian({ radius: 1 }),
    confinement: quadratic(kappa),
  });
  const measure = (n: number) => {
    const edges = [stretched(n, 2)];
    return gridMeasure({ coordinates: "theta", edges, masses: scaled(normal(edges[0]!, m, Math.sqrt(v))) });
  };

  test("the entropy is −½ log(2πe v), to the square of the cells' length", () => {
    const exact = -0.5 * Math.log(2 * Math.PI * Math.E * v);
    const errors = [40, 80, 160].map((n) => Math.abs(entropyOf(measure(n)) - exact));
    for (const order of orders(errors)) expect(order).toBeGreaterThan(1.9);
    expect(errors[2]).toBeLessThan(1e-3);
  });

  test("the free energy and the dissipation are those of the closed form, to the same order", () => {
    const freeEnergy = (m - c) ** 2 / 2 + (kappa * (m * m + v)) / 2 - (tau / 2) * Math.log(2 * Math.PI * Math.E * v);
    // E|(m − c) + κx − τ(x − m)/v|²
    const dissipation = (m - c + kappa * m) ** 2 + (kappa - tau / v) ** 2 * v;
    const [F, D] = [
      [40, 80, 160].map((n) => Math.abs(freeEnergyOf(measure(n), problem, tau).value - freeEnergy)),
      [40, 80, 160].map((n) => Math.abs(dissipationOf(measure(n), problem, tau) - dissipation)),
    ];
    for (const order of [...orders(F!), ...orders(D!)]) expect(order).toBeGreaterThan(1.85);
    expect(F![2]).toBeLessThan(1e-3);
    expect(D![2]).toBeLessThan(5e-3);
  });

  test("the parts add up", () => {
    const parts = freeEnergyOf(measure(80), problem, tau);
    expect(parts.energy + parts.confinement + tau * parts.entropy).toBeCloseTo(parts.value, 14);
    expect(parts.entropy).toBe(entropyOf(measure(80)));
  });

  test("in two parameters they are the sums of those of the marginals, F aside", () => {
    const plane = parseProblem({ ...problem, law: noExamples(2) });
    const line = parseProblem({ ...problem, law: noExamples(1) });
    const edges = [stretched(30, 2), stretched(44, 2.1)];
    const [a, b] = [scaled(normal(edges[0]!, m, 0.7)), scaled(normal(edges[1]!, -0.2, 0.5))];
    const masses = Float64Array.from({ length: 30 * 44 }, (_, i) => a[Math.floor(i / 44)]! * b[i % 44]!);
    const both = gridMeasure({ coordinates: "theta", edges, masses });
    const alone = [0, 1].map((axis) => {
      const law = marginal(both, axis) as { masses: Float64Array };
      return gridMeasure({ coordinates: "theta", edges: [edges[axis]!], masses: law.masses });
    });
    for (const value of [
      (on: typeof both, of: typeof line) => freeEnergyOf(on, of, tau).value,
      (on: typeof both, of: typeof line) => dissipationOf(on, of, tau),
    ]) {
      // sums of a thousand terms
      expect(Math.abs(value(both, plane) - value(alone[0]!, line) - value(alone[1]!, line))).toBeLessThan(1e-12);
    }
  });
});

describe.each([
  ["squared", 1],
  ["squared", 2],
  ["logistic", 1],
  ["logistic", 2],
] as const)("the energy of the %s loss on a grid in %d parameters", (loss, d) => {
  const sign = loss === "logistic" ? [1, -1, 1] : [0.4, -1.3, 0.7];
  const problem = parseProblem({
    law: dataset({ x: [0.7, -1.1, 2].map((x, q) => [x, 0.3 * q].slice(0, d)), y: sign, weights: [1, 2, 3] }),
    unit: ridge(tanh()),
    loss,
    start: gaussian({ radius: 1 }),
  });
  const cells = cellsOf(Array.from({ length: d }, (_, j) => equalEdges(-2, 1.5 + j, 12)));
  const energy = problemEnergy(problem, cells);
  const masses = scaled(atMiddles(cells, (w) => Math.exp(-((w[0]! - 0.3) ** 2) - 2 * (w[1] ?? 0) ** 2)));

  test("is E ℓ", () => {
    const { x, y, weights } = problem.law as ReturnType<typeof dataset>;
    let expected = 0;
    for (let q = 0; q < 3; q++) {
      const units = atMiddles(cells, (w) => Math.tanh(w.reduce((sum, one, j) => sum + one * x.data[q * d + j]!, 0)));
      const f = masses.reduce((sum, m, i) => sum + m * units[i]!, 0);
      const label = y.data[q]!;
      expected += weights!.data[q]! * (loss === "squared" ? (f - label) ** 2 / 2 : Math.log(1 + Math.exp(-label * f)));
    }
    expect(finish(energy.evaluate(masses, new Float64Array(cells.size)))).toBeCloseTo(expected, 14);
  });

  test("has Ψ as its derivative by each mass", () => {
    const psi = new Float64Array(cells.size);
    finish(energy.evaluate(masses, psi));
    const scratch = new Float64Array(cells.size);
    for (const i of [0, 5, cells.size - 1]) {
      const at = (step: number) => {
        const moved = masses.slice();
        moved[i]! += step;
        return finish(energy.evaluate(moved, scratch));
      };
      // central differences of step h, extrapolated once: h⁴ and 1e-16/h
      const [h, slope] = [1e-2, (step: number) => (at(step) - at(-step)) / (2 * step)];
      expect(Math.abs((4 * slope(h / 2) - slope(h)) / 3 - psi[i]!)).toBeLessThan(1e-9);
    }
  });
});

test("the dissipation is the rate at which the cells' own flow lowers the free energy", () => {
  const problem = parseProblem({
    law: dataset({
      x: [
        [0.7, 0.1],
        [-1, 2],
      ],
      y: [0.4, -1],
    }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 1 }),
    confinement: quadratic(0.8),
  });
  const tau = 0.3;
  const edges = [equalEdges(-2, 2, 9), equalEdges(-2, 3, 7)];
  const cells = cellsOf(edges);
  // rough on purpose: the identity is that of the cells, whatever they resolve
  const masses = scaled(atMiddles(cells, (w) => 1.1 + Math.sin(9 * w[0]! + 5 * w[1]!)));
  const scheme = new ScharfetterGummel(cells, tau);
  const psi = new Float64Array(cells.size);
  finish(problemEnergy(problem, cells).evaluate(masses, psi));
  const rates = scheme.rates();
  finish(
    scheme.fit(
      psi.map((p, i) => p + 0.4 * atMiddles(cells, (w) => w[0]! ** 2 + w[1]! ** 2)[i]!),
      rates,
    ),
  );
  const value = (m: Float64Array) =>
    freeEnergyOf(gridMeasure({ coordinates: "theta", edges, masses: m }), problem, tau).value;
  const slope = (dt: number) => {
    const out = new Float64Array(cells.size);
    finish(scheme.eulerStep(masses, rates, dt, out));
    return (value(masses) - value(out)) / dt;
  };
  // one-sided differences of step h, extrapolated twice: h³ against 1e-16/h
  const h = 1e-4;
  const [a, b, c] = [slope(h), slope(h / 2), slope(h / 4)];
  const extrapolated = (8 * c - 6 * b + a) / 3;
  const D = dissipationOf(gridMeasure({ coordinates: "theta", edges, masses }), problem, tau);
  expect(Math.abs(extrapolated / D - 1)).toBeLessThan(1e-6);
});

describe("at the edge of the numbers", () => {
  const problem = parseProblem({
    law: noExamples(1),
    unit: ridge(identity()),
    start: gaussian({ radius: 1 }),
    confinement: quadratic(1),
  });
  const on = (masses: number[]) =>
    gridMeasure({ coordinates: "theta", edges: [equalEdges(-1, 1, masses.length)], masses: Float64Array.from(masses) });

  test("an empty cell has entropy 0, and infinite dissipation beside a full one", () => {
    expect(entropyOf(on([0, 1, 0, 0]))).toBeCloseTo(Math.log(2), 15);
    expect(dissipationOf(on([0, 1, 0, 0]), problem, 0.1)).toBe(Infinity);
  });

  test("tails that leave the range of numbers carry nothing", () => {
    const smooth = [0.5, 0.5, 1e-320, 0];
    expect(dissipationOf(on(smooth), problem, 0.1)).toBeLessThan(Infinity);
    expect(dissipationOf(on([0, 1e-150, 0.5, 0.5]), problem, 0.1)).toBeLessThan(Infinity);
  });

  test("a sum keeps what ordinary addition loses", () => {
    const sum = new Sum();
    for (const x of [1, 1e100, 1, -1e100]) sum.add(x);
    expect(sum.value).toBe(2);
  });
});
