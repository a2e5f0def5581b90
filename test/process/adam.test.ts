// Adam and the heavy ball: against their recursions written out on gradients written out, promises about bits, and wrong use.
//
// The kernels' gradients are those of plainNetwork.ts to round-off, about 1e-15 of their size; forty steps of Adam, whose quotient m̂/√ŝ has
// the relative error of a gradient, leave 1e-12, and 1e-10 is asked. Batches, schedules and laws are checked against SGD, of which
// both are a limit. Not covered here: frozen bits, saved states and workers (test/study/bits.test.ts), kernels (test/engine/moments.test.ts).

import { describe, expect, it } from "vitest";
import { CheckpointError, DivergenceError, SpecError } from "../../src/engine/errors";
import { relu, tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";
import { quadratic } from "../../src/model/potential";
import { type Problem, parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import { adam, gradientDescent, langevin, type Process, type Schedule, sgd } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { open } from "../../src/study/open";
import { solve } from "../../src/study/solve";
import { plainVelocities } from "./plainNetwork";

const N = 13;
const x = Array.from({ length: 30 }, (_, q) => Array.from(stream(3).normals(2, { step: q })));
const start = gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } });
const classes = parseProblem({
  law: dataset({ x, y: x.map((_, q) => q % 3), weights: x.map((_, q) => 1 + (q % 4)) }),
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start,
  loss: "crossEntropy",
});
const confined = parseProblem({
  law: dataset({ x, y: x.map(([a, b]) => a! - b!) }),
  unit: affine(relu(), { trainBias: false }),
  start,
  confinement: quadratic(0.3),
});

/** θ of a run at step `steps`, and the output bias behind it. */
async function stateAt(process: Process & { stepSize: number }, steps: number): Promise<Float64Array> {
  const simulation = await open(process);
  await simulation.advance(steps * process.stepSize);
  const measure = simulation.measure();
  simulation.free();
  if (measure.kind !== "particles") throw new TypeError("particles");
  return Float64Array.of(...measure.values, ...(measure.outputBias ?? []));
}

function startOf(problem: Problem, seed: number): Float64Array {
  const theta = startParticles(problem, N, { seed, replica: 0 });
  const { unit } = problem;
  return Float64Array.of(
    ...theta,
    ...(unit.kind === "affine" && unit.outputBias ? new Float64Array(unit.outputs) : []),
  );
}

// Σ_q m_q r_q ∇σ* − ∇U, with what is not trained at rest
function gradientAt(problem: Problem, theta: Float64Array): Float64Array {
  const { velocity, masses, confinement } = plainVelocities(problem, theta, N);
  const out = confinement.slice();
  velocity.forEach((v, q) => {
    for (let i = 0; i < out.length; i++) out[i]! += masses[q]! * v[i]!;
  });
  return out;
}

const largestGap = (a: Float64Array, b: Float64Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((gap, value, i) => Math.max(gap, Math.abs(value - b[i]!)), 0);
};

const schedule: Schedule = { kind: "piecewise", times: [1], factors: [0.25] };
const problems: [string, Problem][] = [
  ["3 classes with an output bias, weighted atoms", classes],
  ["a confinement, biases that are kept", confined],
];

describe("Adam", () => {
  it.each(problems)("is its recursion, to round-off: %s", async (_, problem) => {
    const [stepSize, beta1, beta2, stabiliser] = [0.1, 0.8, 0.97, 1e-6];
    const theta = startOf(problem, 5);
    const m = new Float64Array(theta.length);
    const s = new Float64Array(theta.length);
    let [b1, b2] = [1, 1];
    for (let k = 0; k < 40; k++) {
      const g = gradientAt(problem, theta);
      b1 *= beta1;
      b2 *= beta2;
      for (let i = 0; i < theta.length; i++) {
        m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
        s[i] = beta2 * s[i]! + (1 - beta2) * g[i]! * g[i]!;
        const epsilon = k * stepSize >= 1 ? 0.25 * stepSize : stepSize;
        theta[i]! += (epsilon * (m[i]! / (1 - b1))) / (Math.sqrt(s[i]! / (1 - b2)) + stabiliser);
      }
    }
    const options = { neurons: N, stepSize, beta1, beta2, stabiliser, schedule, seed: 5 };
    expect(largestGap(await stateAt(adam(problem, options), 40), theta)).toBeLessThan(1e-10);
    // f32 keeps seven digits of numbers of size 1, forty times
    const single = await stateAt(adam(problem, { ...options, precision: "f32" }), 40);
    expect(largestGap(single, theta)).toBeLessThan(2e-3);
  });

  // the first step is ε g/(|g| + ε̂)
  it("moves every number by ε in its first step, whatever the size of its gradient", async () => {
    const theta = startOf(classes, 1);
    const moved = await stateAt(adam(classes, { neurons: N, stepSize: 0.1, seed: 1 }), 1);
    const g = gradientAt(classes, theta);
    moved.forEach((value, i) => {
      expect(Math.abs(value - theta[i]! - (0.1 * g[i]!) / (Math.abs(g[i]!) + 1e-8))).toBeLessThan(1e-12);
    });
  });

  // without memory it is θ + ε g/(|g| + ε̂), SGD of step ε/ε̂ but for a share |g|/ε̂ < 1e-7
  const law = anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 });
  const remembersNothing = { beta1: 0, beta2: 0, stabiliser: 1e9 };
  it.each<[string, Problem, { batchSize: number; replacement?: boolean }]>([
    ["a finite law", classes, { batchSize: 4 }],
    ["epochs", confined, { batchSize: 7, replacement: false }],
    ["a sampled law", parseProblem({ law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) }), { batchSize: 3 }],
  ])("takes SGD's batches: %s", async (_, problem, batches) => {
    const common = { neurons: N, schedule, seed: 4, ...batches };
    const found = await stateAt(
      adam(problem, {
        ...common,
        ...remembersNothing,
        gradient: "batch",
        stepSize: 1e8 * 0.5,
        schedule: { kind: "constant" },
      }),
      30,
    );
    const expected = await stateAt(sgd(problem, { ...common, stepSize: 0.05, schedule: { kind: "constant" } }), 30);
    expect(largestGap(expected, startOf(problem, 4))).toBeGreaterThan(0.05);
    expect(largestGap(found, expected)).toBeLessThan(1e-5);
  });

  it("takes the population gradient of a law that is sampled", async () => {
    const problem = { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) };
    const found = await stateAt(adam(problem, { neurons: N, stepSize: 5e7, ...remembersNothing }), 10);
    expect(largestGap(found, await stateAt(gradientDescent(problem, { neurons: N, stepSize: 0.05 }), 10))).toBeLessThan(
      1e-6,
    );
  });

  it("stops with the last good state where it diverges", async () => {
    const process = adam(confined, { neurons: N, stepSize: 1e99, seed: 1 });
    const simulation = await open(process);
    const error = await simulation.advance(1e101).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DivergenceError);
    const { snapshot, message } = error as DivergenceError;
    expect(message).toContain("step size");
    simulation.restore(snapshot!);
    for (const value of (simulation.measure() as { values: Float64Array }).values)
      expect(value).toSatisfy(Number.isFinite);
    simulation.free();
  });

  it("says in its provenance that a step is its own", async () => {
    const run = await solve(adam(classes, { neurons: N, stepSize: 0.1 }), { times: [0] });
    expect(run.provenance.conventions).toMatch(/^time t = kε .* a step is Adam's along r ∇σ\*/);
    expect(run.provenance.method).toBe("full: all 30 atoms");
    const ball = await solve(gradientDescent(classes, { neurons: N, stepSize: 0.1, momentum: 0.5 }), { times: [0] });
    expect(ball.provenance.conventions).toContain("momentum μ = 0.5, 1/(1 − μ) as fast");
  });

  it("does not take a state that was saved without its moments", async () => {
    const [mine, other] = await Promise.all([
      open(adam(classes, { neurons: N, stepSize: 0.1 })),
      open(gradientDescent(classes, { neurons: N, stepSize: 0.1 })),
    ]);
    expect(() => mine.restore(other.save())).toThrow(CheckpointError);
    // the state is θ and two moments of its size
    expect(mine.save().length - other.save().length).toBeGreaterThan(1.9 * N * 6 * 8);
    mine.free();
    other.free();
  });

  // steps of 1e-9 are below half a unit in the last place of weights of size 0.1 and more
  it("says so where f32 loses its steps", async () => {
    const options = { neurons: 100, precision: "f32" as const };
    const run = await solve(adam(classes, { ...options, stepSize: 1e-9 }), { times: [3e-9] });
    expect(run.warnings[0]).toContain("f32 loses");
    expect((await solve(adam(classes, { ...options, stepSize: 0.01 }), { times: [0.03] })).warnings).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["β1 = 1", { beta1: 1 }, "beta1"],
    ["a negative β2", { beta2: -0.1 }, "beta2"],
    ["ε̂ = 0", { stabiliser: 0 }, "stabiliser"],
    ["ε̂ that is 0 in f32", { stabiliser: 1e-60, precision: "f32" }, "stabiliser"],
    ["no step", { stepSize: 0 }, "stepSize"],
    ["a batch size of a full gradient", { batchSize: 8 }, "batchSize"],
    ["a batch larger than an epoch", { gradient: "batch", batchSize: 31, replacement: false }, "batchSize"],
    ["momentum, which it has as β1", { momentum: 0.9 }, "momentum"],
    // 2^24 neurons of 6 numbers: the state, its copy, two moments and theirs, the velocity, θ
    ["more than memory holds", { neurons: 2 ** 24 }, "neurons"],
  ])("with %s is a SpecError that names the field", (_, options, field) => {
    const law = { ...classes.law, weights: null };
    expect(() => adam({ ...classes, law } as Problem, { neurons: N, stepSize: 0.1, ...options } as never)).toThrow(
      SpecError,
    );
    expect(() => adam({ ...classes, law } as Problem, { neurons: N, stepSize: 0.1, ...options } as never)).toThrow(
      new RegExp(`^process\\.${field}: `),
    );
  });
});

describe("the heavy ball", () => {
  it.each(problems)("is its recursion, to round-off: %s", async (_, problem) => {
    const [stepSize, momentum] = [0.1, 0.9];
    const theta = startOf(problem, 5);
    const u = new Float64Array(theta.length);
    for (let k = 0; k < 40; k++) {
      const g = gradientAt(problem, theta);
      for (let i = 0; i < theta.length; i++) {
        u[i] = momentum * u[i]! + g[i]!;
        theta[i]! += (k * stepSize >= 1 ? 0.25 * stepSize : stepSize) * u[i]!;
      }
    }
    const options = { neurons: N, stepSize, momentum, schedule, seed: 5 };
    expect(largestGap(await stateAt(gradientDescent(problem, options), 40), theta)).toBeLessThan(1e-11);
    const single = await stateAt(gradientDescent(problem, { ...options, precision: "f32" }), 40);
    expect(largestGap(single, theta)).toBeLessThan(1e-4);
  });

  // with next to no momentum it is SGD; one output goes by another kernel without it
  it.each<[string, Problem]>([
    ["3 classes", classes],
    ["one output", parseProblem({ law: confined.law, unit: affine(tanh()), start })],
  ])("takes SGD's batches: %s", async (_, problem) => {
    const options = { neurons: N, stepSize: 0.05, batchSize: 3, schedule, seed: 4 };
    const found = await stateAt(sgd(problem, { ...options, momentum: 1e-300 }), 50);
    expect(largestGap(found, await stateAt(sgd(problem, options), 50))).toBeLessThan(1e-11);
  });

  // u settles at g/(1 − μ): small steps with momentum are the gradient flow, 1/(1 − μ) as fast
  it("goes 1/(1 − μ) as fast as descent", async () => {
    const slow = await stateAt(gradientDescent(classes, { neurons: N, stepSize: 1e-3 }), 1000);
    const fast = await stateAt(gradientDescent(classes, { neurons: N, stepSize: 1e-4, momentum: 0.9 }), 1009);
    const moved = largestGap(slow, startOf(classes, 0));
    expect(moved).toBeGreaterThan(0.1);
    // nine steps for the velocity to settle, whose mean lag is what is taken off
    expect(largestGap(fast, slow)).toBeLessThan(0.01 * moved);
  });

  it("takes no noise, and no momentum of 1 or more", () => {
    const options = { neurons: N, stepSize: 0.1 };
    expect(() => sgd(classes, { ...options, momentum: 0.5, temperature: 0.1 })).toThrow(/^process\.momentum: /);
    expect(() => sgd(classes, { ...options, momentum: 1 })).toThrow(/^process\.momentum: /);
    expect(() => gradientDescent(classes, { ...options, momentum: -0.1 })).toThrow(/^process\.momentum: /);
    expect(() => langevin(classes, { ...options, temperature: 0.1, momentum: 0.5 } as never)).toThrow(
      /^process\.momentum: /,
    );
  });
});
