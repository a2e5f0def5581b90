// The claims of the playground's tour, in the numbers that stand in it: each holds at its setting, and fails when what the stop says is
// moved. Seeds are fixed, so these are single runs that come out the same everywhere; bounds leave room for another seed.

import { describe, expect, it } from "vitest";
import { defaults, type Experiment, runOf } from "../../playground/src/experiment";
import { stops } from "../../playground/src/tour/stops";
import { coordinate, type Measure, risk, sharpness, solve, w1 } from "../../src/index";

// a stop as the page runs it, with its move or other fields
function stopRun(number: number, patch: Partial<Experiment> = {}) {
  const { setting, file } = stops[number - 1]!;
  const one = { ...defaults(setting.problem), ...setting, ...patch };
  return { ...runOf(one, file?.(one.temperature) ?? null), stepSize: one.stepSize };
}

async function risks(number: number, times: number[], patch: Partial<Experiment> = {}, withLimit = true) {
  const { network, limit } = stopRun(number, patch);
  const observe = { risk: risk() };
  const values = async (process: typeof network) =>
    Array.from((await solve(process, { times, observe })).observables["risk"]!.values);
  return { network: await values(network), limit: withLimit && limit ? await values(limit) : [] };
}

const broken = (number: number) => stops[number - 1]!.broken;
const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
const deviation = (values: number[]) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((one) => (one - middle) ** 2)));
};

describe("the tour", () => {
  it("has six stops, each with what its panel shows", () => {
    expect(stops).toHaveLength(6);
    for (const stop of stops) {
      for (const words of [
        stop.claim,
        stop.source,
        stop.see,
        stop.move,
        stop.consequence,
        stop.measured,
        stop.button,
      ]) {
        expect(words.length).toBeGreaterThan(4);
      }
    }
  });

  it("1: 800 neurons follow the equation, 20 do not", async () => {
    const wide = await risks(1, [2]);
    expect(Math.abs(wide.network[0]! - wide.limit[0]!)).toBeLessThan(0.01);
    const narrow = await risks(1, [2], broken(1), false);
    expect(narrow.network[0]! - wide.limit[0]!).toBeGreaterThan(0.1);
  });

  it("2: the early gap is linear in d·ε, small at the small step", async () => {
    const times = [0.1];
    const { limit } = await risks(2, times);
    // 0.05 is the standard error of the mean of four at the middle step, by the spread of its runs
    const gap = async (stepSize: number) => {
      const found = [1, 2, 3, 4].map((seed) => risks(2, times, { stepSize, seed }, false));
      return mean((await Promise.all(found)).map(({ network }) => network[0]!)) - limit[0]!;
    };
    const small = await gap(stops[1]!.setting.stepSize!);
    expect(Math.abs(small)).toBeLessThan(0.08);
    // slope −34 (theory §13, at d = 320)
    const middle = await gap(2e-4);
    expect(middle / (40 * 2e-4)).toBeGreaterThan(-50);
    expect(middle / (40 * 2e-4)).toBeLessThan(-20);
    expect(await gap(broken(2).stepSize!)).toBeLessThan(-0.6);
  });

  it("3: from κ = 0.4 the risk falls, from 0.1 it stays; a large step escapes and the equation does not", async () => {
    const far = await risks(3, [1]);
    expect(far.network[0]!).toBeLessThan(0.25);
    expect(far.limit[0]!).toBeLessThan(0.25);
    const near = await risks(3, [1], broken(3));
    expect(near.network[0]!).toBeGreaterThan(7);
    expect(near.limit[0]!).toBeCloseTo(7.25, 3);
    const escaped = await risks(3, [1], { ...broken(3), stepSize: 1e-3 });
    expect(escaped.network[0]!).toBeLessThan(0.5);
    expect(escaped.limit[0]!).toBeCloseTo(7.25, 3);
  });

  it("4: noise lifts the risk and widens the law, of network and equation alike", async () => {
    const at = async (patch: Partial<Experiment>) => {
      const { network, limit } = stopRun(4, patch);
      const options = { times: [20], keep: "measures" as const };
      const [a, b] = [await solve(network, options), await solve(limit!, options)];
      const law = (measure: Measure) => coordinate(measure, "w0", network.problem);
      const { values } = law(a.measures![0]!) as unknown as { values: Float64Array };
      return {
        risk: a.observables["risk"]!.values[0]!,
        limit: b.observables["risk"]!.values[0]!,
        width: deviation(Array.from(values)),
        distance: w1(law(a.measures![0]!), law(b.measures![0]!)),
      };
    };
    const noisy = await at({});
    expect(noisy.risk).toBeGreaterThan(0.08);
    expect(Math.abs(noisy.risk - noisy.limit)).toBeLessThan(0.03);
    expect(noisy.width).toBeGreaterThan(1.6);
    // 800 draws of a law of deviation 2 are 0.06 from it, and SGD shakes all of them together
    expect(noisy.distance).toBeLessThan(0.2);
    const quiet = await at(broken(4));
    expect(quiet.risk).toBeLessThan(0.03);
    expect(quiet.width).toBeLessThan(0.5);
  });

  it("5: the spread of runs is that of the examples at a large step, whatever N", async () => {
    const seeds = Array.from({ length: 10 }, (_, k) => k + 1);
    const spread = async (patch: Partial<Experiment>) => {
      const found: number[] = [];
      for (const seed of seeds) found.push((await risks(5, [0.3], { ...patch, seed }, false)).network[0]!);
      return deviation(found);
    };
    const small = await spread({});
    expect(small).toBeLessThan(0.007);
    // ratios of deviations of 10 are within a factor 2 with a chance of 95 %
    const large = await spread(broken(5));
    expect(large).toBeGreaterThan(5 * small);
    const narrow = await spread({ ...broken(5), neurons: 50 });
    expect(narrow / large).toBeLessThan(2);
    expect(await spread({ neurons: 50 })).toBeGreaterThan(1.2 * small);
  });

  it("6: ε λ_max hovers at 2 for the large step, and stays below for the small one", async () => {
    const product = async (patch: Partial<Experiment>) => {
      const { network, stepSize } = stopRun(6, patch);
      const steps = Math.round(200 / stepSize);
      const times = Array.from({ length: 41 }, (_, k) => stepSize * Math.round(steps * (1 + k / 40)));
      const { observables } = await solve(network, { times, observe: { sharpness: sharpness() } });
      return mean(Array.from(observables["sharpness"]!.values)) * stepSize;
    };
    const edge = await product({});
    expect(edge).toBeGreaterThan(1.9);
    expect(edge).toBeLessThan(2.1);
    expect(await product(broken(6))).toBeLessThan(0.9);
  });
});
