// The 1-D stochastic mean-field equation on a grid: the remap by itself, the process against superposition with the same noise,
// mass and sign under everything, states, and wrong use. Not covered here: the law of SGD, which is superposition's business.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CheckpointError,
  coordinate,
  cosine,
  DivergenceError,
  dataset,
  densityStart,
  type Grid,
  gaussian,
  gradientFlow,
  identity,
  localPotential,
  logistic,
  modifiedFlow,
  moments,
  open,
  particles,
  predictions,
  quadratic,
  relu,
  ridge,
  SpecError,
  separable,
  smfeGrid,
  solve,
  square,
  tanh,
  w1,
} from "../../src/index";
import { cellsOf, equalEdges, finish, Sum } from "../../src/measure/cells";
import { startMasses } from "../../src/process/fokkerPlanck/discretise";
import { onLine } from "../../src/process/smfe/box";
import { GridFlow } from "../../src/process/smfe/flow";
import { centralSlopes, limitedSlopes, massAtWalls, massFolded, remap } from "../../src/process/smfe/remap";
import { type Line, noiseOf, superposition } from "./superposition";

const total = (masses: Float64Array): number => {
  const sum = new Sum();
  for (const m of masses) sum.add(m);
  return sum.value;
};

const moved = (
  edges: Float64Array,
  images: Float64Array,
  masses: Float64Array,
  slopes: (masses: Float64Array, out: Float64Array) => void = limitedSlopes,
): Float64Array => {
  const out = new Float64Array(masses.length);
  const rise = new Float64Array(masses.length);
  slopes(masses, rise);
  remap(edges, images, masses, rise, out);
  return out;
};

describe("the remap", () => {
  const mass = fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1e-300, noNaN: true }),
  );
  const place = fc.oneof(
    fc.double({ min: -3, max: 3, noNaN: true }),
    fc.constantFrom(-1, -0.5, 0, 0.25, 1, 1 + 2 ** -52),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );

  test("keeps the mass to round-off and leaves no cell negative, whatever the map", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 40 })
          .chain((n) =>
            fc.tuple(
              fc.array(mass, { minLength: n, maxLength: n }),
              fc.array(place, { minLength: n + 1, maxLength: n + 1 }),
            ),
          ),
        ([masses, images]) => {
          const before = Float64Array.from(masses);
          const after = moved(equalEdges(-1, 1, before.length), Float64Array.from(images), before);
          expect(after.every((m) => m >= 0)).toBe(true);
          // each of at most n² pieces is rounded a few times, relative to its own cell's mass, or to a subnormal number
          expect(Math.abs(total(after) - total(before))).toBeLessThanOrEqual(1e-13 * total(before) + 1e-307);
        },
      ),
      { seed: 4, numRuns: 2000 },
    );
  });

  test("keeps the sum of signed masses with central slopes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
        fc.array(place, { minLength: 13, maxLength: 13 }),
        (masses, images) => {
          const before = Float64Array.from(masses);
          const after = moved(equalEdges(-1, 1, 12), Float64Array.from(images), before, centralSlopes);
          expect(Math.abs(total(after) - total(before))).toBeLessThan(1e-13);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });

  const edges = equalEdges(0, 1, 16);
  const bump = Float64Array.from({ length: 16 }, (_, i) => Math.exp(-(((i - 6.3) / 2) ** 2)));

  test("leaves the law to the bit where nothing moves, and carries it over whole cells", () => {
    expect(moved(edges, edges, bump)).toEqual(bump);
    const shifted = moved(
      edges,
      edges.map((e) => e + 3 / 16),
      bump,
    );
    for (let i = 3; i < 15; i++) expect(Math.abs(shifted[i]! - bump[i - 3]!)).toBeLessThan(1e-15);
    // what would leave through the upper wall is in the last cell
    expect(Math.abs(shifted[15]! - total(bump.subarray(12)))).toBeLessThan(1e-15);
    const images = edges.map((e) => e + 3 / 16);
    expect(massAtWalls(edges, images, bump, shifted)).toBe(shifted[15]);
    expect(massAtWalls(edges, edges, bump, bump)).toBe(0);
  });

  test("is exact for densities that are linear, under maps that are linear", () => {
    // ρ(w) = 1 + w on [0, 1] under w ↦ 0.3 + 0.35 w: ρ'(u) = (1 + (u − 0.3)/0.35)/0.35 between 0.3 and 0.65
    const line = Float64Array.from({ length: 16 }, (_, i) => (1 + (i + 0.5) / 16) / 16);
    const image = (u: number): number => {
      const w = Math.min(1, Math.max(0, (u - 0.3) / 0.35));
      return w + (w * w) / 2;
    };
    const rise = new Float64Array(16).fill(1 / 256);
    const out = new Float64Array(16);
    remap(
      edges,
      edges.map((e) => 0.3 + 0.35 * e),
      line,
      rise,
      out,
    );
    out.forEach((m, i) => void expect(Math.abs(m - image(edges[i + 1]!) + image(edges[i]!))).toBeLessThan(1e-15));
    // turned over: w ↦ 0.65 − 0.35 w
    remap(
      edges,
      edges.map((e) => 0.65 - 0.35 * e),
      line,
      rise,
      out,
    );
    const turned = (u: number): number => 1.5 - image(0.95 - u);
    out.forEach((m, i) => void expect(Math.abs(m - turned(edges[i + 1]!) + turned(edges[i]!))).toBeLessThan(1e-15));
  });

  test("lays a folded law over itself: the tent map keeps the uniform law", () => {
    const uniform = new Float64Array(16).fill(1 / 16);
    const tent = edges.map((e) => 1 - Math.abs(2 * e - 1));
    moved(edges, tent, uniform).forEach((m) => void expect(Math.abs(m - 1 / 16)).toBeLessThan(1e-16));
    expect(massFolded(tent, uniform)).toBe(0.5);
  });

  test("raises no new extremum: a step stays between its two levels", () => {
    const step = Float64Array.from({ length: 16 }, (_, i) => (i < 8 ? 1 : 3));
    let law: Float64Array = step;
    for (let k = 0; k < 20; k++) {
      const by = ((k * 7) % 5) / 100 - 0.02;
      law = moved(
        edges,
        edges.map((e) => e + by * 16 * e * (1 - e) * 0.25),
        law,
      );
      expect(total(law)).toBeCloseTo(32, 12);
    }
    const shifted = moved(
      edges,
      edges.map((e) => e + 0.4 / 16),
      step,
    );
    // the first cell is emptied and the last filled by the walls
    for (let i = 1; i < 15; i++) {
      expect(shifted[i]).toBeGreaterThanOrEqual(1 - 1e-15);
      expect(shifted[i]).toBeLessThanOrEqual(3 + 1e-15);
    }
  });
});

const line: Line = {
  x: [1, -0.5, 2],
  y: [0.6, -0.2, 0.9],
  masses: [0.25, 0.5, 0.25],
  decays: [0.4, 1, 1.6],
  lambda: 0.3,
  loss: "squared",
};
const [MEAN, DEVIATION] = [0.3, 0.6];

const problemOf = ({ x, y, masses, decays, lambda, loss }: Line) => ({
  law: dataset({ x: x.map((input) => [input]), y, weights: masses, decay: decays }),
  unit: ridge(tanh()),
  loss,
  start: gaussian({ w: { mean: MEAN, deviation: DEVIATION } }),
  confinement: quadratic(lambda),
});

const asGrid = (measure: unknown): Grid => {
  expect(measure).toMatchObject({ kind: "grid", coordinates: "theta" });
  return measure as Grid;
};

async function lawAt(process: ReturnType<typeof smfeGrid>, t: number) {
  const simulation = await open(process);
  await simulation.advance(t);
  const law = coordinate(asGrid(simulation.measure()), "w0", process.problem);
  const { warnings } = simulation;
  simulation.free();
  return { law, warnings };
}

// Slope of log y in log x by least squares.
function slope(x: number[], y: number[]): number {
  const [u, v] = [x.map(Math.log), y.map(Math.log)];
  const mean = (values: number[]) => values.reduce((sum, a) => sum + a, 0) / values.length;
  const [mu, mv] = [mean(u), mean(v)];
  const above = u.reduce((sum, a, i) => sum + (a - mu) * (v[i]! - mv), 0);
  return above / u.reduce((sum, a) => sum + (a - mu) ** 2, 0);
}

describe("against superposition with the same noise and the same steps", () => {
  const grids = [64, 128, 256, 512, 1024];
  const logisticLine: Line = { ...line, y: [1, -1, 1], loss: "logistic" };

  // docs/smfeGrid.md: order 2 in h for given steps. The constant of a fixed path is not constant (where in its cell a step leaves the
  // law differs from grid to grid), so the slope over a factor 16 is held to ± 0.25; first order, or none, is far away. The oracle's
  // partition of 8192 cells is off by (h/8)² or less of the finest grid's error.
  test.each([
    ["steps of SGD", line, { stepSize: 0.05 }],
    ["large noise", line, { stepSize: 0.5, timeStep: 0.05 }],
    ["a batch, and steps below its own", line, { stepSize: 0.2, batchSize: 4, timeStep: 0.01 }],
    ["no noise", line, { stepSize: 0.02, gradientNoise: false }],
    ["the logistic loss", logisticLine, { stepSize: 0.1, timeStep: 0.05 }],
  ])("W1 falls at order 2 under refinement: %s", async (_, setting, options) => {
    const base = smfeGrid(problemOf(setting), { seed: 3, replica: 2, ...options });
    const edges = equalEdges(MEAN - 8 * DEVIATION, MEAN + 8 * DEVIATION, 8192);
    const start = { edges, masses: startMasses(base.problem.start as never, 1, cellsOf([edges])).masses };
    const dt = base.timeStep;
    const oracle = superposition(setting, start, {
      dt,
      steps: Math.round(1 / dt),
      level: base.gradientNoise ? Math.sqrt(base.stepSize / base.batchSize) : 0,
      noise: noiseOf(setting, dt, 3, 2),
    });
    const errors: number[] = [];
    for (const cells of grids) {
      const { law, warnings } = await lawAt({ ...base, cells }, 1);
      expect(warnings).toEqual([]);
      errors.push(w1(law, oracle));
    }
    const order = -slope(grids, errors);
    expect(order).toBeGreaterThan(1.75);
    expect(order).toBeLessThan(2.25);
    // a hundredth of the law's width
    expect(errors[3]).toBeLessThan(1e-3);
    // the noise has moved the law, so that agreement means something
    const unmoved = superposition(setting, start, {
      dt,
      steps: Math.round(1 / dt),
      level: 0,
      noise: noiseOf(setting, dt, 3, 2),
    });
    if (base.gradientNoise) expect(w1(unmoved, oracle)).toBeGreaterThan(20 * errors[3]!);
  });

  test("the particles of modifiedFlow of the same seed move as the grid does", async () => {
    const n = 4000;
    const problem = problemOf(line);
    const options = { stepSize: 0.2, timeStep: 0.05, seed: 9, replica: 1 };
    // particles at the middles of n parts of equal mass of the start
    const { law: start } = await lawAt(smfeGrid(problem, { ...options, cells: 4096 }), 0);
    const { edges, masses } = start as { edges: Float64Array; masses: Float64Array };
    const theta: number[][] = [];
    for (let i = 0, cell = 0, below = 0; i < n; i++) {
      const level = (i + 0.5) / n;
      while (below + masses[cell]! < level) below += masses[cell++]!;
      theta.push([edges[cell]! + ((level - below) / masses[cell]!) * (edges[cell + 1]! - edges[cell]!)]);
    }
    const flow = modifiedFlow({ ...problem, start: particles(theta) }, { neurons: n, ...options });
    const simulation = await open(flow);
    await simulation.advance(1);
    const { law } = await lawAt(smfeGrid(problem, { ...options, cells: 2048 }), 1);
    // the particles' own distance from the law, about range/(4n) = 4.5/16000 = 2.8e-4, and the grid's 1e-5
    expect(w1(coordinate(simulation.measure(), "w0", flow.problem), law)).toBeLessThan(3e-4);
    simulation.free();
    const { law: other } = await lawAt(smfeGrid(problem, { ...options, replica: 2, cells: 2048 }), 1);
    expect(w1(other, law)).toBeGreaterThan(1e-2);
  });
});

test("the second derivative is in the remap: E ∫w² dμ' = ∫ (w + v̄ dt)² + αA dt dμ over the noise of a step", () => {
  // The square of a displacement that is linear in ΔB has its exact mean under the 2Q points ±√(Q dt) e_q, whatever Q.
  const dt = 0.05;
  const alpha = 0.7;
  const { x, y, masses: m, decays, lambda } = line;
  const Q = x.length;
  const process = smfeGrid(problemOf(line), { stepSize: alpha, timeStep: dt, cells: 2048 });
  const { cells, model, masses } = onLine(process, alpha);
  const middles = cells.middles[0]!;
  const second = (law: Float64Array) => law.reduce((sum, mass, i) => sum + mass * middles[i]! ** 2, 0);
  let mean = 0;
  for (let q = 0; q < Q; q++) {
    for (const sign of [1, -1]) {
      const factors = Float64Array.from(m, (_, p) => {
        const B = sign * Math.sqrt(Q * dt);
        return (p === q ? B / Math.sqrt(m[p]!) : 0) - Math.sqrt(m[q]!) * B;
      });
      const noise = { level: Math.sqrt(alpha), factors: () => factors };
      const flow = new GridFlow({ name: "smfeGrid", cells, model, masses, timeStep: dt, noise });
      finish(flow.advance());
      mean += second(flow.masses) / (2 * Q);
    }
  }
  const f = x.map((input) => masses.reduce((sum, mass, i) => sum + mass * Math.tanh(input * middles[i]!), 0));
  let expected = 0;
  let diffusion = 0;
  masses.forEach((mass, i) => {
    const w = middles[i]!;
    const v = x.map((input, q) => (y[q]! - f[q]!) * input * (1 - Math.tanh(input * w) ** 2) - decays[q]! * lambda * w);
    const drift = v.reduce((sum, value, q) => sum + m[q]! * value, 0);
    const A = v.reduce((sum, value, q) => sum + m[q]! * (value - drift) ** 2, 0);
    expected += mass * (w + drift * dt) ** 2;
    diffusion += mass * alpha * A * dt;
  });
  // h²/12 of the remap's even cells and less; a diffusion added on top would be off by `diffusion`, four hundred times as much
  expect(Math.abs(mean - expected - diffusion)).toBeLessThan(diffusion / 400);
  expect(diffusion).toBeGreaterThan(2e-3);
});

test("without noise it is the gradient flow, to the first order of Euler's steps", async () => {
  // a uniform start, whose n middles of equal parts have its moments to (range/n)² = 1e-6
  const n = 2000;
  const [from, to] = [-0.9, 1.5];
  const start = densityStart({ edges: [[from, to]], masses: [1] });
  const problem = { ...problemOf({ ...line, decays: [1, 1, 1] }), start };
  const points = Array.from({ length: n }, (_, i) => [from + ((to - from) * (i + 0.5)) / n]);
  const flow = await solve(gradientFlow({ ...problem, start: particles(points) }, { neurons: n }), {
    times: [1],
    observe: { w: moments("w0", 2) },
  });
  const gaps: number[][] = [];
  for (const timeStep of [0.04, 0.02, 0.01]) {
    const process = smfeGrid(problem, { stepSize: 0.1, timeStep, gradientNoise: false, cells: 4096, box: [-2, 2.5] });
    const run = await solve(process, { times: [1], observe: { w: moments("w0", 2) } });
    gaps.push([0, 1].map((k) => run.observables["w"]!.values[k]! - flow.observables["w"]!.values[k]!));
  }
  for (const k of [0, 1]) {
    // order 1: a halving halves, but for the next order, a few hundredths at these steps
    for (const j of [0, 1]) {
      expect(gaps[j]![k]! / gaps[j + 1]![k]!).toBeGreaterThan(1.9);
      expect(gaps[j]![k]! / gaps[j + 1]![k]!).toBeLessThan(2.1);
    }
  }
  // and many examples a step leave no noise
  const quiet = await lawAt(smfeGrid(problem, { stepSize: 1e-10, timeStep: 0.05, batchSize: 1000, cells: 256 }), 1);
  const none = await lawAt(smfeGrid(problem, { stepSize: 1e-10, timeStep: 0.05, gradientNoise: false, cells: 256 }), 1);
  expect(w1(quiet.law, none.law)).toBeLessThan(1e-6);
});

test("mass is kept to round-off and no cell is negative at every step, under any problem and any noise", () => {
  const activation = fc.constantFrom(tanh(), relu(), identity(), square(), cosine(), logistic());
  const number = fc.double({ min: -3, max: 3, noNaN: true });
  const confinement = fc.constantFrom(null, quadratic(0.5), quadratic(20), separable(cosine()));
  let folded = 0;
  let walled = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }).chain((Q) => {
        const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: Q, maxLength: Q });
        return fc.record({
          x: list(number),
          y: list(number),
          weights: list(fc.double({ min: 0.01, max: 1, noNaN: true })),
          decay: list(fc.double({ min: 0.01, max: 1, noNaN: true })),
        });
      }),
      activation,
      confinement,
      fc.boolean(),
      fc.double({ min: 1e-3, max: 50, noNaN: true }),
      fc.double({ min: 1e-3, max: 2, noNaN: true }),
      fc.integer({ min: 8, max: 90 }),
      fc.nat(),
      ({ x, y, weights, decay }, unit, U, isLogistic, stepSize, timeStep, cells, seed) => {
        const process = smfeGrid(
          {
            law: dataset({
              x: x.map((input) => [input]),
              y: isLogistic ? y.map((label) => (label < 0 ? -1 : 1)) : y,
              weights,
              ...(U !== null && { decay }),
            }),
            unit: ridge(unit),
            loss: isLogistic ? "logistic" : "squared",
            start: densityStart({ edges: [[-1, 0, 0.25, 1]], masses: [1, 0, 2] }),
            confinement: U,
          },
          { stepSize, timeStep, cells, box: [-2, 2.5], seed },
        );
        const { cells: places, model, masses } = onLine(process, stepSize);
        const noise = {
          level: Math.sqrt(stepSize),
          factors: noiseOf({ masses: Array.from(model.masses) } as Line, timeStep, seed),
        };
        const flow = new GridFlow({ name: "smfeGrid", cells: places, model, masses, timeStep, noise });
        for (let k = 0; k < 12; k++) {
          finish(flow.advance());
          expect(flow.masses.every((m) => m >= 0)).toBe(true);
          // the scaling back leaves an ulp
          expect(Math.abs(total(flow.masses) - 1)).toBeLessThan(5e-16);
        }
        if (flow.flags.some(({ kind }) => kind === "folded")) folded++;
        if (flow.flags.some(({ kind }) => kind === "wall")) walled++;
      },
    ),
    { seed: 11, numRuns: 300 },
  );
  // the cases are what they should be
  expect(folded).toBeGreaterThan(50);
  expect(walled).toBeGreaterThan(50);
});

describe("what the user should know", () => {
  test("a wall that is reached is named, with the time, and the mass stays in the box", async () => {
    // σ(w) = w and the mean label 4: without noise the law is shifted by 3.7 (1 − e^{−t}). 1e-6 of it is beyond the wall at 4 where
    // 4.75 deviations above the mean are, at t = 0.26
    const law = dataset({ x: [[1], [1]], y: [3.5, 4.5] });
    const start = gaussian({ w: { mean: MEAN, deviation: DEVIATION } });
    const process = smfeGrid(
      { law, unit: ridge(identity()), start },
      { stepSize: 1e-6, timeStep: 0.01, box: [-4.6, 4], cells: 400 },
    );
    const end = await lawAt(process, 3);
    expect(end.warnings).toEqual([
      expect.stringMatching(/reached a wall of the box since t = 0.2[5-9]\d: \d\.\de-6 of the mass .*larger box/),
    ]);
    expect((end.law as { masses: Float64Array }).masses[399]).toBeGreaterThan(0.3);
    expect(total((end.law as { masses: Float64Array }).masses)).toBeCloseTo(1, 14);
    expect((await lawAt(process, 0.2)).warnings).toEqual([]);
  });

  test("steps that turn the law over are named, with the time", async () => {
    // 1 − dt λ < 0: every point is thrown to the other side
    const process = smfeGrid(problemOf({ ...line, decays: [1, 1, 1], lambda: 30 }), { stepSize: 0.05, cells: 200 });
    const { warnings } = await lawAt(process, 0.05);
    expect(warnings).toEqual([
      expect.stringMatching(/turns parts of the law over since t = 0.0500, 1.0e\+0 of the mass/),
    ]);
  });

  test("a box that cuts the start is named, one that leaves it out is refused", async () => {
    const { warnings } = await lawAt(smfeGrid(problemOf(line), { stepSize: 0.05, box: [-2.2, 4] }), 0);
    expect(warnings).toEqual([expect.stringMatching(/1.5e-5 of the start lies outside the box/)]);
    const failure = open(smfeGrid(problemOf(line), { stepSize: 0.05, box: [0.3, 9] }));
    await expect(failure).rejects.toThrow(SpecError);
    await expect(failure).rejects.toThrow(
      /process.box: expected a box that holds the start; 50 % of the start lies outside/,
    );
  });

  test("masses that are no longer finite are a divergence, with the last good state", async () => {
    const law = dataset({ x: [[1e100], [-1]], y: [1e100, 1] });
    const process = smfeGrid(
      { law, unit: ridge(square()), start: gaussian({ radius: 1 }) },
      { stepSize: 1, box: [-9, 9], cells: 64 },
    );
    const simulation = await open(process);
    const failure = simulation.advance(1).catch((error: unknown) => error);
    expect(await failure).toBeInstanceOf(DivergenceError);
    const { snapshot, step, message } = (await failure) as DivergenceError;
    expect([step, message]).toEqual([0, expect.stringMatching(/smfeGrid diverged at step 0 .*take a smaller one/)]);
    simulation.restore(snapshot!);
    expect(simulation.time).toBe(0);
    simulation.free();
  });
});

describe("the default box", () => {
  test("holds the law of every replica, where particles of the flow stay, for tanh and quadratic units", async () => {
    const settings = [
      problemOf(line),
      problemOf({ ...line, y: [3, -3, 3], lambda: 0 }),
      { ...problemOf(line), unit: ridge(square()) },
      { ...problemOf({ ...line, decays: [1, 1, 1] }), confinement: null, unit: ridge(identity()) },
      {
        ...problemOf({ ...line, y: [1, -1, 1], loss: "logistic" }),
        start: densityStart({ edges: [[-1, 0, 1]], masses: [1, 2] }),
      },
    ];
    for (const problem of settings) {
      for (const replica of [0, 1, 2]) {
        const { warnings } = await lawAt(smfeGrid(problem, { stepSize: 0.02, replica, cells: 256 }), 5);
        expect(warnings).toEqual([]);
      }
    }
  });

  test("grows with the noise, and is the same for all replicas", async () => {
    const ends = async (options: object) => {
      const simulation = await open(smfeGrid(problemOf(line), { stepSize: 0.01, ...options }));
      const [edges] = asGrid(simulation.measure()).edges;
      simulation.free();
      return [edges!.length - 1, edges![0]!, edges!.at(-1)!];
    };
    const [cells, low, high] = await ends({});
    expect(cells).toBe(1024);
    expect(await ends({ replica: 7, seed: 3 })).toEqual([cells, low, high]);
    const [, lower, higher] = await ends({ stepSize: 10, timeStep: 0.01 });
    expect(lower).toBeLessThan(low! - 1);
    expect(higher).toBeGreaterThan(high! + 1);
    const [, quietLow] = await ends({ stepSize: 10, timeStep: 0.01, gradientNoise: false });
    expect(quietLow).toBeGreaterThan(lower! + 1);
  });

  test("is refused where the flow runs away, with the remedy", async () => {
    // U = −w²: everything leaves as e^{2t}
    const U = localPotential(
      (w) => -w[0]! * w[0]!,
      (w) => [-2 * w[0]!],
    );
    const problem = { ...problemOf({ ...line, decays: [1, 1, 1] }), confinement: U };
    const failure = open(smfeGrid(problem, { stepSize: 0.1 }));
    await expect(failure).rejects.toThrow(SpecError);
    await expect(failure).rejects.toThrow(
      /process.box: expected a box \[from, to\], as the flow takes the start far away/,
    );
    const simulation = await open(smfeGrid(problem, { stepSize: 0.1, box: [-9, 9] }));
    await simulation.advance(0.5);
    simulation.free();
  });
});

describe("a run", () => {
  const process = smfeGrid(problemOf(line), { stepSize: 0.1, timeStep: 0.05, noiseStep: 0.025, cells: 300, seed: 8 });

  test("has the law after whole steps, the nearest to the time asked for", async () => {
    const run = await solve(process, {
      times: [0, 0.07, 0.08, 0.52],
      keep: "measures",
      observe: { f: predictions([[1]]) },
    });
    expect(Array.from(run.times)).toEqual([0, 0.05, 0.1, 0.5]);
    const { edges, masses } = asGrid(run.measures![3]!);
    const f = masses.reduce((sum, m, i) => sum + m * Math.tanh((edges[0]![i]! + edges[0]![i + 1]!) / 2), 0);
    expect(run.observables["f"]!.values[3]).toBeCloseTo(f, 13);
    const last = await solve(process, { times: [0.5], keep: "measures" });
    expect(last.measures![0]).toEqual(run.measures![3]);
  });

  test("feels the Brownian motions of the noise steps, whatever the time step", async () => {
    // two noise steps a time step: the increments of a run whose time step is the noise step, two by two
    const halves = noiseOf(line, 0.025, 8);
    const edges = equalEdges(MEAN - 8 * DEVIATION, MEAN + 8 * DEVIATION, 4096);
    const start = { edges, masses: startMasses(process.problem.start as never, 1, cellsOf([edges])).masses };
    const oracle = superposition(line, start, {
      dt: 0.05,
      steps: 10,
      level: Math.sqrt(0.1),
      noise: (k) => halves(2 * k).map((b, q) => b + halves(2 * k + 1)[q]!),
    });
    const { law } = await lawAt({ ...process, cells: 1024 }, 0.5);
    expect(w1(law, oracle)).toBeLessThan(1e-4);
  });

  test("goes on from a saved state to the same bits", async () => {
    const [unbroken, resumed] = [await open(process), await open(process)];
    await unbroken.advance(0.4);
    resumed.restore(unbroken.save());
    expect(resumed.time).toBeCloseTo(0.4, 12);
    expect(resumed.measure()).toEqual(unbroken.measure());
    await unbroken.advance(1.1);
    await resumed.advance(1.1);
    expect(resumed.measure()).toEqual(unbroken.measure());
    expect(resumed.save()).toEqual(unbroken.save());
    expect(resumed.warnings).toEqual(unbroken.warnings);
    unbroken.free();
    resumed.free();
  });

  test("brings its warnings back with the state", async () => {
    const walled = { ...process, box: [-2.2, 2.45] as [number, number] };
    const simulation = await open(walled);
    await simulation.advance(1);
    const again = await open(walled);
    again.restore(simulation.save());
    expect(again.warnings).toEqual(simulation.warnings);
    expect(again.warnings.join()).toMatch(/wall/);
    simulation.free();
    again.free();
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
    expect(() => simulation.measure()).toThrow(/freed/);
  });

  test("stops at the signal and goes on to the same bits", async () => {
    const stop = new AbortController();
    const [stopped, whole] = [await open(process), await open(process)];
    const running = stopped.advance(1e5, { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) });
    await expect(running).rejects.toThrow("enough");
    const t = stopped.time + 0.5;
    await stopped.advance(t);
    await whole.advance(t);
    expect(stopped.measure()).toEqual(whole.measure());
    await expect(stopped.advance(t - 1)).rejects.toThrow(/t: expected a time not before the time reached/);
    stopped.free();
    whole.free();
  });

  test("of another seed or replica has other noise, and none without gradientNoise", async () => {
    const laws = [{}, { seed: 9 }, { replica: 1 }, { gradientNoise: false }, { gradientNoise: false, seed: 9 }].map(
      async (change) => (await lawAt({ ...process, ...change }, 0.5)).law,
    );
    const [first, seed, replica, quiet, quietToo] = await Promise.all(laws);
    for (const other of [seed!, replica!, quiet!]) expect(w1(first!, other)).toBeGreaterThan(1e-3);
    expect(w1(quiet!, quietToo!)).toBeLessThan(1e-3);
  });
});

describe("wrong use is a SpecError that names the field", () => {
  const good = problemOf(line);
  test.each([
    ["process.stepSize", good, { stepSize: NaN }],
    ["process.stepSize", good, { stepSize: 0 }],
    ["process.stepSize", good, { stepSize: Infinity }],
    ["process.batchSize", good, { stepSize: 0.1, batchSize: 0 }],
    ["process.timeStep", good, { stepSize: 0.1, timeStep: -1 }],
    ["process.noiseStep", good, { stepSize: 0.1, noiseStep: 0.03 }],
    ["process.cells", good, { stepSize: 0.1, cells: 7 }],
    ["process.cells", good, { stepSize: 0.1, cells: 100.5 }],
    ["process.box[1]", good, { stepSize: 0.1, box: [2, -2] }],
    ["process.box", good, { stepSize: 0.1, box: [-2, 0, 2] }],
    ["process.box[0]", good, { stepSize: 0.1, box: [-Infinity, 2] }],
    ["process.gradientNoise", good, { stepSize: 0.1, gradientNoise: 1 }],
    ["process.problem.start.kind", { ...good, start: particles([[1]]) }, { stepSize: 0.1 }],
    ["process.problem.law.x", { ...good, law: dataset({ x: [[1, 2]], y: [1] }) }, { stepSize: 0.1 }],
    [
      "process.cells",
      { ...good, law: dataset({ x: Array.from({ length: 1000 }, () => [1]), y: new Float64Array(1000) }) },
      { stepSize: 0.1, cells: 2 ** 20 },
    ],
  ] as const)("%s", async (path, problem, options) => {
    try {
      smfeGrid(problem as never, options as never);
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe(path);
      return;
    }
    expect.unreachable("nothing was thrown");
  });

  test("a confinement whose slope is not finite in the box", async () => {
    const U = localPotential(
      () => 0,
      (w) => [1 / Math.max(0, w[0]!)],
    );
    const problem = { ...problemOf({ ...line, decays: [1, 1, 1] }), confinement: U };
    await expect(open(smfeGrid(problem, { stepSize: 0.1, box: [-4, 4] }))).rejects.toThrow(
      /process.problem.confinement: expected a finite slope at θ = -4/,
    );
  });
});
