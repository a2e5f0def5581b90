// Radial measures as weighted points in reduced coordinates, and their predictions at inputs.                theory §5

import { SpecError } from "../engine/errors";
import { rotationMatrix } from "../model/law";
import type { Problem } from "../model/problem";
import { radialPrediction } from "../model/radialQuadrature";
import type { Measure } from "./measure";

/** Points of a radial measure with their weights: particles as they are, cells at their midpoints. */
export function reducedPoints(
  measure: Measure,
  problem: Problem,
): { values: Float64Array; weights: Float64Array; count: number } {
  if (measure.coordinates !== "radial") {
    throw new SpecError("measure.coordinates", measure.coordinates, '"radial", the law of the radii');
  }
  if (measure.kind === "particles") {
    const count = measure.shape[0];
    return { values: measure.values, weights: measure.weights ?? new Float64Array(count).fill(1 / count), count };
  }
  if (problem.unit.kind !== "ridge") throw new SpecError("problem.unit.kind", problem.unit.kind, '"ridge" for a grid');
  const axes = measure.edges.map((edges) =>
    Float64Array.from({ length: edges.length - 1 }, (_, i) => 0.5 * (edges[i]! + edges[i + 1]!)),
  );
  const count = measure.masses.length;
  if (axes.length === 1) return { values: axes[0]!, weights: measure.masses, count };
  const values = new Float64Array(2 * count);
  const columns = axes[1]!.length;
  for (let cell = 0; cell < count; cell++) {
    values[2 * cell] = axes[0]![Math.floor(cell / columns)]!;
    values[2 * cell + 1] = axes[1]![cell % columns]!;
  }
  return { values, weights: measure.masses, count };
}

/** Predictions of a radial measure at `count` inputs, row-major. */
export function radialPredictions(
  measure: Measure,
  problem: Problem,
  inputs: Float64Array,
  count: number,
): Float64Array {
  const { law, unit } = problem;
  if (law.kind !== "anisotropicGaussians" || law.dimension === "infinite") {
    throw new SpecError("problem.law", law.kind, "anisotropicGaussians of finite dimension");
  }
  const { dimension: d, signal } = law;
  const q = law.rotation === "identity" ? null : rotationMatrix(d, law.rotation.seed);
  const radii = signal < d ? 2 : 1;
  const norms = new Float64Array(count * radii);
  for (let i = 0; i < count; i++) {
    const x = inputs.subarray(i * d, (i + 1) * d);
    const squares = [0, 0];
    for (let k = 0; k < d; k++) {
      let z = x[k]!;
      if (q) {
        z = 0;
        for (let j = 0; j < d; j++) z += q[j * d + k]! * x[j]!;
      }
      squares[k < signal ? 0 : 1]! += z * z;
    }
    for (let r = 0; r < radii; r++) norms[i * radii + r] = Math.sqrt(squares[r]!);
  }
  return radialPrediction(law, unit, reducedPoints(measure, problem), norms);
}
