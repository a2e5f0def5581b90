// The matrix of the empirical tangent kernel: against J Jᵀ from the derivatives of predictions, against sums written out here, and against
// the kernel of the infinitely wide network.

import { describe, expect, it } from "vitest";
import {
  affine,
  type Backend,
  dataset,
  erf,
  gaussian,
  gram,
  leakyRelu,
  loadEngine,
  noExamples,
  ntk,
  type Particles,
  type Problem,
  parseProblem,
  particleMeasure,
  piecewiseLinear,
  relu,
  ridge,
  SpecError,
  scaled,
  silu,
  softplus,
  stream,
  tangentGram,
  tanh,
  tensor,
  type Unit,
} from "../../src/index";
import { loadMatrixEngine } from "../../src/kernel/matrix/engine";
import { activationFunctions } from "../../src/model/activation";
import { copyNetwork, writeBatch, writeNetwork, writeTangent } from "../../src/model/blocks";
import { outputsOf, parameterDimension, weightOffset } from "../../src/model/unit";

const backends: Backend[] = ["js", "simd"];
try {
  await loadMatrixEngine("relaxed");
  backends.push("relaxed");
} catch {
  // a build that this engine cannot run
}

const problemOf = (unit: Unit, d: number): Problem =>
  parseProblem({ law: noExamples(d), unit, start: gaussian({ radius: 1 }) });

/** N neurons with normal parameters, ⟨w, x⟩ of order 1, of equal or of uneven masses, one of them 0. */
function networkOf(unit: Unit, d: number, N: number, weighted = false): Particles {
  const D = parameterDimension(unit, d);
  const weights = weighted
    ? stream(5)
        .uniforms(N)
        .map((w, i) => (i === 1 ? 0 : w))
    : null;
  const values = stream(4)
    .normals(N * D)
    .map((t, at) => (at % D < D - d ? t : t / Math.sqrt(d)));
  return particleMeasure({ coordinates: "theta", shape: [N, D], values, weights });
}

const inputs = (n: number, d: number, step = 0) => tensor(stream(6).normals(n * d, { step }), [n, d]);

/** Σ_i m_i ∇σ*(x; θ_i)·∇σ*(x'; θ_i), entry by entry. */
function direct(unit: Unit, network: Particles, x: Float64Array, y: Float64Array, d: number): Float64Array {
  const K = outputsOf(unit);
  const [n, m] = [x.length / d, y.length / d];
  const [N, D] = network.shape;
  const offset = weightOffset(unit);
  const { value, derivative } = activationFunctions(unit.activation);
  const affine = unit.kind === "affine" ? unit : null;
  const preactivation = (theta: Float64Array, inputs: Float64Array, q: number) => {
    let h = affine ? theta[K]! : 0;
    for (let j = 0; j < d; j++) h += theta[offset + j]! * inputs[q * d + j]!;
    return h;
  };
  const out = new Float64Array(n * K * m * K);
  for (let i = 0; i < N; i++) {
    const theta = network.values.subarray(i * D, (i + 1) * D);
    const mass = network.weights?.[i] ?? 1 / N;
    for (let q = 0; q < n; q++) {
      const h = preactivation(theta, x, q);
      for (let p = 0; p < m; p++) {
        const g = preactivation(theta, y, p);
        let inner = affine?.trainBias ? 1 : 0;
        for (let j = 0; j < d; j++) inner += x[q * d + j]! * y[p * d + j]!;
        const moved = mass * derivative(h) * derivative(g) * inner;
        const values = affine?.trainOutput ? mass * value(h) * value(g) : 0;
        for (let k = 0; k < K; k++) {
          for (let l = 0; l < K; l++) {
            const a = affine ? theta[k]! * theta[l]! : 1;
            out[(q * K + k) * m * K + p * K + l]! += moved * a + (k === l ? values : 0);
          }
        }
      }
    }
  }
  if (affine?.outputBias) {
    for (let q = 0; q < n; q++) {
      for (let p = 0; p < m; p++) for (let k = 0; k < K; k++) out[(q * K + k) * m * K + p * K + k]! += 1;
    }
  }
  return out;
}

/** Largest difference in units of the largest entry. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let size = 0;
  let worst = 0;
  for (let at = 0; at < b.length; at++) {
    size = Math.max(size, Math.abs(b[at]!));
    const off = Math.abs(a[at]! - b[at]!);
    if (!(off <= worst)) worst = off;
  }
  return worst / size;
}

const transposed = (values: Float32Array | Float64Array, n: number) =>
  values.map((_, at) => values[(at % n) * n + Math.floor(at / n)]!);

const units: [string, Unit][] = [
  ["ridge tanh", ridge(tanh())],
  ["affine relu", affine(relu())],
  ["affine tanh, three outputs with biases", affine(tanh(), { outputs: 3, outputBias: true })],
  ["affine erf, two outputs, b kept", affine(erf(), { outputs: 2, trainBias: false })],
  ["affine softplus, nine outputs, a kept", affine(softplus(), { outputs: 9, outputBias: true, trainOutput: false })],
  ["affine scaled silu with a bias", affine(scaled(silu(), 5), { outputBias: true })],
  ["affine leaky relu, a and b kept", affine(leakyRelu(0.1), { trainOutput: false, trainBias: false })],
];

describe.each(backends)("the tangent kernel's matrix is the sum over neurons (%s)", (backend) => {
  it.each(units)("%s: every length of tail, and neurons that fill no whole piece", async (_, unit) => {
    const K = outputsOf(unit);
    // [n, m, N, d]; pieces are of 64 neurons, panels of 8 inputs (f32) or 4
    const shapes = [
      ...Array.from({ length: K > 4 ? 5 : 17 }, (_, k) => [k + 1, K > 4 ? 6 - k : 18 - k, 5 + 9 * k, 3] as const),
      [21, 19, 200, 1],
      [4, 5, 3, 300],
    ] as const;
    for (const [n, m, N, d] of shapes) {
      const problem = problemOf(unit, d);
      const network = networkOf(unit, d, N, n % 2 === 0);
      const [x, y] = [inputs(n, d), inputs(m, d, 1)];
      const square = direct(unit, network, x.data as Float64Array, x.data as Float64Array, d);
      const wide = direct(unit, network, x.data as Float64Array, y.data as Float64Array, d);
      // round-off of sums of some hundred terms in f32; f64 is bounded by the sums here
      for (const [precision, bound] of [
        ["f32", 2e-6],
        ["f64", 1e-13],
      ] as const) {
        const symmetric = await tangentGram(problem, network, x, null, { precision, backend });
        expect(symmetric.shape).toEqual([n * K, n * K]);
        expect(difference(symmetric.values, square)).toBeLessThan(bound);
        expect(symmetric.values).toEqual(transposed(symmetric.values, n * K));
        const rectangular = await tangentGram(problem, network, x, y, { precision, backend });
        expect(rectangular.shape).toEqual([n * K, m * K]);
        expect(difference(rectangular.values, wide)).toBeLessThan(bound);
      }
    }
  });

  it("tiles fit together: two outputs of 450 inputs, several tiles a side", async () => {
    const [n, d] = [450, 2];
    const unit = affine(tanh(), { outputs: 2, outputBias: true });
    const problem = problemOf(unit, d);
    const network = networkOf(unit, d, 70);
    const x = inputs(n, d);
    const { values } = await tangentGram(problem, network, x, null, { backend });
    expect(difference(values, transposed(values, 2 * n))).toBe(0);
    const rows = new Float64Array([
      ...x.data.subarray(0, 2),
      ...x.data.subarray(500, 502),
      ...x.data.subarray(898, 900),
    ]);
    const some = direct(unit, network, rows, x.data as Float64Array, d);
    [0, 250, 449].forEach((q, r) => {
      for (const k of [0, 1]) {
        const row = values.subarray((2 * q + k) * 2 * n, (2 * q + k + 1) * 2 * n);
        expect(difference(row, some.subarray((2 * r + k) * 2 * n, (2 * r + k + 1) * 2 * n))).toBeLessThan(1e-13);
      }
    });
  });
});

describe("the tangent kernel's matrix", () => {
  it("is J M Jᵀ of the derivatives of predictions along every parameter (tangentForward)", async () => {
    const [n, d, N] = [5, 3, 4];
    const unit = affine(tanh(), { outputs: 2, outputBias: true });
    const problem = problemOf(unit, d);
    const network = networkOf(unit, d, N);
    const x = inputs(n, d);
    const engine = await loadEngine();
    const memory = engine.memory();
    const net = writeNetwork(memory, unit, d, N, "f64");
    engine.kernels.importTheta_f64(net.block, memory.put("f64", [...network.values, 0, 0]));
    const direction = copyNetwork(memory, net);
    const batch = writeBatch(memory, net, n);
    const tangent = writeTangent(memory, net, batch);
    engine.kernels.packInputs_f64(net.block, batch.block, memory.put("f64", x.data), 0, n);
    const jacobian: Float64Array[] = [];
    for (let j = 0; j < net.length; j++) {
      const u = new Float64Array(net.length);
      u[j] = 1;
      engine.kernels.importTheta_f64(direction.block, memory.put("f64", u));
      engine.kernels.tangentForward_f64(net.block, direction.block, batch.block, tangent.predictions);
      jacobian.push(memory.f64(tangent.predictions, 2 * n).slice());
    }
    memory.free();
    // ∂f/∂θ_i has the mass 1/N in it, the kernel has it once: K = Σ_j N J_j J_jᵀ, and the biases once
    const expected = new Float64Array(4 * n * n);
    jacobian.forEach((column, j) => {
      const weight = j < N * network.shape[1] ? N : 1;
      expected.forEach((_, at) => {
        expected[at]! += weight * column[Math.floor(at / (2 * n))]! * column[at % (2 * n)]!;
      });
    });
    const { values } = await tangentGram(problem, network, x);
    expect(difference(values, expected)).toBeLessThan(1e-13);
  });

  it("tends to the kernel of the infinitely wide network", async () => {
    // entries are means of N independent terms: within 5 standard errors of the limit, 10 of them apart: 6e-6 a false alarm
    const [d, N] = [3, 4096];
    const unit = affine(relu(), { trainBias: false });
    const theta = stream(9).normals(N * (d + 2));
    theta.forEach((t, at) => {
      const j = at % (d + 2);
      theta[at] = j === 0 ? t : j === 1 ? 0 : t / Math.sqrt(d);
    });
    const x = inputs(4, d);
    const problem = problemOf(unit, d);
    const limit = (await gram(ntk(relu()), x)).values;
    const sums = new Float64Array(16);
    const squares = new Float64Array(16);
    const parts = 64;
    for (let part = 0; part < parts; part++) {
      const from = (part * N * (d + 2)) / parts;
      const some = theta.slice(from, from + (N * (d + 2)) / parts);
      const network = particleMeasure({ coordinates: "theta", shape: [N / parts, d + 2], values: some });
      (await tangentGram(problem, network, x)).values.forEach((value, at) => {
        sums[at]! += value / parts;
        squares[at]! += (value * value) / parts;
      });
    }
    const all = particleMeasure({ coordinates: "theta", shape: [N, d + 2], values: theta });
    const { values } = await tangentGram(problem, all, x);
    expect(difference(values, sums)).toBeLessThan(1e-12);
    sums.forEach((mean, at) => {
      const error = Math.sqrt((squares[at]! - mean * mean) / (parts - 1));
      expect(Math.abs(values[at]! - limit[at]!)).toBeLessThan(5 * error);
    });
  });

  it("is the same in every build, to round-off", async () => {
    const d = 6;
    for (const [precision, bound] of [
      ["f64", 1e-13],
      ["f32", 2e-6],
    ] as const) {
      for (const [name, unit] of units) {
        const network = networkOf(unit, d, 90);
        const [plain, ...others] = await Promise.all(
          backends.map((backend) =>
            tangentGram(problemOf(unit, d), network, inputs(13, d), null, { precision, backend }),
          ),
        );
        for (const { values } of others) expect(difference(values, plain!.values), name).toBeLessThan(bound);
      }
    }
  });

  it("takes no more memory than the result, the inputs and a tile, and gives it back", async () => {
    const engine = await loadMatrixEngine("simd");
    const [n, d, N] = [2400, 2, 300];
    const unit = affine(relu());
    const values = (
      await tangentGram(problemOf(unit, d), networkOf(unit, d, N), inputs(n, d), null, {
        precision: "f32",
        backend: "simd",
      })
    ).values;
    // J would be N (d + 2) n numbers, 11.5 MB; a tile of 384 has three sums and features of 64 neurons a side, 2.2 MB, and memory grows
    // by doubling
    expect(values.byteLength).toBe(4 * n * n);
    expect(engine.usage().capacity).toBeLessThan(5.5e6);
    expect(engine.usage().live).toBe(0);
    const stop = new AbortController();
    const options = { signal: stop.signal, backend: "simd" } as const;
    const run = tangentGram(problemOf(unit, d), networkOf(unit, d, N), inputs(n, d), null, options);
    stop.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
    expect(engine.usage().live).toBe(0);
  });

  it("is refused with the path of what is wrong", async () => {
    const problem = problemOf(affine(relu()), 2);
    const network = networkOf(affine(relu()), 2, 5);
    const x = [
      [1, 2],
      [3, 4],
    ];
    const radial = particleMeasure({ coordinates: "radial", shape: [1, 3], values: new Float64Array(3) });
    const cases: [string, () => Promise<unknown>][] = [
      ["measure.coordinates", () => tangentGram(problem, radial, x)],
      ["measure.shape", () => tangentGram(problem, networkOf(ridge(relu()), 2, 5), x)],
      ["x", () => tangentGram(problem, network, [[1, 2, 3]])],
      ["x[0][1]", () => tangentGram(problem, network, [[1, Number.NaN]])],
      ["y", () => tangentGram(problem, network, x, [[1]])],
      ["options.precision", () => tangentGram(problem, network, x, null, { precision: "f16" as never })],
      ["options.out", () => tangentGram(problem, network, x, null, { out: new Float64Array(5) })],
      ["options.backend", () => tangentGram(problem, network, x, null, { backend: "cuda" as never })],
      ["problem.unit", () => tangentGram({ ...problem, unit: undefined as never }, network, x)],
    ];
    for (const [path, run] of cases) {
      await expect(run(), path).rejects.toThrow(SpecError);
      await expect(run()).rejects.toMatchObject({ path });
    }
  });

  it("takes a problem with examples, and an activation of knots", async () => {
    const unit = ridge(
      piecewiseLinear([
        [-0.5, -1],
        [0.5, 2],
      ]),
    );
    const problem = { law: dataset({ x: [[1, 2]], y: [1] }), unit, start: gaussian({ radius: 1 }) };
    const network = networkOf(unit, 2, 40);
    const x = inputs(7, 2);
    const { values } = await tangentGram(problem, network, x);
    const data = x.data as Float64Array;
    expect(difference(values, direct(unit, network, data, data, 2))).toBeLessThan(1e-13);
  });
});
