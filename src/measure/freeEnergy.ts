// The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a law on cells, and the rate at which the flow lowers it.  theory §7
//
// With μ_i = Φ_i + τ log(m_i/|cell i|), Φ = Ψ + U, and the exponentially fitted flux of a face between cells i and k,
//
//     J = (τ/Δ) area [B(z) m_i/|i| − B(−z) m_k/|k|],   z = (Φ_k − Φ_i)/τ,   B(z) = z/(e^z − 1),
//
// J > 0 just where μ_i > μ_k, and ∂𝓕/∂m_i = μ_i + τ. So under dm_i/dt = −Σ J the discrete free energy falls at the rate
// D = Σ_faces J (μ_i − μ_k) ≥ 0 exactly, and D → ∫|∇Φ + τ∇log m|² m with the square of the cells' length.

import { expm1, log } from "../engine/math";
import { type Cells, PIECE, Sum, type Work } from "./cells";

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
    yield;
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
  const sum = new Sum();
  // masses are divided by their length across the face only, as that along it is the face's area
  const across = (from: number, to: number, lengthFrom: number, lengthTo: number, distance: number) => {
    const a = masses[from]! / lengthFrom;
    const b = masses[to]! / lengthTo;
    // tails that have left the range of numbers carry nothing
    if (a < TINY && b < TINY) return;
    const z = (potential[to]! - potential[from]!) / temperature;
    const size = bernoulli(Math.abs(z));
    const forward = z > 0 ? size : size - z;
    const backward = z > 0 ? size + z : size;
    const flux = (forward * a - backward * b) / distance;
    if (flux === 0) return;
    if (a === 0 || b === 0) infinite = true;
    else sum.add(temperature * temperature * flux * (log(a) - log(b) - z));
  };
  let infinite = false;
  const [x, y = null] = middles;
  const [dx, dy = null] = lengths;
  for (let i = 0, done = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      if (i + 1 < rows) across(at, at + columns, dx![i]!, dx![i + 1]!, x![i + 1]! - x![i]!);
      if (j + 1 < columns) across(at, at + 1, dy![j]!, dy![j + 1]!, y![j + 1]! - y![j]!);
    }
    if ((done += 2 * columns) < PIECE) continue;
    done = 0;
    yield;
  }
  return infinite ? Infinity : sum.value;
}

const TINY = 1e-290;
