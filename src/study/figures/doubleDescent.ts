// Double descent in width on the peaks: least norm on random features against networks trained in all their parameters.      theory §12
//
//   φ_i(x) = σ(⟨w_i, x⟩ + b_i),  f = Σ c_i φ_i,  c = Φ⁺ Y        the limit of ridge regression as the ridge goes to 0
//
// The features' kinks pass through points drawn uniformly from the square, those of a narrower network being the first of a wider one's.

import type { Matrix } from "ml-matrix";
import { pause } from "../../engine/pause";
import type { Dataset } from "../../model/law";
import { adam } from "../../process/schema";
import { stream } from "../../random/stream";
import { accuracy } from "../observables";
import { readWorkers, runAll } from "../runs";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import { classesOf, type PeaksData, peaksData, peaksProblem } from "./peaksProblem";
import type { SweepPicture } from "./picture";
import { meanAndError } from "./slopes";

const PER_CLASS = 30;
const EXAMPLES = 5 * PER_CLASS;
const NOISE = [0, 0.1] as const;
const LABELS = ["clean labels", "a tenth of the labels wrong"];
const FEATURES = [8, 15, 25, 40, 60, 90, 120, 150, 180, 220, 300, 450, 750, 1500, 3000];
const WIDTHS = [2, 4, 8, 16, 32, 64, 128, 256];
const STEPS = 2000;

/** Test error against width, on both sides of interpolation. */
export const doubleDescent: Figure = {
  name: "double-descent",
  title: "Double descent in width on the peaks problem",
  claim: [
    "Test error against width with 150 training points. On random ReLU features, of which only the output is fitted, by least squares of least norm, the error",
    "falls, rises to a peak where the features begin to interpolate the points, and falls again: with clean labels below the best of the narrow ones, with a",
    "tenth of the labels wrong not so far. Networks of the same units that Adam trains in all their parameters have no such peak on clean labels: wider is",
    "better or as good.",
  ].join(" "),
  run,
};

/** Errors of one fit. */
interface Errors {
  train: number;
  test: number;
  /** Mean square of what is left on the training points. */
  left: number;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 20 : 5);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const progress = phases(options.onProgress, [1, 1]);
  const sets = Array.from({ length: replicas }, (_, r) =>
    NOISE.map((labelNoise) => peaksData(seed + r, { perClass: PER_CLASS, testPerClass: 400, labelNoise })),
  );

  // [width][noise][seed]
  const fitted = FEATURES.map(() => NOISE.map((): Errors[] => []));
  for (const [r, data] of sets.entries()) {
    for (const [i, width] of FEATURES.entries()) {
      progress(0, "least norm on random features", (r * FEATURES.length + i) / (replicas * FEATURES.length));
      const errors = await leastNormErrors(data, width, seed + r);
      errors.forEach((one, k) => {
        fitted[i]![k]![r] = one;
      });
      await pause();
      signal?.throwIfAborted();
    }
  }

  const steps = full ? 3 * STEPS : STEPS;
  const tasks = WIDTHS.flatMap((neurons) =>
    sets.flatMap((data, r) =>
      data.map(({ train, test }) => ({
        process: adam(peaksProblem(train), { neurons, stepSize: 0.1, seed: seed + r }),
        times: Float64Array.of(steps * 0.1),
        observe: { train: accuracy(), test: accuracy({ law: test }) },
      })),
    ),
  );
  const trained = WIDTHS.map(() => NOISE.map((): Errors[] => []));
  const warnings = new Set<string>();
  let ended = 0;
  await runAll(tasks, {
    workers: readWorkers(options.workers, tasks.length),
    worker: undefined,
    backend,
    signal,
    onFraction: () => progress(1, "training in all parameters", ended / tasks.length),
    onRun(index, { observables, warnings: said }) {
      ended++;
      for (const warning of said) warnings.add(warning);
      const k = index % 2;
      const r = Math.floor(index / 2) % replicas;
      const i = Math.floor(index / (2 * replicas));
      const [train, test] = [observables["train"]!.values[0]!, observables["test"]!.values[0]!];
      trained[i]![k]![r] = { train: 1 - train, test: 1 - test, left: Number.NaN };
    },
  });
  return resultOf(fitted, trained, { replicas, seed, steps, warnings: [...warnings] });
}

// The least-squares fit of least norm to the indicators of the classes, one for each labelling of the same points.
async function leastNormErrors(data: readonly PeaksData[], width: number, seed: number): Promise<Errors[]> {
  const { Matrix: Dense, SVD, EigenvalueDecomposition } = await import("ml-matrix");
  const dense = ({ x }: Dataset) => new Dense(features(x.data, width, seed));
  const phi = dense(data[0]!.train);
  const fresh = dense(data[0]!.test);
  const n = phi.rows;
  // where features are many Φ Φᵀ is well enough conditioned; elsewhere the singular values are kept as they are
  const pseudoInverse = (y: Matrix): Matrix => {
    if (width > 2 * n) {
      const found = new EigenvalueDecomposition(phi.mmul(phi.transpose()), { assumeSymmetric: true });
      return phi.transpose().mmul(project(found.eigenvectorMatrix, found.eigenvectorMatrix, found.realEigenvalues, y));
    }
    const found = new SVD(phi, { autoTranspose: true });
    return project(found.rightSingularVectors, found.leftSingularVectors, found.diagonal, y);
  };
  const indicators = data.map(({ train }) => indicatorRows(train));
  const all = Dense.zeros(n, 5 * data.length);
  indicators.forEach((rows, k) => {
    rows.forEach((row, q) => {
      row.forEach((value, j) => {
        all.set(q, 5 * k + j, value);
      });
    });
  });
  const coefficients = pseudoInverse(all);
  const [own, other] = [phi.mmul(coefficients), fresh.mmul(coefficients)];
  return data.map(({ train, test }, k) => {
    const part = (of: Matrix) => of.subMatrix(0, of.rows - 1, 5 * k, 5 * k + 4).to1DArray();
    const wrong = (of: Matrix, law: Dataset) =>
      classesOf(part(of), 5).reduce((count, c, q) => count + (c === law.y.data[q] ? 0 : 1), 0) / of.rows;
    const rows = indicators[k]!.flat();
    const left = part(own).reduce((sum, f, q) => sum + (f - rows[q]!) * (f - rows[q]!), 0) / n;
    return { train: wrong(own, train), test: wrong(other, test), left };
  });

  // V diag(1/s) Uᵀ y over the values that are not 0 to round-off
  function project(right: Matrix, leftVectors: Matrix, values: ArrayLike<number>, y: Matrix): Matrix {
    const most = Math.max(...Array.from(values));
    const scaled = leftVectors.transpose().mmul(y);
    for (let i = 0; i < scaled.rows; i++) scaled.mulRow(i, values[i]! > 1e-11 * most ? 1 / values[i]! : 0);
    return right.mmul(scaled);
  }
}

// σ(⟨w_i, x − p_i⟩), w_i ~ N(0, I), p_i uniform on the square; a row a point
function features(x: ArrayLike<number>, width: number, seed: number): number[][] {
  const draws = stream(seed);
  const w = draws.normals(2 * width, { step: 0 });
  const p = draws.uniforms(2 * width, { step: 1 });
  return Array.from({ length: x.length / 2 }, (_, q) =>
    Array.from({ length: width }, (_, i) => {
      const [d1, d2] = [x[2 * q]! - (6 * p[2 * i]! - 3), x[2 * q + 1]! - (6 * p[2 * i + 1]! - 3)];
      return Math.max(0, w[2 * i]! * d1 + w[2 * i + 1]! * d2);
    }),
  );
}

function indicatorRows({ y }: Dataset): number[][] {
  return Array.from(y.data, (c) => Array.from({ length: 5 }, (_, k) => (k === c ? 1 : 0)));
}

interface Setting {
  replicas: number;
  seed: number;
  steps: number;
  warnings: string[];
}

function resultOf(
  fitted: Errors[][][],
  trained: Errors[][][],
  { replicas, seed, steps, warnings }: Setting,
): FigureResult {
  const test = (of: Errors[][][], k: number) => of.map((row) => row[k]!.map((one) => one.test));
  const mean = (values: ArrayLike<number>) => meanAndError(values).mean;
  const threshold = FEATURES.find((_, i) => fitted[i]!.every((row) => row.every(({ left }) => left < 1e-12))) ?? null;
  const clean = test(fitted, 0);
  const means = clean.map(mean);
  const noisy = test(fitted, 1).map(mean);
  const peak = means.indexOf(Math.max(...means));
  const narrow = means.indexOf(Math.min(...means.slice(0, peak + 1)));
  const widest = FEATURES.length - 1;
  // seeds share points and features at all widths
  const gain = meanAndError(clean[narrow]!.map((x, r) => x - clean[widest]![r]!));
  const nets = test(trained, 0);
  const better = nets.slice(0, -1).map((row) => meanAndError(row.map((x, r) => x - nets[nets.length - 1]![r]!)));
  const findings: Finding[] = [
    {
      expected:
        "on random features the error has a peak where interpolation begins, twice the least of narrower ones or more",
      measured:
        `${say(means[peak]!)} at N = ${FEATURES[peak]}, against ${say(means[narrow]!)} at N = ${FEATURES[narrow]}; ` +
        `all seeds interpolate from N = ${threshold ?? "none"} on`,
      met: peak > narrow && means[peak]! > 2 * means[narrow]! && threshold !== null && FEATURES[peak]! <= 2 * threshold,
    },
    {
      expected: "with clean labels the second descent ends below the first",
      measured: `${say(means[widest]!)} at N = ${FEATURES[widest]}, ${say(gain.mean)} ± ${say(gain.error ?? Number.NaN)} less`,
      met: gain.error === null ? null : gain.mean > 2 * gain.error,
    },
    {
      expected: "with a tenth of the labels wrong it falls again too, to less than two thirds of its peak",
      measured: `from ${say(Math.max(...noisy))} to ${say(noisy[widest]!)}, where the narrow ones had ${say(Math.min(...noisy.slice(0, peak)))}`,
      met: noisy[widest]! < (2 / 3) * Math.max(...noisy),
    },
    {
      expected:
        "networks trained in all parameters on clean labels: the widest is not worse than any narrower one by two standard errors",
      measured: `test error ${nets.map((row) => say(mean(row))).join(", ")} at N = ${WIDTHS.join(", ")}`,
      met: replicas === 1 ? null : better.every(({ mean: more, error }) => more > -2 * error!),
    },
  ];
  const series = (x: readonly number[], rows: number[][]) => {
    const points = rows.map((row) => meanAndError(row));
    const alone = points.some(({ error }) => error === null);
    return {
      x: [...x],
      y: points.map((one) => one.mean),
      low: alone ? null : points.map((one) => one.mean - one.error!),
      high: alone ? null : points.map((one) => one.mean + one.error!),
    };
  };
  const curves = (x: readonly number[], of: Errors[][][]) => [
    ...LABELS.map((label, k) => ({ label, series: series(x, test(of, k)) })),
    ...LABELS.map((label, k) => ({
      label: `training, ${label.split(" ")[0] === "clean" ? "clean" : "wrong"}`,
      series: series(
        x,
        of.map((row) => row[k]!.map((one) => one.train)),
      ),
    })),
  ];
  const picture: SweepPicture = {
    kind: "sweep",
    title: "Double descent on the peaks, and its absence",
    subtitle:
      `share of points classified wrong, ${EXAMPLES} training points, 2,000 test points with clean labels; the same points, features and starts ` +
      `at all widths; means of ${replicas} seeds`,
    x: { label: "width N", scale: "log" },
    y: { label: "error", scale: "linear", domain: [0, 0.8] },
    panels: [
      {
        title: "random features, output of least norm",
        curves: curves(FEATURES, fitted),
        limit: threshold === null ? null : { x: [threshold, threshold], y: [0, 0.8] },
        levels: [],
      },
      {
        title: `all parameters trained, ${steps} steps of Adam`,
        curves: curves(WIDTHS, trained),
        limit: null,
        levels: [],
      },
    ],
    key: { network: "mean", spread: "± standard error" },
    limit: "all seeds interpolate from here on",
  };
  const rowsOf = (name: string, x: readonly number[], of: Errors[][][]) =>
    x.map((width, i) => [
      name,
      width,
      ...NOISE.flatMap((_, k) => [mean(of[i]![k]!.map((one) => one.train)), mean(of[i]![k]!.map((one) => one.test))]),
    ]);
  return {
    table: {
      columns: [
        { name: "what is fitted", digits: 0 },
        { name: "N", digits: 0 },
        { name: "training error", digits: 3 },
        { name: "test error", digits: 3 },
        { name: "training, wrong labels", digits: 3 },
        { name: "test, wrong labels", digits: 3 },
      ],
      rows: [...rowsOf("output", FEATURES, fitted), ...rowsOf("all", WIDTHS, trained)],
    },
    pictures: [{ file: "error.svg", picture }],
    findings,
    warnings,
    data: {
      seeds: Array.from({ length: replicas }, (_, r) => seed + r),
      examples: EXAMPLES,
      noise: [...NOISE],
      threshold,
      features: {
        widths: FEATURES,
        train: fitted.map((row) => row.map((all) => all.map((e) => e.train))),
        test: fitted.map((row) => row.map((all) => all.map((e) => e.test))),
      },
      trained: {
        widths: WIDTHS,
        steps,
        train: trained.map((row) => row.map((all) => all.map((e) => e.train))),
        test: trained.map((row) => row.map((all) => all.map((e) => e.test))),
      },
    },
  };
}
