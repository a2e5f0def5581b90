// The central flow of gradient descent: where its iterates are on average while they oscillate at the edge of stability.
//
//   w' = −∇E(w) − ½ ∇⟨H(w), Σ⟩,   Σ ⪰ 0 on the eigenvectors of H with λ = 2/ε,   λ_max ≤ 2/ε,   ⟨Σ, 2/ε − H⟩ = 0
//
// Σ is the covariance of the oscillation: the smallest that keeps λ_max from growing beyond 2/ε. For one eigenvector u it is σ²uuᵀ and the
// flow w' = −∇(E + ½σ²λ_max). Averages of gradient descent are those of its iterates w + δ, E δδᵀ = Σ: the loss E(w) + ½⟨H, Σ⟩, the squared
// gradient |∇E|² + ⟨H², Σ⟩. Below the edge Σ = 0, and the central flow is the gradient flow.
//
// A step of length h: the midpoint rule for −∇E; Σ so that λ_max ≤ 2/ε after it, to first order, which corrects what the step before was
// off; the push of Σ. Third derivatives are central differences of Hessian products along eigenvectors, good to some seven digits.
//
// Cohen, Damian, Talwalkar, Kolter, Lee, Understanding optimization in deep learning with central flows, ICLR 2025.

import type { Engine } from "../../engine/engine";
import { lanczos } from "../../landscape/lanczos";
import { type Landscape, landscape } from "../../landscape/landscape";
import type { Work } from "../../measure/cells";
import type { Particles } from "../../measure/measure";
import type { Problem } from "../../model/problem";
import { add, dot } from "../../model/vectors";
import { complementary } from "./complementarity";

/** Eigenvalues at the edge at most. */
export const MOST_UNSTABLE = 4;

/** Eigenvalues within this share below 2/ε may reach it within a step. */
const MARGIN = 0.05;

/** Length of the differences along a unit vector, in the coordinates θ/√N. */
const DIFFERENCE = 1 / 16384;

/** A state of the central flow. */
export interface CentralState {
  network: Particles;
  /** E(w) */
  loss: number;
  /** λ_max at w */
  sharpness: number;
  /** |∇E(w)|² */
  gradient: number;
  /** E and |∇E|² of gradient descent on average: with the oscillation, since the last state */
  averageLoss: number;
  averageGradient: number;
  /** tr Σ on average since the last state, in the coordinates θ/√N: the mean over neurons of the oscillation of θ_i */
  variance: number;
  /** directions that oscillate: the rank of Σ, in the last step */
  unstable: number;
}

/**
 * Walks the central flow; stops before a state with more than four eigenvalues at the edge.
 *
 * @param network  where it starts
 * @param options  stepSize: ε of the gradient descent; substeps: steps h = ε/substeps
 * @returns a function that goes on by a number of steps ε, as work; null where it stops
 */
export function centralFlow(
  problem: Problem,
  network: Particles,
  engine: Engine,
  { stepSize, substeps }: { stepSize: number; substeps: number },
): { state(): Work<CentralState>; advance(steps: number): Work<CentralState | null> } {
  const h = stepSize / substeps;
  const edge = 2 / stepSize;
  let at = network;
  let expected = 0;

  function* walk(steps: number): Work<CentralState | null> {
    const mean = { variance: 0, loss: 0, gradient: 0 };
    let unstable = 0;
    for (let k = 0; k < steps * substeps; k++) {
      const here = landscape(problem, at, engine);
      try {
        const shift = yield* drift(problem, here, engine, h);
        const near = yield* atTheEdge(here, edge, expected);
        expected = near.values.length;
        if (near.values.length > MOST_UNSTABLE) return null;
        const turns = thirdDerivatives(problem, here, engine, near.vectors);
        unstable = 0;
        if (near.values.length > 0) {
          const covariance = covarianceOf(near.values, turns, shift, edge, h);
          const m = near.values.length;
          for (let i = 0; i < m; i++) {
            const lambda = near.values[i]!;
            const share = covariance[i * m + i]! / (steps * substeps);
            mean.variance += share;
            mean.loss += (lambda / 2) * share;
            mean.gradient += lambda * lambda * share;
            if (share > 0) unstable++;
          }
          turns.forEach((turn, ij) => void add(shift, (-h / 2) * covariance[ij]!, turn));
        }
        at = here.moved(shift);
      } finally {
        here.free();
      }
      yield undefined;
    }
    const state = yield* look(problem, at, engine);
    return {
      ...state,
      averageLoss: state.loss + mean.loss,
      averageGradient: state.gradient + mean.gradient,
      variance: mean.variance,
      unstable,
    };
  }

  return {
    *state() {
      const state = yield* look(problem, at, engine);
      return { ...state, averageLoss: state.loss, averageGradient: state.gradient, variance: 0, unstable: 0 };
    },
    advance: walk,
  };
}

/** What is recorded of a network: E, λ_max, |∇E|². */
export interface Look {
  network: Particles;
  loss: number;
  sharpness: number;
  gradient: number;
}

/** Looks at a network. */
export function* look(problem: Problem, network: Particles, engine: Engine): Work<Look> {
  const here = landscape(problem, network, engine);
  try {
    const gradient = here.gradient();
    const { values } = yield* lanczos(here.hessian, { tolerance: 1e-7 });
    return {
      network,
      loss: here.loss + here.confinement,
      sharpness: values[0]!,
      gradient: dot(gradient, gradient),
    };
  } finally {
    here.free();
  }
}

// The way of the gradient flow over a time h, by the midpoint rule.
function* drift(problem: Problem, here: Landscape, engine: Engine, h: number): Work<Float64Array> {
  const half = here.gradient().map((g) => (-h / 2) * g);
  const middle = landscape(problem, here.moved(half), engine);
  try {
    return middle.gradient().map((g) => -h * g);
  } finally {
    middle.free();
  }
}

// Eigenvalues that are at the edge or may come there, with their vectors: more are asked for until one is not near, or there are too many.
function* atTheEdge(
  here: Landscape,
  edge: number,
  expected: number,
): Work<{ values: number[]; vectors: Float64Array[] }> {
  const p = here.size;
  const most = Math.min(MOST_UNSTABLE + 1, p);
  for (let asked = Math.min(expected + 1, most); ; asked++) {
    const found = yield* lanczos(here.hessian, { count: asked, vectors: true, tolerance: 1e-8 });
    const near = Array.from(found.values).filter((lambda) => lambda > edge * (1 - MARGIN));
    if (near.length === asked && asked < most) continue;
    return { values: near, vectors: near.map((_, i) => found.vectors!.slice(i * p, (i + 1) * p)) };
  }
}

// ∇⟨u_i, H u_j⟩, one a pair (i, j), both orders.
function thirdDerivatives(
  problem: Problem,
  here: Landscape,
  engine: Engine,
  vectors: readonly Float64Array[],
): Float64Array[] {
  const k = vectors.length;
  const turns = Array.from({ length: k * k }, () => new Float64Array(here.size));
  const product = new Float64Array(here.size);
  vectors.forEach((u, i) => {
    for (const sign of [1, -1]) {
      const beside = landscape(problem, here.moved(u.map((x) => sign * DIFFERENCE * x)), engine);
      try {
        vectors.forEach((v, j) => {
          beside.hessian.apply(v, product);
          // half of it at each of the two places, which differ by errors of the differences
          add(turns[i * k + j]!, (sign / (2 * DIFFERENCE)) * 0.5, product);
          add(turns[j * k + i]!, (sign / (2 * DIFFERENCE)) * 0.5, product);
        });
      } finally {
        beside.free();
      }
    }
  });
  return turns;
}

// Σ with λ_max ≤ 2/ε after the step: H + ⟨∇H, shift⟩ − (h/2) ⟨∇H, ∇⟨H, Σ⟩⟩ ⪯ 2/ε on the eigenvectors.
function covarianceOf(
  values: readonly number[],
  turns: readonly Float64Array[],
  shift: Float64Array,
  edge: number,
  h: number,
): Float64Array {
  const k = values.length;
  const excess = Float64Array.from(turns, (turn, ij) => {
    const [i, j] = [Math.floor(ij / k), ij % k];
    return ((i === j ? values[i]! - edge : 0) + dot(turn, shift)) / h;
  });
  const relief = new Float64Array(k * k * k * k);
  turns.forEach((a, ij) => {
    turns.forEach((b, lm) => void (relief[ij * k * k + lm] = dot(a, b) / 2));
  });
  return complementary(relief, excess, k);
}
