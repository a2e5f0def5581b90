// The linear mean-field model: runs of SGD, of the flows and of the fluctuation against the moment equations, with ten times the
// replicas of test/process/linearModel.test.ts: variances to 12 % at 5 standard errors, means to 0.08 deviations.
//
// Level: 5 standard errors, 6e-7 each for means of nearly normal numbers, of which there are about 130.

import { describe, expect, it } from "vitest";
import { models, problemOf } from "../process/linearModel";
import { fluctuationScoresOf, runs, scoresOf } from "../process/linearModelRuns";

const REPLICAS = 4000;
const names = Object.keys(models);

describe("runs with noise have the moments of the equations", () => {
  it.each(names.flatMap((name) => runs.map(([run, make]) => [name, run, make] as const)))(
    "%s: %s",
    async (name, _, make) => {
      const problem = problemOf(models[name]!);
      const scores = await scoresOf((replica) => make(problem, replica), [0.5, 1.5], REPLICAS);
      for (const score of scores) expect(Math.abs(score)).toBeLessThan(5);
    },
  );

  it.each(names)("%s: the fluctuation", async (name) => {
    const scores = await fluctuationScoresOf(problemOf(models[name]!), [0, 0.5, 1.5], REPLICAS / 4);
    for (const score of scores) expect(Math.abs(score)).toBeLessThan(5);
  });
});
