// What the specifications of processes share: schedules, sizes, and the checks that come before anything is allocated.

import { SpecError } from "../engine/errors";
import { canonicalJson } from "../io/canonical";
import { isInfinite, type Law, lawDimension } from "../model/law";
import { isLocalPotential } from "../model/potential";
import type { Problem } from "../model/problem";
import {
  choice,
  flag,
  integer,
  kind,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  refined,
  type Schema,
  seed,
} from "../model/spec";
import { outputsOf, parameterDimension } from "../model/unit";
import { populationAtoms } from "./populationRule";

/**
 * Step sizes over time: at step k the step size is ε ξ(kε), and ξ(t) is 1, (1 + t/offset)^−exponent, or the factor of the
 * last of the times that is ≤ t (1 before the first).
 */
export type Schedule =
  | { kind: "constant" }
  | { kind: "power"; exponent: number; offset: number }
  | { kind: "piecewise"; times: number[]; factors: number[] };

/** Steps whose effect a gradient flow takes into itself, as the flow of their modified loss. */
export interface Correction {
  /** ε */
  stepSize: number;
  /** "full": GD; "withoutReplacement": SGD through all examples in a fresh order an epoch */
  sampling: "full" | "withoutReplacement";
  /** B, a divisor of the number of examples; "full" has none but 1 */
  batchSize: number;
}

export const positive = number("a positive number", (x) => x > 0);
export const nonNegative = number("a non-negative number", (x) => x >= 0);
export const temperature = number("a temperature τ, 0 or more", (x) => x >= 0);
export const momentum = number("a number in [0, 1)", (mu) => mu >= 0 && mu < 1);
export const replica = optional(integer(0, 2 ** 32 - 1), 0);
export const random = { precision: optional(choice("f32", "f64"), "f64"), seed: optional(seed, 0), replica };
export const ascendingTimes = refined(list("a list of times", nonNegative), (times) => {
  times.forEach((t, i) => {
    if (i > 0 && t <= times[i - 1]!) {
      throw new SpecError(`[${i}]`, t, `a time after the one before it, ${times[i - 1]}`);
    }
  });
  return times;
});

/** Walls of a box along one parameter. */
export const walls: Schema<[number, number]> = refined(
  list("a pair [from, to]", number("a finite number"), 2),
  (pair): [number, number] => {
    const [from, to] = pair as [number, number];
    if (pair.length !== 2) throw new SpecError("", pair, "a pair [from, to]");
    if (!(from < to)) throw new SpecError("[1]", to, `more than from = ${from}`);
    return [from, to];
  },
);

export const schedule: Schema<Schedule> = oneOf(
  "a schedule",
  {
    constant: object("a constant schedule", { kind: kind("constant") }),
    power: object("a power schedule", { kind: kind("power"), exponent: nonNegative, offset: positive }),
    piecewise: refined(
      object("a piecewise schedule", {
        kind: kind("piecewise"),
        times: ascendingTimes,
        factors: list("a list of positive factors", positive),
      }),
      (steps) => {
        if (steps.factors.length !== steps.times.length) {
          throw new SpecError("factors", steps.factors, `${steps.times.length} factors, one a time`);
        }
        return steps;
      },
    ),
  },
  'A schedule of your own is { kind: "piecewise", times, factors }.',
);

// Before the points, wherever it stood: the text of a specification does not depend on whether the default was written.
export function withGradient<P extends object, G>(process: P, gradient: G): P & { gradient: G } {
  const fields = Object.entries(process).filter(([name]) => name !== "gradient");
  const at = fields.findIndex(([name]) => name === "points");
  return Object.fromEntries([...fields.slice(0, at), ["gradient", gradient], ...fields.slice(at)]) as never;
}

export function defaultGradient({ law }: Problem): "full" | "population" {
  return law.kind === "dataset" || law.kind === "none" ? "full" : "population";
}

export function checkParticles({ problem, neurons }: { problem: Problem; neurons: number }): void {
  const { law, start } = problem;
  if (isInfinite(law)) {
    throw new SpecError(
      "problem.law.dimension",
      "infinite",
      "a finite dimension",
      "A network has inputs; radialFlow has the limit.",
    );
  }
  if (start.kind === "particles" && start.theta.shape[0] !== neurons) {
    throw new SpecError("neurons", neurons, `${start.theta.shape[0]}, the number of rows of problem.start.theta`);
  }
}

export function checkBatch({
  problem: { law },
  batchSize,
  replacement,
}: {
  problem: Problem;
  batchSize: number;
  replacement: boolean;
}): void {
  if (law.kind === "none") {
    throw new SpecError("gradient", "batch", '"full", as there are no examples to draw a batch from');
  }
  if (replacement) return;
  if (law.kind !== "dataset") {
    throw new SpecError("replacement", false, "true, as every example of this law is a fresh one");
  }
  if (law.weights !== null) {
    throw new SpecError("problem.law.weights", law.weights.data, "equal weights, as an epoch has each example once");
  }
  const n = law.x.shape[0]!;
  if (batchSize > n) throw new SpecError("batchSize", batchSize, `at most the ${n} examples of an epoch`);
}

// A finite law has no population beyond its atoms; a law that is sampled has no atoms to sum over.
export function checkGradient(process: { problem: Problem; gradient: string; points: number | null }): void {
  const { law } = process.problem;
  const finite = law.kind === "dataset" || law.kind === "none";
  if (process.gradient === "population" && finite) {
    throw new SpecError(
      "gradient",
      "population",
      law.kind === "none"
        ? '"full", as there are no examples'
        : '"full", as the law is finite and has no population beyond its atoms',
      "A Gaussian law or a teacher has a population gradient.",
    );
  }
  if (process.gradient === "full" && !finite) {
    throw new SpecError(
      "gradient",
      "full",
      '"population", as the law is sampled and has no atoms',
      "quadrature(law, { points }) makes it finite.",
    );
  }
  if (process.points !== null && process.gradient !== "population") {
    throw new SpecError("points", process.points, `nothing, as the gradient is "${process.gradient}"`);
  }
}

/** Fields of steps along a gradient over all atoms, over a batch drawn at each step, or over the law itself. */
export const anyGradient = {
  gradient: optional(choice("full", "batch", "population")),
  points: orNull(integer(1, 2 ** 24)),
  batchSize: optional(integer(1, 2 ** 20), 1),
  schedule: optional(schedule, { kind: "constant" }),
  replacement: optional(flag, true),
};

// Such steps, checked, with the gradient that they have; `moments` go with the state.
export function withAnyGradient<
  P extends {
    kind: string;
    problem: Problem;
    neurons: number;
    gradient: "full" | "batch" | "population" | undefined;
    points: number | null;
    batchSize: number;
    replacement: boolean;
    precision: "f32" | "f64";
  },
>(process: P, moments: number): P & { gradient: "full" | "batch" | "population" } {
  const gradient = process.gradient ?? defaultGradient(process.problem);
  checkParticles(process);
  checkGradient({ ...process, gradient });
  if (gradient === "batch") checkBatch(process);
  else if (process.batchSize !== 1 || !process.replacement) {
    const name = process.batchSize === 1 ? "replacement" : "batchSize";
    throw new SpecError(name, process[name], `nothing, as the gradient is "${gradient}"`);
  }
  checkNetworkMemory({ ...process, moments }, examplesOf({ ...process, gradient }));
  return withGradient(process, gradient);
}

// Examples that stand in memory: a batch, the atoms of a finite law or of a quadrature; none where the gradient is exact.
export function examplesOf(process: {
  problem: Problem;
  gradient: "full" | "batch" | "population";
  points: number | null;
  batchSize?: number;
}): { path: string; count: number } {
  const { problem, gradient, points, batchSize = 1 } = process;
  if (gradient === "batch") return { path: "batchSize", count: batchSize };
  if (gradient === "population") {
    return { path: points === null ? "problem.law" : "points", count: populationAtoms(problem, points) };
  }
  return { path: "problem.law.x", count: problem.law.kind === "dataset" ? problem.law.x.shape[0]! : 0 };
}

export function sameSpec(a: unknown, b: unknown): boolean {
  if (isLocalPotential(a) || isLocalPotential(b)) {
    return isLocalPotential(a) && isLocalPotential(b) && a.value === b.value && a.gradient === b.gradient;
  }
  return canonicalJson(a) === canonicalJson(b);
}

const GIB = 2 ** 30;
const LIMIT = 2 * GIB;

// The path is that of the largest part, as that is the one to make smaller.
export function checkMemory(parts: { path: string; found: unknown; bytes: number }[]): void {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= LIMIT) return;
  const { path, found, bytes } = parts.reduce((most, part) => (part.bytes > most.bytes ? part : most));
  const gib = (size: number): string => (size / GIB).toFixed(size < 10 * GIB ? 2 : 0);
  throw new SpecError(
    path,
    found,
    `a size that fits: the run needs ${gib(total)} GiB, ${gib(bytes)} GiB of them for this, and 2 GiB is the limit`,
  );
}

export function checkNetworkMemory(
  process: { kind: string; problem: Problem; neurons: number; precision: "f32" | "f64"; moments?: number },
  examples: { path: string; count: number },
): void {
  const { problem, neurons, precision, moments = 0 } = process;
  const size = precision === "f32" ? 4 : 8;
  const d = lawDimension(problem.law);
  const law = lawBytes(problem.law, d);
  const K = outputsOf(problem.unit);
  // SGD keeps the pre-activations and slopes of all neurons for each example of its batch; the others those of a chunk
  const width = process.kind === "sgd" ? 2 * neurons : 0;
  checkMemory([
    // weights, their scratch copy, velocity, moments with their copy, and θ in f64; then, an example: inputs thrice, and what stands of it
    {
      path: "neurons",
      found: neurons,
      bytes: neurons * ((3 + 2 * moments) * size + 8) * parameterDimension(problem.unit, d),
    },
    {
      path: examples.path,
      found: examples.count,
      bytes: examples.count * ((3 * d + 2 * K + width + 8) * size + 24 * K),
    },
    { ...law, path: `problem.law${law.path}` },
  ]);
}

function lawBytes(law: Law, d: number): { path: string; found: unknown; bytes: number } {
  switch (law.kind) {
    case "anisotropicGaussians": {
      const matrices = law.rotation === "identity" ? 0 : 3;
      return { path: ".dimension", found: d, bytes: 8 * d * (2 + matrices * d) };
    }
    case "dataset":
      return { path: ".x", found: law.x.data, bytes: 8 * law.x.shape[0]! * (d + 2) };
    case "teacher":
      return { path: ".neurons", found: law.neurons, bytes: 8 * law.neurons * (d + 1) };
    case "none":
      return { path: ".dimension", found: d, bytes: 0 };
    case "mixture":
      return { path: ".components", found: law.components.length, bytes: 16 * law.components.length * d * (d + 1) };
  }
}
