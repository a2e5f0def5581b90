import { describe, expect, test } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { type Activation, piecewiseLinear, tanh } from "../../src/model/activation";
import { type RadialLaw, radialOperator } from "../../src/model/radial";
import { type AxisDensity, type DrawnStart, startLaws, startQuadrature } from "../../src/model/radialStart";
import { Characteristics } from "../../src/process/radial/characteristics";
import { steepestFaces, unresolvedShare } from "../../src/process/radial/finiteVolumes";
import { RadialGrid, startMasses, wallFor } from "../../src/process/radial/grid";
import reference from "../reference/radial.json";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const engine = await loadEngine();
const isotropic = { dimension: 40, signal: 40, delta: 0.8 };
const twoRadii = { dimension: 320, signal: 60, delta: 0.5 };
const gaussian: DrawnStart = { kind: "gaussian", radius: 0.8 };

function problem(law: RadialLaw, activation: Activation, start: DrawnStart) {
  const operator = radialOperator(law, { kind: "ridge", activation });
  return { operator, laws: startLaws(law, start, operator.coordinates) };
}

function grid(law: RadialLaw, activation: Activation, start: DrawnStart, cells: number, rMax?: number) {
  const { operator, laws } = problem(law, activation, start);
  return new RadialGrid(engine, operator, laws, cells, rMax ?? wallFor(operator, laws));
}

/** Risk of the masses at t by the operator itself, not by the grid's compressed table. */
function riskAt({ operator, rows, cols, rMax, cells }: RadialGrid, masses: Float64Array): number {
  const dims = rows > 1 ? 2 : 1;
  const h = rMax / cells;
  const points = new Float64Array(masses.length * dims);
  for (let i = 0; i < masses.length; i++) {
    if (dims === 2) points[2 * i] = (Math.floor(i / cols) + 0.5) * h;
    points[dims * i + dims - 1] = ((i % cols) + 0.5) * h;
  }
  const features = new Float64Array(masses.length * operator.stride);
  const C = new Float64Array(operator.rank);
  operator.evaluate(points, masses.length, features);
  operator.moments(points, features, masses, masses.length, C);
  return operator.risk(C);
}

const total = (masses: Float64Array) => masses.reduce((sum, m) => sum + m, 0);

describe("one radius", () => {
  test("figure 1 at the defaults is within 2e-3 of the reference risk for t ≤ 10", () => {
    const run = grid(isotropic, figureOne, gaussian, 2048);
    expect(run.rMax).toBeGreaterThan(5);
    const { t, risk } = reference.isotropic;
    t.forEach((time, k) => {
      if (time > 10) return;
      run.advance(time);
      const masses = run.at(time);
      expect(Math.abs(riskAt(run, masses) - risk[k]!)).toBeLessThan(2e-3);
      expect(Math.abs(total(masses) - 1)).toBeLessThan(1e-14);
    });
    expect(run.flags).toEqual([]);
  });

  test("W1 to the characteristics falls at an order of at least 1.8 for t ≤ 2", () => {
    const { operator, laws } = problem(isotropic, figureOne, gaussian);
    const { points, weights } = startQuadrature(laws, 3000);
    const exact = new Characteristics(operator, points, weights, 1e-9);
    // characteristics of one radius do not cross: the distribution function at a node is that of its start
    const levels = points.map((r) => (laws[0] as AxisDensity).mass(0, r));
    const sizes = [256, 512, 1024, 2048];
    const runs = sizes.map((cells) => new RadialGrid(engine, operator, laws, cells, 6));
    for (const t of [0.3, 1, 2]) {
      exact.advance(t);
      const nodes = exact.at(t);
      const errors = runs.map((run) => {
        run.advance(t);
        const masses = run.at(t);
        const h = run.rMax / run.cells;
        let [below, w1, k] = [0, 0, 0];
        for (let j = 1; j < run.cells; j++) {
          below += masses[j - 1]!;
          while (k < nodes.length && nodes[k]! < j * h) k++;
          const share = k > 0 && k < nodes.length ? (j * h - nodes[k - 1]!) / (nodes[k]! - nodes[k - 1]!) : 0;
          const level = k === 0 ? 0 : k === nodes.length ? 1 : levels[k - 1]! + share * (levels[k]! - levels[k - 1]!);
          w1 += Math.abs(below - level) * h;
        }
        return w1;
      });
      for (let i = 1; i < errors.length; i++) expect(Math.log2(errors[i - 1]! / errors[i]!)).toBeGreaterThan(1.8);
      expect(errors[3]).toBeLessThan(2e-4);
    }
  });

  test("a wall that is too near is flagged with the time at which mass arrives", () => {
    const run = grid(isotropic, figureOne, gaussian, 512, 3);
    run.advance(5);
    expect(run.flags).toEqual([]);
    run.advance(12);
    expect(run.flags.map(({ kind }) => kind)).toContain("wall");
    const { time, share } = run.flags.find(({ kind }) => kind === "wall")!;
    expect(time).toBeGreaterThan(5);
    expect(time).toBeLessThan(10);
    expect(share).toBeGreaterThan(1e-6);
  });

  test("a wall inside the start is flagged at once", () => {
    expect(grid(isotropic, figureOne, gaussian, 256, 0.9).flags[0]).toMatchObject({ kind: "wall", time: 0 });
  });

  test("a density that collapses to a few cells is flagged, a resolved one is not", () => {
    const fine = grid(isotropic, figureOne, gaussian, 1024, 6);
    fine.advance(5);
    expect(fine.flags).toEqual([]);
    const coarse = grid(isotropic, figureOne, gaussian, 64, 6);
    expect(coarse.flags[0]).toMatchObject({ kind: "unresolved", time: 0 });
    const collapsing = grid(
      { dimension: 320, signal: 320, delta: 0.5 },
      figureTwo,
      { kind: "gaussian", radius: 0.1 },
      1024,
    );
    collapsing.advance(0.1);
    expect(collapsing.flags.map(({ kind }) => kind)).toEqual(["unresolved"]);
    expect(collapsing.flags[0]!.time).toBeGreaterThan(0);
  });

  test("figure 2's start κ = 0.1 collapses into the first cell and stays there", () => {
    const run = grid(
      { dimension: 320, signal: 320, delta: 0.5 },
      figureTwo,
      { kind: "gaussian", radius: 0.1 },
      256,
      0.5,
    );
    run.advance(1);
    const masses = run.at(1);
    expect(masses[0]).toBeGreaterThan(1 - 1e-9);
    run.advance(20);
    expect(run.at(20)[0]).toBeGreaterThan(1 - 1e-9);
  });

  test("at d = ∞ a density follows its characteristics", () => {
    const law = { dimension: "infinite", signal: 1, delta: 0.8 } as const;
    const start: DrawnStart = { kind: "radii", r1: { mean: 0.8, deviation: 0.09 }, r2: null };
    const { operator, laws } = problem(law, figureOne, start);
    const run = new RadialGrid(engine, operator, laws, 2048, 6);
    const { points, weights } = startQuadrature(laws, 500);
    const exact = new Characteristics(operator, points, weights, 1e-8);
    for (const t of [0.1, 1, 5]) {
      run.advance(t);
      exact.advance(t);
      const nodes = exact.at(t);
      const mean = nodes.reduce((sum, r, i) => sum + r * weights[i]!, 0);
      const masses = run.at(t);
      const found = masses.reduce((sum, m, j) => sum + (m * (j + 0.5) * 6) / 2048, 0);
      // second order: 5e-6 at finite d
      expect(Math.abs(found - mean)).toBeLessThan(2e-5);
    }
  });
});

describe("two radii", () => {
  test("at the defaults are within 2e-3 of the reference risk for t ≤ 10", () => {
    for (const rMax of [2.5, undefined]) {
      const run = grid(twoRadii, figureOne, gaussian, 256, rMax);
      const { t, risk, meanR1, meanR2 } = reference.twoRadii;
      t.forEach((time, k) => {
        if (time > 10) return;
        run.advance(time);
        const masses = run.at(time);
        expect(Math.abs(riskAt(run, masses) - risk[k]!)).toBeLessThan(2e-3);
        const h = run.rMax / 256;
        const means = [0, 0];
        masses.forEach((m, i) => {
          means[0]! += m * (Math.floor(i / 256) + 0.5) * h;
          means[1]! += m * ((i % 256) + 0.5) * h;
        });
        expect(Math.abs(means[0]! - meanR1[k]!)).toBeLessThan(1e-3);
        expect(Math.abs(means[1]! - meanR2[k]!)).toBeLessThan(1e-3);
      });
    }
  });
});

describe.each([
  ["one radius", isotropic, figureOne, gaussian, 400, 6],
  ["one radius, kinked at 0", { dimension: 20, signal: 20, delta: 0.5 }, figureTwo, gaussian, 300, 4],
  ["two radii", { dimension: 40, signal: 10, delta: 0.5 }, figureOne, gaussian, 64, 3],
  ["two radii whose second stage is the faster", twoRadii, figureTwo, { kind: "gaussian", radius: 0.2 }, 64, 4],
  ["d = ∞", { dimension: "infinite", signal: 0.3, delta: 0.5 }, tanh(), density(), 48, 3],
] as [string, RadialLaw, Activation, DrawnStart, number, number][])(
  "on %s",
  (_, law, activation, start, cells, rMax) => {
    const run = grid(law, activation, start, cells, rMax);
    const h = rMax / cells;

    test("every step lowers the risk, keeps CFL ≤ ½ and the mass to round-off, and no mass is negative", () => {
      let risk = run.risk;
      for (let step = 0; step < 150; step++) {
        run.advance(1e9, 1);
        expect(run.courant).toBeLessThanOrEqual(0.5);
        expect(run.risk).toBeLessThanOrEqual(risk + 1e-13);
        risk = run.risk;
        // 150 steps of cells² roundings each, at random: far below this
        expect(Math.abs(total(run.values) - 1)).toBeLessThan(1e-13);
        expect(run.values.every((m) => m >= 0)).toBe(true);
      }
      expect(run.accepted).toBe(150);
    });

    test("the compressed table gives the operator's risk", () => {
      // the operator's own tolerance
      expect(Math.abs(run.risk - riskAt(run, run.values))).toBeLessThan(1e-7);
    });

    test("the state at t is the same bits whichever times were asked for, and after a restore", () => {
      const make = () => grid(law, activation, start, cells, rMax);
      const [once, often, resumed] = [make(), make(), make()];
      const end = 40 * h * h;
      once.advance(end);
      for (let i = 1; i < 7; i++) {
        often.advance((i * end) / 7);
        often.at((i * end) / 7);
      }
      resumed.restore(often.save());
      const expected = once.at(end);
      for (const other of [often, resumed]) {
        while (!other.advance(end, 1));
        expect(other.at(end)).toEqual(expected);
        expect(other.accepted).toBe(once.accepted);
      }
    });
  },
);

function density(): DrawnStart {
  return { kind: "radii", r1: { mean: 0.9, deviation: 0.15 }, r2: { from: 0.4, to: 1.2 } };
}

describe("start masses", () => {
  test("are exact integrals that sum to 1", () => {
    const { laws } = problem(twoRadii, figureOne, gaussian);
    const masses = startMasses(laws, 128, 2.5);
    expect(Math.abs(total(masses) - 1)).toBeLessThan(1e-15);
    const [first, second] = laws as [AxisDensity, AxisDensity];
    const h = 2.5 / 128;
    for (const [i, j] of [
      [17, 36],
      [14, 40],
    ] as const) {
      const expected = first.mass(i * h, (i + 1) * h) * second.mass(j * h, (j + 1) * h);
      expect(masses[i * 128 + j]! / expected).toBeCloseTo(1, 12);
    }
  });

  // P(χ² ≤ x) of 40 and 7 degrees of freedom, from SciPy 1.17 (scipy.stats.chi2.cdf and sf).
  test("use the χ distribution function, in the tails too", () => {
    const chi = (freedom: number) =>
      startLaws({ dimension: freedom, signal: freedom, delta: 0.5 }, { kind: "gaussian", radius: Math.sqrt(freedom) }, [
        "r1",
      ])[0] as AxisDensity;
    expect(chi(40).mass(0, Math.sqrt(30))).toBeCloseTo(0.12478121503252496, 14);
    expect(chi(40).mass(0, Math.sqrt(5)) / 3.4804487521162797e-12).toBeCloseTo(1, 11);
    expect(chi(40).mass(Math.sqrt(150), Infinity) / 1.2397921541617078e-14).toBeCloseTo(1, 11);
    expect(chi(7).mass(Math.sqrt(60), Infinity) / 1.5095553022989154e-10).toBeCloseTo(1, 11);
    expect(chi(1).mass(0, 1)).toBeCloseTo(0.6826894921370859, 14);
  });
});

describe("one stage", () => {
  // a rough field and rough masses, with holes
  const rows = 13;
  const cols = 17;
  const rough = (seed: number) => {
    let state = seed;
    return () => (state = (state * 48271) % 2147483647) / 2147483647;
  };
  const field = (seed: number, holes: number) => {
    const uniform = rough(seed);
    return Float64Array.from({ length: rows * cols }, () => (uniform() < holes ? 0 : uniform() ** 4));
  };
  /** The kernel on unpadded arrays; ratio = dt/h². */
  const euler = (mass: Float64Array, potential: Float64Array, r: number, c: number, ratio: number) => {
    const memory = engine.memory();
    const stride = Math.ceil(c / 2) * 2 + 4;
    const [u, psi, out] = [0, 1, 2].map(() => memory.allocate(8 * r * stride + 32)) as [number, number, number];
    const view = (field: number) => memory.f64(field + 16, r * stride);
    for (let i = 0; i < r; i++) {
      view(u).set(mass.subarray(i * c, (i + 1) * c), i * stride);
      view(psi).set(potential.subarray(i * c, (i + 1) * c), i * stride);
    }
    engine.kernels.stencil_f64(u, u, psi, out, r, c, 8 * stride, ratio, ratio, 0, 1, memory.allocate(48 * stride));
    const result = Float64Array.from({ length: r * c }, (_, at) => view(out)[Math.floor(at / c) * stride + (at % c)]!);
    memory.free();
    return result;
  };
  const stage = (mass: Float64Array, potential: Float64Array, r: number, c: number, courant: number) => {
    const [from, to] = [new Int32Array(r), new Int32Array(r).fill(c)];
    const steepest = steepestFaces(mass, potential, { rows: r, cols: c, stride: c }, from, to);
    return euler(mass, potential, r, c, courant / steepest);
  };

  test("at CFL number ½ keeps masses non-negative and their sum", () => {
    for (let seed = 1; seed < 60; seed++) {
      const mass = field(seed, seed % 2 ? 0.6 : 0);
      const potential = field(seed + 100, 0);
      const out = stage(mass, potential, rows, cols, 0.5);
      // round-off of masses of order 1
      expect(Math.min(...out)).toBeGreaterThanOrEqual(-1e-16);
      expect(Math.abs(total(out) - total(mass))).toBeLessThan(1e-14 * total(mass));
    }
  });

  test("well beyond it does not: the bound is of the right size", () => {
    let negative = 0;
    for (let seed = 1; seed < 60; seed++) {
      if (Math.min(...stage(field(seed, 0.6), field(seed + 100, 0), rows, cols, 1.2)) < -1e-3) negative++;
    }
    expect(negative).toBeGreaterThan(5);
  });

  test("treats rows and columns alike", () => {
    const transpose = (x: Float64Array) =>
      Float64Array.from(x, (_, at) => x[(at % rows) * cols + Math.floor(at / rows)]!);
    const mass = field(5, 0.3);
    const potential = field(6, 0);
    const out = stage(mass, potential, rows, cols, 0.4);
    const turned = stage(transpose(mass), transpose(potential), cols, rows, 0.4);
    transpose(out).forEach((m, i) => void expect(Math.abs(m - turned[i]!)).toBeLessThan(1e-15));
  });

  test("with a potential of one radius moves each row as the one-row scheme", () => {
    const mass = field(7, 0.3);
    const profile = field(8, 0).subarray(0, cols);
    const potential = Float64Array.from({ length: rows * cols }, (_, i) => profile[i % cols]!);
    const out = euler(mass, potential, rows, cols, 0.3);
    for (let i = 0; i < rows; i++) {
      const row = euler(mass.slice(i * cols, (i + 1) * cols), profile.slice(), 1, cols, 0.3);
      row.forEach((m, j) => void expect(Math.abs(m - out[i * cols + j]!)).toBeLessThan(1e-15));
    }
  });

  test("moves a smooth profile with second-order accuracy", () => {
    // constant speed 1 on [0, 1]: Ψ = −x; a Gaussian of deviation 0.05 from 0.3 to 0.5, exact cell means by erf's derivative
    const error = (n: number) => {
      const h = 1 / n;
      const potential = Float64Array.from({ length: n }, (_, j) => -(j + 0.5) * h);
      const profile = (centre: number) =>
        Float64Array.from({ length: n }, (_, j) => {
          const u = ((j + 0.5) * h - centre) / 0.05;
          // cell mean to fourth order: p + h²/24 p″
          return h * Math.exp((-u * u) / 2) * (1 + (h * h * (u * u - 1)) / (24 * 0.0025));
        });
      let mass = profile(0.3);
      const target = profile(0.5);
      const steps = Math.round(0.2 / (0.4 * h));
      const ratio = 0.2 / steps / (h * h);
      for (let k = 0; k < steps; k++) {
        const second = euler(euler(mass, potential, 1, n, ratio), potential, 1, n, ratio);
        mass = mass.map((m, j) => (m + second[j]!) / 2);
      }
      return mass.reduce((sum, m, j) => sum + Math.abs(m - target[j]!), 0);
    };
    // limited at the peak: between 1.7 and 2.3 in L1
    expect(Math.log2(error(200) / error(400))).toBeGreaterThan(1.7);
    expect(Math.log2(error(400) / error(800))).toBeGreaterThan(1.8);
  });

  test("the resolution measure is about 10 % for a Gaussian of deviation 1.8 cells, more for narrower, 0 for wide ones", () => {
    const share = (deviation: number, rows: number) => {
      const n = 201;
      const profile = (j: number) => Math.exp(-0.5 * ((j - 100) / deviation) ** 2);
      const mass = Float64Array.from(
        { length: rows * n },
        (_, i) => profile(i % n) * (rows > 1 ? profile(Math.floor(i / n)) : 1),
      );
      const sum = total(mass);
      const [from, to] = [new Int32Array(rows), new Int32Array(rows).fill(n)];
      return unresolvedShare(
        mass.map((m) => m / sum),
        { rows, cols: n, stride: n },
        from,
        to,
      );
    };
    expect(share(1.8, 1)).toBeGreaterThan(0.04);
    expect(share(1.8, 1)).toBeLessThan(0.16);
    expect(share(4, 1)).toBeLessThan(1e-3);
    for (const deviation of [1.5, 1.2, 1, 0.7, 0.4]) expect(share(deviation, 1)).toBeGreaterThan(0.15);
    expect(share(4, 201)).toBeLessThan(1e-3);
    expect(share(1.5, 201)).toBeGreaterThan(0.3);
  });
});
