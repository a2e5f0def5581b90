// Activations σ: the known functions, piecewise-linear ones, and tables of a user's own.        theory §3

import * as v from "valibot";
import { SpecError } from "../engine/errors";
import { cos, erf as erfOf, exp, log1pExp, logistic as logisticOf, sin, tanh as tanhOf } from "../engine/math";
import { array, kind, list, number, object, oneOf, parseSpec, refined, type Schema } from "./spec";
import { type Tensor, tensor } from "./tensor";

/** An activation, as plain JSON. */
export type Activation = PlainActivation | { kind: "scaled"; factor: number; activation: PlainActivation };

/** An activation without a factor. */
export type PlainActivation =
  | { kind: "relu" }
  | { kind: "leakyRelu"; slope: number }
  | { kind: "truncatedRelu" }
  | { kind: "tanh" }
  | { kind: "erf" }
  | { kind: "logistic" }
  | { kind: "softplus" }
  | { kind: "silu" }
  | { kind: "cosine" }
  | { kind: "identity" }
  | { kind: "square" }
  | { kind: "piecewiseLinear"; knots: [number, number][] }
  | { kind: "table"; from: number; to: number; values: Tensor<"f64">; slopes: Tensor<"f64"> };

/** An activation and its derivative as functions of a number. */
export interface ActivationFunctions {
  value(t: number): number;
  derivative(t: number): number;
}

/** σ(t) = constant + slope·t + Σ_j jumps_j (t − knots_j)₊, knots increasing. */
export interface PiecewiseLinearForm {
  constant: number;
  slope: number;
  knots: Float64Array;
  jumps: Float64Array;
}

/** σ(t) = max(t, 0). */
export function relu(): Activation {
  return { kind: "relu" };
}

/**
 * σ(t) = t for t > 0, slope·t otherwise.
 *
 * @param slope  slope on the left
 * @throws {SpecError} when it is not a finite number
 */
export function leakyRelu(slope: number): Activation {
  return parseActivation({ kind: "leakyRelu", slope });
}

/** σ(t) = min(max(t, 0), 1). */
export function truncatedRelu(): Activation {
  return { kind: "truncatedRelu" };
}

/** σ(t) = tanh t. */
export function tanh(): Activation {
  return { kind: "tanh" };
}

/** σ(t) = erf t. */
export function erf(): Activation {
  return { kind: "erf" };
}

/** σ(t) = 1/(1 + e^{−2t}), the logistic function of the mean-field lectures (note the 2). */
export function logistic(): Activation {
  return { kind: "logistic" };
}

/** σ(t) = log(1 + e^t). */
export function softplus(): Activation {
  return { kind: "softplus" };
}

/** σ(t) = t/(1 + e^{−t}). */
export function silu(): Activation {
  return { kind: "silu" };
}

/** σ(t) = cos t. */
export function cosine(): Activation {
  return { kind: "cosine" };
}

/** σ(t) = t. */
export function identity(): Activation {
  return { kind: "identity" };
}

/** σ(t) = t². */
export function square(): Activation {
  return { kind: "square" };
}

/**
 * α σ(t). A network of N units of ασ has the output scale α/N: with α = N^(1−γ) it is N^−γ, which is the mean-field scaling at
 * γ = 1 and that of the neural tangent kernel at γ = ½.
 *
 * @param activation  σ; of one that is scaled already, the factors are multiplied
 * @param factor      α, not 0
 * @throws {SpecError} when the factor is 0 or not finite
 * @see Chizat, Oyallon, Bach, NeurIPS 2019; theory §9
 */
export function scaled(activation: Activation, factor: number): Activation {
  const { factor: inner, activation: plain } = unscaled(activation);
  return parseActivation({
    kind: "scaled",
    factor: typeof factor === "number" ? factor * inner : factor,
    activation: plain,
  });
}

/**
 * α and σ of an activation ασ; α is 1 where it has no factor.
 *
 * @param activation  any activation
 */
export function unscaled(activation: Activation): { factor: number; activation: PlainActivation } {
  return activation?.kind === "scaled" ? activation : { factor: 1, activation };
}

/**
 * The continuous function through the knots, linear between them and constant beyond the first and the last.
 *
 * @param knots  pairs [t, σ(t)], t strictly increasing, at least two
 * @throws {SpecError} with the path of the wrong knot
 * @example piecewiseLinear([[0.5, -2.5], [1.5, 7.5]]) // the unit of figure 1 of Mei, Montanari, Nguyen, PNAS 2018
 */
export function piecewiseLinear(knots: readonly (readonly [number, number])[]): Activation {
  return parseActivation({ kind: "piecewiseLinear", knots });
}

/**
 * A user's own function as a table: cubic Hermite between the points of a uniform grid, linear beyond its ends.
 *
 * The error is h⁴/384 · max|fn⁗| for a smooth function. Slopes come from `derivative`, or from `fn` by central differences
 * of step h/2 extrapolated once (one-sided of step h/4 at the ends), which is of the same order. A function with kinks
 * belongs in `piecewiseLinear`.
 *
 * @param fn       the function; called only inside [from, to]
 * @param options  from, to: the ends; points: number of grid points; derivative: fn′ where it is known
 * @throws {SpecError} when the grid is empty or the function is not finite on it
 */
export function tabulate(
  fn: (t: number) => number,
  options: { from: number; to: number; points: number; derivative?: (t: number) => number },
): Activation {
  if (typeof fn !== "function") throw new SpecError("fn", fn, "a function of one number");
  const { from, to, points, derivative } = parseSpec(tabulateOptions, options, "options");
  const h = (to - from) / (points - 1);
  const evaluate = (f: (t: number) => number, name: string, t: number): number => {
    const value = f(t);
    if (!Number.isFinite(value)) throw new SpecError(`${name}(${t})`, value, "a finite number on [from, to]");
    return value;
  };
  const at = (t: number): number => evaluate(fn, "fn", t);
  const values = new Float64Array(points);
  const slopes = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    const t = i === points - 1 ? to : from + i * h;
    values[i] = at(t);
    if (derivative) slopes[i] = evaluate(derivative, "derivative", t);
    else if (i === 0) slopes[i] = endSlope(at, t, h / 4);
    else if (i === points - 1) slopes[i] = endSlope(at, t, -h / 4);
    else slopes[i] = centralSlope(at, t, h / 2);
  }
  return parseActivation({ kind: "table", from, to, values: tensor(values), slopes: tensor(slopes) });
}

/**
 * The activation and its derivative in plain TypeScript. At a kink the derivative is the one from the left: σ′ counts the
 * slope jumps of the knots strictly below t, so relu has σ′(0) = 0 and the kernels compare by t > knot.
 *
 * @param activation  any activation
 */
export function activationFunctions(activation: Activation): ActivationFunctions {
  switch (activation.kind) {
    case "relu":
      return { value: (t) => Math.max(t, 0), derivative: (t) => (t > 0 ? 1 : 0) };
    case "leakyRelu": {
      const { slope } = activation;
      return { value: (t) => (t > 0 ? t : slope * t), derivative: (t) => (t > 0 ? 1 : slope) };
    }
    case "truncatedRelu":
      return { value: (t) => (t > 0 ? Math.min(t, 1) : 0), derivative: (t) => (t > 0 && t <= 1 ? 1 : 0) };
    case "tanh":
      return {
        value: tanhOf,
        derivative: (t) => {
          const s = tanhOf(t);
          return (1 - s) * (1 + s);
        },
      };
    case "erf":
      return { value: erfOf, derivative: (t) => TWO_OVER_ROOT_PI * exp(-t * t) };
    case "logistic":
      return { value: (t) => logisticOf(2 * t), derivative: (t) => 2 * logisticOf(2 * t) * logisticOf(-2 * t) };
    case "softplus":
      return { value: log1pExp, derivative: logisticOf };
    case "silu":
      return {
        value: (t) => t * logisticOf(t),
        derivative: (t) => logisticOf(t) * (1 + t * logisticOf(-t)),
      };
    case "cosine":
      return { value: cos, derivative: (t) => -sin(t) };
    case "identity":
      return { value: (t) => t, derivative: () => 1 };
    case "square":
      return { value: (t) => t * t, derivative: (t) => 2 * t };
    case "piecewiseLinear":
      return knotFunctions(activation.knots);
    case "table":
      return tableFunctions(activation);
    case "scaled": {
      const { factor } = activation;
      const { value, derivative } = activationFunctions(activation.activation);
      return { value: (t) => factor * value(t), derivative: (t) => factor * derivative(t) };
    }
  }
}

/**
 * The activation as a sum of hinges, or null when it is not piecewise linear.
 *
 * @param activation  any activation
 */
export function piecewiseLinearForm(activation: Activation): PiecewiseLinearForm | null {
  const form = (constant: number, slope: number, knots: number[], jumps: number[]): PiecewiseLinearForm => {
    return { constant, slope, knots: Float64Array.from(knots), jumps: Float64Array.from(jumps) };
  };
  switch (activation.kind) {
    case "relu":
      return form(0, 0, [0], [1]);
    case "leakyRelu":
      return form(0, activation.slope, [0], [1 - activation.slope]);
    case "truncatedRelu":
      return form(0, 0, [0, 1], [1, -1]);
    case "identity":
      return form(0, 1, [], []);
    case "piecewiseLinear": {
      const { knots } = activation;
      const slopes = [0, ...segmentSlopes(knots), 0];
      return form(
        knots[0]![1],
        0,
        knots.map(([t]) => t),
        knots.map((_, j) => slopes[j + 1]! - slopes[j]!),
      );
    }
    case "scaled": {
      const plain = piecewiseLinearForm(activation.activation);
      const times = (x: number) => activation.factor * x;
      return plain && form(times(plain.constant), times(plain.slope), [...plain.knots], [...plain.jumps].map(times));
    }
    default:
      return null;
  }
}

/**
 * Whether σ has a second derivative, so that a flow can be linearised about it; that of a table is piecewise linear.
 *
 * @param activation  any activation
 */
export function isSmooth(activation: Activation): boolean {
  const { kind } = unscaled(activation).activation;
  return kind !== "relu" && kind !== "leakyRelu" && kind !== "truncatedRelu" && kind !== "piecewiseLinear";
}

/**
 * Whether σ′ vanishes on an interval, so that units can be flat there and a loop may skip them.
 *
 * @param activation  any activation
 */
export function isFlatSomewhere(activation: Activation): boolean {
  switch (activation.kind) {
    case "relu":
    case "truncatedRelu":
    case "piecewiseLinear":
      return true;
    case "scaled":
      return isFlatSomewhere(activation.activation);
    case "leakyRelu":
      return activation.slope === 0;
    case "table": {
      const values = activation.values.data;
      const slopes = activation.slopes.data;
      if (slopes[0] === 0 || slopes[slopes.length - 1] === 0) return true;
      return values.some((x, i) => i > 0 && x === values[i - 1] && slopes[i] === 0 && slopes[i - 1] === 0);
    }
    default:
      return false;
  }
}

const finite = number("a finite number");

const pair = v.pipe(
  v.custom<[number, number]>(
    (x) => Array.isArray(x) && x.length === 2 && Number.isFinite(x[0]) && Number.isFinite(x[1]),
    "a pair of finite numbers [t, σ(t)]",
  ),
  v.transform(([t, s]): [number, number] => [t + 0, s + 0]),
);

const piecewiseLinearSchema = object("a piecewise-linear activation", {
  kind: kind("piecewiseLinear"),
  knots: refined(list("a list of at least two knots [t, σ(t)]", pair, 2), (knots) => {
    for (let j = 1; j < knots.length; j++) {
      if (knots[j]![0] <= knots[j - 1]![0]) {
        throw new SpecError(`[${j}][0]`, knots[j]![0], `more than the knot before it, ${knots[j - 1]![0]}`);
      }
    }
    segmentSlopes(knots).forEach((slope, j) => {
      if (!Number.isFinite(slope))
        throw new SpecError(`[${j + 1}]`, knots[j + 1], "a finite slope from the knot before it");
    });
    return knots;
  }),
});

const POINTS = 1048576;

const tableSchema = refined(
  object("a table", {
    kind: kind("table"),
    from: finite,
    to: finite,
    values: array("a list of at least two values", 1),
    slopes: array("a list of as many slopes as values", 1),
  }),
  (table) => {
    const n = table.values.data.length;
    if (table.to <= table.from) throw new SpecError("to", table.to, `more than from = ${table.from}`);
    if (n < 2 || n > POINTS) throw new SpecError("values", table.values.data, `2 to ${POINTS} values`);
    if (table.slopes.data.length !== n) throw new SpecError("slopes", table.slopes.data, `${n} slopes, one a value`);
    return table;
  },
);

const plainSchemas = {
  relu: object("relu", { kind: kind("relu") }),
  leakyRelu: object("leaky relu", { kind: kind("leakyRelu"), slope: finite }),
  truncatedRelu: object("truncated relu", { kind: kind("truncatedRelu") }),
  tanh: object("tanh", { kind: kind("tanh") }),
  erf: object("erf", { kind: kind("erf") }),
  logistic: object("logistic", { kind: kind("logistic") }),
  softplus: object("softplus", { kind: kind("softplus") }),
  silu: object("silu", { kind: kind("silu") }),
  cosine: object("cosine", { kind: kind("cosine") }),
  identity: object("identity", { kind: kind("identity") }),
  square: object("square", { kind: kind("square") }),
  piecewiseLinear: piecewiseLinearSchema,
  table: tableSchema,
};

/** Schema of an activation. */
export const activationSchema: Schema<Activation> = oneOf(
  "an activation",
  {
    ...plainSchemas,
    scaled: object("a scaled activation", {
      kind: kind("scaled"),
      factor: number("a number other than 0", (x) => x !== 0),
      activation: oneOf(
        "an activation without a factor",
        plainSchemas,
        "scaled(activation, factor) multiplies factors.",
      ),
    }),
  },
  "Call the factory, as in relu(), or put your own function in a table: tabulate(fn, { from, to, points }).",
);

/**
 * An activation, checked and normalised.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseActivation(value: unknown, path = "activation"): Activation {
  return parseSpec(activationSchema, value, path);
}

const optionalFunction = v.optional(
  v.custom<(t: number) => number>((x) => typeof x === "function", "a function of one number"),
);

const tabulateOptions = refined(
  object("options { from, to, points }", {
    from: finite,
    to: finite,
    points: number(`an integer from 2 to ${POINTS}`, (x) => Number.isInteger(x) && x >= 2 && x <= POINTS),
    derivative: optionalFunction,
  }),
  (options) => {
    if (options.to <= options.from) throw new SpecError("to", options.to, `more than from = ${options.from}`);
    return options;
  },
);

const TWO_OVER_ROOT_PI = 1.1283791670955126;

// (4 D(δ/2) − D(δ))/3 of the central difference D: error δ⁴ f⁽⁵⁾/480.
function centralSlope(f: (t: number) => number, t: number, delta: number): number {
  const wide = (f(t + delta) - f(t - delta)) / (2 * delta);
  const narrow = (f(t + delta / 2) - f(t - delta / 2)) / delta;
  return (4 * narrow - wide) / 3;
}

// Five points on one side: error δ⁴ f⁽⁵⁾/5.
function endSlope(f: (t: number) => number, t: number, delta: number): number {
  const ahead = (j: number): number => f(t + j * delta);
  return (-25 * ahead(0) + 48 * ahead(1) - 36 * ahead(2) + 16 * ahead(3) - 3 * ahead(4)) / (12 * delta);
}

function segmentSlopes(knots: readonly (readonly [number, number])[]): number[] {
  return knots.slice(1).map(([t, s], j) => (s - knots[j]![1]) / (t - knots[j]![0]));
}

function knotFunctions(knots: readonly (readonly [number, number])[]): ActivationFunctions {
  const slopes = segmentSlopes(knots);
  const last = knots.length - 1;
  // Number of knots strictly below t.
  const below = (t: number): number => {
    let count = 0;
    while (count <= last && t > knots[count]![0]) count++;
    return count;
  };
  return {
    value: (t) => {
      const j = below(t);
      if (j === 0) return Number.isNaN(t) ? t : knots[0]![1];
      if (j > last) return knots[last]![1];
      return knots[j - 1]![1] + slopes[j - 1]! * (t - knots[j - 1]![0]);
    },
    derivative: (t) => {
      const j = below(t);
      return j === 0 || j > last ? 0 : slopes[j - 1]!;
    },
  };
}

function tableFunctions({ from, to, values, slopes }: Extract<Activation, { kind: "table" }>): ActivationFunctions {
  const f = values.data;
  const g = slopes.data;
  const last = f.length - 1;
  const h = (to - from) / last;
  return {
    value: (t) => {
      if (t <= from) return f[0]! + g[0]! * (t - from);
      if (t >= to) return f[last]! + g[last]! * (t - to);
      const u = (t - from) / h;
      const i = Math.min(Math.floor(u), last - 1);
      const s = u - i;
      const rise = f[i + 1]! - f[i]!;
      const left = h * g[i]! - rise;
      const right = rise - h * g[i + 1]!;
      return f[i]! + s * (rise + (1 - s) * (left * (1 - s) + right * s));
    },
    derivative: (t) => {
      if (t <= from) return g[0]!;
      if (t >= to) return g[last]!;
      const u = (t - from) / h;
      const i = Math.min(Math.floor(u), last - 1);
      const s = u - i;
      const rise = f[i + 1]! - f[i]!;
      const left = h * g[i]! - rise;
      const right = rise - h * g[i + 1]!;
      return (rise + (1 - s) * (1 - 3 * s) * left + s * (2 - 3 * s) * right) / h;
    },
  };
}
