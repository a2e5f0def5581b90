// Parts of a specification that are right alone and do not go together: the error names one of them, and nothing was allocated.
// Random specifications, of which those are taken that the misfit is about. Not covered: two misfits at once.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { SpecError } from "../../src/engine/errors";
import { lawDimension } from "../../src/model/law";
import { outputsOf } from "../../src/model/unit";
import type { AdamProcess, LangevinProcess, Process } from "../../src/process/schema";
import { open } from "../../src/study/open";
import { spec } from "./randomSpecs";

type Problem = Process["problem"];
type Broken = { [K in keyof Process]: unknown } & Record<string, unknown> & { problem: Problem };

// Parts that are right alone and do not go together: what a process must be for it, and the break, which returns the path of the
// field that the error has to name.
const misfits: Record<string, { of: (process: Process) => boolean; make: (process: Broken) => string }> = {
  "a negative temperature": {
    of: (process) => "temperature" in process,
    make: (process) => set(process, "temperature", -0.5),
  },
  "momentum of a step with noise": {
    of: (process) => process.kind === "sgd" && process.temperature > 0,
    make: (process) => set(process, "momentum", 0.5),
  },
  "a population gradient of a finite law": {
    of: (process) => "gradient" in process && hasAtoms(process.problem),
    make: (process) => set(withoutBatch(process), "gradient", "population"),
  },
  "a full gradient of a sampled law": {
    of: (process) => "gradient" in process && !hasAtoms(process.problem),
    make: (process) => set(Object.assign(withoutBatch(process), { points: null }), "gradient", "full"),
  },
  "a batch of no examples": {
    of: (process) => isWhole(process) && process.problem.law.kind === "none",
    make: (process) => set(process, "gradient", "batch"),
  },
  "SGD without examples": {
    of: (process) => process.kind === "langevin" && process.problem.law.kind === "none",
    make(process) {
      for (const name of ["gradient", "points"]) delete process[name];
      process.kind = "sgd";
      return "process.problem.law.kind";
    },
  },
  "points without a quadrature": {
    of: (process) => "points" in process && "gradient" in process && process.gradient !== "population",
    make: (process) => set(process, "points", 100),
  },
  "a batch size of a full gradient": {
    of: (process) => isWhole(process),
    make: (process) => set(process, "batchSize", 2),
  },
  "epochs of a full gradient": {
    of: (process) => isWhole(process) && process.batchSize === 1,
    make: (process) => set(process, "replacement", false),
  },
  "epochs of a sampled law": {
    of: (process) => (process.kind === "sgd" || isBatch(process)) && !hasAtoms(process.problem),
    make: (process) => set(process, "replacement", false),
  },
  "Runge–Kutta without its step": {
    of: (process) => process.kind === "gradientFlow" && process.method === "rungeKutta",
    make: (process) => set(process, "timeStep", null),
  },
  "Runge–Kutta with a tolerance": {
    of: (process) => process.kind === "gradientFlow" && process.method === "rungeKutta",
    make: (process) => set(process, "tolerance", 1e-6),
  },
  "Dormand–Prince with a step": {
    of: (process) => process.kind === "gradientFlow" && process.method === "dormandPrince",
    make: (process) => set(process, "timeStep", 0.1),
  },
  "logistic labels that are not ±1": {
    of: ({ problem }) =>
      problem.loss === "logistic" && (problem.law.kind === "dataset" || problem.law.kind === "mixture"),
    make({ problem: { law } }) {
      if (law.kind === "dataset") {
        law.y.data[law.y.data.length - 1] = 0;
        return `process.problem.law.y[${law.y.data.length - 1}]`;
      }
      if (law.kind === "mixture") law.components[0]!.label = 2;
      return "process.problem.law.components[0].label";
    },
  },
  "a class out of range": {
    of: ({ problem }) => isClasses(problem),
    make({ problem: { law, unit } }) {
      if (law.kind === "dataset" && unit.kind === "affine") law.y.data[0] = unit.outputs;
      return "process.problem.law.y[0]";
    },
  },
  "half a class": {
    of: ({ problem }) => isClasses(problem),
    make({ problem: { law } }) {
      if (law.kind === "dataset") law.y.data[0] = 0.5;
      return "process.problem.law.y[0]";
    },
  },
  "probabilities that do not sum to 1": {
    of: ({ problem }) => isProbabilities(problem),
    make({ problem: { law } }) {
      if (law.kind === "dataset") law.y.data[0]! += 0.1;
      return "process.problem.law.y[0]";
    },
  },
  "a negative probability": {
    of: ({ problem }) => isProbabilities(problem),
    make({ problem: { law } }) {
      if (law.kind !== "dataset") return "";
      const row = law.y.shape[0]! - 1;
      const at = row * law.y.shape[1]!;
      law.y.data[at + 1]! += law.y.data[at]! + 0.5;
      law.y.data[at] = -0.5;
      return `process.problem.law.y[${row}]`;
    },
  },
  "more outputs than labels": {
    of: ({ problem }) => problem.loss === "squared" && problem.unit.kind === "affine" && problem.law.kind !== "none",
    make: ({ problem: { unit } }) => {
      if (unit.kind === "affine") unit.outputs += 1;
      return "process.problem.unit.outputs";
    },
  },
  "more outputs than probabilities": {
    of: ({ problem }) => isProbabilities(problem),
    make: ({ problem: { unit } }) => {
      if (unit.kind === "affine") unit.outputs += 1;
      return "process.problem.unit.outputs";
    },
  },
  "two outputs of a logistic loss": {
    of: ({ problem }) => problem.loss === "logistic" && problem.unit.kind === "affine",
    make: ({ problem: { unit } }) => {
      if (unit.kind === "affine") unit.outputs = 2;
      return "process.problem.unit.outputs";
    },
  },
  "one output of a cross-entropy": {
    of: ({ problem }) =>
      problem.loss === "squared" && problem.law.kind === "dataset" && problem.law.y.shape.length === 1,
    make: ({ problem }) => {
      problem.loss = "crossEntropy";
      return "process.problem.unit.outputs";
    },
  },
  "a teacher's labels as signs": {
    of: ({ problem }) => problem.law.kind === "teacher",
    make: ({ problem }) => {
      problem.loss = "logistic";
      return "process.problem.loss";
    },
  },
  "a loss of no examples": {
    of: ({ problem }) => problem.law.kind === "none",
    make: ({ problem }) => {
      problem.loss = "logistic";
      return "process.problem.loss";
    },
  },
  "a limit of another law": limitOf(
    "law",
    ({ problem }) => ({
      ...problem,
      law:
        problem.law.kind === "anisotropicGaussians"
          ? { ...problem.law, delta: 0.123 }
          : { kind: "dataset", x: [Array(lawDimension(problem.law)).fill(1)], y: [1] },
    }),
    ({ problem }) =>
      problem.law.kind === "anisotropicGaussians" ||
      (hasAtoms(problem) && problem.loss !== "crossEntropy" && outputsOf(problem.unit) === 1),
  ),
  "a limit of another unit": limitOf("unit", ({ problem }) => ({
    ...problem,
    unit: { ...problem.unit, activation: { kind: "leakyRelu", slope: 0.123 } },
  })),
  "a limit of another confinement": limitOf(
    "confinement",
    ({ problem }) => ({
      ...problem,
      confinement: { kind: "quadratic", weight: 1.2345, center: 0 },
    }),
    ({ limit }) => (limit as Process).kind === "gradientFlow",
  ),
  "a grid of too many parameters": {
    of: ({ problem }) => problem.unit.kind === "affine" && problem.start.kind !== "particles" && isWide(problem),
    make: (process) => {
      process.problem.start = {
        kind: "grid",
        edges: [
          [0, 1],
          [0, 1],
        ],
        masses: [1],
      } as never;
      return "process.problem.start.edges";
    },
  },
  "a ridge unit with output weights": {
    of: ({ problem }) => problem.unit.kind === "ridge" && problem.start.kind === "normal",
    make: ({ problem }) => {
      Object.assign(problem.start, { a: 1 });
      return "process.problem.start.a";
    },
  },
  "radii of a loss that is not squared": radial(
    (problem) => void (problem.loss = "logistic"),
    "loss",
    ({ problem }) => problem.unit.kind === "ridge" || problem.unit.outputs === 1,
  ),
  "radii of a confinement": radial(
    (problem) => void (problem.confinement = { kind: "quadratic", weight: 1, center: 0 }),
    "confinement",
  ),
  "radii of an output bias": radial(
    ({ unit }) => void Object.assign(unit, { outputBias: true }),
    "unit.outputBias",
    ({ problem }) => problem.unit.kind === "affine",
  ),
  "radii of independent weights": radial(
    (problem) => void (problem.start = { kind: "normal", w: { mean: 0, deviation: 1 } }),
    "start.kind",
    ({ problem }) => problem.law.kind === "anisotropicGaussians" && problem.law.dimension !== "infinite",
  ),
  "independent weights in infinite dimension": radial(
    (problem) => void (problem.start = { kind: "normal", w: 1 }),
    "start.w",
    ({ problem }) => problem.law.kind === "anisotropicGaussians" && problem.law.dimension === "infinite",
  ),
  "a density without noise": density((process) => set(process, "temperature", 0)),
  "a density of an affine unit": density(({ problem }) => {
    Object.assign(problem, {
      unit: { kind: "affine", activation: { kind: "tanh" } },
      start: { kind: "gaussian", radius: 1 },
    });
    return "process.problem.unit.kind";
  }),
  "a density of a sampled law": density(({ problem }) => {
    Object.assign(problem, { law: { kind: "anisotropicGaussians", dimension: lawDimension(problem.law), delta: 0.5 } });
    return "process.problem.law.kind";
  }),
  "a density in three parameters": density(({ problem }) => {
    Object.assign(problem, {
      law: { kind: "none", dimension: 3 },
      loss: "squared",
      start: { kind: "gaussian", radius: 1 },
    });
    return "process.problem.law.dimension";
  }),
  "a density that starts in a point": density(({ problem }) => {
    Object.assign(problem, { start: { kind: "normal", w: { mean: 1, deviation: 0 } } });
    return "process.problem.start.w";
  }),
  "a density that starts from particles": density(({ problem }) => {
    Object.assign(problem, { start: { kind: "particles", theta: [Array(lawDimension(problem.law)).fill(1)] } });
    return "process.problem.start.kind";
  }),
  "a step of given length with a tolerance": density((process) => {
    Object.assign(process, { timeStep: 0.1 });
    return set(process, "tolerance", 1e-6);
  }),
  "walls of three parameters": density((process) =>
    set(process, "box", [
      [0, 1],
      [0, 1],
      [0, 1],
    ]),
  ),
  "walls that cross": density((process) => {
    set(process, "box", [1, -1]);
    return "process.box[1]";
  }),
};

function set(process: Broken, name: string, value: unknown): string {
  process[name] = value;
  return `process.${name}`;
}

function withoutBatch(process: Broken): Broken {
  if ("replacement" in process) Object.assign(process, { batchSize: 1, replacement: true });
  return process;
}

function hasAtoms({ law }: Problem): boolean {
  return law.kind === "dataset" || law.kind === "none";
}

function isBatch(process: Process): boolean {
  return (process.kind === "langevin" || process.kind === "adam") && process.gradient === "batch";
}

// a process that may have batches, and has none
function isWhole(process: Process): process is LangevinProcess | AdamProcess {
  return (process.kind === "langevin" || process.kind === "adam") && process.gradient !== "batch";
}

function isClasses({ law, loss }: Problem): boolean {
  return loss === "crossEntropy" && law.kind === "dataset" && law.y.shape.length === 1;
}

function isProbabilities({ law, loss }: Problem): boolean {
  return loss === "crossEntropy" && law.kind === "dataset" && law.y.shape.length === 2;
}

function isWide({ law }: Problem): boolean {
  return !(law.kind === "anisotropicGaussians" && law.dimension === "infinite");
}

function limitOf(
  name: string,
  change: (limit: { problem: Problem }) => unknown,
  of: (process: Broken) => boolean = () => true,
): (typeof misfits)[string] {
  return {
    of: (process) => process.kind === "nonlinear" && of(process as never),
    make(process) {
      const limit = process.limit as { problem: Problem };
      limit.problem = change(limit) as Problem;
      return `process.limit.problem.${name}`;
    },
  };
}

function radial(
  change: (problem: Problem) => void,
  path: string,
  of: (process: Process) => boolean = () => true,
): (typeof misfits)[string] {
  return {
    of: (process) => process.kind === "radialFlow" && of(process),
    make({ problem }) {
      change(problem);
      return `process.problem.${path}`;
    },
  };
}

function density(make: (process: Broken) => string): (typeof misfits)[string] {
  return { of: (process) => process.kind === "fokkerPlanck", make };
}

describe("parts that do not go together are a SpecError that names one, before anything is allocated", () => {
  it.each(Object.keys(misfits))("%s", async (name) => {
    const { of, make } = misfits[name]!;
    const engine = await loadEngine();
    const before = engine.usage();
    // the rarest is one in 40 of all specifications
    const some = fc.sample(spec, { seed: 22, numRuns: 1000 }).filter(of).slice(0, 12);
    expect(some.length).toBeGreaterThan(3);
    for (const process of some) {
      const broken = structuredClone(process) as never as Broken;
      const path = make(broken);
      const error = (await open(broken as never).catch((caught: unknown) => caught)) as SpecError;
      expect(error, `${path} went through`).toBeInstanceOf(SpecError);
      expect(error.path, error.message).toBe(path);
    }
    expect(engine.usage()).toEqual(before);
  });
});
