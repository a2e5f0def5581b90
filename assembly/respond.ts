// Response of all neurons to one example, from the pre-activations of a forward sweep.

import { activate } from "./activation";
import { NET_ACTIVATION, NET_AFFINE, NET_NEURONS, NET_OUTPUT } from "./layout";
import { laneSum, madd, pointer, slot } from "./vector";

/** Bytes of a run of neurons that stays in the first cache together with its scratch. */
const CHUNK: usize = 1024;

/**
 * Turns the pre-activations of one example into values σ(h) and slopes D = a σ'(h), and returns Σ_i a_i σ(h_i).
 * Before that, h gains Σ_l factors[l]·D_l from `earlier` examples of the tile (the recursion of sgd.ts).
 * `scratch` has room for a chunk, `values` for a row; neurons beyond N get value and slope 0.
 */
export function respond<T>(
  network: usize,
  pre: usize,
  tileSlopes: usize,
  slopes: usize,
  values: usize,
  scratch: usize,
  stride: usize,
  factors: usize,
  earlier: i32,
): T {
  const size = sizeof<T>();
  const affine = slot(network, NET_AFFINE);
  const activation = pointer(network, NET_ACTIVATION);
  const output = pointer(network, NET_OUTPUT);
  const used = <usize>slot(network, NET_NEURONS) * size;
  let sum0 = v128.splat<T>(<T>0);
  let sum1 = sum0;
  for (let from: usize = 0; from < stride; from += CHUNK) {
    const to = min(from + CHUNK, stride);
    let h = pre + from;
    if (earlier > 0) {
      h = scratch;
      const k0 = v128.load_splat<T>(factors);
      const k1 = v128.load_splat<T>(factors + size);
      const k2 = v128.load_splat<T>(factors + 2 * size);
      const d0 = tileSlopes;
      const d1 = tileSlopes + stride;
      const d2 = tileSlopes + 2 * stride;
      if (earlier === 1) {
        for (let i = from; i < to; i += 16) {
          v128.store(h + (i - from), madd<T>(k0, v128.load(d0 + i), v128.load(pre + i)));
        }
      } else if (earlier === 2) {
        for (let i = from; i < to; i += 16) {
          const t = madd<T>(k0, v128.load(d0 + i), v128.load(pre + i));
          v128.store(h + (i - from), madd<T>(k1, v128.load(d1 + i), t));
        }
      } else {
        for (let i = from; i < to; i += 16) {
          let t = madd<T>(k0, v128.load(d0 + i), v128.load(pre + i));
          t = madd<T>(k1, v128.load(d1 + i), t);
          v128.store(h + (i - from), madd<T>(k2, v128.load(d2 + i), t));
        }
      }
    }
    activate<T>(activation, h, values + from, slopes + from, <i32>((to - from) / size));
    if (used < to) {
      const pad = max(used, from);
      memory.fill(values + pad, 0, to - pad);
      memory.fill(slopes + pad, 0, to - pad);
    }
    if (affine) {
      for (let i = from; i < to; i += 32) {
        const a0 = v128.load(output + i);
        const a1 = v128.load(output + i, 16);
        sum0 = madd<T>(a0, v128.load(values + i), sum0);
        sum1 = madd<T>(a1, v128.load(values + i, 16), sum1);
        v128.store(slopes + i, v128.mul<T>(a0, v128.load(slopes + i)));
        v128.store(slopes + i, v128.mul<T>(a1, v128.load(slopes + i, 16)), 16);
      }
    } else {
      for (let i = from; i < to; i += 32) {
        sum0 = v128.add<T>(sum0, v128.load(values + i));
        sum1 = v128.add<T>(sum1, v128.load(values + i, 16));
      }
    }
  }
  return laneSum<T>(v128.add<T>(sum0, sum1));
}
