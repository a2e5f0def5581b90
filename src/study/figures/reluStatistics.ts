// Figure 3: statistics of (a, b, r1, r2) of ReLU units.                            theory §5; Mei–Montanari–Nguyen 2018

import { relu } from "../../model/activation";
import { anisotropicGaussians } from "../../model/law";
import { parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import { radialFlow, sgd } from "../../process/schema";
import { ensemble } from "../ensemble";
import { moments, type Observables, quantiles, risk } from "../observables";
import { solve } from "../solve";
import { logSpaced } from "../times";
import {
  type Figure,
  type FigureOptions,
  type FigureResult,
  type Finding,
  finiteOrNull,
  meanSeries,
  nearest,
  phases,
  readOptions,
  roundedTimes,
  say,
} from "./figure";
import type { Curve } from "./picture";

const NEURONS = 800;
const STEP = 2e-4;
const COORDINATES = ["a", "b", "r1", "r2"] as const;
const SYMBOLS = { a: "a", b: "b", r1: "r₁", r2: "r₂" };
const TABLE_TIMES = [0, 0.1, 0.3, 1, 3, 10, 20, 30, 50, 100];

const problem = parseProblem({
  law: anisotropicGaussians({ dimension: 320, signal: 60, delta: 0.4 }),
  unit: affine(relu()),
  start: gaussian({ radius: 0.8, a: 1, b: 1 }),
});

/** Statistics of (a, b, r1, r2): ReLU units a(⟨w,x⟩ + b)₊, d = 320, s0 = 60, N = 800. */
export const reluStatistics: Figure = {
  name: "relu-statistics",
  title: "ReLU units: four statistics of SGD follow their limit",
  claim: [
    "Units a(⟨w,x⟩ + b)₊ with all of (a, b, w) trained, d = 320, s₀ = 60, N = 800, ε = 2·10⁻⁴. The slides leave Δ and the",
    "start open; ours are Δ = 0.4, a = b = 1, w ~ N(0, 0.8²/d I). In the limit the network is fixed by the law of (a, b, r₁, r₂),",
    "r₁ = |w| in the 60 directions that carry the label and r₂ in the other 260. First a, b and r₂ shrink and nothing is learned",
    "(a long plateau at R ≈ 1), then r₁ and |a| grow together and the risk falls below 0.1. The means of SGD follow the",
    "PDE's lines through all of it; where the plateau is left, small differences of the start grow, and the dots may lead or lag a little.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 4 : 2);
  const { signal, backend } = options;
  const end = full ? 300 : 100;
  const progress = phases(options.onProgress, [8, full ? 300 : 50]);
  const tableTimes = full ? [...TABLE_TIMES, 200, 300] : TABLE_TIMES;
  const times = roundedTimes([...tableTimes, ...logSpaced(0.03, end, 33)], STEP);

  const observe: Observables = { risk: risk() };
  for (const name of COORDINATES) {
    observe[`mean ${name}`] = moments(name, 1);
    observe[`quantiles ${name}`] = quantiles(name, [0.05, 0.95]);
  }
  const process = sgd(problem, { neurons: NEURONS, stepSize: STEP, seed });
  const limitProcess = radialFlow(problem);
  const limit = await solve(limitProcess, {
    times,
    observe,
    backend,
    signal,
    onProgress: ({ fraction }) => progress(0, "PDE in (a, b, r1, r2)", fraction),
  });
  signal?.throwIfAborted();
  const network = await ensemble(process, {
    replicas,
    times,
    observe,
    workers: options.workers,
    backend,
    signal,
    onProgress: ({ fraction }) => progress(1, `SGD, ${replicas} replicas`, fraction),
  });

  const curve = (name: string, label: string, component = 0, hue = 0): Curve => {
    const { shape, values } = limit.observables[name]!;
    const width = shape[1] ?? 1;
    return {
      label,
      hue,
      network: meanSeries(times, network.observables[name]!, component),
      limit: { x: Array.from(times), y: Array.from(times, (_, i) => values[i * width + component]!) },
    };
  };
  const gapOf = (name: string, t: number) =>
    network.observables[name]!.mean[nearest(times, t)]! - limit.observables[name]!.values[nearest(times, t)]!;
  const worst = (name: string, from: number, to: number) =>
    Math.max(...Array.from(times, (t) => (t >= from && t <= to ? Math.abs(gapOf(name, t)) : 0)));

  const names = COORDINATES.map((name) => `mean ${name}`);
  const early = names.map((name) => worst(name, 0, 3));
  const last = names.map((name) => Math.abs(gapOf(name, end)));
  const riskAt = (t: number) => [
    network.observables.risk!.mean[nearest(times, t)]!,
    limit.observables.risk!.values[nearest(times, t)]!,
  ];
  const findings: Finding[] = [
    {
      expected: "means of a, b, r₁, r₂ of SGD on the PDE's lines up to t = 3: within 0.05",
      measured: `at most ${early.map(say).join(", ")} apart`,
      met: Math.max(...early) <= 0.05,
    },
    {
      expected: `the same at t = ${end}, past the plateau: within 0.1`,
      measured: `${last.map(say).join(", ")} apart`,
      met: Math.max(...last) <= 0.1,
    },
    {
      expected: "a plateau near R = 1 at t = 10, and a risk below 0.1 at the end",
      measured: `SGD ${riskAt(10).map(say)[0]} and ${riskAt(end).map(say)[0]}; PDE ${riskAt(10).map(say)[1]} and ${riskAt(end).map(say)[1]}`,
      met: riskAt(10).every((r) => r > 0.8) && riskAt(end).every((r) => r < 0.1),
    },
  ];
  const parameters =
    `units a(⟨w,x⟩ + b)₊; d = 320, s₀ = 60, N = ${NEURONS}, ε = 2·10⁻⁴; our choice: Δ = 0.4, start a = b = 1, w ~ N(0, 0.8²/d I); ` +
    `${replicas} ${replicas === 1 ? "replica" : "replicas"} in f64`;
  const key = { limit: "radial PDE", network: `SGD, mean of ${replicas}`, spread: "± standard error" };
  const x = { label: "time t = kε", scale: "log" as const };

  return {
    table: {
      columns: [
        { name: "t", digits: 1 },
        { name: "R(SGD)", digits: 4 },
        { name: "± s.e.", digits: 4 },
        { name: "R(PDE)", digits: 4 },
        ...COORDINATES.flatMap((name) => [
          { name: `${name} SGD`, digits: 3 },
          { name: `${name} PDE`, digits: 3 },
        ]),
      ],
      rows: tableTimes.map((t) => {
        const i = nearest(times, t);
        return [
          times[i]!,
          network.observables.risk!.mean[i]!,
          finiteOrNull(network.observables.risk!.standardError[i]!),
          limit.observables.risk!.values[i]!,
          ...names.flatMap((name) => [network.observables[name]!.mean[i]!, limit.observables[name]!.values[i]!]),
        ];
      }),
    },
    pictures: [
      {
        file: "statistics.svg",
        picture: {
          kind: "statistics",
          title: "ReLU units: the law of (a, b, r₁, r₂) in SGD and in its limit",
          subtitle: parameters,
          x,
          key,
          panels: COORDINATES.map((name) => ({
            title: "",
            y: { label: `${SYMBOLS[name]}: mean, 5 and 95 per cent of neurons`, scale: "linear" as const },
            levels: [],
            curves: [
              curve(`quantiles ${name}`, "95 %", 1, 5),
              curve(`mean ${name}`, "mean", 0, 0),
              curve(`quantiles ${name}`, "5 %", 0, 2),
            ],
          })),
        },
      },
      {
        file: "risk.svg",
        picture: {
          kind: "risk",
          title: "Population risk of ReLU units: plateau and descent",
          subtitle: parameters,
          x,
          y: { label: "risk R = E|y − f(x)|²", scale: "linear" },
          curves: [curve("risk", "")],
          levels: [],
          key,
          gap: null,
        },
      },
    ],
    findings,
    warnings: [...new Set([...network.warnings, ...limit.warnings])],
    data: {
      processes: { sgd: process, characteristics: limitProcess },
      provenance: network.provenance,
      replicas,
      times: Array.from(times),
      sgd: Object.fromEntries(
        Object.entries(network.observables).map(([name, { mean, standardError, method }]) => [
          name,
          { mean: Array.from(mean), standardError: Array.from(standardError, finiteOrNull), method: method ?? null },
        ]),
      ),
      pde: Object.fromEntries(
        Object.entries(limit.observables).map(([name, { values }]) => [name, Array.from(values)]),
      ),
    },
  };
}
