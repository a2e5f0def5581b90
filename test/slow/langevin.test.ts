// Langevin dynamics by particles against test/reference/langevin.json, where that takes many replicas or long runs.
//
// The grid's rates, which want many cells; and six numbers of the reference within three standard errors, at the seeds given here; what is compared with the exact laws of the
// steps (test/process/ornsteinUhlenbeck.ts) stands at 4.5 standard errors, 7e-6 each. Half a minute.

import { describe, expect, it } from "vitest";
import { tabulate } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { quadratic, separable } from "../../src/model/potential";
import { potentialProblem } from "../../src/model/problem";
import { densityStart, gaussian } from "../../src/model/start";
import { fokkerPlanck, langevin, type Process, sgd } from "../../src/process/schema";
import { ensemble } from "../../src/study/ensemble";
import { moments } from "../../src/study/observables";
import { open } from "../../src/study/open";
import { solve } from "../../src/study/solve";
import {
  b,
  discreteLaw,
  meanField,
  meanSquareScore,
  parametersAt,
  statistics,
  tau,
  uncoupled,
} from "../process/ornsteinUhlenbeck";
import reference from "../reference/langevin.json";

const { parameters, stationary, propagationOfChaos } = reference.meanFieldOrnsteinUhlenbeck;
const { c, v0 } = parameters;
/** Mean at rest, c/(1 + b). */
const rest = c / (1 + b);

/** Mean of the weights at time t, of each replica. */
async function means(process: Process, replicas: number, t: number): Promise<Float64Array> {
  const observe = { w: { kind: "moments", coordinate: "w0", order: 1 } } as const;
  const { observables } = await ensemble(process, { replicas, times: [t], observe });
  return Float64Array.from(observables["w"]!.replicas, ([mean]) => mean!);
}

describe("the rates of the mean-field Ornstein–Uhlenbeck process", () => {
  // Mean and variance go to rest as e^{−1.64 t} and e^{−1.28 t}. The grid errs by h²: 3e-8 in both moments at 32,768 cells, which is
  // 1e-7 of the distance of the mean from rest and 5e-7 of that of the variance.
  it("are met by the grid to 1e-6", async () => {
    const process = fokkerPlanck(meanField(), { temperature: tau, cells: 32768, box: [-4.2, 5.2], tolerance: 1e-9 });
    const { observables } = await solve(process, { times: [0, 1], observe: { w: moments("w0", 2) } });
    const [m0, s0, m1, s1] = observables["w"]!.values as unknown as [number, number, number, number];
    const { rates } = reference.meanFieldOrnsteinUhlenbeck;
    expect(Math.abs(Math.log((m0 - rest) / (m1 - rest)) - rates.mean)).toBeLessThan(1e-6);
    const [before, after] = [s0 - m0 * m0 - stationary.variance, s1 - m1 * m1 - stationary.variance];
    expect(Math.abs(Math.log(before / after) - rates.variance)).toBeLessThan(1e-6);
  });
});

describe("propagation of chaos in the mean-field Ornstein–Uhlenbeck process, N = 20", () => {
  const N = 20;
  const replicas = 8000;
  const stepSize = 0.005;
  const steps = 400;
  const options = { neurons: N, stepSize, temperature: tau, seed: 3 };

  it("N E|x̄ − M|² and the synchronous coupling at time 2 are the reference's within three standard errors", async () => {
    const t = steps * stepSize;
    const { M, S } = discreteLaw(steps, stepSize);
    const x = await means(langevin(meanField(), options), replicas, t);
    const y = await means(langevin(uncoupled(), options), replicas, t);
    // e = x̄ − M and y of discrete steps, by the same noise: e ← q e + g, y ← p y + g
    const [p, q, noise] = [1 - stepSize * b, 1 - stepSize * (1 + b), 2 * tau * stepSize];
    let [ee, ey, yy] = [v0, v0, v0];
    for (let k = 0; k < steps; k++) [ee, ey, yy] = [q * q * ee + noise, p * q * ey + noise, p * p * yy + noise];
    expect(Math.abs(ee - S)).toBeLessThan(1e-12);
    const { atTime2, synchronousCouplingAtTime2 } = propagationOfChaos;
    const deviations = x.map((one) => Math.sqrt(N) * (one - M));
    // X_i − X̄_i is the same for all i, as the fast tests show, so it is that of the means
    const gaps = x.map((one, r) => Math.sqrt(N) * (one - M - y[r]!));
    for (const [sample, exact, limit] of [
      [deviations, ee, atTime2],
      [gaps, ee - 2 * ey + yy, synchronousCouplingAtTime2],
    ] as const) {
      expect(Math.abs(meanSquareScore(sample, exact))).toBeLessThan(4.5);
      // steps of 0.005 are off by 0.4 % where the standard error is 1.6 %
      expect(Math.abs(exact / limit - 1)).toBeLessThan(5e-3);
      expect(Math.abs(meanSquareScore(sample, limit))).toBeLessThan(3);
    }
  });

  it("E F(ρ_N*) − F(m*) = v*/(2N) for samples of m*, within three standard errors", async () => {
    const { mean: M, variance } = stationary;
    const x = await means(langevin(meanField(0, { mean: M, variance }), options), replicas, 0);
    // F − F* = (M − c)(x̄ − M) + (x̄ − M)²/2; the first part has the mean 0, and is left out as it would only add noise
    const gaps = x.map((one) => ((one - c) ** 2 - (M - c) ** 2) / 2 - (M - c) * (one - M));
    expect(propagationOfChaos.objectiveGapOfIidSample).toContain("v*/(2N)");
    const score = (statistics(gaps).mean / (variance / (2 * N)) - 1) / Math.sqrt(2 / replicas);
    expect(Math.abs(score)).toBeLessThan(3);
  });
});

it("step, batch and gradient noise give the reference's discrete stationary variance, not the continuous one", async () => {
  // L = 4w²/2: the examples' share is 1, with labels −1 and 1, whose gradients scatter by 1; the confinement's is 3
  const { continuous, discrete } = reference.ornsteinUhlenbeck;
  const problem = {
    law: dataset({ x: [[1], [1]], y: [-1, 1] }),
    unit: meanField().unit,
    start: gaussian({ w: 0 }),
    confinement: quadratic(3),
  };
  // 40 steps, each of which forgets 40 %; the fourth moment of a sum of signs is below that of a normal
  const w = await means(sgd(problem, { neurons: 1, stepSize: 0.1, batchSize: 4, seed: 2 }), 5000, 4);
  expect(Math.abs(meanSquareScore(w, discrete))).toBeLessThan(3);
  expect(meanSquareScore(w, continuous)).toBeGreaterThan(8);
  // the same noise by the temperature ε/(2B), in the potential alone
  const alone = potentialProblem(quadratic(4), { dimension: 1, start: gaussian({ w: 0 }) });
  const values = await parametersAt(
    langevin(alone, { neurons: 100_000, stepSize: 0.1, temperature: 0.1 / 8, seed: 2 }),
    4,
  );
  expect(Math.abs(meanSquareScore(values, discrete))).toBeLessThan(4.5);
  expect(meanSquareScore(values, continuous)).toBeGreaterThan(8);
});

describe("Gibbs' laws of a double well", () => {
  const { eps, mass } = reference.gibbs;
  const L = (x: number): number => (x * x - 1) ** 2 * (1 + 0.8 * Math.tanh(x));
  const slope = (x: number): number =>
    4 * x * (x * x - 1) * (1 + 0.8 * Math.tanh(x)) + (0.8 * (x * x - 1) ** 2) / Math.cosh(x) ** 2;
  const confinement = separable(tabulate(L, { from: -3, to: 3, points: 4001 }));
  const left = (values: Float64Array): number => values.filter((x) => x < 0).length / values.length;
  const error = (p: number, n: number): number => Math.sqrt((p * (1 - p)) / n);

  it.each([0, 1, 2])("particles that start with such a density stay so, mass by mass: eps[%d]", async (k) => {
    const N = 40_000;
    const temperature = eps[k]! / 2;
    const edges = Float64Array.from({ length: 601 }, (_, i) => (i - 300) / 120);
    // the rule of the middles is exact to 1e-6 here
    const masses = edges.subarray(1).map((x) => Math.exp(-L(x - 1 / 240) / temperature));
    const problem = potentialProblem(confinement, { dimension: 1, start: densityStart({ edges: [edges], masses }) });
    // steps whose bias is below a tenth of the standard error at eps = 1, and none below, where no particle crosses in this time
    const process = langevin(problem, { neurons: N, stepSize: 0.002, temperature, seed: 4 });
    expect(Math.abs(left(await parametersAt(process, 1)) - mass[k]!)).toBeLessThan(3 * error(mass[k]!, N));
  });

  it("from one well, their law at any time is that of the steps, and goes to Gibbs' with time and step", async () => {
    const temperature = eps[2]! / 2;
    const start = { mean: 0.5, deviation: 0.2 };
    // The mass of x < 0 after some steps, by their transition density on 321 nodes. The trapezoidal rule is exact to 1e-9
    // for densities as smooth as these; half of the node at 0 counts, which misses a third of h² times the density's slope.
    const nodes = Float64Array.from({ length: 321 }, (_, i) => (i - 160) / 50);
    const exact = (stepSize: number, times: readonly number[]): number[] => {
      const normal = (x: number, v: number) => Math.exp((-x * x) / (2 * v)) / Math.sqrt(2 * Math.PI * v) / 50;
      const kernel = Array.from(nodes, (from) =>
        nodes.map((to) => normal(to - from + stepSize * slope(from), 2 * temperature * stepSize)),
      );
      let density = nodes.map((x) => normal(x - start.mean, start.deviation ** 2));
      let step = 0;
      return times.map((t) => {
        for (; step < Math.round(t / stepSize); step++) {
          const next = new Float64Array(nodes.length);
          density.forEach((m, i) => {
            const row = kernel[i]!;
            for (let j = 0; j < next.length; j++) next[j]! += m * row[j]!;
          });
          density = next;
        }
        return density.reduce((sum, m, i) => sum + (i < 160 ? m : i === 160 ? m / 2 : 0), 0);
      });
    };
    const N = 40_000;
    const times = [0.4, 2, 8, 24];
    const problem = potentialProblem(confinement, { dimension: 1, start: gaussian({ w: start }) });
    const simulation = await open(langevin(problem, { neurons: N, stepSize: 0.04, temperature, seed: 4 }));
    for (const [i, expected] of exact(0.04, times).entries()) {
      await simulation.advance(times[i]!);
      const measure = simulation.measure();
      if (measure.kind !== "particles") throw new Error("particles");
      expect(Math.abs(left(measure.values) - expected)).toBeLessThan(4.5 * error(expected, N));
    }
    simulation.free();
    // at rest the steps miss Gibbs' mass by their length, to the first order
    const off = [0.02, 0.01, 0.005].map((h) => exact(h, [60])[0]! - mass[2]!);
    expect(off[2]).toBeLessThan(2.5e-3);
    expect(Math.log2(off[1]! / off[2]!)).toBeGreaterThan(1);
    expect(Math.log2(off[1]! / off[2]!)).toBeLessThan(1.15);
    expect(Math.log2(off[0]! / off[1]!)).toBeLessThan(1.25);
  });
});
