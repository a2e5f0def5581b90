// The matrix of the empirical tangent kernel of a two-layer network, without its Jacobian.                              theory §9
//
//   K_(q,k)(p,l) = Σ_i m_i [δ_kl σ(h_iq) σ(h_ip) + a_ik a_il σ'(h_iq) σ'(h_ip) (⟨x_q, x_p⟩ + 1_b)] + δ_kl 1_c
//
// h_iq = ⟨w_i, x_q⟩ + b_i; the first term where a is trained, 1_b where b is, 1_c where there is an output bias. A ridge unit has the
// second term alone, with a = 1 and no b.

import { SpecError } from "../engine/errors";
import type { Precision } from "../engine/memory";
import { withPauses } from "../engine/pause";
import { asParticles, type Measure } from "../measure/measure";
import { checkNetwork } from "../measure/predictions";
import { activationFunctions } from "../model/activation";
import { lawDimension } from "../model/law";
import { type ProblemInput, parseProblem } from "../model/problem";
import type { TensorLike } from "../model/tensor";
import { outputsOf } from "../model/unit";
import { type GramOptions, type Matrix, readRows, room } from "./matrix/tiles";

/** As in onDemand.ts. */
export async function tangentGram<P extends Precision = "f64">(
  problem: ProblemInput,
  measure: Measure,
  x: TensorLike,
  y: TensorLike | null = null,
  options: GramOptions<P> = {},
): Promise<Matrix<P>> {
  const checked = parseProblem(problem);
  const { unit } = checked;
  const network = asParticles(measure);
  if (network.coordinates !== "theta") {
    throw new SpecError("measure.coordinates", network.coordinates, '"theta"', "A law of radii has no neurons.");
  }
  checkNetwork(network, checked);
  const d = lawDimension(checked.law);
  const left = readRows(x, "x", d);
  const right = y === null ? left : readRows(y, "y", d);
  const K = outputsOf(unit);
  const values = room(left.count * K, right.count * K, options);
  const { value, derivative } = activationFunctions(unit.activation);
  const [N, D] = network.shape;
  const affine = unit.kind === "affine" ? unit : null;
  const work = function* (): Generator<void, void, void> {
    for (let q = 0; q < left.count; q++) {
      for (let p = 0; p < right.count; p++) {
        let inner = affine?.trainBias ? 1 : 0;
        for (let j = 0; j < d; j++) inner += left.values[q * d + j]! * right.values[p * d + j]!;
        const sums = new Float64Array(K * K);
        for (let i = 0; i < N; i++) {
          const mass = network.weights ? network.weights[i]! : 1 / N;
          const theta = network.values.subarray(i * D, (i + 1) * D);
          let h = affine ? theta[K]! : 0;
          let g = h;
          for (let j = 0; j < d; j++) {
            h += theta[D - d + j]! * left.values[q * d + j]!;
            g += theta[D - d + j]! * right.values[p * d + j]!;
          }
          const first = affine?.trainOutput ? mass * value(h) * value(g) : 0;
          const second = mass * derivative(h) * derivative(g) * inner;
          for (let k = 0; k < K; k++) {
            for (let l = 0; l < K; l++) {
              sums[k * K + l]! += second * (affine ? theta[k]! * theta[l]! : 1) + (k === l ? first : 0);
            }
          }
        }
        for (let k = 0; k < K; k++) {
          for (let l = 0; l < K; l++) {
            const bias = affine?.outputBias && k === l ? 1 : 0;
            values[(q * K + k) * right.count * K + p * K + l] = sums[k * K + l]! + bias;
          }
        }
        yield;
      }
    }
  };
  await withPauses(work(), options.signal);
  return { shape: [left.count * K, right.count * K], values };
}
