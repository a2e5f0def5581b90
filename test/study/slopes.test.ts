// How figures show a fitted power law.

import { expect, it } from "vitest";
import { boundExponent, meanAndError, powerLaw, rateCurve, saySlope, slopeText } from "../../src/study/figures/slopes";
import { rate } from "../../src/study/rate";

const x = [1, 10, 100];
const replicas = [
  [2.2, 1.8],
  [0.22, 0.18],
  [0.021, 0.019],
];

it("a curve has means, standard errors and the ends of the fitted line", () => {
  const fitted = rate(x, replicas);
  const curve = rateCurve({ label: "d = 3", x, replicas, rate: fitted, hue: 2 });
  expect(curve.points.y.map((y) => y.toPrecision(6))).toEqual(["2.00000", "0.200000", "0.0200000"]);
  // two values 2 ± 0.2: their mean has the standard error 0.2
  expect(curve.points.low![0]).toBeCloseTo(1.8, 12);
  expect(curve.points.high![0]).toBeCloseTo(2.2, 12);
  expect(curve.fit!.x).toEqual([1, 100]);
  expect(curve.fit!.y[0]).toBeCloseTo(fitted.constant, 12);
  expect(curve.fit!.y[1]).toBeCloseTo(0.02, 12);
  expect(curve.hue).toBe(2);
  expect(rateCurve({ label: "", x, replicas, rate: fitted, fitted: [100, 10] }).fit!.x).toEqual([10, 100]);
});

it("a slope stands in words with its interval, where there is one", () => {
  const fitted = { ...rate(x, replicas), exponent: -0.5, interval: [-0.523, 0.04] as [number, number] };
  expect(slopeText(fitted)).toBe("slope −0.50 [−0.52, 0.04]");
  expect(saySlope(fitted)).toBe("−0.5 (−0.523 to 0.04)");
  expect(slopeText({ ...fitted, interval: null })).toBe("slope −0.50");
});

it("one replica has no spread, and no fit is no line", () => {
  const curve = rateCurve({ label: "", x: [1, 2], replicas: [[1], [2]], rate: null });
  expect(curve.points).toEqual({ x: [1, 2], y: [1, 2], low: null, high: null });
  expect([curve.fit, curve.slope]).toEqual([null, ""]);
  expect(meanAndError([3])).toEqual({ mean: 3, error: null });
});

it("a line to compare with goes through its constant with its exponent", () => {
  const { x: ends, y } = powerLaw("N⁻¹", [4, 16], -0.5, 8);
  expect(ends).toEqual([4, 16]);
  expect(y[0]).toBeCloseTo(4, 12);
  expect(y[1]).toBeCloseTo(2, 12);
});

it("the bound in N has the exponent −1/2, less what its logarithm takes", () => {
  // √(log 256/256) over √(log 16/16) is √(2/16), so the exponent is ½ (log 2/log 16 − 1) = −3/8
  expect(boundExponent([64, 16, 256])).toBeCloseTo(-0.375, 12);
});
