// The largest or smallest value of a function of a positive variable, from a logarithmic grid on.

import { exp, log } from "../engine/math";

/**
 * Points at equal ratios.
 *
 * @param from       smallest
 * @param to         largest
 * @param perDecade  points in a factor of 10, at least
 */
export function logGrid(from: number, to: number, perDecade: number): Float64Array {
  const width = log(to / from);
  const cells = Math.max(1, Math.ceil((width / log(10)) * perDecade));
  return Float64Array.from({ length: cells + 1 }, (_, i) => (i === cells ? to : from * exp((i / cells) * width)));
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * An extremum over a grid, refined by golden section in log x between its neighbours; at the ends of the grid, the end.
 *
 * @param f     a function
 * @param grid  positive, ascending
 * @param kind  which extremum
 */
export function extremum(
  f: (x: number) => number,
  grid: Float64Array,
  kind: "largest" | "smallest",
): { x: number; value: number } {
  const sign = kind === "largest" ? -1 : 1;
  const values = grid.map((x) => sign * f(x));
  let best = 0;
  values.forEach((value, i) => {
    if (value < values[best]!) best = i;
  });
  let found = { x: grid[best]!, value: sign * values[best]! };
  if (best === 0 || best === grid.length - 1) return found;
  let [a, b] = [log(grid[best - 1]!), log(grid[best + 1]!)];
  for (let round = 0; round < 60 && b - a > 1e-9; round++) {
    const [c, d] = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)];
    const [left, right] = [f(exp(c)), f(exp(d))];
    if (sign * left < sign * right) b = d;
    else a = c;
    for (const [x, value] of [
      [exp(c), left],
      [exp(d), right],
    ] as const) {
      if (sign * value < sign * found.value) found = { x, value };
    }
  }
  return found;
}
