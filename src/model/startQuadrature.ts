// Weighted particles for the law ρ_0 of a start: a quadrature of it, so that μ⁰ has no sampling error of its own.         theory §8
//
// One or two normals a neuron: the product Gauss–Hermite rule. More: scrambled Sobol points. A density on a grid: Gauss–Legendre in
// each cell. Given particles are their own law.

import { PURPOSE_QUADRATURE } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { gaussHermite, gaussLegendre } from "./gauss";
import type { Rule } from "./hermite";
import { isInfinite, lawDimension } from "./law";
import { startMap } from "./particles";
import type { Problem } from "./problem";
import { MOST_DIMENSIONS, MOST_ON_AN_AXIS } from "./quadratureSize";
import { sobolNormals } from "./sobol";
import type { RadiusLaw, Spread, Start } from "./start";
import { parameterDimension } from "./unit";

/** A law of parameters as weighted points. */
export interface StartRule {
  /** [M, D], row-major */
  theta: Float64Array;
  /** [M], positive, sum 1 */
  masses: Float64Array;
  /** How they were found, in words. */
  method: string;
}

/**
 * A quadrature of a problem's start.
 *
 * @param particles  how many points; fewer where a product rule has fewer, or nodes of next to no mass; those that are given, or one
 *                   for a single point
 * @throws {SpecError} where a neuron starts from more random numbers than there are Sobol dimensions
 * @see docs/fluctuations.md
 */
export function startQuadrature(problem: Problem, particles: number): StartRule {
  const { start, unit, law } = problem;
  if (isInfinite(law)) throw new SpecError("problem.law.dimension", "infinite", "a finite dimension");
  if (start.kind === "particles") {
    const n = start.theta.shape[0]!;
    return {
      theta: start.theta.data.slice(),
      masses: new Float64Array(n).fill(1 / n),
      method: "the start's particles",
    };
  }
  if (start.kind === "grid") return cellRule(start, particles);

  const { w, a, b, place } = startMap(problem);
  const D = parameterDimension(unit, lawDimension(law));
  // which normals of (w, a, b) the start feels
  const axes = [
    ...weightAxes(start, w),
    ...spreadAxes(start.a, a).map((j) => w + j),
    ...spreadAxes(start.b, b).map((j) => w + a + j),
  ];
  const { nodes, masses, method } = normalRule(start, axes.length, particles);
  const normals = new Float64Array(w + a + b);
  const theta = new Float64Array(masses.length * D);
  for (let i = 0; i < masses.length; i++) {
    axes.forEach((axis, j) => void (normals[axis] = nodes[i * axes.length + j]!));
    const row = theta.subarray(i * D, (i + 1) * D);
    place(normals.subarray(0, w), normals.subarray(w, w + a), normals.subarray(w + a), row);
  }
  return { theta, masses, method };
}

type Law = Exclude<Start, { kind: "particles" | "grid" }>;

/** Nodes of less mass than this are left out. */
const NEGLIGIBLE = 1e-20;

function normalRule(
  start: Law,
  axes: number,
  particles: number,
): { nodes: Float64Array; masses: Float64Array; method: string } {
  if (axes === 0) return { nodes: new Float64Array(0), masses: Float64Array.of(1), method: "a single point" };
  // directions of given radii are not smooth in the normals
  if (axes <= 2 && start.kind !== "radii") {
    const side = Math.max(1, Math.min(MOST_ON_AN_AXIS, Math.floor(axes === 1 ? particles : Math.sqrt(particles))));
    const rule = heavy(gaussHermite(side));
    const product = axes === 1 ? asProduct(rule) : heavyProduct(rule);
    return { ...product, method: `Gauss quadrature, ${product.masses.length} particles` };
  }
  if (axes > MOST_DIMENSIONS) {
    throw new SpecError(
      "reference",
      "quadrature",
      `a start of at most ${MOST_DIMENSIONS} random numbers a neuron, not ${axes}`,
      'Take reference: "sample".',
    );
  }
  return {
    nodes: sobolNormals(particles, axes, { seed: 0, purpose: PURPOSE_QUADRATURE }),
    masses: new Float64Array(particles).fill(1 / particles),
    method: `Sobol points, ${particles} particles`,
  };
}

function heavy({ nodes, weights }: Rule): Rule {
  const kept = nodes.map((_, i) => i).filter((i) => weights[i]! > NEGLIGIBLE);
  return { nodes: kept.map((i) => nodes[i]!), weights: kept.map((i) => weights[i]!) };
}

function asProduct({ nodes, weights }: Rule): { nodes: Float64Array; masses: Float64Array } {
  return { nodes, masses: normalised(weights) };
}

function heavyProduct({ nodes, weights }: Rule): { nodes: Float64Array; masses: Float64Array } {
  const places: number[] = [];
  const masses: number[] = [];
  nodes.forEach((x, i) => {
    nodes.forEach((y, j) => {
      const mass = weights[i]! * weights[j]!;
      if (mass <= NEGLIGIBLE) return;
      places.push(x, y);
      masses.push(mass);
    });
  });
  return { nodes: Float64Array.from(places), masses: normalised(Float64Array.from(masses)) };
}

function normalised(masses: Float64Array): Float64Array {
  const sum = masses.reduce((total, mass) => total + mass, 0);
  return masses.map((mass) => mass / sum);
}

function weightAxes(start: Law, w: number): number[] {
  const d = w - 2;
  const all = Array.from({ length: d }, (_, j) => j);
  switch (start.kind) {
    case "gaussian":
      return all;
    case "normal":
      return typeof start.w === "number" || start.w.deviation === 0 ? [] : all;
    case "radii":
      return [...all, ...radiusAxes(start.r1, d), ...radiusAxes(start.r2, d + 1)];
  }
}

function radiusAxes(law: RadiusLaw | null, axis: number): number[] {
  return law === null || typeof law === "number" ? [] : [axis];
}

function spreadAxes(law: Spread | undefined, count: number): number[] {
  if (law === undefined || typeof law === "number" || law.deviation === 0) return [];
  return Array.from({ length: count }, (_, j) => j);
}

// A density that is even in each cell: Gauss–Legendre points in every cell that has mass.
function cellRule({ edges, masses }: Extract<Start, { kind: "grid" }>, particles: number): StartRule {
  const D = edges.length;
  const cells = masses.data;
  const columns = D === 1 ? 1 : edges[1]!.data.length - 1;
  const full = cells.reduce((count, mass) => count + (mass > 0 ? 1 : 0), 0);
  const each = particles / full;
  const side = Math.max(1, Math.min(8, Math.floor(D === 1 ? each : Math.sqrt(each))));
  const { nodes, weights } = gaussLegendre(side);
  const inner = D === 1 ? 1 : side;
  const theta: number[] = [];
  const points: number[] = [];
  const at = (axis: number, cell: number, u: number): number => {
    const { data } = edges[axis]!;
    return data[cell]! + u * (data[cell + 1]! - data[cell]!);
  };
  cells.forEach((mass, cell) => {
    if (mass === 0) return;
    const column = cell % columns;
    const row = (cell - column) / columns;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < inner; j++) {
        theta.push(at(0, row, nodes[i]!));
        if (D === 2) theta.push(at(1, column, nodes[j]!));
        points.push(mass * weights[i]! * (D === 2 ? weights[j]! : 1));
      }
    }
  });
  return {
    theta: Float64Array.from(theta),
    masses: normalised(Float64Array.from(points)),
    method: `Gauss points of the cells, ${points.length} particles`,
  };
}
