// Names of streams and of draws, checked; normals of a stream by the kernels.                         docs/streams.md

import { SpecError } from "./errors";
import type { Kernels } from "./kernels";
import type { Memory } from "./memory";

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

/** Draws a kernel makes at a time. */
const CHUNK = 1 << 16;

/** Draws of one step: a 32-bit block number and two bits of place; kernels count them in 32 bits. */
const MOST_DRAWS = 2 ** 32;

/** Fills an array with the normals of a stream, in its own precision. */
export function fillNormals(
  kernels: Kernels,
  memory: Memory,
  key: StreamKey,
  out: Float32Array | Float64Array,
  options: DrawOptions,
): void {
  const { step, from } = checkDraws(options, out.length);
  const { seed, purpose, replica } = checkKey(key);
  const precision = out instanceof Float32Array ? "f32" : "f64";
  const room = Math.min(out.length, CHUNK);
  const at = memory.allocate(room * out.BYTES_PER_ELEMENT);
  for (let done = 0; done < out.length; done += room) {
    const n = Math.min(room, out.length - done);
    const first = (from + done) | 0;
    kernels[`normals_${precision}`](at, n, seed | 0, high(seed), purpose, replica | 0, step | 0, high(step), first);
    out.set(memory.view(precision, at, n), done);
  }
}

/** The upper word of an integer below 2^53. */
export function high(x: number): number {
  return Math.floor(x / 4294967296);
}

/** A stream's name, checked. */
export function checkKey(key: StreamKey): StreamKey {
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

/** A number of draws, checked. */
export function checkCount(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 2 ** 30) throw new SpecError("n", n, "an integer from 0 to 2^30");
  return n;
}

/** Step and first index, checked for n draws. */
export function checkDraws(options: DrawOptions, n: number): { step: number; from: number } {
  const { step = 0, from = 0 } = options;
  if (!Number.isSafeInteger(step) || step < 0) throw new SpecError("step", step, "an integer from 0 to 2^53 − 1");
  if (!Number.isInteger(from) || from < 0 || from + n > MOST_DRAWS) {
    throw new SpecError("from", from, `an index from 0 to 2^32 − ${n}`);
  }
  return { step, from };
}
