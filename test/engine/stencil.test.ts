// One MUSCL stage against its twin, and against what the scheme promises.

import { describe, expect, it } from "vitest";
import { loadEngine, SpecError, stream } from "../../src/index";

type Precision = "f32" | "f64";

/** Runs one stage on an n1 × n2 grid of densities and potentials. */
async function stage(
  backend: "simd" | "js",
  precision: Precision,
  n1: number,
  n2: number,
  density: (i: number, j: number) => number,
  potential: (i: number, j: number) => number,
  [k1, k2, alpha, beta] = [0.1, 0.1, 0, 1],
): Promise<Float64Array> {
  const make = (of: (i: number, j: number) => number) => {
    const values = Float64Array.from({ length: n1 * n2 }, (_, k) => of(Math.floor(k / n2), k % n2));
    return precision === "f32" ? Float32Array.from(values) : values;
  };
  const engine = await loadEngine({ backend });
  const u = make(density);
  expect(alpha! + beta!).toBe(1);
  const out = engine.stencil({
    density: u,
    potential: make(potential),
    rows: n1,
    cols: n2,
    ratios: [k1!, k2!],
    mix: { base: u, keep: alpha! },
  });
  return Float64Array.from(out);
}

const noise = stream(11).uniforms(4096);
const rough = (i: number, j: number) => noise[(37 * i + j) % 4096]!;
const tilt = (i: number, j: number) =>
  Math.abs(i - 3.3) + 0.7 * Math.abs(j - 5.1) + 0.3 * noise[(11 * i + 7 * j) % 4096]!;

describe("a MUSCL stage", () => {
  it.each([
    ["f64", 1e-13],
    ["f32", 1e-5],
  ] as const)("is the same in both builds to round-off, at every tail length (%s)", async (precision, tolerance) => {
    for (const [n1, n2] of [
      [2, 2],
      [3, 5],
      [9, 8],
      [8, 9],
      [7, 10],
      [5, 11],
      [6, 33],
      [16, 16],
    ] as const) {
      const options: [number, number, number, number] = [0.05, 0.08, 0.25, 0.75];
      const a = await stage("simd", precision, n1, n2, rough, tilt, options);
      const b = await stage("js", precision, n1, n2, rough, tilt, options);
      for (let k = 0; k < a.length; k++) expect(Math.abs(a[k]! - b[k]!)).toBeLessThan(tolerance);
    }
  });

  it("conserves mass to round-off and lets none through the walls", async () => {
    const next = await stage("simd", "f64", 17, 13, rough, tilt);
    let before = 0;
    for (let i = 0; i < 17; i++) for (let j = 0; j < 13; j++) before += rough(i, j);
    expect(Math.abs(next.reduce((a, b) => a + b, 0) - before)).toBeLessThan(1e-12);
  });

  it("keeps the density non-negative where the Courant numbers of both axes add up to one half", async () => {
    // one full cell beside empty ones, the steepest the limiter can meet; |∇Ψ| = 1, so k = 1/4 along each axis
    for (const at of [0, 3, 7]) {
      const next = await stage(
        "simd",
        "f64",
        8,
        8,
        (i, j) => (i === at && j === at ? 1 : i === at || j === at ? 1e-3 : 0),
        (i, j) => i - j,
        [0.25, 0.25, 0, 1],
      );
      expect(Math.min(...next)).toBeGreaterThanOrEqual(0);
    }
  });

  it("moves a linear profile exactly: ∂_t u = −v ∂_x u away from the walls", async () => {
    // Ψ = −x/2 along rows: v = ½; u = 3 + 0.1 j moves by −v·0.1·k (h = 1), with no limiter at work
    const next = await stage(
      "simd",
      "f64",
      4,
      12,
      (_, j) => 3 + 0.1 * j,
      (_, j) => -0.5 * j,
      [0.2, 0.2, 0, 1],
    );
    for (let j = 2; j < 10; j++) expect(next[12 + j]!).toBeCloseTo(3 + 0.1 * j - 0.2 * 0.5 * 0.1, 13);
  });

  it("mixes with the start of the step as Runge–Kutta stages ask", async () => {
    const still = () => 0;
    const same = await stage("simd", "f64", 3, 5, rough, still, [0.1, 0.1, 0.25, 0.75]);
    for (let i = 0; i < 3; i++) for (let j = 0; j < 5; j++) expect(same[i * 5 + j]!).toBeCloseTo(rough(i, j), 14);
  });

  it("refuses arrays and numbers that do not fit, and names them", async () => {
    const engine = await loadEngine();
    const good = () => ({
      density: new Float64Array(12).fill(1),
      potential: new Float64Array(12),
      rows: 3,
      cols: 4,
      ratios: [0.1, 0.1] as [number, number],
    });
    const detached = new Float64Array(12);
    structuredClone(detached, { transfer: [detached.buffer] });
    const cases: [string, object][] = [
      ["rows", { rows: 0 }],
      ["cols", { cols: 2.5 }],
      ["density", { rows: 4 }],
      ["potential", { potential: new Float64Array(11) }],
      ["potential", { potential: new Float32Array(12) }],
      ["potential", { potential: detached }],
      ["ratios[1]", { ratios: [0.1, Number.NaN] }],
      ["ratios[0]", { ratios: [-1, 0] }],
      ["mix.keep", { mix: { base: new Float64Array(12), keep: 2 } }],
      ["mix.base", { mix: { base: new Float64Array(3), keep: 0.5 } }],
    ];
    for (const [path, wrong] of cases) {
      expect(() => engine.stencil({ ...good(), ...wrong } as never)).toThrow(expect.objectContaining({ path }));
    }
    const stage = good();
    expect(() => engine.stencilInto(stage, stage.density)).toThrow(SpecError);
    expect(engine.usage().live).toBe(0);
    expect(engine.stencil(good())).toEqual(new Float64Array(12).fill(1));
  });
});
