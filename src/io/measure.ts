// Measures on file: arrays as base64, so that every bit comes back.

import { SpecError } from "../engine/errors";
import { fluctuation } from "../measure/fluctuation";
import { grid, type Measure, type Particles, particles } from "../measure/measure";
import { isRecord, join } from "../model/spec";
import { encodeTensor, readTensor } from "../model/tensor";

/**
 * A measure as plain JSON.
 *
 * @param measure  particles, a grid, or a fluctuation
 */
export function measureToJson(measure: Measure): unknown {
  if (measure.kind === "grid") {
    const { kind, coordinates, edges, masses } = measure;
    return { kind, coordinates, edges: edges.map((axis) => numbersToJson(axis)), masses: numbersToJson(masses) };
  }
  if (measure.kind === "fluctuation") {
    const { kind, base, weights, displacements, outputBias } = measure;
    return {
      kind,
      base: measureToJson(base),
      weights: numbersToJson(weights),
      displacements: numbersToJson(displacements),
      ...(outputBias && { outputBias: numbersToJson(outputBias) }),
    };
  }
  const { kind, coordinates, shape, values, weights, outputBias } = measure;
  return {
    kind,
    coordinates,
    values: encodeTensor({ dtype: "f64", shape, data: values }),
    weights: weights && numbersToJson(weights),
    ...(outputBias && { outputBias: numbersToJson(outputBias) }),
  };
}

/**
 * A measure from plain JSON.
 *
 * @param json  what `measureToJson` gave
 * @throws {SpecError} with the path of what is wrong
 */
export function measureFromJson(json: unknown): Measure {
  return readMeasure(json, "measure");
}

/** `measureFromJson` of a measure that stands inside something else, at `path`. */
export function readMeasure(json: unknown, path: string): Measure {
  const fields = readRecord(json, path, "a measure");
  return at(path, () => {
    if (fields.kind === "grid") {
      const axes = readList(fields.edges, "measure.edges");
      return grid({
        coordinates: fields.coordinates as "theta" | "radial",
        edges: axes.map((axis, i) => readNumbers(axis, `measure.edges[${i}]`)),
        masses: readNumbers(fields.masses, "measure.masses"),
      });
    }
    if (fields.kind === "fluctuation") {
      const bias = fields.outputBias ?? null;
      return fluctuation({
        base: readMeasure(fields.base, "measure.base") as Particles,
        weights: readNumbers(fields.weights, "measure.weights"),
        displacements: readNumbers(fields.displacements, "measure.displacements"),
        outputBias: bias === null ? null : readNumbers(bias, "measure.outputBias"),
      });
    }
    if (fields.kind !== "particles") {
      throw new SpecError("measure.kind", fields.kind, '"particles", "grid" or "fluctuation"');
    }
    const { shape, data } = readTensor(fields.values, "measure.values");
    if (shape.length !== 2) throw new SpecError("measure.values.shape", shape, "[N, D]");
    const weights = fields.weights ?? null;
    const bias = fields.outputBias ?? null;
    return particles({
      coordinates: fields.coordinates as "theta" | "radial",
      shape: shape as [number, number],
      values: Float64Array.from(data),
      weights: weights === null ? null : readNumbers(weights, "measure.weights"),
      outputBias: bias === null ? null : readNumbers(bias, "measure.outputBias"),
    });
  });
}

/** A list of numbers as JSON: bytes, because values may be NaN or infinite, which JSON has no words for. */
export function numbersToJson(values: Float64Array, shape: readonly number[] = [values.length]): unknown {
  return encodeTensor({ dtype: "f64", shape: [...shape], data: values });
}

/** Numbers from a tensor on file (or a plain list), NaN and infinities let through; there may be none. */
export function readNumbers(json: unknown, path: string, length?: number): Float64Array {
  const empty =
    (Array.isArray(json) && json.length === 0) ||
    (isRecord(json) && Array.isArray(json.shape) && json.shape.includes(0) && json.data === "");
  const data = empty ? new Float64Array(0) : Float64Array.from(readTensor(json, path, { finite: false }).data);
  if (length !== undefined && data.length !== length) {
    throw new SpecError(path, `${data.length} numbers`, `${length} numbers`);
  }
  return data;
}

/** An object with named fields. */
export function readRecord(json: unknown, path: string, expected: string): Record<string, unknown> {
  if (!isRecord(json)) throw new SpecError(path, json, expected);
  return json;
}

/** A list of anything. */
export function readList(json: unknown, path: string): unknown[] {
  if (!Array.isArray(json)) throw new SpecError(path, json, "a list");
  return json;
}

// The checks of measures speak of `measure…`; here it stands somewhere else.
function at<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SpecError) || !error.path.startsWith("measure")) throw error;
    throw new SpecError(join(path, error.path.slice("measure".length)), error.found, error.expected, error.remedy);
  }
}
