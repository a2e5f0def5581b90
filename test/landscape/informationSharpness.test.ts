// Information-geometric sharpness against its definition with an explicit pseudo-inverse, its invariance, and the sharpness λ_max that has none.

import { Matrix, pseudoInverse } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import {
  denseSpectrum,
  informationSharpness,
  lanczos,
  landscapeOf,
  matrixOperator,
  reluRescaled,
  reluScales,
  rescaled,
  sharpnessOf,
} from "../../src/landscape/onDemand";
import { type Particles, particles } from "../../src/measure/measure";
import { predictionsOf } from "../../src/measure/predictions";
import { identity, leakyRelu, relu, scaled, tanh } from "../../src/model/activation";
import { type Dataset, dataset } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";
import { stream } from "../../src/random/stream";
import { type Case, drawCase, relativeError } from "./cases";

// N⁻¹ Σ ∇ℓ_iᵀ F† ∇ℓ_i with F formed and inverted, in the coordinates of the landscape.
async function byDefinition({ problem, network }: Case): Promise<number> {
  const about = await landscapeOf(problem, network);
  const { size: p, examples: n, outputs: K, masses } = about;
  const F = Matrix.zeros(p, p);
  const gradients: Matrix[] = [];
  for (let q = 0; q < n; q++) {
    const J = about.exampleJacobian(q);
    const rows = new Matrix(Array.from({ length: K }, (_, k) => Array.from(J.subarray(k * p, (k + 1) * p))));
    F.add(rows.transpose().mmul(rows).mul(masses[q]!));
    gradients.push(Matrix.columnVector(Array.from(about.exampleGradient(q))));
  }
  about.free();
  const inverse = pseudoInverse(F, 1e-11);
  return gradients.reduce((sum, g, q) => sum + masses[q]! * g.transpose().mmul(inverse).mmul(g).get(0, 0), 0);
}

const reluCase = (more: Partial<Parameters<typeof drawCase>[0]> = {}) =>
  drawCase({ unit: affine(relu(), { outputBias: true }), n: 40, N: 5, ...more });

describe("information-geometric sharpness", () => {
  it("is what its definition says, where nK > p", async () => {
    const cases = [
      reluCase(),
      reluCase({ weighted: true }),
      drawCase({ unit: affine(relu(), { outputs: 3 }), loss: "crossEntropy", n: 30 }),
      drawCase({ unit: affine(leakyRelu(0.2), { trainBias: false }), loss: "logistic", n: 30, N: 3 }),
      drawCase({ unit: ridge(tanh()), n: 30, N: 3 }),
    ];
    for (const one of cases) {
      const expected = await byDefinition(one);
      const found = await informationSharpness(one.problem, one.network);
      expect(found.smallestKept).toBeGreaterThan(1e-4);
      // the pseudo-inverse of F squares the condition of J, about 10⁴ at most here
      expect(Math.abs(found.value - expected)).toBeLessThan(1e-8 * expected);
      expect(found.value).toBeLessThan(found.residuals);
      expect(found.isLoss).toBe(false);
      const dual = await informationSharpness(one.problem, one.network, { method: "dual" });
      expect(dual.rank).toBe(found.rank);
      expect(Math.abs(dual.value - found.value)).toBeLessThan(1e-9 * found.value);
    }
  });

  it("is Σ|r|², the loss and no more, where the rows of J are independent", async () => {
    for (const method of ["qr", "dual"] as const) {
      const one = drawCase({ unit: affine(tanh()), n: 6, N: 20, d: 4 });
      const found = await informationSharpness(one.problem, one.network, { method });
      expect(found).toMatchObject({ isLoss: true, rank: 6, rows: 6, method });
      expect(Math.abs(found.value - found.residuals)).toBeLessThan(1e-12 * found.value);
      const about = await landscapeOf(one.problem, one.network);
      expect(found.value).toBeCloseTo(12 * about.loss, 12);
      about.free();
    }
  });

  it("does not feel θ' = Dθ, while λ_max becomes that of D⁻¹HD⁻¹", async () => {
    const one = reluCase();
    const plain = await informationSharpness(one.problem, one.network);
    const about = await landscapeOf(one.problem, one.network);
    const { size: p } = about;
    // factors from 1/8 to 8
    const scales = stream(3)
      .normals(p)
      .map((g) => 8 ** Math.tanh(g));
    const there = await informationSharpness(one.problem, one.network, { scales });
    expect(Math.abs(there.value - plain.value)).toBeLessThan(1e-10 * plain.value);
    expect(there.rank).toBe(plain.rank);
    // the plain Hessian, column by column, divided by hand
    const dense = new Float64Array(p * p);
    const [e, column] = [new Float64Array(p), new Float64Array(p)];
    for (let i = 0; i < p; i++) {
      e.fill(0)[i] = 1;
      about.hessian.apply(e, column);
      column.forEach((x, j) => void (dense[i * p + j] = x / (scales[i]! * scales[j]!)));
    }
    const predicted = (await denseSpectrum(await matrixOperator(dense))).values[0]!;
    const scaledLandscape = await landscapeOf(one.problem, one.network, { scales });
    const found = (await lanczos(scaledLandscape.hessian)).values[0]!;
    expect(Math.abs(found - predicted)).toBeLessThan(1e-10 * predicted);
    const before = (await lanczos(about.hessian)).values[0]!;
    expect(Math.abs(found / before - 1)).toBeGreaterThan(0.5);
    about.free();
    scaledLandscape.free();
  });

  it("is the same for two networks that are one function by ReLU rescaling, while λ_max changes by the factor predicted", async () => {
    const factors = Float64Array.of(0.25, 4, 0.5, 2, 3);
    for (const activation of [relu(), leakyRelu(0.3), identity(), scaled(relu(), 2)]) {
      const one = reluCase({ unit: affine(activation, { outputs: 2, outputBias: true }), weighted: true });
      const other = await reluRescaled(one.problem, one.network, factors);
      const engine = await loadEngine();
      const x = (one.problem.law as Dataset).x;
      const f = (network: Particles) => predictionsOf(network, one.problem, engine, x).values;
      expect(relativeError(f(other), f(one.network))).toBeLessThan(1e-14);
      const here = await informationSharpness(one.problem, one.network);
      const there = await informationSharpness(one.problem, other);
      expect(Math.abs(there.value - here.value)).toBeLessThan(1e-10 * here.value);
      expect(there.rank).toBe(here.rank);
      // f(Dθ) = f(θ) for all θ: H at Dθ is D⁻¹HD⁻¹
      const scales = await reluScales(one.problem, one.network, factors);
      const moved = await landscapeOf(one.problem, other);
      const predicted = await landscapeOf(one.problem, one.network, { scales });
      const [a, b] = [(await lanczos(moved.hessian)).values[0]!, (await lanczos(predicted.hessian)).values[0]!];
      expect(Math.abs(a - b)).toBeLessThan(1e-12 * b);
      moved.free();
      predicted.free();
    }
  });

  it("λ_max is c⁻² times what it was where w and b alone are trained, and x²(c²w² + a²/c²) for one neuron at its minimum", async () => {
    const one = reluCase({ unit: affine(relu(), { trainOutput: false }) });
    const before = await sharpnessOf(one.problem, one.network, { tolerance: 1e-13 });
    for (const c of [0.25, 2, 4]) {
      const other = await reluRescaled(one.problem, one.network, c);
      const after = await sharpnessOf(one.problem, other, { tolerance: 1e-13 });
      expect(Math.abs((after.value * c * c) / before.value - 1)).toBeLessThan(1e-12);
    }
    const [x, a, w] = [1.5, 2, 0.7];
    const problem = parseProblem({
      law: dataset({ x: [[x]], y: [a * w * x] }),
      unit: affine(relu(), { trainBias: false }),
      start: gaussian({ radius: 1 }),
    });
    const network = particles({ coordinates: "theta", shape: [1, 3], values: Float64Array.of(a, 0, w) });
    for (const c of [0.25, 1, 4]) {
      const { value } = await sharpnessOf(problem, await reluRescaled(problem, network, c), { tolerance: 1e-13 });
      expect(value).toBeCloseTo(x * x * (c * c * w * w + (a * a) / (c * c)), 11);
    }
  });

  it("deficient Jacobians: repeated examples, neurons that are one, dead ones", async () => {
    const one = reluCase({ n: 20, N: 4 });
    const { law } = one.problem;
    if (law.kind !== "dataset") throw new Error("a dataset");
    const twice = <T>(values: T[]) => [...values, ...values];
    const rows = Array.from({ length: 20 }, (_, q) => Array.from(law.x.data.subarray(2 * q, 2 * q + 2)));
    const double = { ...one.problem, law: dataset({ x: twice(rows), y: twice(Array.from(law.y.data)) }) };
    const [single, both] = [
      await informationSharpness(one.problem, one.network),
      await informationSharpness(double, one.network),
    ];
    expect(both.rank).toBe(single.rank);
    expect(both.rows).toBe(40);
    // each example twice: P is ½ (1 1; 1 1) ⊗ P, and the sum has each residual twice
    expect(Math.abs(both.value - single.value)).toBeLessThan(1e-11 * single.value);
    const [N, D] = one.network.shape;
    const values = new Float64Array(2 * N * D);
    values.set(one.network.values);
    values.set(one.network.values, N * D);
    const copies = particles({ ...one.network, shape: [2 * N, D], values });
    const twins = await informationSharpness(one.problem, copies);
    expect(twins.rank).toBe(single.rank);
    expect(twins.columns).toBe(2 * (single.columns - 1) + 1);
    expect(Math.abs(twins.value - single.value)).toBeLessThan(1e-11 * single.value);
    // b far below 0: neither σ nor σ' anywhere
    const dead = one.network.values.slice();
    dead[1] = -1e3;
    const some = await informationSharpness(one.problem, particles({ ...one.network, values: dead }));
    expect(some.columns).toBe(single.columns - D);
    expect(Number.isFinite(some.value)).toBe(true);
    for (let i = 0; i < N; i++) dead[i * D + 1] = -1e3;
    const none = await informationSharpness(one.problem, particles({ ...one.network, values: dead, outputBias: null }));
    // the output bias alone: (Σ r)²/n
    expect(none).toMatchObject({ rank: 1, columns: 1 });
    const bare = drawCase({ unit: affine(relu()), n: 20, N: 4 });
    const nothing = particles({ ...bare.network, values: dead });
    for (const method of ["qr", "dual"] as const) {
      expect(await informationSharpness(bare.problem, nothing, { method })).toMatchObject({
        value: 0,
        rank: 0,
        columns: 0,
        isLoss: false,
      });
    }
  });

  it("atoms without mass do not count", async () => {
    const one = reluCase({ n: 12 });
    const { law } = one.problem;
    if (law.kind !== "dataset") throw new Error("a dataset");
    const weights = Array.from({ length: 12 }, (_, q) => (q < 8 ? 1 : 0));
    const some = await informationSharpness(
      { ...one.problem, law: dataset({ x: law.x, y: law.y, weights } as never) },
      one.network,
    );
    const rows = Array.from({ length: 8 }, (_, q) => Array.from(law.x.data.subarray(2 * q, 2 * q + 2)));
    const fewer = await informationSharpness(
      { ...one.problem, law: dataset({ x: rows, y: Array.from(law.y.data.subarray(0, 8)) }) },
      one.network,
    );
    expect(some.rows).toBe(8);
    expect(Math.abs(some.value - fewer.value)).toBeLessThan(1e-12 * fewer.value);
    expect(some.isLoss).toBe(fewer.isLoss);
  });

  it("bad input is named", async () => {
    const one = reluCase();
    const fails = (run: Promise<unknown>, path: string) =>
      expect(run).rejects.toThrow(expect.objectContaining({ name: "SpecError", path }));
    await fails(informationSharpness(one.problem, one.network, { method: "svd" as never }), "method");
    await fails(informationSharpness(one.problem, one.network, { cutoff: 0 }), "cutoff");
    await fails(reluRescaled(one.problem, one.network, 0), "factors");
    await fails(reluRescaled(one.problem, one.network, Number.NaN), "factors");
    await fails(reluRescaled(one.problem, one.network, [1, 2, 3]), "factors");
    await fails(reluRescaled(one.problem, one.network, [1, 2, -3, 1, 1]), "factors[2]");
    const smooth = drawCase({ unit: affine(tanh()) });
    await fails(reluRescaled(smooth.problem, smooth.network, 2), "problem.unit.activation");
    const bare = drawCase({ unit: ridge(relu()) });
    await fails(reluRescaled(bare.problem, bare.network, 2), "problem.unit.kind");
    await fails(rescaled(one.network, [1, 2]), "scales");
    await fails(rescaled(one.network, [1, 2, 0, 1]), "scales[2]");
    await fails(rescaled({ kind: "grid" } as never, [1]), "measure.kind");
    const twice = await rescaled(one.network, [2, 1, 1, 1]);
    expect(twice.values[0]).toBe(2 * one.network.values[0]!);
    expect(twice.values[1]).toBe(one.network.values[1]);
    expect(twice.outputBias).toEqual(one.network.outputBias);
    const many = drawCase({ unit: affine(relu()), n: 1025 });
    await fails(informationSharpness(many.problem, many.network, { method: "dual" }), "problem.law.x");
  });
});
