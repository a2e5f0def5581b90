// Characteristics of the radial flow: weighted particles in reduced coordinates, θ' = −∇Ψ(θ; ρ̄), ρ̄ = Σ w_i δ_{θ_i}.
//                                                                                              theory §5, §13
// Dormand–Prince 5(4) with a step that the error chooses, and that is shortened where it would raise the risk. The step sequence never depends on the times at which the
// state is asked for: `at(t)` steps a copy. State = positions, time and next step; restoring it repeats the same bits.
//
// Radii obey r ≥ 0. Ψ is even in r where it is smooth, so a radius that a step carries across 0 is reflected. Where σ has
// a kink at 0, r = 0 is a cone tip: the flow is the one-sided one, a particle that arrives while the tip attracts stays.

import { DivergenceError } from "../../engine/errors";
import type { RadialOperator } from "../../model/radial";

/** What a saved run of characteristics holds. */
export type CharacteristicsState = { time: number; step: number; accepted: number; values: Float64Array };

/** Weighted particles moving along the radial flow. */
export class Characteristics {
  /** Number of particles. */
  readonly count: number;
  /** Steps taken since the start. */
  accepted = 0;
  /** Trial steps thrown away since this object was made. */
  rejected = 0;
  /** Time of `values`, the end of the last whole step. */
  time = 0;
  /** Positions, count × coordinates. */
  readonly values: Float64Array;
  /** C at `values`, the Hermite moments of the operator. */
  readonly moments: Float64Array;
  #step = 0;
  #fresh = false;
  // whether the next step was tried from here and holds: times inside it need no trial
  #held = false;
  readonly #trial: Trial;
  readonly #copy: Float64Array;

  /**
   * @param operator   the radial operator
   * @param values     positions at the start, count × coordinates (copied)
   * @param weights    count weights that sum to 1
   * @param tolerance  error allowed in one step, of each coordinate, relative to 1 + its size
   * @param options    frozen: coordinates that do not move (fixed output weights); maxStep: an upper bound on the step,
   *                   which the error control may still shorten
   */
  constructor(
    readonly operator: RadialOperator,
    values: Float64Array,
    readonly weights: Float64Array,
    readonly tolerance: number,
    readonly options: { frozen?: readonly boolean[]; maxStep?: number } = {},
  ) {
    this.count = weights.length;
    this.values = values.slice();
    this.#copy = new Float64Array(values.length);
    this.moments = new Float64Array(operator.rank);
    this.#trial = new Trial(operator, weights, tolerance, options.frozen ?? []);
  }

  /** Risk of the law at `values`. */
  get risk(): number {
    this.#refresh();
    return this.operator.risk(this.moments);
  }

  /**
   * Takes whole steps as long as they end at or before t, and no more than `limit` of them.
   *
   * @param t      time to go to
   * @param limit  largest number of trial steps
   * @returns whether no further whole step fits before t
   * @throws {DivergenceError} when positions stop being finite or the step falls below round-off
   */
  advance(t: number, limit = Infinity): boolean {
    for (let trials = 0; trials < limit; trials++) {
      if (this.time >= t || (this.#held && this.time + this.#step > t)) return true;
      this.#refresh();
      const h = this.#step;
      const error = this.#trial.attempt(this.values, h);
      if (error > 1) {
        this.rejected++;
        this.#step = this.#shorter(h, error);
        continue;
      }
      if (this.time + h > t) {
        this.#held = true;
        return true;
      }
      this.#held = false;
      this.values.set(this.#trial.result);
      this.time += h;
      this.accepted++;
      this.#step = Math.min(h * grow(error), this.options.maxStep ?? Infinity);
      this.#fresh = this.#trial.carry();
      if (this.#fresh) this.moments.set(this.#trial.moments);
    }
    return this.time >= t;
  }

  /**
   * Positions at time t, from a copy: whole steps up to t, and then one that ends there. Call `advance(t)` first.
   *
   * @param t  a time in [time, time + the next whole step]
   */
  at(t: number): Float64Array {
    if (t === this.time) return this.values.slice();
    this.#copy.set(this.values);
    let time = this.time;
    let h = t - time;
    this.#refresh();
    while (time < t) {
      h = Math.min(h, t - time);
      const error = this.#trial.attempt(this.#copy, h);
      if (error > 1) {
        h = this.#shorter(h, error);
        continue;
      }
      this.#copy.set(this.#trial.result);
      time = h === t - time ? t : time + h;
      if (time < t) this.#trial.begin(this.#copy);
    }
    this.#fresh = false;
    return this.#copy.slice();
  }

  /** The state at the end of the last whole step. */
  save(): CharacteristicsState {
    this.#refresh();
    return { time: this.time, step: this.#step, accepted: this.accepted, values: this.values.slice() };
  }

  /** Goes back to a saved state; what follows repeats its bits. */
  restore(state: CharacteristicsState): void {
    this.values.set(state.values);
    this.time = state.time;
    this.#step = state.step;
    this.accepted = state.accepted;
    this.#fresh = false;
    this.#held = false;
  }

  #refresh(): void {
    if (this.#fresh) return;
    this.#trial.begin(this.values);
    this.moments.set(this.#trial.moments);
    if (this.#step === 0) this.#step = this.#firstStep();
    this.#fresh = true;
  }

  // A hundredth of the time in which the fastest particle crosses its own distance scale.
  #firstStep(): number {
    const speed = this.#trial.speed();
    const bound = this.options.maxStep ?? Infinity;
    return Math.min(0.01 / Math.max(speed, 1e-2), bound);
  }

  #shorter(h: number, error: number): number {
    const next = h * (Number.isFinite(error) ? Math.max(0.2, Math.min(0.9, 0.9 * inverseFifthRoot(error))) : 0.2);
    if (next > 1e-15 * Math.max(1, this.time)) return next;
    const reason = "the step that the tolerance asks for is below round-off; raise the tolerance";
    throw new DivergenceError("radialFlow", this.accepted, this.time, reason);
  }
}

// Step factor after an error below 1 (order 5): safety 0.9, at most five.
function grow(error: number): number {
  return Math.min(5, 0.9 * inverseFifthRoot(Math.max(error, 1e-10)));
}

/** x^{−1/5} for x > 0 by Newton on y⁻⁵ = x, from above; a few digits would do, but all machines must agree. */
function inverseFifthRoot(x: number): number {
  let y = x > 1 ? 1 / Math.sqrt(Math.sqrt(x)) : 1;
  for (let i = 0; i < 60; i++) {
    const y2 = y * y;
    const next = 0.2 * y * (6 - x * y2 * y2 * y);
    if (Math.abs(next - y) <= 1e-12 * y) return next;
    y = next;
  }
  return y;
}

// Dormand, Prince 1980: stages, fifth-order weights (the seventh stage stands at the result), error weights.
const A = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const B4 = [5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40];

/** The error that a step is given when the risk, which the flow lowers, rises by it. */
const UPHILL = 32;

/** One Dormand–Prince step on work arrays of its own, with the constraint r ≥ 0 built in. */
class Trial {
  readonly result: Float64Array;
  readonly moments: Float64Array;
  readonly #stages: Float64Array[];
  readonly #point: Float64Array;
  readonly #flip: Float64Array;
  readonly #features: Float64Array;
  readonly #scratch: Float64Array;
  readonly #last: Float64Array;
  #reflected = false;
  readonly #dims: number;
  readonly #radii: number;

  constructor(
    readonly operator: RadialOperator,
    readonly weights: Float64Array,
    readonly tolerance: number,
    readonly frozen: readonly boolean[],
  ) {
    this.#dims = operator.coordinates.length;
    this.#radii = operator.coordinates.indexOf("r1");
    const size = weights.length * this.#dims;
    this.result = new Float64Array(size);
    this.#point = new Float64Array(size);
    this.#flip = new Float64Array(size);
    this.#stages = Array.from({ length: 7 }, () => new Float64Array(size));
    this.#features = new Float64Array(weights.length * operator.stride);
    this.moments = new Float64Array(operator.rank);
    this.#scratch = new Float64Array(operator.rank);
    this.#last = new Float64Array(operator.rank);
  }

  /** Sets the first stage, the velocity at `values`. */
  begin(values: Float64Array): void {
    this.#velocity(values, this.#stages[0]!, this.moments);
  }

  /** Takes the last stage, which stands at the result, as the first of the next step; false where it was reflected. */
  carry(): boolean {
    if (this.#reflected) return false;
    this.#stages.unshift(this.#stages.pop()!);
    this.moments.set(this.#last);
    return true;
  }

  /** Largest velocity of the first stage. */
  speed(): number {
    let largest = 0;
    for (const v of this.#stages[0]!) largest = Math.max(largest, Math.abs(v));
    return largest;
  }

  /** Steps `values` by h into `result`; returns the error estimate over the tolerance, above 1 also if the risk rises. */
  attempt(values: Float64Array, h: number): number {
    const { result } = this;
    const size = values.length;
    const lower = this.#point;
    for (let stage = 1; stage <= 6; stage++) {
      this.#combine(values, h, A[stage - 1]!, result);
      this.#velocity(result, this.#stages[stage]!, stage === 6 ? this.#last : this.#scratch);
    }
    this.#combine(values, h, B4, lower);
    this.#constrain(result);
    this.#constrain(lower);
    let worst = 0;
    for (let i = 0; i < size; i++) {
      const scale = this.tolerance * (1 + Math.abs(result[i]!));
      const error = Math.abs(result[i]! - lower[i]!) / scale;
      if (!(error <= worst)) worst = error;
      if (!(worst < Infinity)) return Infinity;
    }
    if (this.operator.coneTip && this.#dims - this.#radii === 2) this.#snap();
    const rise = this.operator.risk(this.#last) - this.operator.risk(this.moments);
    return rise > Math.max(1e-3 * this.tolerance, 1e-13) ? Math.max(worst, UPHILL) : worst;
  }

  /** Velocity −∇Ψ at positions whose radii may have crossed 0. */
  #velocity(values: Float64Array, out: Float64Array, moments: Float64Array): void {
    const { operator, weights } = this;
    const n = weights.length;
    const point = this.#point;
    const flip = this.#flip;
    point.set(values);
    flip.fill(-1);
    this.#reflected = false;
    for (let i = 0; i < n; i++) this.#fold(point, i * this.#dims, flip);
    operator.evaluate(point, n, this.#features);
    operator.moments(point, this.#features, weights, n, moments);
    operator.gradient(point, this.#features, moments, n, out);
    for (let i = 0; i < out.length; i++) out[i]! *= flip[i]!;
    for (let c = 0; c < this.#dims; c++) {
      if (this.frozen[c]) for (let i = c; i < out.length; i += this.#dims) out[i] = 0;
    }
  }

  #combine(values: Float64Array, h: number, coefficients: readonly number[], out: Float64Array): void {
    out.set(values);
    for (let stage = 0; stage < coefficients.length; stage++) {
      const c = h * coefficients[stage]!;
      const k = this.#stages[stage]!;
      if (c !== 0) for (let i = 0; i < out.length; i++) out[i]! += c * k[i]!;
    }
  }

  #constrain(values: Float64Array): void {
    for (let at = 0; at < values.length; at += this.#dims) this.#fold(values, at, null);
  }

  /** Brings the radii of one particle back to r ≥ 0: stopped at a cone tip, reflected where Ψ is even. */
  #fold(values: Float64Array, at: number, flip: Float64Array | null): void {
    const first = at + this.#radii;
    const last = at + this.#dims - 1;
    if (this.operator.coneTip) {
      let crossed = true;
      for (let i = first; i <= last; i++) crossed = crossed && values[i]! <= 0;
      if (crossed) {
        for (let i = first; i <= last; i++) values[i] = 0;
        return;
      }
    }
    for (let i = first; i <= last; i++) {
      if (values[i]! >= 0) continue;
      values[i] = -values[i]!;
      if (!flip) continue;
      flip[i] = 1;
      this.#reflected = true;
    }
  }

  /** Two radii: a particle within the tolerance of a tip that attracts from everywhere has arrived. */
  #snap(): void {
    const dims = this.#dims;
    const { result } = this;
    const n = this.weights.length;
    for (let i = 0; i < n; i++) {
      const r = i * dims + this.#radii;
      const distance = Math.max(result[r]!, result[r + 1]!);
      if (distance > 0 && distance < this.tolerance) {
        const velocity = this.#stages[6]!;
        if (velocity[r]! < 0 && velocity[r + 1]! <= 0) {
          result[r] = result[r + 1] = 0;
          this.#reflected = true;
        }
      }
    }
  }
}
