// The lecture's mean-field network, width 4096 by Adam, on the peaks problem.                                         theory §12

import { loadEngine } from "../../engine/engine";
import { predictionsOf } from "../../measure/predictions";
import { type AdamProcess, adam } from "../../process/schema";
import { accuracy, risk } from "../observables";
import { readWorkers, runAll } from "../runs";
import type { Trajectory } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, readOptions, say } from "./figure";
import {
  cellMiddles,
  classesOf,
  decisionPanel,
  decisionPicture,
  disagreement,
  type PeaksData,
  peaksData,
  peaksProblem,
  trueCells,
} from "./peaksProblem";
import type { StatisticsPicture } from "./picture";

const WIDTH = 4096;
const STEPS = 1500;
const STEP = 0.3;
/** The lecture's accuracies. */
const LECTURE = { train: 0.9987, test: 0.92 };
const SECONDS = 120;

/** Convergence over five seeds, and the regions beside the true ones. */
export const peaksMeanField: Figure = {
  name: "peaks-mean-field",
  title: "A mean-field network of width 4096, trained by Adam, on the peaks problem",
  claim: [
    "f = N⁻¹ Σ a_i σ(⟨w_i, x⟩ + b_i) with N = 4096 ReLU units and five outputs learns the 600 points of the peaks problem by softmax cross-entropy, in 1,500",
    "full-batch steps of Adam. It fits all of them. Of 10,000 fresh balanced points it classifies more than 95 per cent right in the mean over five",
    "seeds, of the points and of the start alike, and more than 94 per cent for each. The lecture has 99.87 and 92.00 per cent.",
  ].join(" "),
  run,
};

/** The run of a seed. Once all points are fitted Adam's quotients are of small numbers, and long steps throw the network about: they fall. */
export function peaksMeanFieldProcess(data: PeaksData, seed: number, steps = STEPS): AdamProcess {
  return adam(peaksProblem(data.train), {
    neurons: WIDTH,
    stepSize: STEP,
    schedule: { kind: "piecewise", times: [0.6 * steps * STEP], factors: [0.3] },
    precision: "f32",
    seed,
  });
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 5);
  const { signal, backend, onProgress } = options;
  signal?.throwIfAborted();
  const began = performance.now();
  const steps = full ? 2 * STEPS : STEPS;
  const at = [10, 30, 60, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000].filter((k) => k <= steps);
  const sets = Array.from({ length: replicas }, (_, r) => peaksData(seed + r));
  const tasks = sets.map((data, r) => ({
    process: peaksMeanFieldProcess(data, seed + r, steps),
    times: Float64Array.from(at, (k) => k * STEP),
    observe: { loss: risk(), train: accuracy(), test: accuracy({ law: data.test }) },
    keep: r === 0 ? ("measures" as const) : ("observables" as const),
  }));
  const runs: Trajectory[] = [];
  const done = new Float64Array(replicas);
  const tell = (i: number, fraction: number) => {
    done[i] = fraction;
    onProgress?.({ fraction: done.reduce((sum, x) => sum + x, 0) / replicas, phase: "training" });
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
  const [first] = runs;
  const engine = await loadEngine({ backend });
  const measure = first!.measures![at.length - 1]!;
  const { values } = predictionsOf(measure, first!.process.problem, engine, cellMiddles());
  return resultOf({
    steps: at,
    runs,
    seed,
    cells: classesOf(values, 5),
    data: sets[0]!,
    seconds: (performance.now() - began) / 1000,
  });
}

interface Parts {
  steps: number[];
  runs: Trajectory[];
  seed: number;
  cells: number[];
  data: PeaksData;
  seconds: number;
}

function resultOf({ steps, runs, seed, cells, data, seconds }: Parts): FigureResult {
  const last = steps.length - 1;
  const of = (name: string, i: number) => runs.map(({ observables }) => observables[name]!.values[i]!);
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const train = of("train", last);
  const test = of("test", last);
  const truth = trueCells();
  const percent = (x: number) => `${(100 * x).toFixed(2)} %`;
  const findings: Finding[] = [
    {
      expected: "all 600 training points are fitted, from every seed",
      measured: `training accuracy ${train.map(percent).join(", ")}`,
      met: train.every((x) => x === 1),
    },
    {
      expected: "95 % of 10,000 fresh balanced points or more in the mean over the seeds, 94 % or more for each",
      measured: `test accuracy ${test.map(percent).join(", ")}; mean ${percent(mean(test))}`,
      met: mean(test) >= 0.95 && test.every((x) => x >= 0.94),
    },
    {
      expected: "both are above the lecture's 99.87 % and 92.00 %",
      measured: `${percent(mean(train))} and ${percent(mean(test))}`,
      met: mean(train) > LECTURE.train && mean(test) > LECTURE.test,
    },
    {
      expected: "less than two minutes on two cores",
      measured: `${say(seconds)} s`,
      met: seconds < SECONDS,
      timed: true,
    },
  ];
  const curve = (name: string) => {
    const values = steps.map((_, i) => of(name, i));
    return [
      {
        label: "",
        network: {
          x: [...steps],
          y: values.map(mean),
          low: values.map((row) => Math.min(...row)),
          high: values.map((row) => Math.max(...row)),
        },
        limit: { x: [...steps], y: values.map(mean) },
      },
    ];
  };
  const statistics: StatisticsPicture = {
    kind: "statistics",
    title: "A mean-field network of width 4096 learns the peaks",
    subtitle: `Adam, full batch of 600, ε = ${STEP}, three tenths of it for the last two fifths; softmax cross-entropy, f = mean of a σ(⟨w, x⟩ + b) with ReLU`,
    x: { label: "step k", scale: "log" },
    key: { network: `mean of ${runs.length} seeds`, spread: "from the least to the most" },
    panels: [
      { title: "training loss", y: { label: "cross-entropy", scale: "log" }, curves: curve("loss"), levels: [] },
      {
        title: "training accuracy",
        y: { label: "share right", scale: "linear" },
        curves: curve("train"),
        levels: [{ y: LECTURE.train, label: "lecture, 99.87 %" }],
      },
      {
        title: "test accuracy",
        y: { label: "share right of 10,000 fresh points", scale: "linear" },
        curves: curve("test"),
        levels: [{ y: LECTURE.test, label: "lecture, 92.00 %" }],
      },
    ],
  };
  return {
    table: {
      columns: [
        { name: "seed", digits: 0 },
        { name: "training loss", digits: 5 },
        { name: "training accuracy", digits: 4 },
        { name: "test accuracy", digits: 4 },
      ],
      rows: runs.map((_, r) => [seed + r, of("loss", last)[r]!, train[r]!, test[r]!]),
    },
    pictures: [
      {
        file: "boundary.svg",
        picture: decisionPicture(
          "The regions of a mean-field network of width 4096",
          `seed ${seed}, after ${steps[last]} steps of Adam; other regions than the true ones on ${percent(disagreement(cells, truth))} of the square`,
          [
            decisionPanel("the peaks", truth, null),
            decisionPanel("the network, and what it learned from", cells, data.train),
          ],
        ),
      },
      { file: "convergence.svg", picture: statistics },
    ],
    findings,
    warnings: [...new Set(runs.flatMap(({ warnings }) => warnings))],
    data: {
      width: WIDTH,
      stepSize: STEP,
      steps,
      lecture: LECTURE,
      seeds: runs.map((_, r) => seed + r),
      loss: steps.map((_, i) => of("loss", i)),
      train: steps.map((_, i) => of("train", i)),
      test: steps.map((_, i) => of("test", i)),
      disagreement: disagreement(cells, truth),
    },
  };
}
