// What the figures of weak errors have in common: their objectives, and a flow's errors as a curve with its order.       theory §8

import { log1pExp, logistic, pow } from "../../engine/math";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import type { Objective } from "../../model/objective";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import { type NetworkObjective, networkObjective } from "../objective/network";
import type { FlowErrors, WeakErrors } from "../objective/weakErrors";
import { type Finding, say } from "./figure";
import type { RateCurve } from "./picture";

/** Inputs and labels of the logistic regression. */
export const REGRESSION = {
  inputs: [
    [1, 0.5],
    [-0.8, 1.2],
    [0.6, -1.5],
    [-1.1, -0.4],
    [1.4, 0.9],
  ],
  labels: [1, -1, 1, 1, -1],
  ridge: 0.1,
};

/** Logistic regression in the plane: ℓ_q = log(1 + e^{−y_q⟨a_q, x⟩}) + (ridge/2)|x|². */
export function regression(): Objective {
  const { labels, ridge } = REGRESSION;
  const inputs = Float64Array.from(REGRESSION.inputs.flat());
  const margin = (q: number, x: Float64Array) => -labels[q]! * (inputs[2 * q]! * x[0]! + inputs[2 * q + 1]! * x[1]!);
  return {
    dimension: 2,
    terms: labels.length,
    gradient(q, x, out) {
      const slope = -labels[q]! * logistic(margin(q, x));
      for (let i = 0; i < 2; i++) out[i] = slope * inputs[2 * q + i]! + ridge * x[i]!;
    },
    hessianVector(x, v, out) {
      for (let i = 0; i < 2; i++) out[i] = ridge * v[i]!;
      for (let q = 0; q < labels.length; q++) {
        const t = margin(q, x);
        const along = inputs[2 * q]! * v[0]! + inputs[2 * q + 1]! * v[1]!;
        const factor = (logistic(t) * logistic(-t) * along) / labels.length;
        for (let i = 0; i < 2; i++) out[i]! += factor * inputs[2 * q + i]!;
      }
    },
    value: (q, x) => log1pExp(margin(q, x)) + (ridge / 2) * (x[0]! * x[0]! + x[1]! * x[1]!),
  };
}

/** Directions and squares of the phase retrieval. */
export const PHASES = {
  directions: [
    [1, 0],
    [0, 1],
    [0.8, 0.6],
    [0.6, -0.8],
  ],
  squares: [1, 0.25, 0.5, 0.9],
};

/** Phase retrieval in the plane: ℓ_q = (⟨a_q, x⟩² − b_q)²/4, even, so that ∇ℓ_q(−x) = −∇ℓ_q(x). */
export function phaseRetrieval(): Objective {
  const { squares } = PHASES;
  const rows = Float64Array.from(PHASES.directions.flat());
  return {
    dimension: 2,
    terms: squares.length,
    gradient(q, x, out) {
      const u = rows[2 * q]! * x[0]! + rows[2 * q + 1]! * x[1]!;
      const slope = (u * u - squares[q]!) * u;
      out[0] = slope * rows[2 * q]!;
      out[1] = slope * rows[2 * q + 1]!;
    },
    hessianVector(x, v, out) {
      out[0] = 0;
      out[1] = 0;
      for (let q = 0; q < squares.length; q++) {
        const [a, b] = [rows[2 * q]!, rows[2 * q + 1]!];
        const u = a * x[0]! + b * x[1]!;
        const factor = ((3 * u * u - squares[q]!) * (a * v[0]! + b * v[1]!)) / squares.length;
        out[0]! += factor * a;
        out[1]! += factor * b;
      }
    },
  };
}

/** A network of two neurons a tanh(wx + b) on four examples, R⁶, and where it starts. */
export function smallNetwork(): NetworkObjective {
  const problem = {
    law: dataset({ x: [[-1.5], [-0.5], [0.7], [1.6]], y: [0.8, -0.6, 0.9, -0.4] }),
    unit: affine(tanh()),
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1.5 }, b: { mean: 0, deviation: 0.7 } }),
  };
  return networkObjective(problem, 2);
}

/** How far an order may be from the theorem's: the power of η that is left, and the paths' error. */
export const NEAR = 0.1;

/** The name of a flow in a picture. */
export function flowName({ method, order }: FlowErrors["flow"]): string {
  return method === "gradientFlow" ? "gradient flow" : `${method.toUpperCase()}, order ${order}`;
}

/** Sizes of the errors against η with their standard errors, and C η^p through the smallest. */
export function weakCurve(
  { flow, errors, order }: FlowErrors,
  sizes: Float64Array,
  hue: number,
  label = flowName(flow),
): RateCurve {
  const x = Array.from(sizes);
  const y = errors.map(({ value }) => Math.abs(value));
  const last = x.indexOf(Math.min(...x));
  const ends = [Math.min(...x), Math.max(...x)];
  return {
    label,
    slope: order ? `order ${order.value.toFixed(2)} [${order.interval.map((end) => end.toFixed(2)).join(", ")}]` : "",
    points: {
      x,
      y,
      low: errors.map(({ standardError }, e) => y[e]! - standardError),
      high: errors.map(({ standardError }, e) => y[e]! + standardError),
    },
    fit: order && { x: ends, y: ends.map((end) => y[last]! * pow(end / x[last]!, order.value)) },
    hue,
  };
}

/** That the orders of all flows are those of the theorem. */
export function orderFinding(name: string, found: WeakErrors, expected: (flow: FlowErrors["flow"]) => number): Finding {
  const { methods } = found;
  return {
    expected: `${name}: weak orders ${methods.map(({ flow }) => `${expected(flow)} (${flowName(flow)})`).join(", ")}, within ${NEAR}`,
    measured: methods
      .map(
        ({ flow, order }) =>
          `${order ? `${say(order.value)} (${order.interval.map(say).join(" to ")})` : "none"} (${flowName(flow)})`,
      )
      .join(", "),
    met: methods.every(({ flow, order }) => order !== null && Math.abs(order.value - expected(flow)) <= NEAR),
  };
}

/** Rows of a table: name, η, E φ of SGD, then each flow's error and its standard error. */
export function errorRows(name: string, { stepSizes, sgd, methods }: WeakErrors): (number | string)[][] {
  return Array.from(stepSizes, (eta, e) => [
    name,
    eta,
    sgd[e]!.mean,
    ...methods.flatMap(({ errors }) => [errors[e]!.value, errors[e]!.standardError]),
  ]);
}

/** The study as plain JSON. */
export function studyData({ time, stepSizes, sgd, methods, degree }: WeakErrors): Record<string, unknown> {
  return {
    time,
    stepSizes: Array.from(stepSizes),
    degree,
    sgd,
    methods: methods.map(({ flow, means, errors, order }) => ({ flow, means, errors, order })),
  };
}
