// Quadratures of starts: their moments are those of the law, exactly where a Gauss rule is.

import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { densityStart, gaussian, particles, radii, type Start } from "../../src/model/start";
import { startQuadrature } from "../../src/model/startQuadrature";
import { tensor } from "../../src/model/tensor";
import { affine, ridge, type Unit } from "../../src/model/unit";

const law = (d: number) => dataset({ x: tensor(new Float64Array(d).fill(1), [1, d]), y: [1] });
const ruleOf = (unit: Unit, d: number, start: Start, count: number) =>
  startQuadrature(parseProblem({ law: law(d), unit, start }), count);

/** E of a function of a row. */
function mean(rule: ReturnType<typeof startQuadrature>, phi: (theta: Float64Array) => number): number {
  const D = rule.theta.length / rule.masses.length;
  return rule.masses.reduce((sum, m, i) => sum + m * phi(rule.theta.subarray(i * D, (i + 1) * D)), 0);
}

const total = (rule: { masses: Float64Array }) => rule.masses.reduce((a, b) => a + b, 0);

describe("a Gauss rule", () => {
  test("of one normal is exact for high moments, nodes of no mass left out", () => {
    const rule = ruleOf(ridge(tanh()), 1, gaussian({ w: { mean: 0.5, deviation: 2 } }), 200);
    expect(rule.masses.length).toBeLessThan(200);
    expect(rule.masses.every((m) => m > 0)).toBe(true);
    // E (w − ½)^8 = 105 · 2^8; round-off of a sum of terms up to 1e5, and 1e-20 left out at (w − ½)^8 of 1e9 at most
    expect(Math.abs(mean(rule, (w) => (w[0]! - 0.5) ** 8) / (105 * 256) - 1)).toBeLessThan(1e-10);
    expect(Math.abs(total(rule) - 1)).toBeLessThan(1e-14);
  });

  test("of two, in a and w with b given, has the moments of the product", () => {
    const start = gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 1, deviation: 0.5 }, b: 0.25 });
    const rule = ruleOf(affine(tanh()), 1, start, 400);
    expect(rule.method).toMatch(/^Gauss quadrature/);
    expect(Math.abs(mean(rule, ([a, , w]) => a! * a! * w! ** 4) - 1.25 * 3)).toBeLessThan(1e-12);
    expect(rule.theta.filter((_, i) => i % 3 === 1).every((b) => b === 0.25)).toBe(true);
  });
});

test("Sobol points have the moments of independent normals to N^−1 and better", () => {
  const start = gaussian({ radius: 2, a: { mean: 0, deviation: 1 }, b: { mean: -1, deviation: 1 } });
  const rule = ruleOf(affine(tanh()), 2, start, 4096);
  expect(rule.method).toBe("Sobol points, 4096 particles");
  // variances of 4096 draws would be off by 0.02 to 0.05
  expect(Math.abs(mean(rule, ([a]) => a! * a!) - 1)).toBeLessThan(3e-3);
  expect(Math.abs(mean(rule, ([, b]) => (b! + 1) ** 2) - 1)).toBeLessThan(3e-3);
  expect(Math.abs(mean(rule, ([, , u, v]) => u! * u! + v! * v!) - 4)).toBeLessThan(1e-2);
  expect(Math.abs(mean(rule, ([a, , , v]) => a! * v!))).toBeLessThan(5e-3);
});

test("radii and directions are those of the start", () => {
  const problem = parseProblem({
    law: anisotropicGaussians({ dimension: 3, signal: 2, delta: 0.5 }),
    unit: ridge(tanh()),
    start: radii({ r1: { from: 1, to: 2 }, r2: 0.5 }),
  });
  const rule = startQuadrature(problem, 1024);
  // a uniform radius in [1, 2]: E r² = 7/3
  expect(Math.abs(mean(rule, ([x, y]) => x! * x! + y! * y!) - 7 / 3)).toBeLessThan(3e-3);
  expect(Math.abs(mean(rule, ([, , z]) => z! * z!) - 0.25)).toBeLessThan(1e-14);
  expect(Math.abs(mean(rule, ([x, y]) => x! * y!))).toBeLessThan(1e-2);
});

describe("a density on a grid", () => {
  test("has its moments exactly: cells without mass have no points", () => {
    const rule = ruleOf(ridge(tanh()), 1, densityStart({ edges: [[-1, 0, 0.5, 2]], masses: [1, 0, 3] }), 10);
    // ¼ of [−1, 0], ¾ of [½, 2]: E w³ = ¼ (−¼) + ¾ (16 − 1/16)/(4 · 1.5)
    expect(rule.masses).toHaveLength(10);
    expect(Math.abs(mean(rule, ([w]) => w! ** 3) - (-1 / 16 + (0.75 * (16 - 1 / 16)) / 6))).toBeLessThan(1e-14);
    expect(rule.theta.some((w) => w > 0 && w < 0.5)).toBe(false);
  });

  test("of two parameters, row by row", () => {
    const start = densityStart({
      edges: [
        [0, 1, 3],
        [-2, 0, 1],
      ],
      masses: tensor([
        [1, 0],
        [2, 1],
      ]),
    });
    const rule = ruleOf(ridge(tanh()), 2, start, 30);
    // means of the cells: (½, −1) of mass ¼, (2, −1) of ½, (2, ½) of ¼
    expect(Math.abs(mean(rule, ([x]) => x!) - (0.125 + 1 + 0.5))).toBeLessThan(1e-14);
    expect(Math.abs(mean(rule, ([x, y]) => x! * y!) - (-0.125 - 1 + 0.25))).toBeLessThan(1e-14);
  });

  test("with more cells than particles has one a cell", () => {
    const rule = ruleOf(ridge(tanh()), 1, densityStart({ edges: [[0, 1, 2, 3]], masses: [1, 1, 1] }), 2);
    expect(Array.from(rule.theta)).toEqual([0.5, 1.5, 2.5]);
  });
});

test("given particles are themselves, a single point one", () => {
  const given = ruleOf(ridge(tanh()), 1, particles([[1], [2], [4]]), 1000);
  expect([Array.from(given.theta), Array.from(given.masses)]).toEqual([
    [1, 2, 4],
    [1 / 3, 1 / 3, 1 / 3],
  ]);
  const point = ruleOf(affine(tanh()), 1, gaussian({ w: 0.5 }), 1000);
  expect([Array.from(point.theta), Array.from(point.masses)]).toEqual([[1, 0, 0.5], [1]]);
});

test("a start of more normals than there are Sobol dimensions is a SpecError with the remedy", () => {
  expect(() => ruleOf(ridge(tanh()), 513, gaussian({ radius: 1 }), 64)).toThrow(SpecError);
  expect(() => ruleOf(ridge(tanh()), 513, gaussian({ radius: 1 }), 64)).toThrow(/reference: "sample"/);
});
