// The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a law on cells, and the rate at which the flow lowers it.  theory §7
//
// With μ_i = Φ_i + τ log(m_i/|cell i|), Φ = Ψ + U, and the exponentially fitted flux of a face between cells i and k,
//
//     J = (τ/Δ) area [B(z) m_i/|i| − B(−z) m_k/|k|],   z = (Φ_k − Φ_i)/τ,   B(z) = z/(e^z − 1),
//
// J > 0 just where μ_i > μ_k, and ∂𝓕/∂m_i = μ_i + τ. So under dm_i/dt = −Σ J the discrete free energy falls at the rate
// D = Σ_faces J (μ_i − μ_k) ≥ 0 exactly, and D → ∫|∇Φ + τ∇log m|² m with the square of the cells' length.

import { SpecError } from "../engine/errors";
import { expm1, log } from "../engine/math";
import { lawDimension } from "../model/law";
import { potentialFunctions } from "../model/potential";
import type { Problem } from "../model/problem";
import { type CellEnergy, problemEnergy } from "./cellEnergy";
import { atMiddles, type Cells, cellsOf, finish, PIECE, type Work } from "./cells";
import type { Grid, Measure } from "./measure";

/** A free energy and its parts. */
export interface FreeEnergy {
  /** F + ∫U dm + τ∫ m log m */
  value: number;
  /** F(m) */
  energy: number;
  /** ∫U dm */
  confinement: number;
  /** ∫ m log m, the negative of Boltzmann's entropy */
  entropy: number;
  /** sum of the sizes of all terms, which round-off is relative to */
  magnitude: number;
}

/**
 * The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a grid in the parameters.
 *
 * @param measure      a grid in coordinates "theta"
 * @param problem      ridge units on a finite law, or none; F = R/2 for the squared loss, U is the confinement
 * @param temperature  τ ≥ 0
 * @throws {SpecError} where the measure has no density, or F is no sum
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP B 57 (2021); theory §7
 */
export function freeEnergyOf(measure: Measure, problem: Problem, temperature: number): FreeEnergy {
  const { masses, cells, confinement, energy, psi } = onCells(measure, problem);
  return finish(cellFreeEnergy(masses, cells, finish(energy.evaluate(masses, psi)), confinement, temperature));
}

/**
 * The dissipation ∫|∇(Ψ + U) + τ∇log m|² m = −d𝓕/dt of a grid in the parameters, in the form for which the flow on the grid
 * has that identity exactly.
 *
 * @param measure      a grid in coordinates "theta"; the result is infinite where an empty cell lies beside a full one
 * @param problem      as in `freeEnergyOf`
 * @param temperature  τ > 0
 * @throws {SpecError} where the measure has no density, or F is no sum, or τ is not positive
 * @see theory §7, "dissipation"
 */
export function dissipationOf(measure: Measure, problem: Problem, temperature: number): number {
  if (!(temperature > 0)) throw new SpecError("temperature", temperature, "a temperature τ > 0");
  const { masses, cells, confinement, energy, psi } = onCells(measure, problem);
  finish(energy.evaluate(masses, psi));
  return finish(
    cellDissipation(
      masses,
      cells,
      psi.map((p, i) => p + confinement[i]!),
      temperature,
    ),
  );
}

/**
 * ∫ m log m of a grid in the parameters, the negative of Boltzmann's entropy.
 *
 * @param measure  a grid in coordinates "theta"
 * @throws {SpecError} where the measure has no density
 */
export function entropyOf(measure: Measure): number {
  const { edges, masses } = densityGrid(measure);
  return finish(cellFreeEnergy(masses, cellsOf(edges), 0, new Float64Array(masses.length), 1)).entropy;
}

function densityGrid(measure: Measure): Grid {
  if (measure.kind === "grid" && measure.coordinates === "theta") return measure;
  const found = measure.kind === "grid" ? `a grid in ${measure.coordinates} coordinates` : measure.kind;
  throw new SpecError("measure", found, "a grid in the parameters, which has a density", "fokkerPlanck gives one.");
}

// U and the features of a problem are kept for the next measure on the same cells.
const known = new WeakMap<Problem, { cells: Cells; confinement: Float64Array; energy: CellEnergy }>();

function onCells(measure: Measure, problem: Problem) {
  const { edges, masses } = densityGrid(measure);
  const { law, unit, confinement } = problem;
  if (unit.kind !== "ridge") throw new SpecError("problem.unit.kind", unit.kind, '"ridge", whose parameters are w');
  if (law.kind !== "dataset" && law.kind !== "none") {
    const finite = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset" or "none", whose energy is a sum', finite);
  }
  const d = lawDimension(law);
  if (edges.length !== d) throw new SpecError("measure.edges", edges, `${d} lists of edges, one a parameter`);
  let on = known.get(problem);
  if (!on || !sameEdges(on.cells.edges, edges)) {
    const cells = cellsOf(edges);
    on = {
      cells,
      confinement: atMiddles(cells, potentialFunctions(confinement).value),
      energy: problemEnergy(problem, cells),
    };
    known.set(problem, on);
  }
  return { ...on, masses, psi: new Float64Array(masses.length) };
}

function sameEdges(a: readonly Float64Array[], b: readonly Float64Array[]): boolean {
  return a.every((axis, j) => axis.length === b[j]!.length && axis.every((edge, i) => edge === b[j]![i]));
}

/**
 * The Bernoulli function B(z) = z/(e^z − 1) for z ≥ 0; B(−z) = B(z) + z.
 *
 * @param z  a non-negative number
 */
export function bernoulli(z: number): number {
  return z > 0 ? z / expm1(z) : 1;
}

/**
 * The free energy of a law on cells, once F is known.
 *
 * @param masses       of the cells
 * @param cells        the cells
 * @param energy       F(m)
 * @param confinement  U at the cells
 * @param temperature  τ
 */
export function* cellFreeEnergy(
  masses: Float64Array,
  cells: Cells,
  energy: number,
  confinement: Float64Array,
  temperature: number,
): Work<FreeEnergy> {
  const { rows, columns, logLengths } = cells;
  // sums of m log m and of U m with what rounding took from them, and of the sizes of all terms
  const sums = new Float64Array(5);
  const [rowLogs, columnLogs = NO_LENGTH] = logLengths;
  const rowsAPiece = Math.ceil(PIECE / columns);
  for (let row = 0; row < rows; row += rowsAPiece) {
    addRows(masses, confinement, temperature, rowLogs!, columnLogs, row, Math.min(rows, row + rowsAPiece), sums);
    yield undefined;
  }
  const entropy = sums[0]! + sums[1]!;
  const potential = sums[2]! + sums[3]!;
  const value = energy + potential + temperature * entropy;
  return { value, energy, confinement: potential, entropy, magnitude: Math.abs(energy) + sums[4]! };
}

/** Logarithm of the length along an axis that is not there. */
const NO_LENGTH = new Float64Array(1);

// Neumaier's sums over rows from … to; a plain loop, as it is the dearest of a step.
function addRows(
  masses: Float64Array,
  confinement: Float64Array,
  temperature: number,
  rowLogs: Float64Array,
  columnLogs: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
): void {
  const columns = columnLogs.length;
  let [inner, innerLost, outer, outerLost, magnitude] = sums as unknown as [number, number, number, number, number];
  for (let i = from; i < to; i++) {
    const rowLog = rowLogs[i]!;
    for (let j = 0; j < columns; j++) {
      const m = masses[i * columns + j]!;
      if (m === 0) continue;
      const x = m * (log(m) - rowLog - columnLogs[j]!);
      const y = m * confinement[i * columns + j]!;
      const nextInner = inner + x;
      innerLost += Math.abs(inner) >= Math.abs(x) ? inner - nextInner + x : x - nextInner + inner;
      inner = nextInner;
      const nextOuter = outer + y;
      outerLost += Math.abs(outer) >= Math.abs(y) ? outer - nextOuter + y : y - nextOuter + outer;
      outer = nextOuter;
      magnitude += temperature * Math.abs(x) + Math.abs(y);
    }
  }
  sums.set([inner, innerLost, outer, outerLost, magnitude]);
}

/**
 * The rate D = −d𝓕/dt at which the flow on cells lowers the free energy.
 *
 * @param masses       of the cells; infinite where a cell without mass lies beside one with mass
 * @param cells        the cells
 * @param potential    Φ = Ψ + U at the cells
 * @param temperature  τ > 0
 */
export function* cellDissipation(
  masses: Float64Array,
  cells: Cells,
  potential: Float64Array,
  temperature: number,
): Work<number> {
  const { rows, columns, middles, lengths } = cells;
  // the sum, what rounding took from it, and whether a term is infinite
  const sums = new Float64Array(3);
  const logs = new Float64Array(masses.length);
  for (let from = 0; from < masses.length; from += 4 * PIECE) {
    for (let i = from; i < Math.min(masses.length, from + 4 * PIECE); i++) logs[i] = log(masses[i]!);
    yield undefined;
  }
  const [x, y = null] = middles;
  const [dx, dy = null] = lengths;
  const [rowLogs, columnLogs = null] = cells.logLengths;
  const rowsAPiece = Math.ceil(PIECE / columns);
  for (let row = 0; row < rows; row += rowsAPiece) {
    for (let i = row; i < Math.min(rows, row + rowsAPiece); i++) {
      const at = i * columns;
      // masses are divided by their length across the face only, as that along it is the face's area
      if (i + 1 < rows) {
        const stretch = rowLogs![i + 1]! - rowLogs![i]!;
        const distance = x![i + 1]! - x![i]!;
        for (let j = 0; j < columns; j++) {
          addFace(
            masses,
            logs,
            potential,
            at + j,
            at + columns + j,
            dx![i]!,
            dx![i + 1]!,
            stretch,
            distance,
            temperature,
            sums,
          );
        }
      }
      for (let j = 0; j + 1 < columns; j++) {
        const stretch = columnLogs![j + 1]! - columnLogs![j]!;
        const distance = y![j + 1]! - y![j]!;
        addFace(
          masses,
          logs,
          potential,
          at + j,
          at + j + 1,
          dy![j]!,
          dy![j + 1]!,
          stretch,
          distance,
          temperature,
          sums,
        );
      }
    }
    yield undefined;
  }
  return sums[2] === 1 ? Infinity : sums[0]! + sums[1]!;
}

// J (μ_from − μ_to) of a face; stretch is the logarithm of the cells' ratio of lengths.
function addFace(
  masses: Float64Array,
  logs: Float64Array,
  potential: Float64Array,
  from: number,
  to: number,
  lengthFrom: number,
  lengthTo: number,
  stretch: number,
  distance: number,
  temperature: number,
  sums: Float64Array,
): void {
  const a = masses[from]! / lengthFrom;
  const b = masses[to]! / lengthTo;
  // tails that leave the range of numbers carry nothing
  if ((a === 0 || b === 0) && a + b < TINY) return;
  const z = (potential[to]! - potential[from]!) / temperature;
  const size = bernoulli(Math.abs(z));
  const flux = ((z > 0 ? size : size - z) * a - (z > 0 ? size + z : size) * b) / distance;
  if (flux === 0) return;
  if (a === 0 || b === 0) {
    sums[2] = 1;
    return;
  }
  const term = temperature * temperature * flux * (logs[from]! - logs[to]! + stretch - z);
  const sum = sums[0]!;
  const next = sum + term;
  sums[1]! += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
  sums[0] = next;
}

/** A density of a full cell is above this. */
const TINY = 1e-100;
