// Signed fluctuations η of a law of parameters about a base law μ⁰: weights at points, and displacements of the base.     theory §8
//
//   η = Σ_i ω_i δ_{θ_i} − Σ_i w_i b_i·∇δ_{θ_i}
//
// ω is how much more of the law there is at θ_i than in μ⁰ = Σ w_i δ_{θ_i}, b_i how far its mass there has moved; all on the scale of
// η = √n (μ^n − μ⁰).

import { SpecError } from "../engine/errors";
import type { Fluctuation, Particles } from "./measure";

/**
 * A fluctuation; the arrays are kept, not copied.
 *
 * @param parts  base: μ⁰, particles in coordinates "theta"; weights: ω, M numbers of any sign; displacements: b, M·D numbers, row-major;
 *               outputBias: fluctuation of the output bias, K numbers (default: none)
 * @throws {SpecError} with the path of the wrong part
 */
export function fluctuation(parts: {
  base: Particles;
  weights: Float64Array;
  displacements: Float64Array;
  outputBias?: Float64Array | null;
}): Fluctuation {
  const { base, weights, displacements, outputBias = null } = parts;
  if (base?.kind !== "particles" || base.coordinates !== "theta") {
    throw new SpecError("measure.base", base, 'particles in coordinates "theta"');
  }
  const [n, D] = base.shape;
  requireFinite(weights, n, "measure.weights");
  requireFinite(displacements, n * D, "measure.displacements");
  if ((outputBias === null) !== (base.outputBias === null)) {
    throw new SpecError("measure.outputBias", outputBias, `${base.outputBias ? "numbers" : "null"}, as in the base`);
  }
  if (outputBias) requireFinite(outputBias, base.outputBias!.length, "measure.outputBias");
  return { kind: "fluctuation", coordinates: "theta", base, weights, displacements, outputBias };
}

function requireFinite(values: unknown, length: number, path: string): void {
  if (!(values instanceof Float64Array) || values.length !== length) {
    throw new SpecError(path, values, `a Float64Array of length ${length}`);
  }
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new SpecError(`${path}[${bad}]`, values[bad], "a finite number");
}
