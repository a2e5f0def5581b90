// Measures: what every process yields. Particles or a grid, and their one-dimensional marginals.

import { SpecError } from "../engine/errors";
import { type AnisotropicGaussians, lawDimension, rotationMatrix } from "../model/law";
import { type Problem, radialAxes } from "../model/problem";
import { outerNames, parameterDimension, weightOffset } from "../model/unit";

/**
 * A law of parameters as N weighted points. In coordinates "theta" a row is w (ridge) or (a_1 … a_K, b, w) (affine); in
 * coordinates "radial" it is (r1, r2), with a and b before them for affine units, and without r2 where the signal space is
 * the whole space.
 */
export interface Particles {
  kind: "particles";
  coordinates: "theta" | "radial";
  /** [N, D] */
  shape: [number, number];
  /** row-major */
  values: Float64Array;
  /** [N], sum 1; null means equal ones */
  weights: Float64Array | null;
  /** [K], the output bias c of f = c + ∫ σ* dρ; null where the unit has none */
  outputBias: Float64Array | null;
}

/** A law of the radii, or of one or two parameters themselves, as masses of cells, spread evenly in each. */
export interface Grid {
  kind: "grid";
  coordinates: "radial" | "theta";
  /** edges of the cells, one array a coordinate */
  edges: Float64Array[];
  /** masses of the cells, row-major, sum 1 */
  masses: Float64Array;
}

/** A law of parameters. */
export type LawMeasure = Particles | Grid;

/**
 * A signed fluctuation of a law, η = Σ ω_i δ_{θ_i} − Σ w_i b_i·∇δ_{θ_i}, with w the weights of the base; of mean 0 in what it does to a
 * constant, but for points that were added. See src/measure/fluctuation.ts.
 */
export interface Fluctuation {
  kind: "fluctuation";
  coordinates: "theta";
  /** the law it is about, M points; those of weight 0 carry weights ω alone */
  base: Particles;
  /** [M], ω, of any sign */
  weights: Float64Array;
  /** [M, D], b */
  displacements: Float64Array;
  /** [K], fluctuation of the output bias; null where the unit has none */
  outputBias: Float64Array | null;
}

/** What a process yields: a law of parameters, or the fluctuation of one. */
export type Measure = LawMeasure | Fluctuation;

/** A law on the line: weighted points, or cells with their mass spread evenly. */
export type Marginal =
  | { kind: "particles"; values: Float64Array; weights: Float64Array | null }
  | { kind: "grid"; edges: Float64Array; masses: Float64Array };

/**
 * A law of parameters as weighted points; the arrays are kept, not copied.
 *
 * @param parts  coordinates; shape: [N, D]; values: N·D numbers, row-major; weights: N non-negative numbers, divided by
 *               their sum unless it is 1 (default: equal); outputBias: [K] (default: none)
 * @throws {SpecError} with the path of the wrong part
 */
export function particles(parts: {
  coordinates: "theta" | "radial";
  shape: readonly [number, number];
  values: Float64Array;
  weights?: Float64Array | null;
  outputBias?: Float64Array | null;
}): Particles {
  const { coordinates, shape, values, weights = null, outputBias = null } = parts;
  if (coordinates !== "theta" && coordinates !== "radial") {
    throw new SpecError("measure.coordinates", coordinates, '"theta" or "radial"');
  }
  const [n, width] = shape;
  if (!(Number.isInteger(n) && n > 0 && Number.isInteger(width) && width > 0)) {
    throw new SpecError("measure.shape", shape, "[N, D], positive integers");
  }
  requireFinite(values, n * width, "measure.values");
  if (outputBias !== null) requireFinite(outputBias, outputBias?.length ?? 1, "measure.outputBias");
  return {
    kind: "particles",
    coordinates,
    shape: [n, width],
    values,
    weights: weights && masses(weights, n, "weights"),
    outputBias,
  };
}

/**
 * A law of one or two coordinates as masses of cells; the arrays are kept, not copied.
 *
 * @param parts  coordinates: "radial" (default) or "theta"; edges: one ascending array a coordinate, from 0 or above for
 *               radii; masses: of the cells, row-major, non-negative, divided by their sum unless it is 1
 * @throws {SpecError} with the path of the wrong part
 */
export function grid(parts: {
  coordinates?: "radial" | "theta";
  edges: readonly Float64Array[];
  masses: Float64Array;
}): Grid {
  const { coordinates = "radial" } = parts;
  if (coordinates !== "theta" && coordinates !== "radial") {
    throw new SpecError("measure.coordinates", coordinates, '"theta" or "radial"');
  }
  const edges = [...parts.edges];
  if (edges.length < 1 || edges.length > 2)
    throw new SpecError("measure.edges", edges, "one array a coordinate, one or two");
  edges.forEach((axis, i) => {
    requireFinite(axis, Math.max(2, axis.length), `measure.edges[${i}]`);
    const bad = axis.findIndex((edge, j) => (j === 0 ? coordinates === "radial" && edge < 0 : edge <= axis[j - 1]!));
    const expected = coordinates === "radial" ? "ascending edges from 0 or above" : "ascending edges";
    if (bad >= 0) throw new SpecError(`measure.edges[${i}][${bad}]`, axis[bad], expected);
  });
  const cells = edges.reduce((product, axis) => product * (axis.length - 1), 1);
  return { kind: "grid", coordinates, edges, masses: masses(parts.masses, cells, "masses") };
}

/**
 * A grid in coordinates "theta" as weighted particles at the middles of its cells; particles as they are.
 *
 * @param measure  the measure
 */
export function asParticles(measure: Measure): Particles {
  const law = lawOf(measure);
  if (law.kind === "particles") return law;
  const { coordinates, edges, masses } = law;
  const middles = edges.map((axis) => axis.subarray(1).map((edge, i) => (edge + axis[i]!) / 2));
  const columns = middles.length === 1 ? 1 : middles[1]!.length;
  const values = new Float64Array(masses.length * middles.length);
  masses.forEach((_, cell) => {
    if (middles.length === 1) values[cell] = middles[0]![cell]!;
    else {
      values[2 * cell] = middles[0]![Math.floor(cell / columns)]!;
      values[2 * cell + 1] = middles[1]![cell % columns]!;
    }
  });
  return particles({ coordinates, shape: [masses.length, middles.length], values, weights: masses });
}

/**
 * A measure as a law.
 *
 * @throws {SpecError} where it is the fluctuation of one
 */
export function lawOf(measure: Measure): LawMeasure {
  if (measure.kind !== "fluctuation") return measure;
  throw new SpecError(
    "measure.kind",
    "fluctuation",
    "a law of parameters",
    "Of a fluctuation there are predictions, moments and negativeSobolev; its base is a law.",
  );
}

/**
 * Law of one stored coordinate.
 *
 * @param measure  the measure
 * @param column   0, 1, …, in the order of a row, or of the axes of a grid
 */
export function marginal(measure: Measure, column: number): Marginal {
  const law = lawOf(measure);
  if (law.kind === "particles") return sample(law, (row) => row[column]!);
  const { edges, masses } = law;
  const columns = edges.length === 1 ? 1 : edges[1]!.length - 1;
  const sums = new Float64Array(edges[column]!.length - 1);
  masses.forEach((mass, cell) => {
    sums[column === 0 ? Math.floor(cell / columns) : cell % columns]! += mass;
  });
  return { kind: "grid", edges: edges[column]!, masses: sums };
}

/**
 * Names of the coordinates that a measure of a problem's parameters has, in the order of a row (or of the axes).
 *
 * @param measure  the measure
 * @param problem  what it solves
 */
export function coordinateNames(measure: MeasureForm, problem: Problem): string[] {
  const outer = outerNames(problem.unit);
  if (measure.coordinates === "theta") {
    const d = lawDimension(problem.law);
    return [...outer, ...Array.from({ length: d }, (_, j) => `w${j}`)];
  }
  return [...outer, ...["r1", "r2"].slice(0, radialAxes(problem.law))];
}

/**
 * Whether a coordinate is a radius, so that its law lives on [0, ∞).
 *
 * @param name  of the coordinate
 */
export function isRadius(name: string): boolean {
  return name === "r" || name === "r1" || name === "r2";
}

/**
 * Law of one coordinate: a stored one ("a", "b", "w0" …, "r1", "r2"), or one of the radii of w, r1 = |P w| on the signal
 * space, r2 = |(I − P) w| beside it, r = |w|.
 *
 * On a grid of two radii the law of r is exact in its second radius and takes four points a cell in the first.
 *
 * @param anything  the measure
 * @param name      of the coordinate
 * @param problem   what the measure solves
 * @param path      where the name stands, for the error
 * @throws {SpecError} when the measure has no such coordinate
 */
export function coordinate(anything: Measure, name: string, problem: Problem, path = "coordinate"): Marginal {
  const measure = lawOf(anything);
  const names = coordinateNames(measure, problem);
  const width = measure.kind === "grid" ? measure.edges.length : measure.shape[1];
  if (width !== names.length) {
    throw new SpecError(
      "measure.shape",
      width,
      `${names.length} coordinates (${shortened(names)}), as the problem says`,
    );
  }
  const column = names.indexOf(name);
  if (column >= 0) return marginal(measure, column);
  if (measure.kind === "grid") {
    if (name === "r" && measure.coordinates === "radial") return width === 1 ? marginal(measure, 0) : gridNorm(measure);
  } else {
    if (measure.coordinates === "radial" && name === "r") {
      const first = weightOffset(problem.unit);
      return sample(measure, (row) => norm(row, first, width));
    }
    if (isRadius(name) && !(name === "r2" && radialAxes(problem.law) === 1)) return thetaRadius(measure, name, problem);
  }
  throw missingCoordinate(measure, name, problem, path);
}

/** What a measure is, without its numbers. */
export type MeasureForm = Pick<Measure, "kind" | "coordinates">;

/**
 * Checks that measures of a form have a coordinate that `coordinate` gives.
 *
 * @param form     kind and coordinates of the measures
 * @param name     of the coordinate
 * @param problem  what they solve
 * @param path     where the name stands, for the error
 * @throws {SpecError} where they have not
 */
export function checkCoordinate(form: MeasureForm, name: string, problem: Problem, path = "coordinate"): void {
  const known = coordinateNames(form, problem).includes(name) || addedRadii(form, problem).includes(name);
  if (!known) throw missingCoordinate(form, name, problem, path);
}

function missingCoordinate(form: MeasureForm, name: string, problem: Problem, path: string): SpecError {
  const names = [shortened(coordinateNames(form, problem)), ...addedRadii(form, problem)];
  return new SpecError(path, name, `one of the coordinates ${names.join(", ")}`);
}

// Radii that are computed from the coordinates a measure has.
function addedRadii({ kind, coordinates }: MeasureForm, problem: Problem): string[] {
  if (coordinates === "radial") return ["r"];
  return kind !== "particles" ? [] : ["r1", "r2", "r"].filter((one) => radiusExists(one, problem));
}

/**
 * The same law in radial coordinates; a measure that has them already is returned as it is.
 *
 * @param measure  the measure
 * @param problem  what it solves; its input dimension is finite when the measure is in coordinates "theta"
 */
export function toRadial<M extends Measure>(measure: M, problem: Problem): M;
export function toRadial(anything: Measure, problem: Problem): Measure {
  const measure = lawOf(anything);
  if (measure.coordinates === "radial") return measure;
  if (measure.kind === "grid")
    throw new SpecError("measure.kind", "grid", "particles, to be put in radial coordinates");
  const outer = outerNames(problem.unit);
  const names = [...outer, ...["r1", "r2"].slice(0, radialAxes(problem.law))];
  const columns = names.map((name) => coordinate(measure, name, problem) as { values: Float64Array });
  const n = measure.shape[0];
  const values = new Float64Array(n * names.length);
  columns.forEach((column, j) => {
    for (let i = 0; i < n; i++) values[i * names.length + j] = column.values[i]!;
  });
  return particles({ coordinates: "radial", shape: [n, names.length], values, weights: measure.weights });
}

function radiusExists(name: string, problem: Problem): boolean {
  return name !== "r2" || radialAxes(problem.law) === 2;
}

function shortened(names: readonly string[]): string {
  return names.length <= 8 ? names.join(", ") : `${names.slice(0, 4).join(", ")}, …, ${names[names.length - 1]}`;
}

function sample(measure: Particles, pick: (row: Float64Array) => number): Marginal {
  const [n, width] = measure.shape;
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = pick(measure.values.subarray(i * width, (i + 1) * width));
  return { kind: "particles", values, weights: measure.weights };
}

function norm(row: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let j = from; j < to; j++) sum += row[j]! * row[j]!;
  return Math.sqrt(sum);
}

function thetaRadius(measure: Particles, name: string, { law, unit }: Problem): Marginal {
  const d = lawDimension(law);
  const offset = weightOffset(unit);
  const all = parameterDimension(unit, d);
  if (law.kind !== "anisotropicGaussians" || name === "r" || law.signal === d) {
    return sample(measure, (row) => norm(row, offset, all));
  }
  const [from, to] = name === "r1" ? [0, law.signal] : [law.signal, d];
  if (law.rotation === "identity") return sample(measure, (row) => norm(row, offset + from, offset + to));
  // Columns from … to of Q span the space.
  const q = rotationOf(law, d, law.rotation.seed);
  const projected = new Float64Array(to - from);
  return sample(measure, (row) => {
    projected.fill(0);
    for (let i = 0; i < d; i++) {
      const w = row[offset + i]!;
      for (let k = from; k < to; k++) projected[k - from]! += w * q[i * d + k]!;
    }
    return norm(projected, 0, projected.length);
  });
}

const rotations = new WeakMap<AnisotropicGaussians, Float64Array>();

function rotationOf(law: AnisotropicGaussians, d: number, seed: number): Float64Array {
  const known = rotations.get(law) ?? rotationMatrix(d, seed);
  rotations.set(law, known);
  return known;
}

// Law of √(r1² + r2²) on edges as fine as the finest cell: r1 at four midpoints of a cell, r2 uniform in it.
function gridNorm({ edges, masses }: Grid): Marginal {
  const [first, second] = edges as [Float64Array, Float64Array];
  const longest = length(first[first.length - 1]!, second[second.length - 1]!);
  const cells = Math.ceil(longest / Math.min(narrowest(first), narrowest(second)));
  const step = longest / cells;
  const result = new Float64Array(cells);
  for (let i = 0; i + 1 < first.length; i++) {
    for (let point = 0.125; point < 1; point += 0.25) {
      const r1 = first[i]! + point * (first[i + 1]! - first[i]!);
      for (let j = 0; j + 1 < second.length; j++) {
        const mass = masses[i * (second.length - 1) + j]! / 4;
        const from = second[j]!;
        const to = second[j + 1]!;
        let reached = from;
        for (let k = Math.min(cells - 1, Math.floor(length(r1, from) / step)); reached < to; k++) {
          const outer = (k + 1) * step;
          const end = k === cells - 1 ? to : Math.min(to, Math.sqrt(Math.max(0, outer * outer - r1 * r1)));
          if (end > reached) {
            result[k]! += (mass * (end - reached)) / (to - from);
            reached = end;
          }
        }
      }
    }
  }
  return { kind: "grid", edges: Float64Array.from({ length: cells + 1 }, (_, k) => k * step), masses: result };
}

function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

function narrowest(edges: Float64Array): number {
  let width = Number.POSITIVE_INFINITY;
  for (let i = 1; i < edges.length; i++) width = Math.min(width, edges[i]! - edges[i - 1]!);
  return width;
}

function requireFinite(values: unknown, length: number, path: string): void {
  if (!(values instanceof Float64Array) || values.length !== length) {
    throw new SpecError(path, values, `a Float64Array of length ${length}`);
  }
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new SpecError(`${path}[${bad}]`, values[bad], "a finite number");
}

function masses(values: Float64Array, length: number, name: string): Float64Array {
  requireFinite(values, length, `measure.${name}`);
  const bad = values.findIndex((mass) => mass < 0);
  if (bad >= 0) throw new SpecError(`measure.${name}[${bad}]`, values[bad], "a non-negative number");
  const sum = values.reduce((total, mass) => total + mass, 0);
  if (sum <= 0) throw new SpecError(`measure.${name}`, values, "masses of which at least one is positive");
  return Math.abs(sum - 1) < 1e-9 ? values : values.map((mass) => mass / sum);
}
