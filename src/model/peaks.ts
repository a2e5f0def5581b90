// MATLAB's `peaks` cut into five classes: a balanced finite law of points in the square [−3, 3]².                   theory §12
//
//   z(x) = 3(1 − x_1)² e^{−x_1² − (x_2 + 1)²} − 10 (x_1/5 − x_1³ − x_2⁵) e^{−x_1² − x_2²} − ⅓ e^{−(x_1 + 1)² − x_2²}
//
//   class 0 … 4 by five equal ranges of z between its least and its largest value on the square
//
// The classes fill 2.81, 12.23, 72.38, 9.83 and 2.76 per cent of the square, so a point of a class takes 36 candidates at most, in the mean.
// Draws of point j of class c from (seed, PEAKS): candidates are pairs of uniforms at step c, in turn; a wrong label is the pair of
// uniforms 2j, 2j + 1 at step 5 + c.

import { PURPOSE_PEAKS } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { exp } from "../engine/math";
import { stream } from "../random/stream";
import { type Dataset, dataset } from "./law";
import { array, integer, number, object, optional, parseSpec, refined, seed } from "./spec";
import { type TensorLike, tensor } from "./tensor";

/** Number of classes. */
export const PEAKS_CLASSES = 5;

/** Ends of z on the square, at (0.2282789205563691, −1.6255349574999965) and (−0.0093175819599541, 1.5813679629389998). */
const LEAST = -6.551133332835837;
const MOST = 8.106213589442337;

/** Half a side of the square. */
const HALF = 3;

/** z(x) of MATLAB's peaks. */
export function peaksValue(x1: number, x2: number): number {
  const [s, t] = [x1 * x1, x2 * x2];
  return (
    3 * (1 - x1) * (1 - x1) * exp(-s - (x2 + 1) * (x2 + 1)) -
    10 * (x1 / 5 - x1 * s - x2 * t * t) * exp(-s - t) -
    exp(-(x1 + 1) * (x1 + 1) - t) / 3
  );
}

/** Class of x, 0 … 4; beyond the square that of z all the same. */
export function peaksClass(x1: number, x2: number): number {
  const share = (peaksValue(x1, x2) - LEAST) / (MOST - LEAST);
  return Math.min(PEAKS_CLASSES - 1, Math.max(0, Math.floor(PEAKS_CLASSES * share)));
}

/** Which points of the peaks problem. */
export interface PeaksOptions {
  /** Points of each of the five classes. */
  perClass: number;
  /** Which points (0). */
  seed?: number;
  /** Probability that a point has the label of another class, any of the four (0). */
  labelNoise?: number;
}

/** See `peaks` of the library. */
export function peaks(options: PeaksOptions): Dataset {
  const { perClass, seed: key, labelNoise } = parseSpec(optionsSchema, options, "options");
  const draws = stream(key, { purpose: PURPOSE_PEAKS });
  const x = new Float64Array(2 * PEAKS_CLASSES * perClass);
  const y = new Float64Array(PEAKS_CLASSES * perClass);
  for (let c = 0; c < PEAKS_CLASSES; c++) {
    const noise = labelNoise > 0 ? draws.uniforms(2 * perClass, { step: PEAKS_CLASSES + c }) : null;
    const candidates = new Float64Array(512);
    for (let j = 0, at = candidates.length, from = 0; j < perClass; at += 2) {
      if (at === candidates.length) {
        draws.uniformsInto(candidates, { step: c, from });
        from += candidates.length;
        at = 0;
      }
      const [x1, x2] = [HALF * (2 * candidates[at]! - 1), HALF * (2 * candidates[at + 1]! - 1)];
      if (peaksClass(x1, x2) !== c) continue;
      const q = PEAKS_CLASSES * j + c;
      x.set([x1, x2], 2 * q);
      y[q] = noise && noise[2 * j]! < labelNoise ? other(c, noise[2 * j + 1]!) : c;
      j++;
    }
  }
  return dataset({ x: tensor(x, [y.length, 2]), y });
}

/** See `peaksAt` of the library. */
export function peaksAt(x: TensorLike): { values: Float64Array; classes: Float64Array } {
  const { data, shape } = parseSpec(pointsSchema, x, "x");
  const at = (of: (x1: number, x2: number) => number) =>
    Float64Array.from({ length: shape[0]! }, (_, q) => of(data[2 * q]!, data[2 * q + 1]!));
  return { values: at(peaksValue), classes: at(peaksClass) };
}

// one of the other classes, each as likely
function other(c: number, u: number): number {
  const k = Math.min(PEAKS_CLASSES - 2, Math.floor((PEAKS_CLASSES - 1) * u));
  return k < c ? k : k + 1;
}

const optionsSchema = object("options { perClass, seed, labelNoise }", {
  perClass: integer(1, 100_000),
  seed: optional(seed, 0),
  labelNoise: optional(
    number("a probability in [0, 1]", (p) => p >= 0 && p <= 1),
    0,
  ),
});

const pointsSchema = refined(array("points, [n, 2]", 2), (x) => {
  if (x.shape[1] !== 2) throw new SpecError("", x.shape, "points, [n, 2]");
  return x;
});
