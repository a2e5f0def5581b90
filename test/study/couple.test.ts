// Coupled dynamics in Node and in Chromium: the parts are the single runs, the start and the data are shared, the gaps are what
// they say. The exponents are in test/slow/coupling.test.ts.

import { describe, expect, it } from "vitest";
import {
  anisotropicGaussians,
  type CoupleOptions,
  type Coupling,
  cosine,
  couple,
  coupledDynamics,
  coupledGaps,
  DivergenceError,
  dataset,
  gaussian,
  gradientFlow,
  localPotential,
  moments,
  type Observables,
  type Particles,
  particles,
  predictions,
  radialFlow,
  ridge,
  risk,
  SpecError,
  solve,
  square,
  stream,
  tanh,
} from "../../src/index";
import { startParticles } from "../../src/model/particles";

const words = stream(5);
const x = Array.from({ length: 10 }, (_, q) => Array.from(words.normals(3, { step: q })));
const finite = {
  law: dataset({ x, y: [...words.normals(10, { step: 10 })] }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const gaussians = {
  law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }),
  unit: ridge(cosine()),
  start: gaussian({ radius: 1 }),
};
const options = { neurons: 8, stepSize: 0.05, times: [0, 0.4, 1], replicas: 2, seed: 1, workers: 0 };
const observe = { norm: moments("r", 1), f: predictions(x.slice(0, 2)) };

const on = {
  "a finite law": { problem: finite, observe, limit: gradientFlow(finite, { neurons: 40, seed: 2 }) },
  "Gaussian data": { problem: gaussians, observe: {}, limit: radialFlow(gaussians, { particles: 100 }) },
};

async function thetasOf(
  coupling: Coupling,
  name: (typeof coupledDynamics)[number],
  r: number,
): Promise<Float64Array[]> {
  const { process } = coupling.runs[name];
  if (!("replica" in process)) throw new Error("a replica");
  const run = await solve({ ...process, replica: process.replica + r }, { times: coupling.times, keep: "measures" });
  return run.measures!.map((measure) => (measure as Particles).values);
}

describe.each(Object.entries(on))("on %s", (_, { problem, observe: others, limit }) => {
  const coupling = couple(problem, { ...options, limit, observe: others });

  it("the parts are the single runs, bit for bit", async () => {
    const { times, runs, limit: reference } = await coupling;
    const all = { risk: risk(), ...others };
    expect(reference).toEqual(await solve(limit, { times, observe: all }));
    for (const name of coupledDynamics) {
      const { process, observables } = runs[name];
      if (!("replica" in process)) throw new Error("a replica");
      for (let r = 0; r < 2; r++) {
        const single = await solve({ ...process, replica: r }, { times, observe: all });
        for (const key of Object.keys(all)) {
          expect(observables[key]!.replicas[r], `${name}, ${key}`).toEqual(single.observables[key]!.values);
        }
      }
    }
    expect(runs.ND.process).toMatchObject({ kind: "nonlinear", neurons: 8, seed: 1, replica: 0, limit });
    expect(runs.PD.process).toMatchObject({ kind: "gradientFlow", neurons: 8, seed: 1, replica: 0 });
    expect(runs.GD.process).toMatchObject({ kind: "gradientDescent", neurons: 8, stepSize: 0.05, seed: 1, replica: 0 });
    expect(runs.SGD.process).toMatchObject({ kind: "sgd", neurons: 8, stepSize: 0.05, seed: 1, replica: 0 });
  });

  it("a seed gives all four one start, bit for bit, and each replica another", async () => {
    const result = await coupling;
    for (let r = 0; r < 2; r++) {
      const spec = { ...problem, loss: "squared", confinement: null } as const;
      const start = startParticles(spec, 8, { seed: 1, replica: r });
      for (const name of ["ND", "PD", "GD", "SGD"] as const)
        expect((await thetasOf(result, name, r))[0]).toEqual(start);
    }
    for (const pair of ["PD-GD", "GD-SGD"] as const) {
      expect(result.gaps[pair].parameters!.largest.replicas.map((one) => one[0])).toEqual([0, 0]);
      expect(result.gaps[pair].risk.absolute.replicas.map((one) => one[0])).toEqual([0, 0]);
    }
    const [a, b] = result.runs.SGD.observables["risk"]!.replicas;
    expect(a![0]).not.toBe(b![0]);
  });

  it("the gaps are differences of neighbours, largest over neurons, and largest over times", async () => {
    const result = await coupling;
    const { times, gaps, runs, limit: reference } = result;
    for (let r = 0; r < 2; r++) {
      const risks = [
        reference.observables["risk"]!.values,
        ...coupledDynamics.map((name) => runs[name].observables["risk"]!.replicas[r]!),
      ];
      for (const [k, pair] of coupledGaps.entries()) {
        const difference = risks[k]!.map((value, i) => value - risks[k + 1]![i]!);
        const { risk: gap, parameters } = gaps[pair];
        expect(gap.difference.replicas[r]).toEqual(difference);
        expect(gap.absolute.replicas[r]).toEqual(difference.map(Math.abs));
        expect(gap.sup.replicas[r]).toEqual(Float64Array.of(Math.max(...difference.map(Math.abs))));
        if (k === 0) {
          expect(parameters).toBeNull();
          continue;
        }
        const first = await thetasOf(result, coupledDynamics[k - 1]!, r);
        const second = await thetasOf(result, coupledDynamics[k]!, r);
        const d = first[0]!.length / 8;
        const norms = first.map((theta, t) =>
          Array.from({ length: 8 }, (__, i) =>
            Math.hypot(...Array.from({ length: d }, (___, j) => theta[i * d + j]! - second[t]![i * d + j]!)),
          ),
        );
        // hypot rounds otherwise than the root of a sum does
        for (const [t] of times.entries()) {
          const square = norms[t]!.reduce((sum, norm) => sum + norm * norm, 0) / 8;
          expect(parameters!.largest.replicas[r]![t]).toBeCloseTo(Math.max(...norms[t]!), 14);
          expect(parameters!.rootMeanSquare.replicas[r]![t]).toBeCloseTo(Math.sqrt(square), 14);
        }
        for (const name of ["largest", "rootMeanSquare"] as const) {
          expect(parameters!.sup[name].replicas[r]).toEqual(
            Float64Array.of(Math.max(...parameters![name].replicas[r]!)),
          );
        }
      }
    }
    // each of the four is there: none of the dynamics is another one
    for (const pair of coupledGaps)
      expect(Math.min(...gaps[pair].risk.sup.replicas.map((one) => one[0]!))).toBeGreaterThan(1e-5);
  });

  it("gives mean and standard error over replicas", async () => {
    const { gaps } = await coupling;
    const { mean, standardError, replicas, shape } = gaps["GD-SGD"].risk.difference;
    expect(shape).toEqual([3]);
    const [a, b] = [replicas[0]![2]!, replicas[1]![2]!];
    expect(mean[2]).toBeCloseTo((a + b) / 2, 15);
    expect(standardError[2]).toBeCloseTo(Math.abs(a - b) / 2, 15);
    expect(gaps["GD-SGD"].risk.sup.shape).toEqual([]);
  });

  it("does not depend on the number of workers", async () => {
    expect(await couple(problem, { ...options, limit, observe: others, workers: 2 })).toEqual(await coupling);
  });

  it("from a later replica on gives that replica's own numbers", async () => {
    const { runs, gaps } = await coupling;
    const second = await couple(problem, { ...options, limit, observe: others, replica: 1, replicas: 1 });
    for (const name of coupledDynamics) {
      expect(second.runs[name].process).toMatchObject({ replica: 1 });
      expect(second.runs[name].observables["risk"]!.replicas[0]).toEqual(runs[name].observables["risk"]!.replicas[1]);
    }
    for (const pair of coupledGaps) {
      expect(second.gaps[pair].risk.sup.replicas[0]).toEqual(gaps[pair].risk.sup.replicas[1]);
      expect(second.gaps[pair].parameters?.largest.replicas[0]).toEqual(gaps[pair].parameters?.largest.replicas[1]);
    }
  });

  it("is plain data", async () => {
    expect(structuredClone(await coupling)).toEqual(await coupling);
  });
});

describe("the data of SGD", () => {
  it("are the seed's, whatever N is", async () => {
    // Over one step every neuron moves along its example: w¹ − w⁰ is a multiple of x_q. Which q it was at each of 20 steps is read off.
    const drawn = async (neurons: number, seed: number, replica = 0) => {
      const stepSize = 0.05;
      const times = Array.from({ length: 21 }, (_, k) => k * stepSize);
      const coupling = await couple(finite, { ...options, neurons, seed, replicas: 1, replica, stepSize, times });
      const path = await thetasOf(coupling, "SGD", 0);
      return path.slice(1).map((theta, k) => {
        const move = [0, 1, 2].map((j) => theta[j]! - path[k]![j]!);
        const size = Math.hypot(...move);
        const parallel = x.map(
          (row) => Math.abs(row.reduce((sum, v, j) => sum + v * move[j]!, 0)) / Math.hypot(...row) / size,
        );
        const q = parallel.indexOf(Math.max(...parallel));
        expect(parallel[q]).toBeCloseTo(1, 9);
        return q;
      });
    };
    const eight = await drawn(8, 1);
    expect(new Set(eight).size).toBeGreaterThan(4);
    expect(await drawn(3, 1)).toEqual(eight);
    expect(await drawn(8, 2)).not.toEqual(eight);
    expect(await drawn(8, 1, 1)).not.toEqual(eight);
  });

  it("come in batches, and each once an epoch, as they are asked for", async () => {
    const batches = await couple(finite, { ...options, batchSize: 5, replacement: false });
    expect(batches.runs.SGD.process).toMatchObject({ batchSize: 5, replacement: false });
    // an epoch's batch of all ten is gradient descent, but for the order of sums
    const whole = await couple(finite, { ...options, batchSize: 10, replacement: false });
    expect(whole.gaps["GD-SGD"].risk.sup.mean[0]).toBeLessThan(1e-13);
  });
});

describe("the limit", () => {
  it("is the radial flow where there is one", async () => {
    const { limit, runs, provenance } = await couple(gaussians, { ...options, replicas: 1 });
    expect(limit.process).toEqual(radialFlow(gaussians));
    expect(runs.ND.process).toMatchObject({ limit: radialFlow(gaussians) });
    expect(provenance.method).toMatch(/ND: field of the radial flow.*PD: population/);
  });

  it("is a gradient flow of 16 N neurons elsewhere, of draws that no replica has", async () => {
    const plain = await couple(finite, { ...options, replicas: 1, tolerance: 1e-6 });
    expect(plain.limit.process).toMatchObject({
      kind: "gradientFlow",
      neurons: 128,
      seed: 1,
      replica: 2 ** 32 - 1,
      tolerance: 1e-6,
    });
    const confined = { ...gaussians, confinement: { kind: "quadratic", weight: 0.1, center: 0 } as const };
    const { limit } = await couple(confined, { ...options, times: [0.05], replicas: 1 });
    expect(limit.process).toMatchObject({ kind: "gradientFlow", neurons: 128, gradient: "population" });
  });

  it("has the schedule of the dynamics", async () => {
    const schedule = { kind: "power", exponent: 0.5, offset: 1 } as const;
    const slowed = await couple(finite, { ...options, replicas: 1, schedule });
    expect(slowed.limit.process).toMatchObject({ schedule });
    // all of it goes another way in the same time, and stays together
    const straight = await couple(finite, { ...options, replicas: 1 });
    expect(slowed.limit.observables["risk"]!.values[2]).toBeGreaterThan(
      straight.limit.observables["risk"]!.values[2]! + 1e-3,
    );
    expect(slowed.gaps["PD-GD"].risk.sup.mean[0]).toBeLessThan(0.01);
  });
});

describe("other statistics", () => {
  it("have gaps too, with their largest over times and components", async () => {
    const { gaps, limit } = await couple(finite, { ...options, observe });
    const { f, norm } = gaps["limit-ND"].observables;
    expect(f!.difference.shape).toEqual([3, 2]);
    expect(limit.observables["f"]!.shape).toEqual([3, 2]);
    for (const gap of [f!, norm!]) {
      expect(gap.sup.replicas[1]![0]).toBe(Math.max(...gap.absolute.replicas[1]!));
    }
    expect(gaps["limit-ND"].observables["risk"]).toEqual(gaps["limit-ND"].risk);
  });

  it("may be functions where nothing has to travel", async () => {
    const first = { first: (measure: unknown) => (measure as Particles).values[0]! } as unknown as Observables;
    const { gaps } = await couple(finite, { ...options, observe: first });
    const { observables, parameters } = gaps["GD-SGD"];
    expect(observables["first"]!.sup.mean[0]).toBeGreaterThan(0);
    expect(observables["first"]!.sup.mean[0]).toBeLessThanOrEqual(parameters!.sup.largest.mean[0]!);
    await expect(couple(finite, { ...options, observe: first, workers: 1 })).rejects.toThrow(/^observe\.first: /);
  });
});

describe("a coupling", () => {
  it("compares at whole steps, and refuses two times in one", async () => {
    const { times, runs, limit } = await couple(finite, { ...options, times: [0.01, 0.12, 0.99] });
    expect(Array.from(times)).toEqual([0, 0.1, 1]);
    for (const name of coupledDynamics) expect(runs[name].times).toEqual(times);
    expect(limit.times).toEqual(times);
    await expect(couple(finite, { ...options, times: [0.1, 0.12] })).rejects.toThrow(/^times\[1\]: .*another step/);
  });

  it.each([0, 2])("tells how far it is, up to all of it (%i workers)", async (workers) => {
    const seen: number[] = [];
    let last = { finished: 0, runs: 0 };
    const onProgress: CoupleOptions["onProgress"] = ({ fraction, ...counts }) => {
      seen.push(fraction);
      last = counts;
    };
    await couple(finite, { ...options, workers, onProgress });
    expect(seen.at(-1)).toBeCloseTo(1, 12);
    for (const [i, fraction] of seen.slice(1).entries()) expect(fraction).toBeGreaterThanOrEqual(seen[i]! - 1e-12);
    expect(last).toEqual({ finished: 9, runs: 9 });
  });

  it.each([0, 2])("stops with the signal's reason (%i workers)", async (workers) => {
    const reason = new Error("enough");
    await expect(couple(finite, { ...options, workers, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const long = couple(finite, {
      ...options,
      workers,
      stepSize: 1e-5,
      times: [1000],
      signal: controller.signal,
      onProgress: ({ fraction }) => fraction > 0 && controller.abort(reason),
    });
    await expect(long).rejects.toBe(reason);
  });

  it("that diverges says which of the dynamics it was, and of which replica", async () => {
    const wild = { ...finite, unit: ridge(square()), start: gaussian({ radius: 2 }) };
    const limit = gradientFlow(wild, { neurons: 20, seed: 2 });
    const run = couple(wild, { ...options, limit, stepSize: 3, times: [90], tolerance: 1e-4 });
    await expect(run).rejects.toThrow(DivergenceError);
    await expect(run).rejects.toThrow(/\((GD|SGD), replica 0\.\)$/);
  });

  const sixteen = particles(Array.from({ length: 8 }, (_, i) => Array.from(words.normals(3, { step: 20 + i }))));
  it.each<[string, Partial<CoupleOptions>, object?]>([
    ["neurons", { neurons: 0 }],
    ["stepSize", { stepSize: -1 }],
    ["times[1]", { times: [1, 0.5] }],
    ["replicas", { replicas: 0 }],
    ["replica", { replica: 2 ** 32 - 2 }],
    ["seed", { seed: -1 }],
    ["batchSize", { batchSize: 0 }],
    ["tolerance", { tolerance: 1 }],
    ["gradient", { gradient: "population" }],
    ["points", { points: 100 }],
    ["schedule.kind", { schedule: { kind: "cosine" } as never }],
    ["workers", { workers: -1 }],
    ["observe.risk", { observe: { risk: moments("r", 1) } }],
    ["observe.w.coordinate", { observe: { w: moments("w7", 1) } }],
    ["observe.norm.order", { observe: { norm: { kind: "moments", coordinate: "r", order: 0 } as never } }],
    ["limit.kind", { limit: { kind: "sgd" } as never }],
    ["limit.problem.law", { limit: radialFlow(gaussians) }],
    ["limit.seed", { limit: gradientFlow(finite, { neurons: 100, seed: 1, replica: 1 }) }],
    [
      "limit.schedule",
      { limit: gradientFlow(finite, { neurons: 100, seed: 2, schedule: { kind: "power", exponent: 1, offset: 1 } }) },
    ],
    ["limit", {}, { ...finite, start: sixteen }],
    ["problem.law.kind", {}, { ...finite, law: { kind: "none", dimension: 3 } }],
  ])("is refused by the path of what is wrong: %s", async (path, wrong, problem = finite) => {
    const error = await couple(problem as typeof finite, { ...options, ...wrong }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).path).toBe(path);
  });

  it("is refused a schedule that a radial flow cannot have", async () => {
    const schedule = { kind: "power", exponent: 1, offset: 1 } as const;
    const run = couple(gaussians, { ...options, schedule, limit: radialFlow(gaussians) });
    await expect(run).rejects.toThrow(/^schedule: /);
  });

  it("of a potential of one's own stays in this thread", async () => {
    const potential = localPotential(
      (theta) => theta.reduce((sum, v) => sum + 0.1 * v * v, 0),
      (theta) => theta.map((v) => 0.2 * v),
    );
    const own = { ...finite, confinement: potential };
    const { provenance, gaps } = await couple(own, { ...options, replicas: 1 });
    expect(provenance.spec).toBe("local");
    const same = await couple(
      { ...finite, confinement: { kind: "quadratic", weight: 0.2, center: 0 } },
      { ...options, replicas: 1 },
    );
    expect(gaps["PD-GD"].risk.sup.mean[0]).toBeCloseTo(same.gaps["PD-GD"].risk.sup.mean[0]!, 9);
    await expect(couple(own, { ...options, workers: 2 })).rejects.toThrow(/^problem\.confinement: /);
  });
});
