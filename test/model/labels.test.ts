// Labels and losses against their formulas, at sizes where the plain formulas overflow too. That the kernels have the same losses
// is in test/process/gradient.test.ts; that labels which do not fit are refused, over random specifications, in misfits.test.ts.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { relu } from "../../src/model/activation";
import { checkLabels, type Loss, labelRows, lossOf } from "../../src/model/labels";
import { anisotropicGaussians, dataset, type Law, mixture, noExamples, teacher } from "../../src/model/law";
import { affine, ridge, type Unit } from "../../src/model/unit";
import { stream } from "../../src/random/stream";

const f64 = (...values: number[]) => Float64Array.of(...values);

describe("rows of labels", () => {
  it("of classes have a 1 in the place of the class", () => {
    expect(labelRows([2, 0, 1, 2], 4, 3, "crossEntropy")).toEqual(f64(0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1));
  });

  it("of anything else are what they were, copied", () => {
    const given = f64(0.2, 0.8, 1, 0);
    for (const loss of ["crossEntropy", "squared"] as const) {
      const rows = labelRows(given, 2, 2, loss);
      expect(rows).toEqual(given);
      expect(rows).not.toBe(given);
    }
    expect(labelRows([1, -1], 2, 1, "logistic")).toEqual(f64(1, -1));
  });
});

describe("losses", () => {
  it("squared: half the square of the distance, of the row asked for", () => {
    expect(lossOf("squared", f64(9, 1, -2), f64(9, 4, 2), 2, 1)).toBe((9 + 16) / 2);
  });

  it("logistic: log(1 + e^{−yf}), which is −yf or 0 where e^{−yf} is beyond all numbers", () => {
    for (const f of [-3, -0.2, 0, 0.7, 5]) {
      for (const y of [1, -1]) {
        expect(lossOf("logistic", f64(f), f64(y), 1)).toBeCloseTo(Math.log(1 + Math.exp(-y * f)), 14);
      }
    }
    expect(lossOf("logistic", f64(-900), f64(1), 1)).toBe(900);
    expect(lossOf("logistic", f64(900), f64(1), 1)).toBe(0);
    // e^{−40} is below half a unit in the last place of 1, not below the numbers
    expect(lossOf("logistic", f64(40), f64(1), 1)).toBeCloseTo(Math.exp(-40), 30);
  });

  it("cross-entropy: −Σ y_k log softmax(f)_k, which no constant added to f changes, at any size", () => {
    const g = stream(1).normals(40);
    for (let q = 0; q < 10; q++) {
      const f = g.slice(4 * q, 4 * q + 4);
      const y = f.map((x) => x * x);
      const total = y.reduce((sum, p) => sum + p, 0);
      const p = y.map((x) => x / total);
      const partition = f.reduce((sum, x) => sum + Math.exp(x), 0);
      const expected = -f.reduce((sum, x, k) => sum + p[k]! * Math.log(Math.exp(x) / partition), 0);
      expect(lossOf("crossEntropy", f, p, 4)).toBeCloseTo(expected, 13);
      const moved = f.map((x) => x + 1000);
      expect(lossOf("crossEntropy", moved, p, 4)).toBeCloseTo(expected, 11);
    }
    expect(lossOf("crossEntropy", f64(1000, 0, -1000), f64(0, 1, 0), 3)).toBe(1000);
    expect(lossOf("crossEntropy", f64(1000, 0, -1000), f64(1, 0, 0), 3)).toBe(0);
  });

  it("cross-entropy of two classes is the logistic loss of the difference of the outputs", () => {
    for (const [a, b] of [
      [0.3, -1.2],
      [-2, 5],
    ] as const) {
      for (const [y, row] of [
        [1, f64(1, 0)],
        [-1, f64(0, 1)],
      ] as const) {
        const logistic = lossOf("logistic", f64(a - b), f64(y), 1);
        expect(lossOf("crossEntropy", f64(a, b), row, 2)).toBeCloseTo(logistic, 14);
      }
    }
  });
});

describe("labels that fit their loss and unit go through, others are a SpecError that names the field", () => {
  const x = [[1], [2]];
  const two = affine(relu(), { outputs: 2 });
  const gaussians = anisotropicGaussians({ dimension: 1, delta: 0.5 });
  const part = (label: number) => ({ weight: 1, mean: [0], covariance: [[1]], label });

  it.each<[string, Law, Unit, Loss]>([
    ["values", dataset({ x, y: [0.5, 2] }), ridge(relu()), "squared"],
    [
      "rows of values",
      dataset({
        x,
        y: [
          [1, 2],
          [3, 4],
        ],
      }),
      two,
      "squared",
    ],
    ["signs", dataset({ x, y: [1, -1] }), affine(relu()), "logistic"],
    ["signs of Gaussians", gaussians, ridge(relu()), "logistic"],
    ["signs of a mixture", mixture([part(1), part(-1)]), ridge(relu()), "logistic"],
    ["classes", dataset({ x, y: [0, 1] }), two, "crossEntropy"],
    [
      "probabilities",
      dataset({
        x,
        y: [
          [0.25, 0.75],
          [1, 0],
        ],
      }),
      two,
      "crossEntropy",
    ],
    // the last place of 1/3 + 1/3 + 1/3 is not asked for
    [
      "thirds",
      dataset({
        x,
        y: [
          [1 / 3, 1 / 3, 1 / 3],
          [0.1, 0.2, 0.7],
        ],
      }),
      affine(relu(), { outputs: 3 }),
      "crossEntropy",
    ],
    ["none", noExamples(2), ridge(relu()), "squared"],
  ])("%s", (_, law, unit, loss) => {
    expect(() => checkLabels({ law, unit, loss })).not.toThrow();
  });

  it.each<[string, Law, Unit, Loss, RegExp]>([
    [
      "unit.outputs",
      dataset({
        x,
        y: [
          [1, 2],
          [3, 4],
        ],
      }),
      affine(relu(), { outputs: 3 }),
      "squared",
      /2/,
    ],
    ["unit.outputs", gaussians, two, "squared", /1, as labels are numbers/],
    ["unit.outputs", dataset({ x, y: [1, -1] }), two, "logistic", /crossEntropy/],
    ["unit.outputs", dataset({ x, y: [0, 1] }), ridge(relu()), "crossEntropy", /logistic/],
    [
      "unit.outputs",
      dataset({
        x,
        y: [
          [0.5, 0.5],
          [1, 0],
        ],
      }),
      affine(relu(), { outputs: 3 }),
      "crossEntropy",
      /2/,
    ],
    [
      "law.y",
      dataset({
        x,
        y: [
          [1, -1],
          [1, 1],
        ],
      }),
      ridge(relu()),
      "logistic",
      /labels ±1/,
    ],
    ["law.y[1]", dataset({ x, y: [1, 0] }), ridge(relu()), "logistic", /±1/],
    ["law.y[0]", dataset({ x, y: [2, 0] }), two, "crossEntropy", /from 0 to 1/],
    ["law.y[1]", dataset({ x, y: [0, -1] }), two, "crossEntropy", /from 0 to 1/],
    [
      "law.y[1]",
      dataset({
        x,
        y: [
          [0.5, 0.5],
          [1.5, -0.5],
        ],
      }),
      two,
      "crossEntropy",
      /sum is 1/,
    ],
    [
      "law.y[0]",
      dataset({
        x,
        y: [
          [0.5, 0.6],
          [1, 0],
        ],
      }),
      two,
      "crossEntropy",
      /sum is 1/,
    ],
    ["law.components[1].label", mixture([part(1), part(0)]), ridge(relu()), "logistic", /±1/],
    ["law.components[0].label", mixture([part(0.5)]), two, "crossEntropy", /class/],
    ["loss", gaussians, two, "crossEntropy", /"squared" or "logistic"/],
    ["loss", teacher({ dimension: 1, neurons: 2, activation: relu() }), ridge(relu()), "logistic", /teacher/],
    ["loss", noExamples(2), ridge(relu()), "logistic", /no examples/],
  ])("%s", (path, law, unit, loss, words) => {
    let error: unknown;
    try {
      checkLabels({ law, unit, loss });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
    expect((error as SpecError).message).toMatch(words);
  });
});
