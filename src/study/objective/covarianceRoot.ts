// The symmetric square root of a covariance: in closed form for p = 1 and 2, by eigenvalues beyond.                   theory §8
//
//   Σ^{1/2} = Σ_j √λ_j e_j e_jᵀ;   for p = 2 it is (Σ + √(λ₁λ₂)) / (√λ₁ + √λ₂)

/** Of the largest eigenvalue: what a negative one may be by round-off. */
const ROUND_OFF = 1e-12;

/** A root of covariances, and what had to be done to them. */
export interface CovarianceRoot {
  /** Writes Σ^{1/2} over `out`; both [p, p], only the symmetric part of Σ counts. Negative eigenvalues are taken as 0. */
  root(covariance: Float64Array, out: Float64Array): void;
  /** Roots taken; those with an eigenvalue below 0 by more than round-off; the worst one, relative to the largest. */
  readonly seen: { roots: number; clipped: number; worst: number };
}

/**
 * A root for covariances of one size.
 *
 * @param p  rows
 */
export async function covarianceRoot(p: number): Promise<CovarianceRoot> {
  const seen = { roots: 0, clipped: 0, worst: 0 };
  const look = (smallest: number, largest: number) => {
    seen.roots++;
    if (smallest >= -ROUND_OFF * Math.abs(largest)) return;
    seen.clipped++;
    seen.worst = Math.min(seen.worst, smallest / Math.max(Math.abs(smallest), Math.abs(largest)));
  };
  if (p === 1) {
    return {
      seen,
      root([variance], out) {
        look(variance!, Math.max(0, variance!));
        out[0] = Math.sqrt(Math.max(0, variance!));
      },
    };
  }
  if (p === 2) return { seen, root: (covariance, out) => rootOfTwo(covariance, out, look) };
  const { EigenvalueDecomposition, Matrix } = await import("ml-matrix");
  return {
    seen,
    root(covariance, out) {
      const symmetric = new Matrix(p, p);
      for (let i = 0; i < p; i++) {
        for (let j = 0; j < p; j++) symmetric.set(i, j, (covariance[i * p + j]! + covariance[j * p + i]!) / 2);
      }
      const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
      look(Math.min(...realEigenvalues), Math.max(...realEigenvalues));
      out.fill(0);
      for (let k = 0; k < p; k++) {
        const scale = Math.sqrt(Math.max(0, realEigenvalues[k]!));
        if (scale === 0) continue;
        for (let i = 0; i < p; i++) {
          const left = scale * eigenvectorMatrix.get(i, k);
          for (let j = 0; j < p; j++) out[i * p + j]! += left * eigenvectorMatrix.get(j, k);
        }
      }
    },
  };
}

function rootOfTwo(
  covariance: Float64Array,
  out: Float64Array,
  look: (smallest: number, largest: number) => void,
): void {
  const [a, b1, b2, d] = covariance as unknown as [number, number, number, number];
  const b = (b1 + b2) / 2;
  const middle = (a + d) / 2;
  const radius = Math.sqrt(((a - d) / 2) * ((a - d) / 2) + b * b);
  const largest = middle + radius;
  // without cancellation where both are positive
  const smallest = middle > 0 ? (a * d - b * b) / largest : middle - radius;
  look(smallest, largest);
  if (!(largest > 0)) return void out.fill(0);
  const low = Math.sqrt(Math.max(0, smallest));
  const high = Math.sqrt(largest);
  // λ₁ e₁e₁ᵀ = λ₁ (Σ − λ₂) / (λ₁ − λ₂) where λ₂ is taken as 0
  const factor = smallest < 0 ? largest / (largest - smallest) : 1;
  const shift = smallest < 0 ? -smallest * factor : low * high;
  out[0] = (factor * a + shift) / (low + high);
  out[1] = out[2] = (factor * b) / (low + high);
  out[3] = (factor * d + shift) / (low + high);
}
