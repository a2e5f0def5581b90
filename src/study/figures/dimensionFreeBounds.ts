// Dimension-free bounds: the error in N at several d, in ε at several d, and what it takes to reach a given error.
//                                                                                        theory §6; docs/coupling.md

import { log, pow } from "../../engine/math";
import { truncatedRelu } from "../../model/activation";
import { anisotropicGaussians } from "../../model/law";
import { type Problem, parseProblem } from "../../model/problem";
import { radii } from "../../model/start";
import { ridge } from "../../model/unit";
import { gradientFlow, type Process, radialFlow, sgd } from "../../process/schema";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import { sweep } from "../sweep";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RateCurve, RatePicture } from "./picture";
import { boundExponent, meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const DELTA = 0.5;
const END = 4;
const TIMES = Array.from({ length: 8 }, (_, k) => ((k + 1) * END) / 8);
/** Error that the neurons and the step size are asked for. */
const ERROR = 0.01;
/** N of SGD, where its error in ε is measured. */
const FIXED = 32;
/** Replicas are put into so many groups, each with a need of its own. */
const GROUPS = 6;

const problemOf = (dimension: number): Problem =>
  parseProblem({
    law: anisotropicGaussians({ dimension, delta: DELTA }),
    unit: ridge(truncatedRelu()),
    start: radii({ r1: { from: 0, to: 2 } }),
  });

/** Error against N and against ε at several d; neurons and step size needed against d. */
export const dimensionFreeBounds: Figure = {
  name: "dimension-free-bounds",
  title: "The error in N does not know the dimension, and the step size must fall like 1/d",
  claim: [
    "Truncated ReLU units on anisotropic Gaussians, s₀ = d. The error of N neurons is the largest distance in time between the risk of their",
    "gradient flow and that of the PDE; the error of ε is that between SGD and the gradient flow from the same start. Mei, Misiakiewicz and Montanari",
    "bound the first by √(log N/N), whatever d, and the second by √((d + log N) ε). Measured: the first falls like N^(−1/2) or faster,",
    "with one constant for all d, so the neurons needed for an error of 0.01 do not grow with d; the second is a function of d ε, faster",
    "than its square root, so the step size for an error of 0.01 falls like 1/d.",
  ].join(" "),
  run,
};

interface Errors {
  d: number;
  xs: number[];
  /** For each x, the largest error in time of each replica. */
  replicas: number[][];
  rate: Rate | null;
  /** x at which the error is ERROR, of each group of replicas. */
  needed: number[];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 48 : 24);
  const { signal, backend } = options;
  const dimensions = full ? [10, 20, 40, 80, 160, 320] : [10, 20, 40, 80, 160];
  const neurons = powersOfTwo(8, full ? 256 : 64);
  const shares = powersOfTwo(2, full ? 64 : 32).map((n) => 1 / n);
  const progress = phases(options.onProgress, [1, 12]);

  const limits: Float64Array[] = [];
  const warnings: string[] = [];
  for (const [k, d] of dimensions.entries()) {
    // the degree that 1e-6 takes grows as d falls
    const limit = await solve(radialFlow(problemOf(d), { tolerance: 1e-5, particles: 1000 }), {
      times: TIMES,
      signal,
      backend,
      onProgress: ({ fraction }) => progress(0, `PDE, d = ${d}`, (k + fraction) / dimensions.length),
    });
    signal?.throwIfAborted();
    limits.push(limit.observables["risk"]!.values);
    warnings.push(...limit.warnings);
  }

  const flows = dimensions.map((d) =>
    neurons.map((N) => gradientFlow(problemOf(d), { neurons: N, tolerance: 1e-5, seed })),
  );
  const descents = dimensions.map((d) =>
    shares.map((share) => sgd(problemOf(d), { neurons: FIXED, stepSize: share / d, seed })),
  );
  const processes: Process[] = [...flows.flat(), ...descents.flat()];
  const {
    points,
    warnings: told,
    provenance,
  } = await sweep({
    base: { process: processes[0]!, times: TIMES },
    vary: { process: processes },
    replicas,
    workers: options.workers,
    signal,
    backend,
    ...(options.checkpoint !== undefined && { folder: options.checkpoint }),
    onProgress: ({ fraction, finished, runs }) => progress(1, `${finished} of ${runs} runs`, fraction),
  });
  const risks = points.map(({ run: one }) => one.observables["risk"]!.replicas);
  const inN = dimensions.map((d, i): Errors => {
    const own = neurons.map((_, j) => risks[i * neurons.length + j]!.map((values) => supGap(values, limits[i]!)));
    return errorsOf(d, neurons, own, -0.5);
  });
  const inStep = dimensions.map((d, i): Errors => {
    const flow = risks[i * neurons.length + neurons.indexOf(FIXED)]!;
    const first = flows.flat().length + i * shares.length;
    const own = shares.map((_, j) => risks[first + j]!.map((values, r) => supGap(values, flow[r]!)));
    return errorsOf(
      d,
      shares.map((share) => share / d),
      own,
      0.5,
    );
  });
  const needs = {
    neurons: needOf(dimensions, inN, 0),
    stepSize: needOf(dimensions, inStep, -1),
  };

  return {
    table: {
      columns: [
        { name: "d", digits: 0 },
        { name: "slope in N", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "theorem", digits: 1 },
        { name: `N for ${ERROR}`, digits: 1 },
        { name: "slope in ε", digits: 3 },
        { name: "ε from", digits: 3 },
        { name: "ε to", digits: 3 },
        { name: "ε theorem", digits: 1 },
        { name: `ε for ${ERROR}`, digits: 6 },
        { name: `d ε for ${ERROR}`, digits: 3 },
      ],
      rows: dimensions.map((d, i) => {
        const [a, b] = [inN[i]!, inStep[i]!];
        const step = meanAndError(b.needed).mean;
        return [
          d,
          a.rate?.exponent ?? null,
          a.rate?.interval?.[0] ?? null,
          a.rate?.interval?.[1] ?? null,
          -0.5,
          meanAndError(a.needed).mean,
          b.rate?.exponent ?? null,
          b.rate?.interval?.[0] ?? null,
          b.rate?.interval?.[1] ?? null,
          0.5,
          step,
          d * step,
        ];
      }),
    },
    pictures: [{ file: "rates.svg", picture: pictureOf(inN, inStep, needs, replicas) }],
    findings: replicas > 1 ? findingsOf(inN, inStep, needs) : [],
    warnings: [...new Set([...warnings, ...told])],
    data: {
      end: END,
      error: ERROR,
      replicas,
      provenance,
      neurons: inN.map(plain),
      stepSizes: inStep.map(plain),
      needed: { dimensions, neurons: needs.neurons.rate, stepSize: needs.stepSize.rate },
    },
  };
}

function plain({ d, xs, replicas, rate: fit, needed }: Errors) {
  return {
    dimension: d,
    x: xs,
    mean: replicas.map((values) => meanAndError(values).mean),
    standardError: replicas.map((values) => meanAndError(values).error),
    fit,
    needed,
  };
}

function supGap(values: Float64Array, other: Float64Array): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0);
}

function errorsOf(d: number, xs: number[], replicas: number[][], expected: number): Errors {
  const R = replicas[0]!.length;
  const groups = Math.min(GROUPS, R);
  const needed = Array.from({ length: groups }, (_, g) => {
    const means = replicas.map((values) => meanAndError(values.filter((__, r) => r % groups === g)).mean);
    return crossing(xs, means);
  });
  return { d, xs, replicas, rate: R > 1 ? rate(xs, replicas, { expected }) : null, needed };
}

// Where the power law through the points reaches ERROR
function crossing(xs: readonly number[], means: readonly number[]): number {
  const { exponent, constant } = rate(xs, means);
  return pow(ERROR / constant, 1 / exponent);
}

interface Need {
  dimensions: number[];
  replicas: number[][];
  rate: Rate;
}

function needOf(dimensions: number[], errors: readonly Errors[], expected: number): Need {
  const replicas = errors.map(({ needed }) => needed);
  const values = replicas.every((group) => group.length > 1) ? replicas : replicas.map((group) => group[0]!);
  return { dimensions, replicas, rate: rate(dimensions, values, { expected }) };
}

function findingsOf(inN: readonly Errors[], inStep: readonly Errors[], needs: Record<string, Need>): Finding[] {
  const list = (errors: readonly Errors[]) =>
    errors.map(({ d, rate: fit }) => `${saySlope(fit!)} (d = ${d})`).join(", ");
  const constants = inN.map(({ replicas }) => replicas.map((values) => meanAndError(values).mean));
  const spread = Math.max(...constants[0]!.map((_, j) => ratio(constants.map((means) => means[j]!))));
  const scaled = inStep.map(({ replicas }) => replicas.map((values) => meanAndError(values).mean));
  const collapse = Math.max(...scaled[0]!.map((_, j) => ratio(scaled.map((means) => means[j]!))));
  const { neurons, stepSize } = needs as { neurons: Need; stepSize: Need };
  return [
    {
      expected:
        "the error in N falls no slower than √(log N/N) at each d: no interval lies above its exponent over the range",
      measured: list(inN),
      met: inN.every(({ xs, rate: fit }) => fit!.interval![0] <= boundExponent(xs)),
    },
    {
      expected: "the error in N is the same at all d, within a factor 2 at each N",
      measured: `a factor ${say(spread)} at most`,
      met: spread <= 2,
    },
    {
      expected: `the neurons needed for an error of ${ERROR} do not grow with d: the exponent's interval reaches 0 or below`,
      measured: `${saySlope(neurons.rate)}; ${neurons.replicas.map((group, i) => `N = ${say(meanAndError(group).mean)} (d = ${neurons.dimensions[i]})`).join(", ")}`,
      met: neurons.rate.interval![0] <= 0,
    },
    {
      expected: "the error in ε falls no slower than √ε at each d",
      measured: list(inStep),
      met: inStep.every(({ rate: fit }) => fit!.interval![1] >= 0.5),
    },
    {
      expected: "at one d ε the error in ε is the same at all d, within a factor 1.5",
      measured: `a factor ${say(collapse)} at most`,
      met: collapse <= 1.5,
    },
    {
      expected: `the step size needed for an error of ${ERROR} falls like 1/d: exponent −1 within 0.1`,
      measured: `${saySlope(stepSize.rate)}; ${stepSize.replicas.map((group, i) => `d ε = ${say(stepSize.dimensions[i]! * meanAndError(group).mean)} (d = ${stepSize.dimensions[i]})`).join(", ")}`,
      met: Math.abs(stepSize.rate.exponent + 1) <= 0.1,
    },
  ];
}

function ratio(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values);
}

function pictureOf(
  inN: Errors[],
  inStep: Errors[],
  needs: { neurons: Need; stepSize: Need },
  replicas: number,
): RatePicture {
  const curves = (errors: readonly Errors[]): RateCurve[] =>
    errors.map(({ d, xs, replicas: values, rate: fit }) =>
      rateCurve({ label: `d = ${d}`, x: xs, replicas: values, rate: fit }),
    );
  const mean = (values: readonly number[]) => meanAndError(values).mean;
  const first = inN[0]!;
  const bound = first.xs.map((N) => Math.sqrt(log(N) / N));
  const anchor = (1.5 * mean(first.replicas[0]!)) / bound[0]!;
  const steps = inStep[inStep.length - 1]!;
  const dimensions = inN.map(({ d }) => d);
  const ends = [dimensions[0]!, dimensions[dimensions.length - 1]!];
  const need = (one: Need, label: string): RateCurve[] => [
    rateCurve({ label, x: one.dimensions, replicas: one.replicas, rate: one.rate, hue: 5 }),
  ];
  return {
    kind: "rate",
    title: "The neurons needed do not grow with the dimension, and the step size must fall like 1/d",
    subtitle:
      `truncated ReLU units on anisotropic Gaussians, s₀ = d, Δ = ${DELTA}, radii that start uniformly in [0, 2]; T = ${END}; ` +
      `mean of ${replicas}, slopes with 95 % intervals; the step size at N = ${FIXED}`,
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "the theorem's, its constant chosen",
    },
    panels: [
      {
        title: "error of N neurons: sup over t of |R_N(PD) − R(ρ_t)|",
        x: { label: "neurons N" },
        y: { label: "error" },
        curves: curves(inN),
        references: [{ label: "√(log N/N)", x: first.xs, y: bound.map((y) => anchor * y) }],
      },
      {
        title: "error of the step size: sup over t of |R_N(SGD) − R_N(PD)|",
        x: { label: "step size ε" },
        y: { label: "error" },
        curves: curves(inStep),
        references: [
          powerLaw(
            "√ε",
            [steps.xs[steps.xs.length - 1]!, steps.xs[0]!],
            0.5,
            (1.5 * mean(steps.replicas[0]!)) / Math.sqrt(steps.xs[0]!),
          ),
        ],
      },
      {
        title: `neurons needed for an error of ${ERROR}`,
        x: { label: "dimension d" },
        y: { label: "N", domain: [5, 80] },
        curves: need(needs.neurons, "N needed"),
        references: [powerLaw("constant", ends, 0, 1.5 * mean(needs.neurons.replicas[0]!))],
      },
      {
        title: `step size needed for an error of ${ERROR}`,
        x: { label: "dimension d" },
        y: { label: "ε" },
        curves: need(needs.stepSize, "ε needed"),
        references: [powerLaw("1/d", ends, -1, 1.5 * dimensions[0]! * mean(needs.stepSize.replicas[0]!))],
      },
    ],
  };
}

function powersOfTwo(from: number, to: number): number[] {
  const found: number[] = [];
  for (let n = from; n <= to; n *= 2) found.push(n);
  return found;
}
