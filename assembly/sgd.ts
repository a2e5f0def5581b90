// Stochastic gradient descent on a two-layer network, blocked in time, exactly.                     theory §2, design
//
//   f(x) = N⁻¹ Σ_i a_i σ(⟨w_i,x⟩ + b_i)          (ridge: a = 1, b = 0, neither a parameter)
//   w_i += Σ_q (ε/m) r_q a_i σ'(h_iq) x_q,   a_i += Σ_q (ε/m) r_q σ(h_iq),   r = y − f
//
// Over the steps of one block the weights are only ever needed through ⟨w_i, x_q⟩, and
//
//   ⟨w_i^{k+j}, x_q⟩ = ⟨w_i^k, x_q⟩ + Σ_{earlier l} (ε_l/m) r_l D_il ⟨x_l, x_q⟩,      D_il = a_i σ'(h_il):
//
// one forward sweep, a Gram matrix of the tile's inputs, a recursion over N numbers an example, one backward sweep. With
// a batch m ≤ TILE a block is ⌊TILE/m⌋ steps in one tile; with a larger one it is one step of ⌈m/TILE⌉ tiles and needs no
// Gram matrix. Blocks start at absolute multiples of their length, so the bits depend on the step alone.

import { example } from "./law";
import {
  ACTIVATION_KIND,
  LAW_DIMENSION,
  LOGISTIC_LOSS,
  NET_ACTIVATION,
  NET_AFFINE,
  NET_NEURONS,
  NET_OUTPUT,
  NET_ROWS,
  NET_TRAIN,
  NET_WEIGHTS,
  PANEL,
  PIECEWISE_LINEAR,
  SGD_BATCH,
  SGD_EXAMPLE,
  SGD_GRAM,
  SGD_INPUTS,
  SGD_LABELS,
  SGD_LAW,
  SGD_LOSS,
  SGD_NETWORK,
  SGD_PRE,
  SGD_REPLICA,
  SGD_RESIDUALS,
  SGD_SCALED,
  SGD_SEED_HIGH,
  SGD_SEED_LOW,
  SGD_SLOPES,
  SGD_STEP_SIZES,
  SGD_STEPS,
  SGD_VALUES,
  TILE,
} from "./layout";
import { logistic, Unfused } from "./math";
import { sweep } from "./panels";
import { respond } from "./respond";
import { madd, pointer, slot } from "./vector";

/** Draws `count` examples from number `first` on into tiles; places up to the end of the last tile are zero. */
function drawBlock<T>(plan: usize, inputs: usize, labels: usize, first: u64, count: i32): void {
  const size = sizeof<T>();
  const law = pointer(plan, SGD_LAW);
  const d = slot(law, LAW_DIMENSION);
  const rows = slot(pointer(plan, SGD_NETWORK), NET_ROWS);
  const x = pointer(plan, SGD_EXAMPLE);
  const low = <u32>slot(plan, SGD_SEED_LOW);
  const high = <u32>slot(plan, SGD_SEED_HIGH);
  const replica = <u32>slot(plan, SGD_REPLICA);
  const places = ((count + TILE - 1) / TILE) * TILE;
  for (let q = 0; q < places; q++) {
    let out = inputs + (<usize>(q / TILE) * rows * TILE + (q % TILE)) * size;
    if (q >= count) {
      for (let j = 0; j < rows; j++, out += TILE * <usize>size) store<T>(out, <T>0);
      continue;
    }
    example<T>(law, x, labels + ((<usize>q) << 3), low, high, replica, first + q);
    for (let j = 0; j < d; j++, out += TILE * <usize>size) store<T>(out, load<T>(x + <usize>j * size));
    if (rows > d) store<T>(out, <T>1);
  }
}

// 1/(1 + e^{yf}), not finite where yf is not
function logisticResidual(margin: f64): f64 {
  if (!(abs(margin) < Infinity)) return margin;
  return f64x2.extract_lane(logistic<f64, Unfused>(f64x2.splat(-margin)), 0);
}

/** Gram matrix of a tile's inputs, TILE × TILE, row-major. */
function gram<T>(inputs: usize, rows: i32, out: usize): void {
  const size = sizeof<T>();
  const row = <usize>TILE * size;
  for (let half: usize = 0; half < row; half += 16) {
    let a = v128.splat<T>(<T>0);
    let b = a;
    let c = a;
    let d = a;
    let x = inputs;
    for (let j = 0; j < rows; j++, x += row) {
      const y = v128.load(x + half);
      a = madd<T>(v128.load_splat<T>(x), y, a);
      b = madd<T>(v128.load_splat<T>(x + size), y, b);
      c = madd<T>(v128.load_splat<T>(x + 2 * size), y, c);
      d = madd<T>(v128.load_splat<T>(x + 3 * size), y, d);
    }
    v128.store(out + half, a);
    v128.store(out + row + half, b);
    v128.store(out + 2 * row + half, c);
    v128.store(out + 3 * row + half, d);
  }
}

/**
 * Runs `steps` steps from step `first` on (a multiple of the block's length) with the step sizes at SGD_STEP_SIZES.
 * Returns the number of steps done: less than `steps` where a residual was not finite.
 */
export function sgd<T>(plan: usize, first: f64, steps: i32): i32 {
  const size = sizeof<T>();
  const network = pointer(plan, SGD_NETWORK);
  const neurons = slot(network, NET_NEURONS);
  const rows = slot(network, NET_ROWS);
  const weights = pointer(network, NET_WEIGHTS);
  const output = pointer(network, NET_OUTPUT);
  const sparse = slot(pointer(network, NET_ACTIVATION), ACTIVATION_KIND) === PIECEWISE_LINEAR;
  const train = slot(network, NET_AFFINE) && slot(network, NET_TRAIN);
  const batch = slot(plan, SGD_BATCH);
  const blockSteps = slot(plan, SGD_STEPS);
  const panels = <i32>((neurons * <i32>size + PANEL - 1) / PANEL);
  const stride = <usize>panels * PANEL;
  const tiles = (blockSteps * batch + TILE - 1) / TILE;
  const tileBytes = <usize>rows * TILE * size;
  const inputs = pointer(plan, SGD_INPUTS);
  const scaled = pointer(plan, SGD_SCALED);
  const labels = pointer(plan, SGD_LABELS);
  const pre = pointer(plan, SGD_PRE);
  const slopes = pointer(plan, SGD_SLOPES);
  const values = pointer(plan, SGD_VALUES);
  const change = values + stride;
  const scratch = change + stride;
  const gramOut = pointer(plan, SGD_GRAM);
  const factors = gramOut + TILE * TILE * size;
  const residuals = pointer(plan, SGD_RESIDUALS);
  const stepSizes = pointer(plan, SGD_STEP_SIZES);
  const inverse = 1.0 / <f64>neurons;
  const perExample = 1.0 / <f64>batch;
  const loss = slot(plan, SGD_LOSS);

  let done = 0;
  let pending = 0;
  let parity: usize = 0;
  while (done < steps) {
    const now = min(blockSteps, steps - done);
    const count = now * batch;
    const x = inputs + parity * tiles * tileBytes;
    const y = labels + parity * tiles * TILE * 8;
    drawBlock<T>(plan, x, y, (<u64>first + done) * batch, count);
    const tilesNow = (count + TILE - 1) / TILE;
    sweep<T>(weights, panels, rows, scaled, slopes, pending, x, pre, tilesNow, sparse);
    if (now > 1) gram<T>(x, rows, gramOut);

    for (let k = 0; k < now; k++) {
      const rate = load<f64>(stepSizes + ((<usize>(done + k)) << 3)) * perExample;
      const earlier = k * batch;
      if (train) memory.fill(change, 0, stride);
      for (let b = 0; b < batch; b++) {
        const q = earlier + b;
        // h_q gains (ε_l/m) r_l ⟨x_l, x_q⟩ D_l from the examples l of earlier steps
        for (let l = 0; l < earlier; l++) {
          const g = load<T>(gramOut + (<usize>l * TILE + q) * size);
          store<T>(factors + <usize>l * size, <T>load<f64>(residuals + ((<usize>l) << 3)) * g);
        }
        const row = slopes + <usize>q * stride;
        const total = respond<T>(
          network,
          pre + <usize>q * stride,
          slopes,
          row,
          values,
          scratch,
          stride,
          factors,
          earlier,
        );
        const label = load<f64>(y + ((<usize>q) << 3));
        let residual = label - <f64>total * inverse;
        if (loss === LOGISTIC_LOSS) residual = label * logisticResidual(label * <f64>total * inverse);
        if (!(abs(residual) < Infinity)) return done + k;
        const weight = rate * residual;
        store<f64>(residuals + ((<usize>q) << 3), weight);
        if (train) {
          const r = v128.splat<T>(<T>weight);
          for (let i: usize = 0; i < stride; i += 16) {
            v128.store(change + i, madd<T>(r, v128.load(values + i), v128.load(change + i)));
          }
        }
      }
      if (train) {
        for (let i: usize = 0; i < stride; i += 16) {
          v128.store(output + i, v128.add<T>(v128.load(output + i), v128.load(change + i)));
        }
      }
    }

    // scaled inputs (ε/m) r x; a tile's places beyond `count` have x = 0, and their factors and slopes are set to 0 too
    for (let t = 0; t < tilesNow; t++) {
      for (let q = t * TILE; q < (t + 1) * TILE; q++) {
        const weight = q < count ? <T>load<f64>(residuals + ((<usize>q) << 3)) : <T>0;
        store<T>(factors + <usize>(q % TILE) * size, weight);
        if (q >= count) memory.fill(slopes + <usize>q * stride, 0, stride);
      }
      const from = x + t * tileBytes;
      const to = scaled + t * tileBytes;
      for (let half: usize = 0; half < <usize>TILE * size; half += 16) {
        const weight = v128.load(factors + half);
        for (let j = half; j < tileBytes; j += <usize>TILE * size) {
          v128.store(to + j, v128.mul<T>(weight, v128.load(from + j)));
        }
      }
    }
    pending = tilesNow;
    parity ^= 1;
    done += now;
  }
  sweep<T>(weights, panels, rows, scaled, slopes, pending, inputs, pre, 0, sparse);
  return done;
}
