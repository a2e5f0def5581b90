// The HWI inequality along mean-field Langevin flows: free energy by distance and dissipation.    theory §7; docs/langevin.md

import { log } from "../../engine/math";
import { cellsOf, finish } from "../../measure/cells";
import { cellDissipation } from "../../measure/freeEnergy";
import type { Grid } from "../../measure/measure";
import { gaussian } from "../../model/start";
import { type Rate, rate } from "../rate";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import {
  doubleWell,
  type LangevinCase,
  meanFieldOrnsteinUhlenbeck,
  ORNSTEIN_UHLENBECK,
  ornsteinUhlenbeck,
  tanhUnits,
} from "./langevinCases";
import { distance, flowOf, type LangevinFlow, restOf } from "./langevinFlow";
import type { StatisticsPicture } from "./picture";
import { saySlope } from "./slopes";

const POINTS = 48;
/** Part of the points, at the end, that the slope is taken from. */
const LATE = 12;

const settings: { one: LangevinCase; start: string; w: { mean: number; deviation: number }; end: number }[] = [
  {
    one: ornsteinUhlenbeck,
    start: "m* shifted by 1.5",
    w: { mean: 1.5, deviation: Math.sqrt(ORNSTEIN_UHLENBECK.stationary.variance) },
    end: 4,
  },
  { one: meanFieldOrnsteinUhlenbeck, start: "N(−1, 0.5²)", w: { mean: -1, deviation: 0.5 }, end: 4 },
  { one: tanhUnits, start: "N(−2, 0.3²)", w: { mean: -2, deviation: 0.3 }, end: 8 },
  { one: doubleWell, start: "N(−1.2, 0.3²)", w: { mean: -1.2, deviation: 0.3 }, end: 20 },
];

/** Both sides of the HWI inequality against time. */
export const hwi: Figure = {
  name: "hwi",
  title: "The HWI inequality holds along mean-field Langevin flows",
  claim: [
    "V(mₜ) − V(m*) ≤ W2 √I − (κ/2) W2², with W2 the distance of mₜ from m*, I = ∫|D_mF + ∇U + τ∇log m|² m the dissipation, and κ a",
    "constant such that V is κ-convex along geodesics, negative or not: inf U″ − sup|∂²Ψ| where F is a convex function of means. Without",
    "interaction and from a shifted m* it is an equality. Otto and Villani's form, for the relative entropy and Fisher information",
    "with respect to m* itself, has the curvature of −log m* for K; both are shown to hold at all times, for four flows.",
  ].join(" "),
  run,
};

interface Side {
  left: number[];
  right: number[];
}

interface Result {
  one: LangevinCase;
  start: string;
  flow: LangevinFlow;
  W: number[];
  /** V(m_t) − V(m*) and W2 √I − (κ/2) W2² */
  free: Side;
  /** τH(m_t | m*) and τ(W2 √I(m_t | m*) − (K/2) W2²) */
  relative: Side;
  /** τK */
  curvature: number;
  slope: Rate;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full } = readOptions(options, 1);
  const { signal, backend } = options;
  const cells = full ? 8192 : 2048;
  const progress = phases(
    options.onProgress,
    settings.map(() => 1),
  );

  const results: Result[] = [];
  for (const [k, { one, start, w, end }] of settings.entries()) {
    const begin = gaussian({ w });
    const flow = await flowOf(one, {
      start: begin,
      times: [0, ...logSpaced(0.01, end, POINTS - 1)],
      maxStep: end / 200,
      cells,
      signal,
      backend,
      onFraction: (fraction) => progress(k, one.name, fraction),
    });
    const rest = await restOf(one, begin, cells, signal);
    const W = flow.laws.map((law) => distance(law, rest.measure));
    const bound = (W2: number, dissipation: number, convexity: number) =>
      W2 * Math.sqrt(dissipation) - (convexity / 2) * W2 * W2;
    const free = {
      left: flow.freeEnergy.map((value) => value - rest.freeEnergy.value),
      right: W.map((d, i) => bound(d, flow.dissipation[i]!, one.convexity)),
    };
    const gibbs = gibbsPotential(rest.measure, one.temperature);
    const curvature = leastCurvature(gibbs, rest.measure.edges[0]!);
    const relative = {
      left: flow.laws.map((law) => one.temperature * relativeEntropy(law, rest.measure)),
      right: flow.laws.map((law, i) => {
        const fisher = finish(cellDissipation(law.masses, cellsOf(law.edges), gibbs, one.temperature));
        return bound(W[i]!, fisher, curvature);
      }),
    };
    results.push({
      one,
      start,
      flow,
      W,
      free,
      relative,
      curvature,
      slope: rate(free.right.slice(-LATE), free.left.slice(-LATE)),
    });
  }

  const largest = ({ left, right }: Side) => Math.max(...left.map((one, i) => one / right[i]!));
  const each = (values: readonly (number | string)[]) =>
    values.map((value, k) => `${typeof value === "number" ? say(value) : value} (${results[k]!.one.name})`).join(", ");
  const [sharp, ...others] = results as [Result, ...Result[]];
  const spread = Math.max(...sharp.free.left.map((one, i) => Math.abs(one / sharp.free.right[i]! - 1)));
  const findings: Finding[] = [
    {
      expected: "V(mₜ) − V(m*) ≤ W2 √I − (κ/2) W2² at all times: left over right at most 1",
      measured: `at most ${each(results.map(({ free }) => largest(free)))}`,
      met: largest(sharp.free) < 1 + 1e-3 && others.every(({ free }) => largest(free) < 1),
    },
    {
      expected: "an equality where F = 0 and m₀ is m* shifted, within 0.1 %",
      measured: `within ${say(100 * spread)} %`,
      met: spread < 1e-3,
    },
    {
      expected: "Otto and Villani: H(mₜ | m*) ≤ W2 √I(mₜ | m*) − (K/2) W2², K the least curvature of −log m*",
      measured: `left over right at most ${each(results.map(({ relative }) => largest(relative)))}`,
      met: largest(sharp.relative) < 1 + 1e-3 && others.every(({ relative }) => largest(relative) < 1),
    },
    {
      expected: "τH(mₜ | m*) ≤ V(mₜ) − V(m*), as F is convex",
      measured: `at most ${each(results.map(({ free, relative }) => largest({ left: relative.left, right: free.left })))} of it`,
      met: results.every(({ free, relative }) => largest({ left: relative.left, right: free.left }) < 1 + 1e-6),
    },
    {
      expected: "the left side falls at least as fast as the right: slope 1 or more, less 0.05",
      measured: each(results.map(({ slope }) => saySlope(slope))),
      met: results.every(({ slope }) => slope.exponent >= 0.95),
    },
  ];

  const shown = [0, 0.1, 0.3, 1, 3].flatMap((t) => {
    const { times } = results[0]!.flow;
    return [times.reduce((best, one, i) => (Math.abs(one - t) < Math.abs(times[best]! - t) ? i : best), 0)];
  });
  return {
    table: {
      columns: [
        { name: "problem", digits: 0 },
        { name: "κ", digits: 3 },
        { name: "τK", digits: 3 },
        { name: "t", digits: 2 },
        { name: "V − V*", digits: 6 },
        { name: "W2", digits: 5 },
        { name: "√I", digits: 5 },
        { name: "right", digits: 6 },
        { name: "left/right", digits: 4 },
        { name: "theorem", digits: 0 },
        { name: "τH/right", digits: 4 },
        { name: "slope", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
      ],
      rows: results.flatMap(({ one, curvature, flow, free, relative, W, slope }) =>
        shown.map((i) => [
          one.name,
          one.convexity,
          curvature,
          flow.times[i]!,
          free.left[i]!,
          W[i]!,
          Math.sqrt(flow.dissipation[i]!),
          free.right[i]!,
          free.left[i]! / free.right[i]!,
          "≤ 1",
          relative.left[i]! / relative.right[i]!,
          slope.exponent,
          ...slope.interval!,
        ]),
      ),
    },
    pictures: [{ file: "sides.svg", picture: pictureOf(results) }],
    findings,
    warnings: [...new Set(results.flatMap(({ flow }) => flow.warnings))],
    data: {
      cells,
      results: results.map(({ one, start, flow, W, free, relative, curvature, slope }) => ({
        problem: one.name,
        start,
        process: flow.spec,
        convexity: one.convexity,
        curvature,
        times: flow.times,
        W2: W,
        dissipation: flow.dissipation,
        free,
        relative,
        slope,
      })),
    },
  };
}

// −τ log m* at the cells, up to a constant: U + Ψ(·; m*).
function gibbsPotential({ masses }: Grid, temperature: number): Float64Array {
  return masses.map((m) => -temperature * log(m));
}

function leastCurvature(potential: Float64Array, edges: Float64Array): number {
  const h = edges[1]! - edges[0]!;
  let least = Infinity;
  for (let i = 1; i + 1 < potential.length; i++) {
    least = Math.min(least, (potential[i - 1]! - 2 * potential[i]! + potential[i + 1]!) / (h * h));
  }
  return least;
}

function relativeEntropy(law: Grid, rest: Grid): number {
  return law.masses.reduce((sum, m, i) => (m > 0 ? sum + m * (log(m) - log(rest.masses[i]!)) : sum), 0);
}

function pictureOf(results: Result[]): StatisticsPicture {
  return {
    kind: "statistics",
    title: "HWI: the free energy is bounded by distance and dissipation",
    subtitle:
      "V − V*, V = F + ∫U dm + τ∫ m log m, below W2 √I − (κ/2) W2² along Fokker–Planck flows, I the dissipation and κ the convexity of V along geodesics; " +
      "τH, H the relative entropy to m*, is below V − V*, as F is convex",
    x: { label: "time t", scale: "log" },
    key: { limit: "grid" },
    panels: results.map(({ one, start, flow, free, relative }) => {
      const x = flow.times.slice(1);
      const y = (values: number[]) => values.slice(1);
      return {
        title: `${one.name[0]!.toUpperCase()}${one.name.slice(1)} from ${start}, κ = ${say(one.convexity)}`,
        y: { label: "both sides", scale: "log" as const },
        curves: [
          { label: "W2 √I − (κ/2) W2²", limit: { x, y: y(free.right) }, network: null },
          { label: "V − V*", limit: { x, y: y(free.left) }, network: null },
          { label: "τH", limit: { x, y: y(relative.left) }, network: null },
        ],
        levels: [],
      };
    }),
  };
}
