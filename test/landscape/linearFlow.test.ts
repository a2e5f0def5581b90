// The flow of linear models by singular values: against the reference, integration of its equation, normal equations and the
// conditions that single out the nearest minimiser; the ridge path beside it; expected errors; SGD and its flow in the mean.
//
// Statistical tests stand at 4.5 standard errors, 7e-6 each; there are 18 of them here.

import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { type LinearFlow, type LinearFlowOptions, linearFlow } from "../../src/landscape/linearFlow";
import { identity } from "../../src/model/activation";
import { dataset } from "../../src/model/law";
import { linearObjective } from "../../src/model/linearObjective";
import { particles } from "../../src/model/start";
import { tensor } from "../../src/model/tensor";
import { ridge } from "../../src/model/unit";
import { gradientFlow } from "../../src/process/schema";
import { stream } from "../../src/random/stream";
import { linearMoments } from "../../src/study/objective/linearMoments";
import { objectivePaths } from "../../src/study/objective/paths";
import { predictions } from "../../src/study/observables";
import { solve } from "../../src/study/solve";
import reference from "../reference/flows.json";

const EXAMPLE = {
  A: [
    [1, 2, 0],
    [0, 1, 1],
  ],
  b: [1, 2],
};

/** A matrix [n, p] of rank r with given singular values decay^j, and b. */
function randomModel(n: number, p: number, r: number, decay = 0.5, seed = 1) {
  const left = stream(seed).normals(n * r);
  const right = stream(seed, { replica: 1 }).normals(r * p);
  const A = new Float64Array(n * p);
  for (let k = 0; k < r; k++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < p; j++) A[i * p + j]! += (decay ** k * left[i * r + k]! * right[k * p + j]!) / Math.sqrt(n);
    }
  }
  return { A: tensor(A, [n, p]), b: stream(seed, { replica: 2 }).normals(n), rows: A, n, p };
}

/** The largest (1 + x)(1 − e^{−x})/x, and the x of it, where e^x = 1 + x + x². */
const RATIO = 1.2984256;
const AT = 1.7932821;

/** Of numbers up to 10 in size, by condition numbers up to 100. */
const ROUND_OFF = 1e-11;

const SHAPES = [
  ["tall", 7, 4, 4],
  ["wide", 4, 7, 4],
  ["square, of rank 3", 6, 6, 3],
  ["tall, of rank 2", 9, 5, 2],
  ["wide, of rank 2", 5, 9, 2],
] as const;

const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((sum, a, i) => sum + a * y[i]!, 0);
const minus = (x: ArrayLike<number>, y: ArrayLike<number>) => Float64Array.from(x, (a, i) => a - y[i]!);
const size = (x: ArrayLike<number>) => Math.sqrt(dot(x, x));
const apart = (x: ArrayLike<number>, y: ArrayLike<number>) => size(minus(x, y));
const times = (rows: Float64Array, n: number, p: number, x: ArrayLike<number>) =>
  Float64Array.from({ length: n }, (_, i) => dot(rows.subarray(i * p, (i + 1) * p), x));
const transposed = (rows: Float64Array, n: number, p: number, y: ArrayLike<number>) =>
  Float64Array.from({ length: p }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += rows[i * p + j]! * y[i]!;
    return sum;
  });

describe("the reference's minimum norm example, L = |Aθ − b|²", () => {
  it("has its limit, flow and ridge solution to the twelve digits given", async () => {
    const path = await linearFlow({ ...EXAMPLE, convention: "whole" });
    const { limit, flowAt1, ridgeAt1 } = reference.minimumNorm;
    const gap = (x: ArrayLike<number>, y: ArrayLike<number>) => Math.max(...Array.from(minus(x, y), Math.abs));
    // half a unit of the last digit
    for (const [found, expected] of [
      [path.limit, limit],
      [path.minimumNorm, limit],
      [path.flow(Number.POSITIVE_INFINITY), limit],
      [path.flow(1), flowAt1],
      [path.ridge(1), ridgeAt1],
    ] as const) {
      expect(gap(found, expected)).toBeLessThan(6e-13);
    }
    expect(path.loss(path.limit)).toBeLessThan(1e-28);
    expect(path.loss([0, 0, 0])).toBe(5);
  });

  it("is at twice the time with the factor ½, where ridge regression is the same", async () => {
    const half = await linearFlow({ ...EXAMPLE, convention: "half" });
    const whole = await linearFlow({ ...EXAMPLE, convention: "whole" });
    expect(half.flow(2)).toEqual(whole.flow(1));
    expect(half.ridge(1)).toEqual(whole.ridge(1));
    expect(whole.loss([1, 1, 1])).toBe(2 * half.loss([1, 1, 1]));
  });
});

describe.each(SHAPES)("a matrix that is %s", (_, n, p, rank) => {
  const { A, b, rows } = randomModel(n, p, rank);
  const start = stream(5).normals(p);
  const model = (convention: "half" | "whole" = "half", from: Float64Array | null = start): Promise<LinearFlow> =>
    linearFlow({ A, b, start: from, convention });
  const gradient = (theta: ArrayLike<number>) => transposed(rows, n, p, minus(times(rows, n, p, theta), b));

  it("has its rank, and a condition number that is the ratio of the singular values that count", async () => {
    const path = await model();
    expect(path.rank).toBe(rank);
    expect(path.shape).toEqual([n, p]);
    expect(path.singularValues).toHaveLength(Math.min(n, p));
    expect(path.condition).toBe(path.singularValues[0]! / path.singularValues[rank - 1]!);
    for (const s of path.singularValues.slice(rank)) expect(s).toBeLessThanOrEqual(path.cutoff);
    const squares = path.singularValues.reduce((sum, s) => sum + s * s, 0);
    expect(Math.abs(squares / dot(rows, rows) - 1)).toBeLessThan(1e-13);
  });

  it.each(["half", "whole"] as const)(
    "flows as Runge–Kutta's method does, with the factor of %s",
    async (convention) => {
      const path = await model(convention);
      const factor = convention === "half" ? 1 : 2;
      const theta = start.slice();
      const slope = (x: Float64Array) => gradient(x).map((g) => -factor * g);
      const h = 1 / 1024;
      const moved = (x: Float64Array, k: Float64Array, by: number) => x.map((one, i) => one + by * k[i]!);
      for (let step = 0; step < 1024; step++) {
        const k1 = slope(theta);
        const k2 = slope(moved(theta, k1, h / 2));
        const k3 = slope(moved(theta, k2, h / 2));
        const k4 = slope(moved(theta, k3, h));
        for (let i = 0; i < p; i++) theta[i]! += (h / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!);
      }
      // (hλ)⁴ with λ below 50: 6e-6 of modes that have died out by then, 1e-10 of those that have not
      expect(apart(path.flow(1), theta)).toBeLessThan(1e-9);
    },
  );

  it("has ridge solutions that solve the normal equations, about the start", async () => {
    const path = await model();
    for (const penalty of [1e-3, 1, 100]) {
      const theta = path.ridge(penalty);
      const slope = gradient(theta).map((g, i) => g + penalty * (theta[i]! - start[i]!));
      expect(size(slope)).toBeLessThan(1e-12 * (1 + size(transposed(rows, n, p, b))));
    }
  });

  it("goes to the minimiser nearest to the start: no slope there, and nothing moved that A does not see", async () => {
    const path = await model();
    expect(size(gradient(path.limit))).toBeLessThan(ROUND_OFF);
    // a direction that A does not see: what is left of any after its row space is taken out, by the flow of b = 0 from there
    const anywhere = stream(6).normals(p);
    const unseen = (await linearFlow({ A, b: new Float64Array(n), start: anywhere, convention: "half" })).limit;
    expect(size(times(rows, n, p, unseen))).toBeLessThan(ROUND_OFF);
    expect(size(unseen) > 1e-10).toBe(rank < p);
    expect(Math.abs(dot(minus(path.limit, start), unseen))).toBeLessThan(ROUND_OFF);
    // A⁺b is the one nearest to 0, and all minimisers are as good
    expect(apart((await model("half", null)).limit, path.minimumNorm)).toBeLessThan(ROUND_OFF);
    expect(Math.abs(path.loss(path.minimumNorm) - path.loss(path.limit))).toBeLessThan(ROUND_OFF);
    expect(Math.abs(path.residual - Math.sqrt(2 * path.loss(path.limit)))).toBeLessThan(ROUND_OFF);
    expect(size(path.minimumNorm)).toBeLessThanOrEqual(size(path.limit) + 1e-12);
  });

  it("starts where it should, ends in the limit, and goes on from any point of itself", async () => {
    const path = await model();
    expect(path.flow(0)).toEqual(start);
    expect(path.ridge(Number.POSITIVE_INFINITY)).toEqual(start);
    expect(path.flow(Number.POSITIVE_INFINITY)).toEqual(path.limit);
    expect(path.ridge(0)).toEqual(path.limit);
    const on = await model("half", path.flow(0.3));
    expect(apart(on.flow(0.5), path.flow(0.8))).toBeLessThan(ROUND_OFF);
  });

  it("takes the steps of gradient descent, exactly", async () => {
    const path = await model("whole");
    let theta = start.slice();
    for (let k = 0; k < 37; k++) {
      const slope = gradient(theta);
      theta = theta.map((x, i) => x - 0.02 * 2 * slope[i]!);
    }
    expect(apart(path.descent(37, 0.02), theta)).toBeLessThan(ROUND_OFF);
    expect(path.descent(0, 0.02)).toEqual(start);
  });
});

describe("the flow is not the ridge path", () => {
  // Filters 1 − e^{−x} and x/(1 + x) with x = ts²: the largest ratio, which Ali, Kolter and Tibshirani (2019) round to 1.2985
  const BOUND = 1 - 1 / RATIO;

  it("one singular value: the gap is that of the filters, the bound is reached", async () => {
    const path = await linearFlow({ A: [[3]], b: [1], convention: "half" });
    const { sup, time } = path.gap();
    expect(Math.abs(sup - BOUND)).toBeLessThan(1e-7);
    // a maximum is known to the root of round-off
    expect(Math.abs(9 * time - AT)).toBeLessThan(1e-6);
    const { relative } = path.gap({ times: [0.2] });
    expect(Math.abs(relative[0]! - (1 - 1.8 / 2.8 / (1 - Math.exp(-1.8))))).toBeLessThan(1e-15);
  });

  it.each(SHAPES)(
    "a matrix that is %s: the gap is below the bound at all times, of either convention",
    async (_, n, p, rank) => {
      const { A, b } = randomModel(n, p, rank, 0.3);
      const half = (await linearFlow({ A, b, convention: "half" })).gap();
      const whole = (await linearFlow({ A, b, convention: "whole" })).gap({ factor: 0.5 });
      expect(half.sup).toBeLessThan(BOUND);
      expect(half.sup).toBeGreaterThan(0.1);
      expect(half.sup).toBeGreaterThanOrEqual(Math.max(...half.relative));
      expect(half.sup - Math.max(...half.relative)).toBeLessThan(1e-3);
      expect(Math.abs(half.sup - whole.sup)).toBeLessThan(1e-12);
      expect(Math.abs(half.time / whole.time - 2)).toBeLessThan(1e-6);
    },
  );

  it("of L = |Aθ − b|² at λ = 1/t it is half of the way as the flow starts, and at all matrices", async () => {
    const path = await linearFlow({ ...EXAMPLE, convention: "whole" });
    const { sup, time, relative } = path.gap();
    expect([sup, time]).toEqual([0.5, 0]);
    expect(Math.abs(relative[0]! - 0.5)).toBeLessThan(1e-4);
  });

  it("from the minimiser nothing moves and there is no gap", async () => {
    const { sup } = (await linearFlow({ A: EXAMPLE.A, b: [5, 5], start: [1, 2, 3], convention: "half" })).gap();
    expect(sup).toBe(0);
  });
});

describe("expected errors", () => {
  const [n, p] = [8, 5];
  const { A, rows } = randomModel(n, p, 4);
  const start = stream(7).normals(p);
  const truth = stream(8).normals(p);
  const sigma = 0.7;
  const mixed = stream(9).normals(p * p);
  const covariance = tensor(
    Float64Array.from({ length: p * p }, (_, at) => {
      const [i, j] = [Math.floor(at / p), at % p];
      return dot(mixed.subarray(i * p, (i + 1) * p), mixed.subarray(j * p, (j + 1) * p));
    }),
    [p, p],
  );
  const weightings = { design: "design", identity: "identity", matrix: covariance } as const;
  const error = (theta: Float64Array, kind: keyof typeof weightings, about = truth): number => {
    const e = minus(theta, about);
    if (kind === "design") return dot(times(rows, n, p, e), times(rows, n, p, e)) / n;
    if (kind === "identity") return dot(e, e);
    return dot(e, times(covariance.data as Float64Array, p, p, e));
  };

  // The error is quadratic in the noise, so its mean is that over the 2n points ±σ√n e_i, which have the noise's covariance.
  it.each(["design", "identity", "matrix"] as const)(
    "are the mean errors of the estimates themselves, by %s",
    async (kind) => {
      const clean = times(rows, n, p, truth);
      const path = await linearFlow({ A, b: clean, start, convention: "half" });
      const risks = path.risks({ truth, noise: sigma, covariance: weightings[kind] });
      for (const t of [0.05, 1, 30]) {
        let [flow, ridge] = [0, 0];
        for (let i = 0; i < 2 * n; i++) {
          const b = clean.slice();
          b[i >> 1]! += (i % 2 === 0 ? 1 : -1) * sigma * Math.sqrt(n);
          const noisy = await linearFlow({ A, b, start, convention: "half" });
          flow += error(noisy.flow(t), kind) / (2 * n);
          ridge += error(noisy.ridge(1 / t), kind) / (2 * n);
        }
        expect(Math.abs(risks.flow(t).risk / flow - 1)).toBeLessThan(1e-12);
        expect(Math.abs(risks.ridge(1 / t).risk / ridge - 1)).toBeLessThan(1e-12);
        const exact = risks.flow(t);
        expect(Math.abs(exact.bias - error(path.flow(t), kind))).toBeLessThan(1e-12 * exact.risk);
        expect(exact.risk).toBe(exact.bias + exact.variance);
      }
    },
  );

  // A normal truth has the mean of the 2p points ±ϱ√p e_i about the start.
  it.each(["design", "identity", "matrix"] as const)(
    "of a normal truth are their mean over truths, by %s",
    async (kind) => {
      const path = await linearFlow({ A, b: new Float64Array(n), start, convention: "half" });
      const [noise, rho] = [sigma, 1.3];
      const prior = path.risks({ truth: { deviation: rho }, noise, covariance: weightings[kind] });
      for (const t of [0.1, 3]) {
        let mean = 0;
        for (let i = 0; i < 2 * p; i++) {
          const one = start.slice();
          one[i >> 1]! += (i % 2 === 0 ? 1 : -1) * rho * Math.sqrt(p);
          mean += path.risks({ truth: one, noise, covariance: weightings[kind] }).flow(t).risk / (2 * p);
        }
        expect(Math.abs(prior.flow(t).risk / mean - 1)).toBeLessThan(1e-12);
      }
    },
  );

  it.each(["design", "identity", "matrix"] as const)(
    "of a normal truth are least at λ = σ²/ϱ², by %s",
    async (kind) => {
      const path = await linearFlow({ A, b: new Float64Array(n), start, convention: "half" });
      const risks = path.risks({ truth: { deviation: 1.3 }, noise: sigma, covariance: weightings[kind] });
      const { penalty } = risks.best.ridge;
      // a minimum is known to the root of round-off
      expect(Math.abs(penalty / (sigma / 1.3) ** 2 - 1)).toBeLessThan(1e-5);
      expect(risks.best.flow.risk).toBeLessThanOrEqual(risks.flow(1.3 ** 2 / sigma ** 2).risk);
      // Ali, Kolter and Tibshirani: 1.2147 between the best, and 1.6862 at λ = 1/t anywhere
      const ratio = risks.best.flow.risk / risks.best.ridge.risk;
      expect(ratio).toBeGreaterThan(1);
      expect(ratio).toBeLessThan(1.2147);
      expect(risks.inflation().sup).toBeLessThan(1.6862);
    },
  );

  it.each([1, 2, 3, 4, 5, 6])(
    "along the flow are at most 1.6862 times those of ridge at λ = 1/t, for any truth: %i",
    async (seed) => {
      const other = randomModel(9, 6, 5, 0.4, seed);
      const path = await linearFlow({ A: other.A, b: other.b, convention: "half" });
      const asked = { truth: stream(seed, { replica: 9 }).normals(6), noise: [0, 0.1, 1, 10][seed % 4]! };
      for (const covariance of ["design", "identity"] as const) {
        const { sup } = path.risks({ ...asked, covariance }).inflation();
        expect(sup).toBeLessThan(1.6862);
        expect(sup).toBeGreaterThanOrEqual(1);
      }
    },
  );

  it("one singular value and nothing but noise reach the bound", async () => {
    const path = await linearFlow({ A: [[2]], b: [0], convention: "half" });
    const { sup, time } = path.risks({ truth: [0], noise: 1 }).inflation();
    expect(Math.abs(sup - RATIO * RATIO)).toBeLessThan(2e-7);
    expect(Math.abs(4 * time - AT)).toBeLessThan(1e-6);
  });

  it("without noise stopping never is best, without a signal at once", async () => {
    const path = await linearFlow({ ...EXAMPLE, convention: "half" });
    const clean = path.risks({ truth: [1, 2, 3], noise: 0, covariance: "identity" });
    expect(clean.best.flow.time).toBe(Number.POSITIVE_INFINITY);
    expect(clean.best.ridge.penalty).toBe(0);
    const noise = path.risks({ truth: [0, 0, 0], noise: 1 });
    expect([noise.best.flow.time, noise.best.ridge.penalty]).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(noise.best.flow.risk).toBe(0);
  });
});

describe("units σ(t) = t are a linear model", () => {
  it("`gradientFlow` of such a network follows the spectral solution", async () => {
    const { rows, b, n, p } = randomModel(6, 4, 3);
    const weights = [0.1, 0.2, 0.3, 0.1, 0.2, 0.1];
    const theta = stream(3).normals(5 * p);
    const problem = {
      law: dataset({ x: tensor(rows, [n, p]), y: b, weights }),
      unit: ridge(identity()),
      start: particles(tensor(theta, [5, p])),
    };
    const at = [0, 0.5, 3, 40];
    const run = await solve(gradientFlow(problem, { neurons: 5, tolerance: 1e-11 }), {
      times: at,
      observe: { f: predictions(tensor(rows, [n, p])) },
      keep: "measures",
    });
    // ½ Σ m_q (y_q − x_qᵀ w̄)², w̄ the mean of the neurons
    const scaled = (x: Float64Array, width: number) =>
      x.map((one, i) => one * Math.sqrt(weights[Math.floor(i / width)]!));
    const mean = (values: Float64Array) =>
      Float64Array.from({ length: p }, (_, j) => [0, 1, 2, 3, 4].reduce((sum, i) => sum + values[i * p + j]! / 5, 0));
    const path = await linearFlow({
      A: tensor(scaled(rows, p), [n, p]),
      b: scaled(b, 1),
      start: mean(theta),
      convention: "half",
    });
    at.forEach((t, k) => {
      const exact = path.flow(t);
      const { values } = run.measures![k] as { values: Float64Array };
      // the tolerance of the steps, over some hundred of them
      expect(apart(mean(values), exact)).toBeLessThan(1e-8);
      expect(apart(run.observables["f"]!.values.subarray(k * n, (k + 1) * n), times(rows, n, p, exact))).toBeLessThan(
        1e-8,
      );
      // all neurons move alike
      for (let i = 0; i < 5 * p; i++) {
        expect(Math.abs(values[i]! - theta[i]! - exact[i % p]! + mean(theta)[i % p]!)).toBeLessThan(1e-8);
      }
    });
  });
});

describe("stochastic gradient flow on least squares", () => {
  const model = randomModel(6, 3, 3, 0.8);
  const start = [1, -1, 2];
  const at = [0.25, 1, 4];
  const stepSize = 0.05;

  it.each(["half", "whole"] as const)("has the gradient flow as its mean, to round-off: %s", async (convention) => {
    const path = await linearFlow({ A: model.A, b: model.b, start, convention });
    for (const method of ["sme", "smf", "gradientFlow"] as const) {
      const { means } = linearMoments(path.terms(), { method, stepSize, times: at, starts: [start] });
      // parts of an exponential, some hundred of them, each of round-off
      at.forEach((t, k) => void expect(apart(means.subarray(3 * k, 3 * k + 3), path.flow(t))).toBeLessThan(1e-12));
    }
  });

  it("SGD has gradient descent as its mean, and both differ from the flow in the first order of η", async () => {
    const path = await linearFlow({ A: model.A, b: model.b, start, convention: "half" });
    const off = [0.1, 0.05, 0.025, 0.0125].map((eta) => {
      const { means } = linearMoments(path.terms(), {
        method: "sgd",
        stepSize: eta,
        batchSize: 2,
        times: [1],
        starts: [start],
      });
      expect(apart(means, path.descent(Math.round(1 / eta), eta))).toBeLessThan(ROUND_OFF);
      return apart(means, path.flow(1));
    });
    // ratios 2 + O(η)
    for (let k = 0; k < 3; k++) expect(Math.abs(off[k]! / off[k + 1]! - 2)).toBeLessThan(0.6 / 2 ** k);
  });

  it.each(["sme", "sgd"] as const)("paths of %s have that mean, within 4.5 standard errors", async (method) => {
    const path = await linearFlow({ A: model.A, b: model.b, start, convention: "half" });
    const terms = path.terms();
    const replicas = 1500;
    const { states } = await objectivePaths(linearObjective(terms), {
      method,
      stepSize,
      batchSize: 2,
      times: at,
      starts: [start],
      replicas,
      seed: 1,
    });
    const { means, products } = linearMoments(terms, { method, stepSize, batchSize: 2, times: at, starts: [start] });
    at.forEach((t, k) => {
      const exact = method === "sme" ? path.flow(t) : path.descent(Math.round(t / stepSize), stepSize);
      for (let i = 0; i < 3; i++) {
        let mean = 0;
        for (let r = 0; r < replicas; r++) mean += states.values[(k * replicas + r) * 3 + i]! / replicas;
        const variance = products[k * 9 + 4 * i]! - means[k * 3 + i]! ** 2;
        // the splitting's drift, a Runge–Kutta method of step 0.025, is off by 1e-7
        expect(Math.abs(mean - exact[i]!) / Math.sqrt(variance / replicas)).toBeLessThan(4.5);
      }
      // and the noise is there to be seen: a standard error is not nothing
      expect(products[k * 9]! - means[k * 3]! ** 2).toBeGreaterThan(1e-4);
    });
  });
});

describe("wrong input", () => {
  const fine: LinearFlowOptions = { ...EXAMPLE, convention: "half" };
  it.each([
    [{ ...fine, A: [] }, "options.A"],
    [{ ...fine, A: [1, 2] }, "options.A"],
    [
      {
        ...fine,
        A: [
          [1, Number.NaN, 0],
          [0, 1, 1],
        ],
      },
      "options.A[0][1]",
    ],
    [
      {
        ...fine,
        A: [
          [1, 2, 0],
          [0, 1, Number.POSITIVE_INFINITY],
        ],
      },
      "options.A[1][2]",
    ],
    [{ ...fine, A: [[1, 2], [0]] }, "options.A[1]"],
    [{ ...fine, A: tensor(new Float64Array(1000 * 1000), [1000, 1000]), b: new Float64Array(1000) }, "options.A"],
    [{ ...fine, b: [1] }, "options.b"],
    [{ ...fine, b: [1, Number.NaN] }, "options.b[1]"],
    [{ ...fine, start: [1, 2] }, "options.start"],
    [{ ...fine, start: [1e200, 2, 3] }, "options.start[0]"],
    [{ ...EXAMPLE }, "options.convention"],
    [{ ...fine, convention: "twice" }, "options.convention"],
    [{ ...fine, cutoff: 1 }, "options.cutoff"],
    [{ ...fine, lambda: 1 }, "options.lambda"],
    [null, "options"],
  ])("is refused with its path: %#", async (options, path) => {
    const found = await linearFlow(options as LinearFlowOptions).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(SpecError);
    expect((found as SpecError).path).toBe(path);
  });

  it("is refused by the functions too", async () => {
    const path = await linearFlow(fine);
    const refused = (call: () => unknown, at: string) => {
      let found: unknown;
      try {
        call();
      } catch (error) {
        found = error;
      }
      expect(found).toBeInstanceOf(SpecError);
      expect((found as SpecError).path).toBe(at);
    };
    refused(() => path.flow(-1), "time");
    refused(() => path.flow(Number.NaN), "time");
    refused(() => path.ridge(-1), "penalty");
    refused(() => path.descent(1.5, 0.1), "steps");
    refused(() => path.descent(3, 0), "stepSize");
    refused(() => path.loss([1, 2]), "theta");
    refused(() => path.loss([1, 2, Number.NaN]), "theta");
    refused(() => path.gap({ factor: 0 }), "factor");
    refused(() => path.gap({ times: [1, -1] }), "times[1]");
    refused(() => path.risks({ truth: [1], noise: 1 }), "options.truth");
    refused(() => path.risks({ truth: [1, 2, 3], noise: -1 }), "options.noise");
    refused(() => path.risks({ truth: { deviation: -1 }, noise: 1 }), "options.truth.deviation");
    refused(() => path.risks({ truth: [1, 2, 3], noise: 1, covariance: [[1]] }), "options.covariance");
    refused(() => path.risks({ truth: [1, 2, 3], noise: 1, covariance: "none" as "design" }), "options.covariance");
    refused(
      () =>
        path.risks({
          truth: [1, 2, 3],
          noise: 1,
          covariance: [
            [1, 0, 0],
            [0, 1, 2],
            [0, 1, 1],
          ],
        }),
      "options.covariance[2][1]",
    );
    const risks = path.risks({ truth: [1, 2, 3], noise: 1 });
    refused(() => risks.flow(-1), "time");
    refused(() => risks.ridge(Number.NaN), "penalty");
  });

  it("A = 0 has nothing to follow, and says so", async () => {
    const path = await linearFlow({ A: [[0, 0]], b: [1], start: [1, 2], convention: "half" });
    expect([path.rank, path.condition, path.residual]).toEqual([0, 1, 1]);
    expect(path.limit).toEqual(Float64Array.of(1, 2));
    expect(path.flow(3)).toEqual(Float64Array.of(1, 2));
    expect(path.gap().sup).toBe(0);
    expect(path.risks({ truth: [0, 0], noise: 1, covariance: "identity" }).flow(1).risk).toBe(5);
  });

  it("sizes at the ends of the range of doubles give numbers", async () => {
    for (const scale of [1e99, 1e-100]) {
      const path = await linearFlow({
        A: [
          [scale, 0],
          [0, 2 * scale],
        ],
        b: [scale, scale],
        convention: "half",
      });
      expect(path.rank).toBe(2);
      for (const theta of [path.limit, path.flow(1 / scale / scale), path.ridge(0)]) {
        expect(theta.every((x) => Number.isFinite(x))).toBe(true);
      }
      expect(apart(path.limit, [1, 0.5])).toBeLessThan(1e-15);
      const { best } = path.risks({ truth: [1, 0.5], noise: scale, covariance: "identity" });
      expect(Number.isFinite(best.ridge.risk + best.flow.risk)).toBe(true);
    }
    // too small to have a square
    const none = await linearFlow({ A: [[1e-200]], b: [1], convention: "half" });
    expect([none.rank, none.ridge(0)[0]]).toEqual([0, 0]);
  });

  it("nearly parallel columns count or not, as the cut-off says", async () => {
    const A = [
      [1, 1],
      [1, 1 + 1e-9],
    ];
    const path = await linearFlow({ A, b: [1, 2], convention: "half" });
    expect(path.rank).toBe(2);
    expect(path.condition).toBeGreaterThan(1e9);
    const cut = await linearFlow({ A, b: [1, 2], convention: "half", cutoff: 1e-8 });
    expect(cut.rank).toBe(1);
    expect(cut.residual).toBeCloseTo(Math.SQRT1_2, 8);
    expect(size(cut.limit)).toBeLessThan(2);
  });
});
