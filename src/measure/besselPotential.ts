// The kernel of the Sobolev space H^{−j}(R^D), a Bessel potential (Matérn), as a function of distance.                  theory §8
//
//   k(r) = (2π)^{−D} ∫ e^{i⟨ξ,x⟩} (1 + |ξ|²)^{−j} dξ = 2^{1−j} r^ν K_ν(r) / ((2π)^{D/2} Γ(j)) = k(0) κ(r),    ν = j − D/2 > 0
//   κ(r) = ∫ e^{−r²/(2 e^s)} w(s) ds,    w(s) ∝ exp(νs − ½e^s),    k(0) = Γ(ν) / ((4π)^{D/2} Γ(j))
//
// κ is a mixture of Gaussians. The trapezoid rule in s converges exponentially, for every ν alike, and has positive terms only:
// nothing cancels, neither in κ nor in 1 − κ, and the derivatives are those of the same sum. It is dear, so it is tabulated.

import { cos, exp, expm1, lgamma, log } from "../engine/math";

/** Writes a function of distance at r_0 … r_{n−1} over `out`. */
export type Profile = (r: Float64Array, n: number, out: Float64Array) => void;

/** The kernel k of H^{−j}(R^D). */
export interface BesselPotential {
  /** log k(0) */
  logAtZero: number;
  /** 1 − κ(r), with a relative error of 10^−13 */
  complement: Profile;
  /** −κ'(r)/r, with an error of 10^−13 of its largest value; where ν ≤ 1 it is unbounded at 0 */
  slope: Profile;
  /** κ''(r) − κ'(r)/r, with an error of 10^−13 of the largest slope */
  bend: Profile;
}

const known = new Map<string, BesselPotential>();

/** Kernels that are kept: tables are filled as they are used. */
const MOST_KNOWN = 8;

/**
 * The kernel of H^{−j}(R^D).
 *
 * @param dimension  D
 * @param order      j, above D/2
 */
export function besselPotential(dimension: number, order: number): BesselPotential {
  const name = `${dimension} ${order}`;
  let kernel = known.get(name);
  if (!kernel) {
    if (known.size === MOST_KNOWN) known.delete(known.keys().next().value!);
    kernel = make(dimension, order);
    known.set(name, kernel);
  }
  return kernel;
}

const LOG_4PI = 2.5310242469692907;

/** Distances below 2^−64 have the limits at 0. */
const LEAST_LOG = -100;

function make(dimension: number, order: number): BesselPotential {
  const nu = order - dimension / 2;
  // e^s = 2ν e^t, so that the peak of w is at t = 0
  const h = Math.min(0.1, 0.45 / Math.sqrt(nu));
  const first = Math.floor((LEAST_LOG - log(2 * nu)) / h);
  const last = Math.ceil(log(2 + 100 / nu) / h);
  const count = last - first + 1;
  const weights = new Float64Array(count);
  const rates = new Float64Array(count);
  let sum = 0;
  for (let m = 0; m < count; m++) {
    const t = (first + m) * h;
    weights[m] = exp(-nu * (expm1(t) - t));
    rates[m] = exp(-t) / (4 * nu);
    sum += weights[m]!;
  }
  // what lies below the first node is a geometric series, and e^{−r²/(2 e^s)} is 0 there
  const rest = weights[0]! / expm1(nu * h);
  sum += rest;
  for (let m = 0; m < count; m++) weights[m]! /= sum;

  const complement = (r: number): number => {
    if (r === 0) return 0;
    let value = rest / sum;
    for (let m = 0; m < count; m++) value -= weights[m]! * expm1(-rates[m]! * r * r);
    return value;
  };
  const moment = (r: number, power: (rate: number) => number): number => {
    let value = 0;
    for (let m = 0; m < count; m++) {
      const decay = rates[m]! * r * r;
      if (decay < 745 && weights[m]! > 0) value += weights[m]! * power(2 * rates[m]!) * exp(-decay);
    }
    return value;
  };
  return {
    logAtZero: lgamma(nu) - lgamma(order) - (dimension / 2) * LOG_4PI,
    complement: tabulated(complement, 1),
    slope: tabulated((r) => (r === 0 ? 0.5 / (nu - 1) : moment(r, (rate) => rate)), 0),
    bend: tabulated((r) => (r === 0 ? 0 : r * r * moment(r, (rate) => rate * rate)), 0),
  };
}

// Eight cells an octave from 2^FIRST to 2^LAST, with a polynomial of degree 11 each. The functions are analytic but at 0, which is
// 17 half-lengths or more away: 34^−11 is 10^−17.
const FIRST = -64;
const LAST = 14;
const CELLS = 8 * (LAST - FIRST);
const TERMS = 12;
const ROW = TERMS + 2;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** A function as a table whose cells are filled when they are first met. */
function tabulated(f: (r: number) => number, beyond: number): Profile {
  const rows = new Float64Array(CELLS * ROW);
  const filled = new Uint8Array(CELLS);
  const origin = f(0);
  return (r, n, out) => {
    for (let i = 0; i < n; i++) {
      const x = r[i]!;
      double[0] = x;
      // the exponent and the first three bits of the mantissa
      const cell = (words[1]! >>> 17) - 8 * (FIRST + 1023);
      if (cell < 0 || cell >= CELLS) {
        out[i] = cell < 0 ? (x > 0 && beyond > 0 ? f(x) : origin) : beyond;
        continue;
      }
      if (filled[cell] === 0) {
        fill(f, cell, rows.subarray(cell * ROW, (cell + 1) * ROW));
        filled[cell] = 1;
      }
      const at = cell * ROW;
      const u = (x - rows[at]!) * rows[at + 1]!;
      const v = u * u;
      // even and odd powers side by side, as one chain alone waits for each addition
      let even = rows[at + ROW - 2]!;
      let odd = rows[at + ROW - 1]!;
      for (let k = ROW - 4; k > 1; k -= 2) {
        even = even * v + rows[at + k]!;
        odd = odd * v + rows[at + k + 1]!;
      }
      out[i] = even + u * odd;
    }
  };
}

// Interpolation at Chebyshev's points: middle, 1/half-length, coefficients of 1, u, u² … with u in [−1, 1].
function fill(f: (r: number) => number, cell: number, row: Float64Array): void {
  words[0] = 0;
  words[1] = (cell + 8 * (FIRST + 1023)) << 17;
  const from = double[0]!;
  const half = scale(cell) / 16;
  row[0] = from + half;
  row[1] = 1 / half;
  const values = CHEBYSHEV_POINTS.map((u) => f(row[0]! + half * u));
  let before = new Float64Array(TERMS);
  let now = new Float64Array(TERMS);
  before[0] = 1;
  now[1] = 1;
  for (let k = 0; k < TERMS; k++) {
    let c = 0;
    for (let m = 0; m < TERMS; m++) c += values[m]! * cos((Math.PI * k * (m + 0.5)) / TERMS);
    c *= (k === 0 ? 1 : 2) / TERMS;
    for (let p = 0; p <= k; p++) row[2 + p]! += c * before[p]!;
    // T_{k+2} = 2u T_{k+1} − T_k
    const next = new Float64Array(TERMS);
    for (let p = 0; p < TERMS; p++) next[p] = (p > 0 ? 2 * now[p - 1]! : 0) - before[p]!;
    before = now;
    now = next;
  }
}

/** 2 to the power of a cell's octave. */
function scale(cell: number): number {
  words[0] = 0;
  words[1] = ((cell >> 3) + FIRST + 1023) << 20;
  return double[0]!;
}

const CHEBYSHEV_POINTS = Float64Array.from({ length: TERMS }, (_, m) => cos((Math.PI * (m + 0.5)) / TERMS));
