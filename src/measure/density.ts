// Densities of laws on the line: histograms and kernel estimates.

import { SpecError } from "../engine/errors";
import { normalCdf, normalPdf, pow } from "../engine/math";
import type { Marginal } from "./measure";
import { variance } from "./moments";
import { massBelow, massUpTo, quantileFunction, quantiles } from "./quantiles";

/** A histogram: masses of bins, and the same as a density. */
export interface Histogram {
  /** ascending, one more than there are bins */
  edges: Float64Array;
  /** of each bin [e_i, e_{i+1}), the last one closed */
  masses: Float64Array;
  /** masses over widths */
  density: Float64Array;
  /** mass that lies in no bin */
  outside: number;
}

/**
 * Masses of a law in bins; exact for a grid with its mass spread evenly in the cells.
 *
 * @param law      the law
 * @param options  edges: of the bins, ascending; or bins: a number of equal bins (40), between from and to (the extremes
 *                 of the law)
 * @throws {SpecError} with the path of the wrong option
 */
export function histogram(
  law: Marginal,
  options: { edges?: ArrayLike<number>; bins?: number; from?: number; to?: number } = {},
): Histogram {
  const f = quantileFunction(law);
  const edges = options.edges
    ? Float64Array.from(options.edges)
    : equalBins(f.lows[0]!, f.highs[f.highs.length - 1]!, options);
  const bad = edges.findIndex((edge, i) => !Number.isFinite(edge) || (i > 0 && edge <= edges[i - 1]!));
  if (edges.length < 2 || bad >= 0) throw new SpecError("edges", edges, "at least two finite, ascending edges");
  const bins = edges.length - 1;
  const below = Float64Array.from(edges, (edge, i) => (i === bins ? massUpTo(f, edge) : massBelow(f, edge)));
  const masses = Float64Array.from({ length: bins }, (_, i) => below[i + 1]! - below[i]!);
  return {
    edges,
    masses,
    density: masses.map((mass, i) => mass / (edges[i + 1]! - edges[i]!)),
    outside: Math.max(0, 1 - (below[bins]! - below[0]!)),
  };
}

/**
 * Gaussian kernel estimate of the density of a law; of a grid it is the exact convolution.
 *
 * @param law      the law
 * @param points   where the density is wanted
 * @param options  bandwidth: standard deviation of the kernel (default: `silvermanBandwidth`; 0, no smoothing, for a grid);
 *                 reflect: whether mass that would leave [0, ∞) is reflected at 0, as for radii (false)
 * @returns the density at each point
 * @throws {SpecError} when the bandwidth is not positive
 */
export function densityEstimate(
  law: Marginal,
  points: ArrayLike<number>,
  options: { bandwidth?: number; reflect?: boolean } = {},
): Float64Array {
  const { bandwidth = law.kind === "grid" ? 0 : silvermanBandwidth(law), reflect = false } = options;
  const isAllowed = law.kind === "grid" ? bandwidth >= 0 : bandwidth > 0;
  if (!isAllowed || !Number.isFinite(bandwidth)) {
    throw new SpecError("bandwidth", bandwidth, "a positive number", "Particles that all agree have no density.");
  }
  const at = law.kind === "grid" ? smoothedGrid(law, bandwidth) : smoothedSample(law, bandwidth);
  return Float64Array.from(points, (x) => {
    if (!reflect) return at(x);
    return x < 0 ? 0 : at(x) + (bandwidth > 0 ? at(-x) : 0);
  });
}

/**
 * Silverman's rule for the bandwidth of a Gaussian kernel, 0.9 min(s, IQR/1.34) n^{−1/5}, n = 1/Σ w² for weighted particles.
 *
 * @param law  particles on the line
 * @see Silverman, Density Estimation for Statistics and Data Analysis, 1986, eq. (3.31)
 */
export function silvermanBandwidth(law: Extract<Marginal, { kind: "particles" }>): number {
  const [low, high] = quantiles(law, [0.25, 0.75]) as unknown as [number, number];
  const deviation = Math.sqrt(variance(law));
  const spread = high > low ? Math.min(deviation, (high - low) / 1.34) : deviation;
  const size = law.weights === null ? law.values.length : 1 / law.weights.reduce((sum, w) => sum + w * w, 0);
  return 0.9 * spread * pow(size, -0.2);
}

function equalBins(least: number, most: number, options: { bins?: number; from?: number; to?: number }): Float64Array {
  const { bins = 40, from = least, to = most } = options;
  if (!Number.isInteger(bins) || bins < 1) throw new SpecError("bins", bins, "a positive integer");
  // A law at one point still gets bins, of width 1 over their number.
  const [start, end] =
    from === to && options.from === undefined && options.to === undefined ? [from - 0.5, to + 0.5] : [from, to];
  if (!(end > start)) throw new SpecError("to", end, `more than from = ${start}`);
  return Float64Array.from({ length: bins + 1 }, (_, i) => (i === bins ? end : start + (i * (end - start)) / bins));
}

// Beyond nine deviations the kernel is below 1e-18.
const REACH = 9;

function smoothedSample(
  { values, weights }: Extract<Marginal, { kind: "particles" }>,
  h: number,
): (x: number) => number {
  return (x) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      const z = (x - values[i]!) / h;
      if (Math.abs(z) < REACH) sum += normalPdf(z) * (weights === null ? 1 : weights[i]!);
    }
    return sum / (h * (weights === null ? values.length : 1));
  };
}

function smoothedGrid({ edges, masses }: Extract<Marginal, { kind: "grid" }>, h: number): (x: number) => number {
  const cells = masses.length;
  return (x) => {
    let sum = 0;
    for (let i = 0; i < cells; i++) {
      const lo = edges[i]!;
      const hi = edges[i + 1]!;
      if (h === 0) {
        if (x >= lo && (x < hi || (i === cells - 1 && x === hi))) return masses[i]! / (hi - lo);
      } else if (x - lo > -REACH * h && x - hi < REACH * h) {
        sum += (masses[i]! * (normalCdf((x - lo) / h) - normalCdf((x - hi) / h))) / (hi - lo);
      }
    }
    return sum;
  };
}
