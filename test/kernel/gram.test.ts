// Matrices of kernels: against the reference's numbers, against sums and closed forms evaluated here with Math's functions, and where products
// of inputs lose digits.

import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import {
  arcCosine,
  type Backend,
  erf,
  erfKernel,
  gram,
  type Kernel,
  leakyRelu,
  matern,
  nngp,
  ntk,
  rbf,
  relu,
  SpecError,
  scaled,
  stream,
  tanh,
  tensor,
} from "../../src/index";
import { loadMatrixEngine } from "../../src/kernel/matrix/engine";
import { parseKernel } from "../../src/kernel/schema";
import reference from "../reference/kernels.json";

const backends: Backend[] = ["js", "simd"];
try {
  await loadMatrixEngine("relaxed");
  backends.push("relaxed");
} catch {
  // a build that this engine cannot run
}

const kernels: Record<string, Kernel> = {
  rbf: rbf(1.7),
  "matern ½": matern(0.5, 1.7),
  "matern 3/2": matern(1.5, 1.7),
  "matern 5/2": matern(2.5, 1.7),
  "arc-cosine 0": arcCosine(0),
  "arc-cosine 1": arcCosine(1),
  erf: erfKernel({ weightVariance: 0.4, biasVariance: 0.3 }),
  "nngp relu": nngp(relu(), { weightVariance: 1.5, biasVariance: 0.2, outputVariance: 2 }),
  "nngp erf": nngp(erf(), { outputVariance: 3 }),
  "ntk relu": ntk(relu()),
  "ntk relu, biases": ntk(relu(), { weightVariance: 1.5, biasVariance: 0.4, outputVariance: 0.6, trainBias: true }),
  "ntk leaky relu": ntk(leakyRelu(0.2), { trainBias: true, biasVariance: 0.1 }),
  "ntk erf": ntk(erf(), { weightVariance: 3, biasVariance: 0.2, outputVariance: 0.6, trainBias: true }),
};

/** E σσ' and E σ'σ' of centred normal numbers by their covariance; the angle from the sides of a triangle, which loses no digits. */
function pair(activation: "relu" | "leakyRelu" | "erf", slope: number, x: number[], y: number[]): [number, number] {
  const [s, t] = [norm(x), norm(y)];
  if (activation === "erf") {
    const root = Math.sqrt((1 + 2 * s * s) * (1 + 2 * t * t) - 4 * dot(x, y) * dot(x, y));
    return [(2 / Math.PI) * Math.atan(2 * dot(x, y) * (1 / root)), 4 / (Math.PI * root)];
  }
  const theta = angle(x, y);
  const both = (Math.PI - theta) / (2 * Math.PI);
  const delta = 1 - slope;
  const slopes = slope * (slope + delta) + delta * delta * both;
  const value = s * t * (Math.cos(theta) * slopes + (delta * delta * Math.sin(theta)) / (2 * Math.PI));
  return [value, slopes];
}

function angle(x: number[], y: number[]): number {
  const s = norm(x);
  const t = norm(y);
  if (s === 0 || t === 0) return Math.PI / 2;
  return 2 * Math.atan2(distance(x, y, s, t), distance(x, y, s, -t));
}

const norm = (x: number[]): number => Math.sqrt(dot(x, x));

function dot(x: number[], y: number[]): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k]! * y[k]!;
  return sum;
}

/** |x/s − y/t| */
function distance(x: number[], y: number[], s = 1, t = 1): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) {
    const apart = x[k]! / s - y[k]! / t;
    sum += apart * apart;
  }
  return Math.sqrt(sum);
}

/** k(x, y) as the kernel's definition says. */
function direct(kernel: Kernel, x: number[], y: number[]): number {
  const r = distance(x, y);
  switch (kernel.kind) {
    case "rbf":
      return Math.exp(-(r * r) / (2 * kernel.lengthScale * kernel.lengthScale));
    case "matern": {
      const t = (Math.sqrt(2 * kernel.smoothness) * r) / kernel.lengthScale;
      return Math.exp(-t) * { 0.5: 1, 1.5: 1 + t, 2.5: 1 + t + (t * t) / 3 }[kernel.smoothness];
    }
    case "arcCosine": {
      const theta = angle(x, y);
      if (kernel.degree === 0) return 1 - theta / Math.PI;
      const size = norm(x) * norm(y);
      return (size / Math.PI) * (Math.sin(theta) + (Math.PI - theta) * Math.cos(theta));
    }
    case "erf": {
      const lift = (u: number[]) => [
        ...u.map((a) => a * Math.sqrt(kernel.weightVariance)),
        Math.sqrt(kernel.biasVariance),
      ];
      return pair("erf", 0, lift(x), lift(y))[0];
    }
    default: {
      const { activation, weightVariance, biasVariance, outputVariance } = kernel;
      const kind = activation.kind as "relu" | "leakyRelu" | "erf";
      const slope = activation.kind === "leakyRelu" ? activation.slope : 0;
      const factor = Math.sqrt(weightVariance / x.length);
      const lift = (u: number[]) => [...u.map((a) => a * factor), Math.sqrt(biasVariance)];
      const [value, slopes] = pair(kind, slope, lift(x), lift(y));
      if (kernel.kind === "nngp") return outputVariance * value;
      const inner = dot(x, y) + (kernel.trainBias ? 1 : 0);
      return value + outputVariance * inner * slopes;
    }
  }
}

const points = (n: number, d: number, step = 0): number[][] =>
  Array.from({ length: n }, (_, i) => Array.from(stream(31).normals(d, { step: 1000 * step + i })));

/** Largest |G_ij − k(x_i, y_j)| in units of √(k(x_i, x_i) k(y_j, y_j)). */
function error(values: ArrayLike<number>, kernel: Kernel, x: number[][], y: number[][]): number {
  const sizes = (side: number[][]) => side.map((u) => Math.sqrt(direct(kernel, u, u)) || 1);
  const [left, right] = [sizes(x), sizes(y)];
  let worst = 0;
  x.forEach((u, i) => {
    y.forEach((v, j) => {
      const off = Math.abs(values[i * y.length + j]! - direct(kernel, u, v)) / (left[i]! * right[j]!);
      if (!(off <= worst)) worst = off;
    });
  });
  return worst;
}

const transposed = (values: Float32Array | Float64Array, n: number) =>
  values.map((_, at) => values[(at % n) * n + Math.floor(at / n)]!);

const difference = (a: ArrayLike<number>, b: ArrayLike<number>, sizeAt: (at: number) => number = () => 1): number => {
  let worst = 0;
  for (let at = 0; at < b.length; at++) {
    const off = Math.abs(a[at]! - b[at]!) / sizeAt(at);
    if (!(off <= worst)) worst = off;
  }
  return worst;
};

describe("the reference's numbers (test/reference/kernels.json, given to 12 digits)", () => {
  it.each(backends)("the tangent kernel of relu in d = 2 (%s)", async (backend) => {
    const { values } = await gram(ntk(relu()), reference.ntk.x, null, { backend });
    reference.ntk.gram.flat().forEach((value, at) => void expect(Math.abs(values[at]! - value)).toBeLessThan(1e-10));
  });

  it("E σ(X)σ(Y) of relu, erf and tanh", async () => {
    // w ~ N(0, I) where v_w = d
    const expectPair = async (kernel: Kernel, v1: number, v2: number, c: number, value: number) => {
      const s = Math.sqrt(v1);
      const { values } = await gram(kernel, [[s, 0]], [[c / s, Math.sqrt(v2 - (c / s) * (c / s))]]);
      expect(Math.abs(values[0]! - value)).toBeLessThan(1e-10);
    };
    for (const { s1, s2, rho, value } of reference.reluPair.cases) {
      await expectPair(nngp(relu(), { weightVariance: 2 }), s1 * s1, s2 * s2, rho * s1 * s2, value);
    }
    for (const { v1, v2, c, value } of reference.erfPair.cases) {
      await expectPair(nngp(erf(), { weightVariance: 2 }), v1, v2, c, value);
      await expectPair(erfKernel(), v1, v2, c, value);
    }
    for (const { v1, v2, c, value } of reference.tanhPair.cases) {
      await expectPair(nngp(tanh(), { weightVariance: 2 }), v1, v2, c, value);
    }
  });
});

describe.each(backends)("every kernel is what its definition says (%s)", (backend) => {
  // round-off of the products of some hundred numbers, about 1e-7 √(depth) in f32; f64 is bounded by the sums here
  const bounds = { f32: 3e-6, f64: 1e-12 } as const;

  it.each(Object.entries(kernels))("%s, with every length of tail and more than one tile", async (_, kernel) => {
    const shapes = [
      ...Array.from({ length: 17 }, (_, k) => [k + 1, 18 - k, 3] as const),
      [40, 70, 1],
      [70, 40, 8],
      [21, 23, 600],
    ] as const;
    for (const [n, m, d] of shapes) {
      const x = points(n, d).map((u) => u.map((t) => t / Math.sqrt(d / 3)));
      const y = points(m, d, 1).map((u) => u.map((t) => t / Math.sqrt(d / 3)));
      for (const precision of ["f32", "f64"] as const) {
        const square = await gram(kernel, x, null, { precision, backend });
        expect(square.shape).toEqual([n, n]);
        expect(error(square.values, kernel, x, x)).toBeLessThan(bounds[precision]);
        expect(square.values).toEqual(transposed(square.values, n));
        const { values, shape } = await gram(kernel, x, y, { precision, backend });
        expect(shape).toEqual([n, m]);
        expect(error(values, kernel, x, y)).toBeLessThan(bounds[precision]);
      }
    }
  });

  it("tiles fit together: 300 inputs beside the same ones in two halves", async () => {
    const x = points(300, 4);
    for (const kernel of [kernels.rbf!, kernels["ntk relu"]!]) {
      const all = await gram(kernel, x, null, { backend });
      const upper = await gram(kernel, x.slice(0, 140), x, { backend });
      const lower = await gram(kernel, x.slice(140), x, { backend });
      // the same sums in the same order, whatever the tile; centred alike but for round-off
      expect(difference([...upper.values, ...lower.values], all.values)).toBeLessThan(1e-13);
    }
  });
});

describe("where products lose digits", () => {
  // repeated, parallel and antiparallel points, some nearly so, and two zeros
  const [base] = points(1, 5, 7) as [number[]];
  const turned = (t: number) => base.map((a, k) => a + t * (k % 2 === 0 ? 1 : -1));
  const inputs = [
    ...points(9, 5, 8),
    base,
    base,
    base.map((a) => 3 * a),
    base.map((a) => -0.7 * a),
    ...[1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3].flatMap((t) => [turned(t), turned(t).map((a) => -2 * a)]),
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
  ];

  it.each(backends)("f32 is within 1e-5 of f64, and f64 within 1e-12 of differences (%s)", async (backend) => {
    for (const [name, kernel] of Object.entries(kernels)) {
      for (const other of [null, inputs]) {
        const { values } = await gram(kernel, inputs, other, { backend });
        // erf's 1 − c² is formed by subtraction here
        expect(error(values, kernel, inputs, inputs), name).toBeLessThan(name.includes("erf") ? 1e-11 : 1e-12);
        const single = await gram(kernel, inputs, other, { precision: "f32", backend });
        expect(error(single.values, kernel, inputs, inputs), name).toBeLessThan(1e-5);
      }
    }
  });

  it.each(backends)(
    "f32 is within 1e-5 in a plane, where angles are small often, and for widely spread inputs (%s)",
    async (backend) => {
      const plane = Array.from({ length: 90 }, (_, i) => [Math.cos(0.07 * i * i), Math.sin(0.07 * i * i)]);
      const spread = points(60, 3, 9).map((u, i) => u.map((a) => a * (1 + i)));
      for (const [name, kernel] of Object.entries({ ...kernels, narrow: rbf(0.3), "narrow ½": matern(0.5, 0.3) })) {
        for (const x of [plane, spread, spread.map((u) => u.map((a) => a + 1000))]) {
          // of the wide networks such an offset makes one direction of all inputs, and erf a step
          const { values } = await gram(kernel, x, null, { precision: "f32", backend });
          const double = await gram(kernel, x, null, { backend });
          const n = x.length;
          for (let at = 0; at < n * n; at++) {
            const [i, j] = [Math.floor(at / n), at % n];
            const size = Math.sqrt(double.values[i * (n + 1)]! * double.values[j * (n + 1)]!);
            expect(Math.abs(values[at]! - double.values[at]!) / size, name).toBeLessThan(1e-5);
          }
        }
      }
    },
  );

  it.each(backends)("equal, opposite and zero inputs have their values exactly (%s)", async (backend) => {
    const x = [
      [3, 4],
      [3, 4],
      [-3, -4],
      [0, 0],
    ];
    for (const precision of ["f32", "f64"] as const) {
      const at = async (kernel: Kernel) => Array.from((await gram(kernel, x, null, { precision, backend })).values);
      for (const kernel of [rbf(0.1), matern(0.5, 2), matern(1.5, 2), matern(2.5, 2)]) {
        const values = await at(kernel);
        expect([values[0], values[1], values[15]]).toEqual([1, 1, 1]);
      }
      // Θ(0) = ½ in degree 0
      const close = (found: number[], wanted: number[]) => {
        found.forEach(
          (value, k) => void expect(Math.abs(value - wanted[k]!)).toBeLessThan(precision === "f32" ? 1e-6 : 1e-14),
        );
      };
      close(await at(arcCosine(0)), [1, 1, 0, 0.5, 1, 1, 0, 0.5, 0, 0, 1, 0.5, 0.5, 0.5, 0.5, 0.5]);
      close(await at(arcCosine(1)), [25, 25, 0, 0, 25, 25, 0, 0, 0, 0, 25, 0, 0, 0, 0, 0]);
      // relu has σ'(0) = 0, leaky relu of slope ½ has ½: E σ'(0)σ'(Y) = ½ · ¾
      close((await at(ntk(relu(), { trainBias: true }))).slice(12), [0, 0, 0, 0]);
      close((await at(ntk(leakyRelu(0.5), { trainBias: true }))).slice(12), [0.375, 0.375, 0.375, 0.25]);
    }
  });

  it("inputs whose squares underflow have a direction still", async () => {
    const { values } = await gram(arcCosine(0), [
      [3e-170, 4e-170],
      [4e-170, -3e-170],
      [1, 0],
    ]);
    [1, 0.5, 1 - Math.acos(0.6) / Math.PI].forEach((value, j) => void expect(values[j]).toBeCloseTo(value, 14));
  });
});

describe("a matrix of a kernel", () => {
  it("is the same in every build, to round-off", async () => {
    const x = points(83, 6);
    for (const [name, kernel] of Object.entries(kernels)) {
      for (const [precision, bound] of [
        ["f64", 1e-13],
        ["f32", 2e-6],
      ] as const) {
        const [plain, ...others] = await Promise.all(
          backends.map((backend) => gram(kernel, x, null, { precision, backend })),
        );
        const size = Math.max(...plain!.values);
        for (const { values } of others) {
          expect(difference(values, plain!.values), name).toBeLessThan(bound * size);
        }
      }
    }
  });

  it("is positive semidefinite to round-off", async () => {
    const x = [...points(30, 3), ...points(10, 3)];
    for (const [name, kernel] of Object.entries(kernels)) {
      const { values } = await gram(kernel, x);
      const dense = Dense.from1DArray(40, 40, Array.from(values));
      const spectrum = new EigenvalueDecomposition(dense, { assumeSymmetric: true }).realEigenvalues;
      expect(Math.min(...spectrum) / Math.max(...spectrum), name).toBeGreaterThan(-1e-14);
    }
  });

  it("scales as the factor of the activation squared", async () => {
    const x = points(9, 3);
    for (const make of [nngp, ntk]) {
      for (const activation of [relu(), erf(), tanh()]) {
        const plain = await gram(make(activation, { biasVariance: 0.3 }), x);
        const large = await gram(make(scaled(activation, -3), { biasVariance: 0.3 }), x);
        large.values.forEach((value, at) => void expect(Math.abs(value / plain.values[at]! - 9)).toBeLessThan(1e-9));
      }
    }
  });

  it("is written to the caller's array, and made of plain JSON", async () => {
    const x = tensor(stream(3).normals(60), [20, 3]);
    const out = new Float32Array(400);
    const kernel = JSON.parse(JSON.stringify(ntk(relu(), { trainBias: true }))) as Kernel;
    const { values } = await gram(kernel, x, null, { precision: "f32", out });
    expect(values).toBe(out);
    expect(values).toEqual((await gram(ntk(relu(), { trainBias: true }), x, null, { precision: "f32" })).values);
    expect(parseKernel({ kind: "ntk", activation: { kind: "relu" } })).toEqual(ntk(relu()));
  });

  it("takes no more memory than the result, the inputs and a tile, and gives it back", async () => {
    const engine = await loadMatrixEngine("simd");
    const before = engine.usage().capacity;
    const n = 2200;
    const x = tensor(stream(3).normals(3 * n), [n, 3]);
    const { values } = await gram(rbf(1), x, null, { precision: "f32", backend: "simd" });
    expect(values.byteLength).toBe(4 * n * n);
    // two tiles of 256 × 272 numbers; the memory may have doubled to hold them
    expect(engine.usage().capacity - before).toBeLessThan(2 * 4 * (2 * 256 * 272 + 12 * n) + 65536);
    expect(engine.usage().capacity).toBeLessThan(values.byteLength / 2);
    expect(engine.usage().live).toBe(0);
    const stop = new AbortController();
    const run = gram(rbf(1), x, null, { signal: stop.signal, backend: "simd" });
    stop.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
    expect(engine.usage().live).toBe(0);
  });

  it("is refused with the path of what is wrong", async () => {
    const x = [
      [1, 2],
      [3, 4],
    ];
    const cases: [string, () => Promise<unknown>][] = [
      ["kernel.kind", () => gram({ kind: "gauss" } as never, x)],
      ["kernel.lengthScale", () => gram(rbf(0), x)],
      ["kernel.lengthScale", () => gram(rbf(Number.NaN), x)],
      ["kernel.lengthScale", () => gram(rbf(undefined as never), x)],
      ["kernel.smoothness", () => gram(matern(1 as never, 1), x)],
      ["kernel.degree", () => gram(arcCosine(2 as never), x)],
      ["kernel.weightVariance", () => gram(ntk(relu(), { weightVariance: 0 }), x)],
      ["kernel.biasVariance", () => gram(nngp(relu(), { biasVariance: -1 }), x)],
      ["kernel.activation.kind", () => gram(ntk({ kind: "rectifier" } as never), x)],
      ["kernel.trainBais", () => gram({ ...ntk(relu()), trainBais: true } as never, x)],
      ["x", () => gram(rbf(1), [])],
      ["x", () => gram(rbf(1), [1, 2, 3])],
      [
        "x[1][0]",
        () =>
          gram(rbf(1), [
            [1, 2],
            [Number.NaN, 1],
          ]),
      ],
      [
        "x[1][0]",
        () =>
          gram(rbf(1), [
            [1, 2],
            [1e300, 1],
          ]),
      ],
      ["x", () => gram(rbf(1), undefined as never)],
      ["y", () => gram(rbf(1), x, [[1, 2, 3]])],
      ["y[0][1]", () => gram(rbf(1), x, [[1, Infinity]])],
      [
        "x[1]",
        () =>
          gram(
            ntk(relu()),
            [
              [1, 2],
              [1e30, 1],
            ],
            null,
            { precision: "f32" },
          ),
      ],
      ["y[0]", () => gram(rbf(1e-99), x, [[1e90, 1]])],
      ["options.precision", () => gram(rbf(1), x, null, { precision: "f16" as never })],
      ["options.out", () => gram(rbf(1), x, null, { out: new Float64Array(3) })],
      ["options.out", () => gram(rbf(1), x, null, { precision: "f32", out: new Float64Array(4) as never })],
      ["options.backend", () => gram(rbf(1), x, null, { backend: "gpu" as never })],
    ];
    for (const [path, run] of cases) {
      await expect(run(), path).rejects.toThrow(SpecError);
      await expect(run()).rejects.toMatchObject({ path });
    }
    const long = tensor(new Float64Array(40000), [40000, 1]);
    await expect(gram(rbf(1), long)).rejects.toThrow("2 GiB");
  });
});
