// Labels y and losses ℓ(f, y): which labels a loss takes, and labels as rows of K numbers.                  theory §2, §3

import { SpecError } from "../engine/errors";
import { exp, log, log1pExp } from "../engine/math";
import type { Law } from "./law";
import { outputsOf, type Unit } from "./unit";

/** squared ½|f − y|², logistic log(1 + e^{−yf}), crossEntropy −Σ_k y_k log softmax(f)_k. */
export type Loss = "squared" | "logistic" | "crossEntropy";

/**
 * Checks that a law's labels are those of the loss and the unit.
 *
 * @throws {SpecError} with the path of the field that does not fit, relative to the problem
 */
export function checkLabels({ law, unit, loss }: { law: Law; unit: Unit; loss: Loss }): void {
  const K = outputsOf(unit);
  const width = law.kind === "dataset" ? (law.y.shape[1] ?? 1) : 1;
  if (law.kind === "none") {
    if (loss !== "squared") throw new SpecError("loss", loss, '"squared", as there are no examples');
    return;
  }
  switch (loss) {
    case "squared":
      if (width !== K) {
        const expected =
          law.kind === "dataset" ? `as many as labels have components, ${width}` : "1, as labels are numbers";
        throw new SpecError("unit.outputs", K, expected);
      }
      return;
    case "logistic": {
      if (K !== 1)
        throw new SpecError(
          "unit.outputs",
          K,
          '1, as the loss is "logistic"',
          'Several classes take the loss "crossEntropy".',
        );
      if (width !== 1) throw new SpecError("law.y", `shape [n, ${width}]`, "shape [n], labels ±1");
      eachLabel(law, loss, (y) => y === 1 || y === -1, "a label ±1");
      return;
    }
    case "crossEntropy": {
      if (K < 2)
        throw new SpecError(
          "unit.outputs",
          K,
          'the number of classes, 2 or more, as the loss is "crossEntropy"',
          'Two classes of labels ±1 take the loss "logistic".',
        );
      if (width === 1) {
        eachLabel(law, loss, (y) => Number.isInteger(y) && y >= 0 && y < K, `a class, an integer from 0 to ${K - 1}`);
        return;
      }
      if (width !== K) throw new SpecError("unit.outputs", K, `${width}, as many as the rows of law.y have classes`);
      const { data } = (law as { y: { data: Float64Array } }).y;
      for (let q = 0; q < data.length; q += K) {
        const row = data.subarray(q, q + K);
        const sum = row.reduce((total, p) => total + p, 0);
        if (row.some((p) => p < 0) || Math.abs(sum - 1) > 1e-9) {
          throw new SpecError(`law.y[${q / K}]`, Array.from(row), `${K} probabilities, whose sum is 1`);
        }
      }
    }
  }
}

function eachLabel(law: Law, loss: Loss, test: (y: number) => boolean, expected: string): void {
  if (law.kind === "dataset") {
    const bad = law.y.data.findIndex((y) => !test(y));
    if (bad >= 0) throw new SpecError(`law.y[${bad}]`, law.y.data[bad], expected);
  } else if (law.kind === "mixture") {
    law.components.forEach(({ label }, i) => {
      if (!test(label)) throw new SpecError(`law.components[${i}].label`, label, expected);
    });
  } else if (law.kind === "teacher" || loss === "crossEntropy") {
    throw new SpecError(
      "loss",
      loss,
      law.kind === "teacher"
        ? '"squared", as a teacher\'s labels are any number'
        : '"squared" or "logistic", as labels are ±1',
    );
  }
}

/**
 * Labels as rows of K numbers: classes become indicator rows.
 *
 * @param labels  n labels, or n rows of K
 * @param count   n
 * @param K       outputs
 * @param loss    crossEntropy reads single numbers as classes
 * @returns [n, K], row-major
 */
export function labelRows(labels: ArrayLike<number>, count: number, K: number, loss: Loss): Float64Array {
  if (loss !== "crossEntropy" || labels.length === count * K) return Float64Array.from(labels);
  const rows = new Float64Array(count * K);
  for (let q = 0; q < count; q++) rows[q * K + labels[q]!] = 1;
  return rows;
}

/**
 * The loss ℓ(f, y) of one example.
 *
 * @param f  prediction, K numbers from `at` on
 * @param y  label row, K numbers from `at` on
 */
export function lossOf(loss: Loss, f: Float64Array, y: Float64Array, K: number, at = 0): number {
  switch (loss) {
    case "squared": {
      let sum = 0;
      for (let k = at; k < at + K; k++) sum += (f[k]! - y[k]!) * (f[k]! - y[k]!);
      return sum / 2;
    }
    case "logistic":
      return log1pExp(-y[at]! * f[at]!);
    case "crossEntropy": {
      let most = f[at]!;
      for (let k = at; k < at + K; k++) most = Math.max(most, f[k]!);
      let total = 0;
      let inner = 0;
      for (let k = at; k < at + K; k++) {
        total += exp(f[k]! - most);
        inner += y[k]! * (f[k]! - most);
      }
      return log(total) - inner;
    }
  }
}
