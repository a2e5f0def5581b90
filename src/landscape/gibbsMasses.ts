// Masses of basins under Gibbs' law exp(−U/τ), by quadrature.                                    theory §10; docs/regularisation.md

import { SpecError } from "../engine/errors";
import { exp, log } from "../engine/math";
import { type Box, readBoxes } from "../measure/boxMasses";
import { gaussLegendre } from "../model/gauss";
import { type Potential, parsePotential, potentialFunctions } from "../model/potential";
import { isRecord } from "../model/spec";

/** What masses are asked of. */
export interface GibbsOptions {
  /** τ; ε/2 for the law exp(−2L/ε) */
  temperature: number;
  /** Ends [from, to] of each of the one or two coordinates; what lies beyond is taken to have no mass. */
  domain: readonly [number, number] | readonly (readonly [number, number])[];
  /** Boxes whose masses are asked for, [from, to] along each coordinate, null for no end. */
  boxes: readonly Box[];
  /** Of the masses (1e-12). */
  tolerance?: number;
}

/** Masses under Gibbs' law. */
export interface GibbsMasses {
  /** Of each box. */
  masses: Float64Array;
  /** log ∫ exp(−U/τ) over the domain */
  logPartition: number;
  /** Largest change of a mass, or relative change of ∫ exp(−U/τ), on the last halving of the panels. */
  error: number;
  /** Whether it is below the tolerance, or below round-off. */
  converged: boolean;
}

/** Points of a panel. */
const RULE = 8;
/** Most evaluations of U on the line and in the plane. */
const MOST = [2 ** 18, 2 ** 21] as const;
/** Evaluations between two looks at the clock. */
const STRETCH = 1024;
const ROUND_OFF = 1e-14;

/** See the function of the same name in src/landscape/onDemand.ts. */
export function* gibbsMasses(potential: Potential, options: GibbsOptions): Generator<void, GibbsMasses, void> {
  const { value } = potentialFunctions(parsePotential(potential));
  if (!isRecord(options)) throw new SpecError("options", options, "options { temperature, domain, boxes }");
  const { temperature, tolerance = 1e-12 } = options;
  if (!(temperature > 0 && temperature <= 1e100)) throw new SpecError("temperature", temperature, "a number τ > 0");
  if (!(tolerance > 0 && tolerance < 1)) throw new SpecError("tolerance", tolerance, "a number in (0, 1)");
  const domain = readDomain(options.domain);
  const boxes = readBoxes(options.boxes, domain.length);
  const walls = domain.map((ends, j) =>
    wallsOf(
      ends,
      boxes.map((box) => box[j]!),
    ),
  );
  let before: { masses: Float64Array; logPartition: number } | null = null;
  let error = Number.POSITIVE_INFINITY;
  for (let panels = 16; ; panels *= 2) {
    const axes = walls.map((cuts) => ruleOf(cuts, panels));
    if (before !== null && axes.reduce((product, { nodes }) => product * nodes.length, 1) > MOST[domain.length - 1]!) {
      return { ...before, error, converged: error <= Math.max(tolerance, ROUND_OFF) };
    }
    const found = yield* sums(value, axes, boxes, temperature);
    if (before !== null) {
      error = Math.abs(found.logPartition - before.logPartition);
      found.masses.forEach((mass, k) => {
        error = Math.max(error, Math.abs(mass - before!.masses[k]!));
      });
      if (error <= Math.max(tolerance, ROUND_OFF)) return { ...found, error, converged: true };
    }
    before = found;
  }
}

function readDomain(value: GibbsOptions["domain"]): [number, number][] {
  const flat = Array.isArray(value) && value.length === 2 && typeof value[0] === "number";
  const domain = (flat ? [value] : value) as unknown;
  if (!Array.isArray(domain) || domain.length < 1 || domain.length > 2) {
    throw new SpecError("domain", value, "[from, to], or one such pair for each of one or two coordinates");
  }
  return domain.map((pair: unknown, j) => {
    const [from, to] = Array.isArray(pair) && pair.length === 2 ? (pair as [unknown, unknown]) : [null, null];
    const isRange = typeof from === "number" && typeof to === "number" && from < to && to - from < 1e100;
    if (!isRange) throw new SpecError(flat ? "domain" : `domain[${j}]`, pair, "finite [from, to] with from < to");
    return [from, to];
  });
}

// Ends of the domain, and those of boxes within it, ascending.
function wallsOf([from, to]: [number, number], ends: readonly [number, number][]): number[] {
  const inside = ends.flat().filter((x) => x > from && x < to);
  return [...new Set([from, ...inside, to])].sort((a, b) => a - b);
}

interface Rule {
  nodes: Float64Array;
  weights: Float64Array;
}

// Gauss's rule on panels of equal width between each two walls, at least `panels` in all.
function ruleOf(walls: readonly number[], panels: number): Rule {
  const { nodes, weights } = gaussLegendre(RULE);
  const all = walls[walls.length - 1]! - walls[0]!;
  const x: number[] = [];
  const w: number[] = [];
  for (let k = 0; k + 1 < walls.length; k++) {
    const width = walls[k + 1]! - walls[k]!;
    const count = Math.max(1, Math.ceil((panels * width) / all));
    for (let panel = 0; panel < count; panel++) {
      for (let i = 0; i < RULE; i++) {
        x.push(walls[k]! + ((panel + nodes[i]!) / count) * width);
        w.push((weights[i]! * width) / count);
      }
    }
  }
  return { nodes: Float64Array.from(x), weights: Float64Array.from(w) };
}

function* sums(
  value: (theta: Float64Array) => number,
  axes: readonly Rule[],
  boxes: readonly [number, number][][],
  temperature: number,
): Generator<void, { masses: Float64Array; logPartition: number }, void> {
  const [first, second] = axes as [Rule, Rule | undefined];
  const columns = second ? second.nodes.length : 1;
  const energies = new Float64Array(first.nodes.length * columns);
  const theta = new Float64Array(axes.length);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0, at = 0; i < first.nodes.length; i++) {
    for (let j = 0; j < columns; j++, at++) {
      theta[0] = first.nodes[i]!;
      if (second) theta[1] = second.nodes[j]!;
      const energy = value(theta);
      if (!(energy > Number.NEGATIVE_INFINITY)) {
        throw new SpecError("potential", energy, `a number at θ = [${Array.from(theta).join(", ")}]`);
      }
      energies[at] = energy;
      least = Math.min(least, energy);
    }
    if (at % STRETCH < columns) yield;
  }
  if (least === Number.POSITIVE_INFINITY)
    throw new SpecError("potential", least, "a finite number somewhere in the domain");
  const inside = boxes.map((box) =>
    box.map(([from, to], k) => axes[k]!.nodes.map((x) => (x > from && x < to ? 1 : 0))),
  );
  const parts = new Float64Array(boxes.length);
  let total = 0;
  for (let i = 0, at = 0; i < first.nodes.length; i++) {
    const rows = new Float64Array(boxes.length);
    let row = 0;
    for (let j = 0; j < columns; j++, at++) {
      const mass = (second ? second.weights[j]! : 1) * exp((least - energies[at]!) / temperature);
      row += mass;
      for (let k = 0; k < boxes.length; k++) if (!second || inside[k]![1]![j] === 1) rows[k]! += mass;
    }
    total += first.weights[i]! * row;
    for (let k = 0; k < boxes.length; k++) if (inside[k]![0]![i] === 1) parts[k]! += first.weights[i]! * rows[k]!;
    if (at % STRETCH < columns) yield;
  }
  return { masses: parts.map((part) => part / total), logPartition: log(total) - least / temperature };
}
