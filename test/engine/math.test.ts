// Elementary functions against mpmath (test/reference/math.json, written by math.py there), at the edges, and in bits.
// Does not cover f32 lanes beyond the functions that activations use.

import { describe, expect, it } from "vitest";
import {
  ACTIVATION_FACTOR,
  ACTIVATION_KIND,
  ACTIVATION_SLOTS,
  COSINE,
  ERF,
  LOGISTIC,
  SOFTPLUS,
  TANH,
} from "../../assembly/layout";
import { loadEngine } from "../../src/engine/engine";
import * as math from "../../src/engine/math";
import reference from "../reference/math.json";

type Scalar = (x: number) => number;
const functions = math as unknown as Record<string, Scalar>;

/** Distance to the next larger number. */
function ulp(x: number): number {
  const bits = new BigInt64Array(new Float64Array([Math.abs(x)]).buffer);
  const next = new Float64Array(new BigInt64Array([bits[0]! + 1n]).buffer);
  return next[0]! - Math.abs(x);
}

/** The worst error over a table, in ulps of the answer. */
function worst(f: Scalar, rows: number[][]): number {
  return Math.max(...rows.map(([x, value]) => Math.abs(f(x!) - value!) / ulp(value!)));
}

// FNV-1a over the bytes of numbers: equal hashes, equal bits.
function hash(values: Float64Array): string {
  let h = 0x811c9dc5;
  for (const byte of new Uint8Array(values.buffer)) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16);
}

/** 4096 numbers between −scale and scale, and as many of all sizes; from a congruential generator, exactly. */
function sample(scale: number): Float64Array {
  let state = 1;
  const unit = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float64Array.from({ length: 8192 }, (_, i) => {
    const u = 2 * unit() - 1;
    if (i < 4096) return scale * u;
    let size = 1;
    for (let k = Math.floor(unit() * 40); k > 0; k--) size /= 2;
    return u * size;
  });
}

describe("values", () => {
  // Half an ulp of each bound is the rounding of the reference; the rest is the claim in the docstring.
  it.each([
    ["exp", 1.5],
    ["expm1", 2.5],
    ["log", 1.5],
    ["log1p", 2.5],
    ["log1pExp", 2.5],
    ["sin", 1.5],
    ["cos", 1.5],
    ["tanh", 2.5],
    ["erf", 2.5],
    ["erfc", 10.5],
    ["normalPdf", 4.5],
    ["normalCdf", 10.5],
    ["logistic", 2.5],
    ["atan", 4.5],
    // 1e-15 is 4.5 ulp at the top of a binade
    ["normalQuantile", 4.5],
  ] as const)("%s agrees with mpmath within %f ulp", (name, bound) => {
    expect(worst(functions[name]!, reference.functions[name])).toBeLessThanOrEqual(bound);
  });

  it("lgamma agrees with mpmath within 1e-14, relative or absolute", () => {
    for (const [x, value] of reference.functions.lgamma) {
      expect(Math.abs(math.lgamma(x!) - value!)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(value!)));
    }
  });

  it("pow agrees with mpmath within 1e-14", () => {
    for (const [x, y, value] of reference.pow) {
      expect(Math.abs(math.pow(x!, y!) / value! - 1)).toBeLessThanOrEqual(1e-14);
    }
  });

  it("pow is exact where the power of an integer is a number", () => {
    expect(math.pow(3, 20)).toBe(3486784401);
    expect(math.pow(-7, 15)).toBe(-4747561509943);
    expect(math.pow(2, -30)).toBe(1 / 1073741824);
    expect(math.pow(10, 22)).toBe(1e22);
  });
});

describe("edges", () => {
  const cases: [string, [number, number][]][] = [
    [
      "exp",
      [
        [0, 1],
        [-0, 1],
        [Infinity, Infinity],
        [-Infinity, 0],
        [709.79, Infinity],
        [-745.2, 0],
        [5e-324, 1],
      ],
    ],
    [
      "expm1",
      [
        [0, 0],
        [-0, -0],
        [Infinity, Infinity],
        [-Infinity, -1],
        [-800, -1],
        [5e-324, 5e-324],
      ],
    ],
    [
      "log",
      [
        [1, 0],
        [0, -Infinity],
        [-0, -Infinity],
        [Infinity, Infinity],
        [-1, NaN],
        [-Infinity, NaN],
      ],
    ],
    [
      "log1p",
      [
        [0, 0],
        [-0, -0],
        [-1, -Infinity],
        [-2, NaN],
        [Infinity, Infinity],
        [-5e-324, -5e-324],
      ],
    ],
    [
      "log1pExp",
      [
        [Infinity, Infinity],
        [-Infinity, 0],
        [800, 800],
      ],
    ],
    [
      "sin",
      [
        [0, 0],
        [-0, -0],
        [Infinity, NaN],
        [-Infinity, NaN],
        [562949953421312, NaN],
        [5e-324, 5e-324],
      ],
    ],
    [
      "cos",
      [
        [0, 1],
        [-0, 1],
        [Infinity, NaN],
        [-Infinity, NaN],
        [5e-324, 1],
      ],
    ],
    [
      "tanh",
      [
        [0, 0],
        [-0, -0],
        [Infinity, 1],
        [-Infinity, -1],
        [30, 1],
        [5e-324, 5e-324],
      ],
    ],
    [
      "logistic",
      [
        [0, 0.5],
        [Infinity, 1],
        [-Infinity, 0],
      ],
    ],
    [
      "erf",
      [
        [0, 0],
        [-0, -0],
        [Infinity, 1],
        [-Infinity, -1],
        [7, 1],
        [-7, -1],
      ],
    ],
    [
      "erfc",
      [
        [0, 1],
        [Infinity, 0],
        [-Infinity, 2],
        [28, 0],
        [-7, 2],
      ],
    ],
    [
      "normalPdf",
      [
        [Infinity, 0],
        [-Infinity, 0],
        [41, 0],
      ],
    ],
    [
      "normalCdf",
      [
        [0, 0.5],
        [-0, 0.5],
        [Infinity, 1],
        [-Infinity, 0],
        [-40, 0],
        [10, 1],
      ],
    ],
    [
      "lgamma",
      [
        [1, 0],
        [2, 0],
        [0, Infinity],
        [Infinity, Infinity],
        [-1, NaN],
        [1.7e308, Infinity],
      ],
    ],
    [
      "normalQuantile",
      [
        [0, -Infinity],
        [1, Infinity],
        [0.5, 0],
        [-1e-9, NaN],
        [1.0000001, NaN],
      ],
    ],
    [
      "atan",
      [
        [0, 0],
        [-0, -0],
        [Infinity, Math.PI / 2],
        [-Infinity, -Math.PI / 2],
        [5e-324, 5e-324],
      ],
    ],
  ];
  it.each(cases)("%s has its limits, its zeros with their signs, and NaN", (name, rows) => {
    for (const [x, value] of rows) expect(functions[name]!(x), `${name}(${x})`).toBe(value);
    expect(functions[name]!(Number.NaN)).toBeNaN();
  });

  it("pow follows IEEE 754 at zeros, infinities and negative bases", () => {
    for (const [x, y, value] of [
      [0, 0, 1],
      [Number.NaN, 0, 1],
      [1, Number.NaN, 1],
      [2, Number.NaN, Number.NaN],
      [0, 2, 0],
      [-0, 3, -0],
      [0, -1, Infinity],
      [-0, -1, -Infinity],
      [-0, -2, Infinity],
      [Infinity, 0.5, Infinity],
      [Infinity, -0.5, 0],
      [-Infinity, 3, -Infinity],
      [-Infinity, 0.5, Infinity],
      [0.5, Infinity, 0],
      [0.5, -Infinity, Infinity],
      [-1, Infinity, 1],
      [-2, 0.5, Number.NaN],
      [10, 400, Infinity],
      [10, -400, 0],
      [0.1, -308, 1e308],
    ]) {
      const found = math.pow(x!, y!);
      if (Math.abs(value!) === 1e308) expect(found / value!).toBeCloseTo(1, 13);
      else expect(found, `${x}^${y}`).toBe(value);
    }
  });
});

describe("identities", () => {
  it("tanh and erf are odd and stay within ±1", () => {
    for (const x of sample(8)) {
      for (const f of [math.tanh, math.erf]) {
        expect(f(-x)).toBe(-f(x));
        expect(Math.abs(f(x))).toBeLessThanOrEqual(1);
      }
    }
  });

  it("sin² + cos² = 1 to 2 ulp up to 10^6 and beyond", () => {
    for (const scale of [1e6, 1e12]) {
      for (const x of sample(scale)) {
        expect(Math.abs(math.sin(x) * math.sin(x) + math.cos(x) * math.cos(x) - 1)).toBeLessThan(4.5e-16);
      }
    }
  });
});

describe("bits", () => {
  // Frozen hashes: the same on every engine and machine. A new one belongs to a new version of the results.
  it.each([
    ["exp", 745, "9e953b36"],
    ["expm1", 60, "ab637233"],
    ["log", 1e3, "dd1364c3"],
    ["log1p", 1e3, "5b469dae"],
    ["log1pExp", 745, "9b2d265a"],
    ["sin", 1e6, "f7c33f0d"],
    ["cos", 1e6, "fe7a79ba"],
    ["tanh", 22, "3c7f00c2"],
    ["logistic", 710, "8c1c6f87"],
    ["erf", 6, "f1c6c9b5"],
    ["erfc", 27, "3c7f9e2b"],
    ["normalPdf", 38, "48adf04f"],
    ["normalCdf", 38, "9d040ce5"],
    ["lgamma", 1e3, "61f5f8ba"],
  ] as const)("%s has the bits it always had", (name, scale, frozen) => {
    const positive = name === "log" || name === "lgamma";
    const x = sample(scale).map((v) => (positive ? Math.abs(v) : v));
    const inside = name === "log1p" ? x.map((v) => (v < -1 ? -1 / v : v)) : x;
    expect(hash(inside.map(functions[name]!))).toBe(frozen);
  });

  it("normalQuantile and atan have the bits they always had", () => {
    expect(hash(sample(0.5).map((x) => math.normalQuantile(0.5 + x)))).toBe("36d3fdc7");
    expect(hash(sample(30).map(math.atan))).toBe("e92e991");
  });

  it("pow has the bits it always had", () => {
    const x = sample(600);
    expect(hash(x.map((y, i) => math.pow(1.5 + Math.abs(x[8191 - i]!) / 600, y)))).toBe("aa5123c4");
  });
});

describe("vector lanes", () => {
  const kinds = [
    ["tanh", TANH, math.tanh],
    ["erf", ERF, math.erf],
    ["logistic", LOGISTIC, (t: number) => math.logistic(t + t)],
    ["softplus", SOFTPLUS, math.log1pExp],
    ["cosine", COSINE, math.cos],
  ] as const;
  const special = [Number.NaN, Infinity, -Infinity, 0, -0, 5e-324, -1e-310, 1, -1, 6, 22, -40, 700, -750, 1e5, 3e-9];

  async function lanes(precision: "f32" | "f64", kind: number, x: Float64Array): Promise<Float64Array> {
    const { kernels, memory } = await loadEngine({ backend: "simd" });
    const room = memory();
    try {
      const block = room.block(ACTIVATION_SLOTS);
      room.setInteger(block, ACTIVATION_KIND, kind);
      room.setReal(block, ACTIVATION_FACTOR, 1);
      const h = room.put(precision, x);
      const value = room.reserve(precision, x.length);
      const slope = room.reserve(precision, x.length);
      kernels[`activate_${precision}`](block, h, value, slope, x.length);
      return Float64Array.from(room.view(precision, value, x.length));
    } finally {
      room.free();
    }
  }

  it.each(kinds)("%s in f64 has the bits of the scalar function", async (_, kind, scalar) => {
    const x = Float64Array.from([...special, ...sample(25)]);
    expect(await lanes("f64", kind, x)).toEqual(x.map(scalar));
  });

  // 3 ulp of f32 next to the f64 value; for the cosine, whose zeros no f32 argument meets, 3 ulp of 1.
  it.each(kinds)("%s in f32 is within 3 ulp", async (name, kind, scalar) => {
    const x = new Float64Array(Float32Array.from(sample(8)));
    const found = await lanes("f32", kind, x);
    x.forEach((t, i) => {
      const exact = scalar(t);
      const size = name === "cosine" ? 1 : Math.max(Math.abs(exact), 1e-37);
      const unit = 2 ** (Math.floor(Math.log2(size)) - 23);
      expect(Math.abs(found[i]! - exact), `${name}(${t})`).toBeLessThanOrEqual(3 * unit);
    });
  });

  it.each(kinds)("%s in f32 passes NaN on and keeps its limits", async (name, kind, scalar) => {
    const x = new Float64Array(Float32Array.from([Number.NaN, Infinity, -Infinity, 0, -0, 1000, -1000, 20]));
    const found = await lanes("f32", kind, x);
    expect(found[0]).toBeNaN();
    if (name !== "cosine") expect(found.slice(1)).toEqual(new Float64Array(Float32Array.from(x.slice(1).map(scalar))));
    else expect([found[1], found[2], found[3], found[4]]).toEqual([Number.NaN, Number.NaN, 1, 1]);
  });
});
