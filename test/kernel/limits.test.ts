// Kernels of infinitely wide networks, against numbers of test/reference/kernels.json and against integrals that know no series.

import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { type LimitKernel, limitGram, type Rows } from "../../src/kernel/limits";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  piecewiseLinearForm,
  relu,
  scaled,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { normalsOf } from "../../src/random/stream";
import { normalNodes, visitPlane } from "../model/gaussianIntegral";
import reference from "../reference/kernels.json";

const rows = (...x: number[][]): Rows => ({
  values: Float64Array.from(x.flat()),
  count: x.length,
  dimension: x[0]!.length,
});

const normalRows = (count: number, dimension: number, seed: number): Rows => {
  const draw = { step: 0, from: 0, count: count * dimension };
  return { values: Float64Array.from(normalsOf({ seed, replica: 0, purpose: 1 }, draw)), count, dimension };
};

function gramOf(kernel: Partial<LimitKernel> & { activation: Activation }, x: Rows, y: Rows | null = null): number[] {
  const filled = { kind: "ntk", weightVariance: 1, biasVariance: 0, outputVariance: 1, trainBias: false, ...kernel };
  const work = limitGram(filled as LimitKernel, x, y);
  for (;;) {
    const { done, value } = work.next();
    if (done) return Array.from(value);
  }
}

/** E σσ alone: at v_w/d = 1 the scales are the norms. */
const covariance = (activation: Activation, x: number[], y: number[]): number =>
  gramOf({ kind: "nngp", activation, weightVariance: x.length }, rows(x), rows(y))[0]!;

const many = piecewiseLinear([
  [-1.5, 1],
  [-0.8, -0.3],
  [0, 0.4],
  [0.4, 2],
  [1.1, 1.5],
  [2, -1],
]);

describe("reference values", () => {
  // given to twelve digits
  test("the NTK of relu is the reference gram", () => {
    const found = gramOf({ activation: relu() }, rows(...reference.ntk.x));
    reference.ntk.gram.flat().forEach((value, k) => void expect(found[k]).toBeCloseTo(value, 11));
  });

  test("covariances of relu, erf and tanh", () => {
    for (const { s1, s2, rho, value } of reference.reluPair.cases) {
      expect(covariance(relu(), [s1, 0], [s2 * rho, s2 * Math.sqrt(1 - rho * rho)])).toBeCloseTo(value, 11);
    }
    for (const [activation, { cases }] of [
      [erf(), reference.erfPair],
      [tanh(), reference.tanhPair],
    ] as const) {
      for (const { v1, v2, c, value } of cases) {
        const along = c / Math.sqrt(v1);
        expect(covariance(activation, [Math.sqrt(v1), 0], [along, Math.sqrt(v2 - along * along)])).toBeCloseTo(
          value,
          11,
        );
      }
    }
  });
});

describe("both expectations are those of the integrals", () => {
  // norms 0.3 to 2.5 and angles from opposite to nearly parallel, so that all routes are met: both lengths of the series, quadrature for the
  // widest parallel pairs, and closed forms
  const pairs: [number, number, number][] = [
    [0.3, 1.2, 0.4],
    [1, 1, -0.7],
    [1.5, 0.8, 0.97],
    [2.5, 2.5, 0.9],
    [2.5, 2, 0.999],
    [1, 2, -0.9995],
  ];
  const activations: [string, Activation][] = [
    ["relu", relu()],
    ["leaky relu", leakyRelu(0.1)],
    ["truncated relu", truncatedRelu()],
    ["six knots", many],
    ["tanh", tanh()],
    ["erf", erf()],
    ["logistic", logistic()],
    ["softplus", softplus()],
    ["silu", silu()],
    ["cosine", cosine()],
    ["identity", identity()],
    ["square", square()],
    ["scaled tanh", scaled(tanh(), -3)],
  ];
  test.each(activations)("%s", (_, activation) => {
    const { value, derivative } = activationFunctions(activation);
    const kinks = Array.from(piecewiseLinearForm(activation)?.knots ?? []);
    for (const [s1, s2, rho] of pairs) {
      const r = Math.sqrt(1 - rho * rho);
      const lines = kinks.flatMap((k) => [
        { u: s1, v: 0, c: k },
        { u: s2 * rho, v: s2 * r, c: k },
      ]);
      const extra = kinks.flatMap((k) => [-8, -4, -2, -1, 0, 1, 2, 4, 8].map((m) => (k / s2 + m * r) / rho));
      const sums = [0, 0, 0, 0, 0, 0];
      const add = (at: number, term: number) => {
        sums[at]! += term;
      };
      visitPlane(
        lines,
        (g, h, mass) => {
          const [x, y] = [s1 * g, s2 * (rho * g + r * h)];
          const [a, b, da, db] = [value(x), value(y), derivative(x), derivative(y)];
          [a * b, a * a, b * b, da * db, da * da, db * db].forEach((term, at) => void add(at, mass * term));
        },
        { extra, piece: 1 },
      );
      const [x, y] = [
        [s1, 0],
        [s2 * rho, s2 * r],
      ];
      const found = covariance(activation, x, y);
      // 1e-13 of the series, and as much of the rule of the test
      expect(Math.abs(found - sums[0]!)).toBeLessThan(1e-12 * Math.sqrt(sums[1]! * sums[2]!));
      const product = s1 * s2 * rho;
      const tangent = gramOf({ activation, weightVariance: 2 }, rows(x), rows(y))[0]!;
      const scale = Math.sqrt(sums[1]! * sums[2]!) + Math.abs(product) * Math.sqrt(sums[4]! * sums[5]!);
      expect(Math.abs(tangent - (sums[0]! + product * sums[3]!))).toBeLessThan(1e-12 * scale);
    }
  });

  test("a table of tanh is near tanh", () => {
    const x = normalRows(20, 3, 3);
    const table = gramOf({ activation: tabulate(Math.tanh, { from: -8, to: 8, points: 2001 }) }, x);
    const exact = gramOf({ activation: tanh() }, x);
    // slopes of a table are off by about h³ σ⁗/200 = 1e-8, h = 8e-3
    table.forEach((value, k) => void expect(Math.abs(value - exact[k]!)).toBeLessThan(1e-7));
  });
});

describe("matrices", () => {
  const x = normalRows(40, 5, 1);
  const y = normalRows(30, 5, 2);
  test.each([tanh(), relu(), many, softplus()])(
    "$kind: parts of one another, and symmetric to the bit",
    (activation) => {
      const both: Rows = { values: Float64Array.from([...x.values, ...y.values]), count: 70, dimension: 5 };
      const all = gramOf({ activation, biasVariance: 0.3, trainBias: true }, both);
      const part = gramOf({ activation, biasVariance: 0.3, trainBias: true }, x, y);
      for (let i = 0; i < 70; i++) for (let j = 0; j < i; j++) expect(all[i * 70 + j]).toBe(all[j * 70 + i]);
      part.forEach((value, k) => {
        const [i, j] = [Math.floor(k / 30), 40 + (k % 30)];
        // orders of the series differ with the company
        expect(Math.abs(value - all[i * 70 + j]!)).toBeLessThan(1e-12 * Math.sqrt(all[i * 71]! * all[j * 71]!));
      });
    },
  );

  test("a trained bias of the weights' variance is one more input of 1", () => {
    const more: Rows = {
      values: Float64Array.from({ length: 40 * 6 }, (_, k) =>
        k % 6 === 5 ? 1 : x.values[Math.floor(k / 6) * 5 + (k % 6)]!,
      ),
      count: 40,
      dimension: 6,
    };
    const biased = gramOf({ activation: tanh(), weightVariance: 2.5, biasVariance: 0.5, trainBias: true }, x);
    const plain = gramOf({ activation: tanh(), weightVariance: 3 }, more);
    biased.forEach((value, k) => void expect(value).toBeCloseTo(plain[k]!, 11));
  });

  test("output variance multiplies the covariance, and the weights' part of the NTK", () => {
    const one = gramOf({ activation: silu() }, x);
    const three = gramOf({ activation: silu(), outputVariance: 3 }, x);
    const nngp = gramOf({ kind: "nngp", activation: silu() }, x);
    gramOf({ kind: "nngp", activation: silu(), outputVariance: 3 }, x).forEach((value, k) => {
      expect(value).toBe(3 * nngp[k]!);
      expect(three[k]).toBeCloseTo(nngp[k]! + 3 * (one[k]! - nngp[k]!), 11);
    });
  });

  test("a factor of the activation is squared", () => {
    for (const activation of [relu(), tanh(), erf(), truncatedRelu()]) {
      const plain = gramOf({ activation, biasVariance: 0.1 }, x);
      gramOf({ activation: scaled(activation, -8), biasVariance: 0.1 }, x).forEach((value, k) => {
        expect(Math.abs(value - 64 * plain[k]!)).toBeLessThan(1e-11 * plain[0]!);
      });
    }
  });
});

describe("inputs at the edge", () => {
  test("repeated, parallel and opposite inputs have the diagonal's values", () => {
    for (const activation of [tanh(), relu(), erf(), many, silu(), truncatedRelu()]) {
      const { value } = activationFunctions(activation);
      const isOdd = value(-0.7) === -value(0.7);
      const found = gramOf({ activation }, rows([0.6, -1], [0.6, -1], [-0.6, 1], [0.3, -0.5]));
      expect(found[1]).toBe(found[0]);
      expect(found[5]).toBe(found[0]);
      // the series leaves 1e-13 of the diagonal
      if (isOdd) expect(found[2]).toBeCloseTo(-found[0]!, 12);
      // parallel: one normal number drives both, E σ(sG)σ(sG/2) by a sum over its law
      const s = Math.sqrt(1.36 / 2);
      let sum = 0;
      let slopes = 0;
      const { derivative } = activationFunctions(activation);
      visitPlane([...kinksAt(activation, s), ...kinksAt(activation, s / 2)], (g, _, mass) => {
        sum += mass * value(s * g) * value((s * g) / 2);
        slopes += mass * derivative(s * g) * derivative((s * g) / 2);
      });
      expect(found[3]).toBeCloseTo(sum + 0.68 * slopes, 11);
    }
  });

  const kinksAt = (activation: Activation, s: number) =>
    Array.from(piecewiseLinearForm(activation)?.knots ?? [], (k) => ({ u: s, v: 0, c: k }));

  test("inputs on a line go by one normal number, wide ones too, and hundreds of them are quick", () => {
    const n = 300;
    const line: Rows = { values: Float64Array.from({ length: n }, (_, i) => (i - 149.5) / 25), count: n, dimension: 1 };
    for (const activation of [tanh(), softplus()]) {
      const { value, derivative } = activationFunctions(activation);
      const found = gramOf({ activation }, line);
      for (const [i, j] of [
        [0, 299],
        [0, 1],
        [140, 290],
        [7, 7],
      ] as const) {
        const [p, q] = [line.values[i]!, line.values[j]!];
        let [sum, slopes] = [0, 0];
        for (const { g, mass } of normalNodes([], 0.25)) {
          sum += mass * value(p * g) * value(q * g);
          slopes += mass * derivative(p * g) * derivative(q * g);
        }
        expect(Math.abs(found[i * n + j]! - (sum + p * q * slopes))).toBeLessThan(1e-11);
      }
    }
  });

  test("an input of zeros is a constant, with the slope from the left", () => {
    const x = rows([0, 0], [1, 0.5]);
    // E relu(0) relu(Y) = 0, and σ'(0) = 0 even where a trained bias counts it
    expect(gramOf({ activation: relu(), trainBias: true }, x).slice(0, 3)).toEqual([0, 0, 0]);
    const s = Math.sqrt(1.25 / 2);
    const { value, derivative } = activationFunctions(softplus());
    let [mean, slope] = [0, 0];
    visitPlane([], (g, _, mass) => {
      mean += mass * value(s * g);
      slope += mass * derivative(s * g);
    });
    const found = gramOf({ activation: softplus(), trainBias: true }, x);
    expect(found[0]).toBeCloseTo(value(0) * value(0) + 0.25, 13);
    expect(found[1]).toBeCloseTo(value(0) * mean + 0.5 * slope, 12);
    expect(found[2]).toBe(found[1]);
  });

  test("tiny and large inputs are those of a linear and of a homogeneous activation", () => {
    expect(gramOf({ activation: tanh() }, rows([1e-80, 0], [1e-80, 1e-80]))[1]! / 1.5e-160).toBeCloseTo(1, 12);
    const big = gramOf({ activation: relu() }, rows([1e60, 0], [3e60, 1e60]));
    const one = gramOf({ activation: relu() }, rows([1, 0], [3, 1]));
    big.forEach((value, k) => void expect(value / one[k]!).toBeCloseTo(1e120, -108));
  });

  test("what would not end, or overflows, is refused with a remedy", () => {
    expect(() => gramOf({ activation: tanh() }, rows([1e4, 0], [1e4, 1]))).toThrow(SpecError);
    expect(() => gramOf({ activation: tanh() }, rows([1e4, 0]))).toThrow(/erf or a piecewise linear activation/);
    const crowd = Array.from({ length: 60 }, (_, i) => [60, 5 + i / 8]);
    expect(() => gramOf({ activation: tanh() }, rows(...crowd))).toThrow(/Scale the inputs or weightVariance down/);
    expect(() => gramOf({ activation: square() }, rows([1e80, 0]))).toThrow(/Scale the inputs down/);
  });
});
