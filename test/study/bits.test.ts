// Same spec, same bits: frozen hashes of whole runs. The file runs in Node 20, Node 24 and Chromium (.ci/run), and every
// one must meet the same hashes; a hash changes only when a run is meant to change, and the changelog says so.

import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { describe, expect, it } from "vitest";
import {
  adam,
  affine,
  anisotropicGaussians,
  correlatedNoise,
  cosine,
  dataset,
  densityStart,
  ensemble,
  erf,
  fluctuations,
  fokkerPlanck,
  gaussian,
  gradientDescent,
  gradientFlow,
  langevin,
  loadEngine,
  logistic,
  type Measure,
  mixture,
  modifiedFlow,
  moments,
  nonlinear,
  open,
  type Process,
  piecewiseLinear,
  potentialProblem,
  predictions,
  quadratic,
  quantiles,
  radialFlow,
  radii,
  ridge,
  risk,
  separable,
  sgd,
  silu,
  smfeGrid,
  softplus,
  solve,
  stream,
  tabulate,
  tanh,
  teacher,
} from "../../src/index";
import { lawDimension } from "../../src/model/law";

const law = anisotropicGaussians({ dimension: 10, signal: 4, delta: 0.5 });
const figureUnit = ridge(
  piecewiseLinear([
    [0.5, -2.5],
    [1.5, 7.5],
  ]),
);
const start = gaussian({ radius: 1 });
const seeded = { neurons: 50, stepSize: 0.001, seed: 1 };
const finite = dataset({
  x: Array.from({ length: 20 }, (_, q) => Array.from(stream(3).normals(3, { step: q }))),
  y: stream(4).normals(20),
});
const mixed = mixture([
  {
    weight: 1,
    mean: [1, 0],
    covariance: [
      [1, 0.5],
      [0.5, 2],
    ],
    label: 1,
  },
  {
    weight: 3,
    mean: [-1, 0],
    covariance: [
      [1, 0],
      [0, 1],
    ],
    label: -1,
  },
]);
const rotated = anisotropicGaussians({ dimension: 10, signal: 4, delta: 0.5, rotation: { seed: 5 } });
const tabulated = tabulate((t) => t / (1 + t * t), { from: -4, to: 4, points: 101 });

// name, process, hash of the measure at t = 0.1 (SGD) or of the state at t = 0.3 (flow)
const frozen: [string, Process, string][] = [
  ["SGD, ridge, f64", sgd({ law, unit: figureUnit, start }, seeded), "6774c4e9e3798c5b20d231f94782745b"],
  [
    "SGD, ridge, f32",
    sgd({ law, unit: figureUnit, start }, { ...seeded, precision: "f32" }),
    "6c3a391b73a44be1e96032a239772df4",
  ],
  [
    "SGD, affine tanh, batch 3",
    sgd({ law, unit: affine(tanh()), start }, { ...seeded, batchSize: 3 }),
    "602f806b156fd1ed63c98e711cabec63",
  ],
  [
    "SGD, affine silu, f32, batch 9",
    sgd({ law, unit: affine(silu()), start }, { ...seeded, batchSize: 9, precision: "f32" }),
    "9cd61fc4956252aadf1da5954eda2e8b",
  ],
  [
    "SGD, power schedule, erf",
    sgd({ law, unit: ridge(erf()), start }, { ...seeded, schedule: { kind: "power", exponent: 0.6, offset: 0.1 } }),
    "272d82358df91499f193a710d4515fe5",
  ],
  [
    "SGD, finite law, epochs, cosine",
    sgd({ law: finite, unit: ridge(cosine()), start }, { ...seeded, replacement: false }),
    "c2bb279b5c54d40adb82d90fd4d55a68",
  ],
  [
    "SGD, finite law, softplus",
    sgd({ law: finite, unit: affine(softplus()), start }, seeded),
    "5f6089fb58c2ab9e660d41e73c17d7ea",
  ],
  [
    "SGD, teacher, logistic",
    sgd(
      {
        law: teacher({ dimension: 4, neurons: 3, activation: tanh(), noise: 0.1, seed: 2 }),
        unit: ridge(logistic()),
        start,
      },
      seeded,
    ),
    "6ca997c5626665f0fe2a46c34508b8f5",
  ],
  [
    "SGD, mixture, table",
    sgd({ law: mixed, unit: ridge(tabulated), start }, seeded),
    "27535a7dad340babd5d92915c3b67a57",
  ],
  [
    "SGD, rotated law, radii",
    sgd(
      { law: rotated, unit: figureUnit, start: radii({ r1: { from: 0.2, to: 1 }, r2: { mean: 1, deviation: 0.2 } }) },
      seeded,
    ),
    "32be780bdf15b0141c3e43f5081b6141",
  ],
  [
    "radial flow, characteristics",
    radialFlow({ law, unit: figureUnit, start }, { particles: 300 }),
    "93c2ec859c1492575d520b6ea8e62ba6",
  ],
  [
    "radial flow, characteristics, affine tanh",
    radialFlow(
      { law, unit: affine(tanh()), start: gaussian({ radius: 1, a: 1, b: { mean: 0, deviation: 0.5 } }) },
      { particles: 300 },
    ),
    "aee7d837a52eebdeae87460c05cfc3b4",
  ],
  [
    "radial flow, grid",
    radialFlow({ law, unit: figureUnit, start }, { method: "grid", cells: 32 }),
    "9ecaa2720b97c3bea7e11d42e07dd5bf",
  ],
  [
    "Fokker–Planck, one parameter, all left to the solver",
    fokkerPlanck(
      {
        law: dataset({ x: [[1]], y: [1.5] }),
        unit: ridge(tanh()),
        start: gaussian({ w: { mean: -1, deviation: 0.5 } }),
        confinement: quadratic(0.64),
      },
      { temperature: 0.32 },
    ),
    "d033187fadeda2a468afc9a39090b686",
  ],
  [
    "Fokker–Planck, two parameters, logistic loss, fixed steps",
    fokkerPlanck(
      {
        law: dataset({ x: [stream(5).normals(2), stream(6).normals(2)].map((x) => Array.from(x)), y: [1, -1] }),
        unit: ridge(erf()),
        start,
        loss: "logistic",
        confinement: quadratic(0.5),
      },
      { temperature: 0.1, cells: 24, timeStep: 0.04 },
    ),
    "121f5d00c3bb617598161a57be6c2aee",
  ],
  [
    "stochastic mean-field equation on a grid, all left to the solver",
    smfeGrid(
      {
        law: dataset({ x: [[1], [-0.5], [2]], y: [0.6, -0.2, 0.9], weights: [1, 2, 1], decay: [1, 2, 3] }),
        unit: ridge(tanh()),
        start: gaussian({ w: { mean: 0.3, deviation: 0.6 } }),
        confinement: quadratic(0.3),
      },
      { stepSize: 0.1, batchSize: 2, timeStep: 0.02, noiseStep: 0.01, seed: 1 },
    ),
    "f001f3e9cd00e1f5bff797f945ebde8f",
  ],
];

const classes = {
  law: dataset({
    x: Array.from({ length: 20 }, (_, q) => Array.from(stream(3).normals(3, { step: q }))),
    y: Array.from({ length: 20 }, (_, q) => q % 3),
  }),
  unit: affine(tanh(), { outputs: 3, outputBias: true }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
  loss: "crossEntropy" as const,
};
const signs = { law, unit: ridge(softplus()), start, loss: "logistic" as const };
const confined = {
  law: finite,
  unit: ridge(tanh()),
  start,
  confinement: separable(
    tabulate((t) => (t * t - 1) ** 2, { from: -3, to: 3, points: 61 }),
    { weight: 0.2 },
  ),
};

// Every kind of steps and flow of particles beyond those above, at the same times: what K outputs, other losses, noise,
// potentials, and the ways to a gradient do.
const moved: [string, Process, string][] = [
  [
    "SGD, 3 classes, output bias, batch 2",
    sgd(classes, { ...seeded, stepSize: 0.01, batchSize: 2 }),
    "135731732573050e0630469212180f61",
  ],
  [
    "SGD, 3 classes, output bias, epochs, f32",
    sgd(classes, { ...seeded, batchSize: 3, replacement: false, precision: "f32" }),
    "083d0bb8014a253a6eb07808b795b052",
  ],
  ["SGD, noisy, logistic loss", sgd(signs, { ...seeded, temperature: 0.1 }), "43ca453e5621474ac694c77e4d10c0a5"],
  [
    "SGD, noisy, f32, quadratic confinement",
    sgd(
      { law, unit: affine(erf()), start, confinement: quadratic(0.3) },
      { ...seeded, temperature: 0.1, precision: "f32", batchSize: 5 },
    ),
    "cd7f6ab18b9f95cf72343735d1f7ba1e",
  ],
  [
    "Langevin dynamics, full, separable confinement",
    langevin(confined, { ...seeded, temperature: 0.2 }),
    "16bb12daefee08fdcd52aa1b84a2b87f",
  ],
  [
    "Langevin dynamics, batches, f32, schedule",
    langevin(confined, {
      ...seeded,
      temperature: 0.2,
      gradient: "batch",
      batchSize: 4,
      precision: "f32",
      schedule: { kind: "piecewise", times: [0.1], factors: [0.5] },
    }),
    "f649eee588da1a78f6865a01ca9ed090",
  ],
  [
    "Langevin dynamics in a potential alone, from a density",
    langevin(
      potentialProblem(quadratic(1), {
        dimension: 2,
        start: densityStart({
          edges: [
            [-1, 0, 2],
            [0, 1],
          ],
          masses: [1, 3],
        }),
      }),
      { ...seeded, temperature: 0.5 },
    ),
    "407a2d7beb503a8a6f976ffe26c46930",
  ],
  ["gradient descent, full, 3 classes", gradientDescent(classes, seeded), "bb2a066dbb644e0fa840674cb8115aec"],
  [
    "gradient descent, exact over the law",
    gradientDescent({ law, unit: figureUnit, start }, { ...seeded, neurons: 20, stepSize: 0.01 }),
    "e2a938ad3e57b15127ce1fefe2f9c15c",
  ],
  [
    "gradient descent, quadrature",
    gradientDescent(signs, { ...seeded, points: 60 }),
    "bb352e0d2191903bccc7cf5ab6908a41",
  ],
  [
    "gradient flow, Dormand–Prince, 3 classes",
    gradientFlow(classes, { neurons: 20, seed: 1 }),
    "ecc834aed3a56fcfc7127946de0801c6",
  ],
  [
    "gradient flow, Runge–Kutta",
    gradientFlow(confined, { neurons: 20, seed: 1, method: "rungeKutta", timeStep: 0.02 }),
    "fd7ebf29982baa8123ae1c3ac9cfce4d",
  ],
  [
    "gradient flow of a modified loss, 3 classes, output bias",
    gradientFlow(classes, {
      neurons: 20,
      seed: 1,
      correction: { stepSize: 0.03, sampling: "withoutReplacement", batchSize: 1 },
    }),
    "aa56abded2502907aa9ed31c8fafc417",
  ],
  [
    "modified flow, 3 classes, output bias",
    modifiedFlow(classes, { neurons: 20, stepSize: 0.03, batchSize: 2, seed: 1 }),
    "16d30ae6e4dc81a7deaedf2984f81d00",
  ],
  [
    "modified flow of order 2, Heun, finer noise, carried points, separable confinement",
    modifiedFlow(confined, {
      neurons: 20,
      stepSize: 0.06,
      timeStep: 0.03,
      noiseStep: 0.015,
      order: 2,
      method: "heun",
      carried: [[1, 2, 3]],
      seed: 1,
    }),
    "6d566f604cdfaef15cb6a01a213a949d",
  ],
  [
    "modified flow, sampled law, f32",
    modifiedFlow(signs, { neurons: 20, stepSize: 0.03, points: 64, examples: 5, precision: "f32", seed: 1 }),
    "a9e766f55a403077d916b70d2823561b",
  ],
  [
    "fluctuations, 3 classes, output bias",
    fluctuations(classes, { neurons: 20, stepSize: 0.03, particles: 40, seed: 1 }),
    "7c8f715c069b0072e21ffd1d2fa2955f",
  ],
  [
    "fluctuations about a quadrature, of a sample",
    fluctuations(
      { law: finite, unit: ridge(tanh()), start, confinement: quadratic(0.3) },
      { neurons: 20, stepSize: 0.06, timeStep: 0.03, particles: 40, initialNoise: "sample", seed: 1 },
    ),
    "850e9be3a5d60293b9111c4f7943d3da",
  ],
  [
    "nonlinear among particles",
    nonlinear(confined, { neurons: 5, seed: 1, limit: gradientFlow(confined, { neurons: 50, seed: 2 }) }),
    "af81c1ab130fa4eba78390599c8ca303",
  ],
  [
    "nonlinear in the radial flow",
    nonlinear(
      { law, unit: figureUnit, start },
      { neurons: 20, seed: 1, limit: radialFlow({ law, unit: figureUnit, start }, { particles: 300 }) },
    ),
    "895f461d0c22cb731df8520a5e181b61",
  ],
  [
    "nonlinear in the radial flow on its grid",
    nonlinear(
      { law, unit: figureUnit, start },
      { neurons: 20, seed: 1, limit: radialFlow({ law, unit: figureUnit, start }, { method: "grid", cells: 12 }) },
    ),
    "817a9c677463d2a1544633ddc3b3c736",
  ],
  [
    "correlated noise, pivoted Cholesky, 3 classes",
    correlatedNoise(classes, { neurons: 4, stepSize: 0.03, batchSize: 2, seed: 1 }),
    "677b3656c286ee9d19515c1e05ccf6a0",
  ],
  [
    "correlated noise, eigenvalues, separable confinement",
    correlatedNoise(confined, { neurons: 4, stepSize: 0.06, timeStep: 0.03, factorisation: "eigen", seed: 1 }),
    "6b7bcef4eb2f48adf3b59fa49241a626",
  ],
  [
    "SGD with momentum, 3 classes, epochs",
    sgd(classes, { ...seeded, batchSize: 3, replacement: false, momentum: 0.9 }),
    "dbf9876298f087ff4cf3affd5954a004",
  ],
  [
    "gradient descent with momentum, f32, separable confinement",
    gradientDescent(confined, { ...seeded, momentum: 0.5, precision: "f32" }),
    "3bd2f5c9955e82284396a9706309de06",
  ],
  ["Adam, full, 3 classes", adam(classes, { ...seeded, stepSize: 0.01 }), "da50f81c87e846211871421601b24b08"],
  [
    "Adam, batches, f32, schedule",
    adam(confined, {
      ...seeded,
      stepSize: 0.01,
      gradient: "batch",
      batchSize: 4,
      beta1: 0.7,
      beta2: 0.97,
      stabiliser: 0.1,
      precision: "f32",
      schedule: { kind: "piecewise", times: [0.1], factors: [0.5] },
    }),
    "ef2c05f5092fe47edbb32fb6e85b211b",
  ],
  [
    "Adam, exact over the law",
    adam({ law, unit: figureUnit, start }, { ...seeded, neurons: 20, stepSize: 0.01 }),
    "3f58cb75932a32b3409844c33886e2a9",
  ],
];

const endOf = (process: Process) => (process.kind === "sgd" ? 0.1 : 0.3);

function hash(...arrays: ArrayBufferView[]): string {
  const state = sha256.create();
  for (const one of arrays) state.update(new Uint8Array(one.buffer, one.byteOffset, one.byteLength));
  return bytesToHex(state.digest()).slice(0, 32);
}

function numbersOf(measure: Measure): Float64Array[] {
  if (measure.kind === "grid") return [measure.masses];
  if (measure.kind === "fluctuation") return [measure.weights, measure.displacements, ...numbersOf(measure.base)];
  return measure.outputBias ? [measure.values, measure.outputBias] : [measure.values];
}

describe("frozen bits of the default build", () => {
  it.each([...frozen, ...moved])("%s", async (_, process, expected) => {
    const simulation = await open(process, { backend: "simd" });
    await simulation.advance(endOf(process));
    const found = hash(...numbersOf(simulation.measure()));
    simulation.free();
    expect(found).toBe(expected);
  });

  it("normals, uniforms and words, in both precisions and in every build", async () => {
    const key = { seed: 2 ** 40 + 5, purpose: 7, replica: 9 };
    for (const backend of ["simd", "js"] as const) {
      const engine = await loadEngine({ backend });
      const double = engine.normalsInto(key, new Float64Array(1001), { step: 2 ** 33, from: 3 });
      const single = engine.normalsInto(key, new Float32Array(1001), { step: 2 ** 33, from: 3 });
      expect(hash(double, single)).toBe("b4feab4d8e0ef8d0bfd797fc9f761ea3");
    }
    const own = stream(key.seed, key);
    expect(hash(own.uniforms(101), own.words(101), own.normals(101))).toBe("9b288c2221e551b3dbc5f264bf10c251");
  });

  it("statistics of a run, and of an ensemble on workers", async () => {
    const [, process] = frozen[0]!;
    const observe = {
      risk: risk(),
      r: quantiles("r1", [0.1, 0.5]),
      f: predictions([stream(1).normals(10)].map((x) => Array.from(x))),
    };
    const run = await solve(process, { times: [0, 0.1], observe });
    expect(hash(...Object.values(run.observables).map((one) => one.values))).toBe("ae76c62088e6c633c506e0de0b3a85bf");
    const both = await ensemble(process, { replicas: 2, times: [0, 0.1], observe, workers: 2 });
    expect(hash(...Object.values(both.observables).flatMap((one) => one.replicas))).toBe(
      "9e71b951095580c84352b3ff7f3b2da4",
    );
  });
});

describe("the bits do not depend", () => {
  it.each(moved)("on save times, nor on going on from a saved state: %s", async (_, process, expected) => {
    const end = endOf(process);
    const simulation = await open(process, { backend: "simd" });
    for (const share of [0, 0.11, 0.23, 0.7]) {
      await simulation.advance(share * end);
      simulation.measure();
    }
    const saved = simulation.save();
    simulation.free();
    const resumed = await open(process, { backend: "simd" });
    resumed.restore(saved);
    await resumed.advance(end);
    expect(hash(...numbersOf(resumed.measure()))).toBe(expected);
    resumed.free();
  });

  it.each(moved)("on the number of workers: %s", async (_, process) => {
    const end = endOf(process);
    const options = {
      replicas: 3,
      times: [0, end],
      backend: "simd",
      observe: {
        w: moments("w1", 3),
        f: predictions([stream(1).normals(lawDimension(process.problem.law))].map((x) => Array.from(x))),
      },
    } as const;
    const [none, one, two] = await Promise.all([0, 1, 2].map((workers) => ensemble(process, { ...options, workers })));
    for (const other of [one!, two!]) {
      expect(other.times).toEqual(none!.times);
      expect(other.observables).toEqual(none!.observables);
      expect(other.provenance).toEqual(none!.provenance);
    }
    // replica 0 is the process itself
    const alone = await solve(process, options);
    expect(none!.observables.w!.replicas[0]).toEqual(alone.observables.w!.values);
  });
});
