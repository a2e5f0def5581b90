// SGD beside its radial flow, at the reference times, seeds 1 … 6 declared here once and for all.
//
// The bounds are the acceptance bounds of the project, several times the spread over seeds that the reference tells of
// (test/reference/radial.json, sgdAgainstFlow): a false alarm needs a deviation of more than 4 standard deviations.

import { expect, it } from "vitest";
import {
  anisotropicGaussians,
  compare,
  coordinate,
  gaussian,
  piecewiseLinear,
  radialFlow,
  ridge,
  sgd,
  solve,
  w1,
} from "../../src/index";
import reference from "../reference/radial.json";

const SEEDS = [1, 2, 3, 4, 5, 6];
const unit = ridge(
  piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
);

it("figure 1: six seeds follow the flow in risk and in the law of the radius", async () => {
  const problem = {
    law: anisotropicGaussians({ dimension: 40, signal: 40, delta: 0.8 }),
    unit,
    start: gaussian({ radius: 0.8 }),
  };
  const { t: times } = reference.sgdAgainstFlow;
  const limit = await solve(radialFlow(problem), { times, keep: "measures" });
  const gaps: Float64Array[] = [];
  for (const seed of SEEDS) {
    const run = await solve(sgd(problem, { neurons: 800, stepSize: 1e-5, seed }), { times, keep: "measures" });
    const { risk, distances } = compare(run, limit);
    gaps.push(risk.difference);
    times.forEach((t, i) => {
      expect(Math.abs(risk.difference[i]!), `seed ${seed}, t = ${t}: |R_N − R|`).toBeLessThanOrEqual(0.04);
      const most = t <= 3 ? 0.01 : t <= 5 ? 0.015 : t <= 10 ? 0.06 : 0.1;
      expect(distances["r1"]!.w1[i]!, `seed ${seed}, t = ${t}: W1`).toBeLessThanOrEqual(most);
    });
  }
  times.forEach((t, i) => {
    const mean = gaps.reduce((sum, gap) => sum + gap[i]!, 0) / SEEDS.length;
    expect(Math.abs(mean), `t = ${t}: mean of R_N − R`).toBeLessThanOrEqual(t >= 0.3 && t <= 5 ? 0.012 : 0.02);
    console.log(`t = ${t}: mean gap ${mean.toFixed(4)}, reference ${reference.sgdAgainstFlow.mean[i]}`);
  });
});

it("two radii: six seeds follow the flow in risk up to t = 5", async () => {
  const problem = {
    law: anisotropicGaussians({ dimension: 320, signal: 60, delta: 0.5 }),
    unit,
    start: gaussian({ radius: 0.8 }),
  };
  const times = reference.twoRadii.t.filter((t) => t <= 5);
  const limit = await solve(radialFlow(problem), { times, keep: "measures" });
  for (const seed of SEEDS) {
    const run = await solve(sgd(problem, { neurons: 800, stepSize: 1e-5, seed }), { times, keep: "measures" });
    const gap = compare(run, limit).risk.difference;
    console.log(`seed ${seed}:`, Array.from(gap, (g) => g.toFixed(4)).join(" "));
    times.forEach((t, i) => {
      const most = t >= 0.3 ? 0.022 : 0.03;
      expect(Math.abs(gap[i]!), `seed ${seed}, t = ${t}: |R_N − R|`).toBeLessThanOrEqual(most);
    });
    for (const name of ["r1", "r2"]) {
      const end = w1(
        coordinate(run.measures!.at(-1)!, name, problem as never),
        coordinate(limit.measures!.at(-1)!, name, problem as never),
      );
      // the sampling error of 800 radii of standard deviation 0.1–0.3, with room
      expect(end, `seed ${seed}: W1 of ${name} at t = 5`).toBeLessThanOrEqual(0.08);
    }
  }
});
