// Runs that are stopped in their midst, one after another, of every process; and what they leave in the kernels' memory.

import { expect } from "vitest";
import {
  adam,
  affine,
  anisotropicGaussians,
  type Backend,
  correlatedNoise,
  dataset,
  fluctuations,
  fokkerPlanck,
  gaussian,
  gradientDescent,
  gradientFlow,
  langevin,
  loadEngine,
  localPotential,
  modifiedFlow,
  nonlinear,
  type Process,
  potentialProblem,
  quadratic,
  radialFlow,
  relu,
  ridge,
  sgd,
  smfeGrid,
  solve,
  stream,
  tanh,
} from "../../src/index";

const x = Array.from({ length: 30 }, (_, q) => Array.from(stream(3).normals(2, { step: q })));
const classes = {
  law: dataset({ x, y: x.map((_, q) => q % 3) }),
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
  loss: "crossEntropy" as const,
};
const gaussians = {
  law: anisotropicGaussians({ dimension: 6, delta: 0.5 }),
  unit: ridge(relu()),
  start: gaussian({ radius: 1 }),
};
const signs = { ...gaussians, law: dataset({ x, y: x.map((_, q) => (q % 2 ? 1 : -1)) }), loss: "logistic" as const };
const line = { ...signs, law: dataset({ x: [[1], [-0.5]], y: [1, -1] }), unit: ridge(tanh()) };
const local = localPotential(
  () => 0,
  (theta) => theta,
);
const steps = { neurons: 60, stepSize: 0.001, seed: 1 };
const flow = { neurons: 20, tolerance: 1e-10, seed: 1 };

/** Processes that are not near their end after a chunk, by name. */
export const processes: [string, Process][] = [
  ["SGD, 3 classes, noisy", sgd(classes, { ...steps, temperature: 0.1, batchSize: 4, replacement: false })],
  ["gradient descent, full", gradientDescent(classes, steps)],
  ["gradient descent, population", gradientDescent(gaussians, { ...steps, neurons: 9 })],
  ["gradient descent, quadrature", gradientDescent({ ...gaussians, loss: "logistic" }, { ...steps, points: 500 })],
  ["Langevin dynamics, batch, f32", langevin(signs, { ...steps, temperature: 1, gradient: "batch", precision: "f32" })],
  [
    "Langevin dynamics in a potential of one's own",
    langevin(potentialProblem(local, { dimension: 2, start: gaussian({ radius: 1 }) }), { ...steps, temperature: 1 }),
  ],
  ["gradient flow", gradientFlow({ ...classes, confinement: quadratic(0.1) }, flow)],
  ["nonlinear among particles", nonlinear(signs, { neurons: 3, limit: gradientFlow(signs, { ...flow, seed: 2 }) })],
  [
    "nonlinear in the radial flow",
    nonlinear(gaussians, { neurons: 3, limit: radialFlow(gaussians, { particles: 50, degree: 4, tolerance: 1e-12 }) }),
  ],
  [
    "nonlinear in the radial flow on its grid",
    nonlinear(gaussians, { neurons: 3, limit: radialFlow(gaussians, { method: "grid", cells: 16, degree: 4 }) }),
  ],
  ["modified flow of order 2, Heun", modifiedFlow(classes, { ...steps, order: 2, method: "heun" })],
  ["modified flow, sampled law, f32", modifiedFlow(gaussians, { ...steps, points: 99, examples: 4, precision: "f32" })],
  ["fluctuations", fluctuations(classes, { neurons: 9, particles: 60, stepSize: 0.001, initialNoise: "sample" })],
  [
    "fluctuations on a grid",
    fluctuations(line, { neurons: 9, stepSize: 1e-4, method: "grid", cells: 16, box: [-6, 6] }),
  ],
  ["gradient descent with momentum", gradientDescent(classes, { ...steps, momentum: 0.9 })],
  ["Adam, batch, f32", adam(classes, { ...steps, gradient: "batch", precision: "f32" })],
  ["correlated noise", correlatedNoise(classes, { neurons: 3, stepSize: 0.001, seed: 1 })],
  ["Fokker–Planck", fokkerPlanck(signs, { temperature: 0.1, cells: 16, box: [-6, 6], timeStep: 1e-4 })],
  ["stochastic mean-field equation on a grid", smfeGrid(line, { stepSize: 1e-4, cells: 16, box: [-6, 6] })],
];

/**
 * The memory in use, and the memory taken, is the same after `runs` aborted runs as after the first twenty of them.
 *
 * @param runs  how many, at least 20
 */
export async function staysFlat(process: Process, backend: Backend, runs: number): Promise<void> {
  const engine = await loadEngine({ backend });
  const abortOne = async () => {
    const controller = new AbortController();
    const run = await solve(process, {
      times: [1e6],
      backend,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect(run.status).toBe("aborted");
  };
  for (let i = 0; i < 20; i++) await abortOne();
  const before = engine.usage();
  for (let i = 20; i < runs; i++) await abortOne();
  expect(engine.usage()).toEqual(before);
  expect(before.live).toBe(0);
}
