// Plain twin of assembly/stencil.ts: one MUSCL stage, a row at a time, neighbours kept in locals.

import type { Numbers } from "./heap";

// ½ minmod(2a, 2b, (a+b)/2), by comparisons: Math.min and Math.max, with their care for −0, make a stage 1.4 × slower
// biome-ignore-start lint/complexity/useMathMinMax: see above
function halfSlope(a: number, b: number): number {
  const c = 0.25 * (a + b);
  if (a > 0) {
    if (b <= 0) return 0;
    if (a < b) return a < c ? a : c;
    return b < c ? b : c;
  }
  if (b >= 0) return 0;
  if (a > b) return a > c ? a : c;
  return b > c ? b : c;
}
// biome-ignore-end lint/complexity/useMathMinMax: see above

/** One stage; pointers and `stride` in elements, columns begin at `lead` in a row. */
export function stencil(
  numbers: Numbers,
  u: number,
  u0: number,
  psi: number,
  out: number,
  n1: number,
  n2: number,
  stride: number,
  k1: number,
  k2: number,
  alpha: number,
  beta: number,
  scratch: number,
): void {
  const lead = 16 / numbers.BYTES_PER_ELEMENT;
  const slopes = scratch;
  const below = scratch + n2;
  numbers.fill(0, slopes, slopes + 2 * n2);
  for (let i = 0; i < n1; i++) {
    const row = u + i * stride + lead;
    const base = u0 + i * stride + lead;
    const potential = psi + i * stride + lead;
    const target = out + i * stride + lead;
    const last = i === n1 - 1;
    const next = last ? 0 : stride;
    const next2 = i >= n1 - 2 ? next : 2 * stride;
    let x = numbers[row]!;
    let slope = 0;
    let left = 0;
    for (let j = 0; j < n2; j++) {
      // the flux through the right face of cell j
      let right = 0;
      let y = x;
      let slopeRight = 0;
      if (j + 1 < n2) {
        y = numbers[row + j + 1]!;
        if (j + 2 < n2) slopeRight = halfSlope(y - x, numbers[row + j + 2]! - y);
        const v = (numbers[potential + j]! - numbers[potential + j + 1]!) * k2;
        right = v > 0 ? v * (x + slope) : v * (y - slopeRight);
      }
      // the flux through the face to the next row
      let above = 0;
      if (!last) {
        const z = numbers[row + j + next]!;
        const across = halfSlope(z - x, numbers[row + j + next2]! - z);
        const v = (numbers[potential + j]! - numbers[potential + j + next]!) * k1;
        above = v > 0 ? v * (x + numbers[slopes + j]!) : v * (z - across);
        numbers[slopes + j] = across;
      }
      const value = x - (above - numbers[below + j]!) - (right - left);
      numbers[target + j] = alpha * numbers[base + j]! + beta * value;
      numbers[below + j] = above;
      left = right;
      x = y;
      slope = slopeRight;
    }
  }
}
