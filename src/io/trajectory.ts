// Recorded runs on file: one JSON with the specification inside; arrays as base64, so that every bit comes back.

import { SpecError } from "../engine/errors";
import { parseProcess } from "../process/schema";
import type { Ensemble, EnsembleObserved } from "../study/ensemble";
import { type Observable, type Observed, parseObservable } from "../study/observables";
import type { Provenance, Trajectory } from "../study/solve";
import { canonicalJson } from "./canonical";
import { measureToJson, numbersToJson, readList, readMeasure, readNumbers, readRecord } from "./measure";

/** Version of the file that this library writes, and the only one that it reads. */
export const FILE_VERSION = 1;

/**
 * A trajectory as plain JSON.
 *
 * @param run  what `solve` returned
 * @returns version, kind, the specification, and the arrays as { dtype, shape, data } in base64
 */
export function trajectoryToJson(run: Trajectory): unknown {
  return {
    version: FILE_VERSION,
    kind: "trajectory",
    process: JSON.parse(canonicalJson(run.process, "process")),
    times: numbersToJson(run.times),
    observables: mapValues(run.observables, ({ observable, shape, values, standardError, method }) => ({
      ...(observable && { observable: JSON.parse(canonicalJson(observable)) }),
      values: numbersToJson(values, shape),
      ...(standardError && { standardError: numbersToJson(standardError, shape) }),
      ...(method !== undefined && { method }),
    })),
    measures: run.measures ? run.measures.map(measureToJson) : null,
    status: run.status,
    warnings: run.warnings,
    provenance: { ...run.provenance },
  };
}

/**
 * A trajectory from plain JSON.
 *
 * @param json  what `trajectoryToJson` gave
 * @throws {SpecError} with the path of what is damaged or missing, or of a version that this library does not read
 */
export function trajectoryFromJson(json: unknown): Trajectory {
  const file = readFile(json, "trajectory");
  const times = readNumbers(file.times, "times");
  const status = file.status;
  if (status !== "done" && status !== "aborted") throw new SpecError("status", status, '"done" or "aborted"');
  const measures = file.measures === null ? null : readList(file.measures, "measures");
  if (measures && measures.length !== times.length) {
    throw new SpecError("measures", `${measures.length} measures`, `${times.length}, one a time`);
  }
  return {
    process: parseProcess(file.process),
    times,
    observables: readObservables(file.observables, (fields, path): Observed => {
      const { shape, values } = readShaped(fields.values, `${path}.values`, times.length);
      const { standardError, method } = fields;
      return {
        ...readObservable(fields.observable, path),
        shape,
        values,
        ...(standardError !== undefined && {
          standardError: readNumbers(standardError, `${path}.standardError`, values.length),
        }),
        ...(method !== undefined && { method: readText(method, `${path}.method`) }),
      };
    }),
    measures: measures ? measures.map((measure, i) => readMeasure(measure, `measures[${i}]`)) : null,
    status,
    ...readNotes(file),
  };
}

/**
 * An ensemble as plain JSON.
 *
 * @param run  what `ensemble` returned
 * @returns as `trajectoryToJson`, with the mean, its standard error, quantiles and every replica of each statistic
 */
export function ensembleToJson(run: Ensemble): unknown {
  return {
    version: FILE_VERSION,
    kind: "ensemble",
    process: JSON.parse(canonicalJson(run.process, "process")),
    replicas: run.replicas,
    times: numbersToJson(run.times),
    observables: mapValues(
      run.observables,
      ({ observable, shape, mean, standardError, quantiles, replicas, method }) => ({
        ...(observable && { observable: JSON.parse(canonicalJson(observable)) }),
        mean: numbersToJson(mean, shape),
        standardError: numbersToJson(standardError, shape),
        quantiles: {
          probabilities: quantiles.probabilities,
          values: quantiles.values.map((values) => numbersToJson(values, shape)),
        },
        replicas: replicas.map((values) => numbersToJson(values, shape)),
        ...(method !== undefined && { method }),
      }),
    ),
    warnings: run.warnings,
    provenance: { ...run.provenance },
  };
}

/**
 * An ensemble from plain JSON.
 *
 * @param json  what `ensembleToJson` gave
 * @throws {SpecError} as `trajectoryFromJson`
 */
export function ensembleFromJson(json: unknown): Ensemble {
  const file = readFile(json, "ensemble");
  const times = readNumbers(file.times, "times");
  const replicas = file.replicas;
  if (!Number.isInteger(replicas) || (replicas as number) < 1) {
    throw new SpecError("replicas", replicas, "a positive integer");
  }
  return {
    process: parseProcess(file.process),
    replicas: replicas as number,
    times,
    observables: readObservables(file.observables, (fields, path): EnsembleObserved => {
      const { shape, values: mean } = readShaped(fields.mean, `${path}.mean`, times.length);
      const all = readList(fields.replicas, `${path}.replicas`);
      if (all.length !== replicas) {
        throw new SpecError(`${path}.replicas`, `${all.length} replicas`, `${replicas}, as the ensemble has`);
      }
      const quantiles = readRecord(fields.quantiles, `${path}.quantiles`, "{ probabilities, values }");
      const probabilities = Array.from(readNumbers(quantiles.probabilities, `${path}.quantiles.probabilities`));
      const curves = readList(quantiles.values, `${path}.quantiles.values`);
      if (curves.length !== probabilities.length) {
        throw new SpecError(
          `${path}.quantiles.values`,
          `${curves.length} quantiles`,
          `${probabilities.length} of them`,
        );
      }
      const numbers = (value: unknown, where: string) => readNumbers(value, `${path}.${where}`, mean.length);
      return {
        ...readObservable(fields.observable, path),
        shape,
        mean,
        standardError: numbers(fields.standardError, "standardError"),
        quantiles: { probabilities, values: curves.map((one, i) => numbers(one, `quantiles.values[${i}]`)) },
        replicas: all.map((one, i) => numbers(one, `replicas[${i}]`)),
        ...(fields.method !== undefined && { method: readText(fields.method, `${path}.method`) }),
      };
    }),
    ...readNotes(file),
  };
}

function readObservable(value: unknown, path: string): { observable?: Observable } {
  return value === undefined ? {} : { observable: parseObservable(value, `${path}.observable`) };
}

/**
 * Checks the version of a file.
 *
 * @throws {SpecError} where it is missing or another
 */
export function checkVersion(version: unknown): void {
  if (version === FILE_VERSION) return;
  const later = typeof version === "number" && version > FILE_VERSION;
  throw new SpecError(
    "version",
    version,
    `${FILE_VERSION}, the version that this library reads`,
    later ? "A later meanfield wrote this file: update the library." : undefined,
  );
}

function readFile(json: unknown, kind: string): Record<string, unknown> {
  const file = readRecord(json, "file", `a recorded run, { version: ${FILE_VERSION}, kind: "${kind}", … }`);
  checkVersion(file.version);
  if (file.kind !== kind) throw new SpecError("kind", file.kind, `"${kind}"`);
  return file;
}

function readObservables<T>(
  json: unknown,
  read: (fields: Record<string, unknown>, path: string) => T,
): Record<string, T> {
  const all = readRecord(json, "observables", "statistics by name");
  return Object.fromEntries(
    Object.entries(all).map(([name, one]) => {
      const path = `observables.${name}`;
      return [name, read(readRecord(one, path, "a recorded statistic"), path)];
    }),
  );
}

function readShaped(json: unknown, path: string, times: number): { shape: number[]; values: Float64Array } {
  const values = readNumbers(json, path);
  const shape = [...(readRecord(json, path, "a tensor").shape as number[])];
  if (shape[0] !== times) throw new SpecError(`${path}.shape`, shape, `[${times}, …], as there are ${times} times`);
  return { shape, values };
}

function readNotes(file: Record<string, unknown>): { warnings: string[]; provenance: Provenance } {
  const warnings = readList(file.warnings, "warnings").map((text, i) => readText(text, `warnings[${i}]`));
  const notes = readRecord(file.provenance, "provenance", "{ version, backend, spec, conventions, method? }");
  for (const name of ["version", "backend", "spec", "conventions"]) readText(notes[name], `provenance.${name}`);
  if (notes.method !== undefined) readText(notes.method, "provenance.method");
  return { warnings, provenance: notes as unknown as Provenance };
}

function readText(json: unknown, path: string): string {
  if (typeof json !== "string") throw new SpecError(path, json, "text");
  return json;
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
