// A tile of the matrix of a kernel: products of inputs, and the law applied to them.                                   theory §9
//
// A radial law has |u − u'|² = |u|² + |u'|² − 2⟨u, u'⟩ and the others c = ⟨u, u'⟩ of length at most 1. Both lose digits where inputs are
// close or parallel: such pairs are computed once more, in f64 and from differences. The sizes |u|²/2 are found by the same products in the
// same order, so that equal inputs are at distance 0 to the bit.

import { PANEL } from "../layout";
import { N, number, term } from "../math";
import { madd, pointer, real, slot } from "../vector";
import { arcsine, expNegative, halfPi } from "./functions";
import {
  GRAM_LAW,
  GRAM_LEFT,
  GRAM_MIRROR,
  GRAM_NEAR,
  GRAM_PARAMETERS,
  GRAM_PARAMETERS64,
  GRAM_RIGHT,
  GRAM_STRIDE,
  GRAM_TILE,
  LAW_ARCSINE,
  LAW_ARCSINE_SLOPES,
  LAW_CONE,
  LAW_MATERN_1,
  LAW_MATERN_3,
  LAW_RBF,
  LAW_WEDGE,
  SIDE_COUNT,
  SIDE_DEPTH,
  SIDE_INPUTS,
  SIDE_PANELS,
  SIDE_RESTS,
  SIDE_SIZES,
  SIDE_SIZES64,
} from "./layout";
import { products, reflect, transpose } from "./products";

/** Side of a block, which is finished while it stands in the first cache. */
const BLOCK = 64;

/**
 * Fills the tile of rows i0 … and columns j0 …, both starting at whole panels, and its transpose; of a symmetric matrix's tile on the
 * diagonal the part above it is computed and copied below.
 */
export function gram<T>(plan: usize, i0: i32, rows: i32, j0: i32, columns: i32, diagonal: boolean): void {
  const size = sizeof<T>();
  const tile = pointer(plan, GRAM_TILE);
  const mirror = pointer(plan, GRAM_MIRROR);
  const stride = <usize>slot(plan, GRAM_STRIDE) * size;
  for (let r = 0; r < rows; r += BLOCK) {
    const height = min(BLOCK, rows - r);
    for (let c = diagonal ? r : 0; c < columns; c += BLOCK) {
      const width = min(BLOCK, columns - c);
      const at = tile + <usize>r * stride + <usize>c * size;
      block<T>(plan, i0 + r, height, j0 + c, width, at, stride, diagonal && r === c);
      if (diagonal && r === c) reflect<T>(at, stride, height);
      else if (mirror) {
        const other = (diagonal ? tile : mirror) + <usize>c * stride + <usize>r * size;
        transpose<T>(at, stride, height, width, other, stride);
      }
    }
  }
}

function block<T>(
  plan: usize,
  i0: i32,
  rows: i32,
  j0: i32,
  columns: i32,
  out: usize,
  stride: usize,
  diagonal: boolean,
): void {
  const size = sizeof<T>();
  const left = pointer(plan, GRAM_LEFT);
  const law = slot(plan, GRAM_LAW);
  const depth = slot(left, SIDE_DEPTH);
  const bytes = <usize>depth * PANEL;
  const a = pointer(left, SIDE_PANELS);
  const b = pointer(pointer(plan, GRAM_RIGHT), SIDE_PANELS);
  products<T>(a, bytes, b, bytes, depth, i0, rows, j0, columns, out, stride, diagonal, false);
  const lanes = PANEL / <i32>size;
  for (let r = 0; r < rows; r++, out += stride) {
    const from = diagonal ? r - (r % lanes) : 0;
    const row = out + <usize>from * size;
    const end = out + <usize>columns * size;
    const i = i0 + r;
    const j = j0 + from;
    if (law === LAW_RBF) rbfRow<T>(plan, row, end, i, j);
    else if (law < LAW_CONE) maternRow<T>(plan, law, row, end, i, j);
    else if (law === LAW_WEDGE) wedgeRow<T>(plan, row, end, i, j);
    else if (law === LAW_CONE) coneRow<T>(plan, row, end, i, j);
    else arcsineRow<T>(plan, law === LAW_ARCSINE_SLOPES, row, end, i, j);
  }
}

/** |u|²/2 of every input of a side, by the products of the tiles; the scratch has room for four rows of a panel. */
export function sizes<T>(side: usize, scratch: usize): void {
  const size = sizeof<T>();
  const n = slot(side, SIDE_COUNT);
  const depth = slot(side, SIDE_DEPTH);
  const panels = pointer(side, SIDE_PANELS);
  const out = pointer(side, SIDE_SIZES);
  const bytes = <usize>depth * PANEL;
  const lanes = PANEL / <i32>size;
  for (let i = 0; i < n; i += 4) {
    const j = i - (i % lanes);
    products<T>(panels, bytes, panels, bytes, depth, i, 4, j, lanes, scratch, PANEL, false, false);
    for (let r = 0; r < min(4, n - i); r++) {
      const at = scratch + <usize>r * PANEL + <usize>(i + r - j) * size;
      store<T>(out + <usize>(i + r) * size, <T>0.5 * load<T>(at));
    }
  }
}

function rbfRow<T>(plan: usize, row: usize, end: usize, i: i32, j: i32): void {
  const size = sizeof<T>();
  const bound = real(plan, GRAM_NEAR);
  const mine = v128.load_splat<T>(pointer(pointer(plan, GRAM_LEFT), SIDE_SIZES) + <usize>i * size);
  let other = pointer(pointer(plan, GRAM_RIGHT), SIDE_SIZES) + <usize>j * size;
  if (bound === Infinity) {
    for (; row < end; row += 16, other += 16) {
      const both = v128.add<T>(mine, v128.load(other));
      v128.store(row, expNegative<T>(v128.sub<T>(v128.load(row), both)));
    }
    return;
  }
  const near = v128.splat<T>(<T>bound);
  for (; row < end; row += 16, other += 16, j += 16 / <i32>size) {
    const both = v128.add<T>(mine, v128.load(other));
    const value = expNegative<T>(v128.sub<T>(v128.load(row), both));
    v128.store(row, value);
    const doubtful = v128.gt<T>(v128.mul<T>(value, both), near);
    if (v128.any_true(doubtful)) refine<T>(plan, doubtful, row, i, j);
  }
}

function maternRow<T>(plan: usize, law: i32, row: usize, end: usize, i: i32, j: i32): void {
  const size = sizeof<T>();
  const near = v128.splat<T>(<T>real(plan, GRAM_NEAR));
  const mine = v128.load_splat<T>(pointer(pointer(plan, GRAM_LEFT), SIDE_SIZES) + <usize>i * size);
  let other = pointer(pointer(plan, GRAM_RIGHT), SIDE_SIZES) + <usize>j * size;
  for (; row < end; row += 16, other += 16, j += 16 / <i32>size) {
    const both = v128.add<T>(mine, v128.load(other));
    const half = v128.pmax<T>(v128.sub<T>(both, v128.load(row)), v128.splat<T>(<T>0));
    const r = v128.sqrt<T>(v128.add<T>(half, half));
    const value = maternValue<T>(law, r);
    v128.store(row, value);
    // an error of r² is one of r/2r
    const bound = law === LAW_MATERN_1 ? v128.mul<T>(near, r) : near;
    const doubtful = v128.gt<T>(v128.mul<T>(value, both), bound);
    if (v128.any_true(doubtful)) refine<T>(plan, doubtful, row, i, j);
  }
}

function maternValue<T>(law: i32, r: v128): v128 {
  const e = expNegative<T>(v128.neg<T>(r));
  if (law === LAW_MATERN_1) return e;
  const line = v128.add<T>(number<T>(N.One), r);
  if (law === LAW_MATERN_3) return v128.mul<T>(e, line);
  return v128.mul<T>(e, v128.add<T>(line, v128.div<T>(v128.mul<T>(r, r), number<T>(N.Three))));
}

function coneRow<T>(plan: usize, row: usize, end: usize, i: i32, j: i32): void {
  const size = sizeof<T>();
  const one = v128.splat<T>(<T>1);
  const near = v128.splat<T>(<T>real(plan, GRAM_NEAR));
  const parameters = pointer(plan, GRAM_PARAMETERS);
  const mine = v128.load_splat<T>(pointer(pointer(plan, GRAM_LEFT), SIDE_SIZES) + <usize>i * size);
  let other = pointer(pointer(plan, GRAM_RIGHT), SIDE_SIZES) + <usize>j * size;
  for (; row < end; row += 16, other += 16, j += 16 / <i32>size) {
    const c = clamped<T>(v128.load(row), one);
    const gap = v128.sub<T>(one, v128.abs<T>(c));
    v128.store(row, coneValue<T>(parameters, c, gap, v128.mul<T>(mine, v128.load(other))));
    const doubtful = v128.lt<T>(gap, near);
    if (v128.any_true(doubtful)) refine<T>(plan, doubtful, row, i, j);
  }
}

function coneValue<T>(parameters: usize, c: v128, gap: v128, sizes: v128): v128 {
  const size = sizeof<T>();
  const angle = v128.add<T>(halfPi<T>(), arcsine<T>(c, gap));
  const both = madd<T>(v128.load_splat<T>(parameters + size), angle, v128.load_splat<T>(parameters));
  const sine = v128.sqrt<T>(v128.mul<T>(gap, v128.sub<T>(number<T>(N.Two), gap)));
  const line = madd<T>(
    v128.mul<T>(v128.load_splat<T>(parameters + 2 * size), sizes),
    c,
    v128.load_splat<T>(parameters + 4 * size),
  );
  return madd<T>(both, line, v128.mul<T>(v128.mul<T>(v128.load_splat<T>(parameters + 3 * size), sizes), sine));
}

function wedgeRow<T>(plan: usize, row: usize, end: usize, i: i32, j: i32): void {
  const size = sizeof<T>();
  const near = v128.splat<T>(<T>real(plan, GRAM_NEAR));
  const parameters = pointer(plan, GRAM_PARAMETERS);
  const mine = v128.load_splat<T>(pointer(pointer(plan, GRAM_LEFT), SIDE_SIZES) + <usize>i * size);
  let other = pointer(pointer(plan, GRAM_RIGHT), SIDE_SIZES) + <usize>j * size;
  for (; row < end; row += 16, other += 16, j += 16 / <i32>size) {
    const c = v128.load(row);
    const a = v128.abs<T>(c);
    const gap = v128.pmax<T>(v128.sub<T>(number<T>(N.One), a), v128.splat<T>(<T>0));
    v128.store(row, wedgeValue<T>(parameters, c, a, gap, v128.mul<T>(mine, v128.load(other))));
    const doubtful = v128.lt<T>(gap, near);
    if (v128.any_true(doubtful)) refine<T>(plan, doubtful, row, i, j);
  }
}

function wedgeValue<T>(parameters: usize, c: v128, a: v128, gap: v128, sizes: v128): v128 {
  const size = sizeof<T>();
  let series: v128;
  if (sizeof<T>() === 4) {
    series = wedgeStep<T>(term<T>(parameters, 9), gap, parameters, 8);
    series = wedgeStep<T>(series, gap, parameters, 7);
    series = wedgeStep<T>(series, gap, parameters, 6);
    series = wedgeStep<T>(series, gap, parameters, 5);
    series = wedgeStep<T>(series, gap, parameters, 4);
    series = wedgeStep<T>(series, gap, parameters, 3);
    series = wedgeStep<T>(series, gap, parameters, 2);
  } else {
    const w = v128.mul<T>(gap, gap);
    let odd = term<T>(parameters, 19);
    let even = term<T>(parameters, 18);
    odd = wedgeStep<T>(odd, w, parameters, 17);
    even = wedgeStep<T>(even, w, parameters, 16);
    odd = wedgeStep<T>(odd, w, parameters, 15);
    even = wedgeStep<T>(even, w, parameters, 14);
    odd = wedgeStep<T>(odd, w, parameters, 13);
    even = wedgeStep<T>(even, w, parameters, 12);
    odd = wedgeStep<T>(odd, w, parameters, 11);
    even = wedgeStep<T>(even, w, parameters, 10);
    odd = wedgeStep<T>(odd, w, parameters, 9);
    even = wedgeStep<T>(even, w, parameters, 8);
    odd = wedgeStep<T>(odd, w, parameters, 7);
    even = wedgeStep<T>(even, w, parameters, 6);
    odd = wedgeStep<T>(odd, w, parameters, 5);
    even = wedgeStep<T>(even, w, parameters, 4);
    odd = wedgeStep<T>(odd, w, parameters, 3);
    even = wedgeStep<T>(even, w, parameters, 2);
    series = madd<T>(odd, gap, even);
  }
  const line = madd<T>(v128.load_splat<T>(parameters + size), a, v128.mul<T>(v128.load_splat<T>(parameters), c));
  return v128.mul<T>(sizes, madd<T>(v128.sqrt<T>(gap), series, line));
}

function wedgeStep<T>(a: v128, z: v128, table: usize, k: i32): v128 {
  return madd<T>(a, z, term<T>(table, k));
}

function arcsineRow<T>(plan: usize, slopes: boolean, row: usize, end: usize, i: i32, j: i32): void {
  const size = sizeof<T>();
  const one = v128.splat<T>(<T>1);
  const near = v128.splat<T>(<T>real(plan, GRAM_NEAR));
  const parameters = pointer(plan, GRAM_PARAMETERS);
  const mine = v128.load_splat<T>(pointer(pointer(plan, GRAM_LEFT), SIDE_SIZES) + <usize>i * size);
  let other = pointer(pointer(plan, GRAM_RIGHT), SIDE_SIZES) + <usize>j * size;
  for (; row < end; row += 16, other += 16, j += 16 / <i32>size) {
    const c = clamped<T>(v128.load(row), one);
    const gap = v128.sub<T>(one, v128.abs<T>(c));
    v128.store(row, arcsineValue<T>(parameters, slopes, c, gap, v128.mul<T>(mine, v128.load(other))));
    const doubtful = v128.lt<T>(gap, near);
    if (v128.any_true(doubtful)) refine<T>(plan, doubtful, row, i, j);
  }
}

function arcsineValue<T>(parameters: usize, slopes: boolean, c: v128, gap: v128, sizes: v128): v128 {
  const size = sizeof<T>();
  const value = v128.mul<T>(v128.load_splat<T>(parameters), arcsine<T>(c, gap));
  if (!slopes) return value;
  const sine = v128.sqrt<T>(v128.mul<T>(gap, v128.sub<T>(number<T>(N.Two), gap)));
  const inner = madd<T>(
    v128.load_splat<T>(parameters + size),
    c,
    v128.mul<T>(v128.load_splat<T>(parameters + 2 * size), sizes),
  );
  return v128.add<T>(value, v128.div<T>(inner, sine));
}

function clamped<T>(c: v128, one: v128): v128 {
  return v128.pmax<T>(v128.pmin<T>(c, one), v128.neg<T>(one));
}

/** Computes the marked ones of the pairs (i, j), (i, j + 1), … once more. */
function refine<T>(plan: usize, marked: v128, at: usize, i: i32, j: i32): void {
  let bits = sizeof<T>() === 4 ? i32x4.bitmask(marked) : i64x2.bitmask(marked);
  const n = slot(pointer(plan, GRAM_RIGHT), SIDE_COUNT);
  for (; bits !== 0 && j < n; bits >>= 1, j++, at += sizeof<T>()) {
    if (bits & 1) store<T>(at, <T>f64x2.extract_lane(refined(plan, i, j), 0));
  }
}

/** k(u_i, u_j) in f64, from differences. */
function refined(plan: usize, i: i32, j: i32): v128 {
  const left = pointer(plan, GRAM_LEFT);
  const right = pointer(plan, GRAM_RIGHT);
  const law = slot(plan, GRAM_LAW);
  const bytes = (<usize>slot(left, SIDE_DEPTH)) << 3;
  let a = pointer(left, SIDE_INPUTS) + <usize>i * bytes;
  let b = pointer(right, SIDE_INPUTS) + <usize>j * bytes;
  let apart = 0.0;
  let across = 0.0;
  for (const end = a + bytes; a < end; a += 8, b += 8) {
    const x = load<f64>(a);
    const y = load<f64>(b);
    apart += (x - y) * (x - y);
    across += (x + y) * (x + y);
  }
  if (law < LAW_CONE) {
    if (law === LAW_RBF) return expNegative<f64>(f64x2.splat(-0.5 * apart));
    return maternValue<f64>(law, f64x2.splat(sqrt(apart)));
  }
  const ahead = apart <= across;
  const rests =
    load<f64>(pointer(left, SIDE_RESTS) + ((<usize>i) << 3)) +
    load<f64>(pointer(right, SIDE_RESTS) + ((<usize>j) << 3));
  const gap = min(1.0, 0.5 * ((ahead ? apart : across) + rests));
  const c = f64x2.splat(ahead ? 1.0 - gap : gap - 1.0);
  const sizes = f64x2.splat(
    load<f64>(pointer(left, SIDE_SIZES64) + ((<usize>i) << 3)) *
      load<f64>(pointer(right, SIDE_SIZES64) + ((<usize>j) << 3)),
  );
  const parameters = pointer(plan, GRAM_PARAMETERS64);
  if (law === LAW_WEDGE) return wedgeValue<f64>(parameters, c, f64x2.abs(c), f64x2.splat(gap), sizes);
  if (law === LAW_CONE) return coneValue<f64>(parameters, c, f64x2.splat(gap), sizes);
  return arcsineValue<f64>(parameters, law !== LAW_ARCSINE, c, f64x2.splat(gap), sizes);
}
