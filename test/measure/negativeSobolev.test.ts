// Norms of H^{−j}: against Fourier integrals, closed forms, and pairs of points in place of dipoles. The kernel itself is in
// besselPotential.test.ts. Not covered: more than some thousand points.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { fluctuation } from "../../src/measure/fluctuation";
import { type Fluctuation, grid, type Measure, type Particles, particles } from "../../src/measure/measure";
import { negativeSobolev } from "../../src/measure/onDemand";
import { stream } from "../../src/random/stream";

const points = (rows: number[][], weights?: number[]): Particles =>
  particles({
    coordinates: "theta",
    shape: [rows.length, rows[0]!.length],
    values: Float64Array.from(rows.flat()),
    weights: weights ? Float64Array.from(weights) : null,
  });
const cloud = (n: number, D: number, seed: number): Particles =>
  particles({ coordinates: "theta", shape: [n, D], values: stream(seed).normals(n * D) });
const eta = (base: Particles, seed: number): Fluctuation => {
  const [n, D] = base.shape;
  return fluctuation({ base, weights: stream(seed).normals(n), displacements: stream(seed + 1).normals(n * D) });
};

/** (1/2π) ∫ |η̂|² (1 + ξ²)^−j dξ in one dimension, η̂ without its factor, by the trapezoid rule in u, ξ = sinh u. */
function fourier(square: (xi: number) => number, j: number): number {
  const h = 1e-4;
  let sum = 0;
  // to ξ = 2000: what is cut off is below 4 · 2000^(1 − 2j)/(2j − 1), 10^−13 for j ≥ 2.5
  for (let u = h / 2; Math.sinh(u) < 2000; u += h) {
    sum += h * square(Math.sinh(u)) * (1 + Math.sinh(u) ** 2) ** -j * Math.cosh(u);
  }
  return sum / Math.PI;
}

describe("two points", () => {
  it("in D = 1, j = 1, k = e^−r/2: ‖δ_a − δ_b‖² = 1 − e^−|a − b|", async () => {
    expect(await negativeSobolev(points([[0.3]]), points([[1.1]]), { order: 1 })).toBeCloseTo(
      Math.sqrt(1 - Math.exp(-0.8)),
      14,
    );
  });

  it("in D = 3, j = 2, k = e^−r/(8π)", async () => {
    const norm = await negativeSobolev(points([[0, 1, 2]]), points([[1, 3, 0]]), { order: 2 });
    expect(norm).toBeCloseTo(Math.sqrt((1 - Math.exp(-3)) / (4 * Math.PI)), 14);
  });

  it.each([2.5, 3, 4.2])("in Fourier space, D = 1, j = %d", async (j) => {
    const norm = await negativeSobolev(points([[-0.4]]), points([[0.9]]), { order: j });
    const integral = fourier((xi) => 2 - 2 * Math.cos(1.3 * xi), j);
    expect(Math.abs(norm * norm - integral)).toBeLessThan(1e-11);
  });

  // 1 − (1 + r) e^−r = r²/2 − r³/3 + …, so that ‖δ_0 − δ_r‖ = r/2 (1 − r/3) in D = 1, j = 2: no digit is lost by cancellation
  it.each([1e-3, 1e-6, 1e-9, 1e-15, 1e-19])("%d apart", async (r) => {
    const norm = await negativeSobolev(points([[0]]), points([[r]]), { order: 2 });
    expect(Math.abs(norm / ((r / 2) * (1 - r / 3)) - 1)).toBeLessThan(2e-7 * Math.min(1, r * 1e3) + 1e-14);
  });

  it("far apart, and at 10^150, they are orthogonal", async () => {
    for (const far of [100, 1e150]) {
      expect(await negativeSobolev(points([[0]]), points([[far]]), { order: 1 })).toBeCloseTo(1, 14);
    }
  });
});

describe("weights and sums", () => {
  it("any weights, in Fourier space", async () => {
    const x = [-1, 0.2, 0.7, 2];
    const w = [0.1, 0.4, 0.3, 0.2];
    const y = [0, 1];
    const norm = await negativeSobolev(
      points(
        x.map((z) => [z]),
        w,
      ),
      points(y.map((z) => [z])),
      { order: 3 },
    );
    const integral = fourier((xi) => {
      const part = (f: (z: number) => number) =>
        x.reduce((sum, z, i) => sum + w[i]! * f(xi * z), 0) - y.reduce((sum, z) => sum + f(xi * z) / 2, 0);
      return part(Math.cos) ** 2 + part(Math.sin) ** 2;
    }, 3);
    expect(Math.abs(norm * norm - integral)).toBeLessThan(1e-11);
  });

  it("of a law alone, in Fourier space", async () => {
    const norm = await negativeSobolev(points([[0], [3]], [0.25, 0.75]), null, { order: 2.5 });
    const integral = fourier((xi) => 0.625 + 0.375 * Math.cos(3 * xi), 2.5);
    expect(Math.abs(norm * norm - integral)).toBeLessThan(1e-11);
  });

  it("a sum of measures is what its terms say: √n (μ − ν) has √n times the norm of μ − ν", async () => {
    const [a, b] = [cloud(30, 2, 1), cloud(40, 2, 2)];
    const plain = await negativeSobolev(a, b, { order: 2 });
    const terms = [
      { factor: 20, measure: a },
      { factor: -20, measure: b },
    ];
    expect(Math.abs((await negativeSobolev(terms, null, { order: 2 })) / (20 * plain) - 1)).toBeLessThan(1e-13);
    expect(await negativeSobolev(terms, terms, { order: 2 })).toBe(0);
  });

  it("what measures on the same points have in common is taken away exactly", async () => {
    const a = cloud(50, 3, 3);
    expect(await negativeSobolev(a, { ...a, values: a.values.slice() }, { order: 2 })).toBe(0);
    const weights = Float64Array.from({ length: 50 }, (_, i) => (i === 7 ? 1 / 50 + 1e-12 : 1 / 50));
    // one weight is another by 10^−12, and all others by its share
    const norm = await negativeSobolev(a, particles({ ...a, weights }), { order: 2 });
    expect(norm).toBeGreaterThan(1e-14);
    expect(norm).toBeLessThan(1e-12);
  });

  // 1/2 and 1/2 + 2δ are the law 1/2 − δ, 1/2 + δ: far apart the norm is √k(0) √2 δ = δ, to the 10^−7 that 1/2 + 2δ is rounded by
  it("weights whose sum is 1 but for rounding are a law of mass 1", async () => {
    const delta = 2.5e-10;
    const equal = points([[0], [1000]]);
    const one = { ...equal, weights: Float64Array.of(0.5, 0.5 + 2 * delta) };
    const norm = await negativeSobolev(one, equal, { order: 1 });
    expect(Math.abs(norm / delta - 1)).toBeLessThan(2e-6);
  });

  it("a point split in two, or with a companion of weight 0, is the same law", async () => {
    const b = cloud(20, 2, 4);
    const one = await negativeSobolev(
      points(
        [
          [0, 1],
          [2, 0],
        ],
        [0.5, 0.5],
      ),
      b,
      { order: 3 },
    );
    const two = await negativeSobolev(
      points(
        [
          [0, 1],
          [2, 0],
          [0, 1],
          [9, 9],
        ],
        [0.2, 0.5, 0.3, 0],
      ),
      b,
      { order: 3 },
    );
    expect(Math.abs(one - two)).toBeLessThan(1e-15);
  });

  it("is a norm: symmetric, with the triangle inequality, and falls with j where k(0) does", async () => {
    const number = fc.integer({ min: -30, max: 30 }).map((k) => k / 8);
    const law = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 5 }).map((rows) => points(rows));
    await fc.assert(
      fc.asyncProperty(law, law, law, fc.constantFrom(1.01, 1.5, 2, 3.7), async (a, b, c, order) => {
        const norm = (x: Measure, y: Measure) => negativeSobolev(x, y, { order });
        const [ab, bc, ac] = [await norm(a, b), await norm(b, c), await norm(a, c)];
        // round-off of 10^−16 in the square is 10^−8 in a norm that is 0
        expect(ac).toBeLessThan(ab + bc + 1e-7);
        expect(Math.abs(ab - (await norm(b, a)))).toBeLessThan(1e-7);
        expect(await norm(a, a)).toBe(0);
        expect(await negativeSobolev(a, b, { order: order + 1 })).toBeLessThan(ab + 1e-7);
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});

describe("fluctuations", () => {
  const dipole = (x: number, b: number) =>
    fluctuation({ base: points([[x]]), weights: new Float64Array(1), displacements: Float64Array.of(b) });

  it("a dipole in D = 1, j = 2: ‖b δ'‖² = b² (1/2π) ∫ ξ²/(1 + ξ²)² dξ = b²/4", async () => {
    expect(await negativeSobolev(dipole(0.7, 3), null, { order: 2 })).toBeCloseTo(1.5, 14);
  });

  // ‖δ'_0 − δ'_r‖² = −2 (k''(0) − k''(r)) with k = (1 + r) e^−r/4, k'' = (r − 1) e^−r/4
  it("two dipoles in D = 1, j = 2", async () => {
    const norm = await negativeSobolev(dipole(0, 1), dipole(0.6, 1), { order: 2 });
    expect(norm * norm).toBeCloseTo((1 + (0.6 - 1) * Math.exp(-0.6)) / 2, 14);
  });

  it("weights and dipoles together, in Fourier space, D = 1, j = 3.5", async () => {
    const base = points([[-0.5], [0.4], [1.7]], [0.2, 0.5, 0.3]);
    const omega = [0.7, -1.1, 0.3];
    const b = [0.9, -0.4, 1.3];
    const one = fluctuation({
      base,
      weights: Float64Array.from(omega),
      displacements: Float64Array.from(b),
    });
    // ⟨η, e^{−iξ·}⟩ = Σ (ω_i − iξ w_i b_i) e^{−iξ x_i}
    const integral = fourier((xi) => {
      let [re, im] = [0, 0];
      for (let i = 0; i < 3; i++) {
        const x = base.values[i]!;
        const p = base.weights![i]! * b[i]! * xi;
        re += omega[i]! * Math.cos(xi * x) - p * Math.sin(xi * x);
        im -= omega[i]! * Math.sin(xi * x) + p * Math.cos(xi * x);
      }
      return re * re + im * im;
    }, 3.5);
    const norm = await negativeSobolev(one, null, { order: 3.5 });
    expect(Math.abs(norm * norm - integral)).toBeLessThan(1e-10);
  });

  // (μ moved by hb) − (μ moved by −hb) over 2h tends to the dipoles: the error is h²/6 of a third derivative. In D = 3 with j = 5.5
  // third derivatives have a norm, so it falls by 4 when h is halved.
  it("difference quotients tend to it, in D = 3", async () => {
    const base = cloud(12, 3, 6);
    const one = fluctuation({ base, weights: new Float64Array(12), displacements: stream(7).normals(36) });
    const moved = (h: number): Particles => ({
      ...base,
      values: base.values.map((x, at) => x + h * one.displacements[at]!),
    });
    const error = (h: number) =>
      negativeSobolev(
        [
          { factor: 0.5 / h, measure: moved(h) },
          { factor: -0.5 / h, measure: moved(-h) },
        ],
        one,
        { order: 5.5 },
      );
    const whole = await negativeSobolev(one, null, { order: 5.5 });
    const errors = [await error(0.08), await error(0.04), await error(0.02)];
    expect(errors[2]! / whole).toBeLessThan(2e-3);
    expect(Math.log2(errors[0]! / errors[1]!)).toBeCloseTo(2, 1);
    expect(Math.log2(errors[1]! / errors[2]!)).toBeCloseTo(2, 1);
  });

  it("an expression of a network: √n (μ^n − μ⁰) against η, by the expanded square", async () => {
    const [limit, network] = [cloud(40, 2, 8), cloud(25, 2, 9)];
    const one = eta(limit, 10);
    const difference = [
      { factor: 5, measure: network },
      { factor: -5, measure: limit },
    ];
    const order = 3.5;
    const norm = async (x: typeof difference | Fluctuation, y: Fluctuation | null) =>
      (await negativeSobolev(x, y, { order })) ** 2;
    const minus = { ...one, weights: one.weights.map((w) => -w), displacements: one.displacements.map((b) => -b) };
    // |a − b|² + |a + b|² = 2|a|² + 2|b|²
    const left = (await norm(difference, one)) + (await norm(difference, minus));
    const right = 2 * (await norm(difference, null)) + 2 * (await norm(one, null));
    expect(Math.abs(left / right - 1)).toBeLessThan(1e-13);
    expect(await negativeSobolev(one, one, { order })).toBe(0);
  });

  it("is equal by whichever of two lists comes first, in points and dipoles", async () => {
    const [a, b] = [eta(cloud(600, 2, 11), 12), eta(cloud(700, 2, 13), 14)];
    const there = await negativeSobolev(a, b, { order: 2.5 });
    // sums of 10^6 terms in another order
    expect(Math.abs((await negativeSobolev(b, a, { order: 2.5 })) / there - 1)).toBeLessThan(1e-12);
  });

  it("without displacements j > D/2 is enough; with any it is j > D/2 + 1", async () => {
    const base = cloud(4, 2, 15);
    const still = fluctuation({ base, weights: stream(16).normals(4), displacements: new Float64Array(8) });
    expect(await negativeSobolev(still, null, { order: 1.5 })).toBeGreaterThan(0);
    await expect(negativeSobolev(eta(base, 17), null, { order: 2 })).rejects.toThrow(/order.*above 2.*displacements/);
    expect(await negativeSobolev(eta(base, 17), null, { order: 2.01 })).toBeGreaterThan(0);
  });

  it("points of weight 0 in the base carry weights, and their displacements count for nothing", async () => {
    const base = points([[0], [1]], [1, 0]);
    const [x, y] = [5, -3].map((b) =>
      fluctuation({ base, weights: Float64Array.of(1, -1), displacements: Float64Array.of(0, b) }),
    );
    const norm = await negativeSobolev(x!, null, { order: 1 });
    expect(await negativeSobolev(y!, null, { order: 1 })).toBe(norm);
    expect(norm).toBeCloseTo(Math.sqrt(1 - Math.exp(-1)), 14);
  });
});

// Mass at the middle of a cell in place of mass spread over it: h²/24 of a second derivative, as long as j > D/2 + 2.
it("a grid is its middles: its error to the density falls like h²", async () => {
  const density = (x: number) => Math.exp((-x * x) / 2);
  const normal = (cells: number) => {
    const edges = Float64Array.from({ length: cells + 1 }, (_, i) => -8 + (16 * i) / cells);
    const h = 16 / cells;
    // Simpson's rule in a cell: h^5 beside h²
    const masses = edges.subarray(1).map((e) => (h / 6) * (density(e) + 4 * density(e - h / 2) + density(e - h)));
    return grid({ coordinates: "theta", edges: [edges], masses });
  };
  // ‖N(0,1)‖² = (1/2π) ∫ e^{−ξ²} (1 + ξ²)^−3 dξ
  const exact = fourier((xi) => Math.exp(-xi * xi), 3);
  const errors: number[] = [];
  for (const cells of [32, 64, 128]) {
    errors.push((await negativeSobolev(normal(cells), null, { order: 3 })) ** 2 - exact);
  }
  expect(Math.log2(errors[0]! / errors[1]!)).toBeCloseTo(2, 1);
  expect(Math.log2(errors[1]! / errors[2]!)).toBeCloseTo(2, 1);
});

describe("wrong input is a SpecError", () => {
  const a = cloud(3, 2, 20);
  const broken = (part: object) => ({ ...a, ...part }) as Measure;
  it.each([
    ["a", null, 2, "a"],
    ["a", "particles", 2, "a"],
    ["a.kind", { kind: "network" }, 2, "a"],
    ["a.values[4]", broken({ values: a.values.map((x, i) => (i === 4 ? Number.NaN : x)) }), 2, "a.values[4]"],
    ["a.values", broken({ values: new Float64Array(5) }), 2, "a.values"],
    ["a too large coordinate", broken({ values: a.values.map(() => 1e151) }), 2, "a.values[0]"],
    ["no points", broken({ shape: [0, 2], values: new Float64Array(0) }), 2, "a.shape"],
    ["a negative weight", broken({ weights: Float64Array.of(1, -1, 1) }), 2, "a.weights[1]"],
    ["an empty sum", [], 2, "a"],
    ["a factor", [{ factor: Infinity, measure: a }], 2, "a[0].factor"],
    ["a term", [{ factor: 1, measure: a }, null], 2, "a[1].factor"],
    [
      "a term of another dimension",
      [
        { factor: 1, measure: a },
        { factor: 1, measure: cloud(2, 3, 1) },
      ],
      2,
      "a[1].measure.shape",
    ],
    ["radii", broken({ coordinates: "radial" }), 2, "b.coordinates"],
    ["an order of D/2", a, 1, "order"],
    ["an order that is NaN", a, Number.NaN, "order"],
    ["an infinite order", a, Infinity, "order"],
    ["no order", a, undefined, "order"],
    ["a fluctuation without weights", { ...eta(a, 1), weights: undefined }, 4, "a.weights"],
    ["a fluctuation of radii", { ...eta(a, 1), base: broken({ coordinates: "radial" }) }, 4, "a.base"],
    [
      "a fluctuation with a broken base",
      { ...eta(a, 1), base: broken({ weights: new Float64Array(3) }) },
      4,
      "a.base.weights",
    ],
  ])("%s", async (_, first, order, path) => {
    const error = await negativeSobolev(first as never, cloud(3, 2, 21), { order: order as number }).catch((e) => e);
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  it("no options, and a dimension at which the norm is lost", async () => {
    await expect(negativeSobolev(a, null, undefined as never)).rejects.toThrow(SpecError);
    await expect(negativeSobolev(cloud(2, 600, 1), null, { order: 301 })).rejects.toThrow(/order/);
    expect(await negativeSobolev(cloud(2, 100, 1), null, { order: 51 })).toBeGreaterThan(0);
  });
});

it("stops when asked to", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  const work = negativeSobolev(cloud(20000, 2, 1), null, { order: 2, signal: controller.signal });
  await expect(work).rejects.toBe(reason);
});
