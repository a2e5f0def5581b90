// Energies F of laws on cells, with their first variation Ψ = δF/δm at the cells.                          theory §1, §7
//
// F(m) = Φ(v), v_q = ∫ g_q dm, for finitely many features g_q: a problem on a finite law has g_q = σ*(x_q; ·), v = f(x_q)
// and Φ(f) = Σ_q m_q ℓ(f_q, y_q). On cells v_q = Σ_i g_q(θ_i) m_i and Ψ_i = Σ_q ∂Φ/∂v_q g_q(θ_i) = ∂F/∂m_i exactly.

import { exp, log1pExp } from "../engine/math";
import { activationFunctions } from "../model/activation";
import type { Dataset } from "../model/law";
import type { Problem } from "../model/problem";
import { atMiddles, type Cells, PIECE, type Work } from "./cells";

/** An energy of laws on cells. */
export interface CellEnergy {
  /** Whether Ψ is the same for all laws, as where F = 0 or F is linear. */
  readonly linear: boolean;
  /** Computes F of a law and writes Ψ at the cells over `psi`. */
  evaluate(masses: Float64Array, psi: Float64Array): Work<number>;
}

/** F = 0. */
export const noEnergy: CellEnergy = {
  linear: true,
  // biome-ignore lint/correctness/useYield: nothing to do
  *evaluate(_, psi) {
    psi.fill(0);
    return 0;
  },
};

/**
 * The energy Φ(∫ g dm) of features at the cells.
 *
 * @param features  one field of cells a feature
 * @param outer     value: Φ(v), with ∂Φ/∂v written over `gradient`; linear: whether that gradient is constant
 */
export function featureEnergy(
  features: readonly Float64Array[],
  outer: { linear?: boolean; value(v: Float64Array, gradient: Float64Array): number },
): CellEnergy {
  const v = new Float64Array(features.length);
  const gradient = new Float64Array(features.length);
  return {
    linear: outer.linear ?? false,
    *evaluate(masses, psi) {
      const size = masses.length;
      let done = 0;
      for (let q = 0; q < features.length; q++) {
        v[q] = dot(features[q]!, masses);
        if ((done += size) < 4 * PIECE) continue;
        done = 0;
        yield undefined;
      }
      const value = outer.value(v, gradient);
      // a block of Ψ stays in the cache while all features are added to it
      for (let from = 0; from < size; from += BLOCK) {
        const to = Math.min(size, from + BLOCK);
        psi.fill(0, from, to);
        for (let q = 0; q < features.length; q++) addScaled(psi, features[q]!, gradient[q]!, from, to);
        if ((done += features.length * (to - from)) < 4 * PIECE) continue;
        done = 0;
        yield undefined;
      }
      return value;
    },
  };
}

const BLOCK = 2048;

// Four sums side by side, as one alone waits for each addition.
function dot(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < n; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

function addScaled(out: Float64Array, field: Float64Array, scale: number, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i]! += scale * field[i]!;
}

/**
 * The energy of a problem, F = Σ_q m_q ℓ(f(x_q), y_q), with ridge units of one or two weights.
 *
 * @param problem  ridge units; the law is none or finite
 * @param cells    in the coordinates w
 */
export function problemEnergy(problem: Problem, cells: Cells): CellEnergy {
  const { law, unit, loss } = problem;
  if (law.kind === "none") return noEnergy;
  const { x, y, weights } = law as Dataset;
  const [n, d] = x.shape as [number, number];
  const { value: sigma } = activationFunctions(unit.activation);
  const features = Array.from({ length: n }, (_, q) =>
    d === 1
      ? atMiddles(cells, (w) => sigma(w[0]! * x.data[q]!))
      : atMiddles(cells, (w) => sigma(w[0]! * x.data[2 * q]! + w[1]! * x.data[2 * q + 1]!)),
  );
  const share = (q: number): number => (weights ? weights.data[q]! : 1 / n);
  return featureEnergy(features, {
    value(f, gradient) {
      let sum = 0;
      for (let q = 0; q < n; q++) {
        const label = y.data[q]!;
        if (loss === "logistic") {
          sum += share(q) * log1pExp(-label * f[q]!);
          gradient[q] = (-share(q) * label) / (1 + exp(label * f[q]!));
        } else {
          const r = f[q]! - label;
          sum += (share(q) * r * r) / 2;
          gradient[q] = share(q) * r;
        }
      }
      return sum;
    },
  });
}
