// Elementary functions on vectors, generic in the precision T: f32 (4 lanes, about 2 ulp, few instructions) and f64
// (2 lanes, the same operations in the same order as src/engine/math.ts, hence the same bits). No branches. Streams and
// labels may not depend on the build, so what they are made of never fuses; the functions with a parameter F do in the
// relaxed build where it is Fused. NaN goes through. Coefficients: coefficients.ts.
//
// Constants stand in memory and are loaded where they are used: V8 builds a constant vector anew in every turn of a loop,
// with three instructions, and a load is one.

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

/** Numbers that several functions use, by name; the same places in both tables. */
export enum N {
  One,
  Two,
  Three,
  Half,
  /** −0: the sign bit. */
  Sign,
  /** 1.5 · 2^(bits of the mantissa): adding and subtracting it rounds to the nearest integer, halves to even. */
  Round,
  /** Round and the bias of the exponent. */
  Bias,
  Log2E,
  Ln2High,
  Ln2Low,
  TwoOverPi,
  HalfPi1,
  HalfPi2,
  HalfPi3,
  /** From here on an angle says nothing about its place in the period. */
  MaxAngle,
  NotANumber,
  Infinite,
  ExpLow,
  ExpHigh,
  ExpLowShort,
  ExpHighShort,
  TanhEnd,
  /** Where sech² is about to underflow. */
  SechEnd,
  ErfEnd,
  Tiny,
  Lift,
  LiftShift,
  /** 2^52 written over an exponent, and what is then taken off it (f64 only). */
  Carrier,
  CarrierBias,
}
const NUMBERS = memory.data<f64>([
  1,
  2,
  3,
  0.5,
  -0.0,
  6755399441055744,
  6755399441055744 + 1023,
  LOG2E,
  LN2_HI,
  LN2_LO,
  TWO_OVER_PI,
  HALF_PI_1,
  HALF_PI_2,
  HALF_PI_3,
  562949953421312,
  NaN,
  Infinity,
  -746,
  710,
  -746,
  710,
  22,
  352,
  6,
  2.2250738585072014e-308,
  18014398509481984,
  54,
  4503599627370496,
  4503599627370496 + 1023,
]);
const NUMBERS32 = memory.data<f32>([
  1,
  2,
  3,
  0.5,
  -0.0,
  12582912,
  12582912 + 127,
  <f32>LOG2E,
  <f32>LN2_HI32,
  <f32>LN2_LO32,
  <f32>TWO_OVER_PI,
  <f32>HALF_PI32_1,
  <f32>HALF_PI32_2,
  <f32>HALF_PI32_3,
  2097152,
  NaN,
  Infinity,
  -104,
  89,
  -88,
  <f32>88.7,
  22,
  43,
  4,
  1.1754943508222875e-38,
  16777216,
  24,
]);

// Coefficients in ascending order.
const EXP = memory.data<f64>([EXP_2, EXP_3, EXP_4, EXP_5, EXP_6, EXP_7, EXP_8, EXP_9, EXP_10, EXP_11, EXP_12]);
const EXP32 = memory.data<f32>([<f32>EXP32_2, <f32>EXP32_3, <f32>EXP32_4, <f32>EXP32_5, <f32>EXP32_6]);
const LOG = memory.data<f64>([LOG_1, LOG_2, LOG_3, LOG_4, LOG_5, LOG_6, LOG_7]);
const LOG32 = memory.data<f32>([<f32>LOG32_1, <f32>LOG32_2, <f32>LOG32_3]);
const LOG1P = memory.data<f64>([
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
]);
const LOG1P32 = memory.data<f32>([<f32>LOG1P32_1, <f32>LOG1P32_2, <f32>LOG1P32_3, <f32>LOG1P32_4]);
const SIN = memory.data<f64>([SIN_1, SIN_2, SIN_3, SIN_4, SIN_5, SIN_6]);
const SIN32 = memory.data<f32>([<f32>SIN32_1, <f32>SIN32_2, <f32>SIN32_3]);
const COS = memory.data<f64>([COS_1, COS_2, COS_3, COS_4, COS_5, COS_6]);
const COS32 = memory.data<f32>([<f32>COS32_1, <f32>COS32_2, <f32>COS32_3]);
const ERF = memory.data<f64>([
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
]);
const ERF32 = memory.data<f32>([<f32>ERF32_0, <f32>ERF32_1, <f32>ERF32_2, <f32>ERF32_3, <f32>ERF32_4, <f32>ERF32_5]);
const ERFC = memory.data<f64>([
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
]);
const LOG_ERFC32 = memory.data<f32>([
  <f32>ERFC32_0,
  <f32>ERFC32_1,
  <f32>ERFC32_2,
  <f32>ERFC32_3,
  <f32>ERFC32_4,
  <f32>ERFC32_5,
]);

/** Bit patterns: of the mantissa's field, of √½, and of √½ less that of 1. */
const BITS = memory.data<u64>([0xfffffffffffff, 0x3fe6a09e00000000, 0x3fe6a09e00000000 - 0x3ff0000000000000]);
const BITS32 = memory.data<u32>([0x7fffff, 0x3f3504f3, 0x3f3504f3 - 0x3f800000]);

/** e^x. */
export function exp<T, F>(x: v128): v128 {
  const y = v128.pmax<T>(v128.pmin<T>(x, number<T>(N.ExpHigh)), number<T>(N.ExpLow));
  const k = nearest<T>(v128.mul<T>(y, number<T>(N.Log2E)));
  // 2^k in two factors, as k leaves the range of exponents where the result is subnormal or infinite
  const half = nearest<T>(v128.mul<T>(k, number<T>(N.Half)));
  const p = v128.add<T>(number<T>(N.One), expm1Reduced<T, F>(reduced<T, F>(y, k)));
  return v128.mul<T>(v128.mul<T>(p, powerOfTwo<T>(half)), powerOfTwo<T>(v128.sub<T>(k, half)));
}

/** Natural logarithm. */
export function log<T>(x: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  const tiny = v128.lt<T>(x, number<T>(N.Tiny));
  const t = exponentSplit<T>(v128.bitselect(v128.mul<T>(x, number<T>(N.Lift)), x, tiny));
  const k = v128.sub<T>(exponentOf<T>(t), v128.and(tiny, number<T>(N.LiftShift)));
  const f = v128.sub<T>(mantissaOf<T>(t), number<T>(N.One));
  const s = v128.div<T>(f, v128.add<T>(number<T>(N.Two), f));
  const h = v128.mul<T>(v128.mul<T>(number<T>(N.Half), f), f);
  let y = v128.mul<T>(s, v128.add<T>(h, logSeries<T>(s)));
  y = v128.sub<T>(sum<T>(k, number<T>(N.Ln2Low), y), h);
  y = sum<T>(k, number<T>(N.Ln2High), v128.add<T>(y, f));
  y = v128.bitselect(y, x, v128.lt<T>(x, number<T>(N.Infinite)));
  y = v128.bitselect(v128.neg<T>(number<T>(N.Infinite)), y, v128.eq<T>(x, zero));
  return v128.or(y, v128.lt<T>(x, zero));
}

/** log(1 + e^x), the softplus of slope 1. */
export function log1pExp<T, F>(x: v128): v128 {
  const e = expBounded<T, F>(v128.neg<T>(v128.abs<T>(x)));
  const s = v128.div<T>(e, v128.add<T>(number<T>(N.Two), e));
  const z = v128.mul<T>(s, s);
  let series: v128;
  if (sizeof<T>() === 4) {
    series = fusedStep<T, F>(
      fusedStep<T, F>(fusedStep<T, F>(term<T>(LOG1P32, 3), z, LOG1P32, 2), z, LOG1P32, 1),
      z,
      LOG1P32,
      0,
    );
  } else {
    const w = v128.mul<T>(z, z);
    let odd = fusedStep<T, F>(
      fusedStep<T, F>(fusedStep<T, F>(term<T>(LOG1P, 10), w, LOG1P, 8), w, LOG1P, 6),
      w,
      LOG1P,
      4,
    );
    odd = fusedStep<T, F>(fusedStep<T, F>(odd, w, LOG1P, 2), w, LOG1P, 0);
    let even = fusedStep<T, F>(fusedStep<T, F>(term<T>(LOG1P, 9), w, LOG1P, 7), w, LOG1P, 5);
    even = fusedStep<T, F>(fusedStep<T, F>(even, w, LOG1P, 3), w, LOG1P, 1);
    series = fusedSum<T, F>(even, z, odd);
  }
  const tail = fusedSum<T, F>(s, v128.mul<T>(z, series), v128.add<T>(s, s));
  return v128.add<T>(v128.pmax<T>(x, v128.splat<T>(<T>0)), tail);
}

/** 1 / (1 + e^−x). */
export function logistic<T, F>(x: v128): v128 {
  const one = number<T>(N.One);
  return v128.div<T>(one, v128.add<T>(one, expBounded<T, F>(v128.neg<T>(x))));
}

/** Hyperbolic tangent, from e^(2|x|) − 1. */
export function tanh<T, F>(x: v128): v128 {
  const t = expm1Twice<T, F>(v128.pmin<T>(v128.abs<T>(x), number<T>(N.TanhEnd)));
  return withSign<T>(v128.div<T>(t, v128.add<T>(t, number<T>(N.Two))), x);
}

/**
 * tanh x, stored, and sech² x = 1 − tanh² x returned: (1 + tanh)(1 − tanh), the second factor without cancellation; 0 where it
 * would underflow.
 */
export function tanhSech<T, F>(x: v128, tanhAt: usize): v128 {
  const one = number<T>(N.One);
  const two = number<T>(N.Two);
  const end = number<T>(N.SechEnd);
  const a = v128.abs<T>(x);
  const t = expm1Twice<T, F>(v128.pmin<T>(a, end));
  const whole = v128.add<T>(t, two);
  const y = v128.div<T>(t, whole);
  v128.store(tanhAt, withSign<T>(y, x));
  const sech = v128.mul<T>(v128.div<T>(two, whole), v128.add<T>(one, y));
  return v128.andnot(sech, v128.ge<T>(a, end));
}

/** Error function: a polynomial for |x| < 1, 1 − erfc |x| beyond. */
export function erf<T, F>(x: v128): v128 {
  const one = number<T>(N.One);
  const z = v128.mul<T>(x, x);
  const a = v128.pmin<T>(v128.abs<T>(x), number<T>(N.ErfEnd));
  let near: v128;
  let far: v128;
  if (sizeof<T>() === 4) {
    near = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(term<T>(ERF32, 5), z, ERF32, 4), z, ERF32, 3), z, ERF32, 2);
    near = fusedStep<T, F>(fusedStep<T, F>(near, z, ERF32, 1), z, ERF32, 0);
    far = fusedStep<T, F>(fusedStep<T, F>(term<T>(LOG_ERFC32, 5), a, LOG_ERFC32, 4), a, LOG_ERFC32, 3);
    far = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(far, a, LOG_ERFC32, 2), a, LOG_ERFC32, 1), a, LOG_ERFC32, 0);
    far = expBounded<T, F>(far);
  } else {
    const w = v128.mul<T>(z, z);
    let even = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(term<T>(ERF, 12), w, ERF, 10), w, ERF, 8), w, ERF, 6);
    even = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(even, w, ERF, 4), w, ERF, 2), w, ERF, 0);
    let odd = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(term<T>(ERF, 11), w, ERF, 9), w, ERF, 7), w, ERF, 5);
    odd = fusedStep<T, F>(fusedStep<T, F>(odd, w, ERF, 3), w, ERF, 1);
    near = fusedSum<T, F>(odd, z, even);
    far = v128.mul<T>(exp<T, F>(v128.neg<T>(v128.mul<T>(a, a))), erfcx<T, F>(a));
  }
  near = fusedSum<T, F>(x, near, x);
  far = withSign<T>(v128.sub<T>(one, far), x);
  return v128.bitselect(near, far, v128.lt<T>(a, one));
}

/**
 * Sine and cosine of angles in radians, stored: x = n π/2 + r + t by Cody and Waite with π/2 in three parts (t = 0 in f32).
 * In f32 to 2 ulp of 1 for |x| ≤ 10^4, NaN from 2^21 on.
 */
export function sinCos<T>(x: v128, sinAt: usize, cosAt: usize): void {
  const one = number<T>(N.One);
  const n = nearest<T>(v128.mul<T>(x, number<T>(N.TwoOverPi)));
  const y = v128.sub<T>(x, v128.mul<T>(n, number<T>(N.HalfPi1)));
  const w = v128.mul<T>(n, number<T>(N.HalfPi2));
  const a = v128.sub<T>(y, w);
  let s: v128;
  let c: v128;
  if (sizeof<T>() === 4) {
    const r = v128.sub<T>(a, v128.mul<T>(n, number<T>(N.HalfPi3)));
    const z = v128.mul<T>(r, r);
    s = sinReduced<T>(r, z);
    c = cosReduced<T>(z);
  } else {
    const b = v128.sub<T>(a, y);
    const e = v128.sub<T>(v128.sub<T>(y, v128.sub<T>(a, b)), v128.add<T>(w, b));
    const d = v128.sub<T>(v128.mul<T>(n, number<T>(N.HalfPi3)), e);
    const r = v128.sub<T>(a, d);
    const t = v128.sub<T>(v128.sub<T>(a, r), d);
    const z = v128.mul<T>(r, r);
    const h = v128.mul<T>(number<T>(N.Half), z);
    const low = v128.sub<T>(v128.sub<T>(v128.mul<T>(t, h), t), v128.mul<T>(v128.mul<T>(z, r), sinSeries<T>(z)));
    s = v128.sub<T>(r, low);
    const v = v128.sub<T>(one, h);
    const rest = v128.sub<T>(v128.mul<T>(z, v128.mul<T>(z, cosSeries<T>(z))), v128.mul<T>(r, t));
    c = v128.add<T>(v, v128.add<T>(v128.sub<T>(v128.sub<T>(one, v), h), rest));
  }
  const place = v128.add<T>(n, number<T>(N.Round));
  const turns = sizeof<T>() === 4 ? i32x4.shl(place, 30) : i64x2.shl(place, 62);
  const known = v128.lt<T>(v128.abs<T>(x), number<T>(N.MaxAngle));
  const nan = number<T>(N.NotANumber);
  v128.store(sinAt, v128.bitselect(turnedSin<T>(s, c, turns), nan, known));
  v128.store(cosAt, v128.bitselect(turnedCos<T>(s, c, turns), nan, known));
}

/** A number of the tables in all lanes. */
export function number<T>(name: i32): v128 {
  return term<T>(sizeof<T>() === 4 ? NUMBERS32 : NUMBERS, name);
}

/** Coefficient k of a table in all lanes. */
export function term<T>(table: usize, k: i32): v128 {
  return v128.load_splat<T>(table + <usize>k * sizeof<T>());
}

/** A step of Horner's rule: a·z + coefficient k of a table. */
export function step<T>(a: v128, z: v128, table: usize, k: i32): v128 {
  return sum<T>(a, z, term<T>(table, k));
}

/** a·b + c in two roundings, in every build. */
export function sum<T>(a: v128, b: v128, c: v128): v128 {
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** How a function rounds: with multiply-adds fused in the relaxed build, or as in every other build. */
export type Fused = i32;
export type Unfused = f64;

/** a·b + c: one rounding in the relaxed build where F is Fused, else two. */
export function fusedSum<T, F>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD && isInteger<F>()) return v128.relaxed_madd<T>(a, b, c);
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** c − a·b, in the same way. */
export function fusedLess<T, F>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD && isInteger<F>()) return v128.relaxed_nmadd<T>(a, b, c);
  return v128.sub<T>(c, v128.mul<T>(a, b));
}

function fusedStep<T, F>(a: v128, z: v128, table: usize, k: i32): v128 {
  return fusedSum<T, F>(a, z, term<T>(table, k));
}

/** z L(z), z = s²: log((1+s)/(1−s)) = s (2 + z L(z)). */
export function logSeries<T>(s: v128): v128 {
  const z = v128.mul<T>(s, s);
  if (sizeof<T>() === 4) {
    return v128.mul<T>(z, step<T>(step<T>(term<T>(LOG32, 2), z, LOG32, 1), z, LOG32, 0));
  }
  const w = v128.mul<T>(z, z);
  const odd = step<T>(step<T>(step<T>(term<T>(LOG, 6), w, LOG, 4), w, LOG, 2), w, LOG, 0);
  const even = step<T>(step<T>(term<T>(LOG, 5), w, LOG, 3), w, LOG, 1);
  return v128.mul<T>(z, sum<T>(even, z, odd));
}

/** S(z), z = r²: sin r = r + r z S(z), |r| ≤ π/4. */
function sinSeries<T>(z: v128): v128 {
  if (sizeof<T>() === 4) return step<T>(step<T>(term<T>(SIN32, 2), z, SIN32, 1), z, SIN32, 0);
  const s = step<T>(step<T>(step<T>(term<T>(SIN, 5), z, SIN, 4), z, SIN, 3), z, SIN, 2);
  return step<T>(step<T>(s, z, SIN, 1), z, SIN, 0);
}

/** C(z), z = r²: cos r = 1 − z/2 + z² C(z), |r| ≤ π/4. */
function cosSeries<T>(z: v128): v128 {
  if (sizeof<T>() === 4) return step<T>(step<T>(term<T>(COS32, 2), z, COS32, 1), z, COS32, 0);
  const c = step<T>(step<T>(step<T>(term<T>(COS, 5), z, COS, 4), z, COS, 3), z, COS, 2);
  return step<T>(step<T>(c, z, COS, 1), z, COS, 0);
}

/** sin r, |r| ≤ π/4, z = r². */
export function sinReduced<T>(r: v128, z: v128): v128 {
  return sum<T>(v128.mul<T>(z, r), sinSeries<T>(z), r);
}

/** cos r, |r| ≤ π/4, z = r². */
export function cosReduced<T>(z: v128): v128 {
  const c = v128.sub<T>(v128.mul<T>(z, cosSeries<T>(z)), number<T>(N.Half));
  return sum<T>(c, z, number<T>(N.One));
}

/** sin(r + quarter turns), from s = sin r and c = cos r; the number of turns is in the two top bits of a lane. */
export function turnedSin<T>(s: v128, c: v128, turns: v128): v128 {
  const value = v128.xor(s, v128.and(v128.xor(s, c), oddLanes<T>(turns)));
  return v128.xor(value, v128.and(turns, number<T>(N.Sign)));
}

/** cos(r + quarter turns): negative after one turn and after two, where the two bits differ. */
export function turnedCos<T>(s: v128, c: v128, turns: v128): v128 {
  const value = v128.xor(c, v128.and(v128.xor(s, c), oddLanes<T>(turns)));
  return v128.xor(value, v128.and(v128.xor(turns, lowerBit<T>(turns)), number<T>(N.Sign)));
}

/** From the bits of x > 0, normal: exponent and mantissa of x = 2^k m, √½ ≤ m < √2, for the two functions below. */
export function exponentSplit<T>(x: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.sub(x, term<T>(BITS32, 2));
  return i64x2.sub(x, term<T>(BITS, 2));
}

/** k of a split number. */
export function exponentOf<T>(t: v128): v128 {
  if (sizeof<T>() === 4) return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(t, 23), i32x4.splat(127)));
  // 2^52 + k + 1023, written bit by bit
  return f64x2.sub(v128.or(i64x2.shr_u(t, 52), number<T>(N.Carrier)), number<T>(N.CarrierBias));
}

/** m of a split number. */
export function mantissaOf<T>(t: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.add(v128.and(t, term<T>(BITS32, 0)), term<T>(BITS32, 1));
  return i64x2.add(v128.and(t, term<T>(BITS, 0)), term<T>(BITS, 1));
}

/** The nearest integer, halves to even. */
function nearest<T>(x: v128): v128 {
  const c = number<T>(N.Round);
  return v128.sub<T>(v128.add<T>(x, c), c);
}

/** 2^k; 0 one below and Infinity one above the exponents of normal numbers. */
function powerOfTwo<T>(k: v128): v128 {
  const biased = v128.add<T>(k, number<T>(N.Bias));
  return sizeof<T>() === 4 ? i32x4.shl(biased, 23) : i64x2.shl(biased, 52);
}

/** r = x − k log 2. */
export function reduced<T, F>(x: v128, k: v128): v128 {
  const high = fusedLess<T, F>(k, number<T>(N.Ln2High), x);
  return fusedLess<T, F>(k, number<T>(N.Ln2Low), high);
}

/** e^r − 1, |r| ≤ log(2)/2. */
export function expm1Reduced<T, F>(r: v128): v128 {
  const z = v128.mul<T>(r, r);
  if (sizeof<T>() === 4) {
    const p = fusedStep<T, F>(fusedStep<T, F>(term<T>(EXP32, 4), r, EXP32, 3), r, EXP32, 2);
    return fusedSum<T, F>(z, fusedStep<T, F>(fusedStep<T, F>(p, r, EXP32, 1), r, EXP32, 0), r);
  }
  let even = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(term<T>(EXP, 10), z, EXP, 8), z, EXP, 6), z, EXP, 4);
  even = fusedStep<T, F>(fusedStep<T, F>(even, z, EXP, 2), z, EXP, 0);
  let odd = fusedStep<T, F>(fusedStep<T, F>(term<T>(EXP, 9), z, EXP, 7), z, EXP, 5);
  odd = fusedStep<T, F>(fusedStep<T, F>(odd, z, EXP, 3), z, EXP, 1);
  return fusedSum<T, F>(z, fusedSum<T, F>(r, odd, even), r);
}

/** e^(2y) − 1, 0 ≤ y ≤ SechEnd. */
function expm1Twice<T, F>(y: v128): v128 {
  const y2 = v128.add<T>(y, y);
  const k = nearest<T>(v128.mul<T>(y2, number<T>(N.Log2E)));
  const scale = powerOfTwo<T>(k);
  const p = expm1Reduced<T, F>(reduced<T, F>(y2, k));
  return fusedSum<T, F>(p, scale, v128.sub<T>(scale, number<T>(N.One)));
}

/** e^x where an f32 result may be flushed to 0 below 2^−126 and to Infinity above 2^127.5; the full e^x in f64. */
function expBounded<T, F>(x: v128): v128 {
  if (sizeof<T>() === 8) return exp<T, F>(x);
  const y = v128.pmax<T>(v128.pmin<T>(x, number<T>(N.ExpHighShort)), number<T>(N.ExpLowShort));
  const k = nearest<T>(v128.mul<T>(y, number<T>(N.Log2E)));
  return v128.mul<T>(v128.add<T>(number<T>(N.One), expm1Reduced<T, F>(reduced<T, F>(y, k))), powerOfTwo<T>(k));
}

/** e^(x²) erfc x, 1 ≤ x ≤ 28, in f64. */
function erfcx<T, F>(x: v128): v128 {
  const three = number<T>(N.Three);
  const t = v128.div<T>(v128.sub<T>(x, three), v128.add<T>(x, three));
  const w = v128.mul<T>(t, t);
  let even = fusedStep<T, F>(
    fusedStep<T, F>(fusedStep<T, F>(term<T>(ERFC, 18), w, ERFC, 16), w, ERFC, 14),
    w,
    ERFC,
    12,
  );
  even = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(even, w, ERFC, 10), w, ERFC, 8), w, ERFC, 6);
  even = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(even, w, ERFC, 4), w, ERFC, 2), w, ERFC, 0);
  let odd = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(term<T>(ERFC, 19), w, ERFC, 17), w, ERFC, 15), w, ERFC, 13);
  odd = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(odd, w, ERFC, 11), w, ERFC, 9), w, ERFC, 7);
  odd = fusedStep<T, F>(fusedStep<T, F>(fusedStep<T, F>(odd, w, ERFC, 5), w, ERFC, 3), w, ERFC, 1);
  return v128.div<T>(fusedSum<T, F>(odd, t, even), v128.add<T>(number<T>(N.One), x));
}

/** The magnitude of a with the sign of x. */
export function withSign<T>(a: v128, x: v128): v128 {
  return v128.or(a, v128.and(x, number<T>(N.Sign)));
}

/** All ones where the number of quarter turns is odd. */
function oddLanes<T>(turns: v128): v128 {
  if (sizeof<T>() === 4) return i32x4.shr_s(lowerBit<T>(turns), 31);
  return i64x2.lt_s(lowerBit<T>(turns), i64x2.splat(0));
}

/** The lower of the two top bits, at the top. */
function lowerBit<T>(turns: v128): v128 {
  return sizeof<T>() === 4 ? i32x4.shl(turns, 1) : i64x2.shl(turns, 1);
}
