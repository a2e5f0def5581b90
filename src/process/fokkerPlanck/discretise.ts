// A problem on cells: the box, the start's masses, U and the energy.                                            theory §7

import { SpecError } from "../../engine/errors";
import { normalCdf } from "../../engine/math";
import { type CellEnergy, problemEnergy } from "../../measure/cellEnergy";
import { atMiddles, type Cells, cellsOf, equalEdges, finish, Sum } from "../../measure/cells";
import { activationFunctions } from "../../model/activation";
import { type Dataset, lawDimension } from "../../model/law";
import { potentialFunctions } from "../../model/potential";
import type { Problem } from "../../model/problem";
import type { Start } from "../../model/start";

/** A problem on cells. */
export interface Discretised {
  cells: Cells;
  energy: CellEnergy;
  /** U at the middles */
  confinement: Float64Array;
  /** of the start, sum 1 */
  masses: Float64Array;
  /** share of the start that the box leaves out */
  outside: number;
}

/** The starts that have a density on a box: a Gaussian one, or masses of cells. */
export type DensityStart = Extract<Start, { kind: "gaussian" | "normal" | "grid" }>;

/** Default number of cells of one axis, and of each of two. */
export const CELLS = 2048;
export const CELLS_OF_TWO = 128;

/** Deviations of a Gaussian start that the box holds: 10⁻¹⁵ is beyond. */
const DEVIATIONS = 8;

/** e^−DEPTH is what Gibbs' law has at the wall, relative to its peak: round-off. */
const DEPTH = 36;

/** Points of an axis that the box is looked for on. */
const PROBES = 65;

/** Share of the start outside the box above which it is refused. */
const MOST_OUTSIDE = 1e-3;

/**
 * Puts a problem on cells.
 *
 * @param spec  problem: ridge units of one or two weights, a finite law or none, a start with a density; cells along an axis
 *              and box, or null for the defaults; temperature: τ
 * @throws {SpecError} where the box leaves the start out, where there is none to be chosen, or where U is not finite
 */
export function discretise(spec: {
  problem: Problem;
  cells: number | null;
  box: readonly (readonly [number, number])[] | null;
  temperature: number;
}): Discretised {
  const { problem, temperature } = spec;
  const start = problem.start as DensityStart;
  const d = lawDimension(problem.law);
  const box = spec.box ?? boxFor(problem, start, d, temperature);
  const side = spec.cells ?? (d === 1 ? CELLS : CELLS_OF_TWO);
  const cells = cellsOf(box.map(([from, to]) => equalEdges(from, to, side)));
  const { masses, outside } = startMasses(start, d, cells);
  if (!(outside <= MOST_OUTSIDE)) {
    const share = `${(100 * outside).toPrecision(2)} % of the start`;
    throw new SpecError("process.box", box, `a box that holds the start; ${share} lies outside`);
  }
  return { cells, energy: problemEnergy(problem, cells), confinement: confinementAt(problem, cells), masses, outside };
}

function confinementAt({ confinement }: Problem, cells: Cells): Float64Array {
  const { value } = potentialFunctions(confinement);
  return atMiddles(cells, (theta) => {
    const U = value(theta);
    if (!Number.isFinite(U)) {
      throw new SpecError(
        "process.problem.confinement",
        U,
        `a finite value at θ = (${Array.from(theta).join(", ")})`,
        "Choose a box in which the potential is finite.",
      );
    }
    return U;
  });
}

/**
 * Masses of cells under a start, exact integrals, divided by their sum; and what is outside.
 *
 * @param start  a density
 * @param d      parameters
 * @param cells  of d axes
 */
export function startMasses(start: DensityStart, d: number, cells: Cells): { masses: Float64Array; outside: number } {
  const { rows, columns, edges } = cells;
  let masses = new Float64Array(cells.size);
  if (start.kind === "grid") {
    const [first, second = null] = edges.map((axis, j) => overlaps(start.edges[j]!.data, axis));
    const source = start.masses.data;
    if (second === null) for (const { from, to, share } of first!) masses[to]! += share * source[from]!;
    else {
      const width = start.edges[1]!.data.length - 1;
      const half = new Float64Array(rows * width);
      for (const { from, to, share } of first!) {
        for (let k = 0; k < width; k++) half[to * width + k]! += share * source[from * width + k]!;
      }
      for (let i = 0; i < rows; i++) {
        for (const { from, to, share } of second) masses[i * columns + to]! += share * half[i * width + from]!;
      }
    }
  } else {
    const { mean, deviation } = normalOf(start, d);
    const along = edges.map((axis) => {
      const u = axis.map((edge) => (edge - mean) / deviation);
      return u.subarray(1).map((to, i) => normalMass(u[i]!, to));
    });
    masses = masses.map((_, at) => along[0]![Math.floor(at / columns)]! * (d === 2 ? along[1]![at % columns]! : 1));
  }
  const sum = new Sum();
  for (const m of masses) sum.add(m);
  const total = sum.value;
  return { masses: masses.map((m) => m / total), outside: Math.max(0, 1 - total) };
}

function normalOf(start: Exclude<DensityStart, { kind: "grid" }>, d: number): { mean: number; deviation: number } {
  if (start.kind === "gaussian") return { mean: 0, deviation: start.radius / Math.sqrt(d) };
  return typeof start.w === "number" ? { mean: start.w, deviation: 0 } : start.w;
}

// P(from < g < to), from the nearer tail, where no digits are lost.
function normalMass(from: number, to: number): number {
  return from > 0 ? normalCdf(-from) - normalCdf(-to) : normalCdf(to) - normalCdf(from);
}

// The shares of cells between old edges that lie in cells between new ones.
function overlaps(old: Float64Array, edges: Float64Array): { from: number; to: number; share: number }[] {
  const parts: { from: number; to: number; share: number }[] = [];
  for (let from = 0, to = 0; from + 1 < old.length && to + 1 < edges.length; ) {
    const low = Math.max(old[from]!, edges[to]!);
    const high = Math.min(old[from + 1]!, edges[to + 1]!);
    if (high > low) parts.push({ from, to, share: (high - low) / (old[from + 1]! - old[from]!) });
    if (old[from + 1]! <= edges[to + 1]!) from++;
    else to++;
  }
  return parts;
}

/**
 * The default box: the start (eight deviations, or all its cells), and all θ where Gibbs' law may have mass, that is where
 * U − ρ |σ*(·; θ)| is within 36 τ of its minimum. ρ bounds the residual: |Ψ(θ)| ≤ ρ |σ*(·; θ)| in the mean square over the
 * examples, with ρ the larger of the residuals of the start and of f = 0; for the logistic loss ρ = 1 and the mean size.
 *
 * @throws {SpecError} where that set has no bound
 */
export function boxFor(problem: Problem, start: DensityStart, d: number, temperature: number): [number, number][] {
  let box = startBox(start, d);
  const bound = lowerBound(problem, box, start, d);
  const grown = box;
  for (let doublings = 0; doublings < 40; doublings++) {
    const cells = cellsOf(box.map(([from, to]) => equalEdges(from, to, PROBES)));
    const values = atMiddles(cells, bound);
    const lowest = values.reduce((low, x) => Math.min(low, x), Infinity);
    const reached = cells.middles.map(() => [Infinity, -Infinity] as [number, number]);
    let open = false;
    values.forEach((x, at) => {
      if (!(x < lowest + DEPTH * temperature)) return;
      [Math.floor(at / cells.columns), at % cells.columns].slice(0, d).forEach((place, axis) => {
        if (place === 0 || place === PROBES - 1) open = true;
        // a cell more, as the set ends between two probes
        reached[axis]![0] = Math.min(reached[axis]![0], cells.edges[axis]![Math.max(0, place - 1)]!);
        reached[axis]![1] = Math.max(reached[axis]![1], cells.edges[axis]![Math.min(PROBES, place + 2)]!);
      });
    });
    if (!open) {
      return grown.map(([from, to], axis) => [Math.min(from, reached[axis]![0]), Math.max(to, reached[axis]![1])]);
    }
    box = box.map(([from, to]) => [1.5 * from - 0.5 * to, 1.5 * to - 0.5 * from]);
  }
  throw new SpecError(
    "process.box",
    null,
    "a box [from, to] for each parameter, as the confinement is not seen to bound the law",
    "Walls without flux hold the law in the box; where the confinement grows faster than the units the box is chosen.",
  );
}

/** The start: eight deviations of a Gaussian, all cells of a density. */
export function startBox(start: DensityStart, d: number): [number, number][] {
  if (start.kind === "grid") return start.edges.map(({ data }) => [data[0]!, data[data.length - 1]!]);
  const { mean, deviation } = normalOf(start, d);
  return Array.from({ length: d }, () => [mean - DEVIATIONS * deviation, mean + DEVIATIONS * deviation]);
}

// U less the most that Ψ can take from it.
function lowerBound(
  problem: Problem,
  box: readonly [number, number][],
  start: DensityStart,
  d: number,
): (theta: Float64Array) => number {
  const { value } = potentialFunctions(problem.confinement);
  const { law, unit, loss } = problem;
  if (law.kind === "none") return value;
  const { x, y, weights } = law as Dataset;
  const n = x.shape[0]!;
  const share = (q: number): number => (weights ? weights.data[q]! : 1 / n);
  let residual = 0;
  if (loss === "squared") {
    const probes = cellsOf(box.map(([from, to]) => equalEdges(from, to, PROBES)));
    const { masses } = startMasses(start, d, probes);
    const energy = finish(problemEnergy(problem, probes).evaluate(masses, new Float64Array(probes.size)));
    const labels = y.data.reduce((sum, label, q) => sum + share(q) * label * label, 0);
    residual = Math.sqrt(Math.max(2 * energy, labels));
  }
  const { value: sigma } = activationFunctions(unit.activation);
  return (theta) => {
    let sum = 0;
    for (let q = 0; q < n; q++) {
      let t = 0;
      for (let j = 0; j < d; j++) t += theta[j]! * x.data[q * d + j]!;
      const s = sigma(t);
      sum += share(q) * (loss === "squared" ? s * s : Math.abs(s));
    }
    return value(theta) - (loss === "squared" ? residual * Math.sqrt(sum) : sum);
  };
}
