// Masses of boxes, of measures and of Gibbs' law by quadrature, and what Langevin dynamics and the Fokker–Planck equation make of flat
// and sharp minima of one depth.
//
// Statistical tests stand at 4.5 standard errors, 7e-6 each; there are 2 of them here.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { withPauses } from "../../src/engine/pause";
import { type GibbsOptions, gibbsMasses as work } from "../../src/landscape/gibbsMasses";
import { type Box, boxMasses } from "../../src/measure/boxMasses";
import { grid, type Measure, particles } from "../../src/measure/measure";
import { tabulate } from "../../src/model/activation";
import { localPotential, type Potential, quadratic, separable } from "../../src/model/potential";
import { potentialProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { fokkerPlanck, langevin } from "../../src/process/schema";
import { objectivePaths } from "../../src/study/objective/paths";
import { solve } from "../../src/study/solve";
import { stationaryLaw } from "../../src/study/stationaryLaw";
import reference from "../reference/langevin.json";

const gibbsMasses = (potential: Potential, options: GibbsOptions) => withPauses(work(potential, options));

/** Left and right of 0. */
const SIDES: Box[] = [
  [null, 0],
  [0, null],
];

/** Minima of depth 0 at −1 and 1 with the curvatures k_1 and k_2: (x² − 1)² h(x), h(±1) = k/8. */
const wells = (k1: number, k2: number) => (x: number) =>
  (x * x - 1) ** 2 * ((k1 + k2) / 16 + (((k2 - k1) / 16) * Math.tanh(2 * x)) / Math.tanh(2));
const tabulated = (u: (x: number) => number) => separable(tabulate(u, { from: -4, to: 4, points: 4001 }));

describe("masses of boxes", () => {
  it("of particles are the shares of those inside, ends below included", () => {
    const values = Float64Array.of(-1, 0, 0, 1, 2, 5);
    const line = particles({ coordinates: "theta", shape: [6, 1], values });
    expect(Array.from(boxMasses(line, [...SIDES, [0, 2], [7, 8], [null, null]]))).toEqual([1 / 6, 5 / 6, 1 / 2, 0, 1]);
    const weighted = particles({
      coordinates: "theta",
      shape: [3, 2],
      values,
      weights: Float64Array.of(0.2, 0.3, 0.5),
    });
    const found = boxMasses(weighted, [
      [
        [-1, 0],
        [null, null],
      ],
      [
        [0, null],
        [1, 2],
      ],
      [
        [0, null],
        [1, null],
      ],
    ]);
    expect(Array.from(found)).toEqual([0.2, 0.3, 0.8]);
  });

  it("of a grid take the part of a cell that is inside, its mass spread evenly", () => {
    const edges = Float64Array.of(-2, -1, 1, 2);
    const line = grid({ coordinates: "theta", edges: [edges], masses: Float64Array.of(0.1, 0.4, 0.5) });
    const found = boxMasses(line, [
      [null, 0],
      [0, null],
      [-0.5, 1.5],
      [null, null],
      [3, 4],
    ]);
    [0.3, 0.7, 0.55, 1, 0].forEach((mass, k) => void expect(Math.abs(found[k]! - mass)).toBeLessThan(1e-15));
    const plane = grid({
      coordinates: "theta",
      edges: [Float64Array.of(0, 1, 3), Float64Array.of(0, 2, 4)],
      masses: Float64Array.of(0.1, 0.2, 0.3, 0.4),
    });
    // halves along the first axis of what is above 3 along the second, and a corner
    const parts = boxMasses(plane, [
      [
        [0, 2],
        [3, null],
      ],
      [
        [0.5, 1],
        [0, 1],
      ],
    ]);
    expect(Math.abs(parts[0]! - (0.1 + 0.1))).toBeLessThan(1e-15);
    expect(Math.abs(parts[1]! - 0.025)).toBeLessThan(1e-15);
  });

  it.each([
    [[], "boxes"],
    [[[0]], "boxes[0]"],
    [
      [
        [0, 1],
        [
          [0, 1],
          [0, 1],
        ],
      ],
      "boxes[1]",
    ],
    [[[1, 0]], "boxes[0]"],
    [[[Number.NaN, 0]], "boxes[0][0]"],
    [[[0, "1"]], "boxes[0][1]"],
    [null, "boxes"],
  ])("wrong boxes are refused with their path: %#", (boxes, path) => {
    const line = particles({ coordinates: "theta", shape: [2, 1], values: Float64Array.of(0, 1) });
    let found: unknown;
    try {
      boxMasses(line, boxes as unknown as Box[]);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(SpecError);
    expect((found as SpecError).path).toBe(path);
  });

  it("no measure, and fluctuations, are refused", () => {
    expect(() => boxMasses({} as Measure, SIDES)).toThrow(SpecError);
    expect(() =>
      boxMasses(particles({ coordinates: "theta", shape: [1, 1], values: Float64Array.of(Number.NaN) }), SIDES),
    ).toThrow("measure.values[0]");
  });
});

describe("Gibbs' law by quadrature", () => {
  it("has the reference's masses, exp(−2L/ε) of (x² − 1)²(1 + 0.8 tanh x), to the twelve digits given", async () => {
    const u = (x: number) => (x * x - 1) ** 2 * (1 + 0.8 * Math.tanh(x));
    const potential = localPotential(
      ([x]) => u(x!),
      () => [0],
    );
    for (const [i, epsilon] of reference.gibbs.eps.entries()) {
      const found = await gibbsMasses(potential, { temperature: epsilon / 2, domain: [-3, 3], boxes: SIDES });
      expect(found.converged).toBe(true);
      expect(Math.abs(found.masses[0]! - reference.gibbs.mass[i]!)).toBeLessThan(6e-13);
      expect(Math.abs(found.masses[0]! + found.masses[1]! - 1)).toBeLessThan(1e-14);
    }
  });

  it("has the normal law's partition function and quarters in one and two parameters", async () => {
    const line = await gibbsMasses(quadratic(4), {
      temperature: 0.5,
      domain: [-5, 5],
      boxes: [
        [null, 0],
        [-1, 1],
      ],
    });
    // N(0, 1/8)
    expect(Math.abs(line.logPartition - 0.5 * Math.log((2 * Math.PI * 0.5) / 4))).toBeLessThan(1e-13);
    expect(Math.abs(line.masses[0]! - 0.5)).toBeLessThan(1e-13);
    // P(|X| < 1) = erf(2), by Abramowitz and Stegun's table
    expect(Math.abs(line.masses[1]! - 0.995322265)).toBeLessThan(1e-10);
    const plane = await gibbsMasses(quadratic(4), {
      temperature: 0.5,
      domain: [
        [-5, 5],
        [-4, 5],
      ],
      boxes: [
        [
          [null, 0],
          [0, null],
        ],
        [
          [-1, 1],
          [-1, 1],
        ],
      ],
    });
    expect(Math.abs(plane.logPartition - 2 * line.logPartition)).toBeLessThan(1e-12);
    expect(Math.abs(plane.masses[0]! - 0.25)).toBeLessThan(1e-12);
    expect(Math.abs(plane.masses[1]! - line.masses[1]! ** 2)).toBeLessThan(1e-12);
  });

  it("in wells of one depth goes to the ratio √(k_2/k_1) as τ falls, by corrections of order τ", async () => {
    const u = wells(1, 9);
    const off: number[] = [];
    for (const temperature of [0.02, 0.01, 0.005]) {
      const { masses } = await gibbsMasses(
        localPotential(
          ([x]) => u(x!),
          () => [0],
        ),
        {
          temperature,
          domain: [-3, 3],
          boxes: SIDES,
        },
      );
      off.push(masses[0]! / masses[1]! / 3 - 1);
    }
    expect(Math.abs(off[2]!)).toBeLessThan(0.01);
    for (const k of [0, 1]) expect(Math.abs(off[k]! / off[k + 1]! - 2)).toBeLessThan(0.2);
  });

  it("says how good it is where U is not smooth, and where it would take too long", async () => {
    // |x| has a kink where no wall is; the mass of its left half is known
    const kink = await gibbsMasses(
      localPotential(
        ([x]) => Math.abs(x! - 0.1),
        () => [0],
      ),
      {
        temperature: 0.01,
        domain: [-1, 1],
        boxes: [[null, 0]],
      },
    );
    expect(Math.abs(kink.masses[0]! - Math.exp(-10) / 2)).toBeLessThan(Math.max(1e-14, kink.error));
    // a jump between nodes, which no halving resolves
    const rough = await gibbsMasses(
      localPotential(
        ([x]) => (x! > 0.1 * Math.SQRT2 ? 1 : 0),
        () => [0],
      ),
      { temperature: 1, domain: [-1, 1], boxes: SIDES },
    );
    expect(rough.converged).toBe(false);
    expect(rough.error).toBeGreaterThan(1e-12);
    const above = (1 - 0.1 * Math.SQRT2) * Math.exp(-1);
    expect(Math.abs(rough.masses[0]! - 1 / (1 + 0.1 * Math.SQRT2 + above))).toBeLessThan(10 * rough.error);
  });

  it.each([
    [{ temperature: 0, domain: [-1, 1], boxes: SIDES }, "temperature"],
    [{ temperature: Number.NaN, domain: [-1, 1], boxes: SIDES }, "temperature"],
    [{ temperature: 1, domain: [1, -1], boxes: SIDES }, "domain"],
    [{ temperature: 1, domain: [-1, Number.POSITIVE_INFINITY], boxes: SIDES }, "domain"],
    [{ temperature: 1, domain: [[-1, 1], [-1]], boxes: SIDES }, "domain[1]"],
    [
      {
        temperature: 1,
        domain: [
          [-1, 1],
          [-1, 1],
          [-1, 1],
        ],
        boxes: SIDES,
      },
      "domain",
    ],
    [{ temperature: 1, domain: [-1, 1], boxes: [] }, "boxes"],
    [{ temperature: 1, domain: [-1, 1], boxes: SIDES, tolerance: 0 }, "tolerance"],
    [undefined, "options"],
  ])("refuses wrong options with their path: %#", async (options, path) => {
    const found = await gibbsMasses(quadratic(1), options as unknown as GibbsOptions).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(SpecError);
    expect((found as SpecError).path).toBe(path);
  });

  it("refuses a potential that is no number somewhere", async () => {
    const bad = localPotential(
      ([x]) => (x! > 0.5 ? Number.NaN : 0),
      () => [0],
    );
    const options = { temperature: 1, domain: [-1, 1] as const, boxes: SIDES };
    await expect(gibbsMasses(bad, options)).rejects.toThrow("potential");
    await expect(
      gibbsMasses(
        localPotential(
          () => Number.POSITIVE_INFINITY,
          () => [0],
        ),
        options,
      ),
    ).rejects.toThrow("potential");
  });
});

describe("a flat and a sharp minimum of one depth", () => {
  const u = wells(1, 9);
  const potential = tabulated(u);
  const problem = (mean = 0, deviation = 0.4) =>
    potentialProblem(potential, { dimension: 1, start: gaussian({ w: { mean, deviation } }) });

  it.each([0.5, 0.125, 0.02])(
    "the stationary law of the Fokker–Planck equation has the masses of quadrature: τ = %d",
    async (temperature) => {
      const law = fokkerPlanck(problem(), { temperature, cells: 2048, box: [-3, 3] });
      const { measure } = await stationaryLaw(law);
      const { masses } = await gibbsMasses(potential, { temperature, domain: [-3, 3], boxes: SIDES });
      // a wall between cells, the middle rule within them: h²/24 U'²/τ², h = 0.003, of a density that has little mass there
      const found = boxMasses(measure, SIDES);
      expect(Math.abs(found[0]! - masses[0]!)).toBeLessThan(1e-6);
      // flat is more, and never as much as Laplace's 3/4 but in the limit
      expect(found[0]!).toBeGreaterThan(0.6);
    },
  );

  it("the flow comes there from the sharp side", async () => {
    const temperature = 0.25;
    const process = fokkerPlanck(problem(1, 0.2), { temperature, cells: 512, box: [-3, 3], tolerance: 1e-5 });
    const run = await solve(process, { times: [0, 400], keep: "measures", observe: {} });
    const { masses } = await gibbsMasses(potential, { temperature, domain: [-3, 3], boxes: SIDES });
    expect(boxMasses(run.measures![0]!, SIDES)[0]!).toBeLessThan(1e-4);
    // h²-error of 512 cells
    expect(Math.abs(boxMasses(run.measures![1]!, SIDES)[0]! - masses[0]!)).toBeLessThan(2e-5);
  });

  it("Langevin dynamics has them within 4.5 standard errors and the bias of its steps", async () => {
    const [temperature, neurons, stepSize] = [0.5, 8000, 0.01];
    const process = langevin(problem(1, 0.2), { neurons, stepSize, temperature, seed: 1 });
    const run = await solve(process, { times: [30], keep: "measures", observe: {} });
    const { masses } = await gibbsMasses(potential, { temperature, domain: [-3, 3], boxes: SIDES });
    const found = boxMasses(run.measures![0]!, SIDES)[0]!;
    const exact = chainMass(u, temperature, stepSize);
    const error = Math.sqrt((exact * (1 - exact)) / neurons);
    // what is left of the start after 30 is e^{−30/2.5}
    expect(Math.abs(found - exact) / error).toBeLessThan(4.5);
    // steps of 0.01 with curvatures up to 9
    expect(Math.abs(exact - masses[0]!)).toBeLessThan(0.01);
    // and without the curvatures it would be a half
    expect(Math.abs(found - 0.5) / error).toBeGreaterThan(12);
  });

  it("four basins of a separable potential in the plane have products of the line's masses", async () => {
    const temperature = 0.25;
    const line = (await gibbsMasses(potential, { temperature, domain: [-3, 3], boxes: SIDES })).masses;
    const quarters = SIDES.flatMap((x) => SIDES.map((y) => [x, y] as Box));
    const domain = [
      [-3, 3],
      [-3, 3],
    ] as const;
    const { masses } = await gibbsMasses(potential, { temperature, domain, boxes: quarters, tolerance: 1e-9 });
    const process = fokkerPlanck(
      potentialProblem(potential, { dimension: 2, start: gaussian({ w: { mean: 0, deviation: 0.4 } }) }),
      { temperature, cells: 128, box: [-3, 3] },
    );
    const found = boxMasses((await stationaryLaw(process)).measure, quarters);
    for (const [k, product] of [
      line[0]! * line[0]!,
      line[0]! * line[1]!,
      line[1]! * line[0]!,
      line[1]! * line[1]!,
    ].entries()) {
      expect(Math.abs(masses[k]! - product)).toBeLessThan(1e-9);
      // the middle rule in cells of 1/21
      expect(Math.abs(found[k]! - product)).toBeLessThan(1e-3);
    }
  });

  it("stochastic gradient flow with Σ = I is Langevin dynamics of temperature η/(2b)", async () => {
    const [k, stepSize, batchSize, replicas] = [2, 0.05, 4, 4000];
    const { states } = await objectivePaths(
      {
        dimension: 1,
        terms: 1,
        gradient: (_, x, out) => void (out[0] = k * x[0]!),
        covariance: (_, out) => void (out[0] = 1),
      },
      { method: "sme", stepSize, batchSize, times: [4], starts: [[0]], replicas, seed: 1 },
    );
    const law = await gibbsMasses(quadratic(k), {
      temperature: stepSize / (2 * batchSize),
      domain: [-1, 1],
      boxes: SIDES,
    });
    // Z = √(2πτ/k), so the variance is Z²/2π; the splitting is off by (kh)²/6, a fifth of a per cent
    const variance = Math.exp(2 * law.logPartition) / (2 * Math.PI);
    expect(Math.abs(variance / (stepSize / (2 * batchSize * k)) - 1)).toBeLessThan(1e-12);
    const mean = states.values.reduce((sum, x) => sum + (x * x) / replicas, 0);
    expect(Math.abs(mean / variance - 1) / Math.sqrt(2 / replicas)).toBeLessThan(4.5);
  });

  it("in the plane: the ratio is √(det H_2/det H_1) as τ falls, and the Fokker–Planck equation has the quadrature's", async () => {
    // U = u(x) + κ(x) y²/2 with κ(−1) = 1, κ(1) = 4: determinants 1 and 36
    const kappa = (x: number) => 2.5 + (1.5 * Math.tanh(2 * x)) / Math.tanh(2);
    const slope = (f: (x: number) => number, x: number) => (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
    const plane = localPotential(
      ([x, y]) => u(x!) + (kappa(x!) * y! * y!) / 2,
      ([x, y]) => [slope(u, x!) + (slope(kappa, x!) * y! * y!) / 2, kappa(x!) * y!],
    );
    const boxes: Box[] = [
      [
        [null, 0],
        [null, null],
      ],
      [
        [0, null],
        [null, null],
      ],
    ];
    const domain = [
      [-3, 3],
      [-4, 4],
    ] as const;
    const cold = (await gibbsMasses(plane, { temperature: 0.01, domain, boxes, tolerance: 1e-9 })).masses;
    expect(Math.abs(cold[0]! / cold[1]! / 6 - 1)).toBeLessThan(0.05);
    const temperature = 0.25;
    const { masses } = await gibbsMasses(plane, { temperature, domain, boxes, tolerance: 1e-9 });
    // over y by hand: the law of x is e^{−u/τ}/√κ
    const x = localPotential(
      ([one]) => u(one!) + (temperature / 2) * Math.log(kappa(one!)),
      () => [0],
    );
    const line = await gibbsMasses(x, { temperature, domain: [-3, 3], boxes: SIDES });
    expect(Math.abs(masses[0]! - line.masses[0]!)).toBeLessThan(1e-9);
    const start = gaussian({ w: { mean: 0, deviation: 0.4 } });
    const process = fokkerPlanck(potentialProblem(plane, { dimension: 2, start }), {
      temperature,
      cells: 96,
      box: [
        [-3, 3],
        [-4, 4],
      ],
    });
    const found = boxMasses((await stationaryLaw(process)).measure, boxes);
    // cells of 1/16: h²/24 (U'/τ)² where the densities meet
    expect(Math.abs(found[0]! - masses[0]!)).toBeLessThan(1e-3);
  });
});

/** Mass below 0 of the stationary law of x ← x − hu'(x) + √(2τh) g, by its transition density on a grid. */
function chainMass(u: (x: number) => number, temperature: number, h: number): number {
  const [from, to, n] = [-3, 3, 301];
  const d = (to - from) / (n - 1);
  const x = Array.from({ length: n }, (_, i) => from + i * d);
  const mean = x.map((one) => one - (h * (u(one + 1e-5) - u(one - 1e-5))) / 2e-5);
  const rows = mean.map((m) => {
    const row = x.map((y) => Math.exp(-((y - m) ** 2) / (4 * temperature * h)));
    const sum = row.reduce((a, b) => a + b, 0);
    return Float64Array.from(row, (one) => one / sum);
  });
  let law = Float64Array.from(x, (one) => Math.exp(-u(one) / temperature));
  for (let step = 0; step < 600; step++) {
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) next[j]! += law[i]! * rows[i]![j]!;
    law = next;
  }
  const total = law.reduce((a, b) => a + b, 0);
  return (
    law.reduce((sum, mass, i) => sum + (x[i]! < -d / 2 ? mass : Math.abs(x[i]!) < d / 2 ? mass / 2 : 0), 0) / total
  );
}
