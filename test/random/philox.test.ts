// The generator and the layout of docs/streams.md against answers computed elsewhere (test/reference/philox.json: vectors
// published with Random123; draws in Python integers and 40 digits), in the builds that every platform has.

import { beforeAll, describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import reference from "../reference/philox.json";
import { draw, drawGuarded, hash, type Kind, named } from "./kernelDraws";

describe.each(["simd", "js"] as const)("%s build", (backend) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadEngine({ backend });
  });

  it("gives the published vectors of Philox4x32-10", () => {
    for (const { key, counter, words } of reference.published) {
      const room = engine.memory();
      const out = room.allocate(16);
      const [k0, k1] = key as [number, number];
      const [c0, c1, c2, c3] = counter as [number, number, number, number];
      engine.kernels.philox(out, k0 | 0, k1 | 0, c0 | 0, c1 | 0, c2 | 0, c3 | 0);
      expect([...room.u32(out, 4)]).toEqual(words);
      room.free();
    }
  });

  it.each(reference.streams)("lays out seed $seed, purpose $purpose, replica $replica, step $step", (stream) => {
    const n = stream.words.length;
    expect([...draw(engine, "words", stream, n, stream.from)]).toEqual(stream.words);
    expect([...draw(engine, "uniforms_f64", stream, n, stream.from)]).toEqual(stream.uniforms);
    expect([...draw(engine, "uniforms_f32", stream, n, stream.from)]).toEqual(
      stream.words.map((w) => Math.fround(Math.fround(w) / 2 ** 32 + 2 ** -33)),
    );
    // radius, sine and cosine are good to about an ulp each, and |z| < 8.6
    draw(engine, "normals_f64", stream, n, stream.from).forEach((z, i) => {
      expect(Math.abs(z - stream.normals[i]!)).toBeLessThan(2e-15);
    });
  });

  // Frozen: all results stand on these bits.
  it.each([
    ["words", "84dbaad7"],
    ["uniforms_f32", "5da99749"],
    ["uniforms_f64", "2534628d"],
    ["normals_f32", "484f9e8d"],
    ["normals_f64", "a3e8e778"],
  ] as [Kind, string][])("%s have the bits they always had", (kind, frozen) => {
    const name = named({ seed: 20190214, purpose: 3, replica: 9, step: 77 });
    expect(hash(drawGuarded(engine, kind, name, 1, 30011).bytes)).toBe(frozen);
  });

  it("repeats a name and changes with every part of it", () => {
    const first = draw(engine, "words", named(), 8);
    expect(draw(engine, "words", named(), 8)).toEqual(first);
    for (const other of [
      { seed: 2 },
      { seed: 1 + 2 ** 32 },
      { seed: 1 + 2 ** 52 },
      { purpose: 1 },
      { purpose: 128 },
      { replica: 1 },
      { replica: 2 ** 31 },
      { step: 1 },
      { step: 2 ** 32 },
      { step: 2 ** 52 },
    ]) {
      const words = draw(engine, "words", named(other), 8);
      words.forEach((w, i) => {
        expect(w, JSON.stringify(other)).not.toBe(first[i]);
      });
    }
  });
});
