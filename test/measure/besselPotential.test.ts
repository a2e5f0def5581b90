// The kernel of H^{−j} against mpmath (test/reference/bessel.json, written by bessel.py there), against closed forms, and where its
// table changes cells. Not covered: orders above 200.

import { describe, expect, it } from "vitest";
import { besselPotential, type Profile } from "../../src/measure/besselPotential";
import reference from "../reference/bessel.json";

type Row = [number, number, number, number[][]];
const rows = reference as unknown as Row[];

const at = (profile: Profile, r: number): number => {
  const out = new Float64Array(1);
  profile(Float64Array.of(r), 1, out);
  return out[0]!;
};

describe("the kernel against mpmath", () => {
  it.each(rows)("in dimension %d of order %d", (dimension, order, logAtZero, values) => {
    const kernel = besselPotential(dimension, order);
    // log Γ is right to 10^−14 of the larger of 1 and itself
    expect(Math.abs(kernel.logAtZero - logAtZero)).toBeLessThan(1e-13 * Math.max(1, Math.abs(logAtZero)));
    const nu = order - dimension / 2;
    for (const [r, complement, slope, bend] of values as [number, number, number, number][]) {
      // promised are 10^−13; found were 5 · 10^−15
      expect(Math.abs(at(kernel.complement, r) / complement - 1)).toBeLessThan(1e-13);
      if (nu <= 1) continue;
      const largest = 0.5 / (nu - 1);
      expect(Math.abs(at(kernel.slope, r) - slope)).toBeLessThan(1e-13 * largest);
      expect(Math.abs(at(kernel.bend, r) - bend)).toBeLessThan(1e-13 * largest);
    }
  });
});

describe("closed forms of half-integer ν", () => {
  // κ of ν = ½, 3/2, 5/2: e^−r times 1, 1 + r, 1 + r + r²/3
  it.each([
    [1, 1, (_: number) => 1],
    [3, 2, (_: number) => 1],
    [1, 2, (r: number) => 1 + r],
    [5, 4, (r: number) => 1 + r],
    [3, 4, (r: number) => 1 + r + (r * r) / 3],
  ])("dimension %d, order %d", (dimension, order, polynomial) => {
    const { complement } = besselPotential(dimension, order);
    for (let r = 0.25; r < 60; r *= 1.0371) {
      // a dozen roundings of numbers up to 1, 2^−53 each, on both sides
      expect(Math.abs(at(complement, r) - (1 - polynomial(r) * Math.exp(-r)))).toBeLessThan(3e-15);
    }
  });

  it("k(0) is 1/2 in D = 1, j = 1, 1/(8π) in D = 3, j = 2 and 1/(4π) in D = 2, j = 2", () => {
    expect(Math.exp(besselPotential(1, 1).logAtZero)).toBeCloseTo(1 / 2, 14);
    expect(Math.exp(besselPotential(3, 2).logAtZero)).toBeCloseTo(1 / (8 * Math.PI), 15);
    expect(Math.exp(besselPotential(2, 2).logAtZero)).toBeCloseTo(1 / (4 * Math.PI), 15);
  });
});

it("no seam shows between cells of the table", () => {
  const { complement, slope, bend } = besselPotential(2, 3.3);
  for (let cell = -40; cell < 48; cell++) {
    const r = 2 ** Math.floor(cell / 8) * (1 + (cell & 7) / 8);
    for (const profile of [complement, slope, bend]) {
      const gap = Math.abs(at(profile, r) - at(profile, r * (1 - 2 ** -52)));
      // both sides are right to 10^−14
      expect(gap).toBeLessThan(2e-14 * Math.max(1, Math.abs(at(profile, r))));
    }
  }
});

it("at 0, below the table and beyond it the functions have their limits", () => {
  const { complement, slope, bend } = besselPotential(1, 2.5);
  expect([at(complement, 0), at(slope, 0), at(bend, 0)]).toEqual([0, 0.5, 0]);
  expect([at(complement, 1e-30), at(slope, 1e-30), at(bend, 1e-30)]).toEqual([expect.closeTo(0, 50), 0.5, 0]);
  for (const far of [1e5, 1e200, Infinity]) {
    expect([at(complement, far), at(slope, far), at(bend, far)]).toEqual([1, 0, 0]);
  }
});

it("a kernel that was forgotten and made again has the same bits", () => {
  const before = at(besselPotential(2, 1.75).complement, 0.7);
  for (let order = 2; order < 20; order++) besselPotential(3, order);
  expect(at(besselPotential(2, 1.75).complement, 0.7)).toBe(before);
});
