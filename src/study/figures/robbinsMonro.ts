// Robbins–Monro schedules: which steps make SGD converge, and the normal law of what is left.                        theory §11

import { normalCdf, normalPdf } from "../../engine/math";
import { identity } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { particles } from "../../model/start";
import { ridge } from "../../model/unit";
import { type Schedule, sgd } from "../../process/schema";
import { stream } from "../../random/stream";
import { type Ensemble, ensemble } from "../ensemble";
import type { ScheduledMoments } from "../objective/scheduledMoments";
import { parameters } from "../observables";
import { scheduledMoments, stationaryCovariance } from "../onDemand";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { DensityPicture, SpreadSeries, StatisticsPicture } from "./picture";

const STEP_SIZE = 0.2;
const OFFSET = 2;
const EXAMPLES = 20;
const EXPONENTS = [0, 0.4, 0.7, 1, 2];
/** The exponent whose law is drawn at the end. */
const DRAWN = 0.7;
const START = [2, 2];

/** SGD on a linear regression with falling steps. */
export const robbinsMonro: Figure = {
  name: "robbins-monro",
  title: "Steps ε_k = ε (1 + kε/c)^−γ: what converges, and with which law",
  claim: [
    "SGD on a linear regression of two weights with noise in its labels, which no weight fits. Lines are exact: first and second moments are linear",
    "recursions. With a constant step it fluctuates for ever with the stationary covariance of that step; with γ = 2, Σ ε_k is finite and it stalls",
    "on its way; in between E|θ_k − θ*|² falls as ε_k does. Σ ε_k² < ∞, γ > ½, is what the theorem asks for almost sure convergence: in the mean",
    "square γ = 0.4 converges too, slower. For γ < 1 (θ_k − θ*)/√ε_k is N(0, Σ) in the end, HΣ + ΣH = C, and the average of the iterates has the",
    "covariance H⁻¹CH⁻¹/k, which no γ enters.",
  ].join(" "),
  run,
};

/** y = x_1 − x_2/2 and an error each, of standard deviation 0.7. */
function regression(): ProblemInput {
  const words = stream(5).normals(3 * EXAMPLES);
  const x = Array.from({ length: EXAMPLES }, (_, q) => [words[2 * q]!, words[2 * q + 1]!]);
  const y = x.map(([a, b], q) => a! - 0.5 * b! + 0.7 * words[2 * EXAMPLES + q]!);
  return { law: dataset({ x, y }), unit: ridge(identity()), start: particles([START]) };
}

interface Run {
  exponent: number;
  name: string;
  exact: ScheduledMoments;
  /** Mean of |θ − θ*|² over replicas, and of the first coordinate's square over ε_k. */
  square: SpreadSeries;
  ratio: SpreadSeries;
  /** (θ − θ*)_i/√ε_k of each replica at the end, i = 1, 2. */
  last: number[][];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 400);
  const { signal, backend, workers } = options;
  signal?.throwIfAborted();
  const problem = regression();
  const until = full ? 10000 : 1000;
  const times = logSpaced(1, until, full ? 17 : 13).map((t) => Math.round(t / STEP_SIZE) * STEP_SIZE);
  const fine = logSpaced(1, until, 80).map((t) => Math.round(t / STEP_SIZE) * STEP_SIZE);
  const lineTimes = [...new Set([...fine, ...times])].sort((a, b) => a - b);
  const progress = phases(
    options.onProgress,
    EXPONENTS.map(() => 1),
  );
  const runs: Run[] = [];
  for (const [e, exponent] of EXPONENTS.entries()) {
    const schedule: Schedule = exponent === 0 ? { kind: "constant" } : { kind: "power", exponent, offset: OFFSET };
    const name = exponent === 0 ? "constant" : `γ = ${exponent}`;
    const exact = await scheduledMoments(problem, {
      stepSize: STEP_SIZE,
      schedule,
      times: lineTimes,
      start: START,
      signal,
    });
    const found = await ensemble(sgd(problem, { neurons: 1, stepSize: STEP_SIZE, schedule, seed }), {
      replicas,
      times,
      observe: { theta: parameters([0]) },
      workers,
      signal,
      backend,
      onProgress: ({ fraction }) => progress(e, name, fraction),
    });
    runs.push({ exponent, name, exact, ...statisticsOf(found, exact, lineTimes) });
  }
  const { limit, covariance } = await stationaryCovariance(problem, { stepSize: STEP_SIZE });
  const average = averageLimit(problem, limit);

  const of = (exponent: number) => runs.find((one) => one.exponent === exponent)!;
  const squareAt = ({ exact }: Run, t: number) => squareOf(exact, t);
  const end = lineTimes.length - 1;
  const drawn = of(DRAWN);
  const far = runs.map(({ exact, square }) =>
    square.x.map((t, i) => {
      const error = (square.high![i]! - square.low![i]!) / 2;
      return Math.abs(square.y[i]! - squareOf(exact, lineTimes.indexOf(t))) / error;
    }),
  );
  const normal = [0, 1].map((i) => {
    const scale = Math.sqrt(drawn.exact.covariances[4 * end + 3 * i]! / drawn.exact.stepSizes[end]!);
    return Math.sqrt(replicas) * distanceFromNormal(drawn.last.map((row) => row[i]! / scale));
  });
  const ratios = [0.4, 0.7].map((exponent) => {
    const { exact } = of(exponent);
    return [0, 1].map((i) => exact.covariances[4 * end + 3 * i]! / exact.stepSizes[end]! / limit[3 * i]!);
  });
  const stalled = of(2).exact;
  const k = Math.round(lineTimes[end]! / STEP_SIZE);
  const averages = [0.4, 0.7].map((exponent) => (of(exponent).exact.averageCovariances[4 * end]! * k) / average);
  const findings: Finding[] = [
    {
      expected: "E|θ_k − θ*|² of SGD is the exact one within 4.5 standard errors, at every time and for every schedule",
      measured: far.map((row) => say(Math.max(...row))).join(", "),
      met: far.every((row) => row.every((one) => one < 4.5)),
    },
    {
      expected: "with a constant step SGD ends at the stationary covariance, to 1e-10",
      measured: [0, 3].map((at) => say(of(0).exact.covariances[4 * end + at]!)).join(", "),
      met: [0, 3].every((at) => Math.abs(of(0).exact.covariances[4 * end + at]! - covariance[at]!) < 1e-10),
    },
    {
      expected: "for γ = 0.4 and 0.7 Cov θ_k is ε_k Σ within 10 % at the end, HΣ + ΣH = C",
      measured: ratios.flat().map(say).join(", "),
      met: ratios.flat().every((ratio) => Math.abs(ratio - 1) < 0.1),
    },
    {
      expected:
        "for γ = 0.7 both coordinates are normal at the end: √R times Kolmogorov's distance below 2.3 (5e-5 by chance)",
      measured: normal.map(say).join(", "),
      met: normal.every((one) => one < 2.3),
    },
    {
      expected:
        "with γ = 2 SGD stalls: from t = 100 on E θ_k moves by less than 6 % of what is left, as Σ ε_k is 0.04 from there; more than 0.1 is left",
      measured: stallOf(stalled, lineTimes).map(say).join(", "),
      met: stallOf(stalled, lineTimes)[0]! < 0.06 && stallOf(stalled, lineTimes)[1]! > 0.1,
    },
    {
      expected: "at the end E|θ_k − θ*|² is the smaller the larger γ is up to 1, and falls with all of them",
      measured: [0.4, 0.7, 1].map((exponent) => say(squareAt(of(exponent), end))).join(", "),
      met:
        squareAt(of(0), end) > squareAt(of(0.4), end) &&
        squareAt(of(0.4), end) > squareAt(of(0.7), end) &&
        squareAt(of(0.7), end) > squareAt(of(1), end),
    },
    {
      expected: "for γ = 0.4 and 0.7 the average of the iterates has the variance (H⁻¹CH⁻¹)₁₁/k within 15 % at the end",
      measured: averages.map(say).join(", "),
      met: averages.every((ratio) => Math.abs(ratio - 1) < 0.15),
    },
  ];

  const statistics: StatisticsPicture = {
    kind: "statistics",
    title: "SGD with steps ε_k = ε (1 + kε/c)^−γ on a linear regression with noise in its labels",
    subtitle: `Two weights, ${EXAMPLES} examples, batches of one, ε = ${STEP_SIZE}, c = ${OFFSET}; ${replicas} runs each; lines are exact`,
    x: { label: "time t = kε", scale: "log" },
    key: { network: "SGD", spread: "± standard error", limit: "exact moments" },
    panels: [
      {
        title: "Mean squared distance to the minimum",
        y: { label: "E|θ_k − θ*|²", scale: "log" },
        curves: runs.map(({ name, square, exact }) => ({
          label: name,
          network: square,
          limit: { x: lineTimes, y: lineTimes.map((_, t) => squareOf(exact, t)) },
        })),
        levels: [],
      },
      {
        title: "Square of the first coordinate over the step",
        y: { label: "E(θ_k − θ*)₁²/ε_k", scale: "log", domain: [0.2, 5] },
        curves: runs.slice(0, 4).map(({ name, ratio, exact }) => ({
          label: name,
          network: ratio,
          limit: {
            x: lineTimes,
            y: lineTimes.map((_, t) => firstOf(exact, t) / exact.stepSizes[t]!),
          },
        })),
        levels: [{ y: limit[0]!, label: "Σ₁₁, HΣ + ΣH = C" }],
      },
      {
        title: "k times the variance of the average, first coordinate",
        y: { label: "k Var(θ̄_k)₁", scale: "log", domain: [0.4, 5] },
        curves: runs.slice(0, 4).map(({ name, exact }) => ({
          label: name,
          network: null,
          limit: {
            x: lineTimes,
            y: lineTimes.map((_, t) => exact.averageCovariances[4 * t]! * Math.round(exact.times[t]! / STEP_SIZE)),
          },
        })),
        levels: [{ y: average, label: "(H⁻¹CH⁻¹)₁₁" }],
      },
    ],
  };
  const density: DensityPicture = {
    kind: "density",
    title: `What is left over √ε_k is normal: γ = ${DRAWN} at t = ${until}`,
    subtitle: `${replicas} runs of SGD; the density is N(0, Σ) with HΣ + ΣH = C`,
    x: { label: "(θ_k − θ*)/√ε_k", scale: "linear", domain: [-2, 2] },
    y: "density",
    panels: [0, 1].map((i) => ({
      title: i === 0 ? "first weight" : "second weight",
      ...histogramOf(
        drawn.last.map((row) => row[i]!),
        Math.sqrt(limit[3 * i]!),
      ),
    })),
    key: { histogram: "SGD", density: "N(0, Σ)" },
  };
  return {
    table: {
      columns: [
        { name: "time", digits: 1 },
        ...runs.flatMap(({ name }) => [
          { name: `${name}: exact`, digits: 6 },
          { name: "SGD", digits: 6 },
          { name: "±", digits: 6 },
        ]),
      ],
      rows: Array.from(times, (t, i) => [
        t,
        ...runs.flatMap(({ exact, square }) => [
          squareOf(exact, lineTimes.indexOf(t)),
          square.y[i]!,
          (square.high![i]! - square.low![i]!) / 2,
        ]),
      ]),
    },
    pictures: [
      { file: "moments.svg", picture: statistics },
      { file: "law.svg", picture: density },
    ],
    findings,
    warnings: [],
    data: {
      seed,
      replicas,
      stepSize: STEP_SIZE,
      offset: OFFSET,
      times: Array.from(times),
      limit: Array.from(limit),
      stationary: Array.from(covariance),
      runs: runs.map(({ exponent, square, ratio, exact }) => ({
        exponent,
        square,
        ratio,
        exact: { times: lineTimes, squares: lineTimes.map((_, t) => squareOf(exact, t)) },
      })),
    },
  };
}

function firstOf({ means, covariances, minimum }: ScheduledMoments, t: number): number {
  const far = means[2 * t]! - minimum[0]!;
  return far * far + covariances[4 * t]!;
}

function squareOf(exact: ScheduledMoments, t: number): number {
  const { means, covariances, minimum } = exact;
  const far = means[2 * t + 1]! - minimum[1]!;
  return firstOf(exact, t) + far * far + covariances[4 * t + 3]!;
}

function statisticsOf(
  { times, observables }: Ensemble,
  { minimum, stepSizes }: ScheduledMoments,
  lineTimes: number[],
): Pick<Run, "square" | "ratio" | "last"> {
  const rows = observables.theta!.replicas;
  const far = (row: Float64Array, t: number, i: number) => row[2 * t + i]! - minimum[i]!;
  const steps = Array.from(times, (t) => stepSizes[nearestOf(lineTimes, t)]!);
  const series = (of: (row: Float64Array, t: number) => number): SpreadSeries => {
    const y: number[] = [];
    const error: number[] = [];
    for (let t = 0; t < times.length; t++) {
      const values = rows.map((row) => of(row, t));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const square = values.reduce((sum, one) => sum + (one - mean) * (one - mean), 0) / (values.length - 1);
      y.push(mean);
      error.push(Math.sqrt(square / values.length));
    }
    const x = Array.from(times, (t) => lineTimes[nearestOf(lineTimes, t)]!);
    return { x, y, low: y.map((one, t) => one - error[t]!), high: y.map((one, t) => one + error[t]!) };
  };
  const end = times.length - 1;
  return {
    square: series((row, t) => far(row, t, 0) * far(row, t, 0) + far(row, t, 1) * far(row, t, 1)),
    ratio: series((row, t) => (far(row, t, 0) * far(row, t, 0)) / steps[t]!),
    last: rows.map((row) => [0, 1].map((i) => far(row, end, i) / Math.sqrt(steps[end]!))),
  };
}

function nearestOf(times: number[], t: number): number {
  return times.reduce((best, one, i) => (Math.abs(one - t) < Math.abs(times[best]! - t) ? i : best), 0);
}

// Share of what is left that E θ_k moves by after t = 100, and what is left.
function stallOf({ means, minimum }: ScheduledMoments, lineTimes: number[]): [number, number] {
  const far = (t: number) => {
    const [a, b] = [means[2 * t]! - minimum[0]!, means[2 * t + 1]! - minimum[1]!];
    return Math.sqrt(a * a + b * b);
  };
  const [then, end] = [far(nearestOf(lineTimes, 100)), far(lineTimes.length - 1)];
  return [Math.abs(then - end) / end, end];
}

// (H⁻¹CH⁻¹)₁₁ = 2 (H⁻¹L)₁₁ as C = HL + LH
function averageLimit(problem: ProblemInput, limit: Float64Array): number {
  if (problem.law.kind !== "dataset") throw new TypeError("a finite law");
  const x = problem.law.x.data;
  const h = [0, 0, 0];
  for (let q = 0; q < EXAMPLES; q++) {
    const [a, b] = [x[2 * q]!, x[2 * q + 1]!];
    h[0]! += (a * a) / EXAMPLES;
    h[1]! += (a * b) / EXAMPLES;
    h[2]! += (b * b) / EXAMPLES;
  }
  return (2 * (h[2]! * limit[0]! - h[1]! * limit[2]!)) / (h[0]! * h[2]! - h[1]! * h[1]!);
}

function distanceFromNormal(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.reduce((most, value, i) => {
    const level = normalCdf(value);
    return Math.max(most, Math.abs(level - i / sorted.length), Math.abs(level - (i + 1) / sorted.length));
  }, 0);
}

function histogramOf(
  values: number[],
  deviation: number,
): Pick<DensityPicture["panels"][number], "histogram" | "density"> {
  const bins = 20;
  const reach = 2;
  const edges = Array.from({ length: bins + 1 }, (_, i) => -reach + (2 * reach * i) / bins);
  const heights = Array.from({ length: bins }, () => 0);
  const share = bins / (2 * reach) / values.length;
  for (const value of values) {
    const bin = Math.floor(((value + reach) * bins) / (2 * reach));
    if (bin >= 0 && bin < bins) heights[bin]! += share;
  }
  const x = Array.from({ length: 121 }, (_, i) => -reach + (2 * reach * i) / 120);
  return { histogram: { edges, heights }, density: { x, y: x.map((one) => normalPdf(one / deviation) / deviation) } };
}
