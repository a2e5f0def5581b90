// Whether a process has what is asked of it, told before it is run.

import { SpecError } from "../engine/errors";
import { checkAccuracy, RADIAL } from "../measure/classes";
import { checkCoordinate, type MeasureForm } from "../measure/measure";
import { checkLabels } from "../model/labels";
import { isInfinite, type Law, lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import type { Process } from "../process/schema";
import { isLocal, type Observable, type Observables } from "./observables";

/**
 * Checks that statistics are such as the measures of a process have.
 *
 * @param observables  by name
 * @param process      normalised
 * @param path         where the observables stand
 * @throws {SpecError} with the path of the field that asks for what is not there
 */
export function checkObservables(observables: Observables, process: Process, path = "observe"): void {
  for (const [name, one] of Object.entries(observables)) if (!isLocal(one)) check(one, process, `${path}.${name}`);
}

function check(observable: Observable, process: Process, path: string): void {
  const { problem } = process;
  const { law, loss } = problem;
  if (process.kind === "fluctuations" && observable.kind !== "moments" && observable.kind !== "predictions") {
    throw new SpecError(`${path}.kind`, observable.kind, '"predictions" or "moments", which a fluctuation has');
  }
  switch (observable.kind) {
    case "moments":
    case "quantiles":
    case "histogram":
    case "density":
      checkCoordinate(formOf(process), observable.coordinate, problem, `${path}.coordinate`);
      return;
    case "predictions": {
      const { shape } = observable.x;
      if (isInfinite(law)) throw new SpecError(`${path}.x`, shape, "nothing, as inputs of infinite dimension are none");
      const d = lawDimension(law);
      if (shape[1] === d) return;
      throw new SpecError(`${path}.x`, shape, `inputs of shape [n, ${d}], as the law's dimension is ${d}`);
    }
    case "risk": {
      const { method } = observable;
      if (method === "sample" && isInfinite(law)) {
        throw new SpecError(`${path}.method`, method, '"auto" or "series", as the dimension is infinite');
      }
      if (method === "series" && law.kind === "dataset") {
        throw new SpecError(`${path}.method`, method, '"auto" or "sample", as the law is finite');
      }
      if (method === "series" && loss !== "squared") {
        throw new SpecError(`${path}.method`, method, `"auto" or "sample", as the loss is "${loss}"`);
      }
      return;
    }
    case "accuracy":
      checkClasses(process.problem, observable.law, path);
      if (process.kind === "radialFlow") {
        throw new SpecError(`${path}.kind`, "accuracy", "a statistic of the radii", RADIAL);
      }
      return;
    case "parameters": {
      const count = particlesOf(process);
      observable.rows.forEach((row, i) => {
        if (row < count) return;
        const expected = count > 0 ? `the number of a particle, 0 to ${count - 1}` : "a statistic that a grid has";
        throw new SpecError(`${path}.rows[${i}]`, row, expected);
      });
      return;
    }
    case "sharpness": {
      if (law.kind !== "dataset") {
        const remedy = "quadrature(law, { points }) makes the law finite.";
        throw new SpecError(`${path}.kind`, "sharpness", "a statistic of a law that is sampled", remedy);
      }
      const { kind, coordinates } = formOf(process);
      if (kind !== "particles" || coordinates !== "theta") {
        throw new SpecError(`${path}.kind`, "sharpness", `a statistic of ${kind}, as ${process.kind} has no network`);
      }
      if (problem.confinement?.kind !== "function") return;
      const remedy = "separable(tabulate(fn, { from, to, points })) has one.";
      const what = "a statistic that needs no second derivative of the potential";
      throw new SpecError(`${path}.kind`, "sharpness", what, remedy);
    }
    case "freeEnergy":
    case "dissipation":
    case "entropy":
      if (process.kind === "fokkerPlanck") return;
      throw new SpecError(
        `${path}.kind`,
        observable.kind,
        `a statistic of particles or of radii, as ${process.kind} has no density of the parameters`,
        "fokkerPlanck has one.",
      );
  }
}

// The field that is wrong is the observable, as the problem may be meant.
function checkClasses(problem: Problem, law: Law | undefined, path: string): void {
  if (law) {
    const d = isInfinite(problem.law) ? Infinity : lawDimension(problem.law);
    const found = isInfinite(law) ? Infinity : lawDimension(law);
    if (found !== d) throw new SpecError(`${path}.law`, found, `inputs of length ${d}, as the problem's law has`);
    try {
      checkLabels({ ...problem, law });
      checkAccuracy({ ...problem, law });
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      // the unit and the loss are the problem's; what does not fit is the law
      const field = error.path.replace(/^problem\./, "");
      throw new SpecError(
        `${path}.${field.startsWith("law") ? field : "law"}`,
        error.found,
        error.expected,
        error.remedy,
      );
    }
    return;
  }
  try {
    checkAccuracy(problem);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    throw new SpecError(`${path}.kind`, "accuracy", "a statistic of a problem without classes", error.message);
  }
}

// Particles that a process has, as far as its specification tells; 0 for a grid.
function particlesOf(process: Process): number {
  if (process.kind === "modifiedFlow") return process.neurons + (process.carried?.shape[0] ?? 0);
  if (process.kind === "fluctuations") return 0;
  if ("neurons" in process) return process.neurons;
  return process.kind === "radialFlow" && process.method === "characteristics" ? Infinity : 0;
}

function formOf(process: Process): MeasureForm {
  switch (process.kind) {
    case "radialFlow":
      return { kind: process.method === "grid" ? "grid" : "particles", coordinates: "radial" };
    case "fokkerPlanck":
    case "smfeGrid":
      return { kind: "grid", coordinates: "theta" };
    case "fluctuations":
      return { kind: "fluctuation", coordinates: "theta" };
    default:
      return { kind: "particles", coordinates: "theta" };
  }
}
