// Kozachenko and Leonenko's estimator on samples of laws whose entropy is known.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { sampleEntropy } from "../../src/measure/entropy";
import { stream } from "../../src/random/stream";

const N = 2000;
const SAMPLES = 100;

/** ∫ m log m in closed form, and draws of m from uniforms or normals. */
const laws: [string, number, (r: number) => Float64Array][] = [
  [
    "N(3, 2²)",
    -0.5 * Math.log(2 * Math.PI * Math.E * 4),
    (r) =>
      stream(7, { replica: r })
        .normals(N)
        .map((g) => 3 + 2 * g),
  ],
  [
    "uniform on [0, ½]",
    Math.log(2),
    (r) =>
      stream(8, { replica: r })
        .uniforms(N)
        .map((u) => u / 2),
  ],
  [
    "exponential",
    -1,
    (r) =>
      stream(9, { replica: r })
        .uniforms(N)
        .map((u) => -Math.log(u)),
  ],
  [
    "an even mixture of N(−10, 1) and N(10, 1)",
    -0.5 * Math.log(2 * Math.PI * Math.E) - Math.log(2),
    (r) =>
      stream(10, { replica: r })
        .normals(N)
        .map((g, i) => g + (i % 2 === 0 ? -10 : 10)),
  ],
];

describe.each(laws)("%s", (_, exact, draw) => {
  it.each([1, 4, 8])(
    "with %d neighbours the mean of many samples is right, and one scatters by less than 2/√n",
    (neighbours) => {
      const found = Array.from({ length: SAMPLES }, (_, r) => sampleEntropy(draw(r), { neighbours }) - exact);
      const mean = found.reduce((a, b) => a + b, 0) / SAMPLES;
      const scatter = Math.sqrt(found.reduce((a, b) => a + (b - mean) ** 2, 0) / (SAMPLES - 1));
      // 4.5 standard errors, 7e-6 each, and 0.003 of bias, which falls like log n / n or faster
      expect(Math.abs(mean)).toBeLessThan(4.5 * (scatter / Math.sqrt(SAMPLES)) + 0.003);
      // √((Var log m + ψ′(k))/n): at most Var log m = 1 and ψ′(1) = 1.64
      expect(scatter).toBeLessThan(2 / Math.sqrt(N));
    },
  );
});

it("moves by −log of the scale, and not with the place or the order, to round-off", () => {
  const values = stream(1).normals(500);
  const moved = values.map((x) => 8 * x + 3).reverse();
  expect(Math.abs(sampleEntropy(moved) - sampleEntropy(values) + Math.log(8))).toBeLessThan(1e-12);
});

it("is the formula where it can be done by hand", () => {
  // 0, 1, 3 with k = 1: distances 1, 1, 2; ψ(3) − ψ(1) = 3/2
  expect(sampleEntropy(Float64Array.of(3, 0, 1), { neighbours: 1 })).toBeCloseTo(-1.5 - (4 * Math.LN2) / 3, 14);
  // k = 2: 3, 2, 3; ψ(3) − ψ(2) = 1/2
  expect(sampleEntropy(Float64Array.of(3, 0, 1), { neighbours: 2 })).toBeCloseTo(
    -0.5 - (2 * Math.log(6) + Math.log(4)) / 3,
    14,
  );
});

it("is infinite for a law of points, and refuses samples that are too small", () => {
  expect(sampleEntropy(new Float64Array(10).fill(2))).toBe(Infinity);
  expect(() => sampleEntropy(Float64Array.of(1, 2, 3, 4))).toThrow(SpecError);
  expect(() => sampleEntropy(new Float64Array(9), { neighbours: 0 })).toThrow(SpecError);
});
