import { describe, expect, test } from "vitest";
import {
  type Activation,
  activationFunctions,
  erf,
  identity,
  piecewiseLinear,
  relu,
  silu,
  square,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { hermiteCoefficients, secondMoment } from "../../src/model/hermite";
import type { GaussianComponent } from "../../src/model/law";
import { gaussianMixtureRisk, pairExpectation } from "../../src/model/mehler";
import reference from "../reference/kernels.json";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);

// A fixed sequence, independent of the library's streams; normals by Box–Muller.
function lehmer(seed: number): () => number {
  let state = seed;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

describe("pair expectations", () => {
  test("meet the reference to 1e-10", () => {
    for (const { s1, s2, rho, value } of reference.reluPair.cases) {
      const u = pairExpectation({ activation: relu(), s: s1 }, { activation: relu(), s: s2 }, rho);
      expect(Math.abs(u - value)).toBeLessThan(1e-10);
    }
    const pairs = [
      ...reference.erfPair.cases.map((x) => ({ ...x, activation: erf() })),
      ...reference.tanhPair.cases.map((x) => ({ ...x, activation: tanh() })),
    ];
    for (const { activation, v1, v2, c, value } of pairs) {
      const [s1, s2] = [Math.sqrt(v1), Math.sqrt(v2)];
      const u = pairExpectation({ activation, s: s1 }, { activation, s: s2 }, c / (s1 * s2));
      expect(Math.abs(u - value)).toBeLessThan(1e-10);
    }
  });

  test("the affine relu potentials of the reference follow from them", () => {
    const { neuron1, neuron2, U11, U12, U22, V1, V1WithBias0_3, V2 } = {
      ...reference.reluPotentials,
      V1WithBias0_3: reference.reluPotentials["V1WithBias0.3"],
    };
    const metric = (tau: number, v: number[], w: number[]) =>
      v.reduce((sum, x, i) => sum + x * w[i]! * (i < 2 ? tau * tau : 1), 0);
    const norm = (tau: number, w: number[]) => Math.sqrt(metric(tau, w, w));
    const both = (f: (tau: number, y: number) => number) => 0.5 * (f(1.5, 1) + f(0.5, -1));
    const U = (p: typeof neuron1, q: typeof neuron1) =>
      both((tau) => {
        const [s1, s2] = [norm(tau, p.w), norm(tau, q.w)];
        const rho = metric(tau, p.w, q.w) / (s1 * s2);
        return p.a * q.a * pairExpectation({ activation: relu(), s: s1 }, { activation: relu(), s: s2 }, rho);
      });
    const V = (p: typeof neuron1, b: number) =>
      both((tau, y) => -y * p.a * hermiteCoefficients(relu(), 0, norm(tau, p.w), b)[0]!);
    expect(U(neuron1, neuron1)).toBeCloseTo(U11, 10);
    expect(U(neuron1, neuron2)).toBeCloseTo(U12, 10);
    expect(U(neuron2, neuron2)).toBeCloseTo(U22, 10);
    expect(V(neuron1, 0)).toBeCloseTo(V1, 10);
    expect(V(neuron2, 0)).toBeCloseTo(V2, 10);
    expect(V(neuron1, 0.3)).toBeCloseTo(V1WithBias0_3, 10);
  });

  // Arc-cosine kernel of order 1 (Cho, Saul 2009): s1 s2 (√(1−ρ²) + ρ (π − arccos ρ))/2π.
  test("relu has the arc-cosine kernel at every correlation", () => {
    for (const rho of [-1, -0.9999999, -0.99, -0.7, -0.2, 0, 0.3, 0.8, 0.97, 0.99999, 1 - 1e-12, 1]) {
      const expected = (3 * (Math.sqrt(1 - rho * rho) + rho * (Math.PI - Math.acos(rho)))) / (2 * Math.PI);
      const u = pairExpectation({ activation: relu(), s: 1.5 }, { activation: relu(), s: 2 }, rho);
      expect(Math.abs(u - expected)).toBeLessThan(1e-12);
    }
  });

  // E erf(X) erf(Y) = (2/π) arcsin(2c/√((1+2v1)(1+2v2))) (Williams 1998).
  test("erf has the arcsine kernel at every correlation", () => {
    for (const rho of [-1, -0.99, -0.5, 0.1, 0.9, 0.9999, 1]) {
      const expected = (2 / Math.PI) * Math.asin((2 * rho * 1.5 * 2) / Math.sqrt((1 + 2 * 2.25) * (1 + 2 * 4)));
      const u = pairExpectation({ activation: erf(), s: 1.5 }, { activation: erf(), s: 2 }, rho);
      expect(Math.abs(u - expected)).toBeLessThan(1e-12);
    }
  });

  test("identical neurons give the second moment, opposite signs of odd ones its negative", () => {
    for (const activation of [figureOne, truncatedRelu(), silu(), tanh(), square(), identity()]) {
      const one = { activation, s: 1.7, b: 0.2 };
      const second = secondMoment(activation)(1.7, 0.2);
      expect(Math.abs(pairExpectation(one, one, 1) - second)).toBeLessThan(1e-11 * (1 + second));
    }
    const u = pairExpectation({ activation: tanh(), s: 1.7, b: 0.2 }, { activation: tanh(), s: 1.7, b: -0.2 }, -1);
    expect(u).toBeCloseTo(-secondMoment(tanh())(1.7, 0.2), 11);
  });

  // X = G, Y = ±G + ε: E (G)_+ (G + ε)_+ = ½ + ε φ(0) and E (G)_+ (ε − G)_+ = ∫_0^ε g (ε − g) φ(g) dg ≈ ε³ φ(0)/6.
  test("kinks that nearly meet are resolved up to |ρ| = 1", () => {
    for (const shift of [1e-1, 1e-2, 1e-3, 1e-5]) {
      const pair = (rho: number) =>
        pairExpectation({ activation: relu(), s: 1 }, { activation: relu(), s: 1, b: shift }, rho);
      const phi = 1 / Math.sqrt(2 * Math.PI);
      expect(Math.abs(pair(1) - 0.5 - shift * phi)).toBeLessThan(1e-13);
      // next term of the small integral: ε⁵/40
      expect(Math.abs(pair(-1) - (shift ** 3 * phi) / 6)).toBeLessThan(1e-14 + shift ** 5 / 50);
    }
  });

  // The series of 4000 terms at ρ = 0.95 leaves 1e-89.
  test("Price's theorem and the long series agree on biased kinked units", () => {
    const [c, d] = [
      hermiteCoefficients(figureOne, 4000, 1.2, 0.3),
      hermiteCoefficients(truncatedRelu(), 4000, 0.8, -0.4),
    ];
    for (const rho of [0.95, -0.95, 0.6]) {
      let sum = 0;
      for (let k = 4000; k >= 0; k--) sum = sum * rho + c[k]! * d[k]!;
      const first = { activation: figureOne, s: 1.2, b: 0.3 };
      const u = pairExpectation(first, { activation: truncatedRelu(), s: 0.8, b: -0.4 }, rho);
      expect(Math.abs(u - sum)).toBeLessThan(1e-12);
    }
  });
});

describe("population risk of a finite network", () => {
  const d = 3;
  const components: GaussianComponent[] = [
    { weight: 0.4, label: 1, mean: null, diagonal: Float64Array.of(1.5, 1.5, 1), factor: null },
    { weight: 0.6, label: -0.5, mean: null, diagonal: Float64Array.of(0.5, 0.5, 1), factor: null },
  ];
  const shifted: GaussianComponent[] = [
    {
      weight: 1,
      label: 0.7,
      mean: Float64Array.of(0.3, -0.2, 0.5),
      diagonal: null,
      factor: Float64Array.of(1, 0, 0, 0.4, 0.8, 0, -0.3, 0.2, 0.5),
    },
  ];
  const network = (activation: Activation, n: number, seed: number) => {
    const normal = lehmer(seed);
    return {
      activation,
      amplitudes: Float64Array.from({ length: n }, () => normal() / n),
      biases: Float64Array.from({ length: n }, () => 0.5 * normal()),
      weights: Float64Array.from({ length: n * d }, () => normal()),
    };
  };
  const evaluate = (net: ReturnType<typeof network>, x: number[]) => {
    const { value } = activationFunctions(net.activation);
    let f = 0;
    for (let i = 0; i < net.amplitudes.length; i++) {
      let h = net.biases[i]!;
      for (let k = 0; k < d; k++) h += net.weights[i * d + k]! * x[k]!;
      f += net.amplitudes[i]! * value(h);
    }
    return f;
  };

  test.each([
    ["relu", relu()],
    ["figure 1", figureOne],
    ["tanh", tanh()],
  ])("is what a Monte Carlo sample says (%s)", (_, activation) => {
    const net = network(activation, 7, 5);
    for (const law of [components, shifted]) {
      const normal = lehmer(77);
      const draws = 100_000;
      let [sum, squares] = [0, 0];
      for (let m = 0; m < draws; m++) {
        const { label, mean, diagonal, factor } = law[law.length === 1 || m % 5 < 2 ? 0 : 1]!;
        const z = [normal(), normal(), normal()];
        const x = z.map((zi, i) => {
          let xi = mean?.[i] ?? 0;
          if (diagonal) xi += diagonal[i]! * zi;
          else for (let k = 0; k < d; k++) xi += factor![i * d + k]! * z[k]!;
          return xi;
        });
        const loss = (label - evaluate(net, x)) ** 2;
        sum += loss;
        squares += loss * loss;
      }
      const mean = sum / draws;
      const error = Math.sqrt((squares / draws - mean * mean) / draws);
      // 4.5 standard errors: a false alarm of 7e-6 a case, and the seeds are fixed
      expect(Math.abs(gaussianMixtureRisk([net], law).risk - mean)).toBeLessThan(4.5 * error);
    }
  });

  test("is the double sum over pairs, parallel neurons included", () => {
    for (const activation of [relu(), figureOne, silu()]) {
      const n = 19;
      const net = network(activation, n, 11);
      // neuron 1 parallel to neuron 0, neuron 2 opposite, neuron 3 nearly parallel, neuron 4 dead
      for (let k = 0; k < d; k++) {
        net.weights[d + k] = 2 * net.weights[k]!;
        net.weights[2 * d + k] = -net.weights[k]!;
        net.weights[3 * d + k] = net.weights[k]! * (1 + 1e-5 * k);
        net.weights[4 * d + k] = 0;
      }
      for (const law of [components, shifted]) {
        let expected = 0;
        for (const { weight, label, mean, diagonal, factor } of law) {
          const rows = Array.from({ length: n }, (_, i) => {
            const w = Array.from(net.weights.subarray(i * d, (i + 1) * d));
            const v = diagonal
              ? w.map((x, k) => x * diagonal[k]!)
              : w.map((_, j) => w.reduce((sum, x, k) => sum + x * factor![k * d + j]!, 0));
            const b = net.biases[i]! + (mean ? w.reduce((sum, x, k) => sum + x * mean[k]!, 0) : 0);
            return { v, b, s: Math.sqrt(v.reduce((sum, x) => sum + x * x, 0)), a: net.amplitudes[i]! };
          });
          let risk = label * label;
          for (const p of rows) {
            risk -= 2 * label * p.a * hermiteCoefficients(activation, 0, p.s, p.b)[0]!;
            for (const q of rows) {
              const rho = p.s * q.s === 0 ? 0 : p.v.reduce((sum, x, k) => sum + x * q.v[k]!, 0) / (p.s * q.s);
              risk += p.a * q.a * pairExpectation({ activation, ...p }, { activation, ...q }, rho);
            }
          }
          expected += weight * risk;
        }
        const found = gaussianMixtureRisk([net], law);
        expect(Math.abs(found.risk - expected)).toBeLessThan(1e-10 + found.bound);
        expect(found.bound).toBeLessThan(1e-9);
      }
    }
  });

  // A small neuron beside a large one needs orders far beyond those at which its own coefficients vanish: they have to vanish.
  test("is right for neurons of very different sizes, whatever order the series takes", () => {
    for (const [s, r, rho] of [
      [3.03, 0.318, -0.99892],
      [5.03, 0.795, -0.97147],
      [2.09, 0.0763, -0.99378],
    ] as const) {
      for (const activation of [erf(), tanh()]) {
        const law = [{ weight: 1, label: 0, mean: null, diagonal: Float64Array.of(1, 1), factor: null }];
        const risk = (sign: number) =>
          gaussianMixtureRisk(
            [
              {
                activation,
                amplitudes: Float64Array.of(1, sign),
                biases: Float64Array.of(-1.2, 1.1),
                weights: Float64Array.of(s, 0, r * rho, r * Math.sqrt(1 - rho * rho)),
              },
            ],
            law,
            1e-13,
          ).risk;
        // by the trapezoidal rule in both variables, of step 0.02: its errors are e^{−2π · (π/2) / (0.02 s)} and less
        const { value } = activationFunctions(activation);
        let expected = 0;
        for (let g = -450; g <= 450; g++) {
          for (let h = -450; h <= 450; h++) {
            const [x, y] = [0.02 * g, 0.02 * (rho * g + Math.sqrt(1 - rho * rho) * h)];
            const mass = (0.0004 * Math.exp(-0.0002 * (g * g + h * h))) / (2 * Math.PI);
            expected += mass * value(s * x - 1.2) * value(r * y + 1.1);
          }
        }
        expect(Math.abs((risk(1) - risk(-1)) / 4 - expected)).toBeLessThan(2e-13);
        const pair = pairExpectation({ activation, s, b: -1.2 }, { activation, s: r, b: 1.1 }, rho);
        expect(Math.abs(pair - expected)).toBeLessThan(2e-13);
      }
    }
  });

  test("a student that is its teacher has no risk", () => {
    const teacher = { ...network(tanh(), 6, 3), biases: null };
    const student = { ...teacher };
    const opposite = { ...teacher, amplitudes: teacher.amplitudes.map((x) => -x) };
    const law = [{ weight: 1, label: 0, mean: null, diagonal: new Float64Array(d).fill(1), factor: null }];
    expect(Math.abs(gaussianMixtureRisk([student, opposite], law).risk)).toBeLessThan(1e-12);
  });
});
