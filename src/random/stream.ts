// Keyed counter-based streams of random numbers: a stream is a name, not a state. Draw `index` of step `step` of a stream
// is always the same number, whoever asks, in whatever order (docs/streams.md).

import { checkCount, checkDraws, checkKey, type DrawOptions, high, type StreamKey } from "../engine/draws";
import { Heap } from "../engine/js/heap";
import { type RandomKernels, randomKernels } from "../engine/js/random";

/** A stream of random numbers. */
export interface Stream extends StreamKey {
  /** n standard normals. */
  normals(n: number, options?: DrawOptions): Float64Array;
  /** Fills an array with standard normals, in its own precision; allocates nothing. */
  normalsInto<T extends Float32Array | Float64Array>(out: T, options?: DrawOptions): T;
  /** n uniforms in (0, 1). */
  uniforms(n: number, options?: DrawOptions): Float64Array;
  /** Fills an array with uniforms, in (0, 1) in f64 and (0, 1] in f32; allocates nothing. */
  uniformsInto<T extends Float32Array | Float64Array>(out: T, options?: DrawOptions): T;
  /** n words of 32 bits. */
  words(n: number, options?: DrawOptions): Uint32Array;
}

/**
 * A stream by name. Its methods are pure functions of the name and of the draws asked for: call with `step` to get new
 * numbers. They run in plain TypeScript, with the same bits as the kernels; an engine's `normals` fills large arrays faster.
 *
 * @param seed     integer in [0, 2^53)
 * @param options  purpose (0), replica (0)
 * @throws {SpecError} with the path of the wrong number
 * @see Salmon, Moraes, Dror, Shaw, SC 2011 (Philox4x32-10); docs/streams.md
 */
export function stream(seed: number, options: { purpose?: number; replica?: number } = {}): Stream {
  const key = checkKey({ seed, purpose: options.purpose ?? 0, replica: options.replica ?? 0 });
  const fill = (kind: "normals" | "uniforms") =>
    function into<T extends Float32Array | Float64Array>(out: T, draws: DrawOptions = {}): T {
      draw(plain(), kind, key, out, checkDraws(draws, out.length));
      return out;
    };
  const normalsInto = fill("normals");
  const uniformsInto = fill("uniforms");
  return {
    ...key,
    normalsInto,
    uniformsInto,
    normals: (n, draws) => normalsInto(new Float64Array(checkCount(n)), draws),
    uniforms: (n, draws) => uniformsInto(new Float64Array(checkCount(n)), draws),
    words(n, draws = {}) {
      const out = new Uint32Array(checkCount(n));
      draw(plain(), "words", key, out, checkDraws(draws, n));
      return out;
    },
  };
}

/** `count` normals of a stream from `from` on at one step; keys are taken as checked. */
export function normalsOf(key: StreamKey, draws: { step: number; from: number; count: number }): Float64Array {
  const out = new Float64Array(draws.count);
  draw(plain(), "normals", key, out, draws);
  return out;
}

let shared: { heap: Heap; kernels: RandomKernels; room: number } | null = null;

// Made at the first draw, not at import.
function plain() {
  if (!shared) {
    const heap = new Heap();
    shared = { heap, kernels: randomKernels(heap), room: heap.allocate(1024 * 8) };
  }
  return shared;
}

function draw(
  { heap, kernels, room }: { heap: Heap; kernels: RandomKernels; room: number },
  kind: "normals" | "uniforms" | "words",
  { seed, purpose, replica }: StreamKey,
  out: Float32Array | Float64Array | Uint32Array,
  { step, from }: { step: number; from: number },
): void {
  const view = out instanceof Float64Array ? heap.f64 : out instanceof Float32Array ? heap.f32 : heap.u32;
  const kernel = kind === "words" ? kernels.words : kernels[`${kind}_${out instanceof Float32Array ? "f32" : "f64"}`];
  for (let done = 0; done < out.length; done += 1024) {
    const n = Math.min(1024, out.length - done);
    kernel(room, n, seed | 0, high(seed), purpose, replica | 0, step | 0, high(step), (from + done) >>> 0);
    out.set(view.subarray(room / view.BYTES_PER_ELEMENT, room / view.BYTES_PER_ELEMENT + n), done);
  }
}
