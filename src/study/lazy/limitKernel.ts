// The tangent kernel and the covariance of an infinitely wide network that starts as a problem's does.               theory §9; docs/lazy.md

import { SpecError } from "../../engine/errors";
import { type NngpKernel, type NtkKernel, nngp, ntk } from "../../kernel/kernel";
import { lawDimension } from "../../model/law";
import type { Problem } from "../../model/problem";
import type { Spread } from "../../model/start";

/**
 * The kernels of N^−½ Σ a σ(⟨w, x⟩ + b) as N → ∞.
 *
 * @param problem  an affine unit of one output whose a is trained, and a Gaussian start whose b has mean 0
 * @throws {SpecError} with the path of what has no such kernel
 */
export function limitKernels({ law, unit, start }: Problem): { ntk: NtkKernel; nngp: NngpKernel } {
  if (unit.kind !== "affine" || !unit.trainOutput || unit.outputs !== 1 || unit.outputBias) {
    const expected = "affine(σ) of one output that is trained, without an output bias";
    throw new SpecError("problem.unit", unit, expected, "tangentGram has the kernel of any network.");
  }
  if (start.kind !== "gaussian" && start.kind !== "normal") {
    throw new SpecError("problem.start.kind", start.kind, "a Gaussian start");
  }
  const w: Spread =
    start.kind === "normal" ? start.w : { mean: 0, deviation: start.radius / Math.sqrt(lawDimension(law)) };
  if (moments(w).mean !== 0) throw new SpecError("problem.start.w", w, "weights of mean 0");
  const b = moments(start.b ?? 0);
  if (b.mean !== 0) throw new SpecError("problem.start.b", start.b, "a bias of mean 0");
  const a = moments(start.a ?? 1);
  const options = {
    weightVariance: moments(w).variance * lawDimension(law),
    biasVariance: b.variance,
    outputVariance: a.mean * a.mean + a.variance,
  };
  return { ntk: ntk(unit.activation, { ...options, trainBias: unit.trainBias }), nngp: nngp(unit.activation, options) };
}

function moments(law: Spread): { mean: number; variance: number } {
  return typeof law === "number"
    ? { mean: law, variance: 0 }
    : { mean: law.mean, variance: law.deviation * law.deviation };
}
