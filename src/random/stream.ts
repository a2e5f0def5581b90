// Keyed counter-based streams of random numbers: a stream is a name, not a state. Draw `index` of step `step` of a stream
// is always the same number, whoever asks, in whatever order (docs/streams.md).

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { Heap } from "../engine/js/heap";
import { type RandomKernels, randomKernels } from "../engine/js/random";

/** Name of a stream. */
export interface StreamKey {
  /** Integer in [0, 2^53). */
  seed: number;
  /** What the numbers are for, 0 … 255; 0 is the user's own. */
  purpose: number;
  /** Replica, 0 … 2^32 − 1. */
  replica: number;
}

/** Which draws of a stream. */
export interface DrawOptions {
  /** Step, an integer in [0, 2^53) (0). */
  step?: number;
  /** Index of the first draw (0). */
  from?: number;
}

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
 * numbers. They run in plain TypeScript, with the same bits as the kernels; `engineNormals` fills large arrays faster.
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

/**
 * Standard normals by an engine's kernels: the same bits as `stream(…).normals`, an order of magnitude faster.
 *
 * @param out  filled from its first element, in its own precision
 */
export function engineNormals<T extends Float32Array | Float64Array>(
  engine: Engine,
  key: StreamKey,
  out: T,
  options: DrawOptions = {},
): T {
  const { step, from } = checkDraws(options, out.length);
  const { seed, purpose, replica } = checkKey(key);
  const memory = engine.memory();
  try {
    const single = out instanceof Float32Array;
    const kernel = single ? engine.kernels.normals_f32 : engine.kernels.normals_f64;
    const room = Math.min(out.length, CHUNK);
    const at = memory.allocate(room * out.BYTES_PER_ELEMENT);
    for (let done = 0; done < out.length; done += room) {
      const n = Math.min(room, out.length - done);
      kernel(at, n, seed | 0, high(seed), purpose, replica | 0, step | 0, high(step), (from + done) | 0);
      out.set(memory.view(single ? "f32" : "f64", at, n), done);
    }
  } finally {
    memory.free();
  }
  return out;
}

/** Draws a kernel makes at a time. */
const CHUNK = 1 << 16;

/** Draws of one step: a 32-bit block number and two bits of place; kernels count them in 32 bits. */
const MOST_DRAWS = 2 ** 32;

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

function high(x: number): number {
  return Math.floor(x / 4294967296);
}

function checkKey(key: StreamKey): StreamKey {
  const { seed, purpose, replica } = key;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new SpecError("seed", seed, "an integer from 0 to 2^53 − 1");
  if (!Number.isInteger(purpose) || purpose < 0 || purpose > 255) {
    throw new SpecError("purpose", purpose, "an integer from 0 to 255");
  }
  if (!Number.isInteger(replica) || replica < 0 || replica > 4294967295) {
    throw new SpecError("replica", replica, "an integer from 0 to 2^32 − 1");
  }
  return key;
}

function checkCount(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 2 ** 30) throw new SpecError("n", n, "an integer from 0 to 2^30");
  return n;
}

function checkDraws(options: DrawOptions, n: number): { step: number; from: number } {
  const { step = 0, from = 0 } = options;
  if (!Number.isSafeInteger(step) || step < 0) throw new SpecError("step", step, "an integer from 0 to 2^53 − 1");
  if (!Number.isInteger(from) || from < 0 || from + n > MOST_DRAWS) {
    throw new SpecError("from", from, `an index from 0 to 2^32 − ${n}`);
  }
  return { step, from };
}
