// Loads a build of the matrix kernels, with a memory of its own: what a matrix takes does not stay with the engine of the networks.

import { backends } from "../../engine/engine";
import { SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import { counted, Memory } from "../../engine/memory";
import { type Build, compile, inflated, instantiated } from "../../engine/wasm";
import type { MatrixKernels } from "./kernels";

/** A build of the matrix kernels, ready to run. */
export interface MatrixEngine {
  /** Which build it is. */
  readonly backend: Backend;
  /** The raw kernels. */
  readonly kernels: MatrixKernels;
  /** A fresh set of allocations; the caller frees it. */
  memory(): Memory;
  /** Bytes of the address space, and bytes of it in use. */
  usage(): { capacity: number; live: number };
}

const engines = new Map<Backend, Promise<MatrixEngine>>();

/**
 * Loads a build; the same engine is returned to all who ask in one thread.
 *
 * @param backend  simd where it runs, else js, unless one is named
 * @throws {SpecError} where a build asked for by name cannot run here
 */
export async function loadMatrixEngine(backend?: Backend): Promise<MatrixEngine> {
  if (backend !== undefined && !backends.includes(backend)) {
    throw new SpecError("options.backend", backend, `one of ${backends.join(", ")}`);
  }
  const chosen = backend ?? ((await bytesOf("simd")) ? "simd" : "js");
  let engine = engines.get(chosen);
  if (!engine) {
    engine = start(chosen);
    engines.set(chosen, engine);
    engine.catch(() => engines.delete(chosen));
  }
  return engine;
}

async function start(backend: Backend): Promise<MatrixEngine> {
  const { kernels, space } = await build(backend);
  const { space: ours, live } = counted(space);
  return {
    backend,
    kernels,
    memory: () => new Memory(ours),
    usage: () => ({ capacity: space.buffer().byteLength, live: live() }),
  };
}

async function build(backend: Backend): Promise<Build<MatrixKernels>> {
  if (backend === "js") return (await import("./plain")).plainMatrixBuild();
  const bytes = await bytesOf(backend);
  if (bytes) return instantiated(await compile(backend, bytes));
  throw new SpecError(
    "options.backend",
    backend,
    "a build that this WebAssembly engine can run",
    backend === "relaxed"
      ? "Relaxed SIMD needs Node 22 or a browser of 2024 or later; use backend simd."
      : "Use backend js.",
  );
}

const modules = new Map<string, Promise<Uint8Array<ArrayBuffer> | null>>();

/** The module of a build, or null where it does not run. */
function bytesOf(backend: "simd" | "relaxed"): Promise<Uint8Array<ArrayBuffer> | null> {
  let module = modules.get(backend);
  if (!module) {
    module = readModule(backend);
    modules.set(backend, module);
    module.catch(() => modules.delete(backend));
  }
  return module;
}

async function readModule(backend: "simd" | "relaxed"): Promise<Uint8Array<ArrayBuffer> | null> {
  if (typeof WebAssembly !== "object") return null;
  const { wasm } = await (backend === "simd"
    ? import("../../generated/matrixSimd")
    : import("../../generated/matrixRelaxed"));
  const bytes = await inflated(wasm);
  return WebAssembly.validate(bytes) ? bytes : null;
}
