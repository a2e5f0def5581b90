// Streams of random numbers: Philox4x32-10, uniforms and normals of a (seed, purpose, replica) at a step. docs/streams.md
//
// A draw is a word of a block: draw i is word i & 3 of block i >> 2. A group is what one vector pass makes, four state
// vectors stored one behind the other:
//
//             lane 0      lane 1      lane 2      lane 3                 f32: lane b is block b of the group, 16 draws
//   word 0    ─────────── 16 bytes ───────────────────────               f64: lanes (2b, 2b + 1) are the low and the high
//   word 1    ─────────── 16 bytes ───────────────────────                    word of block b's draw, 8 draws
//   word 2    ───────────────────────────────────────────
//   word 3    ───────────────────────────────────────────
//
// All kernels: n draws from index `from` on, at `out`; any n, any `from`. No fused multiply-add in any build.

import {
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
  TWO_LN2,
  TWO_LN2_32,
} from "./coefficients";
import {
  cosReduced,
  exponentOf,
  exponentSplit,
  logSeries,
  mantissaOf,
  N,
  number,
  sinReduced,
  step,
  sum,
  term,
  turnedCos,
  turnedSin,
} from "./math";

const MULTIPLIER0: u32 = 0xd2511f53;
const MULTIPLIER1: u32 = 0xcd9e8d57;
const WEYL0: u32 = 0x9e3779b9;
const WEYL1: u32 = 0xbb67ae85;

const WORDS = 0;
const UNIFORMS = 1;
const NORMALS = 2;

/** Groups a pass: their state stays in the first-level cache. */
const PASS: u32 = 16;
const GROUP: u32 = 64;
const state: usize = memory.data(1024, 16);
const rest: usize = memory.data(64, 16);

// Constants in memory, as in math.ts.
const PHILOX = memory.data<u32>([MULTIPLIER0, MULTIPLIER1, WEYL0, WEYL1]);
/** What the lanes of a pass have in common. */
const shared: usize = memory.data(128, 16);
const RADIUS32 = memory.data<f32>([
  <f32>RADIUS32_0,
  <f32>RADIUS32_1,
  <f32>RADIUS32_2,
  <f32>RADIUS32_3,
  <f32>RADIUS32_4,
  <f32>RADIUS32_5,
  <f32>RADIUS32_6,
  <f32>RADIUS32_7,
  <f32>RADIUS32_8,
]);
/** 2^−32, 2^−33; −2 log 2; π/2 2^−32, a quarter turn less the two top bits of a word. */
const SCALES32 = memory.data<f32>([
  2.3283064365386963e-10,
  1.1641532182693481e-10,
  <f32>-TWO_LN2_32,
  <f32>HALF_PI_WORD32,
]);
/** 1 − 2^−53, 4, 4 (1 − 2^−53); −2 log 2; π/2. */
const SCALES = memory.data<f64>([1 - 1.1102230246251565e-16, 4, 4 - 4.440892098500626e-16, -TWO_LN2, HALF_PI]);
/** Mantissa; bits of ½; 126; half of a quarter turn. */
const BITS32 = memory.data<u32>([0x7fffff, 0x3f000000, 126, 1 << 29]);

/** One Philox4x32-10 block at `out`. */
export function philox(out: usize, key0: u32, key1: u32, c0: u32, c1: u32, c2: u32, c3: u32): void {
  for (let round = 0; round < 10; round++) {
    const a = <u64>c0 * MULTIPLIER0;
    const b = <u64>c2 * MULTIPLIER1;
    c0 = <u32>(b >> 32) ^ c1 ^ key0;
    c1 = <u32>b;
    c2 = <u32>(a >> 32) ^ c3 ^ key1;
    c3 = <u32>a;
    key0 += WEYL0;
    key1 += WEYL1;
  }
  store<u32>(out, c0, 0);
  store<u32>(out, c1, 4);
  store<u32>(out, c2, 8);
  store<u32>(out, c3, 12);
}

/** Raw words. */
export function words(
  out: usize,
  n: u32,
  seedLow: u32,
  seedHigh: u32,
  purpose: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  draw<f32>(WORDS, out, n, seedLow, seedHigh | (purpose << 21), replica, stepLow, stepHigh, from);
}

/** Uniforms on (0, 1]: (word + ½) 2^−32, rounded. */
export function uniforms_f32(
  out: usize,
  n: u32,
  seedLow: u32,
  seedHigh: u32,
  purpose: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  draw<f32>(UNIFORMS, out, n, seedLow, seedHigh | (purpose << 21), replica, stepLow, stepHigh, from);
}

/** Uniforms on (0, 1): (the upper 52 bits of high and low word + ½) 2^−52. */
export function uniforms_f64(
  out: usize,
  n: u32,
  seedLow: u32,
  seedHigh: u32,
  purpose: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  draw<f64>(UNIFORMS, out, n, seedLow, seedHigh | (purpose << 21), replica, stepLow, stepHigh, from);
}

/** Standard normals. */
export function normals_f32(
  out: usize,
  n: u32,
  seedLow: u32,
  seedHigh: u32,
  purpose: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  draw<f32>(NORMALS, out, n, seedLow, seedHigh | (purpose << 21), replica, stepLow, stepHigh, from);
}

/** Standard normals. */
export function normals_f64(
  out: usize,
  n: u32,
  seedLow: u32,
  seedHigh: u32,
  purpose: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  draw<f64>(NORMALS, out, n, seedLow, seedHigh | (purpose << 21), replica, stepLow, stepHigh, from);
}

function draw<T>(
  kind: i32,
  out: usize,
  n: u32,
  key0: u32,
  key1: u32,
  replica: u32,
  stepLow: u32,
  stepHigh: u32,
  from: u32,
): void {
  const size = <u32>sizeof<T>();
  const group = GROUP / size;
  let block = from >> 2;
  const skip = from & 3;
  if (skip > 0) {
    blocks<T>(1, block, key0, key1, stepLow, stepHigh, replica);
    transform<T>(kind, rest, state, 1);
    const count = min(n, group - skip);
    copyWords(out, rest + skip * size, count * size);
    out += count * size;
    n -= count;
    block += group >> 2;
  }
  while (n > 0) {
    const groups = min((n + group - 1) / group, PASS);
    const whole = min(n / group, PASS);
    blocks<T>(groups, block, key0, key1, stepLow, stepHigh, replica);
    transform<T>(kind, out, state, whole);
    out += whole * GROUP;
    n -= whole * group;
    if (whole < groups) {
      transform<T>(kind, rest, state + whole * GROUP, 1);
      copyWords(out, rest, n * size);
      return;
    }
    block += (groups * group) >> 2;
  }
}

/** Writes groups of states from `block` on. Rounds 1 and 2 meet lanes that are equal in every group: half of each is shared. */
function blocks<T>(groups: u32, block: u32, key0: u32, key1: u32, c1: u32, c2: u32, c3: u32): void {
  let counter = i32x4.splat(block);
  let lane2 = i32x4.splat(c2);
  if (sizeof<T>() === 4) {
    counter = i32x4.add(counter, i32x4(0, 1, 2, 3));
  } else {
    counter = i32x4.add(counter, i32x4(0, 0, 1, 1));
    lane2 = v128.or(lane2, i32x4(0x80000000, 0, 0x80000000, 0));
  }
  const second = v128.load32_splat(PHILOX, 4);
  const first0 = v128.xor(v128.xor(high(lane2, second), i32x4.splat(c1)), i32x4.splat(key0));
  const first1 = low(lane2, second);
  const first = v128.load32_splat(PHILOX, 0);
  v128.store(shared, i32x4.splat(16 / <i32>sizeof<T>()), 0);
  v128.store(shared, i32x4.splat(c3 ^ key1), 16);
  v128.store(shared, v128.xor(first1, i32x4.splat(key0 + WEYL0)), 32);
  v128.store(shared, v128.xor(high(first0, first), i32x4.splat(key1 + WEYL1)), 48);
  v128.store(shared, low(first0, first), 64);
  v128.store(shared, i32x4.splat(key0 + 2 * WEYL0), 80);
  v128.store(shared, i32x4.splat(key1 + 2 * WEYL1), 96);
  const end = state + groups * GROUP;
  for (let at = state; at < end; at += GROUP) {
    const m0 = v128.load32_splat(PHILOX, 0);
    const m1 = v128.load32_splat(PHILOX, 4);
    const w0 = v128.load32_splat(PHILOX, 8);
    const w1 = v128.load32_splat(PHILOX, 12);
    let k0 = v128.load(shared, 80);
    let k1 = v128.load(shared, 96);
    let y2 = v128.xor(high(counter, m0), v128.load(shared, 16));
    let x0 = v128.xor(high(y2, m1), v128.load(shared, 32));
    let x1 = low(y2, m1);
    let x2 = v128.xor(low(counter, m0), v128.load(shared, 48));
    let x3 = v128.load(shared, 64);
    for (let rounds = 0; rounds < 4; rounds++) {
      const y0 = mix(x2, m1, x1, k0);
      const y1 = low(x2, m1);
      y2 = mix(x0, m0, x3, k1);
      const y3 = low(x0, m0);
      k0 = i32x4.add(k0, w0);
      k1 = i32x4.add(k1, w1);
      x0 = mix(y2, m1, y1, k0);
      x1 = low(y2, m1);
      x2 = mix(y0, m0, y3, k1);
      x3 = low(y0, m0);
      k0 = i32x4.add(k0, w0);
      k1 = i32x4.add(k1, w1);
    }
    v128.store(at, x0, 0);
    v128.store(at, x1, 16);
    v128.store(at, x2, 32);
    v128.store(at, x3, 48);
    counter = i32x4.add(counter, v128.load(shared, 0));
  }
}

/** A new even word of the state. */
function mix(x: v128, multiplier: v128, y: v128, key: v128): v128 {
  return v128.xor(v128.xor(high(x, multiplier), y), key);
}

/** Upper words of the four 64-bit products. */
function high(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 1, 3, 5, 7);
}

/** Lower words of the four 64-bit products. */
function low(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 0, 2, 4, 6);
}

function transform<T>(kind: i32, out: usize, from: usize, groups: u32): void {
  if (kind === NORMALS) normals<T>(out, from, groups);
  else if (kind === UNIFORMS) uniforms<T>(out, from, groups);
  else transpose<T>(out, from, groups);
}

/** Words, or uniforms already made in place, from lanes to draws. */
function transpose<T>(out: usize, from: usize, groups: u32): void {
  for (const end = from + groups * GROUP; from < end; from += GROUP, out += GROUP) {
    const x0 = v128.load(from, 0);
    const x1 = v128.load(from, 16);
    const x2 = v128.load(from, 32);
    const x3 = v128.load(from, 48);
    if (sizeof<T>() === 4) {
      const a = v128.shuffle<u32>(x0, x1, 0, 4, 1, 5);
      const b = v128.shuffle<u32>(x2, x3, 0, 4, 1, 5);
      const c = v128.shuffle<u32>(x0, x1, 2, 6, 3, 7);
      const d = v128.shuffle<u32>(x2, x3, 2, 6, 3, 7);
      v128.store(out, v128.shuffle<u64>(a, b, 0, 2), 0);
      v128.store(out, v128.shuffle<u64>(a, b, 1, 3), 16);
      v128.store(out, v128.shuffle<u64>(c, d, 0, 2), 32);
      v128.store(out, v128.shuffle<u64>(c, d, 1, 3), 48);
    } else {
      v128.store(out, v128.shuffle<u64>(x0, x1, 0, 2), 0);
      v128.store(out, v128.shuffle<u64>(x2, x3, 0, 2), 16);
      v128.store(out, v128.shuffle<u64>(x0, x1, 1, 3), 32);
      v128.store(out, v128.shuffle<u64>(x2, x3, 1, 3), 48);
    }
  }
}

function uniforms<T>(out: usize, from: usize, groups: u32): void {
  for (let at = from, end = from + groups * GROUP; at < end; at += 16) v128.store(at, uniform<T>(v128.load(at)));
  transpose<T>(out, from, groups);
}

function uniform<T>(word: v128): v128 {
  if (sizeof<T>() === 4) return sum<T>(f32x4.convert_i32x4_u(word), term<T>(SCALES32, 0), term<T>(SCALES32, 1));
  return f64x2.sub(onePlus(word), term<T>(SCALES, 0));
}

/** 1 + n 2^−52, n the upper 52 bits of a lane: they go behind the exponent of 1. */
function onePlus(word: v128): v128 {
  return v128.or(i64x2.shr_u(word, 12), number<f64>(N.One));
}

/** Box–Muller on words (2j, 2j + 1): (r cos φ, r sin φ), r² = −2 log u of the even word, φ = 2π u of the odd one. */
function normals<T>(out: usize, from: usize, groups: u32): void {
  const pair = 2 * <u32>sizeof<T>();
  for (let at = from, end = from + groups * GROUP; at < end; at += 32) {
    const r = radius<T>(v128.load(at, 0));
    const word = v128.load(at, 16);
    let x: v128; // what is left of the angle after the nearest quarter turn, whose number is in the two top bits of a lane
    let turns: v128;
    if (sizeof<T>() === 4) {
      // the 30 bits below the two top ones, taken as signed
      x = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shl(word, 2)), term<T>(SCALES32, 3));
      turns = i32x4.add(word, term<T>(BITS32, 3));
    } else {
      const round = number<T>(N.Round);
      const turn4 = f64x2.sub(f64x2.mul(onePlus(word), term<T>(SCALES, 1)), term<T>(SCALES, 2));
      const place = f64x2.add(turn4, round);
      x = f64x2.mul(f64x2.sub(turn4, f64x2.sub(place, round)), term<T>(SCALES, 4));
      turns = i64x2.shl(place, 62);
    }
    const z = v128.mul<T>(x, x);
    const s = sinReduced<T>(x, z);
    const c = cosReduced<T>(z);
    const cosine = v128.mul<T>(r, turnedCos<T>(s, c, turns));
    const sine = v128.mul<T>(r, turnedSin<T>(s, c, turns));
    if (sizeof<T>() === 4) {
      const a = v128.shuffle<u32>(cosine, sine, 0, 4, 1, 5);
      const b = v128.shuffle<u32>(cosine, sine, 2, 6, 3, 7);
      v128.store64_lane(out, a, 0, 0);
      v128.store64_lane(out, a, 1, 16);
      v128.store64_lane(out, b, 0, 32);
      v128.store64_lane(out, b, 1, 48);
    } else {
      v128.store(out, v128.shuffle<u64>(cosine, sine, 0, 2), 0);
      v128.store(out, v128.shuffle<u64>(cosine, sine, 1, 3), 32);
    }
    // the pair of words 0 and 1, then that of 2 and 3, then the next group
    out += (at - from) & 32 ? GROUP - pair : pair;
  }
}

/** √(−2 log u), u = (word + ½) 2^−32 or the uniform of two words; exact to rounding near 0 and near 1. */
function radius<T>(word: v128): v128 {
  const one = number<T>(N.One);
  if (sizeof<T>() === 4) {
    // as a signed integer the word gives u − 1 where u ≥ ½, and u elsewhere
    const g = sum<T>(f32x4.convert_i32x4_s(word), term<T>(SCALES32, 0), term<T>(SCALES32, 1));
    const upper = i32x4.shr_s(word, 31);
    const m = v128.or(v128.and(g, term<T>(BITS32, 0)), term<T>(BITS32, 1));
    const k = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(g, 23), term<T>(BITS32, 2)));
    const f = v128.bitselect(g, f32x4.sub(m, one), upper);
    let p = step<T>(step<T>(step<T>(term<T>(RADIUS32, 8), f, RADIUS32, 7), f, RADIUS32, 6), f, RADIUS32, 5);
    p = step<T>(step<T>(step<T>(p, f, RADIUS32, 4), f, RADIUS32, 3), f, RADIUS32, 2);
    p = f32x4.mul(f, step<T>(step<T>(p, f, RADIUS32, 1), f, RADIUS32, 0));
    return f32x4.sqrt(sum<T>(v128.andnot(k, upper), term<T>(SCALES32, 2), p));
  }
  const t = exponentSplit<T>(uniform<T>(word));
  const m = mantissaOf<T>(t);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const p = f64x2.mul(f64x2.add(s, s), f64x2.add(logSeries<T>(s), number<T>(N.Two)));
  return f64x2.sqrt(f64x2.sub(f64x2.mul(exponentOf<T>(t), term<T>(SCALES, 3)), p));
}

function copyWords(out: usize, from: usize, bytes: u32): void {
  for (const end = from + bytes; from < end; from += 4, out += 4) store<u32>(out, load<u32>(from));
}
