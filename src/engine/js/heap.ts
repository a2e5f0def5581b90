// Address space of the plain build: one growing buffer, first fit, neighbours joined when freed.

import type { AddressSpace } from "../memory";

/** The heap's view of one precision; indices are in its elements. */
export type Numbers = Float32Array | Float64Array;

/** Typed views of the whole buffer, and the allocator over it. */
export class Heap implements AddressSpace {
  f32!: Float32Array;
  f64!: Float64Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  u8!: Uint8Array;
  #buffer = new ArrayBuffer(0);
  /** Free runs [start, end), ascending, never touching. */
  #free: [number, number][] = [];
  readonly #sizes = new Map<number, number>();

  constructor() {
    this.#grow(1 << 16);
  }

  buffer(): ArrayBuffer {
    return this.#buffer;
  }

  allocate(bytes: number): number {
    const size = (bytes + 15) & ~15;
    let place = this.#free.findIndex(([start, end]) => end - start >= size);
    if (place < 0) {
      this.#grow(Math.max(this.#buffer.byteLength, size));
      place = this.#free.length - 1;
    }
    const run = this.#free[place]!;
    const pointer = run[0];
    run[0] += size;
    if (run[0] === run[1]) this.#free.splice(place, 1);
    this.#sizes.set(pointer, size);
    this.u8.fill(0, pointer, pointer + size);
    return pointer;
  }

  release(pointers: readonly number[]): void {
    for (const pointer of pointers) {
      const size = this.#sizes.get(pointer);
      if (size === undefined) continue;
      this.#sizes.delete(pointer);
      this.#free.push([pointer, pointer + size]);
    }
    this.#free.sort((a, b) => a[0] - b[0]);
    const joined: [number, number][] = [];
    for (const run of this.#free) {
      const last = joined.at(-1);
      if (last && last[1] === run[0]) last[1] = run[1];
      else joined.push(run);
    }
    this.#free = joined;
  }

  #grow(bytes: number): void {
    const old = this.#buffer;
    const size = old.byteLength + bytes;
    this.#buffer = new ArrayBuffer(size);
    new Uint8Array(this.#buffer).set(new Uint8Array(old));
    this.f32 = new Float32Array(this.#buffer);
    this.f64 = new Float64Array(this.#buffer);
    this.i32 = new Int32Array(this.#buffer);
    this.u32 = new Uint32Array(this.#buffer);
    this.u8 = new Uint8Array(this.#buffer);
    // address 0 stays unused: it means "none" in a block
    const start = old.byteLength === 0 ? 16 : old.byteLength;
    const last = this.#free.at(-1);
    if (last && last[1] === start) last[1] = size;
    else this.#free.push([start, size]);
  }
}
