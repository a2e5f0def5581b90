// Risks and predictions of measures, each against another way to the same number.

import { describe, expect, it } from "vitest";
import {
  affine,
  anisotropicGaussians,
  dataset,
  gaussian,
  gridMeasure,
  loadEngine,
  type Measure,
  mixture,
  type Problem,
  parseProblem,
  particleMeasure,
  piecewiseLinear,
  radialFlow,
  radii,
  relu,
  ridge,
  SpecError,
  solve,
  stream,
  tanh,
  teacher,
  tensor,
} from "../../src/index";
import { predictionsOf } from "../../src/measure/predictions";
import { riskOf } from "../../src/measure/risk";
import { startParticles } from "../../src/model/particles";
import { toF64 } from "../../src/model/tensor";

const auto = { method: "auto", points: 20_000, seed: 1, degree: null } as const;

function networkOf(problem: Problem, neurons: number): Measure {
  const values = startParticles(problem, neurons, { seed: 2, replica: 0 });
  return particleMeasure({ coordinates: "theta", shape: [neurons, values.length / neurons], values });
}

const unit = ridge(
  piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
);

describe("risk of a network", () => {
  it.each([
    [
      "anisotropic Gaussians, ridge",
      { law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }), unit, start: gaussian({ radius: 1 }) },
    ],
    [
      "rotated, affine",
      {
        law: anisotropicGaussians({ dimension: 5, signal: 2, delta: 0.7, rotation: { seed: 2 } }),
        unit: affine(relu()),
        start: gaussian({ radius: 1, a: { mean: 0, deviation: 2 }, b: 0.3 }),
      },
    ],
    [
      "a mixture with means",
      {
        law: mixture([
          {
            weight: 1,
            mean: [1, 2],
            covariance: [
              [1, 0.4],
              [0.4, 1],
            ],
            label: 1,
          },
          {
            weight: 2,
            mean: [0, -1],
            covariance: [
              [0.3, 0],
              [0, 2],
            ],
            label: -0.5,
          },
        ]),
        unit: affine(tanh()),
        start: gaussian({ radius: 1.5 }),
      },
    ],
    [
      "a teacher of another activation",
      {
        law: teacher({ dimension: 4, neurons: 3, activation: relu(), noise: 0.3, seed: 5 }),
        unit: ridge(tanh()),
        start: gaussian({ radius: 1 }),
      },
    ],
  ])("by series agrees with fresh examples within four standard errors: %s", async (_, spec) => {
    const problem = parseProblem(spec);
    const engine = await loadEngine();
    const measure = networkOf(problem, 15);
    const exact = riskOf(measure, problem, engine, auto);
    const sampled = riskOf(measure, problem, engine, { ...auto, method: "sample" });
    expect(exact).toMatchObject({ method: "series", standardError: null });
    expect(sampled.method).toBe("sample");
    expect(sampled.standardError).toBeGreaterThan(0);
    expect(Math.abs(exact.value - sampled.value)).toBeLessThan(4 * sampled.standardError!);
  });

  it("of a finite law is the sum over its atoms", async () => {
    const law = dataset({
      x: [
        [1, 0],
        [0, 2],
        [-1, 1],
      ],
      y: [1, -1, 0.5],
      weights: [1, 2, 1],
    });
    const problem = parseProblem({ law, unit: affine(tanh()), start: gaussian({ radius: 1 }) });
    const measure = networkOf(problem, 7);
    const found = riskOf(measure, problem, await loadEngine(), auto);
    let expected = 0;
    [
      [1, 0, 1, 0.25],
      [0, 2, -1, 0.5],
      [-1, 1, 0.5, 0.25],
    ].forEach(([x0, x1, y, m]) => {
      let f = 0;
      if (measure.kind !== "particles") throw new Error("a network");
      for (let i = 0; i < 7; i++) {
        const [a, b, w0, w1] = measure.values.slice(4 * i, 4 * i + 4);
        f += (a! * Math.tanh(w0! * x0! + w1! * x1! + b!)) / 7;
      }
      expected += m! * (y! - f) ** 2;
    });
    expect(found.method).toBe("exact");
    expect(found.value).toBeCloseTo(expected, 13);
    expect(() => riskOf(measure, problem, null as never, { ...auto, method: "series" })).toThrow(SpecError);
  });
});

describe("predictions", () => {
  it.each(["simd", "js"] as const)("of a network are the mean over neurons (%s)", async (backend) => {
    const law = anisotropicGaussians({ dimension: 5, signal: 5, delta: 0.5 });
    for (const [kind, count] of [
      [ridge(tanh()), 9],
      [affine(tanh()), 6],
      [affine(tanh()), 1],
    ] as const) {
      const problem = parseProblem({ law, unit: kind, start: gaussian({ radius: 1 }) });
      const measure = networkOf(problem, 13);
      const x = stream(4).normals(5 * count);
      const { values, method } = predictionsOf(
        measure,
        problem,
        await loadEngine({ backend }),
        toF64(tensor(x, [count, 5])),
      );
      expect(method).toBe("exact");
      if (measure.kind !== "particles") throw new Error("a network");
      const D = measure.shape[1];
      for (let q = 0; q < count; q++) {
        let f = 0;
        for (let i = 0; i < 13; i++) {
          const row = measure.values.slice(i * D, (i + 1) * D);
          const [a, b, w] = D === 5 ? [1, 0, row] : [row[0]!, row[1]!, row.slice(2)];
          let h = b;
          for (let j = 0; j < 5; j++) h += w[j]! * x[5 * q + j]!;
          f += (a * Math.tanh(h)) / 13;
        }
        expect(values[q]).toBeCloseTo(f, 13);
      }
    }
  });

  it("of a radial law agree with a large network that starts from it, within the network's own error", async () => {
    // N = 40,000 neurons: the error of the mean is the deviation of σ over neurons, at most 5, over 200
    const law = anisotropicGaussians({ dimension: 6, signal: 2, delta: 0.5, rotation: { seed: 7 } });
    const problem = parseProblem({ law, unit, start: radii({ r1: 1.2, r2: 0.7 }) });
    const engine = await loadEngine();
    const x = toF64(tensor(stream(5).normals(24), [4, 6]));
    const network = predictionsOf(networkOf(problem, 40_000), problem, engine, x).values;
    const radial = particleMeasure({ coordinates: "radial", shape: [1, 2], values: Float64Array.of(1.2, 0.7) });
    const { values, method } = predictionsOf(radial, problem, engine, x);
    expect(method).toBe("quadrature");
    for (let q = 0; q < 4; q++) expect(Math.abs(values[q]! - network[q]!)).toBeLessThan(4 * (5 / 200));
  });

  it("refuses inputs of another dimension", async () => {
    const problem = parseProblem({
      law: anisotropicGaussians({ dimension: 3, delta: 0.5 }),
      unit,
      start: gaussian({ radius: 1 }),
    });
    const engine = await loadEngine();
    expect(() => predictionsOf(networkOf(problem, 2), problem, engine, toF64(tensor([[1, 2]])))).toThrow(/\[n, 3\]/);
  });
});

describe("risk of a radial law", () => {
  const problem = parseProblem({
    law: anisotropicGaussians({ dimension: 20, signal: 20, delta: 0.8 }),
    unit,
    start: gaussian({ radius: 0.8 }),
  });

  it("is that of wide networks, whose mean risk is above it by a bias of 1/N", async () => {
    // E R_N − R = (E σ*² − E f²)/N for independent neurons: N (R_N − R) has one positive mean at every N. 200 replicas at
    // N = 50 and at N = 200; z-tests at level 1e-4 (two-sided 3.891, one-sided 3.719) with the seeds 0 … 199
    const engine = await loadEngine();
    const limit = await solve(radialFlow(problem), { times: [0] });
    const scaled = [50, 200].map((n) =>
      Array.from({ length: 200 }, (_, seed) => {
        const values = startParticles(problem, n, { seed, replica: 0 });
        const measure = particleMeasure({ coordinates: "theta", shape: [n, values.length / n], values });
        return n * (riskOf(measure, problem, engine, auto).value - limit.observables.risk!.values[0]!);
      }),
    );
    const [few, many] = scaled.map((sample) => {
      const mean = sample.reduce((a, b) => a + b, 0) / sample.length;
      const variance = sample.reduce((a, b) => a + (b - mean) ** 2, 0) / (sample.length - 1);
      return { mean, error: Math.sqrt(variance / sample.length) };
    }) as [{ mean: number; error: number }, { mean: number; error: number }];
    expect(few.mean).toBeGreaterThan(3.719 * few.error);
    expect(many.mean).toBeGreaterThan(3.719 * many.error);
    expect(Math.abs(few.mean - many.mean)).toBeLessThan(3.891 * Math.sqrt(few.error ** 2 + many.error ** 2));
  });

  it("of a grid takes the cells' midpoints", async () => {
    const engine = await loadEngine();
    const cell = gridMeasure({ edges: [Float64Array.of(0.9, 1.1)], masses: Float64Array.of(1) });
    const point = particleMeasure({ coordinates: "radial", shape: [1, 1], values: Float64Array.of(1) });
    expect(riskOf(cell, problem, engine, auto).value).toBe(riskOf(point, problem, engine, auto).value);
  });

  it("by sample agrees with the series within four standard errors", async () => {
    const engine = await loadEngine();
    const point = particleMeasure({ coordinates: "radial", shape: [2, 1], values: Float64Array.of(0.7, 1.4) });
    const exact = riskOf(point, problem, engine, auto);
    const sampled = riskOf(point, problem, engine, { ...auto, method: "sample", points: 2000 });
    expect(Math.abs(exact.value - sampled.value)).toBeLessThan(4 * sampled.standardError!);
  });
});
