// The linear mean-field model written out, and its moments by enumeration of all outcomes of the noise: what the moment equations are
// checked against. Particles start as independent normals, so a step, linear given its noise, maps (X_1, X_2, m̄) by a matrix.

import { identity } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { ridge } from "../../src/model/unit";

/** A linear mean-field model on a finite law. */
export interface Model {
  x: number[];
  y: number[];
  masses: number[];
  /** mean 1; null for none */
  decays: number[] | null;
  /** λ̄ */
  lambda: number;
  center: number;
  start: { mean: number; deviation: number };
}

/** Those that are tested. */
export const models: Record<string, Model> = {
  "two equal masses, no confinement": {
    x: [1, -0.6],
    y: [0.5, 1],
    masses: [0.5, 0.5],
    decays: null,
    lambda: 0,
    center: 0,
    start: { mean: 0.4, deviation: 0.7 },
  },
  "two unequal masses, random decay about a centre": {
    x: [1.2, 0.3],
    y: [1, -2],
    masses: [0.3, 0.7],
    decays: [2.5, 2.5 / 7],
    lambda: 0.8,
    center: 0.5,
    start: { mean: -0.3, deviation: 1 },
  },
  "three unequal masses, one without decay, a start in a point": {
    x: [0.7, -1.1, 0.2],
    y: [-1, 0.4, 2],
    masses: [0.2, 0.5, 0.3],
    decays: [0, 1.4, 1],
    lambda: 0.6,
    center: 0,
    start: { mean: 1, deviation: 0 },
  },
};

/** The problem of the library that the model is. */
export function problemOf(model: Model): Problem {
  const { x, y, masses, decays, lambda, center, start } = model;
  return parseProblem({
    law: dataset({ x: x.map((value) => [value]), y, weights: masses, decay: decays }),
    unit: ridge(identity()),
    start: gaussian({ w: start }),
    confinement: lambda > 0 ? quadratic(lambda, { center }) : null,
  });
}

/** (X_1, X_2, m̄, 1), or a map of it: rows of a 4 × 4 matrix whose last is (0, 0, 0, 1). */
type Affine = number[][];

const IDENTITY: Affine = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 1 : 0)));

const product = (a: Affine, b: Affine): Affine =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const combination = (terms: [number, Affine][]): Affine =>
  IDENTITY.map((row, i) => row.map((_, j) => terms.reduce((sum, [c, a]) => sum + c * a[i]![j]!, 0)));

/** V_q as a map of (X_1, X_2, m̄, 1); its last row is 0. The law of m̄ is the mean of X's, as all feel the same. */
function velocityOf({ x, y, decays, lambda, center }: Model, q: number): Affine {
  const decay = lambda * (decays?.[q] ?? 1);
  const push = x[q]! * y[q]! + decay * center;
  const square = x[q]! * x[q]!;
  return [
    [-decay, 0, -square, push],
    [0, -decay, -square, push],
    [0, 0, -square - decay, push],
    [0, 0, 0, 0],
  ];
}

/** E X, Var m̄, Var X and Cov(X_1, X_2), of maps of the start with their probabilities. */
function momentsOf(outcomes: { map: Affine; probability: number }[], model: Model, neurons: number): number[] {
  const { mean, deviation } = model.start;
  const s2 = deviation * deviation;
  const [apart, together] = [0, s2 / neurons];
  // second moments of (X_1, X_2, m̄, 1)
  const m2 = mean * mean;
  const second = [
    [s2 + m2, apart + m2, together + m2, mean],
    [apart + m2, s2 + m2, together + m2, mean],
    [together + m2, together + m2, together + m2, mean],
    [mean, mean, mean, 1],
  ];
  const total: Affine = IDENTITY.map((row) => row.map(() => 0));
  for (const { map, probability } of outcomes) {
    const transposed = map[0]!.map((_, j) => map.map((row) => row[j]!));
    product(product(map, second), transposed).forEach((row, i) => {
      row.forEach((value, j) => void (total[i]![j]! += probability * value));
    });
  }
  const E = total[0]![3]!;
  return [E, total[2]![2]! - E * E, total[0]![0]! - E * E, total[0]![1]! - E * E];
}

/** Moments of SGD after some steps, over all sequences of draws with replacement. */
export function enumeratedSgd(
  model: Model,
  options: { neurons: number; stepSize: number; batchSize: number; steps: number },
): number[] {
  const { stepSize, batchSize, steps, neurons } = options;
  const Q = model.x.length;
  const batches = Array.from({ length: Q ** batchSize }, (_, number) => {
    const drawn = Array.from({ length: batchSize }, (_, b) => Math.floor(number / Q ** b) % Q);
    return {
      map: combination([
        [1, IDENTITY],
        ...drawn.map((q): [number, Affine] => [stepSize / batchSize, velocityOf(model, q)]),
      ]),
      probability: drawn.reduce((chance, q) => chance * model.masses[q]!, 1),
    };
  });
  return momentsOf(repeated(batches, steps), model, neurons);
}

/** Moments of a scheme of the modified flow after some steps, over Gauss–Hermite nodes of all Brownian increments. */
export function enumeratedFlow(
  model: Model,
  options: {
    neurons: number;
    stepSize: number;
    batchSize: number;
    timeStep: number;
    order: 1 | 2;
    method: "eulerMaruyama" | "heun";
    steps: number;
  },
): number[] {
  const { neurons, stepSize, batchSize, timeStep: h, order, method, steps } = options;
  const { masses } = model;
  const Q = masses.length;
  const velocities = masses.map((_, q) => velocityOf(model, q));
  const mean = combination(velocities.map((v, q): [number, Affine] => [masses[q]!, v]));
  // v̄ is affine, so Dv̄[v̄] is its linear part times v̄, and a product of such maps is just that
  const drift = combination([
    [h, mean],
    [order === 2 ? (-h * stepSize) / 2 : 0, product(mean, mean)],
  ]);
  const nodes = [-Math.sqrt(3), 0, Math.sqrt(3)];
  const weights = [1 / 6, 2 / 3, 1 / 6];
  const increments = Array.from({ length: 3 ** Q }, (_, number) => {
    const at = Array.from({ length: Q }, (_, q) => Math.floor(number / 3 ** q) % 3);
    // √α Σ_q √m_q (V_q − V̄) ΔB_q
    const noise = combination(
      velocities.map((v, q): [number, Affine] => [
        Math.sqrt((stepSize / batchSize) * masses[q]! * h) * nodes[at[q]!]!,
        combination([
          [1, v],
          [-1, mean],
        ]),
      ]),
    );
    const step = (a: Affine, b: Affine): Affine =>
      combination([
        [1, a],
        [1, b],
      ]);
    const euler = step(IDENTITY, step(drift, noise));
    const map =
      method === "eulerMaruyama"
        ? euler
        : combination([
            [1, IDENTITY],
            [0.5, drift],
            [0.5, product(drift, euler)],
            [0.5, noise],
            [0.5, product(noise, step(IDENTITY, drift))],
          ]);
    return { map, probability: at.reduce((chance, k) => chance * weights[k]!, 1) };
  });
  return momentsOf(repeated(increments, steps), model, neurons);
}

// All products of `steps` independent maps, with their probabilities.
function repeated(one: { map: Affine; probability: number }[], steps: number) {
  let all = [{ map: IDENTITY, probability: 1 }];
  for (let k = 0; k < steps; k++) {
    all = all.flatMap((before) =>
      one.map((next) => ({
        map: product(next.map, before.map),
        probability: before.probability * next.probability,
      })),
    );
  }
  return all;
}
