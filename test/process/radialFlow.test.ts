import { describe, expect, test } from "vitest";
import {
  affine,
  anisotropicGaussians,
  CheckpointError,
  gaussian,
  loadEngine,
  moments,
  open,
  particles,
  piecewiseLinear,
  quantiles,
  radialFlow,
  radii,
  relu,
  ridge,
  risk,
  SpecError,
  solve,
} from "../../src/index";
import reference from "../reference/radial.json";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const isotropic = {
  law: anisotropicGaussians({ dimension: 40, signal: 40, delta: 0.8 }),
  unit: ridge(figureOne),
  start: gaussian({ radius: 0.8 }),
};
const twoRadii = {
  law: anisotropicGaussians({ dimension: 320, signal: 60, delta: 0.5 }),
  unit: ridge(figureOne),
  start: gaussian({ radius: 0.8 }),
};
const small = { ...twoRadii, law: anisotropicGaussians({ dimension: 40, signal: 9, delta: 0.5 }) };
const processes = [
  ["characteristics", radialFlow(small, { particles: 200 })],
  ["grid", radialFlow(small, { method: "grid", cells: 48, rMax: 3 })],
] as const;

test("one radius, solved with the defaults, meets the reference", async () => {
  const { t, risk: R, meanNorm, q05, q50, q95, tolerance } = reference.isotropic;
  const run = await solve(radialFlow(isotropic), {
    times: t,
    observe: { risk: risk(), mean: moments("r1", 1), quantiles: quantiles("r1", [0.05, 0.5, 0.95]) },
  });
  const { observables } = run;
  t.forEach((_, k) => {
    expect(Math.abs(observables.risk!.values[k]! - R[k]!)).toBeLessThan(tolerance.risk);
    expect(Math.abs(observables.mean!.values[k]! - meanNorm[k]!)).toBeLessThan(2e-6);
    for (const [i, list] of [q05, q50, q95].entries()) {
      if (list[k] === null) continue;
      expect(Math.abs(observables.quantiles!.values[3 * k + i]! - list[k]!)).toBeLessThan(tolerance.quantile);
    }
  });
});

test("two radii, solved with the defaults, meet the reference", async () => {
  const { t, risk: R, meanR1, meanR2, tolerance } = reference.twoRadii;
  const run = await solve(radialFlow(twoRadii), {
    times: t,
    observe: { risk: risk(), r1: moments("r1", 1), r2: moments("r2", 1) },
  });
  t.forEach((_, k) => {
    expect(Math.abs(run.observables.risk!.values[k]! - R[k]!)).toBeLessThan(tolerance.risk);
    expect(Math.abs(run.observables.r1!.values[k]! - meanR1[k]!)).toBeLessThan(tolerance.mean);
    expect(Math.abs(run.observables.r2!.values[k]! - meanR2[k]!)).toBeLessThan(tolerance.mean);
  });
});

test("both grids at their defaults are within 2e-3 of the reference risk for t ≤ 10", async () => {
  for (const [problem, { t, risk: R }] of [
    [isotropic, reference.isotropic],
    [twoRadii, reference.twoRadii],
  ] as const) {
    const times = t.filter((time) => time <= 10);
    const run = await solve(radialFlow(problem, { method: "grid" }), { times, observe: { risk: risk() } });
    times.forEach((_, k) => void expect(Math.abs(run.observables.risk!.values[k]! - R[k]!)).toBeLessThan(2e-3));
  }
});

test("given neurons start at their own radii, whatever the rotation", async () => {
  const d = 6;
  const normals = Float64Array.from({ length: 5 * d }, (_, i) => Math.sin(3 * i + 1));
  for (const rotation of ["identity", { seed: 4 }] as const) {
    const problem = {
      law: anisotropicGaussians({ dimension: d, signal: 2, delta: 0.5, rotation }),
      unit: ridge(relu()),
      start: particles({ dtype: "f64", shape: [5, d], data: normals }),
    };
    const simulation = await open(radialFlow(problem));
    const measure = simulation.measure();
    expect(measure).toMatchObject({ kind: "particles", coordinates: "radial", shape: [5, 2] });
    if (measure.kind !== "particles") throw new Error("particles expected");
    for (let i = 0; i < 5; i++) {
      const w = normals.subarray(i * d, (i + 1) * d);
      const norm = w.reduce((sum, x) => sum + x * x, 0);
      const [r1, r2] = [measure.values[2 * i]!, measure.values[2 * i + 1]!];
      expect(r1 * r1 + r2 * r2).toBeCloseTo(norm, 12);
      if (rotation === "identity") expect(r1 * r1).toBeCloseTo(w[0]! ** 2 + w[1]! ** 2, 12);
      else expect(Math.abs(r1 * r1 - w[0]! ** 2 - w[1]! ** 2)).toBeGreaterThan(1e-6);
    }
    simulation.free();
  }
});

test("fixed output weights stay, trained ones move", async () => {
  for (const trainOutput of [false, true]) {
    const problem = { ...small, unit: affine(relu(), { trainOutput }), start: gaussian({ radius: 0.8, a: 1, b: 1 }) };
    const run = await solve(radialFlow(problem, { particles: 100 }), { times: [2], observe: { a: moments("a", 1) } });
    expect(Math.abs(run.observables.a!.values[0]! - 1) > 1e-3).toBe(trainOutput);
  }
});

describe.each(processes)("%s", (_, process) => {
  test("give the same bits whatever the save times", async () => {
    const few = await solve(process, { times: [1], keep: "measures" });
    const many = await solve(process, { times: [0, 0.013, 0.3, 0.77, 1], keep: "measures" });
    expect(many.measures!.at(-1)).toEqual(few.measures!.at(-1));
  });

  test("go on from a saved state to the same bits", async () => {
    const [unbroken, resumed] = [await open(process), await open(process)];
    await unbroken.advance(0.4);
    const bytes = unbroken.save();
    resumed.restore(bytes);
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

  test("refuse a damaged state or another's, and are left as they were", async () => {
    const simulation = await open(process);
    await simulation.advance(0.2);
    const bytes = simulation.save();
    const before = simulation.measure();
    const bent = bytes.slice();
    bent[bytes.length - 20]! ^= 1;
    const other = await open(radialFlow(small, { particles: 150 }));
    for (const wrong of [bent, bytes.subarray(0, 50), other.save()]) {
      expect(() => simulation.restore(wrong)).toThrow(CheckpointError);
    }
    expect(simulation.measure()).toEqual(before);
    simulation.free();
    other.free();
  });

  test("stop at the signal and give their memory back", async () => {
    const engine = await loadEngine();
    const { live } = engine.usage();
    for (let round = 0; round < 3; round++) {
      const stop = new AbortController();
      const simulation = await open(process);
      const running = simulation.advance(1e6, {
        signal: stop.signal,
        onProgress: () => stop.abort(new Error("enough")),
      });
      await expect(running).rejects.toThrow("enough");
      simulation.free();
      simulation.free();
    }
    expect(engine.usage().live).toBe(live);
  });

  test("refuse to go back in time", async () => {
    const simulation = await open(process);
    await simulation.advance(0.1);
    await expect(simulation.advance(0.05)).rejects.toThrow(SpecError);
    simulation.free();
  });
});

describe("what the user should know", () => {
  test("a series that is too short for the dimension is named", async () => {
    const law = anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 });
    const simulation = await open(radialFlow({ ...twoRadii, law }, { particles: 50 }));
    expect(simulation.warnings.join()).toMatch(/degree 24 can leave .* of the risk out/);
    simulation.free();
    const fine = await open(radialFlow(isotropic, { particles: 50 }));
    expect(fine.warnings).toEqual([]);
    fine.free();
  });

  test("a wall that is reached and a density that is not resolved are named, with the time", async () => {
    const simulation = await open(radialFlow(isotropic, { method: "grid", cells: 256, rMax: 2 }));
    expect(simulation.warnings).toEqual([]);
    await simulation.advance(8);
    expect(simulation.warnings.join()).toMatch(/outer wall r = 2 since t = [\d.]+; take a larger rMax/);
    simulation.free();
    const coarse = await open(radialFlow(isotropic, { method: "grid", cells: 64, rMax: 6 }));
    expect(coarse.warnings.join()).toMatch(/no longer resolved since t = 0/);
    coarse.free();
  });

  test("a point has no density on a grid", () => {
    const law = anisotropicGaussians({ dimension: "infinite", signal: 0.3, delta: 0.5 });
    for (const [start, path] of [
      [gaussian({ radius: 0.5 }), "process.problem.start.kind"],
      [radii({ r1: 0.5, r2: { from: 0, to: 1 } }), "process.problem.start.r1"],
    ] as const) {
      const make = () => radialFlow({ ...twoRadii, law, start }, { method: "grid" });
      expect(make).toThrow(SpecError);
      expect(make).toThrow(path);
      expect(() => radialFlow({ ...twoRadii, law, start })).not.toThrow();
    }
  });
});
