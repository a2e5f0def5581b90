// The peaks problem: MATLAB's function and its five classes, and the points of each.
//
// The extrema are zeros of the gradient by Newton's method with 50 digits (mpmath); the areas of the classes are midpoint sums over 6000²
// cells (NumPy), good to 1e-5. Levels: 1e-4 for all statistical checks of this file together; seeds are fixed.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { gaussian, peaks, peaksAt } from "../../src/index";
import { relu } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { affine } from "../../src/model/unit";

describe("the peaks function", () => {
  const least: [number, number] = [0.2282789205563691, -1.62553495749999];
  const most: [number, number] = [-0.009317581959954116, 1.5813679629389998];

  it("is MATLAB's: known values at the origin, on the square's corners, and at its extrema", async () => {
    const { values } = await peaksAt([[0, 0], [-3, -3], [3, 3], least, most]);
    // (3 − 1/3)/e at the origin; MATLAB's peaks has 6.6713e-05 and 4.1030e-05 at the corners
    expect(values[0]).toBeCloseTo(8 / 3 / Math.E, 14);
    expect(values[1]).toBeCloseTo(6.6713e-5, 9);
    expect(values[2]).toBeCloseTo(4.103e-5, 9);
    expect(Math.abs(values[3]! + 6.551133332835837)).toBeLessThan(4e-15);
    expect(Math.abs(values[4]! - 8.106213589442337)).toBeLessThan(4e-15);
  });

  it("has five classes by equal ranges of its value, whose areas are known", async () => {
    const n = 600;
    const at = (i: number) => (6 * (i + 0.5)) / n - 3;
    const { classes, values } = await peaksAt(
      Array.from({ length: n * n }, (_, q) => [at(q % n), at(Math.floor(q / n))]),
    );
    const counts = new Float64Array(5);
    for (const c of classes) counts[c]!++;
    const areas = [0.0281254, 0.1222671, 0.7237548, 0.0982535, 0.0275993];
    // the cells that a boundary crosses are some 3n, and half of them counted wrong would cancel
    for (const [c, area] of areas.entries()) expect(Math.abs(counts[c]! / (n * n) - area)).toBeLessThan(2e-4);
    const range = 8.106213589442337 + 6.551133332835837;
    const outside = classes.filter((c, q) => {
      const share = (5 * (values[q]! + 6.551133332835837)) / range;
      return share < c || share > c + 1;
    });
    expect(outside.length).toBe(0);
    const ends = await peaksAt([least, most, [4, -40]]);
    expect(Array.from(ends.classes)).toEqual([0, 4, 2]);
  });

  it("takes points of the plane only", async () => {
    await expect(peaksAt([[1, 2, 3]])).rejects.toThrow(/^x: /);
    await expect(peaksAt([[Number.NaN, 2]])).rejects.toThrow(SpecError);
  });
});

describe("peaks", () => {
  it("has as many points of each class in the square, in turn, each where its class is", async () => {
    const { x, y, weights } = await peaks({ perClass: 120, seed: 1 });
    expect(x.shape).toEqual([600, 2]);
    expect(weights).toBeNull();
    expect(Array.from(y.data)).toEqual(Array.from({ length: 600 }, (_, q) => q % 5));
    expect(Math.max(...x.data.map(Math.abs))).toBeLessThan(3);
    expect((await peaksAt(x)).classes).toEqual(y.data);
  });

  // class 2 is most of the square: the mean of f over it by 500² midpoints, and a mean of 20,000 points about it
  it("has points uniform within a class", async () => {
    const n = 500;
    const at = (i: number) => (6 * (i + 0.5)) / n - 3;
    const cells = Array.from({ length: n * n }, (_, q) => [at(q % n), at(Math.floor(q / n))]);
    const { classes } = await peaksAt(cells);
    const { x } = await peaks({ perClass: 20_000, seed: 3 });
    for (const c of [0, 2]) {
      const inside = cells.filter((_, q) => classes[q] === c);
      const points = Array.from({ length: 20_000 }, (_, j) => x.data.subarray(2 * (5 * j + c), 2 * (5 * j + c) + 2));
      for (const statistic of [
        (p: ArrayLike<number>) => p[0]!,
        (p: ArrayLike<number>) => p[1]!,
        (p: ArrayLike<number>) => p[0]! * p[1]!,
      ]) {
        const mean = (list: ArrayLike<number>[]) => list.reduce((sum, p) => sum + statistic(p), 0) / list.length;
        const expected = mean(inside);
        const variance = inside.reduce((sum, p) => sum + (statistic(p) - expected) ** 2, 0) / inside.length;
        // 4.5 standard errors: six checks of 7e-6 each
        expect(Math.abs(mean(points) - expected)).toBeLessThan(4.5 * Math.sqrt(variance / 20_000));
      }
    }
  });

  it("is the beginning of a larger set, the same by the same seed, another by another", async () => {
    const small = await peaks({ perClass: 7, seed: 5 });
    const large = await peaks({ perClass: 300, seed: 5 });
    expect(small.x.data).toEqual(large.x.data.slice(0, 70));
    expect((await peaks({ perClass: 7, seed: 6 })).x.data[0]).not.toBe(small.x.data[0]);
    expect((await peaks({ perClass: 7 })).x.data).toEqual((await peaks({ perClass: 7, seed: 0 })).x.data);
    // frozen: the first point of class 0 and of class 4
    expect(Array.from(small.x.data.slice(0, 2))).toEqual(FROZEN[0]);
    expect(Array.from(small.x.data.slice(8, 10))).toEqual(FROZEN[1]);
  });

  it("gives a share of the points another class, each of the four alike", async () => {
    const { x, y } = await peaks({ perClass: 4000, seed: 2, labelNoise: 0.3 });
    expect(x.data).toEqual((await peaks({ perClass: 4000, seed: 2 })).x.data);
    const wrong = new Float64Array(5);
    y.data.forEach((label, q) => {
      wrong[(label - (q % 5) + 5) % 5]!++;
    });
    const n = 20_000;
    expect(Math.abs((n - wrong[0]!) / n - 0.3)).toBeLessThan(4.5 * Math.sqrt(0.21 / n));
    for (let k = 1; k < 5; k++) {
      expect(Math.abs(wrong[k]! / (n - wrong[0]!) - 0.25)).toBeLessThan(4.5 * Math.sqrt(0.1875 / (n - wrong[0]!)));
    }
    const none = await peaks({ perClass: 20, seed: 2, labelNoise: 1 });
    none.y.data.forEach((label, q) => {
      expect(label).not.toBe(q % 5);
    });
  });

  it.each<[string, object, string]>([
    ["no points", { perClass: 0 }, "perClass"],
    ["half a point", { perClass: 1.5 }, "perClass"],
    ["too many points", { perClass: 1e6 }, "perClass"],
    ["nothing", {}, "perClass"],
    ["a negative seed", { perClass: 1, seed: -1 }, "seed"],
    ["more noise than labels", { perClass: 1, labelNoise: 1.1 }, "labelNoise"],
    ["NaN", { perClass: 1, labelNoise: Number.NaN }, "labelNoise"],
    ["a misspelt field", { perClass: 1, noise: 0.1 }, "noise"],
  ])("of %s is a SpecError that names the field", async (_, options, field) => {
    await expect(peaks(options as never)).rejects.toThrow(new RegExp(`^options\\.${field}: `));
  });
});

describe("labels of a classification", () => {
  const start = gaussian({ w: { mean: 0, deviation: 1 } });
  const problem = (y: number[], outputs: number) =>
    parseProblem({
      law: dataset({ x: y.map((_, q) => [q, 0]), y }),
      unit: affine(relu(), { outputs }),
      start,
      loss: "crossEntropy",
    });

  it.each<[string, number[], number, string]>([
    ["as large as the number of outputs", [0, 1, 5], 5, "problem.law.y[2]"],
    ["below 0", [0, -1, 2], 5, "problem.law.y[1]"],
    ["between two classes", [0.5, 1, 2], 5, "problem.law.y[0]"],
    ["of more classes than a unit has outputs", [0, 1, 2, 3, 4], 4, "problem.law.y[4]"],
    ["of a unit of one output", [0, 0], 1, "problem.unit.outputs"],
  ])("%s are a SpecError that names it", (_, y, outputs, path) => {
    expect(() => problem(y, outputs)).toThrow(SpecError);
    try {
      problem(y, outputs);
    } catch (error) {
      expect((error as SpecError).path).toBe(path);
      if (path.includes("law.y"))
        expect((error as SpecError).expected).toBe(`a class, an integer from 0 to ${outputs - 1}`);
    }
  });

  it("from 0 to K − 1 are taken, and a class may be empty", () => {
    expect(problem([0, 1, 4], 5).law.kind).toBe("dataset");
  });
});

const FROZEN = [
  [-0.12835485723532414, -2.0458544812290276],
  [-0.07559444953295835, 1.9885340158448457],
];
