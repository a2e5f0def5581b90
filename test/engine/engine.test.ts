// Builds and memory of the kernels.

import { describe, expect, it } from "vitest";
import { Heap } from "../../src/engine/js/heap";
import {
  affine,
  anisotropicGaussians,
  type Backend,
  gaussian,
  loadEngine,
  open,
  SpecError,
  sgd,
  stream,
  tanh,
} from "../../src/index";

/** The relaxed build where this engine has it, else the error that says what to do. */
async function relaxed() {
  return loadEngine({ backend: "relaxed" }).catch((error: unknown) => error as SpecError);
}

describe("builds", () => {
  it("the default is simd, one engine is shared, and an unknown name is refused", async () => {
    const engine = await loadEngine();
    expect(engine.backend).toBe("simd");
    expect(await loadEngine({ backend: "simd" })).toBe(engine);
    await expect(loadEngine({ backend: "gpu" as Backend })).rejects.toThrow(/simd, relaxed, js/);
  });

  it("relaxed runs where the engine has it, with simd's streams, and says what to do where not", async () => {
    const engine = await relaxed();
    if (engine instanceof Error) {
      expect(engine).toBeInstanceOf(SpecError);
      expect(engine.message).toMatch(/Node 22|use backend simd/);
      return;
    }
    const own = engine.normals(stream(1), 99);
    expect(own).toEqual(stream(1).normals(99));
    // fused multiply-add rounds once where simd rounds twice: 100 steps stay within a few hundred units in the last place
    const process = sgd(
      {
        law: anisotropicGaussians({ dimension: 9, signal: 4, delta: 0.5 }),
        unit: affine(tanh()),
        start: gaussian({ radius: 1 }),
      },
      { neurons: 30, stepSize: 0.01, seed: 1 },
    );
    const [a, b] = await Promise.all(
      (["simd", "relaxed"] as const).map(async (backend) => {
        const simulation = await open(process, { backend });
        await simulation.advance(1);
        const measure = simulation.measure();
        simulation.free();
        return measure.kind === "particles" ? measure.values : new Float64Array();
      }),
    );
    for (let i = 0; i < a!.length; i++) expect(Math.abs(a![i]! - b![i]!)).toBeLessThan(1e-13);
  });
});

describe.each(["simd", "js"] as const)("memory of the %s build", (backend) => {
  it("is zeroed, aligned, and given back", async () => {
    const engine = await loadEngine({ backend });
    const before = engine.usage().live;
    for (let round = 0; round < 3; round++) {
      const memory = engine.memory();
      const pointers = [1, 7, 100, 4096].map((n) => memory.allocate(n));
      for (const pointer of pointers) expect(pointer % 16).toBe(0);
      const numbers = memory.reserve("f64", 33);
      expect(Array.from(memory.f64(numbers, 33))).toEqual(Array(33).fill(0));
      memory.f64(numbers, 33).fill(7);
      memory.free();
      memory.free();
      expect(engine.usage().live).toBe(before);
    }
  });

  it("keeps what it holds when it grows; views are taken anew", async () => {
    const engine = await loadEngine({ backend });
    const memory = engine.memory();
    const kept = memory.put("f64", [1, 2, 3]);
    const capacity = engine.usage().capacity;
    memory.allocate(capacity + 1);
    expect(engine.usage().capacity).toBeGreaterThan(capacity);
    expect(Array.from(memory.f64(kept, 3))).toEqual([1, 2, 3]);
    memory.free();
  });
});

describe("the plain build's heap", () => {
  it("hands out disjoint runs and joins them again, whatever the order (1,000 random moves of a fixed seed)", () => {
    const heap = new Heap();
    const held = new Map<number, number>();
    const draws = stream(77).words(2000);
    for (let k = 0; k < 1000; k++) {
      const [choice, size] = [draws[2 * k]!, (draws[2 * k + 1]! % 5000) + 1];
      if (choice % 3 > 0 || held.size === 0) {
        const pointer = heap.allocate(size);
        for (const [start, length] of held) {
          expect(pointer >= start + length || pointer + size <= start).toBe(true);
        }
        heap.u8.fill(1, pointer, pointer + size);
        held.set(pointer, size);
      } else {
        const victim = [...held.keys()][choice % held.size]!;
        heap.release([victim]);
        held.delete(victim);
      }
    }
    heap.release([...held.keys()]);
    const capacity = heap.buffer().byteLength;
    // everything is one free run again: the whole capacity but the unused first bytes can be had at once
    heap.allocate(capacity - 16);
    expect(heap.buffer().byteLength).toBe(capacity);
  });
});
