// SGD's fluctuations about a minimum: the stationary covariance against its equation and against the recursion of moments; falling steps
// against the recursion, against closed forms in one dimension, and against runs of the library's SGD.

import { describe, expect, it } from "vitest";
import { log } from "../../src/engine/math";
import {
  affine,
  dataset,
  ensemble,
  gradientFlow,
  identity,
  landscapeOf,
  linearMoments,
  linearObjective,
  noExamples,
  noiseCovariance,
  objectivePaths,
  open,
  type ProblemInput,
  parameters,
  particles,
  quadratic,
  ridge,
  type Schedule,
  SpecError,
  scheduledMoments,
  sgd,
  stationaryCovariance,
  stream,
  tanh,
} from "../../src/index";

const Q = 20;
const words = stream(5).normals(3 * Q);
const x = Array.from({ length: Q }, (_, q) => [words[2 * q]!, words[2 * q + 1]!]);
const y = x.map(([a, b], q) => a! - 0.5 * b! + 0.7 * words[2 * Q + q]!);
const from = [2, 2];
/** Linear regression with noise in its labels, as a network of one neuron and as quadratic terms. */
const problem: ProblemInput = { law: dataset({ x, y }), unit: ridge(identity()), start: particles([from]) };
const terms = {
  matrices: x.map(([a, b]) => [
    [a! * a!, a! * b!],
    [a! * b!, b! * b!],
  ]),
  vectors: x.map(([a, b], q) => [y[q]! * a!, y[q]! * b!]),
};
/** H, and C at the minimum. */
const hessian = [0, 1].map((i) => [0, 1].map((j) => x.reduce((sum, row) => sum + (row[i]! * row[j]!) / Q, 0)));
const power = (exponent: number, offset = 2): Schedule => ({ kind: "power", exponent, offset });

function covariancesOf({ products, means }: { products: Float64Array; means: Float64Array }, t: number): number[] {
  return Array.from(
    products.slice(4 * t, 4 * t + 4),
    (value, at) => value - means[2 * t + (at >> 1)]! * means[2 * t + (at & 1)]!,
  );
}

describe("the stationary covariance", () => {
  const times2 = (a: number[][], b: ArrayLike<number>) =>
    [0, 1, 2, 3].map((at) => a[at >> 1]![0]! * b[at & 1]! + a[at >> 1]![1]! * b[2 + (at & 1)]!);

  it.each([1, 3])("of linear terms, batch %i, is where the exact moments of SGD end", async (batchSize) => {
    const stepSize = 0.1;
    const found = await stationaryCovariance(terms, { stepSize, batchSize });
    const end = await linearMoments(terms, { method: "sgd", stepSize, batchSize, times: [200], starts: [from] });
    covariancesOf(end, 0).forEach((value, at) => void expect(found.covariance[at]).toBeCloseTo(value, 12));
    for (const i of [0, 1]) expect(found.minimum![i]).toBeCloseTo(end.means[i]!, 12);
  });

  it("with the noise of the minimum solves HΣ + ΣH − εHΣH = (ε/B) C, and its limit HΣ + ΣH = C/B", async () => {
    const [stepSize, batchSize] = [0.3, 2];
    const { additive, limit, minimum } = await stationaryCovariance(problem, { stepSize, batchSize });
    const noise = [0, 1, 2, 3].map((at) =>
      x.reduce((sum, row, q) => {
        const r = y[q]! - row[0]! * minimum![0]! - row[1]! * minimum![1]!;
        return sum + (r * r * row[at >> 1]! * row[at & 1]!) / Q;
      }, 0),
    );
    const transposed = (m: ArrayLike<number>) => [m[0]!, m[2]!, m[1]!, m[3]!];
    const sum = (s: Float64Array) => {
      const left = times2(hessian, s);
      const right = transposed(times2(hessian, transposed(s)));
      const both = transposed(times2(hessian, transposed(left)));
      return { linear: left.map((value, at) => value + right[at]!), both };
    };
    const [whole, small] = [sum(additive), sum(limit)];
    for (const at of [0, 1, 2, 3]) {
      expect(whole.linear[at]! - stepSize * whole.both[at]!).toBeCloseTo((stepSize / batchSize) * noise[at]!, 13);
      expect(small.linear[at]).toBeCloseTo(noise[at]! / batchSize, 13);
    }
    // the Hessian and C alone give the same
    const local = await stationaryCovariance(
      { hessian, noise: [noise.slice(0, 2), noise.slice(2)] },
      { stepSize, batchSize },
    );
    expect(local.minimum).toBeNull();
    for (const at of [0, 1, 2, 3]) {
      expect(local.covariance[at]).toBeCloseTo(additive[at]!, 13);
      expect(local.additive[at]).toBeCloseTo(additive[at]!, 13);
    }
  });

  it("is exact without the growing noise where all A_q are alike", async () => {
    const alike = { matrices: [[[2]], [[2]], [[2]]], vectors: [[1], [0], [5]] };
    const { covariance, additive, minimum } = await stationaryCovariance(alike, { stepSize: 0.4 });
    expect(covariance).toEqual(additive);
    // θ* = 1, C = Var b = 14/3; Σ = ε² C/(1 − (1 − ελ)²)
    expect(minimum![0]).toBeCloseTo(1, 14);
    expect(covariance[0]).toBeCloseTo((0.16 * 14) / 3 / (1 - 0.2 * 0.2), 13);
  });

  it("over its step tends to the limit, in proportion to the step", async () => {
    const far = async (stepSize: number) => {
      const { covariance, limit } = await stationaryCovariance(problem, { stepSize });
      return covariance[0]! / stepSize - limit[0]!;
    };
    expect((await far(0.01)) / (await far(0.005))).toBeCloseTo(2, 1);
  });

  it("of a confined network is that of a regression with a ridge, and of many neurons that of their mean", async () => {
    const confined = { ...problem, confinement: quadratic(0.5) };
    const found = await stationaryCovariance(confined, { stepSize: 0.1 });
    const ridged = terms.matrices.map(([[a, b], [, d]]) => [
      [a! + 0.5, b!],
      [b!, d! + 0.5],
    ]);
    const { covariance } = await stationaryCovariance({ ...terms, matrices: ridged }, { stepSize: 0.1 });
    for (const at of [0, 1, 2, 3]) expect(found.covariance[at]).toBeCloseTo(covariance[at]!, 13);
  });

  it.each<[string, unknown, unknown, string]>([
    ["a step beyond 2/λ_max", terms, { stepSize: 3 }, "stepSize"],
    ["a step whose noise has no stationary law", terms, { stepSize: 0.9 }, "stepSize"],
    ["no step", terms, {}, "stepSize"],
    ["a batch of 0", terms, { stepSize: 0.1, batchSize: 0 }, "batchSize"],
    [
      "a flat direction",
      {
        matrices: [
          [
            [1, 0],
            [0, 0],
          ],
        ],
      },
      { stepSize: 0.1 },
      "problem.matrices",
    ],
    [
      "a saddle",
      {
        hessian: [
          [1, 0],
          [0, -1],
        ],
        noise: [
          [1, 0],
          [0, 1],
        ],
      },
      { stepSize: 0.1 },
      "problem.hessian",
    ],
    [
      "shapes that differ",
      {
        hessian: [[1]],
        noise: [
          [1, 0],
          [0, 1],
        ],
      },
      { stepSize: 0.1 },
      "problem.noise",
    ],
    ["a network that is not linear", { ...problem, unit: ridge(tanh()) }, { stepSize: 0.1 }, "problem.unit"],
    ["no examples", { ...problem, law: noExamples(2) }, { stepSize: 0.1 }, "problem.law.kind"],
    [
      "the logistic loss",
      { ...problem, law: dataset({ x, y: y.map((v) => (v > 0 ? 1 : -1)) }), loss: "logistic" },
      { stepSize: 0.1 },
      "problem.loss",
    ],
  ])("is refused for %s", async (_, wrong, options, path) => {
    const call = stationaryCovariance(wrong as never, options as never);
    await expect(call).rejects.toThrow(SpecError);
    await expect(call).rejects.toMatchObject({ path });
  });
});

describe("moments under falling steps", () => {
  it("of a constant step are those of linearMoments", async () => {
    const options = { stepSize: 0.2, batchSize: 2, times: [0, 0.2, 1, 10] };
    const found = await scheduledMoments(problem, { ...options, start: from });
    const expected = await linearMoments(terms, { ...options, method: "sgd", starts: [from] });
    found.means.forEach((value, i) => void expect(value).toBeCloseTo(expected.means[i]!, 12));
    for (const t of options.times.keys()) {
      covariancesOf(expected, t).forEach(
        (value, at) => void expect(found.covariances[4 * t + at]).toBeCloseTo(value, 12),
      );
    }
  });

  it("and of the average are those of all sequences of draws", async () => {
    const two = { matrices: [[[1]], [[3]]], vectors: [[2], [-1]] };
    const schedule = power(0.6, 0.5);
    const [stepSize, steps, start] = [0.2, 5, 1.5];
    const found = await scheduledMoments(two, { stepSize, schedule, times: [steps * stepSize], start: [start] });
    const ends: number[] = [];
    const averages: number[] = [];
    for (let word = 0; word < 2 ** steps; word++) {
      let at = start;
      let sum = 0;
      for (let k = 0; k < steps; k++) {
        const q = (word >> k) & 1;
        at -= stepSize * (1 + (k * stepSize) / 0.5) ** -0.6 * (two.matrices[q]![0]![0]! * at - two.vectors[q]![0]!);
        sum += at;
      }
      ends.push(at);
      averages.push(sum / steps);
    }
    const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
    const variance = (v: number[]) => mean(v.map((one) => (one - mean(v)) * (one - mean(v))));
    expect(found.means[0]).toBeCloseTo(mean(ends), 13);
    expect(found.covariances[0]).toBeCloseTo(variance(ends), 13);
    expect(found.averageMeans[0]).toBeCloseTo(mean(averages), 13);
    expect(found.averageCovariances[0]).toBeCloseTo(variance(averages), 13);
    expect(found.stepSizes[0]).toBeCloseTo(stepSize * (1 + (4 * stepSize) / 0.5) ** -0.6, 14);
  });

  it("of steps that fall slower than 1/k end at ε_k times the limit; their average at H⁻¹CH⁻¹/(Bk)", async () => {
    // what is left at step k is O(ε_k) and O(1/(k ε_k)), relative: a per cent at t = 20,000 of exponent 0.6
    const stepSize = 0.2;
    const found = await scheduledMoments(problem, { stepSize, schedule: power(0.6), times: [20000], start: from });
    const { limit } = await stationaryCovariance(problem, { stepSize });
    for (const at of [0, 1, 2, 3]) {
      expect(Math.abs(found.covariances[at]! / found.stepSizes[0]! / limit[at]! - 1)).toBeLessThan(0.02);
    }
    // C = H L + L H of the limit L; H⁻¹CH⁻¹ = L H⁻¹ + H⁻¹ L
    const [[a, b], [, d]] = hessian as [[number, number], [number, number]];
    const determinant = a * d - b * b;
    const first = (2 * (limit[0]! * d - limit[1]! * b)) / determinant;
    const k = Math.round(found.times[0]! / stepSize);
    expect(Math.abs((found.averageCovariances[0]! * k) / first - 1)).toBeLessThan(0.03);
  });

  it("in one dimension: 1/k steps converge by their factor, steps of a finite sum stall, constant ones fluctuate for ever", async () => {
    // λ = 1, C = 1. ε_k = c/(k + k0), c = offset: variance → C c²/(2c − 1)/k for c > ½ and k^{−2c} for c < ½
    const line = { matrices: [[[1]], [[1]]], vectors: [[1], [-1]] };
    const run = (schedule: Schedule, times: number[]) =>
      scheduledMoments(line, { stepSize: 0.1, schedule, times, start: [1] });
    const enough = await run(power(1, 2), [1000, 10000]);
    for (const t of [0, 1]) {
      const k = Math.round(enough.times[t]! / 0.1);
      expect(enough.covariances[t]! * k).toBeCloseTo((2 * 2) / (2 * 2 - 1), t === 0 ? 1 : 2);
    }
    const short = await run(power(1, 0.25), [1000, 10000]);
    expect(log(short.covariances[0]! / short.covariances[1]!) / log(10)).toBeCloseTo(0.5, 2);
    // exponent 2: E θ_k → Π (1 − ε_k) > 0, as Σ ε_k < ∞
    const stalled = await run(power(2, 1), [1000, 10000]);
    let product = 1;
    for (let k = 0; k < 100000; k++) product *= 1 - 0.1 / ((1 + 0.1 * k) * (1 + 0.1 * k));
    expect(stalled.means[1]).toBeCloseTo(product, 12);
    expect(stalled.means[1]! / stalled.means[0]!).toBeGreaterThan(0.998);
    const constant = await run({ kind: "constant" }, [1000, 10000]);
    expect(constant.covariances[1]).toBeCloseTo(0.1 / (2 - 0.1), 12);
  });

  it.each<[string, unknown, string]>([
    ["no times", { stepSize: 0.1 }, "times"],
    ["a schedule of another kind", { stepSize: 0.1, times: [1], schedule: { kind: "cosine" } }, "schedule.kind"],
    ["a start of another length", { stepSize: 0.1, times: [1], start: [1] }, "start[0]"],
    ["an unknown option", { stepSize: 0.1, times: [1], step: 1 }, "options.step"],
  ])("are refused for %s", async (_, options, path) => {
    await expect(scheduledMoments(problem, options as never)).rejects.toMatchObject({ path });
  });
});

describe("the library's SGD with falling steps", () => {
  it("has these moments and, scaled by ε_k^{−1/2}, the normal law of the limit", async () => {
    const [stepSize, replicas, t] = [0.2, 1000, 200];
    const schedule = power(0.7);
    const run = await ensemble(sgd(problem, { neurons: 1, stepSize, schedule, seed: 3 }), {
      replicas,
      times: [t],
      observe: { theta: parameters([0]) },
      workers: 0,
    });
    const exact = await scheduledMoments(problem, { stepSize, schedule, times: [t], start: from });
    const samples = run.observables.theta!.replicas;
    for (const i of [0, 1]) {
      const values = samples.map((row) => row[i]!);
      const [mean, variance] = [exact.means[i]!, exact.covariances[3 * i]!];
      const found = values.reduce((sum, value) => sum + value, 0) / replicas;
      const spread = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / replicas;
      // 4.5 standard errors: 7e-6 each; the fourth moment is that of a normal law but for O(ε_k)
      expect(Math.abs(found - mean)).toBeLessThan(4.5 * Math.sqrt(variance / replicas));
      expect(Math.abs(spread / variance - 1)).toBeLessThan(4.5 * Math.sqrt(2.2 / replicas));
      // Kolmogorov: P(√R D > 2.3) = 5e-5; the law's own distance from a normal one, O(√ε_k) times its skewness, is in that
      expect(
        Math.sqrt(replicas) * normalDistance(values.map((value) => (value - mean) / Math.sqrt(variance))),
      ).toBeLessThan(2.3);
    }
    const { limit } = await stationaryCovariance(problem, { stepSize });
    // the limit itself is 6 per cent off at this k, as the exact moments say
    expect(Math.abs(exact.covariances[0]! / exact.stepSizes[0]! / limit[0]! - 1)).toBeLessThan(0.08);
  });

  it("of a constant step is stationary on an objective too", async () => {
    const objective = await linearObjective(terms);
    const [stepSize, replicas] = [0.1, 2000];
    const { states } = await objectivePaths(objective, {
      method: "sgd",
      stepSize,
      times: [30],
      starts: [[1, 0]],
      replicas,
      seed: 4,
    });
    const { covariance, minimum } = await stationaryCovariance(terms, { stepSize });
    for (const i of [0, 1]) {
      let square = 0;
      let fourth = 0;
      for (let r = 0; r < replicas; r++) {
        const far = states.values[2 * r + i]! - minimum![i]!;
        square += (far * far) / replicas;
        fourth += (far * far * far * far) / replicas;
      }
      // 4.5 standard errors, the fourth moment from the sample
      expect(Math.abs(square - covariance[3 * i]!)).toBeLessThan(
        4.5 * Math.sqrt((fourth - square * square) / replicas),
      );
    }
  });
});

describe("a network about a minimum", () => {
  it("fluctuates with the covariance of its Hessian and its gradient noise", async () => {
    // three neurons tanh(w x + b) a of which b and a are kept, pulled to 0 a little so that no direction is flat
    const inputs = Array.from({ length: 10 }, (_, q) => [(q - 4.5) / 3]);
    const errors = stream(8).normals(10);
    const network: ProblemInput = {
      law: dataset({ x: inputs, y: inputs.map(([one], q) => one! + 0.6 * errors[q]!) }),
      unit: affine(tanh(), { trainOutput: false, trainBias: false }),
      start: particles([
        [2, 0.5, 1],
        [1, -1, 0.7],
        [3, 0, 0.4],
      ]),
      confinement: quadratic(0.1),
    };
    const neurons = 3;
    const flow = await open(gradientFlow(network, { neurons, tolerance: 1e-10 }));
    await flow.advance(400);
    const measure = flow.measure();
    flow.free();
    if (measure.kind !== "particles") throw new Error("particles");
    const rest = measure.values;
    const landscape = await landscapeOf(network, measure);
    const hessian = [0, 1, 2].map((i) => {
      const column = new Float64Array(3);
      landscape.hessian.apply(
        Float64Array.from({ length: 3 }, (_, j) => (i === j ? 1 : 0)),
        column,
      );
      return Array.from(column);
    });
    landscape.free();
    // the noise of w alone, in the coordinates w/√N of the landscape
    const { matrix } = await noiseCovariance(network, measure);
    const noise = [0, 1, 2].map((i) => [0, 1, 2].map((j) => matrix.data[(3 * i + 2) * 9 + 3 * j + 2]! / neurons));
    const stepSize = 0.02;
    const { covariance } = await stationaryCovariance({ hessian, noise }, { stepSize });
    const replicas = 600;
    const moved = { ...network, start: particles([0, 1, 2].map((i) => Array.from(rest.slice(3 * i, 3 * i + 3)))) };
    const run = await ensemble(sgd(moved, { neurons, stepSize, seed: 5 }), {
      replicas,
      times: [40],
      observe: { theta: parameters([0, 1, 2]) },
      workers: 0,
    });
    for (const i of [0, 1, 2]) {
      const values = run.observables.theta!.replicas.map((row) => row[3 * i + 2]!);
      const mean = values.reduce((sum, one) => sum + one / replicas, 0);
      const spread = values.reduce((sum, one) => sum + ((one - mean) * (one - mean)) / (replicas - 1), 0);
      // 4.5 standard errors of a variance, and 5 per cent for what the loss is not quadratic
      expect(Math.abs(spread / neurons / covariance[4 * i]! - 1)).toBeLessThan(4.5 * Math.sqrt(2 / replicas) + 0.05);
    }
  });
});

/** Kolmogorov's distance of a sample from N(0, 1). */
function normalDistance(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.reduce((most, value, i) => {
    const level = normalLevel(value);
    return Math.max(most, Math.abs(level - i / sorted.length), Math.abs(level - (i + 1) / sorted.length));
  }, 0);
}

// Φ by the series of erf, or its continued fraction
function normalLevel(z: number): number {
  if (z < 0) return 1 - normalLevel(-z);
  if (z > 6) return 1;
  let term = z;
  let sum = z;
  for (let n = 1; n < 200; n++) {
    term *= (z * z) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
