// One step of the implicit finite volumes, against dense linear algebra and closed forms. Not covered: cells of unequal
// length, which the scheme does not take.

import { describe, expect, test } from "vitest";
import { cellsOf, equalEdges, finish } from "../../src/measure/cells";
import { bernoulli } from "../../src/measure/freeEnergy";
import { ScharfetterGummel } from "../../src/process/fokkerPlanck/scharfetterGummel";

const GAMMA = 1 - Math.SQRT1_2;

// B(z) to 60 digits by Python's decimal module, rounded.
test.each([
  [1e-20, 1],
  [1e-9, 0.9999999995],
  [0.001, 0.999500083333332],
  [0.5, 0.7707470412683991],
  [1, 0.5819767068693265],
  [2.5, 0.22356372458463003],
  [10, 0.0004540199100968777],
  [37, 3.1572276215253046e-15],
  [100, 3.720075976020836e-42],
  [700, 6.90177358063184e-302],
])("B(%d) is right to three ulps", (z, expected) => {
  expect(Math.abs(bernoulli(z) / expected - 1)).toBeLessThan(7e-16);
});

test("B has no overflow", () => {
  expect(bernoulli(0)).toBe(1);
  expect(bernoulli(800)).toBe(0);
  expect(bernoulli(1e300)).toBe(0);
});

/** Numbers in (0, 1) that are the same in every run. */
function rough(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** The generator L of one line, dense, from the formula of the flux. */
function generator(potential: readonly number[], tau: number, h: number): number[][] {
  const n = potential.length;
  const L = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const B = (z: number) => (Math.abs(z) < 1e-8 ? 1 - z / 2 : z / Math.expm1(z));
  for (let i = 0; i + 1 < n; i++) {
    const z = (potential[i + 1]! - potential[i]!) / tau;
    const up = (tau / (h * h)) * B(z);
    const down = (tau / (h * h)) * B(-z);
    L[i]![i]! -= up;
    L[i + 1]![i]! += up;
    L[i + 1]![i + 1]! -= down;
    L[i]![i + 1]! += down;
  }
  return L;
}

/** Solves (I − a L) x = b by Gaussian elimination with pivots. */
function solve(L: number[][], a: number, b: readonly number[]): number[] {
  const n = b.length;
  const A = L.map((row, i) => [...row.map((x, j) => (i === j ? 1 : 0) - a * x), b[i]!]);
  for (let k = 0; k < n; k++) {
    let p = k;
    for (let i = k; i < n; i++) if (Math.abs(A[i]![k]!) > Math.abs(A[p]![k]!)) p = i;
    [A[k], A[p]] = [A[p]!, A[k]!];
    for (let i = k + 1; i < n; i++) {
      const f = A[i]![k]! / A[k]![k]!;
      for (let j = k; j <= n; j++) A[i]![j]! -= f * A[k]![j]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = A[i]![n]!;
    for (let j = i + 1; j < n; j++) sum -= A[i]![j]! * x[j]!;
    x[i] = sum / A[i]![i]!;
  }
  return x;
}

/** The second-order step as the rational function (I − γ dt L)⁻² (I + (1 − 2γ) dt L). */
function rational(L: number[][], dt: number, m: readonly number[]): number[] {
  const right = m.map((x, i) => x + (1 - 2 * GAMMA) * dt * L[i]!.reduce((sum, l, j) => sum + l * m[j]!, 0));
  return solve(L, GAMMA * dt, solve(L, GAMMA * dt, right));
}

function scheme(rows: number, columns: number, tau: number, h: number, potential: ArrayLike<number>) {
  const edges = [equalEdges(0, rows * h, rows)];
  if (columns > 1) edges.push(equalEdges(0, columns * h, columns));
  const sg = new ScharfetterGummel(cellsOf(edges), tau);
  const rates = sg.rates();
  finish(sg.fit(Float64Array.from(potential), rates));
  return {
    sg,
    step(masses: ArrayLike<number>, dt: number): Float64Array {
      const out = new Float64Array(rows * columns);
      finish(sg.step(Float64Array.from(masses), rates, dt, out));
      return out;
    },
    euler(masses: ArrayLike<number>, dt: number): Float64Array {
      const out = new Float64Array(rows * columns);
      finish(sg.eulerStep(Float64Array.from(masses), rates, dt, out));
      return out;
    },
  };
}

const total = (m: ArrayLike<number>): number => Array.from(m).reduce((sum, x) => sum + x, 0);

describe("along one line", () => {
  const [tau, h] = [0.3, 0.1];

  // 13 cells of smooth positive masses, on which SDIRK2 stays positive: the limiter has nothing to do
  const smooth = Array.from({ length: 13 }, (_, i) => Math.exp(-(((i - 5) / 4) ** 2)));
  const uniform = rough(3);
  const potential = smooth.map(() => 2 * uniform());

  test.each([1e-4, 1e-3, 0.01])("a step of %d is the rational function of the generator", (dt) => {
    const { sg, step, euler } = scheme(13, 1, tau, h, potential);
    const L = generator(potential, tau, h);
    const expected = rational(L, dt, smooth);
    // dense elimination loses about cond · 1e-16; τ dt/h² ≤ 0.3 makes the condition number small
    step(smooth, dt).forEach((m, i) => void expect(Math.abs(m - expected[i]!)).toBeLessThan(1e-13));
    expect(sg.limited).toBe(0);
    const first = solve(L, dt, smooth);
    euler(smooth, dt).forEach((m, i) => void expect(Math.abs(m - first[i]!)).toBeLessThan(1e-13));
  });

  test("masses stay positive where the rational function is not, and nearer to the exact law", () => {
    const point: number[] = smooth.map((_, i) => (i === 4 ? 1 : 0));
    const L = generator(potential, tau, h);
    for (const dt of [0.03, 0.05, 0.1, 0.3, 1, 10]) {
      const { sg, step, euler } = scheme(13, 1, tau, h, potential);
      const limited = step(point, dt);
      const raw = rational(L, dt, point);
      expect(Math.min(...raw)).toBeLessThan(-1e-3);
      expect(sg.limited).toBe(1);
      expect(Math.min(...limited)).toBeGreaterThanOrEqual(0);
      expect(Math.abs(total(limited) - 1)).toBeLessThan(1e-14);
      let exact = point;
      for (let k = 0; k < 2000; k++) exact = rational(L, dt / 2000, exact);
      const error = (m: ArrayLike<number>) => exact.reduce((sum, x, i) => sum + Math.abs(x - m[i]!), 0);
      expect(error(limited)).toBeLessThan(error(raw));
      if (dt <= 0.3) expect(error(limited)).toBeLessThan(error(euler(point, dt)));
    }
  });

  test("errors fall with the square of the step", () => {
    // against a thousand times smaller steps of the dense rational function
    const L = generator(potential, tau, h);
    let exact = smooth;
    for (let k = 0; k < 640; k++) exact = rational(L, 0.16 / 640, exact);
    const error = (steps: number) => {
      const { step } = scheme(13, 1, tau, h, potential);
      let m: ArrayLike<number> = smooth;
      for (let k = 0; k < steps; k++) m = step(m, 0.16 / steps);
      return exact.reduce((sum, x, i) => sum + Math.abs(x - m[i]!), 0);
    };
    expect(Math.log2(error(8) / error(16))).toBeGreaterThan(1.9);
    expect(Math.log2(error(16) / error(32))).toBeGreaterThan(1.95);
  });
});

// blocks are of 8 lines: one, a part, a whole, a whole and one, two and one
describe.each([
  [40, 1],
  [7, 2],
  [9, 7],
  [8, 8],
  [11, 9],
  [17, 17],
  [6, 33],
])("on %d × %d cells", (rows, columns) => {
  const tau = 0.4;
  const uniform = rough(rows * 100 + columns);
  // steep: Φ changes by up to 25 τ from cell to cell
  const potential = Float64Array.from({ length: rows * columns }, () => 10 * uniform());
  const gibbs = potential.map((p) => Math.exp(-p / tau));
  const mass = total(gibbs);
  const law = gibbs.map((m) => m / mass);

  test.each([1e-8, 1e-3, 1, 1e4, 1e12])("Gibbs' law stays where it is in a step of %d, in every cell", (dt) => {
    const { sg, step, euler } = scheme(rows, columns, tau, 0.05, potential);
    for (const out of [step(law, dt), euler(law, dt)]) {
      // a few ulps a cell along a line, and e^{−Φ/τ} itself is right to 25 ulps (Φ/τ ≤ 25)
      out.forEach((m, i) => void expect(Math.abs(m / law[i]! - 1)).toBeLessThan(4e-14));
    }
    expect(sg.limited).toBe(0);
  });

  test("mass is kept and stays non-negative, from rough laws and points, for any step", () => {
    for (let trial = 0; trial < 20; trial++) {
      const masses = potential.map(() => (uniform() < 0.7 ? 0 : uniform() ** 6));
      masses[trial % masses.length]! += 0.1;
      const sum = total(masses);
      for (const dt of [1e-6, 1e-3, 0.1, 10, 1e5]) {
        const { step, euler } = scheme(rows, columns, tau, 0.05, potential);
        for (const out of [step(masses, dt), euler(masses, dt)]) {
          expect(Math.min(...out)).toBeGreaterThanOrEqual(0);
          // an ulp or so a cell of a line
          expect(Math.abs(total(out) / sum - 1)).toBeLessThan(1e-14);
        }
      }
    }
  });

  test("with a potential of one axis and equal masses along the other, moves as one line", () => {
    const profile = potential.subarray(0, rows);
    const line = scheme(rows, 1, tau, 0.05, profile);
    const start = profile.map(() => 0.2 + uniform());
    const expected = line.step(line.step(start, 0.005), 0.005);
    const box = scheme(
      rows,
      columns,
      tau,
      0.05,
      potential.map((_, at) => profile[Math.floor(at / columns)]!),
    );
    const out =
      columns === 1
        ? box.step(box.step(start, 0.005), 0.005)
        : box.step(
            potential.map((_, at) => start[Math.floor(at / columns)]!),
            0.01,
          );
    out.forEach((m, at) => void expect(Math.abs(m - expected[Math.floor(at / columns)]!)).toBeLessThan(1e-13));
  });
});
