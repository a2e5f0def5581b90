import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  isFlatSomewhere,
  leakyRelu,
  logistic,
  parseActivation,
  piecewiseLinear,
  piecewiseLinearForm,
  relu,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";

const figure1 = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figure2 = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const table = tabulate(Math.sin, { from: -2, to: 3, points: 41 });
const smooth = [tanh(), erf(), logistic(), softplus(), silu(), cosine(), identity(), square(), table];
const kinked = [relu(), leakyRelu(0.25), truncatedRelu(), figure1, figure2];
const all = [...smooth, ...kinked];
const points = Array.from({ length: 241 }, (_, i) => -6 + i * 0.05);
const name = (activation: Activation): string => activation.kind;

function failure(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

describe("the value", () => {
  // Math.tanh, Math.exp and Math.cos of the engine are an independent source, right to 1e-15.
  it.each([
    [tanh(), Math.tanh],
    [logistic(), (t: number) => 1 / (1 + Math.exp(-2 * t))],
    [softplus(), (t: number) => Math.log(1 + Math.exp(t))],
    [silu(), (t: number) => t / (1 + Math.exp(-t))],
    [cosine(), Math.cos],
    [square(), (t: number) => t * t],
    [relu(), (t: number) => Math.max(0, t)],
    [leakyRelu(0.25), (t: number) => (t > 0 ? t : t / 4)],
    [truncatedRelu(), (t: number) => Math.min(1, Math.max(0, t))],
    [figure1, (t: number) => Math.min(7.5, Math.max(-2.5, -2.5 + 10 * (t - 0.5)))],
  ])("of %o is its formula", (activation, formula) => {
    const { value } = activationFunctions(activation);
    for (const t of points) expect(Math.abs(value(t) - formula(t))).toBeLessThan(2e-14);
  });

  // erf(1) = 0.842700792949714869… (Abramowitz and Stegun, table 7.1)
  it("of erf is erf(t), not a scaled one", () => {
    expect(activationFunctions(erf()).value(1)).toBeCloseTo(0.8427007929497149, 14);
  });

  it.each(all.map((a) => [name(a), a] as const))("of %s is finite far out, or overflows as t does", (_, activation) => {
    const { value, derivative } = activationFunctions(activation);
    for (const t of [-800, 800, -1e6, 1e6]) {
      expect(value(t)).not.toBeNaN();
      expect(derivative(t)).not.toBeNaN();
      expect(Number.isFinite(derivative(t))).toBe(true);
    }
  });
});

describe("the derivative", () => {
  // Central differences of step δ = 1e-5: error δ² σ‴/6 < 1e-9 and round-off 1e-16 · 40 / δ < 1e-9.
  it.each(all.map((a) => [name(a), a] as const))(
    "of %s is the slope of the value between the kinks",
    (_, activation) => {
      const { value, derivative } = activationFunctions(activation);
      const delta = 1e-5;
      for (const t of points.map((p) => p + 0.012345)) {
        const slope = (value(t + delta) - value(t - delta)) / (2 * delta);
        expect(Math.abs(derivative(t) - slope)).toBeLessThan(4e-9);
      }
    },
  );

  it("at a kink is the one from the left", () => {
    expect(activationFunctions(relu()).derivative(0)).toBe(0);
    expect(activationFunctions(leakyRelu(0.25)).derivative(0)).toBe(0.25);
    expect([0, 1].map(activationFunctions(truncatedRelu()).derivative)).toEqual([0, 1]);
    expect([0.5, 1.5].map(activationFunctions(figure1).derivative)).toEqual([0, 10]);
    expect([0, 0.5, 1.5].map(activationFunctions(figure2).derivative)).toEqual([0, -3, 11.5]);
  });
});

describe("the sum of hinges", () => {
  it.each([...kinked, identity()].map((a) => [name(a), a] as const))(
    "is %s itself, derivative included",
    (_, activation) => {
      const form = piecewiseLinearForm(activation)!;
      const { value, derivative } = activationFunctions(activation);
      for (const t of [...points, 0, 0.5, 1, 1.5]) {
        let sum = form.constant + form.slope * t;
        let slope = form.slope;
        form.knots.forEach((knot, j) => {
          sum += form.jumps[j]! * Math.max(0, t - knot);
          if (t > knot) slope += form.jumps[j]!;
        });
        expect(Math.abs(sum - value(t))).toBeLessThan(1e-13);
        expect(slope).toBe(derivative(t));
      }
    },
  );

  it("is absent for a smooth activation", () => {
    for (const activation of smooth) {
      if (activation.kind !== "identity") expect(piecewiseLinearForm(activation)).toBeNull();
    }
  });
});

describe("a flat piece", () => {
  it("is found where σ′ = 0 on an interval, and only there", () => {
    for (const activation of [relu(), truncatedRelu(), figure1, figure2, leakyRelu(0)]) {
      expect(isFlatSomewhere(activation)).toBe(true);
    }
    for (const activation of [...smooth, leakyRelu(0.25)]) expect(isFlatSomewhere(activation)).toBe(false);
  });

  it("is found inside and beyond the ends of a table", () => {
    const between = { from: -1, to: 2, points: 31 };
    expect(isFlatSomewhere(tabulate((t) => (t < 0 ? t : t < 1 ? 0 : t - 1), between))).toBe(true);
    expect(isFlatSomewhere(tabulate(() => 1, between))).toBe(true);
    expect(isFlatSomewhere(tabulate((t) => t, between))).toBe(false);
  });
});

describe("a table", () => {
  // Hermite interpolation: h⁴/384 max|f⁗|; sin has max 1. Slopes by differences add h · (4/27) · h⁴/1280 at the ends.
  it("of sin has the error h⁴/384 inside its ends", () => {
    const worst = [21, 41, 81].map((count) => {
      const { value } = activationFunctions(tabulate(Math.sin, { from: -2, to: 3, points: count }));
      const gaps = Array.from({ length: 5000 }, (_, i) => -2 + i / 1000).map((t) => Math.abs(value(t) - Math.sin(t)));
      return Math.max(...gaps) / (5 / (count - 1)) ** 4;
    });
    for (const constant of worst) expect(constant).toBeLessThan(1.02 / 384);
  });

  // Both stencils are exact on polynomials of degree 4 (derivation in the source), Hermite on degree 3.
  it("of a cubic is the cubic, with slopes from differences or given", () => {
    const cubic = (t: number): number => 1 + t * (2 + t * (-3 + 0.5 * t));
    const slope = (t: number): number => 2 + t * (-6 + 1.5 * t);
    for (const derivative of [undefined, slope]) {
      const of = activationFunctions(
        tabulate(cubic, { from: -1, to: 4, points: 9, ...(derivative && { derivative }) }),
      );
      for (let t = -1; t <= 4; t += 0.01) {
        expect(Math.abs(of.value(t) - cubic(t))).toBeLessThan(1e-12);
        expect(Math.abs(of.derivative(t) - slope(t))).toBeLessThan(1e-11);
      }
    }
  });

  it("goes on linearly beyond its ends, with no jump of value or slope", () => {
    const of = activationFunctions(tabulate((t) => t * t, { from: -1, to: 2, points: 5 }));
    expect(of.value(3)).toBeCloseTo(4 + 4, 12);
    expect(of.derivative(30)).toBeCloseTo(4, 12);
    expect(of.value(-3)).toBeCloseTo(1 + 4, 12);
    expect(of.value(2 - 1e-12)).toBeCloseTo(of.value(2), 10);
  });

  it("calls the function only inside its ends", () => {
    const seen: number[] = [];
    tabulate((t) => seen.push(t), { from: 0, to: 1, points: 7 });
    expect(Math.min(...seen)).toBe(0);
    expect(Math.max(...seen)).toBe(1);
  });
});

describe("a wrong activation is a SpecError that names the field", () => {
  it.each([
    [() => leakyRelu(Number.NaN), "activation.slope"],
    [() => piecewiseLinear([[0, 1]]), "activation.knots"],
    [
      () =>
        piecewiseLinear([
          [0, 1],
          [0, 2],
        ]),
      "activation.knots[1][0]",
    ],
    [
      () =>
        piecewiseLinear([
          [0, 1],
          [1, Number.POSITIVE_INFINITY],
        ]),
      "activation.knots[1]",
    ],
    [
      () =>
        piecewiseLinear([
          [0, 1e308],
          [1e-3, -1e308],
        ]),
      "activation.knots[1]",
    ],
    [() => tabulate(Math.sqrt, { from: -1, to: 1, points: 3 }), "fn(-1)"],
    [() => tabulate(Math.sqrt, { from: 1, to: 1, points: 3 }), "options.to"],
    [() => tabulate(Math.sqrt, { from: 0, to: 1, points: 1 }), "options.points"],
    [() => tabulate(3 as never, { from: 0, to: 1, points: 2 }), "fn"],
    [() => parseActivation({ kind: "rely" }), "activation.kind"],
    [() => parseActivation({ kind: "relu", slope: 1 }), "activation.slope"],
    [() => parseActivation("relu"), "activation"],
    [() => parseActivation([]), "activation"],
    [() => parseActivation({ kind: "toString" }), "activation.kind"],
  ])("%s", (run, path) => {
    expect(failure(run).path).toBe(path);
  });

  it("and an unknown kind lists the known ones and the closest", () => {
    const { message } = failure(() => parseActivation({ kind: "rely" }));
    expect(message).toContain("truncatedRelu");
    expect(message).toContain('Did you mean "relu"?');
  });

  it("and a function is pointed to tabulate", () => {
    expect(failure(() => parseActivation(Math.tanh)).remedy).toContain("tabulate(fn");
  });
});

it("every activation comes back from JSON as it was", () => {
  for (const activation of all) expect(parseActivation(JSON.parse(JSON.stringify(activation)))).toEqual(activation);
});
