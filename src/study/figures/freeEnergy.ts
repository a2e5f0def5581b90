// The free energy falls along the Fokker–Planck flow at the rate of its dissipation.             theory §7; docs/langevin.md

import { sampleEntropy } from "../../measure/entropy";
import type { Measure } from "../../measure/measure";
import { potentialFunctions } from "../../model/potential";
import type { Problem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { langevin } from "../../process/schema";
import { ensemble } from "../ensemble";
import { risk } from "../observables";
import { type Rate, rate } from "../rate";
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
import { doubleWell, type LangevinCase, tanhUnits } from "./langevinCases";
import { flowOf, type LangevinFlow, restOf } from "./langevinFlow";
import type { RatePicture, StatisticsPicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const NEURONS = 4000;
const STEP = 0.002;
/** Around each time, for differences: relative. */
const APART = 0.01;
/** Steps of the scheme for the identity's order, and the time it is summed over. */
const SCHEME_STEPS = [0.025, 0.0125, 0.00625, 0.003125, 0.0015625];
const SUMMED = 2;

const settings: { one: LangevinCase; w: { mean: number; deviation: number }; end: number; dots: number[] }[] = [
  {
    one: doubleWell,
    w: { mean: -1.2, deviation: 0.3 },
    end: 20,
    dots: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12],
  },
  { one: tanhUnits, w: { mean: -1.2, deviation: 0.3 }, end: 8, dots: [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6] },
];

/** V(mₜ) and its dissipation, on a grid and by particles. */
export const freeEnergy: Figure = {
  name: "free-energy",
  title: "The free energy falls along the flow, at the rate of its dissipation",
  claim: [
    "Two nonlinear Fokker–Planck equations of one parameter: a double well whose mean is drawn to ½, and regression by tanh units.",
    "V(m) = F(m) + ∫U dm + τ∫ m log m falls to its minimum at all times, and −dV/dt, by differences of V, is the dissipation",
    "∫|D_mF + ∇U + τ∇log m|² m. On the grid the two are equal up to the steps in time, whatever the cells: the difference falls with",
    "their square. Langevin particles have the same free energy; their entropy is estimated from the distances of neighbours.",
  ].join(" "),
  run,
};

interface Result {
  one: LangevinCase;
  flow: LangevinFlow;
  /** V(m*) */
  least: number;
  /** Places of the times t in flow.times; those before and after stand beside them. */
  places: number[];
  /** −dV/dt at these, by differences. */
  slopes: number[];
  dots: { times: number[]; mean: number[]; error: number[]; exact: number[] };
  /** Sum of the dissipation against the fall of V, relative, at each of SCHEME_STEPS. */
  gaps: number[];
  order: Rate;
  warnings: string[];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 16);
  const { signal, backend } = options;
  const cells = full ? 2048 : 512;
  const progress = phases(
    options.onProgress,
    settings.flatMap(({ end }) => [1, 1 + end]),
  );

  const results: Result[] = [];
  for (const [k, { one, w, end, dots }] of settings.entries()) {
    const start = gaussian({ w });
    const times = Array.from(logSpaced(0.01, end, 40));
    const flow = await flowOf(one, {
      start,
      times: [0, ...times.flatMap((t) => [t * (1 - APART), t, t * (1 + APART)]), ...dots].sort((a, b) => a - b),
      cells,
      signal,
      backend,
      onFraction: (fraction) => progress(2 * k, `${one.name}, grid`, 0.5 * fraction),
    });
    const rest = await restOf(one, start, cells, signal);
    const at = (t: number) => flow.times.indexOf(t);
    const places = times.map(at);
    const slopes = times.map((t) => {
      const [before, after] = [at(t * (1 - APART)), at(t * (1 + APART))];
      return (flow.freeEnergy[before]! - flow.freeEnergy[after]!) / (flow.times[after]! - flow.times[before]!);
    });
    const gaps: number[] = [];
    for (const [i, timeStep] of SCHEME_STEPS.entries()) {
      gaps.push(await identityGap(one, { start, cells, timeStep, signal, backend }));
      progress(2 * k, `${one.name}, identity`, 0.5 + (0.5 * (i + 1)) / SCHEME_STEPS.length);
    }

    const particles = await ensemble(
      langevin(one.problem(start), {
        neurons: full ? 4 * NEURONS : NEURONS,
        stepSize: STEP,
        temperature: one.temperature,
        seed,
      }),
      {
        replicas,
        times: dots,
        // an estimate of the entropy is a function, so the replicas stay in this thread
        observe: { risk: risk(), rest: restOfParticles(one.temperature) },
        workers: 0,
        backend,
        signal,
        onProgress: ({ fraction }) => progress(2 * k + 1, `${one.name}, particles`, fraction),
      },
    );
    const perReplica = particles.observables["risk"]!.replicas.map((R, r) =>
      R.map((value, i) => value / 2 + particles.observables["rest"]!.replicas[r]![i]!),
    );
    const points = dots.map((_, i) => meanAndError(perReplica.map((values) => values[i]!)));
    results.push({
      one,
      flow,
      least: rest.freeEnergy.value,
      places,
      slopes,
      dots: {
        times: dots,
        mean: points.map(({ mean }) => mean),
        error: points.map(({ error }) => error ?? Number.NaN),
        exact: dots.map((t) => flow.freeEnergy[at(t)]!),
      },
      gaps,
      order: rate(SCHEME_STEPS, gaps, { expected: 2 }),
      warnings: [...flow.warnings, ...particles.warnings],
    });
  }

  const scores = results.map(({ dots }) =>
    Math.max(...dots.mean.map((one, i) => Math.abs(one - dots.exact[i]!) / dots.error[i]!)),
  );
  const rises = results.map(({ flow }) =>
    Math.max(...flow.freeEnergy.slice(1).map((value, i) => value - flow.freeEnergy[i]!)),
  );
  const misfits = results.map(({ flow, places, slopes }) =>
    Math.max(...places.map((at, i) => Math.abs(slopes[i]! / flow.dissipation[at]! - 1))),
  );
  const name = (k: number) => results[k]!.one.name;
  const each = (values: readonly (string | number)[]) =>
    values.map((value, k) => `${typeof value === "number" ? say(value) : value} (${name(k)})`).join(", ");
  const findings: Finding[] = [
    {
      expected: "V(mₜ) never rises, by more than round-off, and stays above V(m*)",
      measured: `largest rise ${each(rises)}; least V(mₜ) − V(m*) ${each(results.map(({ flow, least }) => Math.min(...flow.freeEnergy) - least))}`,
      met:
        rises.every((rise) => rise <= 1e-14) &&
        results.every(({ flow, least }) => Math.min(...flow.freeEnergy) >= least),
    },
    {
      expected: `−dV/dt by differences over ±${100 * APART} % of t is the dissipation, within 1 % at all times`,
      measured: `within ${each(misfits.map((one) => `${say(100 * one)} %`))}`,
      met: misfits.every((one) => one < 0.01),
    },
    {
      expected: `V(m₀) − V(mₜ), t = ${SUMMED}, is the sum of the dissipation up to the square of the steps: slope 2, within 0.15`,
      measured: each(results.map(({ order }) => saySlope(order))),
      met: results.every(({ order }) => Math.abs(order.exponent - 2) <= 0.15),
    },
    {
      expected: "particles have the same free energy within 4.5 standard errors",
      measured: `at most ${each(scores)} of them`,
      met: replicas > 1 ? scores.every((score) => score < 4.5) : null,
    },
  ];

  return {
    table: {
      columns: [
        { name: "problem", digits: 0 },
        { name: "t", digits: 2 },
        { name: "V(mₜ) − V(m*)", digits: 5 },
        { name: "particles", digits: 5 },
        { name: "± s.e.", digits: 5 },
        { name: "dissipation", digits: 5 },
        { name: "order of the identity", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "scheme's", digits: 0 },
      ],
      rows: results.flatMap(({ one, flow, least, dots, order }) =>
        dots.times.map((t, i) => [
          one.name,
          t,
          dots.exact[i]! - least,
          dots.mean[i]! - least,
          replicas > 1 ? dots.error[i]! : "–",
          flow.dissipation[flow.times.indexOf(t)]!,
          order.exponent,
          ...order.interval!,
          2,
        ]),
      ),
    },
    pictures: [
      { file: "decay.svg", picture: decayPicture(results, replicas, full ? 4 * NEURONS : NEURONS) },
      { file: "identity.svg", picture: identityPicture(results) },
    ],
    findings,
    warnings: [...new Set(results.flatMap(({ warnings }) => warnings))],
    data: {
      cells,
      replicas,
      neurons: full ? 4 * NEURONS : NEURONS,
      stepSize: STEP,
      schemeSteps: SCHEME_STEPS,
      results: results.map(({ one, flow, least, places, slopes, dots, gaps, order }) => ({
        problem: one.name,
        process: flow.spec,
        least,
        times: places.map((at) => flow.times[at]!),
        freeEnergy: places.map((at) => flow.freeEnergy[at]!),
        dissipation: places.map((at) => flow.dissipation[at]!),
        differences: slopes,
        particles: { times: dots.times, mean: dots.mean, standardError: dots.error.map(finiteOrNull) },
        gaps,
        order,
      })),
    },
  };
}

// ∫U dρ_N + τ∫ m log m of particles.
function restOfParticles(temperature: number) {
  return (measure: Measure, { problem }: { problem: Problem }): number => {
    if (measure.kind !== "particles") throw new TypeError("particles");
    const { value } = potentialFunctions(problem.confinement);
    const [n] = measure.shape;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += value(measure.values.subarray(i, i + 1));
    return sum / n + temperature * sampleEntropy(measure.values);
  };
}

// |V(0) − V(T) − Σ h (D_k + D_{k+1})/2| over V(0) − V(T), with steps of h.
async function identityGap(one: LangevinCase, options: Omit<Parameters<typeof flowOf>[1], "times">): Promise<number> {
  const h = options.timeStep!;
  const steps = Math.round(SUMMED / h);
  const { freeEnergy, dissipation } = await flowOf(one, {
    ...options,
    times: Array.from({ length: steps + 1 }, (_, k) => k * h),
  });
  const fall = freeEnergy[0]! - freeEnergy[steps]!;
  let sum = (dissipation[0]! + dissipation[steps]!) / 2;
  for (let k = 1; k < steps; k++) sum += dissipation[k]!;
  return Math.abs(fall - h * sum) / fall;
}

function decayPicture(results: Result[], replicas: number, neurons: number): StatisticsPicture {
  return {
    kind: "statistics",
    title: "The free energy falls along the Fokker–Planck flow, at the rate of its dissipation",
    subtitle:
      "double well: F = (M − ½)²/2, U = (x² − 1)²/4, τ = 0.1; tanh units: three examples, U = 0.15w², τ = 0.3; both from N(−1.2, 0.3²). " +
      `Above: dots are Langevin particles, mean of ${replicas} runs of N = ${neurons}, step ${STEP}. Below: dots are −dV/dt by differences`,
    x: { label: "time t", scale: "log" },
    key: { limit: "grid", network: "particles; differences", spread: "± standard error" },
    panels: [
      ...results.map(({ one, flow, least, places, dots }) => ({
        title: `Free energy, ${one.name}`,
        y: { label: "V(mₜ) − V(m*)", scale: "log" as const },
        curves: [
          {
            label: "",
            limit: { x: places.map((at) => flow.times[at]!), y: places.map((at) => flow.freeEnergy[at]! - least) },
            network: {
              x: dots.times,
              y: dots.mean.map((y) => y - least),
              low: replicas > 1 ? dots.mean.map((y, i) => y - least - dots.error[i]!) : null,
              high: replicas > 1 ? dots.mean.map((y, i) => y - least + dots.error[i]!) : null,
            },
          },
        ],
        levels: [],
      })),
      ...results.map(({ one, flow, places, slopes }) => ({
        title: `Both sides of the identity, ${one.name}`,
        y: { label: "−dV/dt and ∫|D_mF + ∇U + τ∇log m|² m", scale: "log" as const },
        curves: [
          {
            label: "",
            limit: { x: places.map((at) => flow.times[at]!), y: places.map((at) => flow.dissipation[at]!) },
            network: {
              x: places.filter((_, i) => i % 3 === 0).map((at) => flow.times[at]!),
              y: slopes.filter((_, i) => i % 3 === 0),
              low: null,
              high: null,
            },
          },
        ],
        levels: [],
      })),
    ],
  };
}

function identityPicture(results: Result[]): RatePicture {
  const ends = [SCHEME_STEPS[SCHEME_STEPS.length - 1]!, SCHEME_STEPS[0]!];
  const largest = Math.max(...results.flatMap(({ gaps }) => gaps[0]!));
  return {
    kind: "rate",
    title: "Dissipation identity: its gap falls with the square of the step",
    subtitle:
      `fall of V over [0, ${SUMMED}] against the sum of the dissipation by the trapezoidal rule, both at every step; ` +
      "slopes with 95 % intervals, the scheme's is 2",
    key: { network: "relative difference", limit: "fitted power law", reference: "slope 2" },
    panels: [
      {
        title: "",
        x: { label: "time step" },
        y: { label: "|V(m₀) − V(mₜ) − ΣD Δt| / (V(m₀) − V(mₜ))" },
        curves: results.map(({ one, gaps, order }) =>
          rateCurve({ label: one.name, x: SCHEME_STEPS, replicas: gaps.map((gap) => [gap]), rate: order }),
        ),
        references: [powerLaw("slope 2", ends, 2, (3 * largest) / (ends[1]! * ends[1]!))],
      },
    ],
  };
}
