// The 1-D SMFE on cells by conservative remap: each step moves the law by the map X of one Itô–Euler step.     docs/smfeGrid.md
//
//   X(w) = w + Σ_q m_q s_q r_q x_q σ'(x_q w) − (Σ_q m_q s_q d_q) U'(w),   s_q = dt + √α (ΔB_q/√m_q − Σ_p √m_p ΔB_p),   μ' = μ∘X⁻¹
//
// The remap of each noise path already contains (α/2)∂²(Aμ): the mean over paths gains it from the square of the displacement.

import { DivergenceError } from "../../engine/errors";
import { type Cells, Sum, type Work } from "../../measure/cells";
import type { LineModel } from "./model";
import { limitedSlopes, massAtWalls, massFolded, remap } from "./remap";

/** Something the user should know, with the time at which it was first seen and the mass that it concerns. */
export type GridFlag = { kind: "wall" | "folded"; time: number; share: number };

/** What moves. */
export interface GridFlowSpec {
  /** kind of the process, for errors */
  name: string;
  cells: Cells;
  model: LineModel;
  /** of the start, sum 1 */
  masses: Float64Array;
  /** dt */
  timeStep: number;
  /** √α (ΔB_q/√m_q − Σ_p √m_p ΔB_p) = level · factors(k) over step k; null without noise */
  noise: { level: number; factors(k: number): Float64Array } | null;
  /** what a divergence carries */
  snapshot?: () => Uint8Array | null;
}

/** Mass at which a fold or a wall is named. */
const NAMED = 1e-6;

/** A law on cells, moving by whole steps. */
export class GridFlow {
  /** Steps done. */
  step = 0;
  /** Masses after them. */
  masses: Float64Array;
  /** The first of each kind. */
  readonly flags: GridFlag[] = [];
  /** [n + 1] images of the edges; [Q] predictions and residuals: those of `place`. */
  readonly images: Float64Array;
  readonly predictions: Float64Array;
  readonly residuals: Float64Array;
  readonly #weights: Float64Array;
  readonly #slopes: Float64Array;
  #next: Float64Array;
  readonly #total: number;

  constructor(readonly spec: GridFlowSpec) {
    const { cells, model, masses } = spec;
    this.masses = masses.slice();
    this.#next = new Float64Array(cells.size);
    this.#slopes = new Float64Array(cells.size);
    this.images = new Float64Array(cells.size + 1);
    this.predictions = new Float64Array(model.atoms);
    this.residuals = new Float64Array(model.atoms);
    this.#weights = new Float64Array(model.atoms);
    this.#total = exactSum(masses);
  }

  get time(): number {
    return this.step * this.spec.timeStep;
  }

  /**
   * One step; the state changes at its end only.
   *
   * @throws {DivergenceError} where an edge moves to no finite place
   */
  *advance(): Work<void> {
    yield* this.place();
    this.move();
    yield undefined;
  }

  /** Moves the law by the images that `place` has set. */
  move(): void {
    limitedSlopes(this.masses, this.#slopes);
    remap(this.spec.cells.edges[0]!, this.images, this.masses, this.#slopes, this.#next);
    // what the pieces' sums round off
    const scale = this.#total / exactSum(this.#next);
    if (scale !== 1) for (let i = 0; i < this.#next.length; i++) this.#next[i]! *= scale;
    this.#look();
    [this.masses, this.#next] = [this.#next, this.masses];
    this.step++;
  }

  /**
   * Sets the images of the edges under the step that comes next, and the predictions and residuals at its beginning.
   *
   * @throws {DivergenceError} where an edge moves to no finite place
   */
  *place(): Work<void> {
    const { cells, model, noise, timeStep } = this.spec;
    const { predictions, residuals, images } = this;
    const weights = this.#weights;
    const factors = noise?.factors(this.step);
    yield* model.predict(this.masses, predictions);
    let pull = 0;
    for (let q = 0; q < model.atoms; q++) {
      const share = model.masses[q]! * (factors ? timeStep + noise!.level * factors[q]! : timeStep);
      residuals[q] = model.residual(q, predictions[q]!);
      weights[q] = share * residuals[q]!;
      pull += share * model.decays[q]!;
    }
    yield* model.displace(weights, pull, images);
    const edges = cells.edges[0]!;
    let finite = true;
    for (let j = 0; j < edges.length; j++) {
      images[j]! += edges[j]!;
      finite &&= Number.isFinite(images[j]!);
    }
    if (!finite) throw this.#diverged();
  }

  /** What a saved state holds besides the masses. */
  marks(): { step: number; notes: readonly GridFlag[] } {
    return { step: this.step, notes: this.flags };
  }

  /** Goes back to a saved state; what follows repeats its bits. */
  restore(masses: Float64Array, { step, notes }: ReturnType<GridFlow["marks"]>): void {
    this.masses.set(masses);
    this.step = step;
    this.flags.splice(0, this.flags.length, ...notes.map((flag) => ({ ...flag })));
  }

  #look(): void {
    const { cells, timeStep } = this.spec;
    const time = (this.step + 1) * timeStep;
    const held = massAtWalls(cells.edges[0]!, this.images, this.masses, this.#next);
    if (held > NAMED) this.#flag("wall", time, held);
    const folded = massFolded(this.images, this.masses);
    if (folded > NAMED) this.#flag("folded", time, folded);
  }

  #flag(kind: GridFlag["kind"], time: number, share: number): void {
    if (!this.flags.some((flag) => flag.kind === kind)) this.flags.push({ kind, time, share });
  }

  #diverged(): DivergenceError {
    const { name, timeStep, snapshot } = this.spec;
    const reason = `the step moves cells to no finite place. A time step of ${timeStep} is too long for this problem; take a smaller one.`;
    return new DivergenceError(name, this.step, this.time, reason, snapshot?.() ?? null);
  }
}

/** A flag in words. */
export function gridWarning({ kind, time, share }: GridFlag): string {
  const since = `since t = ${time.toPrecision(3)}`;
  return kind === "wall"
    ? `The law has reached a wall of the box ${since}: ${share.toExponential(1)} of the mass is held in the cell there; take a larger box.`
    : `A step turns parts of the law over ${since}, ${share.toExponential(1)} of the mass: particles pass each other, which the flow does not; take a smaller timeStep.`;
}

function exactSum(masses: Float64Array): number {
  const sum = new Sum();
  for (let i = 0; i < masses.length; i++) sum.add(masses[i]!);
  return sum.value;
}
