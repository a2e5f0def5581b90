// Scrambled Sobol points: N points of [0, 1)^d whose means converge like N^−1, and nearly N^−3/2 for smooth integrands.
//
// x_n = ⊕_k (bit k of Gray(n)) v_k in every dimension, with v_k = m_k 2^−k from a recurrence over a primitive polynomial.
// Scrambling: x → L x ⊕ shift in binary digits, L a random lower triangular matrix with ones on its diagonal: every point is
// uniform on its own, and the variance is that of Owen's nested scrambling (Matoušek, J. Complexity 14 (1998) 527).

import { SpecError } from "../engine/errors";
import { normalQuantile } from "../engine/math";
import { stream } from "../random/stream";
import { MOST_DIMENSIONS } from "./quadratureSize";
import { SOBOL_DIRECTIONS } from "./sobolDirections";

const BITS = 32;

/**
 * The first points of Sobol's sequence, scrambled, as standard normals: Φ⁻¹ of each coordinate.
 *
 * @param points     N ≤ 2^32; a power of two is balanced best
 * @param dimension  d ≤ 512
 * @param key        stream that scrambles: word i of step j is row i of dimension j's L, word 32 its shift
 * @returns [N, d] row-major; each coordinate is the middle of one of 2^32 intervals, so |g| < 6.4
 * @throws {SpecError} when the dimension has no direction numbers
 * @see S. Joe, F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008) 2635
 */
export function sobolNormals(points: number, dimension: number, key: { seed: number; purpose: number }): Float64Array {
  return Float64Array.from(sobolWords(points, dimension, key), (x) => normalQuantile((x + 0.5) / 4294967296));
}

/**
 * The first points of Sobol's sequence, in Gray code order from 0, as words x of 32 bits for x/2^32.
 *
 * @param points     N
 * @param dimension  d ≤ 512
 * @param key        stream that scrambles, or null for the sequence as it is
 * @returns [N, d] row-major
 * @throws {SpecError} when the dimension has no direction numbers
 */
export function sobolWords(
  points: number,
  dimension: number,
  key: { seed: number; purpose: number } | null,
): Uint32Array {
  if (dimension > MOST_DIMENSIONS) {
    throw new SpecError("dimension", dimension, `at most ${MOST_DIMENSIONS}, as far as the direction numbers go`);
  }
  const out = new Uint32Array(points * dimension);
  const tokens = SOBOL_DIRECTIONS.trim().split(/\s+/);
  const random = key && stream(key.seed, { purpose: key.purpose });
  for (let j = 0; j < dimension; j++) {
    const plain = directions(j === 0 ? null : tokens[j - 1]!);
    const words = random?.words(BITS + 1, { step: j });
    const columns = words ? plain.map((v) => scramble(v, words)) : plain;
    let x = words ? words[BITS]! : 0;
    for (let n = 0; n < points; n++) {
      // point n differs from the one before by the column of the lowest set bit of n
      if (n > 0) x = (x ^ columns[31 - Math.clz32(n & -n)]!) >>> 0;
      out[n * dimension + j] = x;
    }
  }
  return out;
}

/** v_1 … v_32 as words of 32 bits, the first digit on top: v_k = m_k 2^{32−k}. */
function directions(token: string | null): Uint32Array {
  const v = new Uint32Array(BITS);
  if (token === null) return v.map((_, k) => 1 << (31 - k));
  const [a, ...m] = token.split(",").map(Number) as [number, ...number[]];
  const s = m.length;
  for (let k = 0; k < BITS; k++) {
    if (k < s) v[k] = m[k]! << (31 - k);
    else {
      let next = v[k - s]! ^ (v[k - s]! >>> s);
      for (let i = 1; i < s; i++) if ((a >>> (s - 1 - i)) & 1) next ^= v[k - i]!;
      v[k] = next;
    }
  }
  return v;
}

/** L v: digit i of the result is the parity of the digits of v that row i of L picks, its own and random ones above. */
function scramble(v: number, random: Uint32Array): number {
  let out = 0;
  for (let i = 0; i < BITS; i++) {
    const own = (1 << (31 - i)) >>> 0;
    const above = i === 0 ? 0 : random[i]! & (-1 << (32 - i));
    if (isOdd(v & (own | above))) out |= own;
  }
  return out >>> 0;
}

/** Whether a word has an odd number of ones. */
function isOdd(word: number): boolean {
  let x = word ^ (word >>> 16);
  x ^= x >>> 8;
  x ^= x >>> 4;
  return ((0x6996 >>> (x & 15)) & 1) === 1;
}
