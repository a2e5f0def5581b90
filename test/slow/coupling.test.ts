// Exponents of the gaps between the four dynamics, with bootstrap intervals: none is worse than the theorem's, and where one is
// better it is pinned here (docs/coupling.md). About a minute on two cores.
//
// Mei, Misiakiewicz and Montanari, COLT 2019: the gaps ρ_t–ND and ND–PD are at most K e^{KT} √(log N/N), PD–GD and GD–SGD at most
// K e^{KT} √(D + log N) √ε, for the risk and for max_i |θ_i − θ_i'|, with a constant in place of K e^{KT} that is larger where the output
// coefficients are trained. The seeds are declared and fixed. "No worse" is asserted of the interval at 99.9 %: that of a true exponent
// lies on the wrong side of it once in 2000; with fourteen assertions, once in 140 choices of the seeds.

import { describe, expect, it } from "vitest";
import {
  affine,
  type Coupling,
  couple,
  type coupledGaps,
  dataset,
  gaussian,
  gradientFlow,
  predictions,
  type Rate,
  rate,
  ridge,
  stream,
  tanh,
} from "../../src/index";
import { boundExponent } from "../../src/study/figures/slopes";

const ATOMS = 20;
const words = stream(7);
const x = Array.from({ length: ATOMS }, (_, q) => Array.from(words.normals(5, { step: q })));
const law = dataset({ x, y: x.map((row) => (2 * row[0]! + 0.5 * row[1]! * row[1]! > 0.3 ? 1 : -1)) });
const spread = { mean: 0, deviation: 1 };
const END = 4;
const times = Array.from({ length: 9 }, (_, k) => (k * END) / 8);

const cases = {
  "fixed coefficients": {
    problem: { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) },
    seed: 2019,
  },
  "general coefficients": {
    problem: { law, unit: affine(tanh()), start: gaussian({ radius: 1, a: spread, b: spread }) },
    seed: 2020,
  },
};
const REPLICAS = 128;
const sizes = [8, 16, 32, 64, 128];
/** N where ε varies. */
const FIXED = 32;
const steps = [1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256, 1 / 512];

type Gap = (typeof coupledGaps)[number];
type What = "risk" | "largest" | "rootMeanSquare";

describe.each(Object.entries(cases))("%s", (_, { problem, seed }) => {
  // a limit of 4 N neurons has a quarter of the particles' own sampling variance at every N, which no exponent sees
  const run = (N: number, stepSize: number, replicas: number) =>
    couple(problem, {
      neurons: N,
      stepSize,
      times,
      replicas,
      seed,
      limit: gradientFlow(problem, { neurons: 4 * N, tolerance: 1e-6, seed: seed + 1000 }),
      observe: { f: predictions(x) },
    });
  // one after the other, as each takes all cores
  const inN = sizes.reduce(
    async (before, N) => [...(await before), await run(N, 1 / 64, REPLICAS)],
    Promise.resolve<Coupling[]>([]),
  );
  const inStep = steps.reduce(
    async (before, stepSize) => [...(await before), await run(FIXED, stepSize, REPLICAS / 2)],
    inN.then((): Coupling[] => []),
  );

  const values = (couplings: Coupling[], gap: Gap, what: What) =>
    couplings.map(({ gaps }) => {
      const { risk, parameters } = gaps[gap];
      return (what === "risk" ? risk.sup : parameters!.sup[what]).replicas.map((one) => one[0]!);
    });
  const fitted = (xs: number[], couplings: Coupling[], gap: Gap, what: What): Rate =>
    rate(xs, values(couplings, gap, what), { level: 0.999 });

  it("the gaps in N fall no slower than √(log N/N), in risk and in parameters", async () => {
    const bound = boundExponent(sizes);
    const couplings = await inN;
    for (const gap of ["limit-ND", "ND-PD"] as const) {
      for (const what of ["risk", "largest", "rootMeanSquare"] as const) {
        if (gap === "limit-ND" && what !== "risk") continue;
        const { interval } = fitted(sizes, couplings, gap, what);
        expect(interval![0], `${gap}, ${what}`).toBeLessThanOrEqual(bound);
      }
    }
  });

  it("the gaps in N fall like N^(−1/2) up to the logarithm of a maximum", async () => {
    // within 0.15, about four standard errors of the fits; measured: −0.45 to −0.62
    const couplings = await inN;
    for (const [gap, what] of [
      ["limit-ND", "risk"],
      ["ND-PD", "risk"],
      ["ND-PD", "rootMeanSquare"],
    ] as const) {
      expect(Math.abs(fitted(sizes, couplings, gap, what).exponent + 0.5), `${gap}, ${what}`).toBeLessThan(0.15);
    }
    expect(Math.abs(fitted(sizes, couplings, "ND-PD", "largest").exponent - boundExponent(sizes))).toBeLessThan(0.15);
  });

  it("the mean risk of ND has a bias of E(f_N − f)² that falls like 1/N", async () => {
    const bias = (await inN).map(({ gaps }) =>
      gaps["limit-ND"].observables["f"]!.difference.replicas.map((all) => {
        const last = all.subarray(all.length - ATOMS);
        return last.reduce((sum, value) => sum + value * value, 0) / ATOMS;
      }),
    );
    expect(Math.abs(rate(sizes, bias).exponent + 1)).toBeLessThan(0.15);
  });

  it("PD to GD falls like ε, in risk and in parameters, where the bound is √ε", async () => {
    // c₁ε + c₂ε²: over these ε the second term takes the exponent up by 0.01; the intervals are narrower
    for (const what of ["risk", "largest", "rootMeanSquare"] as const) {
      const { exponent, interval } = fitted(steps, await inStep, "PD-GD", what);
      expect(Math.abs(exponent - 1), what).toBeLessThan(0.03);
      expect(interval![0], what).toBeGreaterThan(0.9);
    }
  });

  it("GD to SGD falls no slower than √ε, in risk and in parameters", async () => {
    for (const what of ["risk", "largest", "rootMeanSquare"] as const) {
      const { interval } = fitted(steps, await inStep, "GD-SGD", what);
      expect(interval![1], what).toBeGreaterThanOrEqual(0.5);
    }
  });

  it("GD to SGD falls like √ε in the parameters, and faster in risk: c₁√ε + c₂ε", async () => {
    const couplings = await inStep;
    for (const what of ["largest", "rootMeanSquare"] as const) {
      expect(Math.abs(fitted(steps, couplings, "GD-SGD", what).exponent - 0.5), what).toBeLessThan(0.1);
    }
    const { exponent, interval } = fitted(steps, couplings, "GD-SGD", "risk");
    expect(interval![0]).toBeGreaterThan(0.5);
    expect(exponent).toBeLessThan(1);
  });

  it("the gaps in N do not know ε, nor those in ε much of N", async () => {
    const far = (all: number[][]) => {
      const means = all.map((one) => one.reduce((a, b) => a + b, 0) / one.length);
      return Math.max(...means) / Math.min(...means);
    };
    for (const what of ["risk", "largest"] as const) {
      expect(far(values(await inStep, "ND-PD", what))).toBeLessThan(1 + 1e-9);
      // by a factor of 3 where N grows sixteenfold, most of it below N = 32
      expect(far(values(await inN, "PD-GD", what))).toBeLessThan(3);
      expect(far(values(await inN, "GD-SGD", what))).toBeLessThan(3);
    }
  });
});
