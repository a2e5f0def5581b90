// The hot loops of the radial grid: moments and potential from a low-rank table, and one MUSCL stage.       theory §5, §13
//
// Cells of side h on [0, h·cols] (one radius: one row) or [0, h·rows] × [0, h·cols], masses row-major, r1 down the rows.
//
//   mass, potential   rows × cols
//   table             rows × rank × cols: row i holds the rank features of its cells, feature by feature
//   from, to          columns [from_i, to_i) of row i outside which masses are zero
//
// The face between cells j and j+1 moves at −(Ψ_{j+1} − Ψ_j)/h; nothing crosses r = 0 or the outer wall.

/** Masses below this are taken as zero: far under round-off of the total, and no denormals. */
export const NO_MASS = 1e-30;

/** Sets `from` and `to` to the columns that carry mass. */
export function massRanges(mass: Float64Array, rows: number, cols: number, from: Int32Array, to: Int32Array): void {
  for (let i = 0; i < rows; i++) {
    const row = i * cols;
    let first = 0;
    let last = cols;
    while (first < last && mass[row + first] === 0) first++;
    while (last > first && mass[row + last - 1] === 0) last--;
    from[i] = first;
    to[i] = last;
  }
}

/** Widens ranges by a cell in every direction: where a stage can change masses, and where it needs the potential. */
export function reachRanges(
  rows: number,
  cols: number,
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
  rows: number,
  cols: number,
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
    const row = i * cols;
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
  rows: number,
  cols: number,
  rank: number,
  from: Int32Array,
  to: Int32Array,
  potential: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    const first = from[i]!;
    const last = to[i]!;
    if (first >= last) continue;
    const row = i * cols;
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
  rows: number,
  cols: number,
  from: Int32Array,
  to: Int32Array,
): number {
  let steepest = 0;
  for (let i = 0; i < rows; i++) {
    const row = i * cols;
    const up = i > 0 ? row - cols : row;
    const down = i + 1 < rows ? row + cols : row;
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
 * One forward Euler stage of the conservative scheme, out = m − Σ (F_{j+½} − F_{j−½}): upwind fluxes of the masses
 * reconstructed with the monotonised central limiter. Non-negative if ratio · steepestFaces ≤ ½; the sum is kept to
 * round-off. `out` is written on [from_i, to_i), the ranges of `reachRanges`, and must be zero elsewhere.
 *
 * @param ratio    dt/h²
 * @param scratch  4 · cols numbers
 */
export function musclStage(
  mass: Float64Array,
  potential: Float64Array,
  rows: number,
  cols: number,
  ratio: number,
  from: Int32Array,
  to: Int32Array,
  out: Float64Array,
  scratch: Float64Array,
): void {
  // slopes across rows of this row and the next, fluxes through the faces above and below this row
  let slope = 0;
  let nextSlope = cols;
  let above = 2 * cols;
  let below = 3 * cols;
  scratch.fill(0);
  for (let i = 0; i < rows; i++) {
    const first = from[i]!;
    const last = to[i]!;
    const row = i * cols;
    if (i + 1 < rows) {
      const next = row + cols;
      const after = i + 2 < rows ? next + cols : next;
      const low = Math.min(first, from[i + 1]!);
      const high = Math.max(last, to[i + 1]!);
      for (let j = low; j < high; j++) {
        const centre = mass[next + j]!;
        const s = limited(centre - mass[row + j]!, mass[after + j]! - centre);
        scratch[nextSlope + j] = s;
        const courant = ratio * (potential[row + j]! - potential[next + j]!);
        const upwind = courant > 0 ? mass[row + j]! + 0.5 * scratch[slope + j]! : centre - 0.5 * s;
        scratch[below + j] = courant * upwind;
      }
    } else scratch.fill(0, below, below + cols);

    if (first < last) {
      let here = mass[row + first]!;
      let right = first + 1 < cols ? mass[row + first + 1]! : here;
      let s = first > 0 ? limited(here - mass[row + first - 1]!, right - here) : 0;
      let inflow = 0;
      for (let j = first; j < last; j++) {
        const beyond = j + 2 < cols ? mass[row + j + 2]! : right;
        const nextS = limited(right - here, beyond - right);
        let outflow = 0;
        if (j + 1 < cols) {
          const courant = ratio * (potential[row + j]! - potential[row + j + 1]!);
          outflow = courant * (courant > 0 ? here + 0.5 * s : right - 0.5 * nextS);
        }
        const sum = here + (inflow - outflow) + (scratch[above + j]! - scratch[below + j]!);
        out[row + j] = sum < NO_MASS ? 0 : sum;
        inflow = outflow;
        here = right;
        right = beyond;
        s = nextS;
      }
    }
    let swap = slope;
    slope = nextSlope;
    nextSlope = swap;
    swap = above;
    above = below;
    below = swap;
  }
}

/** Monotonised central slope: ½(a + b) within 2a and 2b, 0 at an extremum. */
function limited(a: number, b: number): number {
  if (a * b <= 0) return 0;
  const centre = 0.5 * Math.abs(a + b);
  const side = 2 * Math.min(Math.abs(a), Math.abs(b));
  const size = centre < side ? centre : side;
  return a > 0 ? size : -size;
}

/**
 * Share of the mass in cells that a neighbour's mass differs from by more than a factor 3. A Gaussian peak has 10 % there
 * when its full width at half maximum is four cells, in one direction.
 */
export function unresolvedShare(
  mass: Float64Array,
  rows: number,
  cols: number,
  from: Int32Array,
  to: Int32Array,
): number {
  let share = 0;
  for (let i = 0; i < rows; i++) {
    const row = i * cols;
    const up = i > 0 ? row - cols : row;
    const down = i + 1 < rows ? row + cols : row;
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
