// The start of a network: N parameters drawn from the start's law, particle by particle.                theory §4, §5
//
// Particle i takes its numbers from step i of the start's streams, so particle i of N = 100 starts where particle i of
// N = 200 does, in every precision and every process of the same seed.

import { PURPOSE_START_A, PURPOSE_START_B, PURPOSE_START_W } from "../../assembly/layout";
import { SpecError } from "../engine/errors";
import { normalCdf } from "../engine/math";
import { normalsOf } from "../random/stream";
import { type Law, lawDimension, rotationMatrix } from "./law";
import type { Problem } from "./problem";
import type { RadiusLaw, Spread, Start } from "./start";
import { parameterDimension, weightOffset } from "./unit";

/**
 * Draws θ_1 … θ_N of a problem's start.
 *
 * @param neurons  N
 * @param key      seed and replica
 * @returns N × D numbers, row-major, a row (a_1 … a_K, b, w) for affine units and w for ridge units
 * @throws {SpecError} where the start gives another number of particles than N
 */
export function startParticles(
  problem: Problem,
  neurons: number,
  key: { seed: number; replica: number },
): Float64Array {
  const { start, unit, law } = problem;
  const D = parameterDimension(unit, lawDimension(law));
  if (start.kind === "particles") {
    if (start.theta.shape[0] !== neurons) {
      throw new SpecError(
        "neurons",
        neurons,
        `${start.theta.shape[0]}, the number of particles of the start`,
        "Leave other numbers to the starts gaussian and radii.",
      );
    }
    return Float64Array.from(start.theta.data);
  }
  const theta = new Float64Array(neurons * D);
  const { w, a, b, place } = startMap(problem);
  for (let i = 0; i < neurons; i++) {
    const draw = (purpose: number, count: number) => normalsOf({ ...key, purpose }, { step: i, from: 0, count });
    place(
      draw(PURPOSE_START_W, w),
      draw(PURPOSE_START_A, a),
      draw(PURPOSE_START_B, b),
      theta.subarray(i * D, (i + 1) * D),
    );
  }
  return theta;
}

/** A start as a map of standard normals. */
export interface StartMap {
  /** How many normals make w, a and b; 0 where they are given numbers. */
  w: number;
  a: number;
  b: number;
  /** Writes a row θ. */
  place(w: Float64Array, a: Float64Array, b: Float64Array, row: Float64Array): void;
}

/**
 * The map from standard normals to a start's parameters.
 *
 * @param problem  whose start is a law
 */
export function startMap({ start, unit, law }: Problem): StartMap {
  if (start.kind === "particles") throw new TypeError("a law");
  const d = lawDimension(law);
  if (start.kind === "grid") {
    const point = gridPoints(start);
    return { w: parameterDimension(unit, d), a: 0, b: 0, place: (g, _a, _b, row) => point(g, row) };
  }
  const offset = weightOffset(unit);
  const outer = { a: start.a ?? 1, b: start.b ?? 0 };
  const direction = weightMap(start, law, d);
  return {
    w: d + 2,
    a: offset > 0 && typeof outer.a !== "number" ? offset - 1 : 0,
    b: offset > 0 && typeof outer.b !== "number" ? 1 : 0,
    place(g, a, b, row) {
      direction(g, row.subarray(offset));
      if (offset === 0) return;
      spread(outer.a, a, row.subarray(0, offset - 1));
      spread(outer.b, b, row.subarray(offset - 1, offset));
    },
  };
}

type WeightMap = (g: Float64Array, w: Float64Array) => void;

function weightMap(start: Exclude<Start, { kind: "particles" | "grid" }>, law: Law, d: number): WeightMap {
  switch (start.kind) {
    case "gaussian": {
      const scale = start.radius / Math.sqrt(d);
      return (g, w) => {
        for (let j = 0; j < d; j++) w[j] = scale * g[j]!;
      };
    }
    case "normal": {
      const { mean, deviation } = typeof start.w === "number" ? { mean: start.w, deviation: 0 } : start.w;
      return (g, w) => {
        for (let j = 0; j < d; j++) w[j] = mean + deviation * g[j]!;
      };
    }
    case "radii": {
      // uniform directions in V and its complement, radii by their quantile functions at Φ(g)
      const signal = law.kind === "anisotropicGaussians" ? law.signal : d;
      const rotated = law.kind === "anisotropicGaussians" && law.rotation !== "identity";
      const q = rotated ? rotationMatrix(d, (law.rotation as { seed: number }).seed) : null;
      return (g, w) => {
        direct(w, g, 0, signal, radiusQuantile(start.r1, g[d]!));
        if (signal < d) direct(w, g, signal, d, start.r2 === null ? 0 : radiusQuantile(start.r2, g[d + 1]!));
        if (q) rotate(w, q);
      };
    }
  }
}

function spread(law: Spread, g: Float64Array, out: Float64Array): void {
  if (typeof law === "number") return void out.fill(law);
  for (let k = 0; k < out.length; k++) out[k] = law.mean + law.deviation * g[k]!;
}

// Inverse distribution functions at Φ(g): of the first parameter, then of the second in the first one's cell.
function gridPoints({ edges, masses }: Extract<Start, { kind: "grid" }>): (g: Float64Array, row: Float64Array) => void {
  const size = masses.data.length;
  const columns = edges.length === 1 ? 1 : edges[1]!.data.length - 1;
  const before = new Float64Array(size + 1);
  for (let cell = 0; cell < size; cell++) before[cell + 1] = before[cell]! + masses.data[cell]!;
  return (g, row) => {
    let from = 0;
    let to = size;
    let width = columns;
    edges.forEach(({ data: axis }, j) => {
      const target = before[from]! + normalCdf(g[j]!) * (before[to]! - before[from]!);
      // the last cell with less than that before it, so that none without mass is hit
      let cell = 0;
      for (let high = (to - from) / width - 1; cell < high; ) {
        const middle = Math.ceil((cell + high) / 2);
        if (before[from + middle * width]! < target) cell = middle;
        else high = middle - 1;
      }
      const [low, high] = [before[from + cell * width]!, before[from + (cell + 1) * width]!];
      const share = high > low ? Math.min(1, Math.max(0, (target - low) / (high - low))) : 0.5;
      row[j] = axis[cell]! + share * (axis[cell + 1]! - axis[cell]!);
      from += cell * width;
      to = from + width;
      width = 1;
    });
  };
}

function direct(w: Float64Array, g: Float64Array, from: number, to: number, radius: number): void {
  let sum = 0;
  for (let j = from; j < to; j++) sum += g[j]! * g[j]!;
  const scale = sum > 0 ? radius / Math.sqrt(sum) : 0;
  for (let j = from; j < to; j++) w[j] = scale * g[j]!;
}

function rotate(w: Float64Array, q: Float64Array): void {
  const d = w.length;
  const old = w.slice();
  for (let i = 0; i < d; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += q[i * d + j]! * old[j]!;
    w[i] = sum;
  }
}

/** Quantile of a radius law at Φ(g). */
function radiusQuantile(law: RadiusLaw, g: number): number {
  if (typeof law === "number") return law;
  if ("from" in law) return law.from + (law.to - law.from) * normalCdf(g);
  return truncatedNormalQuantile(law.mean, law.deviation, normalCdf(g));
}

/** Quantile of N(mean, deviation²) cut at 0, by bisection on its distribution function. */
export function truncatedNormalQuantile(mean: number, deviation: number, p: number): number {
  const below = normalCdf(-mean / deviation);
  const target = below + p * (1 - below);
  let low = 0;
  let high = Math.max(0, mean) + 9 * deviation;
  for (let k = 0; k < 80; k++) {
    const middle = (low + high) / 2;
    if (normalCdf((middle - mean) / deviation) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
