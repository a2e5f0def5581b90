// Forward and backward of assembly/gradient.ts: the gradient of every unit and loss is that of the energy, in every build.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import type { Backend } from "../../src/engine/kernels";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  relu,
  scaled,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { writeNetwork } from "../../src/model/blocks";
import { type Loss, labelRows, lossOf } from "../../src/model/labels";
import { dataset } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";
import { quadratic, separable } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { affine, isTrained, outputsOf, ridge, type Unit } from "../../src/model/unit";
import { writeDescent } from "../../src/process/descent";
import { stream } from "../../src/random/stream";

const activations: Record<string, Activation> = {
  relu: relu(),
  leakyRelu: leakyRelu(0.2),
  truncatedRelu: truncatedRelu(),
  tanh: tanh(),
  erf: erf(),
  logistic: logistic(),
  softplus: softplus(),
  silu: silu(),
  cosine: cosine(),
  identity: identity(),
  square: square(),
  piecewiseLinear: piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
  table: tabulate((x) => x / (1 + x * x), { from: -6, to: 6, points: 9 }),
};

const units: [string, Unit, Loss][] = [
  ...Object.entries(activations).flatMap(([name, activation]): [string, Unit, Loss][] => [
    [`ridge ${name}, squared`, ridge(activation), "squared"],
    [`affine ${name}, 3 outputs, bias, squared`, affine(activation, { outputs: 3, outputBias: true }), "squared"],
    [`affine ${name}, logistic`, affine(activation), "logistic"],
    [
      `affine ${name}, 5 outputs, bias, cross-entropy`,
      affine(activation, { outputs: 5, outputBias: true }),
      "crossEntropy",
    ],
  ]),
  ["affine tanh, fixed outputs", affine(tanh(), { trainOutput: false }), "squared"],
  ["affine, scaled silu, fixed biases", affine(scaled(silu(), -3), { trainBias: false }), "squared"],
  [
    "affine, scaled relu, fixed biases, K = 3",
    affine(scaled(relu(), 0.7), { outputs: 3, trainBias: false }),
    "crossEntropy",
  ],
];

// 70 examples are two chunks and a last tile of two; 11 neurons are two panels in f32, three in f64, the last not full
const N = 11;
const COUNT = 70;
const D_IN = 3;

function problemOf(unit: Unit, loss: Loss, confinement: Problem["confinement"] = null): Problem {
  const K = outputsOf(unit);
  const g = stream(5).normals(COUNT * (D_IN + K + 1));
  const x = Array.from({ length: COUNT }, (_, q) => Array.from({ length: D_IN }, (_, j) => g[q * D_IN + j]!));
  const labels = Array.from({ length: COUNT }, (_, q) =>
    Array.from({ length: K }, (_, k) => g[COUNT * D_IN + q * K + k]!),
  );
  const y =
    loss === "squared"
      ? labels
      : loss === "logistic"
        ? labels.map(([t]) => (t! > 0 ? 1 : -1))
        : labels.map((row) => row.indexOf(Math.max(...row)));
  const weights = Array.from({ length: COUNT }, (_, q) => 1 + g[COUNT * (D_IN + K) + q]! ** 2);
  return parseProblem({
    law: dataset({ x, y, weights }),
    unit,
    loss,
    confinement,
    start:
      unit.kind === "ridge"
        ? gaussian({ w: { mean: 0.1, deviation: 0.7 } })
        : gaussian({
            w: { mean: 0.1, deviation: 0.7 },
            a: { mean: 0.3, deviation: 1 },
            b: { mean: 0.1, deviation: 0.5 },
          }),
  });
}

/** θ of all neurons, and the output bias after them. */
function parametersOf(problem: Problem): Float64Array {
  const theta = startParticles(problem, N, { seed: 3, replica: 0 });
  const hasBias = problem.unit.kind === "affine" && problem.unit.outputBias;
  if (!hasBias) return theta;
  const K = outputsOf(problem.unit);
  return Float64Array.from({ length: theta.length + K }, (_, i) => theta[i] ?? 0.1 * (i - theta.length + 1));
}

/** The velocity by the kernels, N times the gradient, in the order of θ. */
async function velocityOf(problem: Problem, theta: Float64Array, backend: Backend, precision: "f32" | "f64") {
  const engine = await loadEngine({ backend });
  const memory = engine.memory();
  const network = writeNetwork(memory, problem.unit, D_IN, N, precision);
  const at = memory.put("f64", theta);
  engine.kernels[`importTheta_${precision}`](network.block, at);
  const descent = writeDescent(memory, engine, problem, network, {
    neurons: N,
    source: { kind: "full" },
    seed: 0,
    replica: 0,
  });
  const energy = engine.kernels[`velocity_${precision}`](descent.plan);
  memory.u8(network.weights, network.bytes).set(memory.u8(descent.velocity, network.bytes));
  engine.kernels[`exportTheta_${precision}`](network.block, at);
  const velocity = memory.f64(at, theta.length).slice();
  memory.free();
  return { velocity, energy };
}

/** E of θ, written out: Σ_q m_q ℓ(c + N⁻¹ Σ_i a_i σ(h_iq), y_q). */
function energyOf(problem: Problem, theta: Float64Array): number {
  const { unit, loss } = problem;
  const law = problem.law as ReturnType<typeof dataset>;
  const K = outputsOf(unit);
  const { value } = activationFunctions(unit.activation);
  const labels = labelRows(law.y.data, COUNT, K, loss);
  const D = unit.kind === "ridge" ? D_IN : K + 1 + D_IN;
  let energy = 0;
  for (let q = 0; q < COUNT; q++) {
    const f = new Float64Array(K);
    for (let i = 0; i < N; i++) {
      const row = theta.subarray(i * D, (i + 1) * D);
      const w = row.subarray(D - D_IN);
      let h = unit.kind === "ridge" ? 0 : row[K]!;
      for (let j = 0; j < D_IN; j++) h += w[j]! * law.x.data[q * D_IN + j]!;
      for (let k = 0; k < K; k++) f[k]! += ((unit.kind === "ridge" ? 1 : row[k]!) * value(h)) / N;
    }
    if (theta.length > N * D) for (let k = 0; k < K; k++) f[k]! += theta[N * D + k]!;
    energy += law.weights!.data[q]! * lossOf(loss, f, labels.subarray(q * K, (q + 1) * K), K);
  }
  return energy;
}

// Central differences at h, h/2 … h/8, extrapolated: Richardson's table for an even expansion, error O(h^8).
function derivative(f: (t: number) => number, h: number): number {
  let row = [0, 1, 2, 3].map((k) => (f(h / 2 ** k) - f(-h / 2 ** k)) / (h / 2 ** (k - 1)));
  for (let order = 4; row.length > 1; order *= 4) {
    row = row.slice(1).map((fine, k) => fine + (fine - row[k]!) / (order - 1));
  }
  return row[0]!;
}

function kinksOf(activation: Activation): number[] {
  switch (activation.kind) {
    case "scaled":
      return kinksOf(activation.activation);
    case "relu":
    case "leakyRelu":
      return [0];
    case "truncatedRelu":
      return [0, 1];
    case "piecewiseLinear":
      return activation.knots.map(([at]) => at!);
    case "table": {
      const { from, to, values } = activation;
      return Array.from(values.data, (_, i) => from + ((to - from) * i) / (values.data.length - 1));
    }
    default:
      return [];
  }
}

// The longest step of θ_i on which no example carries its neuron over a kink of σ, at most 0.02.
function smoothStep(problem: Problem, theta: Float64Array, i: number): number {
  const { unit, law } = problem;
  const D = unit.kind === "ridge" ? D_IN : outputsOf(unit) + 1 + D_IN;
  const row = theta.subarray(Math.floor(i / D) * D, (Math.floor(i / D) + 1) * D);
  const first = D - D_IN;
  const place = i % D;
  if (i >= N * D || place < first - 1) return 0.02;
  let step = 0.02;
  for (let q = 0; q < COUNT; q++) {
    const x = (law as ReturnType<typeof dataset>).x.data.subarray(q * D_IN, (q + 1) * D_IN);
    let h = first > 0 ? row[first - 1]! : 0;
    for (let j = 0; j < D_IN; j++) h += row[first + j]! * x[j]!;
    const slope = Math.abs(place < first ? 1 : x[place - first]!);
    for (const kink of kinksOf(unit.activation)) step = Math.min(step, (0.9 * Math.abs(h - kink)) / slope);
  }
  return step;
}

describe("the gradient of the energy", () => {
  it.each(units)("of %s agrees with extrapolated differences to 1e-8", async (_, unit, loss) => {
    const problem = problemOf(unit, loss);
    const theta = parametersOf(problem);
    const { velocity, energy } = await velocityOf(problem, theta, "simd", "f64");
    expect(energy).toBeCloseTo(energyOf(problem, theta), 12);
    const D = (theta.length - (unit.kind === "affine" && unit.outputBias ? outputsOf(unit) : 0)) / N;
    const size = Math.max(...velocity.map(Math.abs));
    theta.forEach((_, i) => {
      const along = (t: number) =>
        energyOf(
          problem,
          theta.map((x, j) => (j === i ? x + t : x)),
        );
      const frozen = i < N * D && !isTrained(unit, i % D);
      // ∂E/∂θ_i = −velocity/N; the output bias has no factor N
      const expected = frozen ? 0 : -derivative(along, smoothStep(problem, theta, i)) * (i < N * D ? N : 1);
      expect(Math.abs(velocity[i]! - expected) / size, `${i}: ${velocity[i]} against ${expected}`).toBeLessThan(1e-8);
    });
  });

  it.each(units)(
    "of %s is the same in the js build to round-off, and in f32 to single precision",
    async (_, unit, loss) => {
      const problem = problemOf(unit, loss);
      const theta = parametersOf(problem);
      const { velocity } = await velocityOf(problem, theta, "simd", "f64");
      const size = Math.max(...velocity.map(Math.abs));
      const js = await velocityOf(problem, theta, "js", "f64");
      for (const [i, v] of velocity.entries()) expect(Math.abs(js.velocity[i]! - v) / size).toBeLessThan(1e-14);
      for (const backend of ["simd", "js"] as const) {
        const single = await velocityOf(problem, theta, backend, "f32");
        for (const [i, v] of velocity.entries()) expect(Math.abs(single.velocity[i]! - v) / size).toBeLessThan(3e-6);
      }
    },
  );

  it.each<[string, Problem["confinement"], (x: number) => number]>([
    ["quadratic", quadratic(0.3, { center: 0.5 }), (x) => 0.3 * (x - 0.5)],
    ["separable", separable(square(), { weight: 0.7 }), (x) => 1.4 * x],
  ])("takes the confinement %s away, of all θ_i and not of the output bias", async (_, confinement, slope) => {
    const unit = affine(tanh(), { outputs: 2, outputBias: true });
    const free = problemOf(unit, "squared");
    const theta = parametersOf(free);
    for (const backend of ["simd", "js"] as const) {
      const without = await velocityOf(free, theta, backend, "f64");
      const within = await velocityOf(problemOf(unit, "squared", confinement), theta, backend, "f64");
      theta.forEach((x, i) => {
        const pull = i < theta.length - 2 ? slope(x) : 0;
        expect(within.velocity[i]).toBeCloseTo(without.velocity[i]! - pull, 12);
      });
    }
  });
});
