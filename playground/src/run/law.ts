// The histogram of a coordinate of the network, and the limit's density over it.

import { coordinate, type Marginal, type Measure, type Problem, SpecError } from "meanfield";
import type { LawPicture } from "./protocol";
import type { Range, Ranges } from "./ranges";

/** Bars of the histogram. */
const BARS = 72;

/** Whether a coordinate is a radius, which is not negative. */
export function isRadius(name: string): boolean {
  return /^r[12]?$/.test(name);
}

/** How a picture calls a coordinate: where all of the space is signal, r1 = |Pw| is |w|. */
export function shownName(name: string, { law }: Problem): string {
  return name === "r1" && !hasTwoRadii(law) ? "r" : name;
}

function hasTwoRadii(law: Problem["law"]): boolean {
  return law.kind === "anisotropicGaussians" && law.signal !== (law.dimension === "infinite" ? 1 : law.dimension);
}

/** Names of a network's coordinates, the most telling first, with at most a dozen of the weights. */
export function coordinateNames(measure: Measure, problem: Problem): string[] {
  const { law, unit } = problem;
  const outer =
    unit.kind === "ridge"
      ? []
      : [...(unit.outputs === 1 ? ["a"] : Array.from({ length: unit.outputs }, (_, k) => `a${k}`)), "b"];
  const twoRadii = hasTwoRadii(law);
  if (measure.coordinates === "radial") return [...(twoRadii ? ["r1", "r2"] : ["r1"]), ...outer, "r"];
  const d =
    measure.kind === "grid" ? measure.edges.length : measure.kind === "particles" ? measure.shape[1] - outer.length : 0;
  const weights = Array.from({ length: Math.min(d, 12) }, (_, j) => `w${j}`);
  if (measure.kind === "grid") return weights;
  if (law.kind === "anisotropicGaussians") {
    return twoRadii ? ["r1", "r2", ...outer, ...weights, "r"] : ["r1", ...outer, ...weights];
  }
  // of few inputs the weights themselves say more than their length
  return d <= 3 ? [...weights.slice(0, 2), ...outer, ...weights.slice(2), "r"] : ["r", ...outer, ...weights];
}

/**
 * The picture of one coordinate.
 *
 * @param limit  null without one
 */
export function lawPicture(
  name: string,
  network: { measure: Measure; problem: Problem },
  limit: Marginal | null,
  ranges: Ranges,
): LawPicture {
  const own = coordinate(network.measure, name, network.problem);
  const [low, high] = extentOf(own);
  const [least, most] = limit ? extentOf(limit) : [low, high];
  const range = ranges.of(name, Math.min(low, least), Math.max(high, most), isRadius(name));
  return {
    name: shownName(name, network.problem),
    ...range,
    network: Float32Array.from(masses(own, range, BARS, false), (mass) => (mass * BARS) / (range.to - range.from)),
    limit:
      limit && Float32Array.from(masses(limit, range, BARS, true), (mass) => (mass * BARS) / (range.to - range.from)),
  };
}

/** A coordinate of the limit; null where it has no such coordinate. */
export function limitMarginal(limit: { measure: Measure; problem: Problem } | null, name: string): Marginal | null {
  if (!limit) return null;
  try {
    return coordinate(limit.measure, name, limit.problem);
  } catch (error) {
    if (error instanceof SpecError) return null;
    throw error;
  }
}

/** Least and largest value of a law, but for what has next to no mass. */
export function extentOf(law: Marginal): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  if (law.kind === "grid") {
    law.masses.forEach((mass, i) => {
      if (mass < 1e-6) return;
      least = Math.min(least, law.edges[i]!);
      most = Math.max(most, law.edges[i + 1]!);
    });
  } else {
    law.values.forEach((value, i) => {
      if (law.weights && law.weights[i]! < 1e-6) return;
      if (value < least) least = value;
      if (value > most) most = value;
    });
  }
  return least <= most ? [least, most] : [0, 1];
}

/**
 * Masses of equal cells over a range; what lies beyond is in the outermost ones.
 *
 * @param smooth  particles stand for a density: weighted ones spread to their neighbours, others are smoothed a little
 */
export function masses(law: Marginal, { from, to }: Range, cells: number, smooth: boolean): Float64Array {
  const out = new Float64Array(cells);
  const scale = cells / (to - from);
  const cellOf = (x: number) => Math.min(cells - 1, Math.max(0, Math.floor((x - from) * scale)));
  // mass spread evenly from a to b
  const spread = (a: number, b: number, mass: number) => {
    const [first, last] = [cellOf(a), cellOf(b)];
    if (first === last || !(b > a)) {
      out[first]! += mass;
      return;
    }
    const [left, right] = [Math.max(a, from), Math.min(b, to)];
    const density = mass / (right - left);
    for (let i = first; i <= last; i++) {
      const edge = from + i / scale;
      out[i]! += density * (Math.min(right, edge + 1 / scale) - Math.max(left, edge));
    }
  };
  if (law.kind === "grid") {
    law.masses.forEach((mass, i) => void spread(law.edges[i]!, law.edges[i + 1]!, mass));
    return out;
  }
  const { values, weights } = law;
  const n = values.length;
  if (!smooth || weights === null) {
    for (let i = 0; i < n; i++) out[cellOf(values[i]!)]! += weights ? weights[i]! : 1 / n;
    return smooth ? smoothed(out, 3) : out;
  }
  // a quadrature of the law: each point has the mass from half-way to the one before up to half-way to the next
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  for (let k = 0; k < n; k++) {
    const x = values[order[k]!]!;
    const before = k > 0 ? values[order[k - 1]!]! : x;
    const after = k + 1 < n ? values[order[k + 1]!]! : x;
    spread((before + x) / 2, (x + after) / 2, weights[order[k]!]!);
  }
  return smoothed(out, 1);
}

// Means over neighbours, ¼ ½ ¼, a number of times; walls give back what would leave.
function smoothed(masses: Float64Array, times: number): Float64Array {
  let from = masses;
  for (let k = 0; k < times; k++) {
    const last = from.length - 1;
    from = from.map(
      (mass, i, all) => 0.25 * all[Math.max(0, i - 1)]! + 0.5 * mass + 0.25 * all[Math.min(last, i + 1)]!,
    );
  }
  return from;
}
