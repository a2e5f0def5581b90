// The linearisation of a network at a direction u of its parameters, and what it makes of the gradient:
//
//   δf_q = δc + Σ_i m_i ∇_θσ*(x_q; θ_i) · u_i                                        tangentForward: K numbers an example
//   T_i  = Σ_q δc_q · ∇_θσ*(x_q; θ_i) + c_q · ∇²_θσ*(x_q; θ_i) u_i                   tangentBackward: as many as the state
//
// T is the derivative of the gradient G of assembly/gradient.ts, when θ moves along u and the data weights c along δc: with
// δc_q = −m_q δf_q it is the linearised flow of the squared loss, with δc = 0 the block-diagonal part. The direction is a network
// block of the same shape whose state is u. With s = ⟨a,c⟩, δh = ⟨u_w,x⟩ + u_b and δs = ⟨u_a,c⟩ + ⟨a,δc⟩,
//
//   δf_k = Σ_i m_i (u_ak σ + a_k σ' δh)        ∂w = Σ_q (σ'' δh s + σ' δs) x_q        ∂a_k = Σ_q (δc_k σ + c_k σ' δh)
//
// are the products of gradient.ts over the same chunks and panels; two parts more of scratch hold σ'' and δs:
//
//   scratch   h, then δh │ σ │ σ', then σ' δh │ s          tangent scratch   σ'', then σ'' δh s + σ' δs │ δs

import { activateSecond, isCurved } from "./activation";
import {
  foldSums,
  holdBiases,
  maskOutputs,
  multiply,
  PART,
  packRows,
  packWeights,
  panelsOf,
  preactivatePanel,
  product,
  respondPanel,
  sumOne,
  sumRows,
  weighPanel,
} from "./gradient";
import {
  BATCH_CHUNK,
  BATCH_COLUMNS,
  BATCH_COUNT,
  BATCH_ROOM,
  BATCH_SCRATCH,
  BATCH_SUMS,
  BATCH_TANGENT_COLUMNS,
  BATCH_TANGENT_SCRATCH,
  BATCH_TANGENT_TILES,
  BATCH_WEIGHT_COLUMNS,
  BATCH_WEIGHT_TILES,
  NET_ACTIVATION,
  NET_AFFINE,
  NET_BIAS,
  NET_BYTES,
  NET_MASK,
  NET_MASSES,
  NET_OUTPUT,
  NET_OUTPUTS,
  NET_ROWS,
  NET_TRAIN,
  NET_WEIGHTS,
  PANEL,
  TILE,
} from "./layout";
import { madd, pointer, slot } from "./vector";

/** δf of all examples of a batch along a direction, f64 rows of K at `out`. */
export function tangentForward<T>(network: usize, direction: usize, batch: usize, out: usize): void {
  const panels = panelsOf<T>(network);
  const n = slot(batch, BATCH_COUNT);
  const K = slot(network, NET_OUTPUTS);
  const affine = slot(network, NET_AFFINE);
  const train = affine !== 0 && slot(network, NET_TRAIN) !== 0;
  const output = pointer(network, NET_OUTPUT);
  const turn = pointer(direction, NET_OUTPUT);
  const masses = pointer(network, NET_MASSES);
  const bias = pointer(direction, NET_BIAS);
  const sums = pointer(batch, BATCH_SUMS);
  const scratch = pointer(batch, BATCH_SCRATCH);
  const values = scratch + PART;
  const slopes = scratch + 2 * PART;
  const step = <usize>K * 16;
  for (let from = 0; from < n; from += BATCH_CHUNK) {
    const count = min(BATCH_CHUNK, n - from);
    memory.fill(sums, 0, <usize>count * step);
    for (let p = 0; p < panels; p++) {
      respondPanel<T>(network, batch, p, from, count);
      preactivatePanel<T>(direction, batch, p, from, count, scratch);
      multiply<T>(slopes, scratch, slopes, count);
      const mass = masses + <usize>p * PANEL;
      const m0 = v128.load(mass);
      const m1 = v128.load(mass, 16);
      if (!affine) {
        sumOne<T>(m0, m1, slopes, count, sums, step);
        continue;
      }
      for (let k = 0; k < K; k++) {
        const a = output + (<usize>p * K + k) * PANEL;
        const a0 = v128.mul<T>(m0, v128.load(a));
        const a1 = v128.mul<T>(m1, v128.load(a, 16));
        const sum = sums + <usize>k * 16;
        if (train) {
          const u = turn + (<usize>p * K + k) * PANEL;
          const u0 = v128.mul<T>(m0, v128.load(u));
          const u1 = v128.mul<T>(m1, v128.load(u, 16));
          sumBoth<T>(a0, a1, slopes, u0, u1, values, count, sum, step);
        } else {
          sumOne<T>(a0, a1, slopes, count, sum, step);
        }
      }
    }
    foldSums<T>(sums, bias, count, K, out + ((<usize>from * K) << 3));
  }
}

/** T of the whole state: weights, output coefficients, output bias; δc are f64 rows of K at `tangentWeights`. */
export function tangentBackward<T>(
  network: usize,
  direction: usize,
  batch: usize,
  tangentWeights: usize,
  out: usize,
): void {
  const size = sizeof<T>();
  const panels = panelsOf<T>(network);
  const n = slot(batch, BATCH_COUNT);
  const K = slot(network, NET_OUTPUTS);
  const rows = slot(network, NET_ROWS);
  const affine = slot(network, NET_AFFINE);
  const train = affine !== 0 && slot(network, NET_TRAIN) !== 0;
  const activation = pointer(network, NET_ACTIVATION);
  const curved = isCurved(activation);
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const turn = pointer(direction, NET_OUTPUT);
  const mask = pointer(network, NET_MASK);
  const bias = pointer(network, NET_BIAS);
  const room = <usize>slot(batch, BATCH_ROOM);
  const scratch = pointer(batch, BATCH_SCRATCH);
  const values = scratch + PART;
  const slopes = scratch + 2 * PART;
  const factors = scratch + 3 * PART;
  const seconds = pointer(batch, BATCH_TANGENT_SCRATCH);
  const turned = seconds + PART;
  const columns = pointer(batch, BATCH_COLUMNS);
  const weightTiles = pointer(batch, BATCH_WEIGHT_TILES);
  const weightColumns = pointer(batch, BATCH_WEIGHT_COLUMNS);
  const tangentTiles = pointer(batch, BATCH_TANGENT_TILES);
  const tangentColumns = pointer(batch, BATCH_TANGENT_COLUMNS);
  const outputTangent = out + (output - weights);
  const lanes = PANEL / <i32>size;
  packWeights<T>(batch, K, n);
  packRows<T>(tangentWeights, K, n, tangentTiles, tangentColumns, room);
  memory.fill(out, 0, slot(network, NET_BYTES));
  for (let from = 0; from < n; from += BATCH_CHUNK) {
    const count = min(BATCH_CHUNK, n - from);
    const tile = <usize>(from / TILE) * K * TILE * size;
    for (let p = 0; p < panels; p++) {
      preactivatePanel<T>(network, batch, p, from, count, scratch);
      activateSecond<T>(activation, scratch, values, slopes, seconds, count * lanes);
      preactivatePanel<T>(direction, batch, p, from, count, scratch);
      const a = affine ? output + <usize>p * K * PANEL : mask + <usize>p * PANEL;
      weighPanel<T>(a, K, tangentTiles + tile, turned, count, false);
      if (train) weighPanel<T>(turn + <usize>p * K * PANEL, K, weightTiles + tile, turned, count, true);
      if (curved) {
        weighPanel<T>(a, K, weightTiles + tile, factors, count, false);
        bend<T>(scratch, factors, slopes, turned, seconds, count);
      } else {
        multiply<T>(slopes, turned, seconds, count);
      }
      for (let j = 0; j < rows; j += TILE) {
        const x = columns + (<usize>(j / TILE) * room + from) * TILE * size;
        product<T>(seconds, count, x, out + (<usize>p * rows + j) * PANEL, min(TILE, rows - j), true);
      }
      if (train) {
        multiply<T>(slopes, scratch, slopes, count);
        for (let k = 0; k < K; k += TILE) {
          const c = (<usize>(k / TILE) * room + from) * TILE * size;
          const to = outputTangent + (<usize>p * K + k) * PANEL;
          product<T>(values, count, tangentColumns + c, to, min(TILE, K - k), true);
          product<T>(slopes, count, weightColumns + c, to, min(TILE, K - k), true);
        }
      }
    }
  }
  if (train) maskOutputs<T>(network, outputTangent);
  holdBiases<T>(network, out);
  if (bias) sumRows<T>(tangentWeights, n, K, out + (bias - weights));
}

/** σ'' ← σ'' δh s + σ' δs over `count` rows of a panel. */
function bend<T>(dh: usize, s: usize, slope: usize, ds: usize, second: usize, count: i32): void {
  const end = second + <usize>count * PANEL;
  for (; second < end; second += 16, dh += 16, s += 16, slope += 16, ds += 16) {
    const turned = v128.mul<T>(v128.load(slope), v128.load(ds));
    const factor = v128.mul<T>(v128.load(dh), v128.load(s));
    v128.store(second, madd<T>(v128.load(second), factor, turned));
  }
}

/** sums += a u + b v over the neurons of a panel, in lanes. */
function sumBoth<T>(
  a0: v128,
  a1: v128,
  u: usize,
  b0: v128,
  b1: v128,
  v: usize,
  count: i32,
  sums: usize,
  step: usize,
): void {
  const end = u + <usize>count * PANEL;
  for (; u < end; u += PANEL, v += PANEL, sums += step) {
    const first = madd<T>(a1, v128.load(u, 16), madd<T>(a0, v128.load(u), v128.load(sums)));
    v128.store(sums, madd<T>(b1, v128.load(v, 16), madd<T>(b0, v128.load(v), first)));
  }
}
