// Particle dynamics: the orders of its two solvers, of gradient descent towards it, and its promises about bits.
//
// The problem is a finite law with smooth units, so that nothing but the step is approximated. The reference is Dormand–Prince
// at a tolerance of 1e-13; what it is worth is measured too, against 1e-12.

import { describe, expect, it } from "vitest";
import {
  affine,
  type Backend,
  DivergenceError,
  dataset,
  gaussian,
  gradientDescent,
  gradientFlow,
  open,
  type Process,
  particles,
  quadratic,
  relu,
  ridge,
  square,
  stream,
  tanh,
} from "../../src/index";

const d = 3;
const atoms = 12;
const words = stream(3);
const x = Array.from({ length: atoms }, (_, q) => Array.from(words.normals(d, { step: q })));
const labels = [...words.normals(atoms, { step: atoms })];
const problem = {
  law: dataset({ x, y: labels, weights: x.map((_, q) => 1 + (q % 3)) }),
  unit: affine(tanh(), { outputBias: true }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 0.5 } }),
  confinement: quadratic(0.05),
};
const neurons = 10;
const END = 2;

async function thetaAt(process: Process, t: number, backend: Backend = "simd", stops: number[] = []) {
  const simulation = await open(process, { backend });
  try {
    for (const stop of stops) {
      await simulation.advance(stop);
      simulation.measure();
    }
    await simulation.advance(t);
    const measure = simulation.measure();
    if (measure.kind !== "particles") throw new Error("particles");
    return Float64Array.of(...measure.values, ...(measure.outputBias ?? []));
  } finally {
    simulation.free();
  }
}

function apart(a: Float64Array, b: Float64Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

const reference = thetaAt(gradientFlow(problem, { neurons, seed: 1, tolerance: 1e-13 }), END);

/** log2 of the ratio of one error to the next, for a step that is halved each time. */
function slopes(errors: number[]): number[] {
  return errors.slice(1).map((error, i) => Math.log2(errors[i]! / error));
}

describe("the gradient flow", () => {
  it("by Dormand–Prince errs in proportion to the tolerance, from 1e-4 down to 1e-11", async () => {
    // Steps h keep h⁵ ∝ tolerance. The solution that is carried on has order 5, so its error at the end is ∝ h⁵ too. Over seven
    // decades its slope is 1 within 0.1; the flow draws paths together, so no error is above its tolerance (measured: 0.24 to 0.52).
    const tolerances = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11];
    const errors: number[] = [];
    for (const tolerance of tolerances) {
      const theta = await thetaAt(gradientFlow(problem, { neurons, seed: 1, tolerance }), END);
      errors.push(apart(theta, await reference));
    }
    for (const [i, error] of errors.entries()) expect(error / tolerances[i]!).toBeLessThan(1);
    const slope = Math.log10(errors[0]! / errors[7]!) / 7;
    expect(Math.abs(slope - 1)).toBeLessThan(0.1);
    // what the reference itself is worth is far below the smallest of these
    const coarser = await thetaAt(gradientFlow(problem, { neurons, seed: 1, tolerance: 1e-12 }), END);
    expect(apart(coarser, await reference)).toBeLessThan(errors[7]!);
  });

  it("by the classical rule of Runge and Kutta has order 4", async () => {
    // h from 1/5 to 1/80; the error is c₄h⁴ + c₅h⁵, so each slope is 4 up to a multiple of h, and the last is the nearest
    const errors: number[] = [];
    for (const steps of [10, 20, 40, 80, 160]) {
      const process = gradientFlow(problem, { neurons, seed: 1, method: "rungeKutta", timeStep: END / steps });
      errors.push(apart(await thetaAt(process, END), await reference));
    }
    const found = slopes(errors);
    for (const slope of found) expect(Math.abs(slope - 4)).toBeLessThan(0.25);
    expect(Math.abs(found[3]! - 4)).toBeLessThan(0.05);
  });

  it("is what gradient descent goes to at order 1", async () => {
    // ε from 1/32 to 1/512; θ_GD − θ_PD = c₁ε + c₂ε² + …, so the slopes are 1 + O(ε), and extrapolating two of them leaves ε²
    const steps = [64, 128, 256, 512, 1024];
    const ends: Float64Array[] = [];
    for (const count of steps) {
      ends.push(await thetaAt(gradientDescent(problem, { neurons, seed: 1, stepSize: END / count }), END));
    }
    const errors = await Promise.all(ends.map(async (theta) => apart(theta, await reference)));
    const found = slopes(errors);
    for (const slope of found) expect(Math.abs(slope - 1)).toBeLessThan(0.05);
    expect(Math.abs(found[3]! - 1)).toBeLessThan(0.005);
    const better = ends.slice(1).map((fine, i) => fine.map((value, j) => 2 * value - ends[i]![j]!));
    const left = await Promise.all(better.map(async (theta) => apart(theta, await reference)));
    for (const slope of slopes(left)) expect(Math.abs(slope - 2)).toBeLessThan(0.1);
  });

  it("runs a schedule as the same path in another time", async () => {
    // ξ = 1/(1 + t) from 0 to t is log(1 + t) of the flow's own time; the tolerance is a hundred times that of a step
    const schedule = { kind: "power", exponent: 1, offset: 1 } as const;
    const slowed = await thetaAt(
      gradientFlow(problem, { neurons, seed: 1, schedule, tolerance: 1e-10 }),
      Math.E ** END - 1,
    );
    expect(apart(slowed, await reference)).toBeLessThan(1e-8);
  });

  it.each(["dormandPrince", "rungeKutta"] as const)("has the same bits at any times asked for (%s)", async (method) => {
    const options = method === "rungeKutta" ? { timeStep: 0.07 } : {};
    const process = gradientFlow(problem, { neurons, seed: 1, method, ...options });
    const straight = await thetaAt(process, 1.23);
    expect(await thetaAt(process, 1.23, "simd", [0.001, 0.5, 0.50001, 1.2299])).toEqual(straight);
    expect(await thetaAt(process, 0)).toEqual(
      await thetaAt(gradientDescent(problem, { neurons, seed: 1, stepSize: 1 }), 0),
    );
  });

  it("goes on from a saved state to the same bits", async () => {
    const process = gradientFlow(problem, { neurons, seed: 1 });
    const first = await open(process);
    await first.advance(0.7);
    first.measure();
    const saved = first.save();
    await first.advance(1.5);
    const second = await open(process);
    second.restore(saved);
    expect(second.time).toBe(0.7);
    await second.advance(1.5);
    expect(second.measure()).toEqual(first.measure());
    first.free();
    second.free();
  });

  it("agrees between builds to round-off", async () => {
    // a few hundred sums of a dozen terms of size 1, in another order: 1e-12 is a hundred times what that leaves
    const process = gradientFlow(problem, { neurons, seed: 1, method: "rungeKutta", timeStep: 0.02 });
    expect(apart(await thetaAt(process, END, "js"), await thetaAt(process, END, "simd"))).toBeLessThan(1e-12);
  });

  it("says what to do where a step is too long", async () => {
    const wild = { ...problem, unit: ridge(square()), start: gaussian({ radius: 4 }), confinement: null };
    const process = gradientFlow(wild, { neurons, seed: 1, method: "rungeKutta", timeStep: 2 });
    await expect(thetaAt(process, 50)).rejects.toThrow(DivergenceError);
    await expect(thetaAt(process, 50)).rejects.toThrow(/take a smaller timeStep/);
  });

  it("says so where it crawls along a kink, and what goes on: fixed steps", async () => {
    // one unit relu(⟨w, x⟩): beyond ⟨w, x_1⟩ = 0 the first example pushes it back, before it the second pushes it on
    const kinked = {
      law: dataset({
        x: [
          [1, 0],
          [1, 1],
        ],
        y: [-1, 2],
      }),
      unit: ridge(relu()),
      start: particles([[0.2, 1.3]]),
    };
    const simulation = await open(gradientFlow(kinked, { neurons: 1 }));
    const enough = new AbortController();
    const onProgress = () => {
      if (simulation.warnings.length > 0) enough.abort("told");
    };
    await expect(simulation.advance(10, { signal: enough.signal, onProgress })).rejects.toBe("told");
    expect(simulation.warnings[0]).toMatch(/^The steps are very short since t = 0\.\d+: .*rungeKutta/);
    const again = await open(gradientFlow(kinked, { neurons: 1 }));
    again.restore(simulation.save());
    expect(again.warnings).toEqual(simulation.warnings);
    simulation.free();
    again.free();
    const [w1, w2] = await thetaAt(gradientFlow(kinked, { neurons: 1, method: "rungeKutta", timeStep: 0.01 }), 20);
    // it slides on ⟨w, x_1⟩ = 0 to where the second example is learned
    expect(Math.abs(w1!)).toBeLessThan(0.01);
    expect(Math.abs(w2! - 2)).toBeLessThan(0.02);
  });
});
