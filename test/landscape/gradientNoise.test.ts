// The covariance of the gradient noise by the Gram matrix of the examples, against the dense one and against all batches.

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { gradientNoise, landscapeOf } from "../../src/landscape/onDemand";
import { relu, tanh } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { affine, type Unit } from "../../src/model/unit";
import { noiseCovariance } from "../../src/study/onDemand";
import { type Case, coordinatesOf, drawCase, writtenHessian } from "./cases";

// C = √w A √w of one example a step, dense.
async function denseCovariance(one: Case): Promise<Matrix> {
  const { matrix } = await noiseCovariance(one.problem, one.network, { route: "dataWeights" });
  const { places, roots } = coordinatesOf(one);
  const all = matrix.shape[0]!;
  const C = Matrix.zeros(places.length, places.length);
  for (const [i, a] of places.entries()) {
    for (const [j, b] of places.entries()) C.set(i, j, roots[i]! * roots[j]! * matrix.data[a * all + b]!);
  }
  return C;
}

const descending = (C: Matrix) => {
  const { realEigenvalues } = new EigenvalueDecomposition(C, { assumeSymmetric: true });
  return realEigenvalues.sort((a, b) => b - a);
};

const kept = { trainOutput: false, outputBias: true };
const cases: [string, Unit, Parameters<typeof drawCase>[0]["loss"], boolean][] = [
  ["one output", affine(tanh()), "squared", false],
  ["weights of neurons and examples", affine(tanh(), { outputBias: true }), "logistic", true],
  ["a kept", affine(relu(), kept), "squared", false],
  ["three classes", affine(tanh(), { outputs: 3 }), "crossEntropy", true],
];

describe("gradient noise", () => {
  it.each(cases)(
    "has the trace, norm, rank and spectrum of the dense covariance: %s",
    async (_, unit, loss, weighted) => {
      const one = drawCase({ unit, ...(loss && { loss }), weighted });
      const C = await denseCovariance(one);
      const values = descending(C);
      const found = await gradientNoise(one.problem, one.network);
      expect(Math.abs(found.trace - C.trace())).toBeLessThan(1e-12 * C.trace());
      expect(Math.abs(found.norm - C.norm("frobenius"))).toBeLessThan(1e-12 * found.norm);
      for (const [k, value] of found.values.entries())
        expect(Math.abs(value - values[k]!)).toBeLessThan(1e-12 * values[0]!);
      expect(found.rank).toBe(6);
      const batch = await gradientNoise(one.problem, one.network, { batchSize: 4 });
      expect(batch.trace).toBeCloseTo(found.trace / 4, 14);
      expect(batch.alignment).toBeCloseTo(found.alignment, 14);
    },
  );

  it("has each example's share of the confinement in it", async () => {
    const one = drawCase({ unit: affine(tanh()), confinement: quadratic(0.8) });
    const { law } = one.problem;
    if (law.kind !== "dataset") throw new Error("a dataset");
    const decay = [2, 0, 1, 1, 1, 2, 0];
    const there = { ...one, problem: { ...one.problem, law: dataset({ x: law.x, y: law.y, decay } as never) } };
    const C = await denseCovariance(there);
    const found = await gradientNoise(there.problem, there.network);
    expect(Math.abs(found.trace - C.trace())).toBeLessThan(1e-12 * C.trace());
    const without = await gradientNoise(one.problem, one.network);
    expect(Math.abs(found.trace / without.trace - 1)).toBeGreaterThan(1e-3);
  });

  it("of batches without replacement is the covariance over all of them", async () => {
    const one = drawCase({ unit: affine(tanh()), n: 5 });
    const about = await landscapeOf(one.problem, one.network);
    const g = Array.from({ length: 5 }, (_, q) => about.exampleGradient(q));
    about.free();
    const mean = g[0]!.map((_, j) => g.reduce((sum, v) => sum + v[j]! / 5, 0));
    const triples: number[][] = [];
    for (let a = 0; a < 5; a++) for (let b = 0; b < a; b++) for (let c = 0; c < b; c++) triples.push([a, b, c]);
    let trace = 0;
    for (const triple of triples) {
      mean.forEach((m, j) => {
        const off = triple.reduce((sum, q) => sum + g[q]![j]! / 3, 0) - m;
        trace += (off * off) / triples.length;
      });
    }
    const found = await gradientNoise(one.problem, one.network, { batchSize: 3, replacement: false });
    expect(Math.abs(found.trace - trace)).toBeLessThan(1e-13 * trace);
    const whole = await gradientNoise(one.problem, one.network, { batchSize: 5, replacement: false });
    expect(whole.trace).toBe(0);
    expect(whole.rank).toBe(0);
  });

  it("is aligned with the Hessian as the dense matrices are", async () => {
    const one = drawCase({ unit: affine(tanh()), n: 9 });
    const C = await denseCovariance(one);
    const p = C.rows;
    const dense = writtenHessian(one, (h) => {
      const t = Math.tanh(h);
      return [t, 1 - t * t, -2 * t * (1 - t * t)];
    });
    const H = new Matrix(Array.from({ length: p }, (_, i) => Array.from(dense.subarray(i * p, (i + 1) * p))));
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(H, { assumeSymmetric: true });
    const found = await gradientNoise(one.problem, one.network, { count: 5 });
    const traceHC = H.mmul(C).trace();
    expect(Math.abs(found.hessianTrace - traceHC)).toBeLessThan(1e-12 * Math.abs(traceHC));
    expect(found.alignment).toBeCloseTo(traceHC / (H.norm("frobenius") * C.norm("frobenius")), 12);
    expect(found.alignmentError).toBe(0);
    const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
    let share = 0;
    for (let k = 0; k < 5; k++) {
      const v = eigenvectorMatrix.getColumnVector(order[k]!);
      share += v.transpose().mmul(C).mmul(v).get(0, 0) / C.trace();
      expect(found.shares[k]).toBeCloseTo(share, 9);
      expect(found.hessianValues[k]).toBeCloseTo(realEigenvalues[order[k]!]!, 10);
    }
  });

  it("of one example there is none; bad input is named", async () => {
    const single = drawCase({ unit: affine(tanh()), n: 1 });
    const none = await gradientNoise(single.problem, single.network);
    expect(none).toMatchObject({ trace: 0, rank: 0, norm: 0, alignment: Number.NaN });
    const one = drawCase({ unit: affine(tanh()) });
    const fails = (options: unknown, path: string) =>
      expect(gradientNoise(one.problem, one.network, options as never)).rejects.toThrow(
        expect.objectContaining({ name: "SpecError", path }),
      );
    await fails({ batchSize: 0 }, "batchSize");
    await fails({ batchSize: 8, replacement: false }, "batchSize");
    await fails({ replacement: "no" }, "replacement");
    await fails({ count: 8 }, "count");
    const weighted = drawCase({ unit: affine(tanh()), weighted: true });
    await expect(gradientNoise(weighted.problem, weighted.network, { replacement: false })).rejects.toThrow("weights");
    const many = drawCase({ unit: affine(tanh()), n: 1025 });
    await expect(gradientNoise(many.problem, many.network)).rejects.toThrow(/1024.*lanczos/);
  });
});
