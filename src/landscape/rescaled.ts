// Rescalings of networks: θ' = Dθ for a diagonal D, and that of a positively homogeneous unit, which leaves the network's function.  theory §11
//
//   a σ(⟨w, x⟩ + b) = (a/c) σ(⟨c w, x⟩ + c b)   for c > 0 and σ(ct) = c σ(t):   relu, leakyRelu, identity

import { SpecError } from "../engine/errors";
import { type Measure, type Particles, particles } from "../measure/measure";
import { checkNetwork } from "../measure/predictions";
import { type Activation, unscaled } from "../model/activation";
import { type ProblemInput, parseProblem } from "../model/problem";

/** See `rescaled` in src/landscape/onDemand.ts. */
export function rescaled(measure: Measure, scales: ArrayLike<number>): Particles {
  const points = networkOf(measure);
  const { outputBias, shape, values, weights } = points;
  const D = fullScales(scales, points, outputBias?.length ?? 0, "scales");
  return particles({
    coordinates: "theta",
    shape,
    values: values.map((x, i) => D[i]! * x),
    weights,
    outputBias: outputBias?.map((c, k) => D[values.length + k]! * c),
  });
}

/** See `reluRescaled` in src/landscape/onDemand.ts. */
export function reluRescaled(input: ProblemInput, measure: Measure, factors: number | ArrayLike<number>): Particles {
  return rescaled(measure, reluScales(input, measure, factors));
}

/** See `reluScales` in src/landscape/onDemand.ts. */
export function reluScales(input: ProblemInput, measure: Measure, factors: number | ArrayLike<number>): Float64Array {
  const problem = parseProblem(input);
  const { unit } = problem;
  const points = networkOf(measure);
  checkNetwork(points, problem);
  if (unit.kind !== "affine") {
    const remedy = "affine(relu()) has one.";
    throw new SpecError("problem.unit.kind", unit.kind, '"affine", whose output coefficient takes 1/c', remedy);
  }
  if (!isHomogeneous(unit.activation)) {
    const found = unit.activation.kind;
    throw new SpecError("problem.unit.activation", found, "a positively homogeneous σ: relu, leakyRelu or identity");
  }
  const [N, D] = points.shape;
  const c = typeof factors === "number" ? new Float64Array(N).fill(factors) : Float64Array.from(factors ?? []);
  if (c.length !== N) throw new SpecError("factors", factors, `a number, or ${N} of them, one a neuron`);
  const bad = c.findIndex((x) => !(x > 0 && Number.isFinite(x) && Number.isFinite(1 / x)));
  if (bad >= 0) {
    throw new SpecError(typeof factors === "number" ? "factors" : `factors[${bad}]`, c[bad], "a positive number");
  }
  const K = unit.outputs;
  const out = new Float64Array(N * D + (points.outputBias?.length ?? 0)).fill(1);
  for (let i = 0; i < N; i++) for (let j = 0; j < D; j++) out[i * D + j] = j < K ? 1 / c[i]! : c[i]!;
  return out;
}

/**
 * A diagonal as numbers for all parameters of a network, rows θ and the output bias behind them.
 *
 * @param scales   D numbers, the same for each neuron, N D, or N D + K; all 1 if left out
 * @param outputs  K where there is an output bias, else 0
 * @throws {SpecError} where it has another length, or one is 0 or not finite
 */
export function fullScales(
  scales: ArrayLike<number> | undefined,
  { shape: [N, D] }: Particles,
  outputs: number,
  path: string,
): Float64Array {
  const all = new Float64Array(N * D + outputs).fill(1);
  if (scales === undefined) return all;
  const count = scales?.length;
  if (count !== D && count !== N * D && count !== N * D + outputs) {
    const bias = outputs > 0 ? `, or ${N * D + outputs} with the output bias` : "";
    throw new SpecError(path, scales, `${D} numbers, the same for each neuron, or ${N * D}, one a parameter${bias}`);
  }
  for (let i = 0; i < (count === D ? N * D : count); i++) {
    const x = scales[count === D ? i % D : i]!;
    if (!(Number.isFinite(x) && Number.isFinite(1 / x))) {
      throw new SpecError(`${path}[${count === D ? i % D : i}]`, x, "a finite number other than 0");
    }
    all[i] = x;
  }
  return all;
}

function networkOf(measure: Measure): Particles {
  if (measure?.kind === "particles" && measure.coordinates === "theta") return measure;
  const found = measure?.kind === "particles" ? measure.coordinates : measure?.kind;
  throw new SpecError("measure.kind", found, "particles in the parameters θ");
}

function isHomogeneous(activation: Activation): boolean {
  const { kind } = unscaled(activation).activation;
  return kind === "relu" || kind === "leakyRelu" || kind === "identity";
}
