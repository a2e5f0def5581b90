// The eigenvalues of the tangent kernel over width, against those of the infinitely wide network.                   theory §9; docs/lazy.md

import { normalQuantile } from "../../engine/math";
import { type Activation, activationFunctions, erf, relu } from "../../model/activation";
import { dataset } from "../../model/law";
import { startParticles } from "../../model/particles";
import { parseProblem } from "../../model/problem";
import { incompleteGamma } from "../../model/radialStart";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import { stream } from "../../random/stream";
import { type Rate, rate } from "../rate";
import { type WidthStudy, widthStudy } from "../widthStudy";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { Curve, StatisticsPicture } from "./picture";
import { meanAndError, saySlope } from "./slopes";

/** d and n of the data, and the seed they are drawn by. */
const DIMENSION = 6;
const INPUTS = 20;
const DATA_SEED = 9;
/** Width of the network whose kernel is compared with Θ entry by entry. */
const WIDEST = 65536;
/** Chance of a false alarm of each test at the largest width. */
const LEVEL = 1e-4;

/** Eigenvalues of K_N against those of Θ, for relu and erf. */
export const ntkSpectrum: Figure = {
  name: "ntk-spectrum",
  title: "The eigenvalues of the tangent kernel converge as the width grows",
  claim: [
    `f = N^−½ Σ a σ(w·x) with a ~ N(0, 1), w ~ N(0, I/d), at its start: eigenvalues of the tangent kernel on ${INPUTS} inputs for growing width, against`,
    "those of the analytic kernel Θ of the infinitely wide network. The spectrum settles on that of Θ with an error of N^−½. At width 2^16 the matrix is",
    "within its own sampling error of Θ. The length of the step that fits all labels does not depend on the width.",
  ].join(" "),
  run,
};

const cases: { label: string; activation: Activation }[] = [
  { label: "relu", activation: relu() },
  { label: "erf", activation: erf() },
];

interface Case {
  label: string;
  study: WidthStudy;
  spectral: Rate | null;
  step: Rate | null;
  departure: Departure;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 16);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const neurons = full ? [32, 128, 512, 2048, 16384, 65536] : [32, 128, 1024, 8192];
  const progress = phases(options.onProgress, [1, 1]);
  const found: Case[] = [];
  for (const [i, { label, activation }] of cases.entries()) {
    const problem = problemOf(activation);
    const study = await widthStudy(problem, {
      neurons,
      replicas,
      seed,
      signal,
      backend,
      onProgress: ({ fraction }) => progress(i, label, fraction),
    });
    const { limit, points } = study;
    const whole = norm(limit.eigenvalues);
    const spectral = points.map(({ eigenvalues }) =>
      Float64Array.from(eigenvalues, (one) => norm(one.map((value, k) => value - limit.eigenvalues[k]!)) / whole),
    );
    const steps = points.map(({ stepNorm }) => stepNorm);
    const fitted = replicas > 1;
    found.push({
      label,
      study,
      spectral: fitted ? rate(neurons, spectral, { expected: -0.5 }) : null,
      step: fitted ? rate(neurons, steps, { expected: 0 }) : null,
      departure: departureOf(activation, WIDEST, seed, limit.kernel),
    });
  }
  return resultOf(found, neurons, replicas, seed);
}

function problemOf(activation: Activation) {
  const draws = stream(DATA_SEED).normals(INPUTS * DIMENSION);
  const x = Array.from({ length: INPUTS }, (_, q) => Array.from(draws.subarray(q * DIMENSION, (q + 1) * DIMENSION)));
  return {
    law: dataset({ x, y: x.map((one) => one[0]! + one[1]! * one[2]!) }),
    unit: affine(activation, { trainBias: false }),
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
  };
}

/** How far K_N of one network is from Θ, in standard errors from the neurons' own variance. */
interface Departure {
  neurons: number;
  entries: number;
  /** Entries further than three standard errors away. */
  beyondThree: number;
  /** Largest number of standard errors, and what all stay below but once in 1/LEVEL networks (Bonferroni). */
  largest: number;
  bound: number;
  /** Hotelling's statistic of the diagonal, n numbers whose covariance is that of the neurons, and its tail. */
  joint: number;
  probability: number;
}

function departureOf(activation: Activation, N: number, seed: number, theta: Float64Array): Departure {
  const problem = parseProblem(problemOf(activation));
  const x = (problem.law as { x: { data: Float64Array } }).x.data;
  const values = startParticles(problem, N, { seed, replica: 0 });
  const { value, derivative } = activationFunctions(activation);
  const n = INPUTS;
  const d = DIMENSION;
  const inner = new Float64Array(n * n);
  for (let q = 0; q < n; q++) {
    for (let p = 0; p < n; p++) for (let j = 0; j < d; j++) inner[q * n + p]! += x[q * d + j]! * x[p * d + j]!;
  }
  // of one neuron's k_qp − Θ_qp: sums, sums of squares, and of products on the diagonal
  const first = new Float64Array(n * n);
  const second = new Float64Array(n * n);
  const cross = new Float64Array(n * n);
  const s = new Float64Array(n);
  const t = new Float64Array(n);
  const own = new Float64Array(n);
  for (let i = 0; i < N; i++) {
    const row = values.subarray(i * (d + 2), (i + 1) * (d + 2));
    for (let q = 0; q < n; q++) {
      let h = 0;
      for (let j = 0; j < d; j++) h += row[2 + j]! * x[q * d + j]!;
      s[q] = value(h);
      t[q] = row[0]! * derivative(h);
    }
    for (let q = 0; q < n; q++) {
      for (let p = 0; p <= q; p++) {
        const gap = s[q]! * s[p]! + t[q]! * t[p]! * inner[q * n + p]! - theta[q * n + p]!;
        first[q * n + p]! += gap;
        second[q * n + p]! += gap * gap;
        if (p === q) own[q] = gap;
      }
      for (let p = 0; p <= q; p++) cross[q * n + p]! += own[q]! * own[p]!;
    }
  }
  let beyondThree = 0;
  let largest = 0;
  for (let q = 0; q < n; q++) {
    for (let p = 0; p <= q; p++) {
      const mean = first[q * n + p]! / N;
      const z = Math.abs(mean) / Math.sqrt((second[q * n + p]! / N - mean * mean) / N);
      if (z > 3) beyondThree++;
      largest = Math.max(largest, z);
    }
  }
  const means = own.map((_, q) => first[q * n + q]! / N);
  for (let q = 0; q < n; q++) {
    for (let p = 0; p <= q; p++) cross[q * n + p] = cross[q * n + p]! / N - means[q]! * means[p]!;
  }
  const entries = (n * (n + 1)) / 2;
  const joint = N * inverseForm(cross, means);
  return {
    neurons: N,
    entries,
    beyondThree,
    largest,
    bound: normalQuantile(1 - LEVEL / (2 * entries)),
    joint,
    probability: incompleteGamma(n / 2, joint / 2)[1],
  };
}

// vᵀ S⁻¹ v by Cholesky's factorisation of the lower triangle, in place.
function inverseForm(S: Float64Array, v: Float64Array): number {
  const n = v.length;
  let form = 0;
  const u = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let right = v[i]!;
    for (let j = 0; j <= i; j++) {
      let sum = S[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= S[i * n + k]! * S[j * n + k]!;
      S[i * n + j] = i === j ? Math.sqrt(sum) : sum / S[j * n + j]!;
      if (j < i) right -= S[i * n + j]! * u[j]!;
    }
    u[i] = right / S[i * n + i]!;
    form += u[i]! * u[i]!;
  }
  return form;
}

function norm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function resultOf(found: readonly Case[], neurons: readonly number[], replicas: number, seed: number): FigureResult {
  const findings: Finding[] = found.flatMap(({ label, study, spectral, step, departure }): Finding[] => {
    const last = study.points[study.points.length - 1]!;
    const square = meanAndError(last.stepNorm.map((one) => one * one));
    const limit = study.limit.stepNorm * study.limit.stepNorm;
    return [
      {
        expected: `at width ${departure.neurons} K_N is Θ but for its sampling error, jointly on the diagonal and in each entry, at a false-alarm chance of ${LEVEL} each (${label})`,
        measured: `Hotelling's statistic ${say(departure.joint)} of ${INPUTS} numbers, exceeded with probability ${say(departure.probability)}; largest deviation ${say(departure.largest)} standard errors (bound ${say(departure.bound)}), ${departure.beyondThree} of ${departure.entries} entries beyond three, where ${say(0.0027 * departure.entries)} are expected`,
        met: departure.probability > LEVEL && departure.largest < departure.bound,
      },
      {
        expected: `the spectrum of K_N approaches that of Θ as N^−½, inside the interval (${label})`,
        measured: spectral ? saySlope(spectral) : "no fit",
        met: spectral?.agrees ?? null,
      },
      {
        expected: `|δθ*|, the length of the step that fits all labels, does not depend on the width: exponent 0 to 0.05, as its own bias is of order 1/N (${label})`,
        measured: step ? saySlope(step) : "no fit",
        met: step && Math.abs(step.exponent) < 0.05,
      },
      {
        expected: `its mean square at the largest width is that of the limit, ${say(limit)}, within three standard errors (${label})`,
        measured: `${say(square.mean)}${square.error === null ? "" : ` ± ${say(square.error)}`}`,
        met: square.error === null ? null : Math.abs(square.mean - limit) < 3 * square.error,
      },
    ];
  });
  const shown = [neurons[0]!, neurons[Math.floor((neurons.length - 1) / 2) + 1]!, neurons[neurons.length - 1]!];
  const index = Array.from({ length: INPUTS }, (_, k) => k + 1);
  const picture: StatisticsPicture = {
    kind: "statistics",
    title: "The spectrum of the tangent kernel over width",
    subtitle: `f = N^−½ Σ a σ(w·x) at its start, ${INPUTS} inputs in dimension ${DIMENSION}, ${replicas} networks a width`,
    x: { label: "number of the eigenvalue", scale: "linear", domain: [0.5, INPUTS + 0.5] },
    panels: found.flatMap(({ label, study }) => {
      const limit = Array.from(study.limit.eigenvalues);
      const curve = (N: number, unit: readonly number[]): Curve => {
        const { eigenvalues } = study.points.find((point) => point.neurons === N)!;
        const at = (pick: (all: number[]) => number) =>
          index.map((k) => pick(eigenvalues.map((one) => one[k - 1]! / unit[k - 1]!)));
        return {
          label: `N = ${N}`,
          network: {
            x: index,
            y: at((all) => all.reduce((sum, one) => sum + one, 0) / all.length),
            low: at((all) => Math.min(...all)),
            high: at((all) => Math.max(...all)),
          },
          limit: null,
          hue: neurons.indexOf(N),
        };
      };
      const ones = index.map(() => 1);
      return [
        {
          title: `eigenvalues, ${label}`,
          y: { label: "λ_k(N)", scale: "log" as const },
          curves: [
            { label: "Θ", network: null, limit: { x: index, y: limit }, hue: 4 },
            ...[neurons[0]!, neurons[neurons.length - 1]!].map((N) => curve(N, ones)),
          ],
          levels: [],
        },
        {
          title: `relative to those of Θ, ${label}`,
          y: { label: "λ_k(N)/λ_k", scale: "linear" as const },
          curves: shown.map((N) => curve(N, limit)),
          levels: [{ y: 1, label: "" }],
        },
      ];
    }),
    key: { network: "mean over networks", spread: "smallest to largest", limit: "N = ∞, analytic" },
  };
  return {
    table: {
      columns: [
        { name: "σ", digits: 0 },
        { name: "N", digits: 0 },
        { name: "|K_N − Θ|/|Θ|", digits: 4 },
        { name: "λ_1", digits: 4 },
        { name: `λ_${INPUTS}`, digits: 5 },
        { name: "|δθ*|", digits: 4 },
        { name: "± s.e.", digits: 4 },
      ],
      rows: found.flatMap(({ label, study: { limit, points } }) => [
        ...points.map(({ neurons: N, distance, eigenvalues, stepNorm }) => {
          const step = meanAndError(stepNorm);
          const mean = (k: number) => meanAndError(eigenvalues.map((one) => one[k]!)).mean;
          return [label, N, meanAndError(distance).mean, mean(0), mean(INPUTS - 1), step.mean, step.error ?? "–"];
        }),
        [label, "∞", 0, limit.eigenvalues[0]!, limit.eigenvalues[INPUTS - 1]!, limit.stepNorm, 0],
      ]),
    },
    pictures: [{ file: "spectrum.svg", picture }],
    findings,
    warnings: [],
    data: {
      dimension: DIMENSION,
      inputs: INPUTS,
      dataSeed: DATA_SEED,
      seed,
      replicas,
      neurons: [...neurons],
      cases: found.map(({ label, study, spectral, step, departure }) => ({
        label,
        limit: { eigenvalues: Array.from(study.limit.eigenvalues), stepNorm: study.limit.stepNorm },
        eigenvalues: study.points.map(({ eigenvalues }) => eigenvalues.map((one) => Array.from(one))),
        distance: study.points.map(({ distance }) => Array.from(distance)),
        stepNorm: study.points.map(({ stepNorm }) => Array.from(stepNorm)),
        spectral,
        step,
        departure,
      })),
    },
  };
}
