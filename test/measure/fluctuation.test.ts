// Signed fluctuations: what they do to a function is the derivative of what laws do, and they come back from JSON.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { measureFromJson, measureToJson } from "../../src/io/measure";
import { fluctuation } from "../../src/measure/fluctuation";
import { asParticles, coordinate, particles } from "../../src/measure/measure";
import { fluctuationMoments, pairing } from "../../src/measure/pairing";
import { predictionsOf } from "../../src/measure/predictions";
import { riskOf } from "../../src/measure/risk";
import { softplus, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, ridge } from "../../src/model/unit";
import { stream } from "../../src/random/stream";

const d = 2;
const law = dataset({ x: [[1, 2]], y: [[1, 2, 3]] });
const wide = parseProblem({
  law,
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start: gaussian({ radius: 1 }),
});
const D = 3 + 1 + d;
const M = 13;
const draws = (n: number, step: number) => stream(31).normals(n, { step });
const weights = draws(M, 0).map((x) => x * x);
weights[4] = 0;
const base = particles({
  coordinates: "theta",
  shape: [M, D],
  values: draws(M * D, 1),
  weights,
  outputBias: draws(3, 2),
});
const omega = draws(M, 3);
const displacements = draws(M * D, 4);
const eta = fluctuation({ base, weights: omega, displacements, outputBias: draws(3, 5) });
const w = base.weights!;

// ∫φ dμ of the law that has moved by s along η: points and weights written out, weights of any sign
function along(s: number, phi: (theta: Float64Array) => number): number {
  let sum = 0;
  for (let i = 0; i < M; i++) {
    const here = base.values.slice(i * D, (i + 1) * D);
    const moved = here.map((x, j) => x + s * displacements[i * D + j]!);
    sum += w[i]! * phi(moved) + s * omega[i]! * phi(here);
  }
  return sum;
}

// central differences of step 1e-3, extrapolated once: 1e-12, and round-off of 1e-13 over the step
function slope(f: (s: number) => number): number {
  const at = (s: number) => (f(s) - f(-s)) / (2 * s);
  return (4 * at(5e-4) - at(1e-3)) / 3;
}

describe("a fluctuation", () => {
  it("pairs with a function as the derivative of the law along it", () => {
    const phi = (theta: Float64Array) => theta[0]! * theta[5]! + theta[3]! ** 3;
    const expected = slope((s) => along(s, phi));
    const value = pairing(eta, phi, (theta, out) => {
      out.fill(0);
      out[0] = theta[5]!;
      out[5] = theta[0]!;
      out[3] = 3 * theta[3]! ** 2;
    });
    expect(Math.abs(value - expected)).toBeLessThan(1e-9);
  });

  it("has the moments of a coordinate that follow", () => {
    const moments = fluctuationMoments(eta, "w1", 3, wide);
    moments.forEach((moment, k) => {
      const expected = slope((s) => along(s, (theta) => theta[5]! ** (k + 1)));
      expect(Math.abs(moment - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
    });
    expect(() => fluctuationMoments(eta, "r", 1, wide)).toThrow(SpecError);
  });

  // f is linear in the weights, and so exact; the displacements by differences
  it.each(["simd", "js"] as const)("has predictions that are the derivative of predictions: %s", async (backend) => {
    const engine = await loadEngine({ backend });
    const x = tensor(draws(70 * d, 6), [70, d]);
    const { values } = predictionsOf(eta, wide, engine, x as never);
    for (const q of [0, 1, 69]) {
      const input = x.data.slice(q * d, (q + 1) * d);
      for (let k = 0; k < 3; k++) {
        const unit = (theta: Float64Array) =>
          theta[k]! * Math.tanh(theta[4]! * input[0]! + theta[5]! * input[1]! + theta[3]!);
        const expected = slope((s) => along(s, unit)) + eta.outputBias![k]!;
        expect(Math.abs(values[q * 3 + k]! - expected)).toBeLessThan(1e-9);
      }
    }
  });

  it("of ridge units, with equal weights and no bias, has predictions too", async () => {
    const problem = parseProblem({
      law: dataset({ x: [[1, 2]], y: [1] }),
      unit: ridge(softplus()),
      start: gaussian({ radius: 1 }),
    });
    const values = draws(10, 7);
    const plain = particles({ coordinates: "theta", shape: [5, 2], values });
    const one = fluctuation({ base: plain, weights: new Float64Array(5), displacements: new Float64Array(10).fill(1) });
    const { values: f } = predictionsOf(one, problem, await loadEngine(), tensor([1, 2], [1, 2]) as never);
    let expected = 0;
    for (let i = 0; i < 5; i++) expected += 3 / 5 / (1 + Math.exp(-values[2 * i]! - 2 * values[2 * i + 1]!));
    expect(Math.abs(f[0]! - expected)).toBeLessThan(1e-14);
  });

  it("comes back from JSON as it was", () => {
    expect(measureFromJson(JSON.parse(JSON.stringify(measureToJson(eta))))).toEqual(eta);
  });

  it("is no law: what laws have is refused, and what there is instead is said", async () => {
    expect(() => asParticles(eta)).toThrow(/predictions, moments/);
    expect(() => coordinate(eta, "w0", wide)).toThrow(SpecError);
    const engine = await loadEngine();
    expect(() => riskOf(eta, wide, engine, { method: "auto", points: 10, seed: 0, degree: null })).toThrow(SpecError);
  });

  it.each([
    ["no base", { base: null }, "measure.base"],
    ["a base of radii", { base: { ...base, coordinates: "radial" } }, "measure.base"],
    ["too few weights", { weights: new Float64Array(2) }, "measure.weights"],
    ["a weight that is NaN", { weights: omega.map((x, i) => (i === 3 ? Number.NaN : x)) }, "measure.weights[3]"],
    ["infinite displacements", { displacements: displacements.map(() => Infinity) }, "measure.displacements[0]"],
    ["no displacements", { displacements: undefined }, "measure.displacements"],
    ["no bias where the base has one", { outputBias: null }, "measure.outputBias"],
    ["a bias of another length", { outputBias: new Float64Array(2) }, "measure.outputBias"],
  ])("with %s is a SpecError", (_, broken, path) => {
    const whole = { base, weights: omega, displacements, outputBias: eta.outputBias, ...broken };
    let error: unknown;
    try {
      fluctuation(whole as never);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });
});
