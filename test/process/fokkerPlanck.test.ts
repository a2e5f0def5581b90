// The Fokker–Planck equation as a process: shared/reference/langevin.json through the public functions, what the solver
// chooses, states, and wrong use. The numerics have tests of their own.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CheckpointError,
  coordinate,
  dataset,
  densityStart,
  dissipation,
  entropy,
  type FokkerPlanckProcess,
  fokkerPlanck,
  freeEnergy,
  type Grid,
  gaussian,
  identity,
  localPotential,
  moments,
  open,
  parseProcess,
  particles,
  potentialProblem,
  predictions,
  quadratic,
  ridge,
  risk,
  SpecError,
  separable,
  solve,
  specHash,
  square,
  stationaryLaw,
  tabulate,
  tanh,
  w2,
} from "../../src/index";
import reference from "../reference/langevin.json";

const { parameters, stationary, atTime1 } = reference.meanFieldOrnsteinUhlenbeck;
const { c, kappa, sigma, M0, v0 } = parameters;
const tau = (sigma * sigma) / 2;
/** What the reference's U = κx²/2 + ½ log(2π/κ) has beyond our confinement, times τ. */
const constant = (tau * Math.log((2 * Math.PI) / kappa)) / 2;

// F(m) = (∫x dm − c)²/2: one example x = 1, y = c, and units σ(w x) = w.
const ornsteinUhlenbeck = {
  law: dataset({ x: [[1]], y: [c] }),
  unit: ridge(identity()),
  start: gaussian({ w: { mean: M0, deviation: Math.sqrt(v0) } }),
  confinement: quadratic(tau * kappa),
};

const plane = {
  law: dataset({
    x: [
      [1, 0.2],
      [-0.3, 0.8],
      [0.5, -1],
    ],
    y: [0.4, -0.2, 0.3],
    weights: [1, 2, 1],
  }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
  confinement: quadratic(0.2),
};

const doubleWell = (x: number): number => (x * x - 1) ** 2 * (1 + 0.8 * Math.tanh(x));

function asGrid(measure: unknown): Grid {
  const grid = measure as Grid;
  expect(grid).toMatchObject({ kind: "grid", coordinates: "theta" });
  return grid;
}

const total = (m: Float64Array): number => m.reduce((sum, x) => sum + x, 0);

describe("the mean-field Ornstein–Uhlenbeck process meets the reference to 1e-6", () => {
  // the variance is off by h² (0.6 + 1/12) = 9e-7 at these cells, less 4e-7 of the steps at this tolerance, both measured
  const process = fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, box: [-4.2, 5.2], cells: 8192, tolerance: 1e-8 });

  test("at time 1, and its stationary law", async () => {
    const run = await solve(process, {
      times: [1],
      observe: { w: moments("w0"), freeEnergy: freeEnergy(), dissipation: dissipation(), risk: risk() },
      keep: "measures",
    });
    const [M, square] = run.observables.w!.values;
    expect(Math.abs(M! - atTime1.mean)).toBeLessThan(1e-6);
    expect(Math.abs(square! - M! * M! - atTime1.variance)).toBeLessThan(1e-6);
    expect(Math.abs(run.observables.freeEnergy!.values[0]! + constant - atTime1.freeEnergy)).toBeLessThan(1e-6);
    expect(Math.abs(run.observables.dissipation!.values[0]! - atTime1.dissipation)).toBeLessThan(1e-6);
    // R = (c − M)²
    expect(Math.abs(run.observables.risk!.values[0]! - (c - atTime1.mean) ** 2)).toBeLessThan(2e-6);
    expect(run.warnings).toEqual([]);

    const { measure, residual, freeEnergy: rest } = await stationaryLaw(process);
    expect(residual).toBeLessThan(1e-12);
    const law = coordinate(measure, "w0", process.problem);
    const middle = (i: number) => (measure.edges[0]![i]! + measure.edges[0]![i + 1]!) / 2;
    const mean = measure.masses.reduce((sum, m, i) => sum + m * middle(i), 0);
    const variance = measure.masses.reduce((sum, m, i) => sum + m * (middle(i) - mean) ** 2, 0);
    // what the box cuts off at six deviations
    expect(Math.abs(mean - stationary.mean)).toBeLessThan(5e-9);
    expect(Math.abs(variance - stationary.variance)).toBeLessThan(1e-7);
    expect(Math.abs(rest.value + constant - stationary.freeEnergy)).toBeLessThan(5e-9);
    const distance = w2(coordinate(run.measures![0]!, "w0", process.problem), law);
    expect(Math.abs(distance - atTime1.w2ToStationary)).toBeLessThan(1e-6);
  });
});

describe.each(reference.gibbs.eps.map((eps, k) => [eps, reference.gibbs.mass[k]!]))(
  "Gibbs' law of the double well at ε = %d",
  (eps, mass) => {
    const potentials = {
      "a function": localPotential(
        (x) => doubleWell(x[0]!),
        () => [0],
      ),
      "a table": separable(tabulate(doubleWell, { from: -3, to: 3, points: 4001 })),
    };

    test.each(Object.keys(potentials) as (keyof typeof potentials)[])(
      "has the reference's mass on the left, the potential given as %s",
      async (kind) => {
        const problem = potentialProblem(potentials[kind], { dimension: 1, start: gaussian({ radius: 0.5 }) });
        const process = fokkerPlanck(problem, { temperature: eps / 2, box: [-3, 3], cells: 4096 });
        const { measure, residual } = await stationaryLaw(process);
        // an edge stands at 0; what is left is h²/24 of the density's slope there, 1e-8
        expect(Math.abs(total(measure.masses.subarray(0, 2048)) - mass)).toBeLessThan(2e-8);
        expect(residual).toBeLessThan(1e-13);
      },
    );
  },
);

test("with all left to the solver, the errors are below 1e-4 in one dimension", async () => {
  const run = await solve(fokkerPlanck(ornsteinUhlenbeck, { temperature: tau }), {
    times: [1],
    observe: { w: moments("w0"), freeEnergy: freeEnergy() },
  });
  const [M, square] = run.observables.w!.values;
  expect(Math.abs(M! - atTime1.mean)).toBeLessThan(1e-4);
  expect(Math.abs(square! - M! * M! - atTime1.variance)).toBeLessThan(1e-4);
  expect(Math.abs(run.observables.freeEnergy!.values[0]! + constant - atTime1.freeEnergy)).toBeLessThan(1e-4);
  expect(run.warnings).toEqual([]);
});

test("one parameter of a separable problem in the plane moves as the problem on the line", async () => {
  // F = 0 and U a sum: the law is a product, whose marginals the splitting keeps apart exactly
  const start = gaussian({ w: { mean: 0.4, deviation: 0.4 } });
  const well = separable(square(), { weight: 0.7 });
  const options = { temperature: 0.3, box: [-3, 3] as [number, number], cells: 64, timeStep: 0.02 };
  const line = await solve(fokkerPlanck(potentialProblem(well, { dimension: 1, start }), options), {
    times: [0.4],
    keep: "measures",
  });
  const both = await solve(fokkerPlanck(potentialProblem(well, { dimension: 2, start }), options), {
    times: [0.4],
    keep: "measures",
  });
  const { masses } = asGrid(line.measures![0]!);
  const product = asGrid(both.measures![0]!).masses;
  const second = masses.map((_, j) => masses.reduce((sum, _, i) => sum + product[i * 64 + j]!, 0));
  second.forEach((m, j) => void expect(Math.abs(m - masses[j]!)).toBeLessThan(1e-14));
});

test("a density on a grid starts as the Gaussian whose masses it has", async () => {
  const process = fokkerPlanck(plane, { temperature: 0.1, box: [-3, 3], cells: 32 });
  const first = await solve(process, { times: [0, 0.3], keep: "measures" });
  const { edges, masses } = asGrid(first.measures![0]!);
  const again = await solve(fokkerPlanck({ ...plane, start: densityStart({ edges, masses }) }, process), {
    times: [0, 0.3],
    keep: "measures",
  });
  for (const k of [0, 1]) {
    const [a, b] = [first, again].map((run) => asGrid(run.measures![k]!).masses);
    a!.forEach((m, i) => void expect(Math.abs(m - b![i]!)).toBeLessThan(1e-14));
  }
  // on finer edges masses are shared out evenly: the mean stays
  const coarse = densityStart({ edges: [[-1, 0.5, 2]], masses: [1, 3] });
  const problem = potentialProblem(quadratic(1), { dimension: 1, start: coarse });
  const spread = await solve(fokkerPlanck(problem, { temperature: 1, box: [-6, 6], cells: 96 }), {
    times: [0],
    observe: { w: moments("w0", 1), h: entropy() },
  });
  expect(spread.observables.w!.values[0]).toBeCloseTo(-0.25 / 4 + (3 * 1.25) / 4, 13);
});

test("the risk, the predictions and the free energy are those of the particles at the cells' middles", async () => {
  const process = fokkerPlanck(plane, { temperature: 0.1, cells: 24 });
  const x = [
    [1, 0.2],
    [-0.3, 0.8],
    [0.5, -1],
  ];
  const run = await solve(process, {
    times: [0.5],
    observe: {
      risk: risk(),
      f: predictions(x),
      freeEnergy: freeEnergy(),
      entropy: entropy(),
      flat: freeEnergy({ temperature: 0 }),
    },
    keep: "measures",
  });
  const { edges, masses } = asGrid(run.measures![0]!);
  const middle = (axis: number, i: number) => (edges[axis]![i]! + edges[axis]![i + 1]!) / 2;
  const f = x.map(([p, q]) =>
    masses.reduce((sum, m, i) => sum + m * Math.tanh(p! * middle(0, Math.floor(i / 24)) + q! * middle(1, i % 24)), 0),
  );
  const R = 0.25 * (f[0]! - 0.4) ** 2 + 0.5 * (f[1]! + 0.2) ** 2 + 0.25 * (f[2]! - 0.3) ** 2;
  const U = masses.reduce(
    (sum, m, i) => sum + m * 0.1 * (middle(0, Math.floor(i / 24)) ** 2 + middle(1, i % 24) ** 2),
    0,
  );
  const volume = (edges[0]![1]! - edges[0]![0]!) * (edges[1]![1]! - edges[1]![0]!);
  const H = masses.reduce((sum, m) => sum + (m > 0 ? m * Math.log(m / volume) : 0), 0);
  f.forEach((value, q) => void expect(run.observables.f!.values[q]).toBeCloseTo(value, 13));
  expect(run.observables.risk!.values[0]).toBeCloseTo(R, 13);
  expect(run.observables.entropy!.values[0]).toBeCloseTo(H, 12);
  expect(run.observables.flat!.values[0]).toBeCloseTo(R / 2 + U, 13);
  expect(run.observables.freeEnergy!.values[0]).toBeCloseTo(R / 2 + U + 0.1 * H, 12);
});

test("the logistic loss is minimised as well: the flow comes to the stationary law", async () => {
  const problem = {
    law: dataset({ x: [[1], [-0.5], [2]], y: [1, -1, 1] }),
    unit: ridge(tanh()),
    loss: "logistic" as const,
    start: gaussian({ radius: 0.7 }),
    confinement: quadratic(0.3),
  };
  const process = fokkerPlanck(problem, { temperature: 0.2, cells: 256 });
  const run = await solve(process, { times: [0, 1, 60], observe: { F: freeEnergy() }, keep: "measures" });
  const { measure, freeEnergy: rest } = await stationaryLaw(process);
  const gap = asGrid(run.measures![2]!).masses.reduce((sum, m, i) => sum + Math.abs(m - measure.masses[i]!), 0);
  expect(gap).toBeLessThan(1e-11);
  const F = run.observables.F!.values;
  expect(F[0]).toBeGreaterThan(F[1]!);
  expect(F[1]).toBeGreaterThan(F[2]!);
  expect(Math.abs(F[2]! - rest.value)).toBeLessThan(1e-13);
});

describe("the default box", () => {
  test("holds the start and the stationary law", async () => {
    for (const problem of [ornsteinUhlenbeck, plane]) {
      const process = fokkerPlanck(problem, { temperature: 0.1, cells: 64 });
      const { measure } = await stationaryLaw(process);
      const { masses, edges } = measure;
      const columns = edges.length === 2 ? 64 : 1;
      masses.forEach((m, i) => {
        const outer = [0, 63].includes(Math.floor(i / columns)) || (columns > 1 && [0, 63].includes(i % columns));
        if (outer) expect(m).toBeLessThan(1e-14);
      });
    }
  });

  test("follows a start that lies far out, and the temperature", async () => {
    const start = gaussian({ w: { mean: 20, deviation: 0.5 } });
    const problem = potentialProblem(quadratic(1), { dimension: 1, start });
    const ends = async (temperature: number) => {
      const simulation = await open(fokkerPlanck(problem, { temperature }));
      const [edges] = asGrid(simulation.measure()).edges;
      simulation.free();
      return [edges![0]!, edges![2048]!];
    };
    const [low, high] = await ends(1);
    // Gibbs' law N(0, 1) has e^−36 at √72 = 8.5; the start ends at 24
    expect(low).toBeLessThan(-8.4);
    expect(low).toBeGreaterThan(-9.5);
    expect(high).toBe(24);
    expect((await ends(4))[0]).toBeLessThan(-16.9);
  });

  test("is refused where the confinement does not bound the law, with the remedy", async () => {
    const free = { ...ornsteinUhlenbeck, confinement: null };
    const failure = open(fokkerPlanck(free, { temperature: 1 }));
    await expect(failure).rejects.toThrow(SpecError);
    await expect(failure).rejects.toThrow(/process.box: expected a box \[from, to\] for each parameter/);
    const simulation = await open(fokkerPlanck(free, { temperature: 1, box: [-6, 6] }));
    simulation.free();
  });
});

test("a box that leaves the start out is refused, one that cuts it is named", async () => {
  const failure = open(fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, box: [-1, 4] }));
  await expect(failure).rejects.toThrow(/process.box: .*50 % of the start lies outside/);
  const simulation = await open(fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, box: [-3, 4] }));
  expect(simulation.warnings.join()).toMatch(/3.2e-5 of the start lies outside the box/);
  simulation.free();
});

test("mass that reaches a wall is named, with the time and the remedy", async () => {
  const process = fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, box: [-4.2, 2], cells: 256 });
  const { warnings } = await solve(process, { times: [2], observe: {} });
  expect(warnings.join()).toMatch(/reached a wall of the box since t = 0\.\d+, .*take a larger box/);
});

describe.each([
  ["of adaptive steps", fokkerPlanck(plane, { temperature: 0.1, cells: 40 })],
  ["of fixed steps", fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, cells: 300, timeStep: 0.03 })],
])("a run %s", (_, process) => {
  test("gives the same bits whatever the save times", async () => {
    const few = await solve(process, { times: [1], keep: "measures" });
    const many = await solve(process, { times: [0, 0.013, 0.3, 0.77, 1], keep: "measures" });
    expect(many.measures!.at(-1)).toEqual(few.measures!.at(-1));
  });

  test("goes on from a saved state to the same bits", async () => {
    const [unbroken, resumed] = [await open(process), await open(process)];
    await unbroken.advance(0.4);
    resumed.restore(unbroken.save());
    expect(resumed.time).toBe(0.4);
    expect(resumed.measure()).toEqual(unbroken.measure());
    await unbroken.advance(1.1);
    await resumed.advance(1.1);
    expect(resumed.measure()).toEqual(unbroken.measure());
    expect(resumed.save()).toEqual(unbroken.save());
    expect(resumed.warnings).toEqual(unbroken.warnings);
    unbroken.free();
    resumed.free();
  });

  test("refuses a damaged state or another's, and is left as it was", async () => {
    const simulation = await open(process);
    await simulation.advance(0.2);
    const bytes = simulation.save();
    const before = simulation.measure();
    const bent = bytes.slice();
    bent[bytes.length - 20]! ^= 1;
    const other = await open({ ...process, cells: 60 });
    for (const wrong of [bent, bytes.subarray(0, 50), other.save()]) {
      expect(() => simulation.restore(wrong)).toThrow(CheckpointError);
    }
    expect(simulation.measure()).toEqual(before);
    simulation.free();
    other.free();
  });

  test("stops at the signal between chunks, and goes on afterwards", async () => {
    const stop = new AbortController();
    const [stopped, whole] = [await open(process), await open(process)];
    const running = stopped.advance(1e6, { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) });
    await expect(running).rejects.toThrow("enough");
    const { time } = stopped;
    expect(time).toBeLessThan(1e6);
    await stopped.advance(time + 0.1);
    await whole.advance(time + 0.1);
    expect(stopped.measure()).toEqual(whole.measure());
    await expect(stopped.advance(time / 2)).rejects.toThrow(SpecError);
    stopped.free();
    stopped.free();
    await expect(stopped.advance(1e7)).rejects.toThrow("freed");
  });
});

test("a potential that is a function runs here, and cannot be saved", async () => {
  const bowl = localPotential(
    (x) => x[0]! ** 2 + x[0]! * x[1]! + x[1]! ** 2,
    () => [0, 0],
  );
  const problem = potentialProblem(bowl, { dimension: 2, start: gaussian({ radius: 1 }) });
  const process = fokkerPlanck(problem, { temperature: 0.2, cells: 20 });
  const simulation = await open(process);
  await simulation.advance(0.1);
  expect(() => simulation.save()).toThrow(SpecError);
  simulation.free();
  const { provenance } = await solve(process, { times: [0.1], observe: { F: freeEnergy() } });
  expect(provenance.spec).toBe("local");
});

test("a potential that is not finite in the box is named, with the place", async () => {
  const hole = localPotential(
    (x) => (x[0]! > 1 ? Number.NaN : x[0]! ** 2),
    () => [0],
  );
  const problem = potentialProblem(hole, { dimension: 1, start: gaussian({ radius: 0.2 }) });
  const failure = open(fokkerPlanck(problem, { temperature: 0.1, box: [-3, 3], cells: 60 }));
  await expect(failure).rejects.toThrow(/process.problem.confinement: expected a finite value at θ = \(1.05/);
});

describe("wrong use", () => {
  const options = { temperature: 0.1 };
  const three = potentialProblem(quadratic(1), { dimension: 3, start: gaussian({ radius: 1 }) });
  const bad: [string, () => unknown, RegExp][] = [
    [
      "a grid of dimension 3",
      () => fokkerPlanck(three, options),
      /law.dimension: .*not a grid of dimension 3.*langevin/,
    ],
    [
      "examples of length 3",
      () => fokkerPlanck({ ...plane, law: dataset({ x: [[1, 2, 3]], y: [1] }) }, options),
      /law.x: .*not a grid of dimension 3.*langevin/,
    ],
    [
      "affine units",
      () => fokkerPlanck({ ...plane, unit: { kind: "affine", activation: tanh(), outputs: 1 } as never }, options),
      /unit.kind: .*grid of dimension 4.*langevin/,
    ],
    [
      "a law that is sampled",
      () =>
        fokkerPlanck(
          { ...plane, law: { kind: "teacher", dimension: 2, neurons: 3, activation: tanh() } as never },
          options,
        ),
      /law.kind: .*quadrature\(law, \{ points \}\)/,
    ],
    [
      "particles to start from",
      () => fokkerPlanck({ ...plane, start: particles([[0, 1]]) }, options),
      /start.kind: .*densityStart/,
    ],
    [
      "a point to start from",
      () => fokkerPlanck({ ...plane, start: gaussian({ w: 0.3 }) }, options),
      /start.w: .*densityStart/,
    ],
    ["τ < 0", () => fokkerPlanck(plane, { temperature: -1 }), /temperature: expected a temperature τ > 0/],
    ["τ = 0", () => fokkerPlanck(plane, { temperature: 0 }), /temperature: .*Without noise take gradientFlow/],
    ["no τ", () => fokkerPlanck(plane, {} as never), /temperature/],
    [
      "a box inverted",
      () => fokkerPlanck(plane, { ...options, box: [2, -2] }),
      /box\[1\]: expected more than from = 2/,
    ],
    [
      "a box of one pair too many",
      () =>
        fokkerPlanck(ornsteinUhlenbeck, {
          ...options,
          box: [
            [-3, 3],
            [-3, 3],
          ],
        }),
      /box: expected one pair/,
    ],
    ["a box of one pair too few", () => fokkerPlanck(plane, { ...options, box: [[-3, 3]] }), /box: expected two pairs/],
    ["a box of three numbers", () => fokkerPlanck(plane, { ...options, box: [-3, 0, 3] as never }), /box/],
    ["one cell", () => fokkerPlanck(plane, { ...options, cells: 1 }), /cells: expected an integer from 8/],
    ["more cells than memory", () => fokkerPlanck(plane, { ...options, cells: 65536 }), /cells: .*GiB/],
    [
      "tolerance and timeStep",
      () => fokkerPlanck(plane, { ...options, tolerance: 1e-6, timeStep: 0.1 }),
      /tolerance: expected nothing/,
    ],
    [
      "maxStep and timeStep",
      () => fokkerPlanck(plane, { ...options, maxStep: 1, timeStep: 0.1 }),
      /maxStep: expected nothing/,
    ],
    ["timeStep 0", () => fokkerPlanck(plane, { ...options, timeStep: 0 }), /timeStep: expected a positive number/],
  ];
  test.each(bad)("%s is a SpecError that says what to do", (_, make, message) => {
    expect(make).toThrow(SpecError);
    expect(make).toThrow(message);
  });

  test("the free energy of particles, or without a temperature, is refused", async () => {
    const { freeEnergyOf, particleMeasure } = await import("../../src/index");
    const { problem } = fokkerPlanck(plane, options);
    const points = particleMeasure({ coordinates: "theta", shape: [1, 2], values: Float64Array.of(0, 1) });
    await expect(freeEnergyOf(points, problem, 0.1)).rejects.toThrow(/measure: .*which has a density.*fokkerPlanck/);
  });

  test("the stationary law refuses a damping that is none, and says when it does not converge", async () => {
    const process = fokkerPlanck(ornsteinUhlenbeck, { temperature: tau, cells: 128 });
    await expect(stationaryLaw(process, { damping: 1 })).rejects.toThrow(/damping: expected a number in \[0, 1\)/);
    await expect(stationaryLaw(process, { tolerance: 0 })).rejects.toThrow(SpecError);
    await expect(stationaryLaw(process, { iterations: 0.5 })).rejects.toThrow(SpecError);
    // F″ var(m*)/τ = 1/(κτ) = 1.56 > 1
    await expect(stationaryLaw(process, { damping: 0, iterations: 300 })).rejects.toThrow(/take more damping than 0/);
    const damped = await stationaryLaw(process, { damping: 0.5 });
    expect(damped.residual).toBeLessThan(1e-12);
  });
});

describe("random specifications", () => {
  const positive = fc.double({ min: 1e-3, max: 20, noNaN: true });
  const real = fc.double({ min: -3, max: 3, noNaN: true });
  const problem = fc.integer({ min: 1, max: 2 }).chain((d) =>
    fc.record({
      law: fc.oneof(
        fc.constant({ kind: "none", dimension: d }),
        fc.integer({ min: 1, max: 3 }).chain((n) =>
          fc.record({
            kind: fc.constant("dataset"),
            x: fc.array(fc.array(real, { minLength: d, maxLength: d }), { minLength: n, maxLength: n }),
            y: fc.array(real, { minLength: n, maxLength: n }),
          }),
        ),
      ),
      unit: fc.constantFrom(ridge(tanh()), ridge(identity()), ridge({ kind: "relu" })),
      start: fc.oneof(
        positive.map((radius) => gaussian({ radius })),
        fc.record({ mean: real, deviation: positive }).map((w) => gaussian({ w })),
      ),
      confinement: fc.oneof(
        positive.map((weight) => quadratic(weight)),
        // linear beyond ±20, faster than the units pull
        fc.constant(separable(tabulate((x) => (x * x - 1) ** 2, { from: -20, to: 20, points: 401 }))),
      ),
    }),
  );
  const specs = fc.record(
    {
      kind: fc.constant("fokkerPlanck"),
      problem,
      temperature: fc.double({ min: 1e-4, max: 100, noNaN: true }),
      cells: fc.integer({ min: 8, max: 40 }),
      tolerance: fc.double({ min: 1e-8, max: 0.1, noNaN: true }),
      maxStep: positive,
    },
    { requiredKeys: ["kind", "problem", "temperature", "cells"] },
  );

  test("come back from JSON as they were, with the same hash", () => {
    fc.assert(
      fc.property(specs, (raw) => {
        const process = parseProcess(raw);
        const again = parseProcess(JSON.parse(JSON.stringify(process)));
        expect(again).toEqual(process);
        expect(specHash(again)).toBe(specHash(process));
      }),
      { seed: 31, numRuns: 100 },
    );
  });

  test("run: mass 1, no negative mass, and a free energy that does not rise, however coarse or steep", async () => {
    await fc.assert(
      fc.asyncProperty(specs, async (raw) => {
        const process = parseProcess(raw) as FokkerPlanckProcess;
        const { temperature } = process;
        const run = await solve(process, {
          times: [0, 0.01, 0.1, 0.3],
          observe: { F: freeEnergy(), D: dissipation() },
          keep: "measures",
        });
        const F = run.observables.F!.values;
        for (const measure of run.measures!) {
          const { masses } = asGrid(measure);
          expect(Math.abs(total(masses) - 1)).toBeLessThan(1e-13);
          expect(Math.min(...masses)).toBeGreaterThanOrEqual(0);
        }
        // round-off of the terms, which are of the size of Φ ≤ 1e5 at the walls of such boxes, τ log m, and F
        for (const k of [1, 2, 3])
          expect(F[k]! - F[k - 1]!).toBeLessThan(1e-12 * (1 + Math.abs(F[k]!) + 1000 * temperature));
        expect(run.observables.D!.values.every((D) => D >= 0)).toBe(true);
      }),
      { seed: 32, numRuns: 60 },
    );
  });

  test("with one field broken they are a SpecError that names it", () => {
    const broken: [string, unknown[]][] = [
      ["temperature", [undefined, null, 0, -1, Number.NaN, "warm", 1n, []]],
      ["cells", [0, 1, 7, -8, 8.5, 1e9, "many", {}]],
      ["tolerance", [0, -1, 1, Number.NaN, "small", []]],
      ["maxStep", [0, -1, Number.POSITIVE_INFINITY, "long", []]],
      ["timeStep", [0, -1, Number.NaN, "short", []]],
      ["box", [[], [1], [1, 1], [2, 1], [Number.NaN, 1], [[0, 1], [0]], "wide", 3, {}, [[1, 0]], [1, "2"]]],
      ["problem", [null, 1, {}, []]],
      ["colour", ["red"]],
    ];
    fc.assert(
      fc.property(specs, fc.constantFrom(...broken), fc.nat(), (raw, [field, values], pick) => {
        const value = values[pick % values.length];
        const spec = { ...raw, [field]: value };
        if (field === "timeStep") Object.assign(spec, { tolerance: null, maxStep: null });
        let error: unknown;
        try {
          parseProcess(spec);
        } catch (caught) {
          error = caught;
        }
        expect(error, `${field} = ${String(value)} went through`).toBeInstanceOf(SpecError);
        expect((error as SpecError).path).toMatch(new RegExp(`^process\\.${field}`));
      }),
      { seed: 33, numRuns: 300 },
    );
  });
});
