// Norms of H^{−j}(R^D): of differences of laws and of fluctuations, exact up to round-off.                            theory §8
//
//   ‖η‖²_{H^{−j}} = ∫ |η̂(ξ)|² (1 + |ξ|²)^{−j} dξ = ∬ k(x − y) η(dx) η(dy),    η̂(ξ) = (2π)^{−D/2} ∫ e^{−i⟨ξ,x⟩} η(dx)
//
// a maximum mean discrepancy with the Bessel-potential kernel k. It is finite for point masses if j > D/2, and for derivatives of them
// if j > D/2 + 1.

import { SpecError } from "../engine/errors";
import { exp } from "../engine/math";
import { besselPotential } from "./besselPotential";
import type { Work } from "./cells";
import { pairSum, type SignedMeasure, type SignedPoints, signedPoints, termsOf, totalWeight } from "./signed";

/** √k(0) below this would be lost in the range of doubles. */
const LEAST_LOG = -700;

/** As `negativeSobolev` of src/measure/onDemand.ts. */
export function* negativeSobolev(a: SignedMeasure, b: SignedMeasure | null, options: { order: number }): Work<number> {
  const first = termsOf(a, "a");
  const second = b === null ? { terms: [], paths: [] } : termsOf(b, "b", -1);
  const eta = signedPoints([...first.terms, ...second.terms], [...first.paths, ...second.paths]);
  const { pairs, scale } = sobolevProduct([eta], options?.order);
  const total = totalWeight(eta);
  return scale * Math.sqrt(Math.max(0, total * total + (yield* pairs(eta, eta))));
}

/**
 * The inner product of H^{−j} for signed points: k(0) (η(1) η'(1) + pairs).
 *
 * @param all    what it is wanted of, all in one space
 * @param order  j
 * @returns pairs: of two of them, the same object twice for the square; scale: √k(0)
 * @throws {SpecError} where j is too small for them
 */
export function sobolevProduct(
  all: readonly SignedPoints[],
  order: number,
): { pairs: (a: SignedPoints, b: SignedPoints) => Work<number>; scale: number } {
  const D = all[0]!.dimension;
  const hasDipoles = all.some(({ dipoles }) => dipoles !== null);
  const least = D / 2 + (hasDipoles ? 1 : 0);
  if (!(Number.isFinite(order) && order > least)) {
    const why = hasDipoles ? "D/2 + 1, as displacements are carried" : "D/2, where point masses have a norm";
    throw new SpecError("order", order, `a finite number above ${least}, which is ${why}`);
  }
  const kernel = besselPotential(D, order);
  if (kernel.logAtZero < 2 * LEAST_LOG) {
    throw new SpecError("order", order, "an order and a dimension at which point masses have a norm above 10^−304");
  }
  return { scale: exp(kernel.logAtZero / 2), pairs: (a, b) => pairSum(a, b, kernel) };
}
