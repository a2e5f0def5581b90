// The population field against integrals over the plane (gaussianIntegral.ts), against extrapolated differences of the
// exact risk, and against shared reference values (test/reference/kernels.json).

import { describe, expect, test } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  type Activation,
  activationFunctions,
  cosine,
  erf,
  identity,
  leakyRelu,
  logistic,
  piecewiseLinear,
  piecewiseLinearForm,
  relu,
  silu,
  softplus,
  square,
  tabulate,
  tanh,
  truncatedRelu,
} from "../../src/model/activation";
import {
  anisotropicGaussians,
  dataset,
  gaussianComponents,
  type Law,
  lawDimension,
  mixture,
  noExamples,
  rotationMatrix,
  type Teacher,
  teacher,
  teacherNetwork,
} from "../../src/model/law";
import { gaussianMixtureRisk, type NeuronGroup } from "../../src/model/mehler";
import { externalPotential, interaction, populationField } from "../../src/model/population";
import { affine, ridge, type Unit } from "../../src/model/unit";
import reference from "../reference/kernels.json";
import { visitPlane } from "./gaussianIntegral";

const figureOne = piecewiseLinear([
  [0.5, -2.5],
  [1.5, 7.5],
]);
const figureTwo = piecewiseLinear([
  [0, -2.5],
  [0.5, -4],
  [1.5, 7.5],
]);
const activations: Record<string, Activation> = {
  relu: relu(),
  leakyRelu: leakyRelu(0.2),
  truncatedRelu: truncatedRelu(),
  figureOne,
  figureTwo,
  tanh: tanh(),
  erf: erf(),
  logistic: logistic(),
  softplus: softplus(),
  silu: silu(),
  cosine: cosine(),
  identity: identity(),
  square: square(),
};

// A fixed sequence, independent of the library's streams; normals by Box–Muller.
function lehmer(seed: number): () => number {
  let state = seed;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const centred = (d: number) => anisotropicGaussians({ dimension: d, signal: 1, delta: 0.5 });
const rotated = (d: number) => anisotropicGaussians({ dimension: d, signal: 1, delta: 0.5, rotation: { seed: 3 } });
const mixed = (d: number) => {
  const covariance = (scale: number, slope: number) =>
    Array.from({ length: d }, (_, i) =>
      Array.from({ length: d }, (_, j) => (i === j ? scale + 0.1 * i : slope / (1 + Math.abs(i - j)))),
    );
  return mixture([
    {
      weight: 0.3,
      mean: Array.from({ length: d }, (_, k) => 0.3 - 0.25 * k),
      covariance: covariance(1, 0.4),
      label: 1,
    },
    { weight: 0.7, mean: Array.from({ length: d }, (_, k) => 0.2 * k), covariance: covariance(0.7, -0.3), label: -0.4 },
  ]);
};

/** Gaussian parts of any such law; a teacher's is standard. */
function partsOf(law: Law) {
  if (law.kind !== "teacher") return gaussianComponents(law);
  return [{ weight: 1, label: 0, mean: null, diagonal: new Float64Array(law.dimension).fill(1), factor: null }];
}

/** −∇Ψ and Ψ of every particle of a network in the plane, by integrals over the plane. */
function byIntegral(law: Law, unit: Unit, theta: Float64Array, masses: number[]) {
  const n = masses.length;
  const D = theta.length / n;
  const offset = D - 2;
  const { value, derivative } = activationFunctions(unit.activation);
  const knots = Array.from(piecewiseLinearForm(unit.activation)?.knots ?? []);
  const labels = law.kind === "teacher" ? teacherNetwork(law) : null;
  const labelling = activationFunctions((law as Teacher).activation ?? unit.activation);
  const velocity = new Float64Array(n * D);
  const potential = new Float64Array(n);
  for (const { weight, label, mean, diagonal, factor } of partsOf(law)) {
    const m = mean ?? [0, 0];
    const F = factor ?? [diagonal![0]!, 0, 0, diagonal![1]!];
    const lines: { u: number; v: number; c: number }[] = [];
    const line = (w: ArrayLike<number>, at: number, b: number, knot: number) => {
      const [p, q] = [w[at]!, w[at + 1]!];
      lines.push({ u: p * F[0]! + q * F[2]!, v: p * F[1]! + q * F[3]!, c: knot - b - p * m[0]! - q * m[1]! });
    };
    for (const knot of knots) {
      for (let i = 0; i < n; i++) line(theta, i * D + offset, offset ? theta[i * D + 1]! : 0, knot);
      for (let j = 0; labels && j < labels.a.length; j++) line(labels.w, 2 * j, 0, knot);
    }
    const visit = (g: number, h: number, mass: number) => {
      const x = [m[0]! + F[0]! * g + F[1]! * h, m[1]! + F[2]! * g + F[3]! * h] as const;
      let f = 0;
      let y = label;
      if (labels) {
        y = 0;
        for (let j = 0; j < labels.a.length; j++) {
          y +=
            (labels.a[j]! * labelling.value(labels.w[2 * j]! * x[0] + labels.w[2 * j + 1]! * x[1])) / labels.a.length;
        }
      }
      const inner = (i: number) =>
        (offset ? theta[i * D + 1]! : 0) + theta[i * D + offset]! * x[0] + theta[i * D + offset + 1]! * x[1];
      const coefficient = (i: number) => (offset ? theta[i * D]! : 1);
      for (let i = 0; i < n; i++) f += masses[i]! * coefficient(i) * value(inner(i));
      const r = weight * mass * (y - f);
      for (let i = 0; i < n; i++) {
        const t = inner(i);
        const slope = coefficient(i) * derivative(t);
        potential[i]! -= r * coefficient(i) * value(t);
        if (offset) {
          velocity[i * D]! += r * value(t);
          velocity[i * D + 1]! += r * slope;
        }
        velocity[i * D + offset]! += r * slope * x[0];
        velocity[i * D + offset + 1]! += r * slope * x[1];
      }
    };
    // without kinks longer pieces do
    visitPlane(lines, visit, knots.length > 0 ? {} : { piece: 0.9 });
  }
  return { velocity, potential };
}

/** Particles of which some are parallel, opposite, nearly parallel, small and of no mass. */
function awkward(D: number, offset: number, seed: number, n = 7) {
  const normal = lehmer(seed);
  const theta = Float64Array.from({ length: n * D }, () => 0.8 * normal());
  for (let k = offset; k < D; k++) {
    theta[D + k] = 2 * theta[k]!;
    theta[2 * D + k] = -theta[k]!;
    theta[3 * D + k] = theta[k]! * (1 + 1e-4 * k);
    theta[4 * D + k] = 1e-3 * theta[4 * D + k]!;
  }
  return { n, theta, masses: [0.2, 0.1, 0.3, 0.15, 0.1, 0, 0.05].slice(0, n) };
}

describe("the field is its integral", () => {
  const laws: [string, (activation: Activation) => Law][] = [
    ["anisotropic", () => centred(2)],
    ["rotated", () => rotated(2)],
    ["mixture", () => mixed(2)],
    ["teacher", (activation) => teacher({ dimension: 2, neurons: 3, activation, noise: 0.3, seed: 5 })],
  ];
  const cases = Object.keys(activations).map((name, k) => [name, ...laws[k % 4]!, ...laws[(k + 1) % 4]!] as const);

  test.each(cases)("%s, on %s inputs and others", (name, _, first, __, second) => {
    const activation = activations[name]!;
    for (const [law, unit] of [
      [first(activation), affine(activation)],
      [second(activation), ridge(activation)],
    ] as const) {
      const offset = unit.kind === "affine" ? 2 : 0;
      const D = offset + 2;
      const { n, theta, masses } = awkward(D, offset, 17);
      const field = populationField({ law, unit });
      const velocity = new Float64Array(n * D);
      const potential = new Float64Array(n);
      field.both(theta, n, velocity, potential, { weights: Float64Array.from(masses) });
      const expected = byIntegral(law, unit, theta, masses);
      // the integrals resolve σ to 1e-12; with square the sizes are in the hundreds
      const close = (found: number, value: number) =>
        expect(Math.abs(found - value)).toBeLessThan(1e-10 * Math.max(1, Math.abs(value)));
      velocity.forEach((v, at) => void close(v, expected.velocity[at]!));
      potential.forEach((v, i) => void close(v, expected.potential[i]!));
    }
  });

  test("a student of another activation than its teacher's", () => {
    const law = teacher({ dimension: 2, neurons: 2, activation: figureOne, seed: 2 });
    for (const activation of [relu(), leakyRelu(0.3)]) {
      const { n, theta, masses } = awkward(4, 2, 23, 5);
      const velocity = new Float64Array(4 * n);
      populationField({ law, unit: affine(activation) }).velocity(theta, n, velocity, {
        weights: Float64Array.from(masses),
      });
      // the lines of both activations: a polygon with the knots of each
      const knots = [0, 0.5, 1.5];
      const broken = piecewiseLinear(
        [-90, ...knots, 90].map((t) => [t, activationFunctions(activation).value(t)] as [number, number]),
      );
      const expected = byIntegral(law, affine(broken), theta, masses);
      for (let at = 0; at < 4 * n; at++) expect(Math.abs(velocity[at]! - expected.velocity[at]!)).toBeLessThan(1e-10);
    }
  });

  test("a table has the field of its function to the accuracy of the table", () => {
    const law = mixed(2);
    const table = tabulate(Math.tanh, { from: -12, to: 12, points: 2401 });
    const { n, theta, masses } = awkward(4, 2, 29);
    const [found, expected] = [table, tanh()].map((activation) => {
      const out = new Float64Array(4 * n);
      const field = populationField({ law, unit: affine(activation) });
      field.velocity(theta, n, out, { weights: Float64Array.from(masses) });
      return out;
    });
    expect(populationField({ law, unit: affine(table) }).method).toBe("quadrature");
    // Δ³ σ⁗ = 1e-6 · 4 bounds σ'; measured 1e-8
    for (let at = 0; at < 4 * n; at++) expect(Math.abs(found![at]! - expected![at]!)).toBeLessThan(1e-7);
  });
});

/** R of a network by `gaussianMixtureRisk`. */
function exactRisk(law: Law, unit: Unit, theta: Float64Array, masses: Float64Array): number {
  const n = masses.length;
  const D = theta.length / n;
  const d = lawDimension(law);
  const offset = D - d;
  const weights = new Float64Array(n * d);
  for (let i = 0; i < n; i++) weights.set(theta.subarray(i * D + offset, (i + 1) * D), i * d);
  const groups: NeuronGroup[] = [
    {
      activation: unit.activation,
      amplitudes: masses.map((mass, i) => (offset ? mass * theta[i * D]! : mass)),
      biases: offset ? masses.map((_, i) => theta[i * D + 1]!) : null,
      weights,
    },
  ];
  if (law.kind === "teacher") {
    const { a, w } = teacherNetwork(law);
    groups.push({
      activation: law.activation,
      amplitudes: a.map((x) => -x / law.neurons),
      biases: null,
      weights: w,
    });
  }
  return gaussianMixtureRisk(groups, partsOf(law), 1e-13).risk;
}

describe("the field is the slope of the exact risk", () => {
  const d = 5;
  const n = 6;
  // dE = −Σ m_i ⟨v_i, δθ_i⟩ along a direction of all particles at once
  test.each(Object.keys(activations))("%s: extrapolated differences agree to 1e-8", (name) => {
    const activation = activations[name]!;
    const laws = [
      centred(d),
      rotated(d),
      mixed(d),
      teacher({ dimension: d, neurons: 3, activation, noise: 0.5, seed: 1 }),
    ];
    laws.forEach((law, which) => {
      for (const unit of [ridge(activation), affine(activation)]) {
        const D = d + (unit.kind === "affine" ? 2 : 0);
        const normal = lehmer(101 + which);
        const theta = Float64Array.from({ length: n * D }, () => 0.6 * normal());
        const masses = Float64Array.from({ length: n }, (_, i) => (i + 1) / 21);
        const direction = theta.map(() => 0.5 * normal());
        const velocity = new Float64Array(n * D);
        const field = populationField({ law, unit });
        field.velocity(theta, n, velocity, { weights: masses });
        const expected = -velocity.reduce((sum, v, at) => sum + masses[Math.floor(at / D)]! * v * direction[at]!, 0);
        const energy = (h: number) =>
          0.5 *
          exactRisk(
            law,
            unit,
            theta.map((x, at) => x + h * direction[at]!),
            masses,
          );
        // Richardson from h = 0.04 halved three times: the error is h⁸ times a ninth derivative, and 1e-13 R/h of round-off
        let row = [0.04, 0.02, 0.01, 0.005].map((h) => (energy(h) - energy(-h)) / (2 * h));
        for (let power = 4; row.length > 1; power *= 4) {
          row = row.slice(1).map((finer, k) => (power * finer - row[k]!) / (power - 1));
        }
        const size = Math.sqrt(velocity.reduce((sum, v) => sum + v * v, 0));
        expect(Math.abs(row[0]! - expected), `${law.kind} ${unit.kind}`).toBeLessThan(1e-8 * size);
      }
    });
  });

  test("Ψ is half the slope of the risk in a particle's mass, and V + Σ m U", () => {
    for (const law of [mixed(d), teacher({ dimension: d, neurons: 3, activation: tanh(), seed: 1 })]) {
      const unit = affine(tanh());
      const D = d + 2;
      const normal = lehmer(7);
      const theta = Float64Array.from({ length: n * D }, normal);
      const masses = Float64Array.from({ length: n }, (_, i) => (i + 1) / 21);
      const potential = new Float64Array(n);
      populationField({ law, unit }).potential(theta, n, potential, { weights: masses });
      const row = (i: number) => theta.slice(i * D, (i + 1) * D);
      for (let i = 0; i < n; i++) {
        // R is a quadratic in the mass, so the central difference is exact
        const moved = (h: number) =>
          exactRisk(
            law,
            unit,
            theta,
            masses.map((m, j) => (j === i ? m + h : m)),
          );
        expect(Math.abs((moved(0.5) - moved(-0.5)) / 2 - potential[i]!)).toBeLessThan(1e-12);
        let sum = externalPotential({ law, unit }, row(i));
        for (let j = 0; j < n; j++) sum += masses[j]! * interaction({ law, unit }, row(i), row(j));
        expect(Math.abs(sum - potential[i]!)).toBeLessThan(1e-12);
      }
    }
  });
});

describe("V and U", () => {
  const plane = mixture([
    {
      weight: 1,
      mean: [0, 0],
      covariance: [
        [1, 0],
        [0, 1],
      ],
      label: 1,
    },
  ]);
  const row = (s: number, rho: number) => Float64Array.of(s * rho, s * Math.sqrt(1 - rho * rho));

  test("meet the reference pairs to 1e-10", () => {
    for (const { s1, s2, rho, value } of reference.reluPair.cases) {
      const u = interaction({ law: plane, unit: ridge(relu()) }, row(s1, 1), row(s2, rho));
      expect(Math.abs(u - value)).toBeLessThan(1e-10);
    }
    const pairs = [
      ...reference.erfPair.cases.map((x) => ({ ...x, activation: erf() })),
      ...reference.tanhPair.cases.map((x) => ({ ...x, activation: tanh() })),
    ];
    for (const { activation, v1, v2, c, value } of pairs) {
      const unit = ridge(activation);
      const rho = c / Math.sqrt(v1 * v2);
      const u = interaction({ law: plane, unit }, row(Math.sqrt(v1), 1), row(Math.sqrt(v2), rho));
      expect(Math.abs(u - value)).toBeLessThan(1e-10);
    }
  });

  test("meet the reference potentials of affine relu units to 1e-10", () => {
    const problem = { law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }), unit: affine(relu()) };
    const { neuron1, neuron2, U11, U12, U22, V1, V2, "V1WithBias0.3": V1Biased } = reference.reluPotentials;
    const [one, two] = [neuron1, neuron2].map(({ a, b, w }) => Float64Array.from([a, b, ...w])) as [
      Float64Array,
      Float64Array,
    ];
    const biased = Float64Array.from(one);
    biased[1] = 0.3;
    for (const [found, expected] of [
      [interaction(problem, one, one), U11],
      [interaction(problem, one, two), U12],
      [interaction(problem, two, one), U12],
      [interaction(problem, two, two), U22],
      [externalPotential(problem, one), V1],
      [externalPotential(problem, two), V2],
      [externalPotential(problem, biased), V1Biased],
    ] as const) {
      expect(Math.abs(found - expected)).toBeLessThan(1e-10);
    }
  });

  test("are sums over the atoms of a dataset, with K outputs", () => {
    const law = dataset({
      x: [
        [1, 2],
        [0, -1],
      ],
      y: [
        [1, 0, -1],
        [0.5, 2, 0],
      ],
      weights: [1, 3],
    }); // prettier-ignore
    const unit = affine(tanh(), { outputs: 3 });
    const theta = Float64Array.of(1, -2, 0.5, 0.1, 0.3, 0.4);
    const other = Float64Array.of(0.2, 1, 1, -0.3, -0.5, 0.1);
    const hidden = (t: Float64Array, x: number[]) => Math.tanh(t[3]! + t[4]! * x[0]! + t[5]! * x[1]!);
    const V = -0.25 * (1 - 0.5) * hidden(theta, [1, 2]) - 0.75 * (0.5 - 4) * hidden(theta, [0, -1]);
    const U =
      (0.2 - 2 + 0.5) *
      (0.25 * hidden(theta, [1, 2]) * hidden(other, [1, 2]) + 0.75 * hidden(theta, [0, -1]) * hidden(other, [0, -1]));
    expect(externalPotential({ law, unit }, theta)).toBeCloseTo(V, 14);
    expect(interaction({ law, unit }, theta, other)).toBeCloseTo(U, 14);
  });
});

describe("what the field knows", () => {
  const d = 4;
  const law = centred(d);
  const network = (unit: Unit, n: number, seed = 3) => {
    const D = d + (unit.kind === "affine" ? 2 : 0);
    const normal = lehmer(seed);
    return { D, theta: Float64Array.from({ length: n * D }, normal) };
  };
  const run = (problem: { law: Law; unit: Unit }, theta: Float64Array, n: number, options = {}) => {
    const out = new Float64Array(theta.length);
    const residual = populationField(problem).velocity(theta, n, out, options);
    return { out, residual };
  };

  test("how it was found", () => {
    const methods: [Unit, Law, string][] = [
      [ridge(relu()), law, "closed form"],
      [ridge(erf()), rotated(d), "closed form"],
      [affine(cosine()), mixed(d), "closed form"],
      [affine(square()), law, "closed form"],
      [affine(relu()), law, "series"],
      [ridge(relu()), mixed(d), "series"],
      [ridge(tanh()), law, "series"],
      [ridge(erf()), teacher({ dimension: d, neurons: 2, activation: tanh() }), "series"],
    ];
    for (const [unit, where, method] of methods) expect(populationField({ law: where, unit }).method).toBe(method);
  });

  test("a particle without mass feels the others and is not felt", () => {
    for (const unit of [ridge(figureOne), affine(tanh()), ridge(relu())]) {
      const { D, theta } = network(unit, 10);
      const alone = run({ law, unit }, theta.slice(0, 6 * D), 6).out;
      const weights = Float64Array.from({ length: 10 }, (_, i) => (i < 6 ? 1 / 6 : 0));
      const { out } = run({ law, unit }, theta, 10, { weights });
      // the order of the series is chosen for all rows together, within 1e-12
      for (let at = 0; at < 6 * D; at++) expect(Math.abs(out[at]! - alone[at]!)).toBeLessThan(1e-11);
      // a test particle on top of another has its velocity
      theta.copyWithin(8 * D, 2 * D, 3 * D);
      const again = run({ law, unit }, theta, 10, { weights }).out;
      for (let k = 0; k < D; k++) expect(Math.abs(again[8 * D + k]! - again[2 * D + k]!)).toBeLessThan(1e-11);
    }
  });

  test("trainOutput: false keeps a, an output bias is a shift of the labels, and E(y − f) is returned", () => {
    const { D, theta } = network(affine(tanh()), 5);
    const free = run({ law, unit: affine(tanh()) }, theta, 5);
    const held = run({ law, unit: affine(tanh(), { trainOutput: false }) }, theta, 5);
    free.out.forEach((v, at) => void expect(held.out[at]).toBe(at % D === 0 ? 0 : v));
    const [one, other] = [0.3, 0].map((shift) => {
      const where = mixture([
        {
          weight: 1,
          mean: [0.1, 0, 0, 0.2],
          covariance: [
            [1, 0, 0, 0],
            [0, 2, 0, 0],
            [0, 0, 1, 0.5],
            [0, 0, 0.5, 1],
          ],
          label: 0.8 - shift,
        },
      ]);
      return run({ law: where, unit: affine(tanh()) }, theta, 5, { outputBias: 0.3 - shift });
    });
    one!.out.forEach((v, at) => void expect(Math.abs(v - other!.out[at]!)).toBeLessThan(1e-15));
    // E(y − f) is minus Ψ of a unit that is 1: identity with w = 0, b = 1
    const unit = affine(identity());
    const lines = network(unit, 3).theta;
    lines.set([1, 1, 0, 0, 0, 0], 0);
    const potential = new Float64Array(3);
    const residual = populationField({ law: mixed(d), unit }).potential(lines, 3, potential);
    expect(residual).toBeCloseTo(-potential[0]!, 14);
  });

  test("a rotation of the law turns the field", () => {
    const unit = ridge(figureOne);
    const { theta } = network(unit, 6);
    const q = rotationMatrix(d, 3);
    const turned = theta.map((_, at) => {
      const i = Math.floor(at / d);
      let sum = 0;
      for (let k = 0; k < d; k++) sum += q[(at % d) * d + k]! * theta[i * d + k]!;
      return sum;
    });
    const upright = run({ law, unit }, theta, 6).out;
    const out = run({ law: rotated(d), unit }, turned, 6).out;
    for (let at = 0; at < out.length; at++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += q[(at % d) * d + k]! * upright[Math.floor(at / d) * d + k]!;
      expect(Math.abs(out[at]! - sum)).toBeLessThan(1e-12);
    }
  });

  // Ψ of a relu ridge unit is homogeneous of degree 1. ρ = 1 to round-off leaves an angle of 1e-8, which may not show.
  test("parallel relu neurons have the same velocity, and it is that of their sum", () => {
    const wide = anisotropicGaussians({ dimension: 40, signal: 10, delta: 0.5 });
    const normal = lehmer(31);
    const rows = Array.from({ length: 4 }, () => Array.from({ length: 40 }, () => 0.2 * normal()));
    const scales = [1, 3, 0.7, 0.1];
    const theta = Float64Array.from(rows.flatMap((w) => scales.flatMap((c) => w.map((x) => c * x))));
    const { out } = run({ law: wide, unit: ridge(relu()) }, theta, 16);
    const alone = run({ law: wide, unit: ridge(relu()) }, Float64Array.from(rows.flat()), 4, {
      weights: new Float64Array(4).fill(scales.reduce((sum, c) => sum + c, 0) / 16),
    }).out;
    for (let at = 0; at < out.length; at++) {
      const [row, k] = [Math.floor(at / 160), at % 40];
      expect(Math.abs(out[at]! - alone[row * 40 + k]!)).toBeLessThan(1e-14);
    }
  });

  test("the noise of a teacher's labels does not matter", () => {
    const unit = affine(relu());
    const { theta } = network(unit, 4);
    const [quiet, loud] = [0, 2].map((noise) =>
      run({ law: teacher({ dimension: d, neurons: 3, activation: relu(), noise, seed: 8 }), unit }, theta, 4),
    );
    expect(loud!.out).toEqual(quiet!.out);
  });

  test("no field of another evaluation: a field that is used again has the bits of a new one", () => {
    const unit = affine(tanh());
    const { theta } = network(unit, 40);
    theta.copyWithin(6, 0, 6);
    const field = populationField({ law, unit });
    const first = new Float64Array(theta.length);
    const second = new Float64Array(theta.length);
    field.velocity(theta, 40, first);
    field.velocity(
      theta.map((x) => 3 * x),
      40,
      second,
    ); // prettier-ignore
    field.velocity(theta.subarray(0, 60), 10, second.subarray(0, 60));
    field.velocity(theta, 40, second);
    expect(second).toEqual(first);
  });

  test("dead, huge and doubled neurons have finite velocities", () => {
    for (const unit of [ridge(relu()), affine(figureTwo), affine(tanh()), ridge(erf()), affine(cosine())]) {
      const { D, theta } = network(unit, 6);
      theta.fill(0, 0, D);
      for (let k = 0; k < D; k++) theta[D + k]! *= 300;
      theta.copyWithin(3 * D, 2 * D, 3 * D);
      for (let k = 0; k < D; k++) theta[4 * D + k] = -theta[2 * D + k]!;
      const { out } = run({ law: mixed(d), unit }, theta, 6);
      expect(out.every(Number.isFinite)).toBe(true);
    }
  });

  test("where there is no population gradient it says so, and what to do", () => {
    const unit = ridge(tanh());
    const bad: [Parameters<typeof populationField>[0], string, RegExp][] = [
      [{ law: dataset({ x: [[1]], y: [1] }), unit }, "problem.law.kind", /gradient: "full"/],
      [{ law: noExamples(2), unit }, "problem.law.kind", /confinement/],
      [
        { law: anisotropicGaussians({ dimension: "infinite", delta: 0.5 }), unit },
        "problem.law.dimension",
        /radialFlow/,
      ],
      [{ law, unit, loss: "logistic" }, "problem.loss", /quadrature/],
      [{ law, unit: affine(tanh(), { outputs: 2 }) }, "problem.unit.outputs", /one number/],
    ];
    for (const [problem, path, words] of bad) {
      let error: unknown;
      try {
        populationField(problem);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe(path);
      expect((error as SpecError).message).toMatch(words);
    }
    expect(() => externalPotential({ law, unit }, new Float64Array(3))).toThrow(SpecError);
    expect(() => interaction({ law: noExamples(2), unit }, new Float64Array(2), new Float64Array(2))).toThrow(
      SpecError,
    );
  });
});
