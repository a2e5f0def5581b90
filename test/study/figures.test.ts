// The figures' definitions. That they show what they claim is measured in test/slow/figures.test.ts, which runs them.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { meanSeries, mergedTimes, nearest, phases, say } from "../../src/study/figures/figure";
import { figureNames, loadFigure } from "../../src/study/figures/registry";

describe("the figures", () => {
  it("are those of theory §5, §6, §3, §7, §8 and §9 to §12, by name", () => {
    expect(figureNames).toEqual([
      "radial-density",
      "two-starts",
      "relu-statistics",
      "dimension-free",
      "dimension-free-bounds",
      "four-gaps",
      "rates-in-n-and-step",
      "barron",
      "feynman-kac",
      "gamma-limit",
      "excess-risk",
      "free-energy",
      "w2-decay",
      "stability",
      "hwi",
      "particle-approximation",
      "w2-rate",
      "clt-rate",
      "law-of-sgd",
      "weak-orders",
      "two-point-failure",
      "rve-cost",
      "prediction-bands",
      "ntk-spectrum",
      "hessian-norm",
      "kernel-drift",
      "ridge-path",
      "sgf-mean",
      "gibbs-basins",
      "sharpness-invariance",
      "edge-of-stability",
      "catapult",
      "batch-sharpness",
      "backward-error",
      "robbins-monro",
      "sweet-spot",
      "peaks",
      "peaks-mean-field",
      "double-descent",
    ]);
  });

  it.each(figureNames)("%s says in sentences what should be seen", async (name) => {
    const figure = await loadFigure(name);
    expect(figure.name).toBe(name);
    expect(figure.claim.split(". ").length).toBeGreaterThan(2);
  });

  it.each(figureNames)("%s stops with the signal's reason", async (name) => {
    const figure = await loadFigure(name);
    const reason = new Error("enough");
    await expect(figure.run({ signal: AbortSignal.abort(reason), workers: 0 })).rejects.toBe(reason);
  });

  it.each(figureNames)("%s refuses wrong options by their path", async (name) => {
    const figure = await loadFigure(name);
    await expect(figure.run({ replicas: 0 })).rejects.toThrow(/^replicas: /);
    await expect(figure.run({ seed: -1, workers: 0 })).rejects.toThrow(/seed: /);
  });

  it("of another name are refused, with the names there are", async () => {
    await expect(loadFigure("figure-5")).rejects.toThrow(SpecError);
    await expect(loadFigure("toString")).rejects.toThrow("radial-density");
  });
});

describe("what figures are made with", () => {
  it("times are multiples of the step, the named ones exactly there, the others not on top of them", () => {
    const times = mergedTimes([0, 0.1, 1], [0.05, 0.102, 0.5, 1.01, 2], 0.001);
    expect(Array.from(times, (t) => Math.round(t / 0.001))).toEqual([0, 50, 100, 500, 1000, 2000]);
    expect(times[nearest(times, 0.11)]).toBeCloseTo(0.1, 12);
  });

  it("progress runs from 0 to 1 through all phases", () => {
    const seen: [number, string][] = [];
    const tell = phases(({ fraction, phase }) => void seen.push([fraction, phase]), [1, 3]);
    tell(0, "a", 0);
    tell(0, "a", 1);
    tell(1, "b", 0.5);
    tell(1, "b", 1);
    expect(seen).toEqual([
      [0, "a"],
      [0.25, "a"],
      [0.625, "b"],
      [1, "b"],
    ]);
  });

  it("a mean of one replica has no spread, and says so by null", () => {
    const observed = {
      shape: [2, 2],
      mean: Float64Array.of(1, 2, 3, 4),
      standardError: Float64Array.of(0.1, 0.2, 0.3, 0.4),
      quantiles: { probabilities: [], values: [] },
      replicas: [],
    };
    const times = Float64Array.of(0, 1);
    expect(meanSeries(times, observed, 1)).toEqual({ x: [0, 1], y: [2, 4], low: [1.8, 3.6], high: [2.2, 4.4] });
    const alone = { ...observed, standardError: new Float64Array(4).fill(Number.NaN) };
    expect(meanSeries(times, alone)).toEqual({ x: [0, 1], y: [1, 3], low: null, high: null });
  });

  it("numbers in sentences have three digits and a true minus", () => {
    expect([0.012345, -3.4, 1e-7, 250].map(say)).toEqual(["0.0123", "−3.4", "1e-7", "250"]);
  });
});
