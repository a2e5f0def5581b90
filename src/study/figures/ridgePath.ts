// The gradient flow of a linear model beside the ridge path.                                     theory §10; docs/regularisation.md

import { exp } from "../../engine/math";
import { linearFlow } from "../../landscape/onDemand";
import { identity } from "../../model/activation";
import { dataset } from "../../model/law";
import { particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { ridge } from "../../model/unit";
import { gradientFlow } from "../../process/schema";
import { stream } from "../../random/stream";
import { predictions } from "../observables";
import { solve } from "../solve";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { Series, SpreadSeries, StatisticsPicture } from "./picture";

/** Inputs on [−1, 1], and bumps of this width with centres on [−1.2, 1.2]. */
const INPUTS = 20;
const BUMPS = 40;
const WIDTH = 0.15;
/** Deviation of the noise, of labels of size about 1. */
const NOISE = 0.3;
/** Times of lines and of dots. */
const POINTS = 161;
const DOTS = 21;
const RANGE = [0.003, 1000] as const;
/** Smallest error that is drawn. */
const LEAST = 0.004;
/** Singular values whose filters are drawn. */
const SHOWN = [0, 5, 8, 11];

/** sup (1 + x)(1 − e^{−x})/x, rounded up, its square, and the ratio of the best Bayes risks. */
const RATIO = 1.2985;
const INFLATION = 1.6862;
const BAYES = 1.2147;

/** Filters, gap and expected errors of the flow stopped at t and of ridge regression at λ = 1/t. */
export const ridgePath: Figure = {
  name: "ridge-path",
  title: "Gradient flow beside ridge regression",
  claim: [
    "On L = ½|Aθ − b|² from 0 the flow at time t filters the singular values of A by 1 − e^{−ts²}, and ridge regression of weight",
    "λ = 1/t by s²/(s² + 1/t). The lecture has the two equal; they are not, but never far: ridge comes at least 1/1.2985 as far in each",
    "direction, so the gap is at most 0.2299 of the way that the flow has come, whatever A and b. For L = |Aθ − b|², as the slide writes",
    "it, the flow is twice as fast: against λ = 1/t the gap is ½ as it starts, and λ = 1/(2t) is what agrees there. Where b = Aθ* + noise,",
    "the expected error of the prediction falls and rises again along both paths: stopping early regularises, nearly as well as the",
    "best λ does, with at most 1.6862 times the error at λ = 1/t (Ali, Kolter, Tibshirani 2019).",
  ].join(" "),
  run,
};

/** Twenty inputs, forty bumps: a matrix [n, p], a truth of size about 1, and labels with noise. */
export function bumps(seed: number, n = INPUTS, p = BUMPS) {
  const A = new Float64Array(n * p);
  for (let i = 0; i < n; i++) {
    const x = -1 + (2 * i + 1) / n;
    for (let j = 0; j < p; j++) {
      const u = (x + 1.2 - (2.4 * j) / (p - 1)) / WIDTH;
      A[i * p + j] = exp(-0.5 * u * u) / Math.sqrt(p / BUMPS);
    }
  }
  const truth = stream(seed)
    .normals(p)
    .map((one) => one / 3);
  const b = stream(seed, { replica: 1 })
    .normals(n)
    .map((one) => NOISE * one);
  for (let i = 0; i < n; i++) for (let j = 0; j < p; j++) b[i]! += A[i * p + j]! * truth[j]!;
  return { A: tensor(A, [n, p]), rows: A, b, truth, n, p };
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed } = readOptions(options, 1);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const scale = full ? 5 : 1;
  const { A, rows, b, truth, n, p } = bumps(seed, scale * INPUTS, scale * BUMPS);
  const progress = phases(options.onProgress, [1, 3, 2]);
  progress(0, "paths", 0);
  const half = await linearFlow({ A, b, convention: "half" });
  const whole = await linearFlow({ A, b, convention: "whole" });
  const risks = half.risks({ truth, noise: NOISE });
  const bayes = half.risks({ truth: { deviation: 1 / 3 }, noise: NOISE });
  const lines = Array.from(logSpaced(...RANGE, POINTS));
  const dots = Array.from(logSpaced(...RANGE, DOTS));
  const gaps = { half: half.gap({ times: lines }), whole: whole.gap({ times: lines }) };
  const matched = whole.gap({ factor: 0.5 });
  const inflation = risks.inflation();

  // The same by the library's units, which knows nothing of singular values.
  const checks = [0.1, 1, 10, 100];
  const network = await solve(
    gradientFlow(
      {
        law: dataset({ x: A, y: b.map((one) => one * Math.sqrt(n)), weights: new Float64Array(n).fill(1) }),
        unit: ridge(identity()),
        start: particles(tensor(new Float64Array(p), [1, p])),
      },
      { neurons: 1, tolerance: 1e-10 },
    ),
    {
      times: checks,
      observe: { f: predictions(A) },
      signal,
      backend,
      onProgress: ({ fraction }) => progress(1, "units with σ(t) = t", fraction),
    },
  );
  // masses 1/n: E = ½ Σ (y_q − f_q)²/n, whose A is ours over √n; labels √n b make b of it
  const scaled = await linearFlow({
    A: tensor(
      rows.map((a) => a / Math.sqrt(n)),
      [n, p],
    ),
    b,
    convention: "half",
  });
  const apart = Math.max(
    ...checks.map((t, k) => {
      const theta = scaled.flow(t);
      let [gap, size] = [0, 0];
      for (let i = 0; i < n; i++) {
        let f = 0;
        for (let j = 0; j < p; j++) f += rows[i * p + j]! * theta[j]!;
        const off = network.observables["f"]!.values[k * n + i]! - f;
        [gap, size] = [gap + off * off, size + f * f];
      }
      return Math.sqrt(gap / size);
    }),
  );
  progress(2, "paths", 1);

  const { best } = risks;
  const never = risks.flow(Number.POSITIVE_INFINITY).risk;
  const bayesRatio = bayes.best.flow.risk / bayes.best.ridge.risk;
  const known = (NOISE / (1 / 3)) * (NOISE / (1 / 3));
  const findings: Finding[] = [
    {
      expected:
        "L = ½|Aθ − b|² at λ = 1/t: the gap is at most 1 − 1/1.2985 = 0.2299 of the way, and a tenth of it or more somewhere",
      measured: `${say(gaps.half.sup)} at t = ${say(gaps.half.time)}`,
      met: gaps.half.sup < 1 - 1 / RATIO && gaps.half.sup > 0.1,
    },
    {
      expected:
        "L = |Aθ − b|² at λ = 1/t, as on the slide: half of the way as the flow starts; at λ = 1/(2t) the gap of ½|Aθ − b|²",
      measured: `${say(gaps.whole.sup)} at t = ${say(gaps.whole.time)}; ${say(matched.sup)}`,
      met: gaps.whole.sup === 0.5 && gaps.whole.time === 0 && Math.abs(matched.sup - gaps.half.sup) < 1e-9,
    },
    {
      expected: "units with σ(t) = t under `gradientFlow` follow the spectral solution to 1e-7 of its predictions",
      measured: say(apart),
      met: apart < 1e-7,
    },
    {
      expected: "the expected error of the flow at t is at most 1.6862 times that of ridge at λ = 1/t",
      measured: `${say(inflation.sup)} times, at t = ${say(inflation.time)}`,
      met: inflation.sup <= INFLATION,
    },
    {
      expected:
        "stopping at the best time has less than half of the error of never stopping, and no more than 1.25 times that of the best λ",
      measured: `${say(best.flow.risk)} at t = ${say(best.flow.time)}, ${say(never)} without, ${say(best.ridge.risk)} at λ = ${say(best.ridge.penalty)}`,
      met: best.flow.risk < never / 2 && best.flow.risk < 1.25 * best.ridge.risk,
    },
    {
      expected:
        "averaged over normal truths the best λ is σ²/ϱ², and the best time has between 1 and 1.2147 times its error",
      measured: `λ = ${say(bayes.best.ridge.penalty)} against ${say(known)}; ${say(bayesRatio)} times`,
      met: Math.abs(bayes.best.ridge.penalty / known - 1) < 1e-4 && bayesRatio >= 1 && bayesRatio <= BAYES,
    },
  ];

  const line = (f: (t: number) => number): Series => ({ x: lines, y: lines.map(f) });
  const spread = (f: (t: number) => number): SpreadSeries => ({ x: dots, y: dots.map(f), low: null, high: null });
  const pair = (label: string, flow: (t: number) => number, other: (t: number) => number, hue?: number) => ({
    label,
    network: spread(other),
    limit: line(flow),
    ...(hue !== undefined && { hue }),
  });
  const seen = (error: number) => (error < LEAST ? Number.NaN : error);
  const shown = SHOWN.filter((j) => j < half.rank);
  const thetas = lines.map((t) => half.flow(t));
  const weights = [0.3, 0.5, 0.85].map((part) => Math.round(part * (p - 1)));
  const picture: StatisticsPicture = {
    kind: "statistics",
    title: "Gradient flow is not ridge regression, but never far from it",
    subtitle:
      `L = ½|Aθ − b|² from θ = 0: ${p} bumps at ${n} inputs, b = Aθ* + noise of deviation ${NOISE}; ` +
      `singular values from ${say(half.singularValues[0]!)}, condition number ${say(half.condition)}`,
    x: { label: "time t", scale: "log", domain: [...RANGE] },
    key: { limit: "gradient flow at t", network: "ridge regression at λ = 1/t" },
    panels: [
      {
        title: "Filters of singular values s",
        y: { label: "1 − e^{−ts²}, s²/(s² + λ)", scale: "linear", domain: [0, 1.02] },
        curves: shown.map((j) =>
          pair(
            "",
            (t) => half.flowFilters(t)[j]!,
            (t) => half.ridgeFilters(1 / t)[j]!,
          ),
        ),
        levels: [],
      },
      {
        title: "Three weights",
        y: { label: "θ_j", scale: "linear" },
        curves: weights.map((j) => ({
          label: `j = ${j + 1}`,
          network: spread((t) => half.ridge(1 / t)[j]!),
          limit: { x: lines, y: thetas.map((theta) => theta[j]!) },
        })),
        levels: [],
      },
      {
        title: "Gap of the paths, of the way that the flow has come",
        y: { label: "|θ(t) − θ_λ| / |θ(t)|", scale: "linear", domain: [0, 0.55] },
        curves: [
          { label: "½|Aθ − b|²", network: null, limit: { x: lines, y: Array.from(gaps.half.relative) }, hue: 0 },
          { label: "|Aθ − b|²", network: null, limit: { x: lines, y: Array.from(gaps.whole.relative) }, hue: 1 },
        ],
        levels: [{ y: 1 - 1 / RATIO, label: "bound for ½|Aθ − b|²" }],
      },
      {
        title: "Expected error of the prediction",
        y: { label: "E|A(θ − θ*)|²/n", scale: "log", domain: [LEAST, 0.7] },
        curves: [
          pair(
            "error",
            (t) => risks.flow(t).risk,
            (t) => seen(risks.ridge(1 / t).risk),
            0,
          ),
          pair(
            "bias²",
            (t) => risks.flow(t).bias,
            (t) => seen(risks.ridge(1 / t).bias),
            1,
          ),
          pair(
            "variance",
            (t) => risks.flow(t).variance,
            (t) => seen(risks.ridge(1 / t).variance),
            2,
          ),
        ],
        levels: [],
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "t", digits: 4 },
        { name: "gap", digits: 4 },
        { name: "gap, no ½", digits: 4 },
        { name: "error, flow", digits: 5 },
        { name: "error, λ = 1/t", digits: 5 },
        { name: "|θ(t)|", digits: 4 },
        { name: "|θ_λ|", digits: 4 },
      ],
      rows: dots.map((t) => [
        t,
        half.gap({ times: [t] }).relative[0]!,
        whole.gap({ times: [t] }).relative[0]!,
        risks.flow(t).risk,
        risks.ridge(1 / t).risk,
        size(half.flow(t)),
        size(half.ridge(1 / t)),
      ]),
    },
    pictures: [{ file: "paths.svg", picture }],
    findings,
    warnings: [],
    data: {
      seed,
      inputs: n,
      bumps: p,
      width: WIDTH,
      noise: NOISE,
      rank: half.rank,
      condition: half.condition,
      singularValues: Array.from(half.singularValues),
      residual: half.residual,
      times: lines,
      gap: Array.from(gaps.half.relative),
      gapWithoutHalf: Array.from(gaps.whole.relative),
      errorOfFlow: lines.map((t) => risks.flow(t).risk),
      errorOfRidge: lines.map((t) => risks.ridge(1 / t).risk),
      inflation: { ...inflation },
      // never stopping has no number in JSON
      best: { time: Number.isFinite(best.flow.time) ? best.flow.time : null, penalty: best.ridge.penalty },
      errorWithoutStopping: never,
    },
  };
}

function size(x: Float64Array): number {
  let squares = 0;
  for (const one of x) squares += one * one;
  return Math.sqrt(squares);
}
