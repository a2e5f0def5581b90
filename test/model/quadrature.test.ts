// Finite laws in place of sampled ones: exactness of the product rules, Sobol's points against SciPy's and their own nets,
// and the rate at which scrambled points converge.

import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { activationFunctions, relu, tanh } from "../../src/model/activation";
import { gaussHermite, gaussLegendre } from "../../src/model/gauss";
import {
  anisotropicGaussians,
  type Dataset,
  dataset,
  gaussianComponents,
  type Law,
  lawDimension,
  mixture,
  noExamples,
  teacher,
  teacherNetwork,
} from "../../src/model/law";
import { populationField } from "../../src/model/population";
import { quadrature } from "../../src/model/quadrature";
import { sobolNormals, sobolWords } from "../../src/model/sobol";
import { affine } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import reference from "../reference/sobol.json";

const mixed = mixture([
  {
    weight: 1,
    mean: [0.5, -0.2],
    covariance: [
      [1, 0.4],
      [0.4, 0.8],
    ],
    label: 1,
  },
  {
    weight: 3,
    mean: [-1, 0.3],
    covariance: [
      [0.5, -0.1],
      [-0.1, 0.3],
    ],
    label: -2,
  },
]);

/** E F(x, y) of a finite law. */
function mean({ x, y, weights }: Dataset, F: (x: Float64Array, y: number) => number): number {
  const [n, d] = x.shape as [number, number];
  let sum = 0;
  for (let q = 0; q < n; q++) {
    sum += (weights ? weights.data[q]! : 1 / n) * F(x.data.subarray(q * d, (q + 1) * d), y.data[q]!);
  }
  return sum;
}

/** E (y − f) ∇σ* over the atoms of a finite law, in plain sums: the full gradient of an affine tanh network. */
function fullVelocity(law: Dataset, theta: Float64Array, n: number): Float64Array {
  const d = lawDimension(law);
  const D = d + 2;
  const { value, derivative } = activationFunctions(tanh());
  const out = new Float64Array(n * D);
  const inner = (i: number, x: Float64Array) => {
    let h = theta[i * D + 1]!;
    for (let k = 0; k < d; k++) h += theta[i * D + 2 + k]! * x[k]!;
    return h;
  };
  for (let at = 0; at < n * D; at++) {
    const [i, k] = [Math.floor(at / D), at % D];
    out[at] = mean(law, (x, y) => {
      let f = 0;
      for (let j = 0; j < n; j++) f += (theta[j * D]! * value(inner(j, x))) / n;
      const slope = theta[i * D]! * derivative(inner(i, x));
      return (y - f) * (k === 0 ? value(inner(i, x)) : k === 1 ? slope : slope * x[k - 2]!);
    });
  }
  return out;
}

describe("Gauss rules", () => {
  test("Hermite's is exact to degree 2n − 1, symmetric, and has masses that sum to 1", () => {
    for (const n of [1, 2, 3, 5, 12, 32, 64, 200]) {
      const { nodes, weights } = gaussHermite(n);
      // E G^p = (p − 1)!!; beyond 40 the numbers only lose digits
      let moment = 1;
      for (let p = 0; p <= Math.min(2 * n - 1, 40); p += 2) {
        if (p > 0) moment *= p - 1;
        const sum = nodes.reduce((total, x, i) => total + weights[i]! * x ** p, 0);
        expect(Math.abs(sum / moment - 1)).toBeLessThan(2e-13);
      }
      for (let i = 0; i < n; i++) {
        expect(nodes[i]! + nodes[n - 1 - i]!).toBe(0);
        if (i > 0) expect(nodes[i]!).toBeGreaterThan(nodes[i - 1]!);
      }
    }
    // degree 2n is the first that it misses: by n! for He_n²
    const { nodes, weights } = gaussHermite(3);
    const sum = nodes.reduce((total, x, i) => total + weights[i]! * x ** 6, 0);
    expect(sum).toBeCloseTo(15 - 6, 12);
  });

  test("Legendre's is exact to degree 2n − 1 on [0, 1]", () => {
    for (const n of [1, 4, 10, 15]) {
      const { nodes, weights } = gaussLegendre(n);
      for (let p = 0; p < 2 * n; p++) {
        const sum = nodes.reduce((total, x, i) => total + weights[i]! * x ** p, 0);
        expect(Math.abs(sum * (p + 1) - 1)).toBeLessThan(1e-14);
      }
    }
  });
});

describe("product rules", () => {
  test("have the moments of a mixture, and its labels their probabilities", () => {
    const law = quadrature(mixed, { points: 4, rule: "gauss" });
    expect(law.x.shape).toEqual([32, 2]);
    expect(mean(law, () => 1)).toBeCloseTo(1, 14);
    expect(mean(law, (_, y) => (y === 1 ? 1 : 0))).toBeCloseTo(0.25, 14);
    // E y x1 x2, E x1² x2 by Isserlis: component by component m1 m2 + c12, and m1² m2 + c11 m2 + 2 c12 m1
    const [one, two] = [
      [0.5, -0.2, 1, 0.4],
      [-1, 0.3, 0.5, -0.1],
    ] as const;
    const product = ([m1, m2, , c12]: readonly number[]) => m1! * m2! + c12!;
    const cube = ([m1, m2, c11, c12]: readonly number[]) => m1! * m1! * m2! + c11! * m2! + 2 * c12! * m1!;
    expect(mean(law, (x, y) => y * x[0]! * x[1]!)).toBeCloseTo(0.25 * product(one) - 2 * 0.75 * product(two), 13);
    expect(mean(law, (x) => x[0]! * x[0]! * x[1]!)).toBeCloseTo(0.25 * cube(one) + 0.75 * cube(two), 13);
  });

  test("carry the rotation of anisotropic Gaussians", () => {
    const law = anisotropicGaussians({ dimension: 3, signal: 1, delta: 0.5, rotation: { seed: 2 } });
    const finite = quadrature(law, { points: 3, rule: "gauss" });
    for (const { label, factor } of gaussianComponents(law)) {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          let covariance = 0;
          for (let k = 0; k < 3; k++) covariance += factor![i * 3 + k]! * factor![j * 3 + k]!;
          const found = 2 * mean(finite, (x, y) => (y === label ? x[i]! * x[j]! : 0));
          expect(found).toBeCloseTo(covariance, 13);
        }
      }
    }
  });

  // tanh has its poles at a distance of π/2: n points leave e^{−(π/s) √n} of σ(s g), s at most 1 here
  test("give the population gradient", () => {
    for (const law of [
      mixed,
      teacher({ dimension: 2, neurons: 3, activation: tanh(), noise: 0.7, seed: 4 }),
    ] as Law[]) {
      const n = 3;
      const theta = Float64Array.of(1, 0.2, 0.3, -0.4, -0.5, 0.1, 0.6, 0.2, 2, -0.3, -0.5, 0.5);
      const exact = new Float64Array(theta.length);
      populationField({ law, unit: affine(tanh()) }).velocity(theta, n, exact);
      const finite = fullVelocity(quadrature(law, { points: 96, rule: "gauss" }), theta, n);
      for (let at = 0; at < theta.length; at++) expect(Math.abs(finite[at]! - exact[at]!)).toBeLessThan(1e-10);
    }
  });

  test("label a teacher's points without noise", () => {
    const law = teacher({ dimension: 2, neurons: 5, activation: relu(), noise: 3, seed: 1 });
    const { a, w } = teacherNetwork(law);
    const finite = quadrature(law, { points: 3, rule: "gauss" });
    for (let q = 0; q < 9; q++) {
      let y = 0;
      for (let j = 0; j < 5; j++) {
        y += a[j]! * Math.max(0, w[2 * j]! * finite.x.data[2 * q]! + w[2 * j + 1]! * finite.x.data[2 * q + 1]!);
      }
      expect(finite.y.data[q]).toBeCloseTo(y / 5, 14);
    }
  });
});

describe("Sobol's points", () => {
  test("are those of SciPy", () => {
    const found = sobolWords(16, 512, null);
    for (const [dimension, words] of Object.entries(reference.points)) {
      expect(words.map((_, n) => found[n * 512 + Number(dimension) - 1])).toEqual(words);
    }
  });

  test("have SciPy's direction numbers in all 512 dimensions", () => {
    const points = sobolWords(4096, 512, null);
    const sums = new Uint32Array(512);
    for (let n = 0; n < 4096; n++) {
      for (let j = 0; j < 512; j++) sums[j]! += Math.imul(2 * n + 1, points[n * 512 + j]!);
    }
    expect(Array.from(sums)).toEqual(reference.sums);
  });

  test("scrambled or not, 2^m of them lie one in each interval of length 2^−m, in every dimension", () => {
    for (const key of [null, { seed: 5, purpose: 0 }]) {
      const points = sobolWords(64, 512, key);
      for (let j = 0; j < 512; j++) {
        const cells = new Set(Array.from({ length: 64 }, (_, n) => points[n * 512 + j]! >>> 26));
        expect(cells.size).toBe(64);
      }
      // the first two dimensions are a (0, m, 2)-net: one point in each elementary rectangle
      for (let split = 0; split <= 6; split++) {
        const boxes = new Set<number>();
        for (let n = 0; n < 64; n++) {
          const high = split === 0 ? 0 : points[n * 512]! >>> (32 - split);
          const low = split === 6 ? 0 : points[n * 512 + 1]! >>> (26 + split);
          boxes.add(high * 64 + low);
        }
        expect(boxes.size).toBe(64);
      }
    }
  });

  test("depend on the seed, and on nothing else", () => {
    const one = sobolNormals(32, 3, { seed: 1, purpose: 0 });
    expect(sobolNormals(32, 3, { seed: 1, purpose: 0 })).toEqual(one);
    expect(sobolNormals(64, 3, { seed: 1, purpose: 0 }).slice(0, 96)).toEqual(one);
    const other = sobolNormals(32, 3, { seed: 2, purpose: 0 });
    expect(other.some((x, i) => x === one[i])).toBe(false);
    // dimension j of 5 is dimension j of 3
    const wide = sobolNormals(32, 5, { seed: 1, purpose: 0 });
    for (let n = 0; n < 32; n++) expect(wide[n * 5 + 2]).toBe(one[n * 3 + 2]);
  });

  // Each point is uniform on its own: 2000 scramblings of one point, 10 cells. χ²_9 exceeds 33.7 once in 10^4.
  test("are uniform one by one", () => {
    const counts = new Float64Array(10);
    for (let seed = 0; seed < 2000; seed++) {
      const points = sobolWords(4, 2, { seed, purpose: 3 });
      counts[Math.floor((10 * points[7]!) / 2 ** 32)]!++;
    }
    const chi = counts.reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chi).toBeLessThan(33.7);
  });
});

describe("Sobol rules", () => {
  const d = 2;
  const law = anisotropicGaussians({ dimension: d, signal: 1, delta: 0.5 });

  const slope = (sizes: number[], errors: number[]) => {
    const [x, y] = [sizes, errors].map((list) => list.map((v) => Math.log(v))) as [number[], number[]];
    const middle = (list: number[]) => list.reduce((sum, v) => sum + v, 0) / list.length;
    const [mx, my] = [middle(x), middle(y)];
    const products = x.map((v, i) => (v - mx) * (y[i]! - my));
    return middle(products) / middle(x.map((v) => (v - mx) ** 2));
  };

  // Owen: N^{−3/2} for a smooth function of the uniforms. Measured −1.4, SciPy's own points −1.4; unscrambled nets have −1.
  test("converge like N^−3/2 for a smooth function of the uniforms", () => {
    const sizes = [16, 64, 256, 1024, 4096];
    const errors = sizes.map((N) => {
      let sum = 0;
      for (let seed = 0; seed < 40; seed++) {
        const words = sobolWords(N, 3, { seed, purpose: 0 });
        let total = 0;
        for (let n = 0; n < N; n++) {
          total += Math.exp((words[3 * n]! + words[3 * n + 1]! + words[3 * n + 2]! + 1.5) / 2 ** 32) / N;
        }
        sum += (total / (Math.E - 1) ** 3 - 1) ** 2;
      }
      return Math.sqrt(sum / 40);
    });
    expect(slope(sizes, errors)).toBeLessThan(-1.2);
  });

  // Normals are unbounded in the uniforms, which costs half an order: N^{−1}. Measured −1.07 and, of a sample, −0.5; with 8
  // seeds of 12 components a slope over a factor 64 is known to about 0.07.
  test("give the population gradient like 1/N, a sample like 1/√N", () => {
    const n = 3;
    const theta = stream(11)
      .normals(n * (d + 2))
      .map((x) => 0.8 * x); // prettier-ignore
    const exact = new Float64Array(theta.length);
    populationField({ law, unit: affine(tanh()) }).velocity(theta, n, exact);
    const sizes = [64, 256, 1024, 4096];
    const errors = (rule: (seed: number, points: number) => Dataset) =>
      sizes.map((points) => {
        let sum = 0;
        for (let seed = 0; seed < 8; seed++) {
          const found = fullVelocity(rule(seed, points), theta, n);
          for (let at = 0; at < theta.length; at++) sum += (found[at]! - exact[at]!) ** 2;
        }
        return Math.sqrt(sum / (8 * theta.length));
      });
    const sobol = errors((seed, points) => quadrature(law, { points, rule: "sobol", seed }));
    const sample = errors((seed, points) => {
      const g = stream(seed, { purpose: 1 }).normals(points * d);
      const rows = gaussianComponents(law).flatMap(({ label, diagonal }) =>
        Array.from({ length: points }, (_, q) => ({
          label,
          x: [diagonal![0]! * g[2 * q]!, diagonal![1]! * g[2 * q + 1]!],
        })),
      );
      return dataset({ x: rows.map(({ x }) => x), y: rows.map(({ label }) => label) });
    });
    expect(slope(sizes, sobol)).toBeLessThan(-0.85);
    expect(slope(sizes, sample)).toBeGreaterThan(-0.75);
    expect(slope(sizes, sample)).toBeLessThan(-0.25);
    expect(10 * sobol[3]!).toBeLessThan(sample[3]!);
  });

  test("give every component all points, with equal masses and exact probabilities", () => {
    const finite = quadrature(law, { points: 128, rule: "sobol", seed: 3 });
    expect(finite.x.shape).toEqual([256, d]);
    expect(finite.weights).toBeNull();
    expect(mean(finite, (_, y) => y)).toBe(0);
    const [plus, minus] = gaussianComponents(law);
    for (let k = 0; k < d; k++) {
      expect(finite.x.data[k]! / plus!.diagonal![k]!).toBeCloseTo(finite.x.data[d + k]! / minus!.diagonal![k]!, 14);
    }
  });

  test("reach dimension 320", () => {
    const wide = anisotropicGaussians({ dimension: 320, signal: 60, delta: 0.5 });
    const finite = quadrature(wide, { points: 256, rule: "sobol" });
    // E x_k² of the last coordinate, 256 points of a (0, 8, 1)-net: its error is of order 1/N, below 0.05
    expect(mean(finite, (x) => x[319]! * x[319]!)).toBeCloseTo(1, 1);
  });
});

describe("what cannot be done", () => {
  const failure = (law: Law, options: Parameters<typeof quadrature>[1]) => {
    try {
      quadrature(law, options);
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      return error as SpecError;
    }
    throw new Error("no error was thrown");
  };
  const wide = anisotropicGaussians({ dimension: 40, delta: 0.5 });

  test("a product rule in too many dimensions names Sobol's points", () => {
    const error = failure(wide, { points: 2, rule: "gauss" });
    expect(error.path).toBe("options.points");
    expect(error.message).toMatch(/"sobol"/);
    // one point is always possible
    expect(quadrature(wide, { points: 1, rule: "gauss" }).x.shape).toEqual([2, 40]);
  });

  test("laws without examples or finite already, and wrong options, are named", () => {
    expect(
      failure(anisotropicGaussians({ dimension: "infinite", delta: 0.5 }), { points: 4, rule: "sobol" }).path,
    ).toBe("law.dimension");
    expect(failure(noExamples(3), { points: 4, rule: "sobol" }).path).toBe("law.kind");
    expect(failure(dataset({ x: [[1]], y: [1] }), { points: 4, rule: "gauss" }).path).toBe("law.kind");
    expect(failure(wide, { points: 2 ** 20, rule: "sobol" }).path).toBe("options.points");
    expect(failure(wide, { points: 0, rule: "sobol" }).path).toBe("options.points");
    expect(failure(mixed, { points: 300, rule: "gauss" }).path).toBe("options.points");
    expect(failure(mixed, { points: 4, rule: "simpson" as "gauss" }).path).toBe("options.rule");
    expect(failure(mixed, { points: 4, rule: "sobol", seed: -1 }).path).toBe("options.seed");
    expect(failure(anisotropicGaussians({ dimension: 513, delta: 0.5 }), { points: 4, rule: "sobol" }).path).toBe(
      "law.dimension",
    );
  });
});
