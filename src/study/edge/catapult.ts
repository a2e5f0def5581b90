// The catapult on f = u·v/√n, L = f²/2: gradient descent of rate η from a tangent kernel λ_0.                                theory §11
//
//   f ← f (1 − ηλ + η²f²/n),   λ ← λ + (ηf²/n)(ηλ − 4),   λ = (|u|² + |v|²)/n
//
// for large n: η λ_0 < 2 converges and λ hardly moves (lazy); 2 < η λ_0 < 4 is unstable, f grows to √n, where it lowers λ until it is flat
// enough, ηλ < 2, and converges there (catapult); η λ_0 > 4 diverges. It is what the library's gradient descent does on one example, x = 1, y = 0,
// with affine units √n a w, θ_i = (u_i, v_i), and ε = η/n.
//
// Lewkowycz, Bahri, Dyer, Sohl-Dickstein, Gur-Ari, The large learning rate phase of deep learning: the catapult mechanism, 2020.

import { DivergenceError, SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import type { Particles } from "../../measure/measure";
import { identity, scaled } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { affine } from "../../model/unit";
import { gradientDescent } from "../../process/schema";
import { open } from "../open";

/** Where the model starts. */
export interface CatapultStart {
  /** n */
  neurons: number;
  /** f_0 (1), at most λ_0 √n/2 in size */
  prediction?: number;
  /** λ_0 (2) */
  kernel?: number;
}

/** What is run. */
export interface CatapultOptions extends CatapultStart {
  /** η of each run */
  rates: readonly number[];
  /** steps at most (2000) */
  steps?: number;
  backend?: Backend | undefined;
  signal?: AbortSignal | undefined;
  /** Called after each run with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
}

/** One run, one number a step from 0 on. */
export interface CatapultRun {
  /** η */
  rate: number;
  /** η λ_0 */
  product: number;
  /**
   * - lazy: the loss falls to 0, never above its start
   * - catapult: it rises above its start first, and falls to 0
   * - diverged: it grows beyond all bounds
   * - unsettled: none of these after all steps
   */
  phase: "lazy" | "catapult" | "diverged" | "unsettled";
  /** L = f²/2 */
  loss: Float64Array;
  /** λ */
  kernel: Float64Array;
  /** Largest loss, and at which step. */
  maxLoss: number;
  atStep: number;
  /** λ at the end; null where the run diverged. */
  finalKernel: number | null;
}

/** Share of the start's loss at which a run has converged, and beyond which it has diverged: f² stays below some n. */
const SETTLED = 1e-24;
const BEYOND = 1e6;

/** See the function of the same name in src/study/onDemand.ts. */
export function catapultProblem({ neurons, prediction = 1, kernel = 2 }: CatapultStart): ProblemInput {
  if (!(Number.isInteger(neurons) && neurons >= 1 && neurons <= 65536)) {
    throw new SpecError("neurons", neurons, "an integer from 1 to 65536");
  }
  if (!(kernel > 0 && kernel < Infinity)) throw new SpecError("kernel", kernel, "a positive number");
  const root = Math.sqrt(neurons);
  const most = (kernel * root) / 2;
  if (!(prediction !== 0 && Math.abs(prediction) <= most)) {
    const remedy = "(|u|² + |v|²)/n = λ_0 leaves no more to u·v/√n; at 0 the start is at rest.";
    throw new SpecError("prediction", prediction, `a number from −${most} to ${most}, not 0`, remedy);
  }
  // u_i² + v_i² = λ_0 and u_i v_i = f_0/√n
  const plus = Math.sqrt(kernel + (2 * prediction) / root);
  const minus = Math.sqrt(kernel - (2 * prediction) / root);
  const row = [(plus + minus) / 2, 0, (plus - minus) / 2];
  const theta = Float64Array.from({ length: 3 * neurons }, (_, j) => row[j % 3]!);
  return {
    law: dataset({ x: [[1]], y: [0] }),
    unit: affine(scaled(identity(), root), { trainBias: false }),
    start: particles(tensor(theta, [neurons, 3])),
  };
}

/** See the function of the same name in src/study/onDemand.ts. */
export async function catapult(options: CatapultOptions): Promise<{ runs: CatapultRun[] }> {
  const { neurons, rates, steps = 2000, backend, signal, onProgress } = options ?? {};
  const problem = catapultProblem(options ?? {});
  if (!Array.isArray(rates) || rates.length < 1) throw new SpecError("rates", rates, "a list of one or more numbers");
  rates.forEach((rate, i) => {
    if (!(rate > 0 && rate < Infinity)) throw new SpecError(`rates[${i}]`, rate, "a positive number");
  });
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= 1e7)) {
    throw new SpecError("steps", steps, "an integer from 1 to 10000000");
  }
  signal?.throwIfAborted();
  const runs: CatapultRun[] = [];
  for (const rate of rates) {
    runs.push(await runOf(problem, neurons, rate, steps, backend, signal));
    onProgress?.({ fraction: runs.length / rates.length });
  }
  return { runs };
}

async function runOf(
  problem: ProblemInput,
  n: number,
  rate: number,
  steps: number,
  backend: Backend | undefined,
  signal: AbortSignal | undefined,
): Promise<CatapultRun> {
  const stepSize = rate / n;
  const loss: number[] = [];
  const kernel: number[] = [];
  let phase: CatapultRun["phase"] = "unsettled";
  let atStep = 0;
  const simulation = await open(gradientDescent(problem, { neurons: n, stepSize }), { backend });
  try {
    for (let step = 0; step <= steps; step++) {
      await simulation.advance(step * stepSize, { signal });
      const { f, lambda } = read(simulation.measure() as Particles, n);
      loss.push((f * f) / 2);
      kernel.push(lambda);
      if (loss[step]! > loss[atStep]!) atStep = step;
      const share = loss[step]! / loss[0]!;
      if (share > BEYOND * n) phase = "diverged";
      else if (share <= SETTLED) phase = atStep > 0 ? "catapult" : "lazy";
      else continue;
      break;
    }
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    phase = "diverged";
  } finally {
    simulation.free();
  }
  return {
    rate,
    product: rate * kernel[0]!,
    phase,
    loss: Float64Array.from(loss),
    kernel: Float64Array.from(kernel),
    maxLoss: loss[atStep]!,
    atStep,
    finalKernel: phase === "diverged" ? null : kernel[kernel.length - 1]!,
  };
}

function read({ values }: Particles, n: number): { f: number; lambda: number } {
  let product = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const [u, v] = [values[3 * i]!, values[3 * i + 2]!];
    product += u * v;
    squares += u * u + v * v;
  }
  return { f: product / Math.sqrt(n), lambda: squares / n };
}
