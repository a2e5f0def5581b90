// The mean of stochastic gradient flow on least squares is the gradient flow.                   theory §10; docs/regularisation.md

import { linearFlow } from "../../landscape/onDemand";
import { tensor } from "../../model/tensor";
import { stream } from "../../random/stream";
import type { LinearMoments } from "../objective/linearMoments";
import { linearMoments, linearObjective, objectivePaths } from "../onDemand";
import { rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture, StatisticsPicture } from "./picture";
import { powerLaw, rateCurve, saySlope } from "./slopes";

/** A line fitted to points with noise: θ = (height, slope). */
const POINTS = 12;
const NOISE = 0.4;
const START = [1.5, 2];
/** η, and T. */
const STEP = 0.25;
const END = 8;
const TIMES = 17;
const STEP_SIZES = [0.4, 0.2, 0.1, 0.05, 0.025];

/** Means of SGF and of SGD against the gradient flow, by paths and by their moment equations. */
export const sgfMean: Figure = {
  name: "sgf-mean",
  title: "The mean of stochastic gradient flow is the gradient flow",
  claim: [
    "On least squares, L = ½ mean (a_qᵀθ − b_q)², the drift of dθ = −∇L dt + √(η/b Σ(θ)) dW is linear, so E θ_SGF(t) = θ_GF(t) for every",
    "noise Σ(θ): to round-off by the moment equations, within standard errors by paths, though a single path is far away. SGD's mean",
    "is gradient descent's, 1 − (1 − ηs²)^k in place of 1 − e^{−ts²}, off by the first order of η. So both follow the ridge path in the",
    "mean as nearly as the flow does, and no further. The loss is not linear: its mean is above L(θ_GF) by what the noise makes of it.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 8000);
  const { signal } = options;
  signal?.throwIfAborted();
  const paths = full ? 10 * replicas : replicas;
  const progress = phases(options.onProgress, [1, 8, 8]);
  progress(0, "moments", 0);

  const noise = stream(seed).normals(POINTS);
  const x = Array.from({ length: POINTS }, (_, q) => -1 + (2 * q + 1) / POINTS);
  const root = Math.sqrt(POINTS);
  const A = tensor(
    x.flatMap((one) => [1 / root, one / root]),
    [POINTS, 2],
  );
  const b = x.map((one, q) => (0.5 - one + NOISE * noise[q]!) / root);
  const path = await linearFlow({ A, b, start: START, convention: "half" });
  const terms = path.terms();
  const objective = await linearObjective(terms);
  const times = Array.from({ length: TIMES }, (_, k) => (k * END) / (TIMES - 1));
  const flow = times.map((t) => path.flow(t));
  const descent = times.map((t) => path.descent(Math.round(t / STEP), STEP));

  const found: { method: "sme" | "sgd"; exact: LinearMoments; sample: SampleMoments }[] = [];
  for (const [k, method] of (["sme", "sgd"] as const).entries()) {
    const { states } = await objectivePaths(objective, {
      method,
      stepSize: STEP,
      times,
      starts: [START],
      replicas: paths,
      seed,
      signal,
      onProgress: ({ fraction }) => progress(1 + k, method === "sme" ? "stochastic gradient flow" : "SGD", fraction),
    });
    const exact = await linearMoments(terms, { method, stepSize: STEP, times, starts: [START] });
    found.push({ method, exact, sample: momentsOf(states.values, times.length, paths) });
  }
  const [sgf, sgd] = found as [(typeof found)[number], (typeof found)[number]];

  const sup = (a: (k: number, i: number) => number): number =>
    Math.max(...times.flatMap((_, k) => [0, 1].map((i) => Math.abs(a(k, i)))));
  const exactly = {
    sgf: sup((k, i) => sgf.exact.means[2 * k + i]! - flow[k]![i]!),
    sgd: sup((k, i) => sgd.exact.means[2 * k + i]! - descent[k]![i]!),
  };
  const score = (one: (typeof found)[number], to: Float64Array[]) =>
    sup((k, i) => (k === 0 ? 0 : (one.sample.mean[k]![i]! - to[k]![i]!) / one.sample.error[k]![i]!));
  const scores = { sgf: score(sgf, flow), sgd: score(sgd, descent) };
  const spread = sup((k, i) => sgf.sample.deviation[k]![i]!);
  const wide = sup((k, i) => (k === 0 ? 0 : (sgd.sample.mean[k]![i]! - flow[k]![i]!) / sgd.sample.error[k]![i]!));

  const errors: number[] = [];
  for (const stepSize of STEP_SIZES) {
    const grid = Array.from({ length: Math.round(END / stepSize) }, (_, k) => (k + 1) * stepSize);
    const { means } = await linearMoments(terms, { method: "sgd", stepSize, times: grid, starts: [START] });
    errors.push(Math.max(...grid.map((t, k) => distance(means.subarray(2 * k, 2 * k + 2), path.flow(t)))));
  }
  const slope = rate(STEP_SIZES, errors, { expected: 1 });
  const { relative } = path.gap({ times: times.slice(1) });
  const ridgeGap = Math.max(...relative);
  // E L − L(E θ) = ½ Σ_ij H_ij Cov_ij, H = AᵀA
  const excess = times.map((_, k) => lossAbove(sgf.exact, A.data as Float64Array, k));

  const findings: Finding[] = [
    {
      expected:
        "E θ of stochastic gradient flow, by its moment equations, is the gradient flow to 1e-12; that of SGD is gradient descent",
      measured: `${say(exactly.sgf)} and ${say(exactly.sgd)}`,
      met: exactly.sgf < 1e-12 && exactly.sgd < 1e-12,
    },
    {
      expected: `means of ${paths} paths of stochastic gradient flow are on it within 4.5 standard errors, at ${2 * (TIMES - 1)} places`,
      measured: `at most ${say(scores.sgf)}`,
      met: scores.sgf < 4.5,
    },
    {
      expected: "and those of SGD on gradient descent",
      measured: `at most ${say(scores.sgd)}`,
      met: scores.sgd < 4.5,
    },
    {
      expected: `at η = ${STEP} SGD's mean is told from the flow by more than 10 standard errors`,
      measured: `${say(wide)} at most`,
      met: wide > 10,
    },
    {
      expected: "sup over t of |E θ_SGD − θ_GF| has slope 1 in η, within 0.15",
      measured: saySlope(slope),
      met: Math.abs(slope.exponent - 1) < 0.15,
    },
    {
      expected: "the mean of the loss is above the loss of the mean, and stays so",
      measured: `by ${say(excess[TIMES - 1]!)} at t = ${END}, where L(θ_GF) − inf L is ${say(path.loss(flow[TIMES - 1]!) - path.loss(path.limit))}`,
      met: excess[TIMES - 1]! > 1e-3,
    },
  ];

  const band = (k: number, i: number, side: number) => sgf.sample.mean[k]![i]! + side * sgf.sample.deviation[k]![i]!;
  const fine = Array.from({ length: 161 }, (_, k) => (k * END) / 160);
  const names = ["height θ₁", "slope θ₂"];
  const picture: StatisticsPicture = {
    kind: "statistics",
    title: "E θ of stochastic gradient flow is the gradient flow; that of SGD is gradient descent",
    subtitle: `Least squares, a line through ${POINTS} points with noise; η = ${STEP}, batches of one, ${paths} paths; the noise is √(η Σ(θ)) dW`,
    x: { label: "time t = kη", scale: "linear", domain: [0, END] },
    key: {
      limit: "gradient flow; below: exact means",
      network: "mean over paths",
      spread: "± deviation of a path; below: ± 2 standard errors",
      reference: "ridge regression at λ = 1/t",
    },
    panels: [
      ...[0, 1].map((i) => ({
        title: names[i]!,
        y: { label: "E θ", scale: "linear" as const },
        curves: [
          {
            label: "SGF",
            network: {
              x: times,
              y: times.map((_, k) => sgf.sample.mean[k]![i]!),
              low: times.map((_, k) => band(k, i, -1)),
              high: times.map((_, k) => band(k, i, 1)),
            },
            limit: { x: fine, y: fine.map((t) => path.flow(t)[i]!) },
          },
        ],
        levels: [],
        references: [{ label: "ridge", x: fine.slice(1), y: fine.slice(1).map((t) => path.ridge(1 / t)[i]!) }],
      })),
      ...[0, 1].map((i) => ({
        title: `Mean less gradient flow, ${names[i]!}`,
        y: { label: "E θ − θ_GF", scale: "linear" as const },
        curves: [
          ...[
            { label: "SGF", one: sgf, exact: fine.map(() => 0) },
            {
              label: "SGD",
              one: sgd,
              exact: null,
            },
          ].map(({ label, one, exact }) => ({
            label,
            network: {
              x: times,
              y: times.map((_, k) => one.sample.mean[k]![i]! - flow[k]![i]!),
              low: times.map((_, k) => one.sample.mean[k]![i]! - flow[k]![i]! - 2 * one.sample.error[k]![i]!),
              high: times.map((_, k) => one.sample.mean[k]![i]! - flow[k]![i]! + 2 * one.sample.error[k]![i]!),
            },
            limit: exact ? { x: fine, y: exact } : descentLess(path, i),
          })),
        ],
        levels: [],
      })),
    ],
  };
  const ends = [STEP_SIZES[STEP_SIZES.length - 1]!, STEP_SIZES[0]!];
  const orders: RatePicture = {
    kind: "rate",
    title: "SGD's mean comes to the gradient flow as η falls",
    subtitle: "The same problem, by the recursion of SGD's moments, which is exact; sup over the steps up to t = 8",
    key: { network: "exact", limit: "fitted power law", reference: "slope 1" },
    panels: [
      {
        title: "",
        x: { label: "step size η" },
        y: { label: "sup over t of |E θ_SGD − θ_GF|" },
        curves: [rateCurve({ label: "SGD", x: STEP_SIZES, replicas: errors.map((e) => [e]), rate: slope })],
        references: [powerLaw("slope 1", ends, 1, (1.6 * errors[errors.length - 1]!) / ends[0]!)],
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "t", digits: 2 },
        ...["θ₁", "θ₂"].flatMap((name) => [
          { name: `GF ${name}`, digits: 4 },
          { name: "SGF", digits: 4 },
          { name: "±", digits: 4 },
          { name: "GD", digits: 4 },
          { name: "SGD", digits: 4 },
          { name: "±", digits: 4 },
        ]),
        { name: "E L − L(E θ)", digits: 5 },
      ],
      rows: times.map((t, k) => [
        t,
        ...[0, 1].flatMap((i) => [
          flow[k]![i]!,
          sgf.sample.mean[k]![i]!,
          sgf.sample.error[k]![i]!,
          descent[k]![i]!,
          sgd.sample.mean[k]![i]!,
          sgd.sample.error[k]![i]!,
        ]),
        excess[k]!,
      ]),
    },
    pictures: [
      { file: "mean.svg", picture },
      { file: "steps.svg", picture: orders },
    ],
    findings,
    warnings: [],
    data: {
      seed,
      paths,
      stepSize: STEP,
      start: START,
      x,
      labels: b.map((one) => one * root),
      singularValues: Array.from(path.singularValues),
      times,
      flow: flow.map((theta) => Array.from(theta)),
      means: found.map(({ method, sample }) => ({ method, mean: sample.mean, standardError: sample.error })),
      largestDeviation: spread,
      ridgeGap,
      stepSizes: STEP_SIZES,
      errors,
      slope: slope.exponent,
    },
  };
}

// Gradient descent is at its steps; between them nothing is drawn.
function descentLess(
  path: { flow(t: number): Float64Array; descent(k: number, eta: number): Float64Array },
  i: number,
): { x: number[]; y: number[] } {
  const x = Array.from({ length: Math.round(END / STEP) + 1 }, (_, k) => k * STEP);
  return { x, y: x.map((t, k) => path.descent(k, STEP)[i]! - path.flow(t)[i]!) };
}

interface SampleMoments {
  /** A row a time, a number a parameter. */
  mean: number[][];
  deviation: number[][];
  error: number[][];
}

// states: [times, replicas, 1, 2]
function momentsOf(states: Float64Array, times: number, replicas: number): SampleMoments {
  const result: SampleMoments = { mean: [], deviation: [], error: [] };
  for (let k = 0; k < times; k++) {
    const mean = [0, 0];
    const square = [0, 0];
    for (let r = 0; r < replicas; r++)
      for (const i of [0, 1]) mean[i]! += states[(k * replicas + r) * 2 + i]! / replicas;
    for (let r = 0; r < replicas; r++) {
      for (const i of [0, 1]) {
        const off = states[(k * replicas + r) * 2 + i]! - mean[i]!;
        square[i]! += (off * off) / (replicas - 1);
      }
    }
    result.mean.push(mean);
    result.deviation.push(square.map(Math.sqrt));
    result.error.push(square.map((v) => Math.sqrt(v / replicas)));
  }
  return result;
}

function lossAbove(
  { means, products }: { means: Float64Array; products: Float64Array },
  A: Float64Array,
  k: number,
): number {
  let sum = 0;
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      let H = 0;
      for (let q = 0; q < POINTS; q++) H += A[2 * q + i]! * A[2 * q + j]!;
      sum += (H / 2) * (products[4 * k + 2 * i + j]! - means[2 * k + i]! * means[2 * k + j]!);
    }
  }
  return sum;
}

function distance(a: Float64Array, b: Float64Array): number {
  return Math.sqrt((a[0]! - b[0]!) * (a[0]! - b[0]!) + (a[1]! - b[1]!) * (a[1]! - b[1]!));
}
