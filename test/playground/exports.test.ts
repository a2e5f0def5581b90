// What leaves the playground can be read by the library, and a run file comes back as the experiment it was.

import { describe, expect, it } from "vitest";
import { type Dropped, defaults, type Experiment, runOf } from "../../playground/src/experiment";
import { bandOf, findBand } from "../../playground/src/run/band";
import type { Request, Response, RiskBand } from "../../playground/src/run/protocol";
import { experimentOf, runSpecOf } from "../../playground/src/runFile";
import {
  dataset,
  measureFromNpz,
  parseRunSpec,
  runSpecToJson,
  solve,
  tableFromCsv,
  trajectoryFromJson,
  trajectoryFromNpz,
} from "../../src/index";
import { begin, changed, NOTHING, opened, type Session } from "./harness";

const small: Experiment = { ...defaults("gaussians"), neurons: 30, dimension: 8, signal: 8, stepSize: 1e-3 };

let ids = 1000;
const exported = async (one: Session, what: Extract<Request, { type: "export" }>["what"]) => {
  const id = ++ids;
  one.send({ type: "export", id, what });
  const answer = await one.until(
    (response) => response.type !== "frame" && "id" in response && response.id === id,
    one.responses.length,
  );
  if (answer.type !== "exported") throw new Error(JSON.stringify(answer));
  return answer as Extract<Response, { type: "exported" }>;
};
const read = ({ bytes }: { bytes: Uint8Array }) => new TextDecoder().decode(bytes);
// all records are made
const recorded = (one: Session, time: number) =>
  one.until((r) => r.type === "frame" && r.frame.samples.some((sample) => Math.abs(sample.time - time) < 1e-9), 0);

describe("The exports of a run", () => {
  it("are a trajectory of the library, as JSON, CSV and npz, with the risks of solve; and its neurons", async () => {
    const one = begin();
    await opened(one, small, 0.04);
    await recorded(one, 0.04);
    const trajectory = trajectoryFromJson(JSON.parse(read(await exported(one, "trajectoryJson"))));
    const again = await solve(trajectory.process, { times: trajectory.times });
    expect(trajectory.observables["risk"]!.values).toEqual(again.observables["risk"]!.values);
    expect(trajectory.provenance).toEqual(again.provenance);
    expect(trajectory.observables["limitRisk"]!.values).toHaveLength(trajectory.times.length);

    const table = await tableFromCsv(read(await exported(one, "trajectoryCsv")));
    expect(table.columns.map(({ name }) => name)).toEqual([
      "time",
      "N",
      "epsilon",
      "B",
      "tau",
      "risk",
      "limitRisk",
      "sharpness",
      "edge",
    ]);
    expect(table.rows.map((row) => row[5])).toEqual(Array.from(again.observables["risk"]!.values));
    expect(table.rows.at(-1)!.slice(0, 5)).toEqual([trajectory.times.at(-1), 30, 1e-3, 1, 0]);

    const npz = await trajectoryFromNpz((await exported(one, "trajectoryNpz")).bytes);
    expect(npz.observables["risk"]!.values).toEqual(again.observables["risk"]!.values);
    const { measures } = await solve(trajectory.process, { times: [0.04], keep: "measures" });
    expect(await measureFromNpz((await exported(one, "measureNpz")).bytes)).toMatchObject({
      shape: [30, 8],
      values: (measures![0] as { values: Float64Array }).values,
    });
    one.send({ type: "close" });
  });

  it("with changes on the way are a trajectory a leg, each of which runs by itself to the next", async () => {
    const one = begin();
    await opened(one, { ...small, limit: "none" }, 0.01);
    await changed(one, { stepSize: 2e-3, batchSize: 2 });
    one.send({ type: "seek", time: 0.03 });
    await recorded(one, 0.03);
    const { kind, changes, legs } = JSON.parse(read(await exported(one, "trajectoryJson")));
    expect({ kind, changes }).toEqual({ kind: "legs", changes: [{ at: 0.01, set: { stepSize: 2e-3, batchSize: 2 } }] });
    expect(legs.map(({ from }: { from: number }) => from)).toEqual([0, 0.01]);
    const [first, second] = legs.map(({ trajectory }: { trajectory: unknown }) => trajectoryFromJson(trajectory));
    // a leg of the same replica would see the same examples again
    expect([first.process.replica, second.process.replica]).toEqual([0, 1]);
    const { measures } = await solve(first.process, { times: [0.01], keep: "measures" });
    expect(second.process.problem.start.theta.data).toEqual((measures![0] as { values: Float64Array }).values);
    const rest = await solve(second.process, { times: second.times });
    const risks = rest.observables["risk"]!.values;
    expect(second.observables["risk"]!.values).toEqual(risks);
    const { rows } = await tableFromCsv(read(await exported(one, "trajectoryCsv")));
    expect(rows.at(-1)!.slice(1, 6)).toEqual([30, 2e-3, 2, 0, risks.at(-1)]);
    one.send({ type: "close" });
  });
});

describe("A run file of the page", () => {
  it.each([
    small,
    { ...small, signal: 3, activation: "relu", limit: "none" as const, batchSize: 4, seed: 7 },
    { ...defaults("teacher"), neurons: 10, dimension: 3 },
    { ...defaults("peaks"), neurons: 10, radius: 0.7 },
    { ...defaults("sine"), neurons: 6, stepSize: 0.9 },
    {
      ...small,
      dimension: 2,
      signal: 2,
      network: "langevin" as const,
      temperature: 0.05,
      limit: "fokkerPlanck" as const,
    },
  ])("runs from its text, and opens again as the same experiment ($problem, $limit)", (experiment) => {
    const asked = { ...experiment, time: 20 * experiment.stepSize };
    const text = runSpecToJson(runSpecOf(asked, null) as never);
    const run = parseRunSpec(JSON.parse(text));
    expect(run.times.at(-1)).toBeCloseTo(asked.time, 10);
    expect(experimentOf(run, "run.json")).toEqual({ experiment: asked, dropped: null });
  });

  it("has times that the network reaches, so that its limit is compared at the same ones", async () => {
    const slow = { ...small, stepSize: 0.05 };
    const at = (time: number, experiment = slow) =>
      Array.from(runSpecOf({ ...experiment, time }, null).times as number[]);
    // 4.25 are 85 steps: tenths of it, 0.425, lie between two
    for (const [end, stepSize] of [
      [4.25, 0.05],
      [1.3, 0.1],
      [0.7, 0.07],
      [2, 1e-4],
      [1.1, 0.3],
    ] as const) {
      const times = at(end, { ...small, stepSize });
      expect(times).toEqual(times.map((t) => Math.round(t / stepSize) * stepSize));
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
      expect(Math.abs(times.at(-1)! - end)).toBeLessThanOrEqual(stepSize / 2);
    }
    expect(at(4.25)).toHaveLength(11);
    // at t = 0 and before half a step
    expect([at(0), at(0.02)]).toEqual([[0], [0]]);
    const { process, times } = runSpecOf({ ...slow, neurons: 4, limit: "none", time: 4.25 }, null);
    expect(Array.from((await solve(process, { times: times as number[] })).times)).toEqual(times);
  });

  it("gives by solve the risk that the page shows", async () => {
    const one = begin();
    const { shown } = await opened(one, small, 0.02);
    await recorded(one, shown.time);
    const samples = one.responses.flatMap((r) => (r.type === "frame" ? r.frame.samples : []));
    const run = parseRunSpec(JSON.parse(runSpecToJson(runSpecOf({ ...small, time: shown.time }, null) as never)));
    const { observables } = await solve(run.process, { times: run.times, observe: run.observe });
    expect(observables["risk"]!.values.at(-1)).toBe(samples.at(-1)!.risk);
    one.send({ type: "close" });
  });

  it("of present values after changes starts from them", () => {
    const changes = [
      { at: 1, set: { stepSize: 2e-3 } },
      { at: 2, set: { batchSize: 5 } },
    ];
    expect(runSpecOf({ ...small, changes, time: 3 }, null).process).toMatchObject({ stepSize: 2e-3, batchSize: 5 });
  });

  it("that is no preset is a file, whose numbers can be changed on the page", async () => {
    const run = runSpecOf({ ...small, time: 0.01 }, null);
    const other = { ...run, process: { ...run.process, momentum: 0.5 }, compareWith: null } as never;
    const { experiment, dropped } = experimentOf(other, "mine.json");
    expect(experiment).toMatchObject({ problem: "file", neurons: 30, stepSize: 1e-3, time: 0.01, limit: "none" });
    expect(runOf(experiment, dropped).network).toMatchObject({ momentum: 0.5, neurons: 30 });
    expect(runOf({ ...experiment, neurons: 12, radius: 0.3 }, dropped).network).toMatchObject({
      momentum: 0.5,
      neurons: 12,
      problem: { start: { radius: 0.3 } },
    });
    const one = begin();
    expect((await opened(one, experiment, 0.01, NOTHING, dropped)).shown.step).toBe(10);
    one.send({ type: "close" });
  });

  it("a dataset of classes is learnt by the cross-entropy, one of numbers by squares", () => {
    const x = [
      [0, 1],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    const of = (y: number[]): Dropped => ({ kind: "dataset", name: "d.csv", law: dataset({ x, y }), rows: 4 });
    const file = defaults("file");
    expect(runOf(file, of([0, 1, 2, 1])).network.problem).toMatchObject({ loss: "crossEntropy", unit: { outputs: 3 } });
    expect(runOf(file, of([0.5, 1, 2, 1])).network.problem).toMatchObject({ loss: "squared", unit: { outputs: 1 } });
    expect(runOf(file, of([1, -1, -1, 1])).network.problem).toMatchObject({ loss: "squared", unit: { outputs: 1 } });
    expect(() => runOf(file, null)).toThrow(/Drop a dataset/);
  });
});

describe("The band of the risk", () => {
  it("sharpens replica by replica, and is their quantiles", async () => {
    const times = Float64Array.of(0, 0.01);
    const bands: RiskBand[] = [];
    let last = false;
    await findBand(
      runOf({ ...small, neurons: 8, dimension: 3, signal: 3, limit: "none" }, null),
      times,
      (band, done) => {
        bands.push(band);
        last = done;
      },
    );
    expect(last).toBe(true);
    expect(bands[0]!.level).toBeCloseTo(1 / 3, 12);
    const final = bands.at(-1)!;
    expect(final.level).toBe(0.9);
    expect(final.name).toBe("range of 19 runs (90 %)");
    // on the way it says how many runs there are, and no level that would grow
    expect(bands[3]!.name).toBe("range of 5 of 19 runs");
    final.lower.forEach((low, i) => void expect(low).toBeLessThan(final.upper[i]!));
    // the order statistics 2 and 38 of 39 are the 5 and 95 per cent of the next
    const curves = Array.from({ length: 39 }, (_, r) => Float64Array.of(r + 1));
    const { lower, upper } = bandOf(curves, Float64Array.of(0));
    expect([lower[0], upper[0]]).toEqual([2, 38]);
  });

  it("of a finite law with smooth units is the library's prediction", async () => {
    const sine = { ...defaults("sine"), network: "sgd" as const, stepSize: 0.05, neurons: 8, limit: "none" as const };
    let found: RiskBand | null = null;
    await findBand(runOf(sine, null), Float64Array.of(0.25, 0.5), (band) => {
      found = band;
    });
    expect(found!).toMatchObject({ level: 0.9, name: "90 % band", method: expect.stringContaining("modified flows") });
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    let count = 0;
    const run = runOf({ ...small, limit: "none" }, null);
    const finding = findBand(
      run,
      Float64Array.of(0, 0.1),
      () => (++count === 2 ? stop.abort() : undefined),
      stop.signal,
    );
    await expect(finding).rejects.toMatchObject({ name: "AbortError" });
    expect(count).toBe(2);
  });
});
