// Prediction bands: their centre and width where both are known exactly, what is refused, what is told.
// That SGD lies in them is the business of test/slow/fluctuations.test.ts.

import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { identity, softplus, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { gaussian, particles } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import { fluctuations, gradientDescent, modifiedFlow } from "../../src/process/schema";
import { ensemble } from "../../src/study/ensemble";
import { predictions, risk } from "../../src/study/observables";
import { fluctuationCovariance, linearModelMoments, predictionBands } from "../../src/study/onDemand";
import { solve } from "../../src/study/solve";

const linear = {
  law: dataset({ x: [[1.2], [0.3], [-1]], y: [1, -2, 0.5], weights: [0.3, 0.5, 0.2], decay: [2, 0.5, 0.75] }),
  unit: ridge(identity()),
  start: gaussian({ w: { mean: -0.3, deviation: 1.1 } }),
  confinement: quadratic(0.8, { center: 0.4 }),
};
const options = { neurons: 50, stepSize: 0.05, batchSize: 4 };
const times = [0.5, 2];

test("of the linear model they are x (M ± z √Var Z/N), z the normal quantile", async () => {
  const x = [[2], [-0.5]];
  // Φ⁻¹(0.95) = 1.6448536269514722
  const bands = await predictionBands(linear, { ...options, x, times, level: 0.9, particles: 40, ensemble: 0 });
  const expected = await linearModelMoments(fluctuations(linear, options), times);
  expect([bands.risk, bands.refusedFrom, bands.warnings, bands.centre.shape]).toEqual([null, null, [], [2, 2]]);
  times.forEach((_, t) => {
    x.forEach(([input], c) => {
      const centre = input! * expected.mean[t]!;
      const deviation = Math.abs(input!) * Math.sqrt(expected.meanVariance[t]!);
      const { lower, upper, deviation: found } = bands.bands[t]!;
      expect(Math.abs(bands.centre.values[2 * t + c]! - centre)).toBeLessThan(1e-12);
      expect(Math.abs(found[c]! - deviation)).toBeLessThan(1e-12);
      expect(Math.abs(lower[c]! - (centre - 1.6448536269514722 * deviation))).toBeLessThan(1e-9);
      expect(Math.abs(upper[c]! - (centre + 1.6448536269514722 * deviation))).toBeLessThan(1e-9);
    });
  });
});

test("the linear model's error is that of the noise of residuals alone: it falls like n^−½", async () => {
  const [few, many] = await Promise.all(
    [50, 800].map((neurons) =>
      // nα the same
      predictionBands(linear, {
        neurons,
        stepSize: 0.05,
        batchSize: neurons / 10,
        x: [[1]],
        times,
        ensemble: 0,
        particles: 40,
      }),
    ),
  );
  // the same noise on the scale of η, so that the second order is a quarter to all digits but those of the third
  times.forEach((_, t) => {
    const ratio = few!.linearisationError[t]! / many!.linearisationError[t]!;
    expect(ratio).toBeGreaterThan(3.6);
    expect(ratio).toBeLessThan(4.4);
  });
});

test("the band of the risk is order statistics of modified flows of replicas of their own", async () => {
  const bands = await predictionBands(linear, { ...options, x: [[1]], times, ensemble: 79, seed: 3, workers: 0 });
  const runs = await ensemble(modifiedFlow(linear, { ...options, seed: 3, replica: 2 ** 31 }), {
    replicas: 79,
    times,
    observe: { risk: risk() },
    workers: 0,
  });
  times.forEach((_, t) => {
    const sorted = runs.observables["risk"]!.replicas.map((one) => one[t]!).sort((a, b) => a - b);
    // 2.5 % and 97.5 % of 80
    expect(bands.risk!.lower[t]).toBe(sorted[1]);
    expect(bands.risk!.upper[t]).toBe(sorted[77]);
    expect(bands.risk!.median[t]).toBe(sorted[39]);
  });
  expect(bands.risk!.method).toMatch(/79 modified flows .* bias of order 1\/N/);
});

test("SGD from given particles has no band at time 0, and the gradient descent from them in the middle", async () => {
  const problem = {
    law: dataset({
      x: [
        [1, 0.2],
        [-0.4, 1],
      ],
      y: [
        [1, 0],
        [0.5, -1],
      ],
    }),
    unit: affine(tanh(), { outputs: 2, outputBias: true }),
    start: particles(Array.from({ length: 20 }, (_, i) => [0.1 * i, 1 - 0.1 * i, 0.3, 0.05 * i, -0.5])),
  };
  const setting = { neurons: 20, stepSize: 0.01 };
  const x = [
    [1, 1],
    [0, -1],
    [0.5, 0],
  ];
  const bands = await predictionBands(problem, { ...setting, x, times: [0, 0.2], ensemble: 0 });
  const descent = await solve(gradientDescent(problem, setting), { times: [0, 0.2], observe: { f: predictions(x) } });
  expect(bands.centre.shape).toEqual([2, 3, 2]);
  bands.centre.values.forEach((value, i) => {
    expect(Math.abs(value - descent.observables["f"]!.values[i]!)).toBeLessThan(1e-13);
  });
  expect(bands.bands[0]!.deviation.every((s) => s === 0)).toBe(true);
  expect(bands.bands[1]!.deviation.every((s) => s > 0)).toBe(true);
});

test("where a saddle blows the linearisation up they are null, and the time is told", async () => {
  const inputs = [-1.5, -1, -0.5, 0.5, 1, 1.5];
  const saddle = {
    law: dataset({ x: inputs.map((x) => [x]), y: inputs.map((x) => 2 * x * x) }),
    unit: ridge(softplus()),
    start: gaussian({ w: 0 }),
  };
  const bands = await predictionBands(saddle, {
    neurons: 200,
    stepSize: 0.02,
    x: [[-1.2]],
    times: [0.1, 4, 12],
    ensemble: 0,
  });
  expect(bands.bands[0]!.deviation[0]).toBeGreaterThan(0);
  expect(bands.bands.slice(1)).toEqual([null, null]);
  expect(bands.refusedFrom).toBeGreaterThan(0.1);
  expect(bands.refusedFrom).toBeLessThan(4);
  expect(bands.warnings).toHaveLength(1);
  expect(bands.warnings[0]).toContain(`From t = ${bands.refusedFrom}`);
  expect(bands.centre.values.every(Number.isFinite)).toBe(true);
});

test("the centre takes all particles and steps of the limit, the variances fewer of each", async () => {
  const problem = {
    law: dataset({ x: [[-1.5], [-0.6], [0.2], [0.9], [1.6]], y: [-0.8, -0.9, 0.4, 1, 0.6] }),
    unit: affine(tanh()),
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
  };
  const setting = { neurons: 300, stepSize: 0.002, particles: 2048, ensemble: 0, x: [[-1], [0.3]], times: [1.3] };
  const [bands, coarse] = await Promise.all(
    [512, 64].map((spreadParticles) => predictionBands(problem, { ...setting, spreadParticles })),
  );
  const { neurons, stepSize } = setting;
  const observe = { f: predictions(setting.x) };
  const exact = await fluctuationCovariance(problem, { neurons, stepSize, times: [1.3], particles: 2048, observe });
  expect(coarse!.centre).toEqual(bands!.centre);
  expect(bands!.centre.values).toEqual(exact.mean.values);
  [0, 3].forEach((at, c) => {
    const variance = exact.covariance.values[at]! / neurons;
    // 512 Sobol points in three dimensions: a few per cent
    expect(Math.abs(bands!.bands[0]!.deviation[c]! ** 2 / variance - 1)).toBeLessThan(0.04);
    expect(coarse!.bands[0]!.deviation[c]).not.toBe(bands!.bands[0]!.deviation[c]);
  });
});

test("progress rises through the phases, an abort ends it with its reason", async () => {
  const seen: { fraction: number; phase: string }[] = [];
  const long = { ...options, x: [[1]], times: [10], particles: 64, ensemble: 39, workers: 0 };
  await predictionBands(linear, { ...long, onProgress: (progress) => void seen.push(progress) });
  seen.forEach(({ fraction }, i) => {
    expect(fraction).toBeGreaterThanOrEqual(i > 0 ? seen[i - 1]!.fraction - 1e-12 : 0);
    expect(fraction).toBeLessThanOrEqual(1);
  });
  expect(seen.at(-1)!.phase).toBe("ensemble of modified flows");
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error("enough"));
  await expect(predictionBands(linear, { ...long, signal: controller.signal, onProgress })).rejects.toThrow("enough");
});

describe("what is wrong is told before anything is run", () => {
  const good = { ...options, x: [[1]], times };
  test.each<[string, object, RegExp]>([
    ["a level of 1", { level: 1 }, /level/],
    ["a level that is NaN", { level: Number.NaN }, /level/],
    ["an ensemble too small for its quantiles", { ensemble: 38 }, /ensemble.*at least 39/],
    ["half an ensemble", { ensemble: 400.5 }, /ensemble/],
    ["no pairs", { pairs: 0 }, /pairs/],
    ["no particles for the variances", { spreadParticles: 0 }, /spreadParticles/],
    ["no steps at once", { every: 0.5 }, /every/],
    ["inputs of another dimension", { x: [[1, 2]] }, /x/],
    ["an input that is NaN", { x: [[Number.NaN]] }, /x/],
    ["workers that are none", { workers: -1 }, /workers/],
    ["no neurons", { neurons: -3 }, /neurons/],
    ["an unknown field", { colour: 1 }, /colour/],
  ])("%s", async (_, wrong, path) => {
    const failure = await predictionBands(linear, { ...good, ...wrong }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SpecError);
    expect((failure as Error).message).toMatch(path);
  });
});
