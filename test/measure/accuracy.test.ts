// Accuracies of measures, against labels and predictions written out, and against a probability in closed form.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  affine,
  anisotropicGaussians,
  dataset,
  erf,
  gaussian,
  identity,
  loadEngine,
  mixture,
  noExamples,
  type Particles,
  parseProblem,
  particleMeasure,
  ridge,
  stream,
  teacher,
} from "../../src/index";
import { accuracyOf } from "../../src/measure/accuracy";

const sample = { points: 20_000, seed: 3 };
const start = gaussian({ radius: 1 });

function network(row: number[], outputBias: number[] | null = null): Particles {
  return particleMeasure({
    coordinates: "theta",
    shape: [1, row.length],
    values: Float64Array.from(row),
    outputBias: outputBias && Float64Array.from(outputBias),
  });
}

describe("accuracy on a finite law is exact", () => {
  const x = [[2], [1], [-1], [-3]];

  it.each(["logistic", "squared"] as const)(
    "of labels ±1 by the sign of f, %s loss; weighted, a tie is wrong",
    async (loss) => {
      const law = dataset({ x: [...x, [0]], y: [1, -1, -1, -1, 1], weights: [1, 2, 3, 4, 10] });
      const problem = parseProblem({ law, unit: ridge(identity()), start, loss });
      const engine = await loadEngine();
      // f = x: right at 2, −1 and −3; at 0 there is no sign
      expect(accuracyOf(network([1]), problem, engine, sample)).toEqual({
        value: expect.closeTo(8 / 20, 14),
        standardError: null,
        method: "exact",
      });
      expect(accuracyOf(network([-1]), problem, engine, sample).value).toBeCloseTo(2 / 20, 14);
    },
  );

  it("of classes by the largest output; a label of probabilities counts with that of the class chosen", async () => {
    const unit = affine(identity(), { outputs: 3, outputBias: true });
    // f = (x, −x, ½): class 0 for x > ½, class 1 for x < −½
    const row = [1, -1, 0, 0, 1];
    const engine = await loadEngine();
    const classes = parseProblem({
      law: dataset({ x: [...x, [0.1]], y: [0, 1, 1, 2, 2] }),
      unit,
      start,
      loss: "crossEntropy",
    });
    const found = accuracyOf(network(row, [0, 0, 0.5]), classes, engine, sample);
    expect(found).toMatchObject({ method: "exact", value: expect.closeTo(3 / 5, 14) });
    const probabilities = parseProblem({
      law: dataset({
        x: [[2], [-2]],
        y: [
          [0.7, 0.2, 0.1],
          [0.5, 0.4, 0.1],
        ],
      }),
      unit,
      start,
      loss: "crossEntropy",
    });
    expect(accuracyOf(network(row), probabilities, engine, sample).value).toBeCloseTo((0.7 + 0.4) / 2, 14);
    // f = 0 in all outputs chooses none
    expect(accuracyOf(network([0, 0, 0, 0, 1]), classes, engine, sample).value).toBe(0);
  });
});

describe("accuracy on a sampled law has its standard error", () => {
  // level 1e-4 each, two-sided: 3.891 standard errors, seed fixed
  it("and is the probability of the right sign", async () => {
    // f = w·x with x ~ N(±m e, I): right with probability Φ(m), Φ(0.8) = 0.7881446014166
    const eye = [
      [1, 0],
      [0, 1],
    ];
    const law = mixture([
      { weight: 1, mean: [0.8, 0], covariance: eye, label: 1 },
      { weight: 1, mean: [-0.8, 0], covariance: eye, label: -1 },
    ]);
    const engine = await loadEngine();
    for (const loss of ["squared", "logistic"] as const) {
      const problem = parseProblem({ law, unit: ridge(erf()), start, loss });
      const { value, standardError, method } = accuracyOf(network([2, 0]), problem, engine, sample);
      expect(method).toBe("sample");
      expect(standardError).toBeCloseTo(Math.sqrt((0.788 * 0.212) / 20_000), 3);
      expect(Math.abs(value - 0.7881446014166)).toBeLessThan(3.891 * standardError!);
    }
  });
});

describe("accuracy is refused where labels are no classes", () => {
  const unit = ridge(identity());
  it.each<[string, unknown, string]>([
    ["values", { law: dataset({ x: [[1]], y: [0.5] }), unit, start }, "problem.loss"],
    [
      "rows of values",
      { law: dataset({ x: [[1]], y: [[1, -1]] }), unit: affine(identity(), { outputs: 2 }), start },
      "problem.loss",
    ],
    ["a teacher's", { law: teacher({ dimension: 2, neurons: 2, activation: erf() }), unit, start }, "problem.loss"],
    [
      "a mixture of values",
      { law: mixture([{ weight: 1, mean: [0], covariance: [[1]], label: 2 }]), unit, start },
      "problem.loss",
    ],
    ["no examples", { law: noExamples(2), unit, start }, "problem.law.kind"],
    [
      "infinite dimension",
      { law: anisotropicGaussians({ dimension: "infinite", delta: 0.5 }), unit, start },
      "problem.law.dimension",
    ],
  ])("%s", async (_, value, path) => {
    const problem = parseProblem(value);
    const engine = await loadEngine();
    let error: unknown;
    try {
      accuracyOf(network([1]), problem, engine, sample);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });
});

it("a law of the radii has none, and says what has", async () => {
  const problem = parseProblem({ law: anisotropicGaussians({ dimension: 4, delta: 0.5 }), unit: ridge(erf()), start });
  const measure = particleMeasure({ coordinates: "radial", shape: [1, 1], values: Float64Array.of(1) });
  const engine = await loadEngine();
  expect(() => accuracyOf(measure, problem, engine, sample)).toThrow(/measure\.coordinates: .*nonlinear/);
});

it("memory: an accuracy leaves none behind", async () => {
  const engine = await loadEngine();
  const before = engine.usage().live;
  const law = dataset({ x: [Array.from(stream(1).normals(3))], y: [1] });
  const problem = parseProblem({ law, unit: ridge(identity()), start });
  accuracyOf(network([1, 2, 3]), problem, engine, sample);
  expect(engine.usage().live).toBe(before);
});
