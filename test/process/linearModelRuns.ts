// Runs of particles of one parameter, and how far their moments are from the moment equations.

import type { Fluctuation } from "../../src/measure/measure";
import type { Problem } from "../../src/model/problem";
import { correlatedNoise, fluctuations, modifiedFlow, type Process, sgd } from "../../src/process/schema";
import { linearModelMoments } from "../../src/study/linearModel";
import { open } from "../../src/study/open";

/** Runs that are compared with the equations. */
export const runs: [string, (problem: Problem, replica: number) => Process][] = [
  ["SGD, batch 1, N = 3", (problem, replica) => sgd(problem, { neurons: 3, stepSize: 0.25, replica })],
  ["SGD, batch 4, N = 50", (problem, replica) => sgd(problem, { neurons: 50, stepSize: 0.5, batchSize: 4, replica })],
  [
    "modified flow, Euler–Maruyama, N = 3",
    (problem, replica) => modifiedFlow(problem, { neurons: 3, stepSize: 0.25, replica }),
  ],
  [
    "modified flow, order 2, Heun, batch 4, N = 50",
    (problem, replica) =>
      modifiedFlow(problem, { neurons: 50, stepSize: 0.5, batchSize: 4, order: 2, method: "heun", replica }),
  ],
  ["correlated noise, N = 3", (problem, replica) => correlatedNoise(problem, { neurons: 3, stepSize: 0.25, replica })],
];

/** The particles at several times. */
export async function stateAt(process: Process, times: readonly number[]): Promise<Float64Array[]> {
  const simulation = await open(process);
  try {
    const states: Float64Array[] = [];
    for (const time of times) {
      await simulation.advance(time);
      const measure = simulation.measure();
      if (measure.kind !== "particles") throw new TypeError("particles");
      states.push(measure.values);
    }
    return states;
  } finally {
    simulation.free();
  }
}

/**
 * Standard scores of four means over replicas, at each time: of m̄, (m̄ − M)², the particles' (X_i − M)² and the pairs' (X_i − M)(X_j − M),
 * against the moment equations. Where all replicas agree, the score is 0 if they are right to round-off, and infinite if not.
 */
export async function scoresOf(
  make: (replica: number) => Process,
  times: readonly number[],
  replicas: number,
): Promise<number[]> {
  const moments = linearModelMoments(make(0), times);
  const sums = times.map(() => [0, 1, 2, 3].map(() => ({ first: 0, second: 0 })));
  for (let replica = 0; replica < replicas; replica++) {
    const states = await stateAt(make(replica), times);
    states.forEach((state, t) => {
      const M = moments.mean[t]!;
      const n = state.length;
      const deviations = state.map((x) => x - M);
      const total = deviations.reduce((sum, x) => sum + x, 0);
      const squares = deviations.reduce((sum, x) => sum + x * x, 0);
      [total / n, (total / n) ** 2, squares / n, (total * total - squares) / (n * (n - 1))].forEach((value, k) => {
        sums[t]![k]!.first += value;
        sums[t]![k]!.second += value * value;
      });
    });
  }
  return sums.flatMap((four, t) => {
    const expected = [0, moments.meanVariance[t]!, moments.variance[t]!, moments.covariance[t]!];
    return four.map(({ first, second }, k) => {
      const mean = first / replicas;
      const error = Math.sqrt(Math.max(0, second / replicas - mean * mean) / (replicas - 1));
      const gap = mean - expected[k]!;
      return Math.abs(gap) < 1e-13 ? 0 : gap / error;
    });
  });
}

/** ⟨η, x⟩ of one parameter: Σ ω_i θ_i + Σ w_i b_i. */
export function pairing({ base, weights, displacements }: Fluctuation): number {
  return base.values.reduce((sum, x, i) => sum + weights[i]! * x + base.weights![i]! * displacements[i]!, 0);
}

/**
 * Standard scores of ⟨η, x⟩², a normal number squared, at each time against the moment equations; 0 where neither is anything.
 */
export async function fluctuationScoresOf(
  problem: Problem,
  times: readonly number[],
  replicas: number,
): Promise<number[]> {
  const n = 100;
  const make = (replica: number) =>
    fluctuations(problem, { neurons: n, stepSize: 4 / n, timeStep: 0.25, particles: 24, replica });
  const moments = linearModelMoments(make(0), times);
  const sums = times.map(() => 0);
  for (let replica = 0; replica < replicas; replica++) {
    const simulation = await open(make(replica));
    for (const [t, time] of times.entries()) {
      await simulation.advance(time);
      const eta = simulation.measure();
      if (eta.kind !== "fluctuation") throw new TypeError("fluctuation");
      sums[t]! += pairing(eta) ** 2;
    }
    simulation.free();
  }
  return sums.map((sum, t) => {
    const expected = n * moments.meanVariance[t]!;
    const gap = sum / replicas - expected;
    // the square of a normal number of variance σ² has variance 2σ⁴
    return Math.abs(gap) < 1e-13 ? 0 : gap / (expected * Math.sqrt(2 / replicas));
  });
}
