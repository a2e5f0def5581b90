// The arc-cosine kernel as a polynomial: with 1 − |c| = g, sin θ = √g S(g) and θ cos θ = √g C(g), so that for c = cos θ
//
//   c (π − θ) a + b sin θ = √g (b S(g) − a C(g)) + (π/2) a (c + |c|),
//
// one polynomial and one root where the angle and its sine would be two of each.

import {
  COSINE_ROOT_0,
  COSINE_ROOT_1,
  COSINE_ROOT_2,
  COSINE_ROOT_3,
  COSINE_ROOT_4,
  COSINE_ROOT_5,
  COSINE_ROOT_6,
  COSINE_ROOT_7,
  COSINE_ROOT_8,
  COSINE_ROOT_9,
  COSINE_ROOT_10,
  COSINE_ROOT_11,
  COSINE_ROOT_12,
  COSINE_ROOT_13,
  COSINE_ROOT_14,
  COSINE_ROOT_15,
  COSINE_ROOT_16,
  COSINE_ROOT_17,
  COSINE_ROOT32_0,
  COSINE_ROOT32_1,
  COSINE_ROOT32_2,
  COSINE_ROOT32_3,
  COSINE_ROOT32_4,
  COSINE_ROOT32_5,
  COSINE_ROOT32_6,
  COSINE_ROOT32_7,
  SINE_ROOT_0,
  SINE_ROOT_1,
  SINE_ROOT_2,
  SINE_ROOT_3,
  SINE_ROOT_4,
  SINE_ROOT_5,
  SINE_ROOT_6,
  SINE_ROOT_7,
  SINE_ROOT_8,
  SINE_ROOT_9,
  SINE_ROOT_10,
  SINE_ROOT_11,
  SINE_ROOT_12,
  SINE_ROOT_13,
  SINE_ROOT_14,
  SINE_ROOT_15,
  SINE_ROOT_16,
  SINE_ROOT_17,
  SINE_ROOT32_0,
  SINE_ROOT32_1,
  SINE_ROOT32_2,
  SINE_ROOT32_3,
  SINE_ROOT32_4,
  SINE_ROOT32_5,
  SINE_ROOT32_6,
  SINE_ROOT32_7,
} from "../../../assembly/matrix/coefficients";

const SINE = {
  f32: [
    SINE_ROOT32_0,
    SINE_ROOT32_1,
    SINE_ROOT32_2,
    SINE_ROOT32_3,
    SINE_ROOT32_4,
    SINE_ROOT32_5,
    SINE_ROOT32_6,
    SINE_ROOT32_7,
  ],
  f64: [
    SINE_ROOT_0,
    SINE_ROOT_1,
    SINE_ROOT_2,
    SINE_ROOT_3,
    SINE_ROOT_4,
    SINE_ROOT_5,
    SINE_ROOT_6,
    SINE_ROOT_7,
    SINE_ROOT_8,
    SINE_ROOT_9,
    SINE_ROOT_10,
    SINE_ROOT_11,
    SINE_ROOT_12,
    SINE_ROOT_13,
    SINE_ROOT_14,
    SINE_ROOT_15,
    SINE_ROOT_16,
    SINE_ROOT_17,
  ],
};
const COSINE = {
  f32: [
    COSINE_ROOT32_0,
    COSINE_ROOT32_1,
    COSINE_ROOT32_2,
    COSINE_ROOT32_3,
    COSINE_ROOT32_4,
    COSINE_ROOT32_5,
    COSINE_ROOT32_6,
    COSINE_ROOT32_7,
  ],
  f64: [
    COSINE_ROOT_0,
    COSINE_ROOT_1,
    COSINE_ROOT_2,
    COSINE_ROOT_3,
    COSINE_ROOT_4,
    COSINE_ROOT_5,
    COSINE_ROOT_6,
    COSINE_ROOT_7,
    COSINE_ROOT_8,
    COSINE_ROOT_9,
    COSINE_ROOT_10,
    COSINE_ROOT_11,
    COSINE_ROOT_12,
    COSINE_ROOT_13,
    COSINE_ROOT_14,
    COSINE_ROOT_15,
    COSINE_ROOT_16,
    COSINE_ROOT_17,
  ],
};

/**
 * Coefficients of T(g) = b S(g) − a C(g), g in [0, 1], in ascending order; within 1e-7 (f32) or 1e-15 (f64) for a and b of order 1.
 *
 * @param a, b       factors
 * @param precision  that of the sums
 */
export function wedgeCoefficients(a: number, b: number, precision: "f32" | "f64"): number[] {
  const cosine = COSINE[precision];
  return SINE[precision].map((sine, k) => b * sine - a * cosine[k]!);
}
