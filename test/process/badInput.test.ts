// Random specifications: valid ones come back from JSON as they were and can be run; with one field broken they are a SpecError
// that names that field. Not covered: two broken fields at once, objects with getters; parts that do not go together are in
// misfits.test.ts.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { DivergenceError, SpecError } from "../../src/engine/errors";
import { specHash } from "../../src/io/canonical";
import { measureFromJson, measureToJson } from "../../src/io/measure";
import type { Tensor } from "../../src/model/tensor";
import { type Process, parseProcess } from "../../src/process/schema";
import { open } from "../../src/study/open";
import { kinds, type Spec, spec } from "./randomSpecs";

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
  /** Kind of the process it stands in. */
  kind: string;
  set(value: unknown): void;
  remove(): void;
}

const isTensor = (value: unknown): value is Tensor => typeof value === "object" && value !== null && "dtype" in value;

// Every field of a spec; tensors, knots and walls not entered.
function places(value: unknown, path: string, kind = (value as Process).kind as string): Place[] {
  if (typeof value !== "object" || value === null || isTensor(value)) return [];
  const isPair =
    Array.isArray(value) && value.length === 2 && value.every((x) => typeof x === "number") && /knots|box/.test(path);
  if (isPair) return [];
  return Object.keys(value).flatMap((key) => {
    const holder = value as Record<string, unknown>;
    const here = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const set = (next: unknown): void => void (holder[key] = next);
    const place = { path: here, name: key, value: holder[key], kind, set, remove: () => void delete holder[key] };
    return [place, ...places(holder[key], here, kind)];
  });
}

const words = (text: string) => new Set(text.split(" "));
const OPTIONAL = words(
  "loss confinement temperature rotation signal weights a b outputs outputBias trainOutput trainBias noise batchSize schedule " +
    "replacement precision seed replica method cells rMax tolerance particles degree maxStep r2 gradient points timeStep " +
    "center box noiseStep carried examples order factorisation gradientNoise decay initialNoise reference momentum beta1 beta2 stabiliser " +
    "correction sampling",
);
const NULLABLE = words(
  "confinement weights cells rMax tolerance particles degree maxStep r2 points timeStep box noiseStep carried examples initialNoise correction",
);
const SIGNED = words("factor slope from to label a b w mean center decay");
const COUNTS = words("neurons batchSize seed replica degree outputs points cells examples order");

function isOptional({ name, path, kind }: Place): boolean {
  // τ is what Langevin dynamics and the Fokker–Planck equation are about
  if (name === "temperature") return kind === "sgd";
  if (name === "weight") return path.endsWith("confinement.weight");
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
    return COUNTS.has(place.name) && place.value !== null ? replace(place, (place.value as number) + 0.5) : false;
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
    if (!isTensor(place.value) || ["theta", "carried"].includes(place.name)) return false;
    const { dtype, shape, data } = place.value;
    const wider = [shape[0]! + 1, ...shape.slice(1)];
    const size = wider.reduce((product, n) => product * n, 1);
    const longer = new Float64Array(size).fill(0.5);
    longer.set(data);
    // of two tensors that do not fit, the error names the second
    if (["x", "values", "mean"].includes(place.name) || place.path.includes(".edges[")) return false;
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
      { seed: 21, numRuns: 90 },
    );
  });

  it("and the fields that were broken are all kinds of them", () => {
    const all =
      "kind law unit start activation neurons stepSize delta radius theta x y covariance mean weights knots slopes seed " +
      "schedule r1 r2 tolerance loss outputs outputBias confinement function center w edges masses gradient points method " +
      "timeStep limit temperature cells box";
    for (const name of words(all)) expect(seen).toContain(name);
  });
});

describe("a valid specification can be opened", () => {
  // The flows of the radii are left to their own tests: their operators take a while to set up.
  it.each(Object.keys(kinds).filter((kind) => kind !== "radialFlow"))(
    "%s: measured, saved, restored, moved by a step and freed",
    async (kind) => {
      const engine = await loadEngine();
      const before = engine.usage().live;
      let opened = 0;
      // most random boxes do not hold a random start
      const numRuns = kind === "fokkerPlanck" ? 160 : 40;
      const all = fc.sample(kinds[kind as keyof typeof kinds] as fc.Arbitrary<Spec>, { seed: 23, numRuns });
      for (const process of all.map((raw) => parseProcess(raw))) {
        if (process.kind === "nonlinear" && process.limit.kind === "radialFlow") continue;
        const simulation = await open(process).catch((error: unknown) => {
          // a box that does not hold the start is only known when the start is put on its cells
          if (error instanceof SpecError && error.path === "process.box") return null;
          throw error;
        });
        if (simulation === null) continue;
        opened++;
        const measure = simulation.measure();
        simulation.restore(simulation.save());
        expect(simulation.measure()).toEqual(measure);
        expect(measureFromJson(JSON.parse(JSON.stringify(measureToJson(measure))))).toEqual(measure);
        // exact gradients over a law take a while
        if ("stepSize" in process && !("gradient" in process && process.gradient === "population")) {
          await simulation.advance(process.stepSize).catch((error: unknown) => {
            if (!(error instanceof DivergenceError)) throw error;
          });
        }
        simulation.free();
        expect(engine.usage().live).toBe(before);
      }
      expect(opened).toBeGreaterThan(5);
    },
  );
});
