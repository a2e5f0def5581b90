// Fokker–Planck flows of the cases of langevinCases.ts, with their stationary laws, and exponential rates.       theory §7

import { exp } from "../../engine/math";
import { canonicalJson } from "../../io/canonical";
import { w2 } from "../../measure/distance";
import { type Grid, type Measure, marginal } from "../../measure/measure";
import type { Start } from "../../model/start";
import { fokkerPlanck } from "../../process/schema";
import { dissipation, freeEnergy } from "../observables";
import { rate } from "../rate";
import { solve } from "../solve";
import { type StationaryLaw, stationaryLaw } from "../stationaryLaw";
import type { FigureOptions } from "./figure";
import type { LangevinCase } from "./langevinCases";

/** A Fokker–Planck flow at several times. */
export interface LangevinFlow {
  /** The process as it stands in a file. */
  spec: unknown;
  times: number[];
  laws: Grid[];
  /** 𝓕(m_t) */
  freeEnergy: number[];
  /** ∫|D_mF + ∇U + τ∇log m|² m */
  dissipation: number[];
  warnings: string[];
}

/**
 * Solves the Fokker–Planck equation of a case.
 *
 * @param one      the case
 * @param options  start; times; cells of the grid; maxStep: bound on the steps, which by their tolerance alone get long beside
 *                 the rate of a decay that is to be measured; or timeStep: length of all steps; onFraction: called as it goes on
 */
export async function flowOf(
  one: LangevinCase,
  options: Pick<FigureOptions, "signal" | "backend"> & {
    start: Start;
    times: readonly number[];
    cells: number;
    maxStep?: number;
    timeStep?: number;
    onFraction?: (fraction: number) => void;
  },
): Promise<LangevinFlow> {
  const { start, times, cells, maxStep, timeStep, signal, backend, onFraction } = options;
  const process = fokkerPlanck(one.problem(start), {
    temperature: one.temperature,
    box: one.box,
    cells,
    ...(maxStep !== undefined && { maxStep }),
    ...(timeStep !== undefined && { timeStep }),
  });
  const run = await solve(process, {
    times,
    observe: { freeEnergy: freeEnergy(), dissipation: dissipation() },
    keep: "measures",
    signal,
    backend,
    onProgress: ({ fraction }) => onFraction?.(fraction),
  });
  signal?.throwIfAborted();
  return {
    spec: JSON.parse(canonicalJson(process)),
    times: Array.from(run.times),
    laws: run.measures as Grid[],
    freeEnergy: Array.from(run.observables["freeEnergy"]!.values),
    dissipation: Array.from(run.observables["dissipation"]!.values),
    warnings: run.warnings,
  };
}

/** The stationary law m* of a case on its grid. */
export function restOf(one: LangevinCase, start: Start, cells: number, signal?: AbortSignal): Promise<StationaryLaw> {
  const process = fokkerPlanck(one.problem(start), { temperature: one.temperature, box: one.box, cells });
  return stationaryLaw(process, signal ? { signal } : {});
}

/** W2 between laws of one parameter. */
export function distance(a: Measure, b: Measure): number {
  return w2(marginal(a, 0), marginal(b, 0));
}

/** λ of values like e^{−λt}, by a straight line through their logarithms, with Student's interval from the scatter about it. */
export interface Decay {
  rate: number;
  interval: [number, number];
}

/**
 * Fits an exponential decay.
 *
 * @param times   of the fit, three or more
 * @param values  positive
 */
export function decayOf(times: readonly number[], values: readonly number[]): Decay {
  // a power of e^t
  const { exponent, interval } = rate(
    times.map((t) => exp(t)),
    values,
  );
  const [low, high] = interval!;
  return { rate: -exponent, interval: [-high, -low] };
}
