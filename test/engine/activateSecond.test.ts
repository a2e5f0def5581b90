// σ'' of the activations: closed forms, in the tails too, in every build and precision; and σ and σ' as `activate` gives them.
// That σ'' is the derivative of σ' is also what test/process/tangent.test.ts finds by differences.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import type { Backend } from "../../src/engine/kernels";
import type { Precision } from "../../src/engine/memory";
import {
  type Activation,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  relu,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { writeActivation } from "../../src/model/blocks";

// Hermite interpolation is exact for a cubic, so the table of t³ − 2t² has σ'' = 6t − 4 inside its ends.
const cubic = tabulate((t) => t * t * t - 2 * t * t, {
  from: -3,
  to: 5,
  points: 17,
  derivative: (t) => 3 * t * t - 4 * t,
});

// tanh t and sech² t from e^{−2|t|}: the engine's exp and expm1 are right to an ulp, so these are to about five.
function tanhSech(t: number): [number, number] {
  const e = Math.exp(-2 * Math.abs(t));
  return [(-Math.sign(t) * Math.expm1(-2 * Math.abs(t))) / (1 + e), (4 * e) / (1 + e) ** 2];
}

/** σ'' and the size of the terms that its rounding is relative to. */
type Second = (t: number) => [value: number, size: number];
const sized = (value: number): [number, number] => [value, Math.abs(value)];
const curved: [string, Activation, Second][] = [
  ["tanh", tanh(), (t) => sized(-2 * tanhSech(t)[0] * tanhSech(t)[1])],
  ["logistic", logistic(), (t) => sized(-tanhSech(t)[0] * tanhSech(t)[1])],
  ["softplus", softplus(), (t) => sized(tanhSech(t / 2)[1] / 4)],
  [
    "silu",
    silu(),
    (t) => {
      const [y, sech] = tanhSech(t / 2);
      return [(sech / 4) * (2 - t * y), (sech / 4) * (2 + Math.abs(t))];
    },
  ],
  // the rounding of t² in e^{−t²} is t² ulps of the result
  [
    "erf",
    erf(),
    (t) => {
      const value = (-4 / Math.sqrt(Math.PI)) * t * Math.exp(-t * t);
      return [value, Math.abs(value) * (1 + t * t)];
    },
  ],
  ["cosine", cosine(), (t) => [-Math.cos(t), 1]],
  ["square", square(), () => [2, 2]],
  ["a table of a cubic", cubic, (t) => (t > -3 && t < 5 ? [6 * t - 4, 100] : [0, 0])],
];
const straight: [string, Activation][] = [
  ["relu", relu()],
  ["leakyRelu", leakyRelu(0.2)],
  ["truncatedRelu", truncatedRelu()],
  [
    "piecewiseLinear",
    piecewiseLinear([
      [0.5, -2.5],
      [1.5, 7.5],
    ]),
  ],
  ["identity", identity()],
];

async function builds(): Promise<Backend[]> {
  const relaxed = await loadEngine({ backend: "relaxed" }).catch(() => null);
  return relaxed ? ["simd", "js", "relaxed"] : ["simd", "js"];
}

/** The three rows, and the two of `activate`, as the kernels of a build fill them. */
async function rows(activation: Activation, points: Float64Array, backend: Backend, precision: Precision) {
  const engine = await loadEngine({ backend });
  const memory = engine.memory();
  const n = points.length;
  const block = writeActivation(memory, activation, precision);
  const h = memory.put(precision, points);
  const [value, slope, second, value1, slope1] = Array.from({ length: 5 }, () => memory.reserve(precision, n));
  engine.kernels[`activateSecond_${precision}`](block, h, value!, slope!, second!, n);
  engine.kernels[`activate_${precision}`](block, h, value1!, slope1!, n);
  const take = (at: number) => memory.view(precision, at, n).slice();
  const out = { first: [take(value!), take(slope!)], plain: [take(value1!), take(slope1!)], second: take(second!) };
  memory.free();
  return out;
}

// multiples of 2^−6 and of 2^−4, so that they are the same numbers in f32; a whole number of panels
const near = Float64Array.from({ length: 1024 }, (_, i) => (i - 512) / 64);
const far = Float64Array.from({ length: 1024 }, (_, i) => (i - 512) / 16);
// out to where t² leaves the range of f32
const out = Float64Array.from([100, 340, 700, 1e6, 1e30, -100, -340, -700, -1e6, -1e30, 1e-30, -1e-30, 0, -0, 1, -1]);

describe.each<Precision>(["f64", "f32"])("σ'' in %s", (precision) => {
  // A handful of roundings each: 20 ulps of 2^−52, or of 2^−23; below the smallest normal number there are fewer digits.
  it.each(curved)("of %s is its closed form, relative to its size in the tails too", async (_, activation, closed) => {
    const [bound, tiny] = precision === "f64" ? [20 * 2 ** -52, 1e-307] : [20 * 2 ** -23, 1e-37];
    for (const backend of await builds()) {
      for (const points of [near, far]) {
        const { second } = await rows(activation, points, backend, precision);
        points.forEach((t, i) => {
          const [value, size] = closed(t);
          expect(Math.abs(second[i]! - value), `${backend} at ${t}: ${second[i]}, not ${value}`).toBeLessThanOrEqual(
            bound * size + tiny,
          );
        });
      }
    }
  });

  it.each(straight)("of %s is 0", async (_, activation) => {
    for (const backend of await builds()) {
      const { second } = await rows(activation, near, backend, precision);
      expect(second.every((value) => value === 0)).toBe(true);
    }
  });

  it.each([...curved.map(([name, activation]) => [name, activation] as const), ...straight])(
    "of %s comes with the bits of σ and σ' that activate gives",
    async (_, activation) => {
      for (const backend of await builds()) {
        for (const points of [near, far, out]) {
          const { first, plain } = await rows(activation, points, backend, precision);
          expect(first).toEqual(plain);
        }
      }
    },
  );

  it.each(curved.filter(([name]) => name !== "cosine"))(
    "of %s is finite far out, and 0 if σ is straight there",
    async (_, activation) => {
      for (const backend of await builds()) {
        const { second } = await rows(activation, out, backend, precision);
        expect(second.every(Number.isFinite)).toBe(true);
        if (activation.kind === "square") continue;
        for (const i of [3, 4, 8, 9]) expect(Math.abs(second[i]!), `${backend} at ${out[i]}`).toBe(0);
      }
    },
  );
});
