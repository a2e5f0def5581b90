// Elementary functions in double precision from + − × ÷ √ and bit views alone, so that a result is the same on every
// machine and engine. Where assembly/math.ts has the function, its f64 lanes do the same operations in the same order
// and give the same bits. The numbers are in assembly/coefficients.ts.

import {
  COS_1,
  COS_2,
  COS_3,
  COS_4,
  COS_5,
  COS_6,
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
  HALF_LOG_2PI,
  HALF_PI_1,
  HALF_PI_2,
  HALF_PI_3,
  INV_SQRT_2PI,
  LN2_HI,
  LN2_LO,
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
  LOG2E,
  SIN_1,
  SIN_2,
  SIN_3,
  SIN_4,
  SIN_5,
  SIN_6,
  SQRT_HALF,
  STIRLING_1,
  STIRLING_2,
  STIRLING_3,
  STIRLING_4,
  STIRLING_5,
  STIRLING_6,
  STIRLING_7,
  STIRLING_8,
  TWO_OVER_PI,
} from "../../assembly/coefficients";

/** Adding and subtracting 1.5 · 2^52 rounds to the nearest integer, halves to even. */
const ROUND = 6755399441055744;

/** Beyond this an argument of sin and cos says nothing about its place in the period. */
const MAX_ANGLE = 2 ** 49;

const HALF_PI = 1.5707963267948966;
const ROOT_2PI = 2.5066282746310002;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * e^x, within 1 ulp.
 * @param x  any number; above 709.78 the result is Infinity, below −745.13 it is 0
 */
export function exp(x: number): number {
  return expSum(x, 0);
}

/**
 * e^x − 1, within 2 ulp, near 0 too.
 * @param x  any number
 */
export function expm1(x: number): number {
  if (!(x < 60)) return exp(x);
  if (x < -60) return -1;
  return x === 0 ? x : expm1Core(x);
}

/**
 * Natural logarithm, within 1 ulp.
 * @param x  0 gives −Infinity, a negative number NaN
 */
export function log(x: number): number {
  if (x < 2.2250738585072014e-308) return x > 0 ? logShifted(x * 18014398509481984, -54) : x === 0 ? -Infinity : NaN;
  return x < Infinity ? logShifted(x, 0) : x;
}

/**
 * log(1 + x), within 2 ulp, near 0 too.
 * @param x  −1 gives −Infinity, less than −1 gives NaN
 */
export function log1p(x: number): number {
  const u = 1 + x;
  if (x === 0 || !(u > 0 && u < Infinity)) return x === 0 ? x : log(u);
  return log(u) - (u - 1 - x) / u;
}

/**
 * log(1 + e^x), the softplus of slope 1, within 2 ulp.
 * @param x  any number
 */
export function log1pExp(x: number): number {
  if (Number.isNaN(x)) return x;
  const e = expSum(-Math.abs(x), 0);
  const s = e / (2 + e);
  const z = s * s;
  const w = z * z;
  const odd = ((((LOG1P_11 * w + LOG1P_9) * w + LOG1P_7) * w + LOG1P_5) * w + LOG1P_3) * w + LOG1P_1;
  const even = (((LOG1P_10 * w + LOG1P_8) * w + LOG1P_6) * w + LOG1P_4) * w + LOG1P_2;
  return Math.max(x, 0) + (2 * s + s * (z * (even * z + odd)));
}

/**
 * Sine, within 1 ulp for |x| ≤ 10^6; beyond, within an ulp of x; NaN from 2^49 on.
 * @param x  angle in radians
 */
export function sin(x: number): number {
  return sinQuadrant(x, 0);
}

/**
 * Cosine, within 1 ulp for |x| ≤ 10^6; beyond, within an ulp of x; NaN from 2^49 on.
 * @param x  angle in radians
 */
export function cos(x: number): number {
  return sinQuadrant(x, 1);
}

/**
 * Hyperbolic tangent, within 2 ulp, near 0 too.
 * @param x  any number
 */
export function tanh(x: number): number {
  if (Number.isNaN(x)) return x;
  const t = expm1Core(2 * Math.min(Math.abs(x), 22));
  const y = t / (t + 2);
  return x < 0 || Object.is(x, -0) ? -y : y;
}

/**
 * Logistic sigmoid 1 / (1 + e^−x), within 2 ulp (0 from −709.8 down).
 * @param x  any number
 */
export function logistic(x: number): number {
  return 1 / (1 + expSum(-x, 0));
}

/**
 * Error function 2/√π ∫₀^x e^(−t²) dt, within 2 ulp, near 0 too.
 * @param x  any number
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.min(Math.abs(x), 6);
  if (a < 1) return erfCore(x);
  const y = 1 - expSum(-(a * a), 0) * erfcx(a);
  return x < 0 ? -y : y;
}

/**
 * Complementary error function 1 − erf x, to 10 ulp out to where it underflows.
 * @param x  any number
 */
export function erfc(x: number): number {
  if (x < 1) return x > -1 ? 1 - erfCore(x) : 1 + erf(-x);
  if (!(x < 28)) return Number.isNaN(x) ? x : 0;
  const h = upperHalf(x);
  return expSum(-(h * h), (h - x) * (h + x)) * erfcx(x);
}

/**
 * Density of the standard normal law, e^(−x²/2) / √(2π), to 4 ulp out to where it underflows.
 * @param x  any number
 */
export function normalPdf(x: number): number {
  return INV_SQRT_2PI * bell(x);
}

/**
 * Distribution function of the standard normal law, to 10 ulp in the lower tail too, out to where it underflows.
 * @param x  any number
 */
export function normalCdf(x: number): number {
  const a = Math.abs(x) * SQRT_HALF;
  if (a < 1) return 0.5 + 0.5 * erfCore(x * SQRT_HALF);
  if (!(a < 28)) return Number.isNaN(x) ? x : x < 0 ? 0 : 1;
  const lower = 0.5 * (bell(x) * erfcx(a));
  return x < 0 ? lower : 1 - lower;
}

/**
 * Quantile function of the standard normal law, the x with P(G ≤ x) = p, within 10^−15 relative for normal p.
 * @param p  probability; 0 gives −Infinity, 1 gives Infinity, anything outside [0, 1] NaN
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : NaN;
  const q = p - 0.5;
  if (Math.abs(q) < 0.25) {
    // the power series of the inverse error function in z = 2π q²
    const z = 2 * Math.PI * q * q;
    let x = ROOT_2PI * q * (1 + z * (1 / 6 + z * (7 / 120 + z * (127 / 5040))));
    for (let i = 0; i < 2; i++) x = halley(x, (0.5 * erf(x * SQRT_HALF) - q) / normalPdf(x));
    return x;
  }
  // the tail through the smaller of p and 1 − p, which is exact here, from Abramowitz and Stegun's 26.2.23, within 5e-4
  const tail = q < 0 ? p : 1 - p;
  const t = Math.sqrt(-2 * log(tail));
  let x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (let i = 0; i < 2; i++) x = halley(x, (normalCdf(x) - tail) / normalPdf(x));
  return q < 0 ? x : -x;
}

/** Halley's step for Φ(x) = p, with excess = (Φ(x) − p)/φ(x): Φ″/Φ′ = −x. */
function halley(x: number, excess: number): number {
  return x - excess / (1 + 0.5 * x * excess);
}

/**
 * Inverse tangent, within 4 ulp.
 * @param x  any number
 */
export function atan(x: number): number {
  const a = Math.abs(x);
  if (a < 1e-8) return x;
  if (a > 1) {
    const y = HALF_PI - atanCore(1 / a);
    return x < 0 ? -y : y;
  }
  return atanCore(x);
}

/** tan(θ/2) = tan θ/(1 + √(1 + tan² θ)), twice, and the power series for |y| ≤ tan(π/16). */
function atanCore(x: number): number {
  let y = x / (1 + Math.sqrt(1 + x * x));
  y /= 1 + Math.sqrt(1 + y * y);
  const z = y * y;
  const w = z * z;
  const even = ((((w / 21 + 1 / 17) * w + 1 / 13) * w + 1 / 9) * w + 1 / 5) * w;
  const odd = ((((w / 23 + 1 / 19) * w + 1 / 15) * w + 1 / 11) * w + 1 / 7) * w + 1 / 3;
  return 4 * (y + y * (even - z * odd));
}

/**
 * log Γ(x), within 10^−14 relative or absolute, by Stirling’s series from 8 on and the recurrence below.
 * @param x  positive; 0 gives Infinity, a negative number NaN
 * @see NIST Digital Library of Mathematical Functions, 5.11.1
 */
export function lgamma(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  if (x === 1 || x === 2 || x === Infinity) return x === Infinity ? x : 0;
  let product = 1;
  let y = x;
  while (y < 8) {
    product *= y;
    y += 1;
  }
  const r = 1 / y;
  const z = r * r;
  const near = ((STIRLING_4 * z + STIRLING_3) * z + STIRLING_2) * z + STIRLING_1;
  const far = ((STIRLING_8 * z + STIRLING_7) * z + STIRLING_6) * z + STIRLING_5;
  const series = r * (near + far * (z * z * z * z));
  // y (log y − 1) rather than y log y − y: the latter is Infinity − Infinity for the largest numbers.
  const stirling = y * (log(y) - 1) - 0.5 * log(y) + (HALF_LOG_2PI + series);
  return product === 1 ? stirling : stirling - log(product);
}

/**
 * x^y: by repeated multiplication for integers |y| ≤ 32 (exact where the powers are), else within 10^−14 relative.
 * @param x  base; negative only with an integer y, otherwise NaN
 * @param y  exponent
 */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  if (Math.abs(y) <= 32 && y === Math.floor(y)) {
    const p = integerPower(x, Math.abs(y));
    const result = y < 0 ? 1 / p : p;
    // An intermediate power may leave the range where the result is still inside: leave that to the logarithm.
    if (Math.abs(result) > 1e-307 && Math.abs(result) < Infinity) return result;
  }
  if (x < 0 || Object.is(x, -0)) {
    if (y !== Math.floor(y) && x !== 0 && x !== -Infinity) return NaN;
    const odd = Math.abs(y) < 2 ** 53 && y - 2 * Math.floor(y / 2) === 1;
    return odd ? -positivePower(-x, y) : positivePower(-x, y);
  }
  return positivePower(x, y);
}

/** x^y for x ≥ 0, neither NaN: the logarithm and its product with y carried in two doubles. */
function positivePower(x: number, y: number): number {
  if (x === 1) return 1;
  if (x === 0 || x === Infinity || Math.abs(y) > 1e19) return x > 1 === y > 0 ? Infinity : 0;
  let k = 0;
  let v = x;
  if (v < 2.2250738585072014e-308) {
    v *= 18014398509481984;
    k = -54;
  }
  k += splitExponent(v);
  const m = double[0];
  // s = (m − 1)/(m + 1) in two doubles, log m = 2 s + s z L(z)
  const f = m - 1;
  const g = m + 1;
  const gLow = m - (g - 1);
  const s = f / g;
  const sLow = (-productError(s, g, f) - s * gLow) / g;
  const head = k * LN2_HI;
  const high = head + 2 * s;
  const carry = head === 0 ? 0 : head - high + 2 * s;
  const low = carry + (2 * sLow + s * logSeries(s) + k * LN2_LO);
  const total = high + low;
  const rest = high - total + low;
  const p = y * total;
  if (!(Math.abs(p) < 800)) return p > 0 ? Infinity : 0;
  return expSum(p, productError(y, total, p) + y * rest);
}

/** The rounding error a b − p of the product p = a · b, exactly. @see Dekker, Numerische Mathematik 18, 1971 */
function productError(a: number, b: number, p: number): number {
  const ah = upperHalf(a);
  const bh = upperHalf(b);
  const al = a - ah;
  const bl = b - bh;
  return ah * bh - p + ah * bl + al * bh + al * bl;
}

/** x rounded to its upper 26 bits. */
function upperHalf(x: number): number {
  const c = 134217729 * x;
  return c - (c - x);
}

function integerPower(x: number, n: number): number {
  let result = 1;
  let square = x;
  for (let rest = n; rest > 0; rest >>= 1) {
    if (rest & 1) result *= square;
    square *= square;
  }
  return result;
}

/** e^(x + low) for |low| ≪ 1: 2^k (1 + p(r)), r = x + low − k log 2. */
function expSum(x: number, low: number): number {
  if (!(x < 710)) return Number.isNaN(x) ? x : Infinity;
  if (x < -746) return 0;
  const k = x * LOG2E + ROUND - ROUND;
  const r = x - k * LN2_HI - (k * LN2_LO - low);
  const half = k * 0.5 + ROUND - ROUND;
  return (1 + expm1Reduced(r)) * powerOfTwo(half) * powerOfTwo(k - half);
}

/** e^x − 1 for |x| ≤ 60: 2^k p(r) + (2^k − 1). */
function expm1Core(x: number): number {
  const k = x * LOG2E + ROUND - ROUND;
  const r = x - k * LN2_HI - k * LN2_LO;
  const scale = powerOfTwo(k);
  return expm1Reduced(r) * scale + (scale - 1);
}

/** e^r − 1 for |r| ≤ log(2)/2. */
function expm1Reduced(r: number): number {
  const z = r * r;
  const even = ((((EXP_12 * z + EXP_10) * z + EXP_8) * z + EXP_6) * z + EXP_4) * z + EXP_2;
  const odd = (((EXP_11 * z + EXP_9) * z + EXP_7) * z + EXP_5) * z + EXP_3;
  return r + z * (even + r * odd);
}

/** 2^k for an integer k from −1022 to 1023. */
function powerOfTwo(k: number): number {
  words[0] = 0;
  words[1] = (k + 1023) << 20;
  return double[0];
}

/** Writes the m in [√½, √2) of x = 2^k m into `double`, gives k; x positive, normal and finite. */
function splitExponent(x: number): number {
  double[0] = x;
  const t = words[1] - (0x3fe6a09e - 0x3ff00000);
  words[1] = (t & 0xfffff) + 0x3fe6a09e;
  return (t >>> 20) - 1023;
}

/** log(x) + shift log 2 for x positive, normal and finite. */
function logShifted(x: number, shift: number): number {
  const k = splitExponent(x) + shift;
  const f = double[0] - 1;
  const s = f / (2 + f);
  const h = 0.5 * f * f;
  return s * (h + logSeries(s)) + k * LN2_LO - h + f + k * LN2_HI;
}

/** z L(z), z = s²: log((1+s)/(1−s)) = s (2 + z L(z)), for |s| ≤ 0.1716. */
export function logSeries(s: number): number {
  const z = s * s;
  const w = z * z;
  const odd = ((LOG_7 * w + LOG_5) * w + LOG_3) * w + LOG_1;
  const even = (LOG_6 * w + LOG_4) * w + LOG_2;
  return z * (even * z + odd);
}

/** S(z), z = r²: sin r = r + r z S(z), for |r| ≤ π/4. */
export function sinSeries(z: number): number {
  return ((((SIN_6 * z + SIN_5) * z + SIN_4) * z + SIN_3) * z + SIN_2) * z + SIN_1;
}

/** C(z), z = r²: cos r = 1 − z/2 + z² C(z), for |r| ≤ π/4. */
export function cosSeries(z: number): number {
  return ((((COS_6 * z + COS_5) * z + COS_4) * z + COS_3) * z + COS_2) * z + COS_1;
}

/** sin(x + quadrant π/2): x = n π/2 + r + t by Cody and Waite with π/2 in three parts. */
function sinQuadrant(x: number, quadrant: number): number {
  if (!(Math.abs(x) < MAX_ANGLE)) return NaN;
  const n = x * TWO_OVER_PI + ROUND - ROUND;
  const y = x - n * HALF_PI_1;
  const w = n * HALF_PI_2;
  const a = y - w;
  const b = a - y;
  const e = y - (a - b) - (w + b);
  const c = n * HALF_PI_3 - e;
  const r = a - c;
  const t = a - r - c;
  const place = n + quadrant;
  const q = place - 4 * Math.floor(place * 0.25);
  const z = r * r;
  const h = 0.5 * z;
  if ((q & 1) === 0) {
    const value = r - (t * h - t - z * r * sinSeries(z));
    return q & 2 ? -value : value;
  }
  const v = 1 - h;
  const value = v + (1 - v - h + (z * (z * cosSeries(z)) - r * t));
  return q & 2 ? -value : value;
}

/** erf x for |x| < 1. */
function erfCore(x: number): number {
  const z = x * x;
  const w = z * z;
  const even = (((((ERF_12 * w + ERF_10) * w + ERF_8) * w + ERF_6) * w + ERF_4) * w + ERF_2) * w + ERF_0;
  const odd = ((((ERF_11 * w + ERF_9) * w + ERF_7) * w + ERF_5) * w + ERF_3) * w + ERF_1;
  return x + x * (odd * z + even);
}

/** e^(x²) erfc x for 1 ≤ x ≤ 28. */
function erfcx(x: number): number {
  const t = (x - 3) / (x + 3);
  const w = t * t;
  const even =
    ((((((((ERFC_18 * w + ERFC_16) * w + ERFC_14) * w + ERFC_12) * w + ERFC_10) * w + ERFC_8) * w + ERFC_6) * w +
      ERFC_4) *
      w +
      ERFC_2) *
      w +
    ERFC_0;
  const odd =
    ((((((((ERFC_19 * w + ERFC_17) * w + ERFC_15) * w + ERFC_13) * w + ERFC_11) * w + ERFC_9) * w + ERFC_7) * w +
      ERFC_5) *
      w +
      ERFC_3) *
      w +
    ERFC_1;
  return (odd * t + even) / (1 + x);
}

/** e^(−x²/2), the square carried in two doubles. */
function bell(x: number): number {
  if (!(Math.abs(x) < 40)) return Number.isNaN(x) ? x : 0;
  const h = upperHalf(x);
  return expSum(-0.5 * (h * h), 0.5 * ((h - x) * (h + x)));
}
