// What the network says over a square of inputs, and the limit where it has neurons too.

import { type Engine, type Law, type Measure, type Problem, predictionsOf, tensor } from "meanfield";
import { testSample } from "../../../src/measure/testSample";
import type { Shown } from "./cloud";
import type { DecisionPicture } from "./protocol";

/** Examples that are shown at most. */
const MOST_EXAMPLES = 1024;

/** The square of inputs of a problem, with its examples: what does not change while it runs. */
export interface Square {
  from: [number, number];
  to: [number, number];
  side: number;
  inputs: ReturnType<typeof tensor>;
  points: Float32Array;
  labels: Float32Array;
}

/**
 * The square that holds a problem's examples.
 *
 * @param side  of the grid of inputs
 * @returns null where inputs are not two-dimensional
 */
export function squareOf(problem: Problem, engine: Engine, side: number): Square | null {
  if (dimensionOf(problem.law) !== 2) return null;
  const { points, labels } = examplesOf(problem, engine);
  const most = points.reduce((size, x) => Math.max(size, Math.abs(x)), 0) || 1;
  // the peaks' square is [−3, 3]²; elsewhere the same room about 0 for both inputs
  const half = most * 1.02;
  const at = (i: number) => ((i + 0.5) * 2 * half) / side - half;
  const inputs = new Float64Array(2 * side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      inputs[2 * (row * side + column)] = at(column);
      inputs[2 * (row * side + column) + 1] = at(row);
    }
  }
  return { from: [-half, -half], to: [half, half], side, inputs: tensor(inputs, [side * side, 2]), points, labels };
}

/** The picture over a square; the limit's half is null where its measure is none of neurons. */
export function decisionPicture(square: Square, network: Shown, limit: Shown | null, engine: Engine): DecisionPicture {
  const { from, to, side, points, labels } = square;
  const { unit } = network.problem;
  const outputs = unit.kind === "ridge" ? 1 : unit.outputs;
  const said = ({ measure, problem }: Shown) =>
    answers(predictionsOf(measure, problem, engine, square.inputs as never).values, outputs);
  const hasNeurons = (measure: Measure) => measure.kind === "particles" && measure.coordinates === "theta";
  return {
    from,
    to,
    side,
    outputs,
    network: said(network),
    limit: limit && hasNeurons(limit.measure) ? said(limit) : null,
    points: points.slice(),
    labels: labels.slice(),
  };
}

// The first of the largest of K numbers, or the only one.
function answers(values: Float64Array, outputs: number): Float32Array {
  if (outputs === 1) return Float32Array.from(values);
  const classes = new Float32Array(values.length / outputs);
  for (let q = 0; q < classes.length; q++) {
    let best = 0;
    for (let k = 1; k < outputs; k++) if (values[q * outputs + k]! > values[q * outputs + best]!) best = k;
    classes[q] = best;
  }
  return classes;
}

function examplesOf(problem: Problem, engine: Engine): { points: Float32Array; labels: Float32Array } {
  const { law, unit } = problem;
  if (law.kind === "none") return { points: new Float32Array(0), labels: new Float32Array(0) };
  const K = unit.kind === "ridge" ? 1 : unit.outputs;
  if (law.kind !== "dataset") {
    const { x, labels } = testSample(problem, engine, { points: 256, seed: 0 });
    return { points: Float32Array.from(x), labels: answers(labels, K) };
  }
  const n = Math.min(MOST_EXAMPLES, law.x.shape[0]!);
  const width = law.y.shape[1] ?? 1;
  return {
    points: Float32Array.from(law.x.data.subarray(0, 2 * n)),
    labels: answers(law.y.data.subarray(0, width * n), width),
  };
}

function dimensionOf(law: Law): number | "infinite" {
  if (law.kind === "dataset") return law.x.shape[1]!;
  return law.kind === "mixture" ? law.components[0]!.mean.data.length : law.dimension;
}
