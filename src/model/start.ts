// Starts: the law ρ_0 of the parameters, or the parameters themselves.                                 theory §5

import { SpecError } from "../engine/errors";
import { probabilities } from "./probabilities";
import {
  array,
  either,
  isRecord,
  kind,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  parseSpec,
  refined,
  type Schema,
} from "./spec";
import { type Tensor, type TensorLike, tensor } from "./tensor";

/** Law of a or b: a number, or a normal law. */
export type Spread = number | { mean: number; deviation: number };

/** Law of a radius: a point, a normal law conditioned to be positive, or a uniform law. */
export type RadiusLaw = number | { mean: number; deviation: number } | { from: number; to: number };

/** Where the parameters start, as plain JSON; a and b are there when, and only when, the unit is affine. */
export type Start =
  | { kind: "gaussian"; radius: number; a?: Spread; b?: Spread }
  | { kind: "normal"; w: Spread; a?: Spread; b?: Spread }
  | { kind: "radii"; r1: RadiusLaw; r2: RadiusLaw | null; a?: Spread; b?: Spread }
  | { kind: "particles"; theta: Tensor<"f64"> }
  | { kind: "grid"; edges: Tensor<"f64">[]; masses: Tensor<"f64"> };

/**
 * Independent Gaussian parameters: w ~ N(0, κ²/d I), so that |w| is about κ, or each w_j of a given normal law.
 *
 * @param options  radius: κ > 0; or in its place w: a number or { mean, deviation }, of every w_j; a, b: of an affine unit,
 *                 a number or { mean, deviation } (a = 1, b = 0)
 * @throws {SpecError} with the path of the wrong field
 * @see theory §5
 */
export function gaussian(
  options: ({ radius: number; w?: never } | { w: Spread; radius?: never }) & { a?: Spread; b?: Spread },
): Start {
  const { radius, w } = options ?? {};
  if (radius !== undefined && w !== undefined) {
    throw new SpecError("start.radius", radius, "either a radius or the law of w, not both");
  }
  return parseStart({ kind: w === undefined ? "gaussian" : "normal", ...options });
}

/**
 * A density on a grid of one or two parameters: masses of cells, spread evenly in each.
 *
 * @param options  edges: one ascending list a parameter, in the order of θ; masses: of the cells, row-major, non-negative,
 *                 divided by their sum
 * @throws {SpecError} with the path of the wrong field
 * @see theory §7
 */
export function densityStart(options: { edges: readonly TensorLike[]; masses: TensorLike }): Start {
  return parseStart({ kind: "grid", ...options });
}

/**
 * w of given radii and uniform directions: r1 = |P w| on the signal space and r2 = |(I − P) w| beside it; r1 = |w| and
 * r2 = null where the signal space is the whole space or the law has none.
 *
 * @param options  r1, r2: a number, { mean, deviation } (normal, conditioned to be positive) or { from, to } (uniform);
 *                 a, b: as in `gaussian`
 * @throws {SpecError} with the path of the wrong field
 * @see theory §5
 */
export function radii(options: { r1: RadiusLaw; r2?: RadiusLaw | null; a?: Spread; b?: Spread }): Start {
  return parseStart({ kind: "radii", ...options });
}

/**
 * The parameters themselves.
 *
 * @param theta  [N, D], a neuron a row: w for a ridge unit, (a, b, w) for an affine one
 * @throws {SpecError} with the path of the wrong field
 */
export function particles(theta: TensorLike): Start {
  return parseStart({ kind: "particles", theta });
}

const finite = number("a finite number");
const radius = number("a non-negative number", (x) => x >= 0);
const positive = number("a positive number", (x) => x > 0);

const normal = object("a normal law { mean, deviation }", {
  mean: finite,
  deviation: number("a non-negative number", (x) => x >= 0),
});

const spread = either<Spread>("a number or { mean, deviation }", (x) =>
  typeof x === "number" ? finite : isRecord(x) ? normal : null,
);

const radiusLaw = either<RadiusLaw>("a number, { mean, deviation } or { from, to }", (x) =>
  typeof x === "number" ? radius : isRecord(x) ? ("from" in x || "to" in x ? uniformRadius : normalRadius) : null,
);

const normalRadius = object("a normal law { mean, deviation }", { mean: radius, deviation: positive });

const uniformRadius = refined(
  object("a uniform law { from, to }", { from: radius, to: positive }),
  (law): { from: number; to: number } => {
    if (law.to <= law.from) throw new SpecError("to", law.to, `more than from = ${law.from}`);
    return law;
  },
);

/** Schema of a start. */
export const startSchema: Schema<Start> = oneOf(
  "a start",
  {
    gaussian: refined(
      object("a Gaussian start", {
        kind: kind("gaussian"),
        radius: positive,
        a: optional(spread),
        b: optional(spread),
      }),
      withoutAbsent,
    ),
    radii: refined(
      object("a start of given radii", {
        kind: kind("radii"),
        r1: radiusLaw,
        r2: orNull(radiusLaw),
        a: optional(spread),
        b: optional(spread),
      }),
      withoutAbsent,
    ),
    normal: refined(
      object("a Gaussian start", { kind: kind("normal"), w: spread, a: optional(spread), b: optional(spread) }),
      withoutAbsent,
    ),
    grid: refined(
      object("a density on a grid", {
        kind: kind("grid"),
        edges: list("one or two lists of edges", array("an array of edges", 1)),
        masses: array("an array of masses", 1, 2),
      }),
      checkedGrid,
    ),
    particles: object("given particles", { kind: kind("particles"), theta: array("an array of shape [N, D]", 2) }),
  },
  "Put your own particles in particles(theta).",
);

/**
 * A start, checked and normalised.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseStart(value: unknown, path = "start"): Start {
  return parseSpec(startSchema, value, path);
}

function checkedGrid(start: { kind: "grid"; edges: Tensor<"f64">[]; masses: Tensor<"f64"> }): Start {
  const { kind, edges, masses } = start;
  if (edges.length > 2) throw new SpecError("edges", edges.length, "one or two lists of edges");
  edges.forEach(({ data }, axis) => {
    if (data.length < 2) throw new SpecError(`edges[${axis}]`, data, "two or more edges");
    const bad = data.findIndex((edge, i) => i > 0 && edge <= data[i - 1]!);
    if (bad > 0) throw new SpecError(`edges[${axis}][${bad}]`, data[bad], "ascending edges");
  });
  const cells = edges.reduce((product, { data }) => product * (data.length - 1), 1);
  if (masses.data.length !== cells) {
    throw new SpecError("masses", masses.data, `${cells} masses, one a cell`);
  }
  return { kind, edges, masses: tensor(probabilities(masses.data, "masses")) as Tensor<"f64"> };
}

// JSON drops what is undefined, so a spec must not have it.
function withoutAbsent<T extends { a?: Spread; b?: Spread }>({ a, b, ...rest }: T): Omit<T, "a" | "b"> & T {
  return { ...rest, ...(a !== undefined && { a }), ...(b !== undefined && { b }) } as T;
}
