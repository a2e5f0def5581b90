// Addresses: an experiment comes back from its link, and what is wrong in a link is said.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACTIVATIONS, defaults, type Experiment } from "../../playground/src/experiment";
import type { Change } from "../../playground/src/run/protocol";
import { experimentFromHash, experimentToHash } from "../../playground/src/state/url";

const positive = fc.double({ min: 1e-8, max: 1e8, noNaN: true });
const change: fc.Arbitrary<Change["set"]> = fc
  .record(
    {
      stepSize: positive,
      batchSize: fc.integer({ min: 1, max: 512 }),
      temperature: fc.double({ min: 0, max: 10, noNaN: true }),
    },
    { requiredKeys: [] },
  )
  .filter((set) => Object.keys(set).length > 0);

const experiments: fc.Arbitrary<Experiment> = fc
  .record({
    problem: fc.constantFrom("gaussians", "teacher", "peaks", "sine") as fc.Arbitrary<Experiment["problem"]>,
    network: fc.constantFrom("sgd", "gradientDescent", "adam", "langevin") as fc.Arbitrary<Experiment["network"]>,
    neurons: fc.integer({ min: 1, max: 4000 }),
    stepSize: positive,
    batchSize: fc.integer({ min: 1, max: 512 }),
    temperature: fc.constantFrom(0, 1e-3, 0.1),
    radius: positive,
    seed: fc.maxSafeNat(),
    dimension: fc.integer({ min: 1, max: 200 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    delta: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    activation: fc.constantFrom(...Object.keys(ACTIVATIONS)),
    precision: fc.constantFrom("f32", "f64") as fc.Arbitrary<"f32" | "f64">,
    time: fc.double({ min: 0, max: 1e6, noNaN: true }).map((t) => Number(t.toPrecision(12))),
    changes: fc.array(fc.record({ at: fc.double({ min: 0, max: 100, noNaN: true }), set: change }), { maxLength: 4 }),
    pictures: fc.option(fc.subarray(["law", "cloud", "risk", "decision", "sharpness"] as const)),
    x: fc.option(fc.constantFrom("r1", "w0", "a")),
    y: fc.option(fc.constantFrom("r2", "w1", "b")),
    band: fc.boolean(),
    tour: fc.option(fc.integer({ min: 0, max: 6 })),
  })
  .map(({ share, ...one }) => ({
    ...one,
    limit: "none" as const,
    signal: Math.max(1, Math.round(share * one.dimension)),
    changes: [...one.changes].sort((a, b) => a.at - b.at),
    pictures: one.pictures && [...one.pictures],
  }));

describe("An address", () => {
  it("gives back any experiment, with nothing to say of it", () => {
    fc.assert(
      fc.property(experiments, (experiment) => {
        const hash = experimentToHash(experiment);
        expect(hash).not.toMatch(/[\s"<>]/);
        expect(experimentFromHash(hash)).toEqual({ experiment, notices: [] });
      }),
      { numRuns: 60, seed: 6 },
    );
  });

  it("is empty for the page's first experiment and short for another problem's", () => {
    expect(experimentToHash(defaults("gaussians"))).toBe("");
    expect(experimentToHash(defaults("sine"))).toBe("#problem=sine");
    const moved = { ...defaults("gaussians"), neurons: 400, time: 2.5, changes: [{ at: 1, set: { stepSize: 0.002 } }] };
    expect(experimentToHash(moved)).toBe("#N=400&t=2.5&changes=1:eps=0.002");
  });

  it("names each wrong value, what was expected and what is taken in its place", () => {
    const { experiment, notices } = experimentFromHash(
      "#N=-3&eps=fast&delta=1&limit=fokkerPlanck&speed=2&changes=2:eps=1;1:B=2",
    );
    expect(experiment).toEqual({ ...defaults("gaussians"), limit: "none" });
    expect(notices).toHaveLength(6);
    expect(notices[0]).toBe("The link says N=-3: expected a whole number from 1 to 16777216. 800 is taken.");
    for (const key of ["eps=fast", "delta=1", "changes=2:eps=1;1:B=2", "speed", "limit=fokkerPlanck"]) {
      expect(notices.some((text) => text.includes(key))).toBe(true);
    }
  });

  it("of another problem that is unknown, of a file, or of more signal than dimensions says so", () => {
    expect(experimentFromHash("#problem=cats").notices[0]).toMatch(/problem=cats: expected one of gaussians/);
    expect(experimentFromHash("#problem=file&N=3")).toMatchObject({ experiment: defaults("gaussians") });
    expect(experimentFromHash("#d=20&s0=30")).toMatchObject({
      experiment: { signal: 20 },
      notices: [expect.stringContaining("at most d = 20")],
    });
    expect(experimentFromHash("#d=20")).toMatchObject({ experiment: { signal: 20 }, notices: [] });
  });

  it("takes any text without an error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        experimentFromHash(`#${text}`);
        experimentFromHash(`#changes=${text}&N=${text}`);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
