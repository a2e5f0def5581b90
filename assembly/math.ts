// Elementary functions on vectors, generic in the precision T: f32 (4 lanes, about 2 ulp, few instructions) and f64
// (2 lanes, the same operations in the same order as src/engine/math.ts, hence the same bits). No branches and no fused
// multiply-add in any build: streams and labels must not depend on it. NaN goes through. Coefficients: coefficients.ts.

import {
  COS_1,
  COS_2,
  COS_3,
  COS_4,
  COS_5,
  COS_6,
  COS32_1,
  COS32_2,
  COS32_3,
  ERF_0,
  ERF_1,
  ERF_2,
  ERF_3,
  ERF_4,
  ERF_5,
  ERF_6,
  ERF_7,
  ERF_8,
  ERF_9,
  ERF_10,
  ERF_11,
  ERF_12,
  ERF32_0,
  ERF32_1,
  ERF32_2,
  ERF32_3,
  ERF32_4,
  ERF32_5,
  ERFC_0,
  ERFC_1,
  ERFC_2,
  ERFC_3,
  ERFC_4,
  ERFC_5,
  ERFC_6,
  ERFC_7,
  ERFC_8,
  ERFC_9,
  ERFC_10,
  ERFC_11,
  ERFC_12,
  ERFC_13,
  ERFC_14,
  ERFC_15,
  ERFC_16,
  ERFC_17,
  ERFC_18,
  ERFC_19,
  ERFC32_0,
  ERFC32_1,
  ERFC32_2,
  ERFC32_3,
  ERFC32_4,
  ERFC32_5,
  EXP_2,
  EXP_3,
  EXP_4,
  EXP_5,
  EXP_6,
  EXP_7,
  EXP_8,
  EXP_9,
  EXP_10,
  EXP_11,
  EXP_12,
  EXP32_2,
  EXP32_3,
  EXP32_4,
  EXP32_5,
  EXP32_6,
  HALF_PI_1,
  HALF_PI_2,
  HALF_PI_3,
  HALF_PI32_1,
  HALF_PI32_2,
  HALF_PI32_3,
  LN2_HI,
  LN2_HI32,
  LN2_LO,
  LN2_LO32,
  LOG_1,
  LOG_2,
  LOG_3,
  LOG_4,
  LOG_5,
  LOG_6,
  LOG_7,
  LOG1P_1,
  LOG1P_2,
  LOG1P_3,
  LOG1P_4,
  LOG1P_5,
  LOG1P_6,
  LOG1P_7,
  LOG1P_8,
  LOG1P_9,
  LOG1P_10,
  LOG1P_11,
  LOG1P32_1,
  LOG1P32_2,
  LOG1P32_3,
  LOG1P32_4,
  LOG2E,
  LOG32_1,
  LOG32_2,
  LOG32_3,
  SIN_1,
  SIN_2,
  SIN_3,
  SIN_4,
  SIN_5,
  SIN_6,
  SIN32_1,
  SIN32_2,
  SIN32_3,
  TWO_OVER_PI,
} from "./coefficients";

/** e^x. */
export function exp<T>(x: v128): v128 {
  const low: f64 = sizeof<T>() === 4 ? -104 : -746;
  const high: f64 = sizeof<T>() === 4 ? 89 : 710;
  const y = v128.pmax<T>(v128.pmin<T>(x, all<T>(high)), all<T>(low));
  const k = nearest<T>(v128.mul<T>(y, all<T>(LOG2E)));
  // 2^k in two factors, as k leaves the range of exponents where the result is subnormal or infinite
  const half = nearest<T>(v128.mul<T>(k, all<T>(0.5)));
  const p = v128.add<T>(all<T>(1), expm1Reduced<T>(reduced<T>(y, k)));
  return v128.mul<T>(v128.mul<T>(p, powerOfTwo<T>(half)), powerOfTwo<T>(v128.sub<T>(k, half)));
}

/** Natural logarithm. */
export function log<T>(x: v128): v128 {
  const tiny = v128.lt<T>(x, all<T>(sizeof<T>() === 4 ? 1.1754943508222875e-38 : 2.2250738585072014e-308));
  const lift: f64 = sizeof<T>() === 4 ? 16777216 : 18014398509481984;
  const shift: f64 = sizeof<T>() === 4 ? 24 : 54;
  const t = exponentSplit<T>(v128.bitselect(v128.mul<T>(x, all<T>(lift)), x, tiny));
  const k = v128.sub<T>(exponentOf<T>(t), v128.and(tiny, all<T>(shift)));
  const f = v128.sub<T>(mantissaOf<T>(t), all<T>(1));
  const s = v128.div<T>(f, v128.add<T>(all<T>(2), f));
  const h = v128.mul<T>(v128.mul<T>(all<T>(0.5), f), f);
  let y = v128.mul<T>(s, v128.add<T>(h, logSeries<T>(s)));
  y = v128.sub<T>(v128.add<T>(y, v128.mul<T>(k, all<T>(sizeof<T>() === 4 ? LN2_LO32 : LN2_LO))), h);
  y = v128.add<T>(v128.add<T>(y, f), v128.mul<T>(k, all<T>(sizeof<T>() === 4 ? LN2_HI32 : LN2_HI)));
  y = v128.bitselect(y, x, v128.lt<T>(x, all<T>(Infinity)));
  y = v128.bitselect(all<T>(-Infinity), y, v128.eq<T>(x, all<T>(0)));
  return v128.or(y, v128.lt<T>(x, all<T>(0)));
}

/** log(1 + e^x), the softplus of slope 1. */
export function log1pExp<T>(x: v128): v128 {
  const e = expBounded<T>(v128.neg<T>(v128.abs<T>(x)));
  const s = v128.div<T>(e, v128.add<T>(all<T>(2), e));
  const z = v128.mul<T>(s, s);
  let series: v128;
  if (sizeof<T>() === 4) {
    series = step<T>(step<T>(step<T>(all<T>(LOG1P32_4), z, LOG1P32_3), z, LOG1P32_2), z, LOG1P32_1);
  } else {
    const w = v128.mul<T>(z, z);
    let odd = step<T>(step<T>(step<T>(all<T>(LOG1P_11), w, LOG1P_9), w, LOG1P_7), w, LOG1P_5);
    odd = step<T>(step<T>(odd, w, LOG1P_3), w, LOG1P_1);
    let even = step<T>(step<T>(all<T>(LOG1P_10), w, LOG1P_8), w, LOG1P_6);
    even = step<T>(step<T>(even, w, LOG1P_4), w, LOG1P_2);
    series = sum<T>(even, z, odd);
  }
  const tail = v128.add<T>(v128.mul<T>(all<T>(2), s), v128.mul<T>(s, v128.mul<T>(z, series)));
  return v128.add<T>(v128.pmax<T>(x, all<T>(0)), tail);
}

/** 1 / (1 + e^−x). */
export function logistic<T>(x: v128): v128 {
  return v128.div<T>(all<T>(1), v128.add<T>(all<T>(1), expBounded<T>(v128.neg<T>(x))));
}

/** Hyperbolic tangent, from e^(2|x|) − 1. */
export function tanh<T>(x: v128): v128 {
  const y = v128.pmin<T>(v128.abs<T>(x), all<T>(22));
  const y2 = v128.mul<T>(all<T>(2), y);
  const k = nearest<T>(v128.mul<T>(y2, all<T>(LOG2E)));
  const scale = powerOfTwo<T>(k);
  const p = expm1Reduced<T>(reduced<T>(y2, k));
  const t = sum<T>(p, scale, v128.sub<T>(scale, all<T>(1)));
  return v128.or(v128.div<T>(t, v128.add<T>(t, all<T>(2))), v128.and(x, all<T>(-0.0)));
}

/** Error function: a polynomial for |x| < 1, 1 − erfc |x| beyond. */
export function erf<T>(x: v128): v128 {
  const z = v128.mul<T>(x, x);
  const a = v128.pmin<T>(v128.abs<T>(x), all<T>(sizeof<T>() === 4 ? 4 : 6));
  let near: v128;
  let far: v128;
  if (sizeof<T>() === 4) {
    near = step<T>(step<T>(step<T>(all<T>(ERF32_5), z, ERF32_4), z, ERF32_3), z, ERF32_2);
    near = step<T>(step<T>(near, z, ERF32_1), z, ERF32_0);
    far = step<T>(step<T>(step<T>(all<T>(ERFC32_5), a, ERFC32_4), a, ERFC32_3), a, ERFC32_2);
    far = expBounded<T>(step<T>(step<T>(far, a, ERFC32_1), a, ERFC32_0));
  } else {
    const w = v128.mul<T>(z, z);
    let even = step<T>(step<T>(step<T>(all<T>(ERF_12), w, ERF_10), w, ERF_8), w, ERF_6);
    even = step<T>(step<T>(step<T>(even, w, ERF_4), w, ERF_2), w, ERF_0);
    let odd = step<T>(step<T>(step<T>(all<T>(ERF_11), w, ERF_9), w, ERF_7), w, ERF_5);
    odd = step<T>(step<T>(odd, w, ERF_3), w, ERF_1);
    near = sum<T>(odd, z, even);
    far = v128.mul<T>(exp<T>(v128.neg<T>(v128.mul<T>(a, a))), erfcx<T>(a));
  }
  near = v128.add<T>(x, v128.mul<T>(x, near));
  far = v128.or(v128.sub<T>(all<T>(1), far), v128.and(x, all<T>(-0.0)));
  return v128.bitselect(near, far, v128.lt<T>(a, all<T>(1)));
}

/**
 * Sine and cosine of angles in radians, stored: x = n π/2 + r + t by Cody and Waite with π/2 in three parts (t = 0 in f32).
 * In f32 to 2 ulp of 1 for |x| ≤ 10^4, NaN from 2^21 on.
 */
export function sinCos<T>(x: v128, sinAt: usize, cosAt: usize): void {
  const n = nearest<T>(v128.mul<T>(x, all<T>(TWO_OVER_PI)));
  let s: v128;
  let c: v128;
  let quadrant: v128; // n in the two top bits of a lane
  let next: v128; // n + 1 there
  let odd: v128; // all ones where n is odd
  if (sizeof<T>() === 4) {
    let r = v128.sub<T>(x, v128.mul<T>(n, all<T>(HALF_PI32_1)));
    r = v128.sub<T>(r, v128.mul<T>(n, all<T>(HALF_PI32_2)));
    r = v128.sub<T>(r, v128.mul<T>(n, all<T>(HALF_PI32_3)));
    const z = v128.mul<T>(r, r);
    s = sum<T>(v128.mul<T>(z, r), sinSeries<T>(z), r);
    c = step<T>(step<T>(v128.mul<T>(z, cosSeries<T>(z)), all<T>(1), -0.5), z, 1);
    quadrant = i32x4.shl(f32x4.add(n, all<f32>(12582912)), 30);
    next = i32x4.add(quadrant, i32x4.splat(1 << 30));
    odd = i32x4.shr_s(i32x4.shl(quadrant, 1), 31);
  } else {
    const y = v128.sub<T>(x, v128.mul<T>(n, all<T>(HALF_PI_1)));
    const w = v128.mul<T>(n, all<T>(HALF_PI_2));
    const a = v128.sub<T>(y, w);
    const b = v128.sub<T>(a, y);
    const e = v128.sub<T>(v128.sub<T>(y, v128.sub<T>(a, b)), v128.add<T>(w, b));
    const d = v128.sub<T>(v128.mul<T>(n, all<T>(HALF_PI_3)), e);
    const r = v128.sub<T>(a, d);
    const t = v128.sub<T>(v128.sub<T>(a, r), d);
    const z = v128.mul<T>(r, r);
    const h = v128.mul<T>(all<T>(0.5), z);
    const low = v128.sub<T>(v128.sub<T>(v128.mul<T>(t, h), t), v128.mul<T>(v128.mul<T>(z, r), sinSeries<T>(z)));
    s = v128.sub<T>(r, low);
    const v = v128.sub<T>(all<T>(1), h);
    const rest = v128.sub<T>(v128.mul<T>(z, v128.mul<T>(z, cosSeries<T>(z))), v128.mul<T>(r, t));
    c = v128.add<T>(v, v128.add<T>(v128.sub<T>(v128.sub<T>(all<T>(1), v), h), rest));
    quadrant = i64x2.shl(f64x2.add(n, all<f64>(6755399441055744)), 62);
    next = i64x2.add(quadrant, i64x2.splat((<i64>1) << 62));
    odd = i64x2.lt_s(i64x2.shl(quadrant, 1), i64x2.splat(0));
  }
  const sign = all<T>(-0.0);
  const exchange = v128.and(v128.xor(s, c), odd);
  s = v128.xor(v128.xor(s, exchange), v128.and(quadrant, sign));
  c = v128.xor(v128.xor(c, exchange), v128.and(next, sign));
  const known = v128.lt<T>(v128.abs<T>(x), all<T>(sizeof<T>() === 4 ? 2097152 : 562949953421312));
  v128.store(sinAt, v128.bitselect(s, all<T>(NaN), known));
  v128.store(cosAt, v128.bitselect(c, all<T>(NaN), known));
}

/** Sine alone. */
export function sin<T>(x: v128): v128 {
  sinCos<T>(x, both, both + 16);
  return v128.load(both);
}

/** Cosine alone. */
export function cos<T>(x: v128): v128 {
  sinCos<T>(x, both, both + 16);
  return v128.load(both, 16);
}

const both: usize = memory.data(32, 16);

/** All lanes c. */
export function all<T>(c: f64): v128 {
  return v128.splat<T>(<T>c);
}

/** a·b + c in two roundings, in every build. */
export function sum<T>(a: v128, b: v128, c: v128): v128 {
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** A step of Horner's rule: a·z + c. */
export function step<T>(a: v128, z: v128, c: f64): v128 {
  return v128.add<T>(v128.mul<T>(a, z), all<T>(c));
}

/** z L(z), z = s²: log((1+s)/(1−s)) = s (2 + z L(z)). */
export function logSeries<T>(s: v128): v128 {
  const z = v128.mul<T>(s, s);
  if (sizeof<T>() === 4) {
    return v128.mul<T>(z, step<T>(step<T>(all<T>(LOG32_3), z, LOG32_2), z, LOG32_1));
  }
  const w = v128.mul<T>(z, z);
  const odd = step<T>(step<T>(step<T>(all<T>(LOG_7), w, LOG_5), w, LOG_3), w, LOG_1);
  const even = step<T>(step<T>(all<T>(LOG_6), w, LOG_4), w, LOG_2);
  return v128.mul<T>(z, sum<T>(even, z, odd));
}

/** S(z), z = r²: sin r = r + r z S(z), |r| ≤ π/4. */
export function sinSeries<T>(z: v128): v128 {
  if (sizeof<T>() === 4) return step<T>(step<T>(all<T>(SIN32_3), z, SIN32_2), z, SIN32_1);
  const s = step<T>(step<T>(step<T>(all<T>(SIN_6), z, SIN_5), z, SIN_4), z, SIN_3);
  return step<T>(step<T>(s, z, SIN_2), z, SIN_1);
}

/** C(z), z = r²: cos r = 1 − z/2 + z² C(z), |r| ≤ π/4. */
export function cosSeries<T>(z: v128): v128 {
  if (sizeof<T>() === 4) return step<T>(step<T>(all<T>(COS32_3), z, COS32_2), z, COS32_1);
  const c = step<T>(step<T>(step<T>(all<T>(COS_6), z, COS_5), z, COS_4), z, COS_3);
  return step<T>(step<T>(c, z, COS_2), z, COS_1);
}

/** From the bits of x > 0, normal: exponent and mantissa of x = 2^k m, √½ ≤ m < √2, for the two functions below. */
export function exponentSplit<T>(x: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.sub(x, i32x4.splat(0x3f3504f3 - 0x3f800000));
  return i64x2.sub(x, i64x2.splat(0x3fe6a09e00000000 - 0x3ff0000000000000));
}

/** k of a split number. */
export function exponentOf<T>(t: v128): v128 {
  if (sizeof<T>() === 4) return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(t, 23), i32x4.splat(127)));
  // 2^52 + k + 1023, written bit by bit
  return f64x2.sub(v128.or(i64x2.shr_u(t, 52), all<f64>(4503599627370496)), all<f64>(4503599627370496 + 1023));
}

/** m of a split number. */
export function mantissaOf<T>(t: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.add(v128.and(t, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  return i64x2.add(v128.and(t, i64x2.splat(0xfffffffffffff)), i64x2.splat(0x3fe6a09e00000000));
}

/** The nearest integer, halves to even, by adding and subtracting 1.5 · 2^(bits of the mantissa). */
function nearest<T>(x: v128): v128 {
  const c = all<T>(sizeof<T>() === 4 ? 12582912 : 6755399441055744);
  return v128.sub<T>(v128.add<T>(x, c), c);
}

/** 2^k; 0 one below and Infinity one above the exponents of normal numbers. */
function powerOfTwo<T>(k: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.shl(f32x4.add(k, all<f32>(12582912 + 127)), 23);
  return i64x2.shl(f64x2.add(k, all<f64>(6755399441055744 + 1023)), 52);
}

/** r = x − k log 2. */
function reduced<T>(x: v128, k: v128): v128 {
  const high = v128.sub<T>(x, v128.mul<T>(k, all<T>(sizeof<T>() === 4 ? LN2_HI32 : LN2_HI)));
  return v128.sub<T>(high, v128.mul<T>(k, all<T>(sizeof<T>() === 4 ? LN2_LO32 : LN2_LO)));
}

/** e^r − 1, |r| ≤ log(2)/2. */
function expm1Reduced<T>(r: v128): v128 {
  const z = v128.mul<T>(r, r);
  if (sizeof<T>() === 4) {
    const p = step<T>(step<T>(all<T>(EXP32_6), r, EXP32_5), r, EXP32_4);
    return v128.add<T>(r, v128.mul<T>(z, step<T>(step<T>(p, r, EXP32_3), r, EXP32_2)));
  }
  let even = step<T>(step<T>(step<T>(all<T>(EXP_12), z, EXP_10), z, EXP_8), z, EXP_6);
  even = step<T>(step<T>(even, z, EXP_4), z, EXP_2);
  let odd = step<T>(step<T>(all<T>(EXP_11), z, EXP_9), z, EXP_7);
  odd = step<T>(step<T>(odd, z, EXP_5), z, EXP_3);
  return v128.add<T>(r, v128.mul<T>(z, v128.add<T>(even, v128.mul<T>(r, odd))));
}

/** e^x where an f32 result may be flushed to 0 below 2^−126 and to Infinity above 2^127.5; the full e^x in f64. */
function expBounded<T>(x: v128): v128 {
  if (sizeof<T>() === 8) return exp<T>(x);
  const y = v128.pmax<T>(v128.pmin<T>(x, all<T>(88.7)), all<T>(-88));
  const k = nearest<T>(v128.mul<T>(y, all<T>(LOG2E)));
  return v128.mul<T>(v128.add<T>(all<T>(1), expm1Reduced<T>(reduced<T>(y, k))), powerOfTwo<T>(k));
}

/** e^(x²) erfc x, 1 ≤ x ≤ 28. */
function erfcx<T>(x: v128): v128 {
  const t = v128.div<T>(v128.sub<T>(x, all<T>(3)), v128.add<T>(x, all<T>(3)));
  const w = v128.mul<T>(t, t);
  let even = step<T>(step<T>(step<T>(all<T>(ERFC_18), w, ERFC_16), w, ERFC_14), w, ERFC_12);
  even = step<T>(step<T>(step<T>(even, w, ERFC_10), w, ERFC_8), w, ERFC_6);
  even = step<T>(step<T>(step<T>(even, w, ERFC_4), w, ERFC_2), w, ERFC_0);
  let odd = step<T>(step<T>(step<T>(all<T>(ERFC_19), w, ERFC_17), w, ERFC_15), w, ERFC_13);
  odd = step<T>(step<T>(step<T>(odd, w, ERFC_11), w, ERFC_9), w, ERFC_7);
  odd = step<T>(step<T>(step<T>(odd, w, ERFC_5), w, ERFC_3), w, ERFC_1);
  return v128.div<T>(sum<T>(odd, t, even), v128.add<T>(all<T>(1), x));
}
