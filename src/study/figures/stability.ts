// Stability of the mean-field Langevin flow in its start: W2(m_t, m_t') ≤ C W2(m_0, m_0').        theory §7; docs/langevin.md

import { exp } from "../../engine/math";
import type { Measure } from "../../measure/measure";
import { gaussian } from "../../model/start";
import { langevin } from "../../process/schema";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import {
  type Figure,
  type FigureOptions,
  type FigureResult,
  type Finding,
  finiteOrNull,
  phases,
  readOptions,
  say,
} from "./figure";
import { doubleWell, type LangevinCase, looseDoubleWell, meanFieldOrnsteinUhlenbeck, tanhUnits } from "./langevinCases";
import { distance, flowOf, type LangevinFlow } from "./langevinFlow";
import type { RatePicture, StatisticsPicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const NEURONS = 4000;
const STEP = 0.005;
/** W2 of the two starts: the second one is the first, shifted by as much. */
const SIZES = [0.4, 0.2, 0.1, 0.05, 0.025];
/** Slopes are taken from these down. */
const SMALL = 0.1;
/** The size of which particles are run. */
const PAIR = 0.2;
const POINTS = 40;

const settings: { one: LangevinCase; mean: number; deviation: number; end: number }[] = [
  { one: meanFieldOrnsteinUhlenbeck, mean: -1, deviation: 0.5, end: 4 },
  { one: tanhUnits, mean: -2, deviation: 0.3, end: 8 },
  { one: doubleWell, mean: -1.2, deviation: 0.1, end: 8 },
  { one: looseDoubleWell, mean: -0.2, deviation: 0.1, end: 8 },
];

/** W2 between flows from several pairs of starts. */
export const stability: Figure = {
  name: "stability",
  title: "Mean-field Langevin flows from two starts stay within a multiple of their first distance",
  claim: [
    "W2(mₜ, mₜ′) of Fokker–Planck flows from pairs of starts, over W2(m₀, m₀′). Where the free energy is κ-convex along geodesics",
    "this is at most e^{−κt}, so C = 1 where κ ≥ 0, as for the mean-field Ornstein–Uhlenbeck process. Tanh units and a double well have",
    "κ < 0, and from a barrier two laws do part: C > 1. The distance at t = 1 is proportional to that at the start, exponent 1, from",
    "0.025 to 0.1. Particles that share their noise have the same distances.",
  ].join(" "),
  run,
};

interface Result {
  one: LangevinCase;
  from: string;
  times: number[];
  /** W2 at each time, for each size */
  W: number[][];
  /** of W2 at t = 1 in W2 at 0 */
  slope: Rate;
  particles: { times: number[]; mean: number[]; error: number[] };
  flows: LangevinFlow[];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 6);
  const { signal, backend } = options;
  const cells = full ? 4096 : 1024;
  const neurons = full ? 4 * NEURONS : NEURONS;
  const progress = phases(
    options.onProgress,
    settings.flatMap(() => [1, 1]),
  );

  const results: Result[] = [];
  for (const [k, { one, mean, deviation, end }] of settings.entries()) {
    const from = `N(${say(mean)}, ${deviation}²)`;
    const startAt = (shift: number) => gaussian({ w: { mean: mean + shift, deviation } });
    const times = Array.from({ length: POINTS + 1 }, (_, i) => (end * i) / POINTS);
    const flows: LangevinFlow[] = [];
    for (const size of [0, ...SIZES]) {
      const onFraction = (fraction: number) =>
        progress(2 * k, `${one.name} from ${from}`, (flows.length + fraction) / (SIZES.length + 1));
      flows.push(await flowOf(one, { start: startAt(size), times, maxStep: 0.05, cells, signal, backend, onFraction }));
    }
    const [first, ...others] = flows as [LangevinFlow, ...LangevinFlow[]];
    const W = others.map((other) => other.laws.map((law, i) => distance(law, first.laws[i]!)));

    const dots = times.filter((_, i) => i % 4 === 0);
    const distances: number[][] = [];
    for (let replica = 0; replica < replicas; replica++) {
      const two: Measure[][] = [];
      for (const size of [0, PAIR]) {
        const process = langevin(one.problem(startAt(size)), {
          neurons,
          stepSize: STEP,
          temperature: one.temperature,
          seed,
          replica,
        });
        const onProgress = ({ fraction }: { fraction: number }) =>
          progress(
            2 * k + 1,
            `${one.name} from ${from}, particles`,
            (replica + (two.length + fraction) / 2) / replicas,
          );
        const run = await solve(process, { times: dots, observe: {}, keep: "measures", signal, backend, onProgress });
        signal?.throwIfAborted();
        two.push(run.measures!);
      }
      distances.push(two[0]!.map((measure, i) => distance(measure, two[1]![i]!)));
    }
    const points = dots.map((_, i) => meanAndError(distances.map((values) => values[i]!)));
    const early = times.findIndex((t) => t >= 1 - 1e-9);
    const small = W.filter((_, i) => SIZES[i]! <= SMALL);
    results.push({
      one,
      from,
      times,
      W,
      slope: rate(
        small.map((values) => values[0]!),
        small.map((values) => values[early]!),
        { expected: 1 },
      ),
      particles: {
        times: dots,
        mean: points.map(({ mean }) => mean),
        error: points.map(({ error }) => error ?? Number.NaN),
      },
      flows,
    });
  }

  const ratios = ({ W }: Result) => W.map((values) => values.map((one) => one / values[0]!));
  const largest = (result: Result) => Math.max(...ratios(result).flat());
  const share = ({ one, times, W }: Result) =>
    Math.max(...W.flatMap((values) => values.map((d, i) => (d / values[0]!) * exp(one.convexity * times[i]!))));
  const at = SIZES.indexOf(PAIR);
  const scores = results.map(({ W, particles: { times, mean, error } }) =>
    Math.max(...times.map((_, i) => Math.abs(mean[i]! - W[at]![4 * i]!) / (4.5 * error[i]! + 0.01 * W[at]![0]!))),
  );
  const each = (values: readonly (number | string)[]) =>
    values
      .map(
        (value, k) =>
          `${typeof value === "number" ? say(value) : value} (${results[k]!.one.name} from ${results[k]!.from})`,
      )
      .join(", ");
  const findings: Finding[] = [
    {
      expected: "W2(mₜ, mₜ′) ≤ e^{−κt} W2(m₀, m₀′) for all pairs at all times",
      measured: `at most this share of it: ${each(results.map(share))}`,
      met: results.every((result) => share(result) < 1 + 1e-3),
    },
    {
      expected: "C = 1 where V is convex along geodesics; more is needed at the barrier of a double well",
      measured: `largest W2(mₜ, mₜ′)/W2(m₀, m₀′): ${each(results.map(largest))}`,
      met: largest(results[0]!) <= 1 && largest(results[3]!) > 1.2,
    },
    {
      expected: `W2(mₜ, mₜ′) at t = 1 is proportional to W2(m₀, m₀′) up to ${SMALL}: slope 1, within 0.1`,
      measured: each(results.map(({ slope }) => saySlope(slope))),
      met: results.every(({ slope }) => Math.abs(slope.exponent - 1) <= 0.1),
    },
    {
      expected: `particles that share their noise have the distance of the flows, from ${PAIR}, within 4.5 standard errors and 1 % of the first`,
      measured: `at most this share of it: ${each(scores)}`,
      met: replicas > 1 ? scores.every((score) => score < 1) : null,
    },
  ];

  return {
    table: {
      columns: [
        { name: "problem", digits: 0 },
        { name: "start", digits: 0 },
        { name: "κ", digits: 3 },
        { name: "W2(m₀, m₀′)", digits: 3 },
        { name: "at t = 1", digits: 5 },
        { name: "largest", digits: 5 },
        { name: "C", digits: 3 },
        { name: "slope", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "theorem", digits: 0 },
      ],
      rows: results.flatMap(({ one, from, times, W, slope }) =>
        W.map((values) => [
          one.name,
          from,
          one.convexity,
          values[0]!,
          values[times.findIndex((t) => t >= 1 - 1e-9)]!,
          Math.max(...values),
          Math.max(...values) / values[0]!,
          slope.exponent,
          ...slope.interval!,
          1,
        ]),
      ),
    },
    pictures: [
      { file: "time.svg", picture: timePicture(results, replicas, neurons) },
      { file: "distance.svg", picture: distancePicture(results) },
    ],
    findings,
    warnings: [...new Set(results.flatMap(({ flows }) => flows.flatMap(({ warnings }) => warnings)))],
    data: {
      cells,
      replicas,
      neurons,
      stepSize: STEP,
      results: results.map(({ one, from, times, W, slope, particles, flows }) => ({
        problem: one.name,
        start: from,
        process: flows[0]!.spec,
        convexity: one.convexity,
        sizes: SIZES,
        times,
        W2: W,
        slope,
        particles: { size: PAIR, ...particles, error: particles.error.map(finiteOrNull) },
      })),
    },
  };
}

function timePicture(results: Result[], replicas: number, neurons: number): StatisticsPicture {
  const shown = [0.4, PAIR, 0.025];
  return {
    kind: "statistics",
    title: "Two flows stay within a multiple of their first distance",
    subtitle:
      "the second start is the first, shifted by the number at the right end; " +
      `particles, for ${PAIR}: N = ${neurons} with the same noise for both, mean of ${replicas} ${replicas === 1 ? "run" : "runs"}; e^{−κt} is the bound by convexity`,
    x: { label: "time t", scale: "linear" },
    key: {
      limit: "Fokker–Planck",
      network: "Langevin particles",
      spread: "± standard error",
      reference: "bound e^{−κt}",
    },
    panels: results.map(({ one, from, times, W, particles }) => {
      const all = W.flatMap((values) => values.map((d) => d / values[0]!));
      const first = W[SIZES.indexOf(PAIR)]![0]!;
      const top = 1.08 * Math.max(1, ...all);
      const dense = Array.from({ length: 201 }, (_, i) => (times[times.length - 1]! * i) / 200);
      const bound = dense.map((t) => exp(-one.convexity * t));
      return {
        title: `${one.name[0]!.toUpperCase()}${one.name.slice(1)} from ${from}, κ = ${say(one.convexity)}`,
        y: { label: "W2(mₜ, mₜ′) / W2(m₀, m₀′)", scale: "linear" as const, domain: [0, top] as [number, number] },
        curves: shown.map((size) => {
          const values = W[SIZES.indexOf(size)]!;
          return {
            label: String(size),
            limit: { x: times, y: values.map((d) => d / values[0]!) },
            network:
              size === PAIR
                ? {
                    x: particles.times,
                    y: particles.mean.map((d) => d / first),
                    low: replicas > 1 ? particles.mean.map((d, i) => (d - particles.error[i]!) / first) : null,
                    high: replicas > 1 ? particles.mean.map((d, i) => (d + particles.error[i]!) / first) : null,
                  }
                : null,
          };
        }),
        levels: [],
        references: [{ label: "", x: dense.filter((_, i) => bound[i]! <= top), y: bound.filter((one) => one <= top) }],
      };
    }),
  };
}

function distancePicture(results: Result[]): RatePicture {
  const early = results.map(({ times, W }) => {
    const at = times.findIndex((t) => t >= 1 - 1e-9);
    return { x: W.map((values) => values[0]!), y: W.map((values) => values[at]!) };
  });
  const ends = [Math.min(...SIZES), Math.max(...SIZES)];
  return {
    kind: "rate",
    title: "The distance of two flows is proportional to that of their starts",
    subtitle: "W2(mₜ, mₜ′) at t = 1; slopes with 95 % intervals, a Lipschitz bound has the slope 1",
    key: { network: "pair of starts", limit: "fitted power law", reference: "W2(m₁, m₁′) = W2(m₀, m₀′)" },
    panels: [
      {
        title: "",
        x: { label: "W2(m₀, m₀′)" },
        y: { label: "W2(m₁, m₁′)" },
        curves: results.map(({ one, from, slope }, k) =>
          rateCurve({
            label: `${one.name} from ${from}`,
            x: early[k]!.x,
            replicas: early[k]!.y.map((d) => [d]),
            rate: slope,
            fitted: SIZES.filter((size) => size <= SMALL),
          }),
        ),
        references: [powerLaw("slope 1", ends, 1, 1)],
      },
    ],
  };
}
