// Particles of a start with a density on a grid: the inverse of its distribution function at Φ(g), first parameter first.

import { expect, it } from "vitest";
import { normalCdf } from "../../src/engine/math";
import { startParticles } from "../../src/model/particles";
import { quadratic } from "../../src/model/potential";
import { potentialProblem } from "../../src/model/problem";
import { densityStart } from "../../src/model/start";
import { stream } from "../../src/random/stream";

const SEED = 12;
const COUNT = 3000;
/** The stream of starts, docs/streams.md. */
const PURPOSE = 1;

const draw = (edges: number[][], masses: number[]): Float64Array =>
  startParticles(
    potentialProblem(quadratic(1), { dimension: edges.length, start: densityStart({ edges, masses }) }),
    COUNT,
    { seed: SEED, replica: 0 },
  );

const normals = (count: number) =>
  Array.from({ length: COUNT }, (_, i) => stream(SEED, { purpose: PURPOSE }).normals(count, { step: i }));

/** P(X ≤ x) of masses spread evenly in cells, by a plain sum. */
function distribution(edges: readonly number[], masses: readonly number[], x: number): number {
  const total = masses.reduce((a, b) => a + b, 0);
  return masses.reduce((sum, m, i) => {
    const share = (x - edges[i]!) / (edges[i + 1]! - edges[i]!);
    return sum + (m / total) * Math.min(1, Math.max(0, share));
  }, 0);
}

const edges = [-3, -2.5, -1, -0.9, 0, 0.25, 2, 5];
const masses = [0, 2, 0, 0, 5, 1e-9, 0];
const cellOf = (axis: readonly number[], x: number): number => axis.findLastIndex((edge) => edge <= x);

it("of one parameter: its distribution function at particle i is Φ(g_i) to round-off", () => {
  const g = normals(1);
  for (const [i, x] of draw([edges], masses).entries()) {
    expect(Math.abs(distribution(edges, masses, x) - normalCdf(g[i]![0]!))).toBeLessThan(1e-15 * 4);
    expect(masses[cellOf(edges, x)]).toBeGreaterThan(0);
  }
});

it("of two: the first by its marginal, the second by its law in the first one's cell", () => {
  const other = [0, 1, 3, 3.5];
  // rows over the first parameter; one row is empty, and cells within others
  const rows = [
    [0, 0, 0],
    [1, 0, 2],
    [0, 3, 0],
    [0, 0, 0],
    [4, 1, 0.5],
    [0, 0, 1],
    [0, 0, 0],
  ];
  const sums = rows.map((row) => row.reduce((a, b) => a + b, 0));
  const g = normals(2);
  const points = draw([edges, other], rows.flat());
  for (let i = 0; i < COUNT; i++) {
    const [x, y] = [points[2 * i]!, points[2 * i + 1]!];
    const row = rows[cellOf(edges, x)]!;
    expect(Math.abs(distribution(edges, sums, x) - normalCdf(g[i]![0]!))).toBeLessThan(1e-14);
    expect(Math.abs(distribution(other, row, y) - normalCdf(g[i]![1]!))).toBeLessThan(1e-14);
    expect(row[cellOf(other, y)]).toBeGreaterThan(0);
  }
});
