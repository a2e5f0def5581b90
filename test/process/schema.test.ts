import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { piecewiseLinear, relu, tabulate, tanh } from "../../src/model/activation";
import { anisotropicGaussians, dataset, mixture, teacher } from "../../src/model/law";
import { localPotential, quadratic } from "../../src/model/potential";
import { parseProblem, potentialProblem, radialAxes } from "../../src/model/problem";
import { gaussian, particles, radii } from "../../src/model/start";
import { affine, parameterDimension, ridge } from "../../src/model/unit";
import {
  gradientDescent,
  gradientFlow,
  langevin,
  nonlinear,
  parseProcess,
  parseTimes,
  radialFlow,
  sgd,
} from "../../src/process/schema";

const law = anisotropicGaussians({ dimension: 40, delta: 0.8 });
const half = anisotropicGaussians({ dimension: 40, signal: 20, delta: 0.8 });
const infinite = anisotropicGaussians({ dimension: "infinite", signal: 0.5, delta: 0.8 });
const unit = ridge(
  piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
);
const start = gaussian({ radius: 0.8 });
const problem = { law, unit, start };
const examples = dataset({ x: [[1], [2], [3]], y: [1, 2, 3] });
const options = { neurons: 800, stepSize: 1e-5 };

const eye = (d: number) => Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => (i === j ? 1 : 0)));

function failure(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

describe("a problem", () => {
  it("is one of squared loss by default", () => {
    expect(parseProblem(problem)).toEqual({ ...problem, loss: "squared", confinement: null });
  });

  it("of an affine unit starts from a = 1, b = 0 by default", () => {
    const { start: filled } = parseProblem({ ...problem, unit: affine(relu()) });
    expect(filled).toEqual({ kind: "gaussian", radius: 0.8, a: 1, b: 0 });
    const given = { ...start, a: { mean: 1, deviation: 0.5 }, b: -1 };
    expect(parseProblem({ ...problem, unit: affine(relu()), start: given }).start).toEqual(given);
  });

  it("has one radius where the signal space is all of the space, else two", () => {
    expect([law, half, infinite, { ...infinite, signal: 1 }, examples].map(radialAxes)).toEqual([1, 2, 2, 1, 1]);
  });

  it("has D = d parameters a neuron for ridge units and d + 2 for affine ones", () => {
    expect([parameterDimension(unit, 40), parameterDimension(affine(relu()), 40)]).toEqual([40, 42]);
  });

  it("takes particles that fit", () => {
    const theta = [[1, 2, 3]];
    expect(parseProblem({ law: examples, unit: affine(relu()), start: particles(theta) }).start.kind).toBe("particles");
  });

  it.each<[string, unknown, string]>([
    ["no law", { unit, start }, "problem.law"],
    ["no unit", { law, start }, "problem.unit"],
    ["another loss", { ...problem, loss: "hinge" }, "problem.loss"],
    ["an unknown field", { ...problem, lawn: law }, "problem.lawn"],
    ["a list", [law, unit, start], "problem"],
    ["a function for a law", { ...problem, law: () => 0 }, "problem.law"],
    ["a function for a unit", { ...problem, unit: Math.tanh }, "problem.unit"],
    [
      "a function for an activation",
      { ...problem, unit: { kind: "ridge", activation: Math.tanh } },
      "problem.unit.activation",
    ],
    ["two outputs", { ...problem, unit: { ...affine(relu()), outputs: 2 } }, "problem.unit.outputs"],
    ["κ = 0", { ...problem, start: { kind: "gaussian", radius: 0 } }, "problem.start.radius"],
    ["output weights of a ridge unit", { ...problem, start: gaussian({ radius: 1, a: 1 }) }, "problem.start.a"],
    ["a bias of a ridge unit", { ...problem, start: radii({ r1: 1, b: 1 }) }, "problem.start.b"],
    ["a second radius that is not there", { ...problem, start: radii({ r1: 1, r2: 1 }) }, "problem.start.r2"],
    ["a second radius that is missing", { ...problem, law: half, start: radii({ r1: 1 }) }, "problem.start.r2"],
    ["a negative radius", { ...problem, start: { kind: "radii", r1: -1, r2: null } }, "problem.start.r1"],
    [
      "an empty range",
      { ...problem, start: { kind: "radii", r1: { from: 1, to: 1 }, r2: null } },
      "problem.start.r1.to",
    ],
    [
      "a range without an end",
      { ...problem, start: { kind: "radii", r1: { from: 1 }, r2: null } },
      "problem.start.r1.to",
    ],
    [
      "a radius law without width",
      { ...problem, start: { kind: "radii", r1: { mean: 1, deviation: 0 }, r2: null } },
      "problem.start.r1.deviation",
    ],
    ["particles of another length", { ...problem, start: particles([[1, 2]]) }, "problem.start.theta"],
    [
      "particles in infinite dimension",
      { ...problem, law: infinite, start: particles([[1, 2]]) },
      "problem.start.theta",
    ],
  ])("with %s is a SpecError that names the field", (_, value, path) => {
    expect(failure(() => parseProblem(value)).path).toBe(path);
  });

  it("with a function in it points to tabulate or dataset", () => {
    const at = (value: unknown): string | undefined => failure(() => parseProblem(value)).remedy;
    expect(at({ ...problem, unit: { kind: "ridge", activation: Math.tanh } })).toContain("tabulate");
    expect(at({ ...problem, unit: Math.tanh })).toContain("tabulate");
    expect(at({ ...problem, law: () => 0 })).toContain("dataset");
  });
});

describe("sgd", () => {
  it("fills in what is left out", () => {
    expect(sgd(problem, options)).toEqual({
      kind: "sgd",
      problem: { ...problem, loss: "squared", confinement: null },
      neurons: 800,
      stepSize: 1e-5,
      batchSize: 1,
      schedule: { kind: "constant" },
      replacement: true,
      temperature: 0,
      momentum: 0,
      precision: "f64",
      seed: 0,
      replica: 0,
    });
  });

  const power = { kind: "power", exponent: 0.5, offset: 1 };
  it.each<[string, unknown, string]>([
    ["no neurons", { ...options, neurons: 0 }, "process.neurons"],
    ["half a neuron", { ...options, neurons: 1.5 }, "process.neurons"],
    ["too many neurons", { ...options, neurons: 2 ** 24 + 1 }, "process.neurons"],
    ["no step size", { neurons: 1 }, "process.stepSize"],
    ["a step size of 0", { ...options, stepSize: 0 }, "process.stepSize"],
    ["a misspelt option", { ...options, stepsize: 1 }, "process.stepsize"],
    ["another precision", { ...options, precision: "f16" }, "process.precision"],
    ["too large a seed", { ...options, seed: 2 ** 53 }, "process.seed"],
    ["a function for a schedule", { ...options, schedule: () => 1 }, "process.schedule"],
    ["an unknown schedule", { ...options, schedule: { kind: "cosine" } }, "process.schedule.kind"],
    ["a schedule without offset", { ...options, schedule: { ...power, offset: 0 } }, "process.schedule.offset"],
    [
      "a schedule out of order",
      { ...options, schedule: { kind: "piecewise", times: [1, 1], factors: [1, 1] } },
      "process.schedule.times[1]",
    ],
    [
      "a schedule of two lengths",
      { ...options, schedule: { kind: "piecewise", times: [1, 2], factors: [1] } },
      "process.schedule.factors",
    ],
    ["epochs of a sampled law", { ...options, replacement: false }, "process.replacement"],
  ])("with %s is a SpecError that names the field", (_, given, path) => {
    expect(failure(() => sgd(problem, given as never)).path).toBe(path);
  });

  it("needs a finite dimension", () => {
    const error = failure(() => sgd({ ...problem, law: infinite }, options));
    expect(error.path).toBe("process.problem.law.dimension");
    expect(error.remedy).toContain("radialFlow");
  });

  it("needs as many neurons as there are particles to start from", () => {
    const given = { law: examples, unit, start: particles([[1], [2]]) };
    expect(sgd(given, { ...options, neurons: 2 }).neurons).toBe(2);
    expect(failure(() => sgd(given, options)).path).toBe("process.neurons");
  });

  it("has epochs over equally weighted examples only, with batches that fit", () => {
    const given = { law: examples, unit, start };
    const epochs = { ...options, replacement: false };
    expect(sgd(given, { ...epochs, batchSize: 3 }).replacement).toBe(false);
    expect(failure(() => sgd(given, { ...epochs, batchSize: 4 })).path).toBe("process.batchSize");
    const weighted = dataset({ x: [[1], [2]], y: [1, 2], weights: [1, 2] });
    expect(failure(() => sgd({ ...given, law: weighted }, epochs)).path).toBe("process.problem.law.weights");
  });

  // 2^24 neurons of 40 f64 parameters are 5 GiB, held four times; 2^20 × 2^20 rotations are far more
  it("that needs more than 2 GiB names the largest part, and the numbers", () => {
    const wide = failure(() => sgd(problem, { ...options, neurons: 2 ** 24 }));
    expect(wide.path).toBe("process.neurons");
    expect(wide.message).toContain("20 GiB");
    expect(wide.message).toContain("2 GiB is the limit");
    const rotated = anisotropicGaussians({ dimension: 2 ** 20, delta: 0.5, rotation: { seed: 1 } });
    expect(failure(() => sgd({ ...problem, law: rotated }, options)).path).toBe("process.problem.law.dimension");
    expect(failure(() => sgd(problem, { ...options, batchSize: 2 ** 20 })).path).toBe("process.batchSize");
    const school = teacher({ dimension: 2 ** 10, neurons: 2 ** 20, activation: relu() });
    expect(failure(() => sgd({ ...problem, law: school }, options)).path).toBe("process.problem.law.neurons");
  });
});

describe("radialFlow", () => {
  it("goes by characteristics, with the solver's own choices", () => {
    expect(radialFlow(problem)).toEqual({
      kind: "radialFlow",
      problem: { ...problem, loss: "squared", confinement: null },
      method: "characteristics",
      cells: null,
      rMax: null,
      tolerance: null,
      particles: null,
      degree: null,
      maxStep: null,
    });
  });

  const bump = { mean: 1, deviation: 0.2 };
  it.each<[string, () => unknown, string]>([
    ["another law", () => radialFlow({ ...problem, law: examples }), "process.problem.law.kind"],
    [
      "a mixture",
      () => radialFlow({ ...problem, law: mixture([{ weight: 1, mean: [0], covariance: [[1]], label: 1 }]) }),
      "process.problem.law.kind",
    ],
    [
      "a grid of an affine unit",
      () => radialFlow({ ...problem, unit: affine(relu()) }, { method: "grid" }),
      "process.method",
    ],
    [
      "a grid in infinite dimension",
      () => radialFlow({ ...problem, law: infinite }, { method: "grid" }),
      "process.problem.start.kind",
    ],
    [
      "a grid of a point",
      () => radialFlow({ ...problem, law: half, start: radii({ r1: bump, r2: 1 }) }, { method: "grid" }),
      "process.problem.start.r2",
    ],
    ["an unknown method", () => radialFlow(problem, { method: "spectral" as never }), "process.method"],
    ["cells without a grid", () => radialFlow(problem, { cells: 100 }), "process.cells"],
    ["a wall without a grid", () => radialFlow(problem, { rMax: 3 }), "process.rMax"],
    ["particles on a grid", () => radialFlow(problem, { method: "grid", particles: 3 }), "process.particles"],
    ["no cells", () => radialFlow(problem, { method: "grid", cells: 0 }), "process.cells"],
    ["a wall at 0", () => radialFlow(problem, { method: "grid", rMax: 0 }), "process.rMax"],
    ["a tolerance of 0", () => radialFlow(problem, { tolerance: 0 }), "process.tolerance"],
    ["half a degree", () => radialFlow(problem, { degree: 2.5 }), "process.degree"],
    ["a negative step", () => radialFlow(problem, { maxStep: -1 }), "process.maxStep"],
    [
      "a grid beyond memory",
      () => radialFlow({ ...problem, law: half }, { method: "grid", cells: 10_000 }),
      "process.cells",
    ],
    [
      "particles beyond memory",
      () => radialFlow({ ...problem, law: half }, { particles: 2 ** 24 }),
      "process.particles",
    ],
  ])("of %s is a SpecError that names the field", (_, run, path) => {
    expect(failure(run).path).toBe(path);
  });

  it("is on a grid from a start with a density", () => {
    expect(
      radialFlow({ ...problem, law: infinite, start: radii({ r1: bump, r2: bump }) }, { method: "grid" }).cells,
    ).toBeNull();
  });
});

describe("sizes", () => {
  const large = dataset({ x: Array.from({ length: 50_000 }, (_, q) => [q]), y: new Float64Array(50_000) });
  const few = { neurons: 3, stepSize: 0.1 };
  const wide = (dimension: number) => ({ ...problem, law: anisotropicGaussians({ dimension, delta: 0.5 }) });

  it("count what stands in memory: no atoms without examples or of an exact gradient, no responses but SGD's", () => {
    const potential = potentialProblem(quadratic(1), { dimension: 1_000_000, start });
    expect(langevin(potential, { ...few, temperature: 1 }).gradient).toBe("full");
    expect(gradientDescent(wide(100_000), few).gradient).toBe("population");
    const atoms = { ...problem, law: large, start: gaussian({ radius: 1 }) };
    expect(langevin(atoms, { neurons: 4000, stepSize: 0.1, temperature: 1 }).batchSize).toBe(1);
    // 2^20 examples of 2·4,000 numbers are 64 GiB
    expect(failure(() => sgd(atoms, { neurons: 4000, stepSize: 0.1, batchSize: 2 ** 20 })).path).toBe(
      "process.batchSize",
    );
  });

  // at most 2^20 atoms, 2^26 numbers in their inputs and 512 dimensions; anisotropic Gaussians take every point twice
  it.each<[string, () => unknown, string]>([
    ["too many points", () => gradientDescent(wide(3), { ...few, points: 2 ** 19 + 1 }), "process.points"],
    [
      "points of too many numbers",
      () => gradientFlow(wide(512), { neurons: 3, points: 2 ** 16 + 1 }),
      "process.points",
    ],
    [
      "too many dimensions",
      () => gradientDescent({ ...wide(513), loss: "logistic" }, few),
      "process.problem.law.dimension",
    ],
    [
      "a mixture in too many",
      () =>
        langevin(
          {
            ...problem,
            law: mixture([{ weight: 1, mean: Array(513).fill(0), covariance: eye(513), label: 1 }]),
            loss: "logistic",
          },
          { ...few, temperature: 1 },
        ),
      "process.problem.law.components",
    ],
  ])("of a quadrature: %s is a SpecError that names the field", (_, run, path) => {
    expect(failure(run).path).toBe(path);
  });

  it("of a quadrature that fits are taken", () => {
    expect(gradientDescent(wide(3), { ...few, points: 2 ** 19 }).points).toBe(2 ** 19);
    expect(gradientFlow({ ...wide(512), loss: "logistic" }, { neurons: 3 }).points).toBeNull();
  });
});

describe("nonlinear", () => {
  it("has a potential of one's own where its limit has the same one", () => {
    const value = () => 0;
    const confined = { law: examples, unit, start, confinement: localPotential(value, (theta) => theta) };
    const limit = gradientFlow(confined, { neurons: 9, seed: 1 });
    expect(nonlinear(confined, { neurons: 2, limit }).limit.kind).toBe("gradientFlow");
    const other = { ...confined, confinement: localPotential(value, (theta) => theta) };
    expect(failure(() => nonlinear(other, { neurons: 2, limit })).path).toBe("process.limit.problem.confinement");
  });
});

describe("a process", () => {
  it("of an unknown kind lists the known ones", () => {
    const { path, message } = failure(() => parseProcess({ kind: "sdg", problem }));
    expect(path).toBe("process.kind");
    expect(message).toContain("sgd, gradientDescent");
    expect(message).toContain('Did you mean "sgd"?');
  });

  it("with a table in it comes back from JSON", () => {
    const table = { ...problem, unit: ridge(tabulate(Math.sin, { from: -3, to: 3, points: 33 })) };
    const process = sgd(table, { ...options, schedule: { kind: "piecewise", times: [0, 1], factors: [1, 0.5] } });
    expect(parseProcess(JSON.parse(JSON.stringify(process)))).toEqual(process);
    expect(parseProcess(structuredClone(process))).toEqual(process);
    const flow = radialFlow({ ...problem, unit: affine(tanh(), { trainOutput: false }) }, { tolerance: 1e-6 });
    expect(parseProcess(JSON.parse(JSON.stringify(flow)))).toEqual(flow);
  });
});

describe("save times", () => {
  it("may be a list or a Float64Array, from 0 on", () => {
    expect(parseTimes([0, 0.5, 2])).toEqual(Float64Array.of(0, 0.5, 2));
    expect(parseTimes(Float64Array.of(1))).toEqual(Float64Array.of(1));
  });

  it.each<[unknown, string]>([
    [[], "times"],
    [undefined, "times"],
    [3, "times"],
    [[0, -1], "times[1]"],
    [[-1], "times[0]"],
    [[0, Number.NaN], "times[1]"],
    [[0, Number.POSITIVE_INFINITY], "times[1]"],
    [[0, 1, 1], "times[2]"],
    [[0, "1"], "times[1]"],
  ])("of %o are a SpecError that names the time", (times, path) => {
    expect(failure(() => parseTimes(times)).path).toBe(path);
  });
});
