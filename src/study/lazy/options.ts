// What the dial is asked for, checked: widths, output scales, lazy times, the dynamics and its start.                theory §9; docs/lazy.md

import { SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import { pow } from "../../engine/math";
import type { Dataset } from "../../model/law";
import { type Problem, type ProblemInput, parseProblem } from "../../model/problem";
import { readTensor, type Tensor, type TensorLike, tensor } from "../../model/tensor";
import { outputsOf } from "../../model/unit";
import { parseTimes } from "../../process/schema";
import { readChoice, readFields, readInteger, readPositive } from "../objective/options";

/** What `lazyDial` is asked for. */
export interface LazyDialOptions {
  /** N, or several. */
  neurons: number | readonly number[];
  /** γ of the output scale N^−γ, between ½ and 1; or in their place scales. */
  exponents?: readonly number[];
  /** α of the output scale α/N, above 0. */
  scales?: readonly number[];
  /** Lazy times s = α² t, increasing; for gradient descent each is rounded to a whole number of steps h. */
  times: ArrayLike<number>;
  /** "gradientDescent" (default) or "gradientFlow". */
  method?: "gradientDescent" | "gradientFlow";
  /** h = α² ε of gradient descent, the same at every α. */
  stepSize?: number;
  /** Of the gradient flow: error allowed in a step, relative (1e-8, and 1e-8/α for α > 1, as parameters move the less). */
  tolerance?: number;
  /**
   * "given" (default): the problem's start, where f is of the order α/√N at time 0. "paired": half as many neurons of the start, each
   * with a twin of output −a, so f = 0. "centred": f − f_0 in place of f, for any start; squared loss only.
   */
  start?: "given" | "paired" | "centred";
  /** Further inputs [n, d] at which f is compared with the linearised network's. */
  x?: TensorLike;
  /** Number of replicas (1). */
  replicas?: number;
  /** Of the starts (0). */
  seed?: number;
  /** First replica (0). */
  replica?: number;
  /** "measures" keeps the networks too. */
  keep?: "statistics" | "measures";
  signal?: AbortSignal | undefined;
  /** Called as runs go on, with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** A width and an output scale. */
export interface Setting {
  neurons: number;
  exponent: number | null;
  scale: number;
}

/** The options with their defaults filled in. */
export interface LazyPlan {
  problem: Problem & { law: Dataset };
  settings: Setting[];
  times: Float64Array;
  /** steps at the times; null for the flow */
  counts: Float64Array | null;
  /** h; null for the flow */
  stepSize: number | null;
  tolerance: number | null;
  start: "given" | "paired" | "centred";
  inputs: Tensor<"f64"> | null;
  replicas: number;
  seed: number;
  replica: number;
  keep: boolean;
  signal: AbortSignal | undefined;
  backend: Backend | undefined;
}

const FIELDS = [
  "neurons",
  "exponents",
  "scales",
  "times",
  "method",
  "stepSize",
  "tolerance",
  "start",
  "x",
  "replicas",
  "seed",
  "replica",
  "keep",
  "signal",
  "onProgress",
  "backend",
] as const;

/** Most rows of the kernel: a matrix of 128 MB. */
const MOST_ROWS = 4096;

/**
 * The problem and the options, checked.
 *
 * @throws {SpecError} with the path of the wrong field
 */
export function readPlan(input: ProblemInput, options: LazyDialOptions): LazyPlan {
  const problem = parseProblem(input);
  const { law, unit, loss, confinement } = problem;
  if (law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes one.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset": a kernel is one of finitely many inputs', remedy);
  }
  if (confinement !== null) {
    throw new SpecError("problem.confinement", confinement.kind, "null, as the lazy limit is that of the loss alone");
  }
  const asked = readFields(options, "options", FIELDS);
  const K = outputsOf(unit);
  const rows = law.x.shape[0]! * K;
  if (rows > MOST_ROWS) {
    const remedy = "Take fewer examples.";
    throw new SpecError(
      "problem.law.x",
      `${rows} rows of the kernel`,
      `at most ${MOST_ROWS}, examples × outputs`,
      remedy,
    );
  }
  const method = readChoice(asked.method ?? "gradientDescent", "method", ["gradientDescent", "gradientFlow"]);
  const start = readChoice(asked.start ?? "given", "start", ["given", "paired", "centred"]);
  const keep = readChoice(asked.keep ?? "statistics", "keep", ["statistics", "measures"]) === "measures";
  const settings = readSettings(asked, start, problem);
  const descends = method === "gradientDescent";
  const wanted = parseTimes(asked.times);
  if (descends && asked.tolerance !== undefined) {
    throw new SpecError("tolerance", asked.tolerance, "nothing, as gradient descent has a stepSize");
  }
  if (!descends && asked.stepSize !== undefined) {
    throw new SpecError("stepSize", asked.stepSize, "nothing, as the gradient flow has a tolerance");
  }
  const stepSize = descends ? readPositive(asked.stepSize, "stepSize") : null;
  const counts = stepSize === null ? null : wanted.map((s) => Math.round(s / stepSize));
  if (start === "centred" && loss !== "squared") {
    throw new SpecError("start", start, '"given" or "paired", as only the squared loss is one of f − f_0');
  }
  if (start === "paired" && unit.kind === "ridge") {
    throw new SpecError("start", start, '"given" or "centred", as only affine units have an output a to turn');
  }
  const replicas = readInteger(asked.replicas ?? 1, "replicas", 1, 10000);
  const replica = readInteger(asked.replica ?? 0, "replica", 0, 4294967296 - replicas);
  return {
    problem: { ...problem, law },
    settings,
    times: counts ? counts.map((k) => k * stepSize!) : wanted,
    counts,
    stepSize,
    tolerance: asked.tolerance === undefined ? null : readPositive(asked.tolerance, "tolerance"),
    start,
    inputs: asked.x === undefined ? null : readInputs(asked.x, law.x.shape[1]!),
    replicas,
    seed: readInteger(asked.seed ?? 0, "seed", 0, Number.MAX_SAFE_INTEGER),
    replica,
    keep,
    signal: asked.signal,
    backend: asked.backend,
  };
}

function readSettings(
  { neurons, exponents, scales }: LazyDialOptions,
  start: LazyPlan["start"],
  { start: from }: Problem,
): Setting[] {
  const widths = typeof neurons === "number" ? [neurons] : neurons;
  if (!Array.isArray(widths) || widths.length === 0)
    throw new SpecError("neurons", neurons, "a number, or a list of them");
  widths.forEach((N, i) => {
    const path = typeof neurons === "number" ? "neurons" : `neurons[${i}]`;
    readInteger(N, path, 1, 16777216);
    if (start === "paired" && N % 2 !== 0) throw new SpecError(path, N, "an even number, as neurons come in pairs");
    if (from.kind === "particles") {
      const there = from.theta.shape[0]! * (start === "paired" ? 2 : 1);
      if (there !== N) throw new SpecError(path, N, `${there}, as the start gives particles`);
    }
  });
  if ((exponents === undefined) === (scales === undefined)) {
    throw new SpecError("exponents", exponents, "exponents γ or scales α, one of the two");
  }
  const path = exponents === undefined ? "scales" : "exponents";
  const listed = (exponents ?? scales) as readonly unknown[];
  if (!Array.isArray(listed) || listed.length === 0) throw new SpecError(path, listed, "a list of numbers");
  listed.forEach((value: unknown, i) => {
    if (exponents === undefined) {
      const scale = readPositive(value, `scales[${i}]`);
      if (scale > 1e6 || scale < 1e-6) throw new SpecError(`scales[${i}]`, scale, "a scale from 1e-6 to 1e6");
    } else if (typeof value !== "number" || !(value >= 0.5 && value <= 1)) {
      const remedy = "Scales of other exponents may be given as scales.";
      throw new SpecError(`exponents[${i}]`, value, "an exponent γ from ½ to 1", remedy);
    }
  });
  return widths.flatMap((N) =>
    (listed as number[]).map((value) =>
      exponents === undefined
        ? { neurons: N, exponent: null, scale: value }
        : { neurons: N, exponent: value, scale: value === 1 ? 1 : pow(N, 1 - value) },
    ),
  );
}

function readInputs(value: TensorLike, dimension: number): Tensor<"f64"> {
  const { shape, data } = readTensor(value, "x");
  if (shape.length !== 2 || shape[1] !== dimension || shape[0] === 0) {
    throw new SpecError("x", shape, `inputs of shape [n, ${dimension}], as the law's dimension is ${dimension}`);
  }
  return tensor(Float64Array.from(data), shape) as Tensor<"f64">;
}
