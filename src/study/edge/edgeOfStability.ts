// Gradient descent at the edge of stability, beside the gradient flow and the central flow from the same start.       theory §11
//
// Along the gradient flow the sharpness λ_max grows (progressive sharpening). Gradient descent of step ε follows it until ε λ_max = 2, where
// the quadratic model of the energy is unstable. It oscillates along the top eigenvector from there on, and the oscillation, by the third
// derivative, keeps λ_max at 2/ε while the loss goes on falling.
//
// Cohen, Kaur, Li, Kolter, Talwalkar, Gradient descent on neural networks typically occurs at the edge of stability, ICLR 2021.

import { type Engine, loadEngine } from "../../engine/engine";
import { DivergenceError, SpecError } from "../../engine/errors";
import type { Backend } from "../../engine/kernels";
import { log } from "../../engine/math";
import { pause, withPauses } from "../../engine/pause";
import { landscapeParts } from "../../landscape/landscape";
import type { Particles } from "../../measure/measure";
import { type Problem, type ProblemInput, parseProblem } from "../../model/problem";
import { gradientDescent, gradientFlow } from "../../process/schema";
import { open } from "../open";
import { type CentralState, centralFlow, type Look, look, MOST_UNSTABLE } from "./centralFlow";

/** What is run. */
export interface EdgeOptions {
  /** N */
  neurons: number;
  /** ε of each run of gradient descent; or `ratios` */
  stepSizes?: readonly number[];
  /** the same in units of 2/λ_max at the gradient flow's end, above 1 where the flow leaves what is stable */
  ratios?: readonly number[];
  /** most steps of each run (4000); the flow ends at the largest time that one of them may reach, with `ratios` at 1000 */
  steps?: number;
  /** steps from one look at loss and sharpness to the next (1); an even number sees one side of an oscillation only */
  every?: number;
  /** share of the start's loss at which all end (1e-4) */
  until?: number;
  /** steps of the central flow in one of gradient descent (2), at least 2, as its own limit of stability is that of GD; 0 leaves it out */
  substeps?: number;
  seed?: number;
  replica?: number;
  backend?: Backend | undefined;
  signal?: AbortSignal | undefined;
  /** Called now and then with the share done, and what is under way. */
  onProgress?: ((progress: { fraction: number; phase: string }) => void) | undefined;
}

/** What is recorded along a way, one number a time. */
export interface EdgeTrack {
  /** t = kε */
  times: Float64Array;
  /** E: of the squared loss half the risk, with the confinement */
  loss: Float64Array;
  /** λ_max in the library's time: gradient descent is stable where ε λ_max < 2 */
  sharpness: Float64Array;
  /** |∇E|², the mean over neurons of their squared velocity */
  gradient: Float64Array;
}

/** The central flow of a run. */
export interface CentralTrack extends EdgeTrack {
  /** E and |∇E|² that gradient descent should have on average: the flow's, and the oscillation's share */
  averageLoss: Float64Array;
  averageGradient: Float64Array;
  /** tr Σ: the oscillation's mean square over the neurons */
  variance: Float64Array;
  /** directions that oscillate */
  unstable: Int32Array;
  /** why it ended before the loss did, in a sentence; null where it did not */
  refused: string | null;
}

/** One run of gradient descent. */
export interface EdgeRun extends EdgeTrack {
  stepSize: number;
  /** ε λ_max/2 at the gradient flow's end */
  ratio: number;
  /**
   * - edge: the mean of ε λ_max is within 5 % of 2 while the loss is between 1e-1 and 1e-4 of its start
   * - stable: ε λ_max stays below 2 there
   * - diverged: the loss grows beyond all bounds
   * - neither: none of these, or the loss never was between
   */
  status: "edge" | "stable" | "diverged" | "neither";
  /** The same in a sentence, with numbers. */
  verdict: string;
  /** ε λ_max over the steps whose loss is between 1e-1 and 1e-4 of the start's; null where there are none */
  window: { mean: number; least: number; most: number; looks: number } | null;
  central: CentralTrack | null;
  /** Means from the step where the central flow comes to the edge to the last one of both; null where it never does. */
  averages: { from: number; to: number; descent: EdgeMeans; central: EdgeMeans } | null;
}

/** Means over steps. */
export interface EdgeMeans {
  loss: number;
  gradient: number;
  sharpness: number;
}

/** A study of the edge of stability. */
export interface EdgeOfStability {
  /** The gradient flow. */
  flow: EdgeTrack;
  /** 2/λ_max at its end: the largest step that is stable all along, if λ_max is largest there. */
  stableStep: number;
  runs: EdgeRun[];
}

/** Shares of the start's loss that the mean of ε λ_max is taken between. */
const WINDOW = [1e-1, 1e-4] as const;

/** Tolerance of that mean. */
const NEAR = 0.05;

/** Looks at the gradient flow. */
const FLOW_LOOKS = 200;

/** Growth of the loss beyond which a run has diverged. */
const BEYOND = 1e6;

/** See the function of the same name in src/study/onDemand.ts. */
export async function edgeOfStability(input: ProblemInput, options: EdgeOptions): Promise<EdgeOfStability> {
  const { neurons, seed = 0, replica = 0, backend, signal } = options ?? {};
  const { stepSizes, ratios, steps = 4000, every = 1, until = 1e-4, substeps = 2 } = options ?? {};
  const problem = parseProblem(input);
  if ((stepSizes === undefined) === (ratios === undefined)) {
    throw new SpecError("stepSizes", stepSizes, "step sizes, or ratios in their place, and not both");
  }
  const sizes = checkSizes(stepSizes ?? ratios!, stepSizes ? "stepSizes" : "ratios");
  for (const [path, value, from] of [
    ["steps", steps, 1],
    ["every", every, 1],
    ["substeps", substeps, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < from || value > 1e7) {
      throw new SpecError(path, value, `an integer from ${from} to 10000000`);
    }
  }
  if (substeps === 1) {
    throw new SpecError(
      "substeps",
      substeps,
      "2 or more, or 0",
      "At the edge a midpoint step of length ε is not stable itself.",
    );
  }
  if (!(until > 0 && until < 1)) throw new SpecError("until", until, "a share between 0 and 1");
  const common = { neurons, seed, replica };
  // refuses what is wrong with the problem before anything runs
  const flowSpec = gradientFlow(problem, common);
  if (problem.law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", problem.law.kind, '"dataset", a finite law', remedy);
  }
  signal?.throwIfAborted();

  const engine = await loadEngine({ backend });
  const parts = sizes.length * (substeps > 0 ? 2 : 1) + 1;
  const told = (part: number, phase: string) => (fraction: number) =>
    options.onProgress?.({ fraction: (part + Math.min(1, fraction)) / parts, phase });
  const plan: Plan = { problem, engine, backend, signal, steps, every, until };

  const end = stepSizes ? steps * Math.max(...sizes) : FLOW_TIME;
  const flow = await flowTrack(plan, flowSpec, end, told(0, "gradient flow"));
  const stableStep = 2 / flow.sharpness[flow.sharpness.length - 1]!;

  if (ratios && !(stableStep > 0 && stableStep < Infinity)) {
    const remedy = `λ_max is ${2 / stableStep} at the gradient flow's end.`;
    throw new SpecError("ratios", ratios, "stepSizes in their place, as no step is the largest stable one", remedy);
  }

  const runs: EdgeRun[] = [];
  for (const [i, size] of sizes.entries()) {
    const stepSize = stepSizes ? size : size * stableStep;
    const part = 1 + i * (substeps > 0 ? 2 : 1);
    const name = `ε = ${stepSize.toPrecision(3)}`;
    const { track, start, diverged } = await descentTrack(plan, common, stepSize, told(part, name));
    const looks = track.loss.length;
    const central =
      substeps > 0
        ? await centralTrack(plan, start, stepSize, substeps, looks, told(part + 1, `central flow, ${name}`))
        : null;
    runs.push(readRun(track, diverged, central, stepSize, stableStep, every));
  }
  return { flow, stableStep, runs };
}

/** Where the flow ends at the latest while the steps are not known. */
const FLOW_TIME = 1000;

interface Plan {
  problem: Problem;
  engine: Engine;
  backend: Backend | undefined;
  signal: AbortSignal | undefined;
  steps: number;
  every: number;
  until: number;
}

async function flowTrack(
  { problem, engine, backend, signal, until }: Plan,
  spec: ReturnType<typeof gradientFlow>,
  end: number,
  told: (fraction: number) => void,
): Promise<EdgeTrack> {
  const looks = new Looks();
  const simulation = await open(spec, { backend });
  try {
    landscapeParts(problem, simulation.measure());
    for (let k = 0; ; k++) {
      const t = k === 0 ? 0 : flowTime(k, end);
      await simulation.advance(t, { signal });
      const seen = await withPauses(look(problem, simulation.measure() as Particles, engine), signal);
      looks.add(t, seen);
      told(Math.max(k / FLOW_LOOKS, looks.fallen(until)));
      if (k === FLOW_LOOKS || seen.loss <= until * looks.first) return looks.track();
    }
  } finally {
    simulation.free();
  }
}

// Dense early on, where the loss falls fast: t = end ((k/n) + 9 (k/n)³)/10.
function flowTime(k: number, end: number): number {
  const share = k / FLOW_LOOKS;
  return (end * (share + 9 * share * share * share)) / 10;
}

async function descentTrack(
  { problem, engine, backend, signal, steps, every, until }: Plan,
  common: { neurons: number; seed: number; replica: number },
  stepSize: number,
  told: (fraction: number) => void,
): Promise<{ track: EdgeTrack; start: Particles; diverged: boolean }> {
  const looks = new Looks();
  const simulation = await open(gradientDescent(problem, { ...common, stepSize }), { backend });
  try {
    const start = simulation.measure() as Particles;
    for (let step = 0; ; step += every) {
      const end = (diverged: boolean) => ({ track: looks.track(), start, diverged });
      let seen: Look;
      try {
        await simulation.advance(step * stepSize, { signal });
        seen = await withPauses(look(problem, simulation.measure() as Particles, engine), signal);
      } catch (error) {
        // a network so far away that its loss is no number any more is a SpecError of the landscape's
        const beyond = error instanceof DivergenceError || (error instanceof SpecError && step > 0);
        if (!beyond) throw error;
        return end(true);
      }
      looks.add(step * stepSize, seen);
      if (seen.loss > BEYOND * looks.first) return end(true);
      told(Math.max(step / steps, looks.fallen(until)));
      if (seen.loss <= until * looks.first || step + every > steps) return end(false);
      await pause();
    }
  } finally {
    simulation.free();
  }
}

async function centralTrack(
  { problem, engine, signal, every, until }: Plan,
  start: Particles,
  stepSize: number,
  substeps: number,
  most: number,
  told: (fraction: number) => void,
): Promise<CentralTrack> {
  const walk = centralFlow(problem, start, engine, { stepSize, substeps });
  const states: CentralState[] = [await withPauses(walk.state(), signal)];
  let refused: string | null = null;
  while (states.length < most && states.at(-1)!.averageLoss > until * states[0]!.loss) {
    const next = await withPauses(walk.advance(every), signal);
    if (next === null) {
      refused = `More than ${MOST_UNSTABLE} eigenvalues are at the edge after ${states.length * every} steps: the central flow stops there.`;
      break;
    }
    states.push(next);
    told(states.length / most);
  }
  const numbers = (of: (state: CentralState) => number) => Float64Array.from(states, of);
  return {
    times: Float64Array.from(states, (_, k) => k * every * stepSize),
    loss: numbers(({ loss }) => loss),
    sharpness: numbers(({ sharpness }) => sharpness),
    gradient: numbers(({ gradient }) => gradient),
    averageLoss: numbers(({ averageLoss }) => averageLoss),
    averageGradient: numbers(({ averageGradient }) => averageGradient),
    variance: numbers(({ variance }) => variance),
    unstable: Int32Array.from(states, ({ unstable }) => unstable),
    refused,
  };
}

function readRun(
  track: EdgeTrack,
  diverged: boolean,
  central: CentralTrack | null,
  stepSize: number,
  stableStep: number,
  every: number,
): EdgeRun {
  const start = track.loss[0]!;
  const products = track.sharpness.map((lambda) => stepSize * lambda);
  const inside = products.filter((_, k) => {
    const share = track.loss[k]! / start;
    return share < WINDOW[0] && share > WINDOW[1];
  });
  const window =
    inside.length > 0
      ? {
          mean: mean(inside),
          least: inside.reduce((a, b) => Math.min(a, b)),
          most: inside.reduce((a, b) => Math.max(a, b)),
          looks: inside.length,
        }
      : null;
  const { status, verdict } = judge(track, diverged, window);
  return {
    ...track,
    stepSize,
    ratio: stepSize / stableStep,
    status,
    verdict,
    window,
    central,
    averages: central && averagesOf(track, central, every),
  };
}

function judge({ loss }: EdgeTrack, diverged: boolean, window: EdgeRun["window"]): Pick<EdgeRun, "status" | "verdict"> {
  const share = (loss[loss.length - 1]! / loss[0]!).toPrecision(2);
  if (diverged) return { status: "diverged", verdict: `The loss grows beyond all bounds after ${loss.length} looks.` };
  if (window === null) {
    const verdict = `The loss, ${share} of its start at the end, never was between 1e-1 and 1e-4 of it.`;
    return { status: "neither", verdict };
  }
  const mean = `ε λ_max is ${window.mean.toFixed(3)} on average (${window.least.toFixed(2)} to ${window.most.toFixed(2)})`;
  const where = "while the loss is between 1e-1 and 1e-4 of its start";
  const falls = `the loss ends at ${share} of its start`;
  if (window.most < 2) return { status: "stable", verdict: `Stable: ${mean} ${where}; ${falls}.` };
  if (Math.abs(window.mean / 2 - 1) <= NEAR) {
    return { status: "edge", verdict: `At the edge of stability: ${mean} ${where}; ${falls}.` };
  }
  return { status: "neither", verdict: `Not within 5 % of the edge: ${mean} ${where}; ${falls}.` };
}

function averagesOf(track: EdgeTrack, central: CentralTrack, every: number): EdgeRun["averages"] {
  const first = central.variance.findIndex((variance) => variance > 0);
  const end = Math.min(track.loss.length, central.loss.length);
  if (first < 0 || first >= end) return null;
  const over = (values: Float64Array) => mean(values.subarray(first, end));
  return {
    from: first * every,
    to: (end - 1) * every,
    descent: { loss: over(track.loss), gradient: over(track.gradient), sharpness: over(track.sharpness) },
    central: {
      loss: over(central.averageLoss),
      gradient: over(central.averageGradient),
      sharpness: over(central.sharpness),
    },
  };
}

/** A track that grows. */
class Looks {
  readonly #times: number[] = [];
  readonly #looks: Omit<Look, "network">[] = [];

  /** Loss of the start. */
  get first(): number {
    return this.#looks[0]!.loss;
  }

  add(time: number, { loss, sharpness, gradient }: Look): void {
    this.#times.push(time);
    this.#looks.push({ loss, sharpness, gradient });
  }

  /** How far the loss has come towards a share of its start, on a scale of powers: 0 … 1. */
  fallen(until: number): number {
    const now = this.#looks[this.#looks.length - 1]!.loss / this.first;
    return now > 0 ? Math.max(0, log(now) / log(until)) : 1;
  }

  track(): EdgeTrack {
    const numbers = (of: (one: Omit<Look, "network">) => number) => Float64Array.from(this.#looks, of);
    return {
      times: Float64Array.from(this.#times),
      loss: numbers(({ loss }) => loss),
      sharpness: numbers(({ sharpness }) => sharpness),
      gradient: numbers(({ gradient }) => gradient),
    };
  }
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function checkSizes(sizes: readonly number[], path: string): readonly number[] {
  if (!Array.isArray(sizes) || sizes.length < 1) throw new SpecError(path, sizes, "a list of one or more numbers");
  sizes.forEach((size, i) => {
    if (!(typeof size === "number" && size > 0 && size < Infinity)) {
      throw new SpecError(`${path}[${i}]`, size, "a positive number");
    }
  });
  return sizes;
}
