// The sweet spot of the step size: test risk against ε on noisy labels, of GD and of SGD, at one time.                theory §11

import { DivergenceError } from "../../engine/errors";
import { pause } from "../../engine/pause";
import type { Particles } from "../../measure/measure";
import { square } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { affine } from "../../model/unit";
import { gradientDescent, gradientFlow, type Process, sgd } from "../../process/schema";
import { stream } from "../../random/stream";
import { open } from "../open";
import { studentBound } from "../student";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { SpreadSeries, SweepPicture } from "./picture";

const DIMENSION = 8;
const INPUTS = 24;
const NEURONS = 32;
/** Standard deviation of a label's error. */
const NOISE = 0.5;
const TIME = 50;
const STEP_SIZES = [0.001, 0.002, 0.004, 0.008];
/** Where SGD no longer stays finite. */
const BEYOND = 0.016;
const DESCENT_SIZES = [0.008, 0.016, 0.032];

/** Test risk against the step size, on noisy labels. */
export const sweetSpot: Figure = {
  name: "sweet-spot",
  title: "Test risk against the step size on noisy labels",
  claim: [
    "Networks f = N⁻¹ Σ ±⟨w_i, x⟩² of 32 neurons learn y = x_1² in eight dimensions, 36 coefficients, from 24 inputs, each of which two annotators",
    "labelled with errors of their own. At t = 50 the flow has fitted the labels' noise. GD has too, for all steps that it is stable at. SGD with",
    "batches of one, whose noise never dies as the two labels disagree, has the smaller risk the larger its step is, by more than a factor of two,",
    "until it diverges: the spot is between. The same gradients with the two labels averaged, which it can fit, leave it no noise in the end,",
    "and little is gained. Without replacement the flow of the modified loss L + (ε/4)(|∇L|² + E|∇L̂ − ∇L|²) has most of the effect, with no noise at all.",
  ].join(" "),
  run,
};

interface Curve {
  name: string;
  sizes: number[];
  process(sample: Sample, stepSize: number): Process;
}

/** A row of replicas a step size. */
interface Result {
  curve: Curve;
  risks: number[][];
  norms: number[][];
}

/** One draw of inputs, labels and start. */
interface Sample {
  seed: number;
  /** With both labels, and with their mean. */
  both: ProblemInput;
  averaged: ProblemInput;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 8);
  const { signal } = options;
  signal?.throwIfAborted();
  const samples = Array.from({ length: replicas }, (_, r) => sampleOf(seed, r));
  const sizes = full ? [0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008] : STEP_SIZES;
  const common = { neurons: NEURONS };
  const curves: Curve[] = [
    {
      name: "SGD, two labels an input",
      sizes,
      process: ({ both, seed }, stepSize) => sgd(both, { ...common, stepSize, seed }),
    },
    {
      name: "SGD, their mean",
      sizes,
      process: ({ averaged, seed }, stepSize) => sgd(averaged, { ...common, stepSize, seed }),
    },
    {
      name: "GD",
      sizes: DESCENT_SIZES,
      process: ({ averaged }, stepSize) => gradientDescent(averaged, { ...common, stepSize }),
    },
    {
      name: "SGD without replacement",
      sizes: STEP_SIZES,
      process: ({ both, seed }, stepSize) => sgd(both, { ...common, stepSize, seed, replacement: false }),
    },
    {
      name: "flow of its modified loss",
      sizes: full ? STEP_SIZES : STEP_SIZES.slice(0, -1),
      process: ({ both }, stepSize) =>
        gradientFlow(both, {
          ...common,
          tolerance: 1e-3,
          correction: { stepSize, sampling: "withoutReplacement" },
        }),
    },
  ];
  const progress = phases(
    options.onProgress,
    curves.map(({ sizes }) => sizes.reduce((sum, size) => sum + 1 / size, 0)),
  );
  const results: Result[] = [];
  for (const [c, curve] of curves.entries()) {
    const risks: number[][] = [];
    const norms: number[][] = [];
    for (const [e, stepSize] of curve.sizes.entries()) {
      const ends: (Particles | null)[] = [];
      for (const [r, sample] of samples.entries()) {
        progress(c, curve.name, (e + r / replicas) / curve.sizes.length);
        await pause();
        ends.push(await endOf(curve.process(sample, stepSize), options));
      }
      risks.push(ends.map((end) => (end ? excessRisk(end) : Number.NaN)));
      norms.push(ends.map((end) => (end ? meanSquare(end) : Number.NaN)));
    }
    results.push({ curve, risks, norms });
  }
  const flows: Particles[] = [];
  for (const { averaged } of samples) {
    flows.push((await endOf(gradientFlow(averaged, { ...common, tolerance: 1e-6 }), options))!);
  }
  const flow = flows.map(excessRisk);
  let diverged = 0;
  for (const sample of samples) {
    signal?.throwIfAborted();
    if ((await endOf(curves[0]!.process(sample, BEYOND), options)) === null) diverged++;
  }

  const [noisy, fitted, descent, shuffled, modified] = results as [Result, Result, Result, Result, Result];
  const gainOf = ({ risks }: Result, e = risks.length - 1) => paired(flow, risks[e]!);
  const fall = paired(noisy.risks[0]!, noisy.risks[noisy.risks.length - 1]!);
  const halves = STEP_SIZES.slice(1).map((size, e) =>
    paired(noisy.risks[noisy.curve.sizes.indexOf(STEP_SIZES[e]!)]!, noisy.risks[noisy.curve.sizes.indexOf(size)]!),
  );
  const shares = modified.risks.map((_, e) => gainOf(modified, e).mean / gainOf(shuffled, e).mean);
  const small = sizes.indexOf(0.002);
  const [last, half] = [gainOf(noisy), mean(noisy.risks[noisy.risks.length - 1]!) / mean(flow)];
  const told = ({ mean, error }: Paired) => `${say(mean)} ± ${say(error)}`;
  const bound = studentBound(0.999, replicas - 1);
  const findings: Finding[] = [
    {
      expected: `SGD on two labels an input: the largest step has less than half the test risk of the flow, ${say(bound)} standard errors below (level 0.001)`,
      measured: `${say(half)} of ${say(mean(flow))}; less by ${told(last)}`,
      met: half < 0.5 && last.mean > bound * last.error,
    },
    {
      expected: "and each doubling of the step lowers it, from the smallest step to the largest by more than the same",
      measured: `${halves.map(told).join(", ")}; in all ${told(fall)}`,
      met: halves.every((one) => one.mean > 0) && fall.mean > bound * fall.error,
    },
    {
      expected: `at ε = ${BEYOND} most runs diverge: the spot has another side`,
      measured: `${diverged} of ${replicas}`,
      met: diverged > replicas / 2,
    },
    {
      expected:
        "with the mean of the two labels, which it fits, SGD of step 0.002 gains less than a tenth, and with both more than a quarter",
      measured: `${told(gainOf(fitted, small))}; ${told(gainOf(noisy, small))} of ${say(mean(flow))}`,
      met: gainOf(fitted, small).mean < mean(flow) / 10 && gainOf(noisy, small).mean > mean(flow) / 4,
    },
    {
      expected: "GD has the test risk of the flow within 10 % at all its steps",
      measured: descent.risks.map((row) => say(mean(row) / mean(flow))).join(", "),
      met: descent.risks.every((row) => Math.abs(mean(row) / mean(flow) - 1) < 0.1),
    },
    {
      expected: "without replacement, the flow of the modified loss has 75 to 100 % of what SGD gains at each step",
      measured: shares.map(say).join(", "),
      met: shares.every((share) => share > 0.75 && share <= 1),
    },
  ];

  const seriesOf = (x: number[], rows: number[][]): SpreadSeries => {
    const y = rows.map(mean);
    const error = rows.map((row, e) => deviation(row, y[e]!) / Math.sqrt(row.length));
    return { x, y, low: y.map((one, e) => one - error[e]!), high: y.map((one, e) => one + error[e]!) };
  };
  const picture: SweepPicture = {
    kind: "sweep",
    title: "Test risk against the step size: noise that does not die is what helps",
    subtitle:
      `f = N⁻¹ Σ ±⟨w_i, x⟩², N = ${NEURONS}, d = ${DIMENSION}, y = x_1²; ${INPUTS} inputs, two labels each with errors of ${NOISE}; t = ${TIME}; ` +
      `${replicas} draws of data and start; SGD in batches of one; at ε = ${BEYOND} ${diverged} of ${replicas} runs of SGD diverge`,
    x: { label: "step size ε", scale: "log", domain: [0.0009, 0.036] },
    y: { label: "excess test risk E(f − x_1²)²", scale: "linear", domain: [0, 3] },
    panels: [
      {
        title: "Independent draws, and GD",
        curves: [noisy, fitted, descent].map(({ curve, risks }) => ({
          label: curve.name,
          series: seriesOf(curve.sizes, risks),
        })),
        limit: null,
        levels: [{ y: mean(flow), label: "gradient flow" }],
      },
      {
        title: "Without replacement, two labels an input",
        curves: [shuffled, modified].map(({ curve, risks }) => ({
          label: curve.name,
          series: seriesOf(curve.sizes, risks),
        })),
        limit: null,
        levels: [{ y: mean(flow), label: "gradient flow" }],
      },
    ],
    key: { network: "mean over draws", spread: "± standard error" },
    limit: "",
  };
  return {
    table: {
      columns: [
        { name: "steps", digits: 0 },
        { name: "ε", digits: 4 },
        { name: "excess test risk", digits: 4 },
        { name: "±", digits: 4 },
        { name: "mean |w|²/d", digits: 4 },
      ],
      rows: [
        [
          "gradient flow",
          0,
          mean(flow),
          deviation(flow, mean(flow)) / Math.sqrt(replicas),
          mean(flows.map(meanSquare)),
        ],
        ...results.flatMap(({ curve, risks, norms }) =>
          curve.sizes.map((size, e) => [
            curve.name,
            size,
            mean(risks[e]!),
            deviation(risks[e]!, mean(risks[e]!)) / Math.sqrt(replicas),
            mean(norms[e]!),
          ]),
        ),
      ],
    },
    pictures: [{ file: "risk.svg", picture }],
    findings,
    warnings: [],
    data: {
      seed,
      replicas,
      dimension: DIMENSION,
      inputs: INPUTS,
      neurons: NEURONS,
      noise: NOISE,
      time: TIME,
      flow,
      diverged: { stepSize: BEYOND, runs: diverged },
      curves: results.map(({ curve, risks, norms }) => ({ name: curve.name, stepSizes: curve.sizes, risks, norms })),
    },
  };
}

// Inputs on the sphere of radius √d, so that no example is far larger than the others.
function sampleOf(seed: number, replica: number): Sample {
  const normals = stream(seed, { replica });
  const x: number[][] = [];
  const labels: [number, number][] = [];
  for (let q = 0; q < INPUTS; q++) {
    const draw = normals.normals(DIMENSION + 2, { step: q });
    let size = 0;
    for (let j = 0; j < DIMENSION; j++) size += draw[j]! * draw[j]!;
    const row = Array.from(draw.subarray(0, DIMENSION), (value) => value * Math.sqrt(DIMENSION / size));
    const target = row[0]! * row[0]!;
    x.push(row);
    labels.push([target + NOISE * draw[DIMENSION]!, target + NOISE * draw[DIMENSION + 1]!]);
  }
  const weights = normals.normals(NEURONS * DIMENSION, { step: INPUTS });
  const D = DIMENSION + 2;
  const theta = new Float64Array(NEURONS * D);
  for (let i = 0; i < NEURONS; i++) {
    theta[i * D] = i % 2 === 0 ? 1 : -1;
    theta.set(weights.subarray(i * DIMENSION, (i + 1) * DIMENSION), i * D + 2);
  }
  const common = {
    unit: affine(square(), { trainOutput: false, trainBias: false }),
    start: particles(tensor(theta, [NEURONS, D])),
  };
  return {
    seed: seed + replica,
    both: { ...common, law: dataset({ x: x.flatMap((row) => [row, row]), y: labels.flat() }) },
    averaged: { ...common, law: dataset({ x, y: labels.map(([a, b]) => (a + b) / 2) }) },
  };
}

// The network at the end, null where it diverges on the way.
async function endOf(process: Process, { backend, signal }: FigureOptions): Promise<Particles | null> {
  const simulation = await open(process, { backend });
  try {
    await simulation.advance(TIME, { signal });
    const measure = simulation.measure();
    if (measure.kind !== "particles") throw new TypeError("particles");
    return measure;
  } catch (error) {
    if (error instanceof DivergenceError) return null;
    throw error;
  } finally {
    simulation.free();
  }
}

// E (xᵀΔx)² over the sphere of radius √d is d/(d + 2) ((tr Δ)² + 2|Δ|²), Δ = N⁻¹ Σ a_i w_i w_iᵀ − e_1 e_1ᵀ.
function excessRisk({ values, shape: [N, D] }: Particles): number {
  const d = DIMENSION;
  const delta = new Float64Array(d * d);
  delta[0] = -1;
  for (let i = 0; i < N; i++) {
    const a = values[i * D]! / N;
    const w = values.subarray(i * D + 2, (i + 1) * D);
    for (let j = 0; j < d; j++) for (let l = 0; l < d; l++) delta[j * d + l]! += a * w[j]! * w[l]!;
  }
  let trace = 0;
  let squares = 0;
  for (let j = 0; j < d; j++) {
    trace += delta[j * d + j]!;
    for (let l = 0; l < d; l++) squares += delta[j * d + l]! * delta[j * d + l]!;
  }
  return (d / (d + 2)) * (trace * trace + 2 * squares);
}

// N⁻¹ Σ |w_i|²/d, that is 1 at the start
function meanSquare({ values, shape: [N, D] }: Particles): number {
  let sum = 0;
  for (let i = 0; i < N; i++) for (let j = 2; j < D; j++) sum += values[i * D + j]! * values[i * D + j]!;
  return sum / N / DIMENSION;
}

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function deviation(values: number[], centre: number): number {
  return Math.sqrt(values.reduce((sum, one) => sum + (one - centre) * (one - centre), 0) / (values.length - 1));
}

/** Mean of a difference over draws, and its standard error. */
interface Paired {
  mean: number;
  error: number;
}

function paired(a: number[], b: number[]): Paired {
  const differences = a.map((one, r) => one - b[r]!);
  const centre = mean(differences);
  return { mean: centre, error: deviation(differences, centre) / Math.sqrt(differences.length) };
}
