// Plain twin of assembly/random.ts: the same streams to the bit, one block of four draws at a time.        docs/streams.md

import {
  COS32_1,
  COS32_2,
  COS32_3,
  HALF_PI,
  HALF_PI_WORD32,
  RADIUS32_0,
  RADIUS32_1,
  RADIUS32_2,
  RADIUS32_3,
  RADIUS32_4,
  RADIUS32_5,
  RADIUS32_6,
  RADIUS32_7,
  RADIUS32_8,
  SIN32_1,
  SIN32_2,
  SIN32_3,
  TWO_LN2,
  TWO_LN2_32,
} from "../../../assembly/coefficients";
import type { Kernels } from "../kernels";
import { cosSeries, logSeries, sinSeries } from "../math";
import type { Heap } from "./heap";

/** The kernels that draw from streams. */
export type RandomKernels = Pick<
  Kernels,
  "philox" | "words" | "uniforms_f32" | "uniforms_f64" | "normals_f32" | "normals_f64"
>;

const TWO_M20 = 1 / 1048576;
const TWO_M32 = 1 / 4294967296;
const TWO_M33 = TWO_M32 / 2;
const TWO_M53 = TWO_M33 * TWO_M20;
/** Adding and subtracting 1.5 · 2^52 rounds to the nearest integer. */
const ROUND = 6755399441055744;

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new Int32Array(double.buffer);

/** The words of a block: those of the f32 draws, then the low words that f64 draws take besides. */
const state = new Int32Array(8);
/** The draws of a block. */
const four = new Float64Array(4);

/** The stream kernels of one heap. */
export function randomKernels(heap: Heap): RandomKernels {
  return {
    philox(out, key0, key1, c0, c1, c2, c3) {
      block(0, key0, key1, c0, c1, c2, c3);
      for (let j = 0; j < 4; j++) heap.u32[(out >>> 2) + j] = state[j]!;
    },
    words(out, n, seedLow, seedHigh, purpose, replica, stepLow, stepHigh, from) {
      const key1 = seedHigh | (purpose << 21);
      draw(heap.u32, out >>> 2, n, from, false, takeWords, seedLow, key1, replica, stepLow, stepHigh);
    },
    uniforms_f32(out, n, seedLow, seedHigh, purpose, replica, stepLow, stepHigh, from) {
      const key1 = seedHigh | (purpose << 21);
      draw(heap.f32, out >>> 2, n, from, false, uniforms32, seedLow, key1, replica, stepLow, stepHigh);
    },
    uniforms_f64(out, n, seedLow, seedHigh, purpose, replica, stepLow, stepHigh, from) {
      const key1 = seedHigh | (purpose << 21);
      draw(heap.f64, out >>> 3, n, from, true, uniforms64, seedLow, key1, replica, stepLow, stepHigh);
    },
    normals_f32(out, n, seedLow, seedHigh, purpose, replica, stepLow, stepHigh, from) {
      const key1 = seedHigh | (purpose << 21);
      draw(heap.f32, out >>> 2, n, from, false, normals32, seedLow, key1, replica, stepLow, stepHigh);
    },
    normals_f64(out, n, seedLow, seedHigh, purpose, replica, stepLow, stepHigh, from) {
      const key1 = seedHigh | (purpose << 21);
      draw(heap.f64, out >>> 3, n, from, true, normals64, seedLow, key1, replica, stepLow, stepHigh);
    },
  };
}

/** Draws `from` … `from + n − 1` into `numbers` from index `at` on; `make` turns the words of a block into draws. */
function draw(
  numbers: Uint32Array | Float32Array | Float64Array,
  at: number,
  n: number,
  from: number,
  wide: boolean,
  make: () => void,
  key0: number,
  key1: number,
  replica: number,
  stepLow: number,
  stepHigh: number,
): void {
  let index = from >>> 2;
  for (let i = -(from & 3); i < n; i += 4) {
    block(0, key0, key1, index, stepLow, stepHigh, replica);
    if (wide) block(4, key0, key1, index, stepLow, stepHigh | 0x80000000, replica);
    index++;
    make();
    if (i >= 0 && i + 4 <= n) {
      numbers[at + i] = four[0]!;
      numbers[at + i + 1] = four[1]!;
      numbers[at + i + 2] = four[2]!;
      numbers[at + i + 3] = four[3]!;
    } else {
      for (let j = Math.max(0, -i); j < Math.min(4, n - i); j++) numbers[at + i + j] = four[j]!;
    }
  }
}

/** Philox4x32-10: four words into `state` from `place` on. The 64-bit products go by 16-bit halves: no sum leaves 32 bits. */
function block(place: number, key0: number, key1: number, c0: number, c1: number, c2: number, c3: number): void {
  // Local, because a bundler makes module constants variables, which the engine must then look up and check.
  const multiplier0 = 0xd2511f53 | 0;
  const multiplier1 = 0xcd9e8d57 | 0;
  const weyl0 = 0x9e3779b9 | 0;
  const weyl1 = 0xbb67ae85 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  for (let round = 0; round < 10; round++) {
    const low0 = x0 & 0xffff;
    const high0 = x0 >>> 16;
    const a = (Math.imul(low0, 0xd251) + (Math.imul(low0, 0x1f53) >>> 16)) | 0;
    const b = ((a & 0xffff) + Math.imul(high0, 0x1f53)) | 0;
    const upper0 = (Math.imul(high0, 0xd251) + (a >>> 16) + (b >>> 16)) | 0;
    const low1 = x2 & 0xffff;
    const high1 = x2 >>> 16;
    const c = (Math.imul(low1, 0xcd9e) + (Math.imul(low1, 0x8d57) >>> 16)) | 0;
    const d = ((c & 0xffff) + Math.imul(high1, 0x8d57)) | 0;
    const upper1 = (Math.imul(high1, 0xcd9e) + (c >>> 16) + (d >>> 16)) | 0;
    const y1 = Math.imul(x2, multiplier1);
    const y3 = Math.imul(x0, multiplier0);
    x0 = upper1 ^ x1 ^ k0;
    x2 = upper0 ^ x3 ^ k1;
    x1 = y1;
    x3 = y3;
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  state[place] = x0;
  state[place + 1] = x1;
  state[place + 2] = x2;
  state[place + 3] = x3;
}

function takeWords(): void {
  for (let j = 0; j < 4; j++) four[j] = state[j]! >>> 0;
}

function uniforms32(): void {
  for (let j = 0; j < 4; j++) four[j] = Math.fround(Math.fround(state[j]! >>> 0) * TWO_M32 + TWO_M33);
}

function uniforms64(): void {
  for (let j = 0; j < 4; j++) four[j] = uniform64(state[j]!, state[4 + j]!);
}

function uniform64(high: number, low: number): number {
  return ((high >>> 0) + (low >>> 12) * TWO_M20) * TWO_M32 + TWO_M53;
}

function normals32(): void {
  for (let j = 0; j < 4; j += 2) {
    const r = radius32(state[j]!);
    const word = state[j + 1]!;
    const x = Math.fround(Math.fround(word << 2) * HALF_PI_WORD32);
    const quadrant = (word + 0x20000000) >>> 30;
    const z = Math.fround(x * x);
    const s3 = Math.fround(Math.fround(Math.fround(SIN32_3 * z) + SIN32_2) * z);
    const s = Math.fround(Math.fround(Math.fround(z * x) * Math.fround(s3 + SIN32_1)) + x);
    const c3 = Math.fround(Math.fround(Math.fround(COS32_3 * z) + COS32_2) * z);
    const c1 = Math.fround(Math.fround(z * Math.fround(c3 + COS32_1)) - 0.5);
    const c = Math.fround(Math.fround(c1 * z) + 1);
    four[j] = Math.fround(r * cosine(quadrant, s, c));
    four[j + 1] = Math.fround(r * sine(quadrant, s, c));
  }
}

function normals64(): void {
  for (let j = 0; j < 4; j += 2) {
    const r = radius64(uniform64(state[j]!, state[4 + j]!));
    const turn4 = 4 * uniform64(state[j + 1]!, state[5 + j]!);
    const place = turn4 + ROUND - ROUND;
    const x = (turn4 - place) * HALF_PI;
    const quadrant = place & 3;
    const z = x * x;
    const s = z * x * sinSeries(z) + x;
    const c = (z * cosSeries(z) - 0.5) * z + 1;
    four[j] = r * cosine(quadrant, s, c);
    four[j + 1] = r * sine(quadrant, s, c);
  }
}

/** cos(x + quadrant π/2) and sin(x + quadrant π/2) from s = sin x, c = cos x. */
function cosine(quadrant: number, s: number, c: number): number {
  return quadrant === 0 ? c : quadrant === 1 ? -s : quadrant === 2 ? -c : s;
}
function sine(quadrant: number, s: number, c: number): number {
  return quadrant === 0 ? s : quadrant === 1 ? c : quadrant === 2 ? -s : -c;
}

/** √(−2 log u), u = (word + ½) 2^−32, in f32: −2 log(1 + f) = f N(f) where u = 2^k (1 + f), −½ ≤ f < 0. */
function radius32(word: number): number {
  let f = Math.fround(Math.fround(word) * TWO_M32 + TWO_M33);
  let shift = 0;
  if (word >= 0) {
    single[0] = f;
    const bits = singleBits[0]!;
    shift = Math.fround(((bits >>> 23) - 126) * -TWO_LN2_32);
    singleBits[0] = (bits & 0x7fffff) | 0x3f000000;
    f = Math.fround(single[0] - 1);
  }
  let p = Math.fround(Math.fround(RADIUS32_8 * f) + RADIUS32_7);
  p = Math.fround(Math.fround(p * f) + RADIUS32_6);
  p = Math.fround(Math.fround(p * f) + RADIUS32_5);
  p = Math.fround(Math.fround(p * f) + RADIUS32_4);
  p = Math.fround(Math.fround(p * f) + RADIUS32_3);
  p = Math.fround(Math.fround(p * f) + RADIUS32_2);
  p = Math.fround(Math.fround(p * f) + RADIUS32_1);
  p = Math.fround(Math.fround(p * f) + RADIUS32_0);
  return Math.fround(Math.sqrt(Math.fround(shift + Math.fround(f * p))));
}

/** √(−2 log u) in f64: u = 2^k m, √½ ≤ m < √2, log m = s (2 + z L(z)). */
function radius64(u: number): number {
  double[0] = u;
  const t = doubleBits[1]! - (0x3fe6a09e - 0x3ff00000);
  doubleBits[1] = (t & 0xfffff) + 0x3fe6a09e;
  const m = double[0];
  const s = (m - 1) / (m + 1);
  return Math.sqrt(((t >>> 20) - 1023) * -TWO_LN2 - (s + s) * (logSeries(s) + 2));
}
