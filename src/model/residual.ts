// Residuals r = −∂ℓ/∂f of one example, in plain TypeScript.                                                    theory §1, §2

import { exp, logistic } from "../engine/math";
import type { Loss } from "./labels";

/**
 * r = −∂ℓ/∂f of one example: y − f, y/(1 + e^{yf}), or y − softmax(f).
 *
 * @param f    predictions; K numbers from `at` on
 * @param y    label rows; K numbers from `at` on
 * @param K    outputs
 * @param out  takes r, K numbers from `at` on
 */
export function residual(loss: Loss, f: Float64Array, y: Float64Array, K: number, at: number, out: Float64Array): void {
  switch (loss) {
    case "squared":
      for (let k = 0; k < K; k++) out[at + k] = y[at + k]! - f[at + k]!;
      return;
    case "logistic":
      out[at] = y[at]! * logistic(-y[at]! * f[at]!);
      return;
    case "crossEntropy": {
      let most = f[at]!;
      for (let k = 1; k < K; k++) most = Math.max(most, f[at + k]!);
      let total = 0;
      for (let k = 0; k < K; k++) total += out[at + k] = exp(f[at + k]! - most);
      for (let k = 0; k < K; k++) out[at + k] = y[at + k]! - out[at + k]! / total;
    }
  }
}
