// The trace of a symmetric operator by Hutch++: exactly on the range of a sketch, by random signs on the rest.               theory §11
//
//   Q = orth(A S),   Tr A = Tr QᵀAQ + Tr PAP ≈ Tr QᵀAQ + (1/g) Σ gᵀ P A P g,   P = 1 − QQᵀ,   g of signs ±1

import { PURPOSE_PROBE } from "../../assembly/layout";
import type { Work } from "../measure/cells";
import { dot, normalise, orthogonalise } from "../model/vectors";
import { stream } from "../random/stream";
import { checkOperator, type Operator, product } from "./operator";
import { checkInteger } from "./options";

/** Of `traceOf`. */
export interface TraceOptions {
  /** with the operator, a third each for the sketch, its range and the rest (90); p or more make it exact */
  products?: number;
  /** of the random signs (0) */
  seed?: number;
  signal?: AbortSignal;
}

/** A trace, and how well it is known. */
export interface Trace {
  value: number;
  /** of the part that was sampled; 0 where it is exact */
  standardError: number;
  /** "exact", a product a coordinate, or "hutch++" */
  method: string;
  /** products with the operator */
  products: number;
}

/** See `traceOf` in src/landscape/onDemand.ts. */
export function* trace(operator: Operator, options: TraceOptions = {}): Work<Trace> {
  const p = checkOperator(operator).size;
  const { products = 90, seed = 0 } = options;
  checkInteger("products", products, 6, 1e9, "products with the operator");
  const w = new Float64Array(p);
  let value = 0;
  if (p <= products) {
    const e = new Float64Array(p);
    for (let i = 0; i < p; i++) {
      e[i] = 1;
      product(operator, e, w);
      e[i] = 0;
      value += w[i]!;
      yield undefined;
    }
    return { value, standardError: 0, method: "exact", products: p };
  }
  const random = stream(seed, { purpose: PURPOSE_PROBE, replica: 2 });
  const signs = (step: number): Float64Array => {
    const words = random.words(p, { step });
    return Float64Array.from(words, (word) => (word >>> 31 === 0 ? 1 : -1));
  };
  const third = Math.floor(products / 3);
  const basis: Float64Array[] = [];
  let made = 0;
  for (let step = 0; step < third; step++) {
    const column = new Float64Array(p);
    product(operator, signs(step), column);
    made++;
    const size = normalise(column);
    yield undefined;
    if (size === 0) continue;
    orthogonalise(column, basis);
    // a column within the others, but for round-off, adds nothing
    if (normalise(column) < 1e-12) continue;
    basis.push(column);
  }
  for (const q of basis) {
    product(operator, q, w);
    made++;
    value += dot(q, w);
    yield undefined;
  }
  const rest = products - 2 * third;
  const each = new Float64Array(rest);
  for (let i = 0; i < rest; i++) {
    const g = signs(third + i);
    orthogonalise(g, basis);
    product(operator, g, w);
    made++;
    each[i] = dot(g, w);
    yield undefined;
  }
  const mean = each.reduce((sum, x) => sum + x, 0) / rest;
  const spread = each.reduce((sum, x) => sum + (x - mean) * (x - mean), 0);
  return {
    value: value + mean,
    standardError: Math.sqrt(spread / (rest - 1) / rest),
    method: "hutch++",
    products: made,
  };
}
