// Modified losses against their definition: gradients example by example, batches listed one by one.

import { describe, expect, it } from "vitest";
import {
  affine,
  dataset,
  gaussian,
  identity,
  modifiedLoss,
  networkObjective,
  type ProblemInput,
  particleMeasure,
  particles,
  quadratic,
  relu,
  ridge,
  SpecError,
  scaled,
  separable,
  tanh,
  teacher,
} from "../../src/index";

const x = [
  [0.3, -1],
  [1.2, 0.4],
  [-0.7, 0.9],
  [0.1, 1.5],
];
const start = gaussian({ radius: 1, a: { mean: 0.3, deviation: 1 }, b: { mean: 0, deviation: 0.5 } });
const problems: [string, ProblemInput][] = [
  ["squared loss", { law: dataset({ x, y: [0.3, -1, 0.5, 2] }), unit: affine(tanh()), start }],
  [
    "two outputs, an output bias, biases kept, confined",
    {
      law: dataset({
        x,
        y: [
          [1, 2],
          [0.3, -1],
          [0.4, 0.2],
          [-1, 1],
        ],
      }),
      unit: affine(tanh(), { outputs: 2, outputBias: true, trainBias: false }),
      start,
      confinement: quadratic(0.3),
    },
  ],
  [
    "logistic loss, outputs kept",
    {
      law: dataset({ x, y: [1, -1, 1, 1] }),
      unit: affine(scaled(tanh(), 3), { trainOutput: false }),
      start,
      loss: "logistic",
    },
  ],
  [
    "cross-entropy, confined by a function",
    {
      law: dataset({ x, y: [0, 1, 2, 1] }),
      unit: affine(tanh(), { outputs: 3, outputBias: true }),
      start,
      loss: "crossEntropy",
      confinement: separable(tanh(), { weight: 0.2 }),
    },
  ],
  [
    "a kinked ridge unit",
    { law: dataset({ x, y: [0.3, -1, 0.5, 2] }), unit: ridge(relu()), start: gaussian({ radius: 1 }) },
  ],
];

/** All sets of B of n examples. */
function batches(n: number, B: number, from = 0): number[][] {
  if (B === 0) return [[]];
  const out: number[][] = [];
  for (let q = from; q <= n - B; q++) for (const rest of batches(n, B - 1, q + 1)) out.push([q, ...rest]);
  return out;
}

describe.each(problems)("the modified loss: %s", (_, problem) => {
  const neurons = 3;
  const stepSize = 0.02;
  it.each([1, 2, 4])(
    "is L + (ε/4)(|∇L|² + E|∇L̂ − ∇L|²) over all batches of %i of 4, to round-off",
    async (batchSize) => {
      const objective = await networkObjective(problem, neurons);
      const theta = objective.start({ seed: 1 });
      const { dimension: p } = objective;
      const gradients = x.map((_, q) => {
        const out = new Float64Array(p);
        objective.gradient(q, theta, out);
        return out;
      });
      const meanOf = (list: number[]) => {
        const sum = new Float64Array(p);
        for (const q of list) for (let i = 0; i < p; i++) sum[i]! += gradients[q]![i]! / list.length;
        return sum;
      };
      const square = (v: Float64Array) => v.reduce((sum, one) => sum + one * one, 0);
      const all = meanOf([0, 1, 2, 3]);
      const drawn = batches(4, batchSize);
      const variance =
        drawn.reduce((sum, list) => sum + square(meanOf(list).map((g, i) => g - all[i]!)), 0) / drawn.length;
      const loss = [0, 1, 2, 3].reduce((sum, q) => sum + objective.value(q, theta) / 4, 0);
      // the objective is N times the energy
      const network = objective.network(theta);
      const found = await modifiedLoss(problem, network, { stepSize, sampling: "withoutReplacement", batchSize });
      expect(found.loss).toBeCloseTo(loss / neurons, 13);
      expect(found.squaredGradient).toBeCloseTo(square(all) / neurons, 12);
      expect(found.gradientVariance).toBeCloseTo(variance / neurons, 12);
      expect(found.gradientPenalty).toBeCloseTo((stepSize / 4) * found.squaredGradient, 15);
      expect(found.noisePenalty).toBeCloseTo((stepSize / 4) * found.gradientVariance, 15);
      expect(found.value).toBeCloseTo(found.loss + found.gradientPenalty + found.noisePenalty, 14);
      const descent = await modifiedLoss(problem, network, { stepSize });
      expect(descent).toEqual({
        ...found,
        value: found.loss + found.gradientPenalty,
        noisePenalty: 0,
        gradientVariance: 0,
      });
    },
  );

  it("of weighted particles is that of neurons repeated as often as they weigh", async () => {
    const objective = await networkObjective(problem, 2);
    const [a, b] = [0, 1].map((i) => {
      const { values, shape } = objective.network(objective.start({ seed: 2 }));
      return values.slice(i * shape[1], (i + 1) * shape[1]);
    });
    const D = a!.length;
    const options = { stepSize, sampling: "withoutReplacement", batchSize: 2 } as const;
    const weighted = particleMeasure({
      coordinates: "theta",
      shape: [2, D],
      values: Float64Array.of(...a!, ...b!),
      weights: Float64Array.of(2 / 3, 1 / 3),
    });
    const repeated = particleMeasure({
      coordinates: "theta",
      shape: [3, D],
      values: Float64Array.of(...a!, ...b!, ...a!),
    });
    const [one, other] = [
      await modifiedLoss(problem, weighted, options),
      await modifiedLoss(problem, repeated, options),
    ];
    for (const name of ["loss", "squaredGradient", "gradientVariance", "value"] as const) {
      expect(one[name]).toBeCloseTo(other[name], 12);
    }
  });
});

describe("a modified loss that cannot be", () => {
  const problem: ProblemInput = {
    law: dataset({ x: [[1], [2], [3]], y: [0, 1, 2] }),
    unit: ridge(identity()),
    start: particles([[1]]),
  };
  const measure = particleMeasure({ coordinates: "theta", shape: [1, 1], values: Float64Array.of(1) });
  const options = { stepSize: 0.1, sampling: "withoutReplacement" } as const;
  const weighted = { ...problem, law: dataset({ x: [[1], [2], [3]], y: [0, 1, 2], weights: [1, 2, 3] }) };
  it.each<[string, ProblemInput, unknown, string]>([
    ["no step", problem, {}, "options.stepSize"],
    ["a negative step", problem, { stepSize: -1 }, "options.stepSize"],
    ["a step that is no number", problem, { stepSize: Number.NaN }, "options.stepSize"],
    ["a batch of GD", problem, { stepSize: 0.1, batchSize: 2 }, "options.batchSize"],
    ["batches that do not fill an epoch", problem, { ...options, batchSize: 2 }, "options.batchSize"],
    ["batches of more than all", problem, { ...options, batchSize: 6 }, "options.batchSize"],
    ["weights without replacement", weighted, options, "problem.law.weights"],
    ["an unknown sampling", problem, { stepSize: 0.1, sampling: "both" }, "options.sampling"],
    [
      "a sampled law",
      { ...problem, law: teacher({ dimension: 1, neurons: 1, activation: tanh() }) },
      { stepSize: 0.1 },
      "problem.law.kind",
    ],
  ])("is refused: %s", async (_, wrong, wish, path) => {
    await expect(modifiedLoss(wrong, measure, wish as never)).rejects.toThrow(SpecError);
    await expect(modifiedLoss(wrong, measure, wish as never)).rejects.toMatchObject({ path });
  });
});
