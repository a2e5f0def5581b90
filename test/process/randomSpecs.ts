// Random specifications of every process, as a user writes them: what may be left out sometimes is.

import fc from "fast-check";
import { type Activation, isSmooth } from "../../src/model/activation";
import { type Process, parseProcess } from "../../src/process/schema";

/** An object of a specification. */
export type Spec = Record<string, unknown>;

const real = fc.double({ min: -50, max: 50, noNaN: true });
const above0 = fc.double({ min: 1e-3, max: 50, noNaN: true });
const list = (length: number, item = real) => fc.array(item, { minLength: length, maxLength: length });
const matrix = (rows: number, columns: number) => fc.array(list(columns), { minLength: rows, maxLength: rows });
const word = (...words: string[]) => fc.constantFrom(...words);
const seed = fc.oneof(fc.nat(), fc.constant(2 ** 53 - 1));

const ascending = (length: number, from = -50) =>
  list(length, above0).map((steps) => {
    let at = from;
    return steps.map((step) => (at += step));
  });

const plainActivation = fc.oneof(
  word("relu", "truncatedRelu", "tanh", "erf", "logistic", "softplus", "silu", "cosine", "identity", "square").map(
    (kind) => ({
      kind,
    }),
  ),
  real.map((slope) => ({ kind: "leakyRelu", slope })),
  fc
    .integer({ min: 2, max: 5 })
    .chain((n) =>
      fc
        .tuple(ascending(n), list(n))
        .map(([at, values]) => ({ kind: "piecewiseLinear", knots: at.map((t, i) => [t, values[i]]) })),
    ),
  fc.tuple(real, above0, fc.integer({ min: 2, max: 6 })).chain(([from, width, n]) =>
    fc.record({
      kind: fc.constant("table"),
      from: fc.constant(from),
      to: fc.constant(from + width),
      values: list(n),
      slopes: list(n),
    }),
  ),
);

const activation = fc.oneof(
  { weight: 9, arbitrary: plainActivation },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("scaled"), factor: above0, activation: plainActivation }),
  },
);

const gaussians = (d: number) =>
  fc.record(
    {
      kind: fc.constant("anisotropicGaussians"),
      dimension: fc.constant(d),
      signal: fc.integer({ min: 1, max: d }),
      delta: fc.double({ min: 0, max: 0.99, noNaN: true }),
      rotation: fc.oneof(fc.constant("identity"), fc.record({ seed })),
    },
    { requiredKeys: ["kind", "dimension", "delta"] },
  );

const infinite = fc.record(
  {
    kind: fc.constant("anisotropicGaussians"),
    dimension: fc.constant("infinite"),
    signal: fc.double({ min: 0.01, max: 1, noNaN: true }),
    delta: fc.double({ min: 0, max: 0.99, noNaN: true }),
  },
  { requiredKeys: ["kind", "dimension", "delta"] },
);

type Loss = "squared" | "logistic" | "crossEntropy";

// Rows of K probabilities whose sum is 1 to round-off.
const probabilities = (K: number) =>
  list(K, above0).map((row) => {
    const total = row.reduce((sum, p) => sum + p, 0);
    return row.map((p) => p / total);
  });

// n labels that a loss takes of K outputs.
function labels(n: number, K: number, loss: Loss): fc.Arbitrary<unknown> {
  switch (loss) {
    case "squared":
      return K === 1 ? list(n) : matrix(n, K);
    case "logistic":
      return list(n, fc.constantFrom(1, -1) as never);
    case "crossEntropy":
      return fc.oneof(
        list(n, fc.integer({ min: 0, max: K - 1 }) as never),
        fc.array(probabilities(K), { minLength: n, maxLength: n }),
      );
  }
}

const finite = (d: number, K: number, loss: Loss) =>
  fc.integer({ min: 1, max: 4 }).chain((n) =>
    fc.record(
      {
        kind: fc.constant("dataset"),
        x: matrix(n, d),
        y: labels(n, K, loss),
        weights: fc.oneof(fc.constant(null), list(n, above0)),
      },
      { requiredKeys: ["kind", "x", "y"] },
    ),
  );

const none = (d: number) => fc.record({ kind: fc.constant("none"), dimension: fc.constant(d) });

const teacher = (d: number) =>
  fc.record(
    {
      kind: fc.constant("teacher"),
      dimension: fc.constant(d),
      neurons: fc.integer({ min: 1, max: 9 }),
      activation,
      noise: above0,
      seed,
    },
    { requiredKeys: ["kind", "dimension", "neurons", "activation"] },
  );

// A A′ is positive semidefinite for any A; one entry is computed once for both places.
const component = (d: number, label: fc.Arbitrary<number>) =>
  fc.record({ weight: above0, mean: list(d), label, covariance: matrix(d, d) }).map((part) => {
    const a = part.covariance;
    const product = (i: number, j: number): number => a[i]!.reduce((sum, x, k) => sum + x * a[j]![k]!, 0);
    return { ...part, covariance: a.map((_, i) => a.map((_, j) => product(Math.min(i, j), Math.max(i, j)))) };
  });
const mixture = (d: number, loss: Loss) =>
  fc.record({
    kind: fc.constant("mixture"),
    components: fc.array(component(d, loss === "logistic" ? fc.constantFrom(1, -1) : real), {
      minLength: 1,
      maxLength: 3,
    }),
  });

const spread = fc.oneof(real, fc.record({ mean: real, deviation: above0 }));
const radius = fc.oneof(
  above0,
  fc.record({ mean: above0, deviation: above0 }),
  fc.tuple(above0, above0).map(([from, width]) => ({ from, to: from + width })),
);

// A unit of K outputs; one of them for a ridge unit.
const unitOf = (K: number) => {
  const affine = fc.record(
    {
      kind: fc.constant("affine"),
      activation,
      trainOutput: fc.boolean(),
      trainBias: fc.boolean(),
      outputs: fc.constant(K),
      outputBias: fc.boolean(),
    },
    { requiredKeys: K === 1 ? ["kind", "activation"] : ["kind", "activation", "outputs"] },
  );
  return K === 1 ? fc.oneof(fc.record({ kind: fc.constant("ridge"), activation }), affine) : affine;
};

// Units whose activation has a second derivative.
const smooth = (units: (K: number) => fc.Arbitrary<Spec>) => (K: number) =>
  units(K).filter(({ activation }) => isSmooth(activation as Activation));

const potential = fc.oneof(
  fc.record({ kind: fc.constant("quadratic"), weight: above0, center: real }, { requiredKeys: ["kind", "weight"] }),
  fc.record(
    { kind: fc.constant("separable"), weight: above0, function: activation },
    { requiredKeys: ["kind", "function"] },
  ),
);

// A density on a grid of `axes` parameters.
const gridStart = (axes: number) =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: axes, maxLength: axes }).chain((cells) =>
    fc.record({
      kind: fc.constant("grid"),
      edges: fc.tuple(...cells.map((n) => ascending(n + 1))),
      masses: list(
        cells.reduce((product, n) => product * n, 1),
        above0,
      ),
    }),
  );

type StartKind = "gaussian" | "radii" | "normal" | "particles" | "grid";

// A start that fits its law and unit.
function start(law: Spec, one: Spec, d: number | null, kinds: readonly StartKind[]): fc.Arbitrary<Spec> {
  const whole = d === null ? 1 : d;
  const axes = law.kind === "anisotropicGaussians" && (law.signal ?? whole) !== whole ? 2 : 1;
  const isAffine = one.kind === "affine";
  const outer = isAffine ? { a: spread, b: spread } : {};
  const D = whole + (isAffine ? ((one.outputs as number | undefined) ?? 1) + 1 : 0);
  const r2 = axes === 2 ? radius : fc.constant(null);
  const required = (...keys: string[]) => ({ requiredKeys: ["kind", ...keys] as never[] });
  const starts: Record<StartKind, fc.Arbitrary<Spec> | null> = {
    gaussian: fc.record({ kind: fc.constant("gaussian"), radius: above0, ...outer }, required("radius")),
    radii: fc.record({ kind: fc.constant("radii"), r1: radius, r2, ...outer }),
    normal: d === null ? null : fc.record({ kind: fc.constant("normal"), w: spread, ...outer }, required("w")),
    particles: d === null ? null : fc.record({ kind: fc.constant("particles"), theta: matrix(3, D) }),
    grid: d !== null && D <= 2 ? gridStart(D) : null,
  };
  return fc.oneof(...kinds.flatMap((kind) => starts[kind] ?? []));
}

// A problem: what its law is, how many outputs and which loss its unit has, where it starts.
interface Shape {
  laws: (d: number, K: number, loss: Loss) => fc.Arbitrary<Spec>;
  dimension?: number;
  outputs?: readonly (readonly [K: number, loss: Loss])[];
  starts?: readonly StartKind[];
  confined?: boolean;
  units?: (K: number) => fc.Arbitrary<Spec>;
}

const ALL_OUTPUTS = [
  [1, "squared"],
  [1, "logistic"],
  [2, "squared"],
  [3, "crossEntropy"],
] as const;

const problemOf = ({
  laws,
  dimension = 4,
  outputs = ALL_OUTPUTS,
  starts = ["gaussian", "radii", "normal", "particles", "grid"],
  confined = true,
  units = unitOf,
}: Shape) =>
  fc.tuple(fc.integer({ min: 1, max: dimension }), fc.constantFrom(...outputs)).chain(([d, [K, loss]]) =>
    fc
      .tuple(laws(d, K, loss), units(K), confined ? fc.option(potential) : fc.constant(null))
      .chain(([law, one, confinement]) =>
        start(law, one, law.dimension === "infinite" ? null : d, starts).map((from) => ({
          law,
          unit: one,
          start: from,
          ...(loss === "squared" ? {} : { loss }),
          ...(confinement && { confinement }),
        })),
      ),
  );

const SAMPLED = (d: number, _: number, loss: Loss): fc.Arbitrary<Spec>[] => [
  gaussians(d),
  mixture(d, loss),
  ...(loss === "squared" ? [teacher(d)] : []),
];
const anyLaw = (d: number, K: number, loss: Loss) =>
  fc.oneof(finite(d, K, loss), ...(K === 1 ? SAMPLED(d, K, loss) : []));
const withNone = (d: number, K: number, loss: Loss) =>
  loss === "squared" && K === 1 ? fc.oneof(anyLaw(d, K, loss), none(d)) : anyLaw(d, K, loss);

const schedule = fc.oneof(
  fc.constant({ kind: "constant" }),
  fc.record({ kind: fc.constant("power"), exponent: above0, offset: above0 }),
  fc
    .integer({ min: 1, max: 3 })
    .chain((n) => fc.record({ kind: fc.constant("piecewise"), times: ascending(n, 0), factors: list(n, above0) })),
);

const neuronsOf = (problem: { start: Spec }) =>
  problem.start.kind === "particles" ? fc.constant(3) : fc.integer({ min: 1, max: 900 });
const draws = { precision: word("f32", "f64"), seed, replica: fc.nat() };
const nothingOr = <T>(value: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), value);

type Fields = Record<string, fc.Arbitrary<unknown>>;

// of an average, or of a velocity kept: in [0, 1)
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const sgd = fc.tuple(problemOf({ laws: anyLaw }), fc.boolean()).chain(([problem, noisyStep]) =>
  fc.record(
    {
      kind: fc.constant("sgd"),
      problem: fc.constant(problem),
      neurons: neuronsOf(problem),
      stepSize: above0,
      batchSize: fc.integer({ min: 1, max: 100 }),
      schedule,
      replacement: fc.constant(true),
      ...((noisyStep ? { temperature: above0 } : { momentum: share }) as Fields),
      ...draws,
    },
    { requiredKeys: ["kind", "problem", "neurons", "stepSize"] },
  ),
);

// The gradient that a law has, or nothing; points of a quadrature where there is one.
const gradientOf = ({ law }: { law: Spec }): Fields =>
  law.kind === "dataset" || law.kind === "none"
    ? { gradient: fc.constant("full") }
    : { gradient: fc.constant("population"), points: nothingOr(fc.integer({ min: 1, max: 5000 })) };

const gradientDescent = problemOf({ laws: withNone }).chain((problem) =>
  fc.record(
    {
      kind: fc.constant("gradientDescent"),
      problem: fc.constant(problem),
      neurons: neuronsOf(problem),
      stepSize: above0,
      ...gradientOf(problem),
      schedule,
      momentum: share,
      ...draws,
    },
    { requiredKeys: ["kind", "problem", "neurons", "stepSize"] },
  ),
);

// Processes in steps whose gradient is that of the law or of a batch.
const inSteps = (kind: string, fields: Fields, required: readonly string[]) =>
  problemOf({ laws: withNone }).chain((problem) =>
    fc
      .oneof<fc.Arbitrary<Fields>[]>(
        fc.constant(gradientOf(problem)),
        ...(problem.law.kind === "none"
          ? []
          : [
              fc.constant({
                gradient: fc.constant("batch"),
                batchSize: fc.integer({ min: 1, max: 100 }),
                replacement: fc.constant(true),
              }),
            ]),
      )
      .chain((gradient) =>
        fc.record(
          {
            kind: fc.constant(kind),
            problem: fc.constant(problem),
            neurons: neuronsOf(problem),
            stepSize: above0,
            ...fields,
            ...gradient,
            schedule,
            ...draws,
          },
          {
            requiredKeys: [
              "kind",
              "problem",
              "neurons",
              "stepSize",
              ...required,
              ...("batchSize" in gradient ? ["gradient"] : []),
            ] as never[],
          },
        ),
      ),
  );

const langevin = inSteps("langevin", { temperature: fc.oneof(fc.constant(0), above0) }, ["temperature"]);
const adam = inSteps("adam", { beta1: share, beta2: share, stabiliser: above0 }, []);

const gradientFlowOf = (problem: { law: Spec; start: Spec }) =>
  fc
    .oneof<fc.Arbitrary<Fields>[]>(
      fc.constant({
        method: fc.constant("dormandPrince"),
        tolerance: nothingOr(fc.double({ min: 1e-12, max: 0.1, noNaN: true })),
      }),
      fc.constant({ method: fc.constant("rungeKutta"), timeStep: above0 }),
    )
    .chain((method) =>
      fc.record(
        {
          kind: fc.constant("gradientFlow"),
          problem: fc.constant(problem),
          neurons: neuronsOf(problem),
          ...gradientOf(problem),
          ...method,
          schedule,
          seed,
          replica: fc.nat(),
        },
        {
          requiredKeys: [
            "kind",
            "problem",
            "neurons",
            ...("timeStep" in method ? ["method", "timeStep"] : []),
          ] as never[],
        },
      ),
    );
const gradientFlow = fc.oneof(
  { weight: 2, arbitrary: problemOf({ laws: withNone }).chain(gradientFlowOf) },
  {
    weight: 1,
    arbitrary: problemOf({ laws: finite, units: smooth(unitOf), confined: false }).chain((problem) =>
      fc.record({
        kind: fc.constant("gradientFlow"),
        problem: fc.constant(problem),
        neurons: neuronsOf(problem),
        correction: nothingOr(
          fc.record({ stepSize: above0, sampling: fc.constant("full") }, { requiredKeys: ["stepSize"] }),
        ),
      }),
    ),
  },
);

const numerics = {
  tolerance: fc.double({ min: 1e-12, max: 0.1, noNaN: true }),
  degree: fc.integer({ min: 2, max: 60 }),
  maxStep: above0,
};
const unbiased = (K: number) => unitOf(K).map((one) => ("outputBias" in one ? { ...one, outputBias: false } : one));
const RADIAL: Partial<Shape> = {
  outputs: [[1, "squared"]],
  starts: ["gaussian", "radii", "particles"],
  confined: false,
  units: unbiased,
};
const radialFlowOf = (problem: Spec) =>
  fc.record(
    {
      kind: fc.constant("radialFlow"),
      problem: fc.constant(problem),
      method: fc.constant("characteristics"),
      ...numerics,
    },
    { requiredKeys: ["kind", "problem"] },
  );
const radialFlow = problemOf({ ...RADIAL, laws: (d) => fc.oneof<fc.Arbitrary<Spec>[]>(gaussians(d), infinite) }).chain(
  radialFlowOf,
);

const nonlinearIn = (problem: { start: Spec }, limit: fc.Arbitrary<Spec>) =>
  fc.record(
    {
      kind: fc.constant("nonlinear"),
      problem: fc.constant(problem),
      neurons: neuronsOf(problem),
      limit,
      seed,
      replica: fc.nat(),
    },
    { requiredKeys: ["kind", "problem", "neurons", "limit"] },
  );
const nonlinear = fc.oneof(
  problemOf({ laws: withNone }).chain((problem) => nonlinearIn(problem, gradientFlowOf(problem))),
  problemOf({ ...RADIAL, laws: gaussians }).chain((problem) => nonlinearIn(problem, radialFlowOf(problem))),
);

const DENSE: Partial<Shape> = {
  dimension: 2,
  outputs: [
    [1, "squared"],
    [1, "logistic"],
  ],
  starts: ["gaussian", "grid"],
  units: () => fc.record({ kind: fc.constant("ridge"), activation }),
};
const fokkerPlanck = problemOf({
  ...DENSE,
  laws: (d, K, loss) => (loss === "squared" ? fc.oneof(finite(d, K, loss), none(d)) : finite(d, K, loss)),
}).chain((problem) => {
  const { law } = problem as { law: Spec };
  const d = law.kind === "none" ? (law.dimension as number) : (law.x as number[][])[0]!.length;
  const pair = ascending(2);
  return fc
    .oneof<fc.Arbitrary<Fields>[]>(
      fc.constant({ tolerance: fc.double({ min: 1e-12, max: 0.1, noNaN: true }), maxStep: above0 }),
      fc.constant({ timeStep: above0 }),
    )
    .chain((steps) =>
      fc.record(
        {
          kind: fc.constant("fokkerPlanck"),
          problem: fc.constant(problem),
          temperature: above0,
          cells: fc.integer({ min: 8, max: 40 }),
          box: fc.oneof(pair, fc.array(pair, { minLength: d, maxLength: d })),
          ...steps,
        },
        { requiredKeys: ["kind", "problem", "temperature"] as never[] },
      ),
    );
});

// ε, and time and noise steps that are whole parts of each other, or nothing.
const noisySteps = fc.tuple(above0, fc.integer({ min: 1, max: 5 }), above0).map(([noiseStep, ratio, stepSize]) => ({
  stepSize,
  timeStep: ratio * noiseStep,
  noiseStep,
}));
const batchSize = fc.integer({ min: 1, max: 100 });
const noisy = (fields: Fields, required: readonly string[]) =>
  noisySteps.chain(({ stepSize, timeStep, noiseStep }) =>
    fc
      .constantFrom<Fields[]>({}, { timeStep: fc.constant(timeStep), noiseStep: fc.constant(noiseStep) })
      .chain((steps) =>
        fc.record(
          { ...fields, stepSize: fc.constant(stepSize), batchSize, ...steps, seed, replica: fc.nat() },
          { requiredKeys: ["kind", "problem", "stepSize", ...required, ...Object.keys(steps)] as never[] },
        ),
      ),
  );

const widthOf = ({ law, unit: { kind, outputs } }: { law: Spec; unit: Spec }): number => {
  const d = Array.isArray(law.x) ? (law.x as number[][])[0]!.length : 0;
  return kind === "ridge" ? d : d + 1 + ((outputs as number | undefined) ?? 1);
};
const modifiedFlow = fc.oneof(
  problemOf({ laws: finite }).chain((problem) =>
    noisy(
      {
        kind: fc.constant("modifiedFlow"),
        problem: fc.constant(problem),
        neurons: neuronsOf(problem),
        order: fc.constant(1),
        method: word("eulerMaruyama", "heun"),
        carried: nothingOr(matrix(2, widthOf(problem))),
        schedule,
        precision: word("f32", "f64"),
      },
      ["neurons"],
    ),
  ),
  problemOf({ laws: finite, units: smooth(unitOf), confined: false }).chain((problem) =>
    noisy(
      {
        kind: fc.constant("modifiedFlow"),
        problem: fc.constant(problem),
        neurons: neuronsOf(problem),
        order: fc.constant(2),
      },
      ["neurons", "order"],
    ),
  ),
  problemOf({
    laws: (d, _, loss) => fc.oneof(...SAMPLED(d, 1, loss)),
    outputs: [
      [1, "squared"],
      [1, "logistic"],
    ],
    starts: ["gaussian", "radii", "normal", "particles"],
  })
    .filter(({ law, loss }) => (loss === "logistic") <= (law.kind !== "teacher"))
    .chain((problem) =>
      fc.record(
        {
          kind: fc.constant("modifiedFlow"),
          problem: fc.constant(problem),
          neurons: neuronsOf(problem),
          stepSize: above0,
          batchSize,
          points: nothingOr(fc.integer({ min: 1, max: 5000 })),
          examples: fc.integer({ min: 1, max: 9 }),
          timeStep: above0,
        },
        { requiredKeys: ["kind", "problem", "neurons", "stepSize"] },
      ),
    ),
);

const correlatedNoise = problemOf({ laws: finite }).chain((problem) =>
  fc.record(
    {
      kind: fc.constant("correlatedNoise"),
      problem: fc.constant(problem),
      neurons: problem.start.kind === "particles" ? fc.constant(3) : fc.integer({ min: 1, max: 20 }),
      stepSize: above0,
      batchSize,
      timeStep: above0,
      factorisation: word("pivotedCholesky", "eigen"),
      seed,
      replica: fc.nat(),
    },
    { requiredKeys: ["kind", "problem", "neurons", "stepSize"] },
  ),
);

const LINE: Partial<Shape> = { ...DENSE, dimension: 1 };
const smfeGrid = problemOf({ ...LINE, laws: finite }).chain((problem) =>
  noisy(
    {
      kind: fc.constant("smfeGrid"),
      problem: fc.constant(problem),
      gradientNoise: fc.boolean(),
      cells: fc.integer({ min: 8, max: 40 }),
      box: ascending(2),
    },
    [],
  ),
);

// a fluctuation of a start that is given particles has none of its own
const fluctuating = (problem: { start: Spec }, fields: Fields, initial: readonly string[]) =>
  noisy(
    {
      kind: fc.constant("fluctuations"),
      problem: fc.constant(problem),
      neurons: fc.integer({ min: 1, max: 900 }),
      initialNoise: word(...(problem.start.kind === "particles" ? ["none"] : initial)),
      gradientNoise: fc.boolean(),
      ...fields,
    },
    ["neurons", ...("method" in fields ? ["method"] : [])],
  );
const fluctuations = fc.oneof(
  problemOf({ laws: finite, units: smooth(unitOf), confined: false }).chain((problem) =>
    fluctuating(
      problem,
      problem.start.kind === "particles"
        ? {}
        : { particles: fc.integer({ min: 1, max: 60 }), reference: word("quadrature", "sample") },
      ["gaussian", "sample", "none"],
    ),
  ),
  problemOf({
    ...LINE,
    laws: finite,
    units: smooth(() => DENSE.units!(1) as fc.Arbitrary<Spec>),
    confined: false,
  }).chain((problem) =>
    fluctuating(problem, { method: fc.constant("grid"), cells: fc.integer({ min: 8, max: 40 }), box: ascending(2) }, [
      "gaussian",
      "none",
    ]),
  ),
);

/** Specifications of each kind of process. */
export const kinds = {
  sgd,
  gradientDescent,
  langevin,
  gradientFlow,
  nonlinear,
  radialFlow,
  fokkerPlanck,
  modifiedFlow,
  correlatedNoise,
  smfeGrid,
  fluctuations,
  adam,
};
/** Normalised specifications of all kinds. */
export const spec: fc.Arbitrary<Process> = fc.oneof(...Object.values(kinds)).map((raw) => parseProcess(raw));
