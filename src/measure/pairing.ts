// Integrals of functions against a fluctuation η.                                                                         theory §8
//
//   ⟨η, φ⟩ = Σ_i ω_i φ(θ_i) + Σ_i w_i b_i·∇φ(θ_i)

import { SpecError } from "../engine/errors";
import type { Problem } from "../model/problem";
import { coordinateNames, type Fluctuation } from "./measure";

/**
 * ⟨η, φ⟩ of a function with its gradient.
 *
 * @param eta  η
 * @param phi  φ(θ) of a row θ
 * @param gradient  writes ∇φ(θ), D numbers, over `out`
 */
export function pairing(
  eta: Fluctuation,
  phi: (theta: Float64Array) => number,
  gradient: (theta: Float64Array, out: Float64Array) => void,
): number {
  const { base, weights, displacements } = eta;
  const [n, D] = base.shape;
  const slope = new Float64Array(D);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const theta = base.values.subarray(i * D, (i + 1) * D);
    sum += weights[i]! * phi(theta);
    const w = base.weights ? base.weights[i]! : 1 / n;
    if (w === 0) continue;
    gradient(theta, slope);
    let along = 0;
    for (let j = 0; j < D; j++) along += displacements[i * D + j]! * slope[j]!;
    sum += w * along;
  }
  return sum;
}

/**
 * ⟨η, c⟩, ⟨η, c²⟩, … of a stored coordinate c.
 *
 * @param name   "a" ("a0" … of several outputs), "b", "w0" …
 * @param order  how many
 * @throws {SpecError} where there is no such coordinate; radii have no fluctuation here
 */
export function fluctuationMoments(eta: Fluctuation, name: string, order: number, problem: Problem): Float64Array {
  const names = coordinateNames({ kind: "particles", coordinates: "theta" }, problem);
  const column = names.indexOf(name);
  if (column < 0)
    throw new SpecError("coordinate", name, `one of the coordinates ${names.join(", ")} of a fluctuation`);
  const { base, weights, displacements } = eta;
  const [n, D] = base.shape;
  const sums = new Float64Array(order);
  for (let i = 0; i < n; i++) {
    const x = base.values[i * D + column]!;
    const move = (base.weights ? base.weights[i]! : 1 / n) * displacements[i * D + column]!;
    let power = 1;
    for (let k = 1; k <= order; k++) {
      sums[k - 1]! += weights[i]! * power * x + k * power * move;
      power *= x;
    }
  }
  return sums;
}
