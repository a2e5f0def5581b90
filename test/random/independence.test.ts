// Independence across streams and within one: correlations of draws and of their squares, at 4.5 standard errors (7e-6
// each) for fixed seeds; and no block in common. Correlations of higher order are left to dieharder (test/slow).

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { draw, type Name, named } from "./kernelDraws";

const n = 1 << 17;

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine({ backend: "simd" });
});

/** √n times the correlation of two samples of a known mean and variance. */
function score(x: Float64Array, y: Float64Array, mean: number, variance: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - mean) * (y[i]! - mean);
  return sum / (variance * Math.sqrt(x.length));
}

const squares = (x: Float64Array) => x.map((v) => v * v);

function expectIndependent(x: Float64Array, y: Float64Array, what: string): void {
  expect(Math.abs(score(x, y, 0, 1)), what).toBeLessThan(4.5);
  expect(Math.abs(score(squares(x), squares(y), 1, 2)), `${what}, squares`).toBeLessThan(4.5);
}

describe("streams whose names differ in one part", () => {
  const others: Partial<Name>[] = [
    { seed: 2 },
    { seed: 0 },
    { seed: 1 + 2 ** 32 },
    { seed: 2 ** 53 - 1 },
    { purpose: 1 },
    { purpose: 255 },
    { replica: 1 },
    { replica: 2 ** 31 },
    { step: 1 },
    { step: 2 ** 31 },
    { step: 2 ** 32 },
    { step: 2 ** 52 },
  ];
  it.each(others)("are uncorrelated with the first: %o", (part) => {
    for (const kind of ["normals_f32", "normals_f64"] as const) {
      expectIndependent(draw(engine, kind, named(), n), draw(engine, kind, named(part), n), kind);
    }
  });

  it("have no block in common, nor one of their own twice", () => {
    const seen = new Set<string>();
    for (const part of [{}, ...others]) {
      const words = draw(engine, "words", named(part), 4096);
      for (let i = 0; i < words.length; i += 4) seen.add(words.slice(i, i + 4).join());
    }
    expect(seen.size).toBe(13 * 1024);
  });
});

describe("one stream", () => {
  it.each([1, 2, 3, 4, 7, 8, 15, 16, 64])("is uncorrelated with itself %i draws later", (lag) => {
    for (const kind of ["normals_f32", "normals_f64"] as const) {
      const x = draw(engine, kind, named({ seed: 6 }), n + lag);
      expectIndependent(x.subarray(0, n), x.subarray(lag), kind);
    }
  });

  it("is uncorrelated with itself a step later, draw by draw", () => {
    const d = 64;
    const rows = Array.from({ length: 2049 }, (_, step) => draw(engine, "normals_f64", named({ seed: 6, step }), d));
    const join = (part: Float64Array[]) => Float64Array.from(part.flatMap((row) => [...row]));
    expectIndependent(join(rows.slice(0, -1)), join(rows.slice(1)), "next step");
  });

  it("has two words a draw that are uncorrelated in f64", () => {
    // the low word is what an f64 uniform has beyond the high one
    const high = draw(engine, "words", named(), n).map((w) => (w + 0.5) / 2 ** 32);
    const low = draw(engine, "uniforms_f64", named(), n).map((u, i) => (u - high[i]!) * 2 ** 32 + 0.5);
    expect(Math.abs(score(high, low, 0.5, 1 / 12))).toBeLessThan(4.5);
  });
});
