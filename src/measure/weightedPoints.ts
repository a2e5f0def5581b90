// Measures as weighted points, checked: what distances between them are computed from.

import { SpecError } from "../engine/errors";
import { fluctuation } from "./fluctuation";
import { asParticles, type Fluctuation, grid, type Measure, type Particles, particles } from "./measure";

/** A law as weighted points. */
export interface WeightedPoints {
  coordinates: "theta" | "radial";
  count: number;
  dimension: number;
  /** [count, dimension], row-major */
  values: Float64Array;
  /** [count], positive or zero, sum 1 */
  weights: Float64Array;
}

/** Squares of larger coordinates would leave the range of doubles. */
const LARGEST = 1e150;

/**
 * A measure, checked anew, as it may have been made by hand.
 *
 * @param path  where it stands
 * @throws {SpecError} with the path of what is wrong
 */
export function checkedMeasure(measure: Measure, path: string): Measure {
  return renamed(path, () => {
    if (measure?.kind === "grid") return inRange(grid(measure));
    if (measure?.kind === "particles") return inRange(particles(measure));
    if (measure?.kind !== "fluctuation") {
      throw new SpecError("measure", measure, "a measure: particles, a grid or a fluctuation");
    }
    const base = checkedMeasure(measure.base, "measure.base") as Particles;
    return fluctuation({ ...(measure as Fluctuation), base });
  });
}

/**
 * A law as weighted points: particles as they are, cells of a grid at their middles.
 *
 * @param measure  a law, not a fluctuation
 * @param path     where it stands
 * @throws {SpecError} with the path of what is wrong
 */
export function pointsOf(measure: Measure, path: string): WeightedPoints {
  const checked = checkedMeasure(measure, path);
  const { coordinates, shape, values, weights } = renamed(path, () => asParticles(checked));
  const [count, dimension] = shape;
  if (!weights) return { coordinates, count, dimension, values, weights: new Float64Array(count).fill(1 / count) };
  const sum = weights.reduce((total, w) => total + w, 0);
  return { coordinates, count, dimension, values, weights: weights.map((w) => w / sum) };
}

/** The same law without the points of weight 0. */
export function supported(law: WeightedPoints): WeightedPoints {
  const { count, dimension, values, weights } = law;
  if (weights.every((w) => w > 0)) return law;
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) => weights[i]! > 0);
  return {
    ...law,
    count: kept.length,
    values: Float64Array.from({ length: kept.length * dimension }, (_, at) => {
      return values[kept[Math.floor(at / dimension)]! * dimension + (at % dimension)]!;
    }),
    weights: Float64Array.from(kept, (i) => weights[i]!),
  };
}

/** What two laws must share to be compared. */
export type Space = Pick<WeightedPoints, "coordinates" | "dimension">;

/**
 * Checks that two laws live in the same space.
 *
 * @param path  where the second one stands
 * @throws {SpecError} where their coordinates or their numbers of coordinates differ
 */
export function requireSameSpace(a: Space, b: Space, path: string): void {
  if (a.coordinates !== b.coordinates) {
    const remedy = 'toRadial gives the radii of particles in "theta".';
    throw new SpecError(`${path}.coordinates`, b.coordinates, `"${a.coordinates}", as the other has`, remedy);
  }
  if (a.dimension !== b.dimension) {
    throw new SpecError(
      `${path}.shape`,
      `${b.dimension} coordinates a point`,
      `${a.dimension} coordinates a point, as the other has`,
    );
  }
}

/** The points by columns, [dimension][count]: rows of one coordinate, which loops over points run along. */
export function columnsOf({ count, dimension, values }: WeightedPoints): Float64Array[] {
  return Array.from({ length: dimension }, (_, k) =>
    Float64Array.from({ length: count }, (_, i) => values[i * dimension + k]!),
  );
}

/** Errors of what is called with `measure…` paths, with the place where it stands. */
export function renamed<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SpecError) || !/^measure\b/.test(error.path)) throw error;
    throw new SpecError(path + error.path.slice("measure".length), error.found, error.expected, error.remedy);
  }
}

function inRange<M extends Measure>(measure: M): M {
  const arrays = measure.kind === "grid" ? measure.edges : measure.kind === "particles" ? [measure.values] : [];
  arrays.forEach((array, axis) => {
    const bad = array.findIndex((x) => Math.abs(x) > LARGEST);
    if (bad < 0) return;
    const name = measure.kind === "grid" ? `edges[${axis}]` : "values";
    throw new SpecError(`measure.${name}[${bad}]`, array[bad], `a number up to ${LARGEST} in size`);
  });
  return measure;
}
