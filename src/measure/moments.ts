// Moments of laws: exact for particles, and exact on a grid for mass spread evenly in its cells.

import { SpecError } from "../engine/errors";
import { lawOf, type Marginal, type Measure, marginal } from "./measure";

/**
 * Raw moments E x, E x², …, E x^order of a law on the line, or of each stored coordinate of a measure.
 *
 * @param measure  the law
 * @param order    highest power, a positive integer
 * @returns order numbers; for a measure of D coordinates D rows of them, row-major
 * @throws {SpecError} when the order is no positive integer
 */
export function moments(measure: Measure | Marginal, order: number): Float64Array {
  if (!Number.isInteger(order) || order < 1) throw new SpecError("order", order, "a positive integer");
  const axes = marginals(measure);
  const result = new Float64Array(axes.length * order);
  axes.forEach((axis, j) => {
    result.set(axis.kind === "grid" ? gridMoments(axis, order) : sampleMoments(axis, order), j * order);
  });
  return result;
}

/**
 * Mean of a law on the line.
 *
 * @param law  the law
 */
export function mean(law: Marginal): number {
  return moments(law, 1)[0]!;
}

/**
 * Variance of a law on the line, about its mean.
 *
 * @param law  the law
 */
export function variance(law: Marginal): number {
  const centre = mean(law);
  const shift = (x: number): number => x - centre;
  const centred: Marginal =
    law.kind === "grid" ? { ...law, edges: law.edges.map(shift) } : { ...law, values: law.values.map(shift) };
  return moments(centred, 2)[1]!;
}

function marginals(measure: Measure | Marginal): Marginal[] {
  if (!("coordinates" in measure)) return [measure];
  const law = lawOf(measure);
  const width = law.kind === "grid" ? law.edges.length : law.shape[1];
  return Array.from({ length: width }, (_, j) => marginal(law, j));
}

function sampleMoments({ values, weights }: Extract<Marginal, { kind: "particles" }>, order: number): Float64Array {
  const sums = new Float64Array(order);
  let total = 0;
  values.forEach((x, i) => {
    let power = weights === null ? 1 : weights[i]!;
    total += power;
    for (let k = 0; k < order; k++) sums[k]! += power *= x;
  });
  return sums.map((sum) => sum / total);
}

// The mean of x^k over a cell is Σ_j lo^j hi^{k−j} / (k + 1), j = 0 … k, by a recursion without cancellation.
function gridMoments({ edges, masses }: Extract<Marginal, { kind: "grid" }>, order: number): Float64Array {
  const sums = new Float64Array(order);
  let total = 0;
  masses.forEach((mass, i) => {
    const lo = edges[i]!;
    const hi = edges[i + 1]!;
    let products = 1;
    let power = 1;
    total += mass;
    for (let k = 1; k <= order; k++) {
      power *= lo;
      products = products * hi + power;
      sums[k - 1]! += (mass * products) / (k + 1);
    }
  });
  return sums.map((sum) => sum / total);
}
