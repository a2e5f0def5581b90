// Pair expectations and quadrant probabilities against integrals that know nothing of them (gaussianIntegral.ts).

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
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { pairMethod } from "../../src/model/pairs";
import { quadrantProbability } from "../../src/model/quadrant";
import { normalNodes, visitPlane } from "./gaussianIntegral";

const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const activations: [string, Activation][] = [
  ["relu", relu()],
  ["leaky relu", leakyRelu(0.1)],
  ["truncated relu", truncatedRelu()],
  ["figure 2", figureTwo],
  ["tanh", tanh()],
  ["erf", erf()],
  ["logistic", logistic()],
  ["softplus", softplus()],
  ["silu", silu()],
  ["cosine", cosine()],
  ["identity", identity()],
  ["square", square()],
];

const kinks = (activation: Activation) => Array.from(piecewiseLinearForm(activation)?.knots ?? []);

/** E of σ1σ2, σ1'σ2', σ1'σ2, σ1σ2', and s1σ1''σ2, s2σ1σ2'' by Stein's identity. */
function sixIntegrals(
  first: Activation,
  second: Activation,
  [s1, b1, s2, b2, rho, r]: [number, number, number, number, number, number],
): number[] {
  const f = activationFunctions(first);
  const g = activationFunctions(second);
  const lines = [
    ...kinks(first).map((k) => ({ u: s1, v: 0, c: k - b1 })),
    ...kinks(second).map((k) => ({ u: s2 * rho, v: s2 * r, c: k - b2 })),
  ];
  // where a kink of the second sweeps through the bell of h as g goes by
  const extra = kinks(second).flatMap((k) => [-8, -4, -2, -1, 0, 1, 2, 4, 8].map((m) => ((k - b2) / s2 + m * r) / rho));
  const sums = new Array<number>(6).fill(0);
  visitPlane(
    lines,
    (u, v, mass) => {
      const h = rho * u + r * v;
      const [x, y] = [s1 * u + b1, s2 * h + b2];
      const [a, da, b, db] = [f.value(x), f.derivative(x), g.value(y), g.derivative(y)];
      [a * b, da * db, da * b, a * db, u * da * b - rho * s2 * da * db, h * a * db - rho * s1 * da * db].forEach(
        (z, k) => {
          sums[k]! += mass * z;
        },
      );
    },
    { extra },
  );
  return sums;
}

describe("quadrant probabilities", () => {
  // P(G > z, H > w) = ∫_z^∞ φ(g) Φ((ρg − w)/r) dg, with Φ by its own integral
  test.each([0.02, 0.3, 0.7, 0.95])("are their integral at gap %f", (gap) => {
    for (const sign of [1, -1]) {
      const rho = sign * (1 - gap);
      const r = Math.sqrt(1 - rho * rho);
      for (const [z, w] of [
        [0, 0],
        [0.3, -0.7],
        [-2, -1.9],
        [1.2, 1.2],
        [-0.4, 0.4],
        [2.5, -3],
      ] as const) {
        let sum = 0;
        for (const { g, mass } of normalNodes([z, w / rho, w / rho - r, w / rho + r])) {
          if (g < z) continue;
          for (const { g: h, mass: other } of normalNodes([(w - rho * g) / r])) {
            if (rho * g + r * h > w) sum += mass * other;
          }
        }
        // round-off of the sum of 10^5 terms here; the claim is 3e-16
        expect(Math.abs(quadrantProbability(z, w, sign, gap) - sum)).toBeLessThan(2e-13);
      }
    }
  });

  test("have their closed form at the origin and their limits at gap 0", () => {
    for (const gap of [1e-12, 1e-6, 0.1, 0.5, 1]) {
      const angle = 2 * Math.asin(Math.sqrt(gap / 2));
      expect(quadrantProbability(0, 0, 1, gap)).toBeCloseTo(0.5 - angle / (2 * Math.PI), 15);
      expect(quadrantProbability(0, 0, -1, gap)).toBeCloseTo(angle / (2 * Math.PI), 15);
    }
    const above = quadrantProbability(0.7, -40, 1, 1);
    expect(quadrantProbability(0.7, 0.2, 1, 0)).toBeCloseTo(above, 15);
    expect(quadrantProbability(0.2, 0.7, 1, 0)).toBeCloseTo(above, 15);
    expect(quadrantProbability(0.7, 0.2, -1, 0)).toBe(0);
    expect(quadrantProbability(0.7, -0.9, -1, 0)).toBeCloseTo(above - quadrantProbability(0.9, -40, 1, 1), 15);
  });

  // Thresholds closer than the layer r, at the layer, and farther: P falls from the value at z = w to Φ(−w).
  test("are continuous through the layer of nearly parallel lines", () => {
    const gap = 1e-10;
    const r = Math.sqrt(gap * (2 - gap));
    const z = 0.4;
    const density = Math.exp(-0.08) / Math.sqrt(2 * Math.PI);
    for (const m of [0, 0.01, 0.5, 1, 3, 30]) {
      // P(G > z, H > z + m r) with H − G ≈ r ε: Φ(−z) − φ(z) r E (m − ε)_+ to first order in r
      const edge = m * r;
      const loss = normalNodes([m]).reduce((sum, { g, mass }) => sum + mass * Math.max(0, m - g), 0);
      const expected = quadrantProbability(z, -40, 1, 1) - density * r * loss;
      // next order r², with a curvature of at most m² + 1
      expect(Math.abs(quadrantProbability(z, z + edge, 1, gap) - expected)).toBeLessThan((m * m + 1) * r * r + 1e-15);
    }
  });
});

describe("the six expectations of a pair", () => {
  const shapes: [number, number, number, number, number, number][] = (
    [
      [1.2, 0.3, 0.8, -0.4, 0.35],
      [0.5, -0.2, 1.6, 0.6, -0.72],
      [1.1, 0.4, 1.3, 0.5, 0.995],
      [0.9, 0.2, 0.7, 0.1, -0.9999],
    ] as const
  ).map(([s1, b1, s2, b2, rho]) => [s1, b1, s2, b2, rho, Math.sqrt((1 - rho) * (1 + rho))]);

  test.each(activations)("are their integrals (%s)", (_, activation) => {
    const found = new Float64Array(6);
    for (const shape of shapes) {
      const [s1, b1, s2, b2, rho] = shape;
      const expected = sixIntegrals(activation, activation, shape);
      pairMethod(activation, activation).rule(s1, b1, s2, b2, Math.sign(rho), 1 - Math.abs(rho), found);
      // 16 points a piece leave less than 1e-12 of E σ², which is at most 30 here
      expected.forEach((value, k) => void expect(Math.abs(found[k]! - value), `${shape}, ${k}`).toBeLessThan(3e-11));
    }
  });

  test("are their integrals for different activations", () => {
    const found = new Float64Array(6);
    for (const [first, second] of [
      [relu(), figureTwo],
      [leakyRelu(-0.3), truncatedRelu()],
      [tanh(), relu()],
      [silu(), erf()],
    ] as const) {
      for (const shape of shapes.slice(0, 2)) {
        const [s1, b1, s2, b2, rho] = shape;
        const expected = sixIntegrals(first, second, shape);
        pairMethod(first, second).rule(s1, b1, s2, b2, Math.sign(rho), 1 - Math.abs(rho), found);
        // the trapezoidal rule is no rule for a kink: its error is about the square of its step
        const smooth = first.kind !== "tanh";
        expected.forEach((value, k) => void expect(Math.abs(found[k]! - value)).toBeLessThan(smooth ? 3e-11 : 2e-2));
      }
    }
  });

  test.each([
    ["relu", relu(), relu()],
    ["leaky relu and relu", leakyRelu(0.3), relu()],
    ["erf", erf(), erf()],
  ] as const)("without biases have the same values by their shorter form (%s)", (_, first, second) => {
    const short = new Float64Array(6);
    const long = new Float64Array(6);
    for (const gap of [0, 1e-13, 1e-4, 0.3, 1]) {
      for (const sign of [1, -1]) {
        pairMethod(first, second, true).rule(1.3, 0, 0.7, 0, sign, gap, short);
        pairMethod(first, second).rule(1.3, 0, 0.7, 1e-300, sign, gap, long);
        for (let k = 0; k < 6; k++) expect(short[k]).toBeCloseTo(long[k]!, 14);
      }
    }
  });

  // E σ1''σ2 s1 is a derivative in s1: with κ = s1 s2 ρ, ∂_{s1} E σ1σ2 = s1 E σ1''σ2 + ρ s2 E σ1'σ2'.
  test.each(activations)("are each other's derivatives (%s)", (_, activation) => {
    const { rule } = pairMethod(activation, activation);
    const out = new Float64Array(6);
    const [s1, b1, s2, b2, gap] = [1.1, 0.35, 0.9, -0.15, 0.2];
    const value = (ds: number, db: number, dGap: number) => {
      rule(s1 + ds, b1 + db, s2, b2, 1, gap + dGap, out);
      return out[0]!;
    };
    // (4 D(h) − D(2h))/3 with h = 1e-3: errors h⁴ and 1e-16/h
    const slope = (f: (h: number) => number) => {
      const central = (h: number) => (f(h) - f(-h)) / (2 * h);
      return (4 * central(1e-3) - central(2e-3)) / 3;
    };
    const [bySize, byShift, byGap] = [
      slope((h) => value(h, 0, 0)),
      slope((h) => value(0, h, 0)),
      slope((h) => value(0, 0, h)),
    ];
    rule(s1, b1, s2, b2, 1, gap, out);
    const [, slopes, firstSlope, , firstBend] = out;
    const allowed = 1e-10 * Math.max(1, Math.abs(slopes!));
    expect(Math.abs(byShift - firstSlope!)).toBeLessThan(allowed);
    expect(Math.abs(byGap + s1 * s2 * slopes!)).toBeLessThan(allowed);
    expect(Math.abs(bySize - firstBend! - (1 - gap) * s2 * slopes!)).toBeLessThan(allowed);
  });

  test("of a neuron with itself are finite at every scale", () => {
    const out = new Float64Array(6);
    for (const [, activation] of activations) {
      for (const s of [0, 1e-300, 1e-12, 1, 50]) {
        pairMethod(activation, activation).rule(s, 0, s, 0, 1, 0, out);
        expect(out.every(Number.isFinite)).toBe(true);
      }
    }
  });
});
