// The lecture's classification with 128 hidden units: more parameters than examples, interpolation, and what optimisers do.  theory §12

import { loadEngine } from "../../engine/engine";
import { predictionsOf } from "../../measure/predictions";
import { adam, gradientDescent, type Process, sgd } from "../../process/schema";
import { accuracy, risk } from "../observables";
import { readWorkers, runAll } from "../runs";
import type { Trajectory } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, readOptions, say } from "./figure";
import {
  CELLS,
  cellMiddles,
  classesOf,
  decisionPanel,
  decisionPicture,
  disagreement,
  peaksData,
  peaksProblem,
  trueCells,
} from "./peaksProblem";
import type { DecisionPicture, StatisticsPicture } from "./picture";

const NEURONS = 128;
const EPOCHS = 2000;
/** Examples a step of SGD: twelve steps an epoch of 600. */
const BATCH = 50;
/** A training loss by which optimisers are compared. */
const LEVEL = 0.1;

/** Training and test against epochs, and the regions. */
export const peaksFigure: Figure = {
  name: "peaks",
  title: "128 hidden units, 1029 parameters, 600 examples: the network interpolates and generalises",
  claim: [
    "A network of 128 ReLU units with five outputs and their biases has 1029 parameters, more than the 600 points of the peaks problem that it learns by",
    "softmax cross-entropy. It fits all of them, and classifies nine of ten fresh points right at least. Gradient descent, SGD in batches of 50, the two with",
    "momentum 0.9, and Adam are compared over passes through the data: momentum and Adam get there in a fraction of the epochs.",
    "The regions that the network draws differ from the true ones along their boundaries only.",
  ].join(" "),
  run,
};

interface Optimiser {
  label: string;
  /** Steps an epoch. */
  steps: number;
  stepSize: number;
  process(data: ReturnType<typeof peaksData>, seed: number): Process;
}

const problemOf = ({ train }: ReturnType<typeof peaksData>) => peaksProblem(train, { outputBias: true });
const batches = { batchSize: BATCH, replacement: false };
const optimisers: Optimiser[] = [
  {
    label: "GD",
    steps: 1,
    stepSize: 1,
    process: (data, seed) => gradientDescent(problemOf(data), { neurons: NEURONS, stepSize: 1, seed }),
  },
  {
    label: "GD, momentum",
    steps: 1,
    stepSize: 1,
    process: (data, seed) => gradientDescent(problemOf(data), { neurons: NEURONS, stepSize: 1, momentum: 0.9, seed }),
  },
  {
    label: "SGD",
    steps: 600 / BATCH,
    stepSize: 0.5,
    process: (data, seed) => sgd(problemOf(data), { neurons: NEURONS, stepSize: 0.5, ...batches, seed }),
  },
  {
    label: "SGD, momentum",
    steps: 600 / BATCH,
    stepSize: 0.05,
    process: (data, seed) =>
      sgd(problemOf(data), { neurons: NEURONS, stepSize: 0.05, momentum: 0.9, ...batches, seed }),
  },
  {
    label: "Adam",
    steps: 1,
    stepSize: 0.2,
    process: (data, seed) => adam(problemOf(data), { neurons: NEURONS, stepSize: 0.2, seed }),
  },
];

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 3);
  const { signal, backend, onProgress } = options;
  signal?.throwIfAborted();
  const most = full ? 3 * EPOCHS : EPOCHS;
  const epochs = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400, 500, 700, 1000, 1400, 2000, 3000, 4000, 6000,
  ].filter((epoch) => epoch <= most);
  const sets = Array.from({ length: replicas }, (_, r) => peaksData(seed + r));
  const tasks = optimisers.flatMap(({ process, steps, stepSize }) =>
    sets.map((data, r) => ({
      process: process(data, seed + r),
      times: Float64Array.from(epochs, (epoch) => epoch * steps * stepSize),
      observe: { loss: risk(), train: accuracy(), test: accuracy({ law: data.test }) },
      // the regions of the first of them are drawn
      keep: r === 0 ? ("measures" as const) : ("observables" as const),
    })),
  );
  const runs: Trajectory[] = [];
  const done = new Float64Array(tasks.length);
  const tell = (i: number, fraction: number) => {
    done[i] = fraction;
    onProgress?.({ fraction: done.reduce((sum, x) => sum + x, 0) / tasks.length, phase: "training" });
  };
  await runAll(tasks, {
    workers: readWorkers(options.workers, tasks.length),
    worker: undefined,
    backend,
    signal,
    onFraction: tell,
    onRun: (i, one) => {
      runs[i] = one;
      tell(i, 1);
    },
  });
  const engine = await loadEngine({ backend });
  const cells = (optimiser: number): number[] => {
    const one = runs[optimiser * replicas]!;
    const measure = one.measures![one.measures!.length - 1]!;
    const { values } = predictionsOf(measure, one.process.problem, engine, cellMiddles());
    return classesOf(values, 5);
  };
  return resultOf({ epochs, runs, replicas, seed, cells, data: sets[0]! });
}

interface Parts {
  epochs: number[];
  runs: Trajectory[];
  replicas: number;
  seed: number;
  cells(optimiser: number): number[];
  data: ReturnType<typeof peaksData>;
}

function resultOf({ epochs, runs, replicas, seed, cells, data }: Parts): FigureResult {
  const last = epochs.length - 1;
  // values of a statistic, a row a seed
  const rows = (optimiser: number, name: string) =>
    Array.from({ length: replicas }, (_, r) => runs[optimiser * replicas + r]!.observables[name]!.values);
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const at = (optimiser: number, name: string, i: number) => rows(optimiser, name).map((row) => row[i]!);
  const reached = optimisers.map((_, o) => {
    const i = epochs.findIndex((_, k) => mean(at(o, "loss", k)) < LEVEL);
    return i < 0 ? null : epochs[i]!;
  });
  const [gd, ball, , , best] = [0, 1, 2, 3, 4].map((o) => reached[o] ?? null);
  const truth = trueCells();
  const regions = [4, 0].map((o) => cells(o));
  const off = regions.map((found) => disagreement(found, truth));
  const fits = at(4, "train", last);
  const right = at(4, "test", last);
  const findings: Finding[] = [
    {
      expected: "with 1029 parameters for 600 examples Adam fits all of them, from every seed",
      measured: `training accuracy ${fits.map(say).join(", ")}`,
      met: fits.every((x) => x === 1),
    },
    {
      expected: "the network that interpolates generalises: above 0.9 on 10,000 fresh points, from every seed",
      measured: `test accuracy ${right.map(say).join(", ")}`,
      met: right.every((x) => x > 0.9),
    },
    {
      expected: `momentum and Adam bring the training loss below ${LEVEL} in less than half of gradient descent's epochs`,
      measured: `epochs: ${optimisers.map(({ label }, o) => `${label} ${reached[o] ?? `above ${epochs[last]}`}`).join(", ")}`,
      met:
        ball !== null && best !== null && ball !== undefined && best !== undefined
          ? 2 * Math.max(ball, best) < (gd ?? epochs[last]!)
          : false,
    },
    {
      expected: "its regions differ from the true ones on less than a tenth of the square",
      measured: `Adam ${say(off[0]!)} of the square, gradient descent ${say(off[1]!)}`,
      met: off[0]! < 0.1,
    },
  ];
  const curves = (name: string) =>
    optimisers.map(({ label }, o) => {
      const values = epochs.map((_, i) => at(o, name, i));
      const x = [...epochs];
      return {
        label,
        network: null,
        limit: { x, y: values.map(mean) },
      };
    });
  const statistics: StatisticsPicture = {
    kind: "statistics",
    title: "128 hidden units on the peaks problem: five optimisers",
    subtitle:
      `600 training points, softmax cross-entropy, p = 1029; means of ${replicas} seeds, of data and start alike. Steps: GD ε = 1, SGD 0.5 in batches of ${BATCH}, ` +
      "with momentum μ = 0.9 the same 1, and 0.05; Adam 0.2",
    x: { label: "epochs", scale: "log" },
    key: {},
    panels: [
      {
        title: "training loss",
        y: { label: "cross-entropy", scale: "log" },
        curves: curves("loss"),
        levels: [],
      },
      { title: "training accuracy", y: { label: "share right", scale: "linear" }, curves: curves("train"), levels: [] },
      {
        title: "test accuracy",
        y: { label: "share right of 10,000 fresh points", scale: "linear" },
        curves: curves("test"),
        levels: [],
      },
    ],
  };
  const decision: DecisionPicture = decisionPicture(
    "What 128 hidden units learn of the peaks",
    `seed ${seed}: the true regions with the 600 training points, and those of the network after ${epochs[last]} epochs`,
    [
      decisionPanel("the peaks", truth, data.train),
      decisionPanel("Adam", regions[0]!, data.train),
      decisionPanel("gradient descent", regions[1]!, null),
    ],
  );
  return {
    table: {
      columns: [
        { name: "optimiser", digits: 0 },
        { name: "training loss", digits: 5 },
        { name: "training accuracy", digits: 4 },
        { name: "test accuracy", digits: 4 },
        { name: `epochs to loss ${LEVEL}`, digits: 0 },
      ],
      rows: optimisers.map(({ label }, o) => [
        label,
        mean(at(o, "loss", last)),
        mean(at(o, "train", last)),
        mean(at(o, "test", last)),
        reached[o] ?? `above ${epochs[last]}`,
      ]),
    },
    pictures: [
      { file: "boundary.svg", picture: decision },
      { file: "convergence.svg", picture: statistics },
    ],
    findings,
    warnings: [...new Set(runs.flatMap(({ warnings }) => warnings))],
    data: {
      neurons: NEURONS,
      parameters: 1029,
      epochs,
      cells: CELLS,
      optimisers: optimisers.map(({ label }, o) => ({
        label,
        reached: reached[o],
        loss: rows(o, "loss").map((row) => Array.from(row)),
        train: rows(o, "train").map((row) => Array.from(row)),
        test: rows(o, "test").map((row) => Array.from(row)),
      })),
      disagreement: off,
    },
  };
}
