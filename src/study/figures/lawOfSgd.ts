// The law of SGD against those of the SMFE and of the deterministic limit: o(n^−½) against O(n^−½).     theory §8; docs/superposition.md

import { w2 } from "../../measure/distance";
import type { Marginal } from "../../measure/measure";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { ridge } from "../../model/unit";
import { gradientDescent, modifiedFlow, type Process, sgd } from "../../process/schema";
import { ensemble } from "../ensemble";
import { predictions } from "../observables";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const SIZES = [8, 16, 32, 64, 128];
/** Runs of each kind, a block; distances are averaged over blocks. */
const RUNS = 1000;
const TIME = 1;
/** The rare example has this mass: its draws are far from normal. */
const RARE = 0.06;
const PROBE = 1.5;

/** W2 of the law of a prediction, against n. */
export const lawOfSgd: Figure = {
  name: "law-of-sgd",
  title: "The stochastic mean-field equation has SGD's law to a higher order than its deterministic limit",
  claim: [
    "The prediction f(1.5) of n neurons at t = 1 with steps ε = 1/n, over many runs from the quantiles of the start, so that the examples' noise is all there",
    "is. Its law is W2-close to that of the stochastic mean-field equation with the same n, and further from the value of the",
    "deterministic limit: o(n^−½) against O(n^−½). One example of six per cent has a large residual, so that SGD's noise is skew; the skewness, which",
    "the equation's normal noise has not, is what is left, and goes like 1/n. Squared distances are those between samples, less what samples of one law",
    "have between them.",
  ].join(" "),
  run,
};

const common = {
  law: dataset({ x: [[1], [2]], y: [0.3, 3], weights: [1 - RARE, RARE] }),
  unit: ridge(tanh()),
};

// n quantiles of the uniform law on [−1, 1]
function problemOf(n: number) {
  const theta = Float64Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1);
  return { ...common, start: particles(tensor(theta, [n, 1])) };
}

interface Row {
  n: number;
  deviation: number;
  /** W2² to the SMFE, less the floor, and to the deterministic limit, of each block */
  toSmfe: Float64Array;
  toLimit: Float64Array;
  floor: number;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas: blocks } = readOptions(options, 8);
  const { signal, backend, workers } = options;
  const sizes = full ? [...SIZES, 256] : SIZES;
  signal?.throwIfAborted();
  const progress = phases(
    options.onProgress,
    sizes.flatMap((n) => [n, n]),
  );
  const observe = { f: predictions([[PROBE]]) };
  const warnings = new Set<string>();
  const rows: Row[] = [];
  for (const [i, n] of sizes.entries()) {
    const problem = problemOf(n);
    const one = { neurons: n, stepSize: 1 / n };
    const laws = async (phase: number, name: string, process: Process): Promise<Marginal[]> => {
      const runs = await ensemble(process, {
        replicas: blocks * RUNS,
        times: [TIME],
        observe,
        workers,
        backend,
        signal,
        checkpoint: options.checkpoint,
        onProgress: ({ fraction }) => progress(2 * i + phase, `${name}, n = ${n}`, fraction),
      });
      for (const warning of runs.warnings) warnings.add(warning);
      const values = runs.observables["f"]!.replicas.map((f) => f[0]!);
      return Array.from({ length: blocks }, (_, b) => ({
        kind: "particles",
        values: Float64Array.from(values.slice(b * RUNS, (b + 1) * RUNS)),
        weights: null,
      }));
    };
    const descent = await laws(0, "SGD", sgd(problem, { ...one, seed }));
    const equation = await laws(1, "SMFE", modifiedFlow(problem, { ...one, seed: seed + 1 }));
    const limit = await solve(gradientDescent(problem, one), { times: [TIME], observe, backend, signal });
    const f0 = limit.observables["f"]!.values[0]!;
    // two samples of one law: neighbours in the list of blocks
    const square = (a: Marginal, b: Marginal) => w2(a, b) * w2(a, b);
    const floors = descent.map((law, b) =>
      blocks === 1
        ? 0
        : (square(law, descent[(b + 1) % blocks]!) + square(equation[b]!, equation[(b + 1) % blocks]!)) / 2,
    );
    const floor = floors.reduce((sum, x) => sum + x, 0) / blocks;
    const point: Marginal = { kind: "particles", values: Float64Array.of(f0), weights: null };
    const all = descent.flatMap((law) => Array.from((law as { values: Float64Array }).values));
    const mean = all.reduce((sum, f) => sum + f, 0) / all.length;
    rows.push({
      n,
      deviation: Math.sqrt(all.reduce((sum, f) => sum + (f - mean) * (f - mean), 0) / all.length),
      toSmfe: Float64Array.from(descent, (law, b) => square(law, equation[b]!) - floor),
      toLimit: Float64Array.from(descent, (law) => square(law, point)),
      floor,
    });
  }
  return resultOf(rows, blocks, [...warnings]);
}

function resultOf(rows: Row[], blocks: number, warnings: string[]): FigureResult {
  const sizes = rows.map(({ n }) => n);
  const fitted = (of: (row: Row) => Float64Array, expected: number): Rate | null =>
    blocks > 1 && rows.every((row) => meanAndError(of(row)).mean > 0) ? rate(sizes, rows.map(of), { expected }) : null;
  const smfe = fitted(({ toSmfe }) => toSmfe, -2);
  const limit = fitted(({ toLimit }) => toLimit, -1);
  const root = (row: Row, of: (row: Row) => Float64Array) => Math.sqrt(Math.max(0, meanAndError(of(row)).mean));
  const share = rows.map((row) => root(row, ({ toSmfe }) => toSmfe) / root(row, ({ toLimit }) => toLimit));
  const findings: Finding[] = [
    {
      expected: "W2² to the deterministic limit has slope −1 in n, within 0.15 for what steps of 1/8 are off the limit",
      measured: limit ? saySlope(limit) : "no fit",
      met: limit ? Math.abs(limit.exponent + 1) <= 0.15 : null,
    },
    {
      expected: "W2² to the SMFE falls faster: its slope is below −1.5, where o(n^−½) asks for less than −1",
      measured: smfe ? saySlope(smfe) : "no fit",
      met: smfe ? smfe.exponent < -1.5 : null,
    },
    {
      expected: "the SMFE's distance is an ever smaller share of the limit's, below a tenth at n = 128",
      measured: `shares ${share.map(say).join(", ")}`,
      met: blocks > 1 ? share.every((x, i) => i === 0 || x < share[i - 1]!) && share[4]! < 0.1 : null,
    },
  ];
  const ends = [sizes[0]!, sizes[sizes.length - 1]!];
  const first = rows[0]!;
  const picture: RatePicture = {
    kind: "rate",
    title: "The SMFE has SGD's law to a higher order",
    subtitle:
      `W2² between laws of f(${PROBE}) at t = ${TIME}, ε = 1/n; ${blocks * RUNS} runs each of SGD and of the SMFE from the same n points; ` +
      "slopes with 95 % intervals",
    key: {
      network: `mean of ${blocks} samples`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "n⁻¹ and n⁻²",
    },
    panels: [
      {
        title: "squared distance from the law of SGD",
        x: { label: "neurons n = 1/ε" },
        y: { label: "W2²" },
        curves: [
          rateCurve({
            label: "deterministic limit",
            x: sizes,
            replicas: rows.map(({ toLimit }) => toLimit),
            rate: limit,
          }),
          rateCurve({ label: "SMFE", x: sizes, replicas: rows.map(({ toSmfe }) => toSmfe), rate: smfe }),
        ],
        references: [
          powerLaw("", ends, -1, 1.6 * meanAndError(first.toLimit).mean * first.n),
          powerLaw("", ends, -2, 0.5 * Math.max(0, meanAndError(first.toSmfe).mean) * first.n * first.n),
        ],
      },
    ],
  };
  return {
    table: {
      columns: [
        { name: "n", digits: 0 },
        { name: "sd of f", digits: 5 },
        { name: "W2 to SMFE", digits: 5 },
        { name: "W2 to limit", digits: 5 },
        { name: "share", digits: 3 },
        { name: "W2 of two samples of one law", digits: 5 },
      ],
      rows: rows.map((row, i) => [
        row.n,
        row.deviation,
        root(row, ({ toSmfe }) => toSmfe),
        root(row, ({ toLimit }) => toLimit),
        share[i]!,
        Math.sqrt(row.floor),
      ]),
    },
    pictures: [{ file: "w2.svg", picture }],
    findings,
    warnings,
    data: {
      blocks,
      runs: RUNS,
      time: TIME,
      probe: PROBE,
      rare: RARE,
      rows: rows.map(({ toSmfe, toLimit, ...row }) => ({
        ...row,
        toSmfe: Array.from(toSmfe),
        toLimit: Array.from(toLimit),
      })),
      rates: { smfe, limit },
    },
  };
}
