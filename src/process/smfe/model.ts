// A problem of one parameter on cells: predictions and residuals of a law, and displacements of the edges.       docs/smfeGrid.md
//
//   f(x_q) = Σ_i m_i σ(x_q c_i)        D(e_j) = Σ_q c_q x_q σ'(x_q e_j) − pull U'(e_j)
//
// Cells never move, so σ and σ' are tabulated once: a row of cells' middles and a row of edges for each example.

import { SpecError } from "../../engine/errors";
import { exp, logistic } from "../../engine/math";
import { type Cells, PIECE, type Work } from "../../measure/cells";
import { activationFunctions } from "../../model/activation";
import type { Dataset } from "../../model/law";
import { potentialFunctions } from "../../model/potential";
import type { Problem } from "../../model/problem";
import { massesOf } from "../dataNoise";

/** A problem of one parameter on cells. */
export interface LineModel {
  /** Q */
  readonly atoms: number;
  /** [Q] m_q, sum 1 */
  readonly masses: Float64Array;
  /** [Q] d_q: share of the confinement in an example's step, mean 1 */
  readonly decays: Float64Array;
  /** Writes f(x_q) of cells' masses of any sign, Q numbers. */
  predict(cells: Float64Array, f: Float64Array): Work<void>;
  /** r_q = −∂ℓ/∂f of one example at f. */
  residual(q: number, f: number): number;
  /** −∂²ℓ/∂f² of one example at f. */
  bend(q: number, f: number): number;
  /** Writes the displacements of the edges under data weights c_q and a pull of the confinement, n + 1 numbers. */
  displace(weights: Float64Array, pull: number, out: Float64Array): Work<void>;
}

/**
 * Puts a problem on cells.
 *
 * @param problem  ridge units of one weight, a finite law, squared or logistic loss
 * @param cells    of one axis
 * @throws {SpecError} where U' is not finite at an edge
 */
export function lineModel(problem: Problem, cells: Cells): LineModel {
  const { unit, loss, confinement } = problem;
  const law = problem.law as Dataset;
  const x = law.x.data;
  const y = law.y.data;
  const Q = x.length;
  const n = cells.size;
  const middles = cells.middles[0]!;
  const edges = cells.edges[0]!;
  const { value, derivative } = activationFunctions(unit.activation);
  const values = new Float64Array(Q * n);
  const slopes = new Float64Array(Q * (n + 1));
  for (let q = 0; q < Q; q++) {
    const input = x[q]!;
    for (let i = 0; i < n; i++) values[q * n + i] = value(input * middles[i]!);
    for (let j = 0; j <= n; j++) slopes[q * (n + 1) + j] = input * derivative(input * edges[j]!);
  }
  const forces = confinement === null ? null : forcesAt(problem, edges);
  return {
    atoms: Q,
    masses: massesOf(law),
    decays: law.decay?.data ?? new Float64Array(Q).fill(1),
    *predict(masses, f) {
      for (let q = 0, done = 0; q < Q; q++) {
        f[q] = dot(values, q * n, masses);
        if ((done += n) < PIECE * PIECES) continue;
        done = 0;
        yield undefined;
      }
    },
    residual: (q, f) => (loss === "logistic" ? y[q]! / (1 + exp(y[q]! * f)) : y[q]! - f),
    bend: (q, f) => (loss === "logistic" ? -logistic(y[q]! * f) * logistic(-y[q]! * f) : -1),
    *displace(weights, pull, out) {
      // a block of the edges stays in the cache while all examples are added to it
      for (let from = 0, done = 0; from <= n; from += BLOCK) {
        const to = Math.min(n + 1, from + BLOCK);
        for (let j = from; j < to; j++) out[j] = forces === null ? 0 : -pull * forces[j]!;
        for (let q = 0; q < Q; q++) addScaled(out, slopes, q * (n + 1), weights[q]!, from, to);
        if ((done += Q * (to - from)) < PIECE * PIECES) continue;
        done = 0;
        yield undefined;
      }
    },
  };
}

const BLOCK = 2048;

/** Pieces of work between two yields: a multiply-add is the cheapest of loops. */
const PIECES = 64;

function forcesAt({ confinement }: Problem, edges: Float64Array): Float64Array {
  const { gradient } = potentialFunctions(confinement);
  const theta = new Float64Array(1);
  const slope = new Float64Array(1);
  return edges.map((edge) => {
    theta[0] = edge;
    gradient(theta, slope);
    if (!Number.isFinite(slope[0])) {
      throw new SpecError(
        "process.problem.confinement",
        slope[0],
        `a finite slope at θ = ${edge}`,
        "Choose a box in which the potential is finite.",
      );
    }
    return slope[0]!;
  });
}

// Four sums side by side, as one alone waits for each addition.
function dot(table: Float64Array, from: number, masses: Float64Array): number {
  const n = masses.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    const at = from + i;
    s0 += table[at]! * masses[i]!;
    s1 += table[at + 1]! * masses[i + 1]!;
    s2 += table[at + 2]! * masses[i + 2]!;
    s3 += table[at + 3]! * masses[i + 3]!;
  }
  for (; i < n; i++) s0 += table[from + i]! * masses[i]!;
  return s0 + s1 + (s2 + s3);
}

function addScaled(out: Float64Array, table: Float64Array, row: number, scale: number, from: number, to: number): void {
  for (let j = from; j < to; j++) out[j]! += scale * table[row + j]!;
}
