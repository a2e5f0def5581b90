// Figure 1: SGD's radii follow the density of the radial mean-field PDE.        theory §5; Mei–Montanari–Nguyen 2018

import { pow } from "../../engine/math";
import { histogram } from "../../measure/density";
import { w1 } from "../../measure/distance";
import { coordinate, type Marginal } from "../../measure/measure";
import { quantile } from "../../measure/quantiles";
import { piecewiseLinear } from "../../model/activation";
import { anisotropicGaussians } from "../../model/law";
import { parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { ridge } from "../../model/unit";
import { radialFlow, sgd } from "../../process/schema";
import { ensemble } from "../ensemble";
import { quantiles, risk } from "../observables";
import { solve } from "../solve";
import { logSpaced } from "../times";
import {
  type Figure,
  type FigureOptions,
  type Finding,
  finiteOrNull,
  meanSeries,
  mergedTimes,
  nearest,
  phases,
  readOptions,
  say,
} from "./figure";
import type { Picture, Series } from "./picture";

const NEURONS = 800;
const TABLE_TIMES = [0, 0.1, 0.3, 1, 2, 3, 5, 10, 15, 20];
const DRAWN_TIMES = [0, 1, 3, 5, 10, 20];
/** W1 of the radial laws allowed up to each time. */
const W1_BOUNDS = [
  [3, 0.01],
  [5, 0.015],
  [10, 0.06],
  [20, 0.1],
] as const;

const problem = parseProblem({
  law: anisotropicGaussians({ dimension: 40, signal: 40, delta: 0.8 }),
  unit: ridge(
    piecewiseLinear([
      [0.5, -2.5],
      [1.5, 7.5],
    ]),
  ),
  start: gaussian({ radius: 0.8 }),
});

/** SGD beside its radial PDE: d = s0 = 40, N = 800, Δ = 0.8. */
export const radialDensity: Figure = {
  name: "radial-density",
  title: "SGD's neurons follow the density of the radial mean-field PDE",
  claim: [
    "One-pass SGD on a two-layer network of N = 800 neurons tells two centred Gaussians in d = 40 dimensions apart, of",
    "standard deviations 1 ± 0.8 in every direction. The law of the radii r = |w| is one hump at 0.8 to begin with; it moves out and widens,",
    "and from t ≈ 5 on splits into neurons that go on to r ≈ 4 and neurons that fall back to r ≈ 0.07. At every time the histogram of",
    "SGD's radii lies under the density of the radial PDE, and the risk of SGD lies on that of the PDE: within about 0.01 all the",
    "way from 1.70 to 0.18. The small offset that is left is real: it is the bias of N independent neurons, about 1/N.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}) {
  const { full, seed, replicas } = readOptions(options, 4);
  const { signal, backend } = options;
  const stepSize = full ? 1e-6 : 1e-5;
  const progress = phases(options.onProgress, [4, 6, full ? 900 : 90]);

  const times = mergedTimes(TABLE_TIMES, logSpaced(0.01, 20, 34), stepSize);
  const process = sgd(problem, { neurons: NEURONS, stepSize, seed });
  const limitProcess = radialFlow(problem, { method: "characteristics" });
  const gridProcess = radialFlow(problem, { method: "grid" });

  const limit = await solve(limitProcess, {
    times,
    keep: "measures",
    backend,
    signal,
    onProgress: ({ fraction }) => progress(0, "PDE by characteristics", fraction),
  });
  signal?.throwIfAborted();
  const drawn = mergedTimes(DRAWN_TIMES, [], stepSize);
  const pde = await solve(gridProcess, {
    times: drawn,
    keep: "measures",
    backend,
    signal,
    onProgress: ({ fraction }) => progress(1, "PDE on a grid", fraction),
  });
  signal?.throwIfAborted();
  // The middles of N equal steps give back the N radii themselves.
  const levels = Array.from({ length: NEURONS }, (_, i) => (i + 0.5) / NEURONS);
  const network = await ensemble(process, {
    replicas,
    times,
    observe: { risk: risk(), radii: quantiles("r1", levels) },
    workers: options.workers,
    checkpoint: options.checkpoint,
    backend,
    signal,
    onProgress: ({ fraction }) => progress(2, `SGD, ${replicas} replicas`, fraction),
  });

  const networkRisk = network.observables.risk!;
  const limitRisk = limit.observables.risk!.values;
  const radiiOf = (replica: number, i: number): Marginal => ({
    kind: "particles",
    values: network.observables.radii!.replicas[replica]!.slice(i * NEURONS, (i + 1) * NEURONS),
    weights: null,
  });
  const distances = Array.from(times, (_, i) => {
    const law = coordinate(limit.measures![i]!, "r1", problem);
    return Array.from({ length: replicas }, (_, r) => w1(radiiOf(r, i), law));
  });
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const gap = Array.from(times, (_, i) => networkRisk.mean[i]! - limitRisk[i]!);

  const rows = TABLE_TIMES.map((t) => {
    const i = nearest(times, t);
    return [
      times[i]!,
      networkRisk.mean[i]!,
      finiteOrNull(networkRisk.standardError[i]!),
      limitRisk[i]!,
      gap[i]!,
      mean(distances[i]!),
      Math.max(...distances[i]!),
    ];
  });

  const at = (i: number) => nearest(times, drawn[i]!);
  const solversApart = Math.max(
    ...Array.from(drawn, (_, i) => Math.abs(pde.observables.risk!.values[i]! - limitRisk[at(i)]!)),
  );
  const worstOf = (from: number, to: number) =>
    Math.max(...TABLE_TIMES.filter((t) => t >= from && t <= to).map((t) => Math.abs(gap[nearest(times, t)]!)));
  const findings: Finding[] = [
    {
      expected: "|R(SGD) − R(PDE)|, mean over replicas: at most 0.02, and 0.012 for 0.3 ≤ t ≤ 5",
      measured: `at most ${say(worstOf(0, 20))}, and ${say(worstOf(0.3, 5))} for 0.3 ≤ t ≤ 5`,
      met: worstOf(0, 20) <= 0.02 && worstOf(0.3, 5) <= 0.012,
    },
    w1Finding(times, distances),
    {
      expected: "the PDE by characteristics and on the grid: risks within 2e-3 up to t = 10",
      measured: `at most ${say(solversApart)} apart at the times drawn, t = ${DRAWN_TIMES.join(", ")}`,
      met: Array.from(
        drawn,
        (t, i) => t > 10 || Math.abs(pde.observables.risk!.values[i]! - limitRisk[at(i)]!) <= 2e-3,
      ).every(Boolean),
    },
  ];

  const parameters =
    `d = s₀ = 40, N = ${NEURONS}, Δ = 0.8, w ~ N(0, 0.8²/d I), ε = ${full ? "10⁻⁶" : "10⁻⁵"}, ` +
    `unit constant beyond the knots (0.5, −2.5), (1.5, 7.5); ${replicas} ${replicas === 1 ? "replica" : "replicas"} in f64`;
  const series = meanSeries(times, networkRisk);
  const limitSeries: Series = { x: Array.from(times), y: Array.from(limitRisk) };
  const shifted = (values: number[] | null) => values?.map((v, i) => v - limitRisk[i]!) ?? null;
  const key = { limit: "radial PDE", network: `SGD, mean of ${replicas}`, spread: "± standard error" };
  const pictures: { file: string; picture: Picture }[] = [
    {
      file: "density.svg",
      picture: {
        kind: "density",
        title: "The law of the radius r = |w|: SGD and the radial PDE",
        subtitle: parameters,
        x: { label: "radius r = |w|", scale: "linear", domain: [0, 6] },
        y: "density ρ̄(r)",
        key: { histogram: `SGD, ${replicas} × ${NEURONS} neurons`, density: "radial PDE (finite volumes)" },
        panels: Array.from(drawn, (t, i) => ({
          title: `t = ${DRAWN_TIMES[i]}`,
          histogram: pooled(Array.from({ length: replicas }, (_, r) => radiiOf(r, nearest(times, t)))),
          density: gridDensity(coordinate(pde.measures![i]!, "r1", problem)),
        })),
      },
    },
    {
      file: "risk.svg",
      picture: {
        kind: "risk",
        title: "Population risk: SGD and the radial PDE",
        subtitle: parameters,
        x: { label: "time t = kε", scale: "log" },
        y: { label: "risk R = E|y − f(x)|²", scale: "linear" },
        curves: [{ label: "", network: series, limit: limitSeries }],
        levels: [],
        key,
        gap: {
          label: "R(SGD) − R(PDE)",
          curves: [{ series: { ...series, y: gap, low: shifted(series.low), high: shifted(series.high) } }],
        },
      },
    },
  ];

  return {
    table: {
      columns: [
        { name: "t", digits: 1 },
        { name: "R(SGD)", digits: 4 },
        { name: "± s.e.", digits: 4 },
        { name: "R(PDE)", digits: 4 },
        { name: "gap", digits: 4 },
        { name: "W1(r), mean", digits: 4 },
        { name: "W1(r), worst", digits: 4 },
      ],
      rows,
    },
    pictures,
    findings,
    warnings: [...new Set([...network.warnings, ...limit.warnings, ...pde.warnings])],
    data: {
      processes: { sgd: process, characteristics: limitProcess, grid: gridProcess },
      provenance: network.provenance,
      replicas,
      times: Array.from(times),
      risk: {
        sgd: Array.from(networkRisk.mean),
        standardError: Array.from(networkRisk.standardError, finiteOrNull),
        perReplica: networkRisk.replicas.map((values) => Array.from(values)),
        pde: Array.from(limitRisk),
        method: networkRisk.method ?? null,
      },
      w1OfRadii: distances,
      grid: { times: Array.from(drawn), risk: Array.from(pde.observables.risk!.values) },
    },
  };
}

function w1Finding(times: Float64Array, distances: readonly number[][]): Finding {
  const worst = W1_BOUNDS.map(([to], k) => {
    const from = k === 0 ? -1 : W1_BOUNDS[k - 1]![0];
    const within = TABLE_TIMES.filter((t) => t > from && t <= to).map((t) => distances[nearest(times, t)]!);
    return Math.max(...within.flat());
  });
  return {
    expected: "W1 of the radial laws, every replica: at most 0.01 / 0.015 / 0.06 / 0.1 for t ≤ 3 / 5 / 10 / 20",
    measured: `at most ${worst.map(say).join(" / ")}`,
    met: worst.every((value, k) => value <= W1_BOUNDS[k]![1]),
  };
}

// Bins of the pooled radii by the rule of Freedman and Diaconis.
function pooled(laws: readonly Marginal[]): { edges: number[]; heights: number[] } {
  const values = Float64Array.from(laws.flatMap((law) => Array.from((law as { values: Float64Array }).values)));
  const all: Marginal = { kind: "particles", values, weights: null };
  const width = Math.max(0.012, 2 * (quantile(all, 0.75) - quantile(all, 0.25)) * pow(values.length, -1 / 3));
  const low = Math.floor(quantile(all, 0) / width);
  const high = Math.max(low + 1, Math.ceil(quantile(all, 1) / width + 1e-9));
  const edges = Array.from({ length: high - low + 1 }, (_, i) => (low + i) * width);
  return { edges, heights: Array.from(histogram(all, { edges }).density) };
}

function gridDensity(law: Marginal): Series | null {
  if (law.kind !== "grid") return null;
  const { edges, masses } = law;
  return {
    x: Array.from(masses, (_, i) => (edges[i]! + edges[i + 1]!) / 2),
    y: Array.from(masses, (mass, i) => mass / (edges[i + 1]! - edges[i]!)),
  };
}
