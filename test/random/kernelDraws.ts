// Draws of a stream straight from a build's kernels, for the tests of this room.

import type { Engine } from "../../src/engine/engine";

/** Name of a stream at a step. */
export interface Name {
  seed: number;
  purpose: number;
  replica: number;
  step: number;
}

export type Kind = "words" | "uniforms_f32" | "uniforms_f64" | "normals_f32" | "normals_f64";

export const kinds: Kind[] = ["words", "uniforms_f32", "uniforms_f64", "normals_f32", "normals_f64"];

/** A name with defaults. */
export function named(part: Partial<Name> = {}): Name {
  return { seed: 1, purpose: 0, replica: 0, step: 0, ...part };
}

/** Draws from … from + n − 1 as numbers; with the bytes around them, to see that nothing else was written. */
export function drawGuarded(engine: Engine, kind: Kind, name: Name, from: number, n: number) {
  const size = kind.endsWith("f64") ? 8 : 4;
  const room = engine.memory();
  try {
    const start = room.allocate(n * size + 128);
    room.u8(start, n * size + 128).fill(0xa5);
    const { seed, purpose, replica, step } = name;
    const high = (x: number) => Math.floor(x / 2 ** 32);
    engine.kernels[kind](start + 64, n, seed | 0, high(seed), purpose, replica | 0, step | 0, high(step), from | 0);
    const at = start + 64;
    const view = size === 8 ? room.f64(at, n) : kind === "words" ? room.u32(at, n) : room.f32(at, n);
    return {
      values: Float64Array.from(view),
      bytes: room.u8(at, n * size).slice(),
      before: room.u8(start, 64).slice(),
      after: room.u8(at + n * size, 64).slice(),
    };
  } finally {
    room.free();
  }
}

/** Draws from … from + n − 1 as numbers. */
export function draw(engine: Engine, kind: Kind, name: Name, n: number, from = 0): Float64Array {
  return drawGuarded(engine, kind, name, from, n).values;
}

/** FNV-1a: equal hashes, equal bytes. */
export function hash(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16);
}
