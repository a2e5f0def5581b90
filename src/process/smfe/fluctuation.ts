// The linear equation of the fluctuation η = lim √n (μ^n − μ⁰) on cells: the derivative of the remap.             docs/smfeGrid.md
//
//   η' = η∘X⁻¹ − ∂((δX μ)∘X⁻¹),   δX(w) = Σ_q m_q (dt δr_q + r_q ŝ_q) x_q σ'(x_q w) − (Σ_q m_q ŝ_q d_q) U'(w)
//   δr_q = −∂²ℓ/∂f² ⟨η, σ(x_q ·)⟩,   ŝ_q = √(nα) (ΔB_q/√m_q − Σ_p √m_p ΔB_p)
//
// η is rough as white noise is, so its remap is linear, without a limiter: its transpose is of order 2 on smooth functions.

import { DivergenceError } from "../../engine/errors";
import { Sum, type Work } from "../../measure/cells";
import { GridFlow, type GridFlowSpec } from "./flow";
import { centralSlopes, remap } from "./remap";

/** μ⁰ and η on cells, moving by whole steps. */
export class GridFluctuation {
  /** μ⁰ */
  readonly base: GridFlow;
  /** Signed masses of the cells, sum 0. */
  eta: Float64Array;
  #next: Float64Array;
  readonly #displaced: Float64Array;
  readonly #moved: Float64Array;
  readonly #slopes: Float64Array;
  readonly #shifts: Float64Array;
  readonly #change: Float64Array;
  readonly #weights: Float64Array;

  /**
   * @param spec  of the base; its noise, of level √(nα), drives η alone
   * @param eta   at time 0
   */
  constructor(
    readonly spec: GridFlowSpec,
    eta: Float64Array,
  ) {
    const { cells, model } = spec;
    const field = () => new Float64Array(cells.size);
    this.base = new GridFlow({ ...spec, noise: null });
    this.eta = eta.slice();
    [this.#next, this.#displaced, this.#moved, this.#slopes] = [field(), field(), field(), field()];
    this.#shifts = new Float64Array(cells.size + 1);
    this.#change = new Float64Array(model.atoms);
    this.#weights = new Float64Array(model.atoms);
  }

  /** Steps done. */
  get step(): number {
    return this.base.step;
  }

  /**
   * One step; the state changes at its end only.
   *
   * @throws {DivergenceError} where μ⁰ or η is no longer finite
   */
  *advance(): Work<void> {
    const { base, eta } = this;
    const { cells, model, timeStep, noise } = this.spec;
    const { masses, images } = base;
    const edges = cells.edges[0]!;
    const n = cells.size;
    yield* base.place();

    const weights = this.#weights;
    const change = this.#change;
    const factors = noise?.factors(base.step);
    yield* model.predict(eta, change);
    let pull = 0;
    for (let q = 0; q < model.atoms; q++) {
      const drift = timeStep * model.bend(q, base.predictions[q]!) * change[q]!;
      const kick = factors ? noise!.level * factors[q]! : 0;
      weights[q] = model.masses[q]! * (drift + base.residuals[q]! * kick);
      pull += model.masses[q]! * kick * model.decays[q]!;
    }
    const shifts = this.#shifts;
    yield* model.displace(weights, pull, shifts);

    const displaced = this.#displaced;
    for (let i = 0; i < n; i++) displaced[i] = masses[i]! * ((shifts[i]! + shifts[i + 1]!) / 2);
    const moved = this.#moved;
    centralSlopes(displaced, this.#slopes);
    remap(edges, images, displaced, this.#slopes, moved);
    const next = this.#next;
    centralSlopes(eta, this.#slopes);
    remap(edges, images, eta, this.#slopes, next);
    // fluxes at the edges are means of the two sides', and none passes a wall
    const perLength = n / (2 * (edges[n]! - edges[0]!));
    for (let i = 0; i < n; i++) {
      const above = i + 1 < n ? moved[i]! + moved[i + 1]! : 0;
      const below = i > 0 ? moved[i - 1]! + moved[i]! : 0;
      next[i]! -= perLength * (above - below);
    }
    const sum = new Sum();
    for (let i = 0; i < n; i++) sum.add(next[i]!);
    const lost = sum.value;
    if (!Number.isFinite(lost)) throw this.#diverged();
    base.move();
    for (let i = 0; i < n; i++) next[i]! -= lost * base.masses[i]!;
    [this.eta, this.#next] = [next, eta];
    yield undefined;
  }

  #diverged(): DivergenceError {
    const { name, snapshot } = this.spec;
    const { step, time } = this.base;
    const reason =
      "the linearised fluctuation is no longer finite; it holds before this time only, or needs a smaller timeStep";
    return new DivergenceError(name, step, time, reason, snapshot?.() ?? null);
  }
}

/**
 * A Gaussian fluctuation of the start: Var⟨η_0, φ⟩ = Var_μ φ.
 *
 * @param masses   m_i of the cells, sum 1
 * @param normals  one a cell
 */
export function gaussianFluctuation(masses: Float64Array, normals: Float64Array): Float64Array {
  const sum = new Sum();
  for (let i = 0; i < masses.length; i++) sum.add(Math.sqrt(masses[i]!) * normals[i]!);
  const mean = sum.value;
  return masses.map((m, i) => Math.sqrt(m) * normals[i]! - m * mean);
}
