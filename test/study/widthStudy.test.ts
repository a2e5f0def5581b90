// Networks at their start against the infinitely wide one, and the norm of their Hessian against Lanczos' method.

import { describe, expect, it } from "vitest";
import { exp, tanh as tanhOf } from "../../src/engine/math";
import {
  affine,
  cosine,
  dataset,
  erf,
  gaussian,
  hessianNorm,
  lanczos,
  landscapeOf,
  loadEngine,
  type Measure,
  type Operator,
  type ProblemInput,
  parseProblem,
  particleMeasure,
  predictionsOf,
  rate,
  relu,
  ridge,
  scaled,
  silu,
  softplus,
  stream,
  tangentGram,
  tanh,
  tensor,
  type Unit,
  widthStudy,
} from "../../src/index";
import { startParticles } from "../../src/model/particles";
import reference from "../reference/kernels.json";

const corners: ProblemInput = {
  law: dataset({ x: reference.ntk.x, y: reference.ntk.regression.y }),
  unit: affine(relu(), { trainBias: false }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
};

describe("the infinitely wide network", () => {
  it("has the tangent kernel of the reference", async () => {
    const { limit } = await widthStudy(corners, { neurons: [2] });
    reference.ntk.gram.flat().forEach((value, i) => {
      expect(Math.abs(limit.kernel[i]! - value)).toBeLessThan(1e-10);
    });
  });

  // 6 different entries, each a mean over 65536 independent neurons, whose own covariance S gives the errors. One entry strays by more
  // than three standard errors with a chance of 0.0027, one of the six at most 0.016: that is the literal statement. The joint one is
  // Hotelling's n δᵀS⁻¹δ, to 1/n a χ² of 6 degrees, whose tail is e^{−u}(1 + u + u²/2) at 2u: below 1e-4 once in ten thousand streams.
  it("is within three standard errors at width 2^16, entry by entry and jointly", async () => {
    const N = 65536;
    const { limit, points } = await widthStudy(corners, { neurons: [N], seed: 1 });
    const theta = startOf(corners, N);
    const pairs = [0, 1, 2].flatMap((q) => [0, 1, 2].filter((p) => p >= q).map((p) => [q, p] as const));
    const x = reference.ntk.x;
    const mean = new Float64Array(6);
    const second = new Float64Array(36);
    const entry = new Float64Array(6);
    for (let i = 0; i < N; i++) {
      const [a, , w0, w1] = theta.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
      const h = x.map((u) => w0 * u[0]! + w1 * u[1]!);
      pairs.forEach(([q, p], k) => {
        const both = h[q]! > 0 && h[p]! > 0 ? 1 : 0;
        entry[k] = both * (h[q]! * h[p]! + a * a * (x[q]![0]! * x[p]![0]! + x[q]![1]! * x[p]![1]!));
      });
      for (let k = 0; k < 6; k++) {
        mean[k]! += entry[k]! / N;
        for (let l = 0; l < 6; l++) second[6 * k + l]! += (entry[k]! * entry[l]!) / N;
      }
    }
    const S = second.map((value, kl) => value - mean[Math.floor(kl / 6)]! * mean[kl % 6]!);
    const gap = pairs.map(([q, p]) => points[0]!.kernels[0]![3 * q + p]! - limit.kernel[3 * q + p]!);
    pairs.forEach(([q, p], k) => {
      expect(Math.abs(points[0]!.kernels[0]![3 * q + p]! - mean[k]!)).toBeLessThan(1e-12);
      expect(Math.abs(gap[k]!) / Math.sqrt(S[7 * k]! / N)).toBeLessThan(3);
    });
    const u = (N * quadraticForm(S, gap)) / 2;
    expect(exp(-u) * (1 + u + (u * u) / 2)).toBeGreaterThan(1e-4);
  });

  // The intervals hold the exponent in 9999 of 10,000 data sets, as far as Student's law goes.
  it("is approached as N^−½, and its eigenvalues are", async () => {
    const neurons = [32, 64, 128, 256, 512];
    const { limit, points } = await widthStudy(corners, { neurons, replicas: 48, seed: 2 });
    const distance = rate(
      neurons,
      points.map((point) => point.distance),
      { expected: -0.5, level: 0.9999 },
    );
    expect(distance.agrees, distance.verdict).toBe(true);
    const largest = points.map(({ eigenvalues }) =>
      Float64Array.from(eigenvalues, (values) => Math.abs(values[0]! - limit.eigenvalues[0]!)),
    );
    const spectrum = rate(neurons, largest, { expected: -0.5, level: 0.9999 });
    expect(spectrum.interval![0]).toBeLessThan(-0.5);
    expect(spectrum.interval![1]).toBeGreaterThan(-0.5);
    for (const { eigenvalues, kernels } of points) {
      expect(Array.from(eigenvalues[0]!)).toEqual(Array.from(eigenvalues[0]!).sort((a, b) => b - a));
      const trace = kernels[0]![0]! + kernels[0]![4]! + kernels[0]![8]!;
      expect(eigenvalues[0]!.reduce((sum, one) => sum + one, 0)).toBeCloseTo(trace, 12);
    }
  });

  it.each([
    ["a fixed a, a scaled σ", affine(scaled(tanh(), 1.5), { trainBias: false }), gaussian({ radius: 1.3, a: -2 })],
    [
      "a trained bias, weights of a normal law",
      affine(erf()),
      gaussian({
        w: { mean: 0, deviation: 0.7 },
        a: { mean: 1, deviation: 0.5 },
        b: { mean: 0, deviation: 0.4 },
      }),
    ],
  ])("follows the start of the problem: %s", async (_, unit, start) => {
    // at 500 neurons and 40 replicas a mean entry has an error of a per cent of its size; five of its own standard errors, for 18 entries
    const { limit, points } = await widthStudy({ ...corners, unit, start }, { neurons: [500], replicas: 40 });
    for (let e = 0; e < 9; e++) {
      const values = points[0]!.kernels.map((kernel) => kernel[e]!);
      const mean = values.reduce((sum, one) => sum + one, 0) / 40;
      const error = Math.sqrt(values.reduce((sum, one) => sum + (one - mean) * (one - mean), 0) / (40 * 39));
      expect(Math.abs(mean - limit.kernel[e]!)).toBeLessThan(5.5 * error);
      expect(error).toBeLessThan(0.04 * limit.kernel[0]!);
    }
  });
});

describe("the shortest step that fits", () => {
  // |δθ*|² = rᵀK⁻¹r by solving with the kernel, r = y − √N mean σ*
  it("has the length that its dual says, in each replica", async () => {
    const N = 40;
    const { points } = await widthStudy(corners, { neurons: [N], replicas: 2, seed: 4 });
    const engine = await loadEngine();
    const problem = parseProblem(corners);
    for (let replica = 0; replica < 2; replica++) {
      const network = particleMeasure({ coordinates: "theta", shape: [N, 4], values: startOf(corners, N, 4, replica) });
      const f = predictionsOf(network, problem, engine, tensor(reference.ntk.x) as never).values;
      const r = Array.from(f, (value, q) => reference.ntk.regression.y[q]! - Math.sqrt(N) * value);
      const kernel = (await tangentGram(corners, network, reference.ntk.x)).values;
      expect(points[0]!.stepNorm[replica]! ** 2).toBeCloseTo(quadraticForm(kernel, r), 10);
    }
  });

  // E |δθ*|² → yᵀΘ⁻¹y + tr Θ⁻¹Σ. At N = 400 the bias is of order 1/N; 150 replicas, four and a half standard errors: 1e-5.
  it("stays O(1), with the mean square of the limit", async () => {
    const { limit, points } = await widthStudy(corners, { neurons: [400], replicas: 150, seed: 5 });
    const squares = Array.from(points[0]!.stepNorm, (one) => one * one);
    const mean = squares.reduce((sum, one) => sum + one, 0) / 150;
    const error = Math.sqrt(squares.reduce((sum, one) => sum + (one - mean) * (one - mean), 0) / (150 * 149));
    expect(Math.abs(mean - limit.stepNorm * limit.stepNorm)).toBeLessThan(4.5 * error);
    expect(error).toBeLessThan(0.2 * mean);
  });

  it("is none where the kernel is singular", async () => {
    const repeated = {
      ...corners,
      law: dataset({
        x: [
          [1, 2],
          [1, 2],
          [0, 1],
        ],
        y: [1, -1, 0],
      }),
    };
    const { limit, points } = await widthStudy(repeated, { neurons: [50] });
    expect(limit.stepNorm).toBeNaN();
    expect(points[0]!.stepNorm[0]).toBeNaN();
    // three inputs, but one neuron's three parameters leave a kernel of rank 3 at most: with more inputs it is singular
    const many = {
      ...corners,
      law: dataset({
        x: [
          [1, 2],
          [2, 1],
          [-1, 1],
          [0.5, 0.3],
        ],
        y: [1, 1, 1, 1],
      }),
    };
    expect((await widthStudy(many, { neurons: [1] })).points[0]!.stepNorm[0]).toBeNaN();
  });
});

describe("|∇²f|", () => {
  const x = [0.8, -1.1, 0.4];
  const units: [string, Unit][] = [
    ["a ridge unit", ridge(tanh())],
    ["all of (a, b, w) trained", affine(silu())],
    ["b kept", affine(erf(), { trainBias: false })],
    ["a kept", affine(softplus(), { trainOutput: false })],
    ["a scaled activation", affine(scaled(cosine(), 3), { trainBias: false })],
    ["two outputs", affine(tanh(), { outputs: 2, outputBias: true })],
  ];

  // With label f − 1 the residual is −1, and the Hessian of the loss less its Gauss–Newton part is ∇²f, in coordinates √w θ with w = 1/N.
  it.each(units)("is that of Lanczos' method: %s", async (_, unit) => {
    const K = unit.kind === "affine" ? unit.outputs : 1;
    const N = 9;
    const draws = stream(21).normals(N * (3 + (unit.kind === "affine" ? K + 1 : 0)));
    const network = particleMeasure({ coordinates: "theta", shape: [N, draws.length / N], values: draws });
    const start = unit.kind === "affine" ? gaussian({ radius: 1, a: 1 }) : gaussian({ radius: 1 });
    const labelled = (y: number[]): ProblemInput => ({ law: dataset({ x: [x], y: K === 1 ? y : [y] }), unit, start });
    const found = await hessianNorm(labelled(new Array(K).fill(0)), network, [x]);
    expect(found.shape).toEqual(K === 1 ? [1] : [1, K]);
    const free = await landscapeOf(labelled(new Array(K).fill(0)), network);
    const f = Array.from(free.predictions);
    free.free();
    for (let k = 0; k < K; k++) {
      const landscape = await landscapeOf(labelled(f.map((value, l) => value - (l === k ? 1 : 0))), network);
      const { hessian, gaussNewton, size } = landscape;
      const part = new Float64Array(size);
      const operator: Operator = {
        size,
        apply(v, out) {
          hessian.apply(v, out);
          gaussNewton.apply(v, part);
          for (let i = 0; i < size; i++) out[i] = out[i]! - part[i]!;
        },
      };
      const ends = await lanczos(operator, { end: "both" });
      landscape.free();
      expect(ends.converged).toEqual([true, true]);
      const norm = Math.max(...ends.values.map(Math.abs));
      expect(Math.abs((N * found.values[k]!) / norm - 1)).toBeLessThan(1e-9);
    }
  });

  it("weighs neurons by their masses", async () => {
    const problem: ProblemInput = {
      law: dataset({ x: [[2]], y: [0] }),
      unit: ridge(tanh()),
      start: gaussian({ radius: 1 }),
    };
    const values = Float64Array.of(0.4, 0.3);
    const bend = (w: number) => Math.abs(2 * tanhOf(2 * w) * (1 - tanhOf(2 * w) * tanhOf(2 * w))) * 4;
    for (const weights of [Float64Array.of(0.5, 0.5), Float64Array.of(0.05, 0.95), Float64Array.of(1, 0)]) {
      const network = particleMeasure({ coordinates: "theta", shape: [2, 1], values, weights });
      const expected = Math.max(weights[0]! * bend(0.4), weights[1]! * bend(0.3));
      expect((await hessianNorm(problem, network, [[2]])).values[0]).toBeCloseTo(expected, 14);
    }
  });

  // With a = ±1 every block is bounded by its largest over h: √N |∇²f| settles there, and the fit is as good as exact from N = 64 on.
  it("falls as N^−½ where a is bounded", async () => {
    const neurons = [64, 256, 1024];
    const problem = { ...corners, unit: affine(tanh(), { trainBias: false }), start: gaussian({ radius: 1, a: 1 }) };
    const { points } = await widthStudy(problem, { neurons, replicas: 6 });
    const { exponent } = rate(
      neurons,
      points.map(({ hessianNorms }) => Float64Array.from(hessianNorms!, (norms) => Math.max(...norms))),
    );
    expect(Math.abs(exponent + 0.5)).toBeLessThan(0.005);
  });

  it("has no second derivative to speak of for relu", async () => {
    const { points } = await widthStudy(corners, { neurons: [4] });
    expect(points[0]!.hessianNorms).toBeNull();
    const network: Measure = particleMeasure({
      coordinates: "theta",
      shape: [1, 4],
      values: Float64Array.of(1, 0, 1, 1),
    });
    await expect(hessianNorm(corners, network, [[1, 1]])).rejects.toMatchObject({ path: "problem.unit.activation" });
    const smooth = { ...corners, unit: affine(tanh()) };
    await expect(hessianNorm(smooth, network, [[1]])).rejects.toMatchObject({ path: "x" });
  });
});

it("refuses what has no such limit, naming it", async () => {
  const refused = async (path: string, problem: object, options: object = {}) =>
    expect(widthStudy({ ...corners, ...problem } as never, { neurons: [4], ...options })).rejects.toMatchObject({
      path,
    });
  await refused("neurons", {}, { neurons: 4 });
  await refused("neurons", {}, { neurons: [] });
  await refused("neurons[1]", {}, { neurons: [4, 0] });
  await refused("replicas", {}, { replicas: Number.NaN });
  await refused("options.widths", {}, { widths: [4] });
  await refused("problem.unit", { unit: ridge(tanh()), start: gaussian({ radius: 1 }) });
  await refused("problem.unit", { unit: affine(tanh(), { trainOutput: false }) });
  await refused("problem.start.b", { start: gaussian({ radius: 1, b: 1 }) });
  await refused("problem.start.w", { start: gaussian({ w: { mean: 1, deviation: 1 } }) });
  await refused("problem.law.kind", { law: { kind: "none", dimension: 2 } });
  await refused("problem.loss", { law: dataset({ x: [[1, 1]], y: [1] }), loss: "logistic" });
});

/** The neurons that a problem starts from, rows (a, b, w). */
function startOf(problem: ProblemInput, N: number, seed = 1, replica = 0): Float64Array {
  return startParticles(parseProblem(problem), N, { seed, replica });
}

/** vᵀ A⁻¹ v by elimination. */
function quadraticForm(A: ArrayLike<number>, v: readonly number[]): number {
  const n = v.length;
  const rows = v.map((value, i) => [...Array.from({ length: n }, (_, j) => A[i * n + j]!), value]);
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j <= n; j++) rows[i]![j]! -= factor * rows[k]![j]!;
    }
  }
  const solution = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = rows[i]![n]!;
    for (let j = i + 1; j < n; j++) sum -= rows[i]![j]! * solution[j]!;
    solution[i] = sum / rows[i]![i]!;
  }
  return v.reduce((sum, value, i) => sum + value * solution[i]!, 0);
}
