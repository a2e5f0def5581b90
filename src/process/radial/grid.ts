// The radial flow on a grid: conservative finite volumes for ∂_t ρ̄ = ∇·(ρ̄ ∇Ψ̄) in one radius or two.       theory §5, §13
//
// MUSCL with the monotonised central limiter (the stencil kernel), strong-stability-preserving Runge–Kutta of order 2, dt
// from the CFL condition ½ on the sum over directions, over every cell with mass. Ψ and the risk come from one discrete operator (the same
// features, the same midpoint quadrature), so the semi-discrete flow lowers the discrete risk exactly; a step that would
// raise it is taken again at half its length. Steps are never clipped to the times asked for.

import type { Engine } from "../../engine/engine";
import { DivergenceError } from "../../engine/errors";
import type { Memory } from "../../engine/memory";
import type { RadialOperator } from "../../model/radial";
import { type AxisLaw, startQuadrature } from "../../model/radialStart";
import { Characteristics } from "./characteristics";
import {
  type GridShape,
  gridMoments,
  gridPotential,
  NO_MASS,
  reachRanges,
  settle,
  steepestFaces,
  unresolvedShare,
} from "./finiteVolumes";

/** What a saved run on a grid holds. */
export type GridState = {
  time: number;
  step: number;
  accepted: number;
  values: Float64Array;
  notes?: readonly unknown[];
};

/** Something the user should know, with the time at which it was first seen. */
export type GridFlag = { kind: "wall" | "unresolved"; time: number; share: number };

/** CFL number aimed at; ½ is the bound, which the second stage is held to as well. */
const COURANT = 0.45;

/** Longest step where nothing moves fast: the flow's own rates are O(1) to O(10). */
const LONGEST = 0.05;

/** Mass in the last two cells of a radius above which the wall is felt. */
const WALL_MASS = 1e-6;

/** Share of mass in cells that the grid does not resolve above which the density is flagged. */
const UNRESOLVED = 0.1;

/** Whole steps between two looks at the flags. */
const LOOK = 8;

/** Bytes before the first column of a row and after the last: assembly/stencil.ts. */
const PAD = 16;

/** Empty cells around the mass that a stage is given, so that the kernel's walls meet nothing. */
const MARGIN = 2;

/** A density on a grid, moving along the radial flow. */
export class RadialGrid {
  /** Whole steps taken. */
  accepted = 0;
  /** Trial steps taken again at a shorter length since this object was made. */
  rejected = 0;
  /** End of the last whole step. */
  time = 0;
  /** CFL number of the last step taken, on the sum over directions, the larger of both stages'. */
  courant = 0;
  /** The first wall and resolution flags. */
  readonly flags: GridFlag[] = [];
  readonly rows: number;
  readonly cols: number;
  /** Length of the moments that the potential is made of, after compression. */
  readonly rank: number;
  readonly #memory: Memory;
  readonly #shape: GridShape;
  // fields of rows × stride numbers in kernel memory: masses at `time`, of the first stage, of the next step, of the copy
  readonly #mass: number;
  readonly #stage: number;
  readonly #next: number;
  readonly #copy: number;
  readonly #potential: number;
  readonly #scratch: number;
  readonly #table: Float64Array;
  readonly #linear: Float64Array;
  readonly #C: Float64Array;
  readonly #force: Float64Array;
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  readonly #reachFrom: Int32Array;
  readonly #reachTo: Int32Array;
  // length of a whole step that did not fit; risk of `mass` where ranges and moments are still its own
  #pending = 0;
  #known: number | null = null;
  #after = 0;

  /**
   * @param engine    the build whose stencil kernel runs; `free` gives its memory back
   * @param operator  the radial operator of a ridge unit
   * @param laws      the start, one density a radius
   * @param cells     cells along each radius
   * @param rMax      outer wall of each radius
   * @param options   maxStep: upper bound on the step (0.05)
   */
  constructor(
    readonly engine: Engine,
    readonly operator: RadialOperator,
    laws: readonly AxisLaw[],
    readonly cells: number,
    readonly rMax: number,
    readonly options: { maxStep?: number } = {},
  ) {
    const rows = (this.rows = laws.length === 2 ? cells : 1);
    const cols = (this.cols = cells);
    const { table, linear, rank } = gridTable(operator, rows, cols, rMax / cells);
    this.#table = table;
    this.#linear = linear;
    this.rank = rank;
    this.#C = new Float64Array(rank);
    this.#force = new Float64Array(rank);
    this.#from = new Int32Array(rows);
    this.#to = new Int32Array(rows);
    this.#reachFrom = new Int32Array(rows);
    this.#reachTo = new Int32Array(rows);
    const start = startMasses(laws, cells, rMax);
    const bytes = Math.ceil((8 * cols) / 16) * 16 + 2 * PAD;
    this.#shape = { rows, cols, stride: bytes / 8 };
    this.#memory = engine.memory();
    try {
      const field = () => this.#memory.allocate(rows * bytes + 2 * PAD);
      this.#mass = field();
      this.#stage = field();
      this.#next = field();
      this.#copy = field();
      this.#potential = field();
      this.#scratch = this.#memory.allocate(6 * (bytes + 2 * PAD));
    } catch (error) {
      this.free();
      throw error;
    }
    this.#write(this.#mass, start);
    this.#look();
  }

  /** Edges of the cells of one radius. */
  get edges(): Float64Array {
    return Float64Array.from({ length: this.cells + 1 }, (_, i) => (this.rMax * i) / this.cells);
  }

  /** Cell masses at `time`, row-major, r1 down the rows (one row when there is one radius); a copy. */
  get values(): Float64Array {
    return this.#read(this.#mass);
  }

  /** Discrete risk of the masses at `time`. */
  get risk(): number {
    return this.#riskOf(this.#view(this.#mass));
  }

  /**
   * Takes whole steps as long as they end at or before t, and no more than `limit` of them.
   *
   * @returns whether no further whole step fits before t
   * @throws {DivergenceError} when no step lowers the risk
   */
  advance(t: number, limit = Infinity): boolean {
    for (let trials = 0; trials < limit; trials++) {
      if (this.time >= t) return true;
      if (this.#pending > 0 && this.time + this.#pending > t) return true;
      const dt = this.#step(this.#mass, Infinity);
      if (this.time + dt > t) {
        this.#pending = dt;
        return true;
      }
      this.#view(this.#mass).set(this.#view(this.#next));
      this.time += dt;
      this.accepted++;
      this.#pending = 0;
      this.#known = this.#after;
      if (this.accepted % LOOK === 0) this.#look();
    }
    return this.time >= t;
  }

  /** Masses at t, from a copy that takes shorter steps; call `advance(t)` first. */
  at(t: number): Float64Array {
    if (t === this.time) return this.values;
    this.#view(this.#copy).set(this.#view(this.#mass));
    for (let time = this.time; time < t; ) {
      const dt = this.#step(this.#copy, t - time);
      this.#view(this.#copy).set(this.#view(this.#next));
      time = dt === t - time ? t : time + dt;
    }
    return this.#read(this.#copy);
  }

  /** The state at the end of the last whole step. */
  save(): GridState {
    return { time: this.time, step: 0, accepted: this.accepted, values: this.values, notes: [...this.flags] };
  }

  /** Goes back to a saved state; what follows repeats its bits. */
  restore(state: GridState): void {
    this.#write(this.#mass, state.values);
    this.time = state.time;
    this.accepted = state.accepted;
    this.flags.splice(0, this.flags.length, ...((state.notes ?? []) as GridFlag[]));
    this.#pending = 0;
    this.#known = null;
  }

  /** Gives the memory back; may be called twice. */
  free(): void {
    this.#memory.free();
  }

  /** One step from the field `mass` into #next, at most `longest`; returns its length. */
  #step(mass: number, longest: number): number {
    const spacing = this.rMax / this.cells;
    const before = mass === this.#mass && this.#known !== null ? this.#known : this.#riskOf(this.#view(mass));
    this.#known = null;
    const steepest = this.#potentialOf(this.#view(mass));
    const fastest = (COURANT * spacing * spacing) / Math.max(steepest, 1e-300);
    let dt = Math.min(fastest, this.options.maxStep ?? LONGEST, longest);
    for (let attempt = 0; ; attempt++) {
      const ratio = dt / (spacing * spacing);
      this.#euler(mass, mass, this.#stage, ratio, 0, 1);
      this.#riskOf(this.#view(this.#stage));
      const second = this.#potentialOf(this.#view(this.#stage));
      if (ratio * second <= 0.5) {
        this.#euler(this.#stage, mass, this.#next, ratio, 0.5, 0.5);
        const after = this.#riskOf(this.#view(this.#next));
        if (after <= before + 1e-14 * (1 + before)) {
          this.#after = after;
          this.courant = ratio * Math.max(steepest, second);
          return dt;
        }
        dt *= 0.5;
      } else dt *= Math.min(0.9, 0.45 / (ratio * second));
      this.rejected++;
      if (attempt > 60 || !Number.isFinite(second)) {
        throw new DivergenceError("radialFlow", this.accepted, this.time, "no step, however short, lowers the risk");
      }
      this.#riskOf(this.#view(mass));
      this.#potentialOf(this.#view(mass));
    }
  }

  /** Risk of masses; leaves their ranges and moments behind. */
  #riskOf(mass: Float64Array): number {
    settle(mass, this.#shape, this.#from, this.#to);
    gridMoments(mass, this.#table, this.#shape, this.rank, this.#from, this.#to, this.#C);
    let risk = 1;
    for (let k = 0; k < this.rank; k++) risk += this.#C[k]! * (this.#C[k]! - 2 * this.#linear[k]!);
    return risk;
  }

  /** Potential of the masses last given to #riskOf, where they reach; returns the steepest faces. */
  #potentialOf(mass: Float64Array): number {
    const { rank } = this;
    const potential = this.#view(this.#potential);
    for (let k = 0; k < rank; k++) this.#force[k] = this.#C[k]! - this.#linear[k]!;
    reachRanges(this.#shape, this.#from, this.#to, this.#reachFrom, this.#reachTo);
    gridPotential(this.#force, this.#table, this.#shape, rank, this.#reachFrom, this.#reachTo, potential);
    return steepestFaces(mass, potential, this.#shape, this.#from, this.#to);
  }

  /**
   * out = keep · base + share · (mass moved by one forward Euler step), ratio = dt/h², for the mass last given to #riskOf.
   * The kernel sweeps the box around it; the base has no mass elsewhere (a stage moves mass by a cell at most).
   */
  #euler(mass: number, base: number, out: number, ratio: number, keep: number, share: number): void {
    const { rows, cols, stride } = this.#shape;
    let [top, bottom, left, right] = [rows, 0, cols, 0];
    for (let i = 0; i < rows; i++) {
      if (this.#from[i]! >= this.#to[i]!) continue;
      top = Math.min(top, i);
      bottom = i + 1;
      left = Math.min(left, this.#from[i]!);
      right = Math.max(right, this.#to[i]!);
    }
    top = Math.max(0, top - MARGIN);
    bottom = Math.min(rows, bottom + MARGIN);
    left = Math.max(0, left - MARGIN) & ~1;
    right = Math.min(cols, right + MARGIN);
    this.#view(out).fill(0);
    const corner = 8 * (top * stride + left);
    this.engine.kernels.stencil_f64(
      mass + corner,
      base + corner,
      this.#potential + corner,
      out + corner,
      bottom - top,
      right - left,
      8 * stride,
      ratio,
      ratio,
      keep,
      share,
      this.#scratch,
    );
  }

  #view(field: number): Float64Array {
    return this.#memory.f64(field + PAD, this.rows * this.#shape.stride);
  }

  #read(field: number): Float64Array {
    const view = this.#view(field);
    const out = new Float64Array(this.rows * this.cols);
    for (let i = 0; i < this.rows; i++) {
      const row = i * this.#shape.stride;
      out.set(view.subarray(row, row + this.cols), i * this.cols);
    }
    return out;
  }

  #write(field: number, masses: Float64Array): void {
    const view = this.#view(field).fill(0);
    for (let i = 0; i < this.rows; i++) {
      view.set(masses.subarray(i * this.cols, (i + 1) * this.cols), i * this.#shape.stride);
    }
  }

  #look(): void {
    const { rows, cols, stride } = this.#shape;
    const mass = this.#view(this.#mass);
    settle(mass, this.#shape, this.#from, this.#to);
    let wall = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = this.#from[i]!; j < this.#to[i]!; j++) {
        if (j >= cols - 2 || (rows > 1 && i >= rows - 2)) wall += mass[i * stride + j]!;
      }
    }
    if (wall > WALL_MASS) this.#flag("wall", wall);
    const share = unresolvedShare(mass, this.#shape, this.#from, this.#to);
    if (share > UNRESOLVED) this.#flag("unresolved", share);
  }

  #flag(kind: GridFlag["kind"], share: number): void {
    if (!this.flags.some((flag) => flag.kind === kind)) this.flags.push({ kind, time: this.time, share });
  }
}

/** Horizon, particles and tolerance of the run that places the wall, and the room beyond what it reaches. */
const WALL_TIME = 20;
const WALL_PARTICLES = 200;
const WALL_TOLERANCE = 1e-4;
const WALL_ROOM = 1.1;

/**
 * An outer wall that the flow should not reach by t = 20: a tenth beyond the largest radius of a coarse run of
 * characteristics, in steps of 0.1 below 10 and of 1 above. The flags say if mass does arrive.
 *
 * @param operator  the radial operator of a ridge unit
 * @param laws      the start
 */
export function wallFor(operator: RadialOperator, laws: readonly AxisLaw[]): number {
  const { points, weights } = startQuadrature(laws, WALL_PARTICLES);
  const run = new Characteristics(operator, points, weights, WALL_TOLERANCE);
  const dims = operator.coordinates.length;
  let largest = 0;
  const reach = (values: Float64Array) => {
    for (let i = 0; i < values.length; i++) {
      if (weights[Math.floor(i / dims)]! > 1e-9) largest = Math.max(largest, values[i]!);
    }
  };
  reach(run.values);
  while (!run.advance(WALL_TIME, 1)) reach(run.values);
  reach(run.values);
  const wall = WALL_ROOM * largest;
  return wall < 10 ? Math.ceil(wall * 10) / 10 : Math.ceil(wall);
}

/** Exact cell masses of independent radii; what lies beyond the wall goes to the last cell. */
export function startMasses(laws: readonly AxisLaw[], cells: number, rMax: number): Float64Array {
  const axes = laws.map((law) => {
    const masses = new Float64Array(cells);
    if (law.kind === "point") {
      masses[Math.min(cells - 1, Math.floor((law.value / rMax) * cells))] = 1;
      return masses;
    }
    for (let j = 0; j < cells; j++) {
      masses[j] = law.mass((rMax * j) / cells, j === cells - 1 ? Infinity : (rMax * (j + 1)) / cells);
    }
    return masses;
  });
  const [first, second] = axes as [Float64Array, Float64Array | undefined];
  const masses = second
    ? Float64Array.from({ length: cells * cells }, (_, i) => first[Math.floor(i / cells)]! * second[i % cells]!)
    : first;
  for (let i = 0; i < masses.length; i++) if (!(masses[i]! >= NO_MASS)) masses[i] = 0;
  // to round-off of the sum, twice
  for (let pass = 0; pass < 2; pass++) {
    const sum = masses.reduce((total, mass) => total + mass, 0);
    for (let i = 0; i < masses.length; i++) masses[i]! /= sum;
  }
  return masses;
}

/**
 * Directions of the weighted features are dropped below this share of the largest one's mean square: potential and risk are
 * products of two features, so they change by about as much.
 */
const RANK_TOLERANCE = 1e-11;

/**
 * The operator's features at the cell midpoints in an orthogonal basis, cut where they stop mattering:
 * R = 1 + Σ_k C_k (C_k − 2 linear_k), Ψ = Σ_k (C_k − linear_k) table_k. Layout of the table as in finiteVolumes.ts.
 */
function gridTable(
  operator: RadialOperator,
  rows: number,
  cols: number,
  spacing: number,
): { table: Float64Array; linear: Float64Array; rank: number } {
  const full = operator.rank;
  const dims = operator.coordinates.length;
  const roots = operator.weights.map(Math.sqrt);
  const points = new Float64Array(cols * dims);
  const features = new Float64Array(cols * operator.stride);
  const values = new Float64Array(cols * full);
  const fill = (i: number) => {
    for (let j = 0; j < cols; j++) {
      if (dims === 2) points[2 * j] = (i + 0.5) * spacing;
      points[dims * j + dims - 1] = (j + 0.5) * spacing;
    }
    operator.evaluate(points, cols, features);
    operator.table(features, cols, values);
    for (let at = 0; at < values.length; at++) values[at]! *= roots[at % full]!;
  };

  // Gram matrix of the weighted features over a sample of cells, and its eigenvectors
  const gram = new Float64Array(full * full);
  const rowStep = Math.max(1, Math.floor(rows / 64));
  const colStep = Math.max(1, Math.floor(cols / (rows > 1 ? 64 : 1024)));
  for (let i = 0; i < rows; i += rowStep) {
    fill(i);
    for (let j = 0; j < cols; j += colStep) {
      for (let p = 0; p < full; p++) {
        const x = values[j * full + p]!;
        for (let q = 0; q <= p; q++) gram[p * full + q]! += x * values[j * full + q]!;
      }
    }
  }
  for (let p = 0; p < full; p++) for (let q = 0; q < p; q++) gram[q * full + p] = gram[p * full + q]!;
  const { values: sizes, vectors } = symmetricEigen(gram, full);
  const largest = Math.max(...sizes);
  const kept = Array.from(sizes.keys())
    .filter((k) => sizes[k]! > RANK_TOLERANCE * largest)
    .sort((p, q) => sizes[q]! - sizes[p]!);
  const rank = kept.length;

  const linear = new Float64Array(rank);
  kept.forEach((k, at) => {
    for (let p = 0; p < full; p++) {
      if (operator.linear[p] !== 0) linear[at]! += (operator.linear[p]! / roots[p]!) * vectors[p * full + k]!;
    }
  });
  const table = new Float64Array(rows * rank * cols);
  for (let i = 0; i < rows; i++) {
    fill(i);
    kept.forEach((k, at) => {
      const row = (i * rank + at) * cols;
      for (let p = 0; p < full; p++) {
        const v = vectors[p * full + k]!;
        if (v !== 0) for (let j = 0; j < cols; j++) table[row + j]! += v * values[j * full + p]!;
      }
    });
  }
  return { table, linear, rank };
}

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix by cyclic Jacobi rotations. */
function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  for (let sweep = 0; sweep < 40; sweep++) {
    let rotations = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = a[p * n + q]!;
        // relative to both diagonal entries, so that small eigenvalues of a graded matrix are found too
        if (Math.abs(off) <= 1e-16 * Math.sqrt(Math.abs(a[p * n + p]! * a[q * n + q]!))) continue;
        rotations++;
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * off);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const x = a[k * n + p]!;
          const y = a[k * n + q]!;
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) {
          const x = a[p * n + k]!;
          const y = a[q * n + k]!;
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
          const v = vectors[k * n + p]!;
          const w = vectors[k * n + q]!;
          vectors[k * n + p] = c * v - s * w;
          vectors[k * n + q] = s * v + c * w;
        }
      }
    }
    if (rotations === 0) break;
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), vectors };
}
