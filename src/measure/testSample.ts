// Fresh examples to test a measure on, which no training run of any seed has seen.                              theory §13

import type { Engine } from "../engine/engine";
import { writeLaw } from "../model/blocks";
import { lawDimension } from "../model/law";
import type { Problem } from "../model/problem";
import { outputsOf } from "../model/unit";

/** Replica that test samples are drawn with; training runs are told apart by theirs, which count up from 0. */
const TEST_REPLICA = 0xffffffff;

/**
 * Examples of a problem's law.
 *
 * @param problem  its law is of finite dimension and has examples
 * @param points   how many
 * @param seed     of the stream
 * @returns x: [points, d]; labels: [points, K], classes as indicator rows
 */
export function testSample(
  problem: Problem,
  engine: Engine,
  { points, seed }: { points: number; seed: number },
): { x: Float64Array; labels: Float64Array } {
  const d = lawDimension(problem.law);
  const K = outputsOf(problem.unit);
  const memory = engine.memory();
  const x = new Float64Array(points * d);
  const labels = new Float64Array(points * K);
  try {
    const law = writeLaw(memory, problem);
    const at = memory.reserve("f64", d);
    const row = memory.reserve("f64", K);
    const [low, high] = [seed | 0, Math.floor(seed / 4294967296)];
    for (let e = 0; e < points; e++) {
      engine.kernels.example_f64(law, at, row, low, high, TEST_REPLICA, e);
      x.set(memory.f64(at, d), e * d);
      labels.set(memory.f64(row, K), e * K);
    }
  } finally {
    memory.free();
  }
  return { x, labels };
}

/** The mean of a sample and its standard error. */
export function meanOf(sample: Float64Array): { value: number; standardError: number } {
  const points = sample.length;
  let sum = 0;
  let squares = 0;
  for (const one of sample) {
    sum += one;
    squares += one * one;
  }
  const mean = sum / points;
  const variance = Math.max(0, squares / points - mean * mean) * (points / (points - 1));
  return { value: mean, standardError: Math.sqrt(variance / points) };
}
