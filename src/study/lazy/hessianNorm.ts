// The norm of ∇²f(x) in a network's parameters, exactly: the matrix has a block a neuron, and a block has rank 2.     theory §9; docs/lazy.md
//
//   f_k = Σ_i w_i a_ik σ(h_i),  h_i = ⟨w_i, x⟩ + b_i,  z = ∂h_i/∂(b_i, w_i) = (1, x), or x where b is kept
//
//   ∇²_i f_k = w_i | 0     σ' zᵀ     |   on span(e_a, z):   w_i | 0      σ'|z|     |
//                  | σ' z  a σ'' zzᵀ |                          | σ'|z|  a σ'' |z|² |
//
//   |∇²f_k| = max_i w_i (|a σ''| |z|² + √(a² σ''² |z|⁴ + 4 σ'² |z|²))/2;   where a is kept, max_i w_i |a σ''| |z|²

import type { Engine } from "../../engine/engine";
import { SpecError } from "../../engine/errors";
import { asParticles, type Measure } from "../../measure/measure";
import { checkNetwork } from "../../measure/predictions";
import { isSmooth } from "../../model/activation";
import { writeActivation } from "../../model/blocks";
import { lawDimension } from "../../model/law";
import { type ProblemInput, parseProblem } from "../../model/problem";
import { readTensor, type TensorLike } from "../../model/tensor";
import { outputsOf } from "../../model/unit";

/** Norms of Hessians. */
export interface HessianNorms {
  /** [n] for one output, else [n, K] */
  shape: number[];
  values: Float64Array;
}

/** @see src/study/onDemand.ts */
export function hessianNorm(input: ProblemInput, measure: Measure, engine: Engine, x: TensorLike): HessianNorms {
  const problem = parseProblem(input);
  const { unit } = problem;
  if (!isSmooth(unit.activation)) {
    const expected = "an activation with a second derivative, as tanh, erf, softplus or silu";
    throw new SpecError("problem.unit.activation", unit.activation.kind, expected);
  }
  if (measure.kind === "fluctuation" || measure.coordinates !== "theta") {
    throw new SpecError("measure", measure.kind, "a network: particles of coordinates theta");
  }
  const network = asParticles(measure);
  checkNetwork(network, problem);
  const d = lawDimension(problem.law);
  const { shape, data } = readTensor(x, "x");
  if (shape.length !== 2 || shape[1] !== d) throw new SpecError("x", shape, `inputs of shape [n, ${d}]`);

  const [N, D] = network.shape;
  const K = outputsOf(unit);
  const count = shape[0]!;
  const affine = unit.kind === "affine" ? unit : null;
  const values = new Float64Array(count * K);
  const memory = engine.memory();
  try {
    const activation = writeActivation(memory, unit.activation, "f64");
    const [h, value, slope, second] = [0, 1, 2, 3].map(() => memory.reserve("f64", N)) as [
      number,
      number,
      number,
      number,
    ];
    for (let q = 0; q < count; q++) {
      const arguments_ = memory.f64(h, N);
      let square = affine?.trainBias ? 1 : 0;
      for (let j = 0; j < d; j++) square += data[q * d + j]! * data[q * d + j]!;
      for (let i = 0; i < N; i++) {
        let sum = affine ? network.values[i * D + K]! : 0;
        for (let j = 0; j < d; j++) sum += network.values[i * D + D - d + j]! * data[q * d + j]!;
        arguments_[i] = sum;
      }
      engine.kernels.activateSecond_f64(activation, h, value, slope, second, N);
      const slopes = memory.f64(slope, N);
      const curvatures = memory.f64(second, N);
      for (let k = 0; k < K; k++) {
        let most = 0;
        for (let i = 0; i < N; i++) {
          const a = affine ? network.values[i * D + k]! : 1;
          const bend = Math.abs(a * curvatures[i]!) * square;
          const turn = affine?.trainOutput ? 4 * slopes[i]! * slopes[i]! * square : 0;
          const weight = network.weights ? network.weights[i]! : 1 / N;
          most = Math.max(most, (weight * (bend + Math.sqrt(bend * bend + turn))) / 2);
        }
        values[q * K + k] = most;
      }
    }
  } finally {
    memory.free();
  }
  return { shape: K === 1 ? [count] : [count, K], values };
}
