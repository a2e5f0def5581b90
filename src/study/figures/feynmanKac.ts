// Feynman–Kac: prices of baskets as wide networks of Brownian factors, in dimensions 1 to 100.                      theory §7

import { type Engine, loadEngine } from "../../engine/engine";
import { exp, log } from "../../engine/math";
import { networkPredictions } from "../../measure/predictions";
import { pause } from "../../process/process";
import { stream } from "../../random/stream";
import {
  basketCall,
  brownianFactors,
  callPrice,
  equicorrelated,
  geometricBasket,
  type Payoff,
  priceNetwork,
} from "../feynmanKac";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const STRIKE = 100;
const TIME = 1;
const MARKET = { drift: 0.05, volatility: 0.3, correlation: 0.5 };
const POINTS = 64;
/** Of the reference: its replica of the streams, samples at a time, and how many times. */
const REFERENCE = { replica: 4294967295, batch: 4096, full: 128, quick: 64 };

/** Black–Scholes equations in d dimensions: sup error of N factors against N and against d. */
export const feynmanKac: Figure = {
  name: "feynman-kac",
  title: "Feynman–Kac: N Brownian factors price a basket to N^(−1/2) in any dimension",
  claim: [
    "The Black–Scholes equation of d correlated assets (volatility 0.3, correlation ½, drift 0.05, one year, not discounted) with",
    "an arithmetic basket call at its end: v(t, x) is the mean of the payoff over geometric Brownian factors, so N factors are a",
    "network of N ReLU neurons, evaluated by the library's kernels. Its largest error over 64 points x falls like N^(−1/2) for every d",
    "from 1 to 100, and does not grow with d: there is no curse of dimension. At d = 1 the error is against Black's formula, above",
    "against a far larger sample, sharpened by the geometric basket, whose price is known; the geometric basket also checks the",
    "sampler at every d.",
  ].join(" "),
  run,
};

interface Case {
  d: number;
  /** d × POINTS prices */
  points: Float64Array;
  reference: Float64Array;
  /** largest standard error of the reference; 0 where it is a formula */
  referenceError: number;
  geometric: Float64Array;
  /** sup over the points of |v_N − v|, replica r at each N: errors[N][r] */
  errors: Float64Array[];
  geometricErrors: Float64Array[];
  /** mean over the replicas of v_N − v of the geometric basket at the largest N, in standard errors: the largest of all points */
  bias: number;
  slope: Rate | null;
  geometricSlope: Rate | null;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 400 : 120);
  const { signal } = options;
  const dimensions = full ? [1, 2, 5, 10, 20, 50, 100] : [1, 3, 10, 30, 100];
  const sizes = powersOfTwo(64, full ? 16384 : 4096);
  const batches = full ? REFERENCE.full : REFERENCE.quick;
  const most = sizes[sizes.length - 1]!;
  signal?.throwIfAborted();
  const engine = await loadEngine({ backend: options.backend });

  const shares = dimensions.flatMap((d) => [
    (batches * REFERENCE.batch * (d + 4)) / 1e6,
    (2 * most * replicas * (d + 4)) / 1e6,
  ]);
  const progress = phases(options.onProgress, shares);
  const cases: Case[] = [];
  for (const [k, d] of dimensions.entries()) {
    const equation = equicorrelated({ assets: d, ...MARKET });
    const payoff = basketCall({ weights: Array.from({ length: d }, () => 1 / d), strike: STRIKE });
    const points = pricePoints(d, seed);
    const levels = geometricMeans(points);
    const geometric = Float64Array.from({ length: POINTS }, (_, q) => {
      const x = points.subarray(q * d, (q + 1) * d);
      return callPrice({ ...geometricBasket(equation, x, TIME), strike: STRIKE });
    });
    const draw = (replica: number, from: number, count: number) =>
      brownianFactors(equation, { time: TIME, count, from, seed, replica }, engine);
    const arithmeticPrices = (factors: Float64Array) => prices(payoff, factors, points, engine);
    const geometricPrices = (means: Float64Array) => prices(GEOMETRIC, means, levels, engine);

    // E(arithmetic − geometric) has a small variance, and the geometric price is known
    const differences = Array.from({ length: POINTS }, () => new Float64Array(batches));
    for (let b = 0; b < batches; b++) {
      const { factors, means } = draw(REFERENCE.replica, b * REFERENCE.batch, REFERENCE.batch);
      const upper = arithmeticPrices(factors);
      const lower = geometricPrices(means);
      for (let q = 0; q < POINTS; q++) differences[q]![b] = upper[q]! - lower[q]!;
      progress(2 * k, `d = ${d}, reference of ${batches * REFERENCE.batch} factors`, (b + 1) / batches);
      await pause();
      signal?.throwIfAborted();
    }
    const gaps = differences.map(meanAndError);
    const one: Case = {
      d,
      points,
      reference: d === 1 ? geometric : geometric.map((v, q) => v + gaps[q]!.mean),
      referenceError: d === 1 ? 0 : Math.max(...gaps.map(({ error }) => error!)),
      geometric,
      errors: sizes.map(() => new Float64Array(replicas)),
      geometricErrors: sizes.map(() => new Float64Array(replicas)),
      bias: 0,
      slope: null,
      geometricSlope: null,
    };
    const deviations = Array.from({ length: POINTS }, () => new Float64Array(replicas));
    for (let r = 0; r < replicas; r++) {
      const { factors, means } = draw(r, 0, most);
      for (const [i, N] of sizes.entries()) {
        one.errors[i]![r] = farthest(arithmeticPrices(factors.subarray(0, N * d)), one.reference);
        const values = geometricPrices(means.subarray(0, N));
        one.geometricErrors[i]![r] = farthest(values, geometric);
        if (N === most) for (let q = 0; q < POINTS; q++) deviations[q]![r] = values[q]! - geometric[q]!;
      }
      progress(2 * k + 1, `d = ${d}, ${replicas} networks`, (r + 1) / replicas);
      await pause();
      signal?.throwIfAborted();
    }
    if (replicas > 1) {
      one.slope = rate(sizes, one.errors, { expected: -0.5 });
      one.geometricSlope = rate(sizes, one.geometricErrors, { expected: -0.5 });
      one.bias = Math.max(...deviations.map(meanAndError).map(({ mean, error }) => Math.abs(mean) / error!));
    }
    cases.push(one);
  }

  const shown = [sizes[0]!, sizes[Math.floor(sizes.length / 2)]!, most].map((N) => {
    const i = sizes.indexOf(N);
    const replicasOf = cases.map((one) => one.errors[i]!);
    return { N, replicasOf, fit: replicas > 1 ? rate(dimensions, replicasOf, { expected: 0, paired: false }) : null };
  });
  const last = sizes.length - 1;
  const finalErrors = cases.map((one) => meanAndError(one.errors[last]!).mean);
  const sharpest = Math.max(...cases.map((one, k) => one.referenceError / finalErrors[k]!));
  const slopesMet = (pick: (one: Case) => Rate | null) =>
    replicas > 1 ? cases.every((one) => Math.abs(pick(one)!.exponent + 0.5) <= 0.1) : null;
  const listed = (pick: (one: Case) => Rate | null) =>
    cases.map((one) => `${pick(one) ? saySlope(pick(one)!) : "no fit"} (d = ${one.d})`).join(", ");
  const findings: Finding[] = [
    {
      expected: "slope −½ of the sup error in N at every d: within 0.1",
      measured: listed((one) => one.slope),
      met: slopesMet((one) => one.slope),
    },
    {
      expected: `the error does not grow with d: slope in d at most 0 but for its interval, and at N = ${most} no d above 1.1 times d = 1`,
      measured: `slopes ${shown.map(({ N, fit }) => `${fit ? saySlope(fit) : "no fit"} (N = ${N})`).join(", ")}; sup errors ${finalErrors.map((e, k) => `${say(e)} (d = ${dimensions[k]})`).join(", ")}`,
      met:
        replicas > 1
          ? shown.every(({ fit }) => fit!.interval![0] <= 0) && finalErrors.every((e) => e <= 1.1 * finalErrors[0]!)
          : null,
    },
    {
      expected:
        "the reference is far sharper than what it measures: standard error below a tenth of the smallest mean error",
      measured: `${cases.map((one) => `${say(one.referenceError)} (d = ${one.d})`).join(", ")}, at most ${say(sharpest)} of the error`,
      met: sharpest < 0.1,
    },
    {
      expected:
        "geometric basket against its closed form: slope −½ within 0.1, and no bias beyond 4.5 standard errors at any point",
      measured: `${listed((one) => one.geometricSlope)}; at most ${say(Math.max(...cases.map((one) => one.bias)))} standard errors`,
      met: replicas > 1 ? slopesMet((one) => one.geometricSlope)! && cases.every((one) => one.bias < 4.5) : null,
    },
  ];

  const ends = [sizes[0]!, most];
  const curves = (errors: (one: Case) => Float64Array[], slope: (one: Case) => Rate | null) =>
    cases.map((one) => rateCurve({ label: `d = ${one.d}`, x: sizes, replicas: errors(one), rate: slope(one) }));
  // through 1.5 times the largest first error: a line of the theorem's slope, not a bound
  const above = (errors: (one: Case) => Float64Array[]) =>
    1.5 * Math.max(...cases.map((one) => meanAndError(errors(one)[0]!).mean)) * Math.sqrt(sizes[0]!);
  const arithmetic = (one: Case) => one.errors;
  const check = (one: Case) => one.geometricErrors;
  const picture: RatePicture = {
    kind: "rate",
    title: "Black–Scholes equations by N Brownian factors: the error falls like N^(−1/2) in every dimension",
    subtitle:
      `v(t, x) = E(mean of 𝒲 ∘ x − 100)₊, volatility 0.3, correlation ½, drift 0.05, T − t = 1; largest error over ${POINTS} points with prices around 80 … 120; ` +
      `mean of ${replicas} ${replicas === 1 ? "sample" : "samples"}; slopes with 95 % intervals, the theorem's are −½ in N and 0 in d`,
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "the theorem's slope",
    },
    panels: [
      {
        title: "Arithmetic basket: against N",
        x: { label: "factors (neurons) N" },
        y: { label: "sup error |v_N − v|" },
        curves: curves(arithmetic, (one) => one.slope),
        references: [powerLaw("N^(−1/2)", ends, -0.5, above(arithmetic))],
      },
      {
        title: "Arithmetic basket: against d",
        x: { label: "assets d" },
        y: { label: "sup error |v_N − v|" },
        curves: shown.map(({ N, replicasOf, fit }) =>
          rateCurve({ label: `N = ${N}`, x: dimensions, replicas: replicasOf, rate: fit }),
        ),
        references: [],
      },
      {
        title: "Geometric basket against its closed form",
        x: { label: "factors N" },
        y: { label: "sup error |v_N − v|" },
        curves: curves(check, (one) => one.geometricSlope),
        references: [powerLaw("N^(−1/2)", ends, -0.5, above(check))],
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "d", digits: 0 },
        { name: "slope", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "theorem", digits: 1 },
        { name: `error N=${ends[0]}`, digits: 4 },
        { name: `error N=${most}`, digits: 4 },
        { name: "± s.e.", digits: 4 },
        { name: "reference ±", digits: 4 },
        { name: "geometric slope", digits: 3 },
        { name: `geometric error N=${most}`, digits: 4 },
      ],
      rows: cases.map((one) => [
        one.d,
        one.slope?.exponent ?? null,
        one.slope?.interval?.[0] ?? null,
        one.slope?.interval?.[1] ?? null,
        -0.5,
        meanAndError(one.errors[0]!).mean,
        meanAndError(one.errors[last]!).mean,
        meanAndError(one.errors[last]!).error,
        one.referenceError,
        one.geometricSlope?.exponent ?? null,
        meanAndError(one.geometricErrors[last]!).mean,
      ]),
    },
    pictures: [{ file: "error.svg", picture }],
    findings,
    warnings: [],
    data: {
      market: MARKET,
      strike: STRIKE,
      time: TIME,
      replicas,
      backend: engine.backend,
      referenceFactors: batches * REFERENCE.batch,
      neurons: sizes,
      cases: cases.map((one) => ({
        dimension: one.d,
        points: Array.from(one.points),
        reference: Array.from(one.reference),
        referenceError: one.referenceError,
        error: one.errors.map((values) => meanAndError(values)),
        fit: one.slope,
        geometric: {
          closedForm: Array.from(one.geometric),
          error: one.geometricErrors.map((values) => meanAndError(values)),
          fit: one.geometricSlope,
          bias: one.bias,
        },
      })),
      againstDimension: shown.map(({ N, fit }) => ({ neurons: N, fit })),
    },
  };
}

/** The geometric basket is a call on one number, the geometric mean of 𝒲 times that of x. */
const GEOMETRIC: Payoff = basketCall({ weights: [1], strike: STRIKE });

function prices(payoff: Payoff, factors: Float64Array, points: Float64Array, engine: Engine): Float64Array {
  const { network, problem } = priceNetwork(payoff, factors);
  return networkPredictions(network, problem, engine, points, POINTS);
}

// Levels from 80 to 120, the single prices within a tenth of them.
function pricePoints(d: number, seed: number): Float64Array {
  const u = stream(seed, { replica: REFERENCE.replica }).uniforms(POINTS * d, { step: 1 });
  return u.map((value, i) => (80 + (40 * Math.floor(i / d)) / (POINTS - 1)) * (d === 1 ? 1 : 0.9 + 0.2 * value));
}

function geometricMeans(points: Float64Array): Float64Array {
  const d = points.length / POINTS;
  return Float64Array.from({ length: POINTS }, (_, q) => {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += log(points[q * d + i]!);
    return exp(sum / d);
  });
}

function farthest(a: Float64Array, b: Float64Array): number {
  let most = 0;
  for (let q = 0; q < a.length; q++) most = Math.max(most, Math.abs(a[q]! - b[q]!));
  return most;
}

function powersOfTwo(from: number, to: number): number[] {
  const found: number[] = [];
  for (let n = from; n <= to; n *= 2) found.push(n);
  return found;
}
