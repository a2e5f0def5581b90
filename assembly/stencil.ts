// One stage of the conservative second-order upwind scheme for ∂_t ρ = ∇·(ρ ∇Ψ) on a uniform 2-D grid.            theory §5
//
//   rows    i = 0…n1−1, `stride` bytes apart          u, u0, psi, out alike
//   row     │ 16 bytes │ column j = 0…n2−1 │ up to the next multiple of 16, and 16 bytes │      pads are the kernel's own
//
//   face velocity   v_{j+½} = (Ψ_j − Ψ_{j+1})/h                    from the same discrete Ψ as the energy
//   slope           s_j = MC(u_j − u_{j−1}, u_{j+1} − u_j), 0 in the first and last cell of a line
//   flux            F_{j+½} = v⁺ (u_j + s_j/2) + v⁻ (u_{j+1} − s_{j+1}/2),   none through a wall
//   stage           out = α u0 + β (u − Δt div F),   k = Δt/h² along each axis
//
// A row is swept once, a vector at a time: slopes and fluxes along it are passed on in registers, those across it in row
// buffers that stay in the first cache.
//
// Constants are loaded where they are used: V8 builds a constant vector anew in every turn of a loop, and a load is less.
//
//   scratch: 0, ¼, k1, k2, α, β, 16 bytes each │ half slopes across i: two rows │ fluxes across i: two rows

import { madd } from "./vector";

const ZERO: usize = 0;
const QUARTER: usize = 16;
const K1: usize = 32;
const K2: usize = 48;
const ALPHA: usize = 64;
const BETA: usize = 80;
const CONSTANTS: usize = 96;

/** Half of the monotonised central slope, ½ minmod(2a, 2b, (a+b)/2): (a+b)/4 held between 0 and the nearer of a and b. */
function halfSlope<T>(constants: usize, a: v128, b: v128): v128 {
  const zero = v128.load(constants, ZERO);
  const least = v128.pmin<T>(v128.pmax<T>(a, b), zero);
  const most = v128.pmax<T>(v128.pmin<T>(a, b), zero);
  return v128.pmin<T>(v128.pmax<T>(v128.mul<T>(v128.add<T>(a, b), v128.load(constants, QUARTER)), least), most);
}

/** Upwind flux through the face between two cells, times Δt/h. */
function flux<T>(constants: usize, k: v128, psi0: v128, psi1: v128, left: v128, right: v128): v128 {
  const zero = v128.load(constants, ZERO);
  const v = v128.mul<T>(v128.sub<T>(psi0, psi1), k);
  return madd<T>(v128.pmax<T>(v, zero), left, v128.mul<T>(v128.pmin<T>(v, zero), right));
}

/** Lanes one place up: the last of `before`, then all but the last of `here`. */
function up<T>(before: v128, here: v128): v128 {
  if (sizeof<T>() === 4) return v128.shuffle<u32>(before, here, 3, 4, 5, 6);
  return v128.shuffle<u64>(before, here, 1, 2);
}

/** Lanes one place down: all but the first of `here`, then the first of `after`. */
function down<T>(here: v128, after: v128): v128 {
  if (sizeof<T>() === 4) return v128.shuffle<u32>(here, after, 1, 2, 3, 4);
  return v128.shuffle<u64>(here, after, 1, 2);
}

/** The pads of a row take the value of the nearest cell, so that no face there has a velocity or a slope. */
function pad<T>(row: usize, n2: i32, bytes: usize): void {
  const size = sizeof<T>();
  store<T>(row - size, load<T>(row));
  const last = load<T>(row + <usize>(n2 - 1) * size);
  for (let at = <usize>n2 * size; at < bytes + 16; at += size) store<T>(row + at, last);
}

/** One stage; `out` may be u0 but not u. */
export function stencil<T>(
  u: usize,
  u0: usize,
  psi: usize,
  out: usize,
  n1: i32,
  n2: i32,
  stride: usize,
  k1: f64,
  k2: f64,
  alpha: f64,
  beta: f64,
  scratch: usize,
): void {
  const size = sizeof<T>();
  const bytes = (<usize>n2 * size + 15) & ~15;
  const constants = scratch;
  let across = scratch + CONSTANTS;
  let acrossNext = across + bytes;
  let below = acrossNext + bytes;
  let above = below + bytes;
  const zero = v128.splat<T>(<T>0);
  v128.store(constants, zero, ZERO);
  v128.store(constants, v128.splat<T>(<T>0.25), QUARTER);
  v128.store(constants, v128.splat<T>(<T>k1), K1);
  v128.store(constants, v128.splat<T>(<T>k2), K2);
  v128.store(constants, v128.splat<T>(<T>alpha), ALPHA);
  v128.store(constants, v128.splat<T>(<T>beta), BETA);
  u += 16;
  u0 += 16;
  psi += 16;
  out += 16;
  memory.fill(across, 0, bytes);
  memory.fill(below, 0, bytes);
  pad<T>(u, n2, bytes);
  pad<T>(psi, n2, bytes);
  for (let i = 0; i < n1; i++) {
    const last = i === n1 - 1;
    // in the last row the row above is the row itself: no velocity, no slope, no flux
    const u1 = last ? u : u + stride;
    const u2 = i >= n1 - 2 ? u1 : u1 + stride;
    const psi1 = last ? psi : psi + stride;
    if (!last) {
      pad<T>(u1, n2, bytes);
      pad<T>(psi1, n2, bytes);
    }
    let x = v128.load(u);
    let right = v128.load(u + size);
    let step = v128.sub<T>(right, x);
    let slope = halfSlope<T>(constants, up<T>(zero, step), step);
    let fluxBefore = zero;
    for (let j: usize = 0; j < bytes; j += 16) {
      // along the row: the slope of the next vector, then the fluxes through the right faces of this one
      const xNext = v128.load(u + j + 16);
      const rightNext = v128.load(u + j + 16 + size);
      const stepNext = v128.sub<T>(rightNext, xNext);
      const slopeNext = halfSlope<T>(constants, up<T>(step, stepNext), stepNext);
      const potential = v128.load(psi + j);
      const f = flux<T>(
        constants,
        v128.load(constants, K2),
        potential,
        v128.load(psi + j + size),
        v128.add<T>(x, slope),
        v128.sub<T>(right, down<T>(slope, slopeNext)),
      );
      const along = v128.sub<T>(f, up<T>(fluxBefore, f));
      // across rows: the slope of the row above, the flux through the face between
      const y = v128.load(u1 + j);
      const slopeAbove = halfSlope<T>(constants, v128.sub<T>(y, x), v128.sub<T>(v128.load(u2 + j), y));
      const g = flux<T>(
        constants,
        v128.load(constants, K1),
        potential,
        v128.load(psi1 + j),
        v128.add<T>(x, v128.load(across + j)),
        v128.sub<T>(y, slopeAbove),
      );
      const through = v128.sub<T>(g, v128.load(below + j));
      v128.store(acrossNext + j, slopeAbove);
      v128.store(above + j, g);
      const next = v128.sub<T>(v128.sub<T>(x, through), along);
      v128.store(
        out + j,
        madd<T>(v128.load(constants, ALPHA), v128.load(u0 + j), v128.mul<T>(v128.load(constants, BETA), next)),
      );
      x = xNext;
      right = rightNext;
      step = stepNext;
      slope = slopeNext;
      fluxBefore = f;
    }
    let swap = across;
    across = acrossNext;
    acrossNext = swap;
    swap = below;
    below = above;
    above = swap;
    u = u1;
    psi = psi1;
    u0 += stride;
    out += stride;
  }
}
