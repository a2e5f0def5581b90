// Spectral densities, traces and dense spectra against operators whose spectrum is known.

import { describe, expect, it } from "vitest";
import {
  denseSpectrum,
  landscapeOf,
  matrixOperator,
  spectralDensity,
  spectralMean,
  traceOf,
} from "../../src/landscape/onDemand";
import { tanh } from "../../src/model/activation";
import { affine } from "../../src/model/unit";
import { drawCase, withSpectrum, writtenHessian } from "./cases";

// three groups with gaps at 2 and at 6
const groups = Float64Array.from({ length: 400 }, (_, i) => {
  if (i < 200) return i / 200;
  if (i < 350) return 3 + (i - 200) / 150;
  return 9 + (i - 350) / 50;
});
const meanOf = (f: (x: number) => number) => groups.reduce((sum, x) => sum + f(x), 0) / 400;

describe("the spectral density", () => {
  it("has the moments, shares and smoothed density of the spectrum within its standard errors", async () => {
    const found = await spectralDensity(withSpectrum(groups), { probes: 20, width: 0.4, points: 60 });
    expect(found.size).toBe(400);
    // 5 standard errors of 20 probes: t with 19 degrees of freedom is beyond in 8e-5 of cases, and there are a handful of distinct
    // statistics. Shares and powers are exact for each probe but for its spread, as the gaps are wide and the degree is 159
    for (const f of [(x: number) => x, (x: number) => x * x, (x: number) => x * x * x * x]) {
      const { value, standardError } = await spectralMean(found, f);
      expect(Math.abs(value - meanOf(f))).toBeLessThan(5 * standardError);
      expect(standardError).toBeLessThan(0.05 * meanOf(f));
    }
    for (const [gap, share] of [
      [2, 0.5],
      [6, 0.875],
    ] as const) {
      const { value, standardError } = await spectralMean(found, (x) => (x < gap ? 1 : 0));
      expect(Math.abs(value - share)).toBeLessThan(5 * standardError);
      expect(standardError).toBeLessThan(0.02);
    }
    const z = (x: number) => Math.exp((-x * x) / 2) / (0.4 * Math.sqrt(2 * Math.PI));
    found.points.forEach((t, i) => {
      const exact = meanOf((x) => z((t - x) / 0.4));
      expect(Math.abs(found.density[i]! - exact)).toBeLessThan(5 * found.standardError[i]! + 1e-6);
    });
    const step = found.points[1]! - found.points[0]!;
    expect(found.density.reduce((sum, x) => sum + step * x, 0)).toBeCloseTo(1, 3);
  });

  it("has standard errors that are true: z² has mean 1 over many seeds", async () => {
    const operator = withSpectrum(groups.filter((_, i) => i % 8 === 0));
    const mean = groups.filter((_, i) => i % 8 === 0).reduce((sum, x) => sum + x / 50, 0);
    let sum = 0;
    for (let seed = 0; seed < 100; seed++) {
      const found = await spectralDensity(operator, { probes: 10, steps: 4, seed, points: 2 });
      const { value, standardError } = await spectralMean(found, (x) => x);
      sum += ((value - mean) / standardError) ** 2 / 100;
    }
    // t² with 9 degrees of freedom has mean 9/7 and variance 5.3: four standard errors of the mean of 100 are 0.92
    expect(Math.abs(sum - 9 / 7)).toBeLessThan(0.92);
  });

  it("is exact where the operator has few eigenvalues, and told which points", async () => {
    const found = await spectralDensity(withSpectrum(new Float64Array(30).fill(2)), { points: [2], width: 0.1 });
    for (const { nodes, weights } of found.probes) {
      expect(Math.abs(nodes[0]! - 2)).toBeLessThan(1e-13);
      expect(weights.reduce((sum, w) => sum + w)).toBeCloseTo(1, 13);
    }
    expect(found.density[0]).toBeCloseTo(1 / (0.1 * Math.sqrt(2 * Math.PI)), 10);
    expect(found.standardError[0]).toBeLessThan(1e-12);
  });

  it("bad input is named", async () => {
    const operator = withSpectrum(groups);
    const fails = (options: unknown, path: string) =>
      expect(spectralDensity(operator, options as never)).rejects.toThrow(
        expect.objectContaining({ name: "SpecError", path }),
      );
    await fails({ probes: 0 }, "probes");
    await fails({ steps: 1.5 }, "steps");
    await fails({ points: 1 }, "points");
    await fails({ points: [] }, "points");
    await fails({ points: [0, Number.NaN] }, "points[1]");
    await fails({ width: -1 }, "width");
    await fails({ width: Infinity }, "width");
  });
});

describe("the trace", () => {
  it("lies within five standard errors, which fall as products grow", async () => {
    const operator = withSpectrum(groups);
    const exact = 400 * meanOf((x) => x);
    const few = await traceOf(operator, { products: 60 });
    const many = await traceOf(operator, { products: 240 });
    // t with 19 and with 79 degrees of freedom: beyond in 8e-5 and 3e-6 of cases
    for (const found of [few, many]) {
      expect(found.method).toBe("hutch++");
      expect(Math.abs(found.value - exact)).toBeLessThan(5 * found.standardError);
    }
    expect(few.products).toBe(60);
    expect(many.standardError).toBeLessThan(few.standardError / 2);
  });

  it("is exact for a low rank, and where there are as many products as coordinates", async () => {
    const low = withSpectrum(new Float64Array(300).map((_, i) => (i < 20 ? (i % 2 === 0 ? i + 1 : -i) : 0)));
    const found = await traceOf(low, { products: 90 });
    // Σ (i + 1) − Σ i over even and odd i < 20: 100 − 100
    expect(Math.abs(found.value)).toBeLessThan(1e-11);
    expect(found.standardError).toBeLessThan(1e-12);
    const one = drawCase({ unit: affine(tanh()) });
    const about = await landscapeOf(one.problem, one.network);
    const dense = writtenHessian(one, (h) => {
      const t = Math.tanh(h);
      return [t, 1 - t * t, -2 * t * (1 - t * t)];
    });
    const diagonal = Array.from({ length: about.size }, (_, i) => dense[i * about.size + i]!).reduce((a, b) => a + b);
    const all = await traceOf(about.hessian);
    expect(all).toMatchObject({ method: "exact", standardError: 0, products: about.size });
    expect(Math.abs(all.value - diagonal)).toBeLessThan(1e-13 * Math.abs(diagonal));
    about.free();
    await expect(traceOf(low, { products: 5 })).rejects.toThrow("products");
  });
});

describe("the dense spectrum", () => {
  it("is the spectrum, and refuses what takes longer than seconds, naming Lanczos", async () => {
    const found = await denseSpectrum(withSpectrum(groups), { vectors: true });
    const expected = groups.slice().reverse();
    for (let k = 0; k < 400; k++) expect(Math.abs(found.values[k]! - expected[k]!)).toBeLessThan(1e-12);
    const first = found.vectors!.subarray(0, 400);
    const out = new Float64Array(400);
    withSpectrum(groups).apply(first, out);
    for (let i = 0; i < 400; i++) expect(Math.abs(out[i]! - found.values[0]! * first[i]!)).toBeLessThan(1e-12);
    await expect(denseSpectrum(withSpectrum(new Float64Array(1025)))).rejects.toThrow(/1024.*lanczos/);
    const { values } = await denseSpectrum(await matrixOperator([2, 1, 1, 2]));
    expect(values[0]).toBeCloseTo(3, 14);
    expect(values[1]).toBeCloseTo(1, 14);
  });
});
