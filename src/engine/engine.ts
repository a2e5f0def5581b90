// An engine: one build of the kernels and its memory.

import { checkCount, type DrawOptions, fillNormals, type StreamKey } from "./draws";
import { SpecError } from "./errors";
import type { Backend, Kernels } from "./kernels";
import { type AddressSpace, counted, Memory } from "./memory";
import { type StencilStage, stencilInto } from "./stencil";
import { instantiateBuild, supported } from "./wasm";

/** A build of the kernels, ready to run. */
export interface Engine {
  /** Which build it is. */
  readonly backend: Backend;
  /** The raw kernels; see assembly/ for what each does. */
  readonly kernels: Kernels;
  /** n standard normals of a stream (`stream(seed)`): the same bits as the stream's own, an order of magnitude faster. */
  normals(stream: StreamKey, n: number, options?: DrawOptions): Float64Array;
  /** Fills an array with standard normals of a stream, in its own precision. */
  normalsInto<T extends Float32Array | Float64Array>(stream: StreamKey, out: T, options?: DrawOptions): T;
  /** One conservative second-order upwind stage of ∂_t ρ = ∇·(ρ∇Ψ) on a grid of one or two axes; a new array. */
  stencil<T extends Float32Array | Float64Array>(stage: StencilStage<T>): T;
  /** The same into an array of yours, which may not be `density`. */
  stencilInto<T extends Float32Array | Float64Array>(stage: StencilStage<T>, out: T): T;
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
  const { space: ours, live } = counted(space);
  const within = <T>(use: (memory: Memory) => T): T => {
    const memory = new Memory(ours);
    try {
      return use(memory);
    } finally {
      memory.free();
    }
  };
  const engine: Engine = {
    backend,
    kernels,
    normals: (stream, n, options) => engine.normalsInto(stream, new Float64Array(checkCount(n)), options),
    normalsInto(stream, out, options = {}) {
      within((memory) => fillNormals(kernels, memory, stream, out, options));
      return out;
    },
    stencil: (stage) => engine.stencilInto(stage, stage.density.slice() as typeof stage.density),
    stencilInto(stage, out) {
      within((memory) => stencilInto(kernels, memory, stage, out));
      return out;
    },
    memory: () => new Memory(ours),
    usage: () => ({ capacity: space.buffer().byteLength, live: live() }),
  };
  return engine;
}
