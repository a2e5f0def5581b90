// What the figures of theory §12 share: the peaks problem for a two-layer network, and pictures of its regions.

import { relu } from "../../model/activation";
import type { Dataset } from "../../model/law";
import { peaks, peaksAt } from "../../model/peaks";
import type { ProblemInput } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import type { DecisionPicture } from "./picture";

/** Seeds of test points are these many further on. */
const TEST = 1_000_000;

/** The peaks data of a seed: training points, and fresh ones, balanced too, to test on. */
export interface PeaksData {
  train: Dataset;
  test: Dataset;
}

/** 120 training points and 2,000 test points of each class, unless told otherwise; label noise is in the training points alone. */
export function peaksData(
  seed: number,
  {
    perClass = 120,
    testPerClass = 2000,
    labelNoise = 0,
  }: { perClass?: number; testPerClass?: number; labelNoise?: number } = {},
): PeaksData {
  return {
    train: peaks({ perClass, seed, labelNoise }),
    test: peaks({ perClass: testPerClass, seed: seed + TEST }),
  };
}

/**
 * ReLU units with five outputs under cross-entropy. Their kinks ⟨w, x⟩ = −b are spread over the square: w, a ~ N(0, 1), b ~ N(0, 2²).
 *
 * @param law   training points
 * @param unit  outputBias: as in `affine` (false)
 */
export function peaksProblem(law: Dataset, { outputBias = false }: { outputBias?: boolean } = {}): ProblemInput {
  return {
    law,
    unit: affine(relu(), { outputs: 5, outputBias }),
    start: gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 2 } }),
    loss: "crossEntropy",
  };
}

/** Cells along a side of a picture's square. */
export const CELLS = 120;

/** Middles of the cells, [CELLS², 2], rows from the lowest up. */
export function cellMiddles(): number[][] {
  const at = (i: number) => (6 * (i + 0.5)) / CELLS - 3;
  return Array.from({ length: CELLS * CELLS }, (_, q) => [at(q % CELLS), at(Math.floor(q / CELLS))]);
}

/** The class of each row of K predictions: the first of the largest. */
export function classesOf(predictions: ArrayLike<number>, K: number): number[] {
  return Array.from({ length: predictions.length / K }, (_, q) => {
    let best = 0;
    for (let k = 1; k < K; k++) if (predictions[q * K + k]! > predictions[q * K + best]!) best = k;
    return best;
  });
}

/** The peaks' own classes on the cells. */
export function trueCells(): number[] {
  return Array.from(peaksAt(cellMiddles()).classes);
}

/** The part of all cells that two pictures give different classes. */
export function disagreement(a: readonly number[], b: readonly number[]): number {
  return a.reduce((count, c, q) => count + (c === b[q] ? 0 : 1), 0) / a.length;
}

/** A panel of regions, with the points of a law over them where there is one. */
export function decisionPanel(title: string, cells: number[], law: Dataset | null): DecisionPicture["panels"][number] {
  const points = law && {
    x: Array.from(law.y.data, (_, q) => law.x.data[2 * q]!),
    y: Array.from(law.y.data, (_, q) => law.x.data[2 * q + 1]!),
    classes: Array.from(law.y.data),
  };
  return { title, columns: CELLS, cells, points };
}

/** The picture of panels over the square. */
export function decisionPicture(title: string, subtitle: string, panels: DecisionPicture["panels"]): DecisionPicture {
  const ends: [number, number] = [-3, 3];
  return {
    kind: "decision",
    title,
    subtitle,
    x: { label: "x₁", domain: ends },
    y: { label: "x₂", domain: ends },
    panels,
    classes: ["class 0 (lowest)", "1", "2", "3", "4 (highest)"],
  };
}
