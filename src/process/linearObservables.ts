// Linear observables E_μ φ of a law of parameters: their values at μ⁰ and their gradients ∇φ, the ends of the adjoint equation.

import type { Engine } from "../engine/engine";
import type { Memory } from "../engine/memory";
import { type NetworkBlock, writeBatch } from "../model/blocks";

/** φ of one parameter vector and its gradient. */
export interface LinearStatistic {
  /** φ(θ) of a row θ */
  value(theta: Float64Array): number;
  /** Writes ∇φ(θ), D numbers, over `out`. */
  gradient(theta: Float64Array, out: Float64Array): void;
}

/** Several linear observables of the points of a network, and of its output bias. */
export interface LinearObservables {
  size: number;
  /** E_{μ⁰} φ_c of all of them. */
  values(state: NetworkBlock): Float64Array;
  /** Writes ∇φ_c at all points, and the slope in the output bias, into a direction; φ_c at all points at address `chi`. */
  end(state: NetworkBlock, c: number, direction: NetworkBlock, chi: number): void;
}

/**
 * Predictions f_k(x) at inputs: φ = σ*_k(x; ·), rows of K.
 *
 * @param x  [count, d], row-major
 */
export function predictionObservables(
  memory: Memory,
  engine: Engine,
  network: NetworkBlock,
  x: Float64Array,
  count: number,
): LinearObservables {
  const { forward_f64, backward_f64, potential_f64, packInputs_f64 } = engine.kernels;
  const batch = writeBatch(memory, network, count);
  packInputs_f64(network.block, batch.block, memory.put("f64", x), 0, count);
  const size = count * network.outputs;
  return {
    size,
    values(state) {
      forward_f64(state.block, batch.block);
      return memory.f64(batch.predictions, size).slice();
    },
    end(state, c, direction, chi) {
      const weights = memory.f64(batch.weights, size);
      weights.fill(0);
      weights[c] = 1;
      backward_f64(state.block, batch.block, direction.weights);
      potential_f64(state.block, batch.block, chi);
    },
  };
}

/**
 * Means of functions of a neuron.
 *
 * @param points  M, and D numbers each
 */
export function statisticObservables(
  memory: Memory,
  engine: Engine,
  network: NetworkBlock,
  statistics: readonly LinearStatistic[],
  points: { masses: Float64Array; parameters: number },
): LinearObservables {
  const { masses, parameters: D } = points;
  const M = masses.length;
  const numbers = memory.reserve("f64", network.length);
  const rowsOf = (state: NetworkBlock) => {
    engine.kernels.exportTheta_f64(state.block, numbers);
    return memory.f64(numbers, network.length).slice();
  };
  return {
    size: statistics.length,
    values(state) {
      const theta = rowsOf(state);
      return Float64Array.from(statistics, ({ value }) => {
        let sum = 0;
        for (let i = 0; i < M; i++) sum += masses[i]! * value(theta.subarray(i * D, (i + 1) * D));
        return sum;
      });
    },
    end(state, c, direction, chi) {
      const theta = rowsOf(state);
      const { value, gradient } = statistics[c]!;
      const slopes = new Float64Array(network.length);
      const values = new Float64Array(M);
      for (let i = 0; i < M; i++) {
        const row = theta.subarray(i * D, (i + 1) * D);
        values[i] = value(row);
        gradient(row, slopes.subarray(i * D, (i + 1) * D));
      }
      memory.f64(numbers, network.length).set(slopes);
      engine.kernels.importTheta_f64(direction.block, numbers);
      memory.f64(chi, M).set(values);
    },
  };
}

/** c, c², … of the coordinate in a column of θ. */
export function powersOf(column: number, order: number): LinearStatistic[] {
  return Array.from({ length: order }, (_, k) => {
    const power = (x: number, n: number) => {
      let product = 1;
      for (let i = 0; i < n; i++) product *= x;
      return product;
    };
    return {
      value: (theta) => power(theta[column]!, k + 1),
      gradient(theta, out) {
        out.fill(0);
        out[column] = (k + 1) * power(theta[column]!, k);
      },
    };
  });
}
