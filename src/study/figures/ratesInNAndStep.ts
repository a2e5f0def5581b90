// SGD against its limit: d(ν_t^n, μ_t) = O(n^(−1/2)) + O(Δt^(1/2)) for fixed observables.         theory §3; docs/coupling.md

import { sin } from "../../engine/math";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { type Problem, parseProblem } from "../../model/problem";
import { densityStart, particles } from "../../model/start";
import { ridge } from "../../model/unit";
import { gradientFlow, type Process, sgd } from "../../process/schema";
import { stream } from "../../random/stream";
import { predictions } from "../observables";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import { sweep } from "../sweep";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const END = 2;
const TIMES = Array.from({ length: 8 }, (_, k) => ((k + 1) * END) / 8);
const ATOMS = 8;
/** Neurons of μ_t along each side of the square. */
const SIDE = 64;
/** Inputs x_j of the observables. */
const INPUTS = 12;

/** The distance of SGD from its limit against the number of neurons and the step. */
export const ratesInNAndStep: Figure = {
  name: "rates-in-n-and-step",
  title: "SGD is n^(−1/2) and Δt^(1/2) away from its limit, for fixed observables",
  claim: [
    "A finite law of eight points in the plane, tanh units that start uniformly in a square, one example a step of length Δt. The distance",
    "d(ν, μ) is the root mean square of |∫φ_j d(ν − μ)| over twelve fixed observables, the units at twelve inputs; its largest in time is taken. The",
    "limit μ_t is the gradient flow of 4096 neurons on a lattice in the square, so nothing but SGD is random. The theory bounds the distance",
    "by C (n^(−1/2) + Δt^(1/2)). Measured: exponent −1/2 in n where Δt → 0, exponent 1/2 in Δt where n is large, and between them",
    "the squares add: d² = A/n + B Δt, because the start and the examples are independent.",
  ].join(" "),
  run,
};

function problemOf(): Problem {
  const words = stream(11);
  const x = Array.from({ length: ATOMS }, (_, q) => Array.from(words.normals(2, { step: q })));
  const y = x.map(([a, b]) => sin(2 * a!) + 0.5 * b!);
  return parseProblem({
    law: dataset({ x, y }),
    unit: ridge(tanh()),
    start: densityStart({
      edges: [
        [-1, 1],
        [-1, 1],
      ],
      masses: [[1]],
    }),
  });
}

// the midpoints of SIDE × SIDE equal cells of the square
function lattice(problem: Problem): Problem {
  const at = (k: number) => -1 + (2 * k + 1) / SIDE;
  const rows = Array.from({ length: SIDE * SIDE }, (_, i) => [at(Math.floor(i / SIDE)), at(i % SIDE)]);
  return { ...problem, start: particles(rows) };
}

/** One n and one Δt; null is the gradient flow, Δt → 0. */
interface Setting {
  n: number;
  step: number | null;
  /** Largest distance in time, of each replica. */
  distances: number[];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 128 : 64);
  const { signal, backend } = options;
  const counts = powersOfFour(16, full ? 16384 : 4096);
  const steps = powersOfFour(4, full ? 4096 : 1024).map((k) => 1 / k);
  const progress = phases(options.onProgress, [1, 20]);
  const problem = problemOf();
  const words = stream(12);
  const inputs = Array.from({ length: INPUTS }, (_, j) => Array.from(words.normals(2, { step: j })));
  const observe = { f: predictions(inputs) };

  const limit = await solve(gradientFlow(lattice(problem), { neurons: SIDE * SIDE }), {
    times: TIMES,
    observe,
    signal,
    backend,
    onProgress: ({ fraction }) => progress(0, "limit", fraction),
  });
  signal?.throwIfAborted();
  const mu = limit.observables["f"]!.values;

  const settings: Setting[] = counts.flatMap((n) => [null, ...steps].map((step) => ({ n, step, distances: [] })));
  const processes = settings.map(
    ({ n, step }): Process =>
      step === null
        ? gradientFlow(problem, { neurons: n, tolerance: 1e-6, seed })
        : sgd(problem, { neurons: n, stepSize: step, seed }),
  );
  const { points, warnings, provenance } = await sweep({
    base: { process: processes[0]!, times: TIMES, observe },
    vary: { process: processes },
    replicas,
    workers: options.workers,
    signal,
    backend,
    ...(options.checkpoint !== undefined && { folder: options.checkpoint }),
    onProgress: ({ fraction, finished, runs }) => progress(1, `${finished} of ${runs} runs`, fraction),
  });
  for (const [k, point] of points.entries()) {
    settings[k]!.distances = point.run.observables["f"]!.replicas.map((values) => supDistance(values, mu));
  }

  const inN = [...steps, null].map((step) => ({ step, those: settings.filter((one) => one.step === step) }));
  const inStep = counts.map((n) => ({ n, those: settings.filter((one) => one.n === n && one.step !== null) }));
  const power = (xs: number[], those: readonly Setting[], expected: number) =>
    replicas > 1
      ? rate(
          xs,
          those.map(({ distances }) => distances),
          { expected },
        )
      : null;
  const sampling = power(counts, inN[inN.length - 1]!.those, -0.5);
  const noise = power(steps, inStep[inStep.length - 1]!.those, 0.5);
  const sum = sumOfSquares(settings);

  return {
    table: {
      columns: [
        { name: "n", digits: 0 },
        { name: "Δt", digits: 6 },
        { name: "E sup d", digits: 5 },
        { name: "± s.e.", digits: 5 },
        { name: "√(A/n + BΔt)", digits: 5 },
      ],
      rows: settings.map(({ n, step, distances }) => {
        const { mean, error } = meanAndError(distances);
        return [n, step ?? 0, mean, error, Math.sqrt(sum.A / n + sum.B * (step ?? 0))];
      }),
    },
    pictures: [
      { file: "rates.svg", picture: pictureOf(counts, steps, inN, inStep, { sampling, noise, sum }, replicas) },
    ],
    findings: replicas > 1 ? findingsOf(counts, steps, sampling!, noise!, sum) : [],
    warnings: [...new Set([...limit.warnings, ...warnings])],
    data: {
      end: END,
      inputs,
      replicas,
      provenance,
      settings: settings.map(({ n, step, distances }) => ({ n, step, ...meanAndError(distances) })),
      fits: { sampling, noise, sum },
    },
  };
}

// sup over times of the root mean square over the observables
function supDistance(values: Float64Array, mu: Float64Array): number {
  let most = 0;
  for (let k = 0; k < TIMES.length; k++) {
    let square = 0;
    for (let j = k * INPUTS; j < (k + 1) * INPUTS; j++) square += (values[j]! - mu[j]!) * (values[j]! - mu[j]!);
    most = Math.max(most, Math.sqrt(square / INPUTS));
  }
  return most;
}

interface SumOfSquares {
  A: number;
  B: number;
  /** Largest relative error of d. */
  misfit: number;
}

/** d² = A/n + BΔt by least squares of the relative errors of the squares. */
function sumOfSquares(settings: readonly Setting[]): SumOfSquares {
  const rows = settings.map(({ n, step, distances }) => {
    const { mean } = meanAndError(distances);
    const square = mean * mean;
    return { a: 1 / n / square, b: (step ?? 0) / square };
  });
  const total = (f: (row: { a: number; b: number }) => number) => rows.reduce((sum, row) => sum + f(row), 0);
  const [aa, ab, bb] = [total(({ a }) => a * a), total(({ a, b }) => a * b), total(({ b }) => b * b)];
  const [a, b] = [total((row) => row.a), total((row) => row.b)];
  const determinant = aa * bb - ab * ab;
  const A = (a * bb - b * ab) / determinant;
  const B = (b * aa - a * ab) / determinant;
  return { A, B, misfit: Math.max(...rows.map((row) => Math.abs(Math.sqrt(A * row.a + B * row.b) - 1))) };
}

function findingsOf(
  counts: readonly number[],
  steps: readonly number[],
  sampling: Rate,
  noise: Rate,
  { A, B, misfit }: SumOfSquares,
): Finding[] {
  return [
    {
      expected: `Δt → 0, n from ${counts[0]} to ${counts[counts.length - 1]}: exponent −1/2 in n, within 0.1`,
      measured: saySlope(sampling),
      met: Math.abs(sampling.exponent + 0.5) <= 0.1,
    },
    {
      expected: `n = ${counts[counts.length - 1]}, Δt from 1/${1 / steps[steps.length - 1]!} to 1/${1 / steps[0]!}: exponent 1/2 in Δt, within 0.1`,
      measured: saySlope(noise),
      met: Math.abs(noise.exponent - 0.5) <= 0.1,
    },
    {
      expected: "d² = A/n + B Δt, within 25 % of d at every n and Δt",
      measured: `A = ${say(A)}, B = ${say(B)}, within ${say(100 * misfit)} %`,
      met: misfit <= 0.25,
    },
  ];
}

function pictureOf(
  counts: number[],
  steps: number[],
  inN: { step: number | null; those: Setting[] }[],
  inStep: { n: number; those: Setting[] }[],
  fits: { sampling: Rate | null; noise: Rate | null; sum: SumOfSquares },
  replicas: number,
): RatePicture {
  const { A, B } = fits.sum;
  const between = (xs: readonly number[]) => Array.from(logSpaced(Math.min(...xs), Math.max(...xs), 33));
  const curve = (label: string, xs: number[], those: Setting[], rate: Rate | null, d2: (x: number) => number) => ({
    ...rateCurve({ label, x: xs, replicas: those.map(({ distances }) => distances), rate }),
    fit: { x: between(xs), y: between(xs).map((x) => Math.sqrt(d2(x))) },
  });
  const mean = (those: Setting[], k: number) => meanAndError(those[k]!.distances).mean;
  const flow = inN[inN.length - 1]!.those;
  const many = inStep[inStep.length - 1]!.those;
  const ends = (xs: readonly number[]) => [Math.min(...xs), Math.max(...xs)];
  return {
    kind: "rate",
    title: "SGD is n^(−1/2) and Δt^(1/2) away from its limit",
    subtitle:
      `${ATOMS} points in the plane, tanh units that start uniformly in [−1, 1]², one example a step; largest over ${TIMES.length} times up to T = ${END} of the ` +
      `root mean square over ${INPUTS} observables; mean of ${replicas}, slopes with 95 % intervals`,
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "√(A/n + B Δt), fitted to all",
      reference: "the theorem's, its constant chosen",
    },
    panels: [
      {
        title: "distance from the limit against n",
        x: { label: "neurons n" },
        y: { label: "d(ν, μ)" },
        curves: inN.map(({ step, those }) => {
          const label = step === null ? "Δt → 0" : `Δt = 1/${1 / step}`;
          return curve(label, counts, those, step === null ? fits.sampling : null, (n) => A / n + B * (step ?? 0));
        }),
        references: [powerLaw("n^(−1/2)", ends(counts), -0.5, 0.7 * mean(flow, 0) * Math.sqrt(counts[0]!))],
      },
      {
        title: "distance from the limit against Δt",
        x: { label: "step Δt" },
        y: { label: "d(ν, μ)" },
        curves: inStep.map(({ n, those }) =>
          curve(`n = ${n}`, steps, those, n === counts[counts.length - 1] ? fits.noise : null, (t) => A / n + B * t),
        ),
        references: [powerLaw("Δt^(1/2)", ends(steps), 0.5, (0.7 * mean(many, 0)) / Math.sqrt(steps[0]!))],
      },
    ],
  };
}

function powersOfFour(from: number, to: number): number[] {
  const found: number[] = [];
  for (let n = from; n <= to; n *= 4) found.push(n);
  return found;
}
