// The run file.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { parseRunSpec, runSpecToJson } from "../../src/io/spec";
import { erf } from "../../src/model/activation";
import { anisotropicGaussians, dataset } from "../../src/model/law";
import { gaussian } from "../../src/model/start";
import { ridge } from "../../src/model/unit";
import { gradientFlow, radialFlow, sgd } from "../../src/process/schema";
import { quantiles, risk } from "../../src/study/observables";

const problem = {
  law: anisotropicGaussians({ dimension: 4, signal: 4, delta: 0.5 }),
  unit: ridge(erf()),
  start: gaussian({ radius: 1 }),
};
const process = sgd(problem, { neurons: 6, stepSize: 0.01 });
const file = (fields: object) => JSON.parse(JSON.stringify({ version: 1, process, times: [0, 1], ...fields }));

function pathOf(json: unknown): string {
  try {
    parseRunSpec(json);
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).path;
  }
  throw new Error("The file was accepted.");
}

describe("a run file", () => {
  it("fills in what is left out", () => {
    expect(parseRunSpec(file({}))).toEqual({
      version: 1,
      process,
      times: [0, 1],
      observe: { risk: risk() },
      replicas: 1,
      compareWith: null,
    });
  });

  it("takes times spaced evenly on a logarithmic axis", () => {
    const { times } = parseRunSpec(file({ times: { kind: "logSpaced", from: 0.01, to: 1, count: 3 } }));
    expect(times[0]).toBe(0.01);
    // exp and log are exact to 1 ulp, so that the middle is off by a few
    expect(times[1]).toBeCloseTo(0.1, 14);
    expect(times[2]).toBe(1);
  });

  it("comes back from its own text", () => {
    const text = runSpecToJson({
      process,
      times: Float64Array.of(0, 0.5),
      observe: { r: quantiles("r1", [0.5]) },
      replicas: 3,
      compareWith: radialFlow(problem),
    });
    expect(runSpecToJson(parseRunSpec(JSON.parse(text)))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({ version: 1, replicas: 3, times: [0, 0.5] });
  });

  it("carries arrays as text, which come back", () => {
    const law = dataset({
      x: [
        [1, 2],
        [3, 4],
      ],
      y: [1, -1],
    });
    const text = runSpecToJson({ process: sgd({ ...problem, law }, { neurons: 2, stepSize: 0.1 }), times: [1] });
    const again = parseRunSpec(JSON.parse(text)).process.problem.law;
    expect(again.kind === "dataset" && Array.from(again.x.data)).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, object]>([
    ["version", { version: 3 }],
    ["process", { process: null }],
    [
      "process.problem.law.delta",
      { process: { ...process, problem: { ...problem, law: { ...problem.law, delta: -1 } } } },
    ],
    ["times[1]", { times: [1, 1] }],
    ["times", { times: { from: 1 } }],
    ["times.to", { times: { kind: "logSpaced", from: 1, to: 0.5, count: 3 } }],
    ["observe.r.levels[0]", { observe: { r: { kind: "quantiles", coordinate: "r1", levels: [2] } } }],
    ["replicas", { replicas: 0 }],
    ["replicas", { process: radialFlow(problem), replicas: 2 }],
    ["compareWith.neurons", { compareWith: { ...process, neurons: 0 } }],
    ["replica", { replica: 2 }],
  ])("with a wrong %s names it", (path, fields) => {
    expect(pathOf(file(fields))).toBe(path);
  });

  it("takes replicas of every process that has them", () => {
    const flow = gradientFlow({ ...problem, law: dataset({ x: [[1, 2]], y: [1] }) }, { neurons: 2, gradient: "full" });
    expect(parseRunSpec(file({ process: flow, replicas: 3 })).replicas).toBe(3);
  });

  it("cannot hold a function, and says which", () => {
    expect(() => runSpecToJson({ process, times: [1], observe: { mine: () => 1 } })).toThrow(/observe\.mine/);
  });

  it("is an object", () => {
    expect(pathOf([1])).toBe("spec");
  });
});
