// The Fokker–Planck flow ∂_t m = ∇·((∇Ψ(·; m) + ∇U) m + τ∇m) on cells, in steps of its own choice.             theory §7
//
// A step of length dt freezes the potential at a midpoint: Φ(m) → half a step of backward Euler → Φ at its end → a step of
// scharfetterGummel.ts with that. Order 2 in dt; a law with m ∝ exp(−Φ(m)/τ) stays where it is.
//
// Adaptive: a step is made once whole and once in two halves; a third of the difference, in total mass moved (L1), is the
// error of the halves, which are kept. It is held below the tolerance and below a part of the step's own change, so that
// no step is long beside the time in which the law settles, even where all changes have become small. A step that would
// raise the free energy by more than round-off is made again shorter. Steps are never clipped to the times asked for.

import { DivergenceError } from "../../engine/errors";
import { pow } from "../../engine/math";
import type { CellEnergy } from "../../measure/cellEnergy";
import { type Cells, finish, PIECE, Sum, type Work } from "../../measure/cells";
import { cellDissipation, cellFreeEnergy, type FreeEnergy } from "../../measure/freeEnergy";
import { type Rates, ScharfetterGummel } from "./scharfetterGummel";

/** What the flow is of. */
export interface FlowSpec {
  /** equal ones along each axis */
  cells: Cells;
  /** F and Ψ */
  energy: CellEnergy;
  /** U at the middles of the cells */
  confinement: Float64Array;
  /** τ > 0 */
  temperature: number;
  /** masses of the cells at time 0, sum 1 (copied) */
  masses: Float64Array;
  /** L1 error allowed in a step; or the length of all steps */
  steps: { tolerance: number; maxStep?: number } | { timeStep: number };
  /** what a divergence carries */
  snapshot?: () => Uint8Array | null;
}

/** What a saved flow holds. */
export type FlowState = {
  time: number;
  step: number;
  accepted: number;
  values: Float64Array;
  notes: readonly FlowFlag[];
};

/** Something the user should know, with the time at which it was first seen. */
export type FlowFlag = { kind: "wall" | "unresolved" | "shortened"; time: number; share: number };

/** Share of a step's own change that its error may have: a mode of rate λ then has λ dt ≤ 2 or so. */
const RELATIVE = 0.05;

/** Round-off of an L1 difference of two laws, times the root of the number of cells. */
const NOISE = 4 * Number.EPSILON;

/** Round-off of a free energy, relative to the sum of the sizes of its terms. */
const ROUNDING = 4e-15;

/** The error that a step is given when it raises the free energy, or its second half moves twice as much mass as its first. */
const UPHILL = 8;

/** Density at a wall, times the length of the box, above which the wall is felt. */
const WALL = 1e-6;

/** Share of mass, in cells where the density changes by a factor 3 or Φ by 2τ to the next, above which the grid is flagged. */
const UNRESOLVED = 0.1;

/** Whole steps between two looks at the flags. */
const LOOK = 8;

/** Share of (dissipation at its end) × (length) by which a fixed step has to lower the free energy, or it is not the flow's. */
const HALF = 0.5;

/** Most parts that a fixed step is cut into before it counts as diverged. */
const MOST_PARTS = 2 ** 20;

/** A law on cells, moving along its flow. */
export class FokkerPlanckFlow {
  /** End of the last whole step. */
  time = 0;
  /** Whole steps taken. */
  accepted = 0;
  /** Trial steps made again since this object was made. */
  rejected = 0;
  /** The first of each kind. */
  readonly flags: FlowFlag[] = [];
  readonly scheme: ScharfetterGummel;
  /** Masses at `time`. */
  masses: Float64Array;
  #step: number;
  readonly #psi: Float64Array;
  readonly #potential: Float64Array;
  readonly #start: Rates;
  readonly #middle: Rates;
  readonly #whole: Float64Array;
  readonly #half: Float64Array;
  readonly #copy: Float64Array;
  #result: Float64Array;
  // whether #start and #free are those of `masses`; whether #result is the whole step of length #step from there
  #fresh = false;
  #ready = false;
  // whether #start has been set once
  #fitted = false;
  #grow = 1;
  #free: FreeEnergy | null = null;
  readonly #mass: number;

  constructor(readonly spec: FlowSpec) {
    const { cells, temperature, masses, steps } = spec;
    const field = () => new Float64Array(cells.size);
    this.scheme = new ScharfetterGummel(cells, temperature);
    this.masses = masses.slice();
    this.#mass = exactSum(masses);
    [this.#psi, this.#potential, this.#whole, this.#half, this.#copy, this.#result] = [
      field(),
      field(),
      field(),
      field(),
      field(),
      field(),
    ];
    this.#start = this.scheme.rates();
    this.#middle = spec.energy.linear ? this.#start : this.scheme.rates();
    const narrowest = Math.min(...cells.lengths.map((axis) => axis[0]!));
    // in the time that a cell takes to spread to the next
    const first = (narrowest * narrowest) / (2 * temperature);
    this.#step = "timeStep" in steps ? steps.timeStep : Math.min(first, steps.maxStep ?? Infinity);
  }

  /** Free energy of the law at `time`. */
  get freeEnergy(): FreeEnergy {
    finish(this.#refresh());
    return this.#free!;
  }

  /** −d𝓕/dt of the law at `time`. */
  get dissipation(): number {
    const { cells, temperature } = this.spec;
    finish(this.#refresh());
    finish(this.#potentialOf(this.masses));
    return finish(cellDissipation(this.masses, cells, this.#potential, temperature));
  }

  /**
   * Takes whole steps as long as they end at or before t.
   *
   * @param t  time to go to
   * @throws {DivergenceError} when masses stop being finite or the step falls below round-off
   */
  *advance(t: number): Work<void> {
    while (this.time < t) {
      if (!this.#ready) {
        yield* this.#refresh();
        yield* this.#tryStep();
      }
      const end = this.#endOf(this.#step);
      if (end > t) return;
      [this.masses, this.#result] = [this.#result, this.masses];
      this.time = end;
      this.accepted++;
      this.#ready = this.#fresh = false;
      if (!("timeStep" in this.spec.steps)) {
        this.#step = Math.min(this.#step * this.#grow, this.spec.steps.maxStep ?? Infinity);
      }
      yield undefined;
    }
  }

  /**
   * Masses at time t, from a copy: one step that ends there, or several where one is not accurate enough. Call `advance(t)`
   * first.
   *
   * @param t  a time in [time, time + the next whole step]
   */
  *at(t: number): Work<Float64Array> {
    if (t === this.time) return this.masses.slice();
    this.#ready = false;
    const masses = this.#copy;
    masses.set(this.masses);
    for (let time = this.time; time < t; ) {
      yield* this.#begin(masses);
      this.#fresh = false;
      const { length } = yield* this.#attempt(masses, t - time, time);
      masses.set(this.#result);
      time = length === t - time ? t : time + length;
    }
    return masses.slice();
  }

  /** The state at the end of the last whole step. */
  save(): FlowState {
    return {
      time: this.time,
      step: this.#step,
      accepted: this.accepted,
      values: this.masses.slice(),
      notes: this.flags.map((flag) => ({ ...flag })),
    };
  }

  /** Goes back to a saved state; what follows repeats its bits. */
  restore(state: FlowState): void {
    this.masses.set(state.values);
    this.time = state.time;
    this.#step = state.step;
    this.accepted = state.accepted;
    this.flags.splice(0, this.flags.length, ...state.notes.map((flag) => ({ ...flag })));
    this.#fresh = this.#ready = false;
  }

  // Fixed steps are counted, so that their ends do not gather rounding errors.
  #endOf(step: number): number {
    const { steps } = this.spec;
    return "timeStep" in steps ? (this.accepted + 1) * steps.timeStep : this.time + step;
  }

  *#refresh(): Work<void> {
    if (this.#fresh) return;
    yield* this.#begin(this.masses);
    if (this.accepted % LOOK === 0) yield* this.#look();
    this.#fresh = true;
  }

  // Sets the free energy of a law and the rates of its potential.
  *#begin(masses: Float64Array): Work<void> {
    this.#free = yield* this.#energyOf(masses);
    if (this.spec.energy.linear && this.#fitted) return;
    yield* this.scheme.fit(this.#potential, this.#start);
    this.#fitted = true;
  }

  // Sets #potential to the potential Ψ + U of a law; returns F.
  *#potentialOf(masses: Float64Array): Work<number> {
    const { energy, confinement } = this.spec;
    const F = yield* energy.evaluate(masses, this.#psi);
    for (let i = 0; i < masses.length; i++) this.#potential[i] = this.#psi[i]! + confinement[i]!;
    return F;
  }

  // The free energy of a law; its potential is left in #potential.
  *#energyOf(masses: Float64Array): Work<FreeEnergy> {
    const { cells, confinement, temperature } = this.spec;
    const F = yield* this.#potentialOf(masses);
    return yield* cellFreeEnergy(masses, cells, F, confinement, temperature);
  }

  *#tryStep(): Work<void> {
    const { length, grow } = yield* this.#attempt(this.masses, this.#step, this.time);
    if (!("timeStep" in this.spec.steps)) this.#step = length;
    this.#grow = grow;
    this.#ready = true;
  }

  // A step of at most dt from masses whose rates and free energy are set, into #result.
  *#attempt(masses: Float64Array, dt: number, time: number): Work<{ length: number; grow: number }> {
    const { steps } = this.spec;
    if ("timeStep" in steps) {
      yield* this.#fixed(masses, dt, time);
      return { length: dt, grow: 1 };
    }
    const before = this.#free!;
    for (let length = dt, most = 3; ; ) {
      yield* this.#part(masses, this.#start, length, this.#whole);
      yield* this.#part(masses, this.#start, length / 2, this.#half);
      let rates = this.#start;
      if (!this.spec.energy.linear) {
        rates = this.#middle;
        yield* this.#potentialOf(this.#half);
        yield* this.scheme.fit(this.#potential, rates);
      }
      yield* this.#part(this.#half, rates, length / 2, this.#result);
      const after = yield* this.#energyOf(this.#result);
      const rise = after.value - before.value;
      let error = this.#errorOf(masses, steps.tolerance);
      // NaN is worse than any number
      if (!(rise <= ROUNDING * Math.max(before.magnitude, after.magnitude))) error = Math.max(error, UPHILL);
      if (error <= 1) {
        this.#keepMass();
        return { length, grow: Math.min(most, 0.9 * pow(Math.max(error, 1e-3), -1 / 3)) };
      }
      this.rejected++;
      length *= Number.isFinite(error) ? Math.max(0.2, 0.9 * pow(error, -1 / 3)) : 0.2;
      // no growth right after a step that was too long
      most = 1;
      if (!(time + length > time)) {
        const reason = Number.isFinite(error)
          ? "the step that the tolerance asks for is below round-off; raise the tolerance"
          : "the masses are no longer finite";
        throw this.#diverged(time, reason);
      }
    }
  }

  // A step of given length. In a step that is short beside the flow's own times the free energy falls by the mean of the
  // dissipation times its length; one that lowers it by less than half of that at its end is cut into 2, 4, … equal parts.
  *#fixed(masses: Float64Array, dt: number, time: number): Work<void> {
    const before = this.#free!;
    for (let parts = 1; parts <= MOST_PARTS; parts *= 2) {
      let downhill = true;
      let last = before;
      let from = masses;
      for (let k = 0; k < parts && downhill; k++) {
        let rates = this.#start;
        if (k > 0 && !this.spec.energy.linear) {
          rates = this.#middle;
          yield* this.#potentialOf(from);
          yield* this.scheme.fit(this.#potential, rates);
        }
        const to = k % 2 === 0 ? this.#whole : this.#half;
        yield* this.#part(from, rates, dt / parts, to);
        const after = yield* this.#energyOf(to);
        const lost = last.value - after.value;
        const rate = yield* cellDissipation(to, this.spec.cells, this.#potential, this.spec.temperature);
        const due = rate < Infinity ? (HALF * rate * dt) / parts : 0;
        downhill = lost + ROUNDING * Math.max(last.magnitude, after.magnitude) >= due;
        last = after;
        from = to;
      }
      if (downhill) {
        this.#result.set(from);
        this.#keepMass();
        if (parts > 1) this.#flag("shortened", time, parts);
        return;
      }
      this.rejected++;
    }
    throw this.#diverged(time, "no part of the step lowers the free energy as the flow does; take a smaller timeStep");
  }

  // One step with the potential frozen at its middle; `rates` are those at its start.
  *#part(masses: Float64Array, rates: Rates, dt: number, out: Float64Array): Work<void> {
    if (this.spec.energy.linear) {
      yield* this.scheme.step(masses, rates, dt, out);
      return;
    }
    yield* this.scheme.eulerStep(masses, rates, dt / 2, out);
    yield* this.#potentialOf(out);
    yield* this.scheme.fit(this.#potential, this.#middle);
    yield* this.scheme.step(masses, this.#middle, dt, out);
  }

  // What a step's solves round off is given back in proportion; they keep the mass to about 1e-16 √cells.
  #keepMass(): void {
    const result = this.#result;
    const scale = this.#mass / exactSum(result);
    if (scale !== 1) for (let i = 0; i < result.length; i++) result[i]! *= scale;
  }

  // Error of the two halves over what it may be.
  #errorOf(masses: Float64Array, tolerance: number): number {
    const whole = this.#whole;
    const half = this.#half;
    const result = this.#result;
    let difference = 0;
    let change = 0;
    let first = 0;
    let second = 0;
    for (let i = 0; i < masses.length; i++) {
      const m = result[i]!;
      difference += Math.abs(m - whole[i]!);
      change += Math.abs(m - masses[i]!);
      first += Math.abs(half[i]! - masses[i]!);
      second += Math.abs(m - half[i]!);
    }
    const noise = NOISE * Math.sqrt(masses.length);
    const error = difference / 3;
    let worst = Math.max(error / tolerance, error / (RELATIVE * change + noise));
    // a mode beyond stability may be multiplied by the same number either way, but it grows
    if (second > 2 * first + noise) worst = Math.max(worst, UPHILL);
    return Number.isNaN(worst) ? Infinity : worst;
  }

  // Sets the flags that `masses` call for; #potential is that of `masses`.
  *#look(): Work<void> {
    const { rows, columns } = this.spec.cells;
    const found = { walls: [0, 0, 0, 0] as [number, number, number, number], unresolved: 0 };
    const rowsAPiece = Math.ceil(PIECE / columns);
    for (let row = 0; row < rows; row += rowsAPiece) {
      this.#lookAt(row, Math.min(rows, row + rowsAPiece), found);
      yield undefined;
    }
    const wall = Math.max(...found.walls);
    if (wall > WALL) this.#flag("wall", this.time, wall);
    if (found.unresolved > UNRESOLVED) this.#flag("unresolved", this.time, found.unresolved);
  }

  // Adds what rows from … to have at walls, and in cells that differ much from a neighbour.
  #lookAt(from: number, to: number, found: { walls: [number, number, number, number]; unresolved: number }): void {
    const { cells, temperature } = this.spec;
    const { rows, columns } = cells;
    const { masses } = this;
    const { walls } = found;
    const potential = this.#potential;
    const rough = (a: number, b: number): boolean =>
      masses[a]! > 3 * masses[b]! ||
      masses[b]! > 3 * masses[a]! ||
      Math.abs(potential[a]! - potential[b]!) > 2 * temperature;
    for (let i = from; i < to; i++) {
      for (let j = 0; j < columns; j++) {
        const at = i * columns + j;
        const m = masses[at]!;
        if (i === 0) walls[0] += rows * m;
        if (i === rows - 1) walls[1] += rows * m;
        if (columns > 1 && j === 0) walls[2] += columns * m;
        if (columns > 1 && j === columns - 1) walls[3] += columns * m;
        const isRough =
          (i > 0 && rough(at, at - columns)) ||
          (i + 1 < rows && rough(at, at + columns)) ||
          (j > 0 && rough(at, at - 1)) ||
          (j + 1 < columns && rough(at, at + 1));
        if (isRough) found.unresolved += m;
      }
    }
  }

  #diverged(time: number, reason: string): DivergenceError {
    return new DivergenceError("fokkerPlanck", this.accepted, time, reason, this.spec.snapshot?.() ?? null);
  }

  #flag(kind: FlowFlag["kind"], time: number, share: number): void {
    if (!this.flags.some((flag) => flag.kind === kind)) this.flags.push({ kind, time, share });
  }
}

function exactSum(masses: Float64Array): number {
  const sum = new Sum();
  for (let i = 0; i < masses.length; i++) sum.add(masses[i]!);
  return sum.value;
}
