// Expected numbers: the defining integrals, by composite Simpson with breaks at the kinks of σ.

import { describe, expect, test } from "vitest";
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
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import {
  hermiteCoefficients,
  hermiteExpansion,
  secondMoment,
  tabulatedExpansion,
  tabulatedPlane,
} from "../../src/model/hermite";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const activations: [string, Activation][] = [
  ["relu", relu()],
  ["leaky relu", leakyRelu(0.1)],
  ["truncated relu", truncatedRelu()],
  ["tanh", tanh()],
  ["erf", erf()],
  ["logistic", logistic()],
  ["softplus", softplus()],
  ["silu", silu()],
  ["cosine", cosine()],
  ["identity", identity()],
  ["square", square()],
  ["figure 1", figureOne],
  ["figure 2", figureTwo],
];

// E F(G) for G standard normal, F smooth between the breaks.
function gaussian(F: (g: number) => number, breaks: number[] = []): number {
  const ends = [-13, ...breaks.filter((g) => Math.abs(g) < 13).sort((p, q) => p - q), 13];
  let sum = 0;
  for (let piece = 0; piece + 1 < ends.length; piece++) {
    const [from, to] = [ends[piece]!, ends[piece + 1]!];
    const n = 2 * Math.ceil((to - from) * 150 + 1);
    const h = (to - from) / n;
    for (let i = 0; i <= n; i++) {
      const g = from + (to - from) * (i / n);
      const inside = Math.min(Math.max(g, from + 1e-13), to - 1e-13);
      sum += ((i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * h * F(inside) * Math.exp((-g * g) / 2)) / 3;
    }
  }
  return sum / Math.sqrt(2 * Math.PI);
}

function hermite(k: number, g: number): number {
  let [before, now] = [0, 1];
  for (let i = 0; i < k; i++) [before, now] = [now, (g * now - Math.sqrt(i) * before) / Math.sqrt(i + 1)];
  return now;
}

function kinks(activation: Activation, s: number, b: number): number[] {
  return Array.from(piecewiseLinearForm(activation)?.knots ?? [], (knot) => (knot - b) / s);
}

describe.each(activations)("%s", (_, activation) => {
  const { value } = activationFunctions(activation);
  const places: [number, number][] = [
    [0.03, 0.2],
    [0.7, 0],
    [1.9, -0.6],
    [6, 1.1],
  ];

  test("its coefficients are the defining integrals", () => {
    for (const [s, b] of places) {
      const c = hermiteCoefficients(activation, 15, s, b);
      for (let k = 0; k <= 15; k++) {
        const expected = gaussian((g) => value(s * g + b) * hermite(k, g), kinks(activation, s, b));
        // Simpson at this spacing is good to 1e-10 of the integrand's size
        expect(Math.abs(c[k]! - expected)).toBeLessThan(1e-9 * (1 + s * s));
      }
    }
  });

  test("its second moment is the defining integral", () => {
    for (const [s, b] of places) {
      const expected = gaussian((g) => value(s * g + b) ** 2, kinks(activation, s, b));
      expect(Math.abs(secondMoment(activation)(s, b) - expected)).toBeLessThan(1e-9 * (1 + expected));
    }
  });

  test("the derivatives in s and b follow from the reduced coefficients", () => {
    const degree = 8;
    for (const [s, b] of places) {
      const g = new Float64Array(degree + 3);
      hermiteExpansion(activation, degree).evaluate(s, b, g, 0);
      const h = 1e-4 * Math.min(1, s);
      const difference = (ds: number, db: number) => {
        const [far, near] = [2, 1].map((m) => {
          const up = hermiteCoefficients(activation, degree, s + m * ds, b + m * db);
          const down = hermiteCoefficients(activation, degree, s - m * ds, b - m * db);
          return up.map((x, k) => (x - down[k]!) / (2 * m * (ds + db)));
        });
        return near!.map((x, k) => (4 * x - far![k]!) / 3);
      };
      const inScale = difference(h, 0);
      const inShift = difference(0, h);
      for (let k = 0; k <= degree; k++) {
        const scale = Math.sqrt((k + 1) * (k + 2)) * g[k + 2]! + (k > 0 ? k * g[k]! : 0);
        // round-off of the differences: 1e-15 / h
        expect(Math.abs(scale - inScale[k]!)).toBeLessThan(1e-7 * (1 + s));
        expect(Math.abs(Math.sqrt(k + 1) * g[k + 1]! - inShift[k]!)).toBeLessThan(1e-7 * (1 + s));
      }
    }
  });

  // g_k = s^{k−1} E σ^{(k)}(sG + b)/√k!: analytic units of size 0.05 have none of high order. Round-off is 1e-16 √k.
  test("has no coefficients of high order at a small scale, unless it has kinks", () => {
    if (kinks(activation, 1, 0).length > 0) return;
    const c = hermiteCoefficients(activation, 480, 0.05, 0.3);
    for (let k = 20; k <= 480; k++) expect(Math.abs(c[k]!)).toBeLessThan(1e-15);
  });

  test("at s = 0 it is the constant σ(b), with finite one-sided derivatives", () => {
    for (const b of [-0.3, 0.25]) {
      const g = new Float64Array(9);
      hermiteExpansion(activation, 6).evaluate(0, b, g, 0);
      expect(g[0]).toBeCloseTo(value(b), 13);
      expect(g[1]).toBeCloseTo(activationFunctions(activation).derivative(b), 12);
      expect(g.every(Number.isFinite)).toBe(true);
    }
  });

  test("the table gives the same numbers", () => {
    const expansion = hermiteExpansion(activation, 16, "even");
    const table = tabulatedExpansion(expansion, 0.5);
    const [x, y] = [new Float64Array(expansion.size), new Float64Array(expansion.size)];
    for (let i = 0; i <= 500; i++) {
      const s = 6 * (i / 500) ** 2;
      expansion.evaluate(s, 0, x, 0);
      table.evaluate(s, 0, y, 0);
      // size of σ on |t| ≤ 3s; eighth order at 1024 nodes a unit
      const size = 1 + Math.abs(value(3 * s)) + Math.abs(value(-3 * s));
      x.forEach((xk, k) => void expect(Math.abs(xk - y[k]!)).toBeLessThan(1e-12 * size));
    }
  });
});

test("the table in (s, b) of an analytic unit gives the same numbers", () => {
  for (const activation of [tanh(), erf(), logistic(), softplus(), silu()]) {
    const expansion = hermiteExpansion(activation, 14);
    const table = tabulatedPlane(expansion);
    const [x, y] = [new Float64Array(expansion.size), new Float64Array(expansion.size)];
    for (let i = 0; i <= 300; i++) {
      const s = 4 * (i / 300) ** 2;
      const b = 2 * Math.sin(i);
      expansion.evaluate(s, b, x, 0);
      table.evaluate(s, b, y, 0);
      // eighth order at 32 nodes a unit; the highest orders vary fastest near s = 0
      x.forEach((xk, k) => void expect(Math.abs(xk - y[k]!)).toBeLessThan(5e-9));
    }
  }
});

test("even parity leaves the odd orders out and nothing else", () => {
  for (const [, activation] of activations) {
    const all = new Float64Array(13);
    const even = new Float64Array(7);
    hermiteExpansion(activation, 10).evaluate(1.3, 0.4, all, 0);
    hermiteExpansion(activation, 10, "even").evaluate(1.3, 0.4, even, 0);
    for (let i = 0; i <= 6; i++) expect(even[i]).toBeCloseTo(all[2 * i]!, 14);
  }
});

test("a kink at 0 leaves a one-sided slope at s = 0: ∂_s c_0 = δ φ(0)", () => {
  const g = new Float64Array(5);
  hermiteExpansion(relu(), 2).evaluate(0, 0, g, 0);
  expect(Math.SQRT2 * g[2]!).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 15);
});

test("a table of tanh has tanh's coefficients to the table's accuracy", () => {
  // cubic Hermite at spacing 0.02: h⁴/384 max|tanh⁗| ≈ 2e-9
  const table = tabulate(Math.tanh, { from: -8, to: 8, points: 801 });
  const [c, expected] = [table, tanh()].map((activation) => hermiteCoefficients(activation, 10, 1.2, 0.3));
  expected!.forEach((x, k) => void expect(Math.abs(c![k]! - x)).toBeLessThan(1e-8));
});
