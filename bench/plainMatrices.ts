// Matrices of kernels as a good programmer would write them in plain JavaScript: symmetric, one column or four at a time, or two rows by two
// columns in blocks that stay in the cache; in f32 also with every operation rounded, so that V8 computes in f32.

type Numbers = Float32Array | Float64Array;

/** Inputs of a kernel matrix, n rows of d, and the array for it. */
export interface PlainGram {
  x: Numbers;
  n: number;
  d: number;
  out: Numbers;
}

/** A network a tanh(⟨w, x⟩ + b) of N neurons, rows (a, b, w), and its inputs. */
export interface PlainNetwork extends PlainGram {
  theta: Numbers;
  neurons: number;
}

/** k(x, x') of the product ⟨x, x'⟩ and one number of each input. */
type Law = (product: number, mine: number, other: number) => number;

const BLOCK = 64;

function one(x: Numbers, n: number, d: number, out: Numbers, sizes: Numbers, law: Law): void {
  for (let i = 0; i < n; i++) {
    const a = i * d;
    for (let j = i; j < n; j++) {
      const b = j * d;
      let sum = 0;
      for (let k = 0; k < d; k++) sum += x[a + k]! * x[b + k]!;
      const value = law(sum, sizes[i]!, sizes[j]!);
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
}

function four(x: Numbers, n: number, d: number, out: Numbers, sizes: Numbers, law: Law): void {
  for (let i = 0; i < n; i++) {
    const a = i * d;
    const size = sizes[i]!;
    let j = i;
    for (; j + 3 < n; j += 4) {
      const b = j * d;
      const c = b + d;
      const e = c + d;
      const f = e + d;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let k = 0; k < d; k++) {
        const t = x[a + k]!;
        s0 += t * x[b + k]!;
        s1 += t * x[c + k]!;
        s2 += t * x[e + k]!;
        s3 += t * x[f + k]!;
      }
      out[i * n + j] = out[j * n + i] = law(s0, size, sizes[j]!);
      out[i * n + j + 1] = out[(j + 1) * n + i] = law(s1, size, sizes[j + 1]!);
      out[i * n + j + 2] = out[(j + 2) * n + i] = law(s2, size, sizes[j + 2]!);
      out[i * n + j + 3] = out[(j + 3) * n + i] = law(s3, size, sizes[j + 3]!);
    }
    for (; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += x[a + k]! * x[j * d + k]!;
      out[i * n + j] = out[j * n + i] = law(sum, size, sizes[j]!);
    }
  }
}

function fourRounded(x: Numbers, n: number, d: number, out: Numbers, sizes: Numbers, law: Law): void {
  const { fround } = Math;
  for (let i = 0; i < n; i++) {
    const a = i * d;
    const size = sizes[i]!;
    let j = i;
    for (; j + 3 < n; j += 4) {
      const b = j * d;
      const c = b + d;
      const e = c + d;
      const f = e + d;
      let s0 = fround(0);
      let s1 = fround(0);
      let s2 = fround(0);
      let s3 = fround(0);
      for (let k = 0; k < d; k++) {
        const t = x[a + k]!;
        s0 = fround(s0 + fround(t * x[b + k]!));
        s1 = fround(s1 + fround(t * x[c + k]!));
        s2 = fround(s2 + fround(t * x[e + k]!));
        s3 = fround(s3 + fround(t * x[f + k]!));
      }
      out[i * n + j] = out[j * n + i] = law(s0, size, sizes[j]!);
      out[i * n + j + 1] = out[(j + 1) * n + i] = law(s1, size, sizes[j + 1]!);
      out[i * n + j + 2] = out[(j + 2) * n + i] = law(s2, size, sizes[j + 2]!);
      out[i * n + j + 3] = out[(j + 3) * n + i] = law(s3, size, sizes[j + 3]!);
    }
    for (; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += x[a + k]! * x[j * d + k]!;
      out[i * n + j] = out[j * n + i] = law(sum, size, sizes[j]!);
    }
  }
}

// n is even
function blocked(x: Numbers, n: number, d: number, out: Numbers, sizes: Numbers, law: Law): void {
  for (let i0 = 0; i0 < n; i0 += BLOCK) {
    for (let j0 = i0; j0 < n; j0 += BLOCK) {
      const iEnd = Math.min(n, i0 + BLOCK);
      const jEnd = Math.min(n, j0 + BLOCK);
      for (let i = i0; i < iEnd; i += 2) {
        const a = i * d;
        const b = a + d;
        for (let j = i0 === j0 ? i : j0; j < jEnd; j += 2) {
          const c = j * d;
          const e = c + d;
          let s0 = 0;
          let s1 = 0;
          let s2 = 0;
          let s3 = 0;
          for (let k = 0; k < d; k++) {
            const t = x[a + k]!;
            const u = x[b + k]!;
            const v = x[c + k]!;
            const w = x[e + k]!;
            s0 += t * v;
            s1 += t * w;
            s2 += u * v;
            s3 += u * w;
          }
          out[i * n + j] = out[j * n + i] = law(s0, sizes[i]!, sizes[j]!);
          out[i * n + j + 1] = out[(j + 1) * n + i] = law(s1, sizes[i]!, sizes[j + 1]!);
          out[(i + 1) * n + j] = out[j * n + i + 1] = law(s2, sizes[i + 1]!, sizes[j]!);
          out[(i + 1) * n + j + 1] = out[(j + 1) * n + i + 1] = law(s3, sizes[i + 1]!, sizes[j + 1]!);
        }
      }
    }
  }
}

function squares({ x, n, d }: PlainGram): Numbers {
  const sizes = x.slice(0, n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += x[i * d + k]! * x[i * d + k]!;
    sizes[i] = sum;
  }
  return sizes;
}

/** Variants of exp(−|x − x'|²/(2ℓ²)) with Math.exp. */
export function plainRbf(lengthScale: number, precision: "f32" | "f64"): Record<string, (gram: PlainGram) => void> {
  const factor = 0.5 / (lengthScale * lengthScale);
  const law: Law = (product, mine, other) => Math.exp((2 * product - mine - other) * factor);
  return variants(precision, law, squares);
}

/** Variants of the tangent kernel of relu, v_w = v_a = 1 and no bias, with Math.acos. */
export function plainNtk(d: number, precision: "f32" | "f64"): Record<string, (gram: PlainGram) => void> {
  const share = 1 / (2 * Math.PI);
  const law: Law = (product, mine, other) => {
    const size = mine * other;
    const c = Math.max(-1, Math.min(1, product / size));
    const both = (Math.PI - Math.acos(c)) * share;
    return (size * (c * both + Math.sqrt(1 - c * c) * share)) / d + product * both;
  };
  return variants(precision, law, (gram) => squares(gram).map(Math.sqrt) as Numbers);
}

function variants(
  precision: "f32" | "f64",
  law: Law,
  sizesOf: (gram: PlainGram) => Numbers,
): Record<string, (gram: PlainGram) => void> {
  const looping = (loop: typeof one) => (gram: PlainGram) => loop(gram.x, gram.n, gram.d, gram.out, sizesOf(gram), law);
  return {
    "one column": looping(one),
    "four columns": looping(four),
    ...(precision === "f32" ? { "four columns, rounded": looping(fourRounded) } : {}),
    "two by two, blocked": looping(blocked),
  };
}

/** Variants of the matrix of the empirical tangent kernel: features once, then products of them. */
export function plainTangent(precision: "f32" | "f64"): Record<string, (network: PlainNetwork) => void> {
  const run = (loop: typeof one) => (network: PlainNetwork) => {
    const { x, n, d, out, theta, neurons } = network;
    const values = new (x.constructor as Float64ArrayConstructor)(n * neurons) as Numbers;
    const slopes = values.slice();
    const mass = Math.sqrt(1 / neurons);
    for (let q = 0; q < n; q++) {
      for (let i = 0; i < neurons; i++) {
        const row = i * (d + 2);
        let h = theta[row + 1]!;
        for (let k = 0; k < d; k++) h += theta[row + 2 + k]! * x[q * d + k]!;
        const y = Math.tanh(h);
        values[q * neurons + i] = mass * y;
        slopes[q * neurons + i] = mass * theta[row]! * (1 - y * y);
      }
    }
    const first = out.slice();
    const inner = out.slice();
    const sizes = values.subarray(0, n);
    loop(x, n, d, inner, sizes, (product) => product + 1);
    loop(values, n, neurons, first, sizes, (product) => product);
    loop(slopes, n, neurons, out, sizes, (product) => product);
    for (let at = 0; at < out.length; at++) out[at] = first[at]! + inner[at]! * out[at]!;
  };
  return {
    "four columns": run(four),
    ...(precision === "f32" ? { "four columns, rounded": run(fourRounded) } : {}),
    "two by two, blocked": run(blocked),
  };
}
