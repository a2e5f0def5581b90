import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { relu } from "../../src/model/activation";
import {
  anisotropicGaussians,
  dataset,
  type GaussianComponent,
  gaussianComponents,
  isGaussian,
  isInfinite,
  type Law,
  lawDimension,
  mixture,
  parseLaw,
  rotationMatrix,
  teacher,
  teacherNetwork,
} from "../../src/model/law";

const identity = [
  [1, 0],
  [0, 1],
];

function failure(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

// F Fᵀ of a component.
function covariance({ diagonal, factor }: GaussianComponent, d: number): number[] {
  const f = factor ?? Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? diagonal![at % d]! : 0));
  return Array.from({ length: d * d }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += f[Math.floor(at / d) * d + k]! * f[(at % d) * d + k]!;
    return sum;
  });
}

describe("anisotropic Gaussians", () => {
  it("have all of the space for signal by default", () => {
    expect(anisotropicGaussians({ dimension: 40, delta: 0.8 })).toEqual({
      kind: "anisotropicGaussians",
      dimension: 40,
      signal: 40,
      delta: 0.8,
      rotation: "identity",
    });
    expect(anisotropicGaussians({ dimension: "infinite", delta: 0.8 }).signal).toBe(1);
  });

  it("have the standard deviations 1 ± Δ on the signal space and 1 beside it", () => {
    const [plus, minus] = gaussianComponents(anisotropicGaussians({ dimension: 3, signal: 1, delta: 0.25 }));
    expect(plus).toEqual({ weight: 0.5, label: 1, mean: null, diagonal: Float64Array.of(1.25, 1, 1), factor: null });
    expect(minus).toEqual({ weight: 0.5, label: -1, mean: null, diagonal: Float64Array.of(0.75, 1, 1), factor: null });
  });

  // Σ± = Q diag((1 ± Δ)² I, I) Qᵀ, multiplied out; d terms of round-off
  it("rotate the signal space by Q", () => {
    const d = 5;
    const law = anisotropicGaussians({ dimension: d, signal: 2, delta: 0.4, rotation: { seed: 3 } });
    const q = rotationMatrix(d, 3);
    gaussianComponents(law).forEach((component) => {
      const variance = (1 + component.label * 0.4) ** 2;
      covariance(component, d).forEach((entry, at) => {
        let sum = 0;
        for (let k = 0; k < d; k++)
          sum += (k < 2 ? variance : 1) * q[Math.floor(at / d) * d + k]! * q[(at % d) * d + k]!;
        expect(entry).toBeCloseTo(sum, 13);
      });
    });
  });

  it("have another rotation for another seed, and the same for the same", () => {
    expect(rotationMatrix(4, 1)).toEqual(rotationMatrix(4, 1));
    expect(rotationMatrix(4, 1)).not.toEqual(rotationMatrix(4, 2));
  });
});

describe("a dataset", () => {
  it("divides decays by their mean over the masses, and leaves out those that are all the same", () => {
    const law = dataset({ x: [[1], [2], [3]], y: [1, 2, 3], weights: [1, 1, 2], decay: [1, 5, 1] });
    expect(Array.from(law.decay!.data)).toEqual([0.5, 2.5, 0.5]);
    expect("decay" in dataset({ x: [[1], [2]], y: [1, 2], decay: [3, 3] })).toBe(false);
  });

  it("has its weights divided by their sum, once and for all", () => {
    const law = dataset({ x: [[1], [2], [3]], y: [1, 2, 3], weights: [0.1, 0.2, 0.4] });
    expect(law.weights!.data.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 15);
    expect(law.weights!.data[2]).toBeCloseTo(4 / 7, 15);
    expect(parseLaw(JSON.parse(JSON.stringify(law)))).toEqual(law);
  });

  it("has no weights when they are equal", () => {
    expect(dataset({ x: [[1], [2]], y: [1, 2], weights: [3, 3] }).weights).toBeNull();
  });

  it("takes labels in a column, and arrays of any type", () => {
    const law = dataset({ x: { dtype: "f32", shape: [2, 1], data: Float32Array.of(0.5, 2) }, y: [[1], [-1]] });
    expect(law.x).toEqual({ dtype: "f64", shape: [2, 1], data: Float64Array.of(0.5, 2) });
    expect(law.y.shape).toEqual([2]);
  });
});

describe("a mixture", () => {
  it("has parts of one form: all diagonal, or none", () => {
    const round = { weight: 1, mean: [0, 0], covariance: identity, label: 0 };
    const long = {
      weight: 3,
      mean: [1, 0],
      covariance: [
        [4, 2],
        [2, 1],
      ],
      label: 1,
    };
    const plain = gaussianComponents(
      mixture([
        round,
        {
          ...round,
          covariance: [
            [4, 0],
            [0, 0],
          ],
        },
      ]),
    );
    expect(plain.map(({ diagonal }) => [...diagonal!])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    expect(plain.map(({ mean }) => mean)).toEqual([null, null]);
    const both = gaussianComponents(mixture([round, long]));
    expect(both.map(({ weight }) => weight)).toEqual([0.25, 0.75]);
    expect(both.map(({ diagonal }) => diagonal)).toEqual([null, null]);
    expect(both.map(({ mean }) => [...mean!])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    // the second covariance is singular: 4 · 1 = 2 · 2
    const expected = [1, 0, 0, 1, 4, 2, 2, 1];
    both.flatMap((one) => covariance(one, 2)).forEach((entry, i) => void expect(entry).toBeCloseTo(expected[i]!, 14));
  });

  it("forgives a covariance that round-off made unsymmetric", () => {
    const law = mixture([
      {
        weight: 1,
        mean: [0, 0],
        covariance: [
          [1, 0.1],
          [0.1 + 1e-17, 1],
        ],
        label: 0,
      },
    ]);
    expect(parseLaw(JSON.parse(JSON.stringify(law)))).toEqual(law);
  });
});

describe("a teacher", () => {
  const law = teacher({ dimension: 50, neurons: 40, activation: relu(), seed: 9 });

  it("has no noise by default", () => {
    expect(law.noise).toBe(0);
  });

  // |w|² = χ²_50/50: mean 1, deviation √(2/50); the mean of 40 deviates by 0.032, five of which are 0.16.
  it("has weights of length about 1 and output weights of both signs", () => {
    const { a, w } = teacherNetwork(law);
    expect([...a.subarray(0, 4)]).toEqual([1, -1, 1, -1]);
    expect(w.length).toBe(2000);
    expect(Math.abs(w.reduce((sum, x) => sum + x * x, 0) / 40 - 1)).toBeLessThan(0.16);
    expect(teacherNetwork(law).w).toEqual(w);
    expect(teacherNetwork({ ...law, seed: 10 }).w).not.toEqual(w);
  });
});

it("the dimension and the form of a law are known", () => {
  const infinite = anisotropicGaussians({ dimension: "infinite", signal: 0.2, delta: 0.5 });
  const laws: [Law, number, boolean][] = [
    [anisotropicGaussians({ dimension: 7, delta: 0.5 }), 7, true],
    [dataset({ x: [[1, 2, 3]], y: [1] }), 3, false],
    [mixture([{ weight: 1, mean: [0, 0], covariance: identity, label: 0 }]), 2, true],
    [teacher({ dimension: 4, neurons: 1, activation: relu() }), 4, false],
  ];
  for (const [law, dimension, gaussian] of laws) {
    expect([lawDimension(law), isGaussian(law), isInfinite(law)]).toEqual([dimension, gaussian, false]);
    if (!gaussian) expect(() => gaussianComponents(law)).toThrow(SpecError);
  }
  expect(isInfinite(infinite)).toBe(true);
  expect(isGaussian(infinite)).toBe(false);
  expect(() => lawDimension(infinite)).toThrow(SpecError);
});

describe("a wrong law is a SpecError that names the field", () => {
  const component = { weight: 1, mean: [0, 0], covariance: identity, label: 0 };
  it.each<[string, () => unknown, string]>([
    ["s0 > d", () => anisotropicGaussians({ dimension: 4, signal: 5, delta: 0.5 }), "law.signal"],
    ["s0 = 0", () => anisotropicGaussians({ dimension: 4, signal: 0, delta: 0.5 }), "law.signal"],
    ["half a dimension of signal", () => anisotropicGaussians({ dimension: 4, signal: 1.5, delta: 0.5 }), "law.signal"],
    ["a fraction above 1", () => anisotropicGaussians({ dimension: "infinite", signal: 2, delta: 0.5 }), "law.signal"],
    ["Δ = 1", () => anisotropicGaussians({ dimension: 4, delta: 1 }), "law.delta"],
    ["d = 0", () => anisotropicGaussians({ dimension: 0, delta: 0.5 }), "law.dimension"],
    [
      "a rotation by name",
      () => anisotropicGaussians({ dimension: 4, delta: 0.5, rotation: "haar" as never }),
      "law.rotation",
    ],
    [
      "a rotation in infinite dimension",
      () => anisotropicGaussians({ dimension: "infinite", delta: 0.5, rotation: { seed: 1 } }),
      "law.rotation",
    ],
    [
      "a negative seed",
      () => anisotropicGaussians({ dimension: 4, delta: 0.5, rotation: { seed: -1 } }),
      "law.rotation.seed",
    ],
    ["labels of another length", () => dataset({ x: [[1], [2]], y: [1] }), "law.y"],
    ["examples in a flat list", () => dataset({ x: [1, 2], y: [1, 2] }), "law.x"],
    ["decays of another length", () => dataset({ x: [[1], [2]], y: [1, 2], decay: [1] }), "law.decay"],
    ["decays that cancel", () => dataset({ x: [[1], [2]], y: [1, 2], decay: [1, -1] }), "law.decay"],
    ["an infinite decay", () => dataset({ x: [[1], [2]], y: [1, 2], decay: [1, Infinity] }), "law.decay[1]"],
    ["NaN in an example", () => dataset({ x: [[1], [Number.NaN]], y: [1, 2] }), "law.x[1][0]"],
    ["a negative weight", () => dataset({ x: [[1], [2]], y: [1, 2], weights: [1, -1] }), "law.weights[1]"],
    ["weights of sum 0", () => dataset({ x: [[1], [2]], y: [1, 2], weights: [0, 0] }), "law.weights"],
    ["too few weights", () => dataset({ x: [[1], [2]], y: [1, 2], weights: [1] }), "law.weights"],
    ["no neurons", () => teacher({ dimension: 4, neurons: 0, activation: relu() }), "law.neurons"],
    [
      "a function for activation",
      () => teacher({ dimension: 4, neurons: 1, activation: Math.tanh as never }),
      "law.activation",
    ],
    ["no components", () => mixture([]), "law.components"],
    [
      "means of two lengths",
      () => mixture([component, { ...component, mean: [0], covariance: [[1]] }]),
      "law.components[1].mean",
    ],
    [
      "a covariance of another size",
      () => mixture([{ ...component, covariance: [[1]] }]),
      "law.components[0].covariance",
    ],
    [
      "an unsymmetric covariance",
      () =>
        mixture([
          {
            ...component,
            covariance: [
              [1, 0.5],
              [0.4, 1],
            ],
          },
        ]),
      "law.components[0].covariance[0][1]",
    ],
    [
      "a covariance with a negative eigenvalue",
      () =>
        mixture([
          component,
          {
            ...component,
            covariance: [
              [1, 2],
              [2, 1],
            ],
          },
        ]),
      "law.components[1].covariance",
    ],
    ["a misspelt field", () => anisotropicGaussians({ dimesion: 4, delta: 0.5 } as never), "law.dimesion"],
    ["a function", () => parseLaw(() => [0, 1]), "law"],
  ])("%s", (_, run, path) => {
    expect(failure(run).path).toBe(path);
  });

  it("and a misspelt field is told from the one that is meant", () => {
    const error = failure(() => anisotropicGaussians({ dimesion: 4, delta: 0.5 } as never));
    expect(error.remedy).toContain('Did you mean "dimension"?');
    expect(error.found).toBe(4);
  });
});
