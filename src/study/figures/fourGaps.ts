// The four gaps on the way from the limit to SGD, in time, in N and in ε.            theory §6; docs/coupling.md

import { log } from "../../engine/math";
import { cosine, tanh } from "../../model/activation";
import { anisotropicGaussians, dataset } from "../../model/law";
import { type Problem, parseProblem } from "../../model/problem";
import { gaussian, radii } from "../../model/start";
import { ridge } from "../../model/unit";
import { radialFlow } from "../../process/schema";
import { stream } from "../../random/stream";
import { type CoupledGapName, type Coupling, couple, coupledGaps } from "../couple";
import type { EnsembleObserved } from "../ensemble";
import { predictions } from "../observables";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RateCurve, RatePicture, Reference, SpreadSeries, StatisticsPicture } from "./picture";
import { boundExponent, meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const END = 4;
const TIMES = Array.from({ length: 17 }, (_, k) => (k * END) / 16);
const ATOMS = 50;

const NAMES: Record<CoupledGapName, string> = {
  "limit-ND": "ρ_t to ND",
  "ND-PD": "ND to PD",
  "PD-GD": "PD to GD",
  "GD-SGD": "GD to SGD",
};

/** The gaps between the limit, nonlinear and particle dynamics, gradient descent and SGD. */
export const fourGaps: Figure = {
  name: "four-gaps",
  title: "The four gaps between the limit ρ_t and SGD, and how they fall with N and ε",
  claim: [
    "From one start and on one set of data run nonlinear dynamics (ND, particles in the field of ρ_t), particle dynamics (PD), gradient",
    "descent (GD) and SGD, beside the limit ρ_t: on a finite law, where ρ_t is a gradient flow of 16 N neurons, and on Gaussian data, where it is",
    "the radial PDE. Mei, Misiakiewicz and Montanari bound the gaps in risk and in parameters by K e^{KT} √(log N/N) for ρ_t to ND and ND to PD, and by",
    "K e^{KT} √(D + log N) √ε for PD to GD to SGD. Measured: both N gaps fall like N^(−1/2); PD to GD falls like ε, better than the",
    "bound; GD to SGD falls like √ε in the parameters, and in the risk like c₁√ε + c₂ d ε. The mean risk of ND lies above that of ρ_t by",
    "E(f_N − f)², which falls like 1/N.",
  ].join(" "),
  run,
};

interface Case {
  name: string;
  /** What is run, in a few words. */
  formula: string;
  problem: Problem;
  dimension: number;
  /** N of the sweep over N, with its ε. */
  neurons: number[];
  stepSize: number;
  /** ε of the sweep over ε, with its N. */
  stepSizes: number[];
  fixed: number;
}

interface Sweep {
  one: Case;
  against: "N" | "ε";
  xs: number[];
  couplings: Coupling[];
}

/** One quantity of a sweep, with its fit. */
interface Measured {
  sweep: Sweep;
  gap: CoupledGapName | "bias";
  what: "risk" | "parameters";
  /** For each x, the values of all replicas. */
  replicas: number[][];
  rate: Rate | null;
  /** The theorem's exponent, where it has one. */
  theorem: number | null;
}

function casesOf(full: boolean): Case[] {
  const finite = finiteProblem();
  const d = 20;
  return [
    {
      name: "finite law",
      formula: `${ATOMS} points in d = 10, tanh units, ρ_t a gradient flow of 16 N neurons`,
      problem: finite,
      dimension: 10,
      neurons: powersOfTwo(16, full ? 512 : 128),
      stepSize: 1 / 64,
      stepSizes: powersOfTwo(8, full ? 2048 : 512).map((steps) => 1 / steps),
      fixed: 32,
    },
    {
      name: "Gaussians",
      formula: `anisotropic Gaussians in d = s₀ = ${d}, Δ = 0.5, cosine units, ρ_t the radial PDE`,
      problem: parseProblem({
        law: anisotropicGaussians({ dimension: d, delta: 0.5 }),
        unit: ridge(cosine()),
        start: radii({ r1: { from: 0, to: 2 } }),
      }),
      dimension: d,
      neurons: powersOfTwo(8, full ? 256 : 64),
      stepSize: 1 / (4 * d),
      stepSizes: powersOfTwo(2, full ? 128 : 32).map((steps) => 1 / (steps * d)),
      fixed: 16,
    },
  ];
}

// Labels ±1 on either side of a parabola.
function finiteProblem(): Problem {
  const words = stream(7);
  const x = Array.from({ length: ATOMS }, (_, q) => Array.from(words.normals(10, { step: q })));
  const y = x.map((row) => (2 * row[0]! + 0.5 * row[1]! * row[1]! > 0.3 ? 1 : -1));
  return parseProblem({ law: dataset({ x, y }), unit: ridge(tanh()), start: gaussian({ radius: 1 }) });
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 32 : 16);
  const cases = casesOf(full);
  const plan = cases.flatMap((one) => [
    ...one.neurons.map((N) => ({ one, against: "N" as const, N, stepSize: one.stepSize })),
    ...one.stepSizes.map((stepSize) => ({ one, against: "ε" as const, N: one.fixed, stepSize })),
  ]);
  const progress = phases(options.onProgress, plan.map(workOf));
  const sweeps: Sweep[] = cases.flatMap((one) => [
    { one, against: "N", xs: one.neurons, couplings: [] },
    { one, against: "ε", xs: one.stepSizes, couplings: [] },
  ]);
  for (const [k, { one, against, N, stepSize }] of plan.entries()) {
    const { problem } = one;
    const { law } = problem;
    const coupling = await couple(problem, {
      neurons: N,
      stepSize,
      times: TIMES,
      replicas,
      seed,
      ...(law.kind === "dataset"
        ? { observe: { f: predictions(law.x) } }
        : { limit: radialFlow(problem, { tolerance: 1e-6, particles: 300 }) }),
      workers: options.workers,
      signal: options.signal,
      backend: options.backend,
      checkpoint: options.checkpoint,
      onProgress: ({ fraction }) => progress(k, `${one.name}, N = ${N}, ε = ${say(stepSize)}`, fraction),
    });
    sweeps.find((sweep) => sweep.one === one && sweep.against === against)!.couplings.push(coupling);
  }

  const measured = sweeps.flatMap((sweep) => measure(sweep, replicas));
  return {
    table: tableOf(measured),
    pictures: [
      { file: "time.svg", picture: timePicture(sweeps, replicas) },
      ...cases.map((one) => ({
        file: `${one.name === "finite law" ? "finite" : "gaussians"}.svg`,
        picture: ratesPicture(one, measured, replicas),
      })),
    ],
    findings: replicas > 1 ? findingsOf(measured) : [],
    warnings: [...new Set(sweeps.flatMap(({ couplings }) => couplings.flatMap(({ warnings }) => warnings)))],
    data: {
      end: END,
      replicas,
      provenance: sweeps[0]!.couplings[0]!.provenance,
      sweeps: measured.map(({ sweep, gap, what, replicas: values, rate: fit, theorem }) => ({
        case: sweep.one.name,
        against: sweep.against,
        x: sweep.xs,
        gap,
        what,
        mean: values.map((all) => meanAndError(all).mean),
        standardError: values.map((all) => meanAndError(all).error),
        fit,
        theorem,
      })),
    },
  };
}

// Work of a coupling, in arbitrary units: that of ND's field, of the exact gradient, and of the steps.
function workOf({ one, N, stepSize }: { one: Case; N: number; stepSize: number }): number {
  return one.problem.law.kind === "dataset" ? 60 * N + 1 / stepSize : 300 + N * N * (1 + 0.01 / stepSize);
}

function measure(sweep: Sweep, replicas: number): Measured[] {
  const { against, xs, couplings } = sweep;
  const found: Measured[] = [];
  const take = (gap: Measured["gap"], what: Measured["what"], values: number[][], theorem: number | null) => {
    const fits = replicas > 1 && (gap === "bias" || theorem !== null);
    const expected = gap === "bias" ? -1 : theorem;
    found.push({
      sweep,
      gap,
      what,
      replicas: values,
      rate: fits ? rate(xs, values, { expected: expected! }) : null,
      theorem: expected,
    });
  };
  const sups = (pick: (coupling: Coupling) => EnsembleObserved) =>
    couplings.map((coupling) => pick(coupling).replicas.map((one) => one[0]!));
  for (const gap of coupledGaps) {
    const inN = gap === "limit-ND" || gap === "ND-PD";
    const theorem = inN === (against === "N") ? (inN ? -0.5 : 0.5) : null;
    take(
      gap,
      "risk",
      sups((coupling) => coupling.gaps[gap].risk.sup),
      theorem,
    );
    if (gap === "limit-ND") continue;
    take(
      gap,
      "parameters",
      sups((coupling) => coupling.gaps[gap].parameters!.sup.largest),
      theorem,
    );
  }
  if (against === "N" && couplings[0]!.gaps["limit-ND"].observables["f"]) {
    take("bias", "risk", couplings.map(biasOf), null);
  }
  return found;
}

// E(f_ND − f)² at the last time: what the mean risk of ND has too much, as what is linear in f_ND − f has the mean 0
function biasOf(coupling: Coupling): number[] {
  const { difference } = coupling.gaps["limit-ND"].observables["f"]!;
  return difference.replicas.map((values) => {
    const last = values.subarray(values.length - ATOMS);
    return last.reduce((sum, value) => sum + value * value, 0) / ATOMS;
  });
}

function findingsOf(measured: readonly Measured[]): Finding[] {
  const list = (those: readonly Measured[]) =>
    those.map(({ sweep, gap, what, rate: fit }) => `${saySlope(fit!)} (${gap}, ${what}, ${sweep.one.name})`).join(", ");
  const select = (against: string, gaps: readonly string[]) =>
    measured.filter(({ sweep, gap, rate: fit }) => fit && sweep.against === against && gaps.includes(gap));
  const inN = select("N", ["limit-ND", "ND-PD"]);
  const flat = select("N", ["bias"]);
  const descent = select("ε", ["PD-GD"]);
  const noise = select("ε", ["GD-SGD"]);
  const noiseOf = (what: Measured["what"]) => noise.filter((one) => one.what === what);
  const twoTerms = noiseOf("risk").map((one) => ({ one, ...twoTermFit(one) }));
  return [
    {
      expected:
        "ρ_t to ND and ND to PD fall no slower with N than √(log N/N): no interval lies above its exponent over the range",
      measured: list(inN),
      met: inN.every(({ sweep, rate: fit }) => fit!.interval![0] <= boundExponent(sweep.xs)),
    },
    {
      expected: "PD to GD falls like ε, within 0.05 (the bound is √ε)",
      measured: list(descent),
      met: descent.every(({ rate: fit }) => Math.abs(fit!.exponent - 1) <= 0.05),
    },
    {
      expected: "GD to SGD falls no slower with ε than √ε, and in the parameters like √ε, within 0.1",
      measured: list(noise),
      met:
        noise.every(({ rate: fit }) => fit!.interval![1] >= 0.5) &&
        noiseOf("parameters").every(({ rate: fit }) => Math.abs(fit!.exponent - 0.5) <= 0.1),
    },
    {
      expected: "GD to SGD in risk is c₁√ε + c₂ d ε, within 25 % at each ε",
      measured: twoTerms
        .map(
          ({ one, c1, c2, misfit }) =>
            `c₁ = ${say(c1)}, c₂ = ${say(c2)}, within ${say(100 * misfit)} % (${one.sweep.one.name})`,
        )
        .join(", "),
      met: twoTerms.every(({ c1, c2, misfit }) => c1 > 0 && c2 > 0 && misfit <= 0.25),
    },
    {
      expected: "the bias of ND's mean risk, E(f_N − f)², falls like 1/N, within 0.15",
      measured: list(flat),
      met: flat.every(({ rate: fit }) => Math.abs(fit!.exponent + 1) <= 0.15),
    },
  ];
}

// y ≈ c₁√ε + c₂ d ε by least squares of the relative errors
function twoTermFit({ sweep, replicas }: Measured): { c1: number; c2: number; misfit: number } {
  const means = replicas.map((all) => meanAndError(all).mean);
  const rows = sweep.xs.map((x, i) => [Math.sqrt(x) / means[i]!, (sweep.one.dimension * x) / means[i]!] as const);
  const sum = (f: (row: readonly [number, number]) => number) => rows.reduce((total, row) => total + f(row), 0);
  const [aa, ab, bb, a, b] = [
    sum(([u]) => u * u),
    sum(([u, v]) => u * v),
    sum(([, v]) => v * v),
    sum(([u]) => u),
    sum(([, v]) => v),
  ];
  const determinant = aa * bb - ab * ab;
  const c1 = (a * bb - b * ab) / determinant;
  const c2 = (b * aa - a * ab) / determinant;
  return { c1, c2, misfit: Math.max(...rows.map(([u, v]) => Math.abs(c1 * u + c2 * v - 1))) };
}

function tableOf(measured: readonly Measured[]): FigureResult["table"] {
  return {
    columns: [
      { name: "law", digits: 0 },
      { name: "gap", digits: 0 },
      { name: "of", digits: 0 },
      { name: "against", digits: 0 },
      { name: "slope", digits: 3 },
      { name: "from", digits: 3 },
      { name: "to", digits: 3 },
      { name: "theorem", digits: 2 },
      { name: "x from", digits: 5 },
      { name: "to x", digits: 5 },
      { name: "sup gap", digits: 6 },
      { name: "to sup gap", digits: 6 },
    ],
    rows: measured
      .filter(({ rate: fit }) => fit !== null)
      .map(({ sweep, gap, what, rate: fit, replicas, theorem }) => [
        sweep.one.name,
        gap,
        gap === "bias" ? "E(f − f)²" : what,
        sweep.against,
        fit!.exponent,
        fit!.interval![0],
        fit!.interval![1],
        theorem!,
        sweep.xs[0]!,
        sweep.xs[sweep.xs.length - 1]!,
        meanAndError(replicas[0]!).mean,
        meanAndError(replicas[replicas.length - 1]!).mean,
      ]),
  };
}

function timePicture(sweeps: readonly Sweep[], replicas: number): StatisticsPicture {
  const those = sweeps.filter(({ against }) => against === "ε");
  const shown = those.map((sweep) => ({ sweep, at: Math.min(3, sweep.xs.length - 1) }));
  return {
    kind: "statistics",
    title: "The four gaps between the limit and SGD, against time",
    subtitle: `${shown.map(({ sweep: { one, xs }, at }) => `${one.formula}: N = ${one.fixed}, ε = ${say(xs[at]!)}`).join("; ")}; mean of ${replicas}`,
    x: { label: "time t = kε", scale: "linear", domain: [0, END] },
    key: { limit: `mean of ${replicas}` },
    panels: shown.flatMap(({ sweep, at }) => {
      const { times, gaps } = sweep.couplings[at]!;
      const curve = (gap: CoupledGapName, observed: EnsembleObserved) => ({
        label: NAMES[gap],
        network: null,
        limit: seriesOf(times, observed),
        hue: coupledGaps.indexOf(gap),
      });
      return [
        {
          title: `${sweep.one.name}: gaps of the risk`,
          y: { label: "|R − R′|", scale: "log" as const },
          curves: coupledGaps.map((gap) => curve(gap, gaps[gap].risk.absolute)),
          levels: [],
        },
        {
          title: `${sweep.one.name}: gaps of the parameters`,
          y: { label: "max_i |θ_i − θ_i′|", scale: "log" as const },
          curves: coupledGaps.slice(1).map((gap) => curve(gap, gaps[gap].parameters!.largest)),
          levels: [],
        },
      ];
    }),
  };
}

function seriesOf(times: Float64Array, { mean }: EnsembleObserved): Pick<SpreadSeries, "x" | "y"> {
  // all start together
  const rows = Array.from(times.keys()).filter((i) => mean[i]! > 0);
  return { x: rows.map((i) => times[i]!), y: rows.map((i) => mean[i]!) };
}

function ratesPicture(one: Case, measured: readonly Measured[], replicas: number): RatePicture {
  const panel = (against: Sweep["against"], what: Measured["what"]): RatePicture["panels"][number] => {
    const those = measured.filter((m) => m.sweep.one === one && m.sweep.against === against && m.what === what);
    const { xs } = those[0]!.sweep;
    const ends = [Math.min(...xs), Math.max(...xs)];
    const anchor = those.find(
      ({ gap }) => gap === (against === "ε" ? "GD-SGD" : what === "risk" ? "limit-ND" : "ND-PD"),
    )!;
    // through the first point, that of the smallest N or the largest ε
    const y = meanAndError(anchor.replicas[0]!).mean;
    const references: Reference[] =
      against === "ε"
        ? [powerLaw("√ε", ends, 0.5, y / Math.sqrt(xs[0]!))]
        : [{ label: "√(log N/N)", x: xs, y: xs.map((N) => y * Math.sqrt(((log(N) / log(xs[0]!)) * xs[0]!) / N)) }];
    return {
      title: `${what === "risk" ? "sup over t of |R − R′|" : "sup over t of max_i |θ_i − θ_i′|"} against ${against === "N" ? `N, ε = ${say(one.stepSize)}` : `ε, N = ${one.fixed}`}`,
      x: { label: against === "N" ? "neurons N" : "step size ε" },
      y: { label: what === "risk" ? "gap of the risk" : "gap of the parameters" },
      curves: those.map(
        ({ gap, replicas: values, rate: fit }): RateCurve =>
          rateCurve({
            label: gap === "bias" ? "E(f_ND − f)²" : NAMES[gap],
            x: xs,
            replicas: values,
            rate: fit,
            hue: gap === "bias" ? coupledGaps.length : coupledGaps.indexOf(gap),
          }),
      ),
      references,
    };
  };
  return {
    kind: "rate",
    title: `The four gaps between the limit and SGD fall no slower than the theorem's bounds: ${one.name}`,
    subtitle: `${one.formula}; largest over ${TIMES.length} times up to T = ${END}; mean of ${replicas}, slopes with 95 % intervals`,
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "the theorem's bound, its constant chosen",
    },
    panels: [panel("N", "risk"), panel("ε", "risk"), panel("N", "parameters"), panel("ε", "parameters")],
  };
}

function powersOfTwo(from: number, to: number): number[] {
  const found: number[] = [];
  for (let n = from; n <= to; n *= 2) found.push(n);
  return found;
}
