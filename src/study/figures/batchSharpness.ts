// The sharpness that SGD reaches with small and large batches, at one step size and at one noise level.      theory §11; docs/edgeOfStability.md

import { gradientDescent, type Process, sgd } from "../../process/schema";
import { ensemble } from "../ensemble";
import { risk, sharpness } from "../observables";
import { studentBound } from "../student";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { SpreadSeries, StatisticsPicture, SweepPicture } from "./picture";
import { SINE_NEURONS, sineNetwork } from "./sineNetwork";
import { meanAndError } from "./slopes";

const BATCHES = [1, 2, 4, 8, 16];
/** ε of all batches, and ε/B of all batches. */
const STEP_SIZE = 0.2;
const NOISE = 0.025;
/** Error of the labels, ± in turn: with none of it the noise of SGD would die out with the loss. */
const ERROR = 0.2;
const END = 1000;
/** Risk at which runs are compared as well as at the end. */
const LEVEL = 0.08;

/** λ_max of SGD by batch size. */
export const batchSharpness: Figure = {
  name: "batch-sharpness",
  title: "Small batches lead to flatter networks, by their noise ε/B",
  claim: [
    "SGD on y = sin 2x ± 0.2 with 32 tanh neurons, in steps below the edge of stability of gradient descent. At one step size, the smaller the",
    "batch the flatter the network, at the same time and at the same training risk alike: gradient descent sharpens all along, the noise holds SGD back.",
    "At one ε/B, the level of the noise, batches of 1 to 8 reach nearly the same sharpness at the same time t = kε; larger steps come",
    "out a little flatter, as ε λ_max is no longer small. Replicas of one seed start from the same network at all batch sizes, so differences are",
    "taken start by start.",
  ].join(" "),
  run,
};

interface Group {
  name: string;
  /** null is gradient descent */
  batch: number | null;
  stepSize: number;
  times: number[];
  /** [replica][time] */
  sharpness: Float64Array[];
  risk: Float64Array[];
  /** λ_max where the risk first is below the level, one a replica; NaN where it never is. */
  atLevel: Float64Array;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 8);
  const { signal, backend, workers, checkpoint } = options;
  signal?.throwIfAborted();
  const problem = sineNetwork(ERROR);
  // multiples of all step sizes
  const times = Array.from(logSpaced(1.6, END, full ? 80 : 40), (t) => Math.round(t / 1.6) * 1.6);
  const asked = [...new Set([0, ...times])];
  const rules = [
    { name: `ε = ${STEP_SIZE}`, of: () => STEP_SIZE },
    { name: `ε/B = ${NOISE}`, of: (batch: number) => NOISE * batch },
  ];
  const plans = [
    ...rules.flatMap((rule) => BATCHES.map((batch) => ({ rule: rule.name, batch, stepSize: rule.of(batch) }))),
    { rule: rules[0]!.name, batch: null, stepSize: STEP_SIZE },
  ];
  const progress = phases(
    options.onProgress,
    plans.map(({ stepSize }) => 1 + 0.1 / stepSize),
  );
  const warnings = new Set<string>();
  const groups: Group[] = [];
  for (const [i, { rule, batch, stepSize }] of plans.entries()) {
    const common = { neurons: SINE_NEURONS, stepSize, seed };
    const process: Process =
      batch === null ? gradientDescent(problem, common) : sgd(problem, { ...common, batchSize: batch });
    const found = await ensemble(process, {
      replicas,
      times: asked,
      observe: { risk: risk(), sharpness: sharpness({ tolerance: 1e-4 }) },
      workers,
      backend,
      signal,
      checkpoint,
      onProgress: ({ fraction }) =>
        progress(i, batch === null ? "gradient descent" : `${rule}, B = ${batch}`, fraction),
    });
    for (const warning of found.warnings) warnings.add(warning);
    const [risks, values] = [found.observables["risk"]!.replicas, found.observables["sharpness"]!.replicas];
    groups.push({
      name: rule,
      batch,
      stepSize,
      times: Array.from(found.times),
      sharpness: values,
      risk: risks,
      atLevel: Float64Array.from(risks, (one, r) => values[r]![one.findIndex((x) => x < LEVEL)] ?? Number.NaN),
    });
  }

  const last = (group: Group) => Float64Array.from(group.sharpness, (one) => one[one.length - 1]!);
  const groupOf = (rule: number, batch: number | null) =>
    groups.find(({ name, batch: one }) => name === rules[rule]!.name && one === batch)!;
  // mean and 95 % interval over starts
  const interval = (values: Float64Array) => {
    const { mean, error } = meanAndError(values);
    const half = error === null ? Number.NaN : error * studentBound(0.95, values.length - 1);
    return { mean, low: mean - half, high: mean + half };
  };
  const ratio = (a: Float64Array, b: Float64Array) => interval(a.map((value, r) => value / b[r]!));
  const sayInterval = ({ mean, low, high }: ReturnType<typeof interval>) =>
    `${say(mean)} (${say(low)} to ${say(high)})`;
  const several = replicas > 1;
  const flatter = ratio(last(groupOf(0, 1)), last(groupOf(0, 16)));
  const flatterAtLevel = ratio(groupOf(0, 1).atLevel, groupOf(0, 16).atLevel);
  const order = BATCHES.map((batch) => interval(last(groupOf(0, batch))).mean);
  const same = BATCHES.slice(1).map((batch) => ratio(last(groupOf(1, batch)), last(groupOf(1, 1))));
  const largest = Math.max(
    ...groups.map(({ stepSize, sharpness: all }) => stepSize * Math.max(...all.map((one) => Math.max(...one)))),
  );
  const findings: Finding[] = [
    {
      expected: `at ε = ${STEP_SIZE}, λ_max at t = ${END} grows with the batch`,
      measured: BATCHES.map((batch, i) => `B = ${batch}: ${say(order[i]!)}`).join(", "),
      met: several ? order.every((value, i) => i === 0 || value > order[i - 1]!) : null,
    },
    {
      expected: `at ε = ${STEP_SIZE} batches of 1 end flatter than batches of 16: the 95 % interval of the ratio of λ_max, start by start, lies below 0.6`,
      measured: sayInterval(flatter),
      met: several ? flatter.high < 0.6 : null,
    },
    {
      expected: `and so they are at the same training risk, where it first is below ${LEVEL}: the interval lies below 0.8`,
      measured: sayInterval(flatterAtLevel),
      met: several ? flatterAtLevel.high < 0.8 : null,
    },
    {
      expected: `at ε/B = ${NOISE} the batch hardly matters while ε λ_max is small: λ_max at t = ${END} is that of batches of 1 within 10 % for B = 2, 4 and 8`,
      measured: BATCHES.slice(1)
        .map((batch, i) => `B = ${batch}: ${sayInterval(same[i]!)}`)
        .join(", "),
      met: several ? same.slice(0, 3).every(({ mean }) => Math.abs(mean - 1) < 0.1) : null,
    },
    {
      expected: "no run comes near the edge of stability of gradient descent, ε λ_max = 2",
      measured: `largest ε λ_max ${say(largest)}`,
      met: largest < 1.5,
    },
  ];

  return {
    table: {
      columns: [
        { name: "rule", digits: 0 },
        { name: "B", digits: 0 },
        { name: "ε", digits: 3 },
        { name: `λ_max at t = ${END}`, digits: 3 },
        { name: "±", digits: 3 },
        { name: `λ_max at risk ${LEVEL}`, digits: 3 },
        { name: "±", digits: 3 },
        { name: `risk at t = ${END}`, digits: 4 },
      ],
      rows: groups.map((group) => {
        const [end, level] = [interval(last(group)), interval(group.atLevel)];
        const half = ({ mean, high }: typeof end) => (several ? high - mean : "–");
        return [
          group.name,
          group.batch ?? "all",
          group.stepSize,
          end.mean,
          half(end),
          Number.isNaN(level.mean) ? "–" : level.mean,
          Number.isNaN(level.mean) ? "–" : half(level),
          meanAndError(Float64Array.from(group.risk, (one) => one[one.length - 1]!)).mean,
        ];
      }),
    },
    pictures: [
      {
        file: "times.svg",
        picture: timesPicture(
          groups,
          rules.map(({ name }) => name),
          replicas,
        ),
      },
      {
        file: "batches.svg",
        picture: batchPicture(
          rules.map(({ name }) => name),
          (rule, at, batch) => {
            const group = groupOf(rule, batch);
            return interval(at === "end" ? last(group) : group.atLevel);
          },
          replicas,
        ),
      },
    ],
    findings,
    warnings: [...warnings],
    data: {
      error: ERROR,
      level: LEVEL,
      seed,
      replicas,
      groups: groups.map(({ sharpness: lambda, risk: risks, atLevel, ...group }) => ({
        ...group,
        sharpness: lambda.map((one) => Array.from(one)),
        risk: risks.map((one) => Array.from(one)),
        atLevel: Array.from(atLevel, (value) => (Number.isNaN(value) ? null : value)),
      })),
    },
  };
}

function timesPicture(groups: Group[], rules: readonly string[], replicas: number): StatisticsPicture {
  const means = (group: Group, of: "sharpness" | "risk"): SpreadSeries => {
    const out = { x: [] as number[], y: [] as number[], low: [] as number[], high: [] as number[] };
    group.times.forEach((t, k) => {
      if (t === 0) return;
      const { mean, error } = meanAndError(Float64Array.from(group[of], (one) => one[k]!));
      out.x.push(t);
      out.y.push(mean);
      out.low.push(mean - (error ?? 0));
      out.high.push(mean + (error ?? 0));
    });
    return out;
  };
  const curves = (rule: string, of: "sharpness" | "risk", named: boolean) =>
    groups
      .filter(({ name }) => name === rule)
      .map((group, hue) => {
        const series = means(group, of);
        const label = named ? (group.batch === null ? "all: GD" : `B = ${group.batch}`) : "";
        return { label, network: series, limit: { x: series.x, y: series.y }, hue };
      });
  return {
    kind: "statistics",
    title: "Sharpness along SGD by batch size",
    subtitle: `y = sin 2x ± 0.2 at 16 points, ${SINE_NEURONS} tanh neurons, draws with replacement; ${replicas} starts, the same for all batches`,
    x: { label: "time t = kε", scale: "log" },
    key: { network: "mean over starts", spread: "± standard error" },
    panels: rules.flatMap((rule) => [
      {
        title: `sharpness, ${rule}`,
        y: { label: "λ_max", scale: "linear" as const, domain: [0, 3.5] as [number, number] },
        curves: curves(rule, "sharpness", true),
        levels: [],
      },
      {
        title: `training risk, ${rule}`,
        y: { label: "R", scale: "log" as const },
        curves: curves(rule, "risk", false),
        levels: [],
      },
    ]),
  };
}

function batchPicture(
  rules: readonly string[],
  of: (rule: number, at: "end" | "level", batch: number) => { mean: number; low: number; high: number },
  replicas: number,
): SweepPicture {
  return {
    kind: "sweep",
    title: "The sharpness reached falls with ε/B, not with B",
    subtitle: `SGD on y = sin 2x ± 0.2, ${SINE_NEURONS} tanh neurons; ${replicas} starts with 95 % intervals`,
    x: { label: "batch size B", scale: "log" },
    y: { label: "λ_max", scale: "linear" },
    panels: (["end", "level"] as const).map((at) => ({
      title: at === "end" ? `after equal time, t = ${END}` : `at equal training risk, ${LEVEL}`,
      curves: rules.map((label, rule) => {
        const points = BATCHES.map((batch) => of(rule, at, batch));
        return {
          label,
          series: {
            x: BATCHES,
            y: points.map(({ mean }) => mean),
            low: replicas > 1 ? points.map(({ low }) => low) : null,
            high: replicas > 1 ? points.map(({ high }) => high) : null,
          },
        };
      }),
      limit: null,
      levels: [],
    })),
    key: { network: "mean over starts", spread: "95 % interval" },
    limit: "",
  };
}
