// The loops of the radial grid beside the stencil kernel: moments and potential from a low-rank table.        theory §5, §13
//
// Cells of side h on [0, h·cols] (one radius: one row) or [0, h·rows] × [0, h·cols], r1 down the rows.
//
//   mass, potential   rows × stride, cols of them used
//   table             rows × rank × cols: row i holds the rank features of its cells, feature by feature
//   from, to          columns [from_i, to_i) of row i outside which masses are zero

/** Sizes of a grid of masses. */
export type GridShape = { readonly rows: number; readonly cols: number; readonly stride: number };

/** Masses below this are taken as zero: far under round-off of the total, and no denormals. */
export const NO_MASS = 1e-30;

/** Clears masses below NO_MASS and sets `from` and `to` to the columns that carry the rest. */
export function settle(mass: Float64Array, { rows, cols, stride }: GridShape, from: Int32Array, to: Int32Array): void {
  for (let i = 0; i < rows; i++) {
    const row = i * stride;
    let first = cols;
    let last = 0;
    for (let j = 0; j < cols; j++) {
      if (mass[row + j]! >= NO_MASS) {
        if (j < first) first = j;
        last = j + 1;
      } else mass[row + j] = 0;
    }
    from[i] = first < last ? first : 0;
    to[i] = last;
  }
}

/** Widens ranges by a cell in every direction: where a stage needs the potential. */
export function reachRanges(
  { rows, cols }: GridShape,
  from: Int32Array,
  to: Int32Array,
  reachFrom: Int32Array,
  reachTo: Int32Array,
): void {
  for (let i = 0; i < rows; i++) {
    let first = cols;
    let last = 0;
    for (let k = Math.max(0, i - 1); k <= Math.min(rows - 1, i + 1); k++) {
      if (from[k]! >= to[k]!) continue;
      if (from[k]! < first) first = from[k]!;
      if (to[k]! > last) last = to[k]!;
    }
    const empty = first >= last;
    reachFrom[i] = empty ? 0 : Math.max(0, first - 1);
    reachTo[i] = empty ? 0 : Math.min(cols, last + 1);
  }
}

/** C_k = Σ_cells mass · table_k. */
export function gridMoments(
  mass: Float64Array,
  table: Float64Array,
  { rows, cols, stride }: GridShape,
  rank: number,
  from: Int32Array,
  to: Int32Array,
  C: Float64Array,
): void {
  C.fill(0);
  for (let i = 0; i < rows; i++) {
    const first = from[i]!;
    const last = to[i]!;
    if (first >= last) continue;
    const row = i * stride;
    for (let k = 0; k < rank; k++) {
      const feature = (i * rank + k) * cols;
      let even = 0;
      let odd = 0;
      let j = first;
      for (; j + 1 < last; j += 2) {
        even += mass[row + j]! * table[feature + j]!;
        odd += mass[row + j + 1]! * table[feature + j + 1]!;
      }
      if (j < last) even += mass[row + j]! * table[feature + j]!;
      C[k]! += even + odd;
    }
  }
}

/** Ψ = Σ_k force_k table_k on the columns [from_i, to_i) of each row. */
export function gridPotential(
  force: Float64Array,
  table: Float64Array,
  { rows, cols, stride }: GridShape,
  rank: number,
  from: Int32Array,
  to: Int32Array,
  potential: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    const first = from[i]!;
    const last = to[i]!;
    if (first >= last) continue;
    const row = i * stride;
    potential.fill(0, row + first, row + last);
    // two features a pass: half the traffic on the potential
    let k = 0;
    for (; k + 1 < rank; k += 2) {
      const f = force[k]!;
      const g = force[k + 1]!;
      const a = (i * rank + k) * cols;
      const b = a + cols;
      for (let j = first; j < last; j++) potential[row + j]! += f * table[a + j]! + g * table[b + j]!;
    }
    if (k < rank) {
      const f = force[k]!;
      const a = (i * rank + k) * cols;
      for (let j = first; j < last; j++) potential[row + j]! += f * table[a + j]!;
    }
  }
}

/** Largest sum over directions of |ΔΨ| across a face, over the cells that carry mass; times dt/h² it is the CFL number. */
export function steepestFaces(
  mass: Float64Array,
  potential: Float64Array,
  { rows, cols, stride }: GridShape,
  from: Int32Array,
  to: Int32Array,
): number {
  let steepest = 0;
  for (let i = 0; i < rows; i++) {
    const row = i * stride;
    const up = i > 0 ? row - stride : row;
    const down = i + 1 < rows ? row + stride : row;
    for (let j = from[i]!; j < to[i]!; j++) {
      if (mass[row + j] === 0) continue;
      const here = potential[row + j]!;
      const left = j > 0 ? Math.abs(potential[row + j - 1]! - here) : 0;
      const right = j + 1 < cols ? Math.abs(potential[row + j + 1]! - here) : 0;
      const above = Math.abs(potential[up + j]! - here);
      const below = Math.abs(potential[down + j]! - here);
      const sum = Math.max(left, right) + Math.max(above, below);
      if (sum > steepest) steepest = sum;
    }
  }
  return steepest;
}

/**
 * Share of the mass in cells that a neighbour's mass differs from by more than a factor 3. A Gaussian peak has 10 % there
 * when its full width at half maximum is four cells, in one direction.
 */
export function unresolvedShare(
  mass: Float64Array,
  { rows, cols, stride }: GridShape,
  from: Int32Array,
  to: Int32Array,
): number {
  let share = 0;
  for (let i = 0; i < rows; i++) {
    const row = i * stride;
    const up = i > 0 ? row - stride : row;
    const down = i + 1 < rows ? row + stride : row;
    for (let j = from[i]!; j < to[i]!; j++) {
      const m = mass[row + j]!;
      const left = j > 0 ? mass[row + j - 1]! : m;
      const right = j + 1 < cols ? mass[row + j + 1]! : m;
      const largest = Math.max(left, right, mass[up + j]!, mass[down + j]!);
      const smallest = Math.min(left, right, mass[up + j]!, mass[down + j]!);
      if (largest > 3 * m || m > 3 * smallest) share += m;
    }
  }
  return share;
}
