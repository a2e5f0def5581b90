// Elementary functions of the laws, beside those of ../math.ts.

import { expm1Reduced, Fused, N, number, reduced, term, withSign } from "../math";
import { madd } from "../vector";
import {
  ASIN_1,
  ASIN_2,
  ASIN_3,
  ASIN_4,
  ASIN_5,
  ASIN_6,
  ASIN_7,
  ASIN_8,
  ASIN_9,
  ASIN_10,
  ASIN_11,
  ASIN_12,
  ASIN32_1,
  ASIN32_2,
  ASIN32_3,
  ASIN32_4,
  ASIN32_5,
} from "./coefficients";

const ASIN = memory.data<f64>([
  ASIN_1,
  ASIN_2,
  ASIN_3,
  ASIN_4,
  ASIN_5,
  ASIN_6,
  ASIN_7,
  ASIN_8,
  ASIN_9,
  ASIN_10,
  ASIN_11,
  ASIN_12,
]);
const ASIN32 = memory.data<f32>([<f32>ASIN32_1, <f32>ASIN32_2, <f32>ASIN32_3, <f32>ASIN32_4, <f32>ASIN32_5]);

/** π/2, and where e^x is 0. */
const HALF_PI = 0;
const EXP_END = 1;
const REALS = memory.data<f64>([1.5707963267948966, -709.4]);
const REALS32 = memory.data<f32>([1.5707963267948966, -88]);

/** π/2 in all lanes. */
export function halfPi<T>(): v128 {
  return constant<T>(HALF_PI);
}

function constant<T>(name: i32): v128 {
  return term<T>(sizeof<T>() === 4 ? REALS32 : REALS, name);
}

/** e^x for x ≤ 0 or about; what would be subnormal is 0. */
export function expNegative<T>(x: v128): v128 {
  const y = v128.pmax<T>(x, constant<T>(EXP_END));
  // rounded to an integer, which with the bias of the exponent stands in the low bits
  const t = madd<T>(y, number<T>(N.Log2E), number<T>(N.Bias));
  const k = v128.sub<T>(t, number<T>(N.Bias));
  const p = v128.add<T>(number<T>(N.One), expm1Reduced<T, Fused>(reduced<T, Fused>(y, k)));
  return v128.mul<T>(p, sizeof<T>() === 4 ? i32x4.shl(t, 23) : i64x2.shl(t, 52));
}

/**
 * arcsin c for |c| ≤ 1, given the gap 1 − |c|, which near ±1 says more than c: arcsin r = r + r z A(z), z = r² = min(c², gap/2), and
 * arcsin |c| = π/2 − 2 arcsin √(gap/2).
 */
export function arcsine<T>(c: v128, gap: v128): v128 {
  const far = v128.gt<T>(v128.abs<T>(c), number<T>(N.Half));
  const z = v128.bitselect(v128.mul<T>(gap, number<T>(N.Half)), v128.mul<T>(c, c), far);
  const r = v128.sqrt<T>(z);
  let series: v128;
  if (sizeof<T>() === 4) {
    series = step<T>(
      step<T>(step<T>(step<T>(term<T>(ASIN32, 4), z, ASIN32, 3), z, ASIN32, 2), z, ASIN32, 1),
      z,
      ASIN32,
      0,
    );
  } else {
    const w = v128.mul<T>(z, z);
    let odd = step<T>(step<T>(step<T>(term<T>(ASIN, 11), w, ASIN, 9), w, ASIN, 7), w, ASIN, 5);
    odd = step<T>(step<T>(odd, w, ASIN, 3), w, ASIN, 1);
    let even = step<T>(step<T>(step<T>(term<T>(ASIN, 10), w, ASIN, 8), w, ASIN, 6), w, ASIN, 4);
    even = step<T>(step<T>(even, w, ASIN, 2), w, ASIN, 0);
    series = madd<T>(odd, z, even);
  }
  const y = madd<T>(v128.mul<T>(r, z), series, r);
  const whole = v128.bitselect(v128.sub<T>(constant<T>(HALF_PI), v128.add<T>(y, y)), y, far);
  return withSign<T>(whole, c);
}

function step<T>(a: v128, z: v128, table: usize, k: i32): v128 {
  return madd<T>(a, z, term<T>(table, k));
}
