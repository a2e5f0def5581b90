// Hermite coefficients of a unit on Gaussian inputs, c_k(s, b) = E σ(sG + b) He_k(G)/√k!             theory §13
//
// Everything downstream (potentials, risks, pair kernels) needs c_k and its derivatives in s and b. All of them are
// linear in c_0 and in g_k = c_k/s = E σ'(sG + b) h_{k−1}(G)/√k  (Stein; h_k = He_k/√k!), which stay finite at s = 0:
//
//   c_k = s g_k (k ≥ 1),   ∂_s c_k = √((k+1)(k+2)) g_{k+2} + k g_k,   ∂_b c_k = √(k+1) g_{k+1}
//
// so an expansion is the list c_0, g_1, …, g_{degree+2}, and nothing is ever divided by s. Derivation: docs/radial.md.

import { cos, exp, normalCdf, normalPdf, sin } from "../engine/math";
import { type Activation, activationFunctions, piecewiseLinearForm, unscaled } from "./activation";

/** The expansion of one activation: writes c_0 and the reduced coefficients g_k = c_k/s of a unit σ(sG + b). */
export type HermiteExpansion = {
  /** Highest k whose c_k, ∂_s c_k and ∂_b c_k the expansion determines. */
  readonly degree: number;
  /** `all`: c_0, g_1, g_2, …, g_{degree+2}; `even` (degree even): c_0, g_2, g_4, …, g_{degree+2}. */
  readonly parity: "all" | "even";
  /** Numbers written by `evaluate`. */
  readonly size: number;
  /** Writes the expansion at scale s ≥ 0 and shift b to `out`, from `offset` on; allocates nothing. */
  evaluate(s: number, b: number, out: Float64Array, offset: number): void;
};

/**
 * The Hermite expansion of an activation, in closed form where there is one and by the trapezoidal rule elsewhere.
 *
 * Accuracy: round-off for piecewise linear kinds, `identity`, `square` and `cosine`; about 1e-14 (relative to the size
 * of σ) for the analytic kinds; for `table` the jumps of σ″ at the table's nodes limit the rule, to about Δ³ σ⁗ for a
 * table of spacing Δ.
 *
 * @param activation  the activation σ
 * @param degree      highest order k wanted (an even number when `parity` is `even`)
 * @param parity      `even` leaves out the odd orders, which rotation-invariant laws do not feel
 * @see theory §13
 */
export function hermiteExpansion(
  activation: Activation,
  degree: number,
  parity: "all" | "even" = "all",
): HermiteExpansion {
  const size = parity === "all" ? degree + 3 : degree / 2 + 2;
  const evaluate = evaluator(activation, degree + 2, parity === "all" ? 1 : 2);
  return { degree, parity, size, evaluate };
}

/**
 * The same expansion through a table in s, for shift b = 0 (elsewhere, and beyond s = 65536 steps of the table, it is the
 * original): eighth-order interpolation, within 1e-12 of the size of σ. Blocks of the table are made when first used, so
 * the numbers do not depend on the order of use.
 *
 * @param expansion  the expansion
 * @param finest     smallest distance of a kink of σ from 0, if any: c_k varies with s on this scale
 */
export function tabulatedExpansion(expansion: HermiteExpansion, finest: number): HermiteExpansion {
  const { size } = expansion;
  const perUnit = Math.min(1024 / Math.min(1, 2 * finest), 2 ** 20);
  const blocks: (Float64Array | undefined)[] = [];
  const build = (block: number): Float64Array => {
    const table = new Float64Array((BLOCK + STENCIL) * size);
    for (let i = 0; i < BLOCK + STENCIL; i++) expansion.evaluate((block * BLOCK + i) / perUnit, 0, table, i * size);
    return table;
  };
  const weights = new Float64Array(STENCIL);
  const evaluate: Evaluate = (s, b, out, offset) => {
    const node = s * perUnit;
    if (b !== 0 || !(node < TABLE_NODES)) return expansion.evaluate(s, b, out, offset);
    const first = Math.max(0, Math.floor(node) - STENCIL / 2 + 1);
    const block = Math.floor(first / BLOCK);
    const table = (blocks[block] ??= build(block));
    const u = node - first;
    lagrange(u, weights);
    const row = (first - block * BLOCK) * size;
    const w0 = weights[0]!;
    const w1 = weights[1]!;
    const w2 = weights[2]!;
    const w3 = weights[3]!;
    const w4 = weights[4]!;
    const w5 = weights[5]!;
    const w6 = weights[6]!;
    const w7 = weights[7]!;
    for (let k = 0; k < size; k++) {
      const at = row + k;
      out[offset + k] =
        w0 * table[at]! +
        w1 * table[at + size]! +
        w2 * table[at + 2 * size]! +
        w3 * table[at + 3 * size]! +
        w4 * table[at + 4 * size]! +
        w5 * table[at + 5 * size]! +
        w6 * table[at + 6 * size]! +
        w7 * table[at + 7 * size]!;
    }
  };
  return { ...expansion, evaluate };
}

const BLOCK = 64;
const STENCIL = 8;
const TABLE_NODES = 65536;

/**
 * The same expansion (of all orders) of an analytic activation through a table in (s, b): eighth-order interpolation in both, within 3e-9 of
 * the size of σ, for s < 64 and |b| < 64; beyond, the original. Blocks are made when first used.
 *
 * @param expansion  the expansion of an analytic activation, parity `all`
 */
export function tabulatedPlane(expansion: HermiteExpansion): HermiteExpansion {
  const { size } = expansion;
  const side = PLANE_BLOCK + STENCIL - 1;
  const blocks = new Map<number, Float64Array>();
  const build = (block: number, shift: number): Float64Array => {
    const table = new Float64Array(side * side * size);
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        const s = (block * PLANE_BLOCK + i) / PLANE_NODES;
        const b = (shift * PLANE_BLOCK + j) / PLANE_NODES;
        const at = (i * side + j) * size;
        expansion.evaluate(Math.abs(s), b, table, at);
        // c_k(−s, b) = (−1)^k c_k(s, b), so the even g_k are odd in s
        if (s < 0) for (let k = 2; k < size; k += 2) table[at + k] = -table[at + k]!;
      }
    }
    return table;
  };
  const inScale = new Float64Array(STENCIL);
  const inShift = new Float64Array(STENCIL);
  const evaluate: Evaluate = (s, b, out, offset) => {
    if (!(s < PLANE_REACH && Math.abs(b) < PLANE_REACH)) return expansion.evaluate(s, b, out, offset);
    const x = s * PLANE_NODES;
    const y = b * PLANE_NODES;
    const first = Math.floor(x) - STENCIL / 2 + 1;
    const left = Math.floor(y) - STENCIL / 2 + 1;
    const block = Math.floor(first / PLANE_BLOCK);
    const shift = Math.floor(left / PLANE_BLOCK);
    const key = block * 65536 + shift + 32768;
    let table = blocks.get(key);
    if (!table) blocks.set(key, (table = build(block, shift)));
    lagrange(x - first, inScale);
    lagrange(y - left, inShift);
    for (let k = 0; k < size; k++) out[offset + k] = 0;
    const corner = (first - block * PLANE_BLOCK) * side + left - shift * PLANE_BLOCK;
    for (let i = 0; i < STENCIL; i++) {
      for (let j = 0; j < STENCIL; j++) {
        const weight = inScale[i]! * inShift[j]!;
        const at = (corner + i * side + j) * size;
        for (let k = 0; k < size; k++) out[offset + k]! += weight * table[at + k]!;
      }
    }
  };
  return { ...expansion, evaluate };
}

const PLANE_BLOCK = 32;
const PLANE_NODES = 32;
const PLANE_REACH = 64;

/** Weights of the nodes 0 … 7 at u. */
function lagrange(u: number, weights: Float64Array): void {
  let before = 1;
  for (let j = 0; j < STENCIL; j++) {
    weights[j] = before * LAGRANGE[j]!;
    before *= u - j;
  }
  let after = 1;
  for (let j = STENCIL - 1; j >= 0; j--) {
    weights[j]! *= after;
    after *= u - j;
  }
}

// 1/Π_{m ≠ j} (j − m) for j = 0 … 7.
const LAGRANGE = [-1 / 5040, 1 / 720, -1 / 240, 1 / 144, -1 / 144, 1 / 240, -1 / 720, 1 / 5040];

/**
 * The Hermite coefficients c_0 … c_degree of σ(sG + b), G standard normal.
 *
 * @param activation  the activation σ
 * @param degree      highest order k
 * @param s           scale, ≥ 0
 * @param b           shift
 * @returns c_k = E σ(sG + b) He_k(G)/√k!, length degree + 1
 */
export function hermiteCoefficients(activation: Activation, degree: number, s: number, b = 0): Float64Array {
  const reduced = new Float64Array(degree + 3);
  hermiteExpansion(activation, degree).evaluate(s, b, reduced, 0);
  const c = reduced.slice(0, degree + 1);
  for (let k = 1; k <= degree; k++) c[k]! *= s;
  return c;
}

/**
 * The second moment E σ(sG + b)² of a unit on a standard normal G, as a function of s ≥ 0 and b.
 *
 * @param activation  the activation σ
 * @see hermiteExpansion for the accuracy
 */
export function secondMoment(activation: Activation): (s: number, b: number) => number {
  if (activation.kind === "scaled") {
    const plain = secondMoment(activation.activation);
    const square = activation.factor * activation.factor;
    return (s, b) => square * plain(s, b);
  }
  const form = piecewiseLinearForm(activation);
  if (form) return (s, b) => piecewiseLinearSecondMoment(form, s, b);
  if (activation.kind === "square") return (s, b) => 3 * s * s * s * s + 6 * s * s * b * b + b * b * b * b;
  if (activation.kind === "cosine") return (s, b) => 0.5 * (1 + exp(-2 * s * s) * cos(2 * b));
  const { value } = activationFunctions(activation);
  const bandwidth = 2 * quadratureBandwidth(activation);
  return (s, b) => {
    const { nodes, weights } = gaussianRule(s * bandwidth);
    let sum = 0;
    for (let i = 0; i < nodes.length; i++) {
      const t = value(s * nodes[i]! + b);
      sum += weights[i]! * t * t;
    }
    return sum;
  };
}

type Evaluate = HermiteExpansion["evaluate"];
type PiecewiseLinearForm = NonNullable<ReturnType<typeof piecewiseLinearForm>>;

/** Writes c_0 and g_k for k = step, 2 step, …, top; step 1 or 2. */
function evaluator(activation: Activation, top: number, step: number): Evaluate {
  if (activation.kind === "scaled") {
    const { factor } = activation;
    const plain = evaluator(activation.activation, top, step);
    const size = (step === 1 ? top : top / 2) + 1;
    return (s, b, out, offset) => {
      plain(s, b, out, offset);
      for (let k = offset; k < offset + size; k++) out[k]! *= factor;
    };
  }
  const form = piecewiseLinearForm(activation);
  if (form) return piecewiseLinearEvaluator(form, top, step);
  if (activation.kind === "square") return squareEvaluator(top, step);
  if (activation.kind === "cosine") return cosineEvaluator(top, step);
  return quadratureEvaluator(activation, top, step);
}

// |z| beyond which φ(z) underflows: κ/s is clamped there, which makes s = 0 the limit s → 0+ and nothing else.
const FAR = 40;

/**
 * σ(t) = c + m t + Σ_j δ_j (t − κ_j)_+: with z_j = (κ_j − b)/s,
 * c_0 = c + m b + Σ δ_j (s φ(z_j) − (κ_j − b) Φ(−z_j)),  g_1 = m + Σ δ_j Φ(−z_j),
 * g_k = Σ δ_j h_{k−2}(z_j) φ(z_j)/√(k(k−1)) for k ≥ 2.
 */
function piecewiseLinearEvaluator(form: PiecewiseLinearForm, top: number, step: number): Evaluate {
  const { constant, slope, knots, jumps } = form;
  // h_{i+1} = rise_i (z h_i) − fall_i h_{i−1}; the factor 1/√(k(k−1)) is folded in at the end.
  const rise = new Float64Array(top + 1);
  const fall = new Float64Array(top + 1);
  const scale = new Float64Array(top + 1);
  for (let i = 0; i <= top; i++) {
    rise[i] = 1 / Math.sqrt(i + 1);
    fall[i] = Math.sqrt(i / (i + 1));
    scale[i] = i >= 2 ? 1 / Math.sqrt(i * (i - 1)) : 1;
  }
  const last = Math.floor(top / step);
  return (s, b, out, offset) => {
    for (let i = 0; i <= last; i++) out[offset + i] = 0;
    let c0 = constant + slope * b;
    let g1 = slope;
    for (let j = 0; j < knots.length; j++) {
      const gap = knots[j]! - b;
      const delta = jumps[j]!;
      const z = gap === 0 ? 0 : Math.max(-FAR, Math.min(FAR, gap / s));
      const phi = normalPdf(z);
      const above = normalCdf(-z);
      c0 += delta * (s * phi - gap * above);
      g1 += delta * above;
      if (phi === 0) continue;
      let previous = 0;
      let current = delta * phi;
      if (step === 1) {
        for (let k = 2; k <= top; k++) {
          out[offset + k]! += current;
          const next = rise[k - 2]! * z * current - fall[k - 2]! * previous;
          previous = current;
          current = next;
        }
      } else {
        for (let k = 2; k <= top; k += 2) {
          out[offset + k / 2]! += current;
          previous = rise[k - 2]! * z * current - fall[k - 2]! * previous;
          current = rise[k - 1]! * z * previous - fall[k - 1]! * current;
        }
      }
    }
    for (let i = 1; i <= last; i++) out[offset + i]! *= scale[i * step]!;
    out[offset] = c0;
    if (step === 1) out[offset + 1] = g1;
  };
}

/** σ(t) = t²: c_0 = s² + b², g_1 = 2b, g_2 = √2 s. */
function squareEvaluator(top: number, step: number): Evaluate {
  return (s, b, out, offset) => {
    const last = Math.floor(top / step);
    for (let i = 0; i <= last; i++) out[offset + i] = 0;
    out[offset] = s * s + b * b;
    if (step === 1) out[offset + 1] = 2 * b;
    out[offset + 2 / step] = Math.SQRT2 * s;
  };
}

/** σ(t) = cos t: c_k = Re(i^k e^{ib}) s^k e^{−s²/2}/√k!. */
function cosineEvaluator(top: number, step: number): Evaluate {
  return (s, b, out, offset) => {
    const damp = exp(-0.5 * s * s);
    const even = damp * cos(b);
    const odd = damp * sin(b);
    out[offset] = even;
    let size = 1;
    for (let k = 1; k <= top; k++) {
      size *= (k === 1 ? 1 : s) / Math.sqrt(k);
      if (k % step !== 0) continue;
      const phase = k & 3;
      out[offset + k / step] = size * (phase === 0 ? even : phase === 1 ? -odd : phase === 2 ? -even : odd);
    }
  };
}

/**
 * Trapezoidal rule in g: c_0 = Σ w_i σ(s g_i + b), g_k = Σ w_i h_{k−1}(g_i)/√k σ'(s g_i + b).
 * The tables are made once for each level of the step (a pure function of s).
 */
function quadratureEvaluator(activation: Activation, top: number, step: number): Evaluate {
  const { value, derivative } = activationFunctions(activation);
  const bandwidth = quadratureBandwidth(activation);
  const beyond = Math.max(0, Math.sqrt(top) + FREQUENCY_MARGIN - GAUSSIAN_REACH);
  const last = Math.floor(top / step);
  const tables = new Map<Rule, Float64Array>();
  return (s, b, out, offset) => {
    const current = gaussianRule(s * bandwidth + beyond);
    let table = tables.get(current);
    if (!table) {
      table = hermiteTable(current, last, step);
      tables.set(current, table);
    }
    const { nodes, weights } = current;
    for (let i = 0; i <= last; i++) out[offset + i] = 0;
    let c0 = 0;
    for (let i = 0; i < nodes.length; i++) {
      const t = s * nodes[i]! + b;
      c0 += weights[i]! * value(t);
      const slope = derivative(t);
      if (slope === 0) continue;
      const row = i * last - 1;
      for (let k = 1; k <= last; k++) out[offset + k]! += slope * table[row + k]!;
    }
    out[offset] = c0;
  };
}

/** Nodes and weights of a quadrature rule. */
export type Rule = { readonly nodes: Float64Array; readonly weights: Float64Array };

// Cramér: |h_k(g)| φ(g) ≤ e^{−g²/4}, which is below 1e-14 beyond this.
const GAUSSIAN_REACH = 11.5;

// The Fourier transform of h_k φ is ω^k e^{−ω²/2}/√k!: it peaks at √k, and 6 beyond that it is below 1e-15.
const FREQUENCY_MARGIN = 6;
const QUARTER_OCTAVE = Math.sqrt(Math.SQRT2);
const LAST_LEVEL = 60;
const rules = new Map<number, Rule>();

/**
 * Frequency (per unit of t) beyond which the Fourier transform of σ' is below about 1e-14: 33/distance of the nearest
 * pole from the real axis; an entire function that decays like the Gaussian has none and falls faster.
 *
 * @param activation  an activation without a closed form; a table gets a fixed number
 */
export function quadratureBandwidth(activation: Activation): number {
  switch (unscaled(activation).activation.kind) {
    case "tanh":
    case "logistic":
      return 33 / (Math.PI / 2);
    case "softplus":
    case "silu":
      return 33 / Math.PI;
    case "erf":
      return GAUSSIAN_REACH;
    default:
      return 40;
  }
}

/**
 * The trapezoidal rule for E F(G), G standard normal, where the Fourier transform of F reaches to `bandwidth` (rounded up to
 * a quarter octave, so that rules are shared). Both errors are near 1e-14.
 *
 * @param bandwidth  frequency, beyond the Gaussian's own; s · quadratureBandwidth(σ) for F(g) = σ(s g + b)
 */
export function gaussianRule(bandwidth: number): Rule {
  let level = 0;
  let reach = GAUSSIAN_REACH;
  while (reach < GAUSSIAN_REACH + bandwidth && level < LAST_LEVEL) {
    reach *= QUARTER_OCTAVE;
    level++;
  }
  let found = rules.get(level);
  if (!found) {
    const h = (2 * Math.PI) / reach;
    const half = Math.ceil(GAUSSIAN_REACH / h);
    const nodes = new Float64Array(2 * half + 1);
    const weights = new Float64Array(2 * half + 1);
    for (let i = 0; i <= 2 * half; i++) {
      nodes[i] = (i - half) * h;
      weights[i] = h * normalPdf(nodes[i]!);
    }
    found = { nodes, weights };
    rules.set(level, found);
  }
  return found;
}

/** Rows of w_i h_{k−1}(g_i)/√k for k = step, 2 step, …, last · step. */
function hermiteTable({ nodes, weights }: Rule, last: number, step: number): Float64Array {
  const table = new Float64Array(nodes.length * last);
  for (let i = 0; i < nodes.length; i++) {
    const g = nodes[i]!;
    let previous = 0;
    let current = weights[i]!;
    for (let k = 1; k <= last * step; k++) {
      if (k % step === 0) table[i * last + k / step - 1] = current / Math.sqrt(k);
      const next = (g * current - Math.sqrt(k - 1) * previous) / Math.sqrt(k);
      previous = current;
      current = next;
    }
  }
  return table;
}

/** Σ over the linear pieces A + B G of ∫ (A + B g)² φ(g) dg: no term is negative, so nothing cancels. */
function piecewiseLinearSecondMoment(form: PiecewiseLinearForm, s: number, b: number): number {
  const { constant, slope, knots, jumps } = form;
  let intercept = constant + slope * b;
  let gain = slope * s;
  let zLeft = -FAR;
  let sum = 0;
  for (let j = 0; j <= knots.length; j++) {
    const gap = j < knots.length ? knots[j]! - b : 1;
    const zRight = j === knots.length ? FAR : gap === 0 ? 0 : Math.max(-FAR, Math.min(FAR, gap / s));
    sum += squaredPiece(intercept, gain, zLeft, zRight);
    if (j < knots.length) {
      intercept -= jumps[j]! * gap;
      gain += jumps[j]! * s;
    }
    zLeft = zRight;
  }
  return sum;
}

/** ∫_l^u (A + B g)² φ(g) dg = (A² + B²)(Φ(u) − Φ(l)) + 2AB (φ(l) − φ(u)) + B² (l φ(l) − u φ(u)). */
function squaredPiece(A: number, B: number, l: number, u: number): number {
  if (l >= u) return 0;
  const mass = l > 0 ? normalCdf(-l) - normalCdf(-u) : normalCdf(u) - normalCdf(l);
  const low = normalPdf(l);
  const high = normalPdf(u);
  return Math.max(0, (A * A + B * B) * mass + 2 * A * B * (low - high) + B * B * (l * low - u * high));
}
