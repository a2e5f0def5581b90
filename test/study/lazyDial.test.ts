// The dial at its two ends against the processes they are, and between them against expansions in 1/α (docs/lazy.md).

import { describe, expect, it } from "vitest";
import { pow, tanh as tanhOf } from "../../src/engine/math";
import {
  affine,
  dataset,
  gaussian,
  gradientDescent,
  gradientFlow,
  identity,
  kernelRegression,
  lazyDial,
  type Particles,
  type ProblemInput,
  predictions,
  relu,
  ridge,
  silu,
  solve,
  stream,
  tangentGram,
  tanh,
} from "../../src/index";

const d = 3;
const Q = 5;
const draws = stream(11).normals(Q * (d + 1));
const x = Array.from({ length: Q }, (_, q) => Array.from(draws.subarray(q * d, (q + 1) * d)));
const y = Array.from(draws.subarray(Q * d));
const problem: ProblemInput = {
  law: dataset({ x, y }),
  unit: affine(tanh(), { trainBias: false }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
};
const run = { times: [0, 0.6, 3], stepSize: 0.2, seed: 3, keep: "measures" } as const;

describe("the ends of the dial", () => {
  it("γ = 1 is the mean-field process, bit for bit", async () => {
    const { points } = await lazyDial(problem, { ...run, neurons: 24, exponents: [1] });
    const plain = await solve(gradientDescent(problem, { neurons: 24, stepSize: 0.2, seed: 3 }), {
      times: run.times,
      observe: {},
      keep: "measures",
    });
    expect(points[0]!.measures![0]).toEqual(plain.measures);
    const flow = await lazyDial(problem, {
      neurons: 24,
      exponents: [1],
      times: [1],
      method: "gradientFlow",
      seed: 3,
      keep: "measures",
    });
    const own = await solve(gradientFlow(problem, { neurons: 24, seed: 3 }), {
      times: [1],
      observe: {},
      keep: "measures",
    });
    expect(flow.points[0]!.measures![0]).toEqual(own.measures);
  });

  // Plain loops over f = N^−½ Σ a tanh(w·x), rate h on L = ½ mean |y − f|². 15 steps of sums of some hundred terms: 1e-12 is ample.
  it("γ = ½ is gradient descent on the network with the factor N^−½, to round-off", async () => {
    const N = 20;
    const { points } = await lazyDial(problem, { ...run, neurons: N, exponents: [0.5], x });
    const [first, , last] = points[0]!.measures![0]!;
    const a = Array.from({ length: N }, (_, i) => first!.values[i * (d + 2)]!);
    const w = Array.from({ length: N }, (_, i) =>
      Array.from(first!.values.subarray(i * (d + 2) + 2, (i + 1) * (d + 2))),
    );
    const scale = 1 / Math.sqrt(N);
    const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, one, j) => sum + one * v[j]!, 0);
    const predict = () => x.map((input) => scale * a.reduce((sum, ai, i) => sum + ai * tanhOf(dot(w[i]!, input)), 0));
    for (let k = 0; k < 15; k++) {
      const r = predict().map((f, q) => (y[q]! - f) / Q);
      for (let i = 0; i < N; i++) {
        const s = x.map((input) => tanhOf(dot(w[i]!, input)));
        const pushA = s.reduce((sum, one, q) => sum + r[q]! * one, 0);
        const ai = a[i]!;
        a[i] = ai + 0.2 * scale * pushA;
        for (let j = 0; j < d; j++) {
          const push = s.reduce((sum, one, q) => sum + r[q]! * ai * (1 - one * one) * x[q]![j]!, 0);
          w[i]![j]! += 0.2 * scale * push;
        }
      }
    }
    for (let i = 0; i < N; i++) {
      const row = last!.values.subarray(i * (d + 2), (i + 1) * (d + 2));
      [a[i]!, 0, ...w[i]!].forEach((value, j) => {
        expect(Math.abs(row[j]! - value)).toBeLessThan(1e-12);
      });
    }
    const f = predict();
    f.forEach((value, q) => {
      expect(Math.abs(points[0]!.predictions![0]![2 * Q + q]! - value)).toBeLessThan(1e-12);
    });
    const loss = f.reduce((sum, value, q) => sum + (y[q]! - value) * (y[q]! - value), 0) / (2 * Q);
    expect(Math.abs(points[0]!.loss.mean[2]! - loss)).toBeLessThan(1e-12);
  });
});

describe("starts", () => {
  it("pairs cancel exactly, and so does a centred start, for any α", async () => {
    for (const start of ["paired", "centred"] as const) {
      const options = { neurons: 30, exponents: [0.5, 0.8], times: [0], stepSize: 0.1, start, x, seed: 5 };
      const { points } = await lazyDial(problem, options);
      for (const { predictions, loss } of points) {
        expect(predictions![0]!.every((f) => f === 0)).toBe(true);
        expect(loss.mean[0]).toBeCloseTo(y.reduce((sum, one) => sum + one * one, 0) / (2 * Q), 14);
      }
    }
  });

  it("pairs are twins with outputs of opposite sign, and half as many draws as neurons", async () => {
    const { points } = await lazyDial(problem, { ...run, neurons: 8, exponents: [1], start: "paired" });
    const half = await lazyDial(problem, { ...run, neurons: 4, exponents: [1] });
    const twins = points[0]!.measures![0]![0]!.values;
    const drawn = half.points[0]!.measures![0]![0]!.values;
    const D = d + 2;
    for (let i = 0; i < 4; i++) {
      const row = Array.from(drawn.subarray(i * D, (i + 1) * D));
      expect(Array.from(twins.subarray(2 * i * D, (2 * i + 1) * D))).toEqual(row);
      expect(Array.from(twins.subarray((2 * i + 1) * D, (2 * i + 2) * D))).toEqual([-row[0]!, ...row.slice(1)]);
    }
  });
});

describe("a model that is linear in its parameters", () => {
  // K = a² ⟨x, x'⟩ has no w in it
  const linear = {
    ...problem,
    unit: affine(identity(), { trainOutput: false, trainBias: false }),
  };

  it("has no kernel drift at all, and is its own linearisation to round-off", async () => {
    const { points } = await lazyDial(linear, { ...run, neurons: 12, exponents: [0.5, 0.75, 1], x, start: "paired" });
    for (const { kernelDrift, linearGap, linearGapAtX, neuronMovement, relativeMovement, measures } of points) {
      expect(Array.from(kernelDrift.mean)).toEqual([0, 0, 0]);
      for (const gap of [...linearGap.mean, ...linearGapAtX!.mean]) expect(gap).toBeLessThan(1e-14);
      expect(neuronMovement.mean[2]).toBeGreaterThan(0);
      // relative to the parameters that move, w alone
      const w = measures![0]![0]!.values.filter((_, at) => at % (d + 2) > 1);
      const whole = Math.sqrt(w.reduce((sum, one) => sum + one * one, 0) / 12);
      expect(relativeMovement.mean[2]! * whole).toBeCloseTo(neuronMovement.mean[2]!, 12);
    }
  });

  // the flow's tolerance is 1e-8 a step, the linearised one's 1e-11
  it("so is its gradient flow, to the tolerance, for every loss", async () => {
    const signs = y.map((one) => (one > 0 ? 1 : -1));
    const logistic = { ...linear, law: dataset({ x, y: signs }), loss: "logistic" } as const;
    const classes = {
      law: dataset({ x, y: signs.map((one) => (one > 0 ? 2 : 0)) }),
      unit: affine(identity(), { outputs: 3, trainOutput: false, trainBias: false, outputBias: true }),
      start: linear.start,
      loss: "crossEntropy",
    } as const;
    for (const one of [linear, logistic, classes]) {
      const options = { neurons: 12, exponents: [0.5], times: [0.5, 4], method: "gradientFlow", x, seed: 2 } as const;
      const { points } = await lazyDial(one, options);
      expect(Array.from(points[0]!.kernelDrift.mean)).toEqual([0, 0]);
      for (const gap of [...points[0]!.linearGap.mean, ...points[0]!.linearGapAtX!.mean])
        expect(gap).toBeLessThan(1e-6);
      expect(points[0]!.loss.mean[1]!).toBeLessThan(points[0]!.loss.mean[0]!);
    }
  });
});

// Kernel regression's course by the eigenvalues of K, for ½ Σ |y − f|², whose time is that of the mean over Q; the linearised flow's steps leave 1e-11 each.
it("the linearised flow is kernel regression with the kernel of the start, at new inputs too", async () => {
  const further = [
    [0.3, -1, 0.5],
    [1.5, 0.2, -0.4],
  ];
  const times = [0, 0.7, 5, 60];
  const options = {
    neurons: 30,
    exponents: [0.5],
    times,
    method: "gradientFlow",
    x: further,
    keep: "measures",
  } as const;
  const { points } = await lazyDial(problem, options);
  const { measures, linearised, process } = points[0]!;
  const network = measures![0]![0]!;
  const { values } = await tangentGram(problem, network, x);
  const { values: across } = await tangentGram(problem, network, further, x);
  const start = async (inputs: number[][]) => {
    const at = await solve(process, { times: [0], observe: { f: predictions(inputs) } });
    return Array.from(at.observables["f"]!.values);
  };
  const regression = await kernelRegression({ shape: [Q, Q], values }, { y, start: await start(x) });
  const cross = Array.from({ length: 2 }, (_, i) => Array.from(across.subarray(i * Q, (i + 1) * Q)));
  const flow = await regression.flow(
    times.map((s) => s / Q),
    { x: cross, start: await start(further) },
  );
  flow.predictions!.values.forEach((value, i) => {
    expect(Math.abs(linearised![0]![i]! - value)).toBeLessThan(1e-8);
  });
});

describe("expansions in 1/α", () => {
  const orders = async (input: ProblemInput, start: "paired" | "centred") => {
    const scales = [32, 64, 128];
    const { points } = await lazyDial(input, { neurons: 16, scales, times: [5], stepSize: 0.25, start, seed: 1 });
    const fall = (of: (point: (typeof points)[number]) => number) =>
      [0, 1].map((i) => Math.log2(of(points[i]!) / of(points[i + 1]!)));
    return {
      neuron: fall(({ neuronMovement }) => neuronMovement.mean[0]!),
      relative: fall(({ relativeMovement }) => relativeMovement.mean[0]!),
      drift: fall(({ kernelDrift }) => kernelDrift.mean[0]!),
      gap: fall(({ linearGap }) => linearGap.mean[0]!),
    };
  };

  // The next terms are 1/α² relatively for the movement and 1/α for the others, a per cent or two here.
  it("parameters move as 1/α; kernel and function leave the linear ones as 1/α, for a start of no symmetry", async () => {
    const lopsided = { ...problem, unit: affine(silu(), { trainBias: false }), start: gaussian({ radius: 1, a: 1 }) };
    const { neuron, relative, drift, gap } = await orders(lopsided, "centred");
    for (const order of [...neuron, ...relative, ...drift, ...gap]) expect(Math.abs(order - 1)).toBeLessThan(0.08);
  });

  it("and as 1/α² where outputs come in pairs ±a, because the first term is odd in a", async () => {
    const even = { ...problem, unit: affine(silu(), { trainBias: false }) };
    const { neuron, drift, gap } = await orders(even, "paired");
    for (const order of neuron) expect(Math.abs(order - 1)).toBeLessThan(0.02);
    for (const order of [...drift, ...gap]) expect(Math.abs(order - 2)).toBeLessThan(0.08);
  });
});

it("the statistics are what they are called", async () => {
  const weights = [1, 2, 3, 1, 1];
  const weighted = { ...problem, law: dataset({ x, y, weights }) };
  const { points } = await lazyDial(weighted, { ...run, neurons: 6, scales: [1.5], replicas: 2 });
  const point = points[0]!;
  const m = weights.map((one) => one / 8);
  const kernelOf = (network: Particles) =>
    x.map((u) =>
      x.map((v) => {
        let sum = 0;
        for (let i = 0; i < 6; i++) {
          const row = network.values.subarray(i * (d + 2), (i + 1) * (d + 2));
          const s = tanhOf(u.reduce((h, one, j) => h + one * row[2 + j]!, 0));
          const t = tanhOf(v.reduce((h, one, j) => h + one * row[2 + j]!, 0));
          const inner = u.reduce((h, one, j) => h + one * v[j]!, 0);
          sum += s * t + row[0]! * row[0]! * (1 - s * s) * (1 - t * t) * inner;
        }
        return sum / 6;
      }),
    );
  const size = (values: readonly number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0));
  for (let r = 0; r < 2; r++) {
    const [first, , last] = point.measures![r]!;
    const before = kernelOf(first!);
    const after = kernelOf(last!);
    const drift = size(after.flatMap((row, q) => row.map((k, p) => k - before[q]![p]!))) / size(before.flat());
    expect(point.kernelDrift.replicas[r]![2]).toBeCloseTo(drift, 12);
    const moved = size(Array.from(last!.values, (value, i) => value - first!.values[i]!));
    expect(point.neuronMovement.replicas[r]![2]).toBeCloseTo(moved / Math.sqrt(6), 12);
    expect(point.relativeMovement.replicas[r]![2]).toBeCloseTo(moved / size(Array.from(first!.values)), 12);
    const form = after.reduce(
      (sum, row, q) => sum + row.reduce((s, k, p) => s + m[q]! * m[p]! * y[q]! * y[p]! * k, 0),
      0,
    );
    const norm = size(after.flatMap((row, q) => row.map((k, p) => Math.sqrt(m[q]! * m[p]!) * k)));
    const target = y.reduce((sum, one, q) => sum + m[q]! * one * one, 0);
    expect(point.alignment.replicas[r]![2]).toBeCloseTo(form / (norm * target), 12);
  }
  const [one, other] = point.loss.replicas;
  expect(point.loss.mean[1]).toBeCloseTo((one![1]! + other![1]!) / 2, 14);
  expect(point.loss.standardError[1]).toBeCloseTo(Math.abs(one![1]! - other![1]!) / 2, 14);
  expect(one![1]).not.toBe(other![1]);
});

it("widths and exponents make scales N^(1−γ), lazy times whole steps", async () => {
  const { times, points } = await lazyDial(problem, {
    neurons: [4, 16],
    exponents: [0.5, 0.75, 1],
    times: [0.09, 0.5],
    stepSize: 0.1,
  });
  expect(Array.from(times)).toEqual([0.1, 0.5]);
  expect(points.map(({ neurons, exponent }) => [neurons, exponent])).toEqual([
    [4, 0.5],
    [4, 0.75],
    [4, 1],
    [16, 0.5],
    [16, 0.75],
    [16, 1],
  ]);
  for (const { neurons, exponent, scale, process } of points) {
    expect(scale).toBeCloseTo(pow(neurons, 1 - exponent!), 14);
    expect("stepSize" in process && process.stepSize).toBe(0.1 / (scale * scale));
  }
});

it("refuses what makes no sense, naming it", async () => {
  const good = { neurons: 4, exponents: [1], times: [1], stepSize: 0.1 };
  const refused = async (path: string, options: object, input: ProblemInput = problem) =>
    expect(lazyDial(input, { ...good, ...options } as never), path).rejects.toMatchObject({ name: "SpecError", path });
  await refused("neurons", { neurons: 0 });
  await refused("neurons", { neurons: [] });
  await refused("neurons[1]", { neurons: [4, 2.5] });
  await refused("neurons", { neurons: 5, start: "paired" });
  await refused("exponents[0]", { exponents: [0.4] });
  await refused("exponents[1]", { exponents: [1, Number.NaN] });
  await refused("exponents", { exponents: [] });
  await refused("exponents", { scales: [1] });
  await refused("exponents", { exponents: undefined });
  await refused("scales[0]", { exponents: undefined, scales: [0] });
  await refused("scales[0]", { exponents: undefined, scales: [Infinity] });
  await refused("scales[0]", { exponents: undefined, scales: [1e30] });
  await refused("times", { times: [] });
  await refused("stepSize", { stepSize: undefined });
  await refused("stepSize", { stepSize: -1 });
  await refused("stepSize", { method: "gradientFlow" });
  await refused("tolerance", { tolerance: 1e-6 });
  await refused("method", { method: "sgd" });
  await refused("start", { start: "doubled" });
  await refused("x", { x: [[1, 2]] });
  await refused("replicas", { replicas: 0 });
  await refused("keep", { keep: "all" });
  await refused("options.widths", { widths: 4 });
  await refused("start", { start: "paired" }, { ...problem, unit: ridge(tanh()), start: gaussian({ radius: 1 }) });
  await refused(
    "start",
    { start: "centred" },
    { ...problem, law: dataset({ x, y: [1, 1, -1, 1, 1] }), loss: "logistic" },
  );
  await refused("problem.law.kind", {}, { ...problem, law: { kind: "none", dimension: 3 } });
  await refused("problem.confinement", {}, { ...problem, confinement: { kind: "quadratic", weight: 1 } as never });
  // the linearised network is unstable from 2/λ_max of K times the masses on
  await refused(
    "stepSize",
    { stepSize: 50, times: [50000] },
    { ...problem, unit: affine(relu(), { trainBias: false }) },
  );
});

it("stops where its signal says", async () => {
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error("enough"));
  const options = {
    neurons: 64,
    exponents: [0.5],
    times: [100],
    stepSize: 0.01,
    signal: controller.signal,
    onProgress,
  };
  await expect(lazyDial(problem, options)).rejects.toThrow("enough");
});
