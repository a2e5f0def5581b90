// The flow of a modified loss: against its gradient by differences, against the steps that it is to follow, and the reference values of
// (uv − 0.6)²/2 (test/reference/flows.json: backwardError). The means of SGD are sums over all orders, or over all draws: nothing is sampled.

import { describe, expect, it } from "vitest";
import {
  affine,
  dataset,
  gaussian,
  gradientDescent,
  gradientFlow,
  identity,
  modifiedLoss,
  type NetworkObjective,
  networkObjective,
  nonlinear,
  open,
  type ProblemInput,
  type Process,
  parseProcess,
  particleMeasure,
  particles,
  quadratic,
  rate,
  relu,
  SpecError,
  silu,
  solve,
  tanh,
  teacher,
} from "../../src/index";
import { limitingOrder } from "../../src/study/objective/order";
import reference from "../reference/flows.json";

async function thetaAt(process: Process, t: number): Promise<Float64Array> {
  const simulation = await open(process);
  try {
    await simulation.advance(t);
    const measure = simulation.measure();
    if (measure.kind !== "particles") throw new Error("particles");
    return Float64Array.of(...measure.values, ...(measure.outputBias ?? []));
  } finally {
    simulation.free();
  }
}

function apart(a: Float64Array, b: Float64Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) * (value - b[i]!), 0));
}

function orderOf(sizes: number[], errors: number[], expected: number) {
  return limitingOrder(
    sizes,
    errors.map((error) => [error]),
    { level: 0.95, expected },
    rate,
  )!;
}

describe("(uv − 0.6)²/2, one neuron of one example", () => {
  const { backwardError } = reference;
  const problem = {
    law: dataset({ x: [[1]], y: [0.6] }),
    unit: affine(identity(), { trainBias: false }),
    start: particles([[2.8, 0, 3.5]]),
  };
  const exact = { neurons: 1, tolerance: 1e-13 };
  const uv = (theta: Float64Array) => [theta[0]!, theta[2]!];
  const distances = async (stepSize: number) => {
    const descent = await thetaAt(gradientDescent(problem, { neurons: 1, stepSize }), 0.1);
    const flow = await thetaAt(gradientFlow(problem, exact), 0.1);
    const modified = await thetaAt(gradientFlow(problem, { ...exact, correction: { stepSize } }), 0.1);
    return { descent, flow: apart(descent, flow), modified: apart(descent, modified) };
  };

  it("has the reference values, to the digits given", async () => {
    const [whole, half] = [await distances(0.0025), await distances(0.00125)];
    uv(whole.descent).forEach((value, i) => void expect(value).toBeCloseTo(backwardError.gd[i]!, 11));
    expect(whole.flow).toBeCloseTo(backwardError.distanceToFlow, 6);
    expect(whole.modified).toBeCloseTo(backwardError.distanceToModifiedFlow, 7);
    // two decimals are given
    expect(Math.abs(whole.flow / half.flow - backwardError.ratioOnHalving)).toBeLessThan(0.02);
    expect(Math.abs(whole.modified / half.modified - backwardError.ratioOnHalvingModified)).toBeLessThan(0.005);
  });

  it("ends where the reference does: the flow, and GD of step 0.1", async () => {
    const flow = await thetaAt(gradientFlow(problem, exact), 40);
    uv(flow).forEach((value, i) => void expect(value).toBeCloseTo(backwardError.limits.flow[i]!, 11));
    const descent = await thetaAt(gradientDescent(problem, { neurons: 1, stepSize: 0.1 }), 100);
    uv(descent).forEach((value, i) => void expect(value).toBeCloseTo(backwardError.limits["gdStep0.1"][i]!, 11));
  });

  it("multiplies v² − u² by 1 − ε²r² a step of GD, and keeps it along the flow", async () => {
    const stepSize = 0.02;
    const simulation = await open(gradientDescent(problem, { neurons: 1, stepSize }));
    try {
      let before = Float64Array.of(2.8, 0, 3.5);
      for (let k = 1; k <= 20; k++) {
        await simulation.advance(k * stepSize);
        const measure = simulation.measure();
        if (measure.kind !== "particles") throw new Error("particles");
        const after = measure.values;
        const [[u, v], [a, b]] = [uv(before), uv(after)] as [[number, number], [number, number]];
        const r = 0.6 - u * v;
        expect(b * b - a * a).toBeCloseTo((v * v - u * u) * (1 - stepSize * stepSize * r * r), 12);
        before = after.slice();
      }
    } finally {
      simulation.free();
    }
    const [u, v] = uv(await thetaAt(gradientFlow(problem, exact), 1)) as [number, number];
    expect(v * v - u * u).toBeCloseTo(3.5 * 3.5 - 2.8 * 2.8, 10);
  });
});

const x = [
  [0.3, -1],
  [1.2, 0.4],
  [-0.7, 0.9],
  [0.1, 1.5],
];
const start = gaussian({ radius: 1.2, a: { mean: 0, deviation: 1.5 }, b: { mean: 0, deviation: 0.5 } });
const neurons = 5;
const problems: [string, ProblemInput][] = [
  ["squared loss", { law: dataset({ x, y: [0.3, -1, 0.5, 2] }), unit: affine(tanh()), start }],
  [
    "two outputs with a bias, confined, biases b kept",
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
  ["logistic loss", { law: dataset({ x, y: [1, -1, 1, 1] }), unit: affine(silu()), start, loss: "logistic" }],
  [
    "cross-entropy",
    {
      law: dataset({ x, y: [0, 1, 2, 1] }),
      unit: affine(tanh(), { outputs: 3, outputBias: true }),
      start,
      loss: "crossEntropy",
    },
  ],
];

describe.each(problems)("the flow of a modified loss: %s", (_, problem) => {
  const thetaOf = async () => (await networkObjective(problem, neurons)).start({ seed: 1 });

  it.each(["full", "withoutReplacement"] as const)(
    "%s: its velocity is minus the gradient of that loss",
    async (sampling) => {
      const correction = { stepSize: 0.3, sampling, batchSize: sampling === "full" ? 1 : 2 };
      const objective = await networkObjective(problem, neurons);
      const theta = await thetaOf();
      const { shape, values, outputBias } = objective.network(theta);
      // (θ(h) − θ(0))/h is the velocity at 0 but for O(h); twice that of h/2 less that of h leaves O(h²), some 1e-8 here
      const position = async (h: number) =>
        (
          await thetaAt(gradientFlow(problem, { neurons, seed: 1, method: "rungeKutta", timeStep: h, correction }), h)
        ).slice();
      const [whole, half] = [await position(2e-4), await position(1e-4)];
      const velocity = whole.map((end, i) => {
        const begin = i < values.length ? values[i]! : 0;
        return (4 * (half[i]! - begin) - (end - begin)) / 2e-4;
      });
      const lossAt = async (i: number, by: number) => {
        const moved = Float64Array.of(...values, ...(outputBias ?? []));
        moved[i]! += by;
        const measure = particleMeasure({
          coordinates: "theta",
          shape,
          values: moved.slice(0, values.length),
          outputBias: outputBias ? moved.slice(values.length) : null,
        });
        return (await modifiedLoss(problem, measure, correction)).value;
      };
      const held = problem.unit.kind === "affine" && !problem.unit.trainBias ? problem.unit.outputs : -1;
      for (let i = 0; i < velocity.length; i++) {
        if (i < values.length && i % shape[1] === held) {
          expect(velocity[i]).toBe(0);
          continue;
        }
        const slope = ((await lossAt(i, 1e-4)) - (await lossAt(i, -1e-4))) / 2e-4;
        // time has the factor N of the neurons; differences err by 1e-8 of the third derivative, round-off by 1e-16/1e-4
        expect(velocity[i]).toBeCloseTo(-slope * (i < values.length ? neurons : 1), 5);
      }
    },
  );

  it("follows GD to second order, where the flow of the loss follows it to first", async () => {
    // errors C ε^p + D ε^{p+1}: `limitingOrder` takes the second power off, and its interval is what a third one can do
    const sizes = [0.1, 0.05, 0.025, 0.0125];
    const errors = { flow: [] as number[], modified: [] as number[] };
    const flow = await thetaAt(gradientFlow(problem, { neurons, seed: 1, tolerance: 1e-12 }), 2);
    for (const stepSize of sizes) {
      const descent = await thetaAt(gradientDescent(problem, { neurons, seed: 1, stepSize }), 2);
      const corrected = gradientFlow(problem, { neurons, seed: 1, tolerance: 1e-12, correction: { stepSize } });
      errors.flow.push(apart(descent, flow));
      errors.modified.push(apart(descent, await thetaAt(corrected, 2)));
    }
    const [first, second] = [orderOf(sizes, errors.flow, 1), orderOf(sizes, errors.modified, 2)];
    expect(first.agrees && Math.abs(first.value - 1) < 0.05, `${first.value}`).toBe(true);
    expect(second.agrees && Math.abs(second.value - 2) < 0.1, `${second.value}`).toBe(true);
    // a step itself: O(ε²) and O(ε³)
    const step = async (stepSize: number, correction: boolean) => {
      const options = { neurons, seed: 1, tolerance: 1e-14, ...(correction && { correction: { stepSize } }) };
      const descent = await thetaAt(gradientDescent(problem, { neurons, seed: 1, stepSize }), stepSize);
      return apart(descent, await thetaAt(gradientFlow(problem, options), stepSize));
    };
    expect((await step(0.02, false)) / (await step(0.01, false))).toBeCloseTo(4, 0);
    expect((await step(0.02, true)) / (await step(0.01, true))).toBeCloseTo(8, 0);
  });
});

/** The mean of x after steps of given examples, over a list of sequences of batches. */
function meanAfter(
  objective: NetworkObjective,
  from: Float64Array,
  sequences: number[][][],
  stepSize: number,
): Float64Array {
  const p = objective.dimension;
  const [sum, gradient, step] = [0, 1, 2].map(() => new Float64Array(p)) as [Float64Array, Float64Array, Float64Array];
  for (const sequence of sequences) {
    const at = from.slice();
    for (const batch of sequence) {
      step.fill(0);
      for (const q of batch) {
        objective.gradient(q, at, gradient);
        for (let i = 0; i < p; i++) step[i]! += gradient[i]! / batch.length;
      }
      for (let i = 0; i < p; i++) at[i]! -= stepSize * step[i]!;
    }
    for (let i = 0; i < p; i++) sum[i]! += at[i]! / sequences.length;
  }
  return sum;
}

function permutations(list: number[]): number[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((one, i) =>
    permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [one, ...rest]),
  );
}

describe.each(problems)("the mean of SGD over an epoch: %s", (_, problem) => {
  const orders = permutations([0, 1, 2, 3]);
  const draws = Array.from({ length: 256 }, (_, word) => [0, 1, 2, 3].map((k) => [(word >> (2 * k)) & 3]));
  const sizes = [0.04, 0.02, 0.01, 0.005];
  const options = { neurons, seed: 1, tolerance: 1e-14 };
  /** Order of |mean − flow| after an epoch of GD's modified loss, of SGD's without replacement, and of the loss. */
  async function orderAfter(
    sequences: number[][][],
    sampling: "none" | "full" | "withoutReplacement",
    expected: number,
  ): Promise<number> {
    const objective = await networkObjective(problem, neurons);
    const from = objective.start({ seed: 1 });
    const steps = sequences[0]!.length;
    const batchSize = sampling === "full" ? 1 : sequences[0]![0]!.length;
    const errors: number[] = [];
    for (const stepSize of sizes) {
      const flow = gradientFlow(problem, {
        ...options,
        ...(sampling !== "none" && { correction: { stepSize, sampling, batchSize } }),
      });
      const end = await thetaAt(flow, steps * stepSize);
      const { values, outputBias } = objective.network(meanAfter(objective, from, sequences, stepSize));
      errors.push(apart(Float64Array.of(...values, ...(outputBias ?? [])), end));
    }
    return orderOf(sizes, errors, expected).value;
  }

  // An interval of the order is the distance between a line and the last two points; 0.15 is above it, and far below the 1 between orders.
  it("without replacement, over all orders, is that of L + (ε/4)(|∇L|² + E|∇L̂ − ∇L|²) but for O(ε³)", async () => {
    const single = orders.map((order) => order.map((q) => [q]));
    expect(Math.abs((await orderAfter(single, "withoutReplacement", 3)) - 3)).toBeLessThan(0.15);
    expect(Math.abs((await orderAfter(single, "full", 2)) - 2)).toBeLessThan(0.15);
    expect(Math.abs((await orderAfter(single, "none", 2)) - 2)).toBeLessThan(0.15);
  });

  it("in batches of two it has the variance of such batches", async () => {
    const pairs = orders.map((order) => [order.slice(0, 2), order.slice(2)]);
    expect(Math.abs((await orderAfter(pairs, "withoutReplacement", 3)) - 3)).toBeLessThan(0.15);
  });

  it("of independent draws is that of L + (ε/4)|∇L|² alone but for O(ε³)", async () => {
    expect(Math.abs((await orderAfter(draws, "full", 3)) - 3)).toBeLessThan(0.15);
    expect(Math.abs((await orderAfter(draws, "withoutReplacement", 2)) - 2)).toBeLessThan(0.15);
  });
});

describe("the specification of a correction", () => {
  const problem = problems[0]![1];
  it("is plain JSON with its defaults, and leaves other specifications as they were", () => {
    const plain = gradientFlow(problem, { neurons });
    expect("correction" in plain).toBe(false);
    expect(gradientFlow(problem, { neurons, correction: null })).toEqual(plain);
    const corrected = gradientFlow(problem, { neurons, correction: { stepSize: 0.1 } });
    expect(corrected.correction).toEqual({ stepSize: 0.1, sampling: "full", batchSize: 1 });
    expect(parseProcess(JSON.parse(JSON.stringify(corrected)))).toEqual(corrected);
  });

  it("stands in what the result says of its method", async () => {
    const correction = { stepSize: 0.1, sampling: "withoutReplacement" } as const;
    const { provenance } = await solve(gradientFlow(problem, { neurons, correction }), { times: [0] });
    expect(JSON.stringify(provenance)).toContain("of the modified loss of steps 0.1, withoutReplacement");
  });

  it.each<[string, ProblemInput, Record<string, unknown>, string]>([
    ["a kinked activation", { ...problem, unit: affine(relu()) }, {}, "process.problem.unit.activation"],
    ["a schedule", problem, { schedule: { kind: "power", exponent: 0.5, offset: 1 } }, "process.schedule"],
    ["a step of 0", problem, { correction: { stepSize: 0 } }, "process.correction.stepSize"],
    ["no step", problem, { correction: { sampling: "full" } }, "process.correction.stepSize"],
    [
      "three of four",
      problem,
      { correction: { stepSize: 0.1, sampling: "withoutReplacement", batchSize: 3 } },
      "process.correction.batchSize",
    ],
    [
      "more than can be summed",
      { ...problem, law: dataset({ x: Array.from({ length: 4096 }, (_, q) => [q, 1]), y: new Float64Array(4096) }) },
      { neurons: 2 ** 16, correction: { stepSize: 0.1, sampling: "withoutReplacement" } },
      "process.correction",
    ],
    [
      "a sampled law without a quadrature",
      { ...problem, law: teacher({ dimension: 2, neurons: 1, activation: tanh() }) },
      {},
      "process.points",
    ],
  ])("refuses %s", (_, wrong, wish, path) => {
    const call = () => gradientFlow(wrong, { neurons, correction: { stepSize: 0.1 }, ...wish } as never);
    expect(call).toThrow(SpecError);
    expect(call).toThrow(expect.objectContaining({ path }));
  });

  it("has no place in the limit of nonlinear dynamics", () => {
    const limit = gradientFlow(problem, { neurons: 9, correction: { stepSize: 0.1 } });
    expect(() => nonlinear(problem, { neurons: 3, limit })).toThrow(
      expect.objectContaining({ path: "process.limit.correction" }),
    );
  });
});
