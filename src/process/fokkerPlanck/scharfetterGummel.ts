// One step of ∂_t m = ∇·(m∇Φ + τ∇m) for a frozen Φ: exponentially fitted finite volumes, implicit along lines.   theory §7
//
// Scharfetter and Gummel's flux between cells i and i+1 of length h, for masses m and Φ at the middles,
//
//     J_{i+½} = (τ/h²) [B(z) m_i − B(−z) m_{i+1}],   z = (Φ_{i+1} − Φ_i)/τ,   B(z) = z/(e^z − 1),
//
// vanishes at m ∝ e^{−Φ/τ}, whatever h is; there is none through the walls. Along one line dm/dt = L m with L tridiagonal,
// its columns sum to 0 and only its diagonal is negative: a Markov chain. In time
//
//     (1 − γ dt L) m₁ = m,   (1 − γ dt L) m₂ = m + ((1 − γ)/γ)(m₁ − m),   γ = 1 − 1/√2        (SDIRK2, order 2, L-stable)
//
// keeps the mass, but no linear one-step scheme of order above 1 keeps every positive law positive (Bolley and Crouzeix
// 1978). Where m₂ has a negative mass, the line's fluxes are mixed with those of backward Euler, which is positive, no more
// than it takes (Zalesak 1979). Two axes alternate (Strang 1968): half a step along rows, one along columns, half a step.
//
// The systems are solved without a subtraction (Grassmann, Taksar and Heyman 1985): with up_i the rate i → i+1, down_i the
// rate i+1 → i, a = γ dt, elimination from the left leaves pivots p_i = s_i + a up_i with s_0 = 1 and
// s_i = 1 + a down_{i−1} s_{i−1}/p_{i−1}. So every mass has a small relative error, far tails and huge steps included.

import { type Cells, PIECE, type Work } from "../../measure/cells";
import { bernoulli } from "../../measure/freeEnergy";

/** The lines of one axis of a box of equal cells. */
interface Lines {
  /** how many */
  count: number;
  /** cells of a line */
  length: number;
  /** from a cell to the next one of its line */
  step: number;
  /** from a line to the next */
  next: number;
  /** length of a cell */
  h: number;
}

/** Rates of the jumps between neighbours, for one potential: `up` from a cell to the next of its line, `down` back. */
export interface Rates {
  up: Float64Array[];
  down: Float64Array[];
}

/** γ of SDIRK2, and (1 − γ)/γ = 1 + √2. */
const GAMMA = 1 - Math.SQRT1_2;
const SECOND = 1 + Math.SQRT2;

/** Lines that are solved side by side, as one alone waits for its divisions. */
const BLOCK = 8;

/** What is left to a cell that gives away all it has, so that rounding takes nothing more. */
const NEARLY = 1 - 1e-15;

/** Share of backward Euler's mass that stays in a cell whatever rounding says. */
const LEAST = 1e-18;

/** Passes of the limiter over a line. */
const PASSES = 8;

/** Implicit steps along the lines of a box. */
export class ScharfetterGummel {
  /** Lines mixed with backward Euler since this object was made. */
  limited = 0;
  readonly #axes: Lines[];
  readonly #inverse: Float64Array;
  readonly #reduced: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  readonly #euler: Float64Array;
  readonly #flux: Float64Array;
  readonly #share: Float64Array;
  readonly #least: Float64Array;
  readonly #between: Float64Array;

  /**
   * @param cells        equal ones along each axis
   * @param temperature  τ > 0
   */
  constructor(
    readonly cells: Cells,
    readonly temperature: number,
  ) {
    const { rows, columns, lengths } = cells;
    this.#axes = [{ count: columns, length: rows, step: columns, next: 1, h: lengths[0]![0]! }];
    if (lengths.length === 2)
      this.#axes.push({ count: rows, length: columns, step: 1, next: columns, h: lengths[1]![0]! });
    const longest = Math.max(rows, columns);
    const work = () => new Float64Array(longest * BLOCK);
    [this.#inverse, this.#reduced, this.#first, this.#second] = [work(), work(), work(), work()];
    const line = () => new Float64Array(longest + 1);
    [this.#euler, this.#flux, this.#share, this.#least] = [line(), line(), line(), line()];
    this.#between = new Float64Array(lengths.length === 2 ? cells.size : 0);
  }

  /** Room for rates. */
  rates(): Rates {
    const fields = () => this.#axes.map(() => new Float64Array(this.cells.size));
    return { up: fields(), down: fields() };
  }

  /** Sets the rates of a potential at the middles of the cells. */
  *fit(potential: Float64Array, rates: Rates): Work<void> {
    const { temperature } = this;
    for (const [axis, { step, h, length, count, next }] of this.#axes.entries()) {
      const up = rates.up[axis]!;
      const down = rates.down[axis]!;
      // the rates at the last cell of a line stay 0: no flux through the wall
      const [outer, inner, outerStep, innerStep] =
        step === 1 ? [count, length - 1, next, 1] : [length - 1, count, step, next];
      const rowsAPiece = Math.ceil(PIECE / inner);
      const scale = temperature / (h * h);
      for (let row = 0; row < outer; row += rowsAPiece) {
        for (let i = row; i < Math.min(outer, row + rowsAPiece); i++) {
          fitRow(potential, up, down, i * outerStep, inner, innerStep, step, temperature, scale);
        }
        yield undefined;
      }
    }
  }

  /**
   * One step of the second-order scheme.
   *
   * @param masses  where it starts; kept
   * @param rates   of the potential
   * @param dt      length of the step
   * @param out     where it ends; another array
   */
  *step(masses: Float64Array, rates: Rates, dt: number, out: Float64Array): Work<void> {
    if (this.#axes.length === 1) {
      yield* this.#along(0, masses, rates, dt, out, true);
      return;
    }
    yield* this.#along(0, masses, rates, dt / 2, out, true);
    yield* this.#along(1, out, rates, dt, this.#between, true);
    yield* this.#along(0, this.#between, rates, dt / 2, out, true);
  }

  /** One step of backward Euler along one axis after the other: of order 1, and positive. */
  *eulerStep(masses: Float64Array, rates: Rates, dt: number, out: Float64Array): Work<void> {
    if (this.#axes.length === 1) {
      yield* this.#along(0, masses, rates, dt, out, false);
      return;
    }
    yield* this.#along(0, masses, rates, dt, this.#between, false);
    yield* this.#along(1, this.#between, rates, dt, out, false);
  }

  *#along(
    axis: number,
    masses: Float64Array,
    rates: Rates,
    dt: number,
    out: Float64Array,
    secondOrder: boolean,
  ): Work<void> {
    const lines = this.#axes[axis]!;
    const up = rates.up[axis]!;
    const down = rates.down[axis]!;
    for (let line = 0, done = 0; line < lines.count; line += BLOCK) {
      const width = Math.min(BLOCK, lines.count - line);
      if (secondOrder) {
        const lowest = this.#solve(lines, line, width, masses, up, down, GAMMA * dt, out, true);
        if (lowest < 0) {
          for (let j = 0; j < width; j++) this.#limit(lines, line + j, masses, up, down, dt, out);
        }
      } else {
        this.#solve(lines, line, width, masses, up, down, dt, out, false);
      }
      if ((done += lines.length * width) < PIECE) continue;
      done = 0;
      yield undefined;
    }
  }

  // Solves one or both stages on lines side by side; a = γ dt, or dt. Returns the smallest mass of the second stage.
  #solve(
    { length, step, next }: Lines,
    line: number,
    width: number,
    masses: Float64Array,
    up: Float64Array,
    down: Float64Array,
    a: number,
    out: Float64Array,
    twoStages: boolean,
  ): number {
    const inverse = this.#inverse;
    const reduced = this.#reduced;
    const first = this.#first;
    const second = this.#second;
    const base = line * next;
    for (let j = 0; j < width; j++) {
      const at = base + j * next;
      inverse[j] = 1 / (1 + a * up[at]!);
      reduced[j] = 1;
      first[j] = masses[at]!;
    }
    for (let i = 1; i < length; i++) {
      const row = i * width;
      for (let j = 0; j < width; j++) {
        const at = base + j * next + i * step;
        const k = row + j;
        const before = inverse[k - width]!;
        const s = 1 + a * down[at - step]! * (reduced[k - width]! * before);
        reduced[k] = s;
        inverse[k] = 1 / (s + a * up[at]!);
        first[k] = masses[at]! + a * up[at - step]! * (first[k - width]! * before);
      }
    }
    this.#back({ length, step, next }, base, width, down, a, first);
    if (!twoStages) {
      for (let i = 0; i < length; i++) {
        for (let j = 0; j < width; j++) out[base + j * next + i * step] = first[i * width + j]!;
      }
      return 0;
    }
    for (let j = 0; j < width; j++) {
      const m = masses[base + j * next]!;
      second[j] = m + SECOND * (first[j]! - m);
    }
    for (let i = 1; i < length; i++) {
      const row = i * width;
      for (let j = 0; j < width; j++) {
        const at = base + j * next + i * step;
        const k = row + j;
        const m = masses[at]!;
        const right = m + SECOND * (first[k]! - m);
        second[k] = right + a * up[at - step]! * (second[k - width]! * inverse[k - width]!);
      }
    }
    this.#back({ length, step, next }, base, width, down, a, second);
    let lowest = Infinity;
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < width; j++) {
        const m = second[i * width + j]!;
        out[base + j * next + i * step] = m;
        if (m < lowest) lowest = m;
      }
    }
    return lowest;
  }

  // Back substitution, in place.
  #back(
    { length, step, next }: Pick<Lines, "length" | "step" | "next">,
    base: number,
    width: number,
    down: Float64Array,
    a: number,
    values: Float64Array,
  ): void {
    const inverse = this.#inverse;
    const last = (length - 1) * width;
    for (let j = 0; j < width; j++) values[last + j]! *= inverse[last + j]!;
    for (let i = length - 2; i >= 0; i--) {
      const row = i * width;
      for (let j = 0; j < width; j++) {
        const k = row + j;
        values[k] = (values[k]! + a * down[base + j * next + i * step]! * values[k + width]!) * inverse[k]!;
      }
    }
  }

  // Makes the second-order result of a line non-negative: out = euler − Δ(share · flux), where flux is what the second-order
  // step carries through a face beyond backward Euler, and the shares are as large as positivity allows.
  #limit(
    lines: Lines,
    line: number,
    masses: Float64Array,
    up: Float64Array,
    down: Float64Array,
    dt: number,
    out: Float64Array,
  ): void {
    const { length, step, next } = lines;
    const base = line * next;
    let lowest = 0;
    for (let i = 0; i < length; i++) lowest = Math.min(lowest, out[base + i * step]!);
    if (lowest === 0) return;
    this.limited++;
    const euler = this.#euler;
    const flux = this.#flux;
    const share = this.#share;
    const least = this.#least;
    this.#eulerLine(lines, base, masses, up, down, dt, euler);
    // backward Euler leaves no cell empty, nor does this
    for (let i = 0; i < length; i++) least[i] = LEAST * euler[i]!;
    // flux[i] and share[i] belong to the face below cell i. What passes a face is what the cells on one side lose: summed over
    // the side of less mass it has a small relative error in both tails, however long the step is.
    flux[0] = flux[length] = 0;
    let half = 0;
    for (let i = 0; i < length; i++) half += euler[i]! / 2;
    let low = 0;
    let beyond = 0;
    for (let i = 0; i + 1 < length && (beyond += euler[i]!) < half; i++) {
      flux[i + 1] = flux[i]! + (euler[i]! - out[base + i * step]!);
      low = i + 1;
    }
    for (let i = length - 1; i > low; i--) flux[i] = flux[i + 1]! - (euler[i]! - out[base + i * step]!);
    // what comes in while others give can be given on in the next pass
    for (let pass = 0; pass < PASSES; pass++) {
      let limited = false;
      share.fill(1, 0, length + 1);
      for (let i = 0; i < length; i++) {
        const below = flux[i]!;
        const above = flux[i + 1]!;
        const given = Math.max(0, -below) + Math.max(0, above);
        if (given <= NEARLY * euler[i]!) continue;
        const kept = (NEARLY * euler[i]!) / given;
        if (below < 0) share[i] = kept;
        if (above > 0) share[i + 1] = kept;
        limited = true;
      }
      for (let i = 0; i < length; i++) {
        euler[i] = Math.max(least[i]!, euler[i]! + (share[i]! * flux[i]! - share[i + 1]! * flux[i + 1]!));
      }
      if (!limited) break;
      for (let i = 0; i <= length; i++) flux[i]! *= 1 - share[i]!;
    }
    for (let i = 0; i < length; i++) out[base + i * step] = euler[i]!;
  }

  // Backward Euler on one line.
  #eulerLine(
    { length, step }: Lines,
    base: number,
    masses: Float64Array,
    up: Float64Array,
    down: Float64Array,
    dt: number,
    out: Float64Array,
  ): void {
    const inverse = this.#share;
    let s = 1;
    inverse[0] = 1 / (1 + dt * up[base]!);
    out[0] = masses[base]!;
    for (let i = 1; i < length; i++) {
      const at = base + i * step;
      s = 1 + dt * down[at - step]! * (s * inverse[i - 1]!);
      inverse[i] = 1 / (s + dt * up[at]!);
      out[i] = masses[at]! + dt * up[at - step]! * (out[i - 1]! * inverse[i - 1]!);
    }
    out[length - 1]! *= inverse[length - 1]!;
    for (let i = length - 2; i >= 0; i--) {
      out[i] = (out[i]! + dt * down[base + i * step]! * out[i + 1]!) * inverse[i]!;
    }
  }
}

// Rates of faces along a row of cells, between each and the one `step` further.
function fitRow(
  potential: Float64Array,
  up: Float64Array,
  down: Float64Array,
  from: number,
  count: number,
  stride: number,
  step: number,
  temperature: number,
  scale: number,
): void {
  for (let j = 0, at = from; j < count; j++, at += stride) {
    const z = (potential[at + step]! - potential[at]!) / temperature;
    const b = scale * bernoulli(Math.abs(z));
    up[at] = z > 0 ? b : b - scale * z;
    down[at] = z > 0 ? b + scale * z : b;
  }
}
