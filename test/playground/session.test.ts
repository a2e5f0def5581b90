// The playground's session: the same bits however a time is reached, pictures that say what the library says, errors that leave the run.

import { afterEach, describe, expect, it } from "vitest";
import { defaults, type Experiment, type LimitKind, limitsFor, runOf } from "../../playground/src/experiment";
import type { Frame, Look, Response } from "../../playground/src/run/protocol";
import { coordinate, histogram as masses, solve } from "../../src/index";
import { begin, changed, NOTHING, opened, stopped } from "./harness";

// small, so that each takes a few milliseconds
const small: Experiment = {
  ...defaults("gaussians"),
  neurons: 40,
  dimension: 10,
  signal: 10,
  stepSize: 1e-3,
  limit: "none",
};
let sessions: ReturnType<typeof begin>[] = [];
const session = () => {
  const one = begin();
  sessions.push(one);
  return one;
};
afterEach(() => {
  for (const one of sessions) one.send({ type: "close" });
  sessions = [];
});

describe("The state at a time", () => {
  it("is the same played, stepped, sought, and opened by a link", async () => {
    const one = session();
    await opened(one, small);
    one.send({ type: "play", rate: 0.5 });
    await one.frame((frame) => frame.time > 0.05);
    const played = await stopped(one);
    expect(played.step).toBeGreaterThan(50);
    expect(played.time).toBeCloseTo(played.step * 1e-3, 12);

    const again = session();
    expect((await opened(again, small, played.time)).shown.digest).toBe(played.digest);

    again.send({ type: "rewind" });
    const start = await again.frame((frame) => frame.time === 0);
    for (let k = 0; k < 5; k++) {
      again.send({ type: "step" });
      await again.frame((frame) => frame.step === k + 1);
    }
    again.send({ type: "seek", time: played.time });
    expect((await again.frame((frame) => frame.step === played.step)).digest).toBe(played.digest);
    again.send({ type: "seek", time: 0 });
    expect((await again.frame((frame) => frame.time === 0)).digest).toBe(start.digest);
    expect(start.digest).not.toBe(played.digest);
  });

  it("is another for another seed, and that of the library's own run", async () => {
    const one = session();
    const first = (await opened(one, small, 0.02)).shown.digest;
    expect((await opened(one, { ...small, seed: 2 }, 0.02)).shown.digest).not.toBe(first);
    const { measures } = await solve(runOf(small, null).network, { times: [0.02], keep: "measures" });
    const { digestOf } = await import("../../playground/src/run/digest");
    expect(digestOf(measures![0]!)).toBe(first);
  });

  it("after live changes is that of the link which has them, and after a rewind that of the present values from the start", async () => {
    const one = session();
    await opened(one, small, 0.01);
    await changed(one, { stepSize: 4e-3 });
    one.send({ type: "seek", time: 0.03 });
    await one.frame((frame) => frame.step === 15);
    const answer = await changed(one, { batchSize: 3 });
    one.send({ type: "seek", time: 0.05 });
    const last = await one.frame((frame) => frame.step === 20);
    expect(last.stepSize).toBe(4e-3);

    const { changes } = answer as Extract<Response, { type: "changed" }>;
    expect(changes).toEqual([
      { at: 0.01, set: { stepSize: 4e-3 } },
      { at: 0.03, set: { batchSize: 3 } },
    ]);
    const link = session();
    const { shown } = await opened(link, { ...small, changes }, 0.05);
    expect({ digest: shown.digest, step: shown.step }).toEqual({ digest: last.digest, step: 20 });
    // back over the changes and on again
    link.send({ type: "seek", time: 0.02 });
    await link.frame((frame) => Math.abs(frame.time - 0.022) < 1e-9 || Math.abs(frame.time - 0.018) < 1e-9);
    link.send({ type: "seek", time: 0.05 });
    expect((await link.frame((frame) => frame.step === 20)).digest).toBe(last.digest);

    one.send({ type: "rewind" });
    await one.frame((frame) => frame.time === 0);
    one.send({ type: "seek", time: 0.04 });
    const present = await one.frame((frame) => frame.step === 10);
    const plain = session();
    expect((await opened(plain, { ...small, stepSize: 4e-3, batchSize: 3 }, 0.04)).shown.digest).toBe(present.digest);
  });

  it("does not depend on the pace, the pictures or the limit that goes beside it", async () => {
    const one = session();
    const look: Look = { cloud: { x: "r1", y: "w0" }, law: "r1", decision: null, sharpness: false };
    await opened(one, { ...small, limit: "radialFlow" }, 0, look);
    one.send({ type: "play", rate: 2 });
    await one.frame((frame) => frame.time > 0.1);
    one.send({ type: "play", rate: 0.2 });
    await one.frame((frame) => frame.time > 0.14);
    const slow = await stopped(one);
    expect((await opened(session(), small, slow.time)).shown.digest).toBe(slow.digest);
  });
});

describe("A frame", () => {
  const two: Experiment = { ...small, signal: 5, limit: "radialFlow", neurons: 60 };

  it("has laws of mass 1, and the network's histogram is the library's", async () => {
    const one = session();
    const look: Look = { cloud: { x: "r1", y: "r2" }, law: "r1", decision: null, sharpness: false };
    const { shown } = await opened(one, two, 0.02, look);
    const { law, cloud } = shown as { law: NonNullable<Frame["law"]>; cloud: NonNullable<Frame["cloud"]> };
    const width = (law.to - law.from) / law.network.length;
    expect(law.network.reduce((sum, x) => sum + x * width, 0)).toBeCloseTo(1, 5);
    expect(law.limit!.reduce((sum, x) => sum + x * width, 0)).toBeCloseTo(1, 5);
    expect(cloud.density!.masses.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 5);
    expect(cloud.points).toHaveLength(120);

    const network = runOf(two, null).network;
    const { measures } = await solve(network, { times: [0.02], keep: "measures" });
    const edges = Array.from({ length: law.network.length + 1 }, (_, i) => law.from + i * width);
    const { observables } = await solve(network, { times: [0.02], observe: { law: masses("r1", edges) } });
    law.network.forEach((x, i) => void expect(x * width).toBeCloseTo(observables["law"]!.values[i]!, 5));
    const radii = coordinate(measures![0]!, "r1", network.problem) as { values: Float64Array };
    expect(cloud.points[0]).toBeCloseTo(radii.values[0]!, 6);
    expect([law.name, cloud.x.name]).toEqual(["r1", "r1"]);
  });

  it("calls the only radius |w|, where all of the space is signal", async () => {
    const look: Look = { cloud: { x: "r1", y: "w0" }, law: "r1", decision: null, sharpness: false };
    const { law, cloud } = (await opened(session(), { ...small, signal: small.dimension }, 0, look)).shown;
    expect([law!.name, cloud!.x.name, cloud!.y.name]).toEqual(["r", "r", "w0"]);
  });

  it("has the density of weights under a radial law, which is that of many neurons", async () => {
    const one = session();
    for (const [x, y] of [
      ["w0", "w1"],
      ["r1", "w0"],
      ["w0", "w7"],
      ["r2", "w0"],
    ] as const) {
      const look: Look = { cloud: { x, y }, law: x, decision: null, sharpness: false };
      const { shown } = await opened(one, { ...two, neurons: 1600 }, 0, look);
      const { cloud } = shown as { cloud: NonNullable<Frame["cloud"]> };
      const { columns, rows, masses: density } = cloud.density!;
      expect(density.reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 4);
      // shares of the nine parts of the picture, within five deviations of 1600 neurons and the smoothing
      const shares = new Float64Array(9);
      density.forEach((mass, i) => {
        shares[Math.floor((3 * (i % columns)) / columns) + 3 * Math.floor((3 * Math.floor(i / columns)) / rows)]! +=
          mass;
      });
      const found = new Float64Array(9);
      const third = (value: number, axis: { from: number; to: number }) =>
        Math.floor((3 * (value - axis.from)) / (axis.to - axis.from));
      for (let i = 0; i < 1600; i++) {
        found[third(cloud.points[2 * i]!, cloud.x) + 3 * third(cloud.points[2 * i + 1]!, cloud.y)]! += 1 / 1600;
      }
      shares.forEach((share, k) => void expect(Math.abs(share - found[k]!)).toBeLessThan(0.07));
    }
  });

  it("has the risks that solve has, at the same times", async () => {
    const one = session();
    await opened(one, two, 0.05);
    await one.until(
      (r) => r.type === "frame" && r.frame.samples.some((sample) => Math.abs(sample.time - 0.05) < 1e-9),
      0,
    );
    const samples = one.responses.flatMap((r) => (r.type === "frame" ? r.frame.samples : []));
    expect(samples.length).toBeGreaterThan(10);
    const times = samples.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const { network, limit } = runOf(two, null);
    const own = await solve(network, { times });
    expect(samples.map(({ risk }) => risk)).toEqual(Array.from(own.observables["risk"]!.values));
    const beside = await solve(limit!, { times });
    expect(samples.map(({ limitRisk }) => limitRisk)).toEqual(Array.from(beside.observables["risk"]!.values));
  });

  it("has regions of classes for two inputs, and the sharpness beside 2/ε", async () => {
    const one = session();
    const peaks = { ...defaults("peaks"), neurons: 20 };
    const { shown } = await opened(one, peaks, 5, { ...NOTHING, decision: 24 });
    const decision = shown.decision!;
    expect(decision.network).toHaveLength(24 * 24);
    expect(decision.limit).toHaveLength(24 * 24);
    expect(new Set(decision.labels)).toEqual(new Set([0, 1, 2, 3, 4]));
    expect([...decision.network].every((c) => Number.isInteger(c) && c >= 0 && c < 5)).toBe(true);

    await opened(one, { ...defaults("sine"), limit: "none" }, 11, { ...NOTHING, sharpness: true });
    const last = (await one.until(
      (r) => r.type === "frame" && r.frame.samples.some(({ time }) => Math.abs(time - 11) < 0.01),
      0,
    )) as Extract<Response, { type: "frame" }>;
    const sample = last.frame.samples.at(-1)!;
    expect(sample.edge).toBeCloseTo(2 / 1.1, 10);
    expect(sample.sharpness).toBeGreaterThan(0.3);
  });
});

describe("Each preset", () => {
  const presets: Experiment[] = [
    { ...small, limit: "none" },
    { ...small, dimension: 2, signal: 2, network: "langevin", temperature: 0.05 },
    { ...defaults("teacher"), neurons: 12, dimension: 4 },
    { ...defaults("peaks"), neurons: 12 },
    { ...defaults("sine"), neurons: 8 },
  ];
  const cases = presets.flatMap((preset) =>
    limitsFor(preset, null)
      .filter(({ fits }) => fits)
      .map(({ kind }) => [preset.problem, preset.network, kind, preset] as const),
  );
  it.each(cases)("%s by %s beside %s opens and advances", async (_problem, _network, limit, preset) => {
    const one = session();
    const { answer } = await opened(one, { ...preset, limit });
    expect(answer.limit?.kind ?? "none").toBe(limit);
    one.send({ type: "step" });
    const stepped = await one.frame((frame) => frame.step === 1);
    expect(stepped.time).toBeGreaterThan(0);
    for (const name of answer.coordinates.slice(0, 3)) {
      one.send({ type: "look", look: { ...NOTHING, law: name, cloud: { x: name, y: answer.coordinates[0]! } } });
      // the only radius is called r
      const shown = name === "r1" && !answer.coordinates.includes("r2") ? "r" : name;
      const { law } = await one.frame((frame) => frame.law?.name === shown);
      expect(law!.network.every(Number.isFinite)).toBe(true);
    }
  });

  it("has a reason in a sentence for each limit that does not go with it", () => {
    for (const preset of [...presets, { ...small, network: "adam" as const }]) {
      for (const { fits, reason } of limitsFor(preset, null)) {
        expect(reason).toMatch(/\.$/);
        if (!fits) expect(reason.length).toBeGreaterThan(30);
      }
    }
    const kinds = new Set(cases.map(([, , limit]) => limit));
    const all: LimitKind[] = ["none", "radialFlow", "gradientFlow", "nonlinear", "modifiedFlow", "fokkerPlanck"];
    expect([...kinds].sort()).toEqual([...all].sort());
  });
});

describe("What goes wrong", () => {
  it("in a specification leaves the run before as it was, and names the field", async () => {
    const one = session();
    const { shown } = await opened(one, small, 0.01);
    const run = runOf(small, null);
    const from = one.responses.length;
    one.send({
      type: "open",
      id: 99,
      run: { ...run, network: { ...run.network, neurons: -1 } as never },
      until: 0,
      look: NOTHING,
    });
    const failed = await one.until((response) => response.type === "failed", from);
    expect(failed).toMatchObject({ id: 99, error: { name: "SpecError", path: "process.neurons" } });
    one.send({ type: "step" });
    const next = await one.frame((frame) => frame.step === shown.step + 1);
    expect((await opened(session(), small, 0.011)).shown.digest).toBe(next.digest);
  });

  it("as a divergence pauses at the last good state and says what to do", async () => {
    const one = session();
    await opened(one, { ...defaults("teacher"), neurons: 20, stepSize: 1e3, limit: "none" });
    one.send({ type: "play", rate: 1e6 });
    const failed = await one.until((response) => response.type === "failed", 0);
    expect(failed).toMatchObject({ id: null, error: { name: "DivergenceError" } });
    expect((failed as Extract<Response, { type: "failed" }>).error.message).toMatch(/take a smaller one/);
    const rest = await stopped(one);
    expect(Number.isFinite(rest.time)).toBe(true);
    // the page goes on with another run
    expect((await opened(one, small, 0.002)).shown.step).toBe(2);
  });

  it("as a change that the process has not is refused, and the run goes on", async () => {
    const one = session();
    await opened(one, { ...defaults("sine"), neurons: 8, limit: "none" }, 1.1);
    expect(await changed(one, { batchSize: 4 })).toMatchObject({ type: "failed", error: { path: "change.batchSize" } });
    expect(await changed(one, { stepSize: -1 })).toMatchObject({ type: "failed", error: { path: "process.stepSize" } });
    one.send({ type: "step" });
    expect((await one.frame((frame) => frame.step === 2)).stepSize).toBe(1.1);
  });

  it("an open that a later one overtakes is given up", async () => {
    const one = session();
    one.send({ type: "open", id: 1, run: runOf(small, null), until: 5, look: NOTHING });
    one.send({ type: "open", id: 2, run: runOf({ ...small, seed: 3 }, null), until: 0.01, look: NOTHING });
    const first = await one.until((response) => response.type === "failed", 0);
    expect(first).toMatchObject({ id: 1, error: { name: "AbortError" } });
    const shown = await one.frame((frame) => frame.step === 10, 0);
    expect((await opened(session(), { ...small, seed: 3 }, 0.01)).shown.digest).toBe(shown.digest);
  });

  it("a long way to a time gives way to a pause within a moment", async () => {
    const one = session();
    one.send({ type: "open", id: 1, run: runOf({ ...small, stepSize: 1e-6 }, null), until: 1000, look: NOTHING });
    await one.until((response) => response.type === "opened", 0);
    await new Promise((done) => setTimeout(done, 60));
    const asked = performance.now();
    one.send({ type: "pause" });
    const at = await one.frame(() => true);
    expect(at.time).toBeLessThan(1000);
    // generous: the slice is 6 ms, and the machine may be busy
    expect(performance.now() - asked).toBeLessThan(1000);
  });
});
