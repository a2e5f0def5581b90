// Figure 4: a number of neurons that does not grow with d and n = O(d) examples are enough.   theory §5; Mei–Misiakiewicz–Montanari 2019

import { truncatedRelu } from "../../model/activation";
import { anisotropicGaussians } from "../../model/law";
import { type Problem, parseProblem } from "../../model/problem";
import { radii } from "../../model/start";
import { ridge } from "../../model/unit";
import { radialFlow, type SgdProcess, sgd } from "../../process/schema";
import { type Ensemble, ensemble } from "../ensemble";
import { solve, type Trajectory } from "../solve";
import { logSpaced } from "../times";
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
import type { SpreadSeries, SweepPicture } from "./picture";

/** inf R at d = ∞, the optimum over single points (r1, r2). */
const INFIMA = { 0.5: 0.87206, 0.8: 0.76601 } as const;
const DELTAS = [0.5, 0.8] as const;
const GAMMA = 0.2;
const END = 20;

const problemOf = (dimension: number | "infinite", delta: number): Problem =>
  parseProblem({
    law: anisotropicGaussians({ dimension, signal: dimension === "infinite" ? GAMMA : GAMMA * dimension, delta }),
    unit: ridge(truncatedRelu()),
    start: radii({ r1: { from: 0, to: 0.5 }, r2: { from: 0, to: 0.5 } }),
  });

/** Truncated ReLU: risk against n/d for several d and N, ε = 1/(C d). */
export const dimensionFree: Figure = {
  name: "dimension-free",
  title: "Truncated ReLU: as many neurons for d = 400 as for d = 50, and n = O(d) examples",
  claim: [
    "Truncated ReLU units, s₀ = d/5, radii that start uniformly in [0, ½]², one-pass SGD with ε = 1/(C d). Plotted against",
    "the number of examples per dimension, n/d = C t, the curves of all d lie on each other and on the PDE of infinite dimension: the",
    "number of neurons needed does not grow with d, and the number of examples grows like d. They end a little above",
    "inf R, which is not 0 but 0.87206 (Δ = 0.5) and 0.76601 (Δ = 0.8). Of the distance left, a small part falls with N (the bias",
    "of independent neurons) and the rest is the step size: it falls like 1/C, and the examples needed grow like C.",
  ].join(" "),
  run,
};

const PANELS = ["d", "N", "C"] as const;

type Case = {
  delta: (typeof DELTAS)[number];
  d: number;
  N: number;
  C: number;
  panel: (typeof PANELS)[number];
  process: SgdProcess;
  network?: Ensemble;
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 4);
  const { signal, backend } = options;
  const fixed = { d: 100, N: full ? 400 : 200, C: full ? 100 : 30 };
  const varied = full
    ? { d: [50, 100, 200, 400, 800], N: [3, 10, 30, 100, 300], C: [10, 30, 100, 300] }
    : { d: [50, 100, 200, 400], N: [3, 10, 30, 100], C: [3, 10, 30, 100] };

  const cases: Case[] = DELTAS.flatMap((delta) =>
    PANELS.flatMap((panel) =>
      varied[panel].map((value) => {
        const setting: Record<Case["panel"], number> = { ...fixed, [panel]: value };
        const { d, N, C } = setting;
        const process = sgd(problemOf(d, delta), { neurons: N, stepSize: 1 / (C * d), seed });
        return { delta, d, N, C, panel, process };
      }),
    ),
  );
  const progress = phases(options.onProgress, [
    1,
    1,
    ...cases.map(({ d, N, C }) => (C * d * d * (N + 20)) / 3e7 + 0.3),
  ]);
  const times = [0, ...logSpaced(0.1, END, 18)];

  const limits: Record<string, Trajectory> = {};
  for (const [k, delta] of DELTAS.entries()) {
    limits[delta] = await solve(radialFlow(problemOf("infinite", delta)), {
      times,
      backend,
      signal,
      onProgress: ({ fraction }) => progress(k, `PDE, d = ∞, Δ = ${delta}`, fraction),
    });
    signal?.throwIfAborted();
  }
  const done = new Map<string, Ensemble>();
  for (const [k, one] of cases.entries()) {
    // the panels have settings in common
    const setting = [one.delta, one.d, one.N, one.C].join(" ");
    const known = done.get(setting);
    if (known) {
      one.network = known;
      continue;
    }
    one.network = await ensemble(one.process, {
      replicas,
      times,
      workers: options.workers,
      checkpoint: options.checkpoint,
      backend,
      signal,
      onProgress: ({ fraction }) =>
        progress(k + 2, `SGD, Δ = ${one.delta}, d = ${one.d}, N = ${one.N}, C = ${one.C}`, fraction),
    });
    done.set(setting, one.network);
  }

  const lastOf = (values: Float64Array) => values[values.length - 1]!;
  const final = (one: Case) => lastOf(one.network!.observables.risk!.mean);
  const finalError = (one: Case) => lastOf(one.network!.observables.risk!.standardError);
  const excess = (one: Case) => final(one) - INFIMA[one.delta];
  const select = (panel: Case["panel"], delta: number) =>
    cases.filter((one) => one.panel === panel && one.delta === delta);

  const findings: Finding[] = DELTAS.flatMap((delta) => {
    const overD = select("d", delta);
    const overN = select("N", delta);
    const overC = select("C", delta);
    const limit = lastOf(limits[delta]!.observables.risk!.values);
    return [
      {
        expected: `Δ = ${delta}: the PDE of infinite dimension reaches inf R = ${INFIMA[delta]} within 0.001 by t = ${END}`,
        measured: `R = ${limit.toFixed(5)}`,
        met: Math.abs(limit - INFIMA[delta]) < 1e-3,
      },
      {
        expected: `Δ = ${delta}, N = ${fixed.N}: R − inf R at n/d = ${fixed.C * END} does not grow with d`,
        measured: overD.map((one) => `${say(excess(one))} (d = ${one.d})`).join(", "),
        met: excess(overD[overD.length - 1]!) <= excess(overD[0]!) + 0.005,
      },
      {
        expected: `Δ = ${delta}, d = ${fixed.d}: R − inf R falls with N`,
        measured: overN.map((one) => `${say(excess(one))} (N = ${one.N})`).join(", "),
        met: overN.every((one, i) => i === 0 || final(one) < final(overN[i - 1]!)),
      },
      {
        expected: `Δ = ${delta}, d = ${fixed.d}, N = ${fixed.N}: R − inf R falls with C, about like 1/C`,
        measured: overC.map((one) => `${say(excess(one))} (C = ${one.C})`).join(", "),
        met: overC.every((one, i) => i === 0 || final(one) < final(overC[i - 1]!)),
      },
    ];
  });

  const seriesOf = (one: Case): SpreadSeries => {
    const { mean, standardError } = one.network!.observables.risk!;
    const spread = standardError.every(Number.isFinite);
    const rows = Array.from(one.network!.times.keys()).slice(1);
    return {
      x: rows.map((i) => one.C * one.network!.times[i]!),
      y: rows.map((i) => mean[i]!),
      low: spread ? rows.map((i) => mean[i]! - standardError[i]!) : null,
      high: spread ? rows.map((i) => mean[i]! + standardError[i]!) : null,
    };
  };
  const picture: SweepPicture = {
    kind: "sweep",
    title: "Truncated ReLU: the neurons needed do not grow with d, the examples needed grow like d",
    subtitle:
      `γ = s₀/d = 0.2, ε = 1/(C d), radii start uniformly in [0, ½]²; d = ${fixed.d}, N = ${fixed.N}, C = ${fixed.C} but for what varies; t up to ${END}; ` +
      `mean of ${replicas} ${replicas === 1 ? "replica" : "replicas"}`,
    x: { label: "examples per dimension n/d = C t", scale: "log" },
    y: { label: "risk R = E|y − f(x)|²", scale: "linear" },
    key: { network: "SGD", spread: "± standard error" },
    limit: "PDE, d = ∞",
    panels: DELTAS.flatMap((delta) =>
      PANELS.map((panel) => ({
        title: `Δ = ${delta}, several ${panel}`,
        curves: select(panel, delta).map((one) => ({ label: `${panel} = ${one[panel]}`, series: seriesOf(one) })),
        limit:
          panel === "C"
            ? null
            : {
                x: times.slice(1).map((t) => fixed.C * t),
                y: Array.from(limits[delta]!.observables.risk!.values).slice(1),
              },
        levels: [{ y: INFIMA[delta], label: `inf R = ${INFIMA[delta]}` }],
      })),
    ),
  };

  return {
    table: {
      columns: [
        { name: "Δ", digits: 1 },
        { name: "d", digits: 0 },
        { name: "N", digits: 0 },
        { name: "C", digits: 0 },
        { name: "n", digits: 0 },
        { name: "R(SGD)", digits: 5 },
        { name: "± s.e.", digits: 5 },
        { name: "R(PDE, d=∞)", digits: 5 },
        { name: "inf R", digits: 5 },
        { name: "R − inf R", digits: 5 },
      ],
      rows: cases.map((one) => [
        one.delta,
        one.d,
        one.N,
        one.C,
        Math.round(END * one.C * one.d),
        final(one),
        finiteOrNull(finalError(one)),
        lastOf(limits[one.delta]!.observables.risk!.values),
        INFIMA[one.delta],
        excess(one),
      ]),
    },
    pictures: [{ file: "sweep.svg", picture }],
    findings,
    warnings: [
      ...new Set([
        ...cases.flatMap((one) => one.network!.warnings),
        ...Object.values(limits).flatMap((l) => l.warnings),
      ]),
    ],
    data: {
      end: END,
      gamma: GAMMA,
      replicas,
      infima: INFIMA,
      provenance: cases[0]!.network!.provenance,
      limits: Object.fromEntries(
        DELTAS.map((delta) => [
          delta,
          { times: Array.from(limits[delta]!.times), risk: Array.from(limits[delta]!.observables.risk!.values) },
        ]),
      ),
      cases: cases.map(({ delta, d, N, C, process, network }) => ({
        delta,
        d,
        N,
        C,
        process,
        times: Array.from(network!.times),
        risk: Array.from(network!.observables.risk!.mean),
        standardError: Array.from(network!.observables.risk!.standardError, finiteOrNull),
      })),
    },
  };
}
