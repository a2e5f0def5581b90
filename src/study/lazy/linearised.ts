// A network linearised in its parameters: df(x)/ds = Σ_q m_q K(x, x_q) r_q with the kernel of the start for good.   theory §9; docs/lazy.md
//
// It is stepped as the network is: f ← f + h K M r for gradient descent of step h, and the equation itself for the gradient flow.

import { CHUNK_MILLISECONDS, pause } from "../../engine/pause";
import type { Loss } from "../../model/labels";
import { residual } from "../../model/residual";
import { OdeSolver } from "../../process/ode";

/** What the linearised dynamics is made of; points are the Q atoms, then whatever further inputs there are. */
export interface LinearisedNetwork {
  /** [P K, Q K] with P ≥ Q: K(x_p, x_q), the atoms first */
  kernel: Float64Array;
  /** [P, K], f at time 0 */
  start: Float64Array;
  /** [Q, K], labels */
  labels: Float64Array;
  /** [Q], m_q */
  masses: Float64Array;
  loss: Loss;
  /** K */
  outputs: number;
}

/** Relative error of a step of the flow: far below the network's own. */
const TOLERANCE = 1e-11;

/**
 * f of the linearised network at increasing times.
 *
 * @param times  s; with steps these are times of whole steps
 * @param steps  h of gradient descent and the step each time stands at; null is the gradient flow
 * @returns for each time [P, K]; not finite where the steps are too large for it
 */
export async function linearisedDynamics(
  network: LinearisedNetwork,
  times: ArrayLike<number>,
  steps: { stepSize: number; counts: ArrayLike<number> } | null,
  signal?: AbortSignal,
): Promise<Float64Array[]> {
  const { start, kernel, labels, masses, loss, outputs } = network;
  const rows = start.length;
  const columns = labels.length;
  const residuals = new Float64Array(columns);
  const velocity = (f: Float64Array, out: Float64Array): boolean => {
    for (let at = 0; at < columns; at += outputs) residual(loss, f, labels, outputs, at, residuals);
    for (let q = 0; q < columns; q++) residuals[q] = masses[(q / outputs) | 0]! * residuals[q]!;
    for (let p = 0; p < rows; p++) {
      let sum = 0;
      for (let q = 0; q < columns; q++) sum += kernel[p * columns + q]! * residuals[q]!;
      out[p] = sum;
    }
    return out.every(Number.isFinite);
  };
  let began = performance.now();
  const rest = async (): Promise<void> => {
    if (performance.now() - began < CHUNK_MILLISECONDS) return;
    await pause();
    signal?.throwIfAborted();
    began = performance.now();
  };

  const found: Float64Array[] = [];
  if (steps === null) {
    const solver = new OdeSolver("linearised network", start, (_, f, out) => velocity(f, out), {
      kind: "dormandPrince",
      tolerance: TOLERANCE,
    });
    for (let i = 0; i < times.length; i++) {
      while (!solver.advance(times[i]!, 1)) await rest();
      found.push(solver.at(times[i]!));
    }
    return found;
  }
  const f = start.slice();
  const push = new Float64Array(rows);
  let step = 0;
  for (let i = 0; i < times.length; i++) {
    for (; step < steps.counts[i]!; step++) {
      velocity(f, push);
      for (let p = 0; p < rows; p++) f[p] = f[p]! + steps.stepSize * push[p]!;
      if (step % 64 === 0) await rest();
    }
    found.push(f.slice());
  }
  return found;
}
