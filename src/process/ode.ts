// Ordinary differential equations θ' = v(t, θ) of particles: Dormand–Prince 5(4) with error control, and classical Runge–Kutta.
//
// Both step as processes in continuous time do (flow.ts): never clipped to a time asked for, which is reached on a copy.

import { DivergenceError } from "../engine/errors";
import { pow } from "../engine/math";
import type { Solver, SolverState } from "./flow";

/** Dormand–Prince 5(4): nodes, stages, weights of order 4 minus those of order 5.  J. Comput. Appl. Math. 6 (1980) 19 */
const NODES = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const STAGES = [
  [],
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const DIFFERENCE = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/** How an equation is stepped. */
export type OdeMethod =
  | { kind: "dormandPrince"; tolerance: number; maxStep?: number }
  | { kind: "rungeKutta"; timeStep: number };

/** Steps by which it is told whether a solver crawls, and the share of the time that they have to go. */
const CRAWL = { steps: 10000, share: 0.01 };

/** The right-hand side: writes v(t, θ) over `out`; returns false where it is not finite. */
export type Velocity = (t: number, values: Float64Array, out: Float64Array) => boolean;

/** A solver of θ' = v(t, θ). */
export class OdeSolver implements Solver {
  time = 0;
  accepted = 0;
  /** Trial steps thrown away since this object was made. */
  rejected = 0;
  /** Time at which 10,000 steps began that took the flow on by less than a hundredth of it; null where none did. */
  crawling: number | null = null;
  readonly values: Float64Array;
  readonly #stages: Float64Array[];
  readonly #point: Float64Array;
  readonly #result: Float64Array;
  #step = 0;
  /** Time at the last whole number of 10,000 steps. */
  #mark = 0;
  /** Whether the first stage stands at `values`. */
  #fresh = false;

  /**
   * @param name      kind of the process, for errors
   * @param values    the start (copied)
   * @param velocity  v(t, θ)
   */
  constructor(
    readonly name: string,
    values: Float64Array,
    readonly velocity: Velocity,
    readonly method: OdeMethod,
  ) {
    this.values = values.slice();
    this.#stages = Array.from(
      { length: method.kind === "dormandPrince" ? 7 : 4 },
      () => new Float64Array(values.length),
    );
    this.#point = new Float64Array(values.length);
    this.#result = new Float64Array(values.length);
  }

  advance(t: number, limit = Infinity): boolean {
    for (let trials = 0; trials < limit; trials++) {
      if (this.time >= t) return true;
      const h = this.#length();
      if (this.time + h > t) return true;
      const error = this.#attempt(this.time, this.values, h);
      if (error > 1) {
        this.rejected++;
        this.#shorten(h, error);
        continue;
      }
      this.values.set(this.#result);
      this.accepted++;
      if (this.method.kind === "rungeKutta") {
        this.time = this.accepted * this.method.timeStep;
        this.#fresh = false;
      } else {
        this.time += h;
        this.#step = Math.min(h * growth(error), this.method.maxStep ?? Infinity);
        this.#stages.unshift(this.#stages.pop()!);
        if (this.accepted % CRAWL.steps === 0) this.#watch();
      }
    }
    return this.time >= t;
  }

  at(t: number): Float64Array {
    if (t === this.time) return this.values.slice();
    // the step that ends at t is shorter than the one the state would take, whose error is within the tolerance
    const kept = { step: this.#step };
    let time = this.time;
    const copy = this.values.slice();
    let h = t - time;
    this.#length();
    while (time < t) {
      h = Math.min(h, t - time);
      const error = this.#attempt(time, copy, h);
      if (error > 1) {
        h = this.#shorter(h, error);
        continue;
      }
      copy.set(this.#result);
      time = h === t - time ? t : time + h;
      this.#fresh = false;
      if (time < t) this.#begin(time, copy);
    }
    this.#fresh = false;
    this.#step = kept.step;
    return copy;
  }

  save(): SolverState {
    if (this.#step === 0) this.#length();
    const notes = this.#mark === 0 ? {} : { notes: [this.#mark, this.crawling] };
    return { time: this.time, step: this.#step, accepted: this.accepted, values: this.values.slice(), ...notes };
  }

  restore(state: SolverState): void {
    this.values.set(state.values);
    this.time = state.time;
    this.accepted = state.accepted;
    this.#step = state.step;
    [this.#mark, this.crawling] = (state.notes?.length ? state.notes : [0, null]) as [number, number | null];
    this.#fresh = false;
  }

  #watch(): void {
    if (this.time - this.#mark < CRAWL.share * this.time) this.crawling ??= this.#mark;
    this.#mark = this.time;
  }

  #begin(time: number, values: Float64Array): void {
    if (!this.velocity(time, values, this.#stages[0]!)) this.#fail();
    this.#fresh = true;
  }

  /** Length of the step to try; the first stage stands at the state afterwards. */
  #length(): number {
    if (!this.#fresh) this.#begin(this.time, this.values);
    if (this.method.kind === "rungeKutta") return this.method.timeStep;
    if (this.#step === 0) {
      let fastest = 0;
      this.#stages[0]!.forEach((v, i) => {
        fastest = Math.max(fastest, Math.abs(v) / (1 + Math.abs(this.values[i]!)));
      });
      const wanted = 0.5 * pow(this.method.tolerance, 0.2);
      this.#step = Math.min(fastest > 0 ? wanted / fastest : wanted, 1, this.method.maxStep ?? Infinity);
    }
    return this.#step;
  }

  #shorten(h: number, error: number): void {
    this.#step = this.#shorter(h, error);
  }

  #shorter(h: number, error: number): number {
    if (this.method.kind === "rungeKutta") this.#fail();
    const next = h * Math.max(0.2, Number.isFinite(error) ? 0.9 * pow(error, -0.2) : 0.2);
    if (!(this.time + next > this.time)) this.#fail();
    return next;
  }

  #fail(): never {
    const remedy =
      this.method.kind === "rungeKutta"
        ? `The step ${this.method.timeStep} is too large for this problem; take a smaller timeStep.`
        : "No step is short enough: the velocity is not finite, or it jumps.";
    throw new DivergenceError(this.name, this.accepted, this.time, `the state is no longer finite. ${remedy}`);
  }

  /** Steps by h into the result; the first stage stands at `values`. Returns the error over the tolerance, 0 for Runge–Kutta. */
  #attempt(time: number, values: Float64Array, h: number): number {
    if (this.method.kind === "rungeKutta") return this.#classical(time, values, h);
    const stages = this.#stages;
    for (let s = 1; s <= 6; s++) {
      const to = s === 6 ? this.#result : this.#point;
      combine(values, h, STAGES[s]!, stages, to);
      if (!this.velocity(time + NODES[s]! * h, to, stages[s]!)) return Infinity;
    }
    let worst = 0;
    for (let i = 0; i < values.length; i++) {
      let difference = 0;
      for (let s = 0; s < 7; s++) difference += DIFFERENCE[s]! * stages[s]![i]!;
      const scale = this.method.tolerance * (1 + Math.max(Math.abs(values[i]!), Math.abs(this.#result[i]!)));
      const error = Math.abs(h * difference) / scale;
      if (!(error <= worst)) worst = error;
      if (!(worst < Infinity)) return Infinity;
    }
    return worst;
  }

  #classical(time: number, values: Float64Array, h: number): number {
    const [k1, k2, k3, k4] = this.#stages as [Float64Array, Float64Array, Float64Array, Float64Array];
    const to = this.#point;
    combine(values, h, [0.5], [k1], to);
    if (!this.velocity(time + h / 2, to, k2)) return Infinity;
    combine(values, h, [0.5], [k2], to);
    if (!this.velocity(time + h / 2, to, k3)) return Infinity;
    combine(values, h, [1], [k3], to);
    if (!this.velocity(time + h, to, k4)) return Infinity;
    combine(values, h, [1 / 6, 1 / 3, 1 / 3, 1 / 6], [k1, k2, k3, k4], this.#result);
    return this.#result.every(Number.isFinite) ? 0 : Infinity;
  }
}

function combine(
  values: Float64Array,
  h: number,
  coefficients: readonly number[],
  stages: readonly Float64Array[],
  out: Float64Array,
): void {
  out.set(values);
  coefficients.forEach((coefficient, s) => {
    if (coefficient === 0) return;
    const c = h * coefficient;
    const k = stages[s]!;
    for (let i = 0; i < out.length; i++) out[i] = out[i]! + c * k[i]!;
  });
}

function growth(error: number): number {
  return error > 0 ? Math.min(5, Math.max(0.5, 0.9 * pow(error, -0.2))) : 5;
}
