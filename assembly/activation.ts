// Activations σ and their derivatives over a row of numbers.                                              theory §3
//
// `activate` reads `count` numbers h (a multiple of a panel, 16-byte aligned), and writes σ(h) and σ'(h). At a knot the
// derivative is the left one: a piece counts where κ_k < h ≤ κ_{k+1}, in every build. `activateSecond` writes σ''(h) too, 0 where
// σ is piecewise linear. The four whose σ' is a sech² keep the digits of σ'' in the tails:
//
//   σ'' = sech²(κt) (α + (β + γt) tanh(κt))          κ   α   β   γ                     κ   α   β   γ
//                                        tanh        1   0  −2   0        softplus     ½   ¼   0   0
//                                        logistic    1   0  −1   0        silu         ½   ½   0  −¼

import {
  ACTIVATION_COUNT,
  ACTIVATION_DATA,
  ACTIVATION_FACTOR,
  ACTIVATION_KIND,
  ACTIVATION_P0,
  ACTIVATION_P1,
  COSINE,
  ERF,
  IDENTITY,
  LEAKY_RELU,
  LOGISTIC,
  PIECEWISE_LINEAR,
  RELU,
  SILU,
  SOFTPLUS,
  SQUARE,
  TABLE,
  TANH,
} from "./layout";
import { erf, exp, Fused, fusedLess, fusedSum, log1pExp, logistic, sinCos, tanh, tanhSech, Unfused } from "./math";
import { pointer, real, slot } from "./vector";

function relu<T>(h: usize, value: usize, slope: usize, bytes: usize): void {
  const zero = v128.splat<T>(<T>0);
  const one = v128.splat<T>(<T>1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const t = v128.load(h + i);
    v128.store(value + i, v128.pmax<T>(t, zero));
    v128.store(slope + i, v128.and(v128.gt<T>(t, zero), one));
  }
}

function leakyRelu<T>(leak: T, h: usize, value: usize, slope: usize, bytes: usize): void {
  const zero = v128.splat<T>(<T>0);
  const one = v128.splat<T>(<T>1);
  const small = v128.splat<T>(leak);
  for (let i: usize = 0; i < bytes; i += 16) {
    const t = v128.load(h + i);
    const k = v128.bitselect(one, small, v128.gt<T>(t, zero));
    v128.store(value + i, v128.mul<T>(t, k));
    v128.store(slope + i, k);
  }
}

// σ(t) = y_0 + Σ_k m_k (clamp(t, κ_k, κ_{k+1}) − κ_k): exactly flat beyond the ends, so σ' = 0 is exact there too.
function piecewiseLinear<T, F>(
  left: T,
  count: i32,
  data: usize,
  h: usize,
  value: usize,
  slope: usize,
  bytes: usize,
): void {
  const size = sizeof<T>();
  for (let k = 0; k < count; k++, data += 3 * size) {
    const from = v128.load_splat<T>(data);
    const to = v128.load_splat<T>(data + size);
    const steep = v128.load_splat<T>(data + 2 * size);
    if (k === 0) {
      const base = v128.splat<T>(left);
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        const inside = v128.sub<T>(v128.pmin<T>(v128.pmax<T>(t, from), to), from);
        v128.store(slope + i, v128.and(v128.and(v128.gt<T>(t, from), v128.le<T>(t, to)), steep));
        v128.store(value + i, fusedSum<T, F>(inside, steep, base));
      }
    } else {
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        const inside = v128.sub<T>(v128.pmin<T>(v128.pmax<T>(t, from), to), from);
        const here = v128.and(v128.and(v128.gt<T>(t, from), v128.le<T>(t, to)), steep);
        v128.store(slope + i, v128.or(v128.load(slope + i), here));
        v128.store(value + i, fusedSum<T, F>(inside, steep, v128.load(value + i)));
      }
    }
  }
}

// Cubic Hermite on a uniform grid, the end tangents beyond it; lane by lane, because the loads are gathers.
function table<T>(
  first: T,
  step: T,
  count: i32,
  data: usize,
  h: usize,
  value: usize,
  slope: usize,
  bytes: usize,
): void {
  const size = sizeof<T>();
  const inverse = <T>1 / step;
  for (let i: usize = 0; i < bytes; i += size) {
    const t = load<T>(h + i);
    const u = (t - first) * inverse;
    if (!(u > <T>0)) {
      const m = load<T>(data + size);
      store<T>(value + i, load<T>(data) + m * (t - first));
      store<T>(slope + i, m);
    } else if (u >= <T>count) {
      const end = data + ((<usize>count) << 1) * size;
      const m = load<T>(end + size);
      store<T>(value + i, load<T>(end) + m * (t - (first + step * <T>count)));
      store<T>(slope + i, m);
    } else {
      const k = <i32>u;
      const p = data + ((<usize>k) << 1) * size;
      const s = u - <T>k;
      const y0 = load<T>(p);
      const m0 = load<T>(p + size) * step;
      const y1 = load<T>(p + 2 * size);
      const m1 = load<T>(p + 3 * size) * step;
      const c2 = <T>3 * (y1 - y0) - <T>2 * m0 - m1;
      const c3 = <T>2 * (y0 - y1) + m0 + m1;
      store<T>(value + i, y0 + s * (m0 + s * (c2 + s * c3)));
      store<T>(slope + i, (m0 + s * (<T>2 * c2 + s * (<T>3 * c3))) * inverse);
    }
  }
}

function smooth<T, F>(kind: i32, h: usize, value: usize, slope: usize, bytes: usize): void {
  const one = v128.splat<T>(<T>1);
  const two = v128.splat<T>(<T>2);
  switch (kind) {
    case TANH: {
      for (let i: usize = 0; i < bytes; i += 16) {
        const y = tanh<T, F>(v128.load(h + i));
        v128.store(value + i, y);
        v128.store(slope + i, fusedLess<T, F>(y, y, one));
      }
      break;
    }
    case ERF: {
      const scale = v128.splat<T>(<T>1.1283791670955126);
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        v128.store(value + i, erf<T, F>(t));
        v128.store(slope + i, v128.mul<T>(scale, exp<T, F>(v128.neg<T>(v128.mul<T>(t, t)))));
      }
      break;
    }
    case LOGISTIC: {
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        const y = logistic<T, F>(v128.add<T>(t, t));
        v128.store(value + i, y);
        v128.store(slope + i, v128.mul<T>(two, v128.mul<T>(y, v128.sub<T>(one, y))));
      }
      break;
    }
    case SOFTPLUS: {
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        v128.store(value + i, log1pExp<T, F>(t));
        v128.store(slope + i, logistic<T, F>(t));
      }
      break;
    }
    case SILU: {
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        const y = logistic<T, F>(t);
        const ty = v128.mul<T>(t, y);
        v128.store(value + i, ty);
        v128.store(slope + i, fusedSum<T, F>(ty, v128.sub<T>(one, y), y));
      }
      break;
    }
    case COSINE: {
      for (let i: usize = 0; i < bytes; i += 16) {
        sinCos<T>(v128.load(h + i), slope + i, value + i);
        v128.store(slope + i, v128.neg<T>(v128.load(slope + i)));
      }
      break;
    }
    case IDENTITY: {
      for (let i: usize = 0; i < bytes; i += 16) {
        v128.store(value + i, v128.load(h + i));
        v128.store(slope + i, one);
      }
      break;
    }
    case SQUARE: {
      for (let i: usize = 0; i < bytes; i += 16) {
        const t = v128.load(h + i);
        v128.store(value + i, v128.mul<T>(t, t));
        v128.store(slope + i, v128.add<T>(t, t));
      }
      break;
    }
  }
}

function activateWith<T, F>(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  const bytes = <usize>count * sizeof<T>();
  const kind = slot(block, ACTIVATION_KIND);
  switch (kind) {
    case RELU:
      relu<T>(h, value, slope, bytes);
      break;
    case LEAKY_RELU:
      leakyRelu<T>(<T>real(block, ACTIVATION_P0), h, value, slope, bytes);
      break;
    case PIECEWISE_LINEAR:
      piecewiseLinear<T, F>(
        <T>real(block, ACTIVATION_P0),
        slot(block, ACTIVATION_COUNT),
        pointer(block, ACTIVATION_DATA),
        h,
        value,
        slope,
        bytes,
      );
      break;
    case TABLE:
      table<T>(
        <T>real(block, ACTIVATION_P0),
        <T>real(block, ACTIVATION_P1),
        slot(block, ACTIVATION_COUNT),
        pointer(block, ACTIVATION_DATA),
        h,
        value,
        slope,
        bytes,
      );
      break;
    default:
      smooth<T, F>(kind, h, value, slope, bytes);
  }
}

function scale<T>(factor: T, row: usize, bytes: usize): void {
  const k = v128.splat<T>(factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(row + i, v128.mul<T>(k, v128.load(row + i)));
}

function scaleBoth<T>(block: usize, value: usize, slope: usize, count: i32): void {
  const factor = <T>real(block, ACTIVATION_FACTOR);
  if (factor === <T>1) return;
  scale<T>(factor, value, <usize>count * sizeof<T>());
  scale<T>(factor, slope, <usize>count * sizeof<T>());
}

/** σ and σ' of `count` numbers; `value` and `slope` may not overlap `h`. Fused in the relaxed build. */
export function activate<T>(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activateWith<T, Fused>(block, h, value, slope, count);
  scaleBoth<T>(block, value, slope, count);
}

/** The same with two roundings in every build, for labels. */
export function activateUnfused<T>(block: usize, h: usize, value: usize, slope: usize, count: i32): void {
  activateWith<T, Unfused>(block, h, value, slope, count);
  scaleBoth<T>(block, value, slope, count);
}

// σ'' of a table's cubic pieces, 0 beyond its ends; at a point of the grid the one from the right.
function tableSecond<T>(first: T, step: T, count: i32, data: usize, h: usize, second: usize, bytes: usize): void {
  const size = sizeof<T>();
  const inverse = <T>1 / step;
  for (let i: usize = 0; i < bytes; i += size) {
    const u = (load<T>(h + i) - first) * inverse;
    let value = <T>0;
    if (u > <T>0 && u < <T>count) {
      const k = <i32>u;
      const p = data + ((<usize>k) << 1) * size;
      const rise = load<T>(p + 2 * size) - load<T>(p);
      const m0 = load<T>(p + size) * step;
      const m1 = load<T>(p + 3 * size) * step;
      const c2 = <T>3 * rise - <T>2 * m0 - m1;
      const c3 = m0 + m1 - <T>2 * rise;
      value = (<T>2 * c2 + <T>6 * c3 * (u - <T>k)) * inverse * inverse;
    }
    store<T>(second + i, value);
  }
}

// sech²(κt) (α + (β + γt) tanh(κt)); tanh(κt) is left at `tanhAt`, which may be `second`.
function bell<T, F>(kappa: T, alpha: T, beta: T, gamma: T, h: usize, tanhAt: usize, second: usize, bytes: usize): void {
  const scale = v128.splat<T>(kappa);
  const even = v128.splat<T>(alpha);
  const odd = v128.splat<T>(beta);
  const steep = v128.splat<T>(gamma);
  for (let i: usize = 0; i < bytes; i += 16) {
    const t = v128.load(h + i);
    const sech = tanhSech<T, F>(v128.mul<T>(scale, t), tanhAt + i);
    const factor = fusedSum<T, F>(fusedSum<T, F>(steep, t, odd), v128.load(tanhAt + i), even);
    v128.store(second + i, v128.mul<T>(sech, factor));
  }
}

function smoothSecond<T, F>(kind: i32, h: usize, value: usize, slope: usize, second: usize, bytes: usize): void {
  switch (kind) {
    case LOGISTIC:
    case SOFTPLUS:
    case SILU: {
      const kappa = kind === LOGISTIC ? <T>1 : <T>0.5;
      const alpha = kind === LOGISTIC ? <T>0 : kind === SOFTPLUS ? <T>0.25 : <T>0.5;
      const beta = kind === LOGISTIC ? <T>-1 : <T>0;
      const gamma = kind === SILU ? <T>-0.25 : <T>0;
      bell<T, F>(kappa, alpha, beta, gamma, h, second, second, bytes);
      break;
    }
    case ERF: {
      const minusTwo = v128.splat<T>(<T>-2);
      for (let i: usize = 0; i < bytes; i += 16) {
        v128.store(second + i, v128.mul<T>(minusTwo, v128.mul<T>(v128.load(h + i), v128.load(slope + i))));
      }
      break;
    }
    case COSINE: {
      for (let i: usize = 0; i < bytes; i += 16) v128.store(second + i, v128.neg<T>(v128.load(value + i)));
      break;
    }
    case SQUARE: {
      const two = v128.splat<T>(<T>2);
      for (let i: usize = 0; i < bytes; i += 16) v128.store(second + i, two);
      break;
    }
    default:
      memory.fill(second, 0, bytes);
  }
}

// One exponential for all three; σ and σ' have the bits that `smooth` gives them.
function tanhSecond<T, F>(h: usize, value: usize, slope: usize, second: usize, bytes: usize): void {
  bell<T, F>(<T>1, <T>0, <T>-2, <T>0, h, value, second, bytes);
  const one = v128.splat<T>(<T>1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = v128.load(value + i);
    v128.store(slope + i, fusedLess<T, F>(y, y, one));
  }
}

/** Whether σ'' is anywhere but 0. */
export function isCurved(block: usize): boolean {
  const kind = slot(block, ACTIVATION_KIND);
  return kind !== RELU && kind !== LEAKY_RELU && kind !== PIECEWISE_LINEAR && kind !== IDENTITY;
}

/** σ, σ' and σ'' of `count` numbers, the first two to the bits of `activate`; none of the four rows may overlap. */
export function activateSecond<T>(block: usize, h: usize, value: usize, slope: usize, second: usize, count: i32): void {
  const bytes = <usize>count * sizeof<T>();
  const kind = slot(block, ACTIVATION_KIND);
  if (kind === TANH) {
    tanhSecond<T, Fused>(h, value, slope, second, bytes);
  } else {
    activateWith<T, Fused>(block, h, value, slope, count);
    if (kind === TABLE) {
      const first = <T>real(block, ACTIVATION_P0);
      const step = <T>real(block, ACTIVATION_P1);
      const pieces = slot(block, ACTIVATION_COUNT);
      tableSecond<T>(first, step, pieces, pointer(block, ACTIVATION_DATA), h, second, bytes);
    } else {
      smoothSecond<T, Fused>(kind, h, value, slope, second, bytes);
    }
  }
  const factor = <T>real(block, ACTIVATION_FACTOR);
  if (factor === <T>1) return;
  scaleBoth<T>(block, value, slope, count);
  scale<T>(factor, second, bytes);
}
