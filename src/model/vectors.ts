// Products of long vectors, in a fixed order of sums: four partial sums, so that the additions do not wait for each other.

/** ⟨a, b⟩ */
export function dot(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < n; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

/** a += factor · b */
export function add(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i]! += factor * b[i]!;
}

/** |a| */
export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

/** Divides a by its length, and returns that; a vector of length 0 stays. */
export function normalise(a: Float64Array): number {
  const length = norm(a);
  if (length > 0) for (let i = 0; i < a.length; i++) a[i]! /= length;
  return length;
}

/**
 * Takes from w its parts along orthonormal vectors, twice: once leaves round-off of what was taken, twice is enough.
 *
 * @param parts  the coefficients ⟨v, w⟩ are added to it, if given
 * @see Parlett, The Symmetric Eigenvalue Problem, section 6.9
 */
export function orthogonalise(w: Float64Array, basis: readonly Float64Array[], parts?: Float64Array): void {
  for (let sweep = 0; sweep < 2; sweep++) {
    for (let i = 0; i < basis.length; i++) {
      const along = dot(basis[i]!, w);
      if (parts) parts[i]! += along;
      add(w, -along, basis[i]!);
    }
  }
}
