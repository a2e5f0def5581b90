// The examples that the kernels draw have the laws that the specifications name; starts too.
//
// Each statistical check is a z-test or χ²-test at level 1e-4 with the seeds given here; there are about eighty of them, so
// on new streams the chance of any false alarm is below 1 %.

import { describe, expect, it } from "vitest";
import {
  affine,
  anisotropicGaussians,
  type Backend,
  dataset,
  densityStart,
  gaussian,
  type Law,
  loadEngine,
  mixture,
  parseProblem,
  particles,
  radii,
  relu,
  ridge,
  type Start,
  tanh,
  teacher,
} from "../../src/index";
import { writeLaw } from "../../src/model/blocks";
import { gaussianComponents, lawDimension, rotationMatrix, teacherNetwork } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";

/** Two-sided normal quantile of level 1e-4. */
const Z = 3.891;

async function examples(law: Law, n: number, backend: Backend = "simd", replacement = true) {
  const engine = await loadEngine({ backend });
  const memory = engine.memory();
  const d = lawDimension(law);
  const block = writeLaw(memory, { law }, replacement);
  const at = memory.reserve("f64", d);
  const label = memory.reserve("f64", 1);
  const x = new Float64Array(n * d);
  const y = new Float64Array(n);
  for (let e = 0; e < n; e++) {
    engine.kernels.example_f64(block, at, label, 12, 0, 3, e);
    y[e] = memory.f64(label, 1)[0]!;
    x.set(memory.f64(at, d), e * d);
  }
  memory.free();
  return { x, y, d };
}

const laws: [string, Law][] = [
  ["anisotropic Gaussians", anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.6 })],
  ["rotated ones", anisotropicGaussians({ dimension: 4, signal: 1, delta: 0.9, rotation: { seed: 3 } })],
  [
    "a mixture",
    mixture([
      {
        weight: 1,
        mean: [1, -2],
        covariance: [
          [2, 0.7],
          [0.7, 0.5],
        ],
        label: 0.5,
      },
      {
        weight: 4,
        mean: [-1, 0],
        covariance: [
          [1, 0],
          [0, 0],
        ],
        label: -2,
      },
    ]),
  ],
];

describe("examples", () => {
  it.each(laws)("of %s have the weights, means and covariances of their components", async (_, law) => {
    const n = 40_000;
    const { x, y, d } = await examples(law, n);
    for (const { weight, label, mean, diagonal, factor } of gaussianComponents(law)) {
      const mine = Array.from(y.keys()).filter((e) => y[e] === label);
      const share = mine.length / n;
      expect(Math.abs(share - weight)).toBeLessThan(Z * Math.sqrt((weight * (1 - weight)) / n));
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          let covariance = 0;
          for (let k = 0; k < d; k++) {
            const entry = (row: number) => (factor ? factor[row * d + k]! : row === k ? diagonal![row]! : 0);
            covariance += entry(i) * entry(j);
          }
          const products = mine.map((e) => (x[e * d + i]! - (mean?.[i] ?? 0)) * (x[e * d + j]! - (mean?.[j] ?? 0)));
          zTest(products, covariance);
        }
        zTest(
          mine.map((e) => x[e * d + i]!),
          mean?.[i] ?? 0,
        );
      }
    }
  });

  it("of a teacher carry its labels, and its noise", async () => {
    const quiet = teacher({ dimension: 3, neurons: 5, activation: tanh(), noise: 0, seed: 8 });
    const { a, w } = teacherNetwork(quiet);
    const { x, y } = await examples(quiet, 50);
    for (let e = 0; e < 50; e++) {
      let f = 0;
      for (let j = 0; j < 5; j++) {
        let h = 0;
        for (let k = 0; k < 3; k++) h += w[j * 3 + k]! * x[e * 3 + k]!;
        f += (a[j]! * Math.tanh(h)) / 5;
      }
      expect(y[e]).toBeCloseTo(f, 14);
    }
    const loud = await examples({ ...quiet, noise: 0.5 } as Law, 20_000);
    const still = await examples(quiet, 20_000);
    const noise = Array.from(loud.y, (value, e) => (value - still.y[e]!) ** 2);
    expect(loud.x).toEqual(still.x);
    zTest(noise, 0.25);
  });

  it("of a finite law come with their weights", async () => {
    const weights = [1, 2, 3, 4];
    const law = dataset({ x: [[0], [1], [2], [3]], y: [0, 1, 2, 3], weights });
    const n = 20_000;
    const { x, y } = await examples(law, n);
    expect(x).toEqual(y);
    const statistic = weights.reduce((sum, weight, q) => {
      const count = y.filter((value) => value === q).length;
      const expected = (n * weight) / 10;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    expect(statistic).toBeLessThan(21.11); // χ² with 3 degrees of freedom, level 1e-4
  });

  it("without replacement come once an epoch, in a new order each time, in both builds alike", async () => {
    const n = 17;
    const law = dataset({ x: Array.from({ length: n }, (_, q) => [q]), y: new Float64Array(n) });
    const { x } = await examples(law, 5 * n, "simd", false);
    const orders = Array.from({ length: 5 }, (_, p) => Array.from(x.slice(p * n, (p + 1) * n)));
    for (const order of orders)
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, q) => q));
    expect(new Set(orders.map(String)).size).toBe(5);
    expect((await examples(law, 5 * n, "js", false)).x).toEqual(x);
  });

  it.each([
    ...laws,
    ["a teacher", teacher({ dimension: 3, neurons: 3, activation: relu(), noise: 0.1, seed: 2 })] as [string, Law],
  ])("of %s are the same bits in the plain build", async (_, law) => {
    const [a, b] = await Promise.all([examples(law, 40), examples(law, 40, "js")]);
    expect(b).toEqual(a);
  });
});

describe("starts", () => {
  const law = anisotropicGaussians({ dimension: 6, signal: 2, delta: 0.5, rotation: { seed: 4 } });
  const q = rotationMatrix(6, 4);
  const n = 20_000;
  const draw = (start: Start, unit = ridge(tanh()), other: { law: Law } = { law }) =>
    startParticles(parseProblem({ ...other, unit, start }), n, { seed: 6, replica: 0 });

  it("gaussian: E w wᵀ = κ²/d I", () => {
    const theta = draw(gaussian({ radius: 0.8 }));
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j <= i; j++) {
        zTest(
          Array.from({ length: n }, (_, k) => theta[6 * k + i]! * theta[6 * k + j]!),
          i === j ? 0.64 / 6 : 0,
        );
      }
    }
  });

  it("radii: |P w| and |w − P w| have their laws, and directions are uniform, under the law's rotation", () => {
    const theta = draw(radii({ r1: { from: 1, to: 3 }, r2: 2 }));
    const radiiOf = Array.from({ length: n }, (_, k) => {
      const z = Array.from({ length: 6 }, (_, j) => {
        let sum = 0;
        for (let i = 0; i < 6; i++) sum += q[i * 6 + j]! * theta[6 * k + i]!;
        return sum;
      });
      return { r1: Math.hypot(z[0]!, z[1]!), r2: Math.hypot(...z.slice(2)), cosine: z[0]! };
    });
    for (const { r2 } of radiiOf) expect(r2).toBeCloseTo(2, 12);
    zTest(
      radiiOf.map(({ r1 }) => r1),
      2,
    );
    zTest(
      radiiOf.map(({ r1 }) => (r1 - 2) ** 2),
      1 / 3,
    );
    zTest(
      radiiOf.map(({ cosine }) => cosine),
      0,
    );
    // E z_1² = E r1²/2 for a uniform direction in the plane
    zTest(
      radiiOf.map(({ cosine }) => cosine * cosine),
      (4 + 1 / 3) / 2,
    );
  });

  it("a and b: numbers as they are, normal laws with their moments, independent of w", () => {
    const theta = draw(gaussian({ radius: 1, a: -1, b: { mean: 0.5, deviation: 0.3 } }), affine(tanh()));
    const column = (j: number) => Array.from({ length: n }, (_, k) => theta[8 * k + j]!);
    expect(column(0).every((a) => a === -1)).toBe(true);
    zTest(column(1), 0.5);
    zTest(
      column(1).map((b) => (b - 0.5) ** 2),
      0.09,
    );
    const w = column(2);
    zTest(
      column(1).map((b, k) => (b - 0.5) * w[k]!),
      0,
    );
  });

  it("normal: each w_j and each a_k of several outputs has its mean and variance, and no two go together", () => {
    const spread = { mean: 0.4, deviation: 0.5 };
    const theta = draw(gaussian({ w: spread, a: { mean: -1, deviation: 2 } }), affine(tanh(), { outputs: 2 }), {
      law: dataset({ x: [[1, 0]], y: [[1, 0]] }),
    });
    const column = (j: number) => Array.from({ length: n }, (_, k) => theta[5 * k + j]!);
    const centred = [
      ...[0, 1].map((j) => column(j).map((a) => (a + 1) / 2)),
      ...[3, 4].map((j) => column(j).map((w) => (w - 0.4) / 0.5)),
    ];
    expect(column(2).every((b) => b === 0)).toBe(true);
    centred.forEach((one, i) => {
      zTest(one, 0);
      centred.slice(0, i + 1).forEach((other, j) => {
        const products = one.map((x, k) => x * other[k]!);
        zTest(products, i === j ? 1 : 0);
      });
    });
  });

  it("a density in one parameter: its distribution function, by Kolmogorov's test", () => {
    // cells of 0.1, 0.6, 0 and 0.3
    const edges = [-1, -0.5, 0.25, 1, 3];
    const masses = [0.1, 0.6, 0, 0.3];
    const line = dataset({ x: [[1]], y: [1] });
    const theta = draw(densityStart({ edges: [edges], masses }), ridge(tanh()), { law: line });
    kolmogorov(theta, edges, masses);
    expect(theta.some((x) => x > 0.25 && x < 1)).toBe(false);
  });

  it("a density in two parameters: its marginals by Kolmogorov's test, its cells by χ²", () => {
    const edges = [
      [0, 1, 3, 4],
      [-2, 0, 0.5],
    ];
    const masses = [0.05, 0.15, 0.4, 0.1, 0.2, 0.1];
    const plane = dataset({ x: [[1, 0]], y: [1] });
    const start = densityStart({ edges, masses });
    const theta = draw(start, ridge(tanh()), { law: plane });
    const column = (j: number) => Array.from({ length: n }, (_, k) => theta[2 * k + j]!);
    const [first, second] = [column(0), column(1)];
    kolmogorov(first, edges[0]!, [0.2, 0.5, 0.3]);
    kolmogorov(second, edges[1]!, [0.65, 0.35]);
    const cellOf = (x: number, axis: number[]) => axis.findLastIndex((edge) => edge <= x);
    const counts = new Float64Array(6);
    const inner: number[] = [];
    first.forEach((x, k) => {
      const [i, j] = [cellOf(x, edges[0]!), cellOf(second[k]!, edges[1]!)];
      counts[2 * i + j]! += 1;
      // the places within cell (1, 0), which is [1, 3] × [−2, 0]
      if (i === 1 && j === 0) inner.push((x - 2) * (second[k]! + 1));
    });
    const statistic = masses.reduce((sum, mass, cell) => sum + (counts[cell]! - n * mass) ** 2 / (n * mass), 0);
    expect(statistic).toBeLessThan(25.74); // χ² with 5 degrees of freedom, level 1e-4
    zTest(inner, 0);
    // particle i of N = 10 starts where particle i of N = 20,000 does
    const problem = parseProblem({ law: plane, unit: ridge(tanh()), start });
    expect(startParticles(problem, 10, { seed: 6, replica: 0 })).toEqual(theta.slice(0, 20));
    expect(startParticles(problem, 10, { seed: 6, replica: 1 })).not.toEqual(theta.slice(0, 20));
  });

  it("given particles are copied", () => {
    const theta = particles([[1, 2, 3, 4, 5, 6]]);
    const found = startParticles(parseProblem({ law, unit: ridge(tanh()), start: theta }), 1, { seed: 0, replica: 0 });
    expect(Array.from(found)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

/** A sample has the law of cells whose mass is spread evenly: Kolmogorov's test at level 1e-4, √n sup |F_n − F| < 2.2253. */
function kolmogorov(sample: ArrayLike<number>, edges: readonly number[], masses: readonly number[]): void {
  const sorted = Float64Array.from(sample).sort();
  const below = (x: number) =>
    masses.reduce((sum, mass, i) => {
      const share = (x - edges[i]!) / (edges[i + 1]! - edges[i]!);
      return sum + mass * Math.min(1, Math.max(0, share));
    }, 0);
  let worst = 0;
  sorted.forEach((x, k) => {
    const F = below(x);
    worst = Math.max(worst, F - k / sorted.length, (k + 1) / sorted.length - F);
  });
  expect(Math.sqrt(sorted.length) * worst).toBeLessThan(2.2253);
}

/** The mean of a sample is `expected`, at level 1e-4; a sample with no spread must be there exactly. */
function zTest(sample: number[], expected: number): void {
  const n = sample.length;
  const mean = sample.reduce((a, b) => a + b, 0) / n;
  const variance = sample.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1);
  expect(Math.abs(mean - expected)).toBeLessThanOrEqual(Z * Math.sqrt(variance / n) + 1e-12);
}
