// The driver: what it records, how it stops, what it leaves behind.

import { describe, expect, it } from "vitest";
import {
  anisotropicGaussians,
  type Backend,
  CheckpointError,
  compare,
  DivergenceError,
  ensemble,
  gaussian,
  histogram,
  loadEngine,
  localPotential,
  moments,
  open,
  predictions,
  quantiles,
  radialFlow,
  ridge,
  risk,
  SpecError,
  sgd,
  solve,
  square,
  tanh,
} from "../../src/index";

const problem = {
  law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }),
  unit: ridge(tanh()),
  start: gaussian({ radius: 1 }),
};
const small = sgd(problem, { neurons: 20, stepSize: 0.01, seed: 1 });

describe("solve", () => {
  it("records statistics at multiples of the step nearest to the times asked for", async () => {
    const run = await solve(small, {
      times: [0, 0.104, 0.5],
      observe: {
        risk: risk(),
        r1: quantiles("r1", [0.25, 0.5, 0.75]),
        norm: moments("r", 2),
        bins: histogram("r2", [0, 1, 4]),
        f: predictions([[1, 0, 0, 0, 0, 0]]),
        count: (measure) => (measure.kind === "particles" ? measure.shape[0] : 0),
      },
    });
    expect(Array.from(run.times)).toEqual([0, 0.1, 0.5]);
    expect(run.status).toBe("done");
    expect(run.observables["risk"]!.shape).toEqual([3]);
    expect(run.observables["risk"]!.method).toBe("series");
    expect(run.observables["r1"]!.shape).toEqual([3, 3]);
    expect(run.observables["bins"]!.values[0]! + run.observables["bins"]!.values[1]!).toBeCloseTo(1, 12);
    expect(Array.from(run.observables["count"]!.values)).toEqual([20, 20, 20]);
    expect(run.provenance.conventions).toMatch(/t = kε .*1\/N/);
    expect(run.provenance.spec).toMatch(/^[0-9a-f]{64}$/);
  });

  it("gives the same bits whatever the save times", async () => {
    const few = await solve(small, { times: [1] });
    const many = await solve(small, { times: Array.from({ length: 101 }, (_, i) => i / 100) });
    expect(many.observables["risk"]!.values.at(-1)).toBe(few.observables["risk"]!.values[0]);
  });

  it("an aborted run keeps what it has recorded", async () => {
    const controller = new AbortController();
    const run = await solve(sgd(problem, { neurons: 400, stepSize: 1e-4, seed: 1 }), {
      times: [0.01, 1000],
      signal: controller.signal,
      onProgress: ({ time }) => {
        if (time > 0.02) controller.abort();
      },
    });
    expect(run.status).toBe("aborted");
    expect(run.times.length).toBe(1);
    expect(run.observables["risk"]!.shape).toEqual([1]);
  });

  it("a divergence throws and carries the run so far", async () => {
    const wild = sgd({ ...problem, unit: ridge(square()) }, { neurons: 5, stepSize: 4, seed: 1 });
    const error = (await solve(wild, { times: [0, 4000] }).catch((e: unknown) => e)) as DivergenceError;
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error.message).toMatch(/smaller/);
    expect((error.run as { times: Float64Array }).times.length).toBe(1);
  });

  it.each([
    ["times", { times: [] }],
    ["times[1]", { times: [0, Number.NaN] }],
    ["times[0]", { times: [-1] }],
    ["keep", { times: [0], keep: "everything" as never }],
    ["observe.x.kind", { times: [0], observe: { x: { kind: "rsik" } as never } }],
    [
      "observe.q.levels[0]",
      { times: [0], observe: { q: { kind: "quantiles", coordinate: "r1", levels: [2] } as never } },
    ],
    ["backend", { times: [0], backend: "gpu" as Backend }],
    ["checkpoint", { times: [0], checkpoint: 7 as never }],
  ])("names the wrong option: %s", async (path, options) => {
    const error = (await solve(small, options).catch((e: unknown) => e)) as SpecError;
    expect(error).toBeInstanceOf(SpecError);
    expect(error.path).toBe(path);
  });

  it("a run that was stopped goes on from its checkpoint to the same bits as an unbroken one", async () => {
    const process = sgd(problem, { neurons: 100, stepSize: 1e-4, seed: 3 });
    const times = [0.05, 0.1, 2];
    const whole = await solve(process, { times });
    let kept: Uint8Array | null = null;
    const checkpoint = {
      write(bytes: Uint8Array) {
        kept = bytes;
      },
      read: () => kept,
      everySeconds: 0,
    };
    const controller = new AbortController();
    const part = await solve(process, {
      times,
      checkpoint,
      signal: controller.signal,
      onProgress: ({ time }) => {
        if (time > 0.7) controller.abort();
      },
    });
    expect(part.status).toBe("aborted");
    const before = kept!;
    const resumed = await solve(process, { times, checkpoint });
    expect(resumed.times).toEqual(whole.times);
    expect(resumed.observables["risk"]!.values).toEqual(whole.observables["risk"]!.values);

    // a damaged one, and one of another run, are refused and left as they were
    const damaged = before.slice(0, -9);
    kept = damaged;
    await expect(solve(process, { times, checkpoint })).rejects.toBeInstanceOf(CheckpointError);
    expect(kept).toBe(damaged);
    kept = before;
    await expect(solve(small, { times, checkpoint })).rejects.toBeInstanceOf(CheckpointError);
    await expect(solve(process, { times: [0.06, 2], checkpoint })).rejects.toThrow(/other times/);
  });
});

describe("memory", () => {
  it.each(["simd", "js"] as const)("a thousand aborted runs keep the memory of the %s build flat", async (backend) => {
    const engine = await loadEngine({ backend });
    const process = sgd(problem, { neurons: 300, stepSize: 0.01, seed: 1 });
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
    for (let i = 0; i < 980; i++) await abortOne();
    expect(engine.usage()).toEqual(before);
    expect(before.live).toBe(0);
  });

  it("runs that end, fail or are refused leave nothing behind", async () => {
    const engine = await loadEngine();
    const live = engine.usage().live;
    await solve(small, { times: [0.1] });
    await solve({ ...small, neurons: -1 } as never, { times: [0.1] }).catch(() => {});
    await solve(sgd({ ...problem, unit: ridge(square()) }, { neurons: 5, stepSize: 4, seed: 1 }), {
      times: [4000],
    }).catch(() => {});
    const simulation = await open(small);
    simulation.free();
    simulation.free();
    expect(() => simulation.measure()).toThrow(/freed/);
    expect(engine.usage().live).toBe(live);
  });
});

describe("ensemble", () => {
  const options = { replicas: 3, times: [0, 0.1], observe: { risk: risk(), r: quantiles("r", [0.5]) } };

  it("is the same to the bit with 0, 1 and 2 workers", async () => {
    const [none, one, two] = await Promise.all([
      ensemble(small, { ...options, workers: 0 }),
      ensemble(small, { ...options, workers: 1 }),
      ensemble(small, { ...options, workers: 2 }),
    ]);
    for (const other of [one, two]) {
      expect(other.times).toEqual(none.times);
      for (const name of ["risk", "r"]) expect(other.observables[name]).toEqual(none.observables[name]);
    }
    expect(none.observables["risk"]!.replicas.length).toBe(3);
    expect(none.observables["risk"]!.replicas[0]).not.toEqual(none.observables["risk"]!.replicas[1]);
  });

  it("tells the mean and its standard error", async () => {
    const run = await ensemble(small, { ...options, workers: 0 });
    const { mean, standardError, replicas } = run.observables["risk"]!;
    const values = replicas.map((one) => one[1]!);
    const average = (values[0]! + values[1]! + values[2]!) / 3;
    expect(mean[1]).toBeCloseTo(average, 14);
    const variance = values.reduce((sum, v) => sum + (v - average) ** 2, 0) / 2;
    expect(standardError[1]).toBeCloseTo(Math.sqrt(variance / 3), 14);
  });

  it("an error in a worker arrives as itself", async () => {
    const wild = sgd({ ...problem, unit: ridge(square()) }, { neurons: 5, stepSize: 4, seed: 1 });
    const error = await ensemble(wild, { replicas: 2, times: [4000], workers: 2 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as DivergenceError).step).toBeGreaterThan(0);
  });

  it("is stopped by its signal, with the signal's reason", async () => {
    const controller = new AbortController();
    const running = ensemble(sgd(problem, { neurons: 800, stepSize: 1e-6, seed: 1 }), {
      replicas: 4,
      times: [100],
      workers: 2,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error("enough")), 300);
    await expect(running).rejects.toThrow("enough");
  });

  it("refuses a function where it would have to travel, and a deterministic process", async () => {
    await expect(ensemble(small, { replicas: 2, times: [0], observe: { f: () => 1 }, workers: 1 })).rejects.toThrow(
      /workers: 0/,
    );
    const confinement = localPotential(
      () => 0,
      (theta) => theta,
    );
    const local = sgd({ ...problem, confinement }, { neurons: 2, stepSize: 0.1 });
    const potential = /process\.problem\.confinement: .*plain JSON/;
    await expect(ensemble(local, { replicas: 2, times: [0], workers: 1 })).rejects.toThrow(potential);
    await expect(ensemble(local, { replicas: 2, times: [0], workers: 1 })).rejects.toThrow(/workers: 0/);
    await expect(ensemble(local, { replicas: 1, times: [0], workers: 0, checkpoint: "x" })).rejects.toThrow(potential);
    await expect(solve(local, { times: [0], checkpoint: { write() {} } })).rejects.toThrow(potential);
    const here = await ensemble(local, { replicas: 2, times: [0.2], workers: 0 });
    expect(here.provenance.spec).toBe("local");
    const simulation = await open(local);
    expect(() => simulation.save()).toThrow(/process\.problem\.confinement\.(value|gradient): .*a function/);
    simulation.free();
    await expect(ensemble(radialFlow(problem), { replicas: 2, times: [0] })).rejects.toThrow(/deterministic/);
    await expect(ensemble(small, { replicas: 0, times: [0] })).rejects.toBeInstanceOf(SpecError);
  });
});

describe("compare", () => {
  it("gives gaps of what both recorded, with the standard error of an ensemble", async () => {
    const times = [0, 0.05, 0.1];
    const [network, limit] = await Promise.all([
      ensemble(small, { replicas: 3, times, workers: 0 }),
      solve(radialFlow(problem), { times }),
    ]);
    const { risk: gap } = compare(network, limit);
    expect(gap.difference.length).toBe(3);
    expect(gap.standardError!.every((e) => e > 0)).toBe(true);
    expect(gap.sup).toBe(Math.max(...gap.difference.map(Math.abs)));
    expect(times).toContain(gap.at);
  });

  it("gives distances of the radii where both kept their measures, and refuses other times", async () => {
    const times = [0, 0.1];
    const a = await solve(small, { times, keep: "measures" });
    const b = await solve(radialFlow(problem), { times, keep: "measures" });
    const { distances } = compare(a, b);
    expect(Object.keys(distances)).toEqual(["r1", "r2"]);
    expect(distances["r1"]!.w1.every((d) => d > 0 && d < 0.5)).toBe(true);
    expect(distances["r1"]!.w2[0]).toBeGreaterThanOrEqual(distances["r1"]!.w1[0]!);
    const c = await solve(small, { times: [0, 0.2] });
    expect(() => compare(a, c)).toThrow(SpecError);
  });

  it("says by how much times are apart that steps have rounded; and solve, that two of them are one", async () => {
    const coarse = { ...small, stepSize: 0.01 };
    const network = await solve(coarse, { times: [0, 0.014, 0.05] });
    const asked = await solve(radialFlow(problem), { times: [0, 0.014, 0.05] });
    expect(compare(network, asked).shift).toBeCloseTo(0.004, 12);
    expect(compare(network, await solve(radialFlow(problem), { times: network.times })).shift).toBe(0);
    expect(network.warnings).toEqual([]);
    const twice = await solve(coarse, { times: [0, 0.012, 0.014] });
    expect(twice.warnings).toEqual([expect.stringMatching(/fall on one step, at t = 0\.01:/)]);
  });
});
