// What is recorded of a measure at each time: statistics, not states. Observables are plain JSON, so they travel to
// workers and files; a plain function is allowed where nothing has to travel.

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { withPauses } from "../engine/pause";
import { numbersToJson, readNumbers } from "../io/measure";
import type { Accuracy } from "../measure/accuracy";
import { coordinate, coordinateNames, isRadius, type Measure } from "../measure/measure";
import { moments as momentsOf } from "../measure/moments";
import { dissipationOf, entropyOf, freeEnergyOf } from "../measure/onDemand";
import { predictionsOf } from "../measure/predictions";
import { quantiles as quantilesOf } from "../measure/quantiles";
import { type Risk, riskOf } from "../measure/risk";
import { type Law, lawSchema } from "../model/law";
import type { Problem } from "../model/problem";
import {
  array,
  choice,
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
  text,
} from "../model/spec";
import type { Tensor, TensorLike } from "../model/tensor";
import { outputsOf } from "../model/unit";
import type { Process } from "../process/schema";

/** A statistic of a measure, as plain JSON. */
export type Observable =
  | { kind: "risk"; method: "auto" | "series" | "sample"; points: number; seed: number }
  | { kind: "accuracy"; law?: Law; points: number; seed: number }
  | { kind: "moments"; coordinate: string; order: number }
  | { kind: "quantiles"; coordinate: string; levels: number[] }
  | { kind: "histogram"; coordinate: string; edges: number[] }
  | { kind: "density"; coordinate: string; points: number[]; bandwidth: number | null }
  | { kind: "predictions"; x: Tensor<"f64"> }
  | { kind: "parameters"; rows: number[] }
  | { kind: "freeEnergy"; temperature: number | null }
  | { kind: "dissipation"; temperature: number | null }
  | { kind: "entropy" }
  | { kind: "sharpness"; tolerance: number };

/** A function of a measure; it cannot go to a worker, a file or a hash. */
export type LocalObservable = (
  measure: Measure,
  context: { problem: Problem; time: number },
) => number | ArrayLike<number>;

/** Statistics by name. */
export type Observables = Record<string, Observable | LocalObservable>;

/** One statistic at one time. */
export interface Row {
  /** Shape of the values; empty for a number. */
  shape: number[];
  values: Float64Array;
  /** Standard error of each value, where they were sampled. */
  standardError?: Float64Array;
  /** How it was computed: `series`, `exact`, `quadrature`, `sample` … */
  method?: string;
}

/** One statistic over time. */
export interface Observed {
  /** What was asked for; left out where it was a function. */
  observable?: Observable | undefined;
  /** Times first. */
  shape: number[];
  /** Row-major. */
  values: Float64Array;
  standardError?: Float64Array | undefined;
  method?: string | undefined;
}

/**
 * The risk R = E|y − f|², or E ℓ for the losses other than the squared one.
 *
 * @param options  method: "series" (exact where the law is Gaussian: Mehler's series, with its truncation bounded),
 *                 "sample" (fresh examples, with a standard error), or "auto" (exact wherever it can be); points and seed
 *                 of the sample (20000, 0)
 * @see theory §1, §13
 */
export function risk(
  options: { method?: "auto" | "series" | "sample"; points?: number; seed?: number } = {},
): Observable {
  return parseObservable({ kind: "risk", ...options });
}

/**
 * The share of examples that are classified right: by the sign of f where labels are ±1, by the largest of f_1 … f_K for the loss
 * crossEntropy (a label that is probabilities counts with that of the class chosen); a tie is wrong. Laws of the radii have none.
 *
 * @param options  law: of the examples that are counted, a test set for one (that of the problem); points and seed of a sample (20000, 0),
 *                 which is taken where the law is not finite; then there is a standard error
 * @see theory §12
 */
export function accuracy(options: { law?: Law; points?: number; seed?: number } = {}): Observable {
  return parseObservable({ kind: "accuracy", ...options });
}

/**
 * Moments E c, E c², … of a coordinate; of a fluctuation η, ⟨η, c⟩, ⟨η, c²⟩, ….
 *
 * @param name   "a" ("a0" … of several outputs), "b", "w0" …, "r1", "r2", or "r"
 * @param order  how many (2)
 */
export function moments(name: string, order = 2): Observable {
  return parseObservable({ kind: "moments", coordinate: name, order });
}

/**
 * Quantiles of a coordinate.
 *
 * @param name    "a" ("a0" … of several outputs), "b", "w0" …, "r1", "r2", or "r"
 * @param levels  probabilities in [0, 1]
 */
export function quantiles(name: string, levels: readonly number[]): Observable {
  return parseObservable({ kind: "quantiles", coordinate: name, levels: [...levels] });
}

/**
 * Masses of a coordinate's law in bins.
 *
 * @param name   "a" ("a0" … of several outputs), "b", "w0" …, "r1", "r2", or "r"
 * @param edges  ascending, one more than there are bins
 */
export function histogram(name: string, edges: readonly number[]): Observable {
  return parseObservable({ kind: "histogram", coordinate: name, edges: [...edges] });
}

/**
 * Density of a coordinate's law: Gaussian kernels for particles (reflected at 0 for a radius), the grid's own otherwise.
 *
 * @param name       "a" ("a0" … of several outputs), "b", "w0" …, "r1", "r2", or "r"
 * @param points     where
 * @param bandwidth  of the kernels; Silverman's rule if left out
 */
export function density(name: string, points: readonly number[], bandwidth?: number): Observable {
  return parseObservable({ kind: "density", coordinate: name, points: [...points], bandwidth: bandwidth ?? null });
}

/**
 * Predictions f(x): n numbers a time, or [n, K] for K > 1 outputs; of a fluctuation η, ⟨η, σ*(x; ·)⟩.
 *
 * @param x  [n, d], an input a row
 */
export function predictions(x: TensorLike): Observable {
  return parseObservable({ kind: "predictions", x });
}

/**
 * Parameters θ of particles by number: [n, D] numbers a time. Points that a `modifiedFlow` carries stand behind its neurons, so those
 * of N neurons are N, N + 1, …: with them goes the flow X(u, t) of several points u, and any statistic of it.
 *
 * @param rows  numbers of the particles, from 0
 */
export function parameters(rows: readonly number[]): Observable {
  return parseObservable({ kind: "parameters", rows: [...rows] });
}

/**
 * The free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m of a grid in the parameters.
 *
 * @param options  temperature: τ (that of the process)
 * @see theory §7
 */
export function freeEnergy(options: { temperature?: number } = {}): Observable {
  return parseObservable({ kind: "freeEnergy", ...options });
}

/**
 * The dissipation ∫|∇(Ψ + U) + τ∇log m|² m of a grid in the parameters, the rate −d𝓕/dt at which its flow lowers 𝓕.
 *
 * @param options  temperature: τ (that of the process)
 * @see theory §7
 */
export function dissipation(options: { temperature?: number } = {}): Observable {
  return parseObservable({ kind: "dissipation", ...options });
}

/** ∫ m log m of a grid in the parameters, the negative of Boltzmann's entropy. */
export function entropy(): Observable {
  return parseObservable({ kind: "entropy" });
}

/**
 * The sharpness λ_max of a network on a finite law, the largest eigenvalue of the Hessian −Dv̄ in the library's time (N ∂²E/∂θ² for N
 * equal weights), by Lanczos' method: GD of step size ε is stable where ε λ_max < 2.
 *
 * @param options  tolerance: of its residual, of the largest |λ| (1e-6)
 * @see theory §11; docs/landscape.md
 */
export function sharpness(options: { tolerance?: number } = {}): Observable {
  return parseObservable({ kind: "sharpness", ...options });
}

const name: Schema<string> = text("the name of a coordinate: a (a0 … of several outputs), b, w0 …, r1, r2 or r", (x) =>
  /^(a\d*|b|r|r1|r2|w\d+)$/.test(x),
);
const probability = number("a probability in [0, 1]", (p) => p >= 0 && p <= 1);
const finite = number("a finite number");

const observableSchema: Schema<Observable> = oneOf("an observable", {
  risk: object("a risk", {
    kind: kind("risk"),
    method: optional(choice("auto", "series", "sample"), "auto"),
    points: optional(integer(2, 1e8), 20000),
    seed: optional(seed, 0),
  }),
  accuracy: object("an accuracy", {
    kind: kind("accuracy"),
    law: optional(lawSchema),
    points: optional(integer(2, 1e8), 20000),
    seed: optional(seed, 0),
  }),
  moments: object("moments", { kind: kind("moments"), coordinate: name, order: optional(integer(1, 64), 2) }),
  quantiles: object("quantiles", {
    kind: kind("quantiles"),
    coordinate: name,
    levels: list("a list of probabilities", probability),
  }),
  histogram: refined(
    object("a histogram", { kind: kind("histogram"), coordinate: name, edges: list("two or more edges", finite, 2) }),
    (spec) => {
      const bad = spec.edges.findIndex((edge, i) => i > 0 && edge <= spec.edges[i - 1]!);
      if (bad > 0) throw new SpecError(`edges[${bad}]`, spec.edges[bad], "ascending edges");
      return spec;
    },
  ),
  density: object("a density", {
    kind: kind("density"),
    coordinate: name,
    points: list("a list of points", finite),
    bandwidth: orNull(number("a positive number", (h) => h > 0)),
  }),
  predictions: object("predictions", { kind: kind("predictions"), x: array("inputs, [n, d]", 2) }),
  parameters: object("parameters", {
    kind: kind("parameters"),
    rows: list("a list of indices of neurons, as [0, 1, 2]", integer(0, 2 ** 24)),
  }),
  freeEnergy: object("a free energy", {
    kind: kind("freeEnergy"),
    temperature: orNull(number("a temperature τ, 0 or more", (x) => x >= 0)),
  }),
  dissipation: object("a dissipation", {
    kind: kind("dissipation"),
    temperature: orNull(number("a temperature τ > 0", (x) => x > 0)),
  }),
  entropy: object("an entropy", { kind: kind("entropy") }),
  sharpness: object("a sharpness", {
    kind: kind("sharpness"),
    tolerance: optional(
      number("a number from 1e-14 to 0.1", (x) => x >= 1e-14 && x <= 0.1),
      1e-6,
    ),
  }),
}) as Schema<Observable>;

/**
 * An observable, checked and normalised.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseObservable(value: unknown, path = "observable"): Observable {
  return parseSpec(observableSchema, value, path);
}

/**
 * Statistics by name, checked and normalised; functions are let through.
 *
 * @throws {SpecError} with the path of the wrong field
 */
export function parseObservables(value: unknown, path = "observe"): Observables {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SpecError(path, value, "an object of observables by name, as in { risk: risk() }");
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      typeof one === "function" ? (one as LocalObservable) : parseObservable(one, `${path}.${key}`),
    ]),
  );
}

/** What is observed where nothing is said: the risk; of a fluctuation, the moments of its first coordinate. */
export function defaultObservables(process: Process): Observables {
  if (process.kind !== "fluctuations") return { risk: risk() };
  const [name] = coordinateNames({ kind: "fluctuation", coordinates: "theta" }, process.problem);
  return { [name!]: moments(name!) };
}

/** Whether an observable is a function, which cannot leave this thread. */
export function isLocal(observable: Observable | LocalObservable): observable is LocalObservable {
  return typeof observable === "function";
}

/** Evaluates one observable of a measure. */
export async function evaluate(
  observable: Observable | LocalObservable,
  measure: Measure,
  context: {
    problem: Problem;
    engine: Engine;
    time: number;
    degree: number | null;
    temperature?: number | undefined;
  },
): Promise<Row> {
  const { problem, engine, time, degree } = context;
  if (isLocal(observable)) {
    const value = observable(measure, { problem, time });
    if (typeof value === "number") return { shape: [], values: Float64Array.of(value) };
    const values = Float64Array.from(value);
    return { shape: [values.length], values };
  }
  switch (observable.kind) {
    case "risk":
      return found(riskOf(measure, problem, engine, { ...observable, degree }));
    case "accuracy": {
      const { accuracyOf } = await import("../measure/accuracy");
      return found(accuracyOf(measure, testProblem(problem, observable), engine, observable));
    }
    case "moments":
      if (measure.kind === "fluctuation") {
        const { fluctuationMoments } = await import("../measure/pairing");
        return row(fluctuationMoments(measure, observable.coordinate, observable.order, problem));
      }
      return row(momentsOf(coordinate(measure, observable.coordinate, problem), observable.order));
    case "quantiles":
      return row(quantilesOf(coordinate(measure, observable.coordinate, problem), observable.levels));
    case "histogram": {
      const { histogram: histogramOf } = await import("../measure/density");
      return row(histogramOf(coordinate(measure, observable.coordinate, problem), { edges: observable.edges }).masses);
    }
    case "density": {
      const { densityEstimate } = await import("../measure/density");
      const law = coordinate(measure, observable.coordinate, problem);
      const options = { reflect: isRadius(observable.coordinate) };
      const { bandwidth } = observable;
      return row(densityEstimate(law, observable.points, bandwidth === null ? options : { ...options, bandwidth }));
    }
    case "predictions": {
      const { values, method } = predictionsOf(measure, problem, engine, observable.x);
      const K = outputsOf(problem.unit);
      return { shape: K === 1 ? [values.length] : [values.length / K, K], values, method };
    }
    case "parameters":
      return parametersOf(measure, observable.rows);
    case "freeEnergy":
      return scalar((await freeEnergyOf(measure, problem, temperatureOf(observable, context))).value);
    case "dissipation":
      return scalar(await dissipationOf(measure, problem, temperatureOf(observable, context)));
    case "entropy":
      return scalar(await entropyOf(measure));
    case "sharpness": {
      const { sharpness: find } = await import("../landscape/sharpness");
      const { value, converged } = await withPauses(find(problem, measure, engine, observable));
      return { ...scalar(value), method: converged ? "lanczos" : "lanczos, not converged" };
    }
  }
}

/** The problem that an accuracy is one of: with the law that it names, where it names one. */
export function testProblem(problem: Problem, { law }: { law?: Law }): Problem {
  return law ? { ...problem, law } : problem;
}

function parametersOf(measure: Measure, rows: readonly number[]): Row {
  if (measure.kind !== "particles") throw new SpecError("measure.kind", measure.kind, "particles, which have numbers");
  const [n, D] = measure.shape;
  const values = new Float64Array(rows.length * D);
  rows.forEach((row, i) => {
    if (row >= n) throw new SpecError(`parameters.rows[${i}]`, row, `the number of a particle, 0 to ${n - 1}`);
    values.set(measure.values.subarray(row * D, (row + 1) * D), i * D);
  });
  return { shape: [rows.length, D], values };
}

function temperatureOf(
  observable: { kind: string; temperature: number | null },
  context: { temperature?: number | undefined },
): number {
  const temperature = observable.temperature ?? context.temperature;
  if (temperature !== undefined) return temperature;
  throw new SpecError(`${observable.kind}.temperature`, null, "a temperature τ, as the process has none");
}

function found({ value, standardError, method }: Risk | Accuracy): Row {
  return { ...scalar(value), ...(standardError !== null && { standardError: Float64Array.of(standardError) }), method };
}

function scalar(value: number): Row {
  return { shape: [], values: Float64Array.of(value) };
}

function row(values: Float64Array): Row {
  return { shape: [values.length], values };
}

/** Evaluates all observables of a measure. */
export async function observe(
  observables: Observables,
  measure: Measure,
  simulation: { process: Process; engine: Engine; time: number },
): Promise<Record<string, Row>> {
  const { process, engine, time } = simulation;
  // a flow's risk is read with the series that the flow itself was run with
  const degree = process.kind === "radialFlow" ? process.degree : null;
  const temperature = "temperature" in process ? process.temperature : undefined;
  const context = { problem: process.problem, engine, time, degree, temperature };
  const rows: Record<string, Row> = {};
  for (const key of Object.keys(observables)) rows[key] = await evaluate(observables[key]!, measure, context);
  return rows;
}

/** Puts the rows of all times together, observable by observable. */
export function collect(observables: Observables, rows: readonly Record<string, Row>[]): Record<string, Observed> {
  return Object.fromEntries(
    Object.keys(observables).map((key) => {
      const all = rows.map((one) => one[key]!);
      const first = all[0];
      const method = [...new Set(all.map((one) => one.method).filter((one) => one !== undefined))].join(", ");
      const asked = observables[key]!;
      const observed: Observed = {
        ...(isLocal(asked) ? {} : { observable: asked }),
        shape: [all.length, ...(first?.shape ?? [])],
        values: concatenate(all.map((one) => one.values)),
      };
      if (first?.standardError) observed.standardError = concatenate(all.map((one) => one.standardError!));
      if (method) observed.method = method;
      return [key, observed];
    }),
  );
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A row as plain JSON. */
export function rowToJson(value: Row): unknown {
  const { shape, values, standardError, method } = value;
  return {
    shape,
    values: numbersToJson(values),
    ...(standardError ? { standardError: numbersToJson(standardError) } : {}),
    ...(method === undefined ? {} : { method }),
  };
}

/** A row from plain JSON. */
export function rowFromJson(value: unknown): Row {
  const { shape, values, standardError, method } = value as Record<string, unknown>;
  return {
    shape: shape as number[],
    values: readNumbers(values, "values"),
    ...(standardError === undefined ? {} : { standardError: readNumbers(standardError, "standardError") }),
    ...(method === undefined ? {} : { method: method as string }),
  };
}
