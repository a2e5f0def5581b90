// The problem whose infimum is known, behind the figures gamma-limit and excess-risk.

import { describe, expect, it } from "vitest";
import { parabolaProblem, stationaryExcess, TARGET_NAMES, TARGETS } from "../../src/study/figures/parabola";

describe.each(TARGET_NAMES)("labels %s", (name) => {
  const { labels, infimum } = TARGETS[name];
  const [y1, y2] = labels;
  const point = (w: number) => [Math.cos(w), Math.cos(2 * w)] as const;
  const circle = Array.from({ length: 1000 }, (_, k) => (2 * Math.PI * k) / 1000);

  it("have the infimum that is stated", () => {
    if (name === "inside") {
      // above the parabola and below the chord y₂ = 1: the hull of the curve
      expect(y2).toBeGreaterThan(2 * y1 * y1 - 1);
      expect(y2).toBeLessThan(1);
      expect(infimum).toBe(0);
      return;
    }
    // attained at cos w = ½, and by no other law: the line through that point, square to what is missing, has the curve on one
    // side. R is half the square of the distance, as there are two inputs.
    const [a, b] = point(Math.PI / 3);
    expect(((y1 - a) * (y1 - a) + (y2 - b) * (y2 - b)) / 2).toBeCloseTo(infimum, 15);
    const normal = name === "outside" ? [y1 - a, y2 - b] : [2, -1];
    for (const w of circle) {
      const [u, v] = point(w);
      expect(normal[0]! * (u - a) + normal[1]! * (v - b)).toBeLessThanOrEqual(1e-15);
    }
  });
});

it("the stationary law is a product: in two dimensions at τ it has the risk of one at 2τ", async () => {
  const cells = 96;
  for (const temperature of [0.02, 0.3]) {
    const two = await stationaryExcess("outside", { dimension: 2, temperature, cells, signal: undefined });
    const one = await stationaryExcess("outside", {
      dimension: 1,
      temperature: 2 * temperature,
      cells,
      signal: undefined,
    });
    // both solve the same equations; the residual of the first-order condition is 10⁻⁵ at most, and enters with its square
    expect(two.risk / one.risk).toBeCloseTo(1, 5);
    expect(two.freeEnergy / one.freeEnergy).toBeCloseTo(1, 8);
    expect(Math.max(one.residual, two.residual)).toBeLessThanOrEqual(1e-5);
  }
});

it("the free energy is relative to N(0, I): the energy and a divergence that is not negative", async () => {
  // at a high temperature m* is N(0, 1), whose cosines have the means e^{−1/2} and e^{−2}
  const hot = await stationaryExcess("edge", { dimension: 1, temperature: 1e4, cells: 512, signal: undefined });
  const [y1, y2] = TARGETS.edge.labels;
  const f = [Math.exp(-0.5), Math.exp(-2)];
  const expected = ((y1 - f[0]!) * (y1 - f[0]!) + (y2 - f[1]!) * (y2 - f[1]!)) / 2;
  // what N(0, 1) has beyond 7 deviations, and corrections of the order 1/τ
  expect(hot.risk).toBeCloseTo(expected, 4);
  expect(hot.freeEnergy).toBeCloseTo(expected / 2, 4);
});

it("the problem in D dimensions has the labels along every axis", () => {
  const { law } = parabolaProblem("outside", 3, 0.1);
  if (law.kind !== "dataset") throw new Error("a finite law");
  expect(Array.from(law.x.data)).toEqual([1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 2]);
  expect(Array.from(law.y.data)).toEqual([1, -0.75, 1, -0.75, 1, -0.75]);
});
