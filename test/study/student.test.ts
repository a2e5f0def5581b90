// Student's t against SciPy 1.x, scipy.stats.t.ppf((1 + level) / 2, n) and 2 t.sf(3, n).

import { expect, it } from "vitest";
import { SpecError } from "../../src/index";
import { studentBound, studentTails } from "../../src/study/student";

// The logarithms of Γ carry 1e-14, which n degrees of freedom make n times larger.
it.each([
  [1, 12.706204736174694, 63.656741162871526, 0.20483276469913345],
  [2, 4.302652729749462, 9.924843200918287, 0.09546596626670913],
  [3, 3.1824463052837078, 5.840909309733355, 0.0576688856224373],
  [7, 2.364624251592784, 3.4994832973504924, 0.019942126131992536],
  [30, 2.0422724563012378, 2.7499956535672254, 0.005389964065651945],
  [100, 1.9839715185235518, 2.6258905214380173, 0.003407915343329452],
  [1e4, 1.960201239890626, 2.5763210466685282, 0.002706448189997666],
])("is that of SciPy at %d degrees of freedom", (n, at95, at99, tails) => {
  const tolerance = 1e-13 * Math.max(n, 10);
  expect(Math.abs(studentBound(0.95, n) / at95 - 1)).toBeLessThan(tolerance);
  expect(Math.abs(studentBound(0.99, n) / at99 - 1)).toBeLessThan(tolerance);
  expect(Math.abs(studentTails(3, n) / tails - 1)).toBeLessThan(tolerance);
});

it("is the normal law at infinitely many, and joins it smoothly", () => {
  // 1.959963984540054 is the normal quantile
  expect(studentBound(0.95, Infinity)).toBeCloseTo(1.959963984540054, 12);
  // the first correction, t (t² + 1) φ(t) / 4n, is 2.5e-5 of the tails at t = 3 and a million degrees
  expect(Math.abs(studentTails(3, 1e6) / studentTails(3, 1.01e6) - 1)).toBeLessThan(3e-5);
});

it("bound and tails are inverse to each other, at levels near 0 and 1 too", () => {
  for (const level of [1e-6, 0.1, 0.5, 0.9, 0.999999]) {
    for (const n of [1, 2.5, 9, 40]) expect(studentTails(studentBound(level, n), n)).toBeCloseTo(1 - level, 12);
  }
});

it.each([
  [0, 3],
  [1, 3],
  [Number.NaN, 3],
  [0.5, 0],
  [0.5, Number.NaN],
])("refuses level %d with %d degrees of freedom", (level, freedom) => {
  expect(() => studentBound(level, freedom)).toThrow(SpecError);
});
