// δF/δm and D_mF against differences of F itself, which another path computes: the losses of predictions on finite laws, Mehler's
// series of the risk on Gaussian ones.
//
// Differences are central and extrapolated four times (error O(h^8)); what remains is the round-off of F over the smallest step,
// 1e-13 of its size at most on finite laws, and the 1e-12 to which the series are cut over it on Gaussian ones, below 1e-9.
// Not covered: units with kinks, whose F has no expansion in h where an example meets a kink.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  affine,
  anisotropicGaussians,
  cosine,
  dataset,
  densityStart,
  energyOf,
  erf,
  type FeatureFunctional,
  type Functional,
  flatDerivative,
  gaussian,
  gradientDescent,
  gridMeasure,
  intrinsicDerivative,
  loadEngine,
  localPotential,
  type Measure,
  mixture,
  open,
  type Particles,
  type ProblemInput,
  particleMeasure,
  particles,
  potentialProblem,
  quadratic,
  ridge,
  separable,
  silu,
  softplus,
  stream,
  tanh,
  teacher,
} from "../../src/index";
import { problemEnergy } from "../../src/measure/cellEnergy";
import { cellsOf, equalEdges, finish } from "../../src/measure/cells";
import { lawDimension } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { outputsOf, parameterDimension } from "../../src/model/unit";

const TOLERANCE = 1e-8;

/** n examples in d dimensions with labels of a kind. */
function examples(n: number, d: number, K: number, labels: "values" | "signs" | "classes" | "probabilities") {
  const g = stream(11).normals(n * (d + K + 1));
  const rows = (width: number, from: number) =>
    Array.from({ length: n }, (_, q) => Array.from({ length: width }, (_, j) => g[from + q * width + j]!));
  const values = rows(K, n * d);
  const y = {
    values: () => values,
    signs: () => values.map(([t]) => (t! > 0 ? 1 : -1)),
    classes: () => values.map((row) => row.indexOf(Math.max(...row))),
    probabilities: () =>
      values.map((row) => {
        const total = row.reduce((sum, t) => sum + t * t, 0);
        return row.map((t) => (t * t) / total);
      }),
  }[labels]();
  return dataset({ x: rows(d, 0), y, weights: rows(1, n * (d + K)).map(([t]) => 0.2 + t! * t!) });
}

const start = gaussian({ w: { mean: 0.1, deviation: 0.7 } });
const affineStart = { ...start, a: { mean: 0.2, deviation: 1 }, b: { mean: 0, deviation: 0.5 } };
const mixed = mixture([
  {
    weight: 1,
    mean: [1, 0.5],
    covariance: [
      [1, 0.5],
      [0.5, 2],
    ],
    label: 1,
  },
  {
    weight: 3,
    mean: [-1, 0],
    covariance: [
      [1, 0],
      [0, 1],
    ],
    label: -0.5,
  },
]);

const problems: [string, ProblemInput][] = [
  ["ridge tanh, squared", { law: examples(70, 3, 1, "values"), unit: ridge(tanh()), start }],
  [
    "affine softplus, 2 outputs and bias, squared, separable confinement",
    {
      law: examples(20, 2, 2, "values"),
      unit: affine(softplus(), { outputs: 2, outputBias: true }),
      start: affineStart,
      confinement: separable(cosine(), { weight: 0.3 }),
    },
  ],
  [
    "affine cosine with fixed output, logistic, quadratic confinement",
    {
      law: examples(20, 3, 1, "signs"),
      unit: affine(cosine(), { trainOutput: false }),
      start: affineStart,
      loss: "logistic",
      confinement: quadratic(0.4, { center: 0.2 }),
    },
  ],
  [
    "affine silu, 3 classes and bias, cross-entropy",
    {
      law: examples(70, 2, 3, "classes"),
      unit: affine(silu(), { outputs: 3, outputBias: true }),
      start: affineStart,
      loss: "crossEntropy",
    },
  ],
  [
    "affine tanh, probabilities of 4 classes, cross-entropy, a confinement of one's own",
    {
      law: examples(15, 2, 4, "probabilities"),
      unit: affine(tanh(), { outputs: 4 }),
      start: affineStart,
      loss: "crossEntropy",
      confinement: localPotential(
        (theta) => Math.sin(theta[0]! * theta[1]!),
        (theta) => theta.map((_, j) => (j > 1 ? 0 : theta[1 - j]! * Math.cos(theta[0]! * theta[1]!))),
      ),
    },
  ],
  // one more than the examples that stand in memory at once
  ["more examples than a batch holds", { law: examples(4097, 1, 1, "values"), unit: ridge(erf()), start }],
  ["no examples", potentialProblem(quadratic(0.5), { dimension: 2, start })],
  [
    "anisotropic Gaussians, rotated, ridge erf",
    {
      law: anisotropicGaussians({ dimension: 3, signal: 2, delta: 0.6, rotation: { seed: 4 } }),
      unit: ridge(erf()),
      start,
      confinement: quadratic(0.1),
    },
  ],
  [
    "a mixture with means, affine cosine with bias",
    { law: mixed, unit: affine(cosine(), { outputBias: true }), start: affineStart },
  ],
  [
    "a teacher, affine erf",
    {
      law: teacher({ dimension: 3, neurons: 4, activation: erf(), noise: 0.3, seed: 1 }),
      unit: affine(erf()),
      start: affineStart,
    },
  ],
];

/** N weighted particles of a problem, of a seed. */
function lawOf(input: ProblemInput, N: number, seed: number): Particles {
  const { unit, law } = parseProblem(input);
  const D = parameterDimension(unit, lawDimension(law));
  const hasBias = unit.kind === "affine" && unit.outputBias;
  return particleMeasure({
    coordinates: "theta",
    shape: [N, D],
    values: stream(seed)
      .normals(N * D)
      .map((g) => 0.7 * g + 0.1),
    weights: stream(seed + 100)
      .uniforms(N)
      .map((u) => 0.1 + u),
    outputBias: hasBias ? Float64Array.from({ length: outputsOf(unit) }, (_, k) => 0.3 * (k + 1)) : null,
  });
}

const rowsOf = (law: Particles) => ({ dtype: "f64" as const, shape: [...law.shape], data: law.values });

/** (1 − t) m + t ν. */
function mixtureOf(m: Particles, nu: Particles, t: number): Particles {
  return particleMeasure({
    ...m,
    shape: [m.shape[0] + nu.shape[0], m.shape[1]],
    values: Float64Array.of(...m.values, ...nu.values),
    weights: Float64Array.of(...m.weights!.map((w) => (1 - t) * w), ...nu.weights!.map((w) => t * w)),
  });
}

/** ξ, a field that is no gradient. */
const field = (theta: Float64Array, j: number) => Math.sin(theta[(j + 1) % theta.length]! + 0.5 * j) + 0.3 * theta[j]!;

/** (id + hξ)#m. */
function pushed(m: Particles, h: number): Particles {
  const D = m.shape[1];
  const values = m.values.map(
    (x, i) => x + h * field(m.values.subarray(Math.floor(i / D) * D, (Math.floor(i / D) + 1) * D), i % D),
  );
  return { ...m, values };
}

// Central differences at h, h/2 … h/8, extrapolated: Richardson's table for an even expansion, error O(h^8).
async function derivatives(f: (t: number) => Promise<Float64Array>, h: number): Promise<Float64Array> {
  let row: Float64Array[] = [];
  for (const t of [h, h / 2, h / 4, h / 8]) {
    const [above, below] = [await f(t), await f(-t)];
    row.push(above.map((x, i) => (x - below[i]!) / (2 * t)));
  }
  for (let order = 4; row.length > 1; order *= 4) {
    row = row.slice(1).map((fine, k) => fine.map((x, i) => x + (x - row[k]![i]!) / (order - 1)));
  }
  return row[0]!;
}

async function derivative(f: (t: number) => Promise<number>, h: number): Promise<number> {
  return (await derivatives(async (t) => Float64Array.of(await f(t)), h))[0]!;
}

describe("derivatives of the energy of a problem", () => {
  it.each(problems)("%s: along a mixture, ∫ δF/δm d(ν − m)", async (_, problem) => {
    const m = lawOf(problem, 9, 1);
    const nu = lawOf(problem, 6, 2);
    const half = mixtureOf(m, nu, 0.5);
    const { values, mean } = await flatDerivative(problem, half, rowsOf(half));
    let along = 0;
    values.forEach((value, i) => {
      along += value * (i < 9 ? -m.weights![i]! : nu.weights![i - 9]!);
    });
    const expected = await derivative((t) => energyOf(problem, mixtureOf(m, nu, 0.5 + t)), 0.2);
    expect(Math.abs(along - expected)).toBeLessThan(TOLERANCE);
    // the mean is what it says it is
    const under = values.reduce((sum, value, i) => sum + value * half.weights![i]!, 0);
    expect(mean).toBeCloseTo(under, 12);
  });

  it.each(problems)("%s: along a pushforward, ∫ ⟨D_mF, ξ⟩ dm", async (_, problem) => {
    const m = lawOf(problem, 9, 3);
    const { values, shape } = await intrinsicDerivative(problem, m, rowsOf(m));
    expect(shape).toEqual(m.shape);
    const D = m.shape[1];
    let along = 0;
    values.forEach((value, i) => {
      const at = Math.floor(i / D);
      along += m.weights![at]! * value * field(m.values.subarray(at * D, (at + 1) * D), i % D);
    });
    const expected = await derivative((h) => energyOf(problem, pushed(m, h)), 0.08);
    expect(Math.abs(along - expected)).toBeLessThan(TOLERANCE);
  });

  it.each(problems)("%s: D_mF is the gradient of δF/δm, beside the law too", async (_, problem) => {
    const m = lawOf(problem, 5, 4);
    const points = lawOf(problem, 3, 5);
    const { values } = await intrinsicDerivative(problem, m, rowsOf(points));
    const D = m.shape[1];
    for (let j = 0; j < D; j++) {
      const at = async (t: number) => {
        const data = points.values.map((x, i) => (i % D === j ? x + t : x));
        return (await flatDerivative(problem, m, { ...rowsOf(points), data })).values;
      };
      const slopes = await derivatives(at, 0.08);
      slopes.forEach((slope, i) => {
        expect(Math.abs(values[i * D + j]! - slope), `point ${i}, coordinate ${j}`).toBeLessThan(TOLERANCE);
      });
    }
  });

  it("is the same in both builds to round-off, and says how it was found", async () => {
    for (const [name, problem] of problems) {
      const m = lawOf(problem, 5, 4);
      const simd = await intrinsicDerivative(problem, m, rowsOf(m), { backend: "simd" });
      const js = await intrinsicDerivative(problem, m, rowsOf(m), { backend: "js" });
      for (const [i, value] of simd.values.entries()) expect(js.values[i], name).toBeCloseTo(value, 13);
      expect(simd.method, name).toMatch(/Gaussians|mixture|teacher/.test(name) ? /closed form|series/ : /exact/);
    }
  });

  it("costs many points of a Gaussian law no more than their number: in parts they are as at once", async () => {
    const [, problem] = problems[7]!;
    const m = lawOf(problem, 3, 4);
    const points = lawOf(problem, 300, 5);
    const all = await flatDerivative(problem, m, rowsOf(points));
    const D = m.shape[1];
    for (const i of [0, 255, 256, 299]) {
      const one = { dtype: "f64" as const, shape: [1, D], data: points.values.slice(i * D, (i + 1) * D) };
      const { values } = await flatDerivative(problem, m, one);
      expect(all.values[i]).toBeCloseTo(values[0]!, 12);
    }
  });
});

describe("−D_mF", () => {
  // a step of size 1 moves θ by the velocity, to the rounding of θ
  const velocityOf = async (problem: ProblemInput, m: Particles) => {
    const process = gradientDescent(
      { ...problem, start: particles({ dtype: "f64", shape: [...m.shape], data: m.values }) },
      { neurons: m.shape[0], stepSize: 1 },
    );
    const simulation = await open(process);
    await simulation.advance(1);
    const after = simulation.measure() as Particles;
    simulation.free();
    return after.values.map((x, i) => x - m.values[i]!);
  };

  it.each(problems)("%s: is the velocity of gradient descent", async (_, problem) => {
    const m = { ...lawOf(problem, 7, 6), weights: null };
    const { outputBias } = m;
    // a process starts with output bias 0
    const there = { ...m, outputBias: outputBias && new Float64Array(outputBias.length) };
    const velocity = await velocityOf(problem, m);
    const { values } = await intrinsicDerivative(problem, there, rowsOf(m));
    const { unit } = parseProblem(problem);
    const isFixed = (i: number) => unit.kind === "affine" && !unit.trainOutput && i % m.shape[1] < unit.outputs;
    velocity.forEach((v, i) => {
      expect(v).toBeCloseTo(isFixed(i) ? 0 : -values[i]!, 13);
      if (isFixed(i)) expect(values[i]).not.toBe(0);
    });
  });
});

describe("on a grid in θ", () => {
  const law = examples(6, 2, 1, "signs");
  const cells = cellsOf([equalEdges(-1, 2, 5), equalEdges(-2, 1, 4)]);
  const masses = stream(8).uniforms(cells.size);
  const m = gridMeasure({ coordinates: "theta", edges: cells.edges, masses });

  it.each(["squared", "logistic"] as const)("it is the Ψ of the cells, %s loss", async (loss) => {
    const density = densityStart({ edges: cells.edges, masses });
    const problem = parseProblem({ law, unit: ridge(tanh()), start: density, loss });
    const psi = new Float64Array(cells.size);
    const energy = finish(problemEnergy(problem, cells).evaluate(m.masses, psi));
    const middles = Array.from({ length: cells.size }, (_, i) => [
      cells.middles[0]![Math.floor(i / 4)]!,
      cells.middles[1]![i % 4]!,
    ]);
    const { values } = await flatDerivative(problem, m, middles);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(psi[i]!, 13);
    expect(await energyOf(problem, m)).toBeCloseTo(energy, 13);
  });
});

describe("derivatives of a functional of one's own", () => {
  const m = lawOf({ law: examples(1, 3, 1, "values"), unit: ridge(tanh()), start }, 8, 7);

  it("of the variance is |θ|² − 2⟨mean, θ⟩, its gradient 2(θ − mean), in any coordinates", async () => {
    const variance: FeatureFunctional = {
      features: (theta) => [theta.reduce((sum, x) => sum + x * x, 0), ...theta],
      featureGradients: (theta) => [
        ...theta.map((x) => 2 * x),
        ...Array.from(theta, (_, k) => Array.from(theta, (_, j) => (j === k ? 1 : 0))).flat(),
      ],
      outer: ([square, ...mean]) => square! - mean.reduce((sum, x) => sum + x * x, 0),
      outerGradient: ([, ...mean]) => [1, ...mean.map((x) => -2 * x)],
    };
    const points = [
      [1, 2, 3],
      [0, -1, 0.5],
    ];
    for (const measure of [m, { ...m, coordinates: "radial" as const }]) {
      const mean = [0, 1, 2].map((j) => m.weights!.reduce((sum, w, i) => sum + w * m.values[3 * i + j]!, 0));
      const flat = await flatDerivative(variance, measure, points);
      const intrinsic = await intrinsicDerivative(variance, measure, points);
      points.forEach((theta, i) => {
        const expected = theta.reduce((sum, x, j) => sum + x * x - 2 * mean[j]! * x, 0);
        expect(flat.values[i]).toBeCloseTo(expected, 13);
        for (const [j, x] of theta.entries()) expect(intrinsic.values[3 * i + j]).toBeCloseTo(2 * (x - mean[j]!), 13);
      });
      const spread = await energyOf(variance, measure);
      // ∫ δF/δm dm = E|θ|² − 2|mean|²
      expect(flat.mean).toBeCloseTo(spread - mean.reduce((sum, x) => sum + x * x, 0), 13);
    }
  });

  it("with g = σ*(x_q; ·) and Φ the mean squared error is that of the problem", async () => {
    const law = examples(5, 3, 1, "values");
    const [x, y, masses] = [law.x.data, law.y.data, law.weights!.data];
    const dot = (theta: Float64Array, q: number) => theta.reduce((sum, t, j) => sum + t * x[3 * q + j]!, 0);
    const all = [0, 1, 2, 3, 4];
    const own: FeatureFunctional = {
      features: (theta) => all.map((q) => Math.tanh(dot(theta, q))),
      featureGradients: (theta) =>
        all.flatMap((q) => [0, 1, 2].map((j) => (1 - Math.tanh(dot(theta, q)) ** 2) * x[3 * q + j]!)),
      outer: (f) => all.reduce((sum, q) => sum + (masses[q]! * (f[q]! - y[q]!) ** 2) / 2, 0),
      outerGradient: (f) => all.map((q) => masses[q]! * (f[q]! - y[q]!)),
    };
    const problem = { law, unit: ridge(tanh()), start };
    const points = rowsOf(lawOf(problem, 4, 9));
    for (const derivativeOf of [flatDerivative, intrinsicDerivative]) {
      const ours = await derivativeOf(problem, m, points);
      const theirs = await derivativeOf(own, m, points);
      for (const [i, value] of ours.values.entries()) expect(theirs.values[i]).toBeCloseTo(value, 13);
    }
    expect(await energyOf(own, m)).toBeCloseTo(await energyOf(problem, m), 13);
  });
});

describe("what does not fit is a SpecError that names it", () => {
  const [, problem] = problems[0]!;
  const m = lawOf(problem, 4, 1);
  const points = rowsOf(m);
  const linear: FeatureFunctional = {
    features: (theta) => [theta[0]!, theta[1]!],
    featureGradients: () => [1, 0, 0, 0, 1, 0],
    outer: (v) => v[0]! + v[1]!,
    outerGradient: () => [1, 1],
  };
  const [, biased] = problems[1]!;
  const radial: Measure = { ...m, coordinates: "radial" };
  const gaussians = anisotropicGaussians({ dimension: 3, delta: 0.5 });

  it.each<[string, Functional, Measure, unknown]>([
    ["functional", 3 as never, m, points],
    ["functional.law", {} as never, m, points],
    ["functional.unit.outputs", { ...problem, unit: affine(tanh(), { outputs: 2 }) }, m, points],
    ["functional.outer", { ...linear, outer: undefined } as never, m, points],
    ["functional.outer", { ...linear, outer: () => Number.NaN }, m, points],
    ["functional.features", { ...linear, features: () => [] }, m, points],
    ["functional.features", { ...linear, features: () => [Number.NaN] }, m, points],
    ["functional.features", { ...linear, features: () => 1 as never }, m, points],
    ["functional.features", { ...linear, features: (theta) => (theta[0]! > 0 ? [1] : [1, 1]) }, m, points],
    ["functional.featureGradients", { ...linear, featureGradients: () => [1, 1] }, m, points],
    ["functional.outerGradient", { ...linear, outerGradient: () => [1] }, m, points],
    ["points", problem, m, [[1, 2]]],
    ["points", linear, m, [1, 2, 3]],
    ["points[0][1]", problem, m, [[1, Number.NaN, 2]]],
    ["measure.coordinates", problem, radial, points],
    ["measure.shape", { ...problem, unit: affine(tanh()) }, m, points],
    ["measure.outputBias", problem, { ...m, outputBias: Float64Array.of(1) }, points],
    [
      "measure.outputBias",
      biased,
      { ...lawOf(biased, 4, 1), outputBias: Float64Array.of(1) },
      rowsOf(lawOf(biased, 4, 1)),
    ],
    ["functional.loss", { ...problem, law: gaussians, loss: "logistic" }, m, points],
    [
      "functional.law.dimension",
      { ...problem, law: anisotropicGaussians({ dimension: "infinite", delta: 0.5 }), start: gaussian({ radius: 1 }) },
      m,
      points,
    ],
  ])("%s", async (path, functional, measure, at) => {
    const error = (await intrinsicDerivative(functional, measure, at as never).catch((e: unknown) => e)) as SpecError;
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });

  it("and it leaves no memory behind", async () => {
    const engine = await loadEngine();
    const before = engine.usage().live;
    await intrinsicDerivative(problem, m, points);
    await intrinsicDerivative(problem, m, [[1, 2]]).catch(() => {});
    await flatDerivative(
      {
        ...problem,
        confinement: localPotential(
          () => 0,
          () => [],
        ),
      },
      m,
      points,
    );
    await intrinsicDerivative(
      {
        ...problem,
        confinement: localPotential(
          () => 0,
          () => [],
        ),
      },
      m,
      points,
    ).catch(() => {});
    expect(engine.usage().live).toBe(before);
  });

  it("and a sampled law with another loss points to quadrature", async () => {
    const logistic = { ...problem, law: gaussians, loss: "logistic" as const };
    await expect(energyOf(logistic, m)).rejects.toThrow(/quadrature/);
    await expect(flatDerivative(logistic, m, points)).rejects.toThrow(/quadrature/);
  });
});
