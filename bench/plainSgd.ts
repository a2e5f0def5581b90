// Plain-JavaScript SGD steps that a good programmer would write, for one purpose: the baseline of the benchmark is the
// fastest of them, not the first that came to mind. Inputs are made beforehand, which the kernels do not get for free.

type Numbers = Float32Array | Float64Array;

/** A problem of the benchmark: ridge units, anisotropic Gaussians with s0 = d. */
export interface PlainProblem {
  neurons: number;
  dimension: number;
  stepSize: number;
  /** neurons × dimension */
  weights: Numbers;
  /** examples × dimension */
  inputs: Numbers;
  /** one an example */
  labels: Numbers;
  unit: "piecewiseLinear" | "tanh";
}

/** Runs one step an example. */
export type PlainVariant = (problem: PlainProblem) => void;

// One step at a time; four partial sums a dot product; flat units skipped.
function stepByStep(problem: PlainProblem): void {
  const { neurons, dimension, stepSize, weights, inputs, labels, unit } = problem;
  const slopes = weights instanceof Float32Array ? new Float32Array(neurons) : new Float64Array(neurons);
  const steps = labels.length;
  for (let k = 0; k < steps; k++) {
    const x = k * dimension;
    let f = 0;
    for (let i = 0; i < neurons; i++) {
      const row = i * dimension;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let j = 0; j < dimension; j += 4) {
        a += weights[row + j]! * inputs[x + j]!;
        b += weights[row + j + 1]! * inputs[x + j + 1]!;
        c += weights[row + j + 2]! * inputs[x + j + 2]!;
        d += weights[row + j + 3]! * inputs[x + j + 3]!;
      }
      const h = a + b + (c + d);
      if (unit === "tanh") {
        const y = Math.tanh(h);
        f += y;
        slopes[i] = 1 - y * y;
      } else {
        f += h <= 0.5 ? -2.5 : h >= 1.5 ? 7.5 : 10 * h - 7.5;
        slopes[i] = h > 0.5 && h <= 1.5 ? 10 : 0;
      }
    }
    const r = stepSize * (labels[k]! - f / neurons);
    for (let i = 0; i < neurons; i++) {
      const c = r * slopes[i]!;
      if (c === 0) continue;
      const row = i * dimension;
      for (let j = 0; j < dimension; j++) weights[row + j] = weights[row + j]! + c * inputs[x + j]!;
    }
  }
}

// The same in four-example blocks: a weight is loaded once for four products; flat units skipped one by one.
function blocked(tanh: (t: number) => number, joint: boolean): PlainVariant {
  return ({ neurons, dimension, stepSize, weights, inputs, labels, unit }) => {
    const make = (n: number) => (weights instanceof Float32Array ? new Float32Array(n) : new Float64Array(n));
    const pre = make(4 * neurons);
    const slopes = make(4 * neurons);
    const gram = new Float64Array(16);
    const rates = new Float64Array(4);
    for (let k = 0; k < labels.length; k += 4) {
      const x0 = k * dimension;
      const x1 = x0 + dimension;
      const x2 = x1 + dimension;
      const x3 = x2 + dimension;
      for (let i = 0; i < neurons; i++) {
        const row = i * dimension;
        let a = 0;
        let b = 0;
        let c = 0;
        let d = 0;
        for (let j = 0; j < dimension; j++) {
          const w = weights[row + j]!;
          a += w * inputs[x0 + j]!;
          b += w * inputs[x1 + j]!;
          c += w * inputs[x2 + j]!;
          d += w * inputs[x3 + j]!;
        }
        pre[i] = a;
        pre[neurons + i] = b;
        pre[2 * neurons + i] = c;
        pre[3 * neurons + i] = d;
      }
      for (let l = 0; l < 4; l++) {
        for (let q = l + 1; q < 4; q++) {
          let sum = 0;
          for (let j = 0; j < dimension; j++) sum += inputs[x0 + l * dimension + j]! * inputs[x0 + q * dimension + j]!;
          gram[4 * l + q] = sum;
        }
      }
      for (let q = 0; q < 4; q++) {
        const h = q * neurons;
        for (let l = 0; l < q; l++) {
          const g = rates[l]! * gram[4 * l + q]!;
          const from = l * neurons;
          for (let i = 0; i < neurons; i++) pre[h + i] = pre[h + i]! + g * slopes[from + i]!;
        }
        let f = 0;
        if (unit === "tanh") {
          for (let i = 0; i < neurons; i++) {
            const y = tanh(pre[h + i]!);
            f += y;
            slopes[h + i] = 1 - y * y;
          }
        } else {
          for (let i = 0; i < neurons; i++) {
            const t = pre[h + i]!;
            f += t <= 0.5 ? -2.5 : t >= 1.5 ? 7.5 : 10 * t - 7.5;
            slopes[h + i] = t > 0.5 && t <= 1.5 ? 10 : 0;
          }
        }
        rates[q] = stepSize * (labels[k + q]! - f / neurons);
      }
      for (let i = 0; i < neurons; i++) {
        const row = i * dimension;
        if (joint) {
          const a = rates[0]! * slopes[i]!;
          const b = rates[1]! * slopes[neurons + i]!;
          const c = rates[2]! * slopes[2 * neurons + i]!;
          const d = rates[3]! * slopes[3 * neurons + i]!;
          if (a === 0 && b === 0 && c === 0 && d === 0) continue;
          for (let j = 0; j < dimension; j++) {
            weights[row + j] =
              weights[row + j]! +
              (a * inputs[x0 + j]! + b * inputs[x1 + j]! + (c * inputs[x2 + j]! + d * inputs[x3 + j]!));
          }
        } else {
          for (let q = 0; q < 4; q++) {
            const c = rates[q]! * slopes[q * neurons + i]!;
            if (c === 0) continue;
            const x = x0 + q * dimension;
            for (let j = 0; j < dimension; j++) weights[row + j] = weights[row + j]! + c * inputs[x + j]!;
          }
        }
      }
    }
  };
}

// Single precision by Math.fround around every operation, which lets V8 use single-precision instructions.
function blockedFround({ neurons, dimension, stepSize, weights, inputs, labels, unit }: PlainProblem): void {
  const F = Math.fround;
  const pre = new Float32Array(4 * neurons);
  const slopes = new Float32Array(4 * neurons);
  const gram = new Float64Array(16);
  const rates = new Float64Array(4);
  for (let k = 0; k < labels.length; k += 4) {
    const x0 = k * dimension;
    const x1 = x0 + dimension;
    const x2 = x1 + dimension;
    const x3 = x2 + dimension;
    for (let i = 0; i < neurons; i++) {
      const row = i * dimension;
      let a = F(0);
      let b = F(0);
      let c = F(0);
      let d = F(0);
      for (let j = 0; j < dimension; j++) {
        const w = weights[row + j]!;
        a = F(a + F(w * inputs[x0 + j]!));
        b = F(b + F(w * inputs[x1 + j]!));
        c = F(c + F(w * inputs[x2 + j]!));
        d = F(d + F(w * inputs[x3 + j]!));
      }
      pre[i] = a;
      pre[neurons + i] = b;
      pre[2 * neurons + i] = c;
      pre[3 * neurons + i] = d;
    }
    for (let l = 0; l < 4; l++) {
      for (let q = l + 1; q < 4; q++) {
        let sum = 0;
        for (let j = 0; j < dimension; j++) sum += inputs[x0 + l * dimension + j]! * inputs[x0 + q * dimension + j]!;
        gram[4 * l + q] = sum;
      }
    }
    for (let q = 0; q < 4; q++) {
      const h = q * neurons;
      for (let l = 0; l < q; l++) {
        const g = F(rates[l]! * gram[4 * l + q]!);
        const from = l * neurons;
        for (let i = 0; i < neurons; i++) pre[h + i] = F(pre[h + i]! + F(g * slopes[from + i]!));
      }
      let f = 0;
      for (let i = 0; i < neurons; i++) {
        const t = pre[h + i]!;
        if (unit === "tanh") {
          const y = Math.tanh(t);
          f += y;
          slopes[h + i] = 1 - y * y;
        } else {
          f += t <= 0.5 ? -2.5 : t >= 1.5 ? 7.5 : 10 * t - 7.5;
          slopes[h + i] = t > 0.5 && t <= 1.5 ? 10 : 0;
        }
      }
      rates[q] = stepSize * (labels[k + q]! - f / neurons);
    }
    for (let i = 0; i < neurons; i++) {
      const row = i * dimension;
      for (let q = 0; q < 4; q++) {
        const c = F(rates[q]! * slopes[q * neurons + i]!);
        if (c === 0) continue;
        const x = x0 + q * dimension;
        for (let j = 0; j < dimension; j++) weights[row + j] = F(weights[row + j]! + F(c * inputs[x + j]!));
      }
    }
  }
}

/** The variants by name; `tanh` is the library's own, which turns out faster than Math.tanh. */
export function plainVariants(tanh: (t: number) => number, precision: "f32" | "f64"): Record<string, PlainVariant> {
  return {
    "step by step": stepByStep,
    "blocked, Math.tanh": blocked(Math.tanh, false),
    "blocked, own tanh": blocked(tanh, false),
    "blocked, joint update": blocked(tanh, true),
    ...(precision === "f32" ? { "blocked, fround": blockedFround } : {}),
  };
}
