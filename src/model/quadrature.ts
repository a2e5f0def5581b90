// A finite law in place of a sampled one: product Gauss–Hermite rules or scrambled Sobol points.               theory §4

import { PURPOSE_QUADRATURE } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { activationFunctions } from "./activation";
import { gaussHermite } from "./gauss";
import {
  type Dataset,
  dataset,
  type GaussianComponent,
  gaussianComponents,
  isInfinite,
  type Law,
  lawDimension,
  parseLaw,
  type Teacher,
  teacherNetwork,
} from "./law";
import { MOST_ATOMS, quadratureAtoms } from "./quadratureSize";
import { sobolNormals } from "./sobol";
import { choice, integer, object, optional, parseSpec, seed } from "./spec";
import { tensor } from "./tensor";

/** How a law becomes finite. */
export interface QuadratureOptions {
  /** gauss: points of the rule on each axis; sobol: points in all, best a power of two. Every component of a law gets them all. */
  points: number;
  /**
   * `gauss`: the product of Gauss–Hermite rules, exact for polynomials of degree 2 · points − 1 in each coordinate of g, where
   * x = mean + factor · g. `sobol`: scrambled Sobol points, each of the same mass.
   */
  rule: "gauss" | "sobol";
  /** scrambles the Sobol points (0) */
  seed?: number;
}

/**
 * A finite law whose means are those of the given one, to the accuracy of the rule: an input of every process that wants
 * the full gradient, and of every loss.
 *
 * Components of a mixture share the points: atom (q, c) is the point g_q carried to component c, and its mass is the
 * product of both masses, so labels keep their exact probabilities. A teacher labels its points without noise: the law has
 * the regression function as its labels, the same gradients, and a squared risk that is smaller by noise².
 *
 * @param law      anisotropic Gaussians of finite dimension, a mixture, or a teacher
 * @param options  points, rule, seed
 * @throws {SpecError} where a product rule would have too many atoms (Sobol points are the remedy), or the law has no
 *                     examples or is finite already
 * @see theory §4
 */
export function quadrature(law: Law, options: QuadratureOptions): Dataset {
  const parsed = parseLaw(law);
  const { points, rule, seed: scrambling } = parseSpec(optionsSchema, options, "options");
  const source = sourceOf(parsed);
  const d = lawDimension(parsed);
  const { nodes, masses } =
    rule === "gauss" ? productRule(points, d, source.length) : sobolRule(points, d, source.length, scrambling);
  const n = masses.length;
  const count = source.length;
  const x = new Float64Array(n * count * d);
  const y = new Float64Array(n * count);
  const weights = new Float64Array(n * count);
  for (let q = 0; q < n; q++) {
    source.forEach((component, c) => {
      const atom = q * count + c;
      place(component, nodes, q * d, d, x, atom * d);
      y[atom] = component.label;
      weights[atom] = masses[q]! * component.weight;
    });
  }
  if (parsed.kind === "teacher") labelBy(parsed, x, y);
  return dataset({ x: tensor(x, [n * count, d]), y, weights });
}

const optionsSchema = object("options { points, rule, seed }", {
  points: integer(1, MOST_ATOMS),
  rule: choice("gauss", "sobol"),
  seed: optional(seed, 0),
});

function sourceOf(law: Law): GaussianComponent[] {
  if (isInfinite(law)) {
    throw new SpecError("law.dimension", "infinite", "a finite dimension", "At d = ∞ there are no examples.");
  }
  switch (law.kind) {
    case "anisotropicGaussians":
    case "mixture":
      return gaussianComponents(law).filter(({ weight }) => weight > 0);
    case "teacher": {
      const diagonal = new Float64Array(law.dimension).fill(1);
      return [{ weight: 1, label: 0, mean: null, diagonal, factor: null }];
    }
    case "dataset":
      throw new SpecError("law.kind", law.kind, "a law that is not finite yet", "A dataset is used as it is.");
    case "none":
      throw new SpecError("law.kind", law.kind, "a law of examples");
  }
}

const PATHS = { points: "options.points", dimension: "law.dimension" };

/** Points g_q, [n, d], and their masses. */
type Points = { nodes: Float64Array; masses: Float64Array };

function productRule(points: number, d: number, components: number): Points {
  const atoms = quadratureAtoms({ points, rule: "gauss" }, d, components, PATHS);
  const axis = gaussHermite(points);
  const n = atoms / components;
  const nodes = new Float64Array(n * d);
  const masses = new Float64Array(n).fill(1);
  for (let q = 0; q < n; q++) {
    let rest = q;
    for (let k = d - 1; k >= 0; k--) {
      const i = rest % points;
      rest = (rest - i) / points;
      nodes[q * d + k] = axis.nodes[i]!;
      masses[q]! *= axis.weights[i]!;
    }
  }
  return { nodes, masses };
}

function sobolRule(points: number, d: number, components: number, scrambling: number): Points {
  quadratureAtoms({ points, rule: "sobol" }, d, components, PATHS);
  const nodes = sobolNormals(points, d, { seed: scrambling, purpose: PURPOSE_QUADRATURE });
  return { nodes, masses: new Float64Array(points).fill(1 / points) };
}

/** x = mean + factor · g. */
function place(
  { mean, diagonal, factor }: GaussianComponent,
  nodes: Float64Array,
  from: number,
  d: number,
  x: Float64Array,
  at: number,
): void {
  for (let k = 0; k < d; k++) {
    let entry = mean ? mean[k]! : 0;
    if (diagonal) entry += diagonal[k]! * nodes[from + k]!;
    else for (let j = 0; j < d; j++) entry += factor![k * d + j]! * nodes[from + j]!;
    x[at + k] = entry;
  }
}

/** y = mean_j a_j σ(⟨w_j, x⟩). */
function labelBy(law: Teacher, x: Float64Array, y: Float64Array): void {
  const { a, w } = teacherNetwork(law);
  const { value } = activationFunctions(law.activation);
  const d = law.dimension;
  for (let q = 0; q < y.length; q++) {
    let sum = 0;
    for (let j = 0; j < a.length; j++) {
      let h = 0;
      for (let k = 0; k < d; k++) h += w[j * d + k]! * x[q * d + k]!;
      sum += a[j]! * value(h);
    }
    y[q] = sum / a.length;
  }
}
