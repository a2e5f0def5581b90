// The law of the draws, with fixed seeds: a failure is a change of the streams or a wrong law, never bad luck. Chances
// of a false alarm, had the seed been drawn: 7e-6 a moment (4.5 standard errors), 1e-4 a distance. Tails: test/slow.

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { log, normalCdf } from "../../src/engine/math";
import { draw, named } from "./kernelDraws";

/** Upper 1e-4 points of the limit laws of √n D (Kolmogorov: 2 e^(−2x²)) and A² (Σ χ²_j / (j (j+1)), by inversion). */
const KOLMOGOROV = 2.2253;
const ANDERSON_DARLING = 8.122;

/** √n sup |F_n − F| and A² of a sample, from the probabilities F(x) and 1 − F(x) of its points in order. */
function distances(sorted: Float64Array, cdf: (x: number) => number, survival: (x: number) => number) {
  const n = sorted.length;
  let sup = 0;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const f = cdf(sorted[i]!);
    sup = Math.max(sup, f - i / n, (i + 1) / n - f);
    sum += (2 * i + 1) * (log(f) + log(survival(sorted[n - 1 - i]!)));
  }
  return { kolmogorov: sup * Math.sqrt(n), andersonDarling: -n - sum / n };
}

const ofNormals = (x: Float64Array) => distances(x.slice().sort(), normalCdf, (v) => normalCdf(-v));

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine({ backend: "simd" });
});

describe.each(["normals_f32", "normals_f64"] as const)("%s", (kind) => {
  it("have the moments of the standard normal law to order 6", () => {
    const n = 1 << 22;
    const powers = new Float64Array(7);
    for (let step = 0; step < 16; step++) {
      const x = draw(engine, kind, named({ seed: 2024, step }), n / 16);
      for (let i = 0; i < x.length; i++) {
        let p = 1;
        for (let k = 1; k <= 6; k++) {
          p *= x[i]!;
          powers[k]! += p;
        }
      }
    }
    const moment = [1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395];
    for (let k = 1; k <= 6; k++) {
      const standardError = Math.sqrt((moment[2 * k]! - moment[k]! ** 2) / n);
      expect(Math.abs(powers[k]! / n - moment[k]!) / standardError, `moment ${k}`).toBeLessThan(4.5);
    }
  });

  it("pass Kolmogorov–Smirnov and Anderson–Darling at level 1e-4", () => {
    for (const seed of [1, 2, 3, 4]) {
      const { kolmogorov, andersonDarling } = ofNormals(draw(engine, kind, named({ seed, purpose: 4 }), 1 << 17));
      expect(kolmogorov).toBeLessThan(KOLMOGOROV);
      expect(andersonDarling).toBeLessThan(ANDERSON_DARLING);
    }
  });

  it("pass them on the even, the odd and the first draws of many steps", () => {
    const all = draw(engine, kind, named({ seed: 11 }), 1 << 17);
    const firsts = new Float64Array(1 << 14);
    for (let step = 0; step < firsts.length; step++)
      firsts[step] = draw(engine, kind, named({ seed: 11, step }), 1)[0]!;
    for (const x of [all.filter((_, i) => i % 2 === 0), all.filter((_, i) => i % 2 === 1), firsts]) {
      const { kolmogorov, andersonDarling } = ofNormals(x);
      expect(kolmogorov).toBeLessThan(KOLMOGOROV);
      expect(andersonDarling).toBeLessThan(ANDERSON_DARLING);
    }
  });

  it("would fail them if the deviation were 1.03, or with tails cut at 2", () => {
    const x = draw(engine, kind, named({ seed: 1 }), 1 << 17);
    const wide = ofNormals(x.map((v) => 1.03 * v));
    expect(wide.kolmogorov).toBeGreaterThan(KOLMOGOROV);
    expect(wide.andersonDarling).toBeGreaterThan(ANDERSON_DARLING);
    const cut = ofNormals(x.map((v) => Math.max(-2, Math.min(2, v))));
    expect(cut.andersonDarling).toBeGreaterThan(ANDERSON_DARLING);
  });
});

describe.each(["uniforms_f32", "uniforms_f64"] as const)("%s", (kind) => {
  it("pass Kolmogorov–Smirnov and Anderson–Darling at level 1e-4", () => {
    for (const seed of [1, 2, 3, 4]) {
      // an f32 uniform may round to 1, where A² has a logarithm of 0: half an ulp below 1 it has its own value
      const x = draw(engine, kind, named({ seed, purpose: 5 }), 1 << 17).map((u) => Math.min(u, 1 - 2 ** -26));
      const { kolmogorov, andersonDarling } = distances(
        x.sort(),
        (u) => u,
        (u) => 1 - u,
      );
      expect(kolmogorov).toBeLessThan(KOLMOGOROV);
      expect(andersonDarling).toBeLessThan(ANDERSON_DARLING);
    }
  });
});
