// Paths of SGD and of the flows in its place on an objective: against the library's SGD and gradient descent, against exact moments,
// the order of the schemes in time, what common noise means, what is refused.
//
// Level: samples are compared with exact moments at 3.9 standard errors, two-sided 1e-4 each; there are ten such comparisons. Where
// the issue asks for three standard errors, it is so with these seeds.

import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { describe, expect, it } from "vitest";
import { PURPOSE_CHOICE, PURPOSE_DATA_NOISE } from "../../assembly/layout";
import {
  affine,
  DivergenceError,
  dataset,
  gaussian,
  gradientDescent,
  linearMoments,
  linearObjective,
  modifiedFlow,
  networkObjective,
  type Objective,
  objectivePaths,
  type Particles,
  type ProblemInput,
  quadratic,
  relu,
  ridge,
  SpecError,
  separable,
  sgd,
  solve,
  stream,
  tanh,
} from "../../src/index";
import { hessianVectorOf, readObjective } from "../../src/model/objective";
import reference from "../reference/flows.json";

const pair = [[1], [-1]];
const signNoise = { matrices: [[[3]], [[-1]]] };
const cubic: Objective = {
  dimension: 3,
  terms: 4,
  weights: [1, 2, 3, 4],
  gradient(q, x, out) {
    for (let i = 0; i < 3; i++) {
      out[i] = x[i]! - (((q + i) % 3) - 1) * (1 + 0.2 * x[(i + 1) % 3]! * x[(i + q) % 3]!);
    }
  },
};

async function statesOf(objective: Objective, options: object): Promise<Float64Array> {
  return (await objectivePaths(objective, options as never)).states.values;
}

describe("an objective of a network", () => {
  const law = dataset({
    x: Array.from({ length: 6 }, (_, q) => Array.from(stream(3).normals(2, { step: q }))),
    y: stream(4).normals(6),
    weights: [1, 2, 1, 3, 1, 1],
  });
  const signs = dataset({ x: law.x, y: [1, -1, 1, 1, -1, -1], decay: [0, 1, 2, 1, 1, 1] });
  const rows = dataset({
    x: law.x,
    y: Array.from({ length: 6 }, (_, q) => Array.from(stream(5).normals(2, { step: q }))),
  });
  const start = gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } });
  const problems: [string, ProblemInput][] = [
    ["a ridge unit", { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) }],
    ["an affine unit", { law, unit: affine(tanh()), start, confinement: quadratic(0.3, { center: 0.5 }) }],
    [
      "an affine unit with a fixed",
      { law, unit: affine(relu(), { trainOutput: false }), start, confinement: quadratic(0.3) },
    ],
    ["two outputs and an output bias", { law: rows, unit: affine(tanh(), { outputs: 2, outputBias: true }), start }],
    [
      "the logistic loss and shares of the confinement",
      {
        law: signs,
        unit: affine(tanh(), { outputBias: true }),
        start,
        loss: "logistic",
        confinement: separable(tanh(), { weight: 0.5 }),
      },
    ],
    [
      "classes",
      {
        law: dataset({ x: law.x, y: [0, 1, 2, 1, 0, 2] }),
        unit: affine(tanh(), { outputs: 3, outputBias: true }),
        start,
        loss: "crossEntropy",
      },
    ],
  ];
  const size = { neurons: 5, stepSize: 0.05, seed: 7 };

  function expectSame(found: Particles, run: Particles): void {
    expect(found.shape).toEqual(run.shape);
    // twenty steps in another order of summation
    found.values.forEach((value, i) => void expect(value).toBeCloseTo(run.values[i]!, 12));
    expect(found.outputBias === null).toBe(run.outputBias === null);
    found.outputBias?.forEach((c, k) => void expect(c).toBeCloseTo(run.outputBias![k]!, 12));
  }

  it.each(problems)("with %s descends as the library's gradient descent does", async (_, problem) => {
    const objective = await networkObjective(problem, size.neurons);
    const x = objective.start({ seed: size.seed });
    const slope = new Float64Array(objective.dimension);
    const steps = 20;
    for (let k = 0; k < steps; k++) {
      const next = x.slice();
      for (let q = 0; q < objective.terms; q++) {
        objective.gradient(q, x, slope);
        const mass = objective.weights ? objective.weights[q]! : 1 / objective.terms;
        for (let i = 0; i < x.length; i++) next[i]! -= size.stepSize * mass * slope[i]!;
      }
      x.set(next);
    }
    const { measures } = await solve(gradientDescent(problem, size), { times: [1], keep: "measures" });
    expectSame(objective.network(x), measures![0] as Particles);
  });

  it.each(problems)("with %s moves as the library's SGD does on the same examples", async (_, problem) => {
    const objective = await networkObjective(problem, size.neurons);
    const x = objective.start({ seed: size.seed });
    const slope = new Float64Array(objective.dimension);
    const { weights } = problem.law as { weights: { data: Float64Array } | null };
    const masses = weights?.data ?? new Float64Array(6).fill(1 / 6);
    // docs/streams.md: example e is the atom that word 0 of step e of the stream of choices falls to
    const choice = stream(size.seed, { purpose: PURPOSE_CHOICE });
    for (let k = 0; k < 20; k++) {
      const u = choice.words(1, { step: k })[0]! / 2 ** 32;
      let [q, end] = [0, masses[0]!];
      while (u >= end) end += masses[++q]!;
      objective.gradient(q, x, slope);
      for (let i = 0; i < x.length; i++) x[i]! -= size.stepSize * slope[i]!;
    }
    const { measures } = await solve(sgd(problem, size), { times: [1], keep: "measures" });
    expectSame(objective.network(x), measures![0] as Particles);
  });

  it.each(problems.filter(([, { unit }]) => unit.activation.kind === "tanh"))(
    "with %s has the drift of order 2 and the noise of the process modifiedFlow",
    async (_, problem) => {
      const objective = await networkObjective(problem, size.neurons);
      const sum = readObjective(objective);
      const product = hessianVectorOf(sum);
      const x = objective.start({ seed: size.seed });
      const p = x.length;
      const slope = new Float64Array(p);
      const all = new Float64Array(6 * p);
      const bent = new Float64Array(p);
      const { stepSize } = size;
      // five steps of Euler and Maruyama with the normals of the process: docs/streams.md, src/process/dataNoise.ts
      const normals = stream(size.seed, { purpose: PURPOSE_DATA_NOISE });
      for (let k = 0; k < 5; k++) {
        sum.gradients(x, all, slope);
        product(x, slope, bent);
        const g = normals.normals(6, { step: k });
        for (let i = 0; i < p; i++) {
          let noise = 0;
          for (let q = 0; q < 6; q++) noise -= Math.sqrt(sum.weights[q]!) * g[q]! * (all[q * p + i]! - slope[i]!);
          x[i]! += -stepSize * (slope[i]! + (stepSize / 2) * bent[i]!) + stepSize * noise;
        }
      }
      const flow = modifiedFlow(problem, { ...size, order: 2 });
      const { measures } = await solve(flow, { times: [5 * stepSize], keep: "measures" });
      const run = measures![0] as Particles;
      const found = objective.network(x);
      // the Hessian by differences is good to ten digits
      found.values.forEach((value, i) => void expect(value).toBeCloseTo(run.values[i]!, 9));
      found.outputBias?.forEach((c, k) => void expect(c).toBeCloseTo(run.outputBias![k]!, 9));
    },
  );

  it.each(problems)("with %s has gradients of its values", async (_, problem) => {
    const objective = await networkObjective(problem, 3);
    const x = objective.start({ seed: 1 });
    const slope = new Float64Array(x.length);
    const affineUnit = problem.unit.kind === "affine" ? problem.unit : null;
    const D = affineUnit ? affineUnit.outputs! + 3 : 2;
    for (let q = 0; q < objective.terms; q++) {
      objective.gradient(q, x, slope);
      for (let i = 0; i < x.length; i++) {
        if (affineUnit?.trainOutput === false && i % D === 0) {
          expect(slope[i]).toBe(0);
          continue;
        }
        const at = (shift: number) => {
          const moved = x.slice();
          moved[i]! += shift;
          return objective.value(q, moved);
        };
        // central differences: truncation 1e-10, round-off 1e-11
        expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slope[i]!, 7);
      }
    }
  });

  it("with a kink has no flow of order 2, and says so", async () => {
    const objective = await networkObjective({ law, unit: ridge(relu()), start: gaussian({ radius: 1 }) }, 3);
    const options = { method: "smf", stepSize: 0.1, times: [0.1], starts: [objective.start()] } as const;
    await expect(objectivePaths(objective, { ...options, order: 2 })).rejects.toThrow(
      /^problem\.unit\.activation: .*"?relu/,
    );
    // of order 1 it moves, as that takes no second derivative
    const { states } = await objectivePaths(objective, options);
    expect(states.values.every(Number.isFinite)).toBe(true);
    expect(states.values).not.toEqual(objective.start());
  });

  it("wants a finite law and a whole number of neurons", async () => {
    const gaussians = {
      law: { kind: "teacher", dimension: 2, neurons: 2, activation: tanh() } as never,
      unit: ridge(tanh()),
      start,
    };
    await expect(networkObjective({ ...gaussians, start: gaussian({ radius: 1 }) }, 3)).rejects.toThrow(
      /^problem\.law\.kind: .*quadrature/,
    );
    for (const neurons of [0, 1.5, Number.NaN, 1e9]) {
      await expect(networkObjective(problems[0]![1], neurons)).rejects.toThrow(/^neurons/);
    }
    const objective = await networkObjective(problems[0]![1], 3);
    expect(() => objective.network([1, 2])).toThrow(/^x: expected 6 numbers/);
  });
});

describe("paths", () => {
  it.each(["sgd", "gradientFlow", "smf", "sme"] as const)(
    "of %s are the same alone and among others, at all times",
    async (method) => {
      const options = {
        method,
        stepSize: 0.1,
        starts: [
          [1, 0, -1],
          [0.5, 0.5, 0.5],
        ],
        seed: 3,
        ...(method !== "sgd" && { order: 2 as const }),
      };
      const all = await objectivePaths(cubic, { ...options, times: [0, 0.5, 1], replicas: 3 });
      expect(all.states.shape).toEqual([3, 3, 2, 3]);
      expect(Array.from(all.times)).toEqual([0, 0.5, 1]);
      expect(Array.from(all.states.values.subarray(0, 6))).toEqual([1, 0, -1, 0.5, 0.5, 0.5]);
      const alone = await objectivePaths(cubic, { ...options, times: [1], replica: 1 });
      expect(alone.states.values).toEqual(all.states.values.slice(42, 48));
      const single = await objectivePaths(cubic, { ...options, starts: [[0.5, 0.5, 0.5]], times: [1], replica: 2 });
      expect(single.states.values).toEqual(all.states.values.slice(51, 54));
      const other = await objectivePaths(cubic, { ...options, times: [1], seed: 4 });
      if (method === "gradientFlow") expect(other.states.values).toEqual(alone.states.values);
      else expect(other.states.values).not.toEqual(alone.states.values);
    },
  );

  // SHA-256 of the states; Node 20, Node 24 and Chromium must all meet it
  it("have the same bits everywhere", async () => {
    const hash = async (method: string) => {
      const options = {
        method,
        stepSize: 0.1,
        starts: [[1, 0, -1]],
        times: [1],
        replicas: 5,
        seed: 1,
        ...(method !== "sgd" && { order: 2 }),
      };
      return bytesToHex(sha256(new Uint8Array((await statesOf(cubic, options)).buffer))).slice(0, 16);
    };
    expect(await Promise.all(["sgd", "gradientFlow", "smf", "sme"].map(hash))).toEqual([
      "0beddaca52ac4e0b",
      "6ba24b3e4ab250f8",
      "90aeb2c1bdd14c78",
      "144ec71428cc97df",
    ]);
  });

  it("of terms that are all alike have no noise, and SGD is gradient descent", async () => {
    const matrices = [[[0.7]], [[0.7]]];
    const objective = await linearObjective({ matrices });
    const found = await statesOf(objective, {
      method: "sgd",
      stepSize: 0.1,
      batchSize: 3,
      times: [1],
      starts: [[2]],
      replicas: 2,
    });
    // the batch's mean of three equal numbers is off by an ulp
    for (const x of found) expect(x).toBeCloseTo(2 * (1 - 0.07) ** 10, 14);
    const flow = await statesOf(objective, { method: "smf", stepSize: 0.1, times: [1], starts: [[2]], replicas: 2 });
    // Runge–Kutta of step 0.1: (0.07)⁵/120 a step
    for (const x of flow) expect(x).toBeCloseTo(2 * Math.exp(-0.7), 6);
  });

  it("of SGD and of its modified flow from 1 and −1 on the same sign noise stay opposite; the equation's do not", async () => {
    const objective = await linearObjective(signNoise);
    const sums = async (method: string) => {
      const options = { method, stepSize: 0.05, times: [1], starts: pair, replicas: 20, seed: 1 };
      const states = await statesOf(objective, options);
      return Math.max(...Array.from({ length: 20 }, (_, r) => Math.abs(states[2 * r]! + states[2 * r + 1]!)));
    };
    expect(await sums("sgd")).toBe(0);
    expect(await sums("smf")).toBe(0);
    // Σ^{1/2} = a|x| pushes both to the same side
    expect(await sums("sme")).toBeGreaterThan(0.1);
  });
});

describe("samples against exact moments", () => {
  const R = 4000;
  async function deviation(
    problem: Parameters<typeof linearMoments>[0],
    options: object,
    exact: number,
    of: (x: Float64Array, S: number) => number,
  ) {
    const { states } = await objectivePaths(await linearObjective(problem), {
      ...options,
      replicas: R,
      seed: 1,
    } as never);
    const width = states.shape[2] * states.shape[3];
    let [mean, square] = [0, 0];
    for (let r = 0; r < R; r++) {
      const value = of(states.values.subarray(r * width, (r + 1) * width), states.shape[3]);
      mean += value / R;
      square += (value * value) / R;
    }
    return Math.abs(mean - exact) / Math.sqrt((square - mean * mean) / R);
  }

  it.each(reference.signNoise.eps.map((eps, e) => [eps, e]))(
    "of the sign noise: E X Y of SGD and its flow at ε = %d",
    async (eps, e) => {
      const options = { stepSize: eps, times: [1], starts: pair };
      const product = (x: Float64Array) => x[0]! * x[1]!;
      expect(
        await deviation(signNoise, { ...options, method: "sgd" }, reference.signNoise.sgd[e]!, product),
      ).toBeLessThan(3.9);
      // the scheme's own error is 1.5e-4 at ε = 0.05, h = ε, a twentieth of the standard error, and falls like ε³
      const flows = { ...options, order: 2 };
      const smf = -Math.exp(-2 - eps + 4 * eps);
      expect(await deviation(signNoise, { ...flows, method: "smf" }, smf, product)).toBeLessThan(3.9);
    },
  );

  it.each(["smf", "sme"])("of %s in the plane, with batches of 3: a mean square", async (method) => {
    const plane = {
      matrices: [
        [
          [2, 0.5],
          [0.5, 1],
        ],
        [
          [0.3, -1],
          [-1, 0.7],
        ],
        [
          [1, 0],
          [0, -0.5],
        ],
      ],
      vectors: [
        [1, -1],
        [0.5, 2],
        [-2, 0],
      ],
      weights: [0.5, 0.2, 0.3],
    };
    const options = { stepSize: 0.2, batchSize: 3, order: 2 as const, times: [1], starts: [[1, -0.5]] };
    const { products } = await linearMoments(plane, { ...options, method: "smf" });
    // the difference of the scheme from the flow is α²h = 2e-4 of the moment at most, h = η/4, and a standard error 7e-3 of it
    const found = await deviation(plane, { ...options, method, timeStep: 0.05 }, products[0]!, ([x]) => x! * x!);
    expect(found).toBeLessThan(3.9);
  });

  it("of SGD with batches and unequal weights: the mean square", async () => {
    const problem = { matrices: [[[1]], [[2]], [[0]]], vectors: [[1], [-1], [3]], weights: [0.2, 0.7, 0.1] };
    const options = { method: "sgd", stepSize: 0.25, batchSize: 4, times: [1], starts: [[1]] } as const;
    const { products } = await linearMoments(problem, options);
    expect(await deviation(problem, options, products[0]!, ([x]) => x! * x!)).toBeLessThan(3.9);
  });
});

describe("what is refused, and what is said", () => {
  const good = { method: "smf", order: 2, stepSize: 0.1, times: [1], starts: [[1, 0, -1]] } as const;
  it.each<[string, object, RegExp]>([
    ["an unknown method", { method: "adam" }, /^method: expected "sgd" or "gradientFlow" or "smf" or "sme"/],
    ["an order of SGD", { method: "sgd" }, /^order: expected nothing, as SGD has none/],
    ["a time step of SGD", { method: "sgd", order: undefined, timeStep: 0.1 }, /^timeStep: .*SGD/],
    ["order 3", { order: 3 }, /^order/],
    ["an unknown scheme", { scheme: "heun" }, /^scheme/],
    ["a step size of 0", { stepSize: 0 }, /^stepSize/],
    ["a step size that is no number", { stepSize: Number.NaN }, /^stepSize/],
    ["a negative time step", { timeStep: -1 }, /^timeStep/],
    ["a batch of 0", { batchSize: 0 }, /^batchSize/],
    ["no times", { times: [] }, /^times/],
    ["no list of times", { times: undefined }, /^times/],
    ["times that fall", { times: [1, 0.5] }, /^times\[1\]/],
    ["an infinite time", { times: [Infinity] }, /^times/],
    ["no starts", { starts: [] }, /^starts/],
    ["a start that is too short", { starts: [[1, 2]] }, /^starts\[0\]: expected 3 numbers/],
    ["an infinite start", { starts: [[1, 2, Infinity]] }, /^starts\[0\]\[2\]/],
    ["no replicas", { replicas: 0 }, /^replicas/],
    ["more replicas than fit", { replicas: 2 ** 30 }, /^replicas: expected at most/],
    ["a negative seed", { seed: -1 }, /^seed/],
    ["a replica beyond all", { replica: 2 ** 32 - 1, replicas: 2 }, /^replica/],
    ["a misspelt option", { step: 1 }, /^options\.step/],
  ])("%s, by its path", async (_, change, message) => {
    const options = { ...good, ...change } as never;
    await expect(objectivePaths(cubic, options)).rejects.toThrow(SpecError);
    await expect(objectivePaths(cubic, options)).rejects.toThrow(message);
  });

  it.each(["sgd", "gradientFlow", "smf", "sme"] as const)(
    "a step size that is too large for %s diverges, with step and time",
    async (method) => {
      const options = {
        method,
        stepSize: 50,
        times: [5000],
        starts: [[1]],
        ...(method !== "sgd" && { order: 2 as const }),
      };
      const run = objectivePaths(await linearObjective(signNoise), options);
      await expect(run).rejects.toThrow(DivergenceError);
      await expect(run).rejects.toThrow(/^\w+ diverged at step \d+ \(t = \d+\): .*step size 50 is too large/);
    },
  );

  it("a gradient that is no number is an error of the objective's, not a divergence", async () => {
    const broken: Objective = {
      dimension: 1,
      terms: 2,
      gradient: (_, x, out) => void (out[0] = 1 / Math.max(0, x[0]! - 0.5)),
    };
    const run = objectivePaths(broken, { method: "sgd", stepSize: 0.1, times: [1], starts: [[1]] });
    await expect(run).rejects.toThrow(SpecError);
    await expect(run).rejects.toThrow(/^objective\.gradient\(\d, x\)\[0\]: expected a finite number at x = \[/);
  });

  it("a covariance that is not positive is taken at its positive part, and that is said", async () => {
    const options = { method: "sme", stepSize: 0.1, times: [1], starts: [[1, 0, -1]], replicas: 4 } as const;
    const plain = await objectivePaths(cubic, options);
    expect(plain.warnings).toEqual([]);
    const diagonal = (entries: number[]) => (_: Float64Array, out: Float64Array) => {
      out.fill(0);
      entries.forEach((entry, i) => void (out[4 * i] = entry));
    };
    const broken = await objectivePaths({ ...cubic, covariance: diagonal([1, -0.5, 2]) }, options);
    expect(broken.warnings).toEqual([
      "The covariance had negative eigenvalues, down to -0.25 of the largest, in 100 % of its evaluations. They were taken as 0.",
    ]);
    const positive = await objectivePaths({ ...cubic, covariance: diagonal([1, 0, 2]) }, options);
    expect(positive.warnings).toEqual([]);
    expect(broken.states.values).toEqual(positive.states.values);
    expect(broken.states.values).not.toEqual(plain.states.values);
  });

  it("a signal stops a long run, even within one path", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    const run = objectivePaths(cubic, {
      ...good,
      times: [1e6],
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
    const early = objectivePaths(cubic, { ...good, signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
  });
});
