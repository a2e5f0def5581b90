// arcsin in f64, the operations of assembly/matrix/functions.ts in the same order.

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
} from "../../../assembly/matrix/coefficients";

/**
 * arcsin c, to some 1e-16.
 *
 * @param c    in [−1, 1]
 * @param gap  1 − |c|, which near ±1 says more than c
 */
export function arcsine(c: number, gap: number): number {
  const far = Math.abs(c) > 0.5;
  const z = far ? 0.5 * gap : c * c;
  const r = Math.sqrt(z);
  const w = z * z;
  const odd = ((((ASIN_12 * w + ASIN_10) * w + ASIN_8) * w + ASIN_6) * w + ASIN_4) * w + ASIN_2;
  const even = ((((ASIN_11 * w + ASIN_9) * w + ASIN_7) * w + ASIN_5) * w + ASIN_3) * w + ASIN_1;
  const y = r * z * (odd * z + even) + r;
  const whole = far ? Math.PI / 2 - (y + y) : y;
  return c < 0 ? -whole : whole;
}
