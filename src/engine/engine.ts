// An engine: one build of the kernels and its memory.

import { SpecError } from "./errors";
import type { Backend, Kernels } from "./kernels";
import { type AddressSpace, Memory } from "./memory";
import { instantiateBuild, supported } from "./wasm";

/** A build of the kernels, ready to run. */
export interface Engine {
  /** Which build it is. */
  readonly backend: Backend;
  /** The raw kernels; see assembly/ for what each does. */
  readonly kernels: Kernels;
  /** A fresh set of allocations; the caller frees it. */
  memory(): Memory;
  /** Bytes of the address space, and bytes of it in use. */
  usage(): { capacity: number; live: number };
}

const engines = new Map<Backend, Promise<Engine>>();

/** Names of the builds, in the order in which they are preferred. */
export const backends: readonly Backend[] = ["simd", "relaxed", "js"];

/**
 * Loads a build of the kernels; the same engine is returned to all who ask in one thread.
 *
 * @param options.backend  `simd` (default; `js` is taken where the platform has no WebAssembly SIMD), `relaxed` (fused
 *                         multiply-add, only by name) or `js`
 * @throws {SpecError} where a build asked for by name cannot run here
 */
export async function loadEngine(options: { backend?: Backend | undefined } = {}): Promise<Engine> {
  const { backend } = options;
  if (backend !== undefined && !backends.includes(backend)) {
    throw new SpecError("backend", backend, `one of ${backends.join(", ")}`);
  }
  const chosen = backend ?? ((await supported("simd")) ? "simd" : "js");
  let engine = engines.get(chosen);
  if (!engine) {
    engine = start(chosen);
    engines.set(chosen, engine);
    engine.catch(() => engines.delete(chosen));
  }
  return engine;
}

async function start(backend: Backend): Promise<Engine> {
  let kernels: Kernels;
  let space: AddressSpace;
  if (backend === "js") {
    const { plainBuild } = await import("./js");
    ({ kernels, space } = plainBuild());
  } else {
    if (!(await supported(backend))) {
      throw new SpecError(
        "backend",
        backend,
        "a build that this WebAssembly engine can run",
        backend === "relaxed"
          ? "Relaxed SIMD needs Node 22 or a browser of 2024 or later; use backend simd."
          : "Use backend js.",
      );
    }
    ({ kernels, space } = await instantiateBuild(backend));
  }
  let live = 0;
  const sizes = new Map<number, number>();
  const counted: AddressSpace = {
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
  };
  return {
    backend,
    kernels,
    memory: () => new Memory(counted),
    usage: () => ({ capacity: space.buffer().byteLength, live }),
  };
}
