// Same spec, same bits: frozen hashes of whole runs. The file runs in Node 20, Node 24 and Chromium (.ci/run), and every
// one must meet the same hashes; a hash changes only when a run is meant to change, and the changelog says so.

import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { describe, expect, it } from "vitest";
import {
  affine,
  anisotropicGaussians,
  cosine,
  dataset,
  ensemble,
  erf,
  fokkerPlanck,
  gaussian,
  loadEngine,
  logistic,
  type Measure,
  mixture,
  open,
  type Process,
  piecewiseLinear,
  predictions,
  quadratic,
  quantiles,
  radialFlow,
  radii,
  ridge,
  risk,
  sgd,
  silu,
  softplus,
  solve,
  stream,
  tabulate,
  tanh,
  teacher,
} from "../../src/index";

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
];

function hash(...arrays: ArrayBufferView[]): string {
  const state = sha256.create();
  for (const one of arrays) state.update(new Uint8Array(one.buffer, one.byteOffset, one.byteLength));
  return bytesToHex(state.digest()).slice(0, 32);
}

function numbersOf(measure: Measure): Float64Array {
  return measure.kind === "grid" ? measure.masses : measure.values;
}

describe("frozen bits of the default build", () => {
  it.each(frozen)("%s", async (_, process, expected) => {
    const simulation = await open(process, { backend: "simd" });
    await simulation.advance(process.kind === "sgd" ? 0.1 : 0.3);
    const found = hash(numbersOf(simulation.measure()));
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
