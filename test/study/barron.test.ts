// Networks drawn from Barron's law: they are unbiased, their risk is the variance of one unit over N. The rate in N over many
// networks and dimensions is measured by the figure, in test/slow/figures.test.ts.

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { networkPredictions } from "../../src/measure/predictions";
import { stream } from "../../src/random/stream";
import {
  type BarronTarget,
  ballPoints,
  barronBound,
  barronNetwork,
  barronVariation,
  gaussianTarget,
  stepVariance,
  waveTarget,
} from "../../src/study/barron";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine();
});

const wave = (amplitude: number, frequency: number[], phase = 0) => ({ amplitude, frequency, phase });
const mixture = waveTarget([wave(1, [2, 1], 0.7), wave(-0.8, [-1, 3], -2), wave(0.3, [0, 5], 1)]);

function meanOf(values: ArrayLike<number>): { mean: number; error: number } {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]!;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - sum / n) * (values[i]! - sum / n);
  return { mean: sum / n, error: Math.sqrt(squares / (n * (n - 1))) };
}

describe("a target", () => {
  it("has the moment ∫|w||F(w)| dw of its transform", () => {
    // of waves the sum of |c||w|; of the bump E|g| for g ~ N(0, I_d) over ℓ: √(2/π), √(π/2), √(8/π) at d = 1, 2, 3
    expect(mixture.moment).toBeCloseTo(Math.sqrt(5) + 0.8 * Math.sqrt(10) + 1.5, 12);
    const means = [2 / Math.PI, Math.PI / 2, 8 / Math.PI].map(Math.sqrt);
    means.forEach((mean, i) => {
      expect(gaussianTarget({ dimension: i + 1, length: 0.5 }).moment).toBeCloseTo(mean / 0.5, 12);
    });
  });

  it("draws w from |w||F(w)|, the law that its expectations are of", () => {
    const targets: BarronTarget[] = [mixture, gaussianTarget({ dimension: 3, length: 2 })];
    for (const target of targets) {
      const { normals, uniforms } = target.draws;
      const n = 20000;
      const g = stream(4).normals(n * normals);
      const u = stream(4).uniforms(n * uniforms, { step: 1 });
      const direction = new Float64Array(target.dimension);
      const samples: [string, (length: number, phase: number) => number, Float64Array][] = [
        ["|w|", (length) => length, new Float64Array(n)],
        ["|w|²", (length) => length * length, new Float64Array(n)],
        ["cos(|w| + φ)", (length, phase) => Math.cos(length + phase), new Float64Array(n)],
      ];
      for (let i = 0; i < n; i++) {
        const { length, phase } = target.draw(
          g.subarray(i * normals, (i + 1) * normals),
          u.subarray(i * uniforms, (i + 1) * uniforms),
          direction,
        );
        expect(Math.abs(direction.reduce((sum, x) => sum + x * x, 0) - 1)).toBeLessThan(1e-12);
        for (const [, h, values] of samples) values[i] = h(length, phase);
      }
      for (const [name, h, values] of samples) {
        const { mean, error } = meanOf(values);
        // six normal deviates: false alarms below 1e-4
        expect(Math.abs(mean - target.expectation(h)), name).toBeLessThan(4.5 * error);
      }
    }
    // χ_{d+1}: E|w|² = (d + 1)/ℓ²; Simpson's rule of step 0.01 leaves about its fourth power
    for (const d of [1, 3, 100]) {
      const bump = gaussianTarget({ dimension: d, length: 2 });
      expect(bump.expectation((length) => length * length) / ((d + 1) / 4)).toBeCloseTo(1, 8);
    }
  });
});

describe("the size v of the coefficients", () => {
  it("is at most Δ, and 2/π of it where |sin| is averaged over whole half turns", () => {
    for (const phase of [0, 0.3, -2, 10]) {
      const target = waveTarget([wave(1.5, [2 * Math.PI, 0], phase)]);
      expect(barronBound(target, 1)).toBeCloseTo(36 * Math.PI * Math.PI, 10);
      expect(barronVariation(target, 1)).toBeCloseTo((2 / Math.PI) * 6 * Math.PI, 11);
    }
    // a slow wave rises all the way across the ball: cos(ωs + π/2) has |sin| near 1
    const slow = waveTarget([wave(1, [1e-3], Math.PI / 2)]);
    expect(barronVariation(slow, 1) / 2e-3).toBeCloseTo(1, 6);
    expect(barronVariation(slow, 1)).toBeLessThanOrEqual(2e-3);
  });
});

describe("a network from Barron's law", () => {
  it("has f as its mean at every point of the ball", () => {
    const targets: [BarronTarget, number][] = [
      [mixture, 1.5],
      [gaussianTarget({ dimension: 3, length: 0.7 }), 1],
    ];
    for (const [target, radius] of targets) {
      const d = target.dimension;
      const count = 20;
      const x = ballPoints({ seed: 2, replica: 0 }, { dimension: d, radius, count }, engine);
      const f = target.values(x, count);
      const replicas = 50;
      const found = Array.from({ length: count }, () => new Float64Array(replicas));
      for (let replica = 0; replica < replicas; replica++) {
        const options = { radius, neurons: 400, gain: 5000, seed: 3, replica };
        const { network, problem } = barronNetwork(target, options, engine);
        networkPredictions(network, problem, engine, x, count).forEach((value, q) => {
          found[q]![replica] = value;
        });
      }
      found.forEach((values, q) => {
        const { mean, error } = meanOf(values);
        // 40 Student deviates of 49 degrees of freedom beyond 5: false alarms below 4e-4
        expect(Math.abs(mean - f[q]!)).toBeLessThan(5 * error);
        expect(error).toBeLessThan(0.2 * barronVariation(target, radius));
      });
    }
  });

  it("has the risk of one unit's variance over N, below Δ²/N", () => {
    const replicas = 300;
    const count = 256;
    for (const [target, radius] of [
      [waveTarget([wave(1, [2 * Math.PI])]), 1],
      [mixture, 1.5],
      [gaussianTarget({ dimension: 3, length: 0.5 }), 1],
    ] as [BarronTarget, number][]) {
      const d = target.dimension;
      const neurons = 32;
      const constant = target.values(new Float64Array(d), 1)[0]!;
      const risks = new Float64Array(replicas);
      let meanSquare = 0;
      for (let r = 0; r < replicas; r++) {
        const x = ballPoints({ seed: 6, replica: 2 * r + 1 }, { dimension: d, radius, count }, engine);
        const y = target.values(x, count);
        const options = { radius, neurons, gain: 5000, seed: 6, replica: 2 * r };
        const { network, problem } = barronNetwork(target, options, engine);
        networkPredictions(network, problem, engine, x, count).forEach((value, q) => {
          risks[r]! += ((value - y[q]!) * (value - y[q]!)) / count;
          meanSquare += ((y[q]! - constant) * (y[q]! - constant)) / (count * replicas);
        });
      }
      const { mean, error } = meanOf(risks);
      // three normal deviates at 4: false alarms below 2e-4; the standard error is 5 % of the mean or so
      expect(Math.abs(mean - stepVariance(target, radius, meanSquare) / neurons)).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.1 * mean);
      expect(mean).toBeLessThan(barronBound(target, radius) / neurons);
    }
  });

  it("starts with the same neurons whatever their number, and has others in another replica", () => {
    const rows = (neurons: number, replica: number) =>
      Array.from(barronNetwork(mixture, { radius: 1, neurons, seed: 1, replica }, engine).network.values);
    expect(rows(1000, 0).slice(0, 40)).toEqual(rows(10, 0));
    expect(rows(10, 1)).not.toEqual(rows(10, 0));
  });

  it("has f(0) as its constant, and coefficients of one size", () => {
    const { network } = barronNetwork(mixture, { radius: 1, neurons: 50, seed: 1 }, engine);
    const size = barronVariation(mixture, 1);
    expect(Array.from(network.outputBias!)).toEqual(Array.from(mixture.values(new Float64Array(2), 1)));
    for (let i = 0; i < 50; i++) expect(Math.abs(network.values[4 * i]!)).toBe(size);
  });

  it("is refused for wrong numbers, by their names", () => {
    const from = (options: object) => () =>
      barronNetwork(mixture, { radius: 1, neurons: 1, seed: 1, ...options }, engine);
    expect(from({ radius: 0 })).toThrow(/^radius: /);
    expect(from({ neurons: 0.5 })).toThrow(/^neurons: /);
    expect(from({ gain: -1 })).toThrow(/^gain: /);
    expect(from({ seed: -1 })).toThrow(/^seed: /);
    expect(() => waveTarget([])).toThrow(/^waves: /);
    expect(() => waveTarget([wave(0, [1])])).toThrow(/^waves: /);
    expect(() => waveTarget([wave(1, [1]), wave(1, [0])])).toThrow(/^waves\[1\]\.frequency: /);
    expect(() => gaussianTarget({ dimension: 0, length: 1 })).toThrow(/^dimension: /);
    expect(() => gaussianTarget({ dimension: 2, length: 0 })).toThrow(/^length: /);
  });
});

it("points of the ball are uniform in it", () => {
  for (const d of [1, 2, 7]) {
    const count = 4000;
    const x = ballPoints({ seed: 9, replica: d }, { dimension: d, radius: 2, count }, engine);
    const ranks = Array.from({ length: count }, (_, q) => {
      let square = 0;
      for (let j = 0; j < d; j++) square += x[q * d + j]! * x[q * d + j]!;
      return (Math.sqrt(square) / 2) ** d;
    }).sort((a, b) => a - b);
    // |x|^d / r^d is uniform on [0, 1]: Kolmogorov's distance beyond 2.3/√n has probability 5e-5
    const distance = Math.max(...ranks.map((u, i) => Math.max(u - i / count, (i + 1) / count - u)));
    expect(distance * Math.sqrt(count)).toBeLessThan(2.3);
  }
});
