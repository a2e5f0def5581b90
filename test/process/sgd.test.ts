// SGD against a step-by-step reference that shares only the data stream with the kernels, and its promises about bits.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { CheckpointError, DivergenceError, SpecError } from "../../src/engine/errors";
import type { Backend } from "../../src/engine/kernels";
import {
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  relu,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import { writeLaw } from "../../src/model/blocks";
import { anisotropicGaussians, dataset, lawDimension, mixture, teacher } from "../../src/model/law";
import { startParticles } from "../../src/model/particles";
import { quadratic } from "../../src/model/potential";
import { parseProblem } from "../../src/model/problem";
import { gaussian, particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { affine, ridge } from "../../src/model/unit";
import { type SgdProcess, sgd } from "../../src/process/schema";
import { scheduleFactor } from "../../src/process/steps";
import { open } from "../../src/study/open";
import { plainVelocities } from "./plainNetwork";

const backends: Backend[] = ["simd", "js"];

const law = (d: number) => anisotropicGaussians({ dimension: d, signal: Math.max(1, d >> 1), delta: 0.6 });
const seedUnit = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);

/** θ after `steps` steps, one step at a time in f64, straight from θ += (ε/m) Σ r ∇σ*. */
async function reference(process: SgdProcess, backend: Backend, steps: number): Promise<Float64Array> {
  const { problem, neurons, batchSize, stepSize, schedule, seed, replica } = process;
  const engine = await loadEngine({ backend });
  const memory = engine.memory();
  const d = lawDimension(problem.law);
  const block = writeLaw(memory, problem, process.replacement);
  const at = memory.reserve("f64", d);
  const label = memory.reserve("f64", 1);
  const { value, derivative } = activationFunctions(problem.unit.activation);
  const affineUnit = problem.unit.kind === "affine";
  const train = problem.unit.kind === "affine" && problem.unit.trainOutput;
  const offset = affineUnit ? 2 : 0;
  const D = d + offset;
  const theta = startParticles(problem, neurons, { seed, replica });
  for (let k = 0; k < steps; k++) {
    const change = new Float64Array(theta.length);
    for (let b = 0; b < batchSize; b++) {
      engine.kernels.example_f64(block, at, label, seed, 0, replica, k * batchSize + b);
      const y = memory.f64(label, 1)[0]!;
      const x = memory.f64(at, d).slice();
      const h = new Float64Array(neurons);
      let f = 0;
      for (let i = 0; i < neurons; i++) {
        h[i] = affineUnit ? theta[i * D + 1]! : 0;
        for (let j = 0; j < d; j++) h[i]! += theta[i * D + offset + j]! * x[j]!;
        f += (affineUnit ? theta[i * D]! : 1) * value(h[i]!);
      }
      const r = ((stepSize * scheduleFactor(schedule, k * stepSize)) / batchSize) * (y - f / neurons);
      for (let i = 0; i < neurons; i++) {
        const slope = r * (affineUnit ? theta[i * D]! : 1) * derivative(h[i]!);
        if (train) change[i * D]! += r * value(h[i]!);
        if (affineUnit) change[i * D + 1]! += slope;
        for (let j = 0; j < d; j++) change[i * D + offset + j]! += slope * x[j]!;
      }
    }
    for (let p = 0; p < theta.length; p++) theta[p]! += change[p]!;
  }
  memory.free();
  return theta;
}

async function run(process: SgdProcess, backend: Backend, steps: number): Promise<Float64Array> {
  const simulation = await open(process, { backend });
  await simulation.advance(steps * process.stepSize);
  const measure = simulation.measure();
  expect(simulation.step).toBe(steps);
  simulation.free();
  if (measure.kind !== "particles") throw new Error("SGD yields particles");
  return measure.values;
}

function largestGap(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  let gap = 0;
  for (let i = 0; i < a.length; i++) gap = Math.max(gap, Math.abs(a[i]! - b[i]!));
  return gap;
}

describe.each(backends)("SGD in the %s build", (backend) => {
  // Round-off only: 40 steps with weights of order one; f64 sums of ≤ 40 terms differ by < 1e-13 a step, f32 by < 1e-5.
  it.each([
    ["ridge, batch 1", 17, 7, 1, ridge(seedUnit)],
    ["one neuron, one input", 1, 1, 1, ridge(tanh())],
    ["batch 2", 9, 5, 2, ridge(tanh())],
    ["batch 3 (a tile not full)", 12, 6, 3, ridge(tanh())],
    ["batch 4", 16, 8, 4, ridge(seedUnit)],
    ["batch 9 (several tiles)", 10, 4, 9, ridge(tanh())],
    ["affine, trained output", 13, 5, 1, affine(tanh())],
    ["affine, batch 2", 13, 5, 2, affine(relu())],
    ["affine, fixed output", 13, 5, 1, affine(tanh(), { trainOutput: false })],
    ["more neurons than a chunk", 300, 3, 1, affine(tanh())],
  ] as const)(
    "the time-blocked form equals the step-by-step form to round-off: %s",
    async (_, n, d, batchSize, unit) => {
      const start =
        unit.kind === "affine"
          ? gaussian({ radius: 1, a: { mean: 1, deviation: 0.5 }, b: 0.1 })
          : gaussian({ radius: 1 });
      for (const steps of [1, 3, 40, 41]) {
        const options = { neurons: n, stepSize: 0.02, batchSize, seed: 5 };
        const process = sgd({ law: law(d), unit, start }, options);
        const expected = await reference(process, backend, steps);
        expect(largestGap(await run(process, backend, steps), expected)).toBeLessThan(1e-11);
        const single = sgd({ law: law(d), unit, start }, { ...options, precision: "f32" });
        expect(largestGap(await run(single, backend, steps), expected)).toBeLessThan(2e-4);
      }
    },
  );

  it.each([
    relu(),
    leakyRelu(0.1),
    truncatedRelu(),
    tanh(),
    erf(),
    logistic(),
    softplus(),
    silu(),
    cosine(),
    identity(),
    square(),
    piecewiseLinear([
      [-1, 0],
      [0, 1],
      [0.5, -1],
      [2, 0.5],
    ]),
    tabulate((t) => t / (1 + t * t), { from: -4, to: 4, points: 401 }),
  ])("every activation moves as its formula says: $kind", async (activation) => {
    const process = sgd(
      { law: law(5), unit: affine(activation), start: gaussian({ radius: 1 }) },
      { neurons: 11, stepSize: 0.01, seed: 3 },
    );
    // polynomials of the kernels against those of TypeScript: a few units in the last place a step
    expect(largestGap(await run(process, backend, 20), await reference(process, backend, 20))).toBeLessThan(1e-12);
  });

  it.each([
    [
      "finite, with replacement",
      dataset({
        x: [
          [1, 0],
          [0, 1],
          [1, 1],
        ],
        y: [1, -1, 0.5],
        weights: [1, 2, 1],
      }),
      true,
    ],
    [
      "finite, in the order of epochs",
      dataset({
        x: [
          [1, 0],
          [0, 1],
          [1, 1],
        ],
        y: [1, -1, 0.5],
      }),
      false,
    ],
    ["teacher", teacher({ dimension: 3, neurons: 3, activation: tanh(), noise: 0.1, seed: 4 }), true],
    [
      "mixture",
      mixture([
        {
          weight: 1,
          mean: [1, 0],
          covariance: [
            [1, 0.5],
            [0.5, 2],
          ],
          label: 1,
        },
        {
          weight: 3,
          mean: [-1, 0],
          covariance: [
            [1, 0],
            [0, 1],
          ],
          label: -1,
        },
      ]),
      true,
    ],
    ["rotated Gaussians", anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5, rotation: { seed: 9 } }), true],
  ] as const)("every law drives it: %s", async (_, data, replacement) => {
    const process = sgd(
      { law: data, unit: ridge(tanh()), start: gaussian({ radius: 1 }) },
      { neurons: 6, stepSize: 0.05, seed: 2, replacement },
    );
    expect(largestGap(await run(process, backend, 30), await reference(process, backend, 30))).toBeLessThan(1e-12);
  });

  it("a schedule multiplies the step size at its own time", async () => {
    for (const schedule of [
      { kind: "power", exponent: 0.7, offset: 0.5 } as const,
      { kind: "piecewise", times: [0.3, 0.6], factors: [0.5, 0.1] } as const,
    ]) {
      const process = sgd(
        { law: law(4), unit: ridge(tanh()), start: gaussian({ radius: 1 }) },
        { neurons: 6, stepSize: 0.05, seed: 2, schedule: schedule as never },
      );
      expect(largestGap(await run(process, backend, 30), await reference(process, backend, 30))).toBeLessThan(1e-12);
    }
  });

  it("does not depend on the times asked for, on chunks, or on a stop and a restore: the same bits", async () => {
    const process = sgd(
      { law: law(6), unit: affine(tanh()), start: gaussian({ radius: 1 }) },
      { neurons: 21, stepSize: 0.01, seed: 7 },
    );
    const whole = await run(process, backend, 103);
    const parts = await open(process, { backend });
    for (const step of [1, 2, 5, 50, 51, 99]) await parts.advance(step * 0.01);
    const saved = parts.save();
    await parts.advance(1.03);
    expect(parts.measure()).toMatchObject({ values: whole });
    parts.free();
    const resumed = await open(process, { backend });
    resumed.restore(saved);
    expect(resumed.step).toBe(99);
    await resumed.advance(1.03);
    expect(resumed.measure()).toMatchObject({ values: whole });
    resumed.free();
  });

  it("two advances at once take turns, and more examples than can be counted are refused", async () => {
    const process = sgd(
      { law: law(6), unit: affine(tanh()), start: gaussian({ radius: 1 }) },
      { neurons: 21, stepSize: 0.01, seed: 7 },
    );
    const simulation = await open(process, { backend });
    const [first, second, back] = await Promise.allSettled([
      simulation.advance(0.51),
      simulation.advance(1.03),
      simulation.advance(0.7),
    ]);
    expect([first.status, second.status, back.status]).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(simulation.measure()).toMatchObject({ values: await run(process, backend, 103) });
    await expect(simulation.advance(1e300)).rejects.toThrow(/2\^53/);
    simulation.free();
  });

  it("one seed repeats, two seeds and two replicas differ", async () => {
    const of = (seed: number, replica: number) =>
      run(
        sgd(
          { law: law(4), unit: ridge(tanh()), start: gaussian({ radius: 1 }) },
          { neurons: 5, stepSize: 0.1, seed, replica },
        ),
        backend,
        8,
      );
    const [a, b, c, d] = await Promise.all([of(1, 0), of(1, 0), of(2, 0), of(1, 1)]);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(a).not.toEqual(d);
  });

  it("particle i starts in the same place whatever N", async () => {
    const of = (neurons: number) =>
      run(
        sgd({ law: law(4), unit: affine(tanh()), start: gaussian({ radius: 1 }) }, { neurons, stepSize: 0.1, seed: 1 }),
        backend,
        0,
      );
    const [few, many] = await Promise.all([of(10), of(20)]);
    expect(many!.slice(0, few!.length)).toEqual(few);
  });

  it("a divergence names step and time, and its snapshot goes on from a good state", async () => {
    const process = sgd(
      { law: law(4), unit: ridge(square()), start: gaussian({ radius: 3 }) },
      { neurons: 5, stepSize: 5, seed: 1 },
    );
    const simulation = await open(process, { backend });
    const error = await simulation.advance(5000).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DivergenceError);
    const { step, time, snapshot } = error as DivergenceError;
    expect(time).toBe(step * 5);
    expect(step).toBeGreaterThan(0);
    simulation.restore(snapshot!);
    expect(simulation.step).toBeLessThanOrEqual(step);
    const measure = simulation.measure();
    expect(measure.kind === "particles" && measure.values.every(Number.isFinite)).toBe(true);
    simulation.free();
  });

  it("refuses to go back in time and to restore a state that is not its own", async () => {
    const make = (seed: number) =>
      open(
        sgd({ law: law(4), unit: ridge(tanh()), start: gaussian({ radius: 1 }) }, { neurons: 5, stepSize: 0.1, seed }),
        {
          backend,
        },
      );
    const [a, b] = await Promise.all([make(1), make(2)]);
    await a.advance(1);
    await expect(a.advance(0.5)).rejects.toBeInstanceOf(SpecError);
    const saved = a.save();
    expect(() => b.restore(saved)).toThrow(CheckpointError);
    expect(() => a.restore(saved.slice(0, -3))).toThrow(/damaged/);
    const flipped = saved.slice();
    flipped[saved.length - 20]! ^= 1;
    expect(() => a.restore(flipped)).toThrow(/damaged/);
    expect(() => a.restore(new Uint8Array(0))).toThrow(CheckpointError);
    expect(() => a.restore(new TextEncoder().encode("MFSTATE9............"))).toThrow(/another version/);
    expect(a.step).toBe(10);
    a.free();
    b.free();
  });
});

describe("examples with a share of the confinement each", () => {
  // by plainNetwork.ts: θ + ε (v(θ; z) + decay_z (−∇U)) for the atom z that is drawn; one atom a step, so one of the two states
  it.each(["f64", "f32"] as const)("move by their own share of it: %s", async (precision) => {
    const problem = parseProblem({
      law: dataset({ x: [[1], [-2]], y: [0.5, 1], decay: [0.5, 3] }),
      unit: ridge(tanh()),
      start: gaussian({ radius: 1 }),
      confinement: quadratic(0.7),
    });
    const theta = startParticles(problem, 5, { seed: 1, replica: 0 });
    const { velocity, confinement } = plainVelocities(problem, theta, 5);
    const { decay } = problem.law as Extract<typeof problem.law, { kind: "dataset" }>;
    const seen = new Set<number>();
    for (let replica = 0; replica < 12; replica++) {
      const start = particles(tensor(theta, [5, 1]));
      const simulation = await open(
        sgd({ ...problem, start }, { neurons: 5, stepSize: 0.1, seed: 1, replica, precision }),
      );
      await simulation.advance(0.1);
      const measure = simulation.measure();
      simulation.free();
      if (measure.kind !== "particles") throw new TypeError("particles");
      const gaps = [0, 1].map((q) =>
        measure.values.reduce((most, x, i) => {
          const expected = theta[i]! + 0.1 * (velocity[q]![i]! + decay!.data[q]! * confinement[i]!);
          return Math.max(most, Math.abs(x - expected));
        }, 0),
      );
      expect(Math.min(...gaps)).toBeLessThan(precision === "f64" ? 1e-15 : 1e-6);
      seen.add(gaps.indexOf(Math.min(...gaps)));
    }
    expect(seen.size).toBe(2);
  });

  it("need a confinement that they can share", () => {
    const law = dataset({ x: [[1], [-2]], y: [0.5, 1], decay: [0.5, 3] });
    const problem = { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) };
    expect(() => sgd(problem, { neurons: 5, stepSize: 0.1 })).toThrow(/problem.confinement: .*law.decay/);
  });
});

describe("SGD in f32", () => {
  it("warns with the share of updates that f32 loses, and only then", async () => {
    const problem = { law: law(10), unit: ridge(tanh()), start: gaussian({ radius: 1 }) };
    const tiny = await open(sgd(problem, { neurons: 20, stepSize: 1e-9, precision: "f32", seed: 1 }));
    await tiny.advance(4e-8);
    expect(tiny.warnings.join()).toMatch(/f32 loses \d+ % of the updates/);
    tiny.free();
    const usual = await open(sgd(problem, { neurons: 20, stepSize: 1e-2, precision: "f32", seed: 1 }));
    await usual.advance(0.4);
    expect(usual.warnings).toEqual([]);
    usual.free();
  });
});

describe("given particles", () => {
  it("start where they were given, and another number of neurons is refused", async () => {
    const theta = [
      [1, 2],
      [3, 4],
    ];
    const problem = { law: law(2), unit: ridge(tanh()), start: particles(theta) };
    expect(Array.from(await run(sgd(problem, { neurons: 2, stepSize: 0.1 }), "simd", 0))).toEqual([1, 2, 3, 4]);
    expect(() => sgd(problem, { neurons: 3, stepSize: 0.1 })).toThrow(SpecError);
  });
});
