// Memory of the kernels: one address space a build, allocated here, freed here, and never seen outside the engine's
// callers: a public array is always a copy.

/** Element types that stand in kernel memory. */
export type Precision = "f32" | "f64";

/** What an address space must offer; met by WebAssembly (through the loader) and by the plain build's heap. */
export interface AddressSpace {
  /** The buffer as it is now; it is another one after it has grown, so take it, use it, and let it go. */
  buffer(): ArrayBufferLike;
  /** Zeroed bytes at a multiple of 16. */
  allocate(bytes: number): number;
  /** Gives back every pointer of a list. */
  release(pointers: readonly number[]): void;
}

/**
 * The allocations of one run, freed together.
 *
 * Views are live: they die when memory grows, so they are taken anew at each use and never handed to a user.
 */
export class Memory {
  #pointers: number[] = [];
  /** @param space the address space to take from */
  constructor(private readonly space: AddressSpace) {}

  /** Zeroed bytes, 16-byte aligned. */
  allocate(bytes: number): number {
    const pointer = this.space.allocate(Math.max(16, Math.ceil(bytes)));
    this.#pointers.push(pointer);
    return pointer;
  }
  /** Room for numbers of the precision, rounded up to whole panels so that kernels may read past the end. */
  reserve(precision: Precision, length: number): number {
    return this.allocate(Math.ceil((length * (precision === "f32" ? 4 : 8)) / 32) * 32);
  }
  /** A copy of numbers in kernel memory. */
  put(precision: Precision, values: ArrayLike<number>): number {
    const pointer = this.reserve(precision, values.length);
    this.view(precision, pointer, values.length).set(values);
    return pointer;
  }
  /** A block of 8-byte slots (assembly/layout.ts). */
  block(slots: number): number {
    return this.allocate(slots * 8);
  }
  /** Writes an integer or pointer into a block's slot. */
  setInteger(block: number, slot: number, value: number): void {
    new DataView(this.space.buffer()).setInt32(block + slot * 8, value, true);
  }
  /** Writes a number into a block's slot. */
  setReal(block: number, slot: number, value: number): void {
    new DataView(this.space.buffer()).setFloat64(block + slot * 8, value, true);
  }
  /** Live view of numbers. */
  view(precision: Precision, pointer: number, length: number): Float32Array | Float64Array {
    return precision === "f32" ? this.f32(pointer, length) : this.f64(pointer, length);
  }
  /** Live view. */
  f64(pointer: number, length: number): Float64Array {
    return new Float64Array(this.space.buffer(), pointer, length);
  }
  /** Live view. */
  f32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.space.buffer(), pointer, length);
  }
  /** Live view. */
  i32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.space.buffer(), pointer, length);
  }
  /** Live view. */
  u32(pointer: number, length: number): Uint32Array {
    return new Uint32Array(this.space.buffer(), pointer, length);
  }
  /** Live view. */
  u8(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.space.buffer(), pointer, length);
  }
  /** Gives everything back; may be called more than once. */
  free(): void {
    const pointers = this.#pointers;
    this.#pointers = [];
    if (pointers.length > 0) this.space.release(pointers);
  }
}

/**
 * The same address space with a count of the bytes in use.
 *
 * @param space  the address space
 */
export function counted(space: AddressSpace): { space: AddressSpace; live(): number } {
  let live = 0;
  const sizes = new Map<number, number>();
  return {
    live: () => live,
    space: {
      buffer: () => space.buffer(),
      allocate(bytes) {
        const pointer = space.allocate(bytes);
        sizes.set(pointer, bytes);
        live += bytes;
        return pointer;
      },
      release(pointers) {
        space.release(pointers);
        for (const pointer of pointers) {
          live -= sizes.get(pointer) ?? 0;
          sizes.delete(pointer);
        }
      },
    },
  };
}
