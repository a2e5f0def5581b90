// Lanczos' method against dense eigenvalues, matrices whose spectrum is known, and its own residuals.

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { lanczos, landscapeOf, matrixOperator, sharpnessOf } from "../../src/landscape/onDemand";
import type { Operator } from "../../src/landscape/operator";
import { tanh } from "../../src/model/activation";
import { affine } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import { drawCase, withSpectrum, writtenHessian } from "./cases";

function residualsOf(operator: Operator, vectors: Float64Array, values: Float64Array): Float64Array {
  const p = operator.size;
  const out = new Float64Array(p);
  return values.map((value, k) => {
    const v = vectors.subarray(k * p, (k + 1) * p);
    operator.apply(v, out);
    return Math.sqrt(out.reduce((sum, x, i) => sum + (x - value * v[i]!) * (x - value * v[i]!), 0));
  });
}

const descending = (values: ArrayLike<number>) => Float64Array.from(values).sort().reverse();
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(b).reduce((most, x, i) => Math.max(most, Math.abs(a[i]! - x)), a.length === b.length ? 0 : Number.NaN);

describe("Lanczos' method", () => {
  it("the top 10 of a network's 600 agree with a dense solve to 1e-10, with truthful residuals", {
    timeout: 60_000,
  }, async () => {
    // N (d + 2) = 600
    const one = drawCase({ unit: affine(tanh()), N: 150, n: 12 });
    const about = await landscapeOf(one.problem, one.network);
    expect(about.size).toBe(600);
    const dense = writtenHessian(one, (h) => {
      const t = Math.tanh(h);
      return [t, 1 - t * t, -2 * t * (1 - t * t)];
    });
    const rows = new Matrix(600, 600);
    for (let i = 0; i < 600; i++)
      for (let j = 0; j < 600; j++) rows.set(i, j, (dense[i * 600 + j]! + dense[j * 600 + i]!) / 2);
    const expected = descending(new EigenvalueDecomposition(rows, { assumeSymmetric: true }).realEigenvalues);
    const found = await lanczos(about.hessian, { count: 10, vectors: true });
    expect(worst(found.values, expected.subarray(0, 10))).toBeLessThan(1e-10 * expected[0]!);
    expect(found.converged).toEqual(new Array(10).fill(true));
    const measured = residualsOf(about.hessian, found.vectors!, found.values);
    expect(worst(found.residuals, measured)).toBeLessThan(1e-15 * expected[0]!);
    for (const r of measured) expect(r).toBeLessThanOrEqual(1e-10 * expected[0]!);
    const low = await lanczos(about.hessian, { count: 3, end: "smallest" });
    expect(worst(low.values, descending(expected).reverse().subarray(0, 3))).toBeLessThan(1e-10 * expected[0]!);
    const sharpness = await sharpnessOf(one.problem, one.network);
    expect(Math.abs(sharpness.value - expected[0]!)).toBeLessThan(1e-6 * expected[0]!);
    expect(sharpness.converged).toBe(true);
    about.free();
  });

  it("what has not converged says so, and its residual is measured, not claimed", async () => {
    const values = Float64Array.from({ length: 400 }, (_, i) => i / 400);
    const operator = withSpectrum(values);
    const found = await lanczos(operator, { count: 4, products: 30, vectors: true });
    expect(found.converged).toContain(false);
    const measured = residualsOf(operator, found.vectors!, found.values);
    found.residuals.forEach((r, k) => {
      expect(Math.abs(r - measured[k]!)).toBeLessThan(1e-12);
      expect(found.converged[k]).toBe(measured[k]! <= 1e-10 * found.scale);
      // an eigenvalue lies within it
      expect(Math.min(...values.map((v) => Math.abs(v - found.values[k]!)))).toBeLessThanOrEqual(measured[k]! + 1e-14);
    });
    expect(Math.max(...measured)).toBeGreaterThan(1e-4);
  });

  it("restarts reach clustered eigenvalues with few vectors kept, at both ends", async () => {
    // gaps of 1/2000 of the width: some hundred products, with 30 vectors at most
    const values = Float64Array.from({ length: 2000 }, (_, i) => i / 1000 - 1);
    const found = await lanczos(withSpectrum(values), {
      count: 5,
      end: "both",
      basis: 40,
      products: 20000,
      tolerance: 1e-9,
    });
    expect(found.converged).toEqual(new Array(10).fill(true));
    const expected = [...descending(values).subarray(0, 5), ...values.subarray(0, 5)];
    expect(worst(found.values, expected)).toBeLessThan(1e-12);
  });

  it("an eigenvalue that occurs several times is found that often", async () => {
    // six that are apart and a wide tolerance: one start has them before round-off brings in copies
    const top = [5, 5, 5, 4, 4, 4, 4, 3, 2.5, 2, 1.5];
    const apart = withSpectrum(new Float64Array(300).map((_, i) => top[i] ?? i / 3000));
    const loose = await lanczos(apart, { count: 6, tolerance: 1e-5 });
    expect(worst(loose.values, [5, 5, 5, 4, 4, 4])).toBeLessThan(1e-8);
    const values = new Float64Array(200).map((_, i) => (i < 3 ? 5 : i < 7 ? 4 : i / 200));
    const found = await lanczos(withSpectrum(values), { count: 8, vectors: true });
    expect(worst(found.values, descending(values).subarray(0, 8))).toBeLessThan(1e-12);
    const gram = (a: number, b: number) =>
      found.vectors!.subarray(a * 200, (a + 1) * 200).reduce((sum, x, i) => sum + x * found.vectors![b * 200 + i]!, 0);
    for (let a = 0; a < 8; a++)
      for (let b = 0; b <= a; b++) expect(Math.abs(gram(a, b) - (a === b ? 1 : 0))).toBeLessThan(1e-9);
  });

  it("low rank, zero, one number and all eigenvalues", async () => {
    const low = withSpectrum(new Float64Array(300).map((_, i) => (i < 4 ? 4 - i : 0)));
    expect(worst((await lanczos(low, { count: 6 })).values, [4, 3, 2, 1, 0, 0])).toBeLessThan(1e-13);
    const zero = await lanczos(withSpectrum(new Float64Array(50)), { count: 3 });
    expect(Array.from(zero.values)).toEqual([0, 0, 0]);
    expect(zero.converged).toEqual([true, true, true]);
    expect(Array.from((await lanczos(await matrixOperator([-7]))).values)).toEqual([-7]);
    const few = Float64Array.of(3, -1, 4, 1, -5, 9);
    const all = await lanczos(withSpectrum(few), { count: 6 });
    expect(worst(all.values, descending(few))).toBeLessThan(1e-13);
    expect(all.converged).toEqual(new Array(6).fill(true));
    const ends = await lanczos(withSpectrum(few), { count: 3, end: "both" });
    expect(worst(ends.values, [9, 4, 3, -5, -1, 1])).toBeLessThan(1e-13);
  });

  it("random spectra: any size, either end, copies, decay, rank 5", async () => {
    for (let seed = 0; seed < 40; seed++) {
      const [size, copies, kind, side, share] = stream(seed).uniforms(5) as unknown as [
        number,
        number,
        number,
        number,
        number,
      ];
      const p = 2 + Math.floor(120 * size * size);
      const raw = stream(seed).normals(p, { step: 1 });
      const distinct = (j: number) =>
        [raw[j]!, 0.7 ** j, 1e6 * 10 ** (-2 * Math.abs(raw[j]!)), j < 5 ? 10 - j : 0][Math.floor(4 * kind)]!;
      const values = raw.map((_, i) => distinct(Math.floor(i / (1 + Math.floor(5 * copies * copies)))));
      const end = (["largest", "smallest", "both"] as const)[Math.floor(3 * side)]!;
      const count = 1 + Math.floor(Math.min(end === "both" ? p / 2 : p, 12) * 0.999 * share);
      const down = descending(values);
      const low = down.slice().reverse().subarray(0, count);
      const high = down.subarray(0, count);
      const found = await lanczos(withSpectrum(values), { count, end });
      const scale = Math.max(...values.map(Math.abs));
      expect(found.converged).not.toContain(false);
      const expected = end === "largest" ? high : end === "smallest" ? low : [...high, ...low];
      // residuals of 10⁻¹⁰ bound the error where eigenvalues crowd, and its square over the gap where they do not
      expect(worst(found.values, expected), `seed ${seed}`).toBeLessThan(1e-9 * scale);
    }
  });

  it("is the same each time, and another start gives the same eigenvalues", async () => {
    const operator = withSpectrum(Float64Array.from({ length: 100 }, (_, i) => Math.sqrt(i)));
    const [a, b, c] = [await lanczos(operator), await lanczos(operator), await lanczos(operator, { seed: 1 })];
    expect(a).toEqual(b);
    expect(Math.abs(a.values[0]! - c.values[0]!)).toBeLessThan(1e-12);
    expect(a.residuals[0]).not.toBe(c.residuals[0]);
  });

  it("stops at a signal, and says how far it is", async () => {
    const operator = withSpectrum(Float64Array.from({ length: 2000 }, (_, i) => i));
    const control = new AbortController();
    const seen: number[] = [];
    const run = lanczos(operator, {
      count: 20,
      signal: control.signal,
      onProgress: ({ products, most }) => {
        seen.push(products / most);
        if (seen.length === 3) control.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
    expect(seen).toEqual([...seen].sort((x, y) => x - y));
  });

  it("bad input is named", async () => {
    const operator = withSpectrum(new Float64Array(20).fill(1));
    const fails = (what: unknown, options: unknown, path: string) =>
      expect(lanczos(what as never, options as never)).rejects.toThrow(
        expect.objectContaining({ name: "SpecError", path }),
      );
    await fails(null, {}, "operator");
    await fails({ size: 0, apply: () => {} }, {}, "operator.size");
    await fails(operator, { count: 21 }, "count");
    await fails(operator, { count: 11, end: "both" }, "count");
    await fails(operator, { count: Number.NaN }, "count");
    await fails(operator, { end: "top" }, "end");
    await fails(operator, { tolerance: 0 }, "tolerance");
    await fails(operator, { products: 1 }, "products");
    await fails(operator, { basis: 2 }, "basis");
    await fails(
      { size: 3, apply: (_: unknown, out: Float64Array) => out.fill(Number.NaN) },
      {},
      "operator.apply(v)[0]",
    );
    // a shift: not symmetric
    const shift = {
      size: 30,
      apply: (v: Float64Array, out: Float64Array) => out.forEach((_, i) => void (out[i] = v[(i + 1) % 30]!)),
    };
    await fails(shift, { count: 5 }, "operator");
    await expect(matrixOperator([1, 2, 3])).rejects.toThrow("values: expected p² numbers");
    await expect(matrixOperator([1, 2, 3, 4])).rejects.toThrow("to be symmetric");
    await expect(matrixOperator([1, Infinity, Infinity, 4])).rejects.toThrow("values[1]: expected a finite number");
  });
});
