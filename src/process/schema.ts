// Specifications of processes: the factories that users call, and the checks that come before anything is allocated.

import { SpecError } from "../engine/errors";
import { isInfinite, type Law, lawDimension } from "../model/law";
import { type Problem, type ProblemInput, problemSchema, radialAxes } from "../model/problem";
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
  parseSpec,
  refined,
  type Schema,
  seed,
} from "../model/spec";
import type { RadiusLaw, Start } from "../model/start";
import { parameterDimension } from "../model/unit";

/**
 * Step sizes over time: at step k the step size is ε ξ(kε), and ξ(t) is 1, (1 + t/offset)^−exponent, or the factor of the
 * last of the times that is ≤ t (1 before the first).
 */
export type Schedule =
  | { kind: "constant" }
  | { kind: "power"; exponent: number; offset: number }
  | { kind: "piecewise"; times: number[]; factors: number[] };

/** Stochastic gradient descent, as plain JSON. */
export interface SgdProcess {
  kind: "sgd";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** examples a step */
  batchSize: number;
  schedule: Schedule;
  /** of a finite law: examples drawn independently, or each once an epoch in a fresh order */
  replacement: boolean;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

/** The radial flow, as plain JSON; null is the solver's own choice. */
export interface RadialFlowProcess {
  kind: "radialFlow";
  problem: Problem;
  method: "characteristics" | "grid";
  /** grid: cells along one radius */
  cells: number | null;
  /** grid: outer wall of each radius */
  rMax: number | null;
  /** error allowed in a step and in the series, relative */
  tolerance: number | null;
  /** characteristics: number of particles */
  particles: number | null;
  /** of the Hermite series of the potential */
  degree: number | null;
  /** largest time step */
  maxStep: number | null;
}

/** A process, as plain JSON. */
export type Process = SgdProcess | RadialFlowProcess;

/**
 * Stochastic gradient descent on a two-layer network, θ ← θ + ε (y − f) ∇σ*.
 *
 * @param problem  law, unit and start
 * @param options  neurons: N; stepSize: ε (time advances by ε a step); batchSize: examples a step (1); schedule: ξ (1);
 *                 replacement: for a finite law, draw each example independently (true) or each once an epoch; precision:
 *                 "f64" or "f32"; seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, eq. (2); theory §3
 */
export function sgd(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<SgdProcess, "kind" | "problem">>,
): SgdProcess {
  return parseProcess({ kind: "sgd", problem, ...options }) as SgdProcess;
}

/**
 * The mean-field limit of SGD for anisotropic Gaussians, ∂_t ρ̄ = ∇·(ρ̄ ∇Ψ̄) in the radii (r1, r2), or (a, b, r1, r2).
 *
 * @param problem  anisotropic Gaussians and a start that no rotation within the two spaces changes
 * @param options  method: "characteristics" (weighted particles) or "grid" (finite volumes; ridge units only); cells, rMax:
 *                 of the grid; particles: of the characteristics; tolerance, degree, maxStep: of the numerics (each chosen
 *                 by the solver where it is left out)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Montanari, Nguyen, PNAS 2018, eq. (13); theory §5
 */
export function radialFlow(
  problem: ProblemInput,
  options: Partial<Omit<RadialFlowProcess, "kind" | "problem">> = {},
): RadialFlowProcess {
  return parseProcess({ kind: "radialFlow", problem, ...options }) as RadialFlowProcess;
}

const positive = number("a positive number", (x) => x > 0);
const nonNegative = number("a non-negative number", (x) => x >= 0);
const ascendingTimes = refined(list("a list of times", nonNegative), (times) => {
  times.forEach((t, i) => {
    if (i > 0 && t <= times[i - 1]!) {
      throw new SpecError(`[${i}]`, t, `a time after the one before it, ${times[i - 1]}`);
    }
  });
  return times;
});

const schedule: Schema<Schedule> = oneOf(
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

const sgdSchema: Schema<SgdProcess> = refined(
  object("an SGD process", {
    kind: kind("sgd"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    stepSize: positive,
    batchSize: optional(integer(1, 2 ** 20), 1),
    schedule: optional(schedule, { kind: "constant" }),
    replacement: optional(flag, true),
    precision: optional(choice("f32", "f64"), "f64"),
    seed: optional(seed, 0),
    replica: optional(integer(0, 2 ** 32 - 1), 0),
  }),
  (process) => {
    const { problem, neurons, batchSize, replacement } = process;
    const { law, start } = problem;
    if (isInfinite(law)) {
      throw new SpecError(
        "problem.law.dimension",
        "infinite",
        "a finite dimension",
        "SGD has inputs; radialFlow has the limit.",
      );
    }
    if (start.kind === "particles" && start.theta.shape[0] !== neurons) {
      throw new SpecError("neurons", neurons, `${start.theta.shape[0]}, the number of rows of problem.start.theta`);
    }
    if (!replacement) {
      if (law.kind !== "dataset") {
        throw new SpecError("replacement", false, "true, as every example of this law is a fresh one");
      }
      if (law.weights !== null) {
        throw new SpecError(
          "problem.law.weights",
          law.weights.data,
          "equal weights, as an epoch has each example once",
        );
      }
      const n = law.x.shape[0]!;
      if (batchSize > n) throw new SpecError("batchSize", batchSize, `at most the ${n} examples of an epoch`);
    }
    checkSgdMemory(process, lawDimension(law));
    return process;
  },
);

const radialFlowSchema: Schema<RadialFlowProcess> = refined(
  object("a radial flow", {
    kind: kind("radialFlow"),
    problem: problemSchema,
    method: optional(choice("characteristics", "grid"), "characteristics"),
    cells: orNull(integer(8, 2 ** 24)),
    rMax: orNull(positive),
    tolerance: orNull(number("a number in [1e-14, 0.1]", (x) => x >= 1e-14 && x <= 0.1)),
    particles: orNull(integer(1, 2 ** 24)),
    degree: orNull(integer(2, 400)),
    maxStep: orNull(positive),
  }),
  (process) => {
    const { problem, method } = process;
    if (problem.law.kind !== "anisotropicGaussians") {
      throw new SpecError("problem.law.kind", problem.law.kind, '"anisotropicGaussians", whose flow is radial');
    }
    checkRadialProblem(problem);
    if (method === "grid") checkGrid(process);
    const foreign = method === "grid" ? (["particles"] as const) : (["cells", "rMax"] as const);
    for (const name of foreign) {
      if (process[name] !== null) {
        throw new SpecError(name, process[name], `nothing, as the method is "${method}"`);
      }
    }
    if (problem.start.kind === "particles" && process.particles !== null) {
      throw new SpecError("particles", process.particles, "nothing, as the start is given particles");
    }
    checkRadialMemory(process);
    return process;
  },
);

/** Schema of a process. */
export const processSchema: Schema<Process> = oneOf("a process", { sgd: sgdSchema, radialFlow: radialFlowSchema });

/**
 * A process, checked and normalised: every default is filled in.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseProcess(value: unknown, path = "process"): Process {
  return parseSpec(processSchema, value, path);
}

/**
 * Save times, checked: finite, non-negative, ascending; at least one.
 *
 * @param value  a list or a Float64Array
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong time
 */
export function parseTimes(value: unknown, path = "times"): Float64Array {
  const listed = value instanceof Float64Array ? Array.from(value) : value;
  return Float64Array.from(parseSpec(ascendingTimes, listed, path));
}

const GIB = 2 ** 30;
const LIMIT = 2 * GIB;

// The path is that of the largest part, as that is the one to make smaller.
function checkMemory(parts: { path: string; found: unknown; bytes: number }[]): void {
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

function checkSgdMemory({ problem, neurons, batchSize, precision }: SgdProcess, d: number): void {
  const size = precision === "f32" ? 4 : 8;
  const law = lawBytes(problem.law, d);
  checkMemory([
    // weights, their scratch copy, and θ in f64; then, an example: inputs thrice, pre-activations and slopes of all neurons
    { path: "neurons", found: neurons, bytes: neurons * (2 * size + 8) * parameterDimension(problem.unit, d) },
    { path: "batchSize", found: batchSize, bytes: batchSize * (3 * d + 2 * neurons + 8) * size },
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

// Each point carries its features, of which there are about (degree²/8) for two radii and both signs.
function checkRadialMemory({ problem, method, cells, particles, degree }: RadialFlowProcess): void {
  const axes = radialAxes(problem.law);
  const k = degree ?? 14;
  const features = axes === 1 ? 2 * k : Math.ceil((k * k) / 4) + 2 * k;
  const side = cells ?? 256;
  const points = method === "grid" ? (axes === 1 ? side : side * side) : (particles ?? 4096);
  const [path, found] = method === "grid" ? (["cells", cells] as const) : (["particles", particles] as const);
  checkMemory([{ path, found, bytes: 8 * points * (features + 16) }]);
}

// The radii close on themselves only where rotations change nothing: one output, squared loss, no confinement.
function checkRadialProblem({ unit, start, loss, confinement }: Problem): void {
  const remedy = "gradientFlow takes any problem, with particles.";
  if (loss !== "squared") throw new SpecError("problem.loss", loss, '"squared", as the flow is radial', remedy);
  if (confinement !== null)
    throw new SpecError("problem.confinement", confinement, "null, as the flow is radial", remedy);
  if (unit.kind === "affine") {
    if (unit.outputs !== 1)
      throw new SpecError("problem.unit.outputs", unit.outputs, "1, as the flow is radial", remedy);
    if (unit.outputBias) throw new SpecError("problem.unit.outputBias", true, "false, as the flow is radial", remedy);
  }
  if (start.kind === "normal" || start.kind === "grid") {
    throw new SpecError("problem.start.kind", start.kind, "gaussian({ radius }), radii or particles", remedy);
  }
}

function checkGrid({ problem }: RadialFlowProcess): void {
  const { law, unit } = problem;
  const start = problem.start as Exclude<Start, { kind: "normal" | "grid" }>;
  if (unit.kind !== "ridge") {
    throw new SpecError("method", "grid", '"characteristics", as an affine unit has four reduced coordinates');
  }
  const remedy = 'The method "characteristics" takes any start.';
  if (start.kind === "particles")
    throw new SpecError("problem.start.kind", start.kind, "a start with a density", remedy);
  if (start.kind === "gaussian") {
    if (!isInfinite(law)) return;
    throw new SpecError(
      "problem.start.kind",
      start.kind,
      "a start with a density, which a Gaussian in infinite dimension has not",
      remedy,
    );
  }
  for (const name of ["r1", "r2"] as const) {
    const radius: RadiusLaw | null = start[name];
    if (typeof radius === "number")
      throw new SpecError(`problem.start.${name}`, radius, "a law with a density", remedy);
  }
}
