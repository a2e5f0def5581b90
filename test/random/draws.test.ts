// Draws as functions of their index: any start, any number, the same bits in every build; f32 and f64 see one noise.

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { supported } from "../../src/engine/wasm";
import { draw, drawGuarded, kinds, named } from "./kernelDraws";

let simd: Engine;
let js: Engine;
beforeAll(async () => {
  [simd, js] = await Promise.all([loadEngine({ backend: "simd" }), loadEngine({ backend: "js" })]);
});

describe.each(kinds)("%s", (kind) => {
  const name = named({ seed: 5, purpose: 2, replica: 1, step: 3 });

  // A group of the kernel is 8 or 16 draws, a pass 16 groups: up to two passes, every tail, every misplaced start.
  it("draw i is the same wherever a call starts and ends", () => {
    const all = draw(simd, kind, name, 700);
    for (const engine of [simd, js]) {
      for (const from of [0, 1, 2, 3, 4, 5, 6, 7, 16, 33]) {
        for (const n of [...Array(18).keys(), 31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 513, 600]) {
          const { values, before, after } = drawGuarded(engine, kind, name, from, n);
          expect(values, `${engine.backend}, ${n} from ${from}`).toEqual(all.slice(from, from + n));
          expect(before.every((b) => b === 0xa5) && after.every((b) => b === 0xa5)).toBe(true);
        }
      }
    }
  });

  it("reaches the last index of a step", () => {
    const last = draw(simd, kind, name, 21, 2 ** 32 - 21);
    expect(draw(js, kind, name, 21, 2 ** 32 - 21)).toEqual(last);
    expect(draw(simd, kind, name, 3, 2 ** 32 - 3)).toEqual(last.slice(18));
  });

  it("has the same bits in the simd and the plain build", () => {
    for (const other of [name, named({ seed: 2 ** 53 - 1, purpose: 255, replica: 2 ** 32 - 1, step: 2 ** 53 - 1 })]) {
      const a = drawGuarded(simd, kind, other, 0, 200_000).bytes;
      const b = drawGuarded(js, kind, other, 0, 200_000).bytes;
      expect(a.findIndex((byte, i) => byte !== b[i])).toBe(-1);
    }
  });
});

describe("relaxed build", () => {
  // fused multiply-add is for the other kernels: here it would change the streams
  it.each(kinds)("has the same %s to the bit, where the platform runs it", async (kind) => {
    if (!(await supported("relaxed"))) return;
    const relaxed = await loadEngine({ backend: "relaxed" });
    expect(draw(relaxed, kind, named({ seed: 12 }), 50_001, 2)).toEqual(
      draw(simd, kind, named({ seed: 12 }), 50_001, 2),
    );
  });
});

describe("precision", () => {
  it("f32 and f64 normals of a draw differ by f32 rounding and the low bits of u", () => {
    const n = 1 << 19;
    const name = named({ seed: 8 });
    const words = draw(simd, "words", name, n);
    const single = draw(simd, "normals_f32", name, n);
    const double = draw(simd, "normals_f64", name, n);
    for (let i = 0; i < n; i++) {
      const u = (words[i & ~1]! + 0.5) / 2 ** 32;
      const r = Math.hypot(double[i & ~1]!, double[i | 1]!);
      // |dr| = |du| / (u r), and half a word of angle; the roundings of r, sine or cosine and product: 4 ulp
      const allowed = 2 ** -33 / (u * r) + 2 * Math.PI * 2 ** -32 * r + 4 * 2 ** -24 * r;
      const gap = Math.abs(single[i]! - double[i]!);
      if (gap > allowed) expect(gap, `draw ${i}`).toBeLessThanOrEqual(allowed);
    }
  });

  it("uniforms stay in their ranges and round to each other", () => {
    const n = 1 << 18;
    const single = draw(simd, "uniforms_f32", named(), n);
    const double = draw(simd, "uniforms_f64", named(), n);
    for (let i = 0; i < n; i++) {
      const ok = single[i]! > 0 && single[i]! <= 1 && double[i]! > 0 && double[i]! < 1;
      if (!ok || Math.abs(single[i]! - double[i]!) > 2 ** -24) expect.unreachable(`draw ${i}`);
    }
  });
});
