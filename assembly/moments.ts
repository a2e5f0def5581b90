// Steps with a memory: how a velocity g moves a state x by its moments, numbers of the state's shape that go with it.    theory §12
//
//   heavy ball   u ← μ u + g,                                      x ← x + ε u
//   Adam         m ← β1 m + (1 − β1) g,  s ← β2 s + (1 − β2) g²,   x ← x + rate · m / (correction · √s + stabiliser)
//
// rate = ε/(1 − β1^k) and correction = (1 − β2^k)^−½ of step k = 1, 2, … come from outside. All arrays are `bytes` long, a multiple
// of 16; where g is always 0, in lanes beyond N and for parameters that are not trained, nothing moves.

import { madd } from "./vector";

/** One step of the heavy ball; see above. */
export function heavyBall<T>(x: usize, u: usize, g: usize, bytes: usize, step: f64, momentum: f64): void {
  const mu = v128.splat<T>(<T>momentum);
  const epsilon = v128.splat<T>(<T>step);
  for (let i: usize = 0; i < bytes; i += 16) {
    const next = madd<T>(mu, v128.load(u + i), v128.load(g + i));
    v128.store(u + i, next);
    v128.store(x + i, madd<T>(epsilon, next, v128.load(x + i)));
  }
}

/** One step of Adam; see above. */
export function adam<T>(
  x: usize,
  m: usize,
  s: usize,
  g: usize,
  bytes: usize,
  beta1: f64,
  beta2: f64,
  rate: f64,
  correction: f64,
  stabiliser: f64,
): void {
  const b1 = v128.splat<T>(<T>beta1);
  const c1 = v128.splat<T>(<T>(1 - beta1));
  const b2 = v128.splat<T>(<T>beta2);
  const c2 = v128.splat<T>(<T>(1 - beta2));
  const r = v128.splat<T>(<T>rate);
  const c = v128.splat<T>(<T>correction);
  const e = v128.splat<T>(<T>stabiliser);
  for (let i: usize = 0; i < bytes; i += 16) {
    const now = v128.load(g + i);
    const mean = madd<T>(b1, v128.load(m + i), v128.mul<T>(c1, now));
    const square = madd<T>(b2, v128.load(s + i), v128.mul<T>(c2, v128.mul<T>(now, now)));
    v128.store(m + i, mean);
    v128.store(s + i, square);
    const scale = madd<T>(c, v128.sqrt<T>(square), e);
    v128.store(x + i, madd<T>(r, v128.div<T>(mean, scale), v128.load(x + i)));
  }
}
