// A tile of the matrix of a network's tangent kernel, by sums over neurons.                                            theory §9
//
//   K_(q,k)(p,l) = δ_kl (V_qp + 1_c) + S_(k,q)(l,p) (⟨x_q, x_p⟩ + 1_b),   V = Σ_i m_i σσ',   S = Σ_i m_i a_ik a_il σ'σ'
//
// `features` writes √m σ and √m a_k σ' of some neurons at some inputs in panels of inputs, a row a neuron; `products` adds their products
// to V and S, a few neurons at a time; `combine` makes the tile of them. No row of the Jacobian is ever formed.

import { activate } from "../activation";
import { PANEL } from "../layout";
import { pointer, real, slot } from "../vector";
import {
  NEURONS_ACTIVATION,
  NEURONS_COUNT,
  NEURONS_DEPTH,
  NEURONS_ROOTS,
  NEURONS_SCRATCH,
  NEURONS_WEIGHTS,
  TANGENT_BIAS,
  TANGENT_COLUMN_ROOM,
  TANGENT_COLUMNS,
  TANGENT_INNER,
  TANGENT_LEFT_FIRST,
  TANGENT_LEFT_OUTPUTS,
  TANGENT_MIRROR,
  TANGENT_MIRROR_STRIDE,
  TANGENT_OUTPUT_BIAS,
  TANGENT_RIGHT_FIRST,
  TANGENT_RIGHT_OUTPUTS,
  TANGENT_ROW_ROOM,
  TANGENT_ROWS,
  TANGENT_SLOPES,
  TANGENT_SLOPES_STRIDE,
  TANGENT_STRIDE,
  TANGENT_TILE,
  TANGENT_TILE_STRIDE,
  TANGENT_UPPER,
  TANGENT_VALUES,
} from "./layout";
import { products, reflect, transpose } from "./products";

/**
 * Features of C neurons at `panels` panels of inputs: √m σ to `values` (unless it is 0), a panel of C rows for each; coefficient k times σ' to
 * `slopes`, all panels of the first output, then those of the next.
 *
 * @param coefficients  √m_i a_ik: `outputs` rows of C numbers
 */
export function features<T>(
  neurons: usize,
  inputs: usize,
  panels: i32,
  coefficients: usize,
  outputs: i32,
  values: usize,
  slopes: usize,
): void {
  const size = sizeof<T>();
  const count = slot(neurons, NEURONS_COUNT);
  const depth = slot(neurons, NEURONS_DEPTH);
  const weights = pointer(neurons, NEURONS_WEIGHTS);
  const roots = pointer(neurons, NEURONS_ROOTS);
  const h = pointer(neurons, NEURONS_SCRATCH);
  const bytes = <usize>count * PANEL;
  const lanes = PANEL / <i32>size;
  const slope = h + bytes;
  const value = slope + bytes;
  for (let p = 0; p < panels; p++) {
    products<T>(
      weights,
      <usize>depth * PANEL,
      inputs + <usize>p * depth * PANEL,
      0,
      depth,
      0,
      count,
      0,
      lanes,
      h,
      PANEL,
      false,
      false,
    );
    const at = values ? values + <usize>p * bytes : value;
    activate<T>(pointer(neurons, NEURONS_ACTIVATION), h, at, slope, count * lanes);
    if (values) scale<T>(at, roots, count, at);
    for (let k = 0; k < outputs; k++) {
      scale<T>(slope, coefficients + <usize>(k * count) * size, count, slopes + <usize>(k * panels + p) * bytes);
    }
  }
}

/** Rows of a panel times a number each. */
function scale<T>(rows: usize, factors: usize, count: i32, out: usize): void {
  const end = rows + <usize>count * PANEL;
  for (; rows < end; rows += PANEL, out += PANEL, factors += sizeof<T>()) {
    const factor = v128.load_splat<T>(factors);
    v128.store(out, v128.mul<T>(factor, v128.load(rows)));
    v128.store(out, v128.mul<T>(factor, v128.load(rows, 16)), 16);
  }
}

/** The tile with rows (q, k) and columns (p, l), and its transpose. */
export function combine<T>(tangent: usize): void {
  const size = sizeof<T>();
  const left = slot(tangent, TANGENT_LEFT_OUTPUTS);
  const right = slot(tangent, TANGENT_RIGHT_OUTPUTS);
  const rows = slot(tangent, TANGENT_ROWS) * left;
  const columns = slot(tangent, TANGENT_COLUMNS) * right;
  const tile = pointer(tangent, TANGENT_TILE);
  const stride = <usize>slot(tangent, TANGENT_TILE_STRIDE) * size;
  const upper = slot(tangent, TANGENT_UPPER) !== 0;
  if (left === 1 && right === 1) combineOne<T>(tangent, tile, stride, upper);
  else combineOutputs<T>(tangent, tile, stride, upper);
  const mirror = pointer(tangent, TANGENT_MIRROR);
  if (upper) reflect<T>(tile, stride, rows);
  else if (mirror) {
    transpose<T>(tile, stride, rows, columns, mirror, <usize>slot(tangent, TANGENT_MIRROR_STRIDE) * size);
  }
}

/** One output a side: vectors along a row. */
function combineOne<T>(tangent: usize, tile: usize, stride: usize, upper: boolean): void {
  const size = sizeof<T>();
  const lanes = PANEL / <i32>size;
  const columns = slot(tangent, TANGENT_COLUMNS);
  const bias = v128.splat<T>(<T>real(tangent, TANGENT_BIAS));
  const same = slot(tangent, TANGENT_LEFT_FIRST) === slot(tangent, TANGENT_RIGHT_FIRST);
  const added = v128.splat<T>(same ? <T>real(tangent, TANGENT_OUTPUT_BIAS) : <T>0);
  const values = pointer(tangent, TANGENT_VALUES);
  for (let q = 0; q < slot(tangent, TANGENT_ROWS); q++) {
    const from = upper ? q - (q % lanes) : 0;
    const line = <usize>q * slot(tangent, TANGENT_STRIDE) * size;
    const slopes = pointer(tangent, TANGENT_SLOPES) + <usize>q * slot(tangent, TANGENT_SLOPES_STRIDE) * size;
    const inner = pointer(tangent, TANGENT_INNER) + line;
    const out = tile + <usize>q * stride;
    for (let at = <usize>from * size; at < <usize>columns * size; at += 16) {
      const moved = v128.mul<T>(v128.load(slopes + at), v128.add<T>(v128.load(inner + at), bias));
      const rest = values ? v128.add<T>(v128.load(values + line + at), added) : added;
      v128.store(out + at, v128.add<T>(moved, rest));
    }
  }
}

function combineOutputs<T>(tangent: usize, tile: usize, stride: usize, upper: boolean): void {
  const size = sizeof<T>();
  const left = slot(tangent, TANGENT_LEFT_OUTPUTS);
  const right = slot(tangent, TANGENT_RIGHT_OUTPUTS);
  const apart = slot(tangent, TANGENT_RIGHT_FIRST) - slot(tangent, TANGENT_LEFT_FIRST);
  const columns = slot(tangent, TANGENT_COLUMNS);
  const rowRoom = slot(tangent, TANGENT_ROW_ROOM);
  const columnRoom = slot(tangent, TANGENT_COLUMN_ROOM);
  const bias = <T>real(tangent, TANGENT_BIAS);
  const added = <T>real(tangent, TANGENT_OUTPUT_BIAS);
  const values = pointer(tangent, TANGENT_VALUES);
  const slopes = pointer(tangent, TANGENT_SLOPES);
  const slopesStride = slot(tangent, TANGENT_SLOPES_STRIDE);
  for (let q = 0; q < slot(tangent, TANGENT_ROWS); q++) {
    const line = <usize>q * slot(tangent, TANGENT_STRIDE) * size;
    for (let k = 0; k < left; k++) {
      const row = k * rowRoom + q;
      const out = tile + <usize>(q * left + k) * stride;
      for (let p = upper ? q : 0; p < columns; p++) {
        const inner = load<T>(pointer(tangent, TANGENT_INNER) + line + <usize>p * size) + bias;
        for (let l = 0; l < right; l++) {
          const column = l * columnRoom + p;
          const at = upper && column < row ? column * slopesStride + row : row * slopesStride + column;
          let value = load<T>(slopes + <usize>at * size) * inner;
          if (k === l + apart) {
            value += values ? load<T>(values + line + <usize>p * size) + added : added;
          }
          store<T>(out + <usize>(p * right + l) * size, value);
        }
      }
    }
  }
}
