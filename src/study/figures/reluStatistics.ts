// Figure 3: statistics of (a, b, r1, r2) of ReLU units.                            theory §5; Mei–Montanari–Nguyen 2018

import { relu } from "../../model/activation";
import { anisotropicGaussians } from "../../model/law";
import { parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import { radialFlow, sgd } from "../../process/schema";
import { type Ensemble, ensemble } from "../ensemble";
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
  mergedTimes,
  nearest,
  phases,
  readOptions,
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
    "(a long plateau at R ≈ 1), then r₁ and |a| grow together and the risk falls below 0.1. SGD follows the PDE's lines, with one",
    "difference that is to be seen: at this step size the noise of SGD carries w about in the 260 directions that nothing holds, so",
    "that late in the run r₂ grows where that of the PDE rests, and a and b are drawn along. It is the step size: with",
    "a smaller one (half of it; a tenth with --full) SGD comes nearer to the PDE in every statistic.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 2);
  const { signal, backend } = options;
  const end = 100;
  const smaller = full ? STEP / 10 : STEP / 2;
  const share = full ? "ε/10" : "ε/2";
  const progress = phases(options.onProgress, [4, 25, (25 * STEP) / smaller]);
  const times = mergedTimes(TABLE_TIMES, logSpaced(0.03, end, 49), STEP);

  const observe: Observables = { risk: risk() };
  for (const name of COORDINATES) {
    observe[`mean ${name}`] = moments(name, 1);
    observe[`quantiles ${name}`] = quantiles(name, [0.05, 0.95]);
  }
  const processes = [STEP, smaller].map((stepSize) => sgd(problem, { neurons: NEURONS, stepSize, seed }));
  const limitProcess = radialFlow(problem);
  const limit = await solve(limitProcess, {
    times,
    observe,
    backend,
    signal,
    onProgress: ({ fraction }) => progress(0, "PDE in (a, b, r1, r2)", fraction),
  });
  signal?.throwIfAborted();
  const networks: Ensemble[] = [];
  for (const [k, process] of processes.entries()) {
    const network = await ensemble(process, {
      replicas,
      times,
      observe,
      workers: options.workers,
      checkpoint: options.checkpoint,
      backend,
      signal,
      onProgress: ({ fraction }) => progress(k + 1, `SGD, ε = ${process.stepSize}, ${replicas} replicas`, fraction),
    });
    networks.push(network);
  }
  const [network, finer] = networks as [Ensemble, Ensemble];

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
  const finerCurve = (name: string): Curve => ({
    label: `mean, ${share}`,
    hue: 1,
    network: meanSeries(times, finer.observables[name]!),
    limit: null,
  });
  const pdeAt = (name: string, i: number) => limit.observables[name]!.values[i]!;
  const gap = (run: Ensemble, name: string, i: number) => Math.abs(run.observables[name]!.mean[i]! - pdeAt(name, i));
  const worst = (run: Ensemble, name: string, to: number) =>
    Math.max(...Array.from(times, (t, i) => (t <= to ? gap(run, name, i) : 0)));

  const names = COORDINATES.map((name) => `mean ${name}`);
  const early = names.map((name) => worst(network, name, 3));
  const last = times.length - 1;
  const late = names.map((name) => gap(network, name, last));
  const finerLate = names.map((name) => gap(finer, name, last));
  const ten = nearest(times, 10);
  const risks = (run: Ensemble) => [run.observables.risk!.mean[ten]!, run.observables.risk!.mean[last]!];
  const pdeRisks = [pdeAt("risk", ten), pdeAt("risk", last)];
  const findings: Finding[] = [
    {
      expected: "means of a, b, r₁, r₂ of SGD on the PDE's lines up to t = 3: within 0.05",
      measured: `at most ${early.map(say).join(", ")} apart`,
      met: Math.max(...early) <= 0.05,
    },
    {
      expected: "a plateau near R = 1 at t = 10, and a risk below 0.1 at the end",
      measured: `SGD ${risks(network).map(say).join(" and ")}, PDE ${pdeRisks.map(say).join(" and ")}`,
      met: [risks(network), pdeRisks].every(([plateau, final]) => plateau! > 0.8 && final! < 0.1),
    },
    {
      expected: `at t = ${end}, past the plateau, the means of a, b, r₁, r₂ come nearer to the PDE's with ${share} than with ε`,
      measured: `${late.map(say).join(", ")} apart with ε, ${finerLate.map(say).join(", ")} with ${share}`,
      met: late.every((value, i) => finerLate[i]! < value),
    },
    {
      expected: `the same of the risk`,
      measured: `${say(gap(network, "risk", last))} apart with ε, ${say(gap(finer, "risk", last))} with ${share}`,
      met: gap(finer, "risk", last) < gap(network, "risk", last),
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
        { name: `R(SGD ${share})`, digits: 4 },
        { name: "R(PDE)", digits: 4 },
        ...COORDINATES.flatMap((name) => [
          { name: `${name} SGD`, digits: 3 },
          { name: `${name} PDE`, digits: 3 },
        ]),
      ],
      rows: TABLE_TIMES.map((t) => {
        const i = nearest(times, t);
        return [
          times[i]!,
          network.observables.risk!.mean[i]!,
          finiteOrNull(network.observables.risk!.standardError[i]!),
          finer.observables.risk!.mean[i]!,
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
            title: SYMBOLS[name],
            y: { label: `mean, 5 and 95 per cent of the neurons`, scale: "linear" as const },
            levels: [],
            curves: [
              curve(`quantiles ${name}`, "95 %", 1, 5),
              curve(`mean ${name}`, "mean", 0, 0),
              curve(`quantiles ${name}`, "5 %", 0, 2),
              finerCurve(`mean ${name}`),
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
          curves: [curve("risk", "ε"), { ...finerCurve("risk"), label: share }],
          levels: [],
          key,
          gap: null,
        },
      },
    ],
    findings,
    warnings: [...new Set([...network.warnings, ...finer.warnings, ...limit.warnings])],
    data: {
      processes: { sgd: processes[0], smallerStep: processes[1], characteristics: limitProcess },
      provenance: network.provenance,
      replicas,
      times: Array.from(times),
      sgd: seriesOf(network),
      smallerStep: seriesOf(finer),
      pde: Object.fromEntries(
        Object.entries(limit.observables).map(([name, { values }]) => [name, Array.from(values)]),
      ),
    },
  };
}

function seriesOf({ observables }: Ensemble) {
  return Object.fromEntries(
    Object.entries(observables).map(([name, { mean, standardError, method }]) => [
      name,
      { mean: Array.from(mean), standardError: Array.from(standardError, finiteOrNull), method: method ?? null },
    ]),
  );
}
