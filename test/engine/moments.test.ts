// The kernels of steps with a memory: every build against the recursions written out in f64.
//
// Lengths of one to nine vectors and more, so that every tail is there. In f64 the plain twin rounds as simd does, and the relaxed build
// has a rounding less in each sum: a few units in the last place. In f32 numbers are rounded once (the twin, at a store) to four times.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { stream } from "../../src/random/stream";

const options = { beta1: 0.9, beta2: 0.99, rate: 0.3, correction: 1.7, stabiliser: 0.05 };
const lengths = [4, 8, 12, 16, 20, 24, 28, 32, 36, 1000];

// ulps of numbers of size 1 … 10, after three steps
const bounds = { f64: 2e-14, f32: 1e-5 };

describe.each(["simd", "relaxed", "js"] as const)("%s", (backend) => {
  it.each(["f64", "f32"] as const)("heavy ball and Adam in %s", async (precision) => {
    const engine = await loadEngine({ backend }).catch(() => null);
    if (engine === null) return;
    const { [`heavyBall_${precision}` as const]: heavyBall, [`adam_${precision}` as const]: adam } = engine.kernels;
    const bytes = precision === "f32" ? 4 : 8;
    for (const n of lengths) {
      const memory = engine.memory();
      const normals = (step: number) => {
        const drawn = stream(7).normals(n, { step });
        return precision === "f32" ? Float64Array.from(Float32Array.from(drawn)) : drawn;
      };
      // a number more than the kernels are to touch
      const put = (values: Float64Array) => memory.put(precision, Float64Array.of(...values, 123));
      const [ball, u, x, m, s] = [
        normals(0),
        new Float64Array(n),
        normals(0),
        new Float64Array(n),
        new Float64Array(n),
      ];
      const at = { ball: put(ball), u: put(u), x: put(x), m: put(m), s: put(s) };
      for (let k = 1; k <= 3; k++) {
        const g = normals(k);
        const gradient = put(g);
        heavyBall(at.ball, at.u, gradient, n * bytes, 0.3, 0.8);
        const { beta1, beta2, rate, correction, stabiliser } = options;
        adam(at.x, at.m, at.s, gradient, n * bytes, beta1, beta2, rate, correction, stabiliser);
        for (let i = 0; i < n; i++) {
          u[i] = 0.8 * u[i]! + g[i]!;
          ball[i]! += 0.3 * u[i]!;
          m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
          s[i] = beta2 * s[i]! + (1 - beta2) * g[i]! * g[i]!;
          x[i]! += (rate * m[i]!) / (correction * Math.sqrt(s[i]!) + stabiliser);
        }
      }
      for (const [name, expected] of Object.entries({ ball, u, x, m, s })) {
        const found = memory.view(precision, at[name as keyof typeof at], n + 1);
        expect(found[n], `${name}, n = ${n}`).toBe(123);
        for (let i = 0; i < n; i++)
          expect(Math.abs(found[i]! - expected[i]!), `${name}, n = ${n}`).toBeLessThan(bounds[precision]);
      }
      memory.free();
    }
  });
});
