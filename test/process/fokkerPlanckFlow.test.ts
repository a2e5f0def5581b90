// The Fokker–Planck flow on cells against closed forms: docs/langevin.md derives them.

import { describe, expect, test } from "vitest";
import { normalCdf } from "../../src/engine/math";
import { type CellEnergy, featureEnergy, noEnergy } from "../../src/measure/cellEnergy";
import { atMiddles, type Cells, cellsOf, equalEdges, finish } from "../../src/measure/cells";
import { type FlowSpec, FokkerPlanckFlow } from "../../src/process/fokkerPlanck/flow";
import { gibbsMasses, stationaryCells } from "../../src/process/fokkerPlanck/stationary";
import reference from "../reference/langevin.json";

/** An interval, or a square. */
const interval = (from: number, to: number, n: number): Cells => cellsOf([equalEdges(from, to, n)]);
const square = (from: number, to: number, n: number): Cells =>
  cellsOf([equalEdges(from, to, n), equalEdges(from, to, n)]);

/** Masses of N(mean, variance) in cells of one axis, exact up to round-off. */
function normalMasses(cells: Cells, mean: number, variance: number): Float64Array {
  const u = cells.edges[0]!.map((edge) => (edge - mean) / Math.sqrt(variance));
  const masses = u
    .subarray(1)
    .map((b, i) => (u[i]! > 0 ? normalCdf(-u[i]!) - normalCdf(-b) : normalCdf(b) - normalCdf(u[i]!)));
  return scaled(masses);
}

const total = (m: Float64Array): number => m.reduce((sum, x) => sum + x, 0);
const scaled = (m: Float64Array): Float64Array => m.map((x) => x / total(m));
const distance = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0);

/** F = strength (∫x dm − c)²/2. */
const mean = (cells: Cells, c: number, strength = 1): CellEnergy =>
  featureEnergy([cells.middles[0]!.slice()], {
    value(v, gradient) {
      gradient[0] = strength * (v[0]! - c);
      return (strength * (v[0]! - c) ** 2) / 2;
    },
  });

/** F = Σ (f_q − y_q)²/2n, f_q = ∫ tanh(2⟨w, x_q⟩) dm, for twelve points of the plane. */
function tanhEnergy(cells: Cells): CellEnergy {
  const points = Array.from({ length: 12 }, (_, q) => [Math.cos(q), Math.sin(2 * q)] as const);
  const labels = points.map(([a, b]) => Math.sin(3 * a) * b);
  return featureEnergy(
    points.map(([a, b]) => atMiddles(cells, (w) => Math.tanh(2 * (w[0]! * a + (w[1] ?? 0.5) * b)))),
    {
      value(f, gradient) {
        let sum = 0;
        labels.forEach((y, q) => {
          gradient[q] = (f[q]! - y) / 12;
          sum += (f[q]! - y) ** 2 / 24;
        });
        return sum;
      },
    },
  );
}

const { parameters, stationary, atTime1 } = reference.meanFieldOrnsteinUhlenbeck;
const { c, kappa, sigma, M0, v0 } = parameters;
const tau = (sigma * sigma) / 2;
/** What the reference's U has beyond κx²/2, times τ. */
const constant = (tau * Math.log((2 * Math.PI) / kappa)) / 2;

function ornsteinUhlenbeck(cells: Cells, steps: FlowSpec["steps"]): FlowSpec {
  return {
    cells,
    energy: mean(cells, c),
    confinement: atMiddles(cells, (x) => (tau * kappa * x[0]! * x[0]!) / 2),
    temperature: tau,
    masses: normalMasses(cells, M0, v0),
    steps,
  };
}

/** (x² − 1)² (1 + 0.8 tanh x), of the reference's Gibbs laws. */
const doubleWell = (x: number): number => (x * x - 1) ** 2 * (1 + 0.8 * Math.tanh(x));

function run(spec: FlowSpec, t: number): FokkerPlanckFlow {
  const flow = new FokkerPlanckFlow(spec);
  finish(flow.advance(t));
  const masses = finish(flow.at(t));
  flow.restore({ ...flow.save(), time: t, values: masses });
  return flow;
}

function meanAndVariance(masses: Float64Array, { middles, lengths }: Cells): [number, number] {
  const x = middles[0]!;
  const centre = masses.reduce((sum, m, i) => sum + m * x[i]!, 0);
  const square = masses.reduce((sum, m, i) => sum + m * (x[i]! - centre) ** 2, 0);
  // as of masses spread evenly in their cells
  return [centre, square + lengths[0]![0]! ** 2 / 12];
}

describe("the mean-field Ornstein–Uhlenbeck process", () => {
  test("has the reference's rates: M and v decay with 1.64 and 1.28", () => {
    // the rates of a coarser grid are off by h²: from 1 to 2, M − M* ∝ e^{−1.64 t}, v − v* ∝ e^{−1.28 t}
    const coarse = interval(-4.2, 5.2, 1024);
    const decay = [1, 2].map((t) => {
      const [M, v] = meanAndVariance(run(ornsteinUhlenbeck(coarse, { tolerance: 1e-8 }), t).masses, coarse);
      return [M - stationary.mean, v - coarse.lengths[0]![0]! ** 2 / 12 - stationary.variance] as const;
    });
    const { rates } = reference.meanFieldOrnsteinUhlenbeck;
    expect(Math.abs(Math.log(decay[0]![0] / decay[1]![0]) - rates.mean)).toBeLessThan(2e-4);
    expect(Math.abs(Math.log(decay[0]![1] / decay[1]![1]) - rates.variance)).toBeLessThan(2e-3);
  });

  test("errors fall with the square of the cells' length", () => {
    const errors = [192, 384, 768].map((n) => {
      const coarse = interval(-4.2, 5.2, n);
      const { masses, freeEnergy, dissipation } = run(ornsteinUhlenbeck(coarse, { tolerance: 1e-8 }), 1);
      const [M, v] = meanAndVariance(masses, coarse);
      return [
        M - atTime1.mean,
        v - atTime1.variance,
        freeEnergy.value + constant - atTime1.freeEnergy,
        dissipation - atTime1.dissipation,
      ].map(Math.abs);
    });
    for (let k = 0; k < 4; k++) {
      for (const i of [0, 1]) expect(Math.log2(errors[i]![k]! / errors[i + 1]![k]!)).toBeGreaterThan(1.95);
    }
  });

  test("errors fall with the square of fixed steps", () => {
    const coarse = interval(-4.2, 5.2, 512);
    const at = (timeStep: number) => run(ornsteinUhlenbeck(coarse, { timeStep }), 1).masses;
    const exact = at(1 / 1280);
    const errors = [10, 20, 40, 80].map((k) => distance(at(1 / k), exact));
    for (const i of [0, 1, 2]) {
      expect(Math.log2(errors[i]! / errors[i + 1]!)).toBeGreaterThan(1.9);
      expect(Math.log2(errors[i]! / errors[i + 1]!)).toBeLessThan(2.15);
    }
  });

  test("errors follow the tolerance", () => {
    const coarse = interval(-4.2, 5.2, 512);
    const exact = run(ornsteinUhlenbeck(coarse, { timeStep: 1 / 2560 }), 1).masses;
    // the error of a step is dt³, of all dt²: a hundredth of the tolerance is 1/21 of the error
    const errors = [1e-4, 1e-6, 1e-8].map((tolerance) =>
      distance(run(ornsteinUhlenbeck(coarse, { tolerance }), 1).masses, exact),
    );
    expect(errors[0]! / errors[1]!).toBeGreaterThan(12);
    expect(errors[1]! / errors[2]!).toBeGreaterThan(12);
    expect(errors[2]).toBeLessThan(3e-6);
  });
});

describe("both sides of the dissipation identity", () => {
  // d𝓕/dt by the difference over a short time, D by Simpson's rule over the same: what is left is that of the steps
  const gap = (spec: (steps: FlowSpec["steps"]) => FlowSpec, timeStep: number): number => {
    const flows = [0.5, 0.525, 0.55, 0.575, 0.6].map((t) => run(spec({ timeStep }), t));
    const rate = (flows[0]!.freeEnergy.value - flows[4]!.freeEnergy.value) / 0.1;
    const mean = flows.reduce((sum, flow, k) => sum + ([1, 4, 2, 4, 1][k]! * flow.dissipation) / 12, 0);
    return Math.abs(rate / mean - 1);
  };

  test.each([
    ["mean-field Ornstein–Uhlenbeck", (steps: FlowSpec["steps"]) => ornsteinUhlenbeck(interval(-4.2, 5.2, 256), steps)],
    [
      "tanh units in two dimensions",
      (steps: FlowSpec["steps"]) => {
        const cells = square(-4, 4, 32);
        return {
          cells,
          energy: tanhEnergy(cells),
          confinement: atMiddles(cells, (w) => 0.1 * (w[0]! ** 2 + w[1]! ** 2)),
          temperature: 0.1,
          masses: gibbsMasses(
            atMiddles(cells, (w) => (w[0]! - 1) ** 2 + w[1]! ** 2),
            0.5,
          ),
          steps,
        };
      },
    ],
  ] as const)("%s: they differ by the square of the step, on a grid however coarse", (_, spec) => {
    const gaps = [0.05, 0.025, 0.0125].map((dt) => gap(spec, dt));
    for (const i of [0, 1]) expect(Math.log2(gaps[i]! / gaps[i + 1]!)).toBeGreaterThan(1.8);
    expect(gaps[2]).toBeLessThan(1e-3);
  });

  test("is infinite where a cell is empty beside a full one, and 0 for Gibbs' law", () => {
    const cells = interval(-4, 4, 64);
    const spec = { ...ornsteinUhlenbeck(cells, { timeStep: 1 }), energy: noEnergy };
    const box = scaled(cells.middles[0]!.map((x) => (Math.abs(x) < 1 ? 1 : 0)));
    expect(new FokkerPlanckFlow({ ...spec, masses: box }).dissipation).toBe(Infinity);
    const gibbs = gibbsMasses(spec.confinement, tau);
    expect(Math.abs(new FokkerPlanckFlow({ ...spec, masses: gibbs }).dissipation)).toBeLessThan(1e-28);
  });
});

test.each([0, 1, 2])("Gibbs' law of the double well has the reference's mass on the left: eps[%d]", (k) => {
  const { eps, mass } = reference.gibbs;
  // an edge stands at 0; what is left is h²/24 of the density's slope there, 1e-8
  const cells = interval(-3, 3, 4096);
  const temperature = eps[k]! / 2;
  const confinement = atMiddles(cells, (x) => doubleWell(x[0]!));
  const left = (m: Float64Array) => total(m.subarray(0, 2048));
  expect(Math.abs(left(gibbsMasses(confinement, temperature)) - mass[k]!)).toBeLessThan(2e-8);
  if (k < 2) return;
  // and the flow goes there: its slowest rate is 0.3 at ε = 1
  const masses = normalMasses(cells, 0.5, 0.05);
  const flow = run({ cells, energy: noEnergy, confinement, temperature, masses, steps: { tolerance: 1e-5 } }, 120);
  expect(Math.abs(left(flow.masses) - mass[k]!)).toBeLessThan(2e-8);
});

// Ornstein–Uhlenbeck in a rotated quadratic: mean e^{−At}, covariance by axis τ/a + (v − τ/a) e^{−2at}.
describe("a rotated quadratic in two dimensions", () => {
  const [a1, a2, angle, temperature, v] = [1, 3, 0.6, 0.3, 0.2];
  const [C, S] = [Math.cos(angle), Math.sin(angle)];
  const spec = (n: number, steps: FlowSpec["steps"]): FlowSpec => {
    const cells = square(-3.6, 3.6, n);
    const { middles } = cells;
    const profile = (centre: number) => middles[0]!.map((x) => Math.exp(-((x - centre) ** 2) / (2 * v)));
    const [px, py] = [profile(0.9), profile(0)];
    return {
      cells,
      energy: noEnergy,
      confinement: atMiddles(cells, ([x, y]) => {
        const [p, q] = [C * x! + S * y!, C * y! - S * x!];
        return (a1 * p * p + a2 * q * q) / 2;
      }),
      temperature,
      masses: scaled(Float64Array.from({ length: n * n }, (_, i) => px[Math.floor(i / n)]! * py[i % n]!)),
      steps,
    };
  };
  const statistics = (masses: Float64Array, { middles, columns }: Cells): number[] => {
    const x = middles[0]!;
    const E = (f: (x: number, y: number) => number) =>
      masses.reduce((sum, m, i) => sum + m * f(x[Math.floor(i / columns)]!, x[i % columns]!), 0);
    const [mx, my] = [E((p) => p), E((_, q) => q)];
    return [mx, my, E((p) => (p - mx) ** 2), E((p, q) => (p - mx) * (q - my)), E((_, q) => (q - my) ** 2)];
  };
  const t = 0.5;
  const [e1, e2] = [Math.exp(-a1 * t), Math.exp(-a2 * t)];
  const [v1, v2] = [
    temperature / a1 + (v - temperature / a1) * e1 * e1,
    temperature / a2 + (v - temperature / a2) * e2 * e2,
  ];
  const exact = [
    0.9 * (C * C * e1 + S * S * e2),
    0.9 * C * S * (e1 - e2),
    C * C * v1 + S * S * v2,
    C * S * (v1 - v2),
    S * S * v1 + C * C * v2,
  ];
  const errors = (n: number, steps: FlowSpec["steps"]): number[] => {
    const one = spec(n, steps);
    return statistics(run(one, t).masses, one.cells).map((x, k) => x - exact[k]!);
  };

  test("has its closed form, with errors that fall with the square of the cells' length", () => {
    const [coarse, middle, fine] = [28, 56, 112].map((n) => errors(n, { tolerance: 1e-6 }));
    for (let k = 0; k < 5; k++) {
      expect(Math.log2(coarse![k]! / middle![k]!)).toBeGreaterThan(1.6);
      expect(Math.log2(middle![k]! / fine![k]!)).toBeGreaterThan(1.9);
      expect(Math.abs(fine![k]!)).toBeLessThan(1.5e-3);
      // and what is left after one extrapolation is of a higher order
      expect(Math.abs((4 * fine![k]! - middle![k]!) / 3)).toBeLessThan(3e-5);
    }
  });

  test("errors fall with the square of fixed steps, though the directions alternate", () => {
    const at = (timeStep: number) => run(spec(48, { timeStep }), t).masses;
    const limit = at(1 / 640);
    const errors = [20, 40, 80].map((k) => distance(at(1 / k), limit));
    for (const i of [0, 1]) expect(Math.log2(errors[i]! / errors[i + 1]!)).toBeGreaterThan(1.95);
  });
});

/** Flows of all sorts, started far from rest. */
const sorts: [string, (steps: FlowSpec["steps"]) => FlowSpec, number][] = [
  ["mean-field Ornstein–Uhlenbeck", (steps) => ornsteinUhlenbeck(interval(-5, 6, 300), steps), 30],
  [
    "a double well with strong interaction, from a point",
    (steps) => {
      const cells = interval(-3, 3, 240);
      return {
        cells,
        energy: mean(cells, 0.3, 10),
        confinement: atMiddles(cells, (x) => doubleWell(x[0]!)),
        temperature: 0.5,
        masses: cells.middles[0]!.map((_, i) => (i === 60 ? 1 : 0)),
        steps,
      };
    },
    150,
  ],
  [
    "tanh units in two dimensions, from a box",
    (steps) => {
      const cells = square(-4, 4, 40);
      return {
        cells,
        energy: tanhEnergy(cells),
        confinement: atMiddles(cells, (w) => 0.1 * (w[0]! ** 2 + w[1]! ** 2)),
        temperature: 0.05,
        masses: scaled(atMiddles(cells, (w) => (Math.abs(w[0]! - 1) < 0.5 && w[1]! > 0 && w[1]! < 2 ? 1 : 0))),
        steps,
      };
    },
    300,
  ],
  [
    "a rough potential in two dimensions",
    (steps) => {
      const cells = cellsOf([equalEdges(-1, 1, 17), equalEdges(0, 3, 33)]);
      return {
        cells,
        energy: noEnergy,
        confinement: atMiddles(cells, ([x, y]) => Math.sin(20 * x!) * Math.cos(9 * y!) + 0.3 * x! * y!),
        temperature: 1,
        masses: new Float64Array(17 * 33).fill(1 / (17 * 33)),
        steps,
      };
    },
    30,
  ],
];

describe.each(sorts)("%s", (_, spec, rest) => {
  test("the free energy rises at no step, mass is kept to round-off, and none is negative", () => {
    for (const steps of [{ tolerance: 0.1 }, { tolerance: 1e-4 }, { tolerance: 1e-6 }, { timeStep: 0.2 }]) {
      const flow = new FokkerPlanckFlow(spec(steps));
      let before = flow.freeEnergy;
      for (let count = 0; count < 60; count++) {
        const { accepted } = flow;
        while (flow.accepted === accepted) finish(flow.advance(flow.time + flow.save().step * 1.0001));
        const now = flow.freeEnergy;
        // the bound of the scheme itself: an ulp of each term
        expect(now.value - before.value).toBeLessThan(4e-15 * before.magnitude);
        before = now;
        expect(Math.abs(total(flow.masses) - 1)).toBeLessThan(1e-14);
        expect(Math.min(...flow.masses)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  test("the flow comes to rest at its discrete Gibbs law to 1e-12", () => {
    const flow = run(spec({ tolerance: 1e-6 }), rest);
    const { cells, energy, confinement, temperature } = flow.spec;
    const potential = new Float64Array(cells.size);
    finish(energy.evaluate(flow.masses, potential));
    const gibbs = gibbsMasses(
      potential.map((p, i) => p + confinement[i]!),
      temperature,
    );
    expect(distance(flow.masses, gibbs)).toBeLessThan(1e-12);
    // which the fixed point finds as well
    const fixed = finish(stationaryCells(flow.spec, { damping: null, tolerance: 1e-12, iterations: 1000 }));
    expect(distance(flow.masses, fixed.masses)).toBeLessThan(1e-11);
    expect(Math.abs(fixed.freeEnergy.value - flow.freeEnergy.value)).toBeLessThan(1e-13);
  });

  test("the state at t is the same bits whichever times were asked for, and after a restore", () => {
    for (const steps of [{ tolerance: 1e-5 }, { timeStep: 0.013 }]) {
      const make = () => new FokkerPlanckFlow(spec(steps));
      const [once, often, resumed] = [make(), make(), make()];
      finish(once.advance(0.4));
      const expected = finish(once.at(0.4));
      for (let i = 1; i < 9; i++) {
        finish(often.advance(0.05 * i));
        finish(often.at(0.05 * i));
        if (i === 5) resumed.restore(often.save());
      }
      for (const other of [often, resumed]) {
        finish(other.advance(0.4));
        expect(finish(other.at(0.4))).toEqual(expected);
        expect(other.accepted).toBe(once.accepted);
        expect(other.flags).toEqual(once.flags);
      }
    }
  });

  test("work that is broken off leaves the last whole step", () => {
    const [broken, whole] = [
      new FokkerPlanckFlow(spec({ tolerance: 1e-5 })),
      new FokkerPlanckFlow(spec({ tolerance: 1e-5 })),
    ];
    finish(whole.advance(0.1));
    for (const pieces of [1, 2, 3, 5, 8, 13, 40, 1e9]) {
      const work = broken.advance(0.1);
      for (let k = 0; k < pieces && !work.next().done; k++);
    }
    expect(broken.masses).toEqual(whole.masses);
    expect(broken.time).toBe(whole.time);
  });
});

/** A mean held by a force forty times its distance, in a double well, from a point. */
const tense = (steps: FlowSpec["steps"]): FlowSpec => {
  const cells = interval(-3, 3, 240);
  return {
    cells,
    energy: mean(cells, 0.3, 40),
    confinement: atMiddles(cells, (x) => doubleWell(x[0]!)),
    temperature: 0.5,
    masses: cells.middles[0]!.map((_, i) => (i === 60 ? 1 : 0)),
    steps,
  };
};

test("a fixed step that is too long is cut into parts that lower the free energy as the flow does, and named", () => {
  // in steps of 0.5 the mean would be thrown to and fro
  const flow = run(tense({ timeStep: 0.5 }), 20);
  expect(flow.flags.find(({ kind }) => kind === "shortened")?.share).toBeGreaterThan(1);
  expect(flow.accepted).toBe(40);
  const fine = run(tense({ tolerance: 1e-7 }), 20);
  expect(Math.abs(flow.freeEnergy.value - fine.freeEnergy.value)).toBeLessThan(1e-6);
});

test("a step that throws the law at a wall is shortened, though whole and halves agree on it", () => {
  // frozen at its start, the force of 1000 (M − c) empties all but the last cell, whatever the length of the step
  const cells = interval(-3, 3, 60);
  const spec: FlowSpec = {
    ...tense({ tolerance: 0.1 }),
    cells,
    energy: mean(cells, 0.3, 1000),
    confinement: new Float64Array(60),
    masses: normalMasses(cells, 0.4, 0.04),
  };
  const flow = new FokkerPlanckFlow(spec);
  const before = flow.freeEnergy.value;
  flow.restore({ ...flow.save(), step: 1e4 });
  for (const work = flow.advance(1e5); flow.accepted === 0 && !work.next().done; );
  expect(flow.accepted).toBe(1);
  expect(flow.freeEnergy.value).toBeLessThan(before);
  expect(flow.time).toBeLessThan(1);
});

test("a strong interaction stays at rest: long steps do not let round-off grow", () => {
  const flow = new FokkerPlanckFlow(tense({ tolerance: 1e-6 }));
  const { cells, energy, confinement, temperature } = flow.spec;
  for (let t = 50; t <= 250; t += 50) {
    finish(flow.advance(t));
    const potential = new Float64Array(cells.size);
    finish(energy.evaluate(flow.masses, potential));
    const gibbs = gibbsMasses(
      potential.map((p, i) => p + confinement[i]!),
      temperature,
    );
    // round-off of a step, 1e-14, times 40 var(m)/τ = 60
    expect(distance(flow.masses, gibbs)).toBeLessThan(5e-12);
  }
});

test("mass is kept over hundreds of steps a million times as long as a cell takes to empty", () => {
  const cells = interval(-5, 6, 4096);
  const flow = run(
    {
      cells,
      energy: noEnergy,
      confinement: atMiddles(cells, (x) => doubleWell(x[0]!)),
      temperature: 0.5,
      masses: normalMasses(cells, -1, 0.25),
      steps: { tolerance: 1e-7 },
    },
    1e5,
  );
  expect(flow.save().step).toBeGreaterThan(1e6 * cells.lengths[0]![0]! ** 2);
  expect(Math.abs(total(flow.masses) - 1)).toBeLessThan(1e-14);
});

describe("flags", () => {
  test("mass at a wall is named, with the time", () => {
    const flow = run(ornsteinUhlenbeck(interval(-4.2, 2, 256), { tolerance: 1e-5 }), 2);
    const flag = flow.flags.find(({ kind }) => kind === "wall")!;
    expect(flag.time).toBeGreaterThan(0.05);
    expect(flag.time).toBeLessThan(1);
    expect(run(ornsteinUhlenbeck(interval(-4.2, 5.2, 256), { tolerance: 1e-5 }), 2).flags).toEqual([]);
  });

  test("a density narrower than the cells is named", () => {
    const cells = interval(-4.2, 5.2, 16);
    expect(run(ornsteinUhlenbeck(cells, { tolerance: 1e-5 }), 0.1).flags.map(({ kind }) => kind)).toContain(
      "unresolved",
    );
  });
});

describe("the damped fixed point", () => {
  const spec = ornsteinUhlenbeck(interval(-6, 6, 400), { tolerance: 1 });
  const options = { damping: null, tolerance: 1e-12, iterations: 500 };

  test("does not converge without damping where the interaction is strong, and says what to do", () => {
    // F″ var(m*) / τ = 1/(κτ) = 1.56 > 1: the undamped map is repelled
    const work = () => finish(stationaryCells(spec, { ...options, damping: 0 }));
    expect(work).toThrow(/has not converged.*take more damping than 0/);
    const damped = finish(stationaryCells(spec, { ...options, damping: 0.5 }));
    expect(damped.residual).toBeLessThan(1e-12);
    const free = finish(stationaryCells(spec, options));
    expect(distance(damped.masses, free.masses)).toBeLessThan(1e-11);
    expect(free.iterations).toBeLessThan(15);
  });

  test("converges at temperatures far below the interaction's strength", () => {
    for (const temperature of [0.1, 0.01, 0.001]) {
      const cells = interval(-6, 6, 2000);
      const cold = {
        ...spec,
        cells,
        energy: tanhEnergy(cells),
        confinement: atMiddles(cells, (x) => 0.05 * x[0]! ** 2),
        masses: new Float64Array(2000).fill(1 / 2000),
        temperature,
      };
      const { residual, masses } = finish(stationaryCells(cold, { ...options, iterations: 5000 }));
      // round-off of P/τ, times the gain of the map
      expect(residual).toBeLessThan(1e-9);
      const potential = new Float64Array(2000);
      finish(cold.energy.evaluate(masses, potential));
      const gibbs = gibbsMasses(
        potential.map((p, i) => p + cold.confinement[i]!),
        temperature,
      );
      expect(distance(gibbs, masses)).toBeLessThan(2e-9);
    }
  });
});
