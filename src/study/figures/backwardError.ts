// Backward error: how far the steps of GD, and the mean of SGD's epochs, are from the flows of the loss and of the modified losses.  theory §11

import { pow } from "../../engine/math";
import { pause } from "../../engine/pause";
import { identity, tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { gaussian, particles } from "../../model/start";
import { affine } from "../../model/unit";
import { gradientDescent, gradientFlow, type Process } from "../../process/schema";
import { type NetworkObjective, networkObjective } from "../objective/network";
import { limitingOrder, type WeakOrder } from "../objective/order";
import { open } from "../open";
import { rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, phases, readOptions, say } from "./figure";
import type { RateCurve, RatePicture } from "./picture";

/** How far an order may be from the theorem's: two powers of η on, the next terms are a few per cent. */
const NEAR = 0.1;
const TOLERANCE = 1e-14;
const NEURONS = 5;

/** Which flow the steps are held against. */
type Flow = "L" | "gradient" | "noise";
const FLOWS: Record<Flow, { name: string; hue: number }> = {
  L: { name: "flow of L", hue: 0 },
  gradient: { name: "of L + (η/4)|∇L|²", hue: 1 },
  noise: { name: "and + (η/4) E|∇L̂ − ∇L|²", hue: 2 },
};

/** Distances between steps and flows, and their orders in η. */
export const backwardError: Figure = {
  name: "backward-error",
  title: "Backward error of GD and of SGD's epochs",
  claim: [
    "GD of step η is off the flow of L by O(η) at a fixed time, and off the flow of L + (η/4)|∇L|² by O(η²): on (uv − 0.6)²/2, and on a network",
    "of five neurons a tanh(⟨w, x⟩ + b) with cross-entropy.",
    "An epoch of SGD without replacement, in the mean over all orders of its examples, is off the flow of L by O(η²) and so is that flow with the",
    "gradient penalty alone; with (η/4) E|∇L̂ − ∇L|² beside it the error is O(η³).",
    "For as many independent draws, in the mean over all sequences, it is the flow with the gradient penalty alone that is off by O(η³).",
    "The means are sums over all 24 orders and all 256 sequences of four examples: nothing is sampled.",
  ].join(" "),
  run,
};

const uv: ProblemInput = {
  law: dataset({ x: [[1]], y: [0.6] }),
  unit: affine(identity(), { trainBias: false }),
  start: particles([[2.8, 0, 3.5]]),
};
const network: ProblemInput = {
  law: dataset({
    x: [
      [0.3, -1],
      [1.2, 0.4],
      [-0.7, 0.9],
      [0.1, 1.5],
    ],
    y: [0, 1, 2, 1],
  }),
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start: gaussian({ radius: 1.2, a: { mean: 0, deviation: 1.5 }, b: { mean: 0, deviation: 0.5 } }),
  loss: "crossEntropy",
};

interface Study {
  title: string;
  /** Its subject in a sentence and in the table. */
  name: string;
  flows: Flow[];
  /** Orders that each flow should have. */
  expected: number[];
  sizes: number[];
  /** Distance from each flow at a step size. */
  distances(stepSize: number): Promise<number[]>;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed } = readOptions(options, 1);
  const { signal } = options;
  signal?.throwIfAborted();
  const objective = await networkObjective(network, NEURONS);
  const begin = objective.start({ seed });
  const orders = permutations([0, 1, 2, 3]);
  const draws = Array.from({ length: 256 }, (_, word) => [0, 1, 2, 3].map((k) => (word >> (2 * k)) & 3));
  const gd = async (problem: ProblemInput, neurons: number, time: number, stepSize: number) => {
    const end = await thetaAt(gradientDescent(problem, { neurons, stepSize, seed }), time, options);
    return Promise.all([
      thetaAt(flowOf(problem, neurons, seed, "L", stepSize), time, options),
      thetaAt(flowOf(problem, neurons, seed, "gradient", stepSize), time, options),
    ]).then((ends) => ends.map((other) => apart(end, other)));
  };
  const epoch = async (sequences: number[][], stepSize: number) => {
    const mean = thetaOf(objective, meanAfter(objective, begin, sequences, stepSize));
    const found: number[] = [];
    for (const flow of ["L", "gradient", "noise"] as const) {
      const end = await thetaAt(flowOf(network, NEURONS, seed, flow, stepSize), 4 * stepSize, options);
      found.push(apart(mean, end));
    }
    return found;
  };
  const halved = (first: number) => Array.from({ length: full ? 6 : 4 }, (_, k) => first / (1 << k));
  const pair: Flow[] = ["L", "gradient"];
  const all: Flow[] = ["L", "gradient", "noise"];
  const studies: Study[] = [
    {
      title: "GD on (uv − 0.6)²/2, t = 0.1",
      name: "GD, uv",
      flows: pair,
      expected: [1, 2],
      sizes: halved(0.005),
      distances: (stepSize) => gd(uv, 1, 0.1, stepSize),
    },
    {
      title: "GD on a network, t = 2",
      name: "GD, network",
      flows: pair,
      expected: [1, 2],
      sizes: halved(0.1),
      distances: (stepSize) => gd(network, NEURONS, 2, stepSize),
    },
    {
      title: "An epoch without replacement, mean over orders",
      name: "without replacement",
      flows: all,
      expected: [2, 2, 3],
      sizes: halved(0.04),
      distances: (stepSize) => epoch(orders, stepSize),
    },
    {
      title: "As many independent draws, mean over all",
      name: "independent draws",
      flows: all,
      expected: [2, 3, 2],
      sizes: halved(0.04),
      distances: (stepSize) => epoch(draws, stepSize),
    },
  ];

  const progress = phases(options.onProgress, [1, 3, 2, 2]);
  const found: { study: Study; distances: number[][]; orders: (WeakOrder | null)[] }[] = [];
  for (const [s, study] of studies.entries()) {
    const distances: number[][] = [];
    for (const [e, stepSize] of study.sizes.entries()) {
      progress(s, study.name, e / study.sizes.length);
      await pause();
      signal?.throwIfAborted();
      distances.push(await study.distances(stepSize));
    }
    const orders = study.flows.map((_, f) =>
      limitingOrder(
        study.sizes,
        distances.map((row) => [row[f]!]),
        { level: 0.95, expected: study.expected[f]! },
        rate,
      ),
    );
    found.push({ study, distances, orders });
  }

  const picture: RatePicture = {
    kind: "rate",
    title: "GD and SGD's epochs beside the flows of modified losses",
    subtitle:
      "Distance in parameters against the step η; orders as η falls to 0, with what the power after the next can do to them",
    key: { network: "distance", limit: "power law of its order" },
    panels: found.map(({ study, distances, orders }) => ({
      title: study.title,
      x: { label: "step size η" },
      y: { label: "distance" },
      curves: study.flows.map((flow, f) =>
        curveOf(
          flow,
          study.sizes,
          distances.map((row) => row[f]!),
          orders[f]!,
        ),
      ),
      references: [],
    })),
  };
  return {
    table: {
      columns: [
        { name: "steps", digits: 0 },
        { name: "η", digits: 6 },
        { name: "flow of L", digits: 10 },
        { name: "gradient penalty", digits: 10 },
        { name: "both penalties", digits: 10 },
      ],
      rows: found.flatMap(({ study, distances }) =>
        study.sizes.map((stepSize, e) => [
          study.name,
          stepSize,
          ...distances[e]!,
          ...(study.flows.length < 3 ? ["–"] : []),
        ]),
      ),
    },
    pictures: [{ file: "orders.svg", picture }],
    findings: found.map(({ study, orders }) => ({
      expected: `${study.name}: orders ${study.flows.map((flow, f) => `${study.expected[f]} (${FLOWS[flow].name})`).join(", ")}, each within ${NEAR}`,
      measured: orders
        .map((order) => (order ? `${say(order.value)} (${order.interval.map(say).join(" to ")})` : "none"))
        .join(", "),
      met: orders.every((order, f) => order !== null && Math.abs(order.value - study.expected[f]!) <= NEAR),
    })),
    warnings: [],
    data: {
      seed,
      neurons: NEURONS,
      studies: found.map(({ study, distances, orders }) => ({
        name: study.name,
        flows: study.flows,
        stepSizes: study.sizes,
        distances,
        orders,
      })),
    },
  };
}

function curveOf(flow: Flow, x: number[], y: number[], order: WeakOrder | null): RateCurve {
  const ends = [x[x.length - 1]!, x[0]!];
  const last = y[y.length - 1]!;
  return {
    label: FLOWS[flow].name,
    slope: order ? `order ${order.value.toFixed(2)} [${order.interval.map((end) => end.toFixed(2)).join(", ")}]` : "",
    points: { x, y, low: null, high: null },
    fit: order && { x: ends, y: ends.map((end) => last * pow(end / ends[0]!, order.value)) },
    hue: FLOWS[flow].hue,
  };
}

function flowOf(problem: ProblemInput, neurons: number, seed: number, flow: Flow, stepSize: number): Process {
  const sampling = flow === "noise" ? "withoutReplacement" : "full";
  return gradientFlow(problem, {
    neurons,
    seed,
    tolerance: TOLERANCE,
    ...(flow !== "L" && { correction: { stepSize, sampling } }),
  });
}

async function thetaAt(process: Process, t: number, { backend, signal }: FigureOptions): Promise<Float64Array> {
  const simulation = await open(process, { backend });
  try {
    await simulation.advance(t, { signal });
    const measure = simulation.measure();
    if (measure.kind !== "particles") throw new TypeError("particles");
    return Float64Array.of(...measure.values, ...(measure.outputBias ?? []));
  } finally {
    simulation.free();
  }
}

function thetaOf(objective: NetworkObjective, x: Float64Array): Float64Array {
  const { values, outputBias } = objective.network(x);
  return Float64Array.of(...values, ...(outputBias ?? []));
}

// The mean of the end over sequences of examples, a step of each.
function meanAfter(
  objective: NetworkObjective,
  begin: Float64Array,
  sequences: number[][],
  stepSize: number,
): Float64Array {
  const p = objective.dimension;
  const [sum, gradient] = [new Float64Array(p), new Float64Array(p)];
  for (const sequence of sequences) {
    const at = begin.slice();
    for (const q of sequence) {
      objective.gradient(q, at, gradient);
      for (let i = 0; i < p; i++) at[i]! -= stepSize * gradient[i]!;
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

function apart(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) * (a[i]! - b[i]!);
  return Math.sqrt(sum);
}
