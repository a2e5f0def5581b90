// The command line, in this process: exit codes, what it prints where, what it writes, and going on after an interruption.
// Not covered here: the bundle in dist/ (the package's test runs it).

import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cli } from "../../src/cli/cli";
import { duration, progressLine } from "../../src/cli/progress";
import { tableText } from "../../src/cli/table";
import { ensembleFromJson, trajectoryFromJson } from "../../src/io/trajectory";
import { figureNames } from "../../src/study/figures/registry";
import { version } from "../../src/version";

const problem = {
  law: { kind: "anisotropicGaussians", dimension: 8, signal: 8, delta: 0.8 },
  unit: {
    kind: "ridge",
    activation: {
      kind: "piecewiseLinear",
      knots: [
        [0.5, -2.5],
        [1.5, 7.5],
      ],
    },
  },
  start: { kind: "gaussian", radius: 0.8 },
};
const sgd = { kind: "sgd", problem, neurons: 20, stepSize: 1e-3, seed: 1 };
const spec = {
  version: 1,
  process: sgd,
  times: [0, 0.1, 0.5, 1],
  observe: {
    risk: { kind: "risk" },
    radius: { kind: "quantiles", coordinate: "r1", levels: [0.1, 0.9] },
    law: { kind: "histogram", coordinate: "r1", edges: [0, 0.5, 1, 2, 4] },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "meanfield-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command line; `stop` interrupts it. */
async function run(args: string[], { input = "", stop }: { input?: string; stop?: AbortController } = {}) {
  let out = "";
  let err = "";
  const code = await cli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    rewrites: false,
    input: async () => input,
    signal: (stop ?? new AbortController()).signal,
  });
  return { code, out, err };
}

const place = (...parts: string[]) => path.join(folder, ...parts);
async function specFile(name: string, fields: object): Promise<string> {
  await writeFile(place(name), JSON.stringify({ ...spec, ...fields }));
  return place(name);
}
const json = async (...parts: string[]) => JSON.parse(await readFile(place(...parts), "utf8"));

describe("the command line", () => {
  it("prints help and version on standard output, and returns 0", async () => {
    for (const args of [["--help"], ["run", "--help"], ["figure", "--help"], ["help"]]) {
      const { code, out, err } = await run(args);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toContain("meanfield");
    }
    expect(await run(["--version"])).toMatchObject({ code: 0, out: `${version}\n` });
  });

  it("documents its exit codes", async () => {
    const { out } = await run(["--help"]);
    for (const code of ["0 ", "1 ", "2 ", "3 ", "4 ", "130 "]) expect(out).toContain(`\n  ${code}`);
  });

  it.each([
    [[], "There is no command: npx meanfield new"],
    [["walk"], '"walk"'],
    [["run"], "Which specification"],
    [["run", "a", "b"], "One specification"],
    [["run", "nowhere.json"], "cannot be read"],
    [["run", "x", "--resume", "--restart"], "not both"],
    [["run", "--speed", "x"], "--speed"],
    [["figure"], "Which figure"],
    [["figure", "no-such"], "radial-density"],
    [["figure", "radial-density", "--seed", "-1"], "--seed"],
    [["figure", "radial-density", "--replicas", "many"], "--replicas"],
  ])("%j is a wrong command line: 2, one message, no stack", async (args, message) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it.each([
    [{ observe: undefined, observes: {} }, 'Did you mean "observe"?'],
    [{ observe: { two: { kind: "parameters" } } }, "a list of indices of neurons, as [0, 1, 2]"],
  ])("a wrong run file says what was meant: %j", async (fields, message) => {
    const { code, err } = await run(["run", await specFile("meant.json", fields), "--out", place("none")]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("lists the figures, a line each by family, with time and findings", async () => {
    const { code, out } = await run(["figure", "--list"]);
    expect(code).toBe(0);
    for (const name of figureNames)
      expect(out).toMatch(new RegExp(`^  ${name} +([\\d.]+ (s|min)|–) +(\\d+/\\d+|–)  \\S.+$`, "m"));
  });

  it("lists them with what to see, what was seen and where it is from under --verbose", async () => {
    const { code, out } = await run(["figure", "--list", "--verbose"]);
    expect(code).toBe(0);
    for (const name of figureNames) expect(out).toMatch(new RegExp(`^${name}\n(  .+\n){4,}`, "m"));
    expect(out).toMatch(/theory §8; Rotskoff/);
  });
});

describe("meanfield run", () => {
  it("writes the run with its specification, pictures and a table", async () => {
    const source = await specFile("single.json", { compareWith: { kind: "radialFlow", problem } });
    const { code, out, err } = await run(["run", source, "--out", place("single")]);
    expect(code).toBe(0);
    expect((await readdir(place("single"))).sort()).toEqual(
      ["compareWith.json", "density.svg", "risk.svg", "spec.json", "statistics.svg", "trajectory.json"].sort(),
    );
    const main = trajectoryFromJson(await json("single", "trajectory.json"));
    expect(main).toMatchObject({ status: "done", process: { neurons: 20, precision: "f64" } });
    expect(trajectoryFromJson(await json("single", "compareWith.json")).process.kind).toBe("radialFlow");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 4);
    expect(lines[0]).toMatch(/t +risk +risk \(radialFlow\) +gap/);
    expect(Number(lines[4]!.trim().split(/ +/)[1])).toBeCloseTo(main.observables.risk!.values[3]!, 4);
    expect(err).toContain("trajectory.json");
  });

  it("reads standard input, and gives the same bits", async () => {
    const { code } = await run(["run", "-", "--out", place("stdin")], { input: JSON.stringify(spec) });
    expect(code).toBe(0);
    expect((await json("stdin", "trajectory.json")).observables).toEqual(
      (await json("single", "trajectory.json")).observables,
    );
  });

  it("calls the mean of a loss by its name, and tells the outputs apart", async () => {
    const classes = {
      law: { kind: "dataset", x: [[1], [0], [-1]], y: [0, 1, 2] },
      unit: { kind: "affine", activation: { kind: "tanh" }, outputs: 3, outputBias: true },
      start: { kind: "gaussian", radius: 1 },
      loss: "crossEntropy",
      confinement: { kind: "quadratic", weight: 0.01 },
    };
    const source = await specFile("classes.json", {
      process: { kind: "langevin", problem: classes, neurons: 4, stepSize: 0.1, temperature: 0.01 },
      observe: {
        risk: { kind: "risk" },
        right: { kind: "accuracy" },
        f: { kind: "predictions", x: { dtype: "f64", shape: [1, 1], data: "AAAAAAAA8D8=" } },
      },
    });
    const { code, out, err } = await run(["run", source, "--out", place("classes")]);
    expect([code, err.split("\n")[0]]).toEqual([0, expect.stringContaining("Written")]);
    expect(out).toMatch(/t +risk +right/);
    const risk = await readFile(place("classes", "risk.svg"), "utf8");
    expect(risk).toContain("Loss of langevin");
    expect(risk).toContain("loss F = E ℓ");
    expect(risk).toContain("time t = kε");
    expect(risk).toContain("3 outputs, loss crossEntropy, confinement quadratic");
    expect(risk).not.toContain("R = E");
    const statistics = await readFile(place("classes", "statistics.svg"), "utf8");
    expect(statistics).toContain("input 0, output 2");
    expect(await readFile(place("single", "risk.svg"), "utf8")).toContain("risk R = E|y − f(x)|²");
  });

  it("runs replicas, with standard errors", async () => {
    const source = await specFile("replicas.json", { replicas: 2 });
    const { code, out } = await run(["run", source, "--out", place("replicas"), "--workers", "0"]);
    expect(code).toBe(0);
    expect(out).toContain("± s.e.");
    expect(ensembleFromJson(await json("replicas", "trajectory.json")).replicas).toBe(2);
  });

  it.each([
    ["{", "JSON"],
    [JSON.stringify({ ...spec, version: 2 }), "version"],
    [JSON.stringify({ ...spec, process: { ...sgd, neurons: 0 } }), "process.neurons"],
  ])("says what is wrong with %s, returns 2 and writes nothing", async (input, message) => {
    const { code, out, err } = await run(["run", "-", "--out", place("wrong")], { input });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(await readdir(folder)).not.toContain("wrong");
  });

  it("names a build that there is not, and returns 2", async () => {
    const { code, err } = await run(["run", "-", "--backend", "gpu", "--out", place("gpu")], {
      input: JSON.stringify(spec),
    });
    expect(code).toBe(2);
    expect(err).toContain("backend");
  });

  it("that diverges returns 3 and keeps what was recorded", async () => {
    const unit = { kind: "ridge", activation: { kind: "square" } };
    const process = { ...sgd, problem: { ...problem, unit }, stepSize: 5 };
    const source = await specFile("diverges.json", { process, times: [0, 5000] });
    const { code, err } = await run(["run", source, "--out", place("diverges")]);
    expect(code).toBe(3);
    expect(err).toMatch(/diverged at step \d+/);
    const kept = trajectoryFromJson(await json("diverges", "trajectory.json"));
    expect(kept).toMatchObject({ status: "aborted", times: Float64Array.of(0) });
  });

  it("interrupted returns 130, says how to go on, and goes on to the bits of an unbroken run", async () => {
    const times = Array.from({ length: 40 }, (_, i) => 40 * i);
    const source = await specFile("long.json", { process: { ...sgd, neurons: 40 }, times });
    const whole = await run(["run", source, "--out", place("whole")]);
    expect(whole.code).toBe(0);

    const stop = new AbortController();
    const running = run(["run", source, "--out", place("broken")], { stop });
    // well inside the run, which takes half a second or more
    await vi.waitUntil(() => existsSync(place("broken", "checkpoint")));
    setTimeout(() => stop.abort(new Error("Interrupted.")), 50);
    const broken = await running;
    expect(broken.code).toBe(130);
    expect(broken.out).toBe("");
    expect(broken.err).toContain(`npx meanfield run ${source} --out ${place("broken")}\n`);

    const resumed = await run(["run", source, "--out", place("broken")]);
    expect(resumed.err).toContain("Going on");
    expect([resumed.code, resumed.out]).toEqual([0, whole.out]);
    expect(await readFile(place("broken", "trajectory.json"), "utf8")).toBe(
      await readFile(place("whole", "trajectory.json"), "utf8"),
    );
    expect(await readdir(place("broken"))).not.toContain("checkpoint");
  });

  it("interrupted where it was piped in, the command that it prints goes on, whatever the statistics are called", async () => {
    const source = await specFile("named.json", {
      process: { ...sgd, neurons: 40 },
      times: Array.from({ length: 40 }, (_, i) => 40 * i),
      observe: { risk: { kind: "risk" }, f: { kind: "moments", coordinate: "r1" } },
    });
    const stop = new AbortController();
    const running = run(["run", "-", "--out", place("named")], { stop, input: await readFile(source, "utf8") });
    await vi.waitUntil(() => existsSync(place("named", "checkpoint")));
    setTimeout(() => stop.abort(new Error("Interrupted.")), 50);
    const { code, err } = await running;
    expect(code).toBe(130);
    const [, hint] = /go on with: npx meanfield (.+)\n$/.exec(err)!;
    expect(hint).toContain(place("named", "spec.json"));
    const resumed = await run(hint!.split(" "));
    expect([resumed.code, resumed.err]).toEqual([0, expect.stringContaining("Going on")]);
  });
});

describe("progress", () => {
  const watch = (terminal: boolean, updates: [number, number][]) => {
    let time = 0;
    let text = "";
    const line = progressLine(
      (part) => void (text += part),
      terminal,
      () => time,
    );
    for (const [at, fraction] of updates) {
      time = at;
      line.update(fraction, "SGD");
    }
    line.end();
    return text;
  };

  it("on a terminal rewrites one line, which is gone at the end", () => {
    const text = watch(true, [
      [200, 0],
      [10200, 0.25],
      [20200, 0.5],
    ]);
    expect(text).not.toContain("\n");
    // a quarter in 10 s: 20 s are left for the other half
    expect(text).toContain(" 50 %  SGD, 20 s so far, 20 s left");
    expect(text.endsWith("\r")).toBe(true);
  });

  it("elsewhere writes a line every five seconds", () => {
    const text = watch(
      false,
      Array.from({ length: 121 }, (_, i) => [i * 100, i / 120]),
    );
    expect(text.split("\n").slice(0, -1)).toHaveLength(2);
    expect(text).not.toContain("\r");
  });

  it("tells the time left by what was done lately, as after a resumption", () => {
    const text = watch(false, [
      [5000, 0.8],
      [10000, 0.81],
      [15000, 0.82],
    ]);
    expect(text).toContain("1 min 30 s left");
  });

  it("says durations in words", () => {
    expect([400, 59_000, 60_000, 200_000, 7_500_000].map(duration)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "3 min 20 s",
      "2 h 5 min",
    ]);
  });
});

describe("a table", () => {
  it("is aligned on the right; what is missing is a dash, what digits would hide is a power of ten", () => {
    const text = tableText({
      columns: [
        { name: "t", digits: 1 },
        { name: "± s.e.", digits: 3 },
      ],
      rows: [
        [0, null],
        [10, 0.0125],
        [20, 4e-6],
        [30, -1e-17],
        [40, Number.NaN],
      ],
    });
    const lines = text.trimEnd().split("\n");
    expect(new Set(lines.map((line) => Array.from(line).length)).size).toBe(1);
    expect(lines[1]).toMatch(/^ 0\.0 +–$/);
    expect(lines[2]).toMatch(/ 0\.01[23]$/);
    expect(lines[3]).toMatch(/ 4\.0e-6$/);
    expect(lines[5]).toMatch(/ NaN$/);
  });
});
