// Random specifications: valid ones come back from JSON as they were; with one field broken they are a SpecError that names
// that field. Not covered: two broken fields at once, objects with getters.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { specHash } from "../../src/io/canonical";
import type { Tensor } from "../../src/model/tensor";
import { type Process, parseProcess } from "../../src/process/schema";

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

const activation = fc.oneof(
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

const affine = fc.record(
  {
    kind: fc.constant("affine"),
    activation,
    trainOutput: fc.boolean(),
    outputs: fc.constant(1),
    outputBias: fc.constant(false),
  },
  { requiredKeys: ["kind", "activation"] },
);
const unit = fc.oneof(fc.record({ kind: fc.constant("ridge"), activation }), affine);

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

const finite = (d: number) =>
  fc.integer({ min: 1, max: 4 }).chain((n) =>
    fc.record(
      {
        kind: fc.constant("dataset"),
        x: matrix(n, d),
        y: list(n),
        weights: fc.oneof(fc.constant(null), list(n, above0)),
      },
      { requiredKeys: ["kind", "x", "y"] },
    ),
  );

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
const component = (d: number) =>
  fc.record({ weight: above0, mean: list(d), label: real, covariance: matrix(d, d) }).map((part) => {
    const a = part.covariance;
    const product = (i: number, j: number): number => a[i]!.reduce((sum, x, k) => sum + x * a[j]![k]!, 0);
    return { ...part, covariance: a.map((_, i) => a.map((_, j) => product(Math.min(i, j), Math.max(i, j)))) };
  });
const mixture = (d: number) =>
  fc.record({ kind: fc.constant("mixture"), components: fc.array(component(d), { minLength: 1, maxLength: 3 }) });

const spread = fc.oneof(real, fc.record({ mean: real, deviation: above0 }));
const radius = fc.oneof(
  above0,
  fc.record({ mean: above0, deviation: above0 }),
  fc.tuple(above0, above0).map(([from, width]) => ({ from, to: from + width })),
);

type Spec = Record<string, unknown>;

// A start that fits its law and unit.
function start(law: Spec, isAffine: boolean, d: number | null): fc.Arbitrary<Spec> {
  const whole = d === null ? 1 : d;
  const axes = law.kind === "anisotropicGaussians" && (law.signal ?? whole) !== whole ? 2 : 1;
  const outer = isAffine ? { a: spread, b: spread } : {};
  const r2 = axes === 2 ? radius : fc.constant(null);
  const optional = { requiredKeys: ["kind", "radius"] as never[] };
  const starts: fc.Arbitrary<Spec>[] = [
    fc.record({ kind: fc.constant("gaussian"), radius: above0, ...outer }, optional),
    fc.record({ kind: fc.constant("radii"), r1: radius, r2, ...outer }),
  ];
  if (d !== null) {
    starts.push(fc.record({ kind: fc.constant("particles"), theta: matrix(3, d + (isAffine ? 2 : 0)) }));
  }
  return fc.oneof(...starts);
}

const problemOf = (laws: (d: number) => fc.Arbitrary<Spec>, units: fc.Arbitrary<Spec>) =>
  fc.integer({ min: 1, max: 4 }).chain((d) =>
    fc.tuple(laws(d), units).chain(([law, one]) =>
      start(law, one.kind === "affine", law.dimension === "infinite" ? null : d).map((from) => ({
        law,
        unit: one,
        start: from,
      })),
    ),
  );

const schedule = fc.oneof(
  fc.constant({ kind: "constant" }),
  fc.record({ kind: fc.constant("power"), exponent: above0, offset: above0 }),
  fc
    .integer({ min: 1, max: 3 })
    .chain((n) => fc.record({ kind: fc.constant("piecewise"), times: ascending(n, 0), factors: list(n, above0) })),
);

const sgd = problemOf(
  (d) => fc.oneof<fc.Arbitrary<Spec>[]>(gaussians(d), finite(d), teacher(d), mixture(d)),
  unit,
).chain((problem) =>
  fc.record(
    {
      kind: fc.constant("sgd"),
      problem: fc.constant(problem),
      neurons: problem.start.kind === "particles" ? fc.constant(3) : fc.integer({ min: 1, max: 900 }),
      stepSize: above0,
      batchSize: fc.integer({ min: 1, max: 100 }),
      schedule,
      replacement: fc.constant(true),
      precision: word("f32", "f64"),
      seed,
      replica: fc.nat(),
    },
    { requiredKeys: ["kind", "problem", "neurons", "stepSize"] },
  ),
);

const numerics = {
  tolerance: fc.double({ min: 1e-12, max: 0.1, noNaN: true }),
  degree: fc.integer({ min: 2, max: 60 }),
  maxStep: above0,
};
const flow = problemOf((d) => fc.oneof<fc.Arbitrary<Spec>[]>(gaussians(d), infinite), unit).chain((problem) =>
  fc.record(
    {
      kind: fc.constant("radialFlow"),
      problem: fc.constant(problem),
      method: fc.constant("characteristics"),
      ...numerics,
    },
    { requiredKeys: ["kind", "problem"] },
  ),
);

const spec = fc.oneof(sgd, flow).map((raw) => parseProcess(raw));

describe("a valid specification", () => {
  it("comes back from JSON and from a clone as it was, with the same hash", () => {
    fc.assert(
      fc.property(spec, (process) => {
        const text = JSON.stringify(process);
        for (const copy of [JSON.parse(text), structuredClone(process), process]) {
          const again = parseProcess(copy);
          expect(again).toEqual(process);
          expect(JSON.stringify(again)).toBe(text);
          expect(specHash(again)).toBe(specHash(process));
        }
      }),
      { seed: 20, numRuns: 400 },
    );
  });
});

interface Place {
  path: string;
  name: string;
  value: unknown;
  set(value: unknown): void;
  remove(): void;
}

const isTensor = (value: unknown): value is Tensor => typeof value === "object" && value !== null && "dtype" in value;

// Every field of a spec, tensors and knots not entered.
function places(value: unknown, path: string): Place[] {
  if (typeof value !== "object" || value === null || isTensor(value)) return [];
  const isPair =
    Array.isArray(value) && value.length === 2 && value.every((x) => typeof x === "number") && path.includes("knots");
  if (isPair) return [];
  return Object.keys(value).flatMap((key) => {
    const holder = value as Record<string, unknown>;
    const here = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const set = (next: unknown): void => void (holder[key] = next);
    const place = { path: here, name: key, value: holder[key], set, remove: () => void delete holder[key] };
    return [place, ...places(holder[key], here)];
  });
}

const OPTIONAL = new Set(
  [
    "loss",
    "confinement",
    "temperature",
    "rotation",
    "signal",
    "weights",
    "a",
    "b",
    "outputs",
    "outputBias",
    "trainOutput",
    "noise",
    "batchSize",
    "schedule",
  ].concat([
    "replacement",
    "precision",
    "seed",
    "replica",
    "method",
    "cells",
    "rMax",
    "tolerance",
    "particles",
    "degree",
    "maxStep",
    "r2",
  ]),
);
const NULLABLE = new Set([
  "confinement",
  "weights",
  "cells",
  "rMax",
  "tolerance",
  "particles",
  "degree",
  "maxStep",
  "r2",
]);
const SIGNED = new Set(["slope", "from", "to", "label", "a", "b", "mean"]);

function isOptional({ name, path }: Place): boolean {
  return OPTIONAL.has(name) && !path.endsWith("rotation.seed");
}

// Ways of breaking a field; each says whether it applies, and then has done it.
function cyclic(): unknown {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
}

const breakers: Record<string, (place: Place) => boolean> = {
  missing: (place) => {
    if (isOptional(place) || /\[\d+\]$/.test(place.path)) return false;
    place.remove();
    return true;
  },
  null: (place) => {
    if (NULLABLE.has(place.name)) return false;
    place.set(null);
    return true;
  },
  NaN: (place) => replace(place, Number.NaN),
  "a bigint": (place) => replace(place, 1n),
  "a cyclic object": (place) => replace(place, cyclic()),
  infinite: (place) => replace(place, Number.NEGATIVE_INFINITY),
  huge: (place) => (typeof place.value === "number" ? replace(place, 1e300) : false),
  negative: (place) => {
    return typeof place.value === "number" && !SIGNED.has(place.name) ? replace(place, -1) : false;
  },
  "half an integer": (place) => {
    const counts = ["neurons", "batchSize", "seed", "replica", "degree", "outputs"];
    return counts.includes(place.name) && place.value !== null ? replace(place, (place.value as number) + 0.5) : false;
  },
  "a word": (place) => replace(place, "no such word"),
  "an empty list": (place) => replace(place, []),
  "an empty object": (place) =>
    typeof place.value === "object" || typeof place.value === "number" ? replace(place, {}) : false,
  "a function": (place) => replace(place, () => 1),
  "too long a tensor": (place) => {
    if (!isTensor(place.value)) return false;
    const { dtype, shape, data } = place.value;
    return replace(place, { dtype, shape, data: Float64Array.of(...data, 1) });
  },
  "one row too many": (place) => {
    if (!isTensor(place.value) || place.name === "theta") return false;
    const { dtype, shape, data } = place.value;
    const wider = [shape[0]! + 1, ...shape.slice(1)];
    const size = wider.reduce((product, n) => product * n, 1);
    const longer = new Float64Array(size).fill(0.5);
    longer.set(data);
    // of two tensors that do not fit, the error names the second
    if (["x", "values", "mean"].includes(place.name)) return false;
    return replace(place, { dtype, shape: wider, data: longer });
  },
  "a tensor with NaN": (place) => {
    if (!isTensor(place.value)) return false;
    const data = Float64Array.from(place.value.data);
    data[data.length - 1] = Number.NaN;
    return replace(place, { ...place.value, data });
  },
  "a tensor with a huge element": (place) => {
    if (!isTensor(place.value)) return false;
    const data = Float64Array.from(place.value.data);
    data[0] = -1e300;
    return replace(place, { ...place.value, data });
  },
  "a tensor of another type": (place) =>
    isTensor(place.value) ? replace(place, { ...place.value, dtype: "f16" }) : false,
  "a tensor in broken base64": (place) => {
    return isTensor(place.value) ? replace(place, { ...place.value, data: "A" }) : false;
  },
  "a detached tensor": (place) => {
    if (!isTensor(place.value)) return false;
    const data = Float64Array.from(place.value.data);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    return replace(place, { ...place.value, data });
  },
  "an unknown field": (place) => {
    if (typeof place.value !== "object" || place.value === null || Array.isArray(place.value)) return false;
    (place.value as Spec).colour = "red";
    return true;
  },
};

function replace(place: Place, value: unknown): boolean {
  place.set(value);
  return true;
}

describe("a specification with one broken field is a SpecError that names it", () => {
  const seen = new Set<string>();
  it.each(Object.keys(breakers))("%s", (way) => {
    fc.assert(
      fc.property(spec, (process: Process) => {
        for (let i = 0; i < places(process, "process").length; i++) {
          const broken = structuredClone(process);
          const place = places(broken, "process")[i]!;
          if (!breakers[way]!(place)) continue;
          seen.add(place.name);
          let error: unknown;
          try {
            parseProcess(broken);
          } catch (caught) {
            error = caught;
          }
          expect(error, `${place.path} went through`).toBeInstanceOf(SpecError);
          const { path, message } = error as SpecError;
          const isNamed = path === place.path || path.startsWith(`${place.path}.`) || path.startsWith(`${place.path}[`);
          expect(isNamed, `${place.path} is broken, but the error names ${path}: ${message}`).toBe(true);
        }
      }),
      { seed: 21, numRuns: 60 },
    );
  });

  it("and the fields that were broken are all kinds of them", () => {
    for (const name of [
      "kind",
      "law",
      "unit",
      "start",
      "activation",
      "neurons",
      "stepSize",
      "delta",
      "radius",
      "theta",
      "x",
      "y",
    ]) {
      expect(seen).toContain(name);
    }
    for (const name of [
      "covariance",
      "mean",
      "weights",
      "knots",
      "slopes",
      "seed",
      "schedule",
      "r1",
      "r2",
      "tolerance",
    ]) {
      expect(seen).toContain(name);
    }
  });
});
