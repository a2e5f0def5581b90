// Plain twin of assembly/moments.ts: steps with a memory.

import type { Numbers } from "./heap";

/** One step of the heavy ball, from addresses in numbers; see assembly/moments.ts. */
export function heavyBall(
  numbers: Numbers,
  x: number,
  u: number,
  g: number,
  count: number,
  step: number,
  momentum: number,
): void {
  const [epsilon, mu] = numbers.BYTES_PER_ELEMENT === 4 ? [Math.fround(step), Math.fround(momentum)] : [step, momentum];
  for (let i = 0; i < count; i++) {
    const next = mu * numbers[u + i]! + numbers[g + i]!;
    numbers[u + i] = next;
    numbers[x + i] = numbers[x + i]! + epsilon * next;
  }
}

/** One step of Adam, from addresses in numbers; see assembly/moments.ts. */
export function adam(
  numbers: Numbers,
  x: number,
  m: number,
  s: number,
  g: number,
  count: number,
  beta1: number,
  beta2: number,
  rate: number,
  correction: number,
  stabiliser: number,
): void {
  const isSingle = numbers.BYTES_PER_ELEMENT === 4;
  const round = (value: number) => (isSingle ? Math.fround(value) : value);
  const [b1, c1, b2, c2] = [beta1, 1 - beta1, beta2, 1 - beta2].map(round) as [number, number, number, number];
  const [r, c, e] = [rate, correction, stabiliser].map(round) as [number, number, number];
  for (let i = 0; i < count; i++) {
    const now = numbers[g + i]!;
    const mean = b1 * numbers[m + i]! + c1 * now;
    const square = b2 * numbers[s + i]! + c2 * (now * now);
    numbers[m + i] = mean;
    numbers[s + i] = square;
    numbers[x + i] = numbers[x + i]! + r * (mean / (c * Math.sqrt(square) + e));
  }
}
