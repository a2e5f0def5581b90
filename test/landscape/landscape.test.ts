// Products of the landscape: gradient, Hessian and Jacobian against extrapolated differences of a network written out.

import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { landscapeOf } from "../../src/landscape/onDemand";
import { particles } from "../../src/measure/measure";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  relu,
  scaled,
  silu,
  softplus,
  square,
  tanh,
} from "../../src/model/activation";
import type { Loss } from "../../src/model/labels";
import { anisotropicGaussians } from "../../src/model/law";
import { localPotential, quadratic, separable } from "../../src/model/potential";
import { affine, ridge, type Unit } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import { networkObjective } from "../../src/study/onDemand";
import { type Case, coordinatesOf, drawCase, extrapolated, numbersOf, plainGradient, relativeError } from "./cases";

const smooth: Activation[] = [
  tanh(),
  erf(),
  logistic(),
  softplus(),
  silu(),
  cosine(),
  identity(),
  square(),
  scaled(tanh(), 3),
];

const units: [string, Unit, Loss][] = [
  ...smooth.map((sigma): [string, Unit, Loss] => [`ridge ${sigma.kind}`, ridge(sigma), "squared"]),
  ...smooth.map((sigma): [string, Unit, Loss] => [`affine ${sigma.kind}`, affine(sigma), "logistic"]),
  ["three classes", affine(tanh(), { outputs: 3, outputBias: true }), "crossEntropy"],
  ["three outputs", affine(silu(), { outputs: 3, outputBias: true }), "squared"],
  ["a kept", affine(erf(), { trainOutput: false, outputBias: true }), "logistic"],
  ["b kept", affine(tanh(), { trainBias: false }), "squared"],
  [
    "a and b kept, two classes",
    affine(softplus(), { outputs: 2, trainOutput: false, trainBias: false }),
    "crossEntropy",
  ],
];

const direction = (p: number, step = 9) => stream(1).normals(p, { step });

// f at x(θ) + u
function predict({ problem, network }: Case, u: Float64Array): Float64Array {
  const { places, roots } = coordinatesOf({ problem, network });
  const theta = numbersOf(network);
  places.forEach((at, j) => void (theta[at]! += u[j]! / roots[j]!));
  return predictions(problem, theta, network);
}

// f, [n, K], of a network written out
function predictions(problem: Case["problem"], theta: Float64Array, network: Case["network"]): Float64Array {
  const { unit } = problem;
  const law = problem.law as Extract<typeof problem.law, { kind: "dataset" }>;
  const [n, d] = law.x.shape as [number, number];
  const [N, D] = network.shape;
  const K = unit.kind === "ridge" ? 1 : unit.outputs;
  const { value } = activationFunctions(unit.activation);
  const out = new Float64Array(n * K);
  for (let q = 0; q < n; q++) {
    for (let k = 0; k < K; k++) out[q * K + k] = network.outputBias ? theta[N * D + k]! : 0;
    for (let i = 0; i < N; i++) {
      let h = unit.kind === "ridge" ? 0 : theta[i * D + K]!;
      for (let j = 0; j < d; j++) h += theta[i * D + D - d + j]! * law.x.data[q * d + j]!;
      const w = network.weights?.[i] ?? 1 / N;
      for (let k = 0; k < K; k++) out[q * K + k]! += w * (unit.kind === "ridge" ? 1 : theta[i * D + k]!) * value(h);
    }
  }
  return out;
}

describe("the landscape's products", () => {
  // 1e-8 of the largest entry is what the differences, of error h⁸ at h = 0.04, are good for; they are mostly at 1e-11
  it.each(units)("gradient, Hessian and Jacobian are derivatives: %s", async (_, unit, loss) => {
    for (const weighted of [false, true]) {
      const one = drawCase({ unit, loss, weighted });
      const about = await landscapeOf(one.problem, one.network);
      const p = about.size;
      expect(p).toBe(coordinatesOf(one).places.length);
      expect(relativeError(about.gradient(), plainGradient(one))).toBeLessThan(1e-13);
      const u = direction(p);
      const Hu = new Float64Array(p);
      about.hessian.apply(u, Hu);
      expect(
        relativeError(
          Hu,
          extrapolated((v) => plainGradient(one, v), u),
        ),
      ).toBeLessThan(1e-8);
      const Ju = about.jacobian(u);
      expect(
        relativeError(
          Ju,
          extrapolated((v) => predict(one, v), u),
        ),
      ).toBeLessThan(1e-8);
      expect(relativeError(about.predictions, predict(one, new Float64Array(p)))).toBeLessThan(1e-13);
      about.free();
    }
  });

  it("a confinement has its part in gradient, Hessian and value, what is kept has none", async () => {
    for (const confinement of [quadratic(0.7, { center: 0.2 }), separable(cosine(), { weight: 0.4 })]) {
      const one = drawCase({
        unit: affine(tanh(), { trainOutput: false, outputBias: true }),
        confinement,
        weighted: true,
      });
      const about = await landscapeOf(one.problem, one.network);
      const u = direction(about.size);
      const Hu = new Float64Array(about.size);
      about.hessian.apply(u, Hu);
      expect(
        relativeError(
          Hu,
          extrapolated((v) => plainGradient(one, v), u),
        ),
      ).toBeLessThan(1e-8);
      expect(relativeError(about.gradient(), plainGradient(one))).toBeLessThan(1e-13);
      // E + ∫U has the slope ⟨∇, u⟩ along u
      const value = async (h: number): Promise<number> => {
        const there = await landscapeOf(one.problem, about.moved(u.map((x) => h * x)));
        there.free();
        return there.loss + there.confinement;
      };
      const h = 1e-4;
      const slope =
        (8 * ((await value(h)) - (await value(-h))) - ((await value(2 * h)) - (await value(-2 * h)))) / (12 * h);
      const expected = about.gradient().reduce((sum, g, j) => sum + g * u[j]!, 0);
      // error h⁴, round-off 10^−16 / h
      expect(Math.abs(slope - expected)).toBeLessThan(1e-10 * Math.abs(expected) + 1e-10);
      about.free();
    }
  });

  it("where σ has kinks the Hessian is that of the pieces", async () => {
    for (const sigma of [relu(), leakyRelu(0.1), scaled(relu(), 2)]) {
      const one = drawCase({ unit: affine(sigma, { outputs: 2, outputBias: true }), loss: "crossEntropy" });
      const about = await landscapeOf(one.problem, one.network);
      const u = direction(about.size);
      const Hu = new Float64Array(about.size);
      about.hessian.apply(u, Hu);
      // no kink lies within 10^−4 of the 35 pre-activations of this case; round-off is 10^−12
      expect(
        relativeError(
          Hu,
          extrapolated((v) => plainGradient(one, v), u, 1e-4),
        ),
      ).toBeLessThan(1e-8);
      about.free();
    }
  });

  it("H is symmetric in the plain product, for weighted neurons and an output bias too", async () => {
    const one = drawCase({
      unit: affine(tanh(), { outputs: 2, outputBias: true }),
      loss: "crossEntropy",
      weighted: true,
    });
    const about = await landscapeOf(one.problem, one.network);
    const [u, v] = [direction(about.size, 3), direction(about.size, 4)];
    const [Hu, Hv] = [new Float64Array(about.size), new Float64Array(about.size)];
    about.hessian.apply(u, Hu);
    about.hessian.apply(v, Hv);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    expect(Math.abs(dot(u, Hv) - dot(v, Hu))).toBeLessThan(1e-13 * Math.abs(dot(u, Hv)));
    about.free();
  });

  it("is N ∂²E/∂θ² for equal weights: the Hessian of the objective whose gradient step of size ε is GD(ε)", async () => {
    const one = drawCase({ unit: affine(tanh()), N: 4, confinement: quadratic(0.3) });
    const objective = await networkObjective(one.problem, 4);
    const about = await landscapeOf(one.problem, one.network);
    const theta = numbersOf(one.network);
    const sum = (x: Float64Array) => {
      const out = new Float64Array(x.length);
      const term = new Float64Array(x.length);
      for (let q = 0; q < objective.terms; q++) {
        objective.gradient(q, x, term);
        term.forEach((g, j) => void (out[j]! += g / objective.terms));
      }
      return out;
    };
    const u = direction(about.size);
    const Hu = new Float64Array(about.size);
    about.hessian.apply(u, Hu);
    expect(
      relativeError(
        Hu,
        extrapolated((v) => sum(theta.map((x, j) => x + v[j]!)), u),
      ),
    ).toBeLessThan(1e-8);
    about.free();
  });

  it("J, Jᵀ, single examples and the Gauss–Newton part fit each other", async () => {
    for (const loss of ["squared", "crossEntropy"] as const) {
      const one = drawCase({ unit: affine(silu(), { outputs: 3, outputBias: true }), loss, weighted: true });
      const about = await landscapeOf(one.problem, one.network);
      const { size: p, examples: n, outputs: K, masses, residuals, predictions: f } = about;
      const rows = Array.from({ length: n }, (_, q) => about.exampleJacobian(q));
      const u = direction(p);
      const Ju = about.jacobian(u);
      const byHand = new Float64Array(n * K);
      for (let q = 0; q < n; q++) {
        for (let k = 0; k < K; k++) for (let j = 0; j < p; j++) byHand[q * K + k]! += rows[q]![k * p + j]! * u[j]!;
      }
      expect(relativeError(Ju, byHand)).toBeLessThan(1e-13);
      const c = direction(n * K, 5);
      const pulled = new Float64Array(p);
      for (let q = 0; q < n; q++) {
        for (let k = 0; k < K; k++) for (let j = 0; j < p; j++) pulled[j]! += rows[q]![k * p + j]! * c[q * K + k]!;
      }
      expect(relativeError(about.jacobianTransposed(c), pulled)).toBeLessThan(1e-13);
      const gradient = new Float64Array(p);
      for (let q = 0; q < n; q++) about.exampleGradient(q).forEach((g, j) => void (gradient[j]! += masses[q]! * g));
      expect(relativeError(gradient, about.gradient())).toBeLessThan(1e-13);
      const curved = new Float64Array(n * K);
      for (let q = 0; q < n; q++) {
        const share = f.subarray(q * K, (q + 1) * K).map(Math.exp);
        const total = share.reduce((a, b) => a + b);
        const mean = share.reduce((a, e, k) => a + (e / total) * Ju[q * K + k]!, 0);
        for (let k = 0; k < K; k++) {
          const bent = loss === "squared" ? Ju[q * K + k]! : (share[k]! / total) * (Ju[q * K + k]! - mean);
          curved[q * K + k] = masses[q]! * bent;
        }
      }
      const Gu = new Float64Array(p);
      about.gaussNewton.apply(u, Gu);
      expect(relativeError(Gu, about.jacobianTransposed(curved))).toBeLessThan(1e-13);
      expect(residuals.length).toBe(n * K);
      about.free();
    }
  });

  it("scales are other coordinates: H becomes D⁻¹HD⁻¹ and J becomes JD⁻¹", async () => {
    const one = drawCase({ unit: affine(tanh(), { outputBias: true }) });
    const scales = direction(numbersOf(one.network).length, 6).map((x) => 0.5 + Math.abs(x));
    const plain = await landscapeOf(one.problem, one.network);
    const about = await landscapeOf(one.problem, one.network, { scales });
    const u = direction(plain.size);
    const over = u.map((x, j) => x / scales[j]!);
    const [Hu, there] = [new Float64Array(plain.size), new Float64Array(plain.size)];
    plain.hessian.apply(over, Hu);
    about.hessian.apply(u, there);
    expect(
      relativeError(
        there,
        Hu.map((x, j) => x / scales[j]!),
      ),
    ).toBeLessThan(1e-14);
    expect(relativeError(about.jacobian(u), plain.jacobian(over))).toBeLessThan(1e-14);
    expect(
      relativeError(
        about.gradient(),
        plain.gradient().map((g, j) => g / scales[j]!),
      ),
    ).toBeLessThan(1e-14);
    expect(relativeError(about.fromParameters(about.toParameters(u)), u)).toBeLessThan(1e-15);
    plain.free();
    about.free();
  });

  it("in f32, to its precision; a neuron of weight 0 is no coordinate", async () => {
    const one = drawCase({ unit: affine(tanh(), { outputs: 2 }), N: 6 });
    const f64 = await landscapeOf(one.problem, one.network);
    const f32 = await landscapeOf(one.problem, one.network, { precision: "f32" });
    const u = direction(f64.size);
    const [a, b] = [new Float64Array(f64.size), new Float64Array(f64.size)];
    f64.hessian.apply(u, a);
    f32.hessian.apply(u, b);
    expect(relativeError(b, a)).toBeLessThan(1e-5);
    expect(relativeError(b, a)).toBeGreaterThan(1e-10);
    f64.free();
    f32.free();
    const weights = Float64Array.of(1, 1, 0, 1, 1, 0);
    const some = await landscapeOf(one.problem, particles({ ...one.network, weights }));
    const four = [0, 1, 3, 4].flatMap((i) => Array.from(one.network.values.subarray(i * 5, (i + 1) * 5)));
    const fewer = await landscapeOf(
      one.problem,
      particles({ coordinates: "theta", shape: [4, 5], values: Float64Array.from(four) }),
    );
    expect(some.size).toBe(fewer.size);
    const v = direction(some.size);
    const [c, e] = [new Float64Array(some.size), new Float64Array(some.size)];
    some.hessian.apply(v, c);
    fewer.hessian.apply(v, e);
    expect(relativeError(c, e)).toBeLessThan(1e-14);
    some.free();
    fewer.free();
  });

  it("bad input is named, and memory is given back", async () => {
    const one = drawCase({ unit: affine(tanh()) });
    const engine = await loadEngine();
    const before = engine.usage().live;
    const about = await landscapeOf(one.problem, one.network);
    const fails = (input: unknown, measure: unknown, options: unknown, path: string) =>
      expect(landscapeOf(input as never, measure as never, options as never)).rejects.toThrow(
        expect.objectContaining({ name: "SpecError", path }),
      );
    const gaussians = anisotropicGaussians({ dimension: 2, signal: 1, delta: 0.5 });
    await fails({ ...one.problem, law: gaussians }, one.network, {}, "problem.law.kind");
    await fails(one.problem, { ...one.network, coordinates: "radial" }, {}, "measure.kind");
    await fails(one.problem, null, {}, "measure.kind");
    await fails(
      one.problem,
      particles({ coordinates: "theta", shape: [4, 5], values: new Float64Array(20) }),
      {},
      "measure.shape",
    );
    await fails(one.problem, one.network, { scales: [1, 2] }, "scales");
    await fails(one.problem, one.network, { scales: [1, 0, 1, 1] }, "scales[1]");
    await fails(one.problem, one.network, { precision: "f16" }, "precision");
    const own = localPotential(
      () => 0,
      () => [0, 0, 0, 0],
    );
    await fails({ ...one.problem, confinement: own }, one.network, {}, "problem.confinement");
    const huge = particles({ ...one.network, values: one.network.values.map(() => 1e200) });
    await fails(one.problem, huge, {}, "measure.values");
    const out = new Float64Array(about.size);
    expect(() => about.hessian.apply(new Float64Array(3), out)).toThrow("v: expected a Float64Array of length 20");
    expect(() => about.jacobian([1] as never)).toThrow("u: expected");
    expect(() => about.exampleGradient(7)).toThrow("0 to 6");
    about.free();
    expect(() => about.hessian.apply(out, out.slice())).toThrow("freed");
    expect(engine.usage().live).toBe(before);
  });
});
