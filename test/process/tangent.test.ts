// Linearised sweeps of assembly/tangent.ts: they are the derivatives of forward and backward along a direction, in every build; and
// the potential of assembly/gradient.ts. The derivatives are checked against extrapolated differences of the f64 kernels themselves,
// whose own gradient gradient.test.ts checks against the energy written out; f32 and js against f64 simd.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import type { Backend } from "../../src/engine/kernels";
import type { Precision } from "../../src/engine/memory";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  relu,
  scaled,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { copyNetwork, setBatchCount, writeBatch, writeNetwork, writeTangent } from "../../src/model/blocks";
import { affine, isTrained, outputsOf, parameterDimension, ridge, type Unit } from "../../src/model/unit";
import { stream } from "../../src/random/stream";

/** What is linearised: N neurons on `count` examples, masses of the neurons or 1/N each. */
interface Shape {
  unit: Unit;
  d: number;
  N: number;
  count: number;
  masses?: number[];
}

/** Examples that stand in a batch behind those that count, as in one of varying length. */
const STALE = 3;

/** Everything that the sweeps read, drawn from one stream: θ, two directions, inputs, data weights and their tangents. */
function draws({ unit, d, N, count }: Shape, seed: number) {
  const K = outputsOf(unit);
  const hasBias = unit.kind === "affine" && unit.outputBias;
  const length = N * (unit.kind === "ridge" ? d : d + 1 + K) + (hasBias ? K : 0);
  const normals = (step: number, n: number) => stream(seed).normals(n, { step });
  return {
    theta: normals(0, length).map((x) => 0.7 * x),
    u: normals(1, length),
    p: normals(2, length),
    x: normals(3, (count + STALE) * d),
    c: normals(4, count * K),
    dc: normals(5, count * K),
  };
}

/** The kernels of one build on one shape and set of inputs, as functions of arrays. */
async function sweeps(shape: Shape, x: Float64Array, backend: Backend, precision: Precision) {
  const { unit, d, N, count, masses = null } = shape;
  const engine = await loadEngine({ backend });
  const { kernels } = engine;
  const memory = engine.memory();
  const network = writeNetwork(memory, unit, d, N, precision, masses);
  const direction = copyNetwork(memory, network);
  const result = copyNetwork(memory, network);
  const batch = writeBatch(memory, network, count + STALE);
  setBatchCount(memory, batch, count);
  const tangent = writeTangent(memory, network, batch);
  const rows = count * network.outputs;
  const theta = memory.reserve("f64", network.length);
  const sums = memory.reserve(precision, N + 8);
  kernels[`packInputs_${precision}`](network.block, batch.block, memory.put("f64", x), 0, count + STALE);
  const put = (block: number, values: Float64Array) => {
    memory.f64(theta, network.length).set(values);
    kernels[`importTheta_${precision}`](block, theta);
  };
  const take = () => {
    kernels[`exportTheta_${precision}`](result.block, theta);
    return memory.f64(theta, network.length).slice();
  };
  return {
    forward(at: Float64Array) {
      put(network.block, at);
      kernels[`forward_${precision}`](network.block, batch.block);
      return memory.f64(batch.predictions, rows).slice();
    },
    backward(at: Float64Array, c: Float64Array) {
      put(network.block, at);
      memory.f64(batch.weights, rows).set(c);
      kernels[`backward_${precision}`](network.block, batch.block, result.weights);
      return take();
    },
    potential(at: Float64Array, c: Float64Array) {
      put(network.block, at);
      memory.f64(batch.weights, rows).set(c);
      kernels[`potential_${precision}`](network.block, batch.block, sums);
      return Float64Array.from(memory.view(precision, sums, N));
    },
    tangentForward(at: Float64Array, u: Float64Array) {
      put(network.block, at);
      put(direction.block, withoutHeld(shape, u));
      kernels[`tangentForward_${precision}`](network.block, direction.block, batch.block, tangent.predictions);
      return memory.f64(tangent.predictions, rows).slice();
    },
    tangentBackward(at: Float64Array, u: Float64Array, c: Float64Array, dc: Float64Array) {
      put(network.block, at);
      put(direction.block, withoutHeld(shape, u));
      memory.f64(batch.weights, rows).set(c);
      memory.f64(tangent.weights, rows).set(dc);
      kernels[`tangentBackward_${precision}`](
        network.block,
        direction.block,
        batch.block,
        tangent.weights,
        result.weights,
      );
      return take();
    },
    /** The state that the last backward or tangentBackward wrote, as it stands in memory. */
    raw: () => Float64Array.from(memory.view(precision, result.weights, result.bytes / (precision === "f32" ? 4 : 8))),
    free: () => memory.free(),
  };
}

/** Builds that run here. */
async function builds(): Promise<Backend[]> {
  const relaxed = await loadEngine({ backend: "relaxed" }).catch(() => null);
  return relaxed ? ["simd", "js", "relaxed"] : ["simd", "js"];
}

const plus = (x: Float64Array, t: number, y: Float64Array) => x.map((value, i) => value + t * y[i]!);
const largest = (x: Float64Array) => x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);

/** The largest difference, relative to the largest entry of y. */
function gap(x: Float64Array, y: Float64Array): number {
  expect(x.length).toBe(y.length);
  expect(x.every(Number.isFinite) && y.every(Number.isFinite)).toBe(true);
  return largest(plus(x, -1, y)) / Math.max(largest(y), 1e-300);
}

// Central differences at h, h/2 … h/8, extrapolated: Richardson's table for an even expansion, error O(h^8).
function derivative(f: (t: number) => Float64Array, h: number): Float64Array {
  let row = [0, 1, 2, 3].map((k) => {
    const step = h / 2 ** k;
    return plus(f(step), -1, f(-step)).map((x) => x / (2 * step));
  });
  for (let order = 4; row.length > 1; order *= 4) {
    row = row.slice(1).map((fine, k) => plus(fine, 1 / (order - 1), plus(fine, -1, row[k]!)));
  }
  return row[0]!;
}

/** The direction that counts: none of what is not trained. */
function effective({ unit, d, N }: Shape, u: Float64Array): Float64Array {
  const D = parameterDimension(unit, d);
  return u.map((value, i) => (i < N * D && !isTrained(unit, i % D) ? 0 : value));
}

/** A direction as the kernels take it: 0 for biases that are kept; of outputs that are kept they leave it out themselves. */
function withoutHeld({ unit, d, N }: Shape, u: Float64Array): Float64Array {
  if (unit.kind === "ridge" || unit.trainBias) return u;
  const D = parameterDimension(unit, d);
  return u.map((value, i) => (i < N * D && i % D === unit.outputs ? 0 : value));
}

const smooth: Record<string, Activation> = {
  tanh: tanh(),
  erf: erf(),
  logistic: logistic(),
  softplus: softplus(),
  silu: silu(),
  cosine: cosine(),
  identity: identity(),
  square: square(),
};
const pieces: Record<string, [Activation, number[]]> = {
  relu: [relu(), [0]],
  leakyRelu: [leakyRelu(0.2), [0]],
  truncatedRelu: [truncatedRelu(), [0, 1]],
  piecewiseLinear: [
    piecewiseLinear([
      [0.5, -2.5],
      [1.5, 7.5],
    ]),
    [0.5, 1.5],
  ],
  table: [tabulate((x) => x / (1 + x * x), { from: -2, to: 2, points: 5 }), [-2, -1, 0, 1, 2]],
};

const masses = [0.3, 0, 0.1, 0.05, 0.2, 0, 0.15, 0.02, 0.08, 0.1, 0];
const unitsOf = (activation: Activation): [string, Unit][] => [
  ["ridge", ridge(activation)],
  ["affine", affine(activation)],
  ["affine, K = 3, bias", affine(activation, { outputs: 3, outputBias: true })],
  ["affine, a fixed", affine(activation, { trainOutput: false })],
  ["affine, scaled, b fixed", affine(scaled(activation, 2.5), { trainBias: false })],
  ["affine, K = 3, bias, a fixed", affine(activation, { outputs: 3, outputBias: true, trainOutput: false })],
];

// 70 examples are two chunks and a last tile of two; 11 neurons are two panels in f32, three in f64, the last not full
const shapes: [string, Shape][] = [
  ...Object.entries(smooth).flatMap(([name, activation]) =>
    unitsOf(activation).map(([what, unit]): [string, Shape] => [
      `${name}, ${what}`,
      { unit, d: 3, N: 11, count: 70, masses },
    ]),
  ),
  ...[1, 63, 64, 65, 130].flatMap((count) =>
    unitsOf(tanh()).map(([what, unit]): [string, Shape] => [
      `tanh, ${what}, ${count} examples`,
      { unit, d: 6, N: 9, count },
    ]),
  ),
  ...[1, 2, 3, 4, 5, 7, 8, 17].map((N): [string, Shape] => [
    `tanh, K = 5, N = ${N}`,
    { unit: affine(tanh(), { outputs: 5 }), d: 1, N, count: 5 },
  ]),
];

describe("along a direction", () => {
  // Entries of u and x are normal, so along the direction h moves by some 3 t to 10 t. At t = 0.01, halved thrice, the extrapolation
  // leaves (10 t)^8/2^12 of σ's ninth derivative over 9!, below 1e-12, and round-off 2^−52 over a step of 0.01/8, some 1e-13 of the
  // result; ten times that for the larger of 70 products.
  it.each(shapes)("tangentForward and tangentBackward are derivatives to 1e-11: %s", async (_, shape) => {
    const { theta, u, x, c, dc } = draws(shape, 7);
    const along = effective(shape, u);
    const simd = await sweeps(shape, x, "simd", "f64");
    const df = derivative((t) => simd.forward(plus(theta, t, along)), 0.01);
    const dG = derivative((t) => simd.backward(plus(theta, t, along), plus(c, t, dc)), 0.01);
    expect(gap(simd.tangentForward(theta, u), df)).toBeLessThan(1e-11);
    expect(gap(simd.tangentBackward(theta, u, c, dc), dG)).toBeLessThan(1e-11);
    simd.free();
  });

  // Within a piece, backward is a polynomial of degree 3 in t, which one extrapolation makes exact: what remains is round-off over a
  // step that may be as short as 1e-6.
  it.each(Object.entries(pieces))("the same within the pieces of %s, to 1e-9", async (_, [activation, knots]) => {
    for (const [what, unit] of unitsOf(activation)) {
      const shape = { unit, d: 3, N: 11, count: 70, masses };
      const { theta, u, x, c, dc } = draws(shape, 8);
      const along = effective(shape, u);
      const step = pieceStep(shape, { theta, along, x }, knots);
      const simd = await sweeps(shape, x, "simd", "f64");
      const df = derivative((t) => simd.forward(plus(theta, t, along)), step);
      const dG = derivative((t) => simd.backward(plus(theta, t, along), plus(c, t, dc)), step);
      expect(gap(simd.tangentForward(theta, u), df), what).toBeLessThan(1e-9);
      expect(gap(simd.tangentBackward(theta, u, c, dc), dG), what).toBeLessThan(1e-9);
      simd.free();
    }
  });

  // Sums of up to 130 products in another order: a random walk of roundings of 2^−53, and 2^−24 in f32, some tens of them at the
  // largest entry.
  it.each([
    ...shapes,
    ...Object.entries(pieces).map(([name, [activation]]): [string, Shape] => [
      name,
      { unit: affine(activation, { outputs: 3 }), d: 3, N: 11, count: 70, masses },
    ]),
  ])("js and relaxed agree with simd to 1e-14, and f32 of all to 3e-6: %s", async (_, shape) => {
    const inputs = draws(shape, 7);
    // in f32 as in f64, so that no h is on another side of a knot
    const [theta, u, x] = [inputs.theta, inputs.u, inputs.x].map((row) => Float64Array.from(Float32Array.from(row)));
    const { c, dc } = inputs;
    const simd = await sweeps(shape, x!, "simd", "f64");
    const df = simd.tangentForward(theta!, u!);
    const dG = simd.tangentBackward(theta!, u!, c, dc);
    simd.free();
    for (const backend of await builds()) {
      for (const precision of ["f64", "f32"] as const) {
        const bound = precision === "f64" ? 1e-14 : 3e-6;
        const other = await sweeps(shape, x!, backend, precision);
        expect(gap(other.tangentForward(theta!, u!), df)).toBeLessThan(bound);
        expect(gap(other.tangentBackward(theta!, u!, c, dc), dG)).toBeLessThan(bound);
        other.free();
      }
    }
  });
});

describe("at a neuron of weights 0", () => {
  // σ'(0) = 0 and σ''(0) = 2, so T is Σ_q 2 a c_q δh_q x_q: a unit that is flat to first order still bends. 17 products, in f64.
  it.each<Backend>(["simd", "js"])("the square unit bends, in %s", async (backend) => {
    const [d, N, count] = [2, 3, 17];
    const shape = { unit: ridge(square()), d, N, count };
    const { theta, u, x, c, dc } = draws(shape, 10);
    const kernels = await sweeps(shape, x, backend, "f64");
    const T = kernels.tangentBackward(
      theta.map(() => 0),
      u,
      c,
      dc,
    );
    const expected = theta.map((_, at) => {
      const i = Math.floor(at / d);
      let sum = 0;
      for (let q = 0; q < count; q++) {
        let dh = 0;
        for (let j = 0; j < d; j++) dh += u[i * d + j]! * x[q * d + j]!;
        sum += 2 * c[q]! * dh * x[q * d + (at % d)]!;
      }
      return sum;
    });
    expect(gap(T, expected)).toBeLessThan(1e-14);
    kernels.free();
  });
});

/** The longest step along which no example carries a neuron over a knot, at most 0.01. */
function pieceStep(
  { unit, d, N, count }: Shape,
  { theta, along, x }: { theta: Float64Array; along: Float64Array; x: Float64Array },
  knots: number[],
): number {
  const K = outputsOf(unit);
  const D = unit.kind === "ridge" ? d : d + 1 + K;
  const affine = unit.kind === "affine";
  const on = (state: Float64Array, i: number, q: number) => {
    let h = affine ? state[i * D + K]! : 0;
    for (let j = 0; j < d; j++) h += state[i * D + D - d + j]! * x[q * d + j]!;
    return h;
  };
  let step = 0.01;
  for (let i = 0; i < N; i++) {
    for (let q = 0; q < count; q++) {
      for (const knot of knots)
        step = Math.min(step, (0.9 * Math.abs(on(theta, i, q) - knot)) / Math.abs(on(along, i, q)));
    }
  }
  return step;
}

const anyShape: fc.Arbitrary<Shape> = fc
  .record({
    activation: fc.constantFrom(...Object.values(smooth), ...Object.values(pieces).map(([activation]) => activation)),
    affine: fc.boolean(),
    outputs: fc.integer({ min: 1, max: 6 }),
    outputBias: fc.boolean(),
    trainOutput: fc.boolean(),
    trainBias: fc.boolean(),
    d: fc.integer({ min: 1, max: 9 }),
    count: fc.integer({ min: 1, max: 140 }),
    masses: fc.array(fc.constantFrom(0, 0.1, 0.25, 1), { minLength: 1, maxLength: 19 }),
  })
  .map(({ activation, affine: isAffine, outputs, outputBias, trainOutput, trainBias, d, count, masses }) => ({
    unit: isAffine ? affine(activation, { outputs, outputBias, trainOutput, trainBias }) : ridge(activation),
    d,
    N: masses.length,
    count,
    masses,
  }));

const runs = { seed: 41, numRuns: 60 };

describe("for any shape", () => {
  // an exact identity, so what is left is round-off: 140 products of normal numbers, a random walk of some ten 2^−53 of the sizes
  it("the linearised flow is symmetric: ⟨p, H u⟩ = ⟨u, H p⟩ in the masses of the neurons, with Hu = T at δc_q = −δf_q", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.nat(1000), fc.constantFrom<Backend>("simd", "js"), async (shape, seed, backend) => {
        const { theta, x, c, ...both } = draws(shape, seed);
        const u = effective(shape, both.u);
        const p = effective(shape, both.p);
        const kernels = await sweeps(shape, x, backend, "f64");
        const H = (v: Float64Array) => {
          const df = kernels.tangentForward(theta, v);
          return kernels.tangentBackward(
            theta,
            v,
            c,
            df.map((value) => -value),
          );
        };
        const D = shape.unit.kind === "ridge" ? shape.d : shape.d + 1 + outputsOf(shape.unit);
        // the output bias has mass 1
        const weigh = (v: Float64Array) => v.map((value, i) => value * (shape.masses![Math.floor(i / D)] ?? 1));
        const [Hu, Hp] = [H(u), H(p)];
        const scale =
          Math.sqrt(dot(p, weigh(p)) * dot(Hu, weigh(Hu))) + Math.sqrt(dot(u, weigh(u)) * dot(Hp, weigh(Hp)));
        expect(Math.abs(dot(weigh(p), Hu) - dot(weigh(u), Hp))).toBeLessThanOrEqual(1e-14 * scale);
        kernels.free();
      }),
      runs,
    );
  });

  it("T writes nothing where there is no neuron", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.nat(1000), async (shape, seed) => {
        const { theta, u, x, c, dc } = draws(shape, seed);
        for (const precision of ["f64", "f32"] as const) {
          const kernels = await sweeps(shape, x, "simd", precision);
          const written = (values: Float64Array) => values.filter((value) => value !== 0).sort();
          const T = kernels.tangentBackward(theta, u, c, dc);
          expect(written(kernels.raw())).toEqual(written(T));
          kernels.free();
        }
      }),
      runs,
    );
  });

  it("T is linear in u and δc, δf in u, and a neuron of mass 0 moves without adding to δf", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.nat(1000), async (shape, seed) => {
        const { theta, u, p, x, c, dc } = draws(shape, seed);
        const kernels = await sweeps(shape, x, "simd", "f64");
        const zero = dc.map(() => 0);
        const f = (v: Float64Array) => kernels.tangentForward(theta, v);
        const T = (v: Float64Array, w: Float64Array) => kernels.tangentBackward(theta, v, c, w);
        const sum = plus(T(p, zero), 2, T(u, dc));
        expect(
          largest(
            plus(
              T(
                plus(p, 2, u),
                dc.map((value) => 2 * value),
              ),
              -1,
              sum,
            ),
          ),
        ).toBeLessThanOrEqual(1e-13 * (largest(sum) + largest(T(u, dc)) + largest(c)));
        const both = plus(f(p), 2, f(u));
        expect(largest(plus(f(plus(p, 2, u)), -1, both))).toBeLessThanOrEqual(1e-13 * (largest(both) + 1));
        // with u = 0, T is the gradient at the weights δc
        expect(
          T(
            u.map(() => 0),
            dc,
          ),
        ).toEqual(kernels.backward(theta, dc));
        const D = shape.unit.kind === "ridge" ? shape.d : shape.d + 1 + outputsOf(shape.unit);
        const massless = u.map((value, i) => (shape.masses![Math.floor(i / D)] === 0 ? value : 0));
        expect(largest(f(massless))).toBe(0);
        kernels.free();
      }),
      runs,
    );
  });

  // Sums of up to 140 · 6 products: 840 · 2^−53 of the largest terms.
  it("the potential is Σ_q c_q · σ*(x_q; θ_i), a neuron at a time, in every build", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.nat(1000), async (shape, seed) => {
        const { unit, d, N, count } = shape;
        const { theta, x, c } = draws(shape, seed);
        const K = outputsOf(unit);
        const { value } = activationFunctions(unit.activation);
        const D = unit.kind === "ridge" ? d : d + 1 + K;
        const expected = new Float64Array(N);
        const sizes = new Float64Array(N);
        for (let i = 0; i < N; i++) {
          const row = theta.subarray(i * D, (i + 1) * D);
          for (let q = 0; q < count; q++) {
            let h = unit.kind === "ridge" ? 0 : row[K]!;
            for (let j = 0; j < d; j++) h += row[D - d + j]! * x[q * d + j]!;
            for (let k = 0; k < K; k++) {
              const term = (unit.kind === "ridge" ? 1 : row[k]!) * c[q * K + k]! * value(h);
              expected[i]! += term;
              sizes[i]! += Math.abs(term);
            }
          }
        }
        for (const backend of ["simd", "js"] as const) {
          for (const [precision, bound] of [
            ["f64", 1e-13],
            ["f32", 1e-5],
          ] as const) {
            const kernels = await sweeps(shape, x, backend, precision);
            const got = kernels.potential(theta, c);
            for (let i = 0; i < N; i++) {
              expect(Math.abs(got[i]! - expected[i]!)).toBeLessThanOrEqual(bound * (sizes[i]! + largest(c)));
            }
            kernels.free();
          }
        }
      }),
      runs,
    );
  });
});

describe("the potential of a ridge unit", () => {
  // h of the affine unit is h + 0 · 1, and its ∂a sums the same products in the same order
  it.each(["f32", "f64"] as const)(
    "has the bits of ∂a of the affine unit with a = 1, b = 0, in %s",
    async (precision) => {
      const [d, N, count] = [3, 11, 130];
      const { theta, x, c } = draws({ unit: ridge(tanh()), d, N, count }, 9);
      const plain = await sweeps({ unit: ridge(tanh()), d, N, count }, x, "simd", precision);
      const full = await sweeps({ unit: affine(tanh()), d, N, count }, x, "simd", precision);
      const rows = Array.from({ length: N }, (_, i) => [1, 0, ...theta.subarray(i * d, (i + 1) * d)]);
      const gradient = full.backward(Float64Array.from(rows.flat()), c);
      expect(Array.from(plain.potential(theta, c))).toEqual(
        Array.from({ length: N }, (_, i) => gradient[i * (d + 2)]!),
      );
      plain.free();
      full.free();
    },
  );
});
