// E sup_t W2²(μ^{n,1/n}, μ⁰) ≤ C/n: the SMFE of n particles against its deterministic limit.            theory §8; docs/superposition.md

import { pause } from "../../engine/pause";
import { w2 } from "../../measure/distance";
import { type Measure, marginal, type Particles } from "../../measure/measure";
import { w2Assignment } from "../../measure/onDemand";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { densityStart, gaussian, particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { ridge } from "../../model/unit";
import { gradientDescent, modifiedFlow } from "../../process/schema";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const STEP = 0.05;
const UNTIL = 2;
/** Quantiles of the start that stand for μ⁰ on the line: their own error is 10⁻⁷. */
const REFERENCE = 4000;

/** E sup W2² against n, in one dimension and in three. */
export const w2Rate: Figure = {
  name: "w2-rate",
  title: "The stochastic mean-field equation of n particles is W2-close to its limit: E sup W2² = O(1/n)",
  claim: [
    "E sup over t ≤ 2 of W2² between n particles with noise of level 1/n and the deterministic limit, against n. In one dimension, from a start of",
    "bounded density on an interval, the particles' own sampling error is of order 1/n too, and the limit is that of the start itself.",
    "In three dimensions the sampling error of the start is n^−⅔, whatever the dynamics; what the noise adds, 1/n, is seen against the deterministic",
    "flow of the same particles. Both slopes are −1.",
  ].join(" "),
  run,
};

const line = {
  law: dataset({ x: [[-2], [-1], [0.5], [1], [1.5], [3]], y: [-1.2, 0.3, 1, 0.2, -0.5, 1] }),
  unit: ridge(tanh()),
};
const space = {
  law: dataset({
    x: [
      [1, 0, 0.5],
      [0, 1, -0.5],
      [1, 1, 0],
      [-1, 0.5, 1],
      [0.5, -1, 1],
      [0, 0, 1],
    ],
    y: [1, -1, 0.5, 0.3, -0.4, 0.8],
  }),
  unit: ridge(tanh()),
  start: gaussian({ w: { mean: 0, deviation: 1 } }),
};

interface Curve {
  label: string;
  sizes: readonly number[];
  squares: Float64Array[];
  slope: Rate | null;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 96);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const times = Array.from({ length: UNTIL / (2 * STEP) + 1 }, (_, k) => 2 * k * STEP);
  const sizes = full ? [50, 100, 200, 400, 800, 1600, 3200] : [50, 100, 200, 400, 800, 1600];
  // an assignment of n pairs takes n³
  const few = full ? [25, 50, 100, 200, 400] : [25, 50, 100, 200];
  const progress = phases(options.onProgress, [3, 2]);
  const warnings = new Set<string>();
  const fresh = (n: number, replica: number) => ({ neurons: n, stepSize: 1 / n, timeStep: STEP, seed, replica });
  const sup = async (
    process: ReturnType<typeof modifiedFlow>,
    limit: readonly Measure[],
    between: (one: Measure, other: Measure) => Promise<number>,
    at: readonly number[],
  ): Promise<number> => {
    const flow = await solve(process, { times: at, observe: {}, keep: "measures", backend, signal });
    for (const warning of flow.warnings) warnings.add(warning);
    let most = 0;
    for (const [k, measure] of flow.measures!.entries()) most = Math.max(most, await between(measure, limit[k]!));
    return most;
  };

  const edges = [-1.5, 1.5];
  const quantiles = Float64Array.from({ length: REFERENCE }, (_, i) => -1.5 + (3 * (i + 0.5)) / REFERENCE);
  const limit = await solve(
    gradientDescent(
      { ...line, start: particles(tensor(quantiles, [REFERENCE, 1])) },
      { neurons: REFERENCE, stepSize: STEP },
    ),
    { times, observe: {}, keep: "measures", backend, signal },
  );
  const uniform = { ...line, start: densityStart({ edges: [edges], masses: [1] }) };
  const onLine: Float64Array[] = [];
  for (const [i, n] of sizes.entries()) {
    const all = new Float64Array(replicas);
    for (let replica = 0; replica < replicas; replica++) {
      const between = async (a: Measure, b: Measure) => square(w2(marginal(a, 0), marginal(b, 0)));
      all[replica] = await sup(modifiedFlow(uniform, fresh(n, replica)), limit.measures!, between, times);
      if (replica % 8 === 0) {
        progress(0, `one dimension, n = ${n}`, (i + replica / replicas) / sizes.length);
        await pause();
      }
    }
    onLine.push(all);
  }

  const rare = [0.5, 1, 1.5, 2];
  const inSpace: Float64Array[] = [];
  const spread = Math.max(1, Math.floor(replicas / 4));
  for (const [i, n] of few.entries()) {
    const all = new Float64Array(spread);
    for (let replica = 0; replica < spread; replica++) {
      const same = await solve(gradientDescent(space, { neurons: n, stepSize: STEP, seed, replica }), {
        times: rare,
        observe: {},
        keep: "measures",
        backend,
        signal,
      });
      const between = async (a: Measure, b: Measure) =>
        square((await w2Assignment(a as Particles, b as Particles)).distance);
      all[replica] = await sup(modifiedFlow(space, fresh(n, replica)), same.measures!, between, rare);
      progress(1, `three dimensions, n = ${n}`, (i + replica / spread) / few.length);
      await pause();
    }
    inSpace.push(all);
  }
  return resultOf(
    [
      { label: "D = 1, the limit", sizes, squares: onLine, slope: fitted(sizes, onLine) },
      { label: "D = 3, the same particles", sizes: few, squares: inSpace, slope: fitted(few, inSpace) },
    ],
    replicas,
    [...warnings],
  );
}

function square(x: number): number {
  return x * x;
}

function fitted(sizes: readonly number[], squares: Float64Array[]): Rate | null {
  return squares[0]!.length > 1 ? rate(sizes, squares, { expected: -1 }) : null;
}

function resultOf(curves: Curve[], replicas: number, warnings: string[]): FigureResult {
  const findings: Finding[] = curves.map(({ label, slope }) => ({
    expected: `E sup W2² has slope −1 in n, inside the interval (${label})`,
    measured: slope ? saySlope(slope) : "no fit",
    met: slope ? slope.agrees : null,
  }));
  const picture: RatePicture = {
    kind: "rate",
    title: "The SMFE of n particles is W2-close to its limit",
    subtitle: `mean over runs of the largest W2² for t ≤ ${UNTIL}, noise of level 1/n, steps of ${STEP}; slopes with 95 % intervals, the theorem's is −1`,
    key: { network: `mean of runs`, spread: "± standard error", limit: "fitted power law", reference: "n⁻¹" },
    panels: curves.map(({ label, sizes, squares, slope }) => {
      const first = meanAndError(squares[0]!).mean * sizes[0]!;
      return {
        title: label,
        x: { label: "particles n" },
        y: { label: "E sup W2²" },
        curves: [rateCurve({ label: "SMFE", x: sizes, replicas: squares, rate: slope })],
        references: [powerLaw("n⁻¹", [sizes[0]!, sizes[sizes.length - 1]!], -1, 1.5 * first)],
      };
    }),
  };
  return {
    table: {
      columns: [
        { name: "against", digits: 0 },
        { name: "n", digits: 0 },
        { name: "E sup W2²", digits: 6 },
        { name: "± s.e.", digits: 6 },
        { name: "n E sup W2²", digits: 3 },
      ],
      rows: curves.flatMap(({ label, sizes, squares }) =>
        sizes.map((n, i) => {
          const { mean, error } = meanAndError(squares[i]!);
          return [label, n, mean, error ?? "–", n * mean];
        }),
      ),
    },
    pictures: [{ file: "w2.svg", picture }],
    findings,
    warnings,
    data: {
      replicas,
      timeStep: STEP,
      until: UNTIL,
      curves: curves.map(({ label, sizes, squares, slope }) => ({
        label,
        sizes: [...sizes],
        squares: squares.map((all) => Array.from(all)),
        slope,
        constant: squares.map((all, i) => Number(say(meanAndError(all).mean * sizes[i]!))),
      })),
    },
  };
}
