// The WebAssembly builds: decoded, inflated, validated, compiled once a thread, instantiated through the AssemblyScript loader.

import { instantiate } from "@assemblyscript/loader";
import { SpecError } from "./errors";
import type { Backend, Kernels } from "./kernels";
import type { AddressSpace } from "./memory";

/** A build that was instantiated. */
export interface Build<K = Kernels> {
  kernels: K;
  space: AddressSpace;
}

type Exports<K> = K & Record<string, unknown> & { memory: WebAssembly.Memory };

/** Type id of an ArrayBuffer in every AssemblyScript runtime. */
const ARRAY_BUFFER = 1;

const compiled = new Map<Backend, Promise<WebAssembly.Module>>();

/** Lets a worker use a module that another thread has compiled. */
export function provideModule(backend: Backend, module: WebAssembly.Module): void {
  compiled.set(backend, Promise.resolve(module));
}

/** The compiled module of a build, for another thread. */
export function compiledModule(backend: "simd" | "relaxed"): Promise<WebAssembly.Module> {
  let module = compiled.get(backend);
  if (!module) {
    module = bytesOf(backend).then((bytes) => compile(backend, bytes));
    compiled.set(backend, module);
    module.catch(() => compiled.delete(backend));
  }
  return module;
}

/** Whether this engine can run a build. */
export async function supported(backend: "simd" | "relaxed"): Promise<boolean> {
  if (typeof WebAssembly !== "object") return false;
  return compiled.has(backend) || WebAssembly.validate(await bytesOf(backend));
}

async function bytesOf(backend: "simd" | "relaxed"): Promise<Uint8Array<ArrayBuffer>> {
  const { wasm } = await (backend === "simd" ? import("../generated/simd") : import("../generated/relaxed"));
  return inflated(wasm);
}

/** The bytes of a generated module. */
export async function inflated(wasm: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = atob(wasm);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  // deflated: what a server compresses again is then a quarter smaller than base64 of the module itself
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Compiles a module that this engine has found valid.
 *
 * @throws {SpecError} where a content-security policy forbids it
 */
export async function compile(backend: Backend, bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new SpecError(
      "backend",
      backend,
      "a build that may be compiled",
      `Its content-security policy needs 'wasm-unsafe-eval', or use backend js. ${error}`,
    );
  }
}

/** Instantiates a build. */
export async function instantiateBuild(backend: "simd" | "relaxed"): Promise<Build> {
  return instantiated(await compiledModule(backend));
}

/** Instantiates a module of kernels. */
export async function instantiated<K = Kernels>(module: WebAssembly.Module): Promise<Build<K>> {
  const { exports } = await instantiate<Exports<K>>(module, {});
  return {
    kernels: exports,
    space: {
      buffer: () => exports.memory.buffer,
      allocate(bytes) {
        const pointer = exports.__pin(exports.__new(bytes, ARRAY_BUFFER));
        new Uint8Array(exports.memory.buffer, pointer, bytes).fill(0);
        return pointer;
      },
      release(pointers) {
        for (const pointer of pointers) exports.__unpin(pointer);
        exports.__collect();
      },
    },
  };
}
