// Kernel regression against test/reference/kernels.json, against refits, against a plain Cholesky and against its own differential equation.

import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { cholesky } from "../../src/kernel/cholesky";
import { nngp, ntk, rbf } from "../../src/kernel/kernel";
import { gram, kernelRegression, tangentGram } from "../../src/kernel/onDemand";
import { particles } from "../../src/measure/measure";
import { erf, relu, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { gaussian } from "../../src/model/start";
import { affine } from "../../src/model/unit";
import { normalsOf } from "../../src/random/stream";
import reference from "../reference/kernels.json";

const normals = (count: number, seed: number) =>
  Float64Array.from(normalsOf({ seed, replica: 0, purpose: 1 }, { step: 0, from: 0, count }));
const normalRows = (n: number, d: number, seed: number) => {
  const all = normals(n * d, seed);
  return Array.from({ length: n }, (_, i) => Array.from(all.subarray(i * d, (i + 1) * d)));
};
const run = <T>(work: Generator<void, T, void>): T => {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value as T;
  }
};
const without = <T>(list: readonly T[], q: number) => list.filter((_, i) => i !== q);

describe("the reference", () => {
  const { x } = reference.ntk;
  const { y, at, t, f } = reference.ntk.regression;

  // values are given to twelve digits
  test("f_t of the NTK of relu at a new input, t = 1, 10, ∞", async () => {
    const fit = await kernelRegression(ntk(relu()), { x, y });
    const times = t.map((time) => (time === "infinity" ? Infinity : Number(time)));
    const { predictions, training, loss, rank } = await fit.flow(times, { x: [at] });
    f.forEach((value, i) => void expect(predictions!.values[i]).toBeCloseTo(value, 11));
    expect(predictions!.shape).toEqual([3, 1]);
    expect(training.shape).toEqual([3, 3]);
    expect(rank).toBe(3);
    expect(loss[2]).toBeLessThan(1e-28);
    expect((await fit.predict([at])).values[0]).toBeCloseTo(f[2]!, 11);
  });

  test("its matrix gives the same", async () => {
    const fit = await kernelRegression(reference.ntk.gram, { y });
    const cross = await gram(ntk(relu()), [at], x);
    // the matrix of the reference has twelve digits, and condition 4
    expect((await fit.predict(cross)).values[0]).toBeCloseTo(f[2]!, 10);
  });
});

describe("Cholesky's method", () => {
  test("solves, for every length of the last panel and tile", () => {
    for (const n of [1, 2, 3, 4, 5, 63, 64, 65, 66, 67, 68, 69, 127, 128, 131, 200, 641]) {
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j] = 1 / (1 + Math.abs(i - j));
      const b = normals(n, n);
      const factor = run(cholesky(a.slice(), n, 0.5))!;
      const x = b.slice();
      factor.solve(x);
      let worst = 0;
      for (let i = 0; i < n; i++) {
        let sum = 0.5 * x[i]!;
        for (let j = 0; j < n; j++) sum += a[i * n + j]! * x[j]!;
        worst = Math.max(worst, Math.abs(sum - b[i]!));
      }
      // backward stable: about √n units of round-off of numbers of the size of 10
      expect(worst).toBeLessThan(1e-12);
      const image = new Float64Array(n);
      factor.multiply(x, image);
      image.forEach((value, i) => void expect(value).toBeCloseTo(b[i]!, 11));
      // the inverse by unit vectors
      const blocks = run(factor.inverseBlocks(1));
      for (const i of [0, n >> 1, n - 1]) {
        const unit = new Float64Array(n);
        unit[i] = 1;
        factor.solve(unit);
        expect(blocks[i]).toBeCloseTo(unit[i]!, 12);
      }
    }
  });

  test("a condition number of few rows is exact, of more a bound that is near", async () => {
    for (const [n, method] of [
      [40, "exact"],
      [150, "estimate"],
    ] as const) {
      const x = normalRows(n, 2, 5);
      const fit = await kernelRegression(rbf(0.4), { x, y: normals(n, 6), jitter: 1e-6 });
      const { values } = await gram(rbf(0.4), x);
      const dense = Dense.from1DArray(n, n, values).add(Dense.eye(n, n, 1e-6));
      const eigenvalues = new EigenvalueDecomposition(dense, { assumeSymmetric: true }).realEigenvalues;
      const exact = Math.max(...eigenvalues) / Math.min(...eigenvalues);
      expect(fit.conditionMethod).toBe(method);
      // λ_min of 1e-6 or more is known to 1e-15/1e-6
      expect(fit.condition! / exact).toBeLessThan(1 + 1e-7);
      expect(fit.condition! / exact).toBeGreaterThan(method === "exact" ? 1 - 1e-7 : 0.95);
    }
  });
});

describe("regression", () => {
  const x = normalRows(12, 3, 1);
  const y = normalRows(12, 2, 2);
  const f0 = normalRows(12, 2, 3);
  const fresh = normalRows(5, 3, 4);
  const start = normalRows(5, 2, 5);

  test("interpolates without a jitter; with one, fitted and predict agree", async () => {
    for (const jitter of [0, 0.3]) {
      const fit = await kernelRegression(nngp(erf()), { x, y, start: f0, jitter });
      const again = await fit.predict(x, { start: f0 });
      expect(again.shape).toEqual([12, 2]);
      // round-off times the condition
      expect(fit.residual).toBeLessThan(1e-12);
      y.flat().forEach((label, i) => {
        // condition 1e3
        expect(again.values[i]).toBeCloseTo(fit.fitted.values[i]!, 11);
        if (jitter === 0) expect(fit.fitted.values[i]).toBeCloseTo(label, 11);
      });
    }
  });

  test("several outputs are several regressions", async () => {
    const both = await kernelRegression(rbf(1.5), { x, y, start: f0, jitter: 0.01 });
    const values = (await both.predict(fresh, { start })).values;
    for (const k of [0, 1]) {
      const column = (rows: number[][]) => rows.map((row) => row[k]!);
      const one = await kernelRegression(rbf(1.5), { x, y: column(y), start: column(f0), jitter: 0.01 });
      const found = await one.predict(fresh, { start: column(start) });
      expect(found.shape).toEqual([5]);
      found.values.forEach((value, i) => void expect(value).toBeCloseTo(values[2 * i + k]!, 12));
    }
  });

  test("conjugate gradients end where Cholesky's method is", async () => {
    const exact = await kernelRegression(rbf(1), { x, y, start: f0, jitter: 0.05 });
    const found = await kernelRegression(rbf(1), { x, y, start: f0, jitter: 0.05, method: "cg" });
    expect(found).toMatchObject({ condition: null, conditionMethod: null, converged: true });
    // n iterations in exact arithmetic
    expect(found.iterations).toBeGreaterThan(2);
    expect(found.iterations).toBeLessThan(30);
    // residual 1e-10 times condition 100
    found.coefficients.values.forEach((a, i) => void expect(a).toBeCloseTo(exact.coefficients.values[i]!, 7));
    const stopped = await kernelRegression(rbf(1), { x, y, method: "cg", iterations: 1 });
    expect(stopped.converged).toBe(false);
    expect(stopped.residual).toBeGreaterThan(1e-3);
    await expect(found.leaveOneOut()).rejects.toThrow(/options.method.*"cholesky"/);
  });
});

describe("leaving one out is n refits", () => {
  const n = 9;
  const x = normalRows(n, 3, 11);
  const y = normalRows(n, 2, 12);
  const f0 = normalRows(n, 2, 13);

  test.each([0, 0.2])("of a kernel, with jitter %f", async (jitter) => {
    const fit = await kernelRegression(ntk(tanh()), { x, y, start: f0, jitter });
    const { values, risk, shape } = await fit.leaveOneOut();
    expect(shape).toEqual([n, 2]);
    let sum = 0;
    for (let q = 0; q < n; q++) {
      const one = await kernelRegression(ntk(tanh()), {
        x: without(x, q),
        y: without(y, q),
        start: without(f0, q),
        jitter,
      });
      const found = (await one.predict([x[q]!], { start: [f0[q]!] })).values;
      found.forEach((value, k) => {
        expect(values[2 * q + k]).toBeCloseTo(value, 10);
        sum += (y[q]![k]! - value) * (y[q]![k]! - value);
      });
    }
    expect(risk).toBeCloseTo(sum / n, 10);
  });

  test("of a network's tangent kernel, whose outputs are not independent", async () => {
    const unit = affine(tanh(), { outputs: 2 });
    const problem = { law: dataset({ x, y }), unit, start: gaussian({ radius: 1 }) };
    const network = particles({ coordinates: "theta", shape: [40, 6], values: normals(240, 14) });
    const matrix = (left: number[][], right: number[][]) => tangentGram(problem, network, left, right);
    const fit = await kernelRegression(await tangentGram(problem, network, x), { y, start: f0, jitter: 0.01 });
    expect(fit.coefficients.shape).toEqual([n, 2]);
    const { values } = await fit.leaveOneOut();
    for (const q of [0, 4, 8]) {
      const rest = without(x, q);
      const one = await kernelRegression(await tangentGram(problem, network, rest), {
        y: without(y, q),
        start: without(f0, q),
        jitter: 0.01,
      });
      const found = (await one.predict(await matrix([x[q]!], rest), { start: [f0[q]!] })).values;
      found.forEach((value, k) => void expect(values[2 * q + k]).toBeCloseTo(value, 10));
    }
    // not what two independent outputs would be
    const alone = await kernelRegression(ntk(tanh()), { x, y, start: f0, jitter: 0.01 });
    expect(Math.abs((await alone.leaveOneOut()).values[0]! - values[0]!)).toBeGreaterThan(1e-3);
  });

  test("of a single point, what is left is the start", async () => {
    const fit = await kernelRegression(rbf(1), { x: [[0]], y: [3], start: [1] });
    expect((await fit.leaveOneOut()).values[0]).toBeCloseTo(1, 14);
  });
});

describe("the course of the gradient flow", () => {
  const n = 6;
  const x = normalRows(n, 2, 21);
  const y = normalRows(n, 2, 22);
  const f0 = normalRows(n, 2, 23);
  const fresh = normalRows(3, 2, 24);
  const start = normalRows(3, 2, 25);

  test("solves df/dt = −k(·, X)(f(X) − y), by Runge and Kutta's method", async () => {
    const fit = await kernelRegression(ntk(relu()), { x, y, start: f0 });
    const { training, predictions, loss } = await fit.flow([0, 0.7, 2], { x: fresh, start });
    const K = (await gram(ntk(relu()), [...x, ...fresh], x)).values;
    const state = [...f0, ...start].map((row) => row.slice());
    const slope = (f: number[][]) =>
      f.map((_, i) => [0, 1].map((k) => x.reduce((sum, _, q) => sum + K[i * n + q]! * (y[q]![k]! - f[q]![k]!), 0)));
    const moved = (f: number[][], h: number, v: number[][]) => f.map((row, i) => row.map((a, k) => a + h * v[i]![k]!));
    const check = (at: number) => {
      let left = 0;
      state.forEach((row, i) => {
        row.forEach((value, k) => {
          const found = i < n ? training.values[(at * n + i) * 2 + k] : predictions!.values[(at * 3 + i - n) * 2 + k];
          // rates up to 20: (20 h)⁵ a step, and 1000 steps
          expect(found).toBeCloseTo(value, 8);
          if (i < n) left += 0.5 * (value - y[i]![k]!) * (value - y[i]![k]!);
        });
      });
      expect(loss[at]).toBeCloseTo(left, 8);
    };
    check(0);
    const h = 1e-3;
    for (let step = 1; step <= 2000; step++) {
      const k1 = slope(state);
      const k2 = slope(moved(state, h / 2, k1));
      const k3 = slope(moved(state, h / 2, k2));
      const k4 = slope(moved(state, h, k3));
      state.forEach((row, i) => {
        for (const k of [0, 1]) row[k]! += (h / 6) * (k1[i]![k]! + 2 * k2[i]![k]! + 2 * k3[i]![k]! + k4[i]![k]!);
      });
      if (step === 700) check(1);
    }
    check(2);
  });

  test("ends in the regression", async () => {
    const fit = await kernelRegression(ntk(relu()), { x, y, start: f0 });
    const { predictions, loss, eigenvalues } = await fit.flow([1e6, Infinity], { x: fresh, start });
    const end = (await fit.predict(fresh, { start })).values;
    end.forEach((value, i) => {
      expect(predictions!.values[i]).toBeCloseTo(value, 10);
      expect(predictions!.values[6 + i]).toBeCloseTo(value, 10);
    });
    expect(loss[1]).toBeLessThan(1e-25);
    expect(eigenvalues[0]! / eigenvalues[n - 1]!).toBeCloseTo(fit.condition!, 6);
  });

  test("of an f32 matrix, within its digits", async () => {
    const single = await gram(rbf(1), x, null, { precision: "f32" });
    const fit = await kernelRegression(single, { y, start: f0 });
    const exact = await kernelRegression(rbf(1), { x, y, start: f0 });
    const [found, expected] = [await fit.flow([1]), await exact.flow([1])];
    found.training.values.forEach((value, i) => void expect(value).toBeCloseTo(expected.training.values[i]!, 5));
  });
});

describe("singular matrices", () => {
  const x = [
    [1, 0],
    [0.6, 0.8],
    [1, 0],
    [-0.3, 0.2],
  ];
  const y = [1, -1, 2, 0.5];

  test.each([ntk(relu()), rbf(1), nngp(tanh()), ntk(erf())])(
    "repeated points: $kind says which jitter is enough",
    async (kernel) => {
      const error = await kernelRegression(kernel, { x, y }).catch((e: unknown) => e as SpecError);
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe("options.jitter");
      const jitter = Number(/a jitter of (\S+) or more/.exec((error as SpecError).message)![1]);
      expect(jitter).toBeLessThan(1e-12);
      const fit = await kernelRegression(kernel, { x, y, jitter });
      expect((await kernelRegression(kernel, { x, y, jitter: "smallest" })).jitter).toBe(jitter);
      // the mean of the two labels of a point, to what is left at a condition of 1e14
      expect((await fit.predict([[1, 0]])).values[0]).toBeCloseTo(1.5, 1);
      await expect(kernelRegression(kernel, { x, y, jitter: jitter / 1e3 })).rejects.toThrow(SpecError);
      // one decade less is not enough either
      await expect(kernelRegression(kernel, { x, y, jitter: jitter / 11 })).rejects.toThrow(SpecError);
      const wide = await kernelRegression(kernel, { x, y, jitter: 1e-6 });
      // to λα, α of some hundred
      expect((await wide.predict([[1, 0]])).values[0]).toBeCloseTo(1.5, 3);
    },
  );

  test("a matrix in f32 is singular where its rounding is as large as what is left of a pivot", async () => {
    // points 1e-3 apart: 1 − e^{−5e-7}² = 1e-6 of a pivot is left in f64, the round-off √2 2^−23 = 2e-7 is a sixth of it in f32
    const near = [[0], [1e-3]];
    const nearer = [[0], [2e-4]];
    const single = async (points: number[][]) => gram(rbf(1), points, null, { precision: "f32" });
    for (const points of [near, nearer]) await kernelRegression(rbf(1), { x: points, y: [1, -1] });
    await kernelRegression(await single(near), { y: [1, -1] });
    await expect(kernelRegression(await single(nearer), { y: [1, -1] })).rejects.toThrow(
      /a jitter of 0.000001 or more/,
    );
  });

  test("the flow needs none: repeated points end at the mean of their labels", async () => {
    const fit = await kernelRegression(ntk(relu()), { x, y, jitter: "smallest" });
    const { training, predictions, rank } = await fit.flow([Infinity], { x: [[1, 0]] });
    expect(rank).toBe(3);
    [1.5, -1, 1.5, 0.5].forEach((value, i) => void expect(training.values[i]).toBeCloseTo(value, 12));
    expect(predictions!.values[0]).toBeCloseTo(1.5, 12);
  });

  test("an input of zeros has no relu feature: its row is 0, and f stays at the start there", async () => {
    const zeros = [
      [1, 0],
      [0, 0],
    ];
    await expect(kernelRegression(ntk(relu()), { x: zeros, y: [1, 2] })).rejects.toThrow(/jitter/);
    const fit = await kernelRegression(ntk(relu()), { x: zeros, y: [1, 2], start: [0, 0.25], jitter: 1e-8 });
    expect((await fit.predict([[0, 0]], { start: [0.25] })).values[0]).toBe(0.25);
    const { training } = await fit.flow([Infinity]);
    expect(training.values[1]).toBe(0.25);
    // only zeros
    await expect(kernelRegression(ntk(relu()), { x: [[0], [0]], y: [1, 1], jitter: "smallest" })).rejects.toThrow(
      /zeros/,
    );
  });

  test("a matrix with a negative direction is none of a kernel", async () => {
    const matrix = [
      [1, 2],
      [2, 1],
    ];
    await expect(kernelRegression(matrix, { y: [1, 1] })).rejects.toThrow(/positive semidefinite/);
    const fit = await kernelRegression(matrix, { y: [1, 1], jitter: 2 });
    await expect(fit.flow([1])).rejects.toThrow(/positive semidefinite/);
  });
});

describe("bad input", () => {
  const x = [[0], [1], [2]];
  const y = [1, 2, 3];
  const cases: [string, () => Promise<unknown>][] = [
    ["kernel.lengthScale", () => kernelRegression(rbf(-1), { x, y })],
    ["options.x", () => kernelRegression(rbf(1), { y })],
    ["options.x", () => kernelRegression(rbf(1), { x: [[0], [1]], y })],
    ["options.x", () => kernelRegression(rbf(1), { x: [0, 1, 2], y })],
    ["options.x[1][0]", () => kernelRegression(rbf(1), { x: [[0], [NaN], [2]], y })],
    ["options.x", () => kernelRegression([[1]], { x: [[0]], y: [1] })],
    ["options.y", () => kernelRegression(rbf(1), { x } as never)],
    ["options.y[2]", () => kernelRegression(rbf(1), { x, y: [1, 2, Infinity] })],
    ["options.y", () => kernelRegression(rbf(1), { x, y: [[[1]], [[2]], [[3]]] })],
    ["options.start", () => kernelRegression(rbf(1), { x, y, start: [[1], [2], [3]] })],
    ["options.start", () => kernelRegression(rbf(1), { x, y, start: [1, 2] })],
    ["options.jitter", () => kernelRegression(rbf(1), { x, y, jitter: -1 })],
    ["options.jitter", () => kernelRegression(rbf(1), { x, y, jitter: NaN })],
    ["options.jitter", () => kernelRegression(rbf(1), { x, y, jitter: "smallest", method: "cg" })],
    ["options.method", () => kernelRegression(rbf(1), { x, y, method: "qr" as never })],
    ["options.tolerance", () => kernelRegression(rbf(1), { x, y, method: "cg", tolerance: 0 })],
    ["options.iterations", () => kernelRegression(rbf(1), { x, y, method: "cg", iterations: 0.5 })],
    ["options.lambda", () => kernelRegression(rbf(1), { x, y, lambda: 1 } as never)],
    ["options", () => kernelRegression(rbf(1), undefined as never)],
    ["kernel", () => kernelRegression([[1, 0]], { y: [1] })],
    ["kernel", () => kernelRegression([1, 0], { y: [1] })],
    [
      "kernel[1][0]",
      () =>
        kernelRegression(
          [
            [1, 0.5],
            [0.4, 1],
          ],
          { y: [1, 2] },
        ),
    ],
    [
      "kernel[1][1]",
      () =>
        kernelRegression(
          [
            [1, 0],
            [0, -1],
          ],
          { y: [1, 2] },
        ),
    ],
    ["kernel", () => kernelRegression(3 as never, { y: [1, 2] })],
    ["x", async () => (await kernelRegression(rbf(1), { x, y })).predict([[1, 2]])],
    ["x[0][0]", async () => (await kernelRegression(rbf(1), { x, y })).predict([[NaN]])],
    ["options.start", async () => (await kernelRegression(rbf(1), { x, y })).predict([[1]], { start: [1, 2] })],
    [
      "x",
      async () =>
        (
          await kernelRegression(
            [
              [1, 0],
              [0, 1],
            ],
            { y: [1, 2] },
          )
        ).predict([[1, 2, 3]]),
    ],
    ["times[1]", async () => (await kernelRegression(rbf(1), { x, y })).flow([0, -1])],
    ["times[0]", async () => (await kernelRegression(rbf(1), { x, y })).flow([NaN])],
    ["times", async () => (await kernelRegression(rbf(1), { x, y })).flow([])],
    ["options.x", async () => (await kernelRegression(rbf(1), { x, y })).flow([1], { x: [[1, 2]] })],
  ];
  test.each(cases)("is named: %s", async (path, call) => {
    const error = await call().then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  test("what would take minutes is refused before it begins, with another way", async () => {
    const many = (n: number) => ({ x: Array.from({ length: n }, (_, i) => [i]), y: new Float64Array(n) });
    await expect(kernelRegression(rbf(1), many(4001))).rejects.toThrow(/method: "cg"/);
    await expect(kernelRegression(rbf(1), { ...many(16385), method: "cg" })).rejects.toThrow(/gradientDescent/);
    const fit = await kernelRegression(rbf(1), many(701));
    await expect(fit.flow([1])).rejects.toThrow(/at most 700 rows/);
  });

  test("progress is told, and ends at 1", async () => {
    for (const method of ["cholesky", "cg"] as const) {
      const told: number[] = [];
      const points = normalRows(150, 3, 31);
      const onProgress = ({ fraction }: { fraction: number }) => void told.push(fraction);
      await kernelRegression(rbf(1), { x: points, y: normals(150, 32), jitter: 0.1, method, onProgress });
      expect(told.length).toBeGreaterThan(2);
      expect(told[told.length - 1]).toBe(1);
      expect(told.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true);
    }
  });

  test("a signal stops it", async () => {
    const stopped = AbortSignal.abort(new Error("enough"));
    await expect(kernelRegression(rbf(1), { x, y, signal: stopped })).rejects.toThrow("enough");
    const fit = await kernelRegression(rbf(1), { x, y });
    await expect(fit.leaveOneOut({ signal: stopped })).rejects.toThrow("enough");
    await expect(fit.predict(x, { signal: stopped })).rejects.toThrow("enough");
    await expect(fit.flow([1], { signal: stopped })).rejects.toThrow("enough");
  });
});
