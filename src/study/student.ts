// Student's t: how far a mean strays from its expectation, in standard errors that were estimated from n − 1 degrees of
// freedom. P(|T| > t) = I_x(n/2, 1/2), x = n/(n + t²), I the regularised incomplete beta function.

import { SpecError } from "../engine/errors";
import { exp, lgamma, log, log1p, normalCdf } from "../engine/math";

/**
 * The t that |T| stays below with a given probability.
 *
 * @param level    probability, in (0, 1)
 * @param freedom  degrees of freedom, positive; they need not be whole; Infinity is the normal law
 * @throws {SpecError} for a level or degrees of freedom that are none
 */
export function studentBound(level: number, freedom: number): number {
  if (!(level > 0 && level < 1)) throw new SpecError("level", level, "a probability in (0, 1)");
  if (!(freedom > 0)) throw new SpecError("freedom", freedom, "a positive number");
  let low = 0;
  let high = 1;
  while (studentTails(high, freedom) > 1 - level) high *= 2;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (studentTails(middle, freedom) > 1 - level) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The probability that |T| is above t.
 *
 * @param t        non-negative
 * @param freedom  degrees of freedom, positive
 */
export function studentTails(t: number, freedom: number): number {
  // from here on the two laws agree to some 1e-5 of a tail, and the logarithms of Γ resolve less and less
  if (freedom > 1e6) return 2 * normalCdf(-t);
  const square = t * t;
  const a = freedom / 2;
  const b = 0.5;
  const x = freedom / (freedom + square);
  const rest = square / (freedom + square);
  if (rest === 0) return 1;
  if (x === 0) return 0;
  const front = exp(-a * log1p(square / freedom) + b * log(rest) + lgamma(a + b) - lgamma(a) - lgamma(b));
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(rest, b, a)) / b;
}

// The continued fraction of the incomplete beta function, by Lentz.
function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m <= 10000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let factor = 1;
    for (const numerator of [even, odd]) {
      d = 1 / away(1 + numerator * d);
      c = away(1 + numerator / c);
      factor = c * d;
      h *= factor;
    }
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return h;
}
